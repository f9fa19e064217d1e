/*
 * rules/follow_names.c
 *		note_names(), follow_names(): event triggers that keep recorded and journalled
 *		rows known when DDL gives their table another name, other columns or another
 *		table above it, and new partitions watched.
 *
 * An open violation names its row by table and key.  What the tables were called
 * when the command began is kept here, out of anybody's reach, until it ends.
 */
#include "retrack.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rules/violations.h"
#include "rules/watched_ddl.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(note_names);
PG_FUNCTION_INFO_V1(follow_names);

/* What a command found when it began; commands nest, through others' event triggers. */
typedef struct Note
{
	struct Note *outer;
	int			level;			/* of subtransactions: is dropped with one that aborts */
	char	   *sources;		/* retrack.noted_sources(); NULL: nothing to follow */
	char	   *journalled;		/* retrack.noted_journalled(); NULL: nothing to follow */
	char	   *computed;		/* columns whose values it computes anew, as "a.b"; NULL: none */
	Oid			parent;			/* table that gets a partition; 0: none */
} Note;

#define QUERY_ARGUMENTS 4

static Note *notes = NULL;
static bool notes_are_watched = false;

static void
drop_note(void)
{
	Note	   *note = notes;
	char	   *texts[] = {note->sources, note->journalled, note->computed};

	notes = note->outer;
	for (int i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] != NULL)
			pfree(texts[i]);
	}
	pfree(note);
}

/* A command that fails leaves its note behind.  One that commits in its midst needs it still. */
static void
drop_notes_at_abort(XactEvent event, void *arg)
{
	while (notes != NULL && event == XACT_EVENT_ABORT)
		drop_note();
}

static void
drop_notes_of_subtransaction(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	while (notes != NULL && event == SUBXACT_EVENT_ABORT_SUB && notes->level >= GetCurrentTransactionNestLevel())
		drop_note();
}

static Note *
add_note(void)
{
	Note	   *note = MemoryContextAllocZero(TopMemoryContext, sizeof(Note));

	if (!notes_are_watched)
	{
		RegisterXactCallback(drop_notes_at_abort, NULL);
		RegisterSubXactCallback(drop_notes_of_subtransaction, NULL);
		notes_are_watched = true;
	}
	note->level = GetCurrentTransactionNestLevel();
	note->outer = notes;
	notes = note;
	return note;
}

/* Runs a query with somebody's rights; its arguments are texts, or NULL. */
static SPITupleTable *
query_as(Oid user, const char *query, int n, const char *const *arguments)
{
	Oid			types[QUERY_ARGUMENTS];
	Datum		values[QUERY_ARGUMENTS];
	char		nulls[QUERY_ARGUMENTS];
	Oid			userid;
	int			context;

	for (int i = 0; i < n; i++)
	{
		types[i] = TEXTOID;
		values[i] = arguments[i] != NULL ? CStringGetTextDatum(arguments[i]) : (Datum) 0;
		nulls[i] = arguments[i] != NULL ? ' ' : 'n';
	}
	GetUserIdAndSecContext(&userid, &context);
	SetUserIdAndSecContext(user, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	if (SPI_execute_with_args(query, n, types, values, nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "query of follow_names failed: %s", query);
	SetUserIdAndSecContext(userid, context);
	return SPI_tuptable;
}

/*
 * The queries run with the rights of the extension's owner: whoever alters a table
 * of its own need not be let into schema retrack.
 */
static SPITupleTable *
query_as_owner(Oid owner, const char *query, const char *argument)
{
	return query_as(owner, query, 1, &argument);
}

/*
 * A session with an older snapshot that waits for such a command's lock writes to
 * the partition through the table it no longer belongs to, and would know its
 * recorded rows by that table's name.
 */
static void
refuse_concurrent_detach(Oid owner, AlterTableStmt *command)
{
	Oid			relid = RangeVarGetRelid(command->relation, NoLock, true);
	SPITupleTable *rows;
	bool		isnull,
				records;

	if (!OidIsValid(relid))
		return;
	SPI_connect();
	rows = query_as_owner(owner, "SELECT retrack.records_rows($1::pg_catalog.oid)", psprintf("%u", relid));
	records = DatumGetBool(SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &isnull));
	SPI_finish();
	if (records && !isnull)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("partitions of table \"%s\" cannot be detached concurrently", command->relation->relname),
				 errdetail("With mode=record, sessions that still see the partition there would record its rows under the wrong table."),
				 errhint("Use DETACH PARTITION without CONCURRENTLY.")));
}

static bool
is_watched(Oid owner, const RangeVar *table)
{
	Oid			relid = RangeVarGetRelid(table, NoLock, true);
	SPITupleTable *rows;
	bool		isnull,
				watched;

	if (!OidIsValid(relid))
		return false;
	SPI_connect();
	rows = query_as_owner(owner, "SELECT retrack.is_watched($1::pg_catalog.oid)", psprintf("%u", relid));
	watched = DatumGetBool(SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &isnull));
	SPI_finish();
	return watched && !isnull;
}

static void
refuse_inheritance_of(Oid owner, const RangeVar *table)
{
	if (is_watched(owner, table))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\", which rules watch, cannot take part in inheritance", table->relname),
				 errdetail("Rows changed through a table above it would not be booked."),
				 errhint("Use partitions instead of inheritance.")));
}

/* A statement on a table above fires the triggers of that one only. */
static void
refuse_inheritance(Oid owner, Node *command)
{
	ListCell   *lc;

	if (!IsA(command, AlterTableStmt))
		return;
	foreach(lc, ((AlterTableStmt *) command)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype != AT_AddInherit)
			continue;
		refuse_inheritance_of(owner, ((AlterTableStmt *) command)->relation);
		refuse_inheritance_of(owner, castNode(RangeVar, cmd->def));
	}
}

/* Rows of a partition that a crash empties are booked through the table above it. */
static void
refuse_unlogged(Oid owner, Node *command)
{
	static const AlterTableType types[] = {AT_SetUnLogged};

	if (rt_ddl_alters(command, types, lengthof(types)) && is_watched(owner, ((AlterTableStmt *) command)->relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\", which rules watch, cannot be unlogged", ((AlterTableStmt *) command)->relation->relname),
				 errdetail("Its rows can vanish without being given back.")));
}

/* Entries are written under the names of their time: nobody who writes one may go on while a name of the table changes. */
static void
lock_journalled_tables(Oid owner, Oid nspid)
{
	SPITupleTable *rows;
	bool		isnull;

	SPI_connect();
	rows = query_as_owner(owner, "SELECT retrack.journalled_in($1::pg_catalog.oid)", psprintf("%u", nspid));
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
		LockRelationOid(DatumGetObjectId(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull)), ShareLock);
	SPI_finish();
}

/*
 * A schema's name can change under the statements that use its tables, unlike a
 * table's.  Those that record rows by it hold a lock that this one waits for, and so
 * do those that journal rows, on their tables: these first, as they are taken there.
 */
static void
lock_renamed_schema(Oid owner, Node *command)
{
	RenameStmt *rename = (RenameStmt *) command;
	Oid			nspid;

	if (!IsA(command, RenameStmt) || rename->renameType != OBJECT_SCHEMA)
		return;
	nspid = get_namespace_oid(rename->subname, true);
	if (!OidIsValid(nspid) || !rt_owns_schema(nspid, GetUserId()))
		return;
	lock_journalled_tables(owner, nspid);
	LockDatabaseObject(NamespaceRelationId, nspid, 0, AccessExclusiveLock);
}

/*
 * What is noted of a watched table must be what the command finds, and not what it was
 * before another's that this one waits for.  Rows that are written to a partition
 * directly are journalled under the name of the table above, which is not locked then.
 */
static void
lock_altered_table(Node *command)
{
	const RangeVar *table;
	LOCKMODE	lock = rt_ddl_lock(command, &table);
	Oid			relid;

	if (lock == NoLock || !rt_ddl_concerns(table))
		return;
	/* triggers are made by others than the owner, too, of whom the server asks their rights once it has the lock */
	relid = RangeVarGetRelidExtended(table, lock, RVR_MISSING_OK,
									 IsA(command, CreateTrigStmt) ? NULL : RangeVarCallbackOwnsRelation, NULL);
	if (OidIsValid(relid) && rt_ddl_changes_table_name(command) && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		(void) find_all_inheritors(relid, ShareLock, NULL);
}

/* Text of a column of a row of the result; NULL: null. */
static char *
get_text(SPITupleTable *rows, uint64 row, int column)
{
	return SPI_getvalue(rows->vals[row], rows->tupdesc, column);
}

static void
note_tables(Note *note, Oid owner, Node *command)
{
	const char *arguments[] = {note->computed, rt_ddl_altered_tables(command)};
	SPITupleTable *rows;
	char	   *sources,
			   *journalled;

	SPI_connect();
	rows = query_as(owner, rt_ddl_switches_triggers(command) ?
					"SELECT NULL, retrack.noted_journalled($2::pg_catalog.oid[])" :
					"SELECT retrack.noted_sources(pg_catalog.parse_ident($1)), retrack.noted_journalled($2::pg_catalog.oid[])",
					2, arguments);
	sources = get_text(rows, 0, 1);
	journalled = get_text(rows, 0, 2);
	if (sources != NULL)
		note->sources = MemoryContextStrdup(TopMemoryContext, sources);
	if (journalled != NULL)
		note->journalled = MemoryContextStrdup(TopMemoryContext, journalled);
	SPI_finish();
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

	if (notes == NULL || notes->sources == NULL)
		return;
	SPI_connect();
	rows = query_as_owner(owner, "SELECT * FROM retrack.moved_sources($1::pg_catalog.jsonb)", notes->sources);
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
		follow_source(rows, i);
	SPI_finish();
}

/* Entries on what became of journalled tables, written with the rights of who owns the journal. */
static void
journal_alterations(Oid owner)
{
	SPITupleTable *rows;
	const char *arguments[2];

	if (notes == NULL || notes->journalled == NULL)
		return;
	arguments[0] = notes->journalled;
	arguments[1] = notes->computed;
	SPI_connect();
	rows = query_as(owner, "SELECT * FROM retrack.journal_alterations($1::pg_catalog.jsonb, pg_catalog.parse_ident($2))", 2, arguments);
	for (uint64 i = 0, n = SPI_processed; i < n; i++)
	{
		const char *entry[] = {get_text(rows, i, 1), get_text(rows, i, 3), get_text(rows, i, 4), get_text(rows, i, 5)};
		bool		isnull;

		query_as(DatumGetObjectId(SPI_getbinval(rows->vals[i], rows->tupdesc, 2, &isnull)),
				 "SELECT retrack.write_alteration($1::pg_catalog.name, $2, $3, $4::pg_catalog.json)", 4, entry);
	}
	SPI_finish();
}

/* A new partition is watched as the table it belongs to: what is written to it directly fires its own triggers only. */
static void
watch_partitions(Oid owner, Oid parent)
{
	SPI_connect();
	query_as_owner(owner, "SELECT retrack.watch_partitions($1::pg_catalog.oid)", psprintf("%u", parent));
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

static EventTriggerData *
check_called_as_event_trigger(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be called as an event trigger", name)));
	return (EventTriggerData *) fcinfo->context;
}

/* Has the search_path of the command, whose table's name it resolves. */
Datum
note_names(PG_FUNCTION_ARGS)
{
	Node	   *command = check_called_as_event_trigger(fcinfo, "note_names")->parsetree;
	Oid			owner = function_owner(fcinfo->flinfo->fn_oid);
	Note	   *note = add_note();

	if (rt_ddl_detaches_concurrently(command))
		refuse_concurrent_detach(owner, castNode(AlterTableStmt, command));
	refuse_inheritance(owner, command);
	refuse_unlogged(owner, command);
	lock_renamed_schema(owner, command);
	lock_altered_table(command);
	if (!rt_ddl_matters(command))
		PG_RETURN_NULL();
	note->computed = rt_ddl_computed_columns(command);
	if (rt_ddl_grown_table(command) != NULL)
		note->parent = rt_ddl_altered_table(command);
	note_tables(note, owner, command);
	PG_RETURN_NULL();
}

Datum
follow_names(PG_FUNCTION_ARGS)
{
	Oid			owner = function_owner(fcinfo->flinfo->fn_oid);
	Oid			parent = InvalidOid;

	check_called_as_event_trigger(fcinfo, "follow_names");
	follow_sources(owner);
	journal_alterations(owner);
	if (notes != NULL)
	{
		parent = notes->parent;
		drop_note();
	}
	if (OidIsValid(parent))
		watch_partitions(owner, parent);
	PG_RETURN_NULL();
}
