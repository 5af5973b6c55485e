#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh: from nothing to a confidential pod, on a real cluster on this machine, and down again. KEEP=1 leaves the
# cluster running and says how to use it. Called by `make demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=demo/lib.sh
. e2e/demo/lib.sh

pod_of() { kubectl -n demo get pods -l "app=$1" -o jsonpath='{.items[0].metadata.name}'; }
annotation() { kubectl -n demo get pod "$1" -o json | jq -r --arg k "$2" '.metadata.annotations[$k]'; }
ready() { kubectl get cprof demo -o json | jq -e '.status.conditions[]? | select(.type == "Ready" and .status == "True")'; }
seen() { jq -s --arg n "$1" '[.[] | select(.name == $n)][-1]' "$dir/oci-check.jsonl"; }

main() {
	begin
	step "A cluster: etcd, kube-apiserver, scheduler, kubelet with containerd, a registry"
	cluster_up
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
