/*
 * rules/quota_rules.c
 *		The quota rules.
 */
#include "rules/quota_rules.h"

#include "catalog/pg_enum.h"
#include "rules/violations.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static const RuleColumn production_columns[PRODUCTION_COLUMNS] = {
	[PRODUCTION_DATE] = {"date", "produced_on", RULE_TYPE_DATE, true},
	[PRODUCTION_FACILITY] = {"facility", "facility_id", RULE_TYPE_TEXT, true},
	[PRODUCTION_STAGE] = {"stage", "stage", RULE_TYPE_STAGE, true},
	[PRODUCTION_ORE_CLASS] = {"ore_class", "ore_class", RULE_TYPE_TEXT, false},
	[PRODUCTION_ASSAY] = {"assay", "assay", RULE_TYPE_ASSAY, true},
	[PRODUCTION_MASS] = {"mass", "mass", RULE_TYPE_MASS, true},
	[PRODUCTION_WITHDRAWN] = {"withdrawn", "withdrawn", RULE_TYPE_BOOL, false},
};

static const char *const quota_others[] = {"stages", "allotment", NULL};

static const RuleInfo quota_rules[QUOTA_RULES] = {
	[QUOTA_MISSING] = {ERRCODE_RT_QUOTA_MISSING, PRODUCTION_FACILITY,
	"Enter the quota of the holder, or of its group, for that stage, ore class and date first."},
	[QUOTA_EXCEEDED] = {ERRCODE_RT_QUOTA_EXCEEDED, PRODUCTION_MASS,
	"Correct the mass or have the quota raised; quota_usage shows what is left of each."},
	[QUOTA_GROUP] = {ERRCODE_RT_QUOTA_GROUP, PRODUCTION_MASS,
	"A group's quota counts for all its members; quota_usage shows what is left of each."},
	[QUOTA_DATA] = {ERRCODE_RT_QUOTA_DATA, PRODUCTION_MASS,
	"Correct the row."},
};

const RuleSpec quota_rule_spec = {"enforce_quota", "RTQ", production_columns, PRODUCTION_COLUMNS, quota_others,
	quota_rules, QUOTA_RULES};

#define BROKEN(rule) ((uint32) 1 << (rule))

/* Quotas are set for mining and separation, as the total-volume control has them. */
void
rt_quota_scope(const RuleTable *t, QuotaScope *scope)
{
	Oid			type = rt_type_oid("stage");
	char	   *rest = pstrdup(t->other[0] != NULL ? t->other[0] : "mining,separation");
	char	   *word;

	scope->nstages = 0;
	while ((word = strsep(&rest, ",")) != NULL)
	{
		Oid			stage = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
											ObjectIdGetDatum(type), CStringGetDatum(word));

		if (!OidIsValid(stage) || scope->nstages == QUOTA_STAGES_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid stage in argument of enforce_quota: \"%s\"", word),
					 errhint("Name stages as in 'stages=mining,separation'.")));
		scope->stages[scope->nstages++] = stage;
	}
	if (t->other[1] != NULL && strcmp(t->other[1], "required") != 0 && strcmp(t->other[1], "optional") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid allotment in argument of enforce_quota: \"%s\"", t->other[1]),
				 errhint("It is \"optional\" (an ancestor's quota is enough) or \"required\".")));
	scope->own_required = t->other[1] != NULL && strcmp(t->other[1], "required") == 0;
}

void
rt_production_read(const RuleTable *t, TupleTableSlot *slot, ProductionRow *row)
{
	Datum		value;
	bool		isnull;

	slot_getsomeattrs(slot, t->last_att);
	value = row_datum(t, slot, PRODUCTION_WITHDRAWN, &isnull);
	row->withdrawn = !isnull && DatumGetBool(value);
	row->date = DatumGetDateADT(row_datum(t, slot, PRODUCTION_DATE, &isnull));
	row->has_date = !isnull;
	row->mass = DatumGetMass(row_datum(t, slot, PRODUCTION_MASS, &isnull));
	row->has_mass = !isnull;
	value = row_datum(t, slot, PRODUCTION_STAGE, &isnull);
	row->stage = isnull ? InvalidOid : DatumGetObjectId(value);
	value = row_datum(t, slot, PRODUCTION_ASSAY, &isnull);
	row->assay = isnull ? NULL : DatumGetAssayPP(value);
	row->facility = row_word(t, slot, PRODUCTION_FACILITY);
	row->ore_class = row_word(t, slot, PRODUCTION_ORE_CLASS);
}

/* A row without stage cannot show that it needs none. */
bool
rt_quota_concerns(const QuotaScope *scope, const ProductionRow *row)
{
	if (row->withdrawn)
		return false;
	if (!OidIsValid(row->stage))
		return true;
	for (int i = 0; i < scope->nstages; i++)
	{
		if (scope->stages[i] == row->stage)
			return true;
	}
	return false;
}

bool
rt_quota_covers(const QuotaNode *q, const ProductionRow *row)
{
	static const Word any = {"any", 3};

	return q->stage == row->stage && date_in_span(q->period, row->date) &&
		(words_equal(q->ore_class, any) || words_equal(q->ore_class, row->ore_class));
}

static void
break_data(QuotaVerdict *v, ProductionColumn column, const char *reason)
{
	if (v->broken & BROKEN(QUOTA_DATA))
		return;
	v->broken |= BROKEN(QUOTA_DATA);
	v->data = column;
	v->data_reason = reason;
}

static void
check_data(const ProductionRow *row, QuotaVerdict *v)
{
	if (!row->has_date)
		break_data(v, PRODUCTION_DATE, "the date is missing");
	else if (DATE_NOT_FINITE(row->date))
		break_data(v, PRODUCTION_DATE, "the date is infinite");
	if (!OidIsValid(row->stage))
		break_data(v, PRODUCTION_STAGE, "the stage is missing");
	if (row->facility.len < 0)
		break_data(v, PRODUCTION_FACILITY, "the facility is missing");
	if (!row->has_mass)
		break_data(v, PRODUCTION_MASS, "the mass is missing");
	else if (row->mass <= 0)
		break_data(v, PRODUCTION_MASS, "the mass is not positive");
	if (row->assay == NULL)
		break_data(v, PRODUCTION_ASSAY, "the assay is missing, so its rare earth oxide cannot be told");
}

/* Some quota must cover the row: the party's own, or unless that is required an ancestor's. */
static bool
has_quota(const QuotaScope *scope, const FacilityQuotas *quotas, const ProductionRow *row)
{
	for (int i = 0; i < quotas->nquotas; i++)
	{
		if (rt_quota_covers(&quotas->quotas[i], row) &&
			(!scope->own_required || words_equal(quotas->quotas[i].holder, quotas->party)))
			return true;
	}
	return false;
}

void
rt_quota_check(const QuotaScope *scope, const FacilityQuotas *quotas,
			   const ProductionRow *row, QuotaVerdict *v)
{
	v->broken = 0;
	v->reo = 0;
	if (!rt_quota_concerns(scope, row))
		return;
	check_data(row, v);
	if (quotas == NULL && row->facility.len >= 0)
		break_data(v, PRODUCTION_FACILITY, "the facility does not exist");
	if (v->broken != 0)
		return;
	if (!has_quota(scope, quotas, row))
		v->broken |= BROKEN(QUOTA_MISSING);
	else
		v->reo = rt_reo_mass(row->mass, row->assay);
}

int
rt_quota_sqlstate(QuotaRule rule)
{
	return quota_rules[rule].sqlstate;
}

ProductionColumn
rt_quota_column(QuotaRule rule, const QuotaVerdict *v)
{
	return rule == QUOTA_DATA ? v->data : quota_rules[rule].column;
}

static const char *
stage_text(Oid stage)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(stage));
	char	   *label;

	if (!HeapTupleIsValid(tuple))
		return "?";
	label = pstrdup(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
	ReleaseSysCache(tuple);
	return label;
}

char *
rt_quota_describe(QuotaRule rule, const FacilityQuotas *quotas,
				  const ProductionRow *row, const QuotaVerdict *v)
{
	if (rule == QUOTA_DATA)
		return pstrdup(v->data_reason);
	return psprintf("%s holds no quota for %s of ore class %s on %s, nor does its group",
					rt_word_text(quotas->party), stage_text(row->stage),
					rt_word_text(row->ore_class), rt_date_text(row->date));
}
