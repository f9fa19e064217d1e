/*
 * rules/doubts.c
 *		What sessions remember of changes that may be undone.
 *
 * A statement's own changes count for the rules at once, some of them before the
 * trigger has run that makes all sessions read them again (another part of the
 * same statement draws, say).  After an abort no row tells that what was read then
 * never came to be, so it is forgotten.  A transaction that was prepared counts as
 * aborted here, which it can still become.
 */
#include "rules/doubts.h"

#include "access/xact.h"
#include "rules/books.h"
#include "rules/licence_terms.h"

static int	doubted = 0;		/* by the transaction that is under way */

static void
forget_doubted(void)
{
	if (doubted & DOUBT_TERMS)
		rt_licence_terms_forget();
	if (doubted & (DOUBT_CONTROLS | DOUBT_QUOTAS))
		rt_books_forget_reference((doubted & DOUBT_CONTROLS) != 0, (doubted & DOUBT_QUOTAS) != 0);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (doubted == 0)
		return;
	switch (event)
	{
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			forget_doubted();
			doubted = 0;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
			doubted = 0;
			break;
		default:
			break;
	}
}

/* What was changed before the savepoint stays in doubt. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && doubted != 0)
		forget_doubted();
}

void
rt_doubt(int what)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		RegisterSubXactCallback(at_subtransaction_end, NULL);
		registered = true;
	}
	doubted |= what;
}
