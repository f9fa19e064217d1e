/*
 * fdw/quals.c
 *		Conditions that become request parameters (see quals.h).
 */
#include "fdw/quals.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * One of ours whose text names one value and is the only one of it: an element's
 * symbol, a licence's number.  A mass has as many texts as there are units.
 */
static bool
is_own_name(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	char	   *schema;
	bool		own;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_type) GETSTRUCT(tuple);
	schema = get_namespace_name(form->typnamespace);
	own = schema != NULL && strcmp(schema, "retrack") == 0 &&
		(strcmp(NameStr(form->typname), "element") == 0 || strcmp(NameStr(form->typname), "licence_id") == 0);
	ReleaseSysCache(tuple);
	return own;
}

/*
 * Types whose = means the same to an API as here.  Not so: character(n), whose
 * trailing blanks do not count, interval ('1 day' = '24 hours'), citext, and
 * whatever we do not know.
 */
bool
rt_type_pushable(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case UUIDOID:
			return true;
		default:
			return type_is_enum(type) || is_own_name(type);
	}
}

bool
rt_type_order_shared(Oid type)
{
	/* an element is the only one of a single byte besides bool */
	return rt_type_pushable(type) && !type_is_enum(type) && (type == BOOLOID || get_typlen(type) != 1);
}

/* The column of rel that expr is, below no-op casts; 0 if none. */
static AttrNumber
column_of(const Expr *expr, const RelOptInfo *rel)
{
	while (expr && IsA(expr, RelabelType))
		expr = ((const RelabelType *) expr)->arg;
	if (expr && IsA(expr, Var))
	{
		const Var  *var = (const Var *) expr;

		if (var->varno == (int) rel->relid && var->varlevelsup == 0 && var->varattno > 0)
			return var->varattno;
	}
	return 0;
}

/* An expression whose value is known before rel is read, and does not change meanwhile. */
static bool
is_value(PlannerInfo *root, const RelOptInfo *rel, Expr *expr)
{
	return !bms_is_member(rel->relid, pull_varnos(root, (Node *) expr)) &&
		!contain_volatile_functions((Node *) expr) && !contain_subplans((Node *) expr);
}

/* Both sides are of one type as far as their text goes. */
static bool
same_kind(Oid a, Oid b)
{
	bool		int_a = a == INT2OID || a == INT4OID || a == INT8OID;
	bool		int_b = b == INT2OID || b == INT4OID || b == INT8OID;
	bool		text_a = a == TEXTOID || a == VARCHAROID;
	bool		text_b = b == TEXTOID || b == VARCHAROID;

	return a == b || (int_a && int_b) || (text_a && text_b);
}

/* btree strategy of the operator in the column type's default order, 0 if none. */
static int
strategy_of(Oid opno, Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);

	return OidIsValid(entry->btree_opf) ? get_op_opfamily_strategy(opno, entry->btree_opf) : 0;
}

/* Bounds mean the same to an API: not those of licences, which it may know with a check character or without. */
static bool
has_shared_bounds(Oid type)
{
	return rt_type_order_shared(type) && !is_own_name(type);
}

/* An API compares text byte by byte: that is our = and, under C, our order. */
static bool
collation_suits(Oid collation, Oid type, bool ordering)
{
	/* text without one: an error, and not for us to avoid */
	if (!OidIsValid(collation))
		return !type_is_collatable(type);
	return ordering ? rt_collation_is_c(collation) : get_collation_isdeterministic(collation);
}

static void
add_param(PushedQual *q, AttrNumber attnum, PushKind kind, const char *name, Expr *value, bool is_array)
{
	PushedParam *p = &q->params[q->nparams++];

	p->attnum = attnum;
	p->kind = kind;
	p->name = name;
	p->value = value;
	p->is_array = is_array;
}

/* ranges: from value to value, where the API has no parameter for = but an order like ours. */
static void
push_equal(const FdwColumn *c, Expr *value, bool ranges, PushedQual *q)
{
	q->replaces = true;
	if (c->param)
		add_param(q, c->attnum, PUSH_EQUAL, c->param, value, false);
	else if (c->param_in)
		add_param(q, c->attnum, PUSH_IN, c->param_in, value, false);
	else if (ranges)
	{
		if (c->param_from)
			add_param(q, c->attnum, PUSH_FROM, c->param_from, value, false);
		if (c->param_to)
			add_param(q, c->attnum, PUSH_TO, c->param_to, value, false);
		q->replaces = q->nparams == 2;
	}
}

/* column op value, the operator already turned that way round. */
static void
push_comparison(const FdwColumn *c, Oid opno, Oid collation, Oid type, Expr *value, PushedQual *q)
{
	int			strategy = strategy_of(opno, type);
	bool		ordering = strategy != BTEqualStrategyNumber;

	if (strategy == 0 || !collation_suits(collation, type, ordering) ||
		(ordering && !has_shared_bounds(type)))
		return;
	switch (strategy)
	{
		case BTEqualStrategyNumber:
			push_equal(c, value, has_shared_bounds(type) && collation_suits(collation, type, true), q);
			break;
		case BTGreaterEqualStrategyNumber:
		case BTGreaterStrategyNumber:
			if (c->param_from)
				add_param(q, c->attnum, PUSH_FROM, c->param_from, value, false);
			q->replaces = strategy == BTGreaterEqualStrategyNumber;
			break;
		case BTLessEqualStrategyNumber:
		case BTLessStrategyNumber:
			if (c->param_to)
				add_param(q, c->attnum, PUSH_TO, c->param_to, value, false);
			q->replaces = strategy == BTLessEqualStrategyNumber;
			break;
	}
}

static void
classify_op(PlannerInfo *root, RelOptInfo *rel, const FdwColumn *columns, OpExpr *op, PushedQual *q)
{
	Expr	   *left;
	Expr	   *right;
	Oid			opno = op->opno;
	AttrNumber	attnum;
	Oid			type;

	if (list_length(op->args) != 2)
		return;
	left = linitial(op->args);
	right = lsecond(op->args);
	attnum = column_of(left, rel);
	if (attnum == 0)
	{
		attnum = column_of(right, rel);
		opno = get_commutator(opno);
		left = lsecond(op->args);
		right = linitial(op->args);
	}
	if (attnum == 0 || !OidIsValid(opno) || !is_value(root, rel, right))
		return;
	type = getBaseType(exprType((Node *) left));
	if (!rt_type_pushable(type) || !same_kind(type, getBaseType(exprType((Node *) right))))
		return;
	push_comparison(&columns[attnum - 1], opno, op->inputcollid, type, right, q);
	for (int i = 0; i < q->nparams; i++)
		q->params[i].collation = op->inputcollid;
}

/* column = ANY (array) */
static void
classify_array_op(PlannerInfo *root, RelOptInfo *rel, const FdwColumn *columns, const char *path,
				  ScalarArrayOpExpr *op, PushedQual *q)
{
	Expr	   *left = linitial(op->args);
	Expr	   *right = lsecond(op->args);
	AttrNumber	attnum = column_of(left, rel);
	Oid			type = getBaseType(exprType((Node *) left));
	const FdwColumn *c;

	if (attnum == 0 || !op->useOr || !is_value(root, rel, right) || !rt_type_pushable(type) ||
		!same_kind(type, getBaseType(get_base_element_type(exprType((Node *) right)))) ||
		strategy_of(op->opno, type) != BTEqualStrategyNumber ||
		!collation_suits(op->inputcollid, type, false))
		return;
	c = &columns[attnum - 1];
	q->replaces = true;
	if (c->param_in)
		add_param(q, attnum, PUSH_IN, c->param_in, right, true);
	else if (c->param && (c->required || rt_path_has_parameter(path, c->param)))
		add_param(q, attnum, PUSH_EACH, c->param, right, true);
	q->params[0].collation = op->inputcollid;
}

/* `flag` and `NOT flag`, which is how the planner writes comparisons with true and false. */
static void
classify_bool(RelOptInfo *rel, const FdwColumn *columns, Expr *clause, PushedQual *q)
{
	bool		value = true;
	AttrNumber	attnum;

	if (is_notclause(clause))
	{
		value = false;
		clause = get_notclausearg(clause);
	}
	else if (IsA(clause, BooleanTest))
	{
		BooleanTest *test = (BooleanTest *) clause;

		if (test->booltesttype != IS_TRUE && test->booltesttype != IS_FALSE)
			return;
		value = test->booltesttype == IS_TRUE;
		clause = test->arg;
	}
	attnum = column_of(clause, rel);
	if (attnum != 0 && exprType((Node *) clause) == BOOLOID)
		push_equal(&columns[attnum - 1], (Expr *) makeBoolConst(value, false), true, q);
}

void
rt_classify_qual(PlannerInfo *root, RelOptInfo *rel, const FdwColumn *columns,
				 const char *path, Expr *clause, PushedQual *q)
{
	memset(q, 0, sizeof(*q));
	if (IsA(clause, OpExpr))
		classify_op(root, rel, columns, (OpExpr *) clause, q);
	else if (IsA(clause, ScalarArrayOpExpr))
		classify_array_op(root, rel, columns, path, (ScalarArrayOpExpr *) clause, q);
	else
		classify_bool(rel, columns, clause, q);
}

/* A parameter of that name is in the list. */
static bool
name_taken(List *params, const char *name)
{
	ListCell   *lc;

	foreach(lc, params)
		if (strcmp(((PushedParam *) lfirst(lc))->name, name) == 0)
			return true;
	return false;
}

static bool
has_list(const PushedQual *q)
{
	return q->nparams > 0 && q->params[0].is_array;
}

/* Takes q's parameters over if all their names are free. */
static bool
take_params(const PushedQual *q, bool list_taken, List **params)
{
	if (q->nparams == 0 || (has_list(q) && list_taken))
		return false;
	for (int i = 0; i < q->nparams; i++)
		if (name_taken(*params, q->params[i].name))
			return false;
	for (int i = 0; i < q->nparams; i++)
	{
		PushedParam *copy = palloc(sizeof(PushedParam));

		*copy = q->params[i];
		*params = lappend(*params, copy);
	}
	return true;
}

static int
compare_params(const ListCell *a, const ListCell *b)
{
	const PushedParam *p = lfirst(a);
	const PushedParam *q = lfirst(b);

	return p->attnum != q->attnum ? p->attnum - q->attnum : (int) p->kind - (int) q->kind;
}

List *
rt_collect_params(PlannerInfo *root, RelOptInfo *rel, const FdwColumn *columns, const char *path,
				  List *clauses, bool allow_lists, List **replaced, List **pushed)
{
	List	   *params = NIL;
	bool		list_taken = !allow_lists;

	*replaced = NIL;
	*pushed = NIL;
	/* single values first: they narrow more than lists, of which only one is sent */
	for (int pass = 0; pass < 2; pass++)
	{
		ListCell   *lc;

		foreach(lc, clauses)
		{
			RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
			PushedQual	q;

			if (rinfo->pseudoconstant)
				continue;
			rt_classify_qual(root, rel, columns, path, rinfo->clause, &q);
			if (has_list(&q) != (pass == 1) || !take_params(&q, list_taken, &params))
				continue;
			list_taken = list_taken || has_list(&q);
			*pushed = lappend(*pushed, rinfo);
			if (q.replaces && columns[q.params[0].attnum - 1].exact)
				*replaced = lappend(*replaced, rinfo);
		}
	}
	list_sort(params, compare_params);	/* the same request, in whatever order conditions come */
	return params;
}
