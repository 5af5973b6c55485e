#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The truth table of ImagePolicies: images of every kind, signed by cosign 2 and 3 and by GnuPG with skopeo, in Debian's
# docker-registry, each against each policy. Every cell is asserted: the verdict and the reason. TAP.
# 17 policies × 31 images.
# Usage: tests/cli/image-policy.sh OUT
set -uo pipefail
# shellcheck source=tests/tap.bash
. "$(dirname "$0")/../tap.bash"
# shellcheck source=tests/layout.bash
. "$root/tests/layout.bash"
peers=$("$root/e2e/sign-peer/build.sh" 2>"$work/build") || {
	cp "$work/build" stdout
	report 1 "cosign builds"
	exit 1
}
export HOME=$work XDG_RUNTIME_DIR=$work GNUPGHOME=$work/gnupg COSIGN_PASSWORD='' PATH=$bin:$PATH
unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME HTTPS_PROXY https_proxy
registry_pid='' listing_pid=''
trap 'kill $registry_pid $listing_pid; gpgconf --kill all; wait; rm -rf "$work"' EXIT

die() {
	echo "not ok $((number + 1)) - the stage is set: $*"
	tail -n 20 "$work/stage" | sed 's/^/# /'
	exit 1
}
stage() { "$@" >"$work/stage" 2>&1 </dev/null || die "$*"; }

# ---- a registry, images and keys ---------------------------------------------------------------------------------

start_registry() {
	cat >registry.yaml <<-END
		version: 0.1
		log: {level: info}
		storage: {filesystem: {rootdirectory: $work/registry}, delete: {enabled: true}}
		http: {addr: "127.0.0.1:0", secret: for-the-test}
	END
	docker-registry serve registry.yaml >registry.log 2>&1 </dev/null &
	registry_pid=$!
	for ((i = 0; i < 300; i++)); do
		port=$(sed -n 's/.*msg="listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' registry.log)
		[[ -z $port ]] || return 0
		sleep 0.1
	done
	return 1
}

at() { echo "docker://127.0.0.1:$port/t/$1"; } # at NAME[:TAG]
copy() { stage skopeo --insecure-policy copy --quiet --all --src-tls-verify=false --dest-tls-verify=false "$1" "$2"; }
raw() { curl -sSf -H 'Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' "http://127.0.0.1:$port/v2/t/$1/manifests/$2"; }
digest_of() { raw "$1" 1 | sha256sum | sed 's/^/sha256:/; s/ .*//'; } # digest_of NAME
platform_of() { raw "$1" 1 | jq -r --arg arch "$2" '.manifests[] | select(.platform.architecture == $arch).digest'; }
put() { # put NAME TAG FILE: a manifest
	stage curl -sSf -X PUT -H "Content-Type: $(jq -r .mediaType "$3")" --data-binary "@$3" "http://127.0.0.1:$port/v2/t/$1/manifests/$2"
}
put_blob() { # put_blob NAME FILE: prints its digest
	local digest location
	digest=sha256:$(sha256sum "$2" | cut -d' ' -f1)
	location=$(curl -sSf -D - -o upload -X POST "http://127.0.0.1:$port/v2/t/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //p')
	curl -sSf -X PUT --data-binary "@$2" "$location&digest=$digest" >upload
	echo "$digest"
}

kbs=(--kbs-key "kbs:///default/image-key/app=app.kek")
encrypt() { stage image-crypt encrypt --quiet "${@:3}" "$(at "$1")" "$(at "$2")"; } # encrypt FROM TO OPTION…
# sign VERSION KEY NAME DIGEST OPTION…
sign() {
	local more=(--tlog-upload=false)
	[[ $1 == 2 ]] || more+=(--use-signing-config=false)
	stage "$peers/cosign$1" sign --key "$2.key" --yes --allow-http-registry "${more[@]}" "${@:5}" "127.0.0.1:$port/t/$3@$4"
}
sig_tag() { echo "${1/:/-}.sig"; }

make_keys() {
	local name
	for name in build release mallory; do stage "$peers/cosign2" generate-key-pair --output-key-prefix "$name"; done
	stage openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem
	stage openssl genpkey -algorithm ED25519 -out ed25519.pem
	for name in rsa ed25519; do
		stage "$peers/cosign2" import-key-pair --key "$name.pem" --output-key-prefix "$name"
	done
	stage image-crypt keygen --type kek app.kek
	stage image-crypt keygen --type rsa team.key
	mkdir -m 700 gnupg
	for name in good stranger; do stage gpg --batch --passphrase '' --quick-generate-key "$name@example" rsa2048 sign never; done
	stage gpg --batch --passphrase '' --faked-system-time 20200101T000000 --quick-generate-key old@example rsa2048 sign 2020-02-01
	gpg --armor --export good@example old@example >ring.asc
	mkdir lookaside
}

fingerprint() { gpg --with-colons --list-keys "$1@example" | sed -n 's/^fpr:::::::::\(.*\):$/\1/p' | head -n 1; }
simple() { # simple KEY NAME: a signature in the lookaside store, by skopeo
	local digest place
	digest=$(digest_of "$2")
	place=lookaside/t/$2@sha256=${digest#sha256:}
	raw "$2" 1 >manifest
	mkdir -p "$place"
	stage skopeo standalone-sign manifest "127.0.0.1:$port/t/$2:1" "$(fingerprint "$1")" --output "$place/signature-1"
}

# Copies the signature of NAME to another image, with another digest in its tag; its manifest goes through FILTER of jq.
graft() { # graft FROM TO FILTER
	raw "$1" "$(sig_tag "$(digest_of "$1")")" | jq -c "${3:-.}" >grafted
	for blob in $(jq -r '.config.digest, .layers[].digest' grafted); do
		[[ $1 == "$2" ]] && continue
		stage curl -sSf -X POST "http://127.0.0.1:$port/v2/t/$2/blobs/uploads/?mount=$blob&from=t/$1"
	done
	put "$2" "$(sig_tag "$(digest_of "$2")")" grafted
}

make_signed() {
	local name
	for name in tag bundle both otherkey annotated tampered many; do encrypt plain:1 "$name:1" "${kbs[@]}"; done
	sign 2 build tag "$(digest_of tag)"
	sign 3 build bundle "$(digest_of bundle)"
	sign 2 build both "$(digest_of both)"
	sign 3 release both "$(digest_of both)"
	sign 2 mallory otherkey "$(digest_of otherkey)"
	sign 2 build annotated "$(digest_of annotated)" -a stage=prod
	sign 2 mallory many "$(digest_of many)"
	sign 2 build many "$(digest_of many)"
	for name in rsa ed25519; do
		encrypt plain:1 "$name:1" "${kbs[@]}"
		sign 2 "$name" "$name" "$(digest_of "$name")"
	done
	# the payload of another image's signature, under this one's tag
	encrypt plain:1 wrongdigest:1 "${kbs[@]}"
	graft tag wrongdigest
	# the right payload with a signature over another one
	sign 2 build tampered "$(digest_of tampered)"
	graft tampered tampered ".layers[0].annotations[\"dev.cosignproject.cosign/signature\"] = \"$(raw tag "$(sig_tag "$(digest_of tag)")" | jq -r '.layers[0].annotations["dev.cosignproject.cosign/signature"]')\""
	# an image and its signature, copied to another repository
	copy "$(at tag:1)" "$(at replayed:1)"
	graft tag replayed
	# a signature made before the encryption
	copy "$(at plain:1)" "$(at early:plain)"
	sign 2 build early "$(raw early plain | sha256sum | sed 's/^/sha256:/; s/ .*//')"
	encrypt early:plain early:1 "${kbs[@]}"
	# by GnuPG
	for name in gpg gpg-stranger; do encrypt plain:1 "$name:1" "${kbs[@]}"; done
	simple good gpg
	simple stranger gpg-stranger
	encrypt plain:1 gpg-expired:1 "${kbs[@]}"
	raw gpg-expired 1 >manifest
	place=lookaside/t/gpg-expired@sha256=$(digest_of gpg-expired | cut -d: -f2)
	mkdir -p "$place"
	printf '{"critical":{"identity":{"docker-reference":"127.0.0.1:%s/t/gpg-expired:1"},"image":{"docker-manifest-digest":"%s"},"type":"atomic container signature"},"optional":{}}' \
		"$port" "$(digest_of gpg-expired)" >payload
	stage gpg --batch --faked-system-time 20200110T000000 -u old@example --output "$place/signature-1" --sign payload
}

make_encrypted() {
	encrypt plain:1 encrypted:1 "${kbs[@]}"
	encrypt plain:1 top:1 "${kbs[@]}" --layer -1
	encrypt plain:1 base:1 "${kbs[@]}" --layer 0
	encrypt plain:1 jwe:1 --recipient jwe:team.key.pub
	encrypt plain:1 mixed:1 "${kbs[@]}" --recipient jwe:team.key.pub
	encrypt plain:1 otherkek:1 --kbs-key "kbs:///default/other/app=app.kek"
	# a key packet that is none
	raw encrypted 1 | jq -c '.layers[].annotations["org.opencontainers.image.enc.keys.provider.attestation-agent"] = "e30="' >manifest
	copy "$(at encrypted:1)" "$(at broken:1)"
	put broken 1 manifest
	# encrypted, in docker's words, which no guest reads
	raw encrypted 1 | jq -c '.layers[].mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted"' >manifest
	copy "$(at encrypted:1)" "$(at docker:1)"
	put docker 1 manifest
	# a plain layer that says it has keys
	raw plain 1 | jq -c '.layers[].annotations["org.opencontainers.image.enc.keys.provider.attestation-agent"] = "e30="' >manifest
	copy "$(at plain:1)" "$(at posing:1)"
	put posing 1 manifest
	for name in top base jwe mixed otherkek; do sign 2 build "$name" "$(digest_of "$name")"; done
}

make_indexes() {
	encrypt two:1 index:1 "${kbs[@]}"
	encrypt two:1 oneplain:1 "${kbs[@]}" --platform linux/amd64
	for name in platforms oneplatform; do encrypt two:1 "$name:1" "${kbs[@]}"; done
	sign 2 build index "$(digest_of index)"
	sign 2 build oneplain "$(digest_of oneplain)"
	sign 2 build platforms "$(platform_of platforms amd64)"
	sign 2 build platforms "$(platform_of platforms arm64)"
	sign 2 build oneplatform "$(platform_of oneplatform amd64)"
}

make_images() {
	local amd64 arm64
	image plain amd64 2000 3000 >part2
	amd64=$(image two amd64 2000)
	arm64=$(image two arm64 2500 2600)
	index_of two "$amd64,$arm64"
	copy oci:plain:t "$(at plain:1)"
	copy oci:two:t "$(at two:1)"
	copy "$(at plain:1)" "$(at plain-signed:1)"
	sign 2 build plain-signed "$(digest_of plain-signed)"
	make_encrypted
	make_signed
	make_indexes
	# a tag whose image has gone
	encrypt plain:1 gone:1 "${kbs[@]}"
	stage curl -sSf -X DELETE "http://127.0.0.1:$port/v2/t/gone/manifests/$(digest_of gone)"
}

# ---- policies ----------------------------------------------------------------------------------------------------

pem() { sed 's/^/            /' "$1.pub"; }
cosign() { # cosign NAME [LINE…]: a signer
	printf '    - name: %s\n      cosign:\n        keys:\n        - |\n%s\n' "$1" "$(pem "$1")"
	[[ $# -lt 2 ]] || printf '        %s\n' "${@:2}"
}
policy() { # policy NAME: the rest of its spec on standard input
	printf 'apiVersion: cocoon.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: %s}\nspec:\n  registries: [{host: "127.0.0.1:%s", plainHTTP: true}]\n' \
		"$1" "$port" >"$1.yaml"
	cat >>"$1.yaml"
}
signed() { printf '  signatures:\n'; [[ $1 == all ]] || printf '    atLeast: %s\n' "$1"; printf '    signers:\n'; }

make_policies() {
	policy all <<<'  encryption: {layers: All}'
	policy any <<<'  encryption: {layers: Any}'
	policy top <<<'  encryption: {layers: Named, indexes: [-1]}'
	policy keys <<<'  encryption: {keys: ["kbs:///default/image-key/*"]}'
	policy jwe <<<'  encryption: {schemes: [jwe], guest: None}'
	policy amd64 <<<'  encryption: {platforms: [linux/amd64]}'
	policy require <<<'  digest: {require: true}'
	{ signed all && cosign build; } | policy build
	{ signed all && cosign build 'layouts: [Tag]'; } | policy tag
	{ signed all && cosign build 'layouts: [Bundle]'; } | policy bundle
	{ signed all && cosign build 'identity: Any'; } | policy anywhere
	{ signed all && cosign build 'annotations: {stage: prod}'; } | policy annotated
	{ signed all && cosign build && cosign release; } | policy both
	{ signed 1 && cosign release && cosign rsa && cosign ed25519 && cosign build; } | policy one
	{ signed all && printf '    - name: dist\n      gpg:\n        lookaside: file://%s/lookaside\n        keys: |\n%s\n' "$work" "$(sed 's/^/          /' ring.asc)"; } | policy gpg
	{ printf '  encryption: {}\n' && signed all && cosign build; } | policy shop
	policy parity <<-END
		  guest:
		    parity: Deny
		    policy: '$(jq -cn --rawfile key build.pub '{default: [{type: "reject"}], transports: {docker: {"": [{type: "sigstoreSigned", keyData: $key}]}}}')'
	END
}

# ---- the table ---------------------------------------------------------------------------------------------------

images=(plain plain-signed encrypted top base jwe mixed otherkek broken docker posing tag bundle both otherkey annotated
	many rsa ed25519 wrongdigest tampered replayed early gpg gpg-stranger gpg-expired index oneplain platforms oneplatform
	gone)

# What a letter of the table stands for: the verdict, and what has to be said.
declare -A words=(
	[A]='^admitted allowed $'
	[L]='^refused refused .*encryption\.layers: .* encrypted; encrypt the image'
	[S]='^refused refused .*encryption\.schemes: .* is wrapped in no allowed way'
	[G]='^refused refused .*encryption\.guest: .* cannot be read by the guest'
	[K]='^refused refused .*encryption\.keys: .*its key is kbs:///default/other/app'
	[D]='^refused refused .*digest\.require: the image is named by tag .*; write 127'
	[N]='^refused refused .*signatures\.signers\[[a-z]*\]: no signature was found for sha256:'
	[F]='^refused refused .*signatures\.signers\[[a-z]*\]: [12] signatures? (was|were) found, none of (which|them) is by its keys; sign '
	[O]='^refused refused .*a signature of its covers sha256:[0-9a-f]+…, not sha256:'
	[R]='^refused refused .*it was made for another repository'
	[E]='^refused refused .*signed before encryption: the signature covers sha256:[0-9a-f]+…, the plain image'
	[T]='^refused refused .*has nothing as the annotation stage'
	[P]='^refused refused .*linux/arm64 .* is not signed, nor is the index'
	[C]='^refused refused .*signatures\.atLeast: 0 of 4 signers have signed'
	[U]='^refused refused .*signed by the key id'
	[X]='^refused refused .*has expired; sign '
	[Y]='^refused refused .*guest\.parity: the guest would refuse the image: Image policy rejected: '
	[Q]='^unknown refused .*HTTP 404: MANIFEST_UNKNOWN'
)

# POLICY LETTER IMAGE…; "others" are those that no line of the policy names.
table() {
	cat <<-'END'
		all A others
		all L plain plain-signed top base posing oneplain
		all S jwe mixed
		all G broken docker
		all Q gone
		any A others
		any L plain plain-signed posing oneplain
		any S jwe mixed
		any G broken docker
		any Q gone
		top A others
		top L plain plain-signed base posing oneplain
		top S jwe mixed
		top G broken docker
		top Q gone
		keys A others
		keys L plain plain-signed top base posing oneplain
		keys S jwe mixed
		keys K otherkek
		keys G broken docker
		keys Q gone
		jwe S others
		jwe L plain plain-signed posing
		jwe A jwe
		jwe Q gone
		amd64 A others
		amd64 L plain plain-signed top base posing
		amd64 S jwe mixed
		amd64 G broken docker
		amd64 Q gone
		require D others
		build A others
		build N plain encrypted broken docker posing gpg gpg-stranger gpg-expired
		build F otherkey rsa ed25519 tampered
		build O wrongdigest
		build R replayed
		build E early
		build P oneplatform
		build Q gone
		tag A others
		tag N plain encrypted broken docker posing bundle gpg gpg-stranger gpg-expired
		tag F otherkey rsa ed25519 tampered
		tag O wrongdigest
		tag R replayed
		tag E early
		tag P oneplatform
		tag Q gone
		bundle N others
		bundle A bundle
		bundle F both
		bundle Q gone
		anywhere A others
		anywhere N plain encrypted broken docker posing gpg gpg-stranger gpg-expired
		anywhere F otherkey rsa ed25519 tampered
		anywhere O wrongdigest
		anywhere E early
		anywhere P oneplatform
		anywhere Q gone
		annotated T others
		annotated A annotated
		annotated N plain encrypted broken docker posing gpg gpg-stranger gpg-expired
		annotated F otherkey rsa ed25519 tampered
		annotated O wrongdigest
		annotated R replayed
		annotated E early
		annotated Q gone
		both F others
		both A both
		both N plain encrypted broken docker posing gpg gpg-stranger gpg-expired
		both O wrongdigest
		both R replayed
		both E early
		both P oneplatform
		both Q gone
		one A others
		one C plain encrypted broken docker posing otherkey ed25519 tampered gpg gpg-stranger gpg-expired
		one O wrongdigest
		one R replayed
		one E early
		one P oneplatform
		one Q gone
		gpg N others
		gpg A gpg
		gpg U gpg-stranger
		gpg X gpg-expired
		gpg Q gone
		shop A others
		shop L plain plain-signed top base posing oneplain
		shop S jwe mixed
		shop G broken docker
		shop N encrypted gpg gpg-stranger gpg-expired
		shop F otherkey rsa ed25519 tampered
		shop O wrongdigest
		shop R replayed
		shop E early
		shop P oneplatform
		shop Q gone
		parity A others
		parity Y plain encrypted broken docker posing bundle otherkey rsa ed25519 wrongdigest tampered early gpg gpg-stranger gpg-expired platforms oneplatform
		parity Q gone
	END
}

# judge POLICY: into POLICY.json; 1 is what a refusal ends with, and nothing is said but the report
judge() {
	local image names=() status=0
	for image in "${images[@]}"; do names+=("127.0.0.1:$port/t/$image:1"); done
	policy-check image --policy "$1.yaml" --output json "${names[@]}" >"$1.json" 2>stderr || status=$?
	[[ $status == 1 && ! -s stderr ]]
}

# cells POLICY: IMAGE, a tab, the verdict on it, whether the pod may come in, and all that was said
cells() {
	jq -r '[.images, .pods] | transpose[] | .[0] as $line | .[1] as $pod
		| ($line.image | sub(".*/t/"; "") | sub(":1$"; "")) + "\t" + $line.verdict
		+ (if $pod.allowed then " allowed " else " refused " end) + ([$pod.reasons[], $pod.warnings[]] | join(" | "))' "$1.json"
}

check_policy() { # check_policy POLICY
	local image letter others='' said
	local -A wanted=() seen=()
	while read -r _ letter listed; do
		if [[ $listed == others ]]; then
			others=$letter
			continue
		fi
		for image in $listed; do wanted[$image]=$letter; done
	done < <(table | grep "^$1 ")
	while IFS=$'\t' read -r image said; do seen[$image]=$said; done < <(cells "$1")
	for image in "${images[@]}"; do
		letter=${wanted[$image]:-$others}
		printf 'expected: %s\nseen: %s\n' "${words[$letter]}" "${seen[$image]:-}" >stdout
		: >stderr
		[[ ${seen[$image]:-} =~ ${words[$letter]} ]]
		report $? "policy $1, image $image: $letter"
	done
}

stage start_registry
make_keys
make_images
make_policies
for name in all any top keys jwe amd64 require build tag bundle anywhere annotated both one gpg shop parity; do
	ok "policy-check judges by the policy $name, and says nothing else" judge "$name"
	check_policy "$name"
done
# ---- a registry that lists referrers itself ------------------------------------------------------------------------

start_listing_registry() {
	"$peers/referrers-registry" >listing 2>&1 </dev/null &
	listing_pid=$!
	for ((i = 0; i < 300; i++)); do
		port=$(sed -n 's/^127\.0\.0\.1://p' listing)
		[[ -z $port ]] || return 0
		sleep 0.1
	done
	return 1
}
said_of() { cells listed | sed -n "s/^$1\t//p"; } # said_of IMAGE

stage start_listing_registry
for name in signed foreign unsigned; do copy oci:plain:t "$(at "$name:1")"; done
for name in signed foreign unsigned; do
	# each an image of its own: else they would share the signature
	raw "$name" 1 | jq -c --arg name "$name" '.annotations.name = $name' >manifest
	put "$name" 1 manifest
done
sign 3 build signed "$(digest_of signed)"
sign 3 mallory foreign "$(digest_of foreign)"
same 'cosign 3 makes no tag where the registry lists referrers' '["1"]' \
	"$(curl -sSf "http://127.0.0.1:$port/v2/t/signed/tags/list" | jq -c .tags)"
same 'and the registry says another artifactType than that of bundles' true \
	"$(curl -sSf "http://127.0.0.1:$port/v2/t/signed/referrers/$(digest_of signed)" | jq -c '.manifests | length == 1 and (.[0].artifactType | contains("sigstore") | not)')"
{ signed all && cosign build 'layouts: [Bundle]'; } | policy listed
images=(signed foreign unsigned)
ok 'policy-check asks a registry that lists referrers' judge listed
for name in 'signed A' 'foreign F' 'unsigned N'; do
	[[ $(said_of "${name% *}") =~ ${words[${name#* }]} ]]
	status=$?
	said_of "${name% *}" >stdout
	report $status "a bundle found by the referrers API, image ${name% *}: ${name#* }"
done
echo "1..$number"
