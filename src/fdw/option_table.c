/*
 * fdw/option_table.c
 *		The options of retrack_fdw with their places, kinds and limits.
 */
#include "fdw/option_table.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "fdw/json_scan.h"
#include "fdw/url.h"

static const char *const pagination_words[] = {"none", "link", "cursor", "page", "offset", NULL};
static const char *const auth_words[] = {"none", "bearer", "basic", "api_key", "oauth2", NULL};
static const char *const format_words[] = {"json", "ndjson", NULL};
static const char *const on_error_words[] = {"stop", "skip", NULL};
static const char *const nulls_words[] = {"first", "last", NULL};
static const char *const in_style_words[] = {"comma", "repeat", NULL};
static const char *const column_words[] = {
	"#error", "#sqlstate", "#pointer", "#page", "#record", NULL
};

#define ST (OPT_SERVER | OPT_TABLE)
#define O(field) offsetof(FdwOptions, field)
#define C(field) offsetof(FdwColumn, field)

/* Sizes end below 1 GB, what one palloc can give. */
#define SIZE_LIMIT (INT64CONST(1023) * 1024 * 1024)

const OptionDef rt_option_table[] = {
	{"base_url", OPT_SERVER, OPTION_URL, O(base_url)},
	{"pagination", ST, OPTION_CHOICE, O(pagination), 0, 0, pagination_words, PAGINATION_NONE},
	{"records", ST, OPTION_POINTER, O(records)},
	{"next", ST, OPTION_POINTER, O(next)},
	{"cursor_param", ST, OPTION_NAME, O(cursor_param)},
	{"page_param", ST, OPTION_NAME, O(page_param)},
	{"first_page", ST, OPTION_INT, O(first_page), 0, 1000000000},
	{"offset_param", ST, OPTION_NAME, O(offset_param)},
	{"limit_param", ST, OPTION_NAME, O(limit_param)},
	{"page_size", ST, OPTION_INT, O(page_size), 1, 1000000000},
	{"total", ST, OPTION_POINTER, O(total)},
	{"prefetch", ST, OPTION_INT, O(prefetch), 0, 16},
	{"max_pages", ST, OPTION_INT, O(max_pages), 0, PG_INT32_MAX},
	{"sort_param", ST, OPTION_NAME, O(sort_param)},
	{"sort_nulls", ST, OPTION_CHOICE, O(sort_nulls), 0, 0, nulls_words, 1},
	{"connect_timeout", OPT_SERVER, OPTION_TIME, O(connect_timeout), 1, PG_INT32_MAX},
	{"timeout", ST, OPTION_TIME, O(timeout), 0, PG_INT32_MAX},
	{"stall_timeout", ST, OPTION_TIME, O(stall_timeout), 0, PG_INT32_MAX},
	{"max_retries", ST, OPTION_INT, O(max_retries), 0, 100},
	{"max_retry_wait", ST, OPTION_TIME, O(max_retry_wait), 0, PG_INT32_MAX},
	{"rate_limit", OPT_SERVER, OPTION_RATE, O(rate_limit)},
	{"max_record_size", ST, OPTION_SIZE, O(max_record_size), 1024, SIZE_LIMIT},
	{"buffer_size", ST, OPTION_SIZE, O(buffer_size), 65536, SIZE_LIMIT},
	{"auth", OPT_SERVER, OPTION_CHOICE, O(auth), 0, 0, auth_words, AUTH_NONE},
	{"api_key_header", OPT_SERVER, OPTION_HEADER_NAME, O(api_key_header)},
	{"token_url", OPT_SERVER, OPTION_URL, O(token_url)},
	{"scope", OPT_SERVER, OPTION_TEXT, O(scope)},
	{"headers", OPT_SERVER, OPTION_HEADERS, O(headers)},
	{"ca_file", OPT_SERVER | OPT_SUPERUSER, OPTION_TEXT, O(ca_file)},
	{"client_cert", OPT_SERVER | OPT_SUPERUSER, OPTION_TEXT, O(client_cert)},
	{"client_key", OPT_SERVER | OPT_SUPERUSER, OPTION_TEXT, O(client_key)},
	{"proxy", OPT_SERVER | OPT_SUPERUSER, OPTION_PROXY, O(proxy)},
	{"allow_hosts", OPT_SERVER | OPT_SUPERUSER, OPTION_HOSTS, O(allow_hosts)},
	{"token", OPT_MAPPING | OPT_SECRET, OPTION_HEADER_TEXT, O(token)},
	{"user", OPT_MAPPING, OPTION_HEADER_TEXT, O(user)},
	{"password", OPT_MAPPING | OPT_SECRET, OPTION_ANY_TEXT, O(password)},
	{"api_key", OPT_MAPPING | OPT_SECRET, OPTION_HEADER_TEXT, O(api_key)},
	{"client_id", OPT_MAPPING, OPTION_TEXT, O(client_id)},
	{"client_secret", OPT_MAPPING | OPT_SECRET, OPTION_TEXT, O(client_secret)},
	{"path", OPT_TABLE, OPTION_PATH, O(path)},
	{"format", OPT_TABLE, OPTION_CHOICE, O(ndjson), 0, 0, format_words, 0},
	{"on_error", OPT_TABLE, OPTION_CHOICE, O(skip_errors), 0, 0, on_error_words, 0},
	{"reject_limit", OPT_TABLE, OPTION_BIGINT, O(reject_limit)},
	{"param_in_style", ST, OPTION_CHOICE, O(in_repeat), 0, 0, in_style_words, 1},
	{"description", OPT_TABLE | OPT_COLUMN, OPTION_NOTE, 0},
	{"pointer", OPT_COLUMN, OPTION_COLUMN_POINTER, C(pointer)},
	{"param", OPT_COLUMN, OPTION_NAME, C(param)},
	{"param_from", OPT_COLUMN, OPTION_NAME, C(param_from)},
	{"param_to", OPT_COLUMN, OPTION_NAME, C(param_to)},
	{"param_in", OPT_COLUMN, OPTION_NAME, C(param_in)},
	{"param_in_style", OPT_COLUMN, OPTION_CHOICE, C(in_repeat), 0, 0, in_style_words, 1},
	{"sort", OPT_COLUMN, OPTION_NAME, C(sort)},
	{"sort_nulls", OPT_COLUMN, OPTION_CHOICE, C(sort_nulls), 0, 0, nulls_words, 1},
	{"exact", OPT_COLUMN, OPTION_BOOL, C(exact)},
	{"required", OPT_COLUMN, OPTION_BOOL, C(required)},
};

const int	rt_option_count = lengthof(rt_option_table);

const OptionDef *
rt_option_find(const char *name, int places)
{
	for (int i = 0; i < rt_option_count; i++)
		if ((rt_option_table[i].flags & places) && strcmp(rt_option_table[i].name, name) == 0)
			return &rt_option_table[i];
	return NULL;
}

/*
 * Raises HV024; a secret's value is not shown, nor a query string, where people put
 * keys in spite of the manual.
 */
static void
refuse_value(const OptionDef *def, const char *value, const char *detail)
{
	const char *query = def->kind == OPTION_URL || def->kind == OPTION_PATH ? strchr(value, '?') : NULL;

	if (query != NULL)
		value = psprintf("%.*s?...", (int) (query - value), value);
	if (def->flags & OPT_SECRET)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\"", def->name),
				 errdetail("%s", detail)));
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"", def->name, value),
			 errdetail("%s", detail)));
}

/* Integers, times and sizes, in the option's range. */
static int
parse_number(const OptionDef *def, const char *value)
{
	int			unit = def->kind == OPTION_TIME ? GUC_UNIT_MS :
		def->kind == OPTION_SIZE ? GUC_UNIT_BYTE : 0;
	const char *what = def->kind == OPTION_TIME ? "a time such as 2s or 500ms" :
		def->kind == OPTION_SIZE ? "a size such as 16MB" : "an integer";
	const char *hint = NULL;
	int			result = 0;

	/* what a setting would round, a count is not */
	if ((def->kind == OPTION_INT && strspn(value, "+-0123456789 ") != strlen(value)) || !parse_int(value, &result, unit, &hint))
		refuse_value(def, value, psprintf("It must be %s.%s%s", what, hint ? " " : "", hint ? hint : ""));
	if (result < def->min || result > def->max)
		refuse_value(def, value,
					 psprintf("It must be between " INT64_FORMAT " and " INT64_FORMAT "%s.",
							  def->min, def->max,
							  def->kind == OPTION_TIME ? " ms" :
							  def->kind == OPTION_SIZE ? " bytes" : ""));
	return result;
}

static int
parse_choice(const OptionDef *def, const char *value)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; def->words[i]; i++)
	{
		if (strcmp(def->words[i], value) == 0)
			return def->first + i;
		appendStringInfo(&list, "%s%s", i ? ", " : "", def->words[i]);
	}
	refuse_value(def, value, psprintf("Valid values are: %s.", list.data));
	return 0;
}

static double
parse_rate(const OptionDef *def, const char *value)
{
	char	   *end;
	double		rate;

	errno = 0;
	rate = strtod(value, &end);
	if (end == value || *end != '\0' || errno != 0 || !isfinite(rate) || rate < 0.001 || rate > 1e6)
		refuse_value(def, value, "It must be a number of requests per second between 0.001 and 1000000.");
	return rate;
}

static int64
parse_positive(const OptionDef *def, const char *value)
{
	char	   *end;
	int64		n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || n <= 0)
		refuse_value(def, value, "It must be a positive integer.");
	return n;
}

static void
check_url(const OptionDef *def, const char *value)
{
	UrlParts	parts;
	const char *why;

	/* A URL that holds a password must not be printed; any '@' may be one. */
	if (strchr(value, '@') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\"", def->name),
				 errdetail("A URL here holds no user information."),
				 errhint("Put user and password into the user mapping.")));
	if (!url_parse(value, &parts, &why))
		refuse_value(def, value, psprintf("As a URL it is refused: %s.", why));
	if (parts.query != NULL)
		refuse_value(def, value, "It must not have a query string.");
}

/* Everybody can read a server's options, so a proxy that asks for a password cannot be had. */
static void
check_proxy(const OptionDef *def, const char *value)
{
	if (strchr(value, '@') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\"", def->name),
				 errdetail("A proxy's user and password would be readable by everyone."),
				 errhint("Let the proxy know this host by its address.")));
	if (!url_header_value_valid(value, strlen(value)))
		refuse_value(def, value, "It must not hold control characters.");
}

/* A path below base_url: optional {name}s, optional query string. */
static void
check_path(const OptionDef *def, const char *value)
{
	const char *why;
	char		probe[URL_MAX];
	char	   *plain = pstrdup(value);
	int			open = 0;

	for (char *p = plain; *p; p++)
	{
		if (*p == '{')
			open++;
		if (open > 1 || (*p == '}' && (open != 1 || p[-1] == '{')))
			refuse_value(def, value, "Braces must enclose a parameter's name, as in /producers/{producer}.");
		if (*p == '}')
			open--, *p = '_';
		else if (*p == '{')
			*p = '_';
	}
	if (open != 0)
		refuse_value(def, value, "Braces must enclose a parameter's name, as in /producers/{producer}.");
	if (strstr(value, "://") != NULL || strncmp(value, "//", 2) == 0)
		refuse_value(def, value, "It is appended to the server's base_url and must not name a host.");
	if (strchr(value, '#') != NULL)
		refuse_value(def, value, "It must not have a fragment.");
	if (!url_join("http://host", plain, probe, sizeof(probe)) ||
		!url_parse(probe, &(UrlParts) {0}, &why))
		refuse_value(def, value, "It is too long, or holds a byte that URLs may not hold; percent-encode it.");
}

/* Headers that credentials travel in ... */
static const char *const credential_headers[] = {"authorization", "proxy-authorization", "cookie", NULL};

/* ... and those that the wrapper sets, or that say where a request ends. */
static const char *const managed_headers[] = {
	"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "range", "te", "upgrade", NULL
};

static void
refuse_header(const OptionDef *def, const char *const *names, const char *name, size_t len)
{
	for (; *names; names++)
		if (strlen(*names) == len && pg_strncasecmp(*names, name, len) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("header \"%s\" cannot be set by option \"%s\"", *names, def->name),
					 errhint("Credentials belong into the user mapping; the wrapper sets the other headers itself.")));
}

static void
check_headers(const OptionDef *def, const char *value)
{
	const char *line = value;

	while (*line)
	{
		size_t		len = strcspn(line, "\n");
		size_t		text = len > 0 && line[len - 1] == '\r' ? len - 1 : len;
		const char *colon = memchr(line, ':', text);
		size_t		name = colon ? (size_t) (colon - line) : 0;

		/* Not shown: people put keys here in spite of the manual. */
		if (text >= HEADER_LINE_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("invalid value for option \"%s\"", def->name),
					 errdetail("A line is longer than %d bytes.", HEADER_LINE_MAX - 1)));
		if (text > 0 && (!colon || !url_header_name_valid(line, name) ||
						 !url_header_value_valid(colon + 1, text - name - 1)))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("invalid value for option \"%s\"", def->name),
					 errdetail("Each line must read \"Name: value\" without control characters.")));
		if (text > 0)
		{
			refuse_header(def, managed_headers, line, name);
			refuse_header(def, credential_headers, line, name);
		}
		line += len + (line[len] == '\n');
	}
}

/* Texts of all kinds. */
static void
check_text(const OptionDef *def, const char *value)
{
	const char *why;
	size_t		len = strlen(value);

	if (len == 0 && def->kind != OPTION_ANY_TEXT && def->kind != OPTION_POINTER &&
		def->kind != OPTION_COLUMN_POINTER && def->kind != OPTION_PATH && def->kind != OPTION_HEADERS)
		refuse_value(def, value, "It must not be empty.");
	switch (def->kind)
	{
		case OPTION_URL:
			check_url(def, value);
			break;
		case OPTION_PATH:
			check_path(def, value);
			break;
		case OPTION_HEADERS:
			check_headers(def, value);
			break;
		case OPTION_HEADER_NAME:
			if (!url_header_name_valid(value, len))
				refuse_value(def, value, "It is no header name.");
			refuse_header(def, managed_headers, value, len);
			break;
		case OPTION_NAME:
		case OPTION_HEADER_TEXT:
			if (!url_header_value_valid(value, len))
				refuse_value(def, value, "It must not hold control characters.");
			break;
		case OPTION_HOSTS:
			if (!url_host_list_valid(value, &why))
				refuse_value(def, value, psprintf("As a list of hosts it is refused: %s.", why));
			break;
		case OPTION_PROXY:
			check_proxy(def, value);
			break;
		case OPTION_POINTER:
		case OPTION_COLUMN_POINTER:
			if (value[0] != '#' && !json_pointer_valid(value))
				refuse_value(def, value, "A JSON pointer is empty or begins with \"/\"; \"~\" is written \"~0\" and \"/\" in a name \"~1\".");
			if (value[0] == '#' && def->kind == OPTION_POINTER)
				refuse_value(def, value, "A JSON pointer is empty or begins with \"/\".");
			break;
		default:
			break;
	}
}

/* A column's '#name' becomes its source. */
static void
store_column_pointer(const OptionDef *def, const char *value, FdwColumn *column)
{
	if (value[0] != '#')
	{
		check_text(def, value);
		if (column)
			column->pointer = value;
		return;
	}
	for (int i = 0; column_words[i]; i++)
	{
		if (strcmp(column_words[i], value) == 0)
		{
			if (column)
				column->source = COLUMN_ERROR + i;
			return;
		}
	}
	refuse_value(def, value,
				 "It must be a JSON pointer or one of #error, #sqlstate, #pointer, #page, #record.");
}

void
rt_option_store(const OptionDef *def, const char *value, void *target)
{
	char	   *at = target ? (char *) target + def->offset : NULL;
	int			number = 0;
	double		rate;
	int64		big;
	bool		yes;

	switch (def->kind)
	{
		case OPTION_INT:
		case OPTION_TIME:
		case OPTION_SIZE:
		case OPTION_CHOICE:
			number = def->kind == OPTION_CHOICE ? parse_choice(def, value) : parse_number(def, value);
			if (at)
				memcpy(at, &number, sizeof(number));
			break;
		case OPTION_RATE:
			rate = parse_rate(def, value);
			if (at)
				memcpy(at, &rate, sizeof(rate));
			break;
		case OPTION_BIGINT:
			big = parse_positive(def, value);
			if (at)
				memcpy(at, &big, sizeof(big));
			break;
		case OPTION_BOOL:
			if (!parse_bool(value, &yes))
				refuse_value(def, value, "It must be true or false.");
			if (at)
				memcpy(at, &yes, sizeof(yes));
			break;
		case OPTION_NOTE:
			break;
		case OPTION_COLUMN_POINTER:
			store_column_pointer(def, value, target);
			break;
		default:
			check_text(def, value);
			if (at)
				memcpy(at, &value, sizeof(value));
	}
}
