# Protects: over random sequences of periods (shared and late instruments, reversals, several elements, rows
# without instrument) MUF, sigma, z, CUMUF, SITMUF, GEMUF and Page's test are what matrices give: every source of
# error with its coefficient in each period's MUF, in big integers; Cholesky's factor with forty digits.
use strict;
use warnings;
use Math::BigInt try => 'GMP';
use Math::BigFloat try => 'GMP';
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @seeds = split / /, $ENV{RETRACK_SEEDS} // '1 4 65';
note "seeds @seeds (RETRACK_SEEDS sets them)";
my @elements = qw(La Nd Tb Dy);
my ($k, $h) = (0.5, 3);
my $noise;	# instruments of half the facilities are so bad that what is missing may be error

sub pick { return $_[ rand @_ ] }
sub big { return Math::BigInt->new(shift) }
sub float { return Math::BigFloat->new(shift) }

# A measurement: mg; element => [ ppb, deviation ppb ]; ppb and ppb; name or undef
sub measure
{
	my ($scale, @instruments) = @_;
	my %assay = map { $_ => [ int rand 230_000_000, rand() < 0.5 ? 0 : int rand 2_000_000 ] } grep { rand() < 0.8 } @elements;
	$assay{Nd} //= [ 300_000_000, 100_000 ];
	return { mg => int(1 + rand $scale), assay => \%assay, r => $noise * (100_000 + int rand 4_000_000), s => $noise * pick(0, int rand 3_000_000, 2_000_000), name => pick(undef, @instruments) };
}

# Periods of one facility: lists of [ flow, measurement, taken back (-1) or not (1) ].
sub sequence
{
	my ($periods) = @_;
	$noise = pick(1, 200);
	my @common = map { "scale $_" } 1 .. 1 + rand 4;
	my @stock = map { measure(4e9, @common) } 1 .. 1 + rand 3;
	my @result;
	for my $t (1 .. $periods)
	{
		my @names = (@common, rand() < 0.3 ? "new in $t" : ());
		my @rows = map { [ 'opening', $_, 1 ] } @stock;
		@stock = map { measure(4e9, @names) } 1 .. 1 + rand 3;
		push @rows, map { [ 'closing', $_, 1 ] } @stock;
		push @rows, [ pick(qw(receipt shipment loss)), measure(10**(6 + rand 4), @names), 1 ] for 1 .. rand 6;
		# one error, booked and taken back, once or twice
		push @rows, map { ([ @$_[ 0, 1 ], -1 ], rand() < 0.5 ? [ @$_[ 0, 1 ], 1 ] : ()) } grep { $_->[0] !~ /opening|closing/ && rand() < 0.3 } @rows;
		push @result, \@rows;
	}
	return \@result;
}

# What the periods' MUF of an element are and how they vary: mg ppb, and (mg ppb ppb)^2.
sub matrices
{
	my ($periods, $e) = @_;
	my (@muf, %source);
	for my $t (0 .. $#$periods)
	{
		$muf[$t] = big(0);
		for my $row (@{ $periods->[$t] })
		{
			my ($flow, $m, $side) = @$row;
			my $assay = $m->{assay}{$e} or next;
			my $sign = $side * ($flow eq 'opening' || $flow eq 'receipt' ? 1 : -1);
			my $x = big($m->{mg}) * $assay->[0] * $sign;
			$muf[$t] += $x;
			for my $term ([ "random $m", $x * $m->{r} ], [ "assay $m", big($m->{mg}) * $assay->[1] * $sign * 1_000_000_000 ],
				[ defined $m->{name} ? "bias $m->{name}" : "own bias $m", $x * $m->{s} ])
			{
				($source{ $term->[0] }[$t] //= big(0))->badd($term->[1]);
			}
		}
	}
	my @c;
	for my $i (0 .. $#muf)
	{
		for my $j (0 .. $i)
		{
			my $sum = big(0);
			for (values %source) { $sum += $_->[$i] * $_->[$j] if $_->[$i] && $_->[$j] }
			$c[$i][$j] = $c[$j][$i] = $sum;
		}
	}
	return (\@muf, \@c);
}

# An integer with so many decimals, as numeric prints it without trailing zeros.
sub decimal
{
	my ($v, $decimals) = @_;
	my $digits = sprintf '%0*s', $decimals + 1, $v->copy->babs->bstr;
	my $text = substr($digits, 0, -$decimals) . '.' . substr($digits, -$decimals);
	$text =~ s/\.?0+$//;
	return ($v->is_neg ? '-' : '') . $text;
}

# round(sqrt(v) / unit), halves up
sub rounded_root { my ($v, $unit) = @_; return (($v * 4)->bsqrt + $unit)->bdiv($unit * 2)->copy }

sub sigma_and_z
{
	my ($muf, $var) = @_;
	my $sigma = decimal(scalar rounded_root($var, 1_000_000_000), 15);
	return ($sigma, undef) if $var->is_zero;
	# z 10^7, floor, then the last digit dropped
	my $z = ($muf->copy->babs**2 * big(10)**32 / $var)->bsqrt;
	$z = ($z + 5) / 10;
	return ($sigma, decimal($muf->is_neg ? -$z : $z, 6));
}

# L^-1 MUF; undef where the periods before leave nothing to chance (there the filter answers NULL). And how well a
# double can know it: what is left of a variance is known the worse the less it is.
sub whiten
{
	my ($muf, $c) = @_;
	my (@l, @y, @certain, @tolerance);
	for my $i (0 .. $#$muf)
	{
		for my $j (0 .. $i)
		{
			my $sum = float($c->[$i][$j]);
			$sum -= $l[$i][$_] * $l[$j][$_] for 0 .. $j - 1;
			$certain[$i] = $sum < float($c->[$i][$i]) * 1e-25 if $i == $j;
			push @tolerance, $certain[$i] ? 0 : 1e-14 * float($c->[$i][$i])->bdiv($sum, 40)->numify if $i == $j;
			$l[$i][$j] = $certain[$j] ? float(0) : $i == $j ? $sum->bsqrt(40) : $sum->bdiv($l[$j][$j], 40);
		}
		my $rest = float($muf->[$i]) * 1_000_000_000;
		$rest -= $l[$i][$_] * $y[$_] for 0 .. $i - 1;
		$y[$i] = $certain[$i] ? float(0) : $rest->bdiv($l[$i][$i], 40);
		die 'a surprise that cannot be' if $certain[$i] && $rest->babs > float($c->[$i][$i])->bsqrt(40) * 1e-20;
	}
	return ([ map { $certain[$_] ? undef : $y[$_]->numify } 0 .. $#y ], \@tolerance);
}

# Upper tail of chi-square by its finite sums
sub chi_square
{
	my ($x, $n) = @_;
	my ($p, $term, $first) = $n % 2 ? (POSIX::erfc(sqrt($x / 2)), sqrt(2 * $x / 3.14159265358979323846) * exp(-$x / 2), 3) : (exp(-$x / 2), exp(-$x / 2) * $x / 2, 4);
	for (my $df = $first; $df <= $n; $df += 2) { $p += $term; $term *= $x / $df }
	return $p;
}

my $node = PostgreSQL::Test::Cluster->new('sequences');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nfsync = off");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION retrack});
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET search_path = public, retrack});

sub near { my ($a, $b, $tolerance) = @_; return abs($a - $b) <= $tolerance * (1 + abs $b) }

for my $seed (@seeds)
{
	srand($seed);
	my @facilities = map { sequence(1 + int rand 13) } 1 .. 8;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/rows';
	my $id = 0;
	open my $out, '>', $file or die;
	for my $f (0 .. $#facilities)
	{
		for my $t (0 .. $#{ $facilities[$f] })
		{
			for my $row (@{ $facilities[$f][$t] })
			{
				my ($flow, $m, $side) = @$row;
				my $assay = join ',', map { "$_=$m->{assay}{$_}[0]ppb+/-$m->{assay}{$_}[1]ppb" } sort keys %{ $m->{assay} };
				print $out join("\t", rand, $f, $t + 1, $flow, $side * $m->{mg} . ' mg', $assay, (map { sprintf '%.9f', $m->{$_} / 1e9 } qw(r s)), $m->{name} // '\N'), "\n";
			}
		}
	}
	close $out;
	$node->safe_psql('postgres', "DROP TABLE IF EXISTS movement; CREATE TABLE movement (shuffle float8, facility int, period int, flow flow, mass mass, assay assay, r float8, s float8, instrument text)");
	$node->safe_psql('postgres', "\\copy movement FROM '$file'");
	my %got;
	for (split /\n/, $node->safe_psql('postgres', qq{
		CREATE TEMP TABLE b AS SELECT facility, period, mass_balance(flow, mass, assay, r, s, instrument) AS b FROM (SELECT * FROM movement ORDER BY shuffle) AS m GROUP BY 1, 2;
		SET extra_float_digits = 1;
		SELECT facility, period, e, trim_scale(muf(b, e)), trim_scale(variance(b, e)), trim_scale(sigma(b, e)), trim_scale(z(b, e)),
			trim_scale((c).muf), trim_scale((c).sigma), trim_scale((c).z), (c).p_value, (c).periods, trim_scale(variance(whole, e)), sitmuf, (g).gemuf, (g).p_value, (g).periods, (p).upper, (p).lower, (p).alarm
		FROM (SELECT facility, period, b, e, cumuf(b, e) OVER w AS c, cumuf(b) OVER w AS whole, sitmuf(b, e) OVER w, gemuf(b, e) OVER w AS g, page_test(b, e, $k, $h) OVER w AS p
			FROM b, unnest('{@{[ join ',', @elements ]}}'::element[]) AS e WINDOW w AS (PARTITION BY facility, e ORDER BY period)) AS t}))
	{
		my ($f, $t, $e, @values) = split /\|/, $_, -1;
		$got{$f}{$e}[ $t - 1 ] = \@values;
	}
	my @wrong;
	my $compared = 0;
	for my $f (0 .. $#facilities)
	{
		for my $e (@elements)
		{
			my ($muf, $c) = matrices($facilities[$f], $e);
			next if grep { $c->[$_][$_]->is_zero } 0 .. $#$muf;	# exact measurements: balance_sequences' part
			my ($y, $spread) = whiten($muf, $c);
			my $tolerance = 1e-8;
			my ($total, $total_var, $gemuf, $degrees, $upper, $lower) = (big(0), big(0), 0, 0, 0, 0);
			for my $t (0 .. $#$muf)
			{
				$tolerance = $spread->[$t] if $spread->[$t] > $tolerance;
				my ($gmuf, $gvar, $gsigma, $gz, $cmuf, $csigma, $cz, $cp, $periods, $cvar, $sitmuf, $g, $gp, $gn, $pu, $pl, $alarm) = @{ $got{$f}{$e}[$t] };
				my ($sigma, $z) = sigma_and_z($muf->[$t], $c->[$t][$t]);
				$total += $muf->[$t];
				$total_var += $c->[$t][$t];
				$total_var += $c->[$t][$_] * 2 for 0 .. $t - 1;
				my ($sum_sigma, $sum_z) = sigma_and_z($total, $total_var);
				if (defined $y->[$t])
				{
					$degrees++;
					$gemuf += $y->[$t]**2;
					$upper = $upper + $y->[$t] - $k > 0 ? $upper + $y->[$t] - $k : 0;
					$lower = $lower - $y->[$t] - $k > 0 ? $lower - $y->[$t] - $k : 0;
				}
				my %check = (
					muf => $gmuf eq decimal($muf->[$t], 15), variance => $gvar eq decimal($c->[$t][$t], 48), sigma => $gsigma eq $sigma, z => $gz eq ($z // ''),
					cumuf => $cmuf eq decimal($total, 15), 'cumuf variance' => $cvar eq decimal($total_var, 48), 'cumuf sigma' => $csigma eq $sum_sigma, 'cumuf z' => $cz eq ($sum_z // ''),
					periods => $periods == $t + 1, 'cumuf p' => near($cp, $total_var->is_zero ? ($total->is_zero ? 1 : 0) : POSIX::erfc(abs($total->numify * 1e9) / sqrt($total_var->numify) / sqrt 2), 1e-12),
					sitmuf => defined $y->[$t] ? near($sitmuf, $y->[$t], $tolerance) : $sitmuf eq '', degrees => $gn == $degrees, gemuf => near($g, $gemuf, $tolerance), 'gemuf p' => near($gp, chi_square($gemuf, $degrees), $tolerance),
					upper => near($pu, $upper, $tolerance), lower => near($pl, $lower, $tolerance),
					alarm => abs($upper - $h) < 1e-3 || abs($lower - $h) < 1e-3 || $alarm eq ($upper > $h || $lower > $h ? 't' : 'f'));
				push @wrong, map { "facility $f $e period @{[ $t + 1 ]}: $_ (@{ $got{$f}{$e}[$t] }) y @{[ $y->[$t] // 'none' ]}" } grep { !$check{$_} } sort keys %check;
				$compared += keys %check;
			}
		}
	}
	is(join("\n", @wrong[ 0 .. ($#wrong > 5 ? 5 : $#wrong) ]), '', "seed $seed: $compared answers are the matrices'");
}
$node->stop;
done_testing();
