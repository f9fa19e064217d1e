# A well-behaved HTTP API on loopback over made-up records, for tests of what retrack_fdw asks
# and makes of the answers:
#
#	my $server = RecordServer->start($dir, rows => 1000);
#	GET /records	an array, pages by Link header
#	GET /cursor		{"data":[...],"next":...,"total":n}
#	GET /page, /offset (with a total as well), /lines (NDJSON), /item/<kind>, /slow (waits before every answer)
#	$server->asked			# request targets, oldest first; forgets them
#
# Filters: id, kind, id_from, id_to, at_from, at_to, ids (comma list), kinds (repeated); sort=-id,kind.
# Record i: {"id":i,"kind":"k<i%7>","at":...,"x":{"y":i*2},"n":null|i,"text":...}. Core perl only.
package RecordServer;

use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(TCP_NODELAY IPPROTO_TCP);
use POSIX ();
use Time::HiRes qw(sleep);

sub start
{
	my ($class, $dir, %options) = @_;
	mkdir $dir;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1)
	  or die "cannot listen: $!";
	my $self = bless { log => "$dir/asked", port => $listen->sockport, rows => 1000, delay => 0.1, owner => $$, %options }, $class;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		$SIG{$_} = 'DEFAULT' for qw(TERM INT);
		setpgrp(0, 0);
		$self->serve($listen);
		POSIX::_exit(0);
	}
	$self->{pid} = $pid;
	return $self;
}

sub url { return "http://127.0.0.1:$_[0]{port}" }

sub stop
{
	my $self = shift;
	return unless $self->{pid} && $self->{owner} == $$;
	kill 'KILL', -$self->{pid}, $self->{pid};
	waitpid $self->{pid}, 0;
	delete $self->{pid};
	return;
}

sub DESTROY { local ($?, $@); $_[0]->stop; return }

sub asked
{
	my $self = shift;
	open my $fh, '<', $self->{log} or return;
	my @all = <$fh>;
	close $fh;
	unlink $self->{log};
	chomp @all;
	return @all;
}

sub serve
{
	my ($self, $listen) = @_;
	$SIG{CHLD} = 'IGNORE';
	$SIG{PIPE} = 'IGNORE';
	$self->{records} = [ map { record($_) } 1 .. $self->{rows} ];
	while (1)
	{
		my $c = $listen->accept or next;
		my $pid = fork() // next;
		if ($pid == 0)
		{
			close $listen;
			setsockopt $c, IPPROTO_TCP, TCP_NODELAY, 1;
			$self->talk($c);
			POSIX::_exit(0);
		}
		close $c;
	}
	return;
}

sub record
{
	my $i = shift;
	my $at = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(1735689600 + $i * 3600));
	my $n = $i % 5 == 0 ? 'null' : $i;
	return { id => $i, kind => 'k' . $i % 7, at => $at, n => $i % 5 == 0 ? undef : $i,
		json => qq({"id":$i,"kind":"k@{[$i % 7]}","at":"$at","x":{"y":@{[$i * 2]}},"n":$n,"text":"text of $i \\u00e9"}) };
}

sub talk
{
	my ($self, $c) = @_;
	local $/ = "\r\n\r\n";
	while (defined(my $head = <$c>))
	{
		my ($target) = $head =~ m{^GET (\S+) HTTP/1\.1\r\n} or return;
		if (open my $log, '>>', $self->{log}) { syswrite $log, "$target\n"; close $log }
		my ($status, $body, @headers) = $self->answer($target);
		$headers[0] //= 'Content-Type: application/json';
		print $c join("\r\n", "HTTP/1.1 $status", @headers, 'Content-Length: ' . length $body, '', '') . $body or return;
		$c->flush;
	}
	return;
}

sub decode { my $s = shift; $s =~ tr/+/ /; $s =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge; return $s }

sub answer
{
	my ($self, $target) = @_;
	my ($path, $query) = split /\?/, $target, 2;
	my (%q, @kinds);
	for (split /&/, $query // '')
	{
		my ($k, $v) = map { decode($_) } split(/=/, $_, 2), '';
		push @kinds, $v if $k eq 'kinds';
		$q{$k} = $v;
	}
	$q{kind} = $1 if $path =~ s{^/item/(.*)$}{/records} and $1 ne '';
	my $kind = defined $q{kind} ? decode($q{kind}) : undef;
	my %ids = map { $_ => 1 } split /,/, $q{ids} // '';
	my %kinds = map { $_ => 1 } @kinds;
	my @r = grep {
		(!defined $q{id} || $_->{id} == $q{id}) && (!defined $kind || $_->{kind} eq $kind)
		  && (!defined $q{id_from} || $_->{id} >= $q{id_from}) && (!defined $q{id_to} || $_->{id} <= $q{id_to})
		  && (!defined $q{at_from} || $_->{at} ge $q{at_from}) && (!defined $q{at_to} || $_->{at} le $q{at_to})
		  && (!%ids || $ids{ $_->{id} }) && (!%kinds || $kinds{ $_->{kind} })
	} @{ $self->{records} };
	@r = sort { by_keys($q{sort}, $a, $b) } @r if $q{sort};
	sleep $self->{delay} if $path eq '/slow' || $path eq '/slow_cursor';
	return page($path, \@r, \%q);
}

# nulls come last whatever the direction
sub by_keys
{
	my ($keys, $a, $b) = @_;
	for my $key (split /,/, $keys)
	{
		my $down = $key =~ s/^-//;
		my ($x, $y) = ($a->{$key}, $b->{$key});
		my $order = !defined $x ? (defined $y ? 1 : 0) : !defined $y ? -1
		  : ($down ? -1 : 1) * ($key =~ /^(id|n)$/ ? $x <=> $y : $x cmp $y);
		return $order if $order;
	}
	return 0;
}

sub page
{
	my ($path, $r, $q) = @_;
	my $limit = $q->{limit} || 100;
	my $from = $path eq '/page' ? (($q->{page} || 1) - 1) * $limit : $q->{offset} || $q->{cursor} || 0;
	my $to = $from + $limit > @$r ? $#$r : $from + $limit - 1;
	my $list = join ',', map { $_->{json} } @{$r}[ $from .. $to ];
	my $more = $to < $#$r;
	if ($path eq '/records' || $path eq '/slow')
	{
		my %p = (%$q, cursor => $to + 1);
		my $query = join '&', map { "$_=" . $p{$_} =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ger } sort keys %p;
		return ('200 OK', "[$list]", 'Content-Type: application/json', $more ? ("Link: <?$query>; rel=\"next\"") : ());
	}
	return ('200 OK', qq({"data":[$list],"next":) . ($more ? '"' . ($to + 1) . '"' : 'null') . ',"total":' . @$r . '}')
	  if $path eq '/cursor' || $path eq '/slow_cursor';
	return ('200 OK', qq({"data":[$list],"total":@{[scalar @$r]}})) if $path eq '/page' || $path eq '/offset';
	return ('200 OK', join('', map { "$_->{json}\n" } @$r), 'Content-Type: application/x-ndjson') if $path eq '/lines';
	return ('404 Not Found', '{"message":"no such thing"}');
}

1;
