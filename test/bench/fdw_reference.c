/*
 * What others need for the same bytes: jansson's parse of a file, and bare libcurl
 * requests over a kept connection.
 *
 *	fdw_reference jansson FILE	milliseconds to read and parse it
 *	fdw_reference curl URL N	milliseconds per request, mean of N warm ones
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static size_t
swallow(char *data, size_t size, size_t n, void *arg)
{
	*(size_t *) arg += size * n;
	return size * n;
}

int
main(int argc, char **argv)
{
	double		begun;

	if (argc == 3 && strcmp(argv[1], "jansson") == 0)
	{
		json_t	   *root;

		begun = now();
		root = json_load_file(argv[2], 0, NULL);
		json_decref(root);
		printf("%.3f\n", now() - begun);
		return root == NULL;
	}
	if (argc == 4 && strcmp(argv[1], "curl") == 0)
	{
		CURL	   *easy = curl_easy_init();
		size_t		bytes = 0;
		int			n = atoi(argv[3]);

		curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &bytes);
		curl_easy_perform(easy);
		begun = now();
		for (int i = 0; i < n; i++)
			if (curl_easy_perform(easy) != CURLE_OK)
				return 1;
		printf("%.4f\n", (now() - begun) / n);
		return bytes == 0;
	}
	return 2;
}
