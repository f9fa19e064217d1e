/*
 * fdw/http_internal.h
 *		What the files of the transport (http_*.c) share.
 *
 * curl's callbacks run inside these structures.  They never call into the server:
 * they copy into bounded memory, set a flag and return.  Therefore everything
 * here is malloc'd, errors are texts kept in the request, and only the functions
 * that the scan calls (rt_http_get, _wait, _report, _open) can raise.
 */
#ifndef RT_HTTP_INTERNAL_H
#define RT_HTTP_INTERNAL_H

#include "fdw/http.h"

#include <curl/curl.h>
#include <zlib.h>

#include "fdw/url.h"

#define HEADER_BYTES_MAX (128 * 1024)	/* all headers of one answer */
#define LINK_BYTES_MAX (16 * 1024)
#define ERROR_BODY_MAX (8 * 1024)	/* of an error answer's body that is looked at */
#define TOKEN_BODY_MAX (64 * 1024)
#define REDIRECTS_MAX 5
#define READ_SPAN_MAX (256 * 1024)	/* bytes handed out at once */
#define TOKEN_MAX 16384

typedef enum RequestState
{
	REQUEST_SCHEDULED,			/* starts at not_before, once there is a token */
	REQUEST_RUNNING,
	REQUEST_DONE,				/* the whole body has arrived */
	REQUEST_FAILED
} RequestState;

/* What outlives connections: per server and mapping, in this backend. */
typedef struct HttpAccount
{
	struct HttpAccount *next;
	Oid			serverid;
	Oid			umid;
	Oid			userid;
	int64		next_start;		/* rate limit: earliest start of the next request, us */
	char	   *token;			/* OAuth2, malloc'd */
	int64		token_expires;	/* us */
} HttpAccount;

struct HttpRequest
{
	HttpConn   *conn;
	HttpRequest *next;
	bool		is_token;		/* the POST for an OAuth2 token */
	CURL	   *easy;
	bool		in_multi;
	bool		ended;			/* curl has brought the transfer to its end, without error */
	struct curl_slist *headers;
	char		accept[160];	/* media types asked for */
	char	   *post;			/* form of a token request, secret */
	char		url[URL_MAX];
	bool		same_origin;	/* as the base URL: credentials may go there */
	bool		host_allowed;	/* by allow_hosts: any address will do */

	RequestState state;
	int			retries;
	int			hops;			/* redirects followed */
	bool		renewed;		/* the token was renewed after a 401 */
	char	   *token_used;		/* malloc'd copy, to tell whether it changed since */
	int64		not_before;		/* us */
	int64		started;		/* us, this attempt */
	int64		last_activity;	/* us */
	int64		waited;			/* us the scan has slept for this attempt */

	/* the answer's headers */
	bool		answered;		/* the last header of a final answer was seen */
	bool		good;			/* and it brings a body for the scan */
	bool		too_large;		/* headers or Link beyond their caps */
	bool		refused_address;
	bool		unknown_encoding;
	size_t		header_bytes;
	char		location[URL_MAX];
	char		retry_after[64];
	char	   *link;			/* malloc'd */
	HttpAnswer	answer;

	/* the body as sent, a ring */
	char	   *ring;
	size_t		size;
	size_t		head;			/* first byte not yet given back */
	size_t		used;			/* bytes from head on */
	size_t		lent;			/* of those, handed out by the last rt_http_read */
	size_t		cap;			/* bytes to keep at all; beyond: dropped (error bodies) */
	bool		paused;
	bool		touched;		/* body bytes were handed out: no retry any more */
	bool		inflating;
	bool		inflated_all;	/* the gzip stream's end was seen */
	z_stream	zlib;
	char	   *plain;			/* what inflate wrote */

	/* the failure */
	int			sqlstate;
	char		message[512];
	char		detail[640];
	char		hint[256];
	char		curl_error[CURL_ERROR_SIZE];
};

struct HttpConn
{
	HttpConn   *next;			/* in the pool */
	HttpAccount *account;
	const FdwOptions *opts;		/* of the scan that has it; NULL in the pool */
	UrlParts	base;
	bool		stale;			/* options changed: not to be reused */
	bool		busy;
	int64		idle_since;

	CURLM	   *multi;
	int			epoll;
	int			timer;			/* timerfd in epoll */
	struct WaitEventSet *sleep_set; /* of epoll and the latch, made at the first sleep */
	int64		armed;			/* what it is set to, us; -1: off */
	int64		curl_deadline;	/* us; -1: none */
	HttpRequest *requests;		/* live ones */
	HttpRequest *spare;			/* for reuse */
	HttpRequest *token_request;
	HttpRequest *waiting;		/* the one the scan sleeps for */
	int64		wait_began;
	size_t		buffered;		/* bytes in all rings */
	HttpCounters counters;
	struct Loan *loan;			/* to the scan that has it */
	struct ProgressSlot *progress;	/* of the scan, NULL if not shown */
};

/* monotonic clock, us */
extern int64 rt_http_now(void);

/* http_pool.c */
extern void rt_http_wipe(char *secret);	/* and free it; NULL will do */
extern const char *rt_http_fetched_token(const FdwOptions *o);	/* OAuth2, or NULL */
extern HttpRequest *rt_http_new_request(HttpConn *conn, const char *url);
extern void rt_http_free_request(HttpRequest *req);

extern bool rt_http_origin_allowed(const HttpConn *conn, const UrlParts *parts);
extern void rt_http_set_url(HttpRequest *req, const char *url);

/* http_request.c: hands the request to curl; false (and failed) if memory is short. */
extern bool rt_http_launch(HttpRequest *req);
extern void rt_http_stop(HttpRequest *req);

/* http_state.c */
extern void rt_http_fail(HttpRequest *req, int sqlstate, const char *fmt,...) pg_attribute_printf(3, 4);
extern void rt_http_finished(HttpRequest *req, CURLcode rc);
extern void rt_http_timed_out(HttpRequest *req, const char *what, int ms);
extern void rt_http_start_due(HttpConn *conn, int64 now);
extern void rt_http_schedule(HttpRequest *req, int64 delay);

/* http_body.c */
extern size_t rt_http_store(HttpRequest *req, const char *data, size_t len);
extern void rt_http_clear_body(HttpRequest *req);
extern size_t rt_http_body_text(HttpRequest *req, char *out, size_t size);

/* http_auth.c */
extern bool rt_http_token_ready(HttpConn *conn, int64 now);
extern bool rt_http_start_token(HttpConn *conn);
extern void rt_http_token_answer(HttpRequest *req);
extern struct curl_slist *rt_http_add_credentials(HttpRequest *req, struct curl_slist *list);
extern void rt_http_drop_token(HttpRequest *req);
extern void rt_http_redact_one(char *text, const char *secret);

/* http_error.c: fills message, detail and hint for a status or a curl error. */
extern void rt_http_fail_status(HttpRequest *req, const char *more);
extern void rt_http_fail_curl(HttpRequest *req, CURLcode rc);

#endif							/* RT_HTTP_INTERNAL_H */
