/*
 * rules/control_list.c
 *		Loads the control list and applies it.
 *
 * The copy in memory is dropped by a relcache invalidation that the trigger on
 * control_list sends (see keep_reference), so every statement that begins after
 * a change has been committed sees it.
 */
#include "rules/control_list.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

DateSpan
rt_date_span(Datum lower, bool lower_null, Datum upper, bool upper_null)
{
	DateSpan	span = {DATEVAL_NOBEGIN, DATEVAL_NOEND};

	if (!lower_null)
		span.from = DatumGetDateADT(lower);
	if (!upper_null)
		span.until = DatumGetDateADT(upper);
	return span;
}

bool
rt_code_covers(const char *code, int code_len, const char *other, int other_len)
{
	if (other_len < code_len || memcmp(code, other, code_len) != 0)
		return false;
	return other_len == code_len || other[code_len] == '.';
}

bool
rt_control_in_force(const ControlEntry *e, Oid form, DateADT date)
{
	if (e->form != form || !date_in_span(e->valid, date))
		return false;
	for (int i = 0; i < e->nsuspended; i++)
	{
		if (date_in_span(e->suspended[i], date))
			return false;
	}
	return true;
}

/*
 * guard * sqrt(variance) > gap, exactly: squared, where both sides have the same
 * sign.  A guard of 10 and the largest variance stay below 10^34.
 */
static bool
guard_exceeds(int64 guard, int128 variance, int64 gap)
{
	int128		band = (int128) guard * guard * variance;
	int128		square = (int128) gap * gap;

	if (guard < 0)
		return gap < 0 && band < square;
	return gap < 0 || band > square;
}

void
rt_control_content(const ControlEntry *e, const AssayParts *parts, int64 *sum, int128 *variance)
{
	*sum = 0;
	*variance = 0;
	for (uint32 rest = e->mask & parts->mask; rest != 0; rest &= rest - 1)
	{
		int			i = pg_rightmost_one_pos32(rest);

		*sum += parts->ppb[i];
		*variance += (int128) parts->sd[i] * parts->sd[i];
	}
}

bool
rt_control_applies(const ControlEntry *e, const AssayParts *parts)
{
	int64		sum;
	int128		variance;

	if (parts->ppb[e->element] == 0)
		return false;
	rt_control_content(e, parts, &sum, &variance);
	return guard_exceeds(e->guard, variance, e->threshold - sum * CONTROL_UNITS);
}

/* The value of a column of the current row, which must not be null. */
static Datum
get_value(int row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in the control list");
	return value;
}

static void
load_suspensions(ControlEntry *e, int row)
{
	Datum	   *bounds;
	bool	   *nulls;
	int			n;

	/* lower and upper of each range, alternating */
	deconstruct_array(DatumGetArrayTypeP(get_value(row, 9)), DATEOID, sizeof(DateADT), true, TYPALIGN_INT,
					  &bounds, &nulls, &n);
	e->nsuspended = n / 2;
	e->suspended = palloc(sizeof(DateSpan) * (n / 2 + 1));
	for (int i = 0; i < n / 2; i++)
		e->suspended[i] = rt_date_span(bounds[2 * i], nulls[2 * i], bounds[2 * i + 1], nulls[2 * i + 1]);
}

static void
load_entry(ControlEntry *e, int row)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	HeapTuple	tuple = SPI_tuptable->vals[row];
	Datum	   *others;
	int			n;
	Datum		lower,
				upper;
	bool		lower_null,
				upper_null;

	e->code = TextDatumGetCString(get_value(row, 1));
	e->code_len = strlen(e->code);
	e->element = element_index((Element) DatumGetInt32(get_value(row, 2)));
	e->form = DatumGetObjectId(get_value(row, 3));
	e->threshold = DatumGetInt64(get_value(row, 4));
	e->mask = (uint32) 1 << e->element;
	deconstruct_array(DatumGetArrayTypeP(get_value(row, 5)), INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &others, NULL, &n);
	for (int i = 0; i < n; i++)
		e->mask |= (uint32) 1 << element_index((Element) DatumGetInt32(others[i]));
	e->guard = DatumGetInt64(get_value(row, 6));
	lower = SPI_getbinval(tuple, desc, 7, &lower_null);
	upper = SPI_getbinval(tuple, desc, 8, &upper_null);
	e->valid = rt_date_span(lower, lower_null, upper, upper_null);
	load_suspensions(e, row);
}

static ControlList *
load_control_list(Books *b)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "retrack control list", ALLOCSET_SMALL_SIZES);
	MemoryContext caller;
	ControlList *list;

	SPI_connect();
	rt_books_execute(b, PLAN_CONTROL_LIST,
					 "SELECT c.code, retrack.atomic_number(c.element)::pg_catalog.int4, c.form,"
					 " pg_catalog.round(c.threshold OPERATOR(pg_catalog.*) 1e15)::pg_catalog.int8,"
					 " ARRAY(SELECT retrack.atomic_number(x)::pg_catalog.int4 FROM pg_catalog.unnest(c.with_elements) x),"
					 " pg_catalog.round(c.guard OPERATOR(pg_catalog.*) 1e6)::pg_catalog.int8, pg_catalog.lower(c.valid), pg_catalog.upper(c.valid),"
					 " ARRAY(SELECT d FROM pg_catalog.unnest(c.suspended) r,"
					 "  LATERAL (VALUES (1, pg_catalog.lower(r)), (2, pg_catalog.upper(r))) v (i, d)"
					 "  ORDER BY pg_catalog.lower(r), i)"
					 " FROM %1$s.control_list c"
					 " ORDER BY c.form, c.code",
					 0, NULL, NULL, NULL);
	caller = MemoryContextSwitchTo(cxt);
	list = palloc0(sizeof(ControlList));
	list->cxt = cxt;
	list->count = SPI_processed;
	list->entries = palloc0(sizeof(ControlEntry) * (SPI_processed + 1));
	for (int i = 0; i < list->count; i++)
		load_entry(&list->entries[i], i);
	MemoryContextSwitchTo(caller);
	SPI_finish();
	return list;
}

int
rt_control_first(ControlList *list, Oid form)
{
	if (list->form_found != form)
	{
		list->form_found = form;
		list->form_first = 0;
		while (list->form_first < list->count && list->entries[list->form_first].form != form)
			list->form_first++;
	}
	return list->form_first;
}

ControlList *
rt_control_list(Books *b)
{
	ControlList *list;

	AcceptInvalidationMessages();
	if (b->controls_valid)
		return b->controls;
	b->controls_valid = true;
	PG_TRY();
	{
		list = load_control_list(b);
	}
	PG_CATCH();
	{
		b->controls_valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	/* A statement further out may still read the old one. */
	if (b->controls != NULL)
		MemoryContextSetParent(b->controls->cxt, TopTransactionContext);
	b->controls = list;
	return list;
}
