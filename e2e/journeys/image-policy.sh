#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which images are let in, and the words that kubectl prints otherwise: encrypted images of our own making, some signed by
# cosign, in Debian's docker-registry, pods and templates that name them, policies that come, go wrong and contradict each other, and
# registries that do not answer. No pod has to run for it. Needs webhook and controller as processes (e2e/hosted.sh).
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=../images.sh
. "$root/e2e/images.sh"
# shellcheck source=../image-policies.sh
. "$root/e2e/image-policies.sh"
PATH=$programs:$PATH

p=image-$$
cleanup() {
	policies_go
	kubectl delete configmap cocoon-config -n "$SYSTEM" --ignore-not-found
}

# ---- images ----------------------------------------------------------------------------------------------------

images() {
	several "$work/both" "$work/one.tgz=$GZIP" &&
		copy app plain:1 && copy app good:plain &&
		encrypt app good:1 image-key/app && encrypt app good:2 image-key/next && encrypt app partly:1 image-key/app --layer 1 &&
		encrypt app foreign:1 other/app && encrypt both good:both image-key/app &&
		encrypt both half:1 image-key/app --platform linux/amd64
}

signatures() {
	copy app early:plain && sign 2 early:plain && image-crypt encrypt --quiet --kbs-key "kbs:///default/image-key/app=$work/kek" \
			"docker://$registry/shop/early:plain" "docker://$registry/shop/early:1" &&
		encrypt app tagged:1 image-key/app && sign 2 tagged:1 && encrypt app bundled:1 image-key/app && sign 3 bundled:1
}

# ---- policies and pods -----------------------------------------------------------------------------------------

only_case() { # only_case NAME: what a policy says that is for pods with this label alone
	echo "match: {podSelector: {matchLabels: {case: $1}}, images: ['$shop/**', '127.0.0.1:1/**', '$faults/**']}"
}
template() { # template CASE IMAGE [OPTION…]: a Deployment; nothing is stored, where no option says so
	jq -cn --arg ns "$ns" --arg case "$1" --arg image "$2" '{apiVersion: "apps/v1", kind: "Deployment", metadata: {name: "web", namespace: $ns},
		spec: {selector: {matchLabels: {$case}}, template: {metadata: {labels: {$case}}, spec: {
			runtimeClassName: "kata-qemu-snp", containers: [{name: "app", $image}]}}}}' |
		kubectl create "${@:3}" "--dry-run=$([ $# -gt 2 ] && echo none || echo server)" -f -
}
result() { # result CASE IMAGE FILTER: of the pod as it would be stored
	try "$1" "$2" null -o json 2>"$work/words" | jq -r "$3"
}

registry
prepared layouts
prepared images
prepared signing_key
prepared signatures
prepared faulty
namespace pods tenant=shop
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
shop=$registry/shop
here="registries: [{host: '$registry', plainHTTP: true}]"
asks="encryption: {keys: ['kbs:///default/image-key/*']}, $here"
app='spec.containers[0].image'

# ---- without policies, and what no policy takes ------------------------------------------------------------------

expect_ok "without a policy nothing is asked of images" silent try none "$shop/plain:1"
policies $p-rest "match: {images: ['a.example/**']}"
expect_refused "once there is one, an image that no policy takes" "$app: \"$shop/plain:1\"" try none "$shop/plain:1"
expect_refused "the message says so" "no ImagePolicy takes" try none "$shop/plain:1"
setting() { # setting TEXT COMMAND…: an installation's setting, and what is to become true with it
	kubectl create configmap cocoon-config -n "$SYSTEM" --from-literal=config.yaml="$1" --dry-run=client -o yaml | kubectl apply -f - >&2
	await 10 "${@:2}"
}
expect_ok "unmatchedImages: Warn warns in kubectl" setting 'unmatchedImages: Warn' warned "Warning: $app: \"$shop/plain:1\"" try none "$shop/plain:1"
expect_ok "unmatchedImages: Allow says nothing" setting 'unmatchedImages: Allow' silent try none "$shop/plain:1"
need kubectl delete configmap cocoon-config -n "$SYSTEM"

# ---- the policies of this journey, each for pods with a label of its own ------------------------------------------

policies $p "$(only_case main), $asks" $p-digest "$(only_case digest), $asks, digest: {require: true}" \
	$p-pin "$(only_case pin), $asks, digest: {pin: KeepTag}" $p-warn "$(only_case warn), $asks, mode: Warn" \
	$p-audit "$(only_case audit), $asks, mode: Audit" $p-strict "$(only_case strict), $asks, templates: Enforce" \
	$p-quiet "$(only_case quiet), $asks, templates: Ignore" \
	$p-lost "$(only_case lost), encryption: {}, digest: {pin: KeepTag}, registries: [{host: '127.0.0.1:1', plainHTTP: true}, {host: '$faults', plainHTTP: true}]" \
	$p-hope "$(only_case hope), encryption: {}, onUnknown: Warn, registries: [{host: '127.0.0.1:1', plainHTTP: true}]" \
	$p-guarded "$(only_case guarded), encryption: {}" \
	$p-signed "$(only_case signed), $asks, signatures: {signers: [{name: build, cosign: {keys: [$(jq -Rs . "$work/build.pub")]}}]}"
(
	trap - EXIT INT TERM
	SECONDS=0
	try lost "$faults/wait/a:1" >"$work/slow" 2>&1 || true
	echo "$SECONDS" >"$work/slow.seconds"
) &
slow=$!

# ---- encryption --------------------------------------------------------------------------------------------------

say="\"$shop/plain:1\": ImagePolicy $p: encryption.layers:"
expect_ok "an encrypted image is let in" silent try main "$shop/good:1"
expect_ok "and so is an index of two platforms" silent try main "$shop/good:both"
expect_equal "the pod says under which policies" true \
	"$(result main "$shop/good:1" '.metadata.annotations["cocoon.dev/image-policies"] | test("^sha256:[0-9a-f]{64}$")')"
expect_refused "a plain image: field, image, policy and rule" "$app: $say" try main "$shop/plain:1"
expect_refused "what to do about it" "encrypt the image" try main "$shop/plain:1"
expect_refused "a plain layer is named" "layer 0" try main "$shop/partly:1"
expect_refused "the plain platform of an index is named" "linux/arm64" try main "$shop/half:1"
expect_refused "a key of somebody else's" "ImagePolicy $p: encryption.keys:" try main "$shop/foreign:1"
expect_refused "an init container" "spec.initContainers[0].image: $say" \
	try main "$shop/good:1" "{\"initContainers\": [{\"name\": \"i\", \"image\": \"$shop/plain:1\"}]}"
expect_refused "an image volume" "spec.volumes[0].image.reference: $say" \
	try main "$shop/good:1" "{\"volumes\": [{\"name\": \"v\", \"image\": {\"reference\": \"$shop/plain:1\"}}]}"
both="{\"initContainers\": [{\"name\": \"i\", \"image\": \"$shop/foreign:1\"}]}"
expect_refused "all reasons at once: the first" "spec.initContainers[0].image: \"$shop/foreign:1\"" try main "$shop/plain:1" "$both"
expect_refused "all reasons at once: the second" "$app: \"$shop/plain:1\"" try main "$shop/plain:1" "$both"
expect_refused "an image that is not there" "\"$shop/nothing:1\": ImagePolicy $p:" try main "$shop/nothing:1"
expect_said "a pod that is not confidential" created \
	create "$(pod "$ns" plain '' null "{\"containers\": [{\"name\": \"a\", \"image\": \"$shop/plain:1\"}]}")" --dry-run=server

# ---- signatures --------------------------------------------------------------------------------------------------

expect_ok "an image that was encrypted, then signed (cosign 2)" silent try signed "$shop/tagged:1"
expect_ok "and one with a bundle (cosign 3)" silent try signed "$shop/bundled:1"
expect_refused "one that nobody signed" "\"$shop/good:1\": ImagePolicy $p-signed: signatures.signers[build]:" try signed "$shop/good:1"
expect_refused "one that was signed before it was encrypted is told from it" "signed before encryption" try signed "$shop/early:1"
expect_refused "a signed one that is not encrypted" "encryption.layers:" try signed "$shop/early:plain"

# ---- after creation ----------------------------------------------------------------------------------------------

web=web
need create "$(labelled main "$(jq -cn --arg image "$shop/good:1" --argjson more "$NOWHERE" '{containers: [{name: "app", $image}]} + $more')" |
	jq -c --arg name $web '.metadata.name = $name')"
expect_refused "another image, later" "$app: $say" kubectl set image "pod/$web" -n "$ns" app="$shop/plain:1"
expect_said "another good one" "image updated" kubectl set image "pod/$web" -n "$ns" app="$shop/good:2"
expect_refused "a container for debugging" "spec.ephemeralContainers[0].image: $say" \
	kubectl debug "$web" -n "$ns" --image="$shop/plain:1" --container=debug --profile=general
expect_ok "a good one for debugging" kubectl debug "$web" -n "$ns" --image="$shop/good:1" --container=debug --profile=general
expect_said "a label that changes nothing" labeled kubectl label pod $web -n "$ns" tier=front
expect_refused "a label that brings it under a policy that it violates" "$app: \"$shop/good:2\": ImagePolicy $p-digest: digest.require:" \
	kubectl label pod $web -n "$ns" --overwrite case=digest
expect_refused "the same by way of the status" "$app: \"$shop/good:2\": ImagePolicy $p-digest: digest.require:" \
	kubectl patch pod $web -n "$ns" --subresource=status --type=merge -p '{"metadata": {"labels": {"case": "digest"}}}'
expect_said "one that takes it from under its own, to another that it satisfies" labeled kubectl label pod $web -n "$ns" --overwrite case=strict
need kubectl label pod $web -n "$ns" --overwrite case=main

# ---- digests -----------------------------------------------------------------------------------------------------

good=$(digest_at good:1) plain=$(digest_at plain:1)
expect_refused "a tag where a digest is required" "ImagePolicy $p-digest: digest.require:" try digest "$shop/good:1"
expect_ok "a digest" silent try digest "$shop/good@$good"
expect_ok "a digest beside its tag" silent try digest "$shop/good:1@$good"
expect_refused "a tag that lies about the digest" "encryption.layers:" try digest "$shop/good:1@$plain"
expect_equal "a tag is pinned to what was judged" "$shop/good:1@$good" "$(result pin "$shop/good:1" '.spec.containers[0].image')"

# ---- what a violation does ---------------------------------------------------------------------------------------

expect_said "mode Warn: kubectl warns" "Warning: $app: \"$shop/plain:1\": ImagePolicy $p-warn: encryption.layers:" try warn "$shop/plain:1"
expect_said "and the pod is let in" created try warn "$shop/plain:1"
expect_refused "kubectl may take warnings for errors" "warnings received" try warn "$shop/plain:1" null --warnings-as-errors
expect_ok "mode Audit: kubectl says nothing" silent try audit "$shop/plain:1"
expect_ok "the API server's audit log does" grep -q "ImagePolicy $p-audit: encryption.layers:" "$COCOON_CLUSTER_DIR/log/audit.jsonl"
expect_ok "a template is warned of" warned "Warning: spec.template.$app: $say" template main "$shop/plain:1"
expect_ok "a good template is not" silent template main "$shop/good:1"
expect_refused "templates: Enforce refuses it" "ImagePolicy $p-strict: encryption.layers:" template strict "$shop/plain:1"
expect_ok "templates: Ignore says nothing" silent template quiet "$shop/plain:1"
expect_refused "its pods are refused nevertheless" "ImagePolicy $p-quiet: encryption.layers:" try quiet "$shop/plain:1"

# one that was there before its policy was: whoever scales it down, or deletes it, is not refused for what it holds
need template strict "$shop/good:1" --save-config
policies $p-strict "$(only_case strict), $asks, templates: Enforce, digest: {require: true}"
expect_refused "a change of its template" "ImagePolicy $p-strict: digest.require:" kubectl set image deployment/web -n "$ns" app="$shop/good:2"
expect_said "none of its template" scaled kubectl scale deployment/web -n "$ns" --replicas=0
need kubectl patch deployment/web -n "$ns" --type=merge -p '{"metadata": {"finalizers": ["example.com/last"]}}'
need kubectl delete deployment/web -n "$ns" --wait=false
expect_said "nor the end of its deletion" patched kubectl patch deployment/web -n "$ns" --type=merge -p '{"metadata": {"finalizers": null}}'

# ---- registries that do not answer -------------------------------------------------------------------------------

expect_refused "a registry that is down" "$app: \"127.0.0.1:1/a:1\": ImagePolicy $p-lost:" try lost 127.0.0.1:1/a:1
expect_said "onUnknown: Warn lets it in, and warns" "Warning: $app: \"127.0.0.1:1/a:1\": ImagePolicy $p-hope:" try hope 127.0.0.1:1/a:1
health 429
expect_refused "a registry that is asked too often" "429" try lost "$faults/sick/a:1"
expect_refused "an address of the node's own that nobody vouched for" "to which nothing from outside may lead us" try guarded 127.0.0.1:1/a:1
wait "$slow"
expect_said "a registry that says nothing" "ImagePolicy $p-lost:" cat "$work/slow"
expect_ok "is not waited for twice, to write the digest and to judge" test "$(cat "$work/slow.seconds")" -lt 15

# ---- two policies, and one that is no good ------------------------------------------------------------------------

pem='"-----BEGIN PUBLIC KEY-----\nbm8ga2V5\n-----END PUBLIC KEY-----\n"'
wrong="signatures: {signers: [{name: build, cosign: {keys: [$pem]}}]}"
policies $p "$(only_case main), $asks, mode: Audit, $wrong" $p-both "$(only_case digest), encryption: {layers: Any}, $here" \
	$p-never "$(only_case never), $wrong"
expect_refused "two policies take it: the one" "ImagePolicy $p-digest: encryption.layers:" try digest "$shop/plain:1"
expect_refused "two policies take it: the other" "ImagePolicy $p-both: encryption.layers:" try digest "$shop/plain:1"
expect_refused "it satisfies but one of them" "ImagePolicy $p-digest: encryption.layers:" try digest "$shop/partly@$(digest_at partly:1)"
expect_ok "it satisfies both" silent try digest "$shop/good@$good"
expect_ok "a policy that is no good says so" ready False LastGood $p
expect_refused "and its last good form is in force" "$app: $say" try main "$shop/plain:1"
expect_said "in kubectl get, too" LastGood kubectl get imgpol $p -o wide
expect_said "with the field" "spec.signatures.signers[0].cosign.keys[0]" kubectl get imgpol $p -o wide
told() { kubectl get events.events.k8s.io -n default -o json | jq -e --arg p "$1" \
	'any(.items[]; .regarding.kind == "ImagePolicy" and .regarding.name == $p and .reason == "InvalidPolicy")'; }
eventually "an Event is on it" 20 told $p
expect_ok "one that never was good says so" ready False Invalid $p-never
expect_refused "and admits nothing that it takes, for this reason" "signatures.signers[0].cosign.keys[0]" try never "$shop/good:1"
policies $p "$(only_case main), $asks"
expect_ok "a policy that is good again" ready True InForce $p
expect_ok "lets in what it did" silent try main "$shop/good:1"

# ---- what the controller writes ----------------------------------------------------------------------------------

examples=()
for file in "$root"/crds/examples/image-*.yaml; do
	need kubectl apply --server-side -f "$file"
	examples+=("$(sed -n 's/^  name: //p' "$file" | head -n 1)")
done
made_policies+=("${examples[@]}")
eventually "the examples are in force" 10 ready True InForce "${examples[@]}"
counted() { kubectl get imgpol $p -o json | jq -e '.status.counts.admitted >= 2 and .status.counts.refused >= 2 and .status.replicas == 2'; }
eventually "images are counted in the status" 45 counted
expect_said "and printed" "$(kubectl get imgpol $p -o jsonpath='{.status.counts.admitted}')" kubectl get imgpol $p
finish
