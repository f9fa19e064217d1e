/*
 * fdw/http_state.c
 *		Life of a request: started when due, judged when it ends, and then done,
 *		redirected, tried again or failed.
 */
#include "fdw/http_internal.h"

#include <stdarg.h>
#include <time.h>

/* Records the failure; the first one stays. */
void
rt_http_fail(HttpRequest *req, int sqlstate, const char *fmt,...)
{
	va_list		args;

	rt_http_stop(req);
	if (req->state == REQUEST_FAILED)
		return;
	req->state = REQUEST_FAILED;
	req->sqlstate = sqlstate;
	va_start(args, fmt);
	vsnprintf(req->message, sizeof(req->message), fmt, args);
	va_end(args);
	req->conn->counters.failures++;
}

/*
 * Plans the next start no earlier than delay microseconds from now and within the
 * server's rate limit, whose slot it takes.
 */
void
rt_http_schedule(HttpRequest *req, int64 delay)
{
	HttpAccount *account = req->conn->account;
	double		rate = req->conn->opts->rate_limit;
	int64		now = rt_http_now();

	req->not_before = now + delay;
	if (rate > 0 && !req->is_token)
	{
		req->not_before = Max(req->not_before, account->next_start);
		account->next_start = req->not_before + (int64) (1e6 / rate);
	}
	req->state = REQUEST_SCHEDULED;
}

/* Seconds from a Retry-After header, either form; -1 if there is no valid one. */
static double
retry_after_seconds(const char *value)
{
	char	   *end;
	double		seconds;
	time_t		date;

	if (value[0] >= '0' && value[0] <= '9')
	{
		seconds = strtod(value, &end);
		return *end == '\0' && strspn(value, "0123456789") == strlen(value) ? seconds : -1;
	}
	if (value[0] == '\0' || value[0] == '-')
		return -1;
	date = curl_getdate(value, NULL);
	if (date == (time_t) -1)
		return -1;
	return date > time(NULL) ? (double) (date - time(NULL)) : 0;
}

/* Exponential back-off from 100 ms with the upper half random, us. */
static int64
backoff(const HttpRequest *req)
{
	double		limit = req->conn->opts->max_retry_wait * 1000.0;
	double		delay = 100000.0 * (double) (1 << Min(req->retries, 20));

	delay = Min(delay, limit);
	return (int64) (delay * (0.5 + 0.5 * rt_random_fraction()));
}

/* Tries again if that is still allowed; otherwise false. */
static bool
try_again(HttpRequest *req, int64 delay)
{
	if (req->touched || req->retries >= req->conn->opts->max_retries)
		return false;
	req->retries++;
	req->conn->counters.retries++;
	rt_http_clear_body(req);
	rt_http_schedule(req, delay);
	return true;
}

/*
 * Errors of transport that another attempt can cure.  A certificate that does not
 * hold, a bad URL and the like stay what they are.
 */
static bool
is_transient(CURLcode rc)
{
	switch (rc)
	{
		case CURLE_COULDNT_RESOLVE_PROXY:
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_CONNECT:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
		case CURLE_PARTIAL_FILE:
		case CURLE_OPERATION_TIMEDOUT:
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
			return true;
		default:
			return false;
	}
}

static bool
is_transient_status(int status)
{
	return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

/* Transport failed. */
static void
finish_with_error(HttpRequest *req, CURLcode rc)
{
	bool		transient = is_transient(rc) && !req->refused_address && !req->too_large;

	/* a form that may have been processed is not sent twice */
	if (req->is_token && rc != CURLE_COULDNT_CONNECT && rc != CURLE_COULDNT_RESOLVE_HOST)
		transient = false;
	if (transient && try_again(req, backoff(req)))
		return;
	rt_http_fail_curl(req, rc);
}

/* A status that asks to come back later. */
static void
finish_with_transient_status(HttpRequest *req)
{
	double		asked = retry_after_seconds(req->retry_after);
	int64		delay = backoff(req);
	char		more[160] = "";

	if (asked >= 0)
	{
		if (asked * 1000.0 > req->conn->opts->max_retry_wait)
		{
			snprintf(more, sizeof(more),
					 "The server asks to wait %.0f s, max_retry_wait is %d ms.",
					 Min(asked, 1e15), req->conn->opts->max_retry_wait);
			rt_http_fail_status(req, more);
			return;
		}
		/* never before the time it named, a little after, so that not all come at once */
		delay = (int64) (asked * 1e6) + delay / 8;
	}
	if (req->is_token && req->answer.status != 429 && req->answer.status != 503)
		rt_http_fail_status(req, more);
	else if (!try_again(req, delay))
	{
		if (req->retries > 0)
			snprintf(more, sizeof(more), "The request was repeated %d times.", req->retries);
		rt_http_fail_status(req, more);
	}
}

/* Follows a redirect by hand: curl would not ask us about the target. */
static void
finish_with_redirect(HttpRequest *req)
{
	char		target[URL_MAX];
	const char *why;
	UrlParts	parts;

	if (req->is_token || req->location[0] == '\0')
	{
		rt_http_fail_status(req, "");
		return;
	}
	if (++req->hops > REDIRECTS_MAX)
	{
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION, "too many redirects");
		return;
	}
	if (!url_resolve(req->url, req->location, target, sizeof(target), &why))
	{
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION, "redirect refused: %s", why);
		return;
	}
	url_parse(target, &parts, &why);
	if (!rt_http_origin_allowed(req->conn, &parts))
	{
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION,
					 "redirect to another origin refused: \"%s://%.*s:%d\"",
					 parts.https ? "https" : "http", (int) Min(parts.host_len, 200), parts.host, parts.port);
		snprintf(req->hint, sizeof(req->hint),
				 "If it is trustworthy, a superuser can list it in the server's allow_hosts.");
		return;
	}
	rt_http_set_url(req, target);
	req->conn->counters.redirects++;
	rt_http_clear_body(req);
	rt_http_schedule(req, 0);
}

/* The answer is complete: what does its status make of it? */
static void
finish_with_status(HttpRequest *req)
{
	int			status = req->answer.status;

	if (status == 429)
		req->conn->counters.throttled++;
	if (status == 304)
		req->conn->counters.not_modified++;
	if (status == 200 || status == 203 || status == 204)
	{
		if (req->is_token)
			rt_http_token_answer(req);
		else
			req->state = REQUEST_DONE;
	}
	else if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
		finish_with_redirect(req);
	else if (status == 401 && req->conn->opts->auth == AUTH_OAUTH2 && !req->renewed &&
			 req->same_origin && !req->is_token)
	{
		req->renewed = true;
		rt_http_drop_token(req);
		rt_http_clear_body(req);
		rt_http_schedule(req, 0);
	}
	else if (is_transient_status(status))
		finish_with_transient_status(req);
	else
		rt_http_fail_status(req, "");
}

/* curl has ended the transfer. */
void
rt_http_finished(HttpRequest *req, CURLcode rc)
{
	req->ended = rc == CURLE_OK;
	rt_http_stop(req);
	if (req->state != REQUEST_RUNNING)
		return;
	if (rc != CURLE_OK || !req->answered)
		finish_with_error(req, rc != CURLE_OK ? rc : CURLE_GOT_NOTHING);
	else if (req->unknown_encoding)
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
					 "response has a content encoding that was not asked for");
	else
		finish_with_status(req);
}

/* The scan has waited too long for it. */
void
rt_http_timed_out(HttpRequest *req, const char *what, int ms)
{
	rt_http_stop(req);
	if (!req->is_token && try_again(req, backoff(req)))
		return;
	rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY, "%s expired after %d ms", what, ms);
	if (req->touched)
		snprintf(req->detail, sizeof(req->detail),
				 "Part of the response had been used, so the request could not be repeated.");
	else if (req->retries > 0)
		snprintf(req->detail, sizeof(req->detail), "The request was repeated %d times.", req->retries);
}

/* Starts what is due; requests that need a token fetch one first. */
void
rt_http_start_due(HttpConn *conn, int64 now)
{
	for (HttpRequest *req = conn->requests; req; req = req->next)
	{
		if (req->state != REQUEST_SCHEDULED || req->not_before > now)
			continue;
		if (!req->is_token && req->same_origin && conn->opts->auth == AUTH_OAUTH2 &&
			!rt_http_token_ready(conn, now))
		{
			if (conn->token_request == NULL && !rt_http_start_token(conn))
				rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
							 "could not set up an HTTP request");
			continue;
		}
		rt_http_launch(req);
	}
}
