-- Protects: every spelling of an element is one value, and the physics: weights and oxide factors.
SET search_path = retrack, public;
CREATE FUNCTION pg_temp.outcome(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN EXECUTE sql INTO result; RETURN result; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ': ' || SQLERRM; END $$;

SELECT 'Dy'::element, '镝'::element, '66'::element, 'DYSPROSIUM'::element, ' dy '::element;
SELECT * FROM elements();
-- Each of the 17 by all its spellings: 17 x 7 that agree.
SELECT count(*), bool_and(s::element = e.element) FROM elements() e,
  unnest(ARRAY[symbol, lower(symbol), upper(symbol), name, upper(name), chinese, number::text]) s;
SELECT element_name('Dy'), element_chinese('Dy'), oxide('Dy'), atomic_number('Dy'), 'Dy'::element::integer, 66::element;

-- Weights and factors as published tables print them.
SELECT symbol, standard_weight(symbol::element)::text = weight AS weight_ok, round(oxide_factor(symbol::element), 4)::text = factor AS factor_ok
FROM (VALUES ('Sc','44.955907','1.5338'), ('Y','88.905838','1.2699'), ('La','138.90547','1.1728'), ('Ce','140.116','1.2284'),
  ('Pr','140.90766','1.2082'), ('Nd','144.242','1.1664'), ('Sm','150.36','1.1596'), ('Eu','151.964','1.1579'), ('Gd','157.249','1.1526'),
  ('Tb','158.925354','1.1762'), ('Dy','162.500','1.1477'), ('Ho','164.930329','1.1455'), ('Er','167.259','1.1435'),
  ('Tm','168.934219','1.1421'), ('Yb','173.045','1.1387'), ('Lu','174.96669','1.1372')) t(symbol, weight, factor);
-- Factors from the formulas of the oxides, promethium with its mass number.
SELECT element, oxide FROM elements(),
  LATERAL (SELECT coalesce(nullif(substring(oxide FROM '^[A-Z][a-z]?(\d+)'), '')::numeric, 1) AS n,
    substring(oxide FROM 'O(\d+)$')::numeric AS k, coalesce(weight, 145) AS a) f
WHERE factor <> round((n * a + k * 15.999) / (n * a) + 0.0000000000000000000000000, 15);
SELECT pg_temp.outcome($$SELECT standard_weight('Pm')$$);

-- What is no rare earth is refused.
SELECT s, pg_temp.outcome(format('SELECT %L::retrack.element', s))
FROM unnest(ARRAY['', ' ', 'Fe', 'D', 'Dyy', 'Dy2O3', '0', '20', '72', '066', '0066', '-66', '66.0', 'La Lu', '铁', '镝镝', repeat('x', 100)]) s;
SELECT pg_temp.outcome('SELECT 26::retrack.element'), pg_temp.outcome('SELECT (-1)::retrack.element'), pg_temp.outcome('SELECT (66 + 256)::retrack.element');
SELECT NULL::element IS NULL, element_name(NULL) IS NULL, oxide_factor(NULL) IS NULL;

-- Order is by atomic number, however they come.
SELECT string_agg(element::text, ' ' ORDER BY element DESC), min(element), max(element) FROM elements();
SELECT count(*) FILTER (WHERE (a.element < b.element) = (a.number < b.number) AND (a.element <= b.element) = (a.number <= b.number)
    AND (a.element = b.element) = (a.number = b.number) AND (a.element <> b.element) = (a.number <> b.number)
    AND (a.element >= b.element) = (a.number >= b.number) AND (a.element > b.element) = (a.number > b.number)
    AND sign(element_cmp(a.element, b.element)::numeric) = sign((a.number - b.number)::numeric)) AS right, count(*)
FROM elements() a, elements() b;
