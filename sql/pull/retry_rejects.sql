-- Rejected records, tried again after what stood in their way has changed.

CREATE FUNCTION retrack.retry_row_command(target regclass, keys text[], columns text[], versions text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('INSERT INTO %s AS t (%s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1) AS x', target::text,
      (SELECT string_agg(quote_ident(c), ', ' ORDER BY n) FROM unnest(columns) WITH ORDINALITY AS u(c, n)))
    || format(' ON CONFLICT (%s) DO ', (SELECT string_agg(quote_ident(k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)))
    || coalesce((SELECT 'UPDATE SET ' || string_agg(format('%1$I = EXCLUDED.%1$I', c), ', ') FROM unnest(columns) AS c WHERE c <> ALL (keys))
      || coalesce(' WHERE ' || retrack.pull_newer(target, versions, 'EXCLUDED', 't', false), ''), 'NOTHING')
$$;
COMMENT ON FUNCTION retrack.retry_row_command(regclass, text[], text[], text[]) IS
'for retrack.retry_target: the command that inserts a rejected row, its values given as jsonb, unless as new a version is there';

CREATE FUNCTION retrack.retry_target(registry name, target regclass, key_columns text[] DEFAULT NULL,
  version_column text DEFAULT 'version', high_water_column text DEFAULT 'updated_at',
  withdrawn_column text DEFAULT 'withdrawn', OUT tried bigint, OUT landed bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
  target_name text;
  keys text[] := retrack.pull_key(target, key_columns);
  present text[];
  versions text[];
  given text[];
  r record;
  state text;
  reason text;
  why text;
  superseded text;
  done boolean;
  n bigint;
BEGIN
  tried := 0;
  landed := 0;
  SELECT format('%I.%I', s.nspname, c.relname) INTO target_name
  FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace WHERE c.oid = target;
  SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO present
  FROM pg_attribute AS a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped;
  SELECT array_agg(v) INTO versions FROM unnest(ARRAY[version_column, high_water_column]) AS v WHERE v = ANY (present);
  -- whether this version of the row, or a newer one, has landed meanwhile
  superseded := format('SELECT EXISTS (SELECT FROM jsonb_populate_record(NULL::%s, $1) AS x JOIN %1$s AS t ON %s AND ', target_name,
    retrack.pull_same_key(target, keys, 't', 'x'));
  FOR r IN EXECUTE format('SELECT reject_id, row_values, whole FROM %I.pull_reject
      WHERE target = $1 AND resolved_at IS NULL AND row_values IS NOT NULL ORDER BY reject_id', registry) USING target_name
  LOOP
    done := false;
    BEGIN
      SET CONSTRAINTS ALL IMMEDIATE;
      -- a version that the source does not give tells nothing
      given := ARRAY(SELECT v FROM unnest(versions) AS v WHERE r.row_values ? v);
      IF given <> '{}' THEN
        EXECUTE superseded || retrack.pull_newer(target, given, 't', 'x', true) || ')' INTO done USING r.row_values;
      END IF;
      IF r.whole AND NOT done THEN
        tried := tried + 1;
        EXECUTE retrack.retry_row_command(target, keys, ARRAY(SELECT c FROM unnest(present) AS c WHERE r.row_values ? c),
          given) USING r.row_values;
        GET DIAGNOSTICS n = ROW_COUNT;
        landed := landed + n;
        done := true;
      END IF;
      state := NULL;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, reason = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL;
      IF NOT retrack.pull_row_at_fault(state, target) THEN
        RAISE;
      END IF;
      -- A withdrawal that gives no more than the key marks the row that is there, which may have just landed.
      IF state = '23502' AND r.row_values ? withdrawn_column AND withdrawn_column = ANY (present) AND given <> '{}' THEN
        EXECUTE format('UPDATE %1$s AS t SET %2$s FROM jsonb_populate_record(NULL::%1$s, $1) AS x WHERE x.%3$I AND %4$s AND %5$s', target_name,
          (SELECT string_agg(format('%I = x.%1$I', v), ', ') FROM unnest(given || withdrawn_column) AS v), withdrawn_column,
          retrack.pull_same_key(target, keys, 't', 'x'), retrack.pull_newer(target, given, 'x', 't', false)) USING r.row_values;
        GET DIAGNOSTICS n = ROW_COUNT;
        landed := landed + n;
        done := n > 0;
      END IF;
    END;
    IF done OR r.whole THEN
      EXECUTE format('UPDATE %I.pull_reject SET retried_at = clock_timestamp(), resolved_at = CASE WHEN $2 THEN clock_timestamp() END,
          sqlstate = coalesce($3, sqlstate), message = CASE WHEN $3 IS NULL THEN message ELSE $4 END,
          detail = CASE WHEN $3 IS NULL THEN detail ELSE $5 END WHERE reject_id = $1', registry)
      USING r.reject_id, done, state, reason, nullif(why, '');
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION retrack.retry_target(name, regclass, text[], text, text, text) IS
'for retrack.retry_rejects and retrack.pull: tries the open rejects of one table again, in the order they were rejected';

CREATE FUNCTION retrack.pull_order(registry name) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE tables AS (
    SELECT c.oid, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = registry AND c.relkind IN ('r', 'p') AND NOT c.relispartition),
  depends AS (
    SELECT DISTINCT f.conrelid AS child, f.confrelid AS parent FROM pg_constraint AS f
    WHERE f.contype = 'f' AND f.conrelid <> f.confrelid AND f.conrelid IN (SELECT oid FROM tables)),
  level AS (
    SELECT oid, 0 AS depth FROM tables
    UNION SELECT d.child, l.depth + 1 FROM level AS l JOIN depends AS d ON d.parent = l.oid WHERE l.depth < 20)
  SELECT t.oid::regclass FROM tables AS t
  ORDER BY coalesce(array_position('{party,facility,instrument,licence,licence_item,licence_party,licence_application,quota,lot,lot_edge,production,transfer,shipment,inventory,loss,invoice,customs_declaration,submission}'::name[], t.relname),
                    100 + (SELECT max(depth) FROM level AS l WHERE l.oid = t.oid)), t.relname
$$;
COMMENT ON FUNCTION retrack.pull_order(name) IS
'the tables of a registry in an order in which they can be filled: what others refer to, or are checked against, first. NULL: no rows';

CREATE FUNCTION retrack.retry_rejects(what text, registry name DEFAULT NULL,
  OUT target text, OUT tried bigint, OUT landed bigint, OUT remaining bigint)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  table_of regclass;
  books name;
  r record;
BEGIN
  IF what IS NULL THEN
    RETURN;
  END IF;
  -- a registry's name may be anything, a table's is written as in SQL
  SELECT nspname INTO books FROM pg_namespace WHERE nspname = what OR quote_ident(nspname) = what ORDER BY nspname <> what LIMIT 1;
  IF books IS NULL THEN
    BEGIN
      table_of := to_regclass(what);
    EXCEPTION WHEN invalid_name OR syntax_error THEN
      NULL;
    END;
    SELECT coalesce(registry, n.nspname) INTO books FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = table_of;
  END IF;
  IF books IS NULL OR to_regclass(format('%I.pull_reject', books)) IS NULL THEN
    RAISE EXCEPTION '"%" is neither a registry nor a table of one', what USING ERRCODE = 'RTR02',
      HINT = 'Name a registry, or a table as schema.table.';
  END IF;
  FOR r IN EXECUTE format('SELECT o.ord, to_regclass(p.target) AS relation, p.target
      FROM (SELECT DISTINCT target FROM %I.pull_reject WHERE resolved_at IS NULL) AS p
      LEFT JOIN retrack.pull_order(%L) WITH ORDINALITY AS o(relation, ord) ON o.relation = to_regclass(p.target)
      WHERE to_regclass(p.target) IS NOT NULL AND ($1 IS NULL OR to_regclass(p.target) = $1) ORDER BY o.ord, p.target', books, books)
    USING table_of
  LOOP
    target := r.target;
    SELECT t.tried, t.landed INTO tried, landed FROM retrack.retry_target(books, r.relation) AS t;
    EXECUTE format('SELECT count(*) FROM %I.pull_reject WHERE target = $1 AND resolved_at IS NULL', books) INTO remaining USING r.target;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION retrack.retry_rejects(text, name) IS
'tries the open rejects of a table (schema.table) or of a whole registry again, for instance after a licence was issued: those that land, and those a newer version of
which is there, get resolved_at; the others their present reason. One row a table with open rejects: how many were tried, landed, and remain. Records that could not be read are not
tried: mend the source or the column and pull with mode ''full''. registry: schema of pull_reject, default the table''s. NULL what: no rows. Errors: RTR02 neither registry nor table.';
