/*
 * rules/quota_tree.c
 *		Loads the quotas of a facility's party and its ancestors.
 */
#include "rules/quota_tree.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "rules/doubts.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#define FACILITIES_MAX 20000

typedef struct FacilityKey
{
	const char *id;
	int			len;
} FacilityKey;

typedef struct FacilityEntry
{
	FacilityKey key;			/* hash key */
	FacilityQuotas *quotas;
} FacilityEntry;

static uint32
hash_facility(const void *key, Size size)
{
	const FacilityKey *k = key;

	return hash_bytes((const unsigned char *) k->id, k->len);
}

static int
match_facility(const void *a, const void *b, Size size)
{
	const FacilityKey *x = a;
	const FacilityKey *y = b;

	return x->len == y->len ? memcmp(x->id, y->id, x->len) : 1;
}

/*
 * A lock that no statement takes by itself: an "object" within the quota table.
 * A lock on the table itself would do for producers, but whoever changes the
 * table holds one that conflicts with another's upgrade.
 */
void
rt_quota_tree_lock(Books *b, bool exclusive)
{
	LockDatabaseObject(RelationRelationId, b->quota.relid, 1, exclusive ? ExclusiveLock : ShareLock);
	AcceptInvalidationMessages();
}

static QuotaTree *
make_tree(void)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "retrack quota tree", ALLOCSET_DEFAULT_SIZES);
	QuotaTree  *tree = MemoryContextAlloc(cxt, sizeof(QuotaTree));
	HASHCTL		ctl = {.keysize = sizeof(FacilityKey), .entrysize = sizeof(FacilityEntry)};

	ctl.hash = hash_facility;
	ctl.match = match_facility;
	ctl.hcxt = cxt;
	tree->cxt = cxt;
	tree->facilities = hash_create("retrack facilities", 64, &ctl,
								   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	return tree;
}

static QuotaTree *
get_tree(Books *b)
{
	bool		full = b->quotas != NULL && hash_get_num_entries(b->quotas->facilities) > FACILITIES_MAX;

	if (b->quotas != NULL && b->quotas_valid && !full)
		return b->quotas;
	/* A statement further out may still read the old one. */
	if (b->quotas != NULL)
		MemoryContextSetParent(b->quotas->cxt, TopTransactionContext);
	b->quotas = make_tree();
	b->quotas_valid = true;
	return b->quotas;
}

static Datum
get_value(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static Word
get_word(int row, int column)
{
	Word		w = {NULL, -1};
	bool		isnull;
	Datum		value = get_value(row, column, &isnull);

	if (isnull)
		return w;
	w.len = VARSIZE_ANY_EXHDR(DatumGetTextPP(value));
	w.p = pnstrdup(VARDATA_ANY(DatumGetTextPP(value)), w.len);
	return w;
}

static void
load_quota(QuotaNode *q, int row)
{
	Datum		lower,
				upper;
	bool		lower_null,
				upper_null,
				isnull;

	q->id = get_word(row, 2);
	q->holder = get_word(row, 3);
	q->stage = DatumGetObjectId(get_value(row, 4, &isnull));
	q->ore_class = get_word(row, 5);
	lower = get_value(row, 6, &lower_null);
	upper = get_value(row, 7, &upper_null);
	q->period = rt_date_span(lower, lower_null, upper, upper_null);
}

/*
 * No trigger tells of facilities that come, since nobody remembers one that is not
 * there.  This transaction does, of one it made itself.
 */
static void
note_maker(Datum facility_xmin)
{
	if (TransactionIdIsCurrentTransactionId(DatumGetTransactionId(facility_xmin)))
		rt_doubt(DOUBT_QUOTAS);
}

/*
 * Reads the quotas from the facility's party upwards.  UNION in the recursion
 * ends it in case parents form a cycle.
 */
static FacilityQuotas *
load_quotas(Books *b, MemoryContext cxt, Word facility)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	MemoryContext caller = CurrentMemoryContext;
	FacilityQuotas *result = NULL;

	SPI_connect();
	values[0] = PointerGetDatum(cstring_to_text_with_len(facility.p, facility.len));
	rt_books_execute(b, PLAN_FACILITY_QUOTAS,
					 "WITH RECURSIVE path (party_id, depth, made_by) AS ("
					 " SELECT f.party_id, 0, f.xmin FROM %1$s.facility f WHERE f.facility_id OPERATOR(pg_catalog.=) $1"
					 " UNION SELECT p.parent, path.depth OPERATOR(pg_catalog.+) 1, path.made_by FROM path"
					 "  JOIN %1$s.party p ON p.party_id OPERATOR(pg_catalog.=) path.party_id"
					 "  WHERE p.parent IS NOT NULL AND path.depth OPERATOR(pg_catalog.<) 100)"
					 " SELECT path.party_id, q.quota_id, q.holder, q.stage, q.ore_class,"
					 "  pg_catalog.lower(q.period), pg_catalog.upper(q.period), path.made_by"
					 " FROM (SELECT party_id, pg_catalog.min(depth) AS depth, made_by FROM path GROUP BY party_id, made_by) path"
					 " LEFT JOIN %1$s.quota q ON q.holder OPERATOR(pg_catalog.=) path.party_id AND NOT q.withdrawn"
					 " ORDER BY path.depth, q.quota_id",
					 1, types, values, NULL);
	if (SPI_processed > 0)
	{
		bool		isnull;

		MemoryContextSwitchTo(cxt);
		result = palloc0(sizeof(FacilityQuotas));
		result->party = get_word(0, 1);
		note_maker(get_value(0, 8, &isnull));
		result->quotas = palloc0(sizeof(QuotaNode) * SPI_processed);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			get_value(i, 2, &isnull);
			if (!isnull)
				load_quota(&result->quotas[result->nquotas++], i);
		}
		MemoryContextSwitchTo(caller);
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return result;
}

FacilityQuotas *
rt_facility_quotas(Books *b, Word facility)
{
	QuotaTree  *tree = get_tree(b);
	FacilityKey key = {facility.p, facility.len};
	FacilityEntry *entry = hash_search(tree->facilities, &key, HASH_FIND, NULL);
	FacilityQuotas *quotas;

	if (entry != NULL)
		return entry->quotas;
	quotas = load_quotas(b, tree->cxt, facility);
	if (quotas == NULL)
		return NULL;
	key.id = MemoryContextStrdup(tree->cxt, pnstrdup(facility.p, facility.len));
	entry = hash_search(tree->facilities, &key, HASH_ENTER, NULL);
	entry->quotas = quotas;
	return quotas;
}
