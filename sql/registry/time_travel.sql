-- What held on a given day, and what the books said then.

CREATE FUNCTION retrack.check_registry(registry name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
                 WHERE n.nspname = registry AND c.relname = 'registry_role' AND c.relkind = 'r') THEN
    RAISE EXCEPTION USING ERRCODE = 'RTR02', MESSAGE = format('schema "%s" is not a registry', registry),
      DETAIL = 'It has no table "registry_role".', HINT = 'CALL retrack.create_registry makes one.';
  END IF;
END $fn$;
COMMENT ON FUNCTION retrack.check_registry(name) IS 'raises RTR02 where the schema is no registry, or NULL';

CREATE FUNCTION retrack.controlled_on(registry name, day date)
RETURNS TABLE (code text, element retrack.element, form retrack.form, threshold numeric, with_elements retrack.element[],
               guard numeric, source text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 ROWS 50 SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  PERFORM retrack.check_registry(registry);
  RETURN QUERY EXECUTE format($sql$
    SELECT c.code, c.element, c.form, c.threshold, c.with_elements, c.guard, c.source
    FROM %I.control_list c WHERE c.valid @> $1 AND NOT c.suspended @> $1$sql$, registry) USING day;
END $fn$;
COMMENT ON FUNCTION retrack.controlled_on(name, date) IS
'the control list as it was in force on that day: announced for it and not suspended. What the rules and views go by for a shipment of that day.
Any NULL: no rows. Errors: RTR02 no such registry.';

CREATE FUNCTION retrack.controlled_on(registry name, day date, material retrack.form, assay retrack.assay)
RETURNS TABLE (code text, element retrack.element, fraction numeric, threshold numeric, source text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 ROWS 2 SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  RETURN QUERY
    SELECT c.code, c.element, f.fraction, c.threshold, c.source
    FROM retrack.controlled_on(registry, day) c
    CROSS JOIN LATERAL (
      SELECT sum(retrack.fraction(assay, u.e)) AS fraction, sqrt(sum(retrack.fraction_sd(assay, u.e) * retrack.fraction_sd(assay, u.e))) AS sd
      FROM (SELECT c.element UNION SELECT unnest(c.with_elements)) AS u(e)) f
    WHERE c.form = material AND retrack.fraction(assay, c.element) > 0 AND f.fraction + c.guard * f.sd > c.threshold;
END $fn$;
COMMENT ON FUNCTION retrack.controlled_on(name, date, retrack.form, retrack.assay) IS
'was this controlled on that day: the codes of the control list that material of this form and assay fell under, each with the mass fraction that was compared (the element''s, with those of with_elements) and the threshold it passed. No row: it was free.
Any NULL: no rows. Errors: RTR02 no such registry.';

CREATE FUNCTION retrack.licence_on(registry name, day date, number retrack.licence_id DEFAULT NULL)
RETURNS TABLE (licence retrack.licence_id, holder text, kind text, valid daterange, status text, in_force boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000 ROWS 100 SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  IF day IS NULL THEN
    RETURN;
  END IF;
  PERFORM retrack.check_registry(registry);
  RETURN QUERY EXECUTE format($sql$
    SELECT l.licence, l.holder, l.kind, l.valid, h.status, l.valid @> $1 AND h.status = 'issued'
    FROM %1$I.licence l
    JOIN %1$I.licence_history h ON h.licence OPERATOR(retrack.=) l.licence AND h.during @> $1
    WHERE NOT l.withdrawn AND ($2 IS NULL OR l.licence OPERATOR(retrack.=) $2)$sql$, registry) USING day, number;
END $fn$;
COMMENT ON FUNCTION retrack.licence_on(name, date, retrack.licence_id) IS
'each licence (or the one given) as it stood on that day: its status then by licence_history, and whether it was in force. Sees the licences the caller sees. Validity is as known now: rows_as_of(NULL::trade.licence, moment) tells what the books said then.
NULL registry or day: error or no rows. Errors: RTR02 no such registry.';

CREATE FUNCTION retrack.submissions_on(registry name, moment timestamptz)
RETURNS TABLE (submission_id text, version integer, producer text, period daterange, submitted_at timestamptz, versions bigint)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 ROWS 1000 SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  PERFORM retrack.check_registry(registry);
  RETURN QUERY EXECUTE format($sql$
    SELECT x.submission_id, x.version, x.producer, x.period, x.submitted_at, x.versions
    FROM (SELECT DISTINCT ON (s.submission_id) s.*, count(*) OVER (PARTITION BY s.submission_id) AS versions
          FROM %I.submission s WHERE s.submitted_at <= $1 ORDER BY s.submission_id, s.version DESC) x
    WHERE NOT x.withdrawn$sql$, registry) USING moment;
END $fn$;
COMMENT ON FUNCTION retrack.submissions_on(name, timestamptz) IS
'the submissions in force at that moment: of each the highest version submitted by then, with the number of versions there were; one that was withdrawn by then is left out.
Any NULL: no rows. Errors: RTR02 no such registry.';
