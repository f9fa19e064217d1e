/*
 * rules/licence_terms.h
 *		What a licence allows, kept in memory between statements.
 */
#ifndef RT_RULES_LICENCE_TERMS_H
#define RT_RULES_LICENCE_TERMS_H

#include "retrack.h"
#include "rules/books.h"
#include "rules/control_list.h"
#include "rules/row_values.h"
#include "types/licence_id.h"

typedef struct LicenceItem
{
	int32		line;
	int64		terms;			/* of the ledger row when this was read */
	Word		control_code;
	Word		hs_code;
	Oid			form;			/* 0: any */
	bool		withdrawn;
	ItemPointerData place;		/* where the ledger row was last found */
} LicenceItem;

typedef struct StatusChange
{
	DateADT		since;
	Word		status;
} StatusChange;

/*
 * The terms of one licence.  They hold while licence_item.terms of its lines is
 * what it was when they were read: whoever changes licence, items, parties or
 * status gives all its lines a new random value (keep_terms.c), locking them.
 */
typedef struct LicenceTerms
{
	LicenceId	licence;		/* hash key */
	MemoryContext cxt;			/* NULL: not loaded */
	bool		withdrawn;
	Word		holder;
	Word		status;			/* where there is no history */
	DateSpan	valid;
	bool		limited;		/* has max_uses */
	ItemPointerData place;		/* where the licence's row was last found */
	int			ndestinations;
	Word	   *destinations;
	int			nitems;
	LicenceItem *items;			/* by line */
	int			nconsignees;
	Word	   *consignees;
	int			nend_users;
	Word	   *end_users;
	int			nchanges;
	StatusChange *changes;		/* by date */
} LicenceTerms;

/*
 * The terms in memory, or as last committed; NULL: no such licence.  The result
 * stays good until the end of the transaction; the statement that uses it for a
 * draw compares its items' terms with the rows it locked.
 */
extern LicenceTerms *rt_licence_terms(Books *b, LicenceId licence);

/* The same, but read anew. */
extern LicenceTerms *rt_licence_terms_reload(Books *b, LicenceId licence);

/* The licence's status on a date. */
extern Word rt_licence_status_on(const LicenceTerms *t, DateADT date);

#endif							/* RT_RULES_LICENCE_TERMS_H */
