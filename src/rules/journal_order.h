/*
 * rules/journal_order.h
 *		Rows that change more than once in a statement, by its triggers and foreign keys.
 */
#ifndef RT_RULES_JOURNAL_ORDER_H
#define RT_RULES_JOURNAL_ORDER_H

#include "retrack.h"
#include "rules/row_values.h"
#include "rules/rows.h"

/*
 * When the entries of the statement whose trigger fires count as written.  That is now,
 * but before the entries of statements that its triggers ran on the same table: these
 * are journalled first, though they changed the rows after it.
 */
extern TimestampTz rt_journal_moment(Relation rel, Oid rootid);

/* Keys that are in a statement's transition tables more than once. */
typedef struct RepeatedKeys RepeatedKeys;

/*
 * Those of an update in which foreign keys' actions can have changed a row again: NULL if
 * there are none.  Lives in the current memory context.  Walks over the rows.
 */
extern RepeatedKeys *rt_repeated_keys(RowWalk *walk);

/* May say so of a key that is not, too. */
extern bool rt_key_is_repeated(const RepeatedKeys *repeated, Word key);

#endif							/* RT_RULES_JOURNAL_ORDER_H */
