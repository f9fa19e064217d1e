/*
 * fdw/link_header.h
 *		Link header (RFC 8288): finds the target of a relation.
 *
 * Plain C without server headers and without allocation.
 */
#ifndef RT_LINK_HEADER_H
#define RT_LINK_HEADER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum LinkResult
{
	LINK_NONE,					/* no link of that relation */
	LINK_FOUND,
	LINK_MALFORMED				/* not RFC 8288, or longer than size */
} LinkResult;

/*
 * First link in value (several Link headers joined by commas) whose rel parameter
 * holds the relation, without an anchor of its own; its target goes to out.
 */
extern LinkResult link_header_find(const char *value, const char *relation,
								   char *out, size_t size);

#endif							/* RT_LINK_HEADER_H */
