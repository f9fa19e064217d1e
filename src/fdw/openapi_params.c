/*
 * fdw/openapi_params.c
 *		Query and path parameters of an OpenAPI operation, matched to columns.
 *
 * Hints (x-retrack-column, x-retrack-op) come first.  Without them a parameter
 * that is called like a column and has its type filters for equality, or for
 * being one of several if it is an array; one with _from or _to behind (and the
 * other usual ways to write at least and at most) is a bound.
 */
#include "fdw/openapi.h"

#include "utils/builtins.h"

typedef enum FilterOp
{
	FILTER_NONE,
	FILTER_EQ,
	FILTER_FROM,
	FILTER_TO,
	FILTER_IN
} FilterOp;

static FilterOp
op_of_word(const char *word)
{
	static const struct
	{
		const char *word;
		FilterOp	op;
	}			words[] =
	{
		{"eq", FILTER_EQ}, {"=", FILTER_EQ},
		{"ge", FILTER_FROM}, {"gte", FILTER_FROM}, {"from", FILTER_FROM}, {">=", FILTER_FROM},
		{"le", FILTER_TO}, {"lte", FILTER_TO}, {"to", FILTER_TO}, {"<=", FILTER_TO},
		{"in", FILTER_IN},
	};

	for (int i = 0; word != NULL && i < lengthof(words); i++)
	{
		if (strcmp(words[i].word, word) == 0)
			return words[i].op;
	}
	return FILTER_NONE;
}

/* By its name, the property's, or its pointer. */
static OpenapiColumn *
find_column(OpenapiTable *table, const char *text, size_t len)
{
	ListCell   *lc;

	foreach(lc, table->columns)
	{
		OpenapiColumn *column = lfirst(lc);
		const char *names[] = {column->property, column->name, column->pointer};

		for (int i = 0; i < lengthof(names); i++)
		{
			if (names[i] != NULL && strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
				return column;
		}
	}
	return NULL;
}

/* The column and operation that a parameter's name suggests. */
static OpenapiColumn *
match_name(OpenapiTable *table, const char *name, FilterOp *op)
{
	static const struct
	{
		const char *suffix;
		FilterOp	op;
	}			suffixes[] =
	{
		{"", FILTER_EQ},
		{"_from", FILTER_FROM}, {"_gte", FILTER_FROM}, {"_ge", FILTER_FROM}, {"_min", FILTER_FROM}, {"[gte]", FILTER_FROM},
		{"_to", FILTER_TO}, {"_lte", FILTER_TO}, {"_le", FILTER_TO}, {"_max", FILTER_TO}, {"[lte]", FILTER_TO},
		{"_in", FILTER_IN}, {"[in]", FILTER_IN},
	};
	size_t		len = strlen(name);

	for (int i = 0; i < lengthof(suffixes); i++)
	{
		size_t		suffix_len = strlen(suffixes[i].suffix);
		OpenapiColumn *column;

		if (len <= suffix_len || strcmp(name + len - suffix_len, suffixes[i].suffix) != 0)
			continue;
		column = find_column(table, name, len - suffix_len);
		if (column != NULL)
		{
			*op = suffixes[i].op;
			return column;
		}
	}
	return NULL;
}

static bool
is_integer_name(const char *type)
{
	return strcmp(type, "integer") == 0 || strcmp(type, "bigint") == 0;
}

/* True if values of the parameter look as the column's do. */
static bool
same_type(json_t *document, json_t *schema, const OpenapiColumn *column)
{
	const char *type;

	if (rt_openapi_has_type(schema, "array"))
		schema = json_object_get(schema, "items");
	type = rt_openapi_type(document, schema);
	return strcmp(type, column->type) == 0 || (is_integer_name(type) && is_integer_name(column->type));
}

static void
set_filter(OpenapiColumn *column, FilterOp op, const char *name, bool repeat, bool required)
{
	switch (op)
	{
		case FILTER_EQ:
			column->param = name;
			break;
		case FILTER_FROM:
			column->param_from = name;
			break;
		case FILTER_TO:
			column->param_to = name;
			break;
		default:
			column->param_in = name;
			column->repeat = repeat;
	}
	column->required |= required;
}

/* True if the parameter filters a column. */
static bool
add_query_parameter(json_t *document, json_t *parameter, const OpenapiRequest *request, OpenapiTable *table)
{
	json_t	   *schema = rt_openapi_schema(document, json_object_get(parameter, "schema"));
	const char *name = rt_openapi_text(json_string_value(json_object_get(parameter, "name")));
	const char *hint = json_string_value(json_object_get(parameter, "x-retrack-column"));
	const char *style = json_string_value(json_object_get(parameter, "style"));
	json_t	   *explode = json_object_get(parameter, "explode");
	bool		array = rt_openapi_has_type(schema, "array");
	FilterOp	op = FILTER_NONE;
	OpenapiColumn *column;

	if ((style != NULL && strcmp(style, "form") != 0) || json_object_get(parameter, "x-retrack-derived") != NULL ||
		json_object_get(parameter, "schema") == NULL)
		return false;
	if (hint != NULL)
	{
		column = find_column(table, rt_openapi_text(hint), strlen(rt_openapi_text(hint)));
		op = op_of_word(json_string_value(json_object_get(parameter, "x-retrack-op")));
		if (op == FILTER_NONE && json_object_get(parameter, "x-retrack-op") == NULL)
			op = FILTER_EQ;
	}
	else if (request->hinted_only)
		return false;
	else
	{
		column = match_name(table, name, &op);
		if (column != NULL && !same_type(document, schema, column))
			return false;
	}
	if (column == NULL || op == FILTER_NONE)
		return false;
	if (array && op == FILTER_EQ)
		op = FILTER_IN;
	set_filter(column, op, name, array && !json_is_false(explode),
			   json_is_true(json_object_get(parameter, "required")));
	return true;
}

/* Binds each {name} in the path to the column of that name. */
static bool
bind_path(OpenapiTable *table)
{
	for (const char *p = strchr(table->path, '{'); p != NULL; p = strchr(p + 1, '{'))
	{
		size_t		len = strcspn(p + 1, "}");
		OpenapiColumn *column = find_column(table, p + 1, len);

		if (column == NULL)
		{
			ereport(NOTICE,
					(errmsg("path \"%s\" of the OpenAPI document is not imported", table->path),
					 errdetail("No column holds its parameter \"%.*s\".", (int) len, p + 1)));
			return false;
		}
		column->param = pnstrdup(p + 1, len);
		column->required = true;
	}
	return true;
}

static bool
looks_like_paging(const char *name)
{
	static const char *const names[] = {
		"limit", "offset", "page", "page_size", "pageSize", "per_page", "perPage", "page[number]", "page[size]", "cursor",
		"page_token", "pageToken", "next_token", "nextToken", "starting_after", "skip", "$skip", "$top"
	};

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The list of parameters at key, of one operation or of its whole path. */
static bool
add_parameters(json_t *document, json_t *holder, json_t *overriding, const OpenapiRequest *request,
			   OpenapiTable *table)
{
	json_t	   *item;
	size_t		i;

	json_array_foreach(json_object_get(holder, "parameters"), i, item)
	{
		json_t	   *parameter = rt_openapi_resolve(document, item);
		const char *name = json_string_value(json_object_get(parameter, "name"));
		const char *place = json_string_value(json_object_get(parameter, "in"));
		json_t	   *other;
		size_t		k;
		bool		overridden = false;

		if (name == NULL || place == NULL || strcmp(place, "query") != 0)
			continue;
		json_array_foreach(json_object_get(overriding, "parameters"), k, other)
		{
			const char *other_name = json_string_value(json_object_get(rt_openapi_resolve(document, other), "name"));

			overridden |= other_name != NULL && strcmp(other_name, name) == 0;
		}
		if (overridden)
			continue;
		if (request->parameters && add_query_parameter(document, parameter, request, table))
			continue;
		if (looks_like_paging(name))
			table->paging = rt_openapi_text(name);
		if (json_is_true(json_object_get(parameter, "required")))
		{
			ereport(NOTICE,
					(errmsg("path \"%s\" of the OpenAPI document is not imported", table->path),
					 errdetail("No column holds its required parameter \"%s\".", rt_openapi_text(name))));
			return false;
		}
	}
	return true;
}

bool
rt_openapi_parameters(json_t *document, json_t *path_item, json_t *operation,
					  const OpenapiRequest *request, OpenapiTable *table)
{
	return add_parameters(document, path_item, operation, request, table) &&
		add_parameters(document, operation, NULL, request, table) && bind_path(table);
}
