-- The journal knows rows by the table's name and the row's key, and has them under their columns' names, all as of
-- then. What DDL changes of these is an entry of its own (op "alter"), by which rows_as_of reads the older ones.

CREATE FUNCTION retrack.attribute_names(type oid) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE part (oid) AS (
    SELECT type
    UNION
    SELECT n.oid FROM part p JOIN pg_type y ON y.oid = p.oid CROSS JOIN LATERAL (
      SELECT y.typbasetype WHERE y.typtype = 'd'
      UNION ALL
      SELECT y.typelem WHERE y.typelem <> 0
      UNION ALL
      SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped) n (oid))
  SELECT jsonb_object_agg(a.attrelid || '.' || a.attnum, a.attname) FROM part p JOIN pg_type y ON y.oid = p.oid
  JOIN pg_attribute a ON a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION retrack.attribute_names(oid) IS
  'names, by their numbers, of the attributes of a composite type and of all composite types in it, or in an array or domain; NULL for other types';

CREATE FUNCTION retrack.column_shapes(relation regclass) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(a.attnum, jsonb_build_array(a.attname, a.atttypid, a.atttypmod,
    CASE WHEN y.typtype IN ('c', 'd') OR y.typelem <> 0 THEN retrack.attribute_names(y.oid) END))
  FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
  WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION retrack.column_shapes(regclass) IS
  'the table''s columns by number: name, type, type modifier, names of the type''s attributes; NULL if it has none';

CREATE FUNCTION retrack.attributes_renamed(before jsonb, type oid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM jsonb_each_text(CASE jsonb_typeof(before) WHEN 'object' THEN before END) b
                 JOIN jsonb_each_text(retrack.attribute_names(type)) n ON n.key = b.key AND n.value <> b.value)
$$;
COMMENT ON FUNCTION retrack.attributes_renamed(jsonb, oid) IS
  'whether attributes of a type have other names than they had, as attribute_names gives them: rows in JSON have them by their names';

CREATE FUNCTION retrack.named_key(key text[], columns jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_array(columns -> split_part(k, ':', 1) ->> 0, split_part(k, ':', 2)::oid::regtype) ORDER BY i), 'null')
  FROM unnest(key) WITH ORDINALITY u (k, i)
$$;
COMMENT ON FUNCTION retrack.named_key(text[], jsonb) IS
  'a key as key_columns gives it by the names of its columns, as column_shapes gives them: an array of names and types, null if there is no key';

CREATE FUNCTION retrack.partitions_of(relation regclass) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_object_agg(p.relid::oid, retrack.table_name(p.relid)), '{}') FROM pg_partition_tree(relation) p WHERE p.relid <> relation
$$;
COMMENT ON FUNCTION retrack.partitions_of(regclass) IS 'names of the partitions below the table by their OIDs';

CREATE FUNCTION retrack.files_of(relation regclass) RETURNS oid[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(c.relfilenode ORDER BY c.oid) FROM pg_class c
  WHERE c.oid = relation OR c.oid IN (SELECT p.relid FROM pg_partition_tree(relation) p)
$$;
COMMENT ON FUNCTION retrack.files_of(regclass) IS 'files of the table and its partitions: others where their rows were written anew';

-- A table's rows are journalled through each of its partitions: those that are written to directly fire their own triggers only.
CREATE FUNCTION retrack.journalled_parts(relation regclass) RETURNS jsonb
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_object_agg(x.tgrelid, retrack.table_name(x.tgrelid)), '{}') FROM (
    SELECT t.tgrelid FROM pg_trigger t
    WHERE t.tgrelid IN (SELECT retrack.trigger_targets(relation)) AND t.tgfoid = 'retrack.journal_changes()'::regprocedure AND t.tgenabled IN ('O', 'A')
    -- tgtype bits: 4 insert, 8 delete, 16 update
    GROUP BY t.tgrelid HAVING bit_or(t.tgtype) & 28 = 28) x
$$;
COMMENT ON FUNCTION retrack.journalled_parts(regclass) IS
  'names, by their OIDs, of the table and those of its partitions of which the journal''s triggers are at work for each event';

-- The key argument that counts is the newest trigger's: attach_triggers replaces one after the other.
CREATE FUNCTION retrack.noted_journalled(altered oid[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH journalled AS MATERIALIZED (
    SELECT DISTINCT ON (t.tgrelid) t.oid, t.tgrelid, c.relowner, n.nspname
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgfoid = 'retrack.journal_changes()'::regprocedure AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
      AND (altered IS NULL OR t.tgrelid = ANY (altered) OR t.tgrelid IN (SELECT retrack.topmost_table(a) FROM unnest(altered) a))
    ORDER BY t.tgrelid, t.oid DESC)
  SELECT jsonb_agg(x) FROM (
    SELECT t.tgrelid AS relid, j.oid AS journal, retrack.table_name(t.tgrelid) AS name,
      retrack.key_columns(t.tgrelid, retrack.rule_argument(a.arguments, 'key', NULL)) AS key, retrack.column_shapes(t.tgrelid) AS columns,
      retrack.files_of(t.tgrelid) AS files, retrack.partitions_of(t.tgrelid) AS partitions, retrack.journalled_parts(t.tgrelid) AS parts
    FROM journalled t CROSS JOIN LATERAL (SELECT retrack.trigger_arguments(t.oid) AS arguments) a
    JOIN pg_namespace r ON r.nspname = retrack.rule_argument(a.arguments, 'registry', t.nspname)
    JOIN pg_class j ON j.relnamespace = r.oid AND j.relname = 'journal' AND has_table_privilege(t.relowner, j.oid, 'REFERENCES')) x
$$;
COMMENT ON FUNCTION retrack.noted_journalled(oid[]) IS
  'step of follow_names: the journalled tables, or those among the ones that a command alters, with what they, their keys, columns and partitions are now; NULL if there are none';

CREATE FUNCTION retrack.journal_alterations(noted jsonb, computed text[])
RETURNS TABLE (registry name, owner oid, altered text, row_key text, facts json)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  t record;
  p record;
  found_facts jsonb;
  key_now text[];
  columns_changed jsonb;
  columns_rewritten jsonb;
  columns_reshaped jsonb;
  filled boolean;
BEGIN
  FOR t IN
    SELECT s.*, r.nspname, j.relowner FROM jsonb_to_recordset(noted)
      AS s (relid oid, journal oid, name text, key text[], columns jsonb, files oid[], partitions jsonb, parts jsonb)
    JOIN pg_class j ON j.oid = s.journal JOIN pg_namespace r ON r.oid = j.relnamespace
    -- workers of pg_restore may take triggers before the keys: a journal that is half restored waits
    WHERE EXISTS (SELECT FROM pg_class h JOIN pg_index i ON i.indrelid = h.oid AND i.indisprimary
                  WHERE h.relnamespace = r.oid AND h.relname = 'journal_head')
  LOOP
    registry := t.nspname;
    owner := t.relowner;
    altered := t.name;
    row_key := coalesce(retrack.table_name(t.relid), t.name);
    IF retrack.table_name(t.relid) IS NULL THEN
      facts := '{"dropped": true}';
      RETURN NEXT;
      CONTINUE;
    END IF;
    SELECT jsonb_object_agg(o.value ->> 0, a.attname) FILTER (WHERE a.attname IS DISTINCT FROM o.value ->> 0),
      jsonb_agg(o.value ->> 0) FILTER (WHERE o.value ->> 0 = ANY (computed)
        OR retrack.plain_type((o.value ->> 1)::oid) <> retrack.plain_type(a.atttypid)
        OR o.value ->> 2 <> a.atttypmod::text AND retrack.plain_type(a.atttypid) <> 'text'::regtype),
      jsonb_agg(o.value ->> 0) FILTER (WHERE retrack.attributes_renamed(o.value -> 3, a.atttypid))
    INTO columns_changed, columns_rewritten, columns_reshaped
    FROM jsonb_each(t.columns) o LEFT JOIN pg_attribute a ON a.attrelid = t.relid AND a.attnum = o.key::int AND NOT a.attisdropped;
    SELECT retrack.key_columns(t.relid, retrack.rule_argument(retrack.trigger_arguments(g.oid), 'key', NULL)) INTO key_now
    FROM pg_trigger g WHERE g.tgrelid = t.relid AND g.tgfoid = 'retrack.journal_changes()'::regprocedure ORDER BY g.oid DESC LIMIT 1;
    found_facts := CASE WHEN columns_changed IS NULL THEN '{}' ELSE jsonb_build_object('columns', columns_changed) END
      || CASE WHEN FOUND AND key_now IS DISTINCT FROM t.key THEN jsonb_build_object('key', retrack.named_key(t.key, t.columns)) ELSE '{}' END
      || CASE WHEN columns_rewritten IS NULL OR retrack.files_of(t.relid) = t.files THEN '{}' ELSE jsonb_build_object('rewritten', columns_rewritten) END
      || CASE WHEN columns_reshaped IS NULL THEN '{}' ELSE jsonb_build_object('reshaped', columns_reshaped) END;
    IF altered <> row_key OR found_facts <> '{}' THEN
      facts := found_facts;
      RETURN NEXT;
    END IF;
    altered := row_key;
    FOR p IN
      SELECT coalesce(b.key, n.key)::oid::regclass AS relid, coalesce(b.value, n.value) AS name, n.key IS NULL AS gone
      FROM jsonb_each_text(t.partitions) b FULL JOIN jsonb_each_text(retrack.partitions_of(t.relid)) n ON n.key = b.key
      WHERE b.key IS NULL OR n.key IS NULL ORDER BY 2
    LOOP
      row_key := p.name;
      facts := json_build_object('partition', CASE WHEN p.gone THEN 'left' ELSE 'joined' END);
      filled := p.gone;
      IF NOT p.gone AND EXISTS (SELECT FROM pg_class c WHERE c.oid = p.relid AND c.relkind <> 'p') THEN
        filled := true;
        IF EXISTS (SELECT FROM pg_class c WHERE c.oid = p.relid AND c.relkind = 'r') THEN
          EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', p.relid) INTO filled;
        END IF;
      END IF;
      IF filled THEN
        RETURN NEXT;
      END IF;
    END LOOP;
    -- partitions that are new have not got their triggers yet
    FOR p IN
      SELECT c.relid, b.key IS NOT NULL AS was, n.key IS NOT NULL AS is
      FROM retrack.trigger_targets(t.relid) c (relid) LEFT JOIN jsonb_each(t.parts) b ON b.key = c.relid::oid::text
      LEFT JOIN jsonb_each(retrack.journalled_parts(t.relid)) n ON n.key = c.relid::oid::text
      WHERE (b.key IS NULL) <> (n.key IS NULL) ORDER BY 1
    LOOP
      row_key := retrack.table_name(p.relid);
      facts := json_build_object('journal', CASE WHEN p.is THEN 'on' ELSE 'off' END, 'table', p.relid::oid);
      RETURN NEXT;
    END LOOP;
  END LOOP;
END $fn$;
COMMENT ON FUNCTION retrack.journal_alterations(jsonb, text[]) IS
  'step of follow_names: what a command changed of the noted tables'' names, columns, keys, partitions and journal''s triggers, as entries for their journals; computed are columns for which it says what their values become';

CREATE FUNCTION retrack.write_alteration(registry name, altered text, row_key text, facts json) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  head record;
  last text;
  former text;
  has_keyless boolean;
  moment timestamptz;
  entry_hash bytea;
BEGIN
  -- triggers are switched on where they have been off, not where they are new; meanwhile nobody followed the table's name
  IF facts ->> 'journal' = 'on' THEN
    EXECUTE format($sql$SELECT j.before ->> 'journal', j.relation FROM %I.journal j
      WHERE j.party = '(DDL)' AND j.op = 'alter' AND j.before ->> 'journal' IS NOT NULL
        AND (j.relation = $1 AND j.row_keys = ARRAY[$2] OR j.before ->> 'table' = $3)
      ORDER BY j.seq DESC LIMIT 1$sql$, registry) INTO last, former USING altered, row_key, facts ->> 'table';
    IF last IS DISTINCT FROM 'off' THEN
      RETURN;
    END IF;
    IF altered = row_key AND former <> altered THEN
      PERFORM retrack.write_alteration(registry, former, altered, '{}');
    END IF;
  END IF;
  -- the first key of a table is news only where rows without one were journalled, and none while pg_restore adds it
  IF json_typeof(facts -> 'key') = 'null' THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.journal j WHERE ''?'' = ANY (j.row_keys))', registry) INTO has_keyless;
    IF NOT has_keyless THEN
      facts := facts::jsonb - 'key';
      IF facts::jsonb = '{}' AND altered = row_key THEN
        RETURN;
      END IF;
    END IF;
  END IF;
  EXECUTE format($sql$INSERT INTO %1$I.journal_head AS h (party, seq, hash) VALUES ('(DDL)', 1, decode(repeat('00', 32), 'hex'))
    ON CONFLICT (party) DO UPDATE SET seq = h.seq + 1 RETURNING h.seq, h.hash$sql$, registry) INTO head;
  moment := clock_timestamp();
  entry_hash := retrack.journal_hash(head.hash, '(DDL)', head.seq, moment, session_user, altered, ARRAY[row_key], 'alter', facts::text, NULL);
  EXECUTE format($sql$INSERT INTO %1$I.journal (party, seq, recorded_at, who, relation, row_keys, op, before, hash)
    VALUES ('(DDL)', $1, $2, $3, $4, ARRAY[$5], 'alter', $6, $7)$sql$, registry)
  USING head.seq, moment, session_user::text, altered, row_key, facts, entry_hash;
  EXECUTE format($sql$UPDATE %1$I.journal_head SET hash = $1 WHERE party = '(DDL)'$sql$, registry) USING entry_hash;
EXCEPTION WHEN syntax_error_or_access_rule_violation OR integrity_constraint_violation OR data_exception THEN
  RAISE EXCEPTION 'the journal of registry "%" cannot note what happens to table "%"', registry, altered
    USING ERRCODE = 'RTR02', DETAIL = format('%s (%s)', SQLERRM, SQLSTATE), SCHEMA = registry,
          HINT = 'Compare its tables journal and journal_head with those that retrack.create_registry makes.';
END $fn$;
COMMENT ON FUNCTION retrack.write_alteration(name, text, text, json) IS
  'step of follow_names: appends an entry on an altered table to the chain (DDL) of the registry''s journal, which no row has: so DDL waits for nobody who changes rows of other tables; for the journal''s owner. RTR02 if the journal cannot be written';

-- From now back to the moment, each stretch of time in which a table's entries have one name, set of columns and key.
CREATE FUNCTION retrack.journal_names(registry name, relation regclass, key jsonb, at timestamptz)
RETURNS TABLE (name text, since timestamptz, until timestamptz, columns jsonb, other_key boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
DECLARE
  e record;
  broken boolean := false;  -- the key's values were written anew
  later text[] := '{}';     -- names in entries later than the one looked at
  notes text[] := '{}';
  reshaped boolean;         -- rows have attributes by their names of then
  why text;
BEGIN
  name := retrack.table_name(relation);
  until := 'infinity';
  other_key := false;
  FOR e IN EXECUTE format($sql$SELECT j.recorded_at, j.relation, j.row_keys[1] AS row_key, j.before::jsonb AS facts FROM %I.journal j
    WHERE j.party = '(DDL)' AND j.op = 'alter' AND j.recorded_at > $1 ORDER BY j.seq DESC$sql$, registry) USING at
  LOOP
    IF e.facts ? 'journal' THEN
      IF e.relation = name THEN
        notes := notes || format('Its journal was switched %s at %s%s.', e.facts ->> 'journal', e.recorded_at, CASE WHEN e.row_key <> name THEN format(' on partition "%s"', e.row_key) END);
      END IF;
    ELSIF e.facts ? 'partition' THEN
      IF e.relation = name THEN
        notes := notes || format('Partition "%s" %s it at %s.', e.row_key, e.facts ->> 'partition', e.recorded_at);
      ELSIF e.row_key = name AND e.facts ->> 'partition' = 'left' THEN
        why := format('It was a partition of "%s" until %s.', e.relation, e.recorded_at);
      END IF;
    ELSIF e.row_key = name AND NOT e.facts ? 'dropped' THEN
      since := e.recorded_at;
      RETURN NEXT;
      -- A statement that met ALTER SCHEMA ... RENAME writes the old name a little longer, so it is ours while nobody else has it.
      until := CASE WHEN e.relation = name OR e.relation = ANY (later)
        OR EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname || '.' || c.relname = e.relation)
        THEN e.recorded_at ELSE 'infinity' END;
      name := e.relation;
      IF e.facts ? 'columns' THEN
        SELECT coalesce(columns, '{}') || jsonb_object_agg(c.key, coalesce(columns -> (c.value #>> '{}'), c.value)) INTO columns
        FROM jsonb_each(e.facts -> 'columns') c;
      END IF;
      IF e.facts ? 'rewritten' THEN
        notes := notes || format('Columns %s were given other values by ALTER TABLE at %s.', e.facts -> 'rewritten', e.recorded_at);
        broken := broken OR EXISTS (SELECT FROM jsonb_array_elements(key) k, jsonb_array_elements_text(e.facts -> 'rewritten') r
                                    WHERE coalesce(columns ->> r, r) = k ->> 0);
      END IF;
      IF e.facts ? 'reshaped' THEN
        EXECUTE format($sql$SELECT EXISTS (SELECT FROM %I.journal j
          WHERE j.relation = $1 AND j.recorded_at > $2 AND j.recorded_at <= $3 AND j.before IS NOT NULL AND j.op <> 'alter')$sql$, registry)
        INTO reshaped USING name, at, e.recorded_at;
        IF reshaped THEN
          why := format('Attributes of the types of its columns %s were renamed at %s.', e.facts -> 'reshaped', e.recorded_at);
        END IF;
      END IF;
      IF e.facts ? 'key' THEN
        other_key := jsonb_typeof(e.facts -> 'key') = 'null' OR key IS DISTINCT FROM (
          SELECT jsonb_agg(jsonb_build_array(coalesce(columns ->> (k.part ->> 0), k.part ->> 0), k.part ->> 1) ORDER BY k.i)
          FROM jsonb_array_elements(e.facts -> 'key') WITH ORDINALITY k (part, i));
      END IF;
      other_key := other_key OR broken;
    ELSIF e.relation = name THEN
      why := CASE WHEN e.facts ? 'dropped' THEN format('The table of that name was dropped at %s; this one was made later.', e.recorded_at)
                  ELSE format('Until %s that was the name of the table "%s".', e.recorded_at, e.row_key) END;
    END IF;
    IF why IS NOT NULL THEN
      RAISE EXCEPTION 'rows that table "%" had at % are not known', relation, at
        USING ERRCODE = 'RTJ02', DETAIL = why,
              HINT = format('What was journalled as "%s" by then is in %I.journal_row.', CASE WHEN e.facts ? 'partition' THEN e.relation ELSE name END, registry);
    END IF;
    later := later || ARRAY[e.relation, e.row_key];
  END LOOP;
  since := '-infinity';
  RETURN NEXT;
  IF notes <> '{}' THEN
    RAISE WARNING 'rows of table "%" came, went or changed since then without the journal, which cannot undo that', relation
      USING DETAIL = array_to_string(notes, E'\n'), HINT = 'Rows of a partition that left are not shown, and rows that were not changed are shown with the values they have now.';
  END IF;
END $fn$;
COMMENT ON FUNCTION retrack.journal_names(name, regclass, jsonb, timestamptz) IS
  'step of rows_as_of: under which names the registry''s journal has the table''s entries later than the moment, for which time each, with the columns that are called otherwise now (null: dropped) and whether rows had another key then. RTJ02 if the table was not that one then; warns of rows and values that DDL changed, and of times without the journal''s triggers';
