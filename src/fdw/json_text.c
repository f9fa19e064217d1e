/*
 * fdw/json_text.c
 *		What the JSON scanner does with bytes: the rarer half.
 */
#include "fdw/json_text.h"

const char *
json_skip_space_run(const char *p, const char *limit)
{
	while (p < limit && json_is_space((unsigned char) *p))
	{
		uint32_t	stops;

		p++;
		stops = json_blank_stops(p);
		p += stops == 0 ? JSON_BLOCK : __builtin_ctz(stops);
	}
	return p;
}

/* Behind an escape at p (the backslash), or NULL. */
static const char *
skip_escape(const char *p)
{
	switch (p[1])
	{
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			return p + 2;
		case 'u':
			for (int i = 2; i < 6; i++)
			{
				unsigned char c = (unsigned char) p[i];

				if (!json_is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
					return NULL;
			}
			return p + 6;
		default:
			return NULL;
	}
}

const char *
json_scan_string_rest(const char *p, const char *limit, bool *escaped)
{
	while (p < limit)
	{
		uint32_t	stops = json_string_stops(p);

		if (stops == 0)
		{
			p += JSON_BLOCK;
			continue;
		}
		p += __builtin_ctz(stops);
		if (*p == '"')
			return p + 1;
		if ((unsigned char) *p >= 0x80)
		{
			do
			{
				int			n = json_utf8_length(p);

				if (n == 0)
					return NULL;
				p += n;
			} while (p < limit && (unsigned char) *p >= 0x80);
		}
		else if (*p == '\\')
		{
			*escaped = true;
			p = skip_escape(p);
			if (p == NULL)
				return NULL;
		}
		else
			return NULL;
	}
	return NULL;
}

/* Behind one or more digits at p, or NULL. */
static const char *
skip_digits(const char *p, const char *limit)
{
	const char *start = p;

	while (p < limit && json_is_digit((unsigned char) *p))
		p++;
	return p > start && p < limit ? p : NULL;
}

const char *
json_scan_number_rest(const char *p, const char *limit)
{
	if (*p == '-')
		p++;
	if (*p == '0')
		p++;
	else
		p = skip_digits(p, limit);
	if (p != NULL && *p == '.')
		p = skip_digits(p + 1, limit);
	if (p != NULL && (*p | 0x20) == 'e')
	{
		p++;
		if (*p == '+' || *p == '-')
			p++;
		p = skip_digits(p, limit);
	}
	/* "01", "1.2.3": what follows a value is checked by the caller */
	return p;
}

static uint32_t
hex4(const char *p)
{
	uint32_t	v = 0;

	for (int i = 0; i < 4; i++)
	{
		unsigned char c = (unsigned char) p[i];

		v = v << 4 | (json_is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

static char *
put_utf8(char *out, uint32_t c)
{
	if (c < 0x80)
		*out++ = (char) c;
	else if (c < 0x800)
	{
		*out++ = (char) (0xC0 | c >> 6);
		*out++ = (char) (0x80 | (c & 0x3F));
	}
	else if (c < 0x10000)
	{
		*out++ = (char) (0xE0 | c >> 12);
		*out++ = (char) (0x80 | (c >> 6 & 0x3F));
		*out++ = (char) (0x80 | (c & 0x3F));
	}
	else
	{
		*out++ = (char) (0xF0 | c >> 18);
		*out++ = (char) (0x80 | (c >> 12 & 0x3F));
		*out++ = (char) (0x80 | (c >> 6 & 0x3F));
		*out++ = (char) (0x80 | (c & 0x3F));
	}
	return out;
}

/* The code point of the \u escape at *p, which is moved; 0 if there is none to store. */
static uint32_t
take_code_point(const char **p, const char *end)
{
	uint32_t	c = hex4(*p + 2);

	*p += 6;
	if (c < 0xD800 || c > 0xDFFF)
		return c;
	if (c < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u')
	{
		uint32_t	low = hex4(*p + 2);

		if (low >= 0xDC00 && low <= 0xDFFF)
		{
			*p += 6;
			return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
		}
	}
	return 0;
}

bool
json_unescape(const char *raw, size_t len, char *out, size_t *out_len)
{
	const char *p = raw;
	const char *end = raw + len;
	char	   *o = out;

	while (p < end)
	{
		const char *escape = memchr(p, '\\', (size_t) (end - p));
		size_t		plain = (size_t) ((escape ? escape : end) - p);
		uint32_t	c;

		memcpy(o, p, plain);
		o += plain;
		p += plain;
		if (p == end)
			break;
		switch (p[1])
		{
			case 'b':
				*o++ = '\b';
				break;
			case 'f':
				*o++ = '\f';
				break;
			case 'n':
				*o++ = '\n';
				break;
			case 'r':
				*o++ = '\r';
				break;
			case 't':
				*o++ = '\t';
				break;
			case 'u':
				c = take_code_point(&p, end);
				if (c == 0)
					return false;
				o = put_utf8(o, c);
				continue;
			default:
				*o++ = p[1];
		}
		p += 2;
	}
	*out_len = (size_t) (o - out);
	return true;
}
