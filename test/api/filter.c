/*
 * filter.c
 *		Conditions of a request, typed by the columns they filter.
 */
#include "filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* A licence number without dashes and check character, in upper case: 10 characters. */
static bool
normalise_licence(const char *text, char *result)
{
	int length = 0;

	for (; *text; text++)
	{
		if (*text == '-')
			continue;
		if (!isalnum((unsigned char) *text) || length > 10)
			return false;
		if (length < 10)
			result[length] = (char) toupper((unsigned char) *text);
		length++;
	}
	result[10] = '\0';
	return length == 10 || length == 11;
}

/* "2025-03" or "[2025-03-01,2025-04-01)" as year * 100 + month; 0 if it is neither. */
static int
read_month(const char *text)
{
	int year, month, end = 0;

	if (*text == '[')
		text++;
	if (sscanf(text, "%4d-%2d%n", &year, &month, &end) != 2 || month < 1 || month > 12)
		return 0;
	if (text[end] && strncmp(text + end, "-01,", 4) != 0)
		return 0;
	return year * 100 + month;
}

static bool
date_is_valid(const char *text)
{
	char full[40];
	int64_t ignored;

	if (strlen(text) != 10)
		return false;
	snprintf(full, sizeof(full), "%sT00:00Z", text);
	return timestamp_parse(full, &ignored);
}

/* Checks and converts one value; what it should have been on failure, else NULL. */
static const char *
convert_value(Condition *condition, int i)
{
	char *value = condition->values[i];
	char licence[12];
	char *end;

	switch (condition->parameter->kind)
	{
		case COLUMN_DATE:
			return date_is_valid(value) ? NULL : "a date (YYYY-MM-DD)";
		case COLUMN_TIMESTAMP:
			return timestamp_parse(value, &condition->instants[i]) ? NULL : "an RFC 3339 timestamp";
		case COLUMN_NUMBER:
			errno = 0;
			condition->numbers[i] = strtod(value, &end);
			return *value && !*end && !errno ? NULL : "a number";
		case COLUMN_BOOLEAN:
			return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? NULL
																			 : "true or false";
		case COLUMN_LICENCE:
			if (!normalise_licence(value, licence))
				return "a licence number";
			strcpy(value, licence);
			return NULL;
		case COLUMN_MONTH:
			condition->numbers[i] = read_month(value);
			return condition->numbers[i] > 0 ? NULL : "a month (YYYY-MM)";
		case COLUMN_TEXT:
		case COLUMN_PRODUCER:
			break;
	}
	return NULL;
}

static bool
add_value(Condition *condition, const char *value, size_t length, char **reason)
{
	int i = condition->count;
	const char *expected;

	if (i == MAX_IN_VALUES)
	{
		*reason = memory_print("parameter \"%s\" has more than %d values",
							   condition->parameter->name, MAX_IN_VALUES);
		return false;
	}
	condition->values = memory_resize(condition->values, sizeof(char *) * (size_t) (i + 1));
	condition->numbers = memory_resize(condition->numbers, sizeof(double) * (size_t) (i + 1));
	condition->instants = memory_resize(condition->instants, sizeof(int64_t) * (size_t) (i + 1));
	condition->values[i] = memory_print("%.*s", (int) length, value);
	condition->count++;
	expected = convert_value(condition, i);
	if (expected)
		*reason = memory_print("parameter \"%s\": \"%s\" is not %s", condition->parameter->name,
							   condition->values[i], expected);
	return !expected;
}

static bool
add_condition(Filter *filter, const Parameter *parameter, const char *value, char **reason)
{
	Condition *condition = NULL;

	for (int i = 0; i < filter->condition_count; i++)
		if (filter->conditions[i].parameter == parameter)
			condition = &filter->conditions[i];
	if (condition && parameter->op != FILTER_IN)
	{
		*reason = memory_print("parameter \"%s\" is given twice", parameter->name);
		return false;
	}
	if (!condition)
	{
		if (filter->condition_count == MAX_CONDITIONS)
		{
			*reason = memory_text("too many parameters");
			return false;
		}
		condition = &filter->conditions[filter->condition_count++];
		condition->parameter = parameter;
	}
	if (parameter->op != FILTER_IN)
		return add_value(condition, value, strlen(value), reason);
	for (;;)
	{
		size_t length = strcspn(value, ",");

		if (!add_value(condition, value, length, reason))
			return false;
		if (!value[length])
			return true;
		value += length + 1;
	}
}

static bool
add_sorts(Filter *filter, const char *value, char **reason)
{
	const Resource *resource = filter->resource;

	for (;;)
	{
		bool descending = *value == '-';
		size_t length = strcspn(value += descending, ",");
		const SortColumn *column = NULL;

		for (size_t i = 0; i < resource->sort_count; i++)
			if (strlen(resource->sorts[i].name) == length &&
				strncmp(resource->sorts[i].name, value, length) == 0)
				column = &resource->sorts[i];
		if (!column || filter->sort_count == MAX_SORT_KEYS)
		{
			*reason =
				memory_print("cannot sort %s by \"%.*s\"", resource->name, (int) length, value);
			return false;
		}
		filter->sorts[filter->sort_count++] = (SortKey){column, descending};
		if (!value[length])
			return true;
		value += length + 1;
	}
}

bool
filter_add(Filter *filter, const char *name, const char *value, char **reason)
{
	const Resource *resource = filter->resource;
	uint32_t hash = UINT32_C(2166136261);

	/* commutative over parameters: their order in the URL does not matter */
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char) *c) * UINT32_C(16777619);
	for (const char *c = value; *c; c++)
		hash = (hash ^ (unsigned char) *c) * UINT32_C(16777619);
	filter->hash += hash;

	if (strcmp(name, "sort") == 0)
		return add_sorts(filter, value, reason);
	for (size_t i = 0; i < resource->parameter_count; i++)
		if (strcmp(resource->parameters[i].name, name) == 0)
			return add_condition(filter, &resource->parameters[i], value, reason);
	*reason = memory_print("unknown parameter \"%s\" of %s", name, resource->name);
	return false;
}

/* Sign of (column value - i-th value of the condition), or 2 if the column is null. */
static int
compare_value(const Condition *condition, int i, const Record *record, const json_t *column)
{
	const char *text = json_string_value(column);
	char licence[12];
	double number;
	int64_t instant;
	int order;

	switch (condition->parameter->kind)
	{
		case COLUMN_PRODUCER:
			return record->producer ? strcmp(record->producer, condition->values[i]) != 0 : 2;
		case COLUMN_MONTH:
			number = record->period - condition->numbers[i];
			return record->period ? (number > 0) - (number < 0) : 2;
		case COLUMN_NUMBER:
			if (!json_is_number(column))
				return 2;
			number = json_number_value(column) - condition->numbers[i];
			return (number > 0) - (number < 0);
		case COLUMN_BOOLEAN:
			if (!json_is_boolean(column))
				return 2;
			return json_is_true(column) != (condition->values[i][0] == 't');
		case COLUMN_TIMESTAMP:
			if (!text || !timestamp_parse(text, &instant))
				return 2;
			return (instant > condition->instants[i]) - (instant < condition->instants[i]);
		case COLUMN_LICENCE:
			if (!text || !normalise_licence(text, licence))
				return 2;
			return strcmp(licence, condition->values[i]) != 0;
		case COLUMN_TEXT:
		case COLUMN_DATE:
			break;
	}
	if (!text)
		return 2;
	order = strcmp(text, condition->values[i]);
	return (order > 0) - (order < 0);
}

static bool
condition_matches(const Condition *condition, const Record *record)
{
	const json_t *column = pointer_get(record->object, condition->parameter->pointer);
	int order;

	switch (condition->parameter->op)
	{
		case FILTER_EQ:
			return compare_value(condition, 0, record, column) == 0;
		case FILTER_GE:
			order = compare_value(condition, 0, record, column);
			return order == 0 || order == 1;
		case FILTER_LE:
			return compare_value(condition, 0, record, column) <= 0;
		case FILTER_IN:
			for (int i = 0; i < condition->count; i++)
				if (compare_value(condition, i, record, column) == 0)
					return true;
			break;
	}
	return false;
}

bool
filter_matches(const Filter *filter, const Record *record)
{
	for (int i = 0; i < filter->condition_count; i++)
		if (!condition_matches(&filter->conditions[i], record))
			return false;
	return true;
}

const char *
filter_key(const Filter *filter)
{
	for (int i = 0; i < filter->condition_count; i++)
	{
		const Parameter *parameter = filter->conditions[i].parameter;

		if (parameter->op == FILTER_EQ && parameter->kind == COLUMN_TEXT &&
			strcmp(parameter->pointer + 1, filter->resource->keys[0]) == 0)
			return filter->conditions[i].values[0];
	}
	return NULL;
}

static int
compare_columns(const json_t *a, const json_t *b, const SortKey *key)
{
	bool a_null = !a || json_is_null(a);
	bool b_null = !b || json_is_null(b);
	int order = 0;

	if (a_null || b_null) /* nulls last, also when descending */
		return a_null - b_null;
	if (key->column->kind == COLUMN_NUMBER)
	{
		double difference = json_number_value(a) - json_number_value(b);

		order = (difference > 0) - (difference < 0);
	}
	else if (json_is_string(a) && json_is_string(b))
	{
		int64_t x, y;

		if (key->column->kind == COLUMN_TIMESTAMP && timestamp_parse(json_string_value(a), &x) &&
			timestamp_parse(json_string_value(b), &y))
			order = (x > y) - (x < y);
		else
			order = strcmp(json_string_value(a), json_string_value(b));
	}
	return key->descending ? -order : order;
}

int
filter_compare(const Filter *filter, const Record *a, const Record *b)
{
	for (int i = 0; i < filter->sort_count; i++)
	{
		const char *name = filter->sorts[i].column->name;
		int order = compare_columns(json_object_get(a->object, name),
									json_object_get(b->object, name), &filter->sorts[i]);

		if (order)
			return order;
	}
	if (a->updated != b->updated)
		return a->updated < b->updated ? -1 : 1;
	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

void
filter_free(Filter *filter)
{
	for (int i = 0; i < filter->condition_count; i++)
	{
		Condition *condition = &filter->conditions[i];

		for (int j = 0; j < condition->count; j++)
			free(condition->values[j]);
		free(condition->values);
		free(condition->numbers);
		free(condition->instants);
	}
}
