# Shell functions shared by test/run.sh, the demo and the benches: a private
# copy of the server's tree with retrack installed into it, and a private
# cluster in it that listens on a Unix socket only. Sourced, not run.
#
# Sets: TOP (the source tree in use), WORK (scratch directory, removed at exit).

PG_CONFIG=${PG_CONFIG:-pg_config}
# Debian's pg_config in PATH is a wrapper; the server's own can be relocated.
if [ -x "$("$PG_CONFIG" --bindir)/pg_config" ]; then
	PG_CONFIG=$("$PG_CONFIG" --bindir)/pg_config
fi
export PG_CONFIG

# stage_as_server_user SCRIPT ARG...: initdb refuses root, so as root the tree is
# built, copied where the user postgres can read it, and SCRIPT goes on there. It goes on in
# a process group of its own, whoever runs it: a signal is to end all that it has started, and
# a shell that waits for a command would not even notice.
stage_as_server_user() {
	[ -z "${RETRACK_STAGED:-}" ] || return 0
	local script=$1 status=0 as_user=()
	shift
	STAGE=$TOP STAGED_PID=
	trap unstage EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	if [ "$(id -u)" = 0 ]; then
		make -s -C "$TOP" PG_CONFIG="$PG_CONFIG" with_llvm=no ${WERROR:+WERROR=1} all
		STAGE=$(mktemp -d /tmp/retrack.XXXXXX)
		tar -C "$TOP" --exclude=./.git --exclude=./build -cf - . | tar -C "$STAGE" -xf -
		mkdir -p "$STAGE/build" "$TOP/build"
		chown -R postgres:postgres "$STAGE"
		# runuser would give it two seconds to end
		as_user=(setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$STAGE")
	fi
	# from a directory that the user can read
	cd "$STAGE"
	RETRACK_STAGED=1 setsid "${as_user[@]}" "$STAGE/$script" "$@" &
	STAGED_PID=$!
	wait "$STAGED_PID" || status=$?
	STAGED_PID=
	exit "$status"
}

unstage() {
	local status=$?
	trap - EXIT
	set +e
	if [ -n "$STAGED_PID" ]; then
		kill -TERM -- "-$STAGED_PID" 2>/dev/null || kill -TERM "$STAGED_PID" 2>/dev/null
		wait "$STAGED_PID"
	fi
	if [ "$STAGE" != "$TOP" ]; then
		cp -r "$STAGE/build/." "$TOP/build/" 2>/dev/null
		cd /
		rm -rf "$STAGE"
	fi
	exit "$status"
}

# make_scratch: a short path, since socket paths are limited to 107 bytes.
make_scratch() {
	WORK=$(mktemp -d /tmp/rt.XXXXXX)
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

cleanup() {
	local status=$? file
	trap - EXIT
	set +e
	declare -F before_cleanup >/dev/null && before_cleanup
	jobs -p | xargs -r kill 2>/dev/null
	# this one's server and those that tests had
	find "$WORK" -name postmaster.pid 2>/dev/null | while read -r file; do
		"$PGBIN/pg_ctl" -D "${file%/*}" -m immediate -w stop >/dev/null 2>&1
	done
	rm -rf "$WORK"
	exit "$status"
}

# private_server: mirrors the server's installation below $WORK/pg (programs
# copied, since they find their files relative to themselves; the rest links),
# and installs retrack there: the system's own installation is not touched.
private_server() {
	local kind dir
	for kind in pkglibdir sharedir; do
		dir=$("$PG_CONFIG" --$kind)
		mkdir -p "$WORK/pg$(dirname "$dir")"
		cp -as "$dir" "$WORK/pg$dir"
	done
	dir=$("$PG_CONFIG" --bindir)
	mkdir -p "$WORK/pg$dir"
	cp "$dir"/* "$WORK/pg$dir/"
	PGBIN=$WORK/pg$dir
	make -s -C "$TOP" PG_CONFIG="$PG_CONFIG" with_llvm=no ${WERROR:+WERROR=1} all
	make -s -C "$TOP" PG_CONFIG="$PG_CONFIG" with_llvm=no DESTDIR="$WORK/pg" install >/dev/null
	export PATH=$PGBIN:$PATH
}

# private_cluster [SETTING...]: initialises and starts a cluster; the libpq
# environment then points to it.
private_cluster() {
	local setting
	"$PGBIN/initdb" -D "$WORK/data" -U postgres -A trust -N --encoding=UTF8 --locale=C.UTF-8 >/dev/null
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$WORK'"
		echo "fsync = off"
		echo "timezone = 'UTC'"
		echo "log_line_prefix = '%m [%p] %q%a '"
		for setting in "$@"; do echo "$setting"; done
	} >>"$WORK/data/postgresql.conf"
	"$PGBIN/pg_ctl" -D "$WORK/data" -l "$WORK/server.log" -w start >/dev/null ||
		{ cat "$WORK/server.log" >&2; return 1; }
	export PGHOST=$WORK PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	unset PGOPTIONS PGSERVICE PGPASSWORD
}
