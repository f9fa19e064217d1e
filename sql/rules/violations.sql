CREATE FUNCTION retrack.licence_violations(registry name, query text, VARIADIC arguments text[] DEFAULT '{}')
RETURNS TABLE (row_key text, rule text, column_name text, party_id text, message text)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_violations(name, text, text[]) IS
  'dry run: what enforce_licence would say to the rows of the query, inserted in their order by one statement; one row a violation, rule being its SQLSTATE. The query runs with the caller''s rights; arguments are the trigger''s column arguments, key defaults to the query''s first column. Needs SELECT on the registry''s licence_item and quota (42501)';

CREATE FUNCTION retrack.quota_violations(registry name, query text, VARIADIC arguments text[] DEFAULT '{}')
RETURNS TABLE (row_key text, rule text, column_name text, party_id text, message text)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.quota_violations(name, text, text[]) IS
  'dry run: what enforce_quota would say to the rows of the query, as licence_violations does for exports';

-- In the order in which they were recorded: what the first ones draw, later ones cannot. So those of one table
-- only, since what they draw is to be booked before another table's rows are looked at.
CREATE FUNCTION retrack.settled_violations(registry name) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
DECLARE
  source record;
  open_rows text;
  any_open boolean;
BEGIN
  FOR source IN
    SELECT s.relation, v.rule, v.rules, retrack.table_name(retrack.topmost_table(s.relation)) AS name,
      retrack.row_key_expression(s.relation, k.key) AS row_key,
      ARRAY(SELECT a FROM unnest(s.arguments) a WHERE a !~ '^(key|registry|mode)=') || ('key=' || array_to_string(retrack.key_names(s.relation, k.key), ',')) AS arguments
    FROM (VALUES ('licence', 'RTL'), ('quota', 'RTQ')) v (rule, rules), retrack.ledger_sources(registry, v.rule) s
    CROSS JOIN LATERAL retrack.rule_argument(s.arguments, 'key', NULL) k (key)
  LOOP
    open_rows := format($sql$SELECT v.row_key, min(v.violation_id) AS first FROM %I.violation v
      WHERE v.relation = %L AND v.resolved_at IS NULL AND starts_with(v.rule, %L) GROUP BY 1$sql$, registry, source.name, source.rules);
    EXECUTE format('SELECT EXISTS (%s)', open_rows) INTO any_open;
    CONTINUE WHEN NOT any_open OR source.row_key IS NULL;
    RETURN QUERY EXECUTE format($sql$
      SELECT v.violation_id FROM %1$I.violation v JOIN %2$s t ON %3$s = v.row_key
      WHERE v.relation = %4$L AND v.resolved_at IS NULL AND starts_with(v.rule, %5$L)
        AND v.row_key NOT IN (SELECT d.row_key FROM retrack.%6$I(%1$L, %7$L, VARIADIC %8$L::text[]) d)$sql$,
      registry, source.relation, source.row_key, source.name, source.rules, source.rule || '_violations',
      format('SELECT t.* FROM %s t JOIN (%s) o ON o.row_key = %s ORDER BY o.first', source.relation, open_rows, source.row_key), source.arguments);
    IF FOUND THEN
      RETURN;
    END IF;
  END LOOP;
END $fn$;
COMMENT ON FUNCTION retrack.settled_violations(name) IS
  'open violations (violation_id) of one table whose rows break no rule any more, as the licence, quota or control list is now, with room for all of them; none: there are none of any table. rebook_ledger resolves them and draws the rows';

CREATE FUNCTION retrack.key_tells_apart(relation regclass, key text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_index x
    WHERE x.indrelid = retrack.topmost_table(relation) AND x.indisunique AND x.indisvalid AND x.indimmediate AND x.indpred IS NULL
      AND NOT EXISTS (SELECT FROM unnest((x.indkey::int2[])[0:x.indnkeyatts - 1]) k (attnum)
        LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum AND a.attnotnull AND a.attname = ANY (retrack.key_names(relation, key))
        WHERE a.attnum IS NULL))
$$;
COMMENT ON FUNCTION retrack.key_tells_apart(regclass, text) IS
  'whether a unique index keeps rows apart by the key, at every moment and over all partitions; key is the triggers'' argument, or NULL for the primary key';

CREATE FUNCTION retrack.check_triggers(registry name)
RETURNS TABLE (relation regclass, problem text)
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  RETURN QUERY
  WITH trigger AS (
    SELECT t.oid, t.tgrelid, t.tgname, t.tgenabled, t.tgtype, t.tgqual IS NOT NULL AS conditional, p.proname, c.relkind, c.relispartition,
      retrack.rule_argument(retrack.trigger_arguments(t.oid), 'registry', n.nspname) AS registry,
      t.tgoldtable IS NOT NULL AS has_old, t.tgnewtable IS NOT NULL AS has_new,
      retrack.trigger_arguments(t.oid) AS arguments
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE p.pronamespace = 'retrack'::regnamespace AND NOT t.tgisinternal
      AND p.proname IN ('enforce_licence', 'enforce_quota', 'journal_changes', 'keep_terms', 'keep_quotas', 'keep_controls')),
  ours AS (SELECT * FROM trigger x WHERE x.registry = check_triggers.registry),
  -- tgtype bits: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate
  events (bit, event) AS (VALUES (4, 'INSERT'), (16, 'UPDATE'), (8, 'DELETE'), (32, 'TRUNCATE')),
  booked AS (SELECT DISTINCT o.tgrelid, o.proname FROM ours o WHERE o.proname IN ('enforce_licence', 'enforce_quota', 'journal_changes'))
  SELECT o.tgrelid::regclass, format('trigger %s of %s is disabled', o.tgname, o.proname)
  FROM ours o WHERE o.tgenabled = 'D'
  UNION ALL
  SELECT o.tgrelid::regclass, format('trigger %s of %s fires on replicas only', o.tgname, o.proname)
  FROM ours o WHERE o.tgenabled = 'R'
  UNION ALL
  SELECT o.tgrelid::regclass, format('trigger %s of %s has a WHEN condition: what it leaves out is not booked', o.tgname, o.proname)
  FROM ours o WHERE o.conditional
  UNION ALL
  SELECT b.tgrelid::regclass, format('%s has more than one trigger for %s: rows are booked more than once', b.proname, e.event)
  FROM booked b, events e
  WHERE (SELECT count(*) FROM ours o WHERE o.tgrelid = b.tgrelid AND o.proname = b.proname AND o.tgtype & e.bit <> 0) > 1
  UNION ALL
  SELECT o.tgrelid::regclass, format('triggers of %s differ in their arguments', o.proname)
  FROM ours o JOIN booked b ON b.tgrelid = o.tgrelid AND b.proname = o.proname
  GROUP BY o.tgrelid, o.proname HAVING count(DISTINCT o.arguments) > 1
  UNION ALL
  SELECT b.tgrelid::regclass, format('%s has no trigger for %s', b.proname, e.event) FROM booked b, events e
  WHERE NOT EXISTS (SELECT FROM ours o WHERE o.tgrelid = b.tgrelid AND o.proname = b.proname AND o.tgtype & e.bit <> 0)
  UNION ALL
  SELECT o.tgrelid::regclass, format('trigger %s is on a %s, where %s cannot work', o.tgname,
    CASE o.relkind WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE 'relation of kind ' || o.relkind::text END, o.proname)
  FROM ours o WHERE o.relkind NOT IN ('r', 'p')
  UNION ALL
  SELECT b.tgrelid::regclass, format('inherits from %s: rows changed through that are not booked', i.inhparent::regclass)
  FROM booked b JOIN pg_class c ON c.oid = b.tgrelid AND NOT c.relispartition JOIN pg_inherits i ON i.inhrelid = b.tgrelid
  UNION ALL
  SELECT o.tgrelid::regclass, format('trigger %s of %s must be AFTER, FOR EACH STATEMENT, with the transition tables of its event', o.tgname, o.proname)
  FROM ours o WHERE o.proname IN ('enforce_licence', 'enforce_quota', 'journal_changes') AND o.tgtype & 32 = 0
    AND (o.tgtype & 3 <> 0 OR (o.tgtype & 20 <> 0 AND NOT o.has_new) OR (o.tgtype & 24 <> 0 AND NOT o.has_old))
  UNION ALL
  SELECT p.relid, format('partition of %s lacks the triggers of %s: call retrack.attach_triggers again', b.tgrelid::regclass, b.proname)
  FROM booked b CROSS JOIN LATERAL pg_partition_tree(b.tgrelid) p
  WHERE NOT EXISTS (SELECT FROM booked o WHERE o.tgrelid = p.relid AND o.proname = b.proname)
  UNION ALL
  SELECT p.relid, format('partition has the triggers of %s, but %s above it has not', b.proname, p.relid)
  FROM booked b CROSS JOIN LATERAL pg_partition_ancestors(b.tgrelid) p
  WHERE NOT EXISTS (SELECT FROM booked o WHERE o.tgrelid = p.relid AND o.proname = b.proname)
  UNION ALL
  SELECT b.tgrelid::regclass, format('column "%s" (argument %s of %s) does not exist', coalesce(a.value, c.name), c.keyword, b.proname)
  FROM booked b
  CROSS JOIN LATERAL (SELECT o.arguments FROM ours o WHERE o.tgrelid = b.tgrelid AND o.proname = b.proname LIMIT 1) r
  JOIN retrack.rule_columns() c ON c.proname = b.proname
  CROSS JOIN LATERAL (SELECT retrack.rule_argument(r.arguments, c.keyword, NULL) AS value) a
  WHERE (c.required OR a.value IS NOT NULL)
    AND NOT EXISTS (SELECT FROM pg_attribute x WHERE x.attrelid = b.tgrelid AND NOT x.attisdropped AND x.attname = coalesce(a.value, c.name))
  UNION ALL
  SELECT b.tgrelid::regclass, format('nothing keeps the key unique by which %s%s knows rows', b.proname, CASE WHEN r.mode = 'record' THEN ' with mode=record' END)
  FROM booked b
  CROSS JOIN LATERAL (SELECT retrack.rule_argument(o.arguments, 'key', NULL) AS key, retrack.rule_argument(o.arguments, 'mode', 'reject') AS mode
                      FROM ours o WHERE o.tgrelid = b.tgrelid AND o.proname = b.proname LIMIT 1) r
  WHERE CASE b.proname WHEN 'journal_changes' THEN r.key IS NOT NULL ELSE r.mode = 'record' END
    AND NOT retrack.key_tells_apart(b.tgrelid, r.key)
  UNION ALL
  SELECT k.relid, format('has no %s trigger of %s', w.moment, k.proname)
  FROM (SELECT to_regclass(format('%I.%I', check_triggers.registry, v.t)) AS relid, v.proname
        FROM (VALUES ('licence', 'keep_terms'), ('licence_item', 'keep_terms'), ('licence_party', 'keep_terms'), ('licence_status', 'keep_terms'),
                     ('quota', 'keep_quotas'), ('party', 'keep_quotas'), ('facility', 'keep_quotas'), ('control_list', 'keep_controls')) v (t, proname)) k,
       (VALUES (2, 'BEFORE'), (0, 'AFTER')) w (bit, moment)
  WHERE k.relid IS NOT NULL AND NOT EXISTS (SELECT FROM ours o WHERE o.tgrelid = k.relid AND o.proname = k.proname
                                            AND o.tgtype & 2 = w.bit AND o.tgtype & 28 <> 0)
  UNION ALL
  SELECT NULL, format('event trigger %s is disabled: what DDL does to watched tables is not followed', e.evtname)
  FROM pg_event_trigger e WHERE e.evtname IN ('retrack_note_names', 'retrack_follow_names') AND e.evtenabled IN ('D', 'R')
  ORDER BY 1, 2;
END $fn$;
COMMENT ON FUNCTION retrack.check_triggers(name) IS
  'what is wrong with the triggers of the registry''s rules and journal: disabled, conditional, doubled, unlike each other, missing for an event, on a view, foreign table or table that inherits, without transition tables, naming a column that does not exist, or a key that several rows can have where it must tell them apart, or missing on a partition; or, without relation, the extension''s event triggers disabled. No row means that nothing is';
