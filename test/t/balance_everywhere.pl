# Protects: a million movements balance to the last digit of an independent numeric computation, serial
# and parallel; balances keep their bits through binary copy, dump and restore and other encodings; memory
# per group does not grow with rows; no corrupt bytes get through recv or the parallel workers' reader.
use strict;
use warnings;

use Cwd qw(abs_path);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{RETRACK_SEED} // 20250404;
note "seed $seed (RETRACK_SEED sets it)";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('balance');
$node->init;
$node->append_conf('postgresql.conf', "max_parallel_workers_per_gather = 0\nwork_mem = '64MB'\njit = off");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION retrack});
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET search_path = public, retrack});

sub query { return $node->safe_psql('postgres', shift) }

# --- a million rows -----------------------------------------------------------------------------------

query(sprintf q{
	SELECT setseed(%.6f);
	CREATE TABLE fraction AS
	SELECT assay_id, element, trunc(random() * 160000000)::bigint AS ppb,
		CASE WHEN assay_id %% 4 = 0 THEN trunc(random() * 2000000)::bigint ELSE 0 END AS sd
	FROM generate_series(0, 999) AS assay_id, unnest('{La,Ce,Pr,Nd,Tb,Dy}'::element[]) AS element WHERE random() < 0.6;
	CREATE TABLE lookup AS SELECT assay_id, string_agg(format('%%s=%%sppb%%s', element, ppb,
		CASE WHEN sd > 0 THEN format('±%%sppb', sd) ELSE '' END), ',')::assay AS assay FROM fraction GROUP BY 1;
	CREATE TABLE movement AS
	SELECT id, id %% 50 AS facility, (enum_range(NULL::flow))[1 + floor(random() * 5)] AS flow, mg, (mg || ' mg')::mass AS mass, assay_id, assay,
		r, r / 1e9::float8 AS random_rsd, s, s / 1e9::float8 AS systematic_rsd, CASE WHEN i < 6 THEN 'scale ' || i END AS instrument
	FROM (SELECT id, trunc(random() * 1e12 - 1e10)::bigint AS mg, trunc(random() * 1000)::int AS assay_id,
			trunc(random() * 10000000)::bigint AS r, trunc(random() * 5000000)::bigint AS s, trunc(random() * 8)::int AS i
		FROM generate_series(1, 1000000) AS id) AS g JOIN lookup USING (assay_id);
	ANALYZE movement;
	CREATE TABLE serial AS
	SELECT facility, mass_balance(flow, mass, assay) AS plain, mass_balance(flow, mass, assay, random_rsd, systematic_rsd, instrument) AS b
	FROM movement GROUP BY facility}, ($seed % 1000) / 1000);

# integers only: mg ppb, (mg ppb ppb)^2; the scale comes last
query(q{
	CREATE TABLE unnested AS
	SELECT facility, element, flow, instrument, CASE WHEN flow IN ('opening', 'receipt') THEN 1 ELSE -1 END AS sign,
		mg::numeric * ppb AS x, mg::numeric * ppb * r AS xr, mg::numeric * ppb * s AS xs, mg::numeric * sd * 1000000000 AS msd, sign(mg::numeric) AS taken
	FROM movement JOIN fraction USING (assay_id);
	CREATE TABLE independent AS
	SELECT facility, element, muf * 1e-15 AS muf, opening * 1e-15 AS opening, closing * 1e-15 AS closing, (var + coalesce(bias, 0)) * 1e-48 AS var
	FROM (SELECT facility, element, sum(sign * x) AS muf, sum(x) FILTER (WHERE flow = 'opening') AS opening, sum(x) FILTER (WHERE flow = 'closing') AS closing,
			sum(taken * (xr * xr + msd * msd + CASE WHEN instrument IS NULL THEN xs * xs ELSE 0 END)) AS var FROM unnested GROUP BY 1, 2) AS t
		LEFT JOIN (SELECT facility, element, sum(b * b) AS bias FROM
			(SELECT facility, element, instrument, sum(sign * xs) AS b FROM unnested WHERE instrument IS NOT NULL GROUP BY 1, 2, 3) AS i GROUP BY 1, 2) AS v USING (facility, element);
	DROP TABLE unnested});
is(query(q{
	SELECT count(*), bool_and(l.muf = i.muf AND l.opening = i.opening AND l.closing = i.closing), bool_and(variance(b, element) = i.var),
		bool_and(l.sigma = round(sqrt(round(i.var, 80)), 15)), bool_and(muf(plain, element) = i.muf)
	FROM serial JOIN LATERAL balance_lines(b) AS l ON true FULL JOIN independent AS i USING (facility, element)}),
	'300|t|t|t|t', 'a million rows: serial answers equal independent numeric ones, to the last digit');

my $parallel = q{SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;};
like(query("$parallel EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT facility, mass_balance(flow, mass, assay) FROM movement GROUP BY facility"),
	qr/Workers Launched: [12].*Partial HashAggregate/s, 'two workers take part');
is(query(qq{$parallel
	SELECT count(*), bool_and(p.b = s.b AND p.plain = s.plain AND balance_send(p.b) = balance_send(s.b)) FROM
		(SELECT facility, mass_balance(flow, mass, assay) AS plain, mass_balance(flow, mass, assay, random_rsd, systematic_rsd, instrument) AS b
		 FROM movement GROUP BY facility) AS p FULL JOIN serial AS s USING (facility)}),
	'50|t', 'parallel: the same bits');

# --- memory -------------------------------------------------------------------------------------------

sub memory_kb
{
	my ($rows, $instruments) = @_;
	my $plan = query(qq{SET enable_sort = off; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
		SELECT facility, mass_balance(flow, mass, assay, random_rsd, systematic_rsd, 'i' || id / 50 % $instruments) FROM movement WHERE id <= $rows GROUP BY facility});
	return $plan =~ /Memory Usage: (\d+)kB/ ? $1 : die $plan;
}
my ($few, $many, $wide) = (memory_kb(20000, 4), memory_kb(1000000, 4), memory_kb(1000000, 40));
is($many, $few, "50 groups: as much memory with 20000 rows a group as with 400 ($many kB)");
cmp_ok($wide, '>', $many, "it grows with instruments: $wide kB with 40 of them");

# --- copies -------------------------------------------------------------------------------------------

my $dir = abs_path($node->basedir);
query(qq{
	CREATE TABLE kept (facility int PRIMARY KEY, b balance);
	INSERT INTO kept SELECT facility, b FROM serial;
	INSERT INTO kept VALUES (-1, 'empty'), (-2, NULL), (-3, E'Nd | opening 1 | bias "W\\u00e4gung \\\\n \\\\\\"1\\\\\\"" 0.5 0 0 "\\u0160" 0 1 0 "z" 0 0 2');
	COPY kept TO '$dir/kept.bin' (FORMAT binary);
	CREATE TABLE copied (LIKE kept);
	COPY copied FROM '$dir/kept.bin' (FORMAT binary);
	SET client_encoding = 'LATIN2';
	COPY kept TO '$dir/kept.latin' (FORMAT binary);
	CREATE TABLE latin (LIKE kept);
	COPY latin FROM '$dir/kept.latin' (FORMAT binary);
	COPY kept TO '$dir/kept.txt';
	CREATE TABLE texted (LIKE kept);
	COPY texted FROM '$dir/kept.txt'});
for my $table (qw(copied latin texted))
{
	is(query("SELECT count(*), bool_and(k.b IS NOT DISTINCT FROM c.b) FROM kept AS k FULL JOIN $table AS c USING (facility)"),
		'53|t', "$table: the same bits");
}
isnt(slurp_file("$dir/kept.bin"), slurp_file("$dir/kept.latin"), 'instrument names travel in the client\'s encoding');

$node->command_ok([ 'pg_dump', '-Fc', '-t', 'kept', '-t', 'movement', '-f', "$dir/kept.dump", $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION retrack');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('other'), "$dir/kept.dump" ], 'pg_restore');
is($node->safe_psql('other', q{SELECT sum(hashtextextended(b::text, facility)) FROM kept}),
	query(q{SELECT sum(hashtextextended(b::text, facility)) FROM kept}), 'restored balances are the same');
is($node->safe_psql('other', q{SELECT count(*), bool_and(m.b OPERATOR(retrack.=) k.b) FROM kept AS k JOIN (SELECT facility,
		retrack.mass_balance(flow, mass, assay, random_rsd, systematic_rsd, instrument) AS b FROM movement GROUP BY facility) AS m USING (facility)}),
	'50|t', 'restored movements, whose flows have other OIDs, balance to the restored balances');

# --- a label that is no flow --------------------------------------------------------------------------

$node->safe_psql('other', q{ALTER TYPE retrack.flow ADD VALUE 'return'});
my (undef, undef, $stderr) = $node->psql('other', q{\set VERBOSITY sqlstate
SELECT retrack.mass_balance('return', '1 kg', 'Nd=1%')});
like($stderr, qr/22023/, 'a flow added to the enum has no place in a balance');

# --- corrupt bytes ------------------------------------------------------------------------------------

my @valid = map { pack('H*', $_) } split /\n/, query(q{
	SELECT encode(balance_send(b), 'hex') FROM kept WHERE b IS NOT NULL AND facility < 3});

sub mutate
{
	my $bytes = $valid[ rand @valid ];
	for (1 .. 1 + rand 3)
	{
		my $kind = int rand 7;
		my $at = int rand length $bytes;
		if ($kind == 0) { substr($bytes, $at, 1) ^= chr(1 << rand 8) }
		elsif ($kind == 1) { $bytes = substr($bytes, 0, $at) }
		elsif ($kind == 2) { substr($bytes, $at, 0) = join '', map { chr rand 256 } 1 .. 1 + rand 9 }
		elsif ($kind == 3) { substr($bytes, $at, 1 + rand 40) = '' }
		elsif ($kind == 4 && length $bytes > 4)
		{
			my @odd = (0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x1FFFF, 0x3FFFF, 17, 65536);
			substr($bytes, int rand(length($bytes) - 4), 4) = pack('N', $odd[ rand @odd ]);
		}
		elsif ($kind == 5) { $bytes .= substr($valid[ rand @valid ], rand 100) }
		else { substr($bytes, 1, 4) = pack('N', rand 2**18) }
		$bytes = 'x' if $bytes eq '';
	}
	return $bytes;
}

# Of a small state every beginning and every bit turned over; of the large ones thousands of mutations.
my $small = pack('H*', query(q{SELECT encode(balance_send(mass_balance(flow::flow, mass::mass, assay::assay, 0.003, 0.002, instrument)), 'hex')
	FROM (VALUES ('receipt', '7 t', 'Nd=30%±0.1%,Dy=2%', 'scale 1'), ('closing', '-3 t', 'Nd=29%', 'Wägung')) AS v(flow, mass, assay, instrument)}));
my @input = map { substr($small, 0, $_) } 0 .. length($small) - 1;
my $beginnings = @input;
for my $bit (0 .. 8 * length($small) - 1)
{
	push @input, $small;
	vec($input[-1], $bit, 1) ^= 1;
}
# Written by another hand: an instrument without sums among five, and a sum stated twice.
my $neodymium = pack('CN', 1, 1 << 5) . "\0" x 80;
my $sum_of_one = pack('N', 1 << 5) . "\0" x 23 . "\1" . pack('NN', 0, 0);
push @input, $neodymium . pack('N', 5) . pack('N/a* N3', 'none', 0, 0, 0) . join('', map { pack('N/a*', $_) . $sum_of_one } qw(a b c d)),
	$neodymium . pack('N', 2) . (pack('N/a*', 'a') . $sum_of_one) x 2;
my $by_hand = @input;
push @input, mutate() for 1 .. 3000;
my $inputs = @input;

# One file an input: COPY BINARY is how bytes from outside reach balance_recv.
mkdir "$dir/fuzz";
chmod 0755, "$dir/fuzz";
open my $hex, '>', "$dir/fuzz/hex" or die;
for my $i (1 .. $inputs)
{
	my $bytes = $input[ $i - 1 ];
	print $hex "$i\t\\\\x", unpack('H*', $bytes), "\n";
	open my $file, '>:raw', "$dir/fuzz/$i" or die;
	print $file "PGCOPY\n\377\r\n\0", pack('NN', 0, 0), pack('nN', 1, length $bytes), $bytes, pack('n', 0xFFFF);
	close $file;
}
close $hex;
query(qq{
	CREATE TABLE hostile (b balance);
	CREATE TABLE outcome (i int, reader text, state text);
	CREATE TABLE input (i int, bytes bytea);
	COPY input FROM '$dir/fuzz/hex';
	DO \$\$ BEGIN FOR n IN 1..$inputs LOOP
		BEGIN
			EXECUTE format('COPY hostile FROM %L (FORMAT binary)', '$dir/fuzz/' || n);
			INSERT INTO outcome VALUES (n, 'recv', 'read');
		EXCEPTION WHEN OTHERS THEN INSERT INTO outcome VALUES (n, 'recv', sqlstate);
		END;
	END LOOP; END \$\$});
is(query(q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM outcome WHERE state NOT IN ('read', '22P03', '08P01', '22021')}),
	'', 'recv: corrupt bytes are read or refused with their own state');
cmp_ok(query(q{SELECT count(*) FROM outcome WHERE reader = 'recv' AND state <> 'read'}), '>', $inputs / 6, 'many were refused');
is(query("SELECT count(*) FROM outcome WHERE reader = 'recv' AND i <= $beginnings AND state = 'read'"), 0, 'no beginning of a balance is one');
is(query("SELECT string_agg(reader || ' ' || state, ', ' ORDER BY i) FROM outcome WHERE i IN ($by_hand - 1, $by_hand)"),
	'recv read, recv 22P03', 'an instrument without sums is none; a sum stated twice is a fault');
is(query(q{SELECT count(*) > 100, bool_and(b = b::text::balance) FROM hostile}), 't|t', 'what was read is a proper balance');

# The workers' reader takes a pointer that SQL cannot make: the test declares it with integers for pointers.
query(q{
	CREATE FUNCTION deserialize(bytea, int8) RETURNS int8 LANGUAGE c STRICT AS '$libdir/retrack', 'mass_balance_deserialize';
	CREATE FUNCTION serialize(int8) RETURNS bytea LANGUAGE c STRICT AS '$libdir/retrack', 'mass_balance_serialize';
	CREATE FUNCTION finish(int8) RETURNS balance LANGUAGE c STRICT AS '$libdir/retrack', 'mass_balance_final';
	DO $$ DECLARE r record; back balance; BEGIN FOR r IN SELECT * FROM input LOOP
		BEGIN
			back := finish(deserialize(r.bytes, 0));
			INSERT INTO outcome VALUES (r.i, 'deserialize', 'read');
			IF back <> finish(deserialize(serialize(deserialize(r.bytes, 0)), 0)) THEN
				INSERT INTO outcome VALUES (r.i, 'deserialize', 'differs');
			END IF;
		EXCEPTION WHEN OTHERS THEN INSERT INTO outcome VALUES (r.i, 'deserialize', sqlstate);
		END;
	END LOOP; END $$});
is(query(q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM outcome WHERE reader = 'deserialize' AND state NOT IN ('read', '22P03', '08P01')}),
	'', 'deserialize: corrupt bytes are read or refused');
cmp_ok(query(q{SELECT count(*) FROM outcome WHERE reader = 'deserialize' AND state <> 'read'}), '>', $inputs / 6, 'many were refused');
is(query("SELECT count(*) FROM outcome WHERE reader = 'deserialize' AND i <= $beginnings AND state = 'read'"), 0, 'no beginning of a state is one');
is(query(q{SELECT count(*), bool_and(finish(deserialize(balance_send(b), 0)) = b) FROM kept WHERE facility >= 0}),
	'50|t', 'deserialize: what is whole is read');
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP|PANIC/, 'no backend crashed');

$node->stop;
done_testing();
