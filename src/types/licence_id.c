/*
 * types/licence_id.c
 *		SQL type "licence_id": input, output, parts.
 */
#include "retrack.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "types/licence_id.h"

PG_FUNCTION_INFO_V1(licence_id_in);
Datum
licence_id_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);
	LicenceId	id;
	char		expected;

	switch (rt_licence_id_parse(s, strlen(s), &id, &expected))
	{
		case LICENCE_ID_OK:
			break;
		case LICENCE_ID_SYNTAX:
			ereturn(rt_escontext(fcinfo), (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", "licence_id", s),
					 errhint("Licence numbers are YY-AA-NNNNNN, with an optional check character behind: 06-AA-204966-Y.")));
		case LICENCE_ID_CHECK:
			ereturn(rt_escontext(fcinfo), (Datum) 0,
					(errcode(ERRCODE_RT_CHECK_CHARACTER),
					 errmsg("wrong check character in licence number \"%s\"", s),
					 errdetail("The check character (ISO 7064 MOD 37,36) of these ten characters is \"%c\".", expected),
					 errhint("One character was misread or two were swapped: compare with the document.")));
	}
	PG_RETURN_LICENCE_ID(id);
}

PG_FUNCTION_INFO_V1(licence_id_out);
Datum
licence_id_out(PG_FUNCTION_ARGS)
{
	char	   *buf = palloc(LICENCE_ID_TEXT_MAX);

	rt_licence_id_print(PG_GETARG_LICENCE_ID(0), true, buf);
	PG_RETURN_CSTRING(buf);
}

PG_FUNCTION_INFO_V1(licence_id_recv);
Datum
licence_id_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	uint64		id = (uint64) pq_getmsgint64(buf);

	if (id > LICENCE_ID_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("external \"%s\" value is out of range", "licence_id")));
	PG_RETURN_LICENCE_ID(id);
}

PG_FUNCTION_INFO_V1(licence_id_send);
Datum
licence_id_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, PG_GETARG_LICENCE_ID(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(document_number);
Datum
document_number(PG_FUNCTION_ARGS)
{
	char		buf[LICENCE_ID_TEXT_MAX];
	int			len = rt_licence_id_print(PG_GETARG_LICENCE_ID(0), false, buf);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf, len));
}

PG_FUNCTION_INFO_V1(licence_year);
Datum
licence_year(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(2000 + (int32) (PG_GETARG_LICENCE_ID(0) / LICENCE_ID_RADIX_SERIAL));
}

/* Characters [from, from + len) of the printed form. */
static text *
printed_part(LicenceId id, int from, int len)
{
	char		buf[LICENCE_ID_TEXT_MAX];

	rt_licence_id_print(id, true, buf);
	return cstring_to_text_with_len(buf + from, len);
}

PG_FUNCTION_INFO_V1(licence_office);
Datum
licence_office(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(printed_part(PG_GETARG_LICENCE_ID(0), 3, 2));
}

PG_FUNCTION_INFO_V1(licence_serial);
Datum
licence_serial(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(printed_part(PG_GETARG_LICENCE_ID(0), 6, 6));
}

PG_FUNCTION_INFO_V1(check_character_licence_id);
Datum
check_character_licence_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(printed_part(PG_GETARG_LICENCE_ID(0), 13, 1));
}

/* Of any text: its letters and digits count, hyphens and blanks do not. */
PG_FUNCTION_INFO_V1(check_character_text);
Datum
check_character_text(PG_FUNCTION_ARGS)
{
	text	   *t = PG_GETARG_TEXT_PP(0);
	const char *s = VARDATA_ANY(t);
	int			len = VARSIZE_ANY_EXHDR(t);
	char	   *chars = palloc(len + 1);
	int			n = 0;
	char		check;

	for (int i = 0; i < len; i++)
	{
		if (s[i] != '-' && s[i] != ' ')
			chars[n++] = s[i];
	}
	check = n > 0 ? rt_check_character(chars, n) : '\0';
	if (check == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("check characters are defined over 0-9 and A-Z only: \"%s\"", text_to_cstring(t))));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(&check, 1));
}

/* make_licence_id(year, office, serial): what the three functions above take apart. */
PG_FUNCTION_INFO_V1(make_licence_id);
Datum
make_licence_id(PG_FUNCTION_ARGS)
{
	int32		year = PG_GETARG_INT32(0);
	char	   *office = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *serial = text_to_cstring(PG_GETARG_TEXT_PP(2));
	char		number[LICENCE_ID_TEXT_MAX];
	LicenceId	id;
	char		expected;

	if (year < 2000 || year > 2099)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("year %d of a licence number is not between 2000 and 2099", year)));
	if (strlen(office) == 2 && strlen(serial) == 6)
	{
		snprintf(number, sizeof(number), "%02d-%s-%s", year - 2000, office, serial);
		if (rt_licence_id_parse(number, 12, &id, &expected) == LICENCE_ID_OK)
			PG_RETURN_LICENCE_ID(id);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid office \"%s\" or serial \"%s\" of a licence number", office, serial),
			 errdetail("An office has two, a serial six characters of 0-9 and A-Z.")));
}
