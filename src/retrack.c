/*
 * retrack.c
 *		Module magic and load-time set-up.
 */
#include "retrack.h"

#include "rules/merge_moves.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	rt_merge_moves_init();
}
