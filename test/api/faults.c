/*
 * faults.c
 *		Faults on order: the n-th request from now fails, waits, or takes the
 *		whole process down, so that a client's recovery can be tested.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

typedef struct Plan
{
	long after; /* requests to let pass, -1: no plan */
	long count; /* requests to strike then */
	int status; /* answer, 0: none but the delay */
	int delay_ms;
	bool crash;
	char retry_after[64];
} Plan;

static Plan plan = {.after = -1};
static long request_count;
static pthread_mutex_t plan_lock = PTHREAD_MUTEX_INITIALIZER;

void
faults_configure(const Options *options)
{
	if (options->crash_after >= 0)
		plan = (Plan){.after = options->crash_after, .count = 1, .crash = true};
	else if (options->fail_after >= 0)
		plan = (Plan){.after = options->fail_after, .count = 1000000000, .status = 503};
}

bool
faults_plan(const json_t *order)
{
	const char *retry_after = json_string_value(json_object_get(order, "retry_after"));
	const json_t *count = json_object_get(order, "count");
	const json_t *status = json_object_get(order, "status");
	Plan next = {
		.after = (long) json_integer_value(json_object_get(order, "after")),
		.count = count ? (long) json_integer_value(count) : 1,
		.status = status ? (int) json_integer_value(status) : 0,
		.delay_ms = (int) json_integer_value(json_object_get(order, "delay_ms")),
		.crash = json_is_true(json_object_get(order, "crash")),
	};

	if (!json_is_object(order) || next.after < 0 || next.count < 0 ||
		(next.status && (next.status < 200 || next.status > 599)))
		return false;
	snprintf(next.retry_after, sizeof(next.retry_after), "%s", retry_after ? retry_after : "");
	pthread_mutex_lock(&plan_lock);
	plan = next;
	pthread_mutex_unlock(&plan_lock);
	return true;
}

long
faults_requests(bool reset)
{
	long result;

	pthread_mutex_lock(&plan_lock);
	result = request_count;
	if (reset)
		request_count = 0;
	pthread_mutex_unlock(&plan_lock);
	return result;
}

static void
sleep_ms(int ms)
{
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};

	if (ms > 0)
		nanosleep(&pause, NULL);
}

/* Counts the request; the plan if it is to strike now. */
static bool
take_turn(Plan *strike)
{
	bool struck = false;

	pthread_mutex_lock(&plan_lock);
	request_count++;
	if (plan.after > 0)
		plan.after--;
	else if (plan.after == 0 && plan.count > 0)
	{
		plan.count--;
		*strike = plan;
		struck = true;
	}
	pthread_mutex_unlock(&plan_lock);
	return struck;
}

bool
faults_strike(Request *request, Answered *result)
{
	Plan strike;
	bool struck = take_turn(&strike);
	Buffer body = {0};

	sleep_ms(request->server->options.latency_ms);
	if (!struck)
		return false;
	sleep_ms(strike.delay_ms);
	if (strike.crash)
		_exit(70); /* as a killed process: nothing is flushed or closed in order */
	if (!strike.status)
		return false;
	buffer_print(&body, "{\"type\":\"about:blank\",\"title\":\"planned fault\",\"status\":%d}",
				 strike.status);
	*result = respond(request, (unsigned) strike.status, "application/problem+json", &body,
					  strike.retry_after[0] ? "Retry-After" : NULL, strike.retry_after);
	return true;
}
