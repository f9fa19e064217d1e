/*
 * rules/licence_terms.c
 *		Loads licences and keeps them.
 */
#include "rules/licence_terms.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Beyond this many licences the cache starts afresh. */
#define TERMS_CACHE_MAX 20000

typedef struct TermsKey
{
	Oid			nspid;
	Oid			item_relid;		/* a registry made anew has new tables */
	LicenceId	licence;
} TermsKey;

typedef struct TermsEntry
{
	TermsKey	key;
	LicenceTerms *terms;
} TermsEntry;

static HTAB *terms_cache = NULL;
static MemoryContext terms_cache_cxt = NULL;

static TermsKey
make_key(const Books *b, LicenceId licence)
{
	TermsKey	key = {b->nspid, b->item.relid, licence};

	return key;
}

/* Hands an entry's memory to the transaction, since a statement may be using it. */
static void
retire_terms(LicenceTerms *t)
{
	if (t != NULL)
		MemoryContextSetParent(t->cxt, TopTransactionContext);
}

/* Drops everything once the cache has grown beyond its bound. */
static void
make_room(void)
{
	HASHCTL		ctl = {.keysize = sizeof(TermsKey), .entrysize = sizeof(TermsEntry)};

	if (terms_cache != NULL && hash_get_num_entries(terms_cache) < TERMS_CACHE_MAX)
		return;
	if (terms_cache != NULL)
	{
		MemoryContextSetParent(terms_cache_cxt, TopTransactionContext);
		hash_destroy(terms_cache);
	}
	terms_cache = NULL;
	terms_cache_cxt = AllocSetContextCreate(TopMemoryContext, "retrack licence terms", ALLOCSET_DEFAULT_SIZES);
	terms_cache = hash_create("retrack licence terms", 256, &ctl, HASH_ELEM | HASH_BLOBS);
}

static Word
copy_word(Datum value, bool isnull)
{
	Word		w = {NULL, -1};
	text	   *t;

	if (isnull)
		return w;
	t = DatumGetTextPP(value);
	w.len = VARSIZE_ANY_EXHDR(t);
	w.p = pnstrdup(VARDATA_ANY(t), w.len);
	return w;
}

static Datum
get_value(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static Word
get_word(int row, int column)
{
	bool		isnull;
	Datum		value = get_value(row, column, &isnull);

	return copy_word(value, isnull);
}

static void
run_query(Books *b, BooksPlan plan, const char *query, LicenceId licence)
{
	Oid			types[1] = {rt_type_oid("licence_id")};
	Datum		values[1] = {LicenceIdGetDatum(licence)};

	rt_books_execute(b, plan, query, 1, types, values, NULL);
}

/* Reads the licence's own row; false: there is none. */
static bool
load_licence(LicenceTerms *t, Books *b)
{
	Datum		lower,
				upper,
				destinations,
			   *words;
	bool		lower_null,
				upper_null,
				isnull;

	run_query(b, PLAN_LICENCE_TERMS,
			  "SELECT holder, pg_catalog.lower(valid), pg_catalog.upper(valid), status, withdrawn,"
			  " max_uses IS NOT NULL, destinations"
			  " FROM %1$s.licence WHERE licence OPERATOR(retrack.=) $1", t->licence);
	if (SPI_processed == 0)
		return false;
	t->holder = get_word(0, 1);
	lower = get_value(0, 2, &lower_null);
	upper = get_value(0, 3, &upper_null);
	t->valid = rt_date_span(lower, lower_null, upper, upper_null);
	t->status = get_word(0, 4);
	t->withdrawn = DatumGetBool(get_value(0, 5, &isnull)) && !isnull;
	t->limited = DatumGetBool(get_value(0, 6, &isnull));
	destinations = get_value(0, 7, &isnull);
	if (!isnull)
	{
		deconstruct_array(DatumGetArrayTypeP(destinations), TEXTOID, -1, false, TYPALIGN_INT,
						  &words, NULL, &t->ndestinations);
		t->destinations = palloc(sizeof(Word) * (t->ndestinations + 1));
		for (int i = 0; i < t->ndestinations; i++)
			t->destinations[i] = copy_word(words[i], false);
	}
	return true;
}

static void
load_items(LicenceTerms *t, Books *b)
{
	bool		isnull;

	run_query(b, PLAN_LICENCE_ITEMS,
			  "SELECT line, terms, control_code, hs_code, form, withdrawn FROM %1$s.licence_item"
			  " WHERE licence OPERATOR(retrack.=) $1 ORDER BY line", t->licence);
	t->nitems = SPI_processed;
	t->items = palloc0(sizeof(LicenceItem) * (t->nitems + 1));
	for (int i = 0; i < t->nitems; i++)
	{
		LicenceItem *item = &t->items[i];

		item->line = DatumGetInt32(get_value(i, 1, &isnull));
		item->terms = DatumGetInt64(get_value(i, 2, &isnull));
		item->control_code = get_word(i, 3);
		item->hs_code = get_word(i, 4);
		item->form = DatumGetObjectId(get_value(i, 5, &isnull));
		if (isnull)
			item->form = InvalidOid;
		item->withdrawn = DatumGetBool(get_value(i, 6, &isnull)) && !isnull;
	}
}

static void
load_parties(LicenceTerms *t, Books *b)
{
	bool		isnull;

	run_query(b, PLAN_LICENCE_PARTIES,
			  "SELECT role OPERATOR(pg_catalog.=) 'consignee', party_id FROM %1$s.licence_party"
			  " WHERE licence OPERATOR(retrack.=) $1 AND NOT withdrawn", t->licence);
	t->consignees = palloc(sizeof(Word) * (SPI_processed + 1));
	t->end_users = palloc(sizeof(Word) * (SPI_processed + 1));
	for (int i = 0; i < SPI_processed; i++)
	{
		if (DatumGetBool(get_value(i, 1, &isnull)))
			t->consignees[t->nconsignees++] = get_word(i, 2);
		else
			t->end_users[t->nend_users++] = get_word(i, 2);
	}
}

static void
load_status(LicenceTerms *t, Books *b)
{
	bool		isnull;

	run_query(b, PLAN_LICENCE_STATUS,
			  "SELECT since, status FROM %1$s.licence_status"
			  " WHERE licence OPERATOR(retrack.=) $1 ORDER BY since", t->licence);
	t->nchanges = SPI_processed;
	t->changes = palloc(sizeof(StatusChange) * (t->nchanges + 1));
	for (int i = 0; i < t->nchanges; i++)
	{
		t->changes[i].since = DatumGetDateADT(get_value(i, 1, &isnull));
		t->changes[i].status = get_word(i, 2);
	}
}

/*
 * The items come first: whoever changes the other tables gives the items new
 * terms in the same transaction, so what is read later is at least as new.
 */
static LicenceTerms *
load_terms(Books *b, LicenceId licence)
{
	MemoryContext cxt = AllocSetContextCreate(TopTransactionContext, "retrack licence", ALLOCSET_SMALL_SIZES);
	MemoryContext caller;
	LicenceTerms *t = MemoryContextAllocZero(cxt, sizeof(LicenceTerms));
	bool		found;

	t->licence = licence;
	t->cxt = cxt;
	SPI_connect();
	caller = MemoryContextSwitchTo(cxt);
	load_items(t, b);
	found = load_licence(t, b);
	if (found)
	{
		load_parties(t, b);
		load_status(t, b);
	}
	MemoryContextSwitchTo(caller);
	SPI_finish();
	if (found)
		return t;
	MemoryContextDelete(cxt);
	return NULL;
}

LicenceTerms *
rt_licence_terms_reload(Books *b, LicenceId licence)
{
	TermsKey	key = make_key(b, licence);
	LicenceTerms *t = load_terms(b, licence);
	TermsEntry *entry;
	bool		found;

	make_room();
	if (t == NULL)
	{
		entry = hash_search(terms_cache, &key, HASH_REMOVE, NULL);
		if (entry != NULL)
			retire_terms(entry->terms);
		return NULL;
	}
	entry = hash_search(terms_cache, &key, HASH_ENTER, &found);
	if (found)
		retire_terms(entry->terms);
	entry->terms = t;
	MemoryContextSetParent(t->cxt, terms_cache_cxt);
	return t;
}

LicenceTerms *
rt_licence_terms(Books *b, LicenceId licence)
{
	TermsKey	key = make_key(b, licence);
	TermsEntry *entry = NULL;

	if (terms_cache != NULL)
		entry = hash_search(terms_cache, &key, HASH_FIND, NULL);
	return entry != NULL ? entry->terms : rt_licence_terms_reload(b, licence);
}

/*
 * Before the first change on record a licence was issued, unless that change
 * is what issued it; without any the licence's own status holds for all time.
 */
Word
rt_licence_status_on(const LicenceTerms *t, DateADT date)
{
	static const Word issued = {"issued", 6};
	static const Word pending = {"pending", 7};
	Word		status;

	if (t->nchanges == 0)
		return t->status;
	status = words_equal(t->changes[0].status, issued) ? pending : issued;
	for (int i = 0; i < t->nchanges && t->changes[i].since <= date; i++)
		status = t->changes[i].status;
	return status;
}
