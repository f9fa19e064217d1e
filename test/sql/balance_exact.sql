-- Protects: mass_balance gives the bits of an independent numeric computation, and the same ones by every plan:
-- serial, parallel, hashed, sorted, grouping sets, partition-wise, windows, roll-ups, another server.
SET search_path = public, retrack;
SET extra_float_digits = 0;
SELECT setseed(0.125);

-- 20,000 seeded movements: masses over fifteen orders of magnitude, reversals, NULLs, deviations, five instruments
CREATE TABLE balance_movement AS
SELECT id, 'F' || id % 20 AS facility, date '2025-01-01' + id / 60 AS day,
  CASE WHEN id % 97 <> 0 THEN (enum_range(NULL::flow))[1 + floor(random() * 5)] END AS flow,
  CASE WHEN id % 89 <> 0 THEN (CASE WHEN random() < 0.1 THEN -1 ELSE 1 END * trunc(power(10, 15 * random())))::bigint END AS mg,
  CASE WHEN id % 83 <> 0 THEN id % 500 END AS assay_id,
  CASE WHEN id % 7 > 0 THEN (random() * 0.01)::numeric(10,9) END AS random_rsd,
  CASE WHEN id % 5 > 0 THEN (random() * 0.005)::numeric(10,9) END AS systematic_rsd,
  CASE WHEN id % 6 > 0 THEN 'scale ' || id % 6 END AS instrument
FROM generate_series(1, 20000) AS id;
CREATE TABLE balance_fraction AS
SELECT assay_id, element, trunc(random() * 160000000)::bigint AS ppb, CASE WHEN assay_id % 3 = 0 THEN trunc(random() * 1000000)::bigint ELSE 0 END AS sd
FROM generate_series(0, 499) AS assay_id, unnest('{La,Ce,Pr,Nd,Sm,Gd,Tb,Dy,Y}'::element[]) AS element WHERE random() < 0.5;
ALTER TABLE balance_movement ADD mass mass, ADD assay assay;
UPDATE balance_movement AS m SET mass = (mg || ' mg')::mass, assay = a.assay
FROM (SELECT assay_id, string_agg(format('%s=%sppb%s', element, ppb, CASE WHEN sd > 0 THEN format('±%sppb', sd) ELSE '' END), ',')::assay AS assay
      FROM balance_fraction GROUP BY 1) AS a WHERE a.assay_id = m.assay_id OR (m.assay_id IS NULL AND a.assay_id = 0);
UPDATE balance_movement SET assay = NULL WHERE assay_id IS NULL;
UPDATE balance_movement SET mass = NULL WHERE mg IS NULL;
VACUUM ANALYZE balance_movement;

-- the same in numeric SQL from unnested rows: FACTS' formula, term by term
CREATE TEMP TABLE unnested AS
SELECT id, facility, flow, element, instrument, CASE WHEN flow IN ('opening', 'receipt') THEN 1 ELSE -1 END AS sign,
  mg::numeric * ppb * 0.000000000000001 AS x, mg * 0.000001 AS m, sd * 0.000000001 AS sd, coalesce(random_rsd, 0) AS r, coalesce(systematic_rsd, 0) AS s, sign(mg)::numeric AS taken
FROM balance_movement JOIN balance_fraction USING (assay_id) WHERE flow IS NOT NULL AND mg IS NOT NULL;
CREATE TEMP TABLE independent AS
SELECT facility, element, opening, receipts, shipments, losses, closing, opening + receipts - shipments - losses - closing AS muf,
  independent_var + coalesce(bias_var, 0) AS var
FROM (SELECT facility, element, coalesce(sum(x) FILTER (WHERE flow = 'opening'), 0) AS opening, coalesce(sum(x) FILTER (WHERE flow = 'receipt'), 0) AS receipts,
        coalesce(sum(x) FILTER (WHERE flow = 'shipment'), 0) AS shipments, coalesce(sum(x) FILTER (WHERE flow = 'loss'), 0) AS losses,
        coalesce(sum(x) FILTER (WHERE flow = 'closing'), 0) AS closing,
        sum(taken * ((x * r) * (x * r) + (m * sd) * (m * sd) + CASE WHEN instrument IS NULL THEN (x * s) * (x * s) ELSE 0 END)) AS independent_var
      FROM unnested GROUP BY facility, element) AS t
  LEFT JOIN (SELECT facility, element, sum(b * b) AS bias_var
    FROM (SELECT facility, element, instrument, sum(sign * x * s) AS b FROM unnested WHERE instrument IS NOT NULL GROUP BY 1, 2, 3) AS i GROUP BY 1, 2) AS v USING (facility, element);

CREATE TEMP TABLE serial AS
SELECT facility, mass_balance(flow, mass, assay) AS plain, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS full_balance
FROM balance_movement GROUP BY facility;
SELECT count(*) AS lines, bool_and(l.opening = i.opening AND l.receipts = i.receipts AND l.shipments = i.shipments AND l.losses = i.losses
    AND l.closing = i.closing AND l.muf = i.muf) AS sums_exact, bool_and(variance(full_balance, element) = i.var) AS variance_exact,
  bool_and(l.sigma IS NOT DISTINCT FROM CASE WHEN i.var >= 0 THEN round(sqrt(round(i.var, 80)), 15) END) AS sigma,
  bool_and(l.z IS NOT DISTINCT FROM CASE WHEN i.var > 0 THEN round(i.muf / sqrt(round(i.var, 80)), 6) END) AS z,
  bool_and(muf(plain, element) = i.muf) AS plain_same
FROM serial JOIN LATERAL balance_lines(full_balance) AS l ON true FULL JOIN independent AS i USING (facility, element);

-- every plan against the serial one; the plans are what they are meant to be
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; result text := '';
BEGIN
  FOR r IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
    IF r ~ 'Aggregate|Gather|Append|Foreign|WindowAgg|MixedAgg' THEN
      result := result || CASE WHEN result = '' THEN '' ELSE ' < ' END || regexp_replace(r, '^[ >-]+| on .*', '', 'g');
    END IF;
  END LOOP;
  RETURN result;
END $$;
CREATE FUNCTION pg_temp.same(query text) RETURNS TABLE (plan text, groups bigint, same boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT pg_temp.plan(%L), count(*), bool_and(q.b = s.full_balance AND balance_send(q.b) = balance_send(s.full_balance)
    AND q.b::text = s.full_balance::text) FROM (%s) AS q FULL JOIN serial AS s USING (facility)', query, query);
END $$;
\set group 'SELECT facility, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_movement GROUP BY facility'
SET max_parallel_workers_per_gather = 0;
SELECT * FROM pg_temp.same(:'group');
SET enable_hashagg = off;
SELECT * FROM pg_temp.same(:'group');
SELECT * FROM pg_temp.same('SELECT facility, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument ORDER BY mass DESC, id) AS b FROM balance_movement GROUP BY facility');
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT * FROM pg_temp.same(:'group');
RESET enable_hashagg;
SET enable_sort = off;
SELECT * FROM pg_temp.same(:'group');
SET parallel_leader_participation = off;
SELECT * FROM pg_temp.same(:'group');
RESET parallel_leader_participation;
RESET enable_sort;
-- spilling to disk hands states about, too
SET work_mem = '64kB';
SET enable_sort = off;
SELECT * FROM pg_temp.same('SELECT facility, sum(b) AS b FROM (SELECT facility, day, id % 40 AS part, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_movement GROUP BY 1, 2, 3) AS d GROUP BY facility');
RESET work_mem;
RESET enable_sort;
-- roll-ups of roll-ups, by sum and by +
SELECT * FROM pg_temp.same('SELECT facility, sum(b) AS b FROM (SELECT facility, day, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_movement GROUP BY 1, 2) AS d GROUP BY facility');
SELECT * FROM pg_temp.same('SELECT facility, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) FILTER (WHERE id % 3 = 0)
  + mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) FILTER (WHERE id % 3 > 0) AS b FROM balance_movement GROUP BY facility');
-- grouping sets
SELECT * FROM pg_temp.same('SELECT facility, b FROM (SELECT facility, day, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_movement
  GROUP BY CUBE (facility, day)) AS c WHERE day IS NULL AND facility IS NOT NULL');
SELECT (SELECT b FROM (SELECT facility, day, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_movement
  GROUP BY ROLLUP (facility, day)) AS c WHERE facility IS NULL) = (SELECT sum(full_balance) FROM serial) AS grand_total;
-- partition-wise, with and without parallel workers
CREATE TABLE balance_parted (LIKE balance_movement) PARTITION BY LIST (facility);
DO $$ BEGIN FOR i IN 0..4 LOOP
  EXECUTE format('CREATE TABLE balance_part_%s PARTITION OF balance_parted FOR VALUES IN (%L, %L, %L, %L)', i, 'F' || i, 'F' || i + 5, 'F' || i + 10, 'F' || i + 15);
END LOOP; END $$;
INSERT INTO balance_parted SELECT * FROM balance_movement;
ANALYZE balance_parted;
SET enable_partitionwise_aggregate = on;
SELECT regexp_replace(plan, '(< Partial HashAggregate )+', '< ... ') AS plan, groups, same FROM pg_temp.same('SELECT facility, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_parted GROUP BY facility');
SET max_parallel_workers_per_gather = 0;
SELECT * FROM pg_temp.same('SELECT facility, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_parted GROUP BY facility');

-- windows: each frame against a plain aggregate over the same rows
CREATE TEMP TABLE walk AS SELECT id, facility, flow, mass, assay, random_rsd::float8 AS r, systematic_rsd::float8 AS s, instrument,
  row_number() OVER (PARTITION BY facility ORDER BY id)::int AS n FROM balance_movement WHERE facility IN ('F1', 'F7') AND id < 6000;
CREATE INDEX ON walk (facility, n);
CREATE FUNCTION pg_temp.frame(first int, last int) RETURNS TABLE (frame text, rows bigint, filled bigint, plain boolean, errors boolean, rollup boolean) LANGUAGE plpgsql AS $$
DECLARE
  f text := format('ROWS BETWEEN %s AND %s',
    CASE WHEN first IS NULL THEN 'UNBOUNDED PRECEDING' WHEN first < 0 THEN -first || ' PRECEDING' ELSE first || ' FOLLOWING' END,
    CASE WHEN last IS NULL THEN 'UNBOUNDED FOLLOWING' WHEN last < 0 THEN -last || ' PRECEDING' ELSE last || ' FOLLOWING' END);
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH moving AS MATERIALIZED (SELECT facility, n, mass_balance(flow, mass, assay) OVER w AS b3, mass_balance(flow, mass, assay, r, s, instrument) OVER w AS b6
      FROM walk WINDOW w AS (PARTITION BY facility ORDER BY n %1$s)),
    single AS MATERIALIZED (SELECT facility, n, mass_balance(flow, mass, assay, r, s, instrument) AS b FROM walk GROUP BY facility, n),
    rolled AS MATERIALIZED (SELECT facility, n, sum(b) OVER (PARTITION BY facility ORDER BY n %1$s) AS b FROM single),
    again AS MATERIALIZED (SELECT w.facility, w.n, mass_balance(v.flow, v.mass, v.assay) AS b3, mass_balance(v.flow, v.mass, v.assay, v.r, v.s, v.instrument) AS b6
      FROM walk AS w LEFT JOIN walk AS v ON v.facility = w.facility AND v.n BETWEEN w.n + %2$s AND w.n + %3$s GROUP BY w.facility, w.n)
    SELECT %1$L, count(*), count(a.b6), bool_and(m.b3 IS NOT DISTINCT FROM a.b3), bool_and(m.b6 IS NOT DISTINCT FROM a.b6), bool_and(r.b IS NOT DISTINCT FROM a.b6)
    FROM moving AS m JOIN again AS a USING (facility, n) JOIN rolled AS r USING (facility, n)$q$,
    f, coalesce(first, -100000), coalesce(last, 100000));
END $$;
SELECT f.* FROM (VALUES (-11, 0), (0, 2), (-1, 1), (0, 0), (-20, -10), (3, 4), (NULL, 0), (0, NULL), (NULL, NULL)) AS v(first, last), pg_temp.frame(first, last) AS f;
-- RANGE and GROUPS frames over days, and an EXCLUDE, which has no moving form
SELECT bool_and(moving = again) AS range_frames, bool_and(groups_frame = (SELECT mass_balance(v.flow, v.mass, v.assay) FROM balance_movement AS v
    WHERE v.facility = t.facility AND v.day BETWEEN t.day - 2 AND t.day)) AS groups_frames
FROM (SELECT facility, day, mass_balance(flow, mass, assay) OVER (PARTITION BY facility ORDER BY day RANGE BETWEEN '2 days' PRECEDING AND CURRENT ROW) AS moving,
    mass_balance(flow, mass, assay) OVER (PARTITION BY facility ORDER BY day GROUPS BETWEEN 2 PRECEDING AND CURRENT ROW) AS groups_frame,
    (SELECT mass_balance(v.flow, v.mass, v.assay) FROM balance_movement AS v WHERE v.facility = m.facility AND v.day BETWEEN m.day - 2 AND m.day) AS again
  FROM balance_movement AS m WHERE facility = 'F3' AND day < '2025-03-01') AS t;
SELECT count(*), bool_and(others + own = whole) AS exclude FROM
  (SELECT mass_balance(flow, mass, assay, r, s, instrument) OVER (PARTITION BY facility ORDER BY n ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW) AS others,
     mass_balance(flow, mass, assay, r, s, instrument) OVER (PARTITION BY facility, n) AS own,
     mass_balance(flow, mass, assay, r, s, instrument) OVER (PARTITION BY facility ORDER BY n ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING) AS whole
   FROM walk WHERE flow IS NOT NULL AND mass IS NOT NULL AND assay IS NOT NULL) AS t;
-- sixty frames at random, every mode and exclusion, neighbours that tie, against the rows that array_agg sees in them
CREATE TEMP TABLE tied AS SELECT n, n / (1 + n * n % 4) AS k, flow, mass, assay, r, s, instrument FROM walk WHERE facility = 'F1' AND n <= 60;
CREATE TEMP TABLE tied_balance AS SELECT n, mass_balance(flow, mass, assay, r, s, instrument) AS b FROM tied GROUP BY n;
DO $$
DECLARE mode text; first int; last int; frame text; wrong bigint;
BEGIN
  FOR i IN 1..60 LOOP
    mode := (ARRAY['ROWS', 'RANGE', 'GROUPS'])[1 + i % 3];
    first := floor(random() * 7) - 3;
    last := first + floor(random() * 6);
    frame := format('ORDER BY k%s %s BETWEEN %s AND %s %s', CASE WHEN mode = 'ROWS' THEN ', n' END, mode,
      CASE WHEN i % 7 = 0 THEN 'UNBOUNDED PRECEDING' WHEN first < 0 THEN -first || ' PRECEDING' ELSE first || ' FOLLOWING' END,
      CASE WHEN i % 11 = 0 THEN 'UNBOUNDED FOLLOWING' WHEN last < 0 THEN -last || ' PRECEDING' ELSE last || ' FOLLOWING' END,
      (ARRAY['', 'EXCLUDE CURRENT ROW', 'EXCLUDE GROUP', 'EXCLUDE TIES', 'EXCLUDE NO OTHERS'])[1 + i % 5]);
    EXECUTE format($q$
      SELECT count(*) FROM (SELECT mass_balance(flow, mass, assay, r, s, instrument) OVER f AS b6, mass_balance(flow, mass, assay) OVER f AS b3, sum(b) OVER f AS rolled,
          blend(mass, assay) FILTER (WHERE mass > '0') OVER f AS mixed, array_agg(n) OVER f AS ns FROM tied JOIN tied_balance USING (n) WINDOW f AS (%s)) AS m,
        LATERAL (SELECT mass_balance(flow, mass, assay, r, s, instrument) AS b6, mass_balance(flow, mass, assay) AS b3, blend(mass, assay) FILTER (WHERE mass > '0') AS mixed FROM tied WHERE n = ANY (ns)) AS a
      WHERE (m.b6, m.b3, m.rolled, m.mixed) IS DISTINCT FROM (a.b6, a.b3, a.b6, a.mixed)$q$, frame) INTO wrong;
    IF wrong > 0 THEN RAISE INFO '%: % rows differ', frame, wrong; END IF;
  END LOOP;
END $$;
-- FILTER in a moving window; a frame that holds ignored rows only is NULL
SELECT bool_and(filtered IS NOT DISTINCT FROM by_null) AS filter, count(*) FILTER (WHERE filtered IS NULL) > 0 AS some_empty FROM
  (SELECT mass_balance(flow, mass, assay) FILTER (WHERE id % 2 = 0) OVER w AS filtered, mass_balance(CASE WHEN id % 2 = 0 THEN flow END, mass, assay) OVER w AS by_null
   FROM walk WINDOW w AS (PARTITION BY facility ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) AS t;
-- hundreds of instruments pass through a moving frame
SELECT count(*), bool_and(moving = again) AS many_instruments FROM
  (SELECT n, mass_balance(flow, mass, assay, 0.01, 0.005, 'one-off ' || n) OVER (ORDER BY n ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS moving FROM walk WHERE facility = 'F7' AND flow IS NOT NULL AND mass IS NOT NULL AND assay IS NOT NULL) AS m
  JOIN LATERAL (SELECT mass_balance(flow, mass, assay, 0.01, 0.005, 'one-off ' || n) AS again FROM (SELECT * FROM walk AS v WHERE facility = 'F7' AND flow IS NOT NULL AND mass IS NOT NULL AND assay IS NOT NULL
    AND v.n <= m.n ORDER BY n DESC LIMIT 5) AS v) AS a ON true;

-- DISTINCT counts equal rows once, like any aggregate's
SELECT mass_balance(DISTINCT flow, mass, assay) = mass_balance(flow, mass, assay) FILTER (WHERE once) AS distinct_rows
FROM (SELECT *, row_number() OVER (PARTITION BY flow, mass, assay) = 1 AS once FROM (SELECT * FROM walk UNION ALL SELECT * FROM walk) AS twice) AS t;
SELECT sum(DISTINCT b) = (SELECT sum(b) FROM tied_balance) AS distinct_balances FROM (SELECT b FROM tied_balance UNION ALL SELECT b FROM tied_balance) AS twice;
-- by COPY and as a column
CREATE TABLE balance_kept (facility text PRIMARY KEY, b balance);
CREATE INDEX ON balance_kept USING hash (b);
INSERT INTO balance_kept SELECT facility, full_balance FROM serial;
SELECT * FROM pg_temp.same('SELECT facility, b FROM balance_kept');

-- through postgres_fdw, which pushes the aggregate to the other server
CREATE EXTENSION postgres_fdw;
DO $$ BEGIN EXECUTE format('CREATE SERVER balance_loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, extensions %L)',
  split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database(), 'retrack'); END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER balance_loopback;
CREATE SCHEMA balance_remote;
IMPORT FOREIGN SCHEMA public LIMIT TO (balance_movement, balance_kept) FROM SERVER balance_loopback INTO balance_remote;
SELECT * FROM pg_temp.same('SELECT facility, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_remote.balance_movement GROUP BY facility');
-- shards: each server balances its own facilities; a grand total is combined here
CREATE TABLE balance_sharded (LIKE balance_movement) PARTITION BY LIST (facility);
DO $$ BEGIN FOR i IN 0..4 LOOP
  EXECUTE format('CREATE FOREIGN TABLE balance_shard_%s PARTITION OF balance_sharded FOR VALUES IN (%L, %L, %L, %L) SERVER balance_loopback OPTIONS (table_name %L, async_capable %L)',
    i, 'F' || i, 'F' || i + 5, 'F' || i + 10, 'F' || i + 15, 'balance_part_' || i, 'true');
  EXECUTE format('ANALYZE balance_shard_%s', i);
END LOOP; END $$;
SELECT regexp_replace(plan, '(< (Async )?Foreign Scan < Relations: Aggregate ?)+', '< foreign aggregates') AS plan, groups, same FROM pg_temp.same('SELECT facility, mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) AS b FROM balance_sharded GROUP BY facility');
SELECT (SELECT mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument) FROM balance_sharded) = (SELECT sum(full_balance) FROM serial) AS sharded_total;
EXPLAIN (VERBOSE, COSTS OFF) SELECT facility, mass_balance(flow, mass, assay), mass_balance(flow, mass, assay, random_rsd::float8, systematic_rsd::float8, instrument)
FROM balance_remote.balance_movement GROUP BY facility;
EXPLAIN (VERBOSE, COSTS OFF) SELECT sum(b) FROM balance_remote.balance_kept;
SELECT (SELECT sum(b) FROM balance_remote.balance_kept) = (SELECT sum(full_balance) FROM serial) AS remote_sum;
-- what is computed here comes back as sent
UPDATE balance_remote.balance_kept SET b = b + b;
SELECT bool_and(k.b = s.full_balance + s.full_balance) AS sent_back FROM balance_kept AS k JOIN serial AS s USING (facility);

DROP SCHEMA balance_remote CASCADE;
DROP TABLE balance_sharded;
DROP SERVER balance_loopback CASCADE;
DROP EXTENSION postgres_fdw;
DROP TABLE balance_movement, balance_fraction, balance_parted, balance_kept;
