/*
 * element_weights.c
 *		What of an element goes along each edge of a destination trace.
 *
 * A lot that is separated gives its masses to outputs of other compositions, so the
 * element does not go where the mass goes.  What an output's assay says it holds
 * is shared out among its inputs by what each brought (mass taken x the input's assay);
 * no input is said to have given more than it brought.  Of an output without an
 * assay or a mass all that is known is what was brought.
 */
#include "element_weights.h"

#include "balance/wide_int.h"
#include "utils/memutils.h"

#define MAX_SCALE 40

static void *
graph_alloc(LotGraph *graph, Size count, Size size)
{
	return MemoryContextAllocExtended(graph->cxt, Max(count, 1) * size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* a * b / c, rounded down; a <= c or b <= c, so it fits. */
static uint128
scale_amount(uint128 a, uint128 b, uint128 c)
{
	uint64_t	x[2] = {(uint64) a, (uint64) (a >> 64)};
	uint64_t	y[2] = {(uint64) b, (uint64) (b >> 64)};
	uint64_t	divisor[4] = {(uint64) c, (uint64) (c >> 64), 0, 0};
	uint64_t	product[4];
	uint64_t	quotient[4];

	wide_multiply(product, x, 2, y, 2);
	wide_divide(quotient, product, divisor, 4);
	return (uint128) quotient[1] << 64 | quotient[0];
}

/* Bits by which the sum of all the graph's weights can be shifted. */
static int
weight_scale(uint128 total)
{
	int			scale = 0;

	while (scale < MAX_SCALE && (total << scale) >> 126 == 0)
		scale++;
	return scale;
}

ElementWeights
rt_element_weights(LotGraph *graph, const Predecessors *p, const int64 *kept)
{
	const LotFacts *facts = graph->facts;
	ElementWeights weights;
	uint128	   *brought = graph_alloc(graph, p->nlots, sizeof(uint128));
	uint128		total = 0;		/* < 2^32 terms below 2^93 */
	int			scale;

	weights.edge = graph_alloc(graph, graph->nedges, sizeof(uint128));
	weights.kept = graph_alloc(graph, p->nlots, sizeof(uint128));
	for (uint32 i = 0; i < p->nlots; i++)
	{
		weights.kept[i] = (uint128) kept[i] * facts[i].ppb;
		total += weights.kept[i];
		for (uint32 k = p->start[i]; k < p->start[i + 1]; k++)
		{
			weights.edge[k] = (uint128) p->mass[k] * facts[i].ppb;
			brought[p->lot[k]] += weights.edge[k];
			total += weights.edge[k];
		}
	}
	scale = weight_scale(total);
	for (uint32 i = 0; i < p->nlots; i++)
		weights.kept[i] <<= scale;
	for (uint32 k = 0; k < graph->nedges; k++)
	{
		const LotFacts *output = &facts[p->lot[k]];
		uint128		all = brought[p->lot[k]];
		uint128		holds = (uint128) Max(output->mass, 0) * output->ppb;

		weights.edge[k] <<= scale;
		if (output->assayed && output->mass >= 0 && holds < all)
			weights.edge[k] = scale_amount(weights.edge[k], holds, all);
	}
	pfree(brought);
	return weights;
}
