-- One exported magnet lot as a Graphviz graph.
SET search_path = trade, retrack, public;
SELECT s.lot_id AS traced FROM shipment AS s JOIN suspect_origin AS o USING (lot_id)
WHERE s.form = 'magnet' AND retrack.fraction(s.assay, 'Dy') > 0 ORDER BY o.share DESC, s.lot_id LIMIT 1
\gset
\set dot :out '/lot.dot'
\pset format unaligned
\pset tuples_only on
\o :dot
SELECT retrack.trace_dot('trade', :'traced');
\o
