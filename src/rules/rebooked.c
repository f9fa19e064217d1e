/*
 * rules/rebooked.c
 *		Ledgers that were recomputed while a statement was under way.
 *
 * A change of licences or quotas recomputes ledgers from the rows there are.  Made by a
 * trigger of a statement, or in another part of it, or followed by foreign keys that
 * change rows with it, it sees rows that are booked later: these would draw twice, or
 * give back what is not drawn any more.
 */
#include "rules/rebooked.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "rules/violations.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define ANY_LICENCE ((LicenceId) -1)

typedef struct RebookedKey
{
	LicenceId	licence;
	Oid			ledger;			/* licence_item, or quota */
	Oid			nspid;
} RebookedKey;

typedef struct Rebooked
{
	RebookedKey key;			/* hash key */
	CommandId	at;				/* the last time */
} Rebooked;

static HTAB *rebooked = NULL;
static FullTransactionId rebooked_xid;	/* whose they are */

static void
note_rebooked(const Books *b, Oid ledger, LicenceId licence)
{
	RebookedKey key = {licence, ledger, b->nspid};
	FullTransactionId xid = GetTopFullTransactionId();
	Rebooked   *entry;

	if (rebooked != NULL && !FullTransactionIdEquals(rebooked_xid, xid))
	{
		hash_destroy(rebooked);
		rebooked = NULL;
	}
	if (rebooked == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(RebookedKey), .entrysize = sizeof(Rebooked)};

		rebooked = hash_create("retrack recomputed ledgers", 16, &ctl, HASH_ELEM | HASH_BLOBS);
		rebooked_xid = xid;
	}
	entry = hash_search(rebooked, &key, HASH_ENTER, NULL);
	entry->at = GetCurrentCommandId(false);
}

void
rt_note_rebooked_licence(const Books *b, LicenceId licence)
{
	note_rebooked(b, b->item.relid, licence);
}

void
rt_note_rebooked_quotas(const Books *b)
{
	note_rebooked(b, b->quota.relid, ANY_LICENCE);
}

void
rt_note_rebooked_all(const Books *b)
{
	note_rebooked(b, b->item.relid, ANY_LICENCE);
	rt_note_rebooked_quotas(b);
}

/* Whether it was since the statement began. */
static bool
was_rebooked(const Books *b, Oid ledger, LicenceId licence)
{
	RebookedKey key = {licence, ledger, b->nspid};
	Rebooked   *entry;

	if (likely(rebooked == NULL) || !FullTransactionIdEquals(rebooked_xid, GetTopFullTransactionIdIfAny()))
		return false;
	entry = hash_search(rebooked, &key, HASH_FIND, NULL);
	return entry != NULL && entry->at > GetActiveSnapshot()->curcid;
}

static bool
finds_difference(Books *b, BooksPlan plan, const char *query, const LicenceId *licence)
{
	Oid			types[2] = {NAMEOID, rt_type_oid("licence_id")};
	Datum		values[2] = {0, licence != NULL ? LicenceIdGetDatum(*licence) : (Datum) 0};
	bool		found;

	SPI_connect();
	values[0] = DirectFunctionCall1(namein, CStringGetDatum(get_namespace_name(b->nspid)));
	rt_books_execute(b, plan, query, licence != NULL ? 2 : 1, types, values, NULL);
	found = SPI_processed > 0;
	SPI_finish();
	return found;
}

static void
refuse_rebooked(TriggerData *trigdata, const char *what, const char *trigger)
{
	Relation	rel = trigdata->tg_relation;

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s changed before rows of table \"%s\" were booked that the same statement changes",
					what, RelationGetRelationName(rel)),
			 errdetail("A trigger, a foreign key's action or another part of the statement changed both."),
			 errhint("Use a statement for each, or a statement trigger whose name comes after \"%s\".", trigger),
			 errtable(rel)));
}

void
rt_check_booked_licence(Books *b, TriggerData *trigdata, LicenceId licence)
{
	if (likely(!was_rebooked(b, b->item.relid, licence)) && likely(!was_rebooked(b, b->item.relid, ANY_LICENCE)))
		return;
	if (finds_difference(b, PLAN_LICENCE_DIFFERS,
						 "SELECT 1 FROM %1$s.licence_item i LEFT JOIN retrack.licence_draws($1, ARRAY[$2]) d"
						 " ON d.line OPERATOR(pg_catalog.=) i.line WHERE i.licence OPERATOR(retrack.=) $2"
						 " AND coalesce(d.drawn, 0) OPERATOR(pg_catalog.<>) i.drawn::pg_catalog.numeric"
						 " UNION ALL SELECT 1 FROM %1$s.licence l WHERE l.licence OPERATOR(retrack.=) $2 AND l.max_uses IS NOT NULL"
						 " AND l.uses OPERATOR(pg_catalog.<>) (SELECT coalesce(pg_catalog.sum(d.uses), 0)"
						 "  FROM retrack.licence_draws($1, ARRAY[$2]) d) LIMIT 1", &licence))
		refuse_rebooked(trigdata, psprintf("licence %s", rt_licence_text(licence)), trigdata->tg_trigger->tgname);
}

/* All quotas: an old row whose facility is gone does not say which it drew on. */
void
rt_check_booked_quotas(Books *b, TriggerData *trigdata)
{
	if (likely(!was_rebooked(b, b->quota.relid, ANY_LICENCE)))
		return;
	if (finds_difference(b, PLAN_QUOTAS_DIFFER,
						 "SELECT FROM %1$s.quota q LEFT JOIN retrack.quota_draws($1) d ON d.quota_id OPERATOR(pg_catalog.=) q.quota_id"
						 " WHERE coalesce(d.drawn, 0) OPERATOR(pg_catalog.<>) q.drawn::pg_catalog.numeric LIMIT 1", NULL))
		refuse_rebooked(trigdata, "quotas, or whose they are,", trigdata->tg_trigger->tgname);
}
