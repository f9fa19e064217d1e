/*
 * fdw/url.c
 *		URLs of the wrapper, in plain C (see url.h).
 */
#include "fdw/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_unreserved(char c)
{
	return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Bytes that may stand in a URL as they are. */
static bool
is_url_byte(char c)
{
	return is_unreserved(c) || (c != '\0' && strchr("%:/?#[]@!$&'()*+,;=", c) != NULL);
}

static bool
is_host_byte(char c)
{
	return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the host at p, 0 if there is no valid one; stops at ':' '/' '?' or the end. */
static size_t
host_length(const char *p)
{
	size_t		n = 0;

	if (*p == '[')
	{
		for (n = 1; is_hex(p[n]) || p[n] == ':' || p[n] == '.'; n++)
			;
		return p[n] == ']' && n > 2 ? n + 1 : 0;
	}
	while (is_host_byte(p[n]))
		n++;
	return n;
}

/* Reads ":port" at *p if there is one; false if it is no port. */
static bool
read_port(const char **p, int *port)
{
	const char *s = *p;
	int			value = 0;

	if (*s != ':')
		return true;
	s++;
	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++)
	{
		value = value * 10 + (*s - '0');
		if (value > 65535)
			return false;
	}
	if (value == 0)
		return false;
	*port = value;
	*p = s;
	return true;
}

static bool
refuse(const char **why, const char *reason)
{
	if (why != NULL)
		*why = reason;
	return false;
}

bool
url_parse(const char *url, UrlParts *parts, const char **why)
{
	const char *p;

	memset(parts, 0, sizeof(*parts));
	if (strlen(url) >= URL_MAX)
		return refuse(why, "it is longer than 8191 bytes");
	if (strncasecmp(url, "https://", 8) == 0)
		parts->https = true;
	else if (strncasecmp(url, "http://", 7) != 0)
		return refuse(why, "only http:// and https:// are supported");
	for (p = url; *p; p++)
		if (!is_url_byte(*p))
			return refuse(why, "it holds a byte that URLs may not hold");
	p = url + (parts->https ? 8 : 7);
	{
		size_t		authority = strcspn(p, "/?#");

		if (memchr(p, '@', authority) != NULL)
			return refuse(why, "user information belongs into the user mapping");
	}
	parts->host = p;
	parts->host_len = host_length(p);
	if (parts->host_len == 0)
		return refuse(why, "it has no valid host");
	p += parts->host_len;
	parts->port = parts->https ? 443 : 80;
	if (!read_port(&p, &parts->port))
		return refuse(why, "its port is not between 1 and 65535");
	if (*p != '\0' && *p != '/' && *p != '?')
		return refuse(why, *p == '#' ? "it has a fragment" : "it has no valid host");
	parts->path = p;
	parts->path_len = strcspn(p, "?#");
	p += parts->path_len;
	if (*p == '?')
	{
		parts->query = p + 1;
		parts->query_len = strcspn(p + 1, "#");
		p += 1 + parts->query_len;
	}
	if (*p == '#')
		return refuse(why, "it has a fragment");
	return true;
}

bool
url_same_origin(const UrlParts *a, const UrlParts *b)
{
	return a->https == b->https && a->port == b->port && a->host_len == b->host_len &&
		strncasecmp(a->host, b->host, a->host_len) == 0;
}

/* One entry of a host list: host[:port] up to a comma; p moves behind it. */
static bool
read_host_entry(const char **p, const char **host, size_t *len, int *port)
{
	const char *s = *p;

	while (*s == ' ')
		s++;
	*host = s;
	*len = host_length(s);
	*port = 0;
	if (*len == 0)
		return false;
	s += *len;
	if (!read_port(&s, port))
		return false;
	while (*s == ' ')
		s++;
	if (*s != '\0' && *s != ',')
		return false;
	*p = *s == ',' ? s + 1 : s;
	return true;
}

bool
url_host_listed(const char *list, const UrlParts *parts)
{
	const char *host;
	size_t		len;
	int			port;

	while (list != NULL && *list)
	{
		if (!read_host_entry(&list, &host, &len, &port))
			return false;
		if (len == parts->host_len && strncasecmp(host, parts->host, len) == 0 &&
			(port == 0 || port == parts->port))
			return true;
	}
	return false;
}

bool
url_host_list_valid(const char *list, const char **why)
{
	const char *host;
	size_t		len;
	int			port;

	if (list[0] == '\0' || list[strlen(list) - 1] == ',')
		return refuse(why, "an entry is empty");
	while (*list)
		if (!read_host_entry(&list, &host, &len, &port))
			return refuse(why, "entries are host or host:port, parted by commas");
	return true;
}

/* Appends n bytes; false if they do not fit with a terminator. */
static bool
append(char *out, size_t size, const char *s, size_t n)
{
	size_t		at = strlen(out);

	if (n >= size - at)
		return false;
	memcpy(out + at, s, n);
	out[at + n] = '\0';
	return true;
}

/* Drops the last segment of the path that begins at out + from. */
static void
drop_last_segment(char *out, size_t from)
{
	size_t		n = strlen(out);

	while (n > from && out[n - 1] != '/')
		n--;
	if (n > from)
		n--;
	out[n] = '\0';
}

/* RFC 3986, 5.2.4: appends path without its dot segments. */
static bool
append_without_dots(char *out, size_t size, const char *path, size_t len)
{
	size_t		from = strlen(out);
	const char *end = path + len;

	while (path < end)
	{
		const char *next = path + 1;
		size_t		n;

		while (next < end && *next != '/')
			next++;
		n = (size_t) (next - path);
		if (n == 2 && memcmp(path, "/.", 2) == 0)
		{
			if (next == end && !append(out, size, "/", 1))
				return false;
		}
		else if (n == 3 && memcmp(path, "/..", 3) == 0)
		{
			drop_last_segment(out, from);
			if (next == end && !append(out, size, "/", 1))
				return false;
		}
		else if (!append(out, size, path, n))
			return false;
		path = next;
	}
	return true;
}

/* Copies a reference up to its fragment, encoding bytes that URLs may not hold. */
static bool
clean_reference(const char *reference, char *out, size_t size)
{
	size_t		n = 0;

	for (; *reference && *reference != '#'; reference++)
	{
		if (is_url_byte(*reference))
		{
			if (n + 1 >= size)
				return false;
			out[n++] = *reference;
		}
		else
		{
			if (n + 3 >= size)
				return false;
			snprintf(out + n, 4, "%%%02X", (unsigned char) *reference);
			n += 3;
		}
	}
	out[n] = '\0';
	return true;
}

/* The reference begins with a scheme of its own. */
static bool
has_scheme(const char *s)
{
	if (!is_alpha(*s))
		return false;
	while (is_alpha(*s) || is_digit(*s) || *s == '+' || *s == '-' || *s == '.')
		s++;
	return *s == ':';
}

/* Resolves a reference without scheme and authority against base's parts. */
static bool
resolve_path(const char *base, const UrlParts *b, const char *ref, char *out, size_t size)
{
	const char *query = strchr(ref, '?');
	size_t		path_len = query ? (size_t) (query - ref) : strlen(ref);
	char		merged[URL_MAX];
	size_t		dir = 0;

	out[0] = '\0';
	if (!append(out, size, base, (size_t) (b->path - base)))
		return false;
	if (path_len == 0)
	{
		if (!append_without_dots(out, size, b->path, b->path_len))
			return false;
		if (query == NULL && b->query != NULL)
			return append(out, size, "?", 1) && append(out, size, b->query, b->query_len);
		return query == NULL || append(out, size, query, strlen(query));
	}
	merged[0] = '\0';
	if (ref[0] != '/')
	{
		for (dir = b->path_len; dir > 0 && b->path[dir - 1] != '/'; dir--)
			;
		if (!(dir > 0 ? append(merged, sizeof(merged), b->path, dir)
			  : append(merged, sizeof(merged), "/", 1)))
			return false;
	}
	if (!append(merged, sizeof(merged), ref, path_len) ||
		!append_without_dots(out, size, merged, strlen(merged)))
		return false;
	return query == NULL || append(out, size, query, strlen(query));
}

bool
url_resolve(const char *base, const char *reference, char *out, size_t size, const char **why)
{
	UrlParts	b;
	UrlParts	result;
	char		ref[URL_MAX];
	bool		fits;

	if (!url_parse(base, &b, why))
		return false;
	if (!clean_reference(reference, ref, sizeof(ref)))
		return refuse(why, "it is longer than 8191 bytes");
	out[0] = '\0';
	if (has_scheme(ref))
		fits = append(out, size, ref, strlen(ref));
	else if (ref[0] == '/' && ref[1] == '/')
		fits = append(out, size, b.https ? "https:" : "http:", b.https ? 6 : 5) &&
			append(out, size, ref, strlen(ref));
	else
		fits = resolve_path(base, &b, ref, out, size);
	if (!fits)
		return refuse(why, "it is longer than 8191 bytes");
	return url_parse(out, &result, why);
}

bool
url_join(const char *base, const char *path, char *out, size_t size)
{
	size_t		n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	out[0] = '\0';
	if (!append(out, size, base, n))
		return false;
	if (path[0] != '/' && path[0] != '?' && path[0] != '\0' && !append(out, size, "/", 1))
		return false;
	return append(out, size, path, strlen(path));
}

size_t
url_encoded_length(const char *value, size_t len)
{
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
		n += is_unreserved(value[i]) ? 1 : 3;
	return n;
}

bool
url_add_encoded(char *url, size_t size, const char *value, size_t len)
{
	size_t		at = strlen(url);

	if (url_encoded_length(value, len) >= size - at)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (is_unreserved(value[i]))
			url[at++] = value[i];
		else
		{
			snprintf(url + at, 4, "%%%02X", (unsigned char) value[i]);
			at += 3;
		}
	}
	url[at] = '\0';
	return true;
}

bool
url_add_parameter(char *url, size_t size, const char *name, const char *value)
{
	size_t		n = strlen(url);
	const char *mark = strchr(url, '?');
	const char *separator = mark == NULL ? "?" : mark[1] == '\0' || url[n - 1] == '&' ? "" : "&";

	return append(url, size, separator, strlen(separator)) &&
		url_add_encoded(url, size, name, strlen(name)) && append(url, size, "=", 1) &&
		url_add_encoded(url, size, value, strlen(value));
}

void
url_without_query(const char *url, char *out, size_t size)
{
	size_t		n = strcspn(url, "?#");

	if (n >= size)
		n = size - 1;
	memcpy(out, url, n);
	out[n] = '\0';
}

static bool
ipv4_refused(const unsigned char *a)
{
	static const unsigned char alibaba[4] = {100, 100, 100, 200};
	static const unsigned char azure[4] = {168, 63, 129, 16};
	static const unsigned char oracle[4] = {192, 0, 0, 192};

	return (a[0] == 169 && a[1] == 254) || a[0] >= 224 ||
		(a[0] == 0 && (a[1] || a[2] || a[3])) ||
		memcmp(a, alibaba, 4) == 0 || memcmp(a, azure, 4) == 0 || memcmp(a, oracle, 4) == 0;
}

bool
url_address_refused(const unsigned char *a, size_t len)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
	/* RFC 8215: the address stands at the end, or as RFC 6052 parts it behind 48 bits */
	static const unsigned char local_nat64[6] = {0, 0x64, 0xff, 0x9b, 0, 1};
	static const unsigned char zeros[12] = {0};
	/* the networks of Amazon's, Google's and Oracle's metadata services */
	static const unsigned char clouds[][8] = {
		{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0}, {0xfd, 0x20, 0, 0xce, 0, 0, 0, 0}, {0xfd, 0, 0, 0xc1, 0, 0, 0, 0}
	};

	if (len == 4)
		return ipv4_refused(a);
	if (len != 16)
		return true;
	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return ipv4_refused(a + 12);
	if (memcmp(a, zeros, 12) == 0)	/* ::, ::1 and the IPv4-compatible ones */
		return !(a[12] == 0 && a[13] == 0 && a[14] == 0 && a[15] <= 1) && ipv4_refused(a + 12);
	if (a[0] == 0x20 && a[1] == 0x02)	/* 6to4 */
		return ipv4_refused(a + 2);
	if (memcmp(a, local_nat64, 6) == 0)
	{
		const unsigned char parted[4] = {a[6], a[7], a[9], a[10]};

		return ipv4_refused(a + 12) || ipv4_refused(parted);
	}
	for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++)
		if (memcmp(a, clouds[i], 8) == 0)
			return true;
	return (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || a[0] == 0xff;
}

bool
url_header_name_valid(const char *name, size_t len)
{
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		char		c = name[i];

		if (!is_alpha(c) && !is_digit(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return true;
}

bool
url_header_value_valid(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) value[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}
