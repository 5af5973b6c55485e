#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is refused, and the words that kubectl prints then: they must name the field, the cause and the way on. No pod
# has to run for it, so this journey also goes against an API server alone.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

kata=io.katacontainers.config.hypervisor
p=refuse-$$
namespace none
empty=$ns
namespace pods
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), kernelParams: ['agent.log=info'],
	annotations: {$kata.default_vcpus: '2'}, $(kbs kbs)"
dry() { create "$1" --dry-run=server; }
try() { # try ANNOTATIONS [SPEC]: a confidential pod
	dry "$(pod "$ns" new kata-qemu-snp "$1" "${2:-null}")"
}

# ---- no profile
expect_refused "a confidential pod without a profile" "no ConfidentialProfile matches" dry "$(pod "$empty" web kata-qemu-snp)"
expect_refused "the message names the profile and what did not fit" "$p" dry "$(pod "$empty" web kata-qemu-snp)"
expect_refused "as does that for another class" "$p" dry "$(pod "$ns" web kata-qemu-tdx)"
expect_refused "the subject is named in full" "pod 'web' in namespace '$empty' (runtime class 'kata-qemu-snp')" \
	dry "$(pod "$empty" web kata-qemu-snp)"
expect_refused "a RuntimeClass that does not exist" 'RuntimeClass "kata-none" not found' dry "$(pod "$ns" web kata-none)"

# ---- foreign annotations
expect_ok "a plain confidential pod passes" try null
expect_refused "a foreign annotation" "annotation '$kata.kernel' is foreign: profile '$p' neither sets nor allows it: remove it" \
	try "{\"$kata.kernel\":\"/evil\"}"
expect_refused "one of another part of Kata" "annotation 'io.katacontainers.config.agent.policy' is foreign" \
	try '{"io.katacontainers.config.agent.policy":"x"}'
expect_refused "another value than the profile's" "annotation '$kata.default_vcpus' is '8', profile '$p' sets '2': remove the annotation" \
	try "{\"$kata.default_vcpus\":\"8\"}"
expect_refused "kernel parameters that are not allowed" "kernel_params" try "{\"$KERNEL\":\"init=/bin/sh\"}"
expect_refused "a kernel parameter of the profile's with another value" "agent.log" try "{\"$KERNEL\":\"agent.log=trace\"}"
expect_refused "another runtime handler" "runtime class 'kata-qemu-snp' has handler 'kata-qemu-snp'" try "{\"$HANDLER\":\"runc\"}"
expect_refused "a profile that the pod names itself" "a pod cannot name its profile" try '{"cocoon.dev/profile":"other"}'
expect_refused "a digest that the pod claims" "annotation 'cocoon.dev/digest' says" \
	try "{\"cocoon.dev/digest\":\"sha256:$(printf '%064d' 0)\"}"
expect_refused "any other name of ours" "names below cocoon.dev/ are this product's" try '{"cocoon.dev/mine":"x"}'
expect_refused "init-data that is no base64" "annotation '$INIT'" try "{\"$INIT\":\"no!\"}"
other=$(printf 'version = "0.1.0"\nalgorithm = "sha256"\n\n[data]\n' | gzip -nc | base64 -w0)
expect_refused "other init-data than the profile's" "holds other init-data than profile '$p'" try "{\"$INIT\":\"$other\"}"
expect_refused "everything wrong is named at once" "$kata.image" try "{\"$kata.kernel\":\"x\",\"$kata.image\":\"y\"}"
expect_said "an annotation that the default list allows" created try "{\"$kata.default_memory\":\"512\"}"

# ---- later changes
need create "$(pod "$ns" web kata-qemu-snp null "$NOWHERE")"
after="may not be changed after creation"
expect_refused "changed init-data" "annotation '$INIT' $after" kubectl annotate pod web -n "$ns" --overwrite "$INIT=$other"
expect_refused "init-data taken away" "annotation '$INIT' may not be removed after creation" kubectl annotate pod web -n "$ns" "$INIT-"
expect_refused "an annotation that comes later" "annotation '$kata.image' may not be added after creation" \
	kubectl annotate pod web -n "$ns" "$kata.image=x"
expect_refused "the digest changed" "annotation 'cocoon.dev/digest' $after" \
	kubectl annotate pod web -n "$ns" --overwrite cocoon.dev/digest=x
expect_ok "annotations of the user's own may change" kubectl annotate pod web -n "$ns" example.com/mine=x
expect_ok "labels too" kubectl label pod web -n "$ns" mine=x

# ---- a profile that does not compile
broken() {
	kubectl apply -f - <<-END
		{apiVersion: cocoon.dev/v1alpha1, kind: ConfidentialProfile, metadata: {name: $p-broken}, spec: {
		  runtimeClasses: [kata-qemu-tdx], $(only "$ns"), initData: {agentPolicy: {configMapRef: {
		    name: $p-missing, key: policy.rego, sha256: "$(printf '%064d' 0)"}}}}}
	END
}
made_profiles+=("$p-broken")
need broken
expect_ok "a profile whose policy is missing says so" \
	kubectl wait --for=jsonpath='{.status.conditions[?(@.type=="Compiled")].status}'=False cprof "$p-broken" --timeout=20s
expect_refused "and its pods are refused with the reason" "there is no ConfigMap '$p-missing'" dry "$(pod "$ns" tdx kata-qemu-tdx)"

# ---- ties, priorities
profile $p-tie "runtimeClasses: ['kata-qemu-s*'], $(only "$ns"), $(kbs tie)"
expect_refused "two profiles of one priority" "which profile it gets is not decided" try null
expect_refused "are both named" "$p-tie" try null
profile $p-tie "runtimeClasses: ['kata-qemu-s*'], $(only "$ns"), priority: 7, $(kbs tie)"
need create "$(pod "$ns" higher kata-qemu-snp null "$NOWHERE")"
expect_equal "the higher priority wins" $p-tie "$(annotation "$ns" higher cocoon.dev/profile)"

# ---- modes
profile $p-tie "runtimeClasses: ['kata-qemu-s*'], $(only "$ns"), priority: 7, mode: Warn, $(kbs tie)"
expect_said "mode Warn warns of a foreign annotation" "Warning: annotation '$kata.kernel' is foreign" try "{\"$kata.kernel\":\"x\"}"
expect_refused "but refuses foreign init-data" "holds other init-data" try "{\"$INIT\":\"$other\"}"
profile $p-tie "runtimeClasses: ['kata-qemu-s*'], $(only "$ns"), priority: 7, mode: Audit, $(kbs tie)"
expect_said "mode Audit lets a foreign annotation pass" created try "{\"$kata.kernel\":\"x\"}"
expect_refused "but refuses foreign init-data" "holds other init-data" try "{\"$INIT\":\"$other\"}"
audited() { grep -F "$ns" "$COCOON_CLUSTER_DIR/log/audit.jsonl" | grep -F 'validate.cocoon.dev/findings' | grep -F "$kata.kernel"; }
eventually "and leaves the finding in the audit log" 10 audited

# ---- advice
expect_said "a tag without digest brings a warning" "has no digest: the guest resolves the tag again" try null

# ---- templates
deployment() { # deployment ANNOTATIONS
	jq -cn --arg ns "$ns" --argjson annotations "$1" '{apiVersion: "apps/v1", kind: "Deployment", metadata: {namespace: $ns, name: "web"},
		spec: {replicas: 0, selector: {matchLabels: {app: "web"}}, template: {metadata: {labels: {app: "web"}, $annotations},
		spec: {runtimeClassName: "kata-qemu-snp", containers: [{name: "app", image: "example.com/app"}]}}}}'
}
profile $p-tie "runtimeClasses: ['kata-qemu-s*'], $(only "$ns"), priority: 7, $(kbs tie)"
expect_said "a template that cannot succeed is accepted with a warning" "pods will be refused: annotation '$kata.kernel' is foreign" \
	dry "$(deployment "{\"$kata.kernel\":\"x\"}")"
finish
