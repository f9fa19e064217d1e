/*
 * fdw/stats.c
 *		Counters and totals that scans leave behind (see stats.h).
 */
#include "fdw/stats.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

typedef struct TableTotal
{
	Oid			relid;
	double		total;
} TableTotal;

static HTAB *totals = NULL;

double
rt_stats_table_total(Oid relid)
{
	TableTotal *entry = totals ? hash_search(totals, &relid, HASH_FIND, NULL) : NULL;

	return entry ? entry->total : -1;
}

void
rt_stats_set_table_total(Oid relid, double total)
{
	TableTotal *entry;
	HASHCTL		ctl = {0};

	if (totals == NULL)
	{
		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(TableTotal);
		totals = hash_create("retrack table totals", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(totals, &relid, HASH_ENTER, NULL);
	entry->total = total;
}
