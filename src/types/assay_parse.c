/*
 * types/assay_parse.c
 *		Reading and printing assays.  Pure: no fmgr, no allocation.
 *
 *	text:	entry { "," entry }
 *	entry:	name "=" value
 *	value:	amount [ ("±" | "+/-") amount ]		both with a unit, or neither
 *	amount:	number [ "%" | "ppm" | "ppb" ]		no unit: a fraction of 1
 *	object:	"{" [ string ":" member { "," string ":" member } ] "}"
 *	member:	number | '"' value '"' | { "fraction": ..., "sd": ... }
 *
 * A name is an element or its oxide of trade.  Blanks may stand between all of
 * these.  Numbers are converted from their digits in one step, so a fraction is
 * rounded once: half away from zero at 1 ppb of the element.
 */
#include "types/assay.h"
#include "types/decimal.h"

#define JSON_STRING_MAX 128		/* no name or value is longer */

typedef struct Amount
{
	Decimal		number;
	int			shift;			/* ppb = number x 10^shift */
	bool		has_unit;
} Amount;

typedef struct AssayValue
{
	Amount		fraction;
	Amount		sd;
	bool		has_sd;
} AssayValue;

typedef struct AssayReader
{
	const char *p;
	const char *end;
	AssayParts *parts;
	AssayFault *fault;
} AssayReader;

static void
skip_blanks(const char **p, const char *end)
{
	while (*p < end && rt_is_blank(**p))
		(*p)++;
}

/* Consumes word (and the blanks before it) if it stands there. */
static bool
accept_word(const char **p, const char *end, const char *word)
{
	size_t		len = strlen(word);

	skip_blanks(p, end);
	if ((size_t) (end - *p) < len || memcmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

static AssayParse
fail(AssayReader *r, AssayParse code, const char *at, const char *end, Element element)
{
	r->fault->at = at;
	r->fault->len = (int) Min(end - at, 64);
	r->fault->element = element;
	r->fault->total = 0;
	return code;
}

static bool
read_amount(const char **p, const char *end, Amount *a)
{
	static const struct
	{
		const char *name;
		int			shift;
	}			units[] = {{"%", 7}, {"ppm", 3}, {"ppb", 0}};

	skip_blanks(p, end);
	if (!rt_decimal_scan(p, end, &a->number))
		return false;
	a->shift = 9;
	a->has_unit = false;
	for (int i = 0; i < lengthof(units); i++)
	{
		if (accept_word(p, end, units[i].name))
		{
			a->shift = units[i].shift;
			a->has_unit = true;
			break;
		}
	}
	return true;
}

static bool
read_value(const char **p, const char *end, AssayValue *v)
{
	v->has_sd = false;
	if (!read_amount(p, end, &v->fraction))
		return false;
	if (accept_word(p, end, "±") || accept_word(p, end, "+/-"))
	{
		v->has_sd = true;
		if (!read_amount(p, end, &v->sd))
			return false;
		/* "29.5±0.1%" could mean two things, so it means none. */
		if (v->sd.has_unit != v->fraction.has_unit)
			return false;
	}
	return true;
}

/* Amount of the element (or of its oxide) as ppb of the element. */
static bool
convert_amount(const Amount *a, const ElementInfo *oxide, uint64 *ppb)
{
	if (oxide == NULL)
		return rt_decimal_scale(&a->number, a->shift, ASSAY_PPB, ppb);
	return rt_decimal_scale_ratio(&a->number, a->shift, element_metal_e6(oxide),
								  element_metal_e6(oxide) + element_oxygen_e6(oxide),
								  ASSAY_PPB, ppb);
}

static inline bool
is_negative(const Amount *a)
{
	return a->number.negative && a->number.digits < a->number.end;
}

/* Enters one entry into the parts; name and at are for the report of a fault. */
static AssayParse
add_entry(AssayReader *r, const char *name, size_t name_len, const AssayValue *v,
		  const char *at, const char *at_end)
{
	const ElementInfo *oxide = NULL;
	Element		element;
	uint64		ppb;
	uint64		sd = 0;
	int			i;

	if (!rt_element_parse(name, name_len, &element))
	{
		if (!rt_oxide_parse(name, name_len, &element))
			return fail(r, ASSAY_PARSE_UNKNOWN, at, at_end, 0);
		oxide = &element_info[element_index(element)];
	}
	i = element_index(element);
	if (r->parts->mask & ((uint32) 1 << i))
		return fail(r, ASSAY_PARSE_DUPLICATE, at, at_end, element);
	if (is_negative(&v->fraction) || (v->has_sd && is_negative(&v->sd)))
		return fail(r, ASSAY_PARSE_NEGATIVE, at, at_end, element);
	if (!convert_amount(&v->fraction, oxide, &ppb))
		return fail(r, ASSAY_PARSE_TOTAL, at, at_end, element);
	if (v->has_sd && !convert_amount(&v->sd, oxide, &sd))
		return fail(r, ASSAY_PARSE_DEVIATION, at, at_end, element);
	r->parts->mask |= (uint32) 1 << i;
	r->parts->ppb[i] = (uint32) ppb;
	r->parts->sd[i] = (uint32) sd;
	return ASSAY_PARSE_OK;
}

static AssayParse
read_text(AssayReader *r)
{
	do
	{
		const char *name;
		const char *name_end;
		AssayValue		v;
		AssayParse	code;

		skip_blanks(&r->p, r->end);
		name = r->p;
		while (r->p < r->end && *r->p != '=' && *r->p != ',')
			r->p++;
		name_end = r->p;
		if (r->p >= r->end || *r->p != '=')
			return fail(r, ASSAY_PARSE_SYNTAX, name, name_end, 0);
		r->p++;
		if (!read_value(&r->p, r->end, &v))
			return fail(r, ASSAY_PARSE_SYNTAX, name, r->end, 0);
		rt_trim_blanks(&name, &name_end);
		code = add_entry(r, name, name_end - name, &v, name, name_end);
		if (code != ASSAY_PARSE_OK)
			return code;
	} while (accept_word(&r->p, r->end, ","));
	if (r->p < r->end)
		return fail(r, ASSAY_PARSE_SYNTAX, r->p, r->end, 0);
	return ASSAY_PARSE_OK;
}

/* Four hexadecimal digits; -1 if they are not there. */
static int
read_hex4(const char **p, const char *end)
{
	int			value = 0;

	if (end - *p < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		char		c = *(*p)++;

		value <<= 4;
		if (c >= '0' && c <= '9')
			value |= c - '0';
		else if (c >= 'a' && c <= 'f')
			value |= c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			value |= c - 'A' + 10;
		else
			return -1;
	}
	return value;
}

/*
 * Appends the character of a \ escape in UTF-8.  No name needs more than the
 * basic plane, so surrogates are as wrong as unknown escapes.
 */
static bool
read_escape(const char **p, const char *end, char *buf, size_t *len)
{
	char		c;
	int			code;

	if (*p >= end)
		return false;
	c = *(*p)++;
	if (c == '"' || c == '\\' || c == '/')
		code = c;
	else if (c == 'n' || c == 't' || c == 'r')
		code = ' ';
	else if (c != 'u' || (code = read_hex4(p, end)) <= 0 || (code >= 0xD800 && code < 0xE000))
		return false;
	if (code < 0x80)
		buf[(*len)++] = (char) code;
	else if (code < 0x800)
	{
		buf[(*len)++] = (char) (0xC0 | (code >> 6));
		buf[(*len)++] = (char) (0x80 | (code & 0x3F));
	}
	else
	{
		buf[(*len)++] = (char) (0xE0 | (code >> 12));
		buf[(*len)++] = (char) (0x80 | ((code >> 6) & 0x3F));
		buf[(*len)++] = (char) (0x80 | (code & 0x3F));
	}
	return true;
}

/* Reads a JSON string into buf (JSON_STRING_MAX bytes); false: malformed or too long. */
static bool
read_json_string(const char **p, const char *end, char *buf, size_t *len)
{
	*len = 0;
	if (!accept_word(p, end, "\""))
		return false;
	while (*p < end && *len < JSON_STRING_MAX - 3)
	{
		char		c = *(*p)++;

		if (c == '"')
			return true;
		if (c != '\\')
			buf[(*len)++] = c;
		else if (!read_escape(p, end, buf, len))
			return false;
	}
	return false;
}

/*
 * Reads a number, or a string with a value in it.  A value from a string points
 * into buf, which has to live as long as the value is used.
 */
static bool
read_json_value(const char **p, const char *end, char *buf, AssayValue *v)
{
	size_t		len;
	const char *s = buf;

	skip_blanks(p, end);
	if (*p >= end)
		return false;
	if (**p == '"')
	{
		if (!read_json_string(p, end, buf, &len) || !read_value(&s, buf + len, v))
			return false;
		skip_blanks(&s, buf + len);
		return s == buf + len;
	}
	v->has_sd = false;
	v->fraction.shift = 9;
	v->fraction.has_unit = false;
	return rt_decimal_scan(p, end, &v->fraction.number);
}

/* Reads {"fraction": ..., "sd": ...}; buf holds two strings. */
static bool
read_json_pair(const char **p, const char *end, char *buf, AssayValue *v)
{
	bool		have_fraction = false;

	v->has_sd = false;
	if (!accept_word(p, end, "{"))
		return false;
	do
	{
		char		key[JSON_STRING_MAX];
		size_t		len;
		AssayValue		part;

		if (!read_json_string(p, end, key, &len) || !accept_word(p, end, ":"))
			return false;
		if (rt_ascii_equal(key, len, "fraction") && !have_fraction)
		{
			if (!read_json_value(p, end, buf, &part) || part.has_sd)
				return false;
			v->fraction = part.fraction;
			have_fraction = true;
		}
		else if (rt_ascii_equal(key, len, "sd") && !v->has_sd)
		{
			if (!read_json_value(p, end, buf + JSON_STRING_MAX, &part) || part.has_sd)
				return false;
			v->sd = part.fraction;
			v->has_sd = true;
		}
		else
			return false;
	} while (accept_word(p, end, ","));
	return have_fraction && accept_word(p, end, "}");
}

static AssayParse
read_object(AssayReader *r)
{
	if (accept_word(&r->p, r->end, "}"))
		return ASSAY_PARSE_OK;
	do
	{
		char		name[JSON_STRING_MAX];
		char		strings[2 * JSON_STRING_MAX];
		size_t		name_len;
		const char *at;
		const char *at_end;
		AssayValue		v;
		AssayParse	code;
		bool		ok;

		skip_blanks(&r->p, r->end);
		at = r->p;
		if (!read_json_string(&r->p, r->end, name, &name_len))
			return fail(r, ASSAY_PARSE_SYNTAX, at, r->end, 0);
		at_end = r->p;
		if (!accept_word(&r->p, r->end, ":"))
			return fail(r, ASSAY_PARSE_SYNTAX, at, r->end, 0);
		skip_blanks(&r->p, r->end);
		if (r->p < r->end && *r->p == '{')
			ok = read_json_pair(&r->p, r->end, strings, &v);
		else
			ok = read_json_value(&r->p, r->end, strings, &v);
		if (!ok)
			return fail(r, ASSAY_PARSE_SYNTAX, at, r->end, 0);
		code = add_entry(r, name, name_len, &v, at, at_end);
		if (code != ASSAY_PARSE_OK)
			return code;
	} while (accept_word(&r->p, r->end, ","));
	if (!accept_word(&r->p, r->end, "}"))
		return fail(r, ASSAY_PARSE_SYNTAX, r->p, r->end, 0);
	return ASSAY_PARSE_OK;
}

AssayParse
rt_assay_check(const AssayParts *parts, AssayFault *fault)
{
	uint64		total = 0;

	memset(fault, 0, sizeof(*fault));
	if (parts->mask == 0)
		return ASSAY_PARSE_EMPTY;
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		total += parts->ppb[i];
		fault->element = element_info[i].number;
		if (parts->sd[i] > ASSAY_PPB)
			return ASSAY_PARSE_DEVIATION;
	}
	fault->element = 0;
	fault->total = total;
	return total > ASSAY_PPB ? ASSAY_PARSE_TOTAL : ASSAY_PARSE_OK;
}

AssayParse
rt_assay_parse(const char *s, size_t len, AssayParts *parts, AssayFault *fault)
{
	AssayReader		r;
	AssayParse	code;

	memset(parts, 0, sizeof(*parts));
	memset(fault, 0, sizeof(*fault));
	r.p = s;
	r.end = s + len;
	r.parts = parts;
	r.fault = fault;
	rt_trim_blanks(&r.p, &r.end);
	if (r.p == r.end)
		return ASSAY_PARSE_EMPTY;
	if (accept_word(&r.p, r.end, "{"))
	{
		code = read_object(&r);
		if (code == ASSAY_PARSE_OK && r.p < r.end)
			code = fail(&r, ASSAY_PARSE_SYNTAX, r.p, r.end, 0);
	}
	else
		code = read_text(&r);
	return code != ASSAY_PARSE_OK ? code : rt_assay_check(parts, fault);
}

int
rt_assay_print(const AssayParts *parts, bool ascii, char *buf)
{
	const char *plus_minus = ascii ? "+/-" : "±";
	int			len = 0;

	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		if (!(parts->mask & ((uint32) 1 << i)))
			continue;
		if (len > 0)
			buf[len++] = ',';
		for (const char *p = element_info[i].symbol; *p; p++)
			buf[len++] = *p;
		buf[len++] = '=';
		len += rt_decimal_print(parts->ppb[i], 7, buf + len);
		buf[len++] = '%';
		if (parts->sd[i] != 0)
		{
			for (const char *p = plus_minus; *p; p++)
				buf[len++] = *p;
			len += rt_decimal_print(parts->sd[i], 7, buf + len);
			buf[len++] = '%';
		}
	}
	buf[len] = '\0';
	return len;
}
