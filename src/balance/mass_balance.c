/*
 * balance/mass_balance.c
 *		Aggregates mass_balance(flow, mass, assay [, random_rsd, systematic_rsd,
 *		instrument]) and sum(balance): transition, moving and parallel support.
 *
 * How each term enters, per element with fraction p and deviation d of a row
 * of mass m (IAEA practice: MUF = PB + X - Y - PE, and its error propagation):
 *
 *	sum of the row's flow		+= m p
 *	variance of its span		+= sign(m) ((m p r)^2 + (m d)^2), the errors of
 *								weighing and of the assay, independent row by row;
 *								the product of two errors is dropped
 *	bias of its instrument		+= +-m p s, in the row's span: an instrument's one bias,
 *								shared by all its rows; + for what adds to MUF (opening,
 *								receipt), else -
 *	without instrument			variance += sign(m) (m p s)^2: a bias shared with no other
 *
 * A negative mass takes back what its original added, so sign(m) stands before
 * the squares.  Transition functions allocate nothing per row.
 */
#include "balance/balance.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#define FLOW_CACHE_SIZE 8

/* In fn_extra: which flow an enum value's OID is.  Empty entries hold InvalidOid. */
typedef struct FlowCache
{
	Oid			oid[FLOW_CACHE_SIZE];
	uint8		flow[FLOW_CACHE_SIZE];
} FlowCache;

/* What a row says of its errors. */
typedef struct RowErrors
{
	uint64		variance;		/* r^2, and s^2 where there is no instrument; ppb^2 */
	uint64		systematic;		/* s in ppb, of the instrument */
	const char *instrument;		/* NULL: none */
	uint32		instrument_len;
} RowErrors;

static const char *const flow_label[FLOW_COUNT] =
{"opening", "receipt", "shipment", "loss", "closing"};

/* Reads the label from the catalog; enum OIDs differ from database to database. */
static int
look_up_flow(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(oid));
	NameData	label;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid internal value for enum: %u", oid)));
	label = ((Form_pg_enum) GETSTRUCT(tuple))->enumlabel;
	ReleaseSysCache(tuple);
	for (int flow = 0; flow < FLOW_COUNT; flow++)
	{
		if (strcmp(NameStr(label), flow_label[flow]) == 0)
			return flow;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("flow \"%s\" has no place in a mass balance", NameStr(label)),
			 errhint("Use opening, receipt, shipment, loss or closing.")));
	return -1;					/* not reached */
}

static pg_noinline int
fill_flow_cache(FunctionCallInfo fcinfo, Oid oid)
{
	FlowCache  *cache = fcinfo->flinfo->fn_extra;
	int			flow = look_up_flow(oid);

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FlowCache));
		fcinfo->flinfo->fn_extra = cache;
	}
	cache->oid[(oid >> 1) % FLOW_CACHE_SIZE] = oid;
	cache->flow[(oid >> 1) % FLOW_CACHE_SIZE] = flow;
	return flow;
}

/* Labels made with their type have consecutive even OIDs: no two share an entry. */
static inline int
get_flow(FunctionCallInfo fcinfo, Oid oid)
{
	FlowCache  *cache = fcinfo->flinfo->fn_extra;
	int			at = (oid >> 1) % FLOW_CACHE_SIZE;

	if (likely(cache != NULL && cache->oid[at] == oid))
		return cache->flow[at];
	return fill_flow_cache(fcinfo, oid);
}

static pg_noinline BalanceState *
create_state(FunctionCallInfo fcinfo, bool moving)
{
	MemoryContext cxt;

	if (!AggCheckCallContext(fcinfo, &cxt))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return rt_balance_create(cxt, moving);
}

static inline bool
subtracts(int flow)
{
	return flow != FLOW_OPENING && flow != FLOW_RECEIPT;
}

static inline int
span_of(int flow)
{
	return flow == FLOW_OPENING ? SPAN_OPENING : flow == FLOW_CLOSING ? SPAN_CLOSING : SPAN_BETWEEN;
}

/* The row's products with its assay: the inner loop. */
static inline void
add_sums(BalanceState *st, int flow, Mass m, const Assay *a, uint32 mask, bool inverse)
{
	WideInt128 *sum = st->sum + flow * st->cap;
	const char *ppb = VARDATA_ANY(a) + sizeof(uint32);
	bool		overflow = false;

	for (; mask != 0; mask &= mask - 1, ppb += sizeof(uint32))
	{
		WideInt128 *to = &sum[st->slot[pg_rightmost_one_pos32(mask)]];
		uint32		p;
		WideInt128	product;

		memcpy(&p, ppb, sizeof(p));
		product = (WideInt128) m * p;
		overflow |= inverse ? __builtin_sub_overflow(*to, product, to)
			: __builtin_add_overflow(*to, product, to);
	}
	if (unlikely(overflow))
		rt_balance_overflow("sum");
}

/* What a row's elements are multiplied with, and where that goes. */
typedef struct RowFactors
{
	Wide320    *var;			/* NULL: the row has no variance */
	Wide192    *bias;			/* NULL: it has no instrument, or that no bias */
	Wide192		weighing;		/* m^2 (r^2 + s^2), times p^2 */
	Wide192		assaying;		/* m^2 10^18, times d^2 */
	WideInt128	systematic;		/* +-m s, times p; below 2^93 */
	bool		negative;		/* takes variance away */
	const char *sd;				/* deviations of the assay, or NULL */
} RowFactors;

static inline void
get_factors(RowFactors *f, BalanceState *st, int flow, Mass m, const Assay *a,
			const RowErrors *errors, bool inverse)
{
	uint64		magnitude = m < 0 ? -(uint64) m : (uint64) m;
	WideUInt128 square = (WideUInt128) magnitude * magnitude;
	uint32		head = assay_head(a);

	f->negative = (m < 0) != inverse;
	if (unlikely((head & ASSAY_HAS_SD) != 0))
	{
		f->sd = VARDATA_ANY(a) + sizeof(uint32) * (1 + pg_popcount32(head & ASSAY_MASK));
		f->assaying = wide192_product(square, UINT64CONST(1000000000000000000));
	}
	if (errors->variance != 0 || f->sd != NULL)
	{
		rt_balance_need_var(st);
		f->var = st->var + span_of(flow) * st->cap;
		f->weighing = wide192_product(square, errors->variance);
	}
	if (errors->instrument != NULL)
	{
		int64		sign = subtracts(flow) != inverse ? -1 : 1;

		f->bias = rt_balance_need_bias(st, rt_balance_instrument(st, errors->instrument, errors->instrument_len),
									   span_of(flow));
		f->systematic = (WideInt128) m * (sign * (int64) errors->systematic);
	}
}

/*
 * variance += factor * p^2, or -=; true on overflow.  Up to some 100 t at
 * 0.3 % the factor fits 128 bits, which saves a multiplication.
 */
static pg_attribute_always_inline bool
add_square(Wide320 *var, const Wide192 *factor, uint64 p, bool negative)
{
	if (likely(factor->w[2] == 0))
	{
		Wide192		term = wide192_product(((WideUInt128) factor->w[1] << 64) | factor->w[0], p * p);

		return negative ? wide320_subtract_unsigned(var, &term) : wide320_add_unsigned(var, &term);
	}
	else
	{
		Wide320		term = wide320_product(factor, p * p);

		return negative ? wide320_subtract(var, &term) : wide320_add(var, &term);
	}
}

/* The same with the row's errors: one loop, since its exit is what processors guess wrong. */
static inline void
add_sums_and_errors(BalanceState *st, int flow, Mass m, const Assay *a, const RowErrors *errors,
					bool inverse)
{
	WideInt128 *sum = st->sum + flow * st->cap;
	const char *ppb = VARDATA_ANY(a) + sizeof(uint32);
	bool		sum_overflow = false;
	bool		var_overflow = false;
	bool		bias_overflow = false;
	RowFactors	f = {0};

	get_factors(&f, st, flow, m, a, errors, inverse);
	for (uint32 mask = assay_mask(a); mask != 0; mask &= mask - 1, ppb += sizeof(uint32))
	{
		int			slot = st->slot[pg_rightmost_one_pos32(mask)];
		uint32		p;
		WideInt128	product;

		memcpy(&p, ppb, sizeof(p));
		product = (WideInt128) m * p;
		sum_overflow |= inverse ? __builtin_sub_overflow(sum[slot], product, &sum[slot])
			: __builtin_add_overflow(sum[slot], product, &sum[slot]);
		if (f.var != NULL)
			var_overflow |= add_square(&f.var[slot], &f.weighing, p, f.negative);
		if (f.bias != NULL)
		{
			Wide192		term = wide192_from_int128(f.systematic * p);

			bias_overflow |= wide192_add(&f.bias[slot], &term);
		}
		if (unlikely(f.sd != NULL))
		{
			uint32		d;

			memcpy(&d, f.sd, sizeof(d));
			f.sd += sizeof(d);
			var_overflow |= add_square(&f.var[slot], &f.assaying, d, f.negative);
		}
	}
	if (unlikely(sum_overflow))
		rt_balance_overflow("sum");
	if (unlikely(var_overflow))
		rt_balance_overflow("variance");
	if (unlikely(bias_overflow))
		rt_balance_overflow("systematic sum");
}

/*
 * One row into (or out of) the state of argument 0, which is made on the first
 * row.  errors may be NULL.
 */
static inline BalanceState *
add_row(FunctionCallInfo fcinfo, const RowErrors *errors, bool moving, bool inverse)
{
	static const RowErrors no_errors = {0};
	BalanceState *st = PG_ARGISNULL(0) ? create_state(fcinfo, moving)
		: (BalanceState *) PG_GETARG_POINTER(0);
	int			flow = get_flow(fcinfo, PG_GETARG_OID(1));
	Mass		m = PG_GETARG_MASS(2);
	Assay	   *a = PG_GETARG_ASSAY_PP(3);
	uint32		head = assay_head(a);
	uint32		mask = head & ASSAY_MASK;

	if (unlikely((mask & ~st->mask) != 0))
		rt_balance_add_slots(st, mask);
	if (errors != NULL || unlikely((head & ASSAY_HAS_SD) != 0))
		add_sums_and_errors(st, flow, m, a, errors ? errors : &no_errors, inverse);
	else
		add_sums(st, flow, m, a, mask, inverse);
	if (moving)
	{
		st->rows += inverse ? -1 : 1;
		for (; mask != 0; mask &= mask - 1)
			st->present[pg_rightmost_one_pos32(mask)] += inverse ? -1 : 1;
	}
	return st;
}

static inline bool
is_ignored(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3);
}

/* An ignored row leaves the state as it is; a moving one must exist all the same. */
static Datum
pass_state(FunctionCallInfo fcinfo, bool moving)
{
	if (PG_ARGISNULL(0) && moving)
		PG_RETURN_POINTER(create_state(fcinfo, true));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static pg_noinline void
refuse_rsd(double rsd, const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_RT_BALANCE_RSD),
			 errmsg("relative standard deviation out of range: \"%g\"", rsd),
			 errdetail("Argument %s of mass_balance is a share of the mass, from 0 to 1.", argument),
			 errhint("Write 0.3 %% as 0.003.")));
}

/* A deviation argument in ppb, rounded half up; NULL is 0. */
static inline uint64
get_rsd(FunctionCallInfo fcinfo, int argument, const char *name)
{
	double		rsd;

	if (PG_ARGISNULL(argument))
		return 0;
	rsd = PG_GETARG_FLOAT8(argument);
	if (unlikely(!(rsd >= 0.0 && rsd <= 1.0)))
		refuse_rsd(rsd, name);
	return (int64) (rsd * 1e9 + 0.5);
}

static inline RowErrors
get_errors(FunctionCallInfo fcinfo)
{
	RowErrors	errors = {0};
	uint64		random = get_rsd(fcinfo, 4, "random_rsd");

	errors.variance = random * random;
	errors.systematic = get_rsd(fcinfo, 5, "systematic_rsd");
	if (PG_ARGISNULL(6))
		errors.variance += errors.systematic * errors.systematic;
	else if (errors.systematic != 0)
	{
		text	   *name = PG_GETARG_TEXT_PP(6);

		errors.instrument = VARDATA_ANY(name);
		errors.instrument_len = VARSIZE_ANY_EXHDR(name);
	}
	return errors;
}

PG_FUNCTION_INFO_V1(mass_balance_accum);
Datum
mass_balance_accum(PG_FUNCTION_ARGS)
{
	if (is_ignored(fcinfo))
		return pass_state(fcinfo, false);
	PG_RETURN_POINTER(add_row(fcinfo, NULL, false, false));
}

PG_FUNCTION_INFO_V1(mass_balance_errors_accum);
Datum
mass_balance_errors_accum(PG_FUNCTION_ARGS)
{
	RowErrors	errors;

	if (is_ignored(fcinfo))
		return pass_state(fcinfo, false);
	errors = get_errors(fcinfo);
	PG_RETURN_POINTER(add_row(fcinfo, &errors, false, false));
}

PG_FUNCTION_INFO_V1(mass_balance_moving_accum);
Datum
mass_balance_moving_accum(PG_FUNCTION_ARGS)
{
	if (is_ignored(fcinfo))
		return pass_state(fcinfo, true);
	PG_RETURN_POINTER(add_row(fcinfo, NULL, true, false));
}

PG_FUNCTION_INFO_V1(mass_balance_moving_inverse);
Datum
mass_balance_moving_inverse(PG_FUNCTION_ARGS)
{
	if (is_ignored(fcinfo))
		return pass_state(fcinfo, true);
	PG_RETURN_POINTER(add_row(fcinfo, NULL, true, true));
}

PG_FUNCTION_INFO_V1(mass_balance_errors_moving_accum);
Datum
mass_balance_errors_moving_accum(PG_FUNCTION_ARGS)
{
	RowErrors	errors;

	if (is_ignored(fcinfo))
		return pass_state(fcinfo, true);
	errors = get_errors(fcinfo);
	PG_RETURN_POINTER(add_row(fcinfo, &errors, true, false));
}

PG_FUNCTION_INFO_V1(mass_balance_errors_moving_inverse);
Datum
mass_balance_errors_moving_inverse(PG_FUNCTION_ARGS)
{
	RowErrors	errors;

	if (is_ignored(fcinfo))
		return pass_state(fcinfo, true);
	errors = get_errors(fcinfo);
	PG_RETURN_POINTER(add_row(fcinfo, &errors, true, true));
}

/* One balance into (or out of) the state of sum(balance). */
static Datum
add_balance(FunctionCallInfo fcinfo, bool moving, bool inverse)
{
	BalanceState *st;
	BalanceView view;

	if (PG_ARGISNULL(1))
		return pass_state(fcinfo, moving);
	st = PG_ARGISNULL(0) ? create_state(fcinfo, moving) : (BalanceState *) PG_GETARG_POINTER(0);
	rt_balance_view(PG_GETARG_BALANCE_PP(1), &view);
	rt_balance_merge(st, &view, ASSAY_MASK, inverse);
	st->rows += inverse ? -1 : 1;
	PG_RETURN_POINTER(st);
}

PG_FUNCTION_INFO_V1(balance_sum_accum);
Datum
balance_sum_accum(PG_FUNCTION_ARGS)
{
	return add_balance(fcinfo, false, false);
}

PG_FUNCTION_INFO_V1(balance_sum_moving_accum);
Datum
balance_sum_moving_accum(PG_FUNCTION_ARGS)
{
	return add_balance(fcinfo, true, false);
}

PG_FUNCTION_INFO_V1(balance_sum_moving_inverse);
Datum
balance_sum_moving_inverse(PG_FUNCTION_ARGS)
{
	return add_balance(fcinfo, true, true);
}

/* A group all of whose rows were ignored has no state, and no balance. */
PG_FUNCTION_INFO_V1(mass_balance_final);
Datum
mass_balance_final(PG_FUNCTION_ARGS)
{
	BalanceState *st;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	st = (BalanceState *) PG_GETARG_POINTER(0);
	if (st->present != NULL && st->rows == 0)
		PG_RETURN_NULL();		/* all rows left the frame */
	PG_RETURN_POINTER(rt_balance_build(st));
}

PG_FUNCTION_INFO_V1(mass_balance_combine);
Datum
mass_balance_combine(PG_FUNCTION_ARGS)
{
	BalanceState *st;

	if (PG_ARGISNULL(1))
		return pass_state(fcinfo, false);
	st = PG_ARGISNULL(0) ? create_state(fcinfo, false) : (BalanceState *) PG_GETARG_POINTER(0);
	rt_balance_merge_state(st, (BalanceState *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(st);
}

PG_FUNCTION_INFO_V1(mass_balance_serialize);
Datum
mass_balance_serialize(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	rt_balance_write(&buf, rt_balance_build((BalanceState *) PG_GETARG_POINTER(0)), false);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The state lives in the caller's short-lived context: combining copies it. */
PG_FUNCTION_INFO_V1(mass_balance_deserialize);
Datum
mass_balance_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	BalanceState *st = rt_balance_create(CurrentMemoryContext, false);
	StringInfoData buf;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	rt_balance_read(&buf, st, false);
	pq_getmsgend(&buf);
	pfree(buf.data);
	PG_RETURN_POINTER(st);
}
