/*
 * fdw/http_body.c
 *		Body of an answer: a bounded ring of bytes as sent, unzipped on demand.
 *
 * Unzipping on the reader's side, not in curl, bounds memory whatever a
 * compressed body expands to, and shows where the gzip stream ends: curl takes
 * one that is cut short for a good one.
 */
#include "fdw/http_internal.h"

#include <signal.h>

/* Appends to the ring; the caller saw to it that len bytes are free. */
static void
append_to_ring(HttpRequest *req, const char *data, size_t len)
{
	size_t		tail = (req->head + req->used) % req->size;
	size_t		first = Min(len, req->size - tail);

	memcpy(req->ring + tail, data, first);
	memcpy(req->ring, data + first, len - first);
	req->used += len;
	req->conn->buffered += len;
	if (req->conn->buffered > req->conn->counters.buffer_peak)
		req->conn->counters.buffer_peak = req->conn->buffered;
}

/*
 * curl's write callback lands here: takes all of data, or asks curl to pause and
 * offer it again.
 */
size_t
rt_http_store(HttpRequest *req, const char *data, size_t len)
{
	if (len == 0)
		return 0;
	if (req->cap != 0)
	{
		size_t		room = req->cap - Min(req->cap, req->used);

		append_to_ring(req, data, Min(len, Min(room, req->size - req->used)));
		return len;
	}
	if (len > req->size)
		return 0;				/* curl gives 16 kB at most; an error is safe anyway */
	if (len > req->size - req->used)
	{
		req->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	append_to_ring(req, data, len);
	req->conn->counters.wire_bytes += len;
	return len;
}

/* Forgets what was buffered, before another attempt. */
void
rt_http_clear_body(HttpRequest *req)
{
	req->conn->buffered -= req->used;
	req->head = req->used = req->lent = 0;
	req->cap = 0;
	req->paused = false;
	if (req->inflating)
		inflateEnd(&req->zlib);
	req->inflating = req->inflated_all = false;
}

static void
give_back(HttpRequest *req, size_t n)
{
	req->head = (req->head + n) % req->size;
	req->used -= n;
	req->conn->buffered -= n;
	req->lent = 0;
	if (req->used == 0)
		req->head = 0;
}

/* Lets a paused transfer go on once half of the ring is free. */
static void
resume(HttpRequest *req)
{
	sigset_t	all;
	sigset_t	old;

	if (!req->paused || req->used > req->size / 2 || !req->in_multi)
		return;
	req->paused = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	curl_easy_pause(req->easy, CURLPAUSE_CONT);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Fails a request whose body cannot be unzipped. */
static HttpReadResult
refuse_gzip(HttpRequest *req, const char *what)
{
	rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY, "gzip data of the response is %s", what);
	return HTTP_READ_ERROR;
}

static bool
begin_inflate(HttpRequest *req)
{
	if (req->plain == NULL && (req->plain = malloc(READ_SPAN_MAX)) == NULL)
		return false;
	memset(&req->zlib, 0, sizeof(req->zlib));
	if (inflateInit2(&req->zlib, 15 + 16) != Z_OK)
		return false;
	req->inflating = true;
	req->inflated_all = false;
	return true;
}

/*
 * Unzips the next bytes into req->plain.  Concatenated gzip members are one body
 * (RFC 1952); anything else after the end is damage.
 */
static HttpReadResult
read_inflated(HttpRequest *req, const char **data, size_t *len)
{
	bool		complete = req->state == REQUEST_DONE;

	for (;;)
	{
		size_t		span = Min(req->used, req->size - req->head);
		size_t		eaten;
		size_t		made;
		int			rc;

		if (span == 0 && !complete)
			return HTTP_READ_WAIT;
		if (span == 0 && (req->inflated_all || !req->inflating))
			return req->inflated_all ? HTTP_READ_END : refuse_gzip(req, "empty");
		if (req->inflated_all)
		{
			if ((unsigned char) req->ring[req->head] != 0x1f)
				return refuse_gzip(req, "followed by other data");
			inflateReset(&req->zlib);
			req->inflated_all = false;
		}
		if (!req->inflating && !begin_inflate(req))
			return refuse_gzip(req, "beyond the memory there is");
		req->zlib.next_in = (Bytef *) req->ring + req->head;
		req->zlib.avail_in = span;
		req->zlib.next_out = (Bytef *) req->plain;
		req->zlib.avail_out = READ_SPAN_MAX;
		rc = inflate(&req->zlib, Z_NO_FLUSH);
		eaten = span - req->zlib.avail_in;
		made = READ_SPAN_MAX - req->zlib.avail_out;
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return refuse_gzip(req, "damaged");
		req->inflated_all = rc == Z_STREAM_END;
		give_back(req, eaten);
		if (made > 0)
		{
			*data = req->plain;
			*len = made;
			return HTTP_READ_DATA;
		}
		if (eaten == 0 && !req->inflated_all)
			return complete ? refuse_gzip(req, "truncated") : HTTP_READ_WAIT;
	}
}

HttpReadResult
rt_http_read(HttpRequest *req, const char **data, size_t *len)
{
	HttpReadResult result;

	if (req->lent > 0)
		give_back(req, req->lent);
	resume(req);
	if (req->state == REQUEST_FAILED)
		return HTTP_READ_ERROR;
	if (req->state == REQUEST_SCHEDULED || !req->good)
		return HTTP_READ_WAIT;
	if (req->answer.gzip)
		result = read_inflated(req, data, len);
	else
	{
		*len = Min(Min(req->used, req->size - req->head), READ_SPAN_MAX);
		*data = req->ring + req->head;
		req->lent = *len;
		result = *len > 0 ? HTTP_READ_DATA :
			req->state == REQUEST_DONE ? HTTP_READ_END : HTTP_READ_WAIT;
	}
	if (result == HTTP_READ_DATA)
	{
		req->touched = true;
		req->conn->counters.decoded_bytes += *len;
	}
	return result;
}

/* A short body, whole, into out with a terminator; its length. */
size_t
rt_http_body_text(HttpRequest *req, char *out, size_t size)
{
	size_t		n = 0;
	const char *data;
	size_t		len;
	RequestState state = req->state;
	bool		good = req->good;

	/* read as if all were well: what is broken or cut just ends the text */
	req->state = REQUEST_DONE;
	req->good = true;
	while (n + 1 < size && rt_http_read(req, &data, &len) == HTTP_READ_DATA)
	{
		len = Min(len, size - 1 - n);
		memcpy(out + n, data, len);
		n += len;
	}
	req->state = state;
	req->good = good;
	out[n] = '\0';
	return n;
}
