/*
 * pull_load.c
 *		Loads the rows of a query into a table the way COPY does: pages at a
 *		time, with its statement triggers, constraints and indexes.
 *
 * Foreign keys alone are checked otherwise: once a batch, each value once, instead
 * of once a row, in which a pull would spend more time than in all the rest.
 * A table with anything that needs the executor's own path is left alone.
 */
#include "pull/pull_keys.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/rls.h"

PG_FUNCTION_INFO_V1(pull_load);

/* Rows that go into pages together. */
#define LOAD_ROWS 200

typedef struct Loader
{
	DestReceiver pub;
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *rri;
	TransitionCaptureState *capture;
	BulkInsertState bistate;
	CommandId	cid;
	MemoryContext cxt;			/* slots and what they hold */
	TupleTableSlot *slot[LOAD_ROWS];
	int			nslots;			/* made */
	int			nrows;			/* filled */
	int64		loaded;
	KeyValues  *keys;			/* that they refer to */
} Loader;

/* Foreign key checks out; false if a row trigger is left that has to see each row. */
static bool
drop_key_triggers(TriggerDesc *desc)
{
	int			n = 0;

	if (desc == NULL)
		return true;
	if (desc->trig_insert_before_row || desc->trig_insert_instead_row)
		return false;
	for (int i = 0; i < desc->numtriggers; i++)
	{
		Trigger    *t = &desc->triggers[i];

		if (TRIGGER_FOR_INSERT(t->tgtype) && TRIGGER_FOR_ROW(t->tgtype))
		{
			if (t->tgfoid != F_RI_FKEY_CHECK_INS || t->tgdeferrable)
				return false;
			continue;
		}
		desc->triggers[n++] = *t;
	}
	desc->numtriggers = n;
	desc->trig_insert_after_row = false;
	return true;
}

/* Whether nothing about the table needs the executor's own path. */
static bool
table_is_plain(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relispartition)
		return false;
	if (rel->rd_rules != NULL || check_enable_rls(RelationGetRelid(rel), InvalidOid, true) == RLS_ENABLED)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attgenerated)
			return false;
	}
	return rt_keys_are_plain(rel);
}

static bool
indexes_are_immediate(ResultRelInfo *rri)
{
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		if (!rri->ri_IndexRelationDescs[i]->rd_index->indimmediate)
			return false;
	}
	return true;
}

static void
flush_rows(Loader *l)
{
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(l->estate));

	table_multi_insert(l->rel, l->slot, l->nrows, l->cid, 0, l->bistate);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < l->nrows; i++)
	{
		if (l->rri->ri_NumIndices > 0)
			(void) rt_insert_index_tuples(l->rri, l->slot[i], l->estate);
		ExecARInsertTriggers(l->estate, l->rri, l->slot[i], NIL, l->capture);
		ExecClearTuple(l->slot[i]);
		ResetPerTupleExprContext(l->estate);
	}
	l->loaded += l->nrows;
	l->nrows = 0;
}

/* The query's columns are the table's, in order, without dropped ones. */
static void
fill_slot(Loader *l, TupleTableSlot *from, TupleTableSlot *to)
{
	TupleDesc	desc = RelationGetDescr(l->rel);
	int			at = 0;

	slot_getallattrs(from);
	ExecClearTuple(to);
	for (int i = 0; i < desc->natts; i++)
	{
		bool		dropped = TupleDescAttr(desc, i)->attisdropped;

		to->tts_isnull[i] = dropped || from->tts_isnull[at];
		to->tts_values[i] = to->tts_isnull[i] ? (Datum) 0 : from->tts_values[at];
		if (!dropped)
			at++;
	}
	ExecStoreVirtualTuple(to);
	to->tts_tableOid = RelationGetRelid(l->rel);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	Loader	   *l = (Loader *) self;
	MemoryContext old = MemoryContextSwitchTo(l->cxt);

	CHECK_FOR_INTERRUPTS();
	if (l->nrows == l->nslots)
		l->slot[l->nslots++] = table_slot_create(l->rel, &l->estate->es_tupleTable);
	fill_slot(l, slot, l->slot[l->nrows]);
	ExecMaterializeSlot(l->slot[l->nrows]);
	MemoryContextSwitchTo(GetPerTupleMemoryContext(l->estate));
	if (RelationGetDescr(l->rel)->constr)
		ExecConstraints(l->rri, l->slot[l->nrows], l->estate);
	rt_keys_note(l->keys, l->slot[l->nrows]);
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(l->estate);
	if (++l->nrows == LOAD_ROWS)
		flush_rows(l);
	return true;
}

static void
refuse_query(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("query does not have the columns of table \"%s\"", RelationGetRelationName(rel)),
			 errhint("It must give all of them, in order and of the same types.")));
}

/* A query that does not fit would be read as garbage. */
static void
check_row_type(DestReceiver *self, int operation, TupleDesc desc)
{
	TupleDesc	want = RelationGetDescr(((Loader *) self)->rel);
	int			at = 0;

	for (int i = 0; i < want->natts; i++)
	{
		if (TupleDescAttr(want, i)->attisdropped)
			continue;
		if (at >= desc->natts || TupleDescAttr(desc, at)->atttypid != TupleDescAttr(want, i)->atttypid)
			refuse_query(((Loader *) self)->rel);
		at++;
	}
	if (at != desc->natts)
		refuse_query(((Loader *) self)->rel);
}

static void
ignore_receiver(DestReceiver *self)
{
}

static void
run_query(Loader *l, const char *query, int64 first, int64 last)
{
	Oid			types[2] = {INT8OID, INT8OID};
	ParamListInfo params = makeParamList(2);
	SPIExecuteOptions options = {.params = params, .read_only = true, .dest = &l->pub};
	SPIPlanPtr	plan;

	for (int i = 0; i < 2; i++)
	{
		params->params[i].value = Int64GetDatum(i == 0 ? first : last);
		params->params[i].isnull = false;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = INT8OID;
	}
	plan = SPI_prepare(query, 2, types);
	if (plan == NULL || SPI_execute_plan_extended(plan, &options) != SPI_OK_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows can be loaded from a SELECT only")));
}

static void
load_rows(Loader *l, const char *query, int64 first, int64 last)
{
	AfterTriggerBeginQuery();
	l->capture = MakeTransitionCaptureState(l->rri->ri_TrigDesc, RelationGetRelid(l->rel), CMD_INSERT);
	ExecBSInsertTriggers(l->estate, l->rri);
	l->bistate = GetBulkInsertState();
	l->keys = rt_keys_begin(l->rel);
	run_query(l, query, first, last);
	if (l->nrows > 0)
		flush_rows(l);
	FreeBulkInsertState(l->bistate);
	ExecASInsertTriggers(l->estate, l->rri, l->capture);
	AfterTriggerEndQuery(l->estate);
	rt_keys_check(l->keys);
}

/*
 * pull_load(target regclass, query text, first bigint, last bigint): rows loaded, or
 * NULL if the table is not one for this path, and nothing was done.
 */
Datum
pull_load(PG_FUNCTION_ARGS)
{
	Loader		l = {
		.pub = {
			.receiveSlot = receive_row,
			.rStartup = check_row_type,
			.rShutdown = ignore_receiver,
			.rDestroy = ignore_receiver,
			.mydest = DestTuplestore,	/* any but DestNone, which counts as no SELECT */
		},
	};
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		plain;

	PreventCommandIfReadOnly("retrack.pull");
	/* before the lock, which is not for everyone to take; a table that is not there is an error here */
	if (pg_class_aclcheck(PG_GETARG_OID(0), GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		PG_RETURN_NULL();
	l.rel = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	plain = table_is_plain(l.rel);
	SPI_connect();
	l.estate = CreateExecutorState();
	l.cxt = l.estate->es_query_cxt;
	l.rri = makeNode(ResultRelInfo);
	InitResultRelInfo(l.rri, l.rel, 0, NULL, 0);
	l.estate->es_opened_result_relations = lappend(NIL, l.rri);
	l.cid = GetCurrentCommandId(true);
	l.estate->es_output_cid = l.cid;
	ExecOpenIndices(l.rri, false);
	plain = plain && drop_key_triggers(l.rri->ri_TrigDesc) && indexes_are_immediate(l.rri);
	if (plain)
		load_rows(&l, query, PG_GETARG_INT64(2), PG_GETARG_INT64(3));
	ExecResetTupleTable(l.estate->es_tupleTable, false);
	ExecCloseResultRelations(l.estate);
	FreeExecutorState(l.estate);
	SPI_finish();
	table_close(l.rel, NoLock);
	if (!plain)
		PG_RETURN_NULL();
	PG_RETURN_INT64(l.loaded);
}
