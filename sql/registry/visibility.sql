-- Who sees what. A registry's views run with its owner's rights, on every server version alike, and
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
                  WHERE r.kind <> 'producer' AND pg_has_role(a.oid, 'USAGE')) AS yes;

CREATE VIEW %1$I.visible_party WITH (security_barrier) AS
SELECT p.party_id
FROM %1$I.party p
WHERE (SELECT v.yes FROM %1$I.visible_all v)
   OR p.party_id IN (SELECT r.party_id FROM %1$I.registry_role r JOIN pg_roles a ON a.rolname = r.role
                     WHERE r.kind = 'producer' AND pg_has_role(a.oid, 'USAGE'));

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

  FOR p IN SELECT * FROM (VALUES
      ('party', 'party_id', 'party'), ('facility', 'party_id', 'party'), ('instrument', 'facility_id', 'facility'),
      ('licence', 'holder', 'party'), ('licence_item', 'licence', 'licence'), ('licence_party', 'licence', 'licence'),
      ('licence_application', 'applicant', 'party'), ('quota', 'holder', 'party'),
      ('lot', 'facility_id', 'facility'), ('lot_edge', 'output_lot', 'lot'),
      ('production', 'facility_id', 'facility'), ('transfer', 'reported_by', 'party'),
      ('shipment', 'exporter', 'party'), ('inventory', 'facility_id', 'facility'), ('loss', 'facility_id', 'facility'),
      ('invoice', 'seller', 'party'), ('customs_declaration', 'declarant', 'party'), ('submission', 'producer', 'party')
    ) AS v(relation, key, seen)
  LOOP
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', registry, p.relation);
    EXECUTE format('CREATE POLICY own_rows ON %1$I.%2$I USING (%3$I IN (SELECT v.%4$I FROM %1$I.%5$I v))',
      registry, p.relation, p.key,
      CASE p.seen WHEN 'licence' THEN 'licence' ELSE p.seen || '_id' END, 'visible_' || p.seen);
    EXECUTE format('COMMENT ON POLICY own_rows ON %I.%I IS %L', registry, p.relation,
      'regulators see every row, producers their own; see grant_registry');
  END LOOP;
END $fn$;
