/*
 * balance/sitmuf.c
 *		Aggregates sitmuf, gemuf and page_test over a facility's balances in
 *		order of periods, and page_test over plain numbers.
 *
 * Each keeps one state that a further period extends, so as window functions
 * with the default frame they give the running value of every period in time
 * linear in the periods.
 */
#include "balance/sequences.h"

#include <float.h>
#include <math.h>

#include "balance/sitmuf_filter.h"
#include "balance/statistics.h"
#include "utils/memutils.h"

/* The covariances of this many biases take 128 MB. */
#define SEQUENCE_INSTRUMENTS_MAX 4096

/* Page's test on both sides: material missing, material too much. */
typedef struct PageTest
{
	double		k;
	double		h;
	double		upper;
	double		lower;
	bool		any;			/* a value was taken */
} PageTest;

typedef struct SequenceState
{
	MemoryContext cxt;
	int			element;
	SequenceEnd end;
	BalanceState *instruments;	/* numbers the instruments met so far; holds nothing else */
	SitmufFilter filter;
	double	   *bias;			/* [filter.cap] of the period at hand */
	double	   *gain;
	double		sitmuf;			/* of the last period */
	bool		has_sitmuf;
	PageTest	page;
} SequenceState;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext cxt;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return cxt;
}

/* Larger arrays, the old values where they belong and 0 elsewhere. */
static void
grow_filter(SequenceState *state)
{
	SitmufFilter *f = &state->filter;
	int			cap = f->cap == 0 ? 4 : f->cap * 2;
	Size		vector = sizeof(double) * cap;
	double	   *s = MemoryContextAllocZero(state->cxt, vector);
	double	   *es = MemoryContextAllocZero(state->cxt, vector);
	double	   *ss = MemoryContextAllocZero(state->cxt, vector * cap);
	double	   *bias = MemoryContextAllocZero(state->cxt, vector);

	if (f->cap > 0)
	{
		memcpy(s, f->s, sizeof(double) * f->instruments);
		memcpy(es, f->es, sizeof(double) * f->instruments);
		for (int i = 0; i < f->instruments; i++)
			memcpy(ss + (Size) i * cap, f->ss + (Size) i * f->cap, sizeof(double) * f->instruments);
		memcpy(bias, state->bias, sizeof(double) * f->instruments);
		pfree(f->s);
		pfree(f->es);
		pfree(f->ss);
		pfree(state->bias);
		pfree(state->gain);
	}
	f->s = s;
	f->es = es;
	f->ss = ss;
	f->cap = cap;
	state->bias = bias;
	state->gain = MemoryContextAllocZero(state->cxt, vector);
}

/*
 * Number of an instrument in the filter.  A bias not met before is independent
 * of all that was: variance 1, no covariance.
 */
static int
number_instrument(SequenceState *state, const BalanceInstrumentView *instrument, int slot)
{
	BalanceInstrument *known = rt_balance_instrument(state->instruments, instrument->name,
													 instrument->len);
	SitmufFilter *f = &state->filter;
	/* from 1; what is 0 may be dropped */
	uint64	   *number = &rt_balance_need_bias(state->instruments, known, SPAN_BETWEEN)[slot].w[0];

	if (*number != 0)
		return (int) *number - 1;
	if (f->instruments >= SEQUENCE_INSTRUMENTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d instruments in one sequence of balances",
						SEQUENCE_INSTRUMENTS_MAX)));
	if (f->instruments == f->cap)
		grow_filter(state);
	f->ss[(Size) f->instruments * f->cap + f->instruments] = 1;
	*number = ++f->instruments;
	return f->instruments - 1;
}

/* Sets state->bias to S_k of this period, in kg. */
static void
read_biases(SequenceState *state, const BalanceView *view)
{
	const char *at = view->instruments;
	int			slot;

	rt_balance_add_slots(state->instruments, (uint32) 1 << state->element);
	slot = state->instruments->slot[state->element];
	for (int i = 0; i < state->filter.instruments; i++)
		state->bias[i] = 0;
	for (uint32 i = 0; i < view->ninstruments; i++)
	{
		BalanceInstrumentView instrument;
		uint64		bias[WHOLE_BIAS_LIMBS];
		int			number;

		at = rt_balance_next_instrument(at, &instrument);
		if (!rt_balance_whole_bias(&instrument, state->element, bias))
			continue;
		number = number_instrument(state, &instrument, slot);
		state->bias[number] = wide_to_double(bias, WHOLE_BIAS_LIMBS) * 1e-24;
	}
}

static double
span_variance(const BalanceView *view, int position, int span)
{
	Wide320		var;

	if (position < 0)
		return 0;
	var = rt_balance_var(view, position, span);
	return wide_to_double(var.w, WIDE320_LIMBS) * 1e-48;
}

static SequenceState *
create_sequence(FunctionCallInfo fcinfo, int element)
{
	MemoryContext cxt = aggregate_context(fcinfo);
	SequenceState *state = MemoryContextAllocZero(cxt, sizeof(SequenceState));

	state->cxt = cxt;
	state->element = element;
	state->end.cxt = cxt;
	state->instruments = rt_balance_create(cxt, false);
	return state;
}

/* One balance more: argument 1 is not NULL, argument 2 the element. */
static SequenceState *
follow_balance(FunctionCallInfo fcinfo)
{
	int			element = rt_sequence_element(fcinfo, 2);
	SequenceState *state = PG_ARGISNULL(0) ? create_sequence(fcinfo, element)
		: (SequenceState *) PG_GETARG_POINTER(0);
	Balance    *b = PG_GETARG_BALANCE_PP(1);
	SitmufPeriod period;
	BalanceView view;
	BalanceFigures figures;
	int			position;

	if (state->element != element)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element must not change within a sequence of balances")));
	rt_balance_view(b, &view);
	rt_sequence_follow(&state->end, b, (uint32) 1 << element);
	rt_balance_figures(&view, element, &figures);
	read_biases(state, &view);
	position = balance_position(view.mask, element);
	period.muf = wide_to_double(figures.muf.w, WIDE192_LIMBS) * 1e-15;
	period.opening_var = span_variance(&view, position, SPAN_OPENING);
	period.between_var = span_variance(&view, position, SPAN_BETWEEN);
	period.closing_var = span_variance(&view, position, SPAN_CLOSING);
	period.total_var = wide_to_double(figures.total, WIDE512_LIMBS) * 1e-48;
	period.bias = state->bias;
	period.gain = state->gain;
	state->has_sitmuf = rt_sitmuf_step(&state->filter, &period, state->end.periods == 1,
									   &state->sitmuf);
	return state;
}

static Datum
pass_state(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

PG_FUNCTION_INFO_V1(sitmuf_accum);
Datum
sitmuf_accum(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return pass_state(fcinfo);
	PG_RETURN_POINTER(follow_balance(fcinfo));
}

PG_FUNCTION_INFO_V1(sitmuf_final);
Datum
sitmuf_final(PG_FUNCTION_ARGS)
{
	SequenceState *state;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (SequenceState *) PG_GETARG_POINTER(0);
	if (!state->has_sitmuf)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(state->sitmuf);
}

/* (periods, gemuf, p_value); periods are those with a sitmuf: the degrees of freedom */
PG_FUNCTION_INFO_V1(gemuf_final);
Datum
gemuf_final(PG_FUNCTION_ARGS)
{
	const SitmufFilter *f;
	Datum		value[3] = {0};
	bool		null[3] = {false};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	f = &((SequenceState *) PG_GETARG_POINTER(0))->filter;
	value[0] = Int32GetDatum(f->degrees);
	null[1] = null[2] = f->undefined || f->degrees == 0;
	if (!null[1])
	{
		value[1] = Float8GetDatum(f->gemuf);
		value[2] = Float8GetDatum(rt_chi_square_p_value(f->gemuf, f->degrees));
	}
	return rt_sequence_row(fcinfo, value, null);
}

static void
refuse_parameter(const char *name, double value, const char *range)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for argument %s of Page's test: \"%g\"", name, value),
			 errdetail("It must be %s.", range)));
}

/* Reads k and h, which must be the same in every row. */
static void
set_page_limits(FunctionCallInfo fcinfo, PageTest *page, int argument)
{
	double		k;
	double		h;

	if (PG_ARGISNULL(argument) || PG_ARGISNULL(argument + 1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("k and h of Page's test must not be null")));
	k = PG_GETARG_FLOAT8(argument);
	h = PG_GETARG_FLOAT8(argument + 1);
	if (!(k >= 0 && k <= DBL_MAX))
		refuse_parameter("k", k, "finite and not negative");
	if (!(h >= 0 && h <= DBL_MAX))
		refuse_parameter("h", h, "finite and not negative");
	if (page->any && (k != page->k || h != page->h))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k and h of Page's test must not change within a sequence")));
	page->k = k;
	page->h = h;
	page->any = true;
}

/* Where an exact measurement was contradicted, the sum stays infinite. */
static double
next_page_sum(double sum, double step)
{
	return isinf(sum) ? sum : Max(0, sum + step);
}

static void
take_page_value(PageTest *page, double y)
{
	page->upper = next_page_sum(page->upper, y - page->k);
	page->lower = next_page_sum(page->lower, -y - page->k);
}

/* (upper, lower, alarm) */
static Datum
make_page_row(FunctionCallInfo fcinfo, const PageTest *page, bool undefined)
{
	Datum		value[3];
	bool		null[3] = {undefined, undefined, undefined};

	value[0] = Float8GetDatum(page->upper);
	value[1] = Float8GetDatum(page->lower);
	value[2] = BoolGetDatum(page->upper > page->h || page->lower > page->h);
	return rt_sequence_row(fcinfo, value, null);
}

PG_FUNCTION_INFO_V1(page_test_accum);
Datum
page_test_accum(PG_FUNCTION_ARGS)
{
	SequenceState *state;

	if (PG_ARGISNULL(1))
		return pass_state(fcinfo);
	state = follow_balance(fcinfo);
	set_page_limits(fcinfo, &state->page, 3);
	if (state->has_sitmuf)
		take_page_value(&state->page, state->sitmuf);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(page_test_final);
Datum
page_test_final(PG_FUNCTION_ARGS)
{
	SequenceState *state;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (SequenceState *) PG_GETARG_POINTER(0);
	return make_page_row(fcinfo, &state->page, state->filter.undefined);
}

PG_FUNCTION_INFO_V1(page_test_value_accum);
Datum
page_test_value_accum(PG_FUNCTION_ARGS)
{
	PageTest   *page;
	double		y;

	if (PG_ARGISNULL(1))
		return pass_state(fcinfo);
	y = PG_GETARG_FLOAT8(1);
	if (isnan(y))
		refuse_parameter("value", y, "a number; sitmuf's infinities are ones");
	page = PG_ARGISNULL(0) ? MemoryContextAllocZero(aggregate_context(fcinfo), sizeof(PageTest))
		: (PageTest *) PG_GETARG_POINTER(0);
	set_page_limits(fcinfo, page, 2);
	take_page_value(page, y);
	PG_RETURN_POINTER(page);
}

PG_FUNCTION_INFO_V1(page_test_value_final);
Datum
page_test_value_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return make_page_row(fcinfo, (PageTest *) PG_GETARG_POINTER(0), false);
}

#define PAGE_K_MAX 10.0
#define PAGE_PERIODS_MAX 1000000

static void
check_page_design(double k, int periods)
{
	if (!(k >= 0 && k <= PAGE_K_MAX))
		refuse_parameter("k", k, "from 0 to 10");
	if (periods < 1 || periods > PAGE_PERIODS_MAX)
		refuse_parameter("periods", periods, "from 1 to 1000000");
}

/* Both sides together alarm at most twice as often as one of them. */
PG_FUNCTION_INFO_V1(page_false_alarm);
Datum
page_false_alarm(PG_FUNCTION_ARGS)
{
	double		k = PG_GETARG_FLOAT8(0);
	double		h = PG_GETARG_FLOAT8(1);
	int			periods = PG_GETARG_INT32(2);

	check_page_design(k, periods);
	if (!(h >= 0 && h <= PAGE_H_MAX))
		refuse_parameter("h", h, "from 0 to 100");
	PG_RETURN_FLOAT8(Min(1.0, 2 * rt_page_alarm_probability(k, h, periods)));
}

PG_FUNCTION_INFO_V1(page_threshold);
Datum
page_threshold(PG_FUNCTION_ARGS)
{
	double		k = PG_GETARG_FLOAT8(0);
	int			periods = PG_GETARG_INT32(1);
	double		rate = PG_GETARG_FLOAT8(2);
	double		h;

	check_page_design(k, periods);
	if (!(rate >= 1e-9 && rate < 1))
		refuse_parameter("false_alarm_rate", rate, "from 1e-9 to below 1");
	h = rt_page_threshold(k, periods, rate / 2);
	if (h < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no threshold up to 100 keeps Page's test to a false-alarm rate of %g in %d periods", rate, periods),
				 errhint("Take a larger k (0.5 is usual), fewer periods or a larger rate.")));
	PG_RETURN_FLOAT8(h);
}

PG_FUNCTION_INFO_V1(normal_p_value);
Datum
normal_p_value(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(rt_normal_p_value(PG_GETARG_FLOAT8(0)));
}
