/*
 * fdw/pages.c
 *		Pages of a resource (see pages.h): what to ask for next, what was promised,
 *		and what must not come twice.
 */
#include "fdw/pages.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "fdw/json_ahead.h"
#include "fdw/link_header.h"
#include "fdw/page_hash.h"
#include "fdw/page_check.h"
#include "fdw/url.h"

#define LONE_REPEATS_MAX 8
#define QUEUE_MAX 17			/* current page and prefetch, at most 16 */

/* Document values that are read besides the records. */
enum
{
	DOCUMENT_NEXT,
	DOCUMENT_TOTAL,
	DOCUMENT_REASONS			/* from here on: texts of an error object */
};

static const char *const reason_pointers[] = {
	"/error/message", "/error", "/message", "/detail", "/errors/0/message"
};

/* A page asked for and not yet read. */
typedef struct QueuedPage
{
	HttpRequest *request;
	int64		position;		/* page number or offset */
} QueuedPage;

struct PageReader
{
	const FdwOptions *opts;
	HttpConn   *conn;
	MemoryContext context;
	JsonScan   *scan;
	char		base[URL_MAX];	/* path and filters */
	char		next_url[URL_MAX];	/* link and cursor: known next page, "" if not */
	JsonAhead  *ahead;			/* NULL where no value names the next page */
	bool		looking;		/* ahead in this page, still */
	char		ahead_url[URL_MAX]; /* of the page asked for by look_ahead */
	int			page_size;
	bool		modest;			/* see rt_pages_start */
	bool		single;			/* read no page after this one */

	QueuedPage	queue[QUEUE_MAX];	/* [0] is being read */
	int			queued;
	int64		position;		/* of the next page to be asked for */
	bool		finished;
	bool		accepted;		/* the current page's headers were looked at */
	bool		fed;			/* some of its body was */
	bool		body_ended;
	uint64		page;
	uint64		record;
	double		total;
	int			raw_field;		/* of the whole record, -1 if pages cannot repeat */
	PageHash	hash;			/* of the page's records */
	HTAB	   *seen;			/* SeenPage: URLs and pages */
};

/* Times that what has this hash was seen. */
typedef struct SeenPage
{
	uint64		key;
	int			times;
} SeenPage;

static void *
scan_alloc(void *arg, size_t size)
{
	return MemoryContextAllocExtended((MemoryContext) arg, size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
}

static void
scan_release(void *arg, void *p)
{
	pfree(p);
}

static bool
is_numbered(const PageReader *r)
{
	return r->opts->pagination == PAGINATION_PAGE || r->opts->pagination == PAGINATION_OFFSET;
}

/* The next page is named by a value of the document. */
static bool
is_named(const PageReader *r)
{
	return r->opts->next != NULL && r->opts->pagination != PAGINATION_NONE && !is_numbered(r);
}

static void
refuse_memory(void)
{
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

PageReader *
rt_pages_create(const FdwOptions *opts, HttpConn *conn, int nfields, const char *const *fields)
{
	PageReader *r = palloc0(sizeof(PageReader));
	const char *document[DOCUMENT_REASONS + lengthof(reason_pointers)];
	const char **with_raw = palloc(sizeof(char *) * (nfields + 1));
	JsonScanSpec spec = {0};

	memcpy(with_raw, fields, sizeof(char *) * nfields);
	with_raw[nfields] = "";
	r->raw_field = opts->pagination == PAGINATION_NONE ? -1 : nfields;
	r->opts = opts;
	r->conn = conn;
	r->context = CurrentMemoryContext;
	/* a pointer that leads nowhere stands in for one that is not set */
	document[DOCUMENT_NEXT] = opts->next ? opts->next : "/ /";
	document[DOCUMENT_TOTAL] = opts->total ? opts->total : "/ /";
	memcpy(document + DOCUMENT_REASONS, reason_pointers, sizeof(reason_pointers));
	spec.records = opts->records;
	spec.ndjson = opts->ndjson;
	spec.nfields = nfields + (r->raw_field >= 0);
	spec.fields = with_raw;
	spec.ndocument = opts->ndjson ? 0 : lengthof(document);
	spec.document = document;
	spec.max_record_size = opts->max_record_size;
	spec.max_depth = 512;
	spec.alloc = scan_alloc;
	spec.release = scan_release;
	spec.alloc_arg = CurrentMemoryContext;
	r->scan = json_scan_create(&spec);
	if (r->scan == NULL)
		refuse_memory();
	if (is_named(r) && opts->prefetch > 0)
	{
		r->ahead = palloc(sizeof(JsonAhead));
		if (!json_ahead_init(r->ahead, opts->next, scan_alloc, scan_release, CurrentMemoryContext))
			refuse_memory();
	}
	return r;
}

static void
refuse_long_url(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
			 errmsg("URL of the request is longer than %d bytes", URL_MAX - 1)));
}

/*
 * base with page_size and, unless NULL, one paging parameter; false if that is too
 * long.  Without pages no size is asked for: the answer would be taken for all there is.
 */
static bool
build_page_url(const FdwOptions *o, const char *base, int page_size,
			   const char *name, const char *value, char *url)
{
	char		number[32];

	strlcpy(url, base, URL_MAX);
	if (name && !url_add_parameter(url, URL_MAX, name, value))
		return false;
	if (!o->limit_param || page_size <= 0 || o->pagination == PAGINATION_NONE)
		return true;
	snprintf(number, sizeof(number), "%d", page_size);
	return url_add_parameter(url, URL_MAX, o->limit_param, number);
}

/* URL of the page at position in numbered pagination, of the first one otherwise. */
static void
build_numbered_url(const FdwOptions *o, const char *base, int page_size, int64 position, char *url)
{
	char		number[32];
	const char *name = o->pagination == PAGINATION_PAGE ? o->page_param :
		o->pagination == PAGINATION_OFFSET ? o->offset_param : NULL;

	snprintf(number, sizeof(number), INT64_FORMAT, position);
	if (!build_page_url(o, base, page_size, name, number, url))
		refuse_long_url();
}

char *
rt_pages_first_url(const FdwOptions *o, const char *base, int page_size)
{
	char		url[URL_MAX];

	build_numbered_url(o, base, page_size, o->pagination == PAGINATION_PAGE ? o->first_page : 0, url);
	return pstrdup(url);
}

/* Notes key; how many times it was there before. */
static int
times_seen(PageReader *r, uint64 key)
{
	bool		found;
	SeenPage   *entry = hash_search(r->seen, &key, HASH_ENTER, &found);

	if (!found)
		entry->times = 0;
	return entry->times++;
}

static void
forget_seen(PageReader *r)
{
	HASHCTL		ctl = {0};

	if (r->seen)
		hash_destroy(r->seen);
	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(SeenPage);
	ctl.hcxt = r->context;
	r->seen = hash_create("retrack pages", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
enqueue(PageReader *r, const char *url, int64 position)
{
	r->queue[r->queued].request = rt_http_get(r->conn, url);
	r->queue[r->queued].position = position;
	r->queued++;
}

/* Asks for the page at r->position and moves that on. */
static void
enqueue_numbered(PageReader *r)
{
	char		url[URL_MAX];

	build_numbered_url(r->opts, r->base, r->page_size, r->position, url);
	enqueue(r, url, r->position);
	r->position += r->opts->pagination == PAGINATION_PAGE ? 1 : r->page_size;
}

static void
drop_from(PageReader *r, int from)
{
	while (r->queued > from)
		rt_http_drop(r->queue[--r->queued].request);
}

static bool
may_ask_ahead(const PageReader *r)
{
	return !(r->modest && r->page == 1);
}

static void
begin_page(PageReader *r)
{
	json_scan_reset(r->scan);
	page_hash_init(&r->hash);
	r->accepted = r->fed = r->body_ended = false;
	r->record = 0;
	r->page++;
	if (r->opts->max_pages > 0 && r->page > (uint64) r->opts->max_pages)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("more than %d pages", r->opts->max_pages),
				 errhint("If the resource is that large, raise option \"max_pages\".")));
	r->looking = r->ahead && may_ask_ahead(r) && (r->opts->max_pages == 0 || r->page < (uint64) r->opts->max_pages);
	if (r->looking)
		json_ahead_reset(r->ahead);
}

void
rt_pages_start(PageReader *r, const char *url, int page_size, bool modest)
{
	char		first[URL_MAX];

	rt_pages_stop(r);
	strlcpy(r->base, url, sizeof(r->base));
	r->page_size = page_size;
	r->modest = modest;
	r->single = false;
	r->page = 0;
	r->total = -1;
	r->finished = false;
	r->position = r->opts->pagination == PAGINATION_PAGE ? r->opts->first_page : 0;
	if (r->opts->pagination != PAGINATION_NONE)
		forget_seen(r);
	begin_page(r);
	if (is_numbered(r))
		enqueue_numbered(r);
	else
	{
		build_numbered_url(r->opts, r->base, page_size, 0, first);
		if (r->opts->pagination != PAGINATION_NONE)
			times_seen(r, page_hash_string(first));
		enqueue(r, first, 0);
	}
}

void
rt_pages_start_one(PageReader *r, const char *url, int page_size, int64 skip, int64 page_records)
{
	rt_pages_stop(r);
	strlcpy(r->base, url, sizeof(r->base));
	r->page_size = page_size;
	r->modest = r->single = true;
	r->page = 0;
	r->total = -1;
	r->finished = false;
	r->position = r->opts->pagination == PAGINATION_PAGE ? r->opts->first_page + skip : skip * page_records;
	forget_seen(r);
	begin_page(r);
	enqueue_numbered(r);
}

void
rt_pages_stop(PageReader *r)
{
	drop_from(r, 0);
	r->next_url[0] = '\0';
	r->finished = true;
}

/* The value at `next` names a next page: not missing, null, false or empty. */
static bool
names_next(const JsonValue *value)
{
	return value->kind > JV_FALSE && !(value->kind == JV_STRING && value->len == 0);
}

/* link pagination by header: the next page's URL into out, or false. */
static bool
next_by_header(PageReader *r, const HttpAnswer *answer, char *out)
{
	char		target[URL_MAX];
	const char *why;

	if (answer->link == NULL)
		return false;
	switch (link_header_find(answer->link, "next", target, sizeof(target)))
	{
		case LINK_NONE:
			return false;
		case LINK_MALFORMED:
			rt_page_refuse("Link header of the response is malformed", NULL);
			return false;
		case LINK_FOUND:
			if (!url_resolve(answer->url, target, out, URL_MAX, &why))
				rt_page_refuse("URL of the next page is refused", why);
			return true;
	}
	return false;
}

/*
 * cursor pagination, and link pagination by pointer: the URL that a value names,
 * into out.  Otherwise false, and *why says what is wrong with it.
 */
static bool
url_of_next(PageReader *r, const HttpAnswer *answer, const JsonValue *value, char *out, const char **why)
{
	bool		cursor = r->opts->pagination == PAGINATION_CURSOR;
	char	   *text;
	bool		good;

	if (value->kind != JV_STRING && (value->kind != JV_NUMBER || !cursor))
	{
		*why = psprintf("The pointer \"%s\" leads to something else than a string or number.", r->opts->next);
		return false;
	}
	text = pnstrdup(value->data, value->len);
	*why = "it is longer than 8191 bytes";
	good = cursor ? build_page_url(r->opts, r->base, r->page_size, r->opts->cursor_param, text, out) :
		url_resolve(answer->url, text, out, URL_MAX, why);
	pfree(text);
	return good;
}

/* The same at the page's end, where the value counts; false if there is none. */
static bool
next_by_value(PageReader *r, const HttpAnswer *answer, char *out)
{
	const JsonValue *value = json_scan_document(r->scan, DOCUMENT_NEXT);
	const char *why;

	if (!names_next(value))
		return false;
	if (!url_of_next(r, answer, value, out, &why))
		rt_page_refuse("value at \"next\" names no page", why);
	return true;
}

/*
 * Asks for the next page while this one is being read, if it is named by what has
 * arrived of it, ahead of its records or behind them.  Should another value follow,
 * that one counts: see end_chained_page.  Whatever is wrong is left for then, too.
 */
static void
look_ahead(PageReader *r, const char *data, size_t len)
{
	const char *why;
	JsonValue	value;
	uint64		key;

	if (!r->looking || json_ahead_feed(r->ahead, data, len) == JSON_AHEAD_MORE)
		return;
	r->looking = false;
	value = json_ahead_value(r->ahead);
	if (r->ahead->result == JSON_AHEAD_NONE || !names_next(&value) ||
		!url_of_next(r, rt_http_answer(r->queue[0].request), &value, r->ahead_url, &why) ||
		!rt_http_allowed(r->conn, r->ahead_url))
		return;
	key = page_hash_string(r->ahead_url);
	if (hash_search(r->seen, &key, HASH_FIND, NULL) != NULL)
		return;
	enqueue(r, r->ahead_url, 0);
	rt_http_pump(r->conn);
}

/* Asks ahead in numbered pagination, once the server has shown that there is a page. */
static void
prefetch_numbered(PageReader *r)
{
	if (!is_numbered(r) || !may_ask_ahead(r) || (r->page == 1 && r->opts->next != NULL) ||
		(r->opts->pagination == PAGINATION_OFFSET && r->page_size == 0))
		return;
	while (r->queued <= r->opts->prefetch &&
		   (r->opts->max_pages == 0 || r->page + r->queued <= (uint64) r->opts->max_pages))
		enqueue_numbered(r);
}

/* Where nobody has said that there is but one page, a Link header that names a next one is believed. */
static void
refuse_unread_page(const PageReader *r, const HttpAnswer *answer)
{
	char		target[URL_MAX];

	if (r->opts->pagination_stated || answer->link == NULL ||
		link_header_find(answer->link, "next", target, sizeof(target)) != LINK_FOUND)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("response is one page of several"),
			 errdetail("Its Link header names a next page, but option \"pagination\" is not set."),
			 errhint("Set it to 'link', or to 'none' if the first page alone is wanted.")));
}

/* Looks at the headers of the current page; one without a body ends the pages. */
static void
accept_page(PageReader *r, const HttpAnswer *answer)
{
	r->accepted = true;
	if (answer->status == 204)
	{
		if (r->page > 1 && !is_numbered(r))
			rt_page_refuse("next page is missing", "HTTP status 204 came where a page was promised.");
		r->finished = true;
		return;
	}
	rt_page_check_type(answer, r->opts->ndjson);
	refuse_unread_page(r, answer);
	if (r->opts->pagination == PAGINATION_LINK && r->opts->next == NULL &&
		next_by_header(r, answer, r->next_url) && r->opts->prefetch > 0 && may_ask_ahead(r) &&
		rt_http_allowed(r->conn, r->next_url))
		enqueue(r, r->next_url, 0);
}

/*
 * A page whose records came before is the server's mistake, not an end.  Pages of
 * a single record may be alike by right, where records have no key; not for ever.
 */
static void
check_repetition(PageReader *r)
{
	if (r->record > 0 && r->raw_field >= 0 &&
		times_seen(r, page_hash_end(&r->hash)) >= (r->record > 1 ? 1 : LONE_REPEATS_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("page " UINT64_FORMAT " repeats an earlier page", r->page),
				 errdetail("The server returned the same records again instead of the next ones or an empty page."),
				 errhint("Check the paging options; if the API tells by a value whether more pages follow, set option \"next\" to it.")));
}

/* Numbered pagination: an empty page, or what `next` says, is the end. */
static void
end_numbered_page(PageReader *r)
{
	int64		position = r->queue[0].position;
	bool		more = r->opts->next ? names_next(json_scan_document(r->scan, DOCUMENT_NEXT)) : r->record > 0;

	if (r->opts->pagination == PAGINATION_OFFSET && more)
	{
		if (r->record == 0)
			rt_page_refuse("next page is missing", "The page is empty, though the server says that more follow.");
		if (r->record != (uint64) r->page_size)
		{
			/* another number than asked for: what was asked ahead is wrong */
			drop_from(r, 1);
			r->position = position + r->record;
		}
	}
	rt_http_drop(r->queue[0].request);
	memmove(r->queue, r->queue + 1, sizeof(QueuedPage) * --r->queued);
	if (!more)
	{
		rt_pages_stop(r);
		return;
	}
	begin_page(r);
	if (r->queued == 0)
		enqueue_numbered(r);
}

/* Link and cursor pagination. */
static void
end_chained_page(PageReader *r)
{
	bool		more;

	if (r->opts->next != NULL)
		more = next_by_value(r, rt_http_answer(r->queue[0].request), r->next_url);
	else
		more = r->next_url[0] != '\0';
	rt_http_drop(r->queue[0].request);
	memmove(r->queue, r->queue + 1, sizeof(QueuedPage) * --r->queued);
	if (!more)
	{
		rt_pages_stop(r);
		return;
	}
	if (times_seen(r, page_hash_string(r->next_url)) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("page " UINT64_FORMAT " names a page that was read before as the next one", r->page),
				 errdetail("Following it would never end.")));
	begin_page(r);
	if (r->opts->next != NULL && r->queued > 0 && strcmp(r->ahead_url, r->next_url) != 0)
		drop_from(r, 0);		/* asked for ahead, but another one followed */
	if (r->queued == 0)
		enqueue(r, r->next_url, 0);
	r->next_url[0] = '\0';
}

static void
end_page(PageReader *r)
{
	if (r->opts->total)
		rt_page_read_total(json_scan_document(r->scan, DOCUMENT_TOTAL), &r->total);
	check_repetition(r);
	if (r->opts->pagination == PAGINATION_NONE || r->single)
		rt_pages_stop(r);
	else if (is_numbered(r))
		end_numbered_page(r);
	else
		end_chained_page(r);
}

static void
hash_record(PageReader *r, const JsonValue *record)
{
	page_hash_add(&r->hash, record->raw, record->raw_len);
}

/* What an error object in place of the records says, or NULL. */
static const char *
stated_reason(PageReader *r)
{
	for (int i = 0; !r->opts->ndjson && i < (int) lengthof(reason_pointers); i++)
	{
		const JsonValue *value = json_scan_document(r->scan, DOCUMENT_REASONS + i);

		if (value->kind == JV_STRING && value->len > 0)
		{
			char	   *text = pnstrdup(value->data, value->len);

			/* before anything is cut off: a part of a credential is one too */
			rt_http_redact(r->opts, text);
			return rt_page_printable(text, strlen(text));
		}
	}
	return NULL;
}

/*
 * Gets more bytes for the scanner.  False: there are none without waiting.
 */
static bool
feed(PageReader *r, bool wait)
{
	HttpRequest *req = r->queue[0].request;
	const char *data;
	size_t		len;

	for (;;)
	{
		switch (rt_http_read(req, &data, &len))
		{
			case HTTP_READ_DATA:
				look_ahead(r, data, len);
				json_scan_feed(r->scan, data, len);
				if (!r->fed)
					prefetch_numbered(r);
				r->fed = true;
				return true;
			case HTTP_READ_END:
				json_scan_finish(r->scan);
				r->body_ended = true;
				return true;
			case HTTP_READ_ERROR:
				rt_http_report(req);
			case HTTP_READ_WAIT:
				if (!wait)
					return false;
				rt_http_wait(r->conn, req);
				/* headers may have come alone: let the caller look at them */
				if (!r->accepted)
					return true;
		}
	}
}

PagesResult
rt_pages_next(PageReader *r, bool wait)
{
	for (;;)
	{
		const HttpAnswer *answer;

		if (r->finished)
			return PAGES_END;
		if (!r->accepted)
		{
			rt_http_pump(r->conn);
			answer = rt_http_answer(r->queue[0].request);
			if (answer)
				accept_page(r, answer);
			else if (!feed(r, wait))
				return PAGES_WAIT;
			continue;
		}
		switch (json_scan_next(r->scan))
		{
			case JSON_SCAN_RECORD:
				r->record++;
				if (r->raw_field >= 0)
					hash_record(r, json_scan_field(r->scan, r->raw_field));
				return PAGES_RECORD;
			case JSON_SCAN_MORE:
				rt_http_pump(r->conn);
				if (!feed(r, wait))
					return PAGES_WAIT;
				break;
			case JSON_SCAN_END:
				end_page(r);
				break;
			case JSON_SCAN_ERROR:
				if (json_scan_error(r->scan)->code == JSON_ERR_RECORD_KIND && r->opts->skip_errors)
				{
					r->record++;
					return PAGES_BAD_RECORD;
				}
				rt_page_report(json_scan_error(r->scan), stated_reason(r));
		}
		CHECK_FOR_INTERRUPTS();
	}
}

HttpRequest *
rt_pages_request(PageReader *r)
{
	return r->queued > 0 ? r->queue[0].request : NULL;
}

const JsonValue *
rt_pages_field(PageReader *r, int i)
{
	return json_scan_field(r->scan, i);
}

uint64
rt_pages_page(const PageReader *r)
{
	return r->page;
}

uint64
rt_pages_record(const PageReader *r)
{
	return r->record;
}

const JsonScanError *
rt_pages_bad_record(const PageReader *r)
{
	return json_scan_error(r->scan);
}

double
rt_pages_total(const PageReader *r)
{
	return r->total;
}

size_t
rt_pages_memory(const PageReader *r)
{
	return json_scan_memory(r->scan);
}
