/*
 * fdw/convert.h
 *		JSON values to Datums, column by column.
 *
 * Rule: JSON null and a pointer that leads nowhere are NULL.  For json and
 * jsonb the value's raw JSON text is the column's value, a JSON array fills an
 * array column element by element; in every other case the value's text (a
 * string unescaped, everything else as sent, so "" is the empty string) goes
 * through the column type's input function.  Fast paths give exactly what the
 * input function would give, or leave the value to it.
 */
#ifndef RT_CONVERT_H
#define RT_CONVERT_H

#include "retrack.h"

#include "fdw/json_scan.h"

typedef struct ConvertColumn ConvertColumn;

/* True: *result is set; false: not decided, the input function must. */
typedef bool (*ConvertFast) (ConvertColumn *column, const JsonValue *value, Datum *result);

/* One column of one scan; it lives in the context it was made in. */
struct ConvertColumn
{
	ConvertFast fast;			/* NULL if the type has no fast path */
	bool		check_null;		/* a NULL may be refused: NOT NULL, domains */
	bool		not_null;
	bool		json;			/* json or jsonb */
	bool		soft;			/* the input function never throws for a bad value */
	Oid			typid;
	int32		typmod;
	Oid			ioparam;
	FmgrInfo	input;
	const char *name;			/* of the column, for errors */
	const char *pointer;		/* in the record, for errors */
	struct ConvertColumn *element;	/* of an array type */
	int16		element_len;
	bool		element_byval;
	char		element_align;
	struct ConvertColumn *base; /* of a domain */
	void	   *domain;			/* domain_check's */
	struct ConvertLabels *labels;	/* of an enum */
	MemoryContext context;
	const struct FdwOptions *secrets;	/* credentials to keep out of errors, or NULL */
};

/* Why a value was refused; strings live in the context that was current. */
typedef struct ConvertError
{
	const ConvertColumn *column;
	int			sqlstate;		/* the input function's: 22P02, 22003, 22008, 23502, ... */
	const char *message;		/* the input function's primary message */
	const char *value;			/* the raw value, bounded */
} ConvertError;

/* Sets column->fast by the column's type; arrays and domains aside. */
extern void rt_convert_choose_fast(ConvertColumn *column);

/* Those of dates and times. */
extern bool rt_convert_fast_date(ConvertColumn *column, const JsonValue *value, Datum *result);
extern bool rt_convert_fast_time(ConvertColumn *column, const JsonValue *value, Datum *result);
extern bool rt_convert_fast_timestamp(ConvertColumn *column, const JsonValue *value, Datum *result);
extern bool rt_convert_fast_timestamptz(ConvertColumn *column, const JsonValue *value, Datum *result);

/* Fast only if every element is. */
extern bool rt_convert_fast_array(ConvertColumn *column, const JsonValue *value, Datum *result);

/* Remembers what the input function made of an enum's label. */
extern void rt_convert_learn_label(ConvertColumn *column, const JsonValue *value, Datum label);

/*
 * Gives one element of an array its value; false ends the whole with false.
 * May throw.
 */
typedef bool (*ConvertElement) (ConvertColumn *element, const JsonValue *value, Datum *result,
								void *arg);

/*
 * JSON array to array value, element by element; nested arrays are dimensions
 * unless the elements are json.  False if convert was, or with *problem set if
 * the dimensions do not fit.
 */
extern bool rt_convert_array(ConvertColumn *column, const JsonValue *value, ConvertElement convert,
							 void *arg, Datum *result, const char **problem);

/*
 * Makes the converter of a column in the current memory context; strings are
 * copied.  Raises what lookups of the type raise.
 */
extern ConvertColumn *rt_convert_column(const char *name, const char *pointer,
										Oid typid, int32 typmod, bool not_null);

/* What rt_convert_value does when there is no fast answer. */
extern bool rt_convert_slow(ConvertColumn *column, const JsonValue *value,
							Datum *result, bool *isnull, ConvertError *error);

/*
 * Converts into the current memory context (switch to the per-tuple one).
 * A value that the type refuses: with error NULL raises HV024
 * (fdw_invalid_attribute_value) naming column, pointer and value, else fills
 * *error and returns false.  Other errors (cancel, out of memory) are raised.
 */
static inline bool
rt_convert_value(ConvertColumn *column, const JsonValue *value,
				 Datum *result, bool *isnull, ConvertError *error)
{
	if (value->kind <= JV_NULL && !column->check_null)
	{
		*result = (Datum) 0;
		*isnull = true;
		return true;
	}
	if (column->fast != NULL && value->kind > JV_NULL && column->fast(column, value, result))
	{
		*isnull = false;
		return true;
	}
	return rt_convert_slow(column, value, result, isnull, error);
}

/* Raises the error that rt_convert_value would have raised. */
extern void rt_convert_report(const ConvertError *error) pg_attribute_noreturn();

/* Names a refused value in one line: column, pointer, reason; palloc'd. */
extern char *rt_convert_error_text(const ConvertError *error);

#endif							/* RT_CONVERT_H */
