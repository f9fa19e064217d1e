/*
 * filter.h
 *		The conditions of one request: parsed from its query string, then
 *		asked for each record.
 */
#ifndef API_FILTER_H
#define API_FILTER_H

#include "dataset.h"

#define MAX_CONDITIONS 32
#define MAX_IN_VALUES 1000
#define MAX_SORT_KEYS 4

typedef struct Condition
{
	const Parameter *parameter;
	char **values;     /* one, or several for FILTER_IN */
	double *numbers;   /* of the values, if the column is a number */
	int64_t *instants; /* of the values, if the column is a timestamp */
	int count;
} Condition;

typedef struct SortKey
{
	const SortColumn *column;
	bool descending;
} SortKey;

typedef struct Filter
{
	const Resource *resource;
	Condition conditions[MAX_CONDITIONS];
	int condition_count;
	SortKey sorts[MAX_SORT_KEYS];
	int sort_count;
	uint32_t hash; /* of conditions and sort: a cursor is good for the same query only */
} Filter;

/*
 * Adds the condition or sort that a query parameter states. On failure returns
 * false with *reason set to newly allocated text that says what is wrong.
 */
extern bool filter_add(Filter *filter, const char *name, const char *value, char **reason);

/* Whether the record satisfies every condition; a null column satisfies none. */
extern bool filter_matches(const Filter *filter, const Record *record);

/* The condition "first key column = value", or NULL: then one bucket is enough. */
extern const char *filter_key(const Filter *filter);

/* Order of two records by the sort keys, nulls last, then by the default order. */
extern int filter_compare(const Filter *filter, const Record *a, const Record *b);

extern void filter_free(Filter *filter);

#endif /* API_FILTER_H */
