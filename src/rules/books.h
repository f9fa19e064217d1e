/*
 * rules/books.h
 *		One registry as the rules see it: where its tables are, and direct
 *		access to its ledgers.
 */
#ifndef RT_RULES_BOOKS_H
#define RT_RULES_BOOKS_H

#include "retrack.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/spi.h"
#include "types/licence_id.h"
#include "types/mass.h"
#include "utils/relcache.h"

#define LEDGER_KEYS_MAX 2

/* A table with a running total that draws change: licence_item, licence, quota. */
typedef struct LedgerTable
{
	Oid			relid;
	Oid			pkey;			/* its primary key's index */
	int			nkeys;
	ScanKeyData key[LEDGER_KEYS_MAX];	/* all but the argument filled in */
	AttrNumber	key_att[LEDGER_KEYS_MAX];
	AttrNumber	sum;			/* drawn, or uses (int4) */
	bool		sum_is_int4;
	AttrNumber	granted;		/* granted, or max_uses; may be null in a row */
	AttrNumber	terms;			/* 0: the table has none */
	AttrNumber	tolerance;		/* 0: the table has none */
	bool		checked;		/* somebody added a CHECK of the total, or NOT NULL to what follows from it */
} LedgerTable;

/* Columns of the tables that describe a licence. */
enum
{
	LICENCE_HOLDER_COLUMN = 0,
	LICENCE_VALID_COLUMN,
	LICENCE_STATUS_COLUMN,
	LICENCE_WITHDRAWN_COLUMN,
	LICENCE_MAX_USES_COLUMN,
	LICENCE_DESTINATIONS_COLUMN,

	ITEM_LINE_COLUMN = 0,
	ITEM_TERMS_COLUMN,
	ITEM_CONTROL_CODE_COLUMN,
	ITEM_WITHDRAWN_COLUMN,
	ITEM_HS_CODE_COLUMN,
	ITEM_FORM_COLUMN,

	PARTY_ROLE_COLUMN = 0,
	PARTY_ID_COLUMN,
	PARTY_WITHDRAWN_COLUMN,

	HEAD_SEQ_COLUMN = 0,
	HEAD_HASH_COLUMN,
	HEAD_COLUMNS,

	STATUS_SINCE_COLUMN = 0,
	STATUS_STATUS_COLUMN,

	LICENCE_TABLE_COLUMNS_MAX = 6
};

/* A table whose primary key begins with the licence. */
typedef struct LicenceTable
{
	Oid			relid;
	Oid			pkey;
	ScanKeyData key;			/* = licence; all but the argument filled in */
	ScanKeyData from;			/* >= licence */
	AttrNumber	licence;
	AttrNumber	att[LICENCE_TABLE_COLUMNS_MAX];
} LicenceTable;

typedef struct ControlList ControlList;
typedef struct QuotaTree QuotaTree;

/* Kept plans of one registry, prepared on first use. */
typedef enum BooksPlan
{
	PLAN_CONTROL_LIST,
	PLAN_FACILITY_QUOTAS,
	PLAN_LOCK_LICENCE,
	PLAN_LICENCE_DIFFERENCES,
	PLAN_LICENCE_USES,
	PLAN_WRITE_STATUS,
	PLAN_SOURCES,
	PLAN_REBOOK_ITEMS,
	PLAN_REBOOK_LICENCES,
	PLAN_REBOOK_QUOTAS,
	PLAN_FACILITY_PARTY,
	PLAN_MAKE_HEAD,
	PLAN_WRITE_JOURNAL,
	PLAN_ANY_OPEN,
	PLAN_OPEN_VIOLATIONS,
	PLAN_RESOLVE_VIOLATIONS,
	PLAN_RECORD_VIOLATIONS,
	PLAN_RESOLVE_LOST,
	PLAN_RESOLVE_SETTLED,
	PLAN_LICENCE_DIFFERS,
	PLAN_QUOTAS_DIFFER,
	PLAN_COUNT
} BooksPlan;

/*
 * What is looked up in the catalogs takes in changes of them meanwhile, and is then
 * looked up again; so many times, since where every look-up discards what is known
 * (debug_discard_caches) that would never end.  What was found last is used, once.
 */
#define RESOLVE_ATTEMPTS 3

/*
 * A registry's tables.  Entries live as long as the backend and are rebuilt in
 * place when DDL touched one of the tables, so a pointer stays good.
 */
typedef struct Books
{
	Oid			nspid;			/* hash key */
	bool		valid;			/* false: resolve again before use */
	char	   *nspname;		/* quoted */
	Oid			owner;			/* of licence: whose rights the rules use */
	Oid			licence_party;
	Oid			licence_status;
	Oid			party;
	Oid			facility;
	Oid			control_list;
	Oid			violation;
	LedgerTable licence;
	LedgerTable item;
	LedgerTable quota;
	LicenceTable of_licence;
	LicenceTable of_items;
	LicenceTable of_parties;
	LicenceTable of_status;
	Oid			journal;		/* 0: the schema has none, nor what follows */
	Oid			journal_head;
	Oid			journal_head_pkey;
	ScanKeyData journal_head_key;	/* all but the argument filled in */
	AttrNumber	journal_head_att[HEAD_COLUMNS];
	SPIPlanPtr	plan[PLAN_COUNT];
	ControlList *controls;
	bool		controls_valid; /* false: to be loaded (again) */
	QuotaTree  *quotas;
	bool		quotas_valid;	/* ditto */
} Books;

/*
 * The registry in schema "nspid", resolved.  Raises RTR02 if the schema holds
 * none.  Must be called anew by each statement.
 */
extern Books *rt_books(Oid nspid);

/* Control lists, or quota trees, of all registries are to be read again. */
extern void rt_books_forget_reference(bool controls, bool quotas);

/*
 * Refuses (42501) a rule trigger on a table whose owner lacks REFERENCES on the
 * registry's ledger: the rows would draw on it, and give back, with its owner's
 * rights.
 */
extern void rt_books_admit(Oid ledger, Relation rel);

/* Raises RTR02 if the registry has no journal. */
extern void rt_books_require_journal(const Books *b);

/* Whether the session's user may read the ledger: others are not told its figures. */
extern bool rt_books_may_read(const LedgerTable *ledger);

/* One of the extension's types by its name. */
extern Oid	rt_type_oid(const char *name);

/* The schema of that name; raises 3F000 if there is none. */
extern Oid	rt_books_schema(const char *name);

/*
 * Runs one of the kept plans with the ledger owner's rights on the newest
 * committed state and our own changes, whatever the isolation level; expects an
 * SPI connection.  "query" is a format with the quoted schema name as %1$s.
 */
extern void rt_books_execute(Books *b, BooksPlan which, const char *query,
							 int nargs, Oid *types, Datum *values, const char *nulls);

/* Switches to the ledger owner's rights, as foreign key checks do, and back. */
typedef struct OwnerRights
{
	Oid			userid;
	int			context;
} OwnerRights;
extern void rt_become_owner(const Books *b, OwnerRights *saved);
extern void rt_become_oneself(const OwnerRights *saved);

/* A tolerance of 1 (all that is left, once more). */
#define TOLERANCE_UNITS INT64CONST(1000000000000000)

/*
 * Direct ledger access.  Draws change the heap tuple itself instead of running
 * an UPDATE: no rights on the ledger are needed, no trigger or rule of the
 * ledger is in the way (so that ordinary triggers can refuse every other
 * change of it), and a draw costs a third.
 */
typedef struct Ledger
{
	const LedgerTable *table;
	Relation	rel;			/* NULL: not open */
	Relation	index;			/* of the primary key; NULL: not needed yet */
	TupleTableSlot *slot;		/* the row as it was found */
	TupleTableSlot *changed;	/* the row as it was stored */
	ItemPointer hint;			/* where the index last pointed for the key; may be wrong; NULL: none is kept */
} Ledger;

/* What a draw found and left. */
typedef struct LedgerRow
{
	int64		sum;			/* after the change */
	int64		granted;
	bool		granted_null;
	int64		terms;
	int64		tolerance;		/* in TOLERANCE_UNITS; 0 while the total is within what was granted */
} LedgerRow;

/* Index entries for a row version whose update asks for them. */
extern void rt_ledger_index_row(Relation rel, TupleTableSlot *slot, RtUpdateIndexes update_indexes);

extern void rt_ledger_open(Ledger *ledger, const LedgerTable *table);
extern void rt_ledger_close(Ledger *ledger);

/*
 * Adds "delta" to the row's total, and stores "terms" unless it is NULL,
 * waiting for whoever changed the row before us.  False: there is no such row.
 * Raises 40001 where an UPDATE at this isolation level would, and 22003 if the
 * total leaves its type.  The caller must have called CommandCounterIncrement
 * since this command last changed the row.
 */
extern bool rt_ledger_add(Ledger *ledger, const Datum *key, int64 delta, const int64 *terms, LedgerRow *row);

/* The row as last committed, without lock.  False: there is no such row. */
extern bool rt_ledger_read(const LedgerTable *table, const Datum *key, LedgerRow *row);

#endif							/* RT_RULES_BOOKS_H */
