/*
 * fdw/json_ahead.c
 *		A guess at a document's value ahead of the scanner (see json_ahead.h).
 */
#include "fdw/json_ahead.h"

#include <string.h>

#include "fdw/json_text.h"

bool
json_ahead_init(JsonAhead *a, const char *pointer, void *(*alloc) (void *arg, size_t size),
				void (*release) (void *arg, void *p), void *alloc_arg)
{
	memset(a, 0, sizeof(*a));
	a->arena.alloc = alloc;
	a->arena.release = release;
	a->arena.arg = alloc_arg;
	return json_pointer_parse(&a->arena, pointer, &a->pointer);
}

void
json_ahead_free(JsonAhead *a)
{
	json_arena_free(&a->arena);
}

void
json_ahead_reset(JsonAhead *a)
{
	/* the whole document names no value */
	a->result = a->pointer.ntokens > 0 ? JSON_AHEAD_MORE : JSON_AHEAD_NONE;
	a->depth = a->way = 0;
	a->in_string = a->escaped = a->in_key = a->wants_key = a->hit = a->taking = false;
	a->raw_len = 0;
}

static bool
is_hex(char c)
{
	return json_is_digit((unsigned char) c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* The innermost open container is an object on the way. */
static bool
on_way(const JsonAhead *a)
{
	return a->way > 0 && a->depth == a->way;
}

/* A string that is of no interest: to its end or the data's. */
static const char *
skip_string(JsonAhead *a, const char *p, const char *end)
{
	const char *quote = NULL;

	if (a->escaped && p < end)
	{
		a->escaped = false;
		p++;
	}
	for (;;)
	{
		const char *escape;

		if (quote == NULL || quote < p)
			quote = p < end ? memchr(p, '"', (size_t) (end - p)) : NULL;
		if (quote == NULL)
			quote = end;
		escape = p < quote ? memchr(p, '\\', (size_t) (quote - p)) : NULL;
		if (escape == NULL)
			break;
		p = escape + 2;
		if (p > end)
		{
			a->escaped = true;
			return end;
		}
	}
	a->in_string = quote == end;
	return quote == end ? end : quote + 1;
}

/* A container that is of no interest: to the next string or to where it ends. */
static const char *
skip_container(JsonAhead *a, const char *p, const char *end)
{
	for (; p < end && a->depth > a->way; p++)
	{
		if (*p == '"')
		{
			a->in_string = true;
			return p + 1;
		}
		if (*p == '{' || *p == '[')
			a->depth++;
		else if (*p == '}' || *p == ']')
			a->depth--;
	}
	return p;
}

/* One byte of a key on the way. */
static void
match_key(JsonAhead *a, char c)
{
	const JsonToken *token = &a->pointer.tokens[a->way - 1];

	if (c == '"')
	{
		a->in_string = a->in_key = false;
		a->hit = a->matched == token->len;
	}
	else if (c == '\\' || a->matched >= token->len || token->text[a->matched] != c)
	{
		/* an escape is skipped as one: its second byte may be a quote */
		a->matched = token->len + 1;
		a->in_key = false;
		a->escaped = c == '\\';
	}
	else
		a->matched++;
}

/* json_unescape takes valid strings only. */
static bool
escapes_are_valid(const char *p, const char *end)
{
	while ((p = memchr(p, '\\', (size_t) (end - p))) != NULL)
	{
		int			digits = 0;

		if (end - p < 2 || p[1] == '\0' || strchr("\"\\/bfnrtu", p[1]) == NULL)
			return false;
		if (p[1] == 'u')
			while (digits < 4 && end - p > 2 + digits && is_hex(p[2 + digits]))
				digits++;
		if (p[1] == 'u' && digits < 4)
			return false;
		p += 2 + digits;
	}
	return true;
}

static void
finish_value(JsonAhead *a)
{
	const char *raw = a->raw;
	size_t		n = a->raw_len;
	bool		good;

	if (n > 0 && raw[0] == '"')
		good = escapes_are_valid(raw + 1, raw + n) && json_unescape(raw + 1, n - 1, a->text, &a->len);
	else
	{
		good = n > 0 && (raw[0] == '-' || json_is_digit((unsigned char) raw[0]));
		memcpy(a->text, raw, n);
		a->len = n;
	}
	a->taking = false;
	a->result = good ? JSON_AHEAD_FOUND : JSON_AHEAD_NONE;
}

/* One byte of the value; its end, too, where it is no string. */
static void
take_value(JsonAhead *a, char c)
{
	bool		string = a->raw_len > 0 && a->raw[0] == '"';

	if (a->raw_len == 0 && json_is_space((unsigned char) c))
		return;
	if (string ? c == '"' && !a->escaped : c == ',' || c == '}' || json_is_space((unsigned char) c))
	{
		finish_value(a);
		return;
	}
	if (a->raw_len == JSON_AHEAD_MAX || (a->raw_len == 0 && (c == '{' || c == '[')))
	{
		a->taking = false;
		a->result = JSON_AHEAD_NONE;
		return;
	}
	a->escaped = string && !a->escaped && c == '\\';
	a->raw[a->raw_len++] = c;
}

/* One byte of an object on the way, or around all containers. */
static void
step(JsonAhead *a, char c)
{
	switch (c)
	{
		case '"':
			a->in_string = true;
			a->in_key = a->wants_key && on_way(a);
			a->matched = 0;
			break;
		case '{':
		case '[':
			/* without a colon before it, a damaged document's might be one too many */
			if (c == '{' && (a->depth == 0 || a->hit) && a->way < a->pointer.ntokens)
				a->way++;
			a->depth++;
			a->wants_key = true;
			a->hit = false;
			break;
		case '}':
		case ']':
			if (a->depth > 0)
				a->way = --a->depth;
			a->wants_key = a->hit = false;
			break;
		case ':':
			a->wants_key = false;
			a->taking = a->hit && a->way == a->pointer.ntokens;
			break;
		case ',':
			a->wants_key = true;
			a->hit = false;
			break;
	}
}

JsonAheadResult
json_ahead_feed(JsonAhead *a, const char *data, size_t len)
{
	const char *p = data;
	const char *end = data + len;

	while (p < end && a->result == JSON_AHEAD_MORE)
	{
		if (a->taking)
			take_value(a, *p++);
		else if (a->in_key)
			match_key(a, *p++);
		else if (a->in_string)
			p = skip_string(a, p, end);
		else if (a->depth > a->way)
			p = skip_container(a, p, end);
		else
			step(a, *p++);
	}
	return a->result;
}

JsonValue
json_ahead_value(const JsonAhead *a)
{
	JsonValue	value = {.kind = a->raw[0] == '"' ? JV_STRING : JV_NUMBER,.data = a->text,.len = a->len};

	return value;
}
