/*
 * fdw/plan.h
 *		Planner callbacks, and what a plan carries to the executor.
 */
#ifndef RT_PLAN_H
#define RT_PLAN_H

#include "retrack.h"

#include "foreign/fdwapi.h"

/*
 * fdw_private of a ForeignScan: lists, strings and integers only, since plans are
 * copied, cached and sent about.  Values of parameters are in fdw_exprs.
 */
enum PlanPrivate
{
	PLAN_PARAMS,				/* list of lists, see PlanParam */
	PLAN_COLUMNS,				/* integer list: attribute numbers the query reads */
	PLAN_SORT,					/* list of integer lists: attnum, descending, nulls first, collation */
	PLAN_PAGE_SIZE,				/* page size that LIMIT suggests, 0 if none */
	PLAN_FIRST_PAGE				/* 1 if the first page may be enough */
};

/* Members of one entry of PLAN_PARAMS. */
enum PlanParam
{
	PLAN_PARAM_ATTNUM,
	PLAN_PARAM_KIND,
	PLAN_PARAM_IS_ARRAY,
	PLAN_PARAM_EXPR,			/* index in fdw_exprs */
	PLAN_PARAM_NAME,
	PLAN_PARAM_COLLATION		/* of the condition */
};

extern void rt_get_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern void rt_get_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern ForeignScan *rt_get_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path,
								List *tlist, List *clauses, Plan *outer_plan);

#endif							/* RT_PLAN_H */
