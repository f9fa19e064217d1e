/*
 * fdw/link_header.c
 *		Link header parser (see link_header.h).
 */
#include "fdw/link_header.h"

#include <string.h>
#include <strings.h>

static const char *
skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static bool
is_token_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* relation stands among the space-separated names in s. */
static bool
holds_relation(const char *s, size_t len, const char *relation)
{
	size_t		want = strlen(relation);

	while (len > 0)
	{
		size_t		n = 0;

		while (n < len && s[n] != ' ' && s[n] != '\t')
			n++;
		if (n == want && strncasecmp(s, relation, n) == 0)
			return true;
		n += n < len;
		s += n;
		len -= n;
	}
	return false;
}

/* One ";name=value" at p, of which the value goes to *value, *len; NULL if malformed. */
static const char *
read_parameter(const char *p, const char **name, size_t *name_len, const char **value, size_t *len)
{
	p = skip_space(p);
	*name = p;
	while (is_token_byte(*p))
		p++;
	*name_len = (size_t) (p - *name);
	*value = p;
	*len = 0;
	p = skip_space(p);
	if (*p != '=')
		return p;
	p = skip_space(p + 1);
	if (*p == '"')
	{
		*value = ++p;
		while (*p && *p != '"')
			p += *p == '\\' && p[1] ? 2 : 1;
		if (*p != '"')
			return NULL;
		*len = (size_t) (p - *value);
		return p + 1;
	}
	*value = p;
	while (*p && !strchr(" \t;,\"", *p))
		p++;
	*len = (size_t) (p - *value);
	return p;
}

/* Parameters of one link, up to its comma or the end; *wanted: it has the relation. */
static const char *
read_parameters(const char *p, const char *relation, bool *wanted)
{
	bool		seen_rel = false;
	bool		anchored = false;
	const char *name;
	const char *value;
	size_t		name_len;
	size_t		len;

	*wanted = false;
	for (p = skip_space(p); *p == ';'; p = skip_space(p))
	{
		p = read_parameter(p + 1, &name, &name_len, &value, &len);
		if (p == NULL)
			return NULL;
		if (name_len == 3 && strncasecmp(name, "rel", 3) == 0 && !seen_rel)
		{
			seen_rel = true;	/* RFC 8288, 3.3: only the first counts */
			*wanted = holds_relation(value, len, relation);
		}
		else if (name_len == 6 && strncasecmp(name, "anchor", 6) == 0)
			anchored = true;
	}
	*wanted = *wanted && !anchored;
	return *p == '\0' || *p == ',' ? p : NULL;
}

LinkResult
link_header_find(const char *value, const char *relation, char *out, size_t size)
{
	const char *p = value;

	for (;;)
	{
		const char *target;
		size_t		len;
		bool		wanted;

		while (*p == ' ' || *p == '\t' || *p == ',')
			p++;
		if (*p == '\0')
			return LINK_NONE;
		if (*p != '<')
			return LINK_MALFORMED;
		target = p + 1;
		len = strcspn(target, ">");
		if (target[len] != '>')
			return LINK_MALFORMED;
		p = read_parameters(target + len + 1, relation, &wanted);
		if (p == NULL)
			return LINK_MALFORMED;
		if (wanted)
		{
			if (len >= size)
				return LINK_MALFORMED;
			memcpy(out, target, len);
			out[len] = '\0';
			return LINK_FOUND;
		}
	}
}
