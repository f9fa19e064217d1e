/*
 * types/mass_sum.c
 *		sum(mass) and avg(mass): exact in 128 bits, so the answer does not
 *		depend on order, workers or frames, and only a result beyond mass is
 *		an overflow, never a partial sum.
 */
#include "retrack.h"

#include "libpq/pqformat.h"

#include "types/mass.h"
#include "types/numbers.h"

/*
 * Lives in the aggregate's context.  2^63 rows of the largest mass fit sum, and
 * count cannot pass 2^63.
 */
typedef struct MassSum
{
	int64		count;
	int128		sum;			/* mg */
} MassSum;

static MassSum *
make_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return MemoryContextAllocZero(context, sizeof(MassSum));
}

static inline MassSum *
get_state(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : (MassSum *) PG_GETARG_POINTER(arg);
}

PG_FUNCTION_INFO_V1(mass_accum);
Datum
mass_accum(PG_FUNCTION_ARGS)
{
	MassSum    *state = get_state(fcinfo, 0);

	if (state == NULL)
		state = make_state(fcinfo);
	if (!PG_ARGISNULL(1))
	{
		state->sum += PG_GETARG_MASS(1);
		state->count++;
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(mass_accum_inv);
Datum
mass_accum_inv(PG_FUNCTION_ARGS)
{
	MassSum    *state = get_state(fcinfo, 0);

	if (state == NULL)
		elog(ERROR, "mass_accum_inv called with NULL state");
	if (!PG_ARGISNULL(1))
	{
		state->sum -= PG_GETARG_MASS(1);
		state->count--;
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(mass_sum_combine);
Datum
mass_sum_combine(PG_FUNCTION_ARGS)
{
	MassSum    *state = get_state(fcinfo, 0);
	MassSum    *other = get_state(fcinfo, 1);

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = make_state(fcinfo);
	state->count += other->count;
	state->sum += other->sum;
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(mass_sum_serial);
Datum
mass_sum_serial(PG_FUNCTION_ARGS)
{
	MassSum    *state = (MassSum *) PG_GETARG_POINTER(0);
	StringInfoData buf;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	pq_begintypsend(&buf);
	pq_sendint64(&buf, state->count);
	rt_send_int128(&buf, state->sum);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(mass_sum_deserial);
Datum
mass_sum_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buf;
	MassSum    *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	state = palloc0(sizeof(MassSum));
	state->count = pq_getmsgint64(&buf);
	state->sum = rt_receive_int128(&buf);
	pq_getmsgend(&buf);
	pfree(buf.data);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(mass_sum_final);
Datum
mass_sum_final(PG_FUNCTION_ARGS)
{
	MassSum    *state = get_state(fcinfo, 0);

	if (state == NULL || state->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_MASS(rt_int128_to_mass(state->sum));
}

PG_FUNCTION_INFO_V1(mass_avg_final);
Datum
mass_avg_final(PG_FUNCTION_ARGS)
{
	MassSum    *state = get_state(fcinfo, 0);

	if (state == NULL || state->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_MASS((Mass) rt_divide_rounded(state->sum, state->count));
}
