-- Chain of custody: where a lot's material came from and where it went.

CREATE FUNCTION retrack.trace_origin(registry name, lot text, element retrack.element DEFAULT NULL,
  OUT origin text, OUT share numeric, OUT mass retrack.mass, OUT looped boolean)
RETURNS SETOF record
LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 20
AS 'MODULE_PATHNAME', 'trace_origin';
COMMENT ON FUNCTION retrack.trace_origin(name, text, retrack.element) IS
'origins of a lot: the lots without inputs that its material came from, each with its share (0 to 1), its mass (share of the lot''s mass) and
whether it came through a loop. Mass balance by blending: a lot''s mix is the mean of its inputs'' mixes weighted by the mass taken of each, with
element by the mass of that element taken (input mass x assay; an input without assay counts as holding none). Shares are whole multiples of 1e-18 that sum to exactly 1, each within
d x 1e-18 of the exact value, d being the steps of the longest way; masses sum to exactly the lot''s mass (NULL where that is unknown).
Lots on a common cycle count as one pool with one mix; a pool that nothing enters is its own origin, named by its smallest lot.
Reads only the lot''s ancestors, by index, with the rights of the caller. NULL registry or lot: no rows. A lot without the element: no rows.
Errors: RTC01 lot not in the registry, RTC02 a lot edge without valid mass, RTR02 no such registry.';

CREATE FUNCTION retrack.trace_destination(registry name, lot text, element retrack.element DEFAULT NULL,
  OUT destination text, OUT share numeric, OUT mass retrack.mass, OUT looped boolean)
RETURNS SETOF record
LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 20
AS 'MODULE_PATHNAME', 'trace_destination';
COMMENT ON FUNCTION retrack.trace_destination(name, text, retrack.element) IS
'destinations of a lot: where its mass is now, or what it held of the element. Each edge takes its mass along into the output lot; what no edge takes stays where it is, so a
destination is a lot with mass left (the lot itself included); where more was taken than the lot weighs, by the masses taken. With element, an edge takes along its part of what the
output holds (the output''s mass x assay, shared among its inputs by the mass of the element taken of each, and never more than that); to an output without assay or mass, the mass of the
element taken. So a separated lot''s Dy is found in its dysprosium oxide, not where most of its mass went. A lot on the way without an assay counts as holding none, and the trace ends there.
Shares, masses, loops and errors as in trace_origin. Reads only the lot''s descendants (with element also what else went into them), by index, with the rights of the caller.
NULL registry or lot: no rows. A lot without the element: no rows. Errors: RTC01 lot not in the registry, RTC02 a lot edge without valid mass, RTR02 no such registry.';

CREATE FUNCTION retrack.origin_shares(registry name, element retrack.element DEFAULT NULL, origin_by text DEFAULT 'lot',
  OUT lot text, OUT origin text, OUT share numeric, OUT mass retrack.mass, OUT looped boolean)
RETURNS SETOF record
LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000 ROWS 1000000
AS 'MODULE_PATHNAME', 'origin_shares';
COMMENT ON FUNCTION retrack.origin_shares(name, retrack.element, text) IS
'trace_origin of every lot of the registry in one pass over its edges, in no particular order; with origin_by => ''facility'' origins are summed by the
facility of the origin lot (NULL: unknown), which keeps results small where chains are long. Time grows with the edges and with the rows returned.
NULL registry or origin_by: no rows. Errors: RTC02 a lot edge without valid mass, RTR02 no such registry, 22023 unknown origin_by.';

CREATE FUNCTION retrack.trace_edges(registry name, lot text, direction text DEFAULT 'origin',
  OUT input_lot text, OUT output_lot text, OUT mass retrack.mass, OUT looped boolean)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 10000 ROWS 100
AS 'MODULE_PATHNAME', 'trace_edges';
COMMENT ON FUNCTION retrack.trace_edges(name, text, text) IS
'the lot edges on every way to the lot (direction ''origin'') or from it (''destination''); looped: the edge lies on a cycle.
Any NULL: no rows. Errors: RTC01 lot not in the registry, RTC02 a lot edge without valid mass, RTR02 no such registry, 22023 unknown direction.';

CREATE FUNCTION retrack.trace_dot(registry name, lot text, direction text DEFAULT 'origin')
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE COST 20000
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
  result text;
BEGIN
  -- a registry name that is none, or a lot that is none, is refused by trace_edges
  EXECUTE format($sql$
    WITH edge AS MATERIALIZED (
      SELECT input_lot, output_lot, mass, looped FROM retrack.trace_edges(%1$L, $1, $2)),
    quoted AS (
      SELECT n.name, '"' || replace(replace(n.name, '\', '\\'), '"', '\"') || '"' AS dot,
             -- dot reads entities in labels
             replace(replace(replace(concat_ws(E'\n', n.name,
               nullif(concat_ws(' ', l.form, l.mass), ''), l.facility_id), '\', '\\'), '"', '\"'), '&', '&amp;') AS label
      FROM (SELECT input_lot FROM edge UNION SELECT output_lot FROM edge UNION SELECT $1) AS n(name)
      LEFT JOIN %2$I.lot AS l ON l.lot_id = n.name),
    share AS (
      SELECT t.origin AS name, t.share FROM retrack.trace_origin(%1$L, $1) AS t WHERE $2 = 'origin'
      UNION ALL
      SELECT t.destination, t.share FROM retrack.trace_destination(%1$L, $1) AS t WHERE $2 = 'destination'),
    line AS (
      SELECT 1 AS part, q.dot AS a, '' AS b, format('  %%s [label="%%s%%s"%%s];', q.dot, replace(q.label, E'\n', '\n'),
               '\n' || round(100 * s.share, 2)::text || ' %%',
               CASE WHEN q.name = $1 THEN ', style=filled, fillcolor=gold'
                    WHEN s.name IS NOT NULL THEN ', style=filled, fillcolor=palegreen' END) AS text
      FROM quoted AS q LEFT JOIN share AS s USING (name)
      UNION ALL
      SELECT 2, i.dot, o.dot, format('  %%s -> %%s [label="%%s"%%s];', i.dot, o.dot, e.mass,
               CASE WHEN e.looped THEN ', color=red' END)
      FROM edge AS e JOIN quoted AS i ON i.name = e.input_lot JOIN quoted AS o ON o.name = e.output_lot)
    SELECT string_agg(text, E'\n' ORDER BY part, a COLLATE "C", b COLLATE "C", text COLLATE "C") FROM line
  $sql$, registry, registry) INTO result USING lot, direction;
  RETURN format(E'digraph lots {\n  rankdir=LR;\n  node [shape=box, fontname="sans-serif", fontsize=10];\n'
                '  edge [fontname="sans-serif", fontsize=9];\n%s\n}\n', result);
END
$$;
COMMENT ON FUNCTION retrack.trace_dot(name, text, text) IS
'trace_edges as a Graphviz graph: each lot with form, mass and facility, each edge with its mass; the lot in gold, its origins (direction
''origin'') or destinations (''destination'') in green with their shares, edges on cycles in red. Feed it to dot -Tsvg.
Any NULL: NULL. Errors: as trace_edges.';
