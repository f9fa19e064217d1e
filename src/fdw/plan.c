/*
 * fdw/plan.c
 *		Planning: sizes, paths (plain, parameterised, sorted) and the plan.
 *
 * Planning never talks to the API: estimates come from ANALYZE, or from the total
 * that an earlier scan of this backend was told.
 */
#include "fdw/plan.h"

#include <math.h>

#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/typcache.h"

#include "fdw/quals.h"
#include "fdw/stats.h"

/* In units of the planner: a request is some milliseconds, a record some microseconds. */
#define REQUEST_COST 200.0
#define RECORD_COST 0.05
#define DEFAULT_ROWS 1000.0
#define DEFAULT_PAGE_ROWS 100.0
#define UNBOUND_COST 1.0e10		/* a scan that can only raise an error */
#define LIMIT_HINT_MAX 100		/* of page size, where none is set */

/* rel->fdw_private while planning */
typedef struct PlanInfo
{
	const FdwOptions *opts;
	const FdwColumn *columns;
	int			ncolumns;
} PlanInfo;

void
rt_get_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	PlanInfo   *info = palloc(sizeof(PlanInfo));
	Relation	relation = table_open(relid, NoLock);
	double		total;

	info->opts = rt_fdw_plan_options(relid);
	info->columns = rt_fdw_columns(relation, info->opts);
	info->ncolumns = RelationGetDescr(relation)->natts;
	table_close(relation, NoLock);
	rel->fdw_private = info;
	if (rel->tuples < 0)
	{
		total = rt_stats_table_total(relid);
		rel->tuples = total >= 0 ? total : DEFAULT_ROWS;
	}
	set_baserel_size_estimates(root, rel);
}

/* Each required column, and each {name} of the path, has a parameter. */
static bool
binds_required(const PlanInfo *info, List *params)
{
	for (int i = 0; i < info->ncolumns; i++)
	{
		const FdwColumn *c = &info->columns[i];
		bool		bound = false;
		ListCell   *lc;

		if (!rt_column_needs_value(c, info->opts->path))
			continue;
		foreach(lc, params)
			bound = bound || ((PushedParam *) lfirst(lc))->attnum == c->attnum;
		if (!bound)
			return false;
	}
	return true;
}

/* Number of requests that reading so many records takes. */
static double
count_requests(const PlanInfo *info, double records)
{
	double		page = info->opts->page_size > 0 ? info->opts->page_size : DEFAULT_PAGE_ROWS;

	return info->opts->pagination == PAGINATION_NONE ? 1.0 : Max(1.0, ceil(records / page));
}

/* Costs of reading what the pushed conditions leave, and checking all conditions here. */
static void
estimate_costs(PlannerInfo *root, RelOptInfo *rel, List *pushed, bool bound,
			   Cost *startup, Cost *total)
{
	const PlanInfo *info = rel->fdw_private;
	double		records = clamp_row_est(rel->tuples *
										clauselist_selectivity(root, pushed, rel->relid, JOIN_INNER, NULL));
	double		requests = count_requests(info, records);

	*startup = REQUEST_COST + rel->baserestrictcost.startup + rel->reltarget->cost.startup +
		(bound ? 0 : UNBOUND_COST);
	*total = *startup + (requests - 1) * REQUEST_COST +
		records * (RECORD_COST + cpu_tuple_cost + rel->baserestrictcost.per_tuple);
}

/* The column of rel that a member of the pathkey's class is, with its sort key; or NULL. */
static const FdwColumn *
sort_column(RelOptInfo *rel, PathKey *pathkey)
{
	const PlanInfo *info = rel->fdw_private;
	EquivalenceMemberIterator it;
	EquivalenceMember *em;

	rt_foreach_member(em, it, pathkey->pk_eclass, rel->relids)
	{
		Expr	   *expr = em->em_expr;
		Var		   *var;
		const FdwColumn *c;

		while (IsA(expr, RelabelType))
			expr = ((RelabelType *) expr)->arg;
		var = (Var *) expr;
		if (!IsA(expr, Var) || var->varno != (int) rel->relid || var->varattno <= 0 ||
			var->varlevelsup != 0)
			continue;
		c = &info->columns[var->varattno - 1];
		/* values in an order that a server has too, text byte by byte */
		if (c->sort && rt_type_order_shared(getBaseType(var->vartype)) &&
			(!OidIsValid(pathkey->pk_eclass->ec_collation) ||
			 rt_collation_is_c(pathkey->pk_eclass->ec_collation)) &&
			lookup_type_cache(getBaseType(exprType((Node *) em->em_expr)), TYPECACHE_BTREE_OPFAMILY)->btree_opf == pathkey->pk_opfamily)
			return c;
	}
	return NULL;
}

/*
 * The query's order as sort keys, NIL if the API cannot give it.  Where it puts
 * NULLs must be stated and agree, unless the column has none.
 */
static List *
build_sort(PlannerInfo *root, RelOptInfo *rel)
{
	const PlanInfo *info = rel->fdw_private;
	List	   *sort = NIL;
	ListCell   *lc;

	if (info->opts->sort_param == NULL || root->query_pathkeys == NIL)
		return NIL;
	foreach(lc, root->query_pathkeys)
	{
		PathKey    *pathkey = lfirst_node(PathKey, lc);
		const FdwColumn *c;

		if (pathkey->pk_eclass->ec_has_volatile || (c = sort_column(rel, pathkey)) == NULL)
			return NIL;
		if (!c->not_null &&
			c->sort_nulls != (pathkey->pk_nulls_first ? 1 : 2))
			return NIL;
		sort = lappend(sort, list_make4_int(c->attnum, rt_pathkey_descending(pathkey),
											pathkey->pk_nulls_first,
											(int) pathkey->pk_eclass->ec_collation));
	}
	return sort;
}

static void
add_sorted_path(PlannerInfo *root, RelOptInfo *rel)
{
	const PlanInfo *info = rel->fdw_private;
	List	   *sort = build_sort(root, rel);
	List	   *replaced;
	List	   *pushed;
	List	   *params;
	Cost		startup;
	Cost		total;

	if (sort == NIL)
		return;
	/* a list may take several requests, whose answers would not be one order */
	params = rt_collect_params(root, rel, info->columns, info->opts->path, rel->baserestrictinfo,
							   false, &replaced, &pushed);
	if (!binds_required(info, params))
		return;
	estimate_costs(root, rel, pushed, true, &startup, &total);
	add_path(rel, (Path *) rt_foreignscan_path(root, rel, rel->rows, 0, startup, total,
											   root->query_pathkeys, rel->lateral_relids, sort));
}

/* Adds the outer relations of a join clause that gives a parameter. */
static List *
collect_outer(PlannerInfo *root, RelOptInfo *rel, List *clauses, List *infos)
{
	const PlanInfo *info = rel->fdw_private;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids		outer;
		PushedQual	q;

		if (!join_clause_is_movable_to(rinfo, rel))
			continue;
		rt_classify_qual(root, rel, info->columns, info->opts->path, rinfo->clause, &q);
		if (q.nparams == 0)
			continue;
		outer = bms_union(rinfo->clause_relids, rel->lateral_relids);
		outer = bms_del_member(outer, rel->relid);
		if (!bms_is_empty(outer))
			infos = list_append_unique_ptr(infos, get_baserel_parampathinfo(root, rel, outer));
	}
	return infos;
}

typedef struct EcMatch
{
	const PlanInfo *info;
	Bitmapset  *used;			/* columns already looked at */
	AttrNumber	current;
} EcMatch;

/* Callback of generate_implied_equalities_for_column: one column with a parameter at a time. */
static bool
matches_column(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	EcMatch    *match = arg;
	Expr	   *expr = em->em_expr;
	Var		   *var;
	const FdwColumn *c;

	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	var = (Var *) expr;
	if (!IsA(expr, Var) || var->varno != (int) rel->relid || var->varattno <= 0)
		return false;
	if (match->current != 0)
		return var->varattno == match->current;
	c = &match->info->columns[var->varattno - 1];
	if (bms_is_member(var->varattno, match->used) ||
		!(c->param || c->param_in || c->param_from || c->param_to))
		return false;
	match->current = var->varattno;
	return true;
}

/* Candidates for parameterised paths, as postgres_fdw finds them. */
static List *
find_outer_infos(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *infos = collect_outer(root, rel, rel->joininfo, NIL);
	EcMatch		match = {rel->fdw_private, NULL, 0};

	if (!rel->has_eclass_joins)
		return infos;
	for (;;)
	{
		List	   *clauses;

		match.current = 0;
		clauses = generate_implied_equalities_for_column(root, rel, matches_column, &match,
														 rel->lateral_referencers);
		if (match.current == 0)
			return infos;
		infos = collect_outer(root, rel, clauses, infos);
		match.used = bms_add_member(match.used, match.current);
	}
}

static void
add_parameterised_paths(PlannerInfo *root, RelOptInfo *rel)
{
	const PlanInfo *info = rel->fdw_private;
	ListCell   *lc;

	foreach(lc, find_outer_infos(root, rel))
	{
		ParamPathInfo *outer = lfirst(lc);
		List	   *clauses = list_concat_copy(outer->ppi_clauses, rel->baserestrictinfo);
		List	   *replaced;
		List	   *pushed;
		List	   *params = rt_collect_params(root, rel, info->columns, info->opts->path, clauses,
											   true, &replaced, &pushed);
		bool		bound = binds_required(info, params);
		Cost		startup;
		Cost		total;

		estimate_costs(root, rel, pushed, bound, &startup, &total);
		add_path(rel, (Path *) rt_foreignscan_path(root, rel, outer->ppi_rows, !bound, startup, total,
												   NIL, outer->ppi_req_outer, NIL));
	}
}

void
rt_get_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	const PlanInfo *info = rel->fdw_private;
	List	   *replaced;
	List	   *pushed;
	List	   *params = rt_collect_params(root, rel, info->columns, info->opts->path,
										   rel->baserestrictinfo, true, &replaced, &pushed);
	bool		bound = binds_required(info, params);
	Cost		startup;
	Cost		total;

	estimate_costs(root, rel, pushed, bound, &startup, &total);
	add_path(rel, (Path *) rt_foreignscan_path(root, rel, rel->rows, !bound, startup, total,
											   NIL, rel->lateral_relids, NIL));
	add_sorted_path(root, rel);
	add_parameterised_paths(root, rel);
}

/* Parameters as lists for fdw_private, their values appended to *exprs. */
static List *
serialize_params(List *params, List **exprs)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, params)
	{
		PushedParam *p = lfirst(lc);

		result = lappend(result,
						 lappend(list_make5(makeInteger(p->attnum), makeInteger(p->kind),
											makeInteger(p->is_array), makeInteger(list_length(*exprs)),
											makeString(pstrdup(p->name))),
								 makeInteger((int) p->collation)));
		*exprs = lappend(*exprs, p->value);
	}
	return result;
}

/* Attribute numbers that the query reads: output, and conditions checked here. */
static List *
columns_read(RelOptInfo *rel, List *local_clauses)
{
	const PlanInfo *info = rel->fdw_private;
	Bitmapset  *used = NULL;
	List	   *columns = NIL;
	bool		whole_row;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	pull_varattnos((Node *) local_clauses, rel->relid, &used);
	whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	for (int i = 0; i < info->ncolumns; i++)
		if (info->columns[i].attnum != 0 &&
			(whole_row || bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, used)))
			columns = lappend_int(columns, i + 1);
	return columns;
}

/* A LIMIT that may end the scan: nothing between them needs all rows. */
static bool
limit_ends_scan(PlannerInfo *root, const ForeignPath *path)
{
	return root->limit_tuples > 0 && !root->parse->hasAggs && !root->parse->groupClause &&
		!root->parse->groupingSets && !root->parse->distinctClause && !root->parse->hasWindowFuncs &&
		!root->parse->hasTargetSRFs && pathkeys_contained_in(root->sort_pathkeys, path->path.pathkeys);
}

/* The first page may be enough: the next one is not asked for ahead of it. */
static bool
first_page_may_do(PlannerInfo *root, const FdwOptions *o, const ForeignPath *path)
{
	return limit_ends_scan(root, path) &&
		root->limit_tuples <= (o->page_size > 0 ? o->page_size : DEFAULT_PAGE_ROWS);
}

/*
 * Page size for a query that wants few rows: only where every condition is pushed,
 * so that the first page probably holds them.  A hint: the scan goes on if not.
 */
static int
limit_hint(PlannerInfo *root, const FdwOptions *o, const ForeignPath *path, bool all_pushed)
{
	double		limit = root->limit_tuples;

	/* without pages there is no way to go on */
	if (o->pagination == PAGINATION_NONE || !all_pushed || !limit_ends_scan(root, path) ||
		bms_membership(root->all_baserels) != BMS_SINGLETON)
		return 0;
	if (o->page_size > 0)
		return limit < o->page_size ? (int) limit : 0;
	return limit <= LIMIT_HINT_MAX ? (int) limit : 0;
}

ForeignScan *
rt_get_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path,
			List *tlist, List *clauses, Plan *outer_plan)
{
	const PlanInfo *info = rel->fdw_private;
	List	   *sort = path->fdw_private;
	List	   *replaced;
	List	   *pushed;
	List	   *params = rt_collect_params(root, rel, info->columns, info->opts->path, clauses,
										   sort == NIL, &replaced, &pushed);
	List	   *exprs = NIL;
	List	   *private;
	List	   *kept = extract_actual_clauses(list_difference_ptr(clauses, replaced), false);
	List	   *columns = columns_read(rel, kept);
	List	   *serialized = serialize_params(params, &exprs);
	ListCell   *lc;

	/* rows may have to be compared with the parameters' values again: see params.c */
	foreach(lc, params)
		columns = list_append_unique_int(columns, ((PushedParam *) lfirst(lc))->attnum);
	/* the order is checked as rows come: its keys are read too */
	foreach(lc, sort)
		columns = list_append_unique_int(columns, linitial_int(lfirst(lc)));
	private = list_make5(serialized, columns, sort,
						 makeInteger(limit_hint(root, info->opts, path, list_length(pushed) ==
												list_length(extract_actual_clauses(clauses, false)))),
						 makeInteger(first_page_may_do(root, info->opts, path)));
	return make_foreignscan(tlist, kept, rel->relid, exprs, private, NIL,
							extract_actual_clauses(replaced, false), outer_plan);
}
