-- Protects: a statement that changes rows and what they draw on, by its parts, its triggers or foreign keys' actions,
-- books each row once or is refused: ledgers are recomputed when licences, quotas and facilities change.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = warning;
CALL retrack.create_registry('rm');
SET search_path = rm, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('P', 'Producer', 'producer'), ('O', 'Other', 'producer');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F', 'P', 'mining'), ('E', 'P', 'mining');
INSERT INTO quota (quota_id, holder, stage, period, granted) VALUES
  ('P', 'P', 'mining', '[2025-01-01,2026-01-01)', '1 t'), ('O', 'O', 'mining', '[2025-01-01,2026-01-01)', '1 t');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses) VALUES ('25-AA-000001', 'general', 'P', '[2025-01-01,)', 'issued', 9);
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg');
CREATE FUNCTION ship(id text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO rm.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
  VALUES (id, '2025-06-01', 'P', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg') $$;
SELECT ship('S1');
CREATE TABLE mine (id int PRIMARY KEY, facility_id text REFERENCES facility ON UPDATE CASCADE ON DELETE CASCADE,
  produced_on date DEFAULT '2025-06-01', stage stage DEFAULT 'mining', ore_class text DEFAULT 'rock', mass mass DEFAULT '10 kg', assay assay DEFAULT 'Nd=85.7346%');
SELECT attach_triggers('mine', 'quota');
INSERT INTO mine VALUES (1, 'F'), (2, 'F'), (3, 'E');

-- Foreign keys' actions: rows follow the facility, or go with it, before they are booked.
UPDATE facility SET facility_id = 'G' WHERE facility_id = 'F';
UPDATE facility SET facility_id = CASE facility_id WHEN 'E' THEN 'F1' ELSE 'E1' END;
DELETE FROM facility WHERE facility_id = 'E';
-- nothing that quotas are drawn for
INSERT INTO facility (facility_id, party_id, stage) VALUES ('N', 'P', 'mining');
UPDATE facility SET facility_id = 'M' WHERE facility_id = 'N';
DELETE FROM facility WHERE facility_id = 'M';
UPDATE facility SET name = 'Fine', party_id = 'O' WHERE facility_id = 'F';

-- Parts of one statement, in both orders.
WITH q AS (UPDATE quota SET period = '[2025-01-01,2025-12-01)' WHERE quota_id = 'P') INSERT INTO mine VALUES (4, 'E');
WITH m AS (INSERT INTO mine VALUES (5, 'E')) UPDATE quota SET period = '[2025-01-01,2025-11-01)' WHERE quota_id = 'P';
WITH m AS (INSERT INTO mine VALUES (5, 'E')) UPDATE quota SET granted = '2 t' WHERE quota_id = 'P';
WITH l AS (UPDATE licence_item SET tolerance = 0.1)
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
VALUES ('S2', '2025-06-01', 'P', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
WITH s AS (DELETE FROM shipment WHERE shipment_id = 'S2') UPDATE licence_item SET tolerance = 0;
WITH s AS (UPDATE shipment SET net_mass = '5 kg' WHERE shipment_id = 'S2') UPDATE licence SET max_uses = 8;

-- Triggers: one for each row comes before the rows are booked, one for the statement whose name is later after it.
CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE rm.licence_item SET granted = granted + '1 kg';
  RETURN NULL;
END $$;
CREATE TRIGGER each AFTER INSERT ON shipment FOR EACH ROW EXECUTE FUNCTION more();
SELECT ship('S3');
DROP TRIGGER each ON shipment;
CREATE TRIGGER z AFTER INSERT ON shipment FOR EACH STATEMENT EXECUTE FUNCTION more();
SELECT ship('S3');
SELECT line, granted, drawn FROM licence_item;
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('rm');
DROP SCHEMA rm CASCADE;
