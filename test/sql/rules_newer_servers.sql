-- Protects: statements and columns that only newer servers know leave no ledger wrong and nothing out of the journal.
-- A check says nothing where the server is older than the version it names, and nothing if all is right.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rn');
SET search_path = rn, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('EXP', 'Exporter', 'producer');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('f', 'EXP', 'mining');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('Q', 'EXP', 'mining', 'any', '[2025-01-01,2026-01-01)', '1 t');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses) VALUES ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 10);
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg');
-- Runs the statement: its SQLSTATE, or its result's first column, must be as expected, and so must what is drawn then. It stays unless it fails.
CREATE FUNCTION since(version int, statement text, expected text, drawn mass DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  got text;
BEGIN
  IF current_setting('server_version_num')::int < version * 10000 THEN
    RETURN;
  END IF;
  BEGIN
    IF expected IS NULL THEN
      EXECUTE statement;
    ELSE
      EXECUTE statement INTO got;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    got := sqlstate;
  END;
  IF got IS DISTINCT FROM expected THEN
    RAISE WARNING '%: % instead of %', statement, got, expected;
  END IF;
  SELECT i.drawn::text INTO got FROM rn.licence_item i;
  IF got::mass <> since.drawn THEN
    RAISE WARNING '%: % drawn instead of %', statement, got, since.drawn;
  END IF;
  IF EXISTS (SELECT FROM retrack.verify_ledger('rn')) OR EXISTS (SELECT FROM retrack.verify_journal('rn')) THEN
    RAISE WARNING '%: books are wrong', statement;
  END IF;
END $$;

-- 15: rows that MERGE moves to another partition, which PostgreSQL shows to no trigger of the update.
CREATE TABLE parts (id int, day date, exporter text DEFAULT 'EXP', destination text DEFAULT 'DE', licence licence_id DEFAULT '25-AA-000001', control_code text DEFAULT '1C905.a',
  form form DEFAULT 'magnet', assay assay DEFAULT 'Dy=2%', net_mass mass, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM ('2025-07-01') TO ('2026-01-01') PARTITION BY LIST (id);
CREATE TABLE part_21 PARTITION OF part_2 FOR VALUES IN (1, 2);
CREATE TABLE part_22 PARTITION OF part_2 DEFAULT;
SELECT attach_triggers('parts', 'licence', 'date=day'), attach_triggers('parts', 'journal');
INSERT INTO parts (id, day, net_mass) VALUES (1, '2025-06-01', '10 kg'), (2, '2025-06-01', '20 kg'), (3, '2025-08-01', '30 kg');
SELECT since(15, $$MERGE INTO rn.parts p USING (VALUES (1), (3)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET day = '2025-09-01', net_mass = '11 kg'$$, NULL, '42 kg');
SELECT since(15, $$MERGE INTO rn.parts p USING (VALUES (1), (2)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET day = '2025-10-01', net_mass = '45 kg'$$, 'RTL09', '42 kg');
SELECT since(15, $$MERGE INTO rn.parts p USING (VALUES (1, date '2025-06-02'), (4, '2025-06-03')) v (id, day) ON p.id = v.id WHEN MATCHED THEN UPDATE SET day = v.day
  WHEN NOT MATCHED THEN INSERT (id, day, net_mass) VALUES (v.id, v.day, '4 kg')$$, NULL, '46 kg');
SELECT since(15, $$MERGE INTO rn.parts p USING (VALUES (1), (3), (4)) v (id) ON p.id = v.id WHEN MATCHED AND p.id = 4 THEN DELETE WHEN MATCHED THEN UPDATE SET id = 10 + p.id, day = '2025-11-01'$$, NULL, '42 kg');
SELECT since(15, $$MERGE INTO rn.part_2 p USING (VALUES (11)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET id = 1, net_mass = '12 kg'$$, NULL, '43 kg');
-- Who begins with it cannot be told in time that somebody wants to see the rows; an update that is none is no matter.
\c -
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 150000 THEN
    EXECUTE 'MERGE INTO rn.parts p USING (VALUES (1)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET day = day - 150';
    RAISE WARNING 'moved unseen';
  END IF;
EXCEPTION WHEN feature_not_supported THEN
  NULL;
END $$;
\c -
DO $$
BEGIN
  UPDATE rn.parts SET day = day + 1 WHERE id = 1;
END $$;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET search_path = rn, retrack, public;
SELECT since(15, $$MERGE INTO rn.parts p USING (VALUES (1)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET day = day - 150$$, NULL, '43 kg');
SELECT id, day, net_mass FROM parts WHERE current_setting('server_version_num')::int >= 150000 AND (id, day, net_mass) NOT IN ((1, date '2025-06-05', mass '12 kg'), (2, '2025-06-01', '20 kg'), (13, '2025-11-01', '11 kg'));
DELETE FROM parts;

-- 17: MERGE with RETURNING, and with what it does to rows that the source does not have.
CREATE TABLE report (shipment_id text, net_mass mass);
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
SELECT 's' || i, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg' FROM generate_series(1, 3) i;
INSERT INTO report VALUES ('s1', '12 kg'), ('s4', '20 kg');
CREATE FUNCTION merge(more text) RETURNS text LANGUAGE sql AS $$
  SELECT 'WITH m AS (MERGE INTO rn.shipment t USING rn.report r ON t.shipment_id = r.shipment_id
    WHEN MATCHED THEN UPDATE SET net_mass = r.net_mass
    WHEN NOT MATCHED THEN INSERT (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
      VALUES (r.shipment_id, ''2025-06-02'', ''EXP'', ''DE'', ''25-AA-000001'', ''1C905.a'', ''magnet'', ''Dy=2%'', r.net_mass) '
    || more || ' RETURNING merge_action() AS action, t.net_mass) SELECT string_agg(action || '' '' || net_mass, '','' ORDER BY action, net_mass) FROM m'
$$;
SELECT since(17, merge(''), 'INSERT 20 kg,UPDATE 12 kg', '52 kg');
SELECT since(17, merge('WHEN NOT MATCHED BY SOURCE AND t.shipment_id = ''s2'' THEN UPDATE SET net_mass = ''68 kg'' WHEN NOT MATCHED BY SOURCE THEN DELETE'),
  'DELETE 10 kg,UPDATE 12 kg,UPDATE 20 kg,UPDATE 68 kg', '100 kg');
SELECT since(17, merge('WHEN NOT MATCHED BY SOURCE THEN UPDATE SET net_mass = ''68000001 mg'''), 'RTL09', '100 kg');
SELECT since(17, merge('WHEN NOT MATCHED BY SOURCE THEN DELETE'), 'DELETE 68 kg,UPDATE 12 kg,UPDATE 20 kg', '32 kg');
DELETE FROM shipment;
-- 17: COPY that leaves out what it cannot read: the others are judged and drawn.
SELECT since(17, $$COPY rn.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
  FROM PROGRAM 'printf "%s 2025-06-01 EXP DE %s 1C905.a magnet %s %s\n" c1 25-AA-000001 Dy=2% 10kg c2 25-AA-000001 Dy=2% 10lb c3 25-AA-000001-0 Dy=2% 10kg c4 25-AA-000001 Dy=200% 10kg c5 25-AA-000001 Dy=2% 20kg'
  WITH (DELIMITER ' ', ON_ERROR ignore)$$, NULL, '30 kg');
SELECT since(17, 'SELECT string_agg(shipment_id, '','' ORDER BY 1) FROM rn.shipment', 'c1,c5', '30 kg');
DELETE FROM shipment;

-- 18: the row before and after in RETURNING.
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('o1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
SELECT since(18, 'UPDATE rn.shipment SET net_mass = ''11 kg'' RETURNING old.net_mass || '' '' || new.net_mass', '10 kg 11 kg', '11 kg');
SELECT since(18, $$INSERT INTO rn.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
  VALUES ('o1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '12 kg')
  ON CONFLICT (shipment_id) DO UPDATE SET net_mass = excluded.net_mass RETURNING old.net_mass || ' ' || new.net_mass$$, '11 kg 12 kg', '12 kg');
SELECT since(18, 'DELETE FROM rn.shipment RETURNING old.net_mass || coalesce('' '' || new.net_mass, '''')', '12 kg', '0 kg');
DELETE FROM shipment;

-- 18: virtual columns. Rules and journal cannot see them; what the books were has their values all the same.
CREATE TABLE late (id text PRIMARY KEY, shipped_on date, exporter text, destination text, licence licence_id, control_code text, form form, assay assay, net_mass mass, "before" int);
SELECT since(18, 'ALTER TABLE rn.late ADD twice mass GENERATED ALWAYS AS (net_mass OPERATOR(retrack.+) net_mass) VIRTUAL', '0A000');
SELECT since(18, 'ALTER TABLE rn.late ADD twice int GENERATED ALWAYS AS ("before" * 2) VIRTUAL, ADD name text GENERATED ALWAYS AS (id || exporter) VIRTUAL', NULL);
SELECT attach_triggers('late', 'licence');
SELECT attach_triggers('late', 'journal');
INSERT INTO late VALUES ('l1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg', 1);
SELECT clock_timestamp() AS moment \gset
CREATE TABLE late_before AS SELECT * FROM late;
UPDATE late SET "before" = 2, net_mass = '20 kg';
SELECT since(18, 'SELECT count(*)::text FROM ((SELECT * FROM retrack.rows_as_of(NULL::rn.late, ' || quote_literal(:'moment') || ')) INTERSECT TABLE rn.late_before) x', '1', '20 kg');
DELETE FROM late;
SELECT since(18, 'SELECT count(*)::text FROM ((SELECT * FROM retrack.rows_as_of(NULL::rn.late, ' || quote_literal(:'moment') || ')) INTERSECT TABLE rn.late_before) x', '1', '0 kg');
SELECT since(18, 'SELECT string_agg(twice || name, '','') FROM retrack.rows_as_of(NULL::rn.late, ' || quote_literal(:'moment') || ')', '2l1EXP');
SELECT attach_triggers('late', 'journal', 'key=name');
SELECT since(18, $$INSERT INTO rn.late (id) VALUES ('l2') RETURNING id$$, '0A000');
SELECT attach_triggers('late', 'journal', 'party=name');
SELECT since(18, $$INSERT INTO rn.late (id) VALUES ('l2') RETURNING id$$, '0A000');
DROP TABLE late;

-- 18: keys with periods: two rows of one licence line, at different times, are told apart.
CREATE TABLE spell (id text NOT NULL, during daterange NOT NULL, shipped_on date, exporter text, destination text, licence licence_id, control_code text, form form, assay assay, net_mass mass);
SELECT current_setting('server_version_num')::int >= 180000 AS has_periods \gset
\if :has_periods
CREATE EXTENSION btree_gist SCHEMA rn;
ALTER TABLE spell ADD PRIMARY KEY (id, during WITHOUT OVERLAPS);
\else
ALTER TABLE spell ADD PRIMARY KEY (id, during);
\endif
SELECT attach_triggers('spell', 'licence', 'mode=record');
SELECT attach_triggers('spell', 'journal');
INSERT INTO spell SELECT 'p', daterange(d, d + 1), d, 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '60 kg' FROM (VALUES (date '2025-06-01'), ('2025-06-02')) v (d);
SELECT rule, row_key FROM violation WHERE resolved_at IS NULL;
UPDATE spell SET net_mass = '40 kg' WHERE during @> date '2025-06-02';
SELECT rule, row_key, resolved_at IS NOT NULL AS resolved FROM violation;
SELECT drawn FROM licence_item;
SELECT * FROM verify_ledger('rn');
SELECT * FROM verify_journal('rn');
DELETE FROM spell;
DROP TABLE spell;

-- 18: constraints that are not enforced, and NOT NULL with a name.
SELECT since(18, 'ALTER TABLE rn.shipment ADD CONSTRAINT light CHECK (net_mass::numeric < 1) NOT ENFORCED, ADD CONSTRAINT has_value NOT NULL value NOT VALID', NULL);
SELECT since(18, $$INSERT INTO rn.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
  VALUES ('n1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '12 kg') RETURNING 1$$, '23502');
SELECT since(18, $$INSERT INTO rn.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass, value)
  VALUES ('n1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '12 kg', 1) RETURNING 1$$, '1');
-- 18: NOT NULL that the rows there were not checked for keeps nothing from being null until it is validated.
SELECT since(18, 'ALTER TABLE rn.licence_item ALTER control_code DROP NOT NULL, ADD CONSTRAINT later NOT NULL control_code NOT VALID', NULL);
SELECT since(18, $$INSERT INTO rn.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass, value)
  VALUES ('n2', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '12 kg', 1) RETURNING 1$$, 'RTR02', '12 kg');
SELECT since(18, 'ALTER TABLE rn.licence_item VALIDATE CONSTRAINT later', NULL);
SELECT since(18, $$INSERT INTO rn.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass, value)
  VALUES ('n2', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '12 kg', 1) RETURNING 1$$, '1', '24 kg');
CREATE TABLE keyed (id text UNIQUE, shipped_on date, exporter text, destination text, licence licence_id, control_code text, form form, assay assay, net_mass mass);
SELECT attach_triggers('keyed', 'licence', 'mode=record', 'key=id');
SELECT since(18, 'ALTER TABLE rn.keyed ADD CONSTRAINT has_id NOT NULL id NOT VALID', NULL);
SELECT since(18, $$INSERT INTO rn.keyed (id) VALUES ('k') RETURNING 1$$, '22023');
DROP TABLE keyed;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA rn CASCADE;
