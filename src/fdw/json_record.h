/*
 * fdw/json_record.h
 *		The fast half of the scanner: one record that lies in memory as a
 *		whole, validated and projected in one pass.  No server headers.
 */
#ifndef RT_JSON_RECORD_H
#define RT_JSON_RECORD_H

#include "fdw/json_pointer.h"

/* A value with what is left to do for it. */
typedef struct JsonSlot
{
	JsonValue	value;
	bool		escaped;		/* data still is the raw inside of the string */
} JsonSlot;

typedef struct JsonRecord
{
	JsonNode   *tree;
	JsonSlot   *slots;
	int			nslots;
	int			max_depth;		/* containers open at once, those around the record included */
	int			base_depth;		/* those around the record */
	uint64_t   *nesting;		/* a bit a container skipped over: 1 = object; max_depth bits */
	char	   *key;			/* room for an unescaped key: key_size bytes */
	size_t		key_size;
	bool		any_escaped;
} JsonRecord;

/*
 * Parses the object that begins at p.  Its end, or NULL if it is malformed, too
 * deep or not complete before limit (JSON_PAD bytes behind limit are readable):
 * the caller then finds out which with the resumable walk.  Slots point into
 * the text; strings with escapes are left to json_record_unescape.
 */
extern const char *json_record_parse(JsonRecord *record, const char *p, const char *limit);

/* Unescapes the strings that need it, into scratch of at least the record's length. */
extern void json_record_unescape(JsonRecord *record, char *scratch);

#endif							/* RT_JSON_RECORD_H */
