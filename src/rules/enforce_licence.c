/*
 * rules/enforce_licence.c
 *		enforce_licence(): export rows against licences, and the licence ledger.
 *
 * One statement's rows are summed up per licence item first, under terms that
 * are mostly in memory already; then each item's ledger row is drawn on once, in
 * the order of (licence, line), licences with limited uses before all items.
 * Drawing locks the row and tells whether the terms still hold: if not, they are
 * read again, now protected by the lock, and the sums are made anew.  Only where
 * a total passes what was granted are the rows looked at one after the other,
 * since the tolerance is for the last batch.
 */
#include "rules/books.h"
#include "rules/control_list.h"
#include "rules/licence_judge.h"
#include "rules/rebooked.h"
#include "rules/rows.h"
#include "rules/violations.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(enforce_licence);

typedef struct UsageEntry
{
	LicenceId	licence;		/* hash key */
	char		status;
	LicenceUse *use;
} UsageEntry;

#define SH_PREFIX usage
#define SH_ELEMENT_TYPE UsageEntry
#define SH_KEY_TYPE LicenceId
#define SH_KEY licence
#define SH_HASH_KEY(tb, key) murmurhash32((uint32) (key) ^ (uint32) ((key) >> 32))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Up to this many licences a statement finds them by looking at each. */
#define USES_WITHOUT_HASH 8

typedef struct LicenceStatement
{
	RuleTable  *table;
	Books	   *books;
	ControlList *controls;
	RowWalk		rows;
	MemoryContext cxt;			/* lasts as long as the statement's trigger */
	usage_hash *usage;			/* finds a licence in uses, once there are many */
	int			nuses;
	int			max_uses;
	LicenceUse **uses;
	LicenceUse *last;			/* of the row before: most come in runs */
	bool		broken;			/* some row broke a rule that needs no ledger */
	bool		unsure;			/* by terms that may have changed since they were read */
	bool		over;			/* some total passed its limit */
	Violations	violations;
} LicenceStatement;

static LicenceUse *
make_use(LicenceStatement *st, LicenceId licence)
{
	MemoryContext caller = MemoryContextSwitchTo(st->cxt);
	LicenceUse *use = palloc0(sizeof(LicenceUse));

	use->licence = licence;
	use->terms = rt_licence_terms(st->books, licence);
	if (use->terms != NULL)
		use->items = palloc0(sizeof(Draw) * (use->terms->nitems + 1));
	if (st->nuses == st->max_uses)
	{
		st->max_uses = st->max_uses * 2 + 8;
		st->uses = st->uses == NULL ? palloc(sizeof(LicenceUse *) * st->max_uses) :
			repalloc_huge(st->uses, sizeof(LicenceUse *) * st->max_uses);
	}
	st->uses[st->nuses++] = use;
	MemoryContextSwitchTo(caller);
	return use;
}

static void
index_use(LicenceStatement *st, LicenceUse *use)
{
	bool		found;

	usage_insert(st->usage, use->licence, &found)->use = use;
}

static LicenceUse *
lookup_use(LicenceStatement *st, LicenceId licence)
{
	if (st->usage != NULL)
	{
		UsageEntry *entry = usage_lookup(st->usage, licence);

		return entry != NULL ? entry->use : NULL;
	}
	for (int i = 0; i < st->nuses; i++)
	{
		if (st->uses[i]->licence == licence)
			return st->uses[i];
	}
	return NULL;
}

static LicenceUse *
add_use(LicenceStatement *st, LicenceId licence)
{
	LicenceUse *use = make_use(st, licence);

	if (st->usage != NULL)
		index_use(st, use);
	else if (st->nuses > USES_WITHOUT_HASH)
	{
		st->usage = usage_create(st->cxt, 64, NULL);
		for (int i = 0; i < st->nuses; i++)
			index_use(st, st->uses[i]);
	}
	return use;
}

static LicenceUse *
find_use(LicenceStatement *st, LicenceId licence)
{
	LicenceUse *use = st->last;

	if (use != NULL && use->licence == licence)
		return use;
	use = lookup_use(st, licence);
	if (use == NULL)
		use = add_use(st, licence);
	st->last = use;
	return use;
}

/*
 * An old row gives back what it drew.  Where no item seems to cover it, the terms
 * may be from before another session added the item it drew on.
 */
static void
total_old_row(LicenceStatement *st, const ShipmentRow *row)
{
	LicenceUse *use;
	int			item;

	if (row->withdrawn || !row->has_licence || !row->has_mass || row->mass <= 0 || st->rows.old_is_open)
		return;
	use = find_use(st, row->licence);
	item = use->terms == NULL ? -1 : rt_licence_find_item(use->terms, row);
	if (item < 0)
	{
		st->unsure = use->stale = true;
		return;
	}
	use->items[item].touched = true;
	rt_draw_count(&use->items[item].back, row->mass);
	use->uses.touched = true;
	use->uses.back++;
}

static void
total_new_row(LicenceStatement *st, const ShipmentRow *row)
{
	LicenceUse *use = row->has_licence ? find_use(st, row->licence) : NULL;
	LicenceVerdict verdict;

	rt_licence_check(st->controls, use != NULL ? use->terms : NULL, row, &verdict);
	if (verdict.broken != 0)
	{
		st->broken = st->unsure = true;
		if (use != NULL)
			use->stale = true;
	}
	else if (verdict.item >= 0)
	{
		use->items[verdict.item].touched = true;
		rt_draw_count(&use->items[verdict.item].wanted, row->mass);
		use->uses.touched = true;
		use->uses.wanted++;
	}
}

/* Sums up the statement's rows per licence and item. */
static void
total_rows(LicenceStatement *st)
{
	ShipmentRow row;

	st->broken = st->unsure = false;
	rt_rows_rewind(&st->rows);
	while (rt_rows_next(&st->rows))
	{
		if (st->rows.old_slot != NULL)
		{
			rt_shipment_read(st->table, st->rows.old_slot, &row);
			total_old_row(st, &row);
		}
		if (st->rows.new_slot != NULL)
		{
			rt_shipment_read(st->table, st->rows.new_slot, &row);
			total_new_row(st, &row);
		}
	}
}

static int
compare_uses(const void *a, const void *b)
{
	LicenceId	x = (*(LicenceUse *const *) a)->licence;
	LicenceId	y = (*(LicenceUse *const *) b)->licence;

	return x < y ? -1 : x > y;
}

/*
 * Reads the terms anew.  What was applied so far is carried over by line; a line
 * that is gone took its ledger row with it.
 */
static void
refresh_terms(LicenceStatement *st, LicenceUse *use)
{
	LicenceTerms *before = use->terms;
	Draw	   *draws = use->items;

	use->stale = false;
	use->terms = rt_licence_terms_reload(st->books, use->licence);
	use->items = NULL;
	if (use->terms == NULL)
		return;
	use->items = palloc0(sizeof(Draw) * (use->terms->nitems + 1));
	for (int i = 0; i < use->terms->nitems; i++)
	{
		for (int j = 0; before != NULL && j < before->nitems; j++)
		{
			if (before->items[j].line == use->terms->items[i].line)
				use->items[i] = draws[j];
		}
	}
}

static void
forget_totals(LicenceStatement *st)
{
	for (int k = 0; k < st->nuses; k++)
	{
		LicenceUse *use = st->uses[k];

		use->uses.back = use->uses.wanted = 0;
		use->uses.touched = false;
		for (int i = 0; use->terms != NULL && i < use->terms->nitems; i++)
		{
			use->items[i].back = use->items[i].wanted = 0;
			use->items[i].touched = false;
		}
	}
}

/* Reads stale terms again; false: there were none. */
static bool
refresh_stale(LicenceStatement *st)
{
	bool		any = false;

	for (int i = 0; i < st->nuses; i++)
	{
		if (st->uses[i]->stale)
		{
			refresh_terms(st, st->uses[i]);
			any = true;
		}
	}
	return any;
}

static void
apply_uses(LicenceStatement *st)
{
	Ledger		ledger = {0};

	for (int i = 0; i < st->nuses; i++)
	{
		LicenceUse *use = st->uses[i];
		Datum		key[1] = {LicenceIdGetDatum(use->licence)};

		if (use->terms == NULL || !use->terms->limited)
			continue;
		if (!rt_draw_apply(&ledger, &st->books->licence, key, &use->terms->place, &use->uses) ||
			(use->uses.locked && use->uses.row.granted_null))
			use->stale = true;
	}
	rt_ledger_close(&ledger);
}

static void
apply_items(LicenceStatement *st)
{
	Ledger		ledger = {0};

	for (int i = 0; i < st->nuses; i++)
	{
		LicenceUse *use = st->uses[i];

		for (int j = 0; use->terms != NULL && j < use->terms->nitems; j++)
		{
			Draw	   *draw = &use->items[j];
			Datum		key[2] = {LicenceIdGetDatum(use->licence), Int32GetDatum(use->terms->items[j].line)};

			if (!rt_draw_apply(&ledger, &st->books->item, key, &use->terms->items[j].place, draw) ||
				(draw->locked && draw->row.terms != use->terms->items[j].terms))
				use->stale = true;
		}
	}
	rt_ledger_close(&ledger);
}

/* Draws what is due; true: all terms it relied on are those of the locked rows. */
static bool
apply_totals(LicenceStatement *st)
{
	/* Rows this command changed before must be visible to be changed again. */
	CommandCounterIncrement();
	qsort(st->uses, st->nuses, sizeof(LicenceUse *), compare_uses);
	apply_uses(st);
	apply_items(st);
	for (int i = 0; i < st->nuses; i++)
	{
		if (st->uses[i]->stale)
			return false;
	}
	return true;
}

/*
 * Totals the rows, less those with an open violation, which drew nothing.  Which
 * these are is asked after the terms were read: a change of the licence that opens
 * some later than that is noticed by its terms.
 */
static void
total_drawing_rows(LicenceStatement *st)
{
	total_rows(st);
	if (!rt_rows_find_open(&st->rows, st->books))
		return;
	forget_totals(st);
	total_rows(st);
}

/*
 * Totals and draws until both rest on the same terms.  A row that breaks a rule
 * is judged by newly read terms once before it counts.
 */
static void
draw_totals(LicenceStatement *st)
{
	bool		judged_anew = false;

	for (int attempt = 0;; attempt++)
	{
		total_drawing_rows(st);
		if (st->unsure && !judged_anew)
		{
			judged_anew = true;
			if (refresh_stale(st))
			{
				forget_totals(st);
				continue;
			}
		}
		for (int i = 0; i < st->nuses; i++)
			st->uses[i]->stale = false;
		if (apply_totals(st))
			return;
		if (attempt > 100)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("terms of a licence keep changing"),
					 errhint("The transaction might succeed if retried.")));
		refresh_stale(st);
		forget_totals(st);
	}
}

static void
find_over(LicenceStatement *st)
{
	for (int k = 0; k < st->nuses; k++)
	{
		LicenceUse *use = st->uses[k];

		st->over |= rt_draw_find_over(&use->uses);
		for (int i = 0; use->terms != NULL && i < use->terms->nitems; i++)
			st->over |= rt_draw_find_over(&use->items[i]);
	}
}

/*
 * Goes through the new rows one by one and reports what is wrong.  What refused
 * rows had added to the totals is taken off them.
 */
static void
judge_rows(LicenceStatement *st)
{
	ShipmentRow row;
	LicenceVerdict verdict;

	rt_rows_rewind(&st->rows);
	while (rt_rows_next(&st->rows))
	{
		LicenceUse *use;
		bool		drawn;

		if (st->rows.new_slot == NULL)
			continue;
		rt_shipment_read(st->table, st->rows.new_slot, &row);
		use = row.has_licence ? find_use(st, row.licence) : NULL;
		rt_licence_check(st->controls, use != NULL ? use->terms : NULL, &row, &verdict);
		drawn = verdict.broken == 0 && verdict.item >= 0;
		if (drawn)
			rt_licence_check_limits(use, &row, &verdict);
		if (verdict.broken == 0)
			continue;
		rt_licence_report(&st->violations, st->books, st->rows.new_slot, use, &row, &verdict);
		if (drawn)
		{
			use->items[verdict.item].wanted -= row.mass;
			use->uses.wanted--;
		}
	}
}

static void
enforce_statement(LicenceStatement *st)
{
	draw_totals(st);
	find_over(st);
	if (!st->broken && !st->over)
		return;
	judge_rows(st);
	if (!st->table->record)
	{
		rt_violations_raise(&st->violations, st->rows.trigdata->tg_relation);
		return;
	}
	if (st->over)
		apply_totals(st);
	rt_violations_record(&st->violations, st->books);
}

/*
 * Statement trigger of a table of exports.
 */
Datum
enforce_licence(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	LicenceStatement st = {0};

	rt_check_rule_trigger(fcinfo, "enforce_licence", ERRCODE_RT_LICENCE_TRUNCATE);
	st.table = rt_rule_table(trigdata, &licence_rule_spec);
	st.books = rt_books(st.table->registry);
	rt_books_admit(st.books->item.relid, trigdata->tg_relation);
	st.controls = rt_control_list(st.books);
	st.cxt = CurrentMemoryContext;
	rt_violations_begin(&st.violations, st.table);
	rt_rows_begin(&st.rows, trigdata, st.table);
	enforce_statement(&st);
	for (int i = 0; i < st.nuses; i++)
		rt_check_booked_licence(st.books, trigdata, st.uses[i]->licence);
	rt_rows_note_booked(&st.rows);
	rt_rows_end(&st.rows);
	return PointerGetDatum(NULL);
}
