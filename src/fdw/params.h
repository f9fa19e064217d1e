/*
 * fdw/params.h
 *		Values of a scan's request parameters, and the URLs made of them.
 */
#ifndef RT_PARAMS_H
#define RT_PARAMS_H

#include "retrack.h"

#include "nodes/execnodes.h"

#include "fdw/options.h"
#include "fdw/url.h"

typedef struct ScanParams ScanParams;

/*
 * Prepares the parameters of a plan (PLAN_PARAMS, PLAN_SORT, fdw_exprs) in the
 * current memory context.
 */
extern ScanParams *rt_params_create(PlanState *node, List *plan_params, List *sort, List *exprs,
									const FdwOptions *opts, const FdwColumn *columns,
									TupleDesc desc);

/*
 * Evaluates the values and returns how many requests they take: 0 if no row can
 * pass, since a value is NULL or a list is empty.  Raises HV002 if a required
 * column has no value, HV00L if a value cannot be sent.
 */
extern int	rt_params_evaluate(ScanParams *params, ExprContext *econtext);

/* URL of the i-th request, without paging parameters.  url has URL_MAX bytes. */
extern void rt_params_url(ScanParams *params, int request, char *url);

/*
 * False if the row belongs to another request than this one, or would not have
 * come had the API understood the value: the scan leaves it out.
 */
extern bool rt_params_match(ScanParams *params, int request, const Datum *values, const bool *nulls);

/* True if the scan has none: it reads everything. */
extern bool rt_params_none(const ScanParams *params);

/*
 * URL for EXPLAIN: evaluates what can be evaluated without running the plan,
 * "{...}" stands for the rest.  *requests: how many, 0 if not known.  NULL if no
 * row can pass.
 */
extern char *rt_params_explain(ScanParams *params, ExprContext *econtext, int *requests);

#endif							/* RT_PARAMS_H */
