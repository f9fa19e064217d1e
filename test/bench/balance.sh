#!/usr/bin/env bash
# Bench of mass_balance: five million movements of 200 facilities, assays of two to six elements.
#
# ROWS        movements (default 5000000). The opponent that takes a minute a run gets the first tenth of
#             them, and so do we against it.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
. "$TOP/test/bench/lib.sh"
BENCH_CLOCK=${BENCH_CLOCK:-cpu}
bench_start test/bench/balance.sh 'shared_buffers = 6GB'
ROWS=${ROWS:-5000000}
TENTH=$((ROWS / 10))
BENCH_SETUP="SET work_mem = '1GB';"
millions=$(awk -v r="$ROWS" 'BEGIN { printf "%g M movements, 200 facilities", r / 1e6 }')
tenth=$(awk -v r="$TENTH" 'BEGIN { printf "%g M movements, 200 facilities", r / 1e6 }')

# The same facts in each opponent's own best form: fractions of an assay as rows; element masses as bigint
# milligrams; element masses and deviations as float8 and numeric kilograms.
bench_sql <<SQL
SELECT setseed(0.42);
CREATE TABLE fraction AS
SELECT assay_id, element, trunc(random() * 150000000)::bigint AS ppb, CASE WHEN assay_id % 5 = 0 THEN trunc(random() * 1000000)::bigint ELSE 0 END AS sd
FROM (SELECT assay_id, element, row_number() OVER (PARTITION BY assay_id ORDER BY random()) AS n
      FROM generate_series(1, 1000) AS assay_id, unnest('{La,Ce,Pr,Nd,Sm,Gd,Tb,Dy}'::element[]) AS element) AS e
WHERE n <= 2 + assay_id % 5;
CREATE TABLE lookup AS SELECT assay_id, string_agg(format('%s=%sppb', element, ppb), ',')::assay AS assay,
  string_agg(format('%s=%sppb%s', element, ppb, CASE WHEN sd > 0 THEN format('±%sppb', sd) ELSE '' END), ',')::assay AS assay_sd
FROM fraction GROUP BY 1;
CREATE UNLOGGED TABLE source AS
SELECT id, (random() * 199)::int AS facility, (enum_range(NULL::flow))[1 + floor(random() * 5)] AS flow, trunc(random() * 2e10)::bigint AS mg,
  1 + trunc(random() * 1000)::int AS assay_id, 0.001 + id % 7 * 0.0005 AS random_rsd, 0.0005 + id % 3 * 0.0005 AS systematic_rsd, 'scale ' || id % 4 AS instrument,
  1 + trunc(random() * 50)::int AS month
FROM generate_series(1, $ROWS) AS id;

CREATE UNLOGGED TABLE movement AS SELECT facility, flow, mass_from_milligrams(mg) AS mass, assay FROM source JOIN lookup USING (assay_id) ORDER BY id;
CREATE UNLOGGED TABLE measured AS SELECT facility, flow, mass_from_milligrams(mg) AS mass, assay_sd AS assay, random_rsd::float8, systematic_rsd::float8, instrument
FROM source JOIN lookup USING (assay_id) ORDER BY id;
CREATE UNLOGGED TABLE dated AS SELECT facility, flow, mass_from_milligrams(mg) AS mass, assay, month FROM source JOIN lookup USING (assay_id) ORDER BY id;
CREATE INDEX ON dated (facility, month);
CREATE UNLOGGED TABLE plain AS SELECT facility, flow, mg * 0.000001 AS kg, assay_id FROM source ORDER BY id;
CREATE TABLE assay_row AS SELECT assay_id, element::text, ppb * 0.000000001 AS fraction FROM fraction;
CREATE UNLOGGED TABLE unnested AS SELECT facility, flow, element, mg * ppb / 1000000000 AS mg FROM source JOIN fraction USING (assay_id) ORDER BY id;
CREATE UNLOGGED TABLE measured_tenth AS SELECT * FROM measured LIMIT $TENTH;
CREATE UNLOGGED TABLE unnested_numeric AS
SELECT facility, flow, element, instrument, mg * ppb * 0.000000000000001 AS x, mg * sd * 0.000000000000001 AS dx, random_rsd, systematic_rsd
FROM source JOIN fraction USING (assay_id) WHERE id <= $TENTH ORDER BY id;
CREATE UNLOGGED TABLE unnested_float AS
SELECT facility, flow, element, instrument, mg::float8 * ppb * 1e-15 AS x, mg::float8 * sd * 1e-15 AS dx, random_rsd::float8, systematic_rsd::float8
FROM source JOIN fraction USING (assay_id) ORDER BY id;
DROP TABLE source;
SQL
for table in movement measured dated plain assay_row unnested measured_tenth unnested_numeric unnested_float; do
	bench_sql -c "VACUUM ANALYZE $table"
done

OURS='SELECT facility, mass_balance(flow, mass, assay) FROM movement GROUP BY facility'
SIGMA='SELECT facility, mass_balance(flow, mass, assay, random_rsd, systematic_rsd, instrument) FROM measured GROUP BY facility'

# sigma_sql TABLE: FACTS' formula over unnested rows, sums by instrument first, then squares.
sigma_sql() {
	cat <<SQL
SELECT facility, element, sum(opening) AS opening, sum(receipts) AS receipts, sum(shipments) AS shipments, sum(losses) AS losses, sum(closing) AS closing,
  sum(opening + receipts - shipments - losses - closing) AS muf, sqrt(sum(var) + sum(bias * bias)) AS sigma
FROM (SELECT facility, element, instrument,
    coalesce(sum(x) FILTER (WHERE flow = 'opening'), 0) AS opening, coalesce(sum(x) FILTER (WHERE flow = 'receipt'), 0) AS receipts,
    coalesce(sum(x) FILTER (WHERE flow = 'shipment'), 0) AS shipments, coalesce(sum(x) FILTER (WHERE flow = 'loss'), 0) AS losses,
    coalesce(sum(x) FILTER (WHERE flow = 'closing'), 0) AS closing,
    sum(x * random_rsd * x * random_rsd + dx * dx) AS var,
    sum(CASE WHEN flow IN ('opening', 'receipt') THEN x * systematic_rsd ELSE -x * systematic_rsd END) AS bias
  FROM $1 GROUP BY facility, element, instrument) AS i
GROUP BY facility, element
SQL
}

bench_times "$OURS" 'SELECT facility, count(*) FROM movement GROUP BY facility'
bench_line balance.vs_count "$(bench_ratio 0 1)" '<= 2' "GROUP BY facility: mass_balance / count(*), $millions, assays of 2 to 6 elements"

bench_times "$OURS" "SELECT facility, element,
  sum(CASE WHEN flow = 'opening' THEN kg * fraction ELSE 0 END) AS opening, sum(CASE WHEN flow = 'receipt' THEN kg * fraction ELSE 0 END) AS receipts,
  sum(CASE WHEN flow = 'shipment' THEN kg * fraction ELSE 0 END) AS shipments, sum(CASE WHEN flow = 'loss' THEN kg * fraction ELSE 0 END) AS losses,
  sum(CASE WHEN flow = 'closing' THEN kg * fraction ELSE 0 END) AS closing,
  sum(CASE WHEN flow IN ('opening', 'receipt') THEN kg * fraction ELSE -kg * fraction END) AS muf
FROM plain JOIN assay_row USING (assay_id) GROUP BY facility, element"
bench_line balance.vs_sql "$(bench_ratio 1 0)" '>= 10' "plain SQL (join with an assay table, sum(CASE) in numeric) / mass_balance, $millions"

bench_times "$OURS" "SELECT facility, element, sum(mg) FILTER (WHERE flow = 'opening') AS opening, sum(mg) FILTER (WHERE flow = 'receipt') AS receipts,
  sum(mg) FILTER (WHERE flow = 'shipment') AS shipments, sum(mg) FILTER (WHERE flow = 'loss') AS losses, sum(mg) FILTER (WHERE flow = 'closing') AS closing
FROM (SELECT facility, element, flow, sum(mg) AS mg FROM unnested GROUP BY facility, element, flow) AS f GROUP BY facility, element"
bench_line balance.vs_unnested "$(bench_ratio 1 0)" '>= 3' "elements unnested beforehand, bigint milligrams, grouped and pivoted / mass_balance, $millions"

TENTH_SIGMA=${SIGMA/measured/measured_tenth}
bench_times "$TENTH_SIGMA" "$(sigma_sql unnested_numeric)"
bench_line balance.sigma_vs_sql "$(bench_ratio 1 0)" '>= 20' "numeric SQL with sigma over unnested rows / mass_balance with sigma, $tenth"
bench_times "$SIGMA" "$(sigma_sql unnested_float)"
bench_line balance.sigma_vs_float8 "$(bench_ratio 1 0)" '>= 5' "float8 SQL with sigma over unnested rows / mass_balance with sigma, $millions"

# Parallel: the same statement, with and without workers; bits compared first.
parallel='SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0'
bench_sql <<SQL
CREATE TABLE serial AS $SIGMA;
$parallel;
CREATE TABLE parallel AS $SIGMA;
DO \$\$ BEGIN
  IF EXISTS (SELECT FROM serial AS s FULL JOIN parallel AS p USING (facility) WHERE s.mass_balance IS DISTINCT FROM p.mass_balance) THEN
    RAISE 'parallel balances differ from serial ones';
  END IF;
END \$\$;
SQL
BENCH_CLOCK=wall bench_times "SET max_parallel_workers_per_gather = 0; $SIGMA" "$parallel; $SIGMA"
if [ "$(nproc)" -ge 2 ]; then
	bench_line balance.parallel "$(bench_ratio 0 1)" '>= 1.7' "serial / two parallel workers, with sigma, same bits, $millions; load average $(cut -d' ' -f1 /proc/loadavg) on $(nproc) cores"
else
	bench_line balance.parallel - '>= 1.7' 'needs two cores'
fi

# Twelve months up to each of 50 months of 200 facilities: each frame's movements aggregated anew (through an
# index), against a moving window over monthly balances, which a balance is made to be kept as; and against the
# same with the monthly balances made in the statement. Both sides leave the balances unprinted.
bench_sql -c 'CREATE UNLOGGED TABLE monthly AS SELECT facility, month, mass_balance(flow, mass, assay) AS b FROM dated GROUP BY facility, month' \
	-c 'VACUUM ANALYZE monthly'
RECOMPUTED="SELECT count(*) FROM (SELECT b FROM (SELECT DISTINCT facility, month FROM dated) AS m,
  LATERAL (SELECT mass_balance(flow, mass, assay) AS b FROM dated AS d WHERE d.facility = m.facility AND d.month BETWEEN m.month - 11 AND m.month) AS frame
  OFFSET 0) AS f WHERE b IS NOT NULL"
MOVING="SELECT count(*) FROM (SELECT sum(b) OVER (PARTITION BY facility ORDER BY month ROWS 11 PRECEDING) AS b FROM monthly OFFSET 0) AS f WHERE b IS NOT NULL"
runs=$BENCH_RUNS
BENCH_RUNS=5
bench_times "$RECOMPUTED" "$MOVING" "${MOVING/monthly/(SELECT facility, month, mass_balance(flow, mass, assay) AS b FROM dated GROUP BY facility, month) AS monthly}"
BENCH_RUNS=$runs
bench_line balance.moving_vs_recompute "$(bench_ratio 0 1)" '>= 20' "12-month moving balance of 10,000 facility-months: each frame recomputed from $millions / moving window over kept monthly balances"
bench_line balance.moving_from_movements "$(bench_ratio 0 2)" '>= 5' "the same, the monthly balances made in the statement"

# memory_kb ROWS INSTRUMENTS: of a hash aggregate over one group, known to be one.
bench_sql -c 'CREATE TABLE one AS SELECT 1 AS one' -c 'ANALYZE one'
memory_kb() {
	bench_sql -c "SET enable_sort = off" -c "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)
SELECT one, mass_balance(flow, mass, assay, random_rsd, systematic_rsd, 'scale ' || n % $2)
FROM one, (SELECT m.*, row_number() OVER () AS n FROM measured AS m, generate_series(1, 2) LIMIT $1) AS g GROUP BY one" |
		sed -n 's/.*Memory Usage: \([0-9]*\)kB.*/\1/p'
}
few=$(memory_kb 10 4) many=$(memory_kb $((2 * ROWS)) 4)
bench_line balance.memory_rows "$(awk -v a="$many" -v b="$few" 'BEGIN { printf "%.3f", a / b }')" '<= 1' \
	"memory of a group of $((2 * ROWS)) rows / of 10 rows ($many kB / $few kB)"
wide=$(memory_kb "$TENTH" 10004)
bench_line balance.memory_instruments "$(awk -v a="$wide" -v b="$few" 'BEGIN { printf "%.0f", (a - b) * 1024 / 10000 }')" '<= 2048' \
	"bytes by which a group's state grows with each further instrument, 8 elements"
