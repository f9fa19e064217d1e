/*
 * Fuzz target: URLs as servers, documents and next links bring them. Lines of the input are a base, a
 * reference, a name, a value, a list of hosts; what comes out must be sendable, within its buffer, and
 * must not change when it is resolved again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdw/json_scan.h"
#include "fdw/url.h"

#define LINES 5

static void
require(int condition, const char *what)
{
	if (!condition)
	{
		fprintf(stderr, "not so: %s\n", what);
		abort();
	}
}

/* Nothing that could end a line or a header, nothing beyond ASCII. */
static int
is_sendable(const char *url)
{
	for (; *url != '\0'; url++)
	{
		if ((unsigned char) *url <= 0x20 || (unsigned char) *url >= 0x7F)
			return 0;
	}
	return 1;
}

static void
check_parts(const char *url, const UrlParts *parts)
{
	const char *end = url + strlen(url);

	require(parts->host >= url && parts->host + parts->host_len <= end && parts->host_len > 0, "host within");
	require(parts->path >= url && parts->path + parts->path_len <= end, "path within");
	require(parts->query == NULL || (parts->query >= url && parts->query + parts->query_len <= end), "query within");
	require(parts->port > 0 && parts->port <= 65535, "port in range");
	require(url_same_origin(parts, parts), "same origin as itself");
}

static void
check_resolved(const char *base, const char *reference, size_t size)
{
	char	   *out = malloc(size);
	char	   *again = malloc(URL_MAX);
	const char *why = NULL;
	UrlParts	parts;

	if (url_resolve(base, reference, out, size, &why))
	{
		require(strlen(out) < size, "resolved fits");
		require(is_sendable(out), "resolved is sendable");
		require(url_parse(out, &parts, &why), "resolved parses");
		check_parts(out, &parts);
		require(url_resolve(base, out, again, URL_MAX, &why), "resolves again");
		require(strcmp(out, again) == 0, "to the same");
	}
	else
		require(why != NULL, "a refusal has a reason");
	free(out);
	free(again);
}

static void
check_built(const char *base, const char *path, const char *name, const char *value, size_t size)
{
	char	   *url = malloc(size);
	char	   *shown = malloc(size);
	UrlParts	parts;
	const char *why;

	if (url_join(base, path, url, size))
	{
		require(strlen(url) < size, "joined fits");
		if (url_parse(url, &parts, &why))
		{
			if (url_add_parameter(url, size, name, value))
			{
				require(strlen(url) < size, "with parameter fits");
				require(url_parse(url, &parts, &why) && is_sendable(url), "and is sendable");
				require(parts.query != NULL, "and has a query");
			}
			url_without_query(url, shown, size);
			require(strchr(shown, '?') == NULL, "no query is shown");
		}
	}
	free(url);
	free(shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *lines[LINES];
	char	   *text = malloc(size + 1);
	char	   *p = text;
	UrlParts	parts;
	const char *why = NULL;
	size_t		small = size > 0 ? 1 + data[0] : 1;

	memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < LINES; i++)
	{
		size_t		len = strcspn(p, "\n");

		lines[i] = malloc(len + 1);
		memcpy(lines[i], p, len);
		lines[i][len] = '\0';
		p += len + (p[len] == '\n');
	}
	if (url_parse(lines[0], &parts, &why))
	{
		check_parts(lines[0], &parts);
		require(is_sendable(lines[0]), "what parses is sendable");
		check_resolved(lines[0], lines[1], URL_MAX);
		check_resolved(lines[0], lines[1], small);
		check_built(lines[0], lines[1], lines[2], lines[3], URL_MAX);
		check_built(lines[0], lines[1], lines[2], lines[3], small);
		url_host_listed(lines[4], &parts);
	}
	else
		require(why != NULL, "a refusal has a reason");
	url_host_list_valid(lines[4], &why);
	if (url_header_value_valid(lines[3], strlen(lines[3])))
		require(strpbrk(lines[3], "\r\n") == NULL, "no line ends in a header");
	url_header_name_valid(lines[2], strlen(lines[2]));
	url_address_refused(data, size >= 16 ? 16 : size >= 4 ? 4 : 0);
	json_pointer_valid(lines[1]);
	for (int i = 0; i < LINES; i++)
		free(lines[i]);
	free(text);
	return 0;
}
