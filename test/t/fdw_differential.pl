# Protects: whatever is asked of a foreign table, the answer is that of the same query over a local copy
# of the data. Queries are generated from a seed, over columns of every type that takes parameters, an
# API that filters and one that ignores filters by chance, and every way of paging.
# SEED and QUERIES in the environment choose others, or more of them.
use strict;
use warnings;
use lib 'test/t/lib';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TableServer;

my $seed = $ENV{SEED} // 20250711;
my $count = $ENV{QUERIES} // 250;
my $state = $seed % 2147483647 || 1;
note("seed $seed");
sub chance { $state = $state * 48271 % 2147483647; return ($state >> 8) % $_[0] }
sub one_of { return $_[ chance(scalar @_) ] }

my $node = PostgreSQL::Test::Cluster->new('differential');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\njit = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }

# name => [ type, what the API compares it as, options, values for conditions ]
my %columns = (
	id => [ 'int NOT NULL', 'number', 'sort', qw(1 7 50 -3 199 200 201 3000000000 NULL) ],
	s => [ 'smallint', 'number', 'sort', qw(0 3 -3 70000 NULL), '3::smallint', '4::bigint' ],
	b => [ 'bigint', 'number', 'sort', qw(9007199254740993 9007199254740992 5 -5 NULL) ],
	f => [ 'float8', 'number', 'sort', qw(0.5 2.25 0 NULL), "'-0'::float8", "'Infinity'::float8", "'-Infinity'::float8", "'NaN'::float8", '3', '1e300::float8' ],
	n => [ 'numeric', 'number', 'sort', qw(1.5 1.50 3.00 0 NULL 12345678901234567890.5), "'NaN'::numeric", '3::int', "'Infinity'::numeric" ],
	t => [ 'text COLLATE "C"', 'text', 'sort', q('a'), q('B'), q(''), q('a,b'), q('é'), q('a&x=1'), q('.'), 'NULL', q('a' COLLATE "und-x-icu"), q('A' COLLATE nocase), q(repeat('x', 9000)) ],
	u => [ 'text COLLATE "und-x-icu"', 'text', '', q('a'), q('B'), q(''), q('a' COLLATE "C"), q('a'::varchar) ],
	ci => [ 'text COLLATE nocase', 'text', '', q('a'), q('A'), q('B'), q('b' COLLATE "C"), q('') ],
	v => [ 'varchar(6) COLLATE "C"', 'text', 'sort', q('a'), q('B'::text), q('a '), q('abcdefgh'), q('') ],
	c => [ 'char(3)', 'text', '', q('a'), q('a '), q('abc'), q('a'::text) ],
	d => [ 'date', 'time', 'sort', map { s/^[^'].*/'$&'/r } qw(2025-01-03 2025-02-28 infinity -infinity 9999-12-31), "'0044-03-15 BC'", "'12000-01-01'", "timestamptz '2025-01-03 01:00+03'", 'NULL' ],
	ts => [ 'timestamp', 'time', 'sort', "'2025-01-03 10:00'", "'2025-01-03 10:00:00.5'", "'-infinity'", "date '2025-01-04'", "'24000-01-01'" ],
	tz => [ 'timestamptz', 'time', 'sort', "'2025-01-03 10:00+02'", "'2025-01-03 10:00:00.000001Z'", "'infinity'", "date '2025-01-04'", "now() - interval '1 day'", "'20000-01-01'" ],
	uu => [ 'uuid', 'text', 'sort', map { "'0000000${_}-0000-4000-8000-00000000000a'::uuid" } 0, 1, 3, 9 ],
	bo => [ 'bool', 'label', '', qw(true false NULL) ],
	el => [ 'retrack.element', 'label', '', q('Dy'), q('Nd'), q('dysprosium'), q('La') ],
	li => [ 'retrack.licence_id', 'name', 'sort', q('25-AA-000003'), q('25-AA-000001'), q('24-AA-000001') ],
	en => [ 'mood', 'label', '', q('sad'), q('ok'), q('happy') ],
	dm => [ 'positive', 'number', 'sort', qw(1 2 0 -1 NULL) ],
	r => [ 'real', 'number', 'sort', qw(0.5::real 0.1::real 0.1 0 2 NULL), "'NaN'::real", '1e-40::real' ],
	q => [ 'numeric(6,2)', 'number', 'sort', qw(1.5 0.25 0.250 0.2500001 0 NULL) ],
	tm => [ 'time', 'text', 'sort', q('10:00'), q('10:00:00.50'), q('24:00:00'), q('10:00:01'), 'NULL' ],
	iv => [ 'interval', 'text', '', q('1 day'), q('24 hours'), q('1 mon'), q('30 days'), q('0') ],
	j => [ 'jsonb', 'text', '', q('{"a": 1}'), q('{"a":1.0}'), q('"a"'), q('1'), q('null') ],
	ar => [ 'int[]', 'text', '', q('{1,2}'), q('{}'), q('{1,NULL}'), q(ARRAY[3]) ],
	x => [ 'int', 'number', '', qw(1 2 3 NULL) ]);    # takes no parameter
my @names = sort keys %columns;

sub options
{
	my ($name, $exact) = @_;
	my $ordered = $columns{$name}[1] ne 'label';
	return '' if $name eq 'x';
	my @o = ("param '$name'", chance(2) ? "param_in '${name}_in'" : ("param_in '${name}_each'", "param_in_style 'repeat'"));
	push @o, "param_from '${name}_from'", "param_to '${name}_to'" if $ordered;
	shift @o if $ordered && chance(3) == 0;
	push @o, "sort '$name'" if $columns{$name}[2] eq 'sort';
	push @o, "exact 'true'" if $exact && chance(2);
	return ' OPTIONS (' . join(', ', @o) . ')';
}

sub column_of
{
	my ($name, $exact) = @_;
	my ($type, $collation, $null) = $columns{$name}[0] =~ /^(\S+)(.*?)( NOT NULL)?$/;
	return "$name $type" . options($name, $exact) . $collation . ($null // '');
}
sub column_list { my $exact = shift; return join ', ', map { column_of($_, $exact) } @names }

sql(q{CREATE EXTENSION retrack;
	ALTER DATABASE postgres SET search_path = public, retrack;
	CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
	CREATE DOMAIN positive AS int CHECK (VALUE >= 0);
	CREATE TABLE local (} . join(', ', map { "$_ $columns{$_}[0]" } @names) . q{);
	SELECT setseed(0.5);
	INSERT INTO local (id, s, b, f, n, t, u, ci, v, c, d, ts, tz, uu, bo, el, li, en, dm, x, r, q, tm, iv, j, ar)
	SELECT i, CASE WHEN i % 6 > 0 THEN i % 9 - 3 END, CASE WHEN i % 8 > 0 THEN 9007199254740990 + i % 5 ELSE i % 7 - 5 END,
		CASE WHEN i % 7 > 0 THEN (i % 11) * 0.25 END, CASE WHEN i % 5 > 0 THEN (i % 13) * 0.5 ELSE 12345678901234567890.5 END,
		(ARRAY['a', 'B', 'A', 'a,b', '', 'é', 'a&x=1', '.', NULL, 'b'])[i % 10 + 1], (ARRAY['a', 'B', 'A', 'b', ''])[i % 5 + 1],
		(ARRAY['a', 'B', 'A', 'b', NULL])[(i / 2) % 5 + 1], (ARRAY['a', 'a ', 'B', 'abcdef', ''])[(i / 3) % 5 + 1], (ARRAY['a', 'ab', 'abc', NULL])[i % 4 + 1],
		CASE WHEN i % 9 > 0 THEN date '2025-01-01' + i % 70 END, timestamp '2025-01-03 10:00' + (i % 3) * interval '0.5s', 
		CASE WHEN i % 4 > 0 THEN timestamptz '2025-01-03 08:00Z' + (i % 5) * interval '12h' + (i % 2) * interval '1us' ELSE timestamptz '2033-01-01Z' END,
		('0000000' || i % 4 || '-0000-4000-8000-00000000000a')::uuid, (ARRAY[true, false, NULL])[i % 3 + 1],
		(ARRAY['La', 'Dy', 'Nd', NULL])[i % 4 + 1]::retrack.element, ('25-AA-00000' || i % 5)::retrack.licence_id,
		(ARRAY['sad', 'ok', 'happy', NULL])[(i / 5) % 4 + 1]::mood, CASE WHEN i % 5 > 0 THEN i % 4 END, CASE WHEN i % 3 > 0 THEN i % 4 END,
		CASE WHEN i % 9 > 0 THEN ((i % 7) * 0.1)::real END, CASE WHEN i % 8 > 0 THEN (i % 9) * 0.25 END, CASE WHEN i % 6 > 0 THEN time '10:00' + (i % 4) * interval '0.5 s' ELSE '24:00' END,
		(ARRAY['1 day', '24 hours', '1 mon', '30 days', NULL])[i % 5 + 1]::interval, (ARRAY['{"a": 1}', '{"a": 1.0}', '"a"', '1', '[null]', NULL])[i % 6 + 1]::jsonb,
		(ARRAY['{1,2}', '{}', '{1,NULL}', NULL, '{3}'])[i % 5 + 1]::int[]
	FROM generate_series(1, 200) i ORDER BY random();
	ANALYZE local});
# licences as documents have them, without check character
my @lines = map { s/("li": "[^"]*)-."/$1"/r } split /\n/, sql('SELECT to_jsonb(l) FROM local l');
my $server = TableServer->start(PostgreSQL::Test::Utils::tempdir . '/table', lines => \@lines, kinds => { map { $_ => $columns{$_}[1] } @names });

my %tables = (
	link => q{pagination 'link'}, cursor => q{pagination 'cursor', records '/data', next '/next', total '/total'}, page => q{pagination 'page', records '/data', total '/total'},
	offset => q{pagination 'offset', records '/data', prefetch '3'}, all => '', lines => q{format 'ndjson'});
sql(qq{CREATE SERVER api FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url '@{[$server->url]}', limit_param 'limit', page_size '60', sort_param 'sort', sort_nulls 'last');}
	. join '', map { my $paging = $tables{$_}; my $comma = $paging ? ', ' : '';
		"CREATE FOREIGN TABLE f_$_ (@{[column_list(1)]}) SERVER api OPTIONS (path '/$_'$comma$paging);
		CREATE FOREIGN TABLE f_sloppy_$_ (@{[column_list(0)]}) SERVER api OPTIONS (path '/sloppy/$_'$comma$paging);" } sort keys %tables);
# two partitions, one of another order of columns and with one dropped
sql(qq{CREATE TABLE f_parts (LIKE local) PARTITION BY RANGE (id);
	CREATE FOREIGN TABLE part_1 (@{[column_list(0)]}) SERVER api OPTIONS (path '/cursor?id_to=99', $tables{cursor});
	CREATE FOREIGN TABLE part_2 (junk int, @{[join ', ', reverse map { column_of($_, 0) } @names]}) SERVER api OPTIONS (path '/offset?id_from=100', $tables{offset});
	ALTER FOREIGN TABLE part_2 DROP COLUMN junk;
	ALTER TABLE f_parts ATTACH PARTITION part_1 FOR VALUES FROM (1) TO (100);
	ALTER TABLE f_parts ATTACH PARTITION part_2 FOR VALUES FROM (100) TO (1000)});
# a table with rows of its own, and two foreign children of which one takes conditions
sql(qq{CREATE TABLE f_tree (LIKE local);
	INSERT INTO f_tree SELECT * FROM local WHERE id BETWEEN 50 AND 120;
	CREATE FOREIGN TABLE child_1 () INHERITS (f_tree) SERVER api OPTIONS (path '/link?id_to=49', pagination 'link');
	CREATE FOREIGN TABLE child_2 (CHECK (id > 120)) INHERITS (f_tree) SERVER api OPTIONS (path '/page', $tables{page});
	ALTER FOREIGN TABLE child_2 ALTER id OPTIONS (ADD param_from 'id_from', ADD param_to 'id_to', ADD sort 'id'), ALTER t OPTIONS (ADD param 't');
	CREATE FOREIGN TABLE f_tail () INHERITS (f_tree) SERVER api OPTIONS (path '/all?id_from=121');
	ALTER FOREIGN TABLE f_tail RENAME TO child_3;
	DROP FOREIGN TABLE child_2});
$tables{$_} = '' for qw(parts tree);
sql(q{CREATE FUNCTION volatile_id() RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN 5; END';
	CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE result text;
	BEGIN EXECUTE query INTO result; RETURN coalesce(result, 'none');
	EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$;
	-- the same by a generic plan, the value as a parameter
	CREATE FUNCTION prepared(query text, type text, value text) RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
	DECLARE result text;
	BEGIN
		EXECUTE format('PREPARE generic(%s) AS %s', type, query);
		EXECUTE format('EXECUTE generic(%s)', value) INTO result;
		DEALLOCATE generic;
		RETURN result;
	EXCEPTION WHEN OTHERS THEN DEALLOCATE ALL; RETURN SQLSTATE || ' ' || SQLERRM; END $$});

# conditions on the columns of one table
sub value { my $name = shift; my @v = @{ $columns{$name} }; return one_of(@v[ 3 .. $#v ]) }
sub base_type { my $t = $columns{ $_[0] }[0]; $t =~ s/ (NOT NULL|COLLATE .*)$//; return $t }

sub condition
{
	my ($prefix) = @_;
	my $name = one_of(@names);
	my $c = "$prefix$name";
	my $v = value($name);
	my $plain = sub { my $x; do { $x = value($name) } while $x =~ /COLLATE|date '|timestamptz '|now|::text|'3'$|::int|::bigint/; return $x };
	my $type = base_type($name);
	$type = 'numeric' if $name =~ /^(id|s|b|dm|x)$/ && chance(4) == 0;
	$type = 'bigint' if $type =~ /^(int|smallint|positive)$/;
	my $list = join ', ', map { $plain->() } 0 .. chance(4);
	my @shapes = (
		("$c = $v") x 4, ("$v = $c"), ("$c " . one_of('<', '<=', '>', '>=', '<>') . " $v") x 4, ("$c BETWEEN $v AND " . value($name)) x 2,
		("$c IN ($list)") x 3, "$c NOT IN ($list)", ("$c = ANY (ARRAY[$list]::${type}[])") x 2, "$c = ANY ('{}'::${type}[])", "$c <> ALL (ARRAY[$list]::${type}[])",
		"$c IS NULL", "$c IS NOT NULL", "$c IS DISTINCT FROM $v", "NOT ($c = $v)", "coalesce($c = $v, true)", "${prefix}id = volatile_id()", "$c = (SELECT $v)",
		"$c = (SELECT min($name) FROM local)", "$c = ANY (SELECT $name FROM local WHERE id < 4)", "($c = $v OR ${prefix}id < 5)", "${prefix}id = ANY (ARRAY(SELECT g * 3 FROM generate_series(1, 2000) g))");
	my $shape = one_of(@shapes);
	$shape =~ s/min\((bo|uu)\)/max(CASE WHEN id = 3 THEN $1 END::text)::@{[base_type($1) ]}/ if $name =~ /^(bo|uu)$/;
	return $shape;
}

sub where { my $p = shift; return join ' AND ', map { condition($p) } 0 .. chance(3) }
sub sortable { return one_of(grep { $columns{$_}[2] eq 'sort' } @names) }

sub query
{
	my $order = join ', ', (map { sortable() . one_of('', ' DESC', ' DESC NULLS LAST', ' NULLS FIRST') } 1 .. chance(3)), 'id' . one_of('', ' DESC');
	my $where = where('');
	my $join = one_of(qw(id s n t uu el dm d));
	return one_of(
		(["SELECT id, t, n FROM %T WHERE $where", 0]) x 4,
		(["SELECT id FROM %T WHERE $where ORDER BY $order" . one_of('', ' LIMIT 5', ' LIMIT 70 OFFSET 3', ' FETCH FIRST 4 ROWS WITH TIES', ' LIMIT NULL', ' LIMIT 0'), 1]) x 3,
		["SELECT id, ${\one_of(@names)} FROM %T ORDER BY $order LIMIT " . (1 + chance(90)), 1],
		["SELECT count(*), min(n), max(d), count(DISTINCT t) FROM %T WHERE $where", 0],
		["SELECT DISTINCT s, el FROM %T WHERE $where", 0],
		["SELECT a.id, b.id FROM local a JOIN %T b ON b.$join = a.$join WHERE a.id < " . (3 + chance(6)) . ' AND ' . where('b.'), 0],
		["SELECT a.id, b.id FROM local a LEFT JOIN %T b ON b.$join = a.$join AND @{[where('b.')]} WHERE a.id < 5", 0],
		["SELECT a.id FROM %T a WHERE @{[where('a.')]} AND " . one_of('', 'NOT ') . "EXISTS (SELECT 1 FROM %T b WHERE b.$join = a.$join AND b.id < a.id)", 0],
		["SELECT v.id, l.* FROM (VALUES (1), (5), (NULL), (5)) v(id), LATERAL (SELECT id, n FROM %T r WHERE r.id >= v.id AND @{[where('r.')]} ORDER BY id LIMIT 3) l", 0],
		["SELECT a.id, (SELECT max(b.id) FROM %T b WHERE b.$join = a.$join) FROM local a WHERE a.id < 6", 0],
		["SELECT id FROM %T WHERE @{[where('')]} UNION ALL SELECT id FROM %T WHERE @{[where('')]}", 0],
		["WITH w AS MATERIALIZED (SELECT * FROM %T WHERE $where) SELECT a.id, b.x FROM w a FULL JOIN w b ON a.id = b.id + 1", 0],
		["SELECT r FROM %T r WHERE @{[where('r.')]}", 0],
		["SELECT a.id, b.id FROM (VALUES (1, ARRAY[1, 5, NULL]), (2, '{}'), (3, NULL), (4, ARRAY[7, 7, 300])) a(id, ids) JOIN %T b ON b.id = ANY (a.ids) AND @{[where('b.')]}", 0],
		["SELECT id FROM %T WHERE " . one_of('(id, s) = (5, 2)', '(id, n) IN ((1, 0.5), (5, 2.5), (6, NULL))', '(s, id) < (1, 50)', '(id, t) <= (50, NULL)', 'ROW(id, s) IS DISTINCT FROM ROW(5, 2)') . " AND $where", 0],
		["SELECT id FROM %T WHERE $where FOR UPDATE", 0],
		["SELECT id FROM (SELECT * FROM %T WHERE $where OFFSET 0) q WHERE " . where(''), 0],
		["SELECT id FROM %T WHERE id NOT IN (SELECT x FROM %T WHERE x IS NOT NULL AND @{[where('')]}) AND $where", 0],
		["SELECT count(*) FILTER (WHERE $where), bool_or(" . condition('') . ") FROM %T GROUP BY GROUPING SETS ((), (bo))", 0],
		["SELECT id, rank() OVER (PARTITION BY s ORDER BY id) FROM %T WHERE $where", 0]);
}

sub quoted { my $s = shift; $s =~ s/'/''/g; return "'$s'" }

for my $settings ('', 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off;',
	"SET enable_nestloop = off; SET enable_sort = off; SET timezone = 'Asia/Shanghai'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = 0;",
	"SET enable_async_append = off; SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on; SET intervalstyle = 'iso_8601'; SET timezone = 'America/St_Johns'; SET lc_numeric = 'C'; SET join_collapse_limit = 1;",
	'SET force_parallel_mode = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET enable_hashagg = off;')
{
	my $set = $settings;
	$set =~ s/force_parallel_mode/debug_parallel_query/ if $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000;
	my (@queries, $script);
	for my $i (0 .. $count / 5 - 1)
	{
		my ($q, $ordered) = @{ query() };
		my $table = one_of(sort keys %tables);
		$table = ($table =~ /^(parts|tree)$/ || chance(2) ? 'f_' : 'f_sloppy_') . $table;
		my ($f, $l) = map { my $t = $_; my $x = $q =~ s/%T/$t/gr;
			quoted($ordered ? "SELECT string_agg(q::text, ' ') FROM ($x) q" : "SELECT string_agg(q::text, ' ' ORDER BY q::text) FROM ($x) q") } $table, 'local';
		push @queries, "$table: $q";
		my $answer = 'answer';
		if (chance(5) == 0)
		{
			my $name = one_of(qw(id s b f n t v d ts tz bo el li en dm r q tm iv));
			my $list = chance(3) == 0;
			my $v = $list ? quoted('{' . join(',', map { my $x; do { $x = value($name) } while $x !~ /^(NULL|-?[\d.]+|true|false|'[^']*')$/; $x =~ /^'(.*)'$/ ? qq("$1") : $x } 0 .. chance(3)) . '}') : value($name);
			my $type = base_type($name) . ($list ? '[]' : '');
			my $condition = $list ? "$name = ANY (\$1)" : "$name " . one_of('=', '=', '<', '>=') . ' $1';
			$queries[-1] = "$table: $condition, $v";
			($f, $l) = map { quoted("SELECT string_agg(id::text, ' ' ORDER BY id) FROM " . $_ . " WHERE $condition") . ", '$type', " . quoted($v) } $table, 'local';
			$answer = 'prepared';
		}
		$script .= "SELECT $i || E'\\t' || left(f, 400) || E'\\t' || left(l, 400) FROM (SELECT $answer($f) AS f, $answer($l) AS l) q WHERE f IS DISTINCT FROM l AND NOT (f ~ '^22|^42' AND l ~ '^22|^42') AND l !~ '^42P22';\n";
	}
	my $out = sql("$set\n$script");
	my @wrong = map { my ($i, $f, $l) = split /\t/; "$queries[$i]\n\tforeign: $f\n\tlocal:   $l" } split /\n/, $out;
	is(join("\n", @wrong), '', scalar(@queries) . " queries as over the local copy; $set (seed $seed)");
}
done_testing();
