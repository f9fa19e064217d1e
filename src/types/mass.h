/*
 * types/mass.h
 *		SQL type "mass": int8 milligrams, passed by value.
 */
#ifndef RT_MASS_H
#define RT_MASS_H

#include "retrack.h"

typedef int64 Mass;				/* mg; the whole int64 range is legal */

#define MASS_MG_PER_KG INT64CONST(1000000)

/* Longest text form with its terminator: sign, 19 digits, point, unit. */
#define MASS_TEXT_MAX 40

/*
 * Reads "12.5 kg", "3t", "7 mg", "1.25" (kg), rounding half away from zero at
 * 1 mg.  The outcome tells syntax errors from values out of range.
 */
typedef enum MassParse
{
	MASS_PARSE_OK,
	MASS_PARSE_SYNTAX,
	MASS_PARSE_RANGE
} MassParse;
extern MassParse rt_mass_parse(const char *s, size_t len, Mass *result);

/* Prints into buf (MASS_TEXT_MAX bytes), returns the length; reads back exactly. */
extern int	rt_mass_print(Mass m, char *buf);

#define DatumGetMass(d) ((Mass) DatumGetInt64(d))
#define MassGetDatum(m) Int64GetDatum(m)
#define PG_GETARG_MASS(n) DatumGetMass(PG_GETARG_DATUM(n))
#define PG_RETURN_MASS(m) return MassGetDatum(m)

#endif							/* RT_MASS_H */
