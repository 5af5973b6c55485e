#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules of agent policies: their own tests by opa, and a pod's requests judged by the engine of the guest's agent and
# by opa, which must agree. TAP. Usage: tests/cli/agent-policy-rules.sh OUT
# shellcheck disable=SC2154 # tap.bash sets variables
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
rules=$root/core/agentpolicy/rules tests=$root/tests/agentpolicy/rules
if ! peers=$("$root/e2e/rego-peer/build.sh" 2>stderr) || ! opa=$("$root/e2e/kbs/opa.sh" 2>stderr); then
	report 1 'the engines build'
	echo '1..1'
	exit
fi

# ---- the tests of each subject ----
"$opa" test --format json --timeout 60s "$rules" "$tests" >tests.json 2>stderr
count=$(jq -e length tests.json 2>>stderr) || count=0
: >stdout
[[ $count -ge 20 ]]
report $? 'there are tests of the rules'
while IFS=$'\t' read -r status name printed; do
	printf '%s\n' "$printed" >stdout
	: >stderr
	report "$status" "${name#test_}"
done < <(jq -r '.[] | [(if .fail or .error then 1 else 0 end), .name, (.output // "" | @base64d)] | @tsv' tests.json)

# ---- the policy as it is handed out ----
# policy FILE DATA: as the build embeds rules, then the data block
policy() {
	{
		awk '{ gsub(/^[ \t]+|[ \t]+$/, "") }
			$0 == "" || /^#/ || ($1 == "package" && packages++) { next }
			{ print }' "$rules"/*.rego
		printf 'policy_data := '
		jq . "$2"
	} >"$1"
}
jq .pod.policy "$tests/pod.json" >data.json
policy ours.rego data.json
jq 'del(.cocoon, .containers[].cocoon)' data.json >stock.json
policy stock.rego stock.json
[[ $(grep -c 'policy_data := {' ours.rego) == 1 && $(sed '/^policy_data := {/,$d' ours.rego | wc -c) -lt 40000 ]]
report $? 'the text of the rules is short, and the data block is there once'

# judge NAME POLICY LINES: by both engines, into NAME.regorus and NAME.opa, without what is each engine's own
judge() {
	local engine program
	for engine in regorus opa; do
		program=$peers/rego-peer
		[[ $engine == regorus ]] || program=$peers/opa-peer
		timeout 120 "$program" "$2" <"$3" 2>>stderr |
			jq -c '.error |= (. != null) | .prints |= map(sub("^[^ ]*:[0-9]+: "; ""))' >"$1.$engine"
	done
	cmp -s "$1.regorus" "$1.opa" || diff "$1.regorus" "$1.opa" | head -20 | cut -c1-500 >stdout
	[[ $(wc -l <"$1.opa") == $(wc -l <"$3") ]] && cmp -s "$1.regorus" "$1.opa"
}

: >stdout
: >stderr
jq -c '.pod.requests[] | {kind, request}' "$tests/pod.json" >pod.lines
judge pod ours.rego pod.lines
report $? "both engines agree on a pod's requests"
jq -c 'select(.allowed | not)' pod.opa >stdout
[[ ! -s stdout && -s pod.opa ]]
report $? "all of a pod's requests are allowed"

judge stock stock.rego pod.lines
report $? 'both engines agree on a data block of others'
jq -c 'select(.allowed or .refusals != {"reasons": ["data.cocoon"]} or .error)' stock.opa >stdout
[[ ! -s stdout && -s stock.opa ]]
report $? 'a data block of others refuses everything, and says why'

# every member of every message, left out or exchanged, while the state goes on as it should
jq -c '.pod.requests[] | . as $one |
	([$one.request | paths | select(length < 4)] | map(select(.[-1] | type == "string")) | unique[] as $path |
		({kind: $one.kind, what: ["without", $path], request: ($one.request | delpaths([$path])), dry: true, brief: true},
		{kind: $one.kind, what: ["exchanged", $path], request: ($one.request | setpath($path; {})), dry: true, brief: true})),
	{kind: $one.kind, request: $one.request}' \
	"$tests/pod.json" >changed.lines
judge changed ours.rego changed.lines
report $? "both engines agree on $(wc -l <changed.lines) requests with members left out or exchanged"
jq -c 'select(.error or (.allowed == false and (.prints | join("") | test("^refused .*[]}]$") | not)))' changed.opa >stdout
[[ ! -s stdout && -s changed.opa ]]
report $? 'each of these refusals has reasons, and none is an error of the engine'
paste -d' ' <(jq -c '[.kind, .what]' changed.lines) <(jq .allowed changed.opa) | grep -F '"without"' | grep true >stdout
[[ ! -s stdout ]]
report $? 'no member may be missing'

# names that the agent asks for, and that no rule is there for, would be errors
grep -o '^default [A-Za-z]*' "$rules/package.rego" | cut -d' ' -f2 | grep -v AllowRequestsFailingPolicy |
	jq -Rc '{kind: ., request: {}}' >names.lines
judge names ours.rego names.lines
report $? 'both engines agree on all kinds of requests'
jq -c 'select(.error)' names.opa >stdout
[[ ! -s stdout && $(wc -l <names.opa) == 41 ]]
report $? 'every kind of request has a verdict'

echo "1..$number"
