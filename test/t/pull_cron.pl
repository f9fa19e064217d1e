# Protects: the schedule of the README: pg_cron calls pull_all, by a connection and by a background worker, and what the
# reporting API has lands, the next time also what has changed since.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use FindBin;
use lib "$FindBin::RealBin/lib";
use ReportingApi;
use Test::More;
use Time::HiRes qw(usleep time);

my $api = ReportingApi->new('--seed', 11, '--no-auth');
my %mode = (connection => 'off', worker => 'on');
my %node;
for my $name (sort keys %mode)
{
	my $node = $node{$name} = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', sprintf(<<'CONF', $node->host, $mode{$name}));
fsync = off
max_worker_processes = 20
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.host = '%s'
cron.use_background_workers = %s
CONF
	$node->start;
	$node->safe_psql('postgres', sprintf(<<'SQL', $api->url));
CREATE EXTENSION pg_cron;
CREATE EXTENSION retrack;
CALL retrack.create_registry('trade');
CREATE SERVER api FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '%s', page_size '500');
CREATE USER MAPPING FOR CURRENT_USER SERVER api;
CREATE SCHEMA api;
IMPORT FOREIGN SCHEMA "v1" LIMIT TO (party, facility, quota, production) FROM SERVER api INTO api OPTIONS (rejects 'true');
SELECT cron.schedule('pull', '* * * * *', $$CALL retrack.pull_all('trade', 'api')$$);
SQL
}

# This version of pg_cron counts in minutes: the first run comes within one, when the clock's minute is full.
sub wait_for
{
	my ($node, $query, $seconds) = @_;
	my $end = time + $seconds;
	while (time < $end)
	{
		return 1 if $node->safe_psql('postgres', $query) eq 't';
		usleep(500_000);
	}
	diag($node->safe_psql('postgres', 'SELECT status, return_message FROM cron.job_run_details'));
	return 0;
}

my $ran = q{SELECT EXISTS (SELECT FROM cron.job_run_details WHERE status IN ('succeeded', 'failed'))};
for my $name (sort keys %node)
{
	my $node = $node{$name};
	ok(wait_for($node, $ran, 120), "$name: the job ran");
	is($node->safe_psql('postgres', 'SELECT DISTINCT status FROM cron.job_run_details WHERE end_time IS NOT NULL'), 'succeeded', "$name: and succeeded");
	for my $resource (qw(party facility quota production))
	{
		my ($there, $here) = map { $node->safe_psql('postgres', "SELECT count(*) FROM $_.$resource") } 'api', 'trade';
		my $refused = $node->safe_psql('postgres', "SELECT count(*) FROM trade.pull_reject WHERE target = 'trade.$resource'");
		cmp_ok($there, '>', 0, "$name: the API has $resource");
		is($here, $there - $refused, "$name: every $resource landed or was refused");
	}
	is($node->safe_psql('postgres', q{SELECT count(*) FROM trade.pull_state WHERE running}), 0, "$name: no pull is under way");
	is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM retrack.verify_ledger('trade')), (SELECT count(*) FROM retrack.verify_journal('trade'))}),
		'0|0', "$name: ledger and journal are in order");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), 0, "$name: no lock is left");
}

# The wrapper's tables: what one schedule pulled, the other did too.
my ($one, $two) = map { $node{$_}->safe_psql('postgres', 'SELECT md5(string_agg(p::text, E\'\n\' ORDER BY production_id)) FROM trade.production AS p') } sort keys %node;
is($one, $two, 'both ways to run a job end with the same books');
$_->stop for values %node;
done_testing();
