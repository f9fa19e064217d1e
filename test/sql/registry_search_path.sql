-- Protects: nothing of retrack looks anything up by the caller's search_path: every function, operator, table and type that the system and
-- retrack have, imitated in a schema before theirs, is a trap that nothing falls into, neither the owner's calls nor a producer's.
\set VERBOSITY terse
-- what has no search_path of its own commits, and so cannot have one; its first statement sets one
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'retrack'::regnamespace AND l.lanname IN ('sql', 'plpgsql') AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%') ORDER BY 1;
SET client_min_messages = warning;
CREATE SCHEMA reg_evil;
DO $do$
DECLARE f record; 
BEGIN
  FOR f IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS args, p.prorettype::regtype AS rt, p.proretset,
      p.provolatile FROM pg_proc p
    WHERE p.pronamespace IN ('pg_catalog'::regnamespace, 'retrack'::regnamespace) AND p.prokind = 'f'
      AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[] || p.prorettype) t JOIN pg_type y ON y.oid=t WHERE y.typtype='p' AND y.typname NOT IN ('anyelement','anyarray','anynonarray','anyenum','anyrange','anymultirange','anycompatible','anycompatiblearray'))
      AND p.proargmodes IS NULL
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION reg_evil.%I(%s) RETURNS %s %s LANGUAGE plpgsql VOLATILE AS $x$ BEGIN RAISE EXCEPTION ''trapped in %s''; END $x$', f.proname, f.args, CASE WHEN f.proretset THEN 'SETOF' ELSE '' END, f.rt, replace(f.proname,'''',''));
    EXCEPTION WHEN OTHERS THEN NULL;  -- a few are not to be imitated
    END;
  END LOOP;
  FOR f IN SELECT o.oprname, o.oprleft::regtype::text AS l, o.oprright::regtype::text AS r, o.oprresult::regtype::text AS rt, row_number() OVER () AS nr FROM pg_operator o
     WHERE o.oprnamespace IN ('pg_catalog'::regnamespace, 'retrack'::regnamespace) AND o.oprresult <> 0
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION reg_evil.op_%s(%s) RETURNS %s LANGUAGE plpgsql VOLATILE AS $x$ BEGIN RAISE EXCEPTION ''trapped in %s %s %s''; END $x$', f.nr, concat_ws(', ', nullif(f.l,'-'), f.r), f.rt, f.l, f.oprname, f.r);
      EXECUTE format('CREATE OPERATOR reg_evil.%s (FUNCTION = reg_evil.op_%s %s, RIGHTARG = %s)', f.oprname, f.nr, CASE WHEN f.l <> '-' THEN ', LEFTARG = ' || f.l ELSE '' END, f.r);
    EXCEPTION WHEN OTHERS THEN NULL;  -- a few are not to be imitated
    END;
  END LOOP;
  FOR f IN SELECT DISTINCT c.relname FROM pg_class c WHERE c.relnamespace IN ('pg_catalog'::regnamespace) AND c.relkind IN ('r','v') UNION SELECT unnest('{party,facility,licence,licence_item,licence_party,quota,lot,lot_edge,production,transfer,shipment,journal,setting,control_list,pull_state,pull_reject,violation,licence_status,visible_all,visible_party,registry_role}'::text[])
  LOOP
    EXECUTE format('CREATE VIEW reg_evil.%I AS SELECT 1/0 AS oid', f.relname);
  END LOOP;
  FOR f IN SELECT typname FROM pg_type WHERE typnamespace IN ('pg_catalog'::regnamespace,'retrack'::regnamespace) AND typtype IN ('b','e','r') AND typname !~ '^_' AND typname !~ '^pg_'
  LOOP
    BEGIN EXECUTE format('CREATE DOMAIN reg_evil.%I AS pg_catalog.text CHECK (false)', f.typname); EXCEPTION WHEN OTHERS THEN NULL; END;
  END LOOP;
END $do$;
CREATE FUNCTION reg_evil.trap_int(int8) RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped in count'; END $$;
CREATE AGGREGATE reg_evil.count(*) (SFUNC = reg_evil.trap_int, STYPE = int8, INITCOND = '0');
GRANT USAGE ON SCHEMA reg_evil TO public;
SELECT (SELECT count(*) > 2000 FROM pg_proc WHERE pronamespace = 'reg_evil'::regnamespace) AS functions,
       (SELECT count(*) > 800 FROM pg_operator WHERE oprnamespace = 'reg_evil'::regnamespace) AS operators;
-- the traps work
SET search_path = reg_evil, pg_catalog;
SELECT lower('X'::pg_catalog.text);
SELECT 1::pg_catalog.int4 + 1::pg_catalog.int4;
RESET search_path;
-- Only errors are shown from here on.
\o /dev/null
CREATE ROLE reg_sp_keeper; CREATE ROLE reg_sp_prod; CREATE ROLE reg_sp_regu; CREATE ROLE reg_sp_ana;
SELECT format('GRANT CREATE ON DATABASE %I TO reg_sp_keeper', current_database()) \gexec
SET ROLE reg_sp_keeper;
SET search_path = reg_evil, pg_catalog, retrack, public;
CALL retrack.create_registry('reg_sp');
CREATE SCHEMA reg_sp_api;
SET search_path = reg_sp, retrack, public;
CREATE TABLE reg_sp_api.party AS SELECT party_id, version, name, country, kind, updated_at, withdrawn FROM party;
INSERT INTO reg_sp_api.party VALUES ('P1',1,'Mine','CN','producer','2025-01-01',false),('P2',1,'Mine2','CN','producer','2025-01-01',false),('C1',1,'Client','DE','client','2025-01-01',false),('bad',1,'Client','Germany','client','2025-01-01',false);
CREATE TABLE reg_sp_api.facility AS SELECT 'F'||n AS facility_id, 1 AS version, 'P'||n AS party_id, 'mining'::stage AS stage, timestamptz '2025-01-01' AS updated_at FROM generate_series(1,2) n;
CREATE TABLE reg_sp_api.licence AS SELECT '25-AA-000001'::licence_id AS licence, 1 AS version, 'general' AS kind, 'P1' AS holder, daterange('2025-01-01','2026-01-01') AS valid, 'issued' AS status, '{DE}'::text[] AS destinations,timestamptz '2025-01-01' AS updated_at;
CREATE TABLE reg_sp_api.licence_item AS SELECT '25-AA-000001'::licence_id AS licence, 1 AS line, 1 AS version, '1C905.a' AS control_code, 'magnet'::form AS form, '100 kg'::mass AS granted, timestamptz '2025-01-01' AS updated_at;
CREATE TABLE reg_sp_api.quota AS SELECT 'Q' AS quota_id, 1 AS version, 'P1' AS holder, 'mining'::stage AS stage, 'rock' AS ore_class, daterange('2025-01-01','2026-01-01') AS period, '1 t'::mass AS granted, timestamptz '2025-01-01' AS updated_at;
CREATE TABLE reg_sp_api.lot AS SELECT 'L'||n AS lot_id, 1 AS version, 'F1' AS facility_id, (CASE n WHEN 1 THEN 'ore' ELSE 'oxide' END)::form AS form, 'Nd=1%,Dy=1%'::assay AS assay, '10 kg'::mass AS mass, date '2025-02-01' AS created_on, timestamptz '2025-01-01' AS updated_at FROM generate_series(1,4) n;
CREATE TABLE reg_sp_api.lot_edge AS SELECT 'L'||n AS input_lot, 'L'||n+1 AS output_lot, 1 AS version, '1 kg'::mass AS mass, timestamptz '2025-01-01' AS updated_at FROM generate_series(1,3) n;
CREATE TABLE reg_sp_api.production AS SELECT 'R'||n AS production_id, 1 AS version, 'F1' AS facility_id, date '2025-02-01' AS produced_on, 'mining'::stage AS stage, 'rock' AS ore_class, 'ore'::form AS form, 'Nd=1%'::assay AS assay, '1 kg'::mass AS mass, 'L1' AS lot_id, timestamptz '2025-01-01' AS updated_at FROM generate_series(1,150) n;
CREATE TABLE reg_sp_api.shipment AS SELECT 'S'||n AS shipment_id, 1 AS version, date '2025-05-01' AS shipped_on, 'P1' AS exporter, 'F1' AS facility_id, 'Client GmbH' AS client_name, 'DE' AS destination, '25-AA-000001'::licence_id AS licence, '1C905.a' AS control_code, 'magnet'::form AS form, 'Dy=2%'::assay AS assay, '1 kg'::mass AS net_mass, 'L3' AS lot_id, timestamptz '2025-01-01' + n * interval '1 min' AS updated_at, false AS withdrawn FROM generate_series(1,120) n;
CREATE TABLE reg_sp_api.transfer AS SELECT 'T1' AS transfer_id, p AS reported_by, 1 AS version, 'P1' AS shipper, 'P2' AS receiver, 'F1' AS from_facility, 'F2' AS to_facility, date '2025-05-01' AS transferred_on, 'ore'::form AS form, 'Nd=1%'::assay AS assay, '5 kg'::mass AS mass, timestamptz '2025-01-01' AS updated_at FROM unnest('{P1,P2}'::text[]) p;
CREATE TABLE reg_sp_api.submission AS SELECT 'U' AS submission_id, 1 AS version, 'P1' AS producer, daterange('2025-01-01','2025-02-01') AS period, timestamptz '2025-02-02' AS submitted_at, timestamptz '2025-01-01' AS updated_at;
RESET search_path;
SET search_path = reg_evil, pg_catalog, retrack, public;
CALL retrack.pull_all('reg_sp', 'reg_sp_api', batch_size => 50);
CALL retrack.pull('reg_sp_api.shipment', 'reg_sp.shipment', mode => 'full');
CALL retrack.pull('reg_sp_api.shipment', 'reg_sp.shipment', commits => false);
SELECT * FROM retrack.retry_rejects('reg_sp');
CALL retrack.grant_registry('reg_sp', 'reg_sp_prod', 'producer', 'P1');
CALL retrack.grant_registry('reg_sp', 'reg_sp_regu', 'regulator');
CALL retrack.grant_registry('reg_sp', 'reg_sp_ana', 'analyst');
UPDATE reg_sp.shipment SET net_mass = '500 g' WHERE shipment_id OPERATOR(pg_catalog.=) 'S1';
DELETE FROM reg_sp.shipment WHERE shipment_id OPERATOR(pg_catalog.=) 'S2';
-- what the rules do when licences, quotas, parties and the control list change, recorded rows and DDL on their tables
UPDATE reg_sp.licence SET status = 'suspended', issued_on = '2025-01-01';
UPDATE reg_sp.licence SET status = 'issued';
UPDATE reg_sp.licence SET max_uses = 1000, valid = '[2025-01-01,2027-01-01)';
UPDATE reg_sp.licence_item SET granted = '200 kg', line = 2;
INSERT INTO reg_sp.licence_status (licence, since, status) VALUES ('25-AA-000001', '2024-01-01', 'issued');
UPDATE reg_sp.quota SET granted = '2 t', ore_class = 'any';
UPDATE reg_sp.party SET parent = 'P2' WHERE party_id OPERATOR(pg_catalog.=) 'P1';
UPDATE reg_sp.facility SET party_id = 'P1' WHERE facility_id OPERATOR(pg_catalog.=) 'F2';
UPDATE reg_sp.control_list SET source = 'another';
SELECT retrack.attach_triggers('reg_sp.shipment', 'licence', 'mode=record'), retrack.attach_licence_triggers('reg_sp', 'record');
INSERT INTO reg_sp.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass) VALUES ('R1', '2029-05-02', 'P1', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=2%', '1 kg');
INSERT INTO reg_sp.licence_party (licence, party_id, role) VALUES ('25-AA-000001', 'C1', 'consignee');
DELETE FROM reg_sp.licence_party;
UPDATE reg_sp.licence SET valid = '[2025-05-02,2030-01-01)';
SELECT retrack.rebook_ledger('reg_sp');
UPDATE reg_sp.licence SET valid = '[2025-01-01,2030-01-01)';
ALTER TABLE reg_sp.shipment ADD extra pg_catalog.text;
ALTER TABLE reg_sp.shipment RENAME extra TO added;
ALTER TABLE reg_sp.shipment DROP added;
SELECT pg_catalog.count(*) FROM retrack.rows_as_of(NULL::reg_sp.shipment, '2000-01-01');
SELECT retrack.attach_triggers('reg_sp.shipment', 'licence'), retrack.attach_licence_triggers('reg_sp');
SELECT * FROM retrack.verify_ledger('reg_sp');
SELECT * FROM retrack.rebook_ledger('reg_sp');
SELECT * FROM retrack.check_triggers('reg_sp');
SELECT * FROM retrack.verify_journal('reg_sp');
SELECT pg_catalog.count(*) FROM retrack.rows_as_of(NULL::reg_sp.shipment, '2099-01-01');
SELECT pg_catalog.count(*) FROM retrack.licence_violations('reg_sp', 'SELECT * FROM reg_sp.shipment');
SELECT pg_catalog.count(*) FROM retrack.quota_violations('reg_sp', 'SELECT * FROM reg_sp.production');
SELECT pg_catalog.count(*) FROM retrack.controlled_on('reg_sp', '2025-05-01');
SELECT * FROM retrack.controlled_on('reg_sp', '2025-05-01', 'magnet'::retrack.form, 'Dy=1%'::retrack.assay);
SELECT * FROM retrack.licence_on('reg_sp', '2025-05-01');
SELECT * FROM retrack.submissions_on('reg_sp', '2025-05-01');
SELECT * FROM retrack.trace_origin('reg_sp', 'L4');
SELECT * FROM retrack.trace_origin('reg_sp', 'L4', 'Dy'::retrack.element);
SELECT * FROM retrack.trace_destination('reg_sp', 'L1');
SELECT * FROM retrack.trace_destination('reg_sp', 'L1', 'Dy'::retrack.element);
SELECT * FROM retrack.origin_shares('reg_sp');
SELECT * FROM retrack.origin_shares('reg_sp',NULL,'facility');
SELECT * FROM retrack.trace_edges('reg_sp', 'L4');
SELECT * FROM retrack.lot_cycles('reg_sp');
SELECT * FROM retrack.lot_graph('reg_sp');
SELECT retrack.trace_dot('reg_sp', 'L4');
SELECT retrack.normal_name('Foo Co., Ltd.');
SELECT retrack.as_of() IS NOT NULL;
SELECT pg_catalog.format('SELECT pg_catalog.string_agg(t::pg_catalog.text, '' '') AS %I FROM reg_sp.%I t', c.relname, c.relname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace WHERE n.nspname OPERATOR(pg_catalog.=) 'reg_sp' AND c.relkind OPERATOR(pg_catalog.=) 'v' ORDER BY c.relname \gexec
SET ROLE reg_sp_prod;
INSERT INTO reg_sp.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES ('N1', '2025-05-02', 'P1', 'DE', 'metal', 'Nd=99%', '1 kg');
SELECT pg_catalog.count(*) FROM reg_sp.overdue_submission;
RESET ROLE;
SET ROLE reg_sp_keeper;
CALL retrack.revoke_registry('reg_sp', 'reg_sp_prod');
SELECT * FROM retrack.attach_triggers('reg_sp.shipment', 'licence');
RESET ROLE;
RESET search_path;
\o
SELECT count(*) AS shipments FROM reg_sp.shipment;
SELECT format('REVOKE CREATE ON DATABASE %I FROM reg_sp_keeper', current_database()) \gexec
DROP SCHEMA reg_sp, reg_sp_api CASCADE;
DROP ROLE reg_sp_keeper, reg_sp_prod, reg_sp_regu, reg_sp_ana;
DROP SCHEMA reg_evil CASCADE;
