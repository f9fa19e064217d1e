/*
 * Runs the JSON scanner over a text and writes down all it said: the unit
 * tests and the fuzz target compare such transcripts.
 */
#ifndef SCAN_DRIVER_H
#define SCAN_DRIVER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdw/json_scan.h"

typedef struct Transcript
{
	char	   *text;
	size_t		len;
	size_t		size;
	int			records;
	JsonScanErrorCode code;
	uint64_t	offset;
	char		pointer[256];
	size_t		memory;			/* peak */
} Transcript;

/* How many of the bytes left go into the next chunk: at least 1. */
typedef size_t (*ChunkSize) (void *state, size_t left);

/* As the server's allocator, no more than 8 bytes aligned, so that the sanitizer sees who relies on more. */
#define DRIVER_ALIGN 8

static inline void *
driver_alloc(void *arg, size_t size)
{
	char	   *p = malloc(DRIVER_ALIGN + size);

	(void) arg;
	return p == NULL ? NULL : p + DRIVER_ALIGN;
}

static inline void
driver_release(void *arg, void *p)
{
	(void) arg;
	if (p != NULL)
		free((char *) p - DRIVER_ALIGN);
}

static inline void
put(Transcript *t, const char *data, size_t len)
{
	if (t->len + len + 1 > t->size)
	{
		t->size = 2 * (t->len + len + 1);
		t->text = realloc(t->text, t->size);
	}
	if (len > 0)
		memcpy(t->text + t->len, data, len);
	t->len += len;
	t->text[t->len] = '\0';
}

static inline void
put_value(Transcript *t, const JsonValue *v)
{
	char		head[32];

	put(t, head, (size_t) snprintf(head, sizeof(head), " %d:", (int) v->kind));
	if (v->kind > JV_NULL)
	{
		put(t, v->data, v->len);
		put(t, "|", 1);
		put(t, v->raw, v->raw_len);
	}
}

static inline void
put_error(Transcript *t, const JsonScanError *e)
{
	char		line[512];

	put(t, line, (size_t) snprintf(line, sizeof(line), "E%d %s at %llu record %llu pointer %s\n",
								   (int) e->code, e->message, (unsigned long long) e->offset,
								   (unsigned long long) e->record, e->pointer));
}

/*
 * Feeds text in chunks, each in memory of its own exact size, so that reading
 * past one is seen.  The scan is the caller's and is reset first; so is
 * freeing the transcript's text.
 */
static inline Transcript
run_scan(JsonScan *scan, const JsonScanSpec *spec, const char *text, size_t len,
		 ChunkSize chunk_size, void *state)
{
	Transcript	t = {0};
	char	   *chunk = NULL;
	size_t		at = 0;
	JsonScanResult r;

	json_scan_reset(scan);
	put(&t, "", 0);
	for (;;)
	{
		size_t		n;

		while ((r = json_scan_next(scan)) == JSON_SCAN_RECORD ||
			   (r == JSON_SCAN_ERROR && json_scan_error(scan)->code == JSON_ERR_RECORD_KIND))
		{
			t.records++;
			if (r == JSON_SCAN_ERROR)
				put_error(&t, json_scan_error(scan));
			else
			{
				put(&t, "R", 1);
				for (int i = 0; i < spec->nfields; i++)
					put_value(&t, json_scan_field(scan, i));
				put(&t, "\n", 1);
			}
			if (json_scan_memory(scan) > t.memory)
				t.memory = json_scan_memory(scan);
		}
		if (json_scan_memory(scan) > t.memory)
			t.memory = json_scan_memory(scan);
		if (r != JSON_SCAN_MORE)
			break;
		if (at == len)
		{
			json_scan_finish(scan);
			continue;
		}
		n = chunk_size ? chunk_size(state, len - at) : len;
		free(chunk);
		chunk = malloc(n);
		memcpy(chunk, text + at, n);
		json_scan_feed(scan, chunk, n);
		at += n;
	}
	if (r == JSON_SCAN_ERROR)
	{
		const JsonScanError *e = json_scan_error(scan);

		t.code = e->code;
		t.offset = e->offset;
		memcpy(t.pointer, e->pointer, sizeof(t.pointer));
		put_error(&t, e);
	}
	if (r == JSON_SCAN_END || t.code == JSON_ERR_RECORDS)
	{
		put(&t, "document", 8);
		for (int i = 0; i < spec->ndocument; i++)
			put_value(&t, json_scan_document(scan, i));
		put(&t, "\n", 1);
	}
	free(chunk);
	return t;
}

#endif							/* SCAN_DRIVER_H */
