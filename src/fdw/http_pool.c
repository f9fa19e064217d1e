/*
 * fdw/http_pool.c
 *		Connections and requests: made, lent to scans, taken back, dropped.
 *
 * A multi handle keeps its TCP connections and TLS sessions as long as it lives,
 * so it goes back to the pool after a scan.  The key holds server, user mapping
 * and role: a connection that carries one role's credentials serves no other.
 */
#include "fdw/http_internal.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "fdw/stats.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define IDLE_CONNS_MAX 32		/* kept between scans, in one backend */
#define SPARE_RING_MAX (1024 * 1024)	/* larger rings are not kept */

static HttpConn *pool = NULL;	/* idle and busy ones */
static HttpAccount *accounts = NULL;
static bool initialised = false;

int64
rt_http_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
rt_http_wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void
destroy_request(HttpRequest *req)
{
	if (req->inflating)
		inflateEnd(&req->zlib);
	if (req->easy)
		curl_easy_cleanup(req->easy);
	curl_slist_free_all(req->headers);
	rt_http_wipe(req->post);
	rt_http_wipe(req->token_used);
	free(req->link);
	free(req->ring);
	free(req->plain);
	free(req);
}

static void
destroy_conn(HttpConn *conn)
{
	HttpRequest *req;

	while ((req = conn->requests) != NULL)
		rt_http_free_request(req);
	while ((req = conn->spare) != NULL)
	{
		conn->spare = req->next;
		destroy_request(req);
	}
	if (conn->multi)
		curl_multi_cleanup(conn->multi);
	if (conn->sleep_set)
		FreeWaitEventSet(conn->sleep_set);
	if (conn->timer >= 0)
		close(conn->timer);
	if (conn->epoll >= 0)
	{
		close(conn->epoll);
		ReleaseExternalFD();
	}
	free(conn);
}

/* Takes a connection out of the pool's list. */
static void
unlink_conn(HttpConn *conn)
{
	HttpConn  **link = &pool;

	while (*link && *link != conn)
		link = &(*link)->next;
	if (*link)
		*link = conn->next;
}

/* A server or mapping changed: nothing made under the old options is used again. */
static void
on_invalidation(Datum arg, int cacheid, uint32 hashvalue)
{
	for (HttpConn *conn = pool; conn; conn = conn->next)
		conn->stale = true;
	for (HttpAccount *a = accounts; a; a = a->next)
	{
		rt_http_wipe(a->token);
		a->token = NULL;
	}
}

/* Once per backend: never in the postmaster, whose children would share it. */
static void
initialise(void)
{
	if (initialised)
		return;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OUT_OF_MEMORY),
				 errmsg("could not initialise libcurl")));
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, on_invalidation, (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, on_invalidation, (Datum) 0);
	initialised = true;
}

static HttpAccount *
known_account(const FdwOptions *o)
{
	for (HttpAccount *a = accounts; a; a = a->next)
		if (a->serverid == o->serverid && a->umid == o->umid && a->userid == o->userid)
			return a;
	return NULL;
}

const char *
rt_http_fetched_token(const FdwOptions *o)
{
	const HttpAccount *a = known_account(o);

	return a ? a->token : NULL;
}

static HttpAccount *
find_account(const FdwOptions *o)
{
	HttpAccount *a = known_account(o);

	if (a != NULL)
		return a;
	a = calloc(1, sizeof(HttpAccount));
	if (a == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	a->serverid = o->serverid;
	a->umid = o->umid;
	a->userid = o->userid;
	a->next = accounts;
	accounts = a;
	return a;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	HttpConn   *conn = arg;
	struct epoll_event event = {0};

	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(conn->epoll, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}
	event.events = ((what & CURL_POLL_IN) ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0);
	event.data.fd = fd;
	if (epoll_ctl(conn->epoll, EPOLL_CTL_MOD, fd, &event) != 0)
		return epoll_ctl(conn->epoll, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	HttpConn   *conn = arg;

	conn->curl_deadline = ms < 0 ? -1 : rt_http_now() + (int64) ms * 1000;
	return 0;
}

static HttpConn *
make_conn(void)
{
	HttpConn   *conn = calloc(1, sizeof(HttpConn));
	struct epoll_event event = {0};

	if (conn == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	conn->timer = conn->epoll = -1;
	conn->armed = conn->curl_deadline = -1;
	if (AcquireExternalFD())
	{
		conn->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (conn->epoll < 0)
			ReleaseExternalFD();
	}
	conn->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	conn->multi = curl_multi_init();
	event.events = EPOLLIN;
	event.data.fd = conn->timer;
	if (conn->epoll < 0 || conn->timer < 0 || conn->multi == NULL ||
		epoll_ctl(conn->epoll, EPOLL_CTL_ADD, conn->timer, &event) != 0)
	{
		int			saved = errno;

		destroy_conn(conn);
		errno = saved;
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
				 errmsg("could not make an HTTP connection handle: %m")));
	}
	curl_multi_setopt(conn->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(conn->multi, CURLMOPT_SOCKETDATA, conn);
	curl_multi_setopt(conn->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(conn->multi, CURLMOPT_TIMERDATA, conn);
	/*
	 * A connection carries one stream at a time in HTTP/2 too: on a shared one, whoever
	 * reads the current page would make curl take in the pages ahead, without bound.
	 */
	curl_multi_setopt(conn->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING);
	return conn;
}

/* Removes what is stale, or the longest idle beyond the limit; returns a fitting idle one. */
static HttpConn *
search_pool(const HttpAccount *account)
{
	HttpConn   *found = NULL;
	HttpConn   *oldest = NULL;
	HttpConn   *next;
	int			idle = 0;

	for (HttpConn *conn = pool; conn; conn = next)
	{
		next = conn->next;
		if (conn->busy)
			continue;
		if (conn->stale)
		{
			unlink_conn(conn);
			destroy_conn(conn);
			continue;
		}
		idle++;
		if (conn->account == account && (!found || conn->idle_since > found->idle_since))
			found = conn;
		if (!oldest || conn->idle_since < oldest->idle_since)
			oldest = conn;
	}
	if (idle > IDLE_CONNS_MAX && oldest != found)
	{
		unlink_conn(oldest);
		destroy_conn(oldest);
	}
	return found;
}

/*
 * What a memory context's reset finds: the connection, unless it was given back
 * before and may serve somebody else now.
 */
typedef struct Loan
{
	MemoryContextCallback callback;
	HttpConn   *conn;
} Loan;

void
rt_http_close(HttpConn *conn)
{
	if (!conn->busy)
		return;
	while (conn->requests)
		rt_http_free_request(conn->requests);
	conn->loan->conn = NULL;
	conn->loan = NULL;
	rt_progress_end(conn->progress);
	conn->progress = NULL;
	rt_stats_add_http(conn->account->serverid, &conn->counters);
	conn->busy = false;
	conn->opts = NULL;
	conn->waiting = NULL;
	conn->idle_since = rt_http_now();
	if (conn->stale)
	{
		unlink_conn(conn);
		destroy_conn(conn);
	}
}

void
rt_http_set_progress(HttpConn *conn, struct ProgressSlot *slot)
{
	conn->progress = slot;
}

static void
end_loan(void *arg)
{
	Loan	   *loan = arg;

	if (loan->conn)
	{
		/* not given back by the scan, so that did not come to its end */
		rt_stats_add(loan->conn->account->serverid, STATS_FAILED_SCANS, 1);
		rt_http_close(loan->conn);
	}
}

HttpConn *
rt_http_open(const FdwOptions *opts, MemoryContext cxt)
{
	Loan	   *loan = MemoryContextAllocZero(cxt, sizeof(Loan));
	HttpAccount *account;
	HttpConn   *conn;
	const char *why;

	initialise();
	account = find_account(opts);
	conn = search_pool(account);
	if (conn == NULL)
	{
		conn = make_conn();
		conn->account = account;
		conn->next = pool;
		pool = conn;
	}
	conn->opts = opts;
	conn->busy = true;
	memset(&conn->counters, 0, sizeof(conn->counters));
	conn->buffered = 0;
	/* kept between requests: one for each page under way, some for the token server and redirects */
	curl_multi_setopt(conn->multi, CURLMOPT_MAXCONNECTS, (long) opts->prefetch + 4);
	url_parse(opts->base_url, &conn->base, &why);
	loan->conn = conn;
	conn->loan = loan;
	loan->callback.func = end_loan;
	loan->callback.arg = loan;
	MemoryContextRegisterResetCallback(cxt, &loan->callback);
	return conn;
}

bool
rt_http_origin_allowed(const HttpConn *conn, const UrlParts *parts)
{
	return url_same_origin(&conn->base, parts) ||
		(url_host_listed(conn->opts->allow_hosts, parts) && (parts->https || !conn->base.https));
}

/* url is known to be well-formed. */
void
rt_http_set_url(HttpRequest *req, const char *url)
{
	UrlParts	parts;
	const char *why;

	if (req->url != url)
		strlcpy(req->url, url, sizeof(req->url));
	url_parse(req->url, &parts, &why);
	req->same_origin = url_same_origin(&req->conn->base, &parts);
	req->host_allowed = url_host_listed(req->conn->opts->allow_hosts, &parts);
}

/* A request in state SCHEDULED whose start is not yet planned; NULL if memory is short. */
HttpRequest *
rt_http_new_request(HttpConn *conn, const char *url)
{
	HttpRequest *req = conn->spare;
	size_t		size = conn->opts->buffer_size;

	if (req != NULL)
		conn->spare = req->next;
	else if ((req = calloc(1, sizeof(HttpRequest))) == NULL)
		return NULL;
	if (req->size != size)
	{
		free(req->ring);
		req->size = size;
		req->ring = malloc(size);
	}
	req->conn = conn;
	if (req->ring == NULL)
	{
		destroy_request(req);
		return NULL;
	}
	rt_http_set_url(req, url);
	req->next = conn->requests;
	conn->requests = req;
	return req;
}

/* Stops and unlinks; the handle, its buffer and no more are kept for the next one. */
void
rt_http_free_request(HttpRequest *req)
{
	HttpConn   *conn = req->conn;
	HttpRequest **link = &conn->requests;
	CURL	   *easy;
	char	   *ring = req->ring;
	char	   *plain = req->plain;
	size_t		size = req->size;

	rt_http_stop(req);
	easy = req->easy;
	rt_http_clear_body(req);
	while (*link && *link != req)
		link = &(*link)->next;
	if (*link)
		*link = req->next;
	if (conn->token_request == req)
		conn->token_request = NULL;
	if (conn->waiting == req)
		conn->waiting = NULL;
	if (size > SPARE_RING_MAX)
	{
		destroy_request(req);
		return;
	}
	curl_slist_free_all(req->headers);
	rt_http_wipe(req->post);
	rt_http_wipe(req->token_used);
	free(req->link);
	if (easy)
		curl_easy_reset(easy);
	memset(req, 0, sizeof(*req));
	req->easy = easy;
	req->ring = ring;
	req->plain = plain;
	req->size = size;
	req->next = conn->spare;
	conn->spare = req;
}
