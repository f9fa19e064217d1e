/*
 * balance/balance_view.c
 *		Reading stored balances, and the figures derived from them.
 */
#include "balance/balance.h"

#include <math.h>

void
rt_balance_view(const Balance *b, BalanceView *view)
{
	const char *at = VARDATA_ANY(b);
	uint32		head;

	memcpy(&head, at, sizeof(head));
	memcpy(&view->ninstruments, at + sizeof(head), sizeof(uint32));
	if (head >> 24 != BALANCE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unknown version %u of a stored balance", head >> 24)));
	view->mask = head & ASSAY_MASK;
	view->nelements = pg_popcount32(view->mask);
	view->sum = at + 2 * sizeof(uint32);
	view->instruments = view->sum + sizeof(WideInt128) * FLOW_COUNT * view->nelements;
	view->var = NULL;
	if (head & BALANCE_HAS_VAR)
	{
		view->var = view->instruments;
		view->instruments += sizeof(Wide320) * SPAN_COUNT * view->nelements;
	}
}

const char *
rt_balance_next_instrument(const char *at, BalanceInstrumentView *instrument)
{
	memcpy(&instrument->len, at, sizeof(uint32));
	memcpy(instrument->mask, at + sizeof(uint32), sizeof(instrument->mask));
	at += sizeof(uint32) + sizeof(instrument->mask);
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		instrument->bias[span] = at;
		at += sizeof(Wide192) * pg_popcount32(instrument->mask[span]);
	}
	instrument->name = at;
	return at + instrument->len;
}

bool
rt_balance_bias(const BalanceInstrumentView *instrument, int element_index, int span, Wide192 *bias)
{
	int			position = balance_position(instrument->mask[span], element_index);

	memset(bias, 0, sizeof(*bias));
	if (position < 0)
		return false;
	memcpy(bias, instrument->bias[span] + sizeof(*bias) * position, sizeof(*bias));
	return true;
}

bool
rt_balance_whole_bias(const BalanceInstrumentView *instrument, int element_index, uint64 *bias)
{
	bool		found = false;

	memset(bias, 0, sizeof(uint64) * WHOLE_BIAS_LIMBS);
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		Wide192		term;
		uint64		wide[WHOLE_BIAS_LIMBS];

		if (!rt_balance_bias(instrument, element_index, span, &term))
			continue;
		wide_extend(wide, WHOLE_BIAS_LIMBS, term.w, WIDE192_LIMBS);
		wide_add(bias, wide, WHOLE_BIAS_LIMBS);
		found = true;
	}
	return found;
}

Wide320
rt_balance_var(const BalanceView *view, int position, int span)
{
	Wide320		v = {{0}};

	if (view->var != NULL)
		memcpy(&v, view->var + sizeof(v) * (position * SPAN_COUNT + span), sizeof(v));
	return v;
}

/* total += bias^2 of each instrument that has a term in the element */
static void
add_biases(const BalanceView *view, int element_index, uint64 *total)
{
	const char *at = view->instruments;

	for (uint32 i = 0; i < view->ninstruments; i++)
	{
		BalanceInstrumentView instrument;
		uint64		bias[WHOLE_BIAS_LIMBS];
		uint64		square[WIDE512_LIMBS];

		at = rt_balance_next_instrument(at, &instrument);
		if (!rt_balance_whole_bias(&instrument, element_index, bias))
			continue;
		if (wide_is_negative(bias, WHOLE_BIAS_LIMBS))
			wide_negate(bias, WHOLE_BIAS_LIMBS);
		wide_multiply(square, bias, WHOLE_BIAS_LIMBS, bias, WHOLE_BIAS_LIMBS);
		wide_add(total, square, WIDE512_LIMBS);
	}
}

void
rt_balance_figures(const BalanceView *view, int element_index, BalanceFigures *figures)
{
	int			position = balance_position(view->mask, element_index);

	memset(figures, 0, sizeof(*figures));
	figures->has_sigma = true;
	if (position < 0)
		return;
	for (int flow = 0; flow < FLOW_COUNT; flow++)
	{
		Wide192		term = wide192_from_int128(balance_sum(view, position, flow));

		if (flow == FLOW_OPENING || flow == FLOW_RECEIPT)
			wide192_add(&figures->muf, &term);
		else
			wide192_subtract(&figures->muf, &term);
	}
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		Wide320		var = rt_balance_var(view, position, span);
		uint64		wide[WIDE512_LIMBS];

		wide_extend(wide, WIDE512_LIMBS, var.w, WIDE320_LIMBS);
		wide_add(figures->total, wide, WIDE512_LIMBS);
	}
	add_biases(view, element_index, figures->total);
	figures->has_sigma = !wide_is_negative(figures->total, WIDE512_LIMBS);
	figures->has_z = figures->has_sigma && !wide_is_zero(figures->total, WIDE512_LIMBS);
}

static uint64
power_of_ten(int exponent)
{
	uint64		r = 1;

	while (exponent-- > 0)
		r *= 10;
	return r;
}

/*
 * value = (value / 10^dropped) rounded half up.  Value is the floor of a root:
 * since halves are integers here, the floor rounds as the root would.
 */
static void
drop_digits(uint64 *value, int dropped)
{
	uint64		unit = power_of_ten(dropped);

	if (dropped > 0 && wide_divide_small(value, WIDE512_LIMBS, unit) >= unit / 2)
		wide_multiply_small(value, WIDE512_LIMBS, 1, 1);
}

void
rt_balance_print_sigma(const BalanceFigures *figures, int decimals, char *buf)
{
	uint64		root[WIDE512_LIMBS];

	wide_square_root(root, figures->total, WIDE512_LIMBS);
	drop_digits(root, BALANCE_BIAS_SCALE - decimals);
	wide_print(buf, root, WIDE512_LIMBS, decimals);
}

/* |muf| in 10^-24 kg, as sigma's root: less than 2^160 */
static void
scale_muf(const BalanceFigures *figures, Wide192 *muf)
{
	*muf = figures->muf;
	if (wide_is_negative(muf->w, WIDE192_LIMBS))
		wide_negate(muf->w, WIDE192_LIMBS);
	wide_multiply_small(muf->w, WIDE192_LIMBS, power_of_ten(BALANCE_BIAS_SCALE - BALANCE_SUM_SCALE),
						0);
}

/*
 * |z| = sqrt(muf^2 10^(2 (decimals + 1)) / total), one digit more than asked
 * for and then rounded; with at most 6 decimals the radicand stays below 2^367.
 */
void
rt_balance_print_z(const BalanceFigures *figures, int decimals, char *buf)
{
	Wide192		muf;
	uint64		square[WIDE512_LIMBS] = {0};
	uint64		quotient[WIDE512_LIMBS];
	uint64		root[WIDE512_LIMBS];

	Assert(decimals <= 6 && figures->has_z);
	scale_muf(figures, &muf);
	wide_multiply(square, muf.w, WIDE192_LIMBS, muf.w, WIDE192_LIMBS);
	wide_multiply_small(square, WIDE512_LIMBS, power_of_ten(2 * (decimals + 1)), 0);
	wide_divide(quotient, square, figures->total, WIDE512_LIMBS);
	wide_square_root(root, quotient, WIDE512_LIMBS);
	drop_digits(root, 1);
	if (wide_is_negative(figures->muf.w, WIDE192_LIMBS))
		wide_negate(root, WIDE512_LIMBS);
	wide_print(buf, root, WIDE512_LIMBS, decimals);
}

double
rt_balance_z(const BalanceFigures *figures)
{
	double		scale = 1e9;	/* 10^-15 kg in 10^-24 kg */

	if (!figures->has_z)
		return wide_is_zero(figures->muf.w, WIDE192_LIMBS) ? 0 : HUGE_VAL;
	return wide_to_double(figures->muf.w, WIDE192_LIMBS) * scale /
		sqrt(wide_to_double(figures->total, WIDE512_LIMBS));
}

/* muf^2 > 9 total: exact, so that a value just above 3 is not rounded to it */
bool
rt_balance_is_off(const BalanceFigures *figures)
{
	Wide192		muf;
	uint64		square[WIDE512_LIMBS] = {0};
	uint64		limit[WIDE512_LIMBS];

	scale_muf(figures, &muf);
	wide_multiply(square, muf.w, WIDE192_LIMBS, muf.w, WIDE192_LIMBS);
	memcpy(limit, figures->total, sizeof(limit));
	wide_multiply_small(limit, WIDE512_LIMBS, 9, 0);
	return wide_compare(square, limit, WIDE512_LIMBS) > 0;
}
