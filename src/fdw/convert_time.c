/*
 * fdw/convert_time.c
 *		Fast paths of dates and times: ISO 8601 as RFC 3339 has it, which every
 *		DateStyle reads alike.
 */
#include "retrack.h"

#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "fdw/convert.h"

/* n decimal digits; a character that is none makes *bad non-zero. */
static inline unsigned
read_digits(const char *p, int n, unsigned *bad)
{
	unsigned	v = 0;

	for (int i = 0; i < n; i++)
	{
		unsigned	digit = (unsigned char) p[i] - '0';

		*bad |= digit > 9;
		v = v * 10 + digit;
	}
	return v;
}

/* Ten characters YYYY-MM-DD to days since 2000-01-01. */
static inline bool
read_date(const char *p, int *days)
{
	static const unsigned char month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned	bad = p[4] != '-' || p[7] != '-';
	unsigned	y = read_digits(p, 4, &bad);
	unsigned	m = read_digits(p + 5, 2, &bad);
	unsigned	d = read_digits(p + 8, 2, &bad);

	if (bad || y < 1 || m < 1 || m > 12 || d < 1 ||
		d > month_days[m - 1] + (unsigned) (m == 2 && isleap((int) y)))
		return false;
	*days = date2j((int) y, (int) m, (int) d) - POSTGRES_EPOCH_JDATE;
	return true;
}

bool
rt_convert_fast_date(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	int			days;

	if (value->kind != JV_STRING || value->len != 10 || !read_date(value->data, &days))
		return false;
	*result = DateADTGetDatum(days);
	return true;
}

/* Z or an offset; *seconds east of Greenwich. */
static inline bool
read_offset(const char *p, const char *end, int *seconds)
{
	unsigned	bad;
	unsigned	h;
	unsigned	m;

	if (end - p == 1 && *p == 'Z')
	{
		*seconds = 0;
		return true;
	}
	if (end - p != 6 || (*p != '+' && *p != '-'))
		return false;
	bad = p[3] != ':';
	h = read_digits(p + 1, 2, &bad);
	m = read_digits(p + 4, 2, &bad);
	if (bad || h > 15 || m > 59)
		return false;
	*seconds = (int) (h * 3600 + m * 60);
	if (*p == '-')
		*seconds = -*seconds;
	return true;
}

/* What the last digit of a fraction of so many digits is worth. */
static const int64 microseconds[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

/*
 * HH:MM:SS at p, with at most max_digits of a second's fraction (more would be
 * rounded); *end is where it ends.
 */
static inline bool
read_time(const char *p, const char *limit, int max_digits, int64 *usec, const char **end)
{
	unsigned	bad;
	unsigned	h;
	unsigned	m;
	unsigned	s;

	if (limit - p < 8)
		return false;
	bad = p[2] != ':' || p[5] != ':';
	h = read_digits(p, 2, &bad);
	m = read_digits(p + 3, 2, &bad);
	s = read_digits(p + 6, 2, &bad);
	if (bad || h > 23 || m > 59 || s > 59)
		return false;
	*usec = 0;
	p += 8;
	if (p < limit && *p == '.')
	{
		const char *first = ++p;

		for (; p < limit && *p >= '0' && *p <= '9'; p++)
			*usec = *usec * 10 + (*p - '0');
		if (p == first || p - first > max_digits)
			return false;
		*usec *= microseconds[p - first];
	}
	*usec += (int64) (h * 3600 + m * 60 + s) * USECS_PER_SEC;
	*end = p;
	return true;
}

/* Digits of a second's fraction that a column of time keeps. */
static inline int
fraction_digits(const ConvertColumn *column)
{
	return column->typmod >= 0 && column->typmod <= 6 ? column->typmod : 6;
}

/*
 * RFC 3339 (or a space for the T); *local is what the clock shows, *offset_at
 * where the offset begins, if there is one.
 */
static inline bool
read_timestamp(ConvertColumn *column, const JsonValue *value, Timestamp *local, const char **offset_at)
{
	const char *p = value->data;
	int			days;
	int64		usec;

	if (value->kind != JV_STRING || value->len < 19 || (p[10] != 'T' && p[10] != ' ') ||
		!read_date(p, &days) ||
		!read_time(p + 11, p + value->len, fraction_digits(column), &usec, offset_at))
		return false;
	*local = days * USECS_PER_DAY + usec;
	return true;
}

bool
rt_convert_fast_time(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	const char *end;
	int64		usec;

	if (value->kind != JV_STRING ||
		!read_time(value->data, value->data + value->len, fraction_digits(column), &usec, &end) ||
		end != value->data + value->len)
		return false;
	*result = TimeADTGetDatum(usec);
	return true;
}

bool
rt_convert_fast_timestamptz(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	Timestamp	local;
	const char *offset_at;
	int			seconds;

	/* without an offset the session's time zone decides */
	if (!read_timestamp(column, value, &local, &offset_at) ||
		!read_offset(offset_at, value->data + value->len, &seconds))
		return false;
	*result = TimestampTzGetDatum(local - seconds * USECS_PER_SEC);
	return true;
}

bool
rt_convert_fast_timestamp(ConvertColumn *column, const JsonValue *value, Datum *result)
{
	Timestamp	local;
	const char *offset_at;

	if (!read_timestamp(column, value, &local, &offset_at) ||
		offset_at != value->data + value->len)
		return false;
	*result = TimestampGetDatum(local);
	return true;
}
