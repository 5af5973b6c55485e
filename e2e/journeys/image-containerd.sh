#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containerd, started here with folders of its own, opens encrypted images through our decoder: it pulls them from a real
# registry as the kubelet has it pull, and the container runs; without the key, or with a changed layer, it says why not.
# Then the way of images that lie in containerd's store: export, image-crypt, import. Needs root, but no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/images.sh
. e2e/images.sh

short=$(mktemp -d /tmp/cocoon.XXXXXX) # a socket's path may have 107 characters
socket=$short/containerd.sock

cleanup() {
	local id
	for id in $(ctr_do -n k8s.io tasks ls -q) $(ctr_do -n there tasks ls -q); do
		ctr_do -n k8s.io tasks kill -s KILL "$id"
		ctr_do -n there tasks kill -s KILL "$id"
	done
	[ -z "${containerd:-}" ] || { kill "$containerd" && wait "$containerd"; }
	awk -v under="$work/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | xargs -r umount -l
	rm -rf -- "$short"
}

ctr_do() { timeout 30 ctr --address "$socket" --connect-timeout 2s "$@"; }

pull() { peer-cri "$socket" pull "$registry/$1"; }

# start_containerd: everything that defaults to a folder of the machine is set; what concerns encrypted images is our
# own program's output, as a file that the configuration imports
start_containerd() {
	mkdir -p "$work/conf.d" "$work/node-keys" "$work/registries/$registry"
	image-crypt containerd-config --containerd 1.6 --decoder "$programs/image-crypt-decoder" --keys "$work/node-keys" \
		--keyprovider-config "$work/no-providers.json" >"$work/conf.d/encrypted.toml" || return 1
	cat >"$work/registries/$registry/hosts.toml" <<-END
		server = "http://$registry"
		[host."http://$registry"]
		  capabilities = ["pull", "resolve"]
	END
	cat >"$work/containerd.toml" <<-END
		version = 2
		root = "$work/containerd"
		state = "$work/containerd-state"
		imports = ["$work/conf.d/*.toml"]
		disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
		  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
		  "io.containerd.internal.v1.restart", "io.containerd.tracing.processor.v1.otlp"]
		[grpc]
		  address = "$socket"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$work/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		  restrict_oom_score_adj = true
		  netns_mounts_under_state_dir = true
		  [plugins."io.containerd.grpc.v1.cri".registry]
		    config_path = "$work/registries"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$work/cni"
	END
	containerd --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 3>&- &
	containerd=$!
}

# make_image LAYOUT WORDS [SUFFIX=TYPE]: a program that says the words, which are in the layer below it. The layers of two
# images that say the same are the same, and then containerd unpacks those of the second from nowhere.
make_image() {
	local suffix=${3:-.gz=$GZIP}
	mkdir -p "$work/data"
	echo "$2" >"$work/data/secret"
	tar -C "$work/data" -cf "$work/data.tar" secret
	gzip -nkf "$work/data.tar" && zstd -qf "$work/data.tar" -o "$work/data.tar.zst"
	image "$work/$1" "$work/data.tar$suffix" "$work/bin.tar${suffix/zst=$ZSTD/gz=$GZIP}"
}

make_program() {
	cat >"$work/app.c" <<-'END'
		#include <stdio.h>
		int main(void)
		{
			char line[80] = "";
			FILE *in = fopen("/secret", "r");
			if (!in || !fgets(line, sizeof(line), in))
				return 1;
			return printf("the image says: %s", line) < 0;
		}
	END
	mkdir -p "$work/bin" && ${CC:-cc} -Os -static -s -o "$work/bin/app" "$work/app.c" &&
		tar -C "$work/bin" -cf "$work/bin.tar" app && gzip -nk "$work/bin.tar"
}

ran() { ctr_do -n "$1" run --rm --runc-root "$work/runc" "$2" "run-$RANDOM" /app; }

# stores DESCRIPTOR: the content store has this very blob
stores() { [ -e "$(file_of "oci:$work/containerd/io.containerd.content.v1.content:t" "$1")" ]; }

pulls() {
	local shape k=$work/keys
	make_image gzip "gzip for holders of the key"
	make_image plain "plain for holders of the key" "=$PLAIN"
	make_image zstd "zstd for holders of the key" ".zst=$ZSTD"
	for shape in gzip plain zstd; do
		need image-crypt encrypt --target containerd --recipient "jwe:$k/rsa.pub" \
			"oci:$work/$shape:t" "docker://$registry/app:$shape"
	done
	expect_refused "without a key the image is not pulled, and it is said why" "missing private key" pull app:gzip
	expect_equal "and it is not in the store" "" "$(ctr_do -n k8s.io images ls -q)"
	expect_refused "nothing of it can be run" "not found" ran k8s.io "$registry/app:gzip"
	cp "$k/other.pem" "$work/node-keys/"
	expect_refused "with somebody else's key neither" "none of the private keys could be used" pull app:gzip
	cp "$k/rsa.pem" "$work/node-keys/"
	for shape in gzip plain zstd; do
		expect_ok "with the key a $shape image is pulled" pull app:$shape
		expect_said "and its container runs" "the image says: $shape for holders of the key" ran k8s.io "$registry/app:$shape"
	done
	need skopeo --insecure-policy copy --quiet --src-tls-verify=false "docker://$registry/app:gzip" "oci:$work/pulled:t"
	expect_ok "the layer lies in containerd's store as it came" stores "$(layer "oci:$work/pulled:t" 0)"
	expect_refused "and never as it was before" "" stores "$(layer "oci:$work/gzip:t" 0)"
	make_image theirs "by others"
	need peer-copy --encryption-key "jwe:$k/P-256.pub" "oci:$work/theirs:t" "docker://$registry/app:theirs"
	cp "$k/P-256.pem" "$work/node-keys/"
	expect_ok "an image of current skopeo's engine is pulled" pull app:theirs
	expect_said "and its container runs" "the image says: by others" ran k8s.io "$registry/app:theirs"
}

# A layer that was changed on its way, with a digest that fits: the HMAC alone can tell.
changed() {
	local from=$work/changed file descriptor
	make_image later "changed on its way"
	need image-crypt encrypt --recipient "jwe:$work/keys/rsa.pub" "oci:$work/later:t" "oci:$from:t"
	descriptor=$(layer "oci:$from:t" 0)
	file=$(file_of "oci:$from:t" "$descriptor")
	printf '\377' | dd of="$file" bs=1 seek=40 conv=notrunc status=none
	manifest_of "oci:$from:t" | jq -c --arg digest "$(put_blob "$from" "$file")" '.layers[0].digest = $digest' >"$work/changed.json"
	put_index "$from" "$(descriptor $OCI.manifest.v1+json "$(put_blob "$from" "$work/changed.json")" "$(size_of "$work/changed.json")")"
	need skopeo --insecure-policy copy --quiet --dest-tls-verify=false "oci:$from:t" "docker://$registry/app:changed"
	expect_refused "a changed layer: the pull fails, and it is said why" "HMAC" pull app:changed
	expect_refused "a changed layer: nothing of it can be run" "not found" ran k8s.io "$registry/app:changed"
}

# What ctr-enc does inside: an image of the store is encrypted, decrypted, and refused without a key.
store() {
	local k=$work/keys
	make_image store "from the store"
	need skopeo --insecure-policy copy --quiet "oci:$work/store:t" "oci-archive:$work/store.tar:registry.example/app:plain"
	expect_ok "the store: a plain image is imported" ctr_do -n here images import "$work/store.tar"
	expect_ok "the store: it is exported" ctr_do -n here images export "$work/out.tar" registry.example/app:plain
	expect_ok "the store: and encrypted" image-crypt encrypt --recipient "jwe:$k/rsa.pub" "oci-archive:$work/out.tar" \
		"oci-archive:$work/sealed.tar:registry.example/app:sealed"
	# elsewhere: what is unpacked in a namespace of containerd, everybody there has
	expect_ok "the store: the encrypted one is imported" ctr_do -n there images import --no-unpack "$work/sealed.tar"
	expect_said "the store: it is listed" "registry.example/app:sealed" ctr_do -n there images ls
	expect_refused "the store: unpacked it is not, as ctr gives no keys" "payload" ctr_do -n there images import "$work/sealed.tar"
	expect_refused "the store: nor run" "payload" ran there registry.example/app:sealed
	expect_ok "the store: it is exported again" ctr_do -n there images export "$work/sealed-out.tar" registry.example/app:sealed
	expect_refused "the store: without a key it is not decrypted" "key" image-crypt decrypt --key "$k/other.pem" \
		"oci-archive:$work/sealed-out.tar" "oci-archive:$work/no.tar:registry.example/app:no"
	expect_refused "the store: and nothing is left" "cannot access" ls "$work/no.tar"
	expect_ok "the store: with the key it is" image-crypt decrypt --key "$k/rsa.pem" "oci-archive:$work/sealed-out.tar" \
		"oci-archive:$work/open.tar:registry.example/app:open"
	expect_ok "the store: and imported" ctr_do -n there images import "$work/open.tar"
	expect_said "the store: and it runs" "the image says: from the store" ran there registry.example/app:open
}

peers
prepared keys_plain
registry
need make_program
start_containerd
need await 20 ctr_do version
expect_said "what our configuration adds leaves containerd's own alone" "config_path = \"$work/registries\"" \
	containerd --config "$work/containerd.toml" config dump
pulls
changed
store
finish
