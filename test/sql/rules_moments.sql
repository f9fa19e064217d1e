-- Protects: rows_as_of gives each moment's rows as a copy has them that was made at that moment, whatever changed
-- them: triggers that change a statement's rows again, foreign keys' actions, several parts of one statement, keys
-- that read otherwise in other sessions; and where it cannot, it says so.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rm');
SET search_path = rm, retrack, public;
CREATE TABLE copies (n int, at timestamptz, relation text, a_row jsonb);
CREATE SEQUENCE moment;
CREATE PROCEDURE copy_of(relation text) LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
BEGIN
  PERFORM pg_sleep(0.001);
  at := clock_timestamp();
  PERFORM pg_sleep(0.001);
  INSERT INTO rm.copies VALUES (nextval('rm.moment'), at, relation, NULL);
  EXECUTE format('INSERT INTO rm.copies SELECT currval(''rm.moment''), $1, %L, to_jsonb(zz) FROM %s zz', relation, relation) USING at;
END $$;
CREATE FUNCTION differences(relation text, OUT moment int, OUT what text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  m record;
BEGIN
  FOR m IN SELECT DISTINCT c.n, c.at FROM rm.copies c WHERE c.relation = differences.relation ORDER BY 1 LOOP
    RETURN QUERY EXECUTE format($sql$
      WITH a AS (SELECT c.a_row FROM rm.copies c WHERE c.n = $1 AND c.a_row IS NOT NULL), b AS (SELECT to_jsonb(zz) FROM retrack.rows_as_of(NULL::%s, $2) zz)
      SELECT $1, 'lacks ' || d::text FROM (TABLE a EXCEPT ALL TABLE b) d UNION ALL SELECT $1, 'has ' || d::text FROM (TABLE b EXCEPT ALL TABLE a) d$sql$, relation) USING m.n, m.at;
  END LOOP;
END $$;

-- A trigger that changes the row again is journalled before the statement whose row it is; a BEFORE trigger was first in fact.
CREATE TABLE again (id int PRIMARY KEY, exporter text, v text);
SELECT attach_triggers('again', 'journal');
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() < 4 THEN
    UPDATE rm.again SET v = v || pg_trigger_depth(), exporter = 'E' || length(v) % 3 WHERE id IN (NEW.id, 5);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER again AFTER INSERT OR UPDATE ON again FOR EACH ROW EXECUTE FUNCTION again();
CREATE FUNCTION a_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() = 1 THEN
    DELETE FROM rm.again WHERE id % 10 = 7;
    INSERT INTO rm.again VALUES ((SELECT coalesce(max(id), 0) + 100 FROM rm.again), 'S', 's');
    UPDATE rm.again SET v = v || 's' WHERE id < 3;
  END IF;
  RETURN NULL;
END $$;
CALL copy_of('again');
INSERT INTO again SELECT i, 'A', 'v' FROM generate_series(1, 8) i;
CALL copy_of('again');
CREATE TRIGGER a_statement AFTER INSERT OR UPDATE OR DELETE ON again FOR EACH STATEMENT EXECUTE FUNCTION a_statement();
INSERT INTO again SELECT i, 'A', 'v' FROM generate_series(11, 18) i;
CALL copy_of('again');
INSERT INTO again SELECT i, 'B', 'c' FROM generate_series(5, 25) i ON CONFLICT (id) DO UPDATE SET v = 'conflict', exporter = excluded.exporter;
CALL copy_of('again');
BEGIN;
UPDATE again SET v = 'x';
CALL copy_of('again');
DELETE FROM again WHERE id % 2 = 1;
CALL copy_of('again');
SAVEPOINT undone;
UPDATE again SET id = id + 1;
ROLLBACK TO undone;
UPDATE again SET v = 'y', id = id + 1000;
COMMIT;
CALL copy_of('again');
SELECT current_setting('server_version_num')::int >= 150000 AS has_merge \gset
\if :has_merge
MERGE INTO again USING generate_series(1000, 1040) i ON again.id = i WHEN MATCHED AND i % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED THEN INSERT VALUES (i, 'M', 'mm');
\endif
CALL copy_of('again');
DELETE FROM again;
CALL copy_of('again');
SELECT * FROM differences('again');
CREATE TABLE replaced (id int PRIMARY KEY, v text);
SELECT attach_triggers('replaced', 'journal');
CREATE FUNCTION make_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM rm.replaced WHERE id = NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER make_room BEFORE INSERT ON replaced FOR EACH ROW EXECUTE FUNCTION make_room();
INSERT INTO replaced VALUES (1, 'a');
CALL copy_of('replaced');
INSERT INTO replaced VALUES (1, 'b');
CALL copy_of('replaced');
SELECT * FROM differences('replaced');

-- Foreign keys' actions change a row once more in the statement itself: an entry tells all of it, or nothing.
CREATE TABLE chain (a int, b int, v text, PRIMARY KEY (a, b), UNIQUE (a));
ALTER TABLE chain ADD FOREIGN KEY (b) REFERENCES chain (a) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
SELECT attach_triggers('chain', 'journal');
INSERT INTO chain VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z'), (4, 4, 'w');
CALL copy_of('chain');
UPDATE chain SET a = a + 10;
CALL copy_of('chain');
UPDATE chain SET a = 30 - a;
CALL copy_of('chain');
UPDATE chain SET v = v || 1;
UPDATE chain SET v = v WHERE a = 16;
CALL copy_of('chain');
DELETE FROM chain;
CALL copy_of('chain');
SELECT * FROM differences('chain');
SELECT row_key, op, before ->> 'b' AS b FROM journal_row WHERE relation = 'rm.chain' AND op <> 'insert' ORDER BY seq;
CREATE TABLE firm (id text PRIMARY KEY);
CREATE TABLE delivery (id int PRIMARY KEY, exporter text REFERENCES firm ON UPDATE CASCADE ON DELETE SET NULL, consignee text REFERENCES firm ON UPDATE CASCADE ON DELETE SET NULL);
SELECT attach_triggers('delivery', 'journal');
INSERT INTO firm VALUES ('A'), ('B'), ('C');
INSERT INTO delivery SELECT i, chr(65 + i % 3), chr(65 + (i + 1) % 3) FROM generate_series(1, 6) i;
CALL copy_of('delivery');
UPDATE firm SET id = id || 'x';
CALL copy_of('delivery');
DELETE FROM firm WHERE id IN ('Ax', 'Bx');
CALL copy_of('delivery');
SELECT * FROM differences('delivery');
SELECT party, op, count(*) FROM journal WHERE relation = 'rm.delivery' AND op <> 'insert' GROUP BY 1, 2 ORDER BY 1, 2;

-- Parts of one statement, subtransactions, COPY, partitions with columns in another order.
CREATE TABLE part (id int, r int, v text, g int GENERATED ALWAYS AS (id + r) STORED, PRIMARY KEY (id, r)) PARTITION BY LIST (r);
CREATE TABLE part1 (v text, gone int, r int NOT NULL, id int NOT NULL, g int GENERATED ALWAYS AS (id + r) STORED);
ALTER TABLE part1 DROP gone;
ALTER TABLE part ATTACH PARTITION part1 FOR VALUES IN (1);
CREATE TABLE part2 PARTITION OF part FOR VALUES IN (2) PARTITION BY RANGE (id);
CREATE TABLE part21 PARTITION OF part2 FOR VALUES FROM (0) TO (100);
CREATE TABLE part22 PARTITION OF part2 FOR VALUES FROM (100) TO (1000);
SELECT attach_triggers('part', 'journal', 'party=v');
INSERT INTO part SELECT i, 1 + i % 2, 'p' || i % 3 FROM generate_series(1, 20) i;
CALL copy_of('part');
UPDATE part SET r = 3 - r WHERE id < 5;
UPDATE part2 SET id = id + 100 WHERE id IN (7, 9);
CALL copy_of('part');
WITH d AS (DELETE FROM part WHERE id < 4 RETURNING *), i AS (INSERT INTO part SELECT id, r, v || ' again' FROM d) UPDATE part SET v = 'updated' WHERE id > 15;
CALL copy_of('part');
COPY part (id, r, v) FROM stdin;
500	1	x
1	2	y
\.
CALL copy_of('part');
DO $$
BEGIN
  FOR i IN 1..4 LOOP
    BEGIN
      INSERT INTO rm.part1 (id, r, v) VALUES (600 + i, 1, 'kept');
      UPDATE rm.part SET v = v || i WHERE id > 500;
      IF i % 2 = 0 THEN
        RAISE division_by_zero;
      END IF;
    EXCEPTION WHEN division_by_zero THEN
      UPDATE rm.part SET r = 3 - r WHERE id > 600;
    END;
    CALL rm.copy_of('part');
  END LOOP;
END $$;
CREATE FUNCTION taken(i int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM rm.part WHERE id = i;
  RETURN i;
END $$;
INSERT INTO part (id, r, v) SELECT taken(id), r, 'put back' FROM (SELECT * FROM part OFFSET 0) q;
CALL copy_of('part');
DELETE FROM part21;
CALL copy_of('part');
SELECT * FROM differences('part');

-- Rows that replace others are journalled before these where the query stops short of the end of what it removes.
CREATE TABLE traded (id int PRIMARY KEY, exporter text, v text);
SELECT attach_triggers('traded', 'journal');
INSERT INTO traded SELECT i, 'A', 'old' FROM generate_series(1, 6) i;
CALL copy_of('traded');
WITH d AS (DELETE FROM traded WHERE id = 1 RETURNING *) INSERT INTO traded SELECT id, 'B', 'new' FROM d LIMIT 1;
CALL copy_of('traded');
WITH u AS (UPDATE traded SET id = 12 WHERE id = 2 RETURNING *) INSERT INTO traded SELECT 2, exporter, 'new' FROM u LIMIT 1;
CALL copy_of('traded');
CREATE FUNCTION touch_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE rm.traded SET v = v || TG_NAME WHERE v = 'new';
  RETURN NULL;
END $$;
CREATE TRIGGER z AFTER INSERT ON traded EXECUTE FUNCTION touch_new();
WITH d AS (DELETE FROM traded WHERE id = 3 RETURNING *) INSERT INTO traded SELECT id, 'B', 'new' FROM d LIMIT 1;
CALL copy_of('traded');
ALTER TRIGGER z ON traded RENAME TO a;
WITH d AS (DELETE FROM traded WHERE id = 4 RETURNING *) INSERT INTO traded SELECT id, 'B', 'new' FROM d LIMIT 1;
CALL copy_of('traded');
SELECT * FROM differences('traded');

-- Keys that read otherwise under other settings, in other collations.
CREATE TABLE setting_key (f float8, i interval, b bytea, z timestamptz, c char(5), v text, PRIMARY KEY (f, i, b, z, c));
SELECT attach_triggers('setting_key', 'journal');
INSERT INTO setting_key VALUES (0.1::float8 + 0.2::float8, '-1 day 02:03', '\x00ff5c7c', '2025-01-02 03:04+05', 'a|', 'v');
CALL copy_of('setting_key');
SET datestyle = german;
SET intervalstyle = sql_standard;
SET bytea_output = escape;
SET extra_float_digits = -5;
SET timezone = 'Asia/Tokyo';
UPDATE setting_key SET v = 'w';
SELECT v FROM rows_as_of(NULL::rm.setting_key, (SELECT at FROM copies WHERE relation = 'setting_key' LIMIT 1));
RESET datestyle;
RESET intervalstyle;
RESET bytea_output;
RESET extra_float_digits;
RESET timezone;
SELECT * FROM differences('setting_key');
DO $$
BEGIN
  CREATE COLLATION rm.no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXCEPTION WHEN feature_not_supported THEN
  CREATE COLLATION rm.no_case FROM "C";
END $$;
CREATE TABLE text_key (a text COLLATE no_case, b text COLLATE "C", "C c" varchar(3000), v text, PRIMARY KEY (a, b, "C c"));
SELECT attach_triggers('text_key', 'journal');
INSERT INTO text_key VALUES ('a', 'x|y\', '', NULL), ('b', '\N', '|\', E'\t\x01"\u2028\\'), ('', '', '', ''), ('a\', '|', repeat('é', 900), 'z'), ('a', '\|', repeat('é', 900), repeat(md5('z'), 10000));
CALL copy_of('text_key');
UPDATE text_key SET a = upper(a);
CALL copy_of('text_key');
UPDATE text_key SET v = v || 'q', b = b || '|';
CALL copy_of('text_key');
DELETE FROM text_key WHERE a = '';
CALL copy_of('text_key');
SELECT moment, left(what, 100) FROM differences('text_key');

-- Rows that do not fit the columns of today.
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE TABLE typed (id int PRIMARY KEY, m mood, t text);
SELECT attach_triggers('typed', 'journal');
INSERT INTO typed VALUES (1, 'calm', 'x');
CALL copy_of('typed');
UPDATE typed SET m = 'busy', t = '1';
SELECT * FROM differences('typed');
\set VERBOSITY sqlstate
ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet';
SELECT * FROM differences('typed');
ALTER TYPE mood RENAME VALUE 'quiet' TO 'calm';
ALTER TABLE typed ALTER t TYPE int USING length(t);
SELECT * FROM differences('typed');
SELECT * FROM verify_journal('rm');

RESET search_path;
DROP SCHEMA rm CASCADE;
