/*
 * fdw/http_wait.c
 *		The wait loop: moves transfers on, sleeps interruptibly, and the calls
 *		that scans make.
 *
 * curl's sockets and one timer stand behind a single epoll descriptor, which the
 * backend waits for together with its latch.  Signals are blocked around curl:
 * it may start a thread that looks a name up, and a signal must not land there.
 */
#include "fdw/http_internal.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#define EVENTS_MAX 16

static uint32
wait_event(void)
{
	static uint32 id = 0;

	if (id == 0)
		id = rt_wait_event("RetrackHttp");
	return id;
}

/* A failed token fetch fails every request that needs the token. */
static void
settle_token(HttpConn *conn)
{
	HttpRequest *token = conn->token_request;

	if (token == NULL || token->state == REQUEST_SCHEDULED || token->state == REQUEST_RUNNING)
		return;
	if (token->state == REQUEST_FAILED)
	{
		for (HttpRequest *req = conn->requests; req; req = req->next)
		{
			if (req->state != REQUEST_SCHEDULED || req == token || !req->same_origin)
				continue;
			rt_http_fail(req, token->sqlstate, "%s", token->message);
			strlcpy(req->detail, token->detail, sizeof(req->detail));
			strlcpy(req->hint, token->hint, sizeof(req->hint));
			rt_http_set_url(req, token->url);
		}
	}
	rt_http_free_request(token);
}

/* Takes ended transfers from curl; true if there were any. */
static bool
reap(HttpConn *conn)
{
	CURLMsg    *message;
	int			left;
	bool		any = false;

	while ((message = curl_multi_info_read(conn->multi, &left)) != NULL)
	{
		char	   *private = NULL;
		CURLcode	rc = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
		rt_http_finished((HttpRequest *) private, rc);
		any = true;
	}
	return any;
}

/* Feeds curl what its sockets and its timer have; true if there was anything. */
static bool
serve_sockets(HttpConn *conn)
{
	struct epoll_event events[EVENTS_MAX];
	int			running;
	int			n = epoll_wait(conn->epoll, events, EVENTS_MAX, 0);
	bool		any = n > 0;

	for (int i = 0; i < n; i++)
	{
		uint32		e = events[i].events;
		uint64		expirations;

		if (events[i].data.fd == conn->timer)
		{
			if (read(conn->timer, &expirations, sizeof(expirations)) > 0)
				conn->armed = -1;
			continue;
		}
		curl_multi_socket_action(conn->multi, events[i].data.fd,
								 ((e & EPOLLIN) ? CURL_CSELECT_IN : 0) |
								 ((e & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
								 ((e & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0), &running);
	}
	if (conn->curl_deadline >= 0 && rt_http_now() >= conn->curl_deadline)
	{
		conn->curl_deadline = -1;
		curl_multi_socket_action(conn->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		any = true;
	}
	return any;
}

/* The transfer whose progress the scan depends on, while it sleeps. */
static HttpRequest *
watched_request(HttpConn *conn)
{
	HttpRequest *req = conn->waiting;

	if (req && req->state == REQUEST_SCHEDULED && conn->token_request)
		req = conn->token_request;
	return req && req->state == REQUEST_RUNNING ? req : NULL;
}

/*
 * When the watched transfer has to be given up, and for which option; time during
 * which the scan did not ask for rows does not count.
 */
static int64
watch_deadline(HttpConn *conn, HttpRequest *req, const char **what, int *ms)
{
	int64		since = Max(req->last_activity, conn->wait_began);
	int64		stall = conn->opts->stall_timeout > 0 ?
		since + (int64) conn->opts->stall_timeout * 1000 : PG_INT64_MAX;
	int64		total = conn->opts->timeout > 0 ?
		Max(conn->wait_began, req->started) - req->waited + (int64) conn->opts->timeout * 1000 : PG_INT64_MAX;

	*what = stall < total ? "stall_timeout" : "timeout";
	*ms = stall < total ? conn->opts->stall_timeout : conn->opts->timeout;
	return Min(stall, total);
}

static void
check_deadlines(HttpConn *conn, int64 now)
{
	HttpRequest *req = watched_request(conn);
	const char *what;
	int			ms;

	if (req && now >= watch_deadline(conn, req, &what, &ms))
		rt_http_timed_out(req, what, ms);
}

/* Some request is neither done nor failed: otherwise curl has nothing to do for us. */
static bool
is_active(const HttpConn *conn)
{
	for (const HttpRequest *req = conn->requests; req; req = req->next)
		if (req->state < REQUEST_DONE)
			return true;
	return false;
}

void
rt_http_pump(HttpConn *conn)
{
	sigset_t	all;
	sigset_t	old;
	bool		more = true;

	if (!is_active(conn))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (int rounds = 0; more && rounds < 16; rounds++)
	{
		uint64		requests = conn->counters.requests;

		more = serve_sockets(conn);
		more = reap(conn) || more;
		settle_token(conn);
		rt_http_start_due(conn, rt_http_now());
		more = (more || requests != conn->counters.requests) && is_active(conn);
	}
	check_deadlines(conn, rt_http_now());
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Sets the timer to the earliest thing that is to happen by itself. */
static void
arm_timer(HttpConn *conn)
{
	int64		due = conn->curl_deadline >= 0 ? conn->curl_deadline : PG_INT64_MAX;
	HttpRequest *watched = watched_request(conn);
	struct itimerspec spec = {{0}};
	const char *what;
	int			ms;

	for (HttpRequest *req = conn->requests; req; req = req->next)
		if (req->state == REQUEST_SCHEDULED && (req->not_before > rt_http_now() || !conn->token_request))
			due = Min(due, req->not_before);
	if (watched)
		due = Min(due, watch_deadline(conn, watched, &what, &ms));
	if (due == PG_INT64_MAX)
		due = -1;
	if (due == conn->armed)
		return;
	conn->armed = due;
	if (due >= 0)
	{
		due = Max(due, 1);		/* 0 would disarm */
		spec.it_value.tv_sec = due / 1000000;
		spec.it_value.tv_nsec = due % 1000000 * 1000;
	}
	timerfd_settime(conn->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

int
rt_http_descriptor(HttpConn *conn)
{
	arm_timer(conn);
	return conn->epoll;
}

void
rt_http_waiting(HttpConn *conn, HttpRequest *req)
{
	int64		now;

	if (conn->waiting == req)
		return;
	now = rt_http_now();
	if (conn->waiting)
	{
		conn->waiting->waited += now - Max(conn->wait_began, conn->waiting->started);
		conn->counters.wait_us += now - conn->wait_began;
	}
	conn->waiting = req;
	conn->wait_began = now;
}

void
rt_http_waiting_on(HttpConn *conn, HttpRequest *req)
{
	int64		now = rt_http_now();

	if (conn->waiting != req)
		rt_http_waiting(conn, req);
	else if (req)
	{
		conn->counters.wait_us += now - conn->wait_began;
		conn->wait_began = now;
	}
}

/* req has something for rt_http_read. */
static bool
has_news(const HttpRequest *req)
{
	return req->state >= REQUEST_DONE ||
		(req->state == REQUEST_RUNNING && req->good && req->used > req->lent);
}

/*
 * The set of events a sleep ends by.  It is kept with the connection, since making
 * one costs more system calls than all of the wait.
 */
static WaitEventSet *
sleep_set(HttpConn *conn)
{
	if (conn->sleep_set == NULL)
	{
		WaitEventSet *set = rt_create_wait_event_set(3);

		conn->sleep_set = set;
		AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
		AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
		AddWaitEventToSet(set, WL_SOCKET_READABLE, conn->epoll, NULL, NULL);
	}
	return conn->sleep_set;
}

void
rt_http_wait(HttpConn *conn, HttpRequest *req)
{
	rt_http_pump(conn);
	while (!has_news(req))
	{
		WaitEventSet *set = sleep_set(conn);
		WaitEvent	event;

		rt_http_waiting(conn, req);
		rt_http_descriptor(conn);
		if (WaitEventSetWait(set, -1, &event, 1, wait_event()) == 1 && (event.events & WL_LATCH_SET))
		{
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		rt_http_pump(conn);
	}
	rt_http_waiting(conn, NULL);
	CHECK_FOR_INTERRUPTS();
}

bool
rt_http_allowed(HttpConn *conn, const char *url)
{
	UrlParts	parts;
	const char *why;

	return url_parse(url, &parts, &why) && rt_http_origin_allowed(conn, &parts);
}

HttpRequest *
rt_http_get(HttpConn *conn, const char *url)
{
	HttpRequest *req;
	UrlParts	parts;
	const char *why;

	if (!url_parse(url, &parts, &why))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
				 errmsg("URL of the request refused: %s", why)));
	if (!rt_http_origin_allowed(conn, &parts))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
				 errmsg("request to another origin refused: \"%s://%.*s:%d\"",
						parts.https ? "https" : "http", (int) parts.host_len, parts.host, parts.port),
				 errdetail("The base_url of server \"%s\" is \"%s\".", conn->opts->server_name, conn->opts->base_url),
				 errhint("If it is trustworthy, a superuser can list it in the server's allow_hosts.")));
	req = rt_http_new_request(conn, url);
	if (req == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	strlcpy(req->accept, conn->opts->ndjson ?
			"application/x-ndjson, application/jsonl, application/json;q=0.5" :
			"application/json, application/*+json;q=0.9", sizeof(req->accept));
	rt_http_schedule(req, 0);
	return req;
}

void
rt_http_drop(HttpRequest *req)
{
	rt_http_free_request(req);
}

const HttpAnswer *
rt_http_answer(HttpRequest *req)
{
	return req->good && (req->state == REQUEST_RUNNING || req->state == REQUEST_DONE) ?
		&req->answer : NULL;
}

const HttpCounters *
rt_http_counters(HttpConn *conn)
{
	return &conn->counters;
}
