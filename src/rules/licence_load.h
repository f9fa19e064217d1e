/*
 * rules/licence_load.h
 *		Reads licences from their tables.
 */
#ifndef RT_RULES_LICENCE_LOAD_H
#define RT_RULES_LICENCE_LOAD_H

#include "retrack.h"
#include "lib/stringinfo.h"
#include "rules/licence_terms.h"

/* A licence that was read: its arrays are its own, its texts in "texts". */
typedef struct LoadedTerms
{
	LicenceTerms t;
	StringInfoData texts;
	bool		exists;			/* has a row in table licence */
} LoadedTerms;

/* Licences that were read together, in their order. */
typedef struct LicenceRun
{
	int			n;
	int			max;
	int64		rows;			/* read, but for those of the first licence */
	LoadedTerms *loaded;
} LicenceRun;

/*
 * Reads the licence, as last committed, into run->loaded[0]; and with it those
 * with items that follow it, until there are "max" in all, the next one is in
 * memory already, or they have many rows.  The run is palloc'd.
 */
extern LicenceRun *rt_licence_load(Books *b, LicenceId licence, int max);

/*
 * The licence's items whose terms are others, as last committed and by our own changes:
 * their lines in their order, palloc'd.
 */
extern int32 *rt_licence_lines(Books *b, LicenceId licence, int64 terms, int *n);

/*
 * Whether this transaction has changed or removed an item of the licence that others
 * see: they have to wait for it before they change that item.
 */
extern bool rt_licence_item_is_held(Books *b, LicenceId licence);

#endif							/* RT_RULES_LICENCE_LOAD_H */
