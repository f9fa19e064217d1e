/*
 * options.c
 *		The command line.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static const char help[] =
	"usage: retrack_api [OPTION]...\n"
	"The reference reporting API, on 127.0.0.1, with a generated year of reports.\n\n"
	"  --port N             port, 0: any free one (default 0)\n"
	"  --port-file FILE     write the port there once requests are answered\n"
	"  --seed N             of the generator (default 1)\n"
	"  --scale N            batches a month and product, 1 to 1000 (default 1)\n"
	"  --noise KIND         measurement errors: bounded (default) or normal\n"
	"  --token TEXT         bearer token (default: $RETRACK_API_TOKEN, else demo-token)\n"
	"  --no-auth            answer without a token\n"
	"  --client-id TEXT     of /oauth/token (default: retrack)\n"
	"  --client-secret TEXT of /oauth/token (default: demo-secret)\n"
	"  --token-lifetime S   seconds a token from there is good for (default 3600)\n"
	"  --token-requests N   requests it is good for (default 0: any number)\n"
	"  --page-size N        records a page unless limit says (default 100)\n"
	"  --max-page-size N    most records a page (default 1000)\n"
	"  --latency-ms N       wait before each answer below /v1\n"
	"  --threads N          size of a thread pool (default: a thread a connection)\n"
	"  --bulk-records N     records of /v1/bulk unless the request says (default 200000)\n"
	"  --admin              allow POST /admin/...\n"
	"  --die-with-parent    end when the process that started it ends\n"
	"  --fail-after N       answer 503 after N requests\n"
	"  --crash-after N      die after N requests\n"
	"  --list-cheats        print the planted cases as TSV and exit\n"
	"  --dump RESOURCE      print a resource as NDJSON and exit (all: each one's name and count)\n"
	"  --dump-to DIRECTORY  write every resource to DIRECTORY/RESOURCE and the planted\n"
	"                       cases to DIRECTORY/cheats, and exit\n"
	"  --help\n";

static const struct option long_options[] = {
	{"port", required_argument, NULL, 'p'},
	{"port-file", required_argument, NULL, 'f'},
	{"seed", required_argument, NULL, 's'},
	{"scale", required_argument, NULL, 'k'},
	{"noise", required_argument, NULL, 'z'},
	{"token", required_argument, NULL, 't'},
	{"no-auth", no_argument, NULL, 'n'},
	{"client-id", required_argument, NULL, 'i'},
	{"client-secret", required_argument, NULL, 'e'},
	{"token-lifetime", required_argument, NULL, 'l'},
	{"token-requests", required_argument, NULL, 'q'},
	{"page-size", required_argument, NULL, 'g'},
	{"max-page-size", required_argument, NULL, 'G'},
	{"latency-ms", required_argument, NULL, 'w'},
	{"threads", required_argument, NULL, 'j'},
	{"bulk-records", required_argument, NULL, 'b'},
	{"admin", no_argument, NULL, 'a'},
	{"die-with-parent", no_argument, NULL, 'P'},
	{"fail-after", required_argument, NULL, 'F'},
	{"crash-after", required_argument, NULL, 'C'},
	{"list-cheats", no_argument, NULL, 'L'},
	{"dump", required_argument, NULL, 'd'},
	{"dump-to", required_argument, NULL, 'D'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* A number from least to most; ends the program otherwise. */
static long
read_number(const char *name, const char *text, long least, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (!*text || *end || value < least || value > most)
	{
		fprintf(stderr, "retrack_api: --%s must be a number from %ld to %ld, not \"%s\"\n", name,
				least, most, text);
		exit(2);
	}
	return value;
}

static bool
take_option(Options *options, int letter, const char *name)
{
	switch (letter)
	{
		case 'p':
			options->port = (int) read_number(name, optarg, 0, 65535);
			break;
		case 'f':
			options->port_file = optarg;
			break;
		case 's':
			options->seed = strtoull(optarg, NULL, 10);
			break;
		case 'k':
			options->scale = (int) read_number(name, optarg, 1, 1000);
			break;
		case 'z':
			options->normal_noise = strcmp(optarg, "normal") == 0;
			break;
		case 't':
			options->token = optarg;
			break;
		case 'n':
			options->authenticate = false;
			break;
		case 'i':
			options->client_id = optarg;
			break;
		case 'e':
			options->client_secret = optarg;
			break;
		case 'l':
			options->token_lifetime = (int) read_number(name, optarg, 0, 1000000);
			break;
		case 'q':
			options->token_requests = (int) read_number(name, optarg, 0, 1000000000);
			break;
		case 'g':
			options->page_size = (size_t) read_number(name, optarg, 1, 1000000);
			break;
		case 'G':
			options->max_page_size = (size_t) read_number(name, optarg, 1, 1000000);
			break;
		case 'w':
			options->latency_ms = (int) read_number(name, optarg, 0, 3600000);
			break;
		case 'j':
			options->threads = (int) read_number(name, optarg, 0, 1000);
			break;
		case 'b':
			options->bulk_records = (size_t) read_number(name, optarg, 0, 1000000000);
			break;
		case 'a':
			options->admin = true;
			break;
		case 'P':
			options->die_with_parent = true;
			break;
		case 'F':
			options->fail_after = read_number(name, optarg, 0, 1000000000);
			break;
		case 'C':
			options->crash_after = read_number(name, optarg, 0, 1000000000);
			break;
		case 'L':
			options->list_cheats = true;
			break;
		case 'd':
			options->dump = optarg;
			break;
		case 'D':
			options->dump_to = optarg;
			break;
		default:
			return false;
	}
	return true;
}

bool
options_parse(Options *options, int argc, char **argv)
{
	const char *token = getenv("RETRACK_API_TOKEN");
	int letter, index = 0;

	*options = (Options){.seed = 1,
						 .scale = 1,
						 .authenticate = true,
						 .token = token ? token : "demo-token",
						 .client_id = "retrack",
						 .client_secret = "demo-secret",
						 .token_lifetime = 3600,
						 .page_size = 100,
						 .max_page_size = 1000,
						 .bulk_records = 200000,
						 .fail_after = -1,
						 .crash_after = -1};
	while ((letter = getopt_long(argc, argv, "", long_options, &index)) != -1)
		if (!take_option(options, letter, long_options[index].name))
		{
			fputs(help, letter == 'h' ? stdout : stderr);
			exit(letter == 'h' ? 0 : 2);
		}
	return optind == argc;
}
