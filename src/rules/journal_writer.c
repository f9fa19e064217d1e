/*
 * rules/journal_writer.c
 *		Puts entries into the journal.
 *
 * A journal as create_registry makes it is written without queries, by the
 * functions COPY uses; one with triggers, rules, generated columns and the like,
 * or a partitioned one, by an INSERT for each entry.
 */
#include "rules/journal_writer.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

static const struct
{
	const char *name;
	Oid			type;
}			fields[FIELD_COUNT] = {
	[FIELD_PARTY] = {"party", TEXTOID},
	[FIELD_SEQ] = {"seq", INT8OID},
	[FIELD_RECORDED_AT] = {"recorded_at", TIMESTAMPTZOID},
	[FIELD_WHO] = {"who", TEXTOID},
	[FIELD_RELATION] = {"relation", TEXTOID},
	[FIELD_ROW_KEYS] = {"row_keys", TEXTARRAYOID},
	[FIELD_OP] = {"op", TEXTOID},
	[FIELD_BEFORE] = {"before", JSONOID},
	[FIELD_DIGESTS] = {"after_digests", BYTEAARRAYOID},
	[FIELD_HASH] = {"hash", BYTEAOID},
};

/* Which column each field is; false: there are others, or not all of these. */
static bool
find_fields(JournalWriter *w)
{
	TupleDesc	desc = RelationGetDescr(w->rel);
	int			found = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int			field = 0;

		while (field < FIELD_COUNT && strcmp(NameStr(att->attname), fields[field].name) != 0)
			field++;
		if (field == FIELD_COUNT || att->atttypid != fields[field].type || att->attgenerated != '\0')
			return false;
		w->att[field] = i + 1;
		found++;
	}
	return found == FIELD_COUNT;
}

/* Whether an INSERT would do nothing but what we do. */
static bool
is_plain(JournalWriter *w)
{
	Form_pg_class form = RelationGetForm(w->rel);

	return form->relkind == RELKIND_RELATION && form->relowner == w->books->owner && !form->relispartition &&
		w->rel->trigdesc == NULL && w->rel->rd_rules == NULL && find_fields(w);
}

static void
begin_direct(JournalWriter *w)
{
	w->estate = CreateExecutorState();
	w->target = makeNode(ResultRelInfo);
	InitResultRelInfo(w->target, w->rel, 0, NULL, 0);
	ExecOpenIndices(w->target, false);
}

static Datum
make_text(const char *s)
{
	return PointerGetDatum(cstring_to_text(s));
}

/* text, bytea or json. */
static Datum
make_varlena(Word w)
{
	return PointerGetDatum(cstring_to_text_with_len(w.p, w.len));
}

/* An array of text or bytea, without a value made for each element first. */
static Datum
make_array(const WordList *list, Oid type)
{
	Size		size = ARR_OVERHEAD_NONULLS(1);
	ArrayType  *array;
	char	   *to;

	for (int i = 0; i < list->n; i++)
		size += INTALIGN(VARHDRSZ + list->word[i].len);
	array = palloc0(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = type;
	ARR_DIMS(array)[0] = list->n;
	ARR_LBOUND(array)[0] = 1;
	to = ARR_DATA_PTR(array);
	for (int i = 0; i < list->n; i++)
	{
		SET_VARSIZE(to, VARHDRSZ + list->word[i].len);
		memcpy(VARDATA(to), list->word[i].p, list->word[i].len);
		to += INTALIGN(VARHDRSZ + list->word[i].len);
	}
	return PointerGetDatum(array);
}

void
rt_journal_writer_begin(JournalWriter *w, Books *b, const JournalStamp *stamp)
{
	MemSet(w, 0, sizeof(JournalWriter));
	w->books = b;
	w->stamp = stamp;
	w->chunk_cxt = AllocSetContextCreate(CurrentMemoryContext, "retrack journal", ALLOCSET_DEFAULT_SIZES);
	w->who = make_text(stamp->who);
	w->relation = make_text(stamp->relation);
	w->rel = table_open(b->journal, RowExclusiveLock);
	w->direct = is_plain(w);
	if (w->direct)
		begin_direct(w);
}

/* By party and number: the primary key's order, so that neighbours go to the same page. */
static int
compare_entries(const void *a, const void *b)
{
	const PendingEntry *x = *(const PendingEntry *const *) a;
	const PendingEntry *y = *(const PendingEntry *const *) b;

	if (x->head != y->head)
		return x->head->rank < y->head->rank ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static TupleTableSlot *
fill_slot(JournalWriter *w, int n, const PendingEntry *e)
{
	TupleTableSlot *slot;
	MemoryContext caller;

	if (n == w->nslots)
	{
		caller = MemoryContextSwitchTo(GetMemoryChunkContext(w->estate));
		if (n == 0)
			w->slots = palloc(sizeof(TupleTableSlot *) * JOURNAL_CHUNK);
		w->slots[w->nslots++] = table_slot_create(w->rel, NULL);
		MemoryContextSwitchTo(caller);
	}
	slot = w->slots[n];
	ExecClearTuple(slot);
	for (int f = 0; f < FIELD_COUNT; f++)
	{
		slot->tts_values[w->att[f] - 1] = e->values[f];
		slot->tts_isnull[w->att[f] - 1] = e->nulls[f];
	}
	return ExecStoreVirtualTuple(slot);
}

/*
 * Checks and indexes run with the user's own rights: functions in them, found by
 * the session's search_path, must not get the owner's.
 */
static void
store_directly(JournalWriter *w)
{
	PendingEntry **order = palloc(sizeof(PendingEntry *) * w->npending);

	for (int i = 0; i < w->npending; i++)
		order[i] = &w->pending[i];
	if (w->npending > 1)
		qsort(order, w->npending, sizeof(PendingEntry *), compare_entries);
	for (int i = 0; i < w->npending; i++)
	{
		TupleTableSlot *slot = fill_slot(w, i, order[i]);

		slot->tts_tableOid = RelationGetRelid(w->rel);
		ExecConstraints(w->target, slot, w->estate);
		ResetPerTupleExprContext(w->estate);
	}
	table_multi_insert(w->rel, w->slots, w->npending, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < w->npending; i++)
	{
		if (w->target->ri_NumIndices > 0)
			list_free(rt_insert_index_tuples(w->target, w->slots[i], w->estate));
		ResetPerTupleExprContext(w->estate);
		ExecClearTuple(w->slots[i]);
	}
}

static void
store_by_query(JournalWriter *w)
{
	Oid			types[FIELD_COUNT];
	char		nulls[FIELD_COUNT];

	for (int f = 0; f < FIELD_COUNT; f++)
		types[f] = fields[f].type;
	SPI_connect();
	for (int i = 0; i < w->npending; i++)
	{
		for (int f = 0; f < FIELD_COUNT; f++)
			nulls[f] = w->pending[i].nulls[f] ? 'n' : ' ';
		rt_books_execute(w->books, PLAN_WRITE_JOURNAL,
						 "INSERT INTO %1$s.journal (party, seq, recorded_at, who, relation, row_keys, op, before, after_digests, hash)"
						 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
						 FIELD_COUNT, types, w->pending[i].values, nulls);
	}
	SPI_finish();
}

static void
write_chunk(JournalWriter *w)
{
	MemoryContext caller;

	if (w->npending == 0)
		return;
	caller = MemoryContextSwitchTo(w->chunk_cxt);
	if (w->direct)
		store_directly(w);
	else
		store_by_query(w);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(w->chunk_cxt);
	w->npending = 0;
	w->bytes = 0;
}

void
rt_journal_writer_add(JournalWriter *w, const ChainHead *head, const JournalEntry *e)
{
	MemoryContext caller = MemoryContextSwitchTo(w->chunk_cxt);
	PendingEntry *p;

	if (w->npending == 0)
	{
		w->max_pending = Max(w->max_pending, 4);
		w->pending = palloc(sizeof(PendingEntry) * w->max_pending);
	}
	else if (w->npending == w->max_pending)
	{
		w->max_pending = Min(w->max_pending * 4, JOURNAL_CHUNK);
		w->pending = repalloc(w->pending, sizeof(PendingEntry) * w->max_pending);
	}
	p = &w->pending[w->npending++];
	MemSet(p->nulls, 0, sizeof(p->nulls));
	p->head = head;
	p->seq = head->seq;
	p->values[FIELD_PARTY] = PointerGetDatum(head->party);
	p->values[FIELD_SEQ] = Int64GetDatum(head->seq);
	p->values[FIELD_RECORDED_AT] = TimestampTzGetDatum(w->stamp->recorded_at);
	p->values[FIELD_WHO] = w->who;
	p->values[FIELD_RELATION] = w->relation;
	p->values[FIELD_ROW_KEYS] = make_array(&e->row_keys, TEXTOID);
	p->values[FIELD_OP] = make_text(e->op);
	p->nulls[FIELD_BEFORE] = e->before.len < 0;
	p->values[FIELD_BEFORE] = e->before.len < 0 ? (Datum) 0 : make_varlena(e->before);
	p->nulls[FIELD_DIGESTS] = e->after_digests.n < 0;
	p->values[FIELD_DIGESTS] = e->after_digests.n < 0 ? (Datum) 0 : make_array(&e->after_digests, BYTEAOID);
	p->values[FIELD_HASH] = make_varlena((Word) {(const char *) head->hash, PG_SHA256_DIGEST_LENGTH});
	w->bytes += VARSIZE(DatumGetPointer(p->values[FIELD_ROW_KEYS])) + Max(e->before.len, 0);
	MemoryContextSwitchTo(caller);
	if (w->npending == JOURNAL_CHUNK || w->bytes > JOURNAL_CHUNK_BYTES)
		write_chunk(w);
}

void
rt_journal_writer_end(JournalWriter *w)
{
	write_chunk(w);
	if (w->direct)
	{
		for (int i = 0; i < w->nslots; i++)
			ExecDropSingleTupleTableSlot(w->slots[i]);
		ExecCloseIndices(w->target);
		ExecResetTupleTable(w->estate->es_tupleTable, false);
		FreeExecutorState(w->estate);
	}
	table_close(w->rel, NoLock);
	MemoryContextDelete(w->chunk_cxt);
}
