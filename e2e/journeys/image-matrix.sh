#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Encrypted images between image-crypt and the programs of others: every kind of recipient, written by each and read by
# each, then every shape of image and layer, and what is hostile. A cell that a peer does not support asserts the
# peer's own words. Needs no cluster. The peers:
#
#   skopeo   Debian's skopeo 1.9.3 (ocicrypt 1.0)      library  the ocicrypt module alone, layer by layer
#   copy     go.podman.io/image, as current skopeo     decoder  imgcrypt's ctd-decoder, which only reads
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/images.sh
. e2e/images.sh

cleanup() { gpgconf --kill all; }

# ---- everybody's verbs: WHO_encrypt SRC DST RECIPIENT…, WHO_decrypt SRC DST KEY… ----------------------------------

spread() { # spread OPTION WORD…: into $spread, each word after the option
	local word
	spread=()
	for word in "${@:2}"; do spread+=("$1" "$word"); done
}

ours_encrypt() {
	spread --recipient "${@:3}"
	image-crypt encrypt --target containerd "${spread[@]}" "$1" "$2"
}

ours_decrypt() {
	spread --key "${@:3}"
	image-crypt decrypt "${spread[@]}" "$1" "$2"
}

skopeo_copy() { skopeo --insecure-policy copy --quiet --src-tls-verify=false --dest-tls-verify=false "$@"; }

skopeo_encrypt() {
	spread --encryption-key "${@:3}"
	skopeo_copy "${spread[@]}" "$1" "$2"
}

skopeo_decrypt() {
	spread --decryption-key "${@:3}"
	skopeo_copy "${spread[@]}" "$1" "$2"
}

copy_encrypt() {
	spread --encryption-key "${@:3}"
	peer-copy "${spread[@]}" "$1" "$2"
}

copy_decrypt() {
	spread --decryption-key "${@:3}"
	peer-copy "${spread[@]}" "$1" "$2"
}

library_encrypt() { # oci:…:t to oci:…:t, layer by layer
	local to text line layers=''
	to=$(layout_of "$2")
	mkdir -p "$to/blobs/sha256"
	text=$(manifest_of "$1")
	while IFS= read -r line; do
		printf '%s' "$line" >"$work/layer.old"
		peer-ocicrypt encrypt "$work/layer.old" "$work/layer.new" "${@:3}" \
			<"$(file_of "$1" "$line")" >"$work/layer.enc" || return 1
		line=$(<"$work/layer.new")
		layers+=${layers:+,}$line
		mv "$work/layer.enc" "$(file_of "$2" "$line")"
	done < <(jq -c '.layers[]' <<<"$text")
	line=$(jq -c .config <<<"$text")
	cp "$(file_of "$1" "$line")" "$(file_of "$2" "$line")"
	jq -c --argjson layers "[$layers]" '.layers = $layers' <<<"$text" >"$work/manifest.tmp"
	put_index "$to" "$(descriptor $OCI.manifest.v1+json "$(put_blob "$to" "$work/manifest.tmp")" "$(size_of "$work/manifest.tmp")")"
}

# The readers of layers: WHO_layer DESCRIPTOR KEY… <encrypted >plain
library_layer() { peer-ocicrypt decrypt "$@"; }

decoder_layer() {
	peer-ocicrypt payload "$@" >"$work/payload" && ctd-decoder 3<"$work/payload"
}

our-decoder_layer() {
	peer-ocicrypt payload "$@" >"$work/payload" && image-crypt-decoder 3<"$work/payload"
}

# layers_open WHO SRC ENCRYPTED KEY…: each layer of the encrypted image becomes that of the source
layers_open() {
	local plain=() encrypted=() n
	mapfile -t plain < <(manifest_of "$2" | jq -c '.layers[]')
	mapfile -t encrypted < <(manifest_of "$3" | jq -c '.layers[]')
	[ ${#plain[@]} -gt 0 ] && [ ${#plain[@]} -eq ${#encrypted[@]} ] || return 1
	for ((n = 0; n < ${#plain[@]}; n++)); do
		printf '%s' "${encrypted[n]}" >"$work/layer.json"
		"$1_layer" "$work/layer.json" "${@:4}" <"$(file_of "$3" "${encrypted[n]}")" >"$work/layer.plain" || return 1
		cmp "$(file_of "$2" "${plain[n]}")" "$work/layer.plain" || return 1
	done
}

# opens WHO SRC ENCRYPTED KEY…: the reader gets the source's bytes out of it
opens() {
	case $1 in
	library | decoder | our-decoder) layers_open "$@" ;;
	*)
		rm -rf "$work/plain"
		"$1_decrypt" "$3" "dir:$work/plain" "${@:4}" && diff <(bytes_of "$2") <(bytes_of "dir:$work/plain")
		;;
	esac
}

# sealed PLACE: every layer is encrypted, and says for whom
sealed() {
	manifest_of "$1" | jq -e --arg enc "$ENC" '.layers | length > 0 and all(.mediaType[-10:] == "+encrypted" and
		.annotations[$enc + ".pubopts"] and (.annotations | keys | any(startswith($enc + ".keys."))))'
}

writes() { # writes WHO SRC DST RECIPIENT…
	"$1_encrypt" "${@:2}" && sealed "$3"
}

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

platforms() { # platforms LAYOUT: of its index, and the index's annotations
	jq -c '[.manifests[].platform | .os + "/" + .architecture]' \
		"$(blob "$1" "$(jq -r '.manifests[0].digest' "$1/index.json")")" | tr '\n' ' '
	jq -c .annotations "$(blob "$1" "$(jq -r '.manifests[0].digest' "$1/index.json")")"
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

# refused NAME PART PLACE COMMAND…: status 1 or 2, these words, and nothing at the place, which was not there before
refused() {
	local status=0
	rm -rf "$3"
	run "${@:4}" || status=$?
	case $status in
	1 | 2) status=0 ;;
	*) said+=" (status $status)" && status=1 ;;
	esac
	[[ $said == *"$2"* ]] || status=1
	if [ -e "$3" ]; then
		said+=$'\n'"left: $(find "$3")"
		status=1
	fi
	check "$status" "$1" "expected: $2"$'\n'"seen: $said"
}

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

peers
prepared keys_plain
prepared keys_gnupg
prepared keys_token
provider
registry
tree_tar "$work/a.tar" app=first a=1
tree_tar "$work/b.tar" b=second
gzip -nk "$work/a.tar" && mv "$work/a.tar.gz" "$work/one.tar.gz"
gzip -nk "$work/b.tar" && mv "$work/b.tar.gz" "$work/two.tar.gz"
src=oci:$work/src:t
image "$work/src" "$work/one.tar.gz=$GZIP" "$work/two.tar.gz=$GZIP"
kinds
providers
crowd
lengths
shapes
transports
indexes
parts
rewraps
gaps
hostiles
finish
