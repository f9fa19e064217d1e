/*
 * types/numbers.h
 *		Between the types and numeric, and between UTF-8 and the database's
 *		encoding.
 */
#ifndef RT_NUMBERS_H
#define RT_NUMBERS_H

#include "retrack.h"
#include "lib/stringinfo.h"
#include "utils/numeric.h"

#include "types/mass.h"

/*
 * A constant of ours, in UTF-8 and at most a few characters, as text in the
 * database's encoding; NULL if that has no such characters.
 */
extern text *rt_utf8_text(const char *s);

/* Longest text beyond ASCII that rt_server_to_utf8 converts; no value of ours is nearly as long. */
#define RT_CONVERTED_MAX (1024 * 1024)

/*
 * A text in the database's encoding in UTF-8: itself, or palloc'd.  NULL if
 * there is none, which input functions report softly, as pg_server_to_any cannot.
 */
extern const char *rt_server_to_utf8(const char *s);

/*
 * Numeric x 10^shift as a mass in mg, rounded half away from zero; raises 22003
 * if it is NaN, infinite or out of range.
 */
extern Mass rt_numeric_to_mass(Numeric n, int shift);

/* The same of a number as numeric or double precision prints it. */
extern Mass rt_decimal_text_to_mass(const char *s, int shift);

/* On the wire: 16 bytes, the upper ones first; reading past the end is 08P01. */
extern void rt_send_int128(StringInfo buf, int128 v);
extern int128 rt_receive_int128(StringInfo buf);

/* Raises 22003 "mass out of range". */
extern void rt_mass_overflow(void) pg_attribute_noreturn();

/* Raises 22003 unless v fits a mass. */
static inline Mass
rt_int128_to_mass(int128 v)
{
	if (unlikely(v > PG_INT64_MAX || v < PG_INT64_MIN))
		rt_mass_overflow();
	return (Mass) v;
}

/* v / divisor (> 0), rounded half away from zero. */
static inline int128
rt_divide_rounded(int128 v, int64 divisor)
{
	int128		q;
	int128		r;

	/* Dividing 64 bits is several times faster. */
	if (likely(v == (int64) v && divisor <= PG_INT64_MAX / 2))
	{
		int64		small = (int64) v / divisor;
		int64		rest = (int64) v % divisor;

		return small + (2 * rest >= divisor) - (2 * rest <= -divisor);
	}
	q = v / divisor;
	r = v % divisor;

	if (r < 0 ? -r >= divisor + r : r >= divisor - r)
		q += v < 0 ? -1 : 1;
	return q;
}

#endif							/* RT_NUMBERS_H */
