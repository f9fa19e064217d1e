# Protects: whatever typed arguments a user gives to any function, aggregate, operator or procedure of the extension,
# the answer is a value or an error with a code of its own: never an internal error (class XX), a crash or a hang.
# The calls come from a seed: FUZZ_SEED and FUZZ_CALLS (how many a routine) vary them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{FUZZ_SEED} // 20260401;
my $calls = $ENV{FUZZ_CALLS} // 25;
srand($seed);
diag "seed $seed, $calls calls a routine";

my $node = PostgreSQL::Test::Cluster->new('sql_fuzz');
$node->init;
$node->append_conf('postgresql.conf', "statement_timeout = '10s'\nlog_min_error_statement = panic\nrestart_after_crash = off");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION retrack;
CALL retrack.create_registry('trade');
INSERT INTO trade.party (party_id, name, country, kind) VALUES ('P1', 'one', 'CN', 'producer'), ('P2', 'two', 'CN', 'producer');
INSERT INTO trade.facility (facility_id, party_id, stage) VALUES ('F1', 'P1', 'separation');
INSERT INTO trade.lot (lot_id, facility_id, form, assay, mass, created_on)
SELECT 'L' || i, 'F1', 'oxide', 'Dy=40%', '10 kg', '2025-06-01' FROM generate_series(1, 5) i;
INSERT INTO trade.lot_edge (input_lot, output_lot, mass)
VALUES ('L1', 'L2', '1 kg'), ('L2', 'L3', '1 kg'), ('L3', 'L1', '1 kg'), ('L3', 'L4', '1 kg'), ('L5', 'L4', '2 kg');
INSERT INTO trade.licence (licence, kind, holder, valid, status) VALUES ('25-AA-001234', 'individual', 'P1', '[2025-05-01,2026-05-01)', 'issued');
INSERT INTO trade.licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-001234', 1, '1C905.a', 'oxide', '500 kg');
CREATE SERVER nowhere FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:1', max_retries '0');
CREATE SCHEMA api;
CREATE FOREIGN TABLE api.party (party_id text, name text) SERVER nowhere OPTIONS (path '/party');
CREATE TABLE public.partitioned (a int, b text) PARTITION BY LIST (a);
CREATE TABLE public.odd ("a""b" int, dropped int, x retrack.mass);
ALTER TABLE public.odd DROP COLUMN dropped;

-- the statement's SQLSTATE, 00000 where it ran; its work is undone
CREATE FUNCTION public.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    EXECUTE statement;
    RAISE SQLSTATE 'ZZ000';
  EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
    RETURN CASE sqlstate WHEN 'ZZ000' THEN '00000' ELSE sqlstate || ' ' || sqlerrm END;
  END;
END $$;
SQL

my $big = '9' x 400;
my %odd = (
	bool => [qw(true false)],
	int2 => [qw(0 1 -1 32767 -32768)],
	int4 => [qw(0 1 -1 2 17 57 71 1000 2147483647 -2147483648)],
	int8 => [qw(0 1 -1 9223372036854775807 -9223372036854775808 1000000)],
	float8 => [qw(0 -0 1 -1 0.5 1e-300 1e300 NaN Infinity -Infinity 3 1000)],
	numeric => [ qw(0 1 -1 0.1 NaN Infinity -Infinity 1e-40 1e40 9223372036854.775807 9223372036854.7758075), $big, "0.$big" ],
	text => [ '', ' ', 'Nd2Fe14B', 'Dy', 'L1', 'P1', 'licence', 'SELECT 1', 'SELECT * FROM trade.shipment', 'a"b', "x'y;--", '((((((((((((((((((((Nd',
		'25-AA-001234', "\x{c3}\x{a9}", 'A' x 9000, '%s%n', 'x=y', 'registry=trade', 'mode=record', 'Nd99999999999', 'regulator', 'error', 'shipment' ],
	name => [ '', 'trade', 'public', 'api', 'no such', 'a"b', 'pg_catalog', 'retrack', 'x' x 63, 'postgres' ],
	cstring => [ '', 'Nd=1', 'Dy', '1 kg', '25-AA-001234-A', '1e999999999', '{"Nd":"1"}', '{"Nd":', 'x' x 5000, '±' ],
	bytea => [ '', '\x00', '\xffffffffffffffffffffffffffffffffffffffffffff', '\x01000000010000000000000000', '\x' . '00' x 200, '\x' . '7f' x 90 ],
	date => [qw(2025-06-01 infinity -infinity 0001-01-01 5874897-12-31)],
	timestamptz => [ 'infinity', '-infinity', '2025-06-01', '294276-12-31', '4713-01-01 BC' ],
	interval => [ '0', '1 day', '-1 day', '178000000 years', '-178000000 years' ],
	oid => [qw(0 1 1259 2147483648 4294967295 16384)],
	regclass => [qw(trade.shipment trade.party trade.licence api.party pg_class trade.licence_usage public.partitioned public.odd 0 4294967295
		trade.violation trade.party_pkey trade.pull_reject)],
	jsonb => [ 'null', '{}', '[]', '{"Nd":0.3}', '{"Nd":1e400}', '{"Nd":{"x":1}}', '{"Nd":"30%"}', '{"":1}', '{"Nd":-1}', '{"Nd":null}', '3', '{"Nd":[]}' ],
	element => [qw(Sc Y La Nd Dy Lu Pm)],
	licence_id => [qw(25-AA-001234 00-00-000000 99-ZZ-ZZZZZZ 25-AB-000001)],
	mass => [ '0', '1 mg', '-1 mg', '9223372036854775807 mg', '-9223372036854775808 mg', '12.5 kg', '1 t' ],
	assay => [ '', 'Nd=100%', 'Nd=1ppb', 'Nd=29.5%,Dy=3.15%±0.05%', 'Dy=0', 'Pm=1%', 'Nd=50%±100%', join(',', map { "$_=5%" } qw(Sc Y La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu)) ],
	balance => [],
	flow => [qw(opening receipt shipment loss closing)],
	stage => [qw(mining trading separation)],
	form => [qw(ore magnet scrap)],
	char => [qw(a b)],
	text_range => [ 'empty', '(,)', '[a,b]' ],
	stage_range => [ 'empty', '(,)', '[mining,trading]' ],
	form_range => [ 'empty', '(,)', '[ore,ore]' ],
	pull_job => [ '(,,,,,,,,,,)' ],
);
my $balance_of = q{(SELECT retrack.mass_balance(f::retrack.flow, m::retrack.mass, a::retrack.assay, %s, %s, 'i') FROM (VALUES %s) v(f, m, a))};

sub pick { return $_[ int rand @_ ] }
sub quoted { my ($s) = @_; $s =~ s/'/''/g; return "'$s'" }

# An SQL expression of the type (its OID's name with schema).
sub value
{
	my ($type) = @_;
	return "NULL::$type" if rand() < 0.12 && $type ne 'anyelement';
	if ($type =~ /^(.*)\[\]$/)
	{
		my $of = $1;
		return "'{}'::$type" if rand() < 0.15;
		return "ARRAY[[NULL,NULL]]::$type" if rand() < 0.1;
		return "'[-3:-2]={NULL,NULL}'::$type" if rand() < 0.1;
		return 'ARRAY[' . join(',', map { value($of) } 0 .. int rand 4) . "]::$type";
	}
	return pick('NULL::trade.shipment', 'NULL::pg_class', '1::int', "'x'::text", 'NULL::public.odd', 'ROW(1)', 'NULL::trade.party') if $type eq 'anyelement';
	(my $plain = $type) =~ s/^.*\.//;
	$plain =~ s/^"(.*)"$/$1/;
	if ($plain eq 'balance')
	{
		my $rows = join ', ', map { sprintf '(%s, %s, %s)', map { quoted($_) } pick(@{ $odd{flow} }), pick(@{ $odd{mass} }), pick(@{ $odd{assay} }) } 0 .. int rand 4;
		return sprintf $balance_of, pick(0, 0.1, 1), pick(0, 0.01, 1), $rows;
	}
	my $values = $odd{$plain} or return "NULL::$type";
	return 'NULL' unless @$values;
	return quoted(pick(@$values)) . "::$type";
}

my @routines = map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT p.prokind, p.oid::regproc, p.proretset, (SELECT coalesce(string_agg(CASE typname WHEN 'float8' THEN 'float8' WHEN 'bool' THEN 'bool'
         WHEN 'timestamptz' THEN 'timestamptz' WHEN 'char' THEN '"char"' ELSE format_type(t.oid, NULL) END, ';' ORDER BY n), '')
       FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, n) JOIN pg_type t ON t.oid = a.type)
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND extname = 'retrack'
WHERE p.prorettype <> 'trigger'::regtype ORDER BY p.oid::regprocedure::text COLLATE "C"
SQL
my @operators = map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT oprname, CASE oprleft WHEN 0 THEN '' ELSE oprleft::regtype::text END, oprright::regtype::text
FROM pg_operator WHERE oprnamespace = 'retrack'::regnamespace ORDER BY oid::regoperator::text COLLATE "C"
SQL
cmp_ok(scalar @routines, '>', 200, 'the routines are found');
cmp_ok(scalar @operators, '>', 30, 'so are the operators');

my (@script, @procedures);
for my $routine (@routines)
{
	my ($kind, $name, $set, $types) = @$routine;
	my @types = split /;/, $types;
	my %short = ('double precision' => 'float8', boolean => 'bool', integer => 'int4', bigint => 'int8', smallint => 'int2', 'timestamp with time zone' => 'timestamptz');
	s/^(.*?)(\[\])?$/($short{$1} \/\/ $1) . ($2 \/\/ '')/e for @types;
	for my $call (1 .. (@types ? $calls : 1))
	{
		my @values = map { $call == 1 && $_ ne 'anyelement' ? "NULL::$_" : value($_) } @types;
		if ($kind eq 'p') { push @procedures, "CALL $name(" . join(', ', @values) . ')'; next }
		my $done = "$name(" . join(', ', @values) . ')';
		$done .= ' OVER (ORDER BY i ROWS 1 PRECEDING)' if $kind eq 'a' && rand() < 0.3;
		my $statement = $kind eq 'a' ? "SELECT $done FROM generate_series(1, " . pick(0, 1, 3) . ') i' : $set eq 't' || rand() < 0.3 ? "SELECT * FROM $done" : "SELECT $done";
		push @script, $statement;
	}
}
for my $operator (@operators)
{
	my ($name, $left, $right) = @$operator;
	push @script, 'SELECT ' . ($left eq '' ? '' : value($left)) . " OPERATOR(retrack.$name) " . value($right) for 1 .. $calls;
}

# Runs the statements in one session; fails where one answers with class XX, is cancelled, or the session ends.
sub run_all
{
	my ($what, @statements) = @_;
	my $script = "SET client_min_messages = error;\n" . join '', map { 'SELECT n, s FROM (SELECT ' . $_ . ', public.try(' . quoted($statements[$_]) . ")) a(n, s);\n" } 0 .. $#statements;
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0, timeout => 600);
	my %answer = map { /^(\d+)\|(.*)$/ ? ($1 => $2) : () } split /\n/, $out;
	# a series of 2^63 masses is no hang: it was asked for, and ends when it is told to
	my @bad = grep { !defined $answer{$_} || $answer{$_} =~ /^(XX|57014|ZZ|P0004)/ && !($answer{$_} =~ /^57014/ && $statements[$_] =~ /generate_series\('/) } 0 .. $#statements;
	my $ran = grep { $_ =~ /^00000/ } values %answer;
	is(scalar @bad, 0, "$what: " . @statements . ' statements, a value or an error with a code of its own');
	diag substr($statements[$_], 0, 600), "\n  -> ", substr($answer{$_} // "no answer: $err", 0, 300) for @bad[ 0 .. ($#bad > 30 ? 30 : $#bad) ];
	cmp_ok($ran, '>', @statements / 10, "$what: enough of them ran ($ran)");
	return;
}
run_all('functions and operators', @script);

# Procedures may end transactions, so each is a statement of its own; SQLSTATE is psql's. A registry takes its time to be
# made where the machine is busy or the server checks its assertions.
my $script = "SET client_min_messages = error;\nSET statement_timeout = '60s';\n" . join '', map { "BEGIN;\nROLLBACK;\n$_;\n\\echo :SQLSTATE\n" } @procedures;
my ($out, $err) = ('', '');
$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0, timeout => 600);
my @states = split /\n/, $out;
is(scalar @states, scalar @procedures, 'procedures: each answers');
my @bad = grep { ($states[$_] // '?') =~ /^(XX|57014|P0004|\?)/ } 0 .. $#procedures;
is(scalar @bad, 0, 'procedures: ' . @procedures . ' calls');
diag substr($procedures[$_], 0, 600), ' -> ', $states[$_] // "no answer: $err" for @bad;

is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server is up');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/TRAP: |PANIC: |was terminated by signal/, 'no assertion failed, no process died');
$node->stop;
done_testing();
