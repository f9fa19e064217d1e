-- Protects: assays are read as stated, from elements and from oxides, rounded once at 1 ppb, and never above 100 %.
SET search_path = retrack, public;
CREATE FUNCTION pg_temp.outcome(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN EXECUTE sql INTO result; RETURN result; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ': ' || SQLERRM; END $$;

SELECT t, t::assay, CASE WHEN t::assay::text = canonical AND canonical::assay = t::assay THEN 'ok' ELSE 'WRONG' END AS ok
FROM (VALUES ('Nd=29.5%,Dy=3.15%±0.05%', 'Nd=29.5%,Dy=3.15%±0.05%'), ('Dy=3.15%+/-0.05%,Nd=29.5%', 'Nd=29.5%,Dy=3.15%±0.05%'),
  (' Dy = 3.15 % ± 500 ppm , Nd = 0.295 ', 'Nd=29.5%,Dy=3.15%±0.05%'), ('neodymium=29.5%,镝=3.15%', 'Nd=29.5%,Dy=3.15%'), ('60=1,66=0', 'Nd=100%,Dy=0%'),
  ('Tb=1ppb', 'Tb=0.0000001%'), ('Tb=1000 ppm', 'Tb=0.1%'), ('Tb=0.5ppb', 'Tb=0.0000001%'), ('Tb=0.49ppb', 'Tb=0%'), ('Tb=1e-3', 'Tb=0.1%'), ('Tb=1.0E-1 %', 'Tb=0.1%'),
  ('Tb=0.3±0.001', 'Tb=30%±0.1%'), ('Tb=30%±0%', 'Tb=30%'), ('Tb=-0%', 'Tb=0%'), ('Pm=1%', 'Pm=1%'),
  ('Dy2O3=100%', 'Dy=87.1320681%'), ('dy2o3=1.2%,CeO2=10%', 'Ce=8.1408834%,Dy=1.0455848%'), ('氧化镝=100%±1%', 'Dy=87.1320681%±0.8713207%'),
  ('Pr6O11=100%', 'Pr=82.7704155%'), ('Tb4O7=100%', 'Tb=85.0215546%'),
  ('{"Nd": 0.295, "Dy": "1.1%"}', 'Nd=29.5%,Dy=1.1%'), ('{ "\u955d" : 1.1e-2 , "nd" : "29.5 % ± 0.5 %" }', 'Nd=29.5%±0.5%,Dy=1.1%'),
  ('{"Dy2O3": {"fraction": 1, "sd": "1%"}}', 'Dy=87.1320681%±0.8713207%'), ('{"Nd":0}', 'Nd=0%'), ('{"N\u0064":"1ppm"}', 'Nd=0.0001%')) v(t, canonical);

SELECT s, pg_temp.outcome(format('SELECT %L::retrack.assay', s))
FROM unnest(ARRAY['', '  ', '{}', ',', '=', 'Nd', 'Nd=', 'Nd=%', 'Nd=x', '=1%', 'Nd=1%,', ',Nd=1%', 'Nd=1% Dy=2%', 'Nd=1%;Dy=2%', 'Nd=1%x', 'Nd=1%±', 'Nd=1±0.1%', 'Nd=1%±0.1', 'Nd=1,5%', 'Nd=NaN', 'Nd=Infinity',
  'Fe=66%', 'O=1%', 'DyO2=1%', 'Dy4O7=1%', 'Nd=1%,Nd=1%', 'Nd=1%,60=1%', 'Nd=1%,Nd2O3=1%', '{"Nd":1e-2,"nd":1e-2}',
  'Nd=-1%', 'Nd=-1ppb', 'Nd=1%±-1%', 'Nd=1%±101%', 'Nd=130%', 'Nd=1.0000000005', 'Nd=1.00000000049', 'Nd=60%,Dy=50%', 'Nd=100%,Dy=1ppb', 'Nd=1e99', 'Nd2O3=130%', 'Nd2O3=116.6376645%', 'Nd2O3=116.63766448%', 'CeO2=1e400',
  '{', '{"Nd"', '{"Nd":', '{"Nd":1', '{"Nd":1,}', '{"Nd":1}}', '{"Nd":1} x', '{"Nd" 1}', '{Nd:1}', '{"Nd":null}', '{"Nd":true}', '{"Nd":[1]}', '{"Nd":""}', '{"Nd":"1%x"}', '{"Nd\u00":1}', '{"Nd\x":1}', '{"\ud800":1}', '{"\u0000":1}',
  '{"Nd":{"fraction":0.1}', '{"Nd":{"sd":0.1}}', '{"Nd":{"fraction":0.1,"sd":0.1,"sd":0.1}}', '{"Nd":{"fraction":0.1,"fraction":0.1}}', '{"Nd":{"fraction":0.1,"x":1}}', '{"Nd":{"fraction":"1%±1%"}}', '{"Nd":{"fraction":0.1,"sd":2}}', '[]', '"Nd=1%"', '29.5%']) s;
-- The detail says which piece it was.
CREATE FUNCTION pg_temp.detail(s text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN PERFORM s::retrack.assay; RETURN 'none'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RETURN SQLSTATE || ': ' || d; END $$;
SELECT s, pg_temp.detail(s) FROM unnest(ARRAY['Nd=60%,Dy=50.5%', 'Nd=1%,Fe=2%', '{"Nd":1,"铁":1}', 'Nd=1%,钕=2%', 'Nd=1%,Dy=-1%', 'Nd=1%,Dy=1%±200%', 'Nd=1%,Dy=1±1%', 'Nd=1%,', '{"Nd":1', '{}']) s;
SELECT pg_temp.outcome(format('SELECT %L::retrack.assay', s)) LIKE '22P02:%' FROM unnest(ARRAY['Nd=0.' || repeat('1', 100000) || 'x', repeat('Nd=1%,', 10000), '{"' || repeat('N', 100000) || '":1}', repeat('{"Nd":', 10000)]) s;
SELECT ('Nd=0.' || repeat('3', 100000))::assay, ('Nd2O3=0.' || repeat('3', 100000))::assay;

-- Oxides: the element's fraction is the oxide's over the factor, rounded once, ties included; against numeric at 60 digits.
SELECT setseed(0.29) IS NOT NULL AS seed_is_029;
WITH o AS MATERIALIZED (
  SELECT oxide, symbol, coalesce(nullif(substring(oxide FROM '^[A-Z][a-z]?(\d+)'), '')::numeric, 1) * coalesce(weight, 145) AS metal, substring(oxide FROM 'O(\d+)$')::numeric * 15.999 AS oxygen,
    round(random()::numeric, (random() * 15)::int) AS f FROM elements(), generate_series(1, 300)), r AS (
  SELECT *, (oxide || '=' || f)::assay AS a FROM o)
SELECT count(*), count(*) FILTER (WHERE fraction(a, symbol::element) <> round((f * metal * 1e60) / ((metal + oxygen) * 1e60) + 0e-60, 9)) AS wrong FROM r;
-- Ties of an oxide: Ce in CeO2 is 140.116 / 172.114 of it; a fraction of 172.114 x 10^-n (k + 1/2) ppb x ... gives k + 1/2 exactly.
SELECT 'CeO2=86.057 ppb'::assay AS "70.058 -> 70", 'CeO2=0.000000086057'::assay, ('CeO2=' || 172.114 * 0.125 || 'ppb')::assay AS "17.5145 -> 18",
  ('CeO2=' || 172.114 * 125 || 'ppb')::assay AS "17514.5 -> 17515", ('CeO2=' || 172.114 * 125 - 1e-30 || 'ppb')::assay AS "17514.5 less 1e-30 -> 17514";

-- Access.
SELECT a -> 'Dy' AS dy, a -> 'Tb' AS tb, fraction(a, 'Tb'), fraction_sd(a, 'Dy'), fraction_sd(a, 'Nd'), total_fraction(a), elements(a) FROM (VALUES ('Nd=29.5%,Dy=3.15%±0.05%'::assay)) v(a);
SELECT * FROM assay_elements('Nd=29.5%,Dy=3.15%±0.05%,Lu=0%');
SELECT a ? 'Dy', a ? 'Tb', a ?| '{Tb,Dy}', a ?| '{Tb,Lu}', a ?| '{}', a ?& '{Nd,Dy}', a ?& '{Nd,Tb}', a ?& '{}', a ?& '{Nd,NULL}', a ?| '{NULL}' FROM (VALUES ('Nd=29.5%,Dy=0%'::assay)) v(a);
SELECT a @> 'Nd=29.5%', a @> 'Nd=29.5000001%', a @> 'Nd=1%,Dy=1%', a @> 'Dy=3.15%±1%', a @> 'Tb=0%', a @> a, a <@ 'Nd=30%,Dy=4%,Tb=1%', a <@ 'Nd=30%' FROM (VALUES ('Nd=29.5%,Dy=3.15%±0.05%'::assay)) v(a);
SELECT NULL::assay -> 'Dy' IS NULL, 'Nd=1%'::assay ? NULL IS NULL, fraction(NULL, 'Dy') IS NULL, (SELECT count(*) FROM assay_elements(NULL)) AS rows;
SELECT make_assay('{Dy,Nd}', '{.01,.3}'), make_assay('{Nd,Dy}', '{.3,.01}', '{0.001,NULL}');
SELECT e, pg_temp.outcome('SELECT retrack.make_assay(' || e || ')') FROM unnest(ARRAY[$$'{Nd,Dy}', '{.3}'$$, $$'{Nd,Nd}', '{.3,.1}'$$, $$'{}', '{}'$$, $$'{Nd,Dy}', '{.9,.2}'$$, $$'{Nd,Dy}', '{.9,-.2}'$$,
  $$'{Nd,NULL}', '{.9,.2}'$$, $$'{Nd,Dy}', '{.9,NULL}'$$, $$'{Nd}', '{NaN}'$$, $$'{Nd}', '{.9}', '{1.1}'$$, $$'{Nd}', '{.9}', '{}'$$, $$'{Nd}', '{1.1}'$$, $$'{{Nd,Dy},{Tb,Pr}}', '{.1,.1,.1,.1}'$$]) e;

-- jsonb, both ways.
SELECT 'Nd=29.5%,Dy=3.15%±0.05%,Lu=0%'::assay::jsonb, '{"Nd": 0.295, "Dy2O3": "1.2%±0.1%"}'::jsonb::assay, '"Nd=29.5%"'::jsonb::assay;
SELECT j, pg_temp.outcome(format('SELECT %L::jsonb::retrack.assay', j)) FROM unnest(ARRAY['null', '1', '[]', '{}', '{"Fe": 1}', '{"Nd": 1, "Dy": 1}', '{"Nd": null}', '"x"']) j;

-- Stoichiometry: published shares of magnet alloys, and the oxides' own factors.
SELECT round(100 * formula_fraction('Nd2Fe14B', 'Nd'), 2) AS nd2fe14b, round(100 * formula_fraction('SmCo5', 'Sm'), 2) AS smco5, round(100 * formula_fraction('Sm2Co17', 'Sm'), 2) AS sm2co17,
  formula_assay('(Nd0.9Dy0.1)2Fe14B'), formula_assay('La2(CO3)3·8H2O') = formula_assay('La2C3H16O17') AS hydrate, formula_fraction('Fe', 'Nd');
SELECT count(*) FILTER (WHERE formula_assay(oxide) = (oxide || '=100%')::assay AND formula_assay(symbol) = (symbol || '=100%')::assay) AS agree FROM elements();
SELECT f, pg_temp.outcome(format('SELECT retrack.formula_assay(%L)', f)) FROM unnest(ARRAY['', 'Fe2', 'Xx2', 'nd', 'Nd2(', 'Nd2)', '()', '2', '·Nd2', 'Nd2·', 'Nd1e6', 'Nd0', 'Nd0.0000001', 'Nd1.000000', 'Nd1..2', 'Nd1000001',
  'Nd1000000Fe1000000', '((((((((((Nd))))))))))', '((Nd0.000001)0.000001)0.1', 'Nd Fe', '2NdCl3*3H2O']) f;
