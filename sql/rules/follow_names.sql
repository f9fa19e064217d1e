-- Open violations name a row by table and key, and such a row gives nothing back. So the name must follow
-- the table: ALTER TABLE ... RENAME, SET SCHEMA, ATTACH and DETACH PARTITION, ALTER SCHEMA ... RENAME.

-- The topmost table above a partition, one that is being detached included.
CREATE FUNCTION retrack.topmost_table(relation regclass) RETURNS regclass
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE up (relid, height) AS (
    SELECT relation::oid, 0
    UNION ALL
    SELECT i.inhparent, up.height + 1 FROM up JOIN pg_class c ON c.oid = up.relid AND c.relispartition
    JOIN pg_inherits i ON i.inhrelid = up.relid)
  SELECT relid::regclass FROM up ORDER BY height DESC LIMIT 1
$$;
COMMENT ON FUNCTION retrack.topmost_table(regclass) IS
  'the table at the top of the partitions the relation is one of, or itself; NULL for NULL';

CREATE FUNCTION retrack.table_name(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
$$;
COMMENT ON FUNCTION retrack.table_name(regclass) IS
  'schema.table as violations and journal name it, without quotes; NULL if there is no such table';

CREATE FUNCTION retrack.key_columns(relation regclass, key text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attnum || ':' || a.atttypid ORDER BY k.i)
  FROM (SELECT u.i, u.attnum FROM pg_index x, unnest(x.indkey::int2[]) WITH ORDINALITY u (attnum, i)
        WHERE key IS NULL AND x.indrelid = relation AND x.indisprimary AND u.i <= x.indnkeyatts
        UNION ALL
        SELECT n.i, c.attnum FROM unnest(string_to_array(key, ',')) WITH ORDINALITY n (name, i)
        LEFT JOIN pg_attribute c ON c.attrelid = relation AND c.attname = n.name AND NOT c.attisdropped) k
  LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = k.attnum
$$;
COMMENT ON FUNCTION retrack.key_columns(regclass, text) IS
  'numbers and types of the columns by which a rule knows the table''s rows, which outlast new names; key is the triggers'' argument, or NULL for the primary key. NULL if there are none';

CREATE FUNCTION retrack.records_rows(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_partition_tree(relation) p JOIN pg_trigger t ON t.tgrelid = p.relid JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE f.pronamespace = 'retrack'::regnamespace AND f.proname IN ('enforce_licence', 'enforce_quota')
      AND retrack.rule_argument(retrack.trigger_arguments(t.oid), 'mode', 'reject') = 'record')
$$;
COMMENT ON FUNCTION retrack.records_rows(regclass) IS
  'whether a rule with mode=record watches the table or one of its partitions: partitions of such a table are not detached concurrently; NULL for NULL';

CREATE FUNCTION retrack.noted_sources() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_agg(x) FROM (
    SELECT DISTINCT ON (t.tgrelid, t.tgfoid) t.tgrelid AS relid, t.tgrelid::regclass::text AS name, t.tgfoid AS rule, r.oid AS registry,
      retrack.topmost_table(t.tgrelid)::oid AS root, retrack.table_name(retrack.topmost_table(t.tgrelid)) AS root_name,
      retrack.key_columns(t.tgrelid, retrack.rule_argument(a.arguments, 'key', NULL)) AS key
    FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid
    CROSS JOIN LATERAL (SELECT retrack.trigger_arguments(t.oid) AS arguments) a
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_namespace r ON r.nspname = retrack.rule_argument(a.arguments, 'registry', n.nspname)
    WHERE p.pronamespace = 'retrack'::regnamespace AND p.proname IN ('enforce_licence', 'enforce_quota')
      AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
    ORDER BY t.tgrelid, t.tgfoid, t.oid) x
$$;
COMMENT ON FUNCTION retrack.noted_sources() IS
  'step of follow_names: the tables that draw on ledgers, with their names and keys of now; NULL if there are none';

CREATE FUNCTION retrack.moved_sources(noted jsonb)
RETURNS TABLE (registry oid, name text, rules text, old_name text, new_name text, new_key boolean, row_keys text)
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  source record;
  argument text;
  columns text[];
  root regclass;
BEGIN
  FOR source IN
    SELECT s.*, n.nspname FROM jsonb_to_recordset(noted)
      AS s (relid oid, name text, rule oid, registry oid, root oid, root_name text, key text[])
    JOIN pg_namespace n ON n.oid = s.registry
    WHERE EXISTS (SELECT FROM pg_class v WHERE v.relnamespace = n.oid AND v.relname = 'violation')
  LOOP
    root := retrack.topmost_table(source.relid);
    IF retrack.table_name(source.relid) IS NULL THEN
      RAISE WARNING 'table "%" is gone: what its rows drew on registry "%" stays drawn', source.name, source.nspname
        USING HINT = format('retrack.verify_ledger(%1$L) shows it, retrack.rebook_ledger(%1$L) gives it back.', source.nspname);
      CONTINUE;
    END IF;
    SELECT a.value, retrack.key_columns(source.relid, a.value) INTO argument, columns
    FROM pg_trigger t CROSS JOIN LATERAL retrack.rule_argument(retrack.trigger_arguments(t.oid), 'key', NULL) a (value)
    WHERE t.tgrelid = source.relid AND t.tgfoid = source.rule
    ORDER BY retrack.key_columns(source.relid, a.value) IS DISTINCT FROM source.key DESC LIMIT 1;
    new_key := FOUND AND source.key IS NOT NULL AND columns IS DISTINCT FROM source.key;
    CONTINUE WHEN NOT FOUND OR NOT new_key AND retrack.table_name(root) = source.root_name;
    registry := source.registry;
    name := source.relid::regclass::text;
    rules := CASE WHEN source.rule = 'retrack.enforce_licence()'::regprocedure THEN 'RTL' ELSE 'RTQ' END;
    old_name := source.root_name;
    new_name := retrack.table_name(root);
    row_keys := CASE WHEN root::oid <> source.root THEN
      format('SELECT %s FROM %s t', retrack.row_key_expression(source.relid, argument), source.relid::regclass) END;
    RETURN NEXT;
  END LOOP;
END $fn$;
COMMENT ON FUNCTION retrack.moved_sources(jsonb) IS
  'step of follow_names: of the noted tables those whose rows violations name otherwise now: because the topmost table has another name, or is another one (row_keys then queries the rows that went along), or because the key is another one. Warns of dropped tables, whose rows stay drawn';

CREATE FUNCTION retrack.note_names() RETURNS event_trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.note_names() IS
  'event trigger of ddl_command_start: notes what the tables that draw on ledgers are called, for retrack.follow_names. DETACH PARTITION CONCURRENTLY is refused where rows can be recorded (0A000)';

CREATE FUNCTION retrack.follow_names() RETURNS event_trigger
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC' AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.follow_names() IS
  'event trigger of ddl_command_end: when a table with recorded violations got another name, schema or parent, its violations follow it; another key for such a table is refused (55000); the drop of a table that drew on a ledger warns';

CREATE EVENT TRIGGER retrack_note_names ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA', 'CREATE TRIGGER', 'DROP TABLE', 'DROP SCHEMA')
  EXECUTE FUNCTION retrack.note_names();
COMMENT ON EVENT TRIGGER retrack_note_names IS 'notes what the tables that draw on ledgers are called: see retrack.note_names';
CREATE EVENT TRIGGER retrack_follow_names ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA', 'CREATE TRIGGER', 'DROP TABLE', 'DROP SCHEMA')
  EXECUTE FUNCTION retrack.follow_names();
COMMENT ON EVENT TRIGGER retrack_follow_names IS 'lets recorded violations follow their tables: see retrack.follow_names';
