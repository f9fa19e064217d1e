-- Protects: exception blocks, odd tables and odd owners leave no ledger wrong; bad input has its own SQLSTATE.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rp');
SET search_path = rp, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES
  ('G', 'Group', 'group', NULL), ('EXP', 'Exporter', 'producer', 'G'), ('FREE', 'Firm without quota', 'producer', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES ('f', 'EXP', 'mining'), ('x', 'FREE', 'mining');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses) VALUES
  ('25-AA-000001', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', NULL), ('25-AA-000002', 'general', 'EXP', '[2025-05-01,2026-05-01)', 'issued', 5);
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES
  ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg'), ('25-AA-000002', 1, '1C905.a', 'magnet', '100 kg');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('G', 'G', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg');
CREATE FUNCTION ship(id text, kg text, licence text DEFAULT '25-AA-000001', assay text DEFAULT 'Dy=2%', "on" date DEFAULT '2025-06-01') RETURNS void LANGUAGE sql AS
  $$INSERT INTO rp.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
    VALUES (id, "on", 'EXP', 'DE', licence::retrack.licence_id, '1C905.a', 'magnet', assay::retrack.assay, kg::retrack.mass)$$;
CREATE FUNCTION produce(id text, kg text, facility text DEFAULT 'f', "on" date DEFAULT '2025-06-01', assay text DEFAULT 'Nd=50%') RETURNS void LANGUAGE sql AS
  $$INSERT INTO rp.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass)
    VALUES (id, facility, "on", 'mining', 'ionic', 'ore', assay::retrack.assay, kg::retrack.mass)$$;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;

-- Bad input.
SELECT s.statement, try('SELECT rp.' || s.statement) FROM (VALUES
  ($$ship('null', NULL)$$), ($$ship('zero', '0 kg')$$), ($$ship('less', '-1 kg')$$),
  ($$ship('late', '1 kg', "on" => 'infinity')$$), ($$ship('early', '1 kg', "on" => '-infinity')$$), ($$ship('day', '1 kg', "on" => NULL)$$),
  ($$ship('no Dy', '1 kg', assay => 'Nd=29%')$$), ($$ship('huge', '9000000000000 kg')$$), ($$ship('unknown', '1 kg', '25-AA-999999')$$),
  ($$produce('null', NULL)$$), ($$produce('zero', '0 kg')$$), ($$produce('less', '-1 kg')$$), ($$produce('day', '1 kg', "on" => NULL)$$),
  ($$produce('late', '1 kg', "on" => 'infinity')$$), ($$produce('no rare earth', '1 kg', assay => NULL)$$),
  ($$produce('no holder', '1 kg', 'x')$$), ($$produce('huge', '9000000000000 kg')$$)) s (statement);
SELECT * FROM verify_ledger('rp');

-- Exception blocks: what their subtransactions undo is undone in the ledger and in what the session remembers.
DO $$
BEGIN
  PERFORM rp.ship('a', '40 kg');
  BEGIN
    PERFORM rp.ship('b', '50 kg');
    PERFORM rp.produce('b', '100 kg');
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    NULL;
  END;
  -- 60 kg are left, not 10
  PERFORM rp.ship('c', '60 kg');
  BEGIN
    PERFORM rp.ship('d', '1 mg');
    RAISE 'overdrawn';
  EXCEPTION WHEN SQLSTATE 'RTL09' THEN
    NULL;
  END;
  -- terms read in a subtransaction that is undone
  BEGIN
    UPDATE rp.licence_item SET granted = '1000 kg' WHERE licence = '25-AA-000001';
    UPDATE rp.licence SET max_uses = 9 WHERE licence = '25-AA-000001';
    PERFORM rp.ship('e', '500 kg');
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    NULL;
  END;
  BEGIN
    PERFORM rp.ship('f', '1 mg');
    RAISE 'overdrawn';
  EXCEPTION WHEN SQLSTATE 'RTL09' THEN
    NULL;
  END;
  -- a tree of quotas that never came to be
  BEGIN
    INSERT INTO rp.quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('E', 'EXP', 'mining', 'any', '[2025-01-01,2026-01-01)', '50 kg');
    PERFORM rp.produce('e', '1 kg');
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    NULL;
  END;
  PERFORM rp.produce('f', '100 kg');
  -- a control list that never came to be
  BEGIN
    DELETE FROM rp.control_list;
    INSERT INTO rp.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
    VALUES ('n', '2025-06-01', 'EXP', 'DE', 'magnet', 'Dy=2%', '1 kg');
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    NULL;
  END;
  BEGIN
    INSERT INTO rp.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass)
    VALUES ('n', '2025-06-01', 'EXP', 'DE', 'magnet', 'Dy=2%', '1 kg');
    RAISE 'uncontrolled';
  EXCEPTION WHEN SQLSTATE 'RTL11' THEN
    NULL;
  END;
END $$;
SELECT licence, drawn FROM licence_item ORDER BY 1;
SELECT quota_id, drawn FROM quota;
-- Many subtransactions, half of them undone.
DO $$
BEGIN
  DELETE FROM rp.shipment;
  FOR i IN 1..500 LOOP
    BEGIN
      PERFORM rp.ship('s' || i, '100 g');
      IF i % 2 = 0 THEN
        RAISE division_by_zero;
      END IF;
    EXCEPTION WHEN division_by_zero THEN
      NULL;
    END;
  END LOOP;
END $$;
SELECT licence, drawn FROM licence_item ORDER BY 1;
SELECT * FROM verify_ledger('rp');

-- A cursor's rows: written, changed and removed one by one.
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM shipment WHERE shipment_id IN ('s1', 's3') ORDER BY shipment_id FOR UPDATE;
MOVE c;
UPDATE shipment SET net_mass = '300 g' WHERE CURRENT OF c;
MOVE c;
DELETE FROM shipment WHERE CURRENT OF c;
COMMIT;
SELECT licence, drawn FROM licence_item ORDER BY 1;

-- Columns come and go, generated and of a domain, wide and compressed; numbers of columns shift.
CREATE DOMAIN heavy AS retrack.mass;
CREATE DOMAIN word AS varchar(40) CHECK (value <> '');
CREATE TABLE own (gone1 int, id boolean, id2 char(4), gone2 text, day date, who word, dest text, licence_no retrack.licence_id, code text, kind retrack.form,
  kilos heavy, content retrack.assay, twice retrack.mass GENERATED ALWAYS AS (kilos) STORED, note text, PRIMARY KEY (id, id2));
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=licence_no', 'control_code=code', 'form=kind', 'mass=twice', 'assay=content');
ALTER TABLE own DROP COLUMN gone1;
INSERT INTO own (id, id2, day, who, dest, licence_no, code, kind, kilos, content, note)
VALUES (true, 'a', '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', '10 kg', 'Dy=2%', repeat('x', 100000));
ALTER TABLE own DROP COLUMN gone2;
ALTER TABLE own ALTER note SET STORAGE EXTERNAL;
INSERT INTO own (id, id2, day, who, dest, licence_no, code, kind, kilos, content, note)
VALUES (true, 'b', '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', '20 kg', 'Dy=2%', repeat('x', 100000));
UPDATE own SET kilos = '30 kg', note = note || 'y' WHERE id2 = 'b';
ALTER TABLE own RENAME kilos TO weight;
UPDATE own SET weight = '31 kg' WHERE id2 = 'b';
ALTER TABLE own RENAME day TO the_day;
UPDATE own SET weight = '32 kg' WHERE id2 = 'b';
ALTER TABLE own RENAME the_day TO day;
SELECT licence, drawn, (SELECT uses FROM licence l WHERE l.licence = i.licence) FROM licence_item i ORDER BY 1;
SELECT * FROM verify_ledger('rp');
-- Recorded rows are found again whatever their key's type, and give back nothing.
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=licence_no', 'control_code=code', 'form=kind', 'mass=twice', 'assay=content', 'mode=record');
INSERT INTO own (id, id2, day, who, dest, licence_no, code, kind, weight, content) VALUES (false, 'c', '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', '80 kg', 'Dy=2%');
SELECT rule, row_key FROM violation;
SELECT * FROM verify_ledger('rp');
DELETE FROM own WHERE id2 = 'c';
INSERT INTO own (id, id2, day, who, dest, licence_no, code, kind, weight, content) VALUES (false, 'c', '2025-06-01', 'EXP', 'DE', '25-AA-000002', '1C905.a', 'magnet', '80 kg', 'Dy=2%');
SELECT * FROM verify_ledger('rp');
-- A table whose rows cannot be told apart cannot record, nor change rows once some are recorded.
SELECT try('ALTER TABLE rp.own DROP CONSTRAINT own_pkey');
SET session_replication_role = replica;
ALTER TABLE own DROP CONSTRAINT own_pkey;
RESET session_replication_role;
SELECT try('DELETE FROM rp.own WHERE id2 = ''c''');
SELECT attach_triggers('own', 'licence', 'date=day', 'exporter=who', 'destination=dest', 'licence=licence_no', 'control_code=code', 'form=kind', 'mass=twice', 'assay=content');
SELECT try('DELETE FROM rp.own WHERE id2 = ''c''');
ALTER TABLE own ADD PRIMARY KEY (id, id2);
DELETE FROM own WHERE id2 = 'c';
SELECT licence, drawn FROM licence_item ORDER BY 1;
SELECT * FROM verify_ledger('rp');
-- Inheritance is no way round.
CREATE TABLE child () INHERITS (own);
SELECT try('UPDATE rp.own SET weight = ''1 kg''');
DROP TABLE child;
UPDATE own SET weight = '1 kg';
SELECT * FROM verify_ledger('rp');

-- A server that discards what it knows at each look-up, if it is built for that: resolving comes to an end.
\set patience `echo "${PG_TEST_TIMEOUT_DEFAULT:-300}s"`
SET statement_timeout = :'patience';
DO $$
BEGIN
  BEGIN
    SET LOCAL debug_discard_caches = 1;
  EXCEPTION WHEN invalid_parameter_value THEN
    NULL;
  END;
  INSERT INTO rp.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass)
  VALUES ('d', 'f', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', '1 mg');
  DELETE FROM rp.production WHERE production_id = 'd';
END $$;
RESET statement_timeout;

-- A row trigger that moves the tree while production comes in between.
CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rp.produce('before ' || new.quota_id, '1 kg');
  RETURN new;
END $$;
CREATE TRIGGER z BEFORE INSERT ON quota FOR EACH ROW EXECUTE FUNCTION interfere();
BEGIN;
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('E', 'EXP', 'mining', 'any', '[2025-01-01,2026-01-01)', '80 kg');
SELECT produce('after', '1 kg');
COMMIT;
DROP TRIGGER z ON quota;
SELECT * FROM verify_ledger('rp');

-- A schema that gets another name while sessions remember it.
CREATE TABLE public.rules_far (shipment_id text PRIMARY KEY, shipped_on date, exporter text, destination text, licence licence_id, control_code text,
  form form, assay assay, net_mass mass);
SELECT attach_triggers('public.rules_far', 'licence', 'registry=rp');
INSERT INTO public.rules_far VALUES ('far', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg');
SELECT * FROM verify_ledger('rp');
ALTER SCHEMA rp RENAME TO rp2;
INSERT INTO public.rules_far VALUES ('farther', '2025-06-01', 'EXP', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg');
ALTER SCHEMA rp2 RENAME TO rp;
DELETE FROM public.rules_far;
SELECT * FROM verify_ledger('rp');
DROP TABLE public.rules_far;

-- Foreign tables: PostgreSQL gives them no transition tables, so the triggers cannot be made, or say so.
CREATE FOREIGN DATA WRAPPER rules_none;
CREATE SERVER rules_none FOREIGN DATA WRAPPER rules_none;
CREATE FOREIGN TABLE far (shipment_id text, shipped_on date, exporter text, destination text, licence licence_id, control_code text,
  form form, assay assay, net_mass mass) SERVER rules_none;
SELECT try('SELECT retrack.attach_triggers(''rp.far'', ''licence'')');
CREATE TRIGGER t AFTER INSERT ON far FOR EACH STATEMENT EXECUTE FUNCTION enforce_licence();
SELECT * FROM check_triggers('rp') WHERE relation = 'far'::regclass;
DROP FOREIGN DATA WRAPPER rules_none CASCADE;

RESET search_path;
DROP SCHEMA rp CASCADE;
