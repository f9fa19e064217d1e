/*
 * codes.c
 *		Codes of countries, currencies and tariff lines in CHECK constraints: at a
 *		tenth of a regular expression's cost, which a bulk load pays for each row.
 */
#include "retrack.h"

PG_FUNCTION_INFO_V1(is_capitals);
PG_FUNCTION_INFO_V1(is_digits);

/* Whether the text is least to most bytes, all of them between two. */
static bool
is_code(text *code, char first, char last, int32 least, int32 most)
{
	const char *p = VARDATA_ANY(code);
	int			len = VARSIZE_ANY_EXHDR(code);

	if (len < least || len > most)
		return false;
	for (int i = 0; i < len; i++)
		if (p[i] < first || p[i] > last)
			return false;
	return true;
}

/*
 * is_capitals(code text, length integer): whether it is so many of A to Z.
 */
Datum
is_capitals(PG_FUNCTION_ARGS)
{
	int32		length = PG_GETARG_INT32(1);

	PG_RETURN_BOOL(is_code(PG_GETARG_TEXT_PP(0), 'A', 'Z', length, length));
}

/*
 * is_digits(code text, min_length integer, max_length integer): whether it is so many of 0 to 9.
 */
Datum
is_digits(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_code(PG_GETARG_TEXT_PP(0), '0', '9', PG_GETARG_INT32(1), PG_GETARG_INT32(2)));
}
