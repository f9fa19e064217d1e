-- Roles of a registry. What a role sees follows from the rows of registry_role, through the policies and
-- views made by create_registry; what it may do at all follows from ordinary privileges, granted here.

CREATE FUNCTION retrack.registry_privileges(registry name, role name, kind text) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  ledger CONSTANT text[] := '{drawn,uses,terms}';
  g record;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', registry, role);
  FOR g IN
    SELECT v.verb, r.relation FROM (VALUES
      ('producer', 'SELECT', '{control_list,hs_code,reporting_deadline,setting,visible_all,visible_party,visible_facility,visible_licence,visible_lot,party,facility,licence,licence_item,licence_party,licence_application,quota,licence_history,licence_usage,quota_usage,facility_movement,facility_period,facility_sequence,facility_balance,overdue_submission,client_volume,trade_volume,controlled_export}'::text[]),
      ('producer', 'SELECT, INSERT, UPDATE', '{instrument,lot,lot_edge,production,transfer,shipment,inventory,loss,invoice,submission}'),
      ('analyst', 'SELECT', '{control_list,hs_code,reporting_deadline,setting,quota_usage,facility_period,facility_sequence,facility_balance,unexplained_gain,licence_lead_time,export_recovery,trade_volume}'),
      ('regulator', 'INSERT, UPDATE', '{licence_party,licence_application,control_list,hs_code,reporting_deadline,setting}')
    ) AS v(kind, verb, relations), unnest(v.relations) AS r(relation)
    WHERE v.kind = registry_privileges.kind
  LOOP
    EXECUTE format('GRANT %s ON %I.%I TO %I', g.verb, registry, g.relation, role);
  END LOOP;
  IF kind = 'regulator' THEN
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', registry, role);
    -- all of a licence or quota but the ledgers, which the rules alone write
    FOR g IN
      SELECT c.relname AS relation, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
      FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (ledger)
      WHERE n.nspname = registry AND c.relname IN ('licence', 'licence_item', 'quota')
      GROUP BY c.relname
    LOOP
      EXECUTE format('GRANT INSERT (%1$s), UPDATE (%1$s) ON %2$I.%3$I TO %4$I', g.columns, registry, g.relation, role);
    END LOOP;
  END IF;
END $fn$;
COMMENT ON FUNCTION retrack.registry_privileges(name, name, text) IS
'step of retrack.grant_registry; of no use on its own: it gives the privileges of a kind of role without the rows to see';

CREATE FUNCTION retrack.check_registry_owner(registry name, role name) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  owner oid;
BEGIN
  IF registry IS NULL OR role IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'registry and role must not be null';
  END IF;
  PERFORM retrack.check_registry(registry);
  SELECT c.relowner INTO owner FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
  WHERE n.nspname = registry AND c.relname = 'registry_role';
  -- GRANT by another only warns that nothing was granted
  IF NOT pg_has_role(owner, 'USAGE') THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of registry "%s"', registry);
  END IF;
END $fn$;
COMMENT ON FUNCTION retrack.check_registry_owner(name, name) IS
'raises 22004 where an argument is NULL, RTR02 where the schema is no registry, 42501 where the current user does not own it';

CREATE PROCEDURE retrack.grant_registry(registry name, role name, kind text, party text DEFAULT NULL)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $proc$
DECLARE
  known boolean;
BEGIN
  PERFORM retrack.check_registry_owner(registry, role);
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('role "%s" does not exist', role);
  END IF;
  IF kind IS NULL OR kind NOT IN ('producer', 'regulator', 'analyst') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('invalid kind of role "%s"', kind),
      HINT = 'Kinds are "producer", "regulator" and "analyst".';
  END IF;
  IF (kind = 'producer') <> (party IS NOT NULL) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = CASE kind WHEN 'producer' THEN 'a producer''s role needs a party' ELSE format('a role of kind "%s" has no party', kind) END,
      DETAIL = CASE kind WHEN 'producer' THEN 'It sees and writes the rows of that party only.' ELSE format('Party "%s" was given.', party) END;
  END IF;
  IF party IS NOT NULL THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.party WHERE party_id = $1)', registry) INTO known USING party;
    IF NOT known THEN
      RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation',
        MESSAGE = format('party "%s" is not in registry "%s"', party, registry), HINT = 'Enter the party first.';
    END IF;
  END IF;
  EXECUTE format('INSERT INTO %I.registry_role (role, kind, party_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', registry)
    USING role, kind, party;
  PERFORM retrack.registry_privileges(registry, role, kind);
END $proc$;
COMMENT ON PROCEDURE retrack.grant_registry(name, name, text, text) IS
'Lets a role use a registry as a "producer" (of the party given: sees, inserts and updates that party''s reports only, sees its licences and quotas), a "regulator" (sees everything; enters licences, quotas, control list and other reference data, but no ledger) or an "analyst" (sees volumes, balances, quota usage, lead times: no single report and no client name). A role may be granted several kinds and parties; members of the role see the same. Views of a registry answer only for roles granted so.
Errors: 22004 NULL registry or role; RTR02 no such registry; 42501 the caller does not own it; 42704 no such role; 22023 unknown kind, a producer without or another with a party; 23503 unknown party.';

CREATE PROCEDURE retrack.revoke_registry(registry name, role name, kind text DEFAULT NULL, party text DEFAULT NULL)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $proc$
DECLARE
  gone bigint;
  k text;
BEGIN
  PERFORM retrack.check_registry_owner(registry, role);
  EXECUTE format('DELETE FROM %I.registry_role WHERE role = $1 AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR party_id = $3)', registry)
    USING role, kind, party;
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', registry, role);
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', registry, role);
    FOR k IN EXECUTE format('SELECT DISTINCT kind FROM %I.registry_role WHERE role = $1', registry) USING role LOOP
      PERFORM retrack.registry_privileges(registry, role, k);
    END LOOP;
  END IF;
  IF gone = 0 THEN
    RAISE WARNING USING ERRCODE = '01006',
      MESSAGE = format('role "%s" had no such part in registry "%s"', role, registry);
  END IF;
END $proc$;
COMMENT ON PROCEDURE retrack.revoke_registry(name, name, text, text) IS
'Takes back what grant_registry gave: all of it, or one kind, or a producer''s one party; then the privileges on the registry''s schema and tables are those of the kinds that are left. Works for a role that has been dropped. Warns (01006) where there was nothing to take back.
Errors: 22004 NULL registry or role; RTR02 no such registry; 42501 the caller does not own it.';
