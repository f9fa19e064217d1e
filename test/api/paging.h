/*
 * paging.h
 *		One page of a resource: which records, in which dress, what comes next.
 */
#ifndef API_PAGING_H
#define API_PAGING_H

#include "filter.h"
#include "memory.h"

typedef enum PageStyle
{
	PAGE_ENVELOPE, /* /v1:  {"data": [...], "next": ..., "total": N} */
	PAGE_ARRAY,    /* /v1l: [...], the next page in the Link header only */
	PAGE_LINES     /* /v1n: one record a line (NDJSON), ditto */
} PageStyle;

typedef struct PageRequest
{
	PageStyle style;
	size_t limit;       /* records a page */
	const char *cursor; /* of the page before, or NULL */
	size_t offset;      /* records to skip, if there is no cursor */
	size_t page;        /* page number from 1, or 0 */
} PageRequest;

typedef struct PageAnswer
{
	Buffer body;
	size_t total;  /* records that match, all pages together */
	char next[64]; /* cursor of the next page, "" on the last one */
} PageAnswer;

/* Makes a page. False if the cursor is none of this query's. */
extern bool page_make(const Filter *filter, const PageRequest *request, PageAnswer *answer);

#endif /* API_PAGING_H */
