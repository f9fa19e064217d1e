/*
 * rules/licence_judge.h
 *		The rules that need the ledger, and reporting a row's verdict: shared by
 *		the trigger, the dry run and the recheck of a licence's rows.
 */
#ifndef RT_RULES_LICENCE_JUDGE_H
#define RT_RULES_LICENCE_JUDGE_H

#include "retrack.h"
#include "rules/draw.h"
#include "rules/licence_rules.h"
#include "rules/violations.h"

/* A licence's part in a statement. */
typedef struct LicenceUse
{
	LicenceId	licence;
	bool		stale;			/* its terms have to be read again */
	LicenceTerms *terms;		/* NULL: no such licence */
	Draw		uses;
	Draw	   *items;			/* one per terms->items */
} LicenceUse;

/*
 * Judges a row that breaks no other rule by the totals that are over their limit;
 * what it takes is counted as running if it fits.
 */
extern void rt_licence_check_limits(LicenceUse *use, const ShipmentRow *row, LicenceVerdict *v);

/* Adds what the verdict says to the violations; "use" is NULL if the row names no licence. */
extern void rt_licence_report(Violations *violations, Books *b, TupleTableSlot *slot, LicenceUse *use,
							  const ShipmentRow *row, const LicenceVerdict *v);

#endif							/* RT_RULES_LICENCE_JUDGE_H */
