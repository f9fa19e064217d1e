-- Protects: every licence rule, each with its own SQLSTATE, and the licence ledger under every kind of statement.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rl');
SET search_path = rl, retrack, public;

INSERT INTO party (party_id, name, kind) VALUES
  ('EXP', 'Exporter', 'producer'), ('OTHER', 'Other exporter', 'producer'),
  ('CLI', 'Client', 'client'), ('USER', 'End user', 'client');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses, destinations) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', NULL, '{}'),
  ('25-AA-000002', 'individual', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 1, '{DE}'),
  ('25-AA-000003', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'suspended', NULL, '{}'),
  ('25-AA-000004', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 3, '{}');
INSERT INTO licence_item (licence, line, control_code, hs_code, form, granted, tolerance) VALUES
  ('25-AA-000001', 1, '1C905.a', NULL, 'magnet', '100 kg', 0.05),
  ('25-AA-000001', 2, '1C905.b', NULL, 'oxide', '50 kg', 0),
  ('25-AA-000002', 1, '1C905.a', '8505111000', 'magnet', '10 kg', 0),
  ('25-AA-000003', 1, '1C905.a', NULL, 'magnet', '10 kg', 0),
  ('25-AA-000004', 1, '1C905.a', NULL, 'magnet', '100 kg', 0);
INSERT INTO licence_party (licence, party_id, role) VALUES
  ('25-AA-000002', 'CLI', 'consignee'), ('25-AA-000002', 'USER', 'end_user');

CREATE FUNCTION ship(id text, licence text, kg text, "on" date DEFAULT '2025-06-01', exporter text DEFAULT 'EXP',
  code text DEFAULT '1C905.a', form retrack.form DEFAULT 'magnet', assay text DEFAULT 'Nd=29%,Dy=2%',
  destination text DEFAULT 'DE', consignee text DEFAULT 'CLI', end_user text DEFAULT 'USER', hs text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; detail text; tab text; col text; sch text;
BEGIN
  INSERT INTO rl.shipment (shipment_id, shipped_on, exporter, consignee, end_user, destination, licence, control_code, hs_code, form, assay, net_mass)
  VALUES (id, "on", exporter, consignee, end_user, destination, licence::retrack.licence_id, code, hs, form, assay::retrack.assay, kg::retrack.mass);
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, tab = TABLE_NAME, col = COLUMN_NAME, sch = SCHEMA_NAME;
  RETURN concat_ws(' ', SQLSTATE, message, '@', concat_ws('.', nullif(sch, ''), nullif(tab, ''), nullif(col, '')));
END $$;

-- Each rule alone.
SELECT c.what, ship(c.what, c.licence, c.kg, c.on::date, c.exporter, c.code, c.form::retrack.form, c.assay, c.destination, c.consignee, c.end_user, c.hs)
FROM (VALUES
 ('good',         '25-AA-000001', '10 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('finer code',   '25-AA-000001', '10 kg', '2025-06-01', 'EXP', '1C905.a.4', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('first day',    '25-AA-000001', '1 kg', '2025-05-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('last day',     '25-AA-000001', '1 kg', '2026-04-30', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('unknown',      '25-AA-999999', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('status',       '25-AA-000003', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('too early',    '25-AA-000001', '1 kg', '2025-04-30', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('too late',     '25-AA-000001', '1 kg', '2026-05-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('holder',       '25-AA-000001', '1 kg', '2025-06-01', 'OTHER', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('code',         '25-AA-000001', '1 kg', '2025-06-01', 'EXP', '1C904.a.4', 'magnet', 'Nd=29%,Tb=2%', 'DE', 'CLI', 'USER', NULL),
 ('like a code',  '25-AA-000001', '1 kg', '2025-06-01', 'EXP', '1C905.aa', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('form',         '25-AA-000001', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'metal', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('other element','25-AA-000001', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Sm=2%', 'DE', 'CLI', 'USER', NULL),
 ('HS code',      '25-AA-000002', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', '2805301200'),
 ('destination',  '25-AA-000002', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'US', 'CLI', 'USER', NULL),
 ('consignee',    '25-AA-000002', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'EXP', 'USER', NULL),
 ('no consignee', '25-AA-000002', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', NULL, 'USER', NULL),
 ('end user',     '25-AA-000002', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'CLI', NULL),
 ('quantity',     '25-AA-000002', '10.000001 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('one use',      '25-AA-000002', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', '8505111000'),
 ('second use',   '25-AA-000002', '1 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('no licence',   NULL, '1 kg', '2025-06-01', 'EXP', NULL, 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('before list',  NULL, '1 kg', '2025-04-03', 'EXP', NULL, 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('at threshold', NULL, '1 kg', '2025-06-01', 'EXP', NULL, 'magnet', 'Nd=29%,Dy=0.1%', 'DE', 'CLI', 'USER', NULL),
 ('Dy and Tb',    NULL, '1 kg', '2025-06-01', 'EXP', NULL, 'magnet', 'Nd=29%,Dy=0.06%,Tb=0.05%', 'DE', 'CLI', 'USER', NULL),
 ('above it',     NULL, '1 kg', '2025-06-01', 'EXP', NULL, 'magnet', 'Nd=29%,Dy=0.1000001%', 'DE', 'CLI', 'USER', NULL),
 ('uncontrolled', NULL, '1 kg', '2025-06-01', 'EXP', NULL, 'magnet', 'Nd=29%', 'DE', 'CLI', 'USER', NULL),
 ('suspended Ho', NULL, '1 kg', '2025-12-01', 'EXP', NULL, 'oxide', 'Ho=80%', 'DE', 'CLI', 'USER', NULL),
 ('Ho later',     NULL, '1 kg', '2026-11-11', 'EXP', NULL, 'oxide', 'Ho=80%', 'DE', 'CLI', 'USER', NULL),
 ('no assay',     NULL, '1 kg', '2025-06-01', 'EXP', NULL, 'magnet', NULL, 'DE', 'CLI', 'USER', NULL),
 ('zero mass',    '25-AA-000001', '0 kg', '2025-06-01', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL),
 ('infinite date','25-AA-000001', '1 kg', 'infinity', 'EXP', '1C905.a', 'magnet', 'Nd=29%,Dy=2%', 'DE', 'CLI', 'USER', NULL)
) AS c(what, licence, kg, "on", exporter, code, form, assay, destination, consignee, end_user, hs);
SELECT licence, line, drawn, (SELECT uses FROM licence l WHERE l.licence = i.licence) FROM licence_item i ORDER BY 1, 2;
SELECT * FROM retrack.verify_ledger('rl');

-- Several rules at once: one violation each in DETAIL, RT001.
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('s1', '2027-01-01', 'OTHER', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg'),
       ('s2', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg'),
       ('s3', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '500 kg');
-- Ten thousand: the count is exact, DETAIL is bounded.
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
SELECT 'm' || i, '2025-06-01', 'OTHER', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 g' FROM generate_series(1, 10000) i;
-- Recorded, each has its violation, and draws nothing.
SELECT retrack.attach_triggers('shipment', 'licence', 'mode=record');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
SELECT 'm' || i, '2025-06-01', CASE i % 2 WHEN 0 THEN 'OTHER' ELSE 'EXP' END, 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 t' FROM generate_series(1, 10000) i;
SELECT rule, count(*), count(DISTINCT row_key), min(message) FROM violation WHERE resolved_at IS NULL GROUP BY 1 ORDER BY 1;
SELECT * FROM retrack.verify_ledger('rl');
DELETE FROM shipment WHERE shipment_id ~ '^m[0-9]';
SELECT count(*) FROM violation WHERE resolved_at IS NULL;
SELECT retrack.attach_triggers('shipment', 'licence');

-- The last batch may pass what remains by the tolerance; 78 kg remain, 81.9 kg are the most.
SELECT ship('t1', '25-AA-000001', '81.900001 kg'), ship('t2', '25-AA-000001', '81.9 kg'), ship('t3', '25-AA-000001', '1 mg');
-- Correcting the last batch is measured the same way; giving back is always allowed.
UPDATE shipment SET net_mass = '81 kg' WHERE shipment_id = 't2';
UPDATE shipment SET net_mass = '81.95 kg' WHERE shipment_id = 't2';
SELECT drawn FROM licence_item WHERE licence = '25-AA-000001' AND line = 1;
DELETE FROM shipment WHERE shipment_id = 't2';
SELECT * FROM retrack.verify_ledger('rl');

-- Tolerance is for the last batch of a statement too, in the rows' order.
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
SELECT 'b' || i, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', m::retrack.mass
FROM (VALUES (1, '40 kg'), (2, '39.9 kg')) v (i, m);
DELETE FROM shipment WHERE shipment_id IN ('b1', 'b2');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
SELECT 'b' || i, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', m::retrack.mass
FROM (VALUES (1, '40 kg'), (2, '39.9 kg'), (3, '1 g')) v (i, m);

-- Every kind of statement keeps the ledger.
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('good', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '7 kg')
ON CONFLICT (shipment_id) DO NOTHING;
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('good', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '7 kg'),
       ('new', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.b', 'oxide', 'Dy=80%', '5 kg')
ON CONFLICT (shipment_id) DO UPDATE SET net_mass = excluded.net_mass;
SELECT licence, line, drawn FROM licence_item WHERE licence = '25-AA-000001' ORDER BY 2;
UPDATE shipment SET licence = '25-AA-000004' WHERE shipment_id IN ('good', 'finer code');
UPDATE shipment SET withdrawn = true WHERE shipment_id = 'finer code';
UPDATE shipment SET client_name = 'x';
SELECT licence, line, drawn, (SELECT uses FROM licence l WHERE l.licence = i.licence) FROM licence_item i ORDER BY 1, 2;
UPDATE shipment SET shipped_on = '2026-05-01' WHERE shipment_id = 'good';
DELETE FROM shipment WHERE shipment_id = 'new';
COPY shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) FROM stdin;
c1	2025-06-01	EXP	DE	25-AA-000004	1C905.a	magnet	Dy=2%	30 kg
c2	2025-06-01	EXP	DE	25-AA-000004	1C905.a	magnet	Dy=2%	30 kg
\.
COPY shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) FROM stdin;
c3	2025-06-01	EXP	DE	25-AA-000004	1C905.a	magnet	Dy=2%	1 kg
\.
BEGIN;
DELETE FROM shipment WHERE shipment_id = 'c1';
SAVEPOINT s;
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('c4', '2025-06-01', 'EXP', 'DE', '25-AA-000004', '1C905.a', 'magnet', 'Dy=2%', '30 kg');
SELECT drawn FROM licence_item WHERE licence = '25-AA-000004';
ROLLBACK TO s;
SELECT drawn FROM licence_item WHERE licence = '25-AA-000004';
SELECT ship('c5', '25-AA-000004', '90 kg'), ship('c6', '25-AA-000004', '2 kg');
COMMIT;
WITH gone AS (DELETE FROM shipment WHERE shipment_id = 'c6' RETURNING licence)
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
SELECT 'c7', '2025-06-01', 'EXP', 'DE', licence, '1C905.a', 'magnet', 'Dy=2%', '3 kg' FROM gone;
BEGIN;
TRUNCATE shipment;
ROLLBACK;
SELECT licence, line, drawn, (SELECT uses FROM licence l WHERE l.licence = i.licence) FROM licence_item i ORDER BY 1, 2;
SELECT * FROM retrack.verify_ledger('rl');

-- Misuse of the trigger.
CREATE VIEW v AS SELECT * FROM shipment;
CREATE TRIGGER t AFTER INSERT ON v FOR EACH STATEMENT EXECUTE FUNCTION retrack.enforce_licence();
INSERT INTO v (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES ('v', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=1%', '1 kg');
CREATE TABLE own (id int PRIMARY KEY, day date, who text, dest text, licence_no retrack.licence_id, code text, kind retrack.form, kilos retrack.mass, content retrack.assay);
CREATE TRIGGER t AFTER INSERT ON own REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION retrack.enforce_licence();
INSERT INTO own (id) VALUES (1);
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON own;
CREATE TRIGGER t AFTER INSERT ON own REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION retrack.enforce_licence('date=who');
INSERT INTO own (id) VALUES (1);
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON own;
CREATE TRIGGER t AFTER INSERT ON own REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION retrack.enforce_licence('dates=day');
INSERT INTO own (id) VALUES (1);
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON own;
CREATE TRIGGER t AFTER INSERT ON own FOR EACH STATEMENT EXECUTE FUNCTION retrack.enforce_licence();
INSERT INTO own (id) VALUES (1);
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON own;
CREATE TRIGGER t AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION retrack.enforce_licence();
INSERT INTO own (id) VALUES (1);
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER t ON own;
SELECT retrack.enforce_licence();
\echo :LAST_ERROR_SQLSTATE
-- A table of one's own, with its own column names.
SELECT retrack.attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=licence_no',
  'control_code=code', 'form=kind', 'mass=kilos', 'assay=content');
INSERT INTO own (id) VALUES (1);
INSERT INTO own VALUES (2, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.b', 'oxide', '20 kg', 'Dy=80%');
INSERT INTO own VALUES (3, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.b', 'oxide', '30.000001 kg', 'Dy=80%');
SELECT drawn FROM licence_item WHERE licence = '25-AA-000001' AND line = 2;
SELECT * FROM retrack.verify_ledger('rl');

RESET search_path;
DROP SCHEMA rl CASCADE;
