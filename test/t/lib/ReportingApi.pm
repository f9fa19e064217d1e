# The reference reporting API in a test: builds it, starts it on a free port of
# the loopback, asks it over HTTP, stops it.
package ReportingApi;

use strict;
use warnings;
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use Time::HiRes qw(sleep);

my $program;

# Path of the program, built if need be; RETRACK_API names another build of it.
sub program
{
	$program //= $ENV{RETRACK_API};
	return $program if $program;
	my $path = 'build/api/retrack_api';
	system('make', '-s', '-C', 'test/api', 'WERROR=1') == 0
	  or die "cannot build test/api\n";
	return $program = $path;
}

# Records of a resource as the generator makes them, without HTTP.
sub dump_records
{
	my ($resource, @options) = @_;
	open(my $out, '-|', program(), @options, '--dump', $resource)
	  or die "cannot run the server: $!\n";
	my @records = map { decode_json($_) } <$out>;
	close($out) or die "--dump $resource failed\n";
	return \@records;
}

# The planted cases: one hash each, by the names of the columns.
sub cheats
{
	my @options = @_;
	open(my $out, '-|', program(), @options, '--list-cheats')
	  or die "cannot run the server: $!\n";
	chomp(my ($head, @lines) = <$out>);
	close($out) or die "--list-cheats failed\n";
	my @names = split /\t/, $head;
	return [ map { my %case; @case{@names} = split /\t/; \%case } @lines ];
}

# Starts a server with these options; it dies with the object.
sub new
{
	my ($class, @options) = @_;
	my $port_file = tempdir(CLEANUP => 1) . '/port';
	my $path = program();
	my $pid = fork() // die "fork: $!\n";
	if ($pid == 0)
	{
		open(STDOUT, '>', '/dev/null');
		exec($path, '--port', 0, '--port-file', $port_file,
			'--die-with-parent', @options) or die "exec: $!\n";
	}
	my $self = bless {
		pid => $pid, token => 'demo-token',
		http => HTTP::Tiny->new(timeout => 60),
	}, $class;
	for (1 .. 1200)
	{
		last if -s $port_file;
		die "the reporting API did not start\n" if waitpid($pid, 1) == $pid;    # 1: WNOHANG
		sleep(0.05);
	}
	open(my $in, '<', $port_file) or die "no port file: $!\n";
	chomp($self->{port} = <$in>);
	$self->{url} = "http://127.0.0.1:$self->{port}";
	return $self;
}

sub url { return $_[0]{url} }
sub pid { return $_[0]{pid} }

# GET with the token; the answer as HTTP::Tiny gives it, decoded under {json}.
sub get
{
	my ($self, $path, %headers) = @_;
	$headers{Authorization} //= "Bearer $self->{token}" if $self->{token};
	my $answer = $self->{http}->get($self->{url} . $path, { headers => \%headers });
	if (($answer->{headers}{'content-type'} // '') =~ m{^application/(problem\+)?json}
		&& !$answer->{headers}{'content-encoding'})
	{
		$answer->{json} = eval { decode_json($answer->{content}) };
	}
	return $answer;
}

# POST of a JSON body below /admin.
sub admin
{
	my ($self, $path, $body) = @_;
	my $answer = $self->{http}->post("$self->{url}/admin/$path",
		{ content => encode_json($body // {}), headers => { 'Content-Type' => 'application/json' } });
	die "/admin/$path: $answer->{status} $answer->{content}\n" unless $answer->{success};
	return decode_json($answer->{content});
}

# All records of a resource, following the cursor; %query are parameters, escaped already.
sub all_records
{
	my ($self, $resource, %query) = @_;
	my @records;
	my $cursor;
	do
	{
		my %now = (%query, defined $cursor ? (cursor => $cursor) : ());
		my $answer = $self->get("/v1/$resource?" . join('&', map { "$_=$now{$_}" } sort keys %now));
		die "$resource: $answer->{status} $answer->{content}\n" unless $answer->{success};
		push @records, @{ $answer->{json}{data} };
		$cursor = $answer->{json}{next};
	} while (defined $cursor);
	return \@records;
}

sub stop
{
	my ($self) = @_;
	return unless $self->{pid};
	kill 'TERM', $self->{pid};
	waitpid($self->{pid}, 0);
	delete $self->{pid};
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!, $@);
	$self->stop;
	return;
}

1;
