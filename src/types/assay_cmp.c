/*
 * types/assay_cmp.c
 *		Order, equality, sort support and hash of assay.
 */
#include "retrack.h"

#include "common/hashfn.h"
#include "utils/sortsupport.h"

#include "types/assay.h"

/*
 * Total order: by the set of elements, then by the fractions in element order,
 * then by the deviations.  It has no meaning beyond being one.
 */
static int
compare_assays(const Assay *a, const Assay *b)
{
	uint32		mask_a = assay_mask(a);
	uint32		mask_b = assay_mask(b);
	int			n = assay_count(a);

	if (mask_a != mask_b)
		return mask_a < mask_b ? -1 : 1;
	for (int i = 0; i < n; i++)
	{
		if (assay_ppb(a, i) != assay_ppb(b, i))
			return assay_ppb(a, i) < assay_ppb(b, i) ? -1 : 1;
	}
	for (int i = 0; i < n; i++)
	{
		if (assay_sd(a, n, i) != assay_sd(b, n, i))
			return assay_sd(a, n, i) < assay_sd(b, n, i) ? -1 : 1;
	}
	return 0;
}

/* Equal values are equal bytes. */
static bool
equal_assays(const Assay *a, const Assay *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

#define ASSAY_COMPARISON(name, expression) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		Assay	   *a = PG_GETARG_ASSAY_PP(0); \
		Assay	   *b = PG_GETARG_ASSAY_PP(1); \
		bool		result = (expression); \
	\
		PG_FREE_IF_COPY(a, 0); \
		PG_FREE_IF_COPY(b, 1); \
		PG_RETURN_BOOL(result); \
	}

ASSAY_COMPARISON(assay_eq, equal_assays(a, b))
ASSAY_COMPARISON(assay_ne, !equal_assays(a, b))
ASSAY_COMPARISON(assay_lt, compare_assays(a, b) < 0)
ASSAY_COMPARISON(assay_le, compare_assays(a, b) <= 0)
ASSAY_COMPARISON(assay_gt, compare_assays(a, b) > 0)
ASSAY_COMPARISON(assay_ge, compare_assays(a, b) >= 0)

PG_FUNCTION_INFO_V1(assay_cmp);
Datum
assay_cmp(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	Assay	   *b = PG_GETARG_ASSAY_PP(1);
	int			result = compare_assays(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_INT32(result);
}

PG_FUNCTION_INFO_V1(assay_larger);
Datum
assay_larger(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	Assay	   *b = PG_GETARG_ASSAY_PP(1);

	PG_RETURN_ASSAY_P(compare_assays(a, b) >= 0 ? a : b);
}

PG_FUNCTION_INFO_V1(assay_smaller);
Datum
assay_smaller(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	Assay	   *b = PG_GETARG_ASSAY_PP(1);

	PG_RETURN_ASSAY_P(compare_assays(a, b) <= 0 ? a : b);
}

static int
compare_full(Datum x, Datum y, SortSupport ssup)
{
	Assay	   *a = DatumGetAssayPP(x);
	Assay	   *b = DatumGetAssayPP(y);
	int			result = compare_assays(a, b);

	if ((Pointer) a != DatumGetPointer(x))
		pfree(a);
	if ((Pointer) b != DatumGetPointer(y))
		pfree(b);
	return result;
}

/*
 * The first 64 bits of the order: which elements (17 bits), the first fraction
 * (30 bits) and the upper 17 bits of the second.
 */
static Datum
abbreviate_assay(Datum original, SortSupport ssup)
{
	Assay	   *a = DatumGetAssayPP(original);
	int			n = assay_count(a);
	uint64		key = (uint64) assay_mask(a) << 47;

	if (n > 0)
		key |= (uint64) assay_ppb(a, 0) << 17;
	if (n > 1)
		key |= assay_ppb(a, 1) >> 13;
	if ((Pointer) a != DatumGetPointer(original))
		pfree(a);
	return UInt64GetDatum(key);
}

/* Making a key costs next to nothing, so it never pays to stop. */
static bool
never_abort(int memtupcount, SortSupport ssup)
{
	return false;
}

PG_FUNCTION_INFO_V1(assay_sortsupport);
Datum
assay_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_full;
	if (ssup->abbreviate && sizeof(Datum) == 8)
	{
		ssup->comparator = rt_ssup_unsigned_cmp;
		ssup->abbrev_converter = abbreviate_assay;
		ssup->abbrev_abort = never_abort;
		ssup->abbrev_full_comparator = compare_full;
	}
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(assay_hash);
Datum
assay_hash(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	Datum		result = hash_any((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a));

	PG_FREE_IF_COPY(a, 0);
	return result;
}

PG_FUNCTION_INFO_V1(assay_hash_extended);
Datum
assay_hash_extended(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	Datum		result = hash_any_extended((unsigned char *) VARDATA_ANY(a),
										   VARSIZE_ANY_EXHDR(a), PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(a, 0);
	return result;
}
