-- Protects: the ledgers keep what others add to them right, are exact to the milligram, are told to nobody who may
-- not read them, and nobody's operators run with their owner's rights.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rl');
SET search_path = rl, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES ('EXP', 'Exporter', 'producer', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES ('fa', 'EXP', 'mining');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-01-01,)', 'issued', NULL), ('25-AA-000002', 'general', 'EXP', '[2025-01-01,)', 'issued', 1);
INSERT INTO licence_item (licence, line, control_code, form, granted, tolerance) VALUES
  ('25-AA-000001', 1, '1C905.a', 'magnet', '100 mg', 0.29), ('25-AA-000002', 1, '1C905.a', 'magnet', '100 kg', 0);
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('Q', 'EXP', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg');
CREATE TABLE export (id text PRIMARY KEY, shipped_on date DEFAULT '2025-06-01', exporter text DEFAULT 'EXP', destination text DEFAULT 'DE',
  licence licence_id DEFAULT '25-AA-000001', control_code text DEFAULT '1C905.a', form form DEFAULT 'magnet', assay assay DEFAULT 'Dy=2%', net_mass mass);
SELECT attach_triggers('export', 'licence');

-- A tolerance of 0.29 on 100 mg is 29 mg, though the double nearest to 0.29 is less.
INSERT INTO export (id, net_mass) VALUES ('30 mg', '130 mg');
INSERT INTO export (id, net_mass) VALUES ('29 mg', '129 mg');
DELETE FROM export;
DO $$
DECLARE
  v record;
  fits boolean;
BEGIN
  FOR v IN SELECT t, m FROM generate_series(0, 100) t, LATERAL (VALUES (100 + t), (101 + t)) x (m) LOOP
    UPDATE rl.licence_item SET tolerance = v.t / 100.0 WHERE line = 1;
    BEGIN
      INSERT INTO rl.export (id, net_mass) VALUES ('x', (v.m || ' mg')::retrack.mass);
      fits := true;
      DELETE FROM rl.export;
    EXCEPTION WHEN SQLSTATE 'RTL09' THEN
      fits := false;
    END;
    IF fits <> (v.m - 100 <= v.t) THEN
      RAISE WARNING 'tolerance of % %%: % mg of 100 mg fit: %', v.t, v.m, fits;
    END IF;
    COMMIT;	-- servers with assertions do not bear a row of a full page that was locked, updated, rolled back and updated in one transaction
  END LOOP;
END $$;

-- Columns that follow from the total.
ALTER TABLE licence_item ADD remaining mass GENERATED ALWAYS AS (granted - drawn) STORED;
ALTER TABLE quota ADD share numeric GENERATED ALWAYS AS (round(drawn::numeric / granted::numeric, 3)) STORED;
INSERT INTO export (id, licence, net_mass) VALUES ('a', '25-AA-000002', '30 kg');
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('a', 'fa', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '100 kg');
SELECT granted, drawn, remaining FROM licence_item WHERE licence = '25-AA-000002';
SELECT granted, drawn, share FROM quota;
DELETE FROM production;
UPDATE export SET net_mass = '40 kg';
SELECT granted, drawn, remaining FROM licence_item WHERE licence = '25-AA-000002';
SELECT granted, drawn, share FROM quota;

-- Checks of the total that somebody added hold for draws, by whatever way they read it.
\set VERBOSITY terse
ALTER TABLE licence_item ADD CONSTRAINT a_reserve CHECK (remaining >= '20 kg' OR granted < '1 kg');
ALTER TABLE licence ADD CONSTRAINT no_use CHECK (uses = 0 OR licence <> '25-AA-000001') NOT VALID, ADD CONSTRAINT other CHECK (kind <> '');
ALTER TABLE quota ADD CONSTRAINT half CHECK ((quota).drawn::numeric <= (quota).granted::numeric / 2);
UPDATE export SET net_mass = '81 kg';
UPDATE export SET net_mass = '80 kg';
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('a', 'fa', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '100 kg');
UPDATE licence SET max_uses = 5 WHERE licence = '25-AA-000001';
INSERT INTO export (id, net_mass) VALUES ('no use', '1 mg');
-- A row that a trigger takes back before it was booked: the total is below zero for a moment.
UPDATE export SET net_mass = '0.5 kg';
CREATE FUNCTION take_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id = 'gone' THEN DELETE FROM rl.export WHERE id = NEW.id; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER take_back AFTER INSERT ON export FOR EACH ROW EXECUTE FUNCTION take_back();
INSERT INTO export (id, licence, net_mass) VALUES ('gone', '25-AA-000002', '10 kg');
INSERT INTO export (id, licence, net_mass) VALUES ('gone', '25-AA-000002', '81 kg');
DROP TRIGGER take_back ON export;
SELECT licence, drawn, remaining FROM licence_item ORDER BY 1;
UPDATE export SET net_mass = '80 kg';
SELECT licence, drawn, remaining FROM licence_item ORDER BY 1;
ALTER TABLE licence_item DROP CONSTRAINT a_reserve;
ALTER TABLE licence_item ADD left_over mass GENERATED ALWAYS AS (CASE WHEN drawn < '90 kg' THEN granted - drawn END) STORED NOT NULL;
UPDATE export SET net_mass = '91 kg';
ALTER TABLE licence_item DROP left_over, ADD CONSTRAINT by_total UNIQUE (line, drawn) DEFERRABLE;
UPDATE export SET net_mass = '81 kg';
ALTER TABLE licence_item DROP CONSTRAINT by_total;
UPDATE export SET net_mass = '82 kg';
ALTER TABLE licence DROP CONSTRAINT no_use, DROP CONSTRAINT other;
ALTER TABLE quota DROP CONSTRAINT half;
\set VERBOSITY default
UPDATE licence SET max_uses = NULL WHERE licence = '25-AA-000001';
UPDATE export SET net_mass = '40 kg';

-- Who may only insert is told no figures; what is recorded has them.
CREATE ROLE regress_ledger_producer;
GRANT USAGE ON SCHEMA rl, retrack TO regress_ledger_producer;
GRANT INSERT ON export, production TO regress_ledger_producer;
ALTER TABLE production DISABLE ROW LEVEL SECURITY;
SET ROLE regress_ledger_producer;
INSERT INTO rl.export (id, licence, net_mass) VALUES ('much', '25-AA-000002', '900 kg');
INSERT INTO rl.export (id, licence, net_mass) VALUES ('again', '25-AA-000002', '1 kg');
INSERT INTO rl.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('b', 'fa', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '900 kg');
RESET ROLE;
GRANT SELECT (drawn) ON licence_item, quota TO regress_ledger_producer;
GRANT SELECT ON licence TO regress_ledger_producer;
SET ROLE regress_ledger_producer;
INSERT INTO rl.export (id, licence, net_mass) VALUES ('much', '25-AA-000002', '900 kg');
INSERT INTO rl.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('b', 'fa', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '900 kg');
RESET ROLE;
REVOKE SELECT (drawn) ON licence_item FROM regress_ledger_producer;
SELECT attach_triggers('export', 'licence', 'mode=record');
SET ROLE regress_ledger_producer;
INSERT INTO rl.export (id, licence, net_mass) VALUES ('much', '25-AA-000002', '900 kg');
RESET ROLE;
SELECT rule, message FROM violation ORDER BY 1;
SELECT * FROM verify_ledger('rl');

-- An operator found by the search_path of whoever changes a licence.
CREATE SCHEMA rl_evil;
CREATE FUNCTION rl_evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'run as %', current_user; RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE OPERATOR rl_evil.= (leftarg = text, rightarg = text, function = rl_evil.eq);
SET search_path = rl_evil, pg_catalog;
UPDATE rl.licence SET status = 'suspended' WHERE licence OPERATOR(retrack.=) '25-AA-000001';
UPDATE rl.licence SET status = 'issued' WHERE licence OPERATOR(retrack.=) '25-AA-000001';
UPDATE rl.licence SET status = 'issued', kind = 'individual' WHERE licence OPERATOR(retrack.=) '25-AA-000001';
SET search_path = rl, retrack, public;
DROP SCHEMA rl_evil CASCADE;

-- A ledger that a crash would empty.
ALTER TABLE licence_item SET UNLOGGED;
SET session_replication_role = replica;
ALTER TABLE licence_item SET UNLOGGED;
RESET session_replication_role;
INSERT INTO export (id, net_mass) VALUES ('u', '1 mg');
ALTER TABLE licence_item SET LOGGED;
INSERT INTO export (id, net_mass) VALUES ('u', '1 mg');

-- Two tables that violations and journal would call the same.
CREATE SCHEMA "rl.a";
CREATE TABLE "rl.a".b (LIKE export INCLUDING ALL);
CREATE TABLE rl."a.b" (LIKE export INCLUDING ALL);
SELECT attach_triggers('"rl.a".b', 'licence', 'registry=rl', 'mode=record'), attach_triggers('rl."a.b"', 'journal');
INSERT INTO "rl.a".b (id, net_mass) VALUES ('u', '1 mg');
INSERT INTO rl."a.b" (id, net_mass) VALUES ('u', '1 mg');
ALTER TABLE rl."a.b" RENAME TO "a.c";
INSERT INTO "rl.a".b (id, net_mass) VALUES ('u', '1 mg');
INSERT INTO rl."a.c" (id, net_mass) VALUES ('u', '1 mg');
SELECT * FROM verify_ledger('rl');

DROP SCHEMA "rl.a", rl CASCADE;
DROP OWNED BY regress_ledger_producer;
DROP ROLE regress_ledger_producer;
