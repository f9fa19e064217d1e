-- Checks of a registry's lot graph.

CREATE FUNCTION retrack.lot_cycles(registry name, OUT cycle text, OUT lot text, OUT lots integer)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 1000000 ROWS 100
AS 'MODULE_PATHNAME', 'lot_cycles';
COMMENT ON FUNCTION retrack.lot_cycles(name) IS
'lots that are, directly or through others, inputs of themselves; lots of one cycle (strongly connected component) share the name of its
smallest lot and its number of lots. Recycling may make cycles; tracing counts each as one pool. NULL: no rows. Errors: RTC02, RTR02.';

CREATE FUNCTION retrack.lot_graph(registry name, tolerance numeric DEFAULT 0.05,
  OUT kind text, OUT lot text, OUT other text, OUT actual numeric, OUT expected numeric, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE COST 1000000 ROWS 100
SET search_path = pg_catalog, retrack, pg_temp SET jit = off
AS $$
DECLARE
  relation text;
  live text[];
BEGIN
  FOREACH relation IN ARRAY '{lot,lot_edge}'::text[] LOOP
    IF to_regclass(format('%I.%I', registry, relation)) IS NULL THEN
      RAISE EXCEPTION 'schema "%" is not a registry', registry
        USING ERRCODE = 'RTR02', DETAIL = format('It has no table "%s".', relation),
              HINT = 'CALL retrack.create_registry makes one.';
    END IF;
    live := live || CASE WHEN EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = to_regclass(format('%I.%I', registry, relation))
          AND attname = 'withdrawn' AND NOT attisdropped)
      THEN 'withdrawn IS NOT TRUE' ELSE 'true' END;
  END LOOP;
  RETURN QUERY EXECUTE format($sql$
    WITH lots AS NOT MATERIALIZED (SELECT l.lot_id, l.form, l.assay, l.mass::numeric AS mass, l.mass AS typed, l.created_on
                  FROM %1$I.lot AS l WHERE %2$s),
    edges AS NOT MATERIALIZED (SELECT e.input_lot, e.output_lot, e.mass::numeric AS mass, e.mass AS typed
              FROM %1$I.lot_edge AS e WHERE %3$s),
    taken AS (SELECT input_lot, sum(mass) AS mass FROM edges GROUP BY input_lot),
    given AS (SELECT e.output_lot, sum(e.mass) AS mass, sum(reo_mass(e.typed, i.assay)::numeric) AS reo,
                     bool_and(i.assay IS NOT NULL) AS assayed,
                     CASE WHEN count(i.form) = count(*) AND min(i.form) = max(i.form) THEN min(i.form) END AS form
              FROM edges AS e LEFT JOIN lots AS i ON i.lot_id = e.input_lot GROUP BY e.output_lot)
    SELECT 'overdrawn', l.lot_id, NULL::text, t.mass, l.mass, 'more was taken out of the lot than it weighs'
    FROM taken AS t JOIN lots AS l ON l.lot_id = t.input_lot WHERE t.mass > l.mass
    UNION ALL
    SELECT 'gain', l.lot_id, NULL, reo_mass(l.typed, l.assay)::numeric, g.reo,
           'the lot holds more rare earth (as REO) than went into it'
    FROM given AS g JOIN lots AS l ON l.lot_id = g.output_lot
    WHERE g.assayed AND reo_mass(l.typed, l.assay)::numeric > g.reo * (1 + $1)
    UNION ALL
    -- what is only put together gains no mass
    SELECT 'gain', l.lot_id, NULL, l.mass, g.mass, 'the lot weighs more than what went into it, all of it of the same form'
    FROM given AS g JOIN lots AS l ON l.lot_id = g.output_lot
    WHERE (g.assayed AND l.assay IS NOT NULL) IS NOT TRUE AND g.form = l.form AND l.mass > g.mass * (1 + $1)
    UNION ALL
    SELECT 'unknown_lot', n.lot, n.other, NULL, NULL, 'an edge names a lot that is not there'
    FROM (SELECT input_lot AS lot, output_lot AS other FROM edges UNION SELECT output_lot, input_lot FROM edges) AS n
    WHERE NOT EXISTS (SELECT FROM lots AS l WHERE l.lot_id = n.lot)
    UNION ALL
    SELECT 'orphan', l.lot_id, NULL, NULL, NULL, format('a lot of form %%s has no inputs', l.form)
    FROM lots AS l
    WHERE l.form::text NOT IN ('ore', 'concentrate', 'scrap')
      AND NOT EXISTS (SELECT FROM edges AS e WHERE e.output_lot = l.lot_id)
    UNION ALL
    SELECT 'edge_mass', e.input_lot, e.output_lot, e.mass, NULL, 'an edge has no mass, or a negative one'
    FROM edges AS e WHERE e.mass IS NULL OR e.mass < 0
    UNION ALL
    SELECT 'before_input', e.output_lot, e.input_lot, NULL, NULL,
           format('the lot is of %%s, its input of %%s', o.created_on, i.created_on)
    FROM edges AS e JOIN lots AS o ON o.lot_id = e.output_lot JOIN lots AS i ON i.lot_id = e.input_lot
    WHERE o.created_on < i.created_on
    UNION ALL
    SELECT 'self_loop', e.input_lot, e.output_lot, e.mass, NULL, 'the lot is an input of itself'
    FROM edges AS e WHERE e.input_lot = e.output_lot
  $sql$, registry, live[1], live[2]) USING tolerance;
  -- lot_cycles refuses edges without mass, which are listed above
  BEGIN
    RETURN QUERY SELECT 'cycle', c.lot, c.cycle, NULL::numeric, NULL::numeric,
                        format('the lot is one of %s that feed each other', c.lots)
      FROM retrack.lot_cycles(registry) AS c WHERE c.lots > 1;
  EXCEPTION WHEN SQLSTATE 'RTC02' THEN
    NULL;
  END;
END
$$;
COMMENT ON FUNCTION retrack.lot_graph(name, numeric) IS
'what is wrong with a registry''s lot graph, one row a finding (masses in kg), withdrawn rows aside: overdrawn (more taken out than the lot
weighs), gain (more REO in the lot than in what went into it, beyond the relative tolerance; where an assay is missing, more mass, if all is of one form), unknown_lot (an edge names a lot that is
not there), orphan (a lot without inputs whose form is not ore, concentrate or scrap), edge_mass (missing or negative), before_input (older than what it is made of),
self_loop, cycle (other: the smallest lot of the cycle; not looked for while an edge has no mass). Any NULL: no rows. Errors: RTR02 no such registry.';
