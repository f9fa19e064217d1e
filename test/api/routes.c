/*
 * routes.c
 *		Who sells what to whom at home.
 */
#include <string.h>

#include "chain.h"

typedef struct Route
{
	const char *from;
	Material material;
	const char *to;
	double share; /* of what the site has to sell; the rest is exported or kept */
} Route;

static const Route routes[] = {
	{"F-CREG-01", ROCK_CONCENTRATE, "F-CREG-07", 0.64},
	{"F-CREG-01", ROCK_CONCENTRATE, "F-CREG-08", 0.36},
	{"F-CREG-02", ROCK_CONCENTRATE, "F-CREG-07", 0.64},
	{"F-CREG-02", ROCK_CONCENTRATE, "F-CREG-08", 0.36},
	{"F-CREG-03", ROCK_CONCENTRATE, "F-CREG-07", 0.64},
	{"F-CREG-03", ROCK_CONCENTRATE, "F-CREG-08", 0.36},
	{"F-CREG-04", IONIC_CONCENTRATE, "F-CREG-09", 0.60},
	{"F-CREG-04", IONIC_CONCENTRATE, "F-GDRE-02", 0.22},
	{"F-CREG-04", IONIC_CONCENTRATE, "F-GDRE-03", 0.18},
	{"F-CREG-05", IONIC_CONCENTRATE, "F-CREG-09", 0.60},
	{"F-CREG-05", IONIC_CONCENTRATE, "F-GDRE-02", 0.40},
	{"F-CREG-06", IONIC_CONCENTRATE, "F-CREG-09", 0.60},
	{"F-CREG-06", IONIC_CONCENTRATE, "F-GDRE-03", 0.40},
	{"F-CNRE-01", ROCK_CONCENTRATE, "F-CNRE-03", 0.45},
	{"F-CNRE-01", ROCK_CONCENTRATE, "F-CNRE-04", 0.30},
	{"F-CNRE-01", ROCK_CONCENTRATE, "F-CNRE-05", 0.25},
	{"F-CNRE-02", ROCK_CONCENTRATE, "F-CNRE-03", 0.45},
	{"F-CNRE-02", ROCK_CONCENTRATE, "F-CNRE-04", 0.30},
	{"F-CNRE-02", ROCK_CONCENTRATE, "F-CNRE-05", 0.25},
	{"F-XTC-00", IONIC_CONCENTRATE, "F-XTC-02", 1.0},
	{"F-XTC-01", IONIC_CONCENTRATE, "F-XTC-02", 1.0},
	{"F-GDRE-01", IONIC_CONCENTRATE, "F-GDRE-02", 0.60},
	{"F-GDRE-01", IONIC_CONCENTRATE, "F-GDRE-03", 0.40},

	{"F-CREG-07", LACE_OXIDE, "F-IND-12", 0.60},
	{"F-CREG-07", LACE_OXIDE, "F-IND-10", 0.40},
	{"F-CREG-08", LACE_OXIDE, "F-IND-13", 1.0},
	{"F-CREG-09", LACE_OXIDE, "F-IND-13", 1.0},
	{"F-CNRE-03", LACE_OXIDE, "F-IND-12", 0.70},
	{"F-CNRE-03", LACE_OXIDE, "F-IND-10", 0.30},
	{"F-CNRE-04", LACE_OXIDE, "F-IND-13", 1.0},
	{"F-CNRE-05", LACE_OXIDE, "F-IND-10", 1.0},
	{"F-XTC-02", LACE_OXIDE, "F-IND-13", 1.0},
	{"F-GDRE-02", LACE_OXIDE, "F-IND-13", 1.0},
	{"F-GDRE-03", LACE_OXIDE, "F-IND-12", 1.0},
	{"F-CREG-07", PRND_OXIDE, "F-CREG-10", 1.0},
	{"F-CREG-08", PRND_OXIDE, "F-CREG-10", 1.0},
	{"F-CREG-09", PRND_OXIDE, "F-CREG-10", 1.0},
	{"F-CNRE-03", PRND_OXIDE, "F-CNRE-06", 0.60},
	{"F-CNRE-03", PRND_OXIDE, "F-CNRE-07", 0.40},
	{"F-CNRE-04", PRND_OXIDE, "F-CNRE-06", 1.0},
	{"F-CNRE-05", PRND_OXIDE, "F-CNRE-07", 1.0},
	{"F-XTC-02", PRND_OXIDE, "F-XTC-03", 1.0},
	{"F-GDRE-02", PRND_OXIDE, "F-CREG-10", 1.0},
	{"F-GDRE-03", PRND_OXIDE, "F-XTC-03", 1.0},
	{"F-CREG-07", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-CREG-08", SM_OXIDE, "F-IND-11", 1.0},
	{"F-CREG-09", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-CNRE-03", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-CNRE-04", SM_OXIDE, "F-IND-11", 1.0},
	{"F-CNRE-05", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-XTC-02", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-GDRE-02", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-GDRE-03", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-CREG-07", GD_OXIDE, "F-IND-11", 1.0},
	{"F-CREG-08", GD_OXIDE, "F-IND-11", 1.0},
	{"F-CREG-09", GD_OXIDE, "F-IND-11", 1.0},
	{"F-CNRE-03", GD_OXIDE, "F-IND-11", 1.0},
	{"F-CNRE-04", GD_OXIDE, "F-IND-11", 1.0},
	{"F-CNRE-05", GD_OXIDE, "F-IND-11", 1.0},
	{"F-XTC-02", GD_OXIDE, "F-IND-11", 1.0},
	{"F-GDRE-02", GD_OXIDE, "F-IND-11", 1.0},
	{"F-GDRE-03", GD_OXIDE, "F-IND-11", 1.0},
	{"F-CREG-09", TB_OXIDE, "F-CREG-10", 0.85},
	{"F-CREG-09", TB_OXIDE, "F-IND-11", 0.15},
	{"F-XTC-02", TB_OXIDE, "F-XTC-03", 1.0},
	{"F-GDRE-02", TB_OXIDE, "F-CREG-10", 1.0},
	{"F-GDRE-03", TB_OXIDE, "F-XTC-03", 1.0},
	{"F-CREG-09", DY_OXIDE, "F-CREG-10", 0.80},
	{"F-CREG-09", DY_OXIDE, "F-IND-11", 0.20},
	{"F-XTC-02", DY_OXIDE, "F-XTC-03", 1.0},
	{"F-GDRE-02", DY_OXIDE, "F-CREG-10", 1.0},
	{"F-GDRE-03", DY_OXIDE, "F-XTC-03", 1.0},
	{"F-CREG-09", ER_OXIDE, "F-IND-11", 1.0},
	{"F-XTC-02", ER_OXIDE, "F-IND-11", 1.0},
	{"F-GDRE-02", ER_OXIDE, "F-IND-11", 1.0},
	{"F-GDRE-03", ER_OXIDE, "F-IND-11", 1.0},
	{"F-CREG-09", Y_OXIDE, "F-IND-11", 0.60},
	{"F-CREG-09", Y_OXIDE, "F-IND-12", 0.40},
	{"F-XTC-02", Y_OXIDE, "F-IND-12", 1.0},
	{"F-GDRE-02", Y_OXIDE, "F-IND-11", 1.0},
	{"F-GDRE-03", Y_OXIDE, "F-IND-12", 1.0},

	{"F-CREG-10", PRND_METAL, "F-IND-01", 0.70},
	{"F-CREG-10", PRND_METAL, "F-CNRE-08", 0.30},
	{"F-CNRE-06", PRND_METAL, "F-CNRE-08", 1.0},
	{"F-CNRE-07", PRND_METAL, "F-CNRE-08", 0.40},
	{"F-CNRE-07", PRND_METAL, "F-IND-01", 0.60},
	{"F-XTC-03", PRND_METAL, "F-IND-01", 1.0},
	{"F-CREG-10", SM_METAL, "F-IND-02", 1.0},
	{"F-CREG-10", TB_METAL, "F-CNRE-08", 0.60},
	{"F-CREG-10", TB_METAL, "F-IND-01", 0.40},
	{"F-XTC-03", TB_METAL, "F-IND-01", 1.0},
	{"F-CREG-10", DY_METAL, "F-CNRE-08", 0.55},
	{"F-CREG-10", DY_METAL, "F-IND-01", 0.39},
	{"F-CREG-10", DY_METAL, "F-IND-11", 0.06},
	{"F-XTC-03", DY_METAL, "F-IND-01", 1.0},

	{"F-CNRE-08", ALLOY_PLAIN, "F-CNRE-09", 0.30},
	{"F-CNRE-08", ALLOY_PLAIN, "F-IND-04", 0.40},
	{"F-CNRE-08", ALLOY_PLAIN, "F-IND-05", 0.30},
	{"F-CNRE-08", ALLOY_DY, "F-CNRE-09", 0.30},
	{"F-CNRE-08", ALLOY_DY, "F-IND-04", 0.40},
	{"F-CNRE-08", ALLOY_DY, "F-IND-05", 0.30},
	{"F-CNRE-08", ALLOY_TB, "F-CNRE-09", 0.50},
	{"F-CNRE-08", ALLOY_TB, "F-IND-04", 0.50},
	{"F-IND-01", ALLOY_PLAIN, "F-XTC-04", 0.30},
	{"F-IND-01", ALLOY_PLAIN, "F-IND-03", 0.45},
	{"F-IND-01", ALLOY_PLAIN, "F-IND-06", 0.25},
	{"F-IND-01", ALLOY_DY, "F-XTC-04", 0.30},
	{"F-IND-01", ALLOY_DY, "F-IND-03", 0.45},
	{"F-IND-01", ALLOY_DY, "F-IND-06", 0.25},
	{"F-IND-01", ALLOY_TB, "F-IND-03", 1.0},
	{"F-IND-02", ALLOY_SMCO, "F-IND-07", 0.60},
	{"F-IND-02", ALLOY_SMCO, "F-IND-08", 0.40},

	{"F-CNRE-09", MAGNET_PLAIN, "F-IND-15", 0.90},
	{"F-CNRE-09", MAGNET_DY, "F-IND-15", 0.88},
	{"F-CNRE-09", MAGNET_TB, "F-IND-15", 0.88},
	{"F-XTC-04", MAGNET_PLAIN, "F-IND-14", 0.90},
	{"F-XTC-04", MAGNET_DY, "F-IND-14", 0.86},
	{"F-IND-03", MAGNET_PLAIN, "F-IND-14", 0.86},
	{"F-IND-03", MAGNET_DY, "F-IND-14", 0.86},
	{"F-IND-03", MAGNET_TB, "F-IND-14", 0.83},
	{"F-IND-04", MAGNET_PLAIN, "F-IND-15", 0.88},
	{"F-IND-04", MAGNET_DY, "F-IND-14", 0.86},
	{"F-IND-04", MAGNET_TB, "F-IND-14", 0.86},
	{"F-IND-05", MAGNET_PLAIN, "F-IND-14", 0.86},
	{"F-IND-05", MAGNET_DY, "F-IND-15", 0.86},
	{"F-IND-06", MAGNET_PLAIN, "F-IND-14", 0.84},
	{"F-IND-06", MAGNET_DY, "F-IND-15", 0.88},
	{"F-IND-07", MAGNET_SMCO, "F-IND-14", 0.55},
	{"F-IND-08", MAGNET_SMCO, "F-IND-14", 0.50},

	{"F-CNRE-09", SCRAP_PLAIN, "F-IND-09", 1.0},
	{"F-CNRE-09", SCRAP_DY, "F-IND-09", 1.0},
	{"F-CNRE-09", SCRAP_TB, "F-IND-09", 1.0},
	{"F-XTC-04", SCRAP_PLAIN, "F-GDRE-04", 1.0},
	{"F-XTC-04", SCRAP_DY, "F-GDRE-04", 1.0},
	{"F-IND-03", SCRAP_PLAIN, "F-GDRE-04", 1.0},
	{"F-IND-03", SCRAP_DY, "F-GDRE-04", 1.0},
	{"F-IND-03", SCRAP_TB, "F-GDRE-04", 1.0},
	{"F-IND-04", SCRAP_PLAIN, "F-IND-09", 1.0},
	{"F-IND-04", SCRAP_DY, "F-IND-09", 1.0},
	{"F-IND-04", SCRAP_TB, "F-IND-09", 1.0},
	{"F-IND-05", SCRAP_PLAIN, "F-GDRE-04", 1.0},
	{"F-IND-05", SCRAP_DY, "F-GDRE-04", 1.0},
	{"F-IND-06", SCRAP_PLAIN, "F-IND-09", 1.0},
	{"F-IND-06", SCRAP_DY, "F-IND-09", 1.0},
	{"F-IND-07", SCRAP_SMCO, "F-IND-09", 1.0},
	{"F-IND-08", SCRAP_SMCO, "F-IND-09", 1.0},

	{"F-GDRE-04", PRND_OXIDE, "F-XTC-03", 1.0},
	{"F-GDRE-04", TB_OXIDE, "F-XTC-03", 1.0},
	{"F-GDRE-04", DY_OXIDE, "F-XTC-03", 1.0},
	{"F-IND-09", PRND_OXIDE, "F-CREG-10", 1.0},
	{"F-IND-09", SM_OXIDE, "F-CREG-10", 1.0},
	{"F-IND-09", TB_OXIDE, "F-CREG-10", 1.0},
	{"F-IND-09", DY_OXIDE, "F-CREG-10", 1.0},
};

static void
sell_by_route(Generator *g, const Route *route, int site, double available, int day)
{
	double wanted = available * route->share * random_uniform(&g->random, 0.98, 1.0);
	Holding taken = {0};

	stock_take(g, site, route->material, wanted, &taken);
	for (int i = 0; i < taken.count; i++)
		deliver(g, site, site_find(route->to), taken.portions[i], route->material, day);
	holding_free(&taken);
}

void
routes_sell(Generator *g, int site, int first_day, int last_day)
{
	deed_single_use(g, site);
	for (int material = 0; material < MATERIALS; material++)
	{
		double available = stock_mass(g, site, material) * random_uniform(&g->random, 0.93, 0.97);

		if (available <= 0)
			continue;
		exports_ship(g, site, material, available);
		for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
			if (routes[i].material == (Material) material &&
				strcmp(routes[i].from, sites[site].id) == 0)
				sell_by_route(g, &routes[i], site, available, day_in_month(g, first_day, last_day));
	}
}
