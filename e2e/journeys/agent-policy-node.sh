#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agent policies on a node with Kubernetes' own controllers: a Deployment, a StatefulSet and a CronJob are applied, their pods
# wait, are prepared, run, and were started with the very document that initdata-gen computes from the manifest. What
# Kubernetes adds to pods on the way makes no difference.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
PATH=${COCOON_PROGRAMS:-$root/out/release-gcc/bin}:$PATH

p=agent-node-$$
cleanup() { kubectl delete imagepolicy $p --wait=false; }
namespace pods

workloads() {
	local spec="runtimeClassName: kata-qemu-snp, terminationGracePeriodSeconds: 0, securityContext: {runAsUser: 65532, runAsGroup: 65532}, containers: [{name: app, image: 'localhost:5000/demo/app:1', imagePullPolicy: Always"
	cat >"$work/all.yaml" <<-END
		{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: $ns}, spec: {replicas: 2, selector: {matchLabels: {app: web}},
		  template: {metadata: {labels: {app: web}}, spec: {$spec, args: [web], ports: [{containerPort: 8080}],
		    env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}], volumeMounts: [{name: scratch, mountPath: /scratch}]}],
		    volumes: [{name: scratch, emptyDir: {}}]}}}}
		---
		{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: $ns}, spec: {serviceName: db, selector: {matchLabels: {app: db}},
		  template: {metadata: {labels: {app: db}}, spec: {$spec, args: [db]}]}}}}
		---
		{apiVersion: batch/v1, kind: CronJob, metadata: {name: yearly, namespace: $ns}, spec: {schedule: "0 3 1 1 *",
		  jobTemplate: {metadata: {}, spec: {template: {metadata: {labels: {app: yearly}}, spec: {restartPolicy: Never, $spec, args: [yearly]}]}}}}}}
	END
}
computed() { # at home, from a copy of the image: $work/offline
	skopeo copy --quiet --src-tls-verify=false "docker://${REGISTRY:?}/demo/app:1" "oci:$work/copy:localhost:5000/demo/app:1" &&
		initdata-gen policy --profile "$work/$p.yaml" --layout "oci:$work/copy" --output json "$work/all.yaml" >"$work/offline"
}
policies() {
	kubectl apply -f - <<-END
		{apiVersion: cocoon.dev/v1alpha1, kind: ImagePolicy, metadata: {name: $p}, spec: {match: {images: ['localhost:5000/**']},
		  registries: [{host: 'localhost:5000', mirrors: [{location: '${REGISTRY_FOR_PODS:?}', plainHTTP: true}]}]}}
	END
	kubectl wait --for=condition=ReplicasAgree "imagepolicy/$p" --timeout=30s
}
at_home() { # at_home KIND: the digest of its document
	jq -r --arg kind "$1" '.[] | select(.workload | startswith($kind + " ")) | .document' "$work/offline" | head -c -1 | sha256sum | sed 's/ .*//; s/^/sha256:/'
}
run_with() { # run_with APP COUNT DIGEST: so many of its pods run, all with that digest
	kubectl get pods -n "$ns" -l "app=$1" -o json | jq -e --argjson count "$2" --arg digest "$3" '[.items[] | select(.status.phase == "Running")] |
		length >= $count and all(.metadata.annotations["cocoon.dev/digest"] == $digest)'
}
started_with() { # started_with APP DIGEST: that is what its sandboxes were given
	jq -se --arg ns "$ns" --arg app "$1" --arg digest "${2#*:}" '[.[] | select(.namespace == $ns and (.name | startswith($app + "-")))] |
		length > 0 and all(.verdict == "accepted" and (.digest | endswith($digest)))' "$COCOON_CLUSTER_DIR/oci-check.jsonl"
}
made_once() { # made_once KIND DIGEST
	kubectl get agentpolicies -n "$ns" -o json | jq -e --arg kind "$1" --arg digest "$2" '[.items[] | select(.spec.workload.kind == $kind) | .status.digest] == [$digest]'
}

prepared policies
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), initData: {kbs: {url: 'https://kbs.example.com:8080'}, agentPolicy: {generated: {}}}"
prepared workloads
prepared computed
need kubectl apply -f "$work/all.yaml"
need kubectl create job yearly-29380860 -n "$ns" --from=cronjob/yearly # by the name that its time gives it
for each in Deployment/web/2 StatefulSet/db/1 CronJob/yearly/1; do
	IFS=/ read -r kind app pods <<<"$each"
	digest=$(at_home "$kind")
	eventually "$kind: its pods run with what is computed from the manifest" 90 run_with "$app" "$pods" "$digest"
	expect_ok "$kind: their sandboxes were started with it" started_with "$app" "$digest"
	expect_ok "$kind: there is one AgentPolicy for all of them" made_once "$kind" "$digest"
done
finish
