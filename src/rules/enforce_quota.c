/*
 * rules/enforce_quota.c
 *		enforce_quota(): production rows against quotas, and the quota ledger.
 *
 * Works as enforce_licence does.  The shape of the tree cannot change under us,
 * since the tree lock is held; what is granted is read from the locked ledger
 * rows, which are drawn on in the order of quota_id.
 */
#include "rules/books.h"
#include "rules/quota_judge.h"
#include "rules/rebooked.h"
#include "rules/rows.h"
#include "rules/violations.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(enforce_quota);

typedef struct QuotaStatement
{
	RuleTable  *table;
	Books	   *books;
	QuotaScope	scope;
	RowWalk		rows;
	MemoryContext cxt;			/* lasts as long as the statement's trigger */
	HTAB	   *facilities;		/* FacilityUse by quotas */
	FacilityUse *last;
	int			nuses;
	int			max_uses;
	QuotaUse  **uses;
	bool		broken;			/* some row broke a rule that needs no ledger */
	bool		over;			/* some total passed its limit */
	Violations	violations;
} QuotaStatement;

/* The statement's part in the quota, which several facilities may share. */
static QuotaUse *
find_use(QuotaStatement *st, const QuotaNode *quota)
{
	QuotaUse   *use;

	for (int i = 0; i < st->nuses; i++)
	{
		if (words_equal(st->uses[i]->quota->id, quota->id))
			return st->uses[i];
	}
	if (st->nuses == st->max_uses)
	{
		st->max_uses = st->max_uses * 2 + 8;
		st->uses = st->uses == NULL ? palloc(sizeof(QuotaUse *) * st->max_uses) :
			repalloc(st->uses, sizeof(QuotaUse *) * st->max_uses);
	}
	use = palloc0(sizeof(QuotaUse));
	use->quota = quota;
	st->uses[st->nuses++] = use;
	return use;
}

static void
make_facilities(QuotaStatement *st)
{
	HASHCTL		ctl = {.keysize = sizeof(FacilityQuotas *), .entrysize = sizeof(FacilityUse)};

	ctl.hcxt = st->cxt;
	st->facilities = hash_create("retrack statement facilities", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The facility's part in the statement; NULL: no such facility. */
static FacilityUse *
find_facility(QuotaStatement *st, Word facility)
{
	const FacilityQuotas *quotas = facility.len >= 0 ? rt_facility_quotas(st->books, facility) : NULL;
	FacilityUse *use;
	MemoryContext caller;
	bool		found;

	if (quotas == NULL || (st->last != NULL && st->last->quotas == quotas))
		return quotas == NULL ? NULL : st->last;
	if (st->facilities == NULL)
		make_facilities(st);
	use = hash_search(st->facilities, &quotas, HASH_ENTER, &found);
	if (!found)
	{
		caller = MemoryContextSwitchTo(st->cxt);
		use->uses = palloc(sizeof(QuotaUse *) * (quotas->nquotas + 1));
		for (int i = 0; i < quotas->nquotas; i++)
			use->uses[i] = find_use(st, &quotas->quotas[i]);
		MemoryContextSwitchTo(caller);
	}
	st->last = use;
	return use;
}

/* An old row gives back what it drew. */
static void
total_old_row(QuotaStatement *st, const ProductionRow *row)
{
	FacilityUse *facility;
	QuotaVerdict verdict;

	if (st->rows.old_is_open)
		return;
	facility = find_facility(st, row->facility);
	rt_quota_check(&st->scope, facility != NULL ? facility->quotas : NULL, row, &verdict);
	if (verdict.broken != 0 || verdict.reo == 0)
		return;
	for (int i = 0; i < facility->quotas->nquotas; i++)
	{
		if (rt_quota_covers(&facility->quotas->quotas[i], row))
		{
			facility->uses[i]->draw.touched = true;
			rt_draw_count(&facility->uses[i]->draw.back, verdict.reo);
		}
	}
}

static void
total_new_row(QuotaStatement *st, const ProductionRow *row)
{
	FacilityUse *facility = find_facility(st, row->facility);
	QuotaVerdict verdict;

	rt_quota_check(&st->scope, facility != NULL ? facility->quotas : NULL, row, &verdict);
	if (verdict.broken != 0)
		st->broken = true;
	if (verdict.broken != 0 || verdict.reo == 0)
		return;
	for (int i = 0; i < facility->quotas->nquotas; i++)
	{
		if (rt_quota_covers(&facility->quotas->quotas[i], row))
		{
			facility->uses[i]->draw.touched = true;
			rt_draw_count(&facility->uses[i]->draw.wanted, verdict.reo);
		}
	}
}

static void
total_rows(QuotaStatement *st)
{
	ProductionRow row;

	rt_rows_rewind(&st->rows);
	while (rt_rows_next(&st->rows))
	{
		if (st->rows.old_slot != NULL)
		{
			rt_production_read(st->table, st->rows.old_slot, &row);
			total_old_row(st, &row);
		}
		if (st->rows.new_slot != NULL)
		{
			rt_production_read(st->table, st->rows.new_slot, &row);
			total_new_row(st, &row);
		}
	}
}

static int
compare_uses(const void *a, const void *b)
{
	Word		x = (*(QuotaUse *const *) a)->quota->id;
	Word		y = (*(QuotaUse *const *) b)->quota->id;
	int			order = memcmp(x.p, y.p, Min(x.len, y.len));

	return order != 0 ? order : x.len - y.len;
}

/* Draws what is due.  The tree lock keeps all from removing quotas but those who switch triggers off. */
static void
apply_totals(QuotaStatement *st)
{
	Ledger		ledger = {0};

	/* Rows this command changed before must be visible to be changed again. */
	CommandCounterIncrement();
	if (st->nuses > 1)
		qsort(st->uses, st->nuses, sizeof(QuotaUse *), compare_uses);
	for (int i = 0; i < st->nuses; i++)
	{
		Word		id = st->uses[i]->quota->id;
		Datum		key[1] = {PointerGetDatum(cstring_to_text_with_len(id.p, id.len))};

		if (!rt_draw_apply(&ledger, &st->books->quota, key,
						   &unconstify(QuotaNode *, st->uses[i]->quota)->place, &st->uses[i]->draw))
		{
			/* It went behind the triggers' back: the tree is to be read again. */
			st->books->quotas_valid = false;
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("quota \"%.*s\" has vanished", id.len, id.p),
					 errdetail("It was removed while the triggers of the registry's quotas were off."),
					 errhint("The transaction might succeed if retried; retrack.rebook_ledger recomputes the ledgers.")));
		}
	}
	rt_ledger_close(&ledger);
}

/* Goes through the new rows one by one and reports what is wrong. */
static void
judge_rows(QuotaStatement *st)
{
	ProductionRow row;
	QuotaVerdict verdict;

	rt_rows_rewind(&st->rows);
	while (rt_rows_next(&st->rows))
	{
		FacilityUse *facility;
		QuotaUse   *full[2] = {NULL, NULL};

		if (st->rows.new_slot == NULL)
			continue;
		rt_production_read(st->table, st->rows.new_slot, &row);
		facility = find_facility(st, row.facility);
		rt_quota_check(&st->scope, facility != NULL ? facility->quotas : NULL, &row, &verdict);
		if (verdict.broken == 0 && verdict.reo != 0)
			rt_quota_check_limits(facility, &row, &verdict, full);
		if (verdict.broken != 0)
			rt_quota_report(&st->violations, st->books, st->rows.new_slot,
							facility != NULL ? facility->quotas : NULL, &row, &verdict, full);
	}
}

static void
enforce_statement(QuotaStatement *st)
{
	total_rows(st);
	apply_totals(st);
	for (int i = 0; i < st->nuses; i++)
		st->over |= rt_draw_find_over(&st->uses[i]->draw);
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
 * Statement trigger of a table of production.
 */
Datum
enforce_quota(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	QuotaStatement st = {0};

	rt_check_rule_trigger(fcinfo, "enforce_quota", ERRCODE_RT_QUOTA_TRUNCATE);
	st.table = rt_rule_table(trigdata, &quota_rule_spec);
	st.books = rt_books(st.table->registry);
	rt_books_admit(st.books->quota.relid, trigdata->tg_relation);
	rt_quota_tree_lock(st.books, false);
	rt_quota_scope(st.table, &st.scope);
	st.cxt = CurrentMemoryContext;
	rt_violations_begin(&st.violations, st.table);
	rt_rows_begin(&st.rows, trigdata, st.table);
	rt_rows_find_open(&st.rows, st.books);
	enforce_statement(&st);
	rt_check_booked_quotas(st.books, trigdata);
	rt_rows_note_booked(&st.rows);
	rt_rows_end(&st.rows);
	return PointerGetDatum(NULL);
}
