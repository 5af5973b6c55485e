#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which requests the shipped webhook configurations match: copies of them under other names, for one namespace, call an
# address where nobody listens. A request that matches therefore fails, saying which webhook was to be called; one
# that does not passes. Needs KUBECONFIG (an administrator's), kubectl and jq on PATH, and a cluster where Cocoon
# itself is not running; prints TAP.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

count=0 failures=0
ns=journey-match-$$
init=io.katacontainers.config.hypervisor.cc_init_data
confidential='"runtimeClassName":"kata-qemu-snp"'

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

called() { # called WEBHOOK NAME COMMAND…
	said=$("${@:3}" 2>&1 </dev/null) && said="it passed: $said"
	[[ $said == *"failed calling webhook \"$1\""* ]]
	report $? "$1 sees $2" "$said"
}

passed() { # passed NAME COMMAND…
	said=$("${@:2}" 2>&1 </dev/null)
	report $? "nobody is asked about $1" "$said"
}

# copies POLICY WEBHOOK…: our configurations with these webhooks alone, failing as POLICY says
copies() {
	kubectl kustomize manifests/default | kubectl patch --local -f - --type=merge -p '{}' -o json |
		jq --arg ns "$ns" --arg policy "$1" '
		select(.kind | endswith("WebhookConfiguration")) | .metadata = {name: $ns} |
		.webhooks |= map(select(.name | IN($ARGS.positional[])) |
			.clientConfig = {url: "https://127.0.0.1:1/"} | .failurePolicy = $policy | .timeoutSeconds = 1 |
			.namespaceSelector = {matchLabels: {"kubernetes.io/metadata.name": $ns}}) |
		select(.webhooks != [])' --args "${@:2}" |
		kubectl apply -f -
}

without() {
	kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration "$ns" --ignore-not-found
}

cleanup() {
	{
		without
		kubectl delete pods --all -n "$ns" --force --grace-period=0
		kubectl delete namespace "$ns" --wait=false
	} >/dev/null 2>&1
}
trap cleanup EXIT

pod() { # pod NAME SPEC [ANNOTATIONS]
	jq -cn --arg name "$1" --arg ns "$ns" --argjson spec "{$2}" --argjson annotations "${3:-null}" '{apiVersion: "v1",
		kind: "Pod", metadata: {name: $name, namespace: $ns, annotations: $annotations}, spec: ({
		automountServiceAccountToken: false, containers: [{name: "a", image: "example.com/a"}]} + $spec)}'
}

create() { # create JSON [OPTION…]
	kubectl create "${@:2}" -f - <<<"$1"
}

patch() { # patch JSON [OPTION…]: the confidential pod
	kubectl patch pod -n "$ns" web --type=merge -p "$1" "${@:2}"
}

debug() { # debug NAME: an ephemeral container of the confidential pod
	kubectl debug -n "$ns" web --image=example.com/debug --container="$1" --profile=general
}

binds() { # binds POD PATH ANNOTATIONS
	jq -cn --arg name "$1" --arg ns "$ns" --argjson annotations "$3" '{apiVersion: "v1", kind: "Binding",
		metadata: {name: $name, namespace: $ns, annotations: $annotations},
		target: {apiVersion: "v1", kind: "Node", name: "nowhere"}}' |
		kubectl create --raw "/api/v1/namespaces/$ns/$2?dryRun=All" -f -
}

workload() { # workload APIVERSION KIND CLASS: one that would be made
	jq -cn --arg api "$1" --arg kind "$2" --arg ns "$ns" --arg class "$3" '
		{metadata: {labels: {a: "b"}}, spec: {containers: [{name: "a", image: "a"}],
			restartPolicy: (if $api == "batch/v1" then "Never" else "Always" end)}} as $t |
		($t | if $class == "" then . else .spec.runtimeClassName = $class end) as $t |
		{apiVersion: $api, kind: $kind, metadata: {name: "w", namespace: $ns}, spec: (
			if $kind == "CronJob" then {schedule: "0 0 * * *", jobTemplate: {spec: {template: $t}}}
			elif $kind == "Job" then {template: $t}
			elif $kind == "ReplicationController" then {selector: {a: "b"}, template: $t}
			else {selector: {matchLabels: {a: "b"}}, template: $t} end)}'
}

settle() { # settle COMMAND…: until the change of configuration has arrived, and COMMAND fails
	for _ in $(seq 50); do
		"$@" >/dev/null 2>&1 </dev/null || return 0
		sleep 0.2
	done
}

unsettle() { # until COMMAND passes
	for _ in $(seq 50); do
		"$@" >/dev/null 2>&1 </dev/null && return 0
		sleep 0.2
	done
}

# ---- the stage: a confidential pod that was stored before
said=$(kubectl create namespace "$ns" 2>&1)
report $? "the stage is set" "$said"
unsettle create "$(pod web "$confidential")" --dry-run=server
said=$(create "$(pod web "$confidential,\"schedulingGates\":[{\"name\":\"example.com/other\"}]")" 2>&1)
report $? "a confidential pod is there" "$said"

said=$(copies Fail mutate.cocoon.dev 2>&1)
report $? "the mutating webhook is accepted" "$said"
settle create "$(pod a "$confidential")" --dry-run=server
called mutate.cocoon.dev "a pod of a confidential class" create "$(pod a "$confidential")" --dry-run=server
passed "a pod without class" create "$(pod a '')" --dry-run=server
passed "an update" patch '{"metadata":{"labels":{"a":"b"}}}'
called mutate.cocoon.dev "another image" patch '{"spec":{"containers":[{"name":"a","image":"example.com/b"}]}}' --dry-run=server
called mutate.cocoon.dev "an ephemeral container" debug early
passed "a kubelet's status" patch '{"status":{"phase":"Pending","message":"y"}}' --subresource=status
without >/dev/null
unsettle create "$(pod a "$confidential")" --dry-run=server

said=$(copies Fail validate.cocoon.dev bindings.cocoon.dev 2>&1)
report $? "the validating webhooks are accepted" "$said"
settle create "$(pod a "$confidential")" --dry-run=server
called validate.cocoon.dev "a pod of a confidential class" create "$(pod a "$confidential")" --dry-run=server
passed "a pod without class" create "$(pod a '' '{"cocoon.dev/profile":"x"}')" --dry-run=server
called validate.cocoon.dev "a label" patch '{"metadata":{"labels":{"a":"c"}}}'
called validate.cocoon.dev "another image" patch '{"spec":{"containers":[{"name":"a","image":"example.com/b"}]}}' --dry-run=server
passed "an annotation that is not protected" patch '{"metadata":{"annotations":{"example.com/a":"b"}}}'
passed "a kubelet's status" patch '{"status":{"phase":"Pending","message":"x"}}' --subresource=status
called validate.cocoon.dev "an ephemeral container" debug late
for key in "$init" io.containerd.cri.runtime-handler cocoon.dev/profile; do
	called validate.cocoon.dev "annotation $key" patch "{\"metadata\":{\"annotations\":{\"$key\":\"x\"}}}"
done
called validate.cocoon.dev "an annotation by way of pods/status" patch "{\"metadata\":{\"annotations\":{\"$init\":\"x\"}}}" --subresource=status
called validate.cocoon.dev "a gate that is lifted" patch '{"spec":{"schedulingGates":null}}'
called bindings.cocoon.dev "a Binding with init-data" binds web pods/web/binding "{\"$init\":\"x\"}"
called bindings.cocoon.dev "a Binding by the other way" binds web bindings '{"cocoon.dev/profile":"x"}'
passed "the making of a plain pod" create "$(pod plain '')"
passed "a Binding without such annotations" binds plain bindings '{"example.com/a":"b"}'
without >/dev/null
unsettle create "$(pod a "$confidential")" --dry-run=server

said=$(copies Fail templates.cocoon.dev 2>&1)
report $? "the webhook for templates is accepted" "$said"
settle create "$(workload apps/v1 Deployment kata-qemu-snp)" --dry-run=server
for kind in apps/v1:{Deployment,StatefulSet,DaemonSet,ReplicaSet} batch/v1:{Job,CronJob} v1:ReplicationController; do
	called templates.cocoon.dev "a confidential ${kind#*:}" create "$(workload "${kind%:*}" "${kind#*:}" kata-qemu-snp)" --dry-run=server
	passed "another ${kind#*:}" create "$(workload "${kind%:*}" "${kind#*:}" '')" --dry-run=server
done

echo "1..$count"
[ "$failures" -eq 0 ]
