/*
 * rules/journal_chain.c
 *		The hash chains of the journal.
 *
 * Heads are read, locked and changed like ledger rows, without queries: a
 * statement of one row pays for its head what a foreign key check would cost.
 */
#include "rules/journal_chain.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
rt_sha256(pg_cryptohash_ctx *sha, const void *data, size_t len, uint8 *result)
{
	if (pg_cryptohash_init(sha) < 0 || pg_cryptohash_update(sha, data, len) < 0 ||
		pg_cryptohash_final(sha, result, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256");
}

/* Most significant byte first. */
static void
append_int64(StringInfo buf, int64 value)
{
	uint64		big = pg_hton64((uint64) value);

	appendBinaryStringInfo(buf, (const char *) &big, sizeof(big));
}

/* One field with its length before it, so that no two entries have the same bytes; null has length -1. */
static void
append_field(StringInfo buf, Word w)
{
	append_int64(buf, w.len);
	if (w.len > 0)
		appendBinaryStringInfo(buf, w.p, w.len);
}

static void
append_text(StringInfo buf, const char *s)
{
	append_field(buf, (Word) {s, s != NULL ? (int) strlen(s) : -1});
}

/* Their number, then each. */
static void
append_list(StringInfo buf, const WordList *list)
{
	append_int64(buf, list->n);
	for (int i = 0; i < list->n; i++)
		append_field(buf, list->word[i]);
}

void
rt_journal_hash(pg_cryptohash_ctx *sha, StringInfo buf, const uint8 *previous,
				Word party, int64 seq, const JournalStamp *stamp, const JournalEntry *e, uint8 *result)
{
	resetStringInfo(buf);
	append_field(buf, (Word) {(const char *) previous, PG_SHA256_DIGEST_LENGTH});
	append_field(buf, party);
	append_int64(buf, seq);
	append_int64(buf, stamp->recorded_at);
	append_text(buf, stamp->who);
	append_text(buf, stamp->relation);
	append_list(buf, &e->row_keys);
	append_text(buf, e->op);
	append_field(buf, e->before);
	append_list(buf, &e->after_digests);
	rt_sha256(sha, buf->data, buf->len, result);
}

/* The table of heads, open. */
typedef struct HeadTable
{
	Books	   *books;
	Relation	rel;
	Relation	index;
	TupleTableSlot *slot;
	TupleTableSlot *changed;
} HeadTable;

static void
open_heads(HeadTable *t, Books *b)
{
	t->books = b;
	t->rel = table_open(b->journal_head, RowExclusiveLock);
	t->index = index_open(b->journal_head_pkey, RowExclusiveLock);
	t->slot = table_slot_create(t->rel, NULL);
	t->changed = MakeSingleTupleTableSlot(RelationGetDescr(t->rel), &TTSOpsHeapTuple);
}

static void
close_heads(HeadTable *t)
{
	ExecDropSingleTupleTableSlot(t->changed);
	ExecDropSingleTupleTableSlot(t->slot);
	index_close(t->index, NoLock);
	table_close(t->rel, NoLock);
}

static bool
find_head_row(HeadTable *t, const ChainHead *head, Snapshot snapshot)
{
	ScanKeyData key = t->books->journal_head_key;
	IndexScanDesc scan;
	bool		found;

	key.sk_argument = PointerGetDatum(head->party);
	scan = rt_index_beginscan(t->rel, t->index, snapshot, 1);
	index_rescan(scan, &key, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, t->slot);
	index_endscan(scan);
	return found;
}

static void
read_head(HeadTable *t, ChainHead *head)
{
	const AttrNumber *att = t->books->journal_head_att;
	bool		seq_null,
				hash_null;
	Datum		seq = slot_getattr(t->slot, att[HEAD_SEQ_COLUMN], &seq_null);
	Datum		hash = slot_getattr(t->slot, att[HEAD_HASH_COLUMN], &hash_null);

	if (seq_null || hash_null || VARSIZE_ANY_EXHDR(DatumGetByteaPP(hash)) != PG_SHA256_DIGEST_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the journal's head of party \"%s\" is damaged", text_to_cstring(head->party)),
				 errhint("retrack.verify_journal shows what is left of the chain.")));
	head->seq = DatumGetInt64(seq);
	memcpy(head->hash, VARDATA_ANY(DatumGetByteaPP(hash)), PG_SHA256_DIGEST_LENGTH);
	head->tid = t->slot->tts_tid;
}

/*
 * Locks the newest version of the head's row, whatever this transaction's
 * snapshot: an entry follows the last one, not the last one it sees.  False: there
 * is no such row.
 */
static bool
lock_head(HeadTable *t, ChainHead *head)
{
	bool		found,
				locked = false;

	do
	{
		Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
		TM_FailureData failure;

		CHECK_FOR_INTERRUPTS();
		found = find_head_row(t, head, snapshot);
		if (found)
		{
			ItemPointerData tid = t->slot->tts_tid;

			locked = table_tuple_lock(t->rel, &tid, snapshot, t->slot, GetCurrentCommandId(true),
									  LockTupleNoKeyExclusive, LockWaitBlock,
									  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure) == TM_Ok;
			if (locked)
				read_head(t, head);
		}
		ExecClearTuple(t->slot);
		UnregisterSnapshot(snapshot);
	} while (found && !locked);
	return locked;
}

/* A new party's head.  One by one, since making it locks it. */
static void
make_head(Books *b, ChainHead *head)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {PointerGetDatum(head->party)};

	SPI_connect();
	rt_books_execute(b, PLAN_MAKE_HEAD,
					 "INSERT INTO %1$s.journal_head (party, seq, hash)"
					 " VALUES ($1, 0, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex')) ON CONFLICT (party) DO NOTHING",
					 1, types, values, NULL);
	SPI_finish();
	CommandCounterIncrement();
}

static int
compare_heads(const void *a, const void *b)
{
	const text *x = (*(ChainHead *const *) a)->party;
	const text *y = (*(ChainHead *const *) b)->party;
	int			order = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), Min(VARSIZE_ANY_EXHDR(x), VARSIZE_ANY_EXHDR(y)));

	return order != 0 ? order : (int) VARSIZE_ANY_EXHDR(x) - (int) VARSIZE_ANY_EXHDR(y);
}

void
rt_journal_lock_heads(Books *b, ChainHead **heads, int n)
{
	HeadTable	t;

	qsort(heads, n, sizeof(ChainHead *), compare_heads);
	CommandCounterIncrement();	/* a head this command changed can be locked again only then */
	open_heads(&t, b);
	for (int i = 0; i < n; i++)
	{
		heads[i]->rank = i;
		if (lock_head(&t, heads[i]))
			continue;
		make_head(b, heads[i]);
		if (!lock_head(&t, heads[i]))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("the journal's head of party \"%s\" was removed meanwhile", text_to_cstring(heads[i]->party))));
	}
	close_heads(&t);
}

/* The row with the head's new end in t->changed. */
static void
form_head(HeadTable *t, const ChainHead *head)
{
	int			atts[2] = {t->books->journal_head_att[HEAD_SEQ_COLUMN], t->books->journal_head_att[HEAD_HASH_COLUMN]};
	union
	{
		bytea		data;
		char		room[VARHDRSZ + PG_SHA256_DIGEST_LENGTH];
	}			hash;
	Datum		values[2] = {Int64GetDatum(head->seq), PointerGetDatum(&hash.data)};
	bool		nulls[2] = {false, false};
	HeapTuple	old;
	bool		free_old;

	SET_VARSIZE(&hash.data, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	memcpy(VARDATA(&hash.data), head->hash, PG_SHA256_DIGEST_LENGTH);
	old = ExecFetchSlotHeapTuple(t->slot, false, &free_old);
	ExecStoreHeapTuple(heap_modify_tuple_by_cols(old, RelationGetDescr(t->rel), 2, atts, values, nulls),
					   t->changed, true);
	t->changed->tts_tableOid = RelationGetRelid(t->rel);
	if (free_old)
		heap_freetuple(old);
}

static void
write_head(HeadTable *t, ChainHead *head)
{
	TM_FailureData failure;
	LockTupleMode lockmode;
	RtUpdateIndexes update_indexes;
	TM_Result	result = TM_Deleted;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	if (table_tuple_fetch_row_version(t->rel, &head->tid, SnapshotAny, t->slot))
	{
		form_head(t, head);
		result = table_tuple_update(t->rel, &head->tid, t->changed, GetCurrentCommandId(true), snapshot,
									InvalidSnapshot, true, &failure, &lockmode, &update_indexes);
	}
	if (result != TM_Ok)
		elog(ERROR, "journal_head lost a row under its lock (%d)", (int) result);
	if (update_indexes)
		rt_ledger_index_row(t->rel, t->changed, update_indexes);
	ExecClearTuple(t->slot);
	UnregisterSnapshot(snapshot);
}

void
rt_journal_write_heads(Books *b, ChainHead **heads, int n)
{
	HeadTable	t;

	open_heads(&t, b);
	for (int i = 0; i < n; i++)
		write_head(&t, heads[i]);
	close_heads(&t);
}
