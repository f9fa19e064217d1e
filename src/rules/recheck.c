/*
 * rules/recheck.c
 *		Judges the stored rows of a licence anew after its terms changed.
 */
#include "rules/recheck.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "rules/control_list.h"
#include "rules/guard.h"
#include "rules/licence_judge.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

typedef struct Source
{
	Oid			relid;
	int			nargs;
	char	  **args;
} Source;

/* The tables whose rows draw on the registry's licences; needs an SPI connection. */
static Source *
find_sources(Books *b, int *n)
{
	Source	   *list;
	Oid			types[1] = {NAMEOID};
	Datum		values[1];
	bool		isnull;

	values[0] = DirectFunctionCall1(namein, CStringGetDatum(get_namespace_name(b->nspid)));
	rt_books_execute(b, PLAN_SOURCES,
					 "SELECT relation::pg_catalog.oid, arguments FROM retrack.ledger_sources($1, 'licence')"
					 " ORDER BY 1", 1, types, values, NULL);
	*n = SPI_processed;
	list = palloc(sizeof(Source) * (*n + 1));
	for (int i = 0; i < *n; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Datum	   *args;

		list[i].relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		deconstruct_array(DatumGetArrayTypeP(SPI_getbinval(tuple, desc, 2, &isnull)), TEXTOID, -1, false,
						  TYPALIGN_INT, &args, NULL, &list[i].nargs);
		list[i].args = palloc(sizeof(char *) * (list[i].nargs + 1));
		for (int j = 0; j < list[i].nargs; j++)
			list[i].args[j] = TextDatumGetCString(args[j]);
	}
	return list;
}

/* All columns at their own places: dropped ones as nulls. */
static char *
make_query(Relation rel, const RuleTable *t)
{
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		appendStringInfo(&buf, "%s%s", i == 0 ? "SELECT " : ", ",
						 att->attisdropped ? "NULL::pg_catalog.int4" : quote_identifier(NameStr(att->attname)));
	}
	appendStringInfo(&buf, " FROM %s WHERE %s OPERATOR(retrack.=) $1",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel)),
					 quote_identifier(NameStr(TupleDescAttr(desc, t->att[SHIPMENT_LICENCE] - 1)->attname)));
	return buf.data;
}

/* Runs the query as the ledger's owner on all that is committed, and our own changes. */
static SPITupleTable *
run_as_owner(Books *b, const char *query, LicenceId licence)
{
	Oid			types[1] = {rt_type_oid("licence_id")};
	Datum		values[1] = {LicenceIdGetDatum(licence)};
	OwnerRights saved;
	SPIPlanPtr	plan;
	int			outcome;

	rt_become_owner(b, &saved);
	plan = SPI_prepare(query, 1, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	CommandCounterIncrement();
	outcome = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
	rt_become_oneself(&saved);
	if (outcome != SPI_OK_SELECT)
		elog(ERROR, "recheck query failed: %s", SPI_result_code_string(outcome));
	return SPI_tuptable;
}

/* Which of the rows have an open violation already; NULL: none. */
static bool *
find_open(Books *b, const RuleTable *t, SPITupleTable *rows, uint64 n, TupleTableSlot *slot)
{
	Datum	   *keys;

	if (n == 0 || t->nkeys == 0 || !rt_violations_any_open(t, b))
		return NULL;
	keys = palloc(sizeof(Datum) * n);
	for (uint64 i = 0; i < n; i++)
	{
		ExecStoreHeapTuple(rows->vals[i], slot, false);
		keys[i] = CStringGetTextDatum(rt_rule_row_key(t, slot));
	}
	return rt_violations_open(t, b, keys, n);
}

static void
judge_stored_rows(Violations *violations, Books *b, LicenceUse *use, SPITupleTable *rows, uint64 n)
{
	ControlList *controls = rt_control_list(b);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->tupdesc, &TTSOpsHeapTuple);
	bool	   *open = find_open(b, violations->table, rows, n, slot);

	for (uint64 i = 0; i < n; i++)
	{
		ShipmentRow row;
		LicenceVerdict verdict;

		CHECK_FOR_INTERRUPTS();
		if (open != NULL && open[i])
			continue;
		ExecStoreHeapTuple(rows->vals[i], slot, false);
		rt_shipment_read(violations->table, slot, &row);
		rt_licence_check(controls, use->terms, &row, &verdict);
		if (verdict.broken != 0)
			rt_licence_report(violations, b, slot, use, &row, &verdict);
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void
raise_reduced(const Violations *v, LicenceId licence)
{
	ereport(ERROR,
			(errcode(ERRCODE_RT_LICENCE_REDUCED),
			 errmsg("licence %s is used by " UINT64_FORMAT " export row%s that the change would put in the wrong",
					rt_licence_text(licence), v->count, v->count == 1 ? "" : "s"),
			 errdetail("%s", rt_violations_detail(v)),
			 errhint("Correct the rows first, or let the change be recorded: retrack.attach_licence_triggers with 'mode=record'.")));
}

static void
recheck_source(Books *b, const Source *source, LicenceUse *use, bool record)
{
	Relation	rel = table_open(source->relid, AccessShareLock);
	RuleTable	table = {0};
	Violations	violations;
	SPITupleTable *rows;
	uint64		n;

	/* Filled again once its names are locked: waiting for that may have changed them. */
	rt_rule_table_fill(&table, rel, &licence_rule_spec, source->nargs, source->args);
	rt_rule_table_lock_names(&table);
	pfree(table.root);
	rt_rule_table_fill(&table, rel, &licence_rule_spec, source->nargs, source->args);
	table.record = record;
	rt_violations_begin(&violations, &table);
	rows = run_as_owner(b, make_query(rel, &table), use->licence);
	n = SPI_processed;
	judge_stored_rows(&violations, b, use, rows, n);
	/* Without a key a recorded row would not be known again. */
	if (violations.count > 0 && (!record || table.nkeys == 0))
		raise_reduced(&violations, use->licence);
	rt_violations_record(&violations, b);
	SPI_freetuptable(rows);
	pfree(table.root);
	table_close(rel, NoLock);
}

void
rt_recheck_licence(Books *b, LicenceId licence, bool record)
{
	LicenceUse	use = {.licence = licence};
	Source	   *sources;
	int			n;

	SPI_connect();
	use.terms = rt_licence_terms_reload(b, licence);
	sources = find_sources(b, &n);
	for (int i = 0; i < n; i++)
		recheck_source(b, &sources[i], &use, record);
	SPI_finish();
}

/* Rows that a change moved to another item must have room there. */
static void
check_room(Relation rel, Books *b, LicenceId licence, int32 line, const LedgerRow *row, bool record)
{
	char		buf[LICENCE_ID_TEXT_MAX];

	if (row->sum <= row->granted || rt_draw_tolerated(row->sum - row->granted, row->tolerance, row->granted))
		return;
	rt_licence_id_print(licence, true, buf);
	rt_violation_of_row(b, rel, record, ERRCODE_RT_LICENCE_REDUCED, psprintf("%s|%d", buf, line),
						psprintf("licence %s line %d cannot take over what is drawn: it grants %s, and %s would be drawn",
								 rt_licence_text(licence), line, rt_mass_text(row->granted), rt_mass_text(row->sum)));
}

/* Adds the differences in column 2 of the current result to the items' ledger rows. */
static void
correct_items(Books *b, LicenceId licence, bool record)
{
	SPITupleTable *items = SPI_tuptable;
	Ledger		ledger = {0};
	LedgerRow	row;
	bool		isnull;

	rt_ledger_open(&ledger, &b->item);
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
	{
		HeapTuple	tuple = items->vals[i];
		Datum		key[2] = {LicenceIdGetDatum(licence), SPI_getbinval(tuple, items->tupdesc, 1, &isnull)};
		int64		difference = DatumGetInt64(SPI_getbinval(tuple, items->tupdesc, 2, &isnull));

		if (difference != 0 && !rt_ledger_add(&ledger, key, difference, NULL, &row))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("an item of licence %s has vanished", rt_licence_text(licence)),
					 errhint("The transaction might succeed if retried.")));
		if (difference > 0)
			check_room(ledger.rel, b, licence, DatumGetInt32(key[1]), &row, record);
	}
	rt_ledger_close(&ledger);
}

static void
correct_uses(Books *b, LicenceId licence)
{
	Ledger		ledger = {0};
	LedgerRow	row;
	Datum		key[1] = {LicenceIdGetDatum(licence)};
	int64		difference;
	bool		isnull;

	if (SPI_processed == 0)
		return;
	difference = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (difference == 0)
		return;
	rt_ledger_open(&ledger, &b->licence);
	rt_ledger_add(&ledger, key, difference, NULL, &row);
	rt_ledger_close(&ledger);
}

void
rt_rebook_licence(Books *b, LicenceId licence, bool record)
{
	Oid			types[2] = {rt_type_oid("licence_id"), NAMEOID};
	Datum		values[2] = {LicenceIdGetDatum(licence)};

	SPI_connect();
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(get_namespace_name(b->nspid)));
	rt_books_execute(b, PLAN_LICENCE_USES,
					 "SELECT (SELECT coalesce(pg_catalog.sum(d.uses), 0) FROM retrack.licence_draws($2, ARRAY[$1]) d)::pg_catalog.int8"
					 " OPERATOR(pg_catalog.-) l.uses FROM %1$s.licence l"
					 " WHERE l.licence OPERATOR(retrack.=) $1 AND l.max_uses IS NOT NULL",
					 2, types, values, NULL);
	correct_uses(b, licence);
	rt_books_execute(b, PLAN_LICENCE_DIFFERENCES,
					 "SELECT i.line, ((coalesce(d.drawn, 0) OPERATOR(pg_catalog.-) i.drawn::pg_catalog.numeric)"
					 " OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8"
					 " FROM %1$s.licence_item i LEFT JOIN retrack.licence_draws($2, ARRAY[$1]) d"
					 " ON d.line OPERATOR(pg_catalog.=) i.line"
					 " WHERE i.licence OPERATOR(retrack.=) $1 ORDER BY i.line",
					 2, types, values, NULL);
	correct_items(b, licence, record);
	SPI_finish();
}
