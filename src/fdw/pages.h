/*
 * fdw/pages.h
 *		Reads the records of a paged resource, page by page, to its true end.
 *
 * An end is only what the pagination says is one; everything else (a page that
 * repeats, a promised page that is missing, a cap) is an error.
 */
#ifndef RT_PAGES_H
#define RT_PAGES_H

#include "retrack.h"

#include "fdw/http.h"
#include "fdw/json_scan.h"

typedef struct PageReader PageReader;

typedef enum PagesResult
{
	PAGES_RECORD,				/* rt_pages_field reads it */
	PAGES_BAD_RECORD,			/* a record that is not an object; one may go on */
	PAGES_WAIT,					/* nothing without waiting */
	PAGES_END
} PagesResult;

/*
 * Makes a reader in the current memory context, which must outlive it.  fields
 * are pointers inside a record.  conn is the scan's.
 */
extern PageReader *rt_pages_create(const FdwOptions *opts, HttpConn *conn,
								   int nfields, const char *const *fields);

/*
 * (Re)starts at the first page of url, which holds path and filters but nothing
 * about pages.  page_size 0 asks for the server's own size; modest: the first page
 * may be enough, so the second is not asked for ahead of it.
 */
extern void rt_pages_start(PageReader *reader, const char *url, int page_size, bool modest);

/*
 * Starts at one page of numbered pagination, skip pages of page_records records
 * each after the first one, and ends with it.
 */
extern void rt_pages_start_one(PageReader *reader, const char *url, int page_size,
							   int64 skip, int64 page_records);

/* Stops all transfers. */
extern void rt_pages_stop(PageReader *reader);

/*
 * Next record.  With wait false it never sleeps.  Raises HV00M, HV00L, HV00N as
 * the transport and HV00M for whatever keeps the answer from being whole.
 */
extern PagesResult rt_pages_next(PageReader *reader, bool wait);

/* What to wait for after PAGES_WAIT. */
extern HttpRequest *rt_pages_request(PageReader *reader);

extern const JsonValue *rt_pages_field(PageReader *reader, int i);

/* Where the reader is: page from 1 (0: before), record in it from 1 (0: before). */
extern uint64 rt_pages_page(const PageReader *reader);
extern uint64 rt_pages_record(const PageReader *reader);
extern const JsonScanError *rt_pages_bad_record(const PageReader *reader);

/* The total the API stated last, -1 if none. */
extern double rt_pages_total(const PageReader *reader);

extern size_t rt_pages_memory(const PageReader *reader);

/* First URL with its paging parameters, as it would be sent; palloc'd. */
extern char *rt_pages_first_url(const FdwOptions *opts, const char *url, int page_size);

#endif							/* RT_PAGES_H */
