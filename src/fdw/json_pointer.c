/*
 * fdw/json_pointer.c
 *		RFC 6901 pointers, and the tree that many of them form.
 */
#include "fdw/json_pointer.h"

#include <string.h>

#define HASH_FROM_CHILDREN 8	/* fewer are searched one by one */

typedef struct JsonArenaBlock
{
	struct JsonArenaBlock *next;
	_Alignas(8) char data[];	/* what palloc aligns to */
} JsonArenaBlock;

void *
json_arena_alloc(JsonArena *arena, size_t size)
{
	JsonArenaBlock *block = arena->alloc(arena->arg, sizeof(JsonArenaBlock) + size);

	if (block == NULL)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->size += size;
	memset(block->data, 0, size);
	return block->data;
}

char *
json_arena_copy(JsonArena *arena, const char *text)
{
	size_t		size = strlen(text) + 1;
	char	   *copy = json_arena_alloc(arena, size);

	return copy == NULL ? NULL : memcpy(copy, text, size);
}

void
json_arena_free(JsonArena *arena)
{
	while (arena->blocks != NULL)
	{
		JsonArenaBlock *block = arena->blocks;

		arena->blocks = block->next;
		arena->release(arena->arg, block);
	}
	arena->size = 0;
}

/* Number of tokens, or -1 if the text is no pointer we take. */
static int
count_tokens(const char *text)
{
	int			n = 0;

	if (*text != '\0' && *text != '/')
		return -1;
	for (; *text != '\0'; text++)
	{
		if (*text == '/')
			n++;
		else if (*text == '~' && text[1] != '0' && text[1] != '1')
			return -1;
	}
	return n <= JSON_POINTER_TOKENS ? n : -1;
}

bool
json_pointer_valid(const char *pointer)
{
	return count_tokens(pointer) >= 0;
}

/* The array index a token stands for: digits without leading zero, else -1. */
static int64_t
token_index(const JsonToken *token)
{
	int64_t		v = 0;

	if (token->len == 0 || token->len > 18 || (token->text[0] == '0' && token->len > 1))
		return -1;
	for (size_t i = 0; i < token->len; i++)
	{
		if (token->text[i] < '0' || token->text[i] > '9')
			return -1;
		v = v * 10 + (token->text[i] - '0');
	}
	return v;
}

bool
json_pointer_parse(JsonArena *arena, const char *text, JsonPointer *pointer)
{
	int			n = count_tokens(text);
	char	   *copy;

	if (n < 0)
		return false;
	pointer->ntokens = n;
	pointer->tokens = json_arena_alloc(arena, sizeof(JsonToken) * (size_t) (n + 1));
	copy = json_arena_alloc(arena, strlen(text) + 1);
	if (pointer->tokens == NULL || copy == NULL)
		return false;
	for (int i = 0; i < n; i++)
	{
		JsonToken  *token = &pointer->tokens[i];

		token->text = copy;
		for (text++; *text != '\0' && *text != '/'; text++)
		{
			if (*text == '~')
				*copy++ = *++text == '0' ? '~' : '/';
			else
				*copy++ = *text;
		}
		token->len = (size_t) (copy - token->text);
		token->index = token_index(token);
	}
	return true;
}

static uint32_t
hash_key(const char *key, size_t len)
{
	uint32_t	h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char) key[i]) * 16777619u;
	return h ^ h >> 15;
}

static bool
token_is(const JsonToken *token, const char *key, size_t len)
{
	return token->len == len && memcmp(token->text, key, len) == 0;
}

JsonNode *
json_tree_key(const JsonNode *node, const char *key, size_t len)
{
	if (node->hash != NULL)
	{
		uint32_t	h = hash_key(key, len) & node->hash_mask;

		for (; node->hash[h] != NULL; h = (h + 1) & node->hash_mask)
		{
			if (token_is(node->hash[h]->token, key, len))
				return node->hash[h];
		}
		return NULL;
	}
	for (JsonNode *child = node->first; child != NULL; child = child->next)
	{
		if (token_is(child->token, key, len))
			return child;
	}
	return NULL;
}

JsonNode *
json_tree_index(const JsonNode *node, int64_t index)
{
	for (JsonNode *child = node->first; child != NULL; child = child->next)
	{
		if (child->token->index == index)
			return child;
	}
	return NULL;
}

/* The place of a pointer in the tree, added where it is not there yet. */
static JsonNode *
add_pointer(JsonArena *arena, JsonNode *node, const JsonPointer *pointer)
{
	for (int i = 0; i < pointer->ntokens; i++)
	{
		const JsonToken *token = &pointer->tokens[i];
		JsonNode   *child = json_tree_key(node, token->text, token->len);

		if (child == NULL)
		{
			child = json_arena_alloc(arena, sizeof(JsonNode));
			if (child == NULL)
				return NULL;
			child->token = token;
			child->slot = -1;
			child->next = node->first;
			node->first = child;
			node->nchildren++;
		}
		node = child;
	}
	return node;
}

/* Numbers the slots so that those below a place are one range; makes the indexes. */
static bool
finish_tree(JsonArena *arena, JsonNode *node, int *nslots)
{
	if (node->slot >= 0)
		node->slot = (*nslots)++;
	node->slots_from = *nslots;
	for (JsonNode *child = node->first; child != NULL; child = child->next)
	{
		if (!finish_tree(arena, child, nslots))
			return false;
	}
	node->slots_to = *nslots;
	if (node->first == NULL)
		return true;
	node->templates = json_arena_alloc(arena, sizeof(JsonTemplate) * JSON_TEMPLATE_KEYS);
	if (node->templates == NULL)
		return false;
	if (node->nchildren >= HASH_FROM_CHILDREN)
	{
		uint32_t	size = 16;

		while (size < 2 * (uint32_t) node->nchildren)
			size *= 2;
		node->hash = json_arena_alloc(arena, sizeof(JsonNode *) * size);
		if (node->hash == NULL)
			return false;
		node->hash_mask = size - 1;
		for (JsonNode *child = node->first; child != NULL; child = child->next)
		{
			uint32_t	h = hash_key(child->token->text, child->token->len) & node->hash_mask;

			while (node->hash[h] != NULL)
				h = (h + 1) & node->hash_mask;
			node->hash[h] = child;
		}
	}
	return true;
}

JsonNode *
json_tree_create(JsonArena *arena, int n, const char *const *texts, int *slot_of, int *nslots)
{
	JsonNode   *root = json_arena_alloc(arena, sizeof(JsonNode));
	JsonNode  **places = json_arena_alloc(arena, sizeof(JsonNode *) * (size_t) (n + 1));

	if (root == NULL || places == NULL)
		return NULL;
	root->slot = -1;
	for (int i = 0; i < n; i++)
	{
		JsonPointer pointer;

		if (!json_pointer_parse(arena, texts[i], &pointer))
			return NULL;
		places[i] = add_pointer(arena, root, &pointer);
		if (places[i] == NULL)
			return NULL;
		places[i]->slot = 0;	/* wanted; numbered below */
	}
	*nslots = 0;
	if (!finish_tree(arena, root, nslots))
		return NULL;
	for (int i = 0; i < n; i++)
		slot_of[i] = places[i]->slot;
	return root;
}
