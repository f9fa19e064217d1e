#!/usr/bin/env bash
# Runs the suites and ends with "N passed, N failed".
#
#   SUITES  which of: warnings unit regress isolation pgtap tap demo   (default: all)
#   ONLY    a shell pattern of test names                (default: all)
#   KEEP=1  leaves results and logs of passing tests in build/ too
set -eu
TOP=$(cd "$(dirname "$0")/.." && pwd)
export WERROR=1
. "$TOP/test/lib.sh"
stage_as_server_user test/run.sh "$@"

SUITES=${SUITES:-warnings unit regress isolation pgtap tap demo}
ONLY=${ONLY:-*}
cd "$TOP"
mkdir -p build/log
passed=0 failed=0

# names DIR SUFFIX: the tests in DIR that ONLY selects, sorted.
names() {
	local f n
	for f in "test/$1"/*."$2"; do
		n=$(basename "$f" ".$2")
		# shellcheck disable=SC2254
		[ -f "$f" ] && case $n in $ONLY) echo "$n" ;; esac
	done
	return 0
}

# count SUITE STATUS LOG: adds the ok and not-ok lines of a TAP or pg_regress log. A suite
# that ended badly without a failed line counts as one failure. Skipped tests count as neither.
count() {
	local suite=$1 status=$2 log=$3 ok bad
	ok=$(grep -cE '^(test|    ) ?.* \.\.\. ok|^ok +[0-9]+' "$log" || true)
	ok=$((ok - $(grep -ciE '^ok +[0-9]+.*# +(skip|todo)\b' "$log" || true)))
	bad=$(grep -cE '\.\.\. FAILED|^not ok +[0-9]+' "$log" || true)
	bad=$((bad - $(grep -cE '^not ok +[0-9]+.*# +TODO' "$log" || true)))
	if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
	if [ "$status" = 0 ] && [ "$ok" = 0 ]; then bad=1; echo "$suite: no test was run"; fi
	passed=$((passed + ok)) failed=$((failed + bad))
	echo "# $suite: $ok passed, $bad failed (log: build/log/$suite.log)"
	if [ "$bad" != 0 ]; then
		mv regression.diffs "build/$suite/" 2>/dev/null || true
		grep -nE '\.\.\. FAILED|^not ok|^#   |Bail out|ERROR|Dubious|died' "$log" | head -60 || true
		[ ! -f "build/$suite/regression.diffs" ] || head -200 "build/$suite/regression.diffs"
	fi
}

# logged SUITE COMMAND...: runs it with its output in the suite's log, then counts.
logged() {
	local suite=$1 status=0
	shift
	"$@" >"build/log/$suite.log" 2>&1 </dev/null || status=$?
	count "$suite" "$status" "build/log/$suite.log"
}

# The build before this was gcc's, with -Werror; clang says other things. Debian's server headers need clang-14.
suite_warnings() {
	local clang
	clang=$(command -v clang-14 || command -v clang) || { echo "# warnings: no clang here, not tried"; return; }
	mkdir -p "$WORK/clang"
	tar -cf - --exclude='*.o' --exclude='*.so' Makefile retrack.control src sql | tar -C "$WORK/clang" -xf -
	logged warnings sh -c 'make -s -C "$1" CC="$2" WERROR=1 with_llvm=no all && echo "ok 1 - clang finds nothing to warn of"' \
		sh "$WORK/clang" "$clang"
}

suite_unit() {
	local n list=()
	for n in $(names unit c); do
		make -s -f test/unit/Makefile "build/unit/$n" || { failed=$((failed + 1)); continue; }
		list+=("build/unit/$n")
	done
	[ ${#list[@]} = 0 ] || logged unit prove -v -e '' "${list[@]}"
}

# Before 16 pg_regress finds expected/ only below its output directory: hence ".".
regress_in() {
	local suite=$1 program=$2
	shift 2
	rm -rf "build/$suite" regression.diffs regression.out results
	mkdir -p "build/$suite"
	logged "$suite" "$PGXS_TEST/$program" --bindir="$PGBIN" --dlpath="$WORK" --host="$WORK" --port=5432 \
		--user=postgres --inputdir=test --outputdir=. --load-extension=retrack "$@"
	mv regression.diffs results "build/$suite/" 2>/dev/null || true
	rm -f regression.out
}

suite_regress() {
	local list
	mapfile -t list < <(names sql sql)
	[ ${#list[@]} = 0 ] || regress_in regress regress/pg_regress --dbname=regress_retrack "${list[@]}"
}

suite_isolation() {
	local list
	mapfile -t list < <(names specs spec)
	[ ${#list[@]} = 0 ] ||
		regress_in isolation isolation/pg_isolation_regress --dbname=isolation_retrack "${list[@]}"
}

suite_pgtap() {
	local n list=()
	for n in $(names pgtap sql); do list+=("test/pgtap/$n.sql"); done
	[ ${#list[@]} = 0 ] && return
	createdb pgtap_retrack
	psql -qX -d pgtap_retrack -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION retrack CASCADE' 2>/dev/null
	logged pgtap pg_prove -v -d pgtap_retrack "${list[@]}"
}

suite_tap() {
	local n list=()
	for n in $(names t pl); do list+=("test/t/$n.pl"); done
	[ ${#list[@]} = 0 ] && return
	export PG_REGRESS=$PGXS_TEST/regress/pg_regress TESTDIR=$WORK/tap
	# where 16 and later look
	export TESTDATADIR=$TESTDIR/tmp_check TESTLOGDIR=$TESTDIR/tmp_check/log
	mkdir -p "$TESTLOGDIR"
	logged tap prove -v -I "$PGXS_TEST/perl" -I test/t/lib "${list[@]}"
	rm -rf build/log/tap
	cp -r "$TESTLOGDIR" build/log/tap
}

# The demo judges itself: it fails unless exactly what was planted is found.
suite_demo() {
	logged demo sh -c 'test/demo/run.sh && echo "ok 1 - the demo ends with the right verdict"'
}

make_scratch
private_server
private_cluster 'max_prepared_transactions = 20' 'wal_level = logical'
PGXS_TEST=$("$PG_CONFIG" --pkglibdir)/pgxs/src/test
for suite in $SUITES; do
	"suite_$suite"
done
cp "$WORK/server.log" build/log/server.log
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
