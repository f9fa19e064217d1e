-- Open violations name a row by table and key, and such a row gives nothing back. So the name must follow
-- the table: ALTER TABLE (or INDEX, which renames tables, too; or VIEW and the like, which rename their
-- columns) ... RENAME, SET SCHEMA, ATTACH and DETACH PARTITION, ALTER SCHEMA ... RENAME, ALTER EXTENSION ...
-- SET SCHEMA. The same goes for entries of the journal, see journal_names.sql.

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

-- Types of which each value of one reads the same as the same value of the other.
CREATE FUNCTION retrack.plain_type(type oid) RETURNS regtype
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN type::regtype = ANY ('{int2,int4,int8}'::regtype[]) THEN 'int8'::regtype
              WHEN type = 'varchar'::regtype THEN 'text'::regtype ELSE type::regtype END
$$;
COMMENT ON FUNCTION retrack.plain_type(oid) IS
  'the type, but int8 for all integers and text for varchar, whose values mean and read the same';

CREATE FUNCTION retrack.key_columns(relation regclass, key text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attnum || ':' || retrack.plain_type(a.atttypid)::oid ORDER BY k.i)
  FROM unnest(retrack.key_names(relation, key)) WITH ORDINALITY k (name, i)
  LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname = k.name AND NOT a.attisdropped
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

CREATE FUNCTION retrack.is_watched(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE t.tgrelid = relation AND f.pronamespace = 'retrack'::regnamespace AND NOT t.tgisinternal)
$$;
COMMENT ON FUNCTION retrack.is_watched(regclass) IS
  'whether the table has triggers of the rules or the journal: it cannot inherit, be inherited from or become unlogged; NULL for NULL';

CREATE FUNCTION retrack.journalled_in(schema oid) RETURNS SETOF oid
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT t.tgrelid FROM pg_trigger t JOIN pg_class c ON c.oid = retrack.topmost_table(t.tgrelid)
  WHERE t.tgfoid = 'retrack.journal_changes()'::regprocedure AND c.relnamespace = schema ORDER BY 1
$$;
COMMENT ON FUNCTION retrack.journalled_in(oid) IS
  'step of follow_names: the tables, and partitions, whose rows are journalled under the schema''s name';

CREATE FUNCTION retrack.columns_read(relation regclass, rule oid, arguments text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(c.keyword || '=' || a.attnum || ':' || retrack.plain_type(a.atttypid)::oid, ' ' ORDER BY c.keyword)
  FROM pg_proc p JOIN retrack.rule_columns() c ON c.proname = p.proname
  JOIN pg_attribute a ON a.attrelid = relation AND NOT a.attisdropped AND a.attname = retrack.rule_argument(arguments, c.keyword, c.name)
  WHERE p.oid = rule
$$;
COMMENT ON FUNCTION retrack.columns_read(regclass, oid, text[]) IS
  'numbers and types of the columns that the rule (its trigger function) reads of the table''s rows, with their keywords: other ones give the rows another meaning';

CREATE FUNCTION retrack.unwatched_partitions(relation regclass, rule oid) RETURNS oid[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(p.relid::oid ORDER BY p.relid::oid) FROM pg_partition_tree(relation) p
  WHERE p.isleaf AND p.relid <> relation AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = p.relid AND t.tgfoid = rule)
$$;
COMMENT ON FUNCTION retrack.unwatched_partitions(regclass, oid) IS
  'partitions without a trigger of that function: their rows count while they belong to the table, and only then; NULL if there are none';

CREATE FUNCTION retrack.noted_sources(computed text[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH source AS MATERIALIZED (
    SELECT DISTINCT ON (t.tgrelid, t.tgfoid) t.oid, t.tgrelid, t.tgfoid, p.proname, c.relfilenode, n.nspname
    FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE p.pronamespace = 'retrack'::regnamespace AND p.proname IN ('enforce_licence', 'enforce_quota')
      AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
      AND EXISTS (SELECT FROM pg_namespace r WHERE r.nspname = retrack.rule_argument(retrack.trigger_arguments(t.oid), 'registry', n.nspname))
    ORDER BY t.tgrelid, t.tgfoid, t.oid)
  SELECT jsonb_agg(x) FROM (
    SELECT t.tgrelid AS relid, t.tgrelid::regclass::text AS name, t.tgfoid AS rule, r.oid AS registry,
      retrack.topmost_table(t.tgrelid)::oid AS root, retrack.table_name(retrack.topmost_table(t.tgrelid)) AS root_name,
      retrack.key_columns(t.tgrelid, retrack.rule_argument(a.arguments, 'key', NULL)) AS key,
      retrack.columns_read(t.tgrelid, t.tgfoid, a.arguments) AS columns, CASE WHEN computed IS NOT NULL AND EXISTS (
        SELECT FROM retrack.rule_columns() k
        WHERE k.proname = t.proname AND retrack.rule_argument(a.arguments, k.keyword, k.name) = ANY (computed)) THEN t.relfilenode END AS filenode,
      retrack.unwatched_partitions(t.tgrelid, t.tgfoid) AS partitions
    FROM source t CROSS JOIN LATERAL (SELECT retrack.trigger_arguments(t.oid) AS arguments) a
    JOIN pg_namespace r ON r.nspname = retrack.rule_argument(a.arguments, 'registry', t.nspname)) x
$$;
COMMENT ON FUNCTION retrack.noted_sources(text[]) IS
  'step of follow_names: the tables that draw on ledgers, with what they, their keys, columns and partitions are now, and their files if rules read one of the columns for which the command says what their values become; NULL if there are none';

-- Rules see no row when the columns they read become other ones, when a column's values are rewritten, or
-- when a partition without triggers comes or goes.
CREATE FUNCTION retrack.counted_otherwise(relation regclass, rule oid, columns_before text, filenode_before oid, partitions_before oid[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  arguments text[];
  partition regclass;
  filled boolean;
BEGIN
  SELECT retrack.trigger_arguments(t.oid) INTO arguments FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgfoid = rule ORDER BY t.oid LIMIT 1;
  IF FOUND AND retrack.columns_read(relation, rule, arguments) IS DISTINCT FROM columns_before
     OR filenode_before IS DISTINCT FROM (SELECT c.relfilenode FROM pg_class c WHERE c.oid = relation AND filenode_before IS NOT NULL) THEN
    RETURN retrack.table_name(retrack.topmost_table(relation));
  END IF;
  FOR partition IN
    SELECT coalesce(b.id, n.id) FROM unnest(partitions_before) b (id) FULL JOIN unnest(retrack.unwatched_partitions(relation, rule)) n (id) ON n.id = b.id
    WHERE (b.id IS NULL OR n.id IS NULL)
      AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = coalesce(b.id, n.id) AND t.tgfoid = rule)
  LOOP
    IF retrack.table_name(partition) IS NULL THEN
      RETURN retrack.table_name(retrack.topmost_table(relation));
    END IF;
    filled := true;
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = partition AND c.relkind = 'r') THEN
      EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', partition) INTO filled;
    END IF;
    IF filled THEN
      RETURN retrack.table_name(partition);
    END IF;
  END LOOP;
  RETURN NULL;
END $fn$;
COMMENT ON FUNCTION retrack.counted_otherwise(regclass, oid, text, oid, oid[]) IS
  'step of follow_names: the table, or partition, whose rows a command may have given another meaning for the rule (its trigger function) than they were booked with; NULL if there is none';

CREATE FUNCTION retrack.moved_sources(noted jsonb)
RETURNS TABLE (registry oid, name text, rules text, old_name text, new_name text, new_key boolean, row_keys text)
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  source record;
  argument text;
  key_now text[];
  root regclass;
  admitted boolean;
  otherwise text;
  told text[] := '{}';
BEGIN
  FOR source IN
    SELECT s.*, n.nspname FROM jsonb_to_recordset(noted)
      AS s (relid oid, name text, rule oid, registry oid, root oid, root_name text, key text[], columns text, filenode oid, partitions oid[])
    JOIN pg_namespace n ON n.oid = s.registry
    WHERE EXISTS (SELECT FROM pg_class v WHERE v.relnamespace = n.oid AND v.relname = 'violation')
  LOOP
    root := retrack.topmost_table(source.relid);
    IF retrack.table_name(source.relid) IS NULL THEN
      -- once for a table, not for each rule or partition that went with it
      CONTINUE WHEN source.relid <> source.root AND retrack.table_name(source.root) IS NULL
          AND noted @> jsonb_build_array(jsonb_build_object('relid', source.root, 'registry', source.registry))
        OR source.relid || source.nspname = ANY (told);
      told := told || (source.relid || source.nspname);
      RAISE WARNING 'table "%" is gone: what its rows drew on registry "%" stays drawn', source.name, source.nspname
        USING HINT = format('retrack.verify_ledger(%1$L) shows it, retrack.rebook_ledger(%1$L) gives it back.', source.nspname);
      CONTINUE;
    END IF;
    -- Whoever the registry does not admit can have triggers, too, but reading a table can run its owner's code.
    SELECT has_table_privilege(c.relowner, l.oid, 'REFERENCES') INTO admitted FROM pg_class c, pg_class l
    WHERE c.oid = source.relid AND l.relnamespace = source.registry
      AND l.relname = CASE WHEN source.rule = 'retrack.enforce_licence()'::regprocedure THEN 'licence_item' ELSE 'quota' END;
    admitted := FOUND AND admitted;
    otherwise := CASE WHEN admitted THEN
      retrack.counted_otherwise(source.relid, source.rule, source.columns, source.filenode, source.partitions) END;
    IF otherwise IS NOT NULL AND otherwise || source.nspname <> ALL (told) THEN
      RAISE WARNING 'rows of table "%" may count otherwise on registry "%" than they were booked', otherwise, source.nspname
        USING HINT = format('retrack.verify_ledger(%1$L) shows the difference, retrack.rebook_ledger(%1$L) settles it.', source.nspname);
      told := told || (otherwise || source.nspname);
    END IF;
    SELECT a.value, retrack.key_columns(source.relid, a.value) INTO argument, key_now
    FROM pg_trigger t CROSS JOIN LATERAL retrack.rule_argument(retrack.trigger_arguments(t.oid), 'key', NULL) a (value)
    WHERE t.tgrelid = source.relid AND t.tgfoid = source.rule
    ORDER BY retrack.key_columns(source.relid, a.value) IS DISTINCT FROM source.key DESC LIMIT 1;
    new_key := FOUND AND source.key IS NOT NULL AND key_now IS DISTINCT FROM source.key;
    CONTINUE WHEN NOT FOUND OR NOT new_key AND (retrack.table_name(root) = source.root_name OR root::oid <> source.root AND NOT admitted);
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
  'step of follow_names: of the noted tables those whose rows violations name otherwise now: because the topmost table has another name, or is another one (row_keys then queries the rows that went along), or because the key is another one. Warns of dropped tables, whose rows stay drawn, and of rows that may count otherwise than they were booked';

CREATE FUNCTION retrack.watch_partitions(parent regclass) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  missing record;
BEGIN
  FOR missing IN
    SELECT p.relid, r.rule, r.arguments, c.relpersistence
    FROM (SELECT DISTINCT ON (f.oid) f.oid, CASE f.proname WHEN 'journal_changes' THEN 'journal' ELSE substr(f.proname, 9) END AS rule,
            retrack.trigger_arguments(t.oid) AS arguments
          FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
          WHERE t.tgrelid = parent AND f.pronamespace = 'retrack'::regnamespace AND f.proname IN ('enforce_licence', 'enforce_quota', 'journal_changes')
          ORDER BY f.oid, t.oid DESC) r
    CROSS JOIN pg_partition_tree(parent) p JOIN pg_class c ON c.oid = p.relid
    WHERE p.relid <> parent AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = p.relid AND t.tgfoid = r.oid)
  LOOP
    IF missing.relpersistence <> 'p' THEN
      RAISE EXCEPTION 'rules cannot watch table "%", which is unlogged', missing.relid
        USING ERRCODE = 'feature_not_supported', DETAIL = 'Its rows can vanish without being given back.';
    END IF;
    PERFORM retrack.attach_triggers(missing.relid, missing.rule, VARIADIC missing.arguments);
  END LOOP;
END $fn$;
COMMENT ON FUNCTION retrack.watch_partitions(regclass) IS
  'step of follow_names: attaches the triggers of the rules and the journal that a table has to those of its partitions that lack them, with the same arguments; unlogged ones are refused (0A000)';

CREATE FUNCTION retrack.note_names() RETURNS event_trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.note_names() IS
  'event trigger of ddl_command_start: notes what the tables that draw on ledgers or are journalled are called, for retrack.follow_names. DETACH PARTITION CONCURRENTLY is refused where rows can be recorded, and that watched tables inherit or become unlogged (0A000)';

CREATE FUNCTION retrack.follow_names() RETURNS event_trigger
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.follow_names() IS
  'event trigger of ddl_command_end: when a table with recorded violations got another name, schema or parent, its violations follow it; another key for such a table is refused (55000); the drop of a table that drew on a ledger warns, and so does what may make its rows count otherwise than they were booked. What changes of a journalled table''s name, columns, key and partitions becomes an entry of its journal (op alter). A new partition gets the triggers of the rules and the journal that the table above it has';

CREATE EVENT TRIGGER retrack_note_names ON ddl_command_start WHEN TAG IN
  ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER TYPE', 'ALTER SCHEMA', 'ALTER EXTENSION',
   'CREATE TABLE', 'CREATE TRIGGER', 'DROP TRIGGER', 'DROP TABLE', 'DROP TYPE', 'DROP DOMAIN', 'DROP SCHEMA', 'DROP OWNED')
  EXECUTE FUNCTION retrack.note_names();
COMMENT ON EVENT TRIGGER retrack_note_names IS 'notes what the tables that draw on ledgers or are journalled are called: see retrack.note_names';
CREATE EVENT TRIGGER retrack_follow_names ON ddl_command_end WHEN TAG IN
  ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER TYPE', 'ALTER SCHEMA', 'ALTER EXTENSION',
   'CREATE TABLE', 'CREATE TRIGGER', 'DROP TRIGGER', 'DROP TABLE', 'DROP TYPE', 'DROP DOMAIN', 'DROP SCHEMA', 'DROP OWNED')
  EXECUTE FUNCTION retrack.follow_names();
COMMENT ON EVENT TRIGGER retrack_follow_names IS 'lets recorded violations and the journal follow their tables: see retrack.follow_names';
