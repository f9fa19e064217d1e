/*
 * lot_cycles.c
 *		lot_cycles: which lots are, through others, inputs of themselves.
 */
#include "chain/shares.h"
#include "chain/trace_result.h"

#include "executor/spi.h"

PG_FUNCTION_INFO_V1(lot_cycles);

typedef struct CycleResult
{
	LotGraph   *graph;
	const Predecessors *p;
	TraceRows	rows;
} CycleResult;

static bool
feeds_itself(const Predecessors *p, uint32 lot)
{
	for (uint32 k = p->start[lot]; k < p->start[lot + 1]; k++)
		if (p->lot[k] == lot)
			return true;
	return false;
}

static void
put_cycle(void *arg, const uint32 *lots, uint32 nlots)
{
	CycleResult *result = arg;
	const NameTable *names = &result->graph->lots;
	bool		nulls[3] = {false};
	uint32		first = lots[0];

	if (nlots == 1 && !feeds_itself(result->p, lots[0]))
		return;
	for (uint32 i = 1; i < nlots; i++)
		if (rt_name_cmp(names, lots[i], first) < 0)
			first = lots[i];
	for (uint32 i = 0; i < nlots; i++)
	{
		Datum		values[3] = {
			PointerGetDatum(names->name[first]),
			PointerGetDatum(names->name[lots[i]]),
			Int32GetDatum((int32) nlots)
		};

		tuplestore_putvalues(result->rows.store, result->rows.desc, values, nulls);
	}
}

Datum
lot_cycles(PG_FUNCTION_ARGS)
{
	CycleResult result = {0};

	rt_begin_trace_rows(fcinfo, &result.rows);
	result.graph = rt_lot_graph_create(PG_GETARG_NAME(0), -1);
	SPI_connect();
	rt_lot_graph_load_all(result.graph);
	SPI_finish();
	result.p = rt_predecessors(result.graph, TRACE_ORIGIN);
	rt_walk_components(result.graph, result.p, put_cycle, &result);
	MemoryContextDelete(result.graph->cxt);
	return (Datum) 0;
}
