/*
 * rules/guard.h
 *		What the triggers on licences and on quotas have in common.
 */
#ifndef RT_RULES_GUARD_H
#define RT_RULES_GUARD_H

#include "retrack.h"
#include "commands/trigger.h"
#include "rules/books.h"

/* Protocol: fired FOR EACH ROW; raises 39P01 otherwise. */
extern void rt_check_row_trigger(FunctionCallInfo fcinfo, const char *function);

/* Whether the trigger's argument is 'mode=record'; raises 22023 for another than that or 'mode=reject'. */
extern bool rt_trigger_records(TriggerData *trigdata, const char *function);

/*
 * BEFORE INSERT or UPDATE: raises RTL15 if one of the columns (NULL-ended) is
 * given or changed.  Returns the tuple to go on with.
 */
extern HeapTuple rt_guard_ledger(TriggerData *trigdata, const char *const *columns);

/* A ledger row itself breaks a rule: raises it, or records it under the row's key. */
extern void rt_violation_of_row(Books *b, Relation rel, bool record, int sqlstate,
								const char *row_key, const char *message);

/*
 * Refuses a TRUNCATE with the given state: what rows drew on those that go would
 * be forgotten, and terms that sessions remember would stay.
 */
extern void rt_guard_truncate(TriggerData *trigdata, int sqlstate);

#endif							/* RT_RULES_GUARD_H */
