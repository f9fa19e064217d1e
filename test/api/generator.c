/*
 * generator.c
 *		Runs the year: month by month, batch by batch, stage by stage.
 *
 * Stages have their days of the month, in the order of the chain, so that a
 * lot is never older than what it was made of and never sold before it is made.
 */
#include "generator.h"

#include <stdlib.h>
#include <string.h>

#include "chain.h"

/* composition of the metals in the two kinds of ore; their total in the concentrate */
static const double rock_grade[METALS] = {
	[LA] = 0.26, [CE] = 0.50, [PR] = 0.05, [ND] = 0.175, [SM] = 0.012, [GD] = 0.003};
static const double ionic_grade[METALS] = {
	[LA] = 0.21, [CE] = 0.02,  [PR] = 0.055, [ND] = 0.21,  [SM] = 0.045,
	[GD] = 0.06, [TB] = 0.010, [DY] = 0.055, [ER] = 0.035, [YT] = 0.30};
#define ROCK_CONTENT 0.46
#define IONIC_CONTENT 0.74

/* Shares of the year's plan: little at the spring festival, much before the year's end. */
static const double season[MONTHS] = {0.084, 0.062, 0.083, 0.086, 0.087, 0.084,
									  0.082, 0.080, 0.086, 0.088, 0.089, 0.089};

static void
plan_mine(Generator *g, int site)
{
	SiteState *state = &g->state[site];
	bool rock = sites[site].trade == ROCK_MINE;
	const double *grade = rock ? rock_grade : ionic_grade;
	const char *group = party_find(sites[site].party)->parent;
	double share = sites[site].quota_share, total = 0, year;

	/* a group that mines itself draws on its own quota */
	year = quota_of_group(group ? group : sites[site].party, "mining", rock ? "rock" : "ionic") *
		   (share > 0 ? share : 1) * sites[site].quota_use;
	for (int i = 0; i < MONTHS; i++)
		total += state->plan[i] = season[i] * random_uniform(&g->random, 0.96, 1.04);
	for (int i = 0; i < MONTHS; i++)
		state->plan[i] *= year / total;
	for (int i = 0; i < METALS; i++)
		state->grade[i] = grade[i] * (rock ? ROCK_CONTENT : IONIC_CONTENT) *
						  random_uniform(&g->random, 0.92, 1.04);
}

/* Every site of a trade works, then sells within these days of the month. */
static void
run_trade(Generator *g, Trade first, Trade last, void (*process)(Generator *, int), int first_day,
		  int last_day)
{
	for (int site = 0; site < site_count; site++)
	{
		if (sites[site].trade < first || sites[site].trade > last ||
			strcmp(sites[site].id, "F-ILL-01") == 0)
			continue;
		if (process)
			process(g, site);
		if (first_day)
			routes_sell(g, site, first_day, last_day);
	}
}

static void
run_batch(Generator *g)
{
	bool last = g->batch == g->scale - 1;

	run_trade(g, ROCK_MINE, IONIC_MINE, process_mine, 6, 7);
	deed_illegal_mine(g);
	run_trade(g, SEPARATOR, SEPARATOR, process_separator, 10, 11);
	run_trade(g, SMELTER, SMELTER, process_smelter, 14, 14);
	run_trade(g, ALLOY_PLANT, ALLOY_PLANT, process_alloy_plant, 17, 17);
	run_trade(g, MAGNET_PLANT, MAGNET_PLANT, process_magnet_plant, 21, 23);
	run_trade(g, TRADER, TRADER, NULL, 21, 26);
	if (last) /* what is recycled on the 26th must not be smelted on the 13th */
		run_trade(g, RECYCLER, RECYCLER, process_recycler, 27, 27);
	if (last)
		run_trade(g, CONSUMER, CONSUMER, process_consumer, 0, 0);
}

/* A few honest corrections: the row as it stands is its second version. */
static void
mark_corrections(Generator *g)
{
	static const char *const names[] = {"production", "transfers", "inventories", "losses"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		Resource *resource = dataset_resource(g->data, names[i]);

		for (size_t j = 0; j < resource->count; j++)
			if (random_integer(&g->random, 0, 99) == 0)
				dataset_revise(resource->records[j], 2);
	}
}

void
generator_run(Dataset *data, uint64_t seed, int scale, bool normal_noise)
{
	Generator *g = memory_zero(sizeof(Generator));

	g->data = data;
	g->scale = scale;
	g->normal_noise = normal_noise;
	random_seed(&g->random, seed);
	submissions_prepare(g);
	world_report(g);
	quotas_report(g);
	report_opening(g);
	for (int site = 0; site < site_count; site++)
		if (sites[site].trade <= IONIC_MINE)
			plan_mine(g, site);
	exports_prepare(g);
	for (g->month = 0; g->month < MONTHS; g->month++)
	{
		for (g->batch = 0; g->batch < scale; g->batch++)
			run_batch(g);
		report_losses(g);
		report_inventories(g);
	}
	report_lots(g);
	licences_report(g);
	cheats_report(g);
	malformed_report(g);
	report_submissions(g);
	mark_corrections(g);
	free(g);
}
