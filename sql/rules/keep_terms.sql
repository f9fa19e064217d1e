CREATE FUNCTION retrack.keep_terms() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.keep_terms() IS
  'row trigger of licence, licence_item, licence_party and licence_status: refuses changes of ledger columns by hand (RTL15), waits for draws under way, and judges the rows that drew on a changed licence by its new terms (RTL14, or recorded with ''mode=record'')';

CREATE FUNCTION retrack.keep_quotas() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.keep_quotas() IS
  'trigger of quota, party and facility: refuses changes of quota.drawn by hand (RTL15), keeps producers out while the tree of quotas changes, recomputes the quotas concerned, and compares grants with what is drawn (RTQ06) and what is allotted to members (RTQ07), or records it with ''mode=record''';

CREATE FUNCTION retrack.keep_controls() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.keep_controls() IS
  'statement trigger of control_list, before and after: makes every session read the list again, this one also after a rollback';

CREATE FUNCTION retrack.rules_at_work() RETURNS boolean
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.rules_at_work() IS
  'whether it is the rules that are changing the violation table: for the condition of its trigger';

-- An open violation says that its row draws on nothing: closing, opening or losing one by hand would
-- change what the row gives back.
CREATE FUNCTION retrack.keep_violations() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  kept_row text;  -- of an open violation that is none of the statement's business
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    EXECUTE format($sql$SELECT v.relation || ' ' || v.row_key FROM %1$I.violation v
      WHERE retrack.violation_is_kept(%1$L, v.relation, v.rule, v.resolved_at) LIMIT 1$sql$, TG_TABLE_SCHEMA) INTO kept_row;
  ELSIF TG_OP = 'UPDATE' AND (OLD.rule, OLD.relation, OLD.row_key, OLD.resolved_at) IS NOT DISTINCT FROM (NEW.rule, NEW.relation, NEW.row_key, NEW.resolved_at) THEN
    RETURN NEW;
  ELSE
    IF TG_OP <> 'INSERT' AND retrack.violation_is_kept(TG_TABLE_SCHEMA, OLD.relation, OLD.rule, OLD.resolved_at) THEN
      kept_row := OLD.relation || ' ' || OLD.row_key;
    END IF;
    IF TG_OP <> 'DELETE' AND retrack.violation_is_kept(TG_TABLE_SCHEMA, NEW.relation, NEW.rule, NEW.resolved_at) THEN
      kept_row := NEW.relation || ' ' || NEW.row_key;
    END IF;
  END IF;
  IF kept_row IS NOT NULL THEN
    RAISE EXCEPTION 'open violations are kept by the rules'
      USING ERRCODE = 'RTL15', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            DETAIL = format('Row %s draws on no ledger while its violation is open.', kept_row),
            HINT = 'Correct or delete that row: this resolves its violations.';
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  RETURN NEW;
END $fn$;
COMMENT ON FUNCTION retrack.keep_violations() IS
  'trigger of violation: open violations of rows that would draw on a ledger are made, resolved and removed by the rules alone (RTL15)';

CREATE FUNCTION retrack.violation_is_kept(registry name, relation text, rule text, resolved_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT resolved_at IS NULL AND rule ~ '^RT[LQ]' AND EXISTS (
    SELECT FROM retrack.ledger_sources(registry, CASE WHEN starts_with(rule, 'RTL') THEN 'licence' ELSE 'quota' END) s
    WHERE retrack.table_name(retrack.topmost_table(s.relation)) = violation_is_kept.relation)
$$;
COMMENT ON FUNCTION retrack.violation_is_kept(name, text, text, timestamptz) IS
  'whether a violation is open and of a row that would draw on the registry''s ledgers';

-- The triggers of the tables that rules read. "mode" is what happens when a change puts stored rows in
-- the wrong: reject refuses the change, record lets it pass and writes violations.
CREATE FUNCTION retrack.attach_licence_triggers(registry name, mode text DEFAULT 'reject') RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  target regclass;
  call text := format('(%L)', 'mode=' || mode);
  event text;
  old_trigger record;
BEGIN
  IF mode NOT IN ('reject', 'record') THEN
    RAISE EXCEPTION 'invalid mode: "%"', mode
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Modes are reject and record.';
  END IF;
  FOR old_trigger IN
    SELECT t.tgname, t.tgrelid::regclass AS rel FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = registry AND t.tgname LIKE 'retrack\_keep\_%'
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', old_trigger.tgname, old_trigger.rel);
  END LOOP;
  FOR target IN SELECT format('%I.%I', registry, t)::regclass
                FROM unnest(ARRAY['licence', 'licence_item', 'licence_party', 'licence_status']) t LOOP
    EXECUTE format('CREATE TRIGGER retrack_keep_ledger BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION retrack.keep_terms', target) || call;
    EXECUTE format('CREATE TRIGGER retrack_keep_terms AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION retrack.keep_terms', target) || call;
  END LOOP;
  EXECUTE format('CREATE TRIGGER retrack_keep_ledger BEFORE INSERT OR UPDATE ON %I.quota FOR EACH ROW EXECUTE FUNCTION retrack.keep_quotas', registry) || call;
  EXECUTE format('CREATE TRIGGER retrack_keep_lock BEFORE INSERT OR UPDATE OR DELETE ON %I.quota FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas', registry) || call;
  EXECUTE format('CREATE TRIGGER retrack_keep_insert AFTER INSERT ON %I.quota REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas', registry) || call;
  EXECUTE format('CREATE TRIGGER retrack_keep_update AFTER UPDATE ON %I.quota REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas', registry) || call;
  EXECUTE format('CREATE TRIGGER retrack_keep_delete AFTER DELETE ON %I.quota REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas', registry) || call;
  FOREACH event IN ARRAY ARRAY['party', 'facility'] LOOP
    EXECUTE format('CREATE TRIGGER retrack_keep_lock BEFORE UPDATE OR DELETE ON %I.%I FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas', registry, event) || call;
    EXECUTE format('CREATE TRIGGER retrack_keep_update AFTER UPDATE ON %I.%I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas', registry, event) || call;
    EXECUTE format('CREATE TRIGGER retrack_keep_delete AFTER DELETE ON %I.%I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas', registry, event) || call;
  END LOOP;
  FOREACH event IN ARRAY ARRAY['licence', 'licence_item', 'licence_party', 'licence_status'] LOOP
    EXECUTE format('CREATE TRIGGER retrack_keep_rows BEFORE TRUNCATE ON %I.%I FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_terms()', registry, event);
  END LOOP;
  EXECUTE format('CREATE TRIGGER retrack_keep_rows BEFORE TRUNCATE ON %I.quota FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_quotas()', registry);
  EXECUTE format('CREATE TRIGGER retrack_keep_open BEFORE INSERT OR UPDATE OR DELETE ON %I.violation FOR EACH ROW WHEN (NOT retrack.rules_at_work()) EXECUTE FUNCTION retrack.keep_violations()', registry);
  EXECUTE format('CREATE TRIGGER retrack_keep_rows BEFORE TRUNCATE ON %I.violation FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_violations()', registry);
  EXECUTE format('CREATE TRIGGER retrack_keep_before BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I.control_list FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_controls()', registry);
  EXECUTE format('CREATE TRIGGER retrack_keep_controls AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I.control_list FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_controls()', registry);
END $fn$;
COMMENT ON FUNCTION retrack.attach_licence_triggers(name, text) IS
  'attaches the triggers of the tables that the rules read (licence, licence_item, licence_party, licence_status, quota, party, facility, control_list) and of violation, in place of those they had; mode is reject (a change that puts stored rows in the wrong is refused) or record (it passes and violations are written)';
