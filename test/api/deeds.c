/*
 * deeds.c
 *		Where the honest flow is bent: the planted cases that happen in it.
 *		Their identifiers do not depend on the seed.
 */
#include <stdlib.h>
#include <string.h>

#include "chain.h"

#define ILLEGAL_KG 40000.0 /* of ionic concentrate, each time */

static const Deed deeds[] = {
	{"CHEAT-DIVERGING-1", DEED_TRANSIT_THEFT, "F-CNRE-04", "F-CNRE-06", PRND_OXIDE, 4},
	{"CHEAT-DIVERGING-2", DEED_TRANSIT_THEFT, "F-IND-02", "F-IND-07", ALLOY_SMCO, 9},
	{"CHEAT-ONESIDED-1", DEED_RECEIVER_SILENT, "F-IND-05", "F-IND-14", MAGNET_PLAIN, 6},
	{"CHEAT-VAT-1", DEED_NO_INVOICE, "F-CREG-08", "F-IND-13", LACE_OXIDE, 2},
	{"CHEAT-VAT-2", DEED_LOW_INVOICE, "F-XTC-03", "F-IND-01", PRND_METAL, 7},
	{"CHEAT-VAT-3", DEED_NO_INVOICE, "F-IND-05", "C-IT-01", MAGNET_PLAIN, 10},
	{"CHEAT-CUSTOMS-1", DEED_LOW_DECLARATION, "F-IND-10", "C-NL-01", LACE_OXIDE, 5},
	{"CHEAT-CUSTOMS-2", DEED_NO_DECLARATION, "F-IND-06", "C-VN-01", MAGNET_PLAIN, 3},
};
#define DEEDS ((int) (sizeof(deeds) / sizeof(deeds[0])))

static bool taken[DEEDS];

const Deed *
deed_take(Generator *g, const char *from, const char *to, Material material)
{
	for (int i = 0; i < DEEDS; i++)
		if (!taken[i] && deeds[i].month == g->month && deeds[i].material == material &&
			strcmp(deeds[i].from, from) == 0 && strcmp(deeds[i].to, to) == 0)
		{
			taken[i] = true;
			return &deeds[i];
		}
	return NULL;
}

const Deed *
deed_find(const char *id)
{
	for (int i = 0; i < DEEDS; i++)
		if (strcmp(deeds[i].id, id) == 0)
			return &deeds[i];
	return NULL;
}

const Deed *
deed_first(void)
{
	return deeds;
}

const Deed *
deed_next(const Deed *deed)
{
	return deed + 1 < deeds + DEEDS ? deed + 1 : NULL;
}

double
deed_feed(const Generator *g, int site)
{
	return g->month == 7 && strcmp(sites[site].id, "F-GDRE-03") == 0 ? 0.12 : 0;
}

double
deed_diversion(const Generator *g, int site)
{
	return (g->month == 5 && strcmp(sites[site].id, "F-CNRE-07") == 0) ||
				   (g->month == 10 && strcmp(sites[site].id, "F-XTC-04") == 0)
			   ? 0.08
			   : 0;
}

static int
make_illegal_lot(Generator *g, int site, int day)
{
	static const double grade[METALS] = {
		[LA] = 0.16,  [CE] = 0.015, [PR] = 0.04,  [ND] = 0.16,  [SM] = 0.035,
		[GD] = 0.045, [TB] = 0.008, [DY] = 0.045, [ER] = 0.025, [YT] = 0.23};
	double metal[METALS];
	Lot *lot;
	int index;

	for (int i = 0; i < METALS; i++)
		metal[i] = grade[i] * ILLEGAL_KG;
	index = lot_make(g, site, IONIC_CONCENTRATE, metal, ILLEGAL_KG, day);
	lot = &g->lots[index];
	lot->suspect = 1;
	lot->book_mg = measure_mass(g, &g->state[site].scale, lot->mass);
	return index;
}

static void
report_illegal_lot(Generator *g, int site, int index, const char *production_id)
{
	const Lot *lot = &g->lots[index];
	char *assay = measure_assay(g, lot->material, lot->metal);
	json_t *row = json_object();

	set_text(row, "lot_id", lot->id);
	set_text(row, "facility_id", sites[site].id);
	set_text(row, "form", "concentrate");
	set_text(row, "assay", assay);
	set_owned(row, "mass", mass_text(lot->book_mg));
	set_date(row, "created_on", lot->day);
	set_text(row, "origin", "mined");
	report(g, "lots", row, sites[site].party, g->month);

	row = json_object();
	set_text(row, "production_id", production_id);
	set_text(row, "facility_id", sites[site].id);
	set_date(row, "produced_on", lot->day);
	set_text(row, "stage", "mining");
	set_text(row, "ore_class", "ionic");
	set_text(row, "form", "concentrate");
	set_text(row, "assay", assay);
	set_owned(row, "mass", mass_text(lot->book_mg));
	set_text(row, "lot_id", lot->id);
	set_text(row, "instrument", g->state[site].scale.id);
	report(g, "production", row, sites[site].party, g->month);
	free(assay);
}

/* What a mine without quota digs reaches a separation plant twice a year. */
void
deed_illegal_mine(Generator *g)
{
	int site = site_find("F-ILL-01"), plant = site_find("F-GDRE-02");
	const char *id = g->month == 2 ? "CHEAT-NOQUOTA-1" : g->month == 9 ? "CHEAT-NOQUOTA-2" : NULL;
	int index;

	if (!id || g->batch > 0)
		return;
	index = make_illegal_lot(g, site, day_in_month(g, 2, 5));
	report_illegal_lot(g, site, index, id);
	deliver(g, site, plant, (Portion){index, g->lots[index].mass}, IONIC_CONCENTRATE,
			day_in_month(g, 6, 7));
}

void
deed_trace_magnets(Generator *g, int site)
{
	static const char *const ids[] = {"CHEAT-SPLIT-1", "CHEAT-SPLIT-2", "CHEAT-SPLIT-3",
									  "CHEAT-SPLIT-4"};
	static const int days[] = {20, 22, 24, 26};
	double metal[METALS] = {0}, content[METALS] = {0}, plain, rich, mass = 0;
	Holding inputs = {0};
	int lot;

	if (g->month != 8 || g->batch > 0 || strcmp(sites[site].id, "F-IND-06") != 0)
		return;
	/* so much of the alloy with dysprosium that the blend holds 0.0985 % of it */
	stock_take(g, site, ALLOY_DY, 1, &inputs);
	holding_metals(g, &inputs, content);
	plain = content[DY] / 0.000985 - 1;
	rich = 1;
	stock_take(g, site, ALLOY_DY, 400 / (plain + rich), &inputs);
	holding_metals(g, &inputs, metal);
	plain = metal[DY] / 0.000985;
	for (int i = 0; i < inputs.count; i++)
		plain -= inputs.portions[i].mass;
	stock_take(g, site, ALLOY_PLAIN, plain, &inputs);
	memset(metal, 0, sizeof(metal));
	holding_metals(g, &inputs, metal);
	for (int i = 0; i < inputs.count; i++)
		mass += inputs.portions[i].mass;
	lot = lot_make(g, site, MAGNET_TRACE, metal, mass, day_in_month(g, 18, 18));
	for (int i = 0; i < inputs.count; i++)
		edge_add(g, inputs.portions[i].lot, lot, inputs.portions[i].mass);
	report_production(g, site, lot, "magnet_making", NULL);
	for (int i = 0; i < 4; i++)
	{
		Export export = {.id = ids[i],
						 .site = site,
						 .material = MAGNET_TRACE,
						 .metal = g->lots[lot].metal,
						 .net_mg = measure_mass(g, &g->state[site].scale, mass / 4),
						 .lot = g->lots[lot].id,
						 .client = "C-IN-01",
						 .day = day_in_month(g, days[i], days[i])};

		export_papers(g, &export, export_report(g, &export, g->month));
	}
	holding_free(&inputs);
}

void
deed_single_use(Generator *g, int site)
{
	char licence[20];
	Export export;
	Portion portion;

	if (g->month != 6 || g->batch > 0 || strcmp(sites[site].id, "F-IND-04") != 0 ||
		stock_mass(g, site, MAGNET_DY) <= 0)
		return;
	portion = stock_take_one(g, site, MAGNET_DY, 200);
	cheat_licence(licence, SINGLE_USE_LICENCE);
	export = (Export){.id = "HONEST-USE-1",
					  .site = site,
					  .material = MAGNET_DY,
					  .metal = g->lots[portion.lot].metal,
					  .net_mg = measure_mass(g, &g->state[site].scale, portion.mass),
					  .lot = g->lots[portion.lot].id,
					  .client = "C-US-01",
					  .licence = licence,
					  .control_code = "1C905.a",
					  .day = day_in_month(g, 21, 26)};
	export_papers(g, &export, export_report(g, &export, g->month));
}
