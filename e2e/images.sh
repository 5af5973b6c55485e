# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script; $work and $root are lib.sh's
# What the journeys about encrypted images share, after e2e/lib.sh: images made by hand, keys of every kind, a registry
# of their own, and the programs on PATH: ours, and the peers of e2e/image-peer.

programs=${COCOON_PROGRAMS:-$root/out/release-gcc/bin}
readonly OCI=application/vnd.oci.image DOCKER=application/vnd.docker
readonly GZIP=$OCI.layer.v1.tar+gzip ZSTD=$OCI.layer.v1.tar+zstd PLAIN=$OCI.layer.v1.tar
readonly ENC=org.opencontainers.image.enc

peers() { # the peers are built and on PATH, with ours
	local folder
	folder=$("$root/e2e/image-peer/build.sh" 2>"$work/peers.log") || {
		check 1 "the peers build" "$(tail -n 20 "$work/peers.log")"
		exit 1
	}
	PATH=$folder:$programs:$PATH
}

# ---- images ----------------------------------------------------------------------------------------------------

sum_of() { # sum_of FILE: its digest
	local sum
	sum=$(sha256sum <"$1")
	echo "sha256:${sum%% *}"
}

size_of() { stat -c %s -- "$1"; }

tree_tar() { # tree_tar FILE [NAME=CONTENT…]: a tar of small files, the same for the same input
	local tree pair
	tree=$(mktemp -d "$work/tree.XXXX")
	for pair in "${@:2}"; do printf '%s\n' "${pair#*=}" >"$tree/${pair%%=*}"; done
	tar -C "$tree" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$1" .
	rm -rf -- "$tree"
}

put_blob() { # put_blob LAYOUT FILE: into the layout; prints its digest
	local digest
	digest=$(sum_of "$2")
	mkdir -p "$1/blobs/sha256"
	cp -- "$2" "$1/blobs/sha256/${digest#*:}"
	echo "$digest"
}

plain_of() { # plain_of FILE TYPE: what is in it, uncompressed
	case $2 in
	*gzip) gzip -dc "$1" ;;
	*zstd) zstd -qdc "$1" ;;
	*) cat -- "$1" ;;
	esac
}

descriptor() { # descriptor TYPE DIGEST SIZE
	printf '{"mediaType":"%s","digest":"%s","size":%s}' "$@"
}

# manifest LAYOUT OS/ARCHITECTURE FILE=TYPE…: config and manifest as blobs; prints the manifest's descriptor
manifest() {
	local layout=$1 platform=$2 pair file type digest ids='' layers='' config
	for pair in "${@:3}"; do
		file=${pair%%=*} type=${pair#*=}
		digest=$(put_blob "$layout" "$file")
		layers+=${layers:+,}$(descriptor "$type" "$digest" "$(size_of "$file")")
		plain_of "$file" "$type" >"$work/plain.tmp"
		ids+=${ids:+,}\"$(sum_of "$work/plain.tmp")\"
	done
	printf '{"architecture":"%s","os":"%s","config":{"Entrypoint":["/app"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"${platform#*/}" "${platform%/*}" "$ids" >"$work/config.tmp"
	config=$(put_blob "$layout" "$work/config.tmp")
	printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s],"annotations":{"org.example.kept":"yes"}}' \
		$OCI.manifest.v1+json "$(descriptor $OCI.config.v1+json "$config" "$(size_of "$work/config.tmp")")" "$layers" \
		>"$work/manifest.tmp"
	digest=$(put_blob "$layout" "$work/manifest.tmp")
	descriptor $OCI.manifest.v1+json "$digest" "$(size_of "$work/manifest.tmp")"
}

put_index() { # put_index LAYOUT DESCRIPTOR…: the layout's index.json, each with the tag "t", and its version
	echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
	printf '%s\n' "${@:2}" | jq -s '{schemaVersion: 2, manifests: map(.annotations["org.opencontainers.image.ref.name"] = "t")}' \
		>"$1/index.json"
}

image() { # image LAYOUT FILE=TYPE…: an image with the tag "t"
	put_index "$1" "$(manifest "$1" linux/amd64 "${@:2}")"
}

several() { # several LAYOUT FILE=TYPE…: an index "t" of two platforms, each with these layers
	local digest
	printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s,%s],"annotations":{"org.example.index":"kept"}}' \
		$OCI.index.v1+json \
		"$(manifest "$1" linux/amd64 "${@:2}" | jq -c '.platform = {os: "linux", architecture: "amd64"}')" \
		"$(manifest "$1" linux/arm64 "${@:2}" | jq -c '.platform = {os: "linux", architecture: "arm64"}')" >"$work/index.tmp"
	digest=$(put_blob "$1" "$work/index.tmp")
	put_index "$1" "$(descriptor $OCI.index.v1+json "$digest" "$(size_of "$work/index.tmp")")"
}

blob() { # blob LAYOUT DIGEST: its path
	echo "$1/blobs/sha256/${2#*:}"
}

layout_of() { # layout_of oci:LAYOUT:t
	local layout=${1#oci:}
	echo "${layout%:t}"
}

first_digest() { # first_digest JSON: of the first descriptor in it; in the shell, as it is asked a thousand times
	[[ $1 =~ \"digest\":\ *\"sha256:([0-9a-f]{64})\" ]] && echo "sha256:${BASH_REMATCH[1]}"
}

# manifest_of PLACE [NUMBER]: the manifest's JSON of oci:LAYOUT:t or dir:FOLDER; of an index the one with that number
manifest_of() {
	local layout text
	if [[ $1 == dir:* ]]; then
		cat "${1#dir:}/manifest.json"
		return
	fi
	layout=$(layout_of "$1")
	text=$(<"$(blob "$layout" "$(first_digest "$(<"$layout/index.json")")")") || return 1
	if [[ $text == *\"manifests\":* ]]; then
		text=$(<"$(blob "$layout" "$(jq -r --argjson n "${2:-0}" '.manifests[$n].digest' <<<"$text")")")
	fi
	printf '%s\n' "$text"
}

file_of() { # file_of PLACE DESCRIPTOR: where the blob of that descriptor (JSON) lies
	local digest
	digest=$(first_digest "$2") || return 1
	case $1 in
	dir:*) echo "${1#dir:}/${digest#*:}" ;;
	*) blob "$(layout_of "$1")" "$digest" ;;
	esac
}

layer() { # layer PLACE NUMBER: that layer's descriptor
	manifest_of "$1" | jq -c --argjson n "$2" '.layers[$n]'
}

layer_path() { # layer_path PLACE NUMBER: that layer's file
	file_of "$1" "$(layer "$1" "$2")"
}

# bytes_of PLACE [NUMBER]: the digests of config and layers, which the same content has everywhere
bytes_of() {
	manifest_of "$@" | jq -r '.config.digest, .layers[].digest'
}

# ---- a registry ------------------------------------------------------------------------------------------------

registry_address() { sed -n 's/.*listening on \([0-9.:]*\)[ ,"].*/\1/p' "$work/registry.log" | head -n 1 | grep .; }

registry() { # Debian's docker-registry, on a port of its own; its address is $registry
	cat >"$work/registry.yaml" <<-END
		version: 0.1
		log: {level: info, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $work/registry}, delete: {enabled: true}}
		http: {addr: 127.0.0.1:0}
	END
	docker-registry serve "$work/registry.yaml" >"$work/registry.log" 2>&1 &
	made_processes+=("$!")
	need await 20 registry_address
	registry=$(registry_address)
}

# ---- keys ------------------------------------------------------------------------------------------------------

jwk() { # jwk NAME TEMPLATE MORE: NAME.jwk and NAME-pub.jwk; jose knows no RSA-OAEP-256, so it is said afterwards
	local k=$work/keys
	jose jwk gen -i "$2" | jq -c --argjson more "$3" 'del(.key_ops) + $more' >"$k/$1.jwk" &&
		jq -c '{kty, n, e, crv, x, y, alg, kid} | with_entries(select(.value != null))' "$k/$1.jwk" >"$k/$1-pub.jwk"
}

keys_plain() { # RSA and elliptic curves in PEM, a certificate, JWKs, and keys of somebody else, into $work/keys
	local curve k=$work/keys
	mkdir -p "$k"
	openssl genrsa -out "$k/rsa.pem" 2048 &&
		openssl pkey -in "$k/rsa.pem" -pubout -out "$k/rsa.pub" &&
		openssl genrsa -out "$k/other.pem" 2048 &&
		openssl pkey -in "$k/other.pem" -pubout -out "$k/other.pub" &&
		openssl req -new -x509 -key "$k/rsa.pem" -subj "/CN=image owner" -days 30 -out "$k/cert.pem" &&
		openssl req -new -x509 -key "$k/other.pem" -subj "/CN=somebody else" -days 30 -out "$k/other.cert" || return 1
	for curve in P-256 P-384 P-521; do
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:$curve -out "$k/$curve.pem" &&
			openssl pkey -in "$k/$curve.pem" -pubout -out "$k/$curve.pub" || return 1
	done
	jwk rsa '{"kty": "RSA", "bits": 2048}' '{"alg": "RSA-OAEP-256", "kid": "owner"}' &&
		jwk ec '{"kty": "EC", "crv": "P-256"}' '{"alg": "ECDH-ES+A128KW"}'
}

keys_gnupg() { # an OpenPGP key in a home of its own: GNUPGHOME, and $work/keys/ring.gpg with the secret part
	export GNUPGHOME=$work/gnupg
	mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key 'Owner <owner@example.com>' rsa2048 default never &&
		gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-add-key \
			"$(gpg --list-keys --with-colons | awk -F: '/^fpr/ { print $10; exit }')" rsa2048 encr never &&
		gpg --batch --quiet --export-secret-keys >"$work/keys/ring.gpg"
}

keys_token() { # an RSA key inside SoftHSM: $work/keys/token.yaml, and its public half token.pub
	local k=$work/keys
	export SOFTHSM2_CONF=$work/softhsm.conf OCICRYPT_OAEP_HASHALG=sha1 OCICRYPT_CONFIG=internal
	mkdir -p "$work/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$SOFTHSM2_CONF"
	softhsm2-util --init-token --free --label image --pin 1234 --so-pin 5678 &&
		pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label image --login --pin 1234 \
			--keypairgen --key-type rsa:2048 --label key --id 01 &&
		pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label image --read-object --type pubkey \
			--label key --output-file "$work/token.der" &&
		openssl pkey -pubin -inform DER -in "$work/token.der" -pubout -out "$k/token.pub" || return 1
	cat >"$k/token.yaml" <<-END
		pkcs11:
		  uri: pkcs11:token=image;object=key;type=private?module-name=softhsm2&pin-value=1234
		module:
		  env:
		    SOFTHSM2_CONF: $SOFTHSM2_CONF
	END
}
