-- Protects: DDL that changes what a table's rows mean, or which rows it has, is followed, refused or warned of,
-- whoever runs it and however; and it runs nobody's code with a registry owner's rights.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_ddl_keeper;
CREATE ROLE regress_ddl_trader;
CREATE ROLE regress_ddl_stranger;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_ddl_keeper, regress_ddl_stranger', current_database()) \gexec
GRANT USAGE ON SCHEMA retrack TO regress_ddl_keeper, regress_ddl_trader, regress_ddl_stranger;
SET ROLE regress_ddl_keeper;
CALL retrack.create_registry('rd');
SET search_path = rd, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES ('EXP', 'Exporter', 'producer', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES ('fa', 'EXP', 'mining'), ('fb', 'EXP', 'mining');
INSERT INTO licence (licence, kind, holder, valid, status) VALUES ('25-AA-000001', 'general', 'EXP', '[2025-01-01,)', 'issued');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('Q', 'EXP', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg');
GRANT USAGE, CREATE ON SCHEMA rd TO regress_ddl_trader;
GRANT REFERENCES ON licence_item TO regress_ddl_trader;
CREATE TABLE export (id text, day date, exporter text DEFAULT 'EXP', destination text DEFAULT 'DE', licence licence_id DEFAULT '25-AA-000001',
  control_code text DEFAULT '1C905.a', form form DEFAULT 'magnet', assay assay DEFAULT 'Dy=2%', kg mass);
GRANT SELECT ON export TO regress_ddl_trader;
CREATE VIEW open AS SELECT relation, row_key FROM violation WHERE resolved_at IS NULL ORDER BY 1, 2;

-- Inheritance: a statement on the table above would fire that one's triggers only.
CREATE TABLE plain (LIKE export INCLUDING DEFAULTS);
CREATE TABLE watched (LIKE export INCLUDING DEFAULTS, PRIMARY KEY (id));
SELECT attach_triggers('watched', 'licence', 'date=day', 'mass=kg');
INSERT INTO watched (id, day, kg) VALUES ('a', '2025-06-01', '20 kg');
ALTER TABLE watched INHERIT plain;
ALTER TABLE plain INHERIT watched;
CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (plain);
SELECT attach_triggers('heir', 'licence', 'date=day', 'mass=kg');
INSERT INTO heir (id, day, kg) VALUES ('a', '2025-06-01', '20 kg');
SELECT * FROM check_triggers('rd');
ALTER TABLE heir NO INHERIT plain;
INSERT INTO heir (id, day, kg) VALUES ('a', '2025-06-01', '20 kg');
ALTER TABLE heir INHERIT plain;
SELECT * FROM verify_ledger('rd');
DELETE FROM heir;
DROP TABLE heir;

-- Other columns, other values: no row is seen by the rules, so it is said.
ALTER TABLE watched ALTER kg TYPE mass USING kg * 2;
SELECT key, difference FROM verify_ledger('rd');
ALTER TABLE watched ALTER kg TYPE mass USING kg / 2;
ALTER TABLE watched ADD withdrawn boolean DEFAULT true;
SELECT key, difference FROM verify_ledger('rd');
ALTER TABLE watched RENAME withdrawn TO gone;
ALTER TABLE watched ADD note text, DROP gone;
-- a text is a text
ALTER TABLE watched ALTER exporter TYPE varchar(40);
ALTER TABLE watched ALTER exporter TYPE varchar(60), ALTER note TYPE varchar(5);
ALTER TABLE watched ALTER exporter TYPE text, ALTER destination TYPE varchar(2);
ALTER TABLE watched ALTER exporter TYPE text USING upper(exporter);
-- this, too, renames a column of a table
ALTER VIEW watched RENAME destination TO somewhere;
ALTER VIEW watched RENAME somewhere TO destination;
ALTER TABLE watched ALTER note TYPE int USING length(note);
SELECT * FROM verify_ledger('rd');

-- Partitions that come or go with rows that no trigger saw.
CREATE TABLE parts (LIKE export INCLUDING DEFAULTS, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE filled (LIKE export INCLUDING DEFAULTS, PRIMARY KEY (id, day));
CREATE TABLE empty (LIKE export INCLUDING DEFAULTS, PRIMARY KEY (id, day));
INSERT INTO filled (id, day, kg) VALUES ('b', '2025-06-01', '7 kg');
SELECT attach_triggers('parts', 'licence', 'date=day', 'mass=kg');
ALTER TABLE parts ATTACH PARTITION filled FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
ALTER TABLE parts ATTACH PARTITION empty FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
SELECT key, difference FROM verify_ledger('rd');
SELECT attach_triggers('parts', 'licence', 'date=day', 'mass=kg'), rebook_ledger('rd');
ALTER TABLE parts DETACH PARTITION filled;
SELECT * FROM verify_ledger('rd');
DELETE FROM filled;
-- A partition made later is watched from the first row, also when that is written to it directly, and so are those below it.
CREATE TABLE later PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE levels PARTITION OF parts FOR VALUES FROM ('2027-01-01') TO ('2028-01-01') PARTITION BY RANGE (day);
CREATE TABLE level PARTITION OF levels FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
INSERT INTO later (id, day, kg) VALUES ('l', '2026-06-01', '81 kg');
INSERT INTO level (id, day, kg) VALUES ('m', '2027-06-01', '81 kg');
INSERT INTO later (id, day, kg) VALUES ('l', '2026-06-01', '1 kg');
INSERT INTO level (id, day, kg) VALUES ('m', '2027-06-01', '2 kg');
SELECT i.drawn, (SELECT count(*) FROM verify_ledger('rd')) AS differences, (SELECT count(*) FROM check_triggers('rd')) AS problems FROM licence_item i;
-- none of them can be one that a crash empties
CREATE UNLOGGED TABLE unlogged PARTITION OF parts FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
ALTER TABLE later SET UNLOGGED;
DELETE FROM parts;
DROP TABLE filled, parts;

-- Names: ALTER INDEX renames tables, too; a command may begin within another one's end.
SELECT attach_triggers('watched', 'licence', 'date=day', 'mass=kg', 'mode=record');
INSERT INTO watched (id, day, kg) VALUES ('b', '2025-06-01', '90 kg');
ALTER INDEX watched RENAME TO renamed;
SELECT * FROM open;
RESET ROLE;
CREATE FUNCTION rd.take_over() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('rd.busy', true) IS DISTINCT FROM 'yes' THEN
    PERFORM set_config('rd.busy', 'yes', true);
    BEGIN
      ALTER TABLE rd.nothing ADD x int;
    EXCEPTION WHEN undefined_table THEN
      ALTER TABLE rd.plain SET (fillfactor = 90);
      ALTER TABLE rd.plain ADD IF NOT EXISTS x int;
    END;
    PERFORM set_config('rd.busy', '', true);
  END IF;
END $$;
CREATE EVENT TRIGGER regress_ddl_end ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION rd.take_over();
CREATE EVENT TRIGGER regress_ddl_start ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION rd.take_over();
ALTER TABLE rd.renamed RENAME TO again;
DROP EVENT TRIGGER regress_ddl_end;
DROP EVENT TRIGGER regress_ddl_start;
BEGIN;
ALTER EVENT TRIGGER retrack_note_names DISABLE;
ALTER EVENT TRIGGER retrack_follow_names ENABLE REPLICA;
SELECT * FROM check_triggers('rd') WHERE relation IS NULL;
ROLLBACK;
SET ROLE regress_ddl_keeper;
SELECT * FROM open;
SELECT * FROM verify_ledger('rd');
DELETE FROM again;
SELECT * FROM verify_ledger('rd');

-- A facility that production of another table names, without a foreign key.
CREATE TABLE produced (id text PRIMARY KEY, produced_on date, facility_id text, stage stage DEFAULT 'mining', assay assay DEFAULT 'Nd=50%', mass mass);
SELECT attach_triggers('produced', 'quota');
INSERT INTO produced VALUES ('p', '2025-06-01', 'fa', DEFAULT, DEFAULT, '10 kg');
DELETE FROM facility WHERE facility_id = 'fa';
UPDATE facility SET facility_id = 'fc' WHERE facility_id = 'fa';
UPDATE facility SET facility_id = CASE facility_id WHEN 'fb' THEN 'fc' ELSE facility_id END;
DELETE FROM facility WHERE facility_id = 'fc';
SELECT attach_licence_triggers('rd', 'record');
DELETE FROM facility WHERE facility_id = 'fa';
SELECT * FROM verify_ledger('rd');

-- Policies that hide rows: what is not seen is not taken for gone.
SET ROLE regress_ddl_trader;
CREATE TABLE traded (LIKE export INCLUDING DEFAULTS, PRIMARY KEY (id));
SELECT attach_triggers('traded', 'licence', 'date=day', 'mass=kg');
INSERT INTO traded (id, day, kg) VALUES ('c', '2025-06-01', '90 kg');
GRANT SELECT ON traded TO regress_ddl_keeper;
ALTER TABLE traded ENABLE ROW LEVEL SECURITY;
SET ROLE regress_ddl_keeper;
SELECT * FROM verify_ledger('rd');
SELECT rebook_ledger('rd');
SELECT count(*) FROM lost_violations('rd');
UPDATE licence SET valid = '[2026-01-01,)';
RESET ROLE;
GRANT regress_ddl_trader TO regress_ddl_keeper;
SET ROLE regress_ddl_keeper;
SELECT * FROM verify_ledger('rd');
SELECT drawn FROM licence_item;
RESET ROLE;
REVOKE regress_ddl_trader FROM regress_ddl_keeper;
DROP OWNED BY regress_ddl_trader;
SELECT rebook_ledger('rd');
SELECT * FROM verify_ledger('rd');

-- A stranger's triggers do not make the registry's owner read the stranger's table.
INSERT INTO violation (rule, relation, row_key, message) VALUES ('RTL01', 'rd_other.part', '1', 'of a table that was called so before');
SET ROLE regress_ddl_stranger;
CREATE SCHEMA rd_other;
GRANT USAGE ON SCHEMA rd_other TO public;
CREATE FUNCTION rd_other.code() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'code run as %', current_user; RETURN true; END $$;
CREATE TABLE rd_other.parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE rd_other.part (id int PRIMARY KEY);
INSERT INTO rd_other.part VALUES (1);
ALTER TABLE rd_other.part ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON rd_other.part USING (rd_other.code());
GRANT SELECT ON rd_other.part TO public;
SELECT retrack.attach_triggers('rd_other.part', 'licence', 'registry=rd');
ALTER TABLE rd_other.parts ATTACH PARTITION rd_other.part FOR VALUES FROM (0) TO (10);
ALTER TABLE rd_other.parts DETACH PARTITION rd_other.part;
DROP TABLE rd_other.part;
RESET ROLE;
SELECT * FROM open;

-- Whoever alters tables that nothing watches does not pay for those that are: what is noted of them is not even asked for.
CREATE FUNCTION asked(command text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  before bigint := pg_stat_get_xact_function_calls('retrack.noted_journalled(oid[])'::regprocedure);
BEGIN
  EXECUTE command;
  RETURN pg_stat_get_xact_function_calls('retrack.noted_journalled(oid[])'::regprocedure) IS DISTINCT FROM before;
END $$;
SET track_functions = 'all';
BEGIN;
SELECT command, asked(command) FROM (VALUES ('CREATE TABLE rd_other.t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)'), ('CREATE TABLE rd_other.t1 PARTITION OF rd_other.t DEFAULT'),
  ('ALTER TABLE rd_other.t ADD w int'), ('ALTER TABLE rd_other.t1 RENAME TO t2'), ('ALTER TABLE rd_other.t RENAME w TO x'), ('ALTER TABLE rd_other.t ALTER x TYPE text'),
  ('CREATE TRIGGER r BEFORE UPDATE ON rd_other.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'), ('ALTER TABLE rd_other.t DISABLE TRIGGER USER'),
  ('DROP TRIGGER r ON rd_other.t'), ('CREATE TYPE rd_other.y AS (a int)'), ('ALTER TYPE rd_other.y ADD ATTRIBUTE b int'), ('ALTER TYPE rd_other.y RENAME TO z'), ('DROP TYPE rd_other.z'),
  ('DROP TABLE rd_other.t'), ('CREATE SCHEMA rd_empty'), ('ALTER TABLE rd_other.parts SET SCHEMA rd_empty'), ('DROP TABLE rd_empty.parts'), ('DROP SCHEMA rd_empty'),
  ('ALTER TABLE rd.shipment ADD w int'), ('ALTER TABLE rd.shipment DISABLE TRIGGER USER'), ('ALTER SCHEMA rd_other RENAME TO rd_others')) v (command);
ROLLBACK;
RESET track_functions;

DROP SCHEMA rd_other CASCADE;
DROP SCHEMA rd CASCADE;
DROP OWNED BY regress_ddl_keeper, regress_ddl_trader, regress_ddl_stranger;
DROP ROLE regress_ddl_keeper, regress_ddl_trader, regress_ddl_stranger;
