/*
 * fdw/stats.h
 *		What scans leave behind: counters per server, progress of running scans,
 *		totals per table.
 *
 * The counters are shared by all backends without preloading the library: they
 * live in a small file below the data directory that backends map.  They are
 * written with atomic additions, by functions that never raise an error, so that
 * a scan that is aborted is counted too.
 */
#ifndef RT_STATS_H
#define RT_STATS_H

#include "retrack.h"

#include "datatype/timestamp.h"

#include "fdw/http.h"

/* Columns of retrack.fdw_stats, in its order. */
typedef enum StatsCounter
{
	STATS_SCANS,
	STATS_FAILED_SCANS,
	STATS_REQUESTS,
	STATS_RETRIES,
	STATS_REDIRECTS,
	STATS_NOT_MODIFIED,
	STATS_THROTTLED,
	STATS_FAILURES,
	STATS_CONNECTIONS,
	STATS_TOKENS,
	STATS_PAGES,
	STATS_RECORDS,
	STATS_REJECTED,
	STATS_WIRE_BYTES,
	STATS_DECODED_BYTES,
	STATS_WAIT_US,
	STATS_COUNTERS
} StatsCounter;

extern void rt_stats_add(Oid serverid, StatsCounter counter, uint64 n);
extern void rt_stats_add_http(Oid serverid, const HttpCounters *counters);

/* Progress of one scan; the slot may be NULL, then nothing is shown. */
typedef struct ProgressSlot ProgressSlot;

extern ProgressSlot *rt_progress_begin(Oid serverid, Oid relid);
extern void rt_progress_update(ProgressSlot *slot, uint64 pages, uint64 records, uint64 bytes);
extern void rt_progress_end(ProgressSlot *slot);

/* Rows of a table without conditions, as an API told this backend; -1 if not known. */
extern double rt_stats_table_total(Oid relid);
extern void rt_stats_set_table_total(Oid relid, double total);

#endif							/* RT_STATS_H */
