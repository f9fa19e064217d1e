/*
 * rules/row_json.c
 *		Rows as JSON, as row_to_json writes them.
 *
 * Columns of plain types are written here; a table that has others (arrays, row
 * types, json, types with a cast to json) is left to row_to_json altogether.
 */
#include "rules/row_json.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "pgtime.h"
#include "rules/books.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef enum JsonKind
{
	JSON_DROPPED,
	JSON_TEXT,
	JSON_BOOL,
	JSON_INT4,
	JSON_INT8,
	JSON_NUMBER,				/* its own text, in quotes if it is none (NaN) */
	JSON_TIME,					/* date, timestamp, timestamptz */
	JSON_STRING					/* its own text, in quotes */
} JsonKind;

typedef struct JsonColumn
{
	JsonKind	kind;
	Oid			type;			/* below domains */
	char	   *name;			/* ,"name": */
	int			name_len;
	FmgrInfo	output;
} JsonColumn;

struct RowJson
{
	MemoryContext cxt;
	bool		plain;			/* false: row_to_json must do it */
	bool		depends;
	int			ncolumns;
	JsonColumn	columns[FLEXIBLE_ARRAY_MEMBER];
};

/* appendBinaryStringInfo without a call and without the terminator. */
static inline void
put(StringInfo buf, const char *s, int len)
{
	if (unlikely(len >= buf->maxlen - buf->len))
		enlargeStringInfo(buf, len);
	memcpy(buf->data + buf->len, s, len);
	buf->len += len;
}

static inline void
put_char(StringInfo buf, char c)
{
	put(buf, &c, 1);
}

static inline bool
is_plain_char(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

static void
put_escape(StringInfo buf, unsigned char c)
{
	static const char short_for[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	char		code[7];

	for (int i = 0; i < (int) sizeof(short_for) - 1; i += 2)
	{
		if (short_for[i] == c)
		{
			code[0] = '\\';
			code[1] = short_for[i + 1];
			put(buf, code, 2);
			return;
		}
	}
	put(buf, code, snprintf(code, sizeof(code), "\\u%04x", c));
}

static void
put_string(StringInfo buf, const char *s, int len)
{
	int			from = 0;

	put_char(buf, '"');
	for (int i = 0; i < len; i++)
	{
		if (likely(is_plain_char(s[i])))
			continue;
		put(buf, s + from, i - from);
		put_escape(buf, s[i]);
		from = i + 1;
	}
	put(buf, s + from, len - from);
	put_char(buf, '"');
}

/* row_to_json's own distinctions; false: a kind that is left to it. */
static bool
find_kind(JsonColumn *column)
{
	Oid			cast;

	switch (column->type)
	{
		case TEXTOID:
		case VARCHAROID:
			column->kind = JSON_TEXT;
			return true;
		case BOOLOID:
			column->kind = JSON_BOOL;
			return true;
		case INT4OID:
			column->kind = JSON_INT4;
			return true;
		case INT8OID:
			column->kind = JSON_INT8;
			return true;
		case INT2OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			column->kind = JSON_NUMBER;
			return true;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			column->kind = JSON_TIME;
			return true;
		case JSONOID:
		case JSONBOID:
			return false;
	}
	column->kind = JSON_STRING;
	if (OidIsValid(get_element_type(column->type)) || get_typtype(column->type) == TYPTYPE_PSEUDO ||
		type_is_rowtype(column->type))
		return false;
	return column->type < FirstNormalObjectId ||
		find_coercion_pathway(JSONOID, column->type, COERCION_EXPLICIT, &cast) != COERCION_PATH_FUNC;
}

/* Types of which every value reads the same in any session. */
static bool
reads_the_same(const JsonColumn *column)
{
	switch (column->kind)
	{
		case JSON_TIME:
			return column->type != TIMESTAMPTZOID;
		case JSON_NUMBER:
			return column->type == INT2OID || column->type == NUMERICOID;
		case JSON_STRING:
			return column->type == rt_type_oid("mass") || column->type == rt_type_oid("assay") ||
				column->type == rt_type_oid("licence_id") || get_typtype(column->type) == TYPTYPE_ENUM;
		default:
			return true;
	}
}

static void
make_column(RowJson *json, JsonColumn *column, Form_pg_attribute att)
{
	StringInfoData name;
	Oid			output;
	bool		varlena;

	if (att->attisdropped)
		return;
	initStringInfo(&name);
	put_char(&name, ',');
	put_string(&name, NameStr(att->attname), strlen(NameStr(att->attname)));
	put_char(&name, ':');
	column->name = name.data;
	column->name_len = name.len;
	column->type = getBaseType(att->atttypid);
	if (!find_kind(column))
		json->plain = false;
	if (!json->plain || !reads_the_same(column))
		json->depends = true;
	getTypeOutputInfo(column->type, &output, &varlena);
	fmgr_info_cxt(output, &column->output, json->cxt);
}

RowJson *
rt_row_json_make(TupleDesc desc, MemoryContext parent)
{
	MemoryContext cxt = AllocSetContextCreate(parent, "retrack row as JSON", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(cxt);
	RowJson    *json = palloc0(offsetof(RowJson, columns) + sizeof(JsonColumn) * desc->natts);

	json->cxt = cxt;
	json->plain = true;
	json->ncolumns = desc->natts;
	for (int i = 0; i < desc->natts; i++)
		make_column(json, &json->columns[i], TupleDescAttr(desc, i));
	MemoryContextSwitchTo(caller);
	return json;
}

void
rt_row_json_retire(RowJson *json)
{
	MemoryContextSetParent(json->cxt, TopTransactionContext);
}

bool
rt_row_json_depends_on_settings(const RowJson *json)
{
	return json->depends;
}

/* A number's text that is no NaN and no infinity; JSON then reads it as a number. */
static bool
is_number(const char *s)
{
	return isdigit((unsigned char) s[s[0] == '-' ? 1 : 0]);
}

static void
put_output(JsonColumn *column, Datum value, StringInfo buf)
{
	char	   *own = OutputFunctionCall(&column->output, value);

	if (column->kind == JSON_NUMBER && is_number(own))
		put(buf, own, strlen(own));
	else
		put_string(buf, own, strlen(own));
}

static void
append_value(JsonColumn *column, Datum value, StringInfo buf)
{
	char		word[MAXDATELEN + 1];
	text	   *stored;

	switch (column->kind)
	{
		case JSON_TEXT:
			stored = DatumGetTextPP(value);
			put_string(buf, VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
			break;
		case JSON_BOOL:
			if (DatumGetBool(value))
				put(buf, "true", 4);
			else
				put(buf, "false", 5);
			break;
		case JSON_INT4:
			put(buf, word, pg_ltoa(DatumGetInt32(value), word));
			break;
		case JSON_INT8:
			put(buf, word, pg_lltoa(DatumGetInt64(value), word));
			break;
		case JSON_TIME:
			JsonEncodeDateTime(word, value, column->type, NULL);
			put_char(buf, '"');
			put(buf, word, strlen(word));
			put_char(buf, '"');
			break;
		case JSON_NUMBER:
		case JSON_STRING:
			put_output(column, value, buf);
			break;
		case JSON_DROPPED:
			break;
	}
}

static void
append_by_server(TupleTableSlot *slot, StringInfo buf)
{
	bool		free_tuple;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, &free_tuple);
	Datum		row = heap_copy_tuple_as_datum(tuple, slot->tts_tupleDescriptor);
	text	   *result = DatumGetTextPP(DirectFunctionCall1(row_to_json, row));

	appendBinaryStringInfo(buf, VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result));
}

void
rt_row_json_append(RowJson *json, TupleTableSlot *slot, StringInfo buf)
{
	int			start;

	if (!json->plain)
	{
		append_by_server(slot, buf);
		return;
	}
	slot_getallattrs(slot);
	start = buf->len;
	for (int i = 0; i < json->ncolumns; i++)
	{
		JsonColumn *column = &json->columns[i];

		if (column->kind == JSON_DROPPED)
			continue;
		put(buf, column->name, column->name_len);
		if (slot->tts_isnull[i])
			put(buf, "null", 4);
		else
			append_value(column, slot->tts_values[i], buf);
	}
	if (buf->len == start)
		put_char(buf, '{');
	buf->data[start] = '{';		/* where the first comma is */
	put(buf, "}", 2);
	buf->len--;
}

static bool
settings_are_plain(void)
{
	const char *zone = pg_get_timezone_name(session_timezone);

	return DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES && extra_float_digits == 1 &&
		bytea_output == BYTEA_OUTPUT_HEX && (strcmp(zone, "UTC") == 0 || strcmp(zone, "Etc/UTC") == 0);
}

int
rt_plain_settings(void)
{
	static const char *const plain[][2] = {
		{"DateStyle", "ISO, YMD"}, {"TimeZone", "UTC"}, {"IntervalStyle", "postgres"},
		{"extra_float_digits", "1"}, {"bytea_output", "hex"},
	};
	int			nest;

	if (settings_are_plain())
		return 0;
	nest = NewGUCNestLevel();
	for (int i = 0; i < lengthof(plain); i++)
		(void) set_config_option(plain[i][0], plain[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nest;
}

void
rt_restore_settings(int nest)
{
	if (nest > 0)
		AtEOXact_GUC(true, nest);
}
