# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script; $work and $root are lib.sh's
# What the journeys about ImagePolicies share, after e2e/lib.sh and e2e/images.sh: encrypted and signed images in the
# registry, policies that are waited for, and pods that name images. $ns is where these are to be.

made_policies=()
policies_go() {
	[ ${#made_policies[@]} -eq 0 ] || kubectl delete imagepolicy --wait=false --ignore-not-found "${made_policies[@]}"
}

# ---- images ----------------------------------------------------------------------------------------------------

encrypt() { # encrypt FROM TO KEY [OPTION…]: into the registry
	image-crypt encrypt --quiet --kbs-key "kbs:///default/$3=$work/kek" "${@:4}" "oci:$work/$1:t" "docker://$registry/shop/$2"
}
copy() { # copy FROM TO: as it is
	skopeo copy --quiet --all --dest-tls-verify=false "oci:$work/$1:t" "docker://$registry/shop/$2"
}
digest_at() { # digest_at NAME:TAG
	skopeo inspect --raw --tls-verify=false "docker://$registry/shop/$1" | sha256sum | sed 's/ .*//; s/^/sha256:/'
}
layouts() { # of one image, $work/app, of two layers; and a key to encrypt it with
	local name
	for name in one two; do
		tree_tar "$work/$name.tar" "$name=1" && gzip -nc "$work/$name.tar" >"$work/$name.tgz" || return 1
	done
	image "$work/app" "$work/one.tgz=$GZIP" "$work/two.tgz=$GZIP" && image-crypt keygen --type kek "$work/kek"
}
sign() { # sign VERSION NAME:TAG: by cosign of that version
	local more=(--tlog-upload=false)
	[ "$1" = 2 ] || more+=(--use-signing-config=false)
	HOME=$work COSIGN_PASSWORD='' "$peers/cosign$1" sign --key "$work/build.key" --yes --allow-http-registry "${more[@]}" \
		"$registry/shop/${2%:*}@$(digest_at "$2")"
}
signing_key() { # $work/build.key and build.pub; cosign is built
	peers=$("$root/e2e/sign-peer/build.sh") &&
		(cd "$work" && COSIGN_PASSWORD='' "$peers/cosign2" generate-key-pair --output-key-prefix build)
}

# ---- a registry that is up to no good ----------------------------------------------------------------------------

faulty() { # in front of the other: its address is $faults; $bait is a port to which nobody may be led
	health as
	python3 "$root/e2e/registry-faults.py" "$registry" "$work" >"$work/faults.port" 2>"$work/faults.log" &
	made_processes+=("$!")
	await 20 test -s "$work/faults.port" || return
	read -r faults bait <"$work/faults.port" || return
	faults=127.0.0.1:$faults
}
health() { # health STATE: of its images below sick/, from now on
	echo "$1" >"$work/health.new" && mv "$work/health.new" "$work/health"
}

# ---- policies --------------------------------------------------------------------------------------------------

# policies NAME SPEC…: made together and waited for, whether or not they are any good
policies() {
	local name spec text='' names=()
	while [ $# -gt 0 ]; do
		name=$1 spec=$2
		shift 2
		names+=("$name")
		[[ " ${made_policies[*]} " == *" $name "* ]] || made_policies+=("$name")
		text+=$(printf -- '---\n{apiVersion: cocoon.dev/v1alpha1, kind: ImagePolicy, metadata: {name: %s}, spec: {%s}}' "$name" "$spec")$'\n'
	done
	printf '%s' "$text" >"$work/policies.yaml"
	need kubectl apply --server-side --force-conflicts -f "$work/policies.yaml"
	need await 20 seen "${names[@]}"
}
seen() { # seen POLICY…: the controller and every replica decide by them as they are now
	kubectl get imgpol "$@" -o json | jq -e '.items // [.] | all(.metadata.generation as $now | .status.observedGeneration == $now and
		any(.status.conditions[]?; .type == "ReplicasAgree" and .status == "True" and .observedGeneration == $now))'
}
ready() { # ready STATUS REASON POLICY…: what their conditions say
	kubectl get imgpol "${@:3}" -o json | jq -e --arg status "$1" --arg reason "$2" '.items // [.] |
		all(any(.status.conditions[]?; .type == "Ready" and .status == $status and .reason == $reason))'
}

# ---- pods ------------------------------------------------------------------------------------------------------

labelled() { # labelled CASE SPEC: a confidential pod with this label
	pod "$ns" "try-$1" kata-qemu-snp null "$2" | jq -c --arg case "$1" '.metadata.labels.case = $case'
}
try() { # try CASE IMAGE [SPEC [OPTION…]]: such a pod with the image; nothing is stored
	local spec
	spec=$(jq -cn --arg image "$2" --argjson more "${3:-null}" '{containers: [{name: "app", $image}]} + ($more // {})')
	create "$(labelled "$1" "$spec")" --dry-run=server "${@:4}"
}
silent() { # silent COMMAND…: it works, and policies say nothing
	"$@" >"$work/silent" 2>&1 && ! grep -q ImagePolicy "$work/silent" && return
	cat "$work/silent"
	return 1
}
warned() { # warned PART COMMAND…: it works, and this is said
	"${@:2}" 2>&1 | grep -F "$1"
}
