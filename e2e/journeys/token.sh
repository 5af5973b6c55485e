#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tokens rotate: the file that a program reads its token from gets another one, and the old one is worth nothing any
# more, as its service account was made anew. Needs webhook and controller as processes (e2e/hosted.sh).
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

hosted=$COCOON_CLUSTER_DIR/hosted
connection
namespace pods
p=token-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs before)"

answers() { # answers TOKEN PATH: the status of a request with it
	curl -s -o /dev/null -w '%{http_code}' --cacert "$work/ca.crt" -H "Authorization: Bearer $1" "$server$2"
}
answers_with() { [ "$(answers "$1" "$2")" = "$3" ]; }
runs() { kill -0 "$(cat "$hosted/$1.pid")"; }
makes() { # makes HOST: a new pod's document names it
	create "$(pod "$ns" "web-$SRANDOM" kata-qemu-snp null "$NOWHERE")" -o json | jq -r --arg k "$INIT" '.metadata.annotations[$k]' |
		base64 -d | gzip -dc | grep "https://$1.example.com"
}

for program in webhook controller; do
	old=$(cat "$hosted/$program.token")
	path=/apis/cocoon.dev/v1alpha1/confidentialprofiles
	need answers_with "$old" $path 200
	need kubectl delete serviceaccount "cocoon-$program" -n "$SYSTEM"
	need kubectl create serviceaccount "cocoon-$program" -n "$SYSTEM"
	eventually "the $program's old token is refused" 30 answers_with "$old" $path 401
	# Watches that stand already outlive their token: now each has to come again.
	need "$root/e2e/cluster/cluster.sh" restart-apiserver --dir "$COCOON_CLUSTER_DIR"
	[ $program != webhook ] || eventually "the webhook goes on with what it knows" 20 makes before
	need kubectl create token "cocoon-$program" -n "$SYSTEM"
	printf '%s' "$said" >"$hosted/$program.token.new"
	mv "$hosted/$program.token.new" "$hosted/$program.token"
	for each in 1 2; do expect_ok "$program $each lives" runs "$program-$each"; done
done
need kubectl patch cprof $p --type=merge -p '{"spec":{"initData":{"kbs":{"url":"https://after.example.com:8080"}}}}'
eventually "the webhook learns of an edit with the new token" 40 makes after
reported() { kubectl get cprof $p -o json | jq -e '.status.observedGeneration == .metadata.generation and
	any(.status.conditions[]; .type == "ReplicasAgree" and .status == "True")'; }
eventually "the controller reports it with the new token" 40 reported
renewed() { kubectl get lease cocoon-controller -n "$SYSTEM" -o json | jq -e --argjson now "$(date +%s)" \
	'.spec.renewTime | sub("[.].*"; "Z") | fromdateiso8601 > $now - 12'; }
eventually "its Lease is kept" 40 renewed
for name in webhook-1 webhook-2; do
	leased() { kubectl get lease "cocoon-webhook-$name" -n "$SYSTEM" -o json | jq -e --argjson now "$(date +%s)" \
		'.spec.renewTime | sub("[.].*"; "Z") | fromdateiso8601 > $now - 20'; }
	eventually "as is that of $name" 40 leased
done
finish
