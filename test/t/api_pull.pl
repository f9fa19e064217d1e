# The whole way: the API's document imported, its year pulled into a registry
# over HTTP, then changed and pulled again. What lands is what the generator
# made, what is refused is what it planted.
use strict;
use warnings;
use lib 'test/t/lib';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use ReportingApi;

my $seed = $ENV{API_PULL_SEED} // 1 + int(rand(1000000));
note("seed $seed (API_PULL_SEED to repeat)");
my $api = ReportingApi->new('--seed', $seed, '--admin');
my $cheats = ReportingApi::cheats('--seed', $seed);

my %table = map { /^(\S+) (\S+)$/ } (
	'parties party', 'facilities facility', 'instruments instrument', 'licences licence', 'licence-items licence_item',
	'licence-parties licence_party', 'licence-applications licence_application', 'quotas quota', 'lots lot',
	'lot-edges lot_edge', 'production production', 'transfers transfer', 'shipments shipment', 'inventories inventory',
	'losses loss', 'submissions submission', 'invoices invoice', 'customs-declarations customs_declaration');

my $node = PostgreSQL::Test::Cluster->new('pull');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "fsync = off\nsynchronous_commit = off");
$node->start;
$node->safe_psql('postgres', sprintf(<<'SQL', $api->url));
CREATE EXTENSION retrack;
CALL retrack.create_registry('trade');
CREATE SERVER api FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '%s', auth 'bearer', page_size '500');
CREATE USER MAPPING FOR CURRENT_USER SERVER api OPTIONS (token 'demo-token');
CREATE SCHEMA remote;
IMPORT FOREIGN SCHEMA "v1" FROM SERVER api INTO remote OPTIONS (rejects 'true');
SQL
is($node->safe_psql('postgres', q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'remote'::regnamespace}),
	join(' ', sort('bulk', values %table)), 'a foreign table for each resource, named as the registry names it');

# Every column of the registry's table that the document has is of the same type there.
is($node->safe_psql('postgres', q{
	SELECT string_agg(format('%s.%s: %s, not %s', c.relname, f.attname, format_type(f.atttypid, f.atttypmod), format_type(t.atttypid, t.atttypmod)), E'\n')
	FROM pg_class c JOIN pg_attribute f ON f.attrelid = c.oid AND f.attnum > 0
	JOIN pg_attribute t ON t.attrelid = to_regclass('trade.' || c.relname) AND t.attname = f.attname
	WHERE c.relnamespace = 'remote'::regnamespace AND t.atttypid <> f.atttypid AND f.attname NOT IN ('random_rsd', 'systematic_rsd')}),
	'', 'columns have the types of the registry');
is($node->safe_psql('postgres', q{
	SELECT string_agg(c.relname || '.' || f.attname, ' ') FROM pg_class c JOIN pg_attribute f ON f.attrelid = c.oid AND f.attnum > 0
	WHERE c.relnamespace = 'remote'::regnamespace AND c.relname <> 'bulk' AND f.attname !~ '^_' AND NOT EXISTS (
	  SELECT FROM pg_attribute t WHERE t.attrelid = to_regclass('trade.' || c.relname) AND t.attname = f.attname)}),
	'', 'and their names');

$node->safe_psql('postgres', q{CALL retrack.pull_all('trade', 'remote')});

# What landed and what was refused, against the generator.
my %refused;
$refused{ $_->{resource} }++ for grep { $_->{expected} =~ /^(RT|\d)/ } @$cheats;
for my $resource (sort keys %table)
{
	my $made = @{ ReportingApi::dump_records($resource, '--seed', $seed) };
	is($node->safe_psql('postgres', "SELECT count(*) FROM remote.$table{$resource}"), $made, "$resource: every record is read");
	is($node->safe_psql('postgres', "SELECT count(*) FROM trade.$table{$resource}"), $made - ($refused{$resource} // 0),
		"$resource: every honest record landed");
}
is($node->safe_psql('postgres', q{SELECT row_key || ' ' || sqlstate FROM trade.pull_reject ORDER BY 1}),
	join("\n", sort map { "$_->{id} $_->{expected}" } grep { $_->{expected} =~ /^(RT|\d)/ } @$cheats),
	'refused are the planted records, each for its reason');
is($node->safe_psql('postgres', q{SELECT count(*) FROM retrack.verify_ledger('trade')}), 0, 'ledgers agree with the rows');

# A sum through the wrapper is the sum of the copy.
for my $query (
	'SELECT sum(net_mass) FROM %s.shipment WHERE exporter = \'P-IND-05\'',
	'SELECT count(*), sum(mass) FROM %s.transfer WHERE transferred_on BETWEEN \'2025-03-10\' AND \'2025-04-09\'',
	'SELECT sum(i.mass) FROM %1$s.inventory i JOIN %1$s.facility f USING (facility_id) WHERE f.stage = \'smelting\' AND i.period = \'[2025-03-01,2025-04-01)\'')
{
	my ($remote, $local) = map { $node->safe_psql('postgres', 'SET search_path = retrack, public; ' . sprintf($query, $_)) } 'remote', 'trade';
	is($remote, $local, "through the wrapper as in the copy: $query");
}

# Nothing new: nothing changes, few requests.
my $state = q{SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM trade.%s t};
my %before = map { $_ => $node->safe_psql('postgres', sprintf($state, $_)) } values %table;
$api->admin('requests');
$node->safe_psql('postgres', q{CALL retrack.pull_all('trade', 'remote')});
cmp_ok($api->admin('requests')->{requests}, '<=', 2 * keys %table, 'a second pull asks at most twice a table');
my @changed = grep { $node->safe_psql('postgres', sprintf($state, $_)) ne $before{$_} } sort values %table;
is("@changed", '', 'and changes nothing');

# Corrections, withdrawals and new records come with the next pull; a refused export that gets its licence lands.
my ($honest) = grep { $_->{shipment_id} =~ /^X-/ && !defined $_->{licence} } @{ ReportingApi::dump_records('shipments', '--seed', $seed) };
$api->admin('patch?resource=shipments', { shipment_id => $honest->{shipment_id}, net_mass => '1.5 kg' });
$api->admin('withdraw?resource=invoices', { invoice_id => "V-$honest->{shipment_id}" });
$api->admin('patch?resource=shipments', { shipment_id => 'CHEAT-UNLICENSED-1', licence => '25-ZZ-000005' });
$node->safe_psql('postgres', q{CALL retrack.pull_all('trade', 'remote')});
is($node->safe_psql('postgres', "SELECT version, net_mass FROM trade.shipment WHERE shipment_id = '$honest->{shipment_id}'"),
	($honest->{version} + 1) . '|1.5 kg', 'a correction supersedes');
is($node->safe_psql('postgres', "SELECT withdrawn FROM trade.invoice WHERE invoice_id = 'V-$honest->{shipment_id}'"), 't', 'a withdrawal arrives');
is($node->safe_psql('postgres', q{SELECT version, licence FROM trade.shipment WHERE shipment_id = 'CHEAT-UNLICENSED-1'}),
	'2|25-ZZ-000005-L', 'a refused export lands once it is in order');
is($node->safe_psql('postgres', q{SELECT count(*) FROM retrack.verify_ledger('trade')}), 0, 'ledgers agree with the rows still');

$node->stop;
done_testing();
