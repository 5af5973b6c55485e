#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manifests on a real API server, without the programs: they apply in one go, twice, their pods pass the restricted
# pod security standard, the roles allow what is needed and nothing else, and uninstalling leaves nothing. Needs
# KUBECONFIG (an administrator's), kubectl and jq on PATH, and a cluster where Cocoon is not installed; prints TAP.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

count=0 failures=0
ns=cocoon-system

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

# A controller manager makes service accounts, and takes namespaces away.
controllers=false
! kubectl get serviceaccount default -n default >/dev/null 2>&1 || controllers=true

gone() {
	$controllers || { # in its place
		kubectl delete --wait=false -k manifests/default
		kubectl get namespace $ns -o json | jq '.spec.finalizers = []' |
			kubectl replace --raw /api/v1/namespaces/$ns/finalize -f -
	} >/dev/null 2>&1
	manifests/uninstall.sh --timeout 20 2>&1
}
trap 'gone >/dev/null' EXIT

said=$(kubectl apply --server-side -k manifests/default 2>&1)
report $? "everything applies in one go" "$said"
said=$(kubectl apply --server-side -k manifests/default 2>&1)
report $? "and again" "$said"
said=$(kubectl diff --server-side -k manifests/default 2>&1)
report $? "with nothing left to change" "$said"

for program in webhook controller; do
	said=$(kubectl get deployment -n $ns "cocoon-$program" -o json | jq '{apiVersion: "v1", kind: "Pod",
		metadata: {name: "try", namespace: "'$ns'"}, spec: (.spec.template.spec | .automountServiceAccountToken = false)}' |
		kubectl create --dry-run=server -f - 2>&1) && [[ $said != *PodSecurity* ]]
	report $? "the $program's pods pass the restricted standard" "$said"
done

# may WHO yes|no VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAMESPACE [NAME]]: one line for the question that the API server
# is asked about all of them at once
may() {
	printf '%s\t' "$@"
	echo
}

ask() { # ask TABLE: a review for each line
	jq -Rs 'split("\n") | map(select(. != "") | split("\t")) | {apiVersion: "v1", kind: "List", items: map(
		(.[3] | capture("^(?<resource>[^./]+)([.](?<group>[^/]+))?(/(?<sub>.+))?$")) as $r | {
		apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: {
			user: ("system:serviceaccount:'$ns':cocoon-" + .[0]),
			groups: ["system:serviceaccounts", "system:serviceaccounts:'$ns'", "system:authenticated"],
			resourceAttributes: {verb: .[2], resource: $r.resource, group: ($r.group // ""), subresource: ($r.sub // ""),
				namespace: .[4], name: .[5]}}})}' <<<"$1" |
		kubectl create -f - -o json | jq '.status.allowed // false'
}

roles() {
	local who
	for who in webhook controller; do
		may $who yes watch confidentialprofiles.cocoon.dev
		may $who yes watch imagepolicies.cocoon.dev
		may $who yes watch agentpolicies.cocoon.dev
		may $who yes list runtimeclasses.node.k8s.io
		may $who yes watch namespaces
		may $who yes get secrets $ns cocoon-webhook-tls
		may $who yes watch configmaps $ns
		may $who yes create leases.coordination.k8s.io $ns
		may $who no get secrets $ns other
		may $who no list secrets $ns
		may $who no list secrets
		may $who no get configmaps default
		may $who no create pods default
		may $who no delete pods default
		may $who no patch confidentialprofiles.cocoon.dev
		may $who no patch runtimeclasses.node.k8s.io
		may $who no list validatingwebhookconfigurations.admissionregistration.k8s.io
		may $who no delete mutatingwebhookconfigurations.admissionregistration.k8s.io "" cocoon
	done
	may webhook no list pods
	may webhook yes create events.events.k8s.io default
	may webhook no get secrets default regcred
	may webhook no get serviceaccounts default default
	may webhook yes get secrets pulling regcred
	may webhook yes get serviceaccounts pulling default
	may webhook no list secrets pulling
	may webhook no watch secrets pulling
	may webhook no patch imagepolicies.cocoon.dev/status
	may webhook no create agentpolicies.cocoon.dev default
	may webhook no patch agentpolicies.cocoon.dev/status default
	may controller yes patch agentpolicies.cocoon.dev default
	may controller yes patch agentpolicies.cocoon.dev/status default
	may controller no get secrets pulling regcred
	may controller yes create agentpolicies.cocoon.dev default
	may controller no delete agentpolicies.cocoon.dev default
	may controller yes get configmaps preparing levels
	may controller yes get secrets preparing keys
	may controller yes get serviceaccounts preparing default
	may controller no list configmaps preparing
	may controller no watch secrets preparing
	may webhook no get configmaps preparing levels
	may webhook no patch pods default
	may webhook no patch secrets $ns cocoon-webhook-tls
	may webhook no get validatingwebhookconfigurations.admissionregistration.k8s.io "" cocoon
	may webhook no patch mutatingwebhookconfigurations.admissionregistration.k8s.io "" cocoon
	may webhook no patch confidentialprofiles.cocoon.dev/status
	may controller yes watch pods
	may controller yes patch pods default
	may controller yes patch secrets $ns cocoon-webhook-tls
	may controller yes create secrets $ns
	may controller no create secrets default
	may controller yes get validatingwebhookconfigurations.admissionregistration.k8s.io "" cocoon
	may controller yes patch mutatingwebhookconfigurations.admissionregistration.k8s.io "" cocoon
	may controller no patch mutatingwebhookconfigurations.admissionregistration.k8s.io "" other
	may controller yes patch confidentialprofiles.cocoon.dev/status
	may controller yes create events.events.k8s.io default
	may controller no patch pods/status default
}
kubectl create namespace pulling >/dev/null 2>&1
said=$(kubectl apply --server-side -n pulling -k manifests/pull-secrets 2>&1)
report $? "pull secrets are opened in one namespace" "$said"
kubectl create namespace preparing >/dev/null 2>&1
said=$(kubectl apply --server-side -n preparing -k manifests/agent-policies 2>&1)
report $? "what agent policies are made from is opened in another" "$said"
table=$(roles)
answers=$(ask "$table" 2>&1)
while IFS=$'\t' read -r who want verb what where name; do
	read -r allowed
	fits=0
	[ "$want $allowed" = "yes true" ] || [ "$want $allowed" = "no false" ] || fits=1
	[ "$want" = yes ] && want=may || want="may not"
	report "$fits" "the $who $want $verb $what${where:+ $where}${name:+ $name}" "$allowed"
done < <(paste -d '\n' - <(echo "$answers") <<<"$table")

# A watch of one Secret is how the certificate arrives: RBAC must see the name in the field selector.
for who in webhook controller; do
	said=$(kubectl get secrets -n $ns --field-selector metadata.name=cocoon-webhook-tls --as="system:serviceaccount:$ns:cocoon-$who" 2>&1)
	report $? "the $who may list the one Secret by its name" "$said"
done
said=$(kubectl apply --server-side --field-manager=try --as="system:serviceaccount:$ns:cocoon-controller" -f - 2>&1 <<-END
	apiVersion: admissionregistration.k8s.io/v1
	kind: MutatingWebhookConfiguration
	metadata: {name: cocoon}
	webhooks:
	- name: mutate.cocoon.dev
	  admissionReviewVersions: [v1]
	  sideEffects: None
	  clientConfig: {caBundle: $(kubectl config view --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}')}
END
)
report $? "the controller may apply the certificate authority alone" "$said"
said=$(kubectl diff --server-side -k manifests/default 2>&1)
report $? "which an upgrade leaves alone" "$said"
said=$(kubectl get flowschema cocoon-leases -o jsonpath='{.status.conditions[?(@.type=="Dangling")].status}')
[ "$said" = False ]
report $? "Leases have their own priority" "$said"

said=$(gone) && [[ $said == *"nothing of Cocoon is left"* ]]
report $? "uninstalling leaves nothing" "$said"
said=$(kubectl get roles,rolebindings -A -o name 2>&1) && [[ $said != *cocoon-pull-secrets* && $said != *cocoon-agent-policies* ]]
report $? "not even where pull secrets and others were opened" "$said"
kubectl delete namespace pulling --wait=false >/dev/null 2>&1
said=$(gone)
report $? "and may be run again" "$said"

echo "1..$count"
[ "$failures" -eq 0 ]
