/*
 * fdw/sort_check.h
 *		Holds an API to the order it was asked for: a merge join or LIMIT over
 *		rows in another order would be wrong without a sign.
 */
#ifndef RT_SORT_CHECK_H
#define RT_SORT_CHECK_H

#include "retrack.h"

#include "access/tupdesc.h"
#include "nodes/pg_list.h"

typedef struct SortCheck SortCheck;

/* sort is PLAN_SORT; in the current memory context. */
extern SortCheck *rt_sort_check_create(TupleDesc desc, List *sort);

/* The next row is the first one again. */
extern void rt_sort_check_restart(SortCheck *check);

/* Raises HV00M if the row belongs before the one before it. */
extern void rt_sort_check(SortCheck *check, const Datum *values, const bool *nulls);

#endif							/* RT_SORT_CHECK_H */
