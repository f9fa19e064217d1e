/*
 * cheats.c
 *		Rows that a rule refuses, and the list of everything planted.
 *
 * What a rule refuses stays where it is: goods of a refused export are held
 * back and counted in the exporter's closing inventory, material of a refused
 * production report lies under seal and is in no inventory. So no balance is
 * off because of a refused row, but the illegal mine's own, which ships what
 * its refused reports would have explained.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "generator.h"

typedef struct Note
{
	char *kind, *resource, *id, *party, *expected, *also, *period, *note;
} Note;

static Note *notes;
static int note_count;

void
cheat_note(const char *kind, const char *resource, const char *id, const char *party,
		   const char *expected, const char *also, int month, const char *note)
{
	notes = memory_resize(notes, sizeof(Note) * (size_t) (note_count + 1));
	notes[note_count++] =
		(Note){memory_text(kind),
			   memory_text(resource),
			   memory_text(id),
			   memory_text(party),
			   memory_text(expected),
			   memory_text(also),
			   month < 0 ? memory_text("-") : memory_print("%d-%02d", YEAR, month + 1),
			   memory_text(note)};
}

void
generator_list_cheats(FILE *file)
{
	fputs("kind\tresource\tid\tparty\texpected\talso\tperiod\tnote\n", file);
	for (int i = 0; i < note_count; i++)
		fprintf(file, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", notes[i].kind, notes[i].resource,
				notes[i].id, notes[i].party, notes[i].expected, notes[i].also, notes[i].period,
				notes[i].note);
}

void
cheat_licence(char *buffer, int serial)
{
	licence_number(buffer, "ZZ", serial);
}

bool
cheat_submission(const char *party, int month, const char **id, int *day)
{
	if (month == 3 && strcmp(party, "P-IND-05") == 0)
	{
		*id = "CHEAT-LATE-1";
		*day = 133; /* 14 May */
	}
	else if (month == 9 && strcmp(party, "P-CREG-10") == 0)
	{
		*id = "CHEAT-LATE-2";
		*day = 313; /* 10 November: a day too late */
	}
	else
		return month != 6 || strcmp(party, "P-IND-06") != 0;
	return true;
}

/* An export of F-IND-04 to C-US-01 under a licence of its own, but for what is given. */
typedef struct RefusedExport
{
	const char *id;
	const char *expected;
	const char *note;
	int serial;        /* of the licence, 0: none stated */
	int from, to;      /* days it is in force, 0: May to next April */
	double granted_kg; /* 0: the licence does not exist */
	double kg;
	const char *holder;        /* NULL: the exporter */
	const char *status;        /* NULL: issued */
	const char *consignee;     /* NULL: as licensed */
	const char *end_user;      /* NULL: as licensed */
	const char *destination;   /* NULL: as licensed */
	const char *licensed_code; /* NULL: of the goods */
	bool undeclared;           /* states no control code either */
	bool terbium;              /* terbium magnets instead of dysprosium ones */
	int max_uses;
} RefusedExport;

static const RefusedExport refused[] = {
	{.id = "CHEAT-EXPIRED-1",
	 .expected = "RTL03",
	 .note = "licence ran out on 31 July",
	 .serial = 1,
	 .from = 120,
	 .to = 212,
	 .granted_kg = 2000,
	 .kg = 400,
	 .max_uses = 12},
	{.id = "CHEAT-OVERDRAWN-1",
	 .expected = "RTL09",
	 .note = "800 kg on a licence of 500 kg, tolerance 5 %",
	 .serial = 2,
	 .granted_kg = 500,
	 .kg = 800,
	 .max_uses = 12},
	{.id = "CHEAT-UNLICENSED-1",
	 .expected = "RTL11",
	 .note = "dysprosium magnets, code stated, no licence",
	 .kg = 350},
	{.id = "CHEAT-UNLICENSED-2",
	 .expected = "RTL11",
	 .note = "terbium magnets, neither code nor licence stated",
	 .kg = 150,
	 .undeclared = true,
	 .terbium = true},
	{.id = "CHEAT-HOLDER-1",
	 .expected = "RTL04",
	 .note = "another producer's licence",
	 .serial = 3,
	 .granted_kg = 2000,
	 .kg = 300,
	 .holder = "P-IND-05",
	 .max_uses = 12},
	{.id = "CHEAT-DESTINATION-1",
	 .expected = "RTL06",
	 .note = "licensed for US, sent to VN",
	 .serial = 4,
	 .granted_kg = 2000,
	 .kg = 300,
	 .destination = "VN",
	 .max_uses = 12},
	{.id = "CHEAT-CONSIGNEE-1",
	 .expected = "RTL07",
	 .note = "consignee not named in the licence",
	 .serial = 5,
	 .granted_kg = 2000,
	 .kg = 300,
	 .consignee = "C-US-02",
	 .end_user = "C-US-01",
	 .max_uses = 12},
	{.id = "CHEAT-ENDUSER-1",
	 .expected = "RTL08",
	 .note = "end user not named in the licence",
	 .serial = 6,
	 .granted_kg = 2000,
	 .kg = 300,
	 .end_user = "C-US-02",
	 .max_uses = 12},
	{.id = "CHEAT-ITEM-1",
	 .expected = "RTL05",
	 .note = "licence covers terbium magnets only",
	 .serial = 7,
	 .granted_kg = 2000,
	 .kg = 300,
	 .licensed_code = "1C904.a.4",
	 .max_uses = 12},
	{.id = "CHEAT-USES-1",
	 .expected = "RTL10",
	 .note = "second use of a licence for one batch",
	 .serial = SINGLE_USE_LICENCE,
	 .granted_kg = 5000,
	 .kg = 300,
	 .max_uses = 1},
	{.id = "CHEAT-SUSPENDED-1",
	 .expected = "RTL02",
	 .note = "licence suspended",
	 .serial = 9,
	 .granted_kg = 2000,
	 .kg = 300,
	 .status = "suspended",
	 .max_uses = 12},
	{.id = "CHEAT-UNKNOWN-1",
	 .expected = "RTL01",
	 .note = "no such licence",
	 .serial = 999999,
	 .kg = 300},
};

static void
report_refused_export(Generator *g, const RefusedExport *cheat)
{
	static const double dysprosium[METALS] = {[PR] = 0.06, [ND] = 0.235, [DY] = 0.012};
	static const double terbium[METALS] = {[PR] = 0.06, [ND] = 0.235, [TB] = 0.006};
	Material material = cheat->terbium ? MAGNET_TB : MAGNET_DY;
	int site = site_find("F-IND-04");
	int day = 250 + random_integer(&g->random, 0, 10); /* September */
	char licence[20];
	Export export = {.id = cheat->id,
					 .site = site,
					 .material = material,
					 .metal = cheat->terbium ? terbium : dysprosium,
					 .net_mg = measure_mass(g, &g->state[site].scale, cheat->kg),
					 .client = cheat->consignee ? cheat->consignee : "C-US-01",
					 .end_user = cheat->end_user,
					 .destination = cheat->destination,
					 .licence = cheat->serial ? licence : NULL,
					 .control_code =
						 cheat->undeclared ? NULL : material_info[material].control_code,
					 .day = day};

	cheat_licence(licence, cheat->serial);
	if (cheat->granted_kg > 0)
	{
		LicenceTerms terms = {.number = licence,
							  .kind = "individual",
							  .holder = cheat->holder ? cheat->holder : sites[site].party,
							  .status = cheat->status ? cheat->status : "issued",
							  .from = cheat->from ? cheat->from : 120,
							  .to = cheat->to ? cheat->to : 485,
							  .max_uses = cheat->max_uses,
							  .client = "C-US-01",
							  .material = material,
							  .control_code = cheat->licensed_code,
							  .granted_mg = (int64_t) (cheat->granted_kg * 1e6)};

		licence_report(g, &terms);
	}
	export_report(g, &export, month_of_day(day));
	/* what a licence does not cover shows in the view as well; mass and uses are the ledger's */
	cheat_note("export_rule", "shipments", cheat->id, sites[site].party, cheat->expected,
			   strcmp(cheat->expected, "RTL09") == 0 || strcmp(cheat->expected, "RTL10") == 0
				   ? "-"
				   : "unlicensed_export",
			   month_of_day(day), cheat->note);
}

/* REO that holders have left: of the site's own quota, and of its group's. */
static void
quota_left(const Generator *g, int site, const char *ore, double *own, double *group)
{
	const char *parent = party_find(sites[site].party)->parent;
	double granted = quota_of_group(parent, sites[site].stage, ore);

	*own = granted * sites[site].quota_share - g->state[site].reo;
	*group = granted;
	for (int i = 0; i < site_count; i++)
	{
		const char *holder = sites[i].party;
		const char *above = party_find(holder)->parent;

		if (sites[i].trade == sites[site].trade &&
			(strcmp(holder, parent) == 0 || (above && strcmp(above, parent) == 0)))
			*group -= g->state[i].reo;
	}
}

/* A report in late December whose REO is half-way between what the two have left. */
static void
report_overrun(Generator *g, const char *id, const char *facility, const char *ore,
			   Material material, const double metal[METALS], const char *expected,
			   const char *note)
{
	int site = site_find(facility);
	const char *party = sites[site].party;
	json_t *row = json_object();
	double own, group;

	quota_left(g, site, ore, &own, &group);
	set_text(row, "production_id", id);
	set_text(row, "facility_id", facility);
	set_date(row, "produced_on", 362);
	set_text(row, "stage", sites[site].stage);
	set_text(row, "ore_class", strcmp(ore, "any") == 0 ? NULL : ore);
	set_text(row, "form", material_info[material].form);
	set_owned(row, "assay", measure_assay(g, material, metal));
	set_owned(row, "mass", mass_text((int64_t) ((own + group) / 2 / reo_of(metal) * 1e6)));
	set_text(row, "lot_id", NULL);
	set_text(row, "instrument", g->state[site].scale.id);
	/* filed after everything else of the year: whatever came before has its room */
	report_at(g, "production", row, party, 11, time_of_day(374, 12));
	cheat_note("quota_rule", "production", id, party, expected, "-", 11, note);
}

static void
report_overruns(Generator *g)
{
	static const double ionic[METALS] = {
		[LA] = 0.16, [PR] = 0.04, [ND] = 0.16, [GD] = 0.05, [DY] = 0.04, [YT] = 0.23};
	static const double light[METALS] = {[LA] = 0.30, [CE] = 0.50};

	report_overrun(g, "CHEAT-QUOTA-MEMBER-1", "F-CREG-05", "ionic", IONIC_CONCENTRATE, ionic,
				   "RTQ02", "mined beyond its own allotment, within the group's quota");
	report_overrun(g, "CHEAT-QUOTA-MEMBER-2", "F-XTC-02", "any", LACE_OXIDE, light, "RTQ02",
				   "separated beyond its own allotment, within the group's quota");
	report_overrun(g, "CHEAT-QUOTA-GROUP-1", "F-XTC-01", "ionic", IONIC_CONCENTRATE, ionic, "RTQ03",
				   "within its own allotment, beyond the group's quota");
}

/* Customs saw an export that nobody reported. */
static void
report_undeclared_export(Generator *g)
{
	json_t *row = json_object();

	set_text(row, "declaration_id", "CHEAT-CUSTOMS-3");
	set_text(row, "shipment_id", NULL);
	set_text(row, "declarant", "P-ILL-01");
	set_date(row, "declared_on", 200);
	set_text(row, "hs_code", "2846901600");
	set_text(row, "destination", "VN");
	set_text(row, "net_mass", "420 kg");
	json_object_set_new(row, "value", json_real(99000));
	set_text(row, "currency", "USD");
	report(g, "customs-declarations", row, "P-ILL-01", month_of_day(200));
}

/* Shares of the illegal mine's material by mass, from input lots to output lots. */
static void
note_suspect_lots(Generator *g)
{
	double *fed = memory_zero(sizeof(double) * (size_t) g->lot_count);

	for (int i = 0; i < g->edge_count; i++)
		fed[g->edges[i].output] += (double) edge_book_mg(g, &g->edges[i]);
	/* an output's edges were added after every edge of its inputs */
	for (int i = 0; i < g->edge_count; i++)
		g->lots[g->edges[i].output].suspect += (double) edge_book_mg(g, &g->edges[i]) /
											   fed[g->edges[i].output] *
											   g->lots[g->edges[i].input].suspect;
	for (int i = 0; i < g->lot_count; i++)
	{
		const Lot *lot = &g->lots[i];
		char *note = memory_print("share %.9f", lot->suspect);

		if (lot->suspect > 0)
			cheat_note("suspect_lot", "lots", lot->id, sites[lot->site].party, "suspect_origin",
					   "-", month_of_day(lot->day), note);
		free(note);
	}
	free(fed);
}

static void
note_deeds(Generator *g)
{
	static const char *const views[] = {[DEED_TRANSIT_THEFT] = "transfer_difference",
										[DEED_RECEIVER_SILENT] = "transfer_difference",
										[DEED_NO_INVOICE] = "vat_gap",
										[DEED_LOW_INVOICE] = "vat_gap",
										[DEED_LOW_DECLARATION] = "customs_gap",
										[DEED_NO_DECLARATION] = "customs_gap"};
	static const char *const meanings[] = {[DEED_TRANSIT_THEFT] = "7 % less arrived than was sent",
										   [DEED_RECEIVER_SILENT] =
											   "sent, never reported as received",
										   [DEED_NO_INVOICE] = "no invoice",
										   [DEED_LOW_INVOICE] = "invoice for 70 % of the mass",
										   [DEED_LOW_DECLARATION] = "85 % of the mass declared",
										   [DEED_NO_DECLARATION] = "not declared"};

	(void) g;
	for (const Deed *deed = deed_first(); deed; deed = deed_next(deed))
		cheat_note(views[deed->kind], deed->to[0] == 'C' ? "shipments" : "transfers", deed->id,
				   sites[site_find(deed->from)].party, views[deed->kind], "-", deed->month,
				   meanings[deed->kind]);
}

static void
note_the_rest(Generator *g)
{
	(void) g;
	cheat_note("illegal_feed", "facilities", "F-GDRE-03", "P-GDRE-03", "unexplained_gain",
			   "facility_balance", 7, "12 % more output than its feed explains");
	cheat_note("diversion", "facilities", "F-CNRE-07", "P-CNRE-07", "facility_balance", "-", 5,
			   "8 % of its metal is missing");
	cheat_note("diversion", "facilities", "F-XTC-04", "P-XTC-04", "facility_balance", "-", 10,
			   "8 % of its magnets and scrap is missing");
	cheat_note("no_quota", "production", "CHEAT-NOQUOTA-1", "P-ILL-01", "RTQ01", "-", 2,
			   "mined without a quota");
	cheat_note("no_quota", "production", "CHEAT-NOQUOTA-2", "P-ILL-01", "RTQ01", "-", 9,
			   "mined without a quota");
	cheat_note("no_quota", "facilities", "F-ILL-01", "P-ILL-01", "unexplained_gain",
			   "facility_balance", 2, "ships what its refused report does not explain");
	cheat_note("no_quota", "facilities", "F-ILL-01", "P-ILL-01", "unexplained_gain",
			   "facility_balance", 9, "ships what its refused report does not explain");
	cheat_note("customs_gap", "customs-declarations", "CHEAT-CUSTOMS-3", "P-ILL-01", "customs_gap",
			   "-", 6, "declared, never reported");
	cheat_note("late", "submissions", "CHEAT-LATE-1", "P-IND-05", "overdue_submission", "-", 3,
			   "submitted on 14 May");
	cheat_note("late", "submissions", "CHEAT-LATE-2", "P-CREG-10", "overdue_submission", "-", 9,
			   "submitted on 10 November");
	cheat_note("missing", "submissions", "-", "P-IND-06", "overdue_submission", "-", 6,
			   "month never closed");
	for (int i = 1; i <= 4; i++)
	{
		char *id = memory_print("CHEAT-SPLIT-%d", i);

		cheat_note("splitting", "shipments", id, "P-IND-06", "licence_splitting", "-", 8,
				   "dysprosium just below the threshold, in four parts");
		free(id);
	}
	cheat_note("spelling", "parties", "C-DE-01", "P-IND-03", "client_volume", "-", -1,
			   "Bavaria Motion GmbH, BAVARIA MOTION G.m.b.H., Bavaria-Motion GmbH");
}

void
cheats_report(Generator *g)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		report_refused_export(g, &refused[i]);
	report_overruns(g);
	report_undeclared_export(g);
	note_deeds(g);
	note_the_rest(g);
	note_suspect_lots(g);
}
