#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# admission.sh OUT: the webhook of the build in OUT beside its peer: rate, latency, memory, processor time. See
# README.md. ROUNDS=3 RATE=2000 DURATION=10s say how much; raw results go to OUT/bench/admission.jsonl.
set -euo pipefail
(($# == 1)) || { echo "usage: ${0##*/} OUT" >&2 && exit 2; }
# shellcheck source=bench/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
rounds=${ROUNDS:-3} rate=${RATE:-2000} duration=${DURATION:-10s}

start_webhook() { # start_webhook cocoon|peer: sets $port
	local health
	port=$(free_port) health=$(free_port)
	case $1 in
	cocoon)
		start cocoon "$program" --listen "127.0.0.1:$port" --health-listen "127.0.0.1:$health" \
			--kubeconfig "$KUBECONFIG" --namespace cocoon-system --tls-cert "$work/tls/tls.crt" \
			--tls-key "$work/tls/tls.key" --drain-seconds 0 --log-level warn
		;;
	peer)
		start peer "$cache/peer" --mode webhook --port "$port" --health-listen "127.0.0.1:$health" \
			--kubeconfig "$KUBECONFIG" --cert-dir "$work/tls"
		;;
	esac
	until_ready "$health" 60
}

load() { # load RATE DURATION
	"$cache/reviews" --address "127.0.0.1:$port" --ca "$work/tls/ca.crt" --rate "$1" --duration "$2" \
		--namespace bench --document "$top/bench/initdata.toml"
}

measure() { # measure cocoon|peer ROUND: one line of JSON
	local idle before used after paced full
	start_webhook "$1"
	sleep 2
	idle=$(kilobytes VmRSS)
	before=$(cpu_ms)
	paced=$(load "$rate" "$duration")
	used=$(($(cpu_ms) - before))
	after=$(kilobytes VmRSS)
	full=$(load 0 5s)
	jq -nc --arg who "$1" --argjson round "$2" --argjson ready "$ready_ms" --argjson idle "$idle" \
		--argjson after "$after" --argjson peak "$(kilobytes VmHWM)" --argjson used "$used" \
		--argjson paced "$paced" --argjson full "$full" \
		'{$who, $round, ready_ms: $ready, idle_kb: $idle, after_kb: $after, peak_kb: $peak,
		  cpu_s_per_1000: ($used / $paced.total), $paced, $full}'
	stop
}

# Rows: name, path to the number, unit, aim or null. The ratio is peer by cocoon, for rates the other way round.
table() {
	jq -rs --argjson rate "$rate" '
		def median: sort | .[length / 2 | floor];
		def round3: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 1000 | round / 1000 end;
		def mib: . / 1024;
		def row(name; f; aim; up):
			. as $all
			| [$all[] | select(.who == "cocoon") | f] as $c | [$all[] | select(.who == "peer") | f] as $p
			| ($c | median) as $c | ($p | median) as $p
			| [name, ($c | round3), ($p | round3),
			   (if up then $c / $p else if $c == 0 then 0 else $p / $c end end | . * 100 | round / 100),
			   (if aim == null then "" elif (if up then $c >= aim else $c < aim end)
			    then "\(if up then "≥" else "<" end) \(aim): met" else "\(if up then "≥" else "<" end) \(aim): MISSED" end)];
		["", "cocoon", "peer", "times better", "aim"],
		row("good answers/s at \($rate)/s"; .paced.achieved; $rate * 0.99; true),
		row("  p50 ms"; .paced.p50; 1; false),
		row("  p90 ms"; .paced.p90; null; false),
		row("  p99 ms"; .paced.p99; 5; false),
		row("  p99.9 ms"; .paced.p999; null; false),
		row("  longest ms"; .paced.max; null; false),
		row("  CPU s per 1000 reviews"; .cpu_s_per_1000; null; false),
		row("most answers/s, 16 connections"; .full.achieved; null; true),
		row("  p99 ms"; .full.p99; null; false),
		row("resident MiB, idle"; .idle_kb | mib; null; false),
		row("resident MiB, after load"; .after_kb | mib; null; false),
		row("resident MiB, peak"; .peak_kb | mib; 20; false),
		row("start to ready ms"; .ready_ms; null; false)
		| @tsv' "$1" | column -t -s $'\t'
	jq -rs '[.[] | {who, round, wrong: (.paced.errors + .full.errors), failures: (.paced.failures // .full.failures)}
		| select(.wrong > 0)] | if length == 0 then "Every answer was checked: none was wrong."
		else .[] | "WRONG ANSWERS: \(.)" end' "$1"
}

begin "$1" webhook
build_tools
make_certificate
start_cluster bench
for ((round = 1; round <= rounds; round++)); do
	for who in cocoon peer; do
		say "round $round of $rounds: $who"
		measure "$who" "$round" >>"$work/admission.jsonl"
	done
done
mkdir -p "$out/bench"
cp "$work/admission.jsonl" "$out/bench/admission.jsonl"
print_machine "$(go_peer)"
printf 'Reviews of 7 KB pods, open loop, TLS, keep-alive; medians of %s rounds of %s\n' "$rounds" "$duration"
table "$out/bench/admission.jsonl"
