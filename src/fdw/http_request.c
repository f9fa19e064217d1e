/*
 * fdw/http_request.c
 *		One transfer: setting up curl's easy handle, and its callbacks.
 */
#include "fdw/http_internal.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "miscadmin.h"

static bool
header_is(const char *line, size_t len, const char *name, const char **value, size_t *value_len)
{
	size_t		n = strlen(name);

	if (len <= n || line[n] != ':' || pg_strncasecmp(line, name, n) != 0)
		return false;
	line += n + 1;
	len -= n + 1;
	while (len > 0 && (*line == ' ' || *line == '\t'))
		line++, len--;
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		len--;
	*value = line;
	*value_len = len;
	return true;
}

/* Copies up to size - 1 bytes; a value that is longer counts as absent. */
static void
keep_header(char *to, size_t size, const char *value, size_t len)
{
	if (len >= size)
		len = 0;
	memcpy(to, value, len);
	to[len] = '\0';
}

/* Joins Link headers by ", ". */
static void
keep_link(HttpRequest *req, const char *value, size_t len)
{
	size_t		have = req->link ? strlen(req->link) : 0;
	char	   *joined;

	if (have + len + 3 > LINK_BYTES_MAX || memchr(value, '\0', len) != NULL ||
		(joined = realloc(req->link, have + len + 3)) == NULL)
	{
		req->too_large = true;
		return;
	}
	if (have > 0)
	{
		memcpy(joined + have, ", ", 2);
		have += 2;
	}
	memcpy(joined + have, value, len);
	joined[have + len] = '\0';
	req->link = joined;
}

static void
forget_answer(HttpRequest *req)
{
	free(req->link);
	req->link = NULL;
	req->answered = req->good = req->unknown_encoding = false;
	req->location[0] = req->retry_after[0] = '\0';
	memset(&req->answer, 0, sizeof(req->answer));
}

/* The empty line after the headers: decides what becomes of the body. */
static void
end_of_headers(HttpRequest *req)
{
	long		status = 0;

	curl_easy_getinfo(req->easy, CURLINFO_RESPONSE_CODE, &status);
	req->answer.status = (int) status;
	if (status < 200)
		return;
	req->answer.link = req->link;
	req->answer.url = req->url;
	req->answered = true;
	req->good = (status == 200 || status == 203 || status == 204) &&
		!req->is_token && !req->unknown_encoding;
	req->cap = req->good ? 0 : req->is_token ? TOKEN_BODY_MAX : ERROR_BODY_MAX;
}

static size_t
on_header(char *line, size_t size, size_t nmemb, void *arg)
{
	HttpRequest *req = arg;
	size_t		len = size * nmemb;
	const char *value;
	size_t		n;

	req->last_activity = rt_http_now();
	req->header_bytes += len;
	if (req->header_bytes > HEADER_BYTES_MAX)
		req->too_large = true;
	if (req->too_large)
		return 0;
	/* trailers, behind the body: they change nothing of what the answer said */
	if (req->answered)
		return len;
	if (len >= 5 && strncmp(line, "HTTP/", 5) == 0)
	{
		forget_answer(req);
		req->answer.delimited = len > 5 && line[5] != '0' && line[5] != '1';
	}
	else if (len <= 2 && (len == 0 || line[0] == '\r' || line[0] == '\n'))
		end_of_headers(req);
	else if (header_is(line, len, "content-type", &value, &n))
		keep_header(req->answer.content_type, sizeof(req->answer.content_type), value, n);
	else if (header_is(line, len, "content-encoding", &value, &n))
	{
		req->answer.gzip = (n == 4 && pg_strncasecmp(value, "gzip", 4) == 0) ||
			(n == 6 && pg_strncasecmp(value, "x-gzip", 6) == 0);
		req->unknown_encoding = !req->answer.gzip && n > 0 &&
			!(n == 8 && pg_strncasecmp(value, "identity", 8) == 0);
	}
	else if (header_is(line, len, "content-length", &value, &n) ||
			 header_is(line, len, "transfer-encoding", &value, &n))
		req->answer.delimited = true;
	else if (header_is(line, len, "location", &value, &n))
		keep_header(req->location, sizeof(req->location), value, n);
	else if (header_is(line, len, "retry-after", &value, &n))
		keep_header(req->retry_after, sizeof(req->retry_after), value, n);
	else if (header_is(line, len, "link", &value, &n))
		keep_link(req, value, n);
	return req->too_large ? 0 : len;
}

static size_t
on_body(char *data, size_t size, size_t nmemb, void *arg)
{
	HttpRequest *req = arg;

	req->last_activity = rt_http_now();
	return rt_http_store(req, data, size * nmemb);
}

/*
 * Called with the address that is about to be connected to, after the name was
 * looked up: the one place where no trick with names can hide a link-local or
 * metadata address.
 */
static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpRequest *req = arg;
	bool		refused = true;

	if (address->family == AF_INET)
		refused = url_address_refused((unsigned char *) &((struct sockaddr_in *) &address->addr)->sin_addr, 4);
	else if (address->family == AF_INET6)
		refused = url_address_refused((unsigned char *) &((struct sockaddr_in6 *) &address->addr)->sin6_addr, 16);
	if (refused && !req->host_allowed)
	{
		req->refused_address = true;
		return CURL_SOCKET_BAD;
	}
	req->conn->counters.connections++;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Request headers; NULL if memory is short. */
static struct curl_slist *
build_headers(HttpRequest *req)
{
	const FdwOptions *o = req->conn->opts;
	struct curl_slist *list = NULL;
	const char *line = o->headers ? o->headers : "";
	bool		accept = false;

	/* the server's own headers are credentials as far as we know */
	while (*line && req->same_origin && !req->is_token)
	{
		size_t		len = strcspn(line, "\n");
		char		text[HEADER_LINE_MAX];
		size_t		n = len > 0 && line[len - 1] == '\r' ? len - 1 : len;

		if (n > 0 && n < sizeof(text))
		{
			memcpy(text, line, n);
			text[n] = '\0';
			accept = accept || pg_strncasecmp(text, "accept:", 7) == 0;
			list = curl_slist_append(list, text);
		}
		line += len + (line[len] == '\n');
	}
	if (req->accept[0] && !accept)
	{
		char		text[300];

		snprintf(text, sizeof(text), "Accept: %s", req->accept);
		list = curl_slist_append(list, text);
	}
	list = curl_slist_append(list, "Accept-Encoding: gzip");
	return rt_http_add_credentials(req, list);
}

#define SET(option, value) \
	do { if (curl_easy_setopt(req->easy, option, value) != CURLE_OK) ok = false; } while (0)

/* Who we are and whom we trust. */
static bool
set_connection_options(HttpRequest *req)
{
	const FdwOptions *o = req->conn->opts;
	bool		ok = true;

	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, req);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) o->connect_timeout);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_PROXY, o->proxy ? o->proxy : "");	/* never from the environment */
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
	SET(CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* a look-up that hangs must not hold up cancel: leave its thread behind */
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (o->ca_file)
		SET(CURLOPT_CAINFO, o->ca_file);
	if (o->client_cert && req->same_origin)
		SET(CURLOPT_SSLCERT, o->client_cert);
	if (o->client_key && req->same_origin)
		SET(CURLOPT_SSLKEY, o->client_key);
	return ok;
}

static bool
set_request_options(HttpRequest *req)
{
	bool		ok = true;

	SET(CURLOPT_URL, req->url);
	SET(CURLOPT_HTTPHEADER, req->headers);
	SET(CURLOPT_USERAGENT, "retrack_fdw");
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, req);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, req);
	SET(CURLOPT_PRIVATE, req);
	SET(CURLOPT_ERRORBUFFER, req->curl_error);
	SET(CURLOPT_BUFFERSIZE, 65536L);
	if (req->post)
	{
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, req->post);
	}
	return ok;
}

bool
rt_http_launch(HttpRequest *req)
{
	HttpConn   *conn = req->conn;
	CURLMcode	rc = CURLM_OUT_OF_MEMORY;

	if (req->easy == NULL)
		req->easy = curl_easy_init();
	else
		curl_easy_reset(req->easy);
	curl_slist_free_all(req->headers);
	req->headers = build_headers(req);
	rt_http_clear_body(req);
	forget_answer(req);
	req->header_bytes = 0;
	req->too_large = req->refused_address = req->ended = false;
	req->curl_error[0] = '\0';
	req->started = req->last_activity = rt_http_now();
	req->waited = 0;
	if (req->easy == NULL || req->headers == NULL || !set_connection_options(req) ||
		!set_request_options(req) || (rc = curl_multi_add_handle(conn->multi, req->easy)) != CURLM_OK)
	{
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
					 "could not set up an HTTP request");
		snprintf(req->detail, sizeof(req->detail), "%s", curl_multi_strerror(rc));
		return false;
	}
	req->in_multi = true;
	req->state = REQUEST_RUNNING;
	conn->counters.requests++;
	return true;
}

/*
 * Takes the transfer from curl, finished or not.  Only a handle whose transfer came
 * to its end in HTTP/1 is used again: in one that had an HTTP/2 stream libcurl 7.88
 * leaves bytes of it behind, which the next transfer would hand out as its own.
 */
void
rt_http_stop(HttpRequest *req)
{
	long		version = CURL_HTTP_VERSION_NONE;

	req->paused = false;
	if (!req->in_multi)
		return;
	req->in_multi = false;
	curl_easy_getinfo(req->easy, CURLINFO_HTTP_VERSION, &version);
	curl_multi_remove_handle(req->conn->multi, req->easy);
	if (req->ended && (version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1))
		return;
	curl_easy_cleanup(req->easy);
	req->easy = NULL;
}
