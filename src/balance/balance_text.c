/*
 * balance/balance_text.c
 *		Text form of a balance: a line per element, what a person looks for
 *		first, then all that the value keeps, so that it reads back exactly.
 *
 *	Dy OFF muf 0.4 kg sigma 0.12 z 3.33 | opening 12.5 receipts 3 shipments 2
 *	losses 0 closing 13.1 | variance 0.01 0.0044 0 | bias "scale 1" 0.02 0 -0.03
 *
 * (one line each).  The words before the first bar are derived: on input they
 * may be missing; muf is checked against the sums, the verdict, sigma and z
 * are not read.  "OFF" is |z| > 3, or any difference where no error is known;
 * "?" is a variance below zero.  Sums are in kg, variances in kg^2, biases in
 * kg, the last two of opening, between, closing.  A balance without elements is
 * "empty".
 */
#include "balance/balance.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#define EMPTY_TEXT "empty"

static const char *const flow_word[FLOW_COUNT] =
{"opening", "receipts", "shipments", "losses", "closing"};

/* ---- printing ---- */

static void
print_name(StringInfo out, const char *name, uint32 len)
{
	appendStringInfoChar(out, '"');
	for (uint32 i = 0; i < len; i++)
	{
		switch (name[i])
		{
			case '\n':
				appendStringInfoString(out, "\\n");
				break;
			case '\r':
				appendStringInfoString(out, "\\r");
				break;
			case '"':
			case '\\':
				appendStringInfoChar(out, '\\');
				/* FALLTHROUGH */
			default:
				appendStringInfoChar(out, name[i]);
		}
	}
	appendStringInfoChar(out, '"');
}

/* The derived part: verdict, muf, sigma to the milligram (finer if that is 0), z. */
static void
print_figures(StringInfo out, const BalanceView *view, int element)
{
	BalanceFigures f;
	char		buf[WIDE_TEXT_MAX];
	bool		off;

	rt_balance_figures(view, element, &f);
	off = f.has_z ? rt_balance_is_off(&f) : !wide_is_zero(f.muf.w, WIDE192_LIMBS);
	wide_print(buf, f.muf.w, WIDE192_LIMBS, BALANCE_SUM_SCALE);
	appendStringInfo(out, "%s %s muf %s kg", element_info[element].symbol,
					 !f.has_sigma ? "?" : off ? "OFF" : "ok", buf);
	if (!f.has_z)
		return;
	rt_balance_print_sigma(&f, 6, buf);
	if (strcmp(buf, "0") == 0)
		rt_balance_print_sigma(&f, BALANCE_BIAS_SCALE, buf);
	appendStringInfo(out, " sigma %s", buf);
	rt_balance_print_z(&f, 2, buf);
	appendStringInfo(out, " z %s", buf);
}

static void
print_biases(StringInfo out, const BalanceView *view, int element)
{
	const char *at = view->instruments;
	const char *intro = " | bias";

	for (uint32 i = 0; i < view->ninstruments; i++)
	{
		BalanceInstrumentView instrument;
		uint32		mask;

		at = rt_balance_next_instrument(at, &instrument);
		mask = instrument.mask[SPAN_OPENING] | instrument.mask[SPAN_BETWEEN] | instrument.mask[SPAN_CLOSING];
		if (!(mask & ((uint32) 1 << element)))
			continue;
		appendStringInfo(out, "%s ", intro);
		print_name(out, instrument.name, instrument.len);
		for (int span = 0; span < SPAN_COUNT; span++)
		{
			Wide192		bias;
			char		buf[WIDE_TEXT_MAX];

			rt_balance_bias(&instrument, element, span, &bias);
			wide_print(buf, bias.w, WIDE192_LIMBS, BALANCE_BIAS_SCALE);
			appendStringInfo(out, " %s", buf);
		}
		intro = "";
	}
}

static void
print_element(StringInfo out, const BalanceView *view, int element)
{
	int			position = balance_position(view->mask, element);
	bool		any_var = false;
	char		buf[WIDE_TEXT_MAX];

	print_figures(out, view, element);
	for (int flow = 0; flow < FLOW_COUNT; flow++)
	{
		Wide192		sum = wide192_from_int128(balance_sum(view, position, flow));

		wide_print(buf, sum.w, WIDE192_LIMBS, BALANCE_SUM_SCALE);
		appendStringInfo(out, "%s %s %s", flow == 0 ? " |" : "", flow_word[flow], buf);
	}
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		Wide320		var = rt_balance_var(view, position, span);

		any_var |= !wide_is_zero(var.w, WIDE320_LIMBS);
	}
	for (int span = 0; any_var && span < SPAN_COUNT; span++)
	{
		Wide320		var = rt_balance_var(view, position, span);

		wide_print(buf, var.w, WIDE320_LIMBS, BALANCE_VAR_SCALE);
		appendStringInfo(out, "%s %s", span == 0 ? " | variance" : "", buf);
	}
	print_biases(out, view, element);
}

char *
rt_balance_print(const Balance *b)
{
	BalanceView view;
	StringInfoData out;

	rt_balance_view(b, &view);
	initStringInfo(&out);
	if (view.mask == 0)
		appendStringInfoString(&out, EMPTY_TEXT);
	for (uint32 rest = view.mask; rest != 0; rest &= rest - 1)
	{
		if (out.len > 0)
			appendStringInfoChar(&out, '\n');
		print_element(&out, &view, pg_rightmost_one_pos32(rest));
	}
	return out.data;
}

/* ---- parsing ---- */

typedef struct Parser
{
	const char *text;			/* the whole input, for messages */
	const char *at;
	BalanceState *st;
	Node	   *escontext;
	int			element;		/* of the line at hand */
} Parser;

typedef struct Token
{
	const char *s;
	int			len;
} Token;

static bool
fail(Parser *p, const char *detail, Token token)
{
	ereturn(p->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", "balance", p->text),
			 errdetail(detail, pg_mbcliplen(token.s, token.len, 64), token.s)));
}

static void
skip_blanks(Parser *p)
{
	while (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')
		p->at++;
}

/* The next word, bar or quoted name of the line; of length 0 at its end. */
static Token
next_token(Parser *p)
{
	Token		token;

	skip_blanks(p);
	token.s = p->at;
	if (*p->at == '|')
		p->at++;
	else
	{
		while (*p->at != '\0' && strchr(" \t\r\n|\"", *p->at) == NULL)
			p->at++;
	}
	token.len = p->at - token.s;
	return token;
}

static bool
is_word(Token token, const char *word)
{
	return token.len == (int) strlen(word) && memcmp(token.s, word, token.len) == 0;
}

static bool
parse_number(Parser *p, uint64 *to, int limbs, int scale)
{
	Token		token = next_token(p);

	switch (wide_parse(token.s, token.len, to, limbs, scale))
	{
		case WIDE_PARSE_OK:
			return true;
		case WIDE_PARSE_SYNTAX:
			return fail(p, "A number is expected at \"%.*s\".", token);
		case WIDE_PARSE_SCALE:
			return fail(p, "The number \"%.*s\" has more decimals than are kept.", token);
		case WIDE_PARSE_RANGE:
			break;
	}
	ereturn(p->escontext, false,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("balance out of range"),
			 errdetail("The number \"%.*s\" outgrows its accumulator.",
					   pg_mbcliplen(token.s, token.len, 64), token.s)));
}

/* "element [verdict] [muf N kg] [sigma N] [z N]": up to the bar or the line's end. */
static bool
parse_head(Parser *p, Wide192 *muf, bool *has_muf)
{
	Token		token = next_token(p);
	Element		element;
	int			words = 0;

	if (token.len == 0 || !rt_element_parse(token.s, token.len, &element))
		return fail(p, "A line begins with an element, not with \"%.*s\".", token);
	p->element = element_index(element);
	if (p->st->mask & ((uint32) 1 << p->element))
		return fail(p, "Element %.*s has two lines.", token);
	rt_balance_add_slots(p->st, (uint32) 1 << p->element);
	while ((token = next_token(p)).len > 0 && !is_word(token, "|"))
	{
		uint64		ignored[WIDE512_LIMBS];

		if (is_word(token, "muf"))
		{
			if (!parse_number(p, muf->w, WIDE192_LIMBS, BALANCE_SUM_SCALE))
				return false;
			*has_muf = true;
			token = next_token(p);
			if (!is_word(token, "kg"))
				return fail(p, "The unit kg is expected at \"%.*s\".", token);
		}
		else if (is_word(token, "sigma") || is_word(token, "z"))
		{
			if (!parse_number(p, ignored, WIDE512_LIMBS, BALANCE_BIAS_SCALE))
				return false;
		}
		else if (words++ > 0 ||
				 !(is_word(token, "ok") || is_word(token, "OFF") || is_word(token, "?")))
			return fail(p, "\"%.*s\" is not understood.", token);
	}
	if (token.len == 0)
		p->at = token.s;
	return true;
}

static bool
parse_sums(Parser *p, Token word)
{
	uint32		seen = 0;

	for (; word.len > 0 && !is_word(word, "|"); word = next_token(p))
	{
		WideInt128	value;
		uint64		limbs[2];
		int			flow = 0;

		while (flow < FLOW_COUNT && !is_word(word, flow_word[flow]))
			flow++;
		if (flow == FLOW_COUNT || (seen & (1 << flow)))
			return fail(p, "\"%.*s\" is no term of a balance, or stands twice.", word);
		seen |= 1 << flow;
		if (!parse_number(p, limbs, 2, BALANCE_SUM_SCALE))
			return false;
		memcpy(&value, limbs, sizeof(value));
		p->st->sum[flow * p->st->cap + p->st->slot[p->element]] = value;
	}
	if (word.len > 0)
		p->at = word.s;
	return true;
}

static bool
parse_variances(Parser *p)
{
	rt_balance_need_var(p->st);
	for (int span = 0; span < SPAN_COUNT; span++)
	{
		Wide320    *var = &p->st->var[span * p->st->cap + p->st->slot[p->element]];

		if (!parse_number(p, var->w, WIDE320_LIMBS, BALANCE_VAR_SCALE))
			return false;
	}
	return true;
}

/* Length of a quoted name as written: an upper bound of the name's. */
static Size
measure_name(const char *s)
{
	const char *end = s + 1;

	while (*end != '\0' && *end != '"')
		end += *end == '\\' && end[1] != '\0' ? 2 : 1;
	return end - s;
}

/* A quoted name, unescaped into fresh memory. */
static bool
parse_name(Parser *p, char **name, int *len)
{
	const char *start = p->at;
	char	   *to;

	to = *name = palloc(measure_name(start));
	for (p->at++; *p->at != '"'; p->at++)
	{
		if (*p->at == '\0')
			return fail(p, "The name %.*s has no closing quote.",
						(Token) {start, (int) strlen(start)});
		if (*p->at != '\\')
			*to++ = *p->at;
		else if (*++p->at == 'n')
			*to++ = '\n';
		else if (*p->at == 'r')
			*to++ = '\r';
		else if (*p->at == '"' || *p->at == '\\')
			*to++ = *p->at;
		else
			return fail(p, "The name %.*s has an unknown escape.",
						(Token) {start, (int) (p->at - start)});
	}
	p->at++;
	*len = to - *name;
	return true;
}

static bool
parse_biases(Parser *p)
{
	for (skip_blanks(p); *p->at == '"'; skip_blanks(p))
	{
		const char *start = p->at;
		char	   *name = NULL;
		int			len = 0;
		Token		quoted;
		BalanceInstrument *instrument;

		if (!parse_name(p, &name, &len))
			return false;
		quoted = (Token) {start, (int) (p->at - start)};
		instrument = rt_balance_instrument(p->st, name, len);
		pfree(name);
		for (int span = 0; span < SPAN_COUNT; span++)
		{
			Wide192    *bias = &rt_balance_need_bias(p->st, instrument, span)[p->st->slot[p->element]];

			if (!wide_is_zero(bias->w, WIDE192_LIMBS))
				return fail(p, "The instrument %.*s stands twice.", quoted);
			if (!parse_number(p, bias->w, WIDE192_LIMBS, BALANCE_BIAS_SCALE))
				return false;
		}
	}
	return true;
}

/* What follows the first bar: sections, each at most once and in this order. */
static bool
parse_sections(Parser *p)
{
	Token		word = next_token(p);

	if (is_word(word, "variance") || is_word(word, "bias"))
		p->at = word.s;
	else if (!parse_sums(p, word))
		return false;
	else
	{
		word = next_token(p);
		if (word.len == 0)
			return true;		/* no other section; else this was a bar */
	}
	word = next_token(p);
	if (is_word(word, "variance"))
	{
		if (!parse_variances(p))
			return false;
		word = next_token(p);
		if (word.len == 0)
			return true;
		if (!is_word(word, "|"))
			return fail(p, "A bar or the line's end is expected at \"%.*s\".", word);
		word = next_token(p);
	}
	if (!is_word(word, "bias"))
		return fail(p, "\"%.*s\" is not understood.", word);
	return parse_biases(p);
}

static bool
check_muf(Parser *p, const Wide192 *muf)
{
	BalanceState *st = p->st;
	Wide192		actual = {{0}};
	char		buf[WIDE_TEXT_MAX];

	for (int flow = 0; flow < FLOW_COUNT; flow++)
	{
		Wide192		term = wide192_from_int128(st->sum[flow * st->cap + st->slot[p->element]]);

		if (flow == FLOW_OPENING || flow == FLOW_RECEIPT)
			wide192_add(&actual, &term);
		else
			wide192_subtract(&actual, &term);
	}
	if (memcmp(&actual, muf, sizeof(actual)) == 0)
		return true;
	wide_print(buf, actual.w, WIDE192_LIMBS, BALANCE_SUM_SCALE);
	ereturn(p->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", "balance", p->text),
			 errdetail("The terms of %s give a muf of %s kg, not the one stated.",
					   element_info[p->element].symbol, buf),
			 errhint("Leave the muf out, or correct it.")));
}

static bool
parse_line(Parser *p)
{
	Wide192		muf;
	bool		has_muf = false;

	if (!parse_head(p, &muf, &has_muf))
		return false;
	skip_blanks(p);
	if (*p->at != '\n' && *p->at != '\0' && !parse_sections(p))
		return false;
	skip_blanks(p);
	if (*p->at != '\n' && *p->at != '\0')
		return fail(p, "The line goes on with \"%.*s\".", (Token) {p->at, (int) strlen(p->at)});
	return !has_muf || check_muf(p, &muf);
}

bool
rt_balance_parse(const char *text, BalanceState *st, Node *escontext)
{
	Parser		p = {text, text, st, escontext, 0};
	int			lines = 0;

	for (;;)
	{
		while (isspace((unsigned char) *p.at))
			p.at++;
		if (*p.at == '\0')
			break;
		CHECK_FOR_INTERRUPTS();
		if (lines++ == 0 && strncmp(p.at, EMPTY_TEXT, strlen(EMPTY_TEXT)) == 0)
		{
			p.at += strlen(EMPTY_TEXT);
			while (isspace((unsigned char) *p.at))
				p.at++;
			if (*p.at != '\0')
				return fail(&p, "Nothing may follow the word empty: \"%.*s\".",
							(Token) {p.at, (int) strlen(p.at)});
			return true;
		}
		if (!parse_line(&p))
			return false;
	}
	if (lines == 0)
		return fail(&p, "A balance without elements is written \"" EMPTY_TEXT "\"%.*s.",
					(Token) {p.at, 0});
	return true;
}
