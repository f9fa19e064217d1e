/*
 * Protects what the scanner hands out: pointers, kinds, unescaped text, duplicate keys, document values,
 * places of errors, limits, and that time and memory stay in bounds however the body arrives.
 */
#include <time.h>

#include "scan_driver.h"
#include "tap.h"

static JsonScanSpec base = {.records = "",.max_record_size = 1 << 20,.max_depth = 64,
.alloc = driver_alloc,.release = driver_release};

static size_t
one_byte(void *state, size_t left)
{
	(void) state;
	(void) left;
	return 1;
}

static size_t
kilobytes(void *state, size_t left)
{
	size_t		n = *(size_t *) state;

	return n < left ? n : left;
}

/* What the scanner says to text, whole and byte by byte. */
static void
says(JsonScanSpec *spec, const char *text, const char *expected, const char *name)
{
	JsonScan   *scan = json_scan_create(spec);
	Transcript	whole = run_scan(scan, spec, text, strlen(text), NULL, NULL);
	Transcript	bytes = run_scan(scan, spec, text, strlen(text), one_byte, NULL);

	is_text(whole.text, expected, name);
	if (strcmp(whole.text, bytes.text) != 0)
		is_text(bytes.text, expected, "the same byte by byte");
	free(whole.text);
	free(bytes.text);
	json_scan_free(scan);
}

/* One record, one field: its kind, text and raw text. */
static void
field_says(const char *pointer, const char *record, const char *expected, const char *name)
{
	JsonScanSpec spec = base;
	char		text[1024];
	char		transcript[1024];
	char		pad[200];

	memset(pad, ' ', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	spec.nfields = 1;
	spec.fields = &pointer;
	snprintf(text, sizeof(text), "[%s]%s", record, pad);
	snprintf(transcript, sizeof(transcript), "R %s\ndocument\n", expected);
	says(&spec, text, transcript, name);
}

static void
test_pointers(void)
{
	field_says("/a", "{\"a\":1}", "4:1|1", "member");
	field_says("/a", "{\"b\":1}", "0:", "missing member");
	field_says("/a", "{\"a\":null}", "1:", "null is not missing");
	field_says("/a", "{\"a\":\"\"}", "5:|\"\"", "the empty string is neither");
	field_says("/a", "{\"a\":true}", "3:true|true", "true");
	field_says("/a", "{\"a\":false}", "2:false|false", "false");
	field_says("/a", "{\"a\":123456789012345.678901234567}",
			   "4:123456789012345.678901234567|123456789012345.678901234567", "a long decimal keeps its digits");
	field_says("/a", "{\"a\": [1, 2 ] }", "8:[1, 2 ]|[1, 2 ]", "array as its text");
	field_says("/a", "{\"a\":{\"b\":{}}}", "7:{\"b\":{}}|{\"b\":{}}", "object as its text");
	field_says("", "{\"a\" : 1}", "7:{\"a\" : 1}|{\"a\" : 1}", "the whole record");
	field_says("/a/b", "{\"a\":{\"x\":1,\"b\":2}}", "4:2|2", "nested member");
	field_says("/a/b", "{\"a\":[{\"b\":2}]}", "0:", "a name leads nowhere in an array");
	field_says("/a/b", "{\"a\":7}", "0:", "nothing leads into a number");
	field_says("/a/1", "{\"a\":[10,20,30]}", "4:20|20", "array index");
	field_says("/a/3", "{\"a\":[10,20,30]}", "0:", "index past the end");
	field_says("/a/-", "{\"a\":[10]}", "0:", "- is the element behind the last");
	field_says("/a/01", "{\"a\":[10,20]}", "0:", "no leading zeros in an index");
	field_says("/a/01", "{\"a\":{\"01\":5}}", "4:5|5", "but in a name");
	field_says("/a/0/b/1", "{\"a\":[{\"b\":[[],{}]}]}", "7:{}|{}", "mixed path");
	field_says("/a~1b", "{\"a/b\":1}", "4:1|1", "~1 is a slash");
	field_says("/m~0n", "{\"m~n\":1}", "4:1|1", "~0 is a tilde");
	field_says("/~01", "{\"~1\":1,\"/\":2}", "4:1|1", "~01 is ~1");
	field_says("/", "{\"\":1}", "4:1|1", "the empty name");
	field_says("//x", "{\"\":{\"x\":1}}", "4:1|1", "below the empty name");
	field_says("/a b%", "{\"a b%\":1}", "4:1|1", "no percent decoding");
	field_says("/\xE9\x95\x9D", "{\"\\u955d\":1}", "4:1|1", "an escaped key is the same key");
	field_says("/a", "{\"\\u0061\":1}", "4:1|1", "so is a needlessly escaped one");
	field_says("/a", "{\"a\":1,\"a\":2}", "4:2|2", "the last of equal keys wins");
	field_says("/a/b", "{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "0:", "also where it lacks the member");
	field_says("/a/b", "{\"a\":{\"b\":1},\"a\":null}", "0:", "or is no object");
	field_says("/a", "{\"a\":1,\"\\u0061\":2}", "4:2|2", "equal keys written differently");
	ok(!json_pointer_valid("a"), "a pointer begins with a slash");
	ok(!json_pointer_valid("/a~2"), "~2 is no escape");
	ok(!json_pointer_valid("/a~"), "nor is a lone ~");
	ok(json_pointer_valid("") && json_pointer_valid("/") && json_pointer_valid("/a/0/~0~1"), "valid pointers");
}

static void
test_strings(void)
{
	field_says("/a", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "5:\"\\/\b\f\n\r\t|\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "escapes");
	field_says("/a", "{\"a\":\"\\u955D\\u00e9\\u0041\"}", "5:\xE9\x95\x9D\xC3\xA9" "A|\"\\u955D\\u00e9\\u0041\"", "\\u of one to three bytes");
	field_says("/a", "{\"a\":\"x\\ud834\\udd1Ey\"}", "5:x\xF0\x9D\x84\x9Ey|\"x\\ud834\\udd1Ey\"", "surrogate pair");
	field_says("/a", "{\"a\":\"\\udbff\\udfff\"}", "5:\xF4\x8F\xBF\xBF|\"\\udbff\\udfff\"", "U+10FFFF");
	field_says("/a", "{\"a\":\"\\ud800\"}", "6:\"\\ud800\"|\"\\ud800\"", "a lone surrogate is no text");
	field_says("/a", "{\"a\":\"x\\udc00\\ud800\"}", "6:\"x\\udc00\\ud800\"|\"x\\udc00\\ud800\"", "surrogates the wrong way round");
	field_says("/a", "{\"a\":\"a\\u0000b\"}", "6:\"a\\u0000b\"|\"a\\u0000b\"", "nor is NUL");
	field_says("/b", "{\"a\":\"a\\u0000b\\ud800\",\"b\":1}", "4:1|1", "which a skipped value may hold");
}

static void
test_order(void)
{
	JsonScanSpec spec = base;
	const char *fields[] = {"/a", "/b", "/c/d", "/a"};

	spec.nfields = 4;
	spec.fields = fields;
	says(&spec,
		 "[{\"a\":1,\"b\":2,\"c\":{\"d\":3}},\n {\"c\":{\"d\":6,\"e\":0},\"x\":[],\"b\":5,\"a\":4},{\"b\":8,\"a\":7},{},"
		 "{\"a\" : 1,\"b\" :2,\"c\":{\"d\":3}},{\"aa\":0,\"a\":1,\"bb\":0,\"b\":2,\"cc\":0,\"c\":{\"dd\":0,\"d\":3}}]"
		 "                                                                                                         "
		 "                                ",
		 "R 4:1|1 4:2|2 4:3|3 4:1|1\nR 4:4|4 4:5|5 4:6|6 4:4|4\nR 4:7|7 4:8|8 0: 4:7|7\nR 0: 0: 0: 0:\n"
		 "R 4:1|1 4:2|2 4:3|3 4:1|1\nR 4:1|1 4:2|2 4:3|3 4:1|1\ndocument\n",
		 "records whose keys change places");
}

static void
test_documents(void)
{
	JsonScanSpec spec = base;
	const char *fields[] = {"/id"};
	const char *document[] = {"/next", "/meta/total", "/data", "/meta"};

	spec.records = "/data";
	spec.nfields = 1;
	spec.fields = fields;
	spec.ndocument = 4;
	spec.document = document;
	says(&spec, "{\"data\":[{\"id\":1}],\"next\":\"a\\n\\u0062\",\"meta\":{\"total\":5}}",
		 "R 4:1|1\ndocument 5:a\nb|\"a\\n\\u0062\" 4:5|5 8:| 7:{\"total\":5}|{\"total\":5}\n", "values behind the records");
	says(&spec, "{\"next\":null,\"meta\":{\"total\":5},\"data\":[{\"id\":1}]}",
		 "R 4:1|1\ndocument 1: 4:5|5 8:| 7:{\"total\":5}|{\"total\":5}\n", "values before the records");
	says(&spec, "{\"next\":\"x\",\"next\":\"y\",\"meta\":{\"total\":1},\"data\":[],\"meta\":{}}",
		 "document 5:y|\"y\" 0: 8:| 7:{}|{}\n", "the last of equal keys wins there too");
	says(&spec, "{\"data\":[{\"id\":1}],\"data\":[{\"id\":2}]}",
		 "R 4:1|1\nE7 records array appears twice at 26 record 0 pointer /data\n", "but records cannot be taken back");
	says(&spec, "{\"error\":{\"code\":7},\"next\":\"n\"}",
		 "E6 no array at the records pointer at 0 record 0 pointer \ndocument 5:n|\"n\" 0: 0: 0:\n", "no records");
	says(&spec, "{\"data\":{\"id\":1}}",
		 "E6 no array at the records pointer at 0 record 0 pointer \ndocument 0: 0: 7:| 0:\n", "an object where the records should be");
	says(&spec, "[]", "E6 no array at the records pointer at 0 record 0 pointer \ndocument 0: 0: 0: 0:\n", "an array at the top");
	spec.records = "/a/0/b";
	spec.ndocument = 0;
	says(&spec, "{\"a\":[{\"b\":[{\"id\":1}]},{\"b\":[{\"id\":2}]}]}", "R 4:1|1\ndocument\n", "records below an array index");
	spec.records = "/x~1y/";
	says(&spec, "{\"x/y\":{\"\":[{\"id\":1},{\"id\":2}]}}", "R 4:1|1\nR 4:2|2\ndocument\n", "records below odd names");
	spec.records = "";
	says(&spec, " [ ] ", "document\n", "no records at all");
}

static void
test_errors(void)
{
	JsonScanSpec spec = base;
	const char *fields[] = {"/id"};

	spec.records = "/data";
	spec.nfields = 1;
	spec.fields = fields;
	says(&spec, "{\"data\":[{\"id\":1},{\"id\":2,\"a\":{\"b/c\":[0,tru]}}]}",
		 "R 4:1|1\nE1 a value was expected at 43 record 2 pointer /a/b~1c/1\n", "place inside a record");
	says(&spec, "{\"data\":[{\"id\":1} {\"id\":2}]}",
		 "R 4:1|1\nE1 a comma or the array's end was expected at 18 record 0 pointer /data/0\n", "place between records");
	says(&spec, "{\"data\":[{\"id\":1}],\"meta\":{\"x\":01}}",
		 "R 4:1|1\nE1 a comma or the object's end was expected at 32 record 0 pointer /meta/x\n", "place around the records");
	says(&spec, "{\"data\":[{\"id\":\"\xC3(\"}]}", "E2 invalid UTF-8 at 17 record 1 pointer /id\n", "UTF-8");
	says(&spec, "{\"data\":[{\"id\":1},{\"id\":", "R 4:1|1\nE4 the body ends inside a value at 24 record 2 pointer /id\n", "cut in a record");
	says(&spec, "{\"data\":[{\"id\":1}", "R 4:1|1\nE4 the body ends inside a value at 17 record 0 pointer /data/0\n", "cut behind a record");
	says(&spec, "{\"data\":[{\"id\":1}]", "R 4:1|1\nE4 the body ends inside a value at 18 record 0 pointer /data\n", "cut behind the records");
	says(&spec, "", "E4 the body is empty at 0 record 0 pointer \n", "empty body");
	says(&spec, "{\"data\":[]}{", "E5 more text behind the document's end at 11 record 0 pointer \n", "trailing text");
	says(&spec, "\xEF\xBB\xBF{}", "E1 byte order mark before the text at 0 record 0 pointer \n", "byte order mark");
	says(&spec, "{\"data\":[1,{\"id\":2},[],\"x\",{\"id\":3},null]}",
		 "E8 a record is not an object at 9 record 1 pointer \nR 4:2|2\nE8 a record is not an object at 20 record 3 pointer \n"
		 "E8 a record is not an object at 23 record 4 pointer \nR 4:3|3\nE8 a record is not an object at 36 record 6 pointer \ndocument\n", "records that are no objects can be passed over");
	spec.max_depth = 4;
	says(&spec, "{\"data\":[{\"a\":[0]},{\"a\":[[0]]}]}", "R 0:\nE3 nested too deeply at 25 record 2 pointer /a/0\n", "depth limit");
	spec.max_depth = 64;
	spec.max_record_size = 12;
	says(&spec, "{\"data\":[{\"id\":1234},{\"id\":\"12345\"}]}",
		 "R 4:1234|1234\nE9 record exceeds the largest record size at 33 record 2 pointer /id\n", "record size");
}

static void
test_lines(void)
{
	JsonScanSpec spec = base;
	const char *fields[] = {"/id"};

	spec.ndjson = true;
	spec.nfields = 1;
	spec.fields = fields;
	says(&spec, "{\"id\":1}\n{\"id\":2}\r\n\n  {\"id\":3} ", "R 4:1|1\nR 4:2|2\nR 4:3|3\ndocument\n", "records by line");
	says(&spec, "", "document\n", "no line");
	says(&spec, "{\"id\":1} {\"id\":2}", "R 4:1|1\nE1 more than one value on a line at 9 record 0 pointer \n", "two on a line");
	says(&spec, "{\"id\":\n1}", "E1 line break inside a record at 6 record 1 pointer /id\n", "one on two lines");
	says(&spec, "{\"id\":1}\n{\"id\":", "R 4:1|1\nE4 the body ends inside a value at 15 record 2 pointer /id\n", "cut");
	says(&spec, "{\"id\":1}\n12\n{\"id\":2}\n7", "R 4:1|1\nE8 a record is not an object at 9 record 2 pointer \nR 4:2|2\n"
		 "E8 a record is not an object at 21 record 4 pointer \ndocument\n", "numbers as records");
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* One record with a string of n bytes, after a document value to be skipped of n bytes. */
static char *
large_body(size_t n, size_t *len)
{
	char	   *text = malloc(2 * n + 200);
	char	   *p = text;

	p += sprintf(p, "{\"skipped\":[\"");
	memset(p, 's', n);
	p += n;
	p += sprintf(p, "\"],\"data\":[{\"id\":\"");
	memset(p, 'x', n);
	p += n;
	p += sprintf(p, "\"}]}");
	*len = (size_t) (p - text);
	return text;
}

static void
test_bounds(void)
{
	JsonScanSpec spec = base;
	const char *fields[] = {"/id"};
	size_t		chunk = 16384;
	size_t		len;
	char	   *text = large_body(8 << 20, &len);
	JsonScan   *scan;
	Transcript	t;
	double		times[2];

	spec.records = "/data";
	spec.nfields = 1;
	spec.fields = fields;
	scan = json_scan_create(&spec);
	t = run_scan(scan, &spec, text, len, kilobytes, &chunk);
	ok(t.code == JSON_ERR_RECORD_SIZE, "a record of 8 MB is refused at a limit of 1 MB");
	ok(t.memory <= (4 << 20), "with at most 4 MB held (%zu kB)", t.memory / 1024);
	free(t.text);
	json_scan_free(scan);
	free(text);

	spec.max_record_size = 16 << 20;
	scan = json_scan_create(&spec);
	for (int i = 0; i < 2; i++)
	{
		double		start;

		chunk = i == 0 ? 16384 : 1;
		text = large_body(1 << 20, &len);
		start = now();
		t = run_scan(scan, &spec, text, len, kilobytes, &chunk);
		times[i] = now() - start;
		ok(t.records == 1 && t.code == JSON_ERR_NONE, "2 MB in chunks of %zu", chunk);
		free(t.text);
		free(text);
	}
	ok(times[1] < 10, "byte by byte is slower, not quadratic (%.2f s against %.2f s)", times[1], times[0]);
	json_scan_free(scan);
}

int
main(void)
{
	test_pointers();
	test_strings();
	test_order();
	test_documents();
	test_errors();
	test_lines();
	test_bounds();
	return done_testing();
}
