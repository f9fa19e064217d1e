/*
 * rules/doubts.h
 *		What sessions remember of changes that may be undone.
 */
#ifndef RT_RULES_DOUBTS_H
#define RT_RULES_DOUBTS_H

#include "retrack.h"

/* Of what a transaction may remember something that nobody else will ever see. */
#define DOUBT_TERMS 1			/* licences */
#define DOUBT_CONTROLS 2		/* control lists */
#define DOUBT_QUOTAS 4			/* quota trees */

/*
 * Notes that this transaction changes, or has read changes of its own, of "what"
 * (a set of DOUBT_...): if it or a part of it aborts, or is prepared, that is read
 * again before it is used.
 */
extern void rt_doubt(int what);

#endif							/* RT_RULES_DOUBTS_H */
