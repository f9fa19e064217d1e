/*
 * reports.c
 *		The monthly reports: production, lots, inventories, losses,
 *		submissions; and how any row gets its common columns.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

#define SECOND INT64_C(1000000)

static const int month_start[MONTHS + 1] = {0,   31,  59,  90,  120, 151, 181,
											212, 243, 273, 304, 334, 365};

void
set_text(json_t *row, const char *name, const char *value)
{
	json_object_set_new(row, name, value ? json_string(value) : json_null());
}

void
set_owned(json_t *row, const char *name, char *value)
{
	set_text(row, name, value);
	free(value);
}

char *
date_text(int day)
{
	int year, month, date;

	days_to_date(date_to_days(YEAR, 1, 1) + day, &year, &month, &date);
	return memory_print("%04d-%02d-%02d", year, month, date);
}

void
set_date(json_t *row, const char *name, int day)
{
	set_owned(row, name, date_text(day));
}

char *
period_text(int month)
{
	return memory_print("[%04d-%02d-01,%04d-%02d-01)", YEAR, month + 1,
						month == 11 ? YEAR + 1 : YEAR, (month + 1) % 12 + 1);
}

int
month_of_day(int day)
{
	int month = 0;

	while (month < 11 && day >= month_start[month + 1])
		month++;
	return month;
}

int
day_in_month(Generator *g, int first, int last)
{
	return month_start[g->month] + random_integer(&g->random, first, last) - 1;
}

/* That hour of the day in Beijing. */
int64_t
time_of_day(int day, int hour)
{
	return ((date_to_days(YEAR, 1, 1) + day) * 86400 + (hour - 8) * 3600) * SECOND;
}

void
submissions_prepare(Generator *g)
{
	for (int i = 0; i < party_count; i++)
		for (int month = 0; month < MONTHS; month++)
		{
			const char *id;
			int day = month_start[month + 1] + random_integer(&g->random, 3, 9) - 1;

			cheat_submission(parties[i].id, month, &id, &day);
			g->submitted[i][month] = time_of_day(day, random_integer(&g->random, 9, 17)) +
									 random_integer(&g->random, 0, 3599) * SECOND;
		}
}

int64_t
submission_time(const Generator *g, const char *party, int month)
{
	return g->submitted[party_find(party) - parties][month];
}

void
report_at(Generator *g, const char *resource, json_t *row, const char *party, int month,
		  int64_t time)
{
	char text[48];

	timestamp_print(time, text, sizeof(text));
	if (!json_object_get(row, "version"))
		json_object_set_new(row, "version", json_integer(1));
	set_text(row, "updated_at", text);
	if (!json_object_get(row, "withdrawn"))
		json_object_set_new(row, "withdrawn", json_false());
	dataset_add(g->data, dataset_resource(g->data, resource), row, party,
				month < 0 ? 0 : YEAR * 100 + month + 1);
}

void
report(Generator *g, const char *resource, json_t *row, const char *party, int month)
{
	/* registrations stand one after the other, so that a group comes before its members */
	if (month < 0)
		report_at(g, resource, row, party, month,
				  time_of_day(-20, 9) + (int64_t) g->data->next_serial * 1000);
	else /* rows are uploaded in the half hour before the submission closes the month */
		report_at(g, resource, row, party, month,
				  submission_time(g, party, month) - random_integer(&g->random, 0, 1799) * SECOND);
}

void
report_production(Generator *g, int site, int index, const char *stage, const char *ore_class)
{
	Lot *lot = &g->lots[index];
	const Instrument *scale = &g->state[site].scale;
	json_t *row = json_object();
	char *assay = measure_assay(g, lot->material, lot->metal);
	const char *party = sites[site].party;

	lot->book_mg = measure_mass(g, scale, lot->mass);
	if (strcmp(stage, "mining") == 0 || strcmp(stage, "separation") == 0)
		g->state[site].reo += reo_of(lot->metal) * (double) lot->book_mg * 1e-6;
	set_owned(row, "production_id", memory_print("PR%s", lot->id + 1));
	set_text(row, "facility_id", sites[site].id);
	set_date(row, "produced_on", lot->day);
	set_text(row, "stage", stage);
	set_text(row, "ore_class", ore_class);
	set_text(row, "form", material_info[lot->material].form);
	set_text(row, "assay", assay);
	set_owned(row, "mass", mass_text(lot->book_mg));
	set_text(row, "lot_id", lot->id);
	set_text(row, "instrument", scale->id);
	report(g, "production", row, party, g->month);

	row = json_object();
	set_text(row, "lot_id", lot->id);
	set_text(row, "facility_id", sites[site].id);
	set_text(row, "form", material_info[lot->material].form);
	set_text(row, "assay", assay);
	set_owned(row, "mass", mass_text(lot->book_mg));
	set_date(row, "created_on", lot->day);
	set_text(row, "origin",
			 strcmp(stage, "mining") == 0      ? "mined"
			 : strcmp(stage, "recycling") == 0 ? "recycled"
											   : "processed");
	report(g, "lots", row, party, g->month);
	free(assay);
}

/* Book mass of what an edge took of its input: together never more than was reported made. */
int64_t
edge_book_mg(const Generator *g, const Edge *edge)
{
	const Lot *input = &g->lots[edge->input];

	return (int64_t) floor(edge->mass / input->mass * (double) input->book_mg);
}

void
report_lots(Generator *g)
{
	for (int i = 0; i < g->edge_count; i++)
	{
		const Edge *edge = &g->edges[i];
		const Lot *input = &g->lots[edge->input], *output = &g->lots[edge->output];
		json_t *row = json_object();

		set_text(row, "input_lot", input->id);
		set_text(row, "output_lot", output->id);
		set_owned(row, "mass", mass_text(edge_book_mg(g, edge)));
		report(g, "lot-edges", row, sites[output->site].party, month_of_day(output->day));
	}
}

static void
report_inventory(Generator *g, int site, Material material)
{
	const SiteState *state = &g->state[site];
	double metal[METALS] = {0}, mass = stock_mass(g, site, material);
	json_t *row;

	if (mass < 1e-6)
		return;
	holding_metals(g, &state->stock[material], metal);
	for (int i = 0; i < METALS; i++)
		metal[i] /= mass;
	row = json_object();
	set_owned(row, "inventory_id",
			  memory_print("S-%s-%s-%04d-%02d", sites[site].id + 2, material_info[material].tag,
						   YEAR, g->month + 1));
	set_text(row, "facility_id", sites[site].id);
	set_owned(row, "period", period_text(g->month));
	set_text(row, "form", material_info[material].form);
	set_owned(row, "assay", measure_assay(g, material, metal));
	set_owned(row, "mass", mass_text(measure_mass(g, &state->stock_scale, mass)));
	set_text(row, "instrument", state->stock_scale.id);
	report(g, "inventories", row, sites[site].party, g->month);
}

/* An empty site counts its stock too: nothing. */
static void
report_nothing(Generator *g, int site, const char *period, const char *month_text, int month)
{
	json_t *row = json_object();

	set_owned(row, "inventory_id", memory_print("S-%s-NONE-%s", sites[site].id + 2, month_text));
	set_text(row, "facility_id", sites[site].id);
	set_text(row, "period", period);
	set_text(row, "form", "compound");
	set_text(row, "assay", "Nd=0%");
	set_text(row, "mass", "0 kg");
	set_text(row, "instrument", g->state[site].stock_scale.id);
	report(g, "inventories", row, sites[site].party, month);
}

/* The books open with empty sites on 1 January. */
void
report_opening(Generator *g)
{
	for (int site = 0; site < site_count; site++)
		report_nothing(g, site, "[2024-12-01,2025-01-01)", "2024-12", -1);
}

void
report_inventories(Generator *g)
{
	char *period = period_text(g->month);
	char *month_text = memory_print("%04d-%02d", YEAR, g->month + 1);

	for (int site = 0; site < site_count; site++)
	{
		double stock = 0;

		for (int material = 0; material < MATERIALS; material++)
		{
			report_inventory(g, site, material);
			stock += stock_mass(g, site, material);
		}
		if (stock < 1e-6)
			report_nothing(g, site, period, month_text, g->month);
	}
	free(period);
	free(month_text);
}

void
report_losses(Generator *g)
{
	for (int site = 0; site < site_count; site++)
	{
		SiteState *state = &g->state[site];
		bool consumer = sites[site].trade == CONSUMER;
		double content = consumer ? 0.35 : 0.12, mass = 0;
		json_t *row;

		for (int i = 0; i < METALS; i++)
			mass += state->lost[i] / content;
		if (mass < 1e-6)
			continue;
		for (int i = 0; i < METALS; i++)
			state->lost[i] /= mass;
		row = json_object();
		set_owned(row, "loss_id",
				  memory_print("W-%s-%04d-%02d", sites[site].id + 2, YEAR, g->month + 1));
		set_text(row, "facility_id", sites[site].id);
		set_date(row, "lost_on", month_start[g->month] + 27);
		set_text(row, "form", "compound");
		set_owned(row, "assay", measure_assay(g, RESIDUE, state->lost));
		set_owned(row, "mass", mass_text(measure_mass(g, &state->scale, mass)));
		set_text(row, "reason",
				 consumer ? "made into products outside the chain" : "process residue");
		set_text(row, "instrument", state->scale.id);
		report(g, "losses", row, sites[site].party, g->month);
		memset(state->lost, 0, sizeof(state->lost));
	}
}

static void
report_submission(Generator *g, const char *id, const char *party, int month, int version,
				  int64_t time)
{
	json_t *row = json_object();
	char text[48];

	timestamp_print(time, text, sizeof(text));
	set_text(row, "submission_id", id);
	set_text(row, "producer", party);
	set_owned(row, "period", period_text(month));
	set_text(row, "submitted_at", text);
	json_object_set_new(row, "version", json_integer(version));
	report_at(g, "submissions", row, party, month, time);
}

/* A few months are closed a second time weeks later: a correction, which is not late. */
void
report_submissions(Generator *g)
{
	for (int i = 0; i < party_count; i++)
	{
		if (strcmp(parties[i].kind, "producer") != 0)
			continue;
		for (int month = 0; month < MONTHS; month++)
		{
			const char *planted = NULL;
			char *id = memory_print("M-%s-%04d-%02d", parties[i].id + 2, YEAR, month + 1);
			int day = 0;

			if (cheat_submission(parties[i].id, month, &planted, &day))
			{
				report_submission(g, planted ? planted : id, parties[i].id, month, 1,
								  g->submitted[i][month]);
				if (!planted && random_integer(&g->random, 0, 29) == 0)
					report_submission(g, id, parties[i].id, month, 2,
									  g->submitted[i][month] +
										  random_integer(&g->random, 10, 40) * 86400 * SECOND);
			}
			free(id);
		}
	}
}
