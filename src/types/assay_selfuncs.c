/*
 * types/assay_selfuncs.c
 *		Statistics of assay columns, and the estimates made from them.
 *
 * ANALYZE keeps, besides the standard statistics, how often each element is
 * named (as most common elements, the kind that arrays and tsvector have, so
 * pg_stats shows it).  Elements are taken as independent; of those that name an
 * element a third is taken to reach a fraction asked for.
 */
#include "retrack.h"

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "types/assay.h"

#define DEFAULT_HAS_SEL 0.1		/* without statistics */

/* Lives as long as stats; what std_typanalyze had set up comes first. */
typedef struct AssayAnalyze
{
	AnalyzeAttrComputeStatsFunc std_compute_stats;
	void	   *std_extra_data;
	Oid			element_type;
	Oid			element_eq;
} AssayAnalyze;

/* Stores the elements' frequencies among the rows that are not NULL. */
static void
store_elements(VacAttrStats *stats, const AssayAnalyze *extra, const int *counts, int rows)
{
	MemoryContext old = MemoryContextSwitchTo(stats->anl_context);
	Datum	   *values = palloc(sizeof(Datum) * ELEMENT_COUNT);
	float4	   *numbers = palloc(sizeof(float4) * (ELEMENT_COUNT + 2));
	float4		least = 1;
	float4		most = 0;
	int			slot = 0;
	int			n = 0;

	MemoryContextSwitchTo(old);
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		if (counts[i] == 0)
			continue;
		values[n] = ElementGetDatum(element_from_index(i));
		numbers[n] = (float4) counts[i] / rows;
		least = Min(least, numbers[n]);
		most = Max(most, numbers[n]);
		n++;
	}
	while (slot < STATISTIC_NUM_SLOTS && stats->stakind[slot] != 0)
		slot++;
	if (slot >= STATISTIC_NUM_SLOTS || n == 0)
		return;
	numbers[n] = least;
	numbers[n + 1] = most;
	stats->stakind[slot] = STATISTIC_KIND_MCELEM;
	stats->staop[slot] = extra->element_eq;
	stats->stacoll[slot] = InvalidOid;
	stats->stanumbers[slot] = numbers;
	stats->numnumbers[slot] = n + 2;
	stats->stavalues[slot] = values;
	stats->numvalues[slot] = n;
	stats->statypid[slot] = extra->element_type;
	stats->statyplen[slot] = 1;
	stats->statypbyval[slot] = true;
	stats->statypalign[slot] = TYPALIGN_CHAR;
}

static void
compute_assay_stats(VacAttrStats *stats, AnalyzeAttrFetchFunc fetch, int samplerows, double totalrows)
{
	AssayAnalyze *extra = stats->extra_data;
	int			counts[ELEMENT_COUNT] = {0};
	int			rows = 0;

	stats->extra_data = extra->std_extra_data;
	extra->std_compute_stats(stats, fetch, samplerows, totalrows);
	stats->extra_data = extra;

	for (int row = 0; row < samplerows; row++)
	{
		bool		isnull;
		Datum		value = fetch(stats, row, &isnull);
		Assay	   *a;

		rt_vacuum_delay_point();
		if (isnull)
			continue;
		a = DatumGetAssayPP(value);
		for (uint32 mask = assay_mask(a); mask != 0; mask &= mask - 1)
			counts[pg_rightmost_one_pos32(mask)]++;
		rows++;
		if ((Pointer) a != DatumGetPointer(value))
			pfree(a);
	}
	if (rows > 0)
		store_elements(stats, extra, counts, rows);
}

PG_FUNCTION_INFO_V1(assay_typanalyze);
Datum
assay_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);
	HeapTuple	tuple;
	Oid			schema;
	AssayAnalyze *extra;

	if (!std_typanalyze(stats))
		PG_RETURN_BOOL(false);
	extra = palloc(sizeof(AssayAnalyze));

	/* The element type stands in the same schema as assay itself. */
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(getBaseType(stats->attrtypid)));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", stats->attrtypid);
	schema = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
	ReleaseSysCache(tuple);
	extra->element_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
										  CStringGetDatum("element"), ObjectIdGetDatum(schema));
	if (!OidIsValid(extra->element_type))
		PG_RETURN_BOOL(true);
	extra->element_eq = lookup_type_cache(extra->element_type, TYPECACHE_EQ_OPR)->eq_opr;
	extra->std_compute_stats = stats->compute_stats;
	extra->std_extra_data = stats->extra_data;
	stats->compute_stats = compute_assay_stats;
	stats->extra_data = extra;
	PG_RETURN_BOOL(true);
}

/*
 * Fills frequency with how often each element is named among all rows, and
 * *present with the share of rows that are not NULL; false without statistics.
 */
static bool
read_frequencies(VariableStatData *vardata, double *frequency, double *present)
{
	AttStatsSlot slot;

	if (!HeapTupleIsValid(vardata->statsTuple) ||
		!get_attstatsslot(&slot, vardata->statsTuple, STATISTIC_KIND_MCELEM, InvalidOid,
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return false;
	*present = 1.0 - ((Form_pg_statistic) GETSTRUCT(vardata->statsTuple))->stanullfrac;
	/* An element that the sample never saw is rarer than any it saw. */
	for (int i = 0; i < ELEMENT_COUNT; i++)
		frequency[i] = Min(0.0005, slot.nnumbers == slot.nvalues + 2 ? slot.numbers[slot.nvalues] / 2 : 0.0005);
	for (int i = 0; i < slot.nvalues && i < slot.nnumbers; i++)
	{
		int			z = DatumGetElement(slot.values[i]);

		if (element_is_valid(z))
			frequency[element_index(z)] = slot.numbers[i];
	}
	free_attstatsslot(&slot);
	return true;
}

typedef enum AssayQuestion
{
	ASK_ANY,					/* names one of the elements */
	ASK_ALL,					/* names all of them */
	ASK_ALL_FRACTIONS,			/* and reaches their fractions */
	ASK_NO_OTHER				/* names no other */
} AssayQuestion;

static double
estimate(VariableStatData *vardata, AssayQuestion question, uint32 mask)
{
	double		frequency[ELEMENT_COUNT];
	double		present;
	double		all = 1;		/* product over the elements asked for */
	double		none = 1;		/* that none of them is there */
	double		no_other = 1;

	if (!read_frequencies(vardata, frequency, &present))
		return DEFAULT_HAS_SEL;
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		if (!(mask & ((uint32) 1 << i)))
		{
			no_other *= 1 - frequency[i];
			continue;
		}
		all *= frequency[i] * (question == ASK_ALL_FRACTIONS ? DEFAULT_INEQ_SEL : 1);
		none *= 1 - frequency[i];
	}
	return present * (question == ASK_ANY ? 1 - none :
					  question == ASK_NO_OTHER ? no_other * DEFAULT_INEQ_SEL : all);
}

typedef uint32 (*MaskOfDatum) (Datum value);

static uint32
mask_of_element(Datum value)
{
	return element_bit(DatumGetElement(value));
}

static uint32
mask_of_array(Datum value)
{
	return rt_element_array_mask(DatumGetArrayTypeP(value));
}

static uint32
mask_of_assay(Datum value)
{
	return assay_mask(DatumGetAssayPP(value));
}

/* Estimates column OP constant by left, constant OP column by right. */
static Datum
restriction_estimate(FunctionCallInfo fcinfo, MaskOfDatum mask_of, AssayQuestion left, AssayQuestion right)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	VariableStatData vardata;
	Node	   *other;
	bool		on_left;
	double		result = DEFAULT_HAS_SEL;

	if (!get_restriction_variable(root, args, PG_GETARG_INT32(3), &vardata, &other, &on_left))
		PG_RETURN_FLOAT8(DEFAULT_HAS_SEL);
	/* With the column on the right the constant is an assay only if both sides are. */
	if (IsA(other, Const) && (on_left || mask_of == mask_of_assay))
		result = ((Const *) other)->constisnull ? 0 :
			estimate(&vardata, on_left ? left : right, mask_of(((Const *) other)->constvalue));
	ReleaseVariableStats(vardata);
	CLAMP_PROBABILITY(result);
	PG_RETURN_FLOAT8(result);
}

PG_FUNCTION_INFO_V1(assay_has_sel);
Datum
assay_has_sel(PG_FUNCTION_ARGS)
{
	return restriction_estimate(fcinfo, mask_of_element, ASK_ALL, ASK_ALL);
}

PG_FUNCTION_INFO_V1(assay_has_any_sel);
Datum
assay_has_any_sel(PG_FUNCTION_ARGS)
{
	return restriction_estimate(fcinfo, mask_of_array, ASK_ANY, ASK_ANY);
}

PG_FUNCTION_INFO_V1(assay_has_all_sel);
Datum
assay_has_all_sel(PG_FUNCTION_ARGS)
{
	return restriction_estimate(fcinfo, mask_of_array, ASK_ALL, ASK_ALL);
}

PG_FUNCTION_INFO_V1(assay_contains_sel);
Datum
assay_contains_sel(PG_FUNCTION_ARGS)
{
	return restriction_estimate(fcinfo, mask_of_assay, ASK_ALL_FRACTIONS, ASK_NO_OTHER);
}

PG_FUNCTION_INFO_V1(assay_contained_sel);
Datum
assay_contained_sel(PG_FUNCTION_ARGS)
{
	return restriction_estimate(fcinfo, mask_of_assay, ASK_NO_OTHER, ASK_ALL_FRACTIONS);
}
