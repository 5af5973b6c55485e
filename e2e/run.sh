#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the journeys on real clusters of this machine: run.sh OUT [NAME…], all of them or those named. Prints TAP, and a
# line "# room NAME SECONDS" for each journey. Four lanes work side by side, three of them with a cluster of their own:
#
#   node    Kubernetes 1.36 with a node: Cocoon is installed from the manifests, its images run in pods
#   bare    an API server of 1.36 alone, where Cocoon does not run: the definition, the policies, the manifests; and
#           what needs no cluster: encrypted images
#   hosted  an API server of 1.34 alone, webhook and controller as processes of this machine
#   keys    no cluster: guests, key brokers and TPMs, one of the guests a virtual machine
#
# A journey is a program in journeys/ that prints TAP. In a lane they run one after the other in the order below, with
# KUBECONFIG, PATH and COCOON_CLUSTER_DIR for its cluster. When one fails, all logs of the cluster are kept in OUT/e2e.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

node=(install injection refusals attacks everyday agent-policy-node image-node drift storm outages rotation webhook-less uninstall)
bare=(crd-validation policies webhook-match installation image-matrix image-hostile image-containerd image-docs)
hosted=(crd-validation policies refusals attacks image-policy image-policy-docs image-bypass image-load agent-policy token certificate-files)
keys=(guest-vm key-load key-faults key-machine key-docs)
readonly each=240 all=1500 wait_for_node=900 # seconds

[ $# -ge 1 ] || {
	echo "usage: e2e/run.sh OUT [NAME…], one of: ${node[*]} ${bare[*]} ${hosted[*]} ${keys[*]}" >&2
	exit 2
}
keep=$(realpath -m -- "$1")/e2e
chosen=("${@:2}")
work=$(mktemp -d)
lanes=()

wanted() { # wanted NAME
	[ ${#chosen[@]} -eq 0 ] || [[ " ${chosen[*]} " == *" $1 "* ]]
}

any_wanted() { # any_wanted NAME…
	local name
	for name; do
		! wanted "$name" || return 0
	done
	return 1
}

# ---- in a lane -------------------------------------------------------------------------------------------------

# The lane's end, however it comes: what was started stops, and the cluster leaves nothing.
lane_end() {
	trap '' INT TERM
	[ -z "$child" ] || kill "$child" 2>/dev/null || true
	hosted_stop
	if [ -e "$work/$lane.failed" ] && [ -d "$dir/log" ]; then
		mkdir -p "$keep/$lane"
		cp -r "$dir/log" "$keep/$lane/" || true
		[ ! -d "$dir/pod-logs" ] || cp -r "$dir/pod-logs" "$keep/$lane/" || true
		[ ! -e "$dir/oci-check.jsonl" ] || cp "$dir/oci-check.jsonl" "$keep/$lane/" || true
	fi
	e2e/cluster/cluster.sh down --dir "$dir" >>"$work/$lane.log" 2>&1 || true
}

tell() { # tell NAME SECONDS FILE: to the printer, in one write
	printf '%s\t%s\t%s\n' "$@" >&3
}

stage() { # stage NAME COMMAND…: what the lane's journeys stand on; a failure is one
	local began=$SECONDS file=$work/$lane.stage
	if "${@:2}" >"$file.log" 2>&1 </dev/null; then
		return
	fi
	touch "$work/$lane.failed"
	{
		echo "not ok - $1"
		tail -n 30 "$file.log" | sed 's/^/#   /'
	} >"$file"
	tell "$lane" $((SECONDS - began)) "$file"
	exit 1
}

programs_say() { # the last words of webhook and controller
	kubectl logs -n cocoon-system -l app.kubernetes.io/part-of=cocoon --prefix --tail=8 --request-timeout=10s 2>/dev/null || true
	tail -n 8 "$dir"/log/hosted-*.log 2>/dev/null || true
}

journey() { # journey NAME: runs it and tells
	local began=$SECONDS file=$work/$lane.$1 status=0 left=$((all - SECONDS))
	timeout --kill-after=10 $((left < each ? left : each)) "e2e/journeys/$1.sh" >"$file" 2>"$file.err" </dev/null &
	child=$!
	wait "$child" || status=$?
	child=
	if ! grep -q '^\(not \)\?ok ' "$file" || { [ "$status" -ne 0 ] && ! grep -q '^not ok ' "$file"; }; then
		echo "not ok - $1 ended with status $status" >>"$file"
	fi
	if grep -q '^not ok ' "$file"; then
		touch "$work/$lane.failed"
		{
			tail -n 30 "$file.err" | sed 's/^/# stderr: /'
			programs_say | sed 's/^/# /'
		} >>"$file"
		mkdir -p "$keep" && cp "$file" "$keep/$lane-$1.tap"
	fi
	tell "$1" $((SECONDS - began)) "$file"
}

lane() { # lane NAME: from here on
	lane=$1 dir=$work/$1 child=
	SECONDS=0
	trap lane_end EXIT
	trap 'exit 143' INT TERM
}

begin() { # begin LANE OPTION…: its cluster
	lane "$1"
	stage "the cluster starts" e2e/cluster/cluster.sh up --dir "$dir" "${@:2}"
	eval "$(e2e/cluster/cluster.sh env --dir "$dir")"
}

journeys() { # journeys NAME…: those that are wanted
	local name
	for name; do
		! wanted "$name" || journey "$name"
	done
}

# ---- the lanes -------------------------------------------------------------------------------------------------

# shellcheck source=hosted.sh
. e2e/hosted.sh

lane_node() {
	begin node --node --wait "$wait_for_node"
	SECONDS=0
	stage "the images are made" manifests/images.sh out/release-gcc/bin
	journey install
	journeys "${node[@]:1}"
}

lane_bare() {
	begin bare
	journeys "${bare[@]:0:4}"
	if any_wanted "${bare[@]:4}"; then
		stage "the peers of encrypted images build" e2e/image-peer/build.sh
		journeys "${bare[@]:4}"
	fi
}

lane_hosted() {
	begin hosted --version 1.34
	journeys "${hosted[@]:0:2}"
	if any_wanted "${hosted[@]:2}"; then
		! any_wanted image-policy image-bypass || stage "cosign is built" e2e/sign-peer/build.sh
		stage "webhook and controller start" hosted_start
		journeys "${hosted[@]:2}"
	fi
}

lane_keys() {
	lane keys
	journeys "${keys[@]}"
}

# ---- printing --------------------------------------------------------------------------------------------------

count=0 failures=0

print_journey() { # print_journey NAME SECONDS FILE: its lines, numbered over all
	local line
	while IFS= read -r line; do
		if [[ $line =~ ^(ok|not ok)\ ([0-9]+\ )?-?\ *(.*)$ ]]; then
			count=$((count + 1))
			[ "${BASH_REMATCH[1]}" = ok ] || failures=$((failures + 1))
			echo "${BASH_REMATCH[1]} $count - $1: ${BASH_REMATCH[3]}"
		elif [[ $line == \#* ]]; then
			printf '%s\n' "$line"
		fi
	done <"$3"
	echo "# room e2e/$1 $2"
}

stop_all() {
	local pid
	trap '' INT TERM
	for pid in "${lanes[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${lanes[@]}"; do wait "$pid" || true; done
	rm -rf -- "$work"
}
trap stop_all EXIT
trap 'exit 143' INT TERM

known=" ${node[*]} ${bare[*]} ${hosted[*]} ${keys[*]} "
for name in "${chosen[@]}"; do
	[[ $known == *" $name "* ]] || {
		echo "e2e/run.sh: there is no journey $name, but:$known" >&2
		exit 2
	}
done
rm -rf -- "$keep"
make --no-print-directory CC=gcc BUILD=release programs out/release-gcc/tests/drivers/{kbs,review}_load >"$work/make.log" 2>&1 || {
	tail -n 30 "$work/make.log" >&2
	exit 1
}
mkfifo "$work/told"
for lane in node bare hosted keys; do
	declare -n names=$lane
	any_wanted "${names[@]}" || continue
	{ "lane_$lane"; } 3>"$work/told" &
	lanes+=("$!")
done
while IFS=$'\t' read -r name seconds file; do
	print_journey "$name" "$seconds" "$file"
done <"$work/told"
echo "1..$count"
[ "$failures" -eq 0 ] && [ "$count" -gt 0 ]
