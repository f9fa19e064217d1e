/*
 * rules/watched_ddl.c
 *		What a DDL command, as its parse tree says, may do to tables that rules or
 *		journal watch.
 */
#include "rules/watched_ddl.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static bool
has_our_triggers(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result = HeapTupleIsValid(tuple) && ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;
	Oid			nspid = get_namespace_oid("retrack", true);
	Relation	triggers;
	SysScanDesc scan;
	ScanKeyData key;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (!result)
		return false;
	result = false;
	triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = get_func_namespace(((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid) == nspid;
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return result;
}

bool
rt_ddl_concerns(const RangeVar *table)
{
	Oid			relid = RangeVarGetRelid(table, NoLock, true);
	List	   *tree;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return false;
	tree = find_all_inheritors(relid, NoLock, NULL);
	if (get_rel_relispartition(relid))
		tree = list_concat(tree, get_partition_ancestors(relid));
	foreach(lc, tree)
	{
		if (has_our_triggers(lfirst_oid(lc)))
			return true;
	}
	return false;
}

static bool
is_composite_type(const RangeVar *relation)
{
	Oid			relid = RangeVarGetRelid(relation, NoLock, true);

	return OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE;
}

/* The name of the table, or of the table whose trigger it is, as the command names it. */
static RangeVar *
dropped_table(const DropStmt *drop, List *name)
{
	if (drop->removeType == OBJECT_TRIGGER)
		name = list_truncate(list_copy(name), list_length(name) - 1);
	return makeRangeVarFromNameList(name);
}

/* What else is dropped has columns or tables dropped with it by CASCADE only. */
static bool
drop_matters(const DropStmt *drop)
{
	ListCell   *lc;

	if (drop->removeType != OBJECT_TABLE && drop->removeType != OBJECT_TRIGGER)
		return drop->behavior == DROP_CASCADE;
	foreach(lc, drop->objects)
	{
		if (rt_ddl_concerns(dropped_table(drop, lfirst_node(List, lc))))
			return true;
	}
	return false;
}

bool
rt_ddl_alters(Node *command, const AlterTableType *types, int ntypes)
{
	ListCell   *lc;

	if (!IsA(command, AlterTableStmt))
		return false;
	foreach(lc, ((AlterTableStmt *) command)->cmds)
	{
		for (int i = 0; i < ntypes; i++)
		{
			if (lfirst_node(AlterTableCmd, lc)->subtype == types[i])
				return true;
		}
	}
	return false;
}

/* Whether a rewriting command says what the values become: USING, or a generated column's new expression. */
static bool
computes(const AlterTableCmd *cmd)
{
	return cmd->subtype != AT_AlterColumnType || castNode(ColumnDef, cmd->def)->raw_default != NULL;
}

char *
rt_ddl_computed_columns(Node *command)
{
	static const AlterTableType types[] = {RT_REWRITING_COMMANDS};
	StringInfoData names;
	ListCell   *lc;

	if (!rt_ddl_alters(command, types, lengthof(types)))
		return NULL;
	initStringInfo(&names);
	foreach(lc, ((AlterTableStmt *) command)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		for (int i = 0; i < lengthof(types); i++)
		{
			if (cmd->subtype == types[i] && computes(cmd))
				appendStringInfo(&names, "%s%s", names.len > 0 ? "." : "", quote_identifier(cmd->name));
		}
	}
	return names.len > 0 ? MemoryContextStrdup(TopMemoryContext, names.data) : NULL;
}

const RangeVar *
rt_ddl_grown_table(Node *command)
{
	static const AlterTableType types[] = {AT_AttachPartition};

	if (IsA(command, CreateStmt) && ((CreateStmt *) command)->partbound != NULL)
		return linitial_node(RangeVar, ((CreateStmt *) command)->inhRelations);
	return rt_ddl_alters(command, types, lengthof(types)) ? ((AlterTableStmt *) command)->relation : NULL;
}

/* Whether something other than the table itself, such as a column of another one, is of its rows' type. */
static bool
row_type_is_used(const RangeVar *table)
{
	Oid			relid = RangeVarGetRelid(table, NoLock, true);
	Oid			row_type = OidIsValid(relid) ? get_rel_type_id(relid) : InvalidOid;
	Oid			types[] = {row_type, OidIsValid(row_type) ? get_array_type(row_type) : InvalidOid};
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	bool		result = false;

	for (int i = 0; i < lengthof(types) && OidIsValid(types[i]); i++)
	{
		ScanKeyData key[2];
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(TypeRelationId));
		ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(types[i]));
		scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
		while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
			result = ((Form_pg_depend) GETSTRUCT(tuple))->deptype != DEPENDENCY_INTERNAL;
		systable_endscan(scan);
	}
	table_close(depend, AccessShareLock);
	return result;
}

/* Whether columns of journalled tables may be of a type whose attribute the command renames. */
static bool
renames_attribute(Node *command)
{
	RenameStmt *rename = (RenameStmt *) command;

	return IsA(command, RenameStmt) && rename->relation != NULL &&
		(rename->renameType == OBJECT_ATTRIBUTE || rename->renameType == OBJECT_COLUMN) && row_type_is_used(rename->relation);
}

Oid
rt_ddl_altered_table(Node *command)
{
	const RangeVar *table = NULL;

	switch (nodeTag(command))
	{
		case T_AlterTableStmt:
			table = ((AlterTableStmt *) command)->relation;
			break;
		case T_RenameStmt:
			table = ((RenameStmt *) command)->relation;
			break;
		case T_AlterObjectSchemaStmt:
			table = ((AlterObjectSchemaStmt *) command)->relation;
			break;
		case T_CreateTrigStmt:
			table = ((CreateTrigStmt *) command)->relation;
			break;
		case T_CreateStmt:
			table = rt_ddl_grown_table(command);
			break;
		default:
			break;
	}
	if (table == NULL || renames_attribute(command) || is_composite_type(table))	/* tables can be of the type */
		return InvalidOid;
	return RangeVarGetRelid(table, NoLock, true);
}

/* Triggers of others say nothing of how a table's rows are known. */
static bool
trigger_matters(const CreateTrigStmt *trigger)
{
	static const char *const ours[] = {"enforce_licence", "enforce_quota", "journal_changes"};

	for (int i = 0; i < lengthof(ours); i++)
	{
		if (strcmp(strVal(llast(trigger->funcname)), ours[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Whether the command has parts that switch triggers on or off.  Of superusers, who can do
 * without triggers otherwise, too, DISABLE TRIGGER ALL is left out: pg_restore loads data
 * so, and the journal is to be what it was.
 */
static bool
has_switches(Node *command)
{
	static const AlterTableType types[] = {
		AT_EnableTrig, AT_EnableAlwaysTrig, AT_EnableReplicaTrig, AT_EnableTrigAll, AT_EnableTrigUser,
		AT_DisableTrig, AT_DisableTrigUser, AT_DisableTrigAll
	};

	return rt_ddl_alters(command, types, lengthof(types) - (superuser() ? 1 : 0));
}

bool
rt_ddl_switches_triggers(Node *command)
{
	if (IsA(command, DropStmt))
		return ((DropStmt *) command)->removeType == OBJECT_TRIGGER;
	return has_switches(command) && list_length(((AlterTableStmt *) command)->cmds) == 1;
}

/* Whether it changes columns, partitions or triggers of a watched table: of typed tables by CASCADE only. */
static bool
alter_matters(AlterTableStmt *alter)
{
	static const AlterTableType types[] = {
		AT_AttachPartition, AT_DetachPartition, AT_DetachPartitionFinalize,
		AT_AddConstraint, AT_DropConstraint, AT_AddColumn, AT_DropColumn, RT_REWRITING_COMMANDS
	};
	bool		is_type = is_composite_type(alter->relation);
	ListCell   *lc;

	if (!rt_ddl_alters((Node *) alter, types, lengthof(types)) && !has_switches((Node *) alter))
		return false;
	if (!is_type && rt_ddl_concerns(alter->relation))
		return true;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (is_type && cmd->behavior == DROP_CASCADE)
			return true;
		if ((cmd->subtype == AT_AttachPartition || cmd->subtype == AT_DetachPartition) &&
			rt_ddl_concerns(castNode(PartitionCmd, cmd->def)->name))
			return true;
	}
	return false;
}

static bool
rename_matters(const RenameStmt *rename)
{
	if (rename->relation == NULL)
		return rename->renameType == OBJECT_SCHEMA;
	if (renames_attribute((Node *) rename))
		return true;
	return is_composite_type(rename->relation) ? rename->behavior == DROP_CASCADE : rt_ddl_concerns(rename->relation);
}

bool
rt_ddl_matters(Node *command)
{
	switch (nodeTag(command))
	{
		case T_DropStmt:
			return drop_matters((DropStmt *) command);
		case T_CreateStmt:
			return rt_ddl_grown_table(command) != NULL && rt_ddl_concerns(rt_ddl_grown_table(command));
		case T_CreateTrigStmt:
			return trigger_matters((CreateTrigStmt *) command);
		case T_RenameStmt:
			return rename_matters((RenameStmt *) command);
		case T_AlterObjectSchemaStmt:
			if (((AlterObjectSchemaStmt *) command)->relation != NULL)
				return rt_ddl_concerns(((AlterObjectSchemaStmt *) command)->relation);
			return ((AlterObjectSchemaStmt *) command)->objectType == OBJECT_EXTENSION;
		case T_AlterTableStmt:
			return alter_matters((AlterTableStmt *) command);
		case T_AlterEnumStmt:
		case T_AlterTypeStmt:
		case T_AlterOwnerStmt:
		case T_AlterTableMoveAllStmt:
			return false;
		default:
			return true;
	}
}

bool
rt_ddl_detaches_concurrently(Node *command)
{
	ListCell   *lc;

	if (!IsA(command, AlterTableStmt))
		return false;
	foreach(lc, ((AlterTableStmt *) command)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_DetachPartition && castNode(PartitionCmd, cmd->def)->concurrent)
			return true;
	}
	return false;
}

LOCKMODE
rt_ddl_lock(Node *command, const RangeVar **table)
{
	switch (nodeTag(command))
	{
		case T_AlterTableStmt:
			*table = ((AlterTableStmt *) command)->relation;
			return AlterTableGetLockLevel(((AlterTableStmt *) command)->cmds);
		case T_RenameStmt:
			*table = ((RenameStmt *) command)->relation;
			break;
		case T_AlterObjectSchemaStmt:
			*table = ((AlterObjectSchemaStmt *) command)->relation;
			break;
		case T_CreateTrigStmt:
			*table = ((CreateTrigStmt *) command)->relation;
			return ShareRowExclusiveLock;
		default:
			return NoLock;
	}
	return *table != NULL ? AccessExclusiveLock : NoLock;
}

bool
rt_ddl_changes_table_name(Node *command)
{
	return IsA(command, AlterObjectSchemaStmt) || (IsA(command, RenameStmt) && ((RenameStmt *) command)->subname == NULL);
}

char *
rt_ddl_altered_tables(Node *command)
{
	StringInfoData buf;
	Oid			altered = rt_ddl_altered_table(command);
	ListCell   *lc;

	if (OidIsValid(altered))
		return psprintf("{%u}", altered);
	if (!IsA(command, DropStmt) ||
		(((DropStmt *) command)->removeType != OBJECT_TABLE && ((DropStmt *) command)->removeType != OBJECT_TRIGGER))
		return NULL;
	initStringInfo(&buf);
	foreach(lc, ((DropStmt *) command)->objects)
		appendStringInfo(&buf, "%c%u", buf.len == 0 ? '{' : ',',
						 RangeVarGetRelid(dropped_table((DropStmt *) command, lfirst_node(List, lc)), NoLock, true));
	appendStringInfoChar(&buf, '}');
	return buf.data;
}
