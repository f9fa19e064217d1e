/*
 * fdw/options.h
 *		Options of retrack_fdw: what CREATE SERVER, USER MAPPING and FOREIGN
 *		TABLE accept, and their values as a scan uses them.
 */
#ifndef RT_OPTIONS_H
#define RT_OPTIONS_H

#include "retrack.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

#define HEADER_LINE_MAX 4096	/* of option headers, with terminator */

typedef enum Pagination
{
	PAGINATION_NONE,
	PAGINATION_LINK,
	PAGINATION_CURSOR,
	PAGINATION_PAGE,
	PAGINATION_OFFSET
} Pagination;

typedef enum AuthKind
{
	AUTH_NONE,
	AUTH_BEARER,
	AUTH_BASIC,
	AUTH_API_KEY,
	AUTH_OAUTH2
} AuthKind;

/* What a column that holds no value of the record shows instead. */
typedef enum ColumnSource
{
	COLUMN_VALUE,				/* the value at its pointer ('' is the raw record) */
	COLUMN_ERROR,				/* '#error': why the row was refused, NULL if it was not */
	COLUMN_SQLSTATE,			/* '#sqlstate' of that */
	COLUMN_ERROR_POINTER,		/* '#pointer': where in the record */
	COLUMN_PAGE,				/* '#page': number of the page, from 1 */
	COLUMN_RECORD				/* '#record': number of the record in its page, from 1 */
} ColumnSource;

/* Options of one column; strings NULL where not set. */
typedef struct FdwColumn
{
	AttrNumber	attnum;
	const char *name;
	ColumnSource source;
	const char *pointer;		/* RFC 6901, never NULL for COLUMN_VALUE */
	const char *param;
	const char *param_from;
	const char *param_to;
	const char *param_in;
	const char *sort;
	int			in_repeat;		/* param_in_style: 0 not stated, 1 comma, 2 repeat */
	int			sort_nulls;		/* as in FdwOptions */
	bool		exact;
	bool		required;
	bool		not_null;		/* by the table's definition */
} FdwColumn;

/*
 * Everything a scan of one table (or a fetch from one server) needs to know,
 * table options over server options over defaults.  All in one memory context.
 */
typedef struct FdwOptions
{
	Oid			serverid;
	Oid			umid;			/* user mapping, InvalidOid with auth none */
	Oid			userid;			/* role whose mapping it is */
	const char *server_name;
	const char *table_name;		/* NULL for a fetch */

	const char *base_url;
	const char *path;
	const char *records;
	int			ndjson;			/* format: 0 json, 1 ndjson */

	Pagination	pagination;
	bool		pagination_stated;	/* not none by default */
	const char *next;
	const char *cursor_param;
	const char *page_param;
	int			first_page;
	const char *offset_param;
	const char *limit_param;
	int			page_size;		/* 0: not set */
	const char *total;
	int			prefetch;		/* pages */
	int			max_pages;		/* 0: no limit */
	const char *sort_param;
	int			sort_nulls;		/* 0 not stated, 1 first, 2 last */
	int			in_repeat;		/* param_in_style, as in FdwColumn */

	int			connect_timeout;	/* ms, as all times here; 0: none */
	int			timeout;
	int			stall_timeout;
	int			max_retries;
	int			max_retry_wait;
	double		rate_limit;		/* requests per second, 0: none */
	int			max_record_size;	/* bytes */
	int			buffer_size;

	AuthKind	auth;
	const char *api_key_header;
	const char *token_url;
	const char *scope;
	const char *headers;
	const char *ca_file;
	const char *client_cert;
	const char *client_key;
	const char *proxy;
	const char *allow_hosts;

	/* from the user mapping: secrets */
	const char *token;
	const char *user;
	const char *password;
	const char *api_key;
	const char *client_id;
	const char *client_secret;

	int			skip_errors;	/* on_error: 0 stop, 1 skip */
	int64		reject_limit;	/* 0: unlimited */
} FdwOptions;

/*
 * Options of a table (relid may be InvalidOid: the server's alone) for the given
 * role, in the current memory context.  Raises HV00J where one that the chosen
 * pagination or auth needs is missing, 42704 where there is no user mapping, 42501
 * where superuser-only options stand on a server of an ordinary user's.
 */
extern FdwOptions *rt_fdw_options(Oid serverid, Oid relid, Oid userid);

/* As rt_fdw_options, for planning: no user mapping is looked up, nothing is missed. */
extern FdwOptions *rt_fdw_plan_options(Oid relid);

/*
 * Column options by attribute number - 1, in the current memory context; entries
 * of dropped columns have attnum 0.
 */
extern FdwColumn *rt_fdw_columns(Relation rel, const FdwOptions *options);

/* A query must bind the column: it is `required`, or the path holds its parameter. */
extern bool rt_column_needs_value(const FdwColumn *column, const char *path);

/* True if path holds {name}. */
extern bool rt_path_has_parameter(const char *path, const char *name);

#endif							/* RT_OPTIONS_H */
