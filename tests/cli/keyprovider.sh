#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# image-crypt keygen and keyprovider: the keys they make, and the way there and back through the service and through the
# command, with keys of a set for guests without a broker. TAP.
# Usage: tests/cli/keyprovider.sh OUT
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
crypt=$bin/image-crypt
export XDG_RUNTIME_DIR=$work HOME=$work
unset OCICRYPT_KEYPROVIDER_CONFIG OCICRYPT_CONFIG OCICRYPT_OAEP_HASHALG REGISTRY_AUTH_FILE DOCKER_CONFIG GNUPGHOME
umask 000 # what is private is so whatever the mask says
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT

mode() { stat -c '%a %s' "$1"; }

# ---- keys ----
for type in rsa p256 p384 p521; do
	ok "makes a pair of $type" "$crypt" keygen --type $type $type
	ok 'that OpenSSL takes for one' bash -c 'openssl pkey -in "$1" -pubout | cmp - "$1.pub"' _ $type
	same 'private to its owner' 600 "$(stat -c %a $type)"
done
ok 'makes 4096 bits where they are asked for' "$crypt" keygen --bits 4096 rsa4096
ok 'no fewer' bash -c 'openssl pkey -in rsa4096 -noout -text | grep -q "4096 bit"'
ok 'makes the key of an administrator' "$crypt" keygen -t ed25519 admin.key
ok 'makes a key-encryption key' "$crypt" keygen --type kek kek
same 'of 32 bytes, private to its owner' '600 32' "$(mode kek)"
before=$(sha256sum kek rsa rsa.pub)
fails 1 "'kek' is there already; --force" 'overwrites no key' "$crypt" keygen --type kek kek
rm rsa
fails 1 "'rsa.pub' is there already" 'nor one half of a pair' "$crypt" keygen rsa
ok 'and leaves no other half then' test ! -e rsa
ok 'overwrites what it is told to' "$crypt" keygen --force rsa
fails 2 '' 'refuses a size that no key has' "$crypt" keygen --bits 2500 odd
fails 2 'for --type rsa alone' 'refuses a size for a curve' "$crypt" keygen --type p256 --bits 2048 odd
same 'nothing else came of it' "$(sed 1q <<<"$before")" "$(sha256sum kek)"

# ---- sets ----
ok 'makes a set for guests without a broker' "$crypt" keygen --offline-kbc 10 set.json
same 'private to its owner' 600 "$(stat -c %a set.json)"
same 'of ten keys of 32 bytes' '10 44' "$(jq -r 'length as $n | [.[] | length] | unique | "\($n) \(join(" "))"' set.json)"
same 'under the names that guests look for' 'default/key/key_id1 default/key/key_id10' "$(jq -r 'keys_unsorted | "\(.[0]) \(.[9])"' set.json)"
ok 'takes one out' "$crypt" keygen export set.json default/key/key_id2 key2
same 'as a file of 32 bytes' '600 32' "$(mode key2)"
same 'those of the set' "$(jq -r '."default/key/key_id2"' set.json)" "$(base64 key2)"
fails 1 "key2' is there already" 'not over another file' "$crypt" keygen export set.json kbs:///default/key/key_id3 key2
fails 1 "does not hold 'default/key/key_id11'" 'nor one that is not there' "$crypt" keygen export set.json default/key/key_id11 key11
echo '{"a/b/c":"c2hvcnQ="}' >short.json
fails 1 'has 5 bytes' 'nor what is no key' "$crypt" keygen export short.json a/b/c short
fails 2 'offline-kbc' 'a set has no type' "$crypt" keygen --type rsa --offline-kbc 2 odd

# ---- there and back ----
mkdir -p src/blobs/sha256 && head -c 50000 /dev/urandom >random && tar cf layer.tar random
store() { # store FILE: into the layout; prints digest and size as JSON
	local digest
	digest=$(sha256sum "$1") digest=${digest%% *}
	cp "$1" "src/blobs/sha256/$digest"
	printf '"digest":"sha256:%s","size":%d' "$digest" "$(stat -c %s "$1")"
}
oci=application/vnd.oci.image
echo '{"imageLayoutVersion":"1.0.0"}' >src/oci-layout
printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' >config.json
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[{"mediaType":"%s",%s}]}' $oci.manifest.v1+json \
	$oci.config.v1+json "$(store config.json)" $oci.layer.v1.tar "$(store layer.tar)" >manifest.json
printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s",%s,"annotations":{"org.opencontainers.image.ref.name":"t"}}]}' \
	$oci.manifest.v1+json "$(store manifest.json)" >src/index.json

layers() { # layers LAYOUT: of its manifest
	jq -c '[.layers[] | [.mediaType, .digest]]' "$1/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$1/index.json")"
}
# await_line FILE PATTERN: until the file has such a line, which is printed
await_line() {
	for _ in {1..2000}; do
		grep -m1 -o -e "$2" "$1" && return
		read -rt 0.01 <> <(:)
	done
	return 1
}
config() { # config FILE WAY: of the provider
	printf '{"key-providers":{"attestation-agent":%s}}' "$2" >"$1"
}
"$crypt" keyprovider serve --socket "unix://$work/socket" --keys set.json 2>unix.log &
unix=$!
"$crypt" keyprovider serve --socket 127.0.0.1:0 --keys set.json 2>tcp.log &
tcp=$!
await_line unix.log '"listening"' >/dev/null
config unix.json "{\"grpc\":\"unix://$work/socket\"}"
config tcp.json "{\"grpc\":\"$(await_line tcp.log '127\.0\.0\.1:[0-9]*')\"}"
config cmd.json "{\"cmd\":{\"path\":\"$crypt\",\"args\":[\"keyprovider\",\"run\",\"--keys\",\"$work/set.json\"]}}"
same 'the socket is its owner'"'"'s alone' 600 "$(stat -c %a socket)"
ok 'who listens on a port with keys is told what that means' await_line tcp.log 'a unix socket is its owner'

for way in unix tcp cmd; do
	export OCICRYPT_KEYPROVIDER_CONFIG=$work/$way.json
	ok "$way: encrypts with a key file" "$crypt" encrypt -r "provider:attestation-agent:keypath=$work/key2::keyid=kbs:///default/key/key_id2" oci:src:t oci:$way-file:t
	ok "$way: encrypts with a key of the set" "$crypt" encrypt -r provider:attestation-agent:keyid=/default/key/key_id1 oci:src:t oci:$way-set:t
	ok "$way: decrypts the first" "$crypt" decrypt -k provider:attestation-agent oci:$way-file:t oci:$way-file-plain:t
	same "$way: to what it was" "$(layers src)" "$(layers $way-file-plain)"
	ok "$way: decrypts the second without naming the provider's parameters" "$crypt" decrypt -k provider:attestation-agent oci:$way-set:t oci:$way-set-plain:t
	same "$way: to what it was, too" "$(layers src)" "$(layers $way-set-plain)"
	fails 1 'nobody could ever open' "$way: refuses a new key that nobody would know" "$crypt" encrypt -r provider:attestation-agent oci:src:t oci:$way-none:t
	ok "$way: and leaves no image" test ! -e $way-none/index.json
	fails 1 'is not the key that the set' "$way: refuses a key file that is not the set's" "$crypt" encrypt -r "provider:attestation-agent:keypath=$work/kek::keyid=/default/key/key_id1" oci:src:t oci:$way-none:t
	ok "$way: makes a packet of another's key, which it has not" "$crypt" encrypt -r "provider:attestation-agent:keypath=$work/kek::keyid=/default/key/other" oci:src:t oci:$way-other:t
	fails 1 "the set of keys does not hold 'default/key/other'" "$way: and cannot open it" "$crypt" decrypt -k provider:attestation-agent oci:$way-other:t oci:$way-none:t
done
# a guest's hub with the same keys, over ttrpc
echo '[kbc]
name = "offline_fs_kbc"' >cdh.toml
"$bin/guest" serve --attester sample --cdh-config cdh.toml --resources set.json --root "$work/root" --eventlog "$work/events" \
	--kernel-command-line /dev/null --aa-socket none --rest none --cdh-socket "unix://$work/cdh.sock" 2>hub.log &
hub=$!
config ttrpc.json "{\"ttrpc\":\"unix://$work/cdh.sock\"}"
await_line hub.log '"serving"' >/dev/null
export OCICRYPT_KEYPROVIDER_CONFIG=$work/ttrpc.json
ok 'ttrpc: a guest decrypts what was encrypted for its keys' "$crypt" decrypt -k provider:attestation-agent oci:tcp-set:t oci:hub-plain:t
same 'ttrpc: to what it was' "$(layers src)" "$(layers hub-plain)"
fails 1 'UnwrapKey' 'ttrpc: and nothing for a key that it has not' "$crypt" decrypt -k provider:attestation-agent oci:tcp-other:t oci:hub-none:t
fails 1 'NOT_FOUND\|UNIMPLEMENTED' 'ttrpc: a guest wraps nothing' "$crypt" encrypt -r provider:attestation-agent:keyid=/default/key/key_id1 oci:src:t oci:hub-none:t
kill $hub
unset OCICRYPT_KEYPROVIDER_CONFIG
ok 'the key file opens it without a provider' "$crypt" verify --kbs-key kbs:///default/key/key_id2=key2 oci:tcp-file:t
same 'guests of both generations can read it' 'attestation-agent yes confidential-data-hub yes' \
	"$("$crypt" inspect -o json oci:tcp-set:t | jq -r '[.images[0].layers[0].guests[] | .guest, .reads] | join(" ")' | sed 's/needs key/yes/g')"

# ---- the service ----
fails 1 'another server listens' 'leaves a socket alone on which somebody listens' "$crypt" keyprovider serve --socket "unix://$work/socket"
fails 2 'other machines' 'does not listen where other machines can connect' "$crypt" keyprovider serve --socket 0.0.0.0:0
fails 2 'go together' 'asks for the administrator'"'"'s key' "$crypt" keyprovider serve --socket 127.0.0.1:0 --kbs https://h
fails 2 'in the clear' 'sends no key in the clear over a network' "$crypt" keyprovider serve --socket 127.0.0.1:0 --kbs http://kbs.example -a admin.key
fails 1 'not valid JSON' 'answers no request that is none' "$crypt" keyprovider run </dev/null
kill -TERM $unix $tcp
wait $unix
same 'ends well when it is told to' 0 $?
wait $tcp
same 'on a port, too' 0 $?
ok 'and takes its socket with it' test ! -e socket
same 'logs no key' '' "$(jq -r '.[]' set.json | grep -F -f - unix.log tcp.log)"

for verb in 'keygen' 'keygen export' 'keyprovider serve' 'keyprovider run'; do
	# shellcheck disable=SC2086 # two words
	ok "help of $verb" "$crypt" $verb --help
done
echo "1..$number"
