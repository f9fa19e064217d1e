/*
 * fdw/explain.c
 *		EXPLAIN of a foreign scan: the request that would be sent, without sending
 *		it and without secrets; with ANALYZE what it took.
 */
#include "fdw/scan.h"

#include RT_EXPLAIN_H
#include RT_EXPLAIN_FORMAT_H
#include "utils/rel.h"

#include "fdw/plan.h"

static void
explain_request(FdwScan *scan, ExprContext *econtext, ExplainState *es)
{
	int			requests;
	char	   *base = rt_params_explain(scan->params, econtext, &requests);

	if (base == NULL)
	{
		ExplainPropertyText("Request", "none: no row can match", es);
		return;
	}
	ExplainPropertyText("Request",
						psprintf("GET %s", rt_pages_first_url(scan->opts, base, scan->page_size)), es);
	if (requests != 1)
		ExplainPropertyText("Requests", requests > 0 ? psprintf("%d, one for each part of a list", requests)
							: "one for each part of a list", es);
}

static void
explain_counters(FdwScan *scan, ExplainState *es)
{
	const HttpCounters *http = rt_scan_http(scan);

	ExplainPropertyInteger("HTTP Requests", NULL, http->requests, es);
	ExplainPropertyInteger("Pages", NULL, rt_scan_pages(scan), es);
	if (es->format != EXPLAIN_FORMAT_TEXT || http->retries > 0)
		ExplainPropertyInteger("Retries", NULL, http->retries, es);
	if (es->format != EXPLAIN_FORMAT_TEXT || http->redirects > 0)
		ExplainPropertyInteger("Redirects", NULL, http->redirects, es);
	if (es->format != EXPLAIN_FORMAT_TEXT || http->throttled > 0)
		ExplainPropertyInteger("Throttled (429)", NULL, http->throttled, es);
	if (es->format != EXPLAIN_FORMAT_TEXT || http->not_modified > 0)
		ExplainPropertyInteger("Not Modified (304)", NULL, http->not_modified, es);
	if (es->format != EXPLAIN_FORMAT_TEXT || http->tokens > 0)
		ExplainPropertyInteger("Tokens Fetched", NULL, http->tokens, es);
	ExplainPropertyInteger("Connections Opened", NULL, http->connections, es);
	ExplainPropertyInteger("Records Read", NULL, scan->counters.records, es);
	if (es->format != EXPLAIN_FORMAT_TEXT || scan->counters.rejected > 0)
		ExplainPropertyInteger("Records Refused", NULL, scan->counters.rejected, es);
	ExplainPropertyInteger("Bytes Received", NULL, http->wire_bytes, es);
	ExplainPropertyInteger("Bytes Decoded", NULL, http->decoded_bytes, es);
	ExplainPropertyInteger("Buffer Peak", NULL, http->buffer_peak + scan->counters.scanner_peak, es);
	if (es->timing)
	{
		ExplainPropertyFloat("Network Wait", "ms", http->wait_us / 1000.0, 3, es);
		ExplainPropertyFloat("Parse Time", "ms", scan->counters.parse_us / 1000.0, 3, es);
	}
}

void
rt_explain_scan(ForeignScanState *node, ExplainState *es)
{
	FdwScan    *scan = node->fdw_state;

	if (scan == NULL)
		return;
	if (es->verbose)
		explain_request(scan, node->ss.ps.ps_ExprContext, es);
	if (es->analyze)
		explain_counters(scan, es);
}
