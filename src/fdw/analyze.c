/*
 * fdw/analyze.c
 *		ANALYZE of a foreign table: reads it whole, keeps a random sample.
 */
#include "fdw/scan.h"

#include "commands/vacuum.h"
#include "executor/tuptable.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

#include "fdw/stats.h"

/* A scan of all columns and rows, outside any plan; in the current memory context. */
static FdwScan *
open_whole_scan(Relation rel)
{
	FdwScan    *scan = palloc0(sizeof(FdwScan));
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *all = NIL;

	scan->context = CurrentMemoryContext;
	scan->relid = RelationGetRelid(rel);
	scan->opts = rt_fdw_options(GetForeignTable(scan->relid)->serverid, scan->relid, GetUserId());
	scan->columns = rt_fdw_columns(rel, scan->opts);
	scan->params = rt_params_create(NULL, NIL, NIL, NIL, scan->opts, scan->columns, desc);
	for (int i = 0; i < desc->natts; i++)
		if (scan->columns[i].attnum != 0)
			all = lappend_int(all, i + 1);
	scan->row = rt_row_create(desc, scan->opts, scan->columns, all);
	scan->page_size = scan->opts->page_size;
	return scan;
}

/* Vitter's reservoir, as core's and postgres_fdw's. */
static int
acquire_rows(Relation rel, int elevel, HeapTuple *rows, int targrows, double *totalrows, double *totaldead)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "retrack_fdw analyze", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row_context = AllocSetContextCreate(context, "retrack_fdw analyze row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	FdwScan    *scan = open_whole_scan(rel);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	ReservoirStateData state;
	double		to_skip = -1;
	double		seen = 0;
	int			kept = 0;

	reservoir_init_selection_state(&state, targrows);
	for (;;)
	{
		int			place = -1;

		MemoryContextSwitchTo(row_context);
		MemoryContextReset(row_context);
		ExecClearTuple(slot);
		if (!rt_scan_next(scan, NULL, slot))
			break;
		if (kept < targrows)
			place = kept++;
		else
		{
			if (to_skip < 0)
				to_skip = reservoir_get_next_S(&state, seen, targrows);
			if (to_skip <= 0)
			{
				place = (int) (targrows * sampler_random_fract(rt_sampler_state(&state)));
				heap_freetuple(rows[place]);
			}
			to_skip -= 1;
		}
		seen++;
		if (place >= 0)
		{
			MemoryContextSwitchTo(old);
			rows[place] = heap_form_tuple(RelationGetDescr(rel), slot->tts_values, slot->tts_isnull);
		}
	}
	MemoryContextSwitchTo(old);
	ereport(elevel,
			(errmsg("\"%s\": foreign table holds %.0f records; %d rows in sample",
					RelationGetRelationName(rel), seen, kept)));
	*totalrows = seen;
	*totaldead = 0;
	rt_finish_scan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
	return kept;
}

/*
 * Offers to sample any table whose path needs no value.  The number of pages only
 * tells autovacuum-like tools that the table is not empty.
 */
bool
rt_analyze_table(Relation rel, AcquireSampleRowsFunc *func, BlockNumber *pages)
{
	*func = acquire_rows;
	*pages = 1;
	return true;
}
