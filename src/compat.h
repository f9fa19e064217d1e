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

/* A type's name to its OID; false if there is no such type or the text is no name (before 16 that throws). */
#if PG_VERSION_NUM >= 160000
#define rt_parse_type(text, typid, typmod) \
	parseTypeString(text, typid, typmod, rt_soft_errors(&(RtSoftErrors) {0}))
#else
#define rt_parse_type(text, typid, typmod) \
	(parseTypeString(text, typid, typmod, true), OidIsValid(*(typid)))
#endif

/* 18 has pg_noreturn before the declaration instead. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 16 split varatt.h out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* A generation context's blocks grow from 15 on; before, the one size is to be small enough for malloc's heap. */
#if PG_VERSION_NUM >= 150000
#define rt_generation_context(parent, name) \
	GenerationContextCreate(parent, name, ALLOCSET_DEFAULT_SIZES)
#else
#define rt_generation_context(parent, name) \
	GenerationContextCreate(parent, name, 64 * 1024)
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

/* MERGE came with 15. */
#if PG_VERSION_NUM >= 150000
#define RT_HAS_MERGE
#endif

/* A random number in [0, 1): 15 brought its own generator. */
#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#define rt_random_fraction() pg_prng_double(&pg_global_prng_state)
#else
#define rt_random_fraction() ((double) random() / ((double) MAX_RANDOM_VALUE + 1))
#endif

/* 17 lets extensions name their wait events. */
#if PG_VERSION_NUM >= 170000
#include "utils/wait_event.h"
#define rt_wait_event(name) WaitEventExtensionNew(name)
#else
#include "utils/wait_event.h"
#define rt_wait_event(name) PG_WAIT_EXTENSION
#endif

/* A wait event set that lives until it is freed: 17 asks for a resource owner instead of a context. */
#include "storage/latch.h"
#if PG_VERSION_NUM >= 170000
#define rt_create_wait_event_set(nevents) CreateWaitEventSet(NULL, nevents)
#else
#define rt_create_wait_event_set(nevents) CreateWaitEventSet(TopMemoryContext, nevents)
#endif

/* 18 reaches a collation's properties through the locale. */
#include "utils/pg_locale.h"
#if PG_VERSION_NUM >= 180000
#define rt_collation_is_c(collation) (pg_newlocale_from_collation(collation)->collate_is_c)
#else
#define rt_collation_is_c(collation) lc_collate_is_c(collation)
#endif

/* pg_attribute.attgenerated of a virtual column, which servers before 18 do not have. */
#define RT_GENERATED_VIRTUAL 'v'

/* Whoever includes utils/acl.h and catalog/pg_namespace.h may ask. */
#if PG_VERSION_NUM >= 160000
#define rt_owns_schema(nspid, user) object_ownercheck(NamespaceRelationId, nspid, user)
#else
#define rt_owns_schema(nspid, user) pg_namespace_ownercheck(nspid, user)
#endif

/* ALTER TABLE's ways to write other values into rows that are there, for whoever includes nodes/parsenodes.h. */
#if PG_VERSION_NUM >= 170000
#define RT_REWRITING_COMMANDS AT_AlterColumnType, AT_SetExpression
#else
#define RT_REWRITING_COMMANDS AT_AlterColumnType
#endif

/*
 * Whether column i (from 0) of a relation's own descriptor has no nulls: 18's NOT NULL
 * may be one that the rows there were not checked for.
 */
#if PG_VERSION_NUM >= 180000
#define rt_column_is_full(desc, i) (TupleDescCompactAttr(desc, i)->attnullability == ATTNULLABLE_VALID)
#else
#define rt_column_is_full(desc, i) (TupleDescAttr(desc, i)->attnotnull)
#endif

/* 18 has foreign keys that are not enforced: whoever includes utils/rel.h may ask. */
#if PG_VERSION_NUM >= 180000
#define rt_key_is_enforced(fk) ((fk)->conenforced)
#else
#define rt_key_is_enforced(fk) (true)
#endif

/*
 * Members of an equivalence class that rel's pathkeys may be of: 18 keeps those of
 * partitions apart.  The macro is the head of a loop.
 */
#if PG_VERSION_NUM >= 180000
#define rt_foreach_member(em, it, ec, relids) \
	for (setup_eclass_member_iterator(&(it), ec, relids); ((em) = eclass_member_iterator_next(&(it))) != NULL;)
#else
#define rt_foreach_member(em, it, ec, relids) \
	for ((it) = (EquivalenceMemberIterator) {(ec)->ec_members, 0}; \
		 (it).at < list_length((it).members) && ((em) = list_nth((it).members, (it).at++)) != NULL;)
typedef struct EquivalenceMemberIterator
{
	List	   *members;
	int			at;
} EquivalenceMemberIterator;
#endif

/* Foreign paths: 17 wants the restrictinfos of joins, 18 counts disabled nodes. */
#if PG_VERSION_NUM >= 180000
#define rt_foreignscan_path(root, rel, rows, disabled, startup, total, pathkeys, outer, private) \
	create_foreignscan_path(root, rel, NULL, rows, disabled, startup, total, pathkeys, outer, NULL, NIL, private)
#define rt_pathkey_descending(pathkey) ((pathkey)->pk_cmptype == COMPARE_GT)
#elif PG_VERSION_NUM >= 170000
#define rt_foreignscan_path(root, rel, rows, disabled, startup, total, pathkeys, outer, private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, NIL, private)
#define rt_pathkey_descending(pathkey) ((pathkey)->pk_strategy == BTGreaterStrategyNumber)
#else
#define rt_foreignscan_path(root, rel, rows, disabled, startup, total, pathkeys, outer, private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, private)
#define rt_pathkey_descending(pathkey) ((pathkey)->pk_strategy == BTGreaterStrategyNumber)
#endif

/* Role whose user mapping a scan uses: 16 keeps it in the plan, before it is the range table's. */
#if PG_VERSION_NUM >= 160000
#define rt_check_as_user(plan, estate) ((plan)->checkAsUser)
#else
#define rt_check_as_user(plan, estate) (exec_rt_fetch((plan)->scan.scanrelid, estate)->checkAsUser)
#endif

/* 18 split commands/explain.h: #include RT_EXPLAIN_H and RT_EXPLAIN_FORMAT_H. */
#if PG_VERSION_NUM >= 180000
#define RT_EXPLAIN_H "commands/explain_state.h"
#define RT_EXPLAIN_FORMAT_H "commands/explain_format.h"
#else
#define RT_EXPLAIN_H "commands/explain.h"
#define RT_EXPLAIN_FORMAT_H "commands/explain.h"
#endif

/* 15 replaced the sampler's random state. */
#if PG_VERSION_NUM >= 150000
#define rt_sampler_state(reservoir) (&(reservoir)->randstate)
#else
#define rt_sampler_state(reservoir) ((reservoir)->randstate)
#endif

/* Set-returning functions in one go: 15 has a function for it. */
#include "funcapi.h"
#if PG_VERSION_NUM >= 150000
#define rt_init_materialized_srf(fcinfo) InitMaterializedSRF(fcinfo, 0)
#else
#include "miscadmin.h"
#include "utils/tuplestore.h"
static inline void
rt_init_materialized_srf(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap(true, false, work_mem);
	rsinfo->setDesc = CreateTupleDescCopy(desc);
	MemoryContextSwitchTo(old);
}
#endif

/* 18 tells vacuum_delay_point whether it is ANALYZE that waits. */
#if PG_VERSION_NUM >= 180000
#define rt_vacuum_delay_point() vacuum_delay_point(true)
#else
#define rt_vacuum_delay_point() vacuum_delay_point()
#endif

/* 16 added onlySummarizing; a plain insert into indexes that raise their own errors is all we need. */
#if PG_VERSION_NUM >= 160000
#define rt_insert_index_tuples(rel_info, slot, estate) \
	ExecInsertIndexTuples(rel_info, slot, estate, false, false, NULL, NIL, false)
#else
#define rt_insert_index_tuples(rel_info, slot, estate) \
	ExecInsertIndexTuples(rel_info, slot, estate, false, false, NULL, NIL)
#endif

#endif							/* RT_COMPAT_H */
