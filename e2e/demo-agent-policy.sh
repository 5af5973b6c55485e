#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo-agent-policy.sh: from a manifest to what the host may ask of the guest. The owner computes policy, document and
# digest at home; a real cluster makes the same for the same manifest, and runs it; then the guest's view of requests: what was
# declared is allowed, an exec, another image and another variable are refused, each with the rule. KEEP=1 leaves the
# cluster running. Called by `make demo-agent-policy`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=e2e/demo/lib.sh
. e2e/demo/lib.sh

work=$dir/demo-agent-policy
programs=$PWD/out/release-gcc/bin
corpus=$PWD/tests/agentpolicy/corpus
repository=demo/server

# shown COMMAND…: in the folder of the demonstration, as a person types it, and what it says
shown() {
	printf '    %s$ %s%s\n' "$dim" "$*" "$off"
	(cd "$work" && bash -c "$*" 2>>"$log") | sed -E 's/(sha256:[0-9a-f]{12})[0-9a-f]{52}/\1…/g; s/^/      /' | cut -c1-150
}

profile_ready() { kubectl get cprof demo -o json | jq -e '.status.conditions[]? | select(.type == "Ready" and .status == "True")'; }
policy_ready() { kubectl get imgpol demo -o json | jq -e '.status.conditions[]? | select(.type == "Ready" and .status == "True")'; }
rolled_out() { kubectl -n demo rollout status deployment/server --timeout=2s; }
a_pod() { kubectl -n demo get pods -l app=server -o name | head -1; }

make_image() { # Debian's docker-registry, with a configuration of its own
	cat >"$work/registry.yml" <<-END
		version: 0.1
		log: {level: warn}
		storage: {filesystem: {rootdirectory: /tmp/registry}}
		http: {addr: "0.0.0.0:8080", headers: {X-Image: [confidential]}}
	END
	e2e/cluster/image.sh "$repository:1" "$(type -P docker-registry)" "$work/registry.yml:/etc/registry.yml"
	# what pods call localhost:5000 is the registry at $REGISTRY: for who is no pod, a layout with that name
	skopeo --insecure-policy copy --quiet --src-tls-verify=false "docker://$REGISTRY/$repository:1" \
		"oci:$work/images:localhost:5000/$repository:1"
}

manifest() {
	local digest
	digest=$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/$repository:1" | sha256sum | sed 's/^/sha256:/; s/ .*//')
	cat >"$work/server.yaml" <<-END
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: server, namespace: demo}
		spec:
		  replicas: 2
		  selector: {matchLabels: {app: server}}
		  template:
		    metadata: {labels: {app: server}}
		    spec:
		      runtimeClassName: kata-qemu-snp
		      terminationGracePeriodSeconds: 0
		      securityContext: {runAsUser: 1000, runAsGroup: 1000}
		      containers:
		      - name: server
		        image: localhost:5000/$repository@$digest
		        imagePullPolicy: Always
		        args: [serve, /etc/registry.yml]
		        env: [{name: REGISTRY_LOG_LEVEL, value: warn}]
	END
}

owner() {
	step "The owner of the data, at home: what will the guest be started with?"
	run "an image: Debian's docker-registry" make_image
	manifest
	sed -n '7,$s/^/      /p' "$work/server.yaml" | sed -E 's/(sha256:[0-9a-f]{12})[0-9a-f]{52}/\1…/'
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/owner.pem" 2>>"$log"
	shown "initdata-gen publish --name demo --profile profile.yaml --layout oci:images --layers-cache-file-path images.lock --resource default/key/demo --key owner.pem --to bundle server.yaml"
	digest=$(jq -r '.documents[0].digest' "$work/bundle/bundle.json")
	say "resource-policy.rego goes to the key broker: default/key/demo for this digest, nothing for any other."
}

cluster() {
	step "The cluster: its admin says that policies are generated, a developer applies the manifest"
	sed -n '/^spec:/,/^---/s/^/      /p' e2e/demo/agent-policy.yaml | sed '/---/d' | head -9
	run "kubectl apply -f profile.yaml" kubectl apply -f "$work/profile.yaml" -f "$work/image-policy.yaml"
	kubectl create namespace demo >>"$log"
	kubectl label namespace demo tenant=demo >>"$log"
	until_true 60 "the profile is Ready" profile_ready
	until_true 60 "and the image policy" policy_ready
	run "kubectl apply -f server.yaml" kubectl apply -f "$work/server.yaml"
	until_true 90 "both pods run: the first waited at the gate until its policy was there" rolled_out
	kubectl -n demo get agentpolicies | cut -c1-150 | sed 's/^/      /'
	kubectl -n demo get "$(a_pod)" -o yaml >"$work/pod.yaml"
	[ "$(cd "$work" && "$programs/initdata-gen" digest pod.yaml --output json | jq -r '[.. | objects | select(has("sha256")) | .sha256.hex][0]')" = "$digest" ] ||
		die "the pod carries another document than the owner computed"
	good "the pods carry, byte for byte, what the owner computed: sha256:${digest:0:12}…"
}

# asked WHAT FILE WORDS: what the guest's agent says to the requests, of which the words have to be a part
asked() {
	local said
	printf '  %s%s%s\n' "$bold" "$1" "$off"
	said=$(cd "$work" && initdata-gen policy test --policy pod.yaml "$2" 2>>"$log") || true
	grep -v -e 'CopyFile' -e 'StartContainer' -e 'WaitProcess' -e 'StatsContainer' -e 'GuestDetails' -e '^  container_id$' <<<"$said" |
		sed 's/^/      /' | cut -c1-150
	grep -qF -- "$3" <<<"$said" || die "nobody said '$3'"
}

guest() {
	local start=$work/start.jsonl
	step "The guest: its policy, as it came with the pod"
	shown "initdata-gen policy explain pod.yaml | sed -n '/^  server/,/^    mounts/p'"
	kubectl -n demo get deployment server -o json >"$work/server.json"
	python3 "$corpus/requests.py" "$work/server.json" "$work/images.lock" >"$start"
	asked "what containerd and Kata ask for when the pod starts" "$start" "requests, 0 refused"
	cp "$start" "$work/exec.jsonl"
	jq -cn --arg id "$(container_id)" '{kind: "ExecProcessRequest", description: "kubectl exec: a shell",
		request: {container_id: $id, exec_id: $id, process: {Args: ["/bin/sh"], Cwd: "/"}}}' >>"$work/exec.jsonl"
	asked "the same, then a shell" "$work/exec.jsonl" "server: process.args"
	changed '(.request.storages[]? | select(.driver == "image_guest_pull").source) |= sub("@sha256:.{8}"; "@sha256:00000000")' "another image" >"$work/image.jsonl"
	asked "another image" "$work/image.jsonl" "server: image.pull"
	changed '.request.OCI.Process.Env |= map(sub("^REGISTRY_LOG_LEVEL=.*"; "REGISTRY_LOG_LEVEL=debug"))' "another value of a variable" >"$work/env.jsonl"
	asked "another environment" "$work/env.jsonl" "server: process.env"
}
container_id() { jq -r 'select(.kind == "CreateContainerRequest").request.container_id' "$work/start.jsonl" | tail -1; }
changed() { # changed FILTER WORDS: the start, with the application's container made so
	jq -c --arg id "$(container_id)" --arg words "$2" "del(.allowed) | if .kind == \"CreateContainerRequest\" and .request.container_id == \$id then .description = \$words | $1 else . end" \
		"$work/start.jsonl"
}

main() {
	begin
	rm -rf "$work"
	step "A cluster, with Cocoon"
	cluster_up
	mkdir -p "$work"
	sed '/^---$/,$d' e2e/demo/agent-policy.yaml >"$work/profile.yaml"
	sed -e '1,/^---$/d' -e "s,REGISTRY,$REGISTRY_FOR_PODS," e2e/demo/agent-policy.yaml >"$work/image-policy.yaml"
	run "the programs are built" make BUILD=release programs
	run "opa is built" e2e/kbs/opa.sh
	run "make images" make images BUILD=release REGISTRY="$REGISTRY"
	run "kubectl apply -k manifests/default" kubectl apply -k manifests/default
	run "webhook and controller run" kubectl -n cocoon-system rollout status deploy --timeout=120s
	PATH=$programs:$PWD/out/peers:$PATH
	owner
	cluster
	guest
	printf '\n%sDone in %d s.%s\n' "$green$bold" $((EPOCHSECONDS - began)) "$off"
	[ "${KEEP:-}" != 1 ] || printf '\nTo use the cluster: eval "%s(e2e/cluster/cluster.sh env --dir %s)"\nTo end it: e2e/cluster/cluster.sh down --dir %s\n' '$' "$dir" "$dir"
}

main
