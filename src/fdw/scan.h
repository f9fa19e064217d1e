/*
 * fdw/scan.h
 *		Execution of a foreign scan.
 */
#ifndef RT_SCAN_H
#define RT_SCAN_H

#include "retrack.h"

#include "foreign/fdwapi.h"
#include "nodes/execnodes.h"

#include "fdw/http.h"
#include "fdw/pages.h"
#include "fdw/params.h"
#include "fdw/row.h"

/* What EXPLAIN ANALYZE and fdw_stats know of a scan besides HttpCounters. */
typedef struct ScanCounters
{
	uint64		pages;
	uint64		records;		/* read, matching or not */
	uint64		rejected;		/* by on_error skip */
	uint64		rows;			/* given to the executor, before its own conditions */
	double		parse_us;		/* spent on records, not waiting; counted for EXPLAIN only */
	size_t		scanner_peak;	/* bytes the JSON scanner held */
} ScanCounters;

/* node->fdw_state */
typedef struct FdwScan
{
	FdwOptions *opts;
	FdwColumn  *columns;
	Oid			relid;
	MemoryContext context;		/* of the scan: all below lives in it */
	ScanParams *params;
	RowReader  *row;
	struct SortCheck *sort;		/* NULL if no order was asked for */
	int			page_size;
	bool		first_page;		/* may be enough: the second is not asked for ahead of it */

	HttpConn   *conn;			/* NULL before the first row was asked for */
	PageReader *pages;
	bool		started;		/* parameters evaluated, requests under way */
	bool		ended;
	bool		timing;			/* EXPLAIN ANALYZE wants times */
	bool		async;			/* must not sleep */
	bool		one_page;		/* ANALYZE: only the page after skip pages of page_records */
	int64		skip;
	int64		page_records;
	int			request;		/* of nrequests, which one is being read */
	int			nrequests;

	struct ProgressSlot *progress;
	uint64		run_records;	/* read since the scan began or was restarted */
	HttpCounters http;			/* of the connection, when it was given back */
	ScanCounters counters;
} FdwScan;

/* Reads from the start again, at the next rt_scan_next. */
extern void rt_restart_scan(FdwScan *scan);

/* Gives the connection back and settles the counters. */
extern void rt_finish_scan(FdwScan *scan);

extern void rt_begin_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *rt_iterate_scan(ForeignScanState *node);
extern void rt_rescan(ForeignScanState *node);
extern void rt_end_scan(ForeignScanState *node);

extern bool rt_is_async_capable(ForeignPath *path);
extern void rt_async_request(AsyncRequest *request);
extern void rt_async_configure_wait(AsyncRequest *request);
extern void rt_async_notify(AsyncRequest *request);

/*
 * Next row into slot; false if there is none, or, with async set, none yet.  To be
 * called in a memory context for one row, which is reset after each one left out.
 */
extern bool rt_scan_next(FdwScan *scan, ExprContext *econtext, TupleTableSlot *slot);

/* Counters of the transport so far, given back or not. */
extern const HttpCounters *rt_scan_http(const FdwScan *scan);

/* Pages begun so far. */
extern uint64 rt_scan_pages(const FdwScan *scan);

extern void rt_explain_scan(ForeignScanState *node, struct ExplainState *es);
extern bool rt_analyze_table(Relation relation, AcquireSampleRowsFunc *func, BlockNumber *pages);

#endif							/* RT_SCAN_H */
