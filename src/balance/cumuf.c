/*
 * balance/cumuf.c
 *		Aggregates cumuf(balance) and cumuf(balance, element): the balance
 *		over consecutive periods.
 *
 * One period's closing inventory is the next one's opening: the same
 * measurement.  In a plain sum of balances it stays on both sides, where it
 * cancels in MUF but counts twice in the variance.  Here it is taken off both
 * sides, which leaves the opening of the first period, the closing of the
 * last, and what moved between.  Systematic sums carry signs and cancel by
 * themselves.
 */
#include "balance/sequences.h"

#include "access/htup_details.h"
#include "funcapi.h"

#include "balance/balance_numeric.h"
#include "balance/statistics.h"

typedef struct CumufState
{
	BalanceState *st;
	SequenceEnd end;
	uint32		mask;			/* elements followed; one bit where SQL gave an element */
} CumufState;

static void
describe_break(const BalanceView *view, int element, const SequenceEnd *end)
{
	Wide192		opening = {{0}};
	Wide192		closing = wide192_from_int128(end->sum[element]);
	int			position = balance_position(view->mask, element);
	char		opening_text[WIDE_TEXT_MAX];
	char		closing_text[WIDE_TEXT_MAX];

	if (position >= 0)
		opening = wide192_from_int128(balance_sum(view, position, FLOW_OPENING));
	wide_print(opening_text, opening.w, WIDE192_LIMBS, BALANCE_SUM_SCALE);
	wide_print(closing_text, closing.w, WIDE192_LIMBS, BALANCE_SUM_SCALE);
	ereport(ERROR,
			(errcode(ERRCODE_RT_BALANCE_SEQUENCE),
			 errmsg("opening of %s in period %d of the sequence differs from the closing before it",
					element_info[element].symbol, end->periods + 1),
			 strcmp(opening_text, closing_text) != 0 ?
			 errdetail("It opens with %s kg, the period before closed with %s kg.",
					   opening_text, closing_text) :
			 errdetail("Both are %s kg, but their variances differ.", opening_text),
			 errhint("Aggregate in the order of periods, leave none out, and count the same "
					 "inventory rows with the same deviations in both periods.")));
}

void
rt_sequence_follow(SequenceEnd *end, const BalanceView *view, uint32 mask)
{
	for (; mask != 0; mask &= mask - 1)
	{
		int			e = pg_rightmost_one_pos32(mask);
		int			position = balance_position(view->mask, e);
		WideInt128	opening = 0;
		WideInt128	closing = 0;
		Wide320		opening_var = {{0}};
		Wide320		closing_var = {{0}};

		if (position >= 0)
		{
			opening = balance_sum(view, position, FLOW_OPENING);
			closing = balance_sum(view, position, FLOW_CLOSING);
			opening_var = rt_balance_var(view, position, SPAN_OPENING);
			closing_var = rt_balance_var(view, position, SPAN_CLOSING);
		}
		if (end->periods > 0 &&
			(opening != end->sum[e] || memcmp(&opening_var, &end->var[e], sizeof(Wide320)) != 0))
			describe_break(view, e, end);
		end->sum[e] = closing;
		end->var[e] = closing_var;
	}
	end->periods++;
}

int
rt_sequence_element(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("element must not be null")));
	return element_index(PG_GETARG_ELEMENT(argument));
}

Datum
rt_sequence_row(FunctionCallInfo fcinfo, Datum *value, bool *null)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "sequence function has no row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, null));
}

/* Takes an inventory off both sides of the state: it opened this period and closed the last. */
static void
cancel_inventory(BalanceState *st, const BalanceView *view, uint32 mask)
{
	for (mask &= view->mask; mask != 0; mask &= mask - 1)
	{
		int			e = pg_rightmost_one_pos32(mask);
		int			position = balance_position(view->mask, e);
		int			slot = st->slot[e];
		WideInt128	opening = balance_sum(view, position, FLOW_OPENING);
		Wide320		var = rt_balance_var(view, position, SPAN_OPENING);

		/* no overflow: this undoes what the merge has just added, on one side or the other */
		st->sum[FLOW_OPENING * st->cap + slot] -= opening;
		st->sum[FLOW_CLOSING * st->cap + slot] -= opening;
		if (st->var != NULL)
		{
			wide320_subtract(&st->var[SPAN_OPENING * st->cap + slot], &var);
			wide320_subtract(&st->var[SPAN_CLOSING * st->cap + slot], &var);
		}
	}
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
	state->mask = mask;
	return state;
}

static Datum
accumulate(FunctionCallInfo fcinfo, uint32 mask)
{
	CumufState *state = get_state(fcinfo, mask);
	BalanceView view;

	if (state->mask != mask)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element must not change within a sequence of balances")));
	rt_balance_view(PG_GETARG_BALANCE_PP(1), &view);
	rt_sequence_follow(&state->end, &view, mask);
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
