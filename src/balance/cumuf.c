/*
 * balance/cumuf.c
 *		Aggregates cumuf(balance) and cumuf(balance, element): the balance
 *		over consecutive periods.
 *
 * One period's closing inventory is the next one's opening: the same
 * measurement.  In a plain sum of balances it stays on both sides, where it
 * cancels in MUF but counts twice in the variance.  Here it is taken off both
 * sides, which leaves the opening of the first period, the closing of the
 * last, and what moved between.
 */
#include "balance/sequences.h"

#include "balance/balance_numeric.h"
#include "balance/statistics.h"

typedef struct CumufState
{
	BalanceState *st;
	SequenceEnd end;
	uint32		mask;			/* elements followed; one bit where SQL gave an element */
} CumufState;

/* Takes the biases of an inventory off both sides; a closing's have the other sign. */
static void
cancel_biases(BalanceState *st, const BalanceView *view, uint32 mask)
{
	const char *at = view->instruments;

	for (uint32 i = 0; i < view->ninstruments; i++)
	{
		BalanceInstrumentView instrument;
		BalanceInstrument *own;

		at = rt_balance_next_instrument(at, &instrument);
		if (!(instrument.mask[SPAN_OPENING] & mask))
			continue;
		own = rt_balance_instrument(st, instrument.name, instrument.len);
		for (uint32 rest = instrument.mask[SPAN_OPENING] & mask; rest != 0; rest &= rest - 1)
		{
			int			e = pg_rightmost_one_pos32(rest);
			Wide192		opening;

			rt_balance_bias(&instrument, e, SPAN_OPENING, &opening);
			wide192_subtract(&rt_balance_need_bias(st, own, SPAN_OPENING)[st->slot[e]], &opening);
			wide192_add(&rt_balance_need_bias(st, own, SPAN_CLOSING)[st->slot[e]], &opening);
		}
	}
}

/*
 * Takes an inventory off both sides of the state: it opened this period and
 * closed the last.  Nothing can overflow: this undoes what the merge has just
 * added, on one side or the other.
 */
static void
cancel_inventory(BalanceState *st, const BalanceView *view, uint32 mask)
{
	mask &= view->mask;
	for (uint32 rest = mask; rest != 0; rest &= rest - 1)
	{
		int			e = pg_rightmost_one_pos32(rest);
		int			position = balance_position(view->mask, e);
		int			slot = st->slot[e];
		WideInt128	opening = balance_sum(view, position, FLOW_OPENING);
		Wide320		var = rt_balance_var(view, position, SPAN_OPENING);

		st->sum[FLOW_OPENING * st->cap + slot] -= opening;
		st->sum[FLOW_CLOSING * st->cap + slot] -= opening;
		if (st->var != NULL)
		{
			wide320_subtract(&st->var[SPAN_OPENING * st->cap + slot], &var);
			wide320_subtract(&st->var[SPAN_CLOSING * st->cap + slot], &var);
		}
	}
	cancel_biases(st, view, mask);
}

static CumufState *
get_state(FunctionCallInfo fcinfo, uint32 mask)
{
	CumufState *state;
	MemoryContext cxt;

	if (!PG_ARGISNULL(0))
		return (CumufState *) PG_GETARG_POINTER(0);
	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = MemoryContextAllocZero(cxt, sizeof(CumufState));
	state->st = rt_balance_create(cxt, false);
	state->end.cxt = cxt;
	state->mask = mask;
	return state;
}

static Datum
accumulate(FunctionCallInfo fcinfo, uint32 mask)
{
	CumufState *state = get_state(fcinfo, mask);
	Balance    *b = PG_GETARG_BALANCE_PP(1);
	BalanceView view;

	if (state->mask != mask)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element must not change within a sequence of balances")));
	rt_balance_view(b, &view);
	rt_sequence_follow(&state->end, b, mask);
	rt_balance_merge(state->st, &view, mask, false);
	if (state->end.periods > 1)
		cancel_inventory(state->st, &view, mask);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(cumuf_accum);
Datum
cumuf_accum(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(1))
		return accumulate(fcinfo, ASSAY_MASK);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

PG_FUNCTION_INFO_V1(cumuf_element_accum);
Datum
cumuf_element_accum(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(1))
		return accumulate(fcinfo, (uint32) 1 << rt_sequence_element(fcinfo, 2));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

PG_FUNCTION_INFO_V1(cumuf_final);
Datum
cumuf_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(rt_balance_build(((CumufState *) PG_GETARG_POINTER(0))->st));
}

/* (periods, muf, sigma, z, p_value) */
PG_FUNCTION_INFO_V1(cumuf_element_final);
Datum
cumuf_element_final(PG_FUNCTION_ARGS)
{
	CumufState *state;
	BalanceView view;
	BalanceFigures figures;
	Datum		value[5] = {0};
	bool		null[5] = {false};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (CumufState *) PG_GETARG_POINTER(0);
	rt_balance_view(rt_balance_build(state->st), &view);
	rt_balance_figures(&view, pg_rightmost_one_pos32(state->mask), &figures);
	value[0] = Int32GetDatum(state->end.periods);
	value[1] = rt_kilograms_numeric(&figures.muf);
	null[2] = !figures.has_sigma;
	if (figures.has_sigma)
		value[2] = rt_sigma_numeric(&figures);
	null[3] = !figures.has_z;
	if (figures.has_z)
		value[3] = rt_z_numeric(&figures);
	null[4] = !figures.has_sigma;
	if (figures.has_sigma)
		value[4] = Float8GetDatum(rt_normal_p_value(rt_balance_z(&figures)));
	return rt_sequence_row(fcinfo, value, null);
}
