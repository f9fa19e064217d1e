/*
 * rules/licence_load.c
 *		Reads licences from their tables.
 *
 * Plain index scans cost a tenth of what queries would, and need no rights.  A
 * run of licences is read by the same four scans as one: where memory is cold,
 * beginning them is most of the cost.
 */
#include "rules/licence_load.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

/* A run ends where its licences have more rows than this. */
#define RUN_ROWS_MAX 1000

/* One scan of the run's rows in one table. */
typedef struct LicenceScan
{
	const LicenceTable *table;
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ItemPointerData place;		/* where the index points for the row */
	int			at;				/* in the run */
} LicenceScan;

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

/* Begins a scan in the order of the primary key. */
static void
begin_scan(LicenceScan *scan, const LicenceTable *table, const LicenceRun *run, int max, Snapshot snapshot)
{
	ScanKeyData key = max > 1 ? table->from : table->key;

	scan->table = table;
	scan->rel = table_open(table->relid, AccessShareLock);
	scan->index = index_open(table->pkey, AccessShareLock);
	scan->slot = table_slot_create(scan->rel, NULL);
	scan->scan = rt_index_beginscan(scan->rel, scan->index, snapshot, 1);
	scan->at = 0;
	key.sk_argument = LicenceIdGetDatum(run->loaded[0].t.licence);
	index_rescan(scan->scan, &key, 1, NULL, 0);
}

/* Fetches the next row; false: there is none. */
static bool
fetch_row(LicenceScan *scan, LicenceId *licence)
{
	ItemPointer tid;
	bool		isnull;

	while ((tid = index_getnext_tid(scan->scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		scan->place = *tid;		/* the fetch moves it */
		if (index_fetch_heap(scan->scan, scan->slot))
		{
			*licence = DatumGetLicenceId(slot_getattr(scan->slot, scan->table->licence, &isnull));
			return true;
		}
	}
	return false;
}

/* Whose row comes next; NULL: the run has no more.  A run with too many rows ends with what was read whole. */
static LoadedTerms *
next_row(LicenceScan *scan, LicenceRun *run)
{
	LicenceId	licence;

	while (fetch_row(scan, &licence))
	{
		while (scan->at < run->n && run->loaded[scan->at].t.licence < licence)
			scan->at++;
		if (scan->at == run->n)
			return NULL;
		if (scan->at > 0 && ++run->rows > RUN_ROWS_MAX)
		{
			run->n = scan->at;
			return NULL;
		}
		if (run->loaded[scan->at].t.licence == licence)
			return &run->loaded[scan->at];
	}
	return NULL;
}

static LoadedTerms *
add_licence(LicenceRun *run, LicenceId licence)
{
	LoadedTerms *loaded = &run->loaded[run->n++];

	MemSet(loaded, 0, sizeof(LoadedTerms));
	loaded->t.licence = licence;
	loaded->texts.maxlen = 256;
	loaded->texts.data = palloc(loaded->texts.maxlen);
	return loaded;
}

/* The same in the table that says which licences the run has. */
static LoadedTerms *
next_item(LicenceScan *scan, LicenceRun *run, Books *b)
{
	LoadedTerms *last = &run->loaded[run->n - 1];
	LicenceId	licence;

	if (!fetch_row(scan, &licence))
		return NULL;
	if (run->n > 1 && ++run->rows > RUN_ROWS_MAX)
	{
		run->n--;
		return NULL;
	}
	if (licence == last->t.licence)
		return last;
	if (run->n == run->max || rt_licence_is_known(b, licence))
		return NULL;
	return add_licence(run, licence);
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

static void
load_licences(LicenceRun *run, Books *b, Snapshot snapshot)
{
	TypeCacheEntry *range = lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO);
	LoadedTerms *loaded;
	LicenceScan scan;

	begin_scan(&scan, &b->of_licence, run, run->n, snapshot);
	while ((loaded = next_row(&scan, run)) != NULL)
	{
		LicenceTerms *t = &loaded->t;
		bool		isnull;

		loaded->exists = true;
		t->place = scan.place;
		t->holder = get_word(&scan, LICENCE_HOLDER_COLUMN, loaded);
		t->valid = get_span(&scan, LICENCE_VALID_COLUMN, range);
		t->status = get_word(&scan, LICENCE_STATUS_COLUMN, loaded);
		t->withdrawn = get_bool(&scan, LICENCE_WITHDRAWN_COLUMN);
		get_value(&scan, LICENCE_MAX_USES_COLUMN, &isnull);
		t->limited = !isnull;
		load_destinations(&scan, loaded);
	}
	end_scan(&scan);
}

static void
load_items(LicenceRun *run, Books *b, Snapshot snapshot)
{
	LoadedTerms *loaded;
	LicenceScan scan;

	begin_scan(&scan, &b->of_items, run, run->max, snapshot);
	while ((loaded = next_item(&scan, run, b)) != NULL)
	{
		LicenceTerms *t = &loaded->t;
		LicenceItem *item;
		Datum		value;
		bool		isnull;

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
load_parties(LicenceRun *run, Books *b, Snapshot snapshot)
{
	LoadedTerms *loaded;
	LicenceScan scan;

	begin_scan(&scan, &b->of_parties, run, run->n, snapshot);
	while ((loaded = next_row(&scan, run)) != NULL)
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
load_status(LicenceRun *run, Books *b, Snapshot snapshot)
{
	LoadedTerms *loaded;
	LicenceScan scan;

	begin_scan(&scan, &b->of_status, run, run->n, snapshot);
	while ((loaded = next_row(&scan, run)) != NULL)
	{
		LicenceTerms *t = &loaded->t;
		bool		isnull;

		t->changes = grow(t->changes, t->nchanges, sizeof(StatusChange));
		t->changes[t->nchanges].since = DatumGetDateADT(get_value(&scan, STATUS_SINCE_COLUMN, &isnull));
		t->changes[t->nchanges++].status = get_word(&scan, STATUS_STATUS_COLUMN, loaded);
	}
	end_scan(&scan);
}

/*
 * All under one snapshot: whoever changes one of the tables gives the items new
 * terms in the same transaction, so items and the rest are of one time.
 */
LicenceRun *
rt_licence_load(Books *b, LicenceId licence, int max)
{
	LicenceRun *run = palloc0(sizeof(LicenceRun));
	Snapshot	snapshot;

	run->max = max;
	run->loaded = palloc(sizeof(LoadedTerms) * max);
	add_licence(run, licence);
	CommandCounterIncrement();	/* our own changes count */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	load_items(run, b, snapshot);
	load_licences(run, b, snapshot);
	load_parties(run, b, snapshot);
	load_status(run, b, snapshot);
	UnregisterSnapshot(snapshot);
	return run;
}

int32 *
rt_licence_lines(Books *b, LicenceId licence, int64 terms, int *n)
{
	LoadedTerms loaded = {.t.licence = licence};
	LicenceRun	run = {.n = 1,.max = 1,.loaded = &loaded};
	int			size = 4;
	int32	   *lines = palloc(sizeof(int32) * size);
	Snapshot	snapshot;
	LicenceScan scan;
	LicenceId	found;
	bool		isnull;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	*n = 0;
	begin_scan(&scan, &b->of_items, &run, 1, snapshot);
	while (fetch_row(&scan, &found))
	{
		if (DatumGetInt64(get_value(&scan, ITEM_TERMS_COLUMN, &isnull)) == terms)
			continue;
		if (*n == size)
			lines = repalloc(lines, sizeof(int32) * (size *= 2));
		lines[(*n)++] = DatumGetInt32(get_value(&scan, ITEM_LINE_COLUMN, &isnull));
	}
	end_scan(&scan);
	UnregisterSnapshot(snapshot);
	return lines;
}

/* The row as others see it has ended by our doing. */
static bool
is_ended_by_us(TupleTableSlot *slot)
{
	bool		free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, &free);
	HeapTupleHeader header = tuple->t_data;
	bool		result = !(header->t_infomask & HEAP_XMAX_INVALID) && !HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header));

	if (free)
		heap_freetuple(tuple);
	return result;
}

bool
rt_licence_item_is_held(Books *b, LicenceId licence)
{
	LoadedTerms loaded = {.t.licence = licence};
	LicenceRun	run = {.n = 1,.max = 1,.loaded = &loaded};
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	LicenceScan scan;
	LicenceId	found;
	bool		held = false;

	snapshot->curcid = FirstCommandId;	/* a copy; without our own changes */
	begin_scan(&scan, &b->of_items, &run, 1, snapshot);
	while (!held && fetch_row(&scan, &found))
		held = is_ended_by_us(scan.slot);
	end_scan(&scan);
	UnregisterSnapshot(snapshot);
	return held;
}
