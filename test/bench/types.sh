#!/usr/bin/env bash
# Bench of the types: as fast as the core type of their width, faster than the text or jsonb they
# replace, and smaller. All in one backend without parallel workers, so processor time is what counts.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
. "$TOP/test/bench/lib.sh"
bench_start test/bench/types.sh
ROWS=${ROWS:-500000}
KEYS=$((ROWS / 50)) # distinct licences and masses among the facts: a licence is drawn on many times
BENCH_CLOCK=cpu

# The same thrice: our types, core types of the same width, the text users keep otherwise (in a
# database of C.UTF-8, where text compares by memcmp: any other locale is slower). First a register,
# all licences different, to sort and to index; then facts that refer to few of them, to group and to join.
bench_sql >/dev/null <<SQL
SELECT setseed(0.42);
CREATE TABLE register AS
SELECT make_licence_id(2025, 'A' || chr(65 + i % 26), lpad(upper(to_hex(i)), 6, '0')) AS licence,
  (ARRAY['Nd','Pr','Dy','Tb','La','Ce','Sm','Gd'])[1 + floor(random() * 8)]::element AS element, mass_from_milligrams((random() * 1e11)::bigint) AS mass
FROM generate_series(1, $ROWS) i ORDER BY random();
CREATE TABLE facts AS SELECT r.* FROM (SELECT *, row_number() OVER () AS n FROM register LIMIT $KEYS) r
JOIN (SELECT 1 + floor(random() * $KEYS)::int AS n FROM generate_series(1, $ROWS)) x USING (n) ORDER BY random();
DO \$\$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['register', 'facts'] LOOP
    EXECUTE format('CREATE TABLE %1\$s_ours AS SELECT licence, element, mass FROM %1\$s', t);
    EXECUTE format('CREATE TABLE %1\$s_core AS SELECT (''x'' || encode(licence_id_send(licence), ''hex''))::bit(64)::bigint AS licence,
      chr(atomic_number(element))::"char" AS element, milligrams(mass) AS mass FROM %1\$s', t);
    EXECUTE format('CREATE TABLE %1\$s_text AS SELECT licence::text AS licence, element::text AS element, mass::text AS mass FROM %1\$s', t);
  END LOOP; END \$\$;
DROP TABLE register, facts;
VACUUM ANALYZE;
SQL

# compare NAME WHAT SQL: SQL with ours, core, text for %T. Ours and core run the same code nearly everywhere (callgrind counts differ
# by less than 0.1 %), so that figure is mostly noise around 1: more runs, and no text beside it, which leaves memory behind in
# a state that the next one pays for. The ceiling is what the core type itself gains over text in the same run as ours: where that is below 2,
# no type of this width gains more, and the bar is that ours gains as much, less a tenth for noise.
compare() {
	BENCH_RUNS=15 bench_times "${3//%T/ours}" "${3//%T/core}"
	bench_line "types.$1_vs_core" "$(bench_paired_ratio 0 1)" '<= 1.05' "$2: time over ours / over bigint or \"char\", $ROWS rows"
	add_up total_core
	BENCH_RUNS=8 bench_times "${3//%T/ours}" "${3//%T/text}" "${3//%T/core}"
	versus_text "$1" "$(bench_paired_ratio 1 0)" "$(bench_paired_ratio 1 2)" "$2"
	add_up total_text
}

# versus_text NAME FIGURE CEILING WHAT: the two lines of a comparison with text.
versus_text() {
	local bar
	bar=$(awk -v c="$3" 'BEGIN { if (c >= 2) print ">= 2"; else printf ">= %.2f (of the ceiling)\n", 0.9 * c }')
	bench_line "types.$1_vs_text" "$2" "$bar" "$4: time over text / over ours, $ROWS rows"
	bench_line "types.$1_ceiling" "$3" '>= 1' "$4: time over text / over bigint or \"char\", what a core type gains over text"
}

# add_up NAME: adds the times of the last bench_times to the array.
add_up() {
	local i
	local -n sums=$1
	for i in "${!BENCH_MS[@]}"; do sums[i]=$(awk -v a="${sums[i]:-0}" -v b="${BENCH_MS[i]}" 'BEGIN { print a + b }'); done
}

for column in licence element mass; do
	total_core=() total_text=()
	for t in ours core text; do
		bench_sql -c "CREATE TABLE keys_$t AS SELECT DISTINCT $column FROM facts_$t" -c "ANALYZE keys_$t"
	done
	BENCH_SETUP=
	compare "${column}_sort" "ORDER BY $column" "SELECT $column FROM register_%T ORDER BY $column OFFSET $ROWS"
	BENCH_SETUP='SET client_min_messages = error'
	compare "${column}_index" "CREATE INDEX ON $column" "CREATE INDEX bench_index ON register_%T ($column); DROP INDEX bench_index"
	BENCH_SETUP='SET enable_sort = off'
	compare "${column}_group" "GROUP BY $column by hash" "SELECT $column, count(*) FROM facts_%T GROUP BY $column OFFSET $ROWS"
	BENCH_SETUP='SET enable_mergejoin = off; SET enable_nestloop = off'
	compare "${column}_join" "hash join to the distinct ones of $column" "SELECT count(*) FROM facts_%T JOIN keys_%T USING ($column)"
	bench_sql -c 'DROP TABLE keys_ours, keys_core, keys_text'
	BENCH_MS=("${total_core[@]}")
	bench_line "types.${column}_vs_core" "$(bench_ratio 0 1)" '<= 1.05' "the four operations on $column together: time over ours / over bigint or \"char\""
	BENCH_MS=("${total_text[@]}")
	versus_text "$column" "$(bench_ratio 1 0)" "$(bench_ratio 1 2)" "the four operations on $column together"
done

# Masses in text sort wrongly ("2 kg" before "999 g") and are not equal to themselves in another unit: text that gives
# the same answer has to be read.
read_text="split_part(mass, ' ', 1)::numeric * CASE split_part(mass, ' ', 2) WHEN 't' THEN 1000000000 WHEN 'kg' THEN 1000000 WHEN 'g' THEN 1000 ELSE 1 END"
BENCH_SETUP=
bench_times "SELECT mass FROM register_ours ORDER BY mass OFFSET $ROWS" "SELECT mass FROM register_text ORDER BY $read_text OFFSET $ROWS"
bench_line types.mass_sort_vs_read_text "$(bench_ratio 1 0)" '>= 2' "ORDER BY mass: time over text read as a number / over ours"
BENCH_SETUP='SET enable_sort = off'
bench_times "SELECT mass, count(*) FROM facts_ours GROUP BY mass OFFSET $ROWS" "SELECT $read_text, count(*) FROM facts_text GROUP BY 1 OFFSET $ROWS"
bench_line types.mass_group_vs_read_text "$(bench_ratio 1 0)" '>= 2' "GROUP BY mass by hash: time over text read as a number / over ours"

# Sizes.
size_ratio() {
	bench_sql -c "SELECT round(pg_relation_size('$1')::numeric / pg_relation_size('$2'), 3)"
}
bench_line types.table_size "$(size_ratio register_text register_ours)" '>= 1.2' 'size of a table of licence, element, mass: text / ours'
for column in licence element mass; do
	for t in ours text; do
		bench_sql -c "CREATE INDEX index_$t ON register_$t ($column)"
	done
	bench_line "types.${column}_index_size" "$(size_ratio index_text index_ours)" '>= 1' "size of a btree index on $column: text / ours"
	bench_sql -c 'DROP INDEX index_ours, index_text'
done

# What the types are for: sums of masses, of elements and of oxides in them.
BENCH_SETUP=
bench_times 'SELECT sum(mass) FROM register_ours' 'SELECT sum(mass) FROM register_core'
bench_line types.sum_vs_bigint "$(bench_paired_ratio 0 1)" '<= 1.05' "sum(mass) / sum(bigint), $ROWS rows"
bench_sql >/dev/null <<SQL
CREATE TABLE lot_ours AS SELECT mass, make_assay('{Nd,Pr,Dy,Tb}', ARRAY[0.2 + i % 997 / 10000.0, 0.05, i % 91 / 10000.0, 0.001]) AS assay
FROM (SELECT mass, row_number() OVER () AS i FROM register_ours) x;
CREATE TABLE lot_json AS SELECT mass::numeric AS mass, assay::jsonb AS assay FROM lot_ours;
CREATE TABLE oxide AS SELECT symbol, factor FROM elements();
VACUUM ANALYZE lot_ours; VACUUM ANALYZE lot_json;
SQL
bench_times "SELECT sum(element_mass(mass, assay, 'Dy')) FROM lot_ours" "SELECT sum(mass * (assay ->> 'Dy')::numeric) FROM lot_json"
bench_line types.element_mass_vs_jsonb "$(bench_ratio 1 0)" '>= 2' "sum of the dysprosium: numeric and jsonb / mass and assay, $ROWS lots of 4 elements"
bench_times "SELECT sum(reo_mass(mass, assay)) FROM lot_ours" \
	"SELECT sum(mass * value::numeric * factor) FROM lot_json, jsonb_each_text(assay) JOIN oxide ON symbol = key"
bench_line types.reo_mass_vs_jsonb "$(bench_ratio 1 0)" '>= 10' "sum of the REO: numeric, jsonb and a table of factors / reo_mass, $ROWS lots of 4 elements"
bench_line types.assay_size "$(size_ratio lot_json lot_ours)" '>= 1.5' 'size of a table of masses and assays: numeric and jsonb / ours'
