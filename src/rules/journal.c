/*
 * rules/journal.c
 *		journal_changes(): keeps every change of a reported row, chained per
 *		party by SHA-256.
 *
 * An entry's hash covers the one before it of the same party and all of its own
 * fields, so no entry can be changed, dropped or moved without breaking the chain
 * from there to the party's head.  Appending locks the heads of the parties
 * concerned, in order; parties do not wait for each other.
 *
 * What changes or removes a row has an entry of its own, with the row before.  Rows
 * that come share entries, since of each there is only its key and digest.
 */
#include "retrack.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "rules/journal_chain.h"
#include "rules/journal_order.h"
#include "rules/journal_writer.h"
#include "rules/row_json.h"
#include "rules/row_values.h"
#include "rules/rows.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
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

/*
 * Rows that one statement adds share entries, as many as make a tuple that is not
 * toasted: most of what is written of each is then its key and digest.
 */
#define ADDED_BYTES 1700
#define ADDED_ROW_BYTES (2 * VARHDRSZ + PG_SHA256_DIGEST_LENGTH)	/* besides the key */
#define ADDED_ROWS (ADDED_BYTES / ADDED_ROW_BYTES)

typedef struct AddedRows
{
	int			n;
	int			bytes;
	char	   *end;			/* of the keys in text */
	Word		key[ADDED_ROWS];
	Word		digest[ADDED_ROWS];
	uint8		digests[ADDED_ROWS][PG_SHA256_DIGEST_LENGTH];
	char		text[ADDED_BYTES];
} AddedRows;

/* Parties whose added rows are kept at once. */
#define ADDED_PARTIES 1000

static const Word no_word = {NULL, -1};

/* A row before or after the change. */
typedef struct RowImage
{
	ChainHead  *head;			/* NULL: there is none */
	Word		key;
	Word		json;
} RowImage;

/* Images of one key that are looked at for steps between: more are of a key that is not unique. */
#define STEPS_MAX 100

/* One of a key that changes more than once in the statement. */
typedef struct RepeatedImage
{
	RowImage	image;
	bool		is_new;
	bool		undone;			/* the same row comes and goes */
	int64		n;				/* in the statement's order */
} RepeatedImage;

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
	int			nadded;			/* heads with room for added rows */
	RepeatedKeys *repeated_keys;	/* NULL: none */
	int64		nrepeated;
	int64		max_repeated;
	RepeatedImage *repeated;
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
	Word		party = {VARDATA_ANY(head->party), VARSIZE_ANY_EXHDR(head->party)};

	head->seq++;
	rt_journal_hash(st->sha, &st->bytes, head->hash, party, head->seq, &st->stamp, e, head->hash);
	rt_journal_writer_add(&st->writer, head, e);
}

/* An entry on one row; digest NULL: the row is gone. */
static void
append_row(JournalStatement *st, ChainHead *head, const char *op, Word key, Word before, const uint8 *digest)
{
	Word		after = {(const char *) digest, PG_SHA256_DIGEST_LENGTH};
	JournalEntry e = {op, {1, &key}, before, {digest != NULL ? 1 : -1, &after}};

	append_entry(st, head, &e);
}

static void
forget_added(AddedRows *a)
{
	a->n = 0;
	a->bytes = 0;
	a->end = a->text;
}

/* An entry on the rows added since the last one. */
static void
append_added(JournalStatement *st, ChainHead *head)
{
	AddedRows  *a = head->added;
	JournalEntry e = {"insert", {a->n, a->key}, no_word, {a->n, a->digest}};

	append_entry(st, head, &e);
	forget_added(a);
}

/* Entries on all added rows that are in none, whose room is free then. */
static void
append_all_added(JournalStatement *st)
{
	for (int i = 0; i < st->nheads; i++)
	{
		ChainHead  *head = st->heads[i];

		if (head->added == NULL)
			continue;
		if (head->added->n > 0)
			append_added(st, head);
		pfree(head->added);
		head->added = NULL;
	}
	st->nadded = 0;
}

static AddedRows *
make_added(JournalStatement *st)
{
	AddedRows  *a;

	if (st->nadded == ADDED_PARTIES)
		append_all_added(st);
	a = MemoryContextAlloc(st->cxt, sizeof(AddedRows));
	forget_added(a);
	st->nadded++;
	return a;
}

static void
add_row(JournalStatement *st, ChainHead *head, Word key, const uint8 *digest)
{
	AddedRows  *a = head->added;
	int			bytes = ADDED_ROW_BYTES + key.len;

	if (bytes > ADDED_BYTES)
	{
		append_row(st, head, "insert", key, no_word, digest);
		return;
	}
	if (a == NULL)
		a = head->added = make_added(st);
	if (a->bytes + bytes > ADDED_BYTES)
		append_added(st, head);
	memcpy(a->end, key.p, key.len);
	memcpy(a->digests[a->n], digest, PG_SHA256_DIGEST_LENGTH);
	a->key[a->n] = (Word) {a->end, key.len};
	a->digest[a->n] = (Word) {(const char *) a->digests[a->n], PG_SHA256_DIGEST_LENGTH};
	a->end += key.len;
	a->bytes += bytes;
	a->n++;
}


static void
read_image(JournalStatement *st, TupleTableSlot *slot, StringInfo buf, RowImage *image)
{
	image->head = NULL;
	if (slot == NULL)
		return;
	resetStringInfo(buf);
	rt_row_json_append(st->json, slot, buf);
	image->json = (Word) {buf->data, buf->len};
	image->key.p = rt_rule_row_key(st->table, slot);
	image->key.len = strlen(image->key.p);
	image->head = find_head(st, slot);
}

/* A row that gets another key is another row: one goes, one comes. */
static void
append_change(JournalStatement *st, const RowImage *old, const RowImage *new)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	if (new->head != NULL)
		rt_sha256(st->sha, new->json.p, new->json.len, digest);
	if (old->head != NULL && new->head != NULL && words_equal(old->key, new->key))
	{
		append_row(st, old->head, "update", old->key, old->json, digest);
		if (old->head != new->head)
			append_row(st, new->head, "move", new->key, no_word, digest);
		return;
	}
	if (old->head != NULL)
		append_row(st, old->head, "delete", old->key, old->json, NULL);
	if (new->head != NULL)
		add_row(st, new->head, new->key, digest);
}

static void
keep_image(JournalStatement *st, const RowImage *image, bool is_new)
{
	RepeatedImage *r;

	if (st->nrepeated == st->max_repeated)
	{
		st->max_repeated = st->max_repeated * 2 + 16;
		st->repeated = st->repeated == NULL ? MemoryContextAlloc(st->cxt, sizeof(RepeatedImage) * st->max_repeated) :
			repalloc_huge(st->repeated, sizeof(RepeatedImage) * st->max_repeated);
	}
	r = &st->repeated[st->nrepeated];
	r->image.head = image->head;
	r->image.key = keep_word(st, image->key);
	r->image.json = keep_word(st, image->json);
	r->is_new = is_new;
	r->undone = false;
	r->n = st->nrepeated++;
}

static void
journal_row(JournalStatement *st)
{
	RowImage	old,
				new;

	read_image(st, st->rows.old_slot, &st->old_json, &old);
	read_image(st, st->rows.new_slot, &st->new_json, &new);
	if (st->repeated_keys != NULL &&
		(rt_key_is_repeated(st->repeated_keys, old.key) || rt_key_is_repeated(st->repeated_keys, new.key)))
	{
		keep_image(st, &old, false);
		keep_image(st, &new, true);
	}
	else
		append_change(st, &old, &new);
}

static int
compare_repeated(const void *a, const void *b)
{
	const RepeatedImage *x = a;
	const RepeatedImage *y = b;
	Word		k = x->image.key,
				l = y->image.key;
	int			order = memcmp(k.p, l.p, Min(k.len, l.len));

	if (order == 0)
		order = k.len - l.len;
	return order != 0 ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* What comes and goes was a step between.  A single row's update that changes nothing is none. */
static void
undo_steps(RepeatedImage *images, int n)
{
	if (n == 2 && !images[0].is_new)
		return;
	for (int i = 0; i < n; i++)
	{
		for (int j = i + 1; j < n && !images[i].undone; j++)
		{
			if (!images[j].undone && images[i].is_new != images[j].is_new &&
				words_equal(images[i].image.json, images[j].image.json))
				images[i].undone = images[j].undone = true;
		}
	}
}

/* The next image from "i" on that is left; NULL: none. */
static const RowImage *
next_left(const RepeatedImage *images, int64 n, int64 *i, bool is_new)
{
	while (*i < n && (images[*i].undone || images[*i].is_new != is_new))
		(*i)++;
	return *i < n ? &images[(*i)++].image : NULL;
}

/*
 * A key's rows that go and those that come, in whatever order: without the steps between
 * that is one row before the statement, or none, and one after it, or none.
 */
static void
journal_key(JournalStatement *st, RepeatedImage *images, int64 n)
{
	static const RowImage nothing = {NULL};
	int64		i_old = 0,
				i_new = 0;

	if (n <= STEPS_MAX)
		undo_steps(images, n);
	for (;;)
	{
		const RowImage *old = next_left(images, n, &i_old, false);
		const RowImage *new = next_left(images, n, &i_new, true);

		if (old == NULL && new == NULL)
			return;
		append_change(st, old != NULL ? old : &nothing, new != NULL ? new : &nothing);
	}
}

/* Entries on rows that changed more than once say what became of them by all of the statement. */
static void
journal_repeated(JournalStatement *st)
{
	int64		begin = 0;

	if (st->nrepeated > 0)
		qsort(st->repeated, st->nrepeated, sizeof(RepeatedImage), compare_repeated);
	for (int64 i = 1; i <= st->nrepeated; i++)
	{
		if (i < st->nrepeated && words_equal(st->repeated[i].image.key, st->repeated[begin].image.key))
			continue;
		CHECK_FOR_INTERRUPTS();
		journal_key(st, &st->repeated[begin], i - begin);
		begin = i;
	}
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

/*
 * With a deferred key two rows could have one between statements, and what each was
 * could not be told: so the journal has it checked with every statement.
 */
static void
check_deferred_key(JournalStatement *st)
{
	ConstraintsSetStmt *set;
	Relation	rel = st->rows.trigdata->tg_relation;

	if (!OidIsValid(st->table->deferrable_key))
		return;
	set = makeNode(ConstraintsSetStmt);
	set->constraints = list_make1(makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
											   get_constraint_name(st->table->deferrable_key), -1));
	AfterTriggerSetState(set);
}

static void
journal_statement(JournalStatement *st)
{
	int			nest;

	check_deferred_key(st);
	find_heads(st);
	if (st->nheads == 0)
		return;
	rt_journal_lock_heads(st->books, st->heads, st->nheads);
	st->stamp.recorded_at = rt_journal_moment(st->rows.trigdata->tg_relation, st->table->rootid);
	rt_journal_writer_begin(&st->writer, st->books, &st->stamp);
	prepare_json(st);
	nest = rt_row_json_depends_on_settings(st->json) ? rt_plain_settings() : 0;
	st->repeated_keys = rt_repeated_keys(&st->rows);
	while (rt_rows_next(&st->rows))
		journal_row(st);
	journal_repeated(st);
	append_all_added(st);
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

static Word
get_word_arg(FunctionCallInfo fcinfo, int n)
{
	text	   *value;

	if (PG_ARGISNULL(n))
		return no_word;
	value = PG_GETARG_TEXT_PP(n);
	return (Word) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* An array of another shape than those we write is none that any entry was made from: n -2. */
static WordList
get_list_arg(FunctionCallInfo fcinfo, int n, Oid type)
{
	WordList	list = {-1, NULL};
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	Word	   *words;

	if (PG_ARGISNULL(n))
		return list;
	array = PG_GETARG_ARRAYTYPE_P(n);
	list.n = -2;
	if (ARR_NDIM(array) != 1 || ARR_LBOUND(array)[0] != 1)
		return list;
	deconstruct_array(array, type, -1, false, TYPALIGN_INT, &elements, &nulls, &list.n);
	words = palloc(sizeof(Word) * list.n);
	for (int i = 0; i < list.n; i++)
	{
		text	   *element = nulls[i] ? NULL : DatumGetTextPP(elements[i]);

		words[i] = nulls[i] ? no_word : (Word) {VARDATA_ANY(element), VARSIZE_ANY_EXHDR(element)};
	}
	list.word = words;
	return list;
}

/*
 * journal_hash(previous bytea, party, seq, recorded_at, who, relation, row_keys text[], op,
 *				before text, after_digests bytea[])
 */
Datum
journal_hash(PG_FUNCTION_ARGS)
{
	pg_cryptohash_ctx *sha = pg_cryptohash_create(PG_SHA256);
	JournalStamp stamp = {
		.recorded_at = PG_ARGISNULL(3) ? 0 : PG_GETARG_TIMESTAMPTZ(3),
		.who = get_text_arg(fcinfo, 4),
		.relation = get_text_arg(fcinfo, 5),
	};
	JournalEntry e = {
		.op = get_text_arg(fcinfo, 7),
		.row_keys = get_list_arg(fcinfo, 6, TEXTOID),
		.before = get_word_arg(fcinfo, 8),
		.after_digests = get_list_arg(fcinfo, 9, BYTEAOID),
	};
	Word		before = get_word_arg(fcinfo, 0);
	uint8		previous[PG_SHA256_DIGEST_LENGTH] = {0};
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	StringInfoData buf;

	if (sha == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	initStringInfo(&buf);
	if (before.len == PG_SHA256_DIGEST_LENGTH)
		memcpy(previous, before.p, PG_SHA256_DIGEST_LENGTH);
	rt_journal_hash(sha, &buf, previous, get_word_arg(fcinfo, 1), PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2),
					&stamp, &e, hash);
	pg_cryptohash_free(sha);
	PG_RETURN_BYTEA_P((bytea *) cstring_to_text_with_len((const char *) hash, PG_SHA256_DIGEST_LENGTH));
}
