#!/usr/bin/env bash
# Chain of custody: one lot's trace in a graph of a million lots, all shares against a
# recursive CTE, and time per edge from 10^4 to 10^6 lots.
#
# The graph: 16 layers (eight stages, passed twice by way of recycling); each lot blends two
# neighbouring lots of the layer before, so a lot of the last layer has 16 origins and 2^15 ways to them.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
stage_as_server_user test/bench/chain.sh "$@"
. "$TOP/test/bench/lib.sh"
cd "$TOP"
CTE_LIMIT_S=${CTE_LIMIT_S:-20}

# q SQL: runs it quietly, prints its rows.
q() { psql -qXAt -v ON_ERROR_STOP=1 -c "$1"; }

# ms SQL: milliseconds of one run in a session of its own, everything fetched by an aggregate.
ms() {
	psql -qXAt -v ON_ERROR_STOP=1 <<-SQL
		SET work_mem = '1GB';
		SET statement_timeout = '${2:-600}s';
		SELECT clock_timestamp() AS t \gset
		$1 \g /dev/null
		SELECT round(1000 * extract(epoch FROM clock_timestamp() - :'t'::timestamptz), 3);
	SQL
}

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# graph SCHEMA LOTS
graph() {
	q "CREATE SCHEMA $1;
	   CREATE TABLE $1.lot (lot_id text, facility_id text, form retrack.form, assay retrack.assay, mass retrack.mass);
	   CREATE TABLE $1.lot_edge (input_lot text, output_lot text, mass retrack.mass);
	   INSERT INTO $1.lot SELECT format('L%s-%s', l, i), 'F' || l, 'oxide', NULL, '1 kg'
	     FROM generate_series(0, 15) AS l, generate_series(0, $2 / 16 - 1) AS i;
	   INSERT INTO $1.lot_edge SELECT format('L%s-%s', l - 1, (i + d) % ($2 / 16)), format('L%s-%s', l, i), '500 g'
	     FROM generate_series(1, 15) AS l, generate_series(0, $2 / 16 - 1) AS i, generate_series(0, 1) AS d;
	   ALTER TABLE $1.lot ADD PRIMARY KEY (lot_id);
	   ALTER TABLE $1.lot_edge ADD PRIMARY KEY (output_lot, input_lot);
	   CREATE INDEX ON $1.lot_edge (input_lot)"
	q "VACUUM ANALYZE $1.lot"
	q "VACUUM ANALYZE $1.lot_edge"
}

shares() { echo "SELECT count(*), sum(share) FROM retrack.origin_shares('$1');"; }

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
	  WHERE NOT EXISTS (SELECT FROM fraction AS f WHERE f.output_lot = walk.origin) GROUP BY lot, origin) AS s;"
}

make_scratch
private_server
private_cluster 'shared_buffers = 512MB' 'max_wal_size = 4GB' 'jit = off' 'autovacuum = off'
q "CREATE EXTENSION retrack"

# The largest graph the CTE finishes in the time given.
n=480
graph cte_$n $n
while graph cte_$((n * 2)) $((n * 2)) && [ -n "$(ms "$(cte cte_$((n * 2)))" "$CTE_LIMIT_S" 2>/dev/null)" ]; do
	n=$((n * 2))
done
for _ in 1 2 3 4 5; do
	ms "$(cte cte_$n)" 600 >>"$WORK/cte"
	ms "$(shares cte_$n)" >>"$WORK/shares"
done
ratio=$(awk -v a="$(median <"$WORK/cte")" -v b="$(median <"$WORK/shares")" 'BEGIN { printf "%.0f", a / b }')
bench_line chain.shares_vs_cte "$ratio" 'at least 100' "$(awk -v r="$ratio" 'BEGIN { print r >= 100 ? "met" : "short" }')" \
	"recursive CTE (double precision) / origin_shares, times of all origins of all lots, graph of $n lots in 16 layers: the largest the CTE finishes in $CTE_LIMIT_S s"

graph small 10000
graph large 1000000
for _ in 1 2 3 4 5; do
	ms "$(shares small)" >>"$WORK/small"
	ms "$(shares large)" >>"$WORK/large"
	for i in 1 2 3; do
		ms "SELECT * FROM retrack.trace_origin('large', 'L15-$((RANDOM % 60000))');" >>"$WORK/trace"
	done
done
ratio=$(awk -v a="$(median <"$WORK/large")" -v b="$(median <"$WORK/small")" 'BEGIN { printf "%.2f", a / b * 10000 / 1000000 }')
bench_line chain.linear "$ratio" 'at most 1.5' "$(awk -v r="$ratio" 'BEGIN { print r <= 1.5 ? "met" : "short" }')" \
	"origin_shares, time per edge with 10^6 lots / with 10^4 lots"
figure=$(median <"$WORK/trace")
bench_line chain.trace_origin_ms "$figure" 'below 50' "$(awk -v r="$figure" 'BEGIN { print r < 50 ? "met" : "short" }')" \
	"milliseconds, trace_origin of one lot among 10^6 lots and 1.9 x 10^6 edges, each first in its session"
