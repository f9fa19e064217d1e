/*
 * fdw/json_walk.c
 *		The resumable half of the scanner: a push-down automaton over bytes.
 */
#include "fdw/json_walk.h"

#include <stdio.h>

#include "fdw/json_text.h"

#define KEY_BYTES_MIN 128

static bool
enter_targets(JsonWalk *walk, char first, const char *p, uint64_t offset)
{
	int			depth = walk->depth;
	uint64_t	index = depth > 0 ? walk->levels[depth].index : 0;
	bool		array = depth > 0 && !walk->levels[depth].object;

	for (int i = 0; i < walk->ntargets; i++)
	{
		JsonTarget *t = &walk->targets[i];
		bool		here;

		if (depth > 0)
		{
			if (t->live != depth)
				continue;
			if (array ? t->pointer.tokens[depth - 1].index != (int64_t) index : !t->hit)
				continue;
		}
		here = t->pointer.ntokens == depth;
		t->hit = false;
		if (!here && (first == '{' || first == '['))
			t->live = depth + 1;
		if (i == 0)
		{
			/* records were given out already: a second value cannot replace them */
			if (walk->records_found)
				return false;
			if (here && first == '[')
			{
				walk->records_found = true;
				walk->records_depth = depth + 1;
			}
			continue;
		}
		/* the last of equal keys wins: forget what was found on this way */
		t->found = t->taking = false;
		t->len = 0;
		if (here)
		{
			t->found = true;
			t->taking = !t->textless || (first != '{' && first != '[');
			t->depth = depth;
			t->first = first;
			t->from = p;
			t->at = offset;
		}
	}
	return true;
}

static bool
grow_text(JsonWalk *walk, JsonTarget *t, size_t need)
{
	size_t		size = t->size > 0 ? t->size : 256;
	char	   *text;

	while (size < need)
		size *= 2;
	text = walk->arena->alloc(walk->arena->arg, size);
	if (text == NULL)
		return false;
	if (t->text != NULL)
	{
		memcpy(text, t->text, t->len);
		walk->arena->release(walk->arena->arg, t->text);
	}
	t->text = text;
	t->size = size;
	return true;
}

/*
 * A document value is too large: the outermost one if they nest, which is the
 * first that became so.
 */
static void
fail_size(JsonWalk *walk)
{
	const JsonTarget *first = NULL;

	for (int i = 1; i < walk->ntargets; i++)
	{
		if (walk->targets[i].taking && (first == NULL || walk->targets[i].at < first->at))
			first = &walk->targets[i];
	}
	json_walk_error(walk, JSON_ERR_RECORD_SIZE, "document value exceeds the largest record size",
					first->at + walk->max_value);
	snprintf(walk->error.pointer, sizeof(walk->error.pointer), "%.*s",
			 (int) sizeof(walk->error.pointer) - 1, first->source);
}

/* Copies a document value's bytes up to p; false with the error set. */
static bool
copy_text(JsonWalk *walk, JsonTarget *t, const char *p)
{
	size_t		len = (size_t) (p - t->from);

	if (len > walk->max_value - t->len)
	{
		fail_size(walk);
		return false;
	}
	if (t->len + len > t->size && !grow_text(walk, t, t->len + len))
	{
		json_walk_error(walk, JSON_ERR_MEMORY, "out of memory", t->at);
		return false;
	}
	if (len > 0)
		memcpy(t->text + t->len, t->from, len);
	t->len += len;
	t->from = p;
	return true;
}

/* Copies a key's bytes up to p, as far as they can matter. */
static void
copy_key(JsonWalk *walk, const char *p)
{
	size_t		len = (size_t) (p - walk->key_from);

	if (len > walk->key_size - walk->key_len)
	{
		len = walk->key_size - walk->key_len;
		walk->key_cut = true;
	}
	memcpy(walk->key + walk->key_len, walk->key_from, len);
	walk->key_len += len;
	walk->key_from = p;
}

/* Length of the key's part that ends with a whole character or escape. */
static size_t
trim_cut_key(const char *key, size_t len)
{
	for (size_t i = len; i > 0 && len - i < 12; i--)
	{
		/* an escape may be one of a pair of surrogates */
		if (key[i - 1] == '\\')
			len = i - 1;
	}
	while (len > 0 && (unsigned char) key[len - 1] >= 0x80)
	{
		if ((unsigned char) key[--len] >= 0xC0)
			break;
	}
	return len;
}

/* The key of the innermost object is complete, up to p. */
static void
finish_key(JsonWalk *walk, const char *p)
{
	JsonLevel  *level = &walk->levels[walk->depth];
	JsonLevel  *outer = level - 1;
	const char *key;
	size_t		len;
	size_t		room;

	copy_key(walk, p);
	key = walk->key;
	len = walk->key_len;
	walk->in_key = false;
	level->key_from = outer->key_from + outer->key_len;
	room = JSON_PATH_BYTES - level->key_from;
	level->key_len = (uint32_t) (len < room ? len : room);
	if (level->key_len < len || walk->key_cut)
		level->key_len = (uint32_t) trim_cut_key(key, level->key_len);
	memcpy(walk->path + level->key_from, key, level->key_len);
	if (walk->in_record)
		return;
	if (memchr(key, '\\', len) != NULL)
	{
		if (walk->key_cut || !json_unescape(key, len, walk->key_text, &len))
			len = SIZE_MAX;
		key = walk->key_text;
	}
	for (int i = 0; i < walk->ntargets; i++)
	{
		JsonTarget *t = &walk->targets[i];

		if (t->live == walk->depth)
		{
			const JsonToken *token = &t->pointer.tokens[walk->depth - 1];

			t->hit = !walk->key_cut && token->len == len && memcmp(token->text, key, len) == 0;
		}
	}
}

static JsonWalkResult
open_container(JsonWalk *walk, bool object, uint64_t offset)
{
	JsonLevel  *level;

	if (walk->depth >= walk->max_depth)
		return json_walk_error(walk, JSON_ERR_DEPTH, "nested too deeply", offset);
	level = &walk->levels[++walk->depth];
	level->object = object;
	level->index = 0;
	level->key_from = level[-1].key_from + level[-1].key_len;
	level->key_len = 0;
	walk->state = object ? WALK_FIRST_KEY : WALK_FIRST_VALUE;
	return JSON_WALK_MORE;
}

/* The value that began at the present depth has ended before p. */
static JsonWalkResult
finish_value(JsonWalk *walk, const char *p)
{
	if (walk->in_record)
	{
		walk->state = WALK_AFTER;
		if (walk->depth > (walk->ndjson ? 0 : walk->records_depth))
			return JSON_WALK_MORE;
		walk->in_record = false;
		if (walk->ndjson)
			walk->state = WALK_LINE_END;
		return JSON_WALK_RECORD_END;
	}
	for (int i = 1; i < walk->ntargets; i++)
	{
		JsonTarget *t = &walk->targets[i];

		if (t->taking && t->depth == walk->depth)
		{
			if (!copy_text(walk, t, p))
				return JSON_WALK_ERROR;
			t->taking = false;
		}
	}
	walk->state = walk->depth == 0 ? WALK_DONE : WALK_AFTER;
	return JSON_WALK_MORE;
}

static JsonWalkResult
close_container(JsonWalk *walk, const char *p)
{
	if (walk->depth == walk->records_depth && !walk->in_record)
		walk->records_depth = -1;
	for (int i = 0; i < walk->ntargets; i++)
	{
		if (walk->targets[i].live == walk->depth && !walk->in_record)
			walk->targets[i].live--;
	}
	walk->depth--;
	return finish_value(walk, p);
}

/* A value begins with the byte at p. */
static JsonWalkResult
begin_value(JsonWalk *walk, const char *p, uint64_t offset)
{
	char		c = *p;

	if (!walk->in_record && !enter_targets(walk, c, p, offset))
		return json_walk_error(walk, JSON_ERR_RECORDS_TWICE, "records array appears twice", offset);
	switch (c)
	{
		case '{':
			return open_container(walk, true, offset);
		case '[':
			return open_container(walk, false, offset);
		case '"':
			walk->state = WALK_STRING;
			break;
		case 't':
			walk->state = WALK_LITERAL;
			walk->literal = "rue";
			break;
		case 'f':
			walk->state = WALK_LITERAL;
			walk->literal = "alse";
			break;
		case 'n':
			walk->state = WALK_LITERAL;
			walk->literal = "ull";
			break;
		case '-':
			walk->state = WALK_MINUS;
			break;
		case '0':
			walk->state = WALK_ZERO;
			break;
		default:
			if (!json_is_digit((unsigned char) c))
				return json_walk_error(walk, JSON_ERR_SYNTAX,
									   offset == 0 && c == '\xEF' ? "byte order mark before the text" :
									   "a value was expected", offset);
			walk->state = WALK_INTEGER;
	}
	return JSON_WALK_MORE;
}

/* A byte where structure is expected: not inside a string, number or literal. */
static JsonWalkResult
walk_structure(JsonWalk *walk, const char *p, uint64_t offset)
{
	char		c = *p;
	JsonLevel  *level = &walk->levels[walk->depth];

	switch (walk->state)
	{
		case WALK_FIRST_VALUE:
			if (c == ']')
				return close_container(walk, p + 1);
			walk->state = WALK_VALUE;
			/* FALLTHROUGH */
		case WALK_VALUE:
			return begin_value(walk, p, offset);
		case WALK_FIRST_KEY:
			if (c == '}')
				return close_container(walk, p + 1);
			/* FALLTHROUGH */
		case WALK_KEY:
			if (c != '"')
				return json_walk_error(walk, JSON_ERR_SYNTAX, "a string as key was expected", offset);
			walk->state = WALK_STRING;
			walk->in_key = true;
			walk->key_from = p + 1;
			walk->key_len = 0;
			walk->key_cut = false;
			return JSON_WALK_MORE;
		case WALK_COLON:
			if (c != ':')
				return json_walk_error(walk, JSON_ERR_SYNTAX, "a colon was expected", offset);
			walk->state = WALK_VALUE;
			return JSON_WALK_MORE;
		case WALK_AFTER:
			if (c == (level->object ? '}' : ']'))
				return close_container(walk, p + 1);
			if (c != ',')
				return json_walk_error(walk, JSON_ERR_SYNTAX, level->object ?
									   "a comma or the object's end was expected" :
									   "a comma or the array's end was expected", offset);
			walk->state = level->object ? WALK_KEY : WALK_VALUE;
			level->index++;
			return JSON_WALK_MORE;
		case WALK_LINE_END:
			return json_walk_error(walk, JSON_ERR_SYNTAX, "more than one value on a line", offset);
		default:
			return json_walk_error(walk, JSON_ERR_TRAILING, "more text behind the document's end", offset);
	}
}

/* White space where structure is expected. */
static JsonWalkResult
walk_space(JsonWalk *walk, char c, uint64_t offset)
{
	if (c == '\n' && walk->ndjson)
	{
		if (walk->in_record)
			return json_walk_error(walk, JSON_ERR_SYNTAX, "line break inside a record", offset);
		walk->state = WALK_VALUE;
	}
	return JSON_WALK_MORE;
}

/* The first byte of a UTF-8 sequence; false if none begins so. */
static bool
begin_utf8(JsonWalk *walk, unsigned char c)
{
	if (c < 0xC2 || c > 0xF4)
		return false;
	walk->utf8 = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
	walk->utf8_low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
	walk->utf8_high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
	walk->state = WALK_UTF8;
	return true;
}

/* A byte of a string; p stands at it. */
static JsonWalkResult
walk_string(JsonWalk *walk, const char *p, uint64_t offset)
{
	unsigned char c = (unsigned char) *p;

	switch (walk->state)
	{
		case WALK_STRING:
			if (c == '"')
			{
				if (!walk->in_key)
					return finish_value(walk, p + 1);
				finish_key(walk, p);
				walk->state = WALK_COLON;
			}
			else if (c == '\\')
				walk->state = WALK_ESCAPE;
			else if (c < 0x20)
				return json_walk_error(walk, JSON_ERR_SYNTAX, "control character in a string", offset);
			else if (c >= 0x80 && !begin_utf8(walk, c))
				return json_walk_error(walk, JSON_ERR_UTF8, "invalid UTF-8", offset);
			return JSON_WALK_MORE;
		case WALK_ESCAPE:
			if (c == 0 || strchr("\"\\/bfnrtu", c) == NULL)
				return json_walk_error(walk, JSON_ERR_SYNTAX, "no such escape", offset);
			walk->state = c == 'u' ? WALK_HEX : WALK_STRING;
			walk->hex = 4;
			return JSON_WALK_MORE;
		case WALK_HEX:
			if (!json_is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
				return json_walk_error(walk, JSON_ERR_SYNTAX, "four hexadecimal digits were expected", offset);
			if (--walk->hex == 0)
				walk->state = WALK_STRING;
			return JSON_WALK_MORE;
		default:
			if (c < walk->utf8_low || c > walk->utf8_high)
				return json_walk_error(walk, JSON_ERR_UTF8, "invalid UTF-8", offset);
			walk->utf8_low = 0x80;
			walk->utf8_high = 0xBF;
			if (--walk->utf8 == 0)
				walk->state = WALK_STRING;
			return JSON_WALK_MORE;
	}
}

/* True if a number may end in this state. */
static bool
number_complete(JsonWalkState state)
{
	return state == WALK_ZERO || state == WALK_INTEGER || state == WALK_FRACTION || state == WALK_EXPONENT;
}

/* The state after one more byte of a number; WALK_DONE if it is none. */
static JsonWalkState
number_step(JsonWalkState state, unsigned char c)
{
	bool		digit = json_is_digit(c);

	switch (state)
	{
		case WALK_MINUS:
			return c == '0' ? WALK_ZERO : digit ? WALK_INTEGER : WALK_DONE;
		case WALK_ZERO:
		case WALK_INTEGER:
			if (digit && state == WALK_INTEGER)
				return WALK_INTEGER;
			return c == '.' ? WALK_POINT : (c | 0x20) == 'e' ? WALK_E : WALK_DONE;
		case WALK_POINT:
			return digit ? WALK_FRACTION : WALK_DONE;
		case WALK_FRACTION:
			return digit ? WALK_FRACTION : (c | 0x20) == 'e' ? WALK_E : WALK_DONE;
		case WALK_E:
			return digit ? WALK_EXPONENT : c == '+' || c == '-' ? WALK_E_SIGN : WALK_DONE;
		default:
			return digit ? WALK_EXPONENT : WALK_DONE;
	}
}

/* One byte of a number or literal; *used tells if it belongs to it. */
static JsonWalkResult
walk_scalar(JsonWalk *walk, const char *p, uint64_t offset, bool *used)
{
	JsonWalkState state;

	if (walk->state == WALK_LITERAL)
	{
		if (*p != *walk->literal)
			return json_walk_error(walk, JSON_ERR_SYNTAX, "a value was expected", offset);
		return *++walk->literal == '\0' ? finish_value(walk, p + 1) : JSON_WALK_MORE;
	}
	state = number_step(walk->state, (unsigned char) *p);
	if (state != WALK_DONE)
	{
		walk->state = state;
		return JSON_WALK_MORE;
	}
	if (!number_complete(walk->state))
		return json_walk_error(walk, JSON_ERR_SYNTAX, "a digit was expected", offset);
	*used = false;
	return finish_value(walk, p);
}

/* Keeps what began in this chunk and goes on in the next. */
static bool
keep_pieces(JsonWalk *walk, const char *p)
{
	if (walk->in_key)
		copy_key(walk, p);
	for (int i = 1; i < walk->ntargets; i++)
	{
		if (walk->targets[i].taking && !copy_text(walk, &walk->targets[i], p))
			return false;
	}
	return true;
}

JsonWalkResult
json_walk(JsonWalk *walk, const char **pp, const char *end)
{
	const char *begin = *pp;
	const char *p = begin;
	uint64_t	base = walk->offset;
	int			record_depth = walk->ndjson ? 0 : walk->records_depth;
	JsonWalkResult result = JSON_WALK_MORE;

	if (walk->in_key)
		walk->key_from = p;
	for (int i = 1; i < walk->ntargets; i++)
		walk->targets[i].from = p;
	while (p < end && result == JSON_WALK_MORE)
	{
		bool		used = true;

		if (walk->state == WALK_STRING)
		{
			/* the bulk of most bodies */
			while (end - p > JSON_BLOCK)
			{
				uint32_t	stops = json_string_stops(p);

				p += stops == 0 ? JSON_BLOCK : __builtin_ctz(stops);
				if (stops != 0)
					break;
			}
			result = walk_string(walk, p, base + (uint64_t) (p - begin));
		}
		else if (walk->state < WALK_STRING)
		{
			uint64_t	offset = base + (uint64_t) (p - begin);

			if (json_is_space((unsigned char) *p))
				result = walk_space(walk, *p, offset);
			else if (walk->depth == record_depth && !walk->in_record &&
					 (walk->state == WALK_VALUE || (walk->state == WALK_FIRST_VALUE && *p != ']')))
			{
				walk->record_first = *p;
				used = false;
				result = JSON_WALK_RECORD;
			}
			else
			{
				result = walk_structure(walk, p, offset);
				record_depth = walk->ndjson ? 0 : walk->records_depth;
			}
		}
		else if (walk->state <= WALK_UTF8)
			result = walk_string(walk, p, base + (uint64_t) (p - begin));
		else
			result = walk_scalar(walk, p, base + (uint64_t) (p - begin), &used);
		p += used;
	}
	walk->offset = base + (uint64_t) (p - begin);
	*pp = p;
	if (!keep_pieces(walk, p))
		return JSON_WALK_ERROR;
	return result;
}

void
json_walk_enter(JsonWalk *walk)
{
	walk->in_record = true;
	walk->record++;
	walk->state = WALK_VALUE;
}

void
json_walk_skip(JsonWalk *walk, size_t len)
{
	walk->record++;
	walk->offset += len;
	walk->state = walk->ndjson ? WALK_LINE_END : WALK_AFTER;
}

JsonWalkResult
json_walk_finish(JsonWalk *walk)
{
	if (number_complete(walk->state) && walk->depth == 0)
	{
		const char *nothing = "";
		JsonWalkResult result;

		for (int i = 1; i < walk->ntargets; i++)
			walk->targets[i].from = nothing;
		result = finish_value(walk, nothing);
		if (result != JSON_WALK_MORE)
			return result;
	}
	if (walk->ndjson)
	{
		if (!walk->in_record && (walk->state == WALK_VALUE || walk->state == WALK_LINE_END))
			return JSON_WALK_MORE;
	}
	else if (walk->state == WALK_DONE)
		return JSON_WALK_MORE;
	return json_walk_error(walk, JSON_ERR_TRUNCATED,
						   walk->offset == 0 ? "the body is empty" : "the body ends inside a value",
						   walk->offset);
}

/* Appends a token to an error's pointer, or "..." where it does not fit. */
static size_t
append_token(char *pointer, size_t used, size_t size, const char *text, size_t len)
{
	size_t		start = used;

	if (used + 4 >= size)
		return used;
	pointer[used++] = '/';
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		/* room for an escaped or a whole UTF-8 character and for the dots */
		if (used + 8 >= size && (c & 0xC0) != 0x80)
		{
			memcpy(pointer + used, "...", 3);
			return used + 3;
		}
		if (c == '~' || c == '/')
		{
			pointer[used++] = '~';
			pointer[used++] = c == '~' ? '0' : '1';
		}
		else
			pointer[used++] = (char) c;
		if (used + 4 >= size)
			return start;
	}
	return used;
}

JsonWalkResult
json_walk_error(JsonWalk *walk, JsonScanErrorCode code, const char *message, uint64_t offset)
{
	JsonScanError *error = &walk->error;
	size_t		used = 0;
	int			from = walk->in_record && !walk->ndjson ? walk->records_depth + 1 : 1;

	error->code = code;
	error->message = message;
	error->offset = offset;
	error->record = walk->in_record ? walk->record : 0;
	for (int d = from; d <= walk->depth; d++)
	{
		JsonLevel  *level = &walk->levels[d];
		char		number[24];
		char		key[JSON_PATH_BYTES];
		size_t		len = level->key_len;

		if (used + 16 >= sizeof(error->pointer))
			break;
		if (!level->object)
			used = append_token(error->pointer, used, sizeof(error->pointer), number,
								(size_t) snprintf(number, sizeof(number), "%llu",
												  (unsigned long long) level->index));
		else if (d == walk->depth && (walk->state == WALK_FIRST_KEY || walk->state == WALK_KEY || walk->in_key))
			break;
		else if (json_unescape(walk->path + level->key_from, len, key, &len))
			used = append_token(error->pointer, used, sizeof(error->pointer), key, len);
		else
			used = append_token(error->pointer, used, sizeof(error->pointer),
								walk->path + level->key_from, level->key_len);
	}
	error->pointer[used] = '\0';
	return JSON_WALK_ERROR;
}

/* True if what inner points to lies in, or is, what outer points to. */
static bool
leads_to(const JsonPointer *outer, const JsonPointer *inner)
{
	for (int i = 0; i < outer->ntokens; i++)
	{
		if (i >= inner->ntokens || outer->tokens[i].len != inner->tokens[i].len ||
			memcmp(outer->tokens[i].text, inner->tokens[i].text, outer->tokens[i].len) != 0)
			return false;
	}
	return true;
}

bool
json_walk_create(JsonWalk *walk, JsonArena *arena, const JsonScanSpec *spec)
{
	size_t		longest = 0;

	memset(walk, 0, sizeof(*walk));
	walk->arena = arena;
	walk->ndjson = spec->ndjson;
	walk->max_depth = spec->max_depth;
	walk->max_value = spec->max_record_size;
	walk->ntargets = spec->ndjson ? 1 : 1 + spec->ndocument;
	walk->levels = json_arena_alloc(arena, sizeof(JsonLevel) * ((size_t) spec->max_depth + 1));
	walk->targets = json_arena_alloc(arena, sizeof(JsonTarget) * (1 + (size_t) spec->ndocument));
	if (walk->levels == NULL || walk->targets == NULL)
		return false;
	for (int i = 0; i < 1 + spec->ndocument; i++)
	{
		JsonPointer *pointer = &walk->targets[i].pointer;
		const char *text = i == 0 ? (spec->records ? spec->records : "") : spec->document[i - 1];

		walk->targets[i].source = json_arena_copy(arena, text);
		if (walk->targets[i].source == NULL || !json_pointer_parse(arena, text, pointer))
			return false;
		for (int k = 0; k < pointer->ntokens; k++)
			longest = pointer->tokens[k].len > longest ? pointer->tokens[k].len : longest;
	}
	for (int i = 1; i <= spec->ndocument; i++)
		walk->targets[i].textless = leads_to(&walk->targets[i].pointer, &walk->targets[0].pointer);
	walk->key_size = 6 * longest > KEY_BYTES_MIN ? 6 * longest : KEY_BYTES_MIN;
	walk->key = json_arena_alloc(arena, walk->key_size);
	walk->key_text = json_arena_alloc(arena, walk->key_size);
	if (walk->key == NULL || walk->key_text == NULL)
		return false;
	json_walk_reset(walk);
	return true;
}

void
json_walk_reset(JsonWalk *walk)
{
	walk->state = WALK_VALUE;
	walk->depth = 0;
	walk->offset = 0;
	walk->in_record = walk->records_found = walk->in_key = false;
	walk->records_depth = -1;
	walk->record = 0;
	memset(&walk->levels[0], 0, sizeof(JsonLevel));
	memset(&walk->error, 0, sizeof(walk->error));
	for (int i = 0; i < walk->ntargets; i++)
	{
		JsonTarget *t = &walk->targets[i];

		t->live = 0;
		t->hit = t->taking = t->found = false;
		t->len = 0;
	}
}

void
json_walk_free(JsonWalk *walk)
{
	for (int i = 0; walk->targets != NULL && i < walk->ntargets; i++)
	{
		JsonTarget *t = &walk->targets[i];

		if (t->text != NULL)
			walk->arena->release(walk->arena->arg, t->text);
		if (t->unescaped != NULL)
			walk->arena->release(walk->arena->arg, t->unescaped);
		t->text = t->unescaped = NULL;
	}
}

size_t
json_walk_memory(const JsonWalk *walk)
{
	size_t		size = 0;

	for (int i = 0; i < walk->ntargets; i++)
		size += walk->targets[i].size;
	return size;
}
