/*
 * fdw/openapi.c
 *		Operations of an OpenAPI document: which are tables, where their records
 *		are, and which columns their parameters filter.
 */
#include "fdw/openapi.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* A schema that answers with records: the record's schema, and where they are. */
typedef struct Answer
{
	json_t	   *record;
	const char *records;		/* pointer */
	bool		ndjson;
} Answer;

static bool
is_json_type(const char *media_type)
{
	size_t		len = strcspn(media_type, "; ");

	return (len == 16 && pg_strncasecmp(media_type, "application/json", len) == 0) ||
		(len > 5 && pg_strncasecmp(media_type + len - 5, "+json", 5) == 0) ||
		(len == 3 && strncmp(media_type, "*/*", 3) == 0);
}

static bool
is_ndjson_type(const char *media_type)
{
	static const char *const types[] = {
		"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
		"application/json-lines"
	};
	size_t		len = strcspn(media_type, "; ");

	for (int i = 0; i < lengthof(types); i++)
	{
		if (strlen(types[i]) == len && pg_strncasecmp(media_type, types[i], len) == 0)
			return true;
	}
	return false;
}

/* The record schema if schema is an array of objects, else NULL. */
static json_t *
array_record(json_t *document, json_t *schema)
{
	json_t	   *items;

	if (!rt_openapi_has_type(schema, "array") && json_object_get(schema, "items") == NULL)
		return NULL;
	items = rt_openapi_schema(document, json_object_get(schema, "items"));
	return json_object_size(json_object_get(items, "properties")) > 0 ? items : NULL;
}

/* Follows a records pointer through the properties of schemas. */
static json_t *
record_at(json_t *document, json_t *schema, const char *pointer)
{
	schema = rt_openapi_schema(document, schema);
	while (*pointer == '/')
	{
		StringInfoData token;

		initStringInfo(&token);
		for (pointer++; *pointer != '\0' && *pointer != '/'; pointer++)
		{
			if (*pointer == '~' && pointer[1] != '\0')
				appendStringInfoChar(&token, *++pointer == '0' ? '~' : '/');
			else
				appendStringInfoChar(&token, *pointer);
		}
		schema = rt_openapi_schema(document, json_object_get(json_object_get(schema, "properties"), token.data));
	}
	return array_record(document, schema);
}

/* The only property that is an array of objects, or the one with a usual name. */
static bool
guess_records(json_t *document, json_t *schema, Answer *answer)
{
	static const char *const usual[] = {"data", "items", "results", "records", "value", "content", "entries"};
	json_t	   *properties = json_object_get(schema, "properties");
	const char *key;
	json_t	   *value;
	int			n = 0;

	for (int i = 0; i < lengthof(usual); i++)
	{
		json_t	   *record = array_record(document, rt_openapi_schema(document, json_object_get(properties, usual[i])));

		if (record != NULL)
		{
			answer->record = record;
			answer->records = psprintf("/%s", usual[i]);
			return true;
		}
	}
	json_object_foreach(properties, key, value)
	{
		json_t	   *record = array_record(document, rt_openapi_schema(document, value));

		if (record != NULL && strpbrk(key, "~/") == NULL)
		{
			answer->record = record;
			answer->records = psprintf("/%s", rt_openapi_text(key));
			n++;
		}
	}
	return n == 1;
}

/* What a successful answer of the operation is, if it is records. */
static bool
find_answer(json_t *document, json_t *operation, const OpenapiRequest *request, Answer *answer)
{
	json_t	   *responses = json_object_get(operation, "responses");
	json_t	   *response = json_object_get(responses, "200");
	const char *stated = json_string_value(json_object_get(operation, "x-retrack-records"));
	const char *media_type;
	json_t	   *media;

	if (response == NULL)
		response = json_object_get(responses, "2XX");
	if (response == NULL)
		response = json_object_get(responses, "default");
	response = rt_openapi_resolve(document, response);
	json_object_foreach(json_object_get(response, "content"), media_type, media)
	{
		json_t	   *schema = rt_openapi_schema(document, json_object_get(media, "schema"));

		memset(answer, 0, sizeof(*answer));
		if (is_ndjson_type(media_type))
		{
			/* both ways of writing it are in use: the line's schema, or an array of it */
			answer->ndjson = true;
			answer->records = "";
			answer->record = array_record(document, schema);
			if (answer->record == NULL && json_object_size(json_object_get(schema, "properties")) > 0)
				answer->record = schema;
			if (answer->record != NULL)
				return true;
		}
		if (!is_json_type(media_type))
			continue;
		answer->records = stated ? stated : request->server_records ? request->server_records : "";
		answer->record = record_at(document, schema, answer->records);
		if (answer->record != NULL)
			return true;
		answer->records = "";
		answer->record = array_record(document, schema);
		if (answer->record != NULL || guess_records(document, schema, answer))
			return true;
	}
	return false;
}

/* The path behind the wanted schema's segments, or NULL if it is not in it. */
static const char *
path_in_schema(const char *path, const char *schema)
{
	size_t		len;

	while (*schema == '/')
		schema++;
	len = strlen(schema);
	while (len > 0 && schema[len - 1] == '/')
		len--;
	if (*path != '/')
		return NULL;
	if (len == 0)
		return path + 1;
	if (strncmp(path + 1, schema, len) != 0 || path[1 + len] != '/')
		return NULL;
	return path + 1 + len + 1;
}

/* "lot-edges/{id}/inputs" to "lot_edges_inputs". */
static char *
name_of_path(const char *path)
{
	StringInfoData name;

	initStringInfo(&name);
	while (*path != '\0')
	{
		size_t		len = strcspn(path, "/");

		if (len > 0 && path[0] != '{')
		{
			if (name.len > 0)
				appendStringInfoChar(&name, '_');
			for (size_t i = 0; i < len; i++)
				appendStringInfoChar(&name, isalnum((unsigned char) path[i]) || IS_HIGHBIT_SET(path[i])
									 ? pg_ascii_tolower((unsigned char) path[i]) : '_');
		}
		path += len;
		path += *path == '/';
	}
	return name.data;
}

/* The path as option path takes it: bytes that URLs may not hold are encoded. */
static char *
encoded_path(const char *path)
{
	StringInfoData encoded;

	initStringInfo(&encoded);
	for (; *path != '\0'; path++)
	{
		if (isalnum((unsigned char) *path) || strchr("/{}-._~!$&'()*+,;=:@%", *path) != NULL)
			appendStringInfoChar(&encoded, *path);
		else
			appendStringInfo(&encoded, "%%%02X", (unsigned char) *path);
	}
	return encoded.data;
}

/* The path of the document's first server, where base_url does not have it yet. */
static char *
server_prefix(json_t *document, const char *base_url)
{
	const char *url = json_string_value(json_object_get(json_array_get(json_object_get(document, "servers"), 0), "url"));
	const char *path;
	size_t		len;
	size_t		base_len = strlen(base_url);

	if (url == NULL)
		return pstrdup("");
	path = strstr(url, "://");
	path = path ? strchr(path + 3, '/') : url;
	if (path == NULL || *path != '/' || strpbrk(path, "{}?#") != NULL)
		return pstrdup("");
	len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	while (base_len > 0 && base_url[base_len - 1] == '/')
		base_len--;
	if (len == 0 || (base_len >= len && strncmp(base_url + base_len - len, path, len) == 0))
		return pstrdup("");
	return pnstrdup(rt_openapi_text(path), len);
}

static void
sort_columns(json_t *operation, OpenapiTable *table)
{
	json_t	   *item;
	size_t		i;
	ListCell   *lc;

	json_array_foreach(json_object_get(operation, "x-retrack-sort"), i, item)
	{
		foreach(lc, table->columns)
		{
			OpenapiColumn *column = lfirst(lc);

			if (json_is_string(item) && strcmp(column->name, rt_openapi_text(json_string_value(item))) == 0)
				column->sort = column->name;
		}
	}
}

static OpenapiTable *
make_table(json_t *document, const char *path, const char *rest, const char *prefix, json_t *item,
		   const OpenapiRequest *request, List **names)
{
	json_t	   *operation = json_object_get(item, "get");
	const char *stated = json_string_value(json_object_get(operation, "x-retrack-table"));
	const char *description = json_string_value(json_object_get(operation, "summary"));
	OpenapiTable *table;
	Answer		answer;

	if (!find_answer(document, operation, request, &answer))
		return NULL;
	table = palloc0(sizeof(OpenapiTable));
	table->name = rt_openapi_name(stated ? rt_openapi_text(stated) : name_of_path(rt_openapi_text(rest)), names);
	if (!request->wanted(table->name, request->wanted_arg))
		return NULL;
	table->path = psprintf("%s%s", prefix, encoded_path(path));
	table->ndjson = answer.ndjson;
	if (!answer.ndjson && strcmp(answer.records, request->server_records ? request->server_records : "") != 0)
		table->records = answer.records;
	if (description == NULL)
		description = json_string_value(json_object_get(operation, "description"));
	table->description = description ? rt_openapi_text(description) : NULL;
	table->columns = rt_openapi_columns(document, answer.record, request);
	if (table->columns == NIL || !rt_openapi_parameters(document, item, operation, request, table))
		return NULL;
	sort_columns(operation, table);
	return table;
}

List *
rt_openapi_tables(json_t *document, const OpenapiRequest *request)
{
	const char *version = json_string_value(json_object_get(document, "openapi"));
	const char *prefix;
	const char *path;
	json_t	   *value;
	List	   *tables = NIL;
	List	   *names = NIL;

	if (version == NULL || strncmp(version, "3.", 2) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("the document is not an OpenAPI 3 document"),
				 errdetail("Its member \"openapi\" is not \"3.0.x\" or \"3.1.x\".")));
	prefix = server_prefix(document, request->base_url);
	json_object_foreach(json_object_get(document, "paths"), path, value)
	{
		json_t	   *item = rt_openapi_resolve(document, value);
		const char *rest = path_in_schema(path, request->schema);
		OpenapiTable *table;

		CHECK_FOR_INTERRUPTS();
		if (rest == NULL || !json_is_object(json_object_get(item, "get")))
			continue;
		table = make_table(document, path, rest, prefix, item, request, &names);
		if (table != NULL)
			tables = lappend(tables, table);
	}
	return tables;
}
