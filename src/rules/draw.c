/*
 * rules/draw.c
 *		A statement's part in one ledger row.
 */
#include "rules/draw.h"

#include "common/int.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"

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
rt_draw_tolerated(int64 amount, int64 tolerance, int64 of)
{
	return (int128) amount * TOLERANCE_UNITS <= (int128) tolerance * of;
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

/*
 * Rows that give back more than is drawn were not booked as they stand.  Not so
 * within another statement's triggers: its rows may be booked after those that
 * change them.
 */
static void
check_not_negative(void)
{
	if (DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) > 1)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows would give back more than is drawn"),
			 errdetail("They came in with the triggers off, or were booked by other trigger arguments."),
			 errhint("retrack.verify_ledger shows the difference, retrack.rebook_ledger settles it.")));
}

bool
rt_draw_find_over(Draw *draw)
{
	if (draw->locked && draw->row.sum < 0)
		check_not_negative();
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
	return amount <= left || rt_draw_tolerated(amount - left, draw->row.tolerance, left);
}
