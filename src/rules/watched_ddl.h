/*
 * rules/watched_ddl.h
 *		What a DDL command, as its parse tree says, may do to tables that rules or
 *		journal watch.
 */
#ifndef RT_RULES_WATCHED_DDL_H
#define RT_RULES_WATCHED_DDL_H

#include "retrack.h"
#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"

/* Whether rules or journal watch the table, one that it is a partition of, or a partition of it. */
extern bool rt_ddl_concerns(const RangeVar *table);

/* Whether the command is an ALTER TABLE with a part of one of these types. */
extern bool rt_ddl_alters(Node *command, const AlterTableType *types, int ntypes);

/*
 * Whether the command can change a watched table's name, its partitions, its key, the
 * columns that rules read or whether it is journalled: most do not, and cost nothing then.
 */
extern bool rt_ddl_matters(Node *command);

/*
 * The columns of rows that are there for which the command says what their values become,
 * as "a.b" in TopMemoryContext; NULL: none.
 */
extern char *rt_ddl_computed_columns(Node *command);

/* The table that the command gives a partition, by its name; NULL: none. */
extern const RangeVar *rt_ddl_grown_table(Node *command);

/* The one table that the command is about; 0: it may be several. */
extern Oid	rt_ddl_altered_table(Node *command);

/* The tables that the command is about as an array's text; NULL: it may be any. */
extern char *rt_ddl_altered_tables(Node *command);

/* Whether the command switches triggers on or off, or drops one, which concerns the journal alone. */
extern bool rt_ddl_switches_triggers(Node *command);

extern bool rt_ddl_detaches_concurrently(Node *command);

/* The lock that the command takes on the table it alters, which goes to "table"; NoLock: we need not care. */
extern LOCKMODE rt_ddl_lock(Node *command, const RangeVar **table);

extern bool rt_ddl_changes_table_name(Node *command);

#endif							/* RT_RULES_WATCHED_DDL_H */
