/*
 * rules/licence_rules.h
 *		The licence rules themselves: one export row against one licence.
 *
 * The triggers, the dry run and the recheck after a licence changed all ask
 * these functions, so their verdicts cannot differ.
 */
#ifndef RT_RULES_LICENCE_RULES_H
#define RT_RULES_LICENCE_RULES_H

#include "retrack.h"
#include "executor/tuptable.h"
#include "rules/control_list.h"
#include "rules/licence_terms.h"
#include "rules/rule_columns.h"
#include "types/assay.h"

typedef enum ShipmentColumn
{
	SHIPMENT_DATE,
	SHIPMENT_EXPORTER,
	SHIPMENT_CONSIGNEE,
	SHIPMENT_END_USER,
	SHIPMENT_DESTINATION,
	SHIPMENT_LICENCE,
	SHIPMENT_CONTROL_CODE,
	SHIPMENT_HS_CODE,
	SHIPMENT_FORM,
	SHIPMENT_ASSAY,
	SHIPMENT_MASS,
	SHIPMENT_WITHDRAWN,
	SHIPMENT_COLUMNS
} ShipmentColumn;

extern const RuleSpec licence_rule_spec;

/* An export row; words and assay point into the slot it was read from. */
typedef struct ShipmentRow
{
	bool		withdrawn;
	bool		has_date;
	bool		has_licence;
	bool		has_mass;
	DateADT		date;
	LicenceId	licence;
	Mass		mass;
	Oid			form;			/* 0: null */
	Word		exporter;
	Word		consignee;
	Word		end_user;
	Word		destination;
	Word		control_code;
	Word		hs_code;
	const Assay *assay;			/* NULL: null */
} ShipmentRow;

typedef enum LicenceRule
{
	LICENCE_UNKNOWN,
	LICENCE_STATUS,
	LICENCE_DATE,
	LICENCE_HOLDER,
	LICENCE_ITEM,
	LICENCE_DESTINATION,
	LICENCE_CONSIGNEE,
	LICENCE_END_USER,
	LICENCE_QUANTITY,
	LICENCE_USES,
	LICENCE_REQUIRED,
	LICENCE_DATA,
	LICENCE_RULES
} LicenceRule;

/* What the rules said of a row. */
typedef struct LicenceVerdict
{
	uint32		broken;			/* bit per LicenceRule; 0: none */
	int			item;			/* index of the item it draws on, -1: none */
	ShipmentColumn data;		/* of LICENCE_DATA: the column that is wrong */
	const char *data_reason;	/* ditto: why */
	const ControlEntry *control;	/* of REQUIRED and ITEM: the entry that applies, or NULL */
} LicenceVerdict;

/* Reads the row of a slot of the table. */
extern void rt_shipment_read(const RuleTable *t, TupleTableSlot *slot, ShipmentRow *row);

/* The item the row draws on, whatever else is wrong with it: -1 if none. */
extern int	rt_licence_find_item(const LicenceTerms *terms, const ShipmentRow *row);

/*
 * All rules but quantity and uses, which need the locked ledger.  "terms" is
 * NULL if the row names no licence or an unknown one.
 */
extern void rt_licence_check(ControlList *controls, const LicenceTerms *terms,
							 const ShipmentRow *row, LicenceVerdict *verdict);

/* SQLSTATE, and the registry's column for errcolumn, of a rule. */
extern int	rt_licence_sqlstate(LicenceRule rule);
extern ShipmentColumn rt_licence_column(LicenceRule rule, const LicenceVerdict *verdict);

/* One sentence without period on how the row breaks the rule, palloc'd. */
extern char *rt_licence_describe(LicenceRule rule, const LicenceTerms *terms,
								 const ShipmentRow *row, const LicenceVerdict *verdict);

#endif							/* RT_RULES_LICENCE_RULES_H */
