/*
 * chain/shares.h
 *		Shares of the sources of every lot of a graph, in one pass.
 *
 * "Source" is seen along the direction of the trace: for an origin trace a
 * lot's predecessors are its inputs and the sources are origins; for a
 * destination trace they are its outputs and the sources are destinations.
 *
 * A share is a whole number of units of 1 / SHARE_ONE.  A lot's mix is the mean
 * of its predecessors' mixes, weighted by mass, apportioned to whole units by
 * largest remainder.  So the shares of a lot always sum to exactly 1, and each is
 * within d units of the exact rational value, where d is the number of steps of
 * the longest way to it: apportioning moves an entry by less than a unit, and
 * a weighted mean of values wrong by at most d - 1 units is wrong by at most d - 1.
 * (Rationals themselves would need denominators as long as the graph is deep.)
 *
 * Lots on a common cycle are one pool: what circulates cannot be told apart, so
 * each of them has the mix of all that enters the pool from outside.  A pool
 * that nothing enters is its own source, under the smallest of its lots' names.
 */
#ifndef RT_SHARES_H
#define RT_SHARES_H

#include "chain/lot_graph.h"

#define SHARE_DIGITS 18
#define SHARE_ONE INT64CONST(1000000000000000000)

typedef struct Share
{
	int64		units;
	uint32		source;			/* a lot, or what source_key made of it */
	bool		looped;			/* came through a pool of more than one lot */
} Share;

/* Predecessors of each lot: entries start[lot] .. start[lot + 1] - 1. */
typedef struct Predecessors
{
	uint32		nlots;
	uint32	   *start;
	uint32	   *lot;
	int64	   *mass;			/* mg, >= 0 */
} Predecessors;

typedef struct ShareProblem
{
	LotGraph   *graph;
	TraceDirection direction;
	bool		by_facility;	/* sources are facilities, not lots */
} ShareProblem;

/* One call for each pool (most are a single lot), predecessors first. */
typedef void (*ShareSink) (void *arg, const uint32 *lots, uint32 nlots,
						   const Share *shares, uint32 nshares);
typedef void (*ComponentSink) (void *arg, const uint32 *lots, uint32 nlots);

/* Everything is allocated in the graph's context. */
extern Predecessors *rt_predecessors(LotGraph *graph, TraceDirection direction);
extern void rt_walk_components(LotGraph *graph, const Predecessors *p, ComponentSink sink, void *arg);
extern void rt_solve_shares(const ShareProblem *problem, ShareSink sink, void *arg);

/*
 * Divides total >= 0 in proportion to the shares, to whole units that sum to
 * total exactly, by largest remainder, ties by the source's name.
 */
extern void rt_apportion_shares(const NameTable *sources, const Share *shares, uint32 n,
								int64 total, int64 *parts);

#endif							/* RT_SHARES_H */
