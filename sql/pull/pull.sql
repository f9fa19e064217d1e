-- CALL retrack.pull(source, target): what has changed in a foreign table (or any table or view) goes into
-- a registry table. The procedure commits, so it can have no fixed search_path of its own; the steps are
-- functions that have one.
--
-- A pull copies the rows at and above the high water, ordered by it, into a temporary table, then lands them
-- in batches, a transaction each, which also moves the high water. Rows are decided in that order, each as if
-- it came alone: a batch that fails is split until the row at fault stands alone. So the outcome does not
-- depend on where batches begin (but for rules that look at the balance of a statement, where they begin at the same
-- rows), and a pull that was cut off goes on to the same tables.

CREATE FUNCTION retrack.pull_lock(target regclass, wait boolean, whole boolean) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pull_lock';
COMMENT ON FUNCTION retrack.pull_lock(regclass, boolean, boolean) IS
'for retrack.pull: takes the lock on pulls of the target, an advisory lock; false: it is taken and wait is false. whole: kept over commits until
pull_unlock, or until a transaction of the session fails; otherwise until the end of the transaction. NULL: NULL. Errors: 2D000 whole where no commit is possible';

CREATE FUNCTION retrack.pull_unlock(target regclass) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pull_unlock';
COMMENT ON FUNCTION retrack.pull_unlock(regclass) IS
'for retrack.pull: gives the lock back; false: it was not held. NULL: NULL';

CREATE FUNCTION retrack.pull_load(target regclass, query text, first bigint, last bigint) RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pull_load';
COMMENT ON FUNCTION retrack.pull_load(regclass, text, bigint, bigint) IS
'for retrack.pull: inserts the rows of a query (with bigint parameters first and last) that has the columns of the target, as COPY does, foreign keys
checked each value once for all rows; returns how many. NULL, and nothing is done, where an argument is NULL or the target is not an ordinary table that the caller may
write to and read, without row triggers, row security, generated columns and deferrable keys. Errors: those of INSERT';

CREATE FUNCTION retrack.pull_store(stage regclass, query text, order_columns text[], OUT stored bigint, OUT in_order boolean)
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pull_store';
COMMENT ON FUNCTION retrack.pull_store(regclass, text, text[]) IS
'for retrack.pull: stores the rows of a query in a temporary table that has its columns behind a bigint, which numbers them as they come; in_order: they came in the
order of these columns, NULL last. NULL: NULL. Errors: 42804 the table is not such a one, 42501 the caller may not insert into it, and those of the query';

CREATE TYPE retrack.pull_job AS (
  source regclass,
  target regclass,
  registry name,
  target_name text,
  source_name text,
  stage text,
  stage_columns text,
  order_columns text[],
  row_position text,
  columns text,
  expressions text,
  unfit text,
  unfit_state text,
  unfit_message text,
  live text,
  on_conflict text,
  load text,
  upsert text,
  withdraw text,
  mark text,
  row_values text,
  row_key text,
  row_version text,
  record_text text,
  has_record boolean,
  has_errors boolean,
  high_water text,
  high_water_type regtype,
  versioned boolean,
  plain boolean,
  pages_move boolean
);
COMMENT ON TYPE retrack.pull_job IS 'for retrack.pull: what is to be pulled and the pieces of SQL that do it';

CREATE FUNCTION retrack.pull_operator(type regtype, name text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE base AS (
    SELECT t.oid, t.typbasetype FROM pg_type AS t WHERE t.oid = type
    UNION ALL SELECT t.oid, t.typbasetype FROM base AS b JOIN pg_type AS t ON t.oid = b.typbasetype)
  SELECT coalesce((SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
    FROM base AS b
    JOIN pg_opclass AS c ON c.opcintype = b.oid AND c.opcdefault
    JOIN pg_am AS m ON m.oid = c.opcmethod AND m.amname = 'btree'
    JOIN pg_amop AS a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype
      AND a.amopstrategy = array_position('{<,<=,=,>=,>}'::text[], name)
    JOIN pg_operator AS o ON o.oid = a.amopopr
    JOIN pg_namespace AS n ON n.oid = o.oprnamespace), name)
$$;
COMMENT ON FUNCTION retrack.pull_operator(regtype, text) IS
'for retrack.pull: the comparison of a type that its order of sorting goes by (name: <, <=, =, >= or >), so that no search_path matters. NULL: NULL';

CREATE FUNCTION retrack.pull_same_key(target regclass, keys text[], a text, b text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(format('%s.%I %s CAST(%s.%2$I AS %5$s)', a, c.attname, retrack.pull_operator(c.atttypid, '='), b,
      format_type(c.atttypid, c.atttypmod)), ' AND ' ORDER BY k.n)
  FROM unnest(keys) WITH ORDINALITY AS k(name, n)
  JOIN pg_attribute AS c ON c.attrelid = target AND c.attname = k.name AND NOT c.attisdropped
$$;
COMMENT ON FUNCTION retrack.pull_same_key(regclass, text[], text, text) IS
'for retrack.pull: condition that row a of the target has the key of row b. NULL: NULL';

CREATE FUNCTION retrack.pull_newer(target regclass, columns text[], a text, b text, or_same boolean) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  result text;
  c record;
BEGIN
  FOR c IN SELECT t.attname AS name, t.attnotnull AS is_set, format_type(t.atttypid, t.atttypmod) AS type,
      retrack.pull_operator(t.atttypid, '>') AS gt, retrack.pull_operator(t.atttypid, '=') AS eq
    FROM unnest(columns) WITH ORDINALITY AS u(name, n)
    JOIN pg_attribute AS t ON t.attrelid = target AND t.attname = u.name AND t.attnum > 0 AND NOT t.attisdropped ORDER BY u.n DESC
  LOOP
    -- What has no version is older than what has one.
    result := format(CASE WHEN c.is_set THEN '(%1$s %3$s %2$s OR %1$s %4$s %2$s AND %5$s)'
      ELSE '(%1$s %3$s %2$s OR %1$s IS NOT NULL AND %2$s IS NULL OR (%1$s %4$s %2$s OR %1$s IS NULL AND %2$s IS NULL) AND %5$s)' END,
      format('CAST(%s.%I AS %s)', a, c.name, c.type), format('CAST(%s.%I AS %s)', b, c.name, c.type), c.gt, c.eq, coalesce(result, or_same::text));
  END LOOP;
  RETURN result;
END
$$;
COMMENT ON FUNCTION retrack.pull_newer(regclass, text[], text, text, boolean) IS
'for retrack.pull: condition that row a is newer than row b (or_same: or as new), by those of the columns that the target has, the first one counting most;
NULL: none of them, so nothing tells';

CREATE FUNCTION retrack.pull_key(target regclass, key_columns text[]) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  result text[];
BEGIN
  SELECT array_agg(a.attname::text ORDER BY k.n) INTO result
  FROM pg_index AS i
  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = target AND i.indisunique AND i.indisvalid AND i.indimmediate AND NOT i.indisexclusion AND i.indpred IS NULL AND i.indexprs IS NULL
    AND k.n <= i.indnkeyatts
  GROUP BY i.indexrelid, i.indisprimary
  HAVING CASE WHEN key_columns IS NULL THEN i.indisprimary
              ELSE array_agg(a.attname::text ORDER BY a.attname::text)
                   = (SELECT array_agg(c ORDER BY c) FROM unnest(key_columns) AS c) END
  LIMIT 1;
  IF result IS NULL THEN
    RAISE EXCEPTION 'table "%" has no key to pull by', target USING ERRCODE = 'RTP03',
      DETAIL = CASE WHEN key_columns IS NULL THEN 'It has no primary key, or one that is deferrable or WITHOUT OVERLAPS.'
                    ELSE format('It has no unique index, not deferrable nor WITHOUT OVERLAPS, on exactly (%s).', array_to_string(key_columns, ', ')) END,
      HINT = 'Give it a primary key, or name the columns of a unique index in key_columns.';
  END IF;
  RETURN result;
END
$$;
COMMENT ON FUNCTION retrack.pull_key(regclass, text[]) IS
'for retrack.pull: the columns that identify a row of the target, its primary key where key_columns is NULL. Errors: RTP03 no such key';

CREATE FUNCTION retrack.pull_columns(source regclass, target regclass,
  OUT name text, OUT target_type text, OUT same boolean, OUT is_required boolean, OUT in_source boolean, OUT in_target boolean)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(t.attname, s.attname)::text, format_type(t.atttypid, t.atttypmod),
         s.atttypid = t.atttypid AND s.atttypmod = t.atttypmod,
         t.attnotnull AND NOT t.atthasdef AND t.attidentity = '',
         s.attname IS NOT NULL, t.attname IS NOT NULL
  FROM (SELECT * FROM pg_attribute AS a WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
        AND attgenerated = '' AND attidentity <> 'a') AS t
  FULL JOIN (SELECT * FROM pg_attribute AS a WHERE attrelid = source AND attnum > 0 AND NOT attisdropped
    AND NOT EXISTS (SELECT FROM unnest(attfdwoptions) AS o
                    WHERE o IN ('pointer=', 'pointer=#error', 'pointer=#sqlstate', 'pointer=#pointer', 'pointer=#page', 'pointer=#record'))
    ) AS s ON s.attname = t.attname
  ORDER BY t.attnum, s.attnum
$$;
COMMENT ON FUNCTION retrack.pull_columns(regclass, regclass) IS
'for retrack.pull: the columns of source and target matched by name; same: of one type; is_required: the target must be given a value. NULL: no rows';

CREATE FUNCTION retrack.pull_error_column(source regclass, pointer text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT attname::text FROM pg_attribute
  WHERE attrelid = source AND attnum > 0 AND NOT attisdropped AND 'pointer=' || pointer = ANY (attfdwoptions) LIMIT 1
$$;
COMMENT ON FUNCTION retrack.pull_error_column(regclass, text) IS
'for retrack.pull: the column of a foreign table of retrack_fdw that shows the raw record (pointer '''') or what was wrong with it (''#error'', ...); NULL: none';

CREATE FUNCTION retrack.pull_pages_move(source regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE reads AS (
    SELECT source::oid AS relation
    UNION
    SELECT b.relation FROM reads AS r CROSS JOIN LATERAL (
      SELECT d.refobjid FROM pg_rewrite AS w JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
      WHERE w.ev_class = r.relation AND d.refclassid = 'pg_class'::regclass
      UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = r.relation) AS b(relation))
  SELECT EXISTS (
    SELECT FROM reads AS r
    JOIN pg_foreign_table AS t ON t.ftrelid = r.relation
    JOIN pg_foreign_server AS s ON s.oid = t.ftserver
    JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw AND w.fdwname = 'retrack_fdw'
    WHERE coalesce((SELECT o FROM unnest(t.ftoptions) AS o WHERE o LIKE 'pagination=%'),
                   (SELECT o FROM unnest(s.srvoptions) AS o WHERE o LIKE 'pagination=%')) IN ('pagination=page', 'pagination=offset'))
$$;
COMMENT ON FUNCTION retrack.pull_pages_move(regclass) IS
'for retrack.pull: whether the source reads, itself or below views and partitioned tables, an API whose pages are numbered, so that a record that changes while it is
paged moves the others. NULL: NULL';

CREATE FUNCTION retrack.pull_prepare(source regclass, target regclass, key_columns text[], version_column text,
  high_water_column text, withdrawn_column text, registry name)
RETURNS retrack.pull_job
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  job retrack.pull_job;
  keys text[] := retrack.pull_key(target, key_columns);
  shared text[];
  missing text[];
  open_keys text[];
  newer text;
  version text;
  water text;
  withdrawn_from text;
  withdrawn_to text;
BEGIN
  SELECT n.nspname, format('%I.%I', n.nspname, c.relname) INTO job.registry, job.target_name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = target;
  SELECT format('%I.%I', n.nspname, c.relname) INTO job.source_name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = source;
  job.registry := coalesce(registry, job.registry);
  IF to_regclass(format('%I.pull_state', job.registry)) IS NULL OR to_regclass(format('%I.pull_reject', job.registry)) IS NULL THEN
    RAISE EXCEPTION 'schema "%" is not a registry', job.registry USING ERRCODE = 'RTR02',
      DETAIL = 'It has no tables pull_state and pull_reject.',
      HINT = 'CALL retrack.create_registry makes one; name it in registry if the target is in another schema.';
  END IF;
  job.source := source;
  job.target := target;
  job.stage := format('pg_temp.%I', 'retrack_pull_' || target::oid);

  -- columns
  SELECT array_agg(c.name) FILTER (WHERE c.in_source AND c.in_target),
         array_agg(c.name) FILTER (WHERE NOT c.in_source AND c.is_required)
  INTO shared, missing FROM retrack.pull_columns(source, target) AS c;
  -- a key that the table numbers itself is as good as none
  missing := missing || ARRAY(SELECT k FROM unnest(keys) AS k WHERE k <> ALL (coalesce(shared || missing, shared, missing, '{}')));
  missing := nullif(missing, '{}');
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'source "%" does not fit target "%"', source, target USING ERRCODE = 'RTP01',
      DETAIL = format('The target needs columns that the source does not have or cannot give: %s.', array_to_string(missing, ', ')),
      HINT = 'Add the columns to the foreign table, or pull from a view that has them.';
  END IF;
  SELECT string_agg(quote_ident(c.name), ', '),
         string_agg(CASE WHEN c.same THEN 's.' || quote_ident(c.name)
                         ELSE format('CAST(s.%I AS %s)', c.name, c.target_type) END, ', ')
  INTO job.columns, job.expressions FROM retrack.pull_columns(source, target) AS c WHERE c.in_source AND c.in_target;
  BEGIN
    EXECUTE format('SELECT %s FROM %s AS s WHERE false', job.expressions, job.source_name);
  EXCEPTION WHEN cannot_coerce OR datatype_mismatch THEN
    RAISE EXCEPTION 'source "%" does not fit target "%"', source, target USING ERRCODE = 'RTP01', DETAIL = SQLERRM || '.',
      HINT = 'Pull from a view that converts the column.';
  END;

  -- version, high water, withdrawal: columns of the source, where the source has them
  SELECT c.name INTO version FROM retrack.pull_columns(source, target) AS c
  WHERE c.name = version_column AND c.in_source AND c.in_target;
  SELECT a.attname, a.atttypid INTO water, job.high_water_type FROM pg_attribute AS a
  WHERE a.attrelid = source AND a.attname = high_water_column AND NOT a.attisdropped AND a.attnum > 0;
  IF water IS NULL AND high_water_column <> 'updated_at' THEN
    RAISE EXCEPTION 'source "%" has no column "%" to take the high water from', source, high_water_column USING ERRCODE = 'RTP01',
      HINT = 'Name a column that grows with every change in high_water_column, or give NULL to read all each time.';
  END IF;
  job.high_water := water;
  job.pages_move := water IS NOT NULL AND retrack.pull_pages_move(source);
  SELECT CASE WHEN c.in_source THEN c.name END, CASE WHEN c.in_target THEN c.name END INTO withdrawn_from, withdrawn_to
  FROM retrack.pull_columns(source, target) AS c WHERE c.name = withdrawn_column;

  job.order_columns := array_remove(water || keys || version, NULL);

  -- what is staged: every shared column, the columns that decide, and the record as it came
  job.has_record := retrack.pull_error_column(source, '') IS NOT NULL;
  job.has_errors := retrack.pull_error_column(source, '#error') IS NOT NULL;
  job.stage_columns := concat_ws(', ',
    (SELECT string_agg('s.' || quote_ident(n), ', ' ORDER BY array_position(job.order_columns, n), n) FROM
      (SELECT unnest(shared) UNION SELECT water UNION SELECT withdrawn_from) AS u(n) WHERE n IS NOT NULL),
    CASE WHEN job.has_record THEN format('s.%I AS "#record"', retrack.pull_error_column(source, '')) END,
    CASE WHEN job.has_errors THEN
      (SELECT string_agg(coalesce('s.' || quote_ident(retrack.pull_error_column(source, p)), 'NULL::text') || format(' AS %I', p), ', ')
       FROM unnest('{#error,#sqlstate,#pointer,#page}'::text[]) AS p) END);
  job.row_position := format('jsonb_build_array(%s)::text',
    (SELECT string_agg('s.' || quote_ident(c) || '::text', ', ' ORDER BY n) FROM unnest(job.order_columns) WITH ORDINALITY AS u(c, n)));

  -- rows that no target is asked about: unreadable ones, those without high water or without a key
  SELECT array_agg(a.attname::text) INTO open_keys FROM pg_attribute AS a
  WHERE a.attrelid = target AND a.attname = ANY (keys) AND NOT a.attnotnull;
  job.unfit := nullif(concat_ws(' OR ', CASE WHEN job.has_errors THEN 's."#error" IS NOT NULL' END, 's.' || quote_ident(water) || ' IS NULL',
    (SELECT string_agg(format('s.%I IS NULL', k), ' OR ') FROM unnest(open_keys) AS k)), '');
  job.unfit_state := format('CASE %s ELSE ''23502'' END', concat_ws(' ',
    CASE WHEN job.has_errors THEN 'WHEN s."#error" IS NOT NULL THEN coalesce(s."#sqlstate", ''22000'')' ELSE 'WHEN false THEN NULL' END,
    'WHEN s.' || quote_ident(water) || ' IS NULL THEN ''RTP04'' '));
  job.unfit_message := format('CASE %s ELSE %L END', concat_ws(' ',
    CASE WHEN job.has_errors THEN 'WHEN s."#error" IS NOT NULL THEN s."#error"' ELSE 'WHEN false THEN NULL' END,
    CASE WHEN water IS NOT NULL THEN format('WHEN s.%I IS NULL THEN %L', water, format('column "%s" is null: the record cannot be placed among the changes', water)) END),
    format('null value in the key (%s): the record cannot be told from others', array_to_string(keys, ', ')));

  -- rows fit to land
  job.live := concat_ws(' AND ', 's."#seq" BETWEEN $1 AND $2', CASE WHEN job.unfit IS NOT NULL THEN format('(%s) IS FALSE', job.unfit) END,
    CASE WHEN withdrawn_to IS NULL THEN 's.' || quote_ident(withdrawn_from) || ' IS NOT TRUE' END);

  -- a row takes the place of an older one; where nothing tells old from new, of a different one
  newer := retrack.pull_newer(target, ARRAY[version, CASE WHEN water = ANY (shared) THEN water END], 'EXCLUDED', 't', false);
  job.versioned := newer IS NOT NULL;
  newer := coalesce(newer,
    (SELECT format('record_image_ne(ROW(%s), ROW(%s))', string_agg('EXCLUDED.' || quote_ident(n), ', '), string_agg('t.' || quote_ident(n), ', '))
     FROM unnest(shared) AS n));
  job.on_conflict := format('ON CONFLICT (%s) DO ', (SELECT string_agg(quote_ident(k), ', ') FROM unnest(keys) AS k)) || coalesce(
    (SELECT 'UPDATE SET ' || string_agg(format('%1$I = EXCLUDED.%1$I', n), ', ') FROM unnest(shared) AS n WHERE n <> ALL (keys))
    || ' WHERE ' || newer, 'NOTHING');
  job.upsert := format('INSERT INTO %s AS t (%s) SELECT %s FROM %s AS s WHERE %s ORDER BY s."#seq" ',
    job.target_name, job.columns, job.expressions, job.stage, job.live);
  -- the same rows with all columns of the target, for pull_load
  SELECT format('SELECT %s FROM %s AS s WHERE %s ORDER BY s."#seq"', string_agg(
      CASE WHEN a.attname = ANY (shared) THEN
             CASE WHEN c.same THEN 's.' || quote_ident(a.attname) ELSE format('CAST(s.%I AS %s)', a.attname, c.target_type) END
           ELSE format('CAST(%s AS %s)', coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL'), format_type(a.atttypid, a.atttypmod)) END, ', ' ORDER BY a.attnum), job.stage, job.live)
  INTO job.load FROM pg_attribute AS a
  LEFT JOIN retrack.pull_columns(source, target) AS c ON c.name = a.attname AND c.in_target
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
  HAVING bool_and(a.attidentity = '' AND a.attgenerated = '');
  -- where the target has no mark a withdrawal deletes, unless the batch has the row filed anew after it
  IF withdrawn_from IS NOT NULL AND withdrawn_to IS NULL THEN
    job.withdraw := format('DELETE FROM %1$s AS t USING %2$s AS s WHERE s."#seq" BETWEEN $1 AND $2 AND s.%3$I AND %4$s
        AND NOT EXISTS (SELECT FROM %2$s AS l WHERE l."#seq" > s."#seq" AND l."#seq" <= $2 AND l.%3$I IS NOT TRUE AND %5$s)',
      job.target_name, job.stage, withdrawn_from,
      concat_ws(' AND ', retrack.pull_same_key(target, keys, 't', 's'), retrack.pull_newer(target, ARRAY[version], 's', 't', true)),
      (SELECT string_agg(format('CAST(l.%1$I AS %2$s) %3$s CAST(s.%1$I AS %2$s)', a.attname, format_type(a.atttypid, a.atttypmod),
        retrack.pull_operator(a.atttypid, '=')), ' AND ') FROM pg_attribute AS a WHERE a.attrelid = target AND a.attname = ANY (keys)));
  END IF;
  -- A withdrawal may give no more than the key: then it marks the row that is there.
  IF withdrawn_from IS NOT NULL AND withdrawn_to IS NOT NULL THEN
    SELECT format('UPDATE %s AS t SET %s FROM %s AS s WHERE s."#seq" = $1 AND s.%I AND %s', job.target_name,
        string_agg(format('%I = CAST(s.%1$I AS %s)', c.name, c.target_type), ', ') FILTER (WHERE c.name <> ALL (keys)),
        job.stage, withdrawn_from,
        concat_ws(' AND ', retrack.pull_same_key(target, keys, 't', 's'), retrack.pull_newer(target, ARRAY[version], 's', 't', false)))
    INTO job.mark FROM retrack.pull_columns(source, target) AS c
    WHERE c.in_source AND c.in_target AND (c.name = ANY (keys) OR c.name IN (version, water, withdrawn_to));
  END IF;

  -- how a rejected row is written down
  SELECT '(SELECT to_jsonb(x) FROM (SELECT ' || string_agg(format('s.%1$I::text AS %1$I', n), ', ') || ') AS x)'
  INTO job.row_values FROM unnest(shared) AS n;
  SELECT string_agg(CASE WHEN cardinality(keys) = 1 THEN v.text ELSE retrack.key_part(v.text) END, ' || ''|'' || ') INTO job.row_key
  FROM unnest(keys) AS n, format('s.%I::text', n) AS v(text);
  job.row_version := format('concat_ws(''@'', %s)',
    coalesce(nullif(concat_ws(', ', 's.' || quote_ident(version), 's.' || quote_ident(water)), ''), 'NULL'));
  job.record_text := CASE WHEN job.has_record THEN format('coalesce(s."#record"::text, %s::text)', job.row_values) ELSE job.row_values || '::text' END;

  -- into an empty table rows go without a look for the row they replace
  EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', job.target_name) INTO job.plain;
  RETURN job;
END
$$;
COMMENT ON FUNCTION retrack.pull_prepare(regclass, regclass, text[], text, text, text, name) IS
'for retrack.pull: works out how to pull. Errors: RTP01 source and target do not fit, RTP03 no key, RTR02 no registry';

CREATE FUNCTION retrack.pull_copy(job retrack.pull_job, condition text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' SET client_min_messages = 'warning' AS $$
DECLARE
  query text := format('SELECT %s FROM %s AS s %s', job.stage_columns, job.source_name, condition);
  order_by text := (SELECT string_agg('s.' || quote_ident(c), ', ' ORDER BY n) FROM unnest(job.order_columns) WITH ORDINALITY AS u(c, n));
  stage_name text := split_part(job.stage, '.', 2);
  sorted text := query || ' ORDER BY ' || order_by;
  plan json;
  may_be_sorted boolean;
  staged bigint;
  in_order boolean;
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS %s', job.stage);
  EXECUTE format('CREATE TEMPORARY TABLE %s AS SELECT NULL::bigint AS "#seq", s.* FROM (%s) AS s WITH NO DATA', stage_name, query);
  -- A source that cannot be asked for an order mostly has the one of its changes, so that is looked at first.
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || sorted INTO plan;
  may_be_sorted := plan #>> '{0,Plan,Node Type}' = 'Sort' AND plan #>> '{0,Plan,Plans,0,Node Type}' = 'Foreign Scan';
  SELECT p.stored, p.in_order INTO staged, in_order
  FROM retrack.pull_store(job.stage::regclass, CASE WHEN may_be_sorted THEN query ELSE sorted END, job.order_columns) AS p;
  IF NOT in_order THEN
    EXECUTE (SELECT format('CREATE TEMPORARY TABLE %4$s AS SELECT row_number() OVER () AS "#seq", s.* FROM (SELECT %1$s FROM %2$s AS s ORDER BY %3$s) AS s',
        string_agg('s.' || quote_ident(a.attname), ', ' ORDER BY a.attnum), job.stage, order_by, stage_name || '_sorted')
      FROM pg_attribute AS a WHERE a.attrelid = job.stage::regclass AND a.attnum > 1);
    EXECUTE format('DROP TABLE %s', job.stage);
    EXECUTE format('ALTER TABLE %s_sorted RENAME TO %s', job.stage, stage_name);
  END IF;
  RETURN staged;
END
$$;
COMMENT ON FUNCTION retrack.pull_copy(retrack.pull_job, text) IS
'for retrack.pull: copies the source''s rows under the condition into the stage, numbered in order; returns how many there are';

CREATE FUNCTION retrack.pull_stage(job retrack.pull_job, since text, overlap interval, row_position text,
  OUT staged bigint, OUT went_back boolean, OUT decided bigint, OUT moved boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' SET client_min_messages = 'warning' AS $$
DECLARE
  from_here text := since;
  condition text := '';
  newest text;
  reads integer := 0;
  memory text := current_setting('work_mem');
BEGIN
  went_back := false;
  moved := false;
  -- sorts once for the whole pull, as building an index does
  IF pg_size_bytes(current_setting('maintenance_work_mem')) > pg_size_bytes(memory) THEN
    PERFORM set_config('work_mem', current_setting('maintenance_work_mem'), true);
  END IF;
  IF since IS NOT NULL AND job.high_water_type IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) THEN
    EXECUTE format('SELECT (%L::%s - %L::interval)::%2$s::text', since, job.high_water_type, overlap) INTO from_here;
  END IF;
  -- a constant in the condition, so that a foreign table can pass it on
  IF from_here IS NOT NULL THEN
    condition := format('WHERE s.%I >= %L::%s', job.high_water, from_here, job.high_water_type);
  END IF;
  IF job.pages_move THEN
    EXECUTE format('SELECT s.%1$I::text FROM %2$s AS s %3$s ORDER BY s.%1$I DESC NULLS LAST LIMIT 1', job.high_water, job.source_name, condition) INTO newest;
  END IF;
  LOOP
    staged := retrack.pull_copy(job, condition);
    EXIT WHEN NOT job.pages_move;
    -- Where pages are numbered, a record that changed and went to the end made those after it move up, one of them
    -- maybe from a page to come to one that was read. So what is newest must be what was before.
    EXECUTE format('SELECT coalesce(max(%1$I) > %2$L::%3$s, max(%1$I) IS NOT NULL AND %2$L IS NULL), max(%1$I)::text FROM %4$s', job.high_water, newest, job.high_water_type, job.stage)
    INTO moved, newest;
    reads := reads + 1;
    EXIT WHEN NOT moved OR reads = 5;
  END LOOP;
  PERFORM set_config('work_mem', memory, true);
  IF staged > 1000 THEN
    EXECUTE format('CREATE INDEX ON %s ("#seq")', job.stage);
  END IF;
  -- The row that set the high water is asked for again, so it has to be there, unless changed and so above it.
  IF since IS NOT NULL THEN
    EXECUTE format('SELECT coalesce(max(%I) < %L::%s, true) FROM %s', job.high_water, since, job.high_water_type, job.stage) INTO went_back;
  END IF;
  -- A pull that goes on makes its batches where the one that was cut off would have made them: a rule may
  -- look at the balance of a batch.
  IF row_position IS NOT NULL THEN
    EXECUTE format('SELECT s."#seq" + $3 FROM %s AS s WHERE %s = $1 ORDER BY s."#seq" OFFSET $2 - 1 LIMIT 1', job.stage, job.row_position)
    INTO decided USING row_position::jsonb ->> 'row', (row_position::jsonb ->> 'copies')::bigint, (row_position::jsonb ->> 'gap')::bigint;
  END IF;
  decided := coalesce(decided, 0);
  -- A role that may not write is told so at once: later the error would be one of each row.
  EXECUTE 'EXPLAIN ' || job.upsert || job.on_conflict USING 0::bigint, 0::bigint;
  IF job.withdraw IS NOT NULL THEN
    EXECUTE 'EXPLAIN ' || job.withdraw USING 0::bigint, 0::bigint;
  END IF;
  -- Where no version tells, what the source now says of a row takes the place of what it said.
  IF NOT job.versioned AND job.row_key IS NOT NULL THEN
    EXECUTE format('UPDATE %I.pull_reject AS r SET resolved_at = clock_timestamp() WHERE r.target = $1 AND r.source = $2 AND r.resolved_at IS NULL
        AND EXISTS (SELECT FROM %s AS s WHERE %s = r.row_key) AND NOT EXISTS (SELECT FROM %2$s AS s WHERE %3$s = r.row_key AND md5(%s) = r.record_hash)',
      job.registry, job.stage, job.row_key, job.record_text) USING job.target_name, job.source_name;
  END IF;
  -- Rejected before and not changed since, to the letter: decided; a retry at the end tries them again.
  IF job.row_key IS NOT NULL THEN
    EXECUTE format('DELETE FROM %s AS s USING %I.pull_reject AS r WHERE r.target = $1 AND r.resolved_at IS NULL
                    AND r.whole AND r.row_key = %s AND r.row_version = %s AND r.record_hash = md5(%s)',
      job.stage, job.registry, job.row_key, job.row_version, job.record_text) USING job.target_name;
  END IF;
END
$$;
COMMENT ON FUNCTION retrack.pull_stage(retrack.pull_job, text, interval, text) IS
'for retrack.pull: copies what is at or above the high water, less the overlap, into a temporary table in order; staged: how many rows;
went_back: the source no longer has what set the high water; decided: the rows up to row_position, where a pull was cut off; moved: its numbered pages
changed each of the five times they were read, so that rows may be missing';

CREATE FUNCTION retrack.pull_refuse(job retrack.pull_job, first bigint, last bigint, state text, message text, detail text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
  r record;
  raw json;
  refused bigint := 0;
  added bigint;
BEGIN
  FOR r IN EXECUTE format(
    'SELECT %s AS state, %s AS message, %s AS record, %s AS row_values, %s AS row_key, %s AS row_version, %s AS pointer, %s AS page
     FROM %s AS s WHERE s."#seq" BETWEEN $1 AND $2 AND %s ORDER BY s."#seq"',
    CASE WHEN state IS NULL THEN job.unfit_state ELSE '$3' END, CASE WHEN state IS NULL THEN job.unfit_message ELSE '$4' END,
    job.record_text, job.row_values, job.row_key, job.row_version,
    CASE WHEN job.has_errors THEN 's."#pointer"' ELSE 'NULL::text' END,
    CASE WHEN job.has_errors THEN 's."#page"::bigint' ELSE 'NULL::bigint' END,
    job.stage, CASE WHEN state IS NULL THEN format('(%s)', job.unfit) ELSE 'true' END)
    USING first, last, state, message
  LOOP
    BEGIN
      raw := r.record::json;
    EXCEPTION WHEN data_exception THEN
      raw := to_json(r.record);
    END;
    EXECUTE format('INSERT INTO %I.pull_reject AS r (target, source, record, sqlstate, message, detail, page, pointer, row_key, row_version, row_values, record_hash, whole)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, md5($12), $13)
      ON CONFLICT (target, record_hash) WHERE resolved_at IS NULL DO UPDATE SET sqlstate = EXCLUDED.sqlstate, message = EXCLUDED.message,
        detail = EXCLUDED.detail, pointer = EXCLUDED.pointer, row_key = EXCLUDED.row_key, row_version = EXCLUDED.row_version,
        row_values = EXCLUDED.row_values, whole = true WHERE EXCLUDED.whole AND NOT r.whole', job.registry)
    USING job.target_name, job.source_name, raw, r.state, r.message, detail, r.page, r.pointer, r.row_key, r.row_version, r.row_values, r.record, state IS NOT NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    refused := refused + added;
  END LOOP;
  RETURN refused;
END
$$;
COMMENT ON FUNCTION retrack.pull_refuse(retrack.pull_job, bigint, bigint, text, text, text) IS
'for retrack.pull: writes staged rows down as rejected for the reason given, or (state NULL) those that could not be read; returns how many were not there yet';

CREATE FUNCTION retrack.pull_row_at_fault(state text, target regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- 54000: a value too long for an index; 42501 speaks of a row only where row security looks at rows
  SELECT left(state, 2) IN ('22', '23', '21', '44', 'RT', 'P0') OR state = '54000' OR state = '42501' AND row_security_active(target::oid)
$$;
COMMENT ON FUNCTION retrack.pull_row_at_fault(text, regclass) IS
'for retrack.pull: whether an error speaks of a row (its data, a constraint, a rule, row security), so that the row is rejected, or of the whole pull. NULL: NULL';

CREATE FUNCTION retrack.pull_mark(job retrack.pull_job, seq bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n bigint;
BEGIN
  IF job.mark IS NULL THEN
    RETURN false;
  END IF;
  EXECUTE job.mark USING seq;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n > 0;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
  RETURN false;
END
$$;
COMMENT ON FUNCTION retrack.pull_mark(retrack.pull_job, bigint) IS
'for retrack.pull: marks the row that a staged withdrawal speaks of as withdrawn; false: the staged row is no withdrawal, or speaks of no older row';

CREATE FUNCTION retrack.pull_rows(job retrack.pull_job, first bigint, last bigint, OUT landed bigint, OUT rejected bigint, OUT plain boolean, OUT whole boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
-- Foreign keys to small tables are looked up row by row: by index, not by reading the table each time.
-- What has no index is then priced so high that it would be compiled each time. Staged rows come from
-- their index in order; a bitmap would have them sorted again.
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  todo bigint[] := ARRAY[first, last];
  lo bigint;
  hi bigint;
  n bigint;
  m bigint;
  state text;
  reason text;
  why text;
BEGIN
  IF job.upsert IS NULL OR first IS NULL OR last IS NULL THEN
    -- Below it would count as a row's fault, and the rows would be halved without end.
    RAISE null_value_not_allowed USING MESSAGE = 'job, first and last must not be null';
  END IF;
  landed := 0;
  rejected := 0;
  plain := job.plain;
  whole := true;
  WHILE cardinality(todo) > 0 LOOP
    lo := todo[cardinality(todo) - 1];
    hi := todo[cardinality(todo)];
    todo := todo[1 : cardinality(todo) - 2];
    BEGIN
      SET CONSTRAINTS ALL IMMEDIATE;
      n := NULL;
      IF plain AND hi - lo >= 100 THEN
        n := retrack.pull_load(job.target, job.load, lo, hi);
      END IF;
      whole := whole AND coalesce(n = hi - lo + 1, false);
      IF n IS NULL THEN
        EXECUTE job.upsert || CASE WHEN plain THEN '' ELSE job.on_conflict END USING lo, hi;
        GET DIAGNOSTICS n = ROW_COUNT;
      END IF;
      IF job.withdraw IS NOT NULL THEN
        EXECUTE job.withdraw USING lo, hi;
        GET DIAGNOSTICS m = ROW_COUNT;
        n := n + m;
      END IF;
      landed := landed + n;
      CONTINUE;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, reason = MESSAGE_TEXT, why = PG_EXCEPTION_DETAIL;
      IF NOT retrack.pull_row_at_fault(state, job.target) THEN
        RAISE;
      END IF;
    END;
    IF plain AND state = '23505' THEN
      plain := false;       -- there is something to replace after all
      todo := todo || lo || hi;
    ELSIF lo < hi THEN
      todo := todo || ((lo + hi) / 2 + 1) || hi || lo || ((lo + hi) / 2);
    ELSIF state = '23502' AND retrack.pull_mark(job, lo) THEN
      landed := landed + 1;
    ELSE
      rejected := rejected + retrack.pull_refuse(job, lo, hi, state, reason, nullif(why, ''));
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION retrack.pull_rows(retrack.pull_job, bigint, bigint) IS
'for retrack.pull: lands staged rows in order, splitting what fails down to the rows at fault, which it rejects; landed counts rows inserted or replaced;
plain: the target may still be taken to be without the rows to come; whole: every staged row landed, so that none was unfit';

CREATE FUNCTION retrack.pull_position(job retrack.pull_job, last bigint) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
  result text;
BEGIN
  -- A source may give a row several times; they then stand next to each other.
  EXECUTE format('SELECT jsonb_build_object(''row'', p.row, ''gap'', $1 - p.seq,
      ''copies'', (SELECT count(*) FROM %2$s AS s WHERE s."#seq" BETWEEN p.seq - 100 AND p.seq AND %1$s = p.row))::text
    FROM (SELECT %1$s AS row, s."#seq" AS seq FROM %2$s AS s WHERE s."#seq" <= $1 ORDER BY s."#seq" DESC LIMIT 1) AS p',
    job.row_position, job.stage) INTO result USING last;
  RETURN result;
END
$$;
COMMENT ON FUNCTION retrack.pull_position(retrack.pull_job, bigint) IS
'for retrack.pull: where in the order of rows a batch ends: the last row that is staged, how many copies of it there were, and how many rows decided before followed';

CREATE FUNCTION retrack.pull_batch(job retrack.pull_job, first bigint, last bigint,
  OUT landed bigint, OUT rejected bigint, OUT high_water text, OUT plain boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
  rows_done record;
BEGIN
  SELECT * INTO rows_done FROM retrack.pull_rows(job, first, last);
  landed := rows_done.landed;
  plain := rows_done.plain;
  rejected := rows_done.rejected;
  IF job.unfit IS NOT NULL AND NOT rows_done.whole THEN
    rejected := rejected + retrack.pull_refuse(job, first, last, NULL, NULL, NULL);
  END IF;
  IF job.high_water IS NOT NULL THEN
    -- A time in the future, from a clock gone wrong, must not hide what comes before it.
    -- rows are in its order; null is last
    EXECUTE format('SELECT %s::text FROM %s AS s WHERE s."#seq" BETWEEN $1 AND $2 AND s.%I IS NOT NULL ORDER BY s."#seq" DESC LIMIT 1',
      CASE job.high_water_type
           WHEN 'timestamptz'::regtype THEN format('least(s.%I, now())', job.high_water)
           -- a local time may be that of any zone
           WHEN 'timestamp'::regtype THEN format('least(s.%I, now()::timestamp + interval ''14 hours'')', job.high_water)
           WHEN 'date'::regtype THEN format('least(s.%I, (now()::timestamp + interval ''14 hours'')::date)', job.high_water)
           ELSE format('s.%I', job.high_water) END, job.stage, job.high_water) INTO high_water USING first, last;
  END IF;
  EXECUTE format('UPDATE %1$I.pull_state SET batches = batches + 1, landed = landed + $3, rejected = rejected + $4, pulled_at = clock_timestamp(),
    row_position = $6,
    high_water = CASE WHEN $5 IS NULL THEN high_water WHEN high_water IS NULL THEN $5
                      ELSE greatest(high_water::%2$s, $5::%2$s)::text END
    WHERE target = $1 AND source = $2 RETURNING high_water', job.registry, coalesce(job.high_water_type, 'text'::regtype))
  INTO high_water USING job.target_name, job.source_name, landed, rejected, high_water, retrack.pull_position(job, last);
END
$$;
COMMENT ON FUNCTION retrack.pull_batch(retrack.pull_job, bigint, bigint) IS
'for retrack.pull: one batch, with its entry in pull_state';

CREATE FUNCTION retrack.pull_begin(job retrack.pull_job, OUT high_water text, OUT resumed boolean, OUT row_position text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('SELECT s.high_water, s.running, s.row_position FROM %I.pull_state AS s WHERE target = $1 AND source = $2', job.registry)
  INTO high_water, resumed, row_position USING job.target_name, job.source_name;
  resumed := coalesce(resumed, false);
  EXECUTE format('INSERT INTO %I.pull_state AS s (target, source, running, started_at) VALUES ($1, $2, true, clock_timestamp())
    ON CONFLICT (target, source) DO UPDATE SET running = true, started_at = EXCLUDED.started_at,
      resumed_from = CASE WHEN s.running THEN coalesce(s.high_water, ''the start'') END', job.registry)
  USING job.target_name, job.source_name;
END
$$;
COMMENT ON FUNCTION retrack.pull_begin(retrack.pull_job) IS
'for retrack.pull: enters the pull in pull_state; resumed: the last one did not come to its end,
row_position: it came to this row';

CREATE FUNCTION retrack.pull_end(job retrack.pull_job) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' SET client_min_messages = 'warning' AS $$
DECLARE
  unread boolean;
BEGIN
  -- What could not be read then can be now, and was not rejected again: it is in the books.
  EXECUTE format('SELECT EXISTS (SELECT FROM %I.pull_reject WHERE target = $1 AND source = $2 AND resolved_at IS NULL AND NOT whole)', job.registry)
  INTO unread USING job.target_name, job.source_name;
  IF unread THEN
    EXECUTE format('UPDATE %I.pull_reject SET resolved_at = clock_timestamp() WHERE target = $1 AND source = $2 AND resolved_at IS NULL AND NOT whole
      AND record_hash IN (SELECT md5(%s) FROM %s AS s WHERE (%s) IS NOT TRUE)', job.registry, job.record_text, job.stage, coalesce(job.unfit, 'false'))
    USING job.target_name, job.source_name;
  END IF;
  EXECUTE format('UPDATE %I.pull_state SET running = false, row_position = NULL, pulled_at = clock_timestamp() WHERE target = $1 AND source = $2', job.registry)
  USING job.target_name, job.source_name;
  EXECUTE format('DROP TABLE IF EXISTS %s', job.stage);
END
$$;
COMMENT ON FUNCTION retrack.pull_end(retrack.pull_job) IS 'for retrack.pull: enters the end of the pull in pull_state';

CREATE PROCEDURE retrack.pull(source regclass, target regclass,
  key_columns text[] DEFAULT NULL,
  version_column text DEFAULT 'version',
  high_water_column text DEFAULT 'updated_at',
  withdrawn_column text DEFAULT 'withdrawn',
  overlap interval DEFAULT '5 minutes',
  batch_size integer DEFAULT 10000,
  mode text DEFAULT 'incremental',
  if_busy text DEFAULT 'wait',
  registry name DEFAULT NULL,
  commits boolean DEFAULT true)
LANGUAGE plpgsql AS $$
DECLARE
  caller_path pg_catalog.text;
  job retrack.pull_job;
  since pg_catalog.text;
  was_running pg_catalog.bool;
  staged pg_catalog.int8;
  cut_at pg_catalog.text;
  went_back pg_catalog.bool;
  moved pg_catalog.bool;
  decided pg_catalog.int8;
  done pg_catalog.int8 := 0;
  upto pg_catalog.int8;
  batch record;
  all_landed pg_catalog.int8 := 0;
  all_rejected pg_catalog.int8 := 0;
  retried pg_catalog.int8 := 0;
BEGIN
  caller_path := pg_catalog.current_setting('search_path');
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  IF source IS NULL OR target IS NULL THEN
    RAISE EXCEPTION 'source and target of a pull must not be null' USING ERRCODE = '22004';
  ELSIF mode IS NULL OR mode NOT IN ('incremental', 'full') THEN
    RAISE EXCEPTION 'invalid mode of pull: "%"', mode USING ERRCODE = '22023', HINT = 'Valid values are "incremental" and "full".';
  ELSIF if_busy IS NULL OR if_busy NOT IN ('wait', 'refuse') THEN
    RAISE EXCEPTION 'invalid if_busy of pull: "%"', if_busy USING ERRCODE = '22023', HINT = 'Valid values are "wait" and "refuse".';
  ELSIF batch_size IS NULL OR batch_size < 1 THEN
    RAISE EXCEPTION 'invalid batch_size of pull: "%"', batch_size USING ERRCODE = '22023', HINT = 'It is at least 1.';
  ELSIF overlap IS NULL OR overlap < interval '0' THEN
    RAISE EXCEPTION 'invalid overlap of pull: "%"', overlap USING ERRCODE = '22023', HINT = 'It is not negative.';
  END IF;
  IF NOT retrack.pull_lock(target, if_busy = 'wait', commits) THEN
    RAISE EXCEPTION 'a pull of "%" is running', target USING ERRCODE = 'RTP02', HINT = 'With if_busy => ''wait'' a pull waits for its turn.';
  END IF;
  IF commits THEN
    COMMIT;             -- what is read from now on is as the pull waited for left it, at any isolation level
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  END IF;
  job := retrack.pull_prepare(source, target, key_columns, version_column, high_water_column, withdrawn_column, registry);
  SELECT b.high_water, b.resumed, b.row_position INTO since, was_running, cut_at FROM retrack.pull_begin(job) AS b;
  IF was_running THEN
    RAISE NOTICE 'pull of %: the last one was cut off, going on from %', job.target_name, coalesce(since, 'the start');
  END IF;
  IF commits THEN
    COMMIT;
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  END IF;

  IF mode = 'full' OR job.high_water IS NULL THEN
    since := NULL;
  END IF;
  SELECT p.staged, p.went_back, p.decided, p.moved INTO staged, went_back, decided, moved FROM retrack.pull_stage(job, since, overlap, cut_at) AS p;
  IF went_back THEN
    RAISE WARNING 'source % answers older data than before', job.source_name USING ERRCODE = 'RTP04',
      DETAIL = format('The high water is %s; nothing that high is there now.', since),
      HINT = 'If it was restored from a backup, CALL retrack.pull with mode => ''full'' takes in what it will change again.';
  END IF;
  IF moved THEN
    RAISE WARNING 'source % changed each time it was read', job.source_name USING ERRCODE = 'RTP05',
      DETAIL = format('A record that changes moves those on later pages; what was read lands, but the high water stays at %s, so that the next pull reads all of it again.', coalesce(since, 'the start')),
      HINT = 'Pull when fewer records change, ask for larger pages, or page by cursor if the API can.';
    job.high_water := NULL;
  END IF;
  WHILE done < staged LOOP
    upto := least(CASE WHEN done < decided THEN decided ELSE done + batch_size END, staged);
    SELECT * INTO batch FROM retrack.pull_batch(job, done + 1, upto);
    done := upto;
    all_landed := all_landed + batch.landed;
    all_rejected := all_rejected + batch.rejected;
    job.plain := batch.plain;
    IF commits THEN
      COMMIT;
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    END IF;
    IF done < staged THEN
      RAISE NOTICE 'pull of %: % of % records, % landed, % rejected, high water %',
        job.target_name, done, staged, all_landed, all_rejected, batch.high_water;
    END IF;
  END LOOP;

  -- What came later in the pull may have been what an earlier row lacked.
  IF all_landed > 0 OR was_running OR mode = 'full' THEN
    SELECT r.landed INTO retried FROM retrack.retry_target(job.registry, target, key_columns, version_column, high_water_column, withdrawn_column) AS r;
  END IF;
  PERFORM retrack.pull_end(job);
  IF commits THEN
    COMMIT;
    PERFORM retrack.pull_unlock(target);
  ELSE
    PERFORM pg_catalog.set_config('search_path', caller_path, true);
  END IF;
  RAISE NOTICE 'pull of %: done, % records read, % landed, % newly rejected, % landed on retry',
    job.target_name, staged, all_landed, all_rejected, retried;
END
$$;
COMMENT ON PROCEDURE retrack.pull(regclass, regclass, text[], text, text, text, interval, integer, text, text, name, boolean) IS
'pulls what has changed in source (a foreign table, or any table or view) into target (a registry table), columns matched by name and
converted where types differ. key_columns: what identifies a row, default the target''s primary key. version_column: higher versions replace lower ones, older ones are
ignored. high_water_column: grows with every change at the source (text compares as text); only rows at or above the highest value seen, less overlap (for times and dates), are asked for; NULL or
no such column: all rows are read. withdrawn_column: where the target has it, withdrawn rows stay, marked; where it has not, they are deleted. batch_size: rows a
transaction. mode ''full'': read all once more. if_busy: ''wait'' for another pull of the target or ''refuse''. registry: schema of pull_state and pull_reject, default the target''s.
commits false: everything in the caller''s transaction (with true a call inside a transaction block, a function or an exception block is an error, 2D000). Rows that break a type, a constraint or a rule go to pull_reject with record, SQLSTATE, message, page and pointer; at the
end of a pull that landed something open rejects are tried once more. A pull that was cut off anywhere goes on where it was when called again. An API whose pages are numbered
is read again where records changed meanwhile. A partitioned target''s key holds the columns it is partitioned by: choose ones that no correction changes. Runs with the caller''s rights.
Errors: RTP01 source and target do not fit, RTP02 busy, RTP03 no key, RTR02 no registry, 22023 bad argument, 22004 NULL source or target;
an error of the source or of the server (not of a row) ends the pull, what was committed stays. Warnings: RTP04 the source has nothing as new as the high water,
RTP05 its numbered pages changed each time they were read: what was read lands, and the next pull reads it again.';
