# A reporting API that serves shipments as fast as it can: the benches measure the client.
#
#   perl pull_server.pl PORT_FILE RECORDS
#
# GET /shipments?updated_since=T&cursor=N&limit=M: records in order of updated_at, in pages of M.
# GET /requests: how many requests for shipments there have been.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX qw(strftime);
use Time::Local qw(timegm);

my ($port_file, $records) = @ARGV;
my $start = timegm(0, 0, 0, 1, 5, 125);
my (@record, $requests);
$requests = 0;
for my $i (0 .. $records - 1)
{
	my $p = $i % 40;
	my $l = $i % 200;
	push @record, sprintf(
		'{"shipment_id":"S%08d","version":1,"shipped_on":"%s","exporter":"P%02d","facility_id":"F%02d","consignee":"C%02d",'
		. '"end_user":"C%02d","client":{"name":"Client %d Magnetics GmbH","country":"DE"},"destination":"DE","licence":"25-AA-%06d",'
		. '"control_code":"1C905.a","hs_code":"8505111000","form":"magnet","assay":"Nd=29.5%%,Pr=0.8%%,Dy=3.15%%",'
		. '"net_mass":"%d.%03d kg","lot_id":"LOT-%07d","value":%d.50,"currency":"USD","updated_at":"%s","withdrawn":false}',
		$i, strftime('%Y-%m-%d', gmtime($start + $i % 100 * 86400)), $p, $p, $l % 20, $l % 20, $l % 20, $l,
		1 + $i % 97, $i % 1000, $i, 100 + $i % 9000, strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($start + $i * 60)));
}

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16, ReuseAddr => 1) or die "listen: $!";
open my $out, '>', "$port_file.new" or die $!;
print $out $listen->sockport;
close $out;
rename "$port_file.new", $port_file;

# One connection at a time, kept alive; the client needs no more.
while (my $client = $listen->accept)
{
	my $buffer = '';
	REQUEST: while (1)
	{
		my $end;
		while (($end = index($buffer, "\r\n\r\n")) < 0)
		{
			sysread($client, $buffer, 65536, length $buffer) or last REQUEST;
		}
		my ($path, $query) = substr($buffer, 0, $end + 4, '') =~ m{^GET ([^ ?]*)\??(\S*)};
		my %arg = map { my ($k, $v) = split /=/, $_, 2; $v =~ s/%(..)/chr hex $1/ge; ($k => $v) } split /&/, $query;
		my $body;
		if ($path eq '/requests')
		{
			$body = $requests;
		}
		else
		{
			$requests++;
			my $from = $arg{cursor} || 0;
			if (!$arg{cursor} && ($arg{updated_since} || '') =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/)
			{
				my $t = timegm($6, $5, $4, $3, $2 - 1, $1 - 1900);
				$from = $t <= $start ? 0 : int(($t - $start + 59) / 60);
			}
			my $to = $from + ($arg{limit} || 1000);
			$to = $records if $to > $records;
			$body = '{"data":[' . ($from < $to ? join(',', @record[ $from .. $to - 1 ]) : '') . '],"next":'
				. ($to < $records ? "\"$to\"" : 'null') . '}';
		}
		my $reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
		my $sent = 0;
		while ($sent < length $reply)
		{
			my $n = syswrite($client, $reply, length($reply) - $sent, $sent) or last REQUEST;
			$sent += $n;
		}
	}
	close $client;
}
