# Protects: a script of ours that is told to end ends at once, whatever it waits for, and leaves behind neither processes
# nor files: not its server, not those of tests it runs, not what it runs in the background.
use strict;
use warnings;
use Cwd qw(getcwd);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $top = getcwd;
my $dir = PostgreSQL::Test::Utils::tempdir;
# as if somebody had called it; another cluster's address is not ours
delete @ENV{qw(RETRACK_STAGED PGHOST PGPORT PGDATABASE PGUSER)};

# Sleeps that no one else sleeps.
my ($front, $back) = ("3600.1$$", "3600.2$$");
append_to_file("$dir/held.sh", <<"SH");
#!/usr/bin/env bash
set -eu
TOP=$dir
. $top/test/lib.sh
stage_as_server_user held.sh
TOP=$top
cd "\$TOP"
make_scratch
private_server
private_cluster
mkdir "\$WORK/tests"
"\$PGBIN/initdb" -D "\$WORK/tests/own" -U postgres -A trust -N >/dev/null
"\$PGBIN/pg_ctl" -D "\$WORK/tests/own" -o "-c listen_addresses= -c unix_socket_directories='\$WORK/tests'" -l "\$WORK/tests/log" -w start >/dev/null
sleep $back &
echo "\$WORK" >$dir/work
sleep $front
SH
chmod 0755, "$dir/held.sh";

# What runs that was begun by the script whose scratch directory it is.
sub left
{
	my ($work) = @_;
	return grep { /\Q$work\E|sleep (\Q$front\E|\Q$back\E)/ } split /\n/, `ps -eo pid=,args=`;
}

for my $signal (qw(TERM INT))
{
	unlink "$dir/work";
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		# what the suite's own shell runs in the background ignores it
		$SIG{INT} = 'DEFAULT';
		open STDOUT, '>', "$dir/$signal.log";
		open STDERR, '>&', \*STDOUT;
		exec "$dir/held.sh" or die;
	}
	my $until = time + 10 * $PostgreSQL::Test::Utils::timeout_default;
	sleep 0.1 until -s "$dir/work" || time > $until || waitpid($pid, 1) == $pid;
	my $work = -s "$dir/work" ? slurp_file("$dir/work") : '';
	chomp $work;
	ok($work ne '' && -d $work, "$signal: the script has begun") or diag(slurp_file("$dir/$signal.log"));
	sleep 0.1 until grep({ /sleep \Q$front\E/ } left($work)) || time > $until;
	cmp_ok(scalar(grep { /postgres .*-D/ } left($work)), '==', 2, "$signal: both servers run") or diag(left($work));
	my $told = time;
	kill $signal, $pid;
	my $ended = 0;
	sleep 0.1 until ($ended = waitpid($pid, 1) == $pid) || time - $told > $PostgreSQL::Test::Utils::timeout_default;
	ok($ended, "$signal: it did not wait for what it had begun") or kill('KILL', $pid) && waitpid($pid, 0);
	is($? >> 8, $signal eq 'TERM' ? 143 : 130, "$signal: it says that it was told to end");
	my @left = left($work);
	is(scalar @left, 0, "$signal: nothing runs on") or diag(@left);
	ok(!-e $work, "$signal: no files are left");
	kill 'KILL', map { /^\s*(\d+)/ } @left;
}
done_testing();
