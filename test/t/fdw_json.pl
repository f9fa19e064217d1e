# Protects the reading of JSON bodies in the server, against the server's own parser: seeded random records, fetched in
# network pieces of many sizes; every pointer must lead where jsonb's #> leads, every record must arrive with its bytes, in
# order, as JSON array, below a pointer, and as lines. SEED in the environment changes the run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use StaticServer;

my $seed = $ENV{SEED} // 20250404;
my $count = 3000;
srand($seed);
note("SEED=$seed");

sub pick { return $_[ int(rand(@_)) ] }

# Blanks between tokens: none most of the time, never line breaks in records that are to stand on a line.
my $blanks;
sub blank { return rand() < 0.9 ? '' : pick(@$blanks) }

sub string
{
	my $s = '';
	$s .= pick('plain', 'a', 'sixteen letters.', ' ', '\\n', '\\"', '\\\\', '\\/', '\\t\\b\\f\\r', '\\u0041', '\\u00e9', '\\u955D', '\\ud83d\\ude00', '\\uFFFF', "\xC3\xA9", "\xE9\x95\x9D", "\xF0\x9F\x98\x80", "\x7F", ',', '}', ']', ':', 'x' x 70)
	  for 1 .. int(rand(5));
	return "\"$s\"";
}

sub number
{
	my $n = pick('', '-') . pick('0', 1 + int(rand(9)), 1 + int(rand(1e6)), '123456789012345678901234567890');
	$n .= '.' . int(rand(1e6)) if rand() < 0.4;
	$n .= pick('e', 'E') . pick('', '+', '-') . int(rand(40)) if rand() < 0.2;
	return $n;
}

sub key
{
	return '"' . pick('a', 'b', 'c', 'd', 'id', 'n\\u0061me', 'name', 'x/y', 'm~n', '', '0', '1', "\xE9\x95\x9D", '\\u955d', 'key' . int(rand(50))) . '"';
}

sub value
{
	my $depth = shift;
	my $kind = rand($depth > 4 ? 6 : 9);
	return pick('null', 'true', 'false') if $kind < 2;
	return string() if $kind < 4;
	return number() if $kind < 6;
	return '[' . blank() . join(',', map { blank() . value($depth + 1) . blank() } 1 .. int(rand(4))) . ']' if $kind < 7;
	return object($depth);
}

sub object
{
	my $depth = shift;
	return '{' . blank() . join(',', map { blank() . key() . blank() . ':' . blank() . value($depth + 1) . blank() } 1 .. int(rand(8))) . '}';
}

# In one order, as records of one source are, and in any order.
sub record
{
	my $n = shift;
	return object(0) if rand() < 0.5;
	return sprintf('{"id":%d,"name":%s,"a":{"b":[%s,%s],"c":%s},"d":%s}', $n, string(), number(), value(3), string(), value(3));
}

$blanks = [ ' ', "\n", "\t", "\r\n", "\n" . ' ' x 40 ];
my @records = map { record($_) } 1 .. $count;
$blanks = [ ' ', "\t", '  ' ];
my @lines = map { record($_) } 1 .. $count;

my %bodies = (
	'/array' => '[' . join(",\n", @records) . ']',
	'/below' => '{"meta":{"total":' . $count . ',"note":' . string() . '},"skipped":' . value(0) . ',"out":{"items":[' . join(',', @records) . ']},"next":null,"tail":' . value(0) . '}',
	'/lines.ndjson' => join("\n", @lines) . "\n");
my $node = PostgreSQL::Test::Cluster->new('json');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "client_min_messages = warning\n");
$node->start;
my $dir = $node->data_dir;
my %file = ('/array' => 'array.json', '/lines.ndjson' => 'lines.json');
for my $path (keys %file)
{
	open my $fh, '>:raw', "$dir/$file{$path}" or die $!;
	print $fh $path eq '/array' ? $bodies{$path} : '[' . join(",", @lines) . ']';
	close $fh;
}
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION retrack;
CREATE TABLE records AS SELECT n, r FROM json_array_elements(pg_read_file('array.json')::json) WITH ORDINALITY t(r, n);
CREATE TABLE lines AS SELECT n, r FROM json_array_elements(pg_read_file('lines.json')::json) WITH ORDINALITY t(r, n);
SQL

my %pointers = (
	'/a' => '{a}', '/b' => '{b}', '/c' => '{c}', '/d' => '{d}', '/id' => '{id}', '/name' => '{name}', '/a/b' => '{a,b}', '/a/b/0' => '{a,b,0}', '/a/b/1' => '{a,b,1}', '/a/c' => '{a,c}', '/a/0' => '{a,0}',
	'/x~1y' => '{x/y}', '/m~0n' => '{m~n}', '/' => '{""}', '/0' => '{0}', "/\xE9\x95\x9D" => "{\xE9\x95\x9D}", '/a/b/c/d' => '{a,b,c,d}', '/d/d' => '{d,d}', '/key7' => '{key7}');
my @pointers = sort keys %pointers;
my $columns = join ', ', map { "c$_ jsonb OPTIONS (pointer '$pointers[$_]'), t$_ text OPTIONS (pointer '$pointers[$_]')" } 0 .. $#pointers;
# null and missing are both NULL; the text of a string is the string, that of anything else is as it was sent
my $differs = join ' OR ', map { my $p = $pointers{ $pointers[$_] };
	"c$_ IS DISTINCT FROM nullif(e.r::jsonb #> '$p', 'null') OR t$_ IS DISTINCT FROM CASE jsonb_typeof(e.r::jsonb #> '$p') WHEN 'string' THEN e.r::jsonb #>> '$p' WHEN 'null' THEN NULL ELSE t$_ END" .
	" OR (jsonb_typeof(c$_) <> 'string' AND t$_\::jsonb IS DISTINCT FROM c$_)" } 0 .. $#pointers;

my $n = 0;
for my $write (undef, 1, 7, 1000, 16384)
{
	# byte by byte only a small body: each byte is a packet
	my %served = !defined $write || $write > 1 ? %bodies : ('/array' => '[' . join(',', @records[ 0 .. 30 ]) . ']');
	my $server = StaticServer->start(\%served, write => $write);
	my $url = $server->url;
	for my $case ([ '/array', '', 'json', 'records' ], [ '/below', '/out/items', 'json', 'records' ], [ '/lines.ndjson', '', 'ndjson', 'lines' ])
	{
		my ($path, $at, $format, $expected) = @$case;
		next unless exists $served{$path};
		$n++;
		my $limit = defined $write && $write == 1 ? 31 : $count;
		my $wrong = $node->safe_psql('postgres', <<"SQL");
CREATE SERVER s$n FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$url');
CREATE FOREIGN TABLE f$n (n bigint OPTIONS (pointer '#record'), r json OPTIONS (pointer ''), $columns) SERVER s$n OPTIONS (path '$path', records '$at', format '$format');
CREATE TABLE t$n AS SELECT * FROM f$n;
SELECT e.n, f.r, e.r FROM t$n f FULL JOIN (SELECT * FROM $expected WHERE n <= $limit) e ON e.n = f.n
WHERE f.r::text IS DISTINCT FROM e.r::text OR $differs LIMIT 3;
SQL
		is($wrong, '', "$path, " . (defined $write ? "written $write bytes a time" : 'written at once'));
		is($node->safe_psql('postgres', "SELECT count(*) FROM f$n"), $limit, 'counted without a column');
	}
	$server->stop;
}
$node->stop;
done_testing();
