#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A tenant who may do everything with pods of one namespace, subresources included, tries to get round each protection.
# Works on the webhook's path and on the one without webhook, whichever is installed. What is refused must be refused by
# us; where Kubernetes itself drops a change, the pod must be as before.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cd "$root"

kata=io.katacontainers.config.hypervisor
gate='{"name":"cocoon.dev/init-data"}'
p=attack-$$
webhook=true
[ -n "$(kubectl get mutatingwebhookconfiguration cocoon --ignore-not-found -o name)" ] || webhook=false
other=$(printf 'version = "0.1.0"\nalgorithm = "sha256"\n\n[data]\n' | gzip -nc | base64 -w0)

tenant() { # tenant ARGUMENT…: kubectl as the attacker
	command kubectl --kubeconfig "$COCOON_CLUSTER_DIR/tenant-a.kubeconfig" --request-timeout=30s "$@"
}

sends() { # sends VERB OBJECT [OPTION…]
	tenant "$1" "${@:3}" -f - <<<"$2"
}

# ---- the stage -------------------------------------------------------------------------------------------------
namespace other
elsewhere=$ns
namespace tenant
rights() {
	kubectl apply -f - <<-END
		{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: edit, namespace: $ns},
		  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit},
		  subjects: [{kind: User, name: tenant-a, apiGroup: rbac.authorization.k8s.io}]}
		---
		{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: pods, namespace: $ns},
		  rules: [{apiGroups: [""], resources: [pods, pods/status, pods/binding, pods/resize, pods/ephemeralcontainers, bindings], verbs: ["*"]}]}
		---
		{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: pods, namespace: $ns},
		  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pods},
		  subjects: [{kind: User, name: tenant-a, apiGroup: rbac.authorization.k8s.io}]}
	END
}
need rights
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
profile $p-other "runtimeClasses: ['kata-*'], $(only "$elsewhere"), mode: Audit, priority: 1000, $(kbs other)"
need await 20 tenant auth can-i create pods/binding -n "$ns"

# A pod that waits behind the gate, since no profile fits it. With the webhook only an outage leaves one behind.
gated() { create "$(pod "$ns" gated kata-qemu-tdx null "{\"schedulingGates\":[$gate]}")"; }
if $webhook; then
	kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration cocoon -o json | jq \
		'del(.items[].metadata | .resourceVersion, .uid, .creationTimestamp, .generation, .managedFields)' >"$work/saved"
	cleanup() { kubectl apply --server-side --force-conflicts -f "$work/saved"; }
	need kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration cocoon
	need await 20 gated
	need kubectl apply --server-side --force-conflicts -f "$work/saved"
	guarded() { ! create "$(pod "$ns" try kata-qemu-tdx)" --dry-run=server; }
	need await 20 guarded
else
	need await 20 gated
fi
need create "$(pod "$ns" web kata-qemu-snp null "$NOWHERE")"
injected() { [ "$(annotation "$ns" "$1" cocoon.dev/profile)" = $p ]; }
eventually "the tenant's own pod is injected" 10 injected web

look() { kubectl get pod "$1" -n "$ns" -o json | jq -Sc '[.metadata.annotations, .spec.runtimeClassName, .spec.schedulingGates, .spec.nodeName]'; }
web_before=$(look web)
gated_before=$(look gated)

# ---- what an attack must come to -------------------------------------------------------------------------------

refused() { # refused NAME COMMAND…: by us, whichever way
	local status=1
	run "${@:2}" || status=0
	[[ $said == *"webhook \"validate.cocoon.dev\" denied"* || $said == *"webhook \"bindings.cocoon.dev\" denied"* ||
		$said == *"ValidatingAdmissionPolicy 'cocoon-"*" denied"* ]] || status=1
	check "$status" "$1" "$said"
}

forbidden() { # forbidden NAME ARGUMENT…: not within the tenant's rights
	expect_refused "$1" "cannot" tenant "${@:2}"
}

waits() { # waits POD: it is behind the gate, and an event says why
	kubectl get pod "$1" -n "$ns" -o jsonpath='{.spec.schedulingGates[*].name}' | grep 'cocoon.dev/init-data' &&
		kubectl get events -n "$ns" --field-selector "involvedObject.name=$1,reason=Waiting" -o name | grep event
}

never_runs() { # never_runs NAME ANNOTATIONS [SPEC]: refused, or where nobody judges at creation, held for good
	local name=never-$count
	if ! $webhook && run sends create "$(pod "$ns" "$name" kata-qemu-snp "$2" "${3:-null}")"; then
		eventually "$1" 10 waits "$name"
	else
		refused "$1" sends create "$(pod "$ns" "$name" kata-qemu-snp "$2" "${3:-null}")"
	fi
}

# ---- at creation -----------------------------------------------------------------------------------------------
for key in $kata.{kernel,image,initrd,firmware,path,virtio_fs_extra_args,enable_annotations} io.katacontainers.config_path \
	io.katacontainers.config.agent.policy io.katacontainers.config.runtime.sandbox_cgroup_only; do
	never_runs "a pod with $key never runs" "{\"$key\":\"/tmp/evil\"}"
done
never_runs "nor one with a document of its own" "{\"$INIT\":\"$other\"}"
never_runs "with an empty document" "{\"$INIT\":\"\"}"
never_runs "with kernel parameters" "{\"$KERNEL\":\"agent.debug_console\"}"
never_runs "with another handler" "{\"$HANDLER\":\"runc\"}"
never_runs "one that says it was injected" "{\"cocoon.dev/profile\":\"$p-other\",\"cocoon.dev/digest\":\"sha256:$(printf '%064d' 0)\"}"
never_runs "one that names another's profile" "{\"cocoon.dev/profile\":\"$p-other\"}"
if $webhook; then
	need sends create "$(pod "$ns" placed kata-qemu-snp null '{"nodeName":"nowhere"}')"
	expect_ok "a pod that names its node is injected all the same" injected placed
	need sends create "$(pod "$ns" hasty kata-qemu-snp null "{\"schedulingGates\":[$gate],\"nodeName\":\"nowhere\"}")"
	expect_ok "as is one that carries the gate besides" injected hasty
else
	expect_refused "a pod cannot name its node" "cannot be set until all schedulingGates have been cleared" \
		sends create "$(pod "$ns" placed kata-qemu-snp null '{"nodeName":"nowhere"}')"
fi
need sends create "$(jq -c '.metadata.labels = {tenant: "other", "kubernetes.io/metadata.name": "'"$elsewhere"'"}' \
	<<<"$(pod "$ns" labelled kata-qemu-snp null "$NOWHERE")")"
eventually "labels do not win another namespace's profile" 10 injected labelled

# ---- afterwards, an injected pod -------------------------------------------------------------------------------
for key in "$INIT" "$HANDLER" cocoon.dev/profile cocoon.dev/digest; do
	refused "$key cannot be changed" tenant annotate pod web -n "$ns" --overwrite "$key=x"
	refused "$key cannot be removed" tenant annotate pod web -n "$ns" "$key-"
done
for key in $kata.{kernel,kernel_params,default_vcpus} io.katacontainers.config.agent.policy io.katacontainers.config_path cocoon.dev/mine; do
	refused "$key cannot come later" tenant annotate pod web -n "$ns" "$key=x"
done
refused "all annotations cannot be dropped" tenant patch pod web -n "$ns" --type=json -p '[{"op":"remove","path":"/metadata/annotations"}]'
refused "nor replaced with the pod" sends replace "$(kubectl get pod web -n "$ns" -o json | jq -c --arg k "$INIT" '.metadata.annotations[$k] = "x"')"
refused "nor applied over" sends apply "$(pod "$ns" web kata-qemu-snp "{\"$INIT\":\"$other\"}" "$NOWHERE")" --server-side --force-conflicts
refused "nor changed beside something harmless" tenant patch pod web -n "$ns" -p "{\"metadata\":{\"labels\":{\"a\":\"b\"},\"annotations\":{\"$INIT\":null}}}"
refused "nor by way of pods/status" tenant patch pod web -n "$ns" --subresource=status -p "{\"metadata\":{\"annotations\":{\"$INIT\":\"$other\"}}}"
refused "pods/status cannot add one" tenant patch pod web -n "$ns" --subresource=status -p "{\"metadata\":{\"annotations\":{\"$kata.kernel\":\"x\"}}}"
run tenant patch pod web -n "$ns" --subresource=resize \
	-p "{\"metadata\":{\"annotations\":{\"$INIT\":\"$other\"}},\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{\"limits\":{\"cpu\":\"2\"}}}]}}" || true
expect_equal "pods/resize changes none" "$web_before" "$(look web)"
run tenant patch pod web -n "$ns" --subresource=ephemeralcontainers \
	-p "{\"metadata\":{\"annotations\":{\"$INIT\":\"$other\"}},\"spec\":{\"ephemeralContainers\":[{\"name\":\"debug\",\"image\":\"example.com/a\"}]}}" || true
expect_equal "pods/ephemeralcontainers changes none" "$web_before" "$(look web)"
run tenant label pod web -n "$ns" app=another tenant=b || true
expect_equal "a label changes none" "$web_before" "$(look web)"
expect_refused "the class cannot change" "pod updates may not change fields" \
	tenant patch pod web -n "$ns" -p '{"spec":{"runtimeClassName":"kata-remote"}}'

binding() { # binding PATH POD ANNOTATIONS
	jq -cn --arg name "$2" --arg ns "$ns" --argjson annotations "$3" '{apiVersion: "v1", kind: "Binding",
		metadata: {name: $name, namespace: $ns, annotations: $annotations}, target: {apiVersion: "v1", kind: "Node", name: "nowhere"}}' |
		tenant create --raw "/api/v1/namespaces/$ns/$1" -f -
}
refused "a Binding cannot bring a document" binding pods/web/binding web "{\"$INIT\":\"$other\"}"
refused "nor a kernel, by the other way" binding bindings web "{\"$kata.kernel\":\"x\"}"
refused "nor a configuration file" binding bindings web '{"io.katacontainers.config_path":"x"}'
expect_equal "after all this the pod is as before" "$web_before" "$(look web)"

# ---- a pod behind the gate -------------------------------------------------------------------------------------
lift='{"op":"remove","path":"/spec/schedulingGates/0"}'
refused "the gate cannot be taken away" tenant patch pod gated -n "$ns" --type=json -p "[$lift]"
refused "nor with a document" tenant patch pod gated -n "$ns" --type=json \
	-p "[$lift,{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"$INIT\":\"$other\",\"cocoon.dev/profile\":\"$p\"}}]"
refused "nor with the annotations of an injected pod" tenant patch pod gated -n "$ns" --type=json \
	-p "[$lift,{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":$(jq -c '.[0]' <<<"$web_before")}]"
refused "nor by emptying the list" tenant patch pod gated -n "$ns" --type=merge -p '{"spec":{"schedulingGates":null}}'
refused "annotations cannot be set meanwhile" tenant annotate pod gated -n "$ns" "$INIT=$other"
refused "nor by way of pods/status" tenant patch pod gated -n "$ns" --subresource=status \
	-p "{\"metadata\":{\"annotations\":{\"cocoon.dev/profile\":\"$p\"}}}"
refused "nor by a Binding" binding pods/gated/binding gated "{\"$INIT\":\"$other\"}"
expect_refused "it cannot be bound to a node" "" binding pods/gated/binding gated null
expect_equal "it waits as before" "$gated_before" "$(look gated)"

# ---- around the pods -------------------------------------------------------------------------------------------
forbidden "no profile of the tenant's own" create -f "$work/$p.yaml"
forbidden "no change of a profile" patch cprof $p --type=merge -p '{"spec":{"mode":"Audit"}}'
forbidden "nor of its status" patch cprof $p --subresource=status --type=merge -p '{"status":{"digest":"sha256:00"}}'
forbidden "no look at other profiles" get cprof
for kind in mutatingwebhookconfiguration validatingwebhookconfiguration; do
	forbidden "no change of the $kind" patch $kind cocoon --type=json -p '[{"op":"remove","path":"/webhooks/0"}]'
	forbidden "no end of it" delete $kind cocoon
done
for kind in validatingadmissionpolicybinding/cocoon-freeze crd/confidentialprofiles.cocoon.dev runtimeclass/kata-qemu-snp; do
	forbidden "no end of $kind" delete $kind
done
forbidden "no label on the class" label runtimeclass kata-qemu-snp cocoon.dev/confidential=false
echo '{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: mine}, handler: kata-qemu-snp}' >"$work/class.yaml"
forbidden "no class of the tenant's own" create -f "$work/class.yaml"
forbidden "no label on the namespace" label namespace "$ns" kubernetes.io/metadata.name=kube-system --overwrite
forbidden "no look at the certificates" get secret cocoon-webhook-tls -n "$SYSTEM"
forbidden "no settings" create configmap cocoon-config -n "$SYSTEM" --from-literal=config.yaml='unmatched: Allow'
forbidden "no Lease" delete lease cocoon-controller -n "$SYSTEM"
forbidden "no token of the controller" create token cocoon-controller -n "$SYSTEM"
forbidden "no acting in its name" patch pod gated -n "$ns" --as="system:serviceaccount:$SYSTEM:cocoon-controller" -p '{}'
finish
