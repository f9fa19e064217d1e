# Protects: an API that changes while it is read, or goes away and comes back between two pages, costs no record
# and doubles none, whatever its paging; and what authenticates a pull is in no reject, message or log.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run ();
use ReportingApi;
use Test::More;
use Time::HiRes qw(usleep);

my @seeds = split / /, $ENV{PULL_LIVE_SEEDS} // '11 12';
note("seeds @seeds (PULL_LIVE_SEEDS to change)");
my $TOKEN = 'tok-5d1e-never-shown-0123456789';

my $node = PostgreSQL::Test::Cluster->new('live');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = debug1\nlog_statement = none\nlog_error_verbosity = verbose\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION retrack');

my %paging = (
	cursor => q{pagination 'cursor', next '/next', records '/data'},
	link => q{pagination 'link'},
	offset => q{pagination 'offset', records '/data'},
	page => q{pagination 'page', records '/data'});

sub registry
{
	my ($name, $url, $paging) = @_;
	$node->safe_psql('postgres', qq{
CALL retrack.create_registry('$name');
CREATE SERVER $name FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$url', auth 'bearer', limit_param 'limit', page_size '40', max_retries '8', $paging);
CREATE USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS (token '$TOKEN');
CREATE SCHEMA api_$name;
CREATE FOREIGN TABLE api_$name.invoice (invoice_id text NOT NULL, seller text, buyer text, issued_on date, transfer_id text, shipment_id text,
	mass retrack.mass, value numeric, currency text, version int, updated_at timestamptz OPTIONS (param_from 'updated_since'), withdrawn boolean,
	"#record" json OPTIONS (pointer ''), "#error" text OPTIONS (pointer '#error'), "#sqlstate" text OPTIONS (pointer '#sqlstate'), "#page" bigint OPTIONS (pointer '#page'))
	SERVER $name OPTIONS (path '@{[$paging =~ /link/ ? '/v1l' : '/v1']}/invoices')});
	return;
}

# What the API says now, and what the books say, a line a record.
sub theirs
{
	my ($api) = @_;
	return join "\n", sort map { join '|', $_->{invoice_id}, $_->{version}, $_->{value}, $_->{withdrawn} ? 't' : 'f' } @{ $api->all_records('invoices', limit => 1000) };
}
sub ours { return join "\n", sort split /\n/, $node->safe_psql('postgres', "SELECT invoice_id, version, trim_scale(value), withdrawn FROM $_[0].invoice") }

sub difference
{
	my ($got, $want) = @_;
	my %n;
	$n{$_}++ for split /\n/, $got;
	$n{$_}-- for split /\n/, $want;
	my @off = map { ($n{$_} > 0 ? 'only here ' : 'missing ') . $_ } grep { $n{$_} } sort keys %n;
	return scalar(@off) . ' differ' . (@off ? ": @off[0 .. ($#off < 5 ? $#off : 5)]" : '');
}

note 'records change while they are paged';
my ($changes, $messages) = (0, '');
for my $seed (@seeds)
{
	for my $paging (sort keys %paging)
	{
		srand($seed);
		my $api = ReportingApi->new('--seed', $seed, '--admin', '--latency-ms', 3, '--token', $TOKEN);
		$api->{token} = $TOKEN;
		my $name = "${paging}_$seed";
		registry($name, $api->url, $paging{$paging});
		my @ids = map { $_->{invoice_id} } @{ ReportingApi::dump_records('invoices', '--seed', $seed) };
		my ($out, $err) = ('', '');
		my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "CALL retrack.pull('api_$name.invoice', '$name.invoice', batch_size => 500)" ],
			'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
		my $here = 0;
		while ($run->pumpable)
		{
			my $id = $ids[ rand @ids ];
			my $what = rand();
			# of the years before and after: what is new is not only at the end
			if ($what < 0.7) { $api->admin('patch?resource=invoices', { invoice_id => $id, value => int(rand(1e6)) }); }
			elsif ($what < 0.85) { $api->admin('withdraw?resource=invoices', { invoice_id => $id }); }
			else { $api->admin('put?resource=invoices', { invoice_id => "NEW-$here", seller => 'P', buyer => 'Q', issued_on => '2025-12-01', mass => '1 kg', value => 1, currency => 'CNY' }); }
			$here++;
			usleep(3_000);
			$run->pump_nb;
		}
		$run->finish;
		$messages .= $err;
		$changes += $here;
		unlike($err, qr/ERROR/, "seed $seed, $paging: the pull ends well");
		# what changed behind its back
		my ($status, $stdout, $stderr) = $node->psql('postgres', "CALL retrack.pull('api_$name.invoice', '$name.invoice')");
		$messages .= $stderr;
		is(difference(ours($name), theirs($api)), '0 differ', "seed $seed, $paging: after $here changes the books are the API's, record by record");
		is($node->safe_psql('postgres', "SELECT count(*) FROM $name.pull_reject"), 0, "seed $seed, $paging: nothing was rejected");
		$node->safe_psql('postgres', "DROP SCHEMA $name, api_$name CASCADE; DROP SERVER $name CASCADE");
	}
}
cmp_ok($changes, '>', 20 * @seeds, "$changes changes in all");

note 'the API goes away between two pages and comes back at the same address';
for my $paging (sort keys %paging)
{
	my @options = ('--seed', $seeds[0], '--token', $TOKEN, '--admin');
	my $api = ReportingApi->new(@options);
	my ($port) = $api->url =~ /:(\d+)$/;
	$api->{token} = $TOKEN;
	my $want = theirs($api);
	my $name = "restart_$paging";
	registry($name, $api->url, $paging{$paging});
	# each life of it is good for seven pages of some forty
	$api->stop;
	my $lives = 1;
	$api = ReportingApi->new(@options, '--port', $port, '--crash-after', 7);
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "CALL retrack.pull('api_$name.invoice', '$name.invoice', batch_size => 500)" ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	while ($run->pumpable)
	{
		if (waitpid($api->pid, 1) == $api->pid)
		{
			$lives++;
			delete $api->{pid};
			$api = ReportingApi->new(@options, '--port', $port, '--crash-after', 7);
		}
		usleep(10_000);
		$run->pump_nb;
	}
	$run->finish;
	$messages .= $err;
	$api->stop;
	unlike($err, qr/ERROR/, "$paging: one call of pull is enough");
	cmp_ok($lives, '>', 5, "$paging: over $lives lives of the API");
	is(difference(ours($name), $want), '0 differ', "$paging: and the books are the API's");
	$node->safe_psql('postgres', "DROP SCHEMA $name, api_$name CASCADE; DROP SERVER $name CASCADE");
}

note 'what authenticates';
{
	my $api = ReportingApi->new('--seed', $seeds[0], '--token', 'another');
	registry('refused', $api->url, $paging{cursor});
	my ($status, $stdout, $stderr) = $node->psql('postgres', '\set VERBOSITY verbose
CALL retrack.pull(\'api_refused.invoice\', \'refused.invoice\')');
	like($stderr, qr/ERROR:  HV/, 'an API that does not know the token ends the pull');
	$messages .= $stderr;
	like($messages, qr/NOTICE/, 'there are messages to look through');
	unlike($messages, qr/$TOKEN/, 'no message holds the token');
	unlike(slurp_file($node->logfile), qr/$TOKEN/, 'nor does the log');
	# the raw record and the message of a reject are the API's and the server's words
	$api->stop;
	$api = ReportingApi->new('--seed', $seeds[0], '--token', $TOKEN, '--admin');
	$api->{token} = $TOKEN;
	$api->admin('put?resource=invoices', { invoice_id => 'ODD', seller => 'P', buyer => 'Q', issued_on => 'never', mass => '1 stone', value => 1, currency => 'CNY' });
	$node->safe_psql('postgres', sprintf(q{ALTER SERVER refused OPTIONS (SET base_url '%s'); ALTER FOREIGN TABLE api_refused.invoice OPTIONS (ADD on_error 'skip')}, $api->url));
	$node->psql('postgres', q{CALL retrack.pull('api_refused.invoice', 'refused.invoice')});
	is($node->safe_psql('postgres', q{SELECT record->>'invoice_id', sqlstate, page > 0 FROM refused.pull_reject}), 'ODD|22007|t', 'a record that cannot be read is kept with its reason');
	is($node->safe_psql('postgres', qq{SELECT count(*) FROM refused.pull_reject AS r, refused.pull_state AS s WHERE concat(r, s) ~ '$TOKEN'}), 0, 'and without the token');
}

$node->stop;
done_testing();
