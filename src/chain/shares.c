/*
 * shares.c
 *		Solves the shares of all sources through a lot graph.
 *
 * Tarjan's algorithm, following edges to predecessors, closes each strongly
 * connected component after all that lead into it: so one walk in time linear in
 * the edges is at once the topological order and the search for cycles.  A mix
 * is freed when the last lot that needs it has used it.
 */
#include "shares.h"

#include "chain/element_weights.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* sum of weights * SHARE_ONE must fit 128 bits */
#define WEIGHT_BITS 67

static void *
graph_alloc(LotGraph *graph, Size count, Size size)
{
	return MemoryContextAllocExtended(graph->cxt, Max(count, 1) * size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

Predecessors *
rt_predecessors(LotGraph *graph, TraceDirection direction)
{
	Predecessors *p = graph_alloc(graph, 1, sizeof(Predecessors));
	uint32	   *at;

	p->nlots = graph->lots.count;
	p->start = graph_alloc(graph, (Size) p->nlots + 1, sizeof(uint32));
	p->lot = graph_alloc(graph, graph->nedges, sizeof(uint32));
	p->mass = graph_alloc(graph, graph->nedges, sizeof(int64));
	for (uint32 i = 0; i < graph->nedges; i++)
		p->start[1 + (direction == TRACE_ORIGIN ? graph->edges[i].output : graph->edges[i].input)]++;
	for (uint32 i = 0; i < p->nlots; i++)
		p->start[i + 1] += p->start[i];
	at = graph_alloc(graph, p->nlots, sizeof(uint32));
	memcpy(at, p->start, (Size) p->nlots * sizeof(uint32));
	for (uint32 i = 0; i < graph->nedges; i++)
	{
		const LotEdge *e = &graph->edges[i];
		uint32		k = at[direction == TRACE_ORIGIN ? e->output : e->input]++;

		p->lot[k] = direction == TRACE_ORIGIN ? e->input : e->output;
		p->mass[k] = e->mass;
	}
	pfree(at);
	return p;
}

/* ---- strongly connected components ---- */

typedef struct Tarjan
{
	const Predecessors *p;
	uint32	   *index;			/* order of visit + 1; 0: not visited */
	uint32	   *low;			/* PG_UINT32_MAX: its component is closed */
	uint32	   *next;			/* next edge to follow */
	uint32	   *stack;			/* visited, component still open */
	uint32		nstack;
	uint32	   *path;			/* way from the root to the lot being visited */
	uint32		npath;
	uint32		visited;
	ComponentSink sink;
	void	   *arg;
} Tarjan;

static void
enter_lot(Tarjan *t, uint32 lot)
{
	t->index[lot] = t->low[lot] = ++t->visited;
	t->next[lot] = t->p->start[lot];
	t->stack[t->nstack++] = lot;
	t->path[t->npath++] = lot;
	if (t->visited % 1024 == 0)
		CHECK_FOR_INTERRUPTS();
}

/* All edges of the lot on top of the path are done. */
static void
leave_lot(Tarjan *t)
{
	uint32		lot = t->path[--t->npath];

	if (t->npath > 0)
	{
		uint32		parent = t->path[t->npath - 1];

		t->low[parent] = Min(t->low[parent], t->low[lot]);
	}
	if (t->low[lot] == t->index[lot])
	{
		uint32		first = t->nstack;

		do
			t->low[t->stack[--first]] = PG_UINT32_MAX;
		while (t->stack[first] != lot);
		t->sink(t->arg, t->stack + first, t->nstack - first);
		t->nstack = first;
	}
}

/* Visits all lots that lead to root, and were not visited, without recursion: chains may be long. */
static void
visit_lots(Tarjan *t, uint32 root)
{
	enter_lot(t, root);
	while (t->npath > 0)
	{
		uint32		lot = t->path[t->npath - 1];
		uint32		to;

		if (t->next[lot] == t->p->start[lot + 1])
		{
			leave_lot(t);
			continue;
		}
		to = t->p->lot[t->next[lot]++];
		if (t->index[to] == 0)
			enter_lot(t, to);
		else if (t->low[to] != PG_UINT32_MAX)
			t->low[lot] = Min(t->low[lot], t->index[to]);
	}
}

/* Which lots are nobody's predecessor. */
static bool *
find_ends(LotGraph *graph, const Predecessors *p)
{
	bool	   *end = graph_alloc(graph, p->nlots, sizeof(bool));

	memset(end, true, p->nlots);
	for (uint32 k = 0; k < p->start[p->nlots]; k++)
		end[p->lot[k]] = false;
	return end;
}

/*
 * Starts from the ends, so that a lot is closed when one behind it needs it and
 * not long before: what is at hand at any moment stays small and in the cache,
 * where walking the lots as they are numbered would hold whole stages of a
 * chain at once.  Only cycles that lead nowhere are left for the second round.
 */
void
rt_walk_components(LotGraph *graph, const Predecessors *p, ComponentSink sink, void *arg)
{
	Tarjan		t = {.p = p, .sink = sink, .arg = arg};
	bool	   *end = find_ends(graph, p);

	t.index = graph_alloc(graph, p->nlots, sizeof(uint32));
	t.low = graph_alloc(graph, p->nlots, sizeof(uint32));
	t.next = graph_alloc(graph, p->nlots, sizeof(uint32));
	t.stack = graph_alloc(graph, p->nlots, sizeof(uint32));
	t.path = graph_alloc(graph, p->nlots, sizeof(uint32));
	for (uint32 i = 0; i < p->nlots; i++)
		if (end[i])
			visit_lots(&t, i);
	for (uint32 i = 0; i < p->nlots; i++)
		if (t.index[i] == 0)
			visit_lots(&t, i);
}

/* ---- apportioning ---- */

typedef struct Part
{
	uint128	rest;
	uint32		at;
	uint32		source;
} Part;

static int
compare_parts(const void *a, const void *b, void *sources)
{
	const Part *x = a;
	const Part *y = b;

	if (x->rest != y->rest)
		return x->rest > y->rest ? -1 : 1;
	return rt_name_cmp(sources, x->source, y->source);
}

/*
 * parts[i] = whole part of part[i].rest / divisor, and the units missing to
 * total go to the largest remainders.  The caller has the sum of all rests =
 * total * divisor, so fewer units are missing than there are parts.
 */
static void
apportion(const NameTable *sources, Part *part, uint32 n, uint128 divisor, int64 total, int64 *parts)
{
	int64		missing = total;

	for (uint32 i = 0; i < n; i++)
	{
		parts[i] = (int64) (part[i].rest / divisor);
		part[i].rest %= divisor;
		part[i].at = i;
		missing -= parts[i];
	}
	Assert(missing >= 0 && missing < Max(n, 1));
	if (missing == 0)
		return;
	qsort_arg(part, n, sizeof(Part), compare_parts, unconstify(NameTable *, sources));
	for (int64 i = 0; i < missing; i++)
		parts[part[i].at]++;
}

void
rt_apportion_shares(const NameTable *sources, const Share *shares, uint32 n, int64 total, int64 *parts)
{
	Part	   *part = MemoryContextAllocHuge(CurrentMemoryContext, (Size) Max(n, 1) * sizeof(Part));

	for (uint32 i = 0; i < n; i++)
	{
		part[i].rest = (uint128) shares[i].units * (uint128) total;
		part[i].source = shares[i].source;
	}
	apportion(sources, part, n, SHARE_ONE, total, parts);
	pfree(part);
}

/* ---- mixes ---- */

typedef struct Mix
{
	uint32		uses;			/* edges that will still ask for it */
	uint32		nshares;
	Share		shares[FLEXIBLE_ARRAY_MEMBER];
} Mix;

typedef struct Solver
{
	const ShareProblem *problem;
	LotGraph   *graph;
	const NameTable *sources;
	const Predecessors *p;
	int64	   *kept;			/* mass that goes nowhere, by lot; NULL for origins */
	ElementWeights element;		/* in place of masses for an element's destinations; else NULLs */
	uint32	   *uses;			/* edges that ask for a lot's mix */
	Mix		  **mix;			/* by lot */
	uint32	   *pool;			/* by lot: number of its component, 0: not yet */
	uint32		npools;
	uint128  *sum;			/* by source, weight * units */
	bool	   *looped;			/* by source */
	uint32	   *touched;		/* sources with a sum in this pool */
	uint32		ntouched;
	Part	   *part;			/* scratch, as long as the longest mix so far */
	int64	   *units;
	uint32		scratch;
	ShareSink	sink;
	void	   *arg;
} Solver;

static uint32
source_key(const Solver *s, uint32 lot)
{
	if (!s->problem->by_facility)
		return lot;
	return s->graph->facts[lot].facility;
}

static void
add_share(Solver *s, uint32 source, uint128 amount, bool looped)
{
	if (amount == 0)
		return;
	if (s->sum[source] == 0)
	{
		s->touched[s->ntouched++] = source;
		s->looped[source] = false;
	}
	s->sum[source] += amount;
	s->looped[source] |= looped;
}

/*
 * Weight of the k-th predecessor edge: its mass; for an element's origins
 * times the fraction of the element in the input, in ppb.
 */
static uint128
edge_weight(const Solver *s, uint32 k)
{
	if (s->element.edge)
		return s->element.edge[k];
	if (s->graph->element < 0)
		return s->p->mass[k];
	return (uint128) s->p->mass[k] * s->graph->facts[s->p->lot[k]].ppb;
}

static uint128
kept_weight(const Solver *s, uint32 lot)
{
	if (s->element.kept)
		return s->element.kept[lot];
	return s->kept ? s->kept[lot] : 0;
}

/* Sum of all weights that enter the pool, each shifted right. */
static uint128
pool_weight(const Solver *s, const uint32 *lots, uint32 nlots, int shift)
{
	uint128	weight = 0;

	for (uint32 i = 0; i < nlots; i++)
	{
		weight += kept_weight(s, lots[i]) >> shift;
		for (uint32 k = s->p->start[lots[i]]; k < s->p->start[lots[i] + 1]; k++)
			if (s->pool[s->p->lot[k]] != s->npools)
				weight += edge_weight(s, k) >> shift;
	}
	return weight;
}

/* Bits to drop of each weight so that sums of weight * units fit. */
static int
weight_shift(uint128 weight)
{
	int			shift = 0;

	while (weight >> shift >> WEIGHT_BITS != 0)
		shift++;
	return shift;
}

static void
release_mix(Solver *s, uint32 lot)
{
	Mix		   *mix = s->mix[lot];

	if (--mix->uses == 0)
		pfree(mix);
}

/* Adds up what enters the pool from outside, and lets go of the mixes it came from. */
static void
blend_inputs(Solver *s, const uint32 *lots, uint32 nlots, int shift)
{
	for (uint32 i = 0; i < nlots; i++)
	{
		uint128	kept = kept_weight(s, lots[i]) >> shift;

		if (kept != 0)
			add_share(s, source_key(s, lots[i]), kept * SHARE_ONE, nlots > 1);
		for (uint32 k = s->p->start[lots[i]]; k < s->p->start[lots[i] + 1]; k++)
		{
			uint32		from = s->p->lot[k];
			uint128	weight;
			Mix		   *mix;

			if (s->pool[from] == s->npools)
				continue;
			weight = edge_weight(s, k) >> shift;
			mix = s->mix[from];
			for (uint32 j = 0; j < mix->nshares; j++)
				add_share(s, mix->shares[j].source, weight * (uint128) mix->shares[j].units,
						  mix->shares[j].looped || nlots > 1);
			release_mix(s, from);
		}
	}
}

static uint32
smallest_lot(const Solver *s, const uint32 *lots, uint32 nlots)
{
	uint32		best = lots[0];

	for (uint32 i = 1; i < nlots; i++)
		if (rt_name_cmp(&s->graph->lots, lots[i], best) < 0)
			best = lots[i];
	return best;
}

static void
reserve_scratch(Solver *s)
{
	uint32		n = Max(64, s->ntouched * 2);

	if (s->ntouched <= s->scratch)
		return;
	if (s->scratch > 0)
	{
		pfree(s->part);
		pfree(s->units);
	}
	s->part = graph_alloc(s->graph, n, sizeof(Part));
	s->units = graph_alloc(s->graph, n, sizeof(int64));
	s->scratch = n;
}

/* Turns the sums into a mix whose units add up to SHARE_ONE; shares below a unit fall away. */
static Mix *
make_mix(Solver *s, uint128 weight)
{
	Mix		   *mix = MemoryContextAllocHuge(s->graph->cxt, offsetof(Mix, shares) +
											 (Size) s->ntouched * sizeof(Share));

	reserve_scratch(s);
	for (uint32 i = 0; i < s->ntouched; i++)
	{
		s->part[i].rest = s->sum[s->touched[i]];
		s->part[i].source = s->touched[i];
		s->sum[s->touched[i]] = 0;
	}
	apportion(s->sources, s->part, s->ntouched, weight, SHARE_ONE, s->units);
	mix->nshares = 0;
	for (uint32 i = 0; i < s->ntouched; i++)
		if (s->units[i] > 0)
		{
			Share	   *share = &mix->shares[mix->nshares++];

			share->units = s->units[i];
			share->source = s->touched[i];
			share->looped = s->looped[s->touched[i]];
		}
	s->ntouched = 0;
	return mix;
}

/* How many edges from outside the pool will ask for its mix. */
static uint32
count_uses(const Solver *s, const uint32 *lots, uint32 nlots)
{
	uint32		uses = 0;

	for (uint32 i = 0; i < nlots; i++)
	{
		uses += s->uses[lots[i]];
		for (uint32 k = s->p->start[lots[i]]; k < s->p->start[lots[i] + 1]; k++)
			if (s->pool[s->p->lot[k]] == s->npools)
				uses--;
	}
	return uses;
}

static void
solve_component(void *arg, const uint32 *lots, uint32 nlots)
{
	Solver	   *s = arg;
	uint128	weight;
	int			shift;
	Mix		   *mix;

	s->npools++;
	for (uint32 i = 0; i < nlots; i++)
		s->pool[lots[i]] = s->npools;
	shift = weight_shift(pool_weight(s, lots, nlots, 0));
	weight = pool_weight(s, lots, nlots, shift);
	blend_inputs(s, lots, nlots, shift);
	if (weight == 0)
	{
		weight = 1;
		add_share(s, source_key(s, smallest_lot(s, lots, nlots)), SHARE_ONE, nlots > 1);
	}
	mix = make_mix(s, weight);
	s->sink(s->arg, lots, nlots, mix->shares, mix->nshares);
	mix->uses = count_uses(s, lots, nlots);
	for (uint32 i = 0; i < nlots; i++)
		s->mix[lots[i]] = mix;
	if (mix->uses == 0)
		pfree(mix);
}

/* Mass of each lot that none of its edges takes away. */
static int64 *
kept_masses(LotGraph *graph)
{
	int64	   *kept = graph_alloc(graph, graph->lots.count, sizeof(int64));

	for (uint32 i = 0; i < graph->lots.count; i++)
		kept[i] = Max(0, graph->facts[i].mass);
	for (uint32 i = 0; i < graph->nedges; i++)
	{
		int64	   *k = &kept[graph->edges[i].input];

		*k -= Min(*k, graph->edges[i].mass);
	}
	return kept;
}

void
rt_solve_shares(const ShareProblem *problem, ShareSink sink, void *arg)
{
	LotGraph   *graph = problem->graph;
	uint32		n = graph->lots.count;
	uint32		nsources;
	Solver		s = {.problem = problem, .graph = graph, .sink = sink, .arg = arg};

	/* Lots of an unknown facility share one nameless source. */
	if (problem->by_facility)
		for (uint32 i = 0; i < n; i++)
			if (graph->facts[i].facility == NO_LOT)
				graph->facts[i].facility = rt_name_intern(&graph->facilities, "", 0);
	s.sources = problem->by_facility ? &graph->facilities : &graph->lots;
	nsources = s.sources->count;
	s.p = rt_predecessors(graph, problem->direction);
	if (problem->direction == TRACE_DESTINATION)
	{
		s.kept = kept_masses(graph);
		if (graph->element >= 0)
			s.element = rt_element_weights(graph, s.p, s.kept);
	}
	s.uses = graph_alloc(graph, n, sizeof(uint32));
	for (uint32 k = 0; k < graph->nedges; k++)
		s.uses[s.p->lot[k]]++;
	s.mix = graph_alloc(graph, n, sizeof(Mix *));
	s.pool = graph_alloc(graph, n, sizeof(uint32));
	s.sum = graph_alloc(graph, nsources, sizeof(uint128));
	s.looped = graph_alloc(graph, nsources, sizeof(bool));
	s.touched = graph_alloc(graph, nsources, sizeof(uint32));
	rt_walk_components(graph, s.p, solve_component, &s);
}
