-- Protects: only tables whose owner holds REFERENCES on a registry's ledgers draw on them; a registry takes
-- rows that name just the columns its contract lists.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET search_path = public, retrack;
CALL create_registry('admit');
INSERT INTO admit.party (party_id, name, country, parent, kind) VALUES
  ('G', 'Group', 'CN', NULL, 'group'), ('P', 'Producer', 'CN', 'G', 'company'), ('C', 'Client', 'DE', NULL, 'company');
INSERT INTO admit.facility (facility_id, party_id, stage, province) VALUES ('F', 'P', 'separation', 'Jiangxi');
INSERT INTO admit.licence (licence, kind, holder, valid, status, max_uses, uses, destinations)
  VALUES ('25-AA-000001', 'individual', 'P', '[2025-01-01,2026-01-01)', 'issued', NULL, 0, NULL);
INSERT INTO admit.licence_item (licence, line, control_code, hs_code, form, granted, drawn, tolerance)
  VALUES ('25-AA-000001', 1, '1C905.a', NULL, 'magnet', '100 kg', '0 kg', 0.05);
INSERT INTO admit.quota (quota_id, holder, stage, ore_class, period, granted, drawn)
  VALUES ('Q', 'G', 'separation', NULL, '[2025-01-01,2026-01-01)', '10 t', '0 kg');
UPDATE admit.quota SET ore_class = NULL;
SELECT quota_id, ore_class FROM admit.quota;
INSERT INTO admit.inventory (facility_id, period, form, assay, mass)
  VALUES ('F', '[2025-03-01,2025-04-01)', 'oxide', 'Nd=70%', '900 kg'), ('F', '[2025-03-01,2025-04-01)', 'oxide', 'Dy=70%', '9 kg');
SELECT count(DISTINCT inventory_id) FROM admit.inventory;
INSERT INTO admit.submission (submission_id, version, producer, period, submitted_at)
  VALUES ('S', 1, 'P', '[2025-03-01,2025-04-01)', '2025-04-20 00:00+08');
-- the company with a facility reports; the client does not
SET retrack.as_of = '2025-05-01 00:00+08';
SELECT producer, period, status FROM admit.overdue_submission;
RESET retrack.as_of;

-- a stranger's table cannot draw, give back or be read as a source
CREATE ROLE admit_stranger;
CREATE SCHEMA admit_own AUTHORIZATION admit_stranger;
SET ROLE admit_stranger;
CREATE TABLE admit_own.export (id int PRIMARY KEY, licence_no licence_id, shipped_on date, exporter text, consignee text,
  end_user text, destination text, control_code text, hs_code text, form form, assay assay, kg mass);
CREATE TABLE admit_own.output (id int PRIMARY KEY, facility_id text, produced_on date, stage stage, ore_class text, assay assay, mass mass);
CREATE TABLE admit_own.note (id int PRIMARY KEY, exporter text, facility_id text);
SELECT attach_triggers('admit_own.export', 'licence', 'registry=admit', 'licence=licence_no', 'mass=kg');
SELECT attach_triggers('admit_own.output', 'quota', 'registry=admit');
SELECT attach_triggers('admit_own.note', 'journal', 'registry=admit');
INSERT INTO admit_own.export VALUES (1, '25-AA-000001', '2025-05-05', 'P', 'C', 'C', 'DE', '1C905.a', NULL, 'magnet', 'Dy=1%', '30 kg');
DELETE FROM admit_own.export;
INSERT INTO admit_own.output VALUES (1, 'F', '2025-05-05', 'separation', NULL, 'Nd=70%', '1 t');
INSERT INTO admit_own.note VALUES (1, 'P', 'F');
RESET ROLE;
SELECT * FROM ledger_sources('admit', 'licence');
SELECT * FROM verify_ledger('admit');

-- a trusted one's can
GRANT REFERENCES ON admit.licence_item, admit.quota TO admit_stranger;
SET ROLE admit_stranger;
DELETE FROM admit_own.export WHERE id = 7;
INSERT INTO admit_own.export VALUES (1, '25-AA-000001', '2025-05-05', 'P', 'C', 'C', 'DE', '1C905.a', NULL, 'magnet', 'Dy=1%', '30 kg');
INSERT INTO admit_own.output VALUES (1, 'F', '2025-05-05', 'separation', NULL, 'Nd=70%', '1 t');
RESET ROLE;
SELECT drawn FROM admit.licence_item;
SELECT * FROM ledger_sources('admit', 'quota');
SELECT * FROM verify_ledger('admit');

-- what others left of a group's quota is the group's to know
CREATE ROLE admit_producer;
CALL grant_registry('admit', 'admit_producer', 'producer', 'P');
SET ROLE admit_producer;
\set VERBOSITY terse
INSERT INTO admit.production (production_id, facility_id, produced_on, stage, form, assay, mass)
  VALUES ('X', 'F', '2025-05-05', 'separation', 'oxide', 'Nd=70%', '100 t');
RESET ROLE;
INSERT INTO admit.production (production_id, facility_id, produced_on, stage, form, assay, mass)
  VALUES ('X', 'F', '2025-05-05', 'separation', 'oxide', 'Nd=70%', '100 t');

-- and the terms of a licence its holder's; a party without facility files all the same
INSERT INTO admit.party (party_id, name, kind) VALUES ('O', 'Other', 'producer');
CALL revoke_registry('admit', 'admit_producer');
CALL grant_registry('admit', 'admit_producer', 'producer', 'O');
SET ROLE admit_producer;
INSERT INTO admit.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
  VALUES ('X', '2027-05-05', 'O', 'DE', '25-AA-000001', '1C999', 'metal', 'Dy=1%', '1 kg');
RESET ROLE;
INSERT INTO admit.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
  VALUES ('X', '2027-05-05', 'O', 'DE', '25-AA-000001', '1C999', 'metal', 'Dy=1%', '1 kg');

\set VERBOSITY default
CALL revoke_registry('admit', 'admit_producer');
DROP OWNED BY admit_producer CASCADE;
DROP ROLE admit_producer;
DROP OWNED BY admit_stranger CASCADE;
DROP ROLE admit_stranger;
DROP SCHEMA admit CASCADE;
