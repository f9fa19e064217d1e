/*
 * rules/keep_terms.c
 *		keep_terms(): trigger on licence, licence_item, licence_party and
 *		licence_status.
 *
 * Before: nobody but the rules changes a ledger's total, and this session will not
 * rely on what it reads of the change if that is undone.  After: the licence's
 * items get new terms, which waits for draws under way and makes every session
 * read the licence again; then rows that already drew on the licence are judged
 * by what it says now.
 */
#include "retrack.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rules/books.h"
#include "rules/doubts.h"
#include "rules/guard.h"
#include "rules/licence_load.h"
#include "rules/rebooked.h"
#include "rules/recheck.h"
#include "rules/violations.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(keep_terms);

/* The columns of each table that the rules read; a change of others is not ours. */
typedef struct TermsTable
{
	const char *name;
	const char *const *columns;
	const char *const *ledger;	/* columns that only the rules change */
} TermsTable;

static const char *const licence_columns[] =
{"licence", "holder", "valid", "status", "max_uses", "destinations", "withdrawn", NULL};
static const char *const item_columns[] =
{"licence", "line", "control_code", "hs_code", "form", "granted", "tolerance", "withdrawn", NULL};
static const char *const party_columns[] = {"licence", "party_id", "role", "withdrawn", NULL};
static const char *const status_columns[] = {"licence", "since", "status", NULL};
static const char *const licence_ledger[] = {"uses", NULL};
static const char *const item_ledger[] = {"drawn", "terms", NULL};
static const char *const no_ledger[] = {NULL};

static const TermsTable terms_tables[] = {
	{"licence", licence_columns, licence_ledger},
	{"licence_item", item_columns, item_ledger},
	{"licence_party", party_columns, no_ledger},
	{"licence_status", status_columns, no_ledger},
};

static const TermsTable *
find_terms_table(Relation rel)
{
	for (int i = 0; i < lengthof(terms_tables); i++)
	{
		if (strcmp(RelationGetRelationName(rel), terms_tables[i].name) == 0)
			return &terms_tables[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_RT_REGISTRY_MISSING),
			 errmsg("keep_terms cannot be a trigger of table \"%s\"", RelationGetRelationName(rel)),
			 errhint("It is for licence, licence_item, licence_party and licence_status of a registry.")));
}

static Datum
get_column(Relation rel, HeapTuple tuple, const char *name, bool *isnull)
{
	AttrNumber	att = get_attnum(RelationGetRelid(rel), name);

	if (att == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), name)));
	return heap_getattr(tuple, att, RelationGetDescr(rel), isnull);
}

static bool
column_changed(Relation rel, HeapTuple old, HeapTuple new, const char *name)
{
	bool		old_null,
				new_null;
	Datum		before = get_column(rel, old, name, &old_null);
	Datum		after = get_column(rel, new, name, &new_null);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), get_attnum(RelationGetRelid(rel), name) - 1);

	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(before, after, att->attbyval, att->attlen);
}

static bool
terms_changed(Relation rel, const TermsTable *table, HeapTuple old, HeapTuple new)
{
	for (int i = 0; table->columns[i] != NULL; i++)
	{
		if (column_changed(rel, old, new, table->columns[i]))
			return true;
	}
	return false;
}

/*
 * Gives those items of the licence the new terms that have others, in the order in
 * which draws lock them.  Returns how many had; "drawn" says whether anything was
 * drawn on one.
 */
static int
renew_items(Books *b, LicenceId licence, int64 terms, bool *drawn)
{
	Datum		key[2] = {LicenceIdGetDatum(licence)};
	Ledger		ledger = {0};
	LedgerRow	row;
	int			n;
	int32	   *lines = rt_licence_lines(b, licence, terms, &n);

	if (n > 0)
		rt_ledger_open(&ledger, &b->item);
	for (int i = 0; i < n; i++)
	{
		key[1] = Int32GetDatum(lines[i]);
		if (rt_ledger_add(&ledger, key, 0, &terms, &row))
			*drawn |= row.sum != 0;
	}
	rt_ledger_close(&ledger);
	pfree(lines);
	return n;
}

static void
lock_licence(Books *b, LicenceId licence)
{
	Oid			types[1] = {rt_type_oid("licence_id")};
	Datum		values[1] = {LicenceIdGetDatum(licence)};

	SPI_connect();
	rt_books_execute(b, PLAN_LOCK_LICENCE,
					 "SELECT FROM %1$s.licence WHERE licence OPERATOR(retrack.=) $1 FOR NO KEY UPDATE",
					 1, types, values, NULL);
	SPI_finish();
}

/*
 * Gives all items of the licence the same new terms.  Returns whether anything was
 * drawn on them.
 *
 * Whoever changes a licence at the same time is met at an item that both see: of
 * two such transactions one waits for the other, and then finds the items it came
 * with.  Where there is no such item, they meet at the licence; not always, since
 * draws that count uses lock it before items.
 */
static bool
renew_terms(Books *b, LicenceId licence)
{
	int64		terms;
	bool		drawn = false,
				locked = false;

	if (!pg_strong_random(&terms, sizeof(terms)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random terms")));
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (renew_items(b, licence, terms, &drawn) > 0)
			continue;
		if (locked || rt_licence_item_is_held(b, licence))
			return drawn;
		lock_licence(b, licence);
		locked = true;
	}
}

/*
 * A status set on the licence itself holds from today on, or from the day of
 * issue: what was exported before stays as it was.
 */
static void
write_status(Books *b, LicenceId licence, Datum status, Datum issued_on, bool issued_null)
{
	Oid			types[3] = {rt_type_oid("licence_id"), TEXTOID, DATEOID};
	Datum		values[3] = {LicenceIdGetDatum(licence), status, issued_on};
	char		nulls[4] = {' ', ' ', issued_null ? 'n' : ' ', '\0'};

	SPI_connect();
	rt_books_execute(b, PLAN_WRITE_STATUS,
					 "INSERT INTO %1$s.licence_status AS s (licence, since, status)"
					 " SELECT $1, CASE WHEN $2 OPERATOR(pg_catalog.=) 'issued' THEN LEAST($3, CURRENT_DATE) ELSE CURRENT_DATE END, $2"
					 " WHERE NOT EXISTS (SELECT FROM (SELECT x.status FROM %1$s.licence_status x"
					 "  WHERE x.licence OPERATOR(retrack.=) $1 ORDER BY x.since DESC LIMIT 1) l WHERE l.status OPERATOR(pg_catalog.=) $2)"
					 " ON CONFLICT (licence, since) DO UPDATE SET status = excluded.status",
					 3, types, values, nulls);
	SPI_finish();
}

static char *
licence_key(LicenceId licence)
{
	char		buf[LICENCE_ID_TEXT_MAX];

	rt_licence_id_print(licence, true, buf);
	return pstrdup(buf);
}

/* A grant below what is drawn is a violation of the item itself. */
static void
check_grant(TriggerData *trigdata, Books *b, bool record)
{
	Relation	rel = trigdata->tg_relation;
	HeapTuple	new = trigdata->tg_newtuple;
	bool		isnull;
	int64		granted = DatumGetInt64(get_column(rel, new, "granted", &isnull));
	int64		before = DatumGetInt64(get_column(rel, trigdata->tg_trigtuple, "granted", &isnull));
	int64		drawn = DatumGetInt64(get_column(rel, new, "drawn", &isnull));
	LicenceId	licence = DatumGetLicenceId(get_column(rel, new, "licence", &isnull));
	int32		line = DatumGetInt32(get_column(rel, new, "line", &isnull));

	if (granted >= before || drawn <= granted)
		return;
	rt_violation_of_row(b, rel, record, ERRCODE_RT_LICENCE_REDUCED,
						psprintf("%s|%d", licence_key(licence), line),
						psprintf("licence %s line %d cannot grant %s: %s are drawn", rt_licence_text(licence), line,
								 rt_mass_text(granted), rt_mass_text(drawn)));
}

/* Fewer uses than were made are a violation of the licence itself; uses are counted from when they are limited. */
static void
check_uses(Relation rel, Books *b, LicenceId licence, bool record)
{
	Ledger		ledger = {0};
	LedgerRow	row;
	Datum		key[1] = {LicenceIdGetDatum(licence)};
	bool		found;

	CommandCounterIncrement();
	rt_ledger_open(&ledger, &b->licence);
	found = rt_ledger_add(&ledger, key, 0, NULL, &row);
	rt_ledger_close(&ledger);
	if (found && !row.granted_null && row.sum > row.granted)
		rt_violation_of_row(b, rel, record, ERRCODE_RT_LICENCE_REDUCED, licence_key(licence),
							psprintf("licence %s cannot have " INT64_FORMAT " uses: " INT64_FORMAT " were made",
									 rt_licence_text(licence), row.granted, row.sum));
}

/* One licence has changed: see what that means for its rows. */
static void
follow_change(TriggerData *trigdata, Books *b, LicenceId licence, bool record)
{
	Relation	rel = trigdata->tg_relation;
	bool		was_drawn = false,
				isnull;

	CommandCounterIncrement();
	/* An item that went, or went to another licence, leaves its rows to the others. */
	if (RelationGetRelid(rel) == b->item.relid && !TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		was_drawn = DatumGetInt64(get_column(rel, trigdata->tg_trigtuple, "drawn", &isnull)) != 0;
	/* Nobody else sees a licence that comes, or has seen its items. */
	if (RelationGetRelid(rel) == b->licence.relid && TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		return;
	if (!renew_terms(b, licence) && !was_drawn)
		return;
	rt_recheck_licence(b, licence, record);
	rt_rebook_licence(b, licence, record);
	rt_note_rebooked_licence(b, licence);
	if (RelationGetRelid(rel) == b->licence.relid && TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) &&
		column_changed(rel, trigdata->tg_trigtuple, trigdata->tg_newtuple, "max_uses"))
		check_uses(rel, b, licence, record);
}

static void
keep_after(TriggerData *trigdata, const TermsTable *table, Books *b, bool record)
{
	Relation	rel = trigdata->tg_relation;
	HeapTuple	old = trigdata->tg_trigtuple;
	HeapTuple	new = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? trigdata->tg_newtuple : NULL;
	LicenceId	licence;
	bool		isnull;

	if (new != NULL && !terms_changed(rel, table, old, new))
		return;
	licence = DatumGetLicenceId(get_column(rel, old, "licence", &isnull));
	if (new != NULL && RelationGetRelid(rel) == b->licence.relid && column_changed(rel, old, new, "status"))
	{
		Datum		status = get_column(rel, new, "status", &isnull);
		Datum		issued_on = get_column(rel, new, "issued_on", &isnull);

		write_status(b, licence, status, issued_on, isnull);
	}
	if (new != NULL && RelationGetRelid(rel) == b->item.relid)
		check_grant(trigdata, b, record);
	follow_change(trigdata, b, licence, record);
	if (new != NULL && column_changed(rel, old, new, "licence"))
		follow_change(trigdata, b, DatumGetLicenceId(get_column(rel, new, "licence", &isnull)), record);
}

Datum
keep_terms(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const TermsTable *table;
	Books	   *b;

	if (CALLED_AS_TRIGGER(fcinfo))
		rt_guard_truncate(trigdata, ERRCODE_RT_LICENCE_TRUNCATE);
	rt_check_row_trigger(fcinfo, "keep_terms");
	table = find_terms_table(trigdata->tg_relation);
	if (TRIGGER_FIRED_BEFORE(trigdata->tg_event))
	{
		rt_doubt(DOUBT_TERMS);
		return PointerGetDatum(TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ? trigdata->tg_trigtuple :
							   rt_guard_ledger(trigdata, table->ledger));
	}
	b = rt_books(RelationGetNamespace(trigdata->tg_relation));
	keep_after(trigdata, table, b, rt_trigger_records(trigdata, "keep_terms"));
	return PointerGetDatum(NULL);
}
