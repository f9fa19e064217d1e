/*
 * rules/keep_quotas.c
 *		keep_quotas(): trigger on quota, party and facility, which together are
 *		the tree that production draws on.
 *
 * Before the statement: nobody else draws until this transaction ends, and every
 * session reads the tree again.  Before a quota row: its total is not changed by
 * hand.  After the statement: quotas whose rows are now others are recomputed,
 * and what was granted is compared with what is drawn and what is allotted.
 */
#include "retrack.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "rules/books.h"
#include "rules/guard.h"
#include "rules/quota_tree.h"
#include "rules/rebooked.h"
#include "rules/violations.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(keep_quotas);

/*
 * Runs a query that may read the statement's transition tables, as the ledger's
 * owner and without the user's search_path; within an SPI connection.
 */
static void
run_query(Books *b, const char *query, int nargs, Oid *types, Datum *values)
{
	MemoryContext caller = CurrentMemoryContext;
	OwnerRights saved;
	SPIPlanPtr	plan;
	int			outcome;
	int			nest = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("DateStyle", "ISO, YMD", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("TimeZone", "UTC", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	rt_become_owner(b, &saved);
	plan = SPI_prepare(query, nargs, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	CommandCounterIncrement();
	outcome = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
	rt_become_oneself(&saved);
	AtEOXact_GUC(true, nest);
	MemoryContextSwitchTo(caller);
	if (outcome < 0)
		elog(ERROR, "quota query failed: %s", SPI_result_code_string(outcome));
}

static Datum
registry_name(Books *b)
{
	return DirectFunctionCall1(namein, CStringGetDatum(get_namespace_name(b->nspid)));
}

static Datum
get_value(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static char *
get_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = get_value(row, column, &isnull);

	return isnull ? pstrdup("?") : TextDatumGetCString(value);
}

/*
 * The quotas whose rows may now be others, as an array: of a change of quotas the
 * changed ones, of a move in the tree all.  NULL: none.
 */
static ArrayType *
find_changed(TriggerData *trigdata, Books *b)
{
	Oid			relid = RelationGetRelid(trigdata->tg_relation);
	const char *query;
	bool		isnull;
	Datum		ids;

	if (relid == b->quota.relid)
		query = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
			"SELECT pg_catalog.array_agg(n.quota_id) FROM new_rows n WHERE NOT EXISTS (SELECT FROM old_rows o"
			" WHERE o.quota_id OPERATOR(pg_catalog.=) n.quota_id AND (o.holder, o.stage, o.ore_class, o.period, o.withdrawn)"
			" IS NOT DISTINCT FROM (n.holder, n.stage, n.ore_class, n.period, n.withdrawn))" :
			"SELECT pg_catalog.array_agg(n.quota_id) FROM new_rows n";
	else if (relid == b->party)
		query = "SELECT pg_catalog.array_agg(q.quota_id) FROM %1$s.quota q WHERE EXISTS (SELECT FROM old_rows o"
			" LEFT JOIN new_rows n ON n.party_id OPERATOR(pg_catalog.=) o.party_id"
			" WHERE o.parent IS DISTINCT FROM n.parent)";
	else
		query = "SELECT pg_catalog.array_agg(q.quota_id) FROM %1$s.quota q WHERE EXISTS (SELECT FROM old_rows o"
			" LEFT JOIN new_rows n ON n.facility_id OPERATOR(pg_catalog.=) o.facility_id"
			" WHERE o.party_id IS DISTINCT FROM n.party_id)";
	run_query(b, psprintf(query, b->nspname), 0, NULL, NULL);
	ids = get_value(0, 1, &isnull);
	return isnull ? NULL : DatumGetArrayTypePCopy(ids);
}

/*
 * All quotas, as an array, if production needs a quota of the producer's own: one
 * more or less then changes what is drawn on those above it.  NULL: it needs none.
 */
static ArrayType *
find_all_if_required(Books *b)
{
	Oid			types[1] = {NAMEOID};
	Datum		values[1] = {registry_name(b)};
	bool		isnull;
	Datum		ids;

	run_query(b, psprintf("SELECT pg_catalog.array_agg(q.quota_id) FROM %s.quota q WHERE retrack.allotment_required($1)",
						  b->nspname), 1, types, values);
	ids = get_value(0, 1, &isnull);
	return isnull ? NULL : DatumGetArrayTypePCopy(ids);
}

/* Sets the ledger rows of those quotas to what their rows draw. */
static void
rebook_quotas(Books *b, ArrayType *ids)
{
	Oid			types[2] = {NAMEOID, TEXTARRAYOID};
	Datum		values[2];
	Ledger		ledger = {0};
	LedgerRow	row;
	bool		isnull;

	values[0] = registry_name(b);
	values[1] = PointerGetDatum(ids);
	run_query(b, psprintf("SELECT q.quota_id, ((coalesce(d.drawn, 0) OPERATOR(pg_catalog.-) q.drawn::pg_catalog.numeric)"
						  " OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8"
						  " FROM %s.quota q LEFT JOIN retrack.quota_draws($1, $2) d ON d.quota_id OPERATOR(pg_catalog.=) q.quota_id"
						  " WHERE q.quota_id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY q.quota_id COLLATE \"C\"", b->nspname),
			  2, types, values);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		key[1] = {get_value(i, 1, &isnull)};
		int64		difference = DatumGetInt64(get_value(i, 2, &isnull));

		if (difference == 0)
			continue;
		if (ledger.rel == NULL)
			rt_ledger_open(&ledger, &b->quota);
		rt_ledger_add(&ledger, key, difference, NULL, &row);
	}
	rt_ledger_close(&ledger);
}

/* Quotas of the array that are drawn beyond what they grant. */
static void
check_drawn(TriggerData *trigdata, Books *b, ArrayType *ids, bool record)
{
	Oid			types[1] = {TEXTARRAYOID};
	Datum		values[1] = {PointerGetDatum(ids)};

	run_query(b, psprintf("SELECT q.quota_id, q.granted::pg_catalog.text, q.drawn::pg_catalog.text FROM %s.quota q"
						  " WHERE q.quota_id OPERATOR(pg_catalog.=) ANY ($1) AND NOT q.withdrawn"
						  " AND q.drawn OPERATOR(retrack.>) q.granted ORDER BY 1", b->nspname), 1, types, values);
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
	{
		SPITupleTable *rows = SPI_tuptable;

		rt_violation_of_row(b, trigdata->tg_relation, record, ERRCODE_RT_QUOTA_REDUCED, get_text(i, 1),
							psprintf("quota \"%s\" cannot grant %s REO: %s are drawn", get_text(i, 1), get_text(i, 2), get_text(i, 3)));
		SPI_tuptable = rows;
	}
}

/*
 * What a group allots to its members out of a quota cannot exceed it: the sum over
 * direct members' quotas of the same stage, of its class (or any, if it is for
 * any) and within its period.
 */
static void
check_allotments(TriggerData *trigdata, Books *b, bool record)
{
	run_query(b, psprintf("SELECT g.quota_id, g.granted::pg_catalog.text, pg_catalog.sum(m.granted::pg_catalog.numeric)::pg_catalog.text"
						  " FROM %1$s.quota g JOIN %1$s.party p ON p.parent OPERATOR(pg_catalog.=) g.holder"
						  " JOIN %1$s.quota m ON m.holder OPERATOR(pg_catalog.=) p.party_id AND m.stage OPERATOR(pg_catalog.=) g.stage"
						  "  AND (g.ore_class OPERATOR(pg_catalog.=) 'any' OR m.ore_class OPERATOR(pg_catalog.=) g.ore_class)"
						  "  AND m.period OPERATOR(pg_catalog.<@) g.period"
						  " WHERE NOT g.withdrawn AND NOT m.withdrawn GROUP BY g.quota_id, g.granted"
						  " HAVING pg_catalog.sum(m.granted::pg_catalog.numeric) OPERATOR(pg_catalog.>) g.granted::pg_catalog.numeric"
						  " ORDER BY 1", b->nspname), 0, NULL, NULL);
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
	{
		SPITupleTable *rows = SPI_tuptable;

		rt_violation_of_row(b, trigdata->tg_relation, record, ERRCODE_RT_QUOTA_ALLOTMENT, get_text(i, 1),
							psprintf("quota \"%s\" grants %s REO, but its members are allotted %s kg",
									 get_text(i, 1), get_text(i, 2), get_text(i, 3)));
		SPI_tuptable = rows;
	}
}

/* Production that the change (see retrack.uncovered_query) left without a quota is the current result. */
static void
find_uncovered(Books *b, const char *changed)
{
	Oid			types[2] = {NAMEOID, TEXTOID};
	Datum		values[2];
	bool		isnull;

	values[0] = registry_name(b);
	values[1] = CStringGetTextDatum(changed);
	run_query(b, "SELECT retrack.uncovered_query($1, $2)", 2, types, values);
	run_query(b, TextDatumGetCString(get_value(0, 1, &isnull)), 0, NULL, NULL);
}

/*
 * Production of a facility that is gone would draw on nothing.  The registry's own
 * has a foreign key, that of other tables need not.
 */
static void
refuse_gone_facility(TriggerData *trigdata, Books *b)
{
	bool		isnull;

	find_uncovered(b, "facility gone");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_RT_QUOTA_REDUCED),
				 errmsg("facility \"%s\" cannot go: " INT64_FORMAT " production rows that draw on quotas name it",
						get_text(0, 1), DatumGetInt64(get_value(0, 2, &isnull))),
				 errhint("Correct or delete those rows first."),
				 errtable(trigdata->tg_relation)));
}

/* What goes and comes again by one statement is still there for its foreign keys, and for us, who would recompute nothing. */
static void
refuse_replaced(TriggerData *trigdata, Books *b)
{
	bool		of_party = RelationGetRelid(trigdata->tg_relation) == b->party;

	run_query(b, psprintf(of_party ?
						  "SELECT o.party_id FROM old_rows o JOIN %s.party n ON n.party_id OPERATOR(pg_catalog.=) o.party_id"
						  " WHERE o.parent IS DISTINCT FROM n.parent" :
						  "SELECT o.facility_id FROM old_rows o JOIN %s.facility n ON n.facility_id OPERATOR(pg_catalog.=) o.facility_id"
						  " WHERE o.party_id IS DISTINCT FROM n.party_id", b->nspname), 0, NULL, NULL);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s \"%s\" cannot be deleted and inserted with another %s by one statement",
						of_party ? "party" : "facility", get_text(0, 1), of_party ? "parent" : "party"),
				 errhint("Update it instead."),
				 errtable(trigdata->tg_relation)));
}

/*
 * Production that the statement's quotas covered before and that none covers now,
 * or that a move in the tree left without.
 */
static void
check_uncovered(TriggerData *trigdata, Books *b, bool record)
{
	Oid			relid = RelationGetRelid(trigdata->tg_relation);
	const char *message = relid == b->quota.relid ?
		"quota \"%s\" cannot go: " INT64_FORMAT " production rows draw on it that no other quota covers" :
		"facility \"%s\" cannot move: no quota would cover " INT64_FORMAT " of its production rows";
	bool		isnull;

	if (relid == b->facility)
		refuse_gone_facility(trigdata, b);
	if (relid != b->quota.relid && TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		return;
	find_uncovered(b, relid == b->quota.relid ? "quota" : relid == b->party ? "party" : "facility");
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
	{
		SPITupleTable *rows = SPI_tuptable;

		rt_violation_of_row(b, trigdata->tg_relation, record, ERRCODE_RT_QUOTA_REDUCED, get_text(i, 1),
							psprintf(message, get_text(i, 1), DatumGetInt64(get_value(i, 2, &isnull))));
		SPI_tuptable = rows;
	}
}

/* The quotas this statement wrote, whose grants may be too small now. */
static ArrayType *
find_written(TriggerData *trigdata, Books *b, ArrayType *changed)
{
	bool		isnull;
	Datum		ids;

	if (RelationGetRelid(trigdata->tg_relation) != b->quota.relid)
		return changed;
	run_query(b, "SELECT pg_catalog.array_agg(n.quota_id) FROM new_rows n", 0, NULL, NULL);
	ids = get_value(0, 1, &isnull);
	return isnull ? NULL : DatumGetArrayTypePCopy(ids);
}

static void
follow_statement(TriggerData *trigdata, Books *b, bool record)
{
	bool		of_quotas = RelationGetRelid(trigdata->tg_relation) == b->quota.relid;
	bool		deleted = TRIGGER_FIRED_BY_DELETE(trigdata->tg_event);
	ArrayType  *changed = NULL,
			   *all = NULL,
			   *written = NULL;

	SPI_connect();
	SPI_register_trigger_data(trigdata);
	if (!deleted)
		changed = find_changed(trigdata, b);
	else if (!of_quotas)
		refuse_replaced(trigdata, b);
	if (of_quotas && (deleted || changed != NULL))
		all = find_all_if_required(b);
	if (all != NULL || changed != NULL)
		rebook_quotas(b, all != NULL ? all : changed);
	/* Rows of a facility that is gone have nothing to give back to any more. */
	if (all != NULL || changed != NULL || (deleted && RelationGetRelid(trigdata->tg_relation) == b->facility))
		rt_note_rebooked_quotas(b);
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && (deleted || changed != NULL))
		check_uncovered(trigdata, b, record);
	if (!deleted)
		written = find_written(trigdata, b, all != NULL ? all : changed);
	if (written != NULL)
	{
		check_drawn(trigdata, b, written, record);
		check_allotments(trigdata, b, record);
	}
	SPI_finish();
}

Datum
keep_quotas(PG_FUNCTION_ARGS)
{
	static const char *const ledger[] = {"drawn", NULL};
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	bool		record;
	Books	   *b;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_quotas must be called as a trigger")));
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		return PointerGetDatum(rt_guard_ledger(trigdata, ledger));
	rt_guard_truncate(trigdata, ERRCODE_RT_QUOTA_TRUNCATE);
	record = rt_trigger_records(trigdata, "keep_quotas");
	b = rt_books(RelationGetNamespace(trigdata->tg_relation));
	if (TRIGGER_FIRED_BEFORE(trigdata->tg_event))
	{
		rt_quota_tree_lock(b, true);
		CacheInvalidateRelcacheByRelid(b->quota.relid);
	}
	else
	{
		/* Again: a row trigger may have read the tree as it was before its row. */
		CacheInvalidateRelcacheByRelid(b->quota.relid);
		follow_statement(trigdata, b, record);
	}
	return PointerGetDatum(NULL);
}
