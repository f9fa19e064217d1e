#!/usr/bin/env bash
# Tortures the rules: random writers at every isolation level, suspensions and corrections of what they
# rely on, backends and postmaster killed with kill -9, recovery. At no moment may an item or a quota be over,
# and in the end every ledger must be what its rows sum up to, and the journal whole.
#
#   TORTURE_SECONDS  how long           (default 600)
#   TORTURE_CLIENTS  writers at once    (default 16)
#   TORTURE_SEED     of the writers     (default: random, printed)
set -eu
TOP=$(cd "$(dirname "$0")/.." && pwd)
. "$TOP/test/lib.sh"
stage_as_server_user test/torture.sh "$@"
cd "$TOP"
TOTAL=${TORTURE_SECONDS:-600} CLIENTS=${TORTURE_CLIENTS:-16} SEED=${TORTURE_SEED:-$RANDOM}
echo "# torture: $TOTAL s, $CLIENTS clients, TORTURE_SEED=$SEED"
RANDOM=$SEED
make_scratch
private_server
private_cluster 'max_connections = 60' 'max_prepared_transactions = 20' 'deadlock_timeout = 50ms' \
	'log_min_messages = fatal' 'restart_after_crash = on' 'lock_timeout = 5s'

psql -qX -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE EXTENSION retrack CASCADE;
CALL retrack.create_registry('trade');
SET search_path = trade, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('G', 'Group', 'group');
INSERT INTO party (party_id, name, kind, parent) SELECT 'e' || i, 'Exporter ' || i, 'producer', 'G' FROM generate_series(0, 19) i;
INSERT INTO facility (facility_id, party_id, stage) SELECT 'f' || i, 'e' || i, 'mining' FROM generate_series(0, 19) i;
INSERT INTO licence (licence, kind, holder, valid, status, max_uses)
SELECT format('25-AA-0000%s', i)::licence_id, 'general', 'e' || i % 20, '[2025-01-01,2026-01-01)', 'issued', CASE WHEN i > 35 THEN 12 END FROM generate_series(10, 49) i;
INSERT INTO licence_item (licence, line, control_code, form, granted, tolerance)
SELECT licence, line, code, form::form, '100 kg', 0.05 FROM licence, (VALUES (1, '1C905.a', 'magnet'), (2, '1C905.b', 'oxide')) v (line, code, form);
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('G', 'G', 'mining', 'any', '[2025-01-01,2026-01-01)', '600 kg');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted)
SELECT 'q' || i, 'e' || i, 'mining', 'ionic', '[2025-01-01,2026-01-01)', '60 kg' FROM generate_series(0, 3) i;
CREATE SEQUENCE ids CACHE 100;

-- Exports of one's own, partitioned and recorded, whose table is renamed and whose partition comes and goes.
CREATE TABLE export (id bigint, shipped_on date, exporter text, destination text DEFAULT 'DE', licence licence_id, control_code text DEFAULT '1C905.b',
  form form DEFAULT 'oxide', assay assay DEFAULT 'Dy=2%', net_mass mass, PRIMARY KEY (shipped_on, id)) PARTITION BY RANGE (shipped_on);
CREATE TABLE autumn PARTITION OF export FOR VALUES FROM ('2025-07-01') TO ('2027-01-01');
CREATE TABLE spring (net_mass mass, licence licence_id, form form DEFAULT 'oxide', assay assay DEFAULT 'Dy=2%', control_code text DEFAULT '1C905.b', id bigint, exporter text,
  destination text DEFAULT 'DE', shipped_on date, PRIMARY KEY (shipped_on, id));
ALTER TABLE export ATTACH PARTITION spring FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
SELECT attach_triggers('export', 'licence', 'mode=record');
CREATE FUNCTION act_on_export(kind int, k int, m int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  l retrack.licence_id := format('25-AA-0000%s', 10 + k % 40);
  target text := (ARRAY['export', 'exported', 'spring'])[1 + m % 3];
  detail text;
BEGIN
  IF kind % 5 < 2 THEN
    EXECUTE format('INSERT INTO trade.%I (id, shipped_on, exporter, licence, net_mass) SELECT nextval(''trade.ids''), date ''2025-06-01'' + 60 * (i %% $1), ''e'' || ($2 + i / 7) %% 20, $3, $4 FROM generate_series(1, 7) i', target)
    USING 1 + (target <> 'spring')::int, (10 + k % 40) % 20, l, (1 + m % 9 || ' kg')::retrack.mass;
  ELSIF kind % 5 = 2 THEN
    EXECUTE format('UPDATE trade.%I SET net_mass = $1, licence = CASE $2 WHEN 0 THEN $3 ELSE licence END WHERE id %% 7 = $4', target)
    USING (1 + m % 20 || ' kg')::retrack.mass, m % 4, l, k % 7;
  ELSE
    EXECUTE format('DELETE FROM trade.%I WHERE id %% 5 = $1', target) USING k % 5;
  END IF;
EXCEPTION
  WHEN serialization_failure OR deadlock_detected OR lock_not_available THEN RAISE;
  WHEN OTHERS THEN
    IF SQLSTATE !~ '^(RT|23|42P01)' AND SQLERRM !~ 'is being detached' THEN
      RAISE;
    END IF;
END $$;

-- One random statement; what the rules refuse is undone by its subtransaction, what must be retried goes up.
CREATE FUNCTION act(kind int, k int, m int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  l retrack.licence_id := format('25-AA-0000%s', 10 + k % 40);
  pick text := (SELECT shipment_id FROM trade.shipment TABLESAMPLE bernoulli (5) LIMIT 1);
BEGIN
  CASE
    WHEN kind < 10 THEN
      PERFORM trade.act_on_export(m, k, kind + k + m);
    WHEN kind < 35 THEN
      INSERT INTO trade.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
      SELECT 's' || nextval('trade.ids'), date '2025-01-01' + m % 400, 'e' || (10 + k % 40) % 20, 'DE', l, c, f::retrack.form, 'Dy=2%', (1 + m % 9 || ' kg')::retrack.mass
      FROM (VALUES ('1C905.a', 'magnet'), ('1C905.b', 'oxide')) v (c, f) ORDER BY m % 2 LIMIT 1 + m % 2;
    WHEN kind < 45 THEN
      INSERT INTO trade.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
      SELECT 'b' || nextval('trade.ids'), '2025-06-01', 'e' || i % 20, 'DE', format('25-AA-0000%s', i)::retrack.licence_id, '1C905.a', 'magnet', 'Dy=2%', '1 kg'
      FROM generate_series(10 + k % 37, 13 + k % 37) i, generate_series(1, 3) ORDER BY random();
    WHEN kind < 60 THEN
      UPDATE trade.shipment SET net_mass = (1 + m % 20 || ' kg')::retrack.mass, version = version + 1 WHERE shipment_id = pick;
    WHEN kind < 65 THEN
      UPDATE trade.shipment SET licence = l, exporter = 'e' || (10 + k % 40) % 20 WHERE shipment_id = pick;
    WHEN kind < 68 THEN
      UPDATE trade.shipment SET withdrawn = NOT withdrawn WHERE shipment_id = pick;
    WHEN kind < 80 THEN
      DELETE FROM trade.shipment WHERE shipment_id = pick OR shipment_id IN (SELECT shipment_id FROM trade.shipment TABLESAMPLE bernoulli (2));
    WHEN kind < 88 THEN
      INSERT INTO trade.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass)
      SELECT 'p' || nextval('trade.ids'), 'f' || k % 20, '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=50%', (1 + m % 40 || ' kg')::retrack.mass;
    WHEN kind < 92 THEN
      DELETE FROM trade.production WHERE production_id IN (SELECT production_id FROM trade.production TABLESAMPLE bernoulli (20));
    WHEN kind < 94 THEN
      INSERT INTO trade.licence_status (licence, since, status) VALUES (l, '2025-12-01'::date + m % 30, CASE m % 2 WHEN 0 THEN 'suspended' ELSE 'issued' END)
      ON CONFLICT (licence, since) DO UPDATE SET status = excluded.status;
    WHEN kind < 95 THEN
      DELETE FROM trade.licence_status WHERE licence OPERATOR(retrack.=) l;
    WHEN kind < 97 THEN
      UPDATE trade.licence_item SET granted = (60 + m || ' kg')::retrack.mass WHERE licence OPERATOR(retrack.=) l AND line = 1 + m % 2;
    WHEN kind < 98 THEN
      UPDATE trade.quota SET granted = (40 + m % 35 || ' kg')::retrack.mass WHERE quota_id = 'q' || k % 4;
    WHEN kind < 99 THEN
      UPDATE trade.facility SET party_id = 'e' || m % 20 WHERE facility_id = 'f' || k % 20;
    ELSE
      UPDATE trade.quota SET period = CASE m % 2 WHEN 0 THEN '[2025-01-01,2026-01-01)' ELSE '[2025-03-01,2026-01-01)' END::daterange WHERE quota_id = 'q' || k % 4;
  END CASE;
EXCEPTION
  WHEN serialization_failure OR deadlock_detected OR lock_not_available THEN RAISE;
  WHEN OTHERS THEN
    IF SQLSTATE !~ '^(RT|23)' THEN
      RAISE;
    END IF;
END $$;
SQL

cat >"$WORK/writer.sql" <<'SQL'
\set a random(0, 99)
\set b random(0, 99)
\set k random(0, 99)
\set n random(0, 99)
\set m random(0, 99)
\set undo random(0, 4)
BEGIN;
SELECT trade.act(:a, :k, :m);
SAVEPOINT s;
SELECT trade.act(:b, :n, :m + :k);
\if :undo = 0
ROLLBACK TO s;
\endif
COMMIT;
SQL
sed -i 's/^\\if :undo = 0/\\set undo :undo = 0\n\\if :undo/' "$WORK/writer.sql"
OVER="SELECT (SELECT count(*) FROM trade.licence_item WHERE drawn::numeric > granted::numeric * (1 + tolerance) OR drawn::numeric < 0)
	+ (SELECT count(*) FROM trade.licence WHERE uses > max_uses) + (SELECT count(*) FROM trade.quota WHERE drawn::numeric > granted::numeric)"

# Before 15 pgbench tries nothing twice: a client ends with its first deadlock or serialization failure, and all begin again.
bench() { # SECONDS OPTION...
	local end=$((SECONDS + $1))
	shift
	if pgbench --help | grep -q -e --max-tries; then
		exec pgbench -T "$((end - SECONDS))" --max-tries=3 "$@"
	fi
	while [ "$SECONDS" -lt "$end" ]; do pgbench -T "$((end - SECONDS))" "$@" || sleep 0.1; done
}

writers() { # SECONDS: writers at the three isolation levels
	local level i=0 each=$(((CLIENTS + 2) / 3))
	pids=()
	for level in 'read\ committed' 'repeatable\ read' serializable; do
		PGOPTIONS="-c default_transaction_isolation=$level" bench "$1" -n -f "$WORK/writer.sql" -c "$each" -j 1 \
			--random-seed="$((RANDOM + i))" >"$WORK/pgbench.$i" 2>&1 &
		pids+=($!)
		i=$((i + 1))
	done
}
# Tables get other names and partitions come and go while the writers run.
alter() { # SECONDS
	local end=$((SECONDS + $1))
	while ((SECONDS < end)); do
		case $((RANDOM % 2)) in
		0) psql -qX -c 'ALTER TABLE trade.export RENAME TO exported' -c 'ALTER TABLE trade.exported RENAME TO export' ;;
		1) psql -qX -c 'ALTER TABLE trade.export DETACH PARTITION trade.spring' -c 'SELECT pg_sleep(0.2)' ;;
		esac
		restore
	done >/dev/null 2>&1
}
restore() { # whatever was broken off
	psql -qX -c 'ALTER TABLE IF EXISTS trade.exported RENAME TO export' \
		-c "ALTER TABLE trade.export ATTACH PARTITION trade.spring FOR VALUES FROM ('2025-01-01') TO ('2025-07-01')" >/dev/null 2>&1 || true
}
fail() { echo "not ok - $1"; sed -n '/ERROR\|FATAL\|PANIC/p' "$WORK/server.log" | tail -5; exit 1; }
check() { # WHEN: the books must be right
	local found
	found=$(psql -qXAt -c "$OVER") || fail "no answer $1"
	[ "$found" = 0 ] || fail "$found ledgers are over $1"
	found=$(psql -qXAt -c "SELECT * FROM retrack.verify_ledger('trade')")
	[ -z "$found" ] || fail "verify_ledger $1: $found"
	found=$(psql -qXAt -c "SELECT * FROM retrack.verify_journal('trade')")
	[ -z "$found" ] || fail "verify_journal $1: $found"
	found=$(psql -qXAt -c "SELECT * FROM retrack.check_triggers('trade')")
	[ -z "$found" ] || fail "check_triggers $1: $found"
}

start=$SECONDS round=0 samples=0
while ((SECONDS - start < TOTAL)); do
	round=$((round + 1))
	writers 8
	alter 7 &
	altering=$!
	half=$((SECONDS + 4))
	while ((SECONDS < half)); do
		found=$(psql -qXAt -c "$OVER" 2>/dev/null || echo 0)
		samples=$((samples + 1))
		[ "$found" = 0 ] || fail "$found ledgers were over while writers ran"
	done
	case $((round % 3)) in
	0)
		kind='postmaster killed'
		kill -9 "$(head -1 "$WORK/data/postmaster.pid")"
		;;
	1)
		kind='backend killed'
		victim=$(psql -qXAt -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench' AND state = 'active' LIMIT 1") || true
		[ -z "$victim" ] || kill -9 "$victim"
		;;
	2) kind='left alone' ;;
	esac
	wait "${pids[@]}" "$altering" 2>/dev/null || true
	for _ in $(seq 100); do
		if [ "$kind" = 'postmaster killed' ]; then
			pg_ctl -D "$WORK/data" -l "$WORK/server.log" -w start >/dev/null 2>&1 && break
		else
			psql -qXAt -c 'SELECT 1' >/dev/null 2>&1 && break
		fi
		sleep 0.2
	done
	for _ in 1 2 3; do
		restore
		[ "$(psql -qXAt -c "SELECT count(*) FROM pg_partition_tree(to_regclass('trade.export'))")" = 3 ] && break
	done
	check "after round $round ($kind)"
	echo "# round $round: $kind, $(psql -qXAt -c "SELECT (SELECT count(*) FROM trade.shipment) || ' exports, ' || (SELECT count(*) FROM trade.export) || ' of one''s own, ' || (SELECT count(*) FROM trade.violation WHERE resolved_at IS NULL AND relation = 'trade.export') || ' of them recorded, ' || (SELECT count(*) FROM trade.journal) || ' journal entries'")"
done
[ "$(psql -qXAt -c 'SELECT count(*) FROM trade.journal')" -gt 50 ] || fail "the writers wrote next to nothing: $(tail -3 "$WORK/pgbench.0")"
echo "ok - $round rounds, $samples samples while writers ran: nothing over, ledgers and journal whole (TORTURE_SEED=$SEED)"
