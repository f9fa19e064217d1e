-- Protects: a pull into tables with keys and constraints that only 18 knows does what an INSERT would do.
SET client_min_messages = warning;
CREATE SCHEMA pull_n_api;
CALL retrack.create_registry('pull_n');
SELECT current_setting('server_version_num')::int >= 180000 AS has_18 \gset
CREATE TABLE pull_n.place (place text PRIMARY KEY);
CREATE TABLE pull_n.report (id int PRIMARY KEY, place text, mass retrack.mass, n int);
CREATE TABLE pull_n.spell (id int NOT NULL, during daterange NOT NULL, note text);
\if :has_18
CREATE EXTENSION btree_gist SCHEMA pull_n;
ALTER TABLE pull_n.report ADD FOREIGN KEY (place) REFERENCES pull_n.place NOT ENFORCED, ADD CHECK (n > 0) NOT ENFORCED, ADD twice int GENERATED ALWAYS AS (n * 2) VIRTUAL;
ALTER TABLE pull_n.spell ADD PRIMARY KEY (id, during WITHOUT OVERLAPS);
\else
ALTER TABLE pull_n.report ADD twice int;
\endif
CREATE TABLE pull_n_api.report AS SELECT i AS id, 'nowhere'::text AS place, '1 kg'::retrack.mass AS mass, -i AS n FROM generate_series(1, 300) AS i;
CREATE TABLE pull_n_api.spell AS SELECT i AS id, daterange(date '2025-01-01' + i, NULL) AS during, 'x'::text AS note FROM generate_series(1, 3) AS i;
CALL retrack.pull('pull_n_api.report', 'pull_n.report');
SELECT count(*), sum(n) FROM pull_n.report;
-- the same by the fast path, which a table without virtual columns may take
ALTER TABLE pull_n.report DROP twice;
TRUNCATE pull_n.report, pull_n.pull_state;
SELECT retrack.pull_load('pull_n.report', 'SELECT * FROM pull_n_api.report WHERE id BETWEEN $1 AND $2', 1, 300);
TRUNCATE pull_n.report;
CALL retrack.pull('pull_n_api.report', 'pull_n.report');
SELECT count(*), sum(n) FROM pull_n.report;
SELECT sqlstate, count(*) FROM pull_n.pull_reject GROUP BY sqlstate;
-- one row in the place of another is not what a key with periods can say
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 180000 THEN
    CALL retrack.pull('pull_n_api.spell', 'pull_n.spell', commits => false);
    RAISE WARNING 'pulled by a key WITHOUT OVERLAPS';
  END IF;
EXCEPTION WHEN SQLSTATE 'RTP03' THEN
END $$;
SET client_min_messages = error;
DROP SCHEMA pull_n, pull_n_api CASCADE;
