/*
 * types/assay_gin.c
 *		GIN operator class of assay: its keys are the elements present.
 *
 * Which elements are present is all that ?, ?| and ?& ask, so they are exact;
 * @> has to look at the fractions too and rechecks.
 */
#include "retrack.h"

#include "access/gin.h"
#include "access/stratnum.h"

#include "types/assay.h"

/* strategy numbers, as jsonb_ops has them */
#define ASSAY_CONTAINS	7
#define ASSAY_HAS		9
#define ASSAY_HAS_ANY	10
#define ASSAY_HAS_ALL	11

static Datum *
keys_of_mask(uint32 mask, int32 *n)
{
	Datum	   *keys = palloc(sizeof(Datum) * ELEMENT_COUNT);

	*n = 0;
	for (; mask != 0; mask &= mask - 1)
		keys[(*n)++] = ElementGetDatum(element_from_index(pg_rightmost_one_pos32(mask)));
	return keys;
}

PG_FUNCTION_INFO_V1(assay_gin_extract_value);
Datum
assay_gin_extract_value(PG_FUNCTION_ARGS)
{
	int32	   *n = (int32 *) PG_GETARG_POINTER(1);

	PG_RETURN_POINTER(keys_of_mask(assay_mask(PG_GETARG_ASSAY_PP(0)), n));
}

PG_FUNCTION_INFO_V1(assay_gin_extract_query);
Datum
assay_gin_extract_query(PG_FUNCTION_ARGS)
{
	int32	   *n = (int32 *) PG_GETARG_POINTER(1);
	StrategyNumber strategy = PG_GETARG_UINT16(2);
	int32	   *search_mode = (int32 *) PG_GETARG_POINTER(6);
	uint32		mask;

	switch (strategy)
	{
		case ASSAY_CONTAINS:
			mask = assay_mask(PG_GETARG_ASSAY_PP(0));
			break;
		case ASSAY_HAS:
			mask = element_bit(PG_GETARG_ELEMENT(0));
			break;
		case ASSAY_HAS_ANY:
		case ASSAY_HAS_ALL:
			mask = rt_element_array_mask(PG_GETARG_ARRAYTYPE_P(0));
			break;
		default:
			elog(ERROR, "unrecognized strategy number: %d", strategy);
	}
	/* Every assay has all of no elements; none has any of them. */
	if (mask == 0 && strategy == ASSAY_HAS_ALL)
		*search_mode = GIN_SEARCH_MODE_ALL;
	PG_RETURN_POINTER(keys_of_mask(mask, n));
}

PG_FUNCTION_INFO_V1(assay_gin_consistent);
Datum
assay_gin_consistent(PG_FUNCTION_ARGS)
{
	bool	   *check = (bool *) PG_GETARG_POINTER(0);
	StrategyNumber strategy = PG_GETARG_UINT16(1);
	int32		n = PG_GETARG_INT32(3);
	bool	   *recheck = (bool *) PG_GETARG_POINTER(5);
	bool		any = false;
	bool		all = true;

	for (int i = 0; i < n; i++)
	{
		any |= check[i];
		all &= check[i];
	}
	*recheck = strategy == ASSAY_CONTAINS;
	PG_RETURN_BOOL(strategy == ASSAY_HAS_ANY ? any : all);
}

PG_FUNCTION_INFO_V1(assay_gin_triconsistent);
Datum
assay_gin_triconsistent(PG_FUNCTION_ARGS)
{
	GinTernaryValue *check = (GinTernaryValue *) PG_GETARG_POINTER(0);
	StrategyNumber strategy = PG_GETARG_UINT16(1);
	int32		n = PG_GETARG_INT32(3);
	GinTernaryValue any = GIN_FALSE;
	GinTernaryValue all = GIN_TRUE;

	for (int i = 0; i < n; i++)
	{
		if (check[i] == GIN_TRUE || (check[i] == GIN_MAYBE && any == GIN_FALSE))
			any = check[i];
		if (check[i] == GIN_FALSE || (check[i] == GIN_MAYBE && all == GIN_TRUE))
			all = check[i];
	}
	if (strategy == ASSAY_HAS_ANY)
		PG_RETURN_GIN_TERNARY_VALUE(any);
	if (strategy == ASSAY_CONTAINS && all == GIN_TRUE)
		PG_RETURN_GIN_TERNARY_VALUE(GIN_MAYBE);
	PG_RETURN_GIN_TERNARY_VALUE(all);
}
