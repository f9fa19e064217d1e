-- Protects: whichever statement brings, moves or removes rows, by whatever table, view or rule, the ledger is the sum of its rows and never over.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = warning;
CALL retrack.create_registry('rs');
SET search_path = rs, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('EXP', 'Exporter', 'producer'), ('OTHER', 'Other', 'producer');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', NULL), ('25-AA-000002', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 5);
INSERT INTO licence_item (licence, line, control_code, form, granted) SELECT licence, 1, '1C905.a', 'magnet', '100 kg' FROM licence;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
-- line=drawn of every item, licence:uses of those limited, and what is wrong.
CREATE FUNCTION books() RETURNS TABLE (items text, uses text, wrong text) LANGUAGE sql AS $$
  SELECT (SELECT string_agg(format('%s/%s=%s', substr(i.licence::text, 9, 1), i.line, i.drawn), ' ' ORDER BY i.licence, i.line) FROM rs.licence_item i),
    (SELECT string_agg(substr(l.licence::text, 9, 1) || ':' || l.uses, ' ') FROM rs.licence l WHERE l.max_uses IS NOT NULL),
    concat_ws(' ', (SELECT string_agg(concat_ws(' ', ledger, key, recorded, recomputed), ', ') FROM retrack.verify_ledger('rs')),
      (SELECT 'over' FROM rs.licence_item i WHERE i.drawn::numeric NOT BETWEEN 0 AND i.granted::numeric LIMIT 1), (SELECT 'used' FROM rs.licence l WHERE l.uses > l.max_uses))
$$;
CREATE VIEW short AS SELECT shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass FROM shipment;
CREATE FUNCTION ship(id text, kg text, licence text DEFAULT '25-AA-000001', code text DEFAULT '1C905.a', form form DEFAULT 'magnet', "on" text DEFAULT '2025-06-01', assay text DEFAULT 'Dy=2%') RETURNS text LANGUAGE sql AS
  $$SELECT rs.try(format('INSERT INTO rs.short VALUES (%L, %L, ''EXP'', ''DE'', %L, %L, %L, %L, %L)', id, "on", licence, code, form, assay, kg))$$;

-- COPY FREEZE needs a table of the same transaction, and is seen there; elsewhere PostgreSQL refuses it.
BEGIN;
CREATE TABLE fresh (LIKE shipment INCLUDING ALL);
SELECT attach_triggers('fresh', 'licence');
COPY fresh (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) FROM stdin (FREEZE);
f1	2025-06-01	EXP	DE	25-AA-000001	1C905.a	magnet	Dy=2%	30 kg
f2	2025-06-01	EXP	DE	25-AA-000002	1C905.a	magnet	Dy=2%	5 kg
\.
SELECT * FROM books();
SAVEPOINT s;
COPY fresh (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) FROM stdin (FREEZE);
f3	2025-06-01	EXP	DE	25-AA-000001	1C905.a	magnet	Dy=2%	30 kg
\.
ROLLBACK TO s;
COMMIT;
BEGIN;
CREATE TABLE fresher (LIKE shipment INCLUDING ALL);
SELECT attach_triggers('fresher', 'licence');
COPY fresher (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) FROM stdin (FREEZE);
f4	2025-06-01	EXP	DE	25-AA-000001	1C905.a	magnet	Dy=2%	70.000001 kg
\.
COMMIT;
SELECT * FROM books();
DELETE FROM fresh;
DROP TABLE fresh;

-- Views, with and without INSTEAD OF, and rules write to the table all the same.
INSERT INTO short VALUES ('v1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
UPDATE short SET net_mass = '20 kg' WHERE shipment_id = 'v1';
SELECT try('INSERT INTO rs.short VALUES (''v2'', ''2025-06-01'', ''EXP'', ''DE'', ''25-AA-000001'', ''1C905.a'', ''magnet'', ''Dy=2%'', ''81 kg'')');
CREATE VIEW instead AS SELECT * FROM short;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO rs.short SELECT NEW.*;
  UPDATE rs.short SET net_mass = net_mass + '1 kg' WHERE shipment_id = NEW.shipment_id;
  RETURN NEW;
END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON instead FOR EACH ROW EXECUTE FUNCTION instead();
INSERT INTO instead SELECT 'i' || i, '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '1 kg' FROM generate_series(1, 2) i;
CREATE TABLE inbox (LIKE short);
CREATE RULE file AS ON INSERT TO inbox DO INSTEAD INSERT INTO short SELECT NEW.*;
CREATE RULE twice AS ON DELETE TO inbox DO ALSO DELETE FROM short WHERE shipment_id = OLD.shipment_id;
INSERT INTO inbox SELECT 'r' || i, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '2 kg' FROM generate_series(1, 2) i;
SELECT * FROM books();
ALTER TABLE inbox DISABLE RULE file;
INSERT INTO inbox SELECT * FROM short WHERE shipment_id = 'r1';
DELETE FROM inbox;
SELECT * FROM books();

-- Columns mapped to others: identity, generated, of domains, varchar; char and text licences are told what is needed.
CREATE DOMAIN permit AS licence_id CHECK (VALUE <> '25-AA-000009');
CREATE TABLE own (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, day date, who varchar(10), dest char(2), number text, permit permit GENERATED ALWAYS AS (('25-AA-00000' || number)::licence_id) STORED,
  code varchar, form form, assay assay, grams int, mass mass GENERATED ALWAYS AS ('1 g'::mass * grams) STORED);
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=number', 'control_code=code');
SELECT try($$INSERT INTO rs.own (day, who, dest, number, code, form, assay, grams) VALUES ('2025-06-01', 'EXP', 'DE', '1', '1C905.a', 'magnet', 'Dy=2%', 1000)$$);
ALTER TABLE own ALTER dest TYPE varchar(2);
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=number', 'control_code=code', 'mass=mass');
SELECT try($$INSERT INTO rs.own (day, who, dest, number, code, form, assay, grams) VALUES ('2025-06-01', 'EXP', 'DE', '1', '1C905.a', 'magnet', 'Dy=2%', 1000)$$);
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=permit', 'control_code=code', 'mass=mass');
SELECT try($$INSERT INTO rs.own (day, who, dest, number, code, form, assay, grams) SELECT '2025-06-01', 'EXP', 'DE', '1', '1C905.a', 'magnet', 'Dy=2%', 1000 * i FROM generate_series(1, 3) i$$);
UPDATE own SET number = '2', grams = grams + 1 WHERE id = (SELECT max(id) FROM own);
SELECT * FROM books();
DELETE FROM own;

-- Rows that were booked by other arguments, or came in with the triggers off, cannot give back more than is drawn.
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=permit', 'control_code=code', 'mass=mass');
ALTER TABLE own ADD gross mass;
INSERT INTO own (day, who, dest, number, code, form, assay, grams, gross) VALUES ('2025-06-01', 'EXP', 'DE', '2', '1C905.a', 'magnet', 'Dy=2%', 1000, '40 kg');
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=permit', 'control_code=code', 'mass=gross');
SELECT try('DELETE FROM rs.own');
SELECT * FROM books();
SELECT rebook_ledger('rs');
SELECT try('DELETE FROM rs.own');
SET session_replication_role = replica;
INSERT INTO own (day, who, dest, number, code, form, assay, grams, gross) VALUES ('2025-06-01', 'EXP', 'DE', '2', '1C905.a', 'magnet', 'Dy=2%', 1000, '41 kg');
RESET session_replication_role;
SELECT try('UPDATE rs.own SET gross = ''1 kg''');
SELECT rebook_ledger('rs');
SELECT try('UPDATE rs.own SET gross = ''1 kg''');
DELETE FROM own;
SELECT * FROM books();

-- One statement that writes twice, the same row twice, or by a join.
SELECT try($$WITH a AS (INSERT INTO rs.short VALUES ('c1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '45 kg') RETURNING *)
  INSERT INTO rs.short SELECT 'c2', a.shipped_on, a.exporter, a.destination, a.licence, a.control_code, a.form, a.assay, a.net_mass FROM a$$);
SELECT try($$WITH a AS (INSERT INTO rs.short VALUES ('c1', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '20 kg') RETURNING *)
  INSERT INTO rs.short SELECT 'c2', a.shipped_on, a.exporter, a.destination, a.licence, a.control_code, a.form, a.assay, a.net_mass FROM a$$);
SELECT * FROM books();
SELECT try($$WITH a AS (DELETE FROM rs.shipment WHERE shipment_id = 'c1' RETURNING *), b AS (UPDATE rs.shipment SET net_mass = '40 kg' WHERE shipment_id = 'c2')
  INSERT INTO rs.short VALUES ('c3', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '60 kg')$$);
SELECT try($$WITH a AS (DELETE FROM rs.shipment WHERE shipment_id = 'c1' RETURNING *), b AS (UPDATE rs.shipment SET net_mass = '40 kg' WHERE shipment_id = 'c2')
  INSERT INTO rs.short VALUES ('c3', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg')$$);
SELECT * FROM books();
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) VALUES
  ('c2', '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '4 kg'), ('c4', '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '3 kg')
ON CONFLICT (shipment_id) DO UPDATE SET licence = excluded.licence, net_mass = excluded.net_mass;
SELECT * FROM books();
UPDATE shipment s SET net_mass = '6 kg' FROM (VALUES ('c3'), ('c3'), ('c3')) v (i) WHERE s.shipment_id = v.i;
DELETE FROM shipment s USING (VALUES ('c4'), ('c4')) v (i) WHERE s.shipment_id = v.i;
SELECT * FROM books();
SELECT current_setting('server_version_num')::int >= 150000 AS has_merge \gset
\if :has_merge
MERGE INTO shipment s USING (VALUES ('c2', 1), ('c3', 2), ('c5', 3)) v (i, k) ON s.shipment_id = v.i
WHEN MATCHED AND v.k = 1 THEN UPDATE SET licence = '25-AA-000001', net_mass = '9 kg'
WHEN MATCHED THEN DELETE
WHEN NOT MATCHED THEN INSERT (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
  VALUES (v.i, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '3 kg');
\else
UPDATE shipment SET licence = '25-AA-000001', net_mass = '9 kg' WHERE shipment_id = 'c2';
DELETE FROM shipment WHERE shipment_id = 'c3';
INSERT INTO short VALUES ('c5', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '3 kg');
\endif
SELECT * FROM books();
-- with LIMIT the new row is booked before the one it replaces: recorded, it would be taken for that one
SELECT attach_triggers('shipment', 'licence', 'mode=record');
CREATE FUNCTION replace(kg text) RETURNS text LANGUAGE sql AS
  $$SELECT rs.try(format('WITH d AS (DELETE FROM rs.shipment WHERE shipment_id = ''c5'' RETURNING *) INSERT INTO rs.short
    SELECT d.shipment_id, d.shipped_on, d.exporter, d.destination, d.licence, d.control_code, d.form, d.assay, %L FROM d LIMIT 1', kg))$$;
SELECT replace('500 kg'), replace('4 kg');
SELECT * FROM books();
UPDATE shipment SET net_mass = '500 kg' WHERE shipment_id = 'c5';
SELECT replace('600 kg'), replace('3 kg');
SELECT * FROM books();
SELECT attach_triggers('shipment', 'licence');

-- Licences and lines get other numbers, also by cascade; lines change places, are split, withdrawn and removed.
SELECT s, try('UPDATE rs.' || s) FROM unnest(ARRAY['licence SET licence = ''25-AA-000009'' WHERE max_uses IS NULL', 'licence_item SET licence = ''25-AA-000002'', line = 5 WHERE licence = ''25-AA-000001''']) s;
ALTER TABLE licence_item DROP CONSTRAINT licence_item_licence_fkey, ADD FOREIGN KEY (licence) REFERENCES licence ON UPDATE CASCADE ON DELETE CASCADE;
SELECT try('UPDATE rs.licence SET licence = ''25-AA-000009'' WHERE max_uses IS NULL'), try('DELETE FROM rs.licence');
SELECT * FROM books();
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000001', 2, '1C905.b', 'oxide', '10 kg'), ('25-AA-000001', 3, '1C905.a.4', 'magnet', '10 kg');
SELECT ship('l1', '10 kg', code => '1C905.b', form => 'oxide', assay => 'Dy=80%'), ship('l2', '5 kg', code => '1C905.a.4');
SELECT * FROM books();
UPDATE licence_item SET line = line + 10 WHERE licence = '25-AA-000001';
SELECT * FROM books();
-- the finer code's line now comes first: it takes the row over, and gives it up again
UPDATE licence_item SET line = 5 WHERE line = 13;
SELECT * FROM books();
SELECT ship('l3', '6 kg', code => '1C905.a.4'), ship('l4', '5 kg', code => '1C905.a.4');
UPDATE licence_item SET withdrawn = true WHERE line = 5;
SELECT * FROM books();
DELETE FROM licence_item WHERE line = 5;
SELECT try('DELETE FROM rs.licence_item WHERE line = 12');
SELECT * FROM books();

-- Mass changes that a trigger makes before the row is written; what the row is then counts.
CREATE FUNCTION double() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.net_mass := NEW.net_mass * 2;
  RETURN NEW;
END $$;
CREATE TRIGGER a_double BEFORE INSERT OR UPDATE ON shipment FOR EACH ROW EXECUTE FUNCTION double();
SELECT ship('m1', '10 kg'), ship('m2', '30 kg');
UPDATE shipment SET net_mass = net_mass WHERE shipment_id = 'm1';
SELECT * FROM books();
DROP TRIGGER a_double ON shipment;
-- A constraint trigger at the end of the transaction, one that writes another row and one that removes this one.
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.shipment_id LIKE 'd1%' AND length(NEW.shipment_id) < 5 THEN
    PERFORM rs.ship(NEW.shipment_id || '+', '1 kg');
  ELSIF NEW.shipment_id = 'd2' THEN
    DELETE FROM rs.shipment WHERE shipment_id = 'd2';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shipment DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
BEGIN;
SELECT ship('d1', '2 kg'), ship('d2', '4 kg');
SELECT * FROM books();
COMMIT;
SELECT * FROM books();
DROP TRIGGER late ON shipment;

-- The control list changes its mind about a day long past: what is filed from then on goes by it, what is there shows in the view.
SELECT try($$INSERT INTO rs.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES ('u', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=30%', '1 kg')$$);
INSERT INTO control_list (code, element, form, valid, source) VALUES ('1C999.a', 'Nd', 'magnet', '[2025-01-01,)', 'test');
SELECT try('UPDATE rs.shipment SET net_mass = ''2 kg'' WHERE shipment_id = ''u'''), try('UPDATE rs.shipment SET port = ''x'' WHERE shipment_id = ''u''');
SELECT shipment_id, code FROM controlled_export WHERE licence IS NULL;
DELETE FROM shipment WHERE shipment_id = 'u';
-- Days without end, and days that a time zone would move.
SELECT try('UPDATE rs.licence SET valid = ''[2025-05-01,infinity)'' WHERE max_uses IS NULL'), ship('e1', '1 kg', "on" => 'infinity'), ship('e2', '1 kg', "on" => '9999-12-31');
SET timezone = 'Pacific/Kiritimati';
SELECT ship('z1', '1 kg', "on" => '2025-05-01'), ship('z2', '1 kg', "on" => '2025-04-30');
RESET timezone;
SELECT try('UPDATE rs.licence_item SET tolerance = ''NaN'''), try('INSERT INTO rs.licence_status VALUES (''25-AA-000001'', ''infinity'', ''revoked'')');
SELECT * FROM books();

-- A partition that comes with rows and without triggers: found, and booked on demand.
CREATE TABLE parts (LIKE short, PRIMARY KEY (shipment_id, shipped_on)) PARTITION BY RANGE (shipped_on);
SELECT attach_triggers('parts', 'licence');
CREATE TABLE old (LIKE parts INCLUDING ALL);
INSERT INTO old SELECT 'o' || i, '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '8 kg' FROM generate_series(1, 2) i;
ALTER TABLE parts ATTACH PARTITION old FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
SELECT * FROM check_triggers('rs');
SELECT * FROM books();
SELECT attach_triggers('parts', 'licence');
SELECT * FROM check_triggers('rs');
SELECT rebook_ledger('rs');
SELECT * FROM books();
INSERT INTO old SELECT 'o3', '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '80 kg';
UPDATE parts SET net_mass = '1 kg';
DELETE FROM old WHERE shipment_id = 'o1';
SELECT * FROM books();
-- Triggers that were switched off in any way are found.
ALTER TABLE parts DISABLE TRIGGER ALL;
ALTER TABLE licence DISABLE TRIGGER retrack_keep_terms;
ALTER TABLE quota ENABLE REPLICA TRIGGER retrack_keep_update;
DROP TRIGGER retrack_keep_controls ON control_list;
SELECT * FROM check_triggers('rs');

RESET search_path;
DROP SCHEMA rs CASCADE;
