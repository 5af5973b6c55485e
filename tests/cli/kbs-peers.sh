#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each end of the key broker's protocol with a foreign other end, so that both of ours cannot be wrong together: a guest
# in Python (tests/peer/kbs_guest.py) asks dev-kbs, and our guest and sealed-secrets ask a broker in Python
# (tests/peer/kbs_broker.py), which is strict, and wrong in every way that it is told to be. TAP.
# Usage: tests/cli/kbs-peers.sh OUT
# shellcheck disable=SC2016,SC2154 # the inner shells expand; tap.bash sets variables
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
python=$("$root/tools/python.sh") || exit 1
export guest=$bin/guest sealed=$bin/sealed-secrets peer=$root/tests/peer python work
unset AA_KBC_PARAMS AA_SOCKET KBS_CERT SKIP_SEALED_SECRET_VERIFICATION OFFLINE_FS_KBC_EXTRA_FILE_PATH NOTIFY_SOCKET KUBERNETES_SERVICE_HOST
trap 'kill $(jobs -p) 2>/dev/null; exec 7>&- 8>&-; wait; rm -rf "$work"' EXIT

# await_line FILE PATTERN: until the file has such a line, whose match is printed
await_line() {
	for _ in {1..3000}; do
		grep -m1 -o -e "$2" "$1" && return
		read -rt 0.01 <> <(:)
	done
	return 1
}
# start NAME OPTION…: dev-kbs; sets $url
start() {
	local name=$1
	shift
	: >"$name.log"
	"$bin/dev-kbs" --listen 127.0.0.1:0 --resource default/k/1=secret "$@" 2>"$name.log" &
	ours+=($!)
	url=$(await_line "$name.log" 'http://127\.0\.0\.1:[0-9]*')
}
foreign() { "$python" -B "$peer/kbs_guest.py" "$@"; }
gets() { # gets NAME OPTION…: the foreign guest gets the secret
	local name=$1
	shift
	ok "$name" foreign get "$url" default/k/1 "$@"
	same 'as it is' 'a secret of a file' "$(cat stdout)"
}
# answers WHAT COUNT USUAL FILE ARGUMENT…: lines NAME STATUS VARIANT of the script are so many, and as ${other[NAME]} says
answers() {
	local what=$1 count=$2 usual=$3 name got
	shift 3
	"$python" -B "$peer/$1" "${@:2}" >answered 2>stderr
	while read -r name got; do
		same "$what: $name" "${other[$name]:-$usual}" "$got"
	done <answered
	same "$what: all that there are" "$count" "$(wc -l <answered)"
}

printf 'a secret of a file\n' >secret
printf 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n"a.toml" = """\nx = "ü \\""\n"""\n' >one.toml
printf 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n' >other.toml
{ cat other.toml && echo '"b.toml" = """' && head -c 30000 /dev/zero | tr '\0' x | fold && echo '"""'; } >large.toml
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out signer.pem 2>openssl.log
openssl genpkey -algorithm ed25519 -out ed25519.key 2>>openssl.log
for curve in 256 384; do
	openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-$curve -out p$curve.key 2>>openssl.log
done
for key in ed25519 p256 p384; do openssl pkey -in $key.key -pubout -out $key.pub 2>>openssl.log; done

# ---- a guest of others, our broker ----
start stranger --policy allow-all
stranger=$url
start main --policy allow-all --signer-key signer.pem --admin-public-key ed25519.pub
main=$url
for kind in P-256 P-521 RSA RSA1_5; do
	gets "a guest of others gets a secret with a key of $kind" --key $kind
done
gets 'by its token' --bearer
gets 'by its token with a key of P-521' --key P-521 --bearer
gets 'with zeros at the beginning of its key' --key P-521 --zero
gets 'with the short one' --zero
gets 'with init-data' --initdata one.toml
gets 'with a device' --devices
gets 'with all of that' --devices --initdata one.toml --key RSA --bearer
gets 'with init-data of 30 KB, which are in its token' --initdata large.toml --bearer
gets 'with members of its key that are not of the protocol' --extra
fails 1 '^401 JweError' 'but not with a key of P-384' foreign get "$url" default/k/1 --key P-384
fails 1 '^401 PluginInternalError' 'nor what is not there' foreign get "$url" default/k/2
fails 1 '^401 PluginInternalError' 'nor beside the place' foreign get "$url" default/k/../../1

declare -A other=([good]='200 -' [unknown-member]='200 -' [extra-params-text]='200 -' [extra-params-null]='200 -'
	[oversize]='413 -' [get]='404 PluginNotFound')
answers 'a request' 21 '401 AttestationError' kbs_guest.py auths "$main"
declare -A other=([good]='200 -' [no-initdata-member]='200 -' [unknown-member]='200 -' [initdata]='200 -' [devices]='200 -'
	[key-extra-unhashed]='200 -' [oversize]='413 -' [retry-good]='200 -' [again-bad]='200 -')
answers 'an attestation' 46 '401 AttestationError' kbs_guest.py attestations "$main"
declare -A other=([good]='200 -' [signed-here]='200 -' [expired-within-leeway]='200 -' [header-oversize]='431 -'
	[scheme-basic]='401 TokenNotFound' [scheme-lower]='401 TokenNotFound' [scheme-none]='401 TokenNotFound'
	[scheme-empty]='401 TokenNotFound' [no-session-no-token]='401 TokenNotFound'
	[session-unattested]='401 TokenNotFound' [session-unattested-good-token]='200 -')
answers 'a token' 73 '401 TokenVerifierError' kbs_tokens.py tokens "$main" default/k/1 signer.pem "$stranger"
declare -A other=([good]='200 -' [policy-by-other]='401 AdminAuthAccess')
answers 'an administrator' 16 '401 AdminAuthInitialization' kbs_tokens.py admins "$main" ed25519.key

start trusting --policy allow-all --signer-key signer.pem --insecure-header-jwk
declare -A other=([good]='200 -' [signed-here]='200 -' [expired-within-leeway]='200 -' [header-oversize]='431 -'
	[scheme-basic]='401 TokenNotFound' [scheme-lower]='401 TokenNotFound' [scheme-none]='401 TokenNotFound'
	[scheme-empty]='401 TokenNotFound' [no-session-no-token]='401 TokenNotFound'
	[session-unattested]='401 TokenNotFound' [session-unattested-good-token]='200 -'
	[stranger]='200 -' [stranger-with-x5c]='200 -' [of-another-broker]='200 -')
answers 'a token where all keys count' 73 '401 TokenVerifierError' kbs_tokens.py tokens "$url" default/k/1 signer.pem "$stranger"
start list --policy allow-all --allow-initdata "$(sha256sum one.toml | cut -d' ' -f1)"
gets 'who has the right init-data gets it' --initdata one.toml
fails 1 '^401 PolicyDeny' 'who has others does not' foreign get "$url" default/k/1 --initdata other.toml
fails 1 '^401 PolicyDeny' 'nor who has none' foreign get "$url" default/k/1

# ---- our guest, a broker of others ----
mkfifo hold
: >port
"$python" -B "$peer/kbs_broker.py" --admin-key ed25519.pub --admin-key p256.pub --admin-key p384.pub <hold >port 2>broker.err &
exec 7>hold
port=$(await_line port '[0-9]*')
export theirs=http://127.0.0.1:$port
printf 'a secret of the peer\0\377\n' >wanted
echo quiet >cmdline
printf 'version = "0.1.0"\nalgorithm = "sha384"\n[data]\n"note" = """\n\t"quotes" \\\\ ü\n"""\n' >init.toml
declare -A key_of=([rsa]=RSA-OAEP-256 [p521]=ECDH-ES+A256KW-P521)

# configure NAME [URL [CERTIFICATE]]: NAME.cdh.toml and NAME.aa.toml, for the foreign broker of that name or one elsewhere; a
# word of key_of behind the name's '~' is the kind of key
configure() {
	local url=${2:-$theirs/$1} pem
	[[ $# -lt 3 ]] || pem=$(printf '"""\n' && cat "$3" && printf '"""')
	printf '[kbc]\nname = "cc_kbc"\nurl = "%s"\n%s\n[image]\n' "$url" "${pem:+kbs_cert = $pem}" >"$1.cdh.toml"
	printf '[token_configs.kbs]\nurl = "%s"\n%s\ntee_key_algorithm = "%s"\n' "$url" "${pem:+cert = $pem}" \
		"${key_of[${1#*~}]:-ECDH-ES+A256KW-P256}" >"$1.aa.toml"
}
# ask NAME URI OPTION…: our guest fetches from the broker of that name
ask() {
	local name=$1 uri=$2
	shift 2
	timeout 100 "$guest" get-resource --in-process --attester sample --kernel-command-line cmdline \
		--cdh-config "$name.cdh.toml" --aa-config "$name.aa.toml" -o raw "$uri" "$@"
}
# journal NAME: how often it was asked for a challenge, a token and a resource; complaints
journal() { curl -s "$theirs/$1/journal" | awk '/^COMPLAINT/ { print; next } /\/auth/ { auth++ } /\/attest/ { attest++ }
	/\/resource/ { get++ } END { printf "%d %d %d\n", auth, attest, get }'; }
export -f ask journal

# NAME, requests for challenge, token and resource, and words of the reason; "-": gets it
cat >cases <<'C'
plain 1/1/1 -
plain~rsa 1/1/1 -
plain~p521 1/1/1 -
auth-nonce-slashes 1/1/1 -
auth-nonce-odd 1/1/1 -
auth-nonce-long 1/1/1 -
auth-hash-sha256 1/1/1 -
auth-hash-sha384 1/1/1 -
auth-hash-sha512 1/1/1 -
auth-extra-members 1/1/1 -
auth-no-content-type 1/1/1 -
auth-twice-503 3/1/1 -
auth-once-429 2/1/1 -
auth-once-cut 2/1/1 -
auth-once-closed 2/1/1 -
auth-500 5/0/0 in trouble: status 500
auth-cut 5/0/0 transfer closed with 391 bytes remaining
auth-401-attestation 1/0/0 refused the handshake: status 401, AttestationError: because
auth-401-html 1/0/0 refused the handshake: status 401$
auth-401-empty 1/0/0 refused the handshake: status 401$
auth-401-other 1/0/0 refused the handshake: status 401: because$
auth-401-twins 1/0/0 refused the handshake: status 401$
auth-401-escape 1/0/0 refused the handshake: status 401: a?\[31mred?line
auth-403 1/0/0 refused the handshake: status 403
auth-404 1/0/0 refused the handshake: status 404, PluginNotFound
auth-404-empty 1/0/0 refused the handshake: status 404$
auth-413 1/0/0 refused the handshake: status 413
auth-204 1/0/0 refused the handshake: status 204
auth-302 1/0/0 refused the handshake: status 302
auth-no-http 1/0/0 HTTP/0.9
auth-empty 1/0/0 challenge: not valid JSON: the text is empty
auth-html 1/0/0 challenge: line 1, column 1: not valid JSON
auth-oversize 1/0/0 exceeds 2097152 bytes
auth-deep 1/0/0 nested deeper
auth-number 1/0/0 challenge: .*not valid JSON
auth-header-flood 1/0/0 header fields exceed
auth-twins 1/0/0 duplicate
auth-nonce-empty 1/0/0 nonce is empty
auth-nonce-missing 1/0/0 nonce: is missing
auth-nonce-number 1/0/0 nonce: must be text
auth-nonce-huge 1/0/0 nonce exceeds 4095 bytes
auth-hash-unknown 1/0/0 selected the hash 'md5'; sha256, sha384 and sha512 were offered
auth-hash-empty 1/0/0 selected the hash ''
auth-hash-number 1/0/0 selected-hash-algorithm: must be text
auth-hash-null 1/0/0 selected-hash-algorithm: must be text
auth-hash-sm3 1/0/0 selected the hash 'sm3'
auth-version 1/0/0 broker speaks version 0.9.0 of the protocol, and version 0.4.0 was offered
auth-no-cookie 2/2/0 refused the attestation: status 401, AttestationError: no session
attest-nonce-echo 1/1/1 -
attest-short 1/1/1 -
attest-extra-members 1/1/1 -
attest-no-content-type 1/1/1 -
attest-twice-503 1/3/1 -
attest-once-429 1/2/1 -
attest-once-cut 1/2/1 -
attest-once-closed 1/2/1 -
attest-once-401-attestation 2/2/1 -
attest-500 1/5/0 in trouble: status 500
attest-cut 1/5/0 transfer closed with 391 bytes remaining
attest-401-attestation 2/2/0 refused the attestation: status 401, AttestationError: because
attest-401-html 2/2/0 refused the attestation: status 401$
attest-401-PolicyDeny 2/2/0 refused the attestation: status 401, PolicyDeny
attest-403 1/1/0 refused the attestation: status 403
attest-404 1/1/0 refused the attestation: status 404, PluginNotFound
attest-413 1/1/0 takes no attestation of this size: status 413
attest-204 1/1/0 refused the attestation: status 204
attest-302 1/1/0 refused the attestation: status 302
attest-no-http 1/1/0 HTTP/0.9
attest-empty 1/1/0 answer to the attestation: not valid JSON: the text is empty
attest-html 1/1/0 answer to the attestation: .*not valid JSON
attest-oversize 1/1/0 exceeds 262144 bytes
attest-deep 1/1/0 nested deeper
attest-header-flood 1/1/0 header fields exceed
attest-twins 1/1/0 duplicate
attest-token-missing 1/1/0 token: is missing
attest-token-number 1/1/0 token: must be text
attest-token-empty 1/1/0 three parts of a JWT
attest-token-parts 1/1/0 three parts of a JWT
attest-token-garbage 1/1/0 does not have the three parts of a JWT
attest-token-huge 1/1/0 exceeds 262144 bytes
attest-token-exp-text 1/1/0 exp: must be a whole number
attest-token-array 1/1/0 the token's claims: .*must be an object
attest-token-twins 1/1/0 the token's claims: .*duplicate
attest-expired 2/2/2 TokenVerifierError
get-twice-503 1/1/3 -
get-once-429 1/1/2 -
get-once-cut 1/1/2 -
get-once-closed 1/1/2 -
get-once-401-TokenNotFound 2/2/2 -
get-once-401-TokenVerifierError 2/2/2 -
get-cookie-lost 1/1/1 -
get-no-content-type 1/1/1 -
get-order 1/1/1 -
get-order~rsa 1/1/1 -
get-unknown-member 1/1/1 -
get-unknown-member~rsa 1/1/1 -
get-apu 1/1/1 -
get-epk-zeros 1/1/1 -
get-epk-zeros~p521 1/1/1 -
get-compact 1/1/1 -
get-enc-A128GCM 1/1/1 -
get-enc-A192GCM 1/1/1 -
get-enc-A128CBC-HS256 1/1/1 -
get-enc-A256CBC-HS512 1/1/1 -
get-500 1/1/5 in trouble: status 500
get-cut 1/1/5 transfer closed with 391 bytes remaining
get-401-PolicyDeny 1/1/1 policy denies it: status 401, PolicyDeny
get-401-PluginInternalError 1/1/1 perhaps there is no such resource: status 401, PluginInternalError
get-401-JweError 1/1/1 refused it: status 401, JweError
get-401-PolicyEngineError 1/1/1 refused it: status 401, PolicyEngineError
get-401-SerdeError 1/1/1 refused it: status 401, SerdeError
get-401-attestation 1/1/1 refused it: status 401, AttestationError
get-401-TokenNotFound 2/2/2 refused it: status 401, TokenNotFound
get-401-TokenVerifierError 2/2/2 refused it: status 401, TokenVerifierError
get-401-html 1/1/1 refused it: status 401$
get-401-empty 1/1/1 refused it: status 401$
get-401-other 1/1/1 refused it: status 401: because
get-401-twins 1/1/1 refused it: status 401$
get-401-escape 1/1/1 status 401: a?\[31mred?line
get-403 1/1/1 refused it: status 403
get-404 1/1/1 no such resource: status 404, PluginNotFound
get-404-empty 1/1/1 no such resource: status 404$
get-413 1/1/1 too large for the key broker: status 413
get-204 1/1/1 refused it: status 204
get-302 1/1/1 refused it: status 302
get-no-http 1/1/1 HTTP/0.9
get-empty 1/1/1 the JWE: the text is empty
get-html 1/1/1 the JWE: neither JSON
get-number 1/1/1 the JWE: neither JSON
get-oversize 1/1/1 exceeds 2097152 bytes
get-deep 1/1/1 the JWE: neither JSON
get-header-flood 1/1/1 header fields exceed
get-tag 1/1/1 decryption failed
get-tag~p521 1/1/1 decryption failed
get-tag~rsa 1/1/1 decryption failed
get-protected 1/1/1 decryption failed
get-protected~rsa 1/1/1 decryption failed
get-encrypted_key 1/1/1 decryption failed
get-encrypted_key~rsa 1/1/1 decryption failed
get-iv 1/1/1 decryption failed
get-ciphertext 1/1/1 decryption failed
get-no-aad 1/1/1 decryption failed
get-aad 1/1/1 decryption failed
get-kdf 1/1/1 decryption failed
get-wrong-key 1/1/1 decryption failed
get-oaep-sha1~rsa 1/1/1 decryption failed
get-enc-confused 1/1/1 decryption failed
get-alg-a128kw 1/1/1 decryption failed
get-alg-rsa1_5~rsa 1/1/1 no recipient has an alg for this key
get-crit 1/1/1 critical extensions
get-zip 1/1/1 'zip'
get-alg-dir 1/1/1 alg is none of
get-alg-direct 1/1/1 alg is none of
get-alg-none 1/1/1 alg is none of
get-alg-missing 1/1/1 alg is none of
get-enc-unknown 1/1/1 enc is none of
get-enc-missing 1/1/1 enc is none of
get-header-twins 1/1/1 the protected header: .*duplicate
get-header-array 1/1/1 must be an object
get-header-cut 1/1/1 the protected header: .*not valid JSON
get-header-deep 1/1/1 nested deeper
get-epk-curve 1/1/1 'epk' is on another curve than the key
get-epk-curve~p521 1/1/1 'epk' is on another curve than the key
get-epk-off-curve 1/1/1 'epk': .*not on curve
get-epk-zero 1/1/1 'epk': .*not on curve
get-epk-short 1/1/1 'epk': 
get-epk-missing 1/1/1 'epk': 
get-iv-long 1/1/1 iv and tag have 16 and 16 bytes
get-tag-cut 1/1/1 iv and tag have 12 and 12 bytes
get-without-tag 1/1/1 tag: is missing
get-without-iv 1/1/1 iv: is missing
get-without-ciphertext 1/1/1 ciphertext: is missing
get-without-protected 1/1/1 enc is none of
get-without-encrypted_key 1/1/1 decryption failed
get-tag-number 1/1/1 tag: must be text
get-padded 1/1/1 base64url
get-twins 1/1/1 duplicate
get-jwe-array 1/1/1 the JWE: neither JSON
get-behind 1/1/1 not valid JSON
get-cut-well 1/1/1 not valid JSON
get-content-long 1/1/1 at most 65536 are allowed
speaks-0.3.0 1/0/0 speaks version 0.3.0 of the protocol
C
cut -d' ' -f1 cases | while read -r name; do configure "$name"; done
# all of them, some at once, since brokers in trouble are asked for a while
cut -d' ' -f1 cases | xargs -P 8 -I{} bash -c 'ask "$1" kbs:///default/k/1 >"$1.out" 2>"$1.err"; echo $? >"$1.status"' _ {}
while read -r name counts words; do
	same "$name: asks as often as it should, and properly" "${counts//\// }" "$(journal "$name")"
	cp "$name.err" stdout
	if [[ $words == - ]]; then
		[[ $(cat "$name.status") == 0 ]] && cmp wanted "$name.out" 2>stderr
		report $? "$name: gets the secret"
	else
		sed -n 's/^cocoon-guest get-resource: //p' "$name.err" >stderr
		[[ $(cat "$name.status") == 1 && ! -s $name.out ]] && grep -q -e "$words" stderr
		report $? "$name: fails and says why"
	fi
done < <(sed 's/^\(.*\) \([0-9]*\/[0-9]*\/[0-9]*\) /\1 \2 /' cases)

# what the broker was told, as it understood it
configure plain~told
ok 'sends its init-data' ask plain~told kbs:///default/k/claims --initdata init.toml --sample-device
cp stdout told
same 'byte for byte' "$(base64 -w0 init.toml)" "$(jq -r '."init-data" | @base64' told)"
same 'and evidence of its device' sampledevice "$(jq -r '.devices | fromjson | keys[]' told)"
same 'and nothing that is wrong' '1 1 1' "$(journal plain~told)"
for name in speaks-0.3.0~older speaks-0.2.0~older speaks-0.1.1~older; do
	configure "$name"
	ok "${name%~*}, and so does it where it is let" ask "$name" kbs:///default/k/1 --older-brokers
	same 'and gets the secret' "$(base64 wanted)" "$(base64 stdout)"
	same 'properly' '2 1 1' "$(journal "$name")"
done

# ---- https ----
for name in tls othertls; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key -out $name.crt -days 2 \
		-subj /CN=kbs -addext subjectAltName=IP:127.0.0.1 2>>openssl.log
	cat $name.crt $name.key >$name.pem
done
mkfifo tlshold
: >tlsport
"$python" -B "$peer/kbs_broker.py" --tls tls.pem --admin-key p256.pub <tlshold >tlsport 2>tlsbroker.err &
exec 8>tlshold
https=https://127.0.0.1:$(await_line tlsport '[0-9]*')
configure tls "$https/plain~tls" tls.crt
configure othertls "$https/plain~othertls" othertls.crt
configure system "$https/plain~system"
ok 'trusts the certificate that it is told to' ask tls kbs:///default/k/1
same 'and gets the secret' "$(base64 wanted)" "$(base64 stdout)"
fails 1 'certificate' 'trusts no other' ask othertls kbs:///default/k/1
fails 1 'certificate' 'without one, those of the system' ask system kbs:///default/k/1
same 'and asks nothing of who has another' '' "$(curl -s --cacert tls.crt "$https/plain~othertls/journal")"
ok 'an administrator does so, too' "$sealed" provision --kbs "$https/plain" --auth-private-key p256.key --cert-file tls.crt --resource kbs:///default/a/b=secret
fails 1 'certificate' 'with no other' "$sealed" provision --kbs "$https/plain" --auth-private-key p256.key --cert-file othertls.crt --resource kbs:///default/a/b=secret
exec 8>&-

# ---- our daemon, a broker of others ----
serve() { # serve NAME [URL]: of the foreign broker of that name, or of one elsewhere; sets $socket and $agent
	local name=$1
	configure "$@"
	socket=unix://$work/$name.cdh agent=unix://$work/$name.aa
	: >"$name.log"
	"$guest" serve --aa-socket "$agent" --cdh-socket "$socket" --rest none --attester sample --kernel-command-line cmdline \
		--cdh-config "$name.cdh.toml" --aa-config "$name.aa.toml" 2>"$name.log" &
	ours+=($!)
	await_line "$name.log" '"serving".*hub' >/dev/null
}
serve plain~daemon
seq 64 | xargs -P 16 -I{} "$guest" get-resource -s "$socket" -o raw 'kbs:///default/k/{}' >many
same 'a daemon gets many secrets' "$((64 * $(wc -c <wanted)))" "$(wc -c <many)"
same 'with one handshake' '1 1 64' "$(journal plain~daemon)"
serve get-second-401-TokenNotFound
for _ in 1 2 3; do "$guest" get-resource -s "$socket" -o raw kbs:///default/k/1; done >three 2>&1
same 'attests again when the broker has forgotten it' "$(cat wanted wanted wanted | base64)" "$(base64 three)"
same 'once' '2 2 4' "$(journal get-second-401-TokenNotFound)"

# ---- tokens of our daemon, a client of others, our broker ----
for kind in p256 p521 rsa; do
	serve "token~$kind" "$main"
	ok "gives a token and its key ($kind)" "$guest" token -s "$agent" -o raw kbs
	cp stdout "token~$kind"
	ok 'that others can spend' foreign spend "$main" default/k/1 "token~$kind"
	same 'for the secret' 'a secret of a file' "$(cat stdout)"
done

configure large "$main"
ok 'our guest gets a secret with init-data of 30 KB' ask large kbs:///default/k/1 --initdata large.toml
same 'as it is' 'a secret of a file' "$(cat stdout)"

# ---- provisioning, sealing ----
head -c 3000 /dev/urandom >random
for key in ed25519 p256 p384; do
	ok "an administrator with a key of $key puts a secret" "$sealed" provision --kbs "$theirs/plain~$key" --auth-private-key $key.key \
		--resource kbs:///default/db/random=random --resource kbs:///default/db/password=secret
	same 'whose tokens are what the protocol says' "$(printf '%s\n' 'ADMIN ALG admin 3000' 'ADMIN ALG admin 19')" \
		"$(curl -s "$theirs/plain~$key/journal" | sed -n '/^ADMIN\|^COMPLAINT/s/EdDSA\|ES256\|ES384/ALG/p')"
	same 'which arrived' "$(base64 -w0 random)" "$(curl -s "$theirs/plain~$key/resources" | jq -r '."/resource/default/db/random"')"
	configure "plain~$key"
	ok 'and a guest gets it' ask "plain~$key" kbs:///default/db/random
	ok 'as it was' cmp last random
done
fails 1 'AdminAuthInitialization\|role not allowed' 'a refusal is told' "$sealed" provision --kbs "$theirs/plain" --auth-private-key p256.key --resource kbs:///default/db/denied=secret
openssl genpkey -algorithm ed25519 -out nobody.key 2>>openssl.log
fails 1 'status 401' 'and a key that nobody knows' "$sealed" provision --kbs "$theirs/plain" --auth-private-key nobody.key --resource kbs:///default/db/x=secret

ok 'makes a key for signing' "$sealed" keygen --kid kbs:///default/signing-key/team
ok 'seals' bash -c '"$sealed" seal vault kbs:///default/db/password --key team-private.json >ours'
ok 'which others verify' bash -c '"$python" -B "$peer/sealed.py" verify team-public.json <ours'
same 'to what was sealed' '{"version":"0.1.0","type":"vault","name":"kbs:///default/db/password","provider":"kbs","provider_settings":{},"annotations":{}}' "$(jq -c . stdout)"
ok 'puts the key where guests look for it' "$sealed" provision --kbs "$theirs/plain~seal" --auth-private-key p256.key \
	--resource kbs:///default/signing-key/team=team-public.json --resource kbs:///default/db/password=secret
serve plain~seal
unseals() { # unseals NAME FILE
	ok "$1" "$guest" unseal -s "$socket" -o raw "$2"
	same 'to the secret' 'a secret of a file' "$(cat stdout)"
}
unseals 'a guest unseals ours' ours
for change in '' typ without-b64; do
	"$python" -B "$peer/sealed.py" seal team-private.json kbs:///default/db/password $change >theirs
	unseals "a guest unseals that of others ${change:+($change)}" theirs
	ok 'which our verify takes, too' "$sealed" verify theirs --key team-public.json
done
for change in crit b64-false alg-none no-kid; do
	"$python" -B "$peer/sealed.py" seal team-private.json kbs:///default/db/password $change >theirs
	fails 1 'Unseal Secret failed' "but not with $change" "$guest" unseal -s "$socket" theirs
	fails 1 '' 'nor does verify take it' "$sealed" verify theirs --key team-public.json
done
same 'nothing that the broker was sent was wrong' '' "$(curl -s "$theirs/plain~seal/journal" | grep COMPLAINT)"
same 'the broker itself has not failed' '' "$(cat broker.err)"
ended=0
for process in "${ours[@]}"; do
	kill -TERM "$process" && wait "$process" || ended=$?
done
same 'all of ours end well' 0 $ended
echo "1..$number"
