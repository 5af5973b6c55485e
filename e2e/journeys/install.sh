#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installation, word for word as the manifests' README says it, and the first confidential pod. The other journeys
# on a node stand on this one.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cd "$root"

expect_ok "the manifests are applied" kubectl apply --server-side -k manifests/default
expect_ok "webhook and controller roll out" \
	kubectl -n "$SYSTEM" rollout status deployment/cocoon-controller deployment/cocoon-webhook --timeout=60s
expect_equal "both with two replicas" "2 2" \
	"$(kubectl -n "$SYSTEM" get deployments -o jsonpath='{.items[*].status.readyReplicas}')"

trusts_ca() { # every webhook of both configurations has the authority
	kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration -l app.kubernetes.io/part-of=cocoon -o json |
		jq -e '[.items[].webhooks[].clientConfig.caBundle // "" | length > 0] | length == 4 and all'
}
eventually "the controller registers the authority" 20 trusts_ca
expect_ok "a second apply of the manifests passes" kubectl apply --server-side --force-conflicts -k manifests/default
eventually "and leaves the authority alone" 1 trusts_ca

namespace first tenant=a
made_profiles+=(team-a-snp)
expect_ok "a profile of the examples is applied" kubectl apply --server-side -f crds/examples/minimal-kbs.yaml
expect_ok "and gets into force" in_force team-a-snp
expect_ok "a first pod is created" create "$(pod "$ns" first kata-qemu-snp)"
expect_ok "and runs" kubectl wait --for=condition=Ready pod/first -n "$ns" --timeout=20s
expect_equal "with the profile's digest" "$(digest_of team-a-snp)" "$(annotation "$ns" first cocoon.dev/digest)"

restarts=$(kubectl -n "$SYSTEM" get pods -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}')
expect_equal "no program had to start twice" "0 0 0 0" "$restarts"
finish
