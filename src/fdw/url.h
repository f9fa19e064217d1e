/*
 * fdw/url.h
 *		URLs of the wrapper: taking apart, resolving, origins, query strings.
 *
 * Plain C without server headers and without allocation: unit-tested and fuzzed
 * alone.  Only absolute http and https URLs without user information pass; every
 * byte that could end a line or a header is refused or percent-encoded.
 */
#ifndef RT_URL_H
#define RT_URL_H

#include <stdbool.h>
#include <stddef.h>

#define URL_MAX 8192			/* bytes with terminator, longest URL we send */

/* Pieces point into the parsed string, which must outlive them. */
typedef struct UrlParts
{
	bool		https;
	const char *host;			/* as written, brackets of IPv6 included */
	size_t		host_len;
	int			port;			/* the scheme's default if not written */
	const char *path;			/* from the first '/', may be empty */
	size_t		path_len;
	const char *query;			/* after '?', NULL if there is none */
	size_t		query_len;
} UrlParts;

/* False with *why (static text) if url is not an http(s) URL that we would ask for. */
extern bool url_parse(const char *url, UrlParts *parts, const char **why);

/* Scheme, host (any case) and port are equal. */
extern bool url_same_origin(const UrlParts *a, const UrlParts *b);

/* host[:port] stands in the comma list (a port not written: any). */
extern bool url_host_listed(const char *list, const UrlParts *parts);

/* False with *why if the comma list of host[:port] is malformed. */
extern bool url_host_list_valid(const char *list, const char **why);

/*
 * Resolves a reference against an absolute URL (RFC 3986, 5.2), without fragment.
 * Spaces and other bytes that URLs may not hold are percent-encoded.  False with
 * *why if the result is not a URL that we would ask for, or longer than size.
 */
extern bool url_resolve(const char *base, const char *reference, char *out, size_t size,
						const char **why);

/* base_url and path with one '/' between them; path may bring a query string. */
extern bool url_join(const char *base, const char *path, char *out, size_t size);

/* Appends name=value to url's query string, both encoded; false if it grows beyond size. */
extern bool url_add_parameter(char *url, size_t size, const char *name, const char *value);

/* Appends value, encoded, to url; '/' too, so that a value stays one path segment. */
extern bool url_add_encoded(char *url, size_t size, const char *value, size_t len);

/* Length that url_add_encoded would add. */
extern size_t url_encoded_length(const char *value, size_t len);

/* Copies url without query string: what may stand in messages. */
extern void url_without_query(const char *url, char *out, size_t size);

/*
 * An IPv4 (4 bytes) or IPv6 (16 bytes) address, network order, that is link-local,
 * a cloud's metadata service, multicast or unspecified-but-not-loopback, also when
 * an IPv4 one hides in an IPv6 one.  Connecting there needs allow_hosts.
 */
extern bool url_address_refused(const unsigned char *address, size_t len);

/* A header's name (RFC 9110 token) or value (no control bytes) that may be sent. */
extern bool url_header_name_valid(const char *name, size_t len);
extern bool url_header_value_valid(const char *value, size_t len);

#endif							/* RT_URL_H */
