#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# policy-check's own ways: usage, files, what it reads of manifests, lint and guest-policy. Verdicts on images are the
# affair of tests/cli/image-policy.sh. TAP. Usage: tests/cli/policy-check.sh OUT
set -uo pipefail
# shellcheck source=tests/tap.bash
. "$(dirname "$0")/../tap.bash"
# shellcheck source=tests/layout.bash
. "$root/tests/layout.bash"
PATH=$bin:$PATH
export HOME=$work
unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME HTTPS_PROXY https_proxy

# exits STATUS NAME COMMAND…
exits() {
	local wanted=$1 name=$2 status=0
	shift 2
	"$@" >stdout 2>stderr || status=$?
	[[ $status == "$wanted" ]]
	report $? "$name"
}
prints() { # prints NAME TEXT…: what was printed last has each of them
	local name=$1 text status=0
	for text in "${@:2}"; do grep -qF -e "$text" stdout || status=1; done
	report $status "$name"
}

policy() { printf 'apiVersion: cocoon.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2"; }
pod() { printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s}\nspec: {runtimeClassName: %s, containers: [{name: a, image: "%s"}]}\n' "$@"; }
digest=sha256:$(printf '0%.0s' {1..64})

# ---- usage -----------------------------------------------------------------------------------------------------

fails 2 'unknown command' 'a command that does not exist' policy-check judge
fails 2 '\-\-policy' 'no policy' policy-check manifests pod.yaml
policy digest '{digest: {require: true}}' >digest.yaml
fails 1 'none.yaml' 'a policy that is not there' policy-check manifests -p none.yaml digest.yaml
pod web shop kata-qemu-snp "a.example/b@$digest" >pod.yaml
fails 2 'holds an ImagePolicy' 'a file of policies that holds none' policy-check manifests -p pod.yaml pod.yaml
pod web shop runc "a.example/b:1" >plain.yaml
fails 2 'confidential RuntimeClass' 'manifests of which none is confidential' policy-check manifests -p digest.yaml plain.yaml
policy broken '{digest: {require: perhaps}}' >broken.yaml
fails 1 "ImagePolicy 'broken'.*spec.digest.require" 'a policy that does not compile' policy-check manifests -p broken.yaml pod.yaml
{ cat digest.yaml; echo ---; cat digest.yaml; } >twice.yaml
fails 1 'digest' 'two policies of one name' policy-check manifests -p twice.yaml pod.yaml
fails 2 'EFFECT\|one of' 'an effect that is none' policy-check manifests -p digest.yaml --unmatched Perhaps pod.yaml
fails 2 'read once' 'standard input twice' sh -c 'policy-check manifests -p digest.yaml - - <pod.yaml'
fails 2 'read once' 'as policy and as manifest' sh -c 'policy-check manifests -p - - <digest.yaml'
fails 2 'read once' 'as init-data and as policy' sh -c 'policy-check image -p - --document - a.example/b <digest.yaml'
fails 2 'read once' 'for lint' sh -c 'policy-check lint - - <digest.yaml'
fails 2 'no OCI layout' 'a layout of another kind' policy-check image -p digest.yaml --layout docker://a.example/b a.example/b

# ---- what is judged ---------------------------------------------------------------------------------------------

exits 0 'a pod that is admitted' policy-check manifests -p digest.yaml pod.yaml
prints 'it says so' 'pod.yaml: Pod shop/web: admitted' '1 pods, 0 refused, 0 with warnings'
pod web shop kata-qemu-snp "a.example/b:1" >tag.yaml
exits 1 'a pod that is refused' policy-check manifests -p digest.yaml tag.yaml
prints 'it says why' 'tag.yaml: Pod shop/web: refused' 'digest.require: the image is named by tag' 'ImagePolicy digest'
exits 1 'standard input' sh -c 'policy-check manifests -p digest.yaml - <tag.yaml'
exits 1 'a class of the user' policy-check manifests -p digest.yaml --runtime-class 'my-*' <(pod web shop my-class a.example/b:1)
cat >cron.yaml <<-'END'
	apiVersion: v1
	kind: List
	items:
	- apiVersion: batch/v1
	  kind: CronJob
	  metadata: {name: nightly, namespace: shop}
	  spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: {spec: {runtimeClassName: kata-qemu-snp, initContainers: [{name: i, image: "a.example/i:1"}], containers: [{name: a, image: "a.example/b:1"}], volumes: [{name: v, image: {reference: "a.example/v:1"}}]}}}}}
	- apiVersion: v1
	  kind: Namespace
	  metadata: {name: shop, labels: {tenant: shop}}
END
exits 1 'templates, in lists' policy-check manifests -p digest.yaml cron.yaml
prints 'each image, with its place' 'spec.jobTemplate.spec.template.spec.initContainers[0].image' 'spec.jobTemplate.spec.template.spec.containers[0].image' \
	'spec.jobTemplate.spec.template.spec.volumes[0].image.reference'
policy tenants '{match: {namespaceSelector: {matchLabels: {tenant: shop}}}, digest: {require: true}}' >tenants.yaml
exits 1 "a namespace's labels are read of the manifests" policy-check manifests -p tenants.yaml cron.yaml
prints 'and select' 'ImagePolicy tenants: digest.require'
printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tenant: shop}}\n' >namespace.yaml
exits 1 'also of another file' policy-check manifests -p tenants.yaml --unmatched Allow tag.yaml namespace.yaml
{ pod same shop kata-qemu-snp a.example/first:1 && echo --- && pod same shop kata-qemu-snp a.example/second:1; } >same.yaml
exits 1 'two objects of one name' policy-check manifests -p digest.yaml same.yaml
same 'have their own images' 2 "$(grep -c '^  refused ' stdout)"
{ pod bad shop kata-qemu-snp "a.example/b@$digest" | sed 's/namespace/annotations: {io.katacontainers.config.hypervisor.cc_init_data: x}, namespace/' && echo --- && cat pod.yaml; } >bad.yaml
exits 1 'init-data that nobody can read' policy-check manifests -p digest.yaml bad.yaml
prints 'is a reason of its own' 'reason: annotation io.katacontainers.config.hypervisor.cc_init_data' '2 pods, 1 refused'
exits 1 'an image that no policy takes' policy-check manifests -p tenants.yaml --namespace other <(pod web other kata-qemu-snp a.example/b:1)
prints 'is refused' 'no ImagePolicy takes'
exits 0 'unless it may' policy-check manifests -p tenants.yaml --unmatched Allow <(pod web other kata-qemu-snp a.example/b:1)
exits 0 'or is only warned of' policy-check manifests -p tenants.yaml --unmatched Warn <(pod web other kata-qemu-snp a.example/b:1)
prints 'with words' '1 with warnings' 'warning: '
exits 1 'which --strict counts' policy-check manifests -p tenants.yaml --unmatched Warn --strict <(pod web other kata-qemu-snp a.example/b:1)
exits 1 'JSON' policy-check manifests -p digest.yaml -o json tag.yaml
same 'is one document, with the same in it' 'refused Pod shop/web false' \
	"$(jq -r '"\(.images[0].verdict) \(.pods[0].object) \(.pods[0].allowed)"' stdout)"

# ---- an image in a layout ----------------------------------------------------------------------------------------

image plain amd64 1000 >part2
jq '.manifests[0].annotations["org.opencontainers.image.ref.name"] = "a.example/shop/app:1"' plain/index.json >index.json && cp index.json plain/
policy encrypted '{encryption: {}}' >encrypted.yaml
exits 1 'an image in a layout is judged without a registry' policy-check image -p encrypted.yaml --layout oci:plain a.example/shop/app:1
prints 'by its layers' 'encryption.layers: none of the 1 layers is encrypted'
image-crypt keygen --type kek app.kek >stdout 2>stderr
image-crypt encrypt --quiet --kbs-key kbs:///default/key/app=app.kek oci:plain:a.example/shop/app:1 oci:sealed:a.example/shop/app:1 >stdout 2>stderr
exits 0 'and admitted when it is encrypted' policy-check image -p encrypted.yaml --layout oci:sealed a.example/shop/app:1
exits 1 'a registry that is not there' policy-check image -p encrypted.yaml 127.0.0.1:1/shop/app:1
prints 'is a verdict of its own' 'unknown   spec.containers[0].image  127.0.0.1:1/shop/app:1'

# ---- the guest's policy ------------------------------------------------------------------------------------------

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out build.pem 2>stderr && openssl pkey -in build.pem -pubout -out build.pub
jq -n --rawfile key build.pub '{apiVersion: "cocoon.dev/v1alpha1", kind: "ImagePolicy", metadata: {name: "signed"}, spec: {
	match: {images: ["a.example/shop/**"]}, encryption: {}, signatures: {signers: [{name: "build", cosign: {keys: [$key]}}]}}}' >signed.yaml
exits 0 'the guest is made to demand what a policy demands' policy-check guest-policy signed.yaml
cp stdout policy.json && cp stderr notes
same 'of the images that it takes' sigstoreSigned "$(jq -r '.transports.docker["a.example/shop"][0].type' policy.json)"
same 'with its key' "$(cat build.pub)" "$(jq -r '.transports.docker["a.example/shop"][0].keyData' policy.json)"
grep -q "note: " notes
report $? 'what the guest cannot demand is said'
exits 1 'and fails with --strict' policy-check guest-policy --strict signed.yaml
exits 0 'the guest can read it' policy-check lint policy.json
echo '{"default": [{"type": "reject"}]}' >short.json
exits 1 'a policy.json without transports makes a guest refuse everything' policy-check lint short.json
prints 'and the finding says so' 'error: ' 'transports'
exits 1 'what is neither' policy-check lint pod.yaml
prints 'is an error' 'holds no ImagePolicy'
exits 1 'lint of an ImagePolicy' policy-check lint broken.yaml
prints 'gives its field' 'spec.digest.require'
{ cat digest.yaml; echo ---; cat tenants.yaml; } >both.yaml
fails 2 'choose one by --name' 'several policies' policy-check guest-policy both.yaml
fails 1 "no ImagePolicy 'other'" 'a name that is not there' policy-check guest-policy --name other both.yaml

# ---- what it is made of ------------------------------------------------------------------------------------------

same 'no server is linked' '' "$(ldd "$bin/policy-check" | grep -o 'libwebsockets\|libgpgme\|libtss2[a-z-]*' | sort -u | xargs)"
echo "1..$number"
