#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The house's JOSE (tests/drivers/jose_tool) beside two others, each way: the `jose` command of Debian (latchset) and
# the Python package jwcrypto. What we sign or seal they take; what they sign or seal we take; what they tampered with,
# nobody. TAP.
# Usage: tests/cli/jose.sh OUT
# shellcheck disable=SC2016,SC2154 # the inner shells expand; tap.bash sets variables
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
tool=${bin%/bin}/tests/drivers/jose_tool keys=$root/tests/vectors/jose/keys
python=$("$root/tools/python.sh") || exit 1
export tool python
printf 'a payload, not of letters alone: \xff\x00\n' >plain
: >empty

# peer.py VERB …: jwcrypto as a command in the manner of jose_tool
cat >peer.py <<'P'
import json, sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from jwcrypto import jwe, jwk, jws
from jwcrypto.common import base64url_decode, base64url_encode
verb, path, *more = sys.argv[1:]
with open(path) as file:
    text = file.read()
key = jwk.JWK.from_json(text)
data, out = sys.stdin.buffer.read(), sys.stdout.buffer
SIGN = ["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "HS256"]
SEAL = ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
        "A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"]

def sign(header, signer=key):
    token = jws.JWS(data)
    token.allowed_algs = SIGN
    token.add_signature(signer, json.loads(header).get("alg"), header)
    return token.serialize(compact=True).encode()

def hmac_with_public(header):  # the public key's text as the secret of an HMAC
    secret = jwk.JWK(kty="oct", k=base64url_encode(key.export_to_pem()))
    return sign(header, secret)

def verify():
    token = jws.JWS()
    token.allowed_algs = SIGN
    token.deserialize(data.decode(), key)
    return token.payload

def seal(header, form="compact"):
    message = jwe.JWE(data, header, algs=SEAL)
    message.add_recipient(key)
    return message.serialize(compact=form == "compact").encode()

def unseal():
    message = jwe.JWE(algs=SEAL)
    message.deserialize(data.decode(), key)
    return message.payload

def repeat():  # sign LINES: the deterministic ECDSA of another library, r and s in hex, one line for each line
    private = key.get_op_key("sign")
    size, hash_ = {256: (32, hashes.SHA256()), 384: (48, hashes.SHA384()), 521: (66, hashes.SHA512())}[private.key_size]
    for line in data.splitlines():
        der = private.sign(line, ec.ECDSA(hash_, deterministic_signing=True))
        yield b"".join(n.to_bytes(size, "big") for n in utils.decode_dss_signature(der))

def tokens():  # the signatures of tokens, one for each line, that this key makes in the other library
    for signature in repeat():
        out.write(base64url_encode(signature).encode() + b"\n")

verbs = {"sign": sign, "verify": verify, "seal": seal, "open": unseal, "hmac": hmac_with_public, "tokens": tokens}
result = verbs[verb](*more)
if result is not None:
    out.write(result)
P

# through FROM TO FILE: what the shell command FROM makes of FILE, TO must turn back into it
through() { bash -c "$1 <'$3' >message && $2 <message >back" && cmp back "$3"; }
# refuses COMMAND PATTERN: the command must refuse `message` for that reason and print nothing
refuses() { ! bash -c "$1 <message >back" 2>why && [[ ! -s back ]] && grep -q -e "$2" why; }
latch_sign() { jose jws sig -c -I- -k "$1" -s "{\"protected\":$2}"; }
latch_verify() { jose jws ver -i- -k "$1" -O-; }
latch_seal() { jose jwe enc -c -I- -k "$1" -i "{\"protected\":$2}"; }
latch_seal_json() { jose jwe enc -I- -k "$1" -i "{\"protected\":{\"enc\":\"A256GCM\"},\"unprotected\":$2}"; }
latch_open() { jose jwe dec -i- -k "$1" -O-; }
export -f latch_sign latch_verify latch_seal latch_seal_json latch_open

# ---- keys ----
# theirs for signing, and the vectors' without an alg for all else
for name in rsa p256 p384 p521 ed25519; do
	jq -c 'del(.alg, .kid)' "$keys/$name.jwk" >"$name.jwk"
	jq -c 'del(.d, .p, .q, .dp, .dq, .qi)' "$name.jwk" >"$name.pub"
done
declare -A key_of=([ES256]=p256 [ES384]=p384 [ES512]=p521 [EdDSA]=ed25519 [RS256]=rsa [PS256]=rsa)
for alg in ES256 ES384 ES512 RS256 PS256; do
	ok "jose makes a key for $alg" jose jwk gen -i "{\"alg\":\"$alg\"}" -o "$alg.jwk"
done

# ---- signatures ----
for alg in ES256 ES384 ES512 EdDSA RS256 PS256; do
	key=${key_of[$alg]} header="{\"alg\":\"$alg\",\"kid\":\"a\\u00e9\"}"
	ok "$alg: ours verifies for jwcrypto" through "\$tool sign $key.jwk '$header'" "\$python peer.py verify $key.pub" plain
	cp message ours
	ok "$alg: jwcrypto's verifies for us" through "\$python peer.py sign $key.jwk '$header'" "\$tool verify $key.pub" plain
	ok "$alg: and with nothing in it" through "\$python peer.py sign $key.jwk '$header'" "\$tool verify $key.pub" empty
	IFS=. read -r head payload signature <ours
	printf '%s.%s.%s' "$head" "$payload" "$(tr 'A-Za-z' 'B-ZAb-za' <<<"$signature")" >message
	ok "$alg: tampered with, for neither" refuses "\$tool verify $key.pub" .
	ok "$alg: nor for jwcrypto" refuses "\$python peer.py verify $key.pub" InvalidJWSSignature
	[[ $alg != EdDSA ]] || continue # which jose does not have
	ok "$alg: ours verifies for jose" through "\$tool sign $key.jwk '$header'" "latch_verify $key.pub" plain
	ok "$alg: jose's verifies for us" through "latch_sign $key.jwk '$header'" "\$tool verify $key.pub" plain
	ok "$alg: with a key that jose made" through "latch_sign $alg.jwk '{}'" "\$tool verify $alg.jwk" plain
	ok "$alg: which we sign with, too" through "\$tool sign $alg.jwk '$header'" "latch_verify $alg.jwk" plain
done

# deterministic ECDSA, beside another library's: the same signatures of many messages
for key in p256 p384 p521; do
	declare -A alg_of=([p256]=ES256 [p384]=ES384 [p521]=ES512)
	: >lines && : >ours
	for i in {1..40}; do
		printf '%s %s' "$i" "$RANDOM" | "$tool" sign "$key.jwk" "{\"alg\":\"${alg_of[$key]}\"}" >token
		cut -d. -f1,2 token >>lines
		cut -d. -f3 token >>ours
	done
	ok "$key: signatures are those of OpenSSL's deterministic nonces" \
		bash -c '"$python" peer.py tokens "$1" <lines | cmp - ours' _ "$key.jwk"
done

# ---- what they make and we must refuse ----
good='{"alg":"ES256"}'
"$python" peer.py sign p256.jwk "$good" <plain >message
ok 'a token of jwcrypto verifies before all that' bash -c '"$tool" verify p256.pub <message | cmp - plain'
ok 'refuses it for an RSA key' refuses '$tool verify rsa.pub' 'the key is RSA'
ok 'for another key of the curve' refuses '$tool verify ES256.jwk' 'the signature is wrong'
jq -c '.alg = "ES384"' p256.pub >wrong.pub
ok 'for a key that is for another alg' refuses '$tool verify wrong.pub' 'for another alg'
for key in p256 rsa; do
	"$python" peer.py hmac $key.pub '{"alg":"HS256"}' <plain >message
	ok "refuses an HMAC under the public key's text ($key)" refuses "\$tool verify $key.pub" 'alg is none of'
done
"$python" peer.py sign p256.jwk '{"alg":"ES256","crit":["b64"],"b64":true}' <plain >message
ok 'refuses critical extensions' refuses '$tool verify p256.pub' "'crit'"
"$python" peer.py sign p256.jwk '{"alg":"ES256","crit":["b64"],"b64":false}' <<<'{}' >message 2>/dev/null
ok 'refuses an unencoded payload' refuses '$tool verify p256.pub' .
latch_sign p256.jwk '{"alg":"ES256","crit":["exp"],"exp":1}' <plain >message
ok "refuses jose's critical extensions, which jose itself takes" refuses '$tool verify p256.pub' "'crit'"

# ---- encryption ----
# beside jwcrypto: every alg and curve, then every enc; flattened and compact
algs=("rsa RSA-OAEP" "rsa RSA-OAEP-256" "rsa RSA1_5")
for key in p256 p384 p521; do
	for size in 128 192 256; do algs+=("$key ECDH-ES+A${size}KW"); done
done
for pair in "${algs[@]}"; do
	read -r key alg <<<"$pair"
	jq -c --arg alg "$alg" '.alg = $alg' "$key.jwk" >private && jq -c --arg alg "$alg" '.alg = $alg' "$key.pub" >public
	header="{\"alg\":\"$alg\",\"enc\":\"A256GCM\"}"
	ok "$key, $alg: ours opens for jwcrypto" through '$tool seal public' '$python peer.py open private' plain
	ok "$key, $alg: jwcrypto's opens for us" through "\$python peer.py seal public '$header'" '$tool open private' plain
	ok "$key, $alg: in JSON, too" through "\$python peer.py seal public '$header' json" '$tool open private' plain
	jq -c 'del(.alg)' private >bare
	if [[ $alg == RSA1_5 ]]; then
		ok 'RSA1_5: not for a key that does not ask for it' refuses '$tool open bare' 'no recipient'
	else
		ok "$key, $alg: for a key without alg" bash -c '"$tool" open bare <message | cmp - plain'
	fi
	[[ $alg != RSA-OAEP* ]] || continue # which this jose does not have
	ok "$key, $alg: ours opens for jose" through '$tool seal public' 'latch_open private' plain
	ok "$key, $alg: jose's opens for us" through "latch_seal public '$header'" '$tool open private' plain
	ok "$key, $alg: jose's in JSON" through "latch_seal_json public '{\"alg\":\"$alg\"}'" '$tool open private' plain
done
for enc in A128GCM A192GCM A256GCM A128CBC-HS256 A192CBC-HS384 A256CBC-HS512; do
	header="{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"$enc\"}"
	ok "$enc: jwcrypto's opens for us" through "\$python peer.py seal p256.pub '$header'" '$tool open p256.jwk' plain
	ok "$enc: with nothing in it" through "\$python peer.py seal p256.pub '$header'" '$tool open p256.jwk' empty
	ok "$enc: jose's opens for us" through "latch_seal p256.pub '$header'" '$tool open p256.jwk' plain
done
ok 'nothing, sealed by us, opens for us' through '$tool seal p256.pub' '$tool open p256.jwk' empty
ok 'and for jose' through '$tool seal p256.pub' 'latch_open p256.jwk' empty

# what is sealed for one opens for nobody else, and not when it was changed
"$python" peer.py seal p256.pub '{"alg":"ECDH-ES+A256KW","enc":"A256GCM"}' json <plain >sealed
cp sealed message
jose jwk gen -i '{"kty":"EC","crv":"P-256"}' -o stranger.jwk
ok 'refuses to open for a stranger' refuses '$tool open stranger.jwk' 'decryption failed'
for member in encrypted_key iv ciphertext tag; do
	jq -c --arg m $member '.[$m] |= (if .[0:1] == "A" then "B" else "A" end) + .[1:]' sealed >message
	ok "refuses another $member" refuses '$tool open p256.jwk' 'decryption failed'
done

echo "1..$number"
