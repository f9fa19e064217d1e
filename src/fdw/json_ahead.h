/*
 * fdw/json_ahead.h
 *		Looks for the value at a pointer in bytes that the scanner has not come to
 *		yet, by quotes and brackets alone, at a fraction of the scanner's cost.  What
 *		it finds is a guess: it validates nothing, knows no array indices and no
 *		escapes in keys, and takes the first of equal keys.  No server headers.
 */
#ifndef RT_JSON_AHEAD_H
#define RT_JSON_AHEAD_H

#include "fdw/json_pointer.h"

#define JSON_AHEAD_MAX 8192		/* bytes of a value that is kept */

typedef enum JsonAheadResult
{
	JSON_AHEAD_MORE,			/* not seen yet */
	JSON_AHEAD_FOUND,			/* json_ahead_value reads it */
	JSON_AHEAD_NONE				/* it names nothing: null, a container, too long */
} JsonAheadResult;

typedef struct JsonAhead
{
	JsonArena	arena;
	JsonPointer pointer;
	JsonAheadResult result;
	int			depth;			/* containers open */
	int			way;			/* of those, from outside, objects on the pointer's way */
	bool		in_string;
	bool		escaped;		/* the next byte of the string */
	bool		in_key;			/* of the innermost object on the way: that string */
	bool		wants_key;		/* a string here would be a key */
	bool		hit;			/* the key before is the pointer's */
	bool		taking;			/* inside the value */
	size_t		matched;		/* bytes of the key, beyond its length if they differ */
	size_t		raw_len;
	char		raw[JSON_AHEAD_MAX];	/* the value as sent, but for the closing quote */
	size_t		len;
	char		text[JSON_AHEAD_MAX];	/* its text */
} JsonAhead;

/* False if memory is short or the text is no pointer. */
extern bool json_ahead_init(JsonAhead *ahead, const char *pointer,
							void *(*alloc) (void *arg, size_t size),
							void (*release) (void *arg, void *p), void *alloc_arg);

/* Begins another document. */
extern void json_ahead_reset(JsonAhead *ahead);

/* Looks at the document's next bytes; after FOUND or NONE at none any more. */
extern JsonAheadResult json_ahead_feed(JsonAhead *ahead, const char *data, size_t len);

/* After FOUND: a string's text or a number; valid until the reset. */
extern JsonValue json_ahead_value(const JsonAhead *ahead);

extern void json_ahead_free(JsonAhead *ahead);

#endif							/* RT_JSON_AHEAD_H */
