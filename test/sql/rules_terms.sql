-- Protects: changes of licences and quotas that have been drawn on are refused or recorded, never ignored.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rt');
SET search_path = rt, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES
  ('G', 'Group', 'group', NULL), ('EXP', 'Exporter', 'producer', 'G'), ('OTHER', 'Other', 'producer', NULL), ('CLI', 'Client', 'client', NULL);
INSERT INTO licence (licence, kind, holder, valid, status) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2027-05-01)', 'issued'),
  ('25-AA-000002', 'general', 'EXP', '[2025-05-01,2027-05-01)', 'pending');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES
  ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg'), ('25-AA-000001', 2, '1C905.b', 'oxide', '100 kg'),
  ('25-AA-000002', 1, '1C905.a', 'magnet', '100 kg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass) VALUES
  ('s1', '2025-06-01', 'EXP', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '30 kg'),
  ('s2', '2025-07-01', 'EXP', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '30 kg');

-- What puts stored rows in the wrong is refused, with the rows named.
UPDATE licence_item SET granted = '59 kg' WHERE licence = '25-AA-000001' AND line = 1;
UPDATE licence_item SET control_code = '1C904.a' WHERE licence = '25-AA-000001' AND line = 1;
DELETE FROM licence_item WHERE licence = '25-AA-000001' AND line = 1;
UPDATE licence SET holder = 'OTHER' WHERE licence = '25-AA-000001';
UPDATE licence SET valid = '[2025-06-15,2027-05-01)' WHERE licence = '25-AA-000001';
UPDATE licence SET destinations = '{US}' WHERE licence = '25-AA-000001';
UPDATE licence SET max_uses = 1 WHERE licence = '25-AA-000001';
UPDATE licence SET withdrawn = true WHERE licence = '25-AA-000001';
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000001', 'OTHER', 'consignee');
INSERT INTO licence_status (licence, since, status) VALUES ('25-AA-000001', '2025-06-15', 'suspended');
-- The ledger is nobody's to write.
UPDATE licence_item SET drawn = '0 kg' WHERE licence = '25-AA-000001';
UPDATE licence_item SET terms = 1;
UPDATE licence SET uses = 1;
INSERT INTO licence_item (licence, line, control_code, form, granted, drawn) VALUES ('25-AA-000002', 2, '1C905.a', 'magnet', '1 kg', '1 kg');
-- What does not is done, and later rows are judged by it.
UPDATE licence_item SET granted = '60 kg' WHERE licence = '25-AA-000001' AND line = 1;
UPDATE licence_item SET line = 7 WHERE licence = '25-AA-000001' AND line = 1;
UPDATE licence SET max_uses = 2 WHERE licence = '25-AA-000001';
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000001', 'CLI', 'consignee');
SELECT licence, line, drawn, (SELECT uses FROM licence l WHERE l.licence = i.licence) FROM licence_item i ORDER BY 1, 2;
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass)
VALUES ('s3', '2025-07-01', 'EXP', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 g');
UPDATE licence SET max_uses = NULL WHERE licence = '25-AA-000001';
UPDATE licence_item SET granted = '100 kg' WHERE licence = '25-AA-000001' AND line = 7;
SELECT * FROM verify_ledger('rt');

-- A status has dates: set on the licence it holds from today, so exports before stay right and later ones are refused.
UPDATE licence SET status = 'suspended' WHERE licence = '25-AA-000001';
SELECT licence, since = current_date AS today, status FROM licence_status;
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass)
VALUES ('s4', current_date - 1, 'EXP', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 g');
SELECT count(*) FROM shipment;
\set VERBOSITY sqlstate
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass)
VALUES ('s5', current_date, 'EXP', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 g');
\set VERBOSITY default
-- A licence that was pending when it was entered is issued from its day of issue on.
UPDATE licence SET status = 'issued', issued_on = '2025-08-01' WHERE licence = '25-AA-000002';
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass)
VALUES ('p1', '2025-07-31', 'EXP', 'CLI', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '1 g');
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass)
VALUES ('p2', '2025-08-01', 'EXP', 'CLI', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '1 g');

-- mode=record: the change passes, the rows are on record and give back what they drew.
SELECT attach_licence_triggers('rt', 'record');
INSERT INTO licence_status (licence, since, status) VALUES ('25-AA-000001', '2025-06-15', 'revoked');
UPDATE licence_item SET granted = '20 kg' WHERE licence = '25-AA-000001' AND line = 7;
SELECT rule, relation, row_key, party_id, message FROM violation WHERE row_key <> 's4' ORDER BY violation_id;
SELECT licence, line, drawn FROM licence_item ORDER BY 1, 2;
SELECT * FROM verify_ledger('rt');
-- A correction of such a row resolves its violation.
UPDATE shipment SET shipped_on = '2025-06-02', net_mass = '1 kg' WHERE shipment_id = 's2';
DELETE FROM shipment WHERE shipment_id = 's1';
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass)
VALUES ('s6', '2025-06-02', 'EXP', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '10 kg');
UPDATE shipment SET shipped_on = '2025-06-02', net_mass = '1 kg' WHERE shipment_id = 's2';
SELECT rule, row_key, resolved_at IS NOT NULL AS resolved FROM violation WHERE relation = 'rt.shipment' ORDER BY violation_id;
SELECT * FROM verify_ledger('rt');

-- Quotas: a new one begins with what was produced under it; moves in the group carry their production along.
SELECT attach_licence_triggers('rt');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('f', 'EXP', 'mining'), ('o', 'OTHER', 'mining');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('E', 'EXP', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg'), ('O', 'OTHER', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg');
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES
  ('p1', 'f', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '100 kg'), ('p2', 'o', '2025-06-01', 'mining', 'rock', 'ore', 'Nd=50%', '50 kg');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('Gx', 'G', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '50 kg');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('G', 'G', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '100 kg');
SELECT quota_id, drawn FROM quota ORDER BY 1;
UPDATE quota SET granted = '58 kg' WHERE quota_id = 'E';
UPDATE quota SET drawn = '0 kg' WHERE quota_id = 'E';
UPDATE quota SET ore_class = 'rock' WHERE quota_id = 'O';
UPDATE quota SET ore_class = 'ionic' WHERE quota_id = 'E';
UPDATE quota SET granted = '100.000001 kg' WHERE quota_id = 'E';
UPDATE quota SET ore_class = 'any' WHERE quota_id = 'G';
UPDATE party SET parent = 'G' WHERE party_id = 'OTHER';
UPDATE quota SET granted = '200 kg' WHERE quota_id = 'G';
UPDATE party SET parent = 'G' WHERE party_id = 'OTHER';
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('rt');
UPDATE facility SET party_id = 'OTHER' WHERE facility_id = 'f';
UPDATE quota SET period = '[2025-07-01,2026-01-01)' WHERE quota_id = 'O';
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('rt');
-- A quota that production needs cannot go.
UPDATE quota SET ore_class = 'ionic' WHERE quota_id = 'G';
DELETE FROM quota WHERE quota_id = 'G';
DELETE FROM quota WHERE quota_id = 'O';
SELECT * FROM verify_ledger('rt');
-- Rows that came in behind the triggers' back: shown, and the ledger recomputed on demand.
SET session_replication_role = replica;
UPDATE production SET mass = '101 kg' WHERE production_id = 'p1';
DELETE FROM shipment WHERE shipment_id = 'p2';
RESET session_replication_role;
SELECT * FROM verify_ledger('rt');
SELECT rebook_ledger('rt');
SELECT * FROM verify_ledger('rt');

-- The control list is read anew once it has changed.
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
VALUES ('n1', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=29%', '1 kg');
INSERT INTO control_list (code, element, form, threshold, valid, source) VALUES ('9X999', 'Nd', 'magnet', 0.28, '[2025-06-01,)', 'test');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
VALUES ('n2', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=29%', '1 kg');
-- Guard band: with k standard deviations added (or, if negative, given away) the same assay falls on the other side.
UPDATE control_list SET threshold = 0.291, guard = 2 WHERE code = '9X999';
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
VALUES ('n3', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=29%', '1 kg'), ('n4', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=29%±0.05%', '1 kg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
VALUES ('n5', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=29%±0.051%', '1 kg');
UPDATE control_list SET threshold = 0.289, guard = -2 WHERE code = '9X999';
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
VALUES ('n6', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=29%±0.05%', '1 kg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
VALUES ('n7', '2025-06-01', 'EXP', 'DE', 'magnet', 'Nd=29%±0.049%', '1 kg');
UPDATE control_list SET with_elements = '{NULL}' WHERE code = '9X999';

RESET search_path;
DROP SCHEMA rt CASCADE;
