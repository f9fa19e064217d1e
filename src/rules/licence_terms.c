/*
 * rules/licence_terms.c
 *		Loads licences and keeps them.
 */
#include "rules/licence_terms.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

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
	char		status;
	LicenceTerms *terms;
} TermsEntry;

/* Of dynahash's four places in memory per search three would be cache misses in every single-row statement. */
#define SH_PREFIX terms
#define SH_ELEMENT_TYPE TermsEntry
#define SH_KEY_TYPE TermsKey
#define SH_KEY key
#define SH_HASH_KEY(tb, k) \
	murmurhash32((uint32) (k).licence ^ (uint32) ((k).licence >> 32) ^ (k).item_relid)
#define SH_EQUAL(tb, a, b) \
	((a).licence == (b).licence && (a).item_relid == (b).item_relid && (a).nspid == (b).nspid)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* One scan of a licence's rows. */
typedef struct LicenceScan
{
	const LicenceTable *table;
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ItemPointerData place;		/* where the index points for the row */
} LicenceScan;

static terms_hash *terms_cache = NULL;
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
	if (terms_cache != NULL && terms_cache->members < TERMS_CACHE_MAX)
		return;
	if (terms_cache != NULL)
		MemoryContextSetParent(terms_cache_cxt, TopTransactionContext);
	terms_cache = NULL;
	terms_cache_cxt = AllocSetContextCreate(TopMemoryContext, "retrack licence terms", ALLOCSET_DEFAULT_SIZES);
	terms_cache = terms_create(terms_cache_cxt, 256, NULL);
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

/* A row of the scan that is under way. */
static Datum
get_value(const LicenceScan *scan, int column, bool *isnull)
{
	return slot_getattr(scan->slot, scan->table->att[column], isnull);
}

static Word
get_word(const LicenceScan *scan, int column)
{
	bool		isnull;
	Datum		value = get_value(scan, column, &isnull);

	return copy_word(value, isnull);
}

static bool
get_bool(const LicenceScan *scan, int column)
{
	bool		isnull;
	Datum		value = get_value(scan, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * Begins a scan of the licence's rows in one of its tables, in the order of the
 * primary key: plain index scans cost a tenth of what queries would, and need no
 * rights.
 */
static void
begin_scan(LicenceScan *scan, const LicenceTable *table, LicenceId licence, Snapshot snapshot)
{
	ScanKeyData key = table->key;

	scan->table = table;
	scan->rel = table_open(table->relid, AccessShareLock);
	scan->index = index_open(table->pkey, AccessShareLock);
	scan->slot = table_slot_create(scan->rel, NULL);
	scan->scan = rt_index_beginscan(scan->rel, scan->index, snapshot, 1);
	key.sk_argument = LicenceIdGetDatum(licence);
	index_rescan(scan->scan, &key, 1, NULL, 0);
}

static bool
next_row(LicenceScan *scan)
{
	ItemPointer tid;

	while ((tid = index_getnext_tid(scan->scan, ForwardScanDirection)) != NULL)
	{
		scan->place = *tid;		/* the fetch moves it */
		if (index_fetch_heap(scan->scan, scan->slot))
			return true;
	}
	return false;
}

static void
end_scan(LicenceScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	index_close(scan->index, NoLock);
	table_close(scan->rel, NoLock);
}

/* Grows an array by one when it is full: sizes 4, 8, 16, ... */
static void *
grow(void *array, int n, size_t size)
{
	if (n == 0)
		return palloc(size * 4);
	if (n >= 4 && (n & (n - 1)) == 0)
		return repalloc(array, size * n * 2);
	return array;
}

static DateSpan
get_span(const LicenceScan *scan, int column, TypeCacheEntry *typcache)
{
	RangeType  *range;
	RangeBound	lower,
				upper;
	bool		empty,
				isnull;
	Datum		value = get_value(scan, column, &isnull);
	DateSpan	span = {DATEVAL_NOEND, DATEVAL_NOEND};

	if (isnull)
		return span;
	range = DatumGetRangeTypeP(value);
	range_deserialize(typcache, range, &lower, &upper, &empty);
	if (!empty)
		span = rt_date_span(lower.val, lower.infinite, upper.val, upper.infinite);
	return span;
}

/* Reads the licence's own row; false: there is none. */
static bool
load_licence(LicenceTerms *t, Books *b, Snapshot snapshot)
{
	LicenceScan scan;
	Datum		destinations,
			   *words;
	bool		isnull,
				found;

	begin_scan(&scan, &b->of_licence, t->licence, snapshot);
	found = next_row(&scan);
	if (found)
	{
		t->place = scan.place;
		t->holder = get_word(&scan, LICENCE_HOLDER_COLUMN);
		t->valid = get_span(&scan, LICENCE_VALID_COLUMN, lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO));
		t->status = get_word(&scan, LICENCE_STATUS_COLUMN);
		t->withdrawn = get_bool(&scan, LICENCE_WITHDRAWN_COLUMN);
		get_value(&scan, LICENCE_MAX_USES_COLUMN, &isnull);
		t->limited = !isnull;
		destinations = get_value(&scan, LICENCE_DESTINATIONS_COLUMN, &isnull);
		if (!isnull)
		{
			deconstruct_array(DatumGetArrayTypeP(destinations), TEXTOID, -1, false, TYPALIGN_INT,
							  &words, NULL, &t->ndestinations);
			t->destinations = palloc(sizeof(Word) * (t->ndestinations + 1));
			for (int i = 0; i < t->ndestinations; i++)
				t->destinations[i] = copy_word(words[i], false);
		}
	}
	end_scan(&scan);
	return found;
}

static void
load_items(LicenceTerms *t, Books *b, Snapshot snapshot)
{
	LicenceScan scan;
	bool		isnull;

	begin_scan(&scan, &b->of_items, t->licence, snapshot);
	while (next_row(&scan))
	{
		LicenceItem *item;
		Datum		value;

		t->items = grow(t->items, t->nitems, sizeof(LicenceItem));
		item = &t->items[t->nitems++];
		item->place = scan.place;
		item->line = DatumGetInt32(get_value(&scan, ITEM_LINE_COLUMN, &isnull));
		value = get_value(&scan, ITEM_TERMS_COLUMN, &isnull);
		item->terms = isnull ? 0 : DatumGetInt64(value);
		item->control_code = get_word(&scan, ITEM_CONTROL_CODE_COLUMN);
		item->hs_code = get_word(&scan, ITEM_HS_CODE_COLUMN);
		value = get_value(&scan, ITEM_FORM_COLUMN, &isnull);
		item->form = isnull ? InvalidOid : DatumGetObjectId(value);
		item->withdrawn = get_bool(&scan, ITEM_WITHDRAWN_COLUMN);
	}
	end_scan(&scan);
}

static void
load_parties(LicenceTerms *t, Books *b, Snapshot snapshot)
{
	static const Word consignee = {"consignee", 9};
	LicenceScan scan;

	begin_scan(&scan, &b->of_parties, t->licence, snapshot);
	while (next_row(&scan))
	{
		if (get_bool(&scan, PARTY_WITHDRAWN_COLUMN))
			continue;
		if (words_equal(get_word(&scan, PARTY_ROLE_COLUMN), consignee))
		{
			t->consignees = grow(t->consignees, t->nconsignees, sizeof(Word));
			t->consignees[t->nconsignees++] = get_word(&scan, PARTY_ID_COLUMN);
		}
		else
		{
			t->end_users = grow(t->end_users, t->nend_users, sizeof(Word));
			t->end_users[t->nend_users++] = get_word(&scan, PARTY_ID_COLUMN);
		}
	}
	end_scan(&scan);
}

static void
load_status(LicenceTerms *t, Books *b, Snapshot snapshot)
{
	LicenceScan scan;
	bool		isnull;

	begin_scan(&scan, &b->of_status, t->licence, snapshot);
	while (next_row(&scan))
	{
		t->changes = grow(t->changes, t->nchanges, sizeof(StatusChange));
		t->changes[t->nchanges].since = DatumGetDateADT(get_value(&scan, STATUS_SINCE_COLUMN, &isnull));
		t->changes[t->nchanges++].status = get_word(&scan, STATUS_STATUS_COLUMN);
	}
	end_scan(&scan);
}

/* Calls "visit" for each word of the terms. */
static void
visit_words(LicenceTerms *t, void (*visit) (Word *w, void *arg), void *arg)
{
	visit(&t->holder, arg);
	visit(&t->status, arg);
	for (int i = 0; i < t->ndestinations; i++)
		visit(&t->destinations[i], arg);
	for (int i = 0; i < t->nitems; i++)
	{
		visit(&t->items[i].control_code, arg);
		visit(&t->items[i].hs_code, arg);
	}
	for (int i = 0; i < t->nconsignees; i++)
		visit(&t->consignees[i], arg);
	for (int i = 0; i < t->nend_users; i++)
		visit(&t->end_users[i], arg);
	for (int i = 0; i < t->nchanges; i++)
		visit(&t->changes[i].status, arg);
}

static void
add_length(Word *w, void *arg)
{
	if (w->len > 0)
		*(size_t *) arg += w->len;
}

static void
move_word(Word *w, void *arg)
{
	char	  **next = arg;

	if (w->len < 0)
		return;
	memcpy(*next, w->p, w->len);
	w->p = *next;
	*next += w->len;
}

static void
move_array(void *array, int n, size_t size, char **next)
{
	void	  **place = array;

	if (n > 0)
		memcpy(*next, *place, n * size);
	*place = *next;
	*next += MAXALIGN(n * size);
}

/*
 * A copy of the terms, with all that they point to, in one piece: where many
 * backends share a processor, each line of memory that a draw touches is a miss.
 */
static LicenceTerms *
pack_terms(const LicenceTerms *loaded)
{
	LicenceTerms t = *loaded;
	LicenceTerms *result;
	size_t		size = MAXALIGN(sizeof(LicenceTerms)) +
		MAXALIGN(t.nitems * sizeof(LicenceItem)) + MAXALIGN(t.nchanges * sizeof(StatusChange)) +
		MAXALIGN(t.ndestinations * sizeof(Word)) + MAXALIGN(t.nconsignees * sizeof(Word)) +
		MAXALIGN(t.nend_users * sizeof(Word));
	char	   *next;

	visit_words(&t, add_length, &size);
	t.cxt = AllocSetContextCreate(TopTransactionContext, "retrack licence", ALLOCSET_SMALL_SIZES);
	result = MemoryContextAllocHuge(t.cxt, size);
	next = (char *) result + MAXALIGN(sizeof(LicenceTerms));
	move_array(&t.items, t.nitems, sizeof(LicenceItem), &next);
	move_array(&t.changes, t.nchanges, sizeof(StatusChange), &next);
	move_array(&t.destinations, t.ndestinations, sizeof(Word), &next);
	move_array(&t.consignees, t.nconsignees, sizeof(Word), &next);
	move_array(&t.end_users, t.nend_users, sizeof(Word), &next);
	visit_words(&t, move_word, &next);
	*result = t;
	return result;
}

/*
 * All under one snapshot: whoever changes one of the tables gives the items new
 * terms in the same transaction, so items and the rest are of one time.
 */
static LicenceTerms *
load_terms(Books *b, LicenceId licence)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "retrack licence rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(cxt);
	LicenceTerms t = {.licence = licence};
	LicenceTerms *result = NULL;
	Snapshot	snapshot;

	CommandCounterIncrement();	/* our own changes count */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	load_items(&t, b, snapshot);
	if (load_licence(&t, b, snapshot))
	{
		load_parties(&t, b, snapshot);
		load_status(&t, b, snapshot);
		result = pack_terms(&t);
	}
	UnregisterSnapshot(snapshot);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
	return result;
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
		entry = terms_lookup(terms_cache, key);
		if (entry != NULL)
		{
			retire_terms(entry->terms);
			terms_delete(terms_cache, key);
		}
		return NULL;
	}
	entry = terms_insert(terms_cache, key, &found);
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
		entry = terms_lookup(terms_cache, key);
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
