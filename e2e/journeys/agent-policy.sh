#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agent policies that the cluster makes: pods of every kind of workload, as their controllers make them, wait behind the
# gate, are prepared and completed, and what they get is what initdata-gen computes from the workloads' manifests, byte for
# byte. Then images that change, registries that are away, pods that cannot be expressed, tenants who would write policies,
# and a controller that dies in between. No pod has to run for it. Needs webhook and controller as processes
# (e2e/hosted.sh).
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=../images.sh
. "$root/e2e/images.sh"
# shellcheck source=../image-policies.sh
. "$root/e2e/image-policies.sh"
PATH=$programs:$PATH

p=agent-$$
cleanup() {
	policies_go
	kubectl delete -f "$root/manifests/policies/agent-policies.yaml" --ignore-not-found
	kubectl delete agentpolicies -n "$ns" --all
}

# ---- images and manifests ----------------------------------------------------------------------------------------

images() {
	local name
	for name in one two; do
		tree_tar "$work/$name.tar" "$name=1" && gzip -nc "$work/$name.tar" >"$work/$name.tgz" || return 1
		image "$work/$name" "$work/$name.tgz=$GZIP" || return 1
	done
	copy one app:1 && copy two app:2 && copy two side:1 && copy one init:1
}

workloads() { # one manifest of all kinds, and what their values come from
	cat >"$work/config.yaml" <<-END
		{apiVersion: v1, kind: ConfigMap, metadata: {name: levels, namespace: $ns}, immutable: true, data: {LEVEL: debug, COLOUR: blue}}
		---
		{apiVersion: v1, kind: ConfigMap, metadata: {name: moods, namespace: $ns}, data: {MOOD: calm}}
	END
	cat >"$work/web.yaml" <<-END
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: web, namespace: $ns}
		spec:
		  replicas: 3
		  selector: {matchLabels: {app: web}}
		  template:
		    metadata: {labels: {app: web, tier: front}, annotations: {example.com/team: shop}}
		    spec:
		      runtimeClassName: kata-qemu-snp
		      initContainers:
		      - {name: first, image: "$shop/init:1", command: [/app, --prepare]}
		      - {name: beside, image: "$shop/side:1", restartPolicy: Always}
		      containers:
		      - name: app
		        image: $shop/app:1
		        args: [serve, --name=\$(NAME)]
		        env:
		        - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
		        - {name: TIER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
		        envFrom: [{configMapRef: {name: levels}}]
		        ports: [{containerPort: 8080}]
		        resources: {limits: {memory: 64Mi}}
		        livenessProbe: {exec: {command: [/app, --alive]}}
		        volumeMounts: [{name: all, mountPath: /etc/all, readOnly: true}, {name: scratch, mountPath: /scratch}]
		      volumes:
		      - name: all
		        projected:
		          sources:
		          - configMap: {name: levels}
		          - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
		          - serviceAccountToken: {path: token, audience: shop}
		      - {name: scratch, emptyDir: {}}
	END
	cat >"$work/others.yaml" <<-END
		apiVersion: apps/v1
		kind: StatefulSet
		metadata: {name: db, namespace: $ns}
		spec:
		  serviceName: db
		  selector: {matchLabels: {app: db}}
		  template:
		    metadata: {labels: {app: db}}
		    spec:
		      runtimeClassName: kata-qemu-snp
		      containers:
		      - {name: app, image: "$shop/app:1", volumeMounts: [{name: data, mountPath: /data}]}
		  volumeClaimTemplates:
		  - metadata: {name: data}
		    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
		---
		apiVersion: batch/v1
		kind: Job
		metadata: {name: once, namespace: $ns}
		spec:
		  template:
		    spec:
		      runtimeClassName: kata-qemu-snp
		      restartPolicy: Never
		      containers: [{name: app, image: "$shop/app:1", args: [once], envFrom: [{configMapRef: {name: moods}}]}]
		---
		apiVersion: batch/v1
		kind: CronJob
		metadata: {name: nightly, namespace: $ns}
		spec:
		  schedule: "0 3 * * *"
		  jobTemplate:
		    spec:
		      template:
		        spec:
		          runtimeClassName: kata-qemu-snp
		          restartPolicy: OnFailure
		          containers: [{name: app, image: "$shop/app:1", args: [nightly]}]
	END
	cat >"$work/alone.yaml" <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: alone, namespace: $ns}
		spec:
		  runtimeClassName: kata-qemu-snp
		  containers: [{name: app, image: "$shop/app:1", args: [alone]}]
	END
}

offline() { # offline FILE: what the owner computes at home, [{"workload", "annotation", "digests"}] in $work/offline
	initdata-gen policy --profile "$work/$p.yaml" --insecure-registry "$registry" --config-file "$work/config.yaml" \
		--output json "$1" >"$work/offline" 2>"$work/offline.err" || {
		cat "$work/offline.err"
		return 1
	}
}
at_home() { # at_home KIND: the annotation of the workload of that kind
	jq -r --arg kind "$1" '.[] | select(.workload | test("^" + $kind + "\\b|\\b" + $kind + "\\b")) | .annotation' "$work/offline"
}

# ---- what controllers make ---------------------------------------------------------------------------------------

# The token's volume as the API server adds it to pods where accounts are, under a name of its own each time.
# shellcheck disable=SC2016 # names of jq
readonly ACCOUNT='
	"kube-api-access-\($token)" as $volume | .spec.serviceAccountName = "default" |
	.spec.volumes += [{name: $volume, projected: {defaultMode: 420, sources: [
		{serviceAccountToken: {expirationSeconds: 3607, path: "token"}},
		{configMap: {name: "kube-root-ca.crt", items: [{key: "ca.crt", path: "ca.crt"}]}},
		{downwardAPI: {items: [{path: "namespace", fieldRef: {apiVersion: "v1", fieldPath: "metadata.namespace"}}]}}]}}] |
	(.spec.containers, (.spec | select(.initContainers).initContainers)) |= map(.volumeMounts += [
		{name: $volume, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount"}])'

owned_by() { # owned_by KIND/NAME: as a reference
	kubectl get "$1" -n "$ns" -o json | jq -c '{apiVersion, kind, name: .metadata.name, uid: .metadata.uid, controller: true, blockOwnerDeletion: true}'
}
replica_set() { # replica_set HASH: of the Deployment as it is now
	kubectl get deployment web -n "$ns" -o json | jq -c --arg hash "$1" --argjson owner "$(owned_by deployment/web)" '
		{apiVersion: "apps/v1", kind: "ReplicaSet", metadata: {name: "web-\($hash)", namespace: .metadata.namespace, ownerReferences: [$owner],
			labels: (.spec.template.metadata.labels + {"pod-template-hash": $hash})},
		spec: {replicas: 3, selector: {matchLabels: (.spec.selector.matchLabels + {"pod-template-hash": $hash})},
			template: (.spec.template | .metadata.labels["pod-template-hash"] = $hash)}}' | kubectl create -f -
}
pod_of() { # pod_of KIND/NAME [FILTER]: one pod of that owner's template
	kubectl get "$1" -n "$ns" -o json | jq -c --argjson owner "$(owned_by "$1")" --arg token "$(printf '%05x' "$SRANDOM" | tail -c 5)" '
		{apiVersion: "v1", kind: "Pod", metadata: ((.spec.template.metadata // {}) + {namespace: .metadata.namespace,
			generateName: "\(.metadata.name)-", ownerReferences: [$owner]}), spec: .spec.template.spec} | '"${2:-.} | $ACCOUNT"
}
stored() { kubectl create -f "$work/pod" -o json >"$work/made"; }
start() { # start OBJECT: the pod exists; its name is $made, and how it came out of admission $work/made
	printf '%s' "$1" >"$work/pod"
	need stored
	made=$(jq -r .metadata.name "$work/made")
}
start_pod() { # start_pod KIND/NAME [FILTER]: one of that owner's
	start "$(pod_of "$@")"
}
start_job() { # start_job: the CronJob's, as of one minute; its name is $job
	job=nightly-29380860
	kubectl get cronjob nightly -n "$ns" -o json | jq -c --arg name $job --argjson owner "$(owned_by cronjob/nightly)" '
		{apiVersion: "batch/v1", kind: "Job", metadata: {name: $name, namespace: .metadata.namespace, ownerReferences: [$owner]},
		spec: .spec.jobTemplate.spec}' | kubectl create -f -
}

waits() { # waits FILE: behind the gate, without init-data
	jq -e --arg key "$INIT" '.metadata.annotations[$key] == null and any(.spec.schedulingGates[]?; .name == "cocoon.dev/init-data")' "$1"
}
completed() { # completed POD
	kubectl get pod "$1" -n "$ns" -o json | jq -e --arg key "$INIT" '.metadata.annotations[$key] != null and
		all(.spec.schedulingGates[]?; .name != "cocoon.dev/init-data")'
}
policies_of() { # policies_of KIND NAME: its AgentPolicies
	kubectl get agentpolicies -n "$ns" -o json | jq -c --arg kind "$1" --arg name "$2" '[.items[] | select(.spec.workload == {$kind, $name})]'
}
told() { # told POD REASON PART: an Event says so
	kubectl get events.events.k8s.io -n "$ns" -o json | jq -e --arg pod "$1" --arg reason "$2" --arg part "$3" 'any(.items[];
		.regarding.name == $pod and .reason == $reason and (.note | contains($part)))'
}

document() { # document ANNOTATION
	base64 -d <<<"$1" | gzip -dc
}
expect_same() { # expect_same NAME WANTED SEEN: annotations; where they differ, how their documents do
	local status=0
	[ "$2" = "$3" ] && [ -n "$2" ] || status=1
	check "$status" "$1" "$(diff <(document "$2") <(document "$3") | cut -c1-300)"
}
follow_pod() { # follow_pod KIND NAME POD: it waited; it is completed, and all say the same of it
	local digest
	expect_ok "$1: its pod waits behind the gate" waits "$work/made"
	eventually "$1: it is completed" 15 completed "$3"
	expect_same "$1: with what is computed from the manifest" "$(at_home "$1")" "$(annotation "$ns" "$3" "$INIT")"
	digest=$(annotation "$ns" "$3" cocoon.dev/digest)
	expect_equal "$1: one AgentPolicy has that digest in its status" "[\"$digest\"]" "$(policies_of "$1" "$2" | jq -c 'map(.status.digest)')"
	expect_equal "$1: it is the document's" "$digest" \
		"$(document "$(annotation "$ns" "$3" "$INIT")" | sum_of /dev/stdin)"
	eventually "$1: an Event tells it" 10 told "$3" AgentPolicyPrepared "$digest"
}

registry
shop=$registry/shop
prepared images
namespace pods
policies $p "match: {images: ['$shop/**', '127.0.0.1:1/**']}, registries: [{host: '$registry', plainHTTP: true}, {host: '127.0.0.1:1', plainHTTP: true}]"
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), initData: {kbs: {url: 'https://kbs.example.com:8080'}, agentPolicy: {generated: {}}}"
prepared workloads
computed() { sed -s '$a---' "$work"/{web,others,alone}.yaml >"$work/all.yaml" && offline "$work/all.yaml"; }
prepared computed
need kubectl apply -f "$work/config.yaml" -f "$work/web.yaml" -f "$work/others.yaml"

# ---- what values come from -----------------------------------------------------------------------------------------

start_pod job/once
expect_ok "Job: its pod waits behind the gate" waits "$work/made"
eventually "the controller may read no ConfigMaps, and says what to apply" 15 told "$made" AgentPolicyFailed \
	"the controller may not read ConfigMap $ns/moods: apply manifests/agent-policies to namespace $ns"
need kubectl apply --server-side -n "$ns" -k "$root/manifests/agent-policies"
follow_pod Job once "$made"
expect_equal "a ConfigMap that may change is noted" 1 \
	"$(policies_of Job once | jq '.[0].status.notes | map(select(test("ConfigMap moods is not immutable"))) | length')"

# ---- every kind of workload --------------------------------------------------------------------------------------

need replica_set 5d4f8c7b9
start_pod replicaset/web-5d4f8c7b9
follow_pod Deployment web "$made"
first=$(annotation "$ns" "$made" "$INIT")
start_pod replicaset/web-5d4f8c7b9
expect_same "its second replica gets the same" "$first" "$(jq -r --arg key "$INIT" '.metadata.annotations[$key]' "$work/made")"
expect_equal "and need not wait" null "$(jq -c .spec.schedulingGates "$work/made")"
start_pod replicaset/web-5d4f8c7b9
expect_equal "nor its third; there is one AgentPolicy for all" 1 "$(policies_of Deployment web | jq length)"
expect_equal "which goes with the ReplicaSet" ReplicaSet/web-5d4f8c7b9 \
	"$(policies_of Deployment web | jq -r '.[0].metadata.ownerReferences | map("\(.kind)/\(.name)") | join(" ")')"
expect_equal "and names the images" "$shop/init:1 $shop/side:1 $shop/app:1" \
	"$(policies_of Deployment web | jq -r '.[0].spec.images | map(.name) | join(" ")')"

start_pod statefulset/db '.metadata += {name: "db-0", generateName: "db-"} |
	.metadata.labels += {"statefulset.kubernetes.io/pod-name": "db-0", "apps.kubernetes.io/pod-index": "0", "controller-revision-hash": "db-6c5b7d9f4"} |
	.spec += {hostname: "db-0", subdomain: "db"} | .spec.volumes += [{name: "data", persistentVolumeClaim: {claimName: "data-db-0"}}]'
follow_pod StatefulSet db "$made"

need start_job
start_pod job/nightly-29380860
follow_pod CronJob nightly "$made"

cp "$work/alone.yaml" "$work/pod"
need stored
follow_pod Pod alone alone

# ---- another image -------------------------------------------------------------------------------------------------

need kubectl set image deployment/web -n "$ns" app="$shop/app:2"
sed "s|image: $shop/app:1|image: $shop/app:2|" "$work/web.yaml" >"$work/web-2.yaml"
prepared_again() { offline "$work/web-2.yaml"; }
prepared prepared_again
need replica_set 7b9c66d5f4
start_pod replicaset/web-7b9c66d5f4
expect_ok "a changed image: the pod waits" waits "$work/made"
eventually "a changed image: it is completed" 15 completed "$made"
expect_same "with what is computed from the changed manifest" "$(at_home Deployment)" "$(annotation "$ns" "$made" "$INIT")"
expect_equal "which is another digest, beside the first" "2 2" \
	"$(policies_of Deployment web | jq -r 'length as $count | "\($count) \(map(.status.digest) | unique | length)"')"
start_pod replicaset/web-5d4f8c7b9
expect_same "rolled back, a pod need not wait" "$first" "$(jq -r --arg key "$INIT" '.metadata.annotations[$key]' "$work/made")"

# ---- another document of the profile ---------------------------------------------------------------------------------

profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), initData: {kbs: {url: 'https://other.example.com:8080'}, agentPolicy: {generated: {}}}"
prepared computed
start_pod replicaset/web-5d4f8c7b9
expect_same "a profile that changes is in what pods get at once" "$(at_home Deployment)" \
	"$(jq -r --arg key "$INIT" '.metadata.annotations[$key]' "$work/made")"
digest=$(jq -r '.metadata.annotations["cocoon.dev/digest"]' "$work/made")
has_digest() { policies_of Deployment web | jq -e --arg digest "$digest" 'any(.[]; .status.digest == $digest and .status.profileGeneration == 2)'; }
eventually "and soon in the status of its AgentPolicy" 10 has_digest

# ---- what cannot be prepared -----------------------------------------------------------------------------------------

confidential() { # confidential NAME CONTAINER [SPEC]: a pod of one container, whose members add to the least
	pod "$ns" "$1" kata-qemu-snp null "$(jq -cn --argjson c "$2" --argjson more "${3:-null}" --arg image "$shop/app:1" '
		{containers: [{name: "app", $image} + $c]} + ($more // {})')"
}
for name in away-1 away-2 away-3 away-4 away-5; do
	need create "$(confidential $name "{\"image\": \"127.0.0.1:1/shop/app:1\", \"args\": [\"$name\"]}")"
done
need create "$(confidential swift '{"args": ["swift"]}')"
eventually "pods whose registry is away keep nobody waiting" 10 completed swift
eventually "an Event names the image and why" 20 told away-1 AgentPolicyFailed 'image "127.0.0.1:1/shop/app:1": '
need create "$(confidential lost "{\"image\": \"$shop/nothing:1\"}")"
eventually "an image that is not there" 20 told lost AgentPolicyFailed "image \"$shop/nothing:1\": "
need create "$(confidential mapless '{"envFrom": [{"configMapRef": {"name": "nowhere"}}], "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "a"}}}]}')"
eventually "a ConfigMap that is not there, with its place" 20 told mapless AgentPolicyFailed "spec.containers[0].envFrom[0]: "
expect_ok "and the other one, too" told mapless AgentPolicyFailed "spec.containers[0].env[0]: "
for name in away-1 lost mapless; do
	kubectl get pod $name -n "$ns" -o json >"$work/pod"
	expect_ok "$name goes on waiting" waits "$work/pod"
done
expect_refused "what no policy can express is refused at once, with its place" "spec.containers[0].volumeMounts[0]: " \
	create "$(confidential deep '{"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "below"}]}' '{"volumes": [{"name": "v", "emptyDir": {}}]}')"

need kubectl set image pod/lost -n "$ns" app="$shop/app:2"
eventually "a pod that waits is looked at again when its image changes" 10 completed lost
expect_equal "with a policy for the image that it has now" "[\"$shop/app:2\"]" \
	"$(policies_of Pod lost | jq -c 'map(.spec.images[].name)')"
confidential dry '{"args": ["dry"]}' >"$work/pod"
need kubectl create --dry-run=server -f "$work/pod"

# ---- another profile of the same options --------------------------------------------------------------------------------

profile $p-2 "runtimeClasses: [kata-qemu-snp], $(only "$ns"), priority: 7, initData: {kbs: {url: 'https://third.example.com:8080'}, agentPolicy: {generated: {}}}"
start_pod replicaset/web-7b9c66d5f4
expect_ok "another profile wins: the pod waits for its policy" waits "$work/made"
eventually "and gets it" 15 completed "$made"
expect_equal "there is one for each profile, with its own digest" "[\"$p\",\"$p-2\"] 2" \
	"$(policies_of Deployment web | jq -r --arg image "$shop/app:2" 'map(select(any(.spec.images[]; .name == $image))) |
		"\(map(.spec.profile) | sort | tojson) \(map(.status.digest) | unique | length)"')"
need kubectl delete confidentialprofile $p-2
expect_equal "what is only tried is not prepared" 0 "$(policies_of Pod dry | jq length)"

# ---- a controller that dies ----------------------------------------------------------------------------------------------

leader() { kubectl get lease cocoon-controller -n "$SYSTEM" -o jsonpath='{.spec.holderIdentity}'; }
before=$(leader)
dies=${before%_*}
kill -KILL "$(cat "$COCOON_CLUSTER_DIR/hosted/$dies.pid")"
start "$(confidential orphan '{"args": ["orphan"]}')"
expect_ok "while no controller leads, a pod waits" waits "$work/made"
need kubectl delete lease cocoon-controller -n "$SYSTEM" # else the next one waits for its end

# ---- who writes them ---------------------------------------------------------------------------------------------------

need kubectl apply -f "$root/manifests/policies/agent-policies.yaml"
tenant() { command kubectl --kubeconfig "$COCOON_CLUSTER_DIR/tenant-a.kubeconfig" --request-timeout=30s -n "$ns" "$@"; }
allow() { # allow VERBS: everything that the tenant may do with AgentPolicies
	kubectl apply -f - <<-END
		{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: tenant, namespace: $ns},
		  rules: [{apiGroups: [cocoon.dev], resources: [agentpolicies, agentpolicies/status], verbs: [$1]}]}
		---
		{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: tenant, namespace: $ns},
		  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tenant},
		  subjects: [{kind: User, name: tenant-a, apiGroup: rbac.authorization.k8s.io}]}
	END
}
mine() { # mine: the tenant's own text under the key of the Deployment
	policies_of Deployment web | jq -c '.[0] | {apiVersion, kind, metadata: {name: "mine", namespace: .metadata.namespace}, spec}'
}
need allow '"*"'
need await 20 tenant auth can-i create agentpolicies.cocoon.dev
forge() { tenant create -f - <<<"$(mine)"; }
eventually_refused() { run "$@" && return 1; [[ $said == *"written by the Cocoon controller alone"* ]]; }
eventually "a tenant who may do everything makes none" 10 eventually_refused forge
name=$(policies_of Deployment web | jq -r '.[0].metadata.name')
expect_refused "nor changes one" "written by the Cocoon controller alone" \
	tenant patch agentpolicy "$name" --type=merge -p '{"spec": {"policy": "AAAA"}}'
expect_refused "nor its status" "written by the Cocoon controller alone" \
	tenant patch agentpolicy "$name" --subresource=status --type=merge -p '{"status": {"digest": "sha256:00"}}'
expect_said "but may read it" "$name" tenant get agentpolicies

# ---- the next one ----------------------------------------------------------------------------------------------------------

eventually "the next leader prepares what it finds waiting" 40 completed orphan
expect_equal "with what would have been" 1 "$(policies_of Pod orphan | jq 'map(select(.status.digest)) | length')"
hosted_again() { # hosted_again NAME: it is started as the lane has done
	dir=$COCOON_CLUSTER_DIR hosted_programs=$programs
	hosted_program "$1" controller --health-listen 127.0.0.1:0
	await 20 hosted_ready "$1" port
}
# shellcheck source=../hosted.sh
. "$root/e2e/hosted.sh"
need hosted_again "$dies"
finish
