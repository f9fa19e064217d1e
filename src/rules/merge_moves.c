/*
 * rules/merge_moves.c
 *		Rows that MERGE moves to another partition.
 *
 * A row that UPDATE moves is in the transition tables of the update.  One that
 * MERGE moves is in those of a delete and an insert, whose triggers fire only if
 * the MERGE has such actions, too: nobody is shown it else.  So they are made to
 * fire; without rows they do nothing.
 */
#include "rules/merge_moves.h"

#ifdef RT_HAS_MERGE

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "access/table.h"
#include "executor/executor.h"
#include "tcop/pquery.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static ExecutorStart_hook_type previous_start = NULL;

/* Statements that began before the library was loaded: those of this transaction up to this command. */
static FullTransactionId unseen_xid;
static CommandId unseen_cid;

static bool
is_watched(TriggerDesc *triggers)
{
	Oid			nspid = get_namespace_oid("retrack", true);

	for (int i = 0; triggers != NULL && OidIsValid(nspid) && i < triggers->numtriggers; i++)
	{
		const Trigger *t = &triggers->triggers[i];

		if ((t->tgoldtable != NULL || t->tgnewtable != NULL) && get_func_namespace(t->tgfoid) == nspid)
			return true;
	}
	return false;
}

static void
show_moves(ModifyTableState *merge)
{
	Relation	rel = merge->rootResultRelInfo->ri_RelationDesc;

	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && (merge->mt_merge_subcommands & MERGE_UPDATE) &&
		is_watched(rel->trigdesc))
		merge->mt_merge_subcommands |= MERGE_INSERT | MERGE_DELETE;
}

/* A command that begins now has not been used by one that began before. */
static void
note_seen(const QueryDesc *query)
{
	if (likely(!FullTransactionIdIsValid(unseen_xid)) || query->snapshot == NULL)
		return;
	if (!FullTransactionIdEquals(unseen_xid, GetTopFullTransactionIdIfAny()) ||
		(query->snapshot->curcid == unseen_cid && unseen_cid == FirstCommandId))
		unseen_xid = InvalidFullTransactionId;
	else if (query->snapshot->curcid == unseen_cid)
		unseen_cid--;
}

static void
start_executor(QueryDesc *query, int flags)
{
	ListCell   *lc;

	note_seen(query);
	if (previous_start != NULL)
		previous_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
	if (query->operation == CMD_MERGE && IsA(query->planstate, ModifyTableState))
		show_moves((ModifyTableState *) query->planstate);
	foreach(lc, query->estate->es_auxmodifytables)
	{
		if (lfirst_node(ModifyTableState, lc)->operation == CMD_MERGE)
			show_moves(lfirst_node(ModifyTableState, lc));
	}
}

void
rt_merge_moves_init(void)
{
	previous_start = ExecutorStart_hook;
	ExecutorStart_hook = start_executor;
	unseen_xid = GetTopFullTransactionIdIfAny();
	if (FullTransactionIdIsValid(unseen_xid))
		unseen_cid = GetCurrentCommandId(false);
}

/* Whether the statement wrote columns that say which partition of the table, or of one below it, a row belongs to. */
static bool
can_move(Relation root, const Bitmapset *updated)
{
	ListCell   *lc;
	bool		result = false;

	foreach(lc, find_all_inheritors(RelationGetRelid(root), NoLock, NULL))
	{
		Relation	rel;
		Bitmapset  *columns = NULL;
		bool		in_expression;

		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE)
			continue;
		rel = table_open(lfirst_oid(lc), AccessShareLock);
		for (int i = -1; (i = bms_next_member(updated, i)) >= 0;)
		{
			AttrNumber	att = i + FirstLowInvalidHeapAttributeNumber;

			if (att > 0)
				att = get_attnum(RelationGetRelid(rel), NameStr(TupleDescAttr(RelationGetDescr(root), att - 1)->attname));
			if (att > 0)
				columns = bms_add_member(columns, att - FirstLowInvalidHeapAttributeNumber);
		}
		result |= has_partition_attrs(rel, columns, &in_expression);
		table_close(rel, AccessShareLock);
	}
	return result;
}

/* Whether the statement whose trigger fires is known to be no MERGE. */
static bool
is_plain_update(void)
{
	char	   *context;

	if (ActivePortal != NULL && list_length(ActivePortal->stmts) == 1)
	{
		PlannedStmt *stmt = linitial_node(PlannedStmt, ActivePortal->stmts);

		if (stmt->commandType == CMD_UPDATE && !stmt->hasModifyingCTE)
			return true;
		if (stmt->commandType == CMD_MERGE)
			return false;
	}
	context = GetErrorContextStack();	/* has the text of a statement within a function */
	for (char *p = context; *p != '\0'; p++)
		*p = pg_tolower((unsigned char) *p);
	return strstr(context, "update") != NULL && strstr(context, "merge") == NULL;
}

void
rt_merge_moves_check(TriggerData *trigdata)
{
	Relation	rel = trigdata->tg_relation;

	if (likely(!FullTransactionIdIsValid(unseen_xid)) || !TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ||
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	if (!FullTransactionIdEquals(unseen_xid, GetTopFullTransactionIdIfAny()) || GetActiveSnapshot()->curcid > unseen_cid ||
		is_plain_update() || !can_move(rel, trigdata->tg_updatedcols))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("MERGE that can move rows to another partition of table \"%s\" is the first use of retrack in this session",
					RelationGetRelationName(rel)),
			 errdetail("PostgreSQL shows rows that MERGE moves to nobody who has not asked before it begins."),
			 errhint("Run it again in this session, use UPDATE, or set session_preload_libraries = 'retrack'."),
			 errtable(rel)));
}

#else

void
rt_merge_moves_init(void)
{
}

void
rt_merge_moves_check(TriggerData *trigdata)
{
}

#endif
