/*
 * types/licence_id_parse.c
 *		Reading and printing licence numbers and their check character,
 *		ISO 7064 MOD 37,36.  Pure: no fmgr.
 */
#include "types/licence_id.h"
#include "types/element.h"

#define LICENCE_ID_CHARS 10		/* that count: year 2, office 2, serial 6 */

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Value of 0-9, A-Z, a-z; -1 for anything else. */
static inline int
character_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return -1;
}

/* ISO 7064 hybrid system MOD 37,36: the recursion of its section 9. */
char
rt_check_character(const char *s, size_t len)
{
	int			p = 36;

	for (size_t i = 0; i < len; i++)
	{
		int			v = character_value(s[i]);

		if (v < 0)
			return '\0';
		p = (p + v) % 36;
		if (p == 0)
			p = 36;
		p = p * 2 % 37;
	}
	return alphabet[(37 - p) % 36];
}

LicenceIdParse
rt_licence_id_parse(const char *s, size_t len, LicenceId *result, char *expected)
{
	const char *end = s + len;
	char		chars[LICENCE_ID_CHARS];
	uint64		value = 0;
	int			n = 0;

	rt_trim_blanks(&s, &end);
	len = end - s;
	if ((len != 12 && len != 14) || s[2] != '-' || s[5] != '-')
		return LICENCE_ID_SYNTAX;
	for (int i = 0; i < 12; i++)
	{
		int			v;

		if (i == 2 || i == 5)
			continue;
		v = character_value(s[i]);
		if (v < 0 || (n < 2 && v > 9))
			return LICENCE_ID_SYNTAX;
		value = value * (n < 2 ? 10 : 36) + v;
		chars[n++] = alphabet[v];
	}
	*result = value;
	if (len == 14)
	{
		int			given = character_value(s[13]);

		if (s[12] != '-' || given < 0)
			return LICENCE_ID_SYNTAX;
		*expected = rt_check_character(chars, LICENCE_ID_CHARS);
		if (alphabet[given] != *expected)
			return LICENCE_ID_CHECK;
	}
	return LICENCE_ID_OK;
}

int
rt_licence_id_print(LicenceId id, bool with_check, char *buf)
{
	uint32		year = (uint32) (id / LICENCE_ID_RADIX_SERIAL);
	uint64		rest = id % LICENCE_ID_RADIX_SERIAL;
	char		chars[LICENCE_ID_CHARS];

	for (int i = LICENCE_ID_CHARS - 1; i >= 2; i--)
	{
		chars[i] = alphabet[rest % 36];
		rest /= 36;
	}
	chars[0] = '0' + year / 10;
	chars[1] = '0' + year % 10;

	memcpy(buf, chars, 2);
	buf[2] = '-';
	memcpy(buf + 3, chars + 2, 2);
	buf[5] = '-';
	memcpy(buf + 6, chars + 4, 6);
	if (with_check)
	{
		buf[12] = '-';
		buf[13] = rt_check_character(chars, LICENCE_ID_CHARS);
		buf[14] = '\0';
		return 14;
	}
	buf[12] = '\0';
	return 12;
}
