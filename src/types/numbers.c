/*
 * types/numbers.c
 *		Between the types and numeric, and between UTF-8 and the database's
 *		encoding.
 */
#include "retrack.h"

#include "catalog/namespace.h"
#include "common/string.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "types/decimal.h"
#include "types/numbers.h"

#ifndef HAVE_INT128
#error "retrack needs a compiler with 128-bit integers"
#endif

const char *
rt_server_to_utf8(const char *s)
{
	int			encoding = GetDatabaseEncoding();
	int			len = strlen(s);
	int			size;
	unsigned char *converted;
	Oid			proc;

	if (encoding == PG_UTF8 || pg_is_ascii(s))
		return s;
	if (encoding == PG_SQL_ASCII)
		return pg_verify_mbstr(PG_UTF8, s, len, true) ? s : NULL;
	proc = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(proc) || len > RT_CONVERTED_MAX)
		return NULL;
	size = len * MAX_CONVERSION_GROWTH + 1;
	converted = palloc(size);
	if (pg_do_encoding_conversion_buf(proc, encoding, PG_UTF8, (unsigned char *) unconstify(char *, s), len,
									  converted, size, true) != len)
		return NULL;
	return (const char *) converted;
}

text *
rt_utf8_text(const char *s)
{
	int			encoding = GetDatabaseEncoding();
	int			len = strlen(s);
	unsigned char converted[64];
	Oid			proc;

	Assert(len < (int) sizeof(converted) / MAX_CONVERSION_GROWTH);
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return cstring_to_text_with_len(s, len);
	proc = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(proc) ||
		pg_do_encoding_conversion_buf(proc, PG_UTF8, encoding, (unsigned char *) unconstify(char *, s), len,
									  converted, sizeof(converted), true) != len)
		return NULL;
	return cstring_to_text((char *) converted);
}

void
rt_mass_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("mass out of range"),
			 errdetail("A mass is at most 9223372036.854775807 t either way.")));
}

Mass
rt_decimal_text_to_mass(const char *s, int shift)
{
	const char *p = s;
	Decimal		number;
	uint64		mg;

	/* "NaN" and "Infinity" are no numbers. */
	if (!rt_decimal_scan(&p, s + strlen(s), &number) ||
		!rt_decimal_scale(&number, shift, (uint64) PG_INT64_MAX + number.negative, &mg))
		rt_mass_overflow();
	return (Mass) (number.negative ? UINT64CONST(0) - mg : mg);
}

Mass
rt_numeric_to_mass(Numeric n, int shift)
{
	char	   *s = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(n)));
	Mass		m = rt_decimal_text_to_mass(s, shift);

	pfree(s);
	return m;
}

void
rt_send_int128(StringInfo buf, int128 v)
{
	pq_sendint64(buf, (uint64) ((uint128) v >> 64));
	pq_sendint64(buf, (uint64) v);
}

int128
rt_receive_int128(StringInfo buf)
{
	uint64		high = (uint64) pq_getmsgint64(buf);

	return (int128) (((uint128) high << 64) | (uint64) pq_getmsgint64(buf));
}
