/*
 * types/element_parse.c
 *		The table of the rare earth elements and the reading of their names.
 *		Pure: no fmgr.
 *
 * Weights are the standard atomic weights of IUPAC (CIAAW, 2021, with the
 * revisions of Gd, Lu and Zr of 2024); promethium has none: its mass number.
 */
#include "types/element.h"

/* Oxides of trade: CeO2, Pr6O11, Tb4O7, every other one RE2O3. */
const ElementInfo element_info[ELEMENT_COUNT] = {
	{21, "Sc", "scandium", "钪", 44955907, 2, 3, "Sc2O3", 6},
	{39, "Y", "yttrium", "钇", 88905838, 2, 3, "Y2O3", 6},
	{57, "La", "lanthanum", "镧", 138905470, 2, 3, "La2O3", 5},
	{58, "Ce", "cerium", "铈", 140116000, 1, 2, "CeO2", 3},
	{59, "Pr", "praseodymium", "镨", 140907660, 6, 11, "Pr6O11", 5},
	{60, "Nd", "neodymium", "钕", 144242000, 2, 3, "Nd2O3", 3},
	{61, "Pm", "promethium", "钷", 145000000, 2, 3, "Pm2O3", 0},
	{62, "Sm", "samarium", "钐", 150360000, 2, 3, "Sm2O3", 2},
	{63, "Eu", "europium", "铕", 151964000, 2, 3, "Eu2O3", 3},
	{64, "Gd", "gadolinium", "钆", 157249000, 2, 3, "Gd2O3", 3},
	{65, "Tb", "terbium", "铽", 158925354, 4, 7, "Tb4O7", 6},
	{66, "Dy", "dysprosium", "镝", 162500000, 2, 3, "Dy2O3", 3},
	{67, "Ho", "holmium", "钬", 164930329, 2, 3, "Ho2O3", 6},
	{68, "Er", "erbium", "铒", 167259000, 2, 3, "Er2O3", 3},
	{69, "Tm", "thulium", "铥", 168934219, 2, 3, "Tm2O3", 6},
	{70, "Yb", "ytterbium", "镱", 173045000, 2, 3, "Yb2O3", 3},
	{71, "Lu", "lutetium", "镥", 174966690, 2, 3, "Lu2O3", 5}
};

bool
rt_ascii_equal(const char *s, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++)
	{
		char		c = s[i];
		char		w = word[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (w >= 'A' && w <= 'Z')
			w += 'a' - 'A';
		if (c != w || w == '\0')
			return false;
	}
	return word[len] == '\0';
}

void
rt_trim_blanks(const char **s, const char **end)
{
	while (*s < *end && rt_is_blank(**s))
		(*s)++;
	while (*s < *end && rt_is_blank((*end)[-1]))
		(*end)--;
}

/* Atomic number in digits: one to three of them. */
static bool
parse_number(const char *s, size_t len, Element *result)
{
	int			z = 0;

	if (len < 1 || len > 3)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return false;
		z = z * 10 + (s[i] - '0');
	}
	*result = (Element) z;
	return element_is_valid(z);
}

bool
rt_element_parse(const char *s, size_t len, Element *result)
{
	const char *end = s + len;

	rt_trim_blanks(&s, &end);
	len = end - s;
	if (len == 0)
		return false;
	if (*s >= '0' && *s <= '9')
		return parse_number(s, len, result);
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		const ElementInfo *info = &element_info[i];

		if (rt_ascii_equal(s, len, info->symbol) ||
			(len > 2 && (rt_ascii_equal(s, len, info->name) ||
						 rt_ascii_equal(s, len, info->chinese))))
		{
			*result = info->number;
			return true;
		}
	}
	return false;
}

bool
rt_oxide_parse(const char *s, size_t len, Element *result)
{
	static const char prefix[] = "氧化";
	const size_t prefix_len = sizeof(prefix) - 1;
	const char *end = s + len;

	rt_trim_blanks(&s, &end);
	len = end - s;
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		if (rt_ascii_equal(s, len, element_info[i].oxide))
		{
			*result = element_info[i].number;
			return true;
		}
	}
	if (len <= prefix_len || memcmp(s, prefix, prefix_len) != 0)
		return false;
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		if (rt_ascii_equal(s + prefix_len, len - prefix_len, element_info[i].chinese))
		{
			*result = element_info[i].number;
			return true;
		}
	}
	return false;
}
