/*
 * fdw/http_error.c
 *		Texts of a request's failure: never a credential, never a query string,
 *		never an unbounded body.
 */
#include "fdw/http_internal.h"

#include <jansson.h>

#include "mb/pg_wchar.h"

/* One printable line in the server's encoding. */
static void
make_printable(char *text)
{
	bool		ascii = GetDatabaseEncoding() != PG_UTF8;

	for (unsigned char *p = (unsigned char *) text; *p; p++)
	{
		if (*p < 0x20 || *p == 0x7f)
			*p = ' ';
		else if (ascii && *p >= 0x80)
			*p = '?';
	}
}

/* The text an API's error object shows, from the names in use. */
static const char *
find_error_text(json_t *root)
{
	static const char *const names[] = {
		"detail", "message", "error_description", "title", "error", NULL
	};

	if (json_is_object(json_object_get(root, "error")))
		root = json_object_get(root, "error");
	for (int i = 0; names[i]; i++)
	{
		const char *text = json_string_value(json_object_get(root, names[i]));

		if (text && *text)
			return text;
	}
	return NULL;
}

/* Cuts to at most max bytes at a character's boundary (UTF-8). */
static void
copy_cut(char *to, const char *from, size_t max)
{
	size_t		n = strlen(from);

	if (n > max)
	{
		n = max;
		while (n > 0 && ((unsigned char) from[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(to, from, n);
	to[n] = '\0';
}

/* Appends what the answer's body says of the reason, if it is a JSON object. */
static void
append_reason(HttpRequest *req)
{
	char		body[ERROR_BODY_MAX + 1];
	char		whole[ERROR_BODY_MAX + 1];
	char		text[301];
	size_t		n = rt_http_body_text(req, body, sizeof(body));
	json_t	   *root = json_loadb(body, n, 0, NULL);
	const char *reason = root ? find_error_text(root) : NULL;
	size_t		at = strlen(req->detail);

	if (reason)
	{
		/* first, so that no cut or change hides a credential's beginning from us */
		copy_cut(whole, reason, sizeof(whole) - 1);
		rt_http_redact(req->conn->opts, whole);
		rt_http_redact_one(whole, req->token_used);
		copy_cut(text, whole, sizeof(text) - 1);
		make_printable(text);
		snprintf(req->detail + at, sizeof(req->detail) - at, "%sThe server says: %s",
				 at ? " " : "", text);
	}
	json_decref(root);
}

void
rt_http_fail_status(HttpRequest *req, const char *more)
{
	int			status = req->answer.status;
	bool		token = req->is_token;

	rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION, "%s answered with HTTP status %d",
				 token ? "token server" : "server", status);
	snprintf(req->detail, sizeof(req->detail), "%s", more);
	append_reason(req);
	if (status == 401 || status == 403)
		snprintf(req->hint, sizeof(req->hint), "Check the credentials in the user mapping.");
	else if (status == 404)
		snprintf(req->hint, sizeof(req->hint), "Check base_url and path.");
	else if (status == 413 || status == 414)
		snprintf(req->hint, sizeof(req->hint), "A smaller page_size may help.");
}

void
rt_http_fail_curl(HttpRequest *req, CURLcode rc)
{
	const char *reason = req->curl_error[0] ? req->curl_error : curl_easy_strerror(rc);

	if (req->refused_address)
	{
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
					 "connecting to a link-local, metadata or multicast address refused");
		snprintf(req->hint, sizeof(req->hint),
				 "If it is meant, a superuser can list the host in the server's allow_hosts.");
		return;
	}
	if (req->too_large)
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
					 "headers of the response are larger than %d bytes", HEADER_BYTES_MAX);
	else if (req->answered || rc == CURLE_PARTIAL_FILE || rc == CURLE_GOT_NOTHING ||
			 rc == CURLE_RECV_ERROR || rc == CURLE_WEIRD_SERVER_REPLY)
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY, "response was cut short or damaged");
	else
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION, "could not reach the %s",
					 req->is_token ? "token server" : "server");
	snprintf(req->detail, sizeof(req->detail), "%s%s", reason,
			 req->retries > 0 && !req->touched ? " (after repeated attempts)" : "");
	rt_http_redact(req->conn->opts, req->detail);
	make_printable(req->detail);
}

void
rt_http_report(HttpRequest *req)
{
	char	   *message = pstrdup(req->message);
	char	   *detail = pstrdup(req->detail);
	char	   *hint = pstrdup(req->hint);
	char		url[300];

	url_without_query(req->url, url, sizeof(url));
	ereport(ERROR,
			(errcode(req->sqlstate),
			 errmsg("%s", message),
			 detail[0] ? errdetail("%s", detail) : 0,
			 hint[0] ? errhint("%s", hint) : 0,
			 errcontext("request to \"%s\" of server \"%s\"", url, req->conn->opts->server_name)));
}
