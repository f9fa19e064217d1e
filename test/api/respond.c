/*
 * respond.c
 *		Sends answers: headers, gzip, problem documents.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "server.h"

#define GZIP_MIN_BYTES 512

/* Whether Accept-Encoding names gzip and does not refuse it with q=0. */
static bool
accepts_gzip(struct MHD_Connection *connection)
{
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding");
	const char *at = accept ? strcasestr(accept, "gzip") : NULL;

	if (!at)
		return false;
	at += strlen("gzip");
	at += strspn(at, " ");
	if (strncmp(at, ";", 1) != 0)
		return true;
	at = strstr(at, "q=");
	return !at || strtod(at + 2, NULL) > 0;
}

/* Replaces the body by its gzip form; leaves it alone if zlib will not. */
static bool
compress_body(Buffer *body)
{
	z_stream stream = {0};
	Buffer packed = {0};
	bool done;

	if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	packed.capacity = deflateBound(&stream, body->length) + 32;
	packed.data = memory_resize(NULL, packed.capacity);
	stream.next_in = (Bytef *) body->data;
	stream.avail_in = (uInt) body->length;
	stream.next_out = (Bytef *) packed.data;
	stream.avail_out = (uInt) packed.capacity;
	done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
	packed.length = stream.total_out;
	deflateEnd(&stream);
	if (!done)
	{
		free(packed.data);
		return false;
	}
	free(body->data);
	*body = packed;
	return true;
}

Answered
respond(Request *request, unsigned status, const char *type, Buffer *body, const char *header,
		const char *value)
{
	struct MHD_Response *response;
	Answered result;
	bool packed =
		body->length >= GZIP_MIN_BYTES && accepts_gzip(request->connection) && compress_body(body);

	response = MHD_create_response_from_buffer(body->length, body->data, MHD_RESPMEM_MUST_FREE);
	if (!response)
	{
		free(body->data);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Vary", "Accept-Encoding");
	if (packed)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (header && value)
		MHD_add_response_header(response, header, value);
	result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

Answered
respond_json(Request *request, unsigned status, json_t *object)
{
	Buffer body = {0};
	char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));

	json_decref(object);
	if (!text)
		out_of_memory();
	buffer_text(&body, text);
	free(text);
	return respond(request, status, "application/json", &body, NULL, NULL);
}

static const char *
title_of(unsigned status)
{
	switch (status)
	{
		case 400:
			return "Bad Request";
		case 401:
			return "Unauthorized";
		case 404:
			return "Not Found";
		case 405:
			return "Method Not Allowed";
		case 413:
			return "Content Too Large";
		case 429:
			return "Too Many Requests";
		case 503:
			return "Service Unavailable";
		default:
			return "Error";
	}
}

Answered
respond_problem(Request *request, unsigned status, const char *detail)
{
	json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
								title_of(status), "status", (int) status, "detail", detail);
	Buffer body = {0};
	char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;

	json_decref(problem);
	buffer_text(&body, text ? text : "{}"); /* detail was not UTF-8 */
	free(text);
	return respond(request, status, "application/problem+json", &body,
				   status == 401 ? "WWW-Authenticate" : NULL,
				   "Bearer realm=\"retrack\", error=\"invalid_token\"");
}
