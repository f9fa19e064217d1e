# Protects: a pull that is killed anywhere, and called again, ends with the tables of one that was not.
#
# Fifty crash points, seeded (PULL_CRASH_SEED and PULL_CRASH_POINTS choose others): kill -9 of the pulling backend, which takes the
# server through crash recovery, or of the postmaster. The source has rows that fail, corrections that make
# room for others, doubled rows and rows that fit only in their order, so that a row decided twice, or out
# of order, or lost, shows.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run ();
use Test::More;
use Time::HiRes qw(usleep time);

my $points = $ENV{PULL_CRASH_POINTS} || 50;
my $seed = $ENV{PULL_CRASH_SEED} || 20250404;
srand($seed);
diag("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nautovacuum = off\nlog_min_messages = warning\n");
$node->start;

$node->safe_psql('postgres', 'CREATE DATABASE base');
$node->safe_psql('base', q{
	CREATE EXTENSION retrack CASCADE;
	CALL retrack.create_registry('books');
	CREATE SCHEMA api;
	CREATE TABLE api.export (id text, version int, exporter text, mass text, updated_at timestamptz, withdrawn boolean);
	SELECT setseed(0.25);
	INSERT INTO api.export
	SELECT 'E' || lpad((i % 200)::text, 4, '0'), 1 + i / 200, 'P' || i % 7,
	       CASE WHEN i % 97 = 0 THEN 'heavy' ELSE round(20 * random())::text || ' kg' END,
	       timestamptz '2025-06-01 00:00+00' + i * interval '3 s', i % 43 = 0
	FROM generate_series(1, 320) AS i;
	INSERT INTO api.export SELECT * FROM api.export WHERE id < 'E0020';
	CREATE TABLE books.export (id text PRIMARY KEY, version int NOT NULL, exporter text NOT NULL, mass retrack.mass NOT NULL,
		updated_at timestamptz NOT NULL, withdrawn boolean NOT NULL);
	-- Each exporter has 320 kg: which rows fit depends on their order. Slow, so that there is time to be killed in.
	CREATE FUNCTION books.check_room() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_sleep(0.001);
		IF EXISTS (SELECT FROM books.export WHERE NOT withdrawn GROUP BY exporter HAVING sum(mass::numeric) > 320) THEN
			RAISE EXCEPTION 'no room' USING ERRCODE = 'RTL09';
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER check_room AFTER INSERT OR UPDATE ON books.export FOR EACH STATEMENT EXECUTE FUNCTION books.check_room();
});

my $pull = q{CALL retrack.pull('api.export', 'books.export', batch_size => 15)};
my $books = q{
	SELECT 'row', to_jsonb(e)::text FROM books.export AS e
	UNION ALL
	SELECT 'reject', concat_ws(' ', row_key, row_version, sqlstate, message, record::text, resolved_at IS NOT NULL) FROM books.pull_reject
	UNION ALL
	SELECT 'state', concat_ws(' ', high_water, running) FROM books.pull_state
	ORDER BY 1, 2};

# Lines that one has and the other has not.
sub difference
{
	my %count;
	$count{"got $_"}++ for split /\n/, $_[0];
	for (split /\n/, $_[1]) { $count{"want $_"}++ unless $count{"got $_"} && $count{"got $_"}--; }
	return join "\n", grep { $count{$_} } sort keys %count;
}

# Until the server takes connections again after a crash. One that comes before the postmaster has seen the crash is
# taken, too, and lost: the killed backend is still listed then.
sub wait_until_up
{
	my ($killed) = @_;
	my $gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $killed)";
	for (1 .. 600)
	{
		# psql may be refused, and gone, before it was told what to run
		my ($out, $status) = ('', 1);
		eval { $status = $node->psql('postgres', $gone, stdout => \$out, timeout => 10) };
		return if $status == 0 && $out eq 't';
		usleep(20_000);
	}
	BAIL_OUT('the server did not come back');
}

# Whole, in one run: what all others must come to, and how long it takes.
my $start = time;
$node->safe_psql('base', $pull);
my $duration = time - $start;
my $expected = $node->safe_psql('base', $books);
my $rejects = () = $expected =~ /^reject/mg;
my $rows = () = $expected =~ /^row/mg;
cmp_ok($rejects, '>', 5, "rows are rejected ($rejects of them, $rows land, $duration s)");

# Another postmaster, once the backends have noticed that theirs is gone.
sub start_postmaster
{
	for (1 .. 600)
	{
		usleep(50_000);
		last if system('pg_ctl', '-s', '-w', '-D', $node->data_dir, '-l', $node->logfile, 'start') == 0;
	}
	$node->_update_pid(1);
	return;
}

my $cut_off = 0;
for my $point (1 .. $points)
{
	my $delay = $duration * rand(1.1);
	my $what = rand() < 0.7 ? 'backend' : 'postmaster';
	my $in = 'TRUNCATE books.export, books.pull_reject, books.pull_state RESTART IDENTITY;'
		. "SELECT pg_backend_pid();\n$pull;\n";
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('base') ],
		'<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	while ($out !~ /^\d+$/m) { $run->pump_nb; usleep(2_000); }
	my ($pid) = $out =~ /^(\d+)$/m;
	usleep($delay * 1e6);
	if ($what eq 'backend')
	{
		kill 'KILL', $pid;
	}
	else
	{
		($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
		kill 'KILL', $pid;
	}
	eval { $run->finish; };
	start_postmaster() if $what eq 'postmaster';
	wait_until_up($pid);
	my ($status, $stdout, $stderr) = $node->psql('base',
		"SELECT 'batches', coalesce(sum(batches), -1) FROM books.pull_state; $pull; $pull; $books");
	# How long a pull takes changes with what else the machine does: the next one is to be cut off too.
	my $in_the_middle = $stderr =~ /cut off/;
	$cut_off++ if $in_the_middle;
	$duration *= $in_the_middle ? 1.1 : 0.8;
	my ($batches) = $stdout =~ s/^batches\|(.*)\n// ? $1 : '?';
	is(difference($stdout, $expected), '',
		sprintf('crash %d of the %s after %.0f ms, %s batches', $point, $what, $delay * 1000, $batches));
}
cmp_ok($cut_off, '>', $points / 4, "$cut_off of $points pulls were cut off and said so");
$node->stop;
done_testing();
