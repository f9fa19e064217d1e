/*
 * rules/journal_chain.h
 *		The hash chains of the journal: one per party, each ending in a row of
 *		journal_head that is locked while entries are appended.
 */
#ifndef RT_RULES_JOURNAL_CHAIN_H
#define RT_RULES_JOURNAL_CHAIN_H

#include "retrack.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "rules/books.h"
#include "rules/row_values.h"
#include "storage/itemptr.h"

/* A party's chain, once locked. */
typedef struct ChainHead
{
	text	   *party;
	int			rank;			/* in the order of locking */
	int64		seq;
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	ItemPointerData tid;		/* of its row, locked */
	struct AddedRows *added;	/* that came and are in no entry yet, or NULL */
} ChainHead;

/* Elements of an array; n -1: null. */
typedef struct WordList
{
	int			n;
	const Word *word;
} WordList;

/*
 * An entry but for its place in the chain: one row that was changed or removed, or
 * rows that came.
 */
typedef struct JournalEntry
{
	const char *op;				/* insert, update, delete, move */
	WordList	row_keys;
	Word		before;			/* JSON */
	WordList	after_digests;	/* SHA-256 of each row after the change, as JSON */
} JournalEntry;

/* What all entries of a statement share. */
typedef struct JournalStamp
{
	TimestampTz recorded_at;
	const char *who;
	const char *relation;
} JournalStamp;

/* SHA-256 of the bytes. */
extern void rt_sha256(pg_cryptohash_ctx *sha, const void *data, size_t len, uint8 *result);

/* The entry's hash into result, which "previous" may be; buf is emptied and used. */
extern void rt_journal_hash(pg_cryptohash_ctx *sha, StringInfo buf, const uint8 *previous,
							Word party, int64 seq, const JournalStamp *stamp, const JournalEntry *e, uint8 *result);

/* Sorts the heads in the order all sessions lock them in, locks and reads them; new parties begin with zeros. */
extern void rt_journal_lock_heads(Books *b, ChainHead **heads, int n);

/* Stores the heads, which have been locked. */
extern void rt_journal_write_heads(Books *b, ChainHead **heads, int n);

#endif							/* RT_RULES_JOURNAL_CHAIN_H */
