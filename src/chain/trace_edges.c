/*
 * trace_edges.c
 *		trace_edges: the part of the lot graph that a lot's material passed
 *		through, as rows; what trace_dot draws.
 */
#include "chain/shares.h"
#include "chain/trace_result.h"

#include "executor/spi.h"
#include "types/mass.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(trace_edges);

typedef struct Pools
{
	uint32	   *pool;			/* by lot; lots of one cycle have the same number, from 1 */
	uint32		npools;
} Pools;

static void
number_pool(void *arg, const uint32 *lots, uint32 nlots)
{
	Pools	   *pools = arg;

	pools->npools++;
	for (uint32 i = 0; i < nlots; i++)
		pools->pool[lots[i]] = pools->npools;
}

static TraceDirection
direction_arg(text *direction)
{
	char	   *s = text_to_cstring(direction);

	if (strcmp(s, "origin") == 0)
		return TRACE_ORIGIN;
	if (strcmp(s, "destination") == 0)
		return TRACE_DESTINATION;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot trace in direction \"%s\"", s),
			 errhint("Valid values are \"origin\" and \"destination\".")));
}

Datum
trace_edges(PG_FUNCTION_ARGS)
{
	TraceDirection direction = direction_arg(PG_GETARG_TEXT_PP(2));
	LotGraph   *graph;
	TraceRows	rows;
	Pools		pools = {0};

	rt_begin_trace_rows(fcinfo, &rows);
	graph = rt_lot_graph_create(PG_GETARG_NAME(0), -1);
	SPI_connect();
	(void) rt_lot_graph_load_from(graph, PG_GETARG_TEXT_P(1), direction);
	SPI_finish();
	pools.pool = MemoryContextAllocExtended(graph->cxt, graph->lots.count * sizeof(uint32),
											MCXT_ALLOC_HUGE);
	rt_walk_components(graph, rt_predecessors(graph, direction), number_pool, &pools);
	for (uint32 i = 0; i < graph->nedges; i++)
	{
		const LotEdge *e = &graph->edges[i];
		bool		nulls[4] = {false};
		Datum		values[4] = {
			PointerGetDatum(graph->lots.name[e->input]),
			PointerGetDatum(graph->lots.name[e->output]),
			MassGetDatum(e->mass),
			BoolGetDatum(pools.pool[e->input] == pools.pool[e->output])
		};

		tuplestore_putvalues(rows.store, rows.desc, values, nulls);
	}
	MemoryContextDelete(graph->cxt);
	return (Datum) 0;
}
