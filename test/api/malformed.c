/*
 * malformed.c
 *		Rows as bad software sends them: each breaks one type. And rows taken
 *		back: they would break a rule, were they not withdrawn.
 */
#include "chain.h"

static json_t *
production_row(const char *id)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:n, s:s, s:s, s:s, s:n, s:n}", "production_id", id,
					 "facility_id", "F-IND-03", "produced_on", "2025-06-19", "stage",
					 "magnet_making", "ore_class", "form", "magnet", "assay",
					 "Nd=29.5%±0.06%,Dy=1.2%", "mass", "120 kg", "lot_id", "instrument");
}

static json_t *
shipment_row(const char *id)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:s, s:n, s:n, s:s, s:s, s:s, s:s, "
					 "s:n, s:f, s:s, s:n}",
					 "shipment_id", id, "shipped_on", "2025-02-20", "exporter", "P-IND-03",
					 "facility_id", "F-IND-03", "consignee", "C-DE-02", "end_user", "C-DE-02",
					 "client", "name", "Rheintal Antriebe AG", "destination", "DE", "licence",
					 "control_code", "hs_code", "8505111000", "form", "magnet", "assay", "Nd=30%",
					 "net_mass", "75 kg", "lot_id", "value", 3600.0, "currency", "USD",
					 "instrument");
}

/* Files the row with one column changed. */
static void
report_broken(Generator *g, const char *resource, json_t *row, const char *key, const char *column,
			  const char *value, const char *expected, const char *note)
{
	set_text(row, column, value);
	cheat_note("malformed", resource, json_string_value(json_object_get(row, key)), "P-IND-03",
			   expected, "-", 5, note);
	report(g, resource, row, "P-IND-03", 5);
}

/* Filed, found wrong and withdrawn before anybody pulled: it lands, and counts nowhere. */
static void
report_withdrawn(Generator *g, const char *resource, json_t *row)
{
	json_object_set_new(row, "withdrawn", json_true());
	json_object_set_new(row, "version", json_integer(2));
	report(g, resource, row, "P-IND-03", 5);
}

static void
report_withdrawals(Generator *g)
{
	json_t *production = production_row("WITHDRAWN-QUOTA-1");
	json_t *shipment = shipment_row("WITHDRAWN-LICENCE-1");

	set_text(production, "stage", "mining");
	set_text(production, "ore_class", "ionic");
	set_text(shipment, "shipped_on", "2025-06-20");
	set_text(shipment, "assay", "Nd=29.5%,Dy=1.2%");
	set_text(shipment, "control_code", "1C905.a");
	report_withdrawn(g, "production", production);
	report_withdrawn(g, "shipments", shipment);
}

void
malformed_report(Generator *g)
{
	report_withdrawals(g);
	report_broken(g, "production", production_row("MALFORMED-ELEMENT-1"), "production_id", "assay",
				  "Nd=29.5%,Xx=1.2%", "22P02", "unknown element Xx");
	report_broken(g, "production", production_row("MALFORMED-TOTAL-1"), "production_id", "assay",
				  "Nd=80%,Pr=50%", "RTT01", "assay of 130 %");
	report_broken(g, "production", production_row("MALFORMED-MASS-1"), "production_id", "mass",
				  "12 stone", "22P02", "mass in no known unit");
	report_broken(g, "production", production_row("MALFORMED-MASS-2"), "production_id", "mass",
				  "99999999999999 t", "22003", "mass beyond the type's range");
	report_broken(g, "production", production_row("MALFORMED-FORM-1"), "production_id", "form",
				  "powder", "22P02", "unknown form");
	report_broken(g, "production", production_row("MALFORMED-FACILITY-1"), "production_id",
				  "facility_id", "F-NOWHERE", "23503", "facility that nobody registered");
	report_broken(g, "shipments", shipment_row("MALFORMED-DATE-1"), "shipment_id", "shipped_on",
				  "2025-02-30", "22008", "30 February");
	report_broken(g, "shipments", shipment_row("MALFORMED-DATE-2"), "shipment_id", "shipped_on",
				  "last Tuesday", "22007", "no date");
	report_broken(g, "shipments", shipment_row("MALFORMED-LICENCE-1"), "shipment_id", "licence",
				  "25-AA-000001-0", "RTT02", "wrong check character");
}
