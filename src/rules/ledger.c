/*
 * rules/ledger.c
 *		Direct, locked changes of ledger rows.
 */
#include "rules/books.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/int.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
rt_ledger_open(Ledger *ledger, const LedgerTable *table)
{
	ledger->table = table;
	ledger->rel = table_open(table->relid, RowExclusiveLock);
	ledger->index = NULL;
	ledger->slot = table_slot_create(ledger->rel, NULL);
	ledger->changed = MakeSingleTupleTableSlot(RelationGetDescr(ledger->rel), &TTSOpsHeapTuple);
}

/* Closes what rt_ledger_open opened; the locks last until the transaction ends. */
void
rt_ledger_close(Ledger *ledger)
{
	if (ledger->rel == NULL)
		return;
	ExecDropSingleTupleTableSlot(ledger->changed);
	ExecDropSingleTupleTableSlot(ledger->slot);
	if (ledger->index != NULL)
		index_close(ledger->index, NoLock);
	table_close(ledger->rel, NoLock);
	ledger->rel = NULL;
}

/* Whether the row in ledger->slot is the key's. */
static bool
slot_has_key(Ledger *ledger, const Datum *key)
{
	for (int i = 0; i < ledger->table->nkeys; i++)
	{
		const ScanKeyData *skey = &ledger->table->key[i];
		bool		isnull;
		Datum		value = slot_getattr(ledger->slot, ledger->table->key_att[i], &isnull);

		if (isnull || !DatumGetBool(FunctionCall2Coll(unconstify(FmgrInfo *, &skey->sk_func),
													  skey->sk_collation, value, key[i])))
			return false;
	}
	return true;
}

/*
 * Whether the block is there to be read.  The size last seen will do: a table
 * that is cut shorter has its cached size dropped everywhere before our lock on
 * it is granted.
 */
static bool
block_exists(Relation rel, BlockNumber block)
{
	BlockNumber seen = RelationGetSmgr(rel)->smgr_cached_nblocks[MAIN_FORKNUM];

	return (seen != InvalidBlockNumber && block < seen) || block < RelationGetNumberOfBlocks(rel);
}

/*
 * Pins the page of a place of which all that is known is that the row was there.
 * What earlier draws left behind on it is cleared away when a quarter of it is
 * all the room there is, which makes room for a dozen draws and more; an index
 * scan would do that at each draw on a page that is fuller than its fillfactor.
 */
static Buffer
read_page_of_hint(Relation rel, ItemPointer hint)
{
	Buffer		buffer;

	if (rel->rd_tableam != GetHeapamTableAmRoutine() || !block_exists(rel, ItemPointerGetBlockNumber(hint)))
		return InvalidBuffer;
	buffer = ReadBuffer(rel, ItemPointerGetBlockNumber(hint));
	if (PageGetHeapFreeSpace(BufferGetPage(buffer)) < BLCKSZ / 4)
		heap_page_prune_opt(rel, buffer);
	return buffer;
}

/*
 * The row by the place where the index last pointed for it, which spares the way
 * down the index: draws are HOT updates, so the place stays for long.  What is
 * found there is the row if the snapshot sees it and it has the key.
 */
static bool
find_row_by_hint(Ledger *ledger, const Datum *key, Snapshot snapshot)
{
	HeapTuple	tuple = &((BufferHeapTupleTableSlot *) ledger->slot)->base.tupdata;
	ItemPointerData tid;
	Buffer		buffer;
	bool		found;

	if (ledger->hint == NULL || !ItemPointerIsValid(ledger->hint))
		return false;
	tid = *ledger->hint;		/* the search moves it */
	buffer = read_page_of_hint(ledger->rel, &tid);
	if (!BufferIsValid(buffer))
		return false;
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	found = heap_hot_search_buffer(&tid, ledger->rel, buffer, snapshot, tuple, NULL, true);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	if (!found)
	{
		ReleaseBuffer(buffer);
		return false;
	}
	ExecStorePinnedBufferHeapTuple(tuple, ledger->slot, buffer);
	return slot_has_key(ledger, key);
}

/* Fetches the row version that "snapshot" sees into ledger->slot. */
static bool
find_row(Ledger *ledger, const Datum *key, Snapshot snapshot)
{
	ScanKeyData skey[LEDGER_KEYS_MAX];
	IndexScanDesc scan;
	ItemPointer tid;
	ItemPointerData root;
	bool		found = false;

	if (find_row_by_hint(ledger, key, snapshot))
		return true;
	if (ledger->index == NULL)
		ledger->index = index_open(ledger->table->pkey, RowExclusiveLock);
	for (int i = 0; i < ledger->table->nkeys; i++)
	{
		skey[i] = ledger->table->key[i];
		skey[i].sk_argument = key[i];
	}
	scan = rt_index_beginscan(ledger->rel, ledger->index, snapshot, ledger->table->nkeys);
	index_rescan(scan, skey, ledger->table->nkeys, NULL, 0);
	while (!found && (tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		root = *tid;
		found = index_fetch_heap(scan, ledger->slot);
	}
	index_endscan(scan);
	if (found && ledger->hint != NULL)
		*ledger->hint = root;
	return found;
}

/*
 * A row that came after our snapshot cannot be changed under it: an UPDATE
 * would pass it by in silence, which for a ledger would be a lost draw.
 */
static void
check_row_is_not_newer(Ledger *ledger, const Datum *key)
{
	Snapshot	latest;
	bool		found;

	if (!IsolationUsesXactSnapshot())
		return;
	latest = RegisterSnapshot(GetLatestSnapshot());
	found = find_row(ledger, key, latest);
	ExecClearTuple(ledger->slot);
	UnregisterSnapshot(latest);
	if (found)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("The row of ledger \"%s\" is newer than this transaction's snapshot.",
						   RelationGetRelationName(ledger->rel)),
				 errhint("The transaction might succeed if retried.")));
}

static int64
read_sum(const LedgerTable *table, Datum value)
{
	return table->sum_is_int4 ? (int64) DatumGetInt32(value) : DatumGetInt64(value);
}

/* Reads the columns that draws need from the row that was found. */
static void
read_row(Ledger *ledger, LedgerRow *row)
{
	const LedgerTable *table = ledger->table;
	TupleTableSlot *slot = ledger->slot;
	Datum		value;
	bool		isnull;

	value = slot_getattr(slot, table->sum, &isnull);
	row->sum = isnull ? 0 : read_sum(table, value);
	value = slot_getattr(slot, table->granted, &row->granted_null);
	row->granted = row->granted_null ? 0 : read_sum(table, value);
	row->terms = 0;
	if (table->terms != 0)
	{
		value = slot_getattr(slot, table->terms, &isnull);
		row->terms = isnull ? 0 : DatumGetInt64(value);
	}
}

static void
read_tolerance(Ledger *ledger, LedgerRow *row)
{
	Datum		value;
	bool		isnull;

	row->tolerance = 0;
	if (ledger->table->tolerance == 0)
		return;
	value = slot_getattr(ledger->slot, ledger->table->tolerance, &isnull);
	if (!isnull)
		row->tolerance = DatumGetInt64(DirectFunctionCall1(numeric_int8, DirectFunctionCall2(numeric_mul, value,
																							 NumericGetDatum(int64_to_numeric(TOLERANCE_UNITS)))));
}

/*
 * What somebody added to the ledger: columns that follow from the total, such as
 * what is left, and checks of it.  A total below zero is one between two triggers
 * of a statement, which our callers judge; checks see what it becomes.
 */
static void
apply_additions(Ledger *ledger, int64 sum)
{
	TupleConstr *constr = RelationGetDescr(ledger->rel)->constr;
	bool		generated = constr != NULL && constr->has_generated_stored;
	EState	   *estate;
	ResultRelInfo *rri;

	if (!generated && !ledger->table->checked)
		return;
	estate = CreateExecutorState();
	rri = makeNode(ResultRelInfo);
	InitResultRelInfo(rri, ledger->rel, 0, NULL, 0);
	if (generated)
		ExecComputeStoredGenerated(rri, estate, ledger->changed, CMD_INSERT);	/* all of them */
	if (ledger->table->checked && sum >= 0)
		ExecConstraints(rri, ledger->changed, estate);
	FreeExecutorState(estate);
}

/* Where a column's value stands in the tuple; NULL: it is null, or the row is older than the column. */
static char *
value_in_tuple(HeapTuple tuple, TupleDesc desc, AttrNumber att)
{
	HeapTupleHeader header = tuple->t_data;
	bool		hasnulls = HeapTupleHasNulls(tuple);
	char	   *values = (char *) header + header->t_hoff;
	uint32		off = 0;

	if (att > HeapTupleHeaderGetNatts(header))
		return NULL;
	for (int i = 0; i < att; i++)
	{
		Form_pg_attribute form = TupleDescAttr(desc, i);

		if (hasnulls && att_isnull(i, header->t_bits))
			continue;
		off = att_align_pointer(off, form->attalign, form->attlen, values + off);
		if (i == att - 1)
			return values + off;
		off = att_addlength_pointer(off, form->attlen, values + off);
	}
	return NULL;
}

/* Writes the value into the tuple if the column has one there already. */
static bool
overwrite(HeapTuple tuple, TupleDesc desc, AttrNumber att, Datum value)
{
	char	   *place = value_in_tuple(tuple, desc, att);

	if (place != NULL)
		store_att_byval(place, value, TupleDescAttr(desc, att - 1)->attlen);
	return place != NULL;
}

/*
 * Forms the changed row in ledger->changed: mostly a copy with the new values
 * written into it, which spares taking all columns apart and putting them together.
 */
static void
form_changed_row(Ledger *ledger, int64 sum, const int64 *terms)
{
	const LedgerTable *table = ledger->table;
	TupleDesc	desc = RelationGetDescr(ledger->rel);
	int			natts = terms != NULL ? 2 : 1;
	int			atts[2] = {table->sum, table->terms};
	bool		nulls[2] = {false, false};
	Datum		values[2];
	HeapTuple	tuple = ExecCopySlotHeapTuple(ledger->slot);

	values[0] = table->sum_is_int4 ? Int32GetDatum((int32) sum) : Int64GetDatum(sum);
	values[1] = terms != NULL ? Int64GetDatum(*terms) : (Datum) 0;
	for (int i = 0; i < natts; i++)
	{
		if (!overwrite(tuple, desc, atts[i], values[i]))
		{
			tuple = heap_modify_tuple_by_cols(tuple, desc, natts, atts, values, nulls);
			break;
		}
	}
	ExecStoreHeapTuple(tuple, ledger->changed, true);
	ledger->changed->tts_tableOid = RelationGetRelid(ledger->rel);
	apply_additions(ledger, sum);
}

/* Index entries for a version that did not fit on its predecessor's page. */
void
rt_ledger_index_row(Relation rel, TupleTableSlot *slot, RtUpdateIndexes update_indexes)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *rri = makeNode(ResultRelInfo);

	InitResultRelInfo(rri, rel, 0, NULL, 0);
	ExecOpenIndices(rri, false);
	rt_ExecInsertIndexTuples(rri, slot, estate, update_indexes);
	ExecCloseIndices(rri);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
}

/* One attempt at the change under one snapshot; false: somebody was faster. */
static bool
store_changed_row(Ledger *ledger, Snapshot snapshot)
{
	TM_FailureData failure;
	LockTupleMode lockmode;
	RtUpdateIndexes update_indexes;
	TM_Result	result;

	result = table_tuple_update(ledger->rel, &ledger->slot->tts_tid, ledger->changed,
								GetCurrentCommandId(true), snapshot, InvalidSnapshot, true,
								&failure, &lockmode, &update_indexes);
	switch (result)
	{
		case TM_Ok:
			if (update_indexes)
				rt_ledger_index_row(ledger->rel, ledger->changed, update_indexes);
			return true;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				ereport(ERROR,
						(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						 errmsg("could not serialize access due to concurrent update"),
						 errdetail("The row of ledger \"%s\" was changed meanwhile.",
								   RelationGetRelationName(ledger->rel)),
						 errhint("The transaction might succeed if retried.")));
			return false;
		default:
			elog(ERROR, "unexpected outcome %d of changing ledger \"%s\"",
				 (int) result, RelationGetRelationName(ledger->rel));
	}
	return false;
}

/* Adds to the row's sum; false: the result is no number the column can hold. */
static bool
add_to_sum(const LedgerTable *table, int64 delta, LedgerRow *row)
{
	return !pg_add_s64_overflow(row->sum, delta, &row->sum) &&
		(!table->sum_is_int4 || (row->sum <= PG_INT32_MAX && row->sum >= PG_INT32_MIN));
}

typedef enum AddOutcome
{
	ADD_STORED,
	ADD_NOT_FOUND,
	ADD_OUT_OF_RANGE,
	ADD_CHANGED					/* somebody was faster */
} AddOutcome;

/* One attempt under one snapshot. */
static AddOutcome
try_to_add(Ledger *ledger, const Datum *key, int64 delta, const int64 *terms, Snapshot snapshot, LedgerRow *row)
{
	AddOutcome	outcome = ADD_NOT_FOUND;

	if (find_row(ledger, key, snapshot))
	{
		read_row(ledger, row);
		if (!add_to_sum(ledger->table, delta, row))
			outcome = ADD_OUT_OF_RANGE;
		else
		{
			row->tolerance = 0;
			if (row->sum > row->granted)	/* numerics are slow: only where it is needed */
				read_tolerance(ledger, row);
			form_changed_row(ledger, row->sum, terms);
			outcome = store_changed_row(ledger, snapshot) ? ADD_STORED : ADD_CHANGED;
		}
	}
	ExecClearTuple(ledger->slot);
	return outcome;
}

/*
 * The first attempt is made under the statement's snapshot, which is at hand: a
 * new one has to ask all other backends.  If it is too old, the row has changed
 * since, which storing it would show.  What this transaction did is seen in any
 * case.
 */
static bool
add_under_statement_snapshot(Ledger *ledger, const Datum *key, int64 delta, const int64 *terms, LedgerRow *row)
{
	AddOutcome	outcome;

	if (IsolationUsesXactSnapshot() || !ActiveSnapshotSet())
		return false;
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	outcome = try_to_add(ledger, key, delta, terms, GetActiveSnapshot(), row);
	PopActiveSnapshot();
	return outcome == ADD_STORED;
}

bool
rt_ledger_add(Ledger *ledger, const Datum *key, int64 delta, const int64 *terms, LedgerRow *row)
{
	if (add_under_statement_snapshot(ledger, key, delta, terms, row))
		return true;
	for (;;)
	{
		Snapshot	snapshot;
		AddOutcome	outcome;

		CHECK_FOR_INTERRUPTS();
		snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetLatestSnapshot());
		outcome = try_to_add(ledger, key, delta, terms, snapshot, row);
		UnregisterSnapshot(snapshot);
		switch (outcome)
		{
			case ADD_STORED:
				return true;
			case ADD_NOT_FOUND:
				check_row_is_not_newer(ledger, key);
				return false;
			case ADD_OUT_OF_RANGE:
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("total of ledger \"%s\" out of range",
								RelationGetRelationName(ledger->rel))));
				break;
			case ADD_CHANGED:
				break;
		}
	}
}

bool
rt_ledger_read(const LedgerTable *table, const Datum *key, LedgerRow *row)
{
	Ledger		ledger = {0};
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool		found;

	MemSet(row, 0, sizeof(LedgerRow));
	rt_ledger_open(&ledger, table);
	found = find_row(&ledger, key, snapshot);
	if (found)
	{
		read_row(&ledger, row);
		read_tolerance(&ledger, row);	/* the caller adds to the total */
	}
	rt_ledger_close(&ledger);
	UnregisterSnapshot(snapshot);
	return found;
}
