/*
 * types/assay_ops.c
 *		What one asks an assay: fraction of an element, which elements it names,
 *		whether it holds at least what another one states.
 */
#include "retrack.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "types/assay.h"

PG_FUNCTION_INFO_V1(fraction);
Datum
fraction(PG_FUNCTION_ARGS)
{
	uint32		ppb = rt_assay_fraction(PG_GETARG_ASSAY_PP(0),
										element_index(PG_GETARG_ELEMENT(1)));

	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(ppb, 9));
}

PG_FUNCTION_INFO_V1(fraction_sd);
Datum
fraction_sd(PG_FUNCTION_ARGS)
{
	uint32		sd = rt_assay_deviation(PG_GETARG_ASSAY_PP(0),
										element_index(PG_GETARG_ELEMENT(1)));

	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(sd, 9));
}

PG_FUNCTION_INFO_V1(total_fraction);
Datum
total_fraction(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	int			n = assay_count(a);
	int64		total = 0;

	for (int i = 0; i < n; i++)
		total += assay_ppb(a, i);
	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(total, 9));
}

static inline bool
has_element(const Assay *a, Element z)
{
	return (assay_mask(a) & element_bit(z)) != 0;
}

PG_FUNCTION_INFO_V1(assay_get);
Datum
assay_get(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	Element		z = PG_GETARG_ELEMENT(1);

	if (!has_element(a, z))
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(rt_assay_fraction(a, element_index(z)), 9));
}

PG_FUNCTION_INFO_V1(assay_has);
Datum
assay_has(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(has_element(PG_GETARG_ASSAY_PP(0), PG_GETARG_ELEMENT(1)));
}

uint32
rt_element_array_mask(ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;
	uint32		mask = 0;

	deconstruct_array(array, ARR_ELEMTYPE(array), 1, true, TYPALIGN_CHAR, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			mask |= element_bit(DatumGetElement(values[i]));
	}
	return mask;
}

PG_FUNCTION_INFO_V1(assay_has_any);
Datum
assay_has_any(PG_FUNCTION_ARGS)
{
	uint32		wanted = rt_element_array_mask(PG_GETARG_ARRAYTYPE_P(1));

	PG_RETURN_BOOL((assay_mask(PG_GETARG_ASSAY_PP(0)) & wanted) != 0);
}

PG_FUNCTION_INFO_V1(assay_has_all);
Datum
assay_has_all(PG_FUNCTION_ARGS)
{
	uint32		wanted = rt_element_array_mask(PG_GETARG_ARRAYTYPE_P(1));

	PG_RETURN_BOOL((assay_mask(PG_GETARG_ASSAY_PP(0)) & wanted) == wanted);
}

/* Has a every element of b, with at least b's fraction?  Deviations do not count. */
static bool
contains(const Assay *a, const Assay *b)
{
	uint32		mask_a = assay_mask(a);
	uint32		mask_b = assay_mask(b);
	int			i = 0;

	if ((mask_a & mask_b) != mask_b)
		return false;
	for (; mask_b != 0; mask_b &= mask_b - 1)
	{
		uint32		bit = mask_b & -mask_b;

		if (assay_ppb(a, pg_popcount32(mask_a & (bit - 1))) < assay_ppb(b, i++))
			return false;
	}
	return true;
}

PG_FUNCTION_INFO_V1(assay_contains);
Datum
assay_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains(PG_GETARG_ASSAY_PP(0), PG_GETARG_ASSAY_PP(1)));
}

PG_FUNCTION_INFO_V1(assay_contained);
Datum
assay_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains(PG_GETARG_ASSAY_PP(1), PG_GETARG_ASSAY_PP(0)));
}

/* elements(assay): the array of the elements present, in order. */
PG_FUNCTION_INFO_V1(elements_of_assay);
Datum
elements_of_assay(PG_FUNCTION_ARGS)
{
	uint32		mask = assay_mask(PG_GETARG_ASSAY_PP(0));
	Oid			array_type = get_func_rettype(fcinfo->flinfo->fn_oid);
	Datum		values[ELEMENT_COUNT];
	int			n = 0;

	for (; mask != 0; mask &= mask - 1)
		values[n++] = ElementGetDatum(element_from_index(pg_rightmost_one_pos32(mask)));
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, get_element_type(array_type),
										  1, true, TYPALIGN_CHAR));
}

/* Rows (element, fraction, sd); sd is NULL where none is stated. */
PG_FUNCTION_INFO_V1(assay_elements);
Datum
assay_elements(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	AssayParts *parts;			/* mask: elements still to come */
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	int			i;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->tuple_desc = BlessTupleDesc(call->tuple_desc);
		call->user_fctx = palloc(sizeof(AssayParts));
		rt_assay_unpack(PG_GETARG_ASSAY_PP(0), call->user_fctx);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	parts = call->user_fctx;
	if (parts->mask == 0)
		SRF_RETURN_DONE(call);
	i = pg_rightmost_one_pos32(parts->mask);
	parts->mask &= parts->mask - 1;
	values[0] = ElementGetDatum(element_from_index(i));
	values[1] = NumericGetDatum(int64_div_fast_to_numeric(parts->ppb[i], 9));
	values[2] = NumericGetDatum(int64_div_fast_to_numeric(parts->sd[i], 9));
	nulls[2] = parts->sd[i] == 0;
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
