#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh: from nothing to a confidential pod, on a real cluster on this machine, and down again. KEEP=1 leaves the
# cluster running and says how to use it. Called by `make demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
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

pod_of() { kubectl -n demo get pods -l "app=$1" -o jsonpath='{.items[0].metadata.name}'; }
annotation() { kubectl -n demo get pod "$1" -o json | jq -r --arg k "$2" '.metadata.annotations[$k]'; }
ready() { kubectl get cprof demo -o json | jq -e '.status.conditions[]? | select(.type == "Ready" and .status == "True")'; }
seen() { jq -s --arg n "$1" '[.[] | select(.name == $n)][-1]' "$dir/oci-check.jsonl"; }

main() {
	: >"$log"
	trap finish EXIT
	trap 'exit 130' INT TERM

	step "A cluster: etcd, kube-apiserver, scheduler, kubelet with containerd, a registry"
	run "packages are there (make deps)" make deps
	down
	run "cluster is up" e2e/cluster/cluster.sh up --node --dir "$dir" --wait 600
	eval "$(e2e/cluster/cluster.sh env --dir "$dir")"
	say "Kubernetes $(kubectl version -o json 2>/dev/null | jq -r .serverVersion.gitVersion), one node, RuntimeClasses: $(kubectl get runtimeclass -o name | sed 's,.*/,,' | xargs)"

	step "Install, as a user would"
	run "make images" make images BUILD=release REGISTRY="$REGISTRY"
	run "kubectl apply -k manifests/default" kubectl apply -k manifests/default
	run "webhook and controller run" kubectl -n cocoon-system rollout status deploy --timeout=120s

	step "The admin: one custom resource"
	run "kubectl apply -f e2e/demo/profile.yaml" kubectl apply -f e2e/demo/profile.yaml
	kubectl create namespace demo >>"$log"
	kubectl label namespace demo tenant=demo >>"$log"
	until_true 60 "the profile is Ready" ready
	kubectl get cprof | sed 's/^/      /'

	step "The developer: an ordinary Deployment"
	run "kubectl apply -f e2e/demo/app.yaml" kubectl apply -f e2e/demo/app.yaml
	run "its pod runs" kubectl -n demo rollout status deploy/hello --timeout=120s
	show

	step "What is not admitted"
	refusals
	printf '\n%sDone in %d s.%s\n' "$green$bold" $((EPOCHSECONDS - began)) "$off"
	[ "${KEEP:-}" = 1 ] && keep_words
	return 0
}

# What the node's OCI runtime saw, decoded; it must be what the profile promised.
show() {
	local pod digest promised gen=out/release-gcc/bin/initdata-gen
	pod=$(pod_of hello)
	promised=$(kubectl get cprof demo -o jsonpath='{.status.digest}')
	digest=$(seen "$pod" | jq -r '.algorithm + ":" + .digest')
	[ "$digest" = "$promised" ] || die "the runtime saw '$digest', the profile promised '$promised'"
	good "the node's OCI runtime saw the annotations of $pod, judged them as Kata would, and started it:"
	seen "$pod" | jq -r '"      handler \(.class), kernel_params \(.kernel_params // "none"), init-data entries \(.data_keys | join(", "))"'
	good "the init-data, decoded:"
	annotation "$pod" io.katacontainers.config.hypervisor.cc_init_data | "$gen" show - | sed 's/^/      /'
	good "the digest that the data owner has to trust, and its form in each TEE's evidence:"
	annotation "$pod" io.katacontainers.config.hypervisor.cc_init_data | "$gen" digest - | sed 's/^/      /' | cut -c1-150
}

refusals() {
	local pod
	pod=$(pod_of hello)
	refused "a pod with a foreign hypervisor annotation" kubectl -n demo run foreign --image=localhost:5000/demo/app:1 \
		--annotations=io.katacontainers.config.hypervisor.image=/other \
		--overrides='{"spec": {"runtimeClassName": "kata-qemu-snp"}}'
	refused "a change of init-data afterwards" kubectl -n demo annotate pod "$pod" --overwrite \
		io.katacontainers.config.hypervisor.cc_init_data=H4sIAAAA
	refused "the same pod in a namespace that no profile grants" kubectl -n default run other \
		--image=localhost:5000/demo/app:1 --overrides='{"spec": {"runtimeClassName": "kata-qemu-snp"}}'
	refused "a runtime class that does not exist" kubectl -n demo run unknown --image=localhost:5000/demo/app:1 \
		--overrides='{"spec": {"runtimeClassName": "kata-unknown"}}'
}

keep_words() {
	printf '\nThe cluster goes on running. To use it:\n'
	printf '  eval "%s(e2e/cluster/cluster.sh env --dir %s)"\n' '$' "$dir"
	printf '  kubectl get cprof -o wide; kubectl -n demo get pods; kubectl explain cprof.spec.initData\n'
	printf '  kubectl -n cocoon-system logs deploy/cocoon-webhook\n'
	printf 'To end it:\n  e2e/cluster/cluster.sh down --dir %s\n' "$dir"
}

main
