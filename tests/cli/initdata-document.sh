#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# initdata-gen create, show, digest, verify and blob, each compared with what coreutils, gzip and Python's TOML parser
# make of the same bytes. TAP. Usage: tests/cli/initdata-document.sh OUT
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
# shellcheck source=tests/initdata/tap.bash
source "$(dirname "$0")/../initdata/tap.bash"

# ---- the published vectors
annotation_a=H4sIAAAAAAAC/ytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGluYKHFxRackliTGciklJuqV5OfmKAEl1dXVuaJL8rNT8+KT8/PSMtOLY9H4etlJQLHSohyQURklJQVW+vqGRuZ6BkBoaGVhYAG0DmQKAGait12FAAAA
same 'vector A has 133 bytes' 133 "$(wc -c <a.toml)"
same 'vector A: the published annotation decodes to it' "$(cat a.toml)" "$("$gen" show --raw <<<"$annotation_a")"
same 'vector A: sha384' fde4f63013a28cedd4fe61082fc634d252c937440d859dcf008cdfad5c09a6bcdc14bf4f862683952bcb1770d83897f1 \
	"$("$gen" digest --format hex a.toml)"
same 'vector A: tdx field in base64' /eT2MBOijO3U/mEIL8Y00lLJN0QNhZ3PAIzfrVwJprzcFL9PhiaDlSvLF3DYOJfx \
	"$("$gen" digest --tee tdx --format base64 a.toml)"
same 'vector A: snp keeps the first 32 bytes' fde4f63013a28cedd4fe61082fc634d252c937440d859dcf008cdfad5c09a6bc \
	"$("$gen" digest --tee snp a.toml 2>/dev/null)"
ok 'snp warns that sha384 loses its tail' bash -c '"$1" digest --tee snp a.toml 2>&1 | grep -q "loses its tail"' _ "$gen"
fails 2 'use algorithm sha256' 'a vTPM has no form of sha384' "$gen" digest --tee az-snp-vtpm a.toml
same 'vector B: the sample claim' 4s7jAgCHg6MC+Ugb5qSK+VakCLX709sFaW+fZlK0Beo= "$("$gen" digest --tee sample b.toml)"
same 'vector B: PCR 8' 7d92ad941f12424a4e3481d3746518f9fd5e4173ab3e6ad10d6df316b14b89da "$("$gen" digest -t vtpm b.toml)"
same 'vector B: the digest is sha256sum'\''s' "$(sha256sum <b.toml | cut -d' ' -f1)" "$("$gen" digest --format hex b.toml)"

# ---- create, judged by others
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out ca.pem -days 10 -subj /CN=test \
	2>/dev/null
printf 'package agent_policy\n\ndefault AllowRequestsFailingPolicy := false\n# \\d+ "quoted" '"'''"' \xc3\xa4\n' >policy.rego
printf '{"default": [{"type": "reject"}], "transports": {}}\n' >images.json
printf '[[registry]]\nlocation = "docker.io"\n' >registries.conf
printf 'team-a\n' >tenant
create=("$gen" create --kbs-url https://kbs:8080 --kbs-cert ca.pem --policy policy.rego --image-policy images.json
	--registry-config registries.conf --entry tenant=tenant --extra-root ca.pem --https-proxy http://proxy:3128
	--credential /run/confidential-containers/cdh/kbs/x=kbs:///default/a/b --log-level debug --init-pcr 0)
ok 'creates a document' "${create[@]}" --to doc.toml
ok 'prints the digests when the document goes to a file' grep -q "^digest     sha256:$(sha256sum <doc.toml | cut -d' ' -f1)$" last
ok 'creates the same bytes again' bash -c '"${@:1}" 2>/dev/null | cmp - doc.toml' _ "${create[@]}"
ok 'keeps the digests off standard output when the document goes there' \
	bash -c '"${@:1}" 2>&1 >/dev/null | grep -q "^digest     sha256:"' _ "${create[@]}"
ok 'another TOML parser reads all values back' python3 - <<'PY'
import tomllib
doc = tomllib.load(open("doc.toml", "rb"))
assert doc["version"] == "0.1.0" and doc["algorithm"] == "sha256", doc
data = doc["data"]
assert list(data) == ["aa.toml", "cdh.toml", "policy.rego", "tenant"], list(data)
assert data["policy.rego"] == open("policy.rego", encoding="utf-8").read()
assert data["tenant"] == "team-a\n"
ca = open("ca.pem").read()
aa = tomllib.loads(data["aa.toml"])
assert aa["token_configs"]["kbs"] == {"url": "https://kbs:8080", "cert": ca}, aa
assert aa["log"] == {"level": "debug"} and aa["eventlog_config"] == {"init_pcr": 0}, aa
cdh = tomllib.loads(data["cdh.toml"])
assert cdh["kbc"] == {"name": "cc_kbc", "url": "https://kbs:8080", "kbs_cert": ca}, cdh
assert cdh["credentials"] == [{"path": "/run/confidential-containers/cdh/kbs/x", "resource_uri": "kbs:///default/a/b"}]
image = cdh["image"]
assert image["image_security_policy"] == open("images.json").read()
assert image["registry_config"] == {"registry": [{"location": "docker.io"}]}
assert image["extra_root_certificates"] == [ca]
assert image["image_pull_proxy"] == {"https_proxy": "http://proxy:3128"}
PY
"${create[@]}" --form annotation --to value 2>/dev/null >/dev/null
same 'the annotation is one line without an end' 0 "$(wc -l <value)"
ok 'base64 and gzip give the document back' bash -c 'base64 -d value | gzip -dc | cmp - doc.toml'
ok 'the gzip header says nothing of time, name or system' python3 - <<'PY'
import base64
head = base64.b64decode(open("value").read(), validate=True)[:10]
assert head[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00" and head[9] == 255, head
PY
ok 'JSON has document, annotation and every digest' bash -c '"${@:1}" --form json --to all.json' _ "${create[@]}"
ok 'its digests and forms are what Python computes' python3 - <<'PY'
import base64, gzip, hashlib, json
all = json.load(open("all.json"))
doc = open("doc.toml", "rb").read()
assert all["document"].encode() == doc and gzip.decompress(base64.b64decode(all["annotation"])) == doc
assert all["annotationBytes"] == len(all["annotation"]) and all["bytes"] == len(doc)
for name, value in all["digests"].items():
    digest = hashlib.new(name, doc).digest()
    assert value == {"hex": digest.hex(), "base64": base64.b64encode(digest).decode()}, name
digest = hashlib.sha256(doc).digest()
tees = {tee["name"]: tee for tee in all["tees"]}
for name, size in {"snp": 32, "tdx": 48, "sgx": 64, "cca": 64, "se": 256, "sample": 32}.items():
    form = digest[:size].ljust(size, b"\0")
    assert tees[name]["hex"] == form.hex() and tees[name]["base64"] == base64.b64encode(form).decode(), name
assert tees["vtpm"]["hex"] == hashlib.sha256(bytes(32) + digest).hexdigest()
assert tees["sample"]["claim"] == tees["sample"]["base64"] and tees["snp"]["claim"] == tees["snp"]["hex"]
assert "no component binds it" in tees["se"]["remark"]
PY
ok 'an entry can be an aa.toml taken as it is' \
	bash -c 'printf "# mine\n" >aa && "$1" create -e aa.toml=aa 2>/dev/null | "$1" show --entry aa.toml | cmp - aa' _ "$gen"
ok 'TOML files are merged into the generated ones' bash -c 'printf "[kbc]\nfuture = 1\n" >more &&
	"$1" create --kbs-url http://kbs --cdh-toml more 2>/dev/null | "$1" show --entry cdh.toml | grep -q "^future = 1$"' _ "$gen"

# ---- create refuses
fails 2 'nothing to put into' 'refuses to make an empty document' "$gen" create
fails 2 '--kbs-url must begin' 'refuses a URL without scheme' "$gen" create --kbs-url kbs:8080
fails 1 "cannot\|No such file\|no such" 'refuses a file that is not there' "$gen" create --policy missing.rego
fails 2 '--kbs-cert' 'refuses a private key for a certificate' "$gen" create --kbs-url http://kbs --kbs-cert key.pem
fails 1 "'kbc.url' is set by a field" 'refuses extra TOML that repeats an option' \
	bash -c 'printf "[kbc]\nurl = \"http://x\"\n" >more && "$1" create --kbs-url http://kbs --cdh-toml more' _ "$gen"
fails 1 "entry 'aa.toml' is given twice" 'refuses two texts for one entry' \
	bash -c 'printf "" >aa && "$1" create --kbs-url http://kbs --entry aa.toml=aa' _ "$gen"
fails 1 'cdh.toml: line 1' 'refuses an embedded file that the guest would not read' \
	bash -c 'printf "[kbc\n" >bad && "$1" create --entry cdh.toml=bad' _ "$gen"
fails 2 '--image-policy lacks transports' 'refuses an image policy that the guest would not read' \
	bash -c 'printf "{\"default\": []}" >bad && "$1" create --image-policy bad' _ "$gen"
fails 1 'is empty' 'refuses an empty policy' bash -c ': >empty && "$1" create --policy empty' _ "$gen"
fails 2 'NAME=VALUE' 'refuses an entry without file' "$gen" create --entry tenant

# ---- profiles
ok 'renders a profile' "$gen" create --profile "$examples/minimal-kbs.yaml" --to profile.toml
same 'a profile gives what the same options give' "$("$gen" create --kbs-url https://kbs.example.com:8080 2>/dev/null)" \
	"$(cat profile.toml)"
fails 2 'leave out the options' 'refuses options next to a profile' \
	"$gen" create --profile "$examples/minimal-kbs.yaml" --kbs-url http://kbs
fails 2 'bring their own' 'refuses a profile that makes no document' "$gen" create --profile "$examples/author.yaml"
fails 2 'initdata-gen policy --profile' 'names the verb that makes the documents of a profile that generates' \
	"$gen" create --profile "$examples/generated.yaml"
fails 1 "no ConfigMap 'agent-policy-payments'" 'refuses a profile whose policy is not given' \
	"$gen" create --profile "$examples/full.yaml"
"$gen" create --profile "$examples/peer-pods.yaml" 2>/dev/null | "$gen" show --entry policy.rego >pinned.rego
{
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: agent-policy-payments\ndata:\n  policy.rego: |\n'
	sed 's/^/    /' pinned.rego
} >map.yaml
ok 'takes the policy from a ConfigMap' "$gen" create --profile "$examples/full.yaml" --config-map map.yaml --to full.toml
ok 'and pins it' bash -c '"$1" show --entry policy.rego full.toml | cmp - pinned.rego' _ "$gen"

# ---- show
"$gen" show doc.toml >stdout 2>stderr
ok 'shows version, algorithm and digest' grep -q "^digest     sha256:$(sha256sum <doc.toml | cut -d' ' -f1)$" last
same 'shows the exact bytes' "$(sha256sum <doc.toml)" "$("$gen" show --raw value | sha256sum)"
ok 'warns of another version and shows the document all the same' \
	bash -c 'sed s/0.1.0/0.2.0/ a.toml | "$1" show -o json 2>/dev/null | python3 -c "
import json, sys
doc = json.load(sys.stdin)
assert doc[\"version\"] == \"0.2.0\" and \"0.1.0\" in doc[\"warnings\"][0] and doc[\"from\"] == \"toml\", doc"' _ "$gen"
ok 'explains sm3' bash -c 'sed s/sha384/sm3/ a.toml | "$1" show 2>&1 >/dev/null | grep -q "Kata guest refuses"' _ "$gen"
ok 'replaces control characters of a document' bash -c \
	'printf "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\nx = \"\\u001b[31m\"\n" | "$1" show 2>&1 |
	{ ! grep -q "$(printf "\033")"; }' _ "$gen"
fails 1 'line 1' 'says where a document is broken' bash -c 'echo "version = " | "$1" show' _ "$gen"
fails 1 "no entry 'x'" 'says which entry is not there' "$gen" show --entry x a.toml
fails 1 'line end at offset 76' 'says why a wrapped annotation is refused' \
	bash -c 'fold -w 76 value | "$1" show --from annotation' _ "$gen"

# ---- blob
ok 'writes a block image' "$gen" blob --to doc.img doc.toml
ok 'the image has the documented form' python3 - <<'PY'
import gzip, struct
image = open("doc.img", "rb").read()
size = struct.unpack("<Q", image[8:16])[0]
assert image[:8] == b"initdata" and len(image) % 512 == 0 and len(image) - 16 - size < 512
assert gzip.decompress(image[16:16 + size]) == open("doc.toml", "rb").read() and not image[16 + size:].strip(b"\0")
PY
ok 'and reads back' bash -c '"$1" show --raw doc.img | cmp - doc.toml' _ "$gen"
fails 1 'version must be' 'makes no image of a document that guests refuse' bash -c 'sed s/0.1.0/0.2.0/ a.toml | "$1" blob | cat; exit "${PIPESTATUS[1]}"' _ "$gen"

# ---- verify
digest=$(sha256sum <doc.toml | cut -d' ' -f1)
ok 'verifies a digest' "$gen" verify doc.toml --digest "$digest"
ok 'verifies a digest of a named algorithm' "$gen" verify doc.toml --digest "sha512:$(sha512sum <doc.toml | cut -d' ' -f1)"
ok 'verifies an annotation and an image' bash -c '"$1" verify doc.toml -a value && "$1" verify doc.toml -a doc.img' _ "$gen"
ok 'verifies a claim in hex and a field in base64' bash -c \
	'"$1" verify doc.toml --tee tdx --value "$("$1" digest --tee tdx doc.toml)" &&
	"$1" verify doc.toml --tee tdx --value "$("$1" digest --tee tdx --format base64 doc.toml)"' _ "$gen"
sed 's/debug/info/' doc.toml >other.toml
"$gen" verify doc.toml --annotation other.toml >answer
same 'a difference is exit code 1' 1 $?
line=$(cmp doc.toml other.toml | sed 's/.*line //')
ok 'and is named by its line' grep -q "differs from line $line, column" answer
"$gen" verify doc.toml --digest "${digest%?}x" >answer
same 'a wrong digest is exit code 1' 1 $?
"$gen" verify doc.toml --tee snp --value "$(printf '0%.0s' {1..64})" -o json >answer
same 'a wrong claim is exit code 1' 1 $?
ok 'and JSON says so' grep -q '"verified":false' answer
fails 2 'go together' 'refuses a platform without a value' "$gen" verify doc.toml --tee snp
fails 2 'say what to compare' 'refuses to compare with nothing' "$gen" verify doc.toml
fails 2 'neither lower-case hex nor base64' 'refuses a value that is none' "$gen" verify doc.toml --tee snp --value 00

# ---- use
fails 2 'unknown command' 'refuses an unknown command' "$gen" frobnicate
fails 2 'unknown option' 'refuses an unknown option' "$gen" show --frobnicate
for verb in create show digest verify annotate convert blob; do
	ok "explains $verb" "$gen" "$verb" --help
done
ok 'a full disk is a failure' bash -c '"$1" show --raw doc.toml >/dev/full 2>/dev/null; [ $? = 1 ]' _ "$gen"
