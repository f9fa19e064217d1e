-- The foreign data wrapper: paged JSON over HTTP as tables.

CREATE FUNCTION retrack.retrack_fdw_handler() RETURNS pg_catalog.fdw_handler
	LANGUAGE C STRICT VOLATILE PARALLEL SAFE
	AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION retrack.retrack_fdw_handler() IS
'Handler of foreign data wrapper retrack_fdw. Not to be called directly.';

CREATE FUNCTION retrack.retrack_fdw_validator(pg_catalog.text[], pg_catalog.oid) RETURNS void
	LANGUAGE C STRICT VOLATILE PARALLEL SAFE
	AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION retrack.retrack_fdw_validator(pg_catalog.text[], pg_catalog.oid) IS
'Checks the options of servers, user mappings, foreign tables and columns of retrack_fdw. Raises HV00D for an unknown or contradictory option, HV024 for a value that is out of range, HV00J for a missing one, 42501 for a superuser''s option set by somebody else.';

CREATE FOREIGN DATA WRAPPER retrack_fdw
	HANDLER retrack.retrack_fdw_handler
	VALIDATOR retrack.retrack_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER retrack_fdw IS
'Reads paged JSON-over-HTTP APIs. Server options: base_url, pagination (none, link, cursor, page, offset), records, next, cursor_param, page_param, first_page, offset_param, limit_param, page_size, total, prefetch, max_pages, sort_param, sort_nulls, connect_timeout, timeout, stall_timeout, max_retries, max_retry_wait, rate_limit, max_record_size, buffer_size, auth (none, bearer, basic, api_key, oauth2), api_key_header, token_url, scope, headers; for superusers ca_file, client_cert, client_key, proxy, allow_hosts. User mapping options: token; user, password; api_key; client_id, client_secret. Table options: path, records, format (json, ndjson), on_error (stop, skip), reject_limit and the paging options. Column options: pointer, param, param_from, param_to, param_in, param_in_style, sort, sort_nulls, exact, required.';
