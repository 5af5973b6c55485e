# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # $work is the sourcing script's
# OCI layouts out of nothing, quickly: for the command line tests, sourced. Layers are random bytes behind gzip: who
# unpacks them is somebody else's test.

blob() { # blob LAYOUT FILE: puts it there, prints "digest":…,"size":…
	local digest
	digest=$(sha256sum "$2" | cut -d' ' -f1)
	cp "$2" "$1/blobs/sha256/$digest"
	printf '"digest":"sha256:%s","size":%s' "$digest" "$(stat -c %s "$2")"
}

# image LAYOUT ARCH SIZE…: a layout of one image, tag "t", with gzip layers of about these sizes; prints its entry for an
# index
image() {
	local layout=$1 seed=$2 config layers='' size manifest
	shift 2
	mkdir -p "$layout/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
	echo "{\"architecture\":\"$seed\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}" >"$work/part"
	config=$(blob "$layout" "$work/part")
	for size; do
		head -c "$size" /dev/urandom | gzip -1n >"$work/part"
		layers+=",{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",$(blob "$layout" "$work/part")}"
	done
	cat >"$work/part" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",$config},"layers":[${layers#,}]}
END
	manifest="{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",$(blob "$layout" "$work/part")"
	cat >"$layout/index.json" <<END
{"schemaVersion":2,"manifests":[$manifest,"annotations":{"org.opencontainers.image.ref.name":"t"}}]}
END
	echo "$manifest,\"platform\":{\"architecture\":\"$seed\",\"os\":\"linux\"}}"
}

# index_of LAYOUT ENTRY,ENTRY…: an index of images that are in the layout, tag "t"
index_of() {
	echo "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[$2]}" >"$work/part"
	cat >"$1/index.json" <<END
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json",$(blob "$1" "$work/part"),"annotations":{"org.opencontainers.image.ref.name":"t"}}]}
END
}
