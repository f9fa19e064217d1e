-- Protects: create_registry makes a whole registry of the caller's or nothing, and its reference data are the published ones.
\set VERBOSITY terse
CREATE ROLE registry_maker;
SELECT format('GRANT CREATE ON DATABASE %I TO registry_maker', current_database()) \gexec
SET ROLE registry_maker;
CALL retrack.create_registry('reg_create');
RESET ROLE;

-- everything named is there, owned by the caller, commented
SELECT string_agg(c.relname, ' ' ORDER BY c.relname)
FROM (VALUES ('party'), ('facility'), ('licence'), ('licence_item'), ('licence_party'), ('licence_application'), ('quota'),
  ('control_list'), ('instrument'), ('lot'), ('lot_edge'), ('production'), ('transfer'), ('shipment'), ('inventory'), ('loss'),
  ('invoice'), ('customs_declaration'), ('submission'), ('violation'), ('pull_state'), ('pull_reject')) AS c(relname)
WHERE to_regclass('reg_create.' || c.relname) IS NULL;
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'reg_create'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'p') AND c.relowner <> 'registry_maker'::regrole;
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'reg_create'::regnamespace AND c.relkind IN ('r', 'v', 'p') AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'reg_create'::regnamespace AND c.relkind IN ('r', 'p') AND col_description(c.oid, a.attnum) IS NULL;
-- every table has a key that logical replication can use
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'reg_create'::regnamespace AND c.relkind IN ('r', 'p') AND c.relreplident <> 'f'
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary);
-- and a unique one at least, so that a table replicated in full does not hold a row twice
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'reg_create'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique);
-- no step runs with more rights than the caller's
SELECT proname FROM pg_proc WHERE pronamespace = 'retrack'::regnamespace AND proname ~ '^create_registry' AND prosecdef;

-- a second call and a schema that holds anything: refused, nothing changed
CREATE TABLE reg_before AS SELECT classid, objid, objsubid, deptype FROM pg_depend
  WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'reg_create'::regnamespace;
DO $$ BEGIN CALL retrack.create_registry('reg_create');
EXCEPTION WHEN SQLSTATE 'RTR01' THEN RAISE NOTICE 'RTR01: %', sqlerrm; END $$;
SELECT count(*) FROM ((TABLE reg_before) EXCEPT ALL (SELECT classid, objid, objsubid, deptype FROM pg_depend
  WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'reg_create'::regnamespace)) AS d;
DROP TABLE reg_before;
\set VERBOSITY terse
CREATE SCHEMA reg_full;
CREATE FUNCTION reg_full.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CALL retrack.create_registry('reg_full');
SELECT count(*) FROM pg_class WHERE relnamespace = 'reg_full'::regnamespace;
DROP SCHEMA reg_full CASCADE;
CALL retrack.create_registry(NULL);
CALL retrack.create_registry('pg_catalog');
CALL retrack.create_registry('information_schema');
CALL retrack.create_registry('retrack');
CALL retrack.create_registry('pg_mine');
-- without the right to create: nothing
CREATE ROLE registry_nobody;
SET ROLE registry_nobody;
CALL retrack.create_registry('reg_nobody');
RESET ROLE;
DROP ROLE registry_nobody;
-- an empty schema is taken; default privileges are no content; odd names are quoted, as are search paths with traps
CREATE SCHEMA "Odd ""reg's";
ALTER DEFAULT PRIVILEGES IN SCHEMA "Odd ""reg's" GRANT SELECT ON TABLES TO registry_maker;
CREATE SCHEMA reg_trap;
CREATE FUNCTION reg_trap.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE FUNCTION reg_trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE FUNCTION reg_trap.format(text, name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
SET search_path = reg_trap, pg_catalog;
CALL retrack.create_registry('Odd "reg''s');
RESET search_path;
SELECT count(*) > 20 AS made FROM pg_class WHERE relnamespace = '"Odd ""reg''s"'::regnamespace AND relkind = 'r';
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = '"Odd ""reg''s".party'::regclass ORDER BY adnum;
SET client_min_messages = warning;
DROP SCHEMA reg_trap CASCADE;
DROP SCHEMA "Odd ""reg's" CASCADE;
RESET client_min_messages;

-- control list: announcements of 2025, and which codes bind on which day
SELECT source, valid, suspended, count(*), string_agg(DISTINCT substr(code, 1, 5) || ' ' || element, ', ')
FROM reg_create.control_list GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT code, element, form, threshold, with_elements FROM reg_create.control_list WHERE form = 'magnet' ORDER BY code;
SELECT d::date AS day, count(DISTINCT element) AS elements
FROM unnest('{2025-04-03,2025-04-04,2025-11-07,2025-11-08,2026-11-10,2026-11-11}'::date[]) AS d,
     reg_create.control_list WHERE valid @> d AND NOT suspended @> d GROUP BY 1 ORDER BY 1;
-- controlled_on: the list of a day, and whether a material was on it
SELECT d::date AS day, count(DISTINCT element) FROM unnest('{2025-04-03,2025-04-04,2026-11-11}'::date[]) AS d
  LEFT JOIN LATERAL retrack.controlled_on('reg_create', d) ON true GROUP BY 1 ORDER BY 1;
SELECT m.day, m.form, m.assay, c.code, c.fraction
FROM (VALUES (date '2025-04-03', 'magnet', 'Nd=29%,Dy=1%'), ('2025-04-04', 'magnet', 'Nd=29%,Dy=1%'), ('2025-04-04', 'magnet', 'Nd=29%,Dy=0.1%'),
  ('2025-04-04', 'magnet', 'Nd=29%,Dy=0.06%,Tb=0.06%'), ('2025-04-04', 'ore', 'Nd=1%,Dy=1%'), ('2025-11-08', 'oxide', 'Ho=87%'), ('2026-11-11', 'oxide', 'Ho=87%'))
  AS m(day, form, assay)
LEFT JOIN LATERAL retrack.controlled_on('reg_create', m.day, m.form::retrack.form, m.assay::retrack.assay) c ON true ORDER BY 1, 2, 3, 4;
SELECT count(*) FROM retrack.controlled_on('reg_create', NULL);
SELECT retrack.controlled_on('reg_nowhere', '2025-01-01');
-- the suspension is data
UPDATE reg_create.control_list SET suspended = suspended + '{[2026-11-10,2027-11-10]}' WHERE source = 'Announcement 57 of 2025';
SELECT count(DISTINCT element) FROM reg_create.control_list WHERE valid @> date '2027-01-01' AND NOT suspended @> date '2027-01-01';
SELECT hs_code, elements FROM reg_create.hs_code WHERE cardinality(elements) > 1;

-- constraints hold: history does not overlap, quotas do not overlap, a lot is not its own input
INSERT INTO reg_create.control_list (code, element, form, valid, source) VALUES ('1C905.a', 'Dy', 'magnet', '[2026-01-01,)', 'x');
INSERT INTO reg_create.control_list (code, element, form, valid, source) VALUES ('1C905.a', 'Dy', 'magnet', '[2024-01-01,2025-04-04)', 'x');
INSERT INTO reg_create.party (party_id, name, kind) VALUES ('P', 'P', 'producer'), ('Q', 'Q', 'producer');
INSERT INTO reg_create.quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('1', 'P', 'mining', 'rock', '[2025-01-01,2026-01-01)', '1 t');
INSERT INTO reg_create.quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('2', 'P', 'mining', 'rock', '[2025-12-31,2026-02-01)', '1 t');
INSERT INTO reg_create.quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('2', 'P', 'mining', 'rock', '[2026-01-01,2026-02-01)', '1 t'), ('3', 'P', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '1 t'),
  ('4', 'P', 'separation', 'rock', '[2025-01-01,2026-01-01)', '1 t'), ('5', 'Q', 'mining', 'rock', '[2025-01-01,2026-01-01)', '1 t');
INSERT INTO reg_create.quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('6', 'P', 'mining', 'rock', 'empty', '1 t');
INSERT INTO reg_create.quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('6', 'P', 'smelting', 'any', '[2025-01-01,2026-01-01)', '-1 t');
INSERT INTO reg_create.lot_edge (input_lot, output_lot, mass) VALUES ('L', 'L', '1 kg');
INSERT INTO reg_create.transfer (transfer_id, reported_by, shipper, receiver, transferred_on, form, mass)
  VALUES ('T', 'P', 'Q', 'R', '2025-01-01', 'oxide', '1 kg');
INSERT INTO reg_create.facility (facility_id, party_id, stage) VALUES ('F', 'nobody', 'mining');
INSERT INTO reg_create.party (party_id, name, kind, parent) VALUES ('S', 'S', 'producer', 'S');
INSERT INTO reg_create.reporting_deadline VALUES ('[2027-01-01,)', 1, 15, 'Asia/Shanghai', 'x');
UPDATE reg_create.reporting_deadline SET time_zone = 'Asia/Nowhere';

-- the extension cannot be dropped under a registry
DROP EXTENSION retrack;
SET client_min_messages = warning;
DROP SCHEMA reg_create CASCADE;
SELECT format('REVOKE CREATE ON DATABASE %I FROM registry_maker', current_database()) \gexec
DROP ROLE registry_maker;
