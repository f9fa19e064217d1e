/*
 * fdw/analyze.c
 *		ANALYZE of a foreign table: a random sample of its rows, and their number.
 *
 * Where pages have numbers and the API states a total, a bounded number of pages
 * spread over the resource is read; otherwise it is read in order, to its end or
 * to a bound.
 */
#include "fdw/scan.h"

#include <float.h>
#include <math.h>

#include "commands/vacuum.h"
#include "executor/tuptable.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

#include "fdw/stats.h"

/* Pages read of those that have numbers: enough for the sample, within these bounds. */
#define PAGES_MIN 30.0
#define PAGES_MAX 300.0
#define RECORDS_PER_ROW 10		/* records read in order for each row of the sample */

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

/* Rows kept so far, each record seen with the same probability (Vitter). */
typedef struct Sample
{
	FdwScan    *scan;
	TupleTableSlot *slot;
	MemoryContext context;		/* of the rows kept */
	MemoryContext row_context;
	HeapTuple  *rows;
	int			target;
	int			kept;
	double		seen;
	double		to_skip;		/* -1: not drawn yet */
	ReservoirStateData state;
} Sample;

/* Where the row goes, -1 if nowhere. */
static int
choose_place(Sample *s)
{
	int			place = -1;

	if (s->kept < s->target)
		return s->kept++;
	if (s->to_skip < 0)
		s->to_skip = reservoir_get_next_S(&s->state, s->seen, s->target);
	if (s->to_skip <= 0)
	{
		place = (int) (s->target * sampler_random_fract(rt_sampler_state(&s->state)));
		heap_freetuple(s->rows[place]);
	}
	s->to_skip -= 1;
	return place;
}

/* Reads on, to the end or until so many records were seen; how many this time. */
static double
read_rows(Sample *s, double limit)
{
	double		before = s->seen;

	while (s->seen < limit)
	{
		int			place;

		MemoryContextSwitchTo(s->row_context);
		MemoryContextReset(s->row_context);
		ExecClearTuple(s->slot);
		if (!rt_scan_next(s->scan, NULL, s->slot))
			break;
		place = choose_place(s);
		s->seen++;
		if (place >= 0)
		{
			MemoryContextSwitchTo(s->context);
			s->rows[place] = heap_form_tuple(s->slot->tts_tupleDescriptor, s->slot->tts_values, s->slot->tts_isnull);
		}
	}
	return s->seen - before;
}

static void
forget_rows(Sample *s)
{
	while (s->kept > 0)
		heap_freetuple(s->rows[--s->kept]);
	s->seen = 0;
	s->to_skip = -1;
}

/* One page of numbered pagination; its number of records. */
static double
read_page(Sample *s, int64 skip, int64 page_records)
{
	rt_restart_scan(s->scan);
	s->scan->one_page = true;
	s->scan->skip = skip;
	s->scan->page_records = page_records;
	return read_rows(s, DBL_MAX);
}

/*
 * Numbered pages with a total: a page at random out of each of equal stretches
 * of the resource.  The size follows from the pages read, so that a total that
 * is too high does not; within a page's weight the total is more exact.  False
 * if there are too few pages for that, or no total.
 */
static bool
sample_pages(Sample *s, double *totalrows)
{
	const FdwOptions *o = s->scan->opts;
	int64		page_records;
	double		total;
	double		pages;
	double		chosen;

	if ((o->pagination != PAGINATION_PAGE && o->pagination != PAGINATION_OFFSET) || o->total == NULL)
		return false;
	page_records = (int64) read_page(s, 0, 0);
	total = rt_pages_total(s->scan->pages);
	forget_rows(s);
	pages = page_records > 0 ? ceil(total / page_records) : 0;
	chosen = Max(PAGES_MIN, Min(PAGES_MAX, page_records > 0 ? ceil((double) s->target / page_records) : 0));
	if (pages <= chosen)
		return false;
	for (int i = 0; i < (int) chosen; i++)
	{
		double		from = floor(pages * i / chosen);
		double		to = floor(pages * (i + 1) / chosen);

		read_page(s, (int64) (from + floor((to - from) * sampler_random_fract(rt_sampler_state(&s->state)))), page_records);
	}
	*totalrows = s->seen / chosen * pages;
	if (fabs(*totalrows - total) <= page_records * pages / chosen)
		*totalrows = total;
	return true;
}

/*
 * Pages that only name each other have to be read from the first one on: all, or,
 * where the API states a total, the first so many records.
 */
static void
sample_in_order(Sample *s, double *totalrows)
{
	double		limit = s->scan->opts->total ? (double) s->target * RECORDS_PER_ROW : DBL_MAX;

	rt_restart_scan(s->scan);
	s->scan->one_page = false;
	read_rows(s, limit);
	*totalrows = s->seen;
	if (!s->scan->ended && rt_pages_total(s->scan->pages) > s->seen)
		*totalrows = rt_pages_total(s->scan->pages);
	else
		*totalrows += read_rows(s, DBL_MAX);
}

static int
acquire_rows(Relation rel, int elevel, HeapTuple *rows, int targrows, double *totalrows, double *totaldead)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "retrack_fdw analyze", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Sample		s = {.scan = open_whole_scan(rel),.context = old,.rows = rows,.target = targrows,.to_skip = -1};

	s.row_context = AllocSetContextCreate(context, "retrack_fdw analyze row", ALLOCSET_DEFAULT_SIZES);
	s.slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	reservoir_init_selection_state(&s.state, targrows);
	if (!sample_pages(&s, totalrows))
		sample_in_order(&s, totalrows);
	MemoryContextSwitchTo(old);
	ereport(elevel,
			(errmsg("\"%s\": read %.0f of about %.0f records; %d rows in sample",
					RelationGetRelationName(rel), s.seen, *totalrows, s.kept)));
	rt_stats_set_table_total(RelationGetRelid(rel), *totalrows);
	*totaldead = 0;
	rt_finish_scan(s.scan);
	ExecDropSingleTupleTableSlot(s.slot);
	MemoryContextDelete(context);
	return s.kept;
}

/*
 * Offers to sample any table that can be read without a value.  The number of
 * pages only tells autovacuum-like tools that the table is not empty.
 */
bool
rt_analyze_table(Relation rel, AcquireSampleRowsFunc *func, BlockNumber *pages)
{
	const FdwOptions *opts = rt_fdw_plan_options(RelationGetRelid(rel));
	const FdwColumn *columns = rt_fdw_columns(rel, opts);

	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
		if (rt_column_needs_value(&columns[i], opts->path))
			return false;
	*func = acquire_rows;
	*pages = 1;
	return true;
}
