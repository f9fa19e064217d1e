/*
 * types/formula_parse.c
 *		Reading chemical formulas.  Pure: no fmgr, no allocation.
 *
 *	formula:	[ number ] group { group } { "·" formula }		"*" is read as "·"
 *	group:		( symbol | "(" group { group } ")" ) [ number ]
 *
 * Amounts are integers in 10^-12 atoms, so that decimals nested twice are exact;
 * what would not be exact is refused.
 */
#include "types/decimal.h"
#include "types/formula.h"

#define ATOM_E6 UINT64CONST(1000000)			/* numbers in a formula have 6 decimals */
#define ATOM_E12 UINT64CONST(1000000000000)
#define AMOUNT_MAX (ATOM_E6 * ATOM_E12)			/* a million atoms */
#define DEPTH_MAX 8

/*
 * The elements that rare earth materials hold besides, standard atomic weights
 * x 10^9: IUPAC (CIAAW, 2021), conventional ones where the standard is an interval.
 */
typedef struct OtherElement
{
	const char *symbol;
	uint64		weight_e9;
} OtherElement;

static const OtherElement other_elements[] = {
	{"H", UINT64CONST(1008000000)},
	{"Li", UINT64CONST(6940000000)},
	{"B", UINT64CONST(10810000000)},
	{"C", UINT64CONST(12011000000)},
	{"N", UINT64CONST(14007000000)},
	{"O", (uint64) OXYGEN_WEIGHT_E6 * 1000},
	{"F", UINT64CONST(18998403162)},
	{"Na", UINT64CONST(22989769280)},
	{"Mg", UINT64CONST(24305000000)},
	{"Al", UINT64CONST(26981538400)},
	{"Si", UINT64CONST(28085000000)},
	{"P", UINT64CONST(30973761998)},
	{"S", UINT64CONST(32060000000)},
	{"Cl", UINT64CONST(35450000000)},
	{"K", UINT64CONST(39098300000)},
	{"Ca", UINT64CONST(40078000000)},
	{"Ti", UINT64CONST(47867000000)},
	{"V", UINT64CONST(50941500000)},
	{"Cr", UINT64CONST(51996100000)},
	{"Mn", UINT64CONST(54938043000)},
	{"Fe", UINT64CONST(55845000000)},
	{"Co", UINT64CONST(58933194000)},
	{"Ni", UINT64CONST(58693400000)},
	{"Cu", UINT64CONST(63546000000)},
	{"Zn", UINT64CONST(65380000000)},
	{"Ga", UINT64CONST(69723000000)},
	{"Br", UINT64CONST(79904000000)},
	{"Sr", UINT64CONST(87620000000)},
	{"Zr", UINT64CONST(91224000000)},
	{"Nb", UINT64CONST(92906370000)},
	{"Mo", UINT64CONST(95950000000)},
	{"Ba", UINT64CONST(137327000000)}
};

#define OTHERS lengthof(other_elements)
#define ATOMS (ELEMENT_COUNT + OTHERS)	/* rare earths first, by dense index */

typedef struct Amounts
{
	uint64		of[ATOMS];		/* 10^-12 atoms, at most AMOUNT_MAX */
} Amounts;

typedef struct FormulaReader
{
	const char *p;
	const char *end;
} FormulaReader;

static FormulaParse read_groups(FormulaReader *r, int depth, Amounts *sum);

/* An optional number in 10^-6; 1 if none stands there. */
static FormulaParse
read_number(FormulaReader *r, uint64 *number_e6)
{
	const char *p = r->p;
	Decimal		d;
	const char *q = p;

	*number_e6 = ATOM_E6;
	while (q < r->end && ((*q >= '0' && *q <= '9') || *q == '.'))
		q++;
	if (q == p)
		return FORMULA_OK;
	/* Bounded by q, so an E behind is a symbol's and no exponent. */
	if (!rt_decimal_scan(&p, q, &d) || p != q)
		return FORMULA_SYNTAX;
	if (!rt_decimal_scale(&d, 6, ATOM_E6 * ATOM_E6, number_e6) || *number_e6 == 0 ||
		!rt_decimal_is_multiple(&d, 6))
		return FORMULA_RANGE;
	r->p = p;
	return FORMULA_OK;
}

/* sum += part x number, exactly or not at all */
static FormulaParse
add_multiple(Amounts *sum, const Amounts *part, uint64 number_e6)
{
	for (int i = 0; i < ATOMS; i++)
	{
		uint128		product = (uint128) part->of[i] * number_e6;

		if (product % ATOM_E6 != 0 || product / ATOM_E6 + sum->of[i] > AMOUNT_MAX)
			return FORMULA_RANGE;
		sum->of[i] += (uint64) (product / ATOM_E6);
	}
	return FORMULA_OK;
}

/* A symbol as formulas write it: capital, then small letter. */
static FormulaParse
read_symbol(FormulaReader *r, Amounts *one)
{
	const char *s = r->p;
	size_t		len = 1;

	if (*s < 'A' || *s > 'Z')
		return FORMULA_SYNTAX;
	if (s + 1 < r->end && s[1] >= 'a' && s[1] <= 'z')
		len = 2;
	for (int i = 0; i < ATOMS; i++)
	{
		const char *symbol = i < ELEMENT_COUNT ? element_info[i].symbol : other_elements[i - ELEMENT_COUNT].symbol;

		if (strlen(symbol) == len && memcmp(symbol, s, len) == 0)
		{
			one->of[i] = ATOM_E12;
			r->p += len;
			return FORMULA_OK;
		}
	}
	return FORMULA_UNKNOWN;
}

static FormulaParse
read_group(FormulaReader *r, int depth, Amounts *sum)
{
	Amounts		part = {{0}};
	uint64		number_e6;
	FormulaParse code;

	if (*r->p == '(')
	{
		r->p++;
		code = read_groups(r, depth + 1, &part);
		if (code == FORMULA_OK && (r->p >= r->end || *r->p++ != ')'))
			code = FORMULA_SYNTAX;
	}
	else
		code = read_symbol(r, &part);
	if (code == FORMULA_OK)
		code = read_number(r, &number_e6);
	return code == FORMULA_OK ? add_multiple(sum, &part, number_e6) : code;
}

static FormulaParse
read_groups(FormulaReader *r, int depth, Amounts *sum)
{
	FormulaParse code;

	if (depth > DEPTH_MAX)
		return FORMULA_RANGE;
	if (r->p >= r->end)
		return FORMULA_SYNTAX;
	do
	{
		code = read_group(r, depth, sum);
	} while (code == FORMULA_OK && r->p < r->end &&
			 (*r->p == '(' || (*r->p >= 'A' && *r->p <= 'Z')));
	return code;
}

static bool
accept_dot(FormulaReader *r)
{
	static const char dot[] = "·";
	size_t		len = sizeof(dot) - 1;

	if (r->p < r->end && *r->p == '*')
		len = 1;
	else if ((size_t) (r->end - r->p) < len || memcmp(r->p, dot, len) != 0)
		return false;
	r->p += len;
	return true;
}

/* Fractions of the rare earths; weights are at most 10^18 x 1.8 x 10^11 each, < 2^98. */
static void
weigh(const Amounts *sum, AssayParts *parts)
{
	uint128		weight[ELEMENT_COUNT];
	uint128		total = 0;

	for (int i = 0; i < ATOMS; i++)
	{
		uint64		weight_e9 = i < ELEMENT_COUNT ?
			(uint64) element_info[i].weight_e6 * 1000 : other_elements[i - ELEMENT_COUNT].weight_e9;
		uint128		w = (uint128) sum->of[i] * weight_e9;

		if (i < ELEMENT_COUNT)
			weight[i] = w;
		total += w;
	}
	memset(parts, 0, sizeof(*parts));
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		if (weight[i] == 0)
			continue;
		parts->mask |= (uint32) 1 << i;
		parts->ppb[i] = (uint32) ((weight[i] * ASSAY_PPB + total / 2) / total);
	}
}

FormulaParse
rt_formula_parse(const char *s, size_t len, AssayParts *parts, const char **at)
{
	FormulaReader r;
	Amounts		sum = {{0}};
	FormulaParse code;

	r.p = s;
	r.end = s + len;
	rt_trim_blanks(&r.p, &r.end);
	do
	{
		Amounts		part = {{0}};
		uint64		number_e6;

		code = read_number(&r, &number_e6);
		if (code == FORMULA_OK)
			code = read_groups(&r, 0, &part);
		if (code == FORMULA_OK)
			code = add_multiple(&sum, &part, number_e6);
	} while (code == FORMULA_OK && accept_dot(&r));
	if (code == FORMULA_OK && r.p < r.end)
		code = FORMULA_SYNTAX;
	*at = r.p;
	if (code == FORMULA_OK)
		weigh(&sum, parts);
	return code;
}
