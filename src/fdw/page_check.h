/*
 * fdw/page_check.h
 *		Is this answer a page at all?  And the errors when it is not.
 */
#ifndef RT_PAGE_CHECK_H
#define RT_PAGE_CHECK_H

#include "fdw/http.h"
#include "fdw/json_scan.h"

/* Raises HV00M; detail may be NULL. */
extern void rt_page_refuse(const char *message, const char *detail) pg_attribute_noreturn();

/* Raises HV00M unless the media type is JSON's (NDJSON's) and the end is marked. */
extern void rt_page_check_type(const HttpAnswer *answer, bool ndjson);

/* Raises HV00M for what the scanner found; reason: what an error object says, or NULL. */
extern void rt_page_report(const JsonScanError *error, const char *reason) pg_attribute_noreturn();

/* A bounded, one-line copy in the database's encoding, palloc'd. */
extern char *rt_page_printable(const char *text, size_t len);

/* Sets *total if the value is a count, as number or string. */
extern void rt_page_read_total(const JsonValue *value, double *total);

#endif							/* RT_PAGE_CHECK_H */
