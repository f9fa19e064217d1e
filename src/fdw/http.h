/*
 * fdw/http.h
 *		HTTP transport of retrack_fdw: GET requests over libcurl's multi
 *		interface, driven from the backend's own wait loop.
 *
 * A HttpConn is one multi handle with its sockets and timers behind one epoll
 * descriptor; a scan owns one while it runs and gives it back to a pool keyed by
 * (server, user mapping), so that connections stay warm between scans and are
 * never shared between roles.  It goes back by a reset callback on the memory
 * context it was opened in, thus on ERROR too.
 *
 * A HttpRequest is one logical GET: redirects, retries, back-off and renewal of
 * an expired token happen inside.  Its body is buffered up to buffer_size bytes
 * as sent (compressed or not); the transfer pauses until the reader catches up.
 */
#ifndef RT_HTTP_H
#define RT_HTTP_H

#include "retrack.h"

#include "fdw/options.h"

typedef struct HttpConn HttpConn;
typedef struct HttpRequest HttpRequest;
struct ProgressSlot;

/* What EXPLAIN ANALYZE and fdw_stats count. */
typedef struct HttpCounters
{
	uint64		requests;		/* sent, retries and redirects included */
	uint64		retries;
	uint64		redirects;
	uint64		not_modified;	/* 304 */
	uint64		throttled;		/* 429 */
	uint64		failures;		/* requests given up */
	uint64		connections;	/* opened anew */
	uint64		tokens;			/* OAuth2 tokens fetched */
	uint64		wire_bytes;		/* of bodies, as sent */
	uint64		decoded_bytes;	/* of bodies, after gzip */
	uint64		wait_us;		/* time the backend slept for the network */
	uint64		buffer_peak;	/* bytes of bodies held at once */
} HttpCounters;

typedef enum HttpReadResult
{
	HTTP_READ_DATA,				/* *data, *len: valid until the next call on this request */
	HTTP_READ_WAIT,				/* nothing yet */
	HTTP_READ_END,				/* the whole body was handed out */
	HTTP_READ_ERROR				/* rt_http_report raises it */
} HttpReadResult;

/* What the answer said; meaningful once rt_http_answered. */
typedef struct HttpAnswer
{
	int			status;
	bool		delimited;		/* the protocol says where the body ends */
	char		content_type[128];
	const char *link;			/* Link headers joined by ", ", or NULL */
	bool		gzip;
	const char *url;			/* that answered, after redirects */
} HttpAnswer;

/*
 * Takes a connection for a scan from the pool or makes one.  It returns there
 * when cxt is reset or deleted.  opts must live as long as cxt.
 */
extern HttpConn *rt_http_open(const FdwOptions *opts, MemoryContext cxt);

/*
 * Begins a GET.  url is absolute; raises HV00N if its origin is not the base
 * URL's nor allowed by allow_hosts.  Sends nothing yet: that is rt_http_pump's.
 */
extern HttpRequest *rt_http_get(HttpConn *conn, const char *url);

/* True if rt_http_get would accept url. */
extern bool rt_http_allowed(HttpConn *conn, const char *url);

/* Gives a request up, whatever its state. */
extern void rt_http_drop(HttpRequest *req);

/* Moves everything that can move without waiting. */
extern void rt_http_pump(HttpConn *conn);

/* Readable when rt_http_pump would find something to do; arms the timer. */
extern int	rt_http_descriptor(HttpConn *conn);

/* Marks from when on the scan waits for req (NULL: no more): timeouts count only then. */
extern void rt_http_waiting(HttpConn *conn, HttpRequest *req);

/*
 * The same where the executor waits for several scans at once and may go away in
 * between, to a client that takes its time: only the wait since the last call counts.
 */
extern void rt_http_waiting_on(HttpConn *conn, HttpRequest *req);

/* Sleeps, interruptibly, until req has something to read. */
extern void rt_http_wait(HttpConn *conn, HttpRequest *req);

/* NULL until the answer's headers have arrived, or if the request failed. */
extern const HttpAnswer *rt_http_answer(HttpRequest *req);

extern HttpReadResult rt_http_read(HttpRequest *req, const char **data, size_t *len);

/* Raises a failed request's error. */
extern void rt_http_report(HttpRequest *req) pg_attribute_noreturn();

/* Replaces credentials by "***" in a text that came from outside. */
extern void rt_http_redact(const FdwOptions *opts, char *text);

/* Shows the scan's progress until the connection is given back. */
extern void rt_http_set_progress(HttpConn *conn, struct ProgressSlot *slot);

/* Gives the connection back before its context goes. */
extern void rt_http_close(HttpConn *conn);

extern const HttpCounters *rt_http_counters(HttpConn *conn);

/*
 * Fetches a whole document from a server, with the user mapping and transport
 * options of the current user: reference is an absolute URL of an allowed origin
 * or a path that is appended to base_url.  Blocks, interruptibly.  The result is
 * palloc'd and NUL-terminated.  Raises HV00M beyond max bytes, HV00N/HV00L on
 * failure of transport or a status other than 200.
 */
extern char *rt_http_fetch(Oid serverid, const char *reference, const char *accept,
						   size_t max, size_t *len);

#endif							/* RT_HTTP_H */
