# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # constants and helpers for the journeys
# What journeys share: assertions that print TAP, things to try them on, and the way out. A journey sources this, makes
# its own namespaces and profiles with the helpers, asserts, and ends with `finish`. Everything it made goes away at its
# end, however it ends. Needs KUBECONFIG (an administrator's), kubectl, jq and curl.

readonly INIT=io.katacontainers.config.hypervisor.cc_init_data
readonly KERNEL=io.katacontainers.config.hypervisor.kernel_params
readonly HANDLER=io.containerd.cri.runtime-handler
readonly SYSTEM=cocoon-system
journey=$(basename "$0" .sh)
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
count=0 failures=0 said='' finished=false server=''
made_namespaces=() made_profiles=() made_processes=()

# ---- assertions ------------------------------------------------------------------------------------------------

check() { # check STATUS NAME [WHAT WAS SEEN]: one assertion
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | tail -n 40 | sed 's/^/#   /'
	fi
}

run() { # run COMMAND…: its words go to $said, its status is returned
	local status=0
	said=$("$@" 2>&1 </dev/null) || status=$?
	return "$status"
}

expect_ok() { # expect_ok NAME COMMAND…
	local status=0
	run "${@:2}" || status=$?
	check "$status" "$1" "$said"
}

expect_said() { # expect_said NAME PART COMMAND…: it works, and says this
	local status=0
	run "${@:3}" && [[ $said == *"$2"* ]] || status=1
	check "$status" "$1" "expected: $2"$'\n'"seen: $said"
}

expect_refused() { # expect_refused NAME PART COMMAND…: it fails, and says this
	local status=1
	run "${@:3}" || status=0
	[[ $said == *"$2"* ]] || status=1
	check "$status" "$1" "expected: $2"$'\n'"seen: $said"
}

expect_equal() { # expect_equal NAME WANTED SEEN
	local status=0
	[ "$2" = "$3" ] || status=1
	check "$status" "$1" "expected: $2"$'\n'"seen: $3"
}

await() { # await SECONDS COMMAND…: until it works
	local end=$((SECONDS + $1))
	until run "${@:2}"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

eventually() { # eventually NAME SECONDS COMMAND…
	local status=0
	await "$2" "${@:3}" || status=$?
	check "$status" "$1" "$said"
}

need() { # need COMMAND…: what the rest makes no sense without
	run "$@" || {
		check 1 "the stage is set: $*" "$said"
		exit 1
	}
}

prepared() { # prepared FUNCTION: here, not in a shell of its own: what it exports stays
	"$1" >"$work/$1.log" 2>&1 </dev/null || {
		check 1 "the stage is set: $1" "$(cat "$work/$1.log")"
		exit 1
	}
}

finish() {
	finished=true
	echo "1..$count"
	[ "$failures" -eq 0 ]
}

way_out() {
	local status=$? item
	$finished || check 1 "the journey came to its end" "it stopped with status $status at: $BASH_COMMAND"
	for item in "${made_processes[@]}"; do kill "$item" 2>/dev/null || true; done
	{
		for item in "${made_namespaces[@]}"; do
			kubectl delete --raw "/api/v1/namespaces/$item/pods" || true
			kubectl delete namespace "$item" --wait=false || true
		done
		[ ${#made_profiles[@]} -eq 0 ] || kubectl delete confidentialprofile --wait=false "${made_profiles[@]}" || true
		! declare -F cleanup || cleanup || true
		rm -rf -- "$work"
	} >/dev/null 2>&1
}
trap way_out EXIT
trap 'exit 130' INT TERM

include() { # include JOURNEY: what another one asserts, counted here
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*) check 0 "$1: ${line#* - }" ;;
		"not ok "*) check 1 "$1: ${line#* - }" ;;
		\#*) printf '%s\n' "$line" ;;
		esac
	done < <("$root/e2e/journeys/$1.sh" 2>&1 </dev/null)
}

# ---- the cluster -----------------------------------------------------------------------------------------------

kubectl() { # nothing waits for ever
	command kubectl --request-timeout=60s "$@"
}

namespace() { # namespace NAME [LABEL=VALUE…]: a new one; $ns is its name
	ns=journey-$journey-$1-$$
	need kubectl create namespace "$ns"
	made_namespaces+=("$ns")
	# its account comes a moment later, where controllers run
	! kubectl get serviceaccount default -n default >/dev/null 2>&1 ||
		need await 20 kubectl get serviceaccount default -n "$ns"
	[ $# -eq 1 ] || need kubectl label namespace "$ns" "${@:2}"
}

profile() { # profile NAME SPEC: made and in force; the spec in YAML's flow style, without the braces
	[[ " ${made_profiles[*]} " == *" $1 "* ]] || made_profiles+=("$1")
	printf '{apiVersion: cocoon.dev/v1alpha1, kind: ConfidentialProfile, metadata: {name: %s}, spec: {%s}}' \
		"$1" "$2" >"$work/$1.yaml"
	need kubectl apply --server-side --force-conflicts -f "$work/$1.yaml"
	need in_force "$1"
}

in_force() { # in_force PROFILE: ready, at every replica
	kubectl wait --for=condition=Ready confidentialprofile "$1" --timeout=20s &&
		kubectl wait --for=condition=ReplicasAgree confidentialprofile "$1" --timeout=20s
}

digest_of() { # digest_of PROFILE
	kubectl get confidentialprofile "$1" -o jsonpath='{.status.digest}'
}

only() { # only NAMESPACE: a selector for it alone
	echo "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $1}}"
}

kbs() { # kbs HOST: the least init-data
	echo "initData: {kbs: {url: 'https://$1.example.com:8080'}}"
}

pod() { # pod NAMESPACE NAME CLASS [ANNOTATIONS [SPEC]]: one as JSON; class '' for none; the spec adds to the least
	jq -cn --arg ns "$1" --arg name "$2" --arg class "$3" --argjson annotations "${4:-null}" --argjson spec "${5:-null}" '
		{apiVersion: "v1", kind: "Pod",
		metadata: ({namespace: $ns, annotations: $annotations, labels: {app: $name}} +
			if $name[-1:] == "-" then {generateName: $name, labels: {}} else {name: $name} end),
		spec: ({runtimeClassName: (if $class == "" then null else $class end), terminationGracePeriodSeconds: 0,
			containers: [{name: "app", image: "localhost:5000/demo/app:1", args: [$name]}]} + ($spec // {}) |
			with_entries(select(.value != null)))}'
}

readonly NOWHERE='{"nodeSelector":{"cocoon.example.com/nowhere":"true"}}'

create() { # create OBJECT [OPTION…]
	kubectl create "${@:2}" -f - <<<"$1"
}

apply() { # apply OBJECT [OPTION…]
	kubectl apply "${@:2}" -f - <<<"$1"
}

annotation() { # annotation NAMESPACE POD KEY
	kubectl get pod -n "$1" "$2" -o json | jq -r --arg key "$3" '.metadata.annotations[$key] // "(none)"'
}

# ---- many requests, cheaply ------------------------------------------------------------------------------------

connection() { # the administrator's, as options for curl, in the file $work/curl
	[ -z "$server" ] || return 0
	kubectl config view --raw --minify -o json | jq -r '.clusters[0].cluster["certificate-authority-data"] | @base64d' >"$work/ca.crt"
	kubectl config view --raw --minify -o json | jq -r --arg ca "$work/ca.crt" '
		"header = \"Authorization: Bearer " + .users[0].user.token + "\"", "cacert = \"" + $ca + "\"", "silent",
		"header = \"Content-Type: application/json\"", "max-time = 30", "show-error"' >"$work/curl"
	server=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}')
}

flood() { # flood COUNT POD [TAG]: creates so many at once; a line "STATUS" for each in $work/answers
	connection
	printf '%s' "$2" >"$work/flood.json"
	curl --config "$work/curl" --parallel --parallel-max 8 --data-binary @"$work/flood.json" \
		--write-out '%{http_code}\n' --output "$work/answer.${3:-once}.#1" \
		"$server/api/v1/namespaces/$(jq -r .metadata.namespace <<<"$2")/pods?n=[1-$1]" >>"$work/answers" 2>>"$work/flood.errors" ||
		echo "curl failed: $(tail -n 1 "$work/flood.errors")" >>"$work/answers"
}

flood_begin() { # flood_begin POD: some 20 a second in the background until flood_end, for 120 seconds at most
	connection
	: >"$work/answers"
	touch "$work/flooding"
	(
		trap - EXIT INT TERM
		end=$((SECONDS + 120)) round=0
		while [ -e "$work/flooding" ] && [ "$SECONDS" -lt "$end" ]; do
			round=$((round + 1))
			flood 8 "$1" "$round"
			sleep 0.3
		done
	) &
	flooder=$!
	made_processes+=("$flooder")
}

flood_end() {
	rm -f "$work/flooding"
	wait "$flooder" || true
}

expect_all_created() { # expect_all_created NAME LEAST: every request was answered with 201, and there were so many
	local status=0 bad
	bad=$(grep -cv '^201$' "$work/answers") || true
	[ "$bad" -eq 0 ] && [ "$(wc -l <"$work/answers")" -ge "$2" ] || status=1
	check "$status" "$1" "$(sort "$work/answers" | uniq -c)
$(grep -l '"kind": *"Status"' "$work"/answer.* 2>/dev/null | head -n 2 | xargs -r head -c 900)"
}
