#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# initdata-gen annotate and convert on manifests as people write them. TAP.
# Usage: tests/cli/initdata-annotate.sh OUT
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
# shellcheck source=tests/initdata/tap.bash
source "$(dirname "$0")/../initdata/tap.bash"
key=io.katacontainers.config.hypervisor.cc_init_data
params=io.katacontainers.config.hypervisor.kernel_params

cat >app.yaml <<'Y'
# the shop
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}   # not a pod
data:
  "yes": 'no'
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2   # two
  template:
    metadata:
      labels: {app: web}
      annotations:
        example.com/note: "keep me"   # and me
    spec:
      runtimeClassName: kata-qemu-snp
      containers:
      - name: web
        image: docker.io/library/nginx:1.27
---
apiVersion: v1
kind: Pod
metadata:
  name: plain
spec:
  containers: [{name: a, image: b}]
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          runtimeClassName: kata-qemu-tdx
          restartPolicy: Never
          containers:
          - {name: a, image: b}
Y
for kind in StatefulSet DaemonSet ReplicaSet ReplicationController Job; do
	printf -- '---\napiVersion: x/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n  template:\n    spec: {runtimeClassName: kata-qemu-coco-dev}\n' \
		$kind "${kind,,}"
done >>app.yaml
cat >list.json <<'J'
{
  "apiVersion": "v1",
  "kind": "List",
  "items": [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": {"runtimeClassName": "kata-qemu-snp"}},
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "two", "annotations": {}}, "spec": {"runtimeClassName": "runc"}}
  ]
}
J

# ---- annotate
"$gen" annotate -d b.toml app.yaml >out.yaml 2>notes
same 'annotates every confidential pod of the file' 7 "$(grep -c "$key" out.yaml)"
ok 'says which it left alone' grep -q 'left alone: Pod plain' notes
ok 'every other line stays, in its order' bash -c 'diff <(grep -v "$2" out.yaml) app.yaml >diff; ! grep -q "^>" diff &&
	! grep "^<" diff | grep -v "annotations:\|metadata:"' _ "$gen" "$key"
same 'the annotation stands in the pod template, with the others' \
	'        example.com/note: "keep me"   # and me' "$(grep -B1 "$key" out.yaml | head -1)"
ok 'each pod carries the document' "$gen" verify b.toml --annotation out.yaml
same 'and all seven are found again' 7 "$("$gen" show -o json out.yaml 2>/dev/null | grep -c '"of":"')"
same 'reads a stream as it reads a file' "$(sha256sum <out.yaml)" "$("$gen" annotate -d b.toml <app.yaml 2>/dev/null | sha256sum)"
same 'annotating twice changes nothing' "$(sha256sum <out.yaml)" "$("$gen" annotate -d b.toml out.yaml 2>/dev/null | sha256sum)"
ok 'annotates Lists in JSON' bash -c '"$1" annotate -d b.toml list.json 2>/dev/null >out.json &&
	python3 -c "
import json
items = json.load(open(\"out.json\"))[\"items\"]
assert list(items[0][\"metadata\"][\"annotations\"]) == [\"$2\"] and items[1][\"metadata\"][\"annotations\"] == {}"' _ "$gen" "$key"
same '--all takes every pod' 2 "$("$gen" annotate --all -d b.toml list.json 2>/dev/null | grep -o "$key" | wc -l)"
fails 1 'other init-data' 'refuses to replace another document' "$gen" annotate -d a.toml out.yaml
ok 'replaces it when told to' bash -c '"$1" annotate --force -d a.toml out.yaml >new.yaml 2>/dev/null && "$1" verify a.toml -a new.yaml' _ "$gen"
ok 'the same document in another packing is the same' bash -c '
	value=$(gzip -1c b.toml | base64 -w0)
	printf "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  annotations:\n    %s: %s\nspec: {runtimeClassName: kata-qemu-snp}\n" "$2" "$value" >packed.yaml
	"$1" annotate -d b.toml packed.yaml | cmp - packed.yaml' _ "$gen" "$key"
cp app.yaml place.yaml
chmod 640 place.yaml
ok 'changes a file in place' "$gen" annotate -i -d b.toml place.yaml
same 'with the same result' "$(sha256sum <out.yaml)" "$(sha256sum <place.yaml)"
same 'and its mode' 640 "$(stat -c %a place.yaml)"
inode=$(stat -c %i place.yaml)
"$gen" annotate -i -d b.toml place.yaml 2>/dev/null
same 'does not touch a file that is right already' "$inode" "$(stat -c %i place.yaml)"
ok 'sets handler and kernel parameters when asked' bash -c '
	printf "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  annotations:\n    %s: user=1\nspec: {runtimeClassName: kata-qemu-snp}\n" "$2" >pod.yaml
	"$1" annotate -d b.toml --runtime-handler auto --kernel-params "agent.log=debug  quiet" pod.yaml >pod.out &&
	grep -q "^    io.containerd.cri.runtime-handler: kata-qemu-snp$" pod.out &&
	grep -q "^    $2: agent.log=debug quiet user=1$" pod.out' _ "$gen" "$params"
fails 1 "has two values" 'refuses kernel parameters that contradict the pod' \
	"$gen" annotate -d b.toml --kernel-params user=2 pod.yaml
sed 's/kata-qemu-snp/kata-remote/' pod.yaml >remote.yaml
fails 1 'never forwards kernel parameters' 'refuses kernel parameters that never reach the guest' \
	"$gen" annotate -d b.toml --kernel-params quiet remote.yaml
fails 1 'holds no confidential pod' 'refuses a file without confidential pods' \
	bash -c 'printf "apiVersion: v1\nkind: ConfigMap\n" | "$1" annotate -d b.toml' _ "$gen"
fails 1 'standard input: line 3' 'names the place of a broken manifest' bash -c 'printf "a:\n  - b\n c: d\n" | "$1" annotate -d b.toml' _ "$gen"
fails 1 'version must be' 'refuses a document that guests refuse' \
	bash -c 'sed s/0.1.0/0.2.0/ b.toml >v2.toml; "$1" annotate -d v2.toml app.yaml' _ "$gen"
fails 2 'either --document or --profile' 'refuses to put in nothing' "$gen" annotate app.yaml
fails 2 'needs the files' 'refuses to change standard input in place' "$gen" annotate -i -d b.toml
fails 2 'several files' 'refuses to print several files as one' "$gen" annotate -d b.toml app.yaml list.json
ok 'a refused pod leaves its file alone' bash -c 'cp out.yaml kept.yaml; ! "$1" annotate -i -d a.toml kept.yaml 2>/dev/null && cmp kept.yaml out.yaml' _ "$gen"
python3 -c "
import random
random.seed(1)
print('package x\n' + ''.join('# ' + ''.join(random.choices('abcdefghijklmnopqrstuvwxyz0123456789', k=100)) + '\n' for _ in range(2600)))" >big.rego
"$gen" create --policy big.rego --to big.toml >/dev/null 2>&1
ok 'warns of annotations that kubectl apply doubles' \
	bash -c '"$1" annotate -d big.toml pod.yaml 2>&1 >/dev/null | grep -q "server-side"' _ "$gen"
ok 'refuses annotations that the API server refuses' bash -c '
	{ cat big.rego; tail -n +2 big.rego | rev; } >bigger.rego
	! "$1" create --policy bigger.rego --form annotation 2>why >/dev/null && grep -q "262144\|exceed" why' _ "$gen"
"$gen" annotate --profile "$examples/full.yaml" --config-map /dev/null pod.yaml >/dev/null 2>why
ok 'needs the ConfigMap of a profile' grep -q 'agent-policy-payments' why
ok 'puts in what a profile says' bash -c '"$1" annotate --profile "$2/minimal-kbs.yaml" pod.yaml >pod.out &&
	"$1" create --profile "$2/minimal-kbs.yaml" --to profile.toml >/dev/null 2>&1 && "$1" verify profile.toml -a pod.out &&
	grep -q runtime-handler pod.out' _ "$gen" "$examples"

# ---- convert
echo 'quiet agent.aa_kbc_params=cc_kbc::http://kbs:8080 agent.image_registry_auth=kbs:///default/credential/test agent.log=debug' >cmdline
ok 'converts a command line' "$gen" convert cmdline --to converted.toml
same 'what stays is named' 'kernel parameters that stay: quiet agent.log=debug' "$(grep '^kernel parameters' stderr)"
"$gen" convert cmdline >direct.toml 2>said
same 'the document goes to standard output as well' "$(sha256sum <converted.toml)" "$(sha256sum <direct.toml)"
ok 'says that the measurement changes' grep -q 'launch measurement' said
ok 'the document says what the parameters said' python3 - <<'PY'
import tomllib
data = tomllib.load(open("converted.toml", "rb"))["data"]
cdh = tomllib.loads(data["cdh.toml"])
assert cdh["kbc"] == {"name": "cc_kbc", "url": "http://kbs:8080"}, cdh
assert cdh["image"] == {"authenticated_registry_credentials_uri": "kbs:///default/credential/test"}, cdh
assert tomllib.loads(data["aa.toml"])["token_configs"]["kbs"]["url"] == "http://kbs:8080"
PY
cat >old.yaml <<Y
apiVersion: v1
kind: Pod
metadata:
  name: old
  annotations:
    $params: agent.aa_kbc_params=cc_kbc::http://kbs:8080
    io.katacontainers.config.agent.policy: $(printf 'package agent_policy\n' | base64 -w0)
spec:
  runtimeClassName: kata-qemu-snp
Y
ok 'converts a manifest with its policy' bash -c '"$1" convert old.yaml 2>/dev/null | "$1" show --entry policy.rego | grep -qx "package agent_policy"' _ "$gen"
ok 'JSON has document, rest and notes' bash -c '"$1" convert old.yaml -o json | python3 -c "
import json, sys
all = json.load(sys.stdin)
assert all[\"kernelParams\"] == \"\" and len(all[\"notes\"]) == 3 and all[\"document\"].startswith(\"version\"), all"' _ "$gen"
fails 1 'nothing that belongs' 'refuses parameters that all stay' bash -c 'echo quiet | "$1" convert' _ "$gen"
fails 1 'no pod carries' 'refuses a manifest without any' bash -c 'printf "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {}\n" | "$1" convert' _ "$gen"
fails 1 'not <name>::<url>' 'refuses a broker that the guest refuses' bash -c 'echo agent.aa_kbc_params=cc_kbc | "$1" convert' _ "$gen"
fails 1 'has init-data already' 'refuses to mix with a document that is there' \
	bash -c '"$1" annotate -d b.toml old.yaml >both.yaml && "$1" convert both.yaml' _ "$gen"
