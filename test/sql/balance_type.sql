-- Protects: a balance reads, prints, compares and hashes exactly, and no malformed one gets in.
SET search_path = public, retrack;

-- what may be written; what a value prints
SELECT b::balance FROM (VALUES
  ('empty'), (' empty '), ('Nd'), ('Nd |'), ('neodymium | opening 1'), (E'Dy | opening 1\n\nNd | closing 0.000000000000001\n'),
  ('镝 ok muf 0 kg | opening 1 closing 1'), ('Nd muf -0.5 kg | shipments 0.5'), ('Nd OFF sigma 3 z 9 | losses 1'),
  ('Nd | opening 10 closing 7 | variance 0.5 0.25 0.25 | bias "a" 0.1 0 -0.3 "b" 0 -0.2 0'),
  ('Nd | opening 10 closing 7 | variance 1 0 0'), ('Nd | opening 10 closing 6.999999999999999 | variance 1 0 0'),
  ('Nd | variance 0 -1 0.5'), ('Nd | bias "x" 0 1 0 "y" 0 0 0'), ('Nd | variance 0 0 0 | bias "z" 0 0 0'), ('Nd | bias "z" -1 2 -1'),
  (E'Nd | bias "a \\" \\\\ \\n\\r \t|" 0 0.000000000000000000000001 0' || E'\nDy | bias "" -1 0 0'),
  ('Nd | opening 170141183460469231731687.303715884105727 closing -170141183460469231731687.303715884105728'),
  ('Nd | variance 0.000000000000000000000000000000000000000000000001 0 0')) AS v(b);
-- sigma of one in the last place of its variance is 10^-24 kg; z counts in units of it
SELECT sigma, z FROM balance_lines('Nd | opening 0.000000000000001 | variance 0.000000000000000000000000000000000000000000000001 0 0');
-- rounding: half away from zero at the last digit, both signs (sqrt(2.25e-30) is 1.5e-15, 2/3 repeats, 0.0000005 is a half)
SELECT l.muf, l.sigma, l.z FROM (VALUES
  ('Nd | opening 1 | variance 0.00000000000000000000000000000225 0 0'), ('Nd | opening 2 | variance 9 0 0'),
  ('Nd | closing 2 | variance 9 0 0'), ('Nd | opening 0.0000005 | variance 1 0 0'), ('Nd | closing 0.0000005 | variance 1 0 0'),
  ('Nd | opening 0.000000499999999 | variance 1 0 0'), ('Nd | closing 1 | variance 2 0 0')) AS v(b), LATERAL balance_lines(v.b::balance) AS l;

-- what may not
\set VERBOSITY terse
SELECT ''::balance;
SELECT 'empty Nd'::balance;
SELECT 'Nq | opening 1'::balance;
SELECT E'Nd | opening 1\nNd | closing 1'::balance;
SELECT 'Nd opening 1'::balance;
SELECT 'Nd | opening 1 opening 1'::balance;
SELECT 'Nd | openings 1'::balance;
SELECT 'Nd | opening'::balance;
SELECT 'Nd | opening 1e3'::balance;
SELECT 'Nd | opening NaN'::balance;
SELECT 'Nd | opening 0.0000000000000001'::balance;
SELECT 'Nd | opening 170141183460469231731687.303715884105728'::balance;
SELECT 'Nd | opening 1 | variance 1 1'::balance;
SELECT 'Nd | opening 1 | variance 1 1 1 1'::balance;
SELECT 'Nd | variance 1000000000000000000000000000000000000000000000000000 0 0'::balance;
SELECT 'Nd | opening 1 | bias scale 1'::balance;
SELECT 'Nd | opening 1 | bias "scale 1'::balance;
SELECT 'Nd | opening 1 | bias "sc\ale" 1'::balance;
SELECT 'Nd | opening 1 | bias "a" 1 0 0 "a" 0 0 2'::balance;
SELECT 'Nd | opening 1 | bias "a" 1'::balance;
SELECT 'Nd | opening 1 | bias "a" 1 0 "b" 1 0 0'::balance;
SELECT 'Nd | opening 1 | bias "a" 1 0 0 | variance 1 1 1'::balance;
SELECT 'Nd | opening 1 | bias "a" 1 0 0 rest'::balance;
SELECT 'Nd ok OFF | opening 1'::balance;
SELECT 'Nd muf 1 t | opening 1'::balance;
\set VERBOSITY default
SELECT 'Nd ok muf 2 kg | opening 1'::balance;
\set VERBOSITY sqlstate
SELECT 'Nd | variance 1 1'::balance;
SELECT 'Nd | opening 170141183460469231731687.303715884105728'::balance;

-- comparison: equal to the last digit and otherwise ordered; written differently, still equal
\set VERBOSITY default
CREATE TEMP TABLE sample AS SELECT row_number() OVER () AS id, b::balance FROM (VALUES
  ('empty'), ('Nd'), ('Nd | opening 1'), ('Nd | opening 1.000000000000001'), ('Nd | opening 1 | variance 0 0 1'), ('Nd | opening 1 | bias "a" 1 0 0'), ('Nd | opening 1 | bias "a" 0 1 0'),
  ('Nd | opening 1 | bias "ab" 1 0 0'), ('Nd | opening 1 | bias "b" 1 0 0'), ('Dy | opening 1'), (E'Dy | opening 1\nNd | opening 1')) AS v(b);
SELECT count(*) FILTER (WHERE x.b = y.b) AS equal, bool_and((x.b = y.b) = (x.id = y.id)) AS only_itself,
  bool_and((x.b <> y.b) = (x.id <> y.id)) AS ne, bool_and((x.b < y.b) = (y.b > x.b) AND (x.b <= y.b) = (y.b >= x.b)) AS commutes,
  bool_and((x.b < y.b) <> (x.b >= y.b)) AS negates, bool_and((balance_cmp(x.b, y.b) < 0) = (x.b < y.b)) AS cmp,
  bool_and(balance_cmp(x.b, y.b) = -balance_cmp(y.b, x.b)) AS antisymmetric
FROM sample AS x, sample AS y;
SELECT count(DISTINCT b), count(DISTINCT balance_hash(b)), count(DISTINCT balance_hash_extended(b, 1)) FROM sample;
SELECT 'Nd | opening 1 closing 2'::balance = E'  Nd OFF  muf -1 kg|closing 2.0 opening +1'::balance AS same,
  E'Dy | bias "b" 0 1 0 "a" 0 2 0\nNd'::balance = E'Nd | bias "a" 0 0 0\nDy | variance 0 0 0 | bias "a" 0 2 0 "b" 0 1 0'::balance AS canonical;
SET enable_hashagg = off;
SELECT count(*) FROM (SELECT b FROM (SELECT b FROM sample UNION ALL SELECT b FROM sample) AS s GROUP BY b) AS g;
RESET enable_hashagg;
SELECT count(*) FROM (SELECT b FROM sample UNION SELECT b::text::balance FROM sample) AS u;
CREATE INDEX ON sample (b);
CREATE INDEX ON sample USING hash (b);
SET enable_seqscan = off;
SELECT id FROM sample WHERE b = 'Nd | opening 1'::balance;
RESET enable_seqscan;
SELECT amname, amvalidate(o.oid) FROM pg_opclass AS o JOIN pg_am AS a ON a.oid = opcmethod WHERE opcname = 'balance_ops' ORDER BY 1;

-- text round trip of seeded values: every size of number, any subset of parts
SELECT setseed(0.5);
CREATE FUNCTION pg_temp.digits(integers int, decimals int) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN random() < 0.3 THEN '-' ELSE '' END || (random() * power(10, (integers * random())))::numeric(60, 0)
    || '.' || lpad(trunc(random() * power(10, 15))::text, decimals, '0') $$;
CREATE TEMP TABLE printed AS
SELECT id, string_agg(symbol || ' | opening ' || pg_temp.digits(23, 15) || ' closing ' || pg_temp.digits(20, 15)
  || CASE WHEN id % 3 > 0 THEN ' | variance ' || pg_temp.digits(40, 48) || ' 0 ' || pg_temp.digits(10, 20) ELSE '' END
  || CASE WHEN id % 2 > 0 THEN ' | bias "s' || id || '" ' || pg_temp.digits(30, 24) || ' 0 ' || pg_temp.digits(30, 24) || ' "t" 0 ' || pg_temp.digits(9, 24) || ' 0' ELSE '' END, E'\n') AS t
FROM generate_series(1, 500) AS id, unnest('{Sc,Y,La,Ce,Pr,Nd,Pm,Sm,Eu,Gd,Tb,Dy,Ho,Er,Tm,Yb,Lu}'::text[]) AS symbol
WHERE random() < 0.4 GROUP BY id;
SELECT count(*) > 450 AS enough, bool_and(t::balance = t::balance::text::balance) AS equal,
  bool_and(t::balance::text = t::balance::text::balance::text) AS same_text,
  bool_and(balance_send(t::balance) = balance_send(t::balance::text::balance)) AS same_bytes FROM printed;
-- texts with characters changed, cut and copied: an error of a known kind, or a value that reads back as itself
DO $$
DECLARE original text; t text; b balance; at int; taken int := 0; refused int := 0;
  letters text := E' |"\\.-+0123456789abNdkg\n\tmufbiasvarianceOFF?z%é';
BEGIN
  FOR original IN SELECT p.t::balance::text FROM printed AS p, generate_series(1, 20) WHERE length(p.t) < 900 LOOP
    t := original;
    FOR i IN 1..1 + floor(random() * 1.5)::int LOOP
      at := 1 + floor(random() * length(t))::int;
      t := CASE floor(random() * 4)::int WHEN 0 THEN overlay(t PLACING substr(letters, 1 + floor(random() * length(letters))::int, 1) FROM at FOR 1)
        WHEN 1 THEN left(t, at - 1) || substr(t, at + 1 + floor(random() * 4)::int)
        WHEN 2 THEN left(t, at) || substr(original, 1 + floor(random() * length(original))::int, floor(random() * 20)::int) || substr(t, at + 1)
        ELSE left(t, at) END;
    END LOOP;
    BEGIN
      b := t::balance;
      taken := taken + 1;
      IF b::text::balance <> b OR b::text::balance::text <> b::text THEN RAISE INFO 'does not read back: %', t; END IF;
    EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range THEN refused := refused + 1;
    END;
  END LOOP;
  RAISE INFO 'many taken: %, many refused: %', taken > 50, refused > 500;
END $$;
-- + and sum are the sums of the terms
SELECT bool_and(l.opening = x.opening + y.opening AND l.muf = x.muf + y.muf) AS terms
FROM printed AS p JOIN printed AS q ON q.id = p.id + 1, LATERAL balance_lines(p.t::balance + q.t::balance) AS l
  JOIN LATERAL balance_lines(p.t::balance) AS x USING (element) JOIN LATERAL balance_lines(q.t::balance) AS y USING (element);
SELECT (SELECT sum(t::balance) FROM printed WHERE id < 10) = (SELECT sum(t::balance) FROM printed WHERE id < 5)
  + (SELECT sum(t::balance ORDER BY id DESC) FROM printed WHERE id BETWEEN 5 AND 9) AS regrouped;
SELECT 'Nd | opening 1 | bias "a" 0 0.5 0'::balance + 'Nd | opening 1 | bias "a" 0 -0.5 0'::balance + 'Dy'::balance AS cancelled;
SELECT sum(b) FROM (VALUES (NULL::balance)) AS v(b);
SELECT 'empty'::balance + NULL AS nothing, 'empty'::balance + 'empty' AS empty;

-- accessors; an element without rows is 0
SELECT opening(b, 'Nd'), receipts(b, 'Nd'), shipments(b, 'Nd'), losses(b, 'Nd'), closing(b, 'Nd'), muf(b, 'Nd'), variance(b, 'Nd'),
  sigma(b, 'Nd'), z(b, 'Nd'), elements(b)
FROM (SELECT E'Nd | opening 1 receipts 2 shipments 0.3 losses 0.04 closing 0.005 | variance 1 2 3 | bias "a" 9 -2 -3\nDy'::balance AS b) AS s;
SELECT opening(b, 'Y'), muf(b, 'Y'), variance(b, 'Y'), sigma(b, 'Y'), z(b, 'Y'), elements(b) FROM (SELECT 'empty'::balance AS b) AS s;
SELECT sigma(b, 'Nd'), z(b, 'Nd'), variance(b, 'Nd') FROM (SELECT 'Nd | opening 1 | variance 0 -1 0'::balance AS b) AS s;
SELECT * FROM balance_lines('empty');
SELECT * FROM balance_lines(NULL);

-- every accumulator overflows with an error, by + and by sum
\set VERBOSITY sqlstate
SELECT b::balance + b::balance FROM (VALUES ('Nd | closing 170141183460469231731687.303715884105727')) AS v(b);
SELECT b::balance + b::balance FROM (VALUES ('Nd | losses -100000000000000000000000')) AS v(b);
SELECT b::balance + b::balance FROM (VALUES ('Nd | variance 0 ' || trunc(power(2::numeric, 319) / power(10::numeric, 48)) || ' 0')) AS v(b);
SELECT b::balance + b::balance FROM (VALUES ('Nd | variance 0 0 -' || trunc(power(2::numeric, 319) / power(10::numeric, 48)))) AS v(b);
SELECT b::balance + b::balance FROM (VALUES ('Nd | bias "a" ' || trunc(power(2::numeric, 191) / power(10::numeric, 24)) || ' 0 0')) AS v(b);
\set VERBOSITY default
SELECT sum(b::balance) FROM (VALUES ('Nd | bias "a" 0 0 -' || trunc(power(2::numeric, 191) / power(10::numeric, 24)))) AS v(b), generate_series(1, 2);
-- the largest that fit still have their figures
SELECT muf(b, 'Nd'), sigma(b, 'Nd'), z(b, 'Nd') FROM (SELECT ('Nd | opening 170141183460469231731687.303715884105727 receipts 170141183460469231731687.303715884105727'
  || ' shipments -170141183460469231731687.303715884105728 losses -170141183460469231731687.303715884105728 closing -170141183460469231731687.303715884105728'
  || ' | variance 0 0 ' || trunc(power(2::numeric, 319) / power(10::numeric, 48)) || ' | bias "a"' || repeat(' -' || trunc(power(2::numeric, 191) / power(10::numeric, 24)), 3))::balance AS b) AS s;
