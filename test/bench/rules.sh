#!/usr/bin/env bash
# What the rules cost: bulk inserts against no trigger, a foreign key and two plpgsql triggers, single rows
# under pgbench, the journal, and the ledger's bloat.
#
#   RULES_SHIPMENTS, RULES_LICENCES, RULES_SECONDS, RULES_SPREAD, RULES_BLOAT
#       sizes (default 300000 exports, 2000 licences, 4 s a run of pgbench, 12 s where it is spread over
#       all licences, 1000000 inserts)
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
. "$TOP/test/bench/lib.sh"
bench_start test/bench/rules.sh

SHIPMENTS=${RULES_SHIPMENTS:-300000} LICENCES=${RULES_LICENCES:-2000} SECONDS_EACH=${RULES_SECONDS:-4}
# A connection reads each licence once. In 4 s, half of what 16 clients insert would be the first export of
# its licence in its connection; connections of a service live longer.
SPREAD_SECONDS=${RULES_SPREAD:-$((SECONDS_EACH * 3))}
BLOAT=${RULES_BLOAT:-1000000}
RUNS=5
bench_sql -v licences="$LICENCES" -v shipments="$SHIPMENTS" -f test/bench/rules_opponents.sql >/dev/null
WHAT="$SHIPMENTS exports over $LICENCES licences"

# bulk KIND...: the insert into ship_KIND in one session, in turn, RUNS times after a warm-up; MS[KIND] is
# the median of the whole statement, TRIGGER[KIND] that of its triggers as EXPLAIN ANALYZE has them.
declare -A MS TRIGGER
bulk() {
	local run kind order
	{
		echo "SET search_path = bench, public, retrack; SET client_min_messages = warning;"
		for ((run = 0; run <= RUNS; run++)); do
			order=("$@")
			((run % 2)) && order=($(printf '%s\n' "$@" | tac))
			for kind in "${order[@]}"; do
				echo "${RESET:-CALL bench.reset_bench()}; VACUUM bench.licence_item;"
				printf '\\echo @ %s %s\n' "$run" "$kind"
				echo "EXPLAIN (ANALYZE, COSTS OFF) INSERT INTO ship_$kind SELECT * FROM load;"
			done
		done
	} | psql -qXAt -v ON_ERROR_STOP=1 >"$WORK/bulk.out"
	for kind in "$@"; do
		MS[$kind]=$(awk -v k="$kind" '$1 == "@" { run = $2; which = $3 }
			which == k && run > 0 && /Execution Time/ { print $3 }' "$WORK/bulk.out" | bench_median)
		TRIGGER[$kind]=$(awk -v k="$kind" '$1 == "@" { run = $2; which = $3 }
			which == k && run > 0 && /^Trigger/ { sub(/.*time=/, ""); print $1 }' "$WORK/bulk.out" | bench_median)
	done
}
quotient() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", (b > 0 ? a / b : 0) }'; }

bulk none ours
bench_line rules.bulk_vs_none "$(quotient "${MS[ours]}" "${MS[none]}")" '<= 1.4' \
	"INSERT ... SELECT of $WHAT with enforce_licence / without trigger, table with primary key only"
bulk ours fk
bench_line rules.bulk_vs_fk "$(quotient "${TRIGGER[ours]}" "${TRIGGER[fk]}")" '<= 1' \
	"time in triggers (EXPLAIN ANALYZE): enforce_licence / a foreign key on the licence column, $WHAT"
bulk ours set
bench_line rules.vs_plpgsql_set "$(quotient "${TRIGGER[set]}" "${TRIGGER[ours]}")" '>= 1.5' \
	"time in triggers: best set-based plpgsql trigger / enforce_licence, $WHAT"
bench_line rules.vs_plpgsql_set_total "$(quotient "${MS[set]}" "${MS[ours]}")" '>= 1' \
	"the same, whole statements: what both share, the insert itself, dilutes it"

# The row trigger is so slow that a third of the rows, and its own five runs, must do.
bench_sql -c "CREATE TABLE bench.full_load AS SELECT * FROM bench.load; TRUNCATE bench.load;
	INSERT INTO bench.load SELECT * FROM bench.full_load LIMIT $((SHIPMENTS / 3))"
bulk ours row
bench_line rules.vs_plpgsql_row "$(quotient "${MS[row]}" "${MS[ours]}")" '>= 15' \
	"whole statements: plpgsql row trigger with SELECT ... FOR UPDATE / enforce_licence, $((SHIPMENTS / 3)) exports (its cost per row grows with the rows)"

# The journal's own cost: the same table with nothing but the journal.
bench_sql -c 'SET search_path = bench, retrack, public' -c 'CREATE TABLE bench.ship_journal (LIKE bench.ship_none INCLUDING INDEXES)' \
	-c "SELECT retrack.attach_triggers('bench.ship_journal', 'journal', 'registry=bench', 'party=exporter')" >/dev/null
bench_sql -c "CREATE OR REPLACE PROCEDURE bench.reset_journal() LANGUAGE plpgsql AS \$\$ BEGIN
	SET LOCAL session_replication_role = replica; TRUNCATE bench.ship_journal, bench.journal, bench.journal_head; CALL bench.reset_bench(); END \$\$"
RESET='CALL bench.reset_journal()'
bulk none journal
RESET='CALL bench.reset_bench()'
bench_line rules.journal_bulk "$(quotient "${MS[journal]}" "${MS[none]}")" '<= 2.5' \
	"INSERT ... SELECT of $((SHIPMENTS / 3)) exports with the journal (digest of each row, hashed entries of some forty) / without"

# tps SCRIPT CLIENTS SECONDS: transactions per second of one pgbench run.
tps() {
	pgbench -n -M prepared -f "$1" -c "$2" -j 2 -T "$3" 2>/dev/null | awk '/^tps/ { print $3 }'
}
# versus SCRIPT_A SCRIPT_B CLIENTS [SECONDS]: median throughput of A over that of B, in turn.
versus() {
	local run seconds=${4:-$SECONDS_EACH}
	: >"$WORK/a" >"$WORK/b"
	# the ledger as rows were entered, not as the bulk opponents left it
	bench_sql -c 'CALL bench.reset_bench()' -c 'VACUUM FULL bench.licence_item' -c 'VACUUM bench.licence_item'
	tps "$1" "$3" "$SECONDS_EACH" >/dev/null
	for ((run = 0; run < RUNS; run++)); do
		tps "$1" "$3" "$seconds" >>"$WORK/a"
		tps "$2" "$3" "$seconds" >>"$WORK/b"
	done
	quotient "$(bench_median <"$WORK/a")" "$(bench_median <"$WORK/b")"
}
# single TABLE LICENCE [UPDATE]: a script that inserts one export.
bench_sql -c 'CREATE SEQUENCE bench.ids CACHE 1000' -c 'CREATE TABLE bench.pick (k int PRIMARY KEY, licence retrack.licence_id, holder text, party text)' \
	-c "INSERT INTO bench.pick SELECT DISTINCT ON (licence) row_number() OVER (ORDER BY licence), licence, exporter, consignee FROM (SELECT DISTINCT ON (licence) licence, exporter, consignee FROM bench.full_load ORDER BY licence) x" \
	-c 'ANALYZE bench.pick'
insert_into() {
	printf '%s' "INSERT INTO bench.ship_$1 SELECT 'P' || nextval('bench.ids'), '2025-06-01', p.holder, p.party, p.party, 'DE', p.licence, '1C905.a', NULL, 'magnet', 'Nd=29.5%,Dy=2.1%'::retrack.assay, '0.5 kg'::retrack.mass FROM bench.pick p WHERE p.k = :k"
}
spread="\\set k random(1, $LICENCES)"
hot='\set k 1'
printf '%s\n%s;\n' "$spread" "$(insert_into ours)" >"$WORK/spread_ours.sql"
printf '%s\n%s;\n' "$spread" "$(insert_into none)" >"$WORK/spread_none.sql"
printf '%s\n%s;\n' "$spread" "$(insert_into fk)" >"$WORK/spread_fk.sql"
printf '%s\n%s;\n' "$hot" "$(insert_into ours)" >"$WORK/hot_ours.sql"
cat >"$WORK/hot_update.sql" <<SQL
$hot
WITH i AS ($(insert_into none) RETURNING licence, net_mass) UPDATE bench.licence_item t SET drawn = t.drawn OPERATOR(retrack.+) i.net_mass FROM i WHERE t.licence OPERATOR(retrack.=) i.licence AND t.line = 1;
SQL
# A commit is on the disk when it is told, as the server has it by default, and as books of exports need it; the
# "unsynced" figures are those of the processor alone, with commits that a crash would lose (fsync = off).
for fsync in on off; do
	bench_sql -c "ALTER SYSTEM SET fsync = $fsync" -c 'SELECT pg_reload_conf()' -c 'CHECKPOINT' >/dev/null
	name=single what="commits on disk"
	[ $fsync = on ] || { name=unsynced; what="fsync = off"; }
	for clients in 2 16; do
		bench_line "rules.${name}_spread_$clients" "$(versus "$WORK/spread_ours.sql" "$WORK/spread_none.sql" $clients "$SPREAD_SECONDS")" '>= 0.8' \
			"pgbench, $what, $clients clients, runs of $SPREAD_SECONDS s, one export each over $LICENCES licences: throughput with / without trigger"
		bench_line "rules.${name}_hot_$clients" "$(versus "$WORK/hot_ours.sql" "$WORK/hot_update.sql" $clients)" '>= 0.9' \
			"pgbench, $what, $clients clients, all on one licence: throughput with trigger / of the same insert with a bare UPDATE ... SET drawn = drawn + x"
	done
done
bench_line rules.unsynced_vs_fk_16 "$(versus "$WORK/spread_ours.sql" "$WORK/spread_fk.sql" 16 "$SPREAD_SECONDS")" '>= 0.9' \
	"pgbench, fsync = off, 16 clients, one export each: throughput with trigger / with a foreign key on the licence column"

printf '%s\n%s;\n' "$spread" "$(insert_into journal)" >"$WORK/spread_journal.sql"
bench_line rules.journal_single "$(versus "$WORK/spread_journal.sql" "$WORK/spread_none.sql" 2)" '>= 0.3' \
	"pgbench, 2 clients, one export each: throughput with the journal alone / without any trigger"

# Bloat: every draw is a HOT update, so pruning keeps the ledger at its size.
bench_sql -c 'CALL bench.reset_bench()' -c 'VACUUM FULL bench.licence_item' -c "SELECT pg_stat_reset()" >/dev/null
before=$(bench_sql -c "SELECT pg_relation_size('bench.licence_item')")
bench_sql -c "DO \$\$
BEGIN
  FOR i IN 1..$BLOAT LOOP
    INSERT INTO bench.ship_ours SELECT 'B' || i, '2025-06-01', p.holder, p.party, p.party, 'DE', p.licence, '1C905.a', NULL, 'magnet', 'Dy=2.1%', '0.5 kg'
    FROM bench.pick p WHERE p.k = 1 + i % $LICENCES;
    COMMIT;
  END LOOP;
END \$\$" -c 'SELECT pg_sleep(1.5)' >/dev/null
bench_line rules.ledger_bloat \
	"$(quotient "$(bench_sql -c "SELECT pg_relation_size('bench.licence_item')")" "$before")" '<= 2' \
	"size of licence_item after / before $BLOAT single-row inserts, no vacuum"
bench_line rules.ledger_hot \
	"$(bench_sql -c "SELECT round(n_tup_hot_upd::numeric / nullif(n_tup_upd, 0), 4) FROM pg_stat_user_tables WHERE relid = 'bench.licence_item'::regclass")" \
	'>= 0.95' "share of the ledger's updates that were HOT (pg_stat_user_tables)"
