/*
 * balance/balance_lines.c
 *		What SQL reads out of a balance: lines, and accessors by element.
 */
#include "balance/balance.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "balance/balance_numeric.h"

#define LINE_COLUMNS 9

static Datum
make_numeric(char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

Datum
rt_kilograms_numeric(const Wide192 *value)
{
	char		buf[WIDE_TEXT_MAX];

	wide_print(buf, value->w, WIDE192_LIMBS, BALANCE_SUM_SCALE);
	return make_numeric(buf);
}

Datum
rt_sigma_numeric(const BalanceFigures *figures)
{
	char		buf[WIDE_TEXT_MAX];

	rt_balance_print_sigma(figures, SIGMA_DECIMALS, buf);
	return make_numeric(buf);
}

Datum
rt_z_numeric(const BalanceFigures *figures)
{
	char		buf[WIDE_TEXT_MAX];

	rt_balance_print_z(figures, Z_DECIMALS, buf);
	return make_numeric(buf);
}

static Datum
make_line(TupleDesc desc, const BalanceView *view, int element)
{
	Datum		value[LINE_COLUMNS] = {0};
	bool		null[LINE_COLUMNS] = {false};
	int			position = balance_position(view->mask, element);
	BalanceFigures figures;

	rt_balance_figures(view, element, &figures);
	value[0] = ElementGetDatum(element_from_index(element));
	for (int flow = 0; flow < FLOW_COUNT; flow++)
	{
		Wide192		sum = wide192_from_int128(balance_sum(view, position, flow));

		value[1 + flow] = rt_kilograms_numeric(&sum);
	}
	value[6] = rt_kilograms_numeric(&figures.muf);
	null[7] = !figures.has_sigma;
	if (figures.has_sigma)
		value[7] = rt_sigma_numeric(&figures);
	null[8] = !figures.has_z;
	if (figures.has_z)
		value[8] = rt_z_numeric(&figures);
	return HeapTupleGetDatum(heap_form_tuple(desc, value, null));
}

typedef struct LinesState
{
	BalanceView view;			/* of a copy in the multi-call context */
	uint32		rest;			/* elements still to come */
} LinesState;

PG_FUNCTION_INFO_V1(balance_lines);
Datum
balance_lines(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	LinesState *state;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc	desc;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
			desc->natts != LINE_COLUMNS)
			elog(ERROR, "balance_lines has another row type than the library");
		call->tuple_desc = BlessTupleDesc(desc);
		state = palloc(sizeof(LinesState));
		rt_balance_view((Balance *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)), &state->view);
		state->rest = state->view.mask;
		call->user_fctx = state;
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	state = call->user_fctx;
	if (state->rest != 0)
	{
		int			element = pg_rightmost_one_pos32(state->rest);

		state->rest &= state->rest - 1;
		SRF_RETURN_NEXT(call, make_line(call->tuple_desc, &state->view, element));
	}
	SRF_RETURN_DONE(call);
}

/* Sum of one flow of an element; 0 where there is none. */
static Datum
get_flow_sum(FunctionCallInfo fcinfo, int flow)
{
	BalanceView view;
	int			position;
	Wide192		sum = {{0}};

	rt_balance_view(PG_GETARG_BALANCE_PP(0), &view);
	position = balance_position(view.mask, element_index(PG_GETARG_ELEMENT(1)));
	if (position >= 0)
		sum = wide192_from_int128(balance_sum(&view, position, flow));
	return rt_kilograms_numeric(&sum);
}

PG_FUNCTION_INFO_V1(balance_opening);
Datum
balance_opening(PG_FUNCTION_ARGS)
{
	return get_flow_sum(fcinfo, FLOW_OPENING);
}

PG_FUNCTION_INFO_V1(balance_receipts);
Datum
balance_receipts(PG_FUNCTION_ARGS)
{
	return get_flow_sum(fcinfo, FLOW_RECEIPT);
}

PG_FUNCTION_INFO_V1(balance_shipments);
Datum
balance_shipments(PG_FUNCTION_ARGS)
{
	return get_flow_sum(fcinfo, FLOW_SHIPMENT);
}

PG_FUNCTION_INFO_V1(balance_losses);
Datum
balance_losses(PG_FUNCTION_ARGS)
{
	return get_flow_sum(fcinfo, FLOW_LOSS);
}

PG_FUNCTION_INFO_V1(balance_closing);
Datum
balance_closing(PG_FUNCTION_ARGS)
{
	return get_flow_sum(fcinfo, FLOW_CLOSING);
}

static void
get_figures(FunctionCallInfo fcinfo, BalanceFigures *figures)
{
	BalanceView view;

	rt_balance_view(PG_GETARG_BALANCE_PP(0), &view);
	rt_balance_figures(&view, element_index(PG_GETARG_ELEMENT(1)), figures);
}

PG_FUNCTION_INFO_V1(balance_muf);
Datum
balance_muf(PG_FUNCTION_ARGS)
{
	BalanceFigures figures;

	get_figures(fcinfo, &figures);
	return rt_kilograms_numeric(&figures.muf);
}

PG_FUNCTION_INFO_V1(balance_sigma);
Datum
balance_sigma(PG_FUNCTION_ARGS)
{
	BalanceFigures figures;

	get_figures(fcinfo, &figures);
	if (!figures.has_sigma)
		PG_RETURN_NULL();
	return rt_sigma_numeric(&figures);
}

PG_FUNCTION_INFO_V1(balance_z);
Datum
balance_z(PG_FUNCTION_ARGS)
{
	BalanceFigures figures;

	get_figures(fcinfo, &figures);
	if (!figures.has_z)
		PG_RETURN_NULL();
	return rt_z_numeric(&figures);
}

/* All of muf's variance, exact, in kg^2. */
PG_FUNCTION_INFO_V1(balance_variance);
Datum
balance_variance(PG_FUNCTION_ARGS)
{
	BalanceFigures figures;
	char		buf[WIDE_TEXT_MAX];

	get_figures(fcinfo, &figures);
	wide_print(buf, figures.total, WIDE512_LIMBS, BALANCE_VAR_SCALE);
	return make_numeric(buf);
}

PG_FUNCTION_INFO_V1(balance_elements);
Datum
balance_elements(PG_FUNCTION_ARGS)
{
	BalanceView view;
	Datum		element[ELEMENT_COUNT];
	Oid			type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	int			n = 0;

	rt_balance_view(PG_GETARG_BALANCE_PP(0), &view);
	for (uint32 rest = view.mask; rest != 0; rest &= rest - 1)
		element[n++] = ElementGetDatum(element_from_index(pg_rightmost_one_pos32(rest)));
	PG_RETURN_POINTER(construct_array(element, n, type, sizeof(Element), true, TYPALIGN_CHAR));
}
