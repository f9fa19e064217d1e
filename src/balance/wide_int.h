/*
 * balance/wide_int.h
 *		Integers of 192 to 512 bits: what exact variances need.
 *
 * A number is an array of 64-bit limbs, least significant first, in two's
 * complement where it is signed.  The functions of the aggregate's inner loop
 * are inline and of fixed width; the others, in wide_int.c, take the number of
 * limbs.  No server header is used here, so that all of it is unit-tested and
 * fuzzed without a server.
 */
#ifndef RT_WIDE_INT_H
#define RT_WIDE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compilers make carry chains of these, but not of the portable forms. */
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define WIDE192_LIMBS 3
#define WIDE320_LIMBS 5
#define WIDE512_LIMBS 8
#define WIDE_LIMBS_MAX WIDE512_LIMBS

/* Longest decimal form: 155 digits, a leading zero, sign, point, terminator. */
#define WIDE_TEXT_MAX 176

/* palloc aligns to 8 bytes; a plain __int128 would be taken to be aligned to 16. */
typedef __int128 WideInt128 __attribute__((aligned(8)));
typedef unsigned __int128 WideUInt128 __attribute__((aligned(8)));

typedef struct Wide192
{
	uint64_t	w[WIDE192_LIMBS];
} Wide192;

typedef struct Wide320
{
	uint64_t	w[WIDE320_LIMBS];
} Wide320;

#ifdef __x86_64__
typedef unsigned char WideCarry;

static inline uint64_t
wide_add_limb(uint64_t a, uint64_t b, WideCarry *carry)
{
	unsigned long long r;

	*carry = _addcarry_u64(*carry, a, b, &r);
	return r;
}

static inline uint64_t
wide_subtract_limb(uint64_t a, uint64_t b, WideCarry *borrow)
{
	unsigned long long r;

	*borrow = _subborrow_u64(*borrow, a, b, &r);
	return r;
}
#else
typedef uint64_t WideCarry;

static inline uint64_t
wide_add_limb(uint64_t a, uint64_t b, WideCarry *carry)
{
	WideUInt128 t = (WideUInt128) a + b + *carry;

	*carry = (uint64_t) (t >> 64);
	return (uint64_t) t;
}

static inline uint64_t
wide_subtract_limb(uint64_t a, uint64_t b, WideCarry *borrow)
{
	WideUInt128 t = (WideUInt128) a - b - *borrow;

	*borrow = (uint64_t) (t >> 64) & 1;
	return (uint64_t) t;
}
#endif

/* a += b, both signed; true on overflow. */
static inline bool
wide192_add(Wide192 *a, const Wide192 *b)
{
	uint64_t	before = a->w[2];
	WideCarry	carry = 0;

	a->w[0] = wide_add_limb(a->w[0], b->w[0], &carry);
	a->w[1] = wide_add_limb(a->w[1], b->w[1], &carry);
	a->w[2] = wide_add_limb(a->w[2], b->w[2], &carry);
	return (~(before ^ b->w[2]) & (before ^ a->w[2])) >> 63;
}

/* a -= b, both signed; true on overflow. */
static inline bool
wide192_subtract(Wide192 *a, const Wide192 *b)
{
	uint64_t	before = a->w[2];
	WideCarry	borrow = 0;

	a->w[0] = wide_subtract_limb(a->w[0], b->w[0], &borrow);
	a->w[1] = wide_subtract_limb(a->w[1], b->w[1], &borrow);
	a->w[2] = wide_subtract_limb(a->w[2], b->w[2], &borrow);
	return ((before ^ b->w[2]) & (before ^ a->w[2])) >> 63;
}

static inline Wide192
wide192_from_int128(WideInt128 v)
{
	Wide192		r;

	r.w[0] = (uint64_t) v;
	r.w[1] = (uint64_t) (v >> 64);
	r.w[2] = v < 0 ? UINT64_MAX : 0;
	return r;
}

static inline bool
wide320_add(Wide320 *a, const Wide320 *b)
{
	uint64_t	before = a->w[4];
	WideCarry	carry = 0;

	a->w[0] = wide_add_limb(a->w[0], b->w[0], &carry);
	a->w[1] = wide_add_limb(a->w[1], b->w[1], &carry);
	a->w[2] = wide_add_limb(a->w[2], b->w[2], &carry);
	a->w[3] = wide_add_limb(a->w[3], b->w[3], &carry);
	a->w[4] = wide_add_limb(a->w[4], b->w[4], &carry);
	return (~(before ^ b->w[4]) & (before ^ a->w[4])) >> 63;
}

static inline bool
wide320_subtract(Wide320 *a, const Wide320 *b)
{
	uint64_t	before = a->w[4];
	WideCarry	borrow = 0;

	a->w[0] = wide_subtract_limb(a->w[0], b->w[0], &borrow);
	a->w[1] = wide_subtract_limb(a->w[1], b->w[1], &borrow);
	a->w[2] = wide_subtract_limb(a->w[2], b->w[2], &borrow);
	a->w[3] = wide_subtract_limb(a->w[3], b->w[3], &borrow);
	a->w[4] = wide_subtract_limb(a->w[4], b->w[4], &borrow);
	return ((before ^ b->w[4]) & (before ^ a->w[4])) >> 63;
}

/* a += b, b unsigned: beyond three limbs there is hardly ever anything to do; true on overflow. */
static inline bool
wide320_add_unsigned(Wide320 *a, const Wide192 *b)
{
	WideCarry	carry = 0;

	a->w[0] = wide_add_limb(a->w[0], b->w[0], &carry);
	a->w[1] = wide_add_limb(a->w[1], b->w[1], &carry);
	a->w[2] = wide_add_limb(a->w[2], b->w[2], &carry);
	return carry && ++a->w[3] == 0 && ++a->w[4] == UINT64_C(1) << 63;
}

/* a -= b, b unsigned; true on overflow. */
static inline bool
wide320_subtract_unsigned(Wide320 *a, const Wide192 *b)
{
	WideCarry	borrow = 0;

	a->w[0] = wide_subtract_limb(a->w[0], b->w[0], &borrow);
	a->w[1] = wide_subtract_limb(a->w[1], b->w[1], &borrow);
	a->w[2] = wide_subtract_limb(a->w[2], b->w[2], &borrow);
	return borrow && a->w[3]-- == 0 && a->w[4]-- == UINT64_C(1) << 63;
}

/* Unsigned 128 x 64 bits: 192 bits. */
static inline Wide192
wide192_product(WideUInt128 a, uint64_t b)
{
	WideUInt128 low = (WideUInt128) (uint64_t) a * b;
	WideUInt128 high = (WideUInt128) (uint64_t) (a >> 64) * b + (uint64_t) (low >> 64);
	Wide192		r;

	r.w[0] = (uint64_t) low;
	r.w[1] = (uint64_t) high;
	r.w[2] = (uint64_t) (high >> 64);
	return r;
}

/* Unsigned 192 x 64 bits: 256 bits, in a number of 320. */
static inline Wide320
wide320_product(const Wide192 *a, uint64_t b)
{
	WideUInt128 t = (WideUInt128) a->w[0] * b;
	Wide320		r;

	r.w[0] = (uint64_t) t;
	t = (WideUInt128) a->w[1] * b + (uint64_t) (t >> 64);
	r.w[1] = (uint64_t) t;
	t = (WideUInt128) a->w[2] * b + (uint64_t) (t >> 64);
	r.w[2] = (uint64_t) t;
	r.w[3] = (uint64_t) (t >> 64);
	r.w[4] = 0;
	return r;
}

extern bool wide_is_zero(const uint64_t *a, int n);
extern bool wide_is_negative(const uint64_t *a, int n);
extern void wide_negate(uint64_t *a, int n);

/* to[0..m) = a[0..n), sign-extended or cut. */
extern void wide_extend(uint64_t *to, int m, const uint64_t *a, int n);

/* a += b, both signed, of n limbs; true on overflow. */
extern bool wide_add(uint64_t *a, const uint64_t *b, int n);

/* a -= b, both unsigned, of n limbs; a >= b is the caller's promise. */
extern void wide_subtract(uint64_t *a, const uint64_t *b, int n);

/* Unsigned comparison: <0, 0, >0. */
extern int	wide_compare(const uint64_t *a, const uint64_t *b, int n);

/* product[0..na+nb) = a * b, unsigned; product overlaps neither. */
extern void wide_multiply(uint64_t *product, const uint64_t *a, int na, const uint64_t *b, int nb);

/* a = a * factor + addend, unsigned; true if it does not fit n limbs. */
extern bool wide_multiply_small(uint64_t *a, int n, uint64_t factor, uint64_t addend);

/* a = a / divisor, unsigned; returns the remainder. */
extern uint64_t wide_divide_small(uint64_t *a, int n, uint64_t divisor);

/* quotient = a / divisor, unsigned, of n limbs; divisor is not zero. */
extern void wide_divide(uint64_t *quotient, const uint64_t *a, const uint64_t *divisor, int n);

/* root = floor(sqrt(a)), unsigned, of n limbs; the top two bits of a are 0. */
extern void wide_square_root(uint64_t *root, const uint64_t *a, int n);

/* Nearest double of a signed number, to within 2 ulp. */
extern double wide_to_double(const uint64_t *a, int n);

/*
 * Prints the signed number times 10^-scale in decimal, without trailing zeros
 * after the point, into buf (WIDE_TEXT_MAX bytes); returns the length.
 */
extern int	wide_print(char *buf, const uint64_t *a, int n, int scale);

typedef enum WideParse
{
	WIDE_PARSE_OK,
	WIDE_PARSE_SYNTAX,
	WIDE_PARSE_SCALE,			/* digits other than 0 beyond the scale */
	WIDE_PARSE_RANGE			/* does not fit n limbs */
} WideParse;

/*
 * Reads what wide_print prints, and nothing rounded: [+-]digits[.digits], all
 * len bytes of it, as a signed number of n limbs in units of 10^-scale.
 */
extern WideParse wide_parse(const char *s, size_t len, uint64_t *a, int n, int scale);

#endif							/* RT_WIDE_INT_H */
