#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo-image.sh: a real server's image is encrypted for a key broker and for the holder of an RSA key, inspected, pushed,
# and run by a real node that has the key, and by none that has not. KEEP=1 leaves the cluster running. Called by
# `make demo-image`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=demo/lib.sh
. e2e/demo/lib.sh

keys=$dir/image-keys
work=$dir/demo-image
programs=$PWD/out/release-gcc/bin

# shown COMMAND…: in the folder of the demonstration, as a person types it, and what it says, without the ends of digests
shown() {
	printf '    %s$ %s%s\n' "$dim" "$*" "$off"
	(cd "$work" && "$@" 2>>"$log") | sed -E 's/(sha256:[0-9a-f]{12})[0-9a-f]{52}/\1…/; s/ {4,}/   /g; s/^/      /' | cut -c1-150
}

containerd_socket() { echo "$(sed -n 's/^short=//p' "$dir/cluster.conf")/containerd.sock"; }
containerd_ready() { ctr --address "$(containerd_socket)" --connect-timeout 2s version; }

restart_containerd() {
	e2e/cluster/cluster.sh stop containerd --dir "$dir" &&
		e2e/cluster/cluster.sh start containerd --dir "$dir"
}

make_image() { # Debian's docker-registry, with a configuration of its own
	cat >"$work/registry.yml" <<-END
		version: 0.1
		log: {level: warn}
		storage: {filesystem: {rootdirectory: /tmp/registry}}
		http: {addr: "0.0.0.0:8080", headers: {X-Image: [confidential]}}
	END
	e2e/cluster/image.sh demo/registry:plain "$(type -P docker-registry)" "$work/registry.yml:/etc/registry.yml"
}

pod() { # pod NAME
	kubectl create -f - <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: $1}
		spec:
		  terminationGracePeriodSeconds: 0
		  containers: [{name: server, image: "localhost:5000/demo/registry:encrypted", args: [serve, /etc/registry.yml]}]
	END
}

refused_pull() { kubectl get pod "$1" -o jsonpath='{.status.containerStatuses[0].state.waiting.reason}' | grep -x ImagePullBackOff; }
why() { kubectl get events --field-selector "involvedObject.name=$1,reason=Failed" -o jsonpath='{.items[0].message}'; }
answers() { curl -sSf --max-time 2 -D - "http://$(kubectl get pod "$1" -o jsonpath='{.status.podIP}'):8080/v2/"; }

owner() {
	local kbs=kbs:///default/image_key/registry=registry.kek plain=docker://$REGISTRY/demo/registry:plain
	step "The owner of an image: a key for the key broker, a pair for a team"
	shown image-crypt keygen --type kek registry.kek
	shown image-crypt keygen --type rsa team.key

	step "Encrypt, for both of them"
	run "an image: Debian's docker-registry, in our registry" make_image
	shown image-crypt encrypt --kbs-key "$kbs" --recipient jwe:team.key.pub "$plain" oci:image:encrypted
	shown image-crypt inspect oci:image:encrypted
	shown image-crypt verify --kbs-key "$kbs" oci:image:encrypted
	shown image-crypt verify --key team.key oci:image:encrypted
	good "each of the two keys alone opens every layer, and every HMAC is right"
	refused "with another key" image-crypt verify --key "$work/other.key" "oci:$work/image:encrypted"

	step "Push"
	run "Debian's skopeo takes it to the registry, as any tool can" skopeo --insecure-policy copy --quiet \
		--dest-tls-verify=false "oci:$work/image:encrypted" "docker://$REGISTRY/demo/registry:encrypted"
}

node() {
	step "The node: our decoder in containerd"
	mkdir -p "$keys"
	image-crypt containerd-config --containerd 1.6 --decoder "$programs/image-crypt-decoder" --keys "$keys" \
		--keyprovider-config "$dir/no-providers.json" >"$dir/containerd.d/encrypted.toml"
	run "a file that containerd's configuration imports" restart_containerd
	until_true 30 "containerd is back" containerd_ready

	step "A pod, on a node without the key"
	pod without-key >>"$log"
	until_true 60 "it stays in ImagePullBackOff, and its events say why:" refused_pull without-key
	why without-key | grep -o 'call to DecryptLayer.*' | sed 's/^/      /' | cut -c1-170

	step "A pod, on the node with the key"
	cp "$work/team.key" "$keys/"
	pod with-key >>"$log"
	until_true 60 "it is Ready" kubectl wait --for=condition=Ready pod/with-key --timeout=5s
	until_true 20 "and serves:" answers with-key
	answers with-key 2>>"$log" | grep -i '^x-image' | sed 's/^/      /'
	kubectl get pods | sed 's/^/      /'
}

main() {
	begin
	step "A cluster: kubelet with containerd, a registry"
	cluster_up
	run "the programs are built" make BUILD=release programs
	PATH=$programs:$PATH
	mkdir -p "$work"
	image-crypt keygen --type p256 "$work/other.key" >>"$log" 2>&1
	owner
	node
	printf '\n%sDone in %d s.%s\n' "$green$bold" $((EPOCHSECONDS - began)) "$off"
	[ "${KEEP:-}" != 1 ] || printf '\nTo use the cluster: eval "%s(e2e/cluster/cluster.sh env --dir %s)"\nTo end it: e2e/cluster/cluster.sh down --dir %s\n' '$' "$dir" "$dir"
}

main
