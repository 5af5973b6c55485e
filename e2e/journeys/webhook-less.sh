#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Injection without a webhook: admission policies hold confidential pods, the controller completes them. They must come
# out byte for byte as with the webhook, and be as well protected. Begins and ends with the installation with webhook.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cd "$root"

kata=io.katacontainers.config.hypervisor
p=less-$$
namespace pods
printf 'version = "0.1.0"\nalgorithm = "sha256"\n\n[data]\n"mine.txt" = "x"\n' >"$work/mine.toml"
mine=$(gzip -nc "$work/mine.toml" | base64 -w0)
profile $p-snp "runtimeClasses: [kata-qemu-snp], $(only "$ns"), kernelParams: ['agent.log=debug'], allowedKernelParams: ['agent.*'],
	onConflict: Keep, annotations: {$kata.default_vcpus: '2'}, initData: {algorithm: sha512, kbs: {url: 'https://kbs.example.com:8080'},
	agentPolicy: {inline: 'package agent_policy'}, entries: {a.txt: b}}"
profile $p-remote "runtimeClasses: [kata-remote], $(only "$ns"), runtimeHandlerAnnotation: Omit, $(kbs remote)"
profile $p-author "runtimeClasses: [kata-qemu-tdx], $(only "$ns"), initData: {source: Author}"

cases() { # cases PREFIX: pods that differ in what they bring
	pod "$ns" "$1plain" kata-qemu-snp null "$NOWHERE"
	pod "$ns" "$1kernel" kata-qemu-snp "{\"$KERNEL\":\"agent.hotplug_timeout=5\"}" "$NOWHERE"
	pod "$ns" "$1kept" kata-qemu-snp "{\"$kata.default_vcpus\":\"4\",\"example.com/mine\":\"x\"}" "$NOWHERE"
	pod "$ns" "$1remote" kata-remote null "$NOWHERE"
	pod "$ns" "$1author" kata-qemu-tdx "{\"$INIT\":\"$mine\"}" "$NOWHERE"
}
each=(plain kernel kept remote author)
annotations() { kubectl get pod "$1" -n "$ns" -o json | jq -Sc .metadata.annotations; }
free() { # free POD: it exists, and no gate of ours is on it
	local gates
	gates=$(kubectl get pod "$1" -n "$ns" -o jsonpath='{.spec.schedulingGates[*].name}') && [[ $gates != *cocoon* ]]
}

# ---- with the webhook, then with the webhook and the gate
cases with- >"$work/with.json"
need kubectl create -f "$work/with.json"
expect_ok "the policies are applied beside the webhook" kubectl apply --server-side -k manifests/policies
expect_ok "the gate, too" kubectl apply --server-side -k manifests/gate
cleanup() {
	kubectl apply --server-side -k manifests/default
	kubectl delete -k manifests/gate
	kubectl delete -k manifests/policies
	kubectl -n "$SYSTEM" rollout status deployment/cocoon-controller deployment/cocoon-webhook --timeout=60s
}
holds() { kubectl create --dry-run=server -f "$work/holds.json" -o json | jq -e '.spec.schedulingGates | any(.name == "cocoon.dev/init-data")'; }
cases both- >"$work/both.json"
need kubectl create -f "$work/both.json"
for name in "${each[@]}"; do
	expect_equal "with webhook and gate the pod '$name' is as with the webhook alone" "$(annotations "with-$name")" "$(annotations "both-$name")"
	expect_ok "and does not wait" free "both-$name"
done

# ---- without the webhook
expect_ok "the installation goes, the profiles stay" manifests/uninstall.sh --keep-profiles
expect_ok "the one without webhook is applied" kubectl apply --server-side -k manifests/webhook-less
expect_ok "its controllers roll out" kubectl -n "$SYSTEM" rollout status deployment/cocoon-controller --timeout=60s
expect_equal "and nothing else" cocoon-controller "$(kubectl get deployments -n "$SYSTEM" -o jsonpath='{.items[*].metadata.name}')"
pod "$ns" holds kata-qemu-snp null "$NOWHERE" >"$work/holds.json"
eventually "confidential pods are held at creation" 20 holds
for name in snp remote author; do
	expect_ok "profile $name is in force" kubectl wait --for=condition=Ready "cprof/$p-$name" --timeout=20s
done
cases less- >"$work/less.json"
need kubectl create -f "$work/less.json"
for name in "${each[@]}"; do
	eventually "the controller completes the pod '$name'" 10 free "less-$name"
	expect_equal "with the very same bytes" "$(annotations "with-$name")" "$(annotations "less-$name")"
done
need create "$(pod "$ns" runs kata-qemu-snp)"
expect_ok "such a pod runs" kubectl wait --for=condition=Ready pod/runs -n "$ns" --timeout=30s
recorded() { jq -es --arg ns "$ns" --arg d "$(digest_of $p-snp)" 'any(.namespace == $ns and .name == "runs" and .verdict == "accepted" and
	.algorithm + ":" + .digest == $d)' "$COCOON_CLUSTER_DIR/oci-check.jsonl"; }
expect_ok "with the digest that the profile publishes" recorded
says() { kubectl describe pod "$1" -n "$ns" | grep -F "$2"; }
eventually "its events say who injected what" 10 says runs "init-data $(digest_of $p-snp) of profile $p-snp"
need create "$(pod "$ns" ordinary '' null "$NOWHERE")"
expect_ok "an ordinary pod is not held" free ordinary

# ---- a pod that cannot be completed
need create "$(pod "$ns" wrong kata-qemu-snp "{\"$kata.enable_iommu\":\"true\"}" "$NOWHERE")"
eventually "a foreign annotation is named in the pod's events" 10 says wrong "annotation '$kata.enable_iommu' is foreign"
expect_refused "and the pod waits" "" free wrong
counts() { [ "$(kubectl get cprof $p-snp -o jsonpath='{.status.pods.gated}')" = 1 ]; }
eventually "which the profile counts" 15 counts
need kubectl patch cprof $p-snp --type=merge -p "{\"spec\":{\"allowedAnnotations\":[\"$kata.enable_iommu\",\"$kata.default_vcpus\"]}}"
eventually "it goes on when its profile allows what it brought" 20 free wrong

# ---- no controller for a while
need kubectl scale deployment/cocoon-controller -n "$SYSTEM" --replicas=0
no_controller() { [ -z "$(kubectl get pods -n "$SYSTEM" -l app.kubernetes.io/component=controller -o name)" ]; }
need await 40 no_controller
need create "$(pod "$ns" patient kata-remote null "$NOWHERE")"
expect_refused "without controller a pod waits" "" free patient
expect_ok "an ordinary pod does not" create "$(pod "$ns" ordinary2 '' null "$NOWHERE")"
need kubectl scale deployment/cocoon-controller -n "$SYSTEM" --replicas=2
eventually "and goes on when one is back" 40 free patient

include attacks
finish
