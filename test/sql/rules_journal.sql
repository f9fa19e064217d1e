-- Protects: every change of a report is kept with who and what was before, the books as of a moment, and tampering is found.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rj');
SET search_path = rj, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('A', 'A', 'producer'), ('B', 'B', 'producer');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('fa', 'A', 'smelting'), ('fb', 'B', 'smelting');
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz);
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass, value, updated_at)
VALUES ('s1', '2025-06-01', 'A', 'DE', 'magnet', 'Nd=29%', '1 kg', 1.10, '2025-06-01 00:00+00'), ('s2', '2025-06-01', 'B', 'DE', 'magnet', 'Nd=29%', '2 kg', NULL, '2025-06-01 00:00+00');
INSERT INTO production (production_id, facility_id, produced_on, stage, form, assay, mass) VALUES ('p1', 'fa', '2025-06-01', 'smelting', 'metal', 'Nd=99%', '1 kg');
INSERT INTO moments VALUES ('after insert', clock_timestamp());
SET timezone = 'Asia/Shanghai';
UPDATE shipment SET net_mass = '1.5 kg', version = 2 WHERE shipment_id = 's1';
INSERT INTO moments VALUES ('after update', clock_timestamp());
UPDATE shipment SET exporter = 'A' WHERE shipment_id = 's2';
UPDATE shipment SET shipment_id = 's3' WHERE shipment_id = 's1';
DELETE FROM shipment WHERE shipment_id = 's2';
DELETE FROM production;
BEGIN;
DELETE FROM shipment;
ROLLBACK;
SET timezone = 'UTC';
SELECT party, seq, relation, row_key, op, before ->> 'net_mass' AS mass, before ->> 'updated_at' LIKE '2025-06-01T00:00:00+00:00' AS in_utc, after_digest IS NOT NULL AS digest,
  length(hash) FROM journal ORDER BY party, seq;
SELECT m.name, r.shipment_id, r.exporter, r.net_mass, r.version, r.value, r.assay
FROM moments m, LATERAL rows_as_of(NULL::rj.shipment, m.at) r ORDER BY m.at, 2;
SELECT shipment_id FROM rows_as_of(NULL::rj.shipment, '-infinity');
SELECT production_id, mass FROM rows_as_of(NULL::rj.production, (SELECT at FROM moments WHERE name = 'after update'));
SELECT * FROM rows_as_of(NULL::rj.party, now());
SELECT * FROM verify_journal('rj');

-- The chain is plain SHA-256 over the fields, each with its length: the first entry by hand.
WITH e AS (SELECT * FROM journal WHERE party = 'A' AND seq = 1),
f AS (SELECT e.hash, int8send(32) || decode(repeat('00', 32), 'hex')
  || int8send(length(convert_to(party, 'UTF8'))) || convert_to(party, 'UTF8') || int8send(seq) || timestamptz_send(recorded_at)
  || int8send(length(convert_to(who, 'UTF8'))) || convert_to(who, 'UTF8') || int8send(length(convert_to(relation, 'UTF8'))) || convert_to(relation, 'UTF8')
  || int8send(length(convert_to(row_key, 'UTF8'))) || convert_to(row_key, 'UTF8') || int8send(length(convert_to(op, 'UTF8'))) || convert_to(op, 'UTF8')
  || int8send(-1) || int8send(32) || after_digest AS bytes FROM e)
SELECT sha256(bytes) = hash AS same FROM f;

-- Each kind of tampering, undone after it was found.
BEGIN;
UPDATE journal SET before = '{"net_mass": "9 kg"}' WHERE party = 'A' AND op = 'update';
SELECT * FROM verify_journal('rj');
ROLLBACK;
BEGIN;
UPDATE journal SET who = 'somebody' WHERE party = 'B' AND seq = 1;
SELECT * FROM verify_journal('rj');
ROLLBACK;
BEGIN;
DELETE FROM journal WHERE party = 'A' AND seq = 3;
SELECT * FROM verify_journal('rj');
ROLLBACK;
BEGIN;
DELETE FROM journal WHERE party = 'A' AND seq = (SELECT max(seq) FROM journal WHERE party = 'A');
SELECT party, problem FROM verify_journal('rj');
ROLLBACK;
BEGIN;
UPDATE journal SET seq = CASE seq WHEN 2 THEN 100 ELSE 101 END WHERE party = 'A' AND seq IN (2, 3);
UPDATE journal SET seq = CASE seq WHEN 100 THEN 3 ELSE 2 END WHERE party = 'A' AND seq >= 100;
SELECT * FROM verify_journal('rj');
ROLLBACK;
BEGIN;
DELETE FROM journal WHERE party = 'B';
SELECT * FROM verify_journal('rj');
ROLLBACK;
TRUNCATE shipment;
TRUNCATE inventory;
SELECT * FROM verify_journal('rj');
SELECT * FROM verify_journal('public');

RESET search_path;
DROP SCHEMA rj CASCADE;
