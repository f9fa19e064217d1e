#!/usr/bin/env bash
# Bench of retrack_fdw against what people use otherwise to get the same bytes into SQL: file_fdw on
# CSV, jsonb_to_recordset over the downloaded text, curl | jq | COPY, jansson alone; and its promises on
# memory, transfers, latency and interruption. nginx serves files; a perl server serves the slow pages.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" != 0 ] || command -v nginx >/dev/null || "$TOP/test/deps.sh" nginx-light
. "$TOP/test/lib.sh"
. "$TOP/test/bench/lib.sh"
SERVERS=()
# the slow servers lead process groups of their own
before_cleanup() { for pid in "${SERVERS[@]}"; do kill -TERM -- "-$pid" "$pid" 2>/dev/null; done; wait; }
bench_start test/bench/fdw.sh 'max_connections = 20'
ROWS=${ROWS:-200000}
HUGE=${HUGE:-1000000000}
TRIES=${TRIES:-100}
DIR=$WORK/fdw
mkdir -p "$DIR/www"
cc -O2 -o "$DIR/reference" test/bench/fdw_reference.c -lcurl -ljansson

# slow_server NAME MS RECORDS: sets URL_NAME
slow_server() {
	perl test/bench/latency_server.pl "$DIR/$1.port" "$2" "$3" &
	SERVERS+=($!)
	for _ in $(seq 100); do [ -f "$DIR/$1.port" ] && break; sleep 0.1; done
	printf -v "URL_$1" 'http://127.0.0.1:%s' "$(cat "$DIR/$1.port")"
}
slow_server pages 50 1000
slow_server endpoint 100 10

COLUMNS='shipment_id bigint, reference uuid, producer_name text, net_mass_kg numeric, declared_value float8, controlled bool,
  shipped_on date, updated_at timestamptz, lot_number int, consignee_name text'
bench_sql >/dev/null <<SQL
SELECT setseed(0.4);
CREATE TABLE src AS SELECT i::bigint AS shipment_id, md5(i::text)::uuid AS reference,
  'Producer of Rare Earth Magnets No. ' || i % 40 || ', Baotou, Inner Mongolia' AS producer_name, (i * 1.2345)::numeric(14, 4) AS net_mass_kg,
  random() * 1e6 AS declared_value, i % 3 = 0 AS controlled, date '2025-01-01' + i % 365 AS shipped_on,
  timestamptz '2025-01-01Z' + i * interval '1 s' AS updated_at, i % 100000 AS lot_number, 'Consignee ' || md5(i::text) || ' GmbH, Hanau' AS consignee_name
FROM generate_series(1, $ROWS) i;
COPY src TO '$DIR/src.csv' CSV;
COPY (SELECT CASE n WHEN 1 THEN '[' ELSE ',' END || row_to_json(s) || CASE n WHEN $ROWS THEN ']' ELSE '' END
  FROM (SELECT * FROM src) s, LATERAL (SELECT s.shipment_id AS n) x ORDER BY n) TO '$DIR/www/src.json';
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE csv ($COLUMNS) SERVER files OPTIONS (filename '$DIR/src.csv', format 'csv');
CREATE TABLE target ($COLUMNS);
VACUUM ANALYZE;
SQL
PORT=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')
cat >"$DIR/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $DIR/nginx.pid; error_log $DIR/nginx.log;
events { worker_connections 64; }
http { access_log off; sendfile on; types { application/json json; }
  client_body_temp_path $DIR/t1; proxy_temp_path $DIR/t2; fastcgi_temp_path $DIR/t3; uwsgi_temp_path $DIR/t4; scgi_temp_path $DIR/t5;
  server { listen 127.0.0.1:$PORT; root $DIR/www; } }
CONF
if command -v nginx >/dev/null; then
	nginx -c "$DIR/nginx.conf" 2>/dev/null &
	SERVERS+=($!)
	for _ in $(seq 100); do curl -sf -o /dev/null "http://127.0.0.1:$PORT/src.json" && break; sleep 0.1; done
else
	for f in rows_vs_file_fdw vs_jsonb vs_curl_jq_copy vs_jansson; do bench_line "fdw.$f" - '>= 0' 'nginx is not installed'; done
	exit 0
fi
bench_sql <<SQL
CREATE SERVER web FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:$PORT');
CREATE FOREIGN TABLE ours ($COLUMNS) SERVER web OPTIONS (path '/src.json');
CREATE SERVER pages FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$URL_pages', records '/data');
CREATE FOREIGN TABLE paged (id int, name text, padding text) SERVER pages OPTIONS (path '/paged', pagination 'cursor', next '/next');
CREATE FOREIGN TABLE one (id int, name text) SERVER pages OPTIONS (path '/one');
CREATE FOREIGN TABLE huge (id int, name text) SERVER pages OPTIONS (path '/huge?bytes=$HUGE', timeout '10min');
CREATE FOREIGN TABLE stall (id int) SERVER pages OPTIONS (path '/stall');
CREATE FOREIGN TABLE stall_body (id int) SERVER pages OPTIONS (path '/stall_body');
CREATE SERVER endpoint FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$URL_endpoint', records '/data');
CREATE FOREIGN TABLE worked (id int) SERVER endpoint OPTIONS (path '/paged', pagination 'cursor', next '/next');
CREATE TABLE fleet (id int, name text) PARTITION BY LIST (id);
SELECT format('CREATE FOREIGN TABLE fleet_%s PARTITION OF fleet FOR VALUES IN (%s) SERVER endpoint OPTIONS (path %L)', i, i, '/p' || i) FROM generate_series(1, 20) i \gexec
SQL
[ "$(bench_sql -c 'SELECT count(*) FROM (SELECT * FROM ours EXCEPT ALL SELECT * FROM src) x')" = 0 ] || { echo 'the scan is wrong' >&2; exit 1; }

# All columns of all rows, none sent to the client.
ALL="OFFSET $((ROWS + 1))"
bench_times "SELECT * FROM ours $ALL" "SELECT * FROM csv $ALL"
bench_line fdw.rows_vs_file_fdw "$(bench_ratio 1 0)" '>= 0.7' "rows/s of retrack_fdw over http / file_fdw over CSV, $ROWS rows, ten typed columns"
OURS_MS=${BENCH_MS[0]}
BENCH_RUNS=5 bench_times "SELECT * FROM ours $ALL" "SELECT * FROM jsonb_to_recordset(pg_read_file('$DIR/www/src.json')::jsonb) AS x($COLUMNS) $ALL"
bench_line fdw.vs_jsonb "$(bench_ratio 1 0)" '>= 4' 'time of jsonb_to_recordset over the same bytes, already downloaded / ours'

# milliseconds COMMAND...
milliseconds() { local t=$(date +%s%N); "$@" >/dev/null; echo $((($(date +%s%N) - t) / 1000)) | awk '{ print $1 / 1000 }'; }
ours_into_target() { bench_sql -c 'TRUNCATE target' -c 'INSERT INTO target SELECT * FROM ours'; }
jq_into_target() {
	bench_sql -c 'TRUNCATE target'
	curl -s "http://127.0.0.1:$PORT/src.json" | jq -r '.[] | [.[]] | @csv' | bench_sql -c 'COPY target FROM STDIN CSV'
}
for _ in 1 2 3 4 5; do
	milliseconds ours_into_target >>"$DIR/ours.ms"
	milliseconds jq_into_target >>"$DIR/jq.ms"
	"$DIR/reference" jansson "$DIR/www/src.json" >>"$DIR/jansson.ms"
	printf '%s\n' '\o /dev/null' '\timing on' "SELECT * FROM ours $ALL;" | psql -qX 2>&1 | awk '/^Time/ { print $2 }' >>"$DIR/scan.ms"
done
figure() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'; }
bench_line fdw.vs_curl_jq_copy "$(figure "$(bench_median <"$DIR/jq.ms")" "$(bench_median <"$DIR/ours.ms")")" '>= 3' 'time of curl | jq | COPY / INSERT ... SELECT from ours, both into an empty table'
bench_line fdw.vs_jansson "$(figure "$(bench_median <"$DIR/scan.ms")" "$(bench_median <"$DIR/jansson.ms")")" '<= 1' 'whole scan in SQL, cold session / jansson parsing the same file, no more'

# Memory of the backend above its idle peak, which Linux forgets on request.
peak=$(bench_sql <<SQL | tail -1
SELECT count(*) FROM one;
CREATE TEMP TABLE w (k text);
COPY w FROM PROGRAM 'p=\$PPID; echo 5 > /proc/\$p/clear_refs; grep VmHWM /proc/\$p/status' CSV \g /dev/null
SELECT count(*), sum(id) FROM huge \g /dev/null
COPY w FROM PROGRAM 'grep VmHWM /proc/\$PPID/status' CSV \g /dev/null
SELECT round((max(v) - min(v)) / 1024.0, 2) FROM (SELECT regexp_replace(k, '\D', '', 'g')::numeric AS v FROM w) x;
SQL
)
bench_line fdw.peak_memory "$peak" '<= 16' "MB above idle of a scan of one page of $HUGE bytes"
bytes=$(bench_sql -c "EXPLAIN (ANALYZE, FORMAT json) SELECT id FROM huge LIMIT 1" | awk -F: '/Bytes Received/ { gsub(/[ ,]/, "", $2); print $2 }')
bench_line fdw.limit1_bytes "$(figure "$bytes" 262144)" '<= 1' 'bytes taken off the network by LIMIT 1 on a page of a gigabyte / buffer_size'

# A look-up in a warm session against libcurl alone, in turn; medians of 300, so that what else runs moves them little.
for _ in 1 2 3 4 5 6 7; do
	"$DIR/reference" curl "$URL_pages/one" 300 >>"$DIR/curl.ms"
	{ echo 'SELECT id FROM one;'; echo '\timing on'; for _ in $(seq 300); do echo 'SELECT id FROM one;'; done; } | psql -qXAt 2>&1 |
		awk '/^Time/ { print $2 }' | bench_median >>"$DIR/lookup.ms"
done
bench_line fdw.lookup_overhead "$(awk -v a="$(bench_median <"$DIR/lookup.ms")" -v b="$(bench_median <"$DIR/curl.ms")" 'BEGIN { printf "%.3f", a - b }')" '<= 0.3' \
	'ms of a warm single-row look-up, planning and client included, above a bare libcurl request'

BENCH_RUNS=5 bench_times 'SELECT count(*) FROM fleet' 'SELECT count(*) FROM fleet_1'
bench_line fdw.async_append "$(bench_ratio 0 1)" '<= 1.5' 'Append over twenty endpoints of 100 ms / one of them'
BENCH_RUNS=5 bench_times 'SELECT count(*), sum(id), max(name), max(padding) FROM paged'
bench_line fdw.cursor_latency "$(figure "${BENCH_MS[0]}" 1000)" '<= 1.1' '20 pages of 1000 records behind a cursor, 50 ms each / 20 x 50 ms'

BENCH_RUNS=5 bench_times 'SELECT sum(length(pg_sleep(0.005)::text)) FROM worked'
bench_line fdw.cursor_overlap "$(figure "${BENCH_MS[0]}" 2000)" '<= 1.15' '20 pages behind a cursor, 100 ms each, 50 ms of work on the records of each / 20 x 100 ms'

# Cancel, statement_timeout and pg_terminate_backend in every state in which a scan can wait.
perl test/bench/waiting_servers.pl "$DIR/waiting.ports" &
SERVERS+=($!)
for _ in $(seq 100); do [ -f "$DIR/waiting.ports" ] && break; sleep 0.1; done
read -r MUTE FULL <"$DIR/waiting.ports"
cc -shared -fPIC -o "$DIR/hang.so" test/bench/fdw_hang.c -ldl
LD_PRELOAD=$DIR/hang.so "$PGBIN/pg_ctl" -D "$WORK/data" -l "$WORK/server.log" -m fast -w restart >/dev/null
STATES='dns connect tls headers body backoff rate token'
wait_in() { echo "CREATE SERVER w_$1 FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$2', timeout '60s', stall_timeout '60s', connect_timeout '60s', max_retry_wait '100s' $4);
	CREATE FOREIGN TABLE w_$1 (id int) SERVER w_$1 OPTIONS (path '$3', records '/data');"; }
{
	wait_in dns http://hang.invalid /one ''
	wait_in connect "http://127.0.0.1:$FULL" /one ''
	wait_in tls "https://127.0.0.1:$MUTE" /one ''
	wait_in headers "$URL_pages" /stall ''
	wait_in body "$URL_pages" /stall_body ''
	wait_in backoff "$URL_pages" /busy ''
	wait_in rate "$URL_pages" /one ", rate_limit '0.01'"
	wait_in token "$URL_pages" /one ", auth 'oauth2', token_url '$URL_pages/stall'"
	echo "CREATE USER MAPPING FOR CURRENT_USER SERVER w_token OPTIONS (client_id 'me', client_secret 'secret');"
	cat test/bench/fdw_interrupts.sql
} | bench_sql
for action in cancel timeout terminate; do
	for state in $STATES; do
		bench_sql -c "SELECT interrupt('$action', '$state', $TRIES)" >/dev/null 2>>"$DIR/interrupts.err" || true
	done
	expected=$(($(wc -w <<<"$STATES") * TRIES))
	IFS='|' read -r tries p99 worst <<<"$(bench_sql -c "
		SELECT count(*), round(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 1),
			(SELECT state || ' ' || round(max(ms)::numeric, 1) FROM interrupted WHERE action = '$action' GROUP BY state ORDER BY max(ms) DESC LIMIT 1)
		FROM interrupted WHERE action = '$action'")"
	if [ "$tries" = "$expected" ]; then
		bench_line "fdw.$action" "$p99" '<= 100' "ms from $action to the error at the client, 99th percentile of $tries tries, $TRIES while waiting in each of: $STATES; slowest: $worst"
	else
		bench_line "fdw.$action" - '<= 100' "only $tries of $expected scans ended by $action"
		bench_sql -c "SELECT state, count(*) FROM interrupted WHERE action = '$action' GROUP BY 1" >&2
	fi
done
