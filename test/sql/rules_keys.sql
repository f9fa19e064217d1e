-- Protects: rows are told apart by keys of any text, and nobody changes what a recorded row gives back; journal entries read the same in every session.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = warning;
CALL retrack.create_registry('rk');
SET search_path = rk, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('EXP', 'Exporter', 'producer');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('f', 'EXP', 'smelting');
INSERT INTO licence (licence, kind, holder, valid, status) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued'), ('25-AA-000002', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES
  ('25-AA-000001', 5, '1C905.a', 'magnet', '100 kg'), ('25-AA-000002', 1, '1C905.a', 'magnet', '100 kg');
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
CREATE TABLE own (a text, b text, shipped_on date, exporter text DEFAULT 'EXP', destination text DEFAULT 'DE', licence licence_id DEFAULT '25-AA-000001',
  control_code text DEFAULT '1C905.a', form form DEFAULT 'magnet', assay assay DEFAULT 'Dy=2%', net_mass mass, PRIMARY KEY (a, b) INCLUDE (shipped_on));
SELECT attach_triggers('own', 'licence', 'mode=record');
SELECT attach_triggers('own', 'journal');

-- Two rows whose key columns, joined, could read the same: the one that drew nothing gives nothing back.
INSERT INTO own (a, b, shipped_on, net_mass) VALUES ('x|y', 'z', '2025-06-01', '90 kg'), ('x', 'y|z', '2025-06-01', '20 kg'), (E'x|y\\', 'z', '2025-06-01', '5 kg');
SELECT rule, row_key FROM violation;
SELECT row_key FROM journal_row WHERE party <> '' ORDER BY seq;
DELETE FROM own WHERE a = 'x|y';
SELECT drawn FROM licence_item WHERE licence = '25-AA-000001';
SELECT * FROM verify_ledger('rk');
SELECT a, b FROM rows_as_of(NULL::rk.own, clock_timestamp()) ORDER BY 1, 2;
DELETE FROM own WHERE a <> 'x';
SELECT a, b, net_mass FROM rows_as_of(NULL::rk.own, (SELECT max(recorded_at) FROM journal WHERE op = 'insert')) ORDER BY 1, 2;
-- Open violations are the rules' own; what does not concern a row that would draw is anybody's.
SELECT s, try(s) FROM unnest(ARRAY['DELETE FROM rk.violation', 'UPDATE rk.violation SET resolved_at = now()', 'TRUNCATE rk.violation', 'UPDATE rk.violation SET row_key = ''x''',
  'UPDATE rk.violation SET detail = ''seen''', 'INSERT INTO rk.violation (rule, relation, row_key, message) VALUES (''RTL09'', ''rk.own'', ''q|z'', ''made up'')',
  'INSERT INTO rk.violation (rule, relation, row_key, message) VALUES (''note'', ''rk.own'', ''q|z'', ''made up'')', 'DELETE FROM rk.violation WHERE rule = ''note''']) s;
SELECT rule, row_key, resolved_at IS NULL AS open FROM violation;
DELETE FROM own;
SELECT rule, row_key, resolved_at IS NULL AS open FROM violation;
SELECT try('DELETE FROM rk.violation');
SELECT drawn FROM licence_item WHERE licence = '25-AA-000001';
SELECT * FROM verify_ledger('rk');

-- Without a unique key recording is refused, as are two values of one argument and tables whose rows can vanish.
CREATE TABLE loose (LIKE own INCLUDING DEFAULTS);
SELECT attach_triggers('loose', 'licence', 'mode=record', 'key=a');
SELECT try('INSERT INTO rk.loose (a, b, shipped_on, net_mass) VALUES (''p'', ''q'', ''2025-06-01'', ''1 kg'')');
CREATE UNIQUE INDEX loose_a ON loose (a) WHERE b = 'q';
SELECT try('INSERT INTO rk.loose (a, b, shipped_on, net_mass) VALUES (''p'', ''q'', ''2025-06-01'', ''1 kg'')');
CREATE UNIQUE INDEX loose_key ON loose (a);
SELECT try('INSERT INTO rk.loose (a, b, shipped_on, net_mass) VALUES (''p'', ''q'', ''2025-06-01'', ''1 kg'')');
DELETE FROM loose;
SELECT attach_triggers('loose', 'licence', 'mode=record', 'mode=reject', 'key=a');
SELECT try('INSERT INTO rk.loose (a, b, shipped_on, net_mass) VALUES (''p'', ''q'', ''2025-06-01'', ''1 kg'')');
DROP TABLE loose;
CREATE UNLOGGED TABLE unlogged (LIKE own INCLUDING DEFAULTS);
SELECT attach_triggers('unlogged', 'licence');
SELECT try('INSERT INTO rk.unlogged (a, b, shipped_on, net_mass) VALUES (''p'', ''q'', ''2025-06-01'', ''1 kg'')');
DROP TABLE unlogged;
CREATE TEMPORARY TABLE fleeting (LIKE own INCLUDING DEFAULTS);
SELECT attach_triggers('fleeting', 'licence', 'registry=rk');
SELECT try('INSERT INTO fleeting (a, b, shipped_on, net_mass) VALUES (''p'', ''q'', ''2025-06-01'', ''1 kg'')');
DROP TABLE fleeting;

-- What was drawn is not forgotten with the tables that hold it.
INSERT INTO own (a, b, shipped_on, net_mass) VALUES ('d', 'r', '2025-06-01', '50 kg');
SELECT s, try(s) FROM unnest(ARRAY['TRUNCATE rk.licence_item', 'TRUNCATE rk.licence CASCADE', 'TRUNCATE rk.licence_status', 'TRUNCATE rk.licence_party',
  'TRUNCATE rk.quota', 'TRUNCATE rk.party CASCADE']) s;
-- An item before the one that rows drew on takes them over if it has room for them.
SELECT try('INSERT INTO rk.licence_item (licence, line, control_code, form, granted) VALUES (''25-AA-000001'', 1, ''1C905.a'', ''magnet'', ''10 kg'')');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000001', 2, '1C905.a', 'magnet', '60 kg');
SELECT licence, line, drawn FROM licence_item ORDER BY 1, 2;
-- An item that moves to another licence leaves its rows to the items that remain.
UPDATE licence_item SET licence = '25-AA-000002', line = 9 WHERE line = 2;
SELECT licence, line, drawn FROM licence_item ORDER BY 1, 2;
SELECT try('UPDATE rk.licence_item SET licence = ''25-AA-000002'' WHERE line = 5');
SELECT * FROM verify_ledger('rk');

-- check_triggers finds triggers that book twice, sometimes, or not here.
CREATE TRIGGER again AFTER INSERT ON own REFERENCING NEW TABLE AS n FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION enforce_licence('mode=reject');
ALTER TABLE own ENABLE REPLICA TRIGGER retrack_licence_update;
SELECT * FROM check_triggers('rk');
DROP TRIGGER again ON own;
ALTER TABLE own ENABLE TRIGGER retrack_licence_update;
SELECT * FROM check_triggers('rk');

-- The journal's rows are row_to_json's to the letter, under settings that no session changes.
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN whole AS int;
CREATE TABLE many (id int PRIMARY KEY, gone int, t text, v varchar(9), c char(4), b boolean, s smallint, i bigint, f float8, n numeric, d date, ts timestamp, tz timestamptz,
  r daterange, iv interval, u uuid, by bytea, w whole, e element, m mass, a assay, l licence_id, fo form, exporter text, facility_id text);
CREATE TABLE more (LIKE many, x int[], y pair, j json, jb jsonb, PRIMARY KEY (id));
ALTER TABLE many DROP COLUMN gone;
SELECT attach_triggers('many', 'journal', 'registry=rk'), attach_triggers('more', 'journal', 'registry=rk');
SET datestyle = 'German';
SET timezone = 'Asia/Shanghai';
SET intervalstyle = 'sql_standard';
SET bytea_output = 'escape';
SET extra_float_digits = 0;
INSERT INTO many VALUES
  (1, E'q"\\\b\f\n\r\t\x01/é', 'vc', 'ch', true, -3, 9007199254740993, 0.1, 1.50, '2025-02-01', '2025-02-01 10:00', '2025-02-01 10:00+00', '[2025-02-01,2025-03-04)', '1 day 02:00', '00000000-0000-0000-0000-000000000001',
   '\x00ff', 7, 'Dy', '12.5 kg', 'Nd=29.5%,Dy=3.15%±0.05%', '25-AA-000001', 'magnet', 'EXP', NULL),
  (2, '', '', '', false, 0, 0, 'NaN', 'NaN', 'infinity', '-infinity', 'infinity', 'empty', NULL, NULL, '', NULL, NULL, '0', NULL, NULL, NULL, NULL, 'f'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, '-Infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO more SELECT m.id, 0, m.t, m.v, m.c, m.b, m.s, m.i, m.f, m.n, m.d, m.ts, m.tz, m.r, m.iv, m.u, m.by, m.w, m.e, m.m, m.a, m.l, m.fo, m.exporter, m.facility_id,
  '{1,NULL}', '(1,"a b")', '{"k": [1, 2]}', '{"k": {"a": null}}' FROM many m WHERE id = 1;
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
RESET bytea_output;
RESET extra_float_digits;
SET timezone = 'UTC';
SELECT j.party, j.relation, j.row_key, j.after_digest = sha256(convert_to(coalesce(row_to_json(p), row_to_json(q))::text, 'UTF8')) AS same
FROM journal_row j LEFT JOIN many p ON j.relation = 'rk.many' AND p.id::text = j.row_key LEFT JOIN more q ON j.relation = 'rk.more' AND q.id::text = j.row_key
WHERE j.relation IN ('rk.many', 'rk.more') ORDER BY 1, 2, 3;
CREATE TABLE was AS SELECT * FROM many;
SET datestyle = 'SQL, DMY';
UPDATE many SET t = 'x', r = '[2024-01-01,2024-02-03)';
DELETE FROM many WHERE id = 1;
SET datestyle = 'ISO, YMD';
SELECT count(*) FROM journal_row j JOIN was p ON j.relation = 'rk.many' AND j.row_key = p.id::text AND j.op = 'update' AND j.before::text = row_to_json(p)::text;
SELECT id, r FROM rows_as_of(NULL::rk.many, (SELECT max(recorded_at) FROM journal WHERE op = 'insert')) ORDER BY 1;
SELECT * FROM verify_journal('rk');
RESET datestyle;
RESET timezone;
RESET intervalstyle;
-- A cast to json is what row_to_json uses once it is there.
CREATE FUNCTION pair_json(retrack.mass) RETURNS json LANGUAGE sql IMMUTABLE AS $$SELECT '"heavy"'::json$$;
CREATE CAST (retrack.mass AS json) WITH FUNCTION rk.pair_json(retrack.mass);
UPDATE many SET m = '1 kg' WHERE id = 3;
UPDATE many SET m = '2 kg' WHERE id = 3;
SELECT before ->> 'm' FROM journal_row WHERE relation = 'rk.many' AND row_key = '3' ORDER BY seq DESC LIMIT 1;
DROP FUNCTION pair_json(retrack.mass) CASCADE;

-- A journal with a trigger of its own is written by a query, to the same effect; more entries than one portion holds.
CREATE TABLE seen (n bigint);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO rk.seen SELECT count(*) FROM new_entries;
  RETURN NULL;
END $$;
CREATE TRIGGER see AFTER INSERT ON journal REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION see();
INSERT INTO many (id, exporter) SELECT i, 'E' || i % 7 FROM generate_series(1001, 3500) i;
SELECT sum(n) FROM seen;
UPDATE many SET t = 'y' WHERE id > 1000;
SELECT sum(n) FROM seen;
DROP TRIGGER see ON journal;
UPDATE many SET exporter = 'E' || (id + 1) % 7 WHERE id > 1000;
SELECT op, count(*) FROM journal_row WHERE length(row_key) = 4 AND relation = 'rk.many' GROUP BY 1 ORDER BY 1;
SELECT party, seq FROM journal_head WHERE party LIKE 'E_' ORDER BY 1;
-- more parties than rows are kept for at once
INSERT INTO many (id, exporter) SELECT i, 'M' || i % 2500 FROM generate_series(10001, 17500) i;
SELECT count(*) AS entries, sum(cardinality(row_keys)) AS rows, count(DISTINCT party) AS parties FROM journal WHERE party LIKE 'M%';
SELECT count(*) FROM journal_row j JOIN many x ON x.id::text = j.row_key AND x.exporter = j.party WHERE j.party LIKE 'M%' AND j.after_digest = sha256(convert_to(row_to_json(x)::text, 'UTF8'));
SELECT * FROM verify_journal('rk');

RESET search_path;
DROP SCHEMA rk CASCADE;
