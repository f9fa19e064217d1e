-- CALL retrack.pull_all(registry): every table of a registry that has a source.

CREATE FUNCTION retrack.pull_sources(registry name, source_schema name, OUT source regclass, OUT target regclass)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_in name[];
BEGIN
  IF to_regclass(format('%I.pull_state', registry)) IS NULL THEN
    RAISE EXCEPTION 'schema "%" is not a registry', registry USING ERRCODE = 'RTR02', DETAIL = 'It has no table pull_state.',
      HINT = 'CALL retrack.create_registry makes one.';
  END IF;
  IF source_schema IS NULL THEN
    SELECT array_agg(DISTINCT n.nspname) INTO found_in
    FROM pg_class AS f JOIN pg_namespace AS n ON n.oid = f.relnamespace
    WHERE f.relkind = 'f' AND f.relname IN (SELECT c.relname FROM retrack.pull_order(registry) AS o JOIN pg_class AS c ON c.oid = o);
    IF coalesce(cardinality(found_in), 0) <> 1 THEN
      RAISE EXCEPTION 'cannot tell which schema to pull registry "%" from', registry USING ERRCODE = 'RTP01',
        DETAIL = CASE WHEN found_in IS NULL THEN 'No schema has foreign tables named like its tables.'
                      ELSE format('Foreign tables named like its tables are in %s.', array_to_string(found_in, ', ')) END,
        HINT = 'Name it in source_schema.';
    END IF;
    source_schema := found_in[1];
  END IF;
  IF to_regnamespace(quote_ident(source_schema)) IS NULL OR NOT EXISTS (
    SELECT FROM retrack.pull_order(registry) AS o JOIN pg_class AS t ON t.oid = o
    JOIN pg_class AS s ON s.relname = t.relname AND s.relkind IN ('f', 'r', 'v', 'm', 'p') AND s.relnamespace = to_regnamespace(quote_ident(source_schema)))
  THEN
    RAISE EXCEPTION 'schema "%" has nothing to pull registry "%" from', source_schema, registry USING ERRCODE = 'RTP01',
      DETAIL = CASE WHEN to_regnamespace(quote_ident(source_schema)) IS NULL THEN 'There is no such schema.'
                    ELSE 'None of its tables is named like one of the registry''s.' END,
      HINT = 'IMPORT FOREIGN SCHEMA makes the foreign tables; or give tables and views the names of the registry''s tables.';
  END IF;
  RETURN QUERY SELECT s.oid::regclass, o.relation
    FROM retrack.pull_order(registry) WITH ORDINALITY AS o(relation, ord)
    JOIN pg_class AS t ON t.oid = o.relation
    JOIN pg_class AS s ON s.relname = t.relname AND s.relkind IN ('f', 'r', 'v', 'm', 'p')
    JOIN pg_namespace AS n ON n.oid = s.relnamespace AND n.nspname = source_schema
    ORDER BY o.ord;
END
$$;
COMMENT ON FUNCTION retrack.pull_sources(name, name) IS
'for retrack.pull_all: the tables of a registry that source_schema has a table, view or foreign table of the same name for, in the order to pull them';

CREATE PROCEDURE retrack.pull_all(registry name, source_schema name DEFAULT NULL,
  overlap interval DEFAULT '5 minutes', batch_size integer DEFAULT 10000, mode text DEFAULT 'incremental', if_busy text DEFAULT 'wait',
  commits boolean DEFAULT true)
LANGUAGE plpgsql AS $$
DECLARE
  sources pg_catalog.regclass[];
  targets pg_catalog.regclass[];
BEGIN
  SELECT pg_catalog.array_agg(s.source), pg_catalog.array_agg(s.target) INTO sources, targets
  FROM retrack.pull_sources(registry, source_schema) AS s;
  FOR i IN 1 .. coalesce(pg_catalog.cardinality(sources), 0) LOOP
    CALL retrack.pull(sources[i], targets[i], overlap => overlap, batch_size => batch_size, mode => mode, if_busy => if_busy, commits => commits);
  END LOOP;
END
$$;
COMMENT ON PROCEDURE retrack.pull_all(name, name, interval, integer, text, text, boolean) IS
'pulls every table of a registry that source_schema holds a table of the same name for, in the order of their references and rules (parties before
facilities, licences before shipments), as retrack.pull does with the arguments given. source_schema NULL: the only schema with foreign tables named like the registry''s tables.
Errors: RTP01 cannot tell the schema, or it has none of the tables, RTR02 no such registry, and those of retrack.pull.';
