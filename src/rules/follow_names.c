/*
 * rules/follow_names.c
 *		follow_names(): event trigger that keeps recorded rows known when DDL gives
 *		their table another name, or another table above it.
 *
 * An open violation names its row by table and key.  What the tables were called
 * when the command began is kept here, out of anybody's reach, until it ends.
 */
#include "retrack.h"

#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "rules/violations.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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

static void
note_sources(void)
{
	bool		isnull;
	Datum		value;

	forget_sources();
	SPI_connect();
	if (SPI_execute("SELECT retrack.noted_sources()::pg_catalog.text", false, 1) != SPI_OK_SELECT)
		elog(ERROR, "noting sources failed");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
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
follow_sources(void)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	SPITupleTable *rows;

	if (noted == NULL)
		return;
	values[0] = CStringGetTextDatum(noted);
	SPI_connect();
	if (SPI_execute_with_args("SELECT * FROM retrack.moved_sources($1::pg_catalog.jsonb)", 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "following sources failed");
	rows = SPI_tuptable;
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
		follow_source(rows, i);
	SPI_finish();
}

Datum
follow_names(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigdata = (EventTriggerData *) fcinfo->context;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("follow_names must be called as an event trigger")));
	if (strcmp(trigdata->event, "ddl_command_start") == 0)
		note_sources();
	else if (strcmp(trigdata->event, "ddl_command_end") == 0)
		follow_sources();
	PG_RETURN_NULL();
}
