#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two thousand reviews a second of pods with good and bad images: while the webhook is killed and starts again, and while
# another registry is down, throttles, fails, or says nothing. Every answer is compared with what is true of its image: a
# bad one is never let in, and those of the registry that is well never wait for the other. What is waited for is counted
# in answers that came meanwhile, so a busy machine changes nothing. Needs an installation (e2e/hosted.sh); the webhook
# that is asked is one more, which the API server does not know.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=../images.sh
. "$root/e2e/images.sh"
# shellcheck source=../image-policies.sh
. "$root/e2e/image-policies.sh"
PATH=$programs:$PATH
p=load-$$
readonly rate=2000 clients=16 memory=16 # MiB of facts
load=$root/out/release-gcc/tests/drivers/review_load
cleanup() { policies_go; }

# ---- the stage ---------------------------------------------------------------------------------------------------

images() { copy app app:bad && encrypt app app:good image-key/app && encrypt app app:later image-key/app; }

logged() { sed -n "s/.*\"$1\":\"\([0-9]*\)\".*/\1/p" "$work/webhook.log" | tail -n 1 | grep .; }
webhook_start() { # on the port it had, if there was one
	: >"$work/webhook.log"
	POD_NAME=$p setsid webhook --kubeconfig "$COCOON_CLUSTER_DIR/hosted/webhook.kubeconfig" --namespace "$SYSTEM" --drain-seconds 0 \
		--listen "127.0.0.1:${port:-0}" --health-listen 127.0.0.1:0 --facts-memory $memory >"$work/webhook.log" 2>&1 </dev/null &
	webhook=$!
	disown
	made_processes+=("$webhook")
	await 20 logged admission && port=$(logged admission) && await 20 webhook_ready
}
webhook_ready() { curl -fsS --max-time 2 "http://127.0.0.1:$(logged health)/readyz"; }
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$webhook/status"; }
metric() { # metric NAME PATTERN: the sum of those whose labels match
	curl -fsS "http://127.0.0.1:$(logged health)/metrics" | awk -v name="$1{" -v pattern="$2" \
		'index($0, name) == 1 && $0 ~ pattern { sum += $NF } END { print sum + 0 }'
}
metric_plain() { curl -fsS "http://127.0.0.1:$(logged health)/metrics" | sed -n "s/^$1 //p"; }

review() { # the review of a pod as the API server shows it after all mutators
	kubectl get mutatingwebhookconfiguration cocoon -o jsonpath='{.webhooks[0].clientConfig.caBundle}' | base64 -d >"$work/ca.pem" &&
		create "$(labelled load "{\"containers\":[{\"name\":\"app\",\"image\":\"$shop/app:good\"}]}")" --dry-run=server -o json | jq -c '
			{version: "v1", kind: "Pod", group: ""} as $kind | {group: "", version: "v1", resource: "pods"} as $resource |
			{kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request: {uid: "@UID@", $kind, $resource, requestKind: $kind,
				requestResource: $resource, name: .metadata.name, namespace: .metadata.namespace, operation: "CREATE",
				userInfo: {username: "somebody", groups: ["system:authenticated"]}, object: (.spec.containers[0].image = "@IMAGE@"),
				oldObject: null, dryRun: false, options: {kind: "CreateOptions", apiVersion: "meta.k8s.io/v1"}}}' >"$work/review"
}
run_load() { # run_load NAME SECONDS: its result is in the file $work/NAME
	local status=0
	"$load" $rate "$2" $clients "https://127.0.0.1:$port/validate?timeout=10s" "$work/ca.pem" "$work/review" "$work/cases" \
		>"$work/$1" 2>"$work/$1.err" || status=$?
	[ -s "$work/$1" ] || echo "{\"failed\":$status}" >"$work/$1"
	echo "# $1: $(cat "$work/$1")"
}
shows() { # shows NAME RESULT FILTER: what must be true of it
	expect_ok "$1" jq -e "$3" "$work/$2"
}
never_wrong() { # never_wrong WHEN RESULT
	expect_equal "$1 no answer is wrong" "0 0" "$(jq -r '"\(.well.wrong) \(.sick.wrong)"' "$work/$2")$(head -c 1500 "$work/$2.err")"
}

registry
shop=$registry/shop
prepared layouts
prepared images
prepared faulty
namespace pods
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
hosts="registries: [{host: '$registry', plainHTTP: true}, {host: '$faults', plainHTTP: true}, {host: '127.0.0.1:1', plainHTTP: true}]"
policies $p "match: {podSelector: {matchLabels: {case: load}}}, encryption: {keys: ['kbs:///default/image-key/*']}, $hosts"
need review
good=$(digest_at app:good) bad=$(digest_at app:bad)
cat >"$work/cases" <<-END
	well good $shop/app:good
	well bad $shop/app:bad
	well good $shop/app@$good
	well bad $shop/app@$bad
	well bad $shop/app:good@$bad
END
prepared webhook_start

# ---- killed ------------------------------------------------------------------------------------------------------

run_load warm 2
never_wrong "from the start" warm
shows "every review is answered" warm '.well | .sent == .answered and .sent > 0'
shows "good ones by yes, bad ones by no" warm '.well | .allowed > 0 and .refused > 0 and .allowed + .refused == .answered'
run_load killed 6 &
running=$!
for _ in 1 2; do
	sleep 1 # under load
	kill -KILL "$webhook"
	prepared webhook_start
done
wait "$running"
never_wrong "while it is killed twice and starts again" killed
shows "reviews were lost meanwhile, as none is answered" killed '.well.lost > 0'

# ---- another registry is not well --------------------------------------------------------------------------------

{
	for _ in {1..8}; do
		printf 'sick %s\n' "good $faults/sick/shop/app:good" "bad $faults/sick/shop/app:bad" "good $faults/sick/shop/app@$good" \
			"bad 127.0.0.1:1/shop/app:good"
	done
	printf 'sick %s\n' "bad $faults/sick/shop/none-#:1" "bad $faults/sick/shop/none-#@$bad"
} >>"$work/cases"
run_load again 1
never_wrong "afterwards" again
shows "afterwards every review is answered again" again '.well | .lost == 0 and .answered > 0'
before=$(resident)
reviews=$(metric cocoon_webhook_reviews_total 'path="validate"')
admitted=$(metric cocoon_webhook_images_total "policy=\"$p\".*verdict=\"admitted\"")
judged=$(metric cocoon_webhook_images_total "policy=\"$p\"")
apart() { # apart STATE RESULT: what holds whatever ails the other registry
	never_wrong "while the other registry $1" "$2"
	shows "while the other registry $1, every review is answered" "$2" '(.well.lost == 0) and (.sick.lost == 0) and (.sick.answered > 0)'
	shows "while the other registry $1, no pod of the one that is well waits for it" "$2" '.well.overtaken * 2 < .well.answered'
}
asked() { curl -fsS "http://$faults/asked" | jq .asked; }
health 429
first=$(asked)
run_load throttled 3
apart "throttles" throttled
expect_equal "nobody asks before the time that it said" 0 "$(curl -fsS "http://$faults/asked" | jq .early)"
expect_ok "it is asked once for ten reviews at the most" [ $((($(asked) - first) * 10)) -lt "$(jq .sick.answered "$work/throttled")" ]
health 503
run_load failing 3
apart "fails" failing
health wait
run_load silent 3
apart "says nothing" silent
shows "of the well ones thousands are answered while one of its own waits" silent ".sick.overtaken > $rate"
health as
printf 'sick good %s\n' "$faults/sick/shop/app:later" >"$work/cases.sick" && grep ^well "$work/cases" >>"$work/cases.sick"
mv "$work/cases.sick" "$work/cases"
run_load well 4
apart "is well again" well
shows "and its good images are let in, of which nothing was known" well '.sick.allowed > 0'

# ---- what is left of it ------------------------------------------------------------------------------------------

runs=("$work"/{throttled,failing,silent,well})
sum() { jq -s "map($1) | add" "${runs[@]}"; }
expect_equal "the counts of reviews are those of the answers" "$(sum '.well.answered + .sick.answered')" \
	"$(($(metric cocoon_webhook_reviews_total 'path="validate"') - reviews))"
expect_equal "the images admitted are those that were let in" "$(sum '.well.allowed + .sick.allowed')" \
	"$(($(metric cocoon_webhook_images_total "policy=\"$p\".*verdict=\"admitted\"") - admitted))"
expect_equal "and every image has a verdict" "$(sum '.well.answered + .sick.answered')" \
	"$(($(metric cocoon_webhook_images_total "policy=\"$p\"") - judged))"
expect_ok "facts keep to their room" [ "$(metric_plain cocoon_facts_bytes)" -le $((memory << 20)) ]
after=$(resident)
expect_ok "memory has not grown beyond it ($((before / 1024)) MiB before, $((after / 1024)) MiB after)" [ $((after - before)) -lt $(((memory + 16) * 1024)) ]
none_waits() { [ "$(metric_plain cocoon_webhook_deferred)" = 0 ]; }
eventually "nobody waits any more" 20 none_waits
kill -TERM "$webhook"
gone() { ! kill -0 "$webhook"; }
eventually "the webhook ends when it is told to" 20 gone
finish
