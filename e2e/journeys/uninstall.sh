#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Uninstalling as the README says it, while pods are created: nothing is refused on the way out, nothing is left.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cd "$root"

namespace pods
p=uninstall-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
need kubectl apply --server-side -k manifests/policies
need create "$(pod "$ns" stays kata-qemu-snp)"
need kubectl wait --for=condition=Ready pod/stays -n "$ns" --timeout=30s
keeps() { kubectl get pod stays -n "$ns" -o json | jq -Sc '[.metadata.annotations, .status.containerStatuses[0].containerID]'; }
was=$(keeps)

flood_begin "$(pod "$ns" load- kata-qemu-snp null "$NOWHERE")"
expect_said "the script ends well" "nothing of Cocoon is left" manifests/uninstall.sh
flood_end
expect_all_created "no pod was refused on the way" 20

left() { # everything of ours among all kinds of objects
	kubectl get -A -o name --ignore-not-found "$(kubectl api-resources --verbs=list -o name | grep -v '^events' | paste -sd,)" |
		grep -i cocoon | grep -v "journey-"
}
expect_equal "no object of any kind has our name" "" "$(left || true)"
expect_equal "the running pod is as before" "$was" "$(keeps)"
need create "$(pod "$ns" bare kata-qemu-snp null "$NOWHERE")"
expect_equal "a new one comes in bare" "(none)" "$(annotation "$ns" bare "$INIT")"
expect_ok "annotations are free again" kubectl annotate pod bare -n "$ns" "$INIT=x"
expect_ok "the script may be run again" manifests/uninstall.sh
made_profiles=()

# ---- and back
expect_ok "it can be installed again" kubectl apply --server-side -k manifests/default
expect_ok "and works" kubectl -n "$SYSTEM" rollout status deployment/cocoon-controller deployment/cocoon-webhook --timeout=60s
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
unprotected() { kubectl get cprof $p -o json | jq -e '.status.pods.unprotected > 0'; }
eventually "pods that came in bare meanwhile are counted" 20 unprotected
finish
