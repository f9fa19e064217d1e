/*
 * chain/lot_graph.h
 *		A registry's lots and lot edges in memory, for the functions that trace
 *		material through them.
 *
 * Lots are numbered in the order they are met.  Everything hangs off one
 * memory context, which the caller of rt_lot_graph_create owns.
 */
#ifndef RT_LOT_GRAPH_H
#define RT_LOT_GRAPH_H

#include "retrack.h"
#include "types/element.h"

#define NO_LOT PG_UINT32_MAX

typedef struct LotEdge
{
	uint32		input;
	uint32		output;
	int64		mass;			/* mg, >= 0 */
} LotEdge;

/* Texts interned to dense numbers. */
typedef struct NameTable
{
	MemoryContext cxt;
	uint32		count;
	uint32		capacity;
	text	  **name;			/* by number; short or plain varlena headers */
	uint32		slots;			/* power of two */
	uint64	   *slot;			/* hash << 32 | number + 1; 0 is free */
	uint64	   *recent;			/* slots met lately, by hash: rows that name a lot stand close together */
	char	   *arena;			/* where the next name goes */
	Size		arena_left;
} NameTable;

/* What the lot table says of a lot. */
typedef struct LotFacts
{
	int64		mass;			/* mg; -1: unknown (no row, NULL or negative) */
	uint32		ppb;			/* of the element asked for; 0 if none is */
	bool		assayed;		/* an element is asked for and the lot has an assay */
	uint32		facility;		/* number in graph->facilities, or NO_LOT */
	bool		listed;			/* has a row in the lot table */
} LotFacts;

typedef struct LotGraph
{
	MemoryContext cxt;
	Name		registry;
	char	   *schema;			/* quoted */
	int			element;		/* dense index, or -1: by gross mass */
	NameTable	lots;
	NameTable	facilities;
	LotFacts   *facts;			/* by lot number */
	uint32		facts_capacity;
	LotEdge    *edges;
	uint32		nedges;
	uint32		edges_capacity;
} LotGraph;

typedef enum TraceDirection
{
	TRACE_ORIGIN,				/* against the edges: where material came from */
	TRACE_DESTINATION			/* along the edges: where it went */
} TraceDirection;

/*
 * Makes an empty graph of the registry's.  Raises RTR02 if the schema is not
 * there or has no table lot or lot_edge.  The graph lives in a new child of
 * the current context: MemoryContextDelete(graph->cxt) frees it.
 */
extern LotGraph *rt_lot_graph_create(Name registry, int element);

/*
 * The loaders run queries as the caller, so row security applies; they need
 * SPI_connect.  A NULL or negative edge mass is RTC02.
 */
extern void rt_lot_graph_load_all(LotGraph *graph);

/*
 * Loads all that is reachable from a lot; returns its number. RTC01 if it is not in the lot table.
 * For an element's destinations, what else went into the lots reached is loaded too.
 */
extern uint32 rt_lot_graph_load_from(LotGraph *graph, text *lot, TraceDirection direction);

/* Number of a name, entered if new. */
extern uint32 rt_name_intern(NameTable *table, const char *s, int len);

/* Order of two interned names: by bytes. */
extern int	rt_name_cmp(const NameTable *table, uint32 a, uint32 b);

#endif							/* RT_LOT_GRAPH_H */
