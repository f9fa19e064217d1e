/*
 * fdw/sort_check.c
 *		Compares each row with the one before (see sort_check.h).
 */
#include "fdw/sort_check.h"

#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/typcache.h"

typedef struct SortKey
{
	SortSupportData support;
	int			index;
	bool		byval;
	int16		len;
	Datum		last;
	bool		last_null;
	const char *name;
} SortKey;

struct SortCheck
{
	int			nkeys;
	SortKey    *keys;
	bool		any;			/* there was a row before */
	MemoryContext now;			/* of the last values that are not by value, */
	MemoryContext before;		/* in turn */
};

static void
init_key(SortKey *key, TupleDesc desc, List *sort)
{
	Form_pg_attribute att = TupleDescAttr(desc, linitial_int(sort) - 1);
	bool		descending = lsecond_int(sort);
	TypeCacheEntry *type = lookup_type_cache(att->atttypid, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	key->index = att->attnum - 1;
	key->byval = att->attbyval;
	key->len = att->attlen;
	key->name = NameStr(att->attname);
	key->support.ssup_cxt = CurrentMemoryContext;
	key->support.ssup_collation = (Oid) list_nth_int(sort, 3);
	key->support.ssup_nulls_first = lthird_int(sort);
	PrepareSortSupportFromOrderingOp(descending ? type->gt_opr : type->lt_opr, &key->support);
}

SortCheck *
rt_sort_check_create(TupleDesc desc, List *sort)
{
	SortCheck  *check = palloc0(sizeof(SortCheck));
	ListCell   *lc;

	check->keys = palloc0(sizeof(SortKey) * list_length(sort));
	foreach(lc, sort)
		init_key(&check->keys[check->nkeys++], desc, lfirst(lc));
	check->now = AllocSetContextCreate(CurrentMemoryContext, "retrack sort check", ALLOCSET_SMALL_SIZES);
	check->before = AllocSetContextCreate(CurrentMemoryContext, "retrack sort check", ALLOCSET_SMALL_SIZES);
	return check;
}

void
rt_sort_check_restart(SortCheck *check)
{
	check->any = false;
}

static void
refuse_order(const SortCheck *check, const SortKey *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("records are not in the order asked for"),
			 errdetail("The value of column \"%s\" belongs before the one of the record before it.", key->name),
			 errhint("Drop the column's option \"sort\", or correct option \"sort_nulls\".")));
}

void
rt_sort_check(SortCheck *check, const Datum *values, const bool *nulls)
{
	MemoryContext spare = check->before;
	MemoryContext old;

	for (int i = 0; check->any && i < check->nkeys; i++)
	{
		SortKey    *key = &check->keys[i];
		int			order = ApplySortComparator(key->last, key->last_null, values[key->index],
												nulls[key->index], &key->support);

		if (order > 0)
			refuse_order(check, key);
		if (order < 0)
			break;
	}
	MemoryContextReset(spare);
	old = MemoryContextSwitchTo(spare);
	for (int i = 0; i < check->nkeys; i++)
	{
		SortKey    *key = &check->keys[i];

		key->last_null = nulls[key->index];
		if (!key->last_null)
			key->last = datumCopy(values[key->index], key->byval, key->len);
	}
	MemoryContextSwitchTo(old);
	check->before = check->now;
	check->now = spare;
	check->any = true;
}
