# Protects: options that reach beyond the API itself (proxy, certificates, allow_hosts, rate_limit) do what
# they say and are superusers' alone; link-local addresses are refused however they are written; each role
# acts with its own credentials and connections; no secret shows under on_error skip.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use Cwd qw(abs_path);
use IO::Select;
use IO::Socket::INET;
use POSIX ();

my $SECRET = 'tok-of-alice-5c1e';
my $OTHER = 'tok-of-bob-77aa';
my $dir = abs_path(PostgreSQL::Test::Utils::tempdir);
my @servers;

# A process that gives each connection to a child: handler->(socket, number of the connection). Returns the port.
sub serve
{
	my $handler = shift;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) or die "cannot listen: $!";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		setpgrp 0, 0;
		$SIG{$_} = 'DEFAULT' for qw(TERM ALRM);
		$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
		alarm 300;
		for (my $number = 1;; $number++)
		{
			my $c = $listen->accept or next;
			next if fork;
			alarm 300;
			eval { $handler->($c, $number) };
			POSIX::_exit(0);
		}
	}
	push @servers, $pid;
	return $listen->sockport;
}

END
{
	local $?;
	kill 'KILL', -$_, $_ for @servers;
}

# the next request's head, undef at the connection's end
sub head
{
	my $c = shift;
	my $head = '';
	while ($head !~ /\r\n\r\n/) { sysread $c, $head, 65536, length $head or return }
	return $head;
}

sub answer
{
	my ($c, $body) = @_;
	syswrite $c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
	return;
}

sub note_line { my ($file, $line) = @_; open my $fh, '>>', "$dir/$file" or die $!; syswrite $fh, "$line\n"; close $fh; return }

# one record that tells who asked for it, over which connection, for what
sub echo
{
	my ($c, $number, $via) = @_;
	while (defined(my $head = head($c)))
	{
		my ($target) = $head =~ /^GET (\S+)/;
		my ($auth) = $head =~ /^authorization: (.*?)\r/im;
		note_line('times', time);
		answer($c, sprintf '[{"auth":"%s","connection":%d,"target":"%s","via":"%s"}]', $auth // '', $number, $target, $via);
	}
	return;
}
my $api = serve(sub { echo(@_, 'api') });

# A proxy: a plain request is answered in the API's stead, a tunnel is dug.
my $proxy = serve(
	sub {
		my ($c, $number) = @_;
		my $head = head($c) // return;
		note_line('proxied', $head =~ s/\r\n.*//sr);
		note_line('proxy_saw', $head);
		my ($host, $port) = $head =~ /^CONNECT ([^ :]+):(\d+)/;
		if (!$port)
		{
			my ($target) = $head =~ /^GET (\S+)/;
			return answer($c, qq([{"auth":"","connection":$number,"target":"$target","via":"proxy"}]));
		}
		my $to = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or return;
		syswrite $c, "HTTP/1.1 200 OK\r\n\r\n";
		my $both = IO::Select->new($c, $to);
		while (my @ready = $both->can_read)
		{
			for my $from (@ready)
			{
				sysread $from, my $data, 65536 or return;
				syswrite $from == $c ? $to : $c, $data;
			}
		}
	});

# metadata.test is a name of the metadata address. Were one let through, it would reach the API here, not the network.
PostgreSQL::Test::Utils::append_to_file("$dir/names.c", <<'C');
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (!real) real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node && strcmp(node, "metadata.test") == 0 ? "169.254.169.254" : node, service, hints, res);
}
int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);
	struct sockaddr_in in;
	if (!real) real = (int (*)(int, const struct sockaddr *, socklen_t)) dlsym(RTLD_NEXT, "connect");
	if (to->sa_family == AF_INET && len >= sizeof(in))
	{
		memcpy(&in, to, sizeof(in));
		if (in.sin_addr.s_addr == inet_addr("169.254.169.254"))
		{
			in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			return real(fd, (struct sockaddr *) &in, sizeof(in));
		}
	}
	return real(fd, to, len);
}
C
system('cc', '-shared', '-fPIC', '-o', "$dir/names.so", "$dir/names.c", '-ldl') == 0 or die 'cc';

my $node = PostgreSQL::Test::Cluster->new('options');
$node->init;
$node->append_conf('postgresql.conf', "log_min_messages = debug5\nlog_statement = none\n");
{
	local $ENV{LD_PRELOAD} = "$dir/names.so";
	$node->start;
}
sub sql { return $node->safe_psql('postgres', $_[0]) }

# runs it, wants its last error to be of this SQLSTATE and like this
sub refused
{
	my ($query, $state, $like, $name) = @_;
	my ($out, $err) = ('', '');
	my $start = time;
	$node->psql('postgres', "\\set VERBOSITY verbose\n$query", stdout => \$out, stderr => \$err);
	like($err, qr/ERROR:\s+$state: .*$like/s, $name) or diag $out;
	return time - $start;
}

my $columns = 'auth text, connection int, target text, via text';
my $mapped = "auth 'bearer'";
sql(qq{
	CREATE EXTENSION retrack;
	CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE carol;
	GRANT CREATE ON SCHEMA public TO alice;
	CREATE SERVER api FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:$api', $mapped);
	CREATE FOREIGN TABLE who ($columns) SERVER api OPTIONS (path '/who');
	CREATE USER MAPPING FOR alice SERVER api OPTIONS (token '$SECRET');
	CREATE USER MAPPING FOR bob SERVER api OPTIONS (token '$OTHER');
	CREATE SERVER open FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:$api');
	CREATE FOREIGN TABLE anyone ($columns) SERVER open OPTIONS (path '/anyone');
	GRANT SELECT ON who, anyone TO alice, bob, carol;
	GRANT USAGE ON FOREIGN DATA WRAPPER retrack_fdw TO carol});

note 'whose credentials, whose connections';
is(sql('SET ROLE alice; SELECT auth FROM who; SET ROLE bob; SELECT auth FROM who; SET ROLE alice; SELECT auth FROM who'),
	"Bearer $SECRET\nBearer $OTHER\nBearer $SECRET", 'each role acts with its own token, in one session too');
for my $table (qw(who anyone))
{
	my @c = split /\n/, sql("SET ROLE alice; SELECT connection FROM $table; SET ROLE bob; SELECT connection FROM $table; "
		. "SET ROLE alice; SELECT connection FROM $table; SET ROLE bob; SELECT connection FROM $table");
	ok($c[0] == $c[2] && $c[1] == $c[3] && $c[0] != $c[1], "$table: connections are kept, and not shared between roles") or diag "@c";
}
refused('SET ROLE alice; SELECT auth FROM who; SET ROLE carol; SELECT auth FROM who', '42704', 'user mapping not found',
	"without a mapping there is no way to another's token or warm connection");
is(sql('SET ROLE alice; PREPARE p AS SELECT auth FROM who; EXECUTE p; SET ROLE bob; EXECUTE p'),
	"Bearer $SECRET\nBearer $OTHER", 'a prepared statement acts for who runs it');
sql(q{
	SET ROLE alice;
	CREATE VIEW owned AS SELECT auth FROM who;
	CREATE FUNCTION definer() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT auth FROM who';
	GRANT SELECT ON owned TO bob, carol});
is(sql('SET ROLE carol; SELECT auth FROM owned'), "Bearer $SECRET", "a view acts with its owner's mapping");
is(sql('SET ROLE bob; SELECT o.auth, w.auth FROM owned o, who w'), "Bearer $SECRET|Bearer $OTHER", '... beside a table read by the caller');
is(sql('SET ROLE carol; SELECT definer()'), "Bearer $SECRET", '... and so does a SECURITY DEFINER function');
SKIP:
{
	skip 'views with security_invoker come with 15', 1 if sql('SHOW server_version_num') < 150000;
	sql(q{SET ROLE alice; CREATE VIEW invoked WITH (security_invoker) AS SELECT auth FROM who; GRANT SELECT ON invoked TO carol});
	refused('SET ROLE carol; SELECT auth FROM invoked', '42704', 'user mapping not found', "a view of security_invoker acts with the caller's");
}
refused('SET ROLE carol; CREATE USER MAPPING FOR carol SERVER api', '42501', 'permission denied', 'a mapping needs USAGE on the server');
is(sql(q{SET ROLE carol; SELECT count(umoptions) FROM pg_user_mappings}), '0', 'and none can be read');

note 'what only superusers may set';
for my $o ([ ca_file => '/x' ], [ client_cert => '/x' ], [ client_key => '/x' ], [ proxy => 'http://127.0.0.1:1' ], [ allow_hosts => 'a' ])
{
	my $more = $o->[0] eq 'client_key' ? q{client_cert '/x',} : '';
	refused("SET ROLE carol; CREATE SERVER c_$o->[0] FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1', $more $o->[0] '$o->[1]')",
		'42501', 'only superusers', "$o->[0] at CREATE");
	refused("SET ROLE carol; CREATE SERVER c FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1'); ALTER SERVER c OPTIONS (ADD $o->[0] '$o->[1]')",
		'42501', 'only superusers', "$o->[0] at ALTER") unless $more;
	sql('DROP SERVER IF EXISTS c CASCADE');
}
sql(qq{CREATE SERVER given FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:$api', proxy 'http://127.0.0.1:$proxy');
	CREATE FOREIGN TABLE given ($columns) SERVER given OPTIONS (path '/given'); ALTER SERVER given OWNER TO carol});
refused('SELECT * FROM given', '42501', 'needs a server owned by a superuser', 'a server that changed hands');
refused(q{SET ROLE carol; ALTER SERVER given OPTIONS (SET base_url 'http://127.0.0.1:1')}, '42501', 'only superusers', '... is not changed by its new owner');

note 'addresses that lead to credentials of the machine';
my %allowed = map { $_ => 1 } qw(metadata.test 169.254.169.254);
for my $host ('169.254.169.254', 'metadata.test', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[fd00:ec2::254]',
	'2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', '0.0.0.1', '100.100.100.200', '224.0.0.1')
{
	my $name = $host =~ s/\W/_/gr;
	sql(qq{CREATE SERVER "s$name" FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://$host:$api');
		CREATE FOREIGN TABLE "t$name" ($columns) SERVER "s$name" OPTIONS (path '/latest/meta-data')});
	my $seconds = refused(qq{SELECT * FROM "t$name"}, 'HV00N', 'refused', "$host is refused");
	cmp_ok($seconds, '<', 5, '... at once');
	next unless $allowed{$host};
	sql(qq{ALTER SERVER "s$name" OPTIONS (ADD allow_hosts '$host')});
	is(sql(qq{SELECT via FROM "t$name"}), 'api', "... but not with allow_hosts '$host'");
	sql(qq{ALTER SERVER "s$name" OPTIONS (SET allow_hosts '$host:1')});
	refused(qq{SELECT * FROM "t$name"}, 'HV00N', 'refused', '... of another port');
}

note 'rate_limit';
sql(qq{CREATE SERVER slow FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:$api', rate_limit '10');
	CREATE FOREIGN TABLE slow ($columns) SERVER slow OPTIONS (path '/slow')});
unlink "$dir/times";
sql('SELECT via FROM slow;' x 4 . 'SELECT count(*) FROM generate_series(1, 4) g, LATERAL (SELECT via FROM slow WHERE g > 0 OFFSET 0) x');
{
	my @t = split /\n/, PostgreSQL::Test::Utils::slurp_file("$dir/times");
	is(scalar @t, 8, 'eight requests');
	cmp_ok($t[7] - $t[0], '>', 0.5, 'ten a second at most, over scans and rescans');
	cmp_ok($t[7] - $t[0], '<', 10, '... and not much less');
}

note 'proxy';
sql(qq{CREATE SERVER proxied FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://api.invalid', proxy 'http://127.0.0.1:$proxy');
	CREATE FOREIGN TABLE proxied ($columns) SERVER proxied OPTIONS (path '/x')});
is(sql('SELECT target, via FROM proxied'), 'http://api.invalid/x|proxy', 'a plain request goes to the proxy, name and all');
{
	local $ENV{http_proxy} = "http://127.0.0.1:$proxy";
	$node->restart;
	is(sql('SELECT via FROM anyone'), 'api', 'the environment names no proxy');
}

SKIP:
{
	skip 'no openssl program', 7 unless system('openssl version >/dev/null 2>&1') == 0;
	note 'client certificates';
	my $run = sub { my $cmd = shift; system("cd $dir && ($cmd) >>openssl.log 2>&1") == 0 or die "failed: $cmd" };
	my $new = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
	$run->("openssl req -x509 $new -days 30 -subj /CN=test-ca -keyout ca.key -out ca.pem");
	$run->("openssl req -x509 $new -days 30 -subj /CN=stranger -keyout stranger.key -out stranger.pem");
	$run->("printf 'subjectAltName=IP:127.0.0.1\n' >san; for n in server client; do openssl req $new -subj /CN=\$n -keyout \$n.key -out \$n.csr && "
		  . 'openssl x509 -req -days 30 -CA ca.pem -CAkey ca.key -CAcreateserial -in $n.csr -out $n.pem -extfile san; done');
	my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1);
	my $tls = $probe->sockport;
	close $probe;
	PostgreSQL::Test::Utils::append_to_file("$dir/x", "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" . '[{"via":"tls"}]');
	my $pid = fork() // die;
	if ($pid == 0)
	{
		setpgrp 0, 0;
		chdir $dir;
		alarm 300;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/s_server.log";
		open STDERR, '>&', \*STDOUT;
		{ exec qw(openssl s_server -quiet -HTTP -Verify 1 -verify_return_error -CAfile ca.pem -cert server.pem -key server.key -accept), "127.0.0.1:$tls" }
		POSIX::_exit(1);
	}
	push @servers, $pid;
	for (1 .. 100)
	{
		last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $tls);
		Time::HiRes::sleep(0.1);
	}
	my $fast = q{max_retries '0', timeout '20s'};
	my $server = sub {
		my ($name, $options) = @_;
		sql(qq{CREATE SERVER $name FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'https://127.0.0.1:$tls', ca_file '$dir/ca.pem', $fast $options);
			CREATE FOREIGN TABLE $name ($columns) SERVER $name OPTIONS (path '/x')});
	};
	$server->('with_cert', ", client_cert '$dir/client.pem', client_key '$dir/client.key'");
	is(sql('SELECT via FROM with_cert'), 'tls', 'a certificate that the server asks for');
	$server->('no_cert', '');
	refused('SELECT via FROM no_cert', 'HV00.', 'alert|cut short|could not reach', '... without');
	$server->('strange_cert', ", client_cert '$dir/stranger.pem', client_key '$dir/stranger.key'");
	refused('SELECT via FROM strange_cert', 'HV00.', 'alert|cut short|could not reach', '... of a stranger');
	$server->('lost_cert', ", client_cert '$dir/none.pem'");
	refused('SELECT via FROM lost_cert', 'HV00.', '', '... that is not there');
	$server->('tunnel', ", client_cert '$dir/client.pem', client_key '$dir/client.key', proxy 'http://127.0.0.1:$proxy', auth 'bearer'");
	sql(qq{CREATE USER MAPPING FOR postgres SERVER tunnel OPTIONS (token '$SECRET')});
	is(sql('SELECT via FROM tunnel'), 'tls', 'through a tunnel');
	like(PostgreSQL::Test::Utils::slurp_file("$dir/proxied"), qr/^CONNECT 127\.0\.0\.1:$tls HTTP/m, '... which the proxy dug');
	unlike(PostgreSQL::Test::Utils::slurp_file("$dir/proxy_saw"), qr/\Q$SECRET\E/, '... without seeing the token');
}

note 'secrets under on_error skip, where the API even sends them back';
sql(qq{
	CREATE FOREIGN TABLE skipping (auth int, target text, error text OPTIONS (pointer '#error'), via text) SERVER api OPTIONS (path '/skip', on_error 'skip');
	CREATE FOREIGN TABLE stopping (auth int) SERVER api OPTIONS (path '/stop');
	CREATE FOREIGN TABLE dropping (auth int) SERVER api OPTIONS (path '/drop', on_error 'skip');
	GRANT SELECT ON skipping, stopping, dropping TO alice});
{
	my ($out, $err) = ('', '');
	$node->psql('postgres', q{
		\set VERBOSITY verbose
		SET client_min_messages = debug5;
		SET ROLE alice;
		SELECT * FROM skipping;
		EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM skipping;
		SELECT count(*) FROM dropping;
		SELECT * FROM stopping;
		SELECT query FROM pg_stat_activity;
		SELECT * FROM retrack.fdw_stats;
		SELECT * FROM retrack.fdw_progress}, stdout => \$out, stderr => \$err, on_error_stop => 0);
	like($out, qr/Records Refused: 1$/m, 'EXPLAIN tells of refused rows') or diag $out;
	like($err, qr/ERROR:  HV024:.*The value at pointer "\/auth" is hidden/s, 'the table that stops does so');
	like($out, qr/invalid input syntax for type integer: "Bearer \*+"/, 'an error is told with the token starred out');
	unlike($out, qr/\Q$SECRET\E/, 'no secret in rows of errors, EXPLAIN, activity, statistics') or diag $out;
	unlike($err, qr/\Q$SECRET\E/, 'no secret in messages') or diag join "\n", grep { /\Q$SECRET\E/ } split /\n/, $err;
}
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/\Q$SECRET\E|\Q$OTHER\E/, 'no secret in the log at debug5')
  or diag join "\n", grep { /\Q$SECRET\E|\Q$OTHER\E/ } split /\n/, $log;
$node->stop;
done_testing();
