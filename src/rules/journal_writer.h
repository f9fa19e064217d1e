/*
 * rules/journal_writer.h
 *		Puts entries into the journal, many at a time.
 */
#ifndef RT_RULES_JOURNAL_WRITER_H
#define RT_RULES_JOURNAL_WRITER_H

#include "retrack.h"
#include "nodes/execnodes.h"
#include "rules/books.h"
#include "rules/journal_chain.h"

#define JOURNAL_CHUNK 1000			/* entries kept before they are written ... */
#define JOURNAL_CHUNK_BYTES 1000000 /* ... or that much of rows and keys */

typedef enum JournalField
{
	FIELD_PARTY,
	FIELD_SEQ,
	FIELD_RECORDED_AT,
	FIELD_WHO,
	FIELD_RELATION,
	FIELD_ROW_KEYS,
	FIELD_OP,
	FIELD_BEFORE,
	FIELD_DIGESTS,
	FIELD_HASH,
	FIELD_COUNT
} JournalField;

typedef struct PendingEntry
{
	const ChainHead *head;
	int64		seq;
	Datum		values[FIELD_COUNT];
	bool		nulls[FIELD_COUNT];
} PendingEntry;

typedef struct JournalWriter
{
	Books	   *books;
	const JournalStamp *stamp;
	MemoryContext chunk_cxt;	/* holds the entries; emptied once they are written */
	int			npending;
	int			max_pending;
	int64		bytes;
	PendingEntry *pending;
	Datum		who;
	Datum		relation;
	/* Where entries are stored without a query */
	bool		direct;
	Relation	rel;
	AttrNumber	att[FIELD_COUNT];
	EState	   *estate;
	ResultRelInfo *target;
	TupleTableSlot **slots;
	int			nslots;
} JournalWriter;

/* In the current memory context, which must last until rt_journal_writer_end; stamp too. */
extern void rt_journal_writer_begin(JournalWriter *w, Books *b, const JournalStamp *stamp);

/* The entry that the head's seq and hash are of. */
extern void rt_journal_writer_add(JournalWriter *w, const ChainHead *head, const JournalEntry *e);

/* Writes what is left. */
extern void rt_journal_writer_end(JournalWriter *w);

#endif							/* RT_RULES_JOURNAL_WRITER_H */
