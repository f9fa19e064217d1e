-- Protects: sources and targets that are legal but odd lose no row, double none, and leave no lock behind.
SET client_min_messages = error;
CALL retrack.create_registry('pull_o');
CREATE SCHEMA pull_o_api;
\set VERBOSITY sqlstate

-- Neither version nor high water: what the source says now counts, also against what was rejected before.
CREATE TABLE pull_o_api.bare (id int, n int, mass retrack.mass);
CREATE TABLE pull_o.bare (id int PRIMARY KEY, n int CHECK (n <> 5), mass retrack.mass);
INSERT INTO pull_o_api.bare VALUES (1, 4, '1 kg'), (2, 5, '1 kg');
CALL retrack.pull('pull_o_api.bare', 'pull_o.bare');
UPDATE pull_o_api.bare SET n = 5 WHERE id = 1;
UPDATE pull_o_api.bare SET n = 7 WHERE id = 2;
CALL retrack.pull('pull_o_api.bare', 'pull_o.bare');
UPDATE pull_o_api.bare SET n = 6 WHERE id = 1;
CALL retrack.pull('pull_o_api.bare', 'pull_o.bare');
ALTER TABLE pull_o.bare DROP CONSTRAINT bare_n_check;
SELECT * FROM retrack.retry_rejects('pull_o.bare');
SELECT * FROM pull_o.bare ORDER BY id;

-- A key that may be null tells no rows apart; a version that is null is the oldest.
CREATE TABLE pull_o_api.open (id text, v int, version int, updated_at timestamptz);
CREATE TABLE pull_o.open (n serial PRIMARY KEY, id text UNIQUE, v int, version int, updated_at timestamptz);
INSERT INTO pull_o_api.open VALUES (NULL, 1, 1, '2025-01-01'), ('x', 2, 1, '2025-01-01');
INSERT INTO pull_o.open (id, v) VALUES ('x', 1);
CALL retrack.pull('pull_o_api.open', 'pull_o.open', key_columns => '{id}');
CALL retrack.pull('pull_o_api.open', 'pull_o.open', key_columns => '{id}');
SELECT id, v, version FROM pull_o.open;
SELECT sqlstate, count(*) FROM pull_o.pull_reject WHERE target = 'pull_o.open' GROUP BY sqlstate;

-- Where a pull cannot commit it says so and holds nothing.
DO $$ BEGIN CALL retrack.pull('pull_o_api.open', 'pull_o.open', key_columns => '{id}'); EXCEPTION WHEN invalid_transaction_termination THEN NULL; END $$;
BEGIN;
CALL retrack.pull('pull_o_api.open', 'pull_o.open', key_columns => '{id}');
ROLLBACK;
CREATE FUNCTION pull_o.inside() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL retrack.pull_all('pull_o', 'pull_o_api'); END $$;
SELECT pull_o.inside();
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory';

-- A role without rights is told so; its rows are not rejected one by one.
CREATE ROLE pull_o_stranger;
GRANT USAGE ON SCHEMA pull_o, pull_o_api TO pull_o_stranger;
GRANT SELECT ON pull_o_api.open, pull_o.open TO pull_o_stranger;
GRANT SELECT, INSERT, UPDATE ON pull_o.pull_state, pull_o.pull_reject TO pull_o_stranger;
SET ROLE pull_o_stranger;
CALL retrack.pull('pull_o_api.open', 'pull_o.open', key_columns => '{id}', mode => 'full');
RESET ROLE;
SELECT count(*) FROM pull_o.pull_reject WHERE sqlstate = '42501';

-- A value too long for an index is one row's fault; a deferrable key and one that the table numbers are none to pull by.
CREATE TABLE pull_o_api.long (id text, version int);
CREATE TABLE pull_o.long (id text PRIMARY KEY, version int);
INSERT INTO pull_o_api.long SELECT string_agg(md5(i::text), ''), 1 FROM generate_series(1, 400) AS i;
INSERT INTO pull_o_api.long VALUES ('ok', 1);
CALL retrack.pull('pull_o_api.long', 'pull_o.long');
SELECT id FROM pull_o.long;
SELECT sqlstate FROM pull_o.pull_reject WHERE target = 'pull_o.long';
CREATE TABLE pull_o.late (id text PRIMARY KEY DEFERRABLE, version int);
CALL retrack.pull('pull_o_api.long', 'pull_o.late');
CREATE TABLE pull_o.numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int);
CALL retrack.pull('pull_o_api.long', 'pull_o.numbered');

-- Without a mark a withdrawal deletes, but not what was filed anew after it.
CREATE TABLE pull_o_api.anew (id text, n int, updated_at timestamptz, withdrawn boolean);
CREATE TABLE pull_o.anew (id text PRIMARY KEY, n int);
INSERT INTO pull_o_api.anew VALUES ('x', 1, '2025-01-01', false), ('x', 1, '2025-01-02', true), ('x', 3, '2025-01-03', false), ('y', 1, '2025-01-01', false), ('y', 1, '2025-01-02', true);
CALL retrack.pull('pull_o_api.anew', 'pull_o.anew');
SELECT * FROM pull_o.anew;

-- Days in the future do not hide what comes.
CREATE TABLE pull_o_api.day (id int, version int, updated_at date);
CREATE TABLE pull_o.day (id int PRIMARY KEY, version int, updated_at date);
INSERT INTO pull_o_api.day VALUES (1, 1, '2999-01-01'), (2, 1, 'infinity');
CALL retrack.pull('pull_o_api.day', 'pull_o.day');
SELECT high_water::date <= now()::date + 1 AS sane FROM pull_o.pull_state WHERE target = 'pull_o.day';

-- Keys of retrack's own types: rejected, retried, withdrawn by key alone, in the order they came.
CREATE TABLE pull_o_api.licence_item (licence retrack.licence_id, line int, version int, control_code text, form retrack.form, granted retrack.mass, updated_at timestamptz, withdrawn boolean);
INSERT INTO pull_o.party (party_id, name) VALUES ('p', 'P');
INSERT INTO pull_o_api.licence_item VALUES ('25-AA-000001', 1, 1, '1C905.a', 'magnet', '5 kg', '2025-01-01', false),
  ('25-AA-000001', 3, 1, '1C905.a', 'magnet', '6 kg', '2025-01-03', false), ('25-AA-000001', 3, 2, '1C905.a', NULL, NULL, '2025-01-04', true);
CALL retrack.pull('pull_o_api.licence_item', 'pull_o.licence_item');
SELECT row_key, row_version, sqlstate FROM pull_o.pull_reject WHERE target = 'pull_o.licence_item' ORDER BY reject_id;
INSERT INTO pull_o.licence (licence, kind, holder, valid, status) VALUES ('25-AA-000001', 'general', 'p', '[2025-01-01,2026-01-01)', 'issued');
SELECT * FROM retrack.retry_rejects('pull_o.licence_item');
SELECT line, version, granted, withdrawn FROM pull_o.licence_item ORDER BY line;

-- Whatever a session's settings say of how values read: a reject is known again, and lands as what was sent.
CREATE TABLE pull_o_api.plain (f float8, b bytea, i interval, n int, version int);
CREATE TABLE pull_o.plain (f float8, b bytea, i interval, n int CHECK (n <> 5), version int, PRIMARY KEY (f, b, i));
INSERT INTO pull_o_api.plain VALUES (0.1::float8 + 0.2, '\x00ff', '-1 day +02:03:04', 5, 1), (0.3, '\x00ff', '-1 day +02:03:04', 5, 1);
SET extra_float_digits = -3;
SET intervalstyle = 'sql_standard';
SET bytea_output = 'escape';
CALL retrack.pull('pull_o_api.plain', 'pull_o.plain');
RESET extra_float_digits;
RESET intervalstyle;
RESET bytea_output;
CALL retrack.pull('pull_o_api.plain', 'pull_o.plain');
SELECT row_key FROM pull_o.pull_reject WHERE target = 'pull_o.plain' ORDER BY 1;
ALTER TABLE pull_o.plain DROP CONSTRAINT plain_n_check;
SET intervalstyle = 'sql_standard';
SELECT * FROM retrack.retry_rejects('pull_o.plain');
RESET intervalstyle;
SELECT count(*), count(s) AS as_sent FROM pull_o.plain t LEFT JOIN pull_o_api.plain s USING (f, b, i);

-- Keys of several columns do not read alike: what the source says of one row settles no other's reject.
DO $$ BEGIN
  CREATE COLLATION pull_o.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXCEPTION WHEN OTHERS THEN  -- a server without ICU
  CREATE COLLATION pull_o.ci (locale = 'C');
END $$;
CREATE TABLE pull_o_api.pair (a text COLLATE pull_o.ci, b text, n int);
CREATE TABLE pull_o.pair (a text COLLATE pull_o.ci, b text, n int CHECK (n <> 5), PRIMARY KEY (a, b));
INSERT INTO pull_o_api.pair VALUES ('x|y', 'z', 5), ('x\', 'y', 5);
CALL retrack.pull('pull_o_api.pair', 'pull_o.pair');
DELETE FROM pull_o_api.pair;
INSERT INTO pull_o_api.pair VALUES ('x', 'y|z', 1);
CALL retrack.pull('pull_o_api.pair', 'pull_o.pair');
SELECT row_key, resolved_at IS NOT NULL AS resolved FROM pull_o.pull_reject WHERE target = 'pull_o.pair' ORDER BY 1;

-- A schema with nothing to pull from is an error, so that a schedule with a slip of the pen shows.
CALL retrack.pull_all('pull_o', 'pull_o_nowhere');
CALL retrack.pull_all('pull_o', 'information_schema');
SELECT count(*) FROM retrack.verify_ledger('pull_o');
SELECT count(*) FROM retrack.verify_journal('pull_o');
\set VERBOSITY default
DROP SCHEMA pull_o, pull_o_api CASCADE;
DROP ROLE pull_o_stranger;
