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

#endif							/* RT_TRACE_RESULT_H */
