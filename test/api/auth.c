/*
 * auth.c
 *		Bearer tokens: one static, and short-lived ones by the OAuth2
 *		client-credentials grant (RFC 6749, section 4.4).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "server.h"

#define MAX_TOKENS 64

typedef struct Token
{
	char text[40];
	time_t expires; /* monotonic seconds; 0: slot is free */
	long requests;  /* still good for so many, -1: any number */
} Token;

static Token tokens[MAX_TOKENS];
static pthread_mutex_t token_lock = PTHREAD_MUTEX_INITIALIZER;

static time_t
monotonic_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + 1; /* never 0 */
}

static bool
token_is_good(const char *text)
{
	bool good = false;

	pthread_mutex_lock(&token_lock);
	for (int i = 0; i < MAX_TOKENS && !good; i++)
	{
		Token *token = &tokens[i];

		if (!token->expires || strcmp(token->text, text) != 0)
			continue;
		good = monotonic_seconds() < token->expires && token->requests != 0;
		if (good && token->requests > 0)
			token->requests--;
	}
	pthread_mutex_unlock(&token_lock);
	return good;
}

bool
auth_accepts(Request *request)
{
	const Options *options = &request->server->options;
	const char *header =
		MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Authorization");

	if (!options->authenticate)
		return true;
	if (!header || strncasecmp(header, "Bearer ", 7) != 0)
		return false;
	header += 7;
	return (options->token && strcmp(header, options->token) == 0) || token_is_good(header);
}

Answered
auth_refuse(Request *request)
{
	return respond_problem(request, 401, "a valid bearer token is required");
}

static void
make_token(const Options *options, char *text, size_t size)
{
	unsigned char bytes[16];
	int slot = 0;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes) && 2 * i + 2 < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	pthread_mutex_lock(&token_lock);
	for (int i = 0; i < MAX_TOKENS; i++) /* the one that expires first gives way */
		if (tokens[i].expires < tokens[slot].expires)
			slot = i;
	snprintf(tokens[slot].text, sizeof(tokens[slot].text), "%s", text);
	tokens[slot].expires = monotonic_seconds() + options->token_lifetime;
	tokens[slot].requests = options->token_requests > 0 ? options->token_requests : -1;
	pthread_mutex_unlock(&token_lock);
}

/* Value of a field of an application/x-www-form-urlencoded body, decoded in newly allocated memory. */
static char *
form_value(Request *request, const char *name)
{
	const char *at = request->body.data;
	size_t length = strlen(name);

	while (at && *at)
	{
		if (strncmp(at, name, length) == 0 && at[length] == '=')
		{
			char *value =
				memory_print("%.*s", (int) strcspn(at + length + 1, "&"), at + length + 1);

			for (char *c = value; *c; c++)
				if (*c == '+')
					*c = ' ';
			MHD_http_unescape(value);
			return value;
		}
		at = strchr(at, '&');
		at = at ? at + 1 : NULL;
	}
	return NULL;
}

static bool
client_is_known(Request *request)
{
	const Options *options = &request->server->options;
	char *password = NULL;
	char *user = MHD_basic_auth_get_username_password(request->connection, &password);
	char *id = user ? memory_text(user) : form_value(request, "client_id");
	char *secret =
		user ? memory_text(password ? password : "") : form_value(request, "client_secret");
	bool known = id && secret && strcmp(id, options->client_id) == 0 &&
				 strcmp(secret, options->client_secret) == 0;

	if (user)
		MHD_free(user);
	if (password)
		MHD_free(password);
	free(id);
	free(secret);
	return known;
}

Answered
auth_token(Request *request)
{
	const Options *options = &request->server->options;
	char *grant = form_value(request, "grant_type");
	bool right_grant = grant && strcmp(grant, "client_credentials") == 0;
	char text[40];

	free(grant);
	if (strcmp(request->method, "POST") != 0)
		return respond_problem(request, 405, "a token is asked for by POST");
	if (!right_grant)
		return respond_json(request, 400, json_pack("{s:s}", "error", "unsupported_grant_type"));
	if (!client_is_known(request))
		return respond_json(request, 401, json_pack("{s:s}", "error", "invalid_client"));
	make_token(options, text, sizeof(text));
	return respond_json(request, 200,
						json_pack("{s:s, s:s, s:i}", "access_token", text, "token_type", "Bearer",
								  "expires_in", options->token_lifetime));
}
