/*
 * types/assay.h
 *		SQL type "assay": mass fraction of each rare earth element.
 *
 * On disk: a varlena whose body is
 *		uint32	head		bits 0..16: elements present, by dense index;
 *							bit 31: standard deviations follow
 *		uint32	ppb[n]		fraction of each element present, in index order
 *		uint32	sd[n]		its standard deviation in ppb (0: none), only if bit 31
 * The form is canonical (bit 31 only if some sd is not 0), so equal values are
 * equal bytes.  An element may be present with fraction 0 (measured: none).
 * The sum of the fractions is at most 10^9; each sd is at most 10^9.
 *
 * Short varlena headers leave the body unaligned: it is read by memcpy only,
 * through the functions below, from PG_GETARG_VARLENA_PP / PG_DETOAST_DATUM_PACKED.
 */
#ifndef RT_ASSAY_H
#define RT_ASSAY_H

#include "retrack.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "types/element.h"
#include "types/mass.h"

#define ASSAY_PPB INT64CONST(1000000000)	/* 100 % */
#define ASSAY_MASK ((uint32) 0x1FFFF)
#define ASSAY_HAS_SD ((uint32) 0x80000000)

typedef struct varlena Assay;

/* An assay taken apart: what parsing fills and building reads. */
typedef struct AssayParts
{
	uint32		mask;			/* elements present, by dense index */
	uint32		ppb[ELEMENT_COUNT]; /* by dense index; 0 where absent */
	uint32		sd[ELEMENT_COUNT];	/* ditto; 0: no deviation stated */
} AssayParts;

static inline uint32
assay_head(const Assay *a)
{
	uint32		head;

	memcpy(&head, VARDATA_ANY(a), sizeof(head));
	return head;
}

static inline uint32
assay_mask(const Assay *a)
{
	return assay_head(a) & ASSAY_MASK;
}

static inline int
assay_count(const Assay *a)
{
	return pg_popcount32(assay_mask(a));
}

/* i-th entry in element order: fraction in ppb. */
static inline uint32
assay_ppb(const Assay *a, int i)
{
	uint32		v;

	memcpy(&v, VARDATA_ANY(a) + sizeof(uint32) * (1 + i), sizeof(v));
	return v;
}

/* i-th entry in element order: standard deviation in ppb; n is assay_count. */
static inline uint32
assay_sd(const Assay *a, int n, int i)
{
	uint32		v;

	if (!(assay_head(a) & ASSAY_HAS_SD))
		return 0;
	memcpy(&v, VARDATA_ANY(a) + sizeof(uint32) * (1 + n + i), sizeof(v));
	return v;
}

/* The same, with the checks: raises RTT01, 22023 or 22003. */
extern Assay *rt_assay_check_build(const AssayParts *parts);

/*
 * Fractions of at most 100 % together, each rounded, can add up to a little
 * more: takes 1 ppb off as many as need be.  A larger excess stays.
 */
extern void rt_assay_trim_rounding(AssayParts *parts);

/* Reads a text in the database's encoding; faults go to escontext, 0 is returned then. */
extern Datum rt_parse_assay(const char *s, Node *escontext);

/* Fraction of one element in ppb, 0 if absent. */
extern uint32 rt_assay_fraction(const Assay *a, int element_index);

/* An element's bit in a mask. */
static inline uint32
element_bit(Element z)
{
	return (uint32) 1 << element_index(z);
}

/* The elements of an element[], NULLs left out, as a mask. */
extern uint32 rt_element_array_mask(ArrayType *array);

extern void rt_assay_unpack(const Assay *a, AssayParts *parts);

/* Builds the canonical value in the current memory context. */
extern Assay *rt_assay_build(const AssayParts *parts);

/* Its standard deviation in ppb, 0 if absent or none is stated. */
extern uint32 rt_assay_deviation(const Assay *a, int element_index);

/* Mass of one element in mg, from its fraction in ppb; rounded half away from zero. */
extern Mass rt_element_mass(Mass m, uint32 ppb);

/*
 * Mass of oxide (REO) of a material in mg, exact rational arithmetic from the
 * standard atomic weights, rounded once, half away from zero; raises 22003 if
 * it does not fit.
 */
extern Mass rt_reo_mass(Mass m, const Assay *a);

/* Longest text form with its terminator: 17 entries "Xx=12.3456789%±12.3456789%,". */
#define ASSAY_TEXT_MAX 544

typedef enum AssayParse
{
	ASSAY_PARSE_OK,
	ASSAY_PARSE_SYNTAX,
	ASSAY_PARSE_EMPTY,			/* names no element */
	ASSAY_PARSE_UNKNOWN,		/* neither an element nor an oxide of trade */
	ASSAY_PARSE_DUPLICATE,		/* element (or element and oxide) named twice */
	ASSAY_PARSE_NEGATIVE,		/* fraction or deviation below zero */
	ASSAY_PARSE_DEVIATION,		/* standard deviation above 100 % */
	ASSAY_PARSE_TOTAL			/* one fraction or all of them above 100 % */
} AssayParse;

/* What was wrong: a piece of the text that was read, or an element. */
typedef struct AssayFault
{
	const char *at;				/* into the text; NULL if the fault has no place */
	int			len;
	Element		element;		/* of DUPLICATE, NEGATIVE, DEVIATION, TOTAL; or 0 */
	uint64		total;			/* of TOTAL: the sum in ppb; 0 if beyond counting */
} AssayFault;

/* Reads both text forms, "Nd=29.5%,Dy=3.15%±0.05%" and the JSON object. */
extern AssayParse rt_assay_parse(const char *s, size_t len, AssayParts *parts, AssayFault *fault);

/* Checks what building relies on: at least one element, total, deviations. */
extern AssayParse rt_assay_check(const AssayParts *parts, AssayFault *fault);

/*
 * Prints the canonical text into buf (ASSAY_TEXT_MAX bytes), returns the length.
 * In ASCII, for encodings that may not have the character ±, that is "+/-".
 */
extern int	rt_assay_print(const AssayParts *parts, bool ascii, char *buf);

#define DatumGetAssayPP(d) ((Assay *) PG_DETOAST_DATUM_PACKED(d))
#define PG_GETARG_ASSAY_PP(n) DatumGetAssayPP(PG_GETARG_DATUM(n))
#define PG_RETURN_ASSAY_P(x) PG_RETURN_POINTER(x)

#endif							/* RT_ASSAY_H */
