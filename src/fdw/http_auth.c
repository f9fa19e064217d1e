/*
 * fdw/http_auth.c
 *		Credentials: request headers, and OAuth2 client-credentials tokens.
 */
#include "fdw/http_internal.h"

#include <jansson.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* out has room for 4/3 of the length plus 5. */
static void
encode_base64(const char *in, size_t len, char *out)
{
	for (size_t i = 0; i < len; i += 3)
	{
		uint32		v = (uint32) (unsigned char) in[i] << 16;

		if (i + 1 < len)
			v |= (uint32) (unsigned char) in[i + 1] << 8;
		if (i + 2 < len)
			v |= (unsigned char) in[i + 2];
		*out++ = base64_digits[v >> 18];
		*out++ = base64_digits[(v >> 12) & 63];
		*out++ = i + 1 < len ? base64_digits[(v >> 6) & 63] : '=';
		*out++ = i + 2 < len ? base64_digits[v & 63] : '=';
	}
	*out = '\0';
}

static struct curl_slist *
add_header(struct curl_slist *list, const char *name, const char *prefix, const char *value)
{
	size_t		size = strlen(name) + strlen(prefix) + strlen(value) + 3;
	char	   *line = malloc(size);

	if (line == NULL)
		return list;
	snprintf(line, size, "%s: %s%s", name, prefix, value);
	list = curl_slist_append(list, line);
	explicit_bzero(line, size);
	free(line);
	return list;
}

/* What follows "Basic " in a header, malloc'd; NULL if memory is short. */
static char *
basic_credentials(const char *user, const char *password)
{
	size_t		size = strlen(user) + strlen(password) + 2;
	char	   *plain = malloc(size);
	char	   *coded = malloc(size * 2 + 8);

	if (plain && coded)
	{
		snprintf(plain, size, "%s:%s", user, password);
		encode_base64(plain, size - 1, coded);
	}
	else
	{
		free(coded);
		coded = NULL;
	}
	if (plain)
		explicit_bzero(plain, size);
	free(plain);
	return coded;
}

static struct curl_slist *
add_basic(struct curl_slist *list, const char *user, const char *password)
{
	char	   *coded = basic_credentials(user, password);

	if (coded)
		list = add_header(list, "Authorization", "Basic ", coded);
	rt_http_wipe(coded);
	return list;
}

void
rt_http_redact_one(char *text, const char *secret)
{
	size_t		len = secret ? strlen(secret) : 0;

	if (len < 4)				/* too short to tell from ordinary text */
		return;
	for (char *at = strstr(text, secret); at; at = strstr(at + len, secret))
		memset(at, '*', len);
}

static void
redact_basic(char *text, const char *user, const char *password)
{
	char	   *coded = basic_credentials(user, password);

	rt_http_redact_one(text, coded);
	rt_http_wipe(coded);
}

void
rt_http_redact(const FdwOptions *o, char *text)
{
	/* the coded forms first: a user's name may be part of one */
	if (o->auth == AUTH_BASIC && o->user)
		redact_basic(text, o->user, o->password ? o->password : "");
	if (o->auth == AUTH_OAUTH2 && o->client_id && o->client_secret)
		redact_basic(text, o->client_id, o->client_secret);
	rt_http_redact_one(text, rt_http_fetched_token(o));
	rt_http_redact_one(text, o->token);
	rt_http_redact_one(text, o->password);
	rt_http_redact_one(text, o->api_key);
	rt_http_redact_one(text, o->client_secret);
}

/* Adds the credentials to a request to the base URL's origin, and to no other. */
struct curl_slist *
rt_http_add_credentials(HttpRequest *req, struct curl_slist *list)
{
	const FdwOptions *o = req->conn->opts;

	if (req->is_token)
		return add_basic(list, o->client_id, o->client_secret);
	if (!req->same_origin)
		return list;
	switch (o->auth)
	{
		case AUTH_BEARER:
			return add_header(list, "Authorization", "Bearer ", o->token);
		case AUTH_BASIC:
			return add_basic(list, o->user, o->password ? o->password : "");
		case AUTH_API_KEY:
			return add_header(list, o->api_key_header, "", o->api_key);
		case AUTH_OAUTH2:
			rt_http_wipe(req->token_used);
			req->token_used = strdup(req->conn->account->token);
			return add_header(list, "Authorization", "Bearer ", req->conn->account->token);
		case AUTH_NONE:
			break;
	}
	return list;
}

bool
rt_http_token_ready(HttpConn *conn, int64 now)
{
	return conn->account->token != NULL && now < conn->account->token_expires;
}

/* The token that this request used was refused: unless renewed since, forget it. */
void
rt_http_drop_token(HttpRequest *req)
{
	HttpAccount *account = req->conn->account;

	if (account->token && req->token_used && strcmp(account->token, req->token_used) == 0)
	{
		rt_http_wipe(account->token);
		account->token = NULL;
	}
}

/* The form of RFC 6749, 4.4; client id and secret go into the header (2.3.1). */
static char *
build_form(const FdwOptions *o)
{
	size_t		size = 64 + 3 * (o->scope ? strlen(o->scope) : 0);
	char	   *form = malloc(size);

	if (form == NULL)
		return NULL;
	snprintf(form, size, "grant_type=client_credentials");
	if (o->scope)
	{
		strcat(form, "&scope=");
		url_add_encoded(form, size, o->scope, strlen(o->scope));
	}
	return form;
}

bool
rt_http_start_token(HttpConn *conn)
{
	HttpRequest *req = rt_http_new_request(conn, conn->opts->token_url);

	if (req == NULL)
		return false;
	req->is_token = true;
	req->post = build_form(conn->opts);
	strlcpy(req->accept, "application/json", sizeof(req->accept));
	conn->token_request = req;
	rt_http_schedule(req, 0);
	return req->post != NULL;
}

/* Reads the answer of the token server (RFC 6749, 5.1). */
void
rt_http_token_answer(HttpRequest *req)
{
	HttpAccount *account = req->conn->account;
	char	   *body = malloc(TOKEN_BODY_MAX + 1);
	size_t		n = body ? rt_http_body_text(req, body, TOKEN_BODY_MAX + 1) : 0;
	json_t	   *root = n ? json_loadb(body, n, 0, NULL) : NULL;
	const char *token = json_string_value(json_object_get(root, "access_token"));
	const char *type = json_string_value(json_object_get(root, "token_type"));
	json_t	   *lifetime = json_object_get(root, "expires_in");
	double		seconds = json_is_number(lifetime) ? json_number_value(lifetime) : 3600;
	char	   *copy;

	if (token == NULL || *token == '\0' || strlen(token) > TOKEN_MAX ||
		!url_header_value_valid(token, strlen(token)))
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY, "token server gave no usable access_token");
	else if (type && pg_strcasecmp(type, "bearer") != 0)
		rt_http_fail(req, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY, "token server gave a token that is no bearer token");
	else if ((copy = strdup(token)) == NULL)
		rt_http_fail(req, ERRCODE_OUT_OF_MEMORY, "out of memory");	/* to fetch another one would not help */
	else
	{
		/* renew ahead of time, or at half-time if it lives shortly */
		seconds = Min(Max(seconds, 2), 86400.0 * 365);
		seconds -= Min(30, seconds / 2);
		rt_http_wipe(account->token);
		account->token = copy;
		account->token_expires = rt_http_now() + (int64) (seconds * 1e6);
		req->conn->counters.tokens++;
		req->state = REQUEST_DONE;
	}
	json_decref(root);
	if (body)
		explicit_bzero(body, TOKEN_BODY_MAX + 1);
	free(body);
}
