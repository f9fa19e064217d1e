/*
 * fdw/params.c
 *		Request parameters of a scan (see params.h).
 *
 * A list of values may take several requests.  A row that came with one of them
 * although its value belongs to another (an API that ignores the parameter, or
 * compares more broadly) would be there twice: each row is checked against the
 * values of its own request.
 */
#include "fdw/params.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "fdw/plan.h"
#include "fdw/quals.h"
#include "fdw/value_text.h"

/* Servers commonly take 8 kB of URL; this leaves room for paging parameters and proxies. */
#define LIST_URL_MAX 4000

/* Longer texts are not sent where they would make the URL longer than that. */
#define LONG_TEXT 64
#define LONG_URL_MAX 6000

typedef struct ParamValue
{
	Datum		datum;
	char	   *text;			/* UTF-8 */
} ParamValue;

typedef struct ScanParam
{
	const FdwColumn *column;
	PushKind	kind;
	const char *name;
	bool		is_array;
	Oid			type;			/* of one value */
	Oid			collation;		/* of the condition */
	Expr	   *expr;
	ExprState  *state;
	TypeCacheEntry *types;
	int			nvalues;
	ParamValue *values;			/* distinct, without NULLs */
	bool		sent;			/* the API is told */
	bool		verify;			/* rows have to be compared with the values here */
	bool		placeholder;	/* for EXPLAIN: not known yet */
} ScanParam;

struct ScanParams
{
	const FdwOptions *opts;
	const FdwColumn *columns;
	int			ncolumns;
	List	   *sort;
	int			nparams;
	ScanParam	   *params;
	ScanParam	   *list;			/* the one that takes several requests, or NULL */
	int			nrequests;
	int		   *first;			/* index of each request's first value in list, and one more */
	size_t		length;			/* of the URL's fixed part and single values, about */
	bool		explain;		/* a path may stay without its values */
	MemoryContext context;		/* of the values, reset at each evaluation */
};

static void
init_param(ScanParam *p, PlanState *node, List *entry, List *exprs, const FdwColumn *columns,
		   TupleDesc desc)
{
	Oid			type;

	p->column = &columns[intVal(list_nth(entry, PLAN_PARAM_ATTNUM)) - 1];
	p->kind = intVal(list_nth(entry, PLAN_PARAM_KIND));
	p->is_array = intVal(list_nth(entry, PLAN_PARAM_IS_ARRAY));
	p->name = strVal(list_nth(entry, PLAN_PARAM_NAME));
	p->expr = list_nth(exprs, intVal(list_nth(entry, PLAN_PARAM_EXPR)));
	p->state = ExecInitExpr(p->expr, node);
	type = exprType((Node *) p->expr);
	p->type = getBaseType(p->is_array ? get_base_element_type(type) : type);
	p->collation = (Oid) intVal(list_nth(entry, PLAN_PARAM_COLLATION));
	p->types = lookup_type_cache(getBaseType(TupleDescAttr(desc, p->column->attnum - 1)->atttypid),
								 TYPECACHE_EQ_OPR_FINFO | TYPECACHE_CMP_PROC_FINFO);
}

ScanParams *
rt_params_create(PlanState *node, List *plan_params, List *sort, List *exprs,
				 const FdwOptions *opts, const FdwColumn *columns, TupleDesc desc)
{
	ScanParams *s = palloc0(sizeof(ScanParams));
	ListCell   *lc;

	s->opts = opts;
	s->columns = columns;
	s->ncolumns = desc->natts;
	s->sort = sort;
	s->params = palloc0(sizeof(ScanParam) * Max(list_length(plan_params), 1));
	foreach(lc, plan_params)
		init_param(&s->params[s->nparams++], node, lfirst(lc), exprs, columns, desc);
	s->context = AllocSetContextCreate(CurrentMemoryContext, "retrack request parameters",
									   ALLOCSET_SMALL_SIZES);
	return s;
}

static void
refuse_value(const ScanParam *p, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
			 errmsg("value of column \"%s\" cannot be sent as parameter \"%s\"", p->column->name, p->name),
			 errdetail("%s", why)));
}

/* The name stands in the path's braces. */
static bool
in_path(const ScanParams *s, const ScanParam *p)
{
	return p->kind != PUSH_FROM && p->kind != PUSH_TO && rt_path_has_parameter(s->opts->path, p->name);
}

/*
 * Adds a value.  An integer is made one of the column's type; one that the column
 * cannot hold equals no row.
 */
static void
add_value(ScanParam *p, Datum datum)
{
	ParamValue *v = &p->values[p->nvalues];

	v->datum = datum;
	v->text = rt_value_text(datum, p->type);
	if (p->kind != PUSH_FROM && p->kind != PUSH_TO && p->type != p->types->type_id &&
		rt_is_integer(p->type) && !rt_integer_as(datum, p->type, p->types->type_id, &v->datum))
		return;
	p->nvalues++;
}

/* Text byte by byte, as it is sent; 1.0 and 1.00, though, are one value. */
static int
compare_values(const void *a, const void *b, void *arg)
{
	const ParamValue *v = a;
	const ParamValue *w = b;
	const ScanParam *p = arg;

	if (OidIsValid(p->collation) || !OidIsValid(p->types->cmp_proc_finfo.fn_oid))
		return strcmp(v->text, w->text);
	return DatumGetInt32(FunctionCall2(&p->types->cmp_proc_finfo, v->datum, w->datum));
}

/*
 * Takes an array apart.  Equal values are one: in two requests they would bring
 * the same rows twice.
 */
static void
set_array(ScanParam *p, Datum array)
{
	ArrayType  *a = DatumGetArrayTypeP(array);
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int			kept = 0;
	int16		len;
	bool		byval;
	char		align;

	get_typlenbyvalalign(ARR_ELEMTYPE(a), &len, &byval, &align);
	deconstruct_array(a, ARR_ELEMTYPE(a), len, byval, align, &elements, &nulls, &n);
	p->values = palloc(sizeof(ParamValue) * Max(n, 1));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			add_value(p, elements[i]);
	qsort_arg(p->values, p->nvalues, sizeof(ParamValue), compare_values, p);
	for (int i = 0; i < p->nvalues; i++)
		if (kept == 0 || compare_values(&p->values[kept - 1], &p->values[i], p) != 0)
			p->values[kept++] = p->values[i];
	p->nvalues = kept;
}

/* The value would make the URL longer than servers take. */
static bool
too_long(const ScanParams *s, const ScanParam *p, const char *text)
{
	size_t		len = strlen(text);

	return len > LONG_TEXT &&
		(p->is_array ? 0 : s->length) + url_encoded_length(text, len) > (p->is_array ? LIST_URL_MAX : LONG_URL_MAX);
}

/*
 * Some values cannot be told to a server unambiguously: an empty one often means
 * "any", and a comma parts a list.  Then the API is asked for more, and the rows
 * are compared here.
 */
static void
decide_sending(ScanParams *s, ScanParam *p)
{
	bool		comma_list = p->kind == PUSH_IN && (p->column->in_repeat != 2 || in_path(s, p));

	p->sent = true;
	for (int i = 0; i < p->nvalues; i++)
	{
		const char *text = p->values[i].text;

		if (text[0] == '\0' || (comma_list && strchr(text, ',') != NULL) ||
			!rt_value_text_shared(text, p->type) || too_long(s, p, text))
			p->sent = false;
	}
	if (p->sent && !p->is_array)
		s->length += strlen(p->name) + url_encoded_length(p->values[0].text, strlen(p->values[0].text)) + 2;
	/* infinity as upper bound, too: a NULL is not below it */
	p->verify = !p->sent;
	if (!p->sent && (p->column->required || in_path(s, p)))
		refuse_value(p, "It is empty, holds a comma, is infinite or too long, and the column is required.");
	if (in_path(s, p))
		for (int i = 0; i < p->nvalues; i++)
			if (strcmp(p->values[i].text, ".") == 0 || strcmp(p->values[i].text, "..") == 0)
				refuse_value(p, "In a path it would lead elsewhere.");
}

/* False if no row can pass. */
static bool
evaluate_param(ScanParam *p, ExprContext *econtext)
{
	int16		len;
	bool		byval;
	bool		isnull;
	Datum		value = ExecEvalExpr(p->state, econtext, &isnull);

	p->nvalues = 0;
	p->values = NULL;
	if (isnull)
		return false;
	if (p->is_array)
		set_array(p, value);
	else
	{
		p->values = palloc(sizeof(ParamValue));
		get_typlenbyval(p->type, &len, &byval);
		add_value(p, datumCopy(value, byval, len));
	}
	return p->nvalues > 0;
}

static void
check_required(const ScanParams *s)
{
	for (int i = 0; i < s->ncolumns; i++)
	{
		const FdwColumn *c = &s->columns[i];
		bool		bound = false;

		if (!rt_column_needs_value(c, s->opts->path))
			continue;
		for (int j = 0; j < s->nparams; j++)
			bound = bound || s->params[j].column == c;
		if (!bound)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
					 errmsg("foreign table \"%s\" needs a value for column \"%s\"",
							s->opts->table_name, c->name),
					 errhint("Add a condition such as %s = ... to the query.", c->name)));
	}
}

/* Bytes that one more value of the list adds to the URL. */
static size_t
list_value_length(const ScanParam *p, const char *text)
{
	size_t		n = url_encoded_length(text, strlen(text)) + 1;

	return p->column->in_repeat == 2 ? n + url_encoded_length(p->name, strlen(p->name)) + 1 : n;
}

/* Cuts the list into requests whose URLs are not too long. */
static void
plan_requests(ScanParams *s)
{
	char		url[URL_MAX];
	size_t		base;
	size_t		length = 0;

	s->list = NULL;
	s->nrequests = 1;
	for (int i = 0; i < s->nparams; i++)
		if (s->params[i].is_array && s->params[i].sent && !s->params[i].placeholder)
			s->list = &s->params[i];
	if (s->list == NULL)
		return;
	s->first = palloc(sizeof(int) * (s->list->nvalues + 1));
	s->first[0] = s->first[1] = 0;
	rt_params_url(s, 0, url);	/* of an empty list */
	base = strlen(url);
	s->nrequests = 0;
	for (int i = 0; i < s->list->nvalues; i++)
	{
		size_t		add = list_value_length(s->list, s->list->values[i].text);

		if (i == 0 || s->list->kind == PUSH_EACH || base + length + add > LIST_URL_MAX)
		{
			s->first[s->nrequests++] = i;
			length = 0;
		}
		length += add;
	}
	s->first[s->nrequests] = s->list->nvalues;
	if (s->nrequests > 1)
		s->list->verify = true;
}

int
rt_params_evaluate(ScanParams *s, ExprContext *econtext)
{
	MemoryContext old;
	bool		possible = true;

	check_required(s);
	s->length = 0;
	MemoryContextReset(s->context);
	old = MemoryContextSwitchTo(s->context);
	for (int i = 0; i < s->nparams && possible; i++)
	{
		possible = evaluate_param(&s->params[i], econtext);
		if (possible)
			decide_sending(s, &s->params[i]);
	}
	if (possible)
		plan_requests(s);
	MemoryContextSwitchTo(old);
	return possible ? s->nrequests : 0;
}

static void
refuse_long_url(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
			 errmsg("URL of the request is longer than %d bytes", URL_MAX - 1)));
}

static void
append_raw(char *url, const char *text, size_t len)
{
	size_t		at = strlen(url);

	if (at + len >= URL_MAX)
		refuse_long_url();
	memcpy(url + at, text, len);
	url[at + len] = '\0';
}

static void
append_value(char *url, const char *text)
{
	if (!url_add_encoded(url, URL_MAX, text, strlen(text)))
		refuse_long_url();
}

/* The values of this request, parted by commas if it is a list. */
static void
append_values(const ScanParams *s, const ScanParam *p, int request, char *url)
{
	int			from = p == s->list ? s->first[request] : 0;
	int			to = p == s->list ? s->first[request + 1] : p->nvalues;

	if (p->placeholder)
		append_raw(url, "{...}", 5);
	for (int i = from; i < to && !p->placeholder; i++)
	{
		if (i > from)
			append_raw(url, ",", 1);
		append_value(url, p->values[i].text);
	}
}

/* The parameter whose name stands at p, len bytes long; or NULL. */
static const ScanParam *
find_param(const ScanParams *s, const char *p, size_t len)
{
	for (int i = 0; i < s->nparams; i++)
		if (in_path(s, &s->params[i]) && strlen(s->params[i].name) == len &&
			strncmp(s->params[i].name, p, len) == 0)
			return &s->params[i];
	return NULL;
}

/* The path with its {name}s filled in. */
static void
append_path(const ScanParams *s, int request, char *url)
{
	const char *path = s->opts->path;
	char		joined[URL_MAX];

	if (!url_join(s->opts->base_url, path, joined, sizeof(joined)))
		refuse_long_url();
	url[0] = '\0';
	for (const char *p = joined; *p;)
	{
		size_t		plain = strcspn(p, "{");

		append_raw(url, p, plain);
		p += plain;
		if (*p == '{')
		{
			size_t		len = strcspn(p, "}") - 1;
			const ScanParam *found = find_param(s, p + 1, len);

			if (found == NULL && !s->explain)
				ereport(ERROR,
						(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
						 errmsg("path of foreign table \"%s\" needs a value for \"{%.*s}\"",
								s->opts->table_name, (int) len, p + 1),
						 errhint("Give a column the option param '%.*s', and the query a condition column = ...",
								 (int) len, p + 1)));
			if (found == NULL)
				append_raw(url, p, len + 2);
			else
				append_values(s, found, request, url);
			p += len + 2;
		}
	}
}

/* name= after the right separator */
static void
append_name(char *url, const char *name)
{
	if (!url_add_parameter(url, URL_MAX, name, ""))
		refuse_long_url();
}

/* name=value once per value */
static void
append_repeated(const ScanParams *s, const ScanParam *p, int request, char *url)
{
	int			from = p == s->list ? s->first[request] : 0;
	int			to = p == s->list ? s->first[request + 1] : p->nvalues;

	for (int i = from; i < to; i++)
	{
		append_name(url, p->name);
		append_value(url, p->values[i].text);
	}
}

static void
append_sort(const ScanParams *s, char *url)
{
	ListCell   *lc;

	if (s->sort != NIL)
		append_name(url, s->opts->sort_param);
	foreach(lc, s->sort)
	{
		List	   *key = lfirst(lc);
		const char *name = s->columns[linitial_int(key) - 1].sort;

		if (lc != list_head(s->sort))
			append_raw(url, ",", 1);
		if (lsecond_int(key))
			append_raw(url, "-", 1);
		if (!url_add_encoded(url, URL_MAX, name, strlen(name)))
			refuse_long_url();
	}
}

void
rt_params_url(ScanParams *s, int request, char *url)
{
	append_path(s, request, url);
	for (int i = 0; i < s->nparams; i++)
	{
		const ScanParam *p = &s->params[i];

		if (!p->placeholder && (!p->sent || in_path(s, p)))
			continue;
		if (p->placeholder && in_path(s, p))
			continue;
		if (p->kind == PUSH_IN && p->column->in_repeat == 2 && !p->placeholder)
			append_repeated(s, p, request, url);
		else
		{
			append_name(url, p->name);
			append_values(s, p, request, url);
		}
	}
	append_sort(s, url);
}

bool
rt_params_none(const ScanParams *s)
{
	return s->nparams == 0;
}

/* value is among the values of this request. */
static bool
among_values(const ScanParams *s, const ScanParam *p, int request, Datum value)
{
	int			from = p == s->list ? s->first[request] : 0;
	int			to = p == s->list ? s->first[request + 1] : p->nvalues;

	for (int i = from; i < to; i++)
		if (DatumGetBool(FunctionCall2Coll(&p->types->eq_opr_finfo, p->collation, value, p->values[i].datum)))
			return true;
	return false;
}

/* The row's value is what the parameter asked for. */
static bool
matches(const ScanParams *s, const ScanParam *p, int request, Datum value)
{
	int			order;

	if (p->kind != PUSH_FROM && p->kind != PUSH_TO)
		return among_values(s, p, request, value);
	order = DatumGetInt32(FunctionCall2Coll(&p->types->cmp_proc_finfo, p->collation, value, p->values[0].datum));
	return p->kind == PUSH_FROM ? order >= 0 : order <= 0;
}

bool
rt_params_match(ScanParams *s, int request, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < s->nparams; i++)
	{
		const ScanParam *p = &s->params[i];
		int			at = p->column->attnum - 1;

		if (p->verify && (nulls[at] || !matches(s, p, request, values[at])))
			return false;
	}
	return true;
}

/* Holds a parameter that has no value before the plan runs. */
static bool
needs_execution(Node *node, ParamListInfo given)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind != PARAM_EXTERN || given == NULL;
	return expression_tree_walker(node, needs_execution, given);
}

char *
rt_params_explain(ScanParams *s, ExprContext *econtext, int *requests)
{
	char	   *url = palloc(URL_MAX);
	bool		possible = true;
	bool		known = true;

	s->explain = true;
	s->length = 0;
	for (int i = 0; i < s->nparams && possible; i++)
	{
		ScanParam  *p = &s->params[i];

		p->placeholder = needs_execution((Node *) p->expr, econtext->ecxt_param_list_info);
		if (p->placeholder)
		{
			known = known && !p->is_array;
			continue;
		}
		possible = evaluate_param(p, econtext);
		if (possible)
			decide_sending(s, p);
	}
	if (!possible)
		return NULL;
	plan_requests(s);
	*requests = known ? s->nrequests : 0;
	rt_params_url(s, 0, url);
	return url;
}
