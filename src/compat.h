/*
 * compat.h
 *		Every difference between the server versions we support (14 to 18)
 *		that the code has to know; no other file tests PG_VERSION_NUM.
 */
#ifndef RT_COMPAT_H
#define RT_COMPAT_H

#include "postgres.h"

/*
 * Soft errors came with 16.  Before, ereturn throws; escontext is then NULL
 * always.  Functions that can fail softly take "Node *escontext".
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#define rt_escontext(fcinfo) ((fcinfo)->context)
#else
#define ereturn(escontext, dummy_value, ...) \
	do { (void) (escontext); ereport(ERROR, __VA_ARGS__); return dummy_value; } while (0)
#define SOFT_ERROR_OCCURRED(escontext) (false)
#define rt_escontext(fcinfo) ((Node *) NULL)
#endif

/* 16 split varatt.h out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * 15 exports comparators that tuplesort knows and inlines; they take Datums as
 * unsigned integers.
 */
#include "utils/sortsupport.h"
#if PG_VERSION_NUM >= 150000
#define rt_ssup_unsigned_cmp ssup_datum_unsigned_cmp
#else
static inline int
rt_ssup_unsigned_cmp(Datum x, Datum y, SortSupport ssup)
{
	return x < y ? -1 : x > y;
}
#endif

#endif							/* RT_COMPAT_H */
