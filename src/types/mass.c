/*
 * types/mass.c
 *		SQL type "mass": input, output, casts, arithmetic.
 */
#include "retrack.h"

#include "common/int.h"
#include "common/shortest_dec.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "types/mass.h"
#include "types/numbers.h"

PG_FUNCTION_INFO_V1(mass_in);
Datum
mass_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);
	Mass		m;

	switch (rt_mass_parse(s, strlen(s), &m))
	{
		case MASS_PARSE_OK:
			break;
		case MASS_PARSE_SYNTAX:
			ereturn(rt_escontext(fcinfo), (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", "mass", s),
					 errhint("Give a number and t, kg, g or mg; without a unit it is kilograms.")));
		case MASS_PARSE_RANGE:
			ereturn(rt_escontext(fcinfo), (Datum) 0,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value \"%s\" is out of range for type %s", s, "mass"),
					 errdetail("A mass is at most 9223372036.854775807 t either way.")));
	}
	PG_RETURN_MASS(m);
}

PG_FUNCTION_INFO_V1(mass_out);
Datum
mass_out(PG_FUNCTION_ARGS)
{
	char	   *buf = palloc(MASS_TEXT_MAX);

	rt_mass_print(PG_GETARG_MASS(0), buf);
	PG_RETURN_CSTRING(buf);
}

PG_FUNCTION_INFO_V1(mass_recv);
Datum
mass_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS((Mass) pq_getmsgint64((StringInfo) PG_GETARG_POINTER(0)));
}

PG_FUNCTION_INFO_V1(mass_send);
Datum
mass_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, PG_GETARG_MASS(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* Casts: numbers are kilograms everywhere. */

PG_FUNCTION_INFO_V1(kilograms);
Datum
kilograms(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(PG_GETARG_MASS(0), 6));
}

PG_FUNCTION_INFO_V1(tonnes);
Datum
tonnes(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(PG_GETARG_MASS(0), 9));
}

PG_FUNCTION_INFO_V1(mass_from_numeric);
Datum
mass_from_numeric(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(rt_numeric_to_mass(PG_GETARG_NUMERIC(0), 6));
}

PG_FUNCTION_INFO_V1(mass_from_bigint);
Datum
mass_from_bigint(PG_FUNCTION_ARGS)
{
	int64		m;

	if (pg_mul_s64_overflow(PG_GETARG_INT64(0), MASS_MG_PER_KG, &m))
		rt_mass_overflow();
	PG_RETURN_MASS(m);
}

/* Any integer fits: 2^31 kg is 2 x 10^15 mg. */
PG_FUNCTION_INFO_V1(mass_from_integer);
Datum
mass_from_integer(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(PG_GETARG_INT32(0) * MASS_MG_PER_KG);
}

PG_FUNCTION_INFO_V1(mass_from_smallint);
Datum
mass_from_smallint(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(PG_GETARG_INT16(0) * MASS_MG_PER_KG);
}

/* The decimal number that the double prints as is meant, whatever extra_float_digits says. */
PG_FUNCTION_INFO_V1(mass_from_double);
Datum
mass_from_double(PG_FUNCTION_ARGS)
{
	char		buf[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(PG_GETARG_FLOAT8(0), buf);
	PG_RETURN_MASS(rt_decimal_text_to_mass(buf, 6));
}

/* Through numeric, so rounded once. */
PG_FUNCTION_INFO_V1(mass_to_double);
Datum
mass_to_double(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall1(numeric_float8,
							   NumericGetDatum(int64_div_fast_to_numeric(PG_GETARG_MASS(0), 6)));
}

PG_FUNCTION_INFO_V1(milligrams);
Datum
milligrams(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_MASS(0));
}

PG_FUNCTION_INFO_V1(mass_from_milligrams);
Datum
mass_from_milligrams(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(PG_GETARG_INT64(0));
}

/* Arithmetic. */

PG_FUNCTION_INFO_V1(mass_add);
Datum
mass_add(PG_FUNCTION_ARGS)
{
	Mass		m;

	if (pg_add_s64_overflow(PG_GETARG_MASS(0), PG_GETARG_MASS(1), &m))
		rt_mass_overflow();
	PG_RETURN_MASS(m);
}

PG_FUNCTION_INFO_V1(mass_sub);
Datum
mass_sub(PG_FUNCTION_ARGS)
{
	Mass		m;

	if (pg_sub_s64_overflow(PG_GETARG_MASS(0), PG_GETARG_MASS(1), &m))
		rt_mass_overflow();
	PG_RETURN_MASS(m);
}

PG_FUNCTION_INFO_V1(mass_uminus);
Datum
mass_uminus(PG_FUNCTION_ARGS)
{
	Mass		m = PG_GETARG_MASS(0);

	if (m == PG_INT64_MIN)
		rt_mass_overflow();
	PG_RETURN_MASS(-m);
}

PG_FUNCTION_INFO_V1(mass_uplus);
Datum
mass_uplus(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(PG_GETARG_MASS(0));
}

PG_FUNCTION_INFO_V1(mass_abs);
Datum
mass_abs(PG_FUNCTION_ARGS)
{
	Mass		m = PG_GETARG_MASS(0);

	if (m == PG_INT64_MIN)
		rt_mass_overflow();
	PG_RETURN_MASS(m < 0 ? -m : m);
}

PG_FUNCTION_INFO_V1(mass_sign);
Datum
mass_sign(PG_FUNCTION_ARGS)
{
	Mass		m = PG_GETARG_MASS(0);

	PG_RETURN_INT32(m < 0 ? -1 : m > 0);
}

static Mass
multiply_mass(Mass m, Numeric n)
{
	Datum		product = DirectFunctionCall2(numeric_mul,
											  NumericGetDatum(int64_to_numeric(m)),
											  NumericGetDatum(n));

	return rt_numeric_to_mass(DatumGetNumeric(product), 0);
}

PG_FUNCTION_INFO_V1(mass_mul_numeric);
Datum
mass_mul_numeric(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(multiply_mass(PG_GETARG_MASS(0), PG_GETARG_NUMERIC(1)));
}

PG_FUNCTION_INFO_V1(numeric_mul_mass);
Datum
numeric_mul_mass(PG_FUNCTION_ARGS)
{
	PG_RETURN_MASS(multiply_mass(PG_GETARG_MASS(1), PG_GETARG_NUMERIC(0)));
}

/*
 * Truncated quotient and its remainder decide the rounding: a quotient rounded
 * to some scale first could end on a half that is none.
 */
PG_FUNCTION_INFO_V1(mass_div_numeric);
Datum
mass_div_numeric(PG_FUNCTION_ARGS)
{
	Datum		m = NumericGetDatum(int64_to_numeric(PG_GETARG_MASS(0)));
	Datum		n = PG_GETARG_DATUM(1);
	Datum		quotient = DirectFunctionCall2(numeric_div_trunc, m, n);
	Datum		remainder;
	Datum		twice;
	Mass		result = rt_numeric_to_mass(DatumGetNumeric(quotient), 0);

	if (numeric_is_inf(DatumGetNumeric(n)))
		PG_RETURN_MASS(0);
	remainder = DirectFunctionCall1(numeric_abs, DirectFunctionCall2(numeric_mod, m, n));
	twice = DirectFunctionCall2(numeric_add, remainder, remainder);
	if (DatumGetBool(DirectFunctionCall2(numeric_ge, twice, DirectFunctionCall1(numeric_abs, n))))
	{
		bool		negative = (PG_GETARG_MASS(0) < 0) !=
			DatumGetBool(DirectFunctionCall2(numeric_lt, n, NumericGetDatum(int64_to_numeric(0))));

		if (pg_add_s64_overflow(result, negative ? -1 : 1, &result))
			rt_mass_overflow();
	}
	PG_RETURN_MASS(result);
}

PG_FUNCTION_INFO_V1(mass_div);
Datum
mass_div(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(DirectFunctionCall2(numeric_div,
										NumericGetDatum(int64_to_numeric(PG_GETARG_MASS(0))),
										NumericGetDatum(int64_to_numeric(PG_GETARG_MASS(1)))));
}

typedef struct MassSeries
{
	Mass		next;
	Mass		stop;
	Mass		step;
	bool		done;
} MassSeries;

/* generate_series(start, stop, step), as core's over bigint. */
PG_FUNCTION_INFO_V1(mass_generate_series);
Datum
mass_generate_series(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	MassSeries *series;
	Mass		value;

	if (SRF_IS_FIRSTCALL())
	{
		call = SRF_FIRSTCALL_INIT();
		series = MemoryContextAlloc(call->multi_call_memory_ctx, sizeof(MassSeries));
		series->next = PG_GETARG_MASS(0);
		series->stop = PG_GETARG_MASS(1);
		series->step = PG_GETARG_MASS(2);
		series->done = false;
		if (series->step == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("step size cannot equal zero")));
		call->user_fctx = series;
	}
	call = SRF_PERCALL_SETUP();
	series = call->user_fctx;
	value = series->next;
	if (series->done || (series->step > 0 ? value > series->stop : value < series->stop))
		SRF_RETURN_DONE(call);
	/* A step out of range ends the series. */
	series->done = pg_add_s64_overflow(value, series->step, &series->next);
	SRF_RETURN_NEXT(call, MassGetDatum(value));
}
