#!/usr/bin/env bash
# Bench of the types: as fast as the core type of their size, at least twice as fast as
# the text they replace, and smaller.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
. "$TOP/test/bench/lib.sh"
bench_start test/bench/types.sh
ROWS=${ROWS:-1000000}

# The same facts thrice: our types, core types of the same width, the text users keep otherwise.
bench_sql <<SQL
SELECT setseed(0.42);
CREATE TABLE source AS
SELECT (25::text || '-A' || chr(65 + (random() * 25)::int) || '-' || lpad((random() * 999999)::int::text, 6, '0'))::licence_id AS licence,
  (ARRAY['Nd','Pr','Dy','Tb','La','Ce','Sm','Gd'])[1 + floor(random() * 8)]::element AS element,
  mass_from_milligrams((random() * 1e11)::bigint) AS mass
FROM generate_series(1, $ROWS);
CREATE TABLE ours AS SELECT licence, element, mass FROM source;
CREATE TABLE core AS SELECT licence_year(licence) * 0 + milligrams(mass) * 0
    + ('x' || encode(licence_id_send(licence), 'hex'))::bit(64)::bigint AS licence,
  chr(atomic_number(element))::"char" AS element, milligrams(mass) AS mass FROM source;
CREATE TABLE texts AS SELECT licence::text AS licence, element::text AS element, mass::text AS mass FROM source;
DROP TABLE source;
VACUUM ANALYZE ours; VACUUM ANALYZE core; VACUUM ANALYZE texts;
SQL

# compare NAME WHAT BAR_CORE SQL: SQL with the table for %T, over the three of them.
compare() {
	bench_times "${4//%T/ours}" "${4//%T/core}"
	bench_line "types.$1_vs_core" "$(bench_ratio 0 1)" "$3" "$2: time over ours / over bigint or \"char\", $ROWS rows"
	bench_times "${4//%T/ours}" "${4//%T/texts}"
	bench_line "types.$1_vs_text" "$(bench_ratio 1 0)" '>= 2' "$2: time over text / over ours, $ROWS rows"
}

BENCH_SETUP="SET enable_hashagg = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;"
for column in licence element mass; do
	compare "${column}_sort" "ORDER BY $column" '<= 1.05' "SELECT $column FROM %T ORDER BY $column OFFSET $ROWS"
done
