#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# image-crypt on images as tools make them: what each command writes, prints and refuses. TAP.
# Usage: tests/cli/image-crypt.sh OUT
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
crypt=$bin/image-crypt
kbs=kbs:///default/key/1
export XDG_RUNTIME_DIR=$work HOME=$work
unset OCICRYPT_KEYPROVIDER_CONFIG OCICRYPT_CONFIG OCICRYPT_OAEP_HASHALG REGISTRY_AUTH_FILE DOCKER_CONFIG GNUPGHOME

# layout NAME LAYER…: an OCI layout whose image :t has these layers (TYPE=FILE), the config names linux/amd64
blob() { # blob LAYOUT FILE: stored under its digest, which is printed
	local digest
	digest=$(sha256sum "$2") digest=${digest%% *}
	cp "$2" "$1/blobs/sha256/$digest"
	echo "$digest"
}
layout() {
	local name=$1 layers='' layer digest
	shift
	mkdir -p "$name/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$name/oci-layout"
	printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' "${arch:-amd64}" >config.json
	for layer in "$@"; do
		digest=$(blob "$name" "${layer#*=}")
		layers+=${layers:+,}$(printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "${layer%%=*}" "$digest" "$(stat -c %s "${layer#*=}")")
	done
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"sha256:%s","size":%d},"layers":[%s],"annotations":{"keep":"me"}}' \
		"${manifest_type:-application/vnd.oci.image.manifest.v1+json}" "${config_type:-application/vnd.oci.image.config.v1+json}" \
		"$(blob "$name" config.json)" "$(stat -c %s config.json)" "$layers" >manifest.json
	digest=$(blob "$name" manifest.json)
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"t"}}]}' \
		"${manifest_type:-application/vnd.oci.image.manifest.v1+json}" "$digest" "$(stat -c %s manifest.json)" >"$name/index.json"
}
manifest() { # manifest LAYOUT [TAG]: its text
	local digest
	digest=$(jq -r --arg t "${2:-t}" '.manifests[]|select(.annotations["org.opencontainers.image.ref.name"]==$t).digest' "$1/index.json")
	cat "$1/blobs/sha256/${digest#sha256:}"
}

openssl genrsa -out priv.pem 2048 2>/dev/null && openssl rsa -in priv.pem -pubout -out pub.pem 2>/dev/null
openssl genrsa -out other.pem 2048 2>/dev/null
openssl genrsa -aes256 -passout pass:geheim -out locked.pem 2048 2>/dev/null
openssl rsa -in locked.pem -passin pass:geheim -pubout -out locked.pub 2>/dev/null
head -c 32 /dev/urandom >kek
head -c 300000 /dev/urandom >random && tar cf a.tar random && gzip -nk a.tar && tar cf b.tar priv.pem && : >empty
tar=application/vnd.oci.image.layer.v1.tar
layout src $tar+gzip=a.tar.gz $tar=b.tar $tar=empty

# ---- there and back ----
ok 'encrypts for a key file and a key broker' "$crypt" encrypt -r jwe:pub.pem --kbs-key $kbs=kek oci:src:t oci:enc:t
same 'and says the digest that the index has' "$(jq -r .manifests[0].digest enc/index.json)" "$(tail -n 1 stdout)"
same 'every layer has the suffix' "$tar+gzip+encrypted $tar+encrypted $tar+encrypted" "$(manifest enc | jq -r '[.layers[].mediaType]|join(" ")')"
same 'sizes stay' "$(manifest src | jq -c '[.layers[].size]')" "$(manifest enc | jq -c '[.layers[].size]')"
same 'the config stays' "$(manifest src | jq -c .config)" "$(manifest enc | jq -c .config)"
source=dev.cocoon.image.source
same 'members unknown to us stay, beside the digest of the plain image' "{\"keep\":\"me\",\"$source\":$(jq .manifests[0].digest src/index.json)}" "$(manifest enc | jq -c .annotations)"
same 'which inspect says' "encrypted from $(jq -r .manifests[0].digest src/index.json)" "$("$crypt" inspect oci:enc:t | sed -n 's/^linux.amd64: \(encrypted from\)/\1/p')"
ok 'and nobody need know' "$crypt" encrypt -q --no-source -r jwe:pub.pem oci:src:t oci:unlinked:t
same 'who does not want it' '{"keep":"me"}' "$(manifest unlinked | jq -c .annotations)"
same 'no layer lies there in clear' 0 "$(manifest src | jq -r '.layers[].digest' | sed 's/sha256:/enc\/blobs\/sha256\//' | xargs ls 2>/dev/null | grep -vc e3b0c44298fc1c14)"
ok 'verifies with the private key' "$crypt" verify --key priv.pem oci:enc:t
ok 'verifies with the broker'"'"'s key' "$crypt" verify --kbs-key $kbs=kek oci:enc:t
ok 'decrypts with the private key' "$crypt" decrypt -k priv.pem oci:enc:t oci:dec:t
same 'to the layers that there were' "$(manifest src | jq -c '[.layers[]|[.mediaType,.digest,.size]]')" "$(manifest dec | jq -c '[.layers[]|[.mediaType,.digest,.size]]')"
same 'without annotations' null "$(manifest dec | jq -c '.layers[0].annotations')"
same 'and the manifest that there was, byte for byte' "$(manifest src)" "$(manifest dec)"
ok 'decrypts with the broker'"'"'s key, from and to archives' bash -c '"$1" encrypt --kbs-key $2=kek oci:src:t oci-archive:enc.tar:x && "$1" decrypt --kbs-key $2=kek oci-archive:enc.tar:x dir:plain' _ "$crypt" $kbs
same 'with the same result' "$(manifest dec | jq -c .layers)" "$(jq -c .layers plain/manifest.json)"
same 'two runs give different layers' 2 "$("$crypt" encrypt -q -r jwe:pub.pem oci:src:t oci:enc:again >/dev/null && { manifest enc t; manifest enc again; } | jq -r '.layers[0].digest' | sort -u | wc -l)"
ok 'a locked key with its password in a file' bash -c 'echo geheim >pw; "$1" encrypt -r jwe:locked.pub oci:src:t oci:locked:t && "$1" verify -k locked.pem:file=pw oci:locked:t' _ "$crypt"
ok 'and through a descriptor' bash -c '"$1" verify -k locked.pem:fd=7 oci:locked:t 7<pw' _ "$crypt"
ok 'a password in sight works and is warned of' bash -c '"$1" verify -k locked.pem:pass=geheim oci:locked:t 2>warned && grep -q "^warning: a password on the command line" warned && ! grep -q geheim warned' _ "$crypt"
fails 1 'password' 'a wrong password is refused' "$crypt" verify -k locked.pem:pass=falsch oci:locked:t

ok 'writes an image without a tag beside others' "$crypt" encrypt -r jwe:pub.pem oci:src:t oci:enc

# ---- some layers, some platforms ----
ok 'encrypts the last layer alone' "$crypt" encrypt -r jwe:pub.pem --layer -1 --layer 0 oci:src:t oci:part:t
same 'and leaves the others' "$tar+gzip+encrypted $tar $tar+encrypted" "$(manifest part | jq -r '[.layers[].mediaType]|join(" ")')"
same 'with their digests' "$(manifest src | jq -r '.layers[1].digest')" "$(manifest part | jq -r '.layers[1].digest')"
fails 2 'layer' 'refuses a layer that is not there' "$crypt" encrypt -r jwe:pub.pem --layer 3 oci:src:t oci:x:t
fails 2 'layer' 'refuses one that is not there from the end' "$crypt" encrypt -r jwe:pub.pem --layer=-4 oci:src:t oci:x:t
fails 1 'encrypted already' 'refuses to encrypt twice' "$crypt" encrypt -r jwe:pub.pem oci:enc:t oci:x:t
ok 'decrypts a part of them' "$crypt" decrypt -k priv.pem --layer 0 oci:enc:t oci:some:t
same 'which keeps the digest of the plain image' "$(jq -r .manifests[0].digest src/index.json)" "$(manifest some | jq -r ".annotations[\"$source\"]")"
ok 'encrypts that part again' "$crypt" encrypt -q -r jwe:pub.pem --layer 0 oci:some:t oci:someenc:t
same 'which is no other plain image' "$(jq -r .manifests[0].digest src/index.json)" "$(manifest someenc | jq -r ".annotations[\"$source\"]")"
same 'and leaves the rest encrypted' "$tar+gzip $tar+encrypted $tar+encrypted" "$(manifest some | jq -r '[.layers[].mediaType]|join(" ")')"
arch=arm64 layout arm $tar+gzip=a.tar.gz
cp arm/blobs/sha256/* src/blobs/sha256/
amd=$(jq -c '.manifests[0]|del(.annotations)|.platform={"os":"linux","architecture":"amd64"}' src/index.json)
arm=$(jq -c '.manifests[0]|del(.annotations)|.platform={"os":"linux","architecture":"arm64","variant":"v8"}' arm/index.json)
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s,%s],"annotations":{"both":"kept"}}' "$amd" "$arm" >index
cp -r src multi
jq -c --arg d "sha256:$(blob multi index)" --argjson s "$(stat -c %s index)" '.manifests[0]={mediaType:"application/vnd.oci.image.index.v1+json",digest:$d,size:$s,annotations:.manifests[0].annotations}' src/index.json >multi/index.json
ok 'an index stays one' "$crypt" encrypt -r jwe:pub.pem oci:multi:t oci:multienc:t
same 'with all its platforms and annotations' '["amd64","arm64"] kept' "$(manifest multienc | jq -r '([.manifests[].platform.architecture]|tostring)+" "+.annotations.both')"
same 'with the digests that they were made from' "$(jq -r '[.manifests[0].digest]+["'"$(jq -r .digest <<<"$amd")"'","'"$(jq -r .digest <<<"$arm")"'"]|join(" ")' multi/index.json)" "$("$crypt" inspect -o json oci:multienc:t | jq -r '[.source,.images[].source]|join(" ")')"
ok 'which go with the encryption' "$crypt" decrypt -q -k priv.pem oci:multienc:t oci:multidec:t
same 'and leave the index that there was' "$(manifest multi)" "$(manifest multidec)"
same 'all their layers are encrypted' 4 "$("$crypt" inspect -o json oci:multienc:t | jq '[.images[].layers[]|select(.encrypted)]|length')"
same 'equal layers are one blob' 1 "$("$crypt" inspect -o json oci:multienc:t | jq -r '.images[].layers[0].digest' | sort -u | wc -l)"
ok 'one platform alone' "$crypt" encrypt -r jwe:pub.pem --platform linux/arm64 oci:multi:t oci:armenc:t
ok 'and warns of a layer that the other names too' bash -c '"$1" encrypt -q -r jwe:pub.pem --platform linux/arm64 oci:multi:t oci:armenc:t 2>&1 >/dev/null | grep -q "^warning: sha256:.* in clear as well"' _ "$crypt"
same 'and has no source there' 'null' "$("$crypt" inspect -o json oci:armenc:t | jq -r '.images[0].source')"
same 'leaves the other as it was' "$(jq -r .digest <<<"$amd")" "$(manifest armenc | jq -r '.manifests[0].digest')"
fails 2 "no image for the platform 'linux/s390x'; it has linux/amd64, linux/arm64/v8" 'names the platforms that there are' "$crypt" encrypt -r jwe:pub.pem --platform linux/s390x oci:multi:t oci:x:t
ok 'verifies every platform' "$crypt" verify -k priv.pem oci:multienc:t

# ---- docker, zstd, foreign ----
manifest_type=application/vnd.docker.distribution.manifest.v2+json config_type=application/vnd.docker.container.image.v1+json \
	layout docker application/vnd.docker.image.rootfs.diff.tar.gzip=a.tar.gz application/vnd.docker.image.rootfs.diff.tar.gzip=b.tar
ok 'a docker image takes the OCI form' "$crypt" encrypt -r jwe:pub.pem --layer 0 oci:docker:t oci:dockerenc:t
same 'in manifest, config and layers' "application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json $tar+gzip+encrypted $tar+gzip" \
	"$(manifest dockerenc | jq -r '[.mediaType,.config.mediaType,.layers[].mediaType]|join(" ")')"
layout zstd $tar+zstd=a.tar
fails 1 'zstd.*containerd' 'refuses zstd for guests' "$crypt" encrypt --kbs-key $kbs=kek oci:zstd:t oci:x:t
ok 'takes it when containerd will read it' "$crypt" encrypt --target containerd --kbs-key $kbs=kek oci:zstd:t oci:zstdenc:t
same 'inspect says that guests do not' 'no no' "$("$crypt" inspect -o json oci:zstdenc:t | jq -r '[.images[0].layers[0].guests[].reads]|join(" ")')"
layout foreign $tar+gzip=a.tar.gz application/vnd.oci.image.layer.nondistributable.v1.tar+gzip=b.tar
ok 'leaves layers from elsewhere' "$crypt" encrypt -r jwe:pub.pem oci:foreign:t oci:foreignenc:t
same 'as they are' application/vnd.oci.image.layer.nondistributable.v1.tar+gzip "$(manifest foreignenc | jq -r '.layers[1].mediaType')"
fails 1 'layer 1' 'refuses one that was asked for' "$crypt" encrypt -r jwe:pub.pem --layer 1 oci:foreign:t oci:x:t

# ---- rewrap ----
openssl rsa -in other.pem -pubout -out other.pub 2>/dev/null
ok 'adds a recipient' "$crypt" rewrap -k priv.pem --add jwe:other.pub oci:enc:t oci:enc:two
same 'without a change of the layers' "$(manifest enc t | jq -c '[.layers[].digest]')" "$(manifest enc two | jq -c '[.layers[].digest]')"
ok 'who can read them' "$crypt" verify -k other.pem oci:enc:two
ok 'as the first still can' "$crypt" verify -k priv.pem oci:enc:two
ok 'removes one' "$crypt" rewrap --remove jwe:0 --remove $kbs oci:enc:two oci:enc:one
fails 1 'layer 0' 'who cannot read them any more' "$crypt" verify -k priv.pem oci:enc:one
ok 'the other can' "$crypt" verify -k other.pem oci:enc:one
fails 1 'at least one recipient' 'refuses to lock everybody out' "$crypt" rewrap --remove jwe oci:enc:one oci:enc:none
fails 1 'no wrapped key of this layer is meant' 'refuses to remove what is not there' "$crypt" rewrap --remove pgp oci:enc:one oci:enc:none
fails 2 'needs a --key' 'cannot add without a key' "$crypt" rewrap --add jwe:pub.pem oci:enc:one oci:enc:none
ok 'three recipients' "$crypt" encrypt -r jwe:pub.pem -r jwe:other.pub -r jwe:locked.pub oci:src:t oci:three:t
ok 'of whom two go: the indexes are those of before' "$crypt" rewrap --remove jwe:0 --remove jwe:1 oci:three:t oci:three:third
ok 'the third stays' "$crypt" verify -k locked.pem:file=pw oci:three:third
fails 1 'layer 0' 'and not the second' "$crypt" verify -k other.pem oci:three:third
fails 1 'layer 1 of .* is not encrypted' 'a layer that was asked for and is not encrypted' "$crypt" rewrap --layer 1 --remove jwe:0 oci:part:t oci:x:t
jq -c '.layers[0].annotations["org.opencontainers.image.enc.keys.provider.elsewhere"]="Zm9yZWlnbg=="' <(manifest enc one) | tr -d '\n' >foreign.json
jq -c --arg d "sha256:$(blob enc foreign.json)" --argjson s "$(stat -c %s foreign.json)" '.manifests += [(.manifests[0]|.digest=$d|.size=$s|.annotations["org.opencontainers.image.ref.name"]="f")]' enc/index.json >index && cp index enc/index.json
ok 'adds beside a provider that nobody knows here' "$crypt" rewrap -k other.pem --add jwe:pub.pem oci:enc:f oci:enc:g
same 'whose key it keeps' Zm9yZWlnbg== "$(manifest enc g | jq -r '.layers[0].annotations["org.opencontainers.image.enc.keys.provider.elsewhere"]')"

# ---- what it says ----
ok 'inspect prints the table of the ecosystem' "$crypt" inspect oci:enc:t
same 'with its columns' '# DIGEST PLATFORM SIZE ENCRYPTION RECIPIENTS KBS KEYS GUESTS READ' "$(head -n 1 stdout | tr -s ' ')"
same 'and says the key of the broker' $kbs "$("$crypt" inspect -o json oci:enc:t | jq -r '.images[0].layers[0].kbsKeys[]')"
same 'encrypt speaks JSON' "oci:j:t 3" "$("$crypt" encrypt -o json -r jwe:pub.pem oci:src:t oci:j:t | jq -r '.image+" "+(.layers|length|tostring)')"
same 'and verify' '3 0' "$("$crypt" verify -o json -k priv.pem oci:j:t | jq -r '[.authenticLayers,.plainLayers]|join(" ")')"
ok 'verify --digests-only needs no key' "$crypt" verify --digests-only oci:enc:t
ok 'no progress where there is no terminal' bash -c '"$1" verify -k priv.pem oci:enc:t 2>err && [ ! -s err ]' _ "$crypt"
ok 'progress on a terminal' script -qec "'$crypt' verify -k priv.pem oci:enc:t" /dev/null
ok 'and lines that go away' grep -q $'\033\\[J' last

same 'a name that is no UTF-8 is no trouble' 'oci:e?c:t' "$(cp -r enc $'e\xffc' && "$crypt" inspect -o json $'oci:e\xffc:t' | jq -r .image)"
same 'nor for verify' 'oci:e?c:t' "$("$crypt" verify -o json --digests-only $'oci:e\xffc:t' | jq -r .image)"
same 'nor for encrypt' 'oci:s?c:t' "$("$crypt" encrypt -o json -r jwe:pub.pem oci:src:t $'oci:s\xffc:t' | jq -r .image)"

# ---- indexes as others make them ----
index() { # index LAYOUT ENTRY…: its image :t is an index of these entries
	local name=$1
	shift
	local IFS=,
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$*" >index
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"t"}}]}' \
		"$(blob "$name" index)" "$(stat -c %s index)" >"$name/index.json"
}
entry() { jq -c --argjson p "$2" '.manifests[0]|del(.annotations)|.platform=$p' "$1/index.json"; } # entry LAYOUT PLATFORM
layout escape $tar=b.tar
index escape "$(entry escape '{"os":"\u001b[2Jli\nnux","architecture":"amd64"}')"
ok "a platform's name cannot speak to the terminal" bash -c '"$1" inspect oci:escape:t | tee table | grep -q "?\[2Jli?nux/amd64" && ! grep -q $'"'\\e'"' table' _ "$crypt"
layout foreign2 application/vnd.docker.image.rootfs.foreign.diff.tar.gzip=a.tar.gz $tar=b.tar
jq -c '.layers[0].urls=["https://vendor.example/layer"]' <(manifest foreign2) | tr -d '\n' >with-urls.json
jq -c --arg d "sha256:$(blob foreign2 with-urls.json)" --argjson s "$(stat -c %s with-urls.json)" '.manifests[0]|=(.digest=$d|.size=$s)' foreign2/index.json >index && cp index foreign2/index.json
rm "foreign2/blobs/sha256/$(sha256sum a.tar.gz | cut -d' ' -f1)"
ok 'a layer that lies at its vendor is not looked for' "$crypt" encrypt -r jwe:pub.pem oci:foreign2:t oci:foreign3:t
same 'and stays named' https://vendor.example/layer "$(manifest foreign3 | jq -r '.layers[0].urls[0]')"
layout sizes $tar=b.tar $tar=b.tar
jq -c '.layers[1].size=5' <(manifest sizes) | tr -d '\n' >lie.json
jq -c --arg d "sha256:$(blob sizes lie.json)" --argjson s "$(stat -c %s lie.json)" '.manifests[0]|=(.digest=$d|.size=$s)' sizes/index.json >index && cp index sizes/index.json
fails 1 'bytes here and 5 elsewhere\|5 bytes here' 'one digest with two sizes' "$crypt" verify oci:sizes:t

# the same encrypted layer in two platforms, of which one has other recipients
layout twin $tar=a.tar && "$crypt" encrypt -q -r jwe:pub.pem oci:twin:t oci:twinenc:t >/dev/null
first=$(entry twinenc '{"os":"linux","architecture":"amd64"}')
"$crypt" rewrap -q -k priv.pem --add jwe:other.pub oci:twinenc:t oci:twinenc:t >/dev/null && "$crypt" rewrap -q --remove jwe:0 oci:twinenc:t oci:twinenc:t >/dev/null 2>&1
second=$(entry twinenc '{"os":"linux","architecture":"arm64"}')
index twinenc "$first" "$second"
fails 1 'layer 0' 'a key that opens the first platform alone is not enough' "$crypt" verify -k priv.pem oci:twinenc:t
fails 1 'layer 0' 'nor one of the second' "$crypt" verify -k other.pem oci:twinenc:t
ok 'both are' "$crypt" verify -k priv.pem -k other.pem oci:twinenc:t

# ---- what it refuses ----
fails 2 'at least one --recipient' 'encrypting needs a recipient' "$crypt" encrypt oci:src:t oci:x:t
fails 2 'at least one --key' 'decrypting needs a key' "$crypt" decrypt oci:enc:t oci:x:t
fails 2 'protocol not recognized' 'an unknown kind of recipient' "$crypt" encrypt -r jew:pub.pem oci:src:t oci:x:t
fails 1 'no-such' 'a missing key file' "$crypt" encrypt -r jwe:no-such.pem oci:src:t oci:x:t
fails 1 'key' 'a file that is no key' "$crypt" encrypt -r jwe:config.json oci:src:t oci:x:t
fails 2 '32 bytes' 'a key-encryption key of a wrong size' "$crypt" encrypt --kbs-key $kbs=empty oci:src:t oci:x:t
fails 1 'layer 0' 'the wrong key' "$crypt" decrypt -k other.pem oci:enc:t oci:x:t
fails 2 'docker://' 'a place without transport' "$crypt" inspect alpine
fails 2 'name a tag' 'a destination by digest' "$crypt" encrypt -r jwe:pub.pem oci:src:t "docker://127.0.0.1:1/a@sha256:$(sha256sum <kek | cut -d' ' -f1)"
echo user:secret >creds
fails 2 'credentials of one registry' 'credentials of one registry for two' "$crypt" encrypt --creds-file creds -r jwe:pub.pem docker://127.0.0.1:1/a docker://127.0.0.1:2/b
fails 1 'no-such' 'a missing layout' "$crypt" inspect oci:no-such:t
same 'nothing was written by what was refused' '' "$(ls -d x 2>/dev/null && find x -type f)"

# ---- damage ----
# damage NAME COMMAND: a copy of the encrypted layout whose first layer's blob, $blob, the command changed
# shellcheck disable=SC2034 # blob is the command's
damage() {
	rm -rf hurt out
	cp -r enc hurt
	blob=hurt/blobs/sha256/$(manifest enc | jq -r '.layers[0].digest|ltrimstr("sha256:")')
	eval "$2"
	fails 1 "${3:-sha256:}" "$1" "$crypt" decrypt -k priv.pem oci:hurt:t oci:out:t
	same "$1: nothing appears" '' "$(find out -type f 2>/dev/null)"
}
flip() { # flip FILE OFFSET
	local byte
	byte=$(od -An -tu1 -j"$2" -N1 "$1")
	printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
damage 'a flipped bit in the first byte' 'flip "$blob" 0'
damage 'a flipped bit in the last byte' 'flip "$blob" $(($(stat -c %s "$blob") - 1))'
damage 'a layer cut short' 'truncate -s -1 "$blob"'
damage 'a layer with a byte too many' 'printf x >>"$blob"'
damage 'a layer that is missing' 'rm "$blob"'
relabel() { # relabel JQ: the manifest of hurt changed so, under its right digest
	manifest hurt | jq -c "$1" | tr -d '\n' >changed.json
	jq -c --arg d "sha256:$(blob hurt changed.json)" --argjson s "$(stat -c %s changed.json)" '(.manifests[]|select(.annotations["org.opencontainers.image.ref.name"]=="t"))|=(.digest=$d|.size=$s)' hurt/index.json >index && cp index hurt/index.json
}
pub=org.opencontainers.image.enc.pubopts
damage 'a changed config' 'flip "hurt/blobs/sha256/$(manifest enc | jq -r ".config.digest|ltrimstr(\"sha256:\")")" 20' 'is not what its digest says'
damage 'a wrong HMAC' 'relabel ".layers[0].annotations[\"$pub\"]=.layers[1].annotations[\"$pub\"]"' 'HMAC'
damage 'no public options' 'relabel "del(.layers[0].annotations[\"$pub\"])"' "$pub"
damage 'an unknown cipher' 'relabel ".layers[0].annotations[\"$pub\"]=(\"{\\\"cipher\\\":\\\"ROT13\\\",\\\"hmac\\\":\\\"\\\",\\\"cipheroptions\\\":{}}\"|@base64)"' 'cipher'
damage 'no wrapped key' 'relabel ".layers[0].annotations|=with_entries(select(.key|contains(\".keys.\")|not))"' 'layer 0'
mkdir -p kept && "$crypt" decrypt -q -k priv.pem oci:enc:t oci:kept:t >/dev/null && before=$(find kept -type f | sort | xargs sha256sum | sha256sum)
rm -rf hurt && cp -r enc hurt && flip "hurt/blobs/sha256/$(manifest enc | jq -r '.layers[0].digest|ltrimstr("sha256:")')" 100
fails 1 'sha256:' 'a failure beside an image that is there' "$crypt" decrypt -k priv.pem oci:hurt:t oci:kept:u
same 'leaves that image alone, and no temporary file' "$before" "$(find kept -type f | sort | xargs sha256sum | sha256sum)"

# ---- interruption ----
head -c 1500000000 /dev/zero >big && layout bigsrc $tar=big && rm big
ok 'SIGTERM ends the work with status 1 and a word' bash -c '
	"$1" encrypt -r jwe:pub.pem oci:bigsrc:t oci:stopped:t 2>said & pid=$!
	until compgen -G "stopped/blobs/sha256/*" >/dev/null || ! kill -0 $pid 2>/dev/null; do read -rt 0.01 <> <(:); done
	kill -TERM $pid; wait $pid; [ $? = 1 ] && grep -q interrupted said' _ "$crypt"
same 'and leaves nothing' '' "$(find stopped -type f 2>/dev/null)"
rm -rf bigsrc

# ---- the program ----
for verb in encrypt decrypt inspect verify rewrap; do
	ok "help of $verb" "$crypt" "$verb" --help
done
ok 'a man page that man reads' bash -c '"$1" man | man -l --warnings=all -E UTF-8 - 2>&1 >/dev/null | { ! grep .; }' _ "$crypt"
fails 2 "did you mean 'encrypt'" 'a command mistyped' "$crypt" encyrpt
echo "1..$number"
