/*
 * rules/row_json.h
 *		Rows as JSON, to the letter as row_to_json writes them, at a third of
 *		its cost: what it looks up for each value is looked up once.
 */
#ifndef RT_RULES_ROW_JSON_H
#define RT_RULES_ROW_JSON_H

#include "retrack.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"

typedef struct RowJson RowJson;

/*
 * Prepares for rows of that shape, in a memory context of its own below
 * "parent"; rt_row_json_retire lets it go.  Holds until a cast to json is made or dropped.
 */
extern RowJson *rt_row_json_make(TupleDesc desc, MemoryContext parent);

/* Lets it go at the end of the transaction. */
extern void rt_row_json_retire(RowJson *json);

/* Whether what it writes depends on settings of the session. */
extern bool rt_row_json_depends_on_settings(const RowJson *json);

/* Appends the slot's row. */
extern void rt_row_json_append(RowJson *json, TupleTableSlot *slot, StringInfo buf);

/*
 * Settings under which a value's text is the same in every session; the result
 * brings the session's own back.
 */
extern int	rt_plain_settings(void);
extern void rt_restore_settings(int nest);

#endif							/* RT_RULES_ROW_JSON_H */
