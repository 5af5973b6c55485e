#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# policy.sh OUT: ImagePolicies in the webhook of the build in OUT beside sigstore's policy-controller, with the same
# images in the same registry. See README.md. ROUNDS=3 RATE=2000 DURATION=10s IMAGES=10000 say how much, AHEAD=1 that
# the paced run goes before all else on the machine (root); raw results go to OUT/bench/policy.jsonl.
set -euo pipefail
(($# == 1)) || { echo "usage: ${0##*/} OUT" >&2 && exit 2; }
# shellcheck source=bench/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
rounds=${ROUNDS:-3} rate=${RATE:-2000} duration=${DURATION:-10s} count=${IMAGES:-10000}
readonly COLD=200 # images that are asked for one by one
readonly LAYERS=5
ahead=()

# ---- registry and images ----------------------------------------------------------------------------------------

prepare() {
	local tool
	for tool in docker-registry skopeo python3; do
		type -P "$tool" >/dev/null || die "$tool is missing" "apt-get install docker-registry skopeo python3-minimal"
	done
	[[ -x $out/bin/image-crypt ]] || die "there is no $out/bin/image-crypt" "make BUILD=release programs"
	((count > 2 * COLD)) || die "IMAGES has to be more than $((2 * COLD))"
	[[ -z $(ss -Hltn 'sport = :8443') ]] || die "port 8443 is in use: the peer listens there and nowhere else"
	signer=$("$top/e2e/sign-peer/build.sh")/cosign2
	module=$("$top/bench/policy-peer/build.sh")
	peer=$top/out/peers/policy-webhook
}

start_registry() {
	local _
	cat >"$work/registry.yaml" <<-END
		version: 0.1
		log: {level: warn}
		storage: {filesystem: {rootdirectory: $work/registry}}
		http: {addr: "127.0.0.1:$(free_port)", secret: for-the-benchmark}
	END
	registry=$(sed -n 's/.*addr: "\([^"]*\)".*/\1/p' "$work/registry.yaml")
	docker-registry serve "$work/registry.yaml" >"$work/access.log" 2>"$work/registry.log" </dev/null &
	registry_pid=$!
	trap 'kill "$registry_pid"; finish' EXIT
	for _ in {1..100}; do
		! curl -sSf "http://$registry/v2/" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	die "the registry does not start" "$(tail -n 5 "$work/registry.log")"
}

digest_of() { skopeo inspect --raw --tls-verify=false "docker://$registry/bench/app:$1" | sha256sum | sed 's/^/sha256:/; s/ .*//'; }

# One image as people make it: encrypted, then signed; and of it all the others.
make_images() {
	local crypt=$out/bin/image-crypt
	python3 "$top/bench/layout.py" "$work/layout" "$LAYERS" 65536
	export COSIGN_PASSWORD=''
	(
		cd "$work"
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out build.pem
		openssl pkey -in build.pem -pubout -out build.pub
		"$signer" import-key-pair --key build.pem --output-key-prefix cosign
		"$crypt" keygen --type kek app.kek
		"$crypt" encrypt --kbs-key kbs:///default/image-key/app=app.kek oci:layout:t "docker://$registry/bench/app:1"
		"$crypt" encrypt --kbs-key kbs:///default/image-key/app=app.kek oci:layout:t "docker://$registry/bench/app:unsigned"
		"$signer" sign --key cosign.key --yes --tlog-upload=false --allow-http-registry "$registry/bench/app@$(digest_of 1)"
		echo "$registry/bench/app@$(digest_of unsigned)" >unsigned
		"$cache/images" --registry "$registry" --repository bench/app --tag 1 --key build.pem --count "$count" >images
		head -n 1 images >first
		sed -n "2,$((COLD + 1))p" images >cold
		"$signer" verify --key build.pub --insecure-ignore-tlog --allow-http-registry "$(tail -n 1 images)"
	) >"$work/images.log" 2>&1 || die "the images could not be made" "$(tail -n 5 "$work/images.log")"
}

# Requests that the registry has answered.
requests() { wc -l <"$work/access.log"; }

# ---- the two ----------------------------------------------------------------------------------------------------

install_cocoon() {
	kubectl apply --server-side -f "$top/crds/imagepolicies.yaml" >/dev/null
	kubectl wait --for=condition=Established crd/imagepolicies.cocoon.dev --timeout=60s >/dev/null
	jq -n --arg host "$registry" --rawfile key "$work/build.pub" '{
		apiVersion: "cocoon.dev/v1alpha1", kind: "ImagePolicy", metadata: {name: "bench"}, spec: {
			match: {images: ["\($host)/bench/**"]},
			encryption: {layers: "All", keys: ["kbs:///default/image-key/*"]},
			signatures: {signers: [{name: "build", cosign: {keys: [$key], layouts: ["Tag"]}}]},
			registries: [{host: $host, plainHTTP: true}]}}' | kubectl create -f - >/dev/null
}

# Its own manifests. Its webhooks are called through a Service that leads here, with the port that it listens on.
install_peer() {
	local file
	kubectl create namespace cosign-system >/dev/null
	kubectl -n cosign-system create service externalname webhook --external-name localhost >/dev/null
	for file in 300-clusterimagepolicy 300-trustroot config-image-policies config-leader-election config-logging \
		config-observability config-policy-controller config-sigstore-keys; do
		kubectl apply --server-side -f "$module/config/$file.yaml" >/dev/null
	done
	for file in 500-webhook-configuration 501-policy-webhook-configurations; do
		sed 's/^\( *\)name: webhook$/&\n\1port: 8443/' "$module/config/$file.yaml" |
			kubectl apply --server-side -f - >/dev/null
	done
	kubectl wait --for=condition=Established crd/clusterimagepolicies.policy.sigstore.dev --timeout=60s >/dev/null
	jq -n --arg host "$registry" --rawfile key "$work/build.pub" '{
		apiVersion: "policy.sigstore.dev/v1alpha1", kind: "ClusterImagePolicy", metadata: {name: "bench"}, spec: {
			images: [{glob: "\($host)/bench/**"}],
			authorities: [{name: "build", key: {data: $key, hashAlgorithm: "sha256"}}]}}' | kubectl create -f - >/dev/null
}

start_webhook() { # start_webhook cocoon|peer: sets $port and how reviews are sent
	local health
	case $1 in
	cocoon)
		port=$(free_port) health=$(free_port)
		start cocoon "$program" --listen "127.0.0.1:$port" --health-listen "127.0.0.1:$health" \
			--kubeconfig "$KUBECONFIG" --namespace cocoon-system --tls-cert "$work/tls/tls.crt" \
			--tls-key "$work/tls/tls.key" --drain-seconds 0
		until_ready "$health" 60
		metrics=$health
		manner=(--ca "$work/tls/ca.crt" --mutate /mutate --path /validate --expect allowed)
		;;
	peer)
		port=8443
		start peer env SYSTEM_NAMESPACE=cosign-system CONFIG_LOGGING_NAME=config-logging HOME="$work" \
			CONFIG_OBSERVABILITY_NAME=config-observability METRICS_DOMAIN=sigstore.dev/policy WEBHOOK_NAME=webhook \
			METRICS_PROMETHEUS_PORT="$(free_port)" "$peer" --disable-tuf
		until_peer_ready 60
		manner=(--ca "$work/peer.crt" --path /validations --server-name webhook.cosign-system.svc --expect allowed)
		;;
	esac
}

# It is ready when it answers, and has compiled the policy.
until_peer_ready() {
	local end=$((SECONDS + $1))
	until curl -skf -H 'k-kubelet-probe: webhook' "https://127.0.0.1:$port/" >/dev/null &&
		kubectl -n cosign-system get configmap config-image-policies -o json | jq -e '.data.bench' >/dev/null; do
		kill -0 "$pid" 2>/dev/null || die "it ended before it was ready" "$(tail -n 5 "$log")"
		((SECONDS < end)) || die "it is not ready after $1 s" "$(tail -n 5 "$log")"
		sleep 0.1
	done
	ready_ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	kubectl -n cosign-system get secret webhook-certs -o json | jq -r '.data["ca-cert.pem"]' | base64 -d >"$work/peer.crt"
}

load() { # load RATE DURATION LIST [OPTION…]
	"${ahead[@]}" "$cache/reviews" --address "127.0.0.1:$port" "${manner[@]}" --namespace bench --rate "$1" --duration "$2" \
		--images "$work/$3" "${@:4}"
}

# The paced run. With AHEAD webhook and generator have a real-time priority meanwhile, so that other work on the machine
# does not count.
paced() {
	local ahead=()
	if [[ ${AHEAD:-} ]]; then
		ahead=(chrt --rr 5)
		chrt --rr --all-tasks --pid 5 "$pid"
	fi
	load "$rate" "$duration" images --per-pod 2
	[[ ! ${AHEAD:-} ]] || chrt --other --all-tasks --pid 0 "$pid"
}

# refuses cocoon|peer: what it says of an image that nobody has signed; otherwise its figures are of no interest.
refuses() {
	local answer
	answer=$(load 0 1s unsigned --once --connections 1 --expect refused)
	jq -e '.errors == 0 and .ok == 1' <<<"$answer" >/dev/null || die "$1 admits an image without a signature" "$answer"
}

# facts cocoon|peer: how many images are known and their bytes, by the webhook's own account; the peer keeps nothing.
facts() {
	[[ $1 == cocoon ]] || { echo null && return; }
	curl -sSf "http://127.0.0.1:$metrics/metrics" |
		jq -Rn '[inputs | capture("^cocoon_facts_(?<key>images|bytes) (?<value>[0-9]+)$") | .value |= tonumber] | from_entries'
}

measure() { # measure cocoon|peer ROUND: one line of JSON
	local idle first cold asked all after facts paced=null alone full
	start_webhook "$1"
	sleep 2
	idle=$(kilobytes VmRSS)
	first=$(load 0 1s first --once --connections 1)
	asked=$(requests)
	cold=$(load 0 1s cold --once --connections 1)
	asked=$(($(requests) - asked))
	refuses "$1"
	all=$(load 0 1s images --once --per-pod 2)
	after=$(kilobytes VmRSS)
	facts=$(facts "$1")
	[[ $1 == peer ]] || paced=$(paced)
	alone=$(load 0 5s images --connections 1)
	full=$(load 0 5s images --per-pod 2)
	jq -nc --arg who "$1" --argjson round "$2" --argjson ready "$ready_ms" --argjson idle "$idle" \
		--argjson after "$after" --argjson peak "$(kilobytes VmHWM)" --argjson facts "$facts" \
		--argjson first "$first" --argjson cold "$cold" --argjson asked "$asked" --argjson all "$all" \
		--argjson paced "$paced" --argjson alone "$alone" --argjson full "$full" \
		'{$who, $round, ready_ms: $ready, idle_kb: $idle, after_kb: $after, peak_kb: $peak, $facts,
		  requests: ($asked / $cold.sent), $first, $cold, $all, $paced, $alone, $full}'
	stop
}

# ---- the table --------------------------------------------------------------------------------------------------

# Rows: name, path to the number, aim or null. The ratio is peer by cocoon, for rates the other way round.
table() {
	jq -rs --argjson rate "$rate" --argjson count "$count" --arg ahead "${AHEAD:+, ahead of all else}" '
		def median: sort | .[length / 2 | floor];
		def round3: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 1000 | round / 1000 end;
		def mib: . / 1024;
		def shown: if . == null then "-" else round3 end;
		def row(name; f; aim; up):
			. as $all
			| [$all[] | select(.who == "cocoon") | f] as $c | [$all[] | select(.who == "peer") | f] as $p
			| ($c | median) as $c | ($p | median) as $p
			| [name, ($c | shown), ($p | shown),
			   (if $c == null or $p == null then "-" elif up then $c / $p * 100 | round / 100
			    elif $c == 0 then "-" else $p / $c * 100 | round / 100 end),
			   (if aim == null then "" elif (if up then $c >= aim else $c < aim end)
			    then "\(if up then "≥" else "<" end) \(aim): met" else "\(if up then "≥" else "<" end) \(aim): MISSED" end)];
		def half(f): ([.[] | select(.who == "peer") | f] | median) / 2 * 100 | round / 100;
		["", "cocoon", "peer", "times better", "aim"],
		row("cold: registry requests an image"; .requests; null; false),
		row("  p50 ms, one by one"; .cold.p50; half(.cold.p50); false),
		row("  p99 ms"; .cold.p99; null; false),
		row("  the very first ms"; .first.p50; null; false),
		row("  images/s, 16 connections"; .all.achieved * 2; null; true),
		row("warm: good answers/s at \($rate)/s\($ahead)"; .paced.achieved?; $rate * 0.99; true),
		row("  p50 ms"; .paced.p50?; 1; false),
		row("  p99 ms"; .paced.p99?; 5; false),
		row("  p99.9 ms"; .paced.p999?; null; false),
		row("again, one by one: p50 ms"; .alone.p50; null; false),
		row("  p99 ms"; .alone.p99; null; false),
		row("  most answers/s, 16 connections"; .full.achieved; null; true),
		row("resident MiB, idle"; .idle_kb | mib; null; false),
		row("  with \($count) images"; .after_kb | mib; 64; false),
		row("  peak"; .peak_kb | mib; null; false),
		row("  images known then"; .facts.images?; $count; true),
		row("  bytes of an image"; .facts | if . then .bytes / .images else null end; null; false)
		| @tsv' "$1" | column -t -s $'\t'
	jq -rs '[.[] | {who, round, wrong: ([.first, .cold, .all, .paced, .alone, .full | .errors? // 0] | add),
			failures: [.first, .cold, .all, .paced, .alone, .full | .failures? // empty | .[]]}
		| select(.wrong > 0)] | if length == 0 then "Every answer was checked: none was wrong."
		else .[] | "WRONG ANSWERS: \(.)" end' "$1"
}

begin "$1" webhook
build_tools
prepare
make_certificate
start_cluster bench
kubectl label namespace bench policy.sigstore.dev/include=true >/dev/null
kubectl -n bench create serviceaccount default >/dev/null
start_registry
say "making $count images"
make_images
install_cocoon
install_peer
for ((round = 1; round <= rounds; round++)); do
	for who in cocoon peer; do
		say "round $round of $rounds: $who"
		measure "$who" "$round" >>"$work/policy.jsonl"
	done
done
mkdir -p "$out/bench"
cp "$work/policy.jsonl" "$out/bench/policy.jsonl"
print_machine "policy-controller $(sed -n 's/.*sigstore\/policy-controller \([^ ]*\).*/\1/p' "$top/bench/policy-peer/go.mod")"
printf 'Images of %s layers, encrypted and signed; reviews over TLS, keep-alive; medians of %s rounds\n' "$LAYERS" "$rounds"
table "$out/bench/policy.jsonl"
