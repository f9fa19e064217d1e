/*
 * rules/journal_order.c
 *		Rows that change more than once in a statement, by its triggers and foreign keys.
 *
 * The journal gives a key's state at a moment by the first entry after it.  What a
 * trigger of a statement does is journalled before the statement itself, whose
 * trigger of ours fires last; and what foreign keys' actions do (ON UPDATE CASCADE)
 * is in the transition tables of the statement, without order.
 */
#include "rules/journal_order.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "nodes/parsenodes.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* A statement that is in the journal. */
typedef struct WrittenStatement
{
	CommandId	began;			/* its snapshot's */
	int			depth;			/* of triggers around it, with ours */
	TimestampTz at;
} WrittenStatement;

/*
 * Those of one table in this transaction that the triggers of a statement may have run
 * that is not in the journal yet; and the last one, which may have more to be written.
 */
typedef struct WrittenTable
{
	Oid			rootid;			/* hash key */
	FullTransactionId xid;		/* the rest holds for that one */
	int			n;
	int			max;
	WrittenStatement *statements;	/* in the order they ended */
} WrittenTable;

static HTAB *written = NULL;

static bool
is_ours(const Trigger *trigger)
{
	return get_func_namespace(trigger->tgfoid) == get_namespace_oid("retrack", true);
}

/*
 * Whether it was in BEFORE triggers that statements on the table itself were run: a guess
 * by what triggers it has, for a statement cannot see from where it is run.
 */
static bool
only_before_triggers(const TriggerDesc *triggers)
{
	bool		before = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *t = &triggers->triggers[i];

		if (t->tgenabled == TRIGGER_DISABLED || RI_FKey_trigger_type(t->tgfoid) == RI_TRIGGER_FK || is_ours(t))
			continue;
		if (TRIGGER_FOR_AFTER(t->tgtype))
			return false;
		before |= TRIGGER_FOR_BEFORE(t->tgtype);
	}
	return before;
}

/* The table's statements in this transaction. */
static WrittenTable *
find_written(Oid rootid)
{
	FullTransactionId xid = GetTopFullTransactionId();
	WrittenTable *t;
	bool		found;

	if (written == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(WrittenTable)};

		written = hash_create("retrack journalled statements", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	t = hash_search(written, &rootid, HASH_ENTER, &found);
	if (found && FullTransactionIdEquals(t->xid, xid))
		return t;
	if (found && t->statements != NULL)
		pfree(t->statements);
	t->statements = NULL;
	t->n = t->max = 0;
	t->xid = xid;
	return t;
}

static void
push_written(WrittenTable *t, const WrittenStatement *s)
{
	if (t->n == t->max)
	{
		t->max = t->max * 2 + 8;
		t->statements = t->statements == NULL ? MemoryContextAlloc(TopMemoryContext, sizeof(WrittenStatement) * t->max) :
			repalloc_huge(t->statements, sizeof(WrittenStatement) * t->max);
	}
	t->statements[t->n++] = *s;
}

/*
 * A statement that began later and is in the journal already was run within this one; by a
 * trigger of it, and not by a function in its query, if it is deeper in triggers.
 */
TimestampTz
rt_journal_moment(Relation rel, Oid rootid)
{
	WrittenStatement this = {
		.began = GetActiveSnapshot()->curcid,
		.depth = DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)),
		.at = GetCurrentTimestamp(),
	};
	WrittenTable *t = find_written(rootid);
	TimestampTz first = PG_INT64_MAX;
	const WrittenStatement *last;

	while (t->n > 0 && (last = &t->statements[t->n - 1])->began > this.began)
	{
		if (last->depth > this.depth)
			first = Min(first, last->at);
		t->n--;
	}
	/*
	 * A statement of several kinds (ON CONFLICT, MERGE, WITH) fires one trigger after the
	 * other, that for new rows perhaps before that for those they replace.
	 */
	if (t->n > 0 && last->began == this.began && last->depth == this.depth)
		return last->at;
	if (first != PG_INT64_MAX && !only_before_triggers(rel->trigdesc))
		this.at = first - 1;	/* before what its triggers wrote */
	if (this.depth == 1)
		t->n = 0;				/* no trigger is around it, whose statement would ask for those before */
	push_written(t, &this);
	return this.at;
}

typedef struct SeenKey
{
	uint64		hash;			/* of the key; hash key */
	char		status;
	bool		repeated;
} SeenKey;

#define SH_PREFIX seen
#define SH_ELEMENT_TYPE SeenKey
#define SH_KEY_TYPE uint64
#define SH_KEY hash
#define SH_HASH_KEY(tb, key) ((uint32) (key))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct RepeatedKeys
{
	seen_hash  *seen;
};

static bool
is_action(char action)
{
	return action == FKCONSTR_ACTION_CASCADE || action == FKCONSTR_ACTION_SETNULL || action == FKCONSTR_ACTION_SETDEFAULT;
}

/* Whether a foreign key of the table updates its rows when those they refer to change. */
static bool
has_actions(const TriggerDesc *triggers)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *t = &triggers->triggers[i];
		HeapTuple	tuple;
		bool		acts;

		if (!TRIGGER_FOR_UPDATE(t->tgtype) || RI_FKey_trigger_type(t->tgfoid) != RI_TRIGGER_FK)
			continue;
		tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(t->tgconstraint));
		if (!HeapTupleIsValid(tuple))
			continue;
		acts = is_action(((Form_pg_constraint) GETSTRUCT(tuple))->confupdtype) ||
			is_action(((Form_pg_constraint) GETSTRUCT(tuple))->confdeltype);
		ReleaseSysCache(tuple);
		if (acts)
			return true;
	}
	return false;
}

static uint64
hash_word(Word w)
{
	return hash_bytes_extended((const unsigned char *) w.p, w.len, 0);
}

/* Returns whether the key was there before. */
static bool
see_key(seen_hash *seen, Word key)
{
	bool		found;
	SeenKey    *entry = seen_insert(seen, hash_word(key), &found);

	entry->repeated = found;
	return found;
}

RepeatedKeys *
rt_repeated_keys(RowWalk *walk)
{
	RepeatedKeys *repeated;
	bool		any = false;

	if (!TRIGGER_FIRED_BY_UPDATE(walk->trigdata->tg_event) || walk->table->nkeys == 0 || !has_actions(walk->trigdata->tg_relation->trigdesc))
		return NULL;
	repeated = palloc(sizeof(RepeatedKeys));
	repeated->seen = seen_create(CurrentMemoryContext, 256, NULL);
	while (rt_rows_next(walk))
	{
		Word		old = {rt_rule_row_key(walk->table, walk->old_slot)};
		Word		new = {rt_rule_row_key(walk->table, walk->new_slot)};

		old.len = strlen(old.p);
		new.len = strlen(new.p);
		any |= see_key(repeated->seen, old);
		if (!words_equal(old, new))
			any |= see_key(repeated->seen, new);
	}
	rt_rows_rewind(walk);
	if (any)
		return repeated;
	seen_destroy(repeated->seen);
	pfree(repeated);
	return NULL;
}

bool
rt_key_is_repeated(const RepeatedKeys *repeated, Word key)
{
	SeenKey    *entry = seen_lookup(repeated->seen, hash_word(key));

	return entry != NULL && entry->repeated;
}
