/*
 * listing.c
 *		GET /v1/NAME and its kin: parameters in, one page out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paging.h"
#include "server.h"

#define MAX_PAGE_NUMBER 1000000000UL

typedef struct ListingArguments
{
	Filter filter;
	PageRequest page;
	size_t max_limit;
	char *reason; /* why the request is refused, or NULL */
} ListingArguments;

static bool
read_size(const char *name, const char *value, size_t least, size_t *result, char **reason)
{
	char *end;

	errno = 0;
	*result = strtoul(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && !errno && *result >= least &&
		*result <= MAX_PAGE_NUMBER)
		return true;
	*reason = memory_print("parameter \"%s\": \"%s\" is not a number from %zu to %lu", name, value,
						   least, MAX_PAGE_NUMBER);
	return false;
}

static Answered
take_argument(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	ListingArguments *arguments = context;
	PageRequest *page = &arguments->page;

	(void) kind;
	value = value ? value : "";
	if (strcmp(name, "cursor") == 0)
		page->cursor = value;
	else if (strcmp(name, "limit") == 0)
	{
		/* a larger page than the server makes is cut, as most APIs do */
		if (read_size(name, value, 1, &page->limit, &arguments->reason) &&
			page->limit > arguments->max_limit)
			page->limit = arguments->max_limit;
	}
	else if (strcmp(name, "offset") == 0)
		read_size(name, value, 0, &page->offset, &arguments->reason);
	else if (strcmp(name, "page") == 0)
		read_size(name, value, 1, &page->page, &arguments->reason);
	else
		filter_add(&arguments->filter, name, value, &arguments->reason);
	return arguments->reason ? MHD_NO : MHD_YES;
}

static void
append_escaped(Buffer *buffer, const char *text)
{
	for (; *text; text++)
	{
		unsigned char c = (unsigned char) *text;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			strchr("-._~", c))
			buffer_append(buffer, text, 1);
		else
			buffer_print(buffer, "%%%02X", c);
	}
}

/* Every argument but those that say where a page begins. */
static Answered
copy_argument(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	Buffer *link = context;

	(void) kind;
	if (strcmp(name, "cursor") == 0 || strcmp(name, "offset") == 0 || strcmp(name, "page") == 0)
		return MHD_YES;
	append_escaped(link, name);
	buffer_text(link, "=");
	append_escaped(link, value ? value : "");
	buffer_text(link, "&");
	return MHD_YES;
}

/* Link header of the next page: the same query with its cursor. */
static void
make_link(Request *request, const PageAnswer *answer, Buffer *link)
{
	buffer_print(link, "<%s?", request->url);
	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, copy_argument, link);
	buffer_print(link, "cursor=%s>; rel=\"next\"", answer->next);
}

static Answered
answer_page(Request *request, const ListingArguments *arguments)
{
	PageAnswer answer = {0};
	Buffer link = {0};
	Answered result;
	bool made;

	pthread_rwlock_rdlock(&request->server->lock);
	made = page_make(&arguments->filter, &arguments->page, &answer);
	pthread_rwlock_unlock(&request->server->lock);
	if (!made)
		return respond_problem(request, 400, "the cursor does not belong to this query");
	if (answer.next[0])
		make_link(request, &answer, &link);
	result =
		respond(request, 200,
				arguments->page.style == PAGE_LINES ? "application/x-ndjson" : "application/json",
				&answer.body, "Link", link.data);
	free(link.data);
	return result;
}

/*
 * The resource that a path names: /v1/NAME, or /v1p/PRODUCER/NAME, whose
 * producer becomes a condition as if it were the parameter.
 */
static const Resource *
resolve_path(Request *request, ListingArguments *arguments)
{
	const char *name = strchr(request->url + 1, '/') + 1;
	const char *slash = request->url[3] == 'p' ? strchr(name, '/') : NULL;
	char *producer;

	if (request->url[3] == 'p' && !slash)
		return NULL;
	arguments->filter.resource = dataset_resource(&request->server->data, slash ? slash + 1 : name);
	if (slash && arguments->filter.resource)
	{
		producer = memory_print("%.*s", (int) (slash - name), name);
		filter_add(&arguments->filter, "producer", producer, &arguments->reason);
		free(producer);
	}
	return arguments->filter.resource;
}

Answered
listing_get(Request *request)
{
	const Options *options = &request->server->options;
	ListingArguments arguments = {.page = {.limit = options->page_size},
								  .max_limit = options->max_page_size};
	Answered result;

	arguments.page.style = request->url[3] == 'l'   ? PAGE_ARRAY
						   : request->url[3] == 'n' ? PAGE_LINES
													: PAGE_ENVELOPE;
	if (!resolve_path(request, &arguments))
		return respond_problem(request, 404, "there is no such resource");
	if (!arguments.reason)
		MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, take_argument,
								  &arguments);
	if (arguments.reason)
		result = respond_problem(request, 400, arguments.reason);
	else
		result = answer_page(request, &arguments);
	free(arguments.reason);
	filter_free(&arguments.filter);
	return result;
}
