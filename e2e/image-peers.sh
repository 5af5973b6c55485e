# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
# What the journeys do with the peers of encrypted images, after e2e/images.sh: each peer's way to encrypt and to decrypt,
# under one form of words, and the assertions on them.
#
#   ours     image-crypt                               our-decoder  image-crypt-decoder, which only reads
#   skopeo   Debian's skopeo 1.9.3 (ocicrypt 1.0)      library      the ocicrypt module alone, layer by layer
#   copy     go.podman.io/image, as current skopeo     decoder      imgcrypt's ctd-decoder, which only reads

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
	put_index "$to" "$(descriptor "$OCI.manifest.v1+json" "$(put_blob "$to" "$work/manifest.tmp")" "$(size_of "$work/manifest.tmp")")"
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

# two_layers: $src, an image of two gzip layers that everybody encrypts
two_layers() {
	tree_tar "$work/one.tar" app=first a=1
	tree_tar "$work/two.tar" b=second
	gzip -n "$work/one.tar" "$work/two.tar"
	src=oci:$work/src:t
	image "$work/src" "$work/one.tar.gz=$GZIP" "$work/two.tar.gz=$GZIP"
}
