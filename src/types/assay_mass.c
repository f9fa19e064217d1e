/*
 * types/assay_mass.c
 *		Masses of elements and of oxides in a material.
 */
#include "retrack.h"

#include "types/assay.h"
#include "types/numbers.h"

PG_FUNCTION_INFO_V1(element_mass);
Datum
element_mass(PG_FUNCTION_ARGS)
{
	Mass		m = PG_GETARG_MASS(0);
	uint32		ppb = rt_assay_fraction(PG_GETARG_ASSAY_PP(1),
										element_index(PG_GETARG_ELEMENT(2)));

	/* ppb is at most 10^9, so the result fits. */
	PG_RETURN_MASS((Mass) rt_divide_rounded((int128) m * ppb, ASSAY_PPB));
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

Mass
rt_reo_mass(Mass m, const Assay *a)
{
	uint64		mg = m < 0 ? UINT64CONST(0) - (uint64) m : (uint64) m;
	uint128		reo = exact_reo(mg, a);

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
