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

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rules/journal_chain.h"
#include "rules/journal_writer.h"
#include "rules/row_json.h"
#include "rules/row_values.h"
#include "rules/rows.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(journal_changes);
PG_FUNCTION_INFO_V1(journal_hash);

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

/* Finds a party's chain by its name, or by a facility of it. */
typedef struct HeadEntry
{
	Word		name;			/* hash key */
	uint32		hash;
	char		status;
	ChainHead  *head;
} HeadEntry;

#define SH_PREFIX heads
#define SH_ELEMENT_TYPE HeadEntry
#define SH_KEY_TYPE Word
#define SH_KEY name
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).p, (key).len)
#define SH_EQUAL(tb, a, b) words_equal(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct JournalStatement
{
	RuleTable  *table;
	Books	   *books;
	RowWalk		rows;
	MemoryContext cxt;
	pg_cryptohash_ctx *sha;
	JournalStamp stamp;
	JournalWriter writer;
	RowJson    *json;			/* the table's; stays good if that is resolved anew meanwhile */
	heads_hash *parties;
	heads_hash *facilities;
	HeadEntry	last;			/* asked for before: rows come in runs */
	int			nheads;
	int			max_heads;
	ChainHead **heads;
	StringInfoData bytes;		/* of an entry, for its hash */
	StringInfoData old_json;
	StringInfoData new_json;
} JournalStatement;

static Word
keep_word(JournalStatement *st, Word w)
{
	char	   *copy = MemoryContextAlloc(st->cxt, w.len + 1);

	memcpy(copy, w.p, w.len);
	w.p = copy;
	return w;
}

static ChainHead *
find_party_head(JournalStatement *st, Word party)
{
	HeadEntry  *entry = heads_lookup(st->parties, party);
	bool		found;
	MemoryContext caller;

	if (entry != NULL)
		return entry->head;
	entry = heads_insert(st->parties, keep_word(st, party), &found);
	caller = MemoryContextSwitchTo(st->cxt);
	entry->head = palloc0(sizeof(ChainHead));
	entry->head->party = cstring_to_text_with_len(party.p, party.len);
	if (st->nheads == st->max_heads)
	{
		st->max_heads = st->max_heads * 2 + 16;
		st->heads = st->heads == NULL ? palloc(sizeof(ChainHead *) * st->max_heads) :
			repalloc(st->heads, sizeof(ChainHead *) * st->max_heads);
	}
	st->heads[st->nheads++] = entry->head;
	MemoryContextSwitchTo(caller);
	return entry->head;
}

/* The chain of a facility's party; that of "" if there is no such facility. */
static ChainHead *
find_facility_head(JournalStatement *st, Word facility)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	HeadEntry  *entry = heads_lookup(st->facilities, facility);
	ChainHead  *head;
	Word		party = {"", 0};
	bool		found,
				isnull = true;

	if (entry != NULL)
		return entry->head;
	SPI_connect();
	values[0] = PointerGetDatum(cstring_to_text_with_len(facility.p, facility.len));
	rt_books_execute(st->books, PLAN_FACILITY_PARTY,
					 "SELECT party_id FROM %1$s.facility WHERE facility_id OPERATOR(pg_catalog.=) $1",
					 1, types, values, NULL);
	if (SPI_processed > 0)
		values[0] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		party.p = VARDATA_ANY(DatumGetTextPP(values[0]));
		party.len = VARSIZE_ANY_EXHDR(DatumGetTextPP(values[0]));
	}
	head = find_party_head(st, party);
	SPI_finish();
	entry = heads_insert(st->facilities, keep_word(st, facility), &found);
	entry->head = head;
	return head;
}

/* Whose chain the row belongs to: that of "" if it names nobody. */
static ChainHead *
find_head(JournalStatement *st, TupleTableSlot *slot)
{
	static const Word nobody = {"", 0};
	Word		party,
				facility;

	slot_getsomeattrs(slot, st->table->last_att);
	party = row_word(st->table, slot, JOURNAL_PARTY);
	if (party.len >= 0)
	{
		if (st->last.head == NULL || !words_equal(party, st->last.name))
		{
			st->last.head = find_party_head(st, party);
			st->last.name.p = VARDATA_ANY(st->last.head->party);
			st->last.name.len = party.len;
		}
		return st->last.head;
	}
	facility = row_word(st->table, slot, JOURNAL_FACILITY);
	return facility.len >= 0 ? find_facility_head(st, facility) : find_party_head(st, nobody);
}

/* Finds the parties of the statement. */
static void
find_heads(JournalStatement *st)
{
	st->parties = heads_create(st->cxt, 16, NULL);
	st->facilities = heads_create(st->cxt, 16, NULL);
	while (rt_rows_next(&st->rows))
	{
		if (st->rows.old_slot != NULL)
			find_head(st, st->rows.old_slot);
		if (st->rows.new_slot != NULL)
			find_head(st, st->rows.new_slot);
	}
	rt_rows_rewind(&st->rows);
}

static void
append_entry(JournalStatement *st, ChainHead *head, const JournalEntry *e)
{
	head->seq++;
	rt_journal_hash(st->sha, &st->bytes, head->hash, VARDATA_ANY(head->party), VARSIZE_ANY_EXHDR(head->party),
					head->seq, &st->stamp, e, head->hash);
	rt_journal_writer_add(&st->writer, head, e);
}

/* The slot's row as JSON in buf. */
static void
write_json(JournalStatement *st, TupleTableSlot *slot, StringInfo buf)
{
	resetStringInfo(buf);
	rt_row_json_append(st->json, slot, buf);
}

/* The first half of an entry on the row that goes. */
static void
begin_old(JournalStatement *st, JournalEntry *e)
{
	write_json(st, st->rows.old_slot, &st->old_json);
	e->op = "delete";
	e->row_key = rt_rule_row_key(st->table, st->rows.old_slot);
	e->before = st->old_json.data;
	e->before_len = st->old_json.len;
}

/* The same on the row that comes. */
static void
begin_new(JournalStatement *st, JournalEntry *e)
{
	write_json(st, st->rows.new_slot, &st->new_json);
	e->op = "insert";
	e->row_key = rt_rule_row_key(st->table, st->rows.new_slot);
	e->has_digest = true;
	rt_sha256(st->sha, st->new_json.data, st->new_json.len, e->digest);
}

/* A row that gets another key is another row: one goes, one comes. */
static void
journal_row(JournalStatement *st)
{
	JournalEntry old = {0};
	JournalEntry new = {0};
	ChainHead  *old_head = NULL,
			   *new_head = NULL;

	if (st->rows.old_slot != NULL)
	{
		begin_old(st, &old);
		old_head = find_head(st, st->rows.old_slot);
	}
	if (st->rows.new_slot != NULL)
	{
		begin_new(st, &new);
		new_head = find_head(st, st->rows.new_slot);
	}
	if (old_head == NULL || new_head == NULL || strcmp(old.row_key, new.row_key) != 0)
	{
		if (old_head != NULL)
			append_entry(st, old_head, &old);
		if (new_head != NULL)
			append_entry(st, new_head, &new);
		return;
	}
	old.op = "update";
	old.has_digest = true;
	memcpy(old.digest, new.digest, sizeof(old.digest));
	append_entry(st, old_head, &old);
	new.op = "move";
	if (old_head != new_head)
		append_entry(st, new_head, &new);
}

static void
prepare_json(JournalStatement *st)
{
	initStringInfo(&st->bytes);
	initStringInfo(&st->old_json);
	initStringInfo(&st->new_json);
	if (st->table->json == NULL)
		st->table->json = rt_row_json_make(RelationGetDescr(st->rows.trigdata->tg_relation), TopMemoryContext);
	st->json = st->table->json;
}

static void
journal_statement(JournalStatement *st)
{
	int			nest;

	find_heads(st);
	if (st->nheads == 0)
		return;
	rt_journal_lock_heads(st->books, st->heads, st->nheads);
	st->stamp.recorded_at = GetCurrentTimestamp();
	rt_journal_writer_begin(&st->writer, st->books, &st->stamp);
	prepare_json(st);
	nest = rt_row_json_depends_on_settings(st->json) ? rt_plain_settings() : 0;
	while (rt_rows_next(&st->rows))
		journal_row(st);
	rt_journal_writer_end(&st->writer);
	rt_restore_settings(nest);
	rt_journal_write_heads(st->books, st->heads, st->nheads);
}

/*
 * Statement trigger of a table of reports.
 */
Datum
journal_changes(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	JournalStatement st = {0};

	rt_check_rule_trigger(fcinfo, "journal_changes", ERRCODE_RT_JOURNAL_TRUNCATE);
	st.table = rt_rule_table(trigdata, &journal_spec);
	st.books = rt_books(st.table->registry);
	rt_books_require_journal(st.books);
	rt_books_admit(st.books->journal, trigdata->tg_relation);
	st.cxt = CurrentMemoryContext;
	st.stamp.who = GetUserNameFromId(GetSessionUserId(), false);
	/* a statement further in may resolve the table anew */
	st.stamp.relation = pstrdup(st.table->root);
	st.sha = pg_cryptohash_create(PG_SHA256);
	if (st.sha == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	rt_rows_begin(&st.rows, trigdata, st.table);
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
	JournalStamp stamp = {0};
	StringInfoData buf;
	uint8		previous[PG_SHA256_DIGEST_LENGTH] = {0};
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	char	   *party = get_text_arg(fcinfo, 1);
	bytea	   *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	if (sha == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	initStringInfo(&buf);
	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(0)) == PG_SHA256_DIGEST_LENGTH)
		memcpy(previous, VARDATA_ANY(PG_GETARG_BYTEA_PP(0)), PG_SHA256_DIGEST_LENGTH);
	stamp.recorded_at = PG_ARGISNULL(3) ? 0 : PG_GETARG_TIMESTAMPTZ(3);
	stamp.who = get_text_arg(fcinfo, 4);
	stamp.relation = get_text_arg(fcinfo, 5);
	e.row_key = get_text_arg(fcinfo, 6);
	e.op = get_text_arg(fcinfo, 7);
	e.before = get_text_arg(fcinfo, 8);
	e.before_len = e.before != NULL ? strlen(e.before) : -1;
	e.has_digest = !PG_ARGISNULL(9) && VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(9)) == PG_SHA256_DIGEST_LENGTH;
	if (e.has_digest)
		memcpy(e.digest, VARDATA_ANY(PG_GETARG_BYTEA_PP(9)), PG_SHA256_DIGEST_LENGTH);
	rt_journal_hash(sha, &buf, previous, party, party != NULL ? strlen(party) : -1,
					PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2), &stamp, &e, hash);
	pg_cryptohash_free(sha);
	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	memcpy(VARDATA(result), hash, PG_SHA256_DIGEST_LENGTH);
	PG_RETURN_BYTEA_P(result);
}
