/*
 * server.c
 *		The reference reporting API server: start, routes, end.
 */
#include "server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "contract.h"
#include "generator.h"

#define MAX_BODY_BYTES (16 << 20)

static bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static Answered
answer_health(Request *request)
{
	const Options *options = &request->server->options;

	return respond_json(request, 200,
						json_pack("{s:s, s:I, s:i}", "status", "ok", "seed",
								  (json_int_t) options->seed, "scale", options->scale));
}

static Answered
answer_contract(Request *request)
{
	Buffer body = {0};

	buffer_append(&body, contract_text, (size_t) (contract_end - contract_text));
	return respond(request, 200, "application/json", &body, NULL, NULL);
}

static Answered
answer_resource(Request *request)
{
	Answered result;

	if (faults_strike(request, &result))
		return result;
	if (!auth_accepts(request))
		return auth_refuse(request);
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
		return respond_problem(request, 405, "resources are read by GET");
	if (strcmp(strchr(request->url + 1, '/'), "/bulk") == 0)
		return bulk_get(request);
	return listing_get(request);
}

static Answered
answer_request(Request *request)
{
	const char *url = request->url;

	if (starts_with(url, "/v1/") || starts_with(url, "/v1l/") || starts_with(url, "/v1n/") ||
		starts_with(url, "/v1p/"))
		return answer_resource(request);
	if (strcmp(url, "/health") == 0)
		return answer_health(request);
	if (strcmp(url, "/openapi.json") == 0)
		return answer_contract(request);
	if (strcmp(url, "/oauth/token") == 0)
		return auth_token(request);
	if (starts_with(url, "/admin/") && request->server->options.admin)
		return strcmp(request->method, "POST") == 0 ? admin_post(request)
													: respond_problem(request, 405, "use POST");
	return respond_problem(request, 404, "there is no such path");
}

/* libmicrohttpd's access handler: called first with headers, then with body parts, then to answer. */
static Answered
handle_request(void *context, struct MHD_Connection *connection, const char *url,
			   const char *method, const char *version, const char *upload, size_t *upload_size,
			   void **state)
{
	Request *request = *state;

	(void) version;
	if (!request)
	{
		request = *state = memory_zero(sizeof(Request));
		request->server = context;
		return MHD_YES;
	}
	if (*upload_size)
	{
		if (request->body.length + *upload_size <= MAX_BODY_BYTES)
			buffer_append(&request->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	request->connection = connection;
	request->url = url;
	request->method = method;
	return answer_request(request);
}

static void
finish_request(void *context, struct MHD_Connection *connection, void **state,
			   enum MHD_RequestTerminationCode reason)
{
	Request *request = *state;

	(void) context;
	(void) connection;
	(void) reason;
	if (request)
		free(request->body.data);
	free(request);
	*state = NULL;
}

static struct MHD_Daemon *
start_daemon(Server *server)
{
	const Options *options = &server->options;
	struct sockaddr_in address = {.sin_family = AF_INET,
								  .sin_port = htons((uint16_t) options->port),
								  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned flags =
		MHD_USE_INTERNAL_POLLING_THREAD |
		(options->threads ? MHD_USE_EPOLL : MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL);

	return MHD_start_daemon(flags, 0, NULL, NULL, handle_request, server, MHD_OPTION_SOCK_ADDR,
							&address, MHD_OPTION_NOTIFY_COMPLETED, finish_request, NULL,
							MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) 1 << 19,
							MHD_OPTION_CONNECTION_LIMIT, 500U,
							options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
							(unsigned) options->threads, MHD_OPTION_END);
}

/* Written beside and renamed: a reader sees no half-written file. */
static void
write_port_file(const char *path, int port)
{
	char *temporary = memory_print("%s.tmp", path);
	FILE *file = fopen(temporary, "w");

	if (!file || fprintf(file, "%d\n", port) < 0 || fclose(file) != 0 ||
		rename(temporary, path) != 0)
	{
		perror(path);
		exit(1);
	}
	free(temporary);
}

static void
serve(Server *server)
{
	struct MHD_Daemon *daemon;
	sigset_t signals;
	int port, received;

	signal(SIGPIPE, SIG_IGN);
	if (server->options.die_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before threads inherit the mask */
	faults_configure(&server->options);
	daemon = start_daemon(server);
	if (!daemon)
	{
		fprintf(stderr, "retrack_api: cannot listen on 127.0.0.1:%d\n", server->options.port);
		exit(1);
	}
	port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	if (server->options.port_file)
		write_port_file(server->options.port_file, port);
	printf("retrack_api: http://127.0.0.1:%d\n", port);
	fflush(stdout);
	sigwait(&signals, &received);
	_exit(0); /* not MHD_stop_daemon: that would wait for answers still under way */
}

static void
write_records(const Resource *resource, FILE *file)
{
	for (size_t i = 0; i < resource->count; i++)
		fprintf(file, "%s\n", resource->records[i]->text);
}

static int
dump_resource(Dataset *data, const char *name)
{
	Resource *resource = dataset_resource(data, name);

	if (strcmp(name, "all") == 0)
		for (size_t i = 0; i < data->resource_count; i++)
			printf("%s\t%zu\n", data->resources[i].name, data->resources[i].count);
	else if (resource)
		write_records(resource, stdout);
	else
		fprintf(stderr, "retrack_api: no resource \"%s\"\n", name);
	return resource || strcmp(name, "all") == 0 ? 0 : 2;
}

static FILE *
open_in(const char *directory, const char *name)
{
	char *path = memory_print("%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	if (!file)
	{
		perror(path);
		exit(1);
	}
	free(path);
	return file;
}

static int
dump_everything(Dataset *data, const char *directory)
{
	FILE *file;

	for (size_t i = 0; i < data->resource_count; i++)
	{
		file = open_in(directory, data->resources[i].name);
		write_records(&data->resources[i], file);
		if (fclose(file) != 0)
			return 1;
	}
	file = open_in(directory, "cheats");
	generator_list_cheats(file);
	return fclose(file) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static Server server;

	if (!options_parse(&server.options, argc, argv))
	{
		fprintf(stderr, "retrack_api: unexpected argument \"%s\"; see --help\n", argv[argc - 1]);
		return 2;
	}
	pthread_rwlock_init(&server.lock, NULL);
	contract_load(&server.data);
	generator_run(&server.data, server.options.seed, server.options.scale,
				  server.options.normal_noise);
	dataset_finish(&server.data);
	if (server.options.list_cheats)
	{
		generator_list_cheats(stdout);
		return 0;
	}
	if (server.options.dump)
		return dump_resource(&server.data, server.options.dump);
	if (server.options.dump_to)
		return dump_everything(&server.data, server.options.dump_to);
	serve(&server);
	return 0;
}
