/*
 * rules/rows.h
 *		Walks over the rows a statement changed.
 */
#ifndef RT_RULES_ROWS_H
#define RT_RULES_ROWS_H

#include "retrack.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "rules/books.h"
#include "rules/rule_columns.h"

/*
 * A statement's rows in their order: of an UPDATE old and new pairwise, where
 * pairs that differ in no column of the rules are left out.
 */
typedef struct RowWalk
{
	TriggerData *trigdata;
	const RuleTable *table;
	TupleTableSlot *old_slot;	/* NULL: the event has no old rows */
	TupleTableSlot *new_slot;	/* NULL: the event has no new rows */
	MemoryContext row_cxt;		/* current while a row is looked at; emptied for each */
	bool	   *open;			/* per old row: had an open violation; NULL: none had */
	bool		every_change;	/* pairs that differ in nothing are shown too */
	int64		nold;			/* old rows seen in this walk */
	bool		old_is_open;	/* the current old row has an open violation */
	bool		any_old;		/* some old row was shown */
	bool		any_open;		/* some old row had an open violation */
} RowWalk;

extern void rt_rows_begin(RowWalk *walk, TriggerData *trigdata, const RuleTable *table);
extern void rt_rows_end(RowWalk *walk);

/* To the first row again. */
extern void rt_rows_rewind(RowWalk *walk);

/* The next row or pair into the slots, with row_cxt current; false, and the caller's context current, at the end. */
extern bool rt_rows_next(RowWalk *walk);

/*
 * Finds the old rows that are recorded as violating rules: they draw nothing.
 * Their violations are marked as resolved, since the row is now another one.
 * Called again it adds those recorded meanwhile; returns whether it found any.
 */
extern bool rt_rows_find_open(RowWalk *walk, Books *b);

/*
 * Notes that the statement took back its old rows.  Whether a recorded row drew is
 * known from its violation, which a statement within this one, run by a trigger of
 * the table, looks for before this one has written it, or resolves before this
 * one has looked: rt_rows_find_open refuses (0A000) to book after such a one.
 */
extern void rt_rows_note_booked(const RowWalk *walk);

#endif							/* RT_RULES_ROWS_H */
