/*
 * fdw/value_text.h
 *		How values of SQL types read in a request.
 */
#ifndef RT_VALUE_TEXT_H
#define RT_VALUE_TEXT_H

#include "retrack.h"

/*
 * A value as UTF-8 text, palloc'd, whatever the session's settings: timestamps as
 * RFC 3339 (with time zone: in UTC), true and false, floats in full, licences
 * without check character; else the type's output.
 */
extern char *rt_value_text(Datum value, Oid type);

/*
 * The text is one that other programs read as the same value: not so infinities
 * and NaN, nor dates before the year 1 or after 9999, which RFC 3339 does not have.
 */
extern bool rt_value_text_shared(const char *text, Oid type);

extern bool rt_is_integer(Oid type);

/* An integer as another integer type; false if out of its range. */
extern bool rt_integer_as(Datum value, Oid from, Oid to, Datum *result);

#endif							/* RT_VALUE_TEXT_H */
