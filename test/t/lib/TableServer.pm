# An HTTP API on loopback over any table, for comparing foreign scans with the table itself:
#
#	my $server = TableServer->start($dir, lines => [ json text ... ], kinds => { column => 'number' | 'text' | 'time' | 'label' | 'name' });
#	GET /link, /cursor, /page, /offset, /none, /lines, /all (fixed pages of 50, sizes ignored)
#	GET /sloppy/...			the same, but each filter is ignored by chance (of the request's text)
#	GET /by/<column>/<value,...>/<paging>
#
# Filters on any column x: x=, x_from=, x_to=, x_in= (comma list), x_each= (repeated); an empty value is
# no filter, one given twice (but for x_each) an error. sort=-a,b; NULLs come last. What it compares, it compares as APIs do: numbers by value,
# times by instant, text by byte, labels and names by equality alone (names sort as text). Core perl only.
package TableServer;

use strict;
use warnings;
use parent 'RecordServer';
use JSON::PP ();
use Math::BigFloat;
use Time::Local qw(timegm_modern);

sub start
{
	my ($class, $dir, %options) = @_;
	my $json = JSON::PP->new->utf8->allow_bignum;
	my @table = map { { json => $_, value => $json->decode($_) } } @{ delete $options{lines} };
	for my $row (@table)
	{
		my $v = $row->{value};
		for my $column (keys %{ $options{kinds} })
		{
			my $key = comparable($options{kinds}{$column}, $v->{$column});
			$row->{key}{$column} = $key;
		}
	}
	return $class->SUPER::start($dir, rows => 0, table => \@table, %options);
}

# A value in a form that compares; undef for null.
sub comparable
{
	my ($kind, $v) = @_;
	return undef unless defined $v;
	return Math::BigFloat->new("$v") if $kind eq 'number';
	if ($kind eq 'time')
	{
		my ($y, $mo, $d, $h, $mi, $s, $fraction, $zone) = $v =~ /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/
		  or die "bad time $v";
		my $at = timegm_modern($s // 0, $mi // 0, $h // 0, $d, $mo - 1, $y);
		$at -= ($1 eq '-' ? -1 : 1) * ($2 * 3600 + $3 * 60) if ($zone // '') =~ /^([+-])(\d\d):(\d\d)$/;
		return Math::BigFloat->new($at . ($fraction // ''));
	}
	return JSON::PP::is_bool($v) ? ($v ? 'true' : 'false') : $v;
}

sub order
{
	my ($kind, $a, $b) = @_;
	return $kind eq 'number' || $kind eq 'time' ? $a->bcmp($b) : $a cmp $b;
}

# A filter as a sub of one row; undef where the parameter is none.
sub filter
{
	my ($self, $name, $values) = @_;
	my ($column, $op) = $name =~ /^(.*?)(_from|_to|_in|_each)?$/;
	my $kind = $self->{kinds}{$column} or return undef;
	my @values = grep { $_ ne '' } $op && $op eq '_in' ? map { split /,/ } @$values : @$values;
	return undef unless @values;
	@values = map { utf8::decode(my $t = $_); comparable($kind, $t) } @values;
	my %equal = map { ("$_" => 1) } @values;    # a BigFloat prints in one way only
	die "labels have no order" if $kind =~ /label|name/ && ($op // '') =~ /from|to/;
	return sub {
		my $key = $_[0]{key}{$column};
		return 0 unless defined $key;
		return order($kind, $key, $values[0]) >= 0 if $op && $op eq '_from';
		return order($kind, $key, $values[0]) <= 0 if $op && $op eq '_to';
		return $equal{"$key"};
	};
}

sub sorted
{
	my ($self, $keys, @rows) = @_;
	my @keys = map { my ($down, $c) = /^(-?)(.*)$/; [ $c, $down ? -1 : 1 ] } split /,/, $keys;
	return sort {
		my $order = 0;
		for my $k (@keys)
		{
			my ($x, $y) = ($a->{key}{ $k->[0] }, $b->{key}{ $k->[0] });
			$order = !defined $x ? (defined $y ? 1 : 0) : !defined $y ? -1 : $k->[1] * order($self->{kinds}{ $k->[0] }, $x, $y);
			last if $order;
		}
		$order
	} @rows;
}

sub answer
{
	my ($self, $target) = @_;
	my ($path, $query) = split /\?/, $target, 2;
	my %q;
	for (split /&/, $query // '')
	{
		my ($k, $v) = map { RecordServer::decode($_) } split(/=/, $_, 2), '';
		push @{ $q{$k} }, $v;
	}
	my $sloppy = $path =~ s{^/sloppy}{};
	push @{ $q{$2 =~ /,/ ? "$1_in" : $1} }, map { RecordServer::decode($_) } $2 if $path =~ s{^/by/(\w+)/([^/]+)}{};
	my @rows = @{ $self->{table} };
	# the same for all pages
	my $filters = join '&', grep { !/^(cursor|page|offset|limit|sort)=/ } split /&/, $query // '';
	for my $name (sort keys %q)
	{
		next if $sloppy && unpack('%32C*', "$name $filters") % 3 == 0;
		my $filter = eval {
			die 'twice' if @{ $q{$name} } > 1 && $name !~ /_each$/;
			$self->filter($name, $q{$name});
		};
		return ('400 Bad Request', '{"message":"bad parameter"}') if $@;
		@rows = grep { $filter->($_) } @rows if $filter;
	}
	@rows = $self->sorted($q{sort}[0], @rows) if $q{sort};
	return $self->page_of($path, \@rows, { map { $_ => $q{$_}[-1] } keys %q }, join '&', grep { !/^cursor=/ } split /&/, $query // '');
}

sub page_of
{
	my ($self, $path, $rows, $q, $filters) = @_;
	my $limit = $path eq '/all' ? @$rows || 1 : $q->{limit} || 50;
	$limit = @$rows || 1 if $path eq '/lines';
	my $from = $path eq '/page' ? (($q->{page} || 1) - 1) * $limit : $q->{offset} || $q->{cursor} || 0;
	my $to = $from + $limit > @$rows ? $#$rows : $from + $limit - 1;
	my @page = map { $_->{json} } @{$rows}[ $from .. $to ];
	my $next = $to < $#$rows ? $to + 1 : undef;
	my $list = join ',', @page;
	return ('200 OK', join('', map { "$_\n" } @page), 'Content-Type: application/x-ndjson') if $path eq '/lines';
	return ('200 OK', "[$list]") if $path eq '/all' || $path eq '/none';
	return ('200 OK', qq({"data":[$list],"next":) . (defined $next ? qq("$next") : 'null') . ',"total":' . @$rows . '}') if $path eq '/cursor';
	return ('200 OK', qq({"total":@{[scalar @$rows]},"data":[$list]})) if $path eq '/page' || $path eq '/offset';
	return ('404 Not Found', '{"message":"no such thing"}') if $path ne '/link';
	$filters .= '&' if $filters ne '';
	return ('200 OK', "[$list]", 'Content-Type: application/json', defined $next ? qq(Link: <?${filters}cursor=$next>; rel="next") : ());
}

1;
