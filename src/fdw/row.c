/*
 * fdw/row.c
 *		Records to rows (see row.h).
 */
#include "fdw/row.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "fdw/convert.h"

typedef struct RowColumn
{
	int			index;			/* in values */
	ConvertColumn *convert;		/* of a value */
	int			field;			/* index for rt_pages_field */
	ColumnSource source;
	FmgrInfo	input;			/* of a #column */
	Oid			ioparam;
	int32		typmod;
} RowColumn;

struct RowReader
{
	int			natts;
	int			nvalues;
	RowColumn  *values;			/* that come from the record */
	int			nspecial;
	RowColumn  *special;		/* that tell of it */
	const char **fields;
	bool		skip;
	bool		shows_errors;
	char	   *error;			/* of the last refused row, in the per-row context */
	int			sqlstate;
	const char *pointer;
};

static bool
tells_error(ColumnSource source)
{
	return source == COLUMN_ERROR || source == COLUMN_SQLSTATE || source == COLUMN_ERROR_POINTER;
}

static void
add_column(RowReader *row, Form_pg_attribute att, const FdwColumn *c, const FdwOptions *opts)
{
	RowColumn  *column;

	if (c->source == COLUMN_VALUE)
	{
		column = &row->values[row->nvalues];
		column->convert = rt_convert_column(c->name, c->pointer, att->atttypid, att->atttypmod, att->attnotnull);
		column->convert->secrets = opts;
		column->field = row->nvalues;
		row->fields[row->nvalues++] = c->pointer;
	}
	else
	{
		Oid			input;

		column = &row->special[row->nspecial++];
		getTypeInputInfo(att->atttypid, &input, &column->ioparam);
		fmgr_info(input, &column->input);
		column->typmod = att->atttypmod;
	}
	column->source = c->source;
	column->index = att->attnum - 1;
}

RowReader *
rt_row_create(TupleDesc desc, const FdwOptions *opts, const FdwColumn *columns, List *attnums)
{
	RowReader  *row = palloc0(sizeof(RowReader));
	ListCell   *lc;

	row->natts = desc->natts;
	row->skip = opts->skip_errors;
	row->values = palloc0(sizeof(RowColumn) * Max(desc->natts, 1));
	row->special = palloc0(sizeof(RowColumn) * Max(desc->natts, 1));
	row->fields = palloc0(sizeof(char *) * Max(desc->natts, 1));
	foreach(lc, attnums)
		if (tells_error(columns[lfirst_int(lc) - 1].source))
			row->shows_errors = row->skip;
	for (int i = 0; i < desc->natts; i++)
		if (columns[i].attnum != 0 &&
			(list_member_int(attnums, i + 1) ||
			 (row->shows_errors && columns[i].source == COLUMN_VALUE)))
			add_column(row, TupleDescAttr(desc, i), &columns[i], opts);
	return row;
}

int
rt_row_fields(const RowReader *row, const char *const **fields)
{
	*fields = row->fields;
	return row->nvalues;
}

const char *
rt_row_error(const RowReader *row)
{
	return row->error ? row->error : "";
}

/* Text of a #column, NULL if it has none for this row. */
static char *
special_text(const RowReader *row, ColumnSource source, PageReader *pages)
{
	switch (source)
	{
		case COLUMN_ERROR:
			return row->error;
		case COLUMN_SQLSTATE:
			return row->error ? unpack_sql_state(row->sqlstate) : NULL;
		case COLUMN_ERROR_POINTER:
			return row->error ? (char *) row->pointer : NULL;
		case COLUMN_PAGE:
			return psprintf(UINT64_FORMAT, rt_pages_page(pages));
		case COLUMN_RECORD:
			return psprintf(UINT64_FORMAT, rt_pages_record(pages));
		case COLUMN_VALUE:
			break;
	}
	return NULL;
}

static void
fill_special(RowReader *row, PageReader *pages, Datum *values, bool *nulls)
{
	for (int i = 0; i < row->nspecial; i++)
	{
		RowColumn  *c = &row->special[i];
		char	   *text = special_text(row, c->source, pages);

		nulls[c->index] = text == NULL;
		values[c->index] = InputFunctionCall(&c->input, text, c->ioparam, c->typmod);
	}
}

/* The first error of a row is the one that is told. */
static void
note_error(RowReader *row, const ConvertError *error)
{
	if (row->error != NULL)
		return;
	row->error = rt_convert_error_text(error);
	row->sqlstate = error->sqlstate;
	row->pointer = error->column->pointer;
}

RowResult
rt_row_read(RowReader *row, PageReader *pages, Datum *values, bool *nulls)
{
	ConvertError error;

	row->error = NULL;
	memset(nulls, true, row->natts * sizeof(bool));
	for (int i = 0; i < row->nvalues; i++)
	{
		RowColumn  *c = &row->values[i];

		if (rt_convert_value(c->convert, rt_pages_field(pages, c->field), &values[c->index],
							 &nulls[c->index], row->skip ? &error : NULL))
			continue;
		nulls[c->index] = true;
		note_error(row, &error);
		if (!row->shows_errors)
			return ROW_REJECTED;
	}
	fill_special(row, pages, values, nulls);
	return row->error ? ROW_SHOWN : ROW_GOOD;
}

RowResult
rt_row_read_bad(RowReader *row, PageReader *pages, Datum *values, bool *nulls)
{
	memset(nulls, true, row->natts * sizeof(bool));
	row->error = pstrdup("record is not a JSON object");
	row->sqlstate = ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE;
	row->pointer = "";
	if (!row->shows_errors)
		return ROW_REJECTED;
	fill_special(row, pages, values, nulls);
	return ROW_SHOWN;
}
