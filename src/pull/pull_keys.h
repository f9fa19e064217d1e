/*
 * pull/pull_keys.h
 *		Foreign keys of many new rows at once.
 */
#ifndef RT_PULL_KEYS_H
#define RT_PULL_KEYS_H

#include "retrack.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

/*
 * Whether rt_check_keys can stand in for the triggers of all foreign keys of the
 * table: each of one column, and the caller may read and lock what they refer to.
 */
extern bool rt_keys_are_plain(Relation rel);

/*
 * Checks the foreign keys of the rows at these places and locks what they refer
 * to, as the triggers of the keys do, but each value once.  Raises 23503.  Needs SPI_connect.
 */
extern void rt_check_keys(Relation rel, ItemPointer tids, int ntids);

#endif							/* RT_PULL_KEYS_H */
