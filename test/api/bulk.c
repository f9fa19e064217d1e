/*
 * bulk.c
 *		GET /v1/bulk: as many records as asked for, as fast as memory can be
 *		copied, so that a client's speed is measured and not the server's.
 *
 * Every record has the same length: TEMPLATES records are rendered once, and
 * only the ten digits of the number differ from one use of a template to the
 * next. The body is thus a function of the byte offset, streamed from a
 * callback, of a length known beforehand.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define TEMPLATES 4096
#define RECORD_BYTES 400        /* with the comma before or the newline after it */
#define FIRST_NUMBER 1000000000 /* ten digits for every record */
#define MAX_RECORDS 1000000000

static char templates[TEMPLATES][RECORD_BYTES];
static int id_at, number_at; /* where the digits stand in a record */

typedef struct BulkStream
{
	uint64_t first; /* index of the first record */
	uint64_t count; /* records in this page */
	char head[16];  /* before the records */
	size_t head_bytes;
	char tail[96]; /* after them */
	size_t tail_bytes;
	bool lines;
	uint64_t records; /* in all pages */
	uint64_t limit;
} BulkStream;

static void
render_template(int i, char *record)
{
	static const char *const forms[] = {"oxide", "metal", "alloy", "magnet"};
	char text[RECORD_BYTES + 64];
	int nd = 29000 + i % 3500, dy = 600 + i * 7 % 600, length;

	length = snprintf(
		text, sizeof(text),
		",{\"id\":\"BULK-0000000000\",\"number\":0000000000,\"facility_id\":\"F-BULK-%03d\","
		"\"produced_on\":\"2025-%02d-%02d\",\"form\":\"%s\",\"assay\":\"Nd=%d.%03d%%,Dy=0.%04d%%\","
		"\"mass\":\"%d.%03d kg\",\"value\":%d.%02d,\"exported\":%s,"
		"\"updated_at\":\"2025-%02d-%02dT%02d:%02d:%02d+08:00\",\"client\":{\"name\":\"Client "
		"%03d\","
		"\"country\":\"DE\"},\"note\":\"",
		i % 200, i % 12 + 1, i % 28 + 1, forms[i % 4], nd / 1000, nd % 1000, dy, 100 + i * 13 % 900,
		i * 37 % 1000, 1000 + i * 91 % 9000, i % 100, i % 3 ? "false" : "true", i % 12 + 1,
		i % 28 + 1, i % 24, i * 7 % 60, i * 11 % 60, i % 500);
	memset(record, 'x', RECORD_BYTES);
	memcpy(record, text, (size_t) length);
	for (int j = length + 12; j < RECORD_BYTES - 2; j += 13)
		record[j] = ' ';
	memcpy(record + RECORD_BYTES - 2, "\"}", 2);
	id_at = (int) (strstr(text, "BULK-") + 5 - text);
	number_at = (int) (strstr(text, "\"number\":") + 9 - text);
}

static void
render_templates(void)
{
	for (int i = 0; i < TEMPLATES; i++)
		render_template(i, templates[i]);
}

static void
write_digits(char *at, uint64_t number)
{
	for (int i = 9; i >= 0; i--, number /= 10)
		at[i] = (char) ('0' + number % 10);
}

/* One record with its separator: a comma before all but the first, or a newline after each. */
static void
render_record(const BulkStream *stream, uint64_t i, char *record)
{
	uint64_t index = stream->first + i;

	memcpy(record, templates[index % TEMPLATES], RECORD_BYTES);
	write_digits(record + id_at, index);
	write_digits(record + number_at, FIRST_NUMBER + index);
	if (stream->lines)
	{
		memmove(record, record + 1, RECORD_BYTES - 1);
		record[RECORD_BYTES - 1] = '\n';
	}
	else if (i == 0)
		record[0] = ' ';
}

static ssize_t
stream_bytes(void *context, uint64_t position, char *buffer, size_t size)
{
	BulkStream *stream = context;
	uint64_t records_end = stream->head_bytes + stream->count * RECORD_BYTES;
	size_t done = 0;

	while (done < size)
	{
		uint64_t at = position + done;
		size_t take;

		if (at < stream->head_bytes)
		{
			take = stream->head_bytes - at < size - done ? stream->head_bytes - at : size - done;
			memcpy(buffer + done, stream->head + at, take);
		}
		else if (at < records_end)
		{
			uint64_t i = (at - stream->head_bytes) / RECORD_BYTES;
			size_t skip = (at - stream->head_bytes) % RECORD_BYTES;

			if (skip == 0 && size - done >= RECORD_BYTES)
			{
				render_record(stream, i, buffer + done);
				done += RECORD_BYTES;
				continue;
			}
			char record[RECORD_BYTES];

			render_record(stream, i, record);
			take = RECORD_BYTES - skip < size - done ? RECORD_BYTES - skip : size - done;
			memcpy(buffer + done, record + skip, take);
		}
		else if (at < records_end + stream->tail_bytes)
		{
			size_t skip = at - records_end;

			take =
				stream->tail_bytes - skip < size - done ? stream->tail_bytes - skip : size - done;
			memcpy(buffer + done, stream->tail + skip, take);
		}
		else
			break;
		done += take;
	}
	return done ? (ssize_t) done : MHD_CONTENT_READER_END_OF_STREAM;
}

static bool
read_argument(Request *request, const char *name, uint64_t standard, uint64_t *result)
{
	const char *text =
		MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
	char *end;

	*result = standard;
	if (!text)
		return true;
	errno = 0;
	*result = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *result <= MAX_RECORDS;
}

static Answered
send_stream(Request *request, BulkStream *stream, uint64_t next)
{
	uint64_t bytes = stream->head_bytes + stream->count * RECORD_BYTES + stream->tail_bytes;
	struct MHD_Response *response =
		MHD_create_response_from_callback(bytes, 1 << 18, stream_bytes, stream, free);
	Answered result;

	if (!response)
	{
		free(stream);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type",
							stream->lines ? "application/x-ndjson" : "application/json");
	if (next)
	{
		char *link = memory_print("<%s?records=%" PRIu64 "&limit=%" PRIu64 "&cursor=%" PRIu64
								  ">; rel=\"next\"",
								  request->url, stream->records, stream->limit, next);

		MHD_add_response_header(response, "Link", link);
		free(link);
	}
	result = MHD_queue_response(request->connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

Answered
bulk_get(Request *request)
{
	static pthread_once_t rendered = PTHREAD_ONCE_INIT;
	const Options *options = &request->server->options;
	BulkStream *stream = memory_zero(sizeof(BulkStream));
	bool array = request->url[3] == 'l';
	uint64_t records, limit, next;

	pthread_once(&rendered, render_templates);
	stream->lines = request->url[3] == 'n';
	if (!read_argument(request, "records", options->bulk_records, &records) ||
		!read_argument(request, "limit", 1000, &limit) || limit == 0 ||
		!read_argument(request, "cursor", 0, &stream->first) || stream->first > records)
	{
		free(stream);
		return respond_problem(request, 400,
							   "records, limit and cursor are numbers up to 1000000000");
	}
	stream->records = records;
	stream->limit = limit;
	stream->count = records - stream->first < limit ? records - stream->first : limit;
	next = stream->first + stream->count < records ? stream->first + stream->count : 0;
	if (!stream->lines)
		snprintf(stream->head, sizeof(stream->head), "%s", array ? "[" : "{\"data\":[");
	if (array)
		snprintf(stream->tail, sizeof(stream->tail), "]");
	else if (!stream->lines && next)
		snprintf(stream->tail, sizeof(stream->tail),
				 "],\"next\":\"%" PRIu64 "\",\"total\":%" PRIu64 "}", next, records);
	else if (!stream->lines)
		snprintf(stream->tail, sizeof(stream->tail), "],\"next\":null,\"total\":%" PRIu64 "}",
				 records);
	stream->head_bytes = strlen(stream->head);
	stream->tail_bytes = strlen(stream->tail);
	return send_stream(request, stream, next);
}
