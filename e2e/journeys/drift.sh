#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A profile changes while its pods run: they stay as they are, and are counted and named; new ones get the new document.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

namespace pods
p=drift-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs one)"
one=$(digest_of $p)
for name in a b c; do need create "$(pod "$ns" "$name" kata-qemu-snp null "$NOWHERE")"; done

counts() { # counts INJECTED DRIFTED
	kubectl get cprof $p -o json | jq -e --argjson i "$1" --argjson d "$2" '.status.pods | .injected == $i and .drifted == $d'
}
eventually "three pods are counted as injected" 15 counts 3 0

profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs two)"
two=$(digest_of $p)
expect_refused "the digest is another one now" "" [ "$one" = "$two" ]
eventually "the three have drifted" 15 counts 0 3
expect_equal "and are named" "[\"$ns/a\",\"$ns/b\",\"$ns/c\"]" "$(kubectl get cprof $p -o json | jq -c '.status.driftedPods | sort')"
expect_equal "they keep what they have" "$one $one $one" \
	"$(for name in a b c; do annotation "$ns" $name cocoon.dev/digest; done | xargs)"
need create "$(pod "$ns" d kata-qemu-snp null "$NOWHERE")"
expect_equal "a new pod gets the new document" "$two" "$(annotation "$ns" d cocoon.dev/digest)"
eventually "and is counted" 15 counts 1 3
expect_ok "a drifted pod takes a label" kubectl label pod a -n "$ns" x=y
expect_refused "but not the new digest: only a new pod is renewed" "may not be changed after creation" \
	kubectl annotate pod a -n "$ns" --overwrite "cocoon.dev/digest=$two"
need kubectl delete pod a b -n "$ns" --wait=false
eventually "who is gone is not counted" 15 counts 1 1

profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs one)"
expect_equal "the same content gives the same digest again" "$one" "$(digest_of $p)"
eventually "and the counts turn round" 15 counts 1 1
expect_equal "with the other one named" "[\"$ns/d\"]" "$(kubectl get cprof $p -o json | jq -c .status.driftedPods)"

# ---- an edit that does not compile
need kubectl patch cprof $p --type=merge -p '{"spec":{"initData":{"extra":{"aaToml":"= broken"}}}}'
expect_ok "an edit that does not compile is reported" \
	kubectl wait --for='jsonpath={.status.conditions[?(@.type=="Compiled")].status}=False' cprof $p --timeout=20s
expect_said "with the field and the cause" "aa.toml: line 1, column 1" \
	kubectl get cprof $p -o jsonpath='{.status.conditions[?(@.type=="Compiled")].message}'
expect_said "the last good form stays in force" "last good form stays in force" \
	kubectl get cprof $p -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}'
need create "$(pod "$ns" e kata-qemu-snp null "$NOWHERE")"
expect_equal "new pods get it" "$one" "$(annotation "$ns" e cocoon.dev/digest)"

# ---- an agent policy in a ConfigMap
policy='package agent_policy'
p=$p-policy
need kubectl create configmap $p -n "$SYSTEM" --from-literal=policy.rego="$policy"
cleanup() { kubectl delete configmap $p -n "$SYSTEM"; }
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), priority: 1, initData: {kbs: {url: 'https://one.example.com:8080'},
	agentPolicy: {configMapRef: {name: $p, key: policy.rego, sha256: '$(printf %s "$policy" | sha256sum | cut -d' ' -f1)'}}}"
need create "$(pod "$ns" f kata-qemu-snp null "$NOWHERE")"
expect_said "a policy from a ConfigMap gets into the document" "$policy" eval "annotation $ns f $INIT | base64 -d | gzip -dc"
three=$(digest_of $p)
need eval "kubectl create configmap $p -n $SYSTEM --from-literal=policy.rego=other --dry-run=client -o yaml | kubectl replace -f -"
expect_ok "another content than the one with the digest is reported" \
	kubectl wait --for='jsonpath={.status.conditions[?(@.type=="Compiled")].status}=False' cprof $p --timeout=20s
need create "$(pod "$ns" g kata-qemu-snp null "$NOWHERE")"
expect_equal "and does not get into new pods" "$three" "$(annotation "$ns" g cocoon.dev/digest)"
finish
