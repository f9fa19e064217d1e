/*
 * A JSON validator written straight from the grammar of RFC 8259, as slow and
 * plain as it comes: the oracle of the scanner's tests.
 */
#ifndef REFERENCE_JSON_H
#define REFERENCE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef enum ReferenceVerdict
{
	REFERENCE_VALID,
	REFERENCE_INVALID,
	REFERENCE_DEPTH				/* nested beyond the limit, whatever else */
} ReferenceVerdict;

typedef struct Reference
{
	const unsigned char *p;
	const unsigned char *end;
	int			max_depth;
	bool		too_deep;
} Reference;

static inline int
ref_peek(const Reference *r)
{
	return r->p < r->end ? *r->p : -1;
}

static inline void
ref_space(Reference *r)
{
	while (ref_peek(r) == ' ' || ref_peek(r) == '\t' || ref_peek(r) == '\n' || ref_peek(r) == '\r')
		r->p++;
}

static inline bool
ref_digits(Reference *r)
{
	const unsigned char *from = r->p;

	while (ref_peek(r) >= '0' && ref_peek(r) <= '9')
		r->p++;
	return r->p > from;
}

static inline bool
ref_number(Reference *r)
{
	if (ref_peek(r) == '-')
		r->p++;
	if (ref_peek(r) == '0')
		r->p++;
	else if (!ref_digits(r))
		return false;
	if (ref_peek(r) == '.')
	{
		r->p++;
		if (!ref_digits(r))
			return false;
	}
	if (ref_peek(r) == 'e' || ref_peek(r) == 'E')
	{
		r->p++;
		if (ref_peek(r) == '+' || ref_peek(r) == '-')
			r->p++;
		return ref_digits(r);
	}
	return true;
}

/* One character of RFC 3629, decoded and then judged by its code point. */
static inline bool
ref_character(Reference *r)
{
	static const unsigned lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	int			c = ref_peek(r);
	int			n = c < 0x80 ? 1 : (c & 0xE0) == 0xC0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : (c & 0xF8) == 0xF0 ? 4 : 0;
	unsigned	code;

	if (n == 0 || r->end - r->p < n)
		return false;
	code = n == 1 ? (unsigned) c : (unsigned) c & (0x7Fu >> n);
	for (int i = 1; i < n; i++)
	{
		if ((r->p[i] & 0xC0) != 0x80)
			return false;
		code = code << 6 | (r->p[i] & 0x3F);
	}
	r->p += n;
	return code >= lowest[n] && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
}

static inline bool
ref_string(Reference *r)
{
	if (ref_peek(r) != '"')
		return false;
	r->p++;
	for (;;)
	{
		int			c = ref_peek(r);

		if (c < 0x20)
			return false;
		if (c == '"')
		{
			r->p++;
			return true;
		}
		if (c != '\\')
		{
			if (!ref_character(r))
				return false;
			continue;
		}
		r->p++;
		c = ref_peek(r);
		if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL)
			return false;
		r->p++;
		for (int i = 0; c == 'u' && i < 4; i++, r->p++)
		{
			if (ref_peek(r) <= 0 || strchr("0123456789abcdefABCDEF", ref_peek(r)) == NULL)
				return false;
		}
	}
}

static inline bool
ref_word(Reference *r, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (r->end - r->p) < len || memcmp(r->p, word, len) != 0)
		return false;
	r->p += len;
	return true;
}

static bool ref_value(Reference *r, int depth);

static inline bool
ref_members(Reference *r, int depth, bool object)
{
	int			close = object ? '}' : ']';

	if (depth >= r->max_depth)
	{
		r->too_deep = true;
		return false;
	}
	r->p++;
	ref_space(r);
	if (ref_peek(r) == close)
	{
		r->p++;
		return true;
	}
	for (;;)
	{
		ref_space(r);
		if (object)
		{
			if (!ref_string(r))
				return false;
			ref_space(r);
			if (ref_peek(r) != ':')
				return false;
			r->p++;
			ref_space(r);
		}
		if (!ref_value(r, depth + 1))
			return false;
		ref_space(r);
		if (ref_peek(r) == close)
		{
			r->p++;
			return true;
		}
		if (ref_peek(r) != ',')
			return false;
		r->p++;
	}
}

static bool
ref_value(Reference *r, int depth)
{
	switch (ref_peek(r))
	{
		case '{':
			return ref_members(r, depth, true);
		case '[':
			return ref_members(r, depth, false);
		case '"':
			return ref_string(r);
		case 't':
			return ref_word(r, "true");
		case 'f':
			return ref_word(r, "false");
		case 'n':
			return ref_word(r, "null");
		default:
			return ref_number(r);
	}
}

/* One JSON text, or one a line. */
static inline ReferenceVerdict
reference_verdict(const char *text, size_t len, bool lines, int max_depth)
{
	Reference	r = {(const unsigned char *) text, (const unsigned char *) text + len, max_depth, false};
	const unsigned char *end = r.end;

	for (;;)
	{
		bool		good;

		if (lines)
		{
			const unsigned char *newline = r.p < end ? memchr(r.p, '\n', (size_t) (end - r.p)) : NULL;

			r.end = newline ? newline : end;
		}
		ref_space(&r);
		if (!(lines && r.p == r.end))
		{
			good = ref_value(&r, 0);
			ref_space(&r);
			if (!good || r.p != r.end)
				return r.too_deep ? REFERENCE_DEPTH : REFERENCE_INVALID;
		}
		if (r.end == end)
			return REFERENCE_VALID;
		r.p = r.end + 1;
	}
}

#endif							/* REFERENCE_JSON_H */
