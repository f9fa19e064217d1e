-- Protects: a pull decides rows in the order of their changes whatever order the source gives them in, and
-- looks up what rows refer to as the foreign keys do, whatever the types and collations.
SET client_min_messages = warning;

-- In order or not: NULL comes last, ties are told apart by the next column, text goes by its collation.
CREATE TEMPORARY TABLE store ("#seq" bigint, a int, b text COLLATE "C", c text COLLATE "C");
CREATE FUNCTION pg_temp.stored(rows text, columns text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  TRUNCATE store;
  SELECT * INTO r FROM retrack.pull_store('store', 'SELECT a, b::text COLLATE "C", c::text COLLATE "C" FROM (VALUES ' || rows || ') AS v(a, b, c)', columns);
  RETURN concat_ws(' ', r.stored, r.in_order, (SELECT string_agg(concat_ws(',', "#seq", a, b, c), ';' ORDER BY "#seq") FROM store));
END $$;
SELECT * FROM (VALUES
  ('one row', pg_temp.stored('(1, ''x'', ''y'')', '{a,b}')),
  ('ascending', pg_temp.stored('(1, ''x'', ''y''), (2, ''a'', NULL), (3, NULL, ''z'')', '{a,b}')),
  ('descending', pg_temp.stored('(2, ''x'', ''y''), (1, ''a'', NULL)', '{a,b}')),
  ('ties in order', pg_temp.stored('(1, ''B'', ''y''), (1, ''a'', NULL), (1, ''a'', NULL)', '{a,b}')),
  ('ties out of order', pg_temp.stored('(1, ''a'', ''y''), (1, ''B'', NULL)', '{a,b}')),
  ('what counts last', pg_temp.stored('(1, ''a'', ''2''), (1, ''a'', ''10'')', '{a,b,c}')),
  ('no order asked for', pg_temp.stored('(2, ''x'', ''y''), (1, ''a'', NULL)', '{}')),
  ('null last', pg_temp.stored('(1, ''x'', ''y''), (NULL, ''a'', NULL)', '{a}')),
  ('null first', pg_temp.stored('(NULL, ''a'', NULL), (1, ''x'', ''y'')', '{a}'))) AS t;
TRUNCATE store;
-- also where it is a page later that order is lost
SELECT i, (retrack.pull_store('store', format('SELECT CASE i WHEN %s THEN 0 ELSE i END, repeat(''long'', i), i::text FROM generate_series(1, 2000) AS i', i), '{a}')).*
FROM unnest('{0,1,2,100,101,102,1000,2000}'::int[]) AS i;
SELECT count(*), count(DISTINCT c), sum(length(b)) / 8 AS length FROM store;
-- a query without rows
SELECT * FROM retrack.pull_store('store', 'SELECT 1, NULL::text, NULL::text WHERE false', '{a}');

\set VERBOSITY sqlstate
SELECT retrack.pull_store('store', 'SELECT 1', '{a}');
SELECT retrack.pull_store('store', 'SELECT ''1''::text, NULL::text, NULL::text', '{a}');
SELECT retrack.pull_store('store', 'SELECT 1, NULL::text, NULL::text', '{nothing}');
SELECT retrack.pull_store('store', 'SELECT 1, NULL::text, NULL::text', '{#seq}');
SELECT retrack.pull_store('store', 'DELETE FROM store', '{a}');
SELECT retrack.pull_store('pg_class', 'SELECT 1', '{a}');
SELECT retrack.pull_store(4294967295::oid, 'SELECT 1', '{a}');
SELECT retrack.pull_store(0::oid, 'SELECT 1', '{a}');
CREATE TEMPORARY TABLE checked ("#seq" bigint, a int CHECK (a > 0));
SELECT retrack.pull_store('checked', 'SELECT -1', '{a}');
CREATE ROLE pull_st_stranger;
SET ROLE pull_st_stranger;
SELECT retrack.pull_store('store', 'SELECT 1, NULL::text, NULL::text', '{a}');
RESET ROLE;
DROP ROLE pull_st_stranger;
\set VERBOSITY default

-- A pull from a source that gives rows in any order: they land in the order of their changes, as the journal shows.
CALL retrack.create_registry('pull_st');
INSERT INTO pull_st.party (party_id, name, kind) VALUES ('P1', 'One', 'producer');
CREATE EXTENSION file_fdw;
CREATE SERVER pull_st_files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE pull_st_shuffled (shipment_id text, version int, shipped_on date, exporter text, destination text, form retrack.form, net_mass text, assay text,
  updated_at timestamptz) SERVER pull_st_files OPTIONS (format 'csv', program
  $$seq 1 1500 | awk '{ i = ($1 * 7) % 1500; printf "S%04d,1,2025-06-01,P1,DE,oxide,%d g,La=50%%,2025-07-01 00:%02d:%02dZ\n", i, i + 1, i / 60, i % 60 }
    END { print "S0007,2,2025-06-01,P1,DE,oxide,1 t,La=50%,2025-07-01 00:30:00Z"; print "S0008,0,2025-06-01,P1,DE,oxide,9 kg,La=50%,2025-07-01 00:00:08Z";
          print "S0009,1,2025-06-01,nobody,DE,oxide,9 kg,La=50%,2025-07-01 00:00:09Z"; print "S0008,1,2025-06-01,nobody,DE,oxide,9 kg,La=50%," }'$$);
CALL retrack.pull('pull_st_shuffled', 'pull_st.shipment', batch_size => 400);
SELECT high_water, batches, landed, rejected FROM pull_st.pull_state;
SELECT row_key, row_version, sqlstate FROM pull_st.pull_reject ORDER BY row_key, sqlstate;
SELECT count(*), count(*) FILTER (WHERE version = 2), count(*) FILTER (WHERE net_mass::numeric * 1000 <> substr(shipment_id, 2)::int + 1) AS changed FROM pull_st.shipment;
SELECT bool_and(row_key >= before) AS in_order FROM (
  SELECT row_key, lag(row_key, 1, '') OVER (PARTITION BY party ORDER BY seq, n) AS before FROM pull_st.journal j, unnest(j.row_keys) WITH ORDINALITY u (row_key, n) WHERE op = 'insert') AS j;
SELECT count(*) AS left_behind FROM pg_class WHERE relname LIKE 'retrack\_pull%' AND relpersistence = 't';
CALL retrack.pull('pull_st_shuffled', 'pull_st.shipment', mode => 'full');
SELECT landed, rejected FROM pull_st.pull_state;

-- What rows refer to: types that differ, domains, collations that differ, fixed lengths, dates.
CREATE SCHEMA pull_st_k;
CREATE DOMAIN pull_st_k.code AS text CHECK (VALUE <> '');
CREATE TABLE pull_st_k.wide (k bigint PRIMARY KEY);
CREATE TABLE pull_st_k.coded (k text COLLATE "C" PRIMARY KEY);
CREATE TABLE pull_st_k.fixed (k uuid PRIMARY KEY);
CREATE TABLE pull_st_k.named (k name PRIMARY KEY);
CREATE TABLE pull_st_k.exact (k numeric PRIMARY KEY);
CREATE TABLE pull_st_k.listed (k int[] PRIMARY KEY);
INSERT INTO pull_st_k.wide VALUES (1), (2);
INSERT INTO pull_st_k.coded VALUES ('a'), ('b');
INSERT INTO pull_st_k.fixed VALUES ('00000000-0000-0000-0000-000000000001');
INSERT INTO pull_st_k.named VALUES ('n');
INSERT INTO pull_st_k.exact VALUES (1.0);
INSERT INTO pull_st_k.listed VALUES ('{1}');
CREATE TABLE pull_st_k.row (w int REFERENCES pull_st_k.wide, c pull_st_k.code COLLATE "POSIX" REFERENCES pull_st_k.coded, u uuid REFERENCES pull_st_k.fixed,
  n name REFERENCES pull_st_k.named, e numeric REFERENCES pull_st_k.exact);
CREATE TABLE pull_st_k.list_row (l int[] REFERENCES pull_st_k.listed);
PREPARE load(text) AS SELECT retrack.pull_load('pull_st_k.row', format('SELECT %s FROM generate_series($1, $2) AS i', $1), 1, 3000);
EXECUTE load($$1 + i::int % 2, (ARRAY['a', 'b', NULL])[1 + i % 3]::pull_st_k.code, '00000000-0000-0000-0000-000000000001'::uuid, 'n'::name, (ARRAY[1, 1.00])[1 + i % 2]$$);
-- values that are compressed or have their length in one byte or four are one value
INSERT INTO pull_st_k.coded VALUES (repeat('c', 5000));
EXECUTE load($$NULL::int, repeat('c', 5000)::pull_st_k.code, NULL::uuid, NULL::name, NULL::numeric$$);
\set VERBOSITY terse
EXECUTE load($$CASE i WHEN 2999 THEN 3 ELSE 1 END, 'a'::pull_st_k.code, NULL::uuid, NULL::name, NULL::numeric$$);
EXECUTE load($$1, CASE i WHEN 2999 THEN 'A' ELSE 'a' END::pull_st_k.code, NULL::uuid, NULL::name, NULL::numeric$$);
EXECUTE load($$1, 'a'::pull_st_k.code, '00000000-0000-0000-0000-000000000002'::uuid, NULL::name, NULL::numeric$$);
EXECUTE load($$1, 'a'::pull_st_k.code, NULL::uuid, 'm'::name, NULL::numeric$$);
EXECUTE load($$1, 'a'::pull_st_k.code, NULL::uuid, NULL::name, 1.01$$);
SELECT count(*), count(w), count(c), count(u), count(n), count(e) FROM pull_st_k.row;
SELECT retrack.pull_load('pull_st_k.list_row', 'SELECT ''{2}''::int[]', 1, 1) AS left_to_the_trigger;

SET client_min_messages = error;
DROP SCHEMA pull_st, pull_st_k CASCADE;
DROP EXTENSION file_fdw CASCADE;
