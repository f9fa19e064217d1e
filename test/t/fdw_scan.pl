# Protects: whatever the plan, a query over a foreign table answers what the same query over a local
# copy answers; and the API is asked for what the query needs and no more.
use strict;
use warnings;
use lib 'test/t/lib';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use RecordServer;

my $server = RecordServer->start(PostgreSQL::Test::Utils::tempdir . '/records', rows => 1000, delay => 0.3);
my $node = PostgreSQL::Test::Cluster->new('scan');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\njit = off\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub refused
{
	my ($query, $state, $like, $name) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', "\\set VERBOSITY verbose\n$query", stdout => \$out, stderr => \$err);
	like($err, qr/ERROR:\s+$state: .*$like/s, $name) or diag $out;
	return;
}

my $columns = q{id int OPTIONS (param 'id', param_from 'id_from', param_to 'id_to', param_in 'ids', sort 'id'),
	kind text OPTIONS (param 'kind', param_in 'kinds', param_in_style 'repeat', sort 'kind') COLLATE "C",
	at timestamptz OPTIONS (param_from 'at_from', param_to 'at_to', sort 'at'),
	y bigint OPTIONS (pointer '/x/y'), n int OPTIONS (sort 'n'), text text};
my %tables = (
	records => q{pagination 'link'},
	cursor => q{pagination 'cursor', records '/data', next '/next', total '/total'},
	page => q{pagination 'page', records '/data'},
	offset => q{pagination 'offset', records '/data'},
	lines => q{format 'ndjson'},
	slow => q{pagination 'link'});
sql(qq{
	CREATE EXTENSION retrack;
	CREATE SERVER api FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '@{[$server->url]}', limit_param 'limit', page_size '100',
		sort_param 'sort', sort_nulls 'last');
	CREATE TABLE local AS SELECT i AS id, ('k' || i % 7)::text COLLATE "C" AS kind, timestamptz '2025-01-01Z' + i * interval '1h' AS at,
		i::bigint * 2 AS y, CASE WHEN i % 5 <> 0 THEN i END AS n, 'text of ' || i || ' é' AS text FROM generate_series(1, 1000) i;
	CREATE FUNCTION volatile_id() RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN 5; END';}
	. join '', map { "CREATE FOREIGN TABLE f_$_ ($columns) SERVER api OPTIONS (path '/$_', $tables{$_});" } keys %tables);

# queries over %T, the foreign table or its local copy
my @queries = (
	'SELECT * FROM %T',
	'SELECT count(*) FROM %T',
	q{SELECT text FROM %T WHERE kind = 'k3'},
	q{SELECT id FROM %T WHERE 'k3' = kind AND id < 50},
	q{SELECT id FROM %T WHERE id > 10 AND id <= 20},
	q{SELECT id FROM %T WHERE id BETWEEN 990 AND 2000 AND y % 3 = 0},
	q{SELECT id FROM %T WHERE at >= '2025-01-10 12:00+02' AND at < '2025-01-11'},
	q{SELECT id FROM %T WHERE id IN (1, 5, 999, 1001, 5)},
	q{SELECT id FROM %T WHERE id = ANY (ARRAY[3, NULL, 4])},
	q{SELECT id FROM %T WHERE id IN (SELECT g FROM generate_series(1, 5) g)},
	q{SELECT id FROM %T WHERE id = ANY ((SELECT array_agg(g) FROM generate_series(1, 1000, 2) g)::int[])},
	q{SELECT id FROM %T WHERE id = ANY ((SELECT array_agg(g * 7) FROM generate_series(1, 3000) g)::int[])},
	q{SELECT id FROM %T WHERE kind IN ('k1', 'k2', 'a,b', '')},
	q{SELECT id FROM %T WHERE kind = ''},
	q{SELECT id FROM %T WHERE kind >= 'k5' AND kind < 'k6'},
	q{SELECT id FROM %T WHERE id = 3000000000},
	q{SELECT id FROM %T WHERE id = NULL},
	q{SELECT id FROM %T WHERE id = ANY (NULL)},
	q{SELECT id FROM %T WHERE id = ANY ('{}')},
	q{SELECT id FROM %T WHERE false},
	q{SELECT id FROM %T WHERE n IS NULL AND id < 100},
	q{SELECT id FROM %T WHERE kind = 'k1' OR id = 7},
	q{SELECT id FROM %T WHERE id = volatile_id()},
	q{SELECT id FROM %T WHERE at > timestamptz '2025-02-11Z' - interval '3h'},
	q{SELECT id FROM %T WHERE at <= 'infinity' AND at > '-infinity' AND id < 4},
	q{SELECT id, n FROM %T ORDER BY id LIMIT 7},
	q{SELECT id FROM %T ORDER BY kind DESC, id LIMIT 250},
	q{SELECT id, n FROM %T ORDER BY n DESC NULLS LAST, id LIMIT 20},
	q{SELECT id, n FROM %T ORDER BY n, id OFFSET 790 LIMIT 20},
	q{SELECT id FROM %T WHERE kind = 'k2' ORDER BY id LIMIT 3},
	q{SELECT kind, count(*), sum(y), max(at) FROM %T GROUP BY kind},
	q{SELECT a.id, b.id FROM %T a JOIN %T b ON b.id = a.y WHERE a.id < 20},
	q{SELECT l.id, r.text FROM generate_series(1, 12) l(id) LEFT JOIN %T r ON r.id = l.id * 100},
	q{SELECT v.k, count(*) FROM (VALUES ('k1'), ('k6'), ('none')) v(k) JOIN %T r ON r.kind = v.k GROUP BY v.k},
	q{SELECT g, (SELECT max(id) FROM %T r WHERE r.kind = 'k' || g) FROM generate_series(0, 8) g},
	q{SELECT g, r.id FROM generate_series(1, 4) g, LATERAL (SELECT id FROM %T r WHERE r.id > g * 10 ORDER BY id LIMIT 2) r},
	q{SELECT g, r.c FROM generate_series(1, 3) g CROSS JOIN LATERAL (SELECT count(*) + g AS c FROM %T) r},
	q{SELECT id FROM %T r WHERE id > 970 AND EXISTS (SELECT 1 FROM %T s WHERE s.id = r.id + 10)},
	q{SELECT id FROM %T WHERE id = (SELECT min(id) FROM %T WHERE kind = 'k5')},
	q{SELECT r FROM %T r WHERE id = 4},
	q{SELECT DISTINCT kind FROM %T},
	q{SELECT id FROM %T WHERE id < 5 UNION ALL SELECT id FROM %T WHERE id > 997});
# in one session each; with settings that provoke nested loops and others that forbid them
for my $case ([ cursor => '' ], [ cursor => 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;' ],
	[ records => 'SET enable_nestloop = off; SET enable_hashjoin = off;' ], [ page => '' ], [ offset => '' ], [ lines => '' ])
{
	my ($table, $set) = @$case;
	my $script = $set;
	for my $i (0 .. $#queries)
	{
		my ($f, $l) = map { my $t = $_; $queries[$i] =~ s/%T/$t/gr } "f_$table", 'local';
		$script .= "WITH f AS MATERIALIZED ($f), l AS MATERIALIZED ($l) SELECT $i, (SELECT count(*) FROM (SELECT f::text FROM f EXCEPT ALL SELECT l::text FROM l) x),
			(SELECT count(*) FROM (SELECT l::text FROM l EXCEPT ALL SELECT f::text FROM f) x);\n";
	}
	my @wrong = map { my ($i, $more, $less) = split /\|/; $more || $less ? "$queries[$i]: $more rows too many, $less missing" : () } split /\n/, sql($script);
	is("@wrong", '', "$table $set: $#queries queries as over the local copy");
}

# in prepared statements, seven times, with each kind of plan
for my $mode (qw(auto force_generic_plan force_custom_plan))
{
	my @wrong;
	for my $case (
		[ 'int', 'id = $1', 1 .. 7 ], [ 'text', 'kind = $1', map { "'k$_'" } 0 .. 6 ], [ 'int[]', 'id = ANY ($1)', map { "'{$_,1,NULL}'" } 1 .. 7 ],
		[ 'int', 'id > $1 AND id < $1 + 10', 1, 'NULL', 3 .. 7 ], [ 'timestamptz', 'at >= $1', map { "'2025-02-0${_}Z'" } 1 .. 7 ])
	{
		my ($type, $condition, @values) = @$case;
		my $script = "SET plan_cache_mode = $mode; PREPARE f($type) AS SELECT count(*), sum(id) FROM f_cursor WHERE $condition;
			PREPARE l($type) AS SELECT count(*), sum(id) FROM local WHERE $condition;\n";
		$script .= "EXECUTE f($_); EXECUTE l($_);\n" for @values;
		my @lines = split /\n/, sql($script);
		for (my $i = 0; $i < @lines; $i += 2) { push @wrong, "$condition: $lines[$i], not $lines[$i + 1]" if $lines[$i] ne $lines[$i + 1] }
		push @wrong, "$condition: lines missing" if @lines != 14;
	}
	is("@wrong", '', "prepared, plan_cache_mode $mode");
}

# what is asked for
sub asks
{
	my ($query, $expected, $name) = @_;
	$server->asked;
	sql($query);
	is(join(' ', $server->asked), $expected, $name);
	return;
}
asks(q{SELECT id FROM f_cursor WHERE kind = 'k1' AND at >= '2025-02-10 01:00+01' AND y > 3}, '/cursor?kind=k1&at_from=2025-02-10T00%3A00%3A00Z&limit=100', 'conditions become parameters');
asks(q{SET timezone = 'Asia/Shanghai'; SET datestyle = 'German'; SELECT id FROM f_cursor WHERE kind = 'k1' AND at >= '2025-02-10Z'},
	'/cursor?kind=k1&at_from=2025-02-10T00%3A00%3A00Z&limit=100', 'whatever the session writes dates like');
asks(q{SELECT id FROM f_cursor WHERE kind = E'k\\x26a=b c/é?#%'}, '/cursor?kind=k%26a%3Db%20c%2F%C3%A9%3F%23%25&limit=100', 'values cannot break out of their parameter');
asks(q{SELECT id FROM f_cursor WHERE kind = E'a\r\nX: y'}, '/cursor?kind=a%0D%0AX%3A%20y&limit=100', 'nor out of the line');
asks(q{SELECT id FROM f_cursor WHERE id IN (3, 1, 2, 3)}, '/cursor?ids=1,2,3&limit=100', 'a list as one parameter');
asks(q{SELECT id FROM f_cursor WHERE kind IN ('k1', 'k2') AND id > 990}, '/cursor?id_from=990&kinds=k1&kinds=k2&limit=100', 'a list repeated');
asks(q{SELECT id FROM f_cursor ORDER BY kind DESC NULLS LAST, id LIMIT 5}, '/cursor?sort=-kind,id&limit=5', 'order and page size');
# given up after a row, with the next page perhaps on its way: none is asked for here, so that all requests are counted
sql(q{ALTER FOREIGN TABLE f_cursor OPTIONS (ADD prefetch '0')});
asks(q{SELECT id FROM f_cursor WHERE y > 100 LIMIT 1}, '/cursor?limit=100', 'LIMIT above a condition that stays here is no hint');
sql(q{ALTER FOREIGN TABLE f_cursor OPTIONS (DROP prefetch)});
asks(q{SELECT id FROM f_cursor WHERE id = NULL}, '', 'no row can match: nothing is asked');
asks(q{SELECT id FROM f_cursor WHERE id = ANY ((SELECT array_agg(g) FROM generate_series(1, 3) g WHERE g > 5)::int[])}, '', 'nor for an empty list');
asks(q{EXPLAIN (VERBOSE) SELECT id FROM f_cursor WHERE kind = 'k1'}, '', 'EXPLAIN asks nothing');
asks(q{SELECT v.k, r.id FROM (VALUES ('k1'), ('k2')) v(k) JOIN f_cursor r ON r.kind = v.k AND r.id < 9}, '/cursor?id_to=9&kind=k1&limit=100 /cursor?id_to=9&kind=k2&limit=100',
	'a join asks once per outer row');
{
	$server->asked;
	sql(q{SELECT id FROM f_cursor WHERE id = ANY ((SELECT array_agg(g * 7) FROM generate_series(1, 3000) g)::int[])});
	my @asked = $server->asked;
	cmp_ok(scalar @asked, '>', 3, 'a long list goes out in parts');
	cmp_ok((sort { $b <=> $a } map { length } @asked)[0], '<', 4100, '... with URLs of bearable length');
}

# partitions are asked for the order of the whole
sql(q{CREATE TABLE sorted (id int, kind text COLLATE "C") PARTITION BY LIST (kind);} . join '', map {
	"CREATE FOREIGN TABLE sorted_$_ PARTITION OF sorted FOR VALUES IN ('$_') SERVER api OPTIONS (path '/cursor?kind=$_', pagination 'cursor', records '/data', next '/next');
	ALTER FOREIGN TABLE sorted_$_ ALTER id OPTIONS (ADD sort 'id');" } qw(k1 k2));
asks(q{SELECT id FROM sorted ORDER BY id LIMIT 3}, '/cursor?kind=k1&sort=id&limit=3 /cursor?kind=k2&sort=id&limit=3', 'each partition gives its rows in order');

# what an API cannot be told is compared here; what it can, is told once
asks(q{SELECT id FROM f_cursor WHERE id < 50 AND at = 'infinity'}, '/cursor?id_to=50&limit=100', 'no infinity in a request');
asks(q{SELECT id FROM f_cursor WHERE id < 50 AND at >= '0044-03-15Z BC' AND at < '12025-01-01Z'}, '/cursor?id_to=50&limit=100', 'nor a year that RFC 3339 does not have');
asks(q{SELECT id FROM f_cursor WHERE id < 50 AND kind = repeat('k', 9000)}, '/cursor?id_to=50&limit=100', 'nor a value longer than a URL');
asks(q{SELECT id FROM f_cursor WHERE id < 50 AND kind IN ('k1', repeat('k', 5000))}, '/cursor?id_to=50&limit=100', 'nor one in a list');
asks(q{SELECT id FROM f_lines LIMIT 3}, '/lines', 'no size is asked for where there is no next page');
sql(q{CREATE TYPE grade AS ENUM ('low', 'high');
	CREATE FOREIGN TABLE own_order (id numeric OPTIONS (param 'id', required 'true'), grade grade OPTIONS (param_from 'g_from', param_to 'g_to'),
		el retrack.element OPTIONS (param_from 'e_from', param_to 'e_to', sort 'el')) SERVER api OPTIONS (path '/records', pagination 'link')});
asks(q{SET search_path = public, retrack; SELECT id FROM own_order WHERE id = 1 AND grade >= 'low' AND el = 'Dy' AND el < 'Er' ORDER BY el LIMIT 1}, '/records?id=1&limit=100', 'labels and elements have an order of their own');
sql(q{CREATE FOREIGN TABLE own_types (id int, m retrack.mass OPTIONS (param 'm', param_from 'm_from', param_to 'm_to', param_in 'm_in', sort 'm'),
	li retrack.licence_id OPTIONS (param 'li', param_from 'li_from', param_to 'li_to', sort 'li')) SERVER api OPTIONS (path '/records?id_to=50', pagination 'link')});
asks(q{SET search_path = public, retrack; SELECT id FROM own_types WHERE m = '500 g' AND m >= '1 mg' AND m IN ('1 kg', '2 kg') ORDER BY m LIMIT 1}, '/records?id_to=50&limit=100', 'a mass has many texts');
asks(q{SET search_path = public, retrack; SELECT id FROM own_types WHERE li = '06-AA-204966-Y' AND li >= '06-AA-204966'}, '/records?id_to=50&li=06-AA-204966&limit=100', 'a licence goes out as documents have it');
is(sql(q{SELECT id FROM own_order WHERE id = ANY ('{1.0,1.00,2,NULL,2}')}), "1\n2", 'equal values are asked for once');
{
	my @asked = $server->asked;
	is(scalar @asked, 2, '... each in its request');
}

sql(q{CREATE FOREIGN TABLE fields (id int, "limit" int OPTIONS (param 'limit'), cursor text OPTIONS (param 'cursor'), y int OPTIONS (pointer '/x/y', param_in 'sort')) SERVER api
	OPTIONS (path '/cursor?id_to=50', pagination 'cursor', records '/data', next '/next')});
asks(q{SELECT id FROM fields WHERE "limit" = 5 AND cursor = '30' AND y IN (1, 2)}, '/cursor?id_to=50&limit=100', 'a field by the name of a paging parameter is no parameter');
sql(q{CREATE FOREIGN TABLE third (id int OPTIONS (param 'id'), kind text OPTIONS (param 'kind')) SERVER api OPTIONS (path '/records?kind=k3', pagination 'link')});
asks(q{SELECT id FROM third WHERE kind = 'k4' AND id = 4}, '/records?kind=k3&id=4&limit=100', 'nor is one that the path sets');

# columns that need a value; paths with a parameter
sql(qq{
	CREATE FOREIGN TABLE needs (id int, kind text OPTIONS (param 'kind', required 'true')) SERVER api OPTIONS (path '/records', pagination 'link');
	CREATE FOREIGN TABLE item (id int, kind text OPTIONS (param 'kind')) SERVER api OPTIONS (path '/item/{kind}', pagination 'link');
	CREATE FOREIGN TABLE exact (id int, kind text OPTIONS (param 'kind', exact 'true'), n int OPTIONS (param_from 'id_from', exact 'true')) SERVER api OPTIONS (path '/records', pagination 'link')});
refused('SELECT * FROM needs', 'HV002', 'kind', 'a required column names itself');
refused('SELECT * FROM item WHERE id = 3', 'HV002', 'kind', 'so does the path');
is(sql(q{SELECT count(*) FROM needs WHERE kind = 'k1'}), sql(q{SELECT count(*) FROM local WHERE kind = 'k1'}), 'required, given');
is(sql(q{SELECT count(*) FROM item WHERE kind IN ('k1', 'k2')}), sql(q{SELECT count(*) FROM local WHERE kind IN ('k1', 'k2')}), 'path, a request for each value');
is(sql(q{SELECT count(*) FROM (VALUES ('k1'), ('k3')) v(k) JOIN needs USING (id)} =~ s/USING \(id\)/ON needs.kind = v.k/r), sql(q{SELECT count(*) FROM local WHERE kind IN ('k1', 'k3')}), 'required, by a join');
sql(q{CREATE FOREIGN TABLE items (id int, kind text OPTIONS (param_in 'kinds')) SERVER api OPTIONS (path '/item/{kinds}', pagination 'link')});
asks(q{SELECT * FROM items WHERE kind IN ('k1', 'k2')}, '/item/k1,k2?limit=100', 'a list in a path');
refused('SELECT * FROM items', 'HV002', 'kind', '... is needed there');
like(sql(q{EXPLAIN (VERBOSE) SELECT * FROM items}), qr{/item/\{kinds\}\?limit=100}, '... and EXPLAIN shows that it is missing');
refused(q{SELECT * FROM item WHERE kind = '..'}, 'HV00L', 'cannot be sent', 'no way up in a path');
is(sql(q{SELECT count(*) FROM exact WHERE kind = 'k1'}), sql(q{SELECT count(*) FROM local WHERE kind = 'k1'}), 'exact');
sql(q{CREATE FOREIGN TABLE bounded (id int, n float8 OPTIONS (param_to 'id_to', exact 'true')) SERVER api OPTIONS (path '/records', pagination 'link')});
is(sql(q{SELECT count(*) FROM bounded WHERE n <= 'Infinity'}), sql('SELECT count(n) FROM local'), 'exact, but no bound keeps NULLs out');
is(sql(q{SELECT count(*) FROM exact WHERE kind = ''}), '0', 'exact, but an empty value is compared here');
unlike(sql(q{EXPLAIN SELECT id FROM exact WHERE kind = 'k1' AND n >= 5}), qr/Filter/, 'exact conditions are not checked again');
like(sql(q{EXPLAIN SELECT id FROM exact WHERE n > 5}), qr/Filter/, '... but > is more than a from parameter says');

# a table that changes under a cached plan
sql(q{CREATE FOREIGN TABLE cached (id int OPTIONS (param 'id'), kind text) SERVER api OPTIONS (path '/records?id_to=50', pagination 'link')});
asks(q{SET plan_cache_mode = force_generic_plan; PREPARE q(int) AS SELECT id FROM cached WHERE id = $1; EXECUTE q(1);
	ALTER FOREIGN TABLE cached ALTER id OPTIONS (DROP param); EXECUTE q(1); ALTER FOREIGN TABLE cached OPTIONS (SET path '/records?id_to=40'); EXECUTE q(1);
	ALTER FOREIGN TABLE cached DROP COLUMN kind; ALTER FOREIGN TABLE cached ALTER id OPTIONS (ADD param 'id'); EXECUTE q(1)},
	'/records?id_to=50&id=1&limit=100 /records?id_to=50&limit=100 /records?id_to=40&limit=100 /records?id_to=40&id=1&limit=100', 'a prepared statement follows the options');

# cursors in every direction, and beyond their transaction
is(sql(q{BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id FROM f_cursor WHERE id < 300 ORDER BY id;
	FETCH ABSOLUTE 250 FROM c; FETCH BACKWARD 1 FROM c; FETCH FIRST FROM c; FETCH LAST FROM c; COMMIT}), "250\n249\n1\n299", 'a cursor that scrolls');
is(sql(q{BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT id FROM f_page; FETCH 1 FROM h; COMMIT; MOVE 998 IN h; FETCH ALL FROM h}), "1\n1000", 'a cursor that is held');

# what a table of an API is not
for my $command ('INSERT INTO f_cursor (id) VALUES (1)', 'UPDATE f_cursor SET id = 1', 'DELETE FROM f_cursor', 'TRUNCATE f_cursor', 'SELECT id FROM f_cursor TABLESAMPLE system (1)')
{
	refused($command, '0A000', 'foreign table|TABLESAMPLE', $command);
}

# an API that does not keep the order it was asked for
sql(q{CREATE FOREIGN TABLE unsorted (id int OPTIONS (sort 'nonsense'), kind text) SERVER api OPTIONS (path '/records', pagination 'link');
	CREATE FOREIGN TABLE disorder (id int, y int OPTIONS (pointer '/x/y'), kind text OPTIONS (sort 'id') COLLATE "C") SERVER api OPTIONS (path '/records', pagination 'link', sort_nulls 'last')});
refused('SELECT kind FROM disorder ORDER BY kind LIMIT 20', 'HV00M', 'order', 'rows in another order than asked for');

# types refused, rows refused
sql(q{CREATE FOREIGN TABLE typed (id int, text int, n int NOT NULL) SERVER api OPTIONS (path '/records', pagination 'link');
	CREATE FOREIGN TABLE skipping (id int, n int NOT NULL) SERVER api OPTIONS (path '/records', pagination 'link', on_error 'skip');
	CREATE FOREIGN TABLE showing (id int, n int NOT NULL, raw text OPTIONS (pointer ''), error text OPTIONS (pointer '#error'), state text OPTIONS (pointer '#sqlstate'),
		page int OPTIONS (pointer '#page'), record int OPTIONS (pointer '#record'), at text OPTIONS (pointer '#pointer')) SERVER api OPTIONS (path '/records', pagination 'link', on_error 'skip');
	CREATE FOREIGN TABLE limited (id int, n int NOT NULL) SERVER api OPTIONS (path '/records', pagination 'link', on_error 'skip', reject_limit '199')});
refused('SELECT text FROM typed', 'HV024', 'text of 1.*page 1, record 1 of foreign table', 'a value that does not convert: where and which');
is(sql('SELECT count(*), sum(n) FROM skipping'), sql('SELECT count(n), sum(n) FROM local'), 'refused rows are left out');
is(sql('SELECT count(*) FROM showing'), '1000', 'nothing refused where nothing is read');
is(sql('SELECT count(*), count(error) FROM showing'), '1000|200', 'refused rows are shown to who reads why');
is(sql(q(SELECT id, state, page, record, at, raw LIKE '{"id":105,%' FROM showing WHERE error IS NOT NULL AND id = 105)), '105|23502|2|5|/n|t', '... with all there is to know');
refused('SELECT sum(n) FROM limited', 'HV00M', '199', 'no more than reject_limit');
SKIP: {
	skip 'virtual columns came with 18', 1 if sql('SHOW server_version_num') < 180000;
	sql('ALTER FOREIGN TABLE showing ADD text int NOT NULL GENERATED ALWAYS AS (id * 2) VIRTUAL');
	is(sql('SELECT count(*), count(error), sum(text) FROM showing'), '1000|200|1001000', 'a virtual column is not read, but computed');
}

# sampling and estimates
sql('ANALYZE f_cursor');
is(sql(q{SELECT reltuples FROM pg_class WHERE relname = 'f_cursor'}), '1000', 'ANALYZE counts');
is(sql(q{SELECT n_distinct FROM pg_stats WHERE tablename = 'f_cursor' AND attname = 'kind'}), '7', '... and samples');
like(sql(q{SELECT count(*) FROM f_page; EXPLAIN SELECT * FROM f_page}), qr/rows=1000 /, 'a whole scan tells the planner the size');

{
	my $large = RecordServer->start(PostgreSQL::Test::Utils::tempdir . '/large', rows => 4000);
	sql(qq{CREATE SERVER large FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '@{[$large->url]}', limit_param 'limit', page_size '20', total '/total', records '/data');}
		. join '', map { "CREATE FOREIGN TABLE l_$_->[0] (id int, kind text, nothing int) SERVER large OPTIONS (path '/$_->[0]', pagination '$_->[0]'$_->[1]);" }
		[ 'page', '' ], [ 'offset', '' ], [ 'cursor', q{, next '/next'} ]);
	for my $case ([ page => 31 ], [ offset => 31 ], [ cursor => 151 ])
	{
		my ($paging, $most) = @$case;
		$large->asked;
		sql("SET default_statistics_target = 1; ANALYZE l_$paging");
		my @asked = $large->asked;
		cmp_ok(scalar @asked, '<=', $most, "ANALYZE of $paging pages does not read them all");
		is(sql(qq{SELECT reltuples, n_distinct FROM pg_class JOIN pg_stats ON relname = tablename WHERE relname = 'l_$paging' AND attname = 'kind'}), '4000|7', '... but knows how many records there are, and what they hold');
	}
	is(sql(q{SELECT (array_agg(x ORDER BY x))[1] < 400 AND max(x) > 3600 FROM pg_stats, unnest(histogram_bounds::text::int[]) x WHERE tablename = 'l_page' AND attname = 'id'}), 't', 'numbered pages are read from all over');
	like(sql(q{CREATE FOREIGN TABLE unread (id int) SERVER large OPTIONS (path '/cursor', pagination 'cursor', next '/next'); SELECT id FROM unread OFFSET 30 LIMIT 1; EXPLAIN SELECT * FROM unread}), qr/rows=4000 /, 'a total seen in passing tells the planner the size');
}
{
	my ($out, $err) = ('', '');
	$node->psql('postgres', 'ANALYZE needs, item', stdout => \$out, stderr => \$err);
	is(scalar(() = $err =~ /cannot analyze this foreign table/g), 2, 'what cannot be read without a value is not sampled') or diag $err;
	unlike($err, qr/ERROR/, '... which is no error');
}

# errors leave the session and its connections in order
{
	my $out = sql(q{
		DO $$ BEGIN FOR i IN 1 .. 20 LOOP
			BEGIN PERFORM text FROM typed; EXCEPTION WHEN OTHERS THEN NULL; END;
			BEGIN PERFORM 1 / (id - 50) FROM f_cursor; EXCEPTION WHEN division_by_zero THEN NULL; END;
		END LOOP; END $$;
		BEGIN; DECLARE a CURSOR FOR SELECT id FROM f_page; DECLARE b CURSOR FOR SELECT id FROM f_page;
		MOVE 150 IN a; FETCH 2 FROM b; MOVE 100 IN b; FETCH 1 FROM b; CLOSE a; FETCH 1 FROM b; COMMIT;
		SELECT count(*) FROM f_page});
	like($out, qr/^1\n2\n103\n104\n1000$/, 'two cursors at once, after forty errors');
	$out = sql(q{SELECT count(*) FROM f_cursor; SELECT count(*) FROM f_link} =~ s/f_link/f_records/r . q{; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM f_cursor});
	like($out, qr/Connections Opened: 0\n/, 'connections are kept between scans');
	like(sql('EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM f_cursor'), qr/Network Wait: [0-9.]+ ms\n\s*Parse Time: [0-9.]+ ms\n/, 'EXPLAIN ANALYZE parts waiting from work');
	$out = sql(q{SELECT count(*) FROM f_cursor; ALTER SERVER api OPTIONS (ADD timeout '9s'); EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM f_cursor; ALTER SERVER api OPTIONS (DROP timeout)});
	like($out, qr/Connections Opened: 1\n/, '... until the server is changed');
}
is(sql(q{SELECT failed_scans > 20, requests > 500, records > 10000, retries FROM retrack.fdw_stats WHERE server = 'api'}), 't|t|t|0', 'fdw_stats has counted');
is(sql(q{SELECT retrack.fdw_stats_reset(oid) FROM pg_foreign_server WHERE srvname = 'api'; SELECT scans, requests FROM retrack.fdw_stats WHERE server = 'api'}), "\n0|0", 'and forgets');

# at once, not one after the other
sql('CREATE TABLE parent (id int, kind text, text text) PARTITION BY LIST (id); ' . join '', map {
	"CREATE FOREIGN TABLE slow_$_ PARTITION OF parent FOR VALUES IN ($_) SERVER api OPTIONS (path '/slow?id_to=20', pagination 'link');" } 1 .. 20);
{
	my $t0 = time;
	is(sql(q{SELECT count(*), sum((text IS NOT NULL)::int) FROM parent}), '400|400', 'Append of twenty scans');
	my $seconds = time - $t0;
	like(sql('EXPLAIN SELECT * FROM parent'), qr/Async Foreign Scan/, '... is asynchronous');
	cmp_ok($seconds, '<', 4, "... and takes much less than twenty times 300 ms: $seconds s") ;
	my ($out, $err);
	$t0 = time;
	$node->psql('postgres', q{SET statement_timeout = '50ms'; SELECT count(*) FROM parent}, stdout => \$out, stderr => \$err);
	like($err, qr/statement timeout/, '... and can be cancelled');
	is(sql(q{SELECT count(*) FROM (SELECT id FROM parent LIMIT 5) x}), '5', '... and given up early');
}
done_testing();
