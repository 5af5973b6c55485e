#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# initdata-gen policy and what belongs to it, from outside: options, forms, files, explanations; requests are judged by
# a real opa. What policies allow is the affair of the corpus (tests/cli/agent-policy-corpus.sh). TAP. Usage: agent-policy.sh OUT
set -uo pipefail
# shellcheck source=tests/tap.bash
. "$(dirname "$0")/../tap.bash"
# shellcheck source=tests/layout.bash
. "$root/tests/layout.bash"
# shellcheck source=tests/named.bash
. "$root/tests/named.bash"
opa=$("$root/e2e/kbs/opa.sh" 2>opa.log) || { cat opa.log >&2 && exit 1; }
PATH=$bin:$PATH:$(dirname "$opa")
export HOME=$work
unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME HTTPS_PROXY https_proxy

# exits STATUS NAME COMMAND…
exits() {
	local wanted=$1 name=$2 status=0
	shift 2
	"$@" >stdout 2>stderr || status=$?
	[[ $status == "$wanted" ]]
	report $? "$name"
}
prints() { # prints NAME TEXT…: what was printed last, on either stream, has each of them
	local name=$1 text status=0
	for text in "${@:2}"; do grep -qF -e "$text" stdout stderr || status=1; done
	report $status "$name"
}
policy() { initdata-gen policy --layout oci:images "$@"; }
data() { sed '1,/^policy_data := {$/d; 1s/^/{/' | sed '1s/^/{/'; } # of a policy: its block as JSON

app=$(named images registry.example/shop/app:1 '{"User":"1000:1000","Env":["PATH=/usr/bin:/bin","APP_MODE=image"],"Entrypoint":["/app"],"Cmd":["serve"],"WorkingDir":"/srv"}')
named images registry.example/shop/tool:1 '{"Env":["PATH=/usr/bin:/bin"],"Entrypoint":["/app"]}' >/dev/null
named images registry.example/shop/named:1 '{"User":"web","Entrypoint":["/app"]}' >/dev/null
user='{runAsUser: 1000, runAsGroup: 1000}'
pod() { # pod NAME IMAGE [MORE OF THE CONTAINER [MORE OF THE SPEC]]
	cat <<END
# kept: a comment
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: shop}   # kept too
spec:
  runtimeClassName: kata-qemu-snp
  securityContext: $user
  containers:
  - {name: app, image: "$2"${3:+, $3}}
${4:-}
END
}

# ---- usage -----------------------------------------------------------------------------------------------------

pod web "registry.example/shop/app@$app" >web.yaml
fails 2 'exclude each other' 'two forms at once' policy -r -b web.yaml
fails 2 'nothing is pulled' 'a containerd to pull by' policy -d web.yaml
fails 2 'leave out FILE' 'a file and --yaml-file' policy -y web.yaml web.yaml
fails 2 'several files' 'two files without --in-place' policy web.yaml web.yaml
fails 2 'exec=COMMAND' 'an allowance that there is not' policy --allow everything web.yaml
fails 2 'command behind it' 'exec of nothing' policy --allow exec= web.yaml
fails 1 'NAME_MAX_THAT_IS_NOT\|none.yaml' 'a manifest that is not there' policy none.yaml
fails 1 'anchored\|\^' 'a pattern for env that is not anchored' policy --allow-env 'A=.*' web.yaml
sed 's/kata-qemu-snp/runc/' web.yaml >plain.yaml
fails 1 'holds no confidential pod' 'manifests of which none is confidential' policy plain.yaml
exits 0 'unless all are meant' policy --all plain.yaml

# ---- forms -----------------------------------------------------------------------------------------------------

exits 0 'a manifest with its annotation' policy web.yaml
cp stdout annotated.yaml
prints 'digests are on standard error' 'digest     sha256:' 'HOSTDATA' 'Pod shop/web'
same 'comments and order stay' "$(cat web.yaml)" "$(sed 's/, "annotations": {[^}]*}//' annotated.yaml)"
policy -o policy web.yaml >policy.rego 2>stderr
same 'the policy is the entry of the document' "$(cat policy.rego)" "$(initdata-gen show --output json annotated.yaml | jq -r '.. | objects | select(has("policy.rego")) | .["policy.rego"]' | head -c 9000000)"
policy -o toml web.yaml >initdata.toml 2>stderr
digest=$(initdata-gen digest --output json initdata.toml | jq -r '.. | objects | select(has("sha256")) | .sha256.hex' | head -1)
policy web.yaml >/dev/null 2>stderr
prints 'the digest is that of the document' "digest     sha256:$digest"
policy -b web.yaml >annotation 2>stderr
same 'the annotation unpacks to the document' "$(cat initdata.toml)" "$(base64 -d <annotation | gzip -dc)"
policy -o json web.yaml >report.json 2>stderr
same 'the report has all of it' "$digest $(sha256sum <policy.rego | cut -c1-64) registry.example/shop/app@$app" \
	"$(jq -r '.[0] | "\(.digests.sha256.hex) \(.policy | @base64)" ' report.json | { read -r d p; echo "$d $(base64 -d <<<"$p" | sha256sum | cut -c1-64)"; }) $(jq -r '.[0].images[0].name' report.json)"
policy -o policy web.yaml >again.rego 2>stderr
same 'twice is the same' "$(sha256sum <policy.rego)" "$(sha256sum <again.rego)"
same 'the data block is JSON to the end' strict "$(data <policy.rego | jq -r .cocoon.mode)"
same 'and stands there once' 1 "$(grep -c 'policy_data := {' policy.rego)"
exits 0 'opa reads it' opa check policy.rego
cp web.yaml mine.yaml
exits 0 'genpolicy: -y changes the file' policy -y mine.yaml
same 'as without' "$(cat annotated.yaml)" "$(cat mine.yaml)"
cp web.yaml mine.yaml
policy -r -y mine.yaml >mine.rego 2>stderr
same 'genpolicy: -r prints the policy' "$(cat policy.rego)" "$(cat mine.rego)"
same 'and changes the file, too' "$(cat annotated.yaml)" "$(cat mine.yaml)"
policy <web.yaml >piped.yaml 2>stderr
same 'standard input to standard output' "$(cat annotated.yaml)" "$(cat piped.yaml)"
{ cat web.yaml; echo ---; pod other registry.example/shop/tool:1; echo ---; echo '{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}'; } >many.yaml
cp many.yaml many-before.yaml
exits 0 'several documents, of which one has no pods' policy --in-place many.yaml
same 'two are annotated, the rest stays' "2 $(tail -1 many-before.yaml)" "$(grep -c cc_init_data many.yaml) $(tail -1 many.yaml)"
fails 2 'more than one pod' 'one document of two pods' policy -o toml many-before.yaml
sed 's/name: web,/name: BAD_,/' web.yaml >bad.yaml
cp web.yaml mine.yaml
fails 1 'bad.yaml' 'one of two files that cannot be done' policy --in-place mine.yaml bad.yaml
same 'leaves the other as it was' "$(cat web.yaml)" "$(cat mine.yaml)"
printf 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n' >service.yaml
exits 0 'files without pods beside one that has some' policy --in-place service.yaml mine.yaml
same 'which is done' "$(cat annotated.yaml)" "$(cat mine.yaml)"
fails 1 'no confidential pod' 'files without any' policy --in-place service.yaml service.yaml
cp web.yaml mine.yaml
exits 0 'genpolicy: -y beside any form' policy -y mine.yaml -o json
same 'changes the file' "$(cat annotated.yaml)" "$(cat mine.yaml)"
sed 's/name: web, namespace: shop/name: web/' web.yaml >homeless.yaml
exits 0 'a pod without a namespace' policy homeless.yaml
prints 'is warned of' 'metadata.namespace: is not stated'
exits 0 'unless it is said' policy --namespace shop -o policy homeless.yaml
same 'and then the same' "$(cat policy.rego)" "$(cat stdout)"
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: "a\\e[31mb"}\nspec: {containers: []}\n' >colour.yaml
fails 1 'left alone: Pod a?\[31mb' 'names that would paint the terminal' policy colour.yaml
exits 0 'of classes by prefix' policy --runtime-class-names kata-qemu web.yaml
fails 1 'holds no confidential pod' 'and of no others' policy --runtime-class-names kata-clh web.yaml

# ---- what it is put into -----------------------------------------------------------------------------------------

initdata-gen create --kbs-url https://kbs.example --algorithm sha384 --to base.toml >/dev/null 2>&1
policy --initdata-path base.toml -o toml web.yaml >with.toml 2>stderr
exits 0 'a document that there is gets the policy' grep -q 'https://kbs.example' with.toml
exits 0 'and keeps its algorithm' grep -q 'algorithm = "sha384"' with.toml
initdata-gen annotate -d base.toml web.yaml >carries.yaml 2>stderr
policy -o toml carries.yaml >merged.toml 2>stderr
prints 'a pod keeps what it carries, and it is said' 'but for policy.rego'
same 'and gets the same' "$(cat with.toml)" "$(cat merged.toml)"
cat >profile.yaml <<'END'
apiVersion: cocoon.dev/v1alpha1
kind: ConfidentialProfile
metadata: {name: team}
spec:
  runtimeClasses: [kata-qemu-*]
  namespaceSelector: {}
  initData: {kbs: {url: "https://kbs.example"}, agentPolicy: {generated: {allow: {logs: true}}}}
END
policy --profile profile.yaml -o toml web.yaml >profiled.toml 2>stderr
same 'a profile says what is allowed' true "$(initdata-gen policy explain -o json profiled.toml | jq '.requests.ReadStreamRequest.allowed == "always"')"
exits 0 'and what else is in the document' grep -q 'https://kbs.example' profiled.toml
fails 2 'settles' 'options beside a profile' policy --profile profile.yaml --allow logs web.yaml
sed 's/, agentPolicy: .*/}/' profile.yaml >plain-profile.yaml
sed 's/web,/unreachable,/; s/registry.example/127.0.0.1:1/' web.yaml >unreachable.yaml
fails 1 'package agent_policy' 'rules that are none' policy -p web.yaml web.yaml
: >empty.json
fails 1 'empty.json.*is empty' 'settings that are empty' policy -j empty.json web.yaml
echo '{' >broken.json
fails 1 'broken.json' 'settings that are broken, before anything is asked for' policy -j broken.json unreachable.yaml
echo '[{"op": "remove", "path": "/none"}]' >patch.json
fails 2 'patch.json' 'a drop-in that does not apply' policy --settings-patch patch.json web.yaml
mkdir -p node/genpolicy-settings.d
cp "$root/core/agentpolicy/settings.json" node/genpolicy-settings.json
cp patch.json node/genpolicy-settings.d/10-more.json
fails 2 '10-more.json' 'the same in a folder of settings' policy -j node web.yaml
echo '[{"op": "replace", "path": "/kata_config/oci_version", "value": "1.3.0"}]' >node/genpolicy-settings.d/10-more.json
policy -j node -o policy web.yaml >node.rego 2>stderr
same 'drop-ins count' 1.3.0 "$(data <node.rego | jq -r '.containers[1].OCI.Version')"
fails 2 'small letters' 'a namespace that is none' policy --namespace 'Not one' web.yaml
fails 2 'create --profile' 'a profile that does not generate' policy --profile plain-profile.yaml web.yaml
fails 2 'policy --profile' 'and create with one that does' initdata-gen create --profile profile.yaml

# ---- images ------------------------------------------------------------------------------------------------------

exits 0 'what was read is kept' policy --layers-cache-file-path lock.json web.yaml
exits 0 'and needs no place of images any more' initdata-gen policy --layers-cache-file-path lock.json --offline web.yaml
same 'for the same bytes' "$(cat annotated.yaml)" "$(cat stdout)"
pod other registry.example/shop/tool:1 >other.yaml
fails 1 'holds no image' 'offline no registry is asked for what layouts do not have' policy --offline <(pod x registry.example/none:1)
fails 1 'not in the file' 'an image that was not read' initdata-gen policy --layers-cache-file-path lock.json --offline other.yaml
exits 0 'genpolicy: -u keeps it in layers-cache.json' policy -u web.yaml
exits 0 'which is there then' test -s layers-cache.json
echo '[]' >foreign.json
fails 2 'genpolicy.s is of another form' 'a file of another program' policy --layers-cache-file-path foreign.json web.yaml
fails 1 'not in the file' 'what was read for another platform is not taken' initdata-gen policy --layers-cache-file-path lock.json --offline --platform linux/s390x web.yaml
jq '.images[].config_digest = "sha256:1"' lock.json >bad.json
fails 1 'config_digest.*is no digest' 'a digest that is none' policy --layers-cache-file-path bad.json web.yaml
jq '.images[].config.Env = [1]' lock.json >bad.json
fails 1 'Env' 'a file that was damaged' policy --layers-cache-file-path bad.json web.yaml
pod by-name registry.example/shop/named:1 | grep -v securityContext >by-name.yaml
fails 1 'spec.containers\[0\].securityContext.*web.*runAsUser' 'a user by name, and what to write' policy by-name.yaml
exits 0 'unless the layers are looked into' policy --resolve-users by-name.yaml
prints 'which names the numbers to write' 'runAsUser: 1000'
pod unreachable 127.0.0.1:1/a/b:1 >unreachable.yaml
fails 1 '127.0.0.1:1' 'a registry that does not answer' policy unreachable.yaml

# ---- values ------------------------------------------------------------------------------------------------------

pod env "registry.example/shop/app@$app" 'env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: settings, key: level}}}]' >env.yaml
fails 1 "settings" 'a ConfigMap that is not there' policy env.yaml
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {level: debug}\n' >settings.yaml
policy --config-file settings.yaml -o policy env.yaml >env.rego 2>stderr
same 'its value is pinned' LEVEL=debug "$(data <env.rego | jq -r '.containers[1].OCI.Process.Env[] | select(startswith("LEVEL"))')"
policy -c settings.yaml -o policy env.yaml >env2.rego 2>stderr
same 'also by the older option' "$(cat env.rego)" "$(cat env2.rego)"
{ cat env.yaml; echo ---; cat settings.yaml; } >both.yaml
policy -o policy both.yaml >env3.rego 2>stderr
same 'and in the same file' "$(cat env.rego)" "$(cat env3.rego)"
pod secret "registry.example/shop/app@$app" 'env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: key, key: token}}}]' >secret.yaml
printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: {token: hush-hush}\n' >key.yaml
policy --config-file key.yaml -o policy secret.yaml >secret.rego 2>stderr
prints 'a Secret is not pinned, with a warning' 'warning: ' 'TOKEN'
same 'its value is nowhere' 0 "$(cat secret.rego stderr | grep -c hush-hush)"
policy --config-file key.yaml --inline-secrets -o policy secret.yaml >inline.rego 2>stderr
same 'but where it is asked for' 1 "$(grep -c hush-hush inline.rego)"

# ---- what a person reads ------------------------------------------------------------------------------------------

exits 0 'explain' initdata-gen policy explain annotated.yaml
prints 'containers, users, variables, requests' "registry.example/shop/app@$app" '1000:1000' 'APP_MODE=image' '/app serve' ExecProcessRequest 'Requests that are refused'
fails 1 'no data block' 'explain of a policy without data' initdata-gen policy explain <(echo 'package agent_policy')
exits 0 'lint of a good one' initdata-gen policy lint --strict policy.rego
same 'says nothing' '' "$(cat stdout)"
policy --mode debug -o policy web.yaml >debug.rego 2>stderr
prints 'debug warns' 'warning:' 'any command'
exits 1 'and fails lint' initdata-gen policy lint debug.rego
prints 'which says why' 'error: cocoon.mode'
exits 0 'diff of the same' initdata-gen policy diff policy.rego annotated.yaml
exits 1 'diff of two' initdata-gen policy diff policy.rego debug.rego
prints 'says what is wider' 'request_defaults.ReadStreamRequest (allows more)'
exits 1 'diff as JSON' initdata-gen policy diff -o json policy.rego debug.rego
same 'is JSON' wider "$(jq -r '.[] | select(.path == "request_defaults.ReadStreamRequest").effect' stdout)"

# ---- requests ----------------------------------------------------------------------------------------------------

cat >requests.json <<'END'
[{"kind": "GetOOMEventRequest", "request": {}, "allowed": true},
 {"kind": "ExecProcessRequest", "request": {"container_id": "x", "process": {"Args": ["sh"]}}, "allowed": false, "description": "a shell"}]
END
exits 0 'requests as they should be judged' initdata-gen policy test -p policy.rego requests.json
prints 'each with its verdict' 'allowed GetOOMEventRequest' 'refused ExecProcessRequest: a shell' '2 requests, 1 refused'
exits 1 'requests that should be judged otherwise' initdata-gen policy test -p policy.rego <(jq '.[1].allowed = true' requests.json)
prints 'it says which' 'the file says otherwise'
exits 1 'without a word, refused is a failure' initdata-gen policy test -p annotated.yaml -o json <(jq -c '.[] | del(.allowed)' requests.json)
same 'and the report is JSON, with the rules that refused' true "$(jq '.[1].refusals | tostring | length > 4' stdout)"
exits 0 'no rule of that name gives an internal error, as in the agent' initdata-gen policy test -p <(printf 'package agent_policy\n') <(jq '.[1:]' requests.json)
prints 'which is said' 'no rule of that name'
fails 1 'ExecProcessRequest' 'a kind that there is not' initdata-gen policy test -p policy.rego <(jq '.[1].kind = "ExecProcesRequest" | .[1:]' requests.json)
exits 1 'a member that the message does not have' initdata-gen policy test -p policy.rego <(echo '{"kind": "ExecProcessRequest", "request": {"container-id": "a"}}')
prints 'is told, with what was meant' "request 1: ExecProcessRequest.container-id" "did you mean 'container_id'"
fails 1 "has no 'request'" 'a request without a message' initdata-gen policy test -p policy.rego <(echo '{"kind": "GetOOMEventRequest"}')
fails 1 'engine' 'an engine that there is not' initdata-gen policy test --engine no-such-opa -p policy.rego requests.json

echo "1..$number"
