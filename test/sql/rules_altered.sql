-- Protects: whatever its owner does to a registry's own tables by hand, the rules answer with an error that has a SQLSTATE of its own, or go on.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET client_min_messages = error;
CALL retrack.create_registry('ra');
SET search_path = ra, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES ('G', 'Group', 'group', NULL), ('EXP', 'Exporter', 'producer', 'G');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('f', 'EXP', 'mining');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', NULL), ('25-AA-000002', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 9);
INSERT INTO licence_item (licence, line, control_code, form, granted) SELECT licence, 1, '1C905.a', 'magnet', '100 kg' FROM licence;
INSERT INTO licence_status (licence, since, status) VALUES ('25-AA-000002', '2025-05-01', 'issued');
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000002', 'EXP', 'consignee');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('G', 'G', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg');
CREATE FUNCTION state(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
-- Alters the table, then has every part of the rules work; what came of it is undone. The states that are not ok.
CREATE FUNCTION probe(alter_table text, change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  states text;
BEGIN
  EXECUTE alter_table;
  SELECT string_agg(DISTINCT s, ' ' ORDER BY s) INTO states FROM unnest(ARRAY[
    state(change),
    state($i$INSERT INTO ra.shipment (shipment_id, shipped_on, exporter, consignee, destination, licence, control_code, form, assay, net_mass)
      VALUES ('a', '2025-06-01', 'EXP', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg'), ('b', '2025-06-01', 'EXP', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', 'Dy=2%', '1 kg')$i$),
    state($i$INSERT INTO ra.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES ('c', '2025-06-01', 'EXP', 'DE', 'magnet', 'Dy=2%', '1 kg')$i$),
    state($i$INSERT INTO ra.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('p', 'f', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '1 kg')$i$),
    state($i$UPDATE ra.licence SET max_uses = 10, status = 'suspended'$i$), state($i$UPDATE ra.licence SET status = NULL$i$), state($i$UPDATE ra.licence_item SET granted = '200 kg'$i$),
    state($i$UPDATE ra.licence_item SET line = 2$i$), state($i$UPDATE ra.quota SET granted = '200 kg'$i$), state($i$UPDATE ra.quota SET ore_class = 'ionic'$i$),
    state($i$UPDATE ra.party SET parent = NULL WHERE party_id = 'EXP'$i$), state($i$UPDATE ra.shipment SET net_mass = '2 kg'$i$), state('DELETE FROM ra.shipment WHERE shipment_id = ''a'''),
    state('DELETE FROM ra.licence_party'), state('DELETE FROM ra.licence_status'), state('DELETE FROM ra.quota'), state('SELECT retrack.verify_ledger(''ra'')'), state('SELECT retrack.rebook_ledger(''ra'')'),
    state('SELECT retrack.verify_journal(''ra'')'), state('SELECT retrack.check_triggers(''ra'')'), state('SELECT retrack.licence_violations(''ra'', ''SELECT * FROM ra.shipment'')'),
    state('SELECT retrack.quota_violations(''ra'', ''SELECT * FROM ra.production'')')]) s WHERE s <> 'ok';
  RAISE EXCEPTION SQLSTATE 'P9999';
EXCEPTION WHEN SQLSTATE 'P9999' THEN
  RETURN states;
END $$;
SELECT probe('SELECT 1', 'SELECT 1');
-- Views, policies and constraints would keep types from being changed.
DO $$
DECLARE
  thing record;
BEGIN
  FOR thing IN SELECT format('DROP VIEW IF EXISTS ra.%I CASCADE', viewname) AS command FROM pg_views WHERE schemaname = 'ra'
    UNION ALL SELECT format('DROP POLICY IF EXISTS %I ON ra.%I', policyname, tablename) FROM pg_policies WHERE schemaname = 'ra'
    UNION ALL SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass, conname) FROM pg_constraint
      WHERE connamespace = 'ra'::regnamespace AND contype IN ('c', 'f', 'x') LOOP
    EXECUTE thing.command;
  END LOOP;
END $$;
CREATE TABLE probed AS
SELECT c.relname, a.attname, k.kind, NULL::text AS states, format(CASE k.kind
    WHEN 'null' THEN 'ALTER TABLE ra.%1$I ALTER %2$I DROP NOT NULL'
    WHEN 'type' THEN 'ALTER TABLE ra.%1$I ALTER %2$I DROP DEFAULT, ALTER %2$I TYPE varchar(100) USING %2$I::text'
    WHEN 'drop' THEN 'ALTER TABLE ra.%1$I DROP COLUMN %2$I CASCADE'
    ELSE 'ALTER TABLE ra.%1$I RENAME %2$I TO other' END, c.relname, a.attname) AS alter_table,
  CASE k.kind WHEN 'null' THEN format('UPDATE ra.%I SET %I = NULL', c.relname, a.attname) ELSE 'SELECT 1' END AS change
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0, (VALUES ('null'), ('type'), ('drop'), ('rename')) k (kind)
WHERE c.relnamespace = 'ra'::regnamespace AND (c.relname IN ('licence_item', 'licence_party', 'licence_status', 'control_list', 'journal_head')
    OR (c.relname, a.attname) IN (('party', 'party_id'), ('party', 'parent'), ('facility', 'facility_id'), ('facility', 'party_id'), ('violation', 'rule'), ('violation', 'relation'),
      ('violation', 'row_key'), ('violation', 'resolved_at'), ('journal', 'seq'), ('journal', 'hash'), ('quota', 'quota_id'), ('quota', 'holder'), ('quota', 'stage'), ('quota', 'ore_class'),
      ('quota', 'period'), ('quota', 'granted'), ('quota', 'drawn'), ('licence', 'licence'), ('licence', 'holder'), ('licence', 'valid'), ('licence', 'status'), ('licence', 'issued_on'),
      ('licence', 'max_uses'), ('licence', 'uses'), ('licence', 'destinations'), ('licence', 'withdrawn')))
  AND a.attname NOT IN ('version', 'updated_at', 'specification', 'price', 'currency', 'source', 'reason')
  -- of the lesser ones every third
  AND (k.kind IN ('null', 'type') OR (a.attnum + length(c.relname)) % 3 = 0);
CREATE FUNCTION try_probe(alter_table text, change text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN ra.probe(alter_table, change);
EXCEPTION WHEN OTHERS THEN
  RETURN 'not altered';
END $$;
UPDATE probed SET states = try_probe(alter_table, change);
SELECT kind, count(*) FILTER (WHERE states IS DISTINCT FROM 'not altered') AS altered, count(*) FROM probed GROUP BY 1 ORDER BY 1;
SELECT relname, attname, kind FROM probed WHERE states = 'not altered' AND kind = 'type' ORDER BY 1, 2;
-- None is an internal error (XX000), nor about something that the user never wrote.
SELECT relname, attname, kind, states FROM probed WHERE states ~ 'XX|26000|HY|0N00' ORDER BY 1, 2, 3;
-- Columns that must have a value, each named.
SELECT state('ALTER TABLE ra.licence ALTER status DROP NOT NULL');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) VALUES ('a', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg');
ALTER TABLE licence ALTER status SET NOT NULL;
ALTER TABLE control_list ALTER guard DROP NOT NULL;
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) VALUES ('a', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg');
ALTER TABLE control_list ALTER guard SET NOT NULL;
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) VALUES ('a', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg');
SELECT * FROM verify_ledger('ra');
-- A quota that goes while the triggers are off: noticed by who remembers it, once.
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('p', 'f', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '1 kg');
SET session_replication_role = replica;
DELETE FROM quota;
RESET session_replication_role;
SELECT state($i$INSERT INTO ra.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('q', 'f', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '1 kg')$i$);
SELECT state($i$INSERT INTO ra.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('q', 'f', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '1 kg')$i$);
SELECT * FROM verify_ledger('ra');

RESET search_path;
DROP SCHEMA ra CASCADE;
