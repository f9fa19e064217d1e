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
  (SELECT length(hash) FROM journal j WHERE (j.party, j.seq) = (r.party, r.seq)) AS length FROM journal_row r ORDER BY party, seq;
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
  || int8send(1) || int8send(length(convert_to(row_keys[1], 'UTF8'))) || convert_to(row_keys[1], 'UTF8') || int8send(length(convert_to(op, 'UTF8'))) || convert_to(op, 'UTF8')
  || int8send(-1) || int8send(1) || int8send(32) || after_digests[1] AS bytes FROM e)
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
BEGIN;
UPDATE journal SET after_digests[1] = sha256('other') WHERE party = 'A' AND seq = 1;
SELECT * FROM verify_journal('rj');
ROLLBACK;
-- an entry more, with the hash it should have: at the end, between others
CREATE FUNCTION add_after(a_seq bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO rj.journal SELECT j.party, a_seq + 1, j.recorded_at, j.who, j.relation, j.row_keys, j.op, j.before, j.after_digests,
    retrack.journal_hash(j.hash, j.party, a_seq + 1, j.recorded_at, j.who, j.relation, j.row_keys, j.op, j.before::text, j.after_digests)
  FROM rj.journal j WHERE j.party = 'A' AND j.seq = a_seq
$$;
BEGIN;
SELECT add_after((SELECT max(seq) FROM journal WHERE party = 'A'));
SELECT party, problem FROM verify_journal('rj');
ROLLBACK;
BEGIN;
UPDATE journal SET seq = seq + 1000 WHERE party = 'A' AND seq > 2;
UPDATE journal SET seq = seq - 999 WHERE party = 'A' AND seq > 1000;
SELECT add_after(2);
SELECT DISTINCT problem FROM verify_journal('rj') ORDER BY 1;
ROLLBACK;
-- no hash at all
BEGIN;
ALTER TABLE journal ALTER hash DROP NOT NULL;
UPDATE journal SET hash = NULL WHERE party = 'A' AND seq = (SELECT max(seq) FROM journal WHERE party = 'A');
SELECT party, problem FROM verify_journal('rj');
ROLLBACK;
-- the head as it was before the last entry; with that entry gone, too, only a copy of the heads kept elsewhere shows it
BEGIN;
CREATE TEMP TABLE published ON COMMIT DROP AS SELECT * FROM journal_head;
UPDATE journal_head h SET (seq, hash) = (SELECT j.seq, j.hash FROM journal j WHERE j.party = 'A' AND j.seq = h.seq - 1) WHERE party = 'A';
SELECT party, problem FROM verify_journal('rj');
DELETE FROM journal WHERE party = 'A' AND seq = (SELECT max(seq) FROM journal WHERE party = 'A');
SELECT party, problem FROM verify_journal('rj');
SELECT p.party FROM published p LEFT JOIN journal j USING (party, seq) WHERE j.hash IS DISTINCT FROM p.hash;
ROLLBACK;
-- Rows that one statement adds share entries, none so long that it is toasted, and are told apart all the same.
INSERT INTO moments VALUES ('before many', clock_timestamp());
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
SELECT repeat('k', CASE i WHEN 50 THEN 1800 WHEN 60 THEN 1658 WHEN 61 THEN 1659 WHEN 70 THEN 0 ELSE i END) || i, '2025-06-01', CASE WHEN i % 2 = 0 THEN 'A' ELSE 'B' END, 'DE', 'magnet', 'Nd=29%', '1 kg'
FROM generate_series(1, 100) AS i;
INSERT INTO moments VALUES ('after many', clock_timestamp());
SELECT party, count(*) < 10 AS few_entries, sum(cardinality(row_keys)) AS rows, min(cardinality(row_keys)), max(cardinality(row_keys)) BETWEEN 10 AND 42 AS shared,
  bool_and(cardinality(row_keys) = cardinality(after_digests)) AS digests, max(pg_column_size(j.*)) FILTER (WHERE cardinality(row_keys) > 1) < 2000 AS short
FROM journal j WHERE recorded_at > (SELECT at FROM moments WHERE name = 'before many') GROUP BY 1 ORDER BY 1;
SELECT count(*) AS rows, count(*) FILTER (WHERE r.after_digest = sha256(convert_to(row_to_json(s)::text, 'UTF8'))) AS same, count(*) FILTER (WHERE r.party = s.exporter) AS of_party
FROM journal_row r JOIN shipment s ON s.shipment_id = r.row_key WHERE r.op = 'insert' AND r.recorded_at > (SELECT at FROM moments WHERE name = 'before many');
-- an entry of many by hand
WITH e AS (SELECT j.*, (SELECT p.hash FROM journal p WHERE p.party = j.party AND p.seq = j.seq - 1) AS previous FROM journal j
  WHERE cardinality(row_keys) > 10 AND party = 'B' ORDER BY seq LIMIT 1),
f AS (SELECT e.hash, int8send(32) || previous || int8send(1) || convert_to('B', 'UTF8') || int8send(seq) || timestamptz_send(recorded_at)
  || int8send(octet_length(who)) || convert_to(who, 'UTF8') || int8send(octet_length(relation)) || convert_to(relation, 'UTF8')
  || int8send(cardinality(row_keys)) || (SELECT string_agg(int8send(octet_length(k)) || convert_to(k, 'UTF8'), '' ORDER BY n) FROM unnest(row_keys) WITH ORDINALITY u (k, n))
  || int8send(6) || convert_to('insert', 'UTF8') || int8send(-1)
  || int8send(cardinality(after_digests)) || (SELECT string_agg(int8send(32) || d, '' ORDER BY n) FROM unnest(after_digests) WITH ORDINALITY u (d, n)) AS bytes FROM e)
SELECT sha256(bytes) = hash AS same FROM f;
SELECT m.name, (SELECT count(*) FROM rows_as_of(NULL::rj.shipment, m.at)) FROM moments m WHERE m.name LIKE '%many' ORDER BY m.at;
-- a row of an entry that is changed later, or takes over the key of another
UPDATE shipment SET shipment_id = 'new' WHERE shipment_id = 'k1';
UPDATE shipment SET shipment_id = 'k1', exporter = 'A' WHERE shipment_id = 'kk2';
DELETE FROM shipment WHERE shipment_id = 'kkk3';
SELECT m.name, (SELECT string_agg(r.shipment_id || r.exporter, ' ' ORDER BY r.shipment_id) FROM rows_as_of(NULL::rj.shipment, m.at) r WHERE length(r.shipment_id) < 5)
FROM (SELECT * FROM moments UNION ALL VALUES ('now', clock_timestamp())) m WHERE m.name LIKE '%many' OR m.name = 'now' ORDER BY m.at;
SELECT * FROM verify_journal('rj');
-- keys that rows take over from each other in one statement: what was there before is what counts
CREATE TABLE seat (id int PRIMARY KEY DEFERRABLE, exporter text, what text);
SELECT attach_triggers('seat', 'journal', 'registry=rj');
INSERT INTO seat SELECT i, 'S' || i % 3, 'row ' || i FROM generate_series(1, 200) i;
INSERT INTO moments VALUES ('before swap', clock_timestamp());
UPDATE seat SET id = 201 - id;
SELECT count(*), count(*) FILTER (WHERE what = 'row ' || id) AS as_they_were FROM rows_as_of(NULL::rj.seat, (SELECT at FROM moments WHERE name = 'before swap'));
SELECT count(*), count(*) FILTER (WHERE what = 'row ' || 201 - id) AS swapped FROM rows_as_of(NULL::rj.seat, clock_timestamp());
-- tampering inside of an entry
CREATE FUNCTION tampered(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  found text;
BEGIN
  EXECUTE format('UPDATE rj.journal SET %s WHERE (party, seq) = (SELECT party, seq FROM rj.journal WHERE cardinality(row_keys) BETWEEN 10 AND 42 AND party = $1 LIMIT 1)', change) USING 'B';
  SELECT string_agg(DISTINCT party || ': ' || problem, '; ') INTO found FROM retrack.verify_journal('rj');
  RAISE EXCEPTION USING ERRCODE = 'RTX00', MESSAGE = coalesce(found, 'nothing');
EXCEPTION WHEN SQLSTATE 'RTX00' THEN
  RETURN SQLERRM;
END $$;
SELECT c AS change, tampered(c) AS found FROM (VALUES ('who = who'), ('row_keys[2] = ''other'''), ('row_keys[2] = row_keys[3], row_keys[3] = row_keys[2]'),
  ('after_digests[2] = after_digests[3], after_digests[3] = after_digests[2]'), ('row_keys = row_keys[1:9], after_digests = after_digests[1:9]'),
  ('after_digests[1] = NULL'), ('after_digests = NULL'), ('row_keys[1] = NULL'), ('row_keys[0] = ''before'''), ('row_keys = ARRAY[row_keys]'),
  ('row_keys = ''{}'', after_digests = ''{}'''), ('row_keys = (''[0:'' || cardinality(row_keys) - 1 || '']='' || row_keys::text)::text[]')) AS v (c);

TRUNCATE shipment;
TRUNCATE inventory;
SELECT * FROM verify_journal('rj');
SELECT * FROM verify_journal('public');

RESET search_path;
DROP SCHEMA rj CASCADE;
