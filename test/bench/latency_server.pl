# An API on loopback that takes its time: latency_server.pl PORT_FILE MILLISECONDS RECORDS
#	GET ...?cursor=N	{"data":[RECORDS records from N on],"next":N + RECORDS}, no next after 20 pages
#	GET /one			a single record, at once
#	GET /stall			headers never come; /stall_body: one record, then nothing more
#	GET /busy			503, come back in 90 seconds
#	GET /huge?bytes=N	one page of N bytes, as fast as it is taken
# A process for each connection, which ends with it; all end after half an hour at the latest. Killing the
# process group ends the server and them. Core perl only.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(TCP_NODELAY IPPROTO_TCP SOL_SOCKET SO_SNDBUF);
use Time::HiRes qw(sleep time);

setpgrp(0, 0);
$SIG{ALRM} = sub { kill 'KILL', -$$ };
alarm 1800;
my ($port_file, $ms, $records) = @ARGV;
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 128, ReuseAddr => 1) or die "cannot listen: $!";
open my $fh, '>', "$port_file.new" or die $!;
print $fh $listen->sockport;
close $fh;
rename "$port_file.new", $port_file;
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
my $padding = 'x' x 300;
my @page = map { my $from = $_; join ',', map { qq({"id":$_,"name":"record $_","padding":"$padding"}) } $from * $records + 1 .. ($from + 1) * $records } 0 .. 19;
while (1)
{
	my $c = $listen->accept or next;
	next if fork;
	close $listen;
	$SIG{ALRM} = 'DEFAULT';
	alarm 1800;
	setsockopt $c, IPPROTO_TCP, TCP_NODELAY, 1;
	setsockopt $c, SOL_SOCKET, SO_SNDBUF, 1 << 20;	# a page leaves at once
	serve($c);
	exit;
}

sub send_all
{
	my ($c, $data) = @_;
	my $at = 0;
	while ($at < length $data)
	{
		my $n = syswrite $c, $data, 65536, $at;
		exit unless $n;
		$at += $n;
	}
	return;
}

# until the client hangs up
sub stall { my $c = shift; sysread $c, my $more, 1; exit }

sub reply { my ($c, $body) = @_; send_all($c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body"); return }

sub serve
{
	my $c = shift;
	local $/ = "\r\n\r\n";
	while (defined(my $head = <$c>))
	{
		my ($path) = $head =~ m{^(?:GET|POST) (\S+) } or return;
		if ($path =~ m{^/one}) { reply($c, '{"data":[{"id":1,"name":"one"}]}') }
		elsif ($path =~ m{^/stall_body}) { send_all($c, qq(HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"data":[{"id":1},)); stall($c) }
		elsif ($path =~ m{^/stall}) { stall($c) }
		elsif ($path =~ m{^/busy}) { send_all($c, "HTTP/1.1 503 Busy\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n") }
		elsif ($path =~ m{^/huge\?bytes=(\d+)})
		{
			my $block = join '', map { qq({"id":$_,"name":"record $_","padding":"$padding"},) } 1 .. 1000;
			my $blocks = int($1 / length $block);
			my $body = length($block) * $blocks + length '{"data":[{"id":0}]}';
			send_all($c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: $body\r\n\r\n" . '{"data":[');
			send_all($c, $block) for 1 .. $blocks;
			send_all($c, '{"id":0}]}');
		}
		else
		{
			my $due = time + $ms / 1000;
			my ($n) = $path =~ /cursor=(\d+)/;
			$n = ($n // 0) / $records;
			my $body = qq({"data":[$page[$n]],"next":) . ($path =~ /cursor/ || $path =~ /paged/ ? $n < 19 ? ($n + 1) * $records : 'null' : 'null') . '}';
			my $left = $due - time;
			sleep $left if $left > 0;
			reply($c, $body);
		}
	}
	return;
}
