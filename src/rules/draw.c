/*
 * rules/draw.c
 *		A statement's part in one ledger row.
 */
#include "rules/draw.h"

#include "common/int.h"

/* A quarter of the range, so that sums and differences of totals stay within it. */
#define DRAW_MAX (PG_INT64_MAX / 4)

void
rt_draw_count(int64 *side, int64 amount)
{
	if (pg_add_s64_overflow(*side, amount, side) || *side > DRAW_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("sum of the statement's masses out of range")));
}

bool
rt_draw_apply(Ledger *ledger, const LedgerTable *table, const Datum *key, ItemPointer hint, Draw *draw)
{
	int64		due = draw->wanted - draw->back - draw->applied;

	if (!draw->touched ? draw->applied == 0 : draw->locked && due == 0)
		return true;
	if (ledger->rel == NULL)
		rt_ledger_open(ledger, table);
	ledger->hint = hint;
	if (!rt_ledger_add(ledger, key, due, NULL, &draw->row))
		return false;
	draw->applied += due;
	draw->locked = true;
	return true;
}

bool
rt_draw_find_over(Draw *draw)
{
	draw->running = draw->row.sum - draw->wanted;
	draw->over = draw->locked && draw->wanted > draw->back && draw->row.sum > draw->row.granted;
	return draw->over;
}

bool
rt_draw_fits(const Draw *draw, int64 amount)
{
	int64		left;

	if (pg_sub_s64_overflow(draw->row.granted, draw->running, &left) || left <= 0)
		return false;
	return amount <= left || (double) (amount - left) <= draw->row.tolerance * (double) left;
}
