/*
 * rules/control_list.h
 *		The registry's control list in memory, and the question it answers:
 *		which of its entries a material falls under on a date.
 */
#ifndef RT_RULES_CONTROL_LIST_H
#define RT_RULES_CONTROL_LIST_H

#include "retrack.h"
#include "rules/books.h"
#include "types/assay.h"
#include "utils/date.h"

/* Dates from "from" on and before "until". */
typedef struct DateSpan
{
	DateADT		from;
	DateADT		until;
} DateSpan;

/* Millionths of a ppb, so that thresholds and guards are the decimals they are written as. */
#define CONTROL_UNITS INT64CONST(1000000)

typedef struct ControlEntry
{
	char	   *code;
	int			code_len;
	int			element;		/* dense index: must be present */
	uint32		mask;			/* elements whose fractions are added up */
	Oid			form;
	int64		threshold;		/* in CONTROL_UNITS: controlled above it */
	int64		guard;			/* millionths of standard deviations, added before comparing */
	DateSpan	valid;
	int			nsuspended;
	DateSpan   *suspended;
} ControlEntry;

#define CODE_MEMOS 32
#define CODE_MEMO_TEXT 24

/* Elements that a control code stands for. */
typedef struct CodeMemo
{
	bool		used;
	int			len;
	char		text[CODE_MEMO_TEXT];
	uint32		elements;
} CodeMemo;

struct ControlList
{
	MemoryContext cxt;
	CodeMemo	memo[CODE_MEMOS];
	int			count;
	ControlEntry *entries;		/* those of one form together */
	Oid			form_found;		/* what rt_control_first was asked last, and answered */
	int			form_first;
};

/* The list as last committed, loaded if a trigger announced a change of it; needs SPI only then. */
extern ControlList *rt_control_list(Books *b);

/* Index of the first entry of the form; count if it has none. */
extern int	rt_control_first(ControlList *list, Oid form);

/* Whether the entry is in force on the date and names the form. */
extern bool rt_control_in_force(const ControlEntry *e, Oid form, DateADT date);

/* What of the material counts for the entry: the sum of its fractions, in ppb, and the variance of that. */
extern void rt_control_content(const ControlEntry *e, const AssayParts *parts, int64 *sum, int128 *variance);

/* Whether the material is the entry's: element present, sum + guard * sd above the threshold. */
extern bool rt_control_applies(const ControlEntry *e, const AssayParts *parts);

/* "1C905.a" covers "1C905.a" and "1C905.a.4". */
extern bool rt_code_covers(const char *code, int code_len, const char *other, int other_len);

/* Span of SQL (lower, upper) of a date range, unbounded where null. */
extern DateSpan rt_date_span(Datum lower, bool lower_null, Datum upper, bool upper_null);

static inline bool
date_in_span(DateSpan span, DateADT date)
{
	return date >= span.from && date < span.until;
}

#endif							/* RT_RULES_CONTROL_LIST_H */
