/*
 * fdw/json_scan.c
 *		Streaming, projecting JSON scanner: the two halves put together.
 *
 * A record that lies in the fed chunk as a whole is parsed where it is
 * (json_record.c).  Whatever else there is goes through the resumable walk
 * (json_walk.c): text around the records, and the records that a chunk's end
 * cuts, which are collected and then parsed.  So each byte is looked at twice
 * at most, however small the chunks are.
 */
#include "fdw/json_scan.h"

#include "fdw/json_record.h"
#include "fdw/json_text.h"
#include "fdw/json_walk.h"

#define COLLECT_BYTES_MIN 4096
#define MAX_DEPTH 100000		/* bounds what max_depth makes us allocate */

typedef struct JsonBuffer
{
	char	   *data;
	size_t		len;
	size_t		size;			/* without the padding behind it */
} JsonBuffer;

struct JsonScan
{
	JsonArena	arena;
	JsonWalk	walk;
	JsonRecord	record;
	JsonValue	missing;
	int			nfields;
	int		   *slot_of;
	size_t		max_record_size;
	const char *p;				/* the fed bytes not used up */
	const char *end;
	bool		finishing;
	bool		ended;
	bool		failed;
	bool		collecting;		/* a record is on its way into collected */
	uint64_t	record_at;		/* offset of the record's first byte */
	JsonBuffer	collected;
	JsonBuffer	scratch;		/* unescaped strings of the record */
};

static bool
reserve(JsonScan *scan, JsonBuffer *buffer, size_t need)
{
	size_t		size = buffer->size > 0 ? buffer->size : COLLECT_BYTES_MIN;
	char	   *data;

	if (need <= buffer->size)
		return true;
	while (size < need)
		size *= 2;
	data = scan->arena.alloc(scan->arena.arg, size + JSON_PAD);
	if (data == NULL)
		return false;
	if (buffer->data != NULL)
	{
		memcpy(data, buffer->data, buffer->len);
		scan->arena.release(scan->arena.arg, buffer->data);
	}
	buffer->data = data;
	buffer->size = size;
	return true;
}

static JsonScanResult
fail(JsonScan *scan)
{
	scan->failed = true;
	return JSON_SCAN_ERROR;
}

static JsonScanResult
fail_record(JsonScan *scan, JsonScanErrorCode code, const char *message, uint64_t offset)
{
	scan->walk.in_record = true;
	json_walk_error(&scan->walk, code, message, offset);
	scan->walk.in_record = false;
	return fail(scan);
}

static bool
init_record(JsonScan *scan, const JsonScanSpec *spec)
{
	JsonRecord *record = &scan->record;
	size_t		longest = 0;

	for (int i = 0; i < spec->nfields; i++)
	{
		size_t		len = strlen(spec->fields[i]);

		longest = len > longest ? len : longest;
	}
	record->key_size = 6 * longest + 1;
	record->key = json_arena_alloc(&scan->arena, record->key_size);
	record->nesting = json_arena_alloc(&scan->arena, sizeof(uint64_t) * ((size_t) scan->walk.max_depth / 64 + 1));
	record->max_depth = scan->walk.max_depth;
	scan->slot_of = json_arena_alloc(&scan->arena, sizeof(int) * ((size_t) spec->nfields + 1));
	if (record->key == NULL || record->nesting == NULL || scan->slot_of == NULL)
		return false;
	record->tree = json_tree_create(&scan->arena, spec->nfields, spec->fields, scan->slot_of, &record->nslots);
	record->slots = json_arena_alloc(&scan->arena, sizeof(JsonSlot) * ((size_t) record->nslots + 1));
	return record->tree != NULL && record->slots != NULL;
}

JsonScan *
json_scan_create(const JsonScanSpec *spec)
{
	JsonScan   *scan = spec->alloc(spec->alloc_arg, sizeof(JsonScan));
	JsonScanSpec bounded = *spec;

	if (scan == NULL)
		return NULL;
	memset(scan, 0, sizeof(*scan));
	scan->arena.alloc = spec->alloc;
	scan->arena.release = spec->release;
	scan->arena.arg = spec->alloc_arg;
	scan->nfields = spec->nfields;
	scan->max_record_size = spec->max_record_size;
	if (bounded.max_depth < 1)
		bounded.max_depth = 1;
	if (bounded.max_depth > MAX_DEPTH)
		bounded.max_depth = MAX_DEPTH;
	if (!json_walk_create(&scan->walk, &scan->arena, &bounded) || !init_record(scan, spec))
	{
		json_scan_free(scan);
		return NULL;
	}
	return scan;
}

void
json_scan_free(JsonScan *scan)
{
	JsonArena	arena = scan->arena;

	json_walk_free(&scan->walk);
	if (scan->collected.data != NULL)
		arena.release(arena.arg, scan->collected.data);
	if (scan->scratch.data != NULL)
		arena.release(arena.arg, scan->scratch.data);
	json_arena_free(&arena);
	arena.release(arena.arg, scan);
}

void
json_scan_reset(JsonScan *scan)
{
	json_walk_reset(&scan->walk);
	scan->p = scan->end = NULL;
	scan->finishing = scan->ended = scan->failed = scan->collecting = false;
	scan->collected.len = 0;
}

void
json_scan_feed(JsonScan *scan, const char *data, size_t len)
{
	if (scan->p < scan->end && !scan->failed)
	{
		json_walk_error(&scan->walk, JSON_ERR_SYNTAX, "fed before the last bytes were read", scan->walk.offset);
		fail(scan);
	}
	scan->p = data;
	scan->end = data + len;
}

void
json_scan_finish(JsonScan *scan)
{
	scan->finishing = true;
}

/* Hands out the record that is in the slots. */
static JsonScanResult
give_record(JsonScan *scan, size_t len)
{
	if (json_unlikely(scan->record.any_escaped))
	{
		scan->scratch.len = 0;
		if (!reserve(scan, &scan->scratch, len))
			return fail_record(scan, JSON_ERR_MEMORY, "out of memory", scan->record_at);
		json_record_unescape(&scan->record, scan->scratch.data);
	}
	return JSON_SCAN_RECORD;
}

/*
 * Parses the record at scan->p where it lies.  False: it is not whole, or not
 * right, or too large; nothing has changed.
 */
static inline bool
parse_in_place(JsonScan *scan, size_t *len)
{
	const char *end;

	if (scan->end - scan->p <= JSON_PAD || *scan->p != '{')
		return false;
	scan->record.base_depth = scan->walk.depth;
	end = json_record_parse(&scan->record, scan->p, scan->end - JSON_PAD);
	if (end == NULL)
		return false;
	*len = (size_t) (end - scan->p);
	return *len <= scan->max_record_size &&
		!(scan->walk.ndjson && memchr(scan->p, '\n', *len) != NULL);
}

/* The record that was collected is whole. */
static JsonScanResult
finish_collected(JsonScan *scan)
{
	JsonBuffer *b = &scan->collected;

	scan->collecting = false;
	if (scan->walk.record_first != '{')
		return fail_record(scan, JSON_ERR_RECORD_KIND, "a record is not an object", scan->record_at);
	memset(b->data + b->len, 0, JSON_PAD);
	scan->record.base_depth = scan->walk.depth;
	if (json_record_parse(&scan->record, b->data, b->data + b->len) != b->data + b->len)
		return fail_record(scan, JSON_ERR_SYNTAX, "the record cannot be parsed", scan->record_at);
	return give_record(scan, b->len);
}

/* Walks on through a record, keeping its bytes. */
static JsonScanResult
collect(JsonScan *scan)
{
	JsonBuffer *b = &scan->collected;
	size_t		room = scan->max_record_size - b->len;
	size_t		fed = (size_t) (scan->end - scan->p);
	const char *begin = scan->p;
	JsonWalkResult result = json_walk(&scan->walk, &scan->p, fed > room ? begin + room : scan->end);
	size_t		len = (size_t) (scan->p - begin);

	if (result == JSON_WALK_ERROR)
		return fail(scan);
	if (result == JSON_WALK_MORE && fed > room)
		return fail_record(scan, JSON_ERR_RECORD_SIZE, "record exceeds the largest record size",
						   scan->record_at + scan->max_record_size);
	if (!reserve(scan, b, b->len + len))
		return fail_record(scan, JSON_ERR_MEMORY, "out of memory", scan->record_at);
	if (len > 0)
		memcpy(b->data + b->len, begin, len);
	b->len += len;
	return result == JSON_WALK_RECORD_END ? finish_collected(scan) : JSON_SCAN_MORE;
}

/* Makes a document value readable; false if memory is short. */
static bool
finish_target(JsonScan *scan, JsonTarget *t)
{
	JsonValue  *v = &t->value;

	memset(v, 0, sizeof(*v));
	if (!t->found)
		return true;
	v->kind = t->first == '{' ? JV_OBJECT : t->first == '[' ? JV_ARRAY :
		t->first == '"' ? JV_STRING : t->first == 't' ? JV_TRUE :
		t->first == 'f' ? JV_FALSE : t->first == 'n' ? JV_NULL : JV_NUMBER;
	/* a container that holds the records has no text */
	v->data = v->raw = t->len == 0 ? "" : t->text;
	v->len = v->raw_len = t->len;
	if (v->kind != JV_STRING)
		return true;
	v->data = t->text + 1;
	v->len = t->len - 2;
	if (memchr(v->data, '\\', v->len) == NULL)
		return true;
	if (t->unescaped != NULL)
		scan->arena.release(scan->arena.arg, t->unescaped);
	t->unescaped = scan->arena.alloc(scan->arena.arg, v->len);
	if (t->unescaped == NULL)
		return false;
	if (json_unescape(t->text + 1, t->len - 2, t->unescaped, &v->len))
		v->data = t->unescaped;
	else
	{
		v->kind = JV_BAD_STRING;
		v->data = v->raw;
		v->len = v->raw_len;
	}
	return true;
}

/* Makes the document values readable. */
static bool
finish_document(JsonScan *scan)
{
	for (int i = 1; i < scan->walk.ntargets; i++)
		if (!finish_target(scan, &scan->walk.targets[i]))
			return false;
	return true;
}

/* All bytes are used up and no more will come. */
static JsonScanResult
finish_body(JsonScan *scan)
{
	JsonWalkResult result = json_walk_finish(&scan->walk);

	if (result == JSON_WALK_RECORD_END)
		return finish_collected(scan);
	if (result == JSON_WALK_ERROR)
		return fail(scan);
	if (!finish_document(scan))
	{
		json_walk_error(&scan->walk, JSON_ERR_MEMORY, "out of memory", scan->walk.offset);
		return fail(scan);
	}
	if (!scan->walk.ndjson && !scan->walk.records_found)
	{
		json_walk_error(&scan->walk, JSON_ERR_RECORDS, "no array at the records pointer", 0);
		return fail(scan);
	}
	scan->ended = true;
	return JSON_SCAN_END;
}

JsonScanResult
json_scan_next(JsonScan *scan)
{
	JsonScanResult result;
	size_t		len;

	if (json_unlikely(scan->failed))
	{
		/* the one error that leaves the scan at a record's end */
		if (scan->walk.error.code != JSON_ERR_RECORD_KIND)
			return JSON_SCAN_ERROR;
		scan->failed = false;
		memset(&scan->walk.error, 0, sizeof(scan->walk.error));
	}
	while (scan->p < scan->end)
	{
		if (scan->collecting)
		{
			result = collect(scan);
			if (result != JSON_SCAN_MORE)
				return result;
			continue;
		}
		switch (json_walk(&scan->walk, &scan->p, scan->end))
		{
			case JSON_WALK_RECORD:
				scan->record_at = scan->walk.offset;
				if (json_likely(parse_in_place(scan, &len)))
				{
					json_walk_skip(&scan->walk, len);
					scan->p += len;
					return give_record(scan, len);
				}
				json_walk_enter(&scan->walk);
				scan->collecting = true;
				scan->collected.len = 0;
				break;
			case JSON_WALK_ERROR:
				return fail(scan);
			default:
				break;
		}
	}
	if (scan->ended)
		return JSON_SCAN_END;
	return scan->finishing ? finish_body(scan) : JSON_SCAN_MORE;
}

const JsonValue *
json_scan_field(const JsonScan *scan, int i)
{
	return &scan->record.slots[scan->slot_of[i]].value;
}

const JsonValue *
json_scan_document(const JsonScan *scan, int i)
{
	return i + 1 < scan->walk.ntargets ? &scan->walk.targets[i + 1].value : &scan->missing;
}

const JsonScanError *
json_scan_error(const JsonScan *scan)
{
	return &scan->walk.error;
}

size_t
json_scan_memory(const JsonScan *scan)
{
	return scan->arena.size + scan->collected.size + scan->scratch.size + json_walk_memory(&scan->walk);
}

bool
json_array_next(const char **cursor, const char *end, char *scratch, JsonValue *value)
{
	const char *p = *cursor;
	const char *from;
	int			depth = 0;
	bool		escaped = false;

	p += *p == '[' || *p == ',';
	while (json_is_space((unsigned char) *p))
		p++;
	if (p >= end || *p == ']')
		return false;
	from = p;
	do
	{
		if (*p == '"')
		{
			for (p++; *p != '"'; p++)
			{
				escaped |= *p == '\\';
				p += *p == '\\';
			}
		}
		else if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
	} while (depth > 0 || (*p != ',' && *p != ']' && !json_is_space((unsigned char) *p)));
	value->raw = value->data = from;
	value->raw_len = value->len = (size_t) (p - from);
	value->kind = *from == '{' ? JV_OBJECT : *from == '[' ? JV_ARRAY :
		*from == '"' ? JV_STRING : *from == 't' ? JV_TRUE :
		*from == 'f' ? JV_FALSE : *from == 'n' ? JV_NULL : JV_NUMBER;
	if (value->kind == JV_STRING)
	{
		value->data++;
		value->len -= 2;
		if (escaped)
		{
			if (json_unescape(from + 1, value->raw_len - 2, scratch, &value->len))
				value->data = scratch;
			else
			{
				value->kind = JV_BAD_STRING;
				value->data = value->raw;
				value->len = value->raw_len;
			}
		}
	}
	while (json_is_space((unsigned char) *p))
		p++;
	*cursor = p;
	return true;
}
