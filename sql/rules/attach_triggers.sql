CREATE FUNCTION retrack.trigger_arguments(trigger oid) RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.trigger_arguments(oid) IS
  'arguments of the trigger (pg_trigger.oid), as they were given to CREATE TRIGGER; NULL if there is no such trigger';

CREATE FUNCTION retrack.rule_argument(arguments text[], keyword text, fallback text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT substr(a, length(keyword) + 2) FROM unnest(arguments) a
                   WHERE starts_with(a, keyword || '=') LIMIT 1), fallback)
$$;
COMMENT ON FUNCTION retrack.rule_argument(text[], text, text) IS
  'value of ''keyword=value'' among a rule trigger''s arguments, or the fallback';

CREATE FUNCTION retrack.rule_columns() RETURNS TABLE (proname name, keyword text, name text, required boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  VALUES
    ('enforce_licence'::name, 'date', 'shipped_on', true), ('enforce_licence', 'exporter', 'exporter', true), ('enforce_licence', 'consignee', 'consignee', false),
    ('enforce_licence', 'end_user', 'end_user', false), ('enforce_licence', 'destination', 'destination', true), ('enforce_licence', 'licence', 'licence', true),
    ('enforce_licence', 'control_code', 'control_code', true), ('enforce_licence', 'hs_code', 'hs_code', false), ('enforce_licence', 'form', 'form', true),
    ('enforce_licence', 'assay', 'assay', true), ('enforce_licence', 'mass', 'net_mass', true), ('enforce_licence', 'withdrawn', 'withdrawn', false),
    ('enforce_quota', 'date', 'produced_on', true), ('enforce_quota', 'facility', 'facility_id', true), ('enforce_quota', 'stage', 'stage', true),
    ('enforce_quota', 'ore_class', 'ore_class', false), ('enforce_quota', 'assay', 'assay', true), ('enforce_quota', 'mass', 'mass', true),
    ('enforce_quota', 'withdrawn', 'withdrawn', false)
$$;
COMMENT ON FUNCTION retrack.rule_columns() IS
  'the columns that each rule''s trigger reads: by which argument they are named, their names without it, and whether the rule can do without';

-- The relation and, if it is partitioned, everything below it: a direct insert into a partition
-- fires the partition's triggers only, one through the parent the parent's only.
CREATE FUNCTION retrack.trigger_targets(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT relation
  UNION
  SELECT t.relid FROM pg_partition_tree(relation) t
$$;
COMMENT ON FUNCTION retrack.trigger_targets(regclass) IS 'the relation and all partitions below it';

CREATE FUNCTION retrack.attach_triggers(relation regclass, rule text, VARIADIC arguments text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  target regclass;
  call text;
  event text;
  tables text;
BEGIN
  IF relation IS NULL OR rule IS NULL OR rule NOT IN ('licence', 'quota', 'journal') THEN
    RAISE EXCEPTION 'invalid rule: "%"', rule
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Rules are licence, quota and journal.';
  END IF;
  SELECT CASE rule WHEN 'journal' THEN 'retrack.journal_changes' ELSE 'retrack.enforce_' || rule END
         || '(' || coalesce(string_agg(quote_literal(a), ', ' ORDER BY i), '') || ')'
  INTO call FROM unnest(arguments) WITH ORDINALITY u (a, i);
  FOR target IN SELECT retrack.trigger_targets(relation) LOOP
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
      tables := CASE event WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows'
                           WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows'
                           WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
                           ELSE '' END;
      -- the journal would note that it was off
      IF rule <> 'journal' AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = target AND t.tgname = 'retrack_' || rule || '_' || event) THEN
        EXECUTE format('DROP TRIGGER %I ON %s', 'retrack_' || rule || '_' || event, target);
      END IF;
      EXECUTE format('CREATE OR REPLACE TRIGGER %I %s %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s',
                     'retrack_' || rule || '_' || event,
                     CASE event WHEN 'truncate' THEN 'BEFORE' ELSE 'AFTER' END, event, target, tables, call);
    END LOOP;
  END LOOP;
END $fn$;
COMMENT ON FUNCTION retrack.attach_triggers(regclass, text, text[]) IS
  'attaches the triggers of a rule (licence, quota, journal) to a table and all its partitions, in place of those it had; further arguments are the triggers'', such as ''registry=trade'', ''mode=record'', ''mass=kilos''. The table''s owner needs REFERENCES on the registry''s licence_item, quota or journal, or the triggers refuse every change (42501). Partitions made or attached later get the same triggers. Rows that are there already are not booked by it: retrack.rebook_ledger does that, also after other arguments (stages, allotment, columns) gave rows another meaning';
