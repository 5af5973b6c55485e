#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The API server goes away and comes back, history is compacted under the watches (410 Gone), the leader dies. What
# changes meanwhile and afterwards must reach webhook and controller all the same.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

cluster() { "$root/e2e/cluster/cluster.sh" "$@" --dir "$COCOON_CLUSTER_DIR"; }
namespace pods
p=outage-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs before)"
restarts() { kubectl get pods -n "$SYSTEM" -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}'; }
makes() { # makes NAME HOST: a new pod has the document for this host
	create "$(pod "$ns" "$1-$SRANDOM" kata-qemu-snp null "$NOWHERE")" -o json |
		jq -er --arg k "$INIT" '.metadata.annotations[$k] | @base64d' >/dev/null
	create "$(pod "$ns" "$1-$SRANDOM" kata-qemu-snp null "$NOWHERE")" -o json | jq -r --arg k "$INIT" '.metadata.annotations[$k]' |
		base64 -d | gzip -dc | grep "https://$2.example.com"
}

# ---- the API server restarts
expect_ok "the API server restarts" cluster restart-apiserver
eventually "pods are injected again" 20 makes restart before
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs between)"
eventually "a profile edited after it is in force" 10 makes restart between

# ---- history is gone
expect_ok "etcd is compacted" cluster compact-etcd
need kubectl create configmap after -n "$ns"
expect_ok "and the API server restarts" cluster restart-apiserver
eventually "pods are injected after the compaction" 20 makes compact between
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs compacted)"
eventually "a profile edited after it is in force" 10 makes compact compacted
relists() {
	local name sum=0
	for name in $(kubectl get pods -n "$SYSTEM" -l app.kubernetes.io/component=controller -o jsonpath='{.items[*].metadata.name}'); do
		sum=$((sum + $(kubectl get --raw "/api/v1/namespaces/$SYSTEM/pods/$name:8080/proxy/metrics" | sed -n 's/^cocoon_watch_relists_total //p')))
	done
	[ "$sum" -gt 0 ]
}
expect_ok "the watches were listed anew" relists
counted() { [ "$(kubectl get cprof $p -o jsonpath='{.status.pods.injected}')" = "$(kubectl get pods -n "$ns" -o json |
	jq --arg d "$(digest_of $p)" '[.items[] | select(.metadata.annotations["cocoon.dev/digest"] == $d)] | length')" ]; }
eventually "and the counts are right" 20 counted
expect_equal "no program had to start again" "0 0 0 0" "$(restarts)"

# ---- the leader dies
holder() { kubectl get lease cocoon-controller -n "$SYSTEM" -o jsonpath='{.spec.holderIdentity}'; }
leader=$(holder)
need kubectl delete pod "${leader%_*}" -n "$SYSTEM" --force --grace-period=0
another() { [ "$(holder)" != "$leader" ] && [ -n "$(holder)" ]; }
eventually "another controller leads when the leader was killed" 30 another
need kubectl patch cprof $p --type=merge -p '{"spec":{"initData":{"kbs":{"url":"https://led.example.com:8080"}}}}'
reported() { kubectl get cprof $p -o json | jq -e '.status.observedGeneration == .metadata.generation'; }
eventually "it reports on profiles" 20 reported
eventually "while the webhook has injected all the time" 10 makes led led
expect_ok "two controllers are there again" kubectl rollout status deployment/cocoon-controller -n "$SYSTEM" --timeout=60s

# ---- the leader is told to go
leader=$(holder)
began=$SECONDS
need kubectl delete pod "${leader%_*}" -n "$SYSTEM" --wait=false
eventually "another leads when the leader is told to go" 10 another
expect_ok "sooner than a Lease runs out" [ $((SECONDS - began)) -lt 8 ]
expect_ok "both programs are whole in the end" kubectl rollout status deployment/cocoon-controller deployment/cocoon-webhook \
	-n "$SYSTEM" --timeout=60s
finish
