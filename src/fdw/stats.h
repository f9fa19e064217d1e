/*
 * fdw/stats.h
 *		What scans leave behind: counters per server, totals per table.
 */
#ifndef RT_STATS_H
#define RT_STATS_H

#include "retrack.h"

/* Rows of a table without conditions, as an API told this backend; -1 if not known. */
extern double rt_stats_table_total(Oid relid);
extern void rt_stats_set_table_total(Oid relid, double total);

#endif							/* RT_STATS_H */
