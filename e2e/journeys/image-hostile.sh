#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Encrypted images beside the programs of others (e2e/image-peers.sh), where it does not go well: recipients who come and
# go, what others cannot do, in their own words, and what is hostile. Nothing that is wrong gets its name anywhere. Needs
# no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/images.sh
. e2e/images.sh
# shellcheck source=e2e/image-peers.sh
. e2e/image-peers.sh

# ---- people who come and go ----------------------------------------------------------------------------------------

rewraps() {
	local k=$work/keys from=oci:$work/kinds/rsa/skopeo:t
	expect_ok "rewrap: a recipient is added to an image of skopeo" image-crypt rewrap --key "$k/rsa.pem" \
		--add "pkcs7:$k/other.cert" "$from" "oci:$work/two:t"
	expect_equal "rewrap: no layer changed a byte" "$(bytes_of "$from")" "$(bytes_of "oci:$work/two:t")"
	expect_ok "rewrap: the new one reads it with skopeo" opens skopeo "$src" "oci:$work/two:t" "$k/other.pem" "$k/other.cert"
	expect_ok "rewrap: the old one still does" opens copy "$src" "oci:$work/two:t" "$k/rsa.pem"
	layer "oci:$work/two:t" 0 >"$work/two.json"
	expect_ok "ocicrypt adds a third" peer-ocicrypt add "$work/two.json" "$work/three.json" "$k/rsa.pem" "jwe:$k/P-256.pub"
	expect_equal "and our layer opens for him" "$(sum_of "$(layer_path "$src" 0)")" \
		"$(our-decoder_layer "$work/three.json" "$k/P-256.pem" <"$(layer_path "oci:$work/two:t" 0)" | sha256sum | sed 's/ .*//; s/^/sha256:/')"
	expect_ok "rewrap: a recipient is taken away" image-crypt rewrap --key "$k/rsa.pem" --remove pkcs7 \
		"oci:$work/two:t" "oci:$work/one:t"
	expect_refused "rewrap: he cannot read it any more" "none of the private keys could be used" \
		opens skopeo "$src" "oci:$work/one:t" "$k/other.pem" "$k/other.cert"
}

# ---- what others cannot do, in their words ---------------------------------------------------------------------------

# Each is why somebody's image stays closed for another program, and that ours reads it (or refuses it in time).
gaps() {
	local k=$work/keys
	openssl pkcs8 -topk8 -in "$k/rsa.pem" -passout pass:word -out "$k/locked.pem"
	openssl ec -in "$k/P-256.pem" -out "$k/sec1.pem" 2>/dev/null
	printf 'word\n' >"$k/word"
	expect_refused "a key with a password (PKCS#8): skopeo takes it for no key" "missing private key needed for decryption" \
		opens skopeo "$src" "oci:$work/kinds/rsa/ours:t" "$k/locked.pem"
	expect_refused "a key with a password (PKCS#8): current skopeo's engine neither" "missing private key needed for decryption" \
		opens copy "$src" "oci:$work/kinds/rsa/ours:t" "$k/locked.pem:pass=word"
	expect_ok "a key with a password: image-crypt reads it, the line end of the file is none of it" \
		opens ours "$src" "oci:$work/kinds/rsa/skopeo:t" "$k/locked.pem:file=$k/word"
	expect_ok "a key with a password on a descriptor" opens_with_fd "$src" "oci:$work/kinds/rsa/skopeo:t" "$k/locked.pem"
	expect_refused "a wrong password says so" "password" opens ours "$src" "oci:$work/kinds/rsa/skopeo:t" "$k/locked.pem:pass=no"
	expect_refused "an EC PRIVATE KEY: current skopeo's engine takes it for no key" "missing private key needed for decryption" \
		opens copy "$src" "oci:$work/kinds/P-256/ours:t" "$k/sec1.pem"
	expect_ok "an EC PRIVATE KEY: image-crypt reads it" opens ours "$src" "oci:$work/kinds/P-256/skopeo:t" "$k/sec1.pem"
	expect_refused "a sha256 OAEP in a 2048 bit token key: ocicrypt" "message too long" \
		env OCICRYPT_OAEP_HASHALG=sha256 peer-copy --encryption-key "pkcs11:$k/token.pub" "$src" "oci:$work/none:t"
	refused "a sha256 OAEP in a 2048 bit token key: image-crypt" "sha1" "$work/none" \
		env OCICRYPT_OAEP_HASHALG=sha256 image-crypt encrypt --recipient "pkcs11:$k/token.pub" "$src" "oci:$work/none:t"
	expect_refused "a provider that nobody configured: current skopeo's engine" "no wrapped keys produced by encryption" \
		peer-copy --encryption-key provider:nobody "$src" "oci:$work/none2:t"
	refused "a provider that nobody configured: image-crypt" "nobody" "$work/none" \
		image-crypt encrypt --recipient provider:nobody "$src" "oci:$work/none:t"
	expect_ok "a provider that nobody configured beside a key: current skopeo's engine forgets it" \
		peer-copy --encryption-key provider:nobody --encryption-key "jwe:$k/rsa.pub" "$src" "oci:$work/forgot:t"
	refused "a provider that nobody configured beside a key: image-crypt does not" "nobody" "$work/none" \
		image-crypt encrypt --recipient provider:nobody --recipient "jwe:$k/rsa.pub" "$src" "oci:$work/none:t"
	refused "zstd for a guest" "zstd" "$work/none" \
		image-crypt encrypt --kbs-key "kbs:///default/key/1=$k/kek" "oci:$work/shape-zstd:t" "oci:$work/none:t"
	refused "zstd for who says that it is for a guest" "zstd" "$work/none" image-crypt encrypt --target guest \
		--recipient "jwe:$k/rsa.pub" "oci:$work/shape-zstd:t" "oci:$work/none:t"
	decoder_gaps
}

opens_with_fd() { # opens_with_fd SRC ENCRYPTED KEY: the password comes on descriptor 7
	rm -rf "$work/plain"
	image-crypt decrypt --key "$3:fd=7" "$2" "dir:$work/plain" 7<"$work/keys/word" && diff <(bytes_of "$1") <(bytes_of "dir:$work/plain")
}

# A folder of keys as Kubernetes mounts a Secret: links, and files that are no keys.
decoder_gaps() {
	local k=$work/keys secret=$work/secret image=oci:$work/kinds/rsa/ours:t
	mkdir -p "$secret/..data"
	cp "$k/rsa.pem" "$secret/..data/key.pem"
	ln -s ..data/key.pem "$secret/key.pem"
	layer "$image" 0 >"$work/layer.json"
	peer-ocicrypt payload "$work/layer.json" >"$work/payload"
	layer_path "$image" 0 >"$work/layer.path"
	expect_refused "keys behind links: ctd-decoder" "Symbolic links not supported" decode ctd-decoder "$secret"
	expect_ok "keys behind links: our decoder" decode image-crypt-decoder "$secret"
	rm -r "$secret/key.pem" "$secret/..data"
	cp "$k/rsa.pem" "$secret/key.pem"
	echo "no key" >"$secret/README"
	expect_refused "a file that is no key: ctd-decoder" "Unknown decryption key type" decode ctd-decoder "$secret"
	expect_ok "a file that is no key: our decoder" decode image-crypt-decoder "$secret"
	expect_refused "no key: ctd-decoder" "missing private key needed for decryption" decode ctd-decoder ""
	expect_refused "no key: our decoder" "key" decode image-crypt-decoder ""
}

decode() { # decode PROGRAM FOLDER: the layer of $work/layer.path with the payload, to the source's bytes
	"$1" ${2:+--decryption-keys-path "$2"} 3<"$work/payload" <"$(<"$work/layer.path")" >"$work/decoded" &&
		cmp "$(layer_path "$src" 0)" "$work/decoded"
}

# ---- what is hostile -------------------------------------------------------------------------------------------------

# forge LAYOUT FILTER: its manifest through jq, with digests that fit again; and the first layer's file is $1/forged
# when it is there
forge() {
	local old digest manifest
	old=$(manifest_of "oci:$1:t" | jq -r '.layers[0].digest')
	manifest=$(manifest_of "oci:$1:t" | jq -c "$2")
	if [ -e "$1/forged" ]; then
		digest=$(put_blob "$1" "$1/forged")
		rm "$1/blobs/sha256/${old#*:}"
		manifest=$(jq -c --arg digest "$digest" --argjson size "$(size_of "$1/forged")" \
			'.layers[0].digest = $digest | .layers[0].size = $size' <<<"$manifest")
		rm "$1/forged"
	fi
	printf '%s' "$manifest" >"$work/manifest.tmp"
	put_index "$1" "$(descriptor $OCI.manifest.v1+json "$(put_blob "$1" "$work/manifest.tmp")" "$(size_of "$work/manifest.tmp")")"
	forged=$(jq -r '.layers[0].digest' <<<"$manifest")
}

hostile_copy() { # hostile_copy NAME: of our encrypted image, fresh; $layer_file and $forged are its first layer
	cp -r "$work/kinds/rsa/ours" "$work/hostile-$1"
	layer_file=$(layer_path "oci:$work/hostile-$1:t" 0)
	forged=sha256:${layer_file##*/}
}

flip() { # flip FILE AT: that byte's lowest bit
	local byte
	byte=$(od -An -tu1 -j "$2" -N1 "$1")
	printf '%b' "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

hostile() { # hostile NAME WORDS [KEY]: both who decrypts and who verifies refuse it, and name the layer
	local key=${3:-$work/keys/rsa.pem}
	refused "$1: decrypt refuses" "$2" "$work/out" image-crypt decrypt --key "$key" "oci:$work/hostile-$1:t" "oci:$work/out:t"
	names_the_layer "$1: and names the layer"
	refused "$1: into a registry, too" "$2" "$work/out" image-crypt decrypt --key "$key" "oci:$work/hostile-$1:t" \
		"docker://$registry/hostile/$1:t"
	expect_refused "$1: where no such image appears" "manifest unknown" \
		skopeo inspect --tls-verify=false "docker://$registry/hostile/$1:t"
	expect_refused "$1: verify refuses" "$2" image-crypt verify --key "$key" "oci:$work/hostile-$1:t"
	names_the_layer "$1: and names the layer"
}

names_the_layer() { # names_the_layer NAME: the last command did, by number or digest
	local status=0
	[[ $said == *"${forged:7:12}"* || $said == *"layer 0 of "* ]] || status=1
	check $status "$1" "expected: $forged"$'\n'"seen: $said"
}

hostiles() {
	local enc='.layers[0].annotations["'$ENC'.pubopts"]'
	hostile_copy flipped-bit
	flip "$layer_file" 7
	hostile flipped-bit "digest"
	hostile_copy flipped-bit-and-digest
	cp "$layer_file" "$work/hostile-flipped-bit-and-digest/forged"
	flip "$work/hostile-flipped-bit-and-digest/forged" 7
	forge "$work/hostile-flipped-bit-and-digest" .
	hostile flipped-bit-and-digest "HMAC"
	hostile_copy truncated
	truncate -s -1 "$layer_file"
	hostile truncated "bytes, and the manifest says"
	hostile_copy truncated-and-digest
	head -c -1 "$layer_file" >"$work/hostile-truncated-and-digest/forged"
	forge "$work/hostile-truncated-and-digest" .
	hostile truncated-and-digest "HMAC"
	hostile_copy wrong-hmac
	forge "$work/hostile-wrong-hmac" "$enc |= (@base64d | fromjson | .hmac = \"$(head -c 32 /dev/zero | base64 -w0)\" | tojson | @base64)"
	hostile wrong-hmac "HMAC"
	hostile_copy short-hmac
	forge "$work/hostile-short-hmac" "$enc |= (@base64d | fromjson | .hmac = \"AAAA\" | tojson | @base64)"
	hostile short-hmac "hmac"
	hostile_copy no-options
	forge "$work/hostile-no-options" "del($enc)"
	hostile no-options "pubopts"
	hostile_copy other-cipher
	forge "$work/hostile-other-cipher" "$enc |= (@base64d | fromjson | .cipher = \"ROT13\" | tojson | @base64)"
	hostile other-cipher "cipher"
	hostile_copy wrong-key
	hostile wrong-key "key" "$work/keys/other.pem"
	expect_refused "flipped-bit-and-digest: current skopeo's engine refuses it too" "could not properly decrypt byte stream" \
		copy_decrypt "oci:$work/hostile-flipped-bit-and-digest:t" "dir:$work/none3" "$work/keys/rsa.pem"
	pipe_hostile
}

# The decoder writes to a pipe, which cannot be taken back: of a layer below its hold-back nothing comes out at all.
pipe_hostile() {
	local from=oci:$work/hostile-flipped-bit-and-digest:t
	layer "$from" 0 >"$work/layer.json"
	peer-ocicrypt payload "$work/layer.json" "$work/keys/rsa.pem" >"$work/payload"
	layer_path "$from" 0 >"$work/layer.path"
	expect_refused "a flipped bit: our decoder fails" "HMAC" decode image-crypt-decoder ""
	expect_equal "a flipped bit: and nothing came out" 0 "$(size_of "$work/decoded")"
}

stage_set() { # images of ours and of skopeo, for RSA and EC, and one of zstd layers
	local who key
	two_layers
	mkdir -p "$work/kinds/rsa" "$work/kinds/P-256"
	for who in ours skopeo; do
		for key in rsa P-256; do
			need writes $who "$src" "oci:$work/kinds/$key/$who:t" "jwe:$work/keys/$key.pub"
		done
	done
	head -c 32 /dev/urandom >"$work/keys/kek"
	gzip -dk "$work/one.tar.gz" && zstd -q "$work/one.tar" && image "$work/shape-zstd" "$work/one.tar.zst=$ZSTD"
}

peers
prepared keys_plain
prepared keys_token
registry
stage_set
rewraps
gaps
hostiles
finish
