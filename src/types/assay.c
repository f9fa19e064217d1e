/*
 * types/assay.c
 *		SQL type "assay": input, output, building, taking apart.
 */
#include "retrack.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "types/assay.h"
#include "types/decimal.h"
#include "types/numbers.h"

uint32
rt_assay_fraction(const Assay *a, int element_index)
{
	uint32		mask = assay_mask(a);
	uint32		bit = (uint32) 1 << element_index;

	if (!(mask & bit))
		return 0;
	return assay_ppb(a, pg_popcount32(mask & (bit - 1)));
}

uint32
rt_assay_deviation(const Assay *a, int element_index)
{
	uint32		mask = assay_mask(a);
	uint32		bit = (uint32) 1 << element_index;

	if (!(mask & bit))
		return 0;
	return assay_sd(a, pg_popcount32(mask), pg_popcount32(mask & (bit - 1)));
}

void
rt_assay_unpack(const Assay *a, AssayParts *parts)
{
	int			n = assay_count(a);
	int			i = 0;

	memset(parts, 0, sizeof(*parts));
	parts->mask = assay_mask(a);
	for (uint32 rest = parts->mask; rest != 0; rest &= rest - 1)
	{
		int			e = pg_rightmost_one_pos32(rest);

		parts->ppb[e] = assay_ppb(a, i);
		parts->sd[e] = assay_sd(a, n, i);
		i++;
	}
}

Assay *
rt_assay_build(const AssayParts *parts)
{
	uint32		words[1 + 2 * ELEMENT_COUNT];
	int			n = 1;
	int			with_sd = 0;
	Assay	   *a;

	for (int e = 0; e < ELEMENT_COUNT; e++)
	{
		if (parts->mask & ((uint32) 1 << e))
		{
			words[n++] = parts->ppb[e];
			with_sd |= parts->sd[e] != 0;
		}
	}
	words[0] = parts->mask | (with_sd ? ASSAY_HAS_SD : 0);
	for (int e = 0; with_sd && e < ELEMENT_COUNT; e++)
	{
		if (parts->mask & ((uint32) 1 << e))
			words[n++] = parts->sd[e];
	}
	a = palloc(VARHDRSZ + n * sizeof(uint32));
	SET_VARSIZE(a, VARHDRSZ + n * sizeof(uint32));
	memcpy(VARDATA(a), words, n * sizeof(uint32));
	return a;
}

/* A piece of the input for a message: bounded, cut at a character. */
static char *
quote_piece(const AssayFault *fault)
{
	char	   *piece;

	if (fault->at == NULL || fault->len == 0)
		return pstrdup("end of input");
	piece = pnstrdup(fault->at, pg_encoding_mbcliplen(PG_UTF8, fault->at, fault->len, 48));
	return psprintf("\"%s\"", pg_any_to_server(piece, strlen(piece), PG_UTF8));
}

static Datum
report_total(Node *escontext, const AssayFault *fault)
{
	char		percent[32];

	if (fault->total == 0)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_RT_ASSAY_TOTAL),
				 errmsg("assay holds more than 100 %% of element \"%s\"",
						element_info[element_index(fault->element)].symbol)));
	percent[rt_decimal_print(fault->total, 7, percent)] = '\0';
	ereturn(escontext, (Datum) 0,
			(errcode(ERRCODE_RT_ASSAY_TOTAL),
			 errmsg("assay totals more than 100 %%"),
			 errdetail("Its fractions sum to %s %%.", percent)));
}

/* Reports what rt_assay_parse found, softly where the caller wants that. */
static Datum
report_fault(Node *escontext, AssayParse code, const AssayFault *fault, const char *s)
{
	const char *symbol = fault->element ? element_info[element_index(fault->element)].symbol : "";

	switch (code)
	{
		case ASSAY_PARSE_UNKNOWN:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", "assay", s),
					 errdetail("%s is neither a rare earth element nor its oxide of trade.", quote_piece(fault))));
		case ASSAY_PARSE_DUPLICATE:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", "assay", s),
					 errdetail("Element \"%s\" is named twice.", symbol)));
		case ASSAY_PARSE_NEGATIVE:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value \"%s\" is out of range for type %s", s, "assay"),
					 errdetail("Fraction or deviation of \"%s\" is negative.", symbol)));
		case ASSAY_PARSE_DEVIATION:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value \"%s\" is out of range for type %s", s, "assay"),
					 errdetail("The standard deviation of \"%s\" is above 100 %%.", symbol)));
		case ASSAY_PARSE_TOTAL:
			return report_total(escontext, fault);
		case ASSAY_PARSE_EMPTY:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", "assay", s),
					 errdetail("It names no element."),
					 errhint("A material without rare earths is stated so: \"Nd=0%%\"; one without assay is NULL.")));
		default:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", "assay", s),
					 errdetail("Cannot read %s.", quote_piece(fault)),
					 errhint("Examples: \"Nd=29.5%%,Dy=3.15%%+/-0.05%%\", \"Dy2O3=1.2%%\", \"{\"\"Nd\"\": 0.295}\".")));
	}
}

Assay *
rt_assay_check_build(const AssayParts *parts)
{
	AssayFault	fault;
	AssayParse	code = rt_assay_check(parts, &fault);

	if (code == ASSAY_PARSE_TOTAL)
		report_total(NULL, &fault);
	else if (code == ASSAY_PARSE_EMPTY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an assay names at least one element")));
	else if (code != ASSAY_PARSE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("standard deviation of \"%s\" is above 100 %%",
						element_info[element_index(fault.element)].symbol)));
	return rt_assay_build(parts);
}

void
rt_assay_trim_rounding(AssayParts *parts)
{
	int64		excess = -ASSAY_PPB;

	for (int i = 0; i < ELEMENT_COUNT; i++)
		excess += parts->ppb[i];
	if (excess > ELEMENT_COUNT)
		return;
	for (int i = 0; excess > 0 && i < ELEMENT_COUNT; i++)
	{
		if (parts->ppb[i] > 0)
		{
			parts->ppb[i]--;
			excess--;
		}
	}
}

Datum
rt_parse_assay(const char *s, Node *escontext)
{
	/* The texts of this type hold characters beyond ASCII: ± and names. */
	const char *utf8 = rt_server_to_utf8(s);
	AssayParts	parts;
	AssayFault	fault;
	AssayParse	code;

	if (utf8 == NULL)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "assay", s),
				 errdetail("It cannot be converted to UTF-8.")));
	code = rt_assay_parse(utf8, strlen(utf8), &parts, &fault);
	if (code != ASSAY_PARSE_OK)
		return report_fault(escontext, code, &fault, s);
	return PointerGetDatum(rt_assay_build(&parts));
}

PG_FUNCTION_INFO_V1(assay_in);
Datum
assay_in(PG_FUNCTION_ARGS)
{
	return rt_parse_assay(PG_GETARG_CSTRING(0), rt_escontext(fcinfo));
}

PG_FUNCTION_INFO_V1(assay_out);
Datum
assay_out(PG_FUNCTION_ARGS)
{
	char		buf[ASSAY_TEXT_MAX];
	AssayParts	parts;
	int			len;

	rt_assay_unpack(PG_GETARG_ASSAY_PP(0), &parts);
	len = rt_assay_print(&parts, GetDatabaseEncoding() != PG_UTF8, buf);
	PG_RETURN_CSTRING(pnstrdup(buf, len));
}

PG_FUNCTION_INFO_V1(assay_recv);
Datum
assay_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	uint32		head = pq_getmsgint(buf, 4);
	AssayParts	parts;

	memset(&parts, 0, sizeof(parts));
	if ((head & ~(ASSAY_MASK | ASSAY_HAS_SD)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid head in external \"%s\" value", "assay")));
	parts.mask = head & ASSAY_MASK;
	for (uint32 rest = parts.mask; rest != 0; rest &= rest - 1)
		parts.ppb[pg_rightmost_one_pos32(rest)] = pq_getmsgint(buf, 4);
	for (uint32 rest = head & ASSAY_HAS_SD ? parts.mask : 0; rest != 0; rest &= rest - 1)
		parts.sd[pg_rightmost_one_pos32(rest)] = pq_getmsgint(buf, 4);
	if (parts.mask == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("external \"%s\" value names no element", "assay")));
	PG_RETURN_ASSAY_P(rt_assay_check_build(&parts));
}

PG_FUNCTION_INFO_V1(assay_send);
Datum
assay_send(PG_FUNCTION_ARGS)
{
	Assay	   *a = PG_GETARG_ASSAY_PP(0);
	int			words = VARSIZE_ANY_EXHDR(a) / sizeof(uint32);
	StringInfoData buf;

	pq_begintypsend(&buf);
	for (int i = 0; i < words; i++)
	{
		uint32		word;

		memcpy(&word, VARDATA_ANY(a) + i * sizeof(word), sizeof(word));
		pq_sendint32(&buf, word);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
