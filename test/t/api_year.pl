# The generated year against the registry's rules and views: every planted case
# is refused with its SQLSTATE or found by its view, and nothing honest is. The
# seeds are in API_YEAR_SEEDS (default: ten).
use strict;
use warnings;
use lib 'test/t/lib';
use File::Temp qw(tempdir);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use ReportingApi;

my @seeds = split /[ ,]+/, $ENV{API_YEAR_SEEDS} // '1 2 3 4 5 6 7 8 9 10';
my $program = ReportingApi::program();
my $directory = tempdir(CLEANUP => 1);

# resource => table, in the order of their references
my @resources = (
	[ 'parties', 'party' ], [ 'facilities', 'facility' ], [ 'instruments', 'instrument' ],
	[ 'licences', 'licence' ], [ 'licence-items', 'licence_item' ], [ 'licence-parties', 'licence_party' ],
	[ 'licence-applications', 'licence_application' ], [ 'quotas', 'quota' ], [ 'lots', 'lot' ],
	[ 'lot-edges', 'lot_edge' ], [ 'production', 'production' ], [ 'transfers', 'transfer' ],
	[ 'shipments', 'shipment' ], [ 'inventories', 'inventory' ], [ 'losses', 'loss' ],
	[ 'submissions', 'submission' ], [ 'invoices', 'invoice' ], [ 'customs-declarations', 'customs_declaration' ]);

my $node = PostgreSQL::Test::Cluster->new('year');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "fsync = off\nsynchronous_commit = off");
$node->start;

# SQL that takes one resource in, in the API's order: those with rules row by row, noting each refusal.
sub load_resource
{
	my ($resource, $table) = @_;
	my $file = "$directory/$resource";
	my $way = $resource =~ /^(production|shipments)$/ ? <<"ROWS" : 'EXECUTE command;';
FOR line IN SELECT n, j FROM raw ORDER BY n
  LOOP
    BEGIN
      EXECUTE command || ' WHERE n = ' || line.n;
    EXCEPTION WHEN OTHERS THEN
      INSERT INTO refusal VALUES ('$resource', coalesce(line.j ->> 'shipment_id', line.j ->> 'production_id'), SQLSTATE);
    END;
  END LOOP;
ROWS
	return <<"SQL";
CREATE TEMP TABLE text_raw (n serial PRIMARY KEY, j text);
\\copy text_raw (j) FROM '$file' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
CREATE TEMP TABLE raw AS
  SELECT n, CASE WHEN j::jsonb ? 'client' THEN j::jsonb || jsonb_build_object('client_name', j::jsonb #>> '{client,name}')
                 ELSE j::jsonb END AS j FROM text_raw;
ALTER TABLE raw ADD PRIMARY KEY (n);
DO \$do\$
DECLARE
  line record;
  command text;
BEGIN
  SELECT format('INSERT INTO trade.$table (%s) SELECT %s FROM raw, jsonb_populate_record(NULL::trade.$table, j) AS r',
                string_agg(quote_ident(attname), ', '), string_agg('r.' || quote_ident(attname), ', '))
  INTO command
  FROM pg_attribute
  WHERE attrelid = 'trade.$table'::regclass AND attnum > 0 AND NOT attisdropped
    AND attname IN (SELECT jsonb_object_keys(j) FROM raw);
  $way
END \$do\$;
DROP TABLE raw, text_raw;
SQL
}

my $differences = <<'SQL';
SET retrack.as_of = '2026-02-01';
CREATE TEMP VIEW found (view, id, period) AS
  SELECT 'facility_balance', facility_id, to_char(lower(period), 'YYYY-MM') FROM trade.facility_balance WHERE verdict = 'missing'
  UNION SELECT 'unexplained_gain', facility_id, to_char(lower(period), 'YYYY-MM') FROM trade.unexplained_gain
  UNION SELECT 'overdue_submission', producer, to_char(lower(period), 'YYYY-MM') FROM trade.overdue_submission
  UNION SELECT 'transfer_difference', transfer_id, to_char(transferred_on, 'YYYY-MM') FROM trade.transfer_difference
  UNION SELECT 'licence_splitting', unnest(shipment_ids), to_char(first_on, 'YYYY-MM') FROM trade.licence_splitting
  UNION SELECT 'vat_gap', delivery_id, to_char(delivered_on, 'YYYY-MM') FROM trade.vat_gap
  UNION SELECT 'customs_gap', coalesce(shipment_id, declaration_ids[1]), to_char(coalesce(shipped_on, declared_on), 'YYYY-MM') FROM trade.customs_gap
  UNION SELECT 'unlicensed_export', shipment_id, to_char(shipped_on, 'YYYY-MM') FROM trade.unlicensed_export
  UNION SELECT 'suspect_origin', lot_id, to_char(created_on, 'YYYY-MM') FROM trade.suspect_origin
  UNION SELECT 'client_volume', client, '-' FROM (SELECT client, unnest(spellings) AS spelling FROM trade.client_volume) s
        GROUP BY client HAVING count(DISTINCT spelling) > 1;
CREATE TEMP VIEW expected (view, id, period) AS
  SELECT expected, CASE WHEN expected = 'overdue_submission' THEN party
                        WHEN expected = 'client_volume' THEN (SELECT retrack.normal_name(name) FROM trade.party WHERE party_id = id)
                        ELSE id END, period
  FROM cheat
  WHERE expected !~ '^(RT|[0-9])' 
    AND (kind <> 'suspect_lot' OR substr(note, 7)::numeric >= (SELECT value FROM trade.setting WHERE name = 'suspect_origin.share'));
SELECT 'found, not planted: ' || f FROM (TABLE found EXCEPT TABLE expected) f
UNION ALL SELECT 'planted, not found: ' || e FROM (TABLE expected EXCEPT TABLE found) e;
SQL

my $refusals = <<'SQL';
SELECT 'refused: ' || r || ', expected ' || coalesce(c.expected, 'none')
FROM refusal r LEFT JOIN cheat c USING (resource, id) WHERE r.state IS DISTINCT FROM c.expected
UNION ALL
SELECT 'not refused: ' || c FROM cheat c WHERE c.expected ~ '^(RT|[0-9])' AND NOT EXISTS (SELECT FROM refusal r WHERE (r.resource, r.id) = (c.resource, c.id));
SQL

# A database with a registry that took in the year of a seed.
sub make_database
{
	my ($database, $seed, @options) = @_;
	system($program, '--seed', $seed, @options, '--dump-to', $directory) == 0 or die "--dump-to failed\n";
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	my $script = <<"SQL" . join('', map { load_resource(@$_) } @resources);
\\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION retrack;
CALL retrack.create_registry('trade');
CREATE TABLE refusal (resource text, id text, state text);
CREATE TABLE cheat (kind text, resource text, id text, party text, expected text, also text, period text, note text);
\\copy cheat FROM '$directory/cheats' WITH (FORMAT csv, DELIMITER E'\\t', HEADER, QUOTE E'\\b')
SQL
	$node->safe_psql($database, "$script\nANALYZE;");
	return;
}

for my $seed (@seeds)
{
	my $database = "seed_$seed";
	make_database($database, $seed);
	is($node->safe_psql($database, $refusals), '', "seed $seed: exactly the planted rows are refused, each for its reason");
	is($node->safe_psql($database, $differences), '', "seed $seed: the views find exactly the planted cases");
	is($node->safe_psql($database, q{SELECT count(*) FROM retrack.verify_ledger('trade')}), '0', "seed $seed: ledgers agree with the rows");
	cmp_ok($node->safe_psql($database, 'SELECT count(*) FROM trade.facility_balance'), '>', 3000, "seed $seed: balances of a whole year");
	is($node->safe_psql($database, q{
		SELECT string_agg(format('%s %s %s', holder, stage, granted), ', ' ORDER BY holder, stage, ore_class) FROM trade.quota WHERE holder LIKE 'G-%'}),
		'G-CNRE mining 80943 t, G-CNRE separation 73403 t, G-CREG mining 7434 t, G-CREG mining 28114 t, G-CREG separation 33304 t, '
		  . 'G-GDRE mining 1543 t, G-GDRE separation 6037 t, G-XTC mining 1966 t, G-XTC separation 2256 t',
		"seed $seed: the groups' quotas are the published ones");
	$node->safe_psql('postgres', "DROP DATABASE $database");
}
# With normal errors the balances of honest facilities are what the instruments' deviations
# promise: z has standard deviation 1, and |z| > 3 comes at the rate of the normal distribution.
# Each reading and each bias enters several balances, so the bounds are wide.
my ($tests, $alarms, $squares) = (0, 0, 0);
for my $seed (@seeds[ 0 .. ($#seeds > 2 ? 2 : $#seeds) ])
{
	make_database('normal_noise', $seed, '--noise', 'normal');
	my ($n, $off, $sum) = split /\|/, $node->safe_psql('normal_noise', q{
		SELECT count(*), count(*) FILTER (WHERE verdict <> 'balanced'), sum(z * z) FROM trade.facility_balance
		WHERE verdict IN ('balanced', 'missing', 'gain') AND z IS NOT NULL AND facility_id <> 'F-ILL-01'
		  AND (facility_id, lower(period)) NOT IN (('F-CNRE-07', '2025-06-01'), ('F-XTC-04', '2025-11-01'), ('F-GDRE-03', '2025-08-01'))});
	($tests, $alarms, $squares) = ($tests + $n, $alarms + $off, $squares + $sum);
	$node->safe_psql('postgres', 'DROP DATABASE normal_noise');
}
my $deviation = sqrt($squares / $tests);
note(sprintf('%d balances of honest facilities, standard deviation of z %.3f, |z| > 3 in %.2f %% (normal: 0.27 %%)',
	$tests, $deviation, 100 * $alarms / $tests));
ok($deviation > 0.9 && $deviation < 1.1, "normal errors: z has standard deviation 1 ($deviation)");
cmp_ok($alarms / $tests, '<', 0.0060, 'normal errors: false alarms at the stated rate');

$node->stop;
done_testing();
