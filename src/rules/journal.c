/*
 * rules/journal.c
 *		journal_changes(): keeps every change of a reported row, chained per
 *		party by SHA-256.
 *
 * An entry's hash covers the one before it of the same party and all of its own
 * fields, so no entry can be changed, dropped or moved without breaking the chain
 * from there to the party's head.  Appending locks the heads of the parties
 * concerned, in order; parties do not wait for each other.
 */
#include "retrack.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "rules/books.h"
#include "rules/rows.h"
#include "rules/violations.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(journal_changes);
PG_FUNCTION_INFO_V1(journal_hash);

#define JOURNAL_CHUNK 1000

enum
{
	JOURNAL_PARTY,
	JOURNAL_FACILITY,
	JOURNAL_COLUMNS
};

static const RuleColumn journal_columns[JOURNAL_COLUMNS] = {
	[JOURNAL_PARTY] = {"party", "exporter", RULE_TYPE_TEXT, false},
	[JOURNAL_FACILITY] = {"facility", "facility_id", RULE_TYPE_TEXT, false},
};
static const char *const no_others[] = {NULL};
static const RuleSpec journal_spec = {"journal_changes", "RTJ", journal_columns, JOURNAL_COLUMNS, no_others};

/* A party's chain, locked. */
typedef struct ChainHead
{
	char	   *party;
	int64		seq;
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	bool		moved;
} ChainHead;

/* The fields of an entry besides its party's chain. */
typedef struct JournalEntry
{
	const char *op;				/* insert, update, delete, move */
	char	   *row_key;
	char	   *before;			/* JSON, or NULL */
	bool		has_digest;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];	/* of the row after the change, as JSON */
} JournalEntry;

typedef enum JournalField
{
	FIELD_PARTY,
	FIELD_SEQ,
	FIELD_OP,
	FIELD_ROW_KEY,
	FIELD_BEFORE,
	FIELD_DIGEST,
	FIELD_HASH,
	FIELD_COUNT
} JournalField;

static const Oid field_types[FIELD_COUNT] =
{TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, BYTEAOID, BYTEAOID};

typedef struct Facility
{
	char	   *id;
	char	   *party;
} Facility;

typedef struct JournalStatement
{
	RuleTable  *table;
	Books	   *books;
	RowWalk		rows;
	MemoryContext cxt;
	MemoryContext chunk_cxt;	/* emptied once a chunk is written */
	pg_cryptohash_ctx *sha;
	TimestampTz recorded_at;
	char	   *who;
	int			nheads;
	int			max_heads;
	ChainHead  *heads;			/* by party, once locked */
	int			nfacilities;
	int			max_facilities;
	Facility   *facilities;
	int			npending;
	Datum	   *pending[FIELD_COUNT];
	bool	   *pending_null[FIELD_COUNT];
} JournalStatement;

static void
hash_bytes_of(pg_cryptohash_ctx *sha, const void *data, size_t len)
{
	if (pg_cryptohash_update(sha, data, len) < 0)
		elog(ERROR, "could not compute SHA-256");
}

/* Most significant byte first. */
static void
hash_int64(pg_cryptohash_ctx *sha, int64 value)
{
	uint8		bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8) ((uint64) value >> (56 - 8 * i));
	hash_bytes_of(sha, bytes, sizeof(bytes));
}

/* One field with its length before it, so that no two entries have the same bytes; NULL has length -1. */
static void
hash_field(pg_cryptohash_ctx *sha, const void *data, int64 len)
{
	hash_int64(sha, len);
	if (len > 0)
		hash_bytes_of(sha, data, len);
}

static void
hash_text(pg_cryptohash_ctx *sha, const char *s)
{
	hash_field(sha, s, s != NULL ? (int64) strlen(s) : -1);
}

/* The entry's hash into result; "previous" may be it. */
static void
hash_entry(pg_cryptohash_ctx *sha, const uint8 *previous, const char *party, int64 seq, TimestampTz recorded_at,
		   const char *who, const char *relation, const JournalEntry *e, uint8 *result)
{
	if (pg_cryptohash_init(sha) < 0)
		elog(ERROR, "could not compute SHA-256");
	hash_field(sha, previous, PG_SHA256_DIGEST_LENGTH);
	hash_text(sha, party);
	hash_int64(sha, seq);
	hash_int64(sha, recorded_at);
	hash_text(sha, who);
	hash_text(sha, relation);
	hash_text(sha, e->row_key);
	hash_text(sha, e->op);
	hash_text(sha, e->before);
	hash_field(sha, e->digest, e->has_digest ? PG_SHA256_DIGEST_LENGTH : -1);
	if (pg_cryptohash_final(sha, result, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256");
}

static char *
get_text(TupleTableSlot *slot, AttrNumber att)
{
	bool		isnull;
	Datum		value;

	if (att == InvalidAttrNumber)
		return NULL;
	value = slot_getattr(slot, att, &isnull);
	return isnull ? NULL : TextDatumGetCString(value);
}

static char *
find_facility_party(JournalStatement *st, const char *facility)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	MemoryContext caller = CurrentMemoryContext;
	char	   *party = "";

	for (int i = 0; i < st->nfacilities; i++)
	{
		if (strcmp(st->facilities[i].id, facility) == 0)
			return st->facilities[i].party;
	}
	SPI_connect();
	values[0] = CStringGetTextDatum(facility);
	rt_books_execute(st->books, PLAN_FACILITY_PARTY,
					 "SELECT party_id FROM %1$s.facility WHERE facility_id OPERATOR(pg_catalog.=) $1",
					 1, types, values, NULL);
	MemoryContextSwitchTo(st->cxt);
	if (SPI_processed > 0)
		party = pstrdup(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	if (st->nfacilities == st->max_facilities)
	{
		st->max_facilities = st->max_facilities * 2 + 16;
		st->facilities = st->facilities == NULL ? palloc(sizeof(Facility) * st->max_facilities) :
			repalloc(st->facilities, sizeof(Facility) * st->max_facilities);
	}
	st->facilities[st->nfacilities].id = pstrdup(facility);
	st->facilities[st->nfacilities++].party = party;
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return party;
}

/* Whose chain the row belongs to; "" if it names nobody. */
static char *
find_party(JournalStatement *st, TupleTableSlot *slot)
{
	char	   *party = get_text(slot, st->table->att[JOURNAL_PARTY]);
	char	   *facility;

	if (party != NULL)
		return party;
	facility = get_text(slot, st->table->att[JOURNAL_FACILITY]);
	return facility != NULL ? find_facility_party(st, facility) : pstrdup("");
}

static ChainHead *
find_head(JournalStatement *st, const char *party)
{
	int			low = 0,
				high = st->nheads;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(st->heads[middle].party, party);

		if (order == 0)
			return &st->heads[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Notes a party of the statement; the list stays sorted. */
static void
note_party(JournalStatement *st, const char *party)
{
	int			at;

	if (find_head(st, party) != NULL)
		return;
	if (st->nheads == st->max_heads)
	{
		MemoryContext caller = MemoryContextSwitchTo(st->cxt);

		st->max_heads = st->max_heads * 2 + 16;
		st->heads = st->heads == NULL ? palloc(sizeof(ChainHead) * st->max_heads) :
			repalloc(st->heads, sizeof(ChainHead) * st->max_heads);
		MemoryContextSwitchTo(caller);
	}
	for (at = st->nheads; at > 0 && strcmp(st->heads[at - 1].party, party) > 0; at--)
		st->heads[at] = st->heads[at - 1];
	MemSet(&st->heads[at], 0, sizeof(ChainHead));
	st->heads[at].party = MemoryContextStrdup(st->cxt, party);
	st->nheads++;
}

static void
find_parties(JournalStatement *st)
{
	while (rt_rows_next(&st->rows))
	{
		if (st->rows.old_slot != NULL)
			note_party(st, find_party(st, st->rows.old_slot));
		if (st->rows.new_slot != NULL)
			note_party(st, find_party(st, st->rows.new_slot));
	}
	rt_rows_rewind(&st->rows);
}

static Datum
make_array(Datum *elements, bool *nulls, int n, Oid type)
{
	int			dims[1] = {n};
	int			bounds[1] = {1};
	bool		byval = type == INT8OID;

	return PointerGetDatum(construct_md_array(elements, nulls, 1, dims, bounds, type, byval ? 8 : -1,
											  byval ? FLOAT8PASSBYVAL : false, byval ? TYPALIGN_DOUBLE : TYPALIGN_INT));
}

static Datum
make_bytea(const uint8 *data, size_t len)
{
	bytea	   *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), data, len);
	return PointerGetDatum(result);
}

static Datum
party_array(JournalStatement *st)
{
	Datum	   *parties = palloc(sizeof(Datum) * st->nheads);

	for (int i = 0; i < st->nheads; i++)
		parties[i] = CStringGetTextDatum(st->heads[i].party);
	return make_array(parties, NULL, st->nheads, TEXTOID);
}

/* Locks the heads of the statement's parties, in order; new parties begin with zeros. */
static void
lock_heads(JournalStatement *st)
{
	Oid			types[1] = {TEXTARRAYOID};
	Datum		values[1];
	bool		isnull;

	SPI_connect();
	values[0] = party_array(st);
	for (;;)
	{
		rt_books_execute(st->books, PLAN_LOCK_HEADS,
						 "SELECT party, seq, hash FROM %1$s.journal_head WHERE party OPERATOR(pg_catalog.=) ANY ($1)"
						 " ORDER BY party COLLATE \"C\" FOR NO KEY UPDATE", 1, types, values, NULL);
		if (SPI_processed == st->nheads)
			break;
		rt_books_execute(st->books, PLAN_MAKE_HEADS,
						 "INSERT INTO %1$s.journal_head (party, seq, hash)"
						 " SELECT p, 0, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex') FROM pg_catalog.unnest($1) p"
						 " ORDER BY p COLLATE \"C\" ON CONFLICT (party) DO NOTHING", 1, types, values, NULL);
	}
	for (int i = 0; i < st->nheads; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		ChainHead  *head = find_head(st, SPI_getvalue(tuple, desc, 1));
		bytea	   *hash = DatumGetByteaPP(SPI_getbinval(tuple, desc, 3, &isnull));

		if (head == NULL || VARSIZE_ANY_EXHDR(hash) != PG_SHA256_DIGEST_LENGTH)
			elog(ERROR, "journal_head is damaged");
		head->seq = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
		memcpy(head->hash, VARDATA_ANY(hash), PG_SHA256_DIGEST_LENGTH);
	}
	SPI_finish();
}

static void
write_chunk(JournalStatement *st)
{
	Oid			types[FIELD_COUNT + 3] = {TEXTARRAYOID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
	BYTEAARRAYOID, BYTEAARRAYOID, TIMESTAMPTZOID, TEXTOID, TEXTOID};
	Datum		values[FIELD_COUNT + 3];

	if (st->npending == 0)
		return;
	SPI_connect();
	for (int i = 0; i < FIELD_COUNT; i++)
		values[i] = make_array(st->pending[i], st->pending_null[i], st->npending, field_types[i]);
	values[FIELD_COUNT] = TimestampTzGetDatum(st->recorded_at);
	values[FIELD_COUNT + 1] = CStringGetTextDatum(st->who);
	values[FIELD_COUNT + 2] = CStringGetTextDatum(st->table->root);
	rt_books_execute(st->books, PLAN_WRITE_JOURNAL,
					 "INSERT INTO %1$s.journal (party, seq, recorded_at, who, relation, row_key, op, before, after_digest, hash)"
					 " SELECT p, s, $8, $9, $10, k, o, b::pg_catalog.json, d, h"
					 " FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4),"
					 "  pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7)) u (p, s, o, k, b, d, h)",
					 FIELD_COUNT + 3, types, values, NULL);
	SPI_finish();
	st->npending = 0;
	MemoryContextReset(st->chunk_cxt);
}

static void
append_entry(JournalStatement *st, const char *party, const JournalEntry *e)
{
	ChainHead  *head = find_head(st, party);
	MemoryContext caller = MemoryContextSwitchTo(st->chunk_cxt);
	int			i = st->npending;

	if (i == 0)
	{
		for (int f = 0; f < FIELD_COUNT; f++)
		{
			st->pending[f] = palloc(sizeof(Datum) * JOURNAL_CHUNK);
			st->pending_null[f] = palloc0(sizeof(bool) * JOURNAL_CHUNK);
		}
	}
	head->seq++;
	hash_entry(st->sha, head->hash, party, head->seq, st->recorded_at, st->who, st->table->root, e, head->hash);
	st->pending[FIELD_PARTY][i] = CStringGetTextDatum(party);
	st->pending[FIELD_SEQ][i] = Int64GetDatum(head->seq);
	st->pending[FIELD_OP][i] = CStringGetTextDatum(e->op);
	st->pending[FIELD_ROW_KEY][i] = CStringGetTextDatum(e->row_key);
	st->pending_null[FIELD_BEFORE][i] = e->before == NULL;
	st->pending[FIELD_BEFORE][i] = e->before == NULL ? (Datum) 0 : CStringGetTextDatum(e->before);
	st->pending_null[FIELD_DIGEST][i] = !e->has_digest;
	st->pending[FIELD_DIGEST][i] = e->has_digest ? make_bytea(e->digest, PG_SHA256_DIGEST_LENGTH) : (Datum) 0;
	st->pending[FIELD_HASH][i] = make_bytea(head->hash, PG_SHA256_DIGEST_LENGTH);
	MemoryContextSwitchTo(caller);
	if (++st->npending == JOURNAL_CHUNK)
		write_chunk(st);
}

/* The slot's row as JSON text. */
static char *
row_json(Relation rel, TupleTableSlot *slot)
{
	bool		free_tuple;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, &free_tuple);
	Datum		row = heap_copy_tuple_as_datum(tuple, RelationGetDescr(rel));

	return TextDatumGetCString(DirectFunctionCall1(row_to_json, row));
}

static void
digest_row(JournalStatement *st, TupleTableSlot *slot, JournalEntry *e)
{
	char	   *json = row_json(st->rows.trigdata->tg_relation, slot);

	e->has_digest = true;
	if (pg_cryptohash_init(st->sha) < 0)
		elog(ERROR, "could not compute SHA-256");
	hash_bytes_of(st->sha, json, strlen(json));
	if (pg_cryptohash_final(st->sha, e->digest, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256");
}

/* A row that gets another key is another row: one goes, one comes. */
static void
journal_row(JournalStatement *st)
{
	Relation	rel = st->rows.trigdata->tg_relation;
	JournalEntry old = {0};
	JournalEntry new = {0};
	char	   *old_party = NULL,
			   *new_party = NULL;

	if (st->rows.old_slot != NULL)
	{
		old.row_key = rt_rule_row_key(st->table, st->rows.old_slot);
		old.before = row_json(rel, st->rows.old_slot);
		old.op = "delete";
		old_party = find_party(st, st->rows.old_slot);
	}
	if (st->rows.new_slot != NULL)
	{
		new.row_key = rt_rule_row_key(st->table, st->rows.new_slot);
		new.op = "insert";
		digest_row(st, st->rows.new_slot, &new);
		new_party = find_party(st, st->rows.new_slot);
	}
	if (old_party == NULL || new_party == NULL || strcmp(old.row_key, new.row_key) != 0)
	{
		if (old_party != NULL)
			append_entry(st, old_party, &old);
		if (new_party != NULL)
			append_entry(st, new_party, &new);
		return;
	}
	old.op = "update";
	old.has_digest = true;
	memcpy(old.digest, new.digest, sizeof(old.digest));
	append_entry(st, old_party, &old);
	new.op = "move";
	if (strcmp(old_party, new_party) != 0)
		append_entry(st, new_party, &new);
}

static void
write_heads(JournalStatement *st)
{
	Oid			types[3] = {TEXTARRAYOID, INT8ARRAYOID, BYTEAARRAYOID};
	Datum		values[3];
	Datum	   *seqs = palloc(sizeof(Datum) * st->nheads);
	Datum	   *hashes = palloc(sizeof(Datum) * st->nheads);

	SPI_connect();
	for (int i = 0; i < st->nheads; i++)
	{
		seqs[i] = Int64GetDatum(st->heads[i].seq);
		hashes[i] = make_bytea(st->heads[i].hash, PG_SHA256_DIGEST_LENGTH);
	}
	values[0] = party_array(st);
	values[1] = make_array(seqs, NULL, st->nheads, INT8OID);
	values[2] = make_array(hashes, NULL, st->nheads, BYTEAOID);
	rt_books_execute(st->books, PLAN_WRITE_HEADS,
					 "UPDATE %1$s.journal_head t SET seq = u.s, hash = u.h"
					 " FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) u (p, s, h)"
					 " WHERE t.party OPERATOR(pg_catalog.=) u.p", 3, types, values, NULL);
	if (SPI_processed != st->nheads)
		elog(ERROR, "journal_head lost a row under its lock");
	SPI_finish();
}

static void
journal_statement(JournalStatement *st)
{
	int			nest = NewGUCNestLevel();

	/* JSON must read the same whatever the session's settings. */
	(void) set_config_option("TimeZone", "UTC", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("extra_float_digits", "1", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	find_parties(st);
	if (st->nheads > 0)
	{
		lock_heads(st);
		st->recorded_at = GetCurrentTimestamp();
		while (rt_rows_next(&st->rows))
			journal_row(st);
		write_chunk(st);
		write_heads(st);
	}
	AtEOXact_GUC(true, nest);
}

/*
 * Statement trigger of a table of reports.
 */
Datum
journal_changes(PG_FUNCTION_ARGS)
{
	JournalStatement st = {0};

	rt_check_rule_trigger(fcinfo, "journal_changes", ERRCODE_RT_JOURNAL_TRUNCATE);
	st.table = rt_rule_table((TriggerData *) fcinfo->context, &journal_spec);
	st.books = rt_books(st.table->registry);
	rt_books_admit(get_relname_relid("journal", st.table->registry), ((TriggerData *) fcinfo->context)->tg_relation);
	st.cxt = CurrentMemoryContext;
	st.chunk_cxt = AllocSetContextCreate(st.cxt, "retrack journal", ALLOCSET_DEFAULT_SIZES);
	st.who = GetUserNameFromId(GetSessionUserId(), false);
	st.sha = pg_cryptohash_create(PG_SHA256);
	if (st.sha == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	rt_rows_begin(&st.rows, (TriggerData *) fcinfo->context, st.table);
	st.rows.every_change = true;
	journal_statement(&st);
	rt_rows_end(&st.rows);
	pg_cryptohash_free(st.sha);
	return PointerGetDatum(NULL);
}

static char *
get_text_arg(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/*
 * journal_hash(previous bytea, party, seq, recorded_at, who, relation, row_key, op,
 *				before json, after_digest bytea)
 */
Datum
journal_hash(PG_FUNCTION_ARGS)
{
	pg_cryptohash_ctx *sha = pg_cryptohash_create(PG_SHA256);
	JournalEntry e = {0};
	uint8		previous[PG_SHA256_DIGEST_LENGTH] = {0};
	uint8		hash[PG_SHA256_DIGEST_LENGTH];

	if (sha == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(0)) == PG_SHA256_DIGEST_LENGTH)
		memcpy(previous, VARDATA_ANY(PG_GETARG_BYTEA_PP(0)), PG_SHA256_DIGEST_LENGTH);
	e.row_key = get_text_arg(fcinfo, 6);
	e.op = get_text_arg(fcinfo, 7);
	e.before = get_text_arg(fcinfo, 8);
	e.has_digest = !PG_ARGISNULL(9) && VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(9)) == PG_SHA256_DIGEST_LENGTH;
	if (e.has_digest)
		memcpy(e.digest, VARDATA_ANY(PG_GETARG_BYTEA_PP(9)), PG_SHA256_DIGEST_LENGTH);
	hash_entry(sha, previous, get_text_arg(fcinfo, 1), PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2),
			   PG_ARGISNULL(3) ? 0 : PG_GETARG_TIMESTAMPTZ(3), get_text_arg(fcinfo, 4), get_text_arg(fcinfo, 5), &e, hash);
	pg_cryptohash_free(sha);
	return make_bytea(hash, PG_SHA256_DIGEST_LENGTH);
}
