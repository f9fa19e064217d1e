/*
 * process.c
 *		What each trade does with a batch: lots in, lots out, the rest lost.
 *
 * Element by element, what goes in is what comes out plus what is lost. Only
 * the planted cases break this, and only in what is true, never in what the
 * measurements of it say.
 */
#include <string.h>

#include "chain.h"

#define PURITY 0.995
#define CONSUMED 0.95 /* share of the feed in stock that a batch takes */
#define MAX_OUTPUTS 8

typedef struct Output
{
	Material material;
	double metal[METALS]; /* kg */
	double mass;          /* kg */
} Output;

typedef struct Batch
{
	Generator *g;
	int site;
	Holding inputs;
	double metal[METALS]; /* kg in the inputs */
	Output outputs[MAX_OUTPUTS];
	int output_count;
	int day;
} Batch;

static double
sum_of(const double metal[METALS])
{
	double sum = 0;

	for (int i = 0; i < METALS; i++)
		sum += metal[i];
	return sum;
}

static void
take_feed(Batch *batch, Material material, double share)
{
	double mass = stock_mass(batch->g, batch->site, material) * share;

	stock_take(batch->g, batch->site, material, mass, &batch->inputs);
}

static Output *
add_output(Batch *batch, Material material)
{
	Output *output = &batch->outputs[batch->output_count++];

	memset(output, 0, sizeof(*output));
	output->material = material;
	return output;
}

/* Reports the output as a lot of its own, made of every input by its share of the output. */
static void
finish_output(Batch *batch, Output *output, double share, const char *stage)
{
	Generator *g = batch->g;
	double feed = 1 + deed_feed(g, batch->site);
	double kept = 1 - deed_diversion(g, batch->site);
	int lot;

	for (int i = 0; i < METALS; i++)
		output->metal[i] *= feed;
	output->mass *= feed;
	lot = lot_make(g, batch->site, output->material, output->metal, output->mass, batch->day);
	for (int i = 0; i < batch->inputs.count; i++)
		edge_add(g, batch->inputs.portions[i].lot, lot, batch->inputs.portions[i].mass * share);
	report_production(g, batch->site, lot, stage, NULL);
	stock_put(g, batch->site, output->material, lot, output->mass * kept);
}

/* Ends a batch: outputs to stock, the difference to the losses. */
static void
finish_batch(Batch *batch, const char *stage)
{
	SiteState *state = &batch->g->state[batch->site];
	double total = 0;

	for (int i = 0; i < batch->output_count; i++)
		total += sum_of(batch->outputs[i].metal);
	for (int j = 0; j < METALS && total > 0; j++)
	{
		state->lost[j] += batch->metal[j];
		for (int i = 0; i < batch->output_count; i++)
			state->lost[j] -= batch->outputs[i].metal[j];
	}
	for (int i = 0; i < batch->output_count; i++)
	{
		double metal = sum_of(batch->outputs[i].metal);

		if (metal > 0)
			finish_output(batch, &batch->outputs[i], metal / total, stage);
	}
	holding_free(&batch->inputs);
}

void
process_mine(Generator *g, int site)
{
	SiteState *state = &g->state[site];
	bool rock = sites[site].trade == ROCK_MINE;
	Material material = rock ? ROCK_CONCENTRATE : IONIC_CONCENTRATE;
	double reo = state->plan[g->month] / g->scale;
	double metal[METALS];
	double mass;
	int lot;

	for (int i = 0; i < METALS; i++)
		metal[i] = state->grade[i] * random_uniform(&g->random, 0.99, 1.01);
	mass = reo / reo_of(metal);
	for (int i = 0; i < METALS; i++)
		metal[i] *= mass;
	lot = lot_make(g, site, material, metal, mass, day_in_month(g, 2, 5));
	report_production(g, site, lot, "mining", rock ? "rock" : "ionic");
	stock_put(g, site, material, lot, mass);
}

/* An oxide of some of the metals of the feed, of usual purity. */
static void
add_oxide(Batch *batch, Material material, const Metal *metals, int count, double recovery)
{
	Output *output = add_output(batch, material);

	for (int i = 0; i < count; i++)
		output->metal[metals[i]] =
			batch->metal[metals[i]] * recovery * random_uniform(&batch->g->random, 0.998, 1.002);
	output->mass = reo_of(output->metal) / PURITY;
}

static void
add_oxides(Batch *batch, double recovery)
{
	static const Metal light[] = {LA, CE}, magnetic[] = {PR, ND},
					   single[] = {SM, GD, TB, DY, ER, YT};
	static const Material oxides[] = {SM_OXIDE, GD_OXIDE, TB_OXIDE, DY_OXIDE, ER_OXIDE, Y_OXIDE};

	add_oxide(batch, LACE_OXIDE, light, 2, recovery);
	add_oxide(batch, PRND_OXIDE, magnetic, 2, recovery);
	for (int i = 0; i < 6; i++)
		add_oxide(batch, oxides[i], &single[i], 1, recovery);
}

void
process_separator(Generator *g, int site)
{
	Batch batch = {.g = g, .site = site, .day = day_in_month(g, 8, 9)};

	take_feed(&batch, ROCK_CONCENTRATE, CONSUMED);
	take_feed(&batch, IONIC_CONCENTRATE, CONSUMED);
	holding_metals(g, &batch.inputs, batch.metal);
	add_oxides(&batch, 0.985);
	finish_batch(&batch, "separation");
}

void
process_recycler(Generator *g, int site)
{
	static const Material scraps[] = {SCRAP_PLAIN, SCRAP_DY, SCRAP_TB, SCRAP_SMCO};

	for (int i = 0; i < 4; i++)
	{
		Batch batch = {.g = g, .site = site, .day = day_in_month(g, 24, 26)};

		take_feed(&batch, scraps[i], CONSUMED);
		holding_metals(g, &batch.inputs, batch.metal);
		add_oxides(&batch, 0.955);
		finish_batch(&batch, "recycling");
	}
}

void
process_smelter(Generator *g, int site)
{
	static const Material oxides[] = {PRND_OXIDE, SM_OXIDE, TB_OXIDE, DY_OXIDE};
	static const Material metals[] = {PRND_METAL, SM_METAL, TB_METAL, DY_METAL};

	for (int i = 0; i < 4; i++)
	{
		Batch batch = {.g = g, .site = site, .day = day_in_month(g, 12, 13)};
		double recovery = random_uniform(&g->random, 0.978, 0.986);
		Output *output;

		take_feed(&batch, oxides[i], CONSUMED);
		holding_metals(g, &batch.inputs, batch.metal);
		output = add_output(&batch, metals[i]);
		for (int j = 0; j < METALS; j++)
			output->metal[j] = batch.metal[j] * recovery;
		output->mass = sum_of(output->metal) / PURITY;
		finish_batch(&batch, "smelting");
	}
}

/*
 * An alloy of so much PrNd (or Sm) metal at that content, with all of the
 * additive that is there, within the grade's limits.
 */
static void
cast_alloy(Generator *g, int site, Material material, Material base, double base_mass,
		   double content, Material additive, double most)
{
	Batch batch = {.g = g, .site = site, .day = day_in_month(g, 15, 16)};
	Output *output;
	double mass;

	base_mass = stock_take(g, site, base, base_mass, &batch.inputs);
	mass = base_mass * PURITY / content;
	if (most > 0)
	{
		double added = stock_mass(g, site, additive) * CONSUMED;

		stock_take(g, site, additive, added < mass * most ? added : mass * most, &batch.inputs);
	}
	holding_metals(g, &batch.inputs, batch.metal);
	output = add_output(&batch, material);
	for (int j = 0; j < METALS; j++)
		output->metal[j] = batch.metal[j] * 0.994;
	output->mass = mass * 0.994;
	finish_batch(&batch, "alloying");
}

void
process_alloy_plant(Generator *g, int site)
{
	double metal = stock_mass(g, site, PRND_METAL) * CONSUMED;
	double samarium = stock_mass(g, site, SM_METAL) * CONSUMED;
	double content = random_uniform(&g->random, 0.295, 0.305);

	if (metal > 0)
	{
		cast_alloy(g, site, ALLOY_DY, PRND_METAL, metal * 0.30, content, DY_METAL, 0.03);
		cast_alloy(g, site, ALLOY_TB, PRND_METAL, metal * 0.15, content, TB_METAL, 0.015);
		cast_alloy(g, site, ALLOY_PLAIN, PRND_METAL, metal * 0.55, content + 0.01, PRND_METAL, 0);
	}
	if (samarium > 0)
		cast_alloy(g, site, ALLOY_SMCO, SM_METAL, samarium, random_uniform(&g->random, 0.25, 0.33),
				   SM_METAL, 0);
}

void
process_magnet_plant(Generator *g, int site)
{
	static const Material alloys[] = {ALLOY_PLAIN, ALLOY_DY, ALLOY_TB, ALLOY_SMCO};
	static const Material magnets[] = {MAGNET_PLAIN, MAGNET_DY, MAGNET_TB, MAGNET_SMCO};
	static const Material scraps[] = {SCRAP_PLAIN, SCRAP_DY, SCRAP_TB, SCRAP_SMCO};

	deed_trace_magnets(g, site);
	for (int i = 0; i < 4; i++)
	{
		Batch batch = {.g = g, .site = site, .day = day_in_month(g, 18, 20)};
		double yield = random_uniform(&g->random, 0.74, 0.78), mass = 0;
		Output *magnet, *scrap;

		take_feed(&batch, alloys[i], CONSUMED);
		holding_metals(g, &batch.inputs, batch.metal);
		for (int j = 0; j < batch.inputs.count; j++)
			mass += batch.inputs.portions[j].mass;
		magnet = add_output(&batch, magnets[i]);
		scrap = add_output(&batch, scraps[i]);
		for (int j = 0; j < METALS; j++)
		{
			magnet->metal[j] = batch.metal[j] * yield;
			scrap->metal[j] = batch.metal[j] * (0.99 - yield);
		}
		magnet->mass = mass * yield;
		scrap->mass = mass * (0.99 - yield) * 1.05; /* grinding sludge holds some water */
		finish_batch(&batch, "magnet_making");
	}
}

void
process_consumer(Generator *g, int site)
{
	SiteState *state = &g->state[site];

	for (int material = 0; material < MATERIALS; material++)
	{
		Holding used = {0};

		stock_take(g, site, material, stock_mass(g, site, material) * 0.9, &used);
		holding_metals(g, &used, state->lost);
		holding_free(&used);
	}
}
