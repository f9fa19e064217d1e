/*
 * Protects the scanner against jansson and against a validator written straight from the grammar: seeded
 * random documents with every kind of value, spacing, escape and key order; then the same
 * documents damaged. SEED and ROUNDS in the environment change the run.
 */
#include <jansson.h>
#include <math.h>

#include "reference_json.h"
#include "scan_driver.h"
#include "tap.h"

static uint64_t random_state;

static uint32_t
rnd(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t) ((random_state >> 11) % n);
}

typedef struct Text
{
	char		data[65536];
	size_t		len;
} Text;

static void
add(Text *t, const char *s)
{
	size_t		len = strlen(s);

	if (t->len + len < sizeof(t->data))
	{
		memcpy(t->data + t->len, s, len);
		t->len += len;
	}
}

static void
add_space(Text *t)
{
	static const char *const spaces[] = {" ", "\n", "\t", "\r\n", "  ", "\n                        "};

	if (rnd(6) == 0)
		add(t, spaces[rnd(6)]);
}

static void
add_string(Text *t, bool key)
{
	static const char *const pieces[] = {
		"plain", "a", "longer text of many letters", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9", "\\u955D",
		"\\ud83d\\ude00", "\xC3\xA9", "\xE9\x95\x9D", "\xF0\x9F\x98\x80", " ", "0", "\xE2\x80\xA8", "\x7F", "\\t\\b\\f\\r",
		"sixteen letters.", "~", "/",
	};
	static const char *const keys[] = {"a", "b", "id", "n\\u0061me", "name", "x/y", "m~n", "", "0", "1", "\xE9\x95\x9D", "\\u955d", "c", "d"};

	add(t, "\"");
	if (key && rnd(10) != 0)
		add(t, keys[rnd(sizeof(keys) / sizeof(keys[0]))]);
	else
	{
		for (uint32_t n = rnd(5); n > 0; n--)
			add(t, pieces[rnd(sizeof(pieces) / sizeof(pieces[0]))]);
	}
	add(t, "\"");
}

static void
add_number(Text *t)
{
	char		number[64];

	switch (rnd(6))
	{
		case 0:
			snprintf(number, sizeof(number), "%u", rnd(1000));
			break;
		case 1:
			snprintf(number, sizeof(number), "-%u", rnd(2000000000));
			break;
		case 2:
			snprintf(number, sizeof(number), "%u.%06u", rnd(100000), rnd(1000000));
			break;
		case 3:
			snprintf(number, sizeof(number), "-0.%uE%c%u", rnd(100), "+-"[rnd(2)], rnd(30));
			break;
		case 4:
			snprintf(number, sizeof(number), "%u%09u", 1 + rnd(900000000), rnd(1000000000));
			break;
		default:
			snprintf(number, sizeof(number), "0");
	}
	add(t, number);
}

static void add_value(Text *t, int depth);

static void
add_object(Text *t, int depth)
{
	uint32_t	n = rnd(7);

	add(t, "{");
	for (uint32_t i = 0; i < n; i++)
	{
		add(t, i > 0 ? "," : "");
		add_space(t);
		add_string(t, true);
		add_space(t);
		add(t, ":");
		add_space(t);
		add_value(t, depth + 1);
		add_space(t);
	}
	add(t, "}");
}

static void
add_value(Text *t, int depth)
{
	switch (depth > 5 ? rnd(6) : rnd(9))
	{
		case 0:
			add(t, "null");
			break;
		case 1:
			add(t, rnd(2) ? "true" : "false");
			break;
		case 2:
		case 3:
			add_string(t, false);
			break;
		case 4:
		case 5:
			add_number(t);
			break;
		case 6:
			add(t, "[");
			for (uint32_t n = rnd(5), i = 0; i < n; i++)
			{
				add(t, i > 0 ? "," : "");
				add_space(t);
				add_value(t, depth + 1);
				add_space(t);
			}
			add(t, "]");
			break;
		default:
			add_object(t, depth);
	}
}

static const char *const fields[] = {"/a", "/b", "/id", "/name", "/a/b", "/a/0", "/a/b/1", "/x~1y", "/m~0n", "/", "/0", "", "/a/b/c/d", "/\xE9\x95\x9D"};

#define NFIELDS (int) (sizeof(fields) / sizeof(fields[0]))

/* What a pointer leads to in jansson's tree. */
static json_t *
follow(json_t *value, const char *pointer)
{
	while (value != NULL && *pointer == '/')
	{
		char		token[64];
		size_t		len = 0;

		for (pointer++; *pointer != '\0' && *pointer != '/'; pointer++)
		{
			if (*pointer == '~')
				token[len++] = *++pointer == '0' ? '~' : '/';
			else
				token[len++] = *pointer;
		}
		token[len] = '\0';
		if (json_is_object(value))
			value = json_object_get(value, token);
		else if (json_is_array(value) && len > 0 && strspn(token, "0123456789") == len && (len == 1 || token[0] != '0'))
			value = json_array_get(value, (size_t) atoi(token));
		else
			value = NULL;
	}
	return value;
}

static bool
same_value(const JsonValue *v, json_t *expected)
{
	json_t	   *tree;
	bool		same;
	char		number[128];

	if (expected == NULL)
		return v->kind == JV_MISSING;
	switch (json_typeof(expected))
	{
		case JSON_NULL:
			return v->kind == JV_NULL;
		case JSON_TRUE:
			return v->kind == JV_TRUE;
		case JSON_FALSE:
			return v->kind == JV_FALSE;
		case JSON_STRING:
			return v->kind == JV_STRING && v->len == json_string_length(expected) &&
				memcmp(v->data, json_string_value(expected), v->len) == 0;
		case JSON_INTEGER:
		case JSON_REAL:
			if (v->kind != JV_NUMBER || v->len >= sizeof(number))
				return false;
			memcpy(number, v->data, v->len);
			number[v->len] = '\0';
			return json_is_integer(expected) ? strtoll(number, NULL, 10) == json_integer_value(expected)
				: strtod(number, NULL) == json_real_value(expected);
		default:
			if (v->kind != (json_is_array(expected) ? JV_ARRAY : JV_OBJECT))
				return false;
			tree = json_loadb(v->data, v->len, 0, NULL);
			same = tree != NULL && json_equal(tree, expected);
			json_decref(tree);
			return same;
	}
}

static size_t
random_chunk(void *state, size_t left)
{
	size_t		n = 1 + rnd(rnd(2) ? 20 : 2000);

	(void) state;
	return n < left ? n : left;
}

/* Every record and field of the document against jansson's tree, fed in random chunks. */
static bool
check_document(JsonScan *scan, const Text *t)
{
	json_t	   *tree = json_loadb(t->data, t->len, 0, NULL);
	char	   *chunk = NULL;
	size_t		at = 0;
	size_t		record = 0;
	bool		same = tree != NULL;
	JsonScanResult r;

	json_scan_reset(scan);
	while (same)
	{
		r = json_scan_next(scan);
		if (r == JSON_SCAN_RECORD || (r == JSON_SCAN_ERROR && json_scan_error(scan)->code == JSON_ERR_RECORD_KIND))
		{
			json_t	   *expected = json_array_get(tree, record++);

			same = (r == JSON_SCAN_RECORD) == json_is_object(expected);
			for (int i = 0; same && r == JSON_SCAN_RECORD && i < NFIELDS; i++)
			{
				same = same_value(json_scan_field(scan, i), follow(expected, fields[i]));
				if (!same)
					printf("# record %zu pointer \"%s\"\n", record, fields[i]);
			}
		}
		else if (r != JSON_SCAN_MORE)
		{
			same = r == JSON_SCAN_END && record == json_array_size(tree);
			break;
		}
		else if (at == t->len)
			json_scan_finish(scan);
		else
		{
			size_t		n = random_chunk(NULL, t->len - at);

			free(chunk);
			chunk = malloc(n);
			memcpy(chunk, t->data + at, n);
			json_scan_feed(scan, chunk, n);
			at += n;
		}
	}
	free(chunk);
	json_decref(tree);
	return same;
}

/* A damaged text: one verdict whatever the chunks, and the grammar's. */
static bool
check_damaged(JsonScan *scan, const JsonScanSpec *spec, const Text *t)
{
	Transcript	whole = run_scan(scan, spec, t->data, t->len, NULL, NULL);
	Transcript	pieces = run_scan(scan, spec, t->data, t->len, random_chunk, NULL);
	ReferenceVerdict verdict = reference_verdict(t->data, t->len, spec->ndjson, spec->max_depth);
	bool		taken = whole.code == JSON_ERR_NONE || whole.code == JSON_ERR_RECORDS;
	bool		same = whole.len == pieces.len && memcmp(whole.text, pieces.text, whole.len) == 0;

	same &= taken == (verdict == REFERENCE_VALID);
	free(whole.text);
	free(pieces.text);
	return same;
}

static void
damage(Text *t)
{
	static const char bytes[] = "{}[],:\"\\0123.eE+-tfn u/\x80\xFF\xE9\x1F\n";

	for (uint32_t n = 1 + rnd(3); n > 0 && t->len > 4; n--)
	{
		size_t		at = rnd((uint32_t) t->len);

		switch (rnd(4))
		{
			case 0:
				t->data[at] = bytes[rnd(sizeof(bytes))];
				break;
			case 1:
				memmove(t->data + at, t->data + at + 1, --t->len - at);
				break;
			case 2:
				if (t->len < sizeof(t->data))
				{
					memmove(t->data + at + 1, t->data + at, t->len++ - at);
					t->data[at] = bytes[rnd(sizeof(bytes))];
				}
				break;
			default:
				t->len = rnd(4) ? t->len : at;
		}
	}
}

int
main(void)
{
	JsonScanSpec spec = {.records = "",.nfields = NFIELDS,.fields = fields,.max_record_size = 1 << 20,
	.max_depth = 100,.alloc = driver_alloc,.release = driver_release};
	const char *seed = getenv("SEED");
	int			rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 4000;
	JsonScan   *scan = json_scan_create(&spec);
	static Text t;
	int			wrong = 0;
	int			wrong_damaged = 0;
	uint64_t	start = seed ? strtoull(seed, NULL, 10) : 20250404;

	printf("# SEED=%llu ROUNDS=%d\n", (unsigned long long) start, rounds);
	random_state = start * 2654435761u + 1;
	for (int i = 0; i < rounds; i++)
	{
		uint32_t	n = rnd(12);

		do
		{
			t.len = 0;
			add(&t, "[");
			for (uint32_t k = 0; k < n; k++)
			{
				add(&t, k > 0 ? "," : "");
				add_space(&t);
				if (rnd(20) == 0)
					add_value(&t, 1);
				else
					add_object(&t, 1);
				add_space(&t);
			}
			add(&t, "]");
		} while (t.len >= sizeof(t.data) - 64);
		if (!check_document(scan, &t) && wrong++ < 3)
			printf("# round %d: %.*s\n", i, (int) t.len, t.data);
		for (int k = 0; k < 5; k++)
		{
			damage(&t);
			if (!check_damaged(scan, &spec, &t) && wrong_damaged++ < 3)
				printf("# round %d, damaged: %.*s\n", i, (int) t.len, t.data);
		}
	}
	ok(wrong == 0, "%d documents read as jansson reads them", rounds);
	ok(wrong_damaged == 0, "%d damaged ones judged as the grammar does", 5 * rounds);
	json_scan_free(scan);
	return done_testing();
}
