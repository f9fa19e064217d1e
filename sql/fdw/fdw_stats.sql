-- What scans through retrack_fdw did and do: counters per server, running scans.

CREATE FUNCTION retrack.fdw_stats_counters(
	OUT serverid pg_catalog.oid, OUT scans bigint, OUT failed_scans bigint, OUT requests bigint, OUT retries bigint,
	OUT redirects bigint, OUT not_modified bigint, OUT throttled bigint, OUT failures bigint, OUT connections bigint,
	OUT tokens bigint, OUT pages bigint, OUT records bigint, OUT rejected bigint, OUT wire_bytes bigint,
	OUT decoded_bytes bigint, OUT wait_us bigint, OUT since timestamptz)
	RETURNS SETOF record
	LANGUAGE C STRICT VOLATILE PARALLEL SAFE ROWS 10
	AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION retrack.fdw_stats_counters() IS
'Counters behind view retrack.fdw_stats, by the servers'' OIDs.';

CREATE VIEW retrack.fdw_stats AS
SELECT s.srvname AS server, c.scans, c.failed_scans, c.requests, c.retries, c.redirects, c.not_modified, c.throttled,
	c.failures, c.connections, c.tokens, c.pages, c.records, c.rejected, c.wire_bytes, c.decoded_bytes,
	c.wait_us / 1000.0 AS wait_ms, c.since
FROM retrack.fdw_stats_counters() c JOIN pg_catalog.pg_foreign_server s ON s.oid = c.serverid;

COMMENT ON VIEW retrack.fdw_stats IS
'What was asked of each server of this database by all sessions since "since": scans (failed_scans: ended by an error or cancelled), HTTP requests (retries, redirects included), answers 304 (not_modified) and 429 (throttled), requests given up (failures), connections opened, OAuth2 tokens fetched, pages and records read, records refused under on_error skip (rejected), bytes of bodies as sent and after decompression, and milliseconds spent waiting for the network.';

CREATE FUNCTION retrack.fdw_stats_reset(serverid pg_catalog.oid DEFAULT NULL) RETURNS void
	LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL SAFE
	AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION retrack.fdw_stats_reset(pg_catalog.oid) IS
'Sets the counters of one server, or of all servers of this database if NULL, to zero. For superusers and roles that EXECUTE was granted to.';

REVOKE ALL ON FUNCTION retrack.fdw_stats_reset(pg_catalog.oid) FROM PUBLIC;

CREATE FUNCTION retrack.fdw_progress_slots(
	OUT pid int, OUT serverid pg_catalog.oid, OUT relid pg_catalog.oid, OUT started timestamptz,
	OUT pages bigint, OUT records bigint, OUT bytes bigint)
	RETURNS SETOF record
	LANGUAGE C STRICT VOLATILE PARALLEL SAFE ROWS 10
	AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION retrack.fdw_progress_slots() IS
'Running scans behind view retrack.fdw_progress.';

CREATE VIEW retrack.fdw_progress AS
SELECT p.pid, s.srvname AS server, p.relid::pg_catalog.regclass AS "table", p.started, p.pages, p.records, p.bytes
FROM retrack.fdw_progress_slots() p
	JOIN pg_catalog.pg_foreign_server s ON s.oid = p.serverid
	JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid;

COMMENT ON VIEW retrack.fdw_progress IS
'Scans that are running now, in any session of this database: pages begun, records read and bytes (after decompression) so far; a scan updates them with each of its first 100 records, then every 100, and at the end of each page.';

GRANT SELECT ON retrack.fdw_stats, retrack.fdw_progress TO PUBLIC;
