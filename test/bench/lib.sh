# Shell functions shared by the benches, sourced by test/bench/<room>.sh behind test/lib.sh:
#
#   set -eu
#   TOP=$(cd "$(dirname "$0")/../.." && pwd)
#   . "$TOP/test/lib.sh"
#   . "$TOP/test/bench/lib.sh"
#   bench_start test/bench/ROOM.sh 'shared_buffers = 512MB'
#   bench_sql -c 'CREATE TABLE ...'
#   bench_times "SELECT count(*) FROM ours" "SELECT count(*) FROM theirs"
#   bench_line ROOM.figure "$(bench_ratio 1 0)" '>= 2' 'count(*) over theirs / over ours, 1 M rows'
#
# BENCH_RUNS  runs of each statement; the median counts, at least five   (default: 7)
# BENCH_TSV   where the lines go                                         (default: build/bench.tsv)
# BENCH_CLOCK wall, or cpu: the backend's time on a processor, for statements of one process that wait for
#             nothing; what else runs on the machine then moves a figure much less            (default: wall)

BENCH_RUNS=${BENCH_RUNS:-7}

# bench_start SCRIPT [SETTING...]: goes on as the server's user if root, then starts a private cluster
# in which extension retrack is created. Settings that make timings steady come first; one given wins.
bench_start() {
	local script=$1
	shift
	stage_as_server_user "$script"
	cd "$TOP"
	mkdir -p build
	BENCH_TSV=${BENCH_TSV:-$TOP/build/bench.tsv}
	make_scratch
	private_server
	private_cluster 'shared_buffers = 1GB' 'work_mem = 1GB' 'maintenance_work_mem = 512MB' \
		'max_wal_size = 8GB' 'checkpoint_timeout = 1h' 'autovacuum = off' 'jit = off' \
		'max_parallel_workers_per_gather = 0' 'max_parallel_maintenance_workers = 0' "$@"
	bench_sql -c 'CREATE EXTENSION retrack CASCADE' -c "ALTER DATABASE postgres SET search_path = public, retrack"
}

# bench_sql ARG...: psql that stops at the first error.
bench_sql() {
	psql -qXAt -v ON_ERROR_STOP=1 "$@"
}

# bench_times SQL...: runs each once to warm up, then all of them in turn, BENCH_RUNS times, in one session
# that first runs BENCH_SETUP (SET statements). Every other turn is backwards, since a statement can leave
# memory behind in a state that the next one pays for. A SQL may be several statements: their times add up.
# BENCH_MS[i] is the median time of the i-th in milliseconds.
bench_times() {
	local i k run all sqls=("$@")
	BENCH_MS=()
	all=$({
		echo '\set ON_ERROR_STOP 1'
		printf '%s;\n' "${BENCH_SETUP:-}"
		echo '\o /dev/null'
		[ "${BENCH_CLOCK:-wall}" = cpu ] || echo '\timing on'
		for ((run = 0; run <= BENCH_RUNS; run++)); do
			for ((k = 0; k < $#; k++)); do
				i=$((run % 2 ? $# - 1 - k : k))
				bench_statement "$run" "$i" "${sqls[i]%;}"
			done
		done
	} | psql -qX 2>&1 >"$WORK/bench.out") || { echo "$all" >&2; return 1; }
	for ((i = 0; i < $#; i++)); do
		BENCH_MS+=("$(awk -v want="$i" '
			$1 == "@" { run = $2; which = $3 }
			$1 == "Time:" && which == want && run > 0 { ms[run] += $2 }
			$1 == "cpu" && which == want && run > 0 { ms[run] += ($3 - $2) / 1e6 }
			END { for (r in ms) print ms[r] }' "$WORK/bench.out" | bench_median)")
	done
}

# bench_statement RUN I SQL: prints the lines for psql that run and time it.
bench_statement() {
	local clock="SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1) AS"
	if [ "${BENCH_CLOCK:-wall}" = cpu ]; then
		printf '\\echo @ %s %s\n%s before \\gset\n%s;\n%s after \\gset\n\\echo cpu :before :after\n' \
			"$1" "$2" "$clock" "$3" "$clock"
	else
		printf '\\echo @ %s %s\n%s;\n' "$1" "$2" "$3"
	fi
}

# bench_median: the median of the numbers on standard input.
bench_median() {
	sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# bench_ratio I J: BENCH_MS[I] / BENCH_MS[J], how many times as long the I-th took.
bench_ratio() {
	awk -v a="${BENCH_MS[$1]}" -v b="${BENCH_MS[$2]}" 'BEGIN { printf "%.3f\n", a / b }'
}

# bench_paired_ratio I J: the median over the runs of the last bench_times of how many times as long the I-th took as the J-th
# did beside it. For statements of the same work: load that comes and goes hits both of a pair, and moves the ratio of medians.
bench_paired_ratio() {
	awk -v i="$1" -v j="$2" '
		$1 == "@" { run = $2; which = $3 }
		$1 == "Time:" && run > 0 { ms[run, which] += $2 }
		$1 == "cpu" && run > 0 { ms[run, which] += ($3 - $2) / 1e6 }
		run > runs { runs = run }
		END { for (r = 1; r <= runs; r++) printf "%.3f\n", ms[r, i] / ms[r, j] }' "$WORK/bench.out" | bench_median
}

# bench_line NAME FIGURE BAR WHAT: adds and prints a figure. BAR is '>= 2' or '<= 1.05'. A figure that
# could not be measured is '-', WHAT then gives the reason; it is short.
bench_line() {
	local verdict
	verdict=$(awk -v figure="$2" -v bar="$3" 'BEGIN {
		split(bar, b, " ")
		ok = figure ~ /^-?[0-9.]+$/ && (b[1] == ">=" ? figure + 0 >= b[2] + 0 : figure + 0 <= b[2] + 0)
		print ok ? "met" : "short" }')
	printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$verdict" "$4" | tee -a "$BENCH_TSV"
}
