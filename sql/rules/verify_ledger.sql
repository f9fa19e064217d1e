CREATE FUNCTION retrack.key_names(relation regclass, key text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_to_array(key, ','), (
    SELECT array_agg(a.attname::text ORDER BY k.i) FROM pg_index x
    CROSS JOIN unnest((x.indkey::int2[])[0:x.indnkeyatts - 1]) WITH ORDINALITY k (attnum, i)
    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
    WHERE x.indrelid = relation AND x.indisprimary))
$$;
COMMENT ON FUNCTION retrack.key_names(regclass, text) IS
  'names of the columns by which a table''s rows are known, in the key''s order; key is the triggers'' argument, or NULL for the primary key. NULL if there are none';

CREATE FUNCTION retrack.key_part(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($f$replace(replace(%s COLLATE "C", E'\\', E'\\\\'), '|', E'\\|')$f$, value)
$$;
COMMENT ON FUNCTION retrack.key_part(text) IS
  'expression for a part of a key that | joins, from the expression for the column''s value as text';

-- The key of a table's rows as rules and journal write it (rt_rule_row_key), for a query with the table as "t".
CREATE FUNCTION retrack.row_key_expression(relation regclass, key text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT '(' || string_agg(CASE WHEN cardinality(n.names) = 1 THEN v.text || ' COLLATE "C"'
    ELSE format($f$CASE WHEN t.%I IS NULL THEN E'\\N' ELSE %s END$f$, p.name, retrack.key_part(v.text)) END,
    ' || ''|'' || ' ORDER BY p.i) || ') COLLATE "C"'
  FROM retrack.key_names(relation, key) n (names), unnest(n.names) WITH ORDINALITY p (name, i), format('format(''%%s'', t.%I)', p.name) v (text)
$$;
COMMENT ON FUNCTION retrack.row_key_expression(regclass, text) IS
  'expression for the row_key, in violations and journal, of a row "t" of the table; key is the triggers'' argument, or NULL for the primary key. NULL if the rows have no key';

-- The tables whose rows draw on a registry's ledger, each with its trigger's arguments. A partition
-- is left out where a table above it is a source, since its rows show there.
CREATE FUNCTION retrack.ledger_sources(registry name, rule text)
RETURNS TABLE (relation regclass, arguments text[])
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  WITH source AS (
    SELECT DISTINCT ON (t.tgrelid) t.tgrelid, retrack.trigger_arguments(t.oid) AS arguments
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    -- as the trigger asks; a table of anybody else's is not read, since reading can run its owner's code
    JOIN pg_namespace b ON b.nspname = registry
    JOIN pg_class l ON l.relnamespace = b.oid AND l.relname = CASE rule WHEN 'licence' THEN 'licence_item' ELSE rule END
      AND has_table_privilege(c.relowner, l.oid, 'REFERENCES')
    WHERE c.relkind IN ('r', 'p') AND t.tgfoid = ('retrack.enforce_' || rule || '()')::regprocedure
      AND retrack.rule_argument(retrack.trigger_arguments(t.oid), 'registry', n.nspname) = registry
    ORDER BY t.tgrelid, t.oid)
  SELECT s.tgrelid, s.arguments FROM source s
  WHERE NOT EXISTS (SELECT FROM pg_partition_ancestors(s.tgrelid) a
                    WHERE a.relid <> s.tgrelid AND a.relid IN (SELECT o.tgrelid FROM source o))
$$;
COMMENT ON FUNCTION retrack.ledger_sources(name, text) IS
  'tables whose rows draw on the registry''s ledgers by rule licence or quota, with their triggers'' arguments';

-- Rows that a policy hides would be taken for rows that are gone. The policies of a registry's own tables show all to a regulator.
CREATE FUNCTION retrack.check_rows_visible(registry name, relation regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  hidden boolean := row_security_active(relation);
BEGIN
  IF hidden AND EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation AND n.nspname = registry AND c.relname IN ('shipment', 'production'))
     AND to_regclass(format('%I.visible_all', registry)) IS NOT NULL THEN
    EXECUTE format('SELECT NOT v.yes FROM %I.visible_all v', registry) INTO hidden;
  END IF;
  IF hidden THEN
    RAISE EXCEPTION 'row security may hide rows of table "%" from role "%"', relation, current_user
      USING ERRCODE = 'insufficient_privilege', DETAIL = 'What they draw cannot be told without seeing all of them.',
            HINT = 'A member of the role that owns the table sees all, and so does one with BYPASSRLS.';
  END IF;
END $fn$;
COMMENT ON FUNCTION retrack.check_rows_visible(name, regclass) IS
  'raises 42501 where policies can hide rows of a table that draws on the registry''s ledgers from the current user';

-- "columns" are triples keyword, default name, type; text compares as the rules compare it, byte by byte. Open violations and withdrawn rows draw nothing.
CREATE FUNCTION retrack.ledger_rows_query(registry name, rule text, columns text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  source record;
  result text := '';
  list text;
  key text;
BEGIN
  FOR source IN SELECT * FROM retrack.ledger_sources(registry, rule) LOOP
    PERFORM retrack.check_rows_visible(registry, source.relation);
    SELECT string_agg(CASE WHEN a.attname IS NULL THEN format('NULL::%s AS %I', columns[i][3], columns[i][1])
                           ELSE format('t.%I::%s%s AS %I', a.attname, columns[i][3], CASE columns[i][3] WHEN 'text' THEN ' COLLATE "C"' END, columns[i][1])
                           END, ', ' ORDER BY i)
           || CASE rule WHEN 'quota' THEN format(', %L::text[] AS stages, %L::boolean AS own_required',
                string_to_array(retrack.rule_argument(source.arguments, 'stages', 'mining,separation'), ','),
                retrack.rule_argument(source.arguments, 'allotment', 'optional') = 'required') ELSE '' END
    INTO list
    FROM generate_subscripts(columns, 1) i
    LEFT JOIN pg_attribute a ON a.attrelid = source.relation AND NOT a.attisdropped
      AND a.attname = retrack.rule_argument(source.arguments, columns[i][1], columns[i][2]);
    key := retrack.row_key_expression(source.relation, retrack.rule_argument(source.arguments, 'key', NULL));
    result := result || CASE WHEN result = '' THEN '' ELSE ' UNION ALL ' END
      || format('SELECT %s FROM %s t', list, source.relation)
      || CASE WHEN key IS NULL THEN '' ELSE format(
         ' WHERE NOT EXISTS (SELECT FROM %1$I.violation v WHERE v.relation = %2$L AND v.row_key = %3$s'
         || ' AND v.resolved_at IS NULL AND starts_with(v.rule, %4$L))',
         registry, retrack.table_name(retrack.topmost_table(source.relation)), key, CASE rule WHEN 'licence' THEN 'RTL' ELSE 'RTQ' END) END;
  END LOOP;
  IF result = '' THEN
    SELECT 'SELECT ' || string_agg(format('NULL::%s AS %I', columns[i][3], columns[i][1]), ', ' ORDER BY i)
           || CASE rule WHEN 'quota' THEN ', NULL::text[] AS stages, NULL::boolean AS own_required' ELSE '' END || ' WHERE false'
    INTO result FROM generate_subscripts(columns, 1) i;
  END IF;
  RETURN result;
END $fn$;
COMMENT ON FUNCTION retrack.ledger_rows_query(name, text, text[]) IS
  'query for the rows that draw on the registry''s ledgers, in the given columns; of production also stages and own_required as its trigger''s arguments have them';

CREATE FUNCTION retrack.licence_draws(registry name, licences retrack.licence_id[] DEFAULT NULL)
RETURNS TABLE (licence retrack.licence_id, line integer, drawn numeric, uses bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    WITH kind AS (
      SELECT r.licence, r.form, r.control_code, r.hs_code, sum(r.mass::numeric) AS mass, count(*) AS uses
      FROM (%2$s) r
      WHERE r.licence IS NOT NULL AND r.withdrawn IS NOT TRUE AND r.mass::numeric > 0
        AND ($1 IS NULL OR r.licence OPERATOR(retrack.=) ANY ($1))
      GROUP BY r.licence, r.form, r.control_code, r.hs_code)
    SELECT k.licence, i.line, sum(k.mass), sum(k.uses)::bigint
    FROM kind k
    CROSS JOIN LATERAL (
      SELECT i.line FROM %1$I.licence_item i
      WHERE i.licence OPERATOR(retrack.=) k.licence AND NOT i.withdrawn AND (i.form IS NULL OR i.form = k.form)
        AND (k.control_code IS NULL OR k.control_code = i.control_code
             OR starts_with(k.control_code, i.control_code || '.'))
        AND (i.hs_code IS NULL OR k.hs_code IS NULL OR i.hs_code = k.hs_code)
      ORDER BY i.line LIMIT 1) i
    GROUP BY k.licence, i.line$sql$,
    registry, retrack.ledger_rows_query(registry, 'licence', ARRAY[
      ['licence', 'licence', 'retrack.licence_id'], ['form', 'form', 'retrack.form'],
      ['control_code', 'control_code', 'text'], ['hs_code', 'hs_code', 'text'],
      ['mass', 'net_mass', 'retrack.mass'], ['withdrawn', 'withdrawn', 'boolean']]))
  USING licences;
END $fn$;
COMMENT ON FUNCTION retrack.licence_draws(name, retrack.licence_id[]) IS
  'what the rows draw on each licence item: mass in kg and number of uses; of the given licences, or all';

CREATE FUNCTION retrack.quota_draws(registry name, quotas text[] DEFAULT NULL)
RETURNS TABLE (quota_id text, drawn numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
DECLARE
  rows_query text;
BEGIN
  rows_query := retrack.ledger_rows_query(registry, 'quota', ARRAY[
      ['date', 'produced_on', 'date'], ['facility', 'facility_id', 'text'], ['stage', 'stage', 'retrack.stage'],
      ['ore_class', 'ore_class', 'text'], ['assay', 'assay', 'retrack.assay'], ['mass', 'mass', 'retrack.mass'],
      ['withdrawn', 'withdrawn', 'boolean']]);
  RETURN QUERY EXECUTE format($sql$
    WITH RECURSIVE path (facility_id, own, party_id, depth) AS (
      SELECT f.facility_id, f.party_id, f.party_id, 0 FROM %1$I.facility f
      UNION
      SELECT path.facility_id, path.own, p.parent, path.depth + 1 FROM path
      JOIN %1$I.party p ON p.party_id = path.party_id WHERE p.parent IS NOT NULL AND path.depth < 100),
    above AS (SELECT DISTINCT path.facility_id, path.own, path.party_id FROM path)
    SELECT q.quota_id, sum(retrack.reo_mass(r.mass, r.assay)::numeric)
    FROM (%2$s) r
    JOIN above a ON a.facility_id = r.facility
    JOIN %1$I.quota q ON q.holder = a.party_id AND q.stage = r.stage AND q.period @> r.date
      AND (q.ore_class = 'any' OR q.ore_class = r.ore_class) AND NOT q.withdrawn
    WHERE r.withdrawn IS NOT TRUE AND r.mass::numeric > 0 AND r.assay IS NOT NULL AND isfinite(r.date)
      AND r.stage::text = ANY (r.stages) AND ($1 IS NULL OR q.quota_id = ANY ($1))
      AND (NOT r.own_required OR EXISTS (
        SELECT FROM %1$I.quota o WHERE o.holder = a.own AND o.stage = r.stage AND o.period @> r.date
          AND (o.ore_class = 'any' OR o.ore_class = r.ore_class) AND NOT o.withdrawn))
    GROUP BY q.quota_id$sql$, registry, rows_query)
  USING quotas;
END $fn$;
COMMENT ON FUNCTION retrack.quota_draws(name, text[]) IS
  'what the rows draw on each quota, in kg of rare earth oxide; on the given quotas, or all';

CREATE FUNCTION retrack.lost_violations(registry name) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
DECLARE
  source record;
  key text;
  keyless text[] := '{}';
  row_keys text := 'SELECT NULL::text AS relation, NULL::text AS rules, NULL::text AS key WHERE false';
BEGIN
  FOR source IN
    SELECT s.*, retrack.table_name(retrack.topmost_table(s.relation)) AS name, v.rules
    FROM (VALUES ('licence', 'RTL'), ('quota', 'RTQ')) v (rule, rules), retrack.ledger_sources(registry, v.rule) s
  LOOP
    PERFORM retrack.check_rows_visible(registry, source.relation);
    key := retrack.row_key_expression(source.relation, retrack.rule_argument(source.arguments, 'key', NULL));
    IF key IS NULL THEN
      keyless := keyless || source.name;
    ELSE
      row_keys := row_keys || format(' UNION ALL SELECT %L, %L, %s FROM %s t', source.name, source.rules, key, source.relation);
    END IF;
  END LOOP;
  -- the registry's own tables are named by violations that are of no row
  RETURN QUERY EXECUTE format($sql$
    SELECT v.violation_id FROM %1$I.violation v
    WHERE v.resolved_at IS NULL AND v.rule ~ '^RT[LQ]' AND v.relation <> ALL ($1)
      AND v.relation NOT IN (SELECT %1$L || '.' || t
        FROM unnest('{licence,licence_item,licence_party,licence_status,quota,party,facility}'::text[]) t)
      AND NOT EXISTS (SELECT FROM (%2$s) k WHERE k.key = v.row_key AND k.relation = v.relation AND k.rules = left(v.rule, 3))$sql$, registry, row_keys)
  USING keyless;
END $fn$;
COMMENT ON FUNCTION retrack.lost_violations(name) IS
  'open violations (violation_id) whose rows are gone, with their table or behind the rules'' back: they would be taken for those of a new row with the same key. verify_ledger shows them, rebook_ledger resolves them';

CREATE FUNCTION retrack.verify_ledger(registry name)
RETURNS TABLE (ledger text, key text, recorded numeric, recomputed numeric, difference numeric)
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
BEGIN
  IF to_regclass(format('%I.licence_item', registry)) IS NULL OR to_regclass(format('%I.quota', registry)) IS NULL THEN
    RAISE EXCEPTION 'schema "%" holds no registry', registry
      USING ERRCODE = 'RTR02', HINT = 'Make one with CALL retrack.create_registry(...).';
  END IF;
  RETURN QUERY EXECUTE format($sql$
    WITH draws AS MATERIALIZED (SELECT * FROM retrack.licence_draws(%1$L)),
    both_sides (ledger, key, recorded, recomputed) AS (
      SELECT 'licence_item', i.licence::text || '|' || i.line, i.drawn::numeric, coalesce(d.drawn, 0)
      FROM %1$I.licence_item i LEFT JOIN draws d ON d.licence OPERATOR(retrack.=) i.licence AND d.line = i.line
      UNION ALL
      SELECT 'licence', l.licence::text, l.uses, coalesce(d.uses, 0)
      FROM %1$I.licence l LEFT JOIN (SELECT o.licence, sum(o.uses) AS uses FROM draws o GROUP BY o.licence) d
        ON d.licence OPERATOR(retrack.=) l.licence
      WHERE l.max_uses IS NOT NULL
      UNION ALL
      SELECT 'quota', q.quota_id, q.drawn::numeric, coalesce(d.drawn, 0)
      FROM %1$I.quota q LEFT JOIN retrack.quota_draws(%1$L) d ON d.quota_id = q.quota_id)
    SELECT b.ledger, b.key, b.recorded, b.recomputed, b.recorded - b.recomputed
    FROM both_sides b WHERE b.recorded <> b.recomputed
    UNION ALL
    SELECT 'violation', v.relation || ' ' || v.row_key, NULL, NULL, NULL
    FROM %1$I.violation v WHERE v.violation_id IN (SELECT retrack.lost_violations(%1$L))
    ORDER BY 1, 2$sql$, registry);
END $fn$;
COMMENT ON FUNCTION retrack.verify_ledger(name) IS
  'recomputes every ledger of the registry from the rows that draw on it and shows the differences: licence_item and quota in kg, licence in uses (of licences with max_uses); a row violation, without figures, is an open violation whose row is gone. Causes are rows that came or went with the triggers off, a table dropped that had drawn, or other trigger arguments; rebook_ledger settles all. No row means that all agree. RTR02 if the schema holds no registry, 42501 where row security may hide rows of a table that draws';

-- Used by keep_quotas after quotas, parties or facilities changed or went, with the rows as they were in
-- old_rows and, of parties and facilities, as they are in new_rows.
CREATE FUNCTION retrack.uncovered_query(registry name, changed text) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  RETURN format($sql$
    WITH RECURSIVE path (facility_id, party_id, depth) AS (
      SELECT f.facility_id, f.party_id, 0 FROM %1$I.facility f
      UNION
      SELECT path.facility_id, p.parent, path.depth + 1 FROM path
      JOIN %1$I.party p ON p.party_id = path.party_id WHERE p.parent IS NOT NULL AND path.depth < 100)
    SELECT %3$s, count(*), min(r.date) FROM (%2$s) r %4$s
    WHERE r.withdrawn IS NOT TRUE AND r.mass::numeric > 0 AND isfinite(r.date) AND r.stage::text = ANY (r.stages)
      AND NOT EXISTS (SELECT FROM path b JOIN %1$I.quota q ON q.holder = b.party_id
                      WHERE b.facility_id = r.facility AND q.stage = r.stage AND q.period @> r.date
                        AND (q.ore_class = 'any' OR q.ore_class = r.ore_class) AND NOT q.withdrawn
                        AND (b.depth = 0 OR NOT r.own_required))
    GROUP BY 1 ORDER BY 1$sql$,
    registry, retrack.ledger_rows_query(registry, 'quota', ARRAY[
      ['date', 'produced_on', 'date'], ['facility', 'facility_id', 'text'], ['stage', 'stage', 'retrack.stage'],
      ['ore_class', 'ore_class', 'text'], ['mass', 'mass', 'retrack.mass'], ['withdrawn', 'withdrawn', 'boolean']]),
    CASE changed WHEN 'quota' THEN 'o.quota_id' ELSE 'r.facility' END,
    CASE changed
      WHEN 'quota' THEN $sql$
        JOIN path a ON a.facility_id = r.facility
        JOIN old_rows o ON o.holder = a.party_id AND o.stage = r.stage AND o.period @> r.date
          AND (o.ore_class = 'any' OR o.ore_class = r.ore_class) AND NOT o.withdrawn$sql$
      WHEN 'party' THEN $sql$
        JOIN (SELECT DISTINCT a.facility_id FROM path a JOIN new_rows n ON n.party_id = a.party_id
              WHERE NOT EXISTS (SELECT FROM old_rows o WHERE o.party_id = n.party_id AND o.parent IS NOT DISTINCT FROM n.parent)) m
          ON m.facility_id = r.facility$sql$
      WHEN 'facility gone' THEN $sql$
        JOIN old_rows m ON m.facility_id = r.facility AND NOT EXISTS (SELECT FROM path n WHERE n.facility_id = m.facility_id)$sql$
      ELSE $sql$
        JOIN (SELECT n.facility_id FROM new_rows n
              WHERE NOT EXISTS (SELECT FROM old_rows o WHERE o.facility_id = n.facility_id AND o.party_id IS NOT DISTINCT FROM n.party_id)) m
          ON m.facility_id = r.facility$sql$
    END);
END $fn$;
COMMENT ON FUNCTION retrack.uncovered_query(name, text) IS
  'query for the production that no quota covers after a change of quotas, parties or facilities, in the triggers of keep_quotas: the quota that covered it, or the facility that moved or is gone; rows, first date';

CREATE FUNCTION retrack.allotment_required(registry name) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(bool_or(retrack.rule_argument(s.arguments, 'allotment', 'optional') = 'required'), false)
  FROM retrack.ledger_sources(registry, 'quota') s
$$;
COMMENT ON FUNCTION retrack.allotment_required(name) IS
  'whether production of the registry needs a quota of the producer''s own: then a change of one moves what is drawn on its group''s';

CREATE FUNCTION retrack.rebook_ledger(registry name) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.rebook_ledger(name) IS
  'sets every ledger of the registry to what its rows draw, with all draws locked out meanwhile, and returns the number of ledger rows changed; for the ledger''s owner, after rows came in with triggers off, a table that had drawn was dropped, or trigger arguments changed. Open violations whose rows are gone are resolved, and so are those of rows that break no rule any more (a licence was extended, say), which are drawn from then on, table by table in the order of their recording and as far as there is room. What is then overdrawn stays so, and shows in licence_usage and quota_usage. 42501 for others than the owner, and where row security may hide rows from it, RTR02 if the schema holds no registry';
