-- Protects: what a producer, a regulator, an analyst and a stranger can do with every object of a registry,
-- and that no row and no client name reaches anyone it should not, by whatever query.
\unset ECHO
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
BEGIN;
SET client_min_messages = warning;
SELECT no_plan();

-- Two producers with one row of everything each; every text of P2's rows holds the word SECRET2, P1's SECRET1,
-- every client's name the word CLIENT.
CALL retrack.create_registry('reg_roles');
CREATE ROLE reg_p1; CREATE ROLE reg_p2; CREATE ROLE reg_reg; CREATE ROLE reg_ana; CREATE ROLE reg_none; CREATE ROLE reg_both; CREATE ROLE reg_member;
SET retrack.as_of = '2025-06-30 00:00+00';
SET session_replication_role = replica;
DO $do$
DECLARE n int; p text; f text;
BEGIN
  FOR n IN 1..2 LOOP
    p := 'SECRET' || n; f := 'F-' || p;
    INSERT INTO reg_roles.party (party_id, name, kind) VALUES (p, p || ' Ltd', 'producer'), ('CLIENT-' || n, 'CLIENT ' || p, 'client');
    INSERT INTO reg_roles.facility (facility_id, party_id, stage) VALUES (f, p, 'mining');
    INSERT INTO reg_roles.instrument (instrument, facility_id) VALUES ('scale-' || p, f);
    INSERT INTO reg_roles.licence (licence, kind, holder, valid, status, contract_no)
      VALUES (('25-AA-00000' || n)::retrack.licence_id, 'general', p, '[2025-01-01,2026-01-01)', 'issued', p);
    INSERT INTO reg_roles.licence_item (licence, line, control_code, form, granted, specification)
      VALUES (('25-AA-00000' || n)::retrack.licence_id, 1, '1C905.a', 'magnet', '1 t', p);
    INSERT INTO reg_roles.licence_party (licence, party_id, role) VALUES (('25-AA-00000' || n)::retrack.licence_id, 'CLIENT-' || n, 'consignee');
    INSERT INTO reg_roles.licence_application (application_id, applicant, applied_on) VALUES ('A-' || p, p, '2025-05-01');
    INSERT INTO reg_roles.quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('Q-' || p, p, 'mining', 'rock', '[2025-01-01,2026-01-01)', '1 t');
    INSERT INTO reg_roles.lot (lot_id, facility_id, form, assay, mass, created_on)
      VALUES ('L-' || p, f, 'ore', 'Nd=1%', '1 t', '2025-05-01'), ('M-' || p, f, 'ore', 'Nd=1%', '1 t', '2025-05-01');
    INSERT INTO reg_roles.lot_edge (input_lot, output_lot, mass) VALUES ('L-' || p, 'M-' || p, '1 kg');
    INSERT INTO reg_roles.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass)
      VALUES ('R-' || p, f, '2025-05-01', 'mining', 'rock', 'ore', 'Nd=1%', '1 t');
    INSERT INTO reg_roles.transfer (transfer_id, reported_by, shipper, receiver, from_facility, transferred_on, form, assay, mass, client_name)
      VALUES ('T-' || p, p, p, 'CLIENT-' || n, f, '2025-05-01', 'ore', 'Nd=1%', '1 kg', 'CLIENT of ' || p);
    INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, facility_id, consignee, end_user, client_name, destination, form, assay, net_mass)
      VALUES ('S-' || p, '2025-05-01', p, f, 'CLIENT-' || n, 'CLIENT-' || n, 'CLIENT of ' || p, 'DE', 'magnet', 'Dy=1%', '1 kg');
    INSERT INTO reg_roles.inventory (inventory_id, facility_id, period, form, assay, mass) VALUES
      ('I-' || p, f, '[2025-04-01,2025-05-01)', 'ore', 'Nd=1%', '1 t'), ('J-' || p, f, '[2025-05-01,2025-06-01)', 'ore', 'Nd=1%', '2 t');
    INSERT INTO reg_roles.loss (loss_id, facility_id, lost_on, form, assay, mass) VALUES ('O-' || p, f, '2025-05-01', 'ore', 'Nd=1%', '1 kg');
    INSERT INTO reg_roles.invoice (invoice_id, seller, buyer, client_name, issued_on, mass) VALUES ('V-' || p, p, 'CLIENT-' || n, 'CLIENT of ' || p, '2025-05-01', '5 kg');
    INSERT INTO reg_roles.customs_declaration (declaration_id, declared_on, declarant, client_name, net_mass) VALUES ('D-' || p, '2025-05-01', p, 'CLIENT of ' || p, '7 kg');
    INSERT INTO reg_roles.submission (submission_id, producer, period, submitted_at) VALUES ('U-' || p, p, '[2025-04-01,2025-05-01)', '2025-05-20');
    INSERT INTO reg_roles.violation (rule, relation, row_key, message) VALUES ('RTL11', 'reg_roles.shipment', 'S-' || p, 'CLIENT of ' || p);
    INSERT INTO reg_roles.pull_reject (target, record, sqlstate, message) VALUES ('reg_roles.shipment', to_json('CLIENT of ' || p), 'RTL11', p);
  END LOOP;
END $do$;
RESET session_replication_role;
CALL retrack.grant_registry('reg_roles', 'reg_p1', 'producer', 'SECRET1');
CALL retrack.grant_registry('reg_roles', 'reg_p2', 'producer', 'SECRET2');
CALL retrack.grant_registry('reg_roles', 'reg_reg', 'regulator');
CALL retrack.grant_registry('reg_roles', 'reg_ana', 'analyst');
CALL retrack.grant_registry('reg_roles', 'reg_both', 'analyst');
CALL retrack.grant_registry('reg_roles', 'reg_both', 'producer', 'SECRET1');
GRANT reg_p1 TO reg_member;

-- The first value of a query run as a role, or its SQLSTATE. pgTAP's own tables are the superuser's.
CREATE FUNCTION pg_temp.try(who name, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', who);
  IF query ~* '^(SELECT|WITH|EXPLAIN|TABLE)' OR query ~* 'RETURNING' THEN EXECUTE query INTO result;
  ELSE EXECUTE query; result := 'done'; END IF;
  RESET ROLE;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate;
END $$;

-- 1. Verbs: S select, I insert, U update, D delete, T truncate. Every relation of a registry stands here: a new one fails until somebody decided who sees it.
CREATE TEMP TABLE matrix (relation name PRIMARY KEY, producer text, regulator text, analyst text);
INSERT INTO matrix VALUES
  ('party', 'S', 'S', ''), ('facility', 'S', 'S', ''), ('instrument', 'SIU', 'S', ''),
  ('licence', 'S', 'SIU', ''), ('licence_item', 'S', 'SIU', ''), ('licence_party', 'S', 'SIU', ''), ('licence_application', 'S', 'SIU', ''),
  ('quota', 'S', 'SIU', ''), ('control_list', 'S', 'SIU', 'S'), ('hs_code', 'S', 'SIU', 'S'), ('reporting_deadline', 'S', 'SIU', 'S'),
  ('setting', 'S', 'SIU', 'S'), ('registry_role', '', 'S', ''),
  ('lot', 'SIU', 'S', ''), ('lot_edge', 'SIU', 'S', ''), ('production', 'SIU', 'S', ''), ('transfer', 'SIU', 'S', ''), ('shipment', 'SIU', 'S', ''),
  ('inventory', 'SIU', 'S', ''), ('loss', 'SIU', 'S', ''), ('invoice', 'SIU', 'S', ''), ('submission', 'SIU', 'S', ''),
  ('customs_declaration', '', 'S', ''), ('violation', '', 'S', ''), ('pull_state', '', 'S', ''), ('pull_reject', '', 'S', ''),
  ('visible_all', 'S', 'S', ''), ('visible_party', 'S', 'S', ''), ('visible_facility', 'S', 'S', ''), ('visible_licence', 'S', 'S', ''), ('visible_lot', 'S', 'S', ''),
  ('aggregated_party', '', 'S', ''), ('every_movement', '', 'S', ''),
  ('licence_usage', 'S', 'S', ''), ('licence_history', 'S', 'S', ''), ('licence_status', '', 'S', ''), ('every_export', '', 'S', ''), ('every_controlled_export', '', 'S', ''), ('quota_usage', 'S', 'S', 'S'), ('facility_movement', 'S', 'S', ''), ('facility_period', 'S', 'S', 'S'), ('facility_sequence', 'S', 'S', 'S'),
  ('facility_balance', 'S', 'S', 'S'), ('overdue_submission', 'S', 'S', ''), ('client_volume', 'S', 'S', ''), ('trade_volume', 'S', 'S', 'S'),
  ('controlled_export', 'S', 'S', ''), ('transfer_difference', '', 'S', ''), ('unlicensed_export', '', 'S', ''), ('unexplained_gain', '', 'S', 'S'),
  ('licence_splitting', '', 'S', ''), ('vat_gap', '', 'S', ''), ('customs_gap', '', 'S', ''), ('suspect_origin', '', 'S', ''),
  ('licence_lead_time', '', 'S', 'S'), ('export_recovery', '', 'S', 'S'), ('journal', '', 'S', ''), ('journal_row', '', 'S', ''), ('journal_head', '', 'S', '');
SELECT is(string_agg(relation, ' ' ORDER BY relation), NULL, 'the matrix names no relation that is not there')
FROM matrix WHERE to_regclass('reg_roles.' || relation) IS NULL;
SELECT is(string_agg(relname, ' ' ORDER BY relname), NULL, 'and every one that is')
FROM pg_class WHERE relnamespace = 'reg_roles'::regnamespace AND relkind NOT IN ('i', 'I', 'S', 't', 'c') AND relname NOT IN (SELECT relation FROM matrix);
SELECT is(string_agg(c.relname || ' ' || who, ', '), NULL, 'no sequence is anybody''s to use or to read')
FROM pg_class c, unnest('{reg_p1,reg_reg,reg_ana,reg_none}'::name[]) who
WHERE c.relnamespace = 'reg_roles'::regnamespace AND c.relkind = 'S' AND has_sequence_privilege(who, c.oid, 'SELECT, USAGE, UPDATE');
SELECT is(count(*), 0::bigint, 'a registry holds no functions of its own') FROM pg_proc WHERE pronamespace = 'reg_roles'::regnamespace;
SELECT is(string_agg(c.relname, ' ' ORDER BY c.relname), 'control_list hs_code journal journal_head licence_status pull_reject pull_state registry_role reporting_deadline setting violation',
  'tables without row security are those whose rows are everybody''s or only the regulator''s')
FROM pg_class c WHERE c.relnamespace = 'reg_roles'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity;
WITH object AS (
  SELECT c.oid, c.relname, m.producer, m.regulator, m.analyst
  FROM pg_class c JOIN matrix m ON m.relation = c.relname
  WHERE c.relnamespace = 'reg_roles'::regnamespace
), role(who, expected) AS (
  VALUES ('reg_p1', 'producer'), ('reg_p2', 'producer'), ('reg_member', 'producer'), ('reg_reg', 'regulator'), ('reg_ana', 'analyst'), ('reg_none', 'none')
)
SELECT is(
  CASE WHEN has_any_column_privilege(who, oid, 'SELECT') THEN 'S' ELSE '' END
  || CASE WHEN has_any_column_privilege(who, oid, 'INSERT') THEN 'I' ELSE '' END
  || CASE WHEN has_any_column_privilege(who, oid, 'UPDATE') THEN 'U' ELSE '' END
  || CASE WHEN has_table_privilege(who, oid, 'DELETE') THEN 'D' ELSE '' END
  || CASE WHEN has_table_privilege(who, oid, 'TRUNCATE') THEN 'T' ELSE '' END
  || CASE WHEN has_table_privilege(who, oid, 'REFERENCES') THEN 'R' ELSE '' END
  || CASE WHEN has_table_privilege(who, oid, 'TRIGGER') THEN 'G' ELSE '' END,
  CASE expected WHEN 'producer' THEN producer WHEN 'regulator' THEN regulator WHEN 'analyst' THEN analyst ELSE '' END,
  who || ' on ' || relname)
FROM object, role ORDER BY relname, who;
SELECT is(has_column_privilege('reg_reg', 'reg_roles.' || t, c, 'UPDATE') OR has_column_privilege('reg_reg', 'reg_roles.' || t, c, 'INSERT'),
          false, 'no one but the rules writes ' || t || '.' || c)
FROM (VALUES ('licence', 'uses'), ('licence_item', 'drawn'), ('quota', 'drawn')) AS v(t, c);
SELECT is(has_schema_privilege(who, 'reg_roles', 'USAGE'), who <> 'reg_none', who || ' may look into the schema') FROM unnest('{reg_p1,reg_reg,reg_ana,reg_none}'::name[]) who;
SELECT is(has_schema_privilege(who, 'reg_roles', 'CREATE'), false, who || ' creates nothing in the schema') FROM unnest('{reg_p1,reg_reg,reg_ana,reg_none}'::name[]) who;

-- 2. Every relation a role can read, read whole: whose words come out.
CREATE TEMP TABLE readable AS
SELECT who, c.relname, has_any_column_privilege(who, c.oid, 'SELECT') AS may, pg_temp.try(who, format('SELECT string_agg(t::text, '' '') FROM reg_roles.%I t', c.relname)) AS words
FROM pg_class c, unnest('{reg_p1,reg_p2,reg_member,reg_both,reg_reg,reg_ana,reg_none}'::name[]) AS who
WHERE c.relnamespace = 'reg_roles'::regnamespace AND c.relkind IN ('r', 'v', 'p');
SELECT is(count(*) FILTER (WHERE words = '42501'), count(*) FILTER (WHERE NOT may), who || ' is refused exactly what it was not granted')
FROM readable GROUP BY who ORDER BY who;
SELECT is(string_agg(relname, ' '), NULL, 'reg_p1 and its member read no word of P2''s rows') FROM readable WHERE who IN ('reg_p1', 'reg_member') AND words ~ 'SECRET2'
UNION ALL SELECT is(string_agg(relname, ' '), NULL, 'reg_p2 reads no word of P1''s rows') FROM readable WHERE who = 'reg_p2' AND words ~ 'SECRET1'
UNION ALL SELECT is(string_agg(relname, ' '), NULL, 'an analyst reads no client''s name') FROM readable WHERE who = 'reg_ana' AND words ~ 'CLIENT'
UNION ALL SELECT is(string_agg(relname, ' '), NULL, 'an analyst reads no report''s number') FROM readable WHERE who = 'reg_ana' AND words ~ '[LMRTSIJOVDUA]-SECRET'
UNION ALL SELECT is(string_agg(relname, ' ' ORDER BY relname), 'facility_balance facility_period facility_sequence quota_usage trade_volume unexplained_gain',
                    'who is producer P1 and analyst reads of P2 what analysts do and no more')
  FROM readable WHERE who = 'reg_both' AND words ~ 'SECRET2';
-- and what they should see they do see
SELECT is(count(*), 0::bigint, 'producers see their own rows in every relation granted')
FROM readable JOIN matrix m ON m.relation = relname
WHERE who IN ('reg_p1', 'reg_p2') AND m.producer <> '' AND relname NOT IN ('control_list', 'hs_code', 'reporting_deadline', 'setting', 'visible_all', 'visible_licence', 'licence_party')
  AND coalesce(words, '') !~ ('SECRET' || right(who, 1));
SELECT is(string_agg(relname, ' ' ORDER BY relname), NULL, 'a regulator sees both producers'' rows in every table')
FROM readable JOIN pg_class c USING (relname)
WHERE who = 'reg_reg' AND c.relnamespace = 'reg_roles'::regnamespace AND c.relkind = 'r'
  AND relname NOT IN ('control_list', 'hs_code', 'reporting_deadline', 'setting', 'pull_state', 'licence_party')
  AND relname IN (SELECT relation FROM matrix)
  AND NOT (words ~ 'SECRET1' AND words ~ 'SECRET2');
SELECT is(pg_temp.try(who, 'SELECT count(*) FROM reg_roles.licence_party'), n, who || ' sees licence parties') FROM (VALUES ('reg_p1', '1'), ('reg_reg', '2')) v(who, n);
SELECT is(words, '(SECRET1)', 'visible_party of P1') FROM readable WHERE who = 'reg_p1' AND relname = 'visible_party';

-- 3. A function that tells what it is given sees no more, whatever its cost.
CREATE FUNCTION public.reg_leak(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN PERFORM set_config('leak.seen', current_setting('leak.seen', true) || ' ' || $1::text, true); RETURN true; END $$;
GRANT EXECUTE ON FUNCTION public.reg_leak(anyelement) TO PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT set_config('leak.seen', '', true) AS ignored \gset
SELECT count(pg_temp.try(who, format('SELECT count(*) FROM reg_roles.%I t WHERE public.reg_leak(t.%I)', relname, a.attname))) AS ignored
FROM readable JOIN pg_class c USING (relname) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'reg_roles'::regnamespace AND may AND who IN ('reg_p1', 'reg_ana') \gset
SELECT ok(current_setting('leak.seen') ~ 'SECRET1', 'the telling function was called');
SELECT is(string_agg(DISTINCT w, ' '), NULL, 'it told nothing of clients of P2 to anyone')
FROM regexp_split_to_table(current_setting('leak.seen'), ' ') w WHERE w ~ '^(CLIENT-2|[LMRTSIJOVDUA]-SECRET2)';

-- Ways around a table: what the planner knows of it, parts of it, locks on it, and tables that it is copied to.
SELECT is(pg_temp.try(who, query), expected, who || ': ' || query) FROM (VALUES
  ('reg_p1', $$SELECT count(*) FROM pg_stats WHERE schemaname = 'reg_roles' AND concat(most_common_vals, histogram_bounds) ~ 'SECRET|CLIENT'$$, '0'),
  ('reg_ana', $$SELECT count(*) FROM pg_stats WHERE schemaname = 'reg_roles' AND concat(most_common_vals, histogram_bounds) ~ 'SECRET|CLIENT'$$, '0'),
  ('reg_p1', $$SELECT count(*) FROM pg_statistic$$, '42501'),
  ('reg_p1', $$SELECT count(*) FROM reg_roles.shipment TABLESAMPLE SYSTEM (100)$$, '1'),
  ('reg_p1', $$SELECT count(*) FROM reg_roles.shipment WHERE ctid IS NOT NULL$$, '1'),
  ('reg_p1', $$SELECT 1 FROM reg_roles.licence FOR SHARE$$, '42501'),
  ('reg_p1', $$CREATE TABLE reg_roles.x (n int)$$, '42501'),
  ('reg_p1', $$CREATE MATERIALIZED VIEW reg_roles.x AS SELECT * FROM reg_roles.shipment$$, '42501'),
  ('reg_p1', $$CREATE TRIGGER x BEFORE INSERT ON reg_roles.shipment FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$, '42501'),
  ('reg_p1', $$CREATE TEMP TABLE reg_x (shipment_id text REFERENCES reg_roles.shipment)$$, '42P16'),
  ('reg_p1', $$CREATE TEMP TABLE reg_copy AS SELECT * FROM reg_roles.shipment; SELECT count(*) FROM reg_copy$$, 'done'),
  ('reg_p1', $$SELECT count(*) FROM pg_temp.reg_copy$$, '1'),
  ('reg_p1', $$SET row_security = off; SELECT 1 FROM reg_roles.shipment$$, '42501'),
  ('reg_p1', $$COPY reg_roles.shipment TO '/dev/null'$$, '42501'),
  ('reg_p1', $$SELECT nextval('reg_roles.violation_violation_id_seq')$$, '42501'),
  ('reg_p1', $$WITH s AS (UPDATE reg_roles.shipment SET client_name = client_name RETURNING 1) SELECT count(*) FROM s$$, '1')) AS v(who, query, expected);
RESET row_security;
SELECT is(string_agg(proname, ' '), NULL, 'leakproof are comparisons and hashes, which tell nothing and fail for nothing')
FROM pg_proc WHERE pronamespace = 'retrack'::regnamespace AND proleakproof AND proname !~ '_(lt|le|eq|ne|ge|gt|cmp|hash|hash_extended)$';
SELECT is(string_agg(oid::regprocedure::text, ' '), NULL, 'no function runs with its owner''s rights') FROM pg_proc WHERE pronamespace = 'retrack'::regnamespace AND prosecdef;

-- Every function that is told a registry, or a row of one, by everybody: it shows what the caller may see and no more. One
-- that is not in the list fails: steps of others (left out by name) ask nothing that the caller may not.
CREATE TEMP TABLE asked (call text);
INSERT INTO asked VALUES ($$licence_violations('reg_roles', 'SELECT * FROM reg_roles.shipment')$$), ($$quota_violations('reg_roles', 'SELECT * FROM reg_roles.production')$$),
  ($$check_triggers('reg_roles')$$), ($$licence_draws('reg_roles')$$), ($$quota_draws('reg_roles')$$), ($$verify_ledger('reg_roles')$$), ($$lost_violations('reg_roles')$$), ($$rebook_ledger('reg_roles')$$),
  ($$settled_violations('reg_roles')$$), ($$journal_names('reg_roles', 'reg_roles.shipment', NULL, '-infinity')$$), ($$write_alteration('reg_roles', 'a', 'b', '{}')$$),
  ($$verify_journal('reg_roles')$$), ($$trace_origin('reg_roles', 'M-SECRET2')$$), ($$trace_origin('reg_roles', 'M-SECRET1', 'Nd')$$), ($$trace_destination('reg_roles', 'L-SECRET2')$$),
  ($$trace_destination('reg_roles', 'L-SECRET1', 'Nd')$$), ($$origin_shares('reg_roles')$$), ($$trace_edges('reg_roles', 'M-SECRET2')$$), ($$trace_dot('reg_roles', 'M-SECRET2')$$), ($$lot_cycles('reg_roles')$$),
  ($$lot_graph('reg_roles')$$), ($$controlled_on('reg_roles', '2025-05-01')$$), ($$controlled_on('reg_roles', '2025-05-01', 'magnet', 'Dy=1%')$$), ($$licence_on('reg_roles', '2025-05-01')$$),
  ($$submissions_on('reg_roles', '2025-06-30')$$), ($$pull_order('reg_roles')$$), ($$pull_sources('reg_roles', 'reg_roles')$$), ($$retry_target('reg_roles', 'reg_roles.shipment')$$),
  ($$retry_rejects('reg_roles')$$), ($$attach_triggers('reg_roles.shipment', 'licence')$$), ($$attach_licence_triggers('reg_roles')$$), ($$allotment_required('reg_roles')$$),
  ($$rows_as_of(NULL::reg_roles.shipment, '2025-06-30')$$), ($$create_registry_views('reg_roles')$$), ($$registry_privileges('reg_roles', 'reg_p1', 'regulator')$$),
  ($$ledger_rows_query('reg_roles', 'licence', '{}')$$), ($$uncovered_query('reg_roles', 'licence')$$), ($$ledger_sources('reg_roles', 'licence')$$),
  ($$violation_is_kept('reg_roles', 'reg_roles.shipment', 'RTL11', NULL)$$), ($$check_registry('reg_roles')$$), ($$check_registry_owner('reg_roles', 'reg_p1')$$), ($$check_rows_visible('reg_roles', 'reg_roles.shipment')$$);
SELECT is(string_agg(p.oid::regprocedure::text, ' ' ORDER BY p.proname), NULL, 'every function that is told a registry is asked')
FROM pg_proc p WHERE p.pronamespace = 'retrack'::regnamespace AND p.prokind = 'f' AND p.proargnames[1] IN ('registry', 'a_row')
  AND p.proname !~ '^create_registry_' AND NOT EXISTS (SELECT FROM asked WHERE starts_with(call, p.proname || '('));
CREATE TEMP TABLE answered AS
SELECT who, call, pg_temp.try(who, format('SELECT string_agg(x::text, '' '') FROM retrack.%s AS x', call)) AS words
FROM asked, unnest('{reg_p1,reg_ana,reg_none}'::name[]) AS who;
SELECT is(string_agg(call, ' '), NULL, 'no answer to reg_p1 holds a word of P2''s rows') FROM answered WHERE who = 'reg_p1' AND words ~ 'SECRET2'
UNION ALL SELECT is(string_agg(call, ' '), NULL, 'none to an analyst a report or a client') FROM answered WHERE who = 'reg_ana' AND words ~ 'CLIENT|[LMRTSIJOVDUA]-SECRET'
UNION ALL SELECT is(string_agg(call, ' '), NULL, 'none to a stranger any row') FROM answered WHERE who = 'reg_none' AND words ~ 'SECRET|CLIENT|1C90'
UNION ALL SELECT is(string_agg(call || ' ' || words, ', '), NULL, 'and no error of the server''s own') FROM answered WHERE words ~ '^XX';
SELECT is(count(*) FILTER (WHERE words ~ 'SECRET1'), 3::bigint, 'reg_p1 is told of its own lots') FROM answered WHERE who = 'reg_p1' AND call ~ 'trace_origin|trace_destination|origin_shares';
SELECT is(pg_temp.try('reg_p1', $$SELECT count(*) FROM reg_roles.licence_usage$$), '1', 'and none of these calls changed what it may');

-- A foreign table with the API's raw records is its owner's: grant_registry gives nothing on it, and EXPLAIN does not show it.
CREATE SCHEMA reg_roles_api;
GRANT USAGE ON SCHEMA reg_roles_api TO PUBLIC;
CREATE SERVER reg_roles_server FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:1');
CREATE USER MAPPING FOR CURRENT_USER SERVER reg_roles_server OPTIONS (token 'SECRET2-token');
CREATE FOREIGN TABLE reg_roles_api.shipment (shipment_id text, record json OPTIONS (pointer '')) SERVER reg_roles_server OPTIONS (path '/shipments');
SELECT is(pg_temp.try(who, query), '42501', who || ': ' || query) FROM unnest('{reg_p1,reg_reg,reg_ana}'::name[]) who,
  unnest(ARRAY['SELECT record FROM reg_roles_api.shipment', 'EXPLAIN (VERBOSE) SELECT record FROM reg_roles_api.shipment']) query;
SELECT is(pg_temp.try('reg_reg', $$SELECT count(*) FROM pg_user_mappings WHERE umoptions::text ~ 'SECRET2'$$), '0', 'nor the token');

-- 4. Writing: own rows only, by every verb that can write.
SELECT is(pg_temp.try(who, query), expected, who || ': ' || query) FROM (VALUES
  ('reg_p1', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES ('N1', '2025-05-02', 'SECRET1', 'DE', 'metal', 'Nd=99%', '1 kg')$$, 'done'),
  ('reg_p1', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES ('N2', '2025-05-02', 'SECRET2', 'DE', 'metal', 'Nd=99%', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, facility_id, destination, form, assay, net_mass) VALUES ('N3', '2025-05-02', 'SECRET1', 'F-SECRET2', 'DE', 'metal', 'Nd=99%', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, facility_id, destination, form, assay, net_mass) VALUES ('N4', '2025-05-02', 'SECRET1', 'F-SECRET1', 'DE', 'metal', 'Nd=99%', '1 kg')$$, 'done'),
  ('reg_p1', $$UPDATE reg_roles.shipment SET client_name = 'x' WHERE shipment_id = 'N1' RETURNING shipment_id$$, 'N1'),
  ('reg_p1', $$UPDATE reg_roles.shipment SET client_name = 'x' WHERE shipment_id = 'S-SECRET2' RETURNING shipment_id$$, NULL),
  ('reg_p1', $$UPDATE reg_roles.shipment SET exporter = 'SECRET2' WHERE shipment_id = 'N1'$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, net_mass) VALUES ('S-SECRET2', '2025-05-02', 'SECRET1', 'DE', 'metal', '1 kg')$$, '23505'),
  ('reg_p1', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, net_mass) VALUES ('S-SECRET2', '2025-05-02', 'SECRET1', 'DE', 'metal', '1 kg') ON CONFLICT (shipment_id) DO UPDATE SET exporter = 'SECRET1'$$, '42501'),
  ('reg_p1', $$DELETE FROM reg_roles.shipment WHERE shipment_id = 'N1'$$, '42501'),
  ('reg_p1', $$TRUNCATE reg_roles.shipment$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.transfer (transfer_id, reported_by, shipper, receiver, from_facility, transferred_on, form, mass) VALUES ('N1', 'SECRET1', 'SECRET1', 'SECRET2', 'F-SECRET1', '2025-05-01', 'ore', '1 kg')$$, 'done'),
  ('reg_p1', $$INSERT INTO reg_roles.transfer (transfer_id, reported_by, shipper, receiver, from_facility, transferred_on, form, mass) VALUES ('N2', 'SECRET1', 'SECRET1', 'SECRET2', 'F-SECRET2', '2025-05-01', 'ore', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.transfer (transfer_id, reported_by, shipper, receiver, transferred_on, form, mass) VALUES ('N1', 'SECRET2', 'SECRET1', 'SECRET2', '2025-05-01', 'ore', '1 kg')$$, '42501'),
  ('reg_p2', $$INSERT INTO reg_roles.transfer (transfer_id, reported_by, shipper, receiver, from_facility, to_facility, transferred_on, form, mass) VALUES ('N1', 'SECRET2', 'SECRET1', 'SECRET2', 'F-SECRET1', 'F-SECRET2', '2025-05-01', 'ore', '1 kg')$$, 'done'),
  ('reg_p1', $$SELECT count(*) FROM reg_roles.transfer WHERE transfer_id = 'N1'$$, '1'),
  ('reg_reg', $$SELECT count(*) FROM reg_roles.transfer WHERE transfer_id = 'N1'$$, '2'),
  ('reg_p1', $$INSERT INTO reg_roles.lot (lot_id, facility_id, form, mass, created_on) VALUES ('N1', 'F-SECRET2', 'ore', '1 kg', '2025-05-01')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.lot (lot_id, facility_id, form, mass, created_on) VALUES ('N1', 'F-SECRET1', 'ore', '1 kg', '2025-05-01')$$, 'done'),
  ('reg_p1', $$INSERT INTO reg_roles.lot_edge (input_lot, output_lot, mass) VALUES ('L-SECRET2', 'N1', '1 kg')$$, 'done'),
  ('reg_p1', $$INSERT INTO reg_roles.lot_edge (input_lot, output_lot, mass) VALUES ('L-SECRET1', 'M-SECRET2', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.production (production_id, facility_id, produced_on, stage, form, mass) VALUES ('N1', 'F-SECRET2', '2025-05-01', 'smelting', 'metal', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.production (production_id, facility_id, produced_on, stage, form, mass) VALUES ('N1', 'F-SECRET1', '2025-05-01', 'smelting', 'metal', '1 kg')$$, 'done'),
  ('reg_p1', $$INSERT INTO reg_roles.inventory (inventory_id, facility_id, period, form, mass) VALUES ('N1', 'F-SECRET2', '[2025-05-01,2025-06-01)', 'ore', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.loss (loss_id, facility_id, lost_on, form, mass) VALUES ('N1', 'F-SECRET2', '2025-05-01', 'ore', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.invoice (invoice_id, seller, issued_on, mass) VALUES ('N1', 'SECRET2', '2025-05-01', '1 kg')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.submission (submission_id, producer, period, submitted_at) VALUES ('N1', 'SECRET2', '[2025-05-01,2025-06-01)', now())$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.instrument (instrument, facility_id) VALUES ('N1', 'F-SECRET2')$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.instrument (instrument, facility_id) VALUES ('N1', NULL)$$, '42501'),
  ('reg_p1', $$UPDATE reg_roles.quota SET granted = '100 t'$$, '42501'),
  ('reg_p1', $$UPDATE reg_roles.licence_item SET drawn = '0'$$, '42501'),
  ('reg_p1', $$INSERT INTO reg_roles.registry_role (role, kind) VALUES ('reg_p1', 'regulator')$$, '42501'),
  ('reg_p1', $$CALL retrack.grant_registry('reg_roles', 'reg_p1', 'regulator')$$, '42501'),
  ('reg_p1', $$CALL retrack.revoke_registry('reg_roles', 'reg_p2')$$, '42501'),
  ('reg_p1', $$ALTER TABLE reg_roles.shipment DISABLE ROW LEVEL SECURITY$$, '42501'),
  ('reg_p1', $$SELECT count(*) FROM reg_roles.shipment WHERE exporter <> 'SECRET1'$$, '0'),
  ('reg_p1', $$EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM reg_roles.registry_role$$, '42501'),
  ('reg_reg', $$INSERT INTO reg_roles.licence (licence, kind, holder, valid, status) VALUES ('25-AA-000009', 'general', 'SECRET1', '[2025-01-01,2026-01-01)', 'issued')$$, 'done'),
  ('reg_reg', $$INSERT INTO reg_roles.licence (licence, kind, holder, valid, status, uses) VALUES ('25-AA-000008', 'general', 'SECRET1', '[2025-01-01,2026-01-01)', 'issued', 5)$$, '42501'),
  ('reg_reg', $$UPDATE reg_roles.licence SET status = 'suspended' WHERE licence OPERATOR(retrack.=) '25-AA-000009'$$, 'done'),
  ('reg_reg', $$UPDATE reg_roles.quota SET granted = '2 t' WHERE quota_id = 'Q-SECRET1'$$, 'done'),
  ('reg_reg', $$UPDATE reg_roles.quota SET drawn = '2 t'$$, '42501'),
  ('reg_reg', $$UPDATE reg_roles.shipment SET client_name = 'x'$$, '42501'),
  ('reg_reg', $$UPDATE reg_roles.control_list SET guard = 1 WHERE code = '1C909.b' RETURNING source$$, 'Announcement 57 of 2025'),
  ('reg_reg', $$DELETE FROM reg_roles.control_list$$, '42501'),
  ('reg_ana', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, net_mass) VALUES ('N9', '2025-05-02', 'SECRET1', 'DE', 'metal', '1 kg')$$, '42501'),
  ('reg_ana', $$SELECT client_name FROM reg_roles.shipment$$, '42501'),
  ('reg_ana', $$SELECT retrack.trace_origin('reg_roles', 'M-SECRET1')$$, '42501'),
  ('reg_p1', $$SELECT (retrack.trace_origin('reg_roles', 'M-SECRET2')).origin$$, 'RTC01'),
  ('reg_p1', $$SELECT (retrack.trace_origin('reg_roles', 'M-SECRET1')).origin$$, 'L-SECRET1'),
  ('reg_ana', $$SELECT count(*) FROM reg_roles.trade_volume$$, '5'),
  ('reg_ana', $$SELECT sum(applications) FROM reg_roles.licence_lead_time$$, '2'),
  ('reg_none', $$SELECT count(*) FROM reg_roles.control_list$$, '42501')
) AS v(who, query, expected);

-- What a rule says to a producer does not tell whose licence it tried.
CREATE FUNCTION pg_temp.told(who name, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', who);
  EXECUTE query;
  RESET ROLE;
  RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', sqlstate, m, d, h);
END $$;
SELECT unalike(pg_temp.told('reg_p1', q), '%SECRET2%', 'told of ' || q) FROM (VALUES
  ($$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass, licence, control_code) VALUES ('N5', '2025-05-02', 'SECRET1', 'DE', 'magnet', 'Dy=9%', '1 kg', '25-AA-000002', '1C905.a')$$),
  ($$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass, licence, control_code) VALUES ('N5', '2025-05-02', 'SECRET1', 'US', 'metal', 'Dy=9%', '9 t', '25-AA-000002', '1C902.a')$$)) AS v(q);
SELECT matches(pg_temp.told('reg_p1', $$INSERT INTO reg_roles.shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass, licence, control_code) VALUES ('N5', '2025-05-02', 'SECRET1', 'DE', 'magnet', 'Dy=9%', '1 kg', '25-AA-000002', '1C905.a')$$),
  'RTL04', 'but what rule it broke');

-- 5. The grants themselves.
SELECT throws_ok(query, state, NULL, query) FROM (VALUES
  ($$CALL retrack.grant_registry('reg_roles', 'reg_p1', 'producer')$$, '22023'),
  ($$CALL retrack.grant_registry('reg_roles', 'reg_p1', 'analyst', 'SECRET1')$$, '22023'),
  ($$CALL retrack.grant_registry('reg_roles', 'reg_p1', 'king')$$, '22023'),
  ($$CALL retrack.grant_registry('reg_roles', 'reg_p1', NULL)$$, '22023'),
  ($$CALL retrack.grant_registry('reg_roles', 'reg_p1', 'producer', 'nobody')$$, '23503'),
  ($$CALL retrack.grant_registry('reg_roles', 'reg_unknown', 'analyst')$$, '42704'),
  ($$CALL retrack.grant_registry('reg_roles', 'public', 'analyst')$$, '42704'),
  ($$CALL retrack.grant_registry('pg_catalog', 'reg_p1', 'analyst')$$, 'RTR02'),
  ($$CALL retrack.grant_registry('nowhere', 'reg_p1', 'analyst')$$, 'RTR02'),
  ($$CALL retrack.grant_registry(NULL, 'reg_p1', 'analyst')$$, '22004'),
  ($$CALL retrack.revoke_registry('reg_roles', NULL)$$, '22004')) AS v(query, state);
SELECT is(count(*), 1::bigint, 'granting twice is granting once') FROM reg_roles.registry_role WHERE role = 'reg_p1';
CALL retrack.grant_registry('reg_roles', 'reg_p1', 'producer', 'SECRET1');
SELECT is(count(*), 1::bigint, 'and leaves one row') FROM reg_roles.registry_role WHERE role = 'reg_p1';
CALL retrack.revoke_registry('reg_roles', 'reg_both', 'producer');
SELECT is(pg_temp.try('reg_both', 'SELECT count(*) FROM reg_roles.shipment'), '42501', 'one kind taken back');
SELECT is(pg_temp.try('reg_both', 'SELECT count(*) FROM reg_roles.trade_volume'), '5', 'the other kept');
CALL retrack.revoke_registry('reg_roles', 'reg_both');
CALL retrack.revoke_registry('reg_roles', 'reg_p2');
SELECT lives_ok($$CALL retrack.revoke_registry('reg_roles', 'reg_both')$$, 'taking back what is not there warns');
SELECT lives_ok('DROP ROLE reg_both', 'nothing is left of what was granted');
SELECT is(pg_temp.try('reg_p2', 'SELECT count(*) FROM reg_roles.shipment'), '42501', 'all taken back');
SELECT is(pg_temp.try('reg_p1', 'SELECT count(*) > 0 FROM reg_roles.shipment'), 'true', 'others keep theirs');
-- a name that needs quoting, with two parties and then one; a group's role sees the group's own rows, not its members'
CREATE ROLE "reg ""Odd'";
CALL retrack.grant_registry('reg_roles', 'reg "Odd''', 'producer', 'SECRET1');
CALL retrack.grant_registry('reg_roles', 'reg "Odd''', 'producer', 'SECRET2');
SELECT is(pg_temp.try('reg "Odd''', 'SELECT count(DISTINCT exporter) FROM reg_roles.shipment'), '2', 'a role of two parties sees both');
CALL retrack.revoke_registry('reg_roles', 'reg "Odd''', 'producer', 'SECRET2');
SELECT is(pg_temp.try('reg "Odd''', 'SELECT string_agg(DISTINCT exporter, '','') FROM reg_roles.shipment'), 'SECRET1', 'and then one');
CALL retrack.revoke_registry('reg_roles', 'reg "Odd''');
DROP ROLE "reg ""Odd'";
INSERT INTO reg_roles.party (party_id, name, kind) VALUES ('GROUP', 'Group', 'group');
UPDATE reg_roles.party SET parent = 'GROUP' WHERE party_id IN ('SECRET1', 'SECRET2');
CREATE ROLE reg_group;
CALL retrack.grant_registry('reg_roles', 'reg_group', 'producer', 'GROUP');
SELECT is(pg_temp.try('reg_group', 'SELECT string_agg(party_id, '','') FROM reg_roles.visible_party'), 'GROUP', 'a group''s role is its own');
SELECT is(pg_temp.try('reg_group', 'SELECT count(*) FROM reg_roles.shipment'), '0', 'and sees no member''s report');
-- a row of registry_role for a role that is gone gives nobody anything and breaks nothing
INSERT INTO reg_roles.registry_role (role, kind) VALUES ('reg_gone', 'regulator');
SELECT is(pg_temp.try('reg_p1', $$SELECT count(*) FROM reg_roles.shipment WHERE exporter <> 'SECRET1'$$), '0', 'a role that is gone');

SELECT * FROM finish();
ROLLBACK;
