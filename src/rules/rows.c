/*
 * rules/rows.c
 *		Walks over the rows a statement changed.
 */
#include "rules/rows.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "rules/violations.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#define OPEN_CHUNK 10000

/* The latest statement that took back rows of a table. */
typedef struct TakenBack
{
	Oid			rootid;			/* hash key */
	FullTransactionId xid;		/* its transaction; the rest holds for that one */
	CommandId	began;			/* its snapshot's */
	bool		any_open;		/* some row had an open violation */
} TakenBack;

static HTAB *taken_back = NULL;

void
rt_rows_begin(RowWalk *walk, TriggerData *trigdata, const RuleTable *table)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);

	MemSet(walk, 0, sizeof(RowWalk));
	walk->trigdata = trigdata;
	walk->table = table;
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		walk->old_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (!TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		walk->new_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	walk->row_cxt = AllocSetContextCreate(CurrentMemoryContext, "retrack row", ALLOCSET_SMALL_SIZES);
	rt_rows_rewind(walk);
}

void
rt_rows_end(RowWalk *walk)
{
	if (walk->old_slot != NULL)
		ExecDropSingleTupleTableSlot(walk->old_slot);
	if (walk->new_slot != NULL)
		ExecDropSingleTupleTableSlot(walk->new_slot);
	MemoryContextDelete(walk->row_cxt);
}

static void
rewind_table(Tuplestorestate *table)
{
	tuplestore_select_read_pointer(table, 0);
	tuplestore_rescan(table);
}

void
rt_rows_rewind(RowWalk *walk)
{
	if (walk->old_slot != NULL)
		rewind_table(walk->trigdata->tg_oldtable);
	if (walk->new_slot != NULL)
		rewind_table(walk->trigdata->tg_newtable);
	walk->nold = 0;
}

static bool
columns_equal(RowWalk *walk, AttrNumber att)
{
	Form_pg_attribute form;
	int			i = att - 1;

	if (att == InvalidAttrNumber)
		return true;
	if (walk->old_slot->tts_isnull[i] || walk->new_slot->tts_isnull[i])
		return walk->old_slot->tts_isnull[i] == walk->new_slot->tts_isnull[i];
	form = TupleDescAttr(walk->old_slot->tts_tupleDescriptor, i);
	return datum_image_eq(walk->old_slot->tts_values[i], walk->new_slot->tts_values[i],
						  form->attbyval, form->attlen);
}

/*
 * Whether the pair differs in nothing the rules read.  Old and new rows are
 * stored pairwise; were they not, equal rows would still cancel out.
 */
static bool
pair_is_unchanged(RowWalk *walk)
{
	const RuleTable *t = walk->table;
	AttrNumber	last = t->last_att;

	for (int i = 0; i < t->nkeys; i++)
		last = Max(last, t->key[i]);
	slot_getsomeattrs(walk->old_slot, last);
	slot_getsomeattrs(walk->new_slot, last);
	for (int i = 0; i < t->spec->ncolumns; i++)
	{
		if (!columns_equal(walk, t->att[i]))
			return false;
	}
	for (int i = 0; i < t->nkeys; i++)
	{
		if (!columns_equal(walk, t->key[i]))
			return false;
	}
	return true;
}

bool
rt_rows_next(RowWalk *walk)
{
	for (;;)
	{
		bool		old_found = false,
					new_found = false;

		CHECK_FOR_INTERRUPTS();
		/* A tuple of a transition table that went to disk is the slot's: it must outlive the row's context. */
		MemoryContextSwitchTo(MemoryContextGetParent(walk->row_cxt));
		MemoryContextReset(walk->row_cxt);
		if (walk->old_slot != NULL)
			old_found = tuplestore_gettupleslot(walk->trigdata->tg_oldtable, true, false, walk->old_slot);
		if (walk->new_slot != NULL)
			new_found = tuplestore_gettupleslot(walk->trigdata->tg_newtable, true, false, walk->new_slot);
		if (walk->old_slot != NULL && walk->new_slot != NULL && old_found != new_found)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a row of table \"%s\" was lost on its way to another partition", walk->table->root),
					 errdetail("A BEFORE INSERT trigger of that partition returned null, so the update removed the row."),
					 errhint("Let the trigger raise an error, or return the row."),
					 errtable(walk->trigdata->tg_relation)));
		if (!old_found && !new_found)
		{
			MemoryContextSwitchTo(MemoryContextGetParent(walk->row_cxt));
			return false;
		}
		MemoryContextSwitchTo(walk->row_cxt);
		if (old_found && new_found && !walk->every_change && pair_is_unchanged(walk))
			continue;
		if (old_found)
		{
			walk->any_old = true;
			walk->old_is_open = walk->open != NULL && walk->open[walk->nold];
			walk->nold++;
		}
		return true;
	}
}

/*
 * A statement with several parts (WITH) may have recorded a row that replaces the one
 * taken back, whose violation would be taken for that one's.
 */
static void
check_recorded(const RowWalk *walk)
{
	if (!rt_violations_recorded_by_statement(walk->table))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("rows of table \"%s\" were recorded before those were booked that the same statement takes back", walk->table->root),
			 errdetail("Whether a row that was replaced had drawn is not known then."),
			 errhint("Use a statement for each."),
			 errtable(walk->trigdata->tg_relation)));
}

/* Resolves the chunk's open violations and notes which rows had one; returns whether any. */
static bool
find_open_chunk(RowWalk *walk, Books *b, Datum *keys, int n, bool *result)
{
	bool	   *open = rt_violations_open(walk->table, b, keys, n);
	int			nopen = 0;

	for (int i = 0; i < n; i++)
	{
		result[i] |= open[i];
		if (open[i])
			keys[nopen++] = keys[i];
	}
	if (nopen > 0)
	{
		check_recorded(walk);
		walk->any_open = true;
		rt_violations_resolve(walk->table, b, keys, nopen);
	}
	return nopen > 0;
}

/* A statement that began after this one and has been booked was run by a trigger of this one. */
static void
check_order(const RowWalk *walk)
{
	const RuleTable *t = walk->table;
	TakenBack  *last = taken_back == NULL ? NULL : hash_search(taken_back, &t->rootid, HASH_FIND, NULL);

	if (last == NULL || !(t->record || last->any_open) || last->began <= GetActiveSnapshot()->curcid ||
		!FullTransactionIdEquals(last->xid, GetTopFullTransactionIdIfAny()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("rows of table \"%s\" were changed by a trigger before the statement that fired it was booked", t->root),
			 errdetail("Whether a row draws that is recorded, or about to be, is not known then."),
			 errhint("Change the row in a BEFORE trigger, or leave 'mode=record'."),
			 errtable(walk->trigdata->tg_relation)));
}

void
rt_rows_note_booked(const RowWalk *walk)
{
	TakenBack  *last;
	CommandId	began = GetActiveSnapshot()->curcid;
	bool		found;

	if (!walk->any_old)
		return;
	if (taken_back == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(TakenBack)};

		taken_back = hash_create("retrack rows taken back", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	last = hash_search(taken_back, &walk->table->rootid, HASH_ENTER, &found);
	if (!found || !FullTransactionIdEquals(last->xid, GetTopFullTransactionIdIfAny()))
	{
		last->xid = GetTopFullTransactionIdIfAny();
		last->began = began;
		last->any_open = false;
	}
	last->began = Max(last->began, began);
	last->any_open |= walk->any_open;
}

bool
rt_rows_find_open(RowWalk *walk, Books *b)
{
	MemoryContext keep = MemoryContextGetParent(walk->row_cxt);
	Datum	   *keys;
	bool	   *open = walk->open;
	bool		any = false;
	int64		total,
				done = 0;
	int			n = 0;

	check_order(walk);
	if (walk->old_slot == NULL || !rt_violations_any_open(walk->table, b))
		return false;
	if (walk->table->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has recorded violations, but no key by which its rows are found",
						RelationGetRelationName(walk->trigdata->tg_relation)),
				 errdetail("A recorded row drew nothing, and must not give anything back."),
				 errhint("Give the table its primary key again, or name the columns that identify a row by the trigger argument 'key=...'."),
				 errtable(walk->trigdata->tg_relation)));
	if (open == NULL)
	{
		total = tuplestore_tuple_count(walk->trigdata->tg_oldtable);
		open = MemoryContextAllocHuge(keep, total + 1);
		MemSet(open, 0, total + 1);
	}
	keys = MemoryContextAlloc(keep, sizeof(Datum) * OPEN_CHUNK);
	rt_rows_rewind(walk);
	while (rt_rows_next(walk))
	{
		MemoryContextSwitchTo(keep);
		keys[n++] = CStringGetTextDatum(rt_rule_row_key(walk->table, walk->old_slot));
		if (n == OPEN_CHUNK)
		{
			any |= find_open_chunk(walk, b, keys, n, open + done);
			done += n;
			n = 0;
		}
	}
	any |= find_open_chunk(walk, b, keys, n, open + done);
	walk->open = open;
	rt_rows_rewind(walk);
	return any;
}
