/*
 * world.c
 *		Who there is and where: parties, facilities, instruments, quotas.
 *
 * The four groups and their quotas are those of the first batch of 2023
 * (mining of rock-type and of ionic ore, separation; tonnes of rare earth
 * oxide). Members, other producers and clients are invented.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

const char *const metal_symbol[METALS] = {"La", "Ce", "Pr", "Nd", "Sm",
										  "Gd", "Tb", "Dy", "Er", "Y"};

/* mass of the oxide of trade that holds one unit of the element */
const double oxide_factor[METALS] = {1.17277, 1.22838, 1.20817, 1.16638, 1.15961,
									 1.15262, 1.17617, 1.14769, 1.14348, 1.26993};

const MaterialInfo material_info[MATERIALS] = {
	[ROCK_CONCENTRATE] = {"RC", "concentrate", 0.004, 2, NULL, NULL},
	[IONIC_CONCENTRATE] = {"IC", "concentrate", 0.004, 12, NULL, NULL},
	[LACE_OXIDE] = {"LC", "oxide", 0.002, 1, "2846901200", NULL},
	[PRND_OXIDE] = {"PN", "oxide", 0.002, 58, "2846901300", NULL},
	[SM_OXIDE] = {"SM", "oxide", 0.002, 3, "2846901940", "1C902.b"},
	[GD_OXIDE] = {"GD", "oxide", 0.002, 25, "2846901930", "1C903.b"},
	[TB_OXIDE] = {"TB", "oxide", 0.002, 900, "2846901500", "1C904.b"},
	[DY_OXIDE] = {"DY", "oxide", 0.002, 240, "2846901600", "1C905.b"},
	[ER_OXIDE] = {"ER", "oxide", 0.002, 42, "2846901990", NULL},
	[Y_OXIDE] = {"YT", "oxide", 0.002, 7, "2846901100", "1C908.b"},
	[PRND_METAL] = {"PNM", "metal", 0.0005, 72, "2805301100", NULL},
	[SM_METAL] = {"SMM", "metal", 0.0005, 12, "2805301910", "1C902.a"},
	[TB_METAL] = {"TBM", "metal", 0.0005, 1150, "2805301300", "1C904.a"},
	[DY_METAL] = {"DYM", "metal", 0.0005, 300, "2805301200", "1C905.a"},
	[ALLOY_PLAIN] = {"AN", "alloy", 0.002, 32, NULL, NULL},
	[ALLOY_DY] = {"AH", "alloy", 0.002, 40, NULL, NULL},
	[ALLOY_TB] = {"AT", "alloy", 0.002, 48, NULL, NULL},
	[ALLOY_SMCO] = {"AS", "alloy", 0.002, 35, NULL, NULL},
	[MAGNET_PLAIN] = {"MN", "magnet", 0.002, 48, "8505111000", NULL},
	[MAGNET_DY] = {"MH", "magnet", 0.002, 68, "8505111000", "1C905.a"},
	[MAGNET_TB] = {"MT", "magnet", 0.002, 85, "8505111000", "1C904.a.4"},
	[MAGNET_SMCO] = {"MS", "magnet", 0.002, 95, "8505111000", "1C902.a.4"},
	[MAGNET_TRACE] = {"ML", "magnet", 0.002, 50, "8505111000", NULL},
	[SCRAP_PLAIN] = {"SN", "scrap", 0.004, 9, NULL, NULL},
	[SCRAP_DY] = {"SH", "scrap", 0.004, 11, NULL, NULL},
	[SCRAP_TB] = {"ST", "scrap", 0.004, 14, NULL, NULL},
	[SCRAP_SMCO] = {"SS", "scrap", 0.004, 10, NULL, NULL},
	[RESIDUE] = {"R", "compound", 0.01, 0, NULL, NULL},
};

const Party parties[] = {
	{"G-CREG", "China Rare Earth Group", "CN", NULL, "group"},
	{"G-CNRE", "China Northern Rare Earth", "CN", NULL, "group"},
	{"G-XTC", "Xiamen Tungsten", "CN", NULL, "group"},
	{"G-GDRE", "Guangdong Rare Earth", "CN", NULL, "group"},
	{"P-CREG-01", "Mianshan Rare Earth Mining", "CN", "G-CREG", "producer"},
	{"P-CREG-02", "Dechuan Rare Earth Mining", "CN", "G-CREG", "producer"},
	{"P-CREG-03", "Weihu Rare Earth Mining", "CN", "G-CREG", "producer"},
	{"P-CREG-04", "Gannan Ionic Mining", "CN", "G-CREG", "producer"},
	{"P-CREG-05", "Zuojiang Ionic Mining", "CN", "G-CREG", "producer"},
	{"P-CREG-06", "Yaohua Ionic Mining", "CN", "G-CREG", "producer"},
	{"P-CREG-07", "Leyang Separation", "CN", "G-CREG", "producer"},
	{"P-CREG-08", "Jidong Separation", "CN", "G-CREG", "producer"},
	{"P-CREG-09", "Gannan Hongyi Separation", "CN", "G-CREG", "producer"},
	{"P-CREG-10", "Gannan Chenxi Metals", "CN", "G-CREG", "producer"},
	{"P-CNRE-01", "Baiyun Main Pit", "CN", "G-CNRE", "producer"},
	{"P-CNRE-02", "Baiyun East Pit", "CN", "G-CNRE", "producer"},
	{"P-CNRE-03", "Huamao Separation", "CN", "G-CNRE", "producer"},
	{"P-CNRE-04", "Hefeng Separation", "CN", "G-CNRE", "producer"},
	{"P-CNRE-05", "Qingshan Fifth Separation", "CN", "G-CNRE", "producer"},
	{"P-CNRE-06", "Ruihe Metals", "CN", "G-CNRE", "producer"},
	{"P-CNRE-07", "Feiyang Metals", "CN", "G-CNRE", "producer"},
	{"P-CNRE-08", "Beihe Alloys", "CN", "G-CNRE", "producer"},
	{"P-CNRE-09", "Beihe Magnetic Materials", "CN", "G-CNRE", "producer"},
	{"P-XTC-01", "Tingjiang Ionic Mining", "CN", "G-XTC", "producer"},
	{"P-XTC-02", "Tingjiang Separation", "CN", "G-XTC", "producer"},
	{"P-XTC-03", "Longshan Metals", "CN", "G-XTC", "producer"},
	{"P-XTC-04", "Longshan Magnets", "CN", "G-XTC", "producer"},
	{"P-GDRE-01", "Pingxi Ionic Mining", "CN", "G-GDRE", "producer"},
	{"P-GDRE-02", "Fuxi Separation", "CN", "G-GDRE", "producer"},
	{"P-GDRE-03", "Xingde Separation", "CN", "G-GDRE", "producer"},
	{"P-GDRE-04", "Qingjiang Recycling", "CN", "G-GDRE", "producer"},
	{"P-IND-01", "Yongjiang Alloys", "CN", NULL, "producer"},
	{"P-IND-02", "Gannan Samarium Alloys", "CN", NULL, "producer"},
	{"P-IND-03", "Yongjiang Magnets", "CN", NULL, "producer"},
	{"P-IND-04", "Changping Magnetic Technology", "CN", NULL, "producer"},
	{"P-IND-05", "Xihu Magnetics", "CN", NULL, "producer"},
	{"P-IND-06", "Zhangshui Magnets", "CN", NULL, "producer"},
	{"P-IND-07", "Jinjiang Samarium Cobalt", "CN", NULL, "producer"},
	{"P-IND-08", "Qianjiang Samarium Cobalt", "CN", NULL, "producer"},
	{"P-IND-09", "Gannan Resource Recycling", "CN", NULL, "producer"},
	{"P-IND-10", "Pudong Rare Earth Trading", "CN", NULL, "trader"},
	{"P-IND-11", "Binhai Minor Metals", "CN", NULL, "trader"},
	{"P-IND-12", "Zichuan Catalysts", "CN", NULL, "consumer"},
	{"P-IND-13", "Feishui Polishing Powders", "CN", NULL, "consumer"},
	{"P-IND-14", "Pengcheng Motors", "CN", NULL, "consumer"},
	{"P-IND-15", "Taihu Wind Drives", "CN", NULL, "consumer"},
	{"P-ILL-01", "Longnan Heshun Trading", "CN", NULL, "trader"},
	{"C-DE-01", "Bavaria Motion GmbH", "DE", NULL, "client"},
	{"C-DE-02", "Rheintal Antriebe AG", "DE", NULL, "client"},
	{"C-DE-03", "Nordlicht Windkraft GmbH", "DE", NULL, "client"},
	{"C-DE-04", "Elbe Medizintechnik GmbH", "DE", NULL, "client"},
	{"C-FR-01", "Moteurs de la Loire SA", "FR", NULL, "client"},
	{"C-FR-02", "Garonne Capteurs SAS", "FR", NULL, "client"},
	{"C-IN-01", "Deccan Electric Vehicles Ltd", "IN", NULL, "client"},
	{"C-IT-01", "Brenta Motori SpA", "IT", NULL, "client"},
	{"C-JP-01", "Setouchi Magnetics KK", "JP", NULL, "client"},
	{"C-JP-02", "Tokai Drive Systems KK", "JP", NULL, "client"},
	{"C-JP-03", "Kitakami Sensors KK", "JP", NULL, "client"},
	{"C-JP-04", "Echigo Ceramics KK", "JP", NULL, "client"},
	{"C-KR-01", "Hangang Motors Co", "KR", NULL, "client"},
	{"C-KR-02", "Nakdong Appliances Co", "KR", NULL, "client"},
	{"C-KR-03", "Seorak Materials Co", "KR", NULL, "client"},
	{"C-MX-01", "Motores del Norte SA de CV", "MX", NULL, "client"},
	{"C-NL-01", "Waal Refining BV", "NL", NULL, "client"},
	{"C-TH-01", "Chao Phraya Compressors Co", "TH", NULL, "client"},
	{"C-US-01", "Great Lakes Actuators Inc", "US", NULL, "client"},
	{"C-US-02", "Piedmont Audio LLC", "US", NULL, "client"},
	{"C-US-03", "Mojave Instruments Inc", "US", NULL, "client"},
	{"C-US-04", "Gulf Catalyst Corp", "US", NULL, "client"},
	{"C-VN-01", "Song Hong Electronics JSC", "VN", NULL, "client"},
};
const int party_count = sizeof(parties) / sizeof(parties[0]);

const Site sites[] = {
	{"F-CREG-01", "P-CREG-01", "Mianshan pit", "mining", "Sichuan", ROCK_MINE, 0.50, 0.88},
	{"F-CREG-02", "P-CREG-02", "Dechuan pit", "mining", "Sichuan", ROCK_MINE, 0.28, 0.88},
	{"F-CREG-03", "P-CREG-03", "Weihu shaft", "mining", "Shandong", ROCK_MINE, 0.19, 0.88},
	{"F-CREG-04", "P-CREG-04", "Gannan leach fields", "mining", "Jiangxi", IONIC_MINE, 0.48, 0.88},
	{"F-CREG-05", "P-CREG-05", "Zuojiang leach fields", "mining", "Guangxi", IONIC_MINE, 0.29,
	 0.88},
	{"F-CREG-06", "P-CREG-06", "Yaohua leach fields", "mining", "Hunan", IONIC_MINE, 0.20, 0.88},
	{"F-CNRE-01", "P-CNRE-01", "Baiyun main pit", "mining", "Inner Mongolia", ROCK_MINE, 0.63,
	 0.84},
	{"F-CNRE-02", "P-CNRE-02", "Baiyun east pit", "mining", "Inner Mongolia", ROCK_MINE, 0.34,
	 0.84},
	{"F-XTC-00", "G-XTC", "Tingjiang pilot field", "mining", "Fujian", IONIC_MINE, 0, 0.585},
	{"F-XTC-01", "P-XTC-01", "Tingjiang leach fields", "mining", "Fujian", IONIC_MINE, 0.46, 0.70},
	{"F-GDRE-01", "P-GDRE-01", "Pingxi leach fields", "mining", "Guangdong", IONIC_MINE, 0.97,
	 0.88},
	{"F-CREG-07", "P-CREG-07", "Leyang plant", "separation", "Sichuan", SEPARATOR, 0.50, 0},
	{"F-CREG-08", "P-CREG-08", "Jidong plant", "separation", "Shandong", SEPARATOR, 0.28, 0},
	{"F-CREG-09", "P-CREG-09", "Hongyi plant", "separation", "Jiangxi", SEPARATOR, 0.19, 0},
	{"F-CNRE-03", "P-CNRE-03", "Huamao plant", "separation", "Inner Mongolia", SEPARATOR, 0.44, 0},
	{"F-CNRE-04", "P-CNRE-04", "Hefeng plant", "separation", "Inner Mongolia", SEPARATOR, 0.29, 0},
	{"F-CNRE-05", "P-CNRE-05", "Fifth plant", "separation", "Inner Mongolia", SEPARATOR, 0.24, 0},
	{"F-XTC-02", "P-XTC-02", "Tingjiang plant", "separation", "Fujian", SEPARATOR, 0.97, 0},
	{"F-GDRE-02", "P-GDRE-02", "Fuxi plant", "separation", "Guangdong", SEPARATOR, 0.58, 0},
	{"F-GDRE-03", "P-GDRE-03", "Xingde plant", "separation", "Guangdong", SEPARATOR, 0.39, 0},
	{"F-CREG-10", "P-CREG-10", "Chenxi electrolysis", "smelting", "Jiangxi", SMELTER, 0, 0},
	{"F-CNRE-06", "P-CNRE-06", "Ruihe electrolysis", "smelting", "Inner Mongolia", SMELTER, 0, 0},
	{"F-CNRE-07", "P-CNRE-07", "Feiyang electrolysis", "smelting", "Inner Mongolia", SMELTER, 0, 0},
	{"F-XTC-03", "P-XTC-03", "Longshan electrolysis", "smelting", "Fujian", SMELTER, 0, 0},
	{"F-CNRE-08", "P-CNRE-08", "Beihe strip casting", "alloying", "Inner Mongolia", ALLOY_PLANT, 0,
	 0},
	{"F-IND-01", "P-IND-01", "Yongjiang strip casting", "alloying", "Zhejiang", ALLOY_PLANT, 0, 0},
	{"F-IND-02", "P-IND-02", "Samarium foundry", "alloying", "Jiangxi", ALLOY_PLANT, 0, 0},
	{"F-CNRE-09", "P-CNRE-09", "Beihe magnet works", "magnet_making", "Inner Mongolia",
	 MAGNET_PLANT, 0, 0},
	{"F-XTC-04", "P-XTC-04", "Longshan magnet works", "magnet_making", "Fujian", MAGNET_PLANT, 0,
	 0},
	{"F-IND-03", "P-IND-03", "Yongjiang magnet works", "magnet_making", "Zhejiang", MAGNET_PLANT, 0,
	 0},
	{"F-IND-04", "P-IND-04", "Changping magnet works", "magnet_making", "Beijing", MAGNET_PLANT, 0,
	 0},
	{"F-IND-05", "P-IND-05", "Xihu magnet works", "magnet_making", "Zhejiang", MAGNET_PLANT, 0, 0},
	{"F-IND-06", "P-IND-06", "Zhangshui magnet works", "magnet_making", "Jiangxi", MAGNET_PLANT, 0,
	 0},
	{"F-IND-07", "P-IND-07", "Jinjiang sinter works", "magnet_making", "Sichuan", MAGNET_PLANT, 0,
	 0},
	{"F-IND-08", "P-IND-08", "Qianjiang sinter works", "magnet_making", "Zhejiang", MAGNET_PLANT, 0,
	 0},
	{"F-GDRE-04", "P-GDRE-04", "Qingjiang recycling plant", "recycling", "Guangdong", RECYCLER, 0,
	 0},
	{"F-IND-09", "P-IND-09", "Gannan recycling plant", "recycling", "Jiangxi", RECYCLER, 0, 0},
	{"F-IND-10", "P-IND-10", "Waigaoqiao warehouse", "trading", "Shanghai", TRADER, 0, 0},
	{"F-IND-11", "P-IND-11", "Binhai warehouse", "trading", "Tianjin", TRADER, 0, 0},
	{"F-IND-12", "P-IND-12", "Zichuan catalyst works", "trading", "Shandong", CONSUMER, 0, 0},
	{"F-IND-13", "P-IND-13", "Feishui powder works", "trading", "Anhui", CONSUMER, 0, 0},
	{"F-IND-14", "P-IND-14", "Pengcheng motor works", "trading", "Guangdong", CONSUMER, 0, 0},
	{"F-IND-15", "P-IND-15", "Taihu assembly halls", "trading", "Jiangsu", CONSUMER, 0, 0},
	{"F-ILL-01", "P-ILL-01", "Heshun depot", "trading", "Jiangxi", TRADER, 0, 0},
};
const int site_count = sizeof(sites) / sizeof(sites[0]);

typedef struct GroupQuota
{
	const char *group;
	const char *stage;
	const char *ore_class;
	double tonnes;
} GroupQuota;

static const GroupQuota group_quotas[] = {
	{"G-CREG", "mining", "rock", 28114},    {"G-CREG", "mining", "ionic", 7434},
	{"G-CREG", "separation", "any", 33304}, {"G-CNRE", "mining", "rock", 80943},
	{"G-CNRE", "separation", "any", 73403}, {"G-XTC", "mining", "ionic", 1966},
	{"G-XTC", "separation", "any", 2256},   {"G-GDRE", "mining", "ionic", 1543},
	{"G-GDRE", "separation", "any", 6037},
};

int
site_find(const char *id)
{
	for (int i = 0; i < site_count; i++)
		if (strcmp(sites[i].id, id) == 0)
			return i;
	return -1;
}

const Party *
party_find(const char *id)
{
	for (int i = 0; i < party_count; i++)
		if (strcmp(parties[i].id, id) == 0)
			return &parties[i];
	return NULL;
}

double
quota_of_group(const char *group, const char *stage, const char *ore_class)
{
	for (size_t i = 0; i < sizeof(group_quotas) / sizeof(group_quotas[0]); i++)
		if (strcmp(group_quotas[i].group, group) == 0 &&
			strcmp(group_quotas[i].stage, stage) == 0 &&
			strcmp(group_quotas[i].ore_class, ore_class) == 0)
			return group_quotas[i].tonnes * 1000;
	return 0;
}

static void
report_instrument(Generator *g, const Site *site, Instrument *instrument, const char *kind)
{
	json_t *row = json_object();

	instrument->random_rsd = random_integer(&g->random, 8, 15) * 1e-4;
	instrument->systematic_rsd = random_integer(&g->random, 5, 8) * 1e-4;
	instrument->bias = instrument->systematic_rsd * measure_error(g);
	set_text(row, "instrument", instrument->id);
	set_text(row, "facility_id", site->id);
	set_text(row, "kind", kind);
	json_object_set_new(row, "random_rsd", json_real(instrument->random_rsd));
	json_object_set_new(row, "systematic_rsd", json_real(instrument->systematic_rsd));
	set_text(row, "valid", "[2024-01-01,2027-01-01)");
	report(g, "instruments", row, site->party, -1);
}

void
world_report(Generator *g)
{
	for (int i = 0; i < party_count; i++)
	{
		const Party *party = &parties[i];
		bool reports = strcmp(party->kind, "producer") == 0;
		json_t *row = json_object();

		set_text(row, "party_id", party->id);
		set_text(row, "name", party->name);
		set_text(row, "country", party->country);
		set_text(row, "parent", party->parent);
		set_text(row, "kind", party->kind);
		set_text(row, "reporting", reports ? "[2025-01-01,2026-01-01)" : NULL);
		report(g, "parties", row, party->id, -1);
	}
	for (int i = 0; i < site_count; i++)
	{
		const Site *site = &sites[i];
		SiteState *state = &g->state[i];
		json_t *row = json_object();

		set_text(row, "facility_id", site->id);
		set_text(row, "party_id", site->party);
		set_text(row, "name", site->name);
		set_text(row, "stage", site->stage);
		set_text(row, "province", site->province);
		report(g, "facilities", row, site->party, -1);
		snprintf(state->scale.id, sizeof(state->scale.id), "I-%s-W", site->id + 2);
		snprintf(state->stock_scale.id, sizeof(state->stock_scale.id), "I-%s-S", site->id + 2);
		report_instrument(g, site, &state->scale, "weighbridge");
		report_instrument(g, site, &state->stock_scale, "stock scale");
	}
}

static void
report_quota(Generator *g, const char *id, const char *holder, const char *stage,
			 const char *ore_class, double kg)
{
	json_t *row = json_object();

	set_text(row, "quota_id", id);
	set_text(row, "holder", holder);
	set_text(row, "stage", stage);
	set_text(row, "ore_class", ore_class);
	set_text(row, "period", "[2025-01-01,2026-01-01)");
	set_owned(row, "granted", mass_text((int64_t) (kg * 1e6 + 0.5)));
	report(g, "quotas", row, holder, -1);
}

void
quotas_report(Generator *g)
{
	for (size_t i = 0; i < sizeof(group_quotas) / sizeof(group_quotas[0]); i++)
	{
		const GroupQuota *quota = &group_quotas[i];
		char *id =
			memory_print("Q-2025-%s-%s", quota->group + 2,
						 strcmp(quota->ore_class, "any") == 0 ? "separation" : quota->ore_class);

		report_quota(g, id, quota->group, quota->stage, quota->ore_class, quota->tonnes * 1000);
		free(id);
	}
	for (int i = 0; i < site_count; i++)
	{
		const Site *site = &sites[i];
		const char *ore = site->trade == ROCK_MINE    ? "rock"
						  : site->trade == IONIC_MINE ? "ionic"
													  : "any";
		char *id;

		if (site->quota_share == 0)
			continue;
		id = memory_print("Q-2025-%s", site->party + 2);
		/* whole tonnes, as allotments are given */
		report_quota(
			g, id, site->party, site->stage, ore,
			(double) (long) (quota_of_group(party_find(site->party)->parent, site->stage, ore) *
							 site->quota_share / 1000) *
				1000);
		free(id);
	}
}
