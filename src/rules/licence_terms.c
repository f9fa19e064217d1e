/*
 * rules/licence_terms.c
 *		Keeps licences in memory.
 */
#include "rules/licence_terms.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "rules/licence_load.h"
#include "utils/memutils.h"

/* Beyond this many licences, or bytes of terms that were replaced, the cache starts afresh. */
#define TERMS_CACHE_MAX 20000
#define TERMS_RETIRED_MAX (4 * 1024 * 1024)

#define TERMS_BLOCK (32 * 1024)

/* Licences are read ahead so many at a time, and while not many more than these turn out useless. */
#define AHEAD_MAX 31
#define AHEAD_UNUSED_MAX 2000

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
	bool		ahead;			/* read ahead, and not asked for so far */
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

static terms_hash *terms_cache = NULL;
static MemoryContext terms_cache_cxt = NULL;
static char *block_next = NULL;	/* where there is memory left in it */
static Size block_left = 0;
static Size terms_retired = 0;
static bool terms_forgotten = false;	/* all of the cache is to be read again */
static int64 terms_missed = 0;	/* asked for, and not there */
static int64 terms_ahead = 0;	/* read ahead */
static int64 terms_ahead_used = 0;	/* of these, asked for later */

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

/* Hands everything to the transaction once the cache has grown beyond its bounds, or is to be forgotten. */
static void
make_room(void)
{
	if (terms_cache != NULL && !terms_forgotten && terms_cache->members < TERMS_CACHE_MAX && terms_retired < TERMS_RETIRED_MAX)
		return;
	if (terms_cache != NULL)
		MemoryContextSetParent(terms_cache_cxt, TopTransactionContext);
	terms_cache = NULL;
	terms_forgotten = false;
	block_left = terms_retired = 0;
	terms_cache_cxt = AllocSetContextCreate(TopMemoryContext, "retrack licence terms", ALLOCSET_DEFAULT_SIZES);
	terms_cache = terms_create(terms_cache_cxt, 256, NULL);
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

/* Puts the licence into the cache; NULL if it does not exist. */
static LicenceTerms *
keep_terms(const Books *b, const LoadedTerms *loaded, bool ahead)
{
	TermsKey	key = make_key(b, loaded->t.licence);
	TermsEntry *entry = terms_lookup(terms_cache, key);
	LicenceTerms *t;
	bool		found;

	if (!loaded->exists)
	{
		if (entry != NULL)
		{
			retire_terms(entry->terms);
			terms_delete(terms_cache, key);
		}
		return NULL;
	}
	t = pack_terms(loaded);
	entry = terms_insert(terms_cache, key, &found);
	if (found)
		retire_terms(entry->terms);
	entry->terms = t;
	entry->ahead = ahead;
	return t;
}

/* Reads the licence into the cache, and up to "ahead" of those that follow it. */
static LicenceTerms *
load_terms(Books *b, LicenceId licence, int ahead)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "retrack licence rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(cxt);
	LicenceRun *run;
	LicenceTerms *result;

	make_room();
	run = rt_licence_load(b, licence, 1 + ahead);
	result = keep_terms(b, &run->loaded[0], false);
	for (int i = 1; i < run->n; i++)
		keep_terms(b, &run->loaded[i], true);
	terms_ahead += run->n - 1;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
	return result;
}

/*
 * How many licences to read ahead.  A connection that asked for many will ask for
 * more: each time it may get half of what it asked for so far.  Where few of them
 * are asked for in the end, there are more licences than are worth it.  A
 * serializable transaction would conflict with changes of what it read.
 */
static int
count_ahead(void)
{
	if (IsolationIsSerializable() || terms_ahead >= AHEAD_UNUSED_MAX + terms_ahead_used * 2 ||
		(terms_cache != NULL && terms_cache->members > TERMS_CACHE_MAX / 2))
		return 0;
	return Min(terms_missed / 2, AHEAD_MAX);
}

LicenceTerms *
rt_licence_terms_reload(Books *b, LicenceId licence)
{
	return load_terms(b, licence, 0);
}

LicenceTerms *
rt_licence_terms(Books *b, LicenceId licence)
{
	TermsEntry *entry = NULL;

	if (terms_cache != NULL && !terms_forgotten)
		entry = terms_lookup(terms_cache, make_key(b, licence));
	if (entry == NULL)
	{
		int			ahead = count_ahead();

		terms_missed++;
		return load_terms(b, licence, ahead);
	}
	if (entry->ahead)
	{
		entry->ahead = false;
		terms_ahead_used++;
	}
	return entry->terms;
}

/* A statement may be using them, and at the end of a transaction nothing can be allocated: they go when the next is read. */
void
rt_licence_terms_forget(void)
{
	terms_forgotten = true;
}

bool
rt_licence_is_known(const Books *b, LicenceId licence)
{
	return terms_lookup(terms_cache, make_key(b, licence)) != NULL;
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
