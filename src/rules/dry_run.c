/*
 * rules/dry_run.c
 *		licence_violations() and quota_violations(): what the triggers would say to
 *		a query's rows, inserted in their order by one statement.
 *
 * The verdicts come from the functions the triggers use; the ledgers are read
 * without locks, so the answer is of the moment.
 */
#include "retrack.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "chain/trace_result.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "rules/books.h"
#include "rules/control_list.h"
#include "rules/licence_judge.h"
#include "rules/quota_judge.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(licence_violations);
PG_FUNCTION_INFO_V1(quota_violations);

#define DRY_RUN_FETCH 1000

typedef struct DryRun DryRun;
typedef void (*JudgeRow) (DryRun *run, TupleTableSlot *slot);

struct DryRun
{
	Books	   *books;
	RuleTable	table;
	ControlList *controls;
	QuotaScope	scope;
	Violations	violations;
	TraceRows	rows;			/* the result */
	TupleDesc	desc;			/* of the query */
	MemoryContext cxt;
	int			nlicences;
	LicenceUse **licences;
	int			nquotas;
	QuotaUse  **quotas;
};

/* One violation is one row: row_key, rule, column_name, party_id, message. */
static void
put_violation(void *arg, int sqlstate, const char *row_key, Word party, const char *message, AttrNumber column)
{
	DryRun	   *run = arg;
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(row_key);
	values[1] = CStringGetTextDatum(unpack_sql_state(sqlstate));
	nulls[2] = column == InvalidAttrNumber;
	if (!nulls[2])
		values[2] = CStringGetTextDatum(NameStr(TupleDescAttr(run->desc, column - 1)->attname));
	nulls[3] = party.len < 0;
	if (!nulls[3])
		values[3] = PointerGetDatum(cstring_to_text_with_len(party.p, party.len));
	values[4] = CStringGetTextDatum(message);
	tuplestore_putvalues(run->rows.store, run->rows.desc, values, nulls);
}

/* The ledger row as it stands: a draw that looks at every row. */
static void
read_draw(const LedgerTable *table, const Datum *key, Draw *draw)
{
	draw->locked = rt_ledger_read(table, key, &draw->row) && !draw->row.granted_null;
	draw->running = draw->row.sum;
	draw->over = true;
}

static LicenceUse *
find_licence(DryRun *run, LicenceId licence)
{
	LicenceUse *use;
	MemoryContext caller;

	for (int i = run->nlicences - 1; i >= 0; i--)
	{
		if (run->licences[i]->licence == licence)
			return run->licences[i];
	}
	caller = MemoryContextSwitchTo(run->cxt);
	use = palloc0(sizeof(LicenceUse));
	use->licence = licence;
	use->terms = rt_licence_terms_reload(run->books, licence);
	if (use->terms != NULL)
	{
		Datum		key[2] = {LicenceIdGetDatum(licence)};

		read_draw(&run->books->licence, key, &use->uses);
		use->items = palloc0(sizeof(Draw) * (use->terms->nitems + 1));
		for (int i = 0; i < use->terms->nitems; i++)
		{
			key[1] = Int32GetDatum(use->terms->items[i].line);
			read_draw(&run->books->item, key, &use->items[i]);
		}
	}
	run->licences = run->licences == NULL ? palloc(sizeof(LicenceUse *)) :
		repalloc_huge(run->licences, sizeof(LicenceUse *) * (run->nlicences + 1));
	run->licences[run->nlicences++] = use;
	MemoryContextSwitchTo(caller);
	return use;
}

static void
judge_shipment(DryRun *run, TupleTableSlot *slot)
{
	ShipmentRow row;
	LicenceVerdict verdict;
	LicenceUse *use;

	rt_shipment_read(&run->table, slot, &row);
	use = row.has_licence ? find_licence(run, row.licence) : NULL;
	rt_licence_check(run->controls, use != NULL ? use->terms : NULL, &row, &verdict);
	if (verdict.broken == 0 && verdict.item >= 0)
		rt_licence_check_limits(use, &row, &verdict);
	if (verdict.broken != 0)
		rt_licence_report(&run->violations, run->books, slot, use, &row, &verdict);
}

static QuotaUse *
find_quota(DryRun *run, const QuotaNode *quota)
{
	QuotaUse   *use;
	MemoryContext caller;
	Datum		key[1];

	for (int i = 0; i < run->nquotas; i++)
	{
		if (words_equal(run->quotas[i]->quota->id, quota->id))
			return run->quotas[i];
	}
	caller = MemoryContextSwitchTo(run->cxt);
	use = palloc0(sizeof(QuotaUse));
	use->quota = quota;
	key[0] = PointerGetDatum(cstring_to_text_with_len(quota->id.p, quota->id.len));
	read_draw(&run->books->quota, key, &use->draw);
	run->quotas = run->quotas == NULL ? palloc(sizeof(QuotaUse *)) :
		repalloc_huge(run->quotas, sizeof(QuotaUse *) * (run->nquotas + 1));
	run->quotas[run->nquotas++] = use;
	MemoryContextSwitchTo(caller);
	return use;
}

static void
judge_production(DryRun *run, TupleTableSlot *slot)
{
	ProductionRow row;
	QuotaVerdict verdict;
	FacilityUse facility = {0};
	QuotaUse   *full[2] = {NULL, NULL};

	rt_production_read(&run->table, slot, &row);
	if (row.facility.len >= 0)
		facility.quotas = rt_facility_quotas(run->books, row.facility);
	rt_quota_check(&run->scope, facility.quotas, &row, &verdict);
	if (verdict.broken == 0 && verdict.reo != 0)
	{
		facility.uses = palloc(sizeof(QuotaUse *) * (facility.quotas->nquotas + 1));
		for (int i = 0; i < facility.quotas->nquotas; i++)
			facility.uses[i] = find_quota(run, &facility.quotas->quotas[i]);
		rt_quota_check_limits(&facility, &row, &verdict, full);
	}
	if (verdict.broken != 0)
		rt_quota_report(&run->violations, run->books, slot, facility.quotas, &row, &verdict, full);
}

/* The arguments beyond registry and query, as a trigger would have them. */
static char **
get_arguments(FunctionCallInfo fcinfo, int *n)
{
	Datum	   *words;
	bool	   *nulls;
	char	  **args;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &words, &nulls, n);
	args = palloc(sizeof(char *) * (*n + 1));
	for (int i = 0; i < *n; i++)
		args[i] = nulls[i] ? pstrdup("") : TextDatumGetCString(words[i]);
	return args;
}

/* Runs the user's query with the user's rights, and judges its rows in their order. */
static void
judge_query(DryRun *run, const char *query, const RuleSpec *spec, int nargs, char **args, JudgeRow judge)
{
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	Portal		portal;
	MemoryContext row_cxt = AllocSetContextCreate(run->cxt, "retrack dry run row", ALLOCSET_DEFAULT_SIZES);
	TupleTableSlot *slot = NULL;

	if (plan == NULL || !SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("query of the dry run does not return rows: \"%.100s\"", query)));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, DRY_RUN_FETCH);
		if (slot == NULL)
		{
			run->desc = CreateTupleDescCopy(SPI_tuptable->tupdesc);
			rt_rule_table_fill_query(&run->table, run->desc, spec, nargs, args);
			if (spec == &quota_rule_spec)
				rt_quota_scope(&run->table, &run->scope);
			slot = MakeSingleTupleTableSlot(run->desc, &TTSOpsHeapTuple);
		}
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0, n = SPI_processed; i < n; i++)
		{
			SPITupleTable *rows = SPI_tuptable;

			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(row_cxt);
			MemoryContextSwitchTo(row_cxt);
			ExecStoreHeapTuple(rows->vals[i], slot, false);
			judge(run, slot);
			MemoryContextSwitchTo(run->cxt);
			SPI_tuptable = rows;
		}
		ExecClearTuple(slot);
		SPI_freetuptable(SPI_tuptable);
	}
	ExecDropSingleTupleTableSlot(slot);
	SPI_cursor_close(portal);
}

static void
dry_run(FunctionCallInfo fcinfo, const RuleSpec *spec, JudgeRow judge)
{
	DryRun		run = {0};
	int			nargs;
	char	  **args = get_arguments(fcinfo, &nargs);
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(1));

	rt_begin_trace_rows(fcinfo, &run.rows);
	run.books = rt_books(rt_books_schema(NameStr(*PG_GETARG_NAME(0))));
	if (pg_class_aclcheck(run.books->item.relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
		pg_class_aclcheck(run.books->quota.relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the ledgers of registry %s", run.books->nspname),
				 errdetail("A dry run tells what is left of licences and quotas: it needs SELECT on licence_item and quota.")));
	run.controls = rt_control_list(run.books);
	/* a standby cannot take the lock, and nobody there changes the tree */
	if (!RecoveryInProgress())
		rt_quota_tree_lock(run.books, false);
	SPI_connect();
	run.cxt = CurrentMemoryContext;
	rt_violations_begin(&run.violations, &run.table);
	run.violations.sink = put_violation;
	run.violations.sink_arg = &run;
	judge_query(&run, query, spec, nargs, args, judge);
	SPI_finish();
}

Datum
licence_violations(PG_FUNCTION_ARGS)
{
	dry_run(fcinfo, &licence_rule_spec, judge_shipment);
	return (Datum) 0;
}

Datum
quota_violations(PG_FUNCTION_ARGS)
{
	dry_run(fcinfo, &quota_rule_spec, judge_production);
	return (Datum) 0;
}
