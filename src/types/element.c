/*
 * types/element.c
 *		SQL type "element": input, output, casts, properties.
 */
#include "retrack.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/sortsupport.h"

#include "types/element.h"
#include "types/numbers.h"

PG_FUNCTION_INFO_V1(element_in);
Datum
element_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);
	const char *utf8 = rt_server_to_utf8(s);
	Element		z;

	if (utf8 == NULL || !rt_element_parse(utf8, strlen(utf8), &z))
		ereturn(rt_escontext(fcinfo), (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "element", s),
				 errhint("Give a rare earth's symbol (Dy), English name, Chinese character or atomic number.")));
	PG_RETURN_ELEMENT(z);
}

PG_FUNCTION_INFO_V1(element_out);
Datum
element_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup(element_info[element_index(PG_GETARG_ELEMENT(0))].symbol));
}

PG_FUNCTION_INFO_V1(element_recv);
Datum
element_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			z = pq_getmsgbyte(buf);

	if (!element_is_valid(z))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid atomic number in external \"%s\" value: %d", "element", z)));
	PG_RETURN_ELEMENT((Element) z);
}

PG_FUNCTION_INFO_V1(element_send);
Datum
element_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbyte(&buf, PG_GETARG_ELEMENT(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(atomic_number);
Datum
atomic_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_ELEMENT(0));
}

PG_FUNCTION_INFO_V1(element_from_number);
Datum
element_from_number(PG_FUNCTION_ARGS)
{
	int32		z = PG_GETARG_INT32(0);

	if (!element_is_valid(z))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("atomic number %d is not that of a rare earth element", z),
				 errdetail("The rare earths are 21, 39 and 57 to 71.")));
	PG_RETURN_ELEMENT((Element) z);
}

PG_FUNCTION_INFO_V1(element_name);
Datum
element_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(element_info[element_index(PG_GETARG_ELEMENT(0))].name));
}

PG_FUNCTION_INFO_V1(element_chinese);
Datum
element_chinese(PG_FUNCTION_ARGS)
{
	text	   *t = rt_utf8_text(element_info[element_index(PG_GETARG_ELEMENT(0))].chinese);

	if (t == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(t);
}

PG_FUNCTION_INFO_V1(oxide);
Datum
oxide(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(element_info[element_index(PG_GETARG_ELEMENT(0))].oxide));
}

/* With the decimals that are stated: 162.500 says more than 162.5. */
static Numeric
weight_numeric(const ElementInfo *info)
{
	int64		weight = info->weight_e6;

	for (int places = 6; places > info->weight_places; places--)
		weight /= 10;
	return int64_div_fast_to_numeric(weight, info->weight_places);
}

PG_FUNCTION_INFO_V1(standard_weight);
Datum
standard_weight(PG_FUNCTION_ARGS)
{
	const ElementInfo *info = &element_info[element_index(PG_GETARG_ELEMENT(0))];

	if (info->number == ELEMENT_PM)
		ereport(ERROR,
				(errcode(ERRCODE_RT_NO_STANDARD_WEIGHT),
				 errmsg("element \"%s\" has no standard atomic weight", info->symbol),
				 errdetail("It has no stable isotope. Oxide factors take its mass number, 145.")));
	PG_RETURN_NUMERIC(weight_numeric(info));
}

/* 1 + oxygen / metal, rounded half up at 15 decimals. */
static Numeric
factor_numeric(const ElementInfo *info)
{
	const int64 e15 = INT64CONST(1000000000000000);
	uint64		metal = element_metal_e6(info);
	int128		scaled = ((int128) element_oxygen_e6(info) * e15 * 2 + metal) / (2 * metal);

	return int64_div_fast_to_numeric(e15 + (int64) scaled, 15);
}

PG_FUNCTION_INFO_V1(oxide_factor);
Datum
oxide_factor(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(factor_numeric(&element_info[element_index(PG_GETARG_ELEMENT(0))]));
}

PG_FUNCTION_INFO_V1(elements);
Datum
elements(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	const ElementInfo *info;
	Datum		values[8];
	bool		nulls[8] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->tuple_desc = BlessTupleDesc(call->tuple_desc);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= ELEMENT_COUNT)
		SRF_RETURN_DONE(call);
	info = &element_info[call->call_cntr];
	values[0] = ElementGetDatum(info->number);
	values[1] = Int32GetDatum(info->number);
	values[2] = CStringGetTextDatum(info->symbol);
	values[3] = CStringGetTextDatum(info->name);
	values[4] = PointerGetDatum(rt_utf8_text(info->chinese));
	nulls[4] = DatumGetPointer(values[4]) == NULL;
	values[5] = NumericGetDatum(weight_numeric(info));
	nulls[5] = info->number == ELEMENT_PM;
	values[6] = CStringGetTextDatum(info->oxide);
	values[7] = NumericGetDatum(factor_numeric(info));
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}

/*
 * Order, equality and hash are those of "char", unsigned bytes; only sort
 * support and min and max are missing there.
 */
PG_FUNCTION_INFO_V1(element_sortsupport);
Datum
element_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = rt_ssup_unsigned_cmp;
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(element_larger);
Datum
element_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_ELEMENT(Max(PG_GETARG_ELEMENT(0), PG_GETARG_ELEMENT(1)));
}

PG_FUNCTION_INFO_V1(element_smaller);
Datum
element_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_ELEMENT(Min(PG_GETARG_ELEMENT(0), PG_GETARG_ELEMENT(1)));
}
