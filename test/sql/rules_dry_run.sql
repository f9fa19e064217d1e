-- Protects: the dry runs give the trigger's own verdicts, case by case, from one table of cases; check_triggers finds what is missing.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rd');
SET search_path = rd, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES ('G', 'Group', 'group', NULL), ('EXP', 'Exporter', 'producer', 'G'), ('OTHER', 'Other', 'producer', NULL), ('CLI', 'Client', 'client', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES ('f', 'EXP', 'mining'), ('o', 'OTHER', 'mining');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses, destinations) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', NULL, '{DE}'),
  ('25-AA-000002', 'individual', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 1, '{}'), ('25-AA-000003', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'revoked', NULL, '{}'),
  ('25-AA-000004', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 2, '{}'), ('25-AA-000005', 'individual', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 1, '{}'),
  ('25-AA-000006', 'general', 'EXP', '[2025-05-01,)', 'issued', NULL, '{}');
INSERT INTO licence_item (licence, line, control_code, form, granted, tolerance)
SELECT licence, 1, '1C905.a', 'magnet', '10 kg', 0.05 FROM licence;
INSERT INTO licence_status (licence, since, status) VALUES ('25-AA-000006', '2025-07-01', 'suspended'), ('25-AA-000006', '2025-08-01', 'issued');
-- the guard band: doubt counts as controlled, as free, and over two elements together
INSERT INTO control_list (code, element, form, threshold, with_elements, guard, valid, suspended, source) VALUES
  ('9A', 'Nd', 'magnet', 0.3, '{}', 2, '[2025-06-01,2025-07-01)', '{[2025-06-10,2025-06-20)}', 'test'), ('9B', 'Nd', 'alloy', 0.3, '{}', -2, '(,)', '{}', 'test'),
  ('9C', 'Nd', 'target', 0.3, '{Pr}', 1, '(,)', '{}', 'test');
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000001', 'CLI', 'consignee'), ('25-AA-000001', 'CLI', 'end_user');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('E', 'EXP', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '10 kg'), ('G', 'G', 'mining', 'any', '[2025-01-01,2026-01-01)', '12 kg');

CREATE TABLE shipment_case (n int PRIMARY KEY, row shipment);
INSERT INTO shipment_case
SELECT n, ROW('s' || n, 1, day, exporter, NULL, consignee, end_user, NULL, destination, licence, code, NULL, form, assay, mass,
              NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-01', withdrawn)::shipment
FROM (VALUES
  (1, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '4 kg', false),
  (2, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-999999', '1C905.a', 'magnet', 'Dy=2%', '4 kg', false),
  (3, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000003', '1C905.a', 'magnet', 'Dy=2%', '4 kg', false),
  (4, '2027-06-01', 'OTHER', 'EXP', 'EXP', 'US', '25-AA-000001', '1C905.b', 'oxide', 'Dy=2%', '4 kg', false),
  (5, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '6.4 kg', false),
  (6, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '6.3 kg', false),
  (7, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 mg', false),
  (8, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '4 kg', false),
  (9, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '4 kg', false),
  (10, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Dy=2%', '4 kg', false),
  (11, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', NULL, '4 kg', false),
  (12, 'infinity', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '0 kg', false),
  (13, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-999999', '1C905.a', 'magnet', 'Dy=2%', '4 kg', true),
  (14, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Sm=2%', '1 kg', false),
  -- days and uses at their ends; one batch and its tolerance; a status by date; what is left to the milligram
  (15, '2025-04-30', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000004', '1C905.a', 'magnet', 'Dy=2%', '1 kg', false),
  (16, '2025-05-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000004', '1C905.a', 'magnet', 'Dy=2%', '1 kg', false),
  (17, '2026-05-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000004', '1C905.a', 'magnet', 'Dy=2%', '1 kg', false),
  (18, '2026-04-30', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000004', '1C905.a', 'magnet', 'Dy=2%', '1 kg', false),
  (19, '2026-04-30', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000004', '1C905.a', 'magnet', 'Dy=2%', '1 kg', false),
  (20, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000005', '1C905.a', 'magnet', 'Dy=2%', '10.500001 kg', false),
  (21, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000005', '1C905.a', 'magnet', 'Dy=2%', '10.5 kg', false),
  (22, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000005', '1C905.a', 'magnet', 'Dy=2%', '1 mg', false),
  (23, '2025-06-30', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000006', '1C905.a', 'magnet', 'Dy=2%', '6 kg', false),
  (24, '2025-07-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000006', '1C905.a', 'magnet', 'Dy=2%', '1 kg', false),
  (25, '2025-07-31', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000006', '1C905.a', 'magnet', 'Dy=2%', '1 kg', false),
  (26, '2025-08-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000006', '1C905.a', 'magnet', 'Dy=2%', '4.200001 kg', false),
  (27, '2025-08-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000006', '1C905.a.4', 'magnet', 'Dy=2%', '4.2 kg', false),
  -- thresholds and guard bands met, and passed by 1 ppb; days of the control list at their ends
  (28, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=30%', '1 kg', false),
  (29, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=30.0000001%', '1 kg', false),
  (30, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=29.8%±0.1%', '1 kg', false),
  (31, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=29.8%±0.1000001%', '1 kg', false),
  (32, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=30%±0.0000001%', '1 kg', false),
  (33, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'alloy', 'Nd=30.2%±0.1%', '1 kg', false),
  (34, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'alloy', 'Nd=30.2000001%±0.1%', '1 kg', false),
  (35, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'alloy', 'Nd=30.2%±0.0999999%', '1 kg', false),
  (36, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'alloy', 'Nd=30%', '1 kg', false),
  (37, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'alloy', 'Nd=30.0000001%', '1 kg', false),
  (38, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'target', 'Nd=20%±0.3%,Pr=9.5%±0.4%', '1 kg', false),
  (39, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'target', 'Nd=20%±0.3%,Pr=9.5%±0.4000001%', '1 kg', false),
  (40, '2025-06-05', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'target', 'Pr=60%±1%', '1 kg', false),
  (41, '2025-05-31', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false),
  (42, '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false),
  (43, '2025-06-09', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false),
  (44, '2025-06-10', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false),
  (45, '2025-06-19', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false),
  (46, '2025-06-20', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false),
  (47, '2025-06-30', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false),
  (48, '2025-07-01', 'EXP', 'CLI', 'CLI', 'DE', NULL, NULL, 'magnet', 'Nd=80%', '1 kg', false)
) v (n, day, exporter, consignee, end_user, destination, licence, code, form, assay, mass, withdrawn);
CREATE TABLE production_case (n int PRIMARY KEY, row production);
INSERT INTO production_case
SELECT n, jsonb_populate_record(NULL::production, jsonb_build_object('production_id', 'p' || n, 'version', 1, 'facility_id', facility, 'produced_on', day,
  'stage', stage, 'ore_class', class, 'form', 'ore', 'assay', assay, 'mass', mass, 'updated_at', '2025-01-01', 'withdrawn', withdrawn))
FROM (VALUES
  (1, 'f', '2025-06-01', 'mining', 'ionic', 'Nd=50%', '10 kg', false),
  (2, 'f', '2025-06-01', 'mining', 'ionic', 'Nd=50%', '10 kg', false),
  (3, 'f', '2025-06-01', 'mining', 'rock', 'Nd=50%', '10 kg', false),
  (4, 'f', '2025-06-01', 'mining', 'rock', 'Nd=50%', '15 kg', false),
  (5, 'o', '2025-06-01', 'mining', 'rock', 'Nd=50%', '10 kg', false),
  (6, 'f', '2026-06-01', 'mining', 'ionic', 'Nd=50%', '10 kg', false),
  (7, 'f', '2025-06-01', 'mining', 'ionic', NULL, '10 kg', false),
  (8, 'f', '2025-06-01', 'alloying', NULL, 'Nd=50%', '10 kg', false),
  (9, 'f', '2025-06-01', 'mining', 'ionic', 'Nd=50%', '0 kg', false),
  (10, 'f', '2025-06-01', 'mining', 'ionic', 'Nd=50%', '100 kg', true),
  (11, 'f', '2024-12-31', 'mining', 'ionic', 'Nd=50%', '1 kg', false),
  (12, 'f', '2025-01-01', 'mining', 'ionic', NULL, '1 kg', false),
  (13, 'f', '2025-01-01', 'mining', 'ionic', 'Nd=50%', '1 g', false),
  (14, 'f', '2025-12-31', 'mining', 'ionic', 'Nd=50%', '1 g', false),
  (15, 'f', '2026-01-01', 'mining', 'ionic', 'Nd=50%', '1 g', false)
) v (n, facility, day, stage, class, assay, mass, withdrawn);

-- What the dry run says of all the rows as one statement ...
CREATE TABLE dry AS
SELECT 'rd.shipment' AS relation, * FROM licence_violations('rd', 'SELECT (row).* FROM rd.shipment_case ORDER BY n')
UNION ALL
SELECT 'rd.production', * FROM quota_violations('rd', 'SELECT (row).* FROM rd.production_case ORDER BY n');
SELECT row_key, rule, column_name, party_id, message FROM dry;
-- ... is what mode=record writes down of them ...
SELECT attach_triggers('shipment', 'licence', 'mode=record'), attach_triggers('production', 'quota', 'mode=record');
INSERT INTO shipment SELECT (row).* FROM shipment_case ORDER BY n;
INSERT INTO production SELECT (row).* FROM production_case ORDER BY n;
(SELECT relation, row_key, rule, party_id, message FROM dry EXCEPT ALL SELECT relation, row_key, rule, party_id, message FROM violation)
UNION ALL (SELECT relation, row_key, rule, party_id, message FROM violation EXCEPT ALL SELECT relation, row_key, rule, party_id, message FROM dry);
SELECT count(*) = (SELECT count(*) FROM dry) AS all_recorded, count(*) FROM violation;
-- ... and draws are those of the rows without violation.
SELECT licence, line, drawn FROM licence_item ORDER BY 1, 2;
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('rd');
DELETE FROM shipment; DELETE FROM production;
SELECT * FROM verify_ledger('rd');
SELECT count(*) FROM violation WHERE resolved_at IS NULL;
-- Alone, each row is refused with the states that its dry run has.
SELECT attach_triggers('shipment', 'licence'), attach_triggers('production', 'quota');
CREATE FUNCTION try(what text, n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  said text;
BEGIN
  EXECUTE format('INSERT INTO rd.%1$I SELECT (row).* FROM rd.%2$I WHERE n = %3$s', what, what || '_case', n);
  RAISE EXCEPTION 'undo' USING ERRCODE = 'P9999';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
  RETURN CASE SQLSTATE WHEN 'P9999' THEN 'ok' ELSE SQLSTATE || ': ' || (SELECT string_agg(m[1], ',' ORDER BY m[1]) FROM regexp_matches(said, '^(RT...) row', 'gn') m) END;
END $$;
SELECT 's' || n AS row, try('shipment', n) AS trigger,
  coalesce((SELECT CASE count(DISTINCT rule) WHEN 0 THEN 'ok' WHEN 1 THEN min(rule) ELSE 'RT001' END || ': ' || string_agg(rule, ',' ORDER BY rule)
   FROM licence_violations('rd', format('SELECT (row).* FROM rd.shipment_case WHERE n = %s', n))), 'ok') AS dry_run FROM shipment_case ORDER BY n;
SELECT 'p' || n AS row, try('production', n) AS trigger,
  coalesce((SELECT CASE count(DISTINCT rule) WHEN 0 THEN 'ok' WHEN 1 THEN min(rule) ELSE 'RT001' END || ': ' || string_agg(rule, ',' ORDER BY rule)
   FROM quota_violations('rd', format('SELECT (row).* FROM rd.production_case WHERE n = %s', n))), 'ok') AS dry_run FROM production_case ORDER BY n;
-- Thousands of materials at their thresholds' edges: trigger and table function say what exact arithmetic says.
SELECT setseed(0.31);
CREATE TABLE edge AS
SELECT i, form, threshold, guard, sd1, sd2, (threshold * 1000000000)::bigint - floor(guard * sqrt(sd1::numeric * sd1 + sd2::numeric * sd2))::bigint + i % 3 - 1 AS ppb
FROM (SELECT i, 15 * (random() * 1000000)::int AS sd FROM generate_series(1, 3000) i) b
CROSS JOIN LATERAL (SELECT CASE i % 2 WHEN 0 THEN sd ELSE sd / 5 * 3 END AS sd1, CASE i % 2 WHEN 0 THEN 0 ELSE sd / 5 * 4 END AS sd2) c
JOIN (VALUES (0, 'magnet', 0.30, 1.1), (1, 'alloy', 0.30, -1.1), (2, 'target', 0.3000000006, 0), (3, 'oxide', 0.3, 2.3), (4, 'metal', 0.3, -0.7)) k (n, form, threshold, guard) ON n = i % 5;
BEGIN;
DELETE FROM control_list;
INSERT INTO control_list (code, element, form, threshold, with_elements, guard, valid, source)
SELECT DISTINCT '9' || form, 'Nd'::element, form::form, threshold, '{Pr}'::element[], guard, '(,)'::daterange, 'test' FROM edge;
CREATE VIEW material AS
SELECT i, date '2025-06-01' AS shipped_on, 'EXP' AS exporter, 'DE' AS destination, NULL::licence_id AS licence, NULL::text AS control_code, form::form,
  format('Nd=%sppb±%sppb,Pr=1000ppb±%sppb', ppb - 1000, sd1, sd2)::assay AS assay, '1 kg'::mass AS net_mass FROM edge;
SELECT count(*), count(*) FILTER (WHERE exact.controlled) BETWEEN 1000 AND 2000 AS about_half, count(*) FILTER (WHERE (v.row_key IS NOT NULL) <> exact.controlled) AS trigger_wrong,
  count(*) FILTER (WHERE (o.code IS NOT NULL) <> exact.controlled) AS function_wrong
FROM edge e JOIN material m USING (i)
CROSS JOIN LATERAL (SELECT threshold * 1000000000 - ppb AS gap, guard * guard * (sd1::numeric * sd1 + sd2::numeric * sd2) AS band) g
CROSS JOIN LATERAL (SELECT CASE WHEN guard < 0 THEN gap < 0 AND band < gap * gap ELSE gap < 0 OR band > gap * gap END AS controlled) exact
LEFT JOIN licence_violations('rd', 'SELECT * FROM rd.material') v ON v.row_key = e.i::text
LEFT JOIN LATERAL controlled_on('rd', '2025-06-01', m.form, m.assay) o ON true;
ROLLBACK;
SELECT * FROM licence_violations('rd', 'SELECT 1 AS a');
SELECT * FROM licence_violations('rd', 'DROP TABLE rd.dry');
SELECT * FROM licence_violations('public', 'SELECT 1 AS a');

-- A producer who may insert exports, and nothing else, is bound by the rules but sees no ledger.
CREATE ROLE rules_producer;
GRANT USAGE ON SCHEMA rd TO rules_producer;
GRANT INSERT ON shipment TO rules_producer;
ALTER TABLE shipment DISABLE ROW LEVEL SECURITY;
ALTER TABLE licence_item DISABLE ROW LEVEL SECURITY;
CREATE SCHEMA rules_trap AUTHORIZATION rules_producer;
SET ROLE rules_producer;
CREATE TABLE rules_trap.licence_item AS SELECT '25-AA-000001'::licence_id AS licence, 1 AS line, '1000 kg'::mass AS granted;
CREATE FUNCTION rules_trap.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT '1999-01-01'::timestamptz$$;
CREATE FUNCTION rules_trap.starts_with(text, text) RETURNS boolean LANGUAGE sql AS $$SELECT true$$;
SET search_path = rules_trap, rd, retrack, pg_catalog;
INSERT INTO rd.shipment (shipment_id, shipped_on, exporter, consignee, end_user, destination, licence, control_code, form, assay, net_mass)
VALUES ('x1', '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '8 kg');
INSERT INTO rd.shipment (shipment_id, shipped_on, exporter, consignee, end_user, destination, licence, control_code, form, assay, net_mass)
VALUES ('x2', '2025-06-01', 'EXP', 'CLI', 'CLI', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '8 kg');
SELECT * FROM rd.licence_item;
UPDATE rd.licence_item SET drawn = '0 kg';
SELECT * FROM licence_violations('rd', 'SELECT 1');
SELECT attach_triggers('rd.shipment', 'licence', 'mode=record');
ALTER TABLE rd.shipment DISABLE TRIGGER ALL;
SET session_replication_role = replica;
SELECT rebook_ledger('rd');
RESET ROLE;
SET search_path = rd, retrack, public;
SELECT who = session_user AS who, op, row_key FROM journal_row WHERE row_key = 'x1';
SELECT * FROM verify_ledger('rd');
DROP SCHEMA rules_trap CASCADE;

-- Partitions: through the parent, directly, moved, attached later.
CREATE TABLE own (id int, day date NOT NULL, who text, dest text, licence_no licence_id, code text, kind form, kilos mass, content assay, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE own_1 PARTITION OF own FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=licence_no', 'control_code=code', 'form=kind', 'mass=kilos', 'assay=content');
CREATE TABLE own_2 (extra text, LIKE own INCLUDING ALL);
ALTER TABLE own_2 DROP COLUMN extra;
ALTER TABLE own ATTACH PARTITION own_2 FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
SELECT * FROM check_triggers('rd');
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=licence_no', 'control_code=code', 'form=kind', 'mass=kilos', 'assay=content');
SELECT * FROM check_triggers('rd');
DELETE FROM licence_party;
INSERT INTO own VALUES (1, '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', '500 g', 'Dy=2%'), (2, '2025-08-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', '500 g', 'Dy=2%');
INSERT INTO own_2 VALUES (3, '2025-08-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', '500 g', 'Dy=2%');
INSERT INTO own_2 VALUES (4, '2025-08-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', '5 kg', 'Dy=2%');
UPDATE own SET day = '2025-08-02' WHERE id = 1;
UPDATE own_2 SET kilos = '400 g' WHERE id = 1;
SELECT drawn FROM licence_item WHERE licence = '25-AA-000001';
-- An update and an insert in one statement where the server has MERGE, in two before 15: the ledger gets the same.
SELECT current_setting('server_version_num')::int >= 150000 AS has_merge \gset
\if :has_merge
MERGE INTO own USING (VALUES (1, '300 g'::mass), (9, '200 g')) v (id, m) ON own.id = v.id
WHEN MATCHED THEN UPDATE SET kilos = v.m
WHEN NOT MATCHED THEN INSERT VALUES (v.id, '2025-06-02', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', v.m, 'Dy=2%');
\else
UPDATE own SET kilos = '300 g' WHERE id = 1;
INSERT INTO own VALUES (9, '2025-06-02', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', '200 g', 'Dy=2%');
\endif
SELECT drawn FROM licence_item WHERE licence = '25-AA-000001';
SELECT * FROM verify_ledger('rd');
ALTER TABLE shipment DISABLE TRIGGER retrack_licence_delete;
DROP TRIGGER retrack_quota_update ON production;
ALTER TABLE own RENAME COLUMN code TO kode;
SELECT * FROM check_triggers('rd');

RESET search_path;
DROP SCHEMA rd CASCADE;
DROP ROLE rules_producer;
