/*
 * types/assay_mass.c
 *		Masses of elements and of oxides in a material.
 */
#include "retrack.h"

#include "types/assay.h"
#include "types/numbers.h"

/* ppb is at most 10^9, so the result fits. */
Mass
rt_element_mass(Mass m, uint32 ppb)
{
	return (Mass) rt_divide_rounded((int128) m * ppb, ASSAY_PPB);
}

PG_FUNCTION_INFO_V1(element_mass);
Datum
element_mass(PG_FUNCTION_ARGS)
{
	uint32		ppb = rt_assay_fraction(PG_GETARG_ASSAY_PP(1),
										element_index(PG_GETARG_ELEMENT(2)));

	PG_RETURN_MASS(rt_element_mass(PG_GETARG_MASS(0), ppb));
}

/*
 * Exact: m x ppb x oxygen / metal is split into its integer part and a proper
 * fraction for each element; the fractions' sum is compared as one rational
 * number only where it decides the rounding.
 */
#define LIMBS 20				/* of 32 bits: 17 denominators below 2^30 take 510 */

typedef struct Wide
{
	uint32		limb[LIMBS];	/* least significant first */
} Wide;

static void
wide_multiply(Wide *w, uint32 factor)
{
	uint64		carry = 0;

	for (int i = 0; i < LIMBS; i++)
	{
		carry += (uint64) w->limb[i] * factor;
		w->limb[i] = (uint32) carry;
		carry >>= 32;
	}
}

/* w += v x factor */
static void
wide_add_multiple(Wide *w, const Wide *v, uint32 factor)
{
	uint64		carry = 0;

	for (int i = 0; i < LIMBS; i++)
	{
		carry += (uint64) v->limb[i] * factor + w->limb[i];
		w->limb[i] = (uint32) carry;
		carry >>= 32;
	}
}

static int
wide_compare(const Wide *a, const Wide *b)
{
	for (int i = LIMBS - 1; i >= 0; i--)
	{
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	}
	return 0;
}

/* Is the sum of n proper fractions rest[i]/metal[i] at least the integer whole? */
static bool
fractions_reach(const uint32 *rest, const uint32 *metal, int n, uint32 whole)
{
	Wide		sum = {{0}};
	Wide		denominator = {{1}};

	for (int i = 0; i < n; i++)
	{
		/* sum/denominator + rest/metal */
		wide_multiply(&sum, metal[i]);
		wide_add_multiple(&sum, &denominator, rest[i]);
		wide_multiply(&denominator, metal[i]);
	}
	wide_multiply(&denominator, whole);
	return wide_compare(&sum, &denominator) >= 0;
}

/* REO in mg of mg (not negative) milligrams of material; above 2^64 only if the result is. */
static uint128
exact_reo(uint64 mg, const Assay *a)
{
	uint32		rest[ELEMENT_COUNT];
	uint32		metal[ELEMENT_COUNT];
	uint128		sum = 0;		/* mg x ppb, integer part */
	uint128		result;
	uint32		below;
	int			n = 0;

	for (uint32 mask = assay_mask(a); mask != 0; mask &= mask - 1)
	{
		const ElementInfo *info = &element_info[pg_rightmost_one_pos32(mask)];
		uint128		element = (uint128) mg * assay_ppb(a, n);	/* < 2^94 */
		uint128		oxygen = element * element_oxygen_e6(info); /* < 2^122 */

		metal[n] = (uint32) element_metal_e6(info);
		rest[n] = (uint32) (oxygen % metal[n]);
		sum += element + oxygen / metal[n];
		n++;
	}
	result = sum / (uint64) ASSAY_PPB;
	below = (uint32) (sum % (uint64) ASSAY_PPB);
	if (below >= ASSAY_PPB / 2 ||
		(below + n > ASSAY_PPB / 2 &&
		 fractions_reach(rest, metal, n, (uint32) (ASSAY_PPB / 2) - below)))
		result++;
	return result;
}

/* Oxygen per metal in each oxide, in 2^-64, rounded down; filled at first use. */
static uint64 oxygen_ratio[ELEMENT_COUNT];

static void
fill_oxygen_ratio(void)
{
	for (int i = 0; i < ELEMENT_COUNT; i++)
		oxygen_ratio[i] = (uint64) (((uint128) element_oxygen_e6(&element_info[i]) << 64) /
									element_metal_e6(&element_info[i]));
}

/* Masses up to here (281 t) are worth the fast way, whose error grows with them. */
#define FAST_MAX_MG (UINT64CONST(1) << 48)

/*
 * The same in fixed point, in a few multiplications: the factors are rounded
 * down by less than 2^-64 each, which leaves sum short of the truth by less
 * than mg x 10^9 / 2^64 < mg / 2^34, and one more for the fraction dropped.
 * False if that could decide the rounding.
 */
static bool
fast_reo(uint64 mg, const Assay *a, uint64 *result)
{
	uint128		per_mg = 0;		/* ppb, in 2^-64; < 2^95 */
	uint128		sum;			/* mg x ppb; < 2^79 */
	uint64		below;
	uint64		doubt = (mg >> 34) + 2;
	int			i = 0;

	if (unlikely(oxygen_ratio[0] == 0))
		fill_oxygen_ratio();
	for (uint32 mask = assay_mask(a); mask != 0; mask &= mask - 1)
	{
		uint32		ppb = assay_ppb(a, i++);

		per_mg += ((uint128) ppb << 64) +
			(uint128) ppb * oxygen_ratio[pg_rightmost_one_pos32(mask)];
	}
	sum = (uint128) mg * (uint64) (per_mg >> 64) +
		(((uint128) mg * (uint64) per_mg) >> 64);
	if (likely((sum >> 64) == 0))
	{
		*result = (uint64) sum / ASSAY_PPB;
		below = (uint64) sum % ASSAY_PPB;
	}
	else
	{
		*result = (uint64) (sum / (uint64) ASSAY_PPB);
		below = (uint64) (sum % (uint64) ASSAY_PPB);
	}
	if (below >= ASSAY_PPB / 2)
		(*result)++;
	else if (below + doubt >= ASSAY_PPB / 2)
		return false;
	return true;
}

Mass
rt_reo_mass(Mass m, const Assay *a)
{
	uint64		mg = m < 0 ? UINT64CONST(0) - (uint64) m : (uint64) m;
	uint64		fast;
	uint128		reo;

	if (mg < FAST_MAX_MG && fast_reo(mg, a, &fast))
		return m < 0 ? -(Mass) fast : (Mass) fast;
	reo = exact_reo(mg, a);

	if (reo > (uint128) PG_INT64_MAX + (m < 0 ? 1 : 0))
		rt_mass_overflow();
	return (Mass) (m < 0 ? UINT64CONST(0) - (uint64) reo : (uint64) reo);
}

PG_FUNCTION_INFO_V1(reo_mass);
Datum
reo_mass(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(rt_reo_mass(PG_GETARG_MASS(0), PG_GETARG_ASSAY_PP(1)));
}
