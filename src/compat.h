/*
 * compat.h
 *		Every difference between the server versions we support (14 to 18)
 *		that the code has to know; no other file tests PG_VERSION_NUM.
 */
#ifndef RT_COMPAT_H
#define RT_COMPAT_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/nodes.h"

/*
 * Soft errors came with 16.  Before, ereturn throws; escontext is then NULL
 * always.  Functions that can fail softly take "Node *escontext".
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#define rt_escontext(fcinfo) ((fcinfo)->context)
#else
#define ereturn(escontext, dummy_value, ...) \
	do { (void) (escontext); ereport(ERROR, __VA_ARGS__); return dummy_value; } while (0)
#define SOFT_ERROR_OCCURRED(escontext) (false)
#define rt_escontext(fcinfo) ((Node *) NULL)
#endif

/*
 * Calls of input functions by code of our own: false after a soft error, which
 * rt_soft_error_data has; before 16 they throw instead and rt_soft_errors is NULL.
 */
#if PG_VERSION_NUM >= 160000
typedef ErrorSaveContext RtSoftErrors;

static inline Node *
rt_soft_errors(RtSoftErrors *soft)
{
	soft->type = T_ErrorSaveContext;
	soft->details_wanted = true;
	return (Node *) soft;
}

#define rt_soft_error_data(soft) ((soft)->error_data)
#define rt_input_function_call InputFunctionCallSafe
#else
typedef struct RtSoftErrors
{
	int			unused;
} RtSoftErrors;

#define rt_soft_errors(soft) ((void) (soft), (Node *) NULL)
#define rt_soft_error_data(soft) ((ErrorData *) NULL)

static inline bool
rt_input_function_call(FmgrInfo *input, char *text, Oid ioparam, int32 typmod, Node *escontext,
					   Datum *result)
{
	*result = InputFunctionCall(input, text, ioparam, typmod);
	return true;
}
#endif

/* 18 has pg_noreturn before the declaration instead. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 16 split varatt.h out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * 15 exports comparators that tuplesort knows and inlines; they take Datums as
 * unsigned integers.
 */
#include "utils/sortsupport.h"
#if PG_VERSION_NUM >= 150000
#define rt_ssup_unsigned_cmp ssup_datum_unsigned_cmp
#else
static inline int
rt_ssup_unsigned_cmp(Datum x, Datum y, SortSupport ssup)
{
	return x < y ? -1 : x > y;
}
#endif

/*
 * 16 tells summarizing index updates apart; 18 added instrumentation to scans.
 * Whoever uses these includes access/genam.h, access/tableam.h, executor/executor.h.
 */
#if PG_VERSION_NUM >= 160000
#define RtUpdateIndexes TU_UpdateIndexes
#define rt_ExecInsertIndexTuples(rri, slot, estate, which) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL, (which) == TU_Summarizing)
#else
#define RtUpdateIndexes bool
#define rt_ExecInsertIndexTuples(rri, slot, estate, which) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL)
#endif
#if PG_VERSION_NUM >= 180000
#define rt_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0)
#else
#define rt_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, nkeys, 0)
#endif

#endif							/* RT_COMPAT_H */
