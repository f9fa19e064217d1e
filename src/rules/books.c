/*
 * rules/books.c
 *		Finds a registry's tables once per backend and keeps them until DDL
 *		touches one of them.
 */
#include "rules/books.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "optimizer/optimizer.h"
#include "rules/licence_terms.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

static HTAB *books_by_schema = NULL;

/* What the quota tree and the control list are read from may have changed. */
static void
forget_reference(Books *b, Oid relid)
{
	if (relid == InvalidOid || relid == b->control_list)
		b->controls_valid = false;
	if (relid == InvalidOid || relid == b->quota.relid || relid == b->party || relid == b->facility)
		b->quotas_valid = false;
}

void
rt_books_forget_reference(bool controls, bool quotas)
{
	HASH_SEQ_STATUS seq;
	Books	   *b;

	if (books_by_schema == NULL)
		return;
	hash_seq_init(&seq, books_by_schema);
	while ((b = hash_seq_search(&seq)) != NULL)
	{
		if (controls)
			b->controls_valid = false;
		if (quotas)
			b->quotas_valid = false;
	}
}

/*
 * Relcache invalidation: DDL on one of the tables, or one of the triggers that
 * announce a change of reference data this way.  Nothing is freed here, since a
 * statement may be using it.  Licences go with it: triggers that were off may have
 * left them with other terms than sessions remember.
 */
static void
invalidate_relation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	Books	   *b;

	hash_seq_init(&seq, books_by_schema);
	while ((b = hash_seq_search(&seq)) != NULL)
	{
		if (relid == InvalidOid || relid == b->licence.relid || relid == b->item.relid ||
			relid == b->quota.relid || relid == b->licence_party || relid == b->licence_status ||
			relid == b->party || relid == b->facility || relid == b->control_list ||
			relid == b->violation || relid == b->journal || relid == b->journal_head)
		{
			b->valid = false;
			forget_reference(b, relid);
			if (relid == InvalidOid || relid == b->licence.relid || relid == b->item.relid ||
				relid == b->licence_party || relid == b->licence_status)
				rt_licence_terms_forget();
		}
	}
}

static void
invalidate_schema(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS seq;
	Books	   *b;

	hash_seq_init(&seq, books_by_schema);
	while ((b = hash_seq_search(&seq)) != NULL)
		b->valid = false;
}

static void
make_cache(void)
{
	HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(Books)};

	books_by_schema = hash_create("retrack registries", 8, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_schema, (Datum) 0);
}

static Oid
find_table(const Books *b, const char *name)
{
	Oid			relid = get_relname_relid(name, b->nspid);

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_RT_REGISTRY_MISSING),
				 errmsg("schema \"%s\" holds no registry", get_namespace_name(b->nspid)),
				 errdetail("It has no ordinary table \"%s\".", name),
				 errhint("Name the registry's schema by the trigger argument 'registry=...', or make one with CALL retrack.create_registry(...).")));
	if (get_rel_persistence(relid) != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" of the registry is unlogged", name),
				 errdetail("A crash would take away what rows have drawn, but not the rows."),
				 errhint("ALTER TABLE ... SET LOGGED.")));
	return relid;
}

/* The column's number; its absence or another type is an error. */
static AttrNumber
find_column(Oid relid, const char *name, Oid type)
{
	AttrNumber	att = get_attnum(relid, name);

	if (att == InvalidAttrNumber || (OidIsValid(type) && get_atttype(relid, att) != type))
		ereport(ERROR,
				(errcode(ERRCODE_RT_REGISTRY_MISSING),
				 errmsg("table \"%s\" of the registry has no column \"%s\"%s%s", get_rel_name(relid), name,
						OidIsValid(type) ? " of type " : "", OidIsValid(type) ? format_type_be(type) : ""),
				 errhint("Compare the table with one that retrack.create_registry makes.")));
	return att;
}

/* The same for a column that the rules read without asking for nulls. */
static AttrNumber
find_full_column(Oid relid, const char *name, Oid type)
{
	AttrNumber	att = find_column(relid, name, type);
	Relation	rel = table_open(relid, AccessShareLock);
	bool		full = rt_column_is_full(RelationGetDescr(rel), att - 1);

	table_close(rel, AccessShareLock);
	if (!full)
		ereport(ERROR,
				(errcode(ERRCODE_RT_REGISTRY_MISSING),
				 errmsg("column \"%s\" of table \"%s\" of the registry may be null", name, get_rel_name(relid)),
				 errhint("Give it a value where it has none, then ALTER TABLE ... ALTER COLUMN ... SET NOT NULL.")));
	return att;
}

/* Fills in all but the argument; false: there is no such operator. */
static bool
make_scan_key(ScanKeyData *key, Relation index, int column, StrategyNumber strategy)
{
	Oid			optype = index->rd_opcintype[column];
	Oid			op = get_opfamily_member(index->rd_opfamily[column], optype, optype, strategy);

	if (!OidIsValid(op))
		return false;
	MemSet(key, 0, sizeof(ScanKeyData));
	key->sk_attno = column + 1;
	key->sk_strategy = strategy;
	key->sk_subtype = optype;
	key->sk_collation = index->rd_indcollation[column];
	fmgr_info_cxt(get_opcode(op), &key->sk_func, TopMemoryContext);
	return true;
}

/* The primary key's index, which must begin with those columns; its scan keys into "keys". */
static Oid
find_pkey(Oid relid, const char *const *names, const Oid *types, int nkeys, bool whole, ScanKeyData *keys)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Relation	index;
	Oid			pkey = InvalidOid;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		index = index_open(lfirst_oid(lc), AccessShareLock);
		if (index->rd_index->indisprimary && index->rd_index->indisvalid)
			pkey = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	if (!OidIsValid(pkey))
		ereport(ERROR,
				(errcode(ERRCODE_RT_REGISTRY_MISSING),
				 errmsg("table \"%s\" of the registry has no primary key", RelationGetRelationName(rel))));
	index = index_open(pkey, AccessShareLock);
	if (index->rd_index->indnkeyatts < nkeys || (whole && index->rd_index->indnkeyatts != nkeys))
		ereport(ERROR,
				(errcode(ERRCODE_RT_REGISTRY_MISSING),
				 errmsg("primary key of table \"%s\" of the registry has %d columns instead of %d",
						RelationGetRelationName(rel), index->rd_index->indnkeyatts, nkeys)));
	for (int i = 0; i < nkeys; i++)
	{
		if (index->rd_index->indkey.values[i] != find_column(relid, names[i], types[i]) ||
			!make_scan_key(&keys[i], index, i, BTEqualStrategyNumber))
			ereport(ERROR,
					(errcode(ERRCODE_RT_REGISTRY_MISSING),
					 errmsg("primary key of table \"%s\" of the registry does not have \"%s\" as column %d",
							RelationGetRelationName(rel), names[i], i + 1)));
	}
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return pkey;
}

static void
find_licence_table(LicenceTable *t, Oid relid, const char *const *columns, const Oid *types, int n, int nfull)
{
	static const char *const key[] = {"licence"};
	Oid			key_types[] = {rt_type_oid("licence_id")};
	Relation	index;

	t->relid = relid;
	t->pkey = find_pkey(t->relid, key, key_types, 1, false, &t->key);
	t->licence = find_column(t->relid, key[0], key_types[0]);
	index = index_open(t->pkey, AccessShareLock);
	if (!make_scan_key(&t->from, index, 0, BTGreaterEqualStrategyNumber))
		elog(ERROR, "operator >= of \"%s\" is missing", RelationGetRelationName(index));
	index_close(index, AccessShareLock);
	for (int i = 0; i < n; i++)
		t->att[i] = (i < nfull ? find_full_column : find_column) (t->relid, columns[i], types[i]);
}

/* In the order of the columns' numbers in books.h; the last ones of some tables may be null. */
static void
find_licence_tables(Books *b)
{
	static const char *const of_licence[] = {"holder", "valid", "status", "withdrawn", "max_uses", "destinations"};
	static const Oid licence_types[] = {TEXTOID, DATERANGEOID, TEXTOID, BOOLOID, INT4OID, TEXTARRAYOID};
	static const char *const of_items[] = {"line", "terms", "control_code", "withdrawn", "hs_code", "form"};
	Oid			item_types[] = {INT4OID, INT8OID, TEXTOID, BOOLOID, TEXTOID, rt_type_oid("form")};
	static const char *const of_parties[] = {"role", "party_id", "withdrawn"};
	static const Oid party_types[] = {TEXTOID, TEXTOID, BOOLOID};
	static const char *const of_status[] = {"since", "status"};
	static const Oid status_types[] = {DATEOID, TEXTOID};

	find_licence_table(&b->of_licence, b->licence.relid, of_licence, licence_types, lengthof(of_licence), 4);
	find_licence_table(&b->of_items, b->item.relid, of_items, item_types, lengthof(of_items), 4);
	find_licence_table(&b->of_parties, b->licence_party, of_parties, party_types, lengthof(of_parties), 3);
	find_licence_table(&b->of_status, b->licence_status, of_status, status_types, lengthof(of_status), 2);
	find_column(b->of_licence.relid, "issued_on", DATEOID);
}

/* A total below zero between two triggers of one statement is ours to judge. */
static bool
is_own_check(const char *name)
{
	static const char *const own[] = {"licence_uses_not_negative", "licence_item_drawn_not_negative", "quota_drawn_not_negative"};

	for (int i = 0; i < lengthof(own); i++)
	{
		if (strcmp(name, own[i]) == 0)
			return true;
	}
	return false;
}

/* Whether an expression depends on the total: by name, through a generated column, or as part of the whole row. */
static bool
reads_sum(TupleDesc desc, const char *expression, AttrNumber sum)
{
	Bitmapset  *columns = NULL;
	int			member = -1;

	pull_varattnos(stringToNode(expression), 1, &columns);
	while ((member = bms_next_member(columns, member)) >= 0)
	{
		AttrNumber	att = member + FirstLowInvalidHeapAttributeNumber;

		if (att == sum || att == 0 || (att > 0 && TupleDescAttr(desc, att - 1)->attgenerated))
			return true;
	}
	return false;
}

static bool
has_check_of_sum(const LedgerTable *t)
{
	Relation	rel = table_open(t->relid, AccessShareLock);
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	bool		result = false;

	for (int i = 0; constr != NULL && i < constr->num_check && !result; i++)
		result = !is_own_check(constr->check[i].ccname) &&
			reads_sum(RelationGetDescr(rel), constr->check[i].ccbin, t->sum);
	table_close(rel, AccessShareLock);
	return result;
}

static bool
has_full_generated_column(const LedgerTable *t)
{
	Relation	rel = table_open(t->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		result = false;

	for (int i = 0; i < desc->natts && !result; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		result = !att->attisdropped && att->attgenerated && att->attnotnull;
	}
	table_close(rel, AccessShareLock);
	return result;
}

/* Deferred constraints are checked, and foreign keys kept, by triggers, which draws do not fire. */
static void
refuse_unique_sum(const LedgerTable *t)
{
	Relation	rel = table_open(t->relid, AccessShareLock);
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		for (int i = 0; (form->indisunique || form->indisexclusion) && i < form->indnkeyatts; i++)
		{
			if (form->indkey.values[i] == t->sum)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("index \"%s\" makes the total of ledger \"%s\" unique",
								RelationGetRelationName(index), RelationGetRelationName(rel)),
						 errdetail("Draws change totals without the triggers by which constraints are deferred and foreign keys kept."),
						 errhint("Drop it.")));
		}
		index_close(index, AccessShareLock);
	}
	table_close(rel, AccessShareLock);
}

static void
find_ledger_key(LedgerTable *t, const char *const *names, const Oid *types, int nkeys)
{
	t->pkey = find_pkey(t->relid, names, types, nkeys, true, t->key);
	t->nkeys = nkeys;
	for (int i = 0; i < nkeys; i++)
		t->key_att[i] = find_column(t->relid, names[i], InvalidOid);
	t->checked = has_check_of_sum(t) || has_full_generated_column(t);
	refuse_unique_sum(t);
}

static void
find_ledgers(Books *b)
{
	static const char *const item_key[] = {"licence", "line"};
	static const char *const licence_key[] = {"licence"};
	static const char *const quota_key[] = {"quota_id"};
	Oid			item_key_types[] = {rt_type_oid("licence_id"), INT4OID};
	static const Oid quota_key_types[] = {TEXTOID};
	Oid			mass = rt_type_oid("mass");

	b->item.sum = find_full_column(b->item.relid, "drawn", mass);
	b->item.granted = find_full_column(b->item.relid, "granted", mass);
	b->item.tolerance = find_full_column(b->item.relid, "tolerance", NUMERICOID);
	b->item.terms = find_full_column(b->item.relid, "terms", INT8OID);
	find_ledger_key(&b->item, item_key, item_key_types, 2);

	b->licence.sum = find_full_column(b->licence.relid, "uses", INT4OID);
	b->licence.sum_is_int4 = true;
	b->licence.granted = find_column(b->licence.relid, "max_uses", INT4OID);
	find_ledger_key(&b->licence, licence_key, item_key_types, 1);

	b->quota.sum = find_full_column(b->quota.relid, "drawn", mass);
	b->quota.granted = find_full_column(b->quota.relid, "granted", mass);
	find_ledger_key(&b->quota, quota_key, quota_key_types, 1);
}

/* What is read by queries: of other types they would fail by themselves. */
static void
find_reference_columns(Books *b)
{
	static const char *const of_controls[] = {"code", "element", "form", "threshold", "with_elements", "guard", "valid", "suspended"};
	static const char *const of_quotas[] = {"holder", "stage", "ore_class", "period", "withdrawn"};
	Oid			quota_types[] = {TEXTOID, rt_type_oid("stage"), TEXTOID, DATERANGEOID, BOOLOID};

	for (int i = 0; i < lengthof(of_controls); i++)
		find_full_column(b->control_list, of_controls[i], InvalidOid);
	for (int i = 0; i < lengthof(of_quotas); i++)
		find_full_column(b->quota.relid, of_quotas[i], quota_types[i]);
	find_full_column(b->facility, "party_id", TEXTOID);
}

/* A registry without journal is one all the same. */
static void
find_journal(Books *b)
{
	static const char *const key[] = {"party"};
	static const Oid key_types[] = {TEXTOID};

	if (!OidIsValid(b->journal))
		return;
	b->journal_head_pkey = find_pkey(b->journal_head, key, key_types, 1, true, &b->journal_head_key);
	b->journal_head_att[HEAD_SEQ_COLUMN] = find_full_column(b->journal_head, "seq", INT8OID);
	b->journal_head_att[HEAD_HASH_COLUMN] = find_full_column(b->journal_head, "hash", BYTEAOID);
}

/*
 * Plans follow DDL on the tables by themselves, but not a new name of the schema
 * or a new owner.  Those are too rare to care about the memory: a statement
 * further out may be running one of the plans.
 */
static void
set_name_and_owner(Books *b, const char *nspname, Oid owner)
{
	if (b->nspname != NULL && b->owner == owner && strcmp(b->nspname, nspname) == 0)
		return;
	b->nspname = MemoryContextStrdup(TopMemoryContext, nspname);
	b->owner = owner;
	MemSet(b->plan, 0, sizeof(b->plan));
}

/* All of them before anything is read of them, so that no invalidation of one is missed. */
static void
find_tables(Books *b)
{
	b->item.relid = find_table(b, "licence_item");
	b->licence.relid = find_table(b, "licence");
	b->licence_party = find_table(b, "licence_party");
	b->licence_status = find_table(b, "licence_status");
	b->quota.relid = find_table(b, "quota");
	b->party = find_table(b, "party");
	b->facility = find_table(b, "facility");
	b->control_list = find_table(b, "control_list");
	b->violation = find_table(b, "violation");
	b->journal = get_relname_relid("journal", b->nspid);
	b->journal_head = OidIsValid(b->journal) ? find_table(b, "journal_head") : InvalidOid;
}

static void
resolve_books(Books *b)
{
	char	   *nspname = get_namespace_name(b->nspid);
	Relation	rel;

	if (nspname == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RT_REGISTRY_MISSING),
				 errmsg("schema with OID %u does not exist", b->nspid)));
	find_tables(b);
	find_ledgers(b);
	find_licence_tables(b);
	find_reference_columns(b);
	find_journal(b);
	rel = table_open(b->licence.relid, AccessShareLock);
	set_name_and_owner(b, quote_identifier(nspname), rel->rd_rel->relowner);
	table_close(rel, AccessShareLock);
}

Books *
rt_books(Oid nspid)
{
	Books	   *b;
	bool		found;

	if (books_by_schema == NULL)
		make_cache();
	b = hash_search(books_by_schema, &nspid, HASH_ENTER, &found);
	if (!found)
	{
		MemSet((char *) b + sizeof(Oid), 0, sizeof(Books) - sizeof(Oid));
		b->nspid = nspid;
	}
	for (int attempt = 0; !b->valid && attempt < RESOLVE_ATTEMPTS; attempt++)
	{
		/* Set first: an invalidation that arrives meanwhile must not be lost. */
		b->valid = true;
		PG_TRY();
		{
			resolve_books(b);
		}
		PG_CATCH();
		{
			b->valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return b;
}

void
rt_books_admit(Oid ledger, Relation rel)
{
	Oid			owner = RelationGetForm(rel)->relowner;

	if (!OidIsValid(ledger) || pg_class_aclcheck(ledger, owner, ACL_REFERENCES) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("rows of table \"%s\" may not draw on registry \"%s\"", RelationGetRelationName(rel),
					get_namespace_name(get_rel_namespace(ledger))),
			 errdetail("The table's owner \"%s\" has no REFERENCES privilege on the registry's table \"%s\".",
					   GetUserNameFromId(owner, true), get_rel_name(ledger)),
			 errhint("Who owns the registry can grant it, to owners whose tables are trusted."),
			 errtable(rel)));
}

bool
rt_books_may_read(const LedgerTable *ledger)
{
	return pg_class_aclcheck(ledger->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(ledger->relid, ledger->sum, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

void
rt_books_require_journal(const Books *b)
{
	if (!OidIsValid(b->journal))
		(void) find_table(b, "journal");
}

Oid
rt_type_oid(const char *name)
{
	Oid			nspid = get_namespace_oid("retrack", false);
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(nspid));

	if (!OidIsValid(type))
		elog(ERROR, "type \"retrack.%s\" does not exist", name);
	return type;
}

Oid
rt_books_schema(const char *name)
{
	return get_namespace_oid(name, false);
}

void
rt_become_owner(const Books *b, OwnerRights *saved)
{
	GetUserIdAndSecContext(&saved->userid, &saved->context);
	SetUserIdAndSecContext(b->owner,
						   saved->context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
}

void
rt_become_oneself(const OwnerRights *saved)
{
	SetUserIdAndSecContext(saved->userid, saved->context);
}

void
rt_books_execute(Books *b, BooksPlan which, const char *query,
				 int nargs, Oid *types, Datum *values, const char *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	OwnerRights saved;
	int			outcome;

	/* The query has the schema's name, which must be its name until the query is done. */
	LockDatabaseObject(NamespaceRelationId, b->nspid, 0, AccessShareLock);
	if (!b->valid)
		(void) rt_books(b->nspid);
	rt_become_owner(b, &saved);
	if (b->plan[which] == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(psprintf(query, b->nspname), nargs, types);

		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		b->plan[which] = plan;
	}
	CommandCounterIncrement();
	outcome = SPI_execute_snapshot(b->plan[which], values, nulls, GetLatestSnapshot(),
								   IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : InvalidSnapshot,
								   false, true, 0);
	rt_become_oneself(&saved);
	MemoryContextSwitchTo(caller);	/* SPI leaves its own */
	if (outcome < 0)
		elog(ERROR, "rule query failed: %s", SPI_result_code_string(outcome));
}
