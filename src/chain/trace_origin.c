/*
 * trace_origin.c
 *		trace_origin, trace_destination, origin_shares: where material came from
 *		and where it went.
 *
 * All run their queries as the caller: what row security hides is not there,
 * and a lot whose inputs are hidden is an origin.
 */
#include "chain/shares.h"
#include "chain/trace_result.h"

#include "executor/spi.h"
#include "types/mass.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(trace_origin);
PG_FUNCTION_INFO_V1(trace_destination);
PG_FUNCTION_INFO_V1(origin_shares);

typedef struct TraceResult
{
	ShareProblem problem;
	uint32		only;			/* the lot asked for, or NO_LOT: all */
	TraceRows	rows;
	MemoryContext row_cxt;		/* reset after each lot */
	int64	   *parts;
	uint32		nparts;
} TraceResult;

/* Mass of the lot, or of the element in it, in mg rounded half up; -1 if unknown. */
static int64
traced_mass(const LotGraph *graph, uint32 lot)
{
	const LotFacts *facts = &graph->facts[lot];

	if (graph->element < 0 || facts->mass < 0)
		return facts->mass;
	return (int64) (((int128) facts->mass * facts->ppb + 500000000) / 1000000000);
}

static void
put_shares(TraceResult *result, uint32 lot, const Share *shares, uint32 nshares)
{
	LotGraph   *graph = result->problem.graph;
	const NameTable *sources = result->problem.by_facility ? &graph->facilities : &graph->lots;
	int64		mass = traced_mass(graph, lot);
	bool		all = result->only == NO_LOT;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (graph->element >= 0 && graph->facts[lot].ppb == 0)
		return;					/* none of the element to trace */
	if (nshares > result->nparts)
	{
		result->nparts = nshares * 2;
		result->parts = MemoryContextAllocHuge(graph->cxt, result->nparts * sizeof(int64));
	}
	if (mass >= 0)
		rt_apportion_shares(sources, shares, nshares, mass, result->parts);
	for (uint32 i = 0; i < nshares; i++)
	{
		text	   *source = sources->name[shares[i].source];
		int			col = 0;

		if (all)
			values[col++] = PointerGetDatum(graph->lots.name[lot]);
		nulls[col] = result->problem.by_facility && VARSIZE(source) == VARHDRSZ;
		values[col++] = PointerGetDatum(source);
		values[col++] = NumericGetDatum(int64_div_fast_to_numeric(shares[i].units, SHARE_DIGITS));
		nulls[col] = mass < 0;
		values[col++] = MassGetDatum(mass < 0 ? 0 : result->parts[i]);
		values[col] = BoolGetDatum(shares[i].looped);
		tuplestore_putvalues(result->rows.store, result->rows.desc, values, nulls);
		nulls[all ? 1 : 0] = false;
	}
}

static void
receive_shares(void *arg, const uint32 *lots, uint32 nlots, const Share *shares, uint32 nshares)
{
	TraceResult *result = arg;
	MemoryContext old = MemoryContextSwitchTo(result->row_cxt);

	for (uint32 i = 0; i < nlots; i++)
		if (result->only == NO_LOT || result->only == lots[i])
			put_shares(result, lots[i], shares, nshares);
	MemoryContextSwitchTo(old);
	MemoryContextReset(result->row_cxt);
}

static int
element_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? -1 : element_index(PG_GETARG_ELEMENT(arg));
}

static void
trace_lot(FunctionCallInfo fcinfo, TraceDirection direction)
{
	TraceResult result = {.problem = {.direction = direction}};
	text	   *lot;

	rt_begin_trace_rows(fcinfo, &result.rows);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return;
	lot = PG_GETARG_TEXT_P(1);
	result.row_cxt = AllocSetContextCreate(CurrentMemoryContext, "retrack trace rows",
										   ALLOCSET_DEFAULT_SIZES);
	result.problem.graph = rt_lot_graph_create(PG_GETARG_NAME(0), element_arg(fcinfo, 2));
	SPI_connect();
	result.only = rt_lot_graph_load_from(result.problem.graph, lot, direction);
	SPI_finish();
	rt_solve_shares(&result.problem, receive_shares, &result);
	MemoryContextDelete(result.problem.graph->cxt);
}

Datum
trace_origin(PG_FUNCTION_ARGS)
{
	trace_lot(fcinfo, TRACE_ORIGIN);
	return (Datum) 0;
}

Datum
trace_destination(PG_FUNCTION_ARGS)
{
	trace_lot(fcinfo, TRACE_DESTINATION);
	return (Datum) 0;
}

static bool
by_facility_arg(text *by)
{
	char	   *s = text_to_cstring(by);

	if (strcmp(s, "lot") != 0 && strcmp(s, "facility") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot sum origins by \"%s\"", s),
				 errhint("Valid values are \"lot\" and \"facility\".")));
	return strcmp(s, "facility") == 0;
}

Datum
origin_shares(PG_FUNCTION_ARGS)
{
	TraceResult result = {.problem = {.direction = TRACE_ORIGIN}, .only = NO_LOT};

	rt_begin_many_rows(fcinfo, &result.rows);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		return (Datum) 0;
	result.problem.by_facility = by_facility_arg(PG_GETARG_TEXT_PP(2));
	result.row_cxt = AllocSetContextCreate(CurrentMemoryContext, "retrack trace rows",
										   ALLOCSET_DEFAULT_SIZES);
	result.problem.graph = rt_lot_graph_create(PG_GETARG_NAME(0), element_arg(fcinfo, 1));
	SPI_connect();
	rt_lot_graph_load_all(result.problem.graph);
	SPI_finish();
	rt_solve_shares(&result.problem, receive_shares, &result);
	MemoryContextDelete(result.problem.graph->cxt);
	return (Datum) 0;
}
