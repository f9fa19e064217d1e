/*
 * pull/pull_keys.h
 *		Foreign keys of many new rows at once.
 */
#ifndef RT_PULL_KEYS_H
#define RT_PULL_KEYS_H

#include "retrack.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

typedef struct KeyValues KeyValues;

/*
 * Whether values noted and checked can stand in for the triggers of all foreign keys of
 * the table: each of one column, and the caller may read and lock what they refer to.
 */
extern bool rt_keys_are_plain(Relation rel);

/* For rows of the table; in the current memory context, which must last. */
extern KeyValues *rt_keys_begin(Relation rel);

/* Keeps what the row refers to, each value once. */
extern void rt_keys_note(KeyValues *k, TupleTableSlot *slot);

/*
 * Locks what the rows refer to until commit, as the triggers of the keys do.
 * Raises 23503 if it is not there.  Needs SPI_connect.
 */
extern void rt_keys_check(KeyValues *k);

#endif							/* RT_PULL_KEYS_H */
