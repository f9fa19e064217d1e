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

/* Beyond this many licences, or bytes of terms that were replaced, the cache starts afresh. */
#define TERMS_CACHE_MAX 20000
#define TERMS_RETIRED_MAX (4 * 1024 * 1024)

#define TERMS_BLOCK (32 * 1024)

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
static char *block_next = NULL;	/* where there is memory left in it */
static Size block_left = 0;
static Size terms_retired = 0;

static TermsKey
make_key(const Books *b, LicenceId licence)
{
	TermsKey	key = {b->nspid, b->item.relid, licence};

	return key;
}

/*
 * Terms that are replaced stay where they are, since a statement may be using
 * them.  Contexts of their own could be freed sooner, but would spread the terms
 * over twice the memory, which costs a draw some twentieth where many backends
 * share a processor.
 */
static void
retire_terms(const LicenceTerms *t)
{
	if (t != NULL)
		terms_retired += t->size;
}

/* Hands everything to the transaction once the cache has grown beyond its bounds. */
static void
make_room(void)
{
	if (terms_cache != NULL && terms_cache->members < TERMS_CACHE_MAX && terms_retired < TERMS_RETIRED_MAX)
		return;
	if (terms_cache != NULL)
		MemoryContextSetParent(terms_cache_cxt, TopTransactionContext);
	terms_cache = NULL;
	block_left = terms_retired = 0;
	terms_cache_cxt = AllocSetContextCreate(TopMemoryContext, "retrack licence terms", ALLOCSET_DEFAULT_SIZES);
	terms_cache = terms_create(terms_cache_cxt, 256, NULL);
}

/* Terms that are being read: their texts grow in "texts". */
typedef struct LoadedTerms
{
	LicenceTerms t;
	StringInfoData texts;
} LoadedTerms;

static TermsWord
add_text(LoadedTerms *loaded, Datum value, bool isnull)
{
	TermsWord	w = {0, -1};
	text	   *t;

	if (isnull)
		return w;
	t = DatumGetTextPP(value);
	w.at = loaded->texts.len;
	w.len = VARSIZE_ANY_EXHDR(t);
	appendBinaryStringInfo(&loaded->texts, VARDATA_ANY(t), w.len);
	return w;
}

/* A row of the scan that is under way. */
static Datum
get_value(const LicenceScan *scan, int column, bool *isnull)
{
	return slot_getattr(scan->slot, scan->table->att[column], isnull);
}

static TermsWord
get_word(const LicenceScan *scan, int column, LoadedTerms *loaded)
{
	bool		isnull;
	Datum		value = get_value(scan, column, &isnull);

	return add_text(loaded, value, isnull);
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

static void
add_word(WordList *list, TermsWord word)
{
	list->words = grow(list->words, list->n, sizeof(TermsWord));
	list->words[list->n++] = word;
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

static void
load_destinations(const LicenceScan *scan, LoadedTerms *loaded)
{
	bool		isnull;
	Datum		value = get_value(scan, LICENCE_DESTINATIONS_COLUMN, &isnull);
	Datum	   *words;
	int			n;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &words, NULL, &n);
	for (int i = 0; i < n; i++)
		add_word(&loaded->t.destinations, add_text(loaded, words[i], false));
}

/* Reads the licence's own row; false: there is none. */
static bool
load_licence(LoadedTerms *loaded, Books *b, Snapshot snapshot)
{
	LicenceTerms *t = &loaded->t;
	LicenceScan scan;
	bool		isnull,
				found;

	begin_scan(&scan, &b->of_licence, t->licence, snapshot);
	found = next_row(&scan);
	if (found)
	{
		t->place = scan.place;
		t->holder = get_word(&scan, LICENCE_HOLDER_COLUMN, loaded);
		t->valid = get_span(&scan, LICENCE_VALID_COLUMN, lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO));
		t->status = get_word(&scan, LICENCE_STATUS_COLUMN, loaded);
		t->withdrawn = get_bool(&scan, LICENCE_WITHDRAWN_COLUMN);
		get_value(&scan, LICENCE_MAX_USES_COLUMN, &isnull);
		t->limited = !isnull;
		load_destinations(&scan, loaded);
	}
	end_scan(&scan);
	return found;
}

static void
load_items(LoadedTerms *loaded, Books *b, Snapshot snapshot)
{
	LicenceTerms *t = &loaded->t;
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
		item->control_code = get_word(&scan, ITEM_CONTROL_CODE_COLUMN, loaded);
		item->hs_code = get_word(&scan, ITEM_HS_CODE_COLUMN, loaded);
		value = get_value(&scan, ITEM_FORM_COLUMN, &isnull);
		item->form = isnull ? InvalidOid : DatumGetObjectId(value);
		item->withdrawn = get_bool(&scan, ITEM_WITHDRAWN_COLUMN);
	}
	end_scan(&scan);
}

static void
load_parties(LoadedTerms *loaded, Books *b, Snapshot snapshot)
{
	LicenceScan scan;

	begin_scan(&scan, &b->of_parties, loaded->t.licence, snapshot);
	while (next_row(&scan))
	{
		bool		isnull,
					consignee;
		text	   *role;

		if (get_bool(&scan, PARTY_WITHDRAWN_COLUMN))
			continue;
		role = DatumGetTextPP(get_value(&scan, PARTY_ROLE_COLUMN, &isnull));
		consignee = VARSIZE_ANY_EXHDR(role) == 9 && memcmp(VARDATA_ANY(role), "consignee", 9) == 0;
		add_word(consignee ? &loaded->t.consignees : &loaded->t.end_users,
				 get_word(&scan, PARTY_ID_COLUMN, loaded));
	}
	end_scan(&scan);
}

static void
load_status(LoadedTerms *loaded, Books *b, Snapshot snapshot)
{
	LicenceTerms *t = &loaded->t;
	LicenceScan scan;
	bool		isnull;

	begin_scan(&scan, &b->of_status, t->licence, snapshot);
	while (next_row(&scan))
	{
		t->changes = grow(t->changes, t->nchanges, sizeof(StatusChange));
		t->changes[t->nchanges].since = DatumGetDateADT(get_value(&scan, STATUS_SINCE_COLUMN, &isnull));
		t->changes[t->nchanges++].status = get_word(&scan, STATUS_STATUS_COLUMN, loaded);
	}
	end_scan(&scan);
}

/* Memory in the cache: terms lie close to each other, so that they take few pages. */
static char *
take_memory(Size size)
{
	char	   *result;

	if (size > block_left)
	{
		block_left = Max(size, TERMS_BLOCK);
		block_next = MemoryContextAllocHuge(terms_cache_cxt, block_left);
	}
	result = block_next;
	block_next += size;
	block_left -= size;
	return result;
}

/* Moves an array to where "next" points. */
static void *
move_array(const void *array, int n, Size size, char **next)
{
	char	   *place = *next;

	if (n > 0)
		memcpy(place, array, n * size);
	*next += n * size;
	return place;
}

/*
 * A copy of the terms in the cache, with all that they point to, in one piece:
 * where many backends share a processor, each line of memory that a draw touches
 * is a miss.
 */
static LicenceTerms *
pack_terms(const LoadedTerms *loaded)
{
	LicenceTerms t = loaded->t;
	WordList   *lists[] = {&t.destinations, &t.consignees, &t.end_users};
	LicenceTerms *result;
	char	   *next;

	t.size = sizeof(LicenceTerms) + t.nitems * sizeof(LicenceItem) + t.nchanges * sizeof(StatusChange) + loaded->texts.len;
	for (int i = 0; i < lengthof(lists); i++)
		t.size += lists[i]->n * sizeof(TermsWord);
	t.size = MAXALIGN(t.size);
	next = take_memory(t.size);
	result = (LicenceTerms *) next;
	next += sizeof(LicenceTerms);
	t.items = move_array(t.items, t.nitems, sizeof(LicenceItem), &next);
	t.changes = move_array(t.changes, t.nchanges, sizeof(StatusChange), &next);
	for (int i = 0; i < lengthof(lists); i++)
		lists[i]->words = move_array(lists[i]->words, lists[i]->n, sizeof(TermsWord), &next);
	t.texts = move_array(loaded->texts.data, loaded->texts.len, 1, &next);
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
	LoadedTerms loaded = {.t.licence = licence};
	LicenceTerms *result = NULL;
	Snapshot	snapshot;

	CommandCounterIncrement();	/* our own changes count */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	initStringInfo(&loaded.texts);
	load_items(&loaded, b, snapshot);
	if (load_licence(&loaded, b, snapshot))
	{
		load_parties(&loaded, b, snapshot);
		load_status(&loaded, b, snapshot);
		result = pack_terms(&loaded);
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
	LicenceTerms *t;
	TermsEntry *entry;
	bool		found;

	make_room();
	t = load_terms(b, licence);
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
		return terms_word(t, t->status);
	status = words_equal(terms_word(t, t->changes[0].status), issued) ? pending : issued;
	for (int i = 0; i < t->nchanges && t->changes[i].since <= date; i++)
		status = terms_word(t, t->changes[i].status);
	return status;
}
