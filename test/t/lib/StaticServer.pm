# An HTTP server on loopback that answers each path with a fixed body:
#
#	my $server = StaticServer->start({ '/a' => $bytes, '/b.ndjson' => $bytes });	# forks
#	$server->url;  $server->stop;
#
# Paths that end in .ndjson are application/x-ndjson, the others application/json. Options: write => N
# sends N bytes a time. Core perl only.
package StaticServer;

use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);

sub start
{
	my ($class, $bodies, %options) = @_;
	my $listen = IO::Socket::INET->new(
		LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1)
	  or die "cannot listen: $!";
	my $self = bless { port => $listen->sockport, owner => $$ }, $class;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		$SIG{TERM} = 'DEFAULT';
		$SIG{CHLD} = 'IGNORE';
		$SIG{PIPE} = 'IGNORE';
		setpgrp(0, 0);
		while (1)
		{
			my $client = $listen->accept or next;
			my $child = fork();
			if (defined $child && $child == 0)
			{
				$client->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
				alarm 300;
				eval { serve($client, $bodies, $options{write}) };
				POSIX::_exit(0);
			}
			close $client;
		}
	}
	$self->{pid} = $pid;
	return $self;
}

sub serve
{
	my ($client, $bodies, $write) = @_;
	my $buffer = '';
	while (1)
	{
		while ($buffer !~ /\r\n\r\n/)
		{
			sysread($client, $buffer, 65536, length $buffer) or return;
		}
		my ($path) = $buffer =~ m{^GET ([^ ?]*)} or return;
		$buffer =~ s/^.*?\r\n\r\n//s;
		my $body = $bodies->{$path};
		my $status = defined $body ? '200 OK' : '404 Not Found';
		$body //= '{}';
		my $type = $path =~ /\.ndjson$/ ? 'application/x-ndjson' : 'application/json';
		my $answer = "HTTP/1.1 $status\r\nContent-Type: $type\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
		for (my $at = 0; $at < length $answer;)
		{
			my $n = syswrite($client, $answer, $write // 65536, $at) // return;
			$at += $n;
		}
	}
}

sub url { return 'http://127.0.0.1:' . $_[0]->{port} }

sub stop
{
	my $self = shift;
	return unless $self->{pid} && $self->{owner} == $$;
	kill 'KILL', -$self->{pid}, $self->{pid};
	waitpid $self->{pid}, 0;
	$self->{pid} = undef;
	return;
}

sub DESTROY { local ($?, $@); $_[0]->stop; return }

1;
