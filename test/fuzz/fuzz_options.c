/*
 * Fuzz target: the values of retrack_fdw's options as CREATE and ALTER check them. The first byte chooses
 * the option, the rest is its value. What is taken must be safe to use; what is refused must be refused by
 * the FDW's own SQLSTATE, and a secret, a header or a query string must not stand in the message. The server
 * around the checks is replaced by the little that they use.
 */
#include "retrack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "fdw/json_scan.h"
#include "fdw/option_table.h"
#include "fdw/url.h"

#define TEXT_MAX 65536

/* the C library's, not the server's */
#undef fprintf
#undef vsnprintf

static jmp_buf refused;
static int	state;
static char said[TEXT_MAX];		/* message, detail and hint */
static size_t said_len;
static void *taken[64];
static int	ntaken;

static void
require(bool condition, const char *what, const OptionDef *def, const char *value)
{
	if (condition)
		return;
	fprintf(stderr, "not so: %s\n%s = \"%s\"\n%s\n", what, def->name, value, said);
	abort();
}

static void *
take(size_t size)
{
	if (ntaken == (int) lengthof(taken))
		abort();
	return taken[ntaken++] = malloc(size);
}

/* what the server gives */
bool
errstart(int elevel, const char *domain)
{
	state = 0;
	said_len = 0;
	said[0] = '\0';
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	longjmp(refused, 1);
}

int
errcode(int sqlerrcode)
{
	state = sqlerrcode;
	return 0;
}

static int
say(const char *format, va_list args)
{
	int			n = vsnprintf(said + said_len, sizeof(said) - said_len, format, args);

	if (n < 0 || said_len + n >= sizeof(said))
		abort();
	said_len += n;
	return 0;
}

#define SAYS(name) \
	int name(const char *format, ...) { va_list args; va_start(args, format); say(format, args); va_end(args); return 0; }

SAYS(errmsg)
SAYS(errdetail)
SAYS(errhint)

char *
pstrdup(const char *in)
{
	return strcpy(take(strlen(in) + 1), in);
}

char *
psprintf(const char *format,...)
{
	char	   *text = take(TEXT_MAX);
	va_list		args;

	va_start(args, format);
	if (vsnprintf(text, TEXT_MAX, format, args) >= TEXT_MAX)
		abort();
	va_end(args);
	return text;
}

void
initStringInfo(StringInfo s)
{
	s->data = take(TEXT_MAX);
	s->data[0] = '\0';
	s->len = 0;
}

void
appendStringInfo(StringInfo s, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	s->len += vsnprintf(s->data + s->len, TEXT_MAX - s->len, format, args);
	va_end(args);
}

int
pg_strncasecmp(const char *a, const char *b, size_t n)
{
	return strncasecmp(a, b, n);
}

/* a number and a few units: the server's own knows more of them */
bool
parse_int(const char *value, int *result, int flags, const char **hint)
{
	char	   *end;
	double		n = strtod(value, &end);

	if (end == value || n != n)
		return false;
	if (flags && strcmp(end, "s") == 0)
		n *= 1000;
	else if (flags && strcmp(end, "MB") == 0)
		n *= 1024 * 1024;
	else if (*end != '\0')
		return false;
	if (n < PG_INT32_MIN || n > PG_INT32_MAX)
	{
		*hint = "Value exceeds integer range.";
		return false;
	}
	*result = (int) n;
	return true;
}

bool
parse_bool(const char *value, bool *result)
{
	*result = strcmp(value, "true") == 0;
	return *result || strcmp(value, "false") == 0;
}

static bool
is_sendable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char) *text <= 0x20 || (unsigned char) *text >= 0x7f)
			return false;
	return true;
}

static bool
has_line_end(const char *text)
{
	return strpbrk(text, "\r\n") != NULL;
}

/* Each line of the option, as it goes into a request, is one header, and none of ours. */
static bool
headers_are_safe(const char *value)
{
	for (const char *line = value; *line; line += strcspn(line, "\n"), line += *line == '\n')
	{
		size_t		len = strcspn(line, "\n");
		const char *colon = memchr(line, ':', len);

		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (len == 0)
			continue;
		if (colon == NULL || memchr(line, '\r', len) != NULL || !url_header_name_valid(line, colon - line) ||
			(colon - line == 13 && strncasecmp(line, "authorization", 13) == 0) ||
			(colon - line == 4 && strncasecmp(line, "host", 4) == 0))
			return false;
	}
	return true;
}

/* With something in its braces a path is one below the base URL. */
static bool
path_is_safe(const char *value)
{
	static const char base[] = "http://host/base";
	char		filled[2 * URL_MAX];
	char		url[2 * URL_MAX];
	size_t		n = 0;
	UrlParts	parts;
	UrlParts	base_parts;
	const char *why;

	for (const char *p = value; *p && n + 2 < sizeof(filled); p++)
	{
		if (*p == '{')
		{
			filled[n++] = 'v';
			if ((p = strchr(p, '}')) == NULL)
				return false;
		}
		else
			filled[n++] = *p;
	}
	filled[n] = '\0';
	return url_join(base, filled, url, sizeof(url)) && url_parse(base, &base_parts, &why) &&
		(!url_parse(url, &parts, &why) ? strlen(url) >= URL_MAX : url_same_origin(&parts, &base_parts) && is_sendable(url));
}

/* A stored value is one that the wrapper may use as it is. */
static void
check_taken(const OptionDef *def, const char *value, const void *target)
{
	int			number;
	UrlParts	parts;
	const char *why;

	memcpy(&number, (const char *) target + def->offset, sizeof(number));
	switch (def->kind)
	{
		case OPTION_INT:
		case OPTION_TIME:
		case OPTION_SIZE:
			require(number >= def->min && number <= def->max, "within its range", def, value);
			break;
		case OPTION_URL:
			require(url_parse(value, &parts, &why) && parts.query == NULL && strchr(value, '@') == NULL && is_sendable(value),
					"a plain URL", def, value);
			break;
		case OPTION_PATH:
			require(path_is_safe(value), "a path below the base URL", def, value);
			break;
		case OPTION_HEADERS:
			require(headers_are_safe(value), "headers", def, value);
			break;
		case OPTION_HEADER_NAME:
		case OPTION_HEADER_TEXT:
		case OPTION_NAME:
			require(*value && !has_line_end(value), "one line", def, value);
			break;
		case OPTION_HOSTS:
			require(url_host_list_valid(value, &why), "a list of hosts", def, value);
			break;
		case OPTION_POINTER:
			require(json_pointer_valid(value), "a pointer", def, value);
			break;
		default:
			break;
	}
}

/* The text is not told; one with a tilde, which these messages have none of. */
static void
check_hidden(const OptionDef *def, const char *value, const char *text)
{
	require(strchr(text, '~') == NULL || strstr(said, text) == NULL, "a secret is not shown", def, value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union
	{
		FdwOptions	options;
		FdwColumn	column;
	}			target;
	const OptionDef *def;
	char	   *value;
	const char *query;

	if (size == 0)
		return 0;
	def = &rt_option_table[data[0] % rt_option_count];
	value = malloc(size);
	memcpy(value, data + 1, size - 1);
	value[size - 1] = '\0';
	memset(&target, 0, sizeof(target));
	said[0] = '\0';
	if (setjmp(refused) == 0)
	{
		rt_option_store(def, value, &target);
		check_taken(def, value, &target);
	}
	else
	{
		require(state == ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE, "the SQLSTATE of an option's value", def, value);
		query = strchr(value, '?');
		if ((def->flags & OPT_SECRET) || def->kind == OPTION_HEADERS)
			check_hidden(def, value, value);
		else if ((def->kind == OPTION_URL || def->kind == OPTION_PATH) && query)
			check_hidden(def, value, query);
	}
	/* and without a place to store it, as the validator does */
	if (setjmp(refused) == 0)
		rt_option_store(def, value, NULL);
	while (ntaken > 0)
		free(taken[--ntaken]);
	free(value);
	return 0;
}
