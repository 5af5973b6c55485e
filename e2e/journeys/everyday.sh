#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What people and their tools do all day: apply, apply again, diff, dry runs, describe, explain, metrics. An injected
# object must look settled to every one of them.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

namespace pods
p=everyday-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
digest=$(digest_of $p)

deployment() { # deployment ANNOTATIONS
	jq -cn --arg ns "$ns" --argjson annotations "${1:-null}" '{apiVersion: "apps/v1", kind: "Deployment",
		metadata: {namespace: $ns, name: "web"}, spec: {selector: {matchLabels: {app: "web"}}, template: {
		metadata: ({labels: {app: "web"}} + if $annotations then {$annotations} else {} end), spec: {runtimeClassName: "kata-qemu-snp", terminationGracePeriodSeconds: 0,
		containers: [{name: "app", image: "localhost:5000/demo/app:1", args: ["web"]}]}}}}'
}
deployment >"$work/web.json"
pod "$ns" bare kata-qemu-snp >"$work/bare.json"
pod "$ns" server kata-qemu-snp >"$work/server.json"

# ---- apply
expect_said "a Deployment is applied" "deployment.apps/web created" kubectl apply -f "$work/web.json"
expect_said "a pod is applied" "pod/bare created" kubectl apply -f "$work/bare.json"
need kubectl wait --for=condition=Available deployment/web -n "$ns" --timeout=30s
need kubectl wait --for=condition=Ready pod/bare -n "$ns" --timeout=30s
expect_said "the Deployment applied again is unchanged" "deployment.apps/web unchanged" kubectl apply -f "$work/web.json"
expect_said "the pod applied again is unchanged" "pod/bare unchanged" kubectl apply -f "$work/bare.json"
expect_ok "nothing differs for kubectl diff" kubectl diff -f "$work/web.json" -f "$work/bare.json"
expect_ok "a pod by server-side apply" kubectl apply --server-side -f "$work/server.json"
version() { kubectl get pod server -n "$ns" -o jsonpath='{.metadata.annotations}'; }
was=$(version)
expect_ok "which may be repeated" kubectl apply --server-side -f "$work/server.json"
expect_equal "and changes nothing" "$was" "$(version)"
expect_ok "nothing differs for kubectl diff --server-side" kubectl diff --server-side -f "$work/server.json"
expect_equal "the annotations have no owner among the appliers" "" "$(kubectl get pod server -n "$ns" -o json --show-managed-fields |
	jq -r --arg k "f:$INIT" '.metadata.managedFields[] | select(.operation == "Apply" and .fieldsV1["f:metadata"]["f:annotations"][$k]).manager')"
expect_said "kubectl label works on injected pods" labeled kubectl label pod bare -n "$ns" tier=x
expect_ok "kubectl scale works" kubectl scale deployment/web -n "$ns" --replicas=2
expect_ok "kubectl rollout restart works" kubectl rollout restart deployment/web -n "$ns"
expect_ok "and comes to its end" kubectl rollout status deployment/web -n "$ns" --timeout=40s
everywhere() {
	kubectl get pods -n "$ns" -l app=web -o json |
		jq -e --arg d "$digest" '[.items[] | select(.metadata.deletionTimestamp | not)] | length == 2 and all(.metadata.annotations["cocoon.dev/digest"] == $d)'
}
eventually "with injected pods only" 20 everywhere

# ---- dry runs
dry() { create "$(pod "$ns" dry kata-qemu-snp)" --dry-run=server -o json; }
expect_said "a dry run shows what the pod would get" "\"cocoon.dev/digest\": \"$digest\"" dry
expect_refused "and stores nothing" "not found" kubectl get pod dry -n "$ns"
expect_said "kubectl run, too" "$digest" kubectl run dry -n "$ns" --image=example.com/a --dry-run=server -o yaml \
	--overrides='{"spec":{"runtimeClassName":"kata-qemu-snp"}}'
webhook_pods() { kubectl get pods -n "$SYSTEM" -l app.kubernetes.io/component=webhook -o jsonpath='{.items[*].metadata.name}'; }
metric() { # metric PATTERN: its sum over the webhook's pods
	local each
	for each in $(webhook_pods); do
		kubectl get --raw "/api/v1/namespaces/$SYSTEM/pods/$each:8080/proxy/metrics"
	done | awk -v want="$1" 'index($0, want) == 1 { sum += $NF } END { print sum + 0 }'
}
injected='cocoon_webhook_reviews_total{path="mutate",outcome="injected"}'
before=$(metric "$injected")
need dry
expect_equal "dry runs are not counted" "$before" "$(metric "$injected")"
need create "$(pod "$ns" counted kata-qemu-snp null "$NOWHERE")"
expect_equal "real reviews are" $((before + 1)) "$(metric "$injected")"

# ---- templates that cannot succeed
expect_said "a Deployment with a foreign annotation is warned of" "Warning: spec.template: pods will be refused" \
	apply "$(deployment '{"io.katacontainers.config.hypervisor.kernel":"/x"}')"
failed() {
	kubectl get events -n "$ns" --field-selector reason=FailedCreate -o json |
		jq -e 'any(.items[]; .message | contains("io.katacontainers.config.hypervisor.kernel") and contains("is foreign"))'
}
eventually "its ReplicaSet says in an event why no pod comes" 20 failed
expect_equal "the running pods stay" 2 "$(kubectl get pods -n "$ns" -l app=web --field-selector=status.phase=Running -o name | wc -l)"

# ---- looking
expect_said "kubectl get cprof -o wide shows the digest" "$digest" kubectl get cprof $p -o wide
expect_said "and the reason" "in force" kubectl get cprof $p -o wide
expect_said "kubectl get coco finds profiles" "confidentialprofile.cocoon.dev/$p" kubectl get coco -o name
expect_said "kubectl describe pod names profile" "cocoon.dev/profile: $p" kubectl describe pod bare -n "$ns"
expect_said "and digest" "cocoon.dev/digest: $digest" kubectl describe pod bare -n "$ns"
for field in spec.runtimeClasses spec.namespaceSelector spec.mode spec.initData.kbs.url spec.initData.agentPolicy.configMapRef.sha256 status.digest; do
	expect_said "kubectl explain cprof.$field" "DESCRIPTION:" kubectl explain "cprof.$field"
done
expect_equal "the digest in SNP's form is the document's" "${digest#sha256:}" \
	"$(kubectl get cprof $p -o json | jq -r '.status.teeForms[] | select(.tee == "snp").hex')"
expect_equal "status and owner's tool agree on the digest" "$digest" \
	"sha256:$(annotation "$ns" bare "$INIT" | base64 -d | gzip -dc | sha256sum | cut -d' ' -f1)"

kubectl get cprof $p -o yaml >"$work/profile.yaml"
expect_equal "initdata-gen makes the very annotation from the profile" "$(annotation "$ns" bare "$INIT")" \
	"$(out/release-gcc/bin/initdata-gen create --profile "$work/profile.yaml" --form annotation 2>/dev/null)"

# ---- metrics, as a monitoring system asks for them
scrape() { kubectl get --raw "/api/v1/namespaces/$SYSTEM/pods/$1:8080/proxy/metrics"; }
for name in $(kubectl get pods -n "$SYSTEM" -l app.kubernetes.io/part-of=cocoon -o jsonpath='{.items[*].metadata.name}'); do
	expect_said "${name%-*-*} is scraped through the API server" "# TYPE cocoon_watch_events_total counter" scrape "$name"
done
leads=0
for name in $(kubectl get pods -n "$SYSTEM" -l app.kubernetes.io/component=controller -o jsonpath='{.items[*].metadata.name}'); do
	leads=$((leads + $(scrape "$name" | sed -n 's/^cocoon_controller_leads //p')))
done
expect_equal "one controller leads" 1 "$leads"

# ---- settings that cannot be read
need kubectl create configmap cocoon-config -n "$SYSTEM" --from-literal=config.yaml='unmatched: Perhaps'
settings_event() {
	kubectl get events -n "$SYSTEM" --field-selector reason=InvalidSettings -o json |
		jq -e 'any(.items[]; .message | contains("none of Deny, Warn, Allow"))'
}
eventually "settings that cannot be read are told in an event" 20 settings_event
expect_refused "and the last good ones stay in force" "no ConfidentialProfile matches" create "$(pod default nobody kata-qemu-snp)"
need kubectl delete configmap cocoon-config -n "$SYSTEM"
finish
