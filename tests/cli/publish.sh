#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# initdata-gen publish: files, signature, and the resource policy, which a real opa evaluates against claims of tokens that
# a real attestation service issued, and against those of our broker: the right document is released, any other is not.
# TAP. Usage: publish.sh OUT
set -uo pipefail
# shellcheck source=tests/tap.bash
. "$(dirname "$0")/../tap.bash"
opa=$("$root/e2e/kbs/opa.sh" 2>opa.log) || { cat opa.log >&2 && exit 1; }
PATH=$bin:$PATH:$(dirname "$opa")
ear=$root/tests/initdata/ear

publish() { initdata-gen publish --name shop --resource default/key/app -r default/shop/ "$@"; }
# decides FOLDER CLAIMS [PATH]: what the policy says of a token and a resource
decides() {
	jq -n --arg path "${3:-default/key/app}" '{plugin: "resource", "resource-path": ($path | split("/")), query: {}}' >data.json
	opa eval --format raw -d "$1/resource-policy.rego" -d data.json -i "$2" data.policy.allow
}
# claims KIND FORM [STATUS]: a token of that kind of TEE; shape and all else as recorded
claims() {
	jq --arg kind "$1" --arg form "$2" --arg status "${3:-affirming}" '.submods.cpu0 |= (."ear.status" = $status |
		."ear.veraison.annotated-evidence" |= (del(.sample) | .[$kind] = {} | .init_data = $form))' "$ear/claims.json"
}
form() { jq -r --arg kind "$2" '.documents[0].forms[$kind]' "$1/bundle.json"; } # form FOLDER KIND

cat >one.toml <<'END'
version = "0.1.0"
algorithm = "sha256"

[data]
"note.txt" = "one"
END
sed 's/one/two/' one.toml >two.toml
openssl ecparam -name prime256v1 -genkey -noout -out owner.pem

# ---- usage -----------------------------------------------------------------------------------------------------

fails 2 '\-\-name' 'no name' initdata-gen publish --to b one.toml
fails 2 '\-\-to' 'no folder' initdata-gen publish --name a one.toml
fails 2 'name documents' 'nothing to publish' publish --to b
fails 1 'repository/type/tag' 'a resource that no broker has' publish --to b -r ../key/app one.toml
fails 2 'not-after' 'a time that is none' publish --to b --not-after tomorrow one.toml
fails 1 'ends before' 'a validity that ends before it begins' publish --to b --not-before 2027-01-02 --not-after 2027-01-01 one.toml
fails 1 'NAME=VALUE' 'a reference value that is none' publish --to b --reference-value x one.toml
fails 1 'none.toml' 'a document that is not there' publish --to b none.toml
fails 1 'none.pem' 'a key that is not there' publish --to c --key none.pem one.toml
ok 'and then nothing is written' test ! -e c
fails 2 'not-after' 'a day that the month does not have' publish --to b --not-after 2027-02-31 one.toml
fails 1 'no UTF-8\|UTF-8' 'a reference value that is no text' publish --to b --reference-value $'a=\xff' one.toml
cat >profile.yaml <<'END'
apiVersion: cocoon.dev/v1alpha1
kind: ConfidentialProfile
metadata: {name: team}
spec: {runtimeClasses: [kata-qemu-*], namespaceSelector: {}, initData: {kbs: {url: "https://kbs.example"}}}
END
fails 2 'one document' 'files beside a profile that has a document of its own' publish --to b --profile profile.yaml one.toml

# ---- files -----------------------------------------------------------------------------------------------------

ok 'a bundle' publish --to bundle --key owner.pem --kid owner --reference-value snp_launch_measurement=aa one.toml two.toml
digest=$(sha256sum <one.toml | cut -d' ' -f1)
same 'the documents are in it, byte for byte' "$(cat one.toml)" "$(cat "bundle/documents/$digest.toml")"
same 'their digests, in their order' "$digest $(sha256sum <two.toml | cut -d' ' -f1)" "$(jq -r '[.documents[].digest] | join(" ")' bundle/bundle.json)"
same 'the forms are those that show prints' "$(initdata-gen digest --output json one.toml | jq -r '[.. | objects | select(.name? == "tdx").hex][0]')" "$(form bundle tdx)"
same 'the signature is over the manifest' "$(cat bundle/bundle.json)" \
	"$(cut -d. -f2 bundle/bundle.jws | tr -- '-_' '+/' | sed 's/$/===/' | base64 -d 2>/dev/null)"
openssl ec -in owner.pem -pubout -out owner.pub 2>/dev/null
jose_verifies() { # by another program: OpenSSL, over HEADER "." PAYLOAD
	cut -d. -f1,2 "$1" | tr -d '\n' >covered
	cut -d. -f3 "$1" | tr -- '-_' '+/' | sed 's/$/===/' | base64 -d 2>/dev/null | xxd -p | tr -d '\n' |
		sed -E 's/^(.{64})(.{64})$/asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x\1\ns=INTEGER:0x\2/' >signature.cnf
	openssl asn1parse -genconf signature.cnf -out signature.der >/dev/null &&
		openssl dgst -sha256 -verify owner.pub -signature signature.der covered
}
ok 'and OpenSSL verifies it' jose_verifies bundle/bundle.jws
sed 's/\./A./' bundle/bundle.jws >tampered.jws
cp -r bundle again
ok 'the same folder without a key' publish --to again one.toml
ok 'has no signature of what was there before' test ! -e again/bundle.jws
same 'but not one that was changed' 'Verification failure' "$(jose_verifies tampered.jws 2>/dev/null)"
same 'reference values are what the service takes' aa "$(jq -r '.payload | @base64d | fromjson | .snp_launch_measurement[0]' bundle/reference-values.json)"
ok 'twice' publish --to bundle2 --key owner.pem --kid owner --reference-value snp_launch_measurement=aa one.toml two.toml
same 'is the same' "$(cd bundle && sha256sum -- * documents/* 2>/dev/null)" "$(cd bundle2 && sha256sum -- * documents/* 2>/dev/null)"
ok 'the policy is good Rego' opa check --strict bundle/resource-policy.rego

# ---- the policy, against tokens ----------------------------------------------------------------------------------

for kind in snp tdx sgx cca se az-snp-vtpm az-tdx-vtpm tpm; do
	claims "$kind" "$(form bundle "$kind")" >good.json
	same "$kind: the right document" true "$(decides bundle good.json)"
	claims "$kind" "$(jq -r --arg kind "$kind" '.documents[1].forms[$kind]' bundle/bundle.json)" >second.json
	same "$kind: the other right one" true "$(decides bundle second.json)"
	claims "$kind" "$(form bundle "$kind" | tr 0-9 1-90)" >other.json
	same "$kind: any other" false "$(decides bundle other.json)"
	claims "$kind" "$(form bundle "$kind")" contraindicated >bad.json
	same "$kind: a guest that was not affirmed" false "$(decides bundle bad.json)"
done
claims snp "$(form bundle snp)" >snp.json
same 'another resource' false "$(decides bundle snp.json default/key/other)"
same 'another repository' false "$(decides bundle snp.json other/key/app)"
same 'below a prefix' true "$(decides bundle snp.json default/shop/anything)"
same 'not the prefix itself, nor deeper' 'false false' "$(decides bundle snp.json default/shop) $(decides bundle snp.json default/shop/a/b)"
same 'another plugin' false "$(jq '.plugin = "pkcs11"' data.json >data2.json; opa eval --format raw -d bundle/resource-policy.rego -d data2.json -i snp.json data.policy.allow)"
same "another kind's form" false "$(claims tdx "$(form bundle snp)" >x.json; decides bundle x.json)"
same 'evidence of two kinds' false "$(jq '.submods.cpu0."ear.veraison.annotated-evidence".tdx = {}' snp.json >x.json; decides bundle x.json)"
same 'a device beside it that was not affirmed' false "$(jq '.submods.gpu0 = {"ear.status": "warning"}' snp.json >x.json; decides bundle x.json)"
same 'a device that was' true "$(jq '.submods.gpu0 = {"ear.status": "affirming"}' snp.json >x.json; decides bundle x.json)"
for broken in '{}' '{submods: {}}' '{submods: {cpu0: {}}}' '{submods: []}' 'del(.submods.cpu0."ear.veraison.annotated-evidence".init_data)' \
	'.submods.cpu0."ear.veraison.annotated-evidence".init_data = null' 'del(.submods.cpu0."ear.status")' '.submods = {gpu0: .submods.cpu0}'; do
	jq "$broken" snp.json >x.json
	same "a token without what it needs: $broken" false "$(decides bundle x.json)"
done

# a token that a real service issued, for a document of its own; the evidence is the sample TEE's
ok 'a bundle for the recorded document' publish --to recorded "$ear/document.toml"
same 'the form is what the service wrote' "$(jq -r '.submods.cpu0."ear.veraison.annotated-evidence".init_data' "$ear/claims.json")" "$(form recorded sample)"
same 'evidence that nobody has verified' false "$(jq '.submods.cpu0."ear.status" = "affirming"' "$ear/claims.json" >x.json; decides recorded x.json)"
ok 'a bundle that takes it, for tests' publish --to sample --trust any --allow-sample "$ear/document.toml"
same 'releases to the recorded token' true "$(decides sample "$ear/claims.json")"
same 'not to that of a guest without init-data' false "$(decides sample "$ear/claims-affirming.json")"
ok 'and one for another document' publish --to sample2 --trust any --allow-sample one.toml
same 'does not' false "$(decides sample2 "$ear/claims.json")"

# ---- times -----------------------------------------------------------------------------------------------------

ok 'a bundle that is over' publish --to over --not-after 2020-01-01 one.toml
same 'releases nothing' false "$(decides over snp.json)"
ok 'one that has not begun' publish --to early --not-before 2999-01-01 one.toml
same 'does not either' false "$(decides early snp.json)"
ok 'one that holds' publish --to now --not-before 2020-01-01T00:00:00Z --not-after 2999-01-01 one.toml
same 'does' true "$(decides now snp.json)"

# ---- a broker that evaluates it, and guests that attest to it ------------------------------------------------------

# await_line FILE PATTERN: until the file has such a line, whose match is printed
await_line() {
	for _ in {1..3000}; do
		grep -m1 -o -e "$2" "$1" && return
		read -rt 0.01 <> <(:)
	done
	return 1
}
asks() { "$python" -B "$root/tests/peer/kbs_guest.py" get "$url" "$1" --initdata "$2"; }
python=$("$root/tools/python.sh") || exit 1
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT
echo 'a secret' >secret
: >broker.log
"$bin/dev-kbs" --listen 127.0.0.1:0 --resource default/key/app=secret --resource default/key/other=secret --insecure-admin \
	--opa "$opa" 2>broker.log &
url=$(await_line broker.log 'http://127\.0\.0\.1:[0-9]*')
ok 'a bundle for guests without hardware' publish --to live --trust any --allow-sample one.toml
jq -n --rawfile rego live/resource-policy.rego '{policy: ($rego | @base64 | gsub("\\+"; "-") | gsub("/"; "_") | gsub("="; ""))}' >posted.json
ok 'the broker takes the policy' curl -sSf --max-time 20 -o /dev/null "$url/kbs/v0/resource-policy" -H 'content-type: application/json' -d @posted.json
ok 'a guest that was started with the document gets the secret' asks default/key/app one.toml
same 'which is this' 'a secret' "$(cat stdout)"
fails 1 '401\|403' 'a guest with another document does not' asks default/key/app two.toml
fails 1 '401\|403' 'nor does the right one get what was not released to it' asks default/key/other one.toml
fails 1 '401\|403' 'nor one whose document has a byte more' asks default/key/app <(cat one.toml; echo '# ')
kill %1

echo "1..$number"
