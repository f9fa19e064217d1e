/*
 * balance/balance.c
 *		SQL type "balance": I/O, comparison, hashing, addition.
 */
#include "balance/balance.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(balance_in);
Datum
balance_in(PG_FUNCTION_ARGS)
{
	BalanceState *st = rt_balance_create(CurrentMemoryContext, false);

	if (!rt_balance_parse(PG_GETARG_CSTRING(0), st, rt_escontext(fcinfo)))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(rt_balance_build(st));
}

PG_FUNCTION_INFO_V1(balance_out);
Datum
balance_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(rt_balance_print(PG_GETARG_BALANCE_PP(0)));
}

PG_FUNCTION_INFO_V1(balance_recv);
Datum
balance_recv(PG_FUNCTION_ARGS)
{
	BalanceState *st = rt_balance_create(CurrentMemoryContext, false);

	rt_balance_read((StringInfo) PG_GETARG_POINTER(0), st, true);
	PG_RETURN_POINTER(rt_balance_build(st));
}

PG_FUNCTION_INFO_V1(balance_send);
Datum
balance_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	rt_balance_write(&buf, PG_GETARG_BALANCE_PP(0), true);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The form is canonical, so byte order serves; it has no meaning beyond being one. */
static int
compare(FunctionCallInfo fcinfo)
{
	Balance    *a = PG_GETARG_BALANCE_PP(0);
	Balance    *b = PG_GETARG_BALANCE_PP(1);
	Size		na = VARSIZE_ANY_EXHDR(a);
	Size		nb = VARSIZE_ANY_EXHDR(b);
	int			c = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(na, nb));

	if (c == 0)
		c = na < nb ? -1 : na > nb;
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return c;
}

#define COMPARISON(name, expression) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		int			c = compare(fcinfo); \
	\
		expression; \
	}

COMPARISON(balance_eq, PG_RETURN_BOOL(c == 0))
COMPARISON(balance_ne, PG_RETURN_BOOL(c != 0))
COMPARISON(balance_lt, PG_RETURN_BOOL(c < 0))
COMPARISON(balance_le, PG_RETURN_BOOL(c <= 0))
COMPARISON(balance_gt, PG_RETURN_BOOL(c > 0))
COMPARISON(balance_ge, PG_RETURN_BOOL(c >= 0))
COMPARISON(balance_cmp, PG_RETURN_INT32(c < 0 ? -1 : c > 0))

PG_FUNCTION_INFO_V1(balance_hash);
Datum
balance_hash(PG_FUNCTION_ARGS)
{
	Balance    *b = PG_GETARG_BALANCE_PP(0);
	Datum		hash = hash_any((unsigned char *) VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b));

	PG_FREE_IF_COPY(b, 0);
	PG_RETURN_DATUM(hash);
}

PG_FUNCTION_INFO_V1(balance_hash_extended);
Datum
balance_hash_extended(PG_FUNCTION_ARGS)
{
	Balance    *b = PG_GETARG_BALANCE_PP(0);
	Datum		hash = hash_any_extended((unsigned char *) VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b),
										 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(b, 0);
	PG_RETURN_DATUM(hash);
}

PG_FUNCTION_INFO_V1(balance_pl);
Datum
balance_pl(PG_FUNCTION_ARGS)
{
	BalanceState *st = rt_balance_create(CurrentMemoryContext, false);

	for (int i = 0; i < 2; i++)
	{
		BalanceView view;

		rt_balance_view(PG_GETARG_BALANCE_PP(i), &view);
		rt_balance_merge(st, &view, ASSAY_MASK, false);
	}
	PG_RETURN_POINTER(rt_balance_build(st));
}
