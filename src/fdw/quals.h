/*
 * fdw/quals.h
 *		Which conditions the API can evaluate, by which parameter.
 *
 * A condition is pushed only where the parameter's answer holds every row that
 * the condition accepts; it is checked again locally unless the column is `exact`.
 */
#ifndef RT_QUALS_H
#define RT_QUALS_H

#include "retrack.h"

#include "nodes/pathnodes.h"

#include "fdw/options.h"

typedef enum PushKind
{
	PUSH_EQUAL,					/* param = value */
	PUSH_FROM,					/* param_from, column >= value */
	PUSH_TO,					/* param_to, column <= value */
	PUSH_IN,					/* param_in, comma list or repeated, in batches */
	PUSH_EACH					/* param once per value: one request each */
} PushKind;

/* One parameter of the request. */
typedef struct PushedParam
{
	AttrNumber	attnum;
	PushKind	kind;
	const char *name;
	Expr	   *value;			/* an array for PUSH_IN (or one value) and PUSH_EACH */
	bool		is_array;
	Oid			collation;		/* by which the condition compares */
} PushedParam;

/* One condition taken apart. */
typedef struct PushedQual
{
	int			nparams;		/* 0: cannot be pushed */
	PushedParam params[2];		/* from and to for an = without param */
	bool		replaces;		/* the parameter says the same as the condition */
} PushedQual;

/*
 * Takes a condition on rel apart.  The value may hold variables of other
 * relations: it is a join clause then, usable by a parameterised path only.
 */
extern void rt_classify_qual(PlannerInfo *root, RelOptInfo *rel, const FdwColumn *columns,
							 const char *path, Expr *clause, PushedQual *result);

/*
 * Collects the parameters of a list of RestrictInfos; each parameter is used once.
 * *pushed: those that gave a parameter; *replaced: those of them that need no
 * check here, since the column is `exact`.
 */
extern List *rt_collect_params(PlannerInfo *root, RelOptInfo *rel, const FdwColumn *columns,
							   const char *path, List *clauses, bool allow_lists,
							   List **replaced, List **pushed);

/* Type whose values can be sent, and whose equality a server shares. */
extern bool rt_type_pushable(Oid type);

/* ... and whose order too: not that of labels, nor that of symbols by atomic number. */
extern bool rt_type_order_shared(Oid type);

#endif							/* RT_QUALS_H */
