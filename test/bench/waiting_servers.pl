# Two ends on loopback that keep a client waiting: waiting_servers.pl PORT_FILE writes the ports
#	mute	takes connections and never says a word, so that TLS never shakes hands
#	full	takes none: its backlog is full, so that connect itself waits
# Ends with its process group, after half an hour at the latest. Core perl only.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket ();

setpgrp(0, 0);
alarm 1800;
my $mute = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 128) or die $!;
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) or die $!;
my @fill;
for (1 .. 8)
{
	my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
	$s->blocking(0);
	connect $s, Socket::pack_sockaddr_in($full->sockport, Socket::inet_aton('127.0.0.1'));
	push @fill, $s;
}
open my $fh, '>', "$ARGV[0].new" or die $!;
print $fh $mute->sockport, ' ', $full->sockport, "\n";
close $fh;
rename "$ARGV[0].new", $ARGV[0];
my $set = IO::Select->new($mute);
while (1)
{
	for my $s ($set->can_read)
	{
		if ($s == $mute) { $set->add($s->accept || next); next }
		next if sysread $s, my $hello, 65536;
		$set->remove($s);
		close $s;
	}
}
