#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pod on the real node whose image is encrypted: it runs because our decoder opened the image with the node's key, and
# without the key it waits and its events say why. The decoder comes to the node as an administrator brings it: a file
# that containerd's configuration imports, made by image-crypt itself, and a folder of keys.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=../images.sh
. "$root/e2e/images.sh"

node_keys=$COCOON_CLUSTER_DIR/image-keys
drop_in=$COCOON_CLUSTER_DIR/containerd.d/encrypted.toml

cleanup() {
	rm -rf -- "$node_keys" "$drop_in"
	restart_containerd
}

restart_containerd() {
	"$root/e2e/cluster/cluster.sh" stop containerd --dir "$COCOON_CLUSTER_DIR" &&
		"$root/e2e/cluster/cluster.sh" start containerd --dir "$COCOON_CLUSTER_DIR"
}

node_answers() { # containerd does, and the kubelet has seen it
	ctr --address "$(sed -n 's/^short=//p' "$COCOON_CLUSTER_DIR/cluster.conf")/containerd.sock" --connect-timeout 2s version &&
		kubectl wait --for=condition=Ready node/node1 --timeout=1s
}

start_pod() { # start_pod NAME: with the encrypted image
	create "$(jq -n --arg ns "$ns" --arg name "$1" --arg image "localhost:5000/$image" '{apiVersion: "v1", kind: "Pod",
		metadata: {namespace: $ns, $name}, spec: {terminationGracePeriodSeconds: 0,
		containers: [{name: "app", $image, args: [$name]}]}}')"
}

reason() { # reason POD: why its container waits
	kubectl get pod "$1" -n "$ns" -o jsonpath='{.status.containerStatuses[0].state.waiting.reason}'
}

waits() { [[ $(reason "$1") == ImagePullBackOff ]]; }
told() { [[ $(events "$1") == *"$2"* ]] || { events "$1" && return 1; }; }
events() { kubectl get events -n "$ns" --field-selector "involvedObject.name=$1" -o jsonpath='{.items[*].message}'; }

PATH=$programs:$PATH
image=secret/app:encrypted-$$ registry_here=${REGISTRY:?}
namespace pods
prepared keys_plain
# never plain on the node, and by a new name: what a node has opened, all its pods have
head -c 64 /dev/urandom | base64 >"$work/secret"
need "$root/e2e/cluster/image.sh" secret/app:plain "$COCOON_CLUSTER_DIR/bin/demo-app" "$work/secret:/secret"
expect_ok "the image is encrypted, registry to registry" image-crypt encrypt --recipient "jwe:$work/keys/rsa.pub" \
	"docker://$registry_here/secret/app:plain" "docker://$registry_here/$image"
image-crypt containerd-config --containerd 1.6 --decoder "$programs/image-crypt-decoder" --keys "$node_keys" \
	--keyprovider-config "$COCOON_CLUSTER_DIR/no-providers.json" >"$drop_in"
need restart_containerd
need await 30 node_answers

# ---- without the key
need start_pod no-folder
eventually "without a folder of keys the pod's events say why" 60 told no-folder "$node_keys"
mkdir -p "$node_keys"
need start_pod no-key
eventually "without a key the pod's events say why" 60 told no-key "missing private key needed for decryption"
expect_said "in the words of our decoder" "image-crypt-decoder" events no-key
cp "$work/keys/other.pem" "$node_keys/"
need start_pod other-key
eventually "with somebody else's key the pod's events say why" 60 told other-key "none of the private keys could be used"
for pod in no-folder no-key other-key; do
	eventually "the pod $pod stays in ImagePullBackOff" 30 waits $pod
done

# ---- with the key
cp "$work/keys/rsa.pem" "$node_keys/"
need start_pod with-key
expect_ok "with the key a pod runs" kubectl wait --for=condition=Ready pod/with-key -n "$ns" --timeout=60s
expect_said "and is what was encrypted" "demo-app: running with-key" kubectl logs with-key -n "$ns"
finish
