/*
 * rules/guard.c
 *		What the triggers on licences and on quotas have in common.
 */
#include "rules/guard.h"

#include "access/htup_details.h"
#include "rules/violations.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

void
rt_check_row_trigger(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be called as a trigger", function)));
	if (!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be fired FOR EACH ROW", function)));
}

bool
rt_trigger_records(TriggerData *trigdata, const char *function)
{
	bool		record = false;

	for (int i = 0; i < trigdata->tg_trigger->tgnargs; i++)
	{
		const char *arg = trigdata->tg_trigger->tgargs[i];

		record = strcmp(arg, "mode=record") == 0;
		if (!record && strcmp(arg, "mode=reject") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid argument of %s: \"%s\"", function, arg),
					 errhint("It takes 'mode=reject' or 'mode=record'.")));
	}
	return record;
}

static void
refuse_by_hand(Relation rel, AttrNumber att)
{
	ereport(ERROR,
			(errcode(ERRCODE_RT_LEDGER_BY_HAND),
			 errmsg("column \"%s\" of ledger \"%s\" is kept by the rules",
					NameStr(TupleDescAttr(RelationGetDescr(rel), att - 1)->attname), RelationGetRelationName(rel)),
			 errdetail("It is what the rows that draw on the ledger sum up to."),
			 errhint("Change those rows; retrack.rebook_ledger recomputes a ledger that differs from them."),
			 errtablecol(rel, att)));
}

HeapTuple
rt_guard_ledger(TriggerData *trigdata, const char *const *columns)
{
	Relation	rel = trigdata->tg_relation;
	TupleDesc	desc = RelationGetDescr(rel);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	HeapTuple	new = update ? trigdata->tg_newtuple : trigdata->tg_trigtuple;

	for (int i = 0; columns[i] != NULL; i++)
	{
		AttrNumber	att = get_attnum(RelationGetRelid(rel), columns[i]);
		bool		isnull,
					old_null = false;
		Datum		value,
					before = (Datum) 0;

		if (att == InvalidAttrNumber)
			continue;
		value = heap_getattr(new, att, desc, &isnull);
		if (update)
			before = heap_getattr(trigdata->tg_trigtuple, att, desc, &old_null);
		/* int8 (mass) or int4, by value: zero is (Datum) 0 */
		if (isnull != old_null || (!isnull && value != before))
			refuse_by_hand(rel, att);
	}
	return new;
}

void
rt_guard_truncate(TriggerData *trigdata, int sqlstate)
{
	if (!TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		return;
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("cannot truncate \"%s\"", RelationGetRelationName(trigdata->tg_relation)),
			 errdetail("The rules must see each row that goes."),
			 errhint("Use DELETE."),
			 errtable(trigdata->tg_relation)));
}

void
rt_violation_of_row(Books *b, Relation rel, bool record, int sqlstate, const char *row_key, const char *message)
{
	static const RuleSpec spec = {"ledger", "RT", NULL, 0, NULL, NULL, 0};
	RuleTable	table = {.spec = &spec,.record = true};
	Violations	violations;
	Word		party = {NULL, -1};

	if (!record)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("%s", message),
				 errhint("Correct the rows that draw on it first, or let the change be recorded by 'mode=record'."),
				 errtable(rel)));
	table.root = psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
	rt_violations_begin(&violations, &table);
	rt_violations_add(&violations, b, sqlstate, row_key, party, message, InvalidAttrNumber);
	rt_violations_record(&violations, b);
}
