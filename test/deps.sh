#!/usr/bin/env bash
# Installs the Debian packages that building, testing and the demo need, those
# that are missing only. Without root (or sudo that asks no password) it says
# what to install and fails only if something is in fact missing.
set -eu

PG_MAJOR=${PG_MAJOR:-15}
packages=(
	gcc make libc6-dev
	"postgresql-$PG_MAJOR" "postgresql-client-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR"
	libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev zlib1g-dev
	"postgresql-$PG_MAJOR-pgtap" "postgresql-$PG_MAJOR-cron" libtap-parser-sourcehandler-pgtap-perl libipc-run-perl
	perl curl jq openssl gzip nginx-light
	"$@"
)

missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as_root=(sudo -n)
else
	echo "retrack: these Debian packages are missing: ${missing[*]}" >&2
	echo "HINT: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi

echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# A package's own cluster is neither wanted nor touched: tell postgresql-common not to make one.
if [ ! -d /etc/postgresql-common ]; then
	"${as_root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
	echo 'create_main_cluster = false' |
		"${as_root[@]}" tee /etc/postgresql-common/createcluster.d/retrack.conf >/dev/null
fi
# Nor is a service that a package (nginx) would start: Debian's way to say so, unless the machine has its own say.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap '"${as_root[@]}" rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
	"${as_root[@]}" chmod 755 "$policy"
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
