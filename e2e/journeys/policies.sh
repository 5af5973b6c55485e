#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The freeze and the gate without any program of ours: the shipped admission policies on a real API server. Needs
# KUBECONFIG (an administrator's), kubectl and jq on PATH, and a cluster where Cocoon itself is not running; prints
# TAP. The gate needs Kubernetes 1.36.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

count=0 failures=0
ns=journey-policies-$$
class=$ns-labelled
kata=io.katacontainers.config.hypervisor
init=$kata.cc_init_data
digest=sha256:$(printf '%064d' 7)
gate='{"name":"cocoon.dev/init-data"}'
fixed='what makes a pod confidential is fixed when it is created; delete the pod and create it anew'
# shellcheck disable=SC2034 # by name, in patch and lift
as_tenant=(--as=journey-tenant)
# shellcheck disable=SC2034
as_controller=(--as=system:serviceaccount:cocoon-system:cocoon-controller)
# shellcheck disable=SC2034
as_admin=()
gating=false
kubectl api-resources --api-group=admissionregistration.k8s.io 2>/dev/null |
	grep -q 'admissionregistration.k8s.io/v1 .* MutatingAdmissionPolicy$' && gating=true

report() { # report STATUS NAME [WHAT WAS SEEN]
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | sed 's/^/#   /'
	fi
}

kubectl() { # nothing waits for ever
	command kubectl --request-timeout=20s "$@"
}

run() { # run COMMAND…: its words in $said
	said=$("$@" 2>&1 </dev/null)
}

passes() { # passes NAME COMMAND…
	run "${@:2}"
	report $? "$1" "$said"
}

denied() { # denied NAME MESSAGE COMMAND…: by one of our policies, in these words
	if run "${@:3}"; then
		report 1 "$1" "it was accepted"
		return
	fi
	# The message is a pattern: several keys come in any order.
	# shellcheck disable=SC2053
	[[ $said == *"ValidatingAdmissionPolicy 'cocoon-"*"denied request: "$2 ]]
	report $? "$1" "$said"
}

cleanup() {
	{
		kubectl delete pods --all -n "$ns" --force --grace-period=0 --timeout=20s
		kubectl delete namespace "$ns" --wait=false
		kubectl delete runtimeclass "$class" "$class-plain"
		kubectl delete -k manifests/policies
		! $gating || kubectl delete -k manifests/gate
	} >/dev/null 2>&1
}
trap cleanup EXIT

pod() { # pod NAME ANNOTATIONS SPEC: one as JSON; the spec adds to a harmless one
	jq -cn --arg name "$1" --arg ns "$ns" --arg class "$class-plain" --argjson annotations "${2:-null}" \
		--argjson spec "${3:-null}" '{apiVersion: "v1", kind: "Pod",
		metadata: {name: $name, namespace: $ns, annotations: $annotations},
		spec: ({runtimeClassName: $class, automountServiceAccountToken: false,
			containers: [{name: "a", image: "example.com/a"}]} + ($spec // {}) | with_entries(select(.value != null)))}'
}

create() { # create POD [OPTION…]
	kubectl create "${@:2}" -f - <<<"$1"
}

makes() { # makes NAME ANNOTATIONS SPEC: the pod, or the reason why the rest makes no sense
	said=$(create "$(pod "$@")" 2>&1) || report 1 "makes the pod $1" "$said"
}

patch() { # patch WHO POD JSON [OPTION…]: a merge patch
	local -n who=as_$1
	kubectl patch pod -n "$ns" "$2" "${who[@]}" --type=merge -p "$3" "${@:4}"
}

lift() { # lift WHO POD [OPERATION…]: takes gate 0 away after other JSON patch operations
	local -n who=as_$1
	kubectl patch pod -n "$ns" "$2" "${who[@]}" --type=json \
		-p "[${3:+$3,}{\"op\":\"remove\",\"path\":\"/spec/schedulingGates/0\"}]"
}

annotate() { # annotate POD JSON
	echo "{\"metadata\":{\"annotations\":$1}}"
}

binds() { # binds PATH POD ANNOTATIONS
	jq -cn --arg name "$2" --arg ns "$ns" --argjson annotations "$3" '{apiVersion: "v1", kind: "Binding",
		metadata: {name: $name, namespace: $ns, annotations: $annotations},
		target: {apiVersion: "v1", kind: "Node", name: "nowhere"}}' |
		kubectl create --raw "/api/v1/namespaces/$ns/$1" -f -
}

# ---- the stage
said=$(kubectl apply --server-side --force-conflicts -k crds 2>&1 && kubectl apply --server-side --force-conflicts -k manifests/policies 2>&1)
report $? "the policies are accepted" "$said"
said=$(kubectl diff -k manifests/policies 2>&1)
report $? "applying them again changes nothing" "$said"
said=$(
	kubectl apply -f - 2>&1 <<-END
		{apiVersion: v1, kind: Namespace, metadata: {name: $ns}}
		---
		{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: $class-plain}, handler: plain}
		---
		apiVersion: node.k8s.io/v1
		kind: RuntimeClass
		metadata: {name: $class, labels: {cocoon.dev/confidential: "true"}}
		handler: labelled
		---
		apiVersion: rbac.authorization.k8s.io/v1
		kind: Role
		metadata: {name: everything, namespace: $ns}
		rules:
		- {apiGroups: [""], resources: [pods, pods/status, pods/ephemeralcontainers, pods/binding, bindings], verbs: ["*"]}
		- {apiGroups: [cocoon.dev], resources: ["*"], verbs: ["*"]}
		---
		apiVersion: rbac.authorization.k8s.io/v1
		kind: RoleBinding
		metadata: {name: everything, namespace: $ns}
		roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: everything}
		subjects:
		- {kind: User, name: journey-tenant, apiGroup: rbac.authorization.k8s.io}
		- {kind: ServiceAccount, name: cocoon-controller, namespace: cocoon-system}
	END
)
report $? "the stage is set" "$said"
for _ in $(seq 100); do # until the class is known to admission, and the policies are in force
	said=$(create "$(pod probe)" --dry-run=server 2>&1) &&
		! create "$(pod probe '{"cocoon.dev/profile":"x"}' '{"runtimeClassName":null}')" --dry-run=server >/dev/null 2>&1 &&
		! binds bindings probe '{"cocoon.dev/profile":"x"}' >/dev/null 2>&1 && break
	sleep 0.2
done

freeze_cases() {
	local at=(patch tenant web)
	makes web "{\"$kata.default_vcpus\":\"2\",\"$init\":\"H4sI\",\"io.containerd.cri.runtime-handler\":\"plain\",\"example.com/a\":\"1\"}"
	passes "a tenant changes labels" "${at[@]}" '{"metadata":{"labels":{"a":"b"}}}'
	passes "a tenant changes annotations of its own" "${at[@]}" "$(annotate '{"example.com/a":"2","example.com/b":"1"}')"
	passes "writing what is there already" "${at[@]}" "$(annotate "{\"$init\":\"H4sI\"}")"
	denied "a tenant changes init-data" "annotation $init cannot be set or changed: $fixed" "${at[@]}" "$(annotate "{\"$init\":\"H4sJ\"}")"
	denied "a tenant adds a Kata annotation" "annotation $kata.kernel_params cannot be set or changed: $fixed" "${at[@]}" "$(annotate "{\"$kata.kernel_params\":\"a\"}")"
	denied "a tenant removes init-data" "annotation $init cannot be removed: $fixed" "${at[@]}" "$(annotate "{\"$init\":null}")"
	denied "a tenant changes the handler" "annotation io.containerd.cri.runtime-handler cannot be set or changed: $fixed" "${at[@]}" "$(annotate '{"io.containerd.cri.runtime-handler":"runc"}')"
	denied "a tenant claims an injection" "annotation cocoon.dev/profile cannot be set or changed: $fixed" "${at[@]}" "$(annotate '{"cocoon.dev/profile":"x"}')"
	denied "a tenant goes through pods/status" "annotation $init cannot be set or changed: $fixed" "${at[@]}" "$(annotate "{\"$init\":\"H4sJ\"}")" --subresource=status
	denied "a tenant removes through pods/status" "annotation * cannot be removed: $fixed" "${at[@]}" '{"metadata":{"annotations":null}}' --subresource=status
	denied "an administrator changes init-data" "annotation $init cannot be set or changed: $fixed" patch admin web "$(annotate "{\"$init\":\"H4sJ\"}")"
	denied "the controller changes a pod that is not gated" "annotation $init cannot be set or changed: $fixed" patch controller web "$(annotate "{\"$init\":\"H4sJ\"}")"
	passes "a kubelet's status" "${at[@]}" '{"status":{"phase":"Running"}}' --subresource=status
	passes "an ephemeral container" kubectl debug -n "$ns" "${as_tenant[@]}" web --image=example.com/debug --container=debug --profile=general
	said=$(kubectl get pod -n "$ns" web -o json | jq -r '.metadata.annotations | keys | join(" ")')
	[ "$said" = "example.com/a example.com/b io.containerd.cri.runtime-handler $init $kata.default_vcpus" ]
	report $? "the pod has its annotations" "$said"
}

gate_cases() {
	local lifted='the scheduling gate cocoon.dev/init-data' body
	body="{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"$init\":\"H4sI\",\"cocoon.dev/profile\":\"p\",\"cocoon.dev/digest\":\"$digest\"}}"
	makes waits null "{\"schedulingGates\":[$gate,{\"name\":\"example.com/other\"}]}"
	denied "a tenant lifts the gate" "$lifted is lifted by the Cocoon controller alone, once the pod is what its profile says; see the pod's events for what it waits for" lift tenant waits
	denied "a tenant injects and lifts the gate" "annotation * cannot be set or changed: $fixed" lift tenant waits "$body"
	denied "an administrator lifts the gate" "$lifted is lifted by the Cocoon controller alone, once the pod is what its profile says; see the pod's events for what it waits for" lift admin waits
	denied "a tenant annotates a gated pod" "annotation $init cannot be set or changed: $fixed" patch tenant waits "$(annotate "{\"$init\":\"x\"}")"
	denied "the controller lifts the gate without injecting" "$lifted cannot be lifted while the annotation cocoon.dev/profile is missing: the pod has not been injected" lift controller waits
	denied "the controller lifts the gate with a digest of nothing" "$lifted cannot be lifted while the pod has a digest but no init-data" lift controller waits "${body/\"$init\":\"H4sI\",/}"
	denied "the controller goes through pods/status" "annotation $init cannot be set or changed: $fixed" patch controller waits "$(annotate "{\"$init\":\"x\"}")" --subresource=status
	passes "the controller annotates a gated pod" patch controller waits "$(annotate "{\"$kata.default_vcpus\":\"2\"}")"
	denied "the controller takes an annotation away again" "annotation $kata.default_vcpus cannot be removed: $fixed" patch controller waits "$(annotate "{\"$kata.default_vcpus\":null}")"
	passes "the controller corrects an annotation" patch controller waits "$(annotate "{\"$kata.default_vcpus\":\"4\"}")"
	passes "the controller injects and lifts the gate" lift controller waits "${body/\{\"$init/\{\"$kata.default_vcpus\":\"4\",\"$init}"
	passes "a tenant lifts a gate of another owner" lift tenant waits
	denied "the controller comes too late" "annotation cocoon.dev/profile cannot be set or changed: $fixed" patch controller waits "$(annotate '{"cocoon.dev/profile":"q"}')"
}

binding_cases() {
	local words='cannot be set through a Binding: it would be copied to the pod'
	makes bound
	denied "a Binding with init-data" "annotation $init $words" binds pods/bound/binding bound "{\"$init\":\"x\"}"
	denied "a Binding by the other way" "annotation cocoon.dev/profile $words" binds bindings bound '{"cocoon.dev/profile":"x"}'
	passes "a Binding with other annotations" binds pods/bound/binding bound '{"example.com/a":"copied"}'
	said=$(kubectl get pod -n "$ns" bound -o json | jq -r '.metadata.annotations["example.com/a"] + " " + .spec.nodeName')
	[ "$said" = "copied nowhere" ]
	report $? "Bindings' annotations do arrive at the pod" "$said"
}

create_cases() {
	local injected="{\"cocoon.dev/profile\":\"p\",\"cocoon.dev/digest\":\"$digest\",\"$init\":\"H4sI\"}"
	local together='annotation cocoon.dev/digest cannot be set by hand: it is written together with cocoon.dev/profile and the init-data that it is the digest of'
	passes "an injected pod" create "$(pod c "$injected")" --dry-run=server
	passes "a pod with init-data of its own behind the gate" create "$(pod c "{\"$init\":\"H4sI\"}" "{\"schedulingGates\":[$gate]}")" --dry-run=server
	denied "a gated pod that claims an injection" "annotation cocoon.dev/profile cannot be set by hand: it is written when a pod is injected, and this pod still waits for that (scheduling gate cocoon.dev/init-data)" \
		create "$(pod c '{"cocoon.dev/profile":"p"}' "{\"schedulingGates\":[$gate]}")" --dry-run=server
	denied "a pod without class that claims an injection" "annotation cocoon.dev/profile cannot be set by hand: it is written when a confidential pod is injected, and this pod has no runtimeClassName" \
		create "$(pod c '{"cocoon.dev/profile":"p"}' '{"runtimeClassName":null}')" --dry-run=server
	denied "a digest without init-data" "$together" create "$(pod c "{\"cocoon.dev/profile\":\"p\",\"cocoon.dev/digest\":\"$digest\"}")" --dry-run=server
	denied "a digest that is none" "$together" create "$(pod c "${injected/sha256:/md5:}")" --dry-run=server
	passes "an ordinary pod without class" create "$(pod c null '{"runtimeClassName":null}')" --dry-run=server
}

agent_policy() { # agent_policy WHO POLICY [OPTION…]: applies one
	local -n who=as_$1
	jq -cn --arg ns "$ns" --arg key "$(printf '%064d' 7)" --arg policy "$2" '{apiVersion: "cocoon.dev/v1alpha1", kind: "AgentPolicy",
		metadata: {name: "deployment-web", namespace: $ns}, spec: {key: $key, profile: "p",
		workload: {kind: "Deployment", name: "web"}, policy: $policy}}' |
		kubectl apply --server-side --force-conflicts "${who[@]}" "${@:3}" -f -
}

agent_policy_cases() {
	local at=(patch agentpolicy -n "$ns" deployment-web --type=merge)
	local alone='AgentPolicies are written by the Cocoon controller alone: what is to be allowed is said in the ConfidentialProfile (spec.initData.agentPolicy.generated); one that is deleted is made anew for the next pod'
	for _ in $(seq 100); do # the definition, and then the policy on it
		agent_policy controller H4sI --dry-run=server >/dev/null 2>&1 &&
			! agent_policy tenant H4sI --dry-run=server >/dev/null 2>&1 && break
		sleep 0.2
	done
	denied "a tenant writes an agent policy" "$alone" agent_policy tenant H4sI
	denied "an administrator writes one" "$alone" agent_policy admin H4sI
	passes "the controller writes one" agent_policy controller H4sI
	passes "the controller writes it again" agent_policy controller H4sJ
	denied "a tenant changes it" "$alone" kubectl "${at[@]}" "${as_tenant[@]}" -p '{"spec":{"policy":"H4sK"}}'
	denied "a tenant writes its status" "$alone" kubectl "${at[@]}" "${as_tenant[@]}" --subresource=status -p '{"status":{"digest":"'"$digest"'"}}'
	passes "the controller writes its status" kubectl "${at[@]}" "${as_controller[@]}" --subresource=status -p '{"status":{"digest":"'"$digest"'"}}'
	passes "somebody labels it" kubectl "${at[@]}" -p '{"metadata":{"labels":{"a":"b"}}}'
	passes "a tenant deletes it" kubectl delete agentpolicy -n "$ns" deployment-web "${as_tenant[@]}"
}

mutated() { # mutated NAME WANT SPEC: the gates that the stored pod would have
	said=$(create "$(pod m null "$3")" --dry-run=server -o json 2>&1)
	local got
	got=$(jq -c '[.spec.schedulingGates[]?.name]' <<<"$said" 2>/dev/null)
	[ "$got" = "$2" ]
	report $? "$1" "$said"
}

mutation_cases() {
	local labelled="\"runtimeClassName\":\"$class\""
	said=$(kubectl apply --server-side --force-conflicts -k manifests/gate 2>&1)
	report $? "the gate is accepted" "$said"
	said=$(kubectl diff -k manifests/gate 2>&1)
	report $? "applying the gate again changes nothing" "$said"
	for _ in $(seq 100); do
		create "$(pod m null "{$labelled}")" --dry-run=server -o json 2>/dev/null | grep -q cocoon.dev/init-data && break
		sleep 0.2
	done
	mutated "a pod of a labelled class is gated" '["cocoon.dev/init-data"]' "{$labelled}"
	mutated "a pod of a class that Kata installs is gated" '["cocoon.dev/init-data"]' '{"runtimeClassName":"kata-qemu-snp"}'
	mutated "other gates stay" '["example.com/other","cocoon.dev/init-data"]' "{$labelled,\"schedulingGates\":[{\"name\":\"example.com/other\"}]}"
	mutated "a gated pod is not gated twice" '["cocoon.dev/init-data"]' "{$labelled,\"schedulingGates\":[$gate]}"
	mutated "a pod of another class is not gated" '[]' '{}'
	mutated "a pod without class is not gated" '[]' '{"runtimeClassName":null}'
	said=$(create "$(pod m null "{$labelled,\"nodeName\":\"nowhere\"}")" --dry-run=server 2>&1)
	[[ $said == *"spec.nodeName"* ]]
	report $? "a pod that chooses its node is refused" "$said"
	denied "a pod that claims an injection is gated and refused" "annotation cocoon.dev/profile cannot be set by hand: *" \
		create "$(pod m '{"cocoon.dev/profile":"p"}' "{$labelled}")" --dry-run=server
}

freeze_cases
gate_cases
binding_cases
create_cases
agent_policy_cases
! $gating || mutation_cases

echo "1..$count"
[ "$failures" -eq 0 ]
