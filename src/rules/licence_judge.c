/*
 * rules/licence_judge.c
 *		The rules that need the ledger, and reporting a row's verdict.
 */
#include "rules/licence_judge.h"

#include "common/int.h"
#include "utils/rls.h"

void
rt_licence_check_limits(LicenceUse *use, const ShipmentRow *row, LicenceVerdict *v)
{
	Draw	   *item = &use->items[v->item];
	bool		limited = use->terms->limited && use->uses.locked;

	if (item->over && !rt_draw_fits(item, row->mass))
		v->broken |= (uint32) 1 << LICENCE_QUANTITY;
	if (limited && use->uses.over && use->uses.running >= use->uses.row.granted)
		v->broken |= (uint32) 1 << LICENCE_USES;
	if (v->broken != 0)
		return;
	item->running += row->mass;
	use->uses.running++;
}

/* The message of a quantity or uses violation has the ledger's figures, unless they are secret. */
static char *
describe_rule(LicenceUse *use, LicenceRule rule, const ShipmentRow *row, const LicenceVerdict *v, bool secret)
{
	const Draw *draw;
	int64		left;

	if (rule == LICENCE_USES && secret)
		return psprintf("licence %s has no use left", rt_licence_text(row->licence));
	if (rule == LICENCE_QUANTITY && secret)
		return psprintf("licence %s line %d has less than %s left", rt_licence_text(row->licence),
						use->terms->items[v->item].line, rt_mass_text(row->mass));
	if (rule == LICENCE_USES)
		return psprintf("licence %s has no use left (" INT64_FORMAT " of " INT64_FORMAT ")",
						rt_licence_text(row->licence), use->uses.running, use->uses.row.granted);
	if (rule != LICENCE_QUANTITY)
		return rt_licence_describe(rule, use != NULL ? use->terms : NULL, row, v);
	draw = &use->items[v->item];
	if (pg_sub_s64_overflow(draw->row.granted, draw->running, &left) || left < 0)
		left = 0;
	return psprintf("licence %s line %d has %s left of %s, not %s", rt_licence_text(row->licence),
					use->terms->items[v->item].line, rt_mass_text(left), rt_mass_text(draw->row.granted),
					rt_mass_text(row->mass));
}

/*
 * The terms of another's licence are not told to one who sees but some of the
 * licences: that it is another's is enough.
 */
static uint32
rules_to_tell(Books *b, const LicenceVerdict *v)
{
	const uint32 holder = (uint32) 1 << LICENCE_HOLDER;

	if ((v->broken & holder) && check_enable_rls(b->licence.relid, InvalidOid, true) == RLS_ENABLED)
		return holder;
	return v->broken;
}

void
rt_licence_report(Violations *violations, Books *b, TupleTableSlot *slot, LicenceUse *use,
				  const ShipmentRow *row, const LicenceVerdict *v)
{
	char	   *key = NULL;
	uint32		broken = rules_to_tell(b, v);

	for (LicenceRule rule = 0; rule < LICENCE_RULES; rule++)
	{
		char	   *message = NULL;

		if (!(broken & ((uint32) 1 << rule)))
			continue;
		if (violations_want_message(violations))
		{
			if (key == NULL)
				key = rt_rule_row_key(violations->table, slot);
			message = describe_rule(use, rule, row, v, !violations->table->record &&
									!rt_books_may_read(rule == LICENCE_USES ? &b->licence : &b->item));
		}
		rt_violations_add(violations, b, rt_licence_sqlstate(rule), key, row->exporter, message,
						  violations->table->att[rt_licence_column(rule, v)]);
	}
}
