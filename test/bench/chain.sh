#!/usr/bin/env bash
# Chain of custody: all shares against a recursive CTE, time per edge from 10^4 to 10^6 lots, and one
# lot's trace in a graph of a million lots.
#
# The graph: 16 layers (eight stages, passed twice by way of recycling); each lot blends two
# neighbouring lots of the layer before, so a lot of the last layer has 16 origins and 2^15 ways to them.
#
#   CTE_LIMIT_S  seconds the CTE may take on the largest graph it is measured on   (default: 10)
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
. "$TOP/test/bench/lib.sh"
bench_start test/bench/chain.sh
CTE_LIMIT_S=${CTE_LIMIT_S:-10}

# graph SCHEMA LOTS
graph() {
	bench_sql -c "CREATE SCHEMA $1;
	   CREATE TABLE $1.lot (lot_id text, facility_id text, form retrack.form, assay retrack.assay, mass retrack.mass);
	   CREATE TABLE $1.lot_edge (input_lot text, output_lot text, mass retrack.mass);
	   INSERT INTO $1.lot SELECT format('L%s-%s', l, i), 'F' || l, 'oxide', NULL, '1 kg'
	     FROM generate_series(0, 15) AS l, generate_series(0, $2 / 16 - 1) AS i;
	   INSERT INTO $1.lot_edge SELECT format('L%s-%s', l - 1, (i + d) % ($2 / 16)), format('L%s-%s', l, i), '500 g'
	     FROM generate_series(1, 15) AS l, generate_series(0, $2 / 16 - 1) AS i, generate_series(0, 1) AS d;
	   ALTER TABLE $1.lot ADD PRIMARY KEY (lot_id);
	   ALTER TABLE $1.lot_edge ADD PRIMARY KEY (output_lot, input_lot);
	   CREATE INDEX ON $1.lot_edge (input_lot)" -c "VACUUM ANALYZE $1.lot" -c "VACUUM ANALYZE $1.lot_edge"
}

shares() { echo "SELECT count(*), sum(share) FROM retrack.origin_shares('$1')"; }

# The opponent in double precision, which is faster than numeric, with the fractions at hand.
cte() {
	echo "WITH RECURSIVE
	  fraction AS MATERIALIZED (
	    SELECT input_lot, output_lot,
	           (mass::numeric / sum(mass::numeric) OVER (PARTITION BY output_lot))::float8 AS part FROM $1.lot_edge),
	  walk AS (
	    SELECT lot_id AS lot, lot_id AS origin, 1::float8 AS share FROM $1.lot
	    UNION ALL
	    SELECT w.lot, f.input_lot, w.share * f.part FROM walk AS w JOIN fraction AS f ON f.output_lot = w.origin)
	SELECT count(*), sum(share) FROM (
	  SELECT lot, origin, sum(share) AS share FROM walk
	  WHERE NOT EXISTS (SELECT FROM fraction AS f WHERE f.output_lot = walk.origin) GROUP BY lot, origin) AS s"
}

# The largest graph the CTE finishes in the time given.
n=480
graph cte_$n $n
while graph cte_$((n * 2)) $((n * 2)) &&
	bench_sql -c "SET statement_timeout = '${CTE_LIMIT_S}s'" -c "$(cte cte_$((n * 2)))" >/dev/null 2>&1; do
	n=$((n * 2))
done
BENCH_RUNS=5 bench_times "$(cte cte_$n)" "$(shares cte_$n)"
bench_line chain.shares_vs_cte "$(bench_ratio 0 1)" '>= 100' \
	"time of a recursive CTE (double precision) / origin_shares, all origins of all lots, $n lots in 16 layers: the largest graph the CTE finishes in $CTE_LIMIT_S s"

graph small 10000
graph large 1000000
bench_times "$(shares small)" "$(shares large)"
bench_line chain.linear "$(awk -v r="$(bench_ratio 1 0)" 'BEGIN { printf "%.3f", r * 10000 / 1000000 }')" '<= 1.5' \
	"origin_shares, time per edge with 10^6 lots / with 10^4 lots"
# Another lot in each run.
bench_times "SELECT * FROM retrack.trace_origin('large', 'L15-' || (random() * 62499)::int)" "SELECT 1"
bench_line chain.trace_origin_ms "${BENCH_MS[0]}" '<= 50' \
	"milliseconds: trace_origin of a lot with 15 layers behind it among 10^6 lots and 1.9 x 10^6 edges"
