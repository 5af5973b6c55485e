# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the demonstrations share: the cluster's folder and log, steps on the screen, and the way out. The sourcing script
# has gone to the repository's root, and calls `begin`.

dir=${COCOON_DEMO_DIR:-${XDG_RUNTIME_DIR:-/tmp}/cocoon-demo}
log=$dir.log
began=$EPOCHSECONDS
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' off=$'\e[0m'; else bold='' dim='' green='' red='' off=''; fi

step() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
say() { printf '  %s\n' "$*"; }
good() { printf '  %s✓%s %s\n' "$green" "$off" "$*"; }
die() {
	printf '  %s✗ %s%s\n' "$red" "$*" "$off" >&2
	echo "  the log is $log" >&2
	exit 1
}

# run WHAT COMMAND…: quietly, with the time on a terminal
run() {
	local what=$1 pid
	shift
	"$@" >>"$log" 2>&1 </dev/null &
	pid=$!
	while [ -t 1 ] && kill -0 "$pid" 2>/dev/null; do
		printf '\r  %s… %ds%s' "$dim$what" $((EPOCHSECONDS - began)) "$off"
		sleep 0.3
	done
	wait "$pid" || { tail -n 15 "$log" >&2; die "$what failed"; }
	[ -t 1 ] && printf '\r\e[K'
	good "$what"
}

# until_true SECONDS WHAT COMMAND…
until_true() {
	local deadline=$((EPOCHSECONDS + $1)) what=$2
	shift 2
	until "$@" >>"$log" 2>&1; do
		[ "$EPOCHSECONDS" -lt "$deadline" ] || die "waited in vain: $what"
		sleep 0.3
	done
	good "$what"
}

# refused WHAT COMMAND…: the command has to fail; its words are shown
refused() {
	local what=$1 words
	shift
	if words=$("$@" 2>&1); then die "$what was not refused"; fi
	good "$what: refused"
	printf '%s\n' "$words" | sed -e 's/^Error from server (Forbidden): //' -e 's/^/      /' | cut -c1-170
}

down() { e2e/cluster/cluster.sh down --dir "$dir" >>"$log" 2>&1 || true; }
finish() {
	local status=$?
	if [ "$status" -ne 0 ] || [ "${KEEP:-}" != 1 ]; then down; fi
	exit "$status"
}

begin() { # a clean log, and nothing stays behind
	: >"$log"
	trap finish EXIT
	trap 'exit 130' INT TERM
}

cluster_up() { # with a node; what the caller needs of it is in the environment
	run "packages are there (make deps)" make deps
	down
	run "cluster is up" e2e/cluster/cluster.sh up --node --dir "$dir" --wait 600
	eval "$(e2e/cluster/cluster.sh env --dir "$dir")"
}
