-- Who sees what, in two steps: rows (visible_party: regulators all, producers their own) and sums
-- (aggregated_party: analysts all, too). They are apart so that a role that is both a producer and an
-- analyst, by membership perhaps, does not see other producers' rows. A registry's views run with its owner's rights, on every server version alike, and
-- each filters by visible_party itself; the tables' policies use the same view. So there is one place
-- that says who sees whom, and an analyst can have a view without having the tables below it.
-- (security_invoker views exist from 15 only, would make an analyst's grants on tables necessary, and
-- would hide from a producer the counterpart's half of what his own view compares.)
CREATE FUNCTION retrack.create_registry_visibility(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
DECLARE
  p record;
BEGIN
  EXECUTE format($ddl$
CREATE VIEW %1$I.visible_all WITH (security_barrier) AS
SELECT NOT row_security_active(%2$L::regclass)
       OR EXISTS (SELECT FROM %1$I.registry_role r JOIN pg_roles a ON a.rolname = r.role
                  WHERE r.kind = 'regulator' AND pg_has_role(a.oid, 'USAGE')) AS yes;

CREATE VIEW %1$I.visible_party WITH (security_barrier) AS
SELECT p.party_id
FROM %1$I.party p
WHERE (SELECT v.yes FROM %1$I.visible_all v)
   OR p.party_id IN (SELECT r.party_id FROM %1$I.registry_role r JOIN pg_roles a ON a.rolname = r.role
                     WHERE r.kind = 'producer' AND pg_has_role(a.oid, 'USAGE'));

CREATE VIEW %1$I.aggregated_party WITH (security_barrier) AS
SELECT p.party_id
FROM %1$I.party p
WHERE EXISTS (SELECT FROM %1$I.registry_role r JOIN pg_roles a ON a.rolname = r.role
              WHERE r.kind = 'analyst' AND pg_has_role(a.oid, 'USAGE'))
   OR p.party_id IN (SELECT v.party_id FROM %1$I.visible_party v);

CREATE VIEW %1$I.visible_facility WITH (security_barrier) AS
SELECT f.facility_id FROM %1$I.facility f
WHERE f.party_id IN (SELECT v.party_id FROM %1$I.visible_party v);

CREATE VIEW %1$I.visible_licence WITH (security_barrier) AS
SELECT l.licence FROM %1$I.licence l
WHERE l.holder IN (SELECT v.party_id FROM %1$I.visible_party v);

CREATE VIEW %1$I.visible_lot WITH (security_barrier) AS
SELECT l.lot_id FROM %1$I.lot l
WHERE l.facility_id IN (SELECT v.facility_id FROM %1$I.visible_facility v);
$ddl$, registry, format('%I.party', registry));

  -- check: what a writer must own besides the row's key column
  FOR p IN SELECT * FROM (VALUES
      ('party', 'party_id', 'party', NULL), ('facility', 'party_id', 'party', NULL), ('instrument', 'facility_id', 'facility', NULL),
      ('licence', 'holder', 'party', NULL), ('licence_item', 'licence', 'licence', NULL), ('licence_party', 'licence', 'licence', NULL),
      ('licence_application', 'applicant', 'party', NULL), ('quota', 'holder', 'party', NULL),
      ('lot', 'facility_id', 'facility', NULL), ('lot_edge', 'output_lot', 'lot', NULL),
      ('production', 'facility_id', 'facility', NULL),
      ('transfer', 'reported_by', 'party', 'CASE WHEN reported_by = shipper THEN from_facility ELSE to_facility END'),
      ('shipment', 'exporter', 'party', 'facility_id'),
      ('inventory', 'facility_id', 'facility', NULL), ('loss', 'facility_id', 'facility', NULL),
      ('invoice', 'seller', 'party', NULL), ('customs_declaration', 'declarant', 'party', NULL), ('submission', 'producer', 'party', NULL)
    ) AS v(relation, key, seen, facility)
  LOOP
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', registry, p.relation);
    EXECUTE format('CREATE POLICY own_rows ON %1$I.%2$I USING ((SELECT v.yes FROM %1$I.visible_all v) OR %3$I IN (SELECT v.%4$I FROM %1$I.%5$I v))'
      || CASE WHEN p.facility IS NULL THEN '' ELSE
         ' WITH CHECK ((SELECT v.yes FROM %1$I.visible_all v) OR %3$I IN (SELECT v.%4$I FROM %1$I.%5$I v)'
         ' AND ((%6$s) IS NULL OR (%6$s) IN (SELECT v.facility_id FROM %1$I.visible_facility v)))' END,
      registry, p.relation, p.key,
      CASE p.seen WHEN 'licence' THEN 'licence' ELSE p.seen || '_id' END, 'visible_' || p.seen, p.facility);
    EXECUTE format('COMMENT ON POLICY own_rows ON %I.%I IS %L', registry, p.relation,
      'regulators see every row, producers their own and write no other; see grant_registry');
  END LOOP;
END $fn$;
