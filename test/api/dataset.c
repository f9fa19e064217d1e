/*
 * dataset.c
 *		Storage of the records: adding, changing, finding them by key.
 *
 * A change moves the record to the end of the order with a later updated_at.
 * A reader that pages through by (updated_at, serial) therefore meets a record
 * changed meanwhile again, in its new version, and never misses one.
 */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

Resource *
dataset_resource(Dataset *data, const char *name)
{
	for (size_t i = 0; i < data->resource_count; i++)
		if (strcmp(data->resources[i].name, name) == 0)
			return &data->resources[i];
	return NULL;
}

json_t *
pointer_get(const json_t *object, const char *pointer)
{
	json_t *value = (json_t *) object;

	while (value && *pointer == '/')
	{
		size_t length = strcspn(++pointer, "/");
		char name[64];

		if (length >= sizeof(name))
			return NULL;
		memcpy(name, pointer, length);
		name[length] = '\0';
		value = json_object_get(value, name);
		pointer += length;
	}
	return value;
}

static uint64_t
hash_text(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char) *text) * UINT64_C(1099511628211);
	return hash;
}

static const char *
first_key(const Resource *resource, const Record *record)
{
	const char *value = json_string_value(json_object_get(record->object, resource->keys[0]));

	return value ? value : "";
}

static void
link_record(Resource *resource, Record *record)
{
	size_t bucket = hash_text(first_key(resource, record)) & (resource->bucket_count - 1);

	record->next = resource->buckets[bucket];
	resource->buckets[bucket] = record;
}

static void
unlink_record(Resource *resource, Record *record)
{
	size_t bucket = hash_text(first_key(resource, record)) & (resource->bucket_count - 1);
	Record **at = &resource->buckets[bucket];

	while (*at != record)
		at = &(*at)->next;
	*at = record->next;
}

static void
render_record(Record *record)
{
	free(record->text);
	record->text = json_dumps(record->object, JSON_COMPACT | JSON_REAL_PRECISION(15));
	if (!record->text)
		out_of_memory();
	record->length = strlen(record->text);
}

static void
append_record(Resource *resource, Record *record)
{
	if (resource->count == resource->capacity)
	{
		resource->capacity = resource->capacity ? resource->capacity * 2 : 256;
		resource->records = memory_resize(resource->records, resource->capacity * sizeof(Record *));
	}
	resource->records[resource->count++] = record;
}

Record *
dataset_add(Dataset *data, Resource *resource, json_t *object, const char *producer, int period)
{
	Record *record = memory_zero(sizeof(Record));
	const char *updated = json_string_value(json_object_get(object, "updated_at"));

	record->object = object;
	if (!updated || !timestamp_parse(updated, &record->updated))
		record->updated = 0;
	record->serial = data->next_serial++;
	record->producer = producer ? memory_text(producer) : NULL;
	record->period = period;
	render_record(record);
	append_record(resource, record);
	if (record->updated >= data->clock)
		data->clock = record->updated + 1;
	return record;
}

void
dataset_revise(Record *record, int version)
{
	json_object_set_new(record->object, "version", json_integer(version));
	render_record(record);
}

static int
compare_records(const void *a, const void *b)
{
	const Record *x = *(Record *const *) a;
	const Record *y = *(Record *const *) b;

	if (x->updated != y->updated)
		return x->updated < y->updated ? -1 : 1;
	return x->serial < y->serial ? -1 : x->serial > y->serial;
}

void
dataset_finish(Dataset *data)
{
	for (size_t i = 0; i < data->resource_count; i++)
	{
		Resource *resource = &data->resources[i];
		size_t buckets = 1024;

		if (resource->count)
			qsort(resource->records, resource->count, sizeof(Record *), compare_records);
		while (buckets < resource->count)
			buckets *= 2;
		resource->bucket_count = buckets;
		resource->buckets = memory_zero(buckets * sizeof(Record *));
		/* backwards, so that a bucket's chain is in the order of the records */
		for (size_t j = resource->count; j > 0; j--)
			link_record(resource, resource->records[j - 1]);
	}
	/* changes begin on a round time after everything reported */
	data->clock += INT64_C(86400000000) - data->clock % INT64_C(86400000000);
}

Record *
dataset_bucket(const Resource *resource, const char *key)
{
	return resource->buckets[hash_text(key) & (resource->bucket_count - 1)];
}

Record *
dataset_find(const Resource *resource, const json_t *object)
{
	const char *key = json_string_value(json_object_get(object, resource->keys[0]));
	Record *record = key ? dataset_bucket(resource, key) : NULL;

	for (; record; record = record->next)
	{
		int i = 0;

		while (i < resource->key_count &&
			   json_equal(json_object_get(object, resource->keys[i]),
						  json_object_get(record->object, resource->keys[i])))
			i++;
		if (i == resource->key_count)
			break;
	}
	return record;
}

static void
take_from_order(Resource *resource, const Record *record)
{
	size_t i = 0;

	while (resource->records[i] != record)
		i++;
	memmove(&resource->records[i], &resource->records[i + 1],
			(resource->count - i - 1) * sizeof(Record *));
	resource->count--;
}

static void
stamp_record(Dataset *data, json_t *object, json_int_t version)
{
	char text[48];

	timestamp_print(data->clock, text, sizeof(text));
	json_object_set_new(object, "version", json_integer(version));
	json_object_set_new(object, "updated_at", json_string(text));
	if (!json_object_get(object, "withdrawn"))
		json_object_set_new(object, "withdrawn", json_false());
}

/* Whether every version is a record of its own. */
static bool
record_keeps_versions(const Resource *resource)
{
	for (int i = 0; i < resource->key_count; i++)
		if (strcmp(resource->keys[i], "version") == 0)
			return true;
	return false;
}

Record *
dataset_put(Dataset *data, Resource *resource, json_t *object)
{
	Record *record;
	json_int_t version = 0;

	for (int i = 0; i < resource->key_count; i++)
		if (!json_object_get(object, resource->keys[i]))
		{
			json_decref(object);
			return NULL;
		}
	record = dataset_find(resource, object);
	if (record)
	{
		version = json_integer_value(json_object_get(record->object, "version"));
		unlink_record(resource, record);
		take_from_order(resource, record);
		json_decref(record->object);
	}
	else
		record = memory_zero(sizeof(Record));
	if (record_keeps_versions(resource))
		version = json_integer_value(json_object_get(object, "version")) - 1;
	stamp_record(data, object, version + 1);
	record->object = object;
	record->updated = data->clock;
	record->serial = data->next_serial++;
	data->clock += 1000000;
	render_record(record);
	append_record(resource, record);
	link_record(resource, record);
	return record;
}

void
dataset_delete(Resource *resource, Record *record)
{
	unlink_record(resource, record);
	take_from_order(resource, record);
	json_decref(record->object);
	free(record->text);
	free(record->producer);
	free(record);
}
