/*
 * rules/quota_rules.h
 *		The quota rules: one production row against the quotas of its
 *		facility's party and of that party's ancestors.
 */
#ifndef RT_RULES_QUOTA_RULES_H
#define RT_RULES_QUOTA_RULES_H

#include "retrack.h"
#include "executor/tuptable.h"
#include "rules/quota_tree.h"
#include "rules/rule_columns.h"
#include "types/assay.h"

typedef enum ProductionColumn
{
	PRODUCTION_DATE,
	PRODUCTION_FACILITY,
	PRODUCTION_STAGE,
	PRODUCTION_ORE_CLASS,
	PRODUCTION_ASSAY,
	PRODUCTION_MASS,
	PRODUCTION_WITHDRAWN,
	PRODUCTION_COLUMNS
} ProductionColumn;

extern const RuleSpec quota_rule_spec;

/* A production row; words and assay point into the slot it was read from. */
typedef struct ProductionRow
{
	bool		withdrawn;
	bool		has_date;
	bool		has_mass;
	DateADT		date;
	Mass		mass;
	Oid			stage;			/* 0: null */
	Word		facility;
	Word		ore_class;
	const Assay *assay;			/* NULL: null */
} ProductionRow;

typedef enum QuotaRule
{
	QUOTA_MISSING,
	QUOTA_EXCEEDED,
	QUOTA_GROUP,
	QUOTA_DATA,
	QUOTA_RULES
} QuotaRule;

#define QUOTA_STAGES_MAX 7

/* A trigger's arguments beyond columns: which stages need a quota, and whose. */
typedef struct QuotaScope
{
	int			nstages;
	Oid			stages[QUOTA_STAGES_MAX];
	bool		own_required;	/* the producer itself must hold a quota */
} QuotaScope;

typedef struct QuotaVerdict
{
	uint32		broken;			/* bit per QuotaRule; 0: none */
	Mass		reo;			/* what the row draws on each quota; 0: nothing */
	ProductionColumn data;		/* of QUOTA_DATA: the column that is wrong */
	const char *data_reason;	/* ditto: why */
} QuotaVerdict;

/* The scope that the table's arguments give. */
extern void rt_quota_scope(const RuleTable *t, QuotaScope *scope);

extern void rt_production_read(const RuleTable *t, TupleTableSlot *slot, ProductionRow *row);

/* Whether the row is of a stage that needs a quota, and counts at all. */
extern bool rt_quota_concerns(const QuotaScope *scope, const ProductionRow *row);

/* Whether the row draws on the quota, given that it is of its party or an ancestor. */
extern bool rt_quota_covers(const QuotaNode *q, const ProductionRow *row);

/*
 * All rules but the quantities, which need the locked ledger.  "quotas" is NULL if
 * the facility is null or unknown.
 */
extern void rt_quota_check(const QuotaScope *scope, const FacilityQuotas *quotas,
						   const ProductionRow *row, QuotaVerdict *verdict);

extern int	rt_quota_sqlstate(QuotaRule rule);
extern ProductionColumn rt_quota_column(QuotaRule rule, const QuotaVerdict *verdict);

/* One sentence without period on how the row breaks rule MISSING or DATA, palloc'd. */
extern char *rt_quota_describe(QuotaRule rule, const FacilityQuotas *quotas,
							   const ProductionRow *row, const QuotaVerdict *verdict);

#endif							/* RT_RULES_QUOTA_RULES_H */
