# Protects: what the options say is what is sent: names and first values of paging parameters, headers,
# each kind of credential, the form of a token request; and no more of a page is held than buffer_size.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IO::Socket::INET;
use MIME::Base64;
use POSIX ();
use Cwd qw(abs_path);

my $dir = abs_path(PostgreSQL::Test::Utils::tempdir);

# Three pages of one record each, which tells what head and form asked for it; /token gives a token, /big a page of 2 MB.
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) or die "cannot listen: $!";
my $url = 'http://127.0.0.1:' . $listen->sockport;
my $pid = fork() // die "fork: $!";
if ($pid == 0)
{
	setpgrp 0, 0;
	$SIG{$_} = 'DEFAULT' for qw(TERM ALRM);
	$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
	while (1)
	{
		my $c = $listen->accept or next;
		next if fork;
		alarm 300;
		my $in = '';
		while ($in =~ /\r\n\r\n/ || sysread $c, $in, 65536, length $in)
		{
			$in =~ s/^(.*?\r\n)\r\n//s or next;
			my $head = $1;
			my ($length) = $head =~ /^content-length: (\d+)/im;
			while (length $in < ($length // 0)) { sysread $c, $in, 65536, length $in or last }
			my $form = substr $in, 0, $length // 0, '';
			open my $log, '>>', "$dir/asked" or die $!;
			syswrite $log, "$head$form\n\0\n";
			close $log;
			my ($k) = $head =~ /^\S+ \S*?(?:first|p|skip|after)=c?(\d+)/;
			my $base = $head =~ /[?]p=/ ? 5 : $head =~ /skip=/ ? 0 : 1;
			$k = ($k // $base) - $base + 1;
			my $next = $k < 3 ? '"c' . ($k + 1) . '"' : 'null';
			my $more = $k < 3 ? 'true' : 'false';
			my $body = $head =~ m{^POST /token} ? '{"access_token":"abcd-fresh","expires_in":60}'
			  : $head =~ m{^GET /big} ? '{"data":[' . join(',', map { qq({"id":$_,"x":") . 'x' x 1000 . '"}' } 1 .. 2000) . ']}'
			  : qq({"data":[{"id":$k}],"next":$next,"more":$more});
			syswrite $c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
		}
		POSIX::_exit(0);
	}
}
END { local $?; kill 'KILL', -$pid if $pid }

# heads and forms of what was asked, oldest first; forgets them
sub asked
{
	open my $fh, '<', "$dir/asked" or return;
	local $/ = "\n\0\n";
	my @all = <$fh>;
	close $fh;
	unlink "$dir/asked";
	return @all;
}

my $node = PostgreSQL::Test::Cluster->new('requests');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
sql('CREATE EXTENSION retrack');

# reads a table of these options from a server of those; what was asked for it
my $number = 0;
sub asks
{
	my ($server, $table, $mapping) = @_;
	my $n = ++$number;
	asked();
	is(sql(qq{CREATE SERVER s$n FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$url', $server);
		CREATE USER MAPPING FOR postgres SERVER s$n @{[$mapping ? "OPTIONS ($mapping)" : '']};
		CREATE FOREIGN TABLE t$n (id int) SERVER s$n OPTIONS (path '/x', $table);
		SELECT string_agg(id::text, ' ') FROM t$n}), $table =~ /pagination/ ? '1 2 3' : '1', "$server, $table");
	return asked();
}
sub targets { return join ' ', map { m{^\S+ (\S+)} } @_ }

note 'paging parameters';
my $paged = q{records '/data', limit_param 'size', page_size '1', prefetch '0'};
is(targets(asks($paged, q{pagination 'page', page_param 'p', first_page '5', next '/more'})), '/x?p=5&size=1 /x?p=6&size=1 /x?p=7&size=1', 'page_param, first_page');
is(targets(asks($paged, q{pagination 'page', page_param 'first', next '/more'})), '/x?first=1&size=1 /x?first=2&size=1 /x?first=3&size=1', '... which is 1 if not stated');
is(targets(asks($paged, q{pagination 'offset', offset_param 'skip', next '/more'})), '/x?skip=0&size=1 /x?skip=1&size=1 /x?skip=2&size=1', 'offset_param');
is(targets(asks($paged, q{pagination 'cursor', cursor_param 'after', next '/next'})), '/x?size=1 /x?after=c2&size=1 /x?after=c3&size=1', 'cursor_param');

note 'headers';
{
	my ($head) = asks(q{records '/data', headers E'X-One: 1\r\nX-Two: a: b\n\nUser-Agent: mine'}, q{format 'json'});
	like($head, qr/^X-One: 1\r$/m, 'headers: the first line');
	like($head, qr/^X-Two: a: b\r$/m, '... a second one with a colon');
	like($head, qr/^User-Agent: mine\r$/m, '... in place of our own');
	like($head, qr{^Accept: application/json}m, 'JSON is asked for');
	like($head, qr{^Accept-Encoding: gzip\r$}m, '... zipped if possible');
	unlike($head, qr/^authorization:|^cookie:/im, '... without credentials');
}

note 'credentials';
{
	my ($head) = asks(q{records '/data', auth 'bearer'}, q{format 'json'}, q{token 'tok en=1'});
	like($head, qr/^Authorization: Bearer tok en=1\r$/m, 'bearer');
	($head) = asks(q{records '/data', auth 'basic'}, q{format 'json'}, q{"user" 'me', password 'pä:ss'});
	like($head, qr/^Authorization: Basic (\S+)\r$/m, 'basic');
	is(decode_base64($1 // ''), 'me:pä:ss', '... with user and password') if $head =~ /^Authorization: Basic (\S+)\r$/m;
	($head) = asks(q{records '/data', auth 'basic'}, q{format 'json'}, q{"user" 'me'});
	is($head =~ /^Authorization: Basic (\S+)\r$/m ? decode_base64($1) : '', 'me:', '... or without a password');
	($head) = asks(q{records '/data', auth 'api_key'}, q{format 'json'}, q{api_key 'k-1234'});
	like($head, qr/^X-API-Key: k-1234\r$/m, 'api_key');
	($head) = asks(q{records '/data', auth 'api_key', api_key_header 'Authorization'}, q{format 'json'}, q{api_key 'Key k-1234'});
	like($head, qr/^Authorization: Key k-1234\r$/m, '... under another name');
	unlike($head, qr/X-API-Key/i, '... and under no other');
	($head) = asks(q{records '/data', auth 'none'}, q{format 'json'}, q{token 'unused-token'});
	unlike($head, qr/unused-token/, 'auth none sends nothing of a mapping');
	my @both = asks(qq{records '/data', auth 'oauth2', token_url '$url/token', scope 'read write:all'}, q{format 'json'}, q{client_id 'me', client_secret 'se:cret'});
	is(targets(@both), '/token /x', 'oauth2 fetches a token first');
	like($both[0], qr{^POST .*^Content-Type: application/x-www-form-urlencoded\r.*\ngrant_type=client_credentials&scope=read%20write%3Aall\n}ms, '... by a form with the scope');
	is($both[0] =~ /^Authorization: Basic (\S+)\r$/m ? decode_base64($1) : '', 'me:se:cret', '... with id and secret');
	like($both[1], qr/^Authorization: Bearer abcd-fresh\r$/m, '... and sends it');
	my $n = $number;
	is(targets((sql("SELECT id FROM t$n"), asked())[ 1, 2 ]), '/token /x', '... once in a session');
	is(targets((sql("SELECT id FROM t$n; SELECT id FROM t$n"), asked())[ 1 .. 3 ]), '/token /x /x', '... and not again');
}

note 'memory';
for my $size (qw(64 512))
{
	my $plan = sql(qq{CREATE SERVER b$size FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$url', records '/data', buffer_size '${size}kB');
		CREATE FOREIGN TABLE big_$size (id int, x text) SERVER b$size OPTIONS (path '/big');
		EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM big_$size});
	my ($peak) = $plan =~ /"Buffer Peak": (\d+)/;
	cmp_ok($peak, '<', $size * 1024 + 65536, "buffer_size of $size kB bounds what is held of 2 MB");
	cmp_ok($peak, '>', $size * 512, '... and is used');
	$plan = sql(qq{EXPLAIN (ANALYZE, FORMAT json) SELECT id FROM big_$size LIMIT 1});
	cmp_ok($plan =~ /"Bytes Received": (\d+)/ ? $1 : 'none', '<=', $size * 1024, '... LIMIT 1 takes one buffer at most');
	like($plan, qr/"Pages": 1\b/, '... of the first page');
}
$node->stop;
done_testing();
