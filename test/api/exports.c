/*
 * exports.c
 *		Exports by standing customers, and the licences they need from
 *		4 April 2025 on.
 *
 * A controlled stream stands still until its first licence is decided, up to
 * 45 working days after it was applied for, and then rises again over half
 * a year: the goods wait in the exporter's stock.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

#define MAX_LICENCES 20000
#define USES 12         /* of a licence that is not for one batch */
#define GENERAL_DAY 334 /* 1 December: the first general licences */

typedef struct Stream
{
	const char *from;
	Material material;
	const char *client;
	const char *end_user; /* NULL: the client */
	double share;         /* of what the site has to sell */
	enum
	{
		MANY_USES,
		ONE_BATCH,
		GENERAL_LATER
	} licences;
} Stream;

static const Stream streams[] = {
	{"F-CNRE-09", MAGNET_PLAIN, "C-DE-03", NULL, 0.08, MANY_USES},
	{"F-CNRE-09", MAGNET_DY, "C-KR-02", NULL, 0.10, MANY_USES},
	{"F-CNRE-09", MAGNET_TB, "C-FR-01", NULL, 0.10, ONE_BATCH},
	{"F-XTC-04", MAGNET_PLAIN, "C-MX-01", NULL, 0.08, MANY_USES},
	{"F-XTC-04", MAGNET_DY, "C-TH-01", NULL, 0.12, MANY_USES},
	{"F-IND-03", MAGNET_PLAIN, "C-DE-02", NULL, 0.12, MANY_USES},
	{"F-IND-03", MAGNET_DY, "C-DE-01", NULL, 0.12, GENERAL_LATER},
	{"F-IND-03", MAGNET_TB, "C-JP-01", "C-JP-02", 0.15, MANY_USES},
	{"F-IND-04", MAGNET_PLAIN, "C-US-02", NULL, 0.10, MANY_USES},
	{"F-IND-04", MAGNET_DY, "C-US-01", NULL, 0.12, GENERAL_LATER},
	{"F-IND-04", MAGNET_TB, "C-KR-01", NULL, 0.12, ONE_BATCH},
	{"F-IND-05", MAGNET_PLAIN, "C-IT-01", NULL, 0.12, MANY_USES},
	{"F-IND-05", MAGNET_DY, "C-JP-02", NULL, 0.12, MANY_USES},
	{"F-IND-06", MAGNET_PLAIN, "C-VN-01", NULL, 0.12, MANY_USES},
	{"F-IND-06", MAGNET_DY, "C-IN-01", NULL, 0.10, MANY_USES},
	{"F-IND-07", MAGNET_SMCO, "C-US-03", NULL, 0.22, ONE_BATCH},
	{"F-IND-07", MAGNET_SMCO, "C-DE-02", NULL, 0.20, MANY_USES},
	{"F-IND-08", MAGNET_SMCO, "C-FR-02", NULL, 0.28, MANY_USES},
	{"F-IND-08", MAGNET_SMCO, "C-JP-03", NULL, 0.20, GENERAL_LATER},
	{"F-IND-10", LACE_OXIDE, "C-JP-04", NULL, 0.35, MANY_USES},
	{"F-IND-10", LACE_OXIDE, "C-US-04", NULL, 0.35, MANY_USES},
	{"F-IND-10", LACE_OXIDE, "C-NL-01", NULL, 0.28, MANY_USES},
	{"F-IND-11", SM_OXIDE, "C-FR-02", NULL, 0.50, MANY_USES},
	{"F-IND-11", GD_OXIDE, "C-DE-04", NULL, 0.60, MANY_USES},
	{"F-IND-11", TB_OXIDE, "C-KR-03", "C-KR-01", 0.60, ONE_BATCH},
	{"F-IND-11", DY_OXIDE, "C-JP-01", NULL, 0.60, MANY_USES},
	{"F-IND-11", ER_OXIDE, "C-NL-01", NULL, 0.70, MANY_USES},
	{"F-IND-11", Y_OXIDE, "C-JP-04", NULL, 0.40, MANY_USES},
	{"F-IND-11", Y_OXIDE, "C-US-04", NULL, 0.30, GENERAL_LATER},
	{"F-IND-11", DY_METAL, "C-DE-03", NULL, 0.60, MANY_USES},
};
#define STREAMS ((int) (sizeof(streams) / sizeof(streams[0])))

typedef struct Licence
{
	LicenceTerms terms;
	char number[20];
	int applied;
	int uses;
	int64_t drawn_mg;
} Licence;

static struct
{
	int first_decided; /* day of the first licence */
	int licence;       /* the one in use, or -1 */
	int shipped;       /* shipments, for the spelling of names */
} stream_state[STREAMS];

static Licence licences[MAX_LICENCES];
static int licence_count;

void
licence_number(char *buffer, const char *office, int serial)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char digits[24];
	int product = 36;

	snprintf(digits, sizeof(digits), "25%s%06d", office, serial);
	for (const char *c = digits; *c; c++)
	{
		int sum = (product + (int) (strchr(alphabet, *c) - alphabet)) % 36;

		product = (sum ? sum : 36) * 2 % 37;
	}
	snprintf(buffer, 16, "25-%s-%06d-%c", office, serial % 1000000, alphabet[(37 - product) % 36]);
}

/* The day that lies so many working days before (count < 0) or after a day. */
static int
add_working_days(int day, int count)
{
	int step = count < 0 ? -1 : 1;

	while (count)
	{
		day += step;
		if ((day + 2) % 7 < 5) /* 1 January 2025 was a Wednesday */
			count -= step;
	}
	return day;
}

void
exports_prepare(Generator *g)
{
	for (int i = 0; i < STREAMS; i++)
	{
		/* the quick ask at once, the others as their customers press them */
		int applied = CONTROL_DAY + (i % 2 ? random_integer(&g->random, 3, 24)
										   : random_integer(&g->random, 30, 130));

		stream_state[i].first_decided =
			add_working_days(applied, random_integer(&g->random, 22, 45));
		stream_state[i].licence = -1;
		stream_state[i].shipped = 0;
	}
	licence_count = 0;
}

static Licence *
open_licence(Generator *g, int i, int day)
{
	const Stream *stream = &streams[i];
	int first = stream_state[i].first_decided;
	bool general = stream->licences == GENERAL_LATER && day >= GENERAL_DAY;
	int from = day - random_integer(&g->random, 1, 8);
	Licence *licence;

	if (licence_count == MAX_LICENCES)
	{
		fputs("retrack_api: scale too large: too many licences\n", stderr);
		exit(2);
	}
	if (from < first)
		from = first;
	if (general)
		from = GENERAL_DAY;
	stream_state[i].licence = licence_count;
	licence = &licences[licence_count++];
	memset(licence, 0, sizeof(*licence));
	licence_number(licence->number, i % 3 == 0 ? "AA" : i % 3 == 1 ? "AB" : "01", licence_count);
	licence->applied = add_working_days(from, -random_integer(&g->random, 18, 45));
	if (licence->applied < CONTROL_DAY)
		licence->applied = CONTROL_DAY + 3;
	licence->terms = (LicenceTerms){
		.number = licence->number,
		.kind = general ? "general" : "individual",
		.holder = sites[site_find(stream->from)].party,
		.status = "issued",
		.from = from,
		.to = from + (general || stream->licences != ONE_BATCH ? 365 : 180),
		.max_uses = general                         ? 0
					: stream->licences == ONE_BATCH ? 1
													: USES,
		.client = stream->client,
		.end_user = stream->end_user,
		.material = stream->material,
	};
	return licence;
}

/* A licence of the stream with a use left on that day. */
static Licence *
use_licence(Generator *g, int i, int day)
{
	Licence *licence = stream_state[i].licence < 0 ? NULL : &licences[stream_state[i].licence];
	bool general_now = streams[i].licences == GENERAL_LATER && day >= GENERAL_DAY;

	if (!licence || day < licence->terms.from || day >= licence->terms.to ||
		(licence->terms.max_uses && licence->uses >= licence->terms.max_uses) ||
		(general_now && licence->terms.max_uses))
		licence = open_licence(g, i, day);
	licence->uses++;
	return licence;
}

const char *
export_report(Generator *g, const Export *export, int month)
{
	static char id[64];
	const MaterialInfo *info = &material_info[export->material];
	const Party *client = party_find(export->client);
	json_t *row = json_object();

	if (export->id)
		snprintf(id, sizeof(id), "%s", export->id);
	else
		snprintf(id, sizeof(id), "X-%s-%05d", sites[export->site].id + 2,
				 ++g->state[export->site].shipments);
	set_text(row, "shipment_id", id);
	set_date(row, "shipped_on", export->day);
	set_text(row, "exporter", sites[export->site].party);
	set_text(row, "facility_id", sites[export->site].id);
	set_text(row, "consignee", client->id);
	set_text(row, "end_user", export->end_user ? export->end_user : client->id);
	json_object_set_new(row, "client",
						json_pack("{s:s}", "name", export->name ? export->name : client->name));
	set_text(row, "destination", export->destination ? export->destination : client->country);
	set_text(row, "licence", export->licence);
	set_text(row, "control_code", export->control_code);
	set_text(row, "hs_code", info->hs_code);
	set_text(row, "form", info->form);
	set_owned(row, "assay", measure_assay(g, export->material, export->metal));
	set_owned(row, "net_mass", mass_text(export->net_mg));
	set_text(row, "lot_id", export->lot);
	json_object_set_new(row, "value",
						json_real(round((double) export->net_mg * 1e-6 * info->price * 100) / 100));
	set_text(row, "currency", "USD");
	set_text(row, "instrument", g->state[export->site].scale.id);
	report(g, "shipments", row, sites[export->site].party, month);
	return id;
}

void
export_papers(Generator *g, const Export *export, const char *id)
{
	const Deed *deed = export->id ? deed_find(export->id) : NULL;
	const MaterialInfo *info = &material_info[export->material];
	const char *party = sites[export->site].party;
	int64_t declared =
		deed && deed->kind == DEED_LOW_DECLARATION ? export->net_mg / 100 * 85 : export->net_mg;
	json_t *row;

	if (!deed || deed->kind != DEED_NO_INVOICE)
		invoice_report(g, party, export->client, export->day, NULL, id, export->net_mg, info->price,
					   "USD");
	if (deed && deed->kind == DEED_NO_DECLARATION)
		return;
	row = json_object();
	set_owned(row, "declaration_id", memory_print("D-%s", id));
	set_text(row, "shipment_id", id);
	set_text(row, "declarant", party);
	set_date(row, "declared_on", export->day);
	set_text(row, "hs_code", info->hs_code);
	set_text(row, "destination", party_find(export->client)->country);
	set_owned(row, "net_mass", mass_text(declared));
	json_object_set_new(row, "value",
						json_real(round((double) declared * 1e-6 * info->price * 100) / 100));
	set_text(row, "currency", "USD");
	report(g, "customs-declarations", row, party, month_of_day(export->day));
}

/* One client's name as three clerks write it. */
static const char *
spelled_name(const Stream *stream, int shipped)
{
	static const char *const spellings[] = {NULL, "BAVARIA MOTION G.m.b.H.", "Bavaria-Motion GmbH"};

	return strcmp(stream->client, "C-DE-01") == 0 ? spellings[shipped % 3] : NULL;
}

static void
ship_stream(Generator *g, int site, int i, double available)
{
	const Stream *stream = &streams[i];
	const MaterialInfo *info = &material_info[stream->material];
	int day = day_in_month(g, 21, 26);
	bool controlled = info->control_code && day >= CONTROL_DAY;
	double wanted = available * stream->share * random_uniform(&g->random, 0.9, 1.0);
	Licence *licence = NULL;
	const Deed *deed;
	Portion portion;
	Export export;
	const char *id;

	if (controlled && day < stream_state[i].first_decided)
		return;
	if (controlled && day < stream_state[i].first_decided + 180)
		wanted *= 0.4 + 0.6 * (day - stream_state[i].first_decided) / 180;
	portion = stock_take_one(g, site, stream->material, wanted);
	if (portion.mass <= 0)
		return;
	if (controlled)
		licence = use_licence(g, i, day);
	deed = deed_take(g, sites[site].id, stream->client, stream->material);
	export = (Export){
		.id = deed ? deed->id : NULL,
		.site = site,
		.material = stream->material,
		.metal = g->lots[portion.lot].metal,
		.net_mg = measure_mass(g, &g->state[site].scale, portion.mass),
		.lot = g->lots[portion.lot].id,
		.client = stream->client,
		.end_user = stream->end_user,
		.name = spelled_name(stream, stream_state[i].shipped++),
		.licence = licence ? licence->number : NULL,
		.control_code = controlled ? info->control_code : NULL,
		.day = day,
	};
	if (licence)
		licence->drawn_mg += export.net_mg;
	id = export_report(g, &export, g->month);
	export_papers(g, &export, id);
}

void
exports_ship(Generator *g, int site, Material material, double available)
{
	for (int i = 0; i < STREAMS; i++)
		if (streams[i].material == material && strcmp(streams[i].from, sites[site].id) == 0)
			ship_stream(g, site, i, available);
}

static void
report_licence_party(Generator *g, const LicenceTerms *terms, const char *party, const char *role)
{
	json_t *row = json_object();

	set_text(row, "licence", terms->number);
	set_text(row, "party_id", party);
	set_text(row, "role", role);
	report_at(g, "licence-parties", row, terms->holder, -1, time_of_day(terms->from, 9));
}

void
licence_report(Generator *g, const LicenceTerms *terms)
{
	const MaterialInfo *info = &material_info[terms->material];
	int64_t issued = time_of_day(terms->from, 9);
	char *from = date_text(terms->from), *to = date_text(terms->to);
	json_t *row = json_object();

	set_text(row, "licence", terms->number);
	set_text(row, "kind", terms->kind);
	set_text(row, "holder", terms->holder);
	set_owned(row, "valid", memory_print("[%s,%s)", from, to));
	set_text(row, "status", terms->status);
	json_object_set_new(row, "max_uses",
						terms->max_uses ? json_integer(terms->max_uses) : json_null());
	json_object_set_new(row, "destinations", json_pack("[s]", party_find(terms->client)->country));
	report_at(g, "licences", row, terms->holder, -1, issued);
	free(from);
	free(to);

	row = json_object();
	set_text(row, "licence", terms->number);
	json_object_set_new(row, "line", json_integer(1));
	set_text(row, "control_code", terms->control_code ? terms->control_code : info->control_code);
	set_text(row, "hs_code", info->hs_code);
	set_text(row, "form", info->form);
	set_owned(row, "granted", mass_text(terms->granted_mg));
	json_object_set_new(row, "tolerance", json_real(0.05));
	report_at(g, "licence-items", row, terms->holder, -1, issued);

	report_licence_party(g, terms, terms->client, "consignee");
	report_licence_party(g, terms, terms->end_user ? terms->end_user : terms->client, "end_user");
}

typedef struct Application
{
	const char *applicant;
	const char *kind;
	Material material;
	const char *client;
	int applied;
	int decided;         /* if there is an outcome */
	const char *outcome; /* NULL: pending */
	const char *licence; /* NULL: none issued */
} Application;

static void
report_application(Generator *g, int number, const Application *application)
{
	bool decided = application->outcome != NULL;
	json_t *row = json_object();

	set_owned(row, "application_id", memory_print("A-2025-%05d", number));
	set_text(row, "applicant", application->applicant);
	set_text(row, "kind", application->kind);
	set_text(row, "control_code", material_info[application->material].control_code);
	set_text(row, "destination", party_find(application->client)->country);
	set_date(row, "applied_on", application->applied);
	if (decided)
		set_date(row, "decided_on", application->decided);
	else
		set_text(row, "decided_on", NULL);
	set_text(row, "outcome", application->outcome);
	set_text(row, "licence", application->licence);
	report_at(g, "licence-applications", row, application->applicant, -1,
			  time_of_day(decided ? application->decided : application->applied, 15));
}

/* The application for a licence, and sometimes another one beside it that was refused. */
static int
report_applications(Generator *g, int number, const Licence *licence)
{
	Application application = {.applicant = licence->terms.holder,
							   .kind = licence->terms.kind,
							   .material = licence->terms.material,
							   .client = licence->terms.client,
							   .applied = licence->applied,
							   .decided = licence->terms.from,
							   .outcome = "granted",
							   .licence = licence->number};

	report_application(g, ++number, &application);
	if (random_integer(&g->random, 0, 11) == 0)
	{
		application.decided =
			add_working_days(licence->applied, random_integer(&g->random, 30, 45));
		application.outcome = "refused";
		application.licence = NULL;
		report_application(g, ++number, &application);
	}
	return number;
}

/* Licences as used, with some room; the applications for them, and those still pending. */
void
licences_report(Generator *g)
{
	int number = 0;

	for (int i = 0; i < licence_count; i++)
	{
		Licence *licence = &licences[i];
		double room = random_uniform(&g->random, 1.03, 1.25);

		licence->terms.granted_mg =
			(int64_t) ceil((double) licence->drawn_mg * room * 1e-6) * 1000000;
		licence_report(g, &licence->terms);
		number = report_applications(g, number, licence);
	}
	for (int i = 0; i < STREAMS; i += 3)
	{
		Application application = {.applicant = sites[site_find(streams[i].from)].party,
								   .kind = i % 2 ? "individual" : "general",
								   .material = streams[i].material,
								   .client = streams[i].client,
								   .applied = 365 - random_integer(&g->random, 3, 25)};

		if (material_info[streams[i].material].control_code)
			report_application(g, ++number, &application);
	}
}
