/*
 * deliveries.c
 *		Deliveries between facilities, reported by both sides, and VAT invoices.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

#define YUAN_A_DOLLAR 7.1
#define THEFT 0.07 /* share that a planted theft in transit takes */

/* One side's report; returns the mass it states. */
static int64_t
report_side(Generator *g, const char *id, int by, int from, int to, const Lot *lot, double mass,
			int day)
{
	const Instrument *scale = &g->state[by].scale;
	int64_t mg = measure_mass(g, scale, mass);
	json_t *row = json_object();

	set_text(row, "transfer_id", id);
	set_text(row, "reported_by", sites[by].party);
	set_text(row, "shipper", sites[from].party);
	set_text(row, "receiver", sites[to].party);
	set_text(row, "from_facility", sites[from].id);
	set_text(row, "to_facility", sites[to].id);
	json_object_set_new(row, "client",
						json_pack("{s:s}", "name", party_find(sites[to].party)->name));
	set_date(row, "transferred_on", day);
	set_text(row, "form", material_info[lot->material].form);
	set_owned(row, "assay", measure_assay(g, lot->material, lot->metal));
	set_owned(row, "mass", mass_text(mg));
	set_text(row, "lot_id", lot->id);
	set_text(row, "instrument", scale->id);
	report(g, "transfers", row, sites[by].party, month_of_day(day));
	return mg;
}

void
invoice_report(Generator *g, const char *seller, const char *buyer, int day, const char *transfer,
			   const char *shipment, int64_t mg, double price, const char *currency)
{
	json_t *row = json_object();
	int issued = day + random_integer(&g->random, 0, 2);

	if (month_of_day(issued) != month_of_day(day) || issued > 364)
		issued = day;
	set_owned(row, "invoice_id", memory_print("V-%s", transfer ? transfer : shipment));
	set_text(row, "seller", seller);
	set_text(row, "buyer", buyer);
	set_date(row, "issued_on", issued);
	set_text(row, "transfer_id", transfer);
	set_text(row, "shipment_id", shipment);
	set_owned(row, "mass", mass_text(mg));
	json_object_set_new(row, "value", json_real(round((double) mg * 1e-6 * price * 100) / 100));
	set_text(row, "currency", currency);
	report(g, "invoices", row, seller, month_of_day(day));
}

void
deliver(Generator *g, int from, int to, Portion portion, Material material, int day)
{
	const Lot *lot = &g->lots[portion.lot];
	const Deed *deed = deed_take(g, sites[from].id, sites[to].id, material);
	double price =
		material_info[material].price * YUAN_A_DOLLAR * random_uniform(&g->random, 0.97, 1.03);
	double arrives = portion.mass;
	char *id;
	int64_t mg;

	if (deed)
		id = memory_text(deed->id);
	else
		id = memory_print("T-%s-%05d", sites[from].id + 2, ++g->state[from].transfers);
	if (deed && deed->kind == DEED_TRANSIT_THEFT)
		arrives *= 1 - THEFT;
	mg = report_side(g, id, from, from, to, lot, portion.mass, day);
	if (!deed || deed->kind != DEED_RECEIVER_SILENT)
	{
		report_side(g, id, to, from, to, lot, arrives, day);
		stock_put(g, to, material, portion.lot, arrives);
	}
	if (!deed || deed->kind != DEED_NO_INVOICE)
		invoice_report(g, sites[from].party, sites[to].party, day, id, NULL,
					   deed && deed->kind == DEED_LOW_INVOICE ? mg / 10 * 7 : mg, price, "CNY");
	free(id);
}
