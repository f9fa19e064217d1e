/*
 * pull_store.c
 *		Stores the rows of a query in the temporary table of a pull, numbered as
 *		they come, and sees whether they came in order.
 *
 * Most sources give their records in the order in which they changed, which is what
 * a pull wants; to sort them all the same would cost it more than to read them.
 */
#include "retrack.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sortsupport.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(pull_store);

/* Rows that go into pages together. */
#define STORE_ROWS 100

typedef struct Store
{
	DestReceiver pub;
	Relation	rel;
	MemoryContext cxt;			/* slots and what they hold */
	MemoryContext page_cxt;		/* emptied once rows are stored */
	BulkInsertState bistate;
	CommandId	cid;
	TupleTableSlot *slot[STORE_ROWS];
	TupleTableSlot *last;		/* the row before the first slot's, once there was one */
	int			nslots;			/* made */
	int			nrows;			/* filled */
	int64		stored;
	bool		in_order;
	int			norder;
	SortSupport order;
} Store;

static void
flush_rows(Store *st)
{
	TupleTableSlot *swap;
	MemoryContext old = MemoryContextSwitchTo(st->page_cxt);

	if (st->nrows == 0)
		return;
	table_multi_insert(st->rel, st->slot, st->nrows, st->cid, TABLE_INSERT_SKIP_FSM, st->bistate);
	MemoryContextSwitchTo(old);
	MemoryContextReset(st->page_cxt);
	for (int i = 0; i < st->nrows - 1; i++)
		ExecClearTuple(st->slot[i]);
	/* the last row is what the next one is compared with */
	ExecClearTuple(st->last);
	swap = st->last;
	st->last = st->slot[st->nrows - 1];
	st->slot[st->nrows - 1] = swap;
	st->nrows = 0;
}

static bool
follows(Store *st, TupleTableSlot *before, TupleTableSlot *slot)
{
	for (int i = 0; i < st->norder; i++)
	{
		SortSupport key = &st->order[i];
		bool		null_before,
					null;
		Datum		value_before = slot_getattr(before, key->ssup_attno, &null_before);
		Datum		value = slot_getattr(slot, key->ssup_attno, &null);
		int			order = ApplySortComparator(value_before, null_before, value, null, key);

		if (order != 0)
			return order < 0;
	}
	return true;
}

static bool
receive_row(TupleTableSlot *from, DestReceiver *self)
{
	Store	   *st = (Store *) self;
	MemoryContext old = MemoryContextSwitchTo(st->cxt);
	TupleTableSlot *to;
	int			natts = RelationGetDescr(st->rel)->natts;

	CHECK_FOR_INTERRUPTS();
	if (st->nrows == st->nslots)
		st->slot[st->nslots++] = table_slot_create(st->rel, NULL);
	to = st->slot[st->nrows];
	slot_getallattrs(from);
	to->tts_values[0] = Int64GetDatum(++st->stored);
	to->tts_isnull[0] = false;
	memcpy(&to->tts_values[1], from->tts_values, sizeof(Datum) * (natts - 1));
	memcpy(&to->tts_isnull[1], from->tts_isnull, sizeof(bool) * (natts - 1));
	ExecStoreVirtualTuple(to);
	if (st->in_order && st->stored > 1)
	{
		MemoryContextSwitchTo(st->page_cxt);	/* for what comparisons leave behind */
		st->in_order = follows(st, st->nrows > 0 ? st->slot[st->nrows - 1] : st->last, to);
	}
	ExecMaterializeSlot(to);
	MemoryContextSwitchTo(old);
	if (++st->nrows == STORE_ROWS)
		flush_rows(st);
	return true;
}

static void
refuse(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("rows of a pull cannot be stored: %s", why)));
}

static void
check_row_type(DestReceiver *self, int operation, TupleDesc desc)
{
	TupleDesc	want = RelationGetDescr(((Store *) self)->rel);

	if (desc->natts != want->natts - 1)
		refuse("the query does not have the table's columns");
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->atttypid != TupleDescAttr(want, i + 1)->atttypid)
			refuse("the query's columns are not of the table's types");
}

static void
ignore_receiver(DestReceiver *self)
{
}

/* A temporary table of the caller's with nothing but columns, the first a bigint. */
static void
check_table(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION || !RelationUsesLocalBuffers(rel) || RELATION_IS_OTHER_TEMP(rel) ||
		rel->rd_rel->relispartition || rel->rd_rel->relhasindex || rel->rd_rel->relhasrules || rel->rd_rel->relrowsecurity ||
		rel->trigdesc != NULL || desc->constr != NULL)
		refuse("the table is not an empty temporary one with nothing but columns");
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attisdropped)
			refuse("the table has dropped columns");
	if (desc->natts == 0 || TupleDescAttr(desc, 0)->atttypid != INT8OID)
		refuse("the table's first column is not a bigint");
}

static void
set_order(Store *st, ArrayType *columns)
{
	Datum	   *names;
	int			n;

	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	st->order = palloc0(sizeof(SortSupportData) * n);
	for (int i = 0; i < n; i++)
	{
		char	   *name = TextDatumGetCString(names[i]);
		AttrNumber	att = get_attnum(RelationGetRelid(st->rel), name);
		SortSupport key = &st->order[st->norder++];
		TypeCacheEntry *type;

		if (att <= 1)
			refuse("a column to order by is not there");
		type = lookup_type_cache(TupleDescAttr(RelationGetDescr(st->rel), att - 1)->atttypid, TYPECACHE_LT_OPR);
		if (!OidIsValid(type->lt_opr))
			refuse("a column to order by has no order");
		key->ssup_cxt = CurrentMemoryContext;
		key->ssup_collation = TupleDescAttr(RelationGetDescr(st->rel), att - 1)->attcollation;
		key->ssup_attno = att;
		PrepareSortSupportFromOrderingOp(type->lt_opr, key);
	}
}

static void
run_query(Store *st, const char *query)
{
	SPIExecuteOptions options = {.dest = &st->pub};
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);

	if (plan == NULL || SPI_execute_plan_extended(plan, &options) != SPI_OK_SELECT)
		refuse("the query is not a SELECT");
	flush_rows(st);
}

/*
 * pull_store(stage regclass, query text, order_columns text[]): how many rows were stored, and whether they
 * came in that order, NULL last.
 */
Datum
pull_store(PG_FUNCTION_ARGS)
{
	Store		st = {
		.pub = {
			.receiveSlot = receive_row,
			.rStartup = check_row_type,
			.rShutdown = ignore_receiver,
			.rDestroy = ignore_receiver,
			.mydest = DestTuplestore,	/* any but DestNone, which counts as no SELECT */
		},
		.in_order = true,
	};
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	/* before the lock, which is not for everyone to take; a table that is not there is an error here */
	if (pg_class_aclcheck(PG_GETARG_OID(0), GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(PG_GETARG_OID(0)));
	st.rel = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	check_table(st.rel);
	SPI_connect();
	st.cxt = CurrentMemoryContext;
	st.page_cxt = AllocSetContextCreate(st.cxt, "retrack pull pages", ALLOCSET_DEFAULT_SIZES);
	st.cid = GetCurrentCommandId(true);
	st.bistate = GetBulkInsertState();
	st.last = table_slot_create(st.rel, NULL);
	set_order(&st, PG_GETARG_ARRAYTYPE_P(2));
	run_query(&st, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	FreeBulkInsertState(st.bistate);
	for (int i = 0; i < st.nslots; i++)
		ExecDropSingleTupleTableSlot(st.slot[i]);
	ExecDropSingleTupleTableSlot(st.last);
	SPI_finish();
	table_close(st.rel, NoLock);
	values[0] = Int64GetDatum(st.stored);
	values[1] = BoolGetDatum(st.in_order);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
