-- Protects: shares through the lot graph are exact, sum to one, survive loops, and follow row security.
SET client_min_messages = warning;
CREATE SCHEMA chain_t;
CREATE TABLE chain_t.lot (lot_id text PRIMARY KEY, facility_id text, form retrack.form, assay retrack.assay,
  mass retrack.mass, created_on date);
CREATE TABLE chain_t.lot_edge (input_lot text, output_lot text, mass retrack.mass);
CREATE INDEX ON chain_t.lot_edge (input_lot);
CREATE INDEX ON chain_t.lot_edge (output_lot);

-- A merge and a split: M1 and M2 (30 and 10 kg) make B, B is split into C and D; D also takes from M3.
INSERT INTO chain_t.lot VALUES
  ('M1', 'mine1', 'concentrate', 'Nd=20%,Dy=1%', '30 kg', '2025-01-01'),
  ('M2', 'mine2', 'concentrate', 'Nd=10%,Dy=5%', '20 kg', '2025-01-01'),
  ('M3', 'mine3', 'concentrate', 'Nd=10%', '10 kg', '2025-01-02'),
  ('B', 'plant', 'oxide', 'Nd=17.5%,Dy=2%', '40 kg', '2025-02-01'),
  ('C', 'smelter', 'metal', 'Nd=17.5%,Dy=2%', '15 kg', '2025-03-01'),
  ('D', 'smelter', 'metal', 'Nd=15%,Dy=1.333333333%', '30 kg', '2025-03-01');
INSERT INTO chain_t.lot_edge VALUES ('M1', 'B', '30 kg'), ('M2', 'B', '10 kg'),
  ('B', 'C', '15 kg'), ('B', 'D', '20 kg'), ('M3', 'D', '10 kg');
SELECT * FROM retrack.trace_origin('chain_t', 'D') ORDER BY origin;
SELECT * FROM retrack.trace_origin('chain_t', 'M1') ORDER BY origin;
-- Where D's dysprosium came from: M1 gave 20 x 3/4 x 1 %, M2 20 x 1/4 x 5 %, M3 none.
-- B's own assay says 2 % Dy of 20 kg; its mix is M1 : M2 = 0.3 : 0.5.
SELECT origin, share, mass FROM retrack.trace_origin('chain_t', 'D', 'Dy') ORDER BY origin;
-- No samarium to trace.
SELECT count(*) FROM retrack.trace_origin('chain_t', 'D', 'Sm');
-- M1 went: 30/40 of B's fate (15 kg to C, 20 to D, 5 left in B). M2: 10 of 20 kg stay.
SELECT * FROM retrack.trace_destination('chain_t', 'M1') ORDER BY destination;
SELECT destination, share, mass FROM retrack.trace_destination('chain_t', 'M2') ORDER BY destination;
-- Nothing of the kind in M3, and M1's dysprosium goes where its mass goes, since all of it is blended.
SELECT count(*) FROM retrack.trace_destination('chain_t', 'M3', 'Dy');
SELECT destination, round(share, 6) AS share, mass FROM retrack.trace_destination('chain_t', 'M1', 'Dy') ORDER BY destination;
SELECT lot, origin, share, mass FROM retrack.origin_shares('chain_t') ORDER BY lot, origin;
SELECT lot, origin, share FROM retrack.origin_shares('chain_t', origin_by => 'facility') WHERE lot = 'D' ORDER BY origin;
SELECT retrack.trace_dot('chain_t', 'D');
SELECT input_lot, output_lot, mass, looped FROM retrack.trace_edges('chain_t', 'M2', 'destination') ORDER BY 1, 2;
SELECT kind, lot, other, actual, expected FROM retrack.lot_graph('chain_t') ORDER BY 1, 2, 3;

-- A separation, where an element does not go where the mass goes. Of F's 2 kg Dy: 10 kg x 2 % = 0.2 kg stay; its 50 kg
-- brought 1 kg to NdO, which holds 24 kg x 0.1 % = 0.024; 0.4 to DyO, which holds more than the 1 kg brought to it by F and G, and gave a
-- fifth of itself to the magnet nobody analysed; none is in the tailings. 0.2 : 0.024 : 0.4 x 4/5 : 0.4 x 1/5 of 0.624.
CREATE SCHEMA chain_s;
CREATE TABLE chain_s.lot (LIKE chain_t.lot INCLUDING ALL);
CREATE TABLE chain_s.lot_edge (LIKE chain_t.lot_edge INCLUDING ALL);
INSERT INTO chain_s.lot VALUES
  ('F', 'plant', 'concentrate', 'Nd=20%,Dy=2%', '100 kg', '2025-01-01'), ('G', 'plant', 'concentrate', 'Nd=20%,Dy=6%', '10 kg', '2025-01-01'),
  ('NdO', 'plant', 'oxide', 'Nd=80%,Dy=0.1%', '24 kg', '2025-01-02'), ('DyO', 'plant', 'oxide', 'Dy=80%', '2.5 kg', '2025-01-02'),
  ('tail', 'plant', 'compound', 'La=80%', '60 kg', '2025-01-02'), ('mag', 'plant', 'magnet', NULL, '1 kg', '2025-01-03');
INSERT INTO chain_s.lot_edge VALUES ('F', 'NdO', '50 kg'), ('F', 'DyO', '20 kg'), ('G', 'DyO', '10 kg'), ('F', 'tail', '20 kg'), ('DyO', 'mag', '0.5 kg');
SELECT destination, share, mass FROM retrack.trace_destination('chain_s', 'F', 'Dy') ORDER BY destination;
SELECT round(0.2 / 0.624, 18) AS f, round(0.024 / 0.624, 18) AS ndo, round(0.32 / 0.624, 18) AS dyo, round(0.08 / 0.624, 18) AS mag;
-- G's 0.6 kg: as much of DyO's 2 kg as it brought; two destinations only, whatever F did.
SELECT destination, share, mass FROM retrack.trace_destination('chain_s', 'G', 'Dy') ORDER BY destination;
SELECT destination, share, mass FROM retrack.trace_destination('chain_s', 'F', 'Nd') ORDER BY destination;
SELECT count(*) FROM retrack.trace_destination('chain_s', 'mag', 'Dy');
-- Masses at the ends of the range: twenty edges of the largest lot there can be, to two outputs of which one holds half as much.
INSERT INTO chain_s.lot VALUES ('huge', 'F', 'ore', 'Dy=100%', '9223372036854.775807 kg', '2025-01-01'),
  ('half', 'F', 'metal', 'Dy=50%', '9223372036854.775807 kg', '2025-01-01'), ('dot', 'F', 'metal', 'Dy=100%', '1 mg', '2025-01-01');
INSERT INTO chain_s.lot_edge SELECT 'huge', CASE WHEN i > 10 THEN 'half' ELSE 'dot' END, '9223372036854.775807 kg' FROM generate_series(1, 20) AS i;
SELECT destination, round(share, 15) AS share FROM retrack.trace_destination('chain_s', 'huge', 'Dy') ORDER BY destination;
DROP SCHEMA chain_s CASCADE;

-- Thirds: whole units by largest remainder, ties to the smallest name, sum exactly 1.
INSERT INTO chain_t.lot SELECT 'T' || i, 'mine1', 'ore', NULL, '1 kg', '2025-01-01' FROM generate_series(1, 3) AS i;
INSERT INTO chain_t.lot VALUES ('T', 'plant', 'concentrate', NULL, '1 mg', '2025-01-02');
INSERT INTO chain_t.lot_edge SELECT 'T' || i, 'T', '1 kg' FROM generate_series(1, 3) AS i;
SELECT * FROM retrack.trace_origin('chain_t', 'T') ORDER BY origin;

-- A recycling loop: A -> B2 -> C2 -> B2, with inflow from A and from S into C2. One pool, one mix: 3 : 1.
INSERT INTO chain_t.lot VALUES ('A', 'mine1', 'ore', NULL, '3 kg', '2025-01-01'), ('S', 'mine2', 'scrap', NULL, '1 kg', '2025-01-01'),
  ('B2', 'plant', 'magnet', NULL, '5 kg', '2025-01-02'), ('C2', 'plant', 'scrap', NULL, '3 kg', '2025-01-03'),
  ('E2', 'plant', 'magnet', NULL, '1 kg', '2025-01-04'), ('X', 'plant', 'scrap', NULL, '1 kg', '2025-01-04'),
  ('Y', 'plant', 'scrap', NULL, '1 kg', '2025-01-04'), ('Z', 'plant', 'scrap', NULL, '1 kg', '2025-01-04');
INSERT INTO chain_t.lot_edge VALUES ('A', 'B2', '3 kg'), ('B2', 'C2', '2 kg'), ('S', 'C2', '1 kg'), ('C2', 'B2', '2 kg'), ('C2', 'E2', '1 kg'),
  ('X', 'Y', '1 kg'), ('Y', 'X', '1 kg'), ('Z', 'Z', '1 kg'), ('ghost', 'Z', '0 kg');
SELECT t.lot, o.* FROM (VALUES ('B2'), ('C2'), ('E2'), ('X'), ('Y'), ('Z')) AS t(lot), retrack.trace_origin('chain_t', t.lot) AS o
ORDER BY t.lot, origin;
SELECT destination, share, mass, looped FROM retrack.trace_destination('chain_t', 'A') ORDER BY destination;
SELECT * FROM retrack.lot_cycles('chain_t') ORDER BY cycle, lot;
SELECT kind, lot, other, actual, expected FROM retrack.lot_graph('chain_t') ORDER BY 1, 2, 3;
-- Every lot's shares sum to one, its masses to its mass.
SELECT lot, sum(share), sum(mass::numeric) FROM retrack.origin_shares('chain_t') GROUP BY lot
HAVING sum(share) <> 1 OR sum(mass::numeric) <> (SELECT l.mass::numeric FROM chain_t.lot AS l WHERE l.lot_id = lot);

-- Against an independent computation: a random layered graph of 400 lots in exact-enough numeric by recursive CTE.
CREATE SCHEMA chain_r;
CREATE TABLE chain_r.lot (LIKE chain_t.lot INCLUDING ALL);
CREATE TABLE chain_r.lot_edge (LIKE chain_t.lot_edge INCLUDING ALL);
SELECT setseed(0.4711);
INSERT INTO chain_r.lot SELECT 'R' || i, 'F' || i % 5, 'oxide', format('Nd=%s%%,Dy=%s%%', i % 30, i % 7)::retrack.assay, ((random() * 1e6)::int || ' g')::retrack.mass, '2025-01-01'
FROM generate_series(0, 399) AS i;
INSERT INTO chain_r.lot_edge SELECT 'R' || a, 'R' || b, ((1 + random() * 1e5)::int || ' g')::retrack.mass FROM (
  SELECT DISTINCT b, b - b % 50 - 1 - (random() * 49)::int AS a FROM generate_series(50, 399) AS b, generate_series(1, 3)) AS e;
WITH RECURSIVE edge AS (
  SELECT e.input_lot, e.output_lot, e.mass::numeric AS w,
         e.mass::numeric * coalesce(retrack.fraction(l.assay, 'Dy'), 0) AS dy
  FROM chain_r.lot_edge AS e JOIN chain_r.lot AS l ON l.lot_id = e.input_lot),
part AS MATERIALIZED (
  SELECT input_lot, output_lot, w / sum(w) OVER o AS w, dy / nullif(sum(dy) OVER o, 0) AS dy FROM edge WINDOW o AS (PARTITION BY output_lot)),
walk AS (
  SELECT lot_id AS lot, lot_id AS origin, 1::numeric AS w FROM chain_r.lot
  UNION ALL SELECT walk.lot, p.input_lot, round(walk.w * p.w, 40) FROM walk JOIN part AS p ON p.output_lot = walk.origin),
expected AS (
  SELECT lot, origin, sum(w) AS share FROM walk
  WHERE NOT EXISTS (SELECT FROM part AS p WHERE p.output_lot = walk.origin) GROUP BY lot, origin)
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE s.share IS NULL OR x.share IS NULL) AS missing,
       count(*) FILTER (WHERE abs(s.share - x.share) > 8e-18) AS wrong
FROM expected AS x FULL JOIN retrack.origin_shares('chain_r') AS s USING (lot, origin);
-- One by one as all together.
SELECT count(*) AS different FROM (
  (SELECT l.lot_id, o.origin, o.share, o.mass FROM chain_r.lot AS l, retrack.trace_origin('chain_r', l.lot_id, 'Dy') AS o
   EXCEPT SELECT lot, origin, share, mass FROM retrack.origin_shares('chain_r', 'Dy'))
  UNION ALL
  (SELECT lot, origin, share, mass FROM retrack.origin_shares('chain_r', 'Dy')
   EXCEPT SELECT l.lot_id, o.origin, o.share, o.mass FROM chain_r.lot AS l, retrack.trace_origin('chain_r', l.lot_id, 'Dy') AS o)) AS d;
-- What was put in is somewhere: destinations sum to one as well.
SELECT count(*) FROM chain_r.lot AS l, LATERAL (SELECT sum(share) AS s FROM retrack.trace_destination('chain_r', l.lot_id)) AS d WHERE s <> 1;

-- A chain of 20,000 lots: no recursion to run out of.
INSERT INTO chain_r.lot SELECT 'K' || i, 'F', 'metal', NULL, '1 kg', '2025-01-01' FROM generate_series(1, 20000) AS i;
INSERT INTO chain_r.lot_edge SELECT 'K' || i, 'K' || i + 1, '1 kg' FROM generate_series(1, 19999) AS i;
ANALYZE chain_r.lot_edge;
SELECT origin, share FROM retrack.trace_origin('chain_r', 'K20000');
-- Masses at the ends of the range.
INSERT INTO chain_r.lot VALUES ('big1', 'F', 'ore', 'Dy=99%', '9223372036854.775807 kg', '2025-01-01'), ('big2', 'F', 'ore', 'Dy=100%', '9223372036854.775807 kg', '2025-01-01'),
  ('big', 'F', 'metal', 'Dy=99.5%', '9223372036854.775807 kg', '2025-01-01');
INSERT INTO chain_r.lot_edge SELECT 'big' || 1 + i % 2, 'big', '9223372036854.775807 kg' FROM generate_series(1, 100) AS i;
SELECT * FROM retrack.trace_origin('chain_r', 'big') ORDER BY origin;
SELECT * FROM retrack.trace_origin('chain_r', 'big', 'Dy') ORDER BY origin;

-- Bad input.
\set VERBOSITY sqlstate
SELECT * FROM retrack.trace_origin('chain_none', 'A');
SELECT * FROM retrack.trace_origin('pg_catalog', 'A');
SELECT * FROM retrack.trace_origin('chain_t', 'nowhere');
SELECT * FROM retrack.trace_destination('chain_t', 'nowhere');
SELECT * FROM retrack.trace_dot('chain_t', 'nowhere');
SELECT * FROM retrack.trace_edges('chain_t', 'A', 'sideways');
SELECT * FROM retrack.origin_shares('chain_t', origin_by => 'colour');
SELECT * FROM retrack.lot_graph('chain_none');
INSERT INTO chain_t.lot_edge VALUES ('M1', 'C', NULL);
SELECT * FROM retrack.trace_origin('chain_t', 'C');
SELECT count(*) FROM retrack.origin_shares('chain_t');
SELECT kind, lot, other FROM retrack.lot_graph('chain_t') WHERE kind IN ('edge_mass', 'cycle');
UPDATE chain_t.lot_edge SET mass = '-1 kg' WHERE mass IS NULL;
SELECT * FROM retrack.trace_origin('chain_t', 'C');
DELETE FROM chain_t.lot_edge WHERE input_lot = 'M1' AND output_lot = 'C';
\set VERBOSITY default
SELECT count(*) FROM retrack.trace_origin(NULL, 'A'), retrack.trace_destination('chain_t', NULL);
SELECT retrack.trace_dot('chain_t', NULL) IS NULL AS dot;

-- Withdrawn reports do not count, where tables have the column.
ALTER TABLE chain_t.lot_edge ADD withdrawn boolean;
UPDATE chain_t.lot_edge SET withdrawn = true WHERE input_lot = 'M2';
SELECT origin, share FROM retrack.trace_origin('chain_t', 'B');

-- Inputs that do not add up to the lot: by mass where no assay tells, if nothing but mixing was done; 5 % are allowed, or as many as the caller says.
CREATE SCHEMA chain_g;
CREATE TABLE chain_g.lot (LIKE chain_t.lot);
CREATE TABLE chain_g.lot_edge (LIKE chain_t.lot_edge);
INSERT INTO chain_g.lot (lot_id, form, assay, mass) VALUES ('a', 'ore', NULL, '10 kg'), ('b', 'ore', 'Nd=1%', '10 kg'), ('c', 'ore', 'Nd=1%', '21 kg'), ('d', 'ore', 'Nd=1%', '21.1 kg'), ('e', 'ore', 'Nd=1%', '10.6 kg'),
  ('f', 'concentrate', NULL, '99 kg'), ('g', 'ore', NULL, NULL), ('h', 'ore', NULL, '9 kg'), ('s', 'scrap', NULL, '1 kg');
INSERT INTO chain_g.lot_edge VALUES ('a', 'c', '10 kg'), ('b', 'c', '10 kg'), ('a', 'd', '10 kg'), ('b', 'd', '10 kg'), ('b', 'e', '10 kg'), ('a', 'f', '10 kg'), ('a', 'g', '10 kg'), ('a', 'h', '4 kg'), ('s', 'h', '1 kg');
SELECT lot, actual, expected, message FROM retrack.lot_graph('chain_g') WHERE kind = 'gain' ORDER BY 1;
SELECT lot, actual, expected FROM retrack.lot_graph('chain_g', 0.1) WHERE kind = 'gain' ORDER BY 1;
DROP TABLE chain_g.lot, chain_g.lot_edge;
DROP SCHEMA chain_g;
-- Names that DOT would read as more than a name: quotes, backslashes at the end, line breaks, braces, other scripts, escapes.
CREATE SCHEMA "chain "" t";
CREATE TABLE "chain "" t".lot (LIKE chain_t.lot);
CREATE TABLE "chain "" t".lot_edge (LIKE chain_t.lot_edge);
INSERT INTO "chain "" t".lot (lot_id, facility_id, form, mass) VALUES ('"]; evil -> x; //', 'F "1"\', 'ore', '1 kg'), (E'two\nlines\\', E'a\nb', 'ore', '1 kg'), ('\N {<b>}', '镝 <i>&amp;</i>', 'magnet', '2 kg'), ('', '', NULL, NULL);
INSERT INTO "chain "" t".lot_edge VALUES ('"]; evil -> x; //', '\N {<b>}', '1 kg'), (E'two\nlines\\', '\N {<b>}', '1 kg'), ('', '\N {<b>}', '1 mg');
SELECT retrack.trace_dot('chain " t', '\N {<b>}');
SET client_min_messages = error;
DROP SCHEMA "chain "" t" CASCADE;

-- Row security: who does not see an edge does not see beyond it.
CREATE ROLE chain_reader;
GRANT USAGE ON SCHEMA chain_t TO chain_reader;
GRANT SELECT ON chain_t.lot_edge TO chain_reader;
SET ROLE chain_reader;
\set VERBOSITY sqlstate
SELECT * FROM retrack.trace_origin('chain_t', 'D');
\set VERBOSITY default
RESET ROLE;
GRANT SELECT ON chain_t.lot TO chain_reader;
ALTER TABLE chain_t.lot_edge ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_m1 ON chain_t.lot_edge TO chain_reader USING (input_lot <> 'M1');
SET ROLE chain_reader;
SELECT origin, share FROM retrack.trace_origin('chain_t', 'D') ORDER BY origin;
SELECT origin, share FROM retrack.origin_shares('chain_t') WHERE lot = 'D' ORDER BY origin;
RESET ROLE;
SET client_min_messages = error;
DROP SCHEMA chain_t, chain_r CASCADE;
DROP ROLE chain_reader;
