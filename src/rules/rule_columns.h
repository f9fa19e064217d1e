/*
 * rules/rule_columns.h
 *		Which columns of a table the rules read: a trigger's arguments,
 *		resolved once and kept until DDL touches the table.
 */
#ifndef RT_RULES_RULE_COLUMNS_H
#define RT_RULES_RULE_COLUMNS_H

#include "retrack.h"
#include "access/attnum.h"
#include "commands/trigger.h"
#include "nodes/bitmapset.h"
#include "utils/relcache.h"

#define RULE_COLUMNS_MAX 16
#define RULE_KEY_MAX INDEX_MAX_KEYS

/* What a column must hold; the rules read the raw datum of exactly these. */
typedef enum RuleType
{
	RULE_TYPE_TEXT,				/* text or varchar */
	RULE_TYPE_DATE,
	RULE_TYPE_BOOL,
	RULE_TYPE_LICENCE_ID,
	RULE_TYPE_FORM,
	RULE_TYPE_STAGE,
	RULE_TYPE_MASS,
	RULE_TYPE_ASSAY
} RuleType;

typedef struct RuleColumn
{
	const char *keyword;		/* trigger argument */
	const char *name;			/* column in a registry's own table */
	RuleType	type;
	bool		required;		/* others read as null where the table lacks them */
} RuleColumn;

/* A rule: what is raised where it is broken, about which column, and what to do then. */
typedef struct RuleInfo
{
	int			sqlstate;
	int			column;
	const char *hint;
} RuleInfo;

/* One rule set's columns; "others" are further keywords it takes, NULL-ended. */
typedef struct RuleSpec
{
	const char *function;		/* name of the trigger function */
	const char *rule_prefix;	/* "RTL" or "RTQ": how its rules' SQLSTATEs begin */
	const RuleColumn *columns;
	int			ncolumns;
	const char *const *others;
	const RuleInfo *rules;
	int			nrules;
} RuleSpec;

/* A trigger (or a dry run's relation) resolved. */
typedef struct RuleTable
{
	Oid			tgoid;			/* hash key */
	bool		valid;
	Oid			relid;
	Oid			rootid;			/* of the topmost partitioned table, or relid */
	Oid			root_nspid;		/* its schema */
	const RuleSpec *spec;
	Oid			registry;		/* schema */
	bool		record;			/* mode=record */
	AttrNumber	att[RULE_COLUMNS_MAX];	/* 0: the table has no such column */
	AttrNumber	last_att;		/* highest of att and key */
	bool		key_is_named;	/* by the argument "key" */
	Oid			deferrable_key; /* constraint of a primary key that is deferrable; 0: it is not */
	int			nkeys;
	AttrNumber	key[RULE_KEY_MAX];	/* names a row in messages and violations */
	FmgrInfo	key_output[RULE_KEY_MAX];
	bool		key_is_text;	/* one column of type text */
	bool		key_depends;	/* its text depends on settings of the session */
	struct RowJson *json;		/* made on first use by the journal */
	char	   *root;			/* "schema.table" of rootid */
	char	   *other[4];		/* values of spec->others, NULL where not given */
} RuleTable;

/*
 * Resolves the trigger that fires.  Raises 42703 or 42804 with the columns there
 * are, and 22023 for an argument that is not known.
 */
extern RuleTable *rt_rule_table(TriggerData *trigdata, const RuleSpec *spec);

/* The same without cache, for arguments 'key=value' of any table. */
extern void rt_rule_table_fill(RuleTable *t, Relation rel, const RuleSpec *spec, int nargs, char **args);

/*
 * Keeps the names by which the table's rows are recorded until the transaction
 * ends.  Waiting for it may show that they are others already: of a cached
 * RuleTable "valid" is false then, another one is to be filled again.
 */
extern void rt_rule_table_lock_names(const RuleTable *t);

/* The same for a query's result; registry, relid and root are left alone. */
extern void rt_rule_table_fill_query(RuleTable *t, TupleDesc desc, const RuleSpec *spec, int nargs, char **args);

/*
 * The key of the row in the slot, palloc'd; "?" if the table has no key.  Several
 * columns are joined by '|', a '|' or '\' within one has a '\' before it, and
 * null is '\N', so that no two keys read the same.
 */
extern char *rt_rule_row_key(const RuleTable *t, TupleTableSlot *slot);

/*
 * Protocol: AFTER STATEMENT with the transition tables its event needs; raises
 * 39P01 otherwise.  TRUNCATE is refused with the given state, since it shows its
 * rows to nobody: what they drew could not be given back.
 */
extern void rt_check_rule_trigger(FunctionCallInfo fcinfo, const char *function, int truncate_sqlstate);

#endif							/* RT_RULES_RULE_COLUMNS_H */
