#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sealed-secrets from outside: the recorded sealer's bytes, the ways there and back, manifests, plans. TAP.
# Usage: tests/cli/sealed-secrets.sh OUT
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
sealed=$bin/sealed-secrets
vectors=$root/tests/vectors/sealed
umask 000 # what is private is so whatever the mask says
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
unset KUBERNETES_SERVICE_HOST

# prints NAME WANTED COMMAND…: standard output, byte for byte
prints() {
	local name=$1 wanted=$2
	shift 2
	"$@" >stdout 2>stderr
	printf %s "$wanted" | cmp -s - stdout
	report $? "$name"
}

# ---- keys ----
ok 'makes a key' "$sealed" keygen --kid kbs:///default/signing-key/team
same 'private to its owner' '600 644' "$(stat -c %a team-private.json team-public.json | paste -sd' ')"
same 'with the members that the ecosystem writes' 'alg crv d kid kty use x y' "$(jq -r 'keys_unsorted | join(" ")' team-private.json)"
same 'and the public half of it' true "$(jq -n --slurpfile a team-private.json --slurpfile b team-public.json '($a[0] | del(.d)) == $b[0]')"
fails 1 'team-private.json. is there already' 'overwrites no key' "$sealed" keygen --kid kbs:///default/signing-key/team
ok 'unless it is told to' "$sealed" keygen --force --kid kbs:///default/signing-key/team
ok 'which OpenSSL takes, too' bash -c 'jose jwk pub -i team-private.json | jq -e ".x"'
key=team-private.json pub=team-public.json

# ---- the bytes of the ecosystem's own sealer ----
jq -c .signing_jwk "$vectors/signing-keys.json" >recorded.json
while read -r case; do
	arguments=()
	for option in signing_kid resource_uri provider provider_settings annotations; do
		value=$(jq -r ".arguments.$option | if . == null then empty else . + \"x\" end" <<<"$case")
		[[ -z $value ]] || arguments+=("--${option//_/-}" "${value%x}")
	done
	prints "seals the same bytes: $(jq -r .name <<<"$case")" "$(jq -r '.stdout | split("\n")[1]' <<<"$case")" \
		"$sealed" seal --signing-jwk-path recorded.json vault "${arguments[@]}"
done < <(jq -c '.cases[] | select(.exit_status == 0) | select(.name | IN("plain", "host-and-port", "plugin", "query",
	"binary-content", "provider-upper-case", "provider-unknown", "provider-aliyun", "provider-aws", "settings-spaces", "settings-order", "settings-duplicate-member",
	"kid-relative", "kid-with-plugin", "kid-private-jwk"))' "$vectors/seal-vault.json")
for name in not-a-uri empty-name two-segments four-segments space-name; do
	uri=$(jq -r --arg name $name '.cases[] | select(.name == $name).arguments.resource_uri' "$vectors/seal-vault.json")
	fails 2 '' "refuses what no guest could fetch: $name" "$sealed" seal --key $key vault "$uri"
done

# ---- vault ----
uri=kbs:///default/db/password
ok 'seals a vault' "$sealed" seal vault $uri --key $key
cp stdout db.sealed
same 'without a newline' 1 "$(tail -c 1 db.sealed | tr -d '\n' | wc -c)"
ok 'equal inputs give equal bytes' bash -c '"$1" seal vault "$2" --key "$3" | cmp - db.sealed' _ "$sealed" $uri $key
ok 'verifies it' "$sealed" verify db.sealed --key $pub
ok 'with the key under its kid' "$sealed" verify db.sealed --key "kbs:///default/signing-key/team=$pub"
fails 1 "none of the keys given is 'kbs:///default/signing-key/team'" 'not with a key of another name' "$sealed" verify db.sealed --key "kbs:///default/signing-key/other=$pub"
ok 'makes another key' "$sealed" keygen --kid kbs:///default/signing-key/other
fails 1 '' 'nor with another key of that name' "$sealed" verify db.sealed --key "kbs:///default/signing-key/team=other-public.json"
fails 2 'is missing' 'nor with none' "$sealed" verify db.sealed
ok 'as PEM' bash -c 'jose jwk pub -i "$1" -o pub.jwk && "$2" verify db.sealed --key pub.jwk' _ $key "$sealed"
ok 'inspects it' "$sealed" inspect db.sealed --key $pub --output json
same 'and says what it is' "vault kbs $uri kbs:///default/signing-key/team 0" "$(jq -r '[.payload.type, .payload.provider, .payload.name, .header.kid, (.findings | length)] | join(" ")' stdout)"
for at in 12 60 200 330; do
	head -c $at db.sealed >bad && { [[ $(tail -c +$((at + 1)) db.sealed | head -c 1) == X ]] && printf Y || printf X; } >>bad && tail -c +$((at + 2)) db.sealed >>bad
	fails 1 '' "refuses it with character $at changed" "$sealed" verify bad --key $pub
done
printf '{"default/db/password":"%s"}' "$(printf 's3cr3t\n' | base64)" >resources.json
prints 'unseals it from a copy of the resources' $'s3cr3t\n' "$sealed" unseal db.sealed --key $pub --resources resources.json
ok 'also with white space around it' bash -c 'printf " %s\n" "$(cat db.sealed)" | "$1" unseal --key "$2" --resources resources.json' _ "$sealed" $pub
fails 2 '' 'not without knowing where the resource is' "$sealed" unseal db.sealed --key $pub
ok 'into a file' "$sealed" unseal db.sealed --key $pub --resources resources.json --to plain
same 'of its owner' '600' "$(stat -c %a plain)"
fails 1 'is there already' 'which it does not overwrite' "$sealed" unseal db.sealed --key $pub --resources resources.json --to plain
ok 'makes a Secret for kubectl' "$sealed" seal vault $uri --key $key --output secret --name db --data-key password -n shop
same 'with the same string' "$(cat db.sealed)" "$(sed -n 's/^  password: //p' stdout)"
fails 2 'already\|twice' 'refuses two spellings of one thing' "$sealed" seal vault $uri --key $key --signing-jwk-path $key
fails 2 'public key' 'signs with no public key' "$sealed" seal vault $uri --key $pub
jq '.alg = "ECDH-ES"' $pub >agreement.json
fails 2 'key for ECDH-ES' 'verifies with no key that is for something else' "$sealed" verify db.sealed --key agreement.json
fails 2 'UTF-8' 'a Secret has a name in UTF-8' "$sealed" seal vault $uri --key $key --output secret --name $'\xff' --data-key x
fails 2 'names no file' 'and so has a key' "$sealed" keygen --kid $'kbs:///default/signing-key/\xff'
openssl genrsa 2048 >rsa.pem 2>/dev/null
fails 2 'P-256' 'nor with an RSA key' "$sealed" seal vault $uri --key rsa.pem --kid kbs:///a/b/c
openssl ecparam -name prime256v1 -genkey -noout >ec.pem 2>/dev/null
fails 2 'kid' 'asks for the kid of a key that has none' "$sealed" seal vault $uri --key ec.pem
ok 'signs with PEM' "$sealed" seal vault $uri --key ec.pem --kid kbs:///default/signing-key/pem

# ---- the old unsigned form ----
payload=$(jq -cn --arg uri $uri '{version: "0.1.0", type: "vault", name: $uri, provider: "kbs", provider_settings: {}, annotations: {}}' | tr -d '\n' | basenc --base64url -w0 | tr -d =)
printf 'sealed.fakejwsheader.%s.fakesignature' "$payload" >fake
fails 1 '' 'does not verify the unsigned form' "$sealed" verify fake --key $pub
prints 'opens it where its owner says so' $'s3cr3t\n' "$sealed" unseal fake --skip-verification --resources resources.json
"$sealed" inspect fake >stdout
same 'and calls it what it is' 1 "$(grep -c '^error .*without a signature' stdout)"
same 'yet shows what is in it' "vault 0.1.0 kbs $uri" "$("$sealed" inspect fake | awk '/^(type|version|provider|name) / { print $2 }' | paste -sd' ')"
printf 'sealed.fakejwsheader.%s==.fakesignature' "$payload" >padded
same 'padded, too' "null $uri fake,padding" "$("$sealed" inspect padded -o json | jq -r '"\(.header) \(.payload.name) \([.findings[].code] | join(","))"')"
printf 'sealed.%s.%s.AA' "$(printf '{"alg":"none","kid":"k"}' | basenc --base64url -w0)" "$payload" >none
same 'and of what no policy of ours lets through' "none $uri" "$("$sealed" inspect none -o json | jq -r '"\(.header.alg) \(.payload.name)"')"
printf 'sealed.AA.%s.AA' "$(jq -cn '{type: "\u001b[2Jvault\u009b"}' | tr -d '\n' | basenc --base64url -w0 | tr -d =)" >hostile
same 'without obeying it' '?[2Jvault??' "$("$sealed" inspect hostile | awk '/^type / { print $2 }')"

# ---- envelope, with a double of a key service that checks signatures ----
mkdir ehsm && echo '{"AppId":"app-1","ApiKey":"key-of-the-test"}' >ehsm/credential_app-1.json
cat >ehsm.py <<'PY'
import base64, hashlib, hmac, http.server, json
class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        payload = "&".join(f"{k}={v}" for k, v in sorted(body["payload"].items()))
        text = f"appid={body['appid']}&nonce={body['nonce']}&payload={payload}&timestamp={body['timestamp']}"
        sign = base64.b64encode(hmac.new(b"key-of-the-test", text.encode(), hashlib.sha256).digest()).decode()
        if sign != body["sign"]:
            answer = {"code": 400, "message": "sign error"}
        elif self.path.endswith("Encrypt"):
            blob = bytes(b ^ 0x5a for b in base64.b64decode(body["payload"]["plaintext"]))
            answer = {"code": 200, "message": "success!", "result": {"ciphertext": base64.b64encode(blob).decode()}}
        else:
            blob = bytes(b ^ 0x5a for b in base64.b64decode(body["payload"]["ciphertext"]))
            answer = {"code": 200, "message": "success!", "result": {"plaintext": base64.b64encode(blob).decode()}}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Service)
print(server.server_port, flush=True)
server.serve_forever()
PY
coproc service { exec python3 ehsm.py; }
read -r port <&"${service[0]}"
settings="{\"endpoint\":\"http://127.0.0.1:$port\",\"app_id\":\"app-1\"}"
head -c 3000 /dev/urandom >big
ok 'seals an envelope' bash -c '"$1" seal envelope --key "$2" -p ehsm --provider-settings "$3" -k key-1 --kms-credentials ehsm -f big >envelope' _ "$sealed" $key "$settings"
same 'whose settings are sorted' app_id "$("$sealed" inspect envelope --key $pub -o json | jq -r '.payload.provider_settings | keys_unsorted[0]')"
ok 'and gets it back' bash -c '"$1" unseal envelope --key "$2" --kms-credentials ehsm | cmp - big' _ "$sealed" $pub
head -c 60000 /dev/urandom >bigger
ok 'as much as a secret may be' bash -c '"$1" seal envelope --key "$2" -p ehsm --provider-settings "$3" -k key-1 --kms-credentials ehsm -f bigger >envelope2 && (($(stat -c %s envelope2) > 65536))' _ "$sealed" $key "$settings"
ok 'comes back, too' bash -c '"$1" unseal envelope2 --key "$2" --kms-credentials ehsm | cmp - bigger' _ "$sealed" $pub
ok 'each envelope has a key of its own' bash -c '! "$1" seal envelope --key "$2" -p ehsm --provider-settings "$3" -k key-1 --kms-credentials ehsm -f big | cmp -s - envelope' _ "$sealed" $key "$settings"
ok 'from standard input' bash -c '"$1" seal envelope --key "$2" -p ehsm --provider-settings "$3" -k key-1 --kms-credentials ehsm <big >other' _ "$sealed" $key "$settings"
ok 'from a descriptor' bash -c '"$1" seal envelope --key "$2" -p ehsm --provider-settings "$3" -k key-1 --kms-credentials ehsm -f fd:5 5<big >other' _ "$sealed" $key "$settings"
echo '{"AppId":"app-1","ApiKey":"another"}' >ehsm/credential_app-1.json
fails 1 'sign error' 'says what the service says' "$sealed" unseal envelope --key $pub --kms-credentials ehsm
fails 2 'Unsupported provider' 'refuses a service that nobody has' "$sealed" seal envelope --key $key -p kbs -k key-1 -f big
fails 2 'key-id' 'and an envelope without a key' "$sealed" seal envelope --key $key -p aws -f big

# ---- manifests ----
cat >app.yaml <<'Y'
# the shop
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
type: Opaque
data:
  password: czNjcjN0   # from the vault
  user: YWRtaW4=
stringData:
  url: "postgres://db/shop"
---
apiVersion: v1
kind: Secret
metadata: {name: regcred, namespace: shop}
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlOjUwMDAiOnsiYXV0aCI6ImRYTmxjanB3WVhOeiJ9fX0=
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      runtimeClassName: kata-qemu-snp
      imagePullSecrets: [{name: regcred}]
      containers:
      - name: web
        image: registry.example/web@sha256:aaaa
        env:
        - name: DB_PASSWORD
          valueFrom: {secretKeyRef: {name: db, key: password}}
        - name: API_TOKEN # leaks
          value: topsecret
        - {name: MODE, value: fast}
      volumes:
      - name: v
        secret: {secretName: db}
Y
cp app.yaml plain.yaml
"$sealed" lint plain.yaml -o json >lint.json
same 'lint finds plain secrets of confidential pods' '1 plain-secret' "$? $(jq -r '[.findings[] | select(.level == "error").code] | unique | join(" ")' lint.json)"
same 'each use of them' 4 "$(jq '[.findings[] | select(.level == "error")] | length' lint.json)"
fails 2 'plan' 'convert wants to know where the secrets go' "$sealed" convert app.yaml --key $key
ok 'converts' "$sealed" convert --in-place app.yaml --key $key --plan app.plan --env '*_TOKEN' --output json
same 'four secrets' 'default/db/password default/db/user default/db/url default/web/containers-0.API_TOKEN' "$(jq -r '[.converted[].resource] | join(" ")' stdout)"
same 'the plan is private' 600 "$(stat -c %a app.plan)"
same 'and holds them' 's3cr3t admin postgres://db/shop topsecret' "$(jq -r '[.resources[].base64 | @base64d] | join(" ")' app.plan)"
ok 'comments stay' bash -c 'grep -q "# from the vault" app.yaml && grep -q "# leaks" app.yaml && sed 1q app.yaml | grep -q "^# the shop"'
ok 'no secret does' bash -c '! grep -q "czNjcjN0\|YWRtaW4=\|postgres\|topsecret" app.yaml'
same 'only these lines changed' 4 "$(diff plain.yaml app.yaml | grep -c '^>')"
ok 'lint is content' "$sealed" lint app.yaml --key $pub
same 'and has looked at them' 1 "$(grep -c '^4 sealed, 0 errors' stdout)"
ok 'converts once' bash -c 'cp app.yaml before && "$1" convert --in-place app.yaml --key "$2" --plan none.plan && cmp app.yaml before && test ! -e none.plan' _ "$sealed" $key
fails 1 'is there already' 'overwrites no plan' bash -c 'cp plain.yaml again.yaml; "$1" convert -i again.yaml --key "$2" --plan app.plan' _ "$sealed" $key
ok 'and changes no manifest then' cmp plain.yaml again.yaml
cat >two.yaml <<'Y'
{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: a}, stringData: {p: one}}
---
{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: b}, stringData: {p: two}}
Y
fails 1 'with-namespace' 'two Secrets cannot be one resource' "$sealed" convert two.yaml --key $key --plan two.plan
ok 'unless their namespaces tell them apart' "$sealed" convert two.yaml --key $key --plan two.plan --with-namespace

# ---- lint of what is broken ----
broken() { # broken NAME CODE VALUE
	printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  runtimeClassName: kata-cc\n  initContainers:\n  - name: c\n    env:\n    - {name: X, value: %s}\n' "$(jq -Rsc . <<<"$3" | sed 's/\\n"$/"/')" >broken.yaml
	"$sealed" lint --runtime-class 'kata-*' --key $pub broken.yaml -o json >lint.json
	same "lint: $1" "$2" "$(jq -r '[.findings[].code] | join(" ")' lint.json)"
}
good=$(cat db.sealed)
broken 'a good one' '' "$good"
broken 'the unsigned form' fake "$(cat fake)"
broken 'a newline at the end' 'white-space' "$good"$'\n'
broken 'an unknown key' unknown-kid "$("$sealed" seal vault $uri --key other-private.json)"
broken 'a key that guests cannot fetch' 'kid unknown-kid' "$("$sealed" seal vault $uri --key $key --kid local-key 2>/dev/null)"
broken 'a signature by another key' signature "$("$sealed" seal vault $uri --key other-private.json --kid kbs:///default/signing-key/team)"
broken padding padding "${good%.*}==.${good##*.}"

printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {a: "!!!", b: aGVsbG8=}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {x: sealed.x}\n' >base64.yaml
"$sealed" lint base64.yaml -o json >lint.json
same 'lint: base64 that is broken hides nothing else' '1 base64 form' "$? $(jq -r '[.findings[].code] | join(" ")' lint.json)"
fails 1 'Secret db: data.a' 'convert leaves it to its owner' "$sealed" convert base64.yaml --key $key --plan base64.plan
printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: "db\\n0 sealed, 0 errors"}\nstringData: {a: sealed.x}\n' >forged.yaml
"$sealed" lint forged.yaml >stdout
same 'lint: no name forges a line' '1 2' "$? $(wc -l <stdout)"
cp base64.yaml $'name\xff.yaml'
same 'lint: no name of a file hides findings' 2 "$("$sealed" lint $'name\xff.yaml' | grep -c '^name?.yaml: .*error')"
printf '{apiVersion: v1, kind: SecretList, items: [{metadata: {name: db}, data: {a: "!!!"}}]}\n' >list.yaml
same 'lint: items of a SecretList are Secrets' 1 "$("$sealed" lint list.yaml | grep -c 'Secret db: data.a: error')"
{
	printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n'
	seq -f "  k%g: ''" 3000
	printf -- '---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  runtimeClassName: kata-qemu-tdx\n  containers:\n  - envFrom:\n'
	yes '    - secretRef: {name: db}' | head -1000
} >many.yaml
"$sealed" lint many.yaml -o json >lint.json
same 'lint: three million findings are too many to show' '1 2001 many' "$? $(jq -r '[.errors, .findings[-1].code] | join(" ")' lint.json)"
cat >ordinary.yaml <<Y
{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {p: $good}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{envFrom: [{secretRef: {name: db}}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: q}, spec: {containers: [{envFrom: [{secretRef: {name: other}}]}]}}
Y
"$sealed" lint ordinary.yaml --key $pub -o json >lint.json
same 'lint: a sealed Secret of an ordinary pod' 'Pod p not-confidential warning' "$(jq -r '.findings[] | .object + " " + .code + " " + .level' lint.json)"
openssl ec -in ec.pem -pubout -out ec.pub 2>/dev/null
"$sealed" seal vault $uri --key ec.pem --kid kbs:///default/signing-key/pem >pem.sealed
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {first: %s, second: %s}\n' "$(cat pem.sealed)" "$good" >pem.yaml
"$sealed" lint --key ec.pub pem.yaml -o json >lint.json
same 'lint: a single key without a kid serves for all' '1 data.second signature' "$? $(jq -r '.findings[] | .where + " " + .code' lint.json)"

# ---- convert, when things go wrong ----
fails 2 'in-place' 'standard input is not a file to change' bash -c '"$1" convert -i - --key "$2" --plan stdin.plan <plain.yaml' _ "$sealed" $key
ok 'nor is one made' test ! -e -
{ cat plain.yaml && printf '# %08192d\n' 0; } >large.yaml
cp large.yaml kept.yaml
fails 1 "keep 'large.plan'" 'a file that cannot be written: the plan is all there is' bash -c '
	trap "" XFSZ && ulimit -f 4 && "$1" convert -i large.yaml --key "$2" --plan large.plan' _ "$sealed" $key
same 'and it is there' 3 "$(jq '.resources | length' large.plan)"
ok 'beside the file as it was' cmp large.yaml kept.yaml

# ---- pull secrets ----
ok 'makes the auth file of guests' "$sealed" registry-auth plain.yaml
same 'with user and password' user:pass "$(jq -r '.auths["registry.example:5000"].auth | @base64d' stdout)"
auth() { # auth PATTERN NAME JSON
	printf %s "$3" >config.json
	fails 1 "$1" "$2" "$sealed" registry-auth config.json
}
auth 'helper' 'refuses helpers' '{"auths":{"a":{"auth":"dTpw"}},"credsStore":"secretservice"}'
auth 'token' 'refuses identity tokens' '{"auths":{"a":{"auth":"dTpw","identitytoken":"t"}}}'
auth 'wildcards' 'refuses wildcards' '{"auths":{"*.example":{"auth":"dTpw"}}}'
auth 'user:password' 'refuses what has no colon' '{"auths":{"a":{"auth":"dXA="}}}'
auth 'newline' 'refuses a newline that guests would cut off' '{"auths":{"a":{"auth":"dTpwCg=="}}}'
auth 'empty' 'refuses an entry without credentials' '{"auths":{"a":{}}}'
echo '{"auths":{"a":{"username":"u","password":"p"}}}' >config.json
ok 'takes user and password apart' "$sealed" registry-auth config.json --plan auth.plan --uri kbs:///default/credential/a
same 'into a plan' '{"auths":{"a":{"auth":"dTpw"}}}' "$(jq -r '.resources[0].base64 | @base64d' auth.plan)"

# ---- for the operator ----
ok 'prints Secrets for the operator of Trustee' "$sealed" provision app.plan --output secret
same 'with the resources as keys' 2 "$(grep -c '^kind: Secret' stdout)"
ok 'and the patch of its list' "$sealed" provision app.plan --output kbsconfig
same 'that appends' '/spec/kbsSecretResources/- db,/spec/kbsSecretResources/- web' "$(jq -r '[.[] | .path + " " + .value] | join(",")' stdout)"
fails 2 'kbs is missing' 'a broker must be named' "$sealed" provision app.plan
fails 1 'never be in the cluster' 'not from inside of a cluster' env KUBERNETES_SERVICE_HOST=10.0.0.1 "$sealed" provision app.plan --kbs http://127.0.0.1:1
fails 2 'in the clear' 'nor in the clear' "$sealed" provision app.plan --kbs http://kbs.example:8080 --auth-private-key ec.pem
fails 1 '' 'a broker that is not there is an error' "$sealed" provision app.plan --kbs http://127.0.0.1:1 --auth-private-key ec.pem

echo "1..$number"
