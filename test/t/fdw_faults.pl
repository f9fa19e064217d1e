# Protects: whatever a peer does, a scan ends in the complete right answer or in an ERROR of the
# FDW class, in bounded time; never in fewer rows, and never with a secret in sight.
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

my $SECRET = 'tok-7f3c9-never-shown';
my $dir = abs_path(PostgreSQL::Test::Utils::tempdir);
my $other = FaultServer->start("$dir/other");
my $faults = FaultServer->start("$dir/faults", other => $other->url);

my $node = PostgreSQL::Test::Cluster->new('faults');
$node->init;
$node->append_conf('postgresql.conf', "log_min_messages = debug1\nlog_statement = none\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION retrack');

my $settled = "max_retries '2', max_retry_wait '1500ms', connect_timeout '2s', timeout '20s', stall_timeout '1s', max_record_size '1MB', page_size '10'";

sub server
{
	my ($name, $options, $mapping) = @_;
	$node->safe_psql('postgres', qq{
		CREATE SERVER $name FOREIGN DATA WRAPPER retrack_fdw OPTIONS ($options);
		} . ($mapping ? "CREATE USER MAPPING FOR postgres SERVER $name OPTIONS ($mapping)" : ''));
	return;
}

sub paged { my ($url, %o) = @_;
	my $paging = $o{pagination} // q{pagination 'cursor', next '/next', cursor_param 'cursor', total '/total'};
	return qq{base_url '$url', $paging, records '/data', limit_param 'limit', $settled} }

server('cursored', paged($faults->url) . q{, auth 'bearer'}, "token '$SECRET'");
server('linked', paged($faults->url, pagination => q{pagination 'link'}) . q{, auth 'bearer'}, "token '$SECRET'");
server('paged', paged($faults->url, pagination => q{pagination 'page', page_param 'page'}) . q{, auth 'bearer'}, "token '$SECRET'");
server('by_offset', paged($faults->url, pagination => q{pagination 'offset', offset_param 'offset'}) . q{, auth 'bearer'}, "token '$SECRET'");
server('oauth', paged($faults->url) . q{, auth 'oauth2', token_url '} . $faults->url . q{/token'},
	"client_id 'me', client_secret '$SECRET'");

my %made;

# what a scan of a scenario gives: "25|325", or the SQLSTATE, and the seconds it took
sub outcome
{
	my ($scenario, $server, $columns, $table_options) = @_;
	$server //= 'cursored';
	my $table = "${server}_$scenario";
	$node->safe_psql('postgres',
		qq{CREATE FOREIGN TABLE $table (} . ($columns // 'id int, name text, day date') . qq{) SERVER $server OPTIONS (path '/$scenario'} . ($table_options // '') . ')')
	  unless $made{$table}++;
	my ($out, $err);
	my $start = time;
	$node->psql('postgres', "SET statement_timeout = '25s'; SELECT count(*), sum(id), count(name), count(day) FROM $table",
		stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	my $seconds = time - $start;
	$out =~ s/\|\d+\|\d+$//;
	my ($state, $message) = $err =~ /ERROR:\s+(\w{5}):\s+(.*)/;
	unlike($err, qr/\Q$SECRET\E|fresh-secret/, "$scenario: no secret in the message");
	return ($state // $out, $seconds, $err);
}

sub right
{
	my ($scenario, %o) = @_;
	my ($got, $seconds, $err) = outcome($scenario, @o{qw(server columns options)});
	is($got, '25|325', ($o{server} // 'cursored') . " $scenario: complete answer") or diag $err;
	return;
}

sub refused
{
	my ($scenario, %o) = @_;
	my ($got, $seconds, $err) = outcome($scenario, @o{qw(server columns options)});
	like($got, qr/^HV/, ($o{server} // 'cursored') . " $scenario: an error of the FDW class") or diag "$got $err";
	cmp_ok($seconds, '<', 20, "$scenario: in bounded time");
	if ($o{like}) { like($err, $o{like}, "$scenario: says what") }
	cmp_ok(length $err, '<', 4000, "$scenario: a message of bounded length");
	return;
}

# complete, or an honest error: where either is right
sub right_or_refused
{
	my ($scenario, %o) = @_;
	my ($got, $seconds, $err) = outcome($scenario, @o{qw(server columns options)});
	like($got, qr/^(25\|325|HV...)$/, ($o{server} // 'cursored') . " $scenario: complete or an error") or diag $err;
	cmp_ok($seconds, '<', 20, "$scenario: in bounded time");
	return;
}

note 'the peer as it should be';
right($_) for qw(good chunked no_length gzip redirect_same short_page_with_next empty_page_with_next
  total_lies_low total_lies_high next_number next_missing duplicate_keys);
right('link', server => 'linked');
right('pages', server => 'paged');
right('offsets', server => 'by_offset');
right_or_refused($_) for qw(next_empty total_is_text header_long headers_many);

note 'connections that break';
right('reset_header_once');
refused($_) for qw(reset_header reset_header_page2 reset_record reset_boundary chunked_truncated
  length_short length_long no_length_truncated empty_body garbage_status);
refused('reset_boundary_page3', like => qr/page 3/);
refused('chunked_truncated_after_document');

note 'answers that are none';
refused($_) for qw(wrong_type html_200 html_500 error_object error_null_data redirect_none redirect_loop next_object);
refused('redirect_other');
refused('redirect_file');
{
	my ($got) = outcome('status_204');
	is($got, '0|', '204 on the first page is an empty answer');
}
refused('status_204_page2', like => qr/page 2/);

note 'statuses';
right("s${_}_once") for 408, 429, 502, 503, 504;
refused("s$_") for 401, 403, 404, 408, 413, 429, 500, 502, 503, 504;
refused("s${_}_once") for 403, 404, 413, 500;
right_or_refused('s401_once');
right($_) for qw(retry_after_seconds retry_after_date retry_after_past_date);
refused("retry_after_$_") for qw(huge day negative words far_date);
is(scalar(my @x = $faults->requests('s500')), 1, '500 is not retried');
is(scalar(@x = $faults->requests('s503')), 3, '503 is retried max_retries times');

note 'paging';
refused($_) for qw(repeated_page repeated_content cursor_cycle);
refused('endless', options => q{, max_pages '50'}, like => qr/max_pages|50/);
refused($_, server => 'linked') for qw(link_other_host link_file link_same);
refused($_, server => 'paged') for qw(pages_repeat_last pages_repeat_first);

note 'tokens';
right('token_expires', server => 'oauth');
refused('s401', server => 'oauth');
{
	$node->safe_psql('postgres', q{CREATE SERVER oauth_bad FOREIGN DATA WRAPPER retrack_fdw OPTIONS (} . paged($faults->url)
		  . q{, auth 'oauth2', token_url '} . $faults->url . q{/token_refused');
		CREATE USER MAPPING FOR postgres SERVER oauth_bad OPTIONS (client_id 'me', client_secret '} . $SECRET . q{')});
	refused('good', server => 'oauth_bad');
}

note 'slow peers';
{
	my ($got, $seconds, $err) = outcome('drip');
	is($got, '4|10', 'one byte per 50 ms is slow, not stalled') or diag $err;
}
refused($_) for qw(stall_header stall_body stall_page2);

note 'encodings';
refused($_) for qw(gzip_corrupt gzip_truncated gzip_not gzip_bomb encoding_unknown);

note 'JSON';
refused($_) for qw(record_100mb depth depth_unclosed lone_surrogate nul_escape invalid_utf8 invalid_utf8_skipped
  bom nan nan_skipped trailing_garbage trailing_comma two_documents leading_zero control_in_string record_not_object record_null);
refused('number_too_big', like => qr/page 1.*record 2|record 2.*page 1/s);
refused('number_fraction');
refused('bad_date', like => qr{/day});
refused('lone_surrogate', like => qr/page 1.*record 2|record 2.*page 1/s);

note 'nobody there';
{
	my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1);
	my $port = $probe->sockport;
	close $probe;
	server('closed', paged("http://127.0.0.1:$port") . q{, auth 'bearer'}, "token '$SECRET'");
	refused('good', server => 'closed');
	server('nodns', paged('http://no-such-host.invalid') . q{, auth 'bearer'}, "token '$SECRET'");
	refused('good', server => 'nodns');
}

note 'TLS';
SKIP:
{
	skip 'no openssl program', 1 unless system('openssl version >/dev/null 2>&1') == 0;
	my $pki = "$dir/pki";
	mkdir $pki;
	my $run = sub { my $cmd = shift; system("cd $pki && ($cmd) >>openssl.log 2>&1") == 0 or die "failed: $cmd" };
	$run->(q{openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=test-ca -keyout ca.key -out ca.pem});
	my %tls;
	for my $c ([ fine => 'IP:127.0.0.1', 30 ], [ wrong_host => 'DNS:elsewhere.invalid', 30 ], [ expired => 'IP:127.0.0.1', -1 ])
	{
		my ($name, $san, $days) = @$c;
		$run->("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $name.key -out $name.csr");
		$run->("printf 'subjectAltName=$san\n' > $name.ext");
		# before OpenSSL 3.4 x509 takes no dates: ca does
		$run->("rm -f index.txt*; touch index.txt; openssl rand -hex 8 > serial; printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' > ca.cnf");
		my $when = $days > 0 ? "-days $days" : '-startdate 20200101000000Z -enddate 20200201000000Z';
		$run->("openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in $name.csr -out $name.pem -extfile $name.ext $when");
		my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1);
		my $port = $probe->sockport;
		close $probe;
		my $www = "$pki/www_$name";
		mkdir $www;
		PostgreSQL::Test::Utils::append_to_file("$www/good?limit=10",	# s_server takes the whole target for a name

			"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" . '{"data":[' . join(',', map { qq({"id":$_}) } 1 .. 25) . '],"next":null}');
		my $in = '';
		$tls{$name} = {
			port => $port,
			in => \$in,
			h => IPC::Run::start([ 'sh', '-c', "cd $www && exec openssl s_server -quiet -HTTP -accept 127.0.0.1:$port -cert $pki/$name.pem -key $pki/$name.key" ],
				'<', \$in, '>', "$pki/$name.out", '2>', "$pki/$name.err") };
		for (1 .. 50)
		{
			last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
			Time::HiRes::sleep(0.1);
		}
		server("tls_$name", paged("https://127.0.0.1:$port") . qq{, ca_file '$pki/ca.pem', auth 'bearer'}, "token '$SECRET'");
	}
	right('good', server => 'tls_fine');
	refused('good', server => "tls_$_") for qw(wrong_host expired);
	server('tls_unknown_ca', paged("https://127.0.0.1:$tls{fine}{port}") . q{, auth 'bearer'}, "token '$SECRET'");
	refused('good', server => 'tls_unknown_ca');
	(my $plain = $faults->url) =~ s/^http:/https:/;
	server('tls_plain', paged($plain) . q{, auth 'bearer'}, "token '$SECRET'");
	refused('good', server => 'tls_plain');
	$_->{h}->kill_kill for values %tls;

	# a record of TLS that holds no handshake
	my $babble = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5);
	my $pid = fork() // die;
	if ($pid == 0)
	{
		alarm 120;
		while (my $c = $babble->accept) { sysread $c, my $hello, 4096; syswrite $c, "\x16\x03\x03\x00\x20" . "\xff" x 32; close $c }
		require POSIX;
		POSIX::_exit(0);
	}
	server('tls_babble', paged('https://127.0.0.1:' . $babble->sockport) . q{, auth 'bearer'}, "token '$SECRET'");
	refused('good', server => 'tls_babble');
	kill 'KILL', $pid;
	waitpid $pid, 0;
}

note 'interrupts act at once in every waiting state';
{
	# a name that never resolves: the resolver is replaced in one cluster's processes
	PostgreSQL::Test::Utils::append_to_file("$dir/hang.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (node && strstr(node, "hang.invalid")) { sleep(30); return EAI_AGAIN; }
	if (!real) real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, res);
}
C
	system('cc', '-shared', '-fPIC', '-o', "$dir/hang.so", "$dir/hang.c", '-ldl') == 0 or die 'cc';
	{
		local $ENV{LD_PRELOAD} = "$dir/hang.so";
		$node->restart;
	}
	# accepts connections into its backlog and never speaks: TLS never shakes hands
	my $mute = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5);
	server('mute_tls', q{base_url 'https://127.0.0.1:} . $mute->sockport . q{', timeout '60s', stall_timeout '60s', connect_timeout '60s'}, q{});
	# a full backlog: connect itself waits
	my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1);
	my @fill;
	for (1 .. 8)
	{
		my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Blocking => 0, Proto => 'tcp') or die;
		$s->blocking(0);
		connect $s, Socket::pack_sockaddr_in($full->sockport, Socket::inet_aton('127.0.0.1'));
		push @fill, $s;
	}
	server('full_backlog', q{base_url 'http://127.0.0.1:} . $full->sockport . q{', timeout '60s', stall_timeout '60s', connect_timeout '60s'}, q{});
	server('hang_dns', q{base_url 'http://hang.invalid', timeout '60s', stall_timeout '60s', connect_timeout '60s'}, q{});
	server('brief_dns', paged('http://hang.invalid') =~ s/connect_timeout '2s'/connect_timeout '700ms'/r . q{, auth 'bearer'}, "token '$SECRET'");
	refused('good', server => 'brief_dns', like => qr/could not reach/);
	server('patient', paged($faults->url) =~ s/stall_timeout '1s'/stall_timeout '60s'/r =~ s/(?<!_)timeout '20s'/timeout '60s'/r
		  =~ s/max_retry_wait '1500ms'/max_retry_wait '60s'/r, q{});
	$node->safe_psql('postgres', q{
		CREATE FOREIGN TABLE w_dns (id int) SERVER hang_dns OPTIONS (path '/good', records '/data');
		CREATE FOREIGN TABLE w_connect (id int) SERVER full_backlog OPTIONS (path '/good', records '/data');
		CREATE FOREIGN TABLE w_tls (id int) SERVER mute_tls OPTIONS (path '/good', records '/data');
		CREATE FOREIGN TABLE w_header (id int) SERVER patient OPTIONS (path '/stall_header');
		CREATE FOREIGN TABLE w_body (id int) SERVER patient OPTIONS (path '/stall_body');
		CREATE FOREIGN TABLE w_backoff (id int) SERVER patient OPTIONS (path '/retry_after_day');
		CREATE FOREIGN TABLE w_slow (id int) SERVER patient OPTIONS (path '/drip');
		ALTER SERVER patient OPTIONS (SET max_retry_wait '2d')}) ;
	for my $state (qw(dns connect tls header body backoff slow))
	{
		my ($out, $err);
		my $start = time;
		$node->psql('postgres', "SET statement_timeout = '700ms'; SELECT sum(id) FROM w_$state",
			stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
		my $seconds = time - $start;
		like($err, qr/57014/, "statement_timeout while waiting in: $state") or diag "$out $err";
		cmp_ok($seconds, '<', 3, "$state: at once");
		# the session stays usable, and termination acts too
		my ($pid_out, $pid_err) = ('', '');
		my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT sum(id) FROM w_$state" ],
			'>', \$pid_out, '2>', \$pid_err);
		$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT sum(id) FROM w_$state' AND state = 'active'");
		Time::HiRes::sleep(0.2);
		$start = time;
		$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT sum(id) FROM w_$state'");
		$psql->finish;
		cmp_ok(time - $start, '<', 3, "$state: pg_terminate_backend acts at once");
	}
}

note 'secrets';
{
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
	unlike($log, qr/\Q$SECRET\E/, 'no secret in the server log at debug1') or diag join "\n", grep { /\Q$SECRET\E/ } split /\n/, $log;
	unlike($log, qr/fresh-secret/, 'no fetched token there either');
	is(scalar(my @crossed = $other->requests('good')), 0, 'no redirect or link led to another origin');
	my ($first) = $faults->requests('good');
	like($first, qr/^authorization: bearer \Q$SECRET\E/im, 'the token did go where it belongs');
}

$node->stop;
$faults->stop;
$other->stop;
done_testing();
