/*
 * scan_bench FILE RECORDS-POINTER ROUNDS POINTER...: seconds of the scanner and of jansson over the
 * same bytes, interleaved; one line "scanner <s> jansson <s>" a round.
 * The scanner is fed 16 kB at a time, as libcurl does it, and all fields are
 * read; jansson gets the whole text in memory and only builds its tree.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fdw/json_scan.h"

#define CHUNK 16384

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void *
bench_alloc(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static void
bench_release(void *arg, void *p)
{
	(void) arg;
	free(p);
}

static size_t
scan_all(JsonScan *scan, const JsonScanSpec *spec, const char *text, size_t len)
{
	size_t		sum = 0;
	size_t		at = 0;
	JsonScanResult r;

	json_scan_reset(scan);
	for (;;)
	{
		while ((r = json_scan_next(scan)) == JSON_SCAN_RECORD)
		{
			for (int i = 0; i < spec->nfields; i++)
				sum += json_scan_field(scan, i)->len;
			sum++;
		}
		if (r != JSON_SCAN_MORE)
			break;
		if (at == len)
			json_scan_finish(scan);
		else
		{
			size_t		n = len - at < CHUNK ? len - at : CHUNK;

			json_scan_feed(scan, text + at, n);
			at += n;
		}
	}
	if (r == JSON_SCAN_ERROR)
	{
		fprintf(stderr, "%s at byte %llu\n", json_scan_error(scan)->message,
				(unsigned long long) json_scan_error(scan)->offset);
		exit(1);
	}
	return sum;
}

int
main(int argc, char **argv)
{
	JsonScanSpec spec = {.max_record_size = 16 << 20, .max_depth = 512,
	.alloc = bench_alloc,.release = bench_release};
	FILE	   *f;
	char	   *text;
	size_t		len;
	JsonScan   *scan;

	if (argc < 4 || (f = fopen(argv[1], "rb")) == NULL)
	{
		fprintf(stderr, "usage: scan_bench FILE RECORDS-POINTER ROUNDS POINTER...\n");
		return 2;
	}
	fseek(f, 0, SEEK_END);
	len = (size_t) ftell(f);
	rewind(f);
	text = malloc(len);
	if (fread(text, 1, len, f) != len)
		return 2;
	spec.records = argv[2];
	spec.nfields = argc - 4;
	spec.fields = (const char *const *) (argv + 4);
	scan = json_scan_create(&spec);
	if (scan == NULL)
		return 2;
	for (int i = 0; i < atoi(argv[3]); i++)
	{
		double		t0 = now();
		size_t		sum = scan_all(scan, &spec, text, len);
		double		t1 = now();
		json_t	   *tree = json_loadb(text, len, 0, NULL);
		double		t2 = now();

		printf("scanner %.4f jansson %.4f checksum %zu MB/s %.0f\n", t1 - t0, t2 - t1, sum,
			   (double) len / 1e6 / (t1 - t0));
		json_decref(tree);
	}
	json_scan_free(scan);
	free(text);
	return 0;
}
