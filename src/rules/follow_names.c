/*
 * rules/follow_names.c
 *		follow_names(): event trigger that keeps recorded rows known when DDL gives
 *		their table another name, or another table above it.
 *
 * An open violation names its row by table and key.  What the tables were called
 * when the command began is kept here, out of anybody's reach, until it ends.
 */
#include "retrack.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rules/violations.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(follow_names);

/* retrack.noted_sources() when the latest command began; NULL: nothing to follow. */
static char *noted = NULL;

static void
forget_sources(void)
{
	if (noted != NULL)
		pfree(noted);
	noted = NULL;
}

/*
 * Both queries run with the rights of the extension's owner: whoever alters a table
 * of its own need not be let into schema retrack.
 */
static SPITupleTable *
query_as_owner(Oid owner, const char *query, const char *argument)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {argument != NULL ? CStringGetTextDatum(argument) : (Datum) 0};
	Oid			userid;
	int			context;

	GetUserIdAndSecContext(&userid, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_execute_with_args(query, argument != NULL ? 1 : 0, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "query of follow_names failed: %s", query);
	SetUserIdAndSecContext(userid, context);
	return SPI_tuptable;
}

static void
note_sources(Oid owner)
{
	SPITupleTable *rows;
	bool		isnull;
	Datum		value;

	forget_sources();
	SPI_connect();
	rows = query_as_owner(owner, "SELECT retrack.noted_sources()::pg_catalog.text", NULL);
	value = SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &isnull);
	if (!isnull)
		noted = MemoryContextStrdup(TopMemoryContext, TextDatumGetCString(value));
	SPI_finish();
}

/* Text of a column of a row of the result; NULL: null. */
static char *
get_text(SPITupleTable *rows, uint64 row, int column)
{
	return SPI_getvalue(rows->vals[row], rows->tupdesc, column);
}

static void
follow_source(SPITupleTable *rows, uint64 i)
{
	bool		isnull;
	Books	   *b = rt_books(DatumGetObjectId(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull)));
	char	   *rules = get_text(rows, i, 3);
	char	   *old_name = get_text(rows, i, 4);

	if (!DatumGetBool(SPI_getbinval(rows->vals[i], rows->tupdesc, 6, &isnull)))
		rt_violations_move(b, rules, old_name, get_text(rows, i, 5), get_text(rows, i, 7));
	else if (rt_violations_exist(b, rules, old_name))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("key of table \"%s\" cannot change while it has recorded violations", get_text(rows, i, 2)),
				 errdetail("A recorded row drew nothing, and is known by its key."),
				 errhint("Name the columns that are the key by the trigger argument 'key=...', or correct or delete the recorded rows first.")));
}

static void
follow_sources(Oid owner)
{
	SPITupleTable *rows;

	if (noted == NULL)
		return;
	SPI_connect();
	rows = query_as_owner(owner, "SELECT * FROM retrack.moved_sources($1::pg_catalog.jsonb)", noted);
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
		follow_source(rows, i);
	SPI_finish();
}

static Oid
function_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

Datum
follow_names(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigdata = (EventTriggerData *) fcinfo->context;
	Oid			owner;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("follow_names must be called as an event trigger")));
	owner = function_owner(fcinfo->flinfo->fn_oid);
	if (strcmp(trigdata->event, "ddl_command_start") == 0)
		note_sources(owner);
	else if (strcmp(trigdata->event, "ddl_command_end") == 0)
		follow_sources(owner);
	PG_RETURN_NULL();
}
