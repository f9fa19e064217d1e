/*
 * balance/balance_wire.c
 *		Binary form of a balance, in network byte order: balance_send and
 *		balance_recv, and what parallel workers hand their leader.
 *
 *		byte	version (1)
 *		int32	mask of elements, bit 17: variances follow
 *		per element: 5 sums of 16 bytes; if bit 17, per element: 3 variances of 40
 *		int32	instruments; each: int32 length of name, name, 3 times (by span)
 *				int32 mask of elements, 24 bytes of bias for each of them
 *
 * What is read may come from anyone.  It goes through the accumulators and is
 * built anew, so what is stored is canonical whatever the order of the parts.
 */
#include "balance/balance.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Two's complement numbers are sent from the most significant limb. */
static void
send_limbs(StringInfo buf, const void *from, int n)
{
	uint64		limb[WIDE320_LIMBS];

	memcpy(limb, from, sizeof(uint64) * n);
	for (int i = n - 1; i >= 0; i--)
		pq_sendint64(buf, limb[i]);
}

static void
receive_limbs(StringInfo buf, void *to, int n)
{
	uint64		limb[WIDE320_LIMBS];

	for (int i = n - 1; i >= 0; i--)
		limb[i] = pq_getmsgint64(buf);
	memcpy(to, limb, sizeof(uint64) * n);
}

/* pq_sendcountedtext would do, but its arguments changed in 16. */
static void
send_name(StringInfo buf, const BalanceInstrumentView *instrument, bool encode)
{
	const char *name = instrument->name;
	int			len = instrument->len;

	if (encode)
	{
		name = pg_server_to_client(instrument->name, instrument->len);
		if (name != instrument->name)
			len = strlen(name);
	}
	pq_sendint32(buf, len);
	pq_sendbytes(buf, name, len);
}

void
rt_balance_write(StringInfo buf, const Balance *b, bool encode)
{
	BalanceView view;
	const char *at;

	rt_balance_view(b, &view);
	pq_sendbyte(buf, BALANCE_VERSION);
	pq_sendint32(buf, view.mask | (view.var ? BALANCE_HAS_VAR : 0));
	for (int i = 0; i < view.nelements * FLOW_COUNT; i++)
		send_limbs(buf, view.sum + sizeof(WideInt128) * i, 2);
	for (int i = 0; view.var && i < view.nelements * SPAN_COUNT; i++)
		send_limbs(buf, view.var + sizeof(Wide320) * i, WIDE320_LIMBS);
	pq_sendint32(buf, view.ninstruments);
	at = view.instruments;
	for (uint32 i = 0; i < view.ninstruments; i++)
	{
		BalanceInstrumentView instrument;

		at = rt_balance_next_instrument(at, &instrument);
		send_name(buf, &instrument, encode);
		for (int span = 0; span < SPAN_COUNT; span++)
		{
			pq_sendint32(buf, instrument.mask[span]);
			for (int k = 0; k < pg_popcount32(instrument.mask[span]); k++)
				send_limbs(buf, instrument.bias[span] + sizeof(Wide192) * k, WIDE192_LIMBS);
		}
	}
}

static void
refuse(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary balance"),
			 errdetail_internal("%s", detail)));
}

static uint32
receive_mask(StringInfo buf, uint32 allowed)
{
	uint32		mask = pq_getmsgint(buf, 4);

	if (mask & ~allowed)
		refuse("It names elements that do not exist or have no sums.");
	return mask;
}

static void
receive_elements(StringInfo buf, BalanceState *st, uint32 head)
{
	uint32		mask = head & ASSAY_MASK;

	rt_balance_add_slots(st, mask);
	for (uint32 rest = mask; rest != 0; rest &= rest - 1)
	{
		int			slot = st->slot[pg_rightmost_one_pos32(rest)];

		for (int flow = 0; flow < FLOW_COUNT; flow++)
			receive_limbs(buf, &st->sum[flow * st->cap + slot], 2);
	}
	if (!(head & BALANCE_HAS_VAR))
		return;
	rt_balance_need_var(st);
	for (uint32 rest = mask; rest != 0; rest &= rest - 1)
	{
		int			slot = st->slot[pg_rightmost_one_pos32(rest)];

		for (int span = 0; span < SPAN_COUNT; span++)
			receive_limbs(buf, &st->var[span * st->cap + slot], WIDE320_LIMBS);
	}
}

static void
receive_instrument(StringInfo buf, BalanceState *st, bool encode)
{
	int			sent = pq_getmsgint(buf, 4);
	int			len = sent;
	const char *name;
	BalanceInstrument *instrument;

	/* pq_getmsgbytes checks the length, negative ones included, against the message */
	if (encode)
		name = pq_getmsgtext(buf, sent, &len);
	else
		name = pq_getmsgbytes(buf, sent);
	instrument = rt_balance_instrument(st, name, len);
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		for (uint32 rest = receive_mask(buf, st->mask); rest != 0; rest &= rest - 1)
		{
			int			slot = st->slot[pg_rightmost_one_pos32(rest)];
			Wide192    *bias = &rt_balance_need_bias(st, instrument, span)[slot];

			if (!wide_is_zero(bias->w, WIDE192_LIMBS))
				refuse("It states an instrument's sum twice.");
			receive_limbs(buf, bias, WIDE192_LIMBS);
		}
	}
}

void
rt_balance_read(StringInfo buf, BalanceState *st, bool encode)
{
	int			version = pq_getmsgbyte(buf);
	uint32		head;
	uint32		count;

	if (version != BALANCE_VERSION)
		refuse("Its version is unknown.");
	head = receive_mask(buf, ASSAY_MASK | BALANCE_HAS_VAR);
	receive_elements(buf, st, head);
	count = pq_getmsgint(buf, 4);
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		receive_instrument(buf, st, encode);
	}
}
