/*
 * fdw/row.h
 *		Records to rows: converts the fields a query reads, or tells why not.
 */
#ifndef RT_ROW_H
#define RT_ROW_H

#include "retrack.h"

#include "access/tupdesc.h"

#include "fdw/options.h"
#include "fdw/pages.h"

typedef struct RowReader RowReader;

typedef enum RowResult
{
	ROW_GOOD,
	ROW_REJECTED,				/* on_error skip: leave it out */
	ROW_SHOWN					/* refused, and the query reads what says so */
} RowResult;

/*
 * Prepares reading the columns (integer list of attribute numbers) of a relation in
 * the current memory context.  If an '#error', '#sqlstate' or '#pointer' column is
 * among them and on_error is skip, every column is converted, so that the row's
 * errors do not depend on what else the query reads.
 */
extern RowReader *rt_row_create(TupleDesc desc, const FdwOptions *opts, const FdwColumn *columns,
								List *attnums);

/* Pointers for rt_pages_create. */
extern int	rt_row_fields(const RowReader *row, const char *const **fields);

/*
 * Converts the page reader's current record into values and nulls (all of the
 * relation's columns), in the current memory context.  Under on_error stop raises
 * what convert.h says.
 */
extern RowResult rt_row_read(RowReader *row, PageReader *pages, Datum *values, bool *nulls);

/* The same for a record that is not an object. */
extern RowResult rt_row_read_bad(RowReader *row, PageReader *pages, Datum *values, bool *nulls);

/* Why the last row was refused. */
extern const char *rt_row_error(const RowReader *row);

#endif							/* RT_ROW_H */
