/*
 * rules/licence_messages.c
 *		What is said about a row that breaks a licence rule.
 */
#include "rules/licence_rules.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "rules/violations.h"
#include "utils/datetime.h"

char *
rt_word_text(Word w)
{
	int			len = w.len;

	if (len < 0)
		return pstrdup("(null)");
	if (len > 100)
		len = pg_mbcliplen(w.p, w.len, 100);
	return psprintf("\"%.*s\"", len, w.p);
}

char *
rt_date_text(DateADT date)
{
	int			year,
				month,
				day;

	if (DATE_IS_NOBEGIN(date))
		return pstrdup("-infinity");
	if (DATE_IS_NOEND(date))
		return pstrdup("infinity");
	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return psprintf("%04d-%02d-%02d%s", year > 0 ? year : 1 - year, month, day, year > 0 ? "" : " BC");
}

char *
rt_mass_text(Mass m)
{
	char		buf[MASS_TEXT_MAX];

	rt_mass_print(m, buf);
	return pstrdup(buf);
}

char *
rt_licence_text(LicenceId licence)
{
	char		buf[LICENCE_ID_TEXT_MAX];

	rt_licence_id_print(licence, true, buf);
	return psprintf("\"%s\"", buf);
}

static char *
describe_period(const LicenceTerms *t)
{
	if (t->valid.until == DATEVAL_NOEND)
		return psprintf("from %s on", rt_date_text(t->valid.from));
	return psprintf("from %s to %s", rt_date_text(t->valid.from), rt_date_text(t->valid.until - 1));
}

static char *
describe_item(const LicenceTerms *t, const ShipmentRow *row, const LicenceVerdict *v)
{
	if (v->item >= 0 && v->control != NULL)
		return psprintf("licence %s does not cover control code \"%s\", which its assay falls under",
						rt_licence_text(t->licence), v->control->code);
	return psprintf("licence %s has no item for control code %s in this form%s%s",
					rt_licence_text(t->licence), rt_word_text(row->control_code),
					row->hs_code.len >= 0 ? " and HS code " : "",
					row->hs_code.len >= 0 ? rt_word_text(row->hs_code) : "");
}

/* What of the material was compared with the entry's threshold: "Dy+Tb 0.11 %, deviation 0.01 %, guard 2". */
static char *
describe_content(const Assay *assay, const ControlEntry *e)
{
	AssayParts	parts;
	StringInfoData buf;
	int64		sum;
	int128		variance;

	rt_assay_unpack(assay, &parts);
	rt_control_content(e, &parts, &sum, &variance);
	initStringInfo(&buf);
	for (uint32 rest = e->mask & parts.mask; rest != 0; rest &= rest - 1)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "+" : "", element_info[pg_rightmost_one_pos32(rest)].symbol);
	appendStringInfo(&buf, " %.9g %%", sum / 1e7);
	if (e->guard != 0 && variance > 0)
		appendStringInfo(&buf, ", deviation %.9g %%, guard %g", sqrt((double) variance) / 1e7, (double) e->guard / CONTROL_UNITS);
	return buf.data;
}

static char *
describe_unlicensed(const ShipmentRow *row, const LicenceVerdict *v)
{
	const ControlEntry *e = v->control;

	if (row->assay == NULL)
		return psprintf("item \"%s\" is controlled on %s and there is no licence", e->code, rt_date_text(row->date));
	return psprintf("item is controlled on %s as \"%s\" (%s, threshold %.9g %%) and there is no licence",
					rt_date_text(row->date), e->code, describe_content(row->assay, e), e->threshold / (CONTROL_UNITS * 1e7));
}

char *
rt_licence_describe(LicenceRule rule, const LicenceTerms *t, const ShipmentRow *row, const LicenceVerdict *v)
{
	const char *licence = rt_licence_text(row->licence);

	switch (rule)
	{
		case LICENCE_UNKNOWN:
			return psprintf("licence %s does not exist", licence);
		case LICENCE_STATUS:
			return psprintf("licence %s is %s on %s", licence,
							rt_word_text(rt_licence_status_on(t, row->date)), rt_date_text(row->date));
		case LICENCE_DATE:
			return psprintf("licence %s is in force %s, not on %s", licence,
							describe_period(t), rt_date_text(row->date));
		case LICENCE_HOLDER:
			/* not whose it is: the writer may be another producer */
			return psprintf("licence %s is not held by exporter %s", licence, rt_word_text(row->exporter));
		case LICENCE_ITEM:
			return describe_item(t, row, v);
		case LICENCE_DESTINATION:
			return psprintf("licence %s does not cover destination %s", licence, rt_word_text(row->destination));
		case LICENCE_CONSIGNEE:
			return psprintf("licence %s does not name consignee %s", licence, rt_word_text(row->consignee));
		case LICENCE_END_USER:
			return psprintf("licence %s does not name end user %s", licence, rt_word_text(row->end_user));
		case LICENCE_QUANTITY:
			return psprintf("licence %s line %d has not %s left", licence,
							t->items[v->item].line, rt_mass_text(row->mass));
		case LICENCE_USES:
			return psprintf("licence %s has no use left", licence);
		case LICENCE_REQUIRED:
			return describe_unlicensed(row, v);
		case LICENCE_DATA:
			return pstrdup(v->data_reason);
		case LICENCE_RULES:
			break;
	}
	return pstrdup("");
}
