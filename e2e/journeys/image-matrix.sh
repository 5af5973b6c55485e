#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Encrypted images between image-crypt and the programs of others (e2e/image-peers.sh): every kind of recipient, written
# by each and read by each, then every shape of image and layer. A cell that a peer does not support asserts the peer's
# own words. Needs no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/images.sh
. e2e/images.sh
# shellcheck source=e2e/image-peers.sh
. e2e/image-peers.sh

cleanup() { gpgconf --kill all; }

# ---- kinds of recipients -----------------------------------------------------------------------------------------

# What a peer says where it cannot: its words, by who, what he does and the kind.
declare -A words=(
	[skopeo writes ec-jwk]="square/go-jose: unknown/unsupported algorithm"
	[skopeo writes token]="Provided protocol not recognized"
	[skopeo reads token]="missing private key needed for decryption"
	[skopeo writes token-public]="Provided protocol not recognized"
	[skopeo reads token-public]="missing private key needed for decryption"
	[skopeo writes command]="Provided protocol not recognized"
	[skopeo reads command]="open provider:attestation-agent: no such file or directory"
	[skopeo writes service]="Provided protocol not recognized"
	[skopeo reads service]="open provider:attestation-agent: no such file or directory"
	[skopeo writes docker]="no candidate MIME types"
	[our-decoder reads pgp]="this decoder opens jwe, pkcs7 and provider.* keys"
	[our-decoder reads token]="this decoder opens jwe, pkcs7 and provider.* keys"
	[our-decoder reads token-public]="this decoder opens jwe, pkcs7 and provider.* keys"
	[decoder reads zstd]="unsupporter layer MediaType"
	[decoder reads mixed]="unsupporter layer MediaType"
)

cell() { # cell WHO writes|reads KIND NAME COMMAND…: it works, or fails with the words that are known
	local known=${words["$1 $2 $3"]:-}
	if [ -n "$known" ]; then
		expect_refused "$4: not with $1 ($known)" "$known" "${@:5}"
	else
		expect_ok "$4" "${@:5}"
	fi
}

# kind NAME RECIPIENT KEY…: written by us and read by all, written by all and read by us
kind() {
	local name=$1 recipient=$2 who
	local m=$work/kinds/$name
	mkdir -p "$m"
	cell ours writes "$name" "$name: image-crypt encrypts" writes ours "$src" "oci:$m/ours:t" "$recipient"
	for who in ours our-decoder skopeo copy library decoder; do
		cell $who reads "$name" "$name: $who reads what image-crypt wrote" opens $who "$src" "oci:$m/ours:t" "${@:3}"
	done
	for who in skopeo copy library; do
		cell $who writes "$name" "$name: $who encrypts" writes $who "$src" "oci:$m/$who:t" "$recipient"
		[ -e "$m/$who/index.json" ] || continue
		cell ours reads "$name" "$name: image-crypt reads what $who wrote" opens ours "$src" "oci:$m/$who:t" "${@:3}"
		cell our-decoder reads "$name" "$name: our decoder reads what $who wrote" \
			opens our-decoder "$src" "oci:$m/$who:t" "${@:3}"
	done
}

kinds() {
	local k=$work/keys curve
	kind rsa "jwe:$k/rsa.pub" "$k/rsa.pem"
	for curve in P-256 P-384 P-521; do kind $curve "jwe:$k/$curve.pub" "$k/$curve.pem"; done
	kind rsa-jwk "jwe:$k/rsa-pub.jwk" "$k/rsa.jwk"
	kind ec-jwk "jwe:$k/ec-pub.jwk" "$k/ec.jwk"
	kind pkcs7 "pkcs7:$k/cert.pem" "$k/rsa.pem" "$k/cert.pem"
	kind pgp pgp:owner@example.com "$k/ring.gpg"
	kind token "pkcs11:$k/token.yaml" "$k/token.yaml"
	kind token-public "pkcs11:$k/token.pub" "$k/token.yaml"
}

# Several at once: each alone opens it, whoever wrote.
crowd() {
	local k=$work/keys who key everybody
	everybody=("jwe:$k/other.pub" "jwe:$k/rsa.pub" "jwe:$k/P-256.pub" "pkcs7:$k/cert.pem" pgp:owner@example.com)
	for who in ours skopeo copy; do
		expect_ok "five recipients: $who encrypts" writes $who "$src" "oci:$work/crowd-$who:t" "${everybody[@]}"
	done
	for key in other rsa P-256; do
		for who in skopeo copy; do
			expect_ok "five recipients: $who reads ours with $key" opens $who "$src" "oci:$work/crowd-ours:t" "$k/$key.pem"
			expect_ok "five recipients: we read that of $who with $key" opens ours "$src" "oci:$work/crowd-$who:t" "$k/$key.pem"
		done
	done
	expect_ok "five recipients: skopeo reads ours with the OpenPGP key" opens skopeo "$src" "oci:$work/crowd-ours:t" "$k/ring.gpg"
}

# ---- the key provider ------------------------------------------------------------------------------------------------

# Our key provider with a set of keys, which two of the ways of ocicrypt lead to: a command, and a service on a socket.
provider() {
	local k=$work/keys
	need image-crypt keygen --offline-kbc 3 "$k/set.json"
	need image-crypt keygen export "$k/set.json" default/key/key_id1 "$k/kek"
	image-crypt keyprovider serve --socket "unix://$work/provider.sock" --keys "$k/set.json" >"$work/provider.log" 2>&1 &
	made_processes+=("$!")
	jq -n --arg path "$(type -P image-crypt)" --arg keys "$k/set.json" '{"key-providers": {"attestation-agent":
		{cmd: {$path, args: ["keyprovider", "run", "--keys", $keys]}}}}' >"$work/command.json"
	jq -n --arg socket "unix://$work/provider.sock" '{"key-providers": {"attestation-agent": {grpc: $socket}}}' >"$work/service.json"
	need await 10 test -S "$work/provider.sock"
}

providers() {
	local k=$work/keys way wanted=kbs:///default/key/key_id1
	for way in command service; do
		export OCICRYPT_KEYPROVIDER_CONFIG=$work/$way.json
		kind $way "provider:attestation-agent:keypath=$k/kek::keyid=$wanted" provider:attestation-agent
		expect_equal "$way: the packet of current skopeo's engine names the key" "$wanted" "$(key_of "oci:$work/kinds/$way/copy:t")"
		expect_ok "$way: image-crypt reads it with the key file, without a provider" env -u OCICRYPT_KEYPROVIDER_CONFIG \
			image-crypt verify --kbs-key "$wanted=$k/kek" "oci:$work/kinds/$way/copy:t"
	done
	expect_ok "a key broker's key: image-crypt encrypts" image-crypt encrypt --kbs-key "$wanted=$k/kek" "$src" "oci:$work/kbs:t"
	for way in copy library decoder our-decoder; do
		expect_ok "a key broker's key: $way reads it through our service" opens $way "$src" "oci:$work/kbs:t" provider:attestation-agent
	done
	expect_ok "a key broker's key, the newer packet: image-crypt encrypts" \
		image-crypt encrypt --packet v2 --kbs-key "$wanted=$k/kek" "$src" "oci:$work/kbs2:t"
	expect_ok "a key broker's key, the newer packet: copy reads it through our service" \
		opens copy "$src" "oci:$work/kbs2:t" provider:attestation-agent
	expect_refused "a key that the set does not have" "" opens copy "$src" "$(sealed_for_nobody)" provider:attestation-agent
}

sealed_for_nobody() { # for a key that no provider has
	image-crypt encrypt --kbs-key "kbs:///default/key/other=$work/keys/kek" "$src" "oci:$work/nobody:t" >/dev/null 2>&1
	echo "oci:$work/nobody:t"
}

key_of() { # key_of PLACE: the key that its first layer's packet names
	layer "$1" 0 | jq -r --arg name "$ENC.keys.provider.attestation-agent" '.annotations[$name] | @base64d | fromjson | .kid'
}

# ---- shapes of images ----------------------------------------------------------------------------------------------

# Every length where a block, a buffer or a chunk of somebody ends, one layer each, in one image.
lengths() {
	local length files=()
	for length in 0 1 15 16 17 63 64 65 4095 4096 4097 10239 10240 10241 20481 65535 65536 65537 1048575 1048577; do
		head -c $length /dev/urandom >"$work/length.$length"
		files+=("$work/length.$length=$PLAIN")
	done
	image "$work/lengths" "${files[@]}"
	expect_ok "lengths from 0 to 1 MiB: image-crypt encrypts" writes ours "oci:$work/lengths:t" "oci:$work/lengths-ours:t" "jwe:$work/keys/rsa.pub"
	for who in ours our-decoder library decoder copy; do
		expect_ok "lengths from 0 to 1 MiB: $who reads what image-crypt wrote" \
			opens $who "oci:$work/lengths:t" "oci:$work/lengths-ours:t" "$work/keys/rsa.pem"
	done
	expect_ok "lengths from 0 to 1 MiB: ocicrypt encrypts" writes library "oci:$work/lengths:t" "oci:$work/lengths-library:t" "jwe:$work/keys/rsa.pub"
	for who in ours our-decoder; do
		expect_ok "lengths from 0 to 1 MiB: $who reads what ocicrypt wrote" \
			opens $who "oci:$work/lengths:t" "oci:$work/lengths-library:t" "$work/keys/rsa.pem"
	done
}

# shape NAME LAYER=TYPE…: an image of these layers, there and back
shape() {
	local name=$1 who
	image "$work/shape-$name" "${@:2}"
	there_and_back "$name" "oci:$work/shape-$name:t"
}

there_and_back() { # there_and_back NAME SRC
	local name=$1 who
	expect_ok "$name: image-crypt encrypts" writes ours "$2" "oci:$work/$name-ours:t" "jwe:$work/keys/rsa.pub"
	for who in ours our-decoder copy skopeo decoder; do
		cell $who reads "$name" "$name: $who reads what image-crypt wrote" opens $who "$2" "oci:$work/$name-ours:t" "$work/keys/rsa.pem"
	done
	for who in copy skopeo; do
		cell $who writes "$name" "$name: $who encrypts" writes $who "$2" "dir:$work/$name-$who" "jwe:$work/keys/rsa.pub"
		[ -e "$work/$name-$who/manifest.json" ] || continue
		cell ours reads "$name" "$name: image-crypt reads what $who wrote" opens ours "$2" "dir:$work/$name-$who" "$work/keys/rsa.pem"
	done
}

shapes() {
	local a=$work/a.tar b=$work/b.tar
	tree_tar "$a" app=first a=1
	tree_tar "$b" b=second
	gzip -nk "$a" "$b" && zstd -qk "$a" "$b"
	head -c 1024 /dev/zero | gzip -n >"$work/empty.tar.gz"
	shape gzip "$a.gz=$GZIP" "$b.gz=$GZIP"
	shape zstd "$a.zst=$ZSTD" "$b.zst=$ZSTD"
	shape plain "$a=$PLAIN" "$b=$PLAIN"
	shape mixed "$a=$PLAIN" "$b.gz=$GZIP" "$b.zst=$ZSTD"
	shape empty-layer "$work/empty.tar.gz=$GZIP" "$a.gz=$GZIP"
	shape twice-the-same "$a.gz=$GZIP" "$a.gz=$GZIP"
	docker_image "$work/docker" "$work/shape-gzip"
	there_and_back docker "dir:$work/docker"
}

docker_image() { # docker_image FOLDER LAYOUT: the same image in docker's form, as a dir:
	skopeo_copy --format v2s2 "oci:$2:t" "dir:$1" || return 1
	jq -e '.mediaType | startswith("application/vnd.docker.")' "$1/manifest.json"
}

transports() {
	local to from=oci:$work/shape-gzip:t
	for to in "oci:$work/t-oci:t" "oci-archive:$work/t-archive:t" "dir:$work/t-dir" "docker://$registry/t/ours:1"; do
		expect_ok "to ${to%%:*}: image-crypt encrypts" ours_encrypt "$from" "$to" "jwe:$work/keys/rsa.pub"
		expect_ok "to ${to%%:*}: skopeo reads it" skopeo_opens "$to"
		expect_ok "to ${to%%:*}: current skopeo's engine reads it" copy_opens "$to"
	done
	for from in "oci:$work/f-oci:t" "oci-archive:$work/f-archive:t" "dir:$work/f-dir" "docker://$registry/t/peer:1"; do
		expect_ok "from ${from%%:*}: current skopeo's engine encrypts" copy_encrypt "oci:$work/shape-gzip:t" "$from" "jwe:$work/keys/rsa.pub"
		expect_ok "from ${from%%:*}: image-crypt reads it" ours_opens "$from"
	done
	expect_ok "docker's form in a registry: it is there" skopeo_copy "dir:$work/docker" "docker://$registry/t/docker:1"
	expect_ok "docker's form in a registry: image-crypt encrypts, registry to registry" \
		ours_encrypt "docker://$registry/t/docker:1" "docker://$registry/t/docker:enc" "jwe:$work/keys/rsa.pub"
	expect_ok "docker's form in a registry: skopeo reads it" skopeo_opens "docker://$registry/t/docker:enc"
}

# WHO_opens PLACE: it is the image of two gzip layers
ours_opens() { opens ours "oci:$work/shape-gzip:t" "$1" "$work/keys/rsa.pem"; }
skopeo_opens() { opens skopeo "oci:$work/shape-gzip:t" "$1" "$work/keys/rsa.pem"; }
copy_opens() { opens copy "oci:$work/shape-gzip:t" "$1" "$work/keys/rsa.pem"; }

indexes() {
	local n
	several "$work/several" "$work/a.tar.gz=$GZIP" "$work/b.tar.gz=$GZIP"
	expect_ok "an index: image-crypt encrypts" ours_encrypt "oci:$work/several:t" "oci:$work/several-ours:t" "jwe:$work/keys/rsa.pub"
	expect_equal "an index: it stays one, of both platforms, with its annotations" \
		'["linux/amd64","linux/arm64"] {"org.example.index":"kept"}' "$(platforms "$work/several-ours")"
	for n in 0 1; do
		expect_ok "an index: platform $n is encrypted" sealed_number "oci:$work/several-ours:t" $n
	done
	expect_ok "an index: image-crypt decrypts all of it" ours_decrypt "oci:$work/several-ours:t" "oci:$work/several-plain:t" "$work/keys/rsa.pem"
	for n in 0 1; do
		expect_equal "an index: platform $n is as before" "$(bytes_of "oci:$work/several:t" $n)" "$(bytes_of "oci:$work/several-plain:t" $n)"
	done
	expect_ok "an index: current skopeo's engine reads all of it" \
		peer-copy --all --decryption-key "$work/keys/rsa.pem" "oci:$work/several-ours:t" "oci:$work/several-copy:t"
	expect_ok "an index: current skopeo's engine encrypts" \
		peer-copy --all --encryption-key "jwe:$work/keys/rsa.pub" "oci:$work/several:t" "oci:$work/several-theirs:t"
	expect_ok "an index: image-crypt reads that" ours_decrypt "oci:$work/several-theirs:t" "oci:$work/several-back:t" "$work/keys/rsa.pem"
	for n in 0 1; do
		expect_equal "an index: platform $n by current skopeo's engine is as before" "$(bytes_of "oci:$work/several:t" $n)" \
			"$(bytes_of "oci:$work/several-copy:t" $n)"
		expect_equal "an index: platform $n of theirs is as before" "$(bytes_of "oci:$work/several:t" $n)" \
			"$(bytes_of "oci:$work/several-back:t" $n)"
	done
	expect_ok "an index: one platform alone is encrypted" image-crypt encrypt --platform linux/arm64 \
		--recipient "jwe:$work/keys/rsa.pub" "oci:$work/several:t" "oci:$work/several-one:t"
	expect_equal "an index: the other platform keeps its bytes" \
		"$(manifest_of "oci:$work/several:t" 0 | sha256sum)" "$(manifest_of "oci:$work/several-one:t" 0 | sha256sum)"
	expect_ok "an index: and that one is encrypted" sealed_number "oci:$work/several-one:t" 1
}

platforms() { # platforms LAYOUT: of its index, and the index's annotations, but for the plain image's digest
	jq -c '[.manifests[].platform | .os + "/" + .architecture]' \
		"$(blob "$1" "$(jq -r '.manifests[0].digest' "$1/index.json")")" | tr '\n' ' '
	jq -c '.annotations | del(.["dev.cocoon.image.source"])' \
		"$(blob "$1" "$(jq -r '.manifests[0].digest' "$1/index.json")")"
}

sealed_number() { # sealed_number PLACE NUMBER
	manifest_of "$1" "$2" | jq -e '.layers | length > 0 and all(.mediaType[-10:] == "+encrypted")'
}

parts() { # some layers encrypted and others not
	local k=$work/keys from=oci:$work/shape-mixed:t layer
	for layer in 0 1 2 -1; do
		expect_ok "layer $layer alone: image-crypt encrypts" image-crypt encrypt --target containerd --layer $layer \
			--recipient "jwe:$k/rsa.pub" "$from" "oci:$work/part$layer:t"
		expect_equal "layer $layer alone: the others keep their bytes" "$(kept_but $layer "$from")" \
			"$(kept_but $layer "oci:$work/part$layer:t")"
		expect_ok "layer $layer alone: current skopeo's engine reads it" opens copy "$from" "oci:$work/part$layer:t" "$k/rsa.pem"
		expect_ok "layer $layer alone: image-crypt reads it" opens ours "$from" "oci:$work/part$layer:t" "$k/rsa.pem"
	done
	expect_ok "the last layer alone: current skopeo's engine encrypts" \
		peer-copy --encrypt-layer -1 --encryption-key "jwe:$k/rsa.pub" "oci:$work/shape-gzip:t" "oci:$work/part-copy:t"
	expect_ok "the last layer alone: image-crypt reads that" opens ours "oci:$work/shape-gzip:t" "oci:$work/part-copy:t" "$k/rsa.pem"
	expect_ok "the last layer alone: skopeo encrypts" \
		skopeo_copy --encrypt-layer -1 --encryption-key "jwe:$k/rsa.pub" "oci:$work/shape-gzip:t" "oci:$work/part-skopeo:t"
	expect_ok "the last layer alone: image-crypt reads that of skopeo" opens ours "oci:$work/shape-gzip:t" "oci:$work/part-skopeo:t" "$k/rsa.pem"
	expect_refused "a layer that is not there: current skopeo's engine" "out of range" \
		peer-copy --encrypt-layer 7 --encryption-key "jwe:$k/rsa.pub" "oci:$work/shape-gzip:t" "oci:$work/none:t"
	refused "a layer that is not there: image-crypt" "7" "$work/none" image-crypt encrypt --layer 7 --recipient "jwe:$k/rsa.pub" \
		"oci:$work/shape-gzip:t" "oci:$work/none:t"
}

kept_but() { # kept_but LAYER PLACE: the digests of the other layers
	manifest_of "$2" | jq -c --argjson n "$1" '.layers | map(.digest) | .[$n] = "changed"'
}

peers
prepared keys_plain
prepared keys_gnupg
prepared keys_token
provider
registry
two_layers
kinds
providers
crowd
lengths
shapes
transports
indexes
parts
finish
