# Protects: nothing that writers, deadlocks, kill -9 and recovery can do leaves a ledger over its grant, or
# different from its rows, or the journal broken. The short version of make torture.
use strict;
use warnings;
use Test::More tests => 1;

local $ENV{TORTURE_SECONDS} = $ENV{TORTURE_SECONDS} || 20;
local $ENV{TORTURE_CLIENTS} = $ENV{TORTURE_CLIENTS} || 8;
# Another cluster's address is not ours.
delete @ENV{qw(PGHOST PGPORT PGDATABASE PGUSER)};
my $out = `test/torture.sh 2>&1`;
my $status = $?;
note $out;
ok($status == 0 && $out =~ /^ok - /m, 'torture: nothing over, ledgers and journal whole');
