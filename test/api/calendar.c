/*
 * calendar.c
 *		Dates and RFC 3339 timestamps.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "dataset.h"

#define MICROSECONDS INT64_C(1000000)

int64_t
date_to_days(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void
days_to_date(int64_t days, int *year, int *month, int *day)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted_month = (5 * day_of_year + 2) / 153;

	*day = (int) (day_of_year - (153 * shifted_month + 2) / 5 + 1);
	*month = (int) (shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
	*year = (int) (year_of_era + era * 400 + (*month <= 2));
}

/* Reads exactly count digits. */
static bool
read_digits(const char **text, int count, int *result)
{
	*result = 0;
	for (int i = 0; i < count; i++, (*text)++)
	{
		if (!isdigit((unsigned char) **text))
			return false;
		*result = *result * 10 + (**text - '0');
	}
	return true;
}

static bool
read_char(const char **text, const char *accepted)
{
	if (!**text || !strchr(accepted, **text))
		return false;
	(*text)++;
	return true;
}

static bool
read_date(const char **text, int64_t *days)
{
	int year, month, day, y, m, d;

	if (!read_digits(text, 4, &year) || !read_char(text, "-") || !read_digits(text, 2, &month) ||
		!read_char(text, "-") || !read_digits(text, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*days = date_to_days(year, month, day);
	days_to_date(*days, &y, &m, &d); /* 30 February comes back as another day */
	return y == year && m == month && d == day;
}

/* "Z", "+08:00", "+0800" or "+08", as seconds east of Greenwich. */
static bool
read_offset(const char **text, int *seconds)
{
	int sign, hours, minutes = 0;

	*seconds = 0;
	if (read_char(text, "Zz"))
		return true;
	sign = **text == '-' ? -1 : 1;
	if (!read_char(text, "+-") || !read_digits(text, 2, &hours))
		return false;
	if (**text)
	{
		read_char(text, ":");
		if (!read_digits(text, 2, &minutes))
			return false;
	}
	*seconds = sign * (hours * 3600 + minutes * 60);
	return hours <= 15 && minutes <= 59;
}

bool
timestamp_parse(const char *text, int64_t *result)
{
	int64_t days;
	int hour, minute, second = 0, offset;
	int64_t fraction = 0;

	if (!read_date(&text, &days) || !read_char(&text, "Tt ") || !read_digits(&text, 2, &hour) ||
		!read_char(&text, ":") || !read_digits(&text, 2, &minute))
		return false;
	if (read_char(&text, ":") && !read_digits(&text, 2, &second))
		return false;
	if (hour > 24 || minute > 59 || second > 60)
		return false;
	if (read_char(&text, "."))
		for (int64_t unit = MICROSECONDS / 10; isdigit((unsigned char) *text); unit /= 10)
			fraction += unit * (*text++ - '0');
	if (!read_offset(&text, &offset) || *text)
		return false;
	*result =
		(days * 86400 + hour * 3600 + minute * 60 + second - offset) * MICROSECONDS + fraction;
	return true;
}

void
timestamp_print(int64_t value, char *buffer, size_t size)
{
	int64_t local = value + 8 * 3600 * MICROSECONDS;
	int64_t seconds = local / MICROSECONDS;
	int fraction = (int) (local % MICROSECONDS);
	int year, month, day, rest;
	char decimals[8] = "";

	days_to_date(seconds / 86400, &year, &month, &day);
	rest = (int) (seconds % 86400);
	if (fraction)
		snprintf(decimals, sizeof(decimals), ".%06u", (unsigned) fraction % 1000000);
	snprintf(buffer, size, "%04d-%02d-%02dT%02d:%02d:%02d%s+08:00", year, month, day, rest / 3600,
			 rest / 60 % 60, rest % 60, decimals);
}
