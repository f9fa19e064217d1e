/*
 * types/licence_id.h
 *		SQL type "licence_id": 8 bytes by value; year, office, serial.
 *
 * The ten characters (2 digits of year, 2 of office, 6 of serial, each of the
 * latter 0-9A-Z) are one mixed-radix number, so integer order is the order of
 * the ten characters: value = year * 36^8 + the eight others base 36.
 */
#ifndef RT_LICENCE_ID_H
#define RT_LICENCE_ID_H

#include "retrack.h"

typedef uint64 LicenceId;

#define LICENCE_ID_RADIX_SERIAL UINT64CONST(2821109907456)	/* 36^8 */
#define LICENCE_ID_MAX (UINT64CONST(100) * LICENCE_ID_RADIX_SERIAL - 1)
#define LICENCE_ID_TEXT_MAX 16	/* "25-AA-001234-A" and its terminator */

typedef enum LicenceIdParse
{
	LICENCE_ID_OK,
	LICENCE_ID_SYNTAX,
	LICENCE_ID_CHECK			/* well-formed, but the check character is wrong */
} LicenceIdParse;
/* On LICENCE_ID_CHECK *expected is the right check character. */
extern LicenceIdParse rt_licence_id_parse(const char *s, size_t len, LicenceId *result, char *expected);

/* Prints with (or without) check character into buf, returns the length. */
extern int	rt_licence_id_print(LicenceId id, bool with_check, char *buf);

/*
 * ISO 7064 MOD 37,36 check character of the given characters (0-9A-Z, any
 * case); '\0' if there is another character among them.
 */
extern char rt_check_character(const char *s, size_t len);

#define DatumGetLicenceId(d) DatumGetUInt64(d)
#define LicenceIdGetDatum(x) UInt64GetDatum(x)
#define PG_GETARG_LICENCE_ID(n) DatumGetLicenceId(PG_GETARG_DATUM(n))
#define PG_RETURN_LICENCE_ID(x) return LicenceIdGetDatum(x)

#endif							/* RT_LICENCE_ID_H */
