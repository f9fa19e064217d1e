#!/usr/bin/env bash
# Pull through the rules against INSERT ... SELECT, both from one foreign table over HTTP, and what a second
# pull with nothing new costs.
#
#   PULL_RECORDS  shipments   (default: 200000)
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/test/lib.sh"
. "$TOP/test/bench/lib.sh"
bench_start test/bench/pull.sh
PULL_RECORDS=${PULL_RECORDS:-200000}
BENCH_RUNS=${PULL_RUNS:-5}

perl test/bench/pull_server.pl "$WORK/port" "$PULL_RECORDS" &
server=$!
before_cleanup() { kill "$server" 2>/dev/null || true; }
for _ in $(seq 300); do [ -s "$WORK/port" ] && break; sleep 0.1; done
port=$(cat "$WORK/port")

columns='shipment_id, version, shipped_on, exporter, facility_id, consignee, end_user, client_name, destination, licence,
  control_code, hs_code, form, assay, net_mass, lot_id, value, currency, updated_at, withdrawn'
bench_sql <<SQL
SET client_min_messages = warning;
CALL retrack.create_registry('trade');
INSERT INTO trade.party (party_id, name, country, kind)
  SELECT format('P%s', lpad(i::text, 2, '0')), 'Producer ' || i, 'CN', 'producer' FROM generate_series(0, 39) AS i
  UNION ALL SELECT format('C%s', lpad(i::text, 2, '0')), 'Client ' || i, 'DE', 'client' FROM generate_series(0, 19) AS i;
INSERT INTO trade.facility (facility_id, party_id, stage)
  SELECT format('F%s', lpad(i::text, 2, '0')), format('P%s', lpad(i::text, 2, '0')), 'magnet_making' FROM generate_series(0, 39) AS i;
INSERT INTO trade.licence (licence, kind, holder, valid, status)
  SELECT format('25-AA-%s', lpad(i::text, 6, '0'))::retrack.licence_id, 'general', format('P%s', lpad((i % 40)::text, 2, '0')),
         '[2025-04-04,2026-04-04)', 'issued' FROM generate_series(0, 199) AS i;
INSERT INTO trade.licence_item (licence, line, control_code, form, granted)
  SELECT licence, 1, '1C905.a', 'magnet', '100000 t' FROM trade.licence;
INSERT INTO trade.licence_party (licence, party_id, role)
  SELECT format('25-AA-%s', lpad(i::text, 6, '0'))::retrack.licence_id, format('C%s', lpad((i % 20)::text, 2, '0')), role
  FROM generate_series(0, 199) AS i, unnest('{consignee,end_user}'::text[]) AS role;
CREATE SERVER api FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:$port', pagination 'cursor',
  next '/next', cursor_param 'cursor', limit_param 'limit', page_size '1000');
CREATE USER MAPPING FOR CURRENT_USER SERVER api;
CREATE FOREIGN TABLE api_shipment (shipment_id text, version int, shipped_on date, exporter text, facility_id text, consignee text,
  end_user text, client_name text OPTIONS (pointer '/client/name'), destination text, licence retrack.licence_id, control_code text,
  hs_code text, form retrack.form, assay retrack.assay, net_mass retrack.mass, lot_id text, value numeric, currency text,
  updated_at timestamptz OPTIONS (param_from 'updated_since'), withdrawn boolean,
  record json OPTIONS (pointer ''), error text OPTIONS (pointer '#error'), state text OPTIONS (pointer '#sqlstate'),
  place text OPTIONS (pointer '#pointer'), page bigint OPTIONS (pointer '#page'))
  SERVER api OPTIONS (path '/shipments', records '/data', on_error 'skip');
CREATE TABLE plain (LIKE trade.shipment INCLUDING DEFAULTS INCLUDING INDEXES);
SQL

# turn SQL: milliseconds of one run, by the clock and of the backend on a processor.
turn() {
	psql -qXAt -v ON_ERROR_STOP=1 <<-SQL | awk '/^Time:/ { clock = $2 } /^Cpu:/ { print clock, $2 }'
		SET client_min_messages = warning;
		SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1) AS before \gset
		\timing on
		$1;
		\timing off
		SELECT 'Cpu: ' || (split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric - :before) / 1e6;
	SQL
}
insert="INSERT INTO plain ($columns) SELECT $columns FROM api_shipment"
pull="CALL retrack.pull('public.api_shipment', 'trade.shipment')"

# measure NAME WHAT: tables are emptied outside of the measurement, the order changes every turn.
# What else runs on the machine moves NAME_cpu, which leaves out the waiting, less.
measure() {
	local run ours theirs landed differ field
	rm -f "$WORK/ours" "$WORK/theirs"
	for run in $(seq 0 "$BENCH_RUNS"); do
		bench_sql -c 'SET client_min_messages = warning' -c 'SET session_replication_role = replica' -c 'TRUNCATE plain' \
			-c 'TRUNCATE trade.shipment, trade.pull_state' -c "UPDATE trade.licence_item SET drawn = '0'" \
			-c 'UPDATE trade.licence SET uses = 0' -c CHECKPOINT
		if [ $((run % 2)) = 0 ]; then theirs=$(turn "$insert"); fi
		ours=$(turn "$pull")
		if [ $((run % 2)) = 1 ]; then theirs=$(turn "$insert"); fi
		[ -z "${PULL_VERBOSE:-}" ] || echo "# $1: pull $ours ms, insert $theirs ms (clock, processor)" >&2
		[ "$run" = 0 ] || { echo "$ours" >>"$WORK/ours"; echo "$theirs" >>"$WORK/theirs"; }
	done
	# What is measured is what it should be: all rows, the ledger in step.
	landed=$(bench_sql -c 'SELECT count(*) FROM trade.shipment')
	differ=$(bench_sql -c "SELECT count(*) FROM retrack.verify_ledger('trade')")
	if [ "$landed" = "$PULL_RECORDS" ] && [ "$differ" = 0 ]; then
		for field in 1 2; do
			bench_line "$1$([ $field = 1 ] || echo _cpu)" "$(awk -v a="$(cut -d' ' -f$field "$WORK/ours" | bench_median)" \
				-v b="$(cut -d' ' -f$field "$WORK/theirs" | bench_median)" 'BEGIN { printf "%.3f", a / b }')" '<= 2' \
				"$([ $field = 1 ] || echo "processor time, not ")$2"
		done
	else
		bench_line "$1" - '<= 2' "$landed of $PULL_RECORDS landed, $differ ledgers differ"
	fi
}

what="/ INSERT ... SELECT from the same foreign table into a plain table with the same indexes, $PULL_RECORDS shipments"
# As a registry is made: with the journal, which writes every change down a second time.
measure pull.rules_vs_insert "time of pull through licence rules, keys, checks and the journal of all changes $what"
bench_sql -c 'ALTER TABLE trade.shipment DISABLE TRIGGER retrack_journal_insert'
measure pull.rules_without_journal_vs_insert "time of pull through licence rules, keys and checks, without the journal $what"
bench_sql -c 'ALTER TABLE trade.shipment ENABLE TRIGGER retrack_journal_insert'

requests() { perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:'"$port"'"); print $s "GET /requests HTTP/1.1\r\n\r\n"; $s->sysread($r, 1000); print $r =~ /(\d+)$/'; }
before=$(requests)
bench_sql -c 'SET client_min_messages = warning' -c "CALL retrack.pull('public.api_shipment', 'trade.shipment')"
bench_line pull.nothing_new_requests "$(($(requests) - before))" '<= 2' "requests of a second pull with nothing new"
