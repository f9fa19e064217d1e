/*
 * rules/quota_tree.h
 *		Which quotas a facility's production draws on.
 *
 * The tree is facility -> party -> parent -> ...; every party on the way may
 * hold quotas.  Whoever changes its shape (quota rows and their periods, a
 * party's parent, a facility's party) holds the tree lock exclusively until the
 * end of the transaction, and producers hold it shared; so once the lock is
 * held, the copy in memory is either right or has been invalidated.
 */
#ifndef RT_RULES_QUOTA_TREE_H
#define RT_RULES_QUOTA_TREE_H

#include "retrack.h"
#include "rules/books.h"
#include "rules/control_list.h"
#include "rules/licence_terms.h"

typedef struct QuotaNode
{
	Word		id;				/* quota_id */
	Word		holder;
	Oid			stage;
	Word		ore_class;		/* "any", or one */
	DateSpan	period;
	ItemPointerData place;		/* where the ledger row was last found */
} QuotaNode;

/* A facility's quotas, its own party's first, then each ancestor's. */
typedef struct FacilityQuotas
{
	Word		party;			/* the facility's own */
	int			nquotas;
	QuotaNode  *quotas;
} FacilityQuotas;

struct QuotaTree
{
	MemoryContext cxt;
	HTAB	   *facilities;		/* by facility_id */
};

/* Takes the tree lock until the end of the transaction. */
extern void rt_quota_tree_lock(Books *b, bool exclusive);

/* The facility's quotas; NULL: no such facility.  The shared lock must be held. */
extern FacilityQuotas *rt_facility_quotas(Books *b, Word facility);

#endif							/* RT_RULES_QUOTA_TREE_H */
