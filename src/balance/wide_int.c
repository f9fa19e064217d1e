/*
 * balance/wide_int.c
 *		Integers of 192 to 512 bits: what is needed once a result, not once a
 *		row.  Plain schoolbook algorithms: each is a microsecond at most.
 */
#include "balance/wide_int.h"

#include <math.h>
#include <string.h>

#define DECIMAL_CHUNK UINT64_C(1000000000000000000) /* 10^18, largest power in a limb */
#define DECIMAL_CHUNK_DIGITS 18

bool
wide_is_zero(const uint64_t *a, int n)
{
	uint64_t	any = 0;

	for (int i = 0; i < n; i++)
		any |= a[i];
	return any == 0;
}

bool
wide_is_negative(const uint64_t *a, int n)
{
	return a[n - 1] >> 63;
}

void
wide_negate(uint64_t *a, int n)
{
	WideCarry	carry = 1;

	for (int i = 0; i < n; i++)
		a[i] = wide_add_limb(~a[i], 0, &carry);
}

void
wide_extend(uint64_t *to, int m, const uint64_t *a, int n)
{
	uint64_t	sign = wide_is_negative(a, n) ? UINT64_MAX : 0;

	for (int i = 0; i < m; i++)
		to[i] = i < n ? a[i] : sign;
}

bool
wide_add(uint64_t *a, const uint64_t *b, int n)
{
	uint64_t	before = a[n - 1];
	WideCarry	carry = 0;

	for (int i = 0; i < n; i++)
		a[i] = wide_add_limb(a[i], b[i], &carry);
	return (~(before ^ b[n - 1]) & (before ^ a[n - 1])) >> 63;
}

void
wide_subtract(uint64_t *a, const uint64_t *b, int n)
{
	WideCarry	borrow = 0;

	for (int i = 0; i < n; i++)
		a[i] = wide_subtract_limb(a[i], b[i], &borrow);
}

int
wide_compare(const uint64_t *a, const uint64_t *b, int n)
{
	for (int i = n - 1; i >= 0; i--)
	{
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

void
wide_multiply(uint64_t *product, const uint64_t *a, int na, const uint64_t *b, int nb)
{
	memset(product, 0, sizeof(uint64_t) * (na + nb));
	for (int i = 0; i < na; i++)
	{
		uint64_t	carry = 0;

		for (int j = 0; j < nb; j++)
		{
			WideUInt128 t = (WideUInt128) a[i] * b[j] + product[i + j] + carry;

			product[i + j] = (uint64_t) t;
			carry = (uint64_t) (t >> 64);
		}
		product[i + nb] = carry;
	}
}

bool
wide_multiply_small(uint64_t *a, int n, uint64_t factor, uint64_t addend)
{
	uint64_t	carry = addend;

	for (int i = 0; i < n; i++)
	{
		WideUInt128 t = (WideUInt128) a[i] * factor + carry;

		a[i] = (uint64_t) t;
		carry = (uint64_t) (t >> 64);
	}
	return carry != 0;
}

uint64_t
wide_divide_small(uint64_t *a, int n, uint64_t divisor)
{
	uint64_t	remainder = 0;

	for (int i = n - 1; i >= 0; i--)
	{
		WideUInt128 t = ((WideUInt128) remainder << 64) | a[i];

		a[i] = (uint64_t) (t / divisor);
		remainder = (uint64_t) (t % divisor);
	}
	return remainder;
}

/* Number of the highest bit set plus one; 0 for zero. */
static int
count_bits(const uint64_t *a, int n)
{
	for (int i = n - 1; i >= 0; i--)
	{
		if (a[i] != 0)
			return i * 64 + 64 - __builtin_clzll(a[i]);
	}
	return 0;
}

/* to = a * 2^shift, shift below 64; returns the bits shifted out. */
static uint64_t
shift_left(uint64_t *to, const uint64_t *a, int n, int shift)
{
	uint64_t	out = 0;

	for (int i = 0; i < n; i++)
	{
		WideUInt128 t = (WideUInt128) a[i] << shift;

		to[i] = (uint64_t) t | out;
		out = (uint64_t) (t >> 64);
	}
	return out;
}

/*
 * A digit of the quotient: u[0..m] / v[0..m-1], from the upper three limbs of
 * one and two of the other (m >= 2, the top bit of v set).  At most one too large.
 */
static uint64_t
guess_digit(const uint64_t *u, const uint64_t *v, int m)
{
	WideUInt128 top = (WideUInt128) u[m] << 64 | u[m - 1];
	uint64_t	digit = u[m] >= v[m - 1] ? UINT64_MAX : (uint64_t) (top / v[m - 1]);
	WideUInt128 rest = top - (WideUInt128) digit * v[m - 1];

	while (rest >> 64 == 0 && (WideUInt128) digit * v[m - 2] > (rest << 64 | u[m - 2]))
	{
		digit--;
		rest += v[m - 1];
	}
	return digit;
}

/* u[0..m] -= digit * v[0..m-1]; true if that is below zero. */
static bool
subtract_multiple(uint64_t *u, const uint64_t *v, int m, uint64_t digit)
{
	uint64_t	carry = 0;
	WideCarry	borrow = 0;

	for (int i = 0; i < m; i++)
	{
		WideUInt128 t = (WideUInt128) digit * v[i] + carry;

		u[i] = wide_subtract_limb(u[i], (uint64_t) t, &borrow);
		carry = (uint64_t) (t >> 64);
	}
	u[m] = wide_subtract_limb(u[m], carry, &borrow);
	return borrow;
}

/* Long division by limbs: Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D. */
void
wide_divide(uint64_t *quotient, const uint64_t *a, const uint64_t *divisor, int n)
{
	uint64_t	u[WIDE_LIMBS_MAX + 1];
	uint64_t	v[WIDE_LIMBS_MAX];
	int			bits = count_bits(divisor, n);
	int			m = (bits + 63) / 64;
	int			shift = 64 * m - bits;

	if (m == 1)
	{
		memmove(quotient, a, sizeof(uint64_t) * n);
		wide_divide_small(quotient, n, divisor[0]);
		return;
	}
	shift_left(v, divisor, m, shift);
	u[n] = shift_left(u, a, n, shift);
	memset(quotient, 0, sizeof(uint64_t) * n);
	for (int j = n - m; j >= 0; j--)
	{
		quotient[j] = guess_digit(u + j, v, m);
		if (subtract_multiple(u + j, v, m, quotient[j]))
		{
			WideCarry	carry = 0;

			quotient[j]--;
			for (int i = 0; i < m; i++)
				u[j + i] = wide_add_limb(u[j + i], v[i], &carry);
			u[j + m] += carry;
		}
	}
}

/* a = the number before the point of x, which is from 0 to below 2^(64 n - 1). */
static void
set_double(uint64_t *a, int n, double x)
{
	int			exponent;
	uint64_t	mantissa = (uint64_t) ldexp(frexp(x, &exponent), 53);

	exponent -= 53;
	memset(a, 0, sizeof(uint64_t) * n);
	if (exponent <= 0)
		a[0] = exponent > -64 ? mantissa >> -exponent : 0;
	else
	{
		a[exponent / 64] = mantissa << (exponent % 64);
		if (exponent % 64 > 11)
			a[exponent / 64 + 1] = mantissa >> (64 - exponent % 64);
	}
}

/* Newton's iteration from above, which falls until it has reached the floor of the root. */
void
wide_square_root(uint64_t *root, const uint64_t *a, int n)
{
	uint64_t	next[WIDE_LIMBS_MAX];
	WideCarry	carry = 1;

	memset(root, 0, sizeof(uint64_t) * n);
	if (wide_is_zero(a, n))
		return;
	/* what a double may be off, and one: not below the root */
	set_double(root, n, sqrt(wide_to_double(a, n)) * (1 + 1e-14));
	for (int i = 0; i < n; i++)
		root[i] = wide_add_limb(root[i], 0, &carry);
	for (;;)
	{
		wide_divide(next, a, root, n);
		wide_add(next, root, n);
		for (int i = 0; i < n; i++)
			next[i] = next[i] >> 1 | (i + 1 < n ? next[i + 1] << 63 : 0);
		if (wide_compare(next, root, n) >= 0)
			return;
		memcpy(root, next, sizeof(uint64_t) * n);
	}
}

double
wide_to_double(const uint64_t *a, int n)
{
	uint64_t	magnitude[WIDE_LIMBS_MAX];
	bool		negative = wide_is_negative(a, n);
	double		r = 0;

	memcpy(magnitude, a, sizeof(uint64_t) * n);
	if (negative)
		wide_negate(magnitude, n);
	for (int i = n - 1; i >= 0; i--)
		r = r * 18446744073709551616.0 + (double) magnitude[i];
	return negative ? -r : r;
}

int
wide_print(char *buf, const uint64_t *a, int n, int scale)
{
	uint64_t	magnitude[WIDE_LIMBS_MAX];
	char		digits[WIDE_TEXT_MAX];	/* least significant first */
	int			count = 0;
	int			low = 0;
	char	   *p = buf;

	memcpy(magnitude, a, sizeof(uint64_t) * n);
	if (wide_is_negative(a, n))
	{
		wide_negate(magnitude, n);
		*p++ = '-';
	}
	for (;;)
	{
		uint64_t	chunk;

		while (n > 0 && magnitude[n - 1] == 0)
			n--;
		if (n == 0)
			break;
		chunk = wide_divide_small(magnitude, n, DECIMAL_CHUNK);
		for (int i = 0; i < DECIMAL_CHUNK_DIGITS; i++, chunk /= 10)
			digits[count++] = '0' + (char) (chunk % 10);
	}
	while (count > 0 && digits[count - 1] == '0')
		count--;
	while (count <= scale)
		digits[count++] = '0';
	while (low < scale && digits[low] == '0')
		low++;
	for (int i = count - 1; i >= low; i--)
	{
		if (i == scale - 1)
			*p++ = '.';
		*p++ = digits[i];
	}
	*p = '\0';
	return (int) (p - buf);
}

/* Appends the digits s[0..len) to the unsigned number; false if one is no digit. */
static bool
append_digits(const char *s, size_t len, uint64_t *a, int n, bool *overflow)
{
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return false;
		*overflow |= wide_multiply_small(a, n, 10, (uint64_t) (s[i] - '0'));
	}
	return true;
}

WideParse
wide_parse(const char *s, size_t len, uint64_t *a, int n, int scale)
{
	const char *end = s + len;
	const char *point;
	bool		negative = false;
	bool		overflow = false;
	size_t		decimals = 0;
	size_t		kept = 0;

	memset(a, 0, sizeof(uint64_t) * n);
	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	point = memchr(s, '.', (size_t) (end - s));
	if (point != NULL)
		decimals = (size_t) (end - point) - 1;
	if (s == end || point == s || (point != NULL && decimals == 0))
		return WIDE_PARSE_SYNTAX;
	if (!append_digits(s, (size_t) ((point ? point : end) - s), a, n, &overflow))
		return WIDE_PARSE_SYNTAX;
	if (point != NULL)
	{
		kept = decimals < (size_t) scale ? decimals : (size_t) scale;
		if (!append_digits(point + 1, kept, a, n, &overflow))
			return WIDE_PARSE_SYNTAX;
		for (const char *p = point + 1 + kept; p < end; p++)
		{
			if (*p < '0' || *p > '9')
				return WIDE_PARSE_SYNTAX;
		}
		for (const char *p = point + 1 + kept; p < end; p++)
		{
			if (*p != '0')
				return WIDE_PARSE_SCALE;
		}
	}
	for (; kept < (size_t) scale; kept++)
		overflow |= wide_multiply_small(a, n, 10, 0);
	if (overflow)
		return WIDE_PARSE_RANGE;
	if (negative)
		wide_negate(a, n);
	/* the one negative number without a positive counterpart is legal too */
	if (!wide_is_zero(a, n) && wide_is_negative(a, n) != negative)
		return WIDE_PARSE_RANGE;
	return WIDE_PARSE_OK;
}
