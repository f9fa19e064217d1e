# Protects: peers that are right in an unusual way are read to the end; waits that a server asks for are kept;
# a page asked for ahead is never a wrong one; what a peer repeats of credentials is not shown.
use strict;
use warnings;
use lib 'test/t/lib';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use IPC::Run ();
use Cwd qw(abs_path);
use FaultServer;

my $SECRET = 'tok-7f3c9-never-shown-0123456789abcdef';
my $dir = abs_path(PostgreSQL::Test::Utils::tempdir);
my $other = FaultServer->start("$dir/other");
my $peer = FaultServer->start("$dir/peer", other => $other->url);

my $node = PostgreSQL::Test::Cluster->new('peers');
$node->init;
$node->append_conf('postgresql.conf', "log_min_messages = debug5\nlog_statement = none\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION retrack');

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub server
{
	my ($name, %o) = @_;
	my $url = $o{url} // $peer->url;
	my $paging = $o{paging} // q{pagination 'cursor', next '/next', cursor_param 'cursor'};
	my $auth = $o{auth} // q{auth 'bearer'};
	sql(qq{CREATE SERVER $name FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$url', $paging, records '/data', limit_param 'limit',
		page_size '10', max_retries '@{[$o{retries} // 2]}', max_retry_wait '5s', connect_timeout '2s', timeout '@{[$o{timeout} // '20s']}', stall_timeout '2s', $auth @{[$o{more} // '']});
		CREATE USER MAPPING FOR postgres SERVER $name OPTIONS (@{[$o{mapping} // "token '$SECRET'"]})});
	return;
}

my %made;
sub table
{
	my ($scenario, $server) = @_;
	sql(qq{CREATE FOREIGN TABLE ${server}_$scenario (id int) SERVER $server OPTIONS (path '/$scenario')}) unless $made{"${server}_$scenario"}++;
	return "${server}_$scenario";
}

# "25|325" or the SQLSTATE, the seconds, the message
sub outcome
{
	my ($scenario, $server) = @_;
	my $table = table($scenario, $server // 'cursored');
	my ($out, $err);
	my $start = time;
	$node->psql('postgres', "SELECT count(*), sum(id) FROM $table", stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	my ($state) = $err =~ /ERROR:\s+(\w{5}):/;
	return ($state // $out, time - $start, $err);
}

sub right
{
	my ($scenario, $server, $answer) = @_;
	my ($got, $seconds, $err) = outcome($scenario, $server);
	is($got, $answer // '25|325', ($server // 'cursored') . " $scenario: complete answer") or diag $err;
	return $seconds;
}

sub refused
{
	my ($scenario, $server, $like) = @_;
	my ($got, $seconds, $err) = outcome($scenario, $server);
	like($got, qr/^HV/, ($server // 'cursored') . " $scenario: an error of the FDW class") or diag "$got $err";
	like($err, $like, "$scenario: says what") if $like;
	return $err;
}

# the JSON of EXPLAIN ANALYZE, as a hash of the scan's figures
sub figures
{
	my ($scenario, $server, $query) = @_;
	my $table = table($scenario, $server // 'cursored');
	my $plan = sql('EXPLAIN (ANALYZE, FORMAT json) ' . ($query // "SELECT * FROM $table"));
	return { map { /"([^"]+)": "?([\d.]+)"?,?\s*$/ ? ($1 => $2) : () } split /\n/, $plan };
}

server('cursored');
server('linked', paging => q{pagination 'link'});
server('ahead', paging => q{pagination 'cursor', next '/next', cursor_param 'cursor', prefetch '1'});
server('never_ahead', paging => q{pagination 'cursor', next '/next', cursor_param 'cursor', prefetch '0'});
server('listed', more => ', allow_hosts ' . "'127.0.0.1:" . $other->port . "'");
server('oauth', auth => q{auth 'oauth2', token_url '} . $peer->url . q{/token'}, mapping => "client_id 'me', client_secret '$SECRET'");
server('basic', auth => q{auth 'basic'}, mapping => "\"user\" 'me', password '$SECRET'");

note 'redirects';
right("redirect_$_") for 301, 302, 303, 307, 308;
right('redirect_listed', 'listed');
{
	my @crossed = $other->requests('good');
	is(scalar @crossed, 3, 'the listed host was asked for each page');
	is(scalar(grep { /authorization/i } @crossed), 0, '... without credentials');
}

note 'content types';
right("type_$_") for qw(charset quoted problem vendor none);
refused('type_latin', undef, qr/UTF-8/);

note 'framing';
right($_) for qw(trailers early_hints connection_close white_space);
right('link_in_trailer', 'linked');
right('links_many', 'linked');
refused($_) for qw(partial not_modified);

note 'connections that end while idle';
{
	right('idle_close');
	my $f = figures('idle_close');
	is($f->{'Retries'}, 0, 'a connection that was closed while idle costs no retry');
	is($f->{'Records Read'}, 25, '... and no record');
	my $t = table('idle_close', 'cursored');
	is(sql("SELECT count(*) FROM $t; SELECT pg_sleep(0.2); SELECT count(*) FROM $t"), "25\n\n25", '... nor one between scans');
}

note 'records that are not there';
right('empty_array', undef, '0|');
refused('records_missing', undef, qr/holds no records/);
refused('records_null', undef, qr/holds no records.*no rights/s);
refused('records_object', undef, qr/holds no records/);

note 'pages that nobody has spoken of';
{
	server('unstated', paging => q{prefetch '1'});
	refused('link', 'unstated', qr/one page of several.*Link header.*"pagination"/s);
	right('good', 'unstated', '10|55');
	is(($peer->requests('link'))[-1] =~ m{^GET (\S+)} ? $1 : '', '/link', 'no size is asked for without pages');
	sql(q{CREATE FOREIGN TABLE first_page (id int) SERVER unstated OPTIONS (path '/link', pagination 'none')});
	is(sql('SELECT count(*), sum(id) FROM first_page'), '10|55', 'the first page alone, for who says so');
}

note 'waits that were asked for';
cmp_ok(right('retry_after_seconds'), '>=', 1, 'Retry-After in seconds is kept');
{
	# the date has whole seconds: it names the next but one
	my $seconds = right('retry_after_date');
	cmp_ok($seconds, '<', 4, 'Retry-After as a date is not overdone');
	my @t = map { /^x-time: ([\d.]+)/m ? $1 : () } $peer->requests('retry_after_date');
	cmp_ok(scalar @t, '>=', 2, 'the request came again');
	cmp_ok(int($t[1]), '>=', int($t[0]) + 1, '... not before that date');
}
cmp_ok(right('retry_after_past_date'), '<', 2, 'a date that has passed is not waited for');

note 'figures';
{
	my $f = figures('s503_once', 'ahead');
	is(join(' ', @$f{'HTTP Requests', 'Retries', 'Throttled (429)', 'Not Modified (304)', 'Pages', 'Records Read'}), '4 1 0 0 3 25', 'a retry is counted');
	$f = figures('s429_once', 'ahead');
	is(join(' ', @$f{'HTTP Requests', 'Retries', 'Throttled (429)'}), '4 1 1', 'a 429 is counted');
	$f = figures('gzip', 'ahead');
	cmp_ok($f->{'Bytes Received'}, '<', $f->{'Bytes Decoded'}, 'bytes as sent and decoded');
	my $plain = figures('good', 'ahead');
	is($plain->{'Bytes Received'}, $plain->{'Bytes Decoded'}, '... are the same without gzip');
	is($f->{'Bytes Decoded'}, $plain->{'Bytes Decoded'}, '... and decoded the same with it');
	cmp_ok($plain->{'Buffer Peak'}, '>', 0, 'a peak of buffers');
	ok(exists $plain->{'Parse Time'} && $plain->{'Parse Time'} > 0, 'time spent on reading records');
	cmp_ok(figures('big_late', 'ahead')->{'Network Wait'}, '>', 0, '... and on waiting for them');
}

note 'statistics and progress';
{
	server('counted', paging => q{pagination 'cursor', next '/next', cursor_param 'cursor', prefetch '0'});
	my %t = map { $_ => table($_, 'counted') } qw(good gzip s408_once redirect_301 s403 drip);
	sql("SELECT count(*) FROM $t{$_}") for qw(good gzip s408_once redirect_301);
	$node->psql('postgres', "SELECT * FROM $t{s403}");
	is(sql(q{SELECT scans, failed_scans, requests, retries, redirects, not_modified, throttled, failures, pages, records, rejected, decoded_bytes > wire_bytes, wait_ms > 0
		FROM retrack.fdw_stats WHERE server = 'counted'}), '5|1|17|1|3|0|0|1|12|100|0|t|t', 'what a server was asked for');
	sql(q{SELECT retrack.fdw_stats_reset(oid) FROM pg_foreign_server WHERE srvname = 'counted'});
	is(sql(q{SELECT scans, requests, records FROM retrack.fdw_stats WHERE server = 'counted'}), '0|0|0', '... until it is reset');
	my ($out, $err) = ('', '');
	my $slow = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT sum(id) FROM $t{drip}" ], '>', \$out, '2>', \$err);
	ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM retrack.fdw_progress WHERE server = 'counted' AND "table" = '$t{drip}'::regclass AND pages = 1 AND records BETWEEN 1 AND 3 AND bytes > 10}),
		'a slow scan shows its first records while it runs');
	my $wait = sql('SHOW server_version_num') >= 170000 ? 'RetrackHttp' : 'Extension';
	ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Extension' AND wait_event = '$wait'}),
		'... and what it waits for');
	$slow->finish;
	is($out, "10\n", '... and ends') or diag $err;
	is(sql('SELECT count(*) FROM retrack.fdw_progress'), '0', '... and is shown no more');
}

note 'the next page ahead of this one';
right($_, 'ahead') for qw(next_first next_then_null);
right('next_first', 'never_ahead');
server('by_url', paging => q{pagination 'link', next '/next', prefetch '1'});
right('next_url', 'by_url');
is(join(' ', map { m{^GET (\S+)} } $peer->requests('next_url')), '/next_url?limit=10 /next_url?cursor=11&n=a%20b /next_url?cursor=21&n=a%20b', 'URLs of next pages, each once');
cmp_ok(right('next_first_slow', 'ahead'), '<', 3, 'the next page is asked for before this one has ended');
refused('next_first_broken', 'ahead', qr/500/);
{
	# the first "next" says 21, the last one 11: what was fetched ahead is another page
	right('next_twice', 'ahead');
	my $t = table('next_first', 'ahead');
	my $before = () = $peer->requests('next_first');
	is(sql("SELECT count(*) FROM (SELECT id FROM $t LIMIT 3) x"), 3, 'a LIMIT that the first page fills');
	my @new = $peer->requests('next_first');
	is(scalar(@new) - $before, 1, '... asks for no other page');
}

for my $scenario (qw(good gzip))
{
	# a second of work on each page: the next one is asked for meanwhile, though only the page's end names it
	my %late;
	for my $server (qw(ahead never_ahead))
	{
		my $before = () = $peer->requests($scenario);
		sql("SELECT id, pg_sleep(0.1) FROM @{[table($scenario, $server)]}");
		my @new = $peer->requests($scenario);
		my @t = map { /^x-time: ([\d.]+)/m } @new[ $before .. $#new ];
		$late{$server} = $t[1] - $t[0];
	}
	cmp_ok($late{ahead}, '<', 0.8, "$scenario: the next page is asked for as soon as it is named");
	cmp_ok($late{never_ahead}, '>', 0.95, '... but not with prefetch 0');
}

note 'a client that takes its time over an Append is no timeout';
{
	server('brief', timeout => '1s', retries => 0, more => q{, buffer_size '64kB'}, paging => q{pagination 'cursor', next '/next'});
	my ($fast, $late) = (table('good', 'brief'), table('big_late', 'brief'));
	like(sql("EXPLAIN SELECT id FROM $fast UNION ALL SELECT id FROM $late"), qr/Async Foreign Scan/, 'an asynchronous plan');
	my @rows = split /\n/, sql(qq{BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT id FROM $fast UNION ALL SELECT id FROM $late;
		FETCH 1 FROM c; SELECT pg_sleep(2.5); FETCH ALL FROM c; COMMIT});
	is(scalar @rows, 25 + 1000 + 1, 'all rows after a pause');
}

note 'what a peer repeats';
for my $server (qw(cursored oauth basic))
{
	for my $scenario (qw(echo_3 echo_285 echo_body_3 echo_body_285))
	{
		my $err = refused($scenario, $server);
		my ($shown) = $err =~ /(m{3,}.*)$/m;
		unlike($err, qr/tok-|fresh-s|bWU6/, "$server $scenario: no part of a credential") or diag $shown;
	}
}

note 'addresses';
SKIP:
{
	my $six = eval { FaultServer->start("$dir/six", address => '::1') };
	skip 'no IPv6 here', 1 unless $six;
	server('six', url => $six->url);
	right('good', 'six');
	$six->stop;
}

unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/\Q$SECRET\E|fresh-secret|bWU6dG9r/, 'no secret in the log at debug5');
$node->stop;
$peer->stop;
$other->stop;
done_testing();
