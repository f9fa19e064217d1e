/*
 * rules/quota_judge.h
 *		The quota rules that need the ledger, and reporting a row's verdict: shared
 *		by the trigger and the dry run.
 */
#ifndef RT_RULES_QUOTA_JUDGE_H
#define RT_RULES_QUOTA_JUDGE_H

#include "retrack.h"
#include "rules/draw.h"
#include "rules/quota_rules.h"
#include "rules/violations.h"

typedef struct QuotaUse
{
	const QuotaNode *quota;
	Draw		draw;
} QuotaUse;

/* A facility of the statement: its quotas and the statement's part in each. */
typedef struct FacilityUse
{
	const FacilityQuotas *quotas;
	QuotaUse  **uses;			/* one per quotas->quotas */
} FacilityUse;

/*
 * Judges a row that breaks no other rule by the quotas that are over their limit:
 * counts it on every quota it draws on, or finds the rules it breaks.  full[0] is
 * a full quota of the party's own, full[1] one of an ancestor's.
 */
extern void rt_quota_check_limits(FacilityUse *facility, const ProductionRow *row, QuotaVerdict *v, QuotaUse **full);

/* Adds what the verdict says to the violations; "quotas" is NULL if the facility is unknown. */
extern void rt_quota_report(Violations *violations, Books *b, TupleTableSlot *slot, const FacilityQuotas *quotas,
							const ProductionRow *row, const QuotaVerdict *v, QuotaUse **full);

#endif							/* RT_RULES_QUOTA_JUDGE_H */
