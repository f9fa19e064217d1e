/*
 * lot_graph.c
 *		Loads lots and lot edges of a registry, whole or from one lot on.
 *
 * Rows stream from the executor into the graph through a DestReceiver: no
 * copy of them is kept by SPI.
 */
#include "lot_graph.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "types/assay.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define ARENA_BYTES (256 * 1024)

/* Of recent slots: 32 kB, which stay in the cache where a million lots' slots do not. */
#define RECENT_BITS 12

/* ---- names ---- */

static void
init_names(NameTable *table, MemoryContext cxt)
{
	memset(table, 0, sizeof(*table));
	table->cxt = cxt;
	table->capacity = 256;
	table->name = MemoryContextAlloc(cxt, table->capacity * sizeof(text *));
	table->slots = 512;
	table->slot = MemoryContextAllocZero(cxt, table->slots * sizeof(uint64));
	table->recent = MemoryContextAllocZero(cxt, sizeof(uint64) << RECENT_BITS);
}

static text *
store_name(NameTable *table, const char *s, int len)
{
	Size		need = MAXALIGN(VARHDRSZ + len);
	text	   *t;

	if (need > ARENA_BYTES / 4)
		t = MemoryContextAlloc(table->cxt, need);
	else
	{
		if (need > table->arena_left)
		{
			table->arena = MemoryContextAlloc(table->cxt, ARENA_BYTES);
			table->arena_left = ARENA_BYTES;
		}
		t = (text *) table->arena;
		table->arena += need;
		table->arena_left -= need;
	}
	SET_VARSIZE(t, VARHDRSZ + len);
	memcpy(VARDATA(t), s, len);
	return t;
}

/* Doubles the slots; the upper half of a slot is all its place depends on. */
static void
grow_slots(NameTable *table)
{
	uint32		n = table->slots * 2;
	uint64	   *slot = MemoryContextAllocExtended(table->cxt, n * sizeof(uint64),
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint32 i = 0; i < table->slots; i++)
	{
		uint32		at = (uint32) (table->slot[i] >> 32) & (n - 1);

		if (table->slot[i] == 0)
			continue;
		while (slot[at] != 0)
			at = (at + 1) & (n - 1);
		slot[at] = table->slot[i];
	}
	pfree(table->slot);
	table->slot = slot;
	table->slots = n;
}

/* Is that what this slot, which is not free, stands for? */
static bool
slot_names(const NameTable *table, uint64 slot, uint32 hash, const char *s, int len)
{
	text	   *t;

	if ((uint32) (slot >> 32) != hash)
		return false;
	t = table->name[(uint32) slot - 1];
	return VARSIZE(t) - VARHDRSZ == (Size) len && memcmp(VARDATA(t), s, len) == 0;
}

/* Enters a new name at a free slot; returns what that slot then holds. */
static uint64
enter_name(NameTable *table, uint32 at, uint32 hash, const char *s, int len)
{
	uint64		slot;

	if (table->count == PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d lots in one graph", PG_INT32_MAX / 2)));
	if (table->count == table->capacity)
	{
		table->capacity *= 2;
		table->name = repalloc_huge(table->name, (Size) table->capacity * sizeof(text *));
	}
	table->name[table->count++] = store_name(table, s, len);
	slot = (uint64) hash << 32 | table->count;
	table->slot[at] = slot;
	if (table->count > table->slots / 2)
		grow_slots(table);
	return slot;
}

uint32
rt_name_intern(NameTable *table, const char *s, int len)
{
	uint32		hash = hash_bytes((const unsigned char *) s, len);
	uint64	   *recent = &table->recent[hash >> (32 - RECENT_BITS)];
	uint32		at = hash & (table->slots - 1);

	if (*recent != 0 && slot_names(table, *recent, hash, s, len))
		return (uint32) *recent - 1;
	while (table->slot[at] != 0 && !slot_names(table, table->slot[at], hash, s, len))
		at = (at + 1) & (table->slots - 1);
	*recent = table->slot[at] != 0 ? table->slot[at] : enter_name(table, at, hash, s, len);
	return (uint32) *recent - 1;
}

int
rt_name_cmp(const NameTable *table, uint32 a, uint32 b)
{
	text	   *x = table->name[a];
	text	   *y = table->name[b];
	Size		nx = VARSIZE(x) - VARHDRSZ;
	Size		ny = VARSIZE(y) - VARHDRSZ;
	int			c = memcmp(VARDATA(x), VARDATA(y), Min(nx, ny));

	return c != 0 ? c : nx < ny ? -1 : nx > ny ? 1 : 0;
}

/* ---- the graph ---- */

static void
require_table(const char *registry, Oid schema, const char *relation)
{
	if (OidIsValid(schema) && OidIsValid(get_relname_relid(relation, schema)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RT_REGISTRY_MISSING),
			 errmsg("schema \"%s\" is not a registry", registry),
			 OidIsValid(schema) ?
			 errdetail("It has no table \"%s\".", relation) :
			 errdetail("There is no schema of that name."),
			 errhint("CALL retrack.create_registry makes one.")));
}

LotGraph *
rt_lot_graph_create(Name registry, int element)
{
	Oid			schema = get_namespace_oid(NameStr(*registry), true);
	MemoryContext cxt;
	LotGraph   *graph;

	require_table(NameStr(*registry), schema, "lot");
	require_table(NameStr(*registry), schema, "lot_edge");
	cxt = AllocSetContextCreate(CurrentMemoryContext, "retrack lot graph", ALLOCSET_DEFAULT_SIZES);
	graph = MemoryContextAllocZero(cxt, sizeof(LotGraph));
	graph->cxt = cxt;
	graph->registry = registry;
	graph->schema = MemoryContextStrdup(cxt, quote_identifier(NameStr(*registry)));
	graph->element = element;
	init_names(&graph->lots, cxt);
	init_names(&graph->facilities, cxt);
	return graph;
}

/* Keeps facts as long as there are names. */
static LotFacts *
lot_facts(LotGraph *graph, uint32 lot)
{
	static const LotFacts unknown = {.mass = -1, .facility = NO_LOT};

	if (lot >= graph->facts_capacity)
	{
		uint32		n = Max(1024, graph->lots.capacity);
		Size		bytes = (Size) n * sizeof(LotFacts);

		graph->facts = graph->facts ? repalloc_huge(graph->facts, bytes) :
			MemoryContextAllocHuge(graph->cxt, bytes);
		for (uint32 i = graph->facts_capacity; i < n; i++)
			graph->facts[i] = unknown;
		graph->facts_capacity = n;
	}
	return &graph->facts[lot];
}

static uint32
intern_lot(LotGraph *graph, Datum lot)
{
	text	   *t = DatumGetTextPP(lot);
	uint32		number = rt_name_intern(&graph->lots, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));

	if ((Pointer) t != DatumGetPointer(lot))
		pfree(t);
	(void) lot_facts(graph, number);
	return number;
}

static void
add_edge(LotGraph *graph, uint32 input, uint32 output, int64 mass)
{
	LotEdge    *edge;

	if (graph->nedges == graph->edges_capacity)
	{
		Size		n = Max(1024, (Size) graph->edges_capacity * 2);

		if (n > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("more than %u edges in one lot graph", graph->nedges)));
		graph->edges = graph->edges ? repalloc_huge(graph->edges, n * sizeof(LotEdge)) :
			MemoryContextAllocHuge(graph->cxt, n * sizeof(LotEdge));
		graph->edges_capacity = (uint32) n;
	}
	edge = &graph->edges[graph->nedges++];
	edge->input = input;
	edge->output = output;
	edge->mass = mass;
}

/* ---- rows from the executor ---- */

typedef struct GraphReceiver
{
	DestReceiver pub;
	LotGraph   *graph;
} GraphReceiver;

/*
 * Columns of type mass are int64 milligrams, and bigint is taken for the
 * same; anything else would be read as garbage.
 */
static void
check_columns(LotGraph *graph, TupleDesc desc, int names, int mass)
{
	Oid			schema = get_namespace_oid("retrack", false);
	Oid			mass_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
											CStringGetDatum("mass"), ObjectIdGetDatum(schema));

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Oid			type = getBaseType(att->atttypid);

		if (i < names ? type == TEXTOID : i != mass || type == INT8OID || type == mass_type)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of the lots of registry \"%s\" has type %s",
						NameStr(att->attname), NameStr(*graph->registry), format_type_be(att->atttypid)),
				 errdetail("Lot names are text, masses retrack.mass.")));
	}
}

static void
startup_edges(DestReceiver *self, int operation, TupleDesc desc)
{
	check_columns(((GraphReceiver *) self)->graph, desc, 2, 2);
}

static bool
receive_edge(TupleTableSlot *slot, DestReceiver *self)
{
	LotGraph   *graph = ((GraphReceiver *) self)->graph;
	int64		mass;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0] || slot->tts_isnull[1])
		return true;			/* names no edge */
	mass = slot->tts_isnull[2] ? -1 : DatumGetInt64(slot->tts_values[2]);
	if (mass < 0)
		ereport(ERROR,
				(errcode(ERRCODE_RT_LOT_EDGE_MASS),
				 errmsg("lot edge from \"%s\" to \"%s\" has no valid mass",
						TextDatumGetCString(slot->tts_values[0]),
						TextDatumGetCString(slot->tts_values[1])),
				 slot->tts_isnull[2] ? errdetail("Its mass is null.") : errdetail("Its mass is negative."),
				 errhint("retrack.lot_graph lists all such edges.")));
	add_edge(graph, intern_lot(graph, slot->tts_values[0]),
			 intern_lot(graph, slot->tts_values[1]), mass);
	return true;
}

static void
startup_lots(DestReceiver *self, int operation, TupleDesc desc)
{
	check_columns(((GraphReceiver *) self)->graph, desc, 1, 1);
}

/* Fraction in ppb of the element with this dense index. */
static uint32
assay_fraction(Datum value, int element)
{
	Assay	   *a = DatumGetAssayPP(value);
	uint32		mask = assay_mask(a);
	uint32		below = mask & (((uint32) 1 << element) - 1);
	uint32		ppb = (mask >> element) & 1 ? assay_ppb(a, pg_popcount32(below)) : 0;

	if ((Pointer) a != DatumGetPointer(value))
		pfree(a);
	return ppb;
}

static bool
receive_lot(TupleTableSlot *slot, DestReceiver *self)
{
	LotGraph   *graph = ((GraphReceiver *) self)->graph;
	LotFacts   *facts;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0])
		return true;
	facts = lot_facts(graph, intern_lot(graph, slot->tts_values[0]));
	facts->listed = true;
	facts->mass = slot->tts_isnull[1] ? -1 : Max(-1, DatumGetInt64(slot->tts_values[1]));
	if (!slot->tts_isnull[2])
	{
		text	   *t = DatumGetTextPP(slot->tts_values[2]);

		facts->facility = rt_name_intern(&graph->facilities, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	}
	if (graph->element >= 0 && !slot->tts_isnull[3])
	{
		facts->assayed = true;
		facts->ppb = assay_fraction(slot->tts_values[3], graph->element);
	}
	return true;
}

static void
ignore_receiver(DestReceiver *self)
{
}

static void
run_query(LotGraph *graph, SPIPlanPtr plan, bool lots, ParamListInfo params)
{
	GraphReceiver receiver = {
		.pub = {
			.receiveSlot = lots ? receive_lot : receive_edge,
			.rStartup = lots ? startup_lots : startup_edges,
			.rShutdown = ignore_receiver,
			.rDestroy = ignore_receiver,
			.mydest = DestTuplestore,	/* any but DestNone, which counts as no SELECT */
		},
		.graph = graph,
	};
	SPIExecuteOptions options = {
		.params = params,
		.read_only = true,
		.dest = &receiver.pub,
	};
	int			rc = SPI_execute_plan_extended(plan, &options);

	if (rc != SPI_OK_SELECT)
		elog(ERROR, "reading the lot graph: %s", SPI_result_code_string(rc));
}

/* Withdrawn reports do not count; tables not made by create_registry may have no such column. */
static const char *
live_rows(LotGraph *graph, const char *relation)
{
	Oid			relid = get_relname_relid(relation, get_namespace_oid(NameStr(*graph->registry), false));

	if (get_attnum(relid, "withdrawn") == InvalidAttrNumber)
		return "true";
	return "withdrawn IS NOT TRUE";
}

/* Prepares the query of edges or lots; filter (of the edges' or the lots' column) may be NULL. */
static SPIPlanPtr
prepare_query(LotGraph *graph, bool lots, const char *filter)
{
	Oid			type = TEXTARRAYOID;
	StringInfoData sql;
	SPIPlanPtr	plan;

	initStringInfo(&sql);
	if (lots)
		appendStringInfo(&sql, "SELECT lot_id, mass, facility_id%s FROM %s.lot WHERE %s",
						 graph->element >= 0 ? ", assay" : "", graph->schema, live_rows(graph, "lot"));
	else
		appendStringInfo(&sql, "SELECT input_lot, output_lot, mass FROM %s.lot_edge WHERE %s",
						 graph->schema, live_rows(graph, "lot_edge"));
	if (filter)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) ANY ($1)", filter);
	/* A frontier is looked up by index whatever its size: one plan does for all. */
	plan = SPI_prepare_cursor(sql.data, filter ? 1 : 0, &type, filter ? CURSOR_OPT_GENERIC_PLAN : 0);
	if (plan == NULL)
		elog(ERROR, "preparing \"%s\": %s", sql.data, SPI_result_code_string(SPI_result));
	return plan;
}

/* Runs a filtered query for the lots first .. last - 1. */
static void
run_for_lots(LotGraph *graph, SPIPlanPtr plan, bool lots, uint32 first, uint32 last)
{
	Datum	   *names = MemoryContextAllocHuge(CurrentMemoryContext, (Size) (last - first) * sizeof(Datum));
	ParamListInfo params = makeParamList(1);
	ArrayType  *array;

	for (uint32 i = first; i < last; i++)
		names[i - first] = PointerGetDatum(graph->lots.name[i]);
	array = construct_array(names, (int) (last - first), TEXTOID, -1, false, TYPALIGN_INT);
	params->params[0].value = PointerGetDatum(array);
	params->params[0].isnull = false;
	params->params[0].pflags = 0;
	params->params[0].ptype = TEXTARRAYOID;
	run_query(graph, plan, lots, params);
	pfree(params);
	pfree(array);
	pfree(names);
}

void
rt_lot_graph_load_all(LotGraph *graph)
{
	run_query(graph, prepare_query(graph, true, NULL), true, NULL);
	run_query(graph, prepare_query(graph, false, NULL), false, NULL);
}

/* An array query for each BATCH of a frontier: bounds the array, not the frontier. */
#define BATCH 10000

/* Runs a filtered query for lots from first on; grows: and for those it adds, each of which is asked for once. */
static void
run_for_all(LotGraph *graph, SPIPlanPtr plan, bool lots, uint32 first, bool grows)
{
	uint32		last = graph->lots.count;

	for (uint32 done = first; done < last;)
	{
		uint32		end = Min(last, done + BATCH);

		CHECK_FOR_INTERRUPTS();
		run_for_lots(graph, plan, lots, done, end);
		done = end;
		if (grows)
			last = graph->lots.count;
	}
}

uint32
rt_lot_graph_load_from(LotGraph *graph, text *lot, TraceDirection direction)
{
	SPIPlanPtr	edges = prepare_query(graph, false,
									  direction == TRACE_ORIGIN ? "output_lot" : "input_lot");
	SPIPlanPtr	lots = prepare_query(graph, true, "lot_id");
	uint32		start = intern_lot(graph, PointerGetDatum(lot));

	run_for_lots(graph, lots, true, start, start + 1);
	if (!graph->facts[start].listed)
		ereport(ERROR,
				(errcode(ERRCODE_RT_LOT_UNKNOWN),
				 errmsg("lot \"%s\" is not in registry \"%s\"",
						text_to_cstring(lot), NameStr(*graph->registry))));
	run_for_all(graph, edges, false, start, true);
	if (direction == TRACE_DESTINATION && graph->element >= 0)
	{
		/* The edges met so far are among those into the lots met so far. */
		graph->nedges = 0;
		run_for_all(graph, prepare_query(graph, false, "output_lot"), false, start, false);
	}
	run_for_all(graph, lots, true, start + 1, false);
	return start;
}
