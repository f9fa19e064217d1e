/*
 * sqlstates.h
 *		The SQLSTATEs of class RT, one per rule, as README's table documents
 *		them.  Errors that core has a code for (22P02, 22003, 42501, the HV
 *		class of foreign data wrappers, ...) use core's.
 *
 * The third character names the room: T types, L licence rules, Q quota
 * rules, R registry, B balance, P pull, C chain of custody, J journal.
 */
#ifndef RT_SQLSTATES_H
#define RT_SQLSTATES_H

#include "utils/elog.h"

#define RT_SQLSTATE(room, a, b) MAKE_SQLSTATE('R', 'T', room, a, b)

/* types */
#define ERRCODE_RT_ASSAY_TOTAL			RT_SQLSTATE('T', '0', '1')	/* fractions sum to more than 100 % */
#define ERRCODE_RT_CHECK_CHARACTER		RT_SQLSTATE('T', '0', '2')	/* licence_id: wrong check character */
#define ERRCODE_RT_NO_STANDARD_WEIGHT	RT_SQLSTATE('T', '0', '3')	/* element has no standard atomic weight */

/* licence rules */
#define ERRCODE_RT_LICENCE_UNKNOWN		RT_SQLSTATE('L', '0', '1')
#define ERRCODE_RT_LICENCE_STATUS		RT_SQLSTATE('L', '0', '2')	/* not issued, suspended, revoked */
#define ERRCODE_RT_LICENCE_DATE			RT_SQLSTATE('L', '0', '3')	/* not in force on the date */
#define ERRCODE_RT_LICENCE_HOLDER		RT_SQLSTATE('L', '0', '4')
#define ERRCODE_RT_LICENCE_ITEM			RT_SQLSTATE('L', '0', '5')	/* control code or form not covered */
#define ERRCODE_RT_LICENCE_DESTINATION	RT_SQLSTATE('L', '0', '6')
#define ERRCODE_RT_LICENCE_CONSIGNEE	RT_SQLSTATE('L', '0', '7')
#define ERRCODE_RT_LICENCE_END_USER		RT_SQLSTATE('L', '0', '8')
#define ERRCODE_RT_LICENCE_QUANTITY		RT_SQLSTATE('L', '0', '9')	/* not enough left */
#define ERRCODE_RT_LICENCE_USES			RT_SQLSTATE('L', '1', '0')	/* no uses left */
#define ERRCODE_RT_LICENCE_REQUIRED		RT_SQLSTATE('L', '1', '1')	/* controlled item without licence */
#define ERRCODE_RT_LICENCE_DATA			RT_SQLSTATE('L', '1', '2')	/* the row lacks or breaks what the rule needs */
#define ERRCODE_RT_LICENCE_TRUNCATE		RT_SQLSTATE('L', '1', '3')
#define ERRCODE_RT_LICENCE_REDUCED		RT_SQLSTATE('L', '1', '4')	/* a licence changed below what is drawn */

#define ERRCODE_RT_LEDGER_BY_HAND		RT_SQLSTATE('L', '1', '5')	/* a ledger column changed other than by the rules */

/* quota rules */
#define ERRCODE_RT_QUOTA_MISSING		RT_SQLSTATE('Q', '0', '1')
#define ERRCODE_RT_QUOTA_EXCEEDED		RT_SQLSTATE('Q', '0', '2')	/* own quota */
#define ERRCODE_RT_QUOTA_GROUP			RT_SQLSTATE('Q', '0', '3')	/* an ancestor's quota */
#define ERRCODE_RT_QUOTA_DATA			RT_SQLSTATE('Q', '0', '4')
#define ERRCODE_RT_QUOTA_TRUNCATE		RT_SQLSTATE('Q', '0', '5')
#define ERRCODE_RT_QUOTA_REDUCED		RT_SQLSTATE('Q', '0', '6')
#define ERRCODE_RT_QUOTA_ALLOTMENT		RT_SQLSTATE('Q', '0', '7')	/* members' quotas exceed the group's own */

/* journal */
#define ERRCODE_RT_JOURNAL_TRUNCATE		RT_SQLSTATE('J', '0', '1')
#define ERRCODE_RT_JOURNAL_OTHER		RT_SQLSTATE('J', '0', '2')	/* rows_as_of: it was another table, or known by another key; raised in SQL */

/* several different rules broken by one statement */
#define ERRCODE_RT_SEVERAL				RT_SQLSTATE('0', '0', '1')

/* registry */
#define ERRCODE_RT_REGISTRY_EXISTS		RT_SQLSTATE('R', '0', '1')
#define ERRCODE_RT_REGISTRY_MISSING		RT_SQLSTATE('R', '0', '2')

/* balance */
#define ERRCODE_RT_BALANCE_RSD			RT_SQLSTATE('B', '0', '1')	/* relative deviation not in 0 to 1 */
#define ERRCODE_RT_BALANCE_SEQUENCE		RT_SQLSTATE('B', '0', '2')	/* opening differs from the closing before */

/* chain of custody */
#define ERRCODE_RT_LOT_UNKNOWN			RT_SQLSTATE('C', '0', '1')	/* no such lot in the registry */
#define ERRCODE_RT_LOT_EDGE_MASS		RT_SQLSTATE('C', '0', '2')	/* a lot edge without mass, or a negative one */

/* pull; raised in SQL */
#define ERRCODE_RT_PULL_COLUMNS			RT_SQLSTATE('P', '0', '1')	/* source and target do not fit */
#define ERRCODE_RT_PULL_BUSY			RT_SQLSTATE('P', '0', '2')	/* another pull of the target is running */
#define ERRCODE_RT_PULL_KEY				RT_SQLSTATE('P', '0', '3')	/* the target has no usable key */
#define ERRCODE_RT_PULL_HIGH_WATER		RT_SQLSTATE('P', '0', '4')	/* a row without high water; a source that went back */
#define ERRCODE_RT_PULL_MOVING			RT_SQLSTATE('P', '0', '5')	/* a source with numbered pages that changed each time it was read */

#endif							/* RT_SQLSTATES_H */
