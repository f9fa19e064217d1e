/*
 * pull_keys.c
 *		Foreign keys of many new rows at once.
 *
 * The triggers of a key run a query for each row.  A batch of reports names
 * few parties and facilities, so one query for each distinct value does the
 * same: find the row referred to and lock it FOR KEY SHARE until commit.
 */
#include "pull_keys.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

static bool
may_read(Oid relid, AclMode mode)
{
	return pg_class_aclcheck(relid, GetUserId(), mode) == ACLCHECK_OK &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

bool
rt_keys_are_plain(Relation rel)
{
	ListCell   *lc;

	if (IsolationUsesXactSnapshot())
		return false;			/* the triggers then look at the newest rows, a query does not */
	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (!rt_key_is_enforced(fk))
			continue;
		/* SELECT ... FOR KEY SHARE takes the right to update as well */
		if (fk->nkeys != 1 || !may_read(fk->confrelid, ACL_SELECT) || !may_read(fk->confrelid, ACL_UPDATE))
			return false;
	}
	return may_read(RelationGetRelid(rel), ACL_SELECT);
}

static char *
qualified_relation(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

static char *
qualified_operator(Oid oprid)
{
	HeapTuple	tup = SearchSysCache1(OPEROID, ObjectIdGetDatum(oprid));
	Form_pg_operator form;
	char	   *result;

	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for operator %u", oprid);
	form = (Form_pg_operator) GETSTRUCT(tup);
	result = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
					  NameStr(form->oprname));
	ReleaseSysCache(tup);
	return result;
}

/* A value that refers to nothing, if there is one. */
static void
check_key(Relation rel, ForeignKeyCacheInfo *fk, Datum tids)
{
	Oid			type = get_array_type(TIDOID);
	Oid			target = RelationGetRelid(rel);
	const char *from = quote_identifier(get_attname(target, fk->conkey[0], false));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT d.k::pg_catalog.text FROM (SELECT DISTINCT t.%s AS k FROM ONLY %s AS t"
					 " WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1) AND t.%s IS NOT NULL) AS d"
					 " LEFT JOIN LATERAL (SELECT true AS found FROM %s%s AS x WHERE x.%s %s d.k FOR KEY SHARE OF x) AS p"
					 " ON true WHERE p.found IS NULL LIMIT 1",
					 from, qualified_relation(target), from,
					 get_rel_relkind(fk->confrelid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 qualified_relation(fk->confrelid),
					 quote_identifier(get_attname(fk->confrelid, fk->confkey[0], false)),
					 qualified_operator(fk->conpfeqop[0]));
	if (SPI_execute_with_args(sql.data, 1, &type, &tids, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "checking a foreign key: %s", SPI_result_code_string(SPI_result));
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
						RelationGetRelationName(rel), get_constraint_name(fk->conoid)),
				 errdetail("Key (%s)=(%s) is not present in table \"%s\".",
						   get_attname(target, fk->conkey[0], false),
						   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1),
						   get_rel_name(fk->confrelid)),
				 errtableconstraint(rel, get_constraint_name(fk->conoid))));
	SPI_freetuptable(SPI_tuptable);
}

void
rt_check_keys(Relation rel, ItemPointer tids, int ntids)
{
	List	   *keys = copyObject(RelationGetFKeyList(rel));
	Datum	   *values;
	Datum		array;
	ListCell   *lc;

	if (keys == NIL || ntids == 0)
		return;
	values = palloc(ntids * sizeof(Datum));
	for (int i = 0; i < ntids; i++)
		values[i] = PointerGetDatum(&tids[i]);
	array = PointerGetDatum(construct_array(values, ntids, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
	foreach(lc, keys)
	{
		ForeignKeyCacheInfo *fk = lfirst(lc);

		if (rt_key_is_enforced(fk))
			check_key(rel, fk, array);
	}
	pfree(values);
}
