-- Protects: cumuf, sitmuf, gemuf and page_test agree with published examples and with matrices built from
-- the error sources themselves; broken sequences are refused.
SET search_path = public, retrack;

-- Montgomery and Runger, Applied Statistics and Probability for Engineers, Example 16-6: target 99, K = 1, H = 10
CREATE TEMP TABLE viscosity AS
SELECT batch, x, upper, lower FROM ROWS FROM (
  unnest('{102.0,94.8,98.3,98.4,102.0,98.5,99.0,97.7,100.0,98.1,101.3,98.7,101.1,98.4,97.0,96.7,100.3,101.4,97.2,101.0}'::float8[]),
  unnest('{2.0,0,0,0,2.0,0.5,0,0,0,0,1.3,0,1.1,0,0,0,0.3,1.7,0,1.0}'::numeric[]),
  unnest('{0,3.2,2.9,2.5,0,0,0,0.3,0,0,0,0,0,0,1.0,2.3,0,0,0.8,0}'::numeric[])) WITH ORDINALITY AS v(x, upper, lower, batch);
SELECT count(*) AS batches, bool_and(round((s).upper::numeric, 1) = upper AND round((s).lower::numeric, 1) = lower) AS as_published,
  bool_or((s).alarm) AS alarm
FROM (SELECT upper, lower, page_test(x - 99, 1, 10) OVER (ORDER BY batch) AS s FROM viscosity) AS t;
-- a smaller limit would have raised it, in batches 2 to 4, 1, 5 and 16
SELECT array_agg(batch) FROM
  (SELECT batch, page_test(x - 99, 1, 1.9) OVER (ORDER BY batch) AS s FROM viscosity) AS t WHERE (s).alarm;

-- Forty sequences of movements, each with instruments of its own, some of which come into use late, shared
-- inventories, assays with deviations, rows without instrument, and errors of booking that are taken back.
-- inventory rows count in two periods: closing, then opening.
SELECT setseed(0.25);
CREATE TEMP TABLE measured AS
SELECT row_number() OVER () AS id, seq, period, flow,
  (case when flow = 'closing' then 4000 else 1500 end * (0.5 + random()))::numeric(10,3) AS kg,
  (0.1 + random() * 0.2)::numeric(6,4) AS fraction, (random() * 0.003)::numeric(6,5) AS sd,
  (random() * 0.004)::numeric(6,5) AS random_rsd, (random() * 0.003)::numeric(6,5) AS systematic_rsd,
  CASE WHEN random() < 0.85 THEN 'scale ' || (random() * 3)::int + CASE WHEN random() < 0.3 THEN period ELSE 0 END END AS instrument
FROM generate_series(1, 40) AS seq, generate_series(0, 9) AS period,
  unnest('{closing,closing,receipt,receipt,shipment,shipment,loss}'::flow[]) AS flow
WHERE period > 0 OR flow = 'closing';
-- each measurement as what it enters: sign per period
CREATE TEMP TABLE entry AS
SELECT *, CASE WHEN flow = 'receipt' THEN 1 ELSE -1 END AS sign FROM measured WHERE period > 0
UNION ALL
SELECT id, seq, period + 1, 'opening', kg, fraction, sd, random_rsd, systematic_rsd, instrument, 1
FROM measured WHERE flow = 'closing' AND period < 9;
-- a tenth was booked twice and one of the two reversed: one error each, which cancels
INSERT INTO entry SELECT -id, seq, period, flow, side * kg, fraction, sd, random_rsd, systematic_rsd, instrument, sign
FROM entry, unnest('{1,-1}'::int[]) AS side WHERE id % 10 = 0;
SELECT count(DISTINCT instrument) AS instruments, count(*) FILTER (WHERE kg < 0) AS reversals FROM entry;
CREATE TEMP TABLE period_balance AS
SELECT seq, period, mass_balance(flow, kg::mass, format('Dy=%s±%s', fraction, sd)::assay,
  random_rsd::float8, systematic_rsd::float8, instrument) AS b
FROM entry GROUP BY seq, period;

-- Independent: every error source with its coefficient in each period's MUF; covariance = sum of products.
CREATE TEMP TABLE source AS
SELECT seq, 'random ' || id AS source, period, sum(sign * kg * fraction * random_rsd) AS c FROM entry GROUP BY 1, 2, 3
UNION ALL
SELECT seq, 'assay ' || id, period, sum(sign * kg * sd) FROM entry GROUP BY 1, 2, 3
UNION ALL
SELECT seq, coalesce('bias ' || instrument, 'own bias ' || id), period, sum(sign * kg * fraction * systematic_rsd)
FROM entry GROUP BY 1, 2, 3;
CREATE TEMP TABLE covariance AS
SELECT a.seq, a.period AS t, b.period AS u, sum(a.c * b.c) AS v
FROM source AS a JOIN source AS b USING (seq, source) GROUP BY 1, 2, 3;
CREATE TEMP TABLE truth AS SELECT seq, period, sum(sign * kg * fraction) AS muf FROM entry GROUP BY 1, 2;

-- one period: exactly the diagonal
SELECT count(*) AS periods, bool_and(muf(b, 'Dy') = t.muf) AS muf, bool_and(variance(b, 'Dy') = c.v) AS variance
FROM period_balance AS p JOIN truth AS t USING (seq, period) JOIN covariance AS c ON c.seq = p.seq AND c.t = period AND c.u = period;
-- cumuf: exactly the sum over the matrix so far; the plain sum of balances has the same MUF and a larger sigma
SELECT count(*) AS periods, bool_and((s).muf = t.muf) AS muf, bool_and(variance(whole, 'Dy') = t.v) AS variance,
  bool_and(muf(whole, 'Dy') = (s).muf AND sigma(whole, 'Dy') = (s).sigma AND z(whole, 'Dy') = (s).z) AS both_forms,
  bool_and((s).periods = period) AS periods_counted, bool_and(muf(plain, 'Dy') = t.muf) AS plain_muf,
  bool_and(period = 1 OR variance(plain, 'Dy') > t.v) AS plain_variance_larger
FROM (SELECT seq, period, cumuf(b, 'Dy') OVER w AS s, cumuf(b) OVER w AS whole, sum(b) OVER w AS plain
      FROM period_balance WINDOW w AS (PARTITION BY seq ORDER BY period)) AS p
  JOIN (SELECT seq, n AS period, (SELECT sum(muf) FROM truth AS t WHERE t.seq = s.seq AND t.period <= n) AS muf,
          (SELECT sum(v) FROM covariance AS c WHERE c.seq = s.seq AND c.t <= n AND c.u <= n) AS v
        FROM generate_series(1, 40) AS s(seq), generate_series(1, 9) AS n) AS t USING (seq, period);

-- sitmuf = L^-1 MUF by textbook Cholesky and forward substitution; gemuf its squares
CREATE FUNCTION pg_temp.whiten(c float8[], muf float8[]) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
  n int := cardinality(muf);
  l float8[] := array_fill(0::float8, ARRAY[n, n]);
  y float8[] := array_fill(0::float8, ARRAY[n]);
  total float8;
BEGIN
  FOR i IN 1..n LOOP
    FOR j IN 1..i LOOP
      total := c[i][j];
      FOR k IN 1..j - 1 LOOP total := total - l[i][k] * l[j][k]; END LOOP;
      l[i][j] := CASE WHEN i = j THEN sqrt(total) ELSE total / l[j][j] END;
    END LOOP;
    total := muf[i];
    FOR k IN 1..i - 1 LOOP total := total - l[i][k] * y[k]; END LOOP;
    y[i] := total / l[i][i];
  END LOOP;
  RETURN y;
END $$;
CREATE TEMP TABLE whitened AS
SELECT seq, pg_temp.whiten(
  (SELECT array_agg(r ORDER BY t) FROM (SELECT t, array_agg(v::float8 ORDER BY u) AS r
     FROM (SELECT t, u, coalesce((SELECT v FROM covariance AS c WHERE c.seq = s.seq AND c.t = t.t AND c.u = u.u), 0) AS v
           FROM generate_series(1, 9) AS t(t), generate_series(1, 9) AS u(u)) AS m GROUP BY t) AS rows),
  (SELECT array_agg(muf::float8 ORDER BY period) FROM truth AS t WHERE t.seq = s.seq)) AS y
FROM generate_series(1, 40) AS s(seq);
SELECT count(*) AS periods, max(abs(y[period] - sitmuf)) < 1e-8 AS sitmuf,
  max(abs((SELECT sum(v * v) FROM unnest(y[1:period]) AS v) / (g).gemuf - 1)) < 1e-8 AS gemuf,
  bool_and((g).periods = period) AS degrees
FROM (SELECT seq, period, sitmuf(b, 'Dy') OVER w, gemuf(b, 'Dy') OVER w AS g
      FROM period_balance WINDOW w AS (PARTITION BY seq ORDER BY period)) AS p JOIN whitened USING (seq);
-- page_test over balances is page_test over their sitmuf
SELECT count(*) AS periods, bool_and(page = by_value) AS same
FROM (SELECT page_test(b, 'Dy', 0.5, 4) OVER w AS page, page_test(y[period], 0.5, 4) OVER w AS by_value
      FROM (SELECT seq, period, b, sitmuf(b, 'Dy') OVER (PARTITION BY seq ORDER BY period) AS s FROM period_balance) AS p
        JOIN (SELECT seq, array_agg(s ORDER BY period) AS y FROM
          (SELECT seq, period, sitmuf(b, 'Dy') OVER (PARTITION BY seq ORDER BY period) AS s FROM period_balance) AS i GROUP BY seq) AS ys USING (seq)
      WINDOW w AS (PARTITION BY seq ORDER BY period)) AS t;
-- plain aggregates with ORDER BY give the last of the running values; the order of rows in the table is free
SELECT bool_and(a.cumuf = w.cumuf AND a.sitmuf = w.sitmuf AND a.gemuf = w.gemuf AND a.page = w.page AND a.whole = w.whole) AS same
FROM (SELECT seq, cumuf(b, 'Dy' ORDER BY period), sitmuf(b, 'Dy' ORDER BY period), gemuf(b, 'Dy' ORDER BY period),
        page_test(b, 'Dy', 0.5, 4 ORDER BY period) AS page, cumuf(b ORDER BY period) AS whole
      FROM (SELECT * FROM period_balance ORDER BY hashtext(seq || ':' || period)) AS shuffled GROUP BY seq) AS a
  JOIN (SELECT seq, period, cumuf(b, 'Dy') OVER w, sitmuf(b, 'Dy') OVER w, gemuf(b, 'Dy') OVER w,
          page_test(b, 'Dy', 0.5, 4) OVER w AS page, cumuf(b) OVER w AS whole
        FROM period_balance WINDOW w AS (PARTITION BY seq ORDER BY period)) AS w ON w.seq = a.seq AND w.period = 9;

-- probabilities: normal 1.96; Page's test by its average run length, the sum of survival (Montgomery, Introduction to
-- Statistical Quality Control, two-sided, half of one side's: table 9-3, and Hawkins' 9-4, whose h are rounded)
SELECT round(normal_p_value(1.959963984540054)::numeric, 12) AS p;
SELECT k, h, arl AS published, abs((sum(survival) + last * last / (before - last)) / 2 / arl - 1) < CASE arl WHEN 370 THEN 0.02 ELSE 0.003 END AS arl
FROM (SELECT k, h, arl, n, survival, first_value(survival) OVER (PARTITION BY k, h ORDER BY n DESC) AS last,
        nth_value(survival, 2) OVER (PARTITION BY k, h ORDER BY n DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS before
      FROM (VALUES (0.5, 4, 168), (0.5, 5, 465), (0.25, 8.01, 370), (0.75, 3.34, 370), (1.0, 2.52, 370), (1.25, 1.99, 370), (1.5, 1.61, 370)) AS h(k, h, arl), generate_series(0, 100) AS n,
        LATERAL (SELECT CASE WHEN n = 0 THEN 1 ELSE 1 - page_false_alarm(k, h, n) / 2 END AS survival) AS p) AS t
GROUP BY k, h, arl, last, before ORDER BY h;
-- every h, also those out of reach of the first periods: between the probability that the last sum passes h and that of all
-- sums together; more with every period more. And far out Siegmund's approximation of the run length (Sequential Analysis, 1985).
SELECT count(*) > 100 AS enough, count(*) FILTER (WHERE p < least * 0.99) AS too_small, count(*) FILTER (WHERE p > most * 1.01) AS too_large,
  count(*) FILTER (WHERE p < fewer) AS shrinking
FROM (SELECT k, h, n, page_false_alarm(k, h, n) / 2 AS p, normal_p_value((h + n * k) / sqrt(n)) / 2 AS least, most,
        lag(page_false_alarm(k, h, n) / 2) OVER (PARTITION BY k, h ORDER BY n) AS fewer
      FROM unnest('{0,0.1,0.25,0.5,1}'::float8[]) AS k, unnest('{1,5,9,10.5,12,15,20,40,90}'::float8[]) AS h, unnest('{1,2,5,12,60,240}'::int[]) AS n,
        LATERAL (SELECT sum((n - j + 1) * normal_p_value((h + j * k) / sqrt(j)) / 2) AS most FROM generate_series(1, n) AS j) AS m) AS t
WHERE most > 1e-9 AND p < 0.49;
SELECT k, h, abs((page_false_alarm(k, h, 1001) - page_false_alarm(k, h, 1000)) * (exp(2 * k * b) - 2 * k * b - 1) / (4 * k * k) - 1) < 0.02 AS siegmund
FROM (VALUES (0.5, 12), (0.5, 15), (0.25, 20)) AS v(k, h), LATERAL (SELECT h + 1.166 AS b) AS x;
SELECT k, periods, rate, abs(page_false_alarm(k, page_threshold(k, periods, rate), periods) / rate - 1) < 1e-6 AS inverse
FROM (VALUES (0.5, 12, 0.05), (0, 12, 0.01), (1, 120, 0.001), (0.25, 1, 0.1), (0.25, 120, 0.05), (0.5, 100000, 0.05), (0, 250, 0.05)) AS v(k, periods, rate);

-- false alarms where nothing is missing: 2000 simulated sequences of 9 periods, true values known, errors drawn
-- from the model; all three tests at 5 %, so 100 each are expected (standard deviation 10)
CREATE FUNCTION pg_temp.gauss() RETURNS float8 LANGUAGE sql VOLATILE AS
  $$ SELECT sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) $$;
CREATE TEMP TABLE simulated AS
WITH bias AS MATERIALIZED (SELECT seq, i, pg_temp.gauss() AS s FROM generate_series(1, 2000) AS seq, generate_series(1, 2) AS i),
true_flow AS MATERIALIZED (
  SELECT seq, period, f.flow, f.kg, f.i, pg_temp.gauss() AS r
  FROM generate_series(1, 2000) AS seq, generate_series(0, 9) AS period,
    (VALUES ('closing'::flow, 5000::float8, 1), ('receipt', 2000, 1), ('shipment', 2000, 2)) AS f(flow, kg, i)),
reported AS (
  SELECT seq, period, flow, 'instrument ' || i AS instrument, kg * (1 + 0.003 * r + 0.002 * s) AS kg
  FROM true_flow JOIN bias USING (seq, i))
SELECT seq, period, mass_balance(flow, kg::numeric::mass, 'Nd=100%', 0.003, 0.002, instrument) AS b
FROM (SELECT * FROM reported WHERE period > 0 UNION ALL
      SELECT seq, period + 1, 'opening', instrument, kg FROM reported WHERE flow = 'closing' AND period < 9) AS e
GROUP BY seq, period;
SELECT count(*) AS sequences,
  count(*) FILTER (WHERE (c).p_value < 0.05) BETWEEN 70 AND 130 AS cumuf,
  count(*) FILTER (WHERE (g).p_value < 0.05) BETWEEN 70 AND 130 AS gemuf,
  count(*) FILTER (WHERE page) BETWEEN 70 AND 130 AS page,
  count(*) FILTER (WHERE normal_p_value(s) < 0.05) BETWEEN 70 AND 130 AS sitmuf
FROM (SELECT seq, cumuf(b, 'Nd' ORDER BY period) AS c, gemuf(b, 'Nd' ORDER BY period) AS g, sitmuf(b, 'Nd' ORDER BY period) AS s
      FROM simulated GROUP BY seq) AS a
  JOIN (SELECT seq, bool_or((p).alarm) AS page FROM
          (SELECT seq, page_test(b, 'Nd', 0.5, (SELECT page_threshold(0.5, 9, 0.05))) OVER (PARTITION BY seq ORDER BY period) AS p
           FROM simulated) AS t GROUP BY seq) AS b USING (seq);

-- exact measurements: a MUF of 0 says nothing, any other cannot be if nothing is missing: an alarm at any rate
CREATE TEMP TABLE exact (period int, b balance);
INSERT INTO exact VALUES (1, 'Nd | receipts 5 closing 5'), (2, 'Nd | opening 5 receipts 3 closing 8 | variance 0 0 0.04'),
  (3, 'Nd | opening 8 closing 8.3 | variance 0.04 0 0'), (4, 'Nd | opening 8.3 closing 8.3'), (5, 'Nd | opening 8.3 closing 8');
SELECT period, (cumuf(b, 'Nd') OVER w).*, sitmuf(b, 'Nd') OVER w, gemuf(b, 'Nd') OVER w, page_test(b, 'Nd', 0.5, 1) OVER w
FROM exact WINDOW w AS (ORDER BY period);
SELECT upper, lower, alarm FROM (SELECT page_test(y, 0.5, 1 ORDER BY n) AS p FROM (VALUES (1, 1.0), (2, 'Infinity'), (3, '-Infinity'), (4, 2)) AS v(n, y)) AS t, LATERAL (SELECT (p).*) AS p;
-- an element nowhere named is no material at all
SELECT cumuf(b, 'Lu' ORDER BY period), sitmuf(b, 'Lu' ORDER BY period), gemuf(b, 'Lu' ORDER BY period) FROM exact;
-- a negative variance leaves nothing to say
SELECT cumuf(b, 'Nd'), sitmuf(b, 'Nd'), gemuf(b, 'Nd'), page_test(b, 'Nd', 0.5, 1) FROM (SELECT 'Nd | opening 1 | variance 0 -1 0'::balance AS b) AS t;
-- NULL balances are passed over; none at all is NULL
SELECT cumuf(b, 'Nd' ORDER BY period) FROM (SELECT * FROM exact WHERE period < 4 UNION ALL SELECT 1, NULL) AS e;
SELECT cumuf(b), cumuf(b, 'Nd'), sitmuf(b, 'Nd'), gemuf(b, 'Nd'), page_test(b, 'Nd', 0.5, 1), page_test(NULL, 1, 1) FROM exact WHERE b IS NULL;

-- broken sequences
SELECT cumuf(b, 'Nd' ORDER BY period) FROM exact WHERE period <> 2;
SELECT sitmuf(b, 'Nd' ORDER BY period DESC) FROM exact;
SELECT cumuf(b ORDER BY period) FROM (VALUES (1, 'Nd | closing 1'::balance), (2, 'Dy | opening 1')) AS v(period, b);
SELECT gemuf(b, 'Nd' ORDER BY period) FROM (VALUES (1, 'Nd | closing 1 | variance 0 0 0.1'::balance), (2, 'Nd | opening 1')) AS v(period, b);
-- the same inventory, but by another instrument than the one that closed: its errors would not cancel
SELECT cumuf(b, 'Nd' ORDER BY period) FROM (VALUES (1, 'Nd | closing 1 | bias "scale" 0 0.001 -0.002'::balance), (2, 'Nd | opening 1 | bias "new scale" 0.002 0 0')) AS v(period, b);
SELECT sitmuf(b, 'Nd' ORDER BY period) FROM (VALUES (1, 'Nd | closing 1 | bias "scale" 0 0.001 -0.002'::balance), (2, 'Nd | opening 1')) AS v(period, b);
-- where does a sequence break? an element that neither names is none, what moved between is free
SELECT before, after, continues(before::balance, after::balance) FROM (VALUES
  ('Nd | opening 7 receipts 1 closing 1 | variance 1 2 0.1 | bias "a" 1 2 -3 "b" 5 0 0', 'Nd | opening 1 shipments 2 closing 3 | variance 0.1 5 6 | bias "a" 3 1 -4 "c" 0 1 1'),
  ('Nd', 'Dy'), ('empty', 'empty'), ('Nd', NULL), ('Nd | closing 1', 'Nd | opening 1.000000000000001'), ('Nd | closing 1', 'Dy | opening 1'), ('Nd', E'Nd\nDy | opening 1'),
  ('Nd | variance 0 0 1', 'Nd | variance 2 0 0'), ('Nd | bias "a" 0 0 -1', 'Nd | bias "b" 1 0 0'), ('Nd | bias "a" 0 0 -1', 'Nd | bias "a" -1 0 0'), ('Nd | bias "a" 0 0 -1', 'Nd'),
  ('Nd', 'Nd | bias "a" 1 0 0'), ('Nd | bias "a" 0 0 -1 "b" 0 0 -1', 'Nd | bias "a" 1 0 0'), ('Nd | bias "a" 0 0 -1', 'Nd | bias "a" 1 0 0 "b" 1 0 0'),
  (E'Dy\nNd | bias "a" 0 0 -1', E'Dy | bias "a" 1 0 0\nNd')) AS v(before, after);
-- no sequence of the forty breaks; their thirds, cumulated, are a sequence again, of the same sum
SELECT count(*), bool_and(continues(before, b)) FROM (SELECT lag(b) OVER (PARTITION BY seq ORDER BY period) AS before, b FROM period_balance) AS p WHERE before IS NOT NULL;
SELECT count(*), bool_and(thirds = whole) AS same FROM
  (SELECT seq, cumuf(b ORDER BY third) AS thirds FROM (SELECT seq, (period - 1) / 3 AS third, cumuf(b ORDER BY period) AS b FROM period_balance GROUP BY 1, 2) AS t GROUP BY seq) AS r
  JOIN (SELECT seq, cumuf(b ORDER BY period) AS whole FROM period_balance GROUP BY seq) AS w USING (seq);
\set VERBOSITY sqlstate
SELECT cumuf(b, 'Nd' ORDER BY period) FROM exact WHERE period <> 2;
-- wrong arguments
SELECT cumuf(b, e ORDER BY period) FROM (VALUES (1, 'Nd | closing 1'::balance, 'Nd'::element), (2, 'Nd | opening 1', 'Dy')) AS v(period, b, e);
SELECT sitmuf(b, e ORDER BY period) FROM (VALUES (1, 'Nd | closing 1'::balance, 'Nd'::element), (2, 'Nd | opening 1', 'Dy')) AS v(period, b, e);
SELECT sitmuf(b, NULL) FROM exact;
SELECT page_test(b, 'Nd', -1, 1) FROM exact;
SELECT page_test(b, 'Nd', 1, 'NaN') FROM exact;
SELECT page_test(b, 'Nd', 1, NULL) FROM exact;
SELECT page_test(x, 1, period ORDER BY period) FROM (VALUES (1, 1.0), (2, 1.0)) AS v(period, x);
SELECT page_test('NaN', 1, 1);
SELECT page_threshold(0.5, 0, 0.05);
SELECT page_threshold(0.5, 12, 1);
SELECT page_false_alarm('NaN', 4, 12);
SELECT page_false_alarm(0.5, 100.1, 12);
SELECT page_threshold(0, 1000000, 0.05);
