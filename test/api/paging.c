/*
 * paging.c
 *		Pages by cursor, page number or offset.
 *
 * In the default order a cursor is the position (updated_at, serial) of the
 * last record sent, which stays right while records change; under a sort it
 * is an offset. Either carries the hash of the query it belongs to.
 */
#include "paging.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Matches
{
	Record **records;
	size_t count;
	size_t capacity;
} Matches;

static void
add_match(Matches *matches, Record *record)
{
	if (matches->count == matches->capacity)
	{
		matches->capacity = matches->capacity ? matches->capacity * 2 : 128;
		matches->records = memory_resize(matches->records, matches->capacity * sizeof(Record *));
	}
	matches->records[matches->count++] = record;
}

/* filter_compare for qsort_r */
static int
compare_matches(const void *a, const void *b, void *filter)
{
	return filter_compare(filter, *(Record *const *) a, *(Record *const *) b);
}

static void
collect_matches(const Filter *filter, Matches *matches)
{
	const Resource *resource = filter->resource;
	const char *key = filter_key(filter);

	if (key)
	{
		for (Record *record = dataset_bucket(resource, key); record; record = record->next)
			if (filter_matches(filter, record))
				add_match(matches, record);
	}
	else
		for (size_t i = 0; i < resource->count; i++)
			if (filter_matches(filter, resource->records[i]))
				add_match(matches, resource->records[i]);
	if ((key || filter->sort_count) && matches->count)
		qsort_r(matches->records, matches->count, sizeof(Record *), compare_matches,
				(void *) filter);
}

/* Index of the first match after the position a cursor names. */
static size_t
find_position(const Matches *matches, int64_t updated, uint64_t serial)
{
	size_t low = 0, high = matches->count;

	while (low < high)
	{
		size_t middle = (low + high) / 2;
		const Record *record = matches->records[middle];

		if (record->updated < updated || (record->updated == updated && record->serial <= serial))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
find_start(const Filter *filter, const PageRequest *request, const Matches *matches, size_t *start)
{
	int64_t updated;
	uint64_t serial;
	uint32_t hash;
	size_t offset;
	char rest;

	if (!request->cursor)
		*start = request->page ? (request->page - 1) * request->limit : request->offset;
	else if (sscanf(request->cursor, "p%" SCNx32 ".%" SCNx64 ".%" SCNx64 "%c", &hash,
					(uint64_t *) &updated, &serial, &rest) == 3 &&
			 hash == filter->hash && filter->sort_count == 0)
		*start = find_position(matches, updated, serial);
	else if (sscanf(request->cursor, "o%" SCNx32 ".%zx%c", &hash, &offset, &rest) == 2 &&
			 hash == filter->hash && filter->sort_count > 0)
		*start = offset;
	else
		return false;
	if (*start > matches->count)
		*start = matches->count;
	return true;
}

static void
write_page(const Matches *matches, size_t start, size_t end, PageStyle style, PageAnswer *answer)
{
	Buffer *body = &answer->body;
	const char *separator = style == PAGE_LINES ? "\n" : ",";

	buffer_text(body, style == PAGE_ENVELOPE ? "{\"data\":[" : style == PAGE_ARRAY ? "[" : "");
	for (size_t i = start; i < end; i++)
	{
		if (i > start)
			buffer_text(body, separator);
		buffer_append(body, matches->records[i]->text, matches->records[i]->length);
	}
	if (style == PAGE_ARRAY)
		buffer_text(body, "]");
	else if (style == PAGE_LINES)
		buffer_text(body, end > start ? "\n" : "");
	else if (answer->next[0])
		buffer_print(body, "],\"next\":\"%s\",\"total\":%zu}", answer->next, answer->total);
	else
		buffer_print(body, "],\"next\":null,\"total\":%zu}", answer->total);
}

bool
page_make(const Filter *filter, const PageRequest *request, PageAnswer *answer)
{
	Matches matches = {0};
	size_t start, end;

	collect_matches(filter, &matches);
	if (!find_start(filter, request, &matches, &start))
	{
		free(matches.records);
		return false;
	}
	end = matches.count - start > request->limit ? start + request->limit : matches.count;
	answer->total = matches.count;
	answer->next[0] = '\0';
	if (end < matches.count && filter->sort_count)
		snprintf(answer->next, sizeof(answer->next), "o%" PRIx32 ".%zx", filter->hash, end);
	else if (end < matches.count)
		snprintf(answer->next, sizeof(answer->next), "p%" PRIx32 ".%" PRIx64 ".%" PRIx64,
				 filter->hash, (uint64_t) matches.records[end - 1]->updated,
				 matches.records[end - 1]->serial);
	write_page(&matches, start, end, request->style, answer);
	free(matches.records);
	return true;
}
