/*
 * rules/rule_columns.c
 *		Trigger arguments: which columns the rules read, which registry they
 *		ask, and what they do about a violation.
 */
#include "rules/rule_columns.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "rules/books.h"
#include "rules/merge_moves.h"
#include "rules/row_json.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "lib/stringinfo.h"

static HTAB *rule_tables = NULL;

static void
invalidate_rule_table(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	RuleTable  *t;

	hash_seq_init(&seq, rule_tables);
	while ((t = hash_seq_search(&seq)) != NULL)
	{
		if (relid == InvalidOid || relid == t->relid || relid == t->rootid)
			t->valid = false;
	}
}

/*
 * A schema got another name: what 'registry=' names may be another one now.  A
 * cast came or went: rows as JSON may be written by it.
 */
static void
invalidate_rule_tables(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate_rule_table(arg, InvalidOid);
}

/* Where columns are looked for: a table, or a query's result (rel is NULL). */
typedef struct ColumnSource
{
	Relation	rel;
	TupleDesc	desc;
} ColumnSource;

static char *
source_name(const ColumnSource *src)
{
	return src->rel != NULL ? psprintf("table \"%s\"", RelationGetRelationName(src->rel)) : pstrdup("the query");
}

/* The source's columns for a message: "a text, b date". */
static char *
list_columns(const ColumnSource *src)
{
	TupleDesc	desc = src->desc;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped)
			appendStringInfo(&buf, "%s%s %s", buf.len > 0 ? ", " : "",
							 NameStr(att->attname), format_type_be(att->atttypid));
	}
	return buf.data;
}

static const char *
rule_type_name(RuleType type)
{
	switch (type)
	{
		case RULE_TYPE_TEXT:
			return "text";
		case RULE_TYPE_DATE:
			return "date";
		case RULE_TYPE_BOOL:
			return "boolean";
		case RULE_TYPE_LICENCE_ID:
			return "retrack.licence_id";
		case RULE_TYPE_FORM:
			return "retrack.form";
		case RULE_TYPE_STAGE:
			return "retrack.stage";
		case RULE_TYPE_MASS:
			return "retrack.mass";
		case RULE_TYPE_ASSAY:
			return "retrack.assay";
	}
	return "?";
}

static bool
type_fits(RuleType wanted, Oid type)
{
	switch (wanted)
	{
		case RULE_TYPE_TEXT:
			return type == TEXTOID || type == VARCHAROID;
		case RULE_TYPE_DATE:
			return type == DATEOID;
		case RULE_TYPE_BOOL:
			return type == BOOLOID;
		default:
			return type == rt_type_oid(rule_type_name(wanted) + strlen("retrack."));
	}
}

/* A trigger's rows do not have the values of virtual columns. */
static void
refuse_virtual(const ColumnSource *src, Form_pg_attribute att, const char *keyword)
{
	if (att->attgenerated != RT_GENERATED_VIRTUAL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" of %s is generated when it is read, so the rules cannot see its value",
					NameStr(att->attname), source_name(src)),
			 errhint("Make it STORED, or name another column by the argument '%s=...'.", keyword),
			 src->rel != NULL ? errtablecol(src->rel, att->attnum) : 0));
}

/* Finds one column; "given" says that an argument names it. */
static AttrNumber
resolve_column(const ColumnSource *src, const RuleColumn *column, const char *name, bool given)
{
	TupleDesc	desc = src->desc;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), name) != 0)
			continue;
		refuse_virtual(src, att, column->keyword);
		if (!type_fits(column->type, getBaseType(att->atttypid)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of %s is of type %s, but the rules need %s",
							name, source_name(src), format_type_be(att->atttypid),
							rule_type_name(column->type)),
					 errdetail("Its columns are: %s.", list_columns(src)),
					 errhint("Name another column by the argument '%s=...'.", column->keyword),
					 src->rel != NULL ? errtablecol(src->rel, i + 1) : 0));
		return i + 1;
	}
	if (given || column->required)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column \"%s\"", source_name(src), name),
				 errdetail("Its columns are: %s.", list_columns(src)),
				 errhint("Name the column with the %s by the argument '%s=...'.",
						 rule_type_name(column->type), column->keyword),
				 src->rel != NULL ? errtable(src->rel) : 0));
	return InvalidAttrNumber;
}

/* The value of argument "keyword", or NULL. */
static const char *
find_argument(int nargs, char **args, const char *keyword)
{
	size_t		len = strlen(keyword);

	for (int i = 0; i < nargs; i++)
	{
		if (strncmp(args[i], keyword, len) == 0 && args[i][len] == '=')
			return args[i] + len + 1;
	}
	return NULL;
}

static bool
is_keyword(const RuleSpec *spec, const char *arg)
{
	char	   *eq = strchr(arg, '=');
	char	   *word;

	if (eq == NULL || eq[1] == '\0')
		return false;
	word = pnstrdup(arg, eq - arg);
	if (strcmp(word, "registry") == 0 || strcmp(word, "mode") == 0 || strcmp(word, "key") == 0)
		return true;
	for (int i = 0; i < spec->ncolumns; i++)
	{
		if (strcmp(word, spec->columns[i].keyword) == 0)
			return true;
	}
	for (int i = 0; spec->others[i] != NULL; i++)
	{
		if (strcmp(word, spec->others[i]) == 0)
			return true;
	}
	return false;
}

/* The n-th argument's keyword must not have come before: which of both holds would be anybody's guess. */
static void
check_argument_is_single(const RuleSpec *spec, int n, char **args)
{
	size_t		len = strchr(args[n], '=') - args[n] + 1;

	for (int i = 0; i < n; i++)
	{
		if (strncmp(args[i], args[n], len) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument of %s given twice: \"%s\" and \"%s\"", spec->function, args[i], args[n])));
	}
}

static void
check_arguments(const RuleSpec *spec, int nargs, char **args)
{
	StringInfoData words;

	for (int i = 0; i < nargs; i++)
	{
		if (is_keyword(spec, args[i]))
		{
			check_argument_is_single(spec, i, args);
			continue;
		}
		initStringInfo(&words);
		appendStringInfoString(&words, "registry, mode, key");
		for (int j = 0; j < spec->ncolumns; j++)
			appendStringInfo(&words, ", %s", spec->columns[j].keyword);
		for (int j = 0; spec->others[j] != NULL; j++)
			appendStringInfo(&words, ", %s", spec->others[j]);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument of %s: \"%s\"", spec->function, args[i]),
				 errhint("Arguments are 'keyword=value' with one of these keywords: %s.", words.data)));
	}
}

static bool
parse_mode(const RuleSpec *spec, const char *mode)
{
	if (mode == NULL || strcmp(mode, "reject") == 0)
		return false;
	if (strcmp(mode, "record") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid mode of %s: \"%s\"", spec->function, mode),
				 errhint("Modes are \"reject\" and \"record\".")));
	return true;
}

/* Adds the columns of 'key=a,b' to the key. */
static void
resolve_named_key(RuleTable *t, const ColumnSource *src, const char *key)
{
	char	   *rest = pstrdup(key);
	char	   *word;

	while ((word = strsep(&rest, ",")) != NULL)
	{
		AttrNumber	attnum = InvalidAttrNumber;

		if (t->nkeys == RULE_KEY_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_TOO_MANY_COLUMNS),
					 errmsg("argument \"key\" names more than %d columns", RULE_KEY_MAX)));
		for (int i = 0; i < src->desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(src->desc, i);

			if (att->attisdropped || strcmp(NameStr(att->attname), word) != 0)
				continue;
			refuse_virtual(src, att, "key");
			attnum = i + 1;
		}
		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("%s has no column \"%s\"", source_name(src), word),
					 errdetail("Its columns are: %s.", list_columns(src)),
					 errhint("Name the columns that identify a row by the argument 'key=...'.")));
		t->key[t->nkeys++] = attnum;
	}
}

/* Looks up how the key's columns are written. */
static void
resolve_key_output(RuleTable *t, TupleDesc desc)
{
	for (int i = 0; i < t->nkeys; i++)
	{
		Oid			type = getBaseType(TupleDescAttr(desc, t->key[i] - 1)->atttypid);
		bool		is_text = type == TEXTOID || type == VARCHAROID;
		Oid			output;
		bool		varlena;

		if (!is_text && type != INT4OID && type != INT8OID)
			t->key_depends = true;
		t->key_is_text = is_text && t->nkeys == 1;
		getTypeOutputInfo(type, &output, &varlena);
		fmgr_info_cxt(output, &t->key_output[i], TopMemoryContext);
	}
}

/*
 * The primary key's columns in the index's order, which partitions share with the
 * table above them; their columns' numbers may be in another one.
 */
static void
resolve_primary_key(RuleTable *t, Relation rel)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisprimary && form->indisvalid)
		{
			if (!form->indimmediate)
				t->deferrable_key = get_index_constraint(form->indexrelid);
			for (int i = 0; i < form->indnkeyatts; i++)
				t->key[t->nkeys++] = form->indkey.values[i];
		}
		index_close(index, AccessShareLock);
	}
}

/* The columns that name a row: those of 'key=a,b', else the primary key's, else a query's first. */
static void
resolve_key(RuleTable *t, const ColumnSource *src, const char *key)
{
	t->nkeys = 0;
	if (key != NULL)
		resolve_named_key(t, src, key);
	else if (src->rel == NULL)
		t->key[t->nkeys++] = 1;
	else
		resolve_primary_key(t, src->rel);
	resolve_key_output(t, src->desc);
}

/*
 * The topmost partitioned table.  While DETACH PARTITION CONCURRENTLY is under way,
 * or was broken off, the partition belongs to it for some sessions and not for
 * others, so the row's key cannot be told from its namesake's.
 */
static Oid
find_root(Relation rel)
{
	List	   *ancestors = rel->rd_rel->relispartition ? get_partition_ancestors(RelationGetRelid(rel)) : NIL;
	Oid			root = ancestors == NIL ? RelationGetRelid(rel) : llast_oid(ancestors);

	if (get_rel_relispartition(root))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition \"%s\" is being detached", get_rel_name(root)),
				 errdetail("Its rows cannot be booked until it is known whose they are."),
				 errhint("Wait for ALTER TABLE ... DETACH PARTITION CONCURRENTLY to end, or complete it with ALTER TABLE ... DETACH PARTITION ... FINALIZE."),
				 errtable(rel)));
	return root;
}

/* Its "schema.table": violations outlive partitions. */
static char *
root_name(Oid relid)
{
	return psprintf("%s.%s", get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

/* What triggers and queries have in common: columns, key, mode and other arguments. */
static void
fill_from_source(RuleTable *t, const ColumnSource *src, const RuleSpec *spec, int nargs, char **args)
{
	check_arguments(spec, nargs, args);
	t->spec = spec;
	t->record = parse_mode(spec, find_argument(nargs, args, "mode"));
	t->last_att = 0;
	for (int i = 0; i < spec->ncolumns; i++)
	{
		const char *name = find_argument(nargs, args, spec->columns[i].keyword);

		t->att[i] = resolve_column(src, &spec->columns[i],
								   name != NULL ? name : spec->columns[i].name, name != NULL);
		t->last_att = Max(t->last_att, t->att[i]);
	}
	t->key_is_named = find_argument(nargs, args, "key") != NULL;
	resolve_key(t, src, find_argument(nargs, args, "key"));
	for (int i = 0; spec->others[i] != NULL; i++)
	{
		const char *value = find_argument(nargs, args, spec->others[i]);

		t->other[i] = value != NULL ? MemoryContextStrdup(TopMemoryContext, value) : NULL;
	}
}

void
rt_rule_table_fill(RuleTable *t, Relation rel, const RuleSpec *spec, int nargs, char **args)
{
	ColumnSource src = {rel, RelationGetDescr(rel)};
	const char *registry = find_argument(nargs, args, "registry");

	t->relid = RelationGetRelid(rel);
	fill_from_source(t, &src, spec, nargs, args);
	t->registry = registry != NULL ? rt_books_schema(registry) : RelationGetNamespace(rel);
	t->rootid = find_root(rel);
	t->root_nspid = get_rel_namespace(t->rootid);
	t->root = MemoryContextStrdup(TopMemoryContext, root_name(t->rootid));
}

/* The key's columns that are never null, by their numbers in "root". */
static Bitmapset *
key_columns_of(const RuleTable *t, Relation rel, Relation root)
{
	Bitmapset  *columns = NULL;

	for (int i = 0; i < t->nkeys; i++)
	{
		const char *name = NameStr(TupleDescAttr(RelationGetDescr(rel), t->key[i] - 1)->attname);
		AttrNumber	att = get_attnum(RelationGetRelid(root), name);

		if (att > 0 && rt_column_is_full(RelationGetDescr(root), att - 1))
			columns = bms_add_member(columns, att);
	}
	return columns;
}

/* Whether the index allows each combination of these columns once, at every moment. */
static bool
index_tells_apart(Relation index, Bitmapset *columns)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (!bms_is_member(form->indkey.values[i], columns))
			return false;
	}
	return true;
}

/*
 * Whether no two rows of the whole table, partitions included, have the same key.
 * If they had, a recorded row, which drew nothing, could be taken for one that did.
 */
static bool
key_tells_apart(const RuleTable *t, Relation rel)
{
	Relation	root = table_open(t->rootid, AccessShareLock);
	Bitmapset  *columns = key_columns_of(t, rel, root);
	List	   *indexes = RelationGetIndexList(root);
	ListCell   *lc;
	bool		result = false;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result = result || index_tells_apart(index, columns);
		index_close(index, AccessShareLock);
	}
	table_close(root, AccessShareLock);
	return result;
}

/* Where the key must be unique: who draws is told by it, and which row an entry of the journal is about. */
static void
check_key(const RuleTable *t, Relation rel)
{
	bool		journalled = t->spec->nrules == 0 && t->key_is_named;

	if (!(t->record || journalled) || key_tells_apart(t, rel))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s needs rows that can be told apart, but nothing keeps the key of table \"%s\" unique",
					t->record ? "mode=record" : "the journal", RelationGetRelationName(rel)),
			 t->record ?
			 errdetail("A recorded row draws nothing, so it must be known when it is changed or removed.") :
			 errdetail("What several rows with one key were could not be told from its entries."),
			 errhint("The columns of 'key=...' must be NOT NULL and have a unique index, not a deferrable one, on the partitioned table if there is one."),
			 errtable(rel)));
}

/* Rows that a crash or the end of a session takes away would stay drawn. */
static void
check_persistence(Relation rel)
{
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("rules cannot watch table \"%s\", which is %s", RelationGetRelationName(rel),
					rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP ? "temporary" : "unlogged"),
			 errdetail("Its rows can vanish without being given back."),
			 errtable(rel)));
}

/*
 * "a.b.c" can be two tables, one in schema "a" and one in "a.b": the rows of one
 * would be taken for the other's where they are recorded or journalled.
 */
static void
check_name(const RuleTable *t, Relation rel)
{
	for (const char *dot = strchr(t->root, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
	{
		Oid			nspid = get_namespace_oid(pnstrdup(t->root, dot - t->root), true);
		Oid			other = OidIsValid(nspid) ? get_relname_relid(dot + 1, nspid) : InvalidOid;

		if (!OidIsValid(other) || other == t->rootid)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rules cannot watch table \"%s\", whose name could be another table's", RelationGetRelationName(rel)),
				 errdetail("Violations and journal would call both \"%s\".", t->root),
				 errhint("Rename one of the tables or schemas."),
				 errtable(rel)));
	}
}

/* What a trigger's table must be, apart from its columns. */
static void
check_table(const RuleTable *t, Relation rel)
{
	check_persistence(rel);
	check_name(t, rel);
	if (t->record && t->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("mode=record needs rows that can be told apart, but table \"%s\" has no primary key",
						RelationGetRelationName(rel)),
				 errdetail("A recorded row draws nothing, so it must be known when it is changed or removed."),
				 errhint("Name the columns that identify a row by the argument 'key=...'."),
				 errtable(rel)));
	check_key(t, rel);
	if (!rel->rd_rel->relispartition && has_superclass(RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rules cannot watch table \"%s\", which inherits from another one", RelationGetRelationName(rel)),
				 errdetail("Rows changed through that table would not be booked."),
				 errhint("Use partitions instead of inheritance, or ALTER TABLE ... NO INHERIT."),
				 errtable(rel)));
	if (rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(rel), NoLock) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rules cannot watch table \"%s\", which other tables inherit from",
						RelationGetRelationName(rel)),
				 errdetail("Rows written to those tables would not be booked, but would be given back through this one."),
				 errhint("Use partitions instead of inheritance."),
				 errtable(rel)));
}

void
rt_rule_table_fill_query(RuleTable *t, TupleDesc desc, const RuleSpec *spec, int nargs, char **args)
{
	ColumnSource src = {NULL, desc};

	fill_from_source(t, &src, spec, nargs, args);
}

/* Frees what an earlier resolution put into TopMemoryContext. */
static void
clear_rule_table(RuleTable *t)
{
	if (t->root != NULL)
		pfree(t->root);
	for (int i = 0; i < lengthof(t->other); i++)
	{
		if (t->other[i] != NULL)
			pfree(t->other[i]);
	}
	/* A statement further out may be writing with it. */
	if (t->json != NULL)
		rt_row_json_retire(t->json);
	MemSet((char *) t + sizeof(Oid), 0, sizeof(RuleTable) - sizeof(Oid));
}

void
rt_rule_table_lock_names(const RuleTable *t)
{
	if (t->rootid != t->relid)
		LockRelationOid(t->rootid, AccessShareLock);
	LockDatabaseObject(NamespaceRelationId, t->root_nspid, 0, AccessShareLock);
}

/*
 * What is recorded names the topmost table and its schema, and is looked for by
 * these names when rows are taken back.  New rows that are refused or drawn name
 * nothing; for the journal's entries who renames waits for the tables' writers.
 */
static void
lock_names(const RuleTable *t, TriggerData *trigdata)
{
	if (t->spec->nrules > 0 && (t->record || !TRIGGER_FIRED_BY_INSERT(trigdata->tg_event)))
		rt_rule_table_lock_names(t);
}

RuleTable *
rt_rule_table(TriggerData *trigdata, const RuleSpec *spec)
{
	RuleTable  *t;
	RuleTable	fresh;
	bool		found;

	if (rule_tables == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(RuleTable)};

		rule_tables = hash_create("retrack rule triggers", 16, &ctl, HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(invalidate_rule_table, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_rule_tables, (Datum) 0);
		CacheRegisterSyscacheCallback(CASTSOURCETARGET, invalidate_rule_tables, (Datum) 0);
	}
	t = hash_search(rule_tables, &trigdata->tg_trigger->tgoid, HASH_ENTER, &found);
	if (!found)
		MemSet((char *) t + sizeof(Oid), 0, sizeof(RuleTable) - sizeof(Oid));
	if (t->valid)
		lock_names(t, trigdata);
	for (int attempt = 0; !t->valid && attempt < RESOLVE_ATTEMPTS; attempt++)
	{
		/*
		 * Set first, with the tables whose invalidations count, so that one
		 * meanwhile is seen; a statement further out may be using the old one.
		 */
		MemSet(&fresh, 0, sizeof(fresh));
		fresh.tgoid = t->tgoid;
		fresh.valid = t->valid = true;
		t->relid = RelationGetRelid(trigdata->tg_relation);
		PG_TRY();
		{
			t->rootid = find_root(trigdata->tg_relation);
			rt_rule_table_fill(&fresh, trigdata->tg_relation, spec,
							   trigdata->tg_trigger->tgnargs, trigdata->tg_trigger->tgargs);
			check_table(&fresh, trigdata->tg_relation);
		}
		PG_CATCH();
		{
			t->valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
		fresh.valid = t->valid;
		clear_rule_table(t);
		*t = fresh;
		lock_names(t, trigdata);
	}
	return t;
}

static void
append_key_part(StringInfo buf, const char *part)
{
	for (const char *p = part; *p != '\0'; p++)
	{
		if (*p == '|' || *p == '\\')
			appendStringInfoChar(buf, '\\');
		appendStringInfoCharMacro(buf, *p);
	}
}

static char *
join_key(RuleTable *t, TupleTableSlot *slot)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < t->nkeys; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, t->key[i], &isnull);

		if (i > 0)
			appendStringInfoChar(&buf, '|');
		if (isnull)
			appendStringInfoString(&buf, "\\N");
		else
			append_key_part(&buf, OutputFunctionCall(&t->key_output[i], value));
	}
	return buf.data;
}

/* A single column's value as it is. */
static char *
single_key(RuleTable *t, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, t->key[0], &isnull);

	if (isnull)
		return pstrdup("");
	return t->key_is_text ? TextDatumGetCString(value) : OutputFunctionCall(&t->key_output[0], value);
}

/* Dates read the same in every session: the key finds the row's violations again. */
char *
rt_rule_row_key(const RuleTable *table, TupleTableSlot *slot)
{
	RuleTable  *t = unconstify(RuleTable *, table);	/* output functions keep notes */
	char	   *key;
	int			nest;

	if (t->nkeys == 0)
		return pstrdup("?");
	nest = t->key_depends ? rt_plain_settings() : 0;
	key = t->nkeys == 1 ? single_key(t, slot) : join_key(t, slot);
	rt_restore_settings(nest);
	return key;
}

static void
refuse_truncate(TriggerData *trigdata, int sqlstate)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("cannot truncate \"%s\"", RelationGetRelationName(trigdata->tg_relation)),
			 errdetail("Its rows are booked, and TRUNCATE does not show which rows it removes."),
			 errhint("Use DELETE, which is booked: what the rows drew is given back, and the journal keeps them."),
			 errtable(trigdata->tg_relation)));
}

void
rt_check_rule_trigger(FunctionCallInfo fcinfo, const char *function, int truncate_sqlstate)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	bool		new_missing,
				old_missing;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be called as a trigger", function)));
	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		refuse_truncate(trigdata, truncate_sqlstate);
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be fired AFTER, FOR EACH STATEMENT", function),
				 errhint("retrack.attach_triggers attaches the triggers as they must be.")));
	new_missing = !TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) && trigdata->tg_newtable == NULL;
	old_missing = !TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && trigdata->tg_oldtable == NULL;
	if (new_missing || old_missing)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s needs REFERENCING %s TABLE", function, new_missing ? "NEW" : "OLD"),
				 errhint("retrack.attach_triggers attaches the triggers as they must be.")));
	rt_merge_moves_check(trigdata);
}
