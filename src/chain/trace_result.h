/*
 * chain/trace_result.h
 *		The set of rows a tracing function returns.
 */
#ifndef RT_TRACE_RESULT_H
#define RT_TRACE_RESULT_H

#include "chain/lot_graph.h"
#include "funcapi.h"

typedef struct TraceRows
{
	Tuplestorestate *store;
	TupleDesc	desc;
} TraceRows;

/* Sets up a materialised result of the calling function; raises 0A000 if the caller takes none. */
extern void rt_begin_trace_rows(FunctionCallInfo fcinfo, TraceRows *rows);

/*
 * The same for rows counted in millions: they are packed instead of each rounded up to a power of two, which
 * saves a third of the memory.  The context for that outlives the store until the end of the query, so functions that
 * a query calls once for each lot do without.
 */
extern void rt_begin_many_rows(FunctionCallInfo fcinfo, TraceRows *rows);

#endif							/* RT_TRACE_RESULT_H */
