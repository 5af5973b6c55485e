# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # $work is the sourcing script's
# One OCI layout with images by their whole names, each of one layer with /etc/passwd and /etc/group, and a config that
# the test says: what agent policies are made from. Sourced, after tests/layout.bash.

# named LAYOUT NAME CONFIG: adds an image; CONFIG is the member "config" of its config; prints its digest
named() {
	local layout=$1 name=$2 config layer manifest entry digest
	mkdir -p "$layout/blobs/sha256" "$work/root/etc"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
	[[ -e $layout/index.json ]] || echo '{"schemaVersion":2,"manifests":[]}' >"$layout/index.json"
	printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000:web:/srv:/bin/sh\n' >"$work/root/etc/passwd"
	printf 'root:x:0:\nweb:x:1000:\nextra:x:2000:web\n' >"$work/root/etc/group"
	tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/part.tar" etc/passwd etc/group
	gzip -9nc "$work/part.tar" >"$work/part"
	layer=$(blob "$layout" "$work/part")
	jq -cn --argjson config "$3" --arg diff "sha256:$(sha256sum "$work/part.tar" | cut -d' ' -f1)" \
		'{architecture: "amd64", os: "linux", $config, rootfs: {type: "layers", diff_ids: [$diff]}}' >"$work/part"
	config=$(blob "$layout" "$work/part")
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[{"mediaType":"%s",%s}]}' \
		application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json "$config" \
		application/vnd.oci.image.layer.v1.tar+gzip "$layer" >"$work/part"
	manifest=$(blob "$layout" "$work/part")
	digest=$(jq -r .digest <<<"{$manifest}")
	entry="{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",$manifest,\"annotations\":{\"org.opencontainers.image.ref.name\":\"$name\"}}"
	jq -c --argjson entry "$entry" '.manifests += [$entry]' "$layout/index.json" >"$work/part" && cp "$work/part" "$layout/index.json"
	echo "$digest"
}
