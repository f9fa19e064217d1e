CREATE FUNCTION retrack.journal_changes() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.journal_changes() IS
  'statement trigger of a table of reports: writes every change to the registry''s journal, with who, when and the row before, chained per party by SHA-256; attach it with retrack.attach_triggers(relation, ''journal''). Arguments: registry, key (columns that tell rows apart, default the primary key''s; without, rows are journalled, but not found again), party (column with the party, default exporter), facility (column with the facility whose party it is, default facility_id). TRUNCATE is refused (RTJ01); so is every change while nothing keeps the columns of key=... unique (22023). A deferred primary key is checked with every statement all the same (23505)';

CREATE FUNCTION retrack.journal_hash(previous bytea, party text, seq bigint, recorded_at timestamptz, who text,
  relation text, row_keys text[], op text, before text, after_digests bytea[]) RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.journal_hash(bytea, text, bigint, timestamptz, text, text, text[], text, text, bytea[]) IS
  'SHA-256 that chains a journal entry to the one before it: over the previous hash (32 zero bytes for the first) and the entry''s fields, each text with its length before it (-1: null), each array with its number of elements (-1: null), numbers and times as 8 bytes';

CREATE FUNCTION retrack.verify_journal(registry name) RETURNS TABLE (party text, seq bigint, problem text)
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
BEGIN
  IF to_regclass(format('%I.journal', registry)) IS NULL OR to_regclass(format('%I.journal_head', registry)) IS NULL THEN
    RAISE EXCEPTION 'schema "%" holds no registry', registry
      USING ERRCODE = 'RTR02', HINT = 'Make one with CALL retrack.create_registry(...).';
  END IF;
  RETURN QUERY EXECUTE format($sql$
    WITH chained AS (
      SELECT j.*, lag(j.seq, 1, 0::bigint) OVER w AS seq_before, lag(j.hash) OVER w AS hash_before
      FROM %1$I.journal j WINDOW w AS (PARTITION BY j.party ORDER BY j.seq)),
    last AS (SELECT DISTINCT ON (j.party) j.party, j.seq, j.hash FROM %1$I.journal j ORDER BY j.party, j.seq DESC)
    SELECT c.party, c.seq, CASE WHEN c.seq IS DISTINCT FROM c.seq_before + 1 THEN 'entries before it are missing'
                                ELSE 'entry was changed, or is not where it was' END
    FROM chained c
    WHERE c.seq IS DISTINCT FROM c.seq_before + 1
       OR c.hash IS DISTINCT FROM retrack.journal_hash(c.hash_before, c.party, c.seq, c.recorded_at, c.who, c.relation, c.row_keys,
                                         c.op, c.before::text, c.after_digests)
    UNION ALL
    SELECT coalesce(h.party, l.party), coalesce(h.seq, l.seq),
           CASE WHEN h.party IS NULL THEN 'the chain has no head' WHEN coalesce(l.seq, 0) < h.seq THEN 'entries at the end are missing'
                ELSE 'the head is not the chain''s last entry' END
    FROM %1$I.journal_head h FULL JOIN last l ON l.party = h.party
    WHERE h.party IS NULL OR h.seq IS DISTINCT FROM coalesce(l.seq, 0)
       OR h.hash IS DISTINCT FROM CASE WHEN l.party IS NULL THEN decode(repeat('00', 32), 'hex') ELSE l.hash END
    ORDER BY 1, 2$sql$, registry);
END $fn$;
COMMENT ON FUNCTION retrack.verify_journal(name) IS
  'recomputes the hash chains of the registry''s journal and shows entries that were changed, added by hand, are missing or were reordered, and heads that are not their chains'' ends; no row means that each chain is whole. Who may write journal and journal_head can make up a chain that is, or cut one and put its head back: compare journal_head with a copy kept elsewhere. RTR02 if the schema holds no registry';

-- The key of a table's rows as the journal writes it, for a query with the table as "t".
CREATE FUNCTION retrack.journal_key(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT retrack.row_key_expression(relation, (
    SELECT retrack.rule_argument(retrack.trigger_arguments(g.oid), 'key', NULL) FROM pg_trigger g
    WHERE g.tgrelid = relation AND g.tgfoid = 'retrack.journal_changes()'::regprocedure LIMIT 1))
$$;
COMMENT ON FUNCTION retrack.journal_key(regclass) IS
  'expression for the journal''s row_key of a row "t" of the table; NULL if its rows have no key';

CREATE FUNCTION retrack.rows_as_of(a_row anyelement, at timestamptz) RETURNS SETOF anyelement
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC'
  SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $fn$
DECLARE
  relation regclass;
  registry name;
  arguments text[];
  key text;
  columns text;
  past record;  -- names and times of the table's entries
  changed_at timestamptz;
BEGIN
  SELECT c.oid, retrack.trigger_arguments(g.oid), coalesce(retrack.rule_argument(retrack.trigger_arguments(g.oid), 'registry', NULL), n.nspname)
  INTO relation, arguments, registry
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgfoid = 'retrack.journal_changes()'::regprocedure
  WHERE c.reltype = pg_typeof(a_row)::oid ORDER BY g.oid DESC LIMIT 1;
  key := retrack.journal_key(relation);
  IF relation IS NULL OR at IS NULL THEN
    RAISE EXCEPTION 'rows of % are not journalled', coalesce(pg_typeof(a_row)::text, '?')
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give a null of a journalled table''s row type and a time: rows_as_of(NULL::trade.shipment, now()).';
  END IF;
  IF retrack.topmost_table(relation) <> relation THEN
    RAISE EXCEPTION 'rows of partition "%" are journalled as rows of table "%"', relation, retrack.topmost_table(relation)
      USING ERRCODE = 'invalid_parameter_value', HINT = format('Ask for rows_as_of(NULL::%s, ...).', retrack.topmost_table(relation));
  END IF;
  IF to_regclass(format('%I.journal', registry)) IS NULL THEN
    RAISE EXCEPTION 'schema "%" holds no registry', registry
      USING ERRCODE = 'RTR02', HINT = format('Name the registry of table "%s" by the trigger argument ''registry=...''.', relation);
  END IF;
  IF key IS NULL THEN
    RAISE EXCEPTION 'rows of table "%" have no key by which the journal knows them', relation
      USING ERRCODE = 'invalid_parameter_value',
            HINT = format('From a primary key on, or columns named by key=..., it will. What was journalled so far is in %I.journal_row.', registry);
  END IF;
  SELECT array_agg(s.name) AS names, array_agg(s.since) AS since, array_agg(s.until) AS until, array_agg(s.columns) AS columns, array_agg(s.other_key) AS other_key
  INTO past FROM retrack.journal_names(registry, relation,
    retrack.named_key(retrack.key_columns(relation, retrack.rule_argument(arguments, 'key', NULL)), retrack.column_shapes(relation)), at) s;
  IF true = ANY (past.other_key) THEN
    EXECUTE format($sql$SELECT max(n.until) FROM %I.journal j JOIN unnest($2, $3, $4, $5) n (name, since, until, other_key)
      ON n.other_key AND j.relation = n.name AND j.recorded_at > n.since AND j.recorded_at <= n.until
      WHERE j.recorded_at > $1 AND j.op <> 'alter'$sql$, registry)
    INTO changed_at USING at, past.names, past.since, past.until, past.other_key;
    IF changed_at IS NOT NULL THEN
      RAISE EXCEPTION 'rows that table "%" had at % are not known', relation, at
        USING ERRCODE = 'RTJ02', DETAIL = format('Its key changed at %s: by the keys of before, rows are not found.', changed_at),
              HINT = format('Ask for a later moment; what was journalled before is in %I.journal_row.', registry);
    END IF;
  END IF;
  -- what was before has no values of virtual columns: they follow from the others
  SELECT string_agg(CASE a.attgenerated WHEN 'v' THEN '(' || pg_get_expr(d.adbin, d.adrelid) || ')' ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
  INTO columns FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
  BEGIN
    RETURN QUERY EXECUTE format($sql$
      WITH later AS MATERIALIZED (
        SELECT DISTINCT ON (k.row_key) k.row_key, j.before, n.columns
        FROM %1$I.journal j JOIN unnest($2, $3, $4, $5) n (name, since, until, columns)
          ON j.relation = n.name AND j.recorded_at > n.since AND j.recorded_at <= n.until, unnest(j.row_keys) k (row_key)
        WHERE j.recorded_at > $1 AND j.op NOT IN ('move', 'alter')
        ORDER BY k.row_key, j.recorded_at, j.before IS NULL, j.seq),
      named AS (
        SELECT CASE WHEN l.columns IS NULL THEN l.before
          ELSE (SELECT json_object_agg(coalesce(l.columns ->> c.key, c.key), c.value) FROM json_each(l.before) c
                WHERE l.columns -> c.key IS DISTINCT FROM 'null') END AS before
        FROM later l WHERE l.before IS NOT NULL)
      SELECT t.* FROM %2$s t WHERE NOT EXISTS (SELECT FROM later l WHERE l.row_key = %3$s)
      UNION ALL
      SELECT %4$s FROM (SELECT r.* FROM named b, LATERAL json_populate_record(NULL::%2$s, b.before) r) b$sql$,
      registry, relation, key, columns) USING at, past.names, past.since, past.until, past.columns;
  EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
    RAISE EXCEPTION 'rows that table "%" had at % do not fit its columns of today', relation, at
      USING ERRCODE = 'RTJ02', DETAIL = format('%s (%s)', SQLERRM, SQLSTATE), HINT = format('What was journalled before is in %I.journal_row.', registry);
  END;
END $fn$;
COMMENT ON FUNCTION retrack.rows_as_of(anyelement, timestamptz) IS
  'the rows of a journalled table as they stood at a moment: SELECT * FROM retrack.rows_as_of(NULL::trade.shipment, ''2025-07-01''). What was written after it is undone by the journal; rows from before the journal count as unchanged. A change counts from when it was written, not from its commit. Tables and columns that are called otherwise now are followed; columns added since are null in rows that changed. 22023 if the table is not journalled, its rows have no key, or it is a partition (ask for the table above it); RTJ02 if it was another table then, a partition, or known by another key, if rows changed before attributes of its columns'' types were renamed, or do not fit the columns'' types of today; RTR02 if the schema that its triggers name holds no registry. Warns where partitions joined or left it with rows since, ALTER TABLE gave columns other values, or the journal''s triggers were off';

-- Tables, and the triggers on what parties report.
CREATE FUNCTION retrack.create_registry_journal(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
CREATE TABLE %1$I.journal (
  party text COLLATE "C" NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  recorded_at timestamptz NOT NULL,
  who text NOT NULL,
  relation text NOT NULL,
  row_keys text[] NOT NULL,
  op text NOT NULL CHECK (op IN ('insert', 'update', 'delete', 'move', 'alter')),
  before json,
  after_digests bytea[],
  hash bytea NOT NULL,
  PRIMARY KEY (party, seq)
);
CREATE INDEX journal_recorded_at_idx ON %1$I.journal USING brin (recorded_at);
COMMENT ON TABLE %1$I.journal IS 'every change of a reported row, chained per party by SHA-256: see retrack.verify_journal and retrack.rows_as_of. Rows that one statement added share entries; the view journal_row has them one by one';
COMMENT ON COLUMN %1$I.journal.party IS 'whose chain the entry is in; empty if the row names no party, (DDL) of alter';
COMMENT ON COLUMN %1$I.journal.seq IS 'number of the entry in its chain, from 1 without gaps';
COMMENT ON COLUMN %1$I.journal.recorded_at IS 'when the entry was written; just before the entries of a trigger that changed the rows again';
COMMENT ON COLUMN %1$I.journal.who IS 'the session''s user';
COMMENT ON COLUMN %1$I.journal.relation IS 'schema and table of the row (the topmost one, of a partition)';
COMMENT ON COLUMN %1$I.journal.row_keys IS 'key of the row, or of the rows that one statement added; several columns are joined by |, with \ before a | or \ of their own and \N for null. Of alter the table''s name afterwards, or the partition''s';
COMMENT ON COLUMN %1$I.journal.op IS 'insert, update, delete; move: an update brought the row from another party''s chain; alter: DDL changed the table';
COMMENT ON COLUMN %1$I.journal.before IS 'the row before the change, virtual columns as null; null for insert and move. Of alter what changed: "columns" by their old names (null: dropped), "key" as it was, columns "rewritten", a "partition" that joined or left, "dropped", whether the "journal" was switched off or on';
COMMENT ON COLUMN %1$I.journal.after_digests IS 'SHA-256 of each of the rows after the change, as JSON in UTC; null for delete and alter';
COMMENT ON COLUMN %1$I.journal.hash IS 'retrack.journal_hash of the entry and the one before it';

CREATE VIEW %1$I.journal_row AS
  SELECT j.party, j.seq, j.recorded_at, j.who, j.relation, r.row_key, j.op, j.before, r.after_digest
  FROM %1$I.journal j CROSS JOIN LATERAL unnest(j.row_keys, j.after_digests) r (row_key, after_digest);
COMMENT ON VIEW %1$I.journal_row IS 'the journal with one row for each change of a reported row: who did what to it and when, and what it was before';

CREATE TABLE %1$I.journal_head (
  party text COLLATE "C" PRIMARY KEY,
  seq bigint NOT NULL,
  hash bytea NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE %1$I.journal_head IS 'where each party''s chain ends; its row is locked while entries are appended';
COMMENT ON COLUMN %1$I.journal_head.party IS 'whose chain';
COMMENT ON COLUMN %1$I.journal_head.seq IS 'number of its last entry';
COMMENT ON COLUMN %1$I.journal_head.hash IS 'hash of its last entry';
$ddl$, registry);
  PERFORM retrack.attach_triggers(format('%I.%I', registry, v.t)::regclass, 'journal', VARIADIC v.arguments)
  FROM (VALUES ('shipment', '{party=exporter}'::text[]), ('production', '{facility=facility_id}'), ('transfer', '{party=reported_by}'),
               ('inventory', '{facility=facility_id}'), ('loss', '{facility=facility_id}'), ('lot', '{facility=facility_id}'),
               ('submission', '{party=producer}')) v (t, arguments);
END $fn$;
COMMENT ON FUNCTION retrack.create_registry_journal(name) IS 'step of create_registry: the journal and its triggers';
