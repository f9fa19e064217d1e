/*
 * pull_lock.c
 *		One pull of a target at a time.
 *
 * A pull is many transactions, so its lock must outlive them, as a session's
 * advisory lock does.  But an error in between ends the pull and not the
 * session, which would go on holding the lock: so an abort releases it.
 */
#include "retrack.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"

PG_FUNCTION_INFO_V1(pull_lock);
PG_FUNCTION_INFO_V1(pull_unlock);

/* Class of our advisory locks: "rtpl"; objid is the target's OID, objsubid 2 as for two-key locks. */
#define PULL_LOCK_CLASS 0x7274706C

/* A session pulls one target at a time, unless a trigger on one pulls another. */
#define MAX_HELD 8
static Oid	held[MAX_HELD];
static int	nheld = 0;
static bool callback_registered = false;

static void
set_tag(LOCKTAG *tag, Oid target)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) PULL_LOCK_CLASS, target, 2);
}

static void
release_lock(Oid target)
{
	LOCKTAG		tag;

	set_tag(&tag, target);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

static void
release_on_abort(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_ABORT && event != XACT_EVENT_PARALLEL_ABORT)
		return;
	while (nheld > 0)
		release_lock(held[--nheld]);
}

/*
 * A pull that commits has to be told before it holds a lock: caught by an
 * exception block, the error of its first commit would leave the lock behind.
 */
static void
require_commits(void)
{
	if (IsSubTransaction() || IsTransactionBlock() || !SPI_inside_nonatomic_context())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("a pull commits, so it cannot run inside a transaction block, a function or an exception block"),
				 errhint("With commits => false it does everything in its caller's transaction.")));
}

/*
 * pull_lock(target regclass, wait boolean, whole boolean): false if the target is
 * being pulled and wait is false.  whole: held over commits, until pull_unlock
 * or an abort; else until the transaction ends.  Raises 2D000.
 */
Datum
pull_lock(PG_FUNCTION_ARGS)
{
	Oid			target = PG_GETARG_OID(0);
	bool		wait = PG_GETARG_BOOL(1);
	bool		whole = PG_GETARG_BOOL(2);
	LOCKTAG		tag;

	if (whole)
		require_commits();
	set_tag(&tag, target);
	for (int i = 0; i < nheld; i++)
		if (held[i] == target)
			PG_RETURN_BOOL(false);	/* a pull within a pull of the same target */
	if (whole && nheld == MAX_HELD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d pulls within each other", MAX_HELD)));
	if (whole && !callback_registered)
	{
		RegisterXactCallback(release_on_abort, NULL);
		callback_registered = true;
	}
	if (LockAcquire(&tag, ExclusiveLock, whole, !wait) == LOCKACQUIRE_NOT_AVAIL)
		PG_RETURN_BOOL(false);
	if (whole)
		held[nheld++] = target;
	PG_RETURN_BOOL(true);
}

/* pull_unlock(target regclass): whether it was held. */
Datum
pull_unlock(PG_FUNCTION_ARGS)
{
	Oid			target = PG_GETARG_OID(0);

	for (int i = 0; i < nheld; i++)
		if (held[i] == target)
		{
			held[i] = held[--nheld];
			release_lock(target);
			PG_RETURN_BOOL(true);
		}
	PG_RETURN_BOOL(false);
}
