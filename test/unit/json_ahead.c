/*
 * Protects the look ahead of the scanner: over generated documents it finds what the scanner finds at the
 * end, however they are cut, or nothing where it does not look; damaged ones lead it nowhere. SEED in the
 * environment changes the run.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "fdw/json_ahead.h"
#include "scan_driver.h"
#include "tap.h"

#define DOCUMENTS 3000
#define TEXT_MAX 65536

static const char *const pointers[] = {"/next", "/meta/next", "/a/b/c", "/~1x/~0y", "/data"};
static const char *const keys[] = {"next", "meta", "a", "b", "c", "/x", "~y", "nex", "nextt", "", "\\u006eext"};
static unsigned long long state;

static unsigned
chance(unsigned n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned) (state >> 33) % n;
}

typedef struct Text
{
	char		bytes[TEXT_MAX];
	size_t		len;
} Text;

static void
add(Text *t, const char *s)
{
	size_t		n = strlen(s);

	if (t->len + n < TEXT_MAX)
	{
		memcpy(t->bytes + t->len, s, n);
		t->len += n;
	}
}

static void
add_space(Text *t)
{
	static const char *const spaces[] = {"", "", "", " ", "\n\t", "  \r\n"};

	add(t, spaces[chance(6)]);
}

static void add_value(Text *t, int depth);

static void
add_members(Text *t, int depth)
{
	unsigned	from = chance(11);
	unsigned	n = chance(5);

	/* each key once */
	for (unsigned i = 0; i < n; i++)
	{
		add(t, i ? "," : "");
		add_space(t);
		add(t, "\"");
		add(t, keys[(from + i * 3) % 11]);
		add(t, "\"");
		add_space(t);
		add(t, ":");
		add_value(t, depth - 1);
	}
}

static void
add_value(Text *t, int depth)
{
	static const char *const scalars[] = {
		"null", "true", "false", "0", "-12.5e3", "17", "\"\"", "\"abc\"", "\"a\\\"next\\\":5}\"", "\"\\\\\"", "\"}]{[,:\"",
		"\"\\u00e9\\/\\n\\ud83d\\ude00\"", "\"\\u0000\"", "\"\\ud800\"", "\"next\"", "\"https:\\/\\/h\\/?a=b\\u0026c\"", "\"\xc3\xa9\""
	};
	unsigned	kind = chance(depth > 0 ? 4 : 2);

	add_space(t);
	if (kind < 2)
		add(t, scalars[chance(17)]);
	else
	{
		add(t, kind == 2 ? "{" : "[");
		if (kind == 2)
			add_members(t, depth);
		for (unsigned i = chance(4); kind == 3 && i > 0; i--)
		{
			add_value(t, depth - 1);
			add(t, i > 1 ? "," : "");
		}
		add_space(t);
		add(t, kind == 2 ? "}" : "]");
	}
	add_space(t);
}

/* The value that looking ahead finds, the text cut at random; kind JV_MISSING if none. */
static JsonValue
look(JsonAhead *a, const Text *t, unsigned chunk_max)
{
	static const JsonValue missing = {.kind = JV_MISSING};
	JsonAheadResult r = JSON_AHEAD_MORE;

	json_ahead_reset(a);
	for (size_t at = 0; at < t->len && r == JSON_AHEAD_MORE;)
	{
		size_t		n = 1 + chance(chunk_max);
		char	   *chunk;

		n = n < t->len - at ? n : t->len - at;
		chunk = malloc(n);
		memcpy(chunk, t->bytes + at, n);
		r = json_ahead_feed(a, chunk, n);
		free(chunk);
		at += n;
	}
	return r == JSON_AHEAD_FOUND ? json_ahead_value(a) : missing;
}

static void
test_generated(void)
{
	static Text t;
	static JsonAhead ahead[5];
	JsonScanSpec spec = {.records = "/records",.max_record_size = TEXT_MAX,.max_depth = 64,.ndocument = 5,.document = pointers,
	.alloc = driver_alloc,.release = driver_release};
	JsonScan   *scan = json_scan_create(&spec);
	int			found = 0;
	int			wrong = 0;

	for (int i = 0; i < 5; i++)
		json_ahead_init(&ahead[i], pointers[i], driver_alloc, driver_release, NULL);
	for (int d = 0; d < DOCUMENTS; d++)
	{
		bool		before = chance(2);

		t.len = 0;
		add(&t, "{");
		add(&t, before ? "\"records\":[{\"next\":\"no\",\"a\":[\"next\"]}]" : "\"nothing\":1");
		for (unsigned i = 0, from = chance(11), n = chance(7); i < n; i++)
		{
			add(&t, ",\"");
			add(&t, keys[(from + i * 3) % 11]);
			add(&t, "\":");
			add_value(&t, 4);
		}
		add(&t, before ? "}" : ",\"records\":[{\"next\":\"no\"}]}");
		json_scan_reset(scan);
		json_scan_feed(scan, t.bytes, t.len);
		while (json_scan_next(scan) == JSON_SCAN_RECORD)
			;
		json_scan_finish(scan);
		if (json_scan_next(scan) != JSON_SCAN_END)
		{
			ok(false, "a generated document is none: %.*s", (int) t.len, t.bytes);
			return;
		}
		for (int i = 0; i < 5; i++)
		{
			const JsonValue *v = json_scan_document(scan, i);
			JsonValue	guess = look(&ahead[i], &t, chance(2) ? 3 : 4096);
			bool		names = v->kind == JV_STRING || v->kind == JV_NUMBER;

			/* a key with an escape is not looked at: what is missed then is no mistake */
			if (guess.kind == JV_MISSING && names && memmem(t.bytes, t.len, "\\u006eext", 9) != NULL)
				continue;
			found += guess.kind != JV_MISSING;
			if (names != (guess.kind != JV_MISSING) ||
				(names && (v->kind != guess.kind || v->len != guess.len || memcmp(v->data, guess.data, v->len) != 0)))
			{
				if (wrong++ < 5)
					printf("# %s in %.*s: \"%.*s\", not \"%.*s\"\n", pointers[i], (int) t.len, t.bytes, (int) guess.len,
						   guess.data ? guess.data : "", (int) v->len, v->data ? v->data : "");
			}
		}
	}
	ok(wrong == 0, "the same as the scanner at the end, in %d documents", DOCUMENTS);
	ok(found > DOCUMENTS / 10, "... of which many hold a value (%d)", found);
	for (int i = 0; i < 5; i++)
		json_ahead_free(&ahead[i]);
	json_scan_free(scan);
}

/* What one document says; "" for nothing. */
static void
says(const char *pointer, const char *document, const char *expected, const char *name)
{
	static JsonAhead a;
	static Text t;
	char		got[200];

	t.len = 0;
	add(&t, document);
	json_ahead_init(&a, pointer, driver_alloc, driver_release, NULL);
	for (unsigned size = 1; size < 5000; size += 4998)
	{
		JsonValue	v = look(&a, &t, size);

		snprintf(got, sizeof(got), "%.*s", (int) v.len, v.data ? v.data : "");
		is_text(got, expected, name);
	}
	json_ahead_free(&a);
}

int
main(void)
{
	static char long_value[JSON_AHEAD_MAX + 100] = "{\"next\":\"";
	static char deep[1000] = "{\"next\"{";
	const char *seed = getenv("SEED");

	state = seed ? strtoull(seed, NULL, 10) : 20251127;
	printf("# SEED=%llu\n", state);
	test_generated();
	says("/next", "{\"data\":[{\"next\":1}],\"next\":\"a\\u0062c\"", "abc", "before the document's end");
	says("/next", "{\"data\":[{\"next\":1}],\"next\":17", "", "a number is not known before its end");
	says("/next", "{\"next\":17 ,", "17", "... which white space is");
	says("/next", "{\"next\":\"first\",\"next\":\"second\"}", "first", "the first of equal keys");
	says("/next", "[{\"next\":\"a\"}]", "", "not in an array");
	says("/0/next", "[{\"next\":\"a\"}]", "", "nor by an index");
	says("", "\"a\"", "", "the whole document names nothing");
	says("/next", "{\"next\":\"a\\q\"}", "", "no valid escape");
	says("/next", "{\"next\":\"a\\u12\"}", "", "a short one");
	for (int i = 0; i < 200; i++)
		strcat(deep, "\"\"{");
	says("/next", deep, "", "keys without a colon");
	says("/next", "{\"next\":}{]]]}\"next\":\"", "", "nonsense");
	memset(long_value + 9, 'x', JSON_AHEAD_MAX);
	strcpy(long_value + 9 + JSON_AHEAD_MAX, "\"}");
	says("/next", long_value, "", "a value that is too long");
	return done_testing();
}
