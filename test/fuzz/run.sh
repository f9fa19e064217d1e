#!/usr/bin/env bash
# Fuzzes each target for FUZZ_SECONDS (default 60), beginning with its corpus in
# test/fuzz/corpus; what libFuzzer finds besides goes to build/fuzz. Ends with "N targets, N failed".
#
#   ONLY    a shell pattern of target names   (default: all)
#   CLANG   a clang with libFuzzer            (default: the first of clang-14, clang)
set -eu
cd "$(dirname "$0")/../.."
SECONDS_EACH=${FUZZ_SECONDS:-60}
ONLY=${ONLY:-*}
CLANG=${CLANG:-$(command -v clang-14 || command -v clang)}
FLAGS="-std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Isrc -Itest/unit"
FLAGS="$FLAGS -D_GNU_SOURCE -Wno-ignored-attributes -isystem $("${PG_CONFIG:-pg_config}" --includedir-server)"
targets=0 failed=0
mkdir -p build/fuzz

# sources TARGET: what is linked with it.
sources() {
	case $1 in
	json_scan) echo src/fdw/json_*.c ;;
	url) echo src/fdw/url.c src/fdw/json_pointer.c ;;
	options) echo src/fdw/option_table.c src/fdw/url.c src/fdw/json_pointer.c ;;
	link_header) echo src/fdw/link_header.c src/fdw/url.c ;;
	types) echo src/types/*_parse.c src/types/decimal.c ;;
	wide_int) echo src/balance/wide_int.c ;;
	esac
}

for file in test/fuzz/fuzz_*.c; do
	name=$(basename "$file" .c)
	name=${name#fuzz_}
	# shellcheck disable=SC2254
	case $name in $ONLY) ;; *) continue ;; esac
	targets=$((targets + 1))
	corpus=build/fuzz/$name.corpus
	mkdir -p "$corpus"
	# shellcheck disable=SC2046,SC2086
	"$CLANG" $FLAGS "$file" $(sources "$name") -o "build/fuzz/$name"
	dict=$([ ! -f "test/fuzz/$name.dict" ] || echo "-dict=test/fuzz/$name.dict")
	echo "# $name: $SECONDS_EACH s"
	# shellcheck disable=SC2086
	if ! "build/fuzz/$name" -max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
		-print_final_stats=1 -artifact_prefix="build/fuzz/$name-" $dict "$corpus" "test/fuzz/corpus/$name" \
		>"build/fuzz/$name.log" 2>&1; then
		failed=$((failed + 1))
		tail -40 "build/fuzz/$name.log"
	fi
	grep -E 'stat::number_of_executed_units|stat::average_exec' "build/fuzz/$name.log" || true
done
echo "$targets targets, $failed failed"
[ "$failed" = 0 ] && [ "$targets" -gt 0 ]
