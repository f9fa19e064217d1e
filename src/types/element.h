/*
 * types/element.h
 *		The 17 rare earth elements: SQL type "element".
 *
 * A value is its atomic number, one byte, passed by value.  The dense index
 * 0..16 (in order of atomic number: Sc, Y, La..Lu) is for arrays and masks.
 */
#ifndef RT_ELEMENT_H
#define RT_ELEMENT_H

#include "retrack.h"

typedef uint8 Element;

#define ELEMENT_COUNT 17
#define ELEMENT_PM ((Element) 61)	/* the one without standard atomic weight */

typedef struct ElementInfo
{
	Element		number;			/* atomic number */
	const char *symbol;			/* "Dy" */
	const char *name;			/* "dysprosium" */
	const char *chinese;		/* UTF-8, "镝" */
	int64		weight_e6;		/* standard atomic weight (Pm: mass number) x 10^6 */
	uint8		oxide_atoms;	/* atoms of the element in its oxide of trade */
	uint8		oxide_oxygen;	/* atoms of oxygen there */
	const char *oxide;			/* "Dy2O3" */
	uint8		weight_places;	/* decimals the standard weight is stated with */
} ElementInfo;

/* by dense index */
extern const ElementInfo element_info[ELEMENT_COUNT];

#define OXYGEN_WEIGHT_E6 INT64CONST(15999000)

/* Dense index of a valid element: 0..16. */
static inline int
element_index(Element z)
{
	return z == 21 ? 0 : z == 39 ? 1 : (int) z - 55;
}

static inline bool
element_is_valid(int z)
{
	return z == 21 || z == 39 || (z >= 57 && z <= 71);
}

static inline Element
element_from_index(int i)
{
	return element_info[i].number;
}

/* Reads symbol, name, Chinese character or atomic number; false if it is none. */
extern bool rt_element_parse(const char *s, size_t len, Element *result);

/* Reads the oxide of trade: its formula in any case, or 氧化 and the character. */
extern bool rt_oxide_parse(const char *s, size_t len, Element *result);

/* What the readers of all types share: ASCII blanks, words in any ASCII case. */
static inline bool
rt_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
extern void rt_trim_blanks(const char **s, const char **end);
extern bool rt_ascii_equal(const char *s, size_t len, const char *word);

/* Mass of the oxide's oxygen per mass of the element: oxygen / metal, both x 10^6. */
static inline uint64
element_oxygen_e6(const ElementInfo *info)
{
	return (uint64) info->oxide_oxygen * OXYGEN_WEIGHT_E6;
}

static inline uint64
element_metal_e6(const ElementInfo *info)
{
	return (uint64) info->oxide_atoms * info->weight_e6;
}

#define DatumGetElement(d) ((Element) DatumGetUInt8(d))
#define ElementGetDatum(z) UInt8GetDatum(z)
#define PG_GETARG_ELEMENT(n) DatumGetElement(PG_GETARG_DATUM(n))
#define PG_RETURN_ELEMENT(z) return ElementGetDatum(z)

#endif							/* RT_ELEMENT_H */
