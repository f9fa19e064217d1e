/*
 * balance/sequences.h
 *		Balances of one facility in order of periods: what cumuf, sitmuf,
 *		gemuf and page_test have in common.
 */
#ifndef RT_SEQUENCES_H
#define RT_SEQUENCES_H

#include "balance/balance.h"

/* How far a sequence came. */
typedef struct SequenceEnd
{
	MemoryContext cxt;			/* the aggregate's */
	int			periods;
	Balance    *last;			/* a copy of the last one, in cxt */
} SequenceEnd;

/*
 * Takes one period more: its opening must be what the period before closed
 * with, in sum, variance and the instruments' biases, for each element of mask
 * (error RTB02).
 */
extern void rt_sequence_follow(SequenceEnd *end, Balance *b, uint32 mask);

/* Argument of an aggregate over one element, NULL refused (22004). */
extern int	rt_sequence_element(FunctionCallInfo fcinfo, int argument);

/* The result row of a final function, of its declared composite type. */
extern Datum rt_sequence_row(FunctionCallInfo fcinfo, Datum *value, bool *null);

#endif							/* RT_SEQUENCES_H */
