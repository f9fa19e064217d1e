/*
 * rules/licence_rules.c
 *		The licence rules.
 */
#include "rules/licence_rules.h"

#include "common/hashfn.h"

static const RuleColumn shipment_columns[SHIPMENT_COLUMNS] = {
	[SHIPMENT_DATE] = {"date", "shipped_on", RULE_TYPE_DATE, true},
	[SHIPMENT_EXPORTER] = {"exporter", "exporter", RULE_TYPE_TEXT, true},
	[SHIPMENT_CONSIGNEE] = {"consignee", "consignee", RULE_TYPE_TEXT, false},
	[SHIPMENT_END_USER] = {"end_user", "end_user", RULE_TYPE_TEXT, false},
	[SHIPMENT_DESTINATION] = {"destination", "destination", RULE_TYPE_TEXT, true},
	[SHIPMENT_LICENCE] = {"licence", "licence", RULE_TYPE_LICENCE_ID, true},
	[SHIPMENT_CONTROL_CODE] = {"control_code", "control_code", RULE_TYPE_TEXT, true},
	[SHIPMENT_HS_CODE] = {"hs_code", "hs_code", RULE_TYPE_TEXT, false},
	[SHIPMENT_FORM] = {"form", "form", RULE_TYPE_FORM, true},
	[SHIPMENT_ASSAY] = {"assay", "assay", RULE_TYPE_ASSAY, true},
	[SHIPMENT_MASS] = {"mass", "net_mass", RULE_TYPE_MASS, true},
	[SHIPMENT_WITHDRAWN] = {"withdrawn", "withdrawn", RULE_TYPE_BOOL, false},
};

static const char *const no_others[] = {NULL};

static const RuleInfo licence_rules[LICENCE_RULES] = {
	[LICENCE_UNKNOWN] = {ERRCODE_RT_LICENCE_UNKNOWN, SHIPMENT_LICENCE,
	"Compare the number with the document; a new licence has to be entered before exports under it."},
	[LICENCE_STATUS] = {ERRCODE_RT_LICENCE_STATUS, SHIPMENT_LICENCE,
	"Name a licence that is issued on that date; licence_status has its history."},
	[LICENCE_DATE] = {ERRCODE_RT_LICENCE_DATE, SHIPMENT_DATE,
	"Name a licence that is in force on that date, or correct the date."},
	[LICENCE_HOLDER] = {ERRCODE_RT_LICENCE_HOLDER, SHIPMENT_EXPORTER,
	"Only its holder exports under a licence: correct the licence or the exporter."},
	[LICENCE_ITEM] = {ERRCODE_RT_LICENCE_ITEM, SHIPMENT_CONTROL_CODE,
	"Name a licence with an item for this control code and form, or correct them."},
	[LICENCE_DESTINATION] = {ERRCODE_RT_LICENCE_DESTINATION, SHIPMENT_DESTINATION,
	"Name a licence that covers the destination, or have the licence extended."},
	[LICENCE_CONSIGNEE] = {ERRCODE_RT_LICENCE_CONSIGNEE, SHIPMENT_CONSIGNEE,
	"Name a licence for this consignee, or have the licence extended."},
	[LICENCE_END_USER] = {ERRCODE_RT_LICENCE_END_USER, SHIPMENT_END_USER,
	"Name a licence for this end user, or have the licence extended."},
	[LICENCE_QUANTITY] = {ERRCODE_RT_LICENCE_QUANTITY, SHIPMENT_MASS,
	"Export less or under another licence; licence_usage shows what is left of each."},
	[LICENCE_USES] = {ERRCODE_RT_LICENCE_USES, SHIPMENT_LICENCE,
	"Name another licence; licence_usage shows the uses left of each."},
	[LICENCE_REQUIRED] = {ERRCODE_RT_LICENCE_REQUIRED, SHIPMENT_LICENCE,
	"Name the licence of the export."},
	[LICENCE_DATA] = {ERRCODE_RT_LICENCE_DATA, SHIPMENT_MASS,
	"Correct the row."},
};

const RuleSpec licence_rule_spec = {"enforce_licence", "RTL", shipment_columns, SHIPMENT_COLUMNS, no_others,
	licence_rules, LICENCE_RULES};

#define BROKEN(rule) ((uint32) 1 << (rule))

void
rt_shipment_read(const RuleTable *t, TupleTableSlot *slot, ShipmentRow *row)
{
	Datum		value;
	bool		isnull;

	slot_getsomeattrs(slot, t->last_att);
	value = row_datum(t, slot, SHIPMENT_WITHDRAWN, &isnull);
	row->withdrawn = !isnull && DatumGetBool(value);
	row->date = DatumGetDateADT(row_datum(t, slot, SHIPMENT_DATE, &isnull));
	row->has_date = !isnull;
	row->licence = DatumGetLicenceId(row_datum(t, slot, SHIPMENT_LICENCE, &isnull));
	row->has_licence = !isnull;
	row->mass = DatumGetMass(row_datum(t, slot, SHIPMENT_MASS, &isnull));
	row->has_mass = !isnull;
	value = row_datum(t, slot, SHIPMENT_FORM, &isnull);
	row->form = isnull ? InvalidOid : DatumGetObjectId(value);
	value = row_datum(t, slot, SHIPMENT_ASSAY, &isnull);
	row->assay = isnull ? NULL : DatumGetAssayPP(value);
	row->exporter = row_word(t, slot, SHIPMENT_EXPORTER);
	row->consignee = row_word(t, slot, SHIPMENT_CONSIGNEE);
	row->end_user = row_word(t, slot, SHIPMENT_END_USER);
	row->destination = row_word(t, slot, SHIPMENT_DESTINATION);
	row->control_code = row_word(t, slot, SHIPMENT_CONTROL_CODE);
	row->hs_code = row_word(t, slot, SHIPMENT_HS_CODE);
}

/* A row without control code is taken for the first item of its form. */
int
rt_licence_find_item(const LicenceTerms *terms, const ShipmentRow *row)
{
	for (int i = 0; i < terms->nitems; i++)
	{
		const LicenceItem *item = &terms->items[i];
		Word		code = terms_word(terms, item->control_code);

		if (item->withdrawn || (OidIsValid(item->form) && item->form != row->form))
			continue;
		if (row->control_code.len >= 0 &&
			!rt_code_covers(code.p, code.len, row->control_code.p, row->control_code.len))
			continue;
		if (item->hs_code.len >= 0 && row->hs_code.len >= 0 &&
			!words_equal(terms_word(terms, item->hs_code), row->hs_code))
			continue;
		return i;
	}
	return -1;
}

/* An empty list allows everything. */
static bool
list_allows(const LicenceTerms *terms, const WordList *list, Word w)
{
	for (int i = 0; i < list->n; i++)
	{
		if (words_equal(w, terms_word(terms, list->words[i])))
			return true;
	}
	return list->n == 0;
}

static void
break_data(LicenceVerdict *v, ShipmentColumn column, const char *reason)
{
	if (v->broken & BROKEN(LICENCE_DATA))
		return;
	v->broken |= BROKEN(LICENCE_DATA);
	v->data = column;
	v->data_reason = reason;
}

/* What the other rules need of the row itself. */
static void
check_data(const ShipmentRow *row, LicenceVerdict *v)
{
	if (!row->has_date)
		break_data(v, SHIPMENT_DATE, "the date is missing");
	else if (DATE_NOT_FINITE(row->date))
		break_data(v, SHIPMENT_DATE, "the date is infinite");
	if (row->exporter.len < 0)
		break_data(v, SHIPMENT_EXPORTER, "the exporter is missing");
	if (!OidIsValid(row->form))
		break_data(v, SHIPMENT_FORM, "the form is missing");
	if (!row->has_mass)
		break_data(v, SHIPMENT_MASS, "the mass is missing");
	else if (row->mass <= 0)
		break_data(v, SHIPMENT_MASS, "the mass is not positive");
}

/* Some item's code and the list's code name the same thing, one perhaps in more detail. */
static bool
licence_names_control(const LicenceTerms *terms, const ControlEntry *e)
{
	for (int i = 0; i < terms->nitems; i++)
	{
		Word		code = terms_word(terms, terms->items[i].control_code);

		if (!terms->items[i].withdrawn &&
			(rt_code_covers(code.p, code.len, e->code, e->code_len) ||
			 rt_code_covers(e->code, e->code_len, code.p, code.len)))
			return true;
	}
	return false;
}

/*
 * Finds what the control list says of the material: the first entry that
 * applies and that the licence does not name ("first"), unless another one
 * applies that it does name.  Returns whether any applies.
 */
static bool
find_control(ControlList *controls, const LicenceTerms *terms, const ShipmentRow *row,
			 const AssayParts *parts, const ControlEntry **first)
{
	bool		any = false;

	*first = NULL;
	for (int i = rt_control_first(controls, row->form); i < controls->count; i++)
	{
		const ControlEntry *e = &controls->entries[i];

		if (e->form != row->form)
			break;
		if (!rt_control_in_force(e, row->form, row->date) || !rt_control_applies(e, parts))
			continue;
		any = true;
		if (terms != NULL && licence_names_control(terms, e))
		{
			*first = NULL;
			return true;
		}
		if (*first == NULL)
			*first = e;
	}
	return any;
}

/* The elements that a control code is on the list for, in its own or another detail. */
static uint32
find_code_elements(const ControlList *controls, Word code)
{
	uint32		mask = 0;

	for (int i = 0; i < controls->count; i++)
	{
		const ControlEntry *e = &controls->entries[i];

		if (rt_code_covers(code.p, code.len, e->code, e->code_len) ||
			rt_code_covers(e->code, e->code_len, code.p, code.len))
			mask |= (uint32) 1 << e->element;
	}
	return mask;
}

/* The same, remembered: rows come with few different codes. */
static uint32
code_elements(ControlList *controls, Word code)
{
	CodeMemo   *memo;

	if (code.len > CODE_MEMO_TEXT)
		return find_code_elements(controls, code);
	memo = &controls->memo[hash_bytes((const unsigned char *) code.p, code.len) % CODE_MEMOS];
	if (!memo->used || memo->len != code.len || memcmp(memo->text, code.p, code.len) != 0)
	{
		memo->used = true;
		memo->len = code.len;
		memcpy(memo->text, code.p, code.len);
		memo->elements = find_code_elements(controls, code);
	}
	return memo->elements;
}

/* The row's code is on the list for elements of which the assay shows none. */
static bool
lacks_element(ControlList *controls, const ShipmentRow *row, const AssayParts *parts)
{
	uint32		elements = code_elements(controls, row->control_code);

	if (elements == 0)
		return false;
	for (; elements != 0; elements &= elements - 1)
	{
		if (parts->ppb[pg_rightmost_one_pos32(elements)] > 0)
			return false;
	}
	return true;
}

/* A row without licence must not be controlled, and must show that it is not. */
static void
check_unlicensed(ControlList *controls, const ShipmentRow *row,
				 const AssayParts *parts, LicenceVerdict *v)
{
	bool		listed = false;

	if (!row->has_date || DATE_NOT_FINITE(row->date))
		return;
	if (parts != NULL)
	{
		if (find_control(controls, NULL, row, parts, &v->control))
			v->broken |= BROKEN(LICENCE_REQUIRED);
		return;
	}
	for (int i = rt_control_first(controls, row->form); i < controls->count; i++)
	{
		const ControlEntry *e = &controls->entries[i];

		if (e->form != row->form)
			break;
		if (!rt_control_in_force(e, row->form, row->date))
			continue;
		listed = true;
		if (row->control_code.len >= 0 &&
			(rt_code_covers(e->code, e->code_len, row->control_code.p, row->control_code.len) ||
			 rt_code_covers(row->control_code.p, row->control_code.len, e->code, e->code_len)))
		{
			v->control = e;
			v->broken |= BROKEN(LICENCE_REQUIRED);
			return;
		}
	}
	if (listed)
		break_data(v, SHIPMENT_ASSAY, "there is neither licence nor assay to show that none is needed");
}

static void
check_items(ControlList *controls, const LicenceTerms *terms, const ShipmentRow *row,
			const AssayParts *parts, LicenceVerdict *v)
{
	v->item = rt_licence_find_item(terms, row);
	if (v->item < 0)
		v->broken |= BROKEN(LICENCE_ITEM);
	if (parts == NULL || !row->has_date)
		return;
	if (row->control_code.len >= 0 && lacks_element(controls, row, parts))
		break_data(v, SHIPMENT_ASSAY, "the assay shows none of the element its control code is for");
	if (find_control(controls, terms, row, parts, &v->control) && v->control != NULL)
		v->broken |= BROKEN(LICENCE_ITEM);
}

static void
check_terms(const LicenceTerms *terms, const ShipmentRow *row, LicenceVerdict *v)
{
	static const Word issued = {"issued", 6};

	if (row->has_date)
	{
		if (!words_equal(rt_licence_status_on(terms, row->date), issued))
			v->broken |= BROKEN(LICENCE_STATUS);
		if (!date_in_span(terms->valid, row->date))
			v->broken |= BROKEN(LICENCE_DATE);
	}
	if (!words_equal(terms_word(terms, terms->holder), row->exporter))
		v->broken |= BROKEN(LICENCE_HOLDER);
	if (!list_allows(terms, &terms->destinations, row->destination))
		v->broken |= BROKEN(LICENCE_DESTINATION);
	if (!list_allows(terms, &terms->consignees, row->consignee))
		v->broken |= BROKEN(LICENCE_CONSIGNEE);
	if (!list_allows(terms, &terms->end_users, row->end_user))
		v->broken |= BROKEN(LICENCE_END_USER);
}

void
rt_licence_check(ControlList *controls, const LicenceTerms *terms,
				 const ShipmentRow *row, LicenceVerdict *v)
{
	AssayParts	parts;
	const AssayParts *known = NULL;

	v->broken = 0;
	v->item = -1;
	v->control = NULL;
	if (row->withdrawn)
		return;
	check_data(row, v);
	if (row->assay != NULL)
	{
		rt_assay_unpack(row->assay, &parts);
		known = &parts;
	}
	if (!row->has_licence)
		check_unlicensed(controls, row, known, v);
	else if (terms == NULL || terms->withdrawn)
		v->broken |= BROKEN(LICENCE_UNKNOWN);
	else
	{
		check_terms(terms, row, v);
		check_items(controls, terms, row, known, v);
	}
}

int
rt_licence_sqlstate(LicenceRule rule)
{
	return licence_rules[rule].sqlstate;
}

ShipmentColumn
rt_licence_column(LicenceRule rule, const LicenceVerdict *v)
{
	return rule == LICENCE_DATA ? v->data : licence_rules[rule].column;
}
