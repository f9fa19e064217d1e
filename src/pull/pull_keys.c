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
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "rules/row_values.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/* A value of a key's column. */
typedef struct KeyValue
{
	Word		bytes;			/* hash key */
	uint32		hash;
	char		status;
	Datum		value;
} KeyValue;

#define SH_PREFIX values
#define SH_ELEMENT_TYPE KeyValue
#define SH_KEY_TYPE Word
#define SH_KEY bytes
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).p, (key).len)
#define SH_EQUAL(tb, a, b) words_equal(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* A foreign key and the values that rows have of it. */
typedef struct KeyColumn
{
	ForeignKeyCacheInfo *fk;
	Form_pg_attribute att;
	values_hash *values;
} KeyColumn;

struct KeyValues
{
	Relation	rel;
	MemoryContext cxt;
	AttrNumber	last_att;
	int			nkeys;
	KeyColumn	keys[FLEXIBLE_ARRAY_MEMBER];
};

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
		if (!OidIsValid(get_array_type(TupleDescAttr(RelationGetDescr(rel), fk->conkey[0] - 1)->atttypid)))
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

KeyValues *
rt_keys_begin(Relation rel)
{
	List	   *fks = copyObject(RelationGetFKeyList(rel));
	KeyValues  *k = palloc0(offsetof(KeyValues, keys) + sizeof(KeyColumn) * list_length(fks));
	ListCell   *lc;

	k->rel = rel;
	k->cxt = CurrentMemoryContext;
	foreach(lc, fks)
	{
		KeyColumn  *key;

		if (!rt_key_is_enforced((ForeignKeyCacheInfo *) lfirst(lc)))
			continue;
		key = &k->keys[k->nkeys++];
		key->fk = lfirst(lc);
		key->att = TupleDescAttr(RelationGetDescr(rel), key->fk->conkey[0] - 1);
		key->values = values_create(k->cxt, 64, NULL);
		k->last_att = Max(k->last_att, key->att->attnum);
	}
	return k;
}

/* A by-value datum's bytes are its own, so it is passed by where it is. */
static Word
value_bytes(const KeyColumn *key, const Datum *value)
{
	Word		w = {DatumGetPointer(*value), key->att->attlen};

	if (key->att->attbyval)
	{
		w.p = (const char *) value;
		w.len = sizeof(Datum);
	}
	else if (key->att->attlen == -1)
	{
		w.p = VARDATA_ANY(w.p);
		w.len = VARSIZE_ANY_EXHDR(DatumGetPointer(*value));
	}
	return w;
}

static void
note_value(KeyValues *k, KeyColumn *key, Datum value)
{
	KeyValue   *entry;
	MemoryContext caller;
	bool		found;

	if (key->att->attlen == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	if (values_lookup(key->values, value_bytes(key, &value)) != NULL)
		return;
	caller = MemoryContextSwitchTo(k->cxt);
	if (key->att->attbyval)
	{
		Datum	   *kept = palloc(sizeof(Datum));

		*kept = value;
		entry = values_insert(key->values, value_bytes(key, kept), &found);
	}
	else
	{
		value = datumCopy(value, false, key->att->attlen);
		entry = values_insert(key->values, value_bytes(key, &value), &found);
	}
	entry->value = value;
	MemoryContextSwitchTo(caller);
}

void
rt_keys_note(KeyValues *k, TupleTableSlot *slot)
{
	slot_getsomeattrs(slot, k->last_att);
	for (int i = 0; i < k->nkeys; i++)
	{
		int			at = k->keys[i].att->attnum - 1;

		if (!slot->tts_isnull[at])
			note_value(k, &k->keys[i], slot->tts_values[at]);
	}
}

static Datum
make_array(const KeyColumn *key)
{
	Datum	   *values;
	values_iterator it;
	KeyValue   *entry;
	int			n = 0;

	if (key->values->members > MaxAllocSize / sizeof(Datum))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many different values of column \"%s\" to load at once", NameStr(key->att->attname))));
	values = palloc(sizeof(Datum) * key->values->members);
	values_start_iterate(key->values, &it);
	while ((entry = values_iterate(key->values, &it)) != NULL)
		values[n++] = entry->value;
	return PointerGetDatum(construct_array(values, n, key->att->atttypid, key->att->attlen, key->att->attbyval,
										   key->att->attalign));
}

/* The collation that the key compares with, which is that of the column referred to. */
static char *
collate_clause(Oid relid, AttrNumber attnum)
{
	Oid			type,
				collation;
	int32		typmod;
	HeapTuple	tup;
	Form_pg_collation form;
	char	   *result;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	if (!OidIsValid(collation))
		return "";
	tup = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tup);
	result = psprintf(" COLLATE %s", quote_qualified_identifier(get_namespace_name(form->collnamespace),
																 NameStr(form->collname)));
	ReleaseSysCache(tup);
	return result;
}

/* A value that refers to nothing, if there is one. */
static void
check_key(Relation rel, const KeyColumn *key)
{
	const ForeignKeyCacheInfo *fk = key->fk;
	Oid			type = get_array_type(key->att->atttypid);
	Datum		values = make_array(key);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT d.k::pg_catalog.text FROM pg_catalog.unnest($1) AS d(k)"
					 " LEFT JOIN LATERAL (SELECT true AS found FROM %s%s AS x WHERE x.%s %s d.k%s FOR KEY SHARE OF x) AS p"
					 " ON true WHERE p.found IS NULL LIMIT 1",
					 get_rel_relkind(fk->confrelid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 qualified_relation(fk->confrelid),
					 quote_identifier(get_attname(fk->confrelid, fk->confkey[0], false)),
					 qualified_operator(fk->conpfeqop[0]), collate_clause(fk->confrelid, fk->confkey[0]));
	if (SPI_execute_with_args(sql.data, 1, &type, &values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "checking a foreign key: %s", SPI_result_code_string(SPI_result));
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
						RelationGetRelationName(rel), get_constraint_name(fk->conoid)),
				 errdetail("Key (%s)=(%s) is not present in table \"%s\".",
						   NameStr(key->att->attname),
						   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1),
						   get_rel_name(fk->confrelid)),
				 errtableconstraint(rel, get_constraint_name(fk->conoid))));
	SPI_freetuptable(SPI_tuptable);
}

void
rt_keys_check(KeyValues *k)
{
	for (int i = 0; i < k->nkeys; i++)
	{
		if (k->keys[i].values->members > 0)
			check_key(k->rel, &k->keys[i]);
	}
}
