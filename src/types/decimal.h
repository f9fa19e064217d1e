/*
 * types/decimal.h
 *		Decimal numbers in text, scaled to integers without any rounding on
 *		the way: what mass and assay read.  Pure: no fmgr, no allocation.
 */
#ifndef RT_DECIMAL_H
#define RT_DECIMAL_H

#include "retrack.h"

/* A scanned number; points into the text that was scanned. */
typedef struct Decimal
{
	bool		negative;
	const char *digits;			/* from the first digit that is not 0 */
	const char *end;			/* behind the last digit; a point may stand between */
	int			point;			/* value = 0.d1d2d3... x 10^point */
} Decimal;

/*
 * Reads [sign] digits [. digits] [e exponent] at *s, not beyond end, and moves
 * *s behind it.  No blanks, no NaN, no infinity: false, *s untouched.
 */
extern bool rt_decimal_scan(const char **s, const char *end, Decimal *d);

/*
 * |d| x 10^shift, rounded half away from zero to an integer; false if that is
 * above limit.
 */
extern bool rt_decimal_scale(const Decimal *d, int shift, uint64 limit, uint64 *result);

/* Is |d| x 10^shift an integer? */
extern bool rt_decimal_is_multiple(const Decimal *d, int shift);

/*
 * |d| x 10^shift x p / q, rounded once, half away from zero; false if that is
 * above limit.  Needs limit < 2^32, p <= q < 2^31, q > 0.
 */
extern bool rt_decimal_scale_ratio(const Decimal *d, int shift, uint64 p, uint64 q,
								   uint64 limit, uint64 *result);

/* Prints value / 10^places without trailing zeros into buf, returns the length. */
extern int	rt_decimal_print(uint64 value, int places, char *buf);

#endif							/* RT_DECIMAL_H */
