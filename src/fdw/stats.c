/*
 * fdw/stats.c
 *		Shared counters and progress of scans (see stats.h).
 *
 * Shared memory proper is not to be had by a library that is loaded on demand, on
 * all supported versions.  A file that every backend maps gives the same: it stays
 * over restarts, needs no lock and no setting, and pg_stat_tmp is left out of base
 * backups.  Whoever cannot map it counts nothing.
 */
#include "fdw/stats.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#define STATS_FILE "pg_stat_tmp/retrack_fdw.stats"
#define STATS_MAGIC UINT64CONST(0x7265747261636b01)	/* changes with the layout */
#define SERVER_SLOTS 512
#define PROGRESS_SLOTS 256

typedef struct ServerSlot
{
	pg_atomic_uint64 key;		/* database << 32 | server; 0: free */
	pg_atomic_uint64 since;		/* TimestampTz of the first count */
	pg_atomic_uint64 used;		/* of the last one */
	pg_atomic_uint64 counters[STATS_COUNTERS];
} ServerSlot;

struct ProgressSlot
{
	pg_atomic_uint64 key;		/* database << 32 | pid; 0: free */
	pg_atomic_uint64 objects;	/* server << 32 | table */
	pg_atomic_uint64 started;
	pg_atomic_uint64 pages;
	pg_atomic_uint64 records;
	pg_atomic_uint64 bytes;
};

typedef struct StatsFile
{
	uint64		magic;
	ServerSlot	servers[SERVER_SLOTS];
	ProgressSlot progress[PROGRESS_SLOTS];
} StatsFile;

PG_FUNCTION_INFO_V1(fdw_stats_counters);
PG_FUNCTION_INFO_V1(fdw_stats_reset);
PG_FUNCTION_INFO_V1(fdw_progress_slots);

static StatsFile *stats = NULL;
static bool stats_failed = false;

/*
 * Maps the file, making it first if need be.  A new file is full of zeros, which is
 * a valid state; one of another layout is replaced under its name.
 */
static StatsFile *
map_file(void)
{
	StatsFile  *map = NULL;
	int			fd;

	for (int attempt = 0; attempt < 2 && map == NULL; attempt++)
	{
		fd = open(STATS_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return NULL;
		/* allocated in full: a full disk must not become a SIGBUS later */
		if (posix_fallocate(fd, 0, sizeof(StatsFile)) == 0)
			map = mmap(NULL, sizeof(StatsFile), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (map == NULL || map == MAP_FAILED)
			return NULL;
		if (map->magic == 0)
			map->magic = STATS_MAGIC;	/* the same value, whoever writes it */
		if (map->magic != STATS_MAGIC)
		{
			munmap(map, sizeof(StatsFile));
			map = NULL;
			unlink(STATS_FILE);
		}
	}
	return map;
}

static StatsFile *
get_stats(void)
{
	if (stats == NULL && !stats_failed)
	{
		stats = map_file();
		stats_failed = stats == NULL;
	}
	return stats;
}

static void
clear_slot(ServerSlot *slot)
{
	for (int i = 0; i < STATS_COUNTERS; i++)
		pg_atomic_write_u64(&slot->counters[i], 0);
	pg_atomic_write_u64(&slot->since, (uint64) GetCurrentTimestamp());
}

/*
 * The slot of a server, a free one, or the one unused for longest.  Two backends
 * that come at once may both clear it: some counts are lost then, no more.
 */
static ServerSlot *
find_slot(uint64 key)
{
	ServerSlot *oldest = NULL;

	if (get_stats() == NULL)
		return NULL;
	for (int i = 0; i < SERVER_SLOTS; i++)
	{
		ServerSlot *slot = &stats->servers[i];
		uint64		have = pg_atomic_read_u64(&slot->key);

		if (have == key)
			return slot;
		if (have == 0 && pg_atomic_compare_exchange_u64(&slot->key, &have, key))
		{
			clear_slot(slot);
			return slot;
		}
		if (have == key)
			return slot;
		if (oldest == NULL || pg_atomic_read_u64(&slot->used) < pg_atomic_read_u64(&oldest->used))
			oldest = slot;
	}
	pg_atomic_write_u64(&oldest->key, key);
	clear_slot(oldest);
	return oldest;
}

static uint64
slot_key(Oid serverid)
{
	return (uint64) MyDatabaseId << 32 | serverid;
}

void
rt_stats_add(Oid serverid, StatsCounter counter, uint64 n)
{
	ServerSlot *slot = n > 0 ? find_slot(slot_key(serverid)) : NULL;

	if (slot)
		pg_atomic_fetch_add_u64(&slot->counters[counter], (int64) n);
}

void
rt_stats_add_http(Oid serverid, const HttpCounters *http)
{
	ServerSlot *slot = find_slot(slot_key(serverid));
	const struct
	{
		StatsCounter counter;
		uint64		n;
	}			all[] = {
		{STATS_REQUESTS, http->requests}, {STATS_RETRIES, http->retries},
		{STATS_REDIRECTS, http->redirects}, {STATS_NOT_MODIFIED, http->not_modified},
		{STATS_THROTTLED, http->throttled}, {STATS_FAILURES, http->failures},
		{STATS_CONNECTIONS, http->connections}, {STATS_TOKENS, http->tokens},
		{STATS_WIRE_BYTES, http->wire_bytes}, {STATS_DECODED_BYTES, http->decoded_bytes},
		{STATS_WAIT_US, http->wait_us}
	};

	if (slot == NULL)
		return;
	for (int i = 0; i < (int) lengthof(all); i++)
		if (all[i].n > 0)
			pg_atomic_fetch_add_u64(&slot->counters[all[i].counter], (int64) all[i].n);
	pg_atomic_write_u64(&slot->used, (uint64) GetCurrentTimestamp());
}

/* fdw_stats_counters(): server, counters in the enum's order, since; of this database. */
Datum
fdw_stats_counters(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	rt_init_materialized_srf(fcinfo);
	for (int i = 0; get_stats() && i < SERVER_SLOTS; i++)
	{
		ServerSlot *slot = &stats->servers[i];
		uint64		key = pg_atomic_read_u64(&slot->key);
		Datum		values[STATS_COUNTERS + 2];
		bool		nulls[STATS_COUNTERS + 2] = {0};

		if (key == 0 || (Oid) (key >> 32) != MyDatabaseId)
			continue;
		values[0] = ObjectIdGetDatum((Oid) key);
		for (int c = 0; c < STATS_COUNTERS; c++)
			values[c + 1] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->counters[c]));
		values[STATS_COUNTERS + 1] = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&slot->since));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* fdw_stats_reset(oid): one server's counters, of all servers of this database if NULL. */
Datum
fdw_stats_reset(PG_FUNCTION_ARGS)
{
	for (int i = 0; get_stats() && i < SERVER_SLOTS; i++)
	{
		ServerSlot *slot = &stats->servers[i];
		uint64		key = pg_atomic_read_u64(&slot->key);

		if (key != 0 && (Oid) (key >> 32) == MyDatabaseId &&
			(PG_ARGISNULL(0) || (Oid) key == PG_GETARG_OID(0)))
			clear_slot(slot);
	}
	PG_RETURN_VOID();
}

ProgressSlot *
rt_progress_begin(Oid serverid, Oid relid)
{
	uint64		key = (uint64) MyDatabaseId << 32 | (uint32) MyProcPid;

	for (int i = 0; get_stats() && i < PROGRESS_SLOTS; i++)
	{
		ProgressSlot *slot = &stats->progress[i];
		uint64		have = pg_atomic_read_u64(&slot->key);

		/* a backend that crashed leaves its slot: its pid tells */
		if (have != 0 && kill((pid_t) (uint32) have, 0) == 0)
			continue;
		if (!pg_atomic_compare_exchange_u64(&slot->key, &have, key))
			continue;
		rt_progress_update(slot, 0, 0, 0);
		pg_atomic_write_u64(&slot->objects, (uint64) serverid << 32 | relid);
		pg_atomic_write_u64(&slot->started, (uint64) GetCurrentTimestamp());
		return slot;
	}
	return NULL;
}

void
rt_progress_update(ProgressSlot *slot, uint64 pages, uint64 records, uint64 bytes)
{
	if (slot == NULL)
		return;
	pg_atomic_write_u64(&slot->pages, pages);
	pg_atomic_write_u64(&slot->records, records);
	pg_atomic_write_u64(&slot->bytes, bytes);
}

void
rt_progress_end(ProgressSlot *slot)
{
	if (slot)
		pg_atomic_write_u64(&slot->key, 0);
}

/* fdw_progress_slots(): pid, server, table, started, pages, records, bytes; of this database. */
Datum
fdw_progress_slots(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	rt_init_materialized_srf(fcinfo);
	for (int i = 0; get_stats() && i < PROGRESS_SLOTS; i++)
	{
		ProgressSlot *slot = &stats->progress[i];
		uint64		key = pg_atomic_read_u64(&slot->key);
		uint64		objects = pg_atomic_read_u64(&slot->objects);
		Datum		values[7];
		bool		nulls[7] = {0};

		if (key == 0 || (Oid) (key >> 32) != MyDatabaseId)
			continue;
		values[0] = Int32GetDatum((int32) (uint32) key);
		values[1] = ObjectIdGetDatum((Oid) (objects >> 32));
		values[2] = ObjectIdGetDatum((Oid) objects);
		values[3] = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&slot->started));
		values[4] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->pages));
		values[5] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->records));
		values[6] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->bytes));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

typedef struct TableTotal
{
	Oid			relid;
	double		total;
} TableTotal;

static HTAB *totals = NULL;

double
rt_stats_table_total(Oid relid)
{
	TableTotal *entry = totals ? hash_search(totals, &relid, HASH_FIND, NULL) : NULL;

	return entry ? entry->total : -1;
}

void
rt_stats_set_table_total(Oid relid, double total)
{
	TableTotal *entry;
	HASHCTL		ctl = {0};

	if (totals == NULL)
	{
		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(TableTotal);
		totals = hash_create("retrack table totals", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(totals, &relid, HASH_ENTER, NULL);
	entry->total = total;
}
