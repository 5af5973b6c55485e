#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# controller.sh OUT: the controller of the build in OUT beside its peer, at 1,000, 10,000 and 50,000 pods: start-up
# time, memory, processor time. See README.md. SIZES="1000 10000" ROUNDS=3 say how much; raw results go to
# OUT/bench/controller.jsonl.
set -euo pipefail
(($# == 1)) || { echo "usage: ${0##*/} OUT" >&2 && exit 2; }
# shellcheck source=bench/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
read -r -a sizes <<<"${SIZES:-1000 10000 50000}"
rounds=${ROUNDS:-1} namespaces=10

# The API server sends every other pod to our webhook, so that these carry what a profile gives.
start_injection() {
	local port health
	port=$(free_port) health=$(free_port)
	start webhook "$out/bin/webhook" --listen "127.0.0.1:$port" --health-listen "127.0.0.1:$health" \
		--kubeconfig "$KUBECONFIG" --namespace cocoon-system --tls-cert "$work/tls/tls.crt" \
		--tls-key "$work/tls/tls.key" --drain-seconds 0 --log-level warn
	until_ready "$health" 60
	jq -n --arg url "https://127.0.0.1:$port/mutate" --arg ca "$(base64 -w0 "$work/tls/ca.crt")" '{
		apiVersion: "admissionregistration.k8s.io/v1", kind: "MutatingWebhookConfiguration",
		metadata: {name: "bench"}, webhooks: [{name: "bench.cocoon.dev", admissionReviewVersions: ["v1"],
			sideEffects: "None", failurePolicy: "Fail", clientConfig: {url: $url, caBundle: $ca},
			rules: [{apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"]}],
			matchConditions: [{name: "confidential", expression: "has(object.spec.runtimeClassName)"}]}]}' |
		kubectl create -f - >/dev/null
}

create_pods() { # create_pods FROM TO
	local injected
	kubectl delete --ignore-not-found mutatingwebhookconfiguration/cocoon validatingwebhookconfiguration/cocoon >/dev/null
	start_injection
	injection_works
	TOKEN=$token "$cache/pods" --server "$server" --ca "$work/api-ca.crt" --from "$1" --to "$2" \
		--namespaces "$namespaces" >&2
	kubectl delete mutatingwebhookconfiguration bench >/dev/null
	stop
	# what the controller keeps: without them it would complain all the time
	kubectl apply -f "$top/manifests/base/webhook-configurations.yaml" >/dev/null
	injected=$(kubectl get --raw "/api/v1/namespaces/bench-0/pods/service-$(printf '%03d' $((($2 - 10) % 200)))-6f7d9c8b54-$(
		printf '%05x' $(($2 - 10)))" | tee "$work/pod.json" | jq '.metadata.annotations | has("cocoon.dev/digest")')
	[[ $injected == true ]] || die "the webhook gave a pod nothing" "$(jq -c .metadata "$work/pod.json")"
}

# A new webhook configuration takes a moment to have effect.
injection_works() {
	local _ got
	for _ in {1..60}; do
		got=$(kubectl run probe --namespace bench-0 --image=x --dry-run=server -o json \
			--overrides='{"spec": {"runtimeClassName": "kata-qemu-snp"}}' 2>/dev/null |
			jq '.metadata.annotations | has("cocoon.dev/digest")') || got=false
		[[ $got != true ]] || return 0
		sleep 0.5
	done
	die "the API server does not call the webhook" "$(tail -n 5 "$log")"
}

start_controller() { # start_controller cocoon|peer
	local health
	health=$(free_port)
	case $1 in
	cocoon)
		start cocoon "$program" --health-listen "127.0.0.1:$health" --kubeconfig "$KUBECONFIG" \
			--namespace cocoon-system --log-level warn
		;;
	peer)
		start peer "$cache/peer" --mode controller --health-listen "127.0.0.1:$health" \
			--kubeconfig "$KUBECONFIG"
		;;
	esac
	until_ready "$health" 300
}

# counted: the controller's own word for how many pods have the profile's document
counted() { kubectl get confidentialprofile bench -o jsonpath='{.status.pods.injected}'; }

measure() { # measure cocoon|peer ROUND PODS: one line of JSON
	local _ found=0
	kubectl patch confidentialprofile bench --subresource=status --type=merge -p '{"status": {"pods": null}}' >/dev/null
	start_controller "$1"
	for _ in {1..120}; do
		found=$(counted)
		[[ ${found:-0} != $(($3 / 2)) ]] || break
		sleep 0.5
	done
	until_quiet 120
	jq -nc --arg who "$1" --argjson round "$2" --argjson pods "$3" --argjson ready "$ready_ms" \
		--argjson rss "$(kilobytes VmRSS)" --argjson peak "$(kilobytes VmHWM)" --argjson cpu "$(cpu_ms)" \
		--argjson counted "${found:-0}" \
		'{$who, $round, $pods, ready_ms: $ready, rss_kb: $rss, peak_kb: $peak, cpu_ms: $cpu, $counted}'
	stop
}

table() {
	jq -rs '
		def median: sort | .[length / 2 | floor];
		def short: if . >= 100 then round else . * 10 | round / 10 end;
		def of($who; $pods; f): [.[] | select(.who == $who and .pods == $pods) | f] | median;
		def line($n; name; f): of("cocoon"; $n; f) as $c | of("peer"; $n; f) as $p
			| [name, ($c | short), ($p | short), ($p / ([$c, 0.001] | max) | . * 10 | round / 10)];
		. as $all | ([.[].pods] | unique) as $sizes
		| ["", "cocoon", "peer", "times better"],
		  ($sizes[] as $n | $all |
			line($n; "\($n) pods: start to synced, s"; .ready_ms / 1000),
			line($n; "  resident MiB, settled"; .rss_kb / 1024),
			line($n; "  resident MiB, peak"; .peak_kb / 1024),
			line($n; "  CPU s until settled"; .cpu_ms / 1000)),
		  (range(1; $sizes | length) as $i | $sizes[$i - 1] as $a | $sizes[$i] as $b | $all
			| [("cocoon", "peer") as $who
				| (of($who; $b; .rss_kb) - of($who; $a; .rss_kb)) * 1024 / ($b - $a)] as [$c, $p]
			| ["bytes a pod, \($a) to \($b)", ($c | short), ($p | short),
			   ($p / ([$c, 1] | max) | . * 10 | round / 10)])
		| @tsv' "$1" | column -t -s $'\t'
}

# The aims, from the settled memory; the slope is that of the whole range.
aims() {
	jq -rs '
		def median: sort | .[length / 2 | floor];
		def mib($who; $pods): [.[] | select(.who == $who and .pods == $pods) | .rss_kb] | median / 1024;
		def verdict(ok): if ok then "met" else "MISSED" end;
		. as $all | ([.[].pods] | unique) as $sizes | $sizes[0] as $a | $sizes[-1] as $b
		| mib("cocoon"; $b) as $c | mib("peer"; $b) as $p
		| ($c + (100000 - $b) * ($c - mib("cocoon"; $a)) / ([$b - $a, 1] | max)) as $far
		| ($p + (100000 - $b) * ($p - mib("peer"; $a)) / ([$b - $a, 1] | max)) as $peer_far
		| (if $b == 50000 then "≤ 45 MiB at 50000 pods: \($c | round) MiB: \(verdict($c <= 45))" else empty end),
		  "≤ 1/5 of the peer at \($b) pods: 1/\($p / $c * 10 | round / 10): \(verdict($c * 5 <= $p))",
		  "≤ 80 MiB at 100000 pods by that slope: \($far | round) MiB (peer: \($peer_far | round)): \(verdict($far <= 80))",
		  ([$all[] | select(.counted != .pods / 2)
			| "\(.who) counted \(.counted) of the \(.pods / 2) injected pods at \(.pods)"] | unique[])' "$1"
}

begin "$1" controller
build_tools
[[ -x $out/bin/webhook ]] || die "there is no $out/bin/webhook" "make BUILD=release programs"
make_certificate
names=()
for ((i = 0; i < namespaces; i++)); do names+=("bench-$i"); done
start_cluster "${names[@]}"
server=$(kubectl config view --raw -o jsonpath='{.clusters[0].cluster.server}')
token=$(kubectl config view --raw -o jsonpath='{.users[0].user.token}')
kubectl config view --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$work/api-ca.crt"
have=0
for size in "${sizes[@]}"; do
	say "creating pods $have to $size"
	create_pods "$have" "$size"
	have=$size
	for ((round = 1; round <= rounds; round++)); do
		for who in cocoon peer; do
			say "$size pods, round $round of $rounds: $who"
			measure "$who" "$round" "$size" >>"$work/controller.jsonl"
		done
	done
done
mkdir -p "$out/bench"
cp "$work/controller.jsonl" "$out/bench/controller.jsonl"
print_machine "$(go_peer)"
printf 'Pods of %s bytes of JSON, half of them injected, in %s namespaces; medians of %s rounds\n' \
	"$(wc -c <"$work/pod.json")" "$namespaces" "$rounds"
table "$out/bench/controller.jsonl"
echo
aims "$out/bench/controller.jsonl"
