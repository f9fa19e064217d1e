/*
 * rules/keep_controls.c
 *		keep_controls(): trigger on control_list, before and after each statement.
 *		Every session that remembers the list reads it again once the change is
 *		committed, and this one after an abort, whatever it read meanwhile.
 */
#include "retrack.h"

#include "commands/trigger.h"
#include "rules/doubts.h"
#include "utils/inval.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(keep_controls);

Datum
keep_controls(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_controls must be called as a trigger")));
	rt_doubt(DOUBT_CONTROLS);
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}
