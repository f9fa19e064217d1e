-- Protects: blend(mass, assay) is the assay of materials put together: exact, rounded once, the same bits by every plan.
SET search_path = retrack, public;
CREATE FUNCTION pg_temp.outcome(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN EXECUTE sql INTO result; RETURN result; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ': ' || SQLERRM; END $$;

-- 2 kg of 30 % and 1 kg of 33 % Nd are 31 %; what one row does not name counts as 0. Deviations: sqrt((2 x 0.3)^2 + (1 x 0.8)^2) / 3 = 1/3.
SELECT blend(m, a) FROM (VALUES ('2 kg'::mass, 'Nd=30%±0.3%,Dy=3%'::assay), ('1 kg', 'Nd=33%±0.8%,Tb=0%')) v(m, a);
SELECT blend(m, a) FROM (VALUES ('7 t'::mass, 'Nd=29.5%,Dy=3.15%±0.05%'::assay)) v(m, a);
-- Rounding: half up at 1 ppb; roundings never add up to more than all.
SELECT blend(m, a) AS "0.5 -> 1, 0.25 -> 0" FROM (VALUES ('1 mg'::mass, 'Nd=1 ppb'::assay), ('1 mg', 'Nd=0'), ('0', 'La=50%')) v(m, a);
SELECT blend(m, a) AS thirds, total_fraction(blend(m, a)) AS total FROM (VALUES ('1 mg'::mass, 'Sc=100%'::assay), ('1 mg', 'Y=100%'), ('1 mg', 'La=100%')) v(m, a);
SELECT blend(m, a) AS sixths, total_fraction(blend(m, a)) AS total FROM (VALUES ('1 mg'::mass, 'Sc=100%'::assay), ('1 mg', 'Y=100%'), ('1 mg', 'La=100%'), ('1 mg', 'Ce=100%'), ('1 mg', 'Pr=100%'), ('1 mg', 'Nd=100%')) v(m, a);
-- NULLs, nothing, and reversals: a negative mass takes back all that its original added.
SELECT blend(m, a) FROM (VALUES ('1 kg'::mass, NULL::assay), (NULL, 'Nd=1%'), ('3 kg', 'Dy=2%±1%')) v(m, a);
SELECT blend(m, a) IS NULL AS none FROM (VALUES ('1 kg'::mass, NULL::assay)) v(m, a);
SELECT blend('1 kg', 'Nd=1%') IS NULL AS none WHERE false;
SELECT blend(m, a) IS NULL AS no_mass FROM (VALUES ('0'::mass, 'Nd=1%'::assay)) v(m, a);
SELECT blend(m, a) FROM (VALUES ('1 kg'::mass, 'Nd=10%±1%'::assay), ('5 kg', 'Nd=20%±3%'), ('-5 kg', 'Nd=20%±3%')) v(m, a);
SELECT blend(m, a) AS no_deviation FROM (VALUES ('5 kg'::mass, 'Nd=10%±1%'::assay), ('-1 kg', 'Nd=10%±9%')) v(m, a);
SELECT v, pg_temp.outcome('SELECT retrack.blend(m, a) FROM (VALUES ' || v || ') v(m, a)') FROM unnest(ARRAY[
  $$('2 kg'::retrack.mass, 'Nd=10%'::retrack.assay), ('-1 kg', 'Nd=50%')$$, $$('2 kg'::retrack.mass, 'Nd=90%'::retrack.assay), ('-1 kg', 'Nd=10%')$$,
  $$('2 kg'::retrack.mass, 'Nd=50%,Dy=50%'::retrack.assay), ('-1 kg', 'Nd=20%,Dy=20%')$$, $$('2 kg'::retrack.mass, 'Nd=90%±90%'::retrack.assay), ('-1 kg', 'Nd=90%')$$,
  $$('1 kg'::retrack.mass, 'Nd=10%'::retrack.assay), ('-2 kg', 'Nd=50%')$$]) v;
-- The largest masses, many times.
SELECT blend('9223372036.854775807 t', a) FROM (VALUES ('Nd=100%±100%'::assay), ('Dy=100%±100%')) v(a), generate_series(1, 1000);
SELECT blend('-9223372036.854775808 t', 'Nd=100%') IS NULL AS negative_total, blend('9223372036.854775807 t', 'Nd=33.3333333%') FROM generate_series(1, 3);

-- Against numeric: all sizes of mass, one to seventeen elements, a third with deviations.
SELECT setseed(0.3303) IS NOT NULL AS seed_is_03303;
CREATE TABLE balance_blend AS
SELECT i, i % 200 AS g, mass_from_milligrams((10 ^ (random() * 18.9))::numeric::bigint) AS m, (SELECT make_assay(array_agg(element), array_agg(f), array_agg(sd)) FROM (
  SELECT element, round((random() / 17)::numeric, (random() * 9)::int) AS f, CASE WHEN i % 3 = 0 THEN round((random() / 20)::numeric, 9) END AS sd FROM elements() WHERE random() < (1 + i % 17) / 17.0 OR number = 57 + i % 15) x) AS a
FROM generate_series(1, 6000) i;
CREATE TABLE balance_blended AS SELECT g, blend(m, a) AS b FROM balance_blend GROUP BY g;
WITH truth AS (
  SELECT g, element, round(sum(milligrams(m) * fraction) / (total + 0e-60), 9) AS f, round(sqrt(sum((milligrams(m) * coalesce(sd, 0)) ^ 2) + 0e-60) / total, 9) AS sd
  FROM (SELECT *, sum(milligrams(m)::numeric) OVER (PARTITION BY g) AS total FROM balance_blend) x, assay_elements(a) GROUP BY g, element, total)
SELECT count(*) AS parts, count(*) FILTER (WHERE fraction(b, element) <> f) AS wrong, count(*) FILTER (WHERE fraction_sd(b, element) <> sd) AS wrong_sd, count(*) FILTER (WHERE sd > 0) > 1000 AS has_sd, bool_and(b ? element) AS named FROM truth JOIN balance_blended USING (g);
-- The same bits: in any order, by workers, by moving frames, however grouped.
SELECT count(*) FILTER (WHERE b <> c) AS differ FROM balance_blended JOIN (SELECT g, blend(m, a ORDER BY m DESC) AS c FROM balance_blend GROUP BY g) x USING (g);
SELECT count(*), count(*) FILTER (WHERE moving IS DISTINCT FROM again) AS differ FROM (
  SELECT g, blend(m, a) OVER (PARTITION BY g ORDER BY i ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING) AS moving,
    (SELECT blend(m, a) FROM (SELECT m, a FROM balance_blend y WHERE y.g = x.g AND y.i BETWEEN x.i - 1000 AND x.i + 400) z) AS again FROM balance_blend x WHERE g < 10) w;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2; SET enable_sort = off;
DO $$ DECLARE line text; BEGIN -- the plan's other lines differ between server versions
  FOR line IN EXPLAIN (COSTS OFF) SELECT g, blend(m, a) FROM balance_blend GROUP BY g LOOP IF line LIKE '%Partial HashAggregate%' THEN RAISE INFO 'partial'; END IF; END LOOP; END $$;
SELECT count(*) FILTER (WHERE b <> c) AS differ FROM balance_blended JOIN (SELECT g, blend(m, a) AS c FROM balance_blend GROUP BY g) x USING (g);
RESET ALL;
DROP TABLE retrack.balance_blend, retrack.balance_blended;
