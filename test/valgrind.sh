#!/usr/bin/env bash
# Runs the regression tests with every backend under valgrind, and ends with "N passed, N failed": a test
# that fails or a backend with a memory error is a failure. Distributions' servers are not built for it; name one that is,
# and, as the server has some of its own, its source's list of what to pass over:
#
#   make valgrind PG_CONFIG=/path/to/bin/pg_config SUPPRESSIONS=/path/to/src/tools/valgrind.supp ONLY='types_*'
#
# build/valgrind keeps what each process had to say, and what differs from the expected output.
set -eu
TOP=$(cd "$(dirname "$0")/.." && pwd)
. "$TOP/test/lib.sh"
if ! "$PG_CONFIG" --cflags --configure | grep -q USE_VALGRIND; then
	echo "retrack: the server of $PG_CONFIG is not built with -DUSE_VALGRIND" >&2
	echo "HINT: configure one with CFLAGS='-O1 -g -DUSE_VALGRIND' --enable-cassert and give its PG_CONFIG." >&2
	exit 1
fi
stage_as_server_user test/valgrind.sh "$@"
cd "$TOP"
logs=$TOP/build/valgrind
rm -rf "$logs" && mkdir -p "$logs"

make_scratch
private_server
"$PGBIN/initdb" -D "$WORK/data" -U postgres -A trust -N --encoding=UTF8 --locale=C.UTF-8 >/dev/null
printf "listen_addresses = ''\nunix_socket_directories = '%s'\ntimezone = 'UTC'\nautovacuum = off\nfsync = off\n" "$WORK" \
	>>"$WORK/data/postgresql.conf"
valgrind --quiet --leak-check=no --trace-children=yes --gen-suppressions=no --error-markers=VG_BEGIN,VG_END \
	--log-file="$logs/%p.log" ${SUPPRESSIONS:+--suppressions="$SUPPRESSIONS"} \
	"$PGBIN/postgres" -D "$WORK/data" >"$logs/server.out" 2>&1 &
export PGHOST=$WORK PGPORT=5432 PGUSER=postgres
for _ in $(seq 120); do pg_isready -q && break; sleep 1; done

# of the tests that bound what they do by time: all takes some fifty times as long
export PG_TEST_TIMEOUT_DEFAULT=${PG_TEST_TIMEOUT_DEFAULT:-7200}
status=0
mapfile -t tests < <(cd test/sql && for f in ${ONLY:-*}.sql; do basename "$f" .sql; done | sort)
"$("$PG_CONFIG" --pkglibdir)/pgxs/src/test/regress/pg_regress" --bindir="$PGBIN" --host="$WORK" --port=5432 --user=postgres \
	--inputdir=test --outputdir=. --dbname=regress_retrack --load-extension=retrack "${tests[@]}" >"$logs/regress.log" 2>&1 || status=$?
mv regression.diffs results "$logs/" 2>/dev/null || true
rm -f regression.out
passed=$(grep -cE '\.\.\. ok|^ok +[0-9]+' "$logs/regress.log" || true)
failed=$(grep -cE '\.\.\. FAILED|^not ok' "$logs/regress.log" || true)
# a run that was cut short passed nothing it did not report
if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ "$passed" -lt ${#tests[@]} ]; }; then
	echo "pg_regress ended with status $status after $passed of ${#tests[@]} tests"
	failed=$((${#tests[@]} - passed > 0 ? ${#tests[@]} - passed : 1))
fi
# what processes do as they end counts, too
"$PGBIN/pg_ctl" -D "$WORK/data" -m fast -t 600 -w stop >>"$logs/server.out" 2>&1 || { echo "the server did not stop"; failed=$((failed + 1)); }
[ ! -f "$logs/regression.diffs" ] || head -200 "$logs/regression.diffs"
bad=$(grep -l VG_BEGIN "$logs"/*.log | wc -l)
grep -h -A25 VG_BEGIN "$logs"/*.log | head -120 || true
echo "# backends with memory errors: $bad"
echo "$passed passed, $((failed + bad)) failed"
[ $((failed + bad)) = 0 ] && [ "$passed" -gt 0 ]
