/*
 * rules/rebooked.h
 *		Ledgers that were recomputed while a statement was under way.
 */
#ifndef RT_RULES_REBOOKED_H
#define RT_RULES_REBOOKED_H

#include "retrack.h"
#include "commands/trigger.h"
#include "rules/books.h"

/* Notes that the licence's ledger, or all quotas', or both of all, were set to what rows draw. */
extern void rt_note_rebooked_licence(const Books *b, LicenceId licence);
extern void rt_note_rebooked_quotas(const Books *b);
extern void rt_note_rebooked_all(const Books *b);

/*
 * To be asked once the statement is booked, within its snapshot: raises 0A000 if its
 * rows were counted before, because the ledger was recomputed meanwhile.
 */
extern void rt_check_booked_licence(Books *b, TriggerData *trigdata, LicenceId licence);
extern void rt_check_booked_quotas(Books *b, TriggerData *trigdata);

#endif							/* RT_RULES_REBOOKED_H */
