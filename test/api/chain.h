/*
 * chain.h
 *		The generator's model: facilities hold lots, processes turn lots into
 *		lots, deliveries move them. Masses here are true ones in kg; what the
 *		reports state is measured (measure.c).
 */
#ifndef API_CHAIN_H
#define API_CHAIN_H

#include <jansson.h>

#include "dataset.h"
#include "memory.h"
#include "random.h"

#define YEAR 2025
#define MONTHS 12
#define CONTROL_DAY 93 /* 4 April 2025, in days from 1 January */

typedef enum Metal
{
	LA,
	CE,
	PR,
	ND,
	SM,
	GD,
	TB,
	DY,
	ER,
	YT,
	METALS
} Metal;

typedef enum Material
{
	ROCK_CONCENTRATE,
	IONIC_CONCENTRATE,
	LACE_OXIDE,
	PRND_OXIDE,
	SM_OXIDE,
	GD_OXIDE,
	TB_OXIDE,
	DY_OXIDE,
	ER_OXIDE,
	Y_OXIDE,
	PRND_METAL,
	SM_METAL,
	TB_METAL,
	DY_METAL,
	ALLOY_PLAIN,
	ALLOY_DY,
	ALLOY_TB,
	ALLOY_SMCO,
	MAGNET_PLAIN,
	MAGNET_DY,
	MAGNET_TB,
	MAGNET_SMCO,
	MAGNET_TRACE,
	SCRAP_PLAIN,
	SCRAP_DY,
	SCRAP_TB,
	SCRAP_SMCO,
	RESIDUE,
	MATERIALS
} Material;

typedef struct MaterialInfo
{
	const char *tag; /* in identifiers */
	const char *form;
	double assay_rsd; /* relative standard deviation of an assay of it */
	double price;     /* US dollars a kg */
	const char *hs_code;
	const char *control_code; /* NULL: not controlled */
} MaterialInfo;

extern const MaterialInfo material_info[MATERIALS];
extern const char *const metal_symbol[METALS];
extern const double oxide_factor[METALS];

typedef enum Trade
{
	ROCK_MINE,
	IONIC_MINE,
	SEPARATOR,
	SMELTER,
	ALLOY_PLANT,
	MAGNET_PLANT,
	RECYCLER,
	TRADER,
	CONSUMER
} Trade;

typedef struct Party
{
	const char *id;
	const char *name;
	const char *country;
	const char *parent;
	const char *kind;
} Party;

typedef struct Site
{
	const char *id;
	const char *party;
	const char *name;
	const char *stage;
	const char *province;
	Trade trade;
	double quota_share; /* of its group's quota of mining or separation; 0: none */
	double quota_use;   /* share of it that a mine plans to use */
} Site;

extern const Party parties[];
extern const int party_count;
extern const Site sites[];
extern const int site_count;

#define MAX_SITES 64
#define MAX_PARTIES 128

typedef struct Lot
{
	char id[32];
	int site;
	Material material;
	double mass;          /* true, when made */
	double metal[METALS]; /* mass fractions, true */
	int64_t book_mg;      /* as reported when made */
	int day;              /* made on, days from 1 January */
	bool listed;          /* reported as a lot */
	double suspect;       /* share that came from a mine without quota */
} Lot;

typedef struct Edge
{
	int input;
	int output;
	double mass; /* true, of the input */
} Edge;

typedef struct Portion
{
	int lot;
	double mass;
} Portion;

typedef struct Holding
{
	Portion *portions; /* first in, first out */
	int count;
	int capacity;
} Holding;

typedef struct Instrument
{
	char id[32];
	double random_rsd;
	double systematic_rsd;
	double bias; /* drawn once: relative */
} Instrument;

typedef struct SiteState
{
	Holding stock[MATERIALS];
	double lost[METALS];    /* since the last loss report */
	Instrument scale;       /* what comes in and goes out */
	Instrument stock_scale; /* inventories */
	int lots, transfers, shipments;
	double reo;           /* mined or separated so far, in kg, as reported */
	double plan[MONTHS];  /* a mine's: REO in kg */
	double grade[METALS]; /* a mine's: composition of its concentrate */
} SiteState;

typedef struct Generator
{
	Dataset *data;
	Random random;
	int scale;
	bool normal_noise;
	SiteState state[MAX_SITES];
	Lot *lots;
	int lot_count;
	int lot_capacity;
	Edge *edges;
	int edge_count;
	int edge_capacity;
	int64_t submitted[MAX_PARTIES][MONTHS]; /* microseconds since 1970 */
	int month;                              /* 0 to 11, being simulated */
	int batch;
} Generator;

/* world.c */
extern int site_find(const char *id);
extern const Party *party_find(const char *id);
extern void world_report(Generator *g);
extern void quotas_report(Generator *g);
/* REO in kg of a group's quota of that stage and ore class ("rock", "ionic", "any"), 0 if it has none */
extern double quota_of_group(const char *group, const char *stage, const char *ore_class);

/* stock.c */
extern int lot_make(Generator *g, int site, Material material, const double metal[METALS],
					double mass, int day);
extern void stock_put(Generator *g, int site, Material material, int lot, double mass);
extern double stock_mass(const Generator *g, int site, Material material);
/* Takes up to that mass, oldest first, appending to portions; returns the mass taken. */
extern double stock_take(Generator *g, int site, Material material, double mass, Holding *taken);
/* Takes up to that mass of the largest lot only; the portion's mass is 0 if there is none. */
extern Portion stock_take_one(Generator *g, int site, Material material, double mass);
extern void edge_add(Generator *g, int input, int output, double mass);
extern void holding_free(Holding *holding);
/* Masses of the metals in the portions, added to metal. */
extern void holding_metals(const Generator *g, const Holding *holding, double metal[METALS]);
extern double reo_of(const double metal[METALS]);

/* process.c: one batch of each trade */
extern void process_mine(Generator *g, int site);
extern void process_separator(Generator *g, int site);
extern void process_smelter(Generator *g, int site);
extern void process_alloy_plant(Generator *g, int site);
extern void process_magnet_plant(Generator *g, int site);
extern void process_recycler(Generator *g, int site);
extern void process_consumer(Generator *g, int site);

/* routes.c: sells what a site makes to its customers, at home and abroad */
extern void routes_sell(Generator *g, int site, int first_day, int last_day);

/* exports.c */
typedef struct Export
{
	const char *id; /* NULL: the next of the facility */
	int site;
	Material material;
	const double *metal; /* true mass fractions */
	int64_t net_mg;
	const char *lot;
	const char *client;   /* consignee; its name is the client's unless name is set */
	const char *end_user; /* NULL: the client itself */
	const char *name;
	const char *destination; /* NULL: the client's country */
	const char *licence;
	const char *control_code;
	int day;
} Export;

extern void exports_prepare(Generator *g);
/* Exports a site's share of a material: available is what may leave this batch. */
extern void exports_ship(Generator *g, int site, Material material, double available);
/* Files the export alone: no papers. Returns its id. */
extern const char *export_report(Generator *g, const Export *export, int month);
/* Its invoice and customs declaration, as honest ones or as the deed wants them. */
extern void export_papers(Generator *g, const Export *export, const char *id);
extern void licences_report(Generator *g);
typedef struct LicenceTerms
{
	const char *number; /* with check character */
	const char *kind;
	const char *holder;
	const char *status;
	int from, to; /* days of 2025: valid is [from, to) */
	int max_uses; /* 0: any number */
	const char *client;
	const char *end_user; /* NULL: the client */
	Material material;
	const char *control_code; /* NULL: the material's */
	int64_t granted_mg;
} LicenceTerms;
extern void licence_report(Generator *g, const LicenceTerms *terms);
/* "25-AA-000001-X": the number with its check character (ISO 7064, MOD 37,36); buffer of 16. */
extern void licence_number(char *buffer, const char *office, int serial);

/* measure.c */
extern int64_t measure_mass(Generator *g, const Instrument *instrument, double kg);
extern char *measure_assay(Generator *g, Material material, const double metal[METALS]);
extern char *mass_text(int64_t mg);
extern double measure_error(Generator *g);

/* reports.c */
extern void set_text(json_t *row, const char *name, const char *value);
extern void set_owned(json_t *row, const char *name, char *value); /* frees value */
extern void set_date(json_t *row, const char *name, int day);
extern char *date_text(int day);
extern char *period_text(int month);
extern int month_of_day(int day);
extern int day_in_month(Generator *g, int first, int last);
/* Adds a row filed by the party with its reports of the month (-1: in 2024), stamped with version 1. */
extern void report(Generator *g, const char *resource, json_t *row, const char *party, int month);
/* The same with a given time. */
extern void report_at(Generator *g, const char *resource, json_t *row, const char *party, int month,
					  int64_t time);
extern int64_t time_of_day(int day, int hour);
extern void report_production(Generator *g, int site, int lot, const char *stage,
							  const char *ore_class);
extern void report_lots(Generator *g);
extern int64_t edge_book_mg(const Generator *g, const Edge *edge);
extern void report_opening(Generator *g);
extern void report_inventories(Generator *g);
extern void report_losses(Generator *g);
extern void report_submissions(Generator *g);
extern void submissions_prepare(Generator *g);
/* When a party files its reports of the month. */
extern int64_t submission_time(const Generator *g, const char *party, int month);

/* deliveries.c */
extern void deliver(Generator *g, int from, int to, Portion portion, Material material, int day);
extern void invoice_report(Generator *g, const char *seller, const char *buyer, int day,
						   const char *transfer, const char *shipment, int64_t mg, double price,
						   const char *currency);

/* deeds.c: where the honest flow is bent */
typedef enum DeedKind
{
	DEED_TRANSIT_THEFT,   /* less arrives than left */
	DEED_RECEIVER_SILENT, /* leaves, never arrives, is reported by the shipper only */
	DEED_NO_INVOICE,
	DEED_LOW_INVOICE,
	DEED_LOW_DECLARATION,
	DEED_NO_DECLARATION
} DeedKind;

typedef struct Deed
{
	const char *id; /* of the record */
	DeedKind kind;
	const char *from; /* facility */
	const char *to;   /* facility or client */
	Material material;
	int month; /* 0 to 11 */
} Deed;

/* The planted case that this delivery or export is to be, or NULL; each is given out once. */
extern const Deed *deed_take(Generator *g, const char *from, const char *to, Material material);
extern const Deed *deed_find(const char *id);
extern const Deed *deed_first(void);
extern const Deed *deed_next(const Deed *deed); /* NULL after the last */
/* Share of a batch's true output that unreported feed adds at this site now. */
extern double deed_feed(const Generator *g, int site);
/* Share of a batch's output that vanishes at this site now. */
extern double deed_diversion(const Generator *g, int site);
/* Mines without quota: makes a lot and brings it to a separation plant. */
extern void deed_illegal_mine(Generator *g);
/* Magnets blended to stay just below the threshold, exported in parts. */
extern void deed_trace_magnets(Generator *g, int site);
/* The one honest use of a licence that is then used once more. */
extern void deed_single_use(Generator *g, int site);

/* cheats.c: rows that are refused, and the list of everything planted */
extern void cheats_report(Generator *g);
/* malformed.c: rows that do not fit their types */
extern void malformed_report(Generator *g);
extern void cheat_note(const char *kind, const char *resource, const char *id, const char *party,
					   const char *expected, const char *also, int month, const char *note);
/* When a producer files its month: an honest time changed if late; false if it never does. */
extern bool cheat_submission(const char *party, int month, const char **id, int *day);
#define SINGLE_USE_LICENCE 8
extern void cheat_licence(char *buffer, int serial);

#endif /* API_CHAIN_H */
