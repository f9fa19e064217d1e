# Protects: a registry that is dumped and restored, upgraded, replicated logically or physically gives the
# same answers, from the same rows, and no trigger has counted anything twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Views judge what is late or expired at one fixed moment, and rows print alike, wherever they are asked.
$ENV{PGOPTIONS} = '-c retrack.as_of=2025-12-31T12:00:00Z -c timezone=UTC -c extra_float_digits=3';

sub start_node
{
	my ($name, @rest) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 'logical', @rest);
	$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\n");
	$node->start;
	return $node;
}

# Every relation of the registry, and of each all rows, as one text each.
sub answers
{
	my ($node, $db) = @_;
	my @relations = split /\n/, $node->safe_psql($db, q{
		SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'trade' AND c.relkind IN ('r', 'v', 'p') ORDER BY 1});
	my $all = $node->safe_psql($db, join '', map { qq{SELECT '=== $_';\nSELECT t::text FROM trade."$_" t ORDER BY 1;\n} } @relations);
	my %answer = $all =~ /^=== (\w+)\n(.*?)(?=^===|\z)/msg;
	$answer{'~verify_ledger'} = $node->safe_psql($db, q{SELECT * FROM retrack.verify_ledger('trade')});
	my %ask = (
		origin_shares => q{retrack.origin_shares('trade', 'Dy')}, lot_graph => q{retrack.lot_graph('trade')},
		destinations => q{trade.lot l, retrack.trace_destination('trade', l.lot_id, 'Dy')},
		controlled_on => q{retrack.controlled_on('trade', '2025-06-01')}, licence_on => q{retrack.licence_on('trade', '2025-06-01')},
		submissions_on => q{retrack.submissions_on('trade', '2025-08-01')}, verify_journal => q{retrack.verify_journal('trade')});
	$answer{"~$_"} = $node->safe_psql($db, "SELECT t::text FROM (SELECT * FROM $ask{$_}) t ORDER BY 1") for keys %ask;
	return \%answer;
}

sub same_answers
{
	my ($got, $expected, $where) = @_;
	my @differ = grep { ($got->{$_} // '<missing>') ne ($expected->{$_} // '<missing>') }
	  sort keys %{ { %$got, %$expected } };
	is("@differ", '', "$where: same rows in every table, same answers from every view");
	diag("$_:\n$expected->{$_}\n--- became\n$got->{$_}") for @differ[0 .. ($#differ < 1 ? $#differ : 1)];
	return;
}

# A year of one small chain: mine, separation, magnets, export; with what the views look for.
sub write_books
{
	my ($node, $db) = @_;
	$node->safe_psql($db, q{
SELECT setseed(0.25);
SET search_path = trade, retrack, public;
INSERT INTO party (party_id, name, kind, country, parent) VALUES
  ('G', 'Group', 'group', 'CN', NULL), ('MINE', 'Mine', 'producer', 'CN', 'G'), ('SEP', 'Separation', 'producer', 'CN', 'G'),
  ('MAG', 'Magnets', 'producer', 'CN', NULL), ('C1', 'Client GmbH', 'client', 'DE', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F1', 'MINE', 'mining'), ('F2', 'SEP', 'separation'), ('F3', 'MAG', 'magnet_making');
INSERT INTO instrument (instrument, facility_id, random_rsd, systematic_rsd)
  SELECT 'scale-' || facility_id, facility_id, 0.002, 0.001 FROM facility;
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('QG', 'G', 'mining', 'rock', '[2025-01-01,2026-01-01)', '1000 t'), ('QM', 'MINE', 'mining', 'rock', '[2025-01-01,2026-01-01)', '800 t');
INSERT INTO licence (licence, kind, holder, valid, status, max_uses, destinations) VALUES
  ('25-AA-000001', 'general', 'MAG', '[2025-04-04,2026-04-04)', 'issued', NULL, '{DE}'),
  ('25-AA-000002', 'individual', 'MAG', '[2025-04-04,2025-09-01)', 'issued', 12, '{DE}');
INSERT INTO licence_item (licence, line, control_code, form, granted, tolerance) VALUES
  ('25-AA-000001', 1, '1C905.a', 'magnet', '10 t', 0.05), ('25-AA-000002', 1, '1C905.a', 'magnet', '1 t', 0);
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000001', 'C1', 'consignee'), ('25-AA-000001', 'C1', 'end_user');
INSERT INTO lot (lot_id, facility_id, form, assay, mass, created_on, origin)
  SELECT 'M' || n, 'F1', 'concentrate', 'Nd=5%±0.01%,Dy=0.2%', '20 t', date '2025-01-01' + n * 6, 'mined' FROM generate_series(1, 50) n;
INSERT INTO lot (lot_id, facility_id, form, assay, mass, created_on)
  SELECT 'X' || n, 'F3', 'magnet', 'Nd=29.5%,Dy=3.15%±0.05%', '200 kg', date '2025-01-10' + n * 6 FROM generate_series(1, 50) n;
INSERT INTO lot_edge (input_lot, output_lot, mass)
  SELECT 'M' || greatest(1, n - k), 'X' || n, ((n * 37 + k * 11) % 500 + 1)::text::retrack.mass FROM generate_series(1, 50) n, generate_series(0, 2) k
  ON CONFLICT DO NOTHING;
INSERT INTO lot (lot_id, facility_id, form, assay, mass, created_on) VALUES ('U', 'F2', 'oxide', 'Nd=70%', '1 t', '2025-06-01');
INSERT INTO lot_edge (input_lot, output_lot, mass) VALUES ('U', 'X7', '100 kg');
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass, lot_id, instrument)
  SELECT 'R' || n, 'F1', date '2025-01-01' + n * 6, 'mining', 'rock', 'concentrate', 'Nd=5%±0.01%,Dy=0.2%', '20 t', 'M' || n, 'scale-F1' FROM generate_series(1, 50) n;
INSERT INTO transfer (transfer_id, reported_by, shipper, receiver, from_facility, to_facility, client_name, transferred_on, form, assay, mass, instrument)
  SELECT 'T' || n, p, 'MINE', 'SEP', 'F1', 'F2', 'Separation Co., Ltd.', date '2025-01-05' + n * 6, 'concentrate', 'Nd=5%,Dy=0.2%',
    (15000 + CASE p WHEN 'SEP' THEN -n * n ELSE 0 END)::text::retrack.mass, CASE p WHEN 'SEP' THEN 'scale-F2' ELSE 'scale-F1' END
  FROM generate_series(1, 50) n, unnest('{MINE,SEP}'::text[]) p WHERE n % 17 <> 0 OR p = 'MINE';
INSERT INTO inventory (inventory_id, facility_id, period, form, assay, mass, instrument)
  SELECT 'I' || m || f, f, daterange((date '2025-01-01' + make_interval(months => m))::date, (date '2025-02-01' + make_interval(months => m))::date),
    'concentrate', 'Nd=5%,Dy=0.2%', (1000 + 7 * m)::text::retrack.mass, 'scale-' || f FROM generate_series(0, 11) m, unnest('{F1,F2}'::text[]) f;
INSERT INTO shipment (shipment_id, shipped_on, exporter, facility_id, consignee, end_user, client_name, destination, licence, control_code, hs_code, form, assay, net_mass, lot_id, value, currency)
  SELECT 'S' || n, date '2025-04-04' + n * 4, 'MAG', 'F3', 'C1', 'C1', (ARRAY['Client GmbH', 'CLIENT G.m.b.H.', 'client'])[n % 3 + 1], 'DE',
    '25-AA-000001', '1C905.a', '8505111000', 'magnet', 'Nd=29.5%,Dy=3.15%±0.05%', (n * 3)::text::retrack.mass, 'X' || n, n * 100, 'USD' FROM generate_series(1, 50) n;
UPDATE shipment SET net_mass = '1 kg', version = 2 WHERE shipment_id = 'S7';
UPDATE shipment SET withdrawn = true, version = 2 WHERE shipment_id = 'S8';
INSERT INTO submission (submission_id, producer, period, submitted_at)
  SELECT p || m, p, daterange((date '2025-01-01' + make_interval(months => m))::date, (date '2025-02-01' + make_interval(months => m))::date),
    timestamptz '2025-02-05 00:00+08' + make_interval(months => m, days => CASE WHEN m = 3 THEN 9 ELSE 0 END)
  FROM generate_series(0, 10) m, unnest('{MINE,SEP,MAG}'::text[]) p WHERE NOT (p = 'SEP' AND m = 5);
INSERT INTO invoice (invoice_id, seller, buyer, issued_on, transfer_id, mass) SELECT 'V' || n, 'MINE', 'SEP', date '2025-01-06' + n * 6, 'T' || n, '15 t' FROM generate_series(1, 49) n;
INSERT INTO customs_declaration (declaration_id, declared_on, declarant, shipment_id, destination, net_mass) SELECT 'D' || n, date '2025-04-05' + n * 4, 'MAG', 'S' || n, 'DE', (n * 3)::text::retrack.mass FROM generate_series(1, 49) n;
INSERT INTO licence_application (application_id, applicant, control_code, applied_on, decided_on, outcome) SELECT 'A' || n, 'MAG', '1C905.a', date '2025-04-05' + n, date '2025-05-05' + n * 2, 'granted' FROM generate_series(1, 20) n;
UPDATE control_list SET suspended = suspended + '{[2026-11-10,2027-11-10]}' WHERE source = 'Announcement 57 of 2025';
	});
	return;
}

my $node = start_node('books');
$node->safe_psql('postgres', 'CREATE DATABASE origin');
$node->safe_psql('origin', q{CREATE EXTENSION retrack; CREATE ROLE keeper LOGIN; GRANT CREATE ON DATABASE origin TO keeper;
	CREATE ROLE mag; SET ROLE keeper; CALL retrack.create_registry('trade')});
write_books($node, 'origin');
$node->safe_psql('origin', q{CALL retrack.grant_registry('trade', 'mag', 'producer', 'MAG')});
my $expected = answers($node, 'origin');
cmp_ok(scalar(keys %$expected), '>', 40, 'there is something to compare');
is($expected->{'~verify_ledger'}, '', 'and the ledgers agree with the rows');
isnt($expected->{$_}, '', "$_ has an answer to lose")
  for qw(facility_balance transfer_difference overdue_submission client_volume export_recovery vat_gap customs_gap suspect_origin licence_usage quota_usage
	~origin_shares ~lot_graph ~destinations ~controlled_on ~licence_on ~submissions_on);

my $dir = PostgreSQL::Test::Utils::tempdir;
sub dumped
{
	my ($from, $db, $to, @options) = @_;
	command_ok([ 'pg_dump', '-h', $from->host, '-p', $from->port, '-d', $db, '-f', $to, @options ], "pg_dump @options");
	return;
}

# 1. Each format of pg_dump into an empty database: same answers, and the same dump again.
dumped($node, 'origin', "$dir/plain.sql");
$node->safe_psql('postgres', 'CREATE DATABASE plain');
command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', 'plain', '-f', "$dir/plain.sql" ], 'restored from text');
same_answers(answers($node, 'plain'), $expected, 'plain');
dumped($node, 'plain', "$dir/again.sql");
# pg_dump writes a random word after \restrict, and the server names constants of a UNION's later branches
# in views that were read in once.
my ($first, $second) = map {
	my $t = slurp_file($_);
	$t =~ s/^\\(un)?restrict .*$//mg;
	$t =~ s/(::[\w.]+) AS "?\w+"?(,?)$/$1$2/mg;
	$t } "$dir/plain.sql", "$dir/again.sql";
ok($first eq $second, 'a dump of the restored registry is the same');

dumped($node, 'origin', "$dir/custom", '-Fd', '-j2');
$node->safe_psql('postgres', 'CREATE DATABASE custom');
command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-j3', '-e', '-d', 'custom', "$dir/custom" ], 'restored in parallel');
same_answers(answers($node, 'custom'), $expected, 'parallel');

# Of several workers one may take a table's triggers before another has its key, or the journal's.
my @items = split /^/, `pg_restore -l '$dir/custom'`;
my ($key) = grep { $items[$_] =~ / CONSTRAINT / } 0 .. $#items;
append_to_file("$dir/items", join '', @items[0 .. $key - 1], (grep { / TRIGGER / } @items), grep { !/ TRIGGER / } @items[$key .. $#items]);
$node->safe_psql('postgres', 'CREATE DATABASE late_keys');
command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-e', '-L', "$dir/items", '-d', 'late_keys', "$dir/custom" ], 'restored with triggers before keys');
same_answers(answers($node, 'late_keys'), $expected, 'triggers before keys');

# Schema and data apart: the data arrive while the triggers are there, as DBAs do it with --disable-triggers.
dumped($node, 'origin', "$dir/schema.sql", '-s');
dumped($node, 'origin', "$dir/data.sql", '-a', '--disable-triggers');
$node->safe_psql('postgres', 'CREATE DATABASE apart');
command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', 'apart', '-f', "$dir/schema.sql", '-f', "$dir/data.sql" ], 'restored schema, then data');
same_answers(answers($node, 'apart'), $expected, 'schema and data apart');

# Section by section, as DBAs do who want the indexes and triggers after the data.
dumped($node, 'origin', "$dir/sections", '-Fc');
$node->safe_psql('postgres', 'CREATE DATABASE sections');
for my $section (qw(pre-data data post-data))
{
	command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-e', '-d', 'sections', "--section=$section", "$dir/sections" ], "restored $section");
}
same_answers(answers($node, 'sections'), $expected, 'sections');

# Into a registry that was made there: what it began with makes way, and no trigger draws what the ledgers hold.
$node->safe_psql('postgres', 'CREATE DATABASE made');
$node->safe_psql('made', q{CREATE EXTENSION retrack; GRANT CREATE ON DATABASE made TO keeper; SET ROLE keeper; CALL retrack.create_registry('trade'); RESET ROLE;
	SET session_replication_role = replica; DELETE FROM trade.control_list; DELETE FROM trade.hs_code; DELETE FROM trade.reporting_deadline; DELETE FROM trade.setting});
command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-e', '-d', 'made', '-a', '--disable-triggers', '-n', 'trade', "$dir/sections" ], 'restored data into a registry');
$node->safe_psql('made', q{CALL retrack.grant_registry('trade', 'mag', 'producer', 'MAG')});    # rights are not data
same_answers(answers($node, 'made'), $expected, 'data alone');

# The restored rules go on from the restored ledgers.
for my $db (qw(plain custom late_keys apart sections made))
{
	my ($rc, $out, $err) = $node->psql($db, q{
INSERT INTO trade.shipment (shipment_id, shipped_on, exporter, consignee, end_user, destination, licence, control_code, form, assay, net_mass)
VALUES ('too much', '2025-06-01', 'MAG', 'C1', 'C1', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=3%', '9 t')});
	# 3 kg to 150 kg in steps of 3 are 3825 kg; S7 fell from 21 to 1, S8's 24 were withdrawn
	like($err, qr/RTL09.*6\.219 t left/, "$db: what was drawn before the dump is drawn after it");
	is($node->safe_psql($db, q{SET ROLE mag; SELECT count(*) = (SELECT count(*) FROM trade.shipment WHERE exporter = 'MAG'), count(*) > 0, (SELECT count(*) FROM trade.production) FROM trade.shipment}),
		't|t|0', "$db: row security came along");
}

# 2. A renamed registry: definitions name objects, not texts.
$node->safe_psql('custom', 'ALTER SCHEMA trade RENAME TO "Other trade"');
is($node->safe_psql('custom', 'SELECT count(*) FROM "Other trade".suspect_origin') , scalar(split /\n/, $expected->{suspect_origin}), 'views follow a renamed schema');
is($node->safe_psql('custom', 'SELECT count(*) FROM "Other trade".facility_balance') , scalar(split /\n/, $expected->{facility_balance}), 'balances too');

# 3. Physical standby: reads the same, and is a whole registry when promoted.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
same_answers(answers($standby, 'origin'), $expected, 'standby');
is($standby->safe_psql('origin', q{SELECT md5(retrack.trace_dot('trade', 'X7')), (SELECT count(*) FROM retrack.licence_violations('trade', 'SELECT * FROM trade.shipment')), (SELECT count(*) FROM retrack.check_triggers('trade')), (SELECT count(*) FROM retrack.rows_as_of(NULL::trade.shipment, '2099-01-01'))}),
	$node->safe_psql('origin', q{SELECT md5(retrack.trace_dot('trade', 'X7')), (SELECT count(*) FROM retrack.licence_violations('trade', 'SELECT * FROM trade.shipment')), (SELECT count(*) FROM retrack.check_triggers('trade')), (SELECT count(*) FROM retrack.rows_as_of(NULL::trade.shipment, '2099-01-01'))}),
	'standby: traces, dry runs and the past');
for my $write (q{CALL retrack.pull('trade.party', 'trade.party')}, q{CALL retrack.pull_all('trade', 'trade')}, q{SELECT * FROM retrack.rebook_ledger('trade')},
	q{CALL retrack.create_registry('another')}, q{CALL retrack.grant_registry('trade', 'mag', 'analyst')}, q{UPDATE trade.shipment SET net_mass = '1 kg'})
{
	my ($status, $stdout, $stderr) = $standby->psql('origin', "\\set VERBOSITY verbose\n$write");
	like($stderr, qr/ERROR:  25006: cannot execute \w+/, "standby: $write is refused as such");
	is($standby->safe_psql('origin', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'and leaves no lock');
}
$standby->promote;
$standby->safe_psql('origin', q{INSERT INTO trade.loss (loss_id, facility_id, lost_on, form, mass) VALUES ('L', 'F1', '2025-06-01', 'ore', '1 kg')});
is($standby->safe_psql('origin', 'SELECT count(*) FROM trade.loss'), '1', 'the promoted standby takes reports');
$standby->stop;

# 4. Logical replication into a registry made there: changes arrive once, ledgers as rows, triggers stay still.
my $subscriber = start_node('subscriber');
$subscriber->safe_psql('postgres', 'CREATE DATABASE origin');
$subscriber->safe_psql('origin', q{CREATE EXTENSION retrack; CALL retrack.create_registry('trade');
	SET session_replication_role = replica;
	DO $$ DECLARE t text; BEGIN FOR t IN SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'trade'::regnamespace AND relkind = 'r' LOOP EXECUTE 'TRUNCATE ' || t || ' CASCADE'; END LOOP; END $$});
$node->safe_psql('origin', 'CREATE PUBLICATION books FOR ALL TABLES');
my $source = $node->connstr . ' dbname=origin';
$subscriber->safe_psql('origin', "CREATE SUBSCRIPTION books CONNECTION '$source' PUBLICATION books");
$subscriber->wait_for_subscription_sync($node, 'books', 'origin');
same_answers(answers($subscriber, 'origin'), $expected, 'initial copy');
$node->safe_psql('origin', q{
SET search_path = trade, retrack, public;
INSERT INTO shipment (shipment_id, shipped_on, exporter, facility_id, consignee, end_user, client_name, destination, licence, control_code, form, assay, net_mass)
  VALUES ('S100', '2025-06-01', 'MAG', 'F3', 'C1', 'C1', 'Client', 'DE', '25-AA-000001', '1C905.a', 'magnet', 'Dy=3%', '7 kg');
UPDATE shipment SET net_mass = '2 kg', version = 3 WHERE shipment_id = 'S7';
UPDATE control_list SET guard = 2 WHERE code = '1C905.a';
UPDATE setting SET value = 2 WHERE name = 'transfer_difference.sigma';
UPDATE reporting_deadline SET day_of_month = 12;
DELETE FROM lot_edge WHERE output_lot = 'X3';
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('R100', 'F1', '2025-11-01', 'mining', 'rock', 'ore', 'Nd=5%', '1 t')});
$node->safe_psql('origin', q{CALL retrack.revoke_registry('trade', 'mag')});
$node->wait_for_catchup('books');
my $changed = answers($node, 'origin');
isnt($changed->{shipment}, $expected->{shipment}, 'something changed');
same_answers(answers($subscriber, 'origin'), $changed, 'followed');
$subscriber->stop;

# 5. pg_upgrade --link: the files move, the books stay.
$node->safe_psql('origin', 'DROP PUBLICATION books');
# a slot that its subscriber left behind: from 17 on pg_upgrade refuses to lose it
$node->poll_query_until('origin', q{SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical' AND active)});
$node->safe_psql('origin', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'logical'});
$node->safe_psql('postgres', "DROP DATABASE $_") for qw(plain custom late_keys apart sections made);
$node->stop;
my $new = PostgreSQL::Test::Cluster->new('upgraded');
$new->init(allows_streaming => 'logical');
chomp(my $bindir = `pg_config --bindir`);
chdir $dir or die;
my @upgrade = ('pg_upgrade', '--no-sync', '--link', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
	'-s', $new->host, '-p', $node->port, '-P', $new->port);
@upgrade = grep { $_ ne '--no-sync' } @upgrade if `pg_upgrade --help` !~ /no-sync/;
command_ok(\@upgrade, 'pg_upgrade --link');
$new->start;
same_answers(answers($new, 'origin'), $changed, 'upgraded');
$new->stop;

done_testing();
