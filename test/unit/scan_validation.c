/*
 * Protects the scanner's idea of what JSON is: the cases of the public JSON test suites,
 * as facts (what must be taken, what must be refused, what RFC 8259 leaves open), each
 * as a document, as a value that is skipped, one that is projected, and as NDJSON where it
 * is an object; whole, byte by byte and in two halves at every place.
 */
#include "scan_driver.h"
#include "tap.h"

typedef struct Case
{
	char		verdict;		/* y, n, i: i states what we do */
	bool		taken;			/* for i */
	const char *name;
	const char *text;
	size_t		len;
} Case;

#define CASE(v, t, name, text) {v, t, name, text, sizeof(text) - 1}
#define Y(name, text) CASE('y', true, name, text)
#define N(name, text) CASE('n', false, name, text)
#define I(taken, name, text) CASE('i', taken, name, text)

static const Case cases[] = {
	/* values */
	Y("empty array", "[]"), Y("array of empty string", "[\"\"]"), Y("nested empty", "[[]   ]"),
	Y("heterogeneous", "[null, 1, \"1\", {}]"), Y("space around", " [1] "), Y("leading space", " []"),
	Y("newline around", "\n[1\n]\n"), Y("tabs and returns", "\t[\r\n1\r\t]"), Y("false", "[false]"),
	Y("several nulls", "[1,null,null,null,2]"), Y("lonely true", "true"), Y("lonely null", "null"),
	Y("lonely false", "false"), Y("lonely string", "\"asd\""), Y("lonely integer", "42"),
	Y("lonely negative real", "-0.1"), Y("empty string alone", "\"\""), Y("empty object", "{}"),
	Y("white space array", " [] "), Y("true in array", "[true]"), Y("trailing newline", "[\"a\"]\n"),
	/* numbers */
	Y("plain", "[123]"), Y("0e+1", "[0e+1]"), Y("0e1", "[0e1]"), Y("zero", "[0]"), Y("space after", "[ 4]"),
	Y("close to zero", "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]"),
	Y("exponent", "[20e1]"), Y("minus zero", "[-0]"), Y("negative", "[-123]"), Y("minus one", "[-1]"),
	Y("capital E", "[1E22]"), Y("E minus", "[1E-2]"), Y("E plus", "[1E+2]"), Y("real exponent", "[123e45]"),
	Y("real fraction exponent", "[123.456e78]"), Y("e minus", "[1e-2]"), Y("e plus", "[1e+2]"),
	Y("simple real", "[123.456789]"), Y("long fraction", "[0.12345678901234567890123456789]"),
	Y("16 digits", "[1234567890123456]"), Y("17 digits", "[12345678901234567]"), Y("32 digits", "[12345678901234567890123456789012]"),
	I(true, "huge exponent", "[123.456e-789]"), I(true, "overflow", "[1e400]"), I(true, "very big", "[100000000000000000000]"),
	I(true, "huge exponent digits", "[0.4e00669999999999999999999999999999999999999999999999999999999999999999999999999999999999999969999999006]"),
	I(true, "negative overflow", "[-123123e100000]"), I(true, "underflow", "[123e-10000000]"),
	N("++", "[++1234]"), N("+1", "[+1]"), N("+Inf", "[+Inf]"), N("-01", "[-01]"), N("-1.0.", "[-1.0.]"),
	N("-2.", "[-2.]"), N("-NaN", "[-NaN]"), N(".-1", "[.-1]"), N(".2e-3", "[.2e-3]"), N("0.1.2", "[0.1.2]"),
	N("0.3e", "[0.3e]"), N("0.3e+", "[0.3e+]"), N("0.e1", "[0.e1]"), N("0E", "[0E]"), N("0E+", "[0E+]"), N("0e", "[0e]"),
	N("0e+", "[0e+]"), N("1.0e", "[1.0e]"), N("1.0e+", "[1.0e+]"), N("1.0e-", "[1.0e-]"), N("1 000", "[1 000.0]"),
	N("1eE2", "[1eE2]"), N("2.e+3", "[2.e+3]"), N("2.e-3", "[2.e-3]"), N("2.e3", "[2.e3]"), N("9.e+", "[9.e+]"),
	N("Inf", "[Inf]"), N("NaN", "[NaN]"), N("full width digit", "[\xEF\xBC\x91]"), N("expression", "[1+2]"), N("hex", "[0x1]"),
	N("hex two", "[0x42]"), N("Infinity", "[Infinity]"), N("0e+-1", "[0e+-1]"), N("-foo", "[-foo]"), N("minus space 1", "[- 1]"),
	N("-012", "[-012]"), N("-.123", "[-.123]"), N("-1x", "[-1x]"), N("1ea", "[1ea]"), N("1.", "[1.]"), N(".123", "[.123]"),
	N("1.2a-3", "[1.2a-3]"), N("1.8011670033376514H-308", "[1.8011670033376514H-308]"), N("012", "[012]"), N("00", "[00]"),
	N("minus", "[-]"), N("-a", "[-a]"), N("1e1.5", "[1e1.5]"), N("1_000", "[1_000]"), N("number and letter", "[1a]"),
	N("two minus", "[--1]"), N("32 digits then dot", "[12345678901234567890123456789012.]"), N("16 digits then letter", "[1234567890123456x]"),
	/* strings */
	Y("escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), Y("\\u escape", "[\"\\u0060\\u012a\\u12AB\"]"),
	Y("surrogate pair", "[\"\\uD801\\udc37\"]"), Y("two surrogate pairs", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
	Y("escaped backslash and u", "[\"\\\\u0000\"]"), Y("escaped quote", "[\"\\\"\"]"), Y("comments in string", "[\"a/*b*/c/*d//e\"]"),
	Y("double escape a", "[\"\\\\a\"]"), Y("escaped control", "[\"\\u0012\"]"), Y("non-character U+FFFF", "[\"\\uFFFF\"]"),
	Y("U+10FFFF raw", "[\"\xF4\x8F\xBF\xBF\"]"), Y("U+FFFF raw", "[\"\xEF\xBF\xBF\"]"), Y("NUL escape", "[\"\\u0000\"]"),
	Y("pi raw", "[\"\xCF\x80\"]"), Y("U+1BFFF raw", "[\"\xF0\x9B\xBF\xBF\"]"), Y("reserved", "[\"asd \xEF\xBF\xB0\"]"),
	Y("space string", "\" \""), Y("DEL", "[\"a\x7F" "a\"]"), Y("three byte", "[\"\xE2\x82\xAC\xF0\x9D\x84\x9E\"]"), Y("U+2028 raw", "[\"\xE2\x80\xA8\"]"),
	Y("uEscape mixed", "[\"\\u0061\\u30af\\u30EA\\u30b9\"]"), Y("escaped noncharacter", "[\"\\uDBFF\\uDFFE\"]"), Y("raw utf8", "[\"\xE9\x95\x9D\"]"),
	I(true, "lone high surrogate", "[\"\\uDADA\"]"), I(true, "lone low surrogate", "[\"\\uDFAA\"]"),
	I(true, "inverted surrogates", "[\"\\uDd1e\\uD834\"]"), I(true, "high and character", "[\"\\uD888\\u1234\"]"),
	I(true, "incomplete pair and escape", "[\"\\uD800\\n\"]"), I(true, "two high surrogates", "[\"\\uD800\\uD800\\uDC00\"]"),
	I(false, "UTF-8 surrogate U+D800", "[\"\xED\xA0\x80\"]"), I(false, "overlong 2", "[\"\xC0\xAF\"]"),
	I(false, "overlong 6", "[\"\xFC\x83\xBF\xBF\xBF\xBF\"]"), I(false, "overlong NUL", "[\"\xC0\x80\"]"), I(false, "overlong 3", "[\"\xE0\x80\xAF\"]"),
	I(false, "overlong 4", "[\"\xF0\x80\x80\xAF\"]"), I(false, "beyond U+10FFFF", "[\"\xF4\xBF\xBF\xBF\"]"), I(false, "F5", "[\"\xF5\x80\x80\x80\"]"),
	I(false, "lone continuation", "[\"\x81\"]"), I(false, "ISO Latin 1", "[\"\xE9\"]"), I(false, "truncated UTF-8", "[\"\xE0\xFF\"]"),
	I(false, "incomplete 2", "[\"\xC3\"]"), I(false, "incomplete 3", "[\"\xE2\x82\"]"), I(false, "incomplete 4", "[\"\xF0\x9D\x84\"]"),
	I(false, "FE FF", "[\"\xFE\xFF\"]"), I(false, "BOM", "\xEF\xBB\xBF[]"), I(false, "BOM and object", "\xEF\xBB\xBF{}"),
	N("UTF-16LE", "[\0\"\0\xE9\0\"\0]\0"), N("UTF-16BE BOM", "\xFE\xFF\0["), N("BOM alone", "\xEF\xBB\xBF"), N("incomplete BOM", "\xEF\xBB{}"),
	N("one surrogate then escape u", "[\"\\uD800\\u\"]"), N("1 surrogate then u1", "[\"\\uD800\\u1\"]"), N("u1x", "[\"\\uD800\\u1x\"]"),
	N("accentuated without quotes", "[\xC3\xA9]"), N("escape NUL byte", "[\"\\\0\"]"), N("escape x", "[\"\\x00\"]"), N("escaped emoji", "[\"\\\xF0\x9F\x8C\x80\"]"),
	N("escaped tab byte", "[\"\\\t\"]"), N("\\a", "[\"\\a\"]"), N("incomplete escape", "[\"\\\"]"), N("incomplete \\u", "[\"\\u00A\"]"),
	N("\\u with non-hex", "[\"\\uqqqq\"]"), N("invalid UTF-8 after escape", "[\"\\\xE5\"]"), N("capital U", "[\"\\U0041\"]"),
	N("leading escaped thin space", "[\\u0020\"asd\"]"), N("no quotes, bad escape", "[\\n]"), N("single quote", "['single quote']"),
	N("string alone without quotes", "abc"), N("no closing quote", "[\"\\"), N("raw newline", "[\"new\nline\"]"), N("raw tab", "[\"\t\"]"),
	N("raw NUL", "[\"a\0a\"]"), N("raw 1F", "[\"\x1F\"]"), N("unterminated", "[\"abc"), N("\\'", "[\"\\'\"]"), N("hex escape", "[\"\\x41\"]"),
	/* structure */
	N("1 true without comma", "[1 true]"), N("colon instead of comma", "[\"\": 1]"), N("comma after close", "[\"\"],"), N("comma and number", "[,1]"),
	N("double comma", "[1,,2]"), N("double extra comma", "[\"x\",,]"), N("extra close", "[\"x\"]]"), N("extra comma", "[\"\",]"),
	N("incomplete", "[\"x\""), N("inner array no comma", "[3[4]]"), N("items separated by semicolon", "[1:2]"), N("just comma", "[,]"),
	N("just minus", "[-]"), N("missing value", "[   , \"\"]"), N("newlines unclosed", "[\"a\",\n4\n,1,"), N("number and comma", "[1,]"),
	N("several commas", "[1,,]"), N("form feed inside", "[\"\x0B" "a\"\\f]"), N("star inside", "[*]"), N("unclosed", "[\"\""), N("unclosed comma", "[1,"),
	N("unclosed newline", "[1,\n1\n,1"), N("unclosed with object", "[{}"), N("incomplete false", "[fals]"), N("incomplete null", "[nul]"),
	N("incomplete true", "[tru]"), N("two values", "[true] x"), N("capitalised", "[True]"), N("nulll", "[nulll]"), N("trues", "[trues]"),
	N("falsey at end", "false x"), N("NULL", "[NULL]"),
	N("bad value", "[\"x\", truth]"), N("bracket key", "{[: \"x\"}\n"), N("comma instead of colon", "{\"x\", null}"), N("double colon", "{\"x\"::\"b\"}"),
	N("emoji key", "{\xF0\x9F\x87\xA8\xF0\x9F\x87\xAD}"), N("garbage at end", "{\"a\":\"a\" 123}"), N("key with single quotes", "{key: 'value'}"),
	N("lone continuation in key", "{\"\xB9\":\"0\",}"), N("missing colon", "{\"a\" b}"), N("missing key", "{:\"b\"}"), N("missing semicolon", "{\"a\" \"b\"}"),
	N("missing value in object", "{\"a\":"), N("no colon", "{\"a\""), N("non-string key", "{1:1}"), N("non-string key exponent", "{9999E9999:1}"),
	N("null keys", "{null:null,null:null}"), N("several trailing commas", "{\"id\":0,,,,,}"), N("single quotes", "{'a':0}"), N("trailing comma", "{\"id\":0,}"),
	N("trailing comment", "{\"a\":\"b\"}/**/"), N("trailing comment open", "{\"a\":\"b\"}/**//"), N("slash slash", "{\"a\":\"b\"}//"), N("slash", "{\"a\":\"b\"}/"),
	N("two commas", "{\"a\":\"b\",,\"c\":\"d\"}"), N("unquoted key", "{a: \"b\"}"), N("unterminated value", "{\"a\":\"a"), N("single string", "{ \"foo\" : \"bar\", \"a\" }"),
	N("key without value then close", "{\"a\":}"), N("object then hash", "{\"a\":\"b\"}#"), N("lone open", "{"), N("lone close", "}"), N("lone array close", "]"),
	N("angle", "<.>"), N("angle null", "[<null>]"), N("array and garbage", "[1]x"), N("array with extra close", "[1]]"), N("unclosed string", "[\"asd]"),
	N("two objects", "{\"a\": true} \"x\""), N("single value and hash", "2#"), N("no data", ""), N("space only", " "), N("NUL", "[\0]"), N("comma alone", ","),
	N("object with comment", "{\"a\":/*comment*/\"b\"}"), N("open apostrophe", "['"), N("open array comma", "[,"), N("open open object", "[{"), N("open string", "[\"a"),
	N("open string object", "[\"a\""), N("object close array", "{]"), N("array close object", "[}"), N("object comma", "{,"), N("open object array", "{["),
	N("U+2060", "[\xE2\x81\xA0]"), N("no-break space", "[\xC2\xA0" "1]"), N("uescaped LF", "[\\u000A\"\"]"), N("unclosed array of literal", "[ false, tru"), N("form feed", "[\f]"),
	N("vertical tab", "[\v1]"), N("end of transmission", "[1]\x04"), N("NUL behind", "[1]\0"), N("array of unclosed objects", "[{\"\":[{\"\":["),
	/* objects */
	Y("basic object", "{\"asd\":\"sdf\"}"), Y("duplicate key", "{\"a\":\"b\",\"a\":\"c\"}"), Y("duplicate key and value", "{\"a\":\"b\",\"a\":\"b\"}"),
	Y("empty key", "{\"\":0}"), Y("escaped NUL in key", "{\"foo\\u0000bar\": 42}"), Y("extreme numbers", "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
	Y("long strings", "{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
	Y("object with array", "{\"a\":[]}"), Y("unicode", "{\"title\":\"\\u041f\\u043e\\u043b\" }"), Y("with newlines", "{\n\"a\": \"b\"\n}"), Y("spaces before colon", "{\"a\"  \n :  1 , \"b\"\t:2}"),
	I(true, "lone surrogate in key", "{\"\\uDFAA\":0}"),
};

static size_t
one_byte(void *state, size_t left)
{
	(void) state;
	(void) left;
	return 1;
}

/* First chunk of *state bytes, the rest in one. */
static size_t
split_at(void *state, size_t left)
{
	size_t		n = *(size_t *) state;

	*(size_t *) state = SIZE_MAX;
	return n == 0 || n > left ? left : n;
}

/* True if nothing but the place of the records was wrong. */
static bool
is_taken(const Transcript *t)
{
	return t->code == JSON_ERR_NONE || t->code == JSON_ERR_RECORDS;
}

static bool
check_text(const JsonScanSpec *spec, JsonScan *scan, const char *text, size_t len, bool taken)
{
	Transcript	whole = run_scan(scan, spec, text, len, NULL, NULL);
	Transcript	bytes = run_scan(scan, spec, text, len, one_byte, NULL);
	bool		good = is_taken(&whole) == taken && strcmp(whole.text, bytes.text) == 0;

	for (size_t i = 0; good && i <= len; i++)
	{
		size_t		at = i;
		Transcript	split = run_scan(scan, spec, text, len, split_at, &at);

		good = strcmp(whole.text, split.text) == 0;
		if (!good)
			printf("# split at %zu: %s# whole: %s", i, split.text, whole.text);
		free(split.text);
	}
	if (!good)
		printf("# whole: %s# by byte: %s", whole.text, bytes.text);
	free(whole.text);
	free(bytes.text);
	return good;
}

int
main(void)
{
	const char *fields[] = {"", "/v", "/v/0", "/a", "/v/a"};
	const char *document[] = {"/v", "/0", "/a"};
	JsonScanSpec top = {.records = "",.nfields = 5,.fields = fields,.ndocument = 3,.document = document,
	.max_record_size = 1 << 20,.max_depth = 64,.alloc = driver_alloc,.release = driver_release};
	JsonScanSpec skipping = top;
	JsonScanSpec lines = top;
	JsonScan   *scan;
	JsonScan   *skip_scan;
	JsonScan   *line_scan;

	skipping.nfields = 0;
	skipping.ndocument = 0;
	lines.ndjson = true;
	scan = json_scan_create(&top);
	skip_scan = json_scan_create(&skipping);
	line_scan = json_scan_create(&lines);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *c = &cases[i];
		/* enough text behind it that the record is parsed where it lies */
		static const char head[] = "[{\"v\":";
		static const char tail[] = ",\"p\":1},{\"p\":\"................................................................"
			"..............................................................................................\"},{}]";
		char		text[2048];
		size_t		len = 0;
		bool		good;

		good = check_text(&top, scan, c->text, c->len, c->taken);
		memcpy(text, head, len = sizeof(head) - 1);
		memcpy(text + len, c->text, c->len);
		len += c->len;
		memcpy(text + len, tail, sizeof(tail) - 1);
		len += sizeof(tail) - 1;
		good &= check_text(&top, scan, text, len, c->taken);
		good &= check_text(&skipping, skip_scan, text, len, c->taken);
		if (c->text[0] == '{' && memchr(c->text, '\n', c->len) == NULL)
			good &= check_text(&lines, line_scan, c->text, c->len, c->taken);
		ok(good, "%c %s", c->verdict, c->name);
	}
	json_scan_free(scan);
	json_scan_free(skip_scan);
	json_scan_free(line_scan);
	return done_testing();
}
