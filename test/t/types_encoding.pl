# Protects: in a database of any encoding the types read and print what it can hold, and nothing that is
# stored there ever fails to print.
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('types_encoding');
$node->init;
$node->start;

# query in the database, the client speaking UTF-8 (SQL_ASCII converts nothing).
sub answer
{
	my ($db, $query) = @_;
	local $ENV{PGCLIENTENCODING} = $db eq 'sql_ascii' ? 'SQL_ASCII' : 'UTF8';
	my ($status, $out, $err) = $node->psql($db, encode('UTF-8', "SET search_path = retrack, public; $query"));
	return $status == 0 ? $out : ($err =~ /^psql:\S+ ERROR:|ERROR:/m ? 'error' : "died: $err");
}

# encoding, has the plus-minus sign, Chinese characters it has
for my $case (['UTF8', 1, 17], ['LATIN1', 1, 0], ['LATIN2', 0, 0], ['EUC_CN', 1, undef], ['WIN1251', 1, 0], ['SQL_ASCII', 1, 17])
{
	my ($encoding, $has_sign, $chinese) = @$case;
	my $db = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$node->safe_psql($db, 'CREATE EXTENSION retrack');

	my $sd = answer($db, q{SELECT 'Nd=29.5%,Dy=3.15%+/-0.05%'::assay});
	my $sign = $encoding eq 'UTF8' ? encode('UTF-8', '±') : '+/-';
	is($sd, "Nd=29.5%,Dy=3.15%${sign}0.05%", "$encoding: a deviation prints");
	is(answer($db, qq{SELECT 'Nd=29.5%,Dy=3.15%±0.05%'::assay}), $has_sign ? $sd : 'error', "$encoding: the sign reads, if there is one");
	is(answer($db, q{SELECT 'Nd=29.5%,Dy=3.15%+/-0.05%'::assay::text::assay = 'Nd=29.5%,Dy=3.15%+/-0.05%'}), 't', "$encoding: reads back");
	my $count = answer($db, q{SELECT count(chinese) FROM elements()});
	defined $chinese ? is($count, $chinese, "$encoding: Chinese names") : cmp_ok($count, '>', 10, "$encoding: Chinese names");
	is(answer($db, q{SELECT count(*) FROM elements() e WHERE chinese IS NOT NULL AND chinese::element <> e.element}), 0, "$encoding: they read back");
	is(answer($db, qq{SELECT '镝'::element}), $chinese || !defined $chinese ? 'Dy' : 'error', "$encoding: reading one");
}

# Bytes that are no text get into a database of SQL_ASCII, and characters without a counterpart in Unicode into others:
# bad input like any other, so that servers with soft errors report them softly.
for my $case (['sql_ascii', '\xff'], ['sql_ascii', '\xc3'], ['win1252', '\x81'])
{
	my ($db, $bytes) = @$case;
	if ($db eq 'win1252')
	{
		$node->safe_psql('postgres', "CREATE DATABASE win1252 TEMPLATE template0 ENCODING 'WIN1252' LOCALE 'C'");
		$node->safe_psql($db, 'CREATE EXTENSION retrack');
	}
	for my $type (qw(element assay licence_id mass))
	{
		my (undef, undef, $err) = $node->psql($db, "\\set VERBOSITY sqlstate\nSET client_encoding = 'SQL_ASCII'; SELECT E'Nd$bytes=1%'::retrack.$type");
		like($err, qr/ERROR:  22P02/, "$db: bytes $bytes are no $type");
	}
}

# A wrong assay is told to clients whose encoding has no plus-minus sign, too; what they cannot read they get as jsonb.
for my $client (qw(LATIN2 KOI8R SJIS))
{
	my (undef, undef, $err) = $node->psql('utf8', "\\set VERBOSITY sqlstate\nSET client_encoding = '$client'; SELECT 'Nd=1%x'::retrack.assay");
	like($err, qr/ERROR:  22P02/, "a client in $client reads what was wrong");
	is(answer('utf8', "SET client_encoding = '$client'; SELECT 'Nd=1%+/-0.1%'::retrack.assay::jsonb"), '{"Nd": {"sd": 0.001, "fraction": 0.01}}', "a client in $client reads a deviation as jsonb");
}
$node->stop;
done_testing();
