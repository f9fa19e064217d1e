/*
 * fdw/convert.c
 *		JSON values to Datums: converters, the way through input functions,
 *		and errors.
 *
 * A value that the fast path leaves undecided goes through the type's input
 * function, where it may fail.  Server 16 has soft errors for that; before, and
 * for input functions that are not known to use them, an error is caught.  To
 * report it in other words that needs nothing more; to go on after it (on_error
 * 'skip') it needs a subtransaction, which only these values pay for.
 */
#include "retrack.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "fdw/convert.h"
#include "fdw/http.h"

#define VALUE_SHOWN 100			/* bytes of a refused value in its error */
#define MESSAGE_SHOWN 400		/* of a type's message */
#define CREDENTIAL_MAX (16 * 1024)	/* of those that are looked for there */
#define NULL_REFUSED "null or missing, but the column is NOT NULL"

/* A value on its way through the slow path. */
typedef struct SlowValue
{
	ConvertColumn *column;
	const JsonValue *value;
	Datum		result;
	bool		isnull;
	Node	   *escontext;		/* server 16: where soft errors go */
	int			sqlstate;		/* of our own refusals */
	const char *message;		/* NULL: not refused by us */
} SlowValue;

static bool convert_undecided(SlowValue *slow);

ConvertColumn *
rt_convert_column(const char *name, const char *pointer, Oid typid, int32 typmod, bool not_null)
{
	ConvertColumn *column = palloc0(sizeof(ConvertColumn));
	Oid			input;
	Oid			element;

	column->context = CurrentMemoryContext;
	column->name = pstrdup(name);
	column->pointer = pstrdup(pointer);
	column->typid = typid;
	column->typmod = typmod;
	column->check_null = column->not_null = not_null;
	column->json = typid == JSONOID || typid == JSONBOID;
	getTypeInputInfo(typid, &input, &column->ioparam);
	fmgr_info(input, &column->input);

	if (get_typtype(typid) == TYPTYPE_DOMAIN)
	{
		int32		base_typmod = typmod;
		Oid			base = getBaseTypeAndTypmod(typid, &base_typmod);

		column->base = rt_convert_column(name, pointer, base, base_typmod, false);
		column->check_null = true;
		return column;
	}
	element = get_element_type(typid);
	if (OidIsValid(element))
	{
		column->element = rt_convert_column(name, pointer, element, typmod, false);
		get_typlenbyvalalign(element, &column->element_len, &column->element_byval, &column->element_align);
		column->fast = rt_convert_fast_array;
		column->soft = column->element->soft;
		return column;
	}
	rt_convert_choose_fast(column);
	/* ours and the server's own keep to soft errors */
	column->soft = input < FirstNormalObjectId || column->fast != NULL;
	return column;
}

/* Keeps the first refusal of our own. */
static bool
refuse(SlowValue *slow, int sqlstate, const char *message)
{
	if (slow->message == NULL)
	{
		slow->sqlstate = sqlstate;
		slow->message = message;
	}
	return false;
}

/* The text that the input function reads, in the server's encoding. */
static char *
input_text(ConvertColumn *column, const JsonValue *value)
{
	const char *data = column->json ? value->raw : value->data;
	size_t		len = column->json ? value->raw_len : value->len;
	char	   *text = pnstrdup(data, len);

	if (GetDatabaseEncoding() != PG_UTF8)
		text = pg_any_to_server(text, (int) len, PG_UTF8);
	return text;
}

static bool
convert_element(ConvertColumn *element, const JsonValue *value, Datum *result, void *arg)
{
	SlowValue  *outer = arg;
	SlowValue	slow = {.column = element,.value = value,.escontext = outer->escontext};

	if (element->fast != NULL && element->fast(element, value, result))
		return true;
	if (convert_undecided(&slow))
	{
		*result = slow.result;
		return true;
	}
	if (slow.message != NULL)
		return refuse(outer, slow.sqlstate, slow.message);
	return false;
}

static bool
convert_domain(SlowValue *slow)
{
	ConvertColumn *column = slow->column;
	SlowValue	inner = *slow;

	inner.column = column->base;
	if (slow->value->kind <= JV_NULL)
	{
		if (column->not_null)
			return refuse(slow, ERRCODE_NOT_NULL_VIOLATION, NULL_REFUSED);
		inner.isnull = true;
	}
	else if (column->base->fast == NULL ||
			 !column->base->fast(column->base, slow->value, &inner.result))
	{
		if (!convert_undecided(&inner))
		{
			slow->sqlstate = inner.sqlstate;
			slow->message = inner.message;
			return false;
		}
	}
	domain_check(inner.result, inner.isnull, column->typid, &column->domain, column->context);
	slow->result = inner.result;
	slow->isnull = inner.isnull;
	return true;
}

/*
 * Converts a value the fast path left open.  False: refused, by slow->message or
 * by a soft error; may throw.
 */
static bool
convert_undecided(SlowValue *slow)
{
	ConvertColumn *column = slow->column;
	const JsonValue *value = slow->value;

	if (column->base != NULL)
		return convert_domain(slow);
	if (value->kind <= JV_NULL)
	{
		if (column->not_null)
			return refuse(slow, ERRCODE_NOT_NULL_VIOLATION, NULL_REFUSED);
		slow->isnull = true;
		return true;
	}
	if (column->element != NULL && value->kind == JV_ARRAY)
	{
		const char *problem = NULL;

		if (rt_convert_array(column, value, convert_element, slow, &slow->result, &problem))
			return true;
		if (problem != NULL)
			return refuse(slow, ERRCODE_ARRAY_SUBSCRIPT_ERROR, problem);
		return false;
	}
	if (column->element != NULL && value->kind == JV_OBJECT)
		return refuse(slow, ERRCODE_INVALID_TEXT_REPRESENTATION, "a JSON object where an array was expected");
	if (value->kind == JV_BAD_STRING && !column->json)
		return refuse(slow, ERRCODE_UNTRANSLATABLE_CHARACTER,
					  "string holds \\u0000 or a lone surrogate, which text cannot");
	if (!rt_input_function_call(&column->input, input_text(column, value), column->ioparam,
								column->typmod, slow->escontext, &slow->result))
		return false;
	rt_convert_learn_label(column, value, slow->result);
	return true;
}

/* True for errors that a value can cause; the others are nobody's to swallow. */
static bool
is_refusal(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case MAKE_SQLSTATE('0', 'A', '0', '0', '0'):
		case MAKE_SQLSTATE('2', '2', '0', '0', '0'):
		case MAKE_SQLSTATE('2', '3', '0', '0', '0'):
		case MAKE_SQLSTATE('4', '2', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '4', '0', '0', '0'):
		case MAKE_SQLSTATE('R', 'T', '0', '0', '0'):
		case MAKE_SQLSTATE('P', '0', '0', '0', '0'):
			return true;
		default:
			return false;
	}
}

/*
 * Catches what the conversion throws.  isolated: in a subtransaction, so that
 * the caller may go on after an error.  True if converted; else *caught is the
 * error, or NULL if it was refused otherwise.
 */
static bool
convert_catching(SlowValue *slow, bool isolated, ErrorData **caught)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	*caught = NULL;
	if (isolated)
	{
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(cxt);
	}
	PG_TRY();
	{
		done = convert_undecided(slow);
		if (isolated)
		{
			ReleaseCurrentSubTransaction();
			MemoryContextSwitchTo(cxt);
			CurrentResourceOwner = owner;
		}
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		if (isolated)
		{
			RollbackAndReleaseCurrentSubTransaction();
			MemoryContextSwitchTo(cxt);
			CurrentResourceOwner = owner;
		}
		if (!is_refusal(error->sqlerrcode))
			ReThrowError(error);
		*caught = error;
		done = false;
	}
	PG_END_TRY();
	return done;
}

/* A copy with credentials starred out: an API can send back what it was sent. */
static char *
redacted_copy(const ConvertColumn *column, const char *text, size_t len)
{
	char	   *copy = pnstrdup(text, len);

	if (column->secrets != NULL)
		rt_http_redact(column->secrets, copy);
	return copy;
}

/* The raw value, cut to what an error should show, in the server's encoding. */
static const char *
shown_value(const ConvertColumn *column, const JsonValue *value)
{
	/* beyond what is shown, so that a credential across the cut is seen whole */
	size_t		looked_at = VALUE_SHOWN + CREDENTIAL_MAX;
	char	   *text;
	const char *raw;
	int			len;

	if (value->kind == JV_MISSING)
		return "missing";
	/* escapes could hide a credential in the raw text */
	if (value->kind == JV_STRING)
	{
		size_t		data_len = Min(value->len, looked_at);

		text = redacted_copy(column, value->data, data_len);
		if (strlen(text) == data_len && memcmp(text, value->data, data_len) != 0)
			return "hidden, since it holds a credential";
	}
	raw = redacted_copy(column, value->raw, Min(value->raw_len, looked_at));
	len = (int) Min(value->raw_len, VALUE_SHOWN);
	if ((size_t) len < value->raw_len)
	{
		while (len > 0 && ((unsigned char) raw[len] & 0xC0) == 0x80)
			len--;
	}
	text = pnstrdup(raw, len);
	/* the conversion could throw */
	for (char *p = text; GetDatabaseEncoding() != PG_UTF8 && *p != '\0'; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			*p = '?';
	}
	return (size_t) len < value->raw_len ? psprintf("%s...", text) : text;
}

/* What a type said of the value, which it may have repeated whole. */
static const char *
shown_message(const ConvertColumn *column, const char *message)
{
	char	   *text = redacted_copy(column, message, strlen(message));
	int			len = (int) strlen(text);
	int			cut = pg_mbcliplen(text, len, MESSAGE_SHOWN);

	if (cut == len)
		return text;
	text[cut] = '\0';
	return psprintf("%s...", text);
}

bool
rt_convert_slow(ConvertColumn *column, const JsonValue *value, Datum *result, bool *isnull,
				ConvertError *error)
{
	SlowValue	slow = {.column = column,.value = value};
	ConvertError own;
	ErrorData  *caught = NULL;
	RtSoftErrors soft = {0};
	bool		done;

	slow.escontext = rt_soft_errors(&soft);
	/* what another encoding lacks is no soft error */
	if (column->soft && slow.escontext != NULL && GetDatabaseEncoding() == PG_UTF8)
		done = convert_undecided(&slow);
	else
		done = convert_catching(&slow, error != NULL, &caught);
	if (done)
	{
		*result = slow.result;
		*isnull = slow.isnull;
		return true;
	}
	if (error == NULL)
		error = &own;
	error->column = column;
	error->value = shown_value(column, value);
	if (slow.message == NULL && caught == NULL)
		caught = rt_soft_error_data(&soft);
	error->sqlstate = slow.message != NULL ? slow.sqlstate : caught->sqlerrcode;
	error->message = shown_message(column, slow.message != NULL ? slow.message : caught->message);
	if (error == &own)
		rt_convert_report(error);
	return false;
}

void
rt_convert_report(const ConvertError *error)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("invalid value for column \"%s\": %s", error->column->name, error->message),
			 errdetail("The value at pointer \"%s\" is %s (SQLSTATE %s).",
					   error->column->pointer, error->value, unpack_sql_state(error->sqlstate))));
}

char *
rt_convert_error_text(const ConvertError *error)
{
	return psprintf("column \"%s\", pointer \"%s\": %s", error->column->name,
					error->column->pointer, error->message);
}
