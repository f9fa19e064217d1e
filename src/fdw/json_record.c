/*
 * fdw/json_record.c
 *		One record that lies in memory as a whole: validated and projected in
 *		one pass, without recursion over what is skipped.
 *
 * Keys are not looked up: records of one source have their keys in one order
 * most of the time, so each key is compared with the one that stood at its
 * place in the record before (JsonTemplate).  A miss costs a look-up and is
 * learned.
 */
#include "fdw/json_record.h"

#include "fdw/json_text.h"

static const char *parse_wanted(JsonRecord *record, JsonNode *node, const char *p,
								const char *limit, int depth);

static inline bool
template_matches(const JsonTemplate *t, const char *p)
{
#ifdef __SSE2__
	__m128i		low = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) p),
									 _mm_loadu_si128((const __m128i *) t->text));
	__m128i		high = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) (p + 16)),
									  _mm_loadu_si128((const __m128i *) (t->text + 16)));
	uint32_t	equal = (uint32_t) _mm_movemask_epi8(low) | (uint32_t) _mm_movemask_epi8(high) << 16;

	return (equal & t->mask) == t->mask;
#else
	return t->len != 0 && memcmp(p, t->text, t->len) == 0;
#endif
}

static inline const char *
scan_literal(const char *p, const char *rest, size_t len)
{
	return memcmp(p, rest, len) == 0 ? p + len : NULL;
}

/* Behind a key's colon and the space after it; p at its opening quote. */
static inline const char *
scan_key(const char *p, const char *limit)
{
	bool		escaped = false;

	if (json_unlikely(*p != '"'))
		return NULL;
	p = json_scan_string(p + 1, limit, &escaped);
	if (json_unlikely(p == NULL))
		return NULL;
	p = json_skip_space(p, limit);
	if (json_unlikely(*p != ':'))
		return NULL;
	return json_skip_space(p + 1, limit);
}

/*
 * Behind the container at p.  A loop with a bit for each open container, so
 * that depth costs no stack.  depth: containers open around it.
 */
static const char *
skip_container(JsonRecord *record, const char *p, const char *limit, int depth)
{
	uint64_t   *nesting = record->nesting;
	int			base = depth;
	bool		escaped;
	bool		object;

open:
	if (json_unlikely(depth >= record->max_depth))
		return NULL;
	object = *p == '{';
	if (object)
		nesting[depth >> 6] |= UINT64_C(1) << (depth & 63);
	else
		nesting[depth >> 6] &= ~(UINT64_C(1) << (depth & 63));
	depth++;
	p = json_skip_space(p + 1, limit);
	if (*p == (object ? '}' : ']'))
		goto close;
key:
	if (object)
	{
		p = scan_key(p, limit);
		if (json_unlikely(p == NULL))
			return NULL;
	}
	if (json_unlikely(p >= limit))
		return NULL;
	switch (*p)
	{
		case '"':
			p = json_scan_string(p + 1, limit, &escaped);
			break;
		case '{':
		case '[':
			goto open;
		case 't':
			p = scan_literal(p, "true", 4);
			break;
		case 'f':
			p = scan_literal(p, "false", 5);
			break;
		case 'n':
			p = scan_literal(p, "null", 4);
			break;
		case '-':
		case '0': case '1': case '2': case '3': case '4':
		case '5': case '6': case '7': case '8': case '9':
			p = json_scan_number(p, limit);
			break;
		default:
			return NULL;
	}
	if (json_unlikely(p == NULL))
		return NULL;
after:
	p = json_skip_space(p, limit);
	if (*p == ',')
	{
		p = json_skip_space(p + 1, limit);
		goto key;
	}
	if (json_unlikely(*p != (object ? '}' : ']')))
		return NULL;
close:
	p++;
	if (json_unlikely(p > limit))
		return NULL;
	if (--depth == base)
		return p;
	object = nesting[(depth - 1) >> 6] >> ((depth - 1) & 63) & 1;
	goto after;
}

/* Behind the value at p, which is not wanted. */
static inline const char *
skip_value(JsonRecord *record, const char *p, const char *limit, int depth)
{
	bool		escaped;

	switch (*p)
	{
		case '"':
			return json_scan_string(p + 1, limit, &escaped);
		case '{':
		case '[':
			return skip_container(record, p, limit, depth);
		case 't':
			return scan_literal(p, "true", 4);
		case 'f':
			return scan_literal(p, "false", 5);
		case 'n':
			return scan_literal(p, "null", 4);
		case '-':
		case '0': case '1': case '2': case '3': case '4':
		case '5': case '6': case '7': case '8': case '9':
			return json_scan_number(p, limit);
		default:
			return NULL;
	}
}

static inline void
set_slot(JsonSlot *slot, JsonKind kind, const char *from, const char *to)
{
	slot->value.kind = kind;
	slot->value.data = slot->value.raw = from;
	slot->value.len = slot->value.raw_len = (size_t) (to - from);
	slot->escaped = false;
}

/* Behind the value at p, which goes into a slot and has nothing wanted inside. */
static inline const char *
take_value(JsonRecord *record, JsonSlot *slot, const char *p, const char *limit, int depth)
{
	const char *end;
	JsonKind	kind;
	bool		escaped = false;

	switch (*p)
	{
		case '"':
			end = json_scan_string(p + 1, limit, &escaped);
			if (json_unlikely(end == NULL))
				return NULL;
			slot->value.kind = JV_STRING;
			slot->value.data = p + 1;
			slot->value.len = (size_t) (end - p - 2);
			slot->value.raw = p;
			slot->value.raw_len = (size_t) (end - p);
			slot->escaped = escaped;
			record->any_escaped |= escaped;
			return end;
		case '{':
			kind = JV_OBJECT;
			end = skip_container(record, p, limit, depth);
			break;
		case '[':
			kind = JV_ARRAY;
			end = skip_container(record, p, limit, depth);
			break;
		case 't':
			kind = JV_TRUE;
			end = scan_literal(p, "true", 4);
			break;
		case 'f':
			kind = JV_FALSE;
			end = scan_literal(p, "false", 5);
			break;
		case 'n':
			kind = JV_NULL;
			end = scan_literal(p, "null", 4);
			break;
		case '-':
		case '0': case '1': case '2': case '3': case '4':
		case '5': case '6': case '7': case '8': case '9':
			kind = JV_NUMBER;
			end = json_scan_number(p, limit);
			break;
		default:
			return NULL;
	}
	if (json_unlikely(end == NULL))
		return NULL;
	set_slot(slot, kind, p, end);
	return end;
}

/* The child that the key of the raw text at p (behind its quote) names. */
static JsonNode *
find_child(JsonRecord *record, const JsonNode *node, const char *raw, size_t len, bool escaped)
{
	if (escaped)
	{
		/* an escape is at most six times as long as what it stands for */
		if (len > record->key_size || !json_unescape(raw, len, record->key, &len))
			return NULL;
		raw = record->key;
	}
	return json_tree_key(node, raw, len);
}

static void
learn_key(JsonNode *node, int *place, const char *from, const char *to, JsonNode *child)
{
	size_t		len = (size_t) (to - from);
	JsonTemplate *t;

	if (len > JSON_TEMPLATE_TEXT)
	{
		(*place)++;
		return;
	}
	for (int i = *place; i < node->ntemplates; i++)
	{
		t = &node->templates[i];
		if (t->len == len && memcmp(t->text, from, len) == 0)
		{
			*place = i + 1;
			return;
		}
	}
	if (*place >= JSON_TEMPLATE_KEYS)
		return;
	while (node->ntemplates < *place)
		node->templates[node->ntemplates++].mask = UINT32_MAX;	/* long keys: never equal */
	t = &node->templates[*place];
	memset(t, 0, sizeof(*t));
	memcpy(t->text, from, len);
	t->len = (uint32_t) len;
	t->mask = len == 32 ? UINT32_MAX : (UINT32_C(1) << len) - 1;
	t->child = child;
	if (*place == node->ntemplates)
		node->ntemplates++;
	(*place)++;
}

/* Behind a key that does not stand at its usual place; *child is what it names. */
static const char *
parse_key(JsonRecord *record, JsonNode *node, int *place, const char *p, const char *limit,
		  JsonNode **child)
{
	const char *from = p;
	const char *end;
	bool		escaped = false;

	for (int i = *place + 1; i < node->ntemplates && i < *place + 4; i++)
	{
		if (template_matches(&node->templates[i], p))
		{
			*child = node->templates[i].child;
			*place = i + 1;
			return p + node->templates[i].len;
		}
	}
	if (*p != '"')
		return NULL;
	end = json_scan_string(p + 1, limit, &escaped);
	if (end == NULL)
		return NULL;
	*child = find_child(record, node, p + 1, (size_t) (end - p - 2), escaped);
	p = json_skip_space(end, limit);
	if (*p != ':' || p >= limit)
		return NULL;
	p = json_skip_space(p + 1, limit);
	if (p >= limit)
		return NULL;
	learn_key(node, place, from, p, *child);
	return p;
}

/* Behind the object at p, some of whose members are wanted. */
static const char *
parse_object(JsonRecord *record, JsonNode *node, const char *p, const char *limit, int depth)
{
	int			place = 0;

	if (json_unlikely(depth >= record->max_depth))
		return NULL;
	p = json_skip_space(p + 1, limit);
	if (*p == '}')
		return p + 1;
	for (;;)
	{
		JsonNode   *child;

		if (json_unlikely(p >= limit))
			return NULL;
		if (json_likely(place < node->ntemplates && template_matches(&node->templates[place], p)))
		{
			child = node->templates[place].child;
			p += node->templates[place].len;
			place++;
		}
		else
			p = parse_key(record, node, &place, p, limit, &child);
		if (json_unlikely(p == NULL))
			return NULL;
		p = json_skip_space(p, limit);
		if (child == NULL)
			p = skip_value(record, p, limit, depth + 1);
		else if (json_likely(child->first == NULL))
			p = take_value(record, &record->slots[child->slot], p, limit, depth + 1);
		else
			p = parse_wanted(record, child, p, limit, depth + 1);
		if (json_unlikely(p == NULL))
			return NULL;
		p = json_skip_space(p, limit);
		if (*p == ',')
		{
			p = json_skip_space(p + 1, limit);
			continue;
		}
		return *p == '}' ? p + 1 : NULL;
	}
}

/* Behind the array at p, some of whose elements are wanted. */
static const char *
parse_array(JsonRecord *record, JsonNode *node, const char *p, const char *limit, int depth)
{
	if (depth >= record->max_depth)
		return NULL;
	p = json_skip_space(p + 1, limit);
	if (*p == ']')
		return p + 1;
	for (int64_t index = 0;; index++)
	{
		JsonNode   *child = json_tree_index(node, index);

		if (p >= limit)
			return NULL;
		p = child == NULL ? skip_value(record, p, limit, depth + 1)
			: parse_wanted(record, child, p, limit, depth + 1);
		if (p == NULL)
			return NULL;
		p = json_skip_space(p, limit);
		if (*p != ',')
			return *p == ']' ? p + 1 : NULL;
		p = json_skip_space(p + 1, limit);
	}
}

/*
 * Behind the value at p, which, or some of what is in it, is wanted.  Recursion
 * is bounded by the longest pointer.
 */
static const char *
parse_wanted(JsonRecord *record, JsonNode *node, const char *p, const char *limit, int depth)
{
	const char *from = p;

	/* a second key of the same name begins anew */
	for (int i = node->slots_from; i < node->slots_to; i++)
		memset(&record->slots[i], 0, sizeof(JsonSlot));

	if (node->first == NULL || (*p != '{' && *p != '['))
		return node->slot >= 0
			? take_value(record, &record->slots[node->slot], p, limit, depth)
			: skip_value(record, p, limit, depth);
	if (*p == '{')
		p = parse_object(record, node, p, limit, depth);
	else
		p = parse_array(record, node, p, limit, depth);
	if (p != NULL && node->slot >= 0)
		set_slot(&record->slots[node->slot], *from == '{' ? JV_OBJECT : JV_ARRAY, from, p);
	return p;
}

const char *
json_record_parse(JsonRecord *record, const char *p, const char *limit)
{
	record->any_escaped = false;
	p = parse_wanted(record, record->tree, p, limit, record->base_depth);
	return p != NULL && p <= limit ? p : NULL;
}

void
json_record_unescape(JsonRecord *record, char *scratch)
{
	for (int i = 0; i < record->nslots; i++)
	{
		JsonSlot   *slot = &record->slots[i];
		size_t		len;

		if (!slot->escaped)
			continue;
		if (json_unescape(slot->value.data, slot->value.len, scratch, &len))
		{
			slot->value.data = scratch;
			slot->value.len = len;
			scratch += len;
		}
		else
		{
			slot->value.kind = JV_BAD_STRING;
			slot->value.data = slot->value.raw;
			slot->value.len = slot->value.raw_len;
		}
		slot->escaped = false;
	}
}
