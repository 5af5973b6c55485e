#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# image-crypt-decoder as containerd starts it: layer on standard input, payload on descriptor 3; and the configuration
# that 'image-crypt containerd-config' prints. Layers and payloads come from Go (tests/vectors/image/payload), and from
# the openssl command and Python here. TAP.
# Usage: tests/cli/decoder.sh OUT
# shellcheck disable=SC2016,SC2154 # the inner shells expand; tap.bash sets variables
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
decoder=$bin/image-crypt-decoder vectors=$root/tests/vectors keys=$root/tests/vectors/crypto/keys
export decoder vectors keys

# make.py LAYER SIZE CERTIFICATE: LAYER.plain, LAYER.enc, LAYER.payload (without keys), LAYER.options
cat >make.py <<'P'
import base64, hashlib, hmac, json, os, subprocess, sys
name, size, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3]
b64 = lambda b: base64.b64encode(b).decode()
key, nonce, plain = os.urandom(32), os.urandom(16), os.urandom(size)
run = lambda words, data: subprocess.run(words, input=data, stdout=subprocess.PIPE, check=True).stdout
coded = run(["openssl", "enc", "-aes-256-ctr", "-K", key.hex(), "-iv", nonce.hex()], plain)
private = json.dumps({"symkey": b64(key), "digest": "sha256:" + hashlib.sha256(plain).hexdigest(),
                      "cipheroptions": {"nonce": b64(nonce)}}, separators=(",", ":")).encode()
public = json.dumps({"cipher": "AES_256_CTR_HMAC_SHA256", "hmac": b64(hmac.digest(key, coded, "sha256")),
                     "cipheroptions": {}}, separators=(",", ":")).encode()
element = run(["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-aes128", certificate], private)
annotations = {"org.opencontainers.image.enc.pubopts": b64(public),
               "org.opencontainers.image.enc.keys.pkcs7": b64(element),
               "org.opencontainers.image.enc.keys.provider.shell": b64(b"whatever")}
def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])
def payload(changes):
    doc = {"DecryptConfig": {"Parameters": None}, "Descriptor": {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "size": size,
        "digest": "sha256:" + hashlib.sha256(coded).hexdigest(), "annotations": {**annotations, **changes}}}
    text, url = json.dumps(doc).encode(), b"io.containerd.ocicrypt.v1.Payload"
    return b"\x0a" + varint(len(url)) + url + b"\x12" + varint(len(text)) + text
files = {"plain": plain, "enc": coded, "options": private, "payload": payload({}),
         "other": payload({"org.opencontainers.image.enc.keys.pkcs7": "AAAA,AA==",
                           "org.opencontainers.image.enc.keys.pgp": "AAAA"})}
for end, data in files.items():
    open(name + "." + end, "wb").write(data)
P
openssl req -x509 -newkey rsa:2048 -nodes -keyout node.key -out node.crt -subj /CN=node -days 2 2>req.log
for size in 0 1 70000 5000000; do
	python3 make.py "l$size" $size node.crt || exit 1
done
mkdir node empty
cp node.key node.crt node/

# decode LAYER PAYLOAD WORD…: from a file, onto standard output
decode() {
	local layer=$1 payload=$2
	shift 2
	"$decoder" "$@" 3<"$payload" <"$layer"
}
# gives PLAIN LAYER PAYLOAD WORD…
gives() {
	local plain=$1
	shift
	decode "$@" | cmp - "$plain"
}
# pipes PLAIN LAYER PAYLOAD WORD…: from a pipe
pipes() {
	local plain=$1 layer=$2 payload=$3
	shift 3
	head -c 100000000 "$layer" | "$decoder" "$@" 3<"$payload" | cmp - "$plain"
}
# warns PATTERN COMMAND…: succeeds, with words on standard error
warns() {
	local pattern=$1
	shift
	"$@" 2>why && grep -q -e "$pattern" why
}
export -f decode gives pipes

head -c 1000 /dev/zero >zeros
go=$vectors/image/payload
mkdir jwe && cp "$keys/p256.pem" jwe/
ok "opens a layer of Go's with the keys in the payload" gives zeros "$go/go-layer" "$go/go-keys"
ok "opens a layer of Go's with a key of the folder" gives zeros "$go/go-layer" "$go/go-no-keys" --decryption-keys-path jwe
ok "takes the option with one dash" gives zeros "$go/go-layer" "$go/go-no-keys" -decryption-keys-path jwe
ok "takes the option with one dash and =" gives zeros "$go/go-layer" "$go/go-no-keys" -decryption-keys-path=jwe
for size in 0 1 70000 5000000; do
	ok "opens $size bytes" gives l$size.plain l$size.enc l$size.payload --decryption-keys-path=node
	ok "opens $size bytes from a pipe" pipes l$size.plain l$size.enc l$size.payload --decryption-keys-path node
	ok "verifies $size bytes first" gives l$size.plain l$size.enc l$size.payload --decryption-keys-path node --verify-first
	ok "verifies $size bytes of a pipe first" pipes l$size.plain l$size.enc l$size.payload --decryption-keys-path node --verify-first
done

# ---- keys
mkdir mount mount/..2026_01_02
cp node.crt mount/..2026_01_02/
openssl rsa -in node.key -aes256 -passout pass:'open sesame' -out mount/..2026_01_02/node.key 2>/dev/null
echo 'open sesame' >mount/..2026_01_02/node.key.pass
ln -s ..2026_01_02 mount/..data
for file in node.crt node.key node.key.pass; do ln -s "..data/$file" "mount/$file"; done
ok "reads a mounted Secret with a locked key" gives l70000.plain l70000.enc l70000.payload --decryption-keys-path mount
same "and says nothing" "" "$(cat stderr)"
rm mount/node.key.pass
fails 1 "mount/node.key.*password" "a locked key without its password is an error" decode l70000.enc l70000.payload --decryption-keys-path mount
cp -r node mixed
echo 'keys of this node' >mixed/README
: >mixed/void
cp "$keys/rsa-public.pem" mixed/
ok "passes over what is no key and says so" warns "warning: 3 files in 'mixed' are no private key" \
	gives l70000.plain l70000.enc l70000.payload --decryption-keys-path mixed
fails 1 "call to DecryptLayer failed: missing private key needed for decryption: the layer is for pkcs7, provider.shell, and no keys were given" \
	"says that the key is missing" decode l70000.enc l70000.payload --decryption-keys-path empty
fails 1 "call to DecryptLayer failed: missing private key needed for decryption: .* none of the keys given is of that kind" \
	"says that the key is of another kind" decode l70000.enc l70000.payload --decryption-keys-path jwe
fails 1 "call to DecryptLayer failed: none of the private keys could be used for decryption: jwe #1: key 'wrong/" \
	"says whose key does not fit" sh -c 'mkdir wrong && cp "$keys/p521.pem" wrong/ && "$decoder" --decryption-keys-path wrong 3<"$0/go-no-keys" <"$0/go-layer"' "$go"
fails 1 "'nowhere': No such file or directory" "a folder of keys must be there" decode l1.enc l1.payload --decryption-keys-path nowhere
printf -- '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAA==\n-----END PGP PRIVATE KEY BLOCK-----\n' >ring.asc
mkdir ring && cp ring.asc ring/
fails 1 "warning: OpenPGP and PKCS#11 keys are passed over" "says that it takes no OpenPGP" decode l1.enc l1.payload --decryption-keys-path ring
fails 1 "pkcs7 #1: .*pkcs7 #2: " "gives the reason of every element" decode l1.enc l1.other --decryption-keys-path node

# ---- providers
cat >provider.sh <<'S'
#!/bin/sh
cat >request
printf '{"keyunwrapresults":{"optsdata":"%s"}}' "$(base64 -w0 <"$1")"
S
chmod +x provider.sh
printf '{"key-providers":{"shell":{"cmd":{"path":"%s","args":["%s"]}}}}' "$work/provider.sh" "$work/l5000000.options" >providers.json
ok "asks a key provider" env OCICRYPT_KEYPROVIDER_CONFIG=providers.json bash -c 'gives l5000000.plain l5000000.enc l5000000.payload --decryption-keys-path empty'
ok "with the element" grep -q '"annotation":"d2hhdGV2ZXI="' request
ok "a configuration of providers need not be there" warns "warning: OCICRYPT_KEYPROVIDER_CONFIG names 'nowhere.json'" \
	env OCICRYPT_KEYPROVIDER_CONFIG=nowhere.json bash -c 'gives l1.plain l1.enc l1.payload --decryption-keys-path node'
echo '{"key-providers":' >broken.json
fails 1 "broken.json" "a broken one is an error" env OCICRYPT_KEYPROVIDER_CONFIG=broken.json bash -c 'decode l1.enc l1.payload --decryption-keys-path node'

# ---- the payload
fails 1 "read payload: read configFd: bad file descriptor" "says that there was no payload" sh -c '"$decoder" --decryption-keys-path node 3<&- <l1.enc'
fails 1 "could not UnmarshalAny() the decrypt data: type with url : not found" "says that the payload was empty" decode l1.enc /dev/null
fails 1 "could not UnmarshalAny() the decrypt data" "refuses what is no payload" decode l1.enc make.py
fails 1 "more than 16777216 bytes" "refuses a payload without end" decode l1.enc /dev/zero
fails 1 "read payload: read configFd" "refuses a folder as payload" sh -c '"$decoder" 3<. <l1.enc'
every_cut() {
	local len size status
	size=$(stat -c %s l1.payload)
	for ((len = 0; len < size; len += 41)); do
		head -c "$len" l1.payload >part
		status=0
		decode l1.enc part --decryption-keys-path node >out 2>why || status=$?
		[[ $status == 1 && ! -s out && -s why ]] || return 1
	done
}
ok "refuses a payload that was cut, wherever" every_cut
fails 2 "unknown option" "refuses words that it does not know" "$decoder" --frobnicate
fails 2 "--help" "refuses arguments" "$decoder" layer

# ---- what was tampered with
# flip FILE OFFSET NEW: one bit
flip() {
	cp "$1" "$3" && python3 -c 'import sys
f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); c = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([c ^ 1]))' "$3" "$2"
}
# withholds LAYER SIZE WORD…: fails, says why, and gives no more than SIZE bytes
withholds() {
	local layer=$1 size=$2 status=0
	shift 2
	decode "$layer" l5000000.payload --decryption-keys-path node "$@" >out 2>why || status=$?
	[[ $status == 1 && $(stat -c %s out) -le $size ]] &&
		grep -q 'could not copy data: could not properly decrypt byte stream; exp hmac' why
}
for offset in 0 2500000 4999999; do
	flip l5000000.enc $offset bad
	ok "holds back the end when a bit of byte $offset is wrong" withholds bad $((5000000 - 1048576))
	ok "gives nothing at all with --verify-first, byte $offset" withholds bad 0 --verify-first
done
head -c 4999999 l5000000.enc >short
ok "holds back the end of a layer that was cut" withholds short $((4999999 - 1048576))
cat l5000000.enc zeros >long
ok "holds back the end of a layer that was lengthened" withholds long $((5001000 - 1048576))
ok "an empty layer is not the layer" withholds /dev/null 0
flip l70000.enc 5 bad
fails 1 "could not properly decrypt byte stream" "gives nothing of a small layer" decode bad l70000.payload --decryption-keys-path node
fails 1 "standard input" "a layer that cannot be read is an error" sh -c '"$decoder" --decryption-keys-path node 3<l1.payload <.'

# ---- its output
leaves() { # the reader leaves: no words, exit 1
	local codes
	decode l5000000.enc l5000000.payload --decryption-keys-path node "$@" 2>why | head -c 10 >/dev/null
	codes=("${PIPESTATUS[@]}")
	[[ ${codes[0]} == 1 && ! -s why ]]
}
ok "ends quietly when nobody reads on" leaves
ok "and with --verify-first" leaves --verify-first
ok "says when the output is full" sh -c '! "$decoder" --decryption-keys-path node 3<l5000000.payload <l5000000.enc >/dev/full 2>why && grep -q "No space left" why'
case $1 in
*dev-* | *release-*)
	ok "needs no library of the node" sh -c '! readelf -lW "$decoder" | grep -q INTERP && ! readelf -dW "$decoder" | grep -q NEEDED'
	;;
esac

# ---- containerd
config() { "$bin/image-crypt" containerd-config "$@"; }
for release in 1.6 1.7 2.0 2.1 2.2 2.3; do
	ok "prints TOML for $release" sh -c '"$0/image-crypt" containerd-config --containerd "$1" >"$1.toml" && python3 -c "import sys, tomllib
doc = tomllib.load(open(sys.argv[1], \"rb\"))
processors = doc[\"stream_processors\"]
assert sorted(processors) == [\"io.containerd.ocicrypt.decoder.v1.tar\", \"io.containerd.ocicrypt.decoder.v1.tar.gzip\"]
assert doc[\"version\"] == (2 if sys.argv[1] < \"2\" else 3)" "$1.toml"' "$bin" $release
done
ok "says what 2.0 cannot" grep -q WARNING 2.0.toml
ok "asks 2.1 for the local pull path" grep -q 'use_local_image_pull = true' 2.1.toml
same "is read by containerd here" '/opt/my decoder|--decryption-keys-path|/keys|node' "$(
	config --containerd 1.6 --decoder '/opt/my decoder' --keys /keys >c.toml && containerd -c c.toml config dump 2>/dev/null |
		python3 -c 'import sys, tomllib
doc = tomllib.load(sys.stdin.buffer)
gzip = doc["stream_processors"]["io.containerd.ocicrypt.decoder.v1.tar.gzip"]
assert any("zstd" in a for a in gzip["accepts"])
print(gzip["path"], *gzip["args"], doc["plugins"]["io.containerd.grpc.v1.cri"]["image_decryption"]["key_model"], sep="|")'
)"
fails 2 "must be an absolute path" "refuses a relative path" config --containerd 1.7 --keys keys
fails 2 "1.5" "refuses a release that it does not know" config --containerd 1.5
fails 2 "containerd" "wants to know the release" config
echo "1..$number"
