# Protects: every ```sql block of README.md runs as it stands, in order, in one session, against the
# reference API, and says what README says it does.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run ();

my $dir = PostgreSQL::Test::Utils::tempdir;
system('make', '-s', '-C', 'test/api') == 0 or die 'the reference server does not build';
my $api = IPC::Run::start([ 'build/api/retrack_api', '--port', 0, '--port-file', "$dir/port", '--token', 'the token' ],
	'<', \undef, '>', "$dir/api.log", '2>&1');
for (1 .. 300) { last if -s "$dir/port"; select undef, undef, undef, 0.1 }
my $port = PostgreSQL::Test::Utils::slurp_file("$dir/port");
chomp $port;

my $readme = PostgreSQL::Test::Utils::slurp_file('README.md');
my @blocks = $readme =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar @blocks, '>=', 6, 'README has examples');
my $first_result = () = substr($readme, 0, index($readme, ' element |  fraction')) =~ /\n/g;
cmp_ok($first_result, '<', 60, 'a first result stands by line 60');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;
my $script = join "\n", @blocks;
ok($script =~ s{https://reports\.example\.org}{http://127.0.0.1:$port}, 'the example server is named');
my ($out, $err);
my $status = $node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 1);
is($status, 0, 'every example runs') or diag $err;
like($out, qr/^Nd\|6\.786\|1\.139\|5\.96$/m, 'the balance README shows');
like($out, qr/^Nd\|0\.295000000\|368\.75 kg\|Nd2O3\|430\.101388 kg$/m, 'the masses README shows');
$node->psql('postgres', q{INSERT INTO trade.shipment (shipment_id, shipped_on, exporter, destination, licence, control_code, form, assay, net_mass)
	VALUES ('S2', '2025-06-03', 'P1', 'DE', '25-AA-001234', '1C905.a', 'magnet', 'Nd=29.5%,Dy=1.1%', '300 kg')},
	stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
my ($said) = $readme =~ /^ERROR:  (.*?) +\(SQLSTATE RTL09\)$/m;
like($err, qr/RTL09: +\Q$said\E/, 'the refusal README shows');

# and as an ordinary user, who was granted what README says and may make roles
$node->safe_psql('postgres', q{CREATE DATABASE ordinary; CREATE ROLE keeper LOGIN CREATEROLE; DROP OWNED BY gannan, inspector, statistics});
$node->safe_psql('postgres', q{DROP ROLE gannan, inspector, statistics});
my ($grants) = $readme =~ /An ordinary user needs `(GRANT .*?)`\./s or die 'README does not say what an ordinary user needs';
$grants =~ s/`[^`]*`/; /g;
$grants =~ s/DATABASE \w+/DATABASE ordinary/;
$node->safe_psql('ordinary', "CREATE EXTENSION retrack; $grants; GRANT CREATE ON SCHEMA public TO keeper");
$status = $node->psql('ordinary', $script, stdout => \$out, stderr => \$err, on_error_stop => 1, extra_params => [ '-U', 'keeper' ]);
is($status, 0, 'every example runs for an ordinary user') or diag $err;
is($node->safe_psql('ordinary', q{SELECT tableowner FROM pg_tables WHERE schemaname = 'trade' GROUP BY 1}), 'keeper', 'who then owns the books');

# each SQLSTATE of the code is in the table, and the table has no others
my %coded = map { $_ => 1 } map { /RT_SQLSTATE\('(.)', '(.)', '(.)'\)/ ? "RT$1$2$3" : () } split /\n/,
  PostgreSQL::Test::Utils::slurp_file('src/sqlstates.h');
my %listed = map { $_ => 1 } $readme =~ /^\| `(RT\w{3})` \|/mg;
is_deeply([ sort keys %listed ], [ sort keys %coded ], 'README lists exactly the SQLSTATEs of the code');

$api->kill_kill;
$node->stop;
done_testing();
