/*
 * fdw/page_check.c
 *		Checks of an answer before and after its records are read.
 */
#include "fdw/page_check.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define PRINTABLE_MAX 300

void
rt_page_refuse(const char *message, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("%s", message),
			 detail ? errdetail("%s", detail) : 0));
}

/* type is one of the words, or ends in suffix. */
static bool
is_one_of(const char *type, size_t len, const char *const *words, const char *suffix)
{
	size_t		n = suffix ? strlen(suffix) : 0;

	for (; *words; words++)
		if (strlen(*words) == len && pg_strncasecmp(type, *words, len) == 0)
			return true;
	return n > 0 && len > n && pg_strncasecmp(type + len - n, suffix, n) == 0;
}

/* The charset parameter, if there is one, names UTF-8 or a part of it. */
static bool
charset_is_utf8(const char *type)
{
	static const char *const names[] = {"utf-8", "utf8", "us-ascii", NULL};
	const char *p = type;

	for (p = strchr(p, ';'); p; p = strchr(p, ';'))
	{
		p += 1 + strspn(p + 1, " \t");
		if (pg_strncasecmp(p, "charset=", 8) == 0)
		{
			p += 8 + (p[8] == '"');
			return is_one_of(p, strcspn(p, "\"; \t"), names, NULL);
		}
	}
	return true;
}

void
rt_page_check_type(const HttpAnswer *answer, bool ndjson)
{
	static const char *const json[] = {"application/json", "text/json", NULL};
	static const char *const lines[] = {
		"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl",
		"application/jsonlines", "application/x-jsonlines", "application/json-lines",
		"application/json", "text/plain", "text/x-ndjson", NULL
	};
	const char *type = answer->content_type;
	size_t		len = strcspn(type, "; \t");

	/* none at all: what is scanned completely cannot be mistaken */
	if (len > 0 && !is_one_of(type, len, ndjson ? lines : json, "+json"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("response is not %s", ndjson ? "NDJSON" : "JSON"),
				 errdetail("Its content type is \"%s\".", rt_page_printable(type, strlen(type)))));
	if (!charset_is_utf8(type))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("response is not in UTF-8"),
				 errdetail("Its content type is \"%s\".", rt_page_printable(type, strlen(type)))));
	if (ndjson && !answer->delimited && !answer->gzip)
		rt_page_refuse("response does not say where it ends",
					   "Lines of records that end with the connection cannot be told from a part of them; Content-Length or chunked encoding is needed.");
}

char *
rt_page_printable(const char *text, size_t len)
{
	char	   *copy;
	size_t		n = Min(len, PRINTABLE_MAX);
	bool		ascii = GetDatabaseEncoding() != PG_UTF8 || !pg_verify_mbstr(PG_UTF8, text, len, true);

	while (n < len && n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80)
		n--;
	copy = pnstrdup(text, n);
	for (char *p = copy; *p; p++)
		if ((unsigned char) *p < 0x20 || *p == 0x7f || (ascii && IS_HIGHBIT_SET(*p)))
			*p = '?';
	return copy;
}

static const char *
headline(JsonScanErrorCode code)
{
	switch (code)
	{
		case JSON_ERR_RECORDS:
			return "response holds no records";
		case JSON_ERR_RECORDS_TWICE:
			return "response holds its records twice";
		case JSON_ERR_TRUNCATED:
			return "response was cut short";
		case JSON_ERR_RECORD_KIND:
			return "record is not a JSON object";
		case JSON_ERR_RECORD_SIZE:
			return "record is larger than max_record_size";
		case JSON_ERR_DEPTH:
			return "JSON in the response is nested too deeply";
		case JSON_ERR_MEMORY:
			return "out of memory";
		default:
			return "response is not valid JSON";
	}
}

void
rt_page_report(const JsonScanError *error, const char *reason)
{
	char	   *pointer = rt_page_printable(error->pointer, strlen(error->pointer));

	ereport(ERROR,
			(errcode(error->code == JSON_ERR_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("%s", headline(error->code)),
			 reason && error->code == JSON_ERR_RECORDS
			 ? errdetail("%s, at \"%s\". The server says: %s", error->message, pointer, reason)
			 : errdetail("%s, at byte " UINT64_FORMAT " of the page, pointer \"%s\".",
						 error->message, (uint64) error->offset, pointer)));
}

void
rt_page_read_total(const JsonValue *value, double *total)
{
	char		text[32];
	char	   *end;
	double		n;

	if ((value->kind != JV_NUMBER && value->kind != JV_STRING) || value->len == 0 ||
		value->len >= sizeof(text))
		return;
	memcpy(text, value->data, value->len);
	text[value->len] = '\0';
	n = strtod(text, &end);
	if (*end == '\0' && n >= 0 && n < 1e15)
		*total = n;
}
