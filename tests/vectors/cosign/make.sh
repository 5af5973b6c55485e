#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the files of this folder anew: an image in a registry on loopback, signed by cosign 2 and cosign 3 with keys of
# each kind. Usage: make.sh COSIGN2 COSIGN3 FOLDER
set -euo pipefail
cosign2=$(realpath "${1:?usage: make.sh COSIGN2 COSIGN3 FOLDER}")
cosign3=$(realpath "${2:?}")
mkdir -p "${3:?}"
out=$(realpath "$3")
work=$(mktemp -d)
host=127.0.0.1:15791
registry=
trap 'kill $registry; rm -rf "$work"' EXIT
cd "$work"
export HOME=$work COSIGN_PASSWORD='' TUF_ROOT=$work/tuf

cat >registry.yml <<END
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $work/store}}
http: {addr: $host}
END
docker-registry serve registry.yml >registry.log 2>&1 &
registry=$!
until curl -sf "http://$host/v2/" >ready; do sleep 0.1; done

# an image without layers
mkdir -p image/blobs/sha256
echo '{"imageLayoutVersion":"1.0.0"}' >image/oci-layout
blob() { # blob FILE: prints "digest":…,"size":…
	local digest
	digest=$(sha256sum "$1" | cut -d' ' -f1)
	cp "$1" "image/blobs/sha256/$digest"
	printf '"digest":"sha256:%s","size":%s' "$digest" "$(stat -c %s "$1")"
}
printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}' >config
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[]}' \
	"$(blob config)" >"$out/manifest.json"
digest=sha256:$(sha256sum "$out/manifest.json" | cut -d' ' -f1)
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"annotations":{"org.opencontainers.image.ref.name":"t"}}]}' \
	"$(blob "$out/manifest.json")" >image/index.json

# repository NAME: the image in a repository of its own, for signatures of one kind; prints its name
repository() {
	skopeo --insecure-policy copy -q --dest-tls-verify=false oci:image:t "docker://$host/shop/$1:t"
	echo "$host/shop/$1@$digest"
}
manifest() { # manifest NAME TAG-OR-DIGEST
	curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json' \
		"http://$host/v2/shop/$1/manifests/$2"
}
# tagged NAME: NAME.payload and NAME.sig of what the tag .sig has
tagged() {
	manifest "$1" "${digest/:/-}.sig" >m
	curl -sf "http://$host/v2/shop/$1/blobs/$(jq -r '.layers[0].digest' m)" >"$out/$1.payload"
	jq -rj '.layers[0].annotations["dev.cosignproject.cosign/signature"]' m >"$out/$1.sig"
}
# attached NAME: NAME.bundle of the one manifest that refers to the image
attached() {
	manifest "$1" "${digest/:/-}" >m
	manifest "$1" "$(jq -r '.manifests[0].digest' m)" >m2
	curl -sf "http://$host/v2/shop/$1/blobs/$(jq -r '.layers[0].digest' m2)" >"$out/$1.bundle"
}

generate() { openssl genpkey -out "$1.pem" "${@:2}" 2>openssl.log; }
generate p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
generate p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
generate p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
generate ed25519 -algorithm ED25519
generate rsa2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
generate rsa4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
keep=(--tlog-upload=false --allow-http-registry -y)
for kind in p256 p384 p521 ed25519 rsa2048 rsa4096; do
	openssl pkey -in $kind.pem -pubout -out "$out/$kind.pub"
	"$cosign2" import-key-pair --key $kind.pem --output-key-prefix $kind
	"$cosign2" sign "${keep[@]}" --key $kind.key -a team=shop "$(repository $kind-tag)"
	tagged $kind-tag
	"$cosign3" sign "${keep[@]}" --use-signing-config=false --key $kind.key -a team=shop \
		"$(repository $kind-bundle)"
	attached $kind-bundle
	mv "$out/$kind-bundle.bundle" "$out/$kind.bundle"
done
# cosign 3 told to write as cosign 2
"$cosign3" sign "${keep[@]}" --use-signing-config=false --new-bundle-format=false --key p256.key "$(repository old)"
tagged old
# no signature of an image, and one of its manifest as a file
echo '{"made":"by hand"}' >predicate
"$cosign3" attest "${keep[@]}" --use-signing-config=false --key p256.key --type custom --predicate predicate \
	"$(repository attestation)"
attached attestation
"$cosign3" sign-blob -y --tlog-upload=false --use-signing-config=false --key p256.key --bundle "$out/blob.bundle" \
	"$out/manifest.json"
openssl pkeyutl -sign -inkey ed25519.pem -rawin -in "$out/ed25519-tag.payload" | base64 -w0 >"$out/ed25519-pure.sig"
