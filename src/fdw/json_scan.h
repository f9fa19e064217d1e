/*
 * fdw/json_scan.h
 *		Streaming, projecting JSON scanner: bytes in as they arrive, records out.
 *
 * No server headers here or in json_scan.c: it is unit-tested and fuzzed alone.
 * It never longjmps and allocates through the given functions only.
 *
 * Use:	json_scan_create, then repeat { json_scan_feed; while json_scan_next
 *		gives JSON_SCAN_RECORD use json_scan_field }, at the end of the body
 *		json_scan_finish and once more json_scan_next until JSON_SCAN_END.
 */
#ifndef RT_JSON_SCAN_H
#define RT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JV_: jansson and the server have JSON_ names of their own. */
typedef enum JsonKind
{
	JV_MISSING,					/* the pointer leads nowhere */
	JV_NULL,
	JV_FALSE,
	JV_TRUE,
	JV_NUMBER,				/* text as sent, never through a double */
	JV_STRING,				/* unescaped, valid UTF-8, may be empty, never holds a zero byte */
	JV_BAD_STRING,				/* legal JSON no text can hold: \u0000, a lone surrogate; data = raw */
	JV_OBJECT,				/* raw JSON text */
	JV_ARRAY					/* raw JSON text */
} JsonKind;

/*
 * Nothing is terminated; all is valid until the next json_scan_next, feed or
 * reset (document values: until the next reset or free).
 */
typedef struct JsonValue
{
	JsonKind	kind;
	const char *data;			/* the value's text: unescaped for strings */
	size_t		len;
	const char *raw;			/* the value as sent, with quotes and escapes */
	size_t		raw_len;
} JsonValue;

typedef enum JsonScanResult
{
	JSON_SCAN_RECORD,			/* fields of a record can be read */
	JSON_SCAN_MORE,				/* feed more bytes, or finish */
	JSON_SCAN_END,				/* body ended rightly; document values can be read */
	JSON_SCAN_ERROR				/* see json_scan_error */
} JsonScanResult;

typedef enum JsonScanErrorCode
{
	JSON_ERR_NONE,
	JSON_ERR_SYNTAX,			/* not RFC 8259 */
	JSON_ERR_UTF8,				/* invalid UTF-8 */
	JSON_ERR_DEPTH,
	JSON_ERR_TRUNCATED,			/* the body ended inside a value */
	JSON_ERR_TRAILING,			/* bytes after the document's end */
	JSON_ERR_RECORDS,			/* nothing, or no array, at the records pointer */
	JSON_ERR_RECORDS_TWICE,		/* a second value at the records pointer, which would replace them */
	JSON_ERR_RECORD_KIND,		/* a record that is not an object; the one error after which
								 * json_scan_next may be called to go on with the next record */
	JSON_ERR_RECORD_SIZE,		/* a record above max_record_size */
	JSON_ERR_MEMORY
} JsonScanErrorCode;

typedef struct JsonScanSpec
{
	const char *records;		/* RFC 6901 pointer to the array; "" = the document itself */
	bool		ndjson;			/* a record per line instead */
	int			nfields;
	const char *const *fields;	/* pointers inside a record; "" = the raw record */
	int			ndocument;
	const char *const *document;	/* pointers from the document's top (next cursor, total, error);
									 * not into the records; one that holds the records has no text */
	size_t		max_record_size;	/* bytes; also bounds each document value */
	int			max_depth;
	void	   *(*alloc) (void *arg, size_t size);	/* NULL on failure */
	void		(*release) (void *arg, void *p);
	void	   *alloc_arg;
} JsonScanSpec;

typedef struct JsonScanError
{
	JsonScanErrorCode code;
	const char *message;		/* static text, lower case, no period */
	uint64_t	offset;			/* byte of the (decoded) body, from 0 */
	uint64_t	record;			/* number of the record, from 1; 0: outside any */
	char		pointer[256];	/* where in the document or record, cut with "..." */
} JsonScanError;

typedef struct JsonScan JsonScan;

/* True if the text is an RFC 6901 pointer of at most JSON_POINTER_TOKENS tokens. */
#define JSON_POINTER_TOKENS 64
extern bool json_pointer_valid(const char *pointer);

/* NULL if memory is short or a pointer is not valid; the spec's pointers are copied. */
extern JsonScan *json_scan_create(const JsonScanSpec *spec);
extern void json_scan_free(JsonScan *scan);

/* Begins another body with the same spec. */
extern void json_scan_reset(JsonScan *scan);

/* Copies what it needs to keep: data may be reused after json_scan_next said JSON_SCAN_MORE. */
extern void json_scan_feed(JsonScan *scan, const char *data, size_t len);
extern void json_scan_finish(JsonScan *scan);
extern JsonScanResult json_scan_next(JsonScan *scan);

/* i-th field of the current record. */
extern const JsonValue *json_scan_field(const JsonScan *scan, int i);

/* i-th document value; meaningful after JSON_SCAN_END and after JSON_ERR_RECORDS. */
extern const JsonValue *json_scan_document(const JsonScan *scan, int i);

extern const JsonScanError *json_scan_error(const JsonScan *scan);

/*
 * Takes the next element from the raw text of an array that a scan gave out
 * (so it is known to be valid).  *cursor begins at raw and is moved; false at
 * the array's end.  Strings are unescaped into scratch, which must have room
 * for the array's raw length and lives as long as the value is used.
 */
extern bool json_array_next(const char **cursor, const char *end, char *scratch, JsonValue *value);

/* Bytes held in its buffers now: for EXPLAIN's peak. */
extern size_t json_scan_memory(const JsonScan *scan);

#endif							/* RT_JSON_SCAN_H */
