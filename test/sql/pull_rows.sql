-- Protects: a pull lands every row that can land, once, and writes down every other; again and again.
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
CALL retrack.create_registry('pull_t');
CREATE SCHEMA pull_api;
CREATE TABLE pull_api.party (party_id text, version int, name text, country text, parent text, kind text, updated_at timestamptz, withdrawn boolean);
INSERT INTO pull_api.party VALUES
  ('p1', 1, 'Child before parent', 'CN', 'p2', 'producer', '2025-01-01 00:00+00', false),
  ('p3', 1, 'No such country', 'China', NULL, 'producer', '2025-01-01 00:01+00', false),
  ('p4', 1, NULL, 'CN', NULL, 'producer', '2025-01-01 00:02+00', false),
  ('p2', 1, 'Parent', 'CN', NULL, 'group', '2025-01-01 00:03+00', false),
  ('p5', 1, 'Orphan', 'CN', 'p99', 'producer', '2025-01-01 00:04+00', false),
  ('p6', 1, 'No high water', 'CN', NULL, 'producer', NULL, false);
SET client_min_messages = notice;
-- One row a batch: p1's parent comes two batches later.
CALL retrack.pull('pull_api.party', 'pull_t.party', batch_size => 1);
SELECT party_id, version, name, parent FROM pull_t.party ORDER BY party_id;
SELECT sqlstate, row_key, message, record ->> 'name' AS name, resolved_at IS NOT NULL AS resolved FROM pull_t.pull_reject ORDER BY row_key;
SELECT target, source, high_water, running, batches, landed, rejected FROM pull_t.pull_state;
-- Again: nothing lands, nothing is rejected twice.
CALL retrack.pull('pull_api.party', 'pull_t.party');
CALL retrack.pull('pull_api.party', 'pull_t.party', mode => 'full');
SELECT count(*), count(*) FILTER (WHERE resolved_at IS NULL) AS open FROM pull_t.pull_reject;
-- New versions replace older ones, whatever the order; equal ones change nothing; the parent arrives, so the orphan lands.
INSERT INTO pull_api.party VALUES
  ('p1', 3, 'Third', 'CN', 'p2', 'producer', '2025-02-01 00:00+00', false),
  ('p1', 2, 'Second', 'CN', 'p2', 'producer', '2025-02-01 00:01+00', false),
  ('p2', 1, 'Same version, later change', 'CN', NULL, 'group', '2025-02-01 00:02+00', false),
  ('p3', 2, 'Mended', 'CN', NULL, 'producer', '2025-02-01 00:03+00', false),
  ('p99', 1, 'Late parent', 'CN', NULL, 'group', '2025-02-01 00:04+00', false),
  ('p2', 2, 'Withdrawn', 'CN', NULL, 'group', '2025-02-01 00:05+00', true);
CALL retrack.pull('pull_api.party', 'pull_t.party');
SELECT party_id, version, name, withdrawn FROM pull_t.party ORDER BY party_id;
SELECT sqlstate, row_key, resolved_at IS NOT NULL AS resolved FROM pull_t.pull_reject ORDER BY row_key;
-- Rejects by hand, after a fix.
ALTER TABLE pull_t.party DROP CONSTRAINT party_name_check, ALTER name DROP NOT NULL;
SELECT * FROM retrack.retry_rejects('pull_t');
SELECT * FROM retrack.retry_rejects('pull_t.party');
SELECT row_key FROM pull_t.pull_reject WHERE resolved_at IS NULL;
-- The source answers older data than before; the high water stays.
CREATE TABLE pull_api.backup AS SELECT * FROM pull_api.party;
DELETE FROM pull_api.party WHERE updated_at > '2025-01-15';
CALL retrack.pull('pull_api.party', 'pull_t.party');
SELECT high_water FROM pull_t.pull_state;
-- A clock gone wrong does not hide what comes after.
INSERT INTO pull_api.party SELECT * FROM pull_api.backup WHERE updated_at > '2025-01-15';
INSERT INTO pull_api.party VALUES ('p7', 1, 'From the future', 'CN', NULL, 'producer', '2999-01-01', false);
CALL retrack.pull('pull_api.party', 'pull_t.party', overlap => '0');
SELECT high_water::timestamptz <= now() AS sane FROM pull_t.pull_state;

-- A withdrawal that gives no more than the key; one of a row that never came.
INSERT INTO pull_api.party VALUES ('p1', 4, NULL, NULL, NULL, NULL, '2026-01-01 00:00+00', true), ('p8', 1, NULL, NULL, NULL, NULL, '2026-01-01 00:00+00', true);
CALL retrack.pull('pull_api.party', 'pull_t.party', mode => 'full');
SELECT party_id, version, name, kind, withdrawn FROM pull_t.party WHERE party_id IN ('p1', 'p8');
SELECT row_key, sqlstate FROM pull_t.pull_reject WHERE row_key = 'p8';
DELETE FROM pull_t.pull_reject WHERE row_key = 'p8';

-- Types are converted, what does not convert is rejected; a column the target lacks is left; deletes where the target has no mark.
CREATE TABLE pull_api.raw (id text, version text, mass text, assay text, updated_at timestamptz, extra int, withdrawn boolean);
CREATE TABLE pull_t.plain (id int PRIMARY KEY, version int NOT NULL, mass retrack.mass, assay retrack.assay, updated_at timestamptz,
  twice numeric GENERATED ALWAYS AS (mass::numeric * 2) STORED, own int NOT NULL DEFAULT 7);
INSERT INTO pull_api.raw SELECT i, 1, i || ' kg', 'Nd=30%', timestamptz '2025-01-01 00:00+00' + i * interval '1 min', i, false FROM generate_series(1, 40) AS i;
UPDATE pull_api.raw SET mass = 'heavy' WHERE id = '7';
UPDATE pull_api.raw SET assay = 'Xx=1%' WHERE id = '13';
UPDATE pull_api.raw SET assay = 'Nd=130%' WHERE id = '14';
INSERT INTO pull_api.raw VALUES ('x', 1, '1 kg', NULL, '2025-01-01 00:50+00', 0, false);
CALL retrack.pull('pull_api.raw', 'pull_t.plain', batch_size => 16);
SELECT count(*), sum(mass::numeric), sum(twice), sum(own) FROM pull_t.plain;
SELECT sqlstate, row_key, message FROM pull_t.pull_reject WHERE target = 'pull_t.plain' ORDER BY reject_id;
INSERT INTO pull_api.raw VALUES ('1', 2, '1 kg', NULL, '2025-01-01 01:00+00', 0, true), ('2', 0, '1 kg', NULL, '2025-01-01 01:01+00', 0, true);
CALL retrack.pull('pull_api.raw', 'pull_t.plain');
SELECT id FROM pull_t.plain WHERE id < 4 ORDER BY id;

-- In the caller's transaction; several versions of a row and doubled rows in one batch.
CREATE TABLE pull_api.doubled AS SELECT i % 10 AS id, 1 + i / 10 AS version, (i || ' g')::retrack.mass AS mass,
  timestamptz '2025-01-01 00:00+00' + i * interval '1 min' AS updated_at FROM generate_series(0, 29) AS i;
INSERT INTO pull_api.doubled SELECT * FROM pull_api.doubled;
CREATE TABLE pull_t.doubled (id int PRIMARY KEY, version int, mass retrack.mass, updated_at timestamptz);
BEGIN;
CALL retrack.pull('pull_api.doubled', 'pull_t.doubled', commits => false);
SHOW search_path;
SELECT count(*), min(version), max(version), sum(mass::numeric) FROM pull_t.doubled;
ROLLBACK;
SELECT count(*) FROM pull_t.doubled;

-- pull_all, in the order of references.
CREATE TABLE pull_api.facility AS SELECT 'f' || i AS facility_id, 1 AS version, 'p' || i AS party_id, 'mining'::retrack.stage AS stage, timestamptz '2025-01-01 00:00+00' AS updated_at
FROM generate_series(1, 3) AS i;
CREATE TABLE pull_api.lot AS SELECT 'l' || i AS lot_id, 1 AS version, 'f' || i AS facility_id, 'ore'::retrack.form AS form, '1 kg'::retrack.mass AS mass, date '2025-01-01' AS created_on,
  timestamptz '2025-01-01 00:00+00' AS updated_at FROM generate_series(1, 4) AS i;
CALL retrack.pull_all('pull_t', 'pull_api');
SELECT (SELECT count(*) FROM pull_t.facility) AS facilities, (SELECT count(*) FROM pull_t.lot) AS lots;

-- Bad input.
\set VERBOSITY sqlstate
CALL retrack.pull(NULL, 'pull_t.party');
CALL retrack.pull('pull_api.party', 'pull_t.party', mode => 'half');
CALL retrack.pull('pull_api.party', 'pull_t.party', if_busy => 'shout');
CALL retrack.pull('pull_api.party', 'pull_t.party', batch_size => 0);
CALL retrack.pull('pull_api.party', 'pull_t.party', overlap => '-1 s');
CALL retrack.pull('pull_api.party', 'pull_t.facility');
CALL retrack.pull('pull_api.party', 'pull_api.backup');
CALL retrack.pull('pull_api.party', 'pull_t.party', key_columns => '{name}');
CALL retrack.pull('pull_api.party', 'pull_t.party', high_water_column => 'changed');
CREATE TABLE pull_api.keyed (party_id text PRIMARY KEY);
CALL retrack.pull('pull_api.party', 'pull_api.keyed');
CREATE TABLE pull_api.odd (id int, version int, mass jsonb);
CALL retrack.pull('pull_api.odd', 'pull_t.doubled');
CALL retrack.pull_all('pull_nowhere', 'pull_api');
CALL retrack.pull_all('pull_t');
SELECT * FROM retrack.retry_rejects('pull_nowhere');
SELECT count(*) FROM retrack.retry_rejects(NULL);
-- An error of the source ends the pull, and its lock.
CREATE VIEW pull_api.broken AS SELECT party_id, version, (1 / (version - version))::text AS name, kind, updated_at FROM pull_api.party;
CALL retrack.pull('pull_api.broken', 'pull_t.party');
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT running FROM pull_t.pull_state WHERE source = 'pull_api.broken';
\set VERBOSITY default
SET client_min_messages = error;
DROP SCHEMA pull_t, pull_api CASCADE;
