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

/* A text of a licence, as a part of its terms' texts; len -1: null. */
typedef struct TermsWord
{
	int32		at;
	int32		len;
} TermsWord;

typedef struct LicenceItem
{
	int32		line;
	Oid			form;			/* 0: any */
	int64		terms;			/* of the ledger row when this was read */
	TermsWord	control_code;
	TermsWord	hs_code;
	ItemPointerData place;		/* where the ledger row was last found */
	bool		withdrawn;
} LicenceItem;

typedef struct StatusChange
{
	DateADT		since;
	TermsWord	status;
} StatusChange;

typedef struct WordList
{
	int			n;
	TermsWord  *words;
} WordList;

/*
 * The terms of one licence.  They hold while licence_item.terms of its lines is
 * what it was when they were read: whoever changes licence, items, parties or
 * status gives all its lines a new random value (keep_terms.c), locking them.
 */
typedef struct LicenceTerms
{
	LicenceId	licence;
	Size		size;			/* in memory, with all it points to */
	const char *texts;			/* of all words */
	DateSpan	valid;
	TermsWord	holder;
	TermsWord	status;			/* where there is no history */
	ItemPointerData place;		/* where the licence's row was last found */
	bool		limited;		/* has max_uses */
	bool		withdrawn;
	int			nitems;
	int			nchanges;
	LicenceItem *items;			/* by line */
	StatusChange *changes;		/* by date */
	WordList	destinations;
	WordList	consignees;
	WordList	end_users;
} LicenceTerms;

static inline Word
terms_word(const LicenceTerms *t, TermsWord w)
{
	Word		word = {t->texts + w.at, w.len};

	return word;
}

/*
 * The terms in memory, or as last committed; NULL: no such licence.  The result
 * stays good until the end of the transaction; the statement that uses it for a
 * draw compares its items' terms with the rows it locked.
 */
extern LicenceTerms *rt_licence_terms(Books *b, LicenceId licence);

/* Whether they are in memory. */
extern bool rt_licence_is_known(const Books *b, LicenceId licence);

/* The same as rt_licence_terms, but read anew. */
extern LicenceTerms *rt_licence_terms_reload(Books *b, LicenceId licence);

/* All that is in memory is to be read again: something may have changed without new terms. */
extern void rt_licence_terms_forget(void);

/* The licence's status on a date. */
extern Word rt_licence_status_on(const LicenceTerms *t, DateADT date);

#endif							/* RT_RULES_LICENCE_TERMS_H */
