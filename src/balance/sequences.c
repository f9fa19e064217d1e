/*
 * balance/sequences.c
 *		What cumuf, sitmuf, gemuf and page_test have in common: a sequence goes
 *		on only where a balance opens with what the one before closed with.
 */
#include "balance/sequences.h"

#include "access/htup_details.h"
#include "funcapi.h"

typedef enum SequenceBreak
{
	BREAK_NONE,
	BREAK_SUM,
	BREAK_VARIANCE,
	BREAK_INSTRUMENT
} SequenceBreak;

/* Walks the instruments that have a term in one element and span, in order of names. */
typedef struct BiasWalk
{
	const char *at;
	uint32		left;
	BalanceInstrumentView instrument;
	Wide192		bias;
} BiasWalk;

static bool
next_bias(BiasWalk *walk, int element, int span)
{
	while (walk->left > 0)
	{
		walk->left--;
		walk->at = rt_balance_next_instrument(walk->at, &walk->instrument);
		if (rt_balance_bias(&walk->instrument, element, span, &walk->bias))
			return true;
	}
	return false;
}

/* Whether each instrument's bias in the opening is that of the closing before, whose sign is the other one. */
static bool
same_biases(const BalanceView *before, const BalanceView *after, int element)
{
	BiasWalk	closing = {before->instruments, before->ninstruments};
	BiasWalk	opening = {after->instruments, after->ninstruments};

	for (;;)
	{
		bool		more = next_bias(&closing, element, SPAN_CLOSING);

		if (next_bias(&opening, element, SPAN_OPENING) != more)
			return false;
		if (!more)
			return true;
		wide_negate(closing.bias.w, WIDE192_LIMBS);
		if (memcmp(&closing.bias, &opening.bias, sizeof(Wide192)) != 0 ||
			closing.instrument.len != opening.instrument.len ||
			memcmp(closing.instrument.name, opening.instrument.name, opening.instrument.len) != 0)
			return false;
	}
}

static WideInt128
inventory_sum(const BalanceView *view, int element, int flow)
{
	int			position = balance_position(view->mask, element);

	return position < 0 ? 0 : balance_sum(view, position, flow);
}

static Wide320
inventory_var(const BalanceView *view, int element, int span)
{
	int			position = balance_position(view->mask, element);
	Wide320		none = {{0}};

	return position < 0 ? none : rt_balance_var(view, position, span);
}

static SequenceBreak
find_break(const BalanceView *before, const BalanceView *after, int element)
{
	Wide320		closing_var = inventory_var(before, element, SPAN_CLOSING);
	Wide320		opening_var = inventory_var(after, element, SPAN_OPENING);

	if (inventory_sum(before, element, FLOW_CLOSING) != inventory_sum(after, element, FLOW_OPENING))
		return BREAK_SUM;
	if (memcmp(&closing_var, &opening_var, sizeof(Wide320)) != 0)
		return BREAK_VARIANCE;
	return same_biases(before, after, element) ? BREAK_NONE : BREAK_INSTRUMENT;
}

static void
print_inventory(const BalanceView *view, int element, int flow, char *buf)
{
	Wide192		sum = wide192_from_int128(inventory_sum(view, element, flow));

	wide_print(buf, sum.w, WIDE192_LIMBS, BALANCE_SUM_SCALE);
}

static void
report_break(const BalanceView *before, const BalanceView *after, int element, SequenceBreak what, int period)
{
	char		opening[WIDE_TEXT_MAX];
	char		closing[WIDE_TEXT_MAX];

	print_inventory(before, element, FLOW_CLOSING, closing);
	print_inventory(after, element, FLOW_OPENING, opening);
	ereport(ERROR,
			(errcode(ERRCODE_RT_BALANCE_SEQUENCE),
			 errmsg("opening of %s in period %d of the sequence differs from the closing before it",
					element_info[element].symbol, period),
			 what == BREAK_SUM ?
			 errdetail("It opens with %s kg, the period before closed with %s kg.", opening, closing) :
			 what == BREAK_VARIANCE ?
			 errdetail("Both are %s kg, but their variances differ.", opening) :
			 errdetail("Both are %s kg, but their instruments differ.", opening),
			 errhint("Aggregate in the order of periods, leave none out, and count the same inventory rows "
					 "with the same deviations and instruments in both periods. "
					 "continues(balance before, balance) is false where a sequence breaks.")));
}

void
rt_sequence_follow(SequenceEnd *end, Balance *b, uint32 mask)
{
	if (end->periods > 0)
	{
		BalanceView before;
		BalanceView after;

		rt_balance_view(end->last, &before);
		rt_balance_view(b, &after);
		for (uint32 rest = mask; rest != 0; rest &= rest - 1)
		{
			int			element = pg_rightmost_one_pos32(rest);
			SequenceBreak what = find_break(&before, &after, element);

			if (what != BREAK_NONE)
				report_break(&before, &after, element, what, end->periods + 1);
		}
		pfree(end->last);
	}
	end->last = MemoryContextAlloc(end->cxt, VARSIZE_ANY(b));
	memcpy(end->last, b, VARSIZE_ANY(b));
	end->periods++;
}

/* Whether a balance opens with what the one before closed with. */
PG_FUNCTION_INFO_V1(balance_continues);
Datum
balance_continues(PG_FUNCTION_ARGS)
{
	BalanceView before;
	BalanceView after;

	rt_balance_view(PG_GETARG_BALANCE_PP(0), &before);
	rt_balance_view(PG_GETARG_BALANCE_PP(1), &after);
	for (uint32 rest = before.mask | after.mask; rest != 0; rest &= rest - 1)
	{
		if (find_break(&before, &after, pg_rightmost_one_pos32(rest)) != BREAK_NONE)
			PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(true);
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
