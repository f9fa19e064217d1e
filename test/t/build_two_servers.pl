# Protects: objects that were made for one server are not linked into another one's library: such a mixture passes
# the server's check of the module and may crash later.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $real = $ENV{PG_CONFIG};
# -p: what is newer than what stays so
system("tar -cf - Makefile retrack.control src sql \$(ls -d .built-for 2>/dev/null) | tar -C '$dir' -xpf -") == 0 or die;

# The real one, but for its version.
append_to_file("$dir/pg_config", <<"SH");
#!/bin/sh
'$real' "\$@" | sed 's/^PostgreSQL .*/PostgreSQL of another version/'
SH
chmod 0755, "$dir/pg_config";

sub compiled
{
	my ($pg_config) = @_;
	my $out = `make -C '$dir' -n PG_CONFIG='$pg_config' with_llvm=no all 2>&1`;
	is($?, 0, 'make knows what to do') or diag($out);
	return scalar(() = $out =~ /-c -o src\/\S+\.o/g);
}

my $objects = () = glob("$dir/src/*.c $dir/src/*/*.c");
is(compiled($real), 0, 'the same server: nothing to compile');
is(compiled("$dir/pg_config"), $objects, 'another server: every object is compiled again');
done_testing();
