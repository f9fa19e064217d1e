/*
 * fdw/retrack_fdw.c
 *		Handler of the foreign data wrapper.
 */
#include "retrack.h"

#include "foreign/fdwapi.h"

#include "fdw/import.h"
#include "fdw/plan.h"
#include "fdw/scan.h"

PG_FUNCTION_INFO_V1(retrack_fdw_handler);

Datum
retrack_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = rt_get_rel_size;
	routine->GetForeignPaths = rt_get_paths;
	routine->GetForeignPlan = rt_get_plan;
	routine->BeginForeignScan = rt_begin_scan;
	routine->IterateForeignScan = rt_iterate_scan;
	routine->ReScanForeignScan = rt_rescan;
	routine->EndForeignScan = rt_end_scan;
	/* no ShutdownForeignScan: the executor calls it after each FETCH of a cursor, too */
	routine->ExplainForeignScan = rt_explain_scan;
	routine->AnalyzeForeignTable = rt_analyze_table;
	routine->ImportForeignSchema = rt_import_foreign_schema;
	routine->IsForeignPathAsyncCapable = rt_is_async_capable;
	routine->ForeignAsyncRequest = rt_async_request;
	routine->ForeignAsyncConfigureWait = rt_async_configure_wait;
	routine->ForeignAsyncNotify = rt_async_notify;
	PG_RETURN_POINTER(routine);
}
