#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dev-kbs as a process: what it says, http and https, keys of administrators, storage over a restart, opa and its end,
# connections that are cut, half open or many. The guest here is Python's cryptography, which shares no code with it.
# TAP. Usage: tests/cli/dev-kbs.sh OUT
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
broker=$bin/dev-kbs
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
opa=$("$root/e2e/kbs/opa.sh") || exit 1

# guest.py URL PATH [INIT-DATA]: attests as the sample TEE and prints the resource; with a wrong word: what was answered
cat >guest.py <<'P'
import base64, hashlib, json, ssl, struct, sys, urllib.error, urllib.request
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
url, path = sys.argv[1] + "/kbs/v0", sys.argv[2]
trust = ssl.create_default_context(cafile="tls.crt") if url.startswith("https") else None
def ask(method, where, body=None, cookie=""):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + where, data, {"Cookie": cookie} if cookie else {}, method=method)
    try:
        with urllib.request.urlopen(request, context=trust) as answer:
            return answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit("%d %s" % (error.code, error.read().decode()))
dec = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
enc = lambda number: base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
key = ec.generate_private_key(ec.SECP256R1())
point = key.public_key().public_numbers()
jwk = {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": enc(point.x), "y": enc(point.y)}
headers, challenge = ask("POST", "/auth", {"version": "0.4.0", "tee": "sample", "extra-params": {}})
cookie, nonce = headers["Set-Cookie"].split(";")[0], challenge["nonce"]
bound = json.dumps({"additional-evidence": "", "nonce": nonce, "tee-pubkey": jwk}, sort_keys=True, separators=(",", ":"))
report = base64.b64encode(hashlib.sha384(bound.encode()).digest()).decode()
document = {"format": "toml", "body": open(sys.argv[3]).read()} if len(sys.argv) > 3 else None
ask("POST", "/attest", {"init-data": document, "runtime-data": {"nonce": nonce, "tee-pubkey": jwk}, "tee-evidence": {
    "primary_evidence": {"svn": "1", "report_data": report}, "additional_evidence": ""}}, cookie)
_, jwe = ask("GET", "/resource/" + path, None, cookie)
epk = json.loads(dec(jwe["protected"]))["epk"]
peer = ec.EllipticCurvePublicNumbers(int.from_bytes(dec(epk["x"]), "big"), int.from_bytes(dec(epk["y"]), "big"), ec.SECP256R1())
name = b"ECDH-ES+A256KW"
info = struct.pack(">I", len(name)) + name + struct.pack(">III", 0, 0, 256)
secret = key.exchange(ec.ECDH(), peer.public_key())
kek = hashlib.sha256(struct.pack(">I", 1) + secret + info).digest()
cek = keywrap.aes_key_unwrap(kek, dec(jwe["encrypted_key"]))
plain = AESGCM(cek).decrypt(dec(jwe["iv"]), dec(jwe["ciphertext"]) + dec(jwe["tag"]), jwe["protected"].encode())
sys.stdout.write(plain.decode())
P
export root
printf 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n' >one.toml
printf 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n\n' >other.toml
digest=$(sha256sum one.toml | cut -d' ' -f1)
printf 'a secret of a file' >secret

# await_line FILE PATTERN: until the file has such a line, whose match is printed
await_line() {
	for _ in {1..3000}; do
		grep -m1 -o -e "$2" "$1" && return
		read -rt 0.01 <> <(:)
	done
	return 1
}
# start NAME OPTION…: a broker; sets $pid and $url
start() {
	local name=$1
	shift
	: >"$name.log"
	"$broker" --listen 127.0.0.1:0 "$@" 2>"$name.log" &
	pid=$!
	url=$(await_line "$name.log" 'http[s]*://127\.0\.0\.1:[0-9]*')
}
# stop: tells the last one to end; its exit code
stop() {
	kill -TERM "$pid"
	wait "$pid"
}
guest() { python3 guest.py "$url" "$@"; }
gets() { # gets NAME TEXT PATH…
	local name=$1 text=$2
	shift 2
	same "$name" "$text" "$(guest "$@" 2>&1)"
}
refuses() { # refuses NAME PATTERN PATH…
	local name=$1 pattern=$2
	shift 2
	fails 1 "$pattern" "$name" guest "$@"
}
status() { curl -s -o answer -w '%{http_code}' "$@"; }
policy() { # policy TEXT: the status of posting it
	status "$url/kbs/v0/resource-policy" -d "{\"policy\":\"$(printf '%s' "$1" | basenc --base64url -w0 | tr -d =)\"}"
}

# ---- what it says, and what it does not do ----
start plain --policy allow-all --insecure-admin --resource "default/file/1=secret"
ok 'says that it is not for production' grep -q 'NOT FOR PRODUCTION' plain.log
gets 'gives a resource to a foreign guest' 'a secret of a file' default/file/1
refuses 'refuses a resource that is not there' '401.*PluginInternalError' default/file/2
same 'takes a resource' 200 "$(status -X POST "$url/kbs/v0/resource/default/key/1" --data-binary 'by curl')"
gets 'and gives it' 'by curl' default/key/1
same 'is well' '200 0' "$(curl -s -o /dev/null -w '%{http_code} %{size_download}' "$url/healthz")"
curl -s "$url/metrics" >metrics
ok 'counts' grep -qx 'dev_kbs_releases_total 2' metrics
curl -si "$url/kbs/v0/resource/default/key/1" >answer
ok 'a failure has no Content-Type' bash -c '! grep -qi ^content-type answer && grep -q TokenNotFound answer'
curl -si -X PATCH "$url/kbs/v0/auth" >answer
ok 'names its methods' grep -qi '^allow: GET, POST, PUT, DELETE' answer
head -c 2097153 /dev/zero >big
same 'bounds bodies' 413 "$(status "$url/kbs/v0/resource/default/key/big" --data-binary @big)"
same 'far too large ones too' 413 "$(status "$url/kbs/v0/resource/default/key/big" --data-binary @<(cat big big big))"
ok 'ends when it is told to' stop
ok 'wrote nothing of a secret into its log' bash -c '! grep -q -e "a secret" -e "by curl" plain.log'

fails 2 'cert.*key' 'does not serve other machines without https' "$broker" --listen 0.0.0.0:0
fails 2 'go together' 'wants a key beside a certificate' "$broker" --cert x
fails 2 'not.begin with a digest' 'wants a digest' "$broker" --allow-initdata nonsense
fails 2 'opa' 'wants the opa that it is told of' "$broker" --opa ./nothing
fails 1 'nothing' 'wants the file of a resource' "$broker" --resource default/key/1=nothing
fails 2 'REPOSITORY' 'wants a resource to have a name' "$broker" --resource key=secret

# ---- https ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.crt -days 2 \
	-subj /CN=kbs -addext subjectAltName=IP:127.0.0.1 2>req.log
start tls --policy allow-all --resource default/file/1=secret --cert tls.crt --key tls.key
gets 'serves https' 'a secret of a file' default/file/1
fails 60 'certificate' 'with its own certificate alone' curl -sS "$url/healthz"
stop

# ---- administrators ----
openssl genpkey -algorithm ed25519 -out admin.key 2>>req.log
openssl pkey -in admin.key -pubout -out admin.pub
jwt() { # jwt CLAIMS
	local head body
	head=$(printf '{"alg":"EdDSA","typ":"JWT"}' | basenc --base64url -w0 | tr -d =)
	body=$(printf '%s' "$1" | basenc --base64url -w0 | tr -d =)
	printf '%s.%s' "$head" "$body" >signed
	openssl pkeyutl -sign -inkey admin.key -rawin -in signed -out signature
	printf '%s.%s.%s' "$head" "$body" "$(basenc --base64url -w0 <signature | tr -d =)"
}
soon=$(($(date +%s) + 600))
start admin --policy allow-all --admin-public-key admin.pub
put() { status -X POST "$url/kbs/v0/resource/default/key/1" -d x -H "Authorization: Bearer $1"; }
same 'lets an administrator in' 200 "$(put "$(jwt "{\"role\":\"admin\",\"exp\":$soon}")")"
same 'whose role may do it' 401 "$(put "$(jwt "{\"role\":\"other\",\"exp\":$soon}")")"
same 'as long as the token lives' 401 "$(put "$(jwt '{"role":"admin","exp":1}')")"
stop
start closed --policy allow-all
same 'lets nobody in who was not named' 401 "$(put "$(jwt "{\"role\":\"admin\",\"exp\":$soon}")")"
stop

# ---- init-data ----
start list --policy allow-all --allow-initdata "$digest=default/file/*" --resource default/file/1=secret --audit audit
gets 'gives to a known init-data' 'a secret of a file' default/file/1 one.toml
refuses 'and to no other' 'PolicyDeny' default/file/1 other.toml
refuses 'and not to none' 'PolicyDeny' default/file/1
ok 'and says in its audit log why' grep -q '"verdict":"refused".*allow-list: no entry for this init-data' audit
same 'which is its owner'"'"'s alone' 600 "$(stat -c %a audit)"
stop

# ---- opa, storage, restart ----
start rego --insecure-admin --storage kbs.d --opa "$opa" --signer-key <(openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 2>>req.log)
same 'takes a resource into storage' 200 "$(status -X POST "$url/kbs/v0/resource/default/key/1" --data-binary 'stored')"
refuses 'its own policy gives the sample TEE nothing' PolicyDeny default/key/1
same 'takes a policy in Rego' 200 "$(policy 'package policy
allow if data["resource-path"][1] == "key"')"
gets 'which counts at once' 'stored' default/key/1
same 'refuses one with a mistake' 401 "$(policy 'package policy
allow if nosuch(1)')"
ok 'and says what it is' grep -q 'PolicyEngineError.*nosuch' answer
gets 'and keeps the old one' 'stored' default/key/1
opas=$(pgrep -P "$pid" | wc -l)
same 'has a process for each policy' 2 "$opas"
children=$(pgrep -P "$pid")
# who is killed cannot remove the folders of his sockets
for child in $children; do
	tr '\0' '\n' <"/proc/$child/cmdline" | sed -n 's,^unix://\(/tmp/dev-kbs-.*\)/socket$,\1,p'
done >folders
kill -KILL "$pid"
wait "$pid" 2>/dev/null
gone() { # every one of them
	for _ in {1..500}; do
		# shellcheck disable=SC2086 # several
		kill -0 $children 2>/dev/null || return 0
		read -rt 0.01 <> <(:)
	done
	return 1
}
ok 'its processes end with it, however it ends' gone
xargs rm -r <folders
touch began
start again --insecure-admin --storage kbs.d --opa "$opa"
gets 'has everything after a restart' 'stored' default/key/1
stop
fails 1 'there is no opa' 'does not forget a policy for want of opa' env PATH=/nowhere "$broker" --listen 127.0.0.1:0 --storage kbs.d
same 'leaves no folder behind' '' "$(find /tmp -maxdepth 1 -name 'dev-kbs-*' -newer began)"

# ---- clients that behave badly ----
start load --policy allow-all --insecure-admin --resource default/file/1=secret
python3 - "$url" <<'P'
import socket, sys
host, port = sys.argv[1][7:].split(":")
held = []
for i in range(200):
    s = socket.create_connection((host, int(port)))
    s.sendall([b"", b"POST /kbs/v0/auth HTTP/1.1\r\n", b"POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"][i % 3])
    held.append(s)
import subprocess
sys.exit(subprocess.run([sys.executable, "guest.py", sys.argv[1], "default/file/1"], stdout=subprocess.DEVNULL).returncode)
P
report $? 'serves others while two hundred connections are half open'
ok 'ends with them' stop
echo "1..$number"
