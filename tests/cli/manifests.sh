#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manifests, looked at without a cluster: every overlay builds, what refers to something finds it, nobody gets more
# rights than agreed, and the webhooks are what the programs expect. Prints TAP. Needs jq and a kubectl.
# shellcheck disable=SC2016 # jq's variables
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

count=0 failures=0
work=$(mktemp -d) || exit 1
trap 'rm -rf -- "$work"' EXIT
# no server may answer, whatever the caller's environment says
export KUBECONFIG=/dev/null

kubectl=$(type -P kubectl) || kubectl=$(e2e/cluster/parts.sh 1.36 kubectl)/kubectl || {
	echo "not ok - there is no kubectl"
	exit 1
}

report() { # report STATUS NAME [WHAT WAS SEEN]
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | head -20 | sed 's/^/#   /'
	fi
}

# finds NAME OVERLAY FILTER: the filter over the array of the overlay's objects prints what is wrong
finds() {
	local wrong status=0
	wrong=$(jq -r "$3" "$work/${2//\//-}.json" 2>&1) || status=1
	[ "$status" -eq 0 ] && [ -z "$wrong" ]
	report $? "$2: $1" "$wrong"
}

build() { # build OVERLAY: as JSON in the work folder
	local json=$work/${1//\//-}.json words
	words=$({ "$kubectl" kustomize "manifests/$1" >"$work/yaml" &&
		"$kubectl" patch --local -f "$work/yaml" --type=merge -p '{}' -o json | jq -s . >"$json"; } 2>&1) &&
		[ "$(jq length "$json")" -gt 0 ]
	report $? "$1 builds" "$words"
}

overlays=()
for file in $(find manifests -name kustomization.yaml | sort); do
	file=${file#manifests/}
	overlays+=("${file%/kustomization.yaml}")
done
for overlay in "${overlays[@]}"; do
	build "$overlay"
	finds "everything carries the label that uninstall.sh looks for" "$overlay" \
		'.[] | select(.metadata.labels["app.kubernetes.io/part-of"] != "cocoon") | "\(.kind) \(.metadata.name)"'
	finds "no object is there twice" "$overlay" \
		'[.[] | "\(.kind) \(.metadata.namespace // "") \(.metadata.name)"] | group_by(.)[] | select(length > 1)[0]'
done

whole="default cert-manager webhook-less examples/private-registry"
for overlay in $whole; do
	finds "every namespace that is named is there" "$overlay" \
		'[.[] | select(.kind == "Namespace") | .metadata.name] as $there |
		.[] | .metadata.namespace // empty | select(IN($there[]) | not)'
	finds "every service account is there" "$overlay" \
		'[.[] | select(.kind == "ServiceAccount") | .metadata.name] as $there | .[] |
		(select(.kind == "Deployment") | .spec.template.spec.serviceAccountName),
		(select(.kind | endswith("RoleBinding")) | .subjects[] | select(.kind == "ServiceAccount").name) |
		select(IN($there[]) | not)'
	finds "every role that is bound is there" "$overlay" \
		'[.[] | select(.kind | IN("Role", "ClusterRole")) | .kind + "/" + .metadata.name] as $there | .[] |
		select(.kind | endswith("RoleBinding")) | .roleRef | .kind + "/" + .name | select(IN($there[]) | not)'
	finds "selectors meet the pods' labels" "$overlay" \
		'[.[] | select(.kind == "Deployment") | .spec.template.metadata.labels] as $pods | .[] |
		(select(.kind == "Service") | .spec.selector), (select(.kind == "Deployment") | .spec.selector.matchLabels),
		(select(.kind == "PodDisruptionBudget") | .spec.selector.matchLabels),
		(select(.kind == "NetworkPolicy") | .spec.podSelector.matchLabels) |
		. as $selector | select(any($pods[]; contains($selector)) | not) | tojson'
	finds "the namespace is restricted" "$overlay" \
		'.[] | select(.kind == "Namespace") | select(.metadata.labels["pod-security.kubernetes.io/enforce"] != "restricted").metadata.name'
	finds "no Secrets, and nothing of *, beyond the own namespace" "$overlay" \
		'.[] | select(.kind == "ClusterRole") | .metadata.name as $name | .rules[] |
		select((.resources + .verbs + .apiGroups | any(. == "*")) or (.resources | any(startswith("secrets")))) | "\($name): \(tojson)"'
	finds "Secrets by name, but for create" "$overlay" \
		'.[] | select(.kind == "Role") | .metadata.name as $name | .rules[] | select(.resources | index("secrets")) |
		select(.verbs != ["create"] and .resourceNames != ["cocoon-webhook-tls"]) | "\($name): \(tojson)"'
	finds "webhook configurations by name" "$overlay" \
		'.[] | select(.kind == "ClusterRole") | .rules[] | select(.apiGroups == ["admissionregistration.k8s.io"]) |
		select(.resourceNames != ["cocoon"] or (.verbs - ["get", "patch"] != [])) | tojson'
	finds "containers have no privileges" "$overlay" \
		'.[] | select(.kind == "Deployment") | .metadata.name as $name | .spec.template.spec |
		select((.securityContext | .runAsNonRoot and .runAsUser == 65532 and .seccompProfile.type == "RuntimeDefault" | not) or
		(.containers | all(.securityContext | (.allowPrivilegeEscalation == false) and .readOnlyRootFilesystem and
			.capabilities == {drop: ["ALL"]}) | not)) | $name'
	finds "containers have probes and limits" "$overlay" \
		'.[] | select(.kind == "Deployment") | .metadata.name as $name | .spec | select((.replicas != 2) or
		.strategy.rollingUpdate.maxUnavailable != 0 or (.template.spec.containers | all(.livenessProbe.httpGet.path == "/healthz"
		and .readinessProbe.httpGet.path == "/readyz" and .resources.limits.memory and .resources.requests.cpu) | not)) | $name'
done

finds "pull secrets are read by name alone, and nothing else" pull-secrets \
	'.[] | select(.kind == "Role") | .rules[] | select(.verbs != ["get"] or (.resources - ["secrets", "serviceaccounts"] != [])) | tojson'
finds "where the role goes is for who applies it" pull-secrets '.[] | select(.metadata.namespace) | .kind'

version=$(cat VERSION)
finds "the images are those that images.sh makes" default \
	'[.[] | select(.kind == "Deployment") | .spec.template.spec.containers[].image] | sort |
	select(. != ["localhost:5000/cocoon/controller:'"$version"'", "localhost:5000/cocoon/webhook:'"$version"'"]) | tojson'
finds "the images can be replaced" examples/private-registry \
	'.[] | select(.kind == "Deployment") | .spec.template.spec.containers[].image | select(startswith("registry.example.com/cocoon/") | not)'

# flags and the objects that they name
options='def options: .spec.template.spec.containers[0].args as $a |
	[range(0; $a | length; 2) | {key: $a[.], value: $a[. + 1]}] | from_entries;'
finds "the controller's flags name what is there" default "$options"'
	(.[] | select(.kind == "Service") | .metadata.name) as $service | .[] | select(.kind == "Deployment" and .metadata.name == "cocoon-controller") |
	options | select(. != {"--health-listen": "0.0.0.0:8080", "--service": $service, "--secret": "cocoon-webhook-tls",
	"--config-map": "cocoon-config", "--lease": "cocoon-controller", "--webhook-configuration": "cocoon"}) | tojson'
finds "the webhook's flags are the agreed ones" default "$options"'
	.[] | select(.kind == "Deployment" and .metadata.name == "cocoon-webhook") | options |
	select(. != {"--listen": "0.0.0.0:9443", "--health-listen": "0.0.0.0:8080", "--secret": "cocoon-webhook-tls",
	"--config-map": "cocoon-config"}) | tojson'
finds "with cert-manager the files are the mounted ones" cert-manager "$options"'
	[.[] | select(.kind == "Certificate") | .spec.secretName] as $secrets |
	.[] | select(.kind == "Deployment" and .metadata.name == "cocoon-webhook") | .spec.template.spec.volumes[0].secret.secretName as $secret |
	(.spec.template.spec.containers[0].volumeMounts[0].mountPath) as $at | options |
	select(.["--tls-cert"] != $at + "/tls.crt" or .["--tls-key"] != $at + "/tls.key" or (has("--secret")) or ($secret | IN($secrets[]) | not)) | tojson'
finds "cert-manager injects what its certificate signs" cert-manager \
	'.[] | select(.kind | endswith("WebhookConfiguration")) |
	select(.metadata.annotations["cert-manager.io/inject-ca-from"] != "cocoon-system/cocoon-webhook") | .kind'
finds "no webhook is left" webhook-less \
	'.[] | select((.kind | endswith("WebhookConfiguration")) or (.metadata.name == "cocoon-webhook")) | .kind'

# ---- the webhook configurations, field by field
hooks='[.[] | select(.kind | endswith("WebhookConfiguration")) | .metadata.name as $in | .kind as $kind | .webhooks[] | . + {in: $in, kind: $kind}] | '
finds "the webhooks are the agreed ones" default "$hooks"'map({key: .name, value: "\(.in) \(.kind[:3]) \(.clientConfig.service.path) \(.failurePolicy)"}) | from_entries |
	select(. != {"mutate.cocoon.dev": "cocoon Mut /mutate Fail", "validate.cocoon.dev": "cocoon Val /validate Fail",
	"bindings.cocoon.dev": "cocoon Val /validate Fail", "templates.cocoon.dev": "cocoon Val /templates Ignore"}) | tojson'
finds "they have these fields in common" default "$hooks"'.[] | select(.sideEffects != "None" or .timeoutSeconds != 10 or
	.matchPolicy != "Equivalent" or .admissionReviewVersions != ["v1"] or .namespaceSelector != {matchExpressions: [
	{key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system", "cocoon-system"]}]} or .objectSelector) | .name'
finds "no certificate authority is written down" default "$hooks"'.[] | select(.clientConfig.caBundle) | .name'
finds "they call the Service" default '(.[] | select(.kind == "Service")) as $s | '"$hooks"'.[] | .clientConfig.service as $c |
	select($c.name != $s.metadata.name or $c.namespace != $s.metadata.namespace or $c.port != $s.spec.ports[0].port) | .name'
finds "the mutating one is called again" default "$hooks"'.[] | select(.name == "mutate.cocoon.dev" and .reinvocationPolicy != "IfNeeded") | .name'
finds "the rules are the agreed ones" default "$hooks"'map({key: .name, value: [.rules[] | .operations[] + " " +
	(.resources[] as $r | .apiGroups[] | . + "/" + $r)] | sort | join(",")}) | from_entries | select(. != {
	"mutate.cocoon.dev": "CREATE /pods,UPDATE /pods,UPDATE /pods/ephemeralcontainers",
	"validate.cocoon.dev": "CREATE /pods,UPDATE /pods,UPDATE /pods/ephemeralcontainers,UPDATE /pods/resize,UPDATE /pods/status",
	"bindings.cocoon.dev": "CREATE /bindings,CREATE /pods/binding",
	"templates.cocoon.dev": ([("CREATE", "UPDATE") + " " + ("/replicationcontrollers", "apps/daemonsets", "apps/deployments",
		"apps/replicasets", "apps/statefulsets", "batch/cronjobs", "batch/jobs")] | sort | join(","))}) | tojson'
finds "the conditions are the agreed ones" default "$hooks"'map({key: .name, value: [.matchConditions[].name]}) | from_entries |
	select(. != {"mutate.cocoon.dev": ["confidential-class", "new-image"], "validate.cocoon.dev": ["confidential-class", "protected-change"],
	"bindings.cocoon.dev": ["protected-annotations"], "templates.cocoon.dev": ["confidential-class"]}) | tojson'

# the class names: one list in the programs, the same in every condition
classes=$(grep -o 'kata-[-a-z]*' <(sed -n '/^static const char builtin/,/^$/p' core/profile/class.c) | sort -u)
for overlay in default gate; do
	wrong=$(jq -r '.[] | .metadata.name as $n | (.webhooks // [.spec])[] | .matchConditions[]? |
		select(.name == "confidential-class") | "\($n) " + ([.expression | scan("\"(kata-[-a-z]*)\"")[]] | sort | join(" "))' \
		"$work/$overlay.json" | grep -v " ${classes//$'\n'/ }\$")
	[ -n "$classes" ] && [ -z "$wrong" ]
	report $? "$overlay: conditions name the classes that the programs know" "$wrong"
done

# one list of protected annotations as well
protected='k.startsWith("io.katacontainers.") || k == "io.containerd.cri.runtime-handler" || k.startsWith("cocoon.dev/")'
wrong=$(jq -r --arg want "$protected" '.[] | .. | strings | select(contains("io.containerd.cri.runtime-handler")) | select(contains($want) | not)' \
	"$work/policies.json")
[ -z "$wrong" ]
report $? "policies: the protected annotations are the agreed ones" "$wrong"
finds "so are the webhooks'" default "$hooks"'.[].matchConditions[] | select(.name | startswith("protected-")) |
	select(.expression | contains("'"${protected//\"/\\\"}"'") | not) | .name'

# ---- the resource definitions
finds "all definitions are there" default '[.[] | select(.kind == "CustomResourceDefinition") | .metadata.name] | sort |
	select(. != ["agentpolicies.cocoon.dev", "confidentialprofiles.cocoon.dev", "imagepolicies.cocoon.dev"]) | tojson'
finds "the definitions are structural and served" default '.[] | select(.kind == "CustomResourceDefinition") | .spec |
	select(.scope != (if .names.kind == "AgentPolicy" then "Namespaced" else "Cluster" end) or
	.names.shortNames != {AgentPolicy: ["agentpol"], ConfidentialProfile: ["cprof"], ImagePolicy: ["imgpol"]}[.names.kind] or
	.names.categories != ["coco"] or (.versions | map(select(.storage and .served and .subresources.status)) | length) != 1) | .names.kind'
finds "every rule says what is wrong in words of its own" default '.[] | select(.kind == "CustomResourceDefinition") |
	.. | objects | .["x-kubernetes-validations"]? // empty | .[] | select(.message == null) | .rule'
finds "every text, list and map of our resources is bounded" default '
	def open($at): . as $s | (if .type == "string" and (.enum or .maxLength or .format == "date-time" | not) then $at
		elif .type == "array" and (.maxItems | not) then $at
		elif .type == "object" and .additionalProperties and (.maxProperties | not) then $at else empty end),
		(.properties // {} | to_entries[] | .key as $k | .value | open($at + "." + $k)), (.items // empty | open($at + "[]"));
	.[] | select(.kind == "CustomResourceDefinition") | .spec | .names.kind as $kind | .versions[0].schema.openAPIV3Schema.properties |
	(.spec | open($kind + ".spec")), (.status | open($kind + ".status"))'
finds "the controller alone writes statuses and agent policies, and nobody the other resources" default '.[] | select(.kind | endswith("Role")) | .metadata.name as $name |
	.rules[] | select(.apiGroups == ["cocoon.dev"]) | select(
		if .resources | all(endswith("/status")) then $name != "cocoon-controller" or .verbs != ["patch"]
		elif .resources == ["agentpolicies"] then $name != "cocoon-controller"
		else .verbs - ["get", "list", "watch"] != [] end) | "\($name): \(tojson)"'

echo "1..$count"
[ "$failures" -eq 0 ]
