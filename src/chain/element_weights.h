/*
 * chain/element_weights.h
 *		What of an element goes along each edge of a destination trace.
 */
#ifndef RT_ELEMENT_WEIGHTS_H
#define RT_ELEMENT_WEIGHTS_H

#include "chain/shares.h"

typedef struct ElementWeights
{
	uint128	   *edge;			/* by predecessor edge: units that go along */
	uint128	   *kept;			/* by lot: units that stay */
} ElementWeights;

/*
 * p has TRACE_DESTINATION's predecessors (a lot's outputs), with all edges into each
 * output; kept is the gross mass that stays, by lot.  The unit is mg x ppb / 2^n, with n
 * so large that the sum of all weights still fits 127 bits.  Allocated in the graph's context.
 */
extern ElementWeights rt_element_weights(LotGraph *graph, const Predecessors *p, const int64 *kept);

#endif							/* RT_ELEMENT_WEIGHTS_H */
