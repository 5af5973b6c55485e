#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ways round a rule about images, as they were published for admission controllers of this kind, and others: names that are
# spelt differently, tags that move at the wrong moment, containers that come later, annotations that lie, policies that
# contradict each other, manifests that two readers read differently or that none can read, registries that lead
# elsewhere or take their time. Each attempt must end with our words in kubectl. Needs webhook and controller as processes
# (e2e/hosted.sh).
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=../images.sh
. "$root/e2e/images.sh"
# shellcheck source=../image-policies.sh
. "$root/e2e/image-policies.sh"
PATH=$programs:$PATH
p=bypass-$$
cleanup() {
	policies_go
	wait_time 10
}

# ---- the stage ---------------------------------------------------------------------------------------------------

images() { # one repository: its tags "good" (encrypted, signed), "bad" (plain), and "moves", which is good for now
	copy app app:bad && encrypt app app:good image-key/app && sign 2 app:good &&
		skopeo copy --quiet --src-tls-verify=false --dest-tls-verify=false "docker://$registry/shop/app:good" "docker://$registry/shop/app:moves"
}

# Manifests that are made to be misread: the good one's text with the bad one's layers somewhere in it.
bombs() {
	local good=$work/good.json layers
	raw() { skopeo inspect --raw --tls-verify=false "docker://$shop/app:$1"; }
	raw good >"$good" && layers=$(raw bad | jq -c .layers) || return
	sed "s#\"layers\":#\"layers\":$layers,&#" "$good" >"$work/twice"
	sed "s#\"layers\":#\"Layers\":$layers,&#" "$good" >"$work/folded"
	jq -c --argjson layers "$layers" '.manifests = [.config + {mediaType: .mediaType, platform: {os: "linux", architecture: "amd64"}}]' "$good" >"$work/both"
	{ printf '{"schemaVersion":2,"layers":' && printf '[%.0s' {1..100000} && printf '%s' "$layers"; } >"$work/deep"
	{ printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[{}' $OCI && printf ',{}%.0s' {1..100000} && printf ']}'; } >"$work/many"
	jq -c '.layers = [range(1001) as $i | .layers[0]]' "$good" >"$work/layers"
	jq -c '.schemaVersion = 1' "$good" >"$work/ancient"
	jq -c '.layers |= map(.urls = ["http://169.254.169.254/latest"])' "$good" >"$work/urls"
	jq -c '.layers = []' "$good" >"$work/empty"
	raw bad | jq -c '.layers[].mediaType += "+encrypted"' >"$work/hollow"
	echo '[]' >"$work/list"
	: >"$work/nothing"
	[ "$(grep -c . "$work/twice" "$work/folded" "$work/both" | grep -c ':0')" = 0 ]
}


wait_time() { # wait_time SECONDS: how long the API server waits for the webhook
	local kind list='[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":'$1'}]'
	for kind in mutating validating; do kubectl patch "${kind}webhookconfiguration" cocoon --type=json -p "$list" || return; done
}

# ---- many attempts at once ---------------------------------------------------------------------------------------

# refused CASE: for each line IMAGE|PART|NAME a pod of its own with that image; each is refused, and of the image these words are said
refused() {
	local lines line image part name
	mapfile -t lines
	printf '%s\n' "${lines[@]}" | jq -Rc --argjson pod "$(labelled "$1" null)" --arg case "$1" 'split("|")[0] as $image |
		$pod | .metadata.name = "\($case)-\(input_line_number)" | .spec.containers[0].image = $image' >"$work/pods.json"
	run kubectl create --dry-run=server -f "$work/pods.json" || true
	printf '%s\n' "$said" >"$work/answers"
	for line in "${lines[@]}"; do
		IFS='|' read -r image part name <<<"$line"
		expect_said "$name: $image" "$part" grep -F -- ".image: \"$image\": " "$work/answers"
	done
	expect_equal "none of these is let in" "" "$(grep created "$work/answers" || true)"
}

admitted() { # admitted CASE NAME IMAGE…: twins that are let in without a word
	local image
	for image in "${@:3}"; do expect_ok "$2: $image" silent try "$1" "$image"; done
}

# URLs that a registry may name, each with the word for it.
elsewhere=('http://169.254.169.254/latest/meta-data/|a link-local address' "http://[fd00:ec2::254]/latest/|the address of a cloud's metadata"
	'http://127.0.0.1:BAIT/x|a loopback address' 'http://localhost:BAIT/x|a loopback address' 'http://2130706433:BAIT/x|a loopback address'
	'http://0x7f.1:BAIT/x|a loopback address' 'http://[::1]:BAIT/x|a loopback address' 'http://[::ffff:127.0.0.1]:BAIT/x|a loopback address'
	'http://bait.localhost:BAIT/x|a loopback address' 'http://0.0.0.0:BAIT/x|the unspecified address'
	'file:///etc/passwd|must begin with http:// or https://')
# Where the machine's own name is a loopback address, that is one that only the resolver knows.
[[ $(getent ahosts "$HOSTNAME") != 127.* ]] || elsewhere+=("http://$HOSTNAME:BAIT/x|a loopback address")
registry
shop=$registry/shop
prepared layouts
prepared signing_key
prepared images
prepared bombs
prepared faulty
elsewhere=("${elsewhere[@]//BAIT/$bait}")
printf '%s\n' "${elsewhere[@]%|*}" >"$work/targets"
namespace pods
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
app='spec.containers[0].image'
good=$(digest_at app:good) bad=$(digest_at app:bad)

only_case() { # only_case NAME [IMAGES]: what a policy says that is for pods with this label alone
	echo "match: {podSelector: {matchLabels: {case: $1}}${2:+, images: [$2]}}"
}
here="registries: [{host: '$registry', plainHTTP: true}, {host: '$faults', plainHTTP: true}]"
asks="encryption: {keys: ['kbs:///default/image-key/*']}, $here"
signers="signatures: {signers: [{name: build, cosign: {keys: [$(jq -Rs . "$work/build.pub")], identity: Any}}]}"
policies $p-any "$(only_case names)" \
	$p-named "$(only_case names "'registry.example/**', 'docker.io/**'"), digest: {require: true}" \
	$p-listed "$(only_case listed "'registry.example/shop/*', 'registry.example:5000/**', 'docker.io/team/*'")" \
	$p "$(only_case main), $asks" $p-pin "$(only_case pin), $asks, digest: {pin: KeepTag}" \
	$p-lax "$(only_case both), priority: 1000, mode: Audit, onUnknown: Warn, $here" \
	$p-open "$(only_case both), priority: 900, onUnknown: Warn, encryption: {layers: Any}, $here" \
	$p-strict "$(only_case both), priority: -1000, $asks, digest: {require: true}" \
	$p-signed "$(only_case signed), $here, $signers" $p-templates "$(only_case templates), $asks, templates: Enforce" \
	$p-star "$(only_case star), encryption: {}, registries: [{host: '*', plainHTTP: true}]" \
	$p-space "match: {namespaceSelector: {matchLabels: {space-$$: strict}}}, $asks, digest: {require: true}"

# What takes its time goes on beside the rest.
try main "$faults/wait/shop/app:good" >"$work/waits" 2>&1 &
waiting=$!
expect_ok "an image of a good registry is judged" silent try main "$shop/app:good"
expect_equal "while a silent one is still waited for" "" "$(cat "$work/waits")"

# ---- names -------------------------------------------------------------------------------------------------------

named="ImagePolicy $p-named: digest.require:" noname="ImagePolicy $p-named: image:"
refused names <<-END
	registry.example/shop/app:1|$named|the rule, in plain words
	REGISTRY.EXAMPLE/shop/app:1|$named|a host in upper case
	Registry.Example:443/shop/app:1|$named|the port that goes without saying
	registry.example:0443/shop/app:1|$noname|a port with a zero
	registry.example:/shop/app:1|$noname|a port that is none
	registry.example./shop/app:1|$noname|a host with a dot at its end
	https://registry.example/shop/app:1|$noname|a URL
	user@registry.example/shop/app:1|$noname|somebody's name before the host
	registry.example//shop/app:1|$noname|an empty part
	registry.example/./shop/app:1|$noname|a dot for a part
	registry.example/x/../shop/app:1|$noname|a way up
	registry.example/shop/App:1|$noname|a repository in upper case
	registry.example/shop%2fapp:1|$noname|an escaped slash
	registry.example/shop\app:1|$noname|the other slash
	registry。example/shop/app:1|$noname|a dot of another script
	registry.example/shop/app:1@|$noname|a digest that is none
	registry.example/shop/app@sha256:1234|$noname|a digest that is too short
	registry.example/shop/app@sha512:$bad|$noname|a digest of another kind
	registry.example/shop/app@SHA256:${bad#*:}|$noname|a digest in upper case
	registry.example/shop/app@$bad@$good|$noname|two digests
	${bad#*:}|$noname|an image's id
	$bad|$noname|the same, written out
	registry.example/$(printf 'a%.0s' {1..260})|$noname|a name beyond what there can be
	nginx|$named|a name without a host
	library/nginx:1|$named|the library
	docker.io/nginx:1|$named|the hub without it
	index.docker.io/library/nginx:1|$named|the hub's other name
	registry-1.docker.io/library/nginx:1|$named|and its third
	INDEX.docker.io:443/library/nginx:1|$named|all of that together
END
expect_refused "a name of two lines" "$noname" try names $'registry.example/shop/app:1\nregistry.example/shop/app:2'
expect_equal "which are shown as one" 1 "$(grep -c "$noname" <<<"$said")"
admitted names "a digest satisfies it" "REGISTRY.example:443/shop/app:1@$good" "index.docker.io/library/nginx@$good"
unmatched="no ImagePolicy takes it"
refused listed <<-END
	evil-registry.example/shop/app:1|$unmatched|a host that ends like one of the list
	registry.example.evil/shop/app:1|$unmatched|one that begins like it
	registry-example/shop/app:1|$unmatched|a dot is no joker
	evil.example/registry.example/shop/app:1|$unmatched|the name as a path of another host
	registry.example/shop/deep/app:1|$unmatched|an asterisk ends at a slash
	registry.example/shop-evil/app:1|$unmatched|a repository that begins like one of the list
	registry.example:8443/shop/app:1|$unmatched|another port
	registry.example:50000/shop/app:1|$unmatched|a port that begins like the right one
	registry.example/shop:1|$unmatched|the folder alone
	team/app/more:1|$unmatched|the hub, deeper
END
admitted listed "what is on the list" registry.example/shop/app:1 registry.example:5000/a/b/c team/app:1

# ---- where images hide -------------------------------------------------------------------------------------------

say="\"$shop/app:bad\": ImagePolicy $p: encryption.layers:"
place() { try main "$shop/app:good" "${1//BAD/$shop/app:bad}"; }
expect_refused "an init container" "spec.initContainers[0].image: $say" place '{"initContainers":[{"name":"i","image":"BAD"}]}'
expect_refused "one that stays beside the others" "spec.initContainers[0].image: $say" \
	place '{"initContainers":[{"name":"i","image":"BAD","restartPolicy":"Always"}]}'
expect_refused "the second of two image volumes" "spec.volumes[1].image.reference: $say" \
	place '{"volumes":[{"name":"e","emptyDir":{}},{"name":"v","image":{"reference":"BAD","pullPolicy":"Never"}}]}'
expect_refused "a pod that says it has been scheduled" "$app: $say" try main "$shop/app:bad" '{"nodeName":"nowhere"}'
crowd() { # crowd COUNT: so many init containers, the last of them with the bad image
	jq -nc --argjson count "$1" --arg good "$shop/app:good" --arg bad "$shop/app:bad" '{initContainers: [range($count) as $i |
		{name: "i\($i)", image: (if $i == $count - 1 then $bad else $good end)}]}'
}
expect_refused "the last of two hundred" "spec.initContainers[199].image: $say" try main "$shop/app:good" "$(crowd 200)"
expect_refused "more than are looked at" "names more than 256 images" try main "$shop/app:good" "$(crowd 300)"
expect_refused "the bad one in many places" "spec.initContainers[0].image (+200 more): $say" try main "$shop/app:bad" "$(crowd 200 | jq -c --arg bad "$shop/app:bad" '.initContainers[].image = $bad')"
strangers() { jq -nc --arg shop "$shop" '{initContainers: [range(250) as $i | {name: "i\($i)", image: "\($shop)/stranger-\($i):1"}]}'; }
expect_refused "more reasons than can be said" "more reasons" try main "$shop/app:good" "$(strangers)"
expect_refused "a bad image with somebody else's secret" "$app: $say" try main "$shop/app:bad" \
	'{"imagePullSecrets":[{"name":"../../cocoon-system/secrets/cocoon-webhook-tls"}],"serviceAccountName":"default"}'
mark() { # mark FILTER: a pod with the bad image and that change
	create "$(labelled main "{\"containers\":[{\"name\":\"app\",\"image\":\"$shop/app:bad\"}]}" | jq -c "$1")" --dry-run=server
}
owner='{apiVersion: "apps/v1", kind: "DaemonSet", name: "kube-proxy", uid: "9a1f6b52-6d0e-4a39-8c9b-0d4f2b8e7c11", controller: true}'
expect_refused "a pod of generated name" "$app: $say" mark 'del(.metadata.name) | .metadata.generateName = "kube-"'
expect_refused "a pod that lies about its owner" "$app: $say" mark ".metadata.ownerReferences = [$owner]"
expect_refused "a pod that says it is going already" "$app: $say" mark '.metadata += {deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 0}'
expect_refused "a pod that says how it is" "$app: $say" mark '.status = {phase: "Succeeded"}'

# ---- digests and tags --------------------------------------------------------------------------------------------

expect_refused "a good tag before a bad digest" "$app: \"$shop/app:good@$bad\": ImagePolicy $p: encryption.layers:" try main "$shop/app:good@$bad"
admitted main "a bad tag before a good digest is the good image" "$shop/app:bad@$good"
expect_refused "a registry that gives another image for the digest" "is not what its digest says" try main "$faults/lie/shop/app:good@$good"
pinned() { kubectl get pod "$1" -n "$ns" -o jsonpath='{.spec.containers[0].image}'; }
stored() { # stored NAME CASE IMAGE: created for good
	create "$(labelled "$2" "$(jq -cn --arg image "$3" --argjson more "$NOWHERE" '{containers: [{name: "app", $image}]} + $more')" |
		jq -c --arg name "$1" '.metadata.name = $name')"
}
# The tag is another image at every look: what is let in is what was looked at.
jq -nc --argjson pod "$(labelled pin null)" --arg image "$faults/race/shop/app" \
	'range(8) as $i | $pod | .metadata.name = "race-\($i)" | .spec.containers[0].image = "\($image):\($i)"' >"$work/race.json"
kubectl create --dry-run=server -f "$work/race.json" -o json >"$work/raced" 2>"$work/race.said" || true
expect_equal "of a tag that moves between two looks the good image is let in, pinned, and no other" "$good" \
	"$(jq -r '(.items // [.])[] | .spec.containers[0].image | sub(".*@"; "")' "$work/raced" | sort -u)"
expect_said "and the bad one is refused" "@$bad\": ImagePolicy $p-pin: encryption.layers:" cat "$work/race.said"
need stored moves pin "$shop/app:moves"
expect_equal "a tag is pinned at creation" "$shop/app:moves@$good" "$(pinned moves)"
need skopeo copy --quiet --src-tls-verify=false --dest-tls-verify=false "docker://$shop/app:bad" "docker://$shop/app:moves"
expect_said "when the tag has moved, the pod lives on" labeled kubectl label pod moves -n "$ns" a=b
expect_equal "with the image that it was let in with" "$shop/app:moves@$good" "$(pinned moves)"
back_to_tag() { # the tag as the image: pinned to what is known of it, or refused
	kubectl set image pod/moves -n "$ns" app="$shop/app:moves" || true
	pinned moves
}
expect_said "nobody brings the tag back" "$shop/app:moves@$good" back_to_tag

# ---- after creation ----------------------------------------------------------------------------------------------

need stored web main "$shop/app:good"
debug='{"metadata":{"name":"web"},"spec":{"ephemeralContainers":[{"name":"d","image":"'$shop/app:bad'","targetContainerName":"app"}]}}'
expect_refused "another image" "$app: $say" kubectl set image pod/web -n "$ns" app="$shop/app:bad"
expect_refused "kubectl debug" "spec.ephemeralContainers[0].image: $say" \
	kubectl debug web -n "$ns" --image="$shop/app:bad" --container=d --profile=general
expect_refused "the subresource" "spec.ephemeralContainers[0].image: $say" kubectl patch pod web -n "$ns" --subresource=ephemeralcontainers -p "$debug"
whole() { kubectl get pod web -n "$ns" -o json | jq -c ".spec.ephemeralContainers = $(jq -c '.spec.ephemeralContainers' <<<"$debug")" |
	kubectl replace --raw "/api/v1/namespaces/$ns/pods/web/ephemeralcontainers" -f -; }
expect_refused "the subresource, by hand" "spec.ephemeralContainers[0].image: $say" whole
expect_refused "a copy of the pod, for debugging" "\"$shop/app:bad\": ImagePolicy $p: encryption.layers:" \
	kubectl debug web -n "$ns" --copy-to=web-copy --set-image=app="$shop/app:bad" --profile=general
expect_refused "an image with an update of labels" "$app: $say" kubectl patch pod web -n "$ns" -p \
	'{"metadata":{"labels":{"x":"y"}},"spec":{"containers":[{"name":"app","image":"'"$shop/app:bad"'"}]}}'
need kubectl label namespace "$ns" "space-$$=strict"
stricter() { ! kubectl label pod web -n "$ns" "x=$SRANDOM" 2>&1; }
eventually "a label of the namespace counts for pods that are there" 10 stricter
expect_said "in these words" "$app: \"$shop/app:good\": ImagePolicy $p-space: digest.require:" echo "$said"
expect_ok "their status is nobody's business" kubectl patch pod web -n "$ns" --subresource=status -p '{"status":{"message":"x"}}'
need kubectl patch pod web -n "$ns" -p '{"metadata":{"finalizers":["example.com/stay"]}}'
need kubectl label namespace "$ns" "space-$$-"
need kubectl delete pod web -n "$ns" --wait=false
going() { kubectl set image pod/web -n "$ns" app="$shop/app:bad"; }
expect_refused "another image of a pod that is going" "$app: $say" going
expect_ok "which goes" kubectl patch pod web -n "$ns" --type=merge -p '{"metadata":{"finalizers":null}}'

# ---- annotations -------------------------------------------------------------------------------------------------

forged=cocoon.dev/image-policies
for key in io.kubernetes.cri.image-name io.kubernetes.cri-o.ImageName io.kubernetes.cri.container-type; do
	expect_refused "$key says nothing about the image" "$app: $say" mark ".metadata.annotations = {\"$key\": \"$shop/app@$good\"}"
done
expect_refused "nor is a pod excused by being a node's own" "$app: $say" \
	mark '.metadata.annotations = {"kubernetes.io/config.mirror": "x"} | .spec += {nodeName: "nowhere", automountServiceAccountToken: false}'
expect_refused "an annotation of Kata's is none of the tenant's business" "io.katacontainers.config.hypervisor.kernel" \
	mark '.metadata.annotations = {"io.katacontainers.config.hypervisor.kernel": "/x"}'
seal=$(annotation "$ns" moves $forged)
expect_refused "the webhook's own mark does not help at creation" "$app: $say" mark ".metadata.annotations = {\"$forged\": \"$seal\"}"
stamp() { create "$(labelled main "{\"containers\":[{\"name\":\"app\",\"image\":\"$shop/app:good\"}]}" |
	jq -c ".metadata.annotations = {\"$forged\": \"sha256:$(printf '%064d' 0)\"}")" --dry-run=server -o json | jq -r ".metadata.annotations[\"$forged\"]"; }
expect_ok "a forged one is written over" grep -x 'sha256:[1-9a-f][0-9a-f]*' <(stamp)
mine="metadata.annotations[$forged]: may not be added, changed or removed after creation"
expect_refused "it cannot be changed" "$mine" kubectl annotate pod moves -n "$ns" --overwrite $forged=sha256:00
expect_refused "nor removed" "$mine" kubectl annotate pod moves -n "$ns" $forged-
expect_refused "nor dropped with all the others" "denied the request" \
	kubectl patch pod moves -n "$ns" --type=json -p '[{"op":"remove","path":"/metadata/annotations"}]'
expect_refused "nor changed by way of pods/status" "denied the request" \
	kubectl patch pod moves -n "$ns" --subresource=status -p "{\"metadata\":{\"annotations\":{\"$forged\":null}}}"
run kubectl patch pod moves -n "$ns" --subresource=ephemeralcontainers -p "$(jq -c --arg k "$forged" --arg image "$shop/app@$good" \
	'.metadata.annotations = {($k): "x"} | .spec.ephemeralContainers[0].image = $image' <<<"$debug")" || true
expect_equal "after all of it, it stands as it was" "$seal" "$(annotation "$ns" moves $forged)"

# ---- two policies ------------------------------------------------------------------------------------------------

expect_refused "a lax policy of high priority does not weaken a strict one" "ImagePolicy $p-strict: digest.require:" try both "$shop/app:good"
expect_refused "nor one that admits what cannot be known" "ImagePolicy $p-strict: encryption.layers:" try both "$shop/app@$bad"
expect_refused "both say why they refuse" "ImagePolicy $p-open: encryption.layers:" try both "$shop/app@$bad"
admitted both "what satisfies all of them" "$shop/app@$good"
expect_refused "a pod cannot choose its policies by a label of nobody's" "$unmatched" try none "$shop/app:good"

# ---- templates ---------------------------------------------------------------------------------------------------

templates() { # a workload of each kind with the good image beside the bad one
	jq -nc --arg ns "$ns" --arg good "$shop/app:good" --arg bad "$shop/app:bad" '
		{metadata: {labels: {case: "templates"}}, spec: {runtimeClassName: "kata-qemu-snp", containers: [{name: "app", image: $good}],
			initContainers: [{name: "i", image: $bad}]}} as $t | {matchLabels: {case: "templates"}} as $s |
		($t | .spec.restartPolicy = "Never") as $job |
		{apiVersion: "apps/v1", kind: "Deployment", spec: {selector: $s, template: $t}},
		{apiVersion: "apps/v1", kind: "ReplicaSet", spec: {selector: $s, template: $t}},
		{apiVersion: "apps/v1", kind: "DaemonSet", spec: {selector: $s, template: $t}},
		{apiVersion: "apps/v1", kind: "StatefulSet", spec: {serviceName: "x", selector: $s, template: $t}},
		{apiVersion: "v1", kind: "ReplicationController", spec: {selector: {case: "templates"}, template: $t}},
		{apiVersion: "batch/v1", kind: "Job", spec: {template: $job}},
		{apiVersion: "batch/v1", kind: "CronJob", spec: {schedule: "@daily", jobTemplate: {spec: {template: $job}}}} |
		.metadata = {name: (.kind | ascii_downcase), namespace: $ns}' | kubectl create --dry-run=server -f -
}
templates >"$work/workloads" 2>&1 || true
expect_equal "seven kinds of workloads are refused for their templates" 7 "$(grep -c "\.initContainers\[0\]\.image: \"$shop/app:bad\": ImagePolicy $p-templates: encryption.layers:" "$work/workloads")"
expect_equal "none is let in" "" "$(grep created "$work/workloads" || true)"
expect_said "a CronJob's is found where it lies" "spec.jobTemplate.spec.template.spec.initContainers[0]" cat "$work/workloads"

# ---- manifests ---------------------------------------------------------------------------------------------------

refused main <<-END
	$faults/made/twice:1|duplicate|layers that are there twice
	$faults/made/folded:1|Layers|a member that some readers take for another
	$faults/made/both:1|two images|a manifest that is an index as well
	$faults/made/deep:1|deep|brackets a hundred thousand deep
	$faults/made/many:1|values|a hundred thousand entries
	$faults/made/layers:1|layers|more layers than there can be
	$faults/made/ancient:1|schema|the format of long ago
	$faults/made/empty:1|encryption.layers:|an image without layers
	$faults/made/hollow:1|ImagePolicy $p: encryption.|layers that only say that they are encrypted
	$faults/made/list:1|object|a list
	$faults/made/nothing:1|manifest|nothing at all
	$faults/huge/x:1|bytes|a manifest of five megabytes
	$faults/endless/x:1|bytes|one without an end
	$faults/packed/x:1|ncod|one that says that it is compressed
END
admitted main "an address within a layer's description is not asked" "$faults/made/urls:1"

# ---- led elsewhere -----------------------------------------------------------------------------------------------

away=()
for i in "${!elsewhere[@]}"; do
	for fault in away blob realm; do
		away+=("$faults/$fault/$i/shop/app:good|${elsewhere[i]#*|}|${elsewhere[i]%|*}")
	done
done
printf '%s\n' "${away[@]}" >"$work/away"
refused signed <"$work/away"
expect_refused "nor to more signatures" "more is attached to the image than is read" try signed "$faults/pages/0/shop/app:bad"
admitted signed "the same image at a registry that leads nowhere" "$shop/app:good" "$faults/as/shop/app:good"
refused star <<-END
	169.254.169.254/latest/meta-data:1|link-local|the metadata service as a registry
	[fd00:ec2::254]/latest/meta-data:1|metadata|the same by IPv6
	[fe80::1]/latest/meta-data:1|link-local|a neighbour
	localhost:$bait/shop/app:1|loopback|the node itself
	127.0.0.1:$bait/shop/app:1|loopback|by its address
	127.9.9.9:$bait/shop/app:1|loopback|by another
	0.0.0.0:$bait/shop/app:1|unspecified|by none
	[::1]:$bait/shop/app:1|loopback|by IPv6
	bait.localhost:$bait/shop/app:1|loopback|below its name
	[::ffff:127.0.0.1]:$bait/shop/app:1|ImagePolicy $p-star: image:|an address in another
	127.1:$bait/shop/app:1|ImagePolicy $p-star: image:|a short address
	2130706433:$bait/shop/app:1|ImagePolicy $p-star: image:|a number
	0x7f000001:$bait/shop/app:1|ImagePolicy $p-star: image:|one in hex
	0177.0.0.1:$bait/shop/app:1|ImagePolicy $p-star: image:|one in octal
END
expect_equal "nobody has been led to the bait" 0 "$(curl -sSf "http://$faults/bait")"
need curl -sSf "http://127.0.0.1:$bait/x"
expect_equal "which would have been seen" 1 "$(curl -sSf "http://$faults/bait")"

# ---- slow ones ---------------------------------------------------------------------------------------------------

wait "$waiting" || true
expect_said "the silent registry's pod is refused, not lost" "ImagePolicy $p: " cat "$work/waits"
expect_said "as not known yet" "not known yet: the registry '$faults' has not answered" cat "$work/waits"
need wait_time 3
expect_refused "a registry that takes longer than the API server waits" "not known yet" try main "$faults/drip/shop/app@$good"
expect_equal "is answered for before that" "" "$(grep -o 'failed calling webhook.*' <<<"$said" || true)"
eventually "and the next try finds what was fetched meanwhile" 15 silent try main "$faults/drip/shop/app@$good"
expect_refused "which is no excuse for a bad one" "ImagePolicy $p: " try main "$faults/drip/shop/app@$bad"
need wait_time 10
moved() { { try pin "$shop/app:moves" 2>&1 || true; } | grep -F "@$bad\": ImagePolicy $p-pin: encryption.layers:"; }
eventually "the tag that has moved is refused to new pods" 15 moved
finish
