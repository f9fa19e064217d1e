/*
 * fdw/http_fetch.c
 *		A whole document by one blocking call, for IMPORT FOREIGN SCHEMA.
 */
#include "fdw/http_internal.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Reads req's body to its end. */
static void
read_all(HttpConn *conn, HttpRequest *req, StringInfo body, size_t max)
{
	const char *data;
	size_t		len;

	for (;;)
	{
		switch (rt_http_read(req, &data, &len))
		{
			case HTTP_READ_DATA:
				if (len > max - body->len)
					ereport(ERROR,
							(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
							 errmsg("response is larger than %zu bytes", max)));
				appendBinaryStringInfo(body, data, len);
				break;
			case HTTP_READ_WAIT:
				rt_http_wait(conn, req);
				break;
			case HTTP_READ_END:
				return;
			case HTTP_READ_ERROR:
				rt_http_report(req);
		}
	}
}

char *
rt_http_fetch(Oid serverid, const char *reference, const char *accept, size_t max, size_t *len)
{
	MemoryContext result_context = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "retrack HTTP fetch",
												  ALLOCSET_DEFAULT_SIZES);
	FdwOptions *opts;
	HttpConn   *conn;
	HttpRequest *req;
	StringInfoData body;
	char		url[URL_MAX];

	MemoryContextSwitchTo(context);
	opts = rt_fdw_options(serverid, InvalidOid, GetUserId());
	if (pg_strncasecmp(reference, "http://", 7) == 0 || pg_strncasecmp(reference, "https://", 8) == 0)
		strlcpy(url, reference, sizeof(url));
	else if (!url_join(opts->base_url, reference, url, sizeof(url)))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
				 errmsg("URL of the request is longer than %d bytes", URL_MAX - 1)));
	conn = rt_http_open(opts, context);
	req = rt_http_get(conn, url);
	if (accept)
		strlcpy(req->accept, accept, sizeof(req->accept));
	MemoryContextSwitchTo(result_context);
	initStringInfo(&body);
	read_all(conn, req, &body, Min(max, MaxAllocSize / 2));
	*len = body.len;
	rt_http_close(conn);
	MemoryContextDelete(context);
	return body.data;
}
