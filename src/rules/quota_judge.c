/*
 * rules/quota_judge.c
 *		The quota rules that need the ledger, and reporting a row's verdict.
 */
#include "rules/quota_judge.h"

#include "common/int.h"
#include "utils/rls.h"

void
rt_quota_check_limits(FacilityUse *facility, const ProductionRow *row, QuotaVerdict *v, QuotaUse **full)
{
	const FacilityQuotas *quotas = facility->quotas;

	for (int i = 0; i < quotas->nquotas; i++)
	{
		QuotaUse   *use = facility->uses[i];
		bool		own = words_equal(quotas->quotas[i].holder, quotas->party);

		if (!use->draw.over || !rt_quota_covers(&quotas->quotas[i], row) || rt_draw_fits(&use->draw, v->reo))
			continue;
		v->broken |= (uint32) 1 << (own ? QUOTA_EXCEEDED : QUOTA_GROUP);
		full[own ? 0 : 1] = use;
	}
	for (int i = 0; i < quotas->nquotas; i++)
	{
		Draw	   *draw = &facility->uses[i]->draw;

		if (!rt_quota_covers(&quotas->quotas[i], row))
			continue;
		if (v->broken == 0)
			draw->running += v->reo;
		else
			draw->wanted -= v->reo;
	}
}

/*
 * What is left of a group's quota tells what the other members produced, so one
 * who sees but some of the quotas is not told.
 */
static char *
describe_full(const QuotaUse *use, const QuotaVerdict *v, bool secret)
{
	int64		left;

	if (secret)
		return psprintf("quota %s of %s has less than %s REO left", rt_word_text(use->quota->id),
						rt_word_text(use->quota->holder), rt_mass_text(v->reo));
	if (pg_sub_s64_overflow(use->draw.row.granted, use->draw.running, &left) || left < 0)
		left = 0;
	return psprintf("quota %s of %s has %s REO left of %s, not %s", rt_word_text(use->quota->id),
					rt_word_text(use->quota->holder), rt_mass_text(left),
					rt_mass_text(use->draw.row.granted), rt_mass_text(v->reo));
}

/* What is recorded is for those who may read violations. */
static bool
is_secret(Books *b, QuotaRule rule, bool record)
{
	if (rule == QUOTA_GROUP && check_enable_rls(b->quota.relid, InvalidOid, true) == RLS_ENABLED)
		return true;
	return !record && !rt_books_may_read(&b->quota);
}

void
rt_quota_report(Violations *violations, Books *b, TupleTableSlot *slot, const FacilityQuotas *quotas,
				const ProductionRow *row, const QuotaVerdict *v, QuotaUse **full)
{
	Word		party = {NULL, -1};
	char	   *key = NULL;

	if (quotas != NULL)
		party = quotas->party;
	for (QuotaRule rule = 0; rule < QUOTA_RULES; rule++)
	{
		char	   *message = NULL;

		if (!(v->broken & ((uint32) 1 << rule)))
			continue;
		if (violations_want_message(violations))
		{
			if (key == NULL)
				key = rt_rule_row_key(violations->table, slot);
			if (rule == QUOTA_EXCEEDED || rule == QUOTA_GROUP)
				message = describe_full(full[rule == QUOTA_GROUP], v, is_secret(b, rule, violations->table->record));
			else
				message = rt_quota_describe(rule, quotas, row, v);
		}
		rt_violations_add(violations, b, rt_quota_sqlstate(rule), key, party, message,
						  violations->table->att[rt_quota_column(rule, v)]);
	}
}
