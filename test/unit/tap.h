/*
 * The little of TAP that unit tests in C need.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int	tap_tests;
static int	tap_failures;

__attribute__((format(printf, 2, 3), unused))
static bool
ok(bool pass, const char *format,...)
{
	va_list		args;

	tap_failures += !pass;
	printf("%s %d - ", pass ? "ok" : "not ok", ++tap_tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return pass;
}

__attribute__((unused))
static bool
is_text(const char *got, const char *expected, const char *name)
{
	bool		pass = strcmp(got, expected) == 0;

	ok(pass, "%s", name);
	if (!pass)
		printf("#   got:      %s\n#   expected: %s\n", got, expected);
	return pass;
}

static int
done_testing(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures == 0 ? 0 : 1;
}

#endif							/* TAP_H */
