/*
 * rules/recheck.h
 *		Judging rows that are stored already, or only asked about.
 */
#ifndef RT_RULES_RECHECK_H
#define RT_RULES_RECHECK_H

#include "retrack.h"
#include "rules/books.h"

/*
 * Judges all stored rows of a licence by its present terms: after a change of
 * the licence, with its ledger rows locked.  Violations that are not recorded yet
 * raise RTL14, or are recorded.
 */
extern void rt_recheck_licence(Books *b, LicenceId licence, bool record);

/*
 * Sets the licence's ledger rows to what its rows draw.  An item that so gets more
 * than it grants raises RTL14, or is recorded.
 */
extern void rt_rebook_licence(Books *b, LicenceId licence, bool record);

#endif							/* RT_RULES_RECHECK_H */
