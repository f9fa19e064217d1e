/*
 * rules/row_values.h
 *		Values of a row by the rules' columns, read where they lie: a Word
 *		points into the slot's tuple and lives as long.
 */
#ifndef RT_RULES_ROW_VALUES_H
#define RT_RULES_ROW_VALUES_H

#include "retrack.h"
#include "executor/tuptable.h"

#include "rules/rule_columns.h"

/* A text without terminator; len -1: null. */
typedef struct Word
{
	const char *p;
	int			len;
} Word;

static inline bool
words_equal(Word a, Word b)
{
	return a.len == b.len && a.len >= 0 && memcmp(a.p, b.p, a.len) == 0;
}

/* A column the table lacks reads as null.  The slot must be deformed up to t->last_att. */
static inline Datum
row_datum(const RuleTable *t, TupleTableSlot *slot, int column, bool *isnull)
{
	AttrNumber	att = t->att[column];

	*isnull = true;
	if (att == InvalidAttrNumber)
		return (Datum) 0;
	*isnull = slot->tts_isnull[att - 1];
	return slot->tts_values[att - 1];
}

static inline Word
row_word(const RuleTable *t, TupleTableSlot *slot, int column)
{
	Word		w = {NULL, -1};
	bool		isnull;
	Datum		value = row_datum(t, slot, column, &isnull);
	text	   *stored;

	if (isnull)
		return w;
	stored = DatumGetTextPP(value);
	w.p = VARDATA_ANY(stored);
	w.len = VARSIZE_ANY_EXHDR(stored);
	return w;
}

#endif							/* RT_RULES_ROW_VALUES_H */
