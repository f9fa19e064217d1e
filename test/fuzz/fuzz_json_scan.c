/*
 * Fuzz target: the JSON scanner. The first bytes choose the spec and the
 * chunks, the rest is the body. Whatever it is, the answer must not depend on
 * how it is cut into chunks, and must agree with a validator written apart; so
 * must not what looking ahead of the scanner finds.
 */
#include "fdw/json_ahead.h"
#include "scan_driver.h"
#include "reference_json.h"

static const char *const field_sets[][6] = {
	{"/id", "/a/b", "/a/0", "/x~1y", "", "/a"},
	{"/a", "/b", "/c", "/d", "/e", "/f"},
	{"/a/a/a", "/a/a", "/0/1", "/~0", "/", "/id"},
};
static const char *const document[] = {"/next", "/meta/total", "/0", ""};
static const char *const records[] = {"", "/data", "/a/0", "/meta/data"};

typedef struct Chunks
{
	uint32_t	state;
	int			kind;
} Chunks;

static size_t
next_chunk(void *arg, size_t left)
{
	Chunks	   *c = arg;
	size_t		n;

	c->state = c->state * 1664525u + 1013904223u;
	n = c->kind == 0 ? 1 : c->kind == 1 ? 1 + (c->state >> 24) % 7 : 1 + (c->state >> 16) % 700;
	return n < left ? n : left;
}

/* What is found ahead: kind and text, in memory of its own. */
static Transcript
run_ahead(JsonAhead *ahead, const char *text, size_t len, ChunkSize chunk_size, void *state)
{
	Transcript	t = {0};
	JsonAheadResult r = JSON_AHEAD_MORE;

	json_ahead_reset(ahead);
	put(&t, "", 0);
	for (size_t at = 0; at < len && r == JSON_AHEAD_MORE;)
	{
		size_t		n = chunk_size ? chunk_size(state, len - at) : len;
		char	   *chunk = malloc(n);

		memcpy(chunk, text + at, n);
		r = json_ahead_feed(ahead, chunk, n);
		free(chunk);
		at += n;
	}
	if (r == JSON_AHEAD_FOUND)
	{
		JsonValue	v = json_ahead_value(ahead);

		put(&t, v.kind == JV_STRING ? "s" : "n", 1);
		put(&t, v.data, v.len);
	}
	return t;
}

static void
look_ahead(const char *pointer, const char *body, size_t size, Chunks *chunks)
{
	static JsonAhead ahead;
	Transcript	whole;
	Transcript	pieces;

	if (!json_ahead_init(&ahead, pointer, driver_alloc, driver_release, NULL))
		abort();
	whole = run_ahead(&ahead, body, size, NULL, NULL);
	pieces = run_ahead(&ahead, body, size, next_chunk, chunks);
	if (whole.len != pieces.len || memcmp(whole.text, pieces.text, whole.len) != 0)
	{
		fprintf(stderr, "ahead, whole:\n%s\npieces:\n%s\n", whole.text, pieces.text);
		abort();
	}
	free(whole.text);
	free(pieces.text);
	json_ahead_free(&ahead);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JsonScanSpec spec = {.ndocument = 4,.document = document,.alloc = driver_alloc,.release = driver_release};
	Chunks		chunks;
	JsonScan   *scan;
	Transcript	whole;
	Transcript	pieces;
	ReferenceVerdict verdict;
	const char *body = (const char *) data + 4;

	if (size < 4)
		return 0;
	spec.records = records[data[0] & 3];
	spec.ndjson = (data[0] & 12) == 12;
	spec.nfields = (data[0] >> 4) % 7;
	spec.fields = field_sets[(data[1] & 3) % 3];
	spec.max_depth = 1 + (data[1] >> 2);
	spec.max_record_size = data[2] < 128 ? 1 << 20 : (size_t) 1 + (data[2] - 128) * 8;
	chunks.state = data[3];
	chunks.kind = data[3] % 3;
	size -= 4;
	scan = json_scan_create(&spec);
	if (scan == NULL)
		abort();
	whole = run_scan(scan, &spec, body, size, NULL, NULL);
	pieces = run_scan(scan, &spec, body, size, next_chunk, &chunks);
	if (whole.len != pieces.len || memcmp(whole.text, pieces.text, whole.len) != 0)
	{
		fprintf(stderr, "whole:\n%s\npieces:\n%s\n", whole.text, pieces.text);
		abort();
	}
	look_ahead(document[data[1] & 1], body, size, &chunks);
	verdict = reference_verdict(body, size, spec.ndjson, spec.max_depth);
	if (verdict != REFERENCE_VALID && (whole.code == JSON_ERR_NONE || whole.code == JSON_ERR_RECORDS))
	{
		fprintf(stderr, "taken, but the reference refuses it:\n%s\n", whole.text);
		abort();
	}
	if (verdict == REFERENCE_VALID &&
		(whole.code == JSON_ERR_SYNTAX || whole.code == JSON_ERR_UTF8 || whole.code == JSON_ERR_DEPTH ||
		 whole.code == JSON_ERR_TRUNCATED || whole.code == JSON_ERR_TRAILING))
	{
		fprintf(stderr, "refused, but the reference takes it:\n%s\n", whole.text);
		abort();
	}
	free(whole.text);
	free(pieces.text);
	json_scan_free(scan);
	return 0;
}
