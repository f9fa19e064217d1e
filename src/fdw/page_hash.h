/*
 * fdw/page_hash.h
 *		Streaming 64-bit hash: recognises a page that comes again, whatever
 *		pieces it arrives in.  Not for adversaries: a server that wants to lie can.
 */
#ifndef RT_PAGE_HASH_H
#define RT_PAGE_HASH_H

#include <stdint.h>
#include <string.h>

typedef struct PageHash
{
	uint64_t	state;
	uint64_t	length;
	unsigned char rest[8];		/* bytes short of a word */
	unsigned	nrest;
} PageHash;

static inline void
page_hash_init(PageHash *h)
{
	memset(h, 0, sizeof(*h));
	h->state = UINT64_C(0x9E3779B97F4A7C15);
}

static inline void
page_hash_word(PageHash *h, uint64_t word)
{
	h->state = (h->state ^ word) * UINT64_C(0xD6E8FEB86659FD93);
	h->state ^= h->state >> 32;
}

static inline void
page_hash_add(PageHash *h, const char *data, size_t len)
{
	uint64_t	word;

	h->length += len;
	while (h->nrest > 0 && h->nrest < 8 && len > 0)
	{
		h->rest[h->nrest++] = (unsigned char) *data++;
		len--;
	}
	if (h->nrest == 8)
	{
		memcpy(&word, h->rest, 8);
		page_hash_word(h, word);
		h->nrest = 0;
	}
	for (; len >= 8; data += 8, len -= 8)
	{
		memcpy(&word, data, 8);
		page_hash_word(h, word);
	}
	memcpy(h->rest + h->nrest, data, len);
	h->nrest += (unsigned) len;
}

static inline uint64_t
page_hash_end(PageHash *h)
{
	uint64_t	word = 0;

	memcpy(&word, h->rest, h->nrest);
	page_hash_word(h, word);
	page_hash_word(h, h->length);
	page_hash_word(h, h->state >> 29);
	return h->state;
}

static inline uint64_t
page_hash_string(const char *s)
{
	PageHash	h;

	page_hash_init(&h);
	page_hash_add(&h, s, strlen(s));
	return page_hash_end(&h);
}

#endif							/* RT_PAGE_HASH_H */
