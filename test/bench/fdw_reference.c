/*
 * What others need for the same bytes: jansson's parse of a file, and bare libcurl
 * requests over a kept connection.
 *
 *	fdw_reference jansson FILE	milliseconds to read and parse it
 *	fdw_reference curl URL N	milliseconds per request, median of N warm ones
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MAX 10000

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

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
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
	if (argc == 4 && strcmp(argv[1], "curl") == 0 && atoi(argv[3]) > 0 && atoi(argv[3]) <= RUNS_MAX)
	{
		CURL	   *easy = curl_easy_init();
		size_t		bytes = 0;
		int			n = atoi(argv[3]);
		static double took[RUNS_MAX];

		curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &bytes);
		curl_easy_perform(easy);
		for (int i = 0; i < n; i++)
		{
			begun = now();
			if (curl_easy_perform(easy) != CURLE_OK)
				return 1;
			took[i] = now() - begun;
		}
		qsort(took, n, sizeof(double), compare);
		printf("%.4f\n", took[n / 2]);
		return bytes == 0;
	}
	return 2;
}
