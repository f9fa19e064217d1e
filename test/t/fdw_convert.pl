# Protects the conversion of JSON values: whatever a value is and whichever way it takes, the column gets what the type's
# input function makes of the value's text, bit for bit, or the error that it raises. Boundary values and seeded random ones
# go through every type; the expectation is computed in SQL from the json text. SEED in the environment changes the run.
use strict;
use warnings;
no warnings 'qw';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use StaticServer;

my $seed = $ENV{SEED} // 20250404;
srand($seed);
note("SEED=$seed");

my @values = (
	# JSON as it is sent
	qw(null true false 0 -0 1 -1 7.0 1.5 -0.0 0.10 1e3 1E+3 1e-3 12e22 1e22 1e23 5e-324 4.9e-324 1e400 -1e400 1e-400 1e39 3.4028235e38 3.4028236e38 1.17549435e-38 1e-46
	  32767 32768 -32768 -32769 2147483647 2147483648 -2147483648 -2147483649 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
	  999999999999999999 1000000000000000000 123456789012345678 1234567890123456789 9007199254740992 9007199254740993 9007199254740993.0 16777216 16777217 0.1 0.2 0.3
	  123456789012345.678901234567 0.000000000000000001 0.0000000000000000001 99999999.99 99999999.995 12345678.9 123456789.12 0.005 1.005 -2.675 100000000000000000000000
	  1e1000 1e131071 12345678901234567890123456789012345678901234567890 0.1e1 66 57 200 {} [] [1] {"a":1} {"Nd":0.3} {"Nd":0.295,"Dy":"1.1%"} {"Nd":2} [[1,2],[3]] [1e400] [1e5] {"a":"3e5"}),
	map({ qq("$_") } '', ' ', '0', ' 12 ', '+5', '-5', '007', '1_000', '0x1F', '1.', '.5', '5.', '1e5', '1e', '--1', '12abc', 'abc', 'NaN', 'nan', 'Infinity', '-Infinity', 'infinity', '-infinity',
		'epoch', 't', 'f', 'true', 'false', 'TRUE', 'yes', 'no', 'on', 'off', '1', 'tru', 'y', 'null', 'NULL', '999999999999999999999999', '1.50', '12345678901.12', '99999999.995',
		'2025-04-03', '2025-4-3', '20250403', '2025-02-29', '2024-02-29', '1900-02-29', '2000-02-29', '2025-02-30', '2025-04-31', '2025-13-01', '2025-00-10', '2025-01-00', '0001-01-01', '0000-01-01',
		'0099-05-06', '9999-12-31', '10000-01-01', '25-04-03', '03.04.2025', '04/03/2025', '2025-04-03 BC', '2025/04/03', '2025-04-03T', ' 2025-04-03 ', '-2025-04-03', '2025-04-0x',
		'2025-04-03T10:11:12Z', '2025-04-03T10:11:12z', '2025-04-03t10:11:12Z', '2025-04-03 10:11:12Z', '2025-04-03T10:11:12', '2025-04-03 10:11:12', '2025-04-03T10:11:12+08:00', '2025-04-03T10:11:12-03:30',
		'2025-04-03T10:11:12+0800', '2025-04-03T10:11:12+08', '2025-04-03T10:11:12.5Z', '2025-04-03T10:11:12.123456Z', '2025-04-03T10:11:12.1234567Z', '2025-04-03T10:11:12.9999995Z', '2025-04-03T10:11:12.Z',
		'2025-04-03T23:59:59.999999+00:00', '2025-04-03T23:59:60Z', '2025-04-03T24:00:00Z', '2025-04-03T24:00:01Z', '2025-04-03T10:60:00Z', '2025-04-03T25:00:00Z', '2025-04-03T10:11Z', '2025-04-03T10:11:12+15:59',
		'2025-04-03T10:11:12+16:00', '2025-04-03T10:11:12-15:59', '2025-04-03T10:11:12+08:60', '2025-04-03T10:11:12 +08:00', '2025-04-03T10:11:12,5Z', '2025-04-03T10:11:12 Europe/Berlin', '2025-04-03T1:11:12Z',
		'0001-01-01T00:00:00Z', '0000-12-31T00:00:00Z', '9999-12-31T23:59:59Z', '2025-02-29T00:00:00Z', '1582-10-10T00:00:00Z', '2025-03-30T02:30:00', '2025-04-03T10:11:12-00:00', '2025-04-03X10:11:12Z',
		'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc999c0b4ef8bb6d6bb9bd380a11', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1',
		'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111', 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11', 'a0eebc99--9c0b-4ef8-bb6d6bb9bd380a11', 'a0eebc9-99c0b-4ef8-bb6d-6bb9bd380a11',
		'abcde', 'abcdef', 'abcde   ', 'abc  ', '镝', '镝镝镝镝镝', '镝镝镝镝镝镝', 'Dy', 'dy', ' Dy ', 'dysprosium', '66', 'Xx', 'Nd', '12.5 kg', '12.5kg', '3t', '1 mg', '0.5mg', '0.4 mg', '-2 kg', '9223372036.854775807 t', '9223372036.854775808 t',
		'06-AA-204966', '06-AA-204966-Y', '06-AA-204966-X', '06-aa-204966', '6-AA-204966', '25-AA-001234-A', 'Nd=29.5%,Dy=3.15%±0.05%', 'Nd=130%', 'Nd2O3=30%', 'Zz=1%', 'oxide', 'magnet', 'Magnet', 'no form',
		'1 day', 'P1DT2H', '127.0.0.1', '10.0.0.0/8', '::1', '\\\\x00ff', '\\\\xzz', '{1,2}', '{}', '{a,b}', '[1,5)', 'a\\u0000b', '\\ud800', '\\ud83d\\ude00', '\\u0041', 'tab\\there', 'quote\\"s', 'back\\\\slash', 'é', 'line\\nbreak'),
);

sub pick { return $_[ int(rand(@_)) ] }
sub digits { my $n = shift; return join '', map { int(rand(10)) } 1 .. $n }

for (1 .. 300)
{
	my $number = pick('', '', '-') . pick('0', (1 + int(rand(9))) . digits(int(rand(21))));
	$number .= '.' . digits(1 + int(rand(20))) if rand() < 0.6;
	$number .= pick('e', 'E') . pick('', '+', '-') . int(rand(pick(5, 30, 320))) if rand() < 0.3;
	push @values, rand() < 0.7 ? $number : qq("$number");
}
for (1 .. 300)
{
	my $text = sprintf('%04d-%02d-%02d', rand() < 0.8 ? 1900 + int(rand(200)) : int(rand(10000)), int(rand(13.2)), int(rand(32.2)));
	if (rand() < 0.7)
	{
		$text .= pick('T', 'T', ' ') . sprintf('%02d:%02d:%02d', int(rand(24.3)), int(rand(60.5)), int(rand(60.5)));
		$text .= '.' . digits(1 + int(rand(8))) if rand() < 0.5;
		$text .= pick('Z', 'Z', '', sprintf('%s%02d:%02d', pick('+', '-'), int(rand(16.5)), int(rand(60.5)))) if rand() < 0.9;
	}
	push @values, qq("$text");
}
push @values, sprintf('"%02d:%02d:%02d%s"', rand(24.4), rand(60.5), rand(60.5), pick('', '', '.' . digits(1 + int(rand(7))), 'Z', '+08')) for 1 .. 100;
push @values, qw("10:11:12" "10:11" "101112" "1:11:12" "10:11:12.1234567" "24:00:00");
push @values, int(rand(10 ** int(1 + rand(8)))) . 'e' . (int(rand(50)) - 25) for 1 .. 200;
utf8::decode($_), utf8::encode($_) for @values;

my @types = (
	'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'numeric(10,2)', 'numeric(3,0)', 'numeric(20,10)', 'boolean', 'text', 'character varying', 'character varying(5)', 'character(5)',
	'name', '"char"', 'date', 'timestamp', 'timestamptz', 'timestamp(0)', 'timestamptz(3)', 'time', 'time(2)', 'interval', 'uuid', 'json', 'jsonb', 'bytea', 'inet', 'int4range', 'point',
	'retrack.element', 'retrack.mass', 'retrack.licence_id', 'retrack.assay', 'retrack.form', 'oid', 'money', 'small_text', 'positive', 'some_days');

my $body = '';
$body .= qq({"i":$_,"v":$values[$_]}\n) for 0 .. $#values;
$body .= sprintf(qq({"i":%d}\n), scalar @values);
my %bodies = ('/values.ndjson' => $body);
$bodies{'/bad'} = '{"data":[{"id":1,"day":"2025-04-03"},{"id":2,"day":"2025-02-30"}]}';
$bodies{'/arrays'} = '[{"i":1,"n":[1,2,3],"t":["a","b\\u0063",null,""],"d":["2025-04-03"],"j":[{"a":1},[2],"x",null],"m":["1 kg",2]},'
  . '{"i":2,"n":[],"t":[],"d":[],"j":[],"m":[]},{"i":3,"n":null},{"i":4,"n":"{4,5}","t":"{x,y}"},{"i":5,"n":[[1,2],[3,4]],"t":[["a"],["b"]],"j":[[1],[2]]},'
  . '{"i":6,"n":[1,[2]]},{"i":7,"n":[[1],[2,3]]},{"i":8,"n":["x"]},{"i":9,"n":{"a":1}},{"i":10,"n":7},{"i":11,"n":[[]]},{"i":12,"t":["a\\u0000"]},{"i":13,"n":[[1,null],[null,2]]},{"i":14,"n":[null,[1]]},'
  . '{"i":15,"n":[[[[[[[1]]]]]]]},{"i":16,"t":[1,true,{"a":[1]},"\\u955d"]},{"i":17,"d":["2025-02-30"]},{"i":18,"m":["heavy"]}]';
$bodies{'/labels'} = '[' . join(',', map { sprintf '{"i":%d,"f":"%s"}', $_, (qw(oxide magnet ore scrap alloy oxides)) [ $_ % 6 ] } 1 .. 600) . ']';
$bodies{'/latin'} = '[{"i":1,"v":"abc"},{"i":2,"v":"\u00e9"},{"i":3,"v":"' . "\xC3\xA9" . '"},{"i":4,"v":"' . "\xE9\x95\x9D" . '"},{"i":5,"v":{"k":"' . "\xC3\xA9" . '"}}]';
$bodies{'/refused'} = '[' . join(',', map { qq({"i":"record no. $_","v":"@{[ 'x' x 300 ]}"}) } 1 .. 40000) . ']';
$bodies{'/long'} = '[{"i":"' . "\xE9\x95\x9D" x 100000 . '"}]';
$bodies{'/nulls'} = '[{"i":1,"v":null},{"i":2},{"i":3,"v":""},{"i":4,"v":" "},{"i":5,"v":"null"},{"i":6,"v":0},{"i":7,"v":false},{"i":8,"v":[]},{"i":9,"v":{}}]';
my $server = StaticServer->start(\%bodies);
my $url = $server->url;

my $node = PostgreSQL::Test::Cluster->new('convert');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "client_min_messages = warning\n");
$node->start;
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION retrack;
CREATE DOMAIN small_text AS text CHECK (length(VALUE) < 5);
CREATE DOMAIN positive AS numeric NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN some_days AS date CHECK (VALUE > '2000-01-01');
CREATE SERVER s FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$url');
CREATE FOREIGN TABLE raw (i int, v json) SERVER s OPTIONS (path '/values.ndjson', format 'ndjson');
CREATE TABLE texts AS SELECT * FROM raw;
-- The oracle: the text of each value as a field of a row literal, which goes through the type's input function
-- with the column's modifier.
CREATE FUNCTION expect(type text, direct boolean) RETURNS void LANGUAGE plpgsql AS \$\$
DECLARE
	r record;
	x text;
BEGIN
	EXECUTE format('CREATE TYPE one AS (v %s)', type);
	EXECUTE format('CREATE TABLE expected (i int, v %s, state text)', replace(type, 'positive', 'numeric'));
	FOR r IN SELECT * FROM texts LOOP
		BEGIN
			x := CASE WHEN json_typeof(r.v) = 'null' OR r.v IS NULL THEN NULL WHEN direct THEN r.v::text ELSE r.v #>> '{}' END;
			x := CASE WHEN x IS NULL THEN '()' ELSE '("' || replace(replace(x, '\\', '\\\\'), '"', '""') || '")' END;
			INSERT INTO expected SELECT r.i, (x::one).v;
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO expected VALUES (r.i, NULL, SQLSTATE);
		END;
	END LOOP;
END \$\$;
SQL

is($node->safe_psql('postgres', 'SELECT count(*) FROM texts'), scalar(@values) + 1, 'all values arrive');

for my $setting ([ 'UTC', 'ISO, MDY' ], [ 'Asia/Shanghai', 'German, DMY' ])
{
	my ($zone, $style) = @$setting;
	my $set = "SET timezone = '$zone'; SET datestyle = '$style'; SET intervalstyle = 'sql_standard';";
	for my $type (@types)
	{
		# once is enough for what no setting changes
		next if $zone ne 'UTC' && $type !~ /date|time|days|interval/;
		my $direct = $type =~ /^jsonb?$/ ? 'true' : 'false';
		my $cast = $type eq 'positive' ? '::numeric' : '';
		my $wrong = $node->safe_psql('postgres', <<"SQL");
$set
DROP TABLE IF EXISTS expected;
DROP TYPE IF EXISTS one;
DROP FOREIGN TABLE IF EXISTS got;
SELECT expect('$type', $direct);
CREATE FOREIGN TABLE got (record json OPTIONS (pointer ''), v $type, state text OPTIONS (pointer '#sqlstate'), error text OPTIONS (pointer '#error'))
	SERVER s OPTIONS (path '/values.ndjson', format 'ndjson', on_error 'skip');
SELECT g.record, g.v, g.state, e.v, e.state, g.error
FROM (SELECT substring(record::text, '[0-9]+')::int AS i, * FROM got) g FULL JOIN expected e ON e.i = g.i
WHERE record_image_eq(ROW(g.v$cast), ROW(e.v)) IS NOT TRUE
	-- the server tells NUL and lone surrogates apart
	OR (CASE WHEN g.error LIKE '%lone surrogate%' AND e.state = '22P02' THEN '22P02' ELSE g.state END) IS DISTINCT FROM e.state;
SQL
		$wrong =~ s/^\s+//;
		is($wrong, '', "$type ($zone, $style)") or diag(substr($wrong, 0, 2000));
	}
}

# Arrays; null, missing and empty; errors that stop.
$node->safe_psql('postgres', <<"SQL");
CREATE FOREIGN TABLE arrays (i int, n int[], t text[], d date[], j jsonb[], m retrack.mass[]) SERVER s OPTIONS (path '/arrays', on_error 'skip');
CREATE FOREIGN TABLE arrays_all (record json OPTIONS (pointer ''), n int[], t text[], d date[], j jsonb[], m retrack.mass[],
	state text OPTIONS (pointer '#sqlstate'), at text OPTIONS (pointer '#pointer'), error text OPTIONS (pointer '#error')) SERVER s OPTIONS (path '/arrays', on_error 'skip');
CREATE FOREIGN TABLE nulls (i int, v text, n int OPTIONS (pointer '/v'), j jsonb OPTIONS (pointer '/v')) SERVER s OPTIONS (path '/nulls', on_error 'skip');
CREATE FOREIGN TABLE nulls_text (i int, v text, j json OPTIONS (pointer '/v')) SERVER s OPTIONS (path '/nulls');
CREATE FOREIGN TABLE bad (id int, day date) SERVER s OPTIONS (path '/bad', records '/data');
CREATE FOREIGN TABLE strict (i int, v text NOT NULL) SERVER s OPTIONS (path '/nulls');
CREATE FOREIGN TABLE strict_skip (i int, v text NOT NULL) SERVER s OPTIONS (path '/nulls', on_error 'skip');
SQL
is($node->safe_psql('postgres', 'SELECT i, n, t, d, j, m FROM arrays ORDER BY i'), <<'OUT' =~ s/\n\z//r, 'arrays');
1|{1,2,3}|{a,bc,NULL,""}|{2025-04-03}|{"{\"a\": 1}",[2],"\"x\"",NULL}|{"1 kg","2 kg"}
2|{}|{}|{}|{}|{}
3|||||
4|{4,5}|{x,y}|||
5|{{1,2},{3,4}}|{{a},{b}}||{[1],[2]}|
13|{{1,NULL},{NULL,2}}||||
16||{1,true,"{\"a\":[1]}",镝}|||
OUT
is($node->safe_psql('postgres', q{SELECT substring(record::text, '[0-9]+')::int, state, at FROM arrays_all WHERE state IS NOT NULL ORDER BY 1}), <<'OUT' =~ s/\n\z//r, 'values that are no arrays');
6|2202E|/n
7|2202E|/n
8|22P02|/n
9|22P02|/n
10|22P02|/n
11|2202E|/n
12|22P05|/t
14|2202E|/n
15|2202E|/n
17|22008|/d
18|22P02|/m
OUT
is($node->safe_psql('postgres', q{SELECT i, v IS NULL, v, j FROM nulls_text ORDER BY i}), <<'OUT' =~ s/\n\z//r, 'null, missing and empty');
1|t||
2|t||
3|f||""
4|f| |" "
5|f|null|"null"
6|f|0|0
7|f|false|false
8|f|[]|[]
9|f|{}|{}
OUT
is($node->safe_psql('postgres', q{SELECT string_agg(concat(i, ':', n), ' ' ORDER BY i) FROM nulls}), '1: 2: 6:0', 'skip leaves out what a wanted column refuses');
is($node->safe_psql('postgres', q{SELECT string_agg(i || left(v, 0), ',' ORDER BY i) FROM strict_skip}), '3,4,5,6,7,8,9', 'and rows that break NOT NULL');

for my $case (
	[ 'SELECT * FROM bad', 'HV024', qr{invalid value for column "day": date/time field value out of range: "2025-02-30".*pointer "/day" is "2025-02-30" \(SQLSTATE 22008\).*page 1.*record 2}s ],
	[ 'SELECT * FROM strict', 'HV024', qr{invalid value for column "v": null or missing, but the column is NOT NULL.*SQLSTATE 23502}s ])
{
	my ($sql, $state, $message) = @$case;
	my ($code, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT always\n$sql");
	like($err, qr/ERROR:  $state: /, "$sql: $state");
	like($err, $message, 'with column, pointer, value, page and record');
}

# Labels of an enum come from a cache; a domain may stand over an array.
$node->safe_psql('postgres', <<"SQL");
CREATE DOMAIN few_numbers AS int[] CHECK (cardinality(VALUE) < 3);
CREATE FOREIGN TABLE labels (i int, f retrack.form, t text OPTIONS (pointer '/f')) SERVER s OPTIONS (path '/labels', on_error 'skip');
CREATE FOREIGN TABLE few (i int, n few_numbers) SERVER s OPTIONS (path '/arrays', on_error 'skip');
SQL
is($node->safe_psql('postgres', 'SELECT count(*), count(*) FILTER (WHERE f::text = t) FROM labels'), '500|500', 'labels of an enum');
is($node->safe_psql('postgres', q{SELECT string_agg(concat(i, n), ' ' ORDER BY i) FROM few}), '2{} 3 4{4,5} 12 16 17 18', 'a domain over an array');

# In a database of another encoding.
$node->safe_psql('postgres', q{CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'});
$node->safe_psql('latin', <<"SQL");
CREATE EXTENSION retrack;
CREATE SERVER s FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '$url');
CREATE FOREIGN TABLE latin (i int, v text, j json OPTIONS (pointer '/v'), b jsonb OPTIONS (pointer '/v')) SERVER s OPTIONS (path '/latin', on_error 'skip');
CREATE FOREIGN TABLE strict (i int, v text) SERVER s OPTIONS (path '/latin');
SQL
is($node->safe_psql('latin', q{SELECT i, encode(convert_to(v, 'UTF8'), 'hex'), encode(convert_to(j::text, 'UTF8'), 'hex'), encode(convert_to(b #>> '{}', 'UTF8'), 'hex') FROM latin ORDER BY i}), <<'OUT' =~ s/\n\z//r, 'in LATIN1');
1|616263|2261626322|616263
2|c3a9|225c753030653922|c3a9
3|c3a9|22c3a922|c3a9
5|7b226b223a22c3a9227d|7b226b223a22c3a9227d|7b226b223a2022c3a9227d
OUT
{
	my ($code, $out, $err) = $node->psql('latin', "\\set VERBOSITY verbose\nSELECT * FROM strict");
	like($err, qr/HV024: .*column "v".*22P05/s, 'what LATIN1 lacks is refused');
}

# An error caught for on_error skip leaves nothing behind: not a subtransaction, not a memory.
is($node->safe_psql('postgres', q{BEGIN; SELECT count(*) FROM got; SAVEPOINT s; SELECT count(*) FROM got; ROLLBACK TO s; SELECT count(*) FROM got; COMMIT}),
	join("\n", (scalar(@values) + 1) x 3), 'skipping inside a transaction');
# A type's message may repeat the value whole: no more of it is shown than an error should hold.
$node->safe_psql('postgres', <<"SQL");
CREATE FOREIGN TABLE long (i int) SERVER s OPTIONS (path '/long');
CREATE FOREIGN TABLE long_shown (i int, error text OPTIONS (pointer '#error')) SERVER s OPTIONS (path '/long', on_error 'skip');
SQL
{
	my ($code, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT i FROM long");
	like($err, qr/HV024: .*invalid input syntax for type integer: "\xE9\x95\x9D/, 'a long value: refused');
	cmp_ok(length $err, '<', 1500, '... in a short message');
	is($node->safe_psql('postgres', 'SELECT i, length(error) BETWEEN 100 AND 300 FROM long_shown'), '|t', '... and shown in a short text');
}

# Nor do rows that are left out take memory, however many they are.
$node->safe_psql('postgres', <<"SQL");
CREATE FOREIGN TABLE refused (i int, v text OPTIONS (param 'v', exact 'true')) SERVER s OPTIONS (path '/refused', on_error 'skip');
CREATE FOREIGN TABLE compared (i text, v text OPTIONS (param 'v', exact 'true')) SERVER s OPTIONS (path '/refused');
SQL
for my $query ('SELECT count(i) FROM refused', q{SELECT count(i) FROM compared WHERE v = ''})
{
	# the peak, which Linux forgets on request
	my $out = $node->safe_psql('postgres', <<"SQL");
CREATE TEMP TABLE peak (k text);
SELECT count(i) FROM nulls \\g /dev/null
COPY peak FROM PROGRAM 'echo 5 > /proc/\$PPID/clear_refs; grep VmHWM /proc/\$PPID/status | tr -cd 0-9' CSV;
$query;
COPY peak FROM PROGRAM 'grep VmHWM /proc/\$PPID/status | tr -cd 0-9' CSV;
SELECT max(k::int) - min(k::int) FROM peak;
SQL
	my ($rows, $kilobytes) = split /\n/, $out;
	is($rows, 0, $query);
	cmp_ok($kilobytes, '<', 8192, '... in little memory');
}
$server->stop;
$node->stop;
done_testing();
