/*
 * fdw/value_text.c
 *		Texts of values for requests (see value_text.h).
 */
#include "fdw/value_text.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "types/licence_id.h"

extern Datum licence_id_out(PG_FUNCTION_ARGS);

/* XSD form, which is RFC 3339 but for the zone's "+00:00". */
static char *
time_text(Datum value, Oid type)
{
	char		buf[MAXDATELEN + 1];
	int			utc = 0;
	size_t		len;

	if (type == TIMESTAMPTZOID && TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(value)))
		type = TIMESTAMPOID;
	JsonEncodeDateTime(buf, value, type, type == TIMESTAMPTZOID ? &utc : NULL);
	len = strlen(buf);
	if (type == TIMESTAMPTZOID && len > 6 && strcmp(buf + len - 6, "+00:00") == 0)
		strcpy(buf + len - 6, "Z");
	return pstrdup(buf);
}

static char *
float_text(Datum value, Oid type)
{
	char	   *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN + 1);

	if (type == FLOAT4OID)
		float_to_shortest_decimal_buf(DatumGetFloat4(value), text);
	else
		double_to_shortest_decimal_buf(DatumGetFloat8(value), text);
	return text;
}

/* As documents have it: the check character is ours. */
static char *
licence_text(Datum value)
{
	char	   *text = palloc(LICENCE_ID_TEXT_MAX);

	text[rt_licence_id_print(DatumGetLicenceId(value), false, text)] = '\0';
	return text;
}

char *
rt_value_text(Datum value, Oid type)
{
	Oid			output;
	FmgrInfo	function;
	bool		varlena;
	char	   *text;

	switch (type)
	{
		case BOOLOID:
			return pstrdup(DatumGetBool(value) ? "true" : "false");
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return time_text(value, type);
		case FLOAT4OID:
		case FLOAT8OID:
			return float_text(value, type);
		default:
			getTypeOutputInfo(type, &output, &varlena);
			fmgr_info(output, &function);
			if (function.fn_addr == licence_id_out)
				return licence_text(value);
			text = OutputFunctionCall(&function, value);
			return pg_server_to_any(text, strlen(text), PG_UTF8);
	}
}

bool
rt_value_text_shared(const char *text, Oid type)
{
	switch (type)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return strcspn(text, "-") == 4 && strstr(text, " BC") == NULL;
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return strpbrk(text, "nN") == NULL; /* NaN, Infinity */
		default:
			return true;
	}
}

bool
rt_is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

bool
rt_integer_as(Datum value, Oid from, Oid to, Datum *result)
{
	int64		n = from == INT2OID ? DatumGetInt16(value) :
		from == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);

	if (to == INT2OID)
		*result = Int16GetDatum((int16) n);
	else if (to == INT4OID)
		*result = Int32GetDatum((int32) n);
	else
		*result = Int64GetDatum(n);
	return (to != INT2OID || (n >= PG_INT16_MIN && n <= PG_INT16_MAX)) &&
		(to != INT4OID || (n >= PG_INT32_MIN && n <= PG_INT32_MAX));
}
