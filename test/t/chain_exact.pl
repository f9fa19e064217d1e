# Protects: shares through random lot graphs, loops included, are those of rational arithmetic: origins and
# destinations, by mass and by element, one lot at a time and all at once.
use strict;
use warnings;

use Math::BigInt;
use Math::BigRat;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $graphs = $ENV{CHAIN_GRAPHS} // 9;
my $seed = $ENV{CHAIN_SEED} // 20250404;
srand($seed);
note("seed $seed, $graphs graphs (CHAIN_SEED, CHAIN_GRAPHS)");

my $node = PostgreSQL::Test::Cluster->new('chain');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\n");
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION retrack;
CREATE SCHEMA g;
CREATE TABLE g.lot (lot_id text PRIMARY KEY, facility_id text, form retrack.form, assay retrack.assay, mass retrack.mass, created_on date);
CREATE TABLE g.lot_edge (input_lot text, output_lot text, mass retrack.mass)});

# A graph: lots with a mass in mg (or undef) and a fraction of Dy in ppb (or undef: no assay; some have no row at all),
# edges mostly from lower to higher lots; $loops per cent of them lead back, so that there are cycles, and some start where they end.
sub random_graph
{
	my ($n, $m, $loops) = @_;
	my (@lot, @edge);
	for my $i (0 .. $n - 1)
	{
		push @lot, { listed => rand() < 0.97, mass => rand() < 0.95 ? 1 + int(10**(rand() * 10)) : undef, ppb => rand() < 0.9 ? (rand() < 0.2 ? 0 : int(rand(3e8))) : undef };
		$lot[$i]{$_} = undef for grep { !$lot[$i]{listed} } qw(mass ppb);
	}
	for (1 .. $m)
	{
		my ($a, $b) = (int rand $n, int rand $n);
		($a, $b) = ($b, $a) if ($a > $b) != (rand(100) < $loops);
		next if $a == $b && rand() > $loops / 200;
		push @edge, { from => $a, to => $b, mass => rand() < 0.05 ? 0 : 1 + int(10**(rand() * 9)) };
	}
	return { lots => \@lot, edges => \@edge };
}

# Which pool (strongly connected component) each lot is in: lots that reach each other.
sub pools
{
	my ($g) = @_;
	my $n = @{ $g->{lots} };
	my @next = map { [] } 1 .. $n;
	push @{ $next[ $_->{from} ] }, $_->{to} for @{ $g->{edges} };
	my @reach;
	for my $i (0 .. $n - 1)
	{
		my @todo = ($i);
		while (@todo) { for my $j (@{ $next[ pop @todo ] }) { push @todo, $j unless $reach[$i][$j]++; } }
	}
	return map { my $i = $_; my ($first) = grep { $_ == $i || ($reach[$i][$_] && $reach[$_][$i]) } 0 .. $n - 1; $first } 0 .. $n - 1;
}

# The shares of every lot: [ { source => BigRat } ], by DESIGN's definition: the mix of a pool is the mean of what enters it, by weight.
sub exact_shares
{
	my ($g, $direction, $by_element) = @_;
	my ($lots, $edges) = @$g{qw(lots edges)};
	my @pool = pools($g);
	my @kept = map { $_->{mass} // 0 } @$lots;
	for my $e (@$edges) { $kept[ $e->{from} ] -= $kept[ $e->{from} ] < $e->{mass} ? $kept[ $e->{from} ] : $e->{mass}; }
	my @weight = map { Math::BigRat->new($_->{mass}) } @$edges;
	if ($by_element)
	{
		$weight[$_] *= $lots->[ $edges->[$_]{from} ]{ppb} // 0 for 0 .. $#$edges;
	}
	if ($by_element && $direction eq 'destination')
	{
		my @brought = map { Math::BigRat->new(0) } @$lots;
		$brought[ $edges->[$_]{to} ] += $weight[$_] for 0 .. $#$edges;
		for my $k (0 .. $#$edges)
		{
			my $to = $lots->[ $edges->[$k]{to} ];
			next unless defined $to->{ppb} && defined $to->{mass};
			my $holds = Math::BigRat->new($to->{mass}) * $to->{ppb};
			$weight[$k] = $weight[$k] * $holds / $brought[ $edges->[$k]{to} ] if $holds < $brought[ $edges->[$k]{to} ];
		}
	}
	# what enters each pool: [ weight, pool it comes from, or the lot that keeps it ]
	my %enters;
	for my $k (0 .. $#$edges)
	{
		my ($here, $there) = $direction eq 'origin' ? @{ $edges->[$k] }{qw(to from)} : @{ $edges->[$k] }{qw(from to)};
		push @{ $enters{ $pool[$here] } }, [ $weight[$k], $pool[$there], undef ] if $pool[$here] != $pool[$there];
	}
	if ($direction eq 'destination')
	{
		for my $i (0 .. $#$lots)
		{
			my $w = Math::BigRat->new($kept[$i]) * ($by_element ? $lots->[$i]{ppb} // 0 : 1);
			push @{ $enters{ $pool[$i] } }, [ $w, undef, $i ];
		}
	}
	my %mix;
	my $solve;
	$solve = sub {
		my ($pool) = @_;
		return $mix{$pool} if $mix{$pool};
		my @in = grep { $_->[0] > 0 } @{ $enters{$pool} // [] };
		return $mix{$pool} = { name($pool) => Math::BigRat->new(1) } unless @in;
		my $total = Math::BigRat->new(0);
		$total += $_->[0] for @in;
		my %sum;
		for my $in (@in)
		{
			my $part = defined $in->[2] ? { name($in->[2]) => Math::BigRat->new(1) } : $solve->($in->[1]);
			$sum{$_} = ($sum{$_} // 0) + $in->[0] * $part->{$_} / $total for keys %$part;
		}
		return $mix{$pool} = \%sum;
	};
	# a pool is named by its smallest lot, which is also its first
	return map { $solve->($pool[$_]) } 0 .. $#$lots;
}
sub name { return sprintf 'L%03d', $_[0] }

my ($compared, $looped) = (0, 0);
for my $graph (1 .. $graphs)
{
	my $g = random_graph(30 + int rand 25, 60 + int rand 50, ($graph % 3) * 6);
	my ($lots, $edges) = @$g{qw(lots edges)};
	$node->safe_psql('postgres', 'TRUNCATE g.lot, g.lot_edge;' . join ';',
		map({ my $l = $lots->[$_]; sprintf q{INSERT INTO g.lot VALUES ('%s', 'F', 'ore', %s, %s, '2025-01-01')}, name($_),
			  defined $l->{ppb} ? sprintf(q{'Nd=1%%,Dy=%d ppb'}, $l->{ppb}) : 'NULL', defined $l->{mass} ? "'$l->{mass} mg'" : 'NULL' } grep { $lots->[$_]{listed} } 0 .. $#$lots),
		map { sprintf q{INSERT INTO g.lot_edge VALUES ('%s', '%s', '%d mg')}, name($_->{from}), name($_->{to}), $_->{mass} } @$edges);
	my @pool = pools($g);
	my %size;
	$size{$_}++ for @pool;
	$looped += grep { $_ > 1 } values %size;
	for my $direction (qw(origin destination))
	{
		for my $by_element (0, 1)
		{
			my @want = exact_shares($g, $direction, $by_element);
			my $element = $by_element ? q{, 'Dy'} : '';
			my %got;
			for (split /\n/, $node->safe_psql('postgres', "SELECT l.lot_id, t.$direction, t.share FROM g.lot l, retrack.trace_$direction('g', l.lot_id$element) t"))
			{
				my ($lot, $source, $share) = split /\|/;
				$got{$lot}{$source} = Math::BigRat->new($share);
			}
			my @wrong;
			for my $i (grep { $lots->[$_]{listed} } 0 .. $#$lots)
			{
				my $want = $by_element && !($lots->[$i]{ppb} // 0) ? {} : $want[$i];
				my $got = $got{ name($i) } // {};
				# a share below a unit may have fallen away
				for my $source (keys %{ { %$want, %$got } })
				{
					$compared++;
					my $off = ($want->{$source} // 0) - ($got->{$source} // 0);
					push @wrong, sprintf('%s from %s: %s, not %s', name($i), $source, $got->{$source} // 'nothing', ($want->{$source} // Math::BigRat->new(0))->as_float(30))
					  if abs($off) > Math::BigRat->new(scalar(@$lots) . '/1000000000000000000');
				}
			}
			is("@wrong[0 .. ($#wrong < 2 ? $#wrong : 2)]", '', "graph $graph, $direction, " . ($by_element ? 'Dy' : 'mass'));
		}
	}
	is($node->safe_psql('postgres', q{
		(SELECT l.lot_id, t.origin, t.share, t.mass, t.looped FROM g.lot l, retrack.trace_origin('g', l.lot_id, 'Dy') t
		 EXCEPT SELECT s.lot, s.origin, s.share, s.mass, s.looped FROM retrack.origin_shares('g', 'Dy') s) LIMIT 3}), '', "graph $graph: one by one as all together");
	is($node->safe_psql('postgres', q{SELECT string_agg(cycle || ' ' || lot || ' ' || lots, ',' ORDER BY lot) FROM retrack.lot_cycles('g') WHERE lots > 1}),
		join(',', map { name($pool[$_]) . ' ' . name($_) . " $size{$pool[$_]}" } grep { $size{ $pool[$_] } > 1 } 0 .. $#pool), "graph $graph: cycles");
}
cmp_ok($looped, '>', $graphs / 4, "$looped pools of several lots");
cmp_ok($compared, '>', 100 * $graphs, "$compared shares compared");
$node->stop;
done_testing();
