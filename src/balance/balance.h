/*
 * balance/balance.h
 *		SQL type "balance" and the accumulators that make it.
 *
 * Units and widths.  With masses m in mg, fractions p, deviations d and
 * relative deviations r (random) and s (systematic) in ppb, per element:
 *
 *	sum		m p				10^-15 kg	128 bits signed, one per flow.  A row adds less than
 *										2^93, so 2^34 rows of the largest mass fit.
 *	bias	m p s			10^-24 kg	192 bits signed, one per instrument and span.  A row
 *										adds less than 2^123: 2^68 such rows fit.
 *	var		(m p r)^2 +		10^-48 kg^2	320 bits signed, one per span (opening, between,
 *			(10^9 m d)^2				closing).  A row adds less than 2^248: 2^71 rows fit.
 *	total	var + bias^2	10^-48 kg^2	512 bits signed, made when sigma is asked for, bias
 *										being the instrument's sum over all spans.
 *
 * So no number of rows that a table can hold overflows a variance; adding huge
 * balances can overflow any of them, which is error 22003.  Sums of integers
 * do not depend on the order of their terms, which is why every plan gives the
 * same bits.
 *
 * On disk: a varlena whose body is, without padding and read by memcpy,
 *		uint32	head		bits 0..16: elements present, by dense index;
 *							bit 17: variances follow; bits 24..31: version (1)
 *		uint32	count		instruments
 *		per element present, in index order: sum[5], by flow
 *		per element present, if bit 17: var[3], by span
 *		per instrument, in byte order of names: uint32 length of the name, uint32
 *			mask[3] of elements, by span, bias of each of them, name (server encoding)
 * The form is canonical: bit 17 only if some variance is not 0, only biases
 * that are not 0, no instrument without one.  Equal values are equal bytes.
 */
#ifndef RT_BALANCE_H
#define RT_BALANCE_H

#include "retrack.h"
#include "lib/stringinfo.h"
#include "nodes/nodes.h"
#include "balance/wide_int.h"
#include "types/assay.h"
#include "types/element.h"
#include "types/mass.h"

#define BALANCE_VERSION 1
#define BALANCE_HAS_VAR ((uint32) 1 << 17)
#define BALANCE_HEAD(mask, has_var) \
	((uint32) BALANCE_VERSION << 24 | ((has_var) ? BALANCE_HAS_VAR : 0) | (mask))

#define BALANCE_SUM_SCALE 15	/* decimals of a sum in kg */
#define BALANCE_BIAS_SCALE 24
#define BALANCE_VAR_SCALE 48	/* decimals of a variance in kg^2 */

typedef enum BalanceFlow
{
	FLOW_OPENING,
	FLOW_RECEIPT,
	FLOW_SHIPMENT,
	FLOW_LOSS,
	FLOW_CLOSING
} BalanceFlow;

#define FLOW_COUNT 5

/* What a sequence of periods must tell apart: neighbours share an inventory. */
typedef enum BalanceSpan
{
	SPAN_OPENING,
	SPAN_BETWEEN,
	SPAN_CLOSING
} BalanceSpan;

#define SPAN_COUNT 3

typedef struct varlena Balance;

/* A balance taken as it lies: where the parts of a stored value begin. */
typedef struct BalanceView
{
	uint32		mask;
	int			nelements;
	uint32		ninstruments;
	const char *sum;
	const char *var;			/* NULL if all variances are 0 */
	const char *instruments;	/* walk with rt_balance_next_instrument */
} BalanceView;

typedef struct BalanceInstrumentView
{
	const char *name;
	uint32		len;
	uint32		mask[SPAN_COUNT];
	const char *bias[SPAN_COUNT];
} BalanceInstrumentView;

/* The systematic terms of one instrument. */
typedef struct BalanceInstrument
{
	char	   *name;			/* not terminated */
	uint32		len;
	uint64		key[2];			/* of the name: see balance_state.c */
	Wide192    *bias[SPAN_COUNT];	/* by slot, "cap" of the state; NULL: no term in the span */
} BalanceInstrument;

#define WHOLE_BIAS_LIMBS (WIDE512_LIMBS / 2)	/* its square fits the variances' total */

#define INSTRUMENT_HINTS 32

/*
 * The accumulators.  Elements get a slot when they first appear, so that a
 * group with few elements stays in one or two cache lines per flow.  All
 * memory is in "cxt" and grows with elements and instruments, never with rows.
 */
typedef struct BalanceState
{
	MemoryContext cxt;
	uint32		mask;			/* elements with a slot */
	int			nslots;
	int			cap;			/* slots allocated: 4, 8, 17 */
	uint8		slot[ELEMENT_COUNT];	/* by dense index, valid if in mask */
	WideInt128 *sum;			/* [flow * cap + slot] */
	Wide320    *var;			/* [span * cap + slot]; NULL while all are 0 */

	int			ninstruments;
	int			instrument_cap;
	uint8		hint[INSTRUMENT_HINTS]; /* index of the one met last whose key falls there */
	int			nbuckets;		/* power of two, or 0 while the array is searched */
	BalanceInstrument *instrument;
	int32	   *bucket;			/* open addressing: index + 1, 0 where free */

	/* moving aggregates only: what leaves a frame must be told from what is 0 */
	int64		rows;			/* rows (or balances) in the frame */
	int64	   *present;		/* how many of them name the element, by dense index */
} BalanceState;

/* ---- balance_state.c: accumulators ---- */

/* An empty state in cxt; "moving" ones count what they hold. */
extern BalanceState *rt_balance_create(MemoryContext cxt, bool moving);

/* Gives slots to the elements of mask that have none. */
extern void rt_balance_add_slots(BalanceState *st, uint32 mask);

/* Allocates the variances if they are not. */
extern void rt_balance_need_var(BalanceState *st);

/* The instrument of that name, new if need be; the pointer lives until the next call. */
extern BalanceInstrument *rt_balance_instrument(BalanceState *st, const char *name, uint32 len);

/* Its biases of that span, made if need be. */
extern Wide192 *rt_balance_need_bias(const BalanceState *st, BalanceInstrument *instrument, int span);

/* Raises 22003 for the accumulator named. */
extern void rt_balance_overflow(const char *accumulator) pg_attribute_noreturn();

/* Adds all of a state. */
extern void rt_balance_merge_state(BalanceState *st, const BalanceState *from);

/* Adds (or takes back) the elements of mask of a stored balance. */
extern void rt_balance_merge(BalanceState *st, const BalanceView *view, uint32 mask, bool inverse);

/* The canonical value, in the current context. */
extern Balance *rt_balance_build(const BalanceState *st);

/* ---- balance_view.c: reading stored values ---- */

extern void rt_balance_view(const Balance *b, BalanceView *view);
extern const char *rt_balance_next_instrument(const char *at, BalanceInstrumentView *instrument);

/* Position of an element in the view, -1 if it is not there. */
static inline int
balance_position(uint32 mask, int element_index)
{
	if (!(mask & ((uint32) 1 << element_index)))
		return -1;
	return pg_popcount32(mask & (((uint32) 1 << element_index) - 1));
}

static inline WideInt128
balance_sum(const BalanceView *view, int position, int flow)
{
	WideInt128	v;

	memcpy(&v, view->sum + sizeof(v) * (position * FLOW_COUNT + flow), sizeof(v));
	return v;
}

/* The variance of one span; 0 where none is kept. */
extern Wide320 rt_balance_var(const BalanceView *view, int position, int span);

/* The bias of an instrument in one element and span; false (and 0) where it has no term. */
extern bool rt_balance_bias(const BalanceInstrumentView *instrument, int element_index, int span, Wide192 *bias);

/* The same over all spans: 256 bits, since three sums may outgrow 192; false where it has no term. */
extern bool rt_balance_whole_bias(const BalanceInstrumentView *instrument, int element_index, uint64 *bias);

/* What is derived from one element's accumulators. */
typedef struct BalanceFigures
{
	Wide192		muf;			/* 10^-15 kg */
	uint64		total[WIDE512_LIMBS];	/* variance of muf, 10^-48 kg^2, signed */
	bool		has_sigma;		/* total is not negative */
	bool		has_z;			/* total is positive */
} BalanceFigures;

/* position -1 gives the figures of an element without rows: all 0. */
extern void rt_balance_figures(const BalanceView *view, int element_index, BalanceFigures *figures);

/* Decimal texts (WIDE_TEXT_MAX bytes), rounded half away from zero at "decimals" (at most 24; z: 6). */
extern void rt_balance_print_sigma(const BalanceFigures *figures, int decimals, char *buf);
extern void rt_balance_print_z(const BalanceFigures *figures, int decimals, char *buf);

/* z in floating point, for probabilities; without any deviation 0 or infinite. has_sigma is the caller's promise. */
extern double rt_balance_z(const BalanceFigures *figures);

/* |z| > 3 */
extern bool rt_balance_is_off(const BalanceFigures *figures);

/* ---- balance_text.c ---- */

/*
 * Reads the text form into st.  Returns false after reporting to escontext
 * (which throws where it is NULL).
 */
extern bool rt_balance_parse(const char *text, BalanceState *st, Node *escontext);
extern char *rt_balance_print(const Balance *b);

/* ---- balance_wire.c: binary form, of COPY and of parallel workers ---- */

/* encode: names in the client's encoding, else as they are. */
extern void rt_balance_write(StringInfo buf, const Balance *b, bool encode);

/* Reads hostile input into st, raising 22P03 or 08P01 on any fault. */
extern void rt_balance_read(StringInfo buf, BalanceState *st, bool encode);

#define DatumGetBalancePP(d) ((Balance *) PG_DETOAST_DATUM_PACKED(d))
#define PG_GETARG_BALANCE_PP(n) DatumGetBalancePP(PG_GETARG_DATUM(n))

#endif							/* RT_BALANCE_H */
