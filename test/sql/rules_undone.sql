-- Protects: what a session read of its own changes is not remembered once they are undone: licences, the control list,
-- facilities. So with changes made while the triggers were off.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = warning;
CALL retrack.create_registry('ru');
SET search_path = ru, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('P', 'Producer', 'producer'), ('O', 'Other', 'producer');
INSERT INTO licence (licence, kind, holder, valid, status, destinations) VALUES
  ('25-AA-000001', 'general', 'P', '[2025-01-01,)', 'issued', '{DE}'), ('25-AA-000002', 'general', 'P', '[2025-01-01,)', 'issued', '{DE}');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES
  ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg'), ('25-AA-000002', 1, '1C905.a', 'magnet', '100 kg');
INSERT INTO quota (quota_id, holder, stage, period, granted) VALUES
  ('P', 'P', 'separation', '[2025-01-01,2026-01-01)', '1 t'), ('O', 'O', 'separation', '[2025-01-01,2026-01-01)', '1 t');

-- Part of a statement changes a licence, or the list, another part fails at once: a trigger in between has read both.
-- A new session each, since what was read before is not read again.
\c
SET search_path = ru, retrack, public;
WITH changed AS (UPDATE licence SET destinations = '{FR}' WHERE licence = '25-AA-000001')
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S1', '2025-06-01', 'P', 'FR', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '200 kg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S1', '2025-06-01', 'P', 'FR', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');

\c
SET search_path = ru, retrack, public;
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000002', 'O', 'consignee');
BEGIN;
SAVEPOINT a;
WITH changed AS (DELETE FROM licence_party)
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S2', '2025-06-01', 'P', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '200 kg');
ROLLBACK TO a;
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S2', '2025-06-01', 'P', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
ROLLBACK;

\c
SET search_path = ru, retrack, public;
WITH changed AS (DELETE FROM control_list)
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S3', '2025-06-01', 'P', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '200 kg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, control_code, form, assay, net_mass)
VALUES ('S3', '2025-06-01', 'P', 'DE', '1C905.a', 'magnet', 'Dy=2%', '10 kg');

-- A facility that never came to be is another's later.
CREATE TABLE elsewhere (production_id text PRIMARY KEY, produced_on date, facility_id text, stage stage, ore_class text, assay assay, mass mass);
SELECT attach_triggers('elsewhere', 'quota');
BEGIN;
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F', 'P', 'separation');
INSERT INTO production (production_id, facility_id, produced_on, stage, form, assay, mass)
VALUES ('R1', 'F', '2025-06-01', 'separation', 'oxide', 'Nd=50%', '10 kg');
ROLLBACK;
INSERT INTO elsewhere VALUES ('R1', '2025-06-01', 'F', 'separation', NULL, 'Nd=50%', '10 kg');
BEGIN;
SAVEPOINT a;
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F', 'P', 'separation');
INSERT INTO production (production_id, facility_id, produced_on, stage, form, assay, mass)
VALUES ('R1', 'F', '2025-06-01', 'separation', 'oxide', 'Nd=50%', '10 kg');
ROLLBACK TO a;
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F', 'O', 'separation');
INSERT INTO production (production_id, facility_id, produced_on, stage, form, assay, mass)
VALUES ('R1', 'F', '2025-06-01', 'separation', 'oxide', 'Nd=50%', '10 kg');
COMMIT;
SELECT quota_id, drawn FROM quota ORDER BY 1;

-- Triggers off and on again; and off in a session of its own, which rebook_ledger is to make up for.
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S4', '2025-06-01', 'P', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
ALTER TABLE licence DISABLE TRIGGER retrack_keep_terms;
UPDATE licence SET destinations = '{JP}' WHERE licence = '25-AA-000001';
ALTER TABLE licence ENABLE TRIGGER retrack_keep_terms;
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S5', '2025-06-01', 'P', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S6', '2025-06-01', 'P', 'JP', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
SET session_replication_role = replica;
UPDATE licence SET destinations = '{FR}' WHERE licence = '25-AA-000001';
UPDATE facility SET party_id = 'P';
RESET session_replication_role;
SELECT rebook_ledger('ru');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S7', '2025-06-01', 'P', 'JP', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
DELETE FROM production;
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('ru');
SELECT * FROM check_triggers('ru');
SET client_min_messages = warning;
DROP SCHEMA ru CASCADE;
