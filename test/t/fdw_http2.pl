# Protects: HTTP/2 over TLS as nginx speaks it: it is negotiated, pages that wait while another is read
# neither stall nor lose bytes nor grow in memory, gzip or not; connections are kept within and between scans.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IO::Socket::INET;
use IPC::Run ();
use POSIX ();
use Time::HiRes qw(sleep time);
use Cwd qw(abs_path);

my ($nginx) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'no nginx with HTTP/2 here' unless $nginx && `$nginx -V 2>&1` =~ /http_v2_module/;
plan skip_all => 'no openssl program' unless system('openssl version >/dev/null 2>&1') == 0;

my $dir = abs_path(PostgreSQL::Test::Utils::tempdir);
my ($pages, $size) = (40, 1000);
mkdir "$dir/www";
sub put_file
{
	my ($name, $text) = @_;
	open my $fh, '>', "$dir/www/$name" or die $!;
	print $fh $text;
	close $fh;
	return;
}
# $pages pages of about 400 kB, and an empty one; the same behind cursors that stand ahead of the records
for my $n (1 .. $pages)
{
	my $data = join ',', map { my $id = ($n - 1) * $size + $_; qq({"id":$id,"name":"record $id","padding":") . join('', map { chr 97 + ($id * 7 + $_ * $_) % 26 } 1 .. 340) . '"}' } 1 .. $size;
	put_file("numbered.$n.json", qq({"data":[$data]}));
	put_file("chained.$n.json", '{"next":' . ($n >= $pages ? 'null' : $n + 1) . qq(,"data":[$data]}));
}
put_file('last.json', '{"data":[]}');
put_file('one.json', '{"data":[{"id":1}]}');
my ($tls, $plain) = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) } 1, 2;
my ($tls_port, $plain_port) = ($tls->sockport, $plain->sockport);
close $tls;
close $plain;
system("cd $dir && (openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem) >openssl.log 2>&1") == 0
  or die 'openssl';
open my $conf, '>', "$dir/nginx.conf" or die $!;
print $conf <<CONF;
worker_processes 1; daemon off; pid $dir/nginx.pid; error_log $dir/error.log;
events { worker_connections 512; }
http {
  log_format protocol '\$server_protocol \$connection \$request_uri \$status "\$sent_http_content_encoding"';
  map \$arg_cursor \$chained { default \$arg_cursor; '' 1; }
  access_log $dir/access.log protocol;
  client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
  default_type application/json;
  keepalive_requests 100000;
  server {
    listen 127.0.0.1:$tls_port ssl http2; listen 127.0.0.1:$plain_port;
    ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
    root $dir/www;
    location = /numbered { try_files /numbered.\$arg_page.json /last.json; }
    location = /chained { try_files /chained.\$chained.json =404; }
    location = /zipped { gzip on; gzip_types application/json; gzip_min_length 0; gzip_comp_level 1; try_files /numbered.\$arg_page.json /last.json; }
    location = /huge { try_files /huge.\$arg_page.json /last.json; }
    location = /one { try_files /one.json =404; }
    location = /brief { keepalive_timeout 0; try_files /one.json =404; }
    location = /back { return 302 /one; }
  }
}
CONF
close $conf;
my $pid = fork() // die $!;
if ($pid == 0)
{
	alarm 300;
	open STDOUT, '>', "$dir/nginx.out";
	open STDERR, '>&', \*STDOUT;
	{ exec $nginx, '-c', "$dir/nginx.conf", '-p', $dir }
	POSIX::_exit(1);
}
END { if ($pid) { local $?; kill 'TERM', $pid; waitpid $pid, 0 } }
for (1 .. 100)
{
	last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $plain_port);
	sleep 0.1;
}

my $node = PostgreSQL::Test::Cluster->new('http2');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }

# access log since the last call, in columns: protocol, connection, target, status, encoding
my $seen = 0;
sub served
{
	sleep 0.2;
	my @lines = split /\n/, PostgreSQL::Test::Utils::slurp_file("$dir/access.log");
	my @new = map { [ split / / ] } @lines[ $seen .. $#lines ];
	$seen = @lines;
	return @new;
}
sub distinct { my %d = map { $_ => 1 } @_; return join ' ', sort keys %d }

my $base = qq{base_url 'https://127.0.0.1:$tls_port', ca_file '$dir/cert.pem', records '/data', page_size '$size', stall_timeout '10s', max_retries '0'};
sql(qq{CREATE EXTENSION retrack;
	CREATE SERVER numbered FOREIGN DATA WRAPPER retrack_fdw OPTIONS ($base, pagination 'page', page_param 'page', prefetch '4');
	CREATE SERVER small FOREIGN DATA WRAPPER retrack_fdw OPTIONS ($base, pagination 'page', page_param 'page', prefetch '16', buffer_size '64kB');
	CREATE SERVER chained FOREIGN DATA WRAPPER retrack_fdw OPTIONS ($base, pagination 'cursor', next '/next', cursor_param 'cursor');
	CREATE SERVER plain FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:$plain_port', records '/data', page_size '$size', pagination 'page', page_param 'page', prefetch '4')});
my $all = join '|', $pages * $size, $pages * $size * ($pages * $size + 1) / 2, 340;
my $columns = 'id int, name text, padding text';
for my $case ([ 'numbered', '/numbered', '-', 5 ], [ 'numbered', '/zipped', 'gzip', 5 ],
	[ 'small', '/numbered', '-', 17 ], [ 'small', '/zipped', 'gzip', 17 ], [ 'chained', '/chained', '-', 2 ])
{
	my ($server, $path, $encoding, $connections) = @$case;
	my $t = "$server" . $path =~ s{/}{_}r;
	sql("CREATE FOREIGN TABLE $t ($columns) SERVER $server OPTIONS (path '$path')");
	is(sql("SELECT count(*), sum(id), min(length(padding)) FROM $t"), $all, "$t: all records");
	my @log = served();
	is(distinct(map { $_->[0] } @log), 'HTTP/2.0', '... over HTTP/2');
	cmp_ok(scalar(split / /, distinct(map { $_->[1] } @log)), '<=', $connections, "... over $connections connections at most");
	is(distinct(map { $_->[4] } grep { $_->[2] !~ /=(\d+)/ || $1 <= $pages } @log), qq("$encoding"), "... encoded: $encoding");
	is(scalar(grep { $_->[3] == 200 } @log), scalar @log, '... without a failed request');
	my %times;
	$times{ $_->[2] }++ for @log;
	is(scalar(grep { $_ > 1 } values %times), 0, '... each page once');
}

note 'slow readers, and readers that leave';
is(sql(q{SELECT count(*) FROM (SELECT id, CASE WHEN id % 4000 = 0 THEN pg_sleep(0.02) END FROM small_numbered) x}), $pages * $size, 'a reader that pauses');
is(sql('SELECT count(*) FROM (SELECT id FROM small_numbered LIMIT 1500) x; ' x 3 . 'SELECT count(*) FROM small_numbered'),
	"1500\n1500\n1500\n" . $pages * $size, 'streams given up leave the connection in order');
{
	my @limits = map { 1 + ($_ * 7919) % 9000 } 1 .. 25;
	for my $t (qw(small_numbered small_zipped chained_chained))
	{
		is(sql(join ';', map { "SELECT count(*), sum(id), min(length(padding)) FROM (SELECT id, padding FROM $t LIMIT $_ OFFSET 0) x" } @limits),
			join("\n", map { "$_|" . $_ * ($_ + 1) / 2 . '|340' } @limits), "$t: 25 scans given up at a time");
	}
}
served();

note 'memory';
{
	# four pages of 25 MB
	for my $n (1 .. 4)
	{
		open my $fh, '>', "$dir/www/huge.$n.json" or die $!;
		print $fh '{"data":[{"id":0}';
		my $block = join '', map { ',{"id":' . "$n,\"padding\":\"" . 'x' x 480 . '"}' } 1 .. 100;
		print $fh $block for 1 .. 500;
		print $fh ']}';
		close $fh;
	}
	sql("CREATE FOREIGN TABLE huge (id int) SERVER small OPTIONS (path '/huge', prefetch '4');
		CREATE FOREIGN TABLE huge_1 (id int) SERVER numbered OPTIONS (path '/huge?page=1', pagination 'none')");
	my $peak = q{SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)')::int};
	for my $case ([ 'huge_1', 'count(*), sum(id)', qr/^50001\|50000$/ ], [ 'huge', 'count(*), sum(id), count(CASE WHEN random() < 0.0005 THEN pg_sleep(0.01) END)', qr/^200004\|500000\|/ ])
	{
		my ($t, $select, $want) = @$case;
		my ($before, $got, $after) = split /\n/, sql("SELECT count(*) FROM chained_chained; $peak; SELECT $select FROM $t; $peak") =~ s/^.*?\n//r;
		like($got, $want, "$t: all records");
		cmp_ok(($after - $before) / 1024, '<', 16, "$t: less than 16 MB more memory") or diag "$before kB, $after kB";
		note sprintf '%s: %.1f MB', $t, ($after - $before) / 1024;
	}
	served();
}

note 'connections between scans';
sql("CREATE FOREIGN TABLE one (id int) SERVER numbered OPTIONS (path '/one', pagination 'none');
	CREATE FOREIGN TABLE brief (id int) SERVER numbered OPTIONS (path '/brief', pagination 'none');
	CREATE FOREIGN TABLE back (id int) SERVER numbered OPTIONS (path '/back', pagination 'none')");
is(sql('SELECT id FROM one;' x 20), join("\n", (1) x 20), 'twenty look-ups');
{
	my @log = served();
	is(scalar @log, 20, '... of a request each');
	is(distinct(map { $_->[1] } @log), $log[0][1], '... share a connection');
}
is(sql('SELECT id FROM brief; SELECT pg_sleep(0.1); SELECT id FROM brief; SELECT id FROM back'), "1\n\n1\n1", 'a server that says goodbye after each answer');
is(distinct(map { $_->[0] } served()), 'HTTP/2.0', '... in HTTP/2');
like(sql('EXPLAIN (ANALYZE, COSTS off) SELECT * FROM back'), qr/Redirects: 1/, 'a redirect');

note 'several endpoints at once';
my $union = join ' UNION ALL ', map { "SELECT id FROM small_numbered WHERE id > $_" } 0 .. 5;
is(sql("SELECT count(*), sum(id) FROM ($union) u"), join('|', 6 * $pages * $size - 15, 6 * $pages * $size * ($pages * $size + 1) / 2 - 35), 'an Append of six');
served();

note 'plain HTTP stays HTTP/1.1';
sql("CREATE FOREIGN TABLE plain ($columns) SERVER plain OPTIONS (path '/zipped')");
is(sql('SELECT count(*), sum(id), min(length(padding)) FROM plain'), $all, 'all records');
is(distinct(map { $_->[0] } served()), 'HTTP/1.1', '... over HTTP/1.1');

$node->stop;
done_testing();
