/*
 * trace_result.c
 *		Materialised results, for 14 on (15 brought a helper of core's).
 */
#include "trace_result.h"

#include "miscadmin.h"
#include "utils/memutils.h"

static void
begin_rows(FunctionCallInfo fcinfo, TraceRows *rows, bool packed)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || !(rsinfo->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &rows->desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (packed)
		MemoryContextSwitchTo(rt_generation_context(CurrentMemoryContext, "retrack trace rows"));
	rows->store = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
										false, work_mem);
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = rows->store;
	rsinfo->setDesc = rows->desc;
	MemoryContextSwitchTo(old);
}

void
rt_begin_trace_rows(FunctionCallInfo fcinfo, TraceRows *rows)
{
	begin_rows(fcinfo, rows, false);
}

void
rt_begin_many_rows(FunctionCallInfo fcinfo, TraceRows *rows)
{
	begin_rows(fcinfo, rows, true);
}
