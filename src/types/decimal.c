/*
 * types/decimal.c
 *		Decimal numbers in text, scaled to integers without any rounding on
 *		the way.
 *
 * Texts may be of any length, so nothing is converted before it is known which
 * digits count: the digits wanted are collected, the rest only decides how to
 * round.  Pure: no fmgr, no allocation.
 */
#include "types/decimal.h"

/* Far beyond what any digit string can shift back into range. */
#define EXPONENT_CAP 1000000000

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads an exponent behind 'e'; an 'e' without digits is not consumed. */
static int
scan_exponent(const char **s, const char *end)
{
	const char *p = *s;
	bool		negative = false;
	int			value = 0;

	if (p >= end || (*p != 'e' && *p != 'E'))
		return 0;
	p++;
	if (p < end && (*p == '+' || *p == '-'))
		negative = (*p++ == '-');
	if (p >= end || !is_digit(*p))
		return 0;
	for (; p < end && is_digit(*p); p++)
	{
		if (value < EXPONENT_CAP / 10)
			value = value * 10 + (*p - '0');
	}
	*s = p;
	return negative ? -value : value;
}

bool
rt_decimal_scan(const char **s, const char *end, Decimal *d)
{
	const char *p = *s;
	const char *point = NULL;
	int64		before = 0;		/* digits from the first that counts to the point */
	bool		any = false;

	d->negative = false;
	d->digits = NULL;
	if (p < end && (*p == '+' || *p == '-'))
		d->negative = (*p++ == '-');
	for (; p < end && (is_digit(*p) || (*p == '.' && point == NULL)); p++)
	{
		if (*p == '.')
		{
			point = p;
			continue;
		}
		any = true;
		if (d->digits == NULL && *p != '0')
			d->digits = p;
		if (d->digits != NULL && point == NULL)
			before++;
		else if (d->digits == NULL && point != NULL)
			before--;
	}
	if (!any)
		return false;
	d->end = p;
	if (d->digits == NULL)
	{
		d->digits = p;
		before = 0;
	}
	before += scan_exponent(&p, end);
	d->point = (int) Min(Max(before, -2 * (int64) EXPONENT_CAP), 2 * (int64) EXPONENT_CAP);
	*s = p;
	return true;
}

/* Next digit of the number, 0 behind the last one; *more tells if it was there. */
static inline int
next_digit(const char **p, const char *end, bool *more)
{
	if (*p < end && **p == '.')
		(*p)++;
	*more = *p < end;
	return *more ? *(*p)++ - '0' : 0;
}

/*
 * The integer part of |d| x 10^shift; *rest is where its fraction begins and
 * *gap how many zeros stand before that.  False if above limit.
 */
static bool
take_integer(const Decimal *d, int shift, uint64 limit, uint64 *result,
			 const char **rest, int64 *gap)
{
	int64		wanted = (int64) d->point + shift;
	const char *p = d->digits;
	uint64		value = 0;
	bool		more;

	*gap = wanted < 0 ? -wanted : 0;
	if (p < d->end)
	{
		/* The first digit is not 0, so this ends after 20 turns at most. */
		for (; wanted > 0; wanted--)
		{
			int			digit = next_digit(&p, d->end, &more);

			if (value > limit / 10 || value * 10 > limit - Min(limit, (uint64) digit))
				return false;
			value = value * 10 + digit;
		}
	}
	*rest = p;
	*result = value;
	return true;
}

bool
rt_decimal_scale(const Decimal *d, int shift, uint64 limit, uint64 *result)
{
	const char *rest;
	int64		gap;
	bool		more;

	if (!take_integer(d, shift, limit, result, &rest, &gap))
		return false;
	if (gap == 0 && next_digit(&rest, d->end, &more) >= 5)
	{
		if (*result >= limit)
			return false;
		(*result)++;
	}
	return true;
}

bool
rt_decimal_is_multiple(const Decimal *d, int shift)
{
	int64		position = (int64) d->point + shift;	/* digits before the point then */

	for (const char *p = d->digits; p < d->end; p++)
	{
		if (*p == '.')
			continue;
		if (position-- <= 0 && *p != '0')
			return false;
	}
	return true;
}

/*
 * Is the fraction 0.(gap zeros)(digits from p) at least n/m?  By long division
 * of n by m, digit against digit, so exact for any number of digits.
 */
static bool
fraction_reaches(int64 gap, const char *p, const char *end, uint64 n, uint64 m)
{
	if (n >= m)
		return false;
	for (;;)
	{
		bool		more = true;
		int			have = 0;
		int			need;

		if (n == 0)
			return true;
		if (gap > 0)
			gap--;
		else
			have = next_digit(&p, end, &more);
		if (!more)
			return false;
		n *= 10;
		need = (int) (n / m);
		n %= m;
		if (have != need)
			return have > need;
	}
}

bool
rt_decimal_scale_ratio(const Decimal *d, int shift, uint64 p, uint64 q,
					   uint64 limit, uint64 *result)
{
	const char *rest;
	int64		gap;
	uint64		whole;
	uint64		twice;

	/* Above this it is out of range whatever the ratio (q / p is below 2). */
	if (!take_integer(d, shift, 2 * limit, &whole, &rest, &gap))
		return false;

	/*
	 * With g the fraction left out, (whole + g) p = result q + r + g p, where
	 * r < q: round up once from r + g p = q/2 on, twice from 3q/2 on, that is
	 * where g reaches (q - 2r) / 2p and (3q - 2r) / 2p.
	 */
	*result = whole * p / q;
	twice = 2 * (whole * p % q);
	if (twice >= q || fraction_reaches(gap, rest, d->end, q - twice, 2 * p))
		(*result)++;
	if (fraction_reaches(gap, rest, d->end, 3 * q - twice, 2 * p))
		(*result)++;
	return *result <= limit;
}

int
rt_decimal_print(uint64 value, int places, char *buf)
{
	char		digits[24];
	int			n = 0;
	int			len = 0;

	while (places > 0 && value % 10 == 0)
	{
		value /= 10;
		places--;
	}
	do
	{
		digits[n++] = '0' + value % 10;
		value /= 10;
	} while (value != 0 || n <= places);
	while (n > 0)
	{
		if (n == places)
			buf[len++] = '.';
		buf[len++] = digits[--n];
	}
	buf[len] = '\0';
	return len;
}
