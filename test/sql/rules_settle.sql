-- Protects: recorded rows that break no rule any more are drawn by rebook_ledger, in the order of their recording and while there is room; all others stay as they are.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rv');
SET search_path = rv, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES ('G', 'Group', 'group', NULL), ('EXP', 'Exporter', 'producer', 'G'), ('OTHER', 'Other', 'producer', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES ('f', 'EXP', 'mining');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses) VALUES ('25-AA-000001', 'general', 'EXP', '[2025-01-01,2025-06-01)', 'issued', 4);
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('Q', 'EXP', 'mining', 'any', '[2025-01-01,2025-07-01)', '10 kg');
SELECT attach_triggers('shipment', 'licence', 'mode=record'), attach_triggers('production', 'quota', 'mode=record');
CREATE TABLE export (b date, a int, day date, who text, destination text DEFAULT 'DE', licence licence_id DEFAULT '25-AA-000001',
  control_code text DEFAULT '1C905.a', form form DEFAULT 'magnet', assay assay DEFAULT 'Dy=2%', kg mass, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
CREATE TABLE export_1 PARTITION OF export FOR VALUES FROM (0) TO (10);
CREATE TABLE export_2 PARTITION OF export FOR VALUES FROM (10) TO (20);
SELECT attach_triggers('export', 'licence', 'date=day', 'exporter=who', 'mass=kg', 'mode=record');
CREATE VIEW books AS
  SELECT (SELECT i.drawn FROM licence_item i) AS drawn, (SELECT uses FROM licence), (SELECT q.drawn FROM quota q) AS produced,
    (SELECT string_agg(v.rule || ' ' || v.row_key, ', ' ORDER BY v.violation_id) FROM violation v WHERE v.resolved_at IS NULL) AS open,
    (SELECT count(*) FROM verify_ledger('rv')) AS differences;
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) VALUES
  ('late', '2025-06-02', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '50 kg'), ('not theirs', '2025-06-02', 'OTHER', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg'),
  ('right', '2025-05-02', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
INSERT INTO export (b, a, day, who, kg) VALUES ('2025-06-02', 12, '2025-06-03', 'EXP', '41 kg'), ('2025-06-02', 1, '2025-06-03', 'EXP', '40 kg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) VALUES
  ('later', '2025-06-04', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '5 kg');
INSERT INTO production (production_id, facility_id, produced_on, stage, form, assay, mass) VALUES
  ('p1', 'f', '2025-06-01', 'mining', 'ore', 'Nd=50%', '30 kg'), ('p2', 'f', '2025-08-01', 'mining', 'ore', 'Nd=50%', '1 kg');
SELECT * FROM books;
-- nothing has changed: nothing is settled, nor by writing a row as it is
SELECT rebook_ledger('rv');
UPDATE shipment SET net_mass = net_mass;
SELECT * FROM books;
-- the licence is extended, the quota raised: who was recorded draws when the ledger is rebooked, until the licence is used up
UPDATE licence SET valid = '[2025-01-01,2026-01-01)';
UPDATE quota SET granted = '100 kg';
SELECT * FROM books;
SELECT DISTINCT rule, row_key FROM licence_violations('rv', 'SELECT * FROM rv.shipment WHERE shipment_id = ''late''');
SET datestyle = 'German';
SELECT rebook_ledger('rv');
RESET datestyle;
SELECT * FROM books;
SELECT rebook_ledger('rv');
-- more uses: the rest that fits
UPDATE licence SET max_uses = 5;
UPDATE licence_item SET granted = '141 kg';
SELECT rebook_ledger('rv');
SELECT * FROM books;
SELECT rule, row_key, resolved_at IS NOT NULL AS resolved FROM violation ORDER BY violation_id;
-- they draw like any other row
DELETE FROM shipment WHERE shipment_id = 'late';
DELETE FROM export;
DELETE FROM production;
SELECT * FROM books;
RESET search_path;
DROP SCHEMA rv CASCADE;
