# The server answers what its OpenAPI document says: every record of every
# resource fits its schema (but for the rows planted as malformed), every
# parameter is accepted and filters its column, keys are unique.
use strict;
use warnings;
use utf8;
use lib 'test/t/lib';
use JSON::PP;
use Test::More;
use ReportingApi;

binmode(Test::More->builder->$_, ":utf8") for qw(output failure_output todo_output);
my $api = ReportingApi->new('--seed', 11, '--max-page-size', 100000);
my $document = $api->get('/openapi.json')->{json};
my $schemas = $document->{components}{schemas};

is($document->{openapi}, '3.1.0', 'an OpenAPI 3.1 document');

sub resolve
{
	my ($value) = @_;
	return $value unless ref $value eq 'HASH' && $value->{'$ref'};
	my $target = $document;
	$target = $target->{$_} // die "no $value->{'$ref'}\n" for grep { $_ ne '#' } split m{/}, $value->{'$ref'};
	return $target;
}

my %postgresql = (
	'retrack.mass' => qr/^-?\d+(\.\d+)? (t|kg|g|mg)$/,
	'retrack.assay' => qr/^[A-Z][a-z]?=\d+(\.\d+)?%(±\d+(\.\d+)?%)?(,[A-Z][a-z]?=\d+(\.\d+)?%(±\d+(\.\d+)?%)?)*$/,
	'retrack.licence_id' => qr/^\d\d-[0-9A-Z]{2}-[0-9A-Z]{6}-[0-9A-Z]$/,
	'daterange' => qr/^\[\d{4}-\d\d-\d\d,\d{4}-\d\d-\d\d\)$/,
	'timestamptz' => qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+08:00$/,
	'date' => qr/^202[56]-\d\d-\d\d$/,
);

sub type_of
{
	my ($value) = @_;
	return 'null' unless defined $value;
	return 'boolean' if JSON::PP::is_bool($value);
	return ref $value eq 'ARRAY' ? 'array' : 'object' if ref $value;
	my $json = JSON::PP->new->allow_nonref->encode($value);
	return $json =~ /^"/ ? 'string' : $json =~ /^-?\d+$/ ? 'integer' : 'number';
}

# What is wrong with a value by its schema, or nothing.
sub misfit
{
	my ($value, $schema, $where) = @_;
	$schema = resolve($schema);
	my $type = type_of($value);
	my @types = ref $schema->{type} ? @{ $schema->{type} } : ($schema->{type});
	return "$where is $type" unless grep { $_ eq $type || ($_ eq 'number' && $type eq 'integer') } @types;
	return if $type eq 'null';
	if ($schema->{enum})
	{
		return "$where: \"$value\" is none of the enum" unless grep { defined && $_ eq $value } @{ $schema->{enum} };
	}
	my $pattern = $postgresql{ $schema->{'x-postgresql-type'} // '' };
	return "$where: \"$value\" is no $schema->{'x-postgresql-type'}" if $pattern && $value !~ $pattern;
	if ($type eq 'array')
	{
		for (@$value) { my $wrong = misfit($_, $schema->{items}, $where); return $wrong if $wrong; }
	}
	if ($type eq 'object')
	{
		for (@{ $schema->{required} // [] }) { return "$where lacks $_" unless exists $value->{$_}; }
		for (sort keys %$value)
		{
			my $property = $schema->{properties}{$_} or return "$where has $_ beyond the schema";
			my $wrong = misfit($value->{$_}, $property, "$where.$_");
			return $wrong if $wrong;
		}
	}
	return;
}

# The value of a column in a record.
sub column
{
	my ($record, $parameter) = @_;
	my $value = $record;
	for (split m{/}, $parameter->{'x-retrack-pointer'} // "/$parameter->{'x-retrack-column'}")
	{
		$value = $value->{$_} if length;
	}
	return JSON::PP::is_bool($value) ? ($value ? 'true' : 'false') : $value;
}

sub escape
{
	my ($value) = @_;
	utf8::encode($value);
	$value =~ s/([^A-Za-z0-9_.~-])/sprintf('%%%02X', ord($1))/ge;
	return $value;
}

my %resources;
for my $path (sort grep { $document->{paths}{$_}{get}{'x-retrack-key'} } keys %{ $document->{paths} })
{
	my $get = $document->{paths}{$path}{get};
	my $answer = $api->get("$path?limit=100000");
	is($answer->{status}, 200, "$path answers");
	my $page = $answer->{json};
	my @records = @{ $page->{data} };
	$resources{$path} = @records;
	ok(@records > 0 && @records == $page->{total} && !defined $page->{next}, "$path: all records in one page");

	my @wrong;
	my $schema = resolve($get->{responses}{200}{content}{'application/json'}{schema});
	is($schema->{properties}{data}{items}{'$ref'}, "#/components/schemas/$get->{'x-retrack-schema'}", "$path: schema of the records");
	for (@records)
	{
		my $key = $_->{ $get->{'x-retrack-key'}[0] };
		my $wrong = misfit($_, $schemas->{ $get->{'x-retrack-schema'} }, $key);
		push @wrong, $wrong if $wrong && $key !~ /^MALFORMED/;
	}
	is(join("\n", @wrong[ 0 .. ($#wrong > 4 ? 4 : $#wrong) ]), '', "$path: every record fits its schema");

	my %keys = map { my $record = $_; join("\0", map { $record->{$_} } @{ $get->{'x-retrack-key'} }) => 1 } @records;
	is(scalar(keys %keys), scalar(@records), "$path: keys are unique");

	my @complaints;
	for my $parameter (map { resolve($_) } @{ $get->{parameters} })
	{
		my $op = $parameter->{'x-retrack-op'} or next;
		next unless $parameter->{'x-retrack-column'};
		my ($sample) = grep { defined column($_, $parameter) } @records[ int(@records / 2) .. $#records ], @records;
		next unless $sample;    # a column without any value
		my $value = column($sample, $parameter);
		my $matches = sub {
			my $mine = column($_[0], $parameter) // return 0;
			return $op eq 'ge' ? $mine ge $value : $op eq 'le' ? $mine le $value : $mine eq $value;
		};
		my $expected = grep { $matches->($_) } @records;
		my $got = $api->get("$path?$parameter->{name}=" . escape($value) . '&limit=1')->{json}{total};
		push @complaints, "$parameter->{name}=$value: $got records, expected $expected" if ($got // -1) != $expected;
	}
	is(join("\n", @complaints), '', "$path: every parameter filters its column");
	for my $column (@{ $get->{'x-retrack-sort'} })
	{
		is($api->get("$path?sort=-$column&limit=1")->{status}, 200, "$path: sorts by $column");
	}
}
is(scalar(keys %resources), 18, 'eighteen resources');
my @bulk = @{ $api->get('/v1/bulk?records=4200&limit=4200')->{json}{data} };
is(join("\n", grep { defined } map { misfit($_, $schemas->{bulk_record}, $_->{id}) } @bulk), '', 'bulk records fit their schema');
is(misfit($api->get('/v1/nothing')->{json}, $schemas->{problem}, 'problem'), undef, 'errors are problem documents');

done_testing();
