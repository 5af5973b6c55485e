#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What agent policies allow and refuse, over the manifests of tests/agentpolicy: requests as containerd and Kata send them
# for each (tests/agentpolicy/corpus), good ones and changed ones with the reason for their refusal, judged by the engine of
# the guest's agent and by opa, which must agree; and every field of what is allowed, changed. TAP, with the counts.
# Usage: agent-policy-corpus.sh OUT. MUTATE=all changes every field of every request, also what was tried before (minutes).
# shellcheck disable=SC2154 # tap.bash sets variables
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
drivers=${bin%/bin}/tests/drivers manifests=$root/tests/agentpolicy/manifests corpus=$root/tests/agentpolicy/corpus
if ! peers=$("$root/e2e/rego-peer/build.sh" 2>stderr); then
	report 1 'the engines build'
	echo '1..1'
	exit
fi
program() { PYTHONDONTWRITEBYTECODE=1 python3 "$corpus/$1.py" "${@:2}"; }

# told WHAT COMMAND…: a command that prints TAP: each of its lines is reported, its comments go on
told() {
	local line words
	"${@:2}" >told 2>stderr || report 1 "$1"
	words=$(grep '^#   ' told)
	while IFS= read -r line; do
		: >stdout
		case $line in
		'ok '*) report 0 "${line#ok * - }" ;;
		'not ok '*) printf '%s\n' "$words" >stdout && report 1 "${line#not ok * - }" ;;
		'#  '*) ;;
		'# '*) echo "# counts: ${line#'# '}" ;;
		esac
	done <told
}

# ---- a policy for each manifest, and further ones with options ----
mkdir manifests policies
cp "$manifests/images.json" .
for file in "$manifests"/*.yaml; do
	name=${file##*/}
	"$drivers/yaml_json" "$file" >"manifests/${name%.yaml}.json" || report 1 "$name is read"
done
program corpus groups . >list 2>stderr
while IFS=$'\t' read -r group name workload options; do
	mapfile -t options < <(jq -r '.[]' <<<"$options")
	"$bin/initdata-gen" policy --layers-cache-file-path images.json --offline --all -o json "${options[@]}" "$manifests/$name.yaml" 2>stderr |
		jq -er ".[$workload].policy" >"policies/$group.rego" || report 1 "a policy for $name"
done <list
[[ $(wc -l <list) -ge 40 ]]
report $? 'manifests have their policies'

# ---- the corpus in both engines ----
program corpus lines . 2>stderr
report $? 'the corpus is told'
"$peers/opa-peer" <lines >answers.opa &
"$peers/rego-peer" <lines >answers.regorus
wait
told 'regorus judges' program corpus judge . regorus
told 'opa judges' program corpus judge . opa
told 'both are compared' program corpus same . regorus opa

# ---- what the corpus says of policies that are wrong ----
{
	echo 'package agent_policy'
	jq -r 'select(.kind).kind' lines | sort -u | sed 's/$/ := true/'
} >all.rego
sed 's/true$/false/' all.rego >none.rego
for wrong in all none other; do
	: >stderr
	program corpus instead . "$wrong" | "$peers/rego-peer" >"answers.$wrong"
done
told 'a policy that allows all is found out' program corpus wrong . all refused
told 'a policy that refuses all is found out' program corpus wrong . none allowed
told 'the policy of another manifest is found out' program corpus wrong . other start

# ---- every field of what is allowed, changed ----
for part in 0 1; do
	program mutate lines . "$part" 2 ${MUTATE:+"$MUTATE"} && "$peers/rego-peer" <"mutants.$part" >"mutated.$part" &
done
wait
told 'mutants are judged' program mutate judge . 2

echo "1..$number"
