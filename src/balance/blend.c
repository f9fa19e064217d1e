/*
 * balance/blend.c
 *		Aggregate blend(mass, assay): the assay of materials put together.
 *
 * Exact integers, so the answer does not depend on order, workers or frames.
 * With masses m in mg, fractions p and deviations d in ppb, per element:
 *		fraction	sum(m p) / sum(m)
 *		deviation	sqrt(sum((m d)^2)) / sum(m), the rows' errors independent
 * A row adds less than 2^93 to a sum and 2^186 to a variance: 2^34 rows of the
 * largest mass fit the one, 2^133 the other.
 */
#include "retrack.h"

#include "libpq/pqformat.h"

#include "balance/wide_int.h"
#include "types/assay.h"
#include "types/numbers.h"

/* Lives in the aggregate's context. */
typedef struct BlendState
{
	int64		rows;
	WideInt128	mass;			/* mg */
	int64		named[ELEMENT_COUNT];	/* rows that name the element */
	WideInt128	sum[ELEMENT_COUNT]; /* mg ppb */
	Wide320		var[ELEMENT_COUNT]; /* (mg ppb)^2, signed */
} BlendState;

#define WIRE_SIZE (8 + 16 + ELEMENT_COUNT * (8 + 16 + 40))

static void
blend_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("blend of assays is out of range"),
			 errdetail("Its masses add up to more than 10^29 mg.")));
}

static inline void
add_int128(WideInt128 *sum, WideInt128 v)
{
	WideInt128	result;

	if (unlikely(__builtin_add_overflow(*sum, v, &result)))
		blend_overflow();
	*sum = result;
}

static BlendState *
make_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return MemoryContextAllocZero(context, sizeof(BlendState));
}

static inline BlendState *
get_state(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : (BlendState *) PG_GETARG_POINTER(arg);
}

/* (m d)^2 */
static inline Wide320
square_error(uint64 mg, uint32 sd)
{
	WideUInt128 error = (WideUInt128) mg * sd;	/* < 2^93 */
	uint64_t	limbs[2] = {(uint64_t) error, (uint64_t) (error >> 64)};
	Wide320		square;

	wide_multiply(square.w, limbs, 2, limbs, 2);
	square.w[4] = 0;
	return square;
}

/* Enters a row (sign 1), or takes one out of a frame (-1); a negative mass takes back what its original added. */
static void
add_row(BlendState *state, Mass m, const Assay *a, int sign)
{
	uint64		mg = m < 0 ? UINT64CONST(0) - (uint64) m : (uint64) m;
	bool		minus = (m < 0) != (sign < 0);
	int			n = assay_count(a);
	int			i = 0;

	state->rows += sign;
	add_int128(&state->mass, minus ? -(WideInt128) mg : (WideInt128) mg);
	for (uint32 mask = assay_mask(a); mask != 0; mask &= mask - 1, i++)
	{
		int			e = pg_rightmost_one_pos32(mask);
		WideInt128	part = (WideInt128) mg * assay_ppb(a, i);
		uint32		sd = assay_sd(a, n, i);

		state->named[e] += sign;
		add_int128(&state->sum[e], minus ? -part : part);
		if (sd != 0)
		{
			Wide320		square = square_error(mg, sd);

			if (minus ? wide320_subtract(&state->var[e], &square) : wide320_add(&state->var[e], &square))
				blend_overflow();
		}
	}
}

static Datum
accumulate(FunctionCallInfo fcinfo, int sign)
{
	BlendState *state = get_state(fcinfo, 0);

	if (state == NULL)
		state = make_state(fcinfo);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		Assay	   *a = PG_GETARG_ASSAY_PP(2);

		add_row(state, PG_GETARG_MASS(1), a, sign);
		PG_FREE_IF_COPY(a, 2);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(blend_accum);
Datum
blend_accum(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, 1);
}

PG_FUNCTION_INFO_V1(blend_accum_inv);
Datum
blend_accum_inv(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(blend_combine);
Datum
blend_combine(PG_FUNCTION_ARGS)
{
	BlendState *state = get_state(fcinfo, 0);
	BlendState *other = get_state(fcinfo, 1);

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = make_state(fcinfo);
	state->rows += other->rows;
	add_int128(&state->mass, other->mass);
	for (int e = 0; e < ELEMENT_COUNT; e++)
	{
		state->named[e] += other->named[e];
		add_int128(&state->sum[e], other->sum[e]);
		if (wide320_add(&state->var[e], &other->var[e]))
			blend_overflow();
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(blend_serial);
Datum
blend_serial(PG_FUNCTION_ARGS)
{
	BlendState *state = (BlendState *) PG_GETARG_POINTER(0);
	StringInfoData buf;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, WIRE_SIZE);
	pq_sendint64(&buf, state->rows);
	rt_send_int128(&buf, state->mass);
	for (int e = 0; e < ELEMENT_COUNT; e++)
	{
		pq_sendint64(&buf, state->named[e]);
		rt_send_int128(&buf, state->sum[e]);
		for (int i = 0; i < WIDE320_LIMBS; i++)
			pq_sendint64(&buf, state->var[e].w[i]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(blend_deserial);
Datum
blend_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buf;
	BlendState *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	state = palloc0(sizeof(BlendState));
	state->rows = pq_getmsgint64(&buf);
	state->mass = rt_receive_int128(&buf);
	for (int e = 0; e < ELEMENT_COUNT; e++)
	{
		state->named[e] = pq_getmsgint64(&buf);
		state->sum[e] = rt_receive_int128(&buf);
		for (int i = 0; i < WIDE320_LIMBS; i++)
			state->var[e].w[i] = (uint64) pq_getmsgint64(&buf);
	}
	pq_getmsgend(&buf);
	pfree(buf.data);
	PG_RETURN_POINTER(state);
}

/* sum / mass in ppb, rounded half up; an element of which reversals leave less than none, or more than all, is an error. */
static uint32
blended_fraction(WideInt128 sum, WideInt128 mass, int e)
{
	WideInt128	quotient = sum / mass;
	WideInt128	rest = sum % mass;

	if (rest >= mass - rest)
		quotient++;
	if (sum < 0 || quotient > ASSAY_PPB)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("blend of assays holds %s of element \"%s\"",
						sum < 0 ? "less than none" : "more than 100 %", element_info[e].symbol),
				 errdetail("Rows of negative mass take more, or less, of it than the others hold.")));
	return (uint32) quotient;
}

/* sqrt(var) / mass in ppb, rounded half up; 0 (none stated) where reversals leave a variance below zero. */
static uint32
blended_deviation(const Wide320 *var, WideInt128 mass)
{
	uint64_t	limbs[2] = {(uint64_t) mass, (uint64_t) (mass >> 64)};
	uint64_t	dividend[WIDE512_LIMBS];
	uint64_t	divisor[WIDE512_LIMBS] = {0};
	uint64_t	quotient[WIDE512_LIMBS];
	uint64_t	twice[WIDE512_LIMBS];	/* floor of 2 x the deviation */

	if (wide_is_negative(var->w, WIDE320_LIMBS) || wide_is_zero(var->w, WIDE320_LIMBS))
		return 0;
	wide_extend(dividend, WIDE512_LIMBS, var->w, WIDE320_LIMBS);
	wide_multiply_small(dividend, WIDE512_LIMBS, 4, 0);
	wide_multiply(divisor, limbs, 2, limbs, 2);
	wide_divide(quotient, dividend, divisor, WIDE512_LIMBS);
	wide_square_root(twice, quotient, WIDE512_LIMBS);
	for (int i = 1; i < WIDE512_LIMBS; i++)
	{
		if (twice[i] != 0)
			return ASSAY_PPB + 1;
	}
	return (uint32) Min(twice[0] / 2 + twice[0] % 2, (uint64) ASSAY_PPB + 1);
}

PG_FUNCTION_INFO_V1(blend_final);
Datum
blend_final(PG_FUNCTION_ARGS)
{
	BlendState *state = get_state(fcinfo, 0);
	AssayParts	parts;

	if (state == NULL || state->rows == 0 || state->mass <= 0)
		PG_RETURN_NULL();
	memset(&parts, 0, sizeof(parts));
	for (int e = 0; e < ELEMENT_COUNT; e++)
	{
		if (state->named[e] == 0)
			continue;
		parts.mask |= (uint32) 1 << e;
		parts.ppb[e] = blended_fraction(state->sum[e], state->mass, e);
		parts.sd[e] = blended_deviation(&state->var[e], state->mass);
	}
	rt_assay_trim_rounding(&parts);
	PG_RETURN_ASSAY_P(rt_assay_check_build(&parts));
}
