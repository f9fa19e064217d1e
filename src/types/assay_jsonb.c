/*
 * types/assay_jsonb.c
 *		Casts between assay and jsonb, and assays made of arrays.
 */
#include "retrack.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "types/assay.h"
#include "types/decimal.h"

static JsonbValue
string_value(const char *s)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, s);
	v.val.string.len = strlen(s);
	return v;
}

/* ppb as a fraction of 1, without trailing zeros. */
static JsonbValue
fraction_value(uint32 ppb)
{
	JsonbValue	v;
	int64		value = ppb;
	int			places = 9;

	for (; places > 0 && value % 10 == 0; places--)
		value /= 10;
	v.type = jbvNumeric;
	v.val.numeric = int64_div_fast_to_numeric(value, places);
	return v;
}

static void
push_member(JsonbParseState **state, const char *key, uint32 ppb)
{
	JsonbValue	k = string_value(key);
	JsonbValue	v = fraction_value(ppb);

	pushJsonbValue(state, WJB_KEY, &k);
	pushJsonbValue(state, WJB_VALUE, &v);
}

PG_FUNCTION_INFO_V1(assay_to_jsonb);
Datum
assay_to_jsonb(PG_FUNCTION_ARGS)
{
	AssayParts	parts;
	JsonbParseState *state = NULL;
	JsonbValue *result;

	rt_assay_unpack(PG_GETARG_ASSAY_PP(0), &parts);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (uint32 mask = parts.mask; mask != 0; mask &= mask - 1)
	{
		int			i = pg_rightmost_one_pos32(mask);
		JsonbValue	k = string_value(element_info[i].symbol);

		if (parts.sd[i] == 0)
		{
			push_member(&state, element_info[i].symbol, parts.ppb[i]);
			continue;
		}
		pushJsonbValue(&state, WJB_KEY, &k);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_member(&state, "fraction", parts.ppb[i]);
		push_member(&state, "sd", parts.sd[i]);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(result));
}

/* Reads what assay_in reads: the object, or a string that holds the text form. */
PG_FUNCTION_INFO_V1(jsonb_to_assay);
Datum
jsonb_to_assay(PG_FUNCTION_ARGS)
{
	Jsonb	   *j = PG_GETARG_JSONB_P(0);
	JsonbValue	scalar;
	char	   *s;

	if (JB_ROOT_IS_SCALAR(j) && JsonbExtractScalar(&j->root, &scalar) &&
		scalar.type == jbvString)
		s = pnstrdup(scalar.val.string.val, scalar.val.string.len);
	else if (JB_ROOT_IS_OBJECT(j))
		s = JsonbToCString(NULL, &j->root, VARSIZE(j));
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot cast jsonb to type %s: \"%s\"", "assay",
						JsonbToCString(NULL, &j->root, VARSIZE(j))),
				 errhint("Give an object of elements and fractions: {\"Nd\": 0.295, \"Dy\": \"1.1%%\"}.")));
	return rt_parse_assay(s, NULL);
}

/*
 * The fractions (or deviations) of an array, for the elements of the other one.
 * NULL is refused for a fraction and means none for a deviation.
 */
static void
read_fractions(ArrayType *array, const char *what, int n, const Element *elements,
			   bool null_is_zero, uint32 *ppb)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	if (count != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("an assay of %d elements needs as many %s", n, what),
				 errdetail("There are %d.", count)));
	for (int i = 0; i < n; i++)
	{
		const char *symbol = element_info[element_index(elements[i])].symbol;
		char	   *s;
		const char *p;
		Decimal		number;
		uint64		value;

		if (nulls[i] && null_is_zero)
			continue;
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("fraction of \"%s\" is NULL", symbol)));
		s = DatumGetCString(DirectFunctionCall1(numeric_out, values[i]));
		p = s;
		if (!rt_decimal_scan(&p, s + strlen(s), &number) ||
			(number.negative && number.digits < number.end) ||
			!rt_decimal_scale(&number, 9, ASSAY_PPB, &value))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("fraction or deviation \"%s\" of \"%s\" is not between 0 and 1", s, symbol)));
		ppb[element_index(elements[i])] = (uint32) value;
	}
}

/* make_assay(element[], numeric[] [, numeric[]]): elements, fractions, deviations. */
PG_FUNCTION_INFO_V1(make_assay);
Datum
make_assay(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *values;
	bool	   *nulls;
	int			n;
	Element		elements[ELEMENT_COUNT];
	AssayParts	parts;

	memset(&parts, 0, sizeof(parts));
	deconstruct_array(array, ARR_ELEMTYPE(array), 1, true, TYPALIGN_CHAR, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		Element		z;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("element of an assay is NULL")));
		z = DatumGetElement(values[i]);
		if (parts.mask & element_bit(z))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("element \"%s\" is named twice in an assay", element_info[element_index(z)].symbol)));
		parts.mask |= element_bit(z);
		elements[i] = z;		/* distinct, so there are no more than ELEMENT_COUNT */
	}
	read_fractions(PG_GETARG_ARRAYTYPE_P(1), "fractions", n, elements, false, parts.ppb);
	if (PG_NARGS() > 2)
		read_fractions(PG_GETARG_ARRAYTYPE_P(2), "deviations", n, elements, true, parts.sd);
	PG_RETURN_ASSAY_P(rt_assay_check_build(&parts));
}
