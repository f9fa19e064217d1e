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
  'statement trigger of control_list: makes every session read the list again';

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
    EXECUTE format('CREATE TRIGGER retrack_keep_ledger BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION retrack.keep_terms', target) || call;
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
  END LOOP;
  EXECUTE format('CREATE TRIGGER retrack_keep_controls AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I.control_list FOR EACH STATEMENT EXECUTE FUNCTION retrack.keep_controls()', registry);
END $fn$;
COMMENT ON FUNCTION retrack.attach_licence_triggers(name, text) IS
  'attaches the triggers of the tables that the rules read (licence, licence_item, licence_party, licence_status, quota, party, facility, control_list), in place of those they had; mode is reject (a change that puts stored rows in the wrong is refused) or record (it passes and violations are written)';
