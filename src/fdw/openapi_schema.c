/*
 * fdw/openapi_schema.c
 *		Schemas of an OpenAPI document: references, allOf, nullability in its
 *		spellings, types, and the columns that a record schema makes.
 *
 * The document is somebody else's: every walk is bounded, circles of
 * references end, and nothing of it reaches SQL unquoted.
 */
#include "fdw/openapi.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define REFERENCES_MAX 64		/* hops from one $ref to the next */
#define MERGE_DEPTH_MAX 1000	/* allOf in allOf */
#define FLATTEN_DEPTH_MAX 6		/* objects in objects that become columns */
#define TYPE_TEXT_MAX 200

/* Where normalised schemas are kept, by the address of what they were made from. */
#define MERGED_KEY "x-retrack-merged"

static json_t *merged_schema(json_t *document, json_t *schema, int depth);

/*
 * json_object() is also the name of an SQL function that the server exports:
 * called from here it would be the server's.
 */
static json_t *
new_object(void)
{
	return json_pack("{}");
}

char *
rt_openapi_text(const char *utf8)
{
	return GetDatabaseEncoding() == PG_UTF8 ? pstrdup(utf8)
		: pstrdup(pg_any_to_server(utf8, (int) strlen(utf8), PG_UTF8));
}

/* One token of a reference: percent-encoding, ~0 and ~1 undone, in place of *p. */
static char *
take_token(const char **p)
{
	StringInfoData token;

	initStringInfo(&token);
	for ((*p)++; **p != '\0' && **p != '/'; (*p)++)
	{
		unsigned	byte;

		/* sscanf alone would take a sign, blanks or one digit, too */
		if (**p == '%' && isxdigit((unsigned char) (*p)[1]) && isxdigit((unsigned char) (*p)[2]) &&
			sscanf(*p + 1, "%2x", &byte) == 1)
		{
			appendStringInfoChar(&token, (char) byte);
			*p += 2;
		}
		else if (**p == '~' && ((*p)[1] == '0' || (*p)[1] == '1'))
			appendStringInfoChar(&token, *++*p == '0' ? '~' : '/');
		else
			appendStringInfoChar(&token, **p);
	}
	return token.data;
}

/* What a local reference points to, or NULL. */
static json_t *
follow_reference(json_t *document, const char *reference)
{
	json_t	   *value = document;
	const char *p = reference + 1;

	if (reference[0] != '#')
		return NULL;
	while (value != NULL && *p == '/')
	{
		char	   *token = take_token(&p);

		if (json_is_array(value))
			value = strspn(token, "0123456789") == strlen(token) && token[0] != '\0'
				? json_array_get(value, (size_t) atol(token)) : NULL;
		else
			value = json_object_get(value, token);
	}
	return *p == '\0' ? value : NULL;
}

json_t *
rt_openapi_resolve(json_t *document, json_t *value)
{
	for (int i = 0; i < REFERENCES_MAX; i++)
	{
		const char *reference = json_string_value(json_object_get(value, "$ref"));

		if (reference == NULL)
			return value;
		value = follow_reference(document, reference);
	}
	return NULL;
}

bool
rt_openapi_has_type(json_t *schema, const char *word)
{
	json_t	   *type = json_object_get(schema, "type");
	json_t	   *item;
	size_t		i;

	if (json_is_string(type))
		return strcmp(json_string_value(type), word) == 0;
	json_array_foreach(type, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
			return true;
	}
	return false;
}

/* Appends the names that are not there yet: allOf may say the same many times over. */
static void
add_required(json_t *dst, json_t *src)
{
	json_t	   *item;
	json_t	   *old;
	size_t		i;
	size_t		k;

	json_array_foreach(src, i, item)
	{
		bool		found = false;

		json_array_foreach(dst, k, old)
		{
			found |= json_equal(old, item);
		}
		if (!found)
			json_array_append(dst, item);
	}
}

/* Takes over what src says; properties and required add up. */
static void
merge_into(json_t *dst, json_t *src)
{
	const char *key;
	json_t	   *value;

	json_object_foreach(src, key, value)
	{
		json_t	   *old = json_object_get(dst, key);

		if (strcmp(key, "allOf") == 0 || strcmp(key, "anyOf") == 0 || strcmp(key, "oneOf") == 0 ||
			strcmp(key, "$ref") == 0)
			continue;
		if (strcmp(key, "properties") == 0 && json_is_object(old))
			json_object_update(old, value);
		else if (strcmp(key, "required") == 0 && json_is_array(old))
			add_required(old, value);
		else if (strcmp(key, "properties") == 0 || strcmp(key, "required") == 0)
			json_object_set_new(dst, key, json_copy(value));
		else
			json_object_set(dst, key, value);
	}
}

static bool
is_null_schema(json_t *schema)
{
	return json_is_string(json_object_get(schema, "type")) && rt_openapi_has_type(schema, "null");
}

/*
 * anyOf and oneOf: one alternative besides null is that one, nullable; of
 * several only scalars have something in common, their text.
 */
static void
merge_alternatives(json_t *document, json_t *dst, json_t *alternatives, int depth)
{
	json_t	   *only = NULL;
	json_t	   *item;
	size_t		i;
	int			n = 0;
	bool		scalars = true;

	json_array_foreach(alternatives, i, item)
	{
		json_t	   *schema = merged_schema(document, item, depth);

		if (is_null_schema(schema))
		{
			json_object_set_new(dst, "nullable", json_true());
			continue;
		}
		scalars &= !rt_openapi_has_type(schema, "object") && !rt_openapi_has_type(schema, "array") &&
			json_object_get(schema, "type") != NULL;
		only = schema;
		n++;
	}
	if (n == 1)
		merge_into(dst, only);
	else if (n > 1)
	{
		json_object_set_new(dst, "x-retrack-mixed", json_string(scalars ? "text" : "jsonb"));
		json_object_del(dst, "properties");
	}
}

static json_t *
make_merged(json_t *document, json_t *schema, json_t *target, int depth)
{
	json_t	   *merged = new_object();
	json_t	   *item;
	size_t		i;

	if (target != schema)
		merge_into(merged, merged_schema(document, target, depth + 1));
	json_array_foreach(json_object_get(schema, "allOf"), i, item)
	{
		merge_into(merged, merged_schema(document, item, depth + 1));
	}
	merge_into(merged, schema);
	merge_alternatives(document, merged, json_object_get(schema, "anyOf"), depth + 1);
	merge_alternatives(document, merged, json_object_get(schema, "oneOf"), depth + 1);
	return merged;
}

/* Normalises a schema once; while that is under way it is empty to itself. */
static json_t *
merged_schema(json_t *document, json_t *schema, int depth)
{
	json_t	   *target = rt_openapi_resolve(document, schema);
	json_t	   *kept = json_object_get(document, MERGED_KEY);
	json_t	   *merged;
	char		address[32];

	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (!json_is_object(target) || depth > MERGE_DEPTH_MAX)
		target = schema = NULL;
	if (schema == target && json_object_get(schema, "allOf") == NULL &&
		json_object_get(schema, "anyOf") == NULL && json_object_get(schema, "oneOf") == NULL &&
		schema != NULL)
		return schema;
	/* a reference with nothing beside it */
	if (schema != target && json_object_size(schema) == 1)
		return merged_schema(document, target, depth + 1);
	if (kept == NULL)
	{
		kept = new_object();
		json_object_set_new(document, MERGED_KEY, kept);
	}
	snprintf(address, sizeof(address), "%p", (void *) schema);
	merged = json_object_get(kept, address);
	if (merged != NULL)
		return merged;
	json_object_set_new(kept, address, new_object());
	if (schema != NULL)
		json_object_set_new(kept, address, make_merged(document, schema, target, depth));
	return json_object_get(kept, address);
}

json_t *
rt_openapi_schema(json_t *document, json_t *schema)
{
	return merged_schema(document, schema, 0);
}

static bool
is_nullable(json_t *schema)
{
	json_t	   *item;
	size_t		i;

	if (json_is_true(json_object_get(schema, "nullable")) || rt_openapi_has_type(schema, "null"))
		return true;
	json_array_foreach(json_object_get(schema, "enum"), i, item)
	{
		if (json_is_null(item))
			return true;
	}
	return false;
}

/* The type that an x-postgresql-type names, or NULL with a NOTICE if there is none. */
static const char *
stated_type(const char *text)
{
	Oid			typid;
	int32		typmod;

	/* a name, perhaps with modifiers and brackets: the parser need not see more */
	if (strlen(text) <= TYPE_TEXT_MAX && text[0] != '\0' &&
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ .,()[]\"") == strlen(text) &&
		rt_parse_type(text, &typid, &typmod) && get_typtype(typid) != TYPTYPE_PSEUDO)
		return format_type_extended(typid, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	ereport(NOTICE,
			(errmsg("type \"%s\" of the OpenAPI document does not exist here", rt_openapi_text(text)),
			 errdetail("The column gets the type of its format instead.")));
	return NULL;
}

static const char *
type_of_format(json_t *schema, bool is_string)
{
	static const struct
	{
		const char *format;
		bool		string;
		const char *type;
	}			formats[] =
	{
		{"date", true, "date"},
		{"date-time", true, "timestamp with time zone"},
		{"uuid", true, "uuid"},
		{"duration", true, "interval"},
		{"ipv4", true, "inet"},
		{"ipv6", true, "inet"},
		{"decimal", true, "numeric"},
		{"int32", true, "integer"},
		{"int64", true, "bigint"},
		{"double", true, "double precision"},
		{"int16", false, "smallint"},
		{"int32", false, "integer"},
		{"int64", false, "bigint"},
		{"uint64", false, "numeric"},
		{"uint32", false, "bigint"},
		{"uint16", false, "integer"},
		{"uint8", false, "smallint"},
		{"float", false, "real"},
		{"double", false, "double precision"},
		{"decimal", false, "numeric"},
	};
	const char *format = json_string_value(json_object_get(schema, "format"));

	for (int i = 0; format != NULL && i < lengthof(formats); i++)
	{
		if (formats[i].string == is_string && strcmp(formats[i].format, format) == 0)
			return formats[i].type;
	}
	return NULL;
}

static const char *
scalar_type(json_t *schema)
{
	const char *type;
	int			kinds = rt_openapi_has_type(schema, "string") + rt_openapi_has_type(schema, "integer") +
		rt_openapi_has_type(schema, "number") + rt_openapi_has_type(schema, "boolean");

	if (rt_openapi_has_type(schema, "object") || rt_openapi_has_type(schema, "array"))
		return "jsonb";
	if (rt_openapi_has_type(schema, "integer") && rt_openapi_has_type(schema, "number"))
		return kinds == 2 ? "numeric" : "text";
	if (kinds > 1)
		return "text";
	type = type_of_format(schema, rt_openapi_has_type(schema, "string"));
	if (rt_openapi_has_type(schema, "string"))
		return type && json_object_get(schema, "enum") == NULL ? type : "text";
	if (rt_openapi_has_type(schema, "integer"))
		return type ? type : json_number_value(json_object_get(schema, "maximum")) < 9.3e18 ? "bigint" : "numeric";
	if (rt_openapi_has_type(schema, "number"))
		return type ? type : "numeric";
	if (rt_openapi_has_type(schema, "boolean"))
		return "boolean";
	if (json_is_string(json_array_get(json_object_get(schema, "enum"), 0)) ||
		json_is_string(json_object_get(schema, "const")) || rt_openapi_has_type(schema, "null"))
		return "text";
	return "jsonb";
}

const char *
rt_openapi_type(json_t *document, json_t *given)
{
	json_t	   *schema = rt_openapi_schema(document, given);
	const char *stated = json_string_value(json_object_get(schema, "x-postgresql-type"));
	const char *mixed = json_string_value(json_object_get(schema, "x-retrack-mixed"));
	const char *type = stated ? stated_type(stated) : NULL;

	if (type != NULL)
		return type;
	if (mixed != NULL)
		return mixed;
	if (rt_openapi_has_type(schema, "array") && !rt_openapi_has_type(schema, "object"))
	{
		json_t	   *items = rt_openapi_schema(document, json_object_get(schema, "items"));

		if (rt_openapi_has_type(items, "array") || rt_openapi_has_type(items, "object"))
			return "jsonb";
		type = rt_openapi_type(document, items);
		return strcmp(type, "jsonb") == 0 ? type : psprintf("%s[]", type);
	}
	return scalar_type(schema);
}

static bool
is_taken(List *taken, const char *name)
{
	ListCell   *lc;

	foreach(lc, taken)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

const char *
rt_openapi_name(const char *text, List **taken)
{
	char		base[NAMEDATALEN];
	char		name[NAMEDATALEN];
	int			len = pg_mbcliplen(text, (int) strlen(text), NAMEDATALEN - 1);

	memcpy(base, text, len);
	base[len] = '\0';
	if (len == 0)
		strlcpy(base, "unnamed", sizeof(base));
	strlcpy(name, base, sizeof(name));
	for (int n = 2; is_taken(*taken, name) || SystemAttributeByName(name) != NULL; n++)
	{
		char		suffix[16];
		int			suffix_len = snprintf(suffix, sizeof(suffix), "_%d", n);

		len = pg_mbcliplen(base, (int) strlen(base), NAMEDATALEN - 1 - suffix_len);
		snprintf(name, sizeof(name), "%.*s%s", len, base, suffix);
	}
	*taken = lappend(*taken, pstrdup(name));
	return llast(*taken);
}

/* A walk over the objects of a record. */
typedef struct ColumnWalk
{
	json_t	   *document;
	const OpenapiRequest *request;
	List	   *columns;
	List	   *taken;			/* names */
	List	   *open;			/* schemas around the present one */
} ColumnWalk;

static bool
is_required(json_t *schema, const char *property)
{
	json_t	   *item;
	size_t		i;

	json_array_foreach(json_object_get(schema, "required"), i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), property) == 0)
			return true;
	}
	return false;
}

static char *
pointer_below(const char *pointer, const char *property)
{
	StringInfoData p;

	initStringInfo(&p);
	appendStringInfo(&p, "%s/", pointer);
	for (; *property != '\0'; property++)
	{
		if (*property == '~' || *property == '/')
			appendStringInfo(&p, "~%c", *property == '~' ? '0' : '1');
		else
			appendStringInfoChar(&p, *property);
	}
	return p.data;
}

static void
add_column(ColumnWalk *walk, const char *name, const char *property, const char *pointer,
		   json_t *schema, bool not_null)
{
	OpenapiColumn *column = palloc0(sizeof(OpenapiColumn));
	const char *description = json_string_value(json_object_get(schema, "description"));

	if (list_length(walk->columns) >= MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("a record of the OpenAPI document has more than %d fields", MaxHeapAttributeNumber),
				 errhint("Import with nested 'jsonb'.")));
	column->name = rt_openapi_name(name, &walk->taken);
	column->property = property;
	column->pointer = pointer;
	column->type = rt_openapi_type(walk->document, schema);
	column->description = description ? rt_openapi_text(description) : NULL;
	column->not_null = not_null;
	walk->columns = lappend(walk->columns, column);
}

static void
add_properties(ColumnWalk *walk, json_t *schema, const char *prefix, const char *pointer, bool not_null)
{
	const char *key;
	json_t	   *value;

	walk->open = lappend(walk->open, schema);
	json_object_foreach(json_object_get(schema, "properties"), key, value)
	{
		json_t	   *member = rt_openapi_schema(walk->document, value);
		char	   *property = rt_openapi_text(key);
		char	   *name = prefix ? psprintf("%s_%s", prefix, property) : property;
		char	   *below = pointer_below(pointer, property);
		bool		always = not_null && is_required(schema, key) && !is_nullable(member);

		CHECK_FOR_INTERRUPTS();
		if (json_is_true(json_object_get(member, "writeOnly")))
			continue;
		if (walk->request->flatten && json_object_size(json_object_get(member, "properties")) > 0 &&
			json_object_get(member, "x-postgresql-type") == NULL &&
			!rt_openapi_has_type(member, "array") && !rt_openapi_has_type(member, "string") &&
			list_length(walk->open) < FLATTEN_DEPTH_MAX && !list_member_ptr(walk->open, member))
			add_properties(walk, member, name, below, always);
		else
			add_column(walk, name, prefix ? NULL : property, below, member, always);
	}
	walk->open = list_delete_last(walk->open);
}

List *
rt_openapi_columns(json_t *document, json_t *schema, const OpenapiRequest *request)
{
	ColumnWalk	walk = {.document = document,.request = request};

	add_properties(&walk, rt_openapi_schema(document, schema), NULL, "", true);
	return walk.columns;
}
