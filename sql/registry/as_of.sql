CREATE FUNCTION retrack.as_of() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE COST 1 SET search_path = pg_catalog, pg_temp
AS $$SELECT coalesce(nullif(current_setting('retrack.as_of', true), '')::timestamptz, now())$$;
COMMENT ON FUNCTION retrack.as_of() IS
'The moment for which a registry''s views answer: the setting retrack.as_of (a timestamptz as text, for example SET retrack.as_of = ''2025-11-10 00:00+08''), or now() where it is not set. What is late, expired, pending or nearly used is judged at that moment. Errors: 22007 or 22008 where the setting is not a timestamptz.';
