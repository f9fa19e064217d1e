# An HTTP server on loopback that misbehaves on purpose, a scenario per path:
#
#	my $server = FaultServer->start($dir);		# forks; $server->url, $server->port
#	GET /<scenario>?cursor=N					# see %scenario below
#	$server->requests('<scenario>')				# what was asked of it, as raw heads
#	$server->stop;
#
# The data behind every scenario are the records {"id":1..25}, ten a page, so
# the one right answer is count 25 and sum 325. Core perl only.
package FaultServer;

use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::IP;
use Socket qw(SOL_SOCKET SO_LINGER TCP_NODELAY IPPROTO_TCP);
use Fcntl qw(:flock);
use Time::HiRes qw(sleep);
use IO::Compress::Gzip ();

my $PAGE = 10;
my $LAST = 25;

sub start
{
	my ($class, $dir, %options) = @_;
	mkdir $dir;
	my $address = $options{address} // '127.0.0.1';
	my $listen = IO::Socket::IP->new(
		LocalHost => $address, LocalPort => 0, Listen => 64, ReuseAddr => 1)
	  or die "cannot listen: $!";
	my $self = bless {
		dir => $dir, address => $address =~ /:/ ? "[$address]" : $address, port => $listen->sockport, listen => $listen,
		other => $options{other} // 'http://127.0.0.1:9' }, $class;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		$SIG{TERM} = 'DEFAULT';
		setpgrp(0, 0);
		$self->serve;
		require POSIX;
		POSIX::_exit(0);
	}
	$self->{pid} = $pid;
	close $listen;
	return $self;
}

sub url { return "http://$_[0]->{address}:$_[0]->{port}" }
sub port { return $_[0]->{port} }

sub stop
{
	my $self = shift;
	return unless $self->{pid};
	kill 'KILL', -$self->{pid}, $self->{pid};
	waitpid $self->{pid}, 0;
	$self->{pid} = undef;
	return;
}

sub DESTROY { local ($?, $@); $_[0]->stop if ref $_[0] && $_[0]->{pid} && ($_[0]->{owner} // $$) == $$; return }

# Raw request heads of one scenario, oldest first.
sub requests
{
	my ($self, $scenario) = @_;
	open my $fh, '<', "$self->{dir}/requests" or return;
	local $/ = "\n\0\n";
	my @all = <$fh>;
	close $fh;
	return grep { m{^\S+ /\Q$scenario\E(?:[/?\s])} } @all;
}

sub serve
{
	my $self = shift;
	$SIG{CHLD} = 'IGNORE';
	$SIG{PIPE} = 'IGNORE';
	while (1)
	{
		my $c = $self->{listen}->accept or next;
		my $pid = fork();
		if (defined $pid && $pid == 0)
		{
			$c->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
			# a forgotten connection ends by itself
			alarm 120;
			eval { $self->connection($c); 1 } or do { };
			close $c;
			require POSIX;
			POSIX::_exit(0);
		}
		close $c;
	}
	return;
}

# n-th use of a name over all connections, from 1
sub nth
{
	my ($self, $name) = @_;
	open my $fh, '+>>', "$self->{dir}/count.$name" or die $!;
	flock $fh, LOCK_EX;
	syswrite $fh, 'x';
	my $n = -s $fh;
	close $fh;
	return $n;
}

sub connection
{
	my ($self, $c) = @_;
	my $buffer = '';
	while (1)
	{
		until ($buffer =~ /\r\n\r\n/)
		{
			sysread($c, $buffer, 65536, length $buffer) or return;
		}
		$buffer =~ s/^(.*?)\r\n\r\n//s;
		my $head = $1;
		my ($length) = $head =~ /^content-length:\s*(\d+)/im;
		my $body = '';
		if ($length)
		{
			while (length $buffer < $length)
			{
				sysread($c, $buffer, 65536, length $buffer) or return;
			}
			$body = substr $buffer, 0, $length, '';
		}
		open my $log, '>>', "$self->{dir}/requests" or die $!;
		flock $log, LOCK_EX;
		syswrite $log, "$head\nx-time: " . Time::HiRes::time() . "\n\n$body\n\0\n";
		close $log;
		my ($method, $path, $query) = $head =~ m{^(\S+) /([^?\s]*)(?:\?(\S*))? HTTP};
		my %q = map { my ($k, $v) = split /=/, $_, 2; ($k => $v) } split /&/, $query // '';
		my ($name, @rest) = split m{/}, $path // '';
		my $code = $FaultServer::scenario{ $name // '' };
		my $request = { head => $head, query => \%q, rest => \@rest, name => $name, body => $body };
		if (!$code)
		{
			answer($c, 404, '{"message":"no such scenario"}');
			next;
		}
		# a scenario that answers false has used the connection up
		$code->($self, $c, $request) or return;
	}
	return;
}

my %reason = (200 => 'OK', 204 => 'No Content', 206 => 'Partial Content', 301 => 'Moved Permanently', 302 => 'Found',
	303 => 'See Other', 304 => 'Not Modified', 307 => 'Temporary Redirect', 308 => 'Permanent Redirect',
	401 => 'Unauthorized', 403 => 'Forbidden', 404 => 'Not Found', 408 => 'Request Timeout',
	413 => 'Content Too Large', 429 => 'Too Many Requests', 500 => 'Internal Server Error',
	502 => 'Bad Gateway', 503 => 'Service Unavailable', 504 => 'Gateway Timeout');

sub put { my ($c, $data) = @_; my $o = 0;
	while ($o < length $data) { my $n = syswrite $c, $data, length($data) - $o, $o; return 0 unless $n; $o += $n }
	return 1 }

sub head
{
	my ($status, %h) = @_;
	return "HTTP/1.1 $status $reason{$status}\r\n" . join('', map { "$_: $h{$_}\r\n" } sort keys %h) . "\r\n";
}

sub answer
{
	my ($c, $status, $body, %h) = @_;
	$h{'Content-Type'} //= 'application/json';
	$h{'Content-Length'} //= length $body unless $status == 204;
	return put($c, head($status, %h) . $body);
}

# ends the connection with RST instead of FIN
sub reset_connection
{
	my $c = shift;
	$c->setsockopt(SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
	close $c;
	return 0;
}

sub records { my ($from, $to) = @_; return join ',', map { qq({"id":$_}) } $from .. $to }

# the right page for a request: cursor = first id of the page
sub page
{
	my ($request, %change) = @_;
	my $from = $request->{query}{cursor} // 1;
	$from = 1 unless $from =~ /^\d+$/;
	my $to = $from + ($change{size} // $PAGE) - 1;
	$to = $LAST if $to > $LAST;
	my $next = exists $change{next} ? $change{next} : $to < $LAST ? '"' . ($to + 1) . '"' : 'null';
	my $data = $change{data} // records($from, $to);
	my $total = $change{total} // $LAST;
	return qq({"data":[$data],"total":$total,"next":$next});
}

# the same document with "next" ahead of the records
sub next_first { my $p = shift; $p =~ s/^\{(.*),("next":[^,]*)\}$/{$2,$1}/s; return $p }

sub cursor_of { return $_[0]->{query}{cursor} // 1 }

# fails the n first times in the given way, then behaves
sub first_times
{
	my ($times, $fail) = @_;
	return sub {
		my ($self, $c, $r) = @_;
		return $fail->($self, $c, $r) if $self->nth($r->{name}) <= $times;
		return answer($c, 200, page($r));
	};
}

sub status { my ($status, %h) = @_; return sub { answer($_[1], $status, '{"message":"planned"}', %h) } }

# the whole first page is the given JSON text (or bytes)
sub literal { my $body = shift; return sub { answer($_[1], 200, $body) } }
sub literal_record { my $record = shift; return literal(qq({"data":[{"id":1},$record],"next":null})) }

sub half { my $body = shift; return substr $body, 0, int(length($body) / 2) }

sub http_date { my $t = shift; my @g = gmtime $t;
	return sprintf '%s, %02d %s %d %02d:%02d:%02d GMT', (qw(Sun Mon Tue Wed Thu Fri Sat))[ $g[6] ], $g[3],
	  (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[ $g[4] ], $g[5] + 1900, @g[ 2, 1, 0 ] }

sub chunk { return sprintf("%x\r\n", length $_[0]) . $_[0] . "\r\n" }

my $reset_in_header = sub {
	my ($self, $c) = @_;
	put($c, "HTTP/1.1 200 OK\r\nContent-Ty");
	return reset_connection($c);
};

# a big JSON string, written without holding it
sub big_string
{
	my ($c, $bytes) = @_;
	my $block = 'x' x 65536;
	put($c, head(200, 'Content-Type' => 'application/json', 'Connection' => 'close')
		  . '{"data":[{"id":1,"name":"') or return 0;
	for (my $sent = 0; $sent < $bytes; $sent += length $block) { put($c, $block) or return 0 }
	put($c, '"}],"next":null}');
	return 0;
}

our %scenario = (
	good => sub { answer($_[1], 200, page($_[2])) },
	# --- the connection breaks
	reset_header => $reset_in_header,
	reset_header_once => first_times(1, $reset_in_header),
	reset_header_page2 => sub { my ($s, $c, $r) = @_;
		return $reset_in_header->(@_) if cursor_of($r) == 11;
		return answer($c, 200, page($r)) },
	reset_record => sub { my ($s, $c, $r) = @_; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length $p) . substr $p, 0, 34);
		sleep 0.1; return reset_connection($c) },
	reset_boundary => sub { my ($s, $c, $r) = @_; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length $p)
			  . '{"data":[{"id":1},{"id":2}');
		sleep 0.1; return reset_connection($c) },
	reset_boundary_page3 => sub { my ($s, $c, $r) = @_; my $p = page($r);
		return answer($c, 200, $p) if cursor_of($r) < 21;
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length $p) . '{"data":[{"id":21}');
		sleep 0.1; return reset_connection($c) },
	chunked => sub { my ($s, $c, $r) = @_; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Transfer-Encoding' => 'chunked')
			  . join('', map { chunk($_) } unpack '(a7)*', $p) . "0\r\n\r\n") },
	chunked_truncated => sub { my ($s, $c, $r) = @_; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Transfer-Encoding' => 'chunked') . chunk(half($p)));
		return 0 },
	chunked_truncated_after_document => sub { my ($s, $c, $r) = @_; my $p = page($r, next => 'null');
		put($c, head(200, 'Content-Type' => 'application/json', 'Transfer-Encoding' => 'chunked') . chunk($p));
		return 0 },
	length_short => sub { my ($s, $c, $r) = @_; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length($p) - 20) . $p); return 0 },
	length_long => sub { my ($s, $c, $r) = @_; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length($p) + 20) . $p); return 0 },
	no_length => sub { my ($s, $c, $r) = @_;
		put($c, head(200, 'Content-Type' => 'application/json', 'Connection' => 'close') . page($r)); return 0 },
	no_length_truncated => sub { my ($s, $c, $r) = @_;
		put($c, head(200, 'Content-Type' => 'application/json', 'Connection' => 'close') . half(page($r))); return 0 },
	empty_body => sub { answer($_[1], 200, '') },
	# --- wrong answers
	wrong_type => sub { answer($_[1], 200, page($_[2]), 'Content-Type' => 'text/csv') },
	html_200 => sub { answer($_[1], 200, '<html><body>login please</body></html>', 'Content-Type' => 'text/html') },
	html_500 => sub { answer($_[1], 500, '<html>' . 'oops ' x 100000, 'Content-Type' => 'text/html') },
	error_object => literal('{"error":{"code":17,"message":"database is down"}}'),
	error_null_data => literal('{"data":null,"next":null}'),
	status_204 => sub { answer($_[1], 204, '') },
	status_204_page2 => sub { my ($s, $c, $r) = @_;
		return cursor_of($r) == 11 ? answer($c, 204, '') : answer($c, 200, page($r)) },
	redirect_same => sub { my ($s, $c, $r) = @_;
		return answer($c, 302, '', Location => '/good' . ($r->{query}{cursor} ? "?cursor=$r->{query}{cursor}" : '')) },
	redirect_other => sub { my ($s, $c) = @_; answer($c, 301, '', Location => "$s->{other}/good") },
	redirect_file => sub { answer($_[1], 301, '', Location => 'file:///etc/passwd') },
	redirect_loop => sub { answer($_[1], 302, '', Location => '/redirect_loop') },
	redirect_none => sub { answer($_[1], 302, '') },
	(map { my $code = $_; ("redirect_$code" => sub { my ($s, $c, $r) = @_;
		return answer($c, $code, 'moved ' x 20000, 'Content-Type' => 'text/html',
			Location => '/good' . ($r->{query}{cursor} ? "?cursor=$r->{query}{cursor}" : '')) }) } (301, 302, 303, 307, 308)),
	redirect_listed => sub { my ($s, $c, $r) = @_; answer($c, 302, '', Location => "$s->{other}/good" . ($r->{query}{cursor} ? "?cursor=$r->{query}{cursor}" : '')) },
	# --- peers that are right in an unusual way
	(map { my ($k, $v) = @$_; ("type_$k" => sub { answer($_[1], 200, page($_[2]), 'Content-Type' => $v) }) }
		  ([ charset => 'application/json; charset=utf-8' ], [ quoted => 'Application/JSON;charset="UTF-8"' ], [ problem => 'application/problem+json' ],
			[ vendor => 'application/vnd.api+json; profile="x"' ], [ latin => 'application/json; charset=iso-8859-1' ])),
	type_none => sub { my $p = page($_[2]); put($_[1], "HTTP/1.1 200 OK\r\nContent-Length: " . length($p) . "\r\n\r\n$p") },
	trailers => sub { my ($s, $c, $r) = @_; my $p = page($r);
		my ($a, $b) = (substr($p, 0, 20), substr($p, 20));
		put($c, head(200, 'Content-Type' => 'application/json', 'Transfer-Encoding' => 'chunked', Link => '</other>; rel="about"', Trailer => 'Link')
			  . sprintf("%x;name=\"value\"\r\n%s\r\n%X\r\n%s\r\n0\r\nLink: </trailers?cursor=1>; rel=\"next\"\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n\r\n", length $a, $a, length $b, $b)) },
	link_in_trailer => sub { my ($s, $c, $r) = @_; my $n = cursor_of($r) + $PAGE; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Transfer-Encoding' => 'chunked',
				$n <= $LAST ? (Link => qq(</link_in_trailer?cursor=$n>; rel="next")) : ())
			  . sprintf("%x\r\n%s\r\n0\r\n%s\r\n", length $p, $p, "Link: </link_in_trailer?cursor=1>; rel=\"next\"; title=\"" . 'x' x 900 . "\"\r\n")) },
	early_hints => sub { my ($s, $c, $r) = @_;
		put($c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nContent-Encoding: gzip\r\n\r\n"); answer($c, 200, page($r)) },
	connection_close => sub { answer($_[1], 200, page($_[2]), Connection => 'close'); return 0 },
	idle_close => sub { answer($_[1], 200, page($_[2])); return 0 },
	white_space => sub { my ($s, $c, $r) = @_; my $p = page($r); $p =~ s/([,:\[\]{}])/ \r\n\t$1 \n/g; answer($c, 200, "\n $p" . "\r\n \t" x 5000) },
	empty_array => literal('{"data":[],"next":null}'),
	records_missing => literal('{"items":[{"id":1}],"next":null}'),
	records_null => literal('{"data":null,"message":"no rights","next":null}'),
	records_object => literal('{"data":{"id":1},"next":null}'),
	partial => sub { answer($_[1], 206, page($_[2]), 'Content-Range' => 'bytes 0-99/1000') },
	not_modified => sub { put($_[1], "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n") },
	# the next page's cursor ahead of the records
	next_first => sub { answer($_[1], 200, next_first(page($_[2]))) },
	next_first_slow => sub { my ($s, $c, $r) = @_; my $p = next_first(page($r));
		# the records' second half comes only after the next page was asked for, or too late
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length $p) . half($p));
		my $next = cursor_of($r) + $PAGE;
		if ($next <= $LAST) { for (1 .. 300) { last if grep { /cursor=$next\b/ } $s->requests($r->{name}); sleep 0.01 } }
		return put($c, substr $p, length half($p)) },
	next_url => sub { my ($s, $c, $r) = @_;
		answer($c, 200, next_first(page($r)) =~ s{"next":"(\d+)"}{"next":"../x/../next_url\\u003fcursor=$1&n=a b#top"}r) },
	# ... and another one behind them, which is the one that counts
	next_twice => sub { my ($s, $c, $r) = @_; my $p = page($r); my ($next) = $p =~ /"next":(.*)}$/;
		answer($c, 200, $p =~ s/^\{/{"next":"21",/r) },
	next_then_null => sub { my ($s, $c, $r) = @_; my $p = page($r, size => 25); answer($c, 200, $p =~ s/^\{/{"next":"21",/r) },
	next_first_broken => sub { my ($s, $c, $r) = @_; my $p = next_first(page($r));
		return cursor_of($r) == 1 ? answer($c, 200, $p) : answer($c, 500, '{}') },
	links_many => sub { my ($s, $c, $r) = @_; my $n = cursor_of($r) + $PAGE;
		my $p = page($r);
		put($c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nlink: </links_many?cursor=1>; rel=first; title=\"a, b; rel=next\"\r\nLINK: <?cursor=1>;rel=\"prev self\"\r\n"
			  . ($n <= $LAST ? "Link: <x>; rel=about,\t<?cursor=$n#part> ; title=\"c\" ; REL = \"last NEXT\"\r\n" : '') . 'Content-Length: ' . length($p) . "\r\n\r\n$p") },
	# late, and then more than a buffer holds
	big_late => sub { my ($s, $c, $r) = @_; sleep 0.5;
		answer($c, 200, '{"data":[' . join(',', map { qq({"id":$_,"padding":") . 'x' x 1000 . '"}' } 1 .. 1000) . '],"next":null}') },
	# --- peers that show what they were sent
	(map { my $lead = $_; ("echo_$lead" => sub { my ($s, $c, $r) = @_; my ($auth) = $r->{head} =~ /^authorization: (.*?)\r?$/im;
		answer($c, 400, '{"message":"' . 'm' x $lead . " $auth" . '"}') },
		"echo_body_$lead" => sub { my ($s, $c, $r) = @_; my ($auth) = $r->{head} =~ /^authorization: (.*?)\r?$/im;
		answer($c, 200, '{"message":"' . 'm' x $lead . " $auth" . '"}') }) } (3, 285)),
	# --- statuses
	(map { ("s${_}" => status($_), "s${_}_once" => first_times(1, status($_))) }
		  (401, 403, 404, 408, 413, 429, 500, 502, 503, 504)),
	retry_after_seconds => first_times(1, status(429, 'Retry-After' => '1')),
	retry_after_date => first_times(1, sub { answer($_[1], 429, '{}', 'Retry-After' => http_date(time + 1)) }),
	(map { my ($k, $v) = @$_; ("retry_after_$k" => status(429, 'Retry-After' => $v)) }
		  ([ huge => '99999999999999999999' ], [ day => '86400' ], [ negative => '-5' ], [ words => 'soon, please' ],
			[ far_date => 'Fri, 31 Dec 2199 23:59:59 GMT' ])),
	retry_after_past_date => first_times(1, status(503, 'Retry-After' => 'Sun, 06 Nov 1994 08:49:37 GMT')),
	# --- paging
	empty_page_with_next => sub { my ($s, $c, $r) = @_; my $cur = cursor_of($r);
		return answer($c, 200, '{"data":[],"next":"11b"}') if $cur eq '11';
		$r->{query}{cursor} = 11 if $cur eq '11b';
		return answer($c, 200, page($r)) },
	short_page_with_next => sub { answer($_[1], 200, page($_[2], size => 3)) },
	repeated_page => sub { my ($s, $c, $r) = @_; $r->{query}{cursor} = 1; answer($c, 200, page($r, next => '"again"')) },
	repeated_content => sub { my ($s, $c, $r) = @_; my $n = $s->nth($r->{name}); $r->{query}{cursor} = 1;
		answer($c, 200, page($r, next => qq("fresh$n"))) },
	cursor_cycle => sub { my ($s, $c, $r) = @_; my %n = (1 => 'b', b => 'c', c => 'd', d => 'b');
		my $i = index('1bcd', cursor_of($r)) * 5;
		answer($c, 200, page($r, next => '"' . $n{ cursor_of($r) } . '"', data => records($i + 1, $i + 5))) },
	next_number => sub { my ($s, $c, $r) = @_; my $p = page($r); $p =~ s/"next":"(\d+)"/"next":$1/; answer($c, 200, $p) },
	next_object => sub { answer($_[1], 200, page($_[2], next => '{"x":1}')) },
	next_empty => sub { my ($s, $c, $r) = @_; my $p = page($r); $p =~ s/"next":null/"next":""/; answer($c, 200, $p) },
	next_missing => sub { my ($s, $c, $r) = @_; my $p = page($r); $p =~ s/,"next":null//; answer($c, 200, $p) },
	total_lies_low => sub { answer($_[1], 200, page($_[2], total => 3)) },
	total_lies_high => sub { answer($_[1], 200, page($_[2], total => 3_000_000)) },
	total_is_text => sub { answer($_[1], 200, page($_[2], total => '"many"')) },
	link => sub { my ($s, $c, $r) = @_; my $n = cursor_of($r) + $PAGE;
		answer($c, 200, page($r), $n <= $LAST ? (Link => qq(</link?cursor=1>; rel="first", <?cursor=$n>; rel="next")) : ()) },
	link_other_host => sub { answer($_[1], 200, page($_[2]), Link => qq(<$_[0]->{other}/good?cursor=11>; rel="next")) },
	link_file => sub { answer($_[1], 200, page($_[2]), Link => '<file:///etc/passwd>; rel=next') },
	link_same => sub { answer($_[1], 200, page($_[2]), Link => '</link_same>; rel="next"') },
	link_malformed => sub { answer($_[1], 200, page($_[2]), Link => '<</link?cursor=11; rel="next') },
	pages => sub { my ($s, $c, $r) = @_; my $n = $r->{query}{page} // 1;
		my $from = ($n - 1) * $PAGE + 1;
		answer($c, 200, '{"data":[' . ($from <= $LAST ? records($from, $from + 9 > $LAST ? $LAST : $from + 9) : '') . ']}') },
	pages_repeat_last => sub { my ($s, $c, $r) = @_; my $n = $r->{query}{page} // 1;
		$n = 2 if $n > 2;
		answer($c, 200, '{"data":[' . records($n * 10 - 9, $n * 10) . ']}') },
	pages_repeat_first => sub { my ($s, $c, $r) = @_; my $n = $r->{query}{page} // 1;
		$n = 1 if $n > 2;
		answer($c, 200, '{"data":[' . records($n * 10 - 9, $n * 10) . ']}') },
	offsets => sub { my ($s, $c, $r) = @_; my $from = ($r->{query}{offset} // 0) + 1; my $to = $from + 9;
		$to = $LAST if $to > $LAST;
		answer($c, 200, '{"data":[' . ($from <= $LAST ? records($from, $to) : '') . ']}') },
	endless => sub { my ($s, $c, $r) = @_; my $n = cursor_of($r);
		answer($c, 200, sprintf '{"data":[{"id":%d}],"next":"%d"}', $n, $n + 1) },
	# --- tokens
	token => sub { my ($s, $c, $r) = @_; my $n = $s->nth('token');
		answer($c, 200, qq({"access_token":"fresh-secret-$n","token_type":"Bearer","expires_in":3600})) },
	token_refused => sub { answer($_[1], 400 - 0 == 400 ? 401 : 0, '{"error":"invalid_client"}') },
	token_expires => sub { my ($s, $c, $r) = @_;
		my ($n) = $r->{head} =~ /^authorization: bearer fresh-secret-(\d+)/im;
		return answer($c, 401, '{}') unless $n;
		# the token that read page 1 is stale on page 2
		if (cursor_of($r) == 1) { open my $fh, '>', "$s->{dir}/stale"; print $fh $n; close $fh }
		elsif (open my $fh, '<', "$s->{dir}/stale") { my $stale = <$fh>; close $fh; return answer($c, 401, '{}') if $n <= $stale }
		return answer($c, 200, page($r)) },
	# --- slow
	drip => sub { my ($s, $c, $r) = @_; my $p = '{"data":[' . records(1, 4) . '],"next":null}';
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length $p));
		for my $b (split //, $p) { put($c, $b) or return 0; sleep 0.05 } return 1 },
	stall_header => sub { sleep 60; return 0 },
	stall_body => sub { my ($s, $c, $r) = @_; my $p = page($r);
		put($c, head(200, 'Content-Type' => 'application/json', 'Content-Length' => length $p) . half($p)); sleep 60; return 0 },
	stall_page2 => sub { my ($s, $c, $r) = @_; return answer($c, 200, page($r)) if cursor_of($r) == 1; sleep 60; return 0 },
	# --- encodings
	gzip => sub { my ($s, $c, $r) = @_; my $p = page($r); IO::Compress::Gzip::gzip(\$p => \my $z);
		answer($c, 200, $z, 'Content-Encoding' => 'gzip') },
	gzip_corrupt => sub { my ($s, $c, $r) = @_; my $p = page($r); IO::Compress::Gzip::gzip(\$p => \my $z);
		substr($z, 14, 12) = "\xff" x 12; answer($c, 200, $z, 'Content-Encoding' => 'gzip') },
	gzip_truncated => sub { my ($s, $c, $r) = @_; my $p = page($r); IO::Compress::Gzip::gzip(\$p => \my $z);
		answer($c, 200, substr($z, 0, length($z) - 12), 'Content-Encoding' => 'gzip') },
	gzip_not => sub { answer($_[1], 200, page($_[2]), 'Content-Encoding' => 'gzip') },
	gzip_bomb => sub { my ($s, $c) = @_;
		my $z; my $gz = IO::Compress::Gzip->new(\$z, -Level => 9);
		$gz->print('{"data":[{"id":1,"name":"'); $gz->print('x' x 1048576) for 1 .. 300; $gz->print('"}],"next":null}'); $gz->close;
		answer($c, 200, $z, 'Content-Encoding' => 'gzip') },
	encoding_unknown => sub { answer($_[1], 200, page($_[2]), 'Content-Encoding' => 'x-rot13') },
	# --- JSON
	record_100mb => sub { big_string($_[1], 100 * 1048576) },
	depth => literal('{"data":[{"id":1,"deep":' . '[' x 100000 . ']' x 100000 . '}],"next":null}'),
	depth_unclosed => literal('{"data":[{"id":1,"deep":' . '{"a":' x 100000),
	lone_surrogate => literal_record('{"id":2,"name":"\ud800"}'),
	nul_escape => literal_record('{"id":2,"name":"a\u0000b"}'),
	invalid_utf8 => literal_record(qq({"id":2,"name":"\xc3\x28"})),
	invalid_utf8_skipped => literal_record(qq({"id":2,"other":"\xff"})),
	bom => literal("\xef\xbb\xbf" . '{"data":[{"id":1}],"next":null}'),
	nan => literal_record('{"id":NaN}'),
	nan_skipped => literal_record('{"id":2,"other":NaN}'),
	trailing_garbage => literal('{"data":[{"id":1}],"next":null} and more'),
	trailing_comma => literal('{"data":[{"id":1},],"next":null}'),
	two_documents => literal('{"data":[{"id":1}],"next":null}{"data":[{"id":2}],"next":null}'),
	duplicate_keys => sub { my ($s, $c, $r) = @_; my $p = page($r); $p =~ s/\{"id":(\d+)\}/{"id":-1,"id":$1}/g; answer($c, 200, $p) },
	record_not_object => literal_record('17'),
	record_null => literal_record('null'),
	number_too_big => literal_record('{"id":99999999999999999999}'),
	number_fraction => literal_record('{"id":2.5}'),
	bad_date => literal_record('{"id":2,"day":"2025-02-30"}'),
	leading_zero => literal_record('{"id":02}'),
	control_in_string => literal_record(qq({"id":2,"name":"a\nb"})),
	header_long => sub { answer($_[1], 200, page($_[2]), 'X-Long' => 'y' x 300000) },
	headers_many => sub { my ($s, $c, $r) = @_;
		my $p = page($r); put($c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" . "X-A: b\r\n" x 100000
			  . 'Content-Length: ' . length($p) . "\r\n\r\n$p") },
	garbage_status => sub { put($_[1], "SSH-2.0-OpenSSH_9.2\r\n\r\n"); return 0 },
);

1;
