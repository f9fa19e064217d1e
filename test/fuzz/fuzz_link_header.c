/*
 * Fuzz target: the Link header. The answer may not depend on the room given for it but for being refused,
 * and a target that was found stands in the header.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdw/link_header.h"

static LinkResult
find(const char *value, size_t size, char **out)
{
	*out = malloc(size);
	return link_header_find(value, "next", *out, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *value = malloc(size + 1);
	char	   *large;
	char	   *small;
	LinkResult	wide;
	LinkResult	narrow;

	memcpy(value, data, size);
	value[size] = '\0';
	wide = find(value, size + 2, &large);
	if (wide == LINK_FOUND && strstr(value, large) == NULL)
	{
		fprintf(stderr, "found what is not there: %s\n", large);
		abort();
	}
	for (size_t room = 1; room <= 64 && room < size; room *= 2)
	{
		narrow = find(value, room, &small);
		if (narrow == LINK_FOUND && (wide != LINK_FOUND || strcmp(large, small) != 0))
		{
			fprintf(stderr, "another answer in %zu bytes\n", room);
			abort();
		}
		free(small);
	}
	free(large);
	free(value);
	return 0;
}
