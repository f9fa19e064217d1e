/*
 * types/formula.c
 *		SQL functions on chemical formulas.
 */
#include "retrack.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "types/formula.h"

/* of UTF-8 between s and end */
static int
count_characters(const char *s, const char *end)
{
	int			n = 0;

	for (; s < end; s++)
		n += ((unsigned char) *s & 0xC0) != 0x80;
	return n;
}

static void
read_formula(text *t, AssayParts *parts)
{
	char	   *s = text_to_cstring(t);
	char	   *utf8 = pg_server_to_any(s, strlen(s), PG_UTF8);
	const char *at;

	switch (rt_formula_parse(utf8, strlen(utf8), parts, &at))
	{
		case FORMULA_OK:
			return;
		case FORMULA_SYNTAX:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cannot read chemical formula \"%s\"", s),
					 errdetail("It breaks off or goes wrong at character %d.",
							   count_characters(utf8, at) + 1),
					 errhint("Examples: Nd2Fe14B, (Nd0.9Dy0.1)2Fe14B, La2(CO3)3*8H2O.")));
			break;
		case FORMULA_UNKNOWN:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cannot read chemical formula \"%s\"", s),
					 errdetail("No element with a known atomic weight is called \"%s\".",
							   pnstrdup(at, at[1] >= 'a' && at[1] <= 'z' ? 2 : 1))));
			break;
		case FORMULA_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("chemical formula \"%s\" is out of range", s),
					 errdetail("Numbers are above 0, have at most 6 decimals and come to at most a million atoms; parentheses nest at most 8 deep.")));
	}
}

PG_FUNCTION_INFO_V1(formula_fraction);
Datum
formula_fraction(PG_FUNCTION_ARGS)
{
	AssayParts	parts;

	read_formula(PG_GETARG_TEXT_PP(0), &parts);
	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(parts.ppb[element_index(PG_GETARG_ELEMENT(1))], 9));
}

PG_FUNCTION_INFO_V1(formula_assay);
Datum
formula_assay(PG_FUNCTION_ARGS)
{
	AssayParts	parts;

	read_formula(PG_GETARG_TEXT_PP(0), &parts);
	if (parts.mask == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("chemical formula \"%s\" holds no rare earth element",
						text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	/* Of nothing but rare earths. */
	rt_assay_trim_rounding(&parts);
	PG_RETURN_ASSAY_P(rt_assay_check_build(&parts));
}
