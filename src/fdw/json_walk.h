/*
 * fdw/json_walk.h
 *		The resumable half of the scanner: a push-down automaton that validates
 *		byte by byte and can stop anywhere.  It walks what stands around the
 *		records, picks the document values out of it, and goes through records
 *		that arrive in pieces.  All errors are its: the fast parser only knows
 *		that something is wrong.  No server headers.
 */
#ifndef RT_JSON_WALK_H
#define RT_JSON_WALK_H

#include "fdw/json_pointer.h"

typedef enum JsonWalkResult
{
	JSON_WALK_MORE,				/* all bytes are used up */
	JSON_WALK_RECORD,			/* stands at a record's first byte */
	JSON_WALK_RECORD_END,		/* stands behind a record that json_walk_enter began */
	JSON_WALK_ERROR
} JsonWalkResult;

typedef enum JsonWalkState
{
	WALK_VALUE,
	WALK_FIRST_VALUE,			/* or the array's end */
	WALK_KEY,
	WALK_FIRST_KEY,				/* or the object's end */
	WALK_COLON,
	WALK_AFTER,					/* a value: comma or end */
	WALK_DONE,					/* the document's value is complete */
	WALK_LINE_END,				/* NDJSON: a record is complete */
	WALK_STRING,
	WALK_ESCAPE,
	WALK_HEX,
	WALK_UTF8,
	WALK_LITERAL,
	WALK_MINUS,
	WALK_ZERO,					/* from here to WALK_EXPONENT a number may end except ... */
	WALK_INTEGER,
	WALK_POINT,					/* ... here */
	WALK_FRACTION,
	WALK_E,						/* ... here */
	WALK_E_SIGN,				/* ... and here */
	WALK_EXPONENT
} JsonWalkState;

/* An open container. */
typedef struct JsonLevel
{
	uint64_t	index;			/* of the element, in an array */
	uint32_t	key_from;		/* the key in path, in an object */
	uint32_t	key_len;
	bool		object;
} JsonLevel;

/* A pointer followed through the document. */
typedef struct JsonTarget
{
	const char *source;			/* the pointer as given */
	JsonPointer pointer;
	int			live;			/* depth of the innermost open container on its way */
	bool		hit;			/* the member whose key was just read is on its way */
	/* the rest for document values only */
	bool		taking;			/* inside the value */
	bool		found;
	bool		textless;		/* a container here may hold the records: kept without text */
	int			depth;			/* of the container around it */
	char		first;			/* its first byte */
	const char *from;			/* its bytes in this chunk not copied yet */
	uint64_t	at;				/* offset of its first byte */
	char	   *text;
	size_t		len;
	size_t		size;
	char	   *unescaped;
	JsonValue	value;
} JsonTarget;

#define JSON_PATH_BYTES 256

typedef struct JsonWalk
{
	JsonArena  *arena;
	JsonWalkState state;
	bool		ndjson;
	int			depth;			/* containers open */
	int			max_depth;
	size_t		max_value;		/* bytes of a document value */
	JsonLevel  *levels;			/* [0] unused, [1..max_depth] */
	uint64_t	offset;			/* of the next byte to be walked */

	bool		in_record;
	bool		records_found;
	int			records_depth;	/* depth inside the records array while it is open, else -1 */
	char		record_first;	/* first byte of the record */
	bool		record_done;
	uint64_t	record;			/* number of the record last entered, from 1 */

	int			ntargets;		/* [0]: the records array */
	JsonTarget *targets;

	bool		in_key;
	const char *key_from;		/* key's bytes in this chunk not copied yet */
	char	   *key;			/* raw key that came in pieces */
	size_t		key_len;
	size_t		key_size;
	bool		key_cut;
	char	   *key_text;		/* key_size bytes: unescaped */
	char		path[JSON_PATH_BYTES];	/* keys of the open objects, raw, as far as they fit */

	const char *literal;		/* what is still to come of it */
	int			hex;			/* digits still to come */
	int			utf8;			/* bytes still to come */
	unsigned char utf8_low;		/* bounds of the next one */
	unsigned char utf8_high;

	JsonScanError error;
} JsonWalk;

/* False if memory is short or a pointer is not valid. */
extern bool json_walk_create(JsonWalk *walk, JsonArena *arena, const JsonScanSpec *spec);
extern void json_walk_reset(JsonWalk *walk);

/* Gives back what the arena does not own. */
extern void json_walk_free(JsonWalk *walk);

/* Walks from *p to end at most, moving *p. */
extern JsonWalkResult json_walk(JsonWalk *walk, const char **p, const char *end);

/* At JSON_WALK_RECORD: the record is to be walked through ... */
extern void json_walk_enter(JsonWalk *walk);

/* ... or was parsed otherwise: len bytes. */
extern void json_walk_skip(JsonWalk *walk, size_t len);

/* The body has ended: JSON_WALK_MORE if rightly, RECORD_END first if a record has. */
extern JsonWalkResult json_walk_finish(JsonWalk *walk);

/* Fills walk->error, with the place. */
extern JsonWalkResult json_walk_error(JsonWalk *walk, JsonScanErrorCode code,
									  const char *message, uint64_t offset);

extern size_t json_walk_memory(const JsonWalk *walk);

#endif							/* RT_JSON_WALK_H */
