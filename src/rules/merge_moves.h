/*
 * rules/merge_moves.h
 *		Rows that MERGE moves to another partition are shown to the triggers.
 */
#ifndef RT_RULES_MERGE_MOVES_H
#define RT_RULES_MERGE_MOVES_H

#include "retrack.h"
#include "commands/trigger.h"

/* At load time. */
extern void rt_merge_moves_init(void);

/*
 * Refuses (0A000) the update if it may be a MERGE that began before this library
 * was loaded, and can have moved rows.
 */
extern void rt_merge_moves_check(TriggerData *trigdata);

#endif							/* RT_RULES_MERGE_MOVES_H */
