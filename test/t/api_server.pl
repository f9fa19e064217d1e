# The reference reporting API over HTTP: authentication, paging in every
# dress, filters, sort order, errors, gzip, tokens, changes, planned faults.
use strict;
use warnings;
use lib 'test/t/lib';
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);
use ReportingApi;

my $canonical = JSON::PP->new->canonical;
my $api = ReportingApi->new('--seed', 3, '--admin', '--page-size', 50);
my $shipments = ReportingApi::dump_records('shipments', '--seed', 3);

# same($got, $expected, $name): two lists of records, in order
sub same
{
	my ($got, $expected, $name) = @_;
	my $differ = grep { $canonical->encode($got->[$_] // {}) ne $canonical->encode($expected->[$_]) } 0 .. $#$expected;
	return ok(@$got == @$expected && !$differ, $name)
	  || diag(scalar(@$got) . " records, expected " . scalar(@$expected) . "; $differ differ");
}

# Who may ask.
is($api->get('/v1/parties', Authorization => 'Bearer wrong')->{status}, 401, 'a wrong token is refused');
is($api->get('/v1/parties', Authorization => 'Basic ZGVtbzpkZW1v')->{status}, 401, 'so is another scheme');
like($api->get('/v1/parties', Authorization => 'Bearer wrong')->{headers}{'www-authenticate'},
	qr/^Bearer /, 'the refusal names the scheme');
is(HTTP::Tiny->new->get($api->url . '/health')->{status}, 200, 'health needs no token');
is(HTTP::Tiny->new->get($api->url . '/openapi.json')->{status}, 200, 'nor does the document');
is(HTTP::Tiny->new->post($api->url . '/v1/parties', { headers => { Authorization => 'Bearer demo-token' } })->{status},
	405, 'resources are read only');

# Paging: every way gives every record once, in the same order.
same($api->all_records('shipments'), $shipments, 'pages by cursor');
same($api->all_records('shipments', limit => 7), $shipments, 'small pages by cursor');
same($api->all_records('shipments', limit => 1000000), $shipments, 'a page larger than the server makes is cut');
for my $prefix ('v1l', 'v1n')
{
	my @records;
	my $path = "/$prefix/shipments?limit=60";
	while ($path)
	{
		my $answer = $api->get($path);
		push @records, $prefix eq 'v1l' ? @{ $answer->{json} } : map { decode_json($_) } split /\n/, $answer->{content};
		($path) = ($answer->{headers}{link} // '') =~ /^<([^>]+)>; rel="next"$/;
	}
	same(\@records, $shipments, "pages by Link header below /$prefix");
}
my @by_page = map { @{ $api->get("/v1/shipments?limit=100&page=$_")->{json}{data} } } 1 .. int(@$shipments / 100) + 2;
same(\@by_page, $shipments, 'pages by number; one past the end is empty');
my @by_offset = map { @{ $api->get("/v1/shipments?limit=100&offset=" . 100 * $_)->{json}{data} } } 0 .. int(@$shipments / 100);
same(\@by_offset, $shipments, 'pages by offset');
is($api->get('/v1/shipments?limit=1')->{json}{total}, scalar(@$shipments), 'total counts all pages');

# Filters against the same condition in Perl.
my $one = $shipments->[17];
same($api->all_records('shipments', shipment_id => $one->{shipment_id}), [$one], 'by key');
same($api->all_records('shipments', exporter => 'P-IND-03', destination => 'DE'),
	[ grep { $_->{exporter} eq 'P-IND-03' && $_->{destination} eq 'DE' } @$shipments ], 'two conditions');
same($api->all_records('shipments', destination_in => 'DE,JP,XX'),
	[ grep { $_->{destination} =~ /^(DE|JP)$/ } @$shipments ], 'one of several');
same($api->all_records('shipments', shipped_on_from => '2025-06-01', shipped_on_to => '2025-08-24'),
	[ grep { $_->{shipped_on} ge '2025-06-01' && $_->{shipped_on} le '2025-08-24' } @$shipments ], 'range of dates, both ends in it');
same($api->all_records('shipments', client_name => 'Bavaria%20Motion%20GmbH'),
	[ grep { $_->{client}{name} eq 'Bavaria Motion GmbH' } @$shipments ], 'column below a pointer');
my ($licensed) = grep { defined $_->{licence} && $_->{licence} !~ /ZZ/ } @$shipments;
same($api->all_records('shipments', licence => $licensed->{licence}),
	[ grep { ($_->{licence} // '') eq $licensed->{licence} } @$shipments ], 'licence number');
same($api->all_records('shipments', licence => lc substr($licensed->{licence}, 0, 12)),
	[ grep { ($_->{licence} // '') eq $licensed->{licence} } @$shipments ], 'licence number without check character, in lower case');
same($api->all_records('shipments', updated_since => '2025-10-01T00:00:00Z', updated_until => '2025-11-30T00:00:00%2B08:00'),
	[ grep { $_->{updated_at} ge '2025-10-01T08:00:00' && $_->{updated_at} le '2025-11-30T00:00:00+08:00' } @$shipments ],
	'range of times in other zones');
same($api->all_records('shipments', producer => 'P-IND-04', period => '2025-09'),
	[ grep { $_->{exporter} eq 'P-IND-04' && $_->{shipped_on} =~ /^2025-09/ } @$shipments ], 'producer and period');
is_deeply($api->get('/v1p/P-IND-04/shipments?period=2025-09&limit=1000')->{json}{data},
	[ grep { $_->{exporter} eq 'P-IND-04' && $_->{shipped_on} =~ /^2025-09/ } @$shipments ], 'producer in the path');
is($api->get('/v1p/P-IND-04')->{status}, 404, 'producer alone');
is($api->get('/v1p/P-IND-04/parties')->{status}, 400, 'a resource that has no producers');
my $inventories = ReportingApi::dump_records('inventories', '--seed', 3);
same($api->all_records('inventories', period => '%5B2025-03-01,2025-04-01%29'),
	[ grep { $_->{period} eq '[2025-03-01,2025-04-01)' } @$inventories ], 'period as a range');
is($api->get('/v1/shipments?shipment_id=nothing')->{json}{total}, 0, 'no match is an empty page');

# Sort order, nulls last; paging within it.
my $sorted = $api->all_records('shipments', sort => '-shipped_on,shipment_id', limit => 33);
is_deeply([ map { $_->{shipment_id} } @$sorted ],
	[ map { $_->{shipment_id} } sort { $b->{shipped_on} cmp $a->{shipped_on} || $a->{shipment_id} cmp $b->{shipment_id} } @$shipments ],
	'sorted by two columns, in pages');

# Errors.
for my $case (
	[ '/v1/nothing' => 404, 'unknown resource' ],
	[ '/nothing' => 404, 'unknown path' ],
	[ '/v1/shipments?colour=red' => 400, 'unknown parameter' ],
	[ '/v1/shipments?limit=0' => 400, 'limit 0' ],
	[ '/v1/shipments?limit=-1' => 400, 'negative limit' ],
	[ '/v1/shipments?limit=99999999999999999999' => 400, 'limit beyond range' ],
	[ '/v1/shipments?page=0' => 400, 'page 0' ],
	[ '/v1/shipments?shipped_on_from=2025-02-30' => 400, '30 February' ],
	[ '/v1/shipments?updated_since=yesterday' => 400, 'no timestamp' ],
	[ '/v1/shipments?exporter=a&exporter=b' => 400, 'parameter given twice' ],
	[ '/v1/shipments?cursor=garbage' => 400, 'no cursor' ],
	[ '/v1/shipments?sort=net_mass' => 400, 'column without order' ],
	[ '/v1/shipments?licence=%00' => 400, 'NUL in a value' ],
	[ '/v1/shipments?exporter=%ff%fe' => 200, 'bytes that are no UTF-8 match nothing' ],
	[ '/v1/shipments?colour=%ff' => 400, 'unknown parameter with such bytes' ],
  )
{
	my ($path, $status, $name) = @$case;
	my $answer = $api->get($path);
	is($answer->{status}, $status, "$name: $status");
	is($answer->{json}{status} // $status, $status, "$name: the problem document says so too");
}
my $cursor = $api->get('/v1/shipments?limit=10')->{json}{next};
is($api->get("/v1/shipments?limit=10&exporter=P-IND-03&cursor=$cursor")->{status}, 400, "another query's cursor");

# gzip, only when asked for.
my $plain = $api->get('/v1/parties?limit=100');
my $packed = $api->get('/v1/parties?limit=100', 'Accept-Encoding' => 'gzip');
is($packed->{headers}{'content-encoding'}, 'gzip', 'gzip when accepted');
gunzip(\$packed->{content}, \my $unpacked);
is($unpacked, $plain->{content}, 'and the same bytes inside');
is($api->get('/v1/parties?limit=100', 'Accept-Encoding' => 'gzip;q=0')->{headers}{'content-encoding'}, undef, 'not when q=0');

# Changes while a reader pages: nothing missed, the changed record comes again.
my (%seen, $next);
my $page = $api->get('/v1/shipments?limit=100')->{json};
$seen{ $_->{shipment_id} } = $_->{version} for @{ $page->{data} };
my $changed = $page->{data}[40]{shipment_id};
$api->admin('patch?resource=shipments', { shipment_id => $changed, net_mass => '1 kg' });
$api->admin('withdraw?resource=shipments', { shipment_id => $page->{data}[41]{shipment_id} });
$api->admin('put?resource=shipments', { %{ $page->{data}[0] }, shipment_id => 'NEW-1' });
while (defined($page->{next}))
{
	$page = $api->get("/v1/shipments?limit=100&cursor=$page->{next}")->{json};
	$seen{ $_->{shipment_id} } = $_->{version} for @{ $page->{data} };
}
is(scalar(keys %seen), @$shipments + 1, 'every record and the new one were seen');
is($seen{$changed}, 2, 'the changed one in its new version');
my $latest = $api->all_records('shipments', updated_since => '2026-01-11T00:00:00Z');
is_deeply([ map { $_->{shipment_id} } @$latest ], [ $changed, $latest->[1]{shipment_id}, 'NEW-1' ], 'changes come last, in their order');
ok($latest->[1]{withdrawn}, 'a withdrawn record says so');
is($api->get("/v1/shipments?shipment_id=$changed")->{json}{total}, 1, 'one current version a record');
$api->admin('delete?resource=shipments', { shipment_id => 'NEW-1' });
is($api->get('/v1/shipments?shipment_id=NEW-1')->{json}{total}, 0, 'a deleted record is gone');

# Faults on order.
$api->admin('requests');
$api->admin('fault', { after => 1, count => 2, status => 503, retry_after => '1' });
is(join(' ', map { $api->get('/v1/parties?limit=1')->{status} } 1 .. 4), '200 503 503 200', 'planned fault strikes when and as often as said');
is($api->admin('requests')->{requests}, 4, 'requests are counted');
$api->admin('fault', { after => 0, delay_ms => 300 });
my $start = time();
is($api->get('/v1/parties?limit=1')->{status}, 200, 'a planned delay answers');
cmp_ok(time() - $start, '>=', 0.3, 'after its time');
$api->admin('fault', { after => 0, crash => JSON::PP::true });
is($api->get('/v1/parties?limit=1')->{status}, 599, 'a planned crash answers nothing');
is(waitpid($api->pid, 0), $api->pid, 'and the process is gone');
delete $api->{pid};

# Tokens by client credentials.
$api = ReportingApi->new('--seed', 3, '--token-requests', 2, '--token-lifetime', 100);
my $http = HTTP::Tiny->new;
my $granted = $http->post_form($api->url . '/oauth/token',
	{ grant_type => 'client_credentials', client_id => 'retrack', client_secret => 'demo-secret' });
is($granted->{status}, 200, 'token granted');
$api->{token} = decode_json($granted->{content})->{access_token};
is(join(' ', map { $api->get('/v1/parties?limit=1')->{status} } 1 .. 3), '200 200 401', 'good for as many requests as said');
is($http->post_form($api->url . '/oauth/token', { grant_type => 'client_credentials', client_id => 'retrack', client_secret => 'no' })->{status},
	401, 'wrong secret');
is($http->post_form($api->url . '/oauth/token', { grant_type => 'password' })->{status}, 400, 'other grant');
is($http->post($api->url . '/admin/requests')->{status}, 404, 'no admin paths unless asked for');

# Bulk: paged and whole, the same records.
$api->{token} = 'demo-token';
my $whole = $api->get('/v1/bulk?records=5000&limit=5000');
is(length($whole->{content}), $whole->{headers}{'content-length'}, 'bulk: length known beforehand');
is(scalar(@{ $whole->{json}{data} }), 5000, 'bulk: as many records as asked for');
same($api->all_records('bulk', records => 5000, limit => 777), $whole->{json}{data}, 'bulk: the same in pages');
my @lines = split /\n/, $api->get('/v1n/bulk?records=5000&limit=5000')->{content};
same([ map { decode_json($_) } @lines ], $whole->{json}{data}, 'bulk: the same as NDJSON');
is($api->get('/v1/bulk?records=0')->{json}{total}, 0, 'bulk: none');
is($whole->{json}{data}[4999]{id}, 'BULK-0000004999', 'bulk: ids are indexes');

# Determinism: the same seed gives the same year, another seed another one, the same planted cases.
is_deeply(ReportingApi::dump_records('transfers', '--seed', 9), ReportingApi::dump_records('transfers', '--seed', 9), 'same seed, same year');
isnt($canonical->encode(ReportingApi::dump_records('quotas', '--seed', 1)->[0]), '', 'quotas are there');
my @ids = map { [ map { "$_->{resource} $_->{id} $_->{expected}" } grep { $_->{kind} ne 'suspect_lot' } @{ ReportingApi::cheats('--seed', $_) } ] } 4, 5;
is_deeply($ids[0], $ids[1], 'planted cases do not depend on the seed');
isnt($canonical->encode(ReportingApi::dump_records('shipments', '--seed', 4)), $canonical->encode(ReportingApi::dump_records('shipments', '--seed', 5)), 'the rest does');

done_testing();
