-- Protects: masses read, print and compute exactly, round half away from zero at 1 mg, and never wrap.
SET search_path = retrack, public;
CREATE FUNCTION pg_temp.outcome(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN EXECUTE sql INTO result; RETURN result; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ': ' || SQLERRM; END $$;

-- text, milligrams meant; the printed form reads back as the same
SELECT t, t::mass, CASE WHEN milligrams(t::mass) = mg THEN 'ok' ELSE 'WRONG' END AS value,
  CASE WHEN t::mass::text::mass = t::mass THEN 'ok' ELSE 'WRONG' END AS again
FROM (VALUES ('12.5 kg', 12500000), ('3t', 3000000000), ('7 mg', 7), ('7MG', 7), ('250 g', 250000), ('1.25', 1250000), ('-0.001 g', -1),
  ('0', 0), ('-0 t', 0), ('+1kg', 1000000), ('.5 mg', 1), ('-.5mg', -1), ('0.4999999999999999999999999999999 mg', 0), ('1.5 mg', 2), ('2.5 mg', 3),
  ('-2.5 mg', -3), ('0.0000005', 1), ('0.00000049', 0), ('5.', 5000000), ('  12  kg  ', 12000000), ('1e3', 1000000000), ('1E-6 t', 1000),
  ('1e-99999999999', 0), ('0e99999999999', 0), ('000000000000000000000000000000001', 1000000),
  ('9223372036854.775807', 9223372036854775807), ('-9223372036854.775808 kg', -9223372036854775808), ('-9223372036854775808.4 mg', -9223372036854775808),
  ('9223372036.854775807 t', 9223372036854775807), ('9223372036854775807.4999 mg', 9223372036854775807), ('999.999999 kg', 999999999), ('1000 kg', 1000000000)) v(t, mg);

SELECT s, pg_temp.outcome(format('SELECT %L::retrack.mass', s))
FROM unnest(ARRAY['', ' ', 'kg', '1 lb', '1 k g', '1,5 kg', '1.2.3', '--1', '1-', 'NaN', 'Infinity', '0x10', '1e', '1 e3', '1e+', '.', '. kg', '1 kg kg', '1 Mg', '1 千克',
  '9223372036854.7758075', '-9223372036854.7758085', '9223372036854775807.5 mg', '1e30 t', '1e99999999999999999999', '-1e19 mg']) s;

-- Casts: numbers are kilograms.
SELECT 12.5::mass, '12.5 kg'::mass::numeric, kilograms('1 mg'), tonnes('1 mg'), milligrams('1 kg'), mass_from_milligrams(5), 3::bigint::mass, 0.0000005::mass, (-0.0000005)::mass;
SELECT pg_temp.outcome('SELECT ' || s) FROM unnest(ARRAY['''NaN''::numeric::retrack.mass', '''Infinity''::numeric::retrack.mass', '''-Infinity''::numeric::retrack.mass',
  '9223372036854.7758075::retrack.mass', '9223372036855::bigint::retrack.mass', '(-9223372036855)::bigint::retrack.mass', '1e300::numeric::retrack.mass']) s;

-- Doubles mean the decimal number they print; smallint and integer are kilograms too. extra_float_digits has no say.
SELECT 0.1::float8::mass, 1.0000005::float8::mass, (-1e-6)::float8::mass, 4.9e-7::float8::mass, 1e9::float8::mass, 32767::smallint::mass, (-32768)::smallint::mass, 2147483647::mass,
  '1 mg'::mass::float8, '-0.3 kg'::mass::float8, '9223372036.854775807 t'::mass::float8, '-9223372036.854775808 t'::mass::float8;
SET extra_float_digits = -15; SELECT kilograms(123456.789012::float8::mass); RESET extra_float_digits;
SELECT pg_temp.outcome('SELECT ' || s) FROM unnest(ARRAY['''NaN''::float8::retrack.mass', '''Infinity''::float8::retrack.mass', '''-Infinity''::float8::retrack.mass', '1e13::float8::retrack.mass', '(-1e300)::float8::retrack.mass']) s;
SELECT setseed(0.88) IS NOT NULL AS seed_is_088;
WITH r AS MATERIALIZED (SELECT ((random() - 0.5) * 10 ^ (random() * 18 - 6))::float8 AS x FROM generate_series(1, 3000)), m AS (
  SELECT x, x::mass AS m FROM r WHERE abs(x) < 9e12)
SELECT count(*) > 2900 AS enough, count(*) FILTER (WHERE kilograms(m) <> round(x::text::numeric, 6)) AS wrong, count(*) FILTER (WHERE m::float8 <> kilograms(m)::float8) AS wrong_back FROM m;

-- Window frames by mass, the greatest and least of several, buckets: as bigint has them.
WITH r AS MATERIALIZED (SELECT i, (random() * 1000)::bigint AS mg FROM generate_series(1, 300) i)
SELECT count(*), count(*) FILTER (WHERE milligrams(sum_m) = sum_mg) AS same FROM (
  SELECT sum(mass_from_milligrams(mg)) OVER (ORDER BY mass_from_milligrams(mg) RANGE BETWEEN '20 mg' PRECEDING AND '7 mg' FOLLOWING) AS sum_m,
    sum(mg) OVER (ORDER BY mg RANGE BETWEEN 20 PRECEDING AND 7 FOLLOWING) AS sum_mg FROM r) x;
SELECT m, count(*) OVER (ORDER BY m DESC NULLS FIRST RANGE BETWEEN '9223372036 t' PRECEDING AND '0' FOLLOWING) FROM (VALUES ('9223372036.854775807 t'::mass), ('-9223372036.854775808 t'), ('0'), (NULL)) v(m);
SELECT pg_temp.outcome($$SELECT count(*) OVER (ORDER BY m RANGE '-1 kg' PRECEDING) FROM (VALUES ('1 kg'::retrack.mass)) v(m)$$);
SELECT greatest('1 kg'::mass, '2 t', NULL, '3 mg'), least('1 kg'::mass, '-1 mg'), width_bucket('5 kg'::mass, ARRAY['1 kg', '3 kg', '10 kg']::mass[]), percentile_disc(0.5) WITHIN GROUP (ORDER BY m) FROM (VALUES ('1 kg'::mass), ('2 kg'), ('7 kg')) v(m);

-- Arithmetic at the edges.
SELECT '1 kg'::mass + '2 g', '1 kg'::mass - '2 kg', -'1 kg'::mass, + '1 kg'::mass, abs('-1 kg'::mass), sign('-1 kg'::mass), sign('0'::mass), sign('5 t'::mass),
  '1 kg'::mass * 2.5, 2.5 * '1 kg'::mass, '1 kg'::mass / 3, '1 kg'::mass / '4 kg'::mass, '1 kg'::mass * 2, '1 mg'::mass * 0.5, '1 mg'::mass * -0.5, '1 mg'::mass * 0.4999999999999999999;
SELECT e, pg_temp.outcome('SELECT ' || replace(replace(e, 'MAX', '''9223372036.854775807 t''::retrack.mass'), 'MIN', '''-9223372036.854775808 t''::retrack.mass'))
FROM unnest(ARRAY['MAX OPERATOR(retrack.+) ''1 mg''', 'MIN OPERATOR(retrack.-) ''1 mg''', 'OPERATOR(retrack.-) MIN', 'retrack.abs(MIN)', 'retrack.abs(MAX)', 'MAX OPERATOR(retrack.+) MIN',
  'MIN OPERATOR(retrack.*) -1', 'MAX OPERATOR(retrack.*) 1.00000000000000000001', 'MAX OPERATOR(retrack.*) 1.0000000000000000001', 'MIN OPERATOR(retrack./) -1', 'MAX OPERATOR(retrack./) 0.5',
  'MAX OPERATOR(retrack./) 0', 'MAX OPERATOR(retrack./) ''0 kg''::retrack.mass', 'MAX OPERATOR(retrack.*) ''NaN''', 'MAX OPERATOR(retrack./) ''NaN''::numeric', 'MAX OPERATOR(retrack.*) ''Infinity''',
  'MIN OPERATOR(retrack./) ''Infinity''::numeric', 'MIN OPERATOR(retrack./) ''-Infinity''::numeric', 'MAX OPERATOR(retrack./) MAX', 'MIN OPERATOR(retrack./) 1e400', 'MIN OPERATOR(retrack.*) 1e-400']) e;
SELECT '1 kg'::mass + NULL IS NULL, NULL::mass * 2 IS NULL, '1 kg'::mass / NULL::numeric IS NULL;

-- Products and quotients against numeric: a product is round(), a quotient q of m by n is nearest (ties away from zero).
SELECT setseed(0.2025) IS NOT NULL AS seed_is_02025;
WITH r AS MATERIALIZED (
  SELECT ((random() - 0.5) * 10 ^ (1 + random() * 17))::numeric::bigint AS m, round(((random() - 0.5) * 10 ^ (random() * 6 - 3))::numeric, 1 + (random() * 5)::int) AS n
  FROM generate_series(1, 4000)), p AS (
  SELECT *, round(m * n) AS product FROM r)
SELECT count(*) > 3900 AS enough, count(*) FILTER (WHERE milligrams(mass_from_milligrams(m) * n) <> product OR milligrams(n * mass_from_milligrams(m)) <> product) AS wrong FROM p
WHERE abs(product) < 9e18;
WITH r AS MATERIALIZED (
  SELECT ((random() - 0.5) * 10 ^ (1 + random() * 15))::numeric::bigint AS m, round(((random() - 0.5) * 10 ^ (random() * 4))::numeric, (random() * 3)::int) AS n
  FROM generate_series(1, 4000)), q AS (
  SELECT m, n, milligrams(mass_from_milligrams(m) / n) AS q FROM r WHERE n <> 0)
SELECT count(*) > 3000 AS enough, count(*) FILTER (WHERE 2 * abs(q * n - m) > abs(n)) AS wrong,
  count(*) FILTER (WHERE 2 * abs(q * n - m) = abs(n) AND abs(q * n) < abs(m)) AS wrong_ties, count(*) FILTER (WHERE 2 * abs(q * n - m) = abs(n)) > 20 AS has_ties FROM q;

-- Aggregates: exact whatever stands between; only a result out of range is an error.
SELECT sum(m), avg(m), min(m), max(m), count(m) FROM (VALUES ('1 kg'::mass), ('2 kg'), (NULL), ('2 mg')) v(m);
SELECT sum(m), avg(m), min(m), max(m) FROM (VALUES (NULL::mass)) v(m);
SELECT sum(m), avg(m) FROM (VALUES ('9223372036.854775807 t'::mass), ('9223372036.854775807 t'), ('-9223372036.854775807 t')) v(m);
SELECT pg_temp.outcome($$SELECT sum(m) FROM (VALUES ('9223372036.854775807 t'::mass), ('1 mg')) v(m)$$),
  pg_temp.outcome($$SELECT sum(m) FROM (VALUES ('-9223372036.854775808 t'::mass), ('-1 mg')) v(m)$$),
  pg_temp.outcome($$SELECT avg(m) FROM (VALUES ('9223372036.854775807 t'::mass), ('9223372036.854775806 t')) v(m)$$);
SELECT avg(mass_from_milligrams(m)) AS half_up, avg(mass_from_milligrams(-m)) AS half_down FROM (VALUES (1), (2)) v(m);

CREATE TABLE types_mass AS
SELECT i, i % 7 AS g, CASE WHEN i % 11 <> 0 THEN mass_from_milligrams(((random() - 0.5) * 1.8e19)::numeric::bigint) END AS m FROM generate_series(1, 5000) i;
SELECT g, milligrams(sum(m) FILTER (WHERE false)) IS NULL AS none, milligrams(avg(m)) = round(avg(milligrams(m)::numeric)) AS mean,
  milligrams(min(m)) = min(milligrams(m)) AND milligrams(max(m)) = max(milligrams(m)) AS ends FROM types_mass GROUP BY g ORDER BY g;
SELECT count(*) FILTER (WHERE milligrams(s) = t), count(*) FILTER (WHERE milligrams(a) = round(t / n)) , count(*) FROM (
  SELECT sum(m) OVER w AS s, avg(m) OVER w AS a, sum(milligrams(m)::numeric) OVER w AS t, nullif(count(m) OVER w, 0) AS n
  FROM (SELECT i, CASE WHEN i % 5 <> 0 THEN mass_from_milligrams(milligrams(m) / 100) END AS m FROM types_mass) x WINDOW w AS (ORDER BY i ROWS BETWEEN 7 PRECEDING AND 3 FOLLOWING)) v;
-- A frame without masses is NULL again once its rows have left.
SELECT i, sum(m) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES (1, '1 kg'::mass), (2, NULL), (3, NULL), (4, '2 kg')) v(i, m);

SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT avg(m) FROM types_mass;
SELECT (SELECT milligrams(avg(m)) FROM types_mass) = (SELECT round(avg(milligrams(m)::numeric)) FROM types_mass) AS parallel_same;
RESET ALL; SET search_path = retrack, public;
DROP TABLE types_mass;

SELECT * FROM generate_series('1 kg'::mass, '2 kg', '300 g');
SELECT count(*) FROM generate_series('9223372036 t'::mass, '9223372036.854775807 t', '0.8 t');
SELECT count(*) FROM generate_series('1 kg'::mass, '0 kg', '-1 g');
SELECT pg_temp.outcome($$SELECT count(*) FROM retrack.generate_series('1 kg'::retrack.mass, '0 kg', '0 g')$$);
