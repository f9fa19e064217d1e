-- Protects: whatever DDL did to a journalled table since, rows_as_of gives its rows as they were, or says that it cannot and why; and what DDL did is in the chain.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rp');
SET search_path = rp, retrack, public;
-- Moments are the test's own, so that messages with them read the same in every run.
CREATE FUNCTION past(a_table text, moment text, list text DEFAULT 't.*') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  said text;
  detail text;
  hint text;
BEGIN
  RETURN QUERY EXECUTE format('SELECT concat_ws('' '', %s) FROM retrack.rows_as_of(NULL::%s, %L) t ORDER BY 1', list, a_table, (SELECT at FROM rp.moments m WHERE m.name = moment));
EXCEPTION WHEN SQLSTATE 'RTJ02' OR invalid_parameter_value THEN
  GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN NEXT regexp_replace(concat_ws(E'\n', SQLSTATE || ' ' || said, detail, hint), '\d{4}-\d\d-\d\d \S+', '<time>', 'g');
END $$;
CREATE TABLE moments (name text PRIMARY KEY, at timestamptz DEFAULT clock_timestamp());
CREATE VIEW altered AS SELECT relation, row_key, before FROM journal_row WHERE op = 'alter' ORDER BY seq;
CREATE TABLE export (id int PRIMARY KEY, exporter text, kg mass, note varchar(10));
SELECT attach_triggers('export', 'journal');
INSERT INTO export VALUES (1, 'A', '1 kg', 'one'), (2, 'A', '2 kg', 'two'), (3, 'B', '3 kg', 'three');
INSERT INTO moments VALUES ('inserted');
UPDATE export SET kg = '1.5 kg' WHERE id = 1;
DELETE FROM export WHERE id = 2;

-- Columns: another name, each other's names, gone, gone and made again.
ALTER TABLE export RENAME COLUMN kg TO mass;
SELECT past('export', 'inserted');
UPDATE export SET mass = '1.7 kg' WHERE id = 1;
INSERT INTO moments VALUES ('renamed');
UPDATE export SET mass = '1.8 kg', note = 'eins' WHERE id = 1;
ALTER TABLE export RENAME note TO x;
ALTER VIEW export RENAME exporter TO note;  -- this, too, renames a table's column
ALTER TABLE export RENAME x TO exporter;
SELECT attach_triggers('export', 'journal', 'party=note');
SELECT past('export', 'inserted'), past('export', 'renamed');
ALTER TABLE export DROP exporter, ADD exporter text DEFAULT 'new', ADD added int DEFAULT 7;
UPDATE export SET mass = '1.9 kg';
SELECT past('export', 'inserted', 't.*::text'), past('export', 'renamed', 't.*::text');
ALTER TABLE export DROP added, DROP exporter;
ALTER TABLE export RENAME note TO exporter;
SELECT attach_triggers('export', 'journal');
SELECT past('export', 'inserted'), past('export', 'renamed');
SELECT * FROM altered;
-- harmless changes are not worth an entry
ALTER TABLE export ADD remark varchar(10), ADD CHECK (id > 0);
ALTER TABLE export ALTER remark TYPE varchar(5);
ALTER TABLE export ALTER remark TYPE text;
ALTER TABLE export ALTER id TYPE bigint, DROP remark;
SELECT count(*) FROM altered;
SELECT past('export', 'inserted');

-- Values that ALTER TABLE wrote.
INSERT INTO export VALUES (4, 'B', '4 kg');
INSERT INTO moments VALUES ('four');
ALTER TABLE export ALTER mass TYPE mass USING mass * 2;
INSERT INTO moments VALUES ('doubled');
UPDATE export SET mass = '0 kg';
SELECT past('export', 'doubled');
\set VERBOSITY terse
SELECT past('export', 'four');

-- The table: another name, another schema and back, away and another one in its place.
CREATE SCHEMA rp_other;
CREATE TABLE rp_other.t (id int PRIMARY KEY, what text);
SELECT attach_triggers('rp_other.t', 'journal', 'registry=rp');
INSERT INTO rp_other.t VALUES (1, 'first');
INSERT INTO moments VALUES ('first');
UPDATE rp_other.t SET what = 'changed';
ALTER TABLE rp_other.t RENAME TO u;
UPDATE rp_other.u SET what = 'as u';
INSERT INTO moments VALUES ('as u');
ALTER TABLE rp_other.u SET SCHEMA public;
INSERT INTO public.u VALUES (2, 'in public');
INSERT INTO moments VALUES ('in public');
UPDATE public.u SET what = 'later';
SELECT m, past('public.u', m) FROM unnest('{first,as u,in public}'::text[]) m;
ALTER SCHEMA rp_other RENAME TO rp_another;
CREATE SCHEMA rp_other;
CREATE TABLE rp_other.t (id int PRIMARY KEY, what text);
SELECT attach_triggers('rp_other.t', 'journal', 'registry=rp');
INSERT INTO rp_other.t VALUES (1, 'another table');
INSERT INTO moments VALUES ('another');
DELETE FROM rp_other.t;
SELECT m, past('public.u', m) FROM unnest('{first,as u,in public}'::text[]) m;
SELECT m, past('rp_other.t', m) FROM unnest('{first,as u,in public,another}'::text[]) m;
ALTER TABLE public.u SET SCHEMA rp_another;
ALTER SCHEMA rp_another RENAME TO rp_last;
SELECT m, past('rp_last.u', m) FROM unnest('{first,as u,in public}'::text[]) m;
-- dropped and made again
DROP TABLE rp_other.t;
CREATE TABLE rp_other.t (id int PRIMARY KEY, what text);
SELECT attach_triggers('rp_other.t', 'journal', 'registry=rp');
INSERT INTO rp_other.t VALUES (7, 'made again');
SELECT past('rp_other.t', 'another');
INSERT INTO moments VALUES ('made again');
UPDATE rp_other.t SET what = 'x';
SELECT past('rp_other.t', 'made again');
SELECT before ->> 'what' AS what FROM journal_row WHERE relation = 'rp_other.t' AND op = 'delete';

-- a table of a type
CREATE TYPE rp.kind AS (id int, what text);
CREATE TABLE typed OF rp.kind (PRIMARY KEY (id));
SELECT attach_triggers('typed', 'journal');
INSERT INTO typed VALUES (1, 'as it was');
INSERT INTO moments VALUES ('typed');
UPDATE typed SET what = 'x';
ALTER TYPE rp.kind RENAME ATTRIBUTE what TO why CASCADE;
SELECT past('typed', 'typed');

-- columns of a type whose attributes are renamed: rows have these by their names of then
CREATE TYPE rp.place AS (town text, country text);
CREATE DOMAIN rp.home AS rp.place;
CREATE TABLE rp.box (id int, note text);
CREATE TABLE sent (id int PRIMARY KEY, at rp.place, via rp.home[], box rp.box);
SELECT attach_triggers('sent', 'journal');
INSERT INTO sent VALUES (1, '(Baotou,CN)', '{"(Kuantan,MY)"}', '(1,a)');
INSERT INTO moments VALUES ('sent');
ALTER TYPE rp.place RENAME ATTRIBUTE town TO city;
SELECT past('sent', 'sent');
UPDATE sent SET id = 2;
SELECT past('sent', 'sent');
INSERT INTO moments VALUES ('sent with city');
ALTER TYPE rp.place ADD ATTRIBUTE zip text;
ALTER TABLE rp.box RENAME note TO remark;
DELETE FROM sent;
SELECT past('sent', 'sent with city');
INSERT INTO sent VALUES (3, '(Ganzhou,CN,)', NULL, '(3,c)');
UPDATE sent SET box = '(4,d)';
ALTER TABLE rp.box RENAME remark TO what;
SELECT past('sent', 'sent with city');
SELECT before FROM journal_row WHERE relation = 'rp.sent' AND before IS NOT NULL ORDER BY recorded_at;
DROP TABLE sent, rp.box;
-- The key: another one, none for a while, the same one under another name or trigger argument.
CREATE TABLE k (a int, b int NOT NULL UNIQUE, v text, PRIMARY KEY (a));
SELECT attach_triggers('k', 'journal');
INSERT INTO k VALUES (1, 10, 'x'), (2, 20, 'y');
INSERT INTO moments VALUES ('k');
UPDATE k SET v = 'z' WHERE a = 1;
ALTER TABLE k RENAME a TO c;
ALTER TABLE k DROP CONSTRAINT k_pkey;
ALTER TABLE k ADD PRIMARY KEY (c);
SELECT attach_triggers('k', 'journal', 'key=c');
SELECT past('k', 'k');
SELECT attach_triggers('k', 'journal', 'key=b');
SELECT past('k', 'k');
INSERT INTO moments VALUES ('k by b');
UPDATE k SET v = 'w' WHERE b = 20;
SELECT past('k', 'k by b');
SELECT attach_triggers('k', 'journal');
SELECT past('k', 'k by b'), past('k', 'k');
INSERT INTO moments VALUES ('k by c');
-- the first one, after rows without any
CREATE TABLE n (id int, v text);
SELECT attach_triggers('n', 'journal');
INSERT INTO n VALUES (1, 'x');
INSERT INTO moments VALUES ('n');
UPDATE n SET v = 'y';
SELECT past('n', 'n');
ALTER TABLE n ADD PRIMARY KEY (id);
SELECT past('n', 'n');
-- Rows must be told apart at every moment: a deferred key is checked with every statement, or two rows could have it between two of them.
CREATE TABLE d (id int, part int, v text, PRIMARY KEY (id, part) DEFERRABLE INITIALLY DEFERRED) PARTITION BY LIST (part);
CREATE TABLE d1 PARTITION OF d FOR VALUES IN (1);
SELECT attach_triggers('d', 'journal');
INSERT INTO d VALUES (1, 1, 'x'), (2, 1, 'y');
INSERT INTO moments VALUES ('d');
UPDATE d SET id = 3 - id;
CREATE FUNCTION swaps_rows_of(a_table text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  SET CONSTRAINTS ALL DEFERRED;
  EXECUTE format('UPDATE %s SET id = 2 WHERE id = 1', a_table);
  EXECUTE format('UPDATE %s SET id = 1 WHERE v = ''x''', a_table);
  RETURN 'swapped';
EXCEPTION WHEN unique_violation THEN
  RETURN SQLERRM;
END $$;
SELECT swaps_rows_of('d'), swaps_rows_of('d1');
SELECT past('d', 'd');
SELECT row_key, op, before ->> 'v' AS v FROM journal_row WHERE relation = 'rp.d' ORDER BY seq;
-- a key by name must be unique, or nothing is changed
CREATE TABLE u (id int, part int NOT NULL, v text NOT NULL) PARTITION BY LIST (part);
CREATE TABLE u1 PARTITION OF u FOR VALUES IN (1);
SELECT attach_triggers('u', 'journal', 'key=id,part');
CREATE FUNCTION told_apart() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
  RETURN QUERY SELECT format('%s: %s', c.relation, c.problem) FROM retrack.check_triggers('rp') c WHERE c.relation::text ~ '^u';
  INSERT INTO rp.u VALUES (1, 1, 'a');
  DELETE FROM rp.u;
  RETURN NEXT 'inserted';
EXCEPTION WHEN invalid_parameter_value THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN NEXT concat_ws(' ', SQLSTATE, SQLERRM, detail);
END $$;
SELECT told_apart();
ALTER TABLE u1 ADD UNIQUE (id, part);
ALTER TABLE u ALTER id SET NOT NULL;
SELECT told_apart();
ALTER TABLE u ADD CONSTRAINT at_last UNIQUE (id, part) DEFERRABLE;
SELECT told_apart();
ALTER TABLE u DROP CONSTRAINT at_last, ADD UNIQUE (id, part, v);
SELECT told_apart();
ALTER TABLE u ADD UNIQUE (part);
SELECT told_apart();
ALTER TABLE u ALTER part DROP NOT NULL;
SELECT told_apart();
DROP TABLE u;
-- values of the key written anew
ALTER TABLE k ALTER c TYPE int USING c + 1;
SELECT past('k', 'k by c');
UPDATE k SET v = 'u';
INSERT INTO moments VALUES ('k shifted');
DELETE FROM k;
SELECT past('k', 'k by c'), past('k', 'k shifted');

-- Partitions: of the table above them while they are. What joins or leaves with rows is said.
CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
SELECT attach_triggers('p', 'journal');
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
INSERT INTO p VALUES (1, 'a'), (11, 'b');
INSERT INTO p2 VALUES (12, 'directly');
INSERT INTO moments VALUES ('p');
UPDATE p SET v = 'new ' || v;
SELECT past('p', 'p');
SELECT past('p2', 'p');
CREATE TABLE p3 (id int PRIMARY KEY, v text);
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (20) TO (30);
ALTER TABLE p DETACH PARTITION p2;
UPDATE p2 SET v = 'apart';
SELECT past('p2', 'p');
SELECT past('p', 'p');
SELECT v FROM altered, LATERAL (SELECT concat_ws(' ', relation, row_key, before) AS v) x WHERE relation IN ('rp.p', 'rp.p2', 'rp.p3');
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
SELECT past('p', 'p');
SELECT * FROM check_triggers('rp');
DROP TRIGGER retrack_journal_insert ON p2;
DROP TRIGGER retrack_journal_update ON p2;
DROP TRIGGER retrack_journal_delete ON p2;
DROP TRIGGER retrack_journal_truncate ON p2;
SELECT * FROM check_triggers('rp');

-- Times without the journal: what changed then cannot be told, so it is said. New triggers, and the same ones again, are none.
CREATE TABLE o (id int PRIMARY KEY, v text) PARTITION BY LIST (id);
CREATE TABLE o1 PARTITION OF o FOR VALUES IN (1);
SELECT attach_triggers('o', 'journal');
SELECT attach_triggers('o', 'journal', 'party=v');
CREATE TABLE o2 PARTITION OF o FOR VALUES IN (2);
INSERT INTO o VALUES (1, 'a');
INSERT INTO moments VALUES ('o');
SELECT past('o', 'o');
ALTER TABLE o DISABLE TRIGGER retrack_journal_update, DISABLE TRIGGER retrack_journal_insert;
UPDATE o SET v = 'b';
INSERT INTO moments VALUES ('o without');
ALTER TABLE o ENABLE TRIGGER USER;
INSERT INTO moments VALUES ('o again');
DROP TRIGGER retrack_journal_update ON o2;
SELECT attach_triggers('o', 'journal');
ALTER TABLE o DISABLE TRIGGER retrack_journal_truncate;
ALTER TABLE o ENABLE TRIGGER ALL;
-- so pg_restore loads data
ALTER TABLE o DISABLE TRIGGER ALL;
ALTER TABLE o ENABLE TRIGGER ALL;
SELECT row_key, before ->> 'journal' AS journal FROM altered WHERE relation = 'rp.o';
SELECT m, past('o', m) FROM unnest('{o,o without,o again}'::text[]) m;
INSERT INTO moments VALUES ('o at last');
SELECT past('o', 'o at last');

CREATE TABLE stray (id int PRIMARY KEY, v text);
SELECT attach_triggers('stray', 'journal', 'registry=retrack');
SELECT * FROM rows_as_of(NULL::rp.stray, now());
DROP TABLE stray;

-- Without any of its triggers a table gets another name, which is found out when they come again.
CREATE TABLE s (id int PRIMARY KEY, v text);
SELECT attach_triggers('s', 'journal');
INSERT INTO s VALUES (1, 'a');
INSERT INTO moments VALUES ('s');
UPDATE s SET v = 'b';
DROP TRIGGER retrack_journal_insert ON s;
DROP TRIGGER retrack_journal_update ON s;
DROP TRIGGER retrack_journal_delete ON s;
DROP TRIGGER retrack_journal_truncate ON s;
ALTER TABLE s RENAME TO s2;
SELECT attach_triggers('s2', 'journal');
SELECT past('s2', 's');
SELECT relation, row_key, before ->> 'journal' AS journal FROM altered WHERE relation ~ '^rp.s2?$';

-- A journal that cannot note what happens stops it; other tables have nothing to do with it.
\set VERBOSITY default
BEGIN;
ALTER TABLE journal_head RENAME hash TO lost;
ALTER TABLE moments RENAME TO times;
ALTER TABLE export RENAME TO exports;
ROLLBACK;
\set VERBOSITY terse

-- all of it is in the chain
SELECT * FROM verify_journal('rp');
UPDATE journal SET before = '{"columns": {"kg": null}}' WHERE op = 'alter' AND seq = 1;
SELECT * FROM verify_journal('rp');

RESET search_path;
DROP SCHEMA rp, rp_other, rp_last CASCADE;
