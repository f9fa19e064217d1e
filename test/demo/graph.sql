-- One exported magnet lot as a Graphviz graph.
SET search_path = trade, retrack, public;
-- the one with the smallest graph: a year later there are thousands of edges behind each
SELECT s.lot_id AS traced
FROM (SELECT DISTINCT s.lot_id FROM shipment AS s JOIN lot AS l USING (lot_id)
      WHERE s.form = 'magnet' AND retrack.fraction(s.assay, 'Dy') > 0 AND NOT s.withdrawn AND NOT l.withdrawn) AS s
ORDER BY (SELECT count(*) FROM retrack.trace_edges('trade', s.lot_id)), s.lot_id LIMIT 1
\gset
\set dot :out '/lot.dot'
\pset format unaligned
\pset tuples_only on
\o :dot
SELECT retrack.trace_dot('trade', :'traced');
\o
