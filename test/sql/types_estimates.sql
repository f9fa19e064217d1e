-- Protects: ANALYZE counts the elements that assays name, and the planner's estimates follow.
SET search_path = retrack, public;
CREATE TABLE types_estimates AS
SELECT i, CASE WHEN i % 10 <> 0 THEN make_assay(ARRAY[CASE WHEN i % 3 = 0 THEN 'La' ELSE 'Nd' END, 'Dy']::element[], ARRAY[0.3, (i % 100) / 1000.0]) END AS a,
  (ARRAY['Nd','Nd','Nd','Dy'])[1 + i % 4]::element AS el, mass_from_milligrams(i) AS ma, make_licence_id(2000 + i % 100, 'AA', lpad(i::text, 6, '0')) AS li FROM generate_series(1, 9900) i;
INSERT INTO types_estimates (a) SELECT 'Tb=1%' FROM generate_series(1, 100);
CREATE FUNCTION pg_temp.estimated(condition text, OUT estimate float8, OUT rows float8) LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT json) SELECT FROM types_estimates WHERE ' || condition INTO plan;
  estimate := plan -> 0 -> 'Plan' ->> 'Plan Rows'; rows := plan -> 0 -> 'Plan' ->> 'Actual Rows';
END $$;
-- Without statistics: some share, never all or nothing.
SELECT c, estimate > 10 AND estimate < 9000 AS sane FROM unnest(ARRAY[$$a ? 'Dy'$$, $$a @> 'Dy=1%'$$]) c, pg_temp.estimated(c);
ANALYZE types_estimates;
SELECT most_common_elems, (SELECT array_agg(round(f::numeric, 4)) FROM unnest(most_common_elem_freqs) f) AS freqs, round(null_frac::numeric, 3) AS nulls FROM pg_stats WHERE tablename = 'types_estimates' AND attname = 'a';
-- Which elements: as counted. How much of them: a third.
SELECT c, rows, abs(estimate - rows) <= greatest(5, rows * 0.05) AS right FROM unnest(ARRAY[$$a ? 'Dy'$$, $$a ? 'Tb'$$, $$a ? 'Lu'$$, $$a ?| '{La,Tb}'$$, $$a ?| '{}'$$, $$a ?& '{La,Dy}'$$, $$a ?& '{}'$$, $$a ? NULL$$,
  $$el = 'Dy'$$, $$el < 'Dy'$$, $$el >= 'Dy'$$, $$el <> 'Nd'$$, $$ma < '3000 mg'$$, $$ma BETWEEN '1 g' AND '2 g'$$, $$li < '25-AA-000000'$$, $$li = '25-AA-000025'$$]) c, pg_temp.estimated(c);
SELECT c, rows > 0 AND estimate BETWEEN rows / 5 AND rows * 5 AS near FROM unnest(ARRAY[$$a @> 'Dy=5%'$$, $$a @> 'Nd=30%'$$, $$a <@ 'Nd=50%,Dy=50%'$$, $$'Nd=50%,Dy=50%' @> a$$, $$'Nd=0%' <@ a$$]) c, pg_temp.estimated(c);
-- Ranges narrower than a bar of the histogram: finer bars, as README says.
ALTER TABLE types_estimates ALTER ma SET STATISTICS 1000, ALTER li SET STATISTICS 1000;
ANALYZE types_estimates;
SELECT c, rows, estimate BETWEEN rows / 2 AND rows * 2 AS near FROM unnest(ARRAY[$$ma BETWEEN '3000 mg' AND '3060 mg'$$, $$li BETWEEN '25-AA-000000' AND '25-AA-ZZZZZZ'$$, $$ma > '9.85 g'$$]) c, pg_temp.estimated(c);
CREATE DOMAIN types_alloy AS assay;
ALTER TABLE types_estimates ALTER a TYPE types_alloy;
ANALYZE types_estimates;
SELECT rows, abs(estimate - rows) < 100 AS right FROM pg_temp.estimated($$a ? 'La'$$);
DROP TABLE types_estimates; DROP DOMAIN types_alloy;
