/*
 * rules/violations.c
 *		Collects what a statement broke, and raises or records it.
 */
#include "rules/violations.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(rules_at_work);

#define RECORD_CHUNK 1000

static bool at_work = false;

/* The last statement of which rows were recorded by their own table's trigger. */
static struct
{
	Oid			rootid;
	const RuleSpec *spec;
	FullTransactionId xid;
	CommandId	began;			/* its snapshot's */
}			recorded;

/* Whether it is the rules that are changing the violation table. */
Datum
rules_at_work(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(at_work);
}

/* Runs a change of the violation table, which others may not make. */
static void
change_violations(Books *b, BooksPlan plan, const char *query, int nargs, Oid *types, Datum *values)
{
	at_work = true;
	PG_TRY();
	{
		rt_books_execute(b, plan, query, nargs, types, values, NULL);
	}
	PG_FINALLY();
	{
		at_work = false;
	}
	PG_END_TRY();
}

void
rt_violations_begin(Violations *v, const RuleTable *table)
{
	MemSet(v, 0, sizeof(Violations));
	v->table = table;
	v->cxt = CurrentMemoryContext;
}

static void
add_pending(Violations *v, Books *b, int sqlstate, const char *row_key, Word party, const char *message)
{
	int			i = v->npending;
	MemoryContext caller;

	if (v->chunk_cxt == NULL)
		v->chunk_cxt = AllocSetContextCreate(v->cxt, "retrack violations", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(v->chunk_cxt);
	if (i == 0)
	{
		for (int j = 0; j < 4; j++)
			v->pending[j] = palloc(sizeof(Datum) * RECORD_CHUNK);
		v->pending_null = palloc0(sizeof(bool) * RECORD_CHUNK);
	}
	v->pending[0][i] = CStringGetTextDatum(unpack_sql_state(sqlstate));
	v->pending[1][i] = CStringGetTextDatum(row_key);
	v->pending_null[i] = party.len < 0;
	v->pending[2][i] = party.len < 0 ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(party.p, party.len));
	v->pending[3][i] = CStringGetTextDatum(message);
	MemoryContextSwitchTo(caller);
	if (++v->npending == RECORD_CHUNK)
		rt_violations_record(v, b);
}

void
rt_violations_add(Violations *v, Books *b, int sqlstate, const char *row_key, Word party,
				  const char *message, AttrNumber column)
{
	MemoryContext caller;

	if (v->sink != NULL)
	{
		v->count++;
		v->sink(v->sink_arg, sqlstate, row_key, party, message, column);
		return;
	}
	caller = MemoryContextSwitchTo(v->cxt);
	if (v->count++ == 0)
	{
		v->sqlstate = sqlstate;
		v->first = pstrdup(message);
		v->column = column;
	}
	else if (v->sqlstate != sqlstate)
	{
		v->sqlstate = ERRCODE_RT_SEVERAL;
		v->column = InvalidAttrNumber;
	}
	if (v->nshown < VIOLATIONS_SHOWN)
		v->shown[v->nshown++] = psprintf("%s row %s: %s.", unpack_sql_state(sqlstate), row_key, message);
	MemoryContextSwitchTo(caller);
	if (v->table->record)
		add_pending(v, b, sqlstate, row_key, party, message);
}

char *
rt_violations_detail(const Violations *v)
{
	StringInfoData detail;

	initStringInfo(&detail);
	for (int i = 0; i < v->nshown; i++)
		appendStringInfo(&detail, "%s%s", i > 0 ? "\n" : "", v->shown[i]);
	if (v->count > v->nshown)
		appendStringInfo(&detail, "\n" UINT64_FORMAT " more.", v->count - v->nshown);
	return detail.data;
}

/* What to do about what was broken; NULL: nothing to say. */
static const char *
find_hint(const Violations *v)
{
	const RuleSpec *spec = v->table->spec;

	if (v->sqlstate == ERRCODE_RT_SEVERAL)
		return "The SQLSTATE before each line names its rule.";
	for (int i = 0; i < spec->nrules; i++)
	{
		if (spec->rules[i].sqlstate == v->sqlstate)
			return spec->rules[i].hint;
	}
	return NULL;
}

void
rt_violations_raise(Violations *v, Relation rel)
{
	const char *hint;

	if (v->count == 0)
		return;
	hint = find_hint(v);
	ereport(ERROR,
			(errcode(v->sqlstate),
			 v->count == 1 ? errmsg("%s", v->first) :
			 errmsg("%s, and " UINT64_FORMAT " more violation%s", v->first, v->count - 1, v->count == 2 ? "" : "s"),
			 errdetail("%s", rt_violations_detail(v)),
			 hint != NULL ? errhint("%s", hint) : 0,
			 v->column != InvalidAttrNumber ? errtablecol(rel, v->column) : errtable(rel)));
}

static Datum
text_array(Datum *elements, bool *nulls, int n)
{
	int			dims[1] = {n};
	int			bounds[1] = {1};

	return PointerGetDatum(construct_md_array(elements, nulls, 1, dims, bounds, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
note_recorded(const RuleTable *table)
{
	recorded.rootid = table->rootid;
	recorded.spec = table->spec;
	recorded.xid = GetTopFullTransactionId();
	recorded.began = GetActiveSnapshot()->curcid;
}

bool
rt_violations_recorded_by_statement(const RuleTable *table)
{
	return recorded.rootid == table->rootid && recorded.spec == table->spec &&
		recorded.began == GetActiveSnapshot()->curcid && FullTransactionIdEquals(recorded.xid, GetTopFullTransactionIdIfAny());
}

/* Expects its violations in v->chunk_cxt, which it empties. */
void
rt_violations_record(Violations *v, Books *b)
{
	Oid			types[5] = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID};
	Datum		values[5];

	if (v->npending == 0)
		return;
	SPI_connect();
	for (int i = 0; i < 4; i++)
		values[i] = text_array(v->pending[i], i == 2 ? v->pending_null : NULL, v->npending);
	values[4] = CStringGetTextDatum(v->table->root);
	change_violations(b, PLAN_RECORD_VIOLATIONS,
					  "INSERT INTO %1$s.violation (rule, relation, row_key, party_id, message)"
					  " SELECT r, $5, k, p, m FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2),"
					  "  pg_catalog.unnest($3), pg_catalog.unnest($4)) WITH ORDINALITY u (r, k, p, m, i)"
					  " ORDER BY i",
					  5, types, values);
	SPI_finish();
	if (OidIsValid(v->table->tgoid))
		note_recorded(v->table);
	v->npending = 0;
	MemoryContextReset(v->chunk_cxt);
}

/* Runs a query that is not worth keeping, on the table "name"; the caller is connected to SPI. */
static uint64
query_table(Books *b, const char *query, const char *rules, const char *name, const char *new_name)
{
	Oid			types[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3];
	OwnerRights saved;
	int			outcome;

	values[0] = CStringGetTextDatum(name);
	values[1] = CStringGetTextDatum(rules);
	if (new_name != NULL)
		values[2] = CStringGetTextDatum(new_name);
	rt_become_owner(b, &saved);
	outcome = SPI_execute_with_args(query, new_name != NULL ? 3 : 2, types, values, NULL, false, 0);
	rt_become_oneself(&saved);
	if (outcome < 0)
		elog(ERROR, "query on violations failed: %s", SPI_result_code_string(outcome));
	return SPI_processed;
}

/* Resolves the violations that a function of the registry gives by their ids; returns whether there were any. */
static bool
resolve_found(Books *b, BooksPlan plan, const char *query)
{
	Oid			types[1] = {NAMEOID};
	Datum		values[1];

	values[0] = DirectFunctionCall1(namein, CStringGetDatum(get_namespace_name(b->nspid)));
	change_violations(b, plan, query, 1, types, values);
	return SPI_processed > 0;
}

void
rt_violations_resolve_lost(Books *b)
{
	(void) resolve_found(b, PLAN_RESOLVE_LOST,
						 "UPDATE %1$s.violation v SET resolved_at = pg_catalog.now()"
						 " WHERE v.violation_id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT retrack.lost_violations($1)))");
}

bool
rt_violations_resolve_settled(Books *b)
{
	return resolve_found(b, PLAN_RESOLVE_SETTLED,
						 "UPDATE %1$s.violation v SET resolved_at = pg_catalog.now()"
						 " WHERE v.violation_id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT retrack.settled_violations($1)))");
}

#define OF_TABLE \
	" v.relation OPERATOR(pg_catalog.=) $1 AND v.resolved_at IS NULL" \
	" AND pg_catalog.starts_with(v.rule, $2)"

/* Runs a query on the table's open violations; $3 are the keys, if any. */
static void
query_open(const RuleTable *table, Books *b, BooksPlan plan, const char *query, Datum *keys, int n)
{
	Oid			types[3] = {TEXTOID, TEXTOID, TEXTARRAYOID};
	Datum		values[3];

	values[0] = CStringGetTextDatum(table->root);
	values[1] = CStringGetTextDatum(table->spec->rule_prefix);
	if (keys != NULL)
		values[2] = text_array(keys, NULL, n);
	if (plan == PLAN_RESOLVE_VIOLATIONS)
		change_violations(b, plan, query, 3, types, values);
	else
		rt_books_execute(b, plan, query, keys != NULL ? 3 : 2, types, values, NULL);
}

bool
rt_violations_any_open(const RuleTable *table, Books *b)
{
	bool		any;

	SPI_connect();
	query_open(table, b, PLAN_ANY_OPEN, "SELECT FROM %1$s.violation v WHERE" OF_TABLE " LIMIT 1", NULL, 0);
	any = SPI_processed > 0;
	SPI_finish();
	return any;
}

bool *
rt_violations_open(const RuleTable *table, Books *b, Datum *keys, int n)
{
	bool	   *open = palloc0(sizeof(bool) * (n + 1));
	bool		isnull;

	SPI_connect();
	query_open(table, b, PLAN_OPEN_VIOLATIONS,
			   "SELECT i FROM pg_catalog.unnest($3) WITH ORDINALITY u (k, i) WHERE EXISTS (SELECT 1"
			   " FROM %1$s.violation v WHERE v.row_key OPERATOR(pg_catalog.=) k AND" OF_TABLE ")", keys, n);
	for (uint64 i = 0; i < SPI_processed; i++)
		open[DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)) - 1] = true;
	SPI_finish();
	return open;
}

void
rt_violations_resolve(const RuleTable *table, Books *b, Datum *keys, int n)
{
	SPI_connect();
	query_open(table, b, PLAN_RESOLVE_VIOLATIONS,
			   "UPDATE %1$s.violation v SET resolved_at = pg_catalog.now()"
			   " WHERE v.row_key OPERATOR(pg_catalog.=) ANY ($3) AND" OF_TABLE, keys, n);
	SPI_finish();
}

/* A policy of the table that hides rows of row_keys from the owner is an error. */
void
rt_violations_move(Books *b, const char *rules, const char *old_name, const char *new_name, const char *row_keys)
{
	int			nest;
	char	   *query = psprintf("UPDATE %s.violation v SET relation = $3 WHERE" OF_TABLE, b->nspname);

	if (row_keys != NULL)
		query = psprintf("%s AND v.row_key IN (%s)", query, row_keys);
	nest = NewGUCNestLevel();
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	at_work = true;
	PG_TRY();
	{
		query_table(b, query, rules, old_name, new_name);
	}
	PG_FINALLY();
	{
		at_work = false;
	}
	PG_END_TRY();
	AtEOXact_GUC(true, nest);
}

bool
rt_violations_exist(Books *b, const char *rules, const char *name)
{
	return query_table(b, psprintf("SELECT FROM %s.violation v WHERE" OF_TABLE " LIMIT 1", b->nspname),
					   rules, name, NULL) > 0;
}
