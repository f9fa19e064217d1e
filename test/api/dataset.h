/*
 * dataset.h
 *		The records the API answers from: one array per resource, in the order
 *		in which records were last changed, which is also the order of paging.
 */
#ifndef API_DATASET_H
#define API_DATASET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_RESOURCES 32
#define MAX_KEY_COLUMNS 3

typedef struct Record
{
	json_t *object;
	char *text;          /* the object's compact JSON */
	size_t length;       /* of text */
	int64_t updated;     /* microseconds since 1970 of "updated_at" */
	uint64_t serial;     /* breaks ties of updated */
	char *producer;      /* party that reports it, or NULL */
	int period;          /* year * 100 + month it belongs to, or 0 */
	struct Record *next; /* of the same hash bucket */
} Record;

typedef enum ColumnKind
{
	COLUMN_TEXT,
	COLUMN_DATE,
	COLUMN_TIMESTAMP,
	COLUMN_NUMBER,
	COLUMN_BOOLEAN,
	COLUMN_LICENCE,
	COLUMN_PRODUCER, /* not a column: who reports the record */
	COLUMN_MONTH     /* not a column: the month the record belongs to */
} ColumnKind;

typedef enum FilterOp
{
	FILTER_EQ,
	FILTER_IN,
	FILTER_GE,
	FILTER_LE
} FilterOp;

/* A query parameter as the OpenAPI document describes it. */
typedef struct Parameter
{
	char *name;
	char *pointer; /* where the value stands in a record: "/client/name" */
	ColumnKind kind;
	FilterOp op;
} Parameter;

typedef struct SortColumn
{
	char *name;
	ColumnKind kind;
} SortColumn;

typedef struct Resource
{
	char *name; /* as in the path: "lot-edges" */
	char *keys[MAX_KEY_COLUMNS];
	int key_count;
	Parameter *parameters;
	size_t parameter_count;
	SortColumn *sorts;
	size_t sort_count;
	Record **records; /* ordered by (updated, serial) once dataset_finish was called */
	size_t count;
	size_t capacity;
	Record **buckets; /* by the value of the first key column */
	size_t bucket_count;
} Resource;

typedef struct Dataset
{
	Resource resources[MAX_RESOURCES];
	size_t resource_count;
	uint64_t next_serial;
	int64_t clock; /* updated_at of the next change, microseconds since 1970 */
} Dataset;

/* The resource of that name, or NULL. */
extern Resource *dataset_resource(Dataset *data, const char *name);

/*
 * Adds a record; takes over the reference to object, copies producer. The
 * object's "updated_at" must be a timestamp. Returns the record.
 */
extern Record *dataset_add(Dataset *data, Resource *resource, json_t *object, const char *producer,
						   int period);

/* Changes the version a record states, as if it had been corrected; before dataset_finish. */
extern void dataset_revise(Record *record, int version);

/* Orders every resource and builds its key index: after the last dataset_add. */
extern void dataset_finish(Dataset *data);

/*
 * Puts a new version of a record: replaces the one with the same key (its
 * version + 1), or adds it as version 1; stamps updated_at from the clock.
 * Takes over the reference. NULL if a key column is missing.
 */
extern Record *dataset_put(Dataset *data, Resource *resource, json_t *object);

/* The record whose key columns have the values of object's, or NULL. */
extern Record *dataset_find(const Resource *resource, const json_t *object);

/* The first record of the bucket of a key value; follow next and compare. */
extern Record *dataset_bucket(const Resource *resource, const char *key);

/* Removes a record for good. */
extern void dataset_delete(Resource *resource, Record *record);

/* Value at a JSON pointer of plain names ("/client/name"), NULL if there is none. */
extern json_t *pointer_get(const json_t *object, const char *pointer);

/* RFC 3339 text to microseconds since 1970; false if it is none. */
extern bool timestamp_parse(const char *text, int64_t *result);

/* Microseconds since 1970 as RFC 3339 text at +08:00, where the reports are made. */
extern void timestamp_print(int64_t value, char *buffer, size_t size);

/* Days since 1970 of a proleptic Gregorian date, and back. */
extern int64_t date_to_days(int year, int month, int day);
extern void days_to_date(int64_t days, int *year, int *month, int *day);

#endif /* API_DATASET_H */
