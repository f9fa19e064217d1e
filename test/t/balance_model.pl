# Protects: a balance holds, byte for byte, what a program with big integers makes of the same rows: masses up
# to both ends of int64, reversals, deviations from none to 100 %, fractions that fill an assay, names of every
# length, NULLs anywhere; whole, in parallel, spilled to disk and in frames that rows enter and leave.
use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use Math::BigInt try => 'GMP';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{RETRACK_SEED} // 20250405;
note "seed $seed (RETRACK_SEED sets it)";
srand($seed);

my @element = qw(Sc Y La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu);
my @flow = qw(opening receipt shipment loss closing);
my @names = ('', 'a', 'ab', 'abc', 'abd', 'aba', 'abcd', 'abce', 'scale 1', 'scale 2', 'scale 10', 'Wägung 镝', 'exactly16bytes!!', 'exactly16bytes!?',
	'seventeen bytes!!', 'x' x 200, 'x' x 199 . 'y', 'quo"te\\', "new\nline", map { "one-off $_" } 1 .. 60);
my $groups = 24;

sub pick { return $_[ rand @_ ] }
sub big { return Math::BigInt->new(shift) }

# A number of up to so many bits, few of them as likely as many.
sub bits
{
	my $n = 1 + int rand shift;
	my $v = big(0);
	$v = $v * 2 + int rand 2 for 1 .. $n;
	return $v;
}

sub random_mass
{
	return big(pick('9223372036854775807', '-9223372036854775808', '-9223372036854775807', 0, 1, -1)) if rand() < 0.1;
	my $v = bits(63);
	return rand() < 0.3 ? -$v : $v;
}

# element => [ fraction, deviation ] in ppb, not above 100 % in all
sub random_assay
{
	my %assay;
	my $left = 1e9;
	for (1 .. pick(1, 2, 3, 4, 6, 9, 25))
	{
		my $e = int rand 17;
		next if $assay{$e};
		my $p = pick(0, $left, int rand($left + 1), int(rand($left + 1) / 9));
		$left -= $p;
		$assay{$e} = [ $p, rand() < 0.7 ? 0 : pick(1, 1e9, int rand 1e9, int rand 1e6) ];
	}
	if (rand() < 0.5) { $_->[1] = 0 for values %assay }
	return \%assay;
}

sub random_rsd
{
	my $kind = rand;
	return undef if $kind < 0.2;
	return pick(0, 1e9, 1, 999999999) if $kind < 0.4;
	return int rand pick(1e9, 1e7, 1e4);
}

my @rows;
for my $id (1 .. 3000)
{
	my $group = int rand $groups;
	push @rows, {
		id => $id, group => $group,
		flow => rand() < 0.02 ? undef : int rand 5,
		mass => rand() < 0.02 ? undef : random_mass(),
		assay => rand() < 0.02 ? undef : random_assay(),
		random => random_rsd(), systematic => random_rsd(),
		# a few names, any, one
		name => rand() < 0.2 ? undef : $group % 3 == 0 ? pick(@names) : $group % 3 == 1 ? pick(@names[ 0 .. 9 ]) : $names[$group] };
}

# n bytes, most significant first, in two's complement
sub twos
{
	my ($v, $n) = @_;
	my $hex = ($v->is_neg ? $v + big(2)->bpow(8 * $n) : $v)->as_hex;
	return pack('H*', substr('0' x (2 * $n) . substr($hex, 2), -2 * $n));
}

sub mask { my $m = 0; $m |= 1 << $_ for @_; return $m }

# What balance_send gives for the rows: FACTS' formula, in mg, ppb and their products. undef: no balance.
sub model
{
	my ($with_errors, @rows) = @_;
	my (%sum, %var, %bias);
	my $counted = 0;
	for my $row (@rows)
	{
		next unless defined $row->{flow} && defined $row->{mass} && defined $row->{assay};
		$counted++;
		my ($r, $s) = $with_errors ? ($row->{random} // 0, $row->{systematic} // 0) : (0, 0);
		my $m = $row->{mass};
		my $span = $row->{flow} == 0 ? 0 : $row->{flow} == 4 ? 2 : 1;
		my $taken = $m->is_neg ? -1 : 1;
		for my $e (keys %{ $row->{assay} })
		{
			my ($p, $sd) = @{ $row->{assay}{$e} };
			my $x = $m * $p;
			$sum{$e} //= [ map { big(0) } 1 .. 5 ];
			$var{$e} //= [ map { big(0) } 1 .. 3 ];
			$sum{$e}[ $row->{flow} ] += $x;
			$var{$e}[$span] += $taken * (($x * $r)**2 + ($m * $sd * 1_000_000_000)**2);
			if (!defined $row->{name} || !$with_errors) { $var{$e}[$span] += $taken * ($x * $s)**2 }
			else { ($bias{ encode_utf8($row->{name}) }[$span]{$e} //= big(0))->badd(($row->{flow} < 2 ? 1 : -1) * $x * $s) }
		}
	}
	return undef unless $counted;
	my @present = sort { $a <=> $b } keys %sum;
	my $has_var = grep { !$_->is_zero } map { @$_ } values %var;
	my $bytes = pack('CN', 1, mask(@present) | ($has_var ? 1 << 17 : 0));
	for my $e (@present) { $bytes .= twos($_, 16) for @{ $sum{$e} } }
	for my $e ($has_var ? @present : ()) { $bytes .= twos($_, 40) for @{ $var{$e} } }
	for my $b (map { @$_ } values %bias) { delete @$b{ grep { $b->{$_}->is_zero } keys %$b } if $b }
	my @kept = sort grep { grep { %{ $_ // {} } } @{ $bias{$_} } } keys %bias;
	$bytes .= pack('N', scalar @kept);
	for my $name (@kept)
	{
		$bytes .= pack('N/a*', $name);
		for my $span (0 .. 2)
		{
			my $of = $bias{$name}[$span] // {};
			$bytes .= pack('N', mask(keys %$of)) . join('', map { twos($of->{$_}, 24) } sort { $a <=> $b } keys %$of);
		}
	}
	return $bytes;
}

sub hex_or_null { return defined $_[0] ? '\\\\x' . unpack('H*', $_[0]) : '\\N' }

my $node = PostgreSQL::Test::Cluster->new('model');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nmax_parallel_workers_per_gather = 0");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION retrack});
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET search_path = public, retrack});
sub query { return $node->safe_psql('postgres', shift) }

sub copy_in
{
	my ($columns, @lines) = @_;
	my ($table) = split / /, $columns;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$table";
	open my $out, '>:utf8', $file or die;
	print $out map { join("\t", @$_) . "\n" } @lines;
	close $out;
	query("CREATE TABLE $columns");
	query("\\copy $table FROM '$file'");
	query("ANALYZE $table");
	return;
}

sub field
{
	my $v = shift;
	return '\\N' unless defined $v;
	$v =~ s/\\/\\\\/g;
	$v =~ s/\n/\\n/g;
	return $v;
}

sub assay_text
{
	my $assay = shift or return undef;
	return join ',', map { "$element[$_]=$assay->{$_}[0]ppb" . ($assay->{$_}[1] ? "±$assay->{$_}[1]ppb" : '') } sort keys %$assay;
}

copy_in('movement (id int, facility int, flow flow, mass mass, assay assay, r float8, s float8, instrument text)',
	map { my $row = $_; [ map { field($_) } $row->{id}, $row->{group}, defined $row->{flow} ? $flow[ $row->{flow} ] : undef, defined $row->{mass} ? "$row->{mass} mg" : undef,
		assay_text($row->{assay}), (map { defined $row->{$_} ? sprintf('%d.%09d', $row->{$_} / 1e9, $row->{$_} % 1e9) : undef } qw(random systematic)), $row->{name} ] } @rows);
copy_in('expected (facility int, plain bytea, full_bytes bytea)', map { my $g = $_;
	my @of = grep { $_->{group} == $g } @rows; [ $g, map { hex_or_null(model($_, @of)) } 0, 1 ] } 0 .. $groups - 1);

my $balances = 'SELECT facility, mass_balance(flow, mass, assay) AS p, mass_balance(flow, mass, assay, r, s, instrument) AS b FROM movement GROUP BY facility';
my $compare = "SELECT count(*), bool_and(balance_send(p) = plain), bool_and(balance_send(b) = full_bytes), bool_and(balance_send(b::text::balance) = full_bytes)
	FROM ($balances) AS m JOIN expected USING (facility)";
is(query($compare), "$groups|t|t|t", 'three thousand rows: every balance is the model\'s, byte for byte, and reads back from text');
is(query("SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; $compare"),
	"$groups|t|t|t", 'in parallel');

# groups too many for the memory there is, rolled up
my $spilled = "SELECT facility, sum(p) AS p, sum(b) AS b FROM
	(SELECT facility, mass_balance(flow, mass, assay) AS p, mass_balance(flow, mass, assay, r, s, instrument) AS b FROM movement GROUP BY facility, id % 50) AS d GROUP BY facility";
my $small = "SET work_mem = '64kB'; SET enable_sort = off;";
like(query("$small EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $spilled"), qr/Batches: (?!1 )\d+ .*Disk Usage/, 'a hash aggregate that spills');
is(query("$small SELECT count(*), bool_and(balance_send(p) = plain), bool_and(balance_send(b) = full_bytes) FROM ($spilled) AS m JOIN expected USING (facility)"),
	"$groups|t|t", 'spilled and rolled up');

# frames: six rows around each; from each of the last on
my (@around, @rest);
for my $g (0 .. 5)
{
	my @of = grep { $_->{group} == $g } @rows;
	for my $i (0 .. $#of)
	{
		my @frame = @of[ ($i < 3 ? 0 : $i - 3) .. ($i + 2 > $#of ? $#of : $i + 2) ];
		push @around, [ $of[$i]{id}, map { hex_or_null(model($_, @frame)) } 0, 1 ] if $i % 4 == 0;
		push @rest, [ $of[$i]{id}, hex_or_null(model(1, @of[ $i .. $#of ])) ] if $i > $#of - 20;
	}
}
copy_in('around (id int, plain bytea, full_bytes bytea)', @around);
copy_in('rest (id int, full_bytes bytea)', @rest);
is(query(q{SELECT count(*), bool_and(balance_send(p) IS NOT DISTINCT FROM plain), bool_and(balance_send(b) IS NOT DISTINCT FROM full_bytes)
	FROM (SELECT id, mass_balance(flow, mass, assay) OVER w AS p, mass_balance(flow, mass, assay, r, s, instrument) OVER w AS b FROM movement
		WINDOW w AS (PARTITION BY facility ORDER BY id ROWS BETWEEN 3 PRECEDING AND 2 FOLLOWING)) AS m JOIN around USING (id)}),
	@around . '|t|t', 'moving frames of six rows');
is(query(q{SELECT count(*), bool_and(balance_send(b) IS NOT DISTINCT FROM full_bytes)
	FROM (SELECT id, mass_balance(flow, mass, assay, r, s, instrument) OVER (PARTITION BY facility ORDER BY id
		ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS b FROM movement) AS m JOIN rest USING (id)}),
	@rest . '|t', 'frames that shrink to the last row');

$node->stop;
done_testing();
