#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Five hundred confidential pods at once while the webhook's pods are replaced one by one: none is refused, none comes
# in without its init-data. Then the webhook's pods die: confidential pods are refused, all others do not notice.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

namespace pods
p=storm-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
digest=$(digest_of $p)
webhook_pods() { kubectl get pods -n "$SYSTEM" -l app.kubernetes.io/component=webhook -o name | sort; }
mapfile -t old < <(webhook_pods)

# ---- the storm
flood_begin "$(pod "$ns" storm- kata-qemu-snp null "$NOWHERE")"
need kubectl rollout restart deployment/cocoon-webhook -n "$SYSTEM"
flood 500 "$(pod "$ns" burst- kata-qemu-snp null "$NOWHERE")" burst
expect_ok "the webhook is replaced meanwhile" kubectl rollout status deployment/cocoon-webhook -n "$SYSTEM" --timeout=60s
old_gone() { ! kubectl get -n "$SYSTEM" "${old[@]}" -o name | grep .; }
eventually "down to the last old pod" 60 old_gone
flood_end
expect_all_created "no pod was refused" 500
kubectl get pods -n "$ns" -o json >"$work/pods.json"
expect_equal "all that were answered with 201 are there" "$(wc -l <"$work/answers")" "$(jq '.items | length' "$work/pods.json")"
expect_equal "every pod has the profile's digest" 0 \
	"$(jq --arg d "$digest" '[.items[] | select(.metadata.annotations["cocoon.dev/digest"] != $d)] | length' "$work/pods.json")"
expect_equal "and one and the same document" 1 "$(jq --arg k "$INIT" '[.items[].metadata.annotations[$k]] | unique | length' "$work/pods.json")"
expect_equal "none waits behind the gate" 0 "$(jq '[.items[] | select(.spec.schedulingGates)] | length' "$work/pods.json")"
counted() { [ "$(kubectl get cprof $p -o jsonpath='{.status.pods.injected}')" = "$(wc -l <"$work/answers")" ]; }
eventually "the controller counts them all" 20 counted
need kubectl delete --raw "/api/v1/namespaces/$ns/pods"
all_gone() { [ "$(kubectl get cprof $p -o jsonpath='{.status.pods.injected}')" = 0 ]; }
eventually "and none when they are gone" 30 all_gone

# ---- no webhook at all
need kubectl scale deployment/cocoon-webhook -n "$SYSTEM" --replicas=0
cleanup() { kubectl scale deployment/cocoon-webhook -n "$SYSTEM" --replicas=2; }
none_left() { [ -z "$(webhook_pods)" ]; }
need await 60 none_left
try() { create "$(pod "$ns" "$1" "$2" null "$NOWHERE")"; }
expect_refused "without webhook a confidential pod is refused" "failed calling webhook \"mutate.cocoon.dev\"" try closed kata-qemu-snp
expect_ok "an ordinary pod is not" try ordinary ''
expect_ok "updates of other pods are not" kubectl label pod ordinary -n "$ns" a=b
expect_ok "nor their deletion" kubectl delete pod ordinary -n "$ns" --wait=false
expect_ok "a Deployment of confidential pods may be applied" apply \
	"$(jq -c '{apiVersion: "apps/v1", kind: "Deployment", metadata: {namespace: .metadata.namespace, name: "later"}, spec: {selector: {matchLabels: {app: "later"}},
	template: {metadata: {labels: {app: "later"}}, spec: .spec}}}' <<<"$(pod "$ns" later kata-qemu-snp)")"
need kubectl scale deployment/cocoon-webhook -n "$SYSTEM" --replicas=2
expect_ok "the webhook comes back" kubectl rollout status deployment/cocoon-webhook -n "$SYSTEM" --timeout=60s
again() { try "back-$SRANDOM" kata-qemu-snp; }
eventually "and confidential pods with it" 20 again
expect_ok "the Deployment gets its pods by itself" kubectl wait --for=condition=Available deployment/later -n "$ns" --timeout=60s
finish
