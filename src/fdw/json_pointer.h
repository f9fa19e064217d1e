/*
 * fdw/json_pointer.h
 *		RFC 6901 pointers, and the tree that many of them form: what the
 *		record parser walks along.  No server headers.
 */
#ifndef RT_JSON_POINTER_H
#define RT_JSON_POINTER_H

#include "fdw/json_scan.h"

/* Memory that is given back as a whole: all that lives as long as a scan. */
typedef struct JsonArena
{
	void	   *(*alloc) (void *arg, size_t size);
	void		(*release) (void *arg, void *p);
	void	   *arg;
	struct JsonArenaBlock *blocks;
	size_t		size;			/* bytes taken */
} JsonArena;

/* Zeroed memory, or NULL. */
extern void *json_arena_alloc(JsonArena *arena, size_t size);
extern char *json_arena_copy(JsonArena *arena, const char *text);
extern void json_arena_free(JsonArena *arena);

typedef struct JsonToken
{
	const char *text;			/* with ~0 and ~1 undone */
	size_t		len;
	int64_t		index;			/* as an array index, or -1 */
} JsonToken;

typedef struct JsonPointer
{
	int			ntokens;
	JsonToken  *tokens;
} JsonPointer;

/* False if memory is short or the text is no pointer. */
extern bool json_pointer_parse(JsonArena *arena, const char *text, JsonPointer *pointer);

/*
 * What an object's keys looked like in the record before, in order: the text
 * from the opening quote to the value (colon and usual space included), so
 * that one comparison finds key and target.
 */
#define JSON_TEMPLATE_TEXT 32
#define JSON_TEMPLATE_KEYS 128

typedef struct JsonTemplate
{
	char		text[JSON_TEMPLATE_TEXT];
	uint32_t	mask;			/* bit i: byte i belongs to the text */
	uint32_t	len;
	struct JsonNode *child;		/* NULL: not wanted */
} JsonTemplate;

/* A place in the record on the way to, or of, a wanted field. */
typedef struct JsonNode
{
	const JsonToken *token;		/* from the parent; NULL at the root */
	struct JsonNode *first;		/* children */
	struct JsonNode *next;		/* sibling */
	int			nchildren;
	int			slot;			/* where this value goes, or -1 */
	int			slots_from;		/* slots of all places below: [from, to) */
	int			slots_to;
	struct JsonNode **hash;		/* children by key, if there are many */
	uint32_t	hash_mask;
	JsonTemplate *templates;
	int			ntemplates;
} JsonNode;

/*
 * The tree of n pointers.  slot_of[i] is the slot of the i-th; equal pointers
 * share one.  NULL if memory is short or a text is no pointer.
 */
extern JsonNode *json_tree_create(JsonArena *arena, int n, const char *const *texts,
								  int *slot_of, int *nslots);

extern JsonNode *json_tree_key(const JsonNode *node, const char *key, size_t len);
extern JsonNode *json_tree_index(const JsonNode *node, int64_t index);

#endif							/* RT_JSON_POINTER_H */
