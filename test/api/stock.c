/*
 * stock.c
 *		Lots, who holds how much of which, and what went into what.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

#define DUST_KG 1e-9 /* less than that is rounding of the model, not material */

int
lot_make(Generator *g, int site, Material material, const double metal[METALS], double mass,
		 int day)
{
	Lot *lot;

	if (g->lot_count == g->lot_capacity)
	{
		g->lot_capacity = g->lot_capacity ? g->lot_capacity * 2 : 4096;
		g->lots = memory_resize(g->lots, (size_t) g->lot_capacity * sizeof(Lot));
	}
	lot = &g->lots[g->lot_count];
	memset(lot, 0, sizeof(*lot));
	snprintf(lot->id, sizeof(lot->id), "L-%s-%s-%05d", sites[site].id + 2,
			 material_info[material].tag, ++g->state[site].lots);
	lot->site = site;
	lot->material = material;
	lot->mass = mass;
	for (int i = 0; i < METALS; i++)
		lot->metal[i] = metal[i] / mass;
	lot->day = day;
	return g->lot_count++;
}

static void
add_portion(Holding *holding, int lot, double mass)
{
	if (holding->count == holding->capacity)
	{
		holding->capacity = holding->capacity ? holding->capacity * 2 : 8;
		holding->portions =
			memory_resize(holding->portions, (size_t) holding->capacity * sizeof(Portion));
	}
	holding->portions[holding->count++] = (Portion){lot, mass};
}

void
stock_put(Generator *g, int site, Material material, int lot, double mass)
{
	add_portion(&g->state[site].stock[material], lot, mass);
}

double
stock_mass(const Generator *g, int site, Material material)
{
	const Holding *holding = &g->state[site].stock[material];
	double mass = 0;

	for (int i = 0; i < holding->count; i++)
		mass += holding->portions[i].mass;
	return mass;
}

double
stock_take(Generator *g, int site, Material material, double mass, Holding *taken)
{
	Holding *holding = &g->state[site].stock[material];
	double left = mass;
	int used = 0;

	while (used < holding->count && left > DUST_KG)
	{
		Portion *portion = &holding->portions[used];
		double part = portion->mass < left ? portion->mass : left;

		add_portion(taken, portion->lot, part);
		left -= part;
		portion->mass -= part;
		if (portion->mass > DUST_KG)
			break;
		used++;
	}
	if (used == 0)
		return mass - left;
	memmove(holding->portions, holding->portions + used,
			(size_t) (holding->count - used) * sizeof(Portion));
	holding->count -= used;
	return mass - left;
}

Portion
stock_take_one(Generator *g, int site, Material material, double mass)
{
	Holding *holding = &g->state[site].stock[material];
	Portion result = {-1, 0};
	int best = -1;

	for (int i = 0; i < holding->count; i++)
		if (best < 0 || holding->portions[i].mass > holding->portions[best].mass)
			best = i;
	if (best < 0)
		return result;
	result.lot = holding->portions[best].lot;
	result.mass = holding->portions[best].mass < mass ? holding->portions[best].mass : mass;
	holding->portions[best].mass -= result.mass;
	if (holding->portions[best].mass <= DUST_KG)
	{
		memmove(&holding->portions[best], &holding->portions[best + 1],
				(size_t) (holding->count - best - 1) * sizeof(Portion));
		holding->count--;
	}
	return result;
}

void
edge_add(Generator *g, int input, int output, double mass)
{
	/* a lot that came in several deliveries is one input; an output's edges stand together */
	for (int i = g->edge_count; i > 0 && g->edges[i - 1].output == output; i--)
		if (g->edges[i - 1].input == input)
		{
			g->edges[i - 1].mass += mass;
			return;
		}
	if (g->edge_count == g->edge_capacity)
	{
		g->edge_capacity = g->edge_capacity ? g->edge_capacity * 2 : 8192;
		g->edges = memory_resize(g->edges, (size_t) g->edge_capacity * sizeof(Edge));
	}
	g->edges[g->edge_count++] = (Edge){input, output, mass};
}

void
holding_free(Holding *holding)
{
	free(holding->portions);
	*holding = (Holding){0};
}

void
holding_metals(const Generator *g, const Holding *holding, double metal[METALS])
{
	for (int i = 0; i < holding->count; i++)
		for (int j = 0; j < METALS; j++)
			metal[j] += holding->portions[i].mass * g->lots[holding->portions[i].lot].metal[j];
}

double
reo_of(const double metal[METALS])
{
	double reo = 0;

	for (int i = 0; i < METALS; i++)
		reo += metal[i] * oxide_factor[i];
	return reo;
}
