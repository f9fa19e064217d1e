#!/usr/bin/env bash
# The demo: a private cluster, the reference reporting API on loopback, a year of submissions pulled
# through the rules, and a report of what landed, what was refused and why. Leaves nothing behind but
# build/demo/ (the report, the planted cases, one lot's graph).
#
#   SEED  of the generator (default 1)
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
stage_as_server_user test/demo/run.sh "$@"
cd "$TOP"
SEED=${SEED:-1}
OUT=$TOP/build/demo
mkdir -p "$OUT"

before_cleanup() { [ -z "${API_PID:-}" ] || kill "$API_PID" 2>/dev/null; }

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

make_scratch
say "1. Build, a private server and cluster (nothing of the system's is touched)"
private_server
private_cluster
make -s -C test/api

say "2. The reporting API, on loopback, with the generated year 2025 (seed $SEED)"
API_TOKEN=$(openssl rand -hex 16)
RETRACK_API_TOKEN=$API_TOKEN build/api/retrack_api --port 0 --port-file "$WORK/port" --seed "$SEED" >"$WORK/api.log" 2>&1 &
API_PID=$!
for _ in $(seq 100); do [ -s "$WORK/port" ] && break; kill -0 "$API_PID" || { cat "$WORK/api.log" >&2; exit 1; }; sleep 0.1; done
API_URL=http://127.0.0.1:$(cat "$WORK/port")
build/api/retrack_api --seed "$SEED" --list-cheats >"$OUT/planted.tsv"
echo "listening on $API_URL; $(($(grep -vc suspect_lot "$OUT/planted.tsv") - 1)) planted cases, and the lots that hold smuggled ore"

run_sql() {
	PGOPTIONS='-c client_min_messages=warning' psql -XqP pager=off -v ON_ERROR_STOP=1 -d demo \
		-v api_url="$API_URL" -v token="$API_TOKEN" -v planted="$OUT/planted.tsv" -v out="$OUT" -f "test/demo/$1"
}
createdb demo

say "3. CREATE EXTENSION, the registry, the foreign schema from the API's OpenAPI document, the pull"
run_sql setup.sql

run_sql report.sql | tee "$OUT/report.txt"
run_sql graph.sql
if command -v dot >/dev/null; then
	dot -Tsvg "$OUT/lot.dot" -o "$OUT/lot.svg"
	say "The traced lot as a picture: build/demo/lot.svg"
else
	say "The traced lot as a graph: build/demo/lot.dot (with Graphviz installed, also as SVG)"
fi

say "Verdict"
run_sql verdict.sql | tee -a "$OUT/report.txt"
if grep -q '^missed\|^wrongly' "$OUT/verdict.txt"; then
	echo "The books do not say what was planted: see above." >&2
	exit 1
fi
