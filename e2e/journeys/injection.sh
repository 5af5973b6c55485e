#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What confidential pods of every kind of workload get, and that the runtime really saw it: each sandbox's annotations
# were read by oci-check as Kata and the guest would, and its record must name the digest that the profile publishes.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

namespace pods
p=inject-$$
profile $p-snp "runtimeClasses: ['kata-qemu-sn?'], $(only "$ns"), kernelParams: ['agent.log=debug'],
	allowedKernelParams: ['agent.*'], onConflict: Keep, initData: {kbs: {url: 'https://kbs.example.com:8080'},
	agentPolicy: {inline: 'package agent_policy'}},
	annotations: {io.katacontainers.config.hypervisor.default_memory: '1024'}"
profile $p-remote "runtimeClasses: [kata-remote], $(only "$ns"), runtimeHandlerAnnotation: Omit, $(kbs remote)"
digest=$(digest_of $p-snp)

recorded() { # recorded POD DIGEST: its sandbox was accepted with this digest
	jq -es --arg ns "$ns" --arg name "$1" --arg digest "${2#*:}" \
		'map(select(.namespace == $ns and .name == $name)) | length > 0 and all(.verdict == "accepted" and .digest == $digest)' \
		"$COCOON_CLUSTER_DIR/oci-check.jsonl"
}

template() { # template APP [RESTART]: of pods
	jq -cn --arg app "$1" --arg restart "${2:-Always}" '{metadata: {labels: {app: $app}}, spec: {
		runtimeClassName: "kata-qemu-snp", restartPolicy: $restart, terminationGracePeriodSeconds: 0,
		containers: [{name: "app", image: "localhost:5000/demo/app:1", args: ["--exit"]}]}}'
}

workloads() {
	local kind spec
	for kind in Deployment StatefulSet DaemonSet Job CronJob; do
		spec="{\"template\":$(template "${kind,,}")}"
		case $kind in
		Job | CronJob) spec="{\"template\":$(template "${kind,,}" OnFailure)}" ;;
		*) spec=$(jq -c --arg app "${kind,,}" '.selector = {matchLabels: {app: $app}}' <<<"$spec") ;;
		esac
		[ $kind != CronJob ] || spec="{\"schedule\":\"* * * * *\",\"suspend\":true,\"jobTemplate\":{\"spec\":$spec}}"
		jq -cn --arg ns "$ns" --arg kind "$kind" --argjson spec "$spec" '{kind: $kind, $spec,
			apiVersion: (if $kind | endswith("Job") then "batch/v1" else "apps/v1" end),
			metadata: {namespace: $ns, name: ($kind | ascii_downcase)}}'
	done
}

workloads >"$work/workloads.json"
expect_ok "a workload of every kind is created" kubectl apply -f "$work/workloads.json"
# The clock is not waited for: the CronJob has missed its last five minutes.
need kubectl patch cronjob cronjob -n "$ns" --subresource=status --type=merge \
	-p "{\"status\":{\"lastScheduleTime\":\"$(date -u -d '5 minutes ago' +%FT%TZ)\"}}"
need kubectl patch cronjob cronjob -n "$ns" -p '{"spec":{"suspend":false}}'

begun() { # begun APP: a pod of it, in $name, whose sandbox was judged
	name=$(kubectl get pods -n "$ns" -o json | jq -er --arg app "$1" \
		'first(.items[] | select(.metadata.labels.app == $app and .spec.nodeName and .status.podIP)).metadata.name') || return 1
	echo "$name" >"$work/name"
	recorded "$name" "$digest"
}
for kind in Deployment StatefulSet DaemonSet Job CronJob; do
	eventually "a pod of the $kind starts with the profile's digest, as the runtime saw it" 30 begun "${kind,,}"
	expect_equal "and says so" "$p-snp $digest" "$(kubectl get pod -n "$ns" "$(cat "$work/name")" \
		-o jsonpath='{.metadata.annotations.cocoon\.dev/profile} {.metadata.annotations.cocoon\.dev/digest}')"
done
need kubectl delete cronjob cronjob -n "$ns"
expect_equal "the templates stay as their author wrote them" "" \
	"$(kubectl get deployment,statefulset,daemonset,job -n "$ns" -o json | jq -r '.items[].spec.template.metadata.annotations // {} | keys[]')"

# ---- what a pod gets
need create "$(pod "$ns" full kata-qemu-snp "{\"$KERNEL\":\"agent.hotplug_timeout=5\",\"example.com/mine\":\"x\"}")"
expect_ok "a pod with kernel parameters of its own runs" kubectl wait --for=condition=Ready pod/full -n "$ns" --timeout=20s
expect_equal "its kernel parameters come after the profile's" "agent.log=debug agent.hotplug_timeout=5" "$(annotation "$ns" full "$KERNEL")"
expect_equal "the profile's annotation is there" 1024 "$(annotation "$ns" full io.katacontainers.config.hypervisor.default_memory)"
expect_equal "the handler too" kata-qemu-snp "$(annotation "$ns" full "$HANDLER")"
expect_equal "its own annotation is kept" x "$(annotation "$ns" full example.com/mine)"
expect_equal "the digest is that of the document in the annotation" "$digest" \
	"sha256:$(annotation "$ns" full "$INIT" | base64 -d | gzip -dc | sha256sum | cut -d' ' -f1)"
expect_said "the container ran behind it" full kubectl logs full -n "$ns"
expect_equal "the runtime saw the kernel parameters" "agent.log=debug agent.hotplug_timeout=5" \
	"$(jq -rs --arg ns "$ns" 'last(.[] | select(.namespace == $ns and .name == "full")).kernel_params' "$COCOON_CLUSTER_DIR/oci-check.jsonl")"

need create "$(pod "$ns" kept kata-qemu-snp '{"io.katacontainers.config.hypervisor.default_memory":"2048"}')"
expect_equal "onConflict: Keep leaves an allowed annotation as the pod has it" 2048 \
	"$(annotation "$ns" kept io.katacontainers.config.hypervisor.default_memory)"

need create "$(pod "$ns" remote kata-remote)"
expect_ok "a peer pod runs" kubectl wait --for=condition=Ready pod/remote -n "$ns" --timeout=20s
expect_ok "with its profile's digest at the runtime" recorded remote "$(digest_of $p-remote)"
expect_equal "and without the handler where the profile omits it" "(none)" "$(annotation "$ns" remote "$HANDLER")"

init=$(annotation "$ns" full "$INIT")
expect_ok "a pod that brings the profile's very bytes passes" create "$(pod "$ns" same kata-qemu-snp "{\"$INIT\":\"$init\"}" "$NOWHERE")"

need create "$(pod "$ns" gated kata-qemu-snp null \
	'{"schedulingGates":[{"name":"example.com/mine"},{"name":"cocoon.dev/init-data"}],"nodeSelector":{"a":"b"}}')"
expect_equal "our gate is lifted in the request, another's stays" example.com/mine \
	"$(kubectl get pod gated -n "$ns" -o jsonpath='{.spec.schedulingGates[*].name}')"

need create "$(pod "$ns" ordinary '')"
expect_equal "a pod of no confidential class stays as it is" null \
	"$(kubectl get pod ordinary -n "$ns" -o json | jq -c '.metadata.annotations')"

# ---- the author's own document
printf 'version = "0.1.0"\nalgorithm = "sha384"\n\n[data]\n"mine.txt" = "x"\n' >"$work/mine.toml"
mine=$(gzip -nc "$work/mine.toml" | base64 -w0)
profile $p-author "runtimeClasses: [kata-qemu-tdx], $(only "$ns"), initData: {source: Author,
	allowedDigests: ['$(sha384sum "$work/mine.toml" | cut -d' ' -f1)']}"
expect_ok "a document of the author's, on the list, passes" create "$(pod "$ns" author kata-qemu-tdx "{\"$INIT\":\"$mine\"}" "$NOWHERE")"
expect_equal "and its digest is written" "sha384:$(sha384sum "$work/mine.toml" | cut -d' ' -f1)" "$(annotation "$ns" author cocoon.dev/digest)"

# ---- what people see
eventually "the profile counts its pods" 15 bash -c \
	"[ \"\$(kubectl get cprof $p-remote -o jsonpath='{.status.pods.injected}')\" = 1 ]"
finish
