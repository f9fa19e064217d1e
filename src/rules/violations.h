/*
 * rules/violations.h
 *		Collects what a statement broke, and raises or records it.
 */
#ifndef RT_RULES_VIOLATIONS_H
#define RT_RULES_VIOLATIONS_H

#include "retrack.h"
#include "rules/books.h"
#include "rules/licence_terms.h"
#include "rules/rule_columns.h"
#include "utils/date.h"
#include "utils/tuplestore.h"

#define VIOLATIONS_SHOWN 20		/* in an error's DETAIL */

/* Takes a violation instead of the collection; texts are the caller's. */
typedef void (*ViolationSink) (void *arg, int sqlstate, const char *row_key, Word party,
							   const char *message, AttrNumber column);

typedef struct Violations
{
	ViolationSink sink;			/* NULL: collect */
	void	   *sink_arg;
	const RuleTable *table;
	MemoryContext cxt;			/* holds what must last as long as the collection */
	MemoryContext chunk_cxt;	/* holds what is not yet written down */
	uint64		count;
	int			sqlstate;		/* of the first; RT001 once another one came */
	int			nshown;
	char	   *shown[VIOLATIONS_SHOWN];
	char	   *first;			/* the first one's message */
	AttrNumber	column;			/* the first one's column, 0: none or several */
	/* mode=record: rule, row_key, party, message, as text */
	int			npending;
	Datum	   *pending[4];
	bool	   *pending_null;	/* party is null */
} Violations;

/* Begins an empty collection in the current memory context. */
extern void rt_violations_begin(Violations *v, const RuleTable *table);

/* Whether the next one's message will be read at all. */
static inline bool
violations_want_message(const Violations *v)
{
	return v->nshown < VIOLATIONS_SHOWN || v->table->record || v->sink != NULL;
}

/*
 * Adds one: its SQLSTATE, the row's key, the party it concerns, a sentence
 * without period and the column it is about.  Key and message may be NULL if no
 * message is wanted; all texts are copied.
 */
extern void rt_violations_add(Violations *v, Books *b, int sqlstate, const char *row_key, Word party,
							  const char *message, AttrNumber column);

/* Raises them as one error, unless there are none. */
extern void rt_violations_raise(Violations *v, Relation rel);

/* The lines for an error's DETAIL, bounded. */
extern char *rt_violations_detail(const Violations *v);

/* Writes them to the registry's violation table (mode=record). */
extern void rt_violations_record(Violations *v, Books *b);

/* Whether rows of the table were recorded by another trigger of the statement under way. */
extern bool rt_violations_recorded_by_statement(const RuleTable *table);

/* Whether the table has any row with an open violation. */
extern bool rt_violations_any_open(const RuleTable *table, Books *b);

/*
 * Rows of the table with an open violation, among the given keys (text datums):
 * those draw nothing.  Returns a bool per key.
 */
extern bool *rt_violations_open(const RuleTable *table, Books *b, Datum *keys, int n);

/* Marks the open violations of those rows as resolved. */
extern void rt_violations_resolve(const RuleTable *table, Books *b, Datum *keys, int n);

/*
 * Open violations of rules that begin with "rules" follow their table to its new
 * name: all of them, or those whose keys the query "row_keys" gives.
 */
extern void rt_violations_move(Books *b, const char *rules, const char *old_name, const char *new_name, const char *row_keys);

/* Resolves open violations whose rows are gone; within an SPI connection. */
extern void rt_violations_resolve_lost(Books *b);

/* Resolves open violations of a table whose rows break no rule any more and are to be drawn; false: there are none. */
extern bool rt_violations_resolve_settled(Books *b);

/* Whether there is any, for a table of that name. */
extern bool rt_violations_exist(Books *b, const char *rules, const char *name);

/* Texts for messages, palloc'd; words and licences quoted. */
extern char *rt_word_text(Word w);
extern char *rt_date_text(DateADT date);
extern char *rt_mass_text(Mass m);
extern char *rt_licence_text(LicenceId licence);

#endif							/* RT_RULES_VIOLATIONS_H */
