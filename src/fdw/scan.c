/*
 * fdw/scan.c
 *		Execution of a foreign scan, asleep or asynchronously (see scan.h).
 */
#include "fdw/scan.h"

#include "executor/execAsync.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "fdw/plan.h"
#include "fdw/sort_check.h"
#include "fdw/stats.h"

/* Names the record in every error that is raised while it is read. */
static void
add_error_context(void *arg)
{
	FdwScan    *scan = arg;

	if (scan->pages && rt_pages_record(scan->pages) > 0)
		errcontext("page " UINT64_FORMAT ", record " UINT64_FORMAT " of foreign table \"%s\"",
				   rt_pages_page(scan->pages), rt_pages_record(scan->pages), scan->opts->table_name);
	else if (scan->pages)
		errcontext("page " UINT64_FORMAT " of foreign table \"%s\"",
				   rt_pages_page(scan->pages), scan->opts->table_name);
	else
		errcontext("foreign table \"%s\"", scan->opts->table_name);
}

void
rt_begin_scan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	Relation	rel = node->ss.ss_currentRelation;
	Oid			user = rt_check_as_user(plan, estate);
	FdwScan    *scan = palloc0(sizeof(FdwScan));
	List	   *sort = list_nth(plan->fdw_private, PLAN_SORT);
	MemoryContext old;

	scan->context = AllocSetContextCreate(estate->es_query_cxt, "retrack_fdw scan", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scan->context);
	scan->relid = RelationGetRelid(rel);
	scan->opts = (eflags & EXEC_FLAG_EXPLAIN_ONLY) ? rt_fdw_plan_options(scan->relid) :
		rt_fdw_options(GetForeignTable(scan->relid)->serverid, scan->relid, user ? user : GetUserId());
	scan->columns = rt_fdw_columns(rel, scan->opts);
	scan->params = rt_params_create(&node->ss.ps, list_nth(plan->fdw_private, PLAN_PARAMS), sort,
									plan->fdw_exprs, scan->opts, scan->columns, RelationGetDescr(rel));
	scan->page_size = intVal(list_nth(plan->fdw_private, PLAN_PAGE_SIZE));
	scan->first_page = intVal(list_nth(plan->fdw_private, PLAN_FIRST_PAGE));
	if (scan->page_size == 0)
		scan->page_size = scan->opts->page_size;
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
	{
		scan->row = rt_row_create(RelationGetDescr(rel), scan->opts, scan->columns,
								  list_nth(plan->fdw_private, PLAN_COLUMNS));
		if (sort != NIL)
			scan->sort = rt_sort_check_create(RelationGetDescr(rel), sort);
	}
	scan->async = node->ss.ps.async_capable;
	scan->timing = (estate->es_instrument & INSTRUMENT_TIMER) != 0;
	MemoryContextSwitchTo(old);
	node->fdw_state = scan;
}

static void
start_request(FdwScan *scan)
{
	char		url[URL_MAX];

	rt_params_url(scan->params, scan->request, url);
	if (scan->one_page)
		rt_pages_start_one(scan->pages, url, scan->page_size, scan->skip, scan->page_records);
	else
		rt_pages_start(scan->pages, url, scan->page_size, scan->first_page);
}

/* Evaluates the parameters and sends the first request. */
static void
start_scan(FdwScan *scan, ExprContext *econtext)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	const char *const *fields;
	int			nfields;

	scan->started = true;
	scan->request = 0;
	scan->nrequests = rt_params_evaluate(scan->params, econtext);
	scan->ended = scan->nrequests == 0;
	if (!scan->ended && scan->conn == NULL)
	{
		scan->conn = rt_http_open(scan->opts, scan->context);
		nfields = rt_row_fields(scan->row, &fields);
		scan->pages = rt_pages_create(scan->opts, scan->conn, nfields, fields);
		rt_stats_add(scan->opts->serverid, STATS_SCANS, 1);
		scan->progress = rt_progress_begin(scan->opts->serverid, scan->relid);
		rt_http_set_progress(scan->conn, scan->progress);
	}
	scan->run_records = 0;
	if (scan->sort)
		rt_sort_check_restart(scan->sort);
	if (!scan->ended)
		start_request(scan);
	MemoryContextSwitchTo(old);
}

static void
show_progress(FdwScan *scan)
{
	rt_progress_update(scan->progress, scan->counters.pages + rt_pages_page(scan->pages),
					   scan->counters.records, rt_http_counters(scan->conn)->decoded_bytes);
}

/* One request is read to its end: remembers the total, goes on to the next one. */
static void
end_request(FdwScan *scan)
{
	scan->counters.pages += rt_pages_page(scan->pages);
	show_progress(scan);
	scan->counters.scanner_peak = Max(scan->counters.scanner_peak, rt_pages_memory(scan->pages));
	if (++scan->request < scan->nrequests)
		start_request(scan);
	else
	{
		scan->ended = true;
		if (rt_params_none(scan->params) && !scan->one_page)
			rt_stats_set_table_total(scan->relid, (double) scan->run_records);
	}
}

/* A refused row that the query does not see. */
static void
count_rejected(FdwScan *scan)
{
	scan->counters.rejected++;
	if (scan->opts->reject_limit > 0 && scan->counters.rejected > (uint64) scan->opts->reject_limit)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("more than " INT64_FORMAT " records of foreign table \"%s\" were refused",
						scan->opts->reject_limit, scan->opts->table_name),
				 errdetail("Last one: %s", rt_row_error(scan->row))));
}

/* The page reader stands on a record: true if it gives a row. */
static bool
read_record(FdwScan *scan, PagesResult found, TupleTableSlot *slot)
{
	RowResult	result;

	scan->run_records++;
	/* the first ones each: they may be slow */
	if (++scan->counters.records <= 100 || scan->counters.records % 100 == 0)
		show_progress(scan);
	result = found == PAGES_RECORD
		? rt_row_read(scan->row, scan->pages, slot->tts_values, slot->tts_isnull)
		: rt_row_read_bad(scan->row, scan->pages, slot->tts_values, slot->tts_isnull);
	if (result != ROW_GOOD)
		count_rejected(scan);
	if (result == ROW_REJECTED)
		return false;
	if (result == ROW_GOOD && !rt_params_match(scan->params, scan->request, slot->tts_values, slot->tts_isnull))
		return false;
	if (scan->sort && result == ROW_GOOD)
		rt_sort_check(scan->sort, slot->tts_values, slot->tts_isnull);
	return true;
}

/* EXPLAIN ANALYZE: what a call took is spent on records but for the wait. */
static void
count_parse_time(FdwScan *scan, instr_time begun, uint64 waited)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, begun);
	waited = rt_scan_http(scan)->wait_us - waited;
	scan->counters.parse_us += INSTR_TIME_GET_MICROSEC(now) - Min(waited, INSTR_TIME_GET_MICROSEC(now));
}

bool
rt_scan_next(FdwScan *scan, ExprContext *econtext, TupleTableSlot *slot)
{
	ErrorContextCallback callback = {error_context_stack, add_error_context, scan};
	bool		found = false;
	uint64		waited = rt_scan_http(scan)->wait_us;
	instr_time	begun;

	INSTR_TIME_SET_ZERO(begun);
	if (scan->timing)
		INSTR_TIME_SET_CURRENT(begun);

	error_context_stack = &callback;
	if (!scan->started)
		start_scan(scan, econtext);
	while (!found && !scan->ended)
	{
		PagesResult result = rt_pages_next(scan->pages, !scan->async);

		if (result == PAGES_WAIT)
			break;
		if (result == PAGES_END)
			end_request(scan);
		else if (!(found = read_record(scan, result, slot)))
			MemoryContextReset(CurrentMemoryContext);	/* of many rows that are left out, too */
	}
	error_context_stack = callback.previous;
	if (scan->timing)
		count_parse_time(scan, begun, waited);
	return found;
}

TupleTableSlot *
rt_iterate_scan(ForeignScanState *node)
{
	FdwScan    *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (rt_scan_next(scan, node->ss.ps.ps_ExprContext, slot))
	{
		scan->counters.rows++;
		ExecStoreVirtualTuple(slot);
	}
	return slot;
}

/*
 * Restarts: an API has no snapshot to replay from, and values of parameters may
 * have changed.  Where the answer has to be read twice the planner puts a
 * Materialize above, whose cost is far below the requests'.
 */
void
rt_rescan(ForeignScanState *node)
{
	rt_restart_scan(node->fdw_state);
}

/* A scan that was given up early may have been told how many records there are. */
static void
remember_total(const FdwScan *scan)
{
	if (!scan->ended && scan->pages && rt_params_none(scan->params) && rt_pages_total(scan->pages) >= 0)
		rt_stats_set_table_total(scan->relid, rt_pages_total(scan->pages));
}

void
rt_restart_scan(FdwScan *scan)
{
	if (!scan->started)
		return;
	if (scan->pages)
	{
		remember_total(scan);
		scan->counters.pages = rt_scan_pages(scan);
		rt_pages_stop(scan->pages);
	}
	if (scan->conn)
		rt_http_waiting(scan->conn, NULL);
	scan->started = scan->ended = false;
}

void
rt_finish_scan(FdwScan *scan)
{
	Oid			serverid = scan->opts->serverid;

	if (scan->conn == NULL)
		return;
	rt_http_waiting(scan->conn, NULL);
	remember_total(scan);
	scan->counters.pages = rt_scan_pages(scan);
	rt_pages_stop(scan->pages);
	scan->http = *rt_http_counters(scan->conn);
	rt_http_close(scan->conn);
	scan->conn = NULL;
	scan->pages = NULL;
	scan->progress = NULL;
	scan->ended = true;
	rt_stats_add(serverid, STATS_PAGES, scan->counters.pages);
	rt_stats_add(serverid, STATS_RECORDS, scan->counters.records);
	rt_stats_add(serverid, STATS_REJECTED, scan->counters.rejected);
}

void
rt_end_scan(ForeignScanState *node)
{
	FdwScan    *scan = node->fdw_state;

	if (scan == NULL)
		return;
	rt_finish_scan(scan);
	MemoryContextDelete(scan->context);
	node->fdw_state = NULL;
}

const HttpCounters *
rt_scan_http(const FdwScan *scan)
{
	return scan->conn ? rt_http_counters(scan->conn) : &scan->http;
}

uint64
rt_scan_pages(const FdwScan *scan)
{
	return scan->counters.pages + (scan->started && !scan->ended ? rt_pages_page(scan->pages) : 0);
}

bool
rt_is_async_capable(ForeignPath *path)
{
	return true;
}

/* Answers a request with a row, the end, or "call me back". */
static void
produce(AsyncRequest *request)
{
	ForeignScanState *node = (ForeignScanState *) request->requestee;
	FdwScan    *scan = node->fdw_state;
	TupleTableSlot *slot = request->requestee->ExecProcNodeReal(request->requestee);

	if (!TupIsNull(slot))
		ExecAsyncRequestDone(request, slot);
	else if (scan->ended)
		ExecAsyncRequestDone(request, NULL);
	else
		ExecAsyncRequestPending(request);
}

void
rt_async_request(AsyncRequest *request)
{
	produce(request);
}

void
rt_async_configure_wait(AsyncRequest *request)
{
	ForeignScanState *node = (ForeignScanState *) request->requestee;
	FdwScan    *scan = node->fdw_state;
	AppendState *append = (AppendState *) request->requestor;

	rt_http_waiting_on(scan->conn, rt_pages_request(scan->pages));
	AddWaitEventToSet(append->as_eventset, WL_SOCKET_READABLE, rt_http_descriptor(scan->conn), NULL, request);
}

void
rt_async_notify(AsyncRequest *request)
{
	ForeignScanState *node = (ForeignScanState *) request->requestee;
	FdwScan    *scan = node->fdw_state;

	rt_http_pump(scan->conn);
	rt_http_waiting(scan->conn, NULL);
	produce(request);
}
