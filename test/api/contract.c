/*
 * contract.c
 *		Reads resources, parameters and sort keys from the OpenAPI document.
 *
 * A path is a resource if it is /v1/NAME and its GET operation names the key
 * columns (x-retrack-key). A query parameter is a filter if it names a column
 * (x-retrack-column, with x-retrack-op) or one of the two properties that every
 * report has without carrying them as columns (x-retrack-derived).
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void
contract_broken(const char *where, const char *what)
{
	fprintf(stderr, "retrack_api: openapi.json: %s: %s\n", where, what);
	exit(2);
}

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Follows "$ref": "#/..." within the document. */
static json_t *
resolve(json_t *document, json_t *value)
{
	const char *ref = text_of(value, "$ref");

	return ref && ref[0] == '#' ? pointer_get(document, ref + 1) : value;
}

static ColumnKind
kind_of(json_t *schema)
{
	const char *type = text_of(schema, "x-postgresql-type");
	const char *format = text_of(schema, "format");
	const char *base = text_of(schema, "type");
	json_t *types = json_object_get(schema, "type");

	if (!base && json_is_array(types)) /* ["integer", "null"] */
		base = json_string_value(json_array_get(types, 0));
	if (type && strcmp(type, "retrack.licence_id") == 0)
		return COLUMN_LICENCE;
	if (format && strcmp(format, "date") == 0)
		return COLUMN_DATE;
	if (format && strcmp(format, "date-time") == 0)
		return COLUMN_TIMESTAMP;
	if (base && (strcmp(base, "integer") == 0 || strcmp(base, "number") == 0))
		return COLUMN_NUMBER;
	if (base && strcmp(base, "boolean") == 0)
		return COLUMN_BOOLEAN;
	return COLUMN_TEXT;
}

static FilterOp
op_of(const char *where, const char *op)
{
	static const char *const names[] = {"eq", "in", "ge", "le"};

	for (int i = 0; op && i < 4; i++)
		if (strcmp(op, names[i]) == 0)
			return (FilterOp) i;
	contract_broken(where, "x-retrack-op must be eq, in, ge or le");
	return FILTER_EQ;
}

static void
load_parameter(Resource *resource, json_t *parameter)
{
	const char *name = text_of(parameter, "name");
	const char *column = text_of(parameter, "x-retrack-column");
	const char *pointer = text_of(parameter, "x-retrack-pointer");
	const char *derived = text_of(parameter, "x-retrack-derived");
	Parameter *slot;

	if (!name)
		contract_broken(resource->name, "parameter without name");
	if (!column && !derived)
		return;
	resource->parameters =
		memory_resize(resource->parameters, (resource->parameter_count + 1) * sizeof(Parameter));
	slot = &resource->parameters[resource->parameter_count++];
	slot->name = memory_text(name);
	slot->pointer = pointer ? memory_text(pointer) : memory_print("/%s", column ? column : "");
	slot->op = op_of(name, text_of(parameter, "x-retrack-op"));
	slot->kind = kind_of(json_object_get(parameter, "schema"));
	if (slot->op == FILTER_IN)
		slot->kind = kind_of(json_object_get(json_object_get(parameter, "schema"), "items"));
	if (derived)
		slot->kind = strcmp(derived, "producer") == 0 ? COLUMN_PRODUCER : COLUMN_MONTH;
}

static void
load_resource(Dataset *data, json_t *document, const char *name, json_t *get, json_t *keys)
{
	Resource *resource = &data->resources[data->resource_count++];
	json_t *item, *schema;
	size_t i;

	resource->name = memory_text(name);
	json_array_foreach(keys, i, item)
	{
		if (i >= MAX_KEY_COLUMNS)
			contract_broken(name, "too many key columns");
		resource->keys[resource->key_count++] = memory_text(json_string_value(item));
	}
	json_array_foreach(json_object_get(get, "parameters"), i, item)
		load_parameter(resource, resolve(document, item));
	schema = pointer_get(document, "/components/schemas");
	schema = json_object_get(schema, text_of(get, "x-retrack-schema"));
	if (!schema)
		contract_broken(name, "x-retrack-schema names no schema");
	json_array_foreach(json_object_get(get, "x-retrack-sort"), i, item)
	{
		const char *column = json_string_value(item);
		json_t *property = json_object_get(json_object_get(schema, "properties"), column);

		if (!property)
			contract_broken(name, "x-retrack-sort names no property");
		resource->sorts = memory_resize(resource->sorts, (i + 1) * sizeof(SortColumn));
		resource->sorts[i].name = memory_text(column);
		resource->sorts[i].kind = kind_of(resolve(document, property));
		resource->sort_count = i + 1;
	}
}

void
contract_load(Dataset *data)
{
	json_error_t error;
	json_t *document =
		json_loadb(contract_text, (size_t) (contract_end - contract_text), 0, &error);
	const char *path;
	json_t *item;

	if (!document)
		contract_broken(error.text, "not JSON");
	json_object_foreach(json_object_get(document, "paths"), path, item)
	{
		json_t *get = json_object_get(item, "get");
		json_t *keys = json_object_get(get, "x-retrack-key");

		if (!keys || strncmp(path, "/v1/", 4) != 0)
			continue;
		if (data->resource_count == MAX_RESOURCES)
			contract_broken(path, "too many resources");
		load_resource(data, document, path + 4, get, keys);
	}
	json_decref(document);
}
