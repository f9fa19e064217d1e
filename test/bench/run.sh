#!/usr/bin/env bash
# Measures every performance figure as a ratio against an honest opponent,
# interleaved in one run; prints a line a figure and writes build/bench.tsv.
#
#   ONLY  a room: types balance rules fdw pull chain   (default: all)
#
# test/bench/README.md says how to read it.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
stage_as_server_user test/bench/run.sh "$@"
cd "$TOP"
mkdir -p build
export BENCH_TSV=$TOP/build/bench.tsv
: >"$BENCH_TSV"

for room in ${ONLY:-types balance rules fdw pull chain}; do
	if ! "$TOP/test/bench/$room.sh"; then
		# A room that broke off is short, whatever it measured before.
		printf '%s\t-\t-\tshort\t%s\n' "$room" "test/bench/$room.sh ended with an error" | tee -a "$BENCH_TSV"
	fi
done
met=$(awk -F'\t' '$4 == "met"' "$BENCH_TSV" | wc -l)
short=$(awk -F'\t' '$4 == "short"' "$BENCH_TSV" | wc -l)
echo "$met figures met, $short short (build/bench.tsv)"
