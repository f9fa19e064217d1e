# Protects: an API that dies in the middle of a pull costs nothing but the wait: the pull fails, nothing
# is lost, and the next one brings the books to where they would have been.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run ();
use ReportingApi;
use Test::More;
use Time::HiRes qw(usleep time);

my $points = $ENV{PULL_API_POINTS} || 5;
my $seed = $ENV{PULL_API_SEED} || 20250610;
srand($seed);
diag("seed $seed");
my @options = ('--seed', 5, '--no-auth', '--latency-ms', 20);

my $api = ReportingApi->new(@options);
my $node = PostgreSQL::Test::Cluster->new('books');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->start;
$node->safe_psql('postgres', sprintf(<<'SQL', $api->url));
CREATE EXTENSION retrack;
CALL retrack.create_registry('trade');
CREATE SERVER api FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '%s', page_size '20', max_retries '0');
CREATE USER MAPPING FOR CURRENT_USER SERVER api;
CREATE SCHEMA remote;
IMPORT FOREIGN SCHEMA "v1" FROM SERVER api INTO remote OPTIONS (rejects 'true');
CALL retrack.pull('remote.party', 'trade.party');
CALL retrack.pull('remote.facility', 'trade.facility');
CALL retrack.pull('remote.quota', 'trade.quota');
SQL

my $pull = q{CALL retrack.pull('remote.production', 'trade.production', batch_size => 200)};
my $books = q{SELECT count(*), md5(string_agg(p::text, ',' ORDER BY production_id)) FROM trade.production AS p
	UNION ALL SELECT count(*), md5(string_agg(concat_ws(',', row_key, sqlstate, message, record), ';' ORDER BY row_key)) FROM trade.pull_reject};
my $empty = q{SET session_replication_role = replica; TRUNCATE trade.production; DELETE FROM trade.pull_reject;
	DELETE FROM trade.pull_state WHERE target = 'trade.production'; UPDATE trade.quota SET drawn = DEFAULT};

my $start = time;
$node->safe_psql('postgres', $pull);
my $duration = time - $start;
my $expected = $node->safe_psql('postgres', $books);
like($expected, qr/^1\d\d\d\|/, 'production is pulled');

my $failed = 0;
for my $point (1 .. $points)
{
	my $delay = $duration * rand();
	$node->safe_psql('postgres', $empty);
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $pull ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	usleep($delay * 1e6);
	kill 'KILL', $api->pid;
	eval { $run->finish; };
	$failed++ if $err =~ /ERROR/;
	$api = ReportingApi->new(@options);
	$node->safe_psql('postgres', sprintf(q{ALTER SERVER api OPTIONS (SET base_url '%s')}, $api->url));
	my ($status, $stdout, $stderr) = $node->psql('postgres', "$pull; $books");
	is($stdout, $expected, sprintf('the API killed after %.0f ms of %.0f', $delay * 1000, $duration * 1000));
}
cmp_ok($failed, '>', 0, "$failed of $points pulls failed, the others were done before");
$node->stop;
done_testing();
