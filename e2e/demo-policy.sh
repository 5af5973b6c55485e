#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo-policy.sh: a real server's image is encrypted, then signed with cosign; an ImagePolicy demands both. The image is
# admitted and runs on a real node; plain, unsigned, signed-before-encryption and tag-swapped ones are refused with the
# reason. Says beforehand, by policy-check, what admission will say. KEEP=1 leaves the cluster running. Called by
# `make demo-policy`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=e2e/demo/lib.sh
. e2e/demo/lib.sh

keys=$dir/image-keys
work=$dir/demo-policy
programs=$PWD/out/release-gcc/bin
repository=demo/server
export COSIGN_PASSWORD=''

# shown COMMAND…: in the folder of the demonstration, as a person types it, and what it says
shown() {
	printf '    %s$ %s%s\n' "$dim" "$*" "$off"
	(cd "$work" && "$@" 2>>"$log") | sed -E 's/(sha256:[0-9a-f]{12})[0-9a-f]{52}/\1…/g; s/^/      /' | cut -c1-170
}

policy_ready() { kubectl get imgpol "$1" -o json | jq -e '.status.conditions[]? | select(.type == "Ready" and .status == "True")'; }
profile_ready() { kubectl get cprof demo -o json | jq -e '.status.conditions[]? | select(.type == "Ready" and .status == "True")'; }
pod_ready() { kubectl -n demo wait --for=condition=Ready "pod/$1" --timeout=2s; }
answers() { curl -sSf --max-time 2 -D - "http://$(kubectl -n demo get pod "$1" -o jsonpath='{.status.podIP}'):8080/v2/"; }
containerd_socket() { echo "$(sed -n 's/^short=//p' "$dir/cluster.conf")/containerd.sock"; }
containerd_ready() { ctr --address "$(containerd_socket)" --connect-timeout 2s version; }
restart_containerd() {
	e2e/cluster/cluster.sh stop containerd --dir "$dir" && e2e/cluster/cluster.sh start containerd --dir "$dir"
}

# What pods call localhost:5000 is the registry at $REGISTRY.
copy() { skopeo --insecure-policy copy --quiet --src-tls-verify=false --dest-tls-verify=false "$1" "$2"; }
there() { echo "docker://$REGISTRY/$repository:$1"; }
digest_of() { skopeo inspect --raw --tls-verify=false "$(there "$1")" | sha256sum | sed 's/^/sha256:/; s/ .*//'; }
sign() { # sign TAG: by its digest, as one should
	"$cosign" sign --key "$work/build.key" --yes --tlog-upload=false --use-signing-config=false --allow-http-registry \
		--sign-container-identity "localhost:5000/$repository" "$REGISTRY/$repository@$(digest_of "$1")" >>"$log" 2>&1
}

make_image() { # Debian's docker-registry, with a configuration of its own
	cat >"$work/registry.yml" <<-END
		version: 0.1
		log: {level: warn}
		storage: {filesystem: {rootdirectory: /tmp/registry}}
		http: {addr: "0.0.0.0:8080", headers: {X-Image: [confidential]}}
	END
	e2e/cluster/image.sh "$repository:plain" "$(type -P docker-registry)" "$work/registry.yml:/etc/registry.yml"
}

pod() { # pod NAME TAG
	kubectl -n demo create -f - <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1}
		spec:
		  runtimeClassName: kata-qemu-snp
		  terminationGracePeriodSeconds: 0
		  containers: [{name: server, image: "localhost:5000/$repository:$2", imagePullPolicy: Always, args: [serve, /etc/registry.yml]}]
	END
}

# not_admitted WHAT NAME TAG: the reasons, with the ends of digests left out
not_admitted() {
	local words
	if words=$(pod "$2" "$3" 2>&1); then die "$1 was not refused"; fi
	good "$1: refused"
	printf '%s\n' "$words" >>"$log"
	sed -nE 's/(sha256:[0-9a-f]{12})[0-9a-f]{52}/\1…/g; s/^ *spec\..*: ImagePolicy/ImagePolicy/p' <<<"$words" | fold -s -w 140 | sed 's/^/      /'
}

admin() {
	step "The cluster's admin: who gets init-data, and which images are let in"
	run "a ConfidentialProfile" kubectl apply -f e2e/demo/profile.yaml
	kubectl create namespace demo >>"$log"
	kubectl label namespace demo tenant=demo >>"$log"
	until_true 60 "the profile is Ready" profile_ready
	sed 's/^/          /' "$work/build.pub" >"$work/build.pub.indented"
	sed -e "s,REGISTRY,$REGISTRY_FOR_PODS," -e "/KEY\$/{r $work/build.pub.indented" -e 'd}' e2e/demo/image-policy.yaml >"$work/policy.yaml"
	grep -v -e '^#' -e '^ *[A-Za-z0-9+/=]\{60,\}$' "$work/policy.yaml" | sed 's/^/      /'
	run "kubectl apply -f policy.yaml" kubectl apply -f "$work/policy.yaml"
	until_true 30 "the policy is Ready" policy_ready demo
}

owner() {
	local kek=kbs:///default/image_key/server=server.kek
	step "The owner of the image: keys, and the order that matters: encrypt, then sign"
	shown image-crypt keygen --type kek server.kek
	shown image-crypt keygen --type rsa team.key
	(cd "$work" && "$cosign" generate-key-pair --output-key-prefix build >>"$log" 2>&1)
	run "an image: Debian's docker-registry, in our registry" make_image
	shown image-crypt encrypt --kbs-key "$kek" --recipient jwe:team.key.pub "$(there plain)" "$(there 1)"
	run "cosign sign, by the digest of what was encrypted" sign 1
	say "beside it, what goes wrong in practice:"
	run "an image that was encrypted and never signed" image-crypt encrypt --recipient "jwe:$work/team.key.pub" \
		--kbs-key "kbs:///default/image_key/server=$work/server.kek" "$(there plain)" "$(there unsigned)"
	run "one that was signed before it was encrypted" signed_too_early
}

# In a repository of its own: else the signature of the plain image would be found for all that were encrypted from it.
signed_too_early() {
	local plain
	plain=$(there plain)
	repository=demo/early
	copy "$plain" "$(there plain)"
	sign plain
	image-crypt encrypt --recipient "jwe:$work/team.key.pub" --kbs-key "kbs:///default/image_key/server=$work/server.kek" \
		"$(there plain)" "$(there 1)"
}

node() {
	mkdir -p "$keys"
	cp "$work/team.key" "$keys/"
	image-crypt containerd-config --containerd 1.6 --decoder "$programs/image-crypt-decoder" --keys "$keys" \
		--keyprovider-config "$dir/no-providers.json" >"$dir/containerd.d/encrypted.toml"
	run "the node has the team's key (in a guest it would come from the key broker)" restart_containerd
	until_true 30 "containerd is back" containerd_ready
}

developer() {
	step "The developer: the image that is encrypted and signed"
	shown policy-check image --policy policy.yaml "localhost:5000/$repository:1"
	pod server 1 >>"$log"
	until_true 60 "admitted, and it is Ready" pod_ready server
	until_true 20 "and serves:" answers server
	answers server 2>>"$log" | grep -i '^x-image' | sed 's/^/      /'
	good "the tag was pinned to what had been judged:"
	kubectl -n demo get pod server -o jsonpath='{.spec.containers[0].image}' | cut -c1-90 | sed 's/^/      /'
	echo

	step "What is not admitted"
	not_admitted "the plain image" plain plain
	not_admitted "the image that was not signed" unsigned unsigned
	repository=demo/early not_admitted "the image that was signed before it was encrypted" early 1
	copy "$(there unsigned)" "$(there 1)"
	say "somebody moves the tag to another image:"
	sleep 11 # what a tag points at is believed for ten seconds
	not_admitted "the tag that was admitted a minute ago" swapped 1
	good "the pod that runs keeps its digest; the counts so far:"
	until_true 60 "the controller has summed them up" counted
	kubectl get imgpol | sed 's/^/      /'
}

counted() { kubectl get imgpol demo -o json | jq -e '.status.counts.refused >= 4'; }

main() {
	begin
	rm -rf "$work"
	step "A cluster, with Cocoon"
	cluster_up
	mkdir -p "$work"
	run "the programs are built" make BUILD=release programs
	run "cosign is built" e2e/sign-peer/build.sh
	cosign=$PWD/out/peers/cosign3
	run "make images" make images BUILD=release REGISTRY="$REGISTRY"
	run "kubectl apply -k manifests/default" kubectl apply -k manifests/default
	run "webhook and controller run" kubectl -n cocoon-system rollout status deploy --timeout=120s
	PATH=$programs:$PATH
	owner
	node
	admin
	developer
	printf '\n%sDone in %d s.%s\n' "$green$bold" $((EPOCHSECONDS - began)) "$off"
	[ "${KEEP:-}" != 1 ] || printf '\nTo use the cluster: eval "%s(e2e/cluster/cluster.sh env --dir %s)"\nTo end it: e2e/cluster/cluster.sh down --dir %s\n' '$' "$dir" "$dir"
}

main
