/*
 * fdw/openapi.h
 *		Tables and columns as an OpenAPI 3.0 or 3.1 document describes them.
 */
#ifndef RT_OPENAPI_H
#define RT_OPENAPI_H

#include "retrack.h"

/*
 * jansson and the server both declare json_object() (neither may be called) and
 * json_typeof, jansson as a macro: the server's headers go first.
 */
#include "utils/builtins.h"
#define json_object jansson_object
#include <jansson.h>
#undef json_object

#include "nodes/pg_list.h"

/* What the import was asked for. */
typedef struct OpenapiRequest
{
	const char *schema;			/* first segments of the paths wanted; "/" = all */
	const char *server_records; /* the server's records pointer, or NULL */
	const char *base_url;		/* the server's */
	bool		flatten;		/* nested objects become columns, not one of jsonb */
	bool		hinted_only;	/* parameters only where x-retrack-column says so */
	bool		parameters;
	bool		(*wanted) (const char *table, void *arg);	/* LIMIT TO and EXCEPT */
	void	   *wanted_arg;
} OpenapiRequest;

typedef struct OpenapiColumn
{
	const char *name;			/* the SQL name, unique in its table, not quoted */
	const char *property;		/* as the document has it, at the record's top */
	const char *pointer;
	const char *type;			/* SQL, ready to be written */
	const char *description;	/* or NULL */
	bool		not_null;
	bool		required;		/* a query has to bind it */
	bool		repeat;			/* of param_in */
	const char *param;			/* query parameters, or NULL */
	const char *param_from;
	const char *param_to;
	const char *param_in;
	const char *sort;
} OpenapiColumn;

typedef struct OpenapiTable
{
	const char *name;			/* unique, not quoted */
	const char *path;
	const char *records;		/* pointer, NULL if it is the server's */
	bool		ndjson;
	const char *paging;			/* a parameter that looks like one of paging, NULL if none does */
	const char *description;
	List	   *columns;		/* of OpenapiColumn */
} OpenapiTable;

/*
 * The tables of the document's GET operations that answer arrays of objects, in
 * the document's order, in the current memory context.  Raises HV000 if it is no
 * OpenAPI 3 document; operations it has to leave out are NOTICEs.
 */
extern List *rt_openapi_tables(json_t *document, const OpenapiRequest *request);

/* Columns of a record schema (openapi_schema.c). */
extern List *rt_openapi_columns(json_t *document, json_t *schema, const OpenapiRequest *request);

/* The SQL type of a schema: of a column, or of a parameter's values. */
extern const char *rt_openapi_type(json_t *document, json_t *schema);

/* What a chain of $ref leads to; NULL if nowhere, or in circles. */
extern json_t *rt_openapi_resolve(json_t *document, json_t *value);

/* A schema with its allOf merged: borrowed from document or kept by it. */
extern json_t *rt_openapi_schema(json_t *document, json_t *schema);

/* True if the (resolved) schema's type is, or may be, the word. */
extern bool rt_openapi_has_type(json_t *schema, const char *word);

/* UTF-8 to the server's encoding, palloc'd. */
extern char *rt_openapi_text(const char *utf8);

/*
 * An SQL name made from text, at most 63 bytes, that taken (a List of char *)
 * does not hold yet; it is added there.
 */
extern const char *rt_openapi_name(const char *text, List **taken);

/* Adds the query parameters of an operation to the columns they filter. */
extern bool rt_openapi_parameters(json_t *document, json_t *path_item, json_t *operation,
								  const OpenapiRequest *request, OpenapiTable *table);

#endif							/* RT_OPENAPI_H */
