/*
 * fdw/convert_fast.c
 *		JSON values to Datums without the input function, where the result is
 *		certain to be the same.  Nothing here throws for a bad value: it says
 *		"not decided".
 */
#include "retrack.h"

#include <float.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/uuid.h"

#include "fdw/convert.h"
#include "types/assay.h"
#include "types/element.h"
#include "types/licence_id.h"
#include "types/mass.h"

#define DIGITS_MAX 18			/* decimal digits that surely fit an int64 */
#define JSONB_FAST_BYTES 65536	/* below it no number in it can be too long for numeric */

extern Datum element_in(PG_FUNCTION_ARGS);
extern Datum mass_in(PG_FUNCTION_ARGS);
extern Datum licence_id_in(PG_FUNCTION_ARGS);
extern Datum assay_in(PG_FUNCTION_ARGS);

/* A decimal number: (-1)^negative * digits * 10^(exponent - scale). */
typedef struct Decimal18
{
	uint64		digits;
	int			ndigits;		/* without leading zeros */
	int			scale;			/* digits behind the point */
	int			exponent;
	bool		negative;
	bool		has_exponent;
} Decimal18;

static const int64 powers_of_ten[] = {
	INT64CONST(1), INT64CONST(10), INT64CONST(100), INT64CONST(1000), INT64CONST(10000),
	INT64CONST(100000), INT64CONST(1000000), INT64CONST(10000000), INT64CONST(100000000),
	INT64CONST(1000000000), INT64CONST(10000000000), INT64CONST(100000000000),
	INT64CONST(1000000000000), INT64CONST(10000000000000), INT64CONST(100000000000000),
	INT64CONST(1000000000000000), INT64CONST(10000000000000000), INT64CONST(100000000000000000),
	INT64CONST(1000000000000000000)
};

/* True for strings and numbers: what has a text of its own. */
static inline bool
is_scalar_text(const JsonValue *value)
{
	return value->kind == JV_NUMBER || value->kind == JV_STRING;
}

/* Reads -?digits(.digits)?([eE][+-]?digits)? as a whole; false if it is anything else or long. */
static inline bool
read_decimal(const char *p, size_t len, Decimal18 *d)
{
	const char *end = p + len;
	const char *first;
	uint64		digits = 0;
	int			ndigits = 0;

	if (len > 32)
		return false;
	d->negative = p < end && *p == '-';
	p += d->negative;
	first = p;
	d->scale = 0;
	d->exponent = 0;
	d->has_exponent = false;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		digits = digits * 10 + (uint64) (*p - '0');
		ndigits += digits != 0;
	}
	if (p == first)
		return false;
	if (p < end && *p == '.')
	{
		first = ++p;
		for (; p < end && *p >= '0' && *p <= '9'; p++)
		{
			digits = digits * 10 + (uint64) (*p - '0');
			ndigits += digits != 0;
		}
		d->scale = (int) (p - first);
		if (d->scale == 0)
			return false;
	}
	/* ndigits may be wrong beyond the limit, but not below it again */
	if (ndigits > DIGITS_MAX || d->scale > DIGITS_MAX)
		return false;
	d->digits = digits;
	d->ndigits = ndigits;
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		bool		negative;

		d->has_exponent = true;
		p++;
		negative = p < end && *p == '-';
		p += p < end && (*p == '-' || *p == '+');
		first = p;
		for (; p < end && *p >= '0' && *p <= '9' && d->exponent < 10000; p++)
			d->exponent = d->exponent * 10 + (*p - '0');
		if (p == first)
			return false;
		if (negative)
			d->exponent = -d->exponent;
	}
	return p == end;
}

/* An integer in [min, max]. */
static inline bool
read_integer(const JsonValue *value, int64 min, int64 max, int64 *result)
{
	const char *p = value->data;
	const char *end = p + value->len;
	bool		negative;
	int64		v = 0;

	if (!is_scalar_text(value) || value->len == 0)
		return false;
	negative = *p == '-';
	p += negative;
	if (p == end || end - p > DIGITS_MAX)
		return false;
	for (; p < end; p++)
	{
		unsigned	digit = (unsigned char) *p - '0';

		if (digit > 9)
			return false;
		v = v * 10 + digit;
	}
	*result = negative ? -v : v;
	return *result >= min && *result <= max;
}

static bool
fast_int2(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	int64		v;

	if (!read_integer(value, PG_INT16_MIN, PG_INT16_MAX, &v))
		return false;
	*result = Int16GetDatum((int16) v);
	return true;
}

static bool
fast_int4(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	int64		v;

	if (!read_integer(value, PG_INT32_MIN, PG_INT32_MAX, &v))
		return false;
	*result = Int32GetDatum((int32) v);
	return true;
}

static bool
fast_int8(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	int64		v;

	if (!read_integer(value, PG_INT64_MIN, PG_INT64_MAX, &v))
		return false;
	*result = Int64GetDatum(v);
	return true;
}

/*
 * Digits and power of ten are both exact in the type, so that their product or
 * quotient is rounded once, which is the correctly rounded value (Clinger).
 */
static bool
fast_float8(ConvertColumn *column, const JsonValue *value, Datum *result)
{
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
	static const double powers[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
	};
	Decimal18	d;
	int			exponent;
	double		v;

	if (!is_scalar_text(value) || !read_decimal(value->data, value->len, &d))
		return false;
	exponent = d.exponent - d.scale;
	if (d.digits > (UINT64CONST(1) << 53) || exponent < -22 || exponent > 22)
		return false;
	v = (double) d.digits;
	v = exponent < 0 ? v / powers[-exponent] : v * powers[exponent];
	*result = Float8GetDatum(d.negative ? -v : v);
	return true;
#else
	return false;
#endif
}

static bool
fast_float4(ConvertColumn *column, const JsonValue *value, Datum *result)
{
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
	static const float powers[] = {
		1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f, 1e8f, 1e9f, 1e10f
	};
	Decimal18	d;
	int			exponent;
	float		v;

	if (!is_scalar_text(value) || !read_decimal(value->data, value->len, &d))
		return false;
	exponent = d.exponent - d.scale;
	if (d.digits > (UINT64CONST(1) << 24) || exponent < -10 || exponent > 10)
		return false;
	v = (float) d.digits;
	v = exponent < 0 ? v / powers[-exponent] : v * powers[exponent];
	*result = Float4GetDatum(d.negative ? -v : v);
	return true;
#else
	return false;
#endif
}

/* Turns an exponent into digits or scale; false if they become too many. */
static inline bool
apply_exponent(Decimal18 *d)
{
	int			scale = d->scale - d->exponent;

	if (scale > DIGITS_MAX || d->ndigits - scale > DIGITS_MAX)
		return false;
	if (scale < 0)
	{
		if (-scale > DIGITS_MAX)
			return false;
		d->digits *= (uint64) powers_of_ten[-scale];
		d->ndigits -= d->digits != 0 ? scale : 0;
		scale = 0;
	}
	d->scale = scale;
	return true;
}

/* A number of few digits, with the display scale that its text gives it. */
static bool
fast_numeric(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	Decimal18	d;

	if (!is_scalar_text(value) || !read_decimal(value->data, value->len, &d))
		return false;
	if (d.has_exponent && !apply_exponent(&d))
		return false;
	if (column->typmod >= (int32) VARHDRSZ)
	{
		int			precision = ((column->typmod - VARHDRSZ) >> 16) & 0xffff;
		int			scale = (column->typmod - VARHDRSZ) & 0xffff;
		int			pad = scale - d.scale;

		/* a negative scale (15) has bits that make it large here */
		if (scale > DIGITS_MAX || pad < 0 || d.ndigits + pad > DIGITS_MAX ||
			d.ndigits + pad > precision)
			return false;
		d.digits *= (uint64) powers_of_ten[pad];
		d.scale = scale;
	}
	*result = NumericGetDatum(int64_div_fast_to_numeric(d.negative ? -(int64) d.digits :
														(int64) d.digits, d.scale));
	return true;
}

static bool
fast_bool(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	if (value->kind != JV_TRUE && value->kind != JV_FALSE)
		return false;
	*result = BoolGetDatum(value->kind == JV_TRUE);
	return true;
}

static bool
is_ascii(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (IS_HIGHBIT_SET(p[i]))
			return false;
	}
	return true;
}

/* The scanner has checked the encoding. */
static bool
fast_text(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	if (value->kind == JV_BAD_STRING)
		return false;
	if (GetDatabaseEncoding() != PG_UTF8 && !is_ascii(value->data, value->len))
		return false;
	if (column->typmod >= (int32) VARHDRSZ && value->len > (size_t) (column->typmod - VARHDRSZ) &&
		pg_mbstrlen_with_len(value->data, (int) value->len) > column->typmod - VARHDRSZ)
		return false;
	*result = PointerGetDatum(cstring_to_text_with_len(value->data, (int) value->len));
	return true;
}

/* character(n): blanks up to n characters. */
static bool
fast_bpchar(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	int			n = column->typmod - VARHDRSZ;
	text	   *padded;

	if (n < 0)
		return fast_text(column, value, result);
	if (value->kind == JV_BAD_STRING || value->len > (size_t) n || !is_ascii(value->data, value->len))
		return false;
	padded = palloc(VARHDRSZ + n);
	SET_VARSIZE(padded, VARHDRSZ + n);
	memcpy(VARDATA(padded), value->data, value->len);
	memset(VARDATA(padded) + value->len, ' ', n - value->len);
	*result = PointerGetDatum(padded);
	return true;
}

/* The canonical form, 8-4-4-4-12 digits. */
static bool
fast_uuid(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	const char *p = value->data;
	unsigned char bytes[UUID_LEN];
	pg_uuid_t  *uuid;

	if (value->kind != JV_STRING || value->len != 36 ||
		p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-')
		return false;
	for (int i = 0; i < UUID_LEN; i++)
	{
		unsigned	byte = 0;

		p += *p == '-';
		for (int k = 0; k < 2; k++, p++)
		{
			unsigned char c = (unsigned char) *p;

			if (c >= '0' && c <= '9')
				byte = byte << 4 | (c - '0');
			else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
				byte = byte << 4 | ((c | 0x20) - 'a' + 10);
			else
				return false;
		}
		bytes[i] = (unsigned char) byte;
	}
	uuid = palloc(sizeof(pg_uuid_t));
	memcpy(uuid->data, bytes, UUID_LEN);
	*result = UUIDPGetDatum(uuid);
	return true;
}

/* The scanner has checked all that json_in checks. */
static bool
fast_json(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	if (GetDatabaseEncoding() != PG_UTF8)
		return false;
	*result = PointerGetDatum(cstring_to_text_with_len(value->raw, (int) value->raw_len));
	return true;
}

/* True if jsonb_in cannot refuse the valid JSON text: no escapes, no exponents, no length. */
static bool
is_harmless_json(const char *p, size_t len)
{
	if (len > JSONB_FAST_BYTES || memchr(p, '\\', len) != NULL)
		return false;
	for (size_t i = 1; i < len; i++)
	{
		if ((p[i] | 0x20) == 'e' && p[i - 1] >= '0' && p[i - 1] <= '9')
			return false;
	}
	return true;
}

static bool
fast_jsonb(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	JsonbValue	v = {0};

	if (GetDatabaseEncoding() != PG_UTF8)
		return false;
	switch (value->kind)
	{
		case JV_TRUE:
		case JV_FALSE:
			v.type = jbvBool;
			v.val.boolean = value->kind == JV_TRUE;
			break;
		case JV_STRING:
			if (value->len > JSONB_FAST_BYTES)
				return false;
			v.type = jbvString;
			v.val.string.val = unconstify(char *, value->data);
			v.val.string.len = (int) value->len;
			break;
		case JV_OBJECT:
		case JV_ARRAY:
		case JV_NUMBER:
			if (!is_harmless_json(value->raw, value->raw_len))
				return false;
			*result = DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(value->raw, value->raw_len)));
			return true;
		default:
			return false;
	}
	*result = JsonbPGetDatum(JsonbValueToJsonb(&v));
	return true;
}

static bool
fast_element(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	Element		z;

	if (!is_scalar_text(value) || !rt_element_parse(value->data, value->len, &z))
		return false;
	*result = ElementGetDatum(z);
	return true;
}

static bool
fast_mass(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	Mass		m;

	if (!is_scalar_text(value) || rt_mass_parse(value->data, value->len, &m) != MASS_PARSE_OK)
		return false;
	*result = MassGetDatum(m);
	return true;
}

static bool
fast_licence_id(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	LicenceId	id;
	char		expected;

	if (!is_scalar_text(value) ||
		rt_licence_id_parse(value->data, value->len, &id, &expected) != LICENCE_ID_OK)
		return false;
	*result = LicenceIdGetDatum(id);
	return true;
}

static bool
fast_assay(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	AssayParts	parts;
	AssayFault	fault;

	if ((value->kind != JV_STRING && value->kind != JV_OBJECT) ||
		rt_assay_parse(value->data, value->len, &parts, &fault) != ASSAY_PARSE_OK)
		return false;
	*result = PointerGetDatum(rt_assay_build(&parts));
	return true;
}

/* Labels seen in this scan; few enough that a look is cheap. */
#define LABELS 32

typedef struct ConvertLabels
{
	struct
	{
		size_t		len;		/* 0: free */
		char		text[NAMEDATALEN];
		Datum		value;
	}			labels[LABELS];
} ConvertLabels;

static int
label_place(const JsonValue *value)
{
	const unsigned char *p = (const unsigned char *) value->data;

	return (int) ((p[0] * 31u + p[value->len / 2] * 7u + p[value->len - 1] + value->len) % LABELS);
}

static bool
fast_enum(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	int			i;

	if (value->kind != JV_STRING || value->len == 0 || value->len >= NAMEDATALEN)
		return false;
	i = label_place(value);
	if (column->labels->labels[i].len != value->len ||
		memcmp(column->labels->labels[i].text, value->data, value->len) != 0)
		return false;
	*result = column->labels->labels[i].value;
	return true;
}

void
rt_convert_learn_label(ConvertColumn *column, const JsonValue *value, Datum label)
{
	int			i;

	if (column->labels == NULL || value->kind != JV_STRING || value->len == 0 ||
		value->len >= NAMEDATALEN)
		return;
	i = label_place(value);
	column->labels->labels[i].len = value->len;
	memcpy(column->labels->labels[i].text, value->data, value->len);
	column->labels->labels[i].value = label;
}

static bool
fast_array_element(ConvertColumn *element, const JsonValue *value, Datum *result, void *arg)
{
	return element->fast != NULL && element->fast(element, value, result);
}

bool
rt_convert_fast_array(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	const char *problem = NULL;

	return value->kind == JV_ARRAY && column->element->fast != NULL &&
		rt_convert_array(column, value, fast_array_element, NULL, result, &problem);
}

/* By the input function, since our types have no fixed OID. */
static ConvertFast
choose_own(PGFunction input)
{
	if (input == element_in)
		return fast_element;
	if (input == mass_in)
		return fast_mass;
	if (input == licence_id_in)
		return fast_licence_id;
	if (input == assay_in)
		return fast_assay;
	return NULL;
}

void
rt_convert_choose_fast(ConvertColumn *column)
{
	static const struct
	{
		Oid			typid;
		ConvertFast fast;
	}			choices[] =
	{
		{INT2OID, fast_int2},
		{INT4OID, fast_int4},
		{INT8OID, fast_int8},
		{FLOAT4OID, fast_float4},
		{FLOAT8OID, fast_float8},
		{NUMERICOID, fast_numeric},
		{BOOLOID, fast_bool},
		{TEXTOID, fast_text},
		{VARCHAROID, fast_text},
		{BPCHAROID, fast_bpchar},
		{DATEOID, rt_convert_fast_date},
		{TIMEOID, rt_convert_fast_time},
		{TIMESTAMPOID, rt_convert_fast_timestamp},
		{TIMESTAMPTZOID, rt_convert_fast_timestamptz},
		{UUIDOID, fast_uuid},
		{JSONOID, fast_json},
		{JSONBOID, fast_jsonb},
	};

	for (int i = 0; i < lengthof(choices); i++)
	{
		if (choices[i].typid == column->typid)
		{
			column->fast = choices[i].fast;
			return;
		}
	}
	if (get_typtype(column->typid) == TYPTYPE_ENUM)
	{
		column->labels = palloc0(sizeof(ConvertLabels));
		column->fast = fast_enum;
		return;
	}
	column->fast = choose_own(column->input.fn_addr);
}
