/*
 * rules/draw.h
 *		A statement's part in one ledger row.
 */
#ifndef RT_RULES_DRAW_H
#define RT_RULES_DRAW_H

#include "retrack.h"
#include "rules/books.h"

/* One total: an item's mass, a licence's uses, a quota's REO. */
typedef struct Draw
{
	bool		touched;		/* some row refers to it */
	bool		locked;			/* its ledger row was changed by this statement */
	bool		over;			/* it passed its limit: look at the rows one by one */
	int64		back;			/* what old rows give back */
	int64		wanted;			/* what new rows take */
	int64		applied;		/* what was added to the ledger so far */
	int64		running;		/* while looking at rows: the total so far */
	LedgerRow	row;			/* as locked */
} Draw;

/*
 * Whether "amount" is no more than the tolerance, in TOLERANCE_UNITS, of "of".
 * Exact: what is tolerated to the milligram must pass.
 */
extern bool rt_draw_tolerated(int64 amount, int64 tolerance, int64 of);

/* Adds to one side of a draw; raises 22003 if it grows beyond use. */
extern void rt_draw_count(int64 *side, int64 amount);

/*
 * Brings the ledger row to what the totals say, if it is not there yet; opens the
 * ledger when first needed; "hint" is where it was found last and is kept up to
 * date.  False: the row is gone.
 */
extern bool rt_draw_apply(Ledger *ledger, const LedgerTable *table, const Datum *key,
						  ItemPointer hint, Draw *draw);

/*
 * Sets over and running once all is applied.  A draw that takes no more than it
 * gives back is never over, however little was granted.  Raises 55000 if the
 * total fell below zero.
 */
extern bool rt_draw_find_over(Draw *draw);

/*
 * Whether a batch fits: into what remains, or beyond it by the tolerance on what
 * remains before it (which so can be used once, by the last batch).
 */
extern bool rt_draw_fits(const Draw *draw, int64 amount);

#endif							/* RT_RULES_DRAW_H */
