/*
 * fdw/convert_array.c
 *		JSON arrays to array values.
 */
#include "retrack.h"

#include "miscadmin.h"
#include "utils/array.h"

#include "fdw/convert.h"

typedef struct ArrayBuild
{
	ConvertColumn *column;
	ConvertElement convert;
	void	   *arg;
	const char *problem;
	int			ndims;			/* 0: not known before the first innermost array */
	int			dims[MAXDIM];	/* -1: not known before the first array there ends */
	Datum	   *values;
	bool	   *nulls;
	int			nvalues;
	int			size;
} ArrayBuild;

static void
add_value(ArrayBuild *build, Datum value, bool isnull)
{
	if (build->nvalues == build->size)
	{
		build->size = build->size == 0 ? 16 : 2 * build->size;
		build->values = build->values == NULL ? palloc(sizeof(Datum) * build->size)
			: repalloc(build->values, sizeof(Datum) * build->size);
		build->nulls = build->nulls == NULL ? palloc(sizeof(bool) * build->size)
			: repalloc(build->nulls, sizeof(bool) * build->size);
	}
	build->values[build->nvalues] = value;
	build->nulls[build->nvalues++] = isnull;
}

static bool
fail_build(ArrayBuild *build, const char *problem)
{
	build->problem = problem;
	return false;
}

/* The elements of the array at depth (0: outermost). */
static bool
add_array(ArrayBuild *build, const JsonValue *array, int depth)
{
	const char *cursor = array->raw;
	const char *end = array->raw + array->raw_len;
	char	   *scratch = memchr(array->raw, '\\', array->raw_len) ? palloc(array->raw_len) : NULL;
	JsonValue	value;
	int			n = 0;

	if (depth >= MAXDIM)
		return fail_build(build, "more dimensions than an array can have");
	while (json_array_next(&cursor, end, scratch, &value))
	{
		bool		nested = value.kind == JV_ARRAY && !build->column->element->json;
		Datum		datum = (Datum) 0;

		CHECK_FOR_INTERRUPTS();
		n++;
		if (nested ? build->ndims == depth + 1 : build->ndims > depth + 1)
			return fail_build(build, "nested arrays have different dimensions");
		if (nested)
		{
			if (!add_array(build, &value, depth + 1))
				return false;
			continue;
		}
		build->ndims = depth + 1;
		if (value.kind != JV_NULL &&
			!build->convert(build->column->element, &value, &datum, build->arg))
			return false;
		add_value(build, datum, value.kind == JV_NULL);
	}
	if (n == 0 && depth > 0)
		return fail_build(build, "an empty array inside an array");
	if (build->dims[depth] >= 0 && build->dims[depth] != n)
		return fail_build(build, "nested arrays have different dimensions");
	build->dims[depth] = n;
	return true;
}

bool
rt_convert_array(ConvertColumn *column, const JsonValue *value, ConvertElement convert,
				 void *arg, Datum *result, const char **problem)
{
	ArrayBuild	build = {.column = column,.convert = convert,.arg = arg};
	ConvertColumn *element = column->element;
	int			lower[MAXDIM];

	for (int i = 0; i < MAXDIM; i++)
	{
		build.dims[i] = -1;
		lower[i] = 1;
	}
	if (!add_array(&build, value, 0))
	{
		*problem = build.problem;
		return false;
	}
	if (build.nvalues == 0)
		*result = PointerGetDatum(construct_empty_array(element->typid));
	else
		*result = PointerGetDatum(construct_md_array(build.values, build.nulls, build.ndims, build.dims,
													 lower, element->typid, column->element_len,
													 column->element_byval, column->element_align));
	return true;
}
