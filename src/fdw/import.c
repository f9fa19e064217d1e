/*
 * fdw/import.c
 *		IMPORT FOREIGN SCHEMA from an OpenAPI document.
 *
 * The remote schema is the first segments of the paths ("v1" for /v1/...; "/" for
 * all).  Options of the statement:
 *		openapi			the document: a path below base_url or a URL of an allowed
 *						origin; default /openapi.json
 *		openapi_file	or a file on the server (superusers)
 *		nested			flatten (default): members of nested objects become
 *						columns; jsonb: the object is one column
 *		parameters		all (default), hinted (x-retrack-column only), none
 *		rejects			true: tables show refused records too (on_error 'skip' and
 *						the columns _record, _error, _sqlstate, _pointer, _page)
 * Descriptions become options, since an import cannot make comments; CALL
 * retrack.comment_imported(schema) does.
 */
#include "retrack.h"

#include "commands/defrem.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "fdw/http.h"
#include "fdw/import.h"
#include "fdw/openapi.h"

#define DOCUMENT_BYTES_MAX ((size_t) 64 * 1024 * 1024)

typedef struct ImportOptions
{
	const char *openapi;
	const char *file;
	bool		rejects;
	OpenapiRequest request;
} ImportOptions;

static bool
choose(DefElem *def, const char *first, const char *second, const char *third, int *choice)
{
	const char *words[] = {first, second, third};
	const char *value = defGetString(def);

	for (int i = 0; i < lengthof(words); i++)
	{
		if (words[i] != NULL && strcmp(value, words[i]) == 0)
		{
			*choice = i;
			return true;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"", def->defname, value),
			 third ? errhint("Valid values are %s, %s and %s.", first, second, third)
			 : errhint("Valid values are %s and %s.", first, second)));
	return false;
}

static void
read_option(ImportOptions *options, DefElem *def)
{
	int			choice;

	if (strcmp(def->defname, "openapi") == 0)
		options->openapi = defGetString(def);
	else if (strcmp(def->defname, "openapi_file") == 0)
		options->file = defGetString(def);
	else if (strcmp(def->defname, "rejects") == 0)
		options->rejects = defGetBoolean(def);
	else if (strcmp(def->defname, "nested") == 0)
	{
		choose(def, "flatten", "jsonb", NULL, &choice);
		options->request.flatten = choice == 0;
	}
	else if (strcmp(def->defname, "parameters") == 0)
	{
		choose(def, "all", "hinted", "none", &choice);
		options->request.hinted_only = choice == 1;
		options->request.parameters = choice != 2;
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\"", def->defname),
				 errhint("Valid options of the import are openapi, openapi_file, nested, parameters and rejects.")));
}

static const char *
server_option(ForeignServer *server, const char *name)
{
	ListCell   *lc;

	foreach(lc, server->options)
	{
		DefElem    *def = lfirst(lc);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

static bool
is_wanted(const char *table, void *stmt)
{
	return IsImportableForeignTable(table, stmt);
}

static void
read_options(ImportOptions *options, ImportForeignSchemaStmt *stmt, ForeignServer *server)
{
	const char *base_url = server_option(server, "base_url");
	ListCell   *lc;

	memset(options, 0, sizeof(*options));
	options->openapi = "/openapi.json";
	options->request.schema = stmt->remote_schema;
	options->request.flatten = true;
	options->request.parameters = true;
	options->request.base_url = base_url ? base_url : "";
	options->request.wanted = is_wanted;
	options->request.wanted_arg = stmt;
	options->request.server_records = server_option(server, "records");
	foreach(lc, stmt->options)
		read_option(options, lfirst(lc));
}

/* Reads a file on the server, bounded. */
static char *
read_file(const char *path, size_t *len)
{
	FILE	   *file;
	StringInfoData text;
	char		block[8192];
	size_t		n;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only superusers can import from a file on the server"),
				 errhint("Give the document's URL with option openapi.")));
	file = AllocateFile(path, PG_BINARY_R);
	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path)));
	initStringInfo(&text);
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
	{
		if (text.len + n > DOCUMENT_BYTES_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("file \"%s\" is larger than %zu bytes", path, DOCUMENT_BYTES_MAX)));
		appendBinaryStringInfo(&text, block, (int) n);
	}
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", path)));
	FreeFile(file);
	*len = (size_t) text.len;
	return text.data;
}

/* jansson's memory is not palloc'd: it goes with the context. */
static void
release_document(void *arg)
{
	json_decref(arg);
}

static json_t *
load_document(const ImportOptions *options, Oid server_id)
{
	size_t		len;
	json_error_t error;
	json_t	   *document;
	char	   *text = options->file ? read_file(options->file, &len)
		: rt_http_fetch(server_id, options->openapi, "application/json", DOCUMENT_BYTES_MAX, &len);
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	document = json_loadb(text, len, JSON_ALLOW_NUL, &error);
	/* "maximum": 18446744073709551615, of which nothing is needed here */
	if (document == NULL && json_error_code(&error) == json_error_numeric_overflow)
		document = json_loadb(text, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (document == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("the OpenAPI document is not valid JSON"),
				 errdetail("Line %d, column %d: %s.", error.line, error.column, rt_openapi_text(error.text))));
	callback->func = release_document;
	callback->arg = document;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	pfree(text);
	return document;
}

/* One option of a list; *first tells if it opens the list. */
static void
add_option(StringInfo sql, bool *first, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(sql, "%s%s %s", *first ? " OPTIONS (" : ", ", name, quote_literal_cstr(value));
	*first = false;
}

static void
add_column(StringInfo sql, const OpenapiColumn *column, const ImportOptions *options, bool sorted)
{
	bool		first = true;

	appendStringInfo(sql, "\n\t%s %s", quote_identifier(column->name), column->type);
	/* the usual pointer need not be said */
	if (column->property == NULL || strcmp(column->property, column->name) != 0 ||
		strpbrk(column->name, "~/") != NULL)
		add_option(sql, &first, "pointer", column->pointer);
	add_option(sql, &first, "param", column->param);
	add_option(sql, &first, "param_from", column->param_from);
	add_option(sql, &first, "param_to", column->param_to);
	add_option(sql, &first, "param_in", column->param_in);
	if (column->param_in && column->repeat)
		add_option(sql, &first, "param_in_style", "repeat");
	if (sorted)
		add_option(sql, &first, "sort", column->sort);
	if (column->required)
		add_option(sql, &first, "required", "true");
	add_option(sql, &first, "description", column->description);
	if (!first)
		appendStringInfoChar(sql, ')');
	/* a refused record shows NULL everywhere else */
	if (column->not_null && !options->rejects)
		appendStringInfoString(sql, " NOT NULL");
}

static void
add_reject_columns(StringInfo sql)
{
	appendStringInfoString(sql,
						   ",\n\t_record json OPTIONS (pointer '')"
						   ",\n\t_error text OPTIONS (pointer '#error')"
						   ",\n\t_sqlstate text OPTIONS (pointer '#sqlstate')"
						   ",\n\t_pointer text OPTIONS (pointer '#pointer')"
						   ",\n\t_page bigint OPTIONS (pointer '#page')");
}

/* Paging as the document states it, where the server leaves it open. */
static void
add_paging(StringInfo sql, bool *first, json_t *document, ForeignServer *server, const OpenapiTable *table)
{
	static const char *const names[] = {
		"pagination", "next", "cursor_param", "page_param", "first_page", "offset_param",
		"limit_param", "page_size", "total", "sort_param", "sort_nulls"
	};
	json_t	   *paging = json_object_get(document, "x-retrack-paging");

	if (table->ndjson || server_option(server, "pagination") != NULL)
		return;
	for (int i = 0; i < lengthof(names); i++)
	{
		json_t	   *value = json_object_get(paging, names[i]);

		if (server_option(server, names[i]) != NULL)
			continue;
		if (json_is_string(value))
			add_option(sql, first, names[i], rt_openapi_text(json_string_value(value)));
		else if (json_is_number(value))
			add_option(sql, first, names[i], psprintf("%.0f", json_number_value(value)));
	}
}

static char *
table_command(const OpenapiTable *table, json_t *document, ForeignServer *server, const ImportOptions *options)
{
	StringInfoData sql;
	bool		first = true;
	ListCell   *lc;
	bool		paged = !table->ndjson && server_option(server, "pagination") == NULL;
	bool		sorted = server_option(server, "sort_param") != NULL ||
		(paged && json_is_string(json_object_get(json_object_get(document, "x-retrack-paging"), "sort_param")));

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", quote_identifier(table->name));
	foreach(lc, table->columns)
	{
		if (lc != list_head(table->columns))
			appendStringInfoChar(&sql, ',');
		add_column(&sql, lfirst(lc), options, sorted);
	}
	if (options->rejects)
		add_reject_columns(&sql);
	appendStringInfo(&sql, "\n) SERVER %s", quote_identifier(server->servername));
	add_option(&sql, &first, "path", table->path);
	add_option(&sql, &first, "records", table->records);
	if (table->ndjson)
		add_option(&sql, &first, "format", "ndjson");
	if (options->rejects)
		add_option(&sql, &first, "on_error", "skip");
	add_paging(&sql, &first, document, server, table);
	add_option(&sql, &first, "description", table->description);
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/*
 * An API that takes parameters of paging answers one page, but nobody has said how
 * the next one is asked for: what is read of it would be taken for all.
 */
static void
warn_of_pages(const OpenapiTable *table, json_t *document, ForeignServer *server)
{
	if (table->paging == NULL || table->ndjson || server_option(server, "pagination") != NULL ||
		json_object_get(json_object_get(document, "x-retrack-paging"), "pagination") != NULL)
		return;
	ereport(WARNING,
			(errmsg("foreign table \"%s\" may hold the first page of its resource only", table->name),
			 errdetail("The API takes a parameter \"%s\", but neither the server's options nor the document say how pages follow each other.",
					   table->paging),
			 errhint("Set option \"pagination\" of the server or of the table.")));
}

/* Raises HV00Q with the schemas that there are. */
static void
report_no_schema(json_t *document, const char *schema)
{
	StringInfoData list;
	const char *path;
	json_t	   *value;

	initStringInfo(&list);
	json_object_foreach(json_object_get(document, "paths"), path, value)
	{
		char	   *segment = psprintf("\"%.*s\"", (int) strcspn(path + (*path == '/'), "/"), path + (*path == '/'));

		if (list.len < 200 && strstr(list.data, segment) == NULL)
			appendStringInfo(&list, "%s%s", list.len ? ", " : "", segment);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
			 errmsg("no operation below \"%s\" answers an array of records", schema),
			 errhint("The remote schema is the beginning of the paths, \"/\" for all; the document's begin with %s.",
					 list.len > 0 ? rt_openapi_text(list.data) : "nothing: it has none")));
}

List *
rt_import_foreign_schema(ImportForeignSchemaStmt *stmt, Oid server_id)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller, "retrack import", ALLOCSET_DEFAULT_SIZES);
	ForeignServer *server = GetForeignServer(server_id);
	ImportOptions options;
	json_t	   *document;
	List	   *tables;
	List	   *commands = NIL;
	ListCell   *lc;

	MemoryContextSwitchTo(cxt);
	read_options(&options, stmt, server);
	document = load_document(&options, server_id);
	tables = rt_openapi_tables(document, &options.request);
	if (tables == NIL && stmt->list_type == FDW_IMPORT_SCHEMA_ALL)
		report_no_schema(document, stmt->remote_schema);
	foreach(lc, tables)
	{
		char	   *sql = table_command(lfirst(lc), document, server, &options);

		warn_of_pages(lfirst(lc), document, server);
		MemoryContextSwitchTo(caller);
		commands = lappend(commands, pstrdup(sql));
		MemoryContextSwitchTo(cxt);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
	return commands;
}
