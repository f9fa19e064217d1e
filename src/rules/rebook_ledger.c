/*
 * rules/rebook_ledger.c
 *		rebook_ledger(): sets all ledgers of a registry to what its rows draw.
 */
#include "retrack.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rules/books.h"
#include "rules/quota_tree.h"
#include "rules/rebooked.h"
#include "rules/violations.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(rebook_ledger);

/* Shuts out everything that draws or changes terms, until the transaction ends. */
static void
lock_out(Books *b)
{
	PreventCommandIfReadOnly("rebook_ledger()");
	rt_quota_tree_lock(b, true);
	LockRelationOid(b->licence.relid, ExclusiveLock);
	LockRelationOid(b->item.relid, ExclusiveLock);
	LockRelationOid(b->quota.relid, ExclusiveLock);
}

/* What was changed with the triggers off is remembered otherwise by sessions, this one included. */
static void
forget_everywhere(Books *b)
{
	rt_licence_terms_forget();
	rt_books_forget_reference(true, true);
	CacheInvalidateRelcacheByRelid(b->licence.relid);
	CacheInvalidateRelcacheByRelid(b->quota.relid);
	CacheInvalidateRelcacheByRelid(b->control_list);
}

/* Adds the result's differences: keys first, then the difference; returns how many rows changed. */
static int64
correct_rows(const LedgerTable *table)
{
	Ledger		ledger = {0};
	LedgerRow	row;
	bool		isnull;

	rt_ledger_open(&ledger, table);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		Datum		key[LEDGER_KEYS_MAX];

		for (int k = 0; k < table->nkeys; k++)
			key[k] = SPI_getbinval(tuple, SPI_tuptable->tupdesc, k + 1, &isnull);
		rt_ledger_add(&ledger, key,
					  DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, table->nkeys + 1, &isnull)),
					  NULL, &row);
	}
	rt_ledger_close(&ledger);
	return (int64) SPI_processed;
}

static int64
rebook(Books *b, BooksPlan plan, const char *query, const LedgerTable *table)
{
	Oid			types[1] = {NAMEOID};
	Datum		values[1];

	values[0] = DirectFunctionCall1(namein, CStringGetDatum(get_namespace_name(b->nspid)));
	rt_books_execute(b, plan, query, 1, types, values, NULL);
	return correct_rows(table);
}

static int64
rebook_all(Books *b)
{
	int64		n;

	n = rebook(b, PLAN_REBOOK_ITEMS,
			   "SELECT i.licence, i.line, ((coalesce(d.drawn, 0) OPERATOR(pg_catalog.-) i.drawn::pg_catalog.numeric)"
			   " OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8 FROM %1$s.licence_item i"
			   " LEFT JOIN retrack.licence_draws($1) d ON d.licence OPERATOR(retrack.=) i.licence"
			   "  AND d.line OPERATOR(pg_catalog.=) i.line"
			   " WHERE coalesce(d.drawn, 0) OPERATOR(pg_catalog.<>) i.drawn::pg_catalog.numeric", &b->item);
	n += rebook(b, PLAN_REBOOK_LICENCES,
				"SELECT l.licence, coalesce(d.uses, 0)::pg_catalog.int8 OPERATOR(pg_catalog.-) l.uses FROM %1$s.licence l"
				" LEFT JOIN (SELECT x.licence, pg_catalog.sum(x.uses) AS uses FROM retrack.licence_draws($1) x GROUP BY x.licence) d"
				"  ON d.licence OPERATOR(retrack.=) l.licence"
				" WHERE l.max_uses IS NOT NULL AND coalesce(d.uses, 0)::pg_catalog.int8 OPERATOR(pg_catalog.<>) l.uses", &b->licence);
	n += rebook(b, PLAN_REBOOK_QUOTAS,
				"SELECT q.quota_id, ((coalesce(d.drawn, 0) OPERATOR(pg_catalog.-) q.drawn::pg_catalog.numeric)"
				" OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8 FROM %1$s.quota q"
				" LEFT JOIN retrack.quota_draws($1) d ON d.quota_id OPERATOR(pg_catalog.=) q.quota_id"
				" WHERE coalesce(d.drawn, 0) OPERATOR(pg_catalog.<>) q.drawn::pg_catalog.numeric", &b->quota);
	return n;
}

/* What recorded rows may draw is known only once the ledgers are right. */
Datum
rebook_ledger(PG_FUNCTION_ARGS)
{
	Books	   *b = rt_books(rt_books_schema(NameStr(*PG_GETARG_NAME(0))));
	int64		n;

	if (!has_privs_of_role(GetUserId(), b->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of the ledger to recompute it")));
	lock_out(b);
	forget_everywhere(b);
	SPI_connect();
	rt_violations_resolve_lost(b);
	n = rebook_all(b);
	while (rt_violations_resolve_settled(b))
		n += rebook_all(b);
	rt_note_rebooked_all(b);
	SPI_finish();
	PG_RETURN_INT64(n);
}
