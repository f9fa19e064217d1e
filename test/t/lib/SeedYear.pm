# What a generated year should come to in each view, computed here from the API's records and the published
# figures, without the extension: records in, lines of text out.
package SeedYear;

use strict;
use warnings;
use POSIX qw(floor ceil);
use Time::Local qw(timegm_modern);
use ReportingApi;

my %WEIGHT = (    # standard atomic weights
	Sc => 44.955907, Y => 88.905838, La => 138.90547, Ce => 140.116, Pr => 140.90766, Nd => 144.242, Sm => 150.36, Eu => 151.964, Gd => 157.249,
	Tb => 158.925354, Dy => 162.500, Ho => 164.930329, Er => 167.259, Tm => 168.934219, Yb => 173.045, Lu => 174.96669);
my %OXIDE = (Ce => [ 1, 2 ], Pr => [ 6, 11 ], Tb => [ 4, 7 ]);    # others 2, 3
my %CODE = (Sm => '1C902', Gd => '1C903', Tb => '1C904', Dy => '1C905', Lu => '1C906', Sc => '1C907', Y => '1C908');
my %ITEM = (metal => '.a', alloy => '.a', target => '.a', oxide => '.b', compound => '.c');
my $JUDGED = '2026-01-31';    # the day of 2026-02-01 00:00 in Shanghai, in UTC

# new($seed, \%refused): the year of a seed but for the rows refused (id => anything).
sub new
{
	my ($class, $seed, $refused) = @_;
	my $self = bless {}, $class;
	for my $resource (qw(parties facilities licences licence-items licence-applications quotas production shipments transfers))
	{
		my ($key) = { licences => 'licence', 'licence-items' => 'licence', 'licence-applications' => 'application_id', production => 'production_id',
			shipments => 'shipment_id', transfers => 'transfer_id', parties => 'party_id', facilities => 'facility_id', quotas => 'quota_id' }->{$resource};
		$self->{$resource} = [ grep { !$_->{withdrawn} && !exists $refused->{ $_->{$key} } } @{ ReportingApi::dump_records($resource, '--seed', $seed) } ];
	}
	return $self;
}

# A mass in whole milligrams, an assay as fractions.
sub milligrams
{
	my ($number, $unit) = $_[0] =~ /^([\d.]+) ?(t|kg|g|mg)$/ or die "mass $_[0]";
	return sprintf '%.0f', $number * { t => 1e9, kg => 1e6, g => 1e3, mg => 1 }->{$unit};
}
sub fractions { return { map { /^(\w+)=([\d.]+)%/ ? ($1 => $2 / 100) : die "assay $_" } split /,/, $_[0] // '' } }
sub kilograms { my $t = sprintf '%.6f', $_[0] / 1e6; $t =~ s/\.?0+$//; return $t }
sub day { my ($y, $m, $d) = split /-/, $_[0]; return timegm_modern(0, 0, 0, $d, $m - 1, $y) / 86400 }
sub within { my ($from, $to) = $_[1] =~ /^\[(.*),(.*)\)$/; return $_[0] ge $from && $_[0] lt $to }

sub oxide_equivalent
{
	my ($mass, $assay) = @_;
	my ($f, $sum) = (fractions($assay), 0);
	for my $e (keys %$f)
	{
		my ($n, $k) = @{ $OXIDE{$e} // [ 2, 3 ] };
		$sum += $mass * $f->{$e} * (1 + $k * 15.999 / ($n * $WEIGHT{$e}));
	}
	return $sum;
}

# licence|line|kilograms drawn of each item, by the first line that covers a shipment.
sub licence_draws
{
	my ($self) = @_;
	my %drawn;
	$drawn{"$_->{licence}|$_->{line}"} = 0 for @{ $self->{'licence-items'} };
	for my $s (grep { defined $_->{licence} } @{ $self->{shipments} })
	{
		my ($item) = sort { $a->{line} <=> $b->{line} } grep {
			substr($_->{licence}, 0, 12) eq substr($s->{licence}, 0, 12) && $_->{form} eq $s->{form}
			  && ($_->{control_code} eq $s->{control_code} || index($s->{control_code}, "$_->{control_code}.") == 0)
			  && (!defined $_->{hs_code} || !defined $s->{hs_code} || $_->{hs_code} eq $s->{hs_code}) } @{ $self->{'licence-items'} };
		$drawn{"$item->{licence}|$item->{line}"} += milligrams($s->{net_mass});
	}
	return map { "$_|" . kilograms($drawn{$_}) } keys %drawn;
}

# quota_id => milligrams of REO that its holder and those below it produced.
sub quota_draws
{
	my ($self) = @_;
	my %party_of = map { $_->{facility_id} => $_->{party_id} } @{ $self->{facilities} };
	my %parent = map { $_->{party_id} => $_->{parent} } @{ $self->{parties} };
	my %drawn = map { $_->{quota_id} => 0 } @{ $self->{quotas} };
	for my $p (@{ $self->{production} })
	{
		my %holders;
		for (my $h = $party_of{ $p->{facility_id} }; defined $h; $h = $parent{$h}) { $holders{$h} = 1; }
		for my $q (@{ $self->{quotas} })
		{
			my $class = $q->{ore_class} // 'any';
			$drawn{ $q->{quota_id} } += oxide_equivalent(milligrams($p->{mass}), $p->{assay})
			  if $holders{ $q->{holder} } && $q->{stage} eq $p->{stage} && ($class eq 'any' || $class eq ($p->{ore_class} // '')) && within($p->{produced_on}, $q->{period});
		}
	}
	return \%drawn;
}

# shipment|code of every export that the list of 4 April 2025 controls.
sub controlled
{
	my ($self) = @_;
	my @found;
	for my $s (grep { $_->{shipped_on} ge '2025-04-04' } @{ $self->{shipments} })
	{
		my $f = fractions($s->{assay});
		my ($sm, $tb, $dy) = map { $f->{$_} // 0 } qw(Sm Tb Dy);
		if ($s->{form} eq 'magnet')
		{
			push @found, "$s->{shipment_id}|1C902.a.4" if $sm > 0.001;
			push @found, "$s->{shipment_id}|1C904.a.4" if $tb > 0 && $tb + $dy > 0.001;
			push @found, "$s->{shipment_id}|1C905.a" if $dy > 0 && $tb + $dy > 0.001;
			next;
		}
		my $item = $ITEM{ $s->{form} } or next;
		push @found, map { "$s->{shipment_id}|$CODE{$_}$item" } grep { ($f->{$_} // 0) > 0.001 } keys %CODE;
	}
	return @found;
}

# The columns of licence_lead_time, a line a kind and code.
sub lead_times
{
	my ($self) = @_;
	my %group;
	for my $a (@{ $self->{'licence-applications'} })
	{
		my $decided = defined $a->{decided_on} && $a->{decided_on} le $JUDGED;
		my ($from, $to) = (day($a->{applied_on}), day($decided ? $a->{decided_on} : $JUDGED));
		my $g = $group{"$a->{kind}|" . ($a->{control_code} // '')} //= { map { $_ => 0 } qw(all granted refused late) };
		$g->{all}++;
		push @{ $g->{ $decided ? 'days' : 'waiting' } }, $to - $from;
		$g->{ $a->{outcome} }++ if $decided && $a->{outcome} =~ /^(granted|refused)$/;
		# the epoch was a Thursday
		$g->{late}++ if (grep { ($_ + 3) % 7 < 5 } $from + 1 .. $to) > 45;
	}
	return map {
		my $g = $group{$_};
		my @days = sort { $a <=> $b } @{ $g->{days} // [] };
		my @waiting = sort { $a <=> $b } @{ $g->{waiting} // [] };
		my $percentile = sub { return @days ? $days[ ceil($_[0] * @days) - 1 ] : '' };
		join '|', $_, $g->{all}, scalar @days, $g->{granted}, $g->{refused}, scalar @waiting, $percentile->(0.5), $percentile->(0.9), $days[-1] // '', $waiting[-1] // '', $g->{late}
	} keys %group;
}

# Who sold how much: reporter|kind|month|form|deliveries|kilograms; %clients also by the client's name without its dress.
sub volumes
{
	my ($self) = @_;
	my %sum;
	my $add = sub {
		my ($who, $kind, $on, $form, $mass) = @_;
		my $sum = $sum{ join '|', $who, $kind, substr($on, 0, 7), $form } //= [ 0, 0 ];
		$sum->[0]++;
		$sum->[1] += milligrams($mass);
	};
	$add->(@$_{qw(exporter)}, 'export', @$_{qw(shipped_on form net_mass)}) for @{ $self->{shipments} };
	$add->(@$_{qw(shipper)}, 'domestic', @$_{qw(transferred_on form mass)}) for grep { $_->{reported_by} eq $_->{shipper} } @{ $self->{transfers} };
	return map { "$_|$sum{$_}[0]|" . kilograms($sum{$_}[1]) } keys %sum;
}

1;
