#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# agent-policy.sh OUT: `initdata-gen policy` of the build in OUT beside what every generator that pulls layers has to do at
# least: move them and unpack them. See README.md. SIZES="10 100 500" are MB of layers, ROUNDS=3 says how often each is
# measured; raw results go to OUT/bench/agent-policy.jsonl.
set -euo pipefail
(($# == 1)) || { echo "usage: ${0##*/} OUT" >&2 && exit 2; }
# shellcheck source=bench/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
rounds=${ROUNDS:-3}
read -r -a sizes <<<"${SIZES:-10 100 500}"
readonly LAYERS=5
readonly MANY=50 # containers of one pod, each with an image of its own

# ---- registry and images ----------------------------------------------------------------------------------------

prepare() {
	local tool
	for tool in docker-registry skopeo python3 /usr/bin/time; do
		type -P "$tool" >/dev/null || die "$tool is missing" "apt-get install docker-registry skopeo python3-minimal time"
	done
}

start_registry() {
	local _
	registry=127.0.0.1:$(free_port)
	cat >"$work/registry.yaml" <<-END
		version: 0.1
		log: {level: error}
		storage: {filesystem: {rootdirectory: $work/registry}}
		http: {addr: "$registry", secret: for-the-benchmark}
	END
	docker-registry serve "$work/registry.yaml" >"$work/access.log" 2>"$work/registry.log" </dev/null &
	registry_pid=$!
	trap 'kill "$registry_pid"; finish' EXIT
	for _ in {1..100}; do
		! curl -sSf "http://$registry/v2/" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	die "the registry does not start" "$(tail -n 5 "$work/registry.log")"
}

# make_images NAME MB IMAGES: bench/NAME, tags 1 to IMAGES.
make_images() {
	local tag
	say "making bench/$1: $2 MB of layers"
	python3 "$top/bench/packed.py" "$work/layout" "$LAYERS" $(($2 * 1000000 / LAYERS)) "$3"
	for tag in $(seq "$3"); do
		skopeo copy --quiet --dest-tls-verify=false "oci:$work/layout:$tag" "docker://$registry/bench/$1:$tag"
	done >"$work/skopeo.log" 2>&1 || die "the images could not be made" "$(tail -n 5 "$work/skopeo.log")"
	rm -rf "$work/layout"
}

pod() { # pod MB TAG…: a pod with one container for each
	local mb=$1 number=0 tag
	shift
	printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n'
	printf '  runtimeClassName: kata-qemu-snp\n'
	printf '  securityContext: {runAsUser: 1000, runAsGroup: 1000}\n  containers:\n'
	for tag; do
		printf '  - {name: app-%s, image: "%s/bench/%s:%s"}\n' $((number += 1)) "$registry" "$mb" "$tag"
	done
}

# ---- one measurement --------------------------------------------------------------------------------------------

# measure COMMAND…: sets $ms, $kb, and what the registry has answered meanwhile: $requests, $bytes.
measure() {
	local before began
	before=$(wc -l <"$work/access.log")
	began=${EPOCHREALTIME/[.,]/}
	/usr/bin/time -f %M -o "$work/kb" "$@" >"$work/said" 2>&1 || die "$1 failed" "$(tail -n 5 "$work/said")"
	ms=$(jq -n "(${EPOCHREALTIME/[.,]/} - $began) / 1000")
	kb=$(<"$work/kb")
	# a line a request: … "GET /v2/… HTTP/1.1" STATUS BYTES …
	read -r requests bytes < <(tail -n "+$((before + 1))" "$work/access.log" |
		awk -F'" ' '{ split($2, words, " "); count++; bytes += words[2] } END { print count + 0, bytes + 0 }')
}

record() { # record NAME MB: the measurement as a line
	jq -nc --arg name "$1" --argjson mb "$2" --argjson ms "$ms" --argjson kb "$kb" --argjson requests "$requests" \
		--argjson bytes "$bytes" '{$name, $mb, $ms, $kb, $requests, $bytes}' >>"$work/results"
}

policy() { measure "$program" policy -y "$work/given.yaml" --insecure-registry "$registry" "$@"; }

# What a generator that looks into layers has to do whatever its language: all of them into files, each unpacked into
# another, and walked through.
pull_and_unpack() {
	local layer folder=$work/pulled
	rm -rf "$folder"
	skopeo copy --quiet --src-tls-verify=false "docker://$registry/bench/$1:1" "dir:$folder"
	for layer in $(jq -r '.layers[].digest' "$folder/manifest.json"); do
		gzip -dc "$folder/${layer#*:}" >"$folder/plain"
		tar -tf "$folder/plain" >/dev/null
	done
	rm -rf "$folder"
}

# given MB TAG…: a manifest that nobody has changed yet.
given() { pod "$@" >"$work/given.yaml"; }

measure_size() { # measure_size MB
	rm -f "$work/lock"
	given "$1" 1
	policy && record cold "$1"
	# one run for two pods: what was read for the first is there for the second
	{ pod "$1" 1 && echo --- && pod "$1" 1 | sed 's/name: web/name: two/'; } >"$work/given.yaml"
	policy && record "two pods, one run" "$1"
	given "$1" 1
	policy --layers-cache-file-path "$work/lock" && record "first of two runs" "$1"
	given "$1" 1
	policy --layers-cache-file-path "$work/lock" && record "second run" "$1"
	given "$1" 1
	policy --resolve-users && record "users out of the layers" "$1"
	# shellcheck disable=SC2016 # expanded by the inner shell
	measure bash -euo pipefail -c 'pull_and_unpack "$1"' bash "$1"
	record peer "$1"
}

measure_many() {
	local tags
	rm -f "$work/lock"
	mapfile -t tags < <(seq "$MANY")
	given many "${tags[@]}"
	policy --layers-cache-file-path "$work/lock" && record "many, cold" 0
	given many "${tags[@]}"
	policy --layers-cache-file-path "$work/lock" && record "many, warm" 0
	grep -q cc_init_data "$work/given.yaml" || die "the pod has got no init-data"
}

# ---- the table --------------------------------------------------------------------------------------------------

table() {
	jq -rs '
		def median: sort | .[length / 2 | floor];
		def round3: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 100 | round / 100 end;
		def size: if . >= 1e6 then "\(. / 1e6 | round3) MB" else "\(. / 1e3 | round3) kB" end;
		def row(name): {ms: (map(.ms) | median), kb: (map(.kb) | median), requests: .[0].requests, bytes: .[0].bytes, name: name};
		["layers", "", "ms", "requests", "moved", "MiB", "peer ms", "peer moved", "times faster", "times less"],
		(group_by(.mb)[] | select(.[0].mb > 0) | .[0].mb as $mb
			| ([.[] | select(.name == "peer")] | row("peer")) as $peer
			| ("cold", "two pods, one run", "first of two runs", "second run", "users out of the layers") as $name
			| [.[] | select(.name == $name)] | row($name)
			| ["\($mb) MB", .name, (.ms | round3), .requests, (.bytes | size), (.kb / 1024 | round3), ($peer.ms | round3),
			   ($peer.bytes | size), ($peer.ms / .ms | round3),
			   (if .bytes == 0 then "-" else $peer.bytes / .bytes | round3 end)]),
		(("many, cold", "many, warm") as $name | [.[] | select(.name == $name)] | row($name)
			| ["'"$MANY"' containers", .name, (.ms | round3), .requests, (.bytes | size), (.kb / 1024 | round3), "", "", "",
			   (if .name != "many, warm" then "" elif .ms < 1000 then "< 1000 ms: met" else "< 1000 ms: MISSED" end)])
		| @tsv' "$1" | column -t -s $'\t'
}

begin "$1" initdata-gen
export work registry
export -f pull_and_unpack
prepare
start_registry
for size in "${sizes[@]}"; do
	make_images "$size" "$size" 1
done
make_images many 5 "$MANY"
for ((round = 1; round <= rounds; round++)); do
	say "round $round of $rounds"
	for size in "${sizes[@]}"; do
		measure_size "$size"
	done
	measure_many
done
mkdir -p "$out/bench"
cp "$work/results" "$out/bench/agent-policy.jsonl"
printf '%s CPUs (%s), load average %s\n' "$(nproc)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
	"$(cut -d' ' -f1 /proc/loadavg)"
printf 'cocoon %s (%s), peer: %s, %s\n\n' "$(<"$top/VERSION")" "$(basename "$out")" "$(skopeo --version)" \
	"$(gzip --version | head -n 1)"
printf 'Images of %s layers at a registry on this machine; medians of %s rounds\n' "$LAYERS" "$rounds"
table "$out/bench/agent-policy.jsonl"
