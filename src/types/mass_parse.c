/*
 * types/mass_parse.c
 *		Reading and printing masses.  Pure: no fmgr.
 */
#include "types/mass.h"
#include "types/decimal.h"
#include "types/element.h"

typedef struct MassUnit
{
	const char *name;
	int			power;			/* 1 unit = 10^power mg */
	uint64		mg;
} MassUnit;

/* largest first */
static const MassUnit mass_units[] = {
	{"t", 9, UINT64CONST(1000000000)},
	{"kg", 6, UINT64CONST(1000000)},
	{"g", 3, UINT64CONST(1000)},
	{"mg", 0, 1}
};

/*
 * Power of ten of a unit's name; kilograms where there is none; -1: unknown.  Names
 * are read in any case, but "Mg" is no milligram: who writes it means megagrams,
 * of which nobody would notice that they had become a thousand-millionth.
 */
static int
parse_unit(const char *s, size_t len)
{
	if (len == 0)
		return 6;
	if (len == 2 && s[0] == 'M' && s[1] == 'g')
		return -1;
	for (int i = 0; i < lengthof(mass_units); i++)
	{
		if (rt_ascii_equal(s, len, mass_units[i].name))
			return mass_units[i].power;
	}
	return -1;
}

MassParse
rt_mass_parse(const char *s, size_t len, Mass *result)
{
	const char *end = s + len;
	Decimal		number;
	uint64		limit;
	uint64		mg;
	int			power;

	rt_trim_blanks(&s, &end);
	if (!rt_decimal_scan(&s, end, &number))
		return MASS_PARSE_SYNTAX;
	rt_trim_blanks(&s, &end);
	power = parse_unit(s, end - s);
	if (power < 0)
		return MASS_PARSE_SYNTAX;
	limit = (uint64) PG_INT64_MAX + (number.negative ? 1 : 0);
	if (!rt_decimal_scale(&number, power, limit, &mg))
		return MASS_PARSE_RANGE;
	*result = (Mass) (number.negative ? UINT64CONST(0) - mg : mg);
	return MASS_PARSE_OK;
}

/* In the largest unit of which there is at least one; nothing is "0 kg". */
int
rt_mass_print(Mass m, char *buf)
{
	uint64		mg = m < 0 ? UINT64CONST(0) - (uint64) m : (uint64) m;
	const MassUnit *unit = mass_units;
	int			len = 0;

	if (mg == 0)
		unit = &mass_units[1];
	else
	{
		while (mg < unit->mg)
			unit++;
	}
	if (m < 0)
		buf[len++] = '-';
	len += rt_decimal_print(mg, unit->power, buf + len);
	buf[len++] = ' ';
	for (const char *p = unit->name; *p; p++)
		buf[len++] = *p;
	buf[len] = '\0';
	return len;
}
