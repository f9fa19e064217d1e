-- Protects: loading a batch the way COPY does lands, refuses and triggers exactly what INSERT does.
SET client_min_messages = warning;

CREATE SCHEMA pull_l_api;
CALL retrack.create_registry('pull_l');
CREATE TABLE pull_l.place (place text PRIMARY KEY);
INSERT INTO pull_l.place SELECT 'A' || i FROM generate_series(1, 9) AS i;
CREATE TABLE pull_l.report (id int PRIMARY KEY, version int NOT NULL DEFAULT 1, dropped int, place text REFERENCES pull_l.place, above int REFERENCES pull_l.report,
  mass retrack.mass NOT NULL CHECK (mass::numeric >= 0), updated_at timestamptz, stamp text NOT NULL DEFAULT 'by default', note text);
ALTER TABLE pull_l.report DROP COLUMN dropped;
CREATE INDEX ON pull_l.report (place);
CREATE TABLE pull_l.seen (n bigint, kilograms numeric);
CREATE FUNCTION pull_l.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO pull_l.seen SELECT count(*), sum(mass::numeric) FROM added;
  IF EXISTS (SELECT FROM added WHERE note = 'refuse') THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'RTL01'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER see AFTER INSERT ON pull_l.report REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION pull_l.see();

-- Two thousand rows that land, by the fast path: one statement, one trigger call a batch; keys among the rows themselves.
CREATE TABLE pull_l_api.report AS SELECT i AS id, 1 AS version, 'A' || 1 + i % 9 AS place, nullif(i - i % 100, 0) AS above,
  (i || ' g')::retrack.mass AS mass, timestamptz '2025-01-01 00:00+00' + i * interval '1 s' AS updated_at, NULL AS note FROM generate_series(1, 2000) AS i;
CALL retrack.pull('pull_l_api.report', 'pull_l.report', batch_size => 1200);
SELECT count(*), sum(mass::numeric), min(stamp), count(above) FROM pull_l.report;
SELECT * FROM pull_l.seen;
SET enable_seqscan = off;
SELECT count(*) FROM pull_l.report WHERE place = 'A3';
RESET enable_seqscan;

-- Rows at fault: the same by both paths, whatever is wrong with them.
CREATE FUNCTION pull_l.outcome() RETURNS TABLE (what text, n bigint, hash text) LANGUAGE sql AS $$
  SELECT 'rows', count(*), md5(string_agg(to_jsonb(r)::text, ',' ORDER BY id)) FROM pull_l.report AS r
  UNION ALL
  SELECT sqlstate, count(*), md5(string_agg(concat_ws(',', row_key, message, detail), ';' ORDER BY row_key)) FROM pull_l.pull_reject GROUP BY sqlstate
$$;
UPDATE pull_l_api.report SET place = 'nowhere' WHERE id = 700;
UPDATE pull_l_api.report SET above = 99999 WHERE id = 800;
UPDATE pull_l_api.report SET mass = '-1 kg' WHERE id = 900;
UPDATE pull_l_api.report SET mass = NULL WHERE id = 901;
UPDATE pull_l_api.report SET note = 'refuse' WHERE id = 1000;
UPDATE pull_l_api.report SET place = NULL, above = NULL WHERE id = 1001;
INSERT INTO pull_l_api.report SELECT id, version + 1, place, above, mass, updated_at + interval '10 min', 'again' FROM pull_l_api.report WHERE id BETWEEN 50 AND 55;
TRUNCATE pull_l.report, pull_l.pull_state, pull_l.pull_reject, pull_l.seen;
CALL retrack.pull('pull_l_api.report', 'pull_l.report', batch_size => 300);
SELECT what, n FROM pull_l.outcome() ORDER BY what;
CREATE TABLE pull_l.first AS SELECT * FROM pull_l.outcome();
-- A row trigger shuts the fast path.
CREATE FUNCTION pull_l.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER nothing BEFORE INSERT ON pull_l.report FOR EACH ROW EXECUTE FUNCTION pull_l.nothing();
TRUNCATE pull_l.report, pull_l.pull_state, pull_l.pull_reject;
CALL retrack.pull('pull_l_api.report', 'pull_l.report', batch_size => 300);
SELECT count(*) AS different FROM ((TABLE pull_l.first EXCEPT SELECT * FROM pull_l.outcome())
  UNION ALL (SELECT * FROM pull_l.outcome() EXCEPT TABLE pull_l.first)) AS d;

-- What is not for the fast path is left alone; what is, is as strict as INSERT.
PREPARE load(text) AS SELECT retrack.pull_load('pull_l.place', $1, 1, 2);
CREATE TABLE pull_l.generated (a text, b text GENERATED ALWAYS AS (a) STORED);
CREATE VIEW pull_l.view AS SELECT * FROM pull_l.place;
CREATE TABLE pull_l.late (a text UNIQUE DEFERRABLE);
CREATE TABLE pull_l.late_key (a text REFERENCES pull_l.place DEFERRABLE);
CREATE TABLE pull_l.ruled (a text);
CREATE RULE elsewhere AS ON INSERT TO pull_l.ruled DO INSTEAD NOTHING;
SELECT r, retrack.pull_load(r::regclass, 'SELECT ''A1''', 1, 1) IS NULL AS left_alone
FROM unnest('{pull_l.report,pull_l.generated,pull_l.view,pull_l.late,pull_l.late_key,pull_l.ruled}'::text[]) AS r;
EXECUTE load('SELECT ''B'' || i FROM generate_series($1, $2) AS i');
\set VERBOSITY sqlstate
EXECUTE load('SELECT ''B1''::text');
EXECUTE load('SELECT 1');
EXECUTE load('SELECT ''C''::text, 1');
EXECUTE load('DELETE FROM pull_l.place');
EXECUTE load('SELECT NULL::text');
SELECT retrack.pull_load(4294967295::oid, 'SELECT 1', 1, 1);
SELECT retrack.pull_rows(NULL::retrack.pull_job, -1, 1);
BEGIN READ ONLY;
EXECUTE load('SELECT ''D''::text');
ROLLBACK;
CREATE TABLE pull_l.keyed (a text REFERENCES pull_l.place);
SELECT retrack.pull_load('pull_l.keyed', 'SELECT ''nowhere''::text', 1, 1);
SELECT retrack.pull_load('pull_l.keyed', 'SELECT ''A'' || 1 + i % 9 FROM generate_series(1, 5000) AS i', 1, 1);
CREATE ROLE pull_l_stranger;
GRANT USAGE ON SCHEMA pull_l TO pull_l_stranger;
GRANT INSERT, SELECT ON pull_l.keyed TO pull_l_stranger;
SET ROLE pull_l_stranger;
SELECT retrack.pull_load('pull_l.keyed', 'SELECT ''nowhere''::text', 1, 1) IS NULL AS no_right_to_the_key;
BEGIN;
SELECT retrack.pull_load('pull_l.place', 'SELECT ''E''::text', 1, 1) IS NULL AS no_right_at_all;
SELECT count(*) AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'pull_l.place'::regclass;
ROLLBACK;
RESET ROLE;
-- The row referred to stays locked, as by the key's trigger.
BEGIN;
SELECT retrack.pull_load('pull_l.keyed', 'SELECT ''B1''::text', 1, 1);
SELECT count(*) > 0 AS locked FROM pull_l.place WHERE place = 'B1' AND xmax <> 0;
ROLLBACK;
DELETE FROM pull_l.place WHERE place = 'A1';
SET client_min_messages = error;
DROP SCHEMA pull_l, pull_l_api CASCADE;
DROP ROLE pull_l_stranger;
