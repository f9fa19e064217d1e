/*
 * balance/balance_state.c
 *		The accumulators of mass_balance and sum(balance): room for elements
 *		and instruments, merging, and the canonical value made of them.
 */
#include "balance/balance.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#define FIRST_CAP 4
#define SEARCHED_INSTRUMENTS 8	/* up to here the array is searched, then hashed */

BalanceState *
rt_balance_create(MemoryContext cxt, bool moving)
{
	BalanceState *st = MemoryContextAllocZero(cxt, sizeof(BalanceState));

	st->cxt = cxt;
	st->cap = FIRST_CAP;
	st->sum = MemoryContextAllocZero(cxt, sizeof(WideInt128) * FLOW_COUNT * st->cap);
	if (moving)
		st->present = MemoryContextAllocZero(cxt, sizeof(int64) * ELEMENT_COUNT);
	return st;
}

void
rt_balance_overflow(const char *accumulator)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("balance out of range"),
			 errdetail("The %s of an element outgrows its accumulator.", accumulator)));
}

/* Moves rows of old_cap items of a given size to rows of new_cap. */
static void *
widen(MemoryContext cxt, void *old, int rows, int old_cap, int new_cap, Size size)
{
	char	   *new = MemoryContextAllocZero(cxt, size * rows * new_cap);

	for (int row = 0; row < rows; row++)
		memcpy(new + size * row * new_cap, (char *) old + size * row * old_cap, size * old_cap);
	pfree(old);
	return new;
}

static void
grow_slots(BalanceState *st, int needed)
{
	int			cap = needed <= 2 * FIRST_CAP ? 2 * FIRST_CAP : ELEMENT_COUNT;

	st->sum = widen(st->cxt, st->sum, FLOW_COUNT, st->cap, cap, sizeof(WideInt128));
	if (st->var != NULL)
		st->var = widen(st->cxt, st->var, SPAN_COUNT, st->cap, cap, sizeof(Wide320));
	for (int i = 0; i < st->ninstruments; i++)
	{
		for (int span = 0; span < SPAN_COUNT; span++)
		{
			Wide192   **bias = &st->instrument[i].bias[span];

			if (*bias != NULL)
				*bias = widen(st->cxt, *bias, 1, st->cap, cap, sizeof(Wide192));
		}
	}
	st->cap = cap;
}

void
rt_balance_add_slots(BalanceState *st, uint32 mask)
{
	int			needed;

	mask &= ~st->mask;
	needed = st->nslots + pg_popcount32(mask);
	if (needed > st->cap)
		grow_slots(st, needed);
	st->mask |= mask;
	for (; mask != 0; mask &= mask - 1)
		st->slot[pg_rightmost_one_pos32(mask)] = st->nslots++;
}

void
rt_balance_need_var(BalanceState *st)
{
	if (st->var == NULL)
		st->var = MemoryContextAllocZero(st->cxt, sizeof(Wide320) * SPAN_COUNT * st->cap);
}

static inline uint64
read_bytes8(const char *from)
{
	uint64		v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/*
 * A name of up to 16 bytes is its key: first and last eight bytes, which may
 * overlap, or first and last four, or all of fewer.  A longer one's key is its
 * hash.  Copying bytes one by one would stall the load behind them.
 */
static inline void
set_key(uint64 *key, const char *name, uint32 len)
{
	key[0] = key[1] = 0;
	if (likely(len >= 8 && len <= 16))
	{
		key[0] = read_bytes8(name);
		key[1] = read_bytes8(name + len - 8);
	}
	else if (len > 16)
		key[0] = DatumGetUInt64(hash_any_extended((const unsigned char *) name, len, 0));
	else if (len >= 4)
	{
		uint32		first;
		uint32		last;

		memcpy(&first, name, sizeof(first));
		memcpy(&last, name + len - sizeof(last), sizeof(last));
		key[0] = first;
		key[1] = last;
	}
	else if (len > 0)
		key[0] = (uint8) name[0] | (uint8) name[len / 2] << 8 | (uint8) name[len - 1] << 16;
}

static inline bool
has_name(const BalanceInstrument *instrument, const uint64 *key, const char *name, uint32 len)
{
	return instrument->key[0] == key[0] && instrument->key[1] == key[1] && instrument->len == len &&
		(len <= 16 || memcmp(instrument->name, name, len) == 0);
}

static inline uint32
first_bucket(const BalanceState *st, const uint64 *key, uint32 len)
{
	uint64		hash = key[0] ^ (key[1] * UINT64CONST(0x9E3779B97F4A7C15)) ^ len;

	/* two rounds of murmur3's finaliser, so that names that differ in one digit spread */
	hash = (hash ^ (hash >> 33)) * UINT64CONST(0xFF51AFD7ED558CCD);
	hash = (hash ^ (hash >> 33)) * UINT64CONST(0xC4CEB9FE1A85EC53);
	return (uint32) (hash ^ (hash >> 33)) & (st->nbuckets - 1);
}

/* Few instruments weigh stock and deliveries both, so that spans get their memory when they need it. */
Wide192 *
rt_balance_need_bias(const BalanceState *st, BalanceInstrument *instrument, int span)
{
	if (unlikely(instrument->bias[span] == NULL))
		instrument->bias[span] = MemoryContextAllocZero(st->cxt, sizeof(Wide192) * st->cap);
	return instrument->bias[span];
}

/* Elements of mask in which the instrument has a term of that span left. */
static uint32
bias_mask(const BalanceState *st, const BalanceInstrument *instrument, int span, uint32 mask)
{
	uint32		result = 0;

	if (instrument->bias[span] == NULL)
		return 0;
	for (; mask != 0; mask &= mask - 1)
	{
		int			e = pg_rightmost_one_pos32(mask);

		if (!wide_is_zero(instrument->bias[span][st->slot[e]].w, WIDE192_LIMBS))
			result |= (uint32) 1 << e;
	}
	return result;
}

/* How many terms it has left in all spans. */
static int
count_biases(const BalanceState *st, const BalanceInstrument *instrument, uint32 mask)
{
	int			n = 0;

	for (int span = 0; span < SPAN_COUNT; span++)
		n += pg_popcount32(bias_mask(st, instrument, span, mask));
	return n;
}

static void
free_instrument(BalanceInstrument *instrument)
{
	pfree(instrument->name);
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		if (instrument->bias[span] != NULL)
			pfree(instrument->bias[span]);
	}
}

static void
fill_buckets(BalanceState *st)
{
	int			wanted = 4 * SEARCHED_INSTRUMENTS;

	if (st->instrument_cap <= SEARCHED_INSTRUMENTS)
		return;
	while (wanted < 2 * st->instrument_cap)
		wanted *= 2;
	if (wanted != st->nbuckets)
	{
		if (st->bucket != NULL)
			pfree(st->bucket);
		st->bucket = MemoryContextAllocExtended(st->cxt, sizeof(int32) * (Size) wanted,
												MCXT_ALLOC_HUGE);
		st->nbuckets = wanted;
	}
	memset(st->bucket, 0, sizeof(int32) * (Size) wanted);
	for (int i = 0; i < st->ninstruments; i++)
	{
		uint32		at = first_bucket(st, st->instrument[i].key, st->instrument[i].len);

		while (st->bucket[at] != 0)
			at = (at + 1) & (st->nbuckets - 1);
		st->bucket[at] = i + 1;
	}
}

/*
 * Makes room for one instrument more.  Those whose terms have cancelled (rows
 * that left a window's frame) go first, so a moving window over many
 * instruments keeps about those of its frame.
 */
static void
make_instrument_room(BalanceState *st)
{
	int			kept = 0;

	for (int i = 0; i < st->ninstruments; i++)
	{
		if (count_biases(st, &st->instrument[i], st->mask) == 0)
			free_instrument(&st->instrument[i]);
		else
			st->instrument[kept++] = st->instrument[i];
	}
	st->ninstruments = kept;
	if (st->instrument == NULL)
	{
		st->instrument_cap = FIRST_CAP;
		st->instrument = MemoryContextAlloc(st->cxt, sizeof(BalanceInstrument) * FIRST_CAP);
	}
	else if (kept > st->instrument_cap / 2)
	{
		if (st->instrument_cap > PG_INT32_MAX / 8)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many instruments in one balance")));
		st->instrument_cap *= 2;
		st->instrument = repalloc_huge(st->instrument,
									   sizeof(BalanceInstrument) * (Size) st->instrument_cap);
	}
	fill_buckets(st);
}

/* Index of the instrument, or -1. */
static int
find_instrument(const BalanceState *st, const uint64 *key, const char *name, uint32 len)
{
	if (st->nbuckets == 0)
	{
		for (int i = 0; i < st->ninstruments; i++)
		{
			if (has_name(&st->instrument[i], key, name, len))
				return i;
		}
		return -1;
	}
	for (uint32 at = first_bucket(st, key, len); st->bucket[at] != 0;
		 at = (at + 1) & (st->nbuckets - 1))
	{
		if (has_name(&st->instrument[st->bucket[at] - 1], key, name, len))
			return st->bucket[at] - 1;
	}
	return -1;
}

static int
add_instrument(BalanceState *st, const uint64 *key, const char *name, uint32 len)
{
	BalanceInstrument *new;

	if (st->ninstruments == st->instrument_cap)
		make_instrument_room(st);
	new = &st->instrument[st->ninstruments];
	new->name = MemoryContextAlloc(st->cxt, Max(len, 1));
	memcpy(new->name, name, len);
	new->len = len;
	memcpy(new->key, key, sizeof(new->key));
	memset(new->bias, 0, sizeof(new->bias));
	if (st->nbuckets != 0)
	{
		uint32		at = first_bucket(st, key, len);

		while (st->bucket[at] != 0)
			at = (at + 1) & (st->nbuckets - 1);
		st->bucket[at] = st->ninstruments + 1;
	}
	return st->ninstruments++;
}

BalanceInstrument *
rt_balance_instrument(BalanceState *st, const char *name, uint32 len)
{
	uint64		key[2];
	uint8	   *hint;
	int			i;

	set_key(key, name, len);
	/* shifted, since both parts of a name of four or eight bytes are the same */
	hint = &st->hint[((key[0] ^ key[1] << 1) * UINT64CONST(0x9E3779B97F4A7C15)) >> 59];
	if (likely(*hint < st->ninstruments && has_name(&st->instrument[*hint], key, name, len)))
		return &st->instrument[*hint];
	i = find_instrument(st, key, name, len);
	if (i < 0)
		i = add_instrument(st, key, name, len);
	if (i <= PG_UINT8_MAX)
		*hint = i;
	return &st->instrument[i];
}

static void
add_sums(BalanceState *st, int slot, const WideInt128 *from, Size stride, bool inverse)
{
	bool		overflow = false;

	for (int flow = 0; flow < FLOW_COUNT; flow++)
	{
		WideInt128 *sum = &st->sum[flow * st->cap + slot];
		WideInt128	v = from[flow * stride];

		overflow |= inverse ? __builtin_sub_overflow(*sum, v, sum)
			: __builtin_add_overflow(*sum, v, sum);
	}
	if (overflow)
		rt_balance_overflow("sum");
}

static void
add_var(BalanceState *st, int span, int slot, const Wide320 *v, bool inverse)
{
	Wide320    *var = &st->var[span * st->cap + slot];

	if (inverse ? wide320_subtract(var, v) : wide320_add(var, v))
		rt_balance_overflow("variance");
}

static void
add_bias(Wide192 *to, const Wide192 *v, bool inverse)
{
	if (inverse ? wide192_subtract(to, v) : wide192_add(to, v))
		rt_balance_overflow("systematic sum");
}

void
rt_balance_merge_state(BalanceState *st, const BalanceState *from)
{
	rt_balance_add_slots(st, from->mask);
	if (from->var != NULL)
		rt_balance_need_var(st);
	for (uint32 rest = from->mask; rest != 0; rest &= rest - 1)
	{
		int			e = pg_rightmost_one_pos32(rest);

		add_sums(st, st->slot[e], from->sum + from->slot[e], from->cap, false);
		for (int span = 0; from->var != NULL && span < SPAN_COUNT; span++)
			add_var(st, span, st->slot[e], &from->var[span * from->cap + from->slot[e]], false);
	}
	for (int i = 0; i < from->ninstruments; i++)
	{
		const BalanceInstrument *source = &from->instrument[i];
		BalanceInstrument *to = rt_balance_instrument(st, source->name, source->len);

		for (int span = 0; span < SPAN_COUNT; span++)
		{
			for (uint32 rest = bias_mask(from, source, span, from->mask); rest != 0; rest &= rest - 1)
			{
				int			e = pg_rightmost_one_pos32(rest);

				add_bias(&rt_balance_need_bias(st, to, span)[st->slot[e]], &source->bias[span][from->slot[e]], false);
			}
		}
	}
}

static void
merge_instruments(BalanceState *st, const BalanceView *view, uint32 mask, bool inverse)
{
	const char *at = view->instruments;

	for (uint32 i = 0; i < view->ninstruments; i++)
	{
		BalanceInstrumentView source;
		BalanceInstrument *to;

		at = rt_balance_next_instrument(at, &source);
		if (!((source.mask[SPAN_OPENING] | source.mask[SPAN_BETWEEN] | source.mask[SPAN_CLOSING]) & mask))
			continue;
		to = rt_balance_instrument(st, source.name, source.len);
		for (int span = 0; span < SPAN_COUNT; span++)
		{
			for (uint32 rest = source.mask[span] & mask; rest != 0; rest &= rest - 1)
			{
				int			e = pg_rightmost_one_pos32(rest);
				Wide192		v;

				rt_balance_bias(&source, e, span, &v);
				add_bias(&rt_balance_need_bias(st, to, span)[st->slot[e]], &v, inverse);
			}
		}
	}
}

void
rt_balance_merge(BalanceState *st, const BalanceView *view, uint32 mask, bool inverse)
{
	mask &= view->mask;
	rt_balance_add_slots(st, mask);
	if (view->var != NULL)
		rt_balance_need_var(st);
	for (uint32 rest = mask; rest != 0; rest &= rest - 1)
	{
		int			e = pg_rightmost_one_pos32(rest);
		int			position = balance_position(view->mask, e);
		WideInt128	sum[FLOW_COUNT];

		memcpy(sum, view->sum + sizeof(sum) * position, sizeof(sum));
		add_sums(st, st->slot[e], sum, 1, inverse);
		for (int span = 0; view->var != NULL && span < SPAN_COUNT; span++)
		{
			Wide320		v = rt_balance_var(view, position, span);

			add_var(st, span, st->slot[e], &v, inverse);
		}
		if (st->present)
			st->present[e] += inverse ? -1 : 1;
	}
	merge_instruments(st, view, mask, inverse);
}

/* In a moving state an element counts as long as a row of the frame names it. */
static uint32
present_mask(const BalanceState *st)
{
	uint32		mask = 0;

	if (st->present == NULL)
		return st->mask;
	for (int e = 0; e < ELEMENT_COUNT; e++)
	{
		if (st->present[e] > 0)
			mask |= (uint32) 1 << e;
	}
	return mask;
}

static bool
has_var(const BalanceState *st)
{
	if (st->var == NULL)
		return false;
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		for (int slot = 0; slot < st->nslots; slot++)
		{
			if (!wide_is_zero(st->var[span * st->cap + slot].w, WIDE320_LIMBS))
				return true;
		}
	}
	return false;
}

static int
compare_instruments(const void *a, const void *b)
{
	const BalanceInstrument *x = *(const BalanceInstrument *const *) a;
	const BalanceInstrument *y = *(const BalanceInstrument *const *) b;
	int			c = memcmp(x->name, y->name, Min(x->len, y->len));

	if (c != 0)
		return c;
	return x->len < y->len ? -1 : x->len > y->len;
}

static char *
put(char *at, const void *from, Size size)
{
	memcpy(at, from, size);
	return at + size;
}

static char *
put_elements(char *at, const BalanceState *st, uint32 mask, bool with_var)
{
	for (uint32 rest = mask; rest != 0; rest &= rest - 1)
	{
		int			slot = st->slot[pg_rightmost_one_pos32(rest)];

		for (int flow = 0; flow < FLOW_COUNT; flow++)
			at = put(at, &st->sum[flow * st->cap + slot], sizeof(WideInt128));
	}
	for (uint32 rest = with_var ? mask : 0; rest != 0; rest &= rest - 1)
	{
		int			slot = st->slot[pg_rightmost_one_pos32(rest)];

		for (int span = 0; span < SPAN_COUNT; span++)
			at = put(at, &st->var[span * st->cap + slot], sizeof(Wide320));
	}
	return at;
}

static char *
put_instrument(char *at, const BalanceState *st, const BalanceInstrument *instrument, uint32 mask)
{
	uint32		present[SPAN_COUNT];

	for (int span = 0; span < SPAN_COUNT; span++)
		present[span] = bias_mask(st, instrument, span, mask);
	at = put(at, &instrument->len, sizeof(uint32));
	at = put(at, present, sizeof(present));
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		for (uint32 rest = present[span]; rest != 0; rest &= rest - 1)
		{
			int			slot = st->slot[pg_rightmost_one_pos32(rest)];

			at = put(at, &instrument->bias[span][slot], sizeof(Wide192));
		}
	}
	return put(at, instrument->name, instrument->len);
}

Balance *
rt_balance_build(const BalanceState *st)
{
	uint32		mask = present_mask(st);
	bool		with_var = has_var(st);
	uint32		head = BALANCE_HEAD(mask, with_var);
	uint32		count = 0;
	Size		size = VARHDRSZ + 2 * sizeof(uint32);
	const BalanceInstrument **sorted = NULL;
	Balance    *result;
	char	   *at;

	size += (Size) pg_popcount32(mask) *
		(FLOW_COUNT * sizeof(WideInt128) + (with_var ? SPAN_COUNT * sizeof(Wide320) : 0));
	if (st->ninstruments > 0)
		sorted = MemoryContextAllocHuge(CurrentMemoryContext,
										sizeof(void *) * (Size) st->ninstruments);
	for (int i = 0; i < st->ninstruments; i++)
	{
		int			biases = count_biases(st, &st->instrument[i], mask);

		if (biases == 0)
			continue;
		sorted[count++] = &st->instrument[i];
		size += (1 + SPAN_COUNT) * sizeof(uint32) + sizeof(Wide192) * biases + st->instrument[i].len;
	}
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("balance is too large"),
				 errdetail("Its %u instruments need %zu bytes.", count, size)));
	if (count > 1)
		qsort(sorted, count, sizeof(sorted[0]), compare_instruments);

	result = palloc(size);
	SET_VARSIZE(result, size);
	at = put(VARDATA(result), &head, sizeof(head));
	at = put(at, &count, sizeof(count));
	at = put_elements(at, st, mask, with_var);
	for (uint32 i = 0; i < count; i++)
		at = put_instrument(at, st, sorted[i], mask);
	Assert(at == (char *) result + size);
	if (sorted)
		pfree(sorted);
	return result;
}
