#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the API server itself says about right and wrong ConfidentialProfiles, ImagePolicies and AgentPolicies: the schema and its rules,
# the words that users read, defaults, columns, explain. Needs KUBECONFIG (an administrator's) and kubectl on PATH; prints TAP.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

count=0 failures=0
kind=ConfidentialProfile
name=journey-crd-$$
rc='runtimeClasses: [kata-qemu-snp]'
sha=$(printf '%064d' 7)
long() { printf "%0$1d" 0; }

report() { # report STATUS NAME [WHAT WAS SEEN]
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | sed 's/^/#   /'
	fi
}

try() { # try SPEC: what the server says to a profile, in $said; nothing is stored
	said=$(printf '{apiVersion: cocoon.dev/v1alpha1, kind: %s, metadata: {name: %s}, spec: {%s}}' $kind \
		"$name" "$1" | kubectl create --dry-run=server -o json -f - 2>&1)
}

takes() { # takes NAME SPEC
	try "$2"
	report $? "takes $1" "$said"
}

# The whole answer is compared but for the value that it quotes, which differs from release to release.
refuses() { # refuses NAME SPEC FIELD MESSAGE
	local end
	if try "$2"; then
		report 1 "refuses $1" "it was accepted"
		return
	fi
	# After an error of the schema the server adds that it did not go on to the rules.
	said=${said/$'\n* <nil>: Invalid value: null: some validation rules were not checked'*/}
	said=${said/$'invalid: \n* '/invalid: }
	end=${said#"The $kind \"$name\" is invalid: $3: "}
	[ "$end" != "$said" ] && [ "${end%"$4"}" != "$end" ] && [ "${said#*$'\n'}" = "$said" ]
	report $? "refuses $1: ${4:0:60}" "$said"
}

cleanup() {
	kubectl delete confidentialprofile,imagepolicy,agentpolicy "$name" --ignore-not-found --wait=false >/dev/null 2>&1
}
trap cleanup EXIT

established() { # kubectl wait takes a definition without any condition yet for an error, so it is asked again
	local _
	for _ in $(seq 50); do
		said=$(kubectl wait --for=condition=Established crd/{confidentialprofiles,imagepolicies,agentpolicies}.cocoon.dev --timeout=30s 2>&1) && return
		[[ $said == *"accessor error"* ]] || break
		sleep 0.2
	done
	echo "$said" >&2
	return 1
}

kubectl apply --server-side --force-conflicts -k crds >/dev/null && established
report $? "the resource definitions are established"
for _ in $(seq 50); do # their handlers follow a moment later
	kubectl get cprof,imgpol,agentpol >/dev/null 2>&1 && break
	sleep 0.2
done

matching_cases() {
	local glob='a glob over RuntimeClass names holds lower-case letters, digits, - and . as well as * and ?, for example kata-qemu-*'
	takes "the least profile" "$rc"
	takes "every matching field" "runtimeClasses: ['kata-*', 'k?ta'], namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: In, values: [a]}]}, priority: -1000000, mode: Audit, onConflict: Keep, runtimeHandlerAnnotation: Omit"
	refuses "no runtimeClasses" "priority: 1" spec.runtimeClasses "Required value"
	refuses "an empty list of classes" "runtimeClasses: []" spec.runtimeClasses "spec.runtimeClasses in body should have at least 1 items"
	refuses "33 classes" "runtimeClasses: [$(seq -s, -f 'c%.0f' 33)]" spec.runtimeClasses "must have at most 32 items"
	refuses "a class twice" "runtimeClasses: [a, a]" 'spec.runtimeClasses[1]' 'Duplicate value: "a"'
	refuses "an upper-case class" "runtimeClasses: [Kata]" 'spec.runtimeClasses[0]' "$glob"
	refuses "a priority above the range" "$rc, priority: 1000001" spec.priority "spec.priority in body should be less than or equal to 1000000"
	refuses "a priority below the range" "$rc, priority: -1000001" spec.priority "spec.priority in body should be greater than or equal to -1000000"
	refuses "an unknown mode" "$rc, mode: enforce" spec.mode 'supported values: "Enforce", "Warn", "Audit"'
	refuses "an unknown onConflict" "$rc, onConflict: Merge" spec.onConflict 'supported values: "Reject", "Keep"'
	refuses "In without values" "$rc, podSelector: {matchExpressions: [{key: a, operator: In}]}" 'spec.podSelector.matchExpressions[0]' "operators In and NotIn need values, Exists and DoesNotExist take none"
	refuses "Exists with values" "$rc, namespaceSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}" 'spec.namespaceSelector.matchExpressions[0]' "operators In and NotIn need values, Exists and DoesNotExist take none"
	refuses "a label that cannot be" "$rc, podSelector: {matchLabels: {'a b': c}}" spec.podSelector.matchLabels "a label's name is [prefix/]name, for example tenant or example.com/tenant"
}

parameter_cases() {
	local kernel='a kernel parameter is key or key=value in printable ASCII without white space: the guest splits its command line at white space and knows no quotes'
	local below='only annotations below io.katacontainers.config. can be written'
	takes "kernel parameters" "$rc, kernelParams: ['agent.log=debug', quiet], allowedKernelParams: ['agent.*']"
	refuses "a kernel parameter with a space" "$rc, kernelParams: ['a=b c']" 'spec.kernelParams[0]' "$kernel"
	refuses "a kernel parameter with a newline" "$rc, kernelParams: [\"a=b\\nc\"]" 'spec.kernelParams[0]' "$kernel"
	refuses "a kernel parameter without key" "$rc, kernelParams: ['=b']" 'spec.kernelParams[0]' "$kernel"
	refuses "65 kernel parameters" "$rc, kernelParams: [$(seq -s, -f 'k%.0f' 65)]" spec.kernelParams "must have at most 64 items"
	refuses "a kernel parameter that is too long" "$rc, kernelParams: ['$(long 1025)']" 'spec.kernelParams[0]' "may not be more than 1024 bytes"
	refuses "a key glob with =" "$rc, allowedKernelParams: ['a=b']" 'spec.allowedKernelParams[0]' "this is a glob over keys: printable ASCII without white space and without ="
	takes "annotations" "$rc, annotations: {io.katacontainers.config.hypervisor.default_vcpus: '2'}, allowedAnnotations: []"
	refuses "a foreign annotation" "$rc, annotations: {example.com/a: b}" spec.annotations "$below"
	refuses "init-data among the annotations" "$rc, annotations: {io.katacontainers.config.hypervisor.cc_init_data: b}" spec.annotations "init-data is written from spec.initData, not from spec.annotations"
	refuses "kernel_params among the annotations" "$rc, annotations: {io.katacontainers.config.hypervisor.kernel_params: b}" spec.annotations "kernel parameters are written from spec.kernelParams, not from spec.annotations"
	refuses "an annotation's name that is too long" "$rc, annotations: {io.katacontainers.config.hypervisor.$(long 40): b}" spec.annotations "an annotation's name has at most 63 characters out of letters, digits, -, _ and . and ends in a letter or digit"
	refuses "a glob over all annotations" "$rc, allowedAnnotations: ['*']" 'spec.allowedAnnotations[0]' "this is a glob over annotations below io.katacontainers.config., for example io.katacontainers.config.hypervisor.default_*"
}

source_cases() {
	local alone='verbatim is the whole document: remove it, or remove kbs, attestationService, image, agentPolicy, eventLog, logLevel, cdh, extra and entries'
	takes "source Author with digests" "$rc, initData: {source: Author, allowedDigests: ['$sha']}"
	takes "verbatim with algorithm" "$rc, initData: {algorithm: sha384, verbatim: 'version = \"0.1.0\"'}"
	refuses "digests with source Profile" "$rc, initData: {allowedDigests: ['$sha']}" spec.initData.allowedDigests "allowedDigests restricts what pods bring themselves: it goes with source: Author"
	refuses "a digest with its algorithm" "$rc, initData: {source: Author, allowedDigests: ['sha256:$sha']}" 'spec.initData.allowedDigests[0]' "a digest is 64, 96 or 128 lower-case hexadecimal digits, without the algorithm's name"
	refuses "source Author with a kbs" "$rc, initData: {source: Author, kbs: {url: 'https://k'}}" spec.initData.source "with source: Author the pod brings the document: fields that describe one (kbs, image, agentPolicy, verbatim, …) would have no effect"
	refuses "verbatim with kbs" "$rc, initData: {verbatim: x, kbs: {url: 'https://k'}}" spec.initData.verbatim "$alone"
	refuses "verbatim with entries" "$rc, initData: {verbatim: x, entries: {a: b}}" spec.initData.verbatim "$alone"
	refuses "verbatim with logLevel" "$rc, initData: {verbatim: x, logLevel: info}" spec.initData.verbatim "$alone"
	refuses "an unknown algorithm" "$rc, initData: {algorithm: SHA256}" spec.initData.algorithm 'supported values: "sha256", "sha384", "sha512"'
	refuses "sm3, which Kata does not know" "$rc, initData: {algorithm: sm3}" spec.initData.algorithm 'supported values: "sha256", "sha384", "sha512"'
	refuses "an entry that is rendered" "$rc, initData: {entries: {aa.toml: x}}" spec.initData.entries "aa.toml, cdh.toml and policy.rego are rendered from the other fields (kbs, image, agentPolicy, extra); for a document of your own use verbatim"
	refuses "an entry with a space" "$rc, initData: {entries: {'a b': x}}" spec.initData.entries "an entry's name has at most 253 letters, digits, -, _ and ."
}

endpoint_cases() {
	local url='must be a URL with scheme http or https and a host, for example https://kbs.example.com:8080'
	local base='this is a base URL: no user, no query and no fragment'
	local pem='must be PEM text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----'
	takes "a key broker by IPv6" "$rc, initData: {kbs: {url: 'http://[2001:db8:0:0:0:0:0:1]:8080'}}"
	refuses "a key broker without URL" "$rc, initData: {kbs: {}}" spec.initData.kbs.url "Required value"
	refuses "a key broker by ftp" "$rc, initData: {kbs: {url: 'ftp://kbs'}}" spec.initData.kbs.url "$url"
	refuses "a key broker without scheme" "$rc, initData: {kbs: {url: 'kbs.example.com:8080'}}" spec.initData.kbs.url "$url"
	refuses "a key broker without host" "$rc, initData: {kbs: {url: 'https:///a'}}" spec.initData.kbs.url "$url"
	refuses "a key broker with a password" "$rc, initData: {kbs: {url: 'https://u:p@kbs'}}" spec.initData.kbs.url "$base"
	refuses "a key broker with ::" "$rc, initData: {kbs: {url: 'http://[2001:db8::1]:8080'}}" spec.initData.kbs.url "the guest splits its KBS parameter at ::, so an address with :: does not work there; use a name, or write the IPv6 address out"
	refuses "a certificate that is none" "$rc, initData: {kbs: {url: 'https://k', certificate: MIIB}}" spec.initData.kbs.certificate "$pem"
	refuses "a private key beside the certificate" "$rc, initData: {kbs: {url: 'https://k', certificate: '-----BEGIN PRIVATE KEY----- -----BEGIN CERTIFICATE----- -----END CERTIFICATE-----'}}" spec.initData.kbs.certificate "this holds a private key: init-data is public, give the certificate alone"
	refuses "an unknown TEE key algorithm" "$rc, initData: {kbs: {url: 'https://k', teeKeyAlgorithm: RSA1_5}}" spec.initData.kbs.teeKeyAlgorithm 'supported values: "ECDH-ES+A256KW-P256", "ECDH-ES+A256KW-P521", "RSA-OAEP-256", "ML-KEM-768+A192KW"'
	refuses "an attestation service that is no URL" "$rc, initData: {attestationService: {url: as}}" spec.initData.attestationService.url "must be a URL with scheme http or https and a host, for example https://as.example.com:8080"
}

image_cases() {
	local uri='must be a URI such as kbs:///default/type/tag, kbs+plugin://…, or file:///path/in/the/guest'
	takes "image settings" "$rc, initData: {image: {securityPolicyURI: 'kbs:///default/security-policy/test', sigstoreConfig: x, registryConfigurationURI: 'file:///etc/registries.toml', proxy: {https: 'http://proxy:3128', noProxy: 'a, .b'}, maxConcurrentLayerDownloads: 5, workDir: /run/image}}"
	refuses "two security policies" "$rc, initData: {image: {securityPolicyURI: 'kbs:///a/b/c', securityPolicy: '{}'}}" spec.initData.image.securityPolicy "give either securityPolicyURI or securityPolicy, not both"
	refuses "two sigstore configurations" "$rc, initData: {image: {sigstoreConfigURI: 'kbs:///a/b/c', sigstoreConfig: x}}" spec.initData.image.sigstoreConfig "give either sigstoreConfigURI or sigstoreConfig, not both"
	refuses "two registry configurations" "$rc, initData: {image: {registryConfigurationURI: 'kbs:///a/b/c', registryConfiguration: x}}" spec.initData.image.registryConfiguration "give either registryConfigurationURI or registryConfiguration, not both"
	refuses "a policy by https" "$rc, initData: {image: {securityPolicyURI: 'https://a/b'}}" spec.initData.image.securityPolicyURI "$uri"
	refuses "a resource with an empty segment" "$rc, initData: {image: {registryCredentialsURI: 'kbs:///a//b'}}" spec.initData.image.registryCredentialsURI "$uri"
	refuses "a security policy that is no JSON" "$rc, initData: {image: {securityPolicy: 'default: reject'}}" spec.initData.image.securityPolicy "must be a JSON object"
	refuses "a proxy without scheme" "$rc, initData: {image: {proxy: {https: 'proxy:3128'}}}" spec.initData.image.proxy.https "must be a URL with scheme http or https and a host, for example http://proxy.example.com:3128"
	refuses "no downloads at all" "$rc, initData: {image: {maxConcurrentLayerDownloads: 0}}" spec.initData.image.maxConcurrentLayerDownloads "spec.initData.image.maxConcurrentLayerDownloads in body should be greater than or equal to 1"
	refuses "a relative folder" "$rc, initData: {image: {workDir: run}}" spec.initData.image.workDir "must be an absolute path without . and .. parts"
	refuses "17 roots" "$rc, initData: {image: {extraRootCertificates: [$(printf -- '"-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----",%.0s' {1..17})]}}" spec.initData.image.extraRootCertificates "must have at most 16 items"
}

guest_cases() {
	local one='give exactly one of inline, configMapRef and generated'
	local ref="$rc, initData: {agentPolicy: {configMapRef:"
	local cred='must begin with /run/confidential-containers/cdh/kbs and have no . and .. parts, else the guest refuses to start'
	takes "a policy from a ConfigMap" "$ref {name: policy, key: a.rego, sha256: '$sha'}}}"
	refuses "an agent policy from nowhere" "$rc, initData: {agentPolicy: {}}" spec.initData.agentPolicy "$one"
	refuses "an agent policy from two places" "$ref {name: p, sha256: '$sha'}, inline: x}}" spec.initData.agentPolicy "$one"
	refuses "a policy that is given and generated" "$rc, initData: {agentPolicy: {inline: x, generated: {}}}" spec.initData.agentPolicy "$one"
	refuses "a ConfigMap of another namespace" "$ref {name: team-a/policy, sha256: '$sha'}}}" spec.initData.agentPolicy.configMapRef.name "must be the name of a ConfigMap in the installation's namespace: lower-case letters, digits, - and ., without a namespace before it"
	refuses "a ConfigMap without digest" "$ref {name: p}}}" spec.initData.agentPolicy.configMapRef.sha256 "Required value"
	refuses "an upper-case digest" "$ref {name: p, sha256: 'A${sha:1}'}}}" spec.initData.agentPolicy.configMapRef.sha256 "must be 64 lower-case hexadecimal digits, as sha256sum prints them"
	refuses "PCR 24" "$rc, initData: {eventLog: {initPCR: 24}}" spec.initData.eventLog.initPCR "spec.initData.eventLog.initPCR in body should be less than or equal to 23"
	refuses "log level warning" "$rc, initData: {logLevel: warning}" spec.initData.logLevel 'supported values: "trace", "debug", "info", "warn", "error"'
	refuses "a socket without unix://" "$rc, initData: {cdh: {socket: /run/cdh.sock}}" spec.initData.cdh.socket "must be a socket's absolute path behind unix://, for example unix:///run/confidential-containers/cdh.sock"
	refuses "an unknown KBC" "$rc, initData: {cdh: {kbcName: eaa_kbc}}" spec.initData.cdh.kbcName 'supported values: "cc_kbc", "offline_fs_kbc"'
	takes "credentials" "$rc, initData: {cdh: {credentials: [{path: /run/confidential-containers/cdh/kbs/a, resourceURI: 'kbs:///a/b/c'}]}}"
	refuses "a credential elsewhere" "$rc, initData: {cdh: {credentials: [{path: /etc/passwd, resourceURI: 'kbs:///a/b/c'}]}}" 'spec.initData.cdh.credentials[0].path' "$cred"
	refuses "a credential that climbs out" "$rc, initData: {cdh: {credentials: [{path: /run/confidential-containers/cdh/kbs/../a, resourceURI: 'kbs:///a/b/c'}]}}" 'spec.initData.cdh.credentials[0].path' "$cred"
	refuses "a credential from a file" "$rc, initData: {cdh: {credentials: [{path: /run/confidential-containers/cdh/kbs/a, resourceURI: 'file:///a'}]}}" 'spec.initData.cdh.credentials[0].resourceURI' "must be a URI such as kbs:///default/type/tag"
	refuses "an empty group" "$rc, initData: {extra: {}}" spec.initData.extra "spec.initData.extra in body should have at least 1 properties"
}

generated_cases() {
	local made="$rc, initData: {agentPolicy: {generated: {" at=spec.initData.agentPolicy.generated
	takes "policies that are generated" "$made}}}"
	takes "all that can be said of them" "${made}mode: Debug, allow: {exec: [[/bin/a, -q], [/bin/b]], logs: true, stdin: true, metrics: true, diagnostics: true, ephemeralMounts: true, env: ['^A=(b|c)\$']}, inlineSecrets: true, injected: [{name: proxy, image: a.example/b, args: [c], env: [{name: D, value: e}], securityContext: {runAsUser: 1}}], runtime: coco-dev, settingsPatch: '[]'}}}"
	refuses "an unknown mode of policies" "${made}mode: strict}}}" $at.mode 'supported values: "Strict", "Debug"'
	refuses "an unknown runtime" "${made}runtime: firecracker}}}" $at.runtime 'supported values: "qemu", "coco-dev", "remote"'
	refuses "a command without words" "${made}allow: {exec: [[]]}}}}" "$at.allow.exec[0]" "$at.allow.exec[0] in body should have at least 1 items"
	refuses "65 commands" "${made}allow: {exec: [$(printf '[a],%.0s' {1..65})]}}}}" $at.allow.exec "must have at most 64 items"
	refuses "allowances of nothing" "${made}allow: {}}}}" $at.allow "$at.allow in body should have at least 1 properties"
	refuses "env that is not anchored" "${made}allow: {env: ['A=.*']}}}}" "$at.allow.env[0]" 'must begin with ^ and end with $, else it allows whatever contains a match'
	refuses "an injected container twice" "${made}injected: [{name: a, image: b}, {name: a, image: c}]}}}" "$at.injected[1]" 'Duplicate value: {"name":"a"}'
	refuses "an injected container without image" "${made}injected: [{name: a}]}}}" "$at.injected[0].image" "Required value"
	refuses "an injected container's name that cannot be" "${made}injected: [{name: a_b, image: c}]}}}" "$at.injected[0].name" "a container's name holds lower-case letters, digits and -, for example istio-proxy"
	refuses "a patch that is none" "${made}settingsPatch: '{}'}}}" $at.settingsPatch "must be a JSON array of operations"
	refuses "digests beside policies that are generated" "$rc, initData: {source: Author, agentPolicy: {generated: {}}}" spec.initData.source "with source: Author the pod brings the document: fields that describe one (kbs, image, agentPolicy, verbatim, …) would have no effect"
}

matching_cases
parameter_cases
source_cases
endpoint_cases
image_cases
guest_cases
generated_cases

try "$rc, initdata: {}"
[[ $said == *'unknown field "spec.initdata"'* ]]
report $? "refuses a misspelt field" "$said"

for file in crds/examples/*.yaml; do
	said=$(kubectl create --dry-run=server -f "$file" 2>&1)
	report $? "takes $file" "$said"
done

# ---- defaults, columns, explain
kubectl create -f - >/dev/null <<-END
	apiVersion: cocoon.dev/v1alpha1
	kind: ConfidentialProfile
	metadata: {name: $name}
	spec: {runtimeClasses: [kata-qemu-snp], initData: {agentPolicy: {configMapRef: {name: p, sha256: "$sha"}}}}
END
report $? "stores a profile"
said=$(kubectl get cprof "$name" -o jsonpath='{.spec.mode} {.spec.onConflict} {.spec.priority} {.spec.runtimeHandlerAnnotation} {.spec.initData.source} {.spec.initData.agentPolicy.configMapRef.key} {.spec.namespaceSelector} {.spec.allowedAnnotations[5]}')
[ "$said" = "Enforce Reject 0 Set Profile policy.rego  io.katacontainers.config.hypervisor.machine_type" ]
report $? "fills in the defaults, and grants no namespace" "$said"
said=$(kubectl patch cprof "$name" --subresource=status --type=merge -p '{"status":{"digest":"sha256:'"$sha"'","documentBytes":812,
	"conditions":[{"type":"Ready","status":"False","reason":"PolicyMissing","message":"there is no ConfigMap p","lastTransitionTime":"2026-01-02T03:04:05Z"}],
	"pods":{"injected":12,"gated":0,"drifted":1},"driftedPods":["team-a/web-1"],"teeForms":[{"tee":"snp","field":"HOSTDATA","hex":"00"}]}}' 2>&1)
report $? "takes the controller's status" "$said"
said=$(kubectl get cprof "$name" | sed 's/  */ /g;s/ [0-9]*s$/ AGE/')
[[ $said == *"NAME READY CLASSES PRIORITY MODE INJECTED GATED DRIFTED AGE"*"$name False [\"kata-qemu-snp\"] 0 Enforce 12 0 1 AGE" ]]
report $? "prints the columns" "$said"
said=$(kubectl get cprof "$name" -o wide | sed 's/  */ /g')
[[ $said == *" DIGEST BYTES ANNOTATION REASON MESSAGE"*" sha256:$sha 812 PolicyMissing there is no ConfigMap p" ]]
report $? "prints the wide columns" "$said"
said=$(kubectl get coco -o name 2>&1)
[[ $said == *"confidentialprofile.cocoon.dev/$name"* ]]
report $? "is listed by its category" "$said"
said=$(kubectl explain cprof.spec.initData 2>&1)
[[ $said == *"The init-data document: configuration and policy that the guest reads"* ]]
report $? "explains itself" "$said"
# ---- ImagePolicy

policy_cases() {
	local host='a pattern has a host, for example docker.io/library/nginx for nginx'
	local chars='a pattern is lower case and holds letters, digits, -, ., _, :, / as well as * and ?; names with a digest (@) are matched by their repository'
	local digest='a digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits'
	local glob='a glob over key URIs begins with kbs:// (or *) and has no white space and no %, for example kbs:///default/image-key/*'
	takes "the least policy" ""
	takes "every matching field" "match: {runtimeClasses: ['kata-*'], namespaceSelector: {}, podSelector: {matchLabels: {a: b}}, images: ['**', 'docker.io/library/*', 'registry.example:5000/shop**', '[2001:db8::1]:5000/a'], exceptImages: []}, mode: Audit, onUnknown: Warn, templates: Ignore, priority: 1000000"
	refuses "a pattern without host" "match: {images: [nginx]}" 'spec.match.images[0]' "$host"
	refuses "an upper-case pattern" "match: {images: ['docker.io/Team/*']}" 'spec.match.images[0]' "$chars"
	refuses "a pattern with a digest" "match: {exceptImages: ['docker.io/a/b@sha256']}" 'spec.match.exceptImages[0]' "$chars"
	refuses "a pattern with a tag" "match: {images: ['docker.io/team/app:1']}" 'spec.match.images[0]' "a pattern ends with the repository: leave out the tag"
	refuses "a pattern of index.docker.io" "match: {images: ['index.docker.io/team/*']}" 'spec.match.images[0]' "a pattern names the host in its normal form: docker.io, and without the port 443"
	refuses "a pattern with the port 443" "match: {images: ['a.example:443/**']}" 'spec.match.images[0]' "a pattern names the host in its normal form: docker.io, and without the port 443"
	refuses "a pattern with ***" "match: {images: ['a.example/***']}" 'spec.match.images[0]' 'a pattern has no empty part and no ***'
	refuses "no patterns" "match: {images: []}" spec.match.images "spec.match.images in body should have at least 1 items"
	refuses "257 patterns" "match: {images: [$(seq -s, -f 'a.example/%.0f' 257)]}" spec.match.images "must have at most 256 items"
	refuses "an unknown mode" "mode: Block" spec.mode 'supported values: "Enforce", "Warn", "Audit"'
	refuses "an onUnknown that allows" "onUnknown: Allow" spec.onUnknown 'supported values: "Deny", "Warn"'
	refuses "an unknown pin" "digest: {pin: Always}" spec.digest.pin 'supported values: "None", "Auto", "KeepTag", "DropTag"'
	takes "encryption of some layers" "encryption: {layers: Named, indexes: [0, -1], plainLayers: ['sha256:$sha'], schemes: [jwe, provider.attestation-agent, provider.mine], keys: ['kbs:///a/*', 'kbs+x:///a', '*'], platforms: [linux/amd64, linux/arm64/v8], guest: attestation-agent, sameBroker: false}"
	refuses "named layers without names" "encryption: {layers: Named}" spec.encryption.indexes "layers: Named needs indexes, for example [-1] for the uppermost layer"
	refuses "names of layers that are not named" "encryption: {indexes: [0]}" spec.encryption.indexes "indexes say which layers with layers: Named alone"
	refuses "plain layers with Any" "encryption: {layers: Any, plainLayers: ['sha256:$sha']}" spec.encryption.plainLayers "with layers: Any all layers but one may be plain: remove plainLayers"
	refuses "a short digest" "encryption: {plainLayers: ['sha256:00']}" 'spec.encryption.plainLayers[0]' "$digest"
	refuses "a scheme that is none" "encryption: {schemes: [rsa], guest: None}" 'spec.encryption.schemes[0]' "a scheme is provider.attestation-agent, provider.NAME, jwe, pgp, pkcs7 or pkcs11"
	refuses "a scheme that no guest reads" "encryption: {schemes: [jwe]}" spec.encryption.guest "guests read provider.attestation-agent alone, which is not among the schemes: say guest: None if somebody else decrypts"
	refuses "keys of brokers without their scheme" "encryption: {schemes: [jwe], guest: None, keys: ['kbs:///a/b/c']}" spec.encryption.keys "keys are those of key brokers, and provider.attestation-agent is not among the schemes"
	refuses "a key with its broker" "encryption: {keys: ['kbs://kbs.example/a/b/c']}" 'spec.encryption.keys[0]' "leave out the key broker's address, as in kbs:///default/image-key/*: sameBroker sees to it"
	refuses "a key that is a file" "encryption: {keys: ['file:///a']}" 'spec.encryption.keys[0]' "$glob"
	refuses "a key with an escape" "encryption: {keys: ['kbs:///a/%41/c']}" 'spec.encryption.keys[0]' "$glob"
	refuses "a platform that is none" "encryption: {platforms: [amd64]}" 'spec.encryption.platforms[0]' "a platform is os/architecture or os/architecture/variant, for example linux/amd64"
	refuses "an unknown guest" "encryption: {guest: kata}" spec.encryption.guest 'supported values: "confidential-data-hub", "attestation-agent", "None"'
}

signer_cases() {
	local pem='"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"' ring='"-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n"'
	local cosign="cosign: {keys: [$pem]}" gpg="gpg: {keys: $ring, lookaside: 'https://a.example/b'}"
	local one="signatures: {signers: [{name: a" at='spec.signatures.signers[0]'
	takes "signers" "signatures: {atLeast: 1, signers: [{name: a, required: true, $cosign}, {name: b, $gpg}]}"
	takes "what cosign's signature must say" "$one, cosign: {keys: [$pem], layouts: [Tag], annotations: {a: b}, repository: 'a.example:5000/shop/app'}}]}"
	refuses "no signers" "signatures: {}" spec.signatures.signers "Required value"
	refuses "an empty list of signers" "signatures: {signers: []}" spec.signatures.signers "spec.signatures.signers in body should have at least 1 items"
	refuses "17 signers" "signatures: {signers: [$(for i in {1..17}; do printf '{name: a%s, %s},' "$i" "$cosign"; done)]}" spec.signatures.signers "must have at most 16 items"
	refuses "two signers of a name" "$one, $cosign}, {name: a, $gpg}]}" 'spec.signatures.signers[1]' 'Duplicate value: {"name":"a"}'
	refuses "a signer by two means" "$one, $cosign, $gpg}]}" "$at" "a signer has either cosign or gpg"
	refuses "a signer by no means" "$one}]}" "$at" "a signer has either cosign or gpg"
	refuses "a signer's name with a space" "signatures: {signers: [{name: 'a b', $cosign}]}" "$at.name" "a signer's name holds lower-case letters, digits and -, for example release-team"
	refuses "more than there are signers" "signatures: {atLeast: 2, signers: [{name: a, $cosign}]}" spec.signatures.atLeast "there are fewer signers than that: lower atLeast or add signers"
	refuses "fewer than are required" "signatures: {atLeast: 1, signers: [{name: a, required: true, $cosign}, {name: b, required: true, $gpg}]}" spec.signatures.atLeast "more signers are required than that: raise atLeast"
	refuses "none of the signers" "signatures: {atLeast: 0, signers: [{name: a, $cosign}]}" spec.signatures.atLeast "spec.signatures.atLeast in body should be greater than or equal to 1"
	refuses "a key that is no PEM" "$one, cosign: {keys: [MFkw]}}]}" "$at.cosign.keys[0]" "must be PEM text, from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----"
	refuses "a private key" "$one, cosign: {keys: ['-----BEGIN EC PRIVATE KEY-----']}}]}" "$at.cosign.keys[0]" "this is a private key: give the public key (cosign.pub), and take the private one for known to others"
	refuses "two keys in one text" "$one, cosign: {keys: ['-----BEGIN PUBLIC KEY----- -----END PUBLIC KEY----- -----BEGIN PUBLIC KEY----- -----END PUBLIC KEY-----']}}]}" "$at.cosign.keys[0]" "this holds more than one key: list each by itself"
	refuses "9 keys" "$one, cosign: {keys: [$(for _ in {1..9}; do printf '%s,' "$pem"; done)]}}]}" "$at.cosign.keys" "must have at most 8 items"
	refuses "an unknown layout" "$one, cosign: {keys: [$pem], layouts: [Keyless]}}]}" "$at.cosign.layouts[0]" 'supported values: "Tag", "Bundle"'
	refuses "a repository for any" "$one, cosign: {keys: [$pem], identity: Any, repository: a.example/b}}]}" "$at.cosign.repository" "with identity: Any no repository is compared: remove one of them"
	refuses "a repository for bundles" "$one, cosign: {keys: [$pem], layouts: [Bundle], repository: a.example/b}}]}" "$at.cosign.repository" "bundles name no repository: add Tag to layouts, or remove repository"
	refuses "a repository with a tag" "$one, cosign: {keys: [$pem], repository: 'a.example/b:1'}}]}" "$at.cosign.repository" "must be host/repository in lower case, without tag and digest"
	refuses "a binary ring" "$one, gpg: {keys: mQEN, lookaside: 'https://a'}}]}" "$at.gpg.keys" "must be armored public keys, beginning with -----BEGIN PGP PUBLIC KEY BLOCK-----"
	refuses "a secret ring" "$one, gpg: {keys: '-----BEGIN PGP PRIVATE KEY BLOCK----- -----BEGIN PGP PUBLIC KEY BLOCK-----', lookaside: 'https://a'}}]}" "$at.gpg.keys" "this is a private key: give the public keys (gpg --armor --export), and take the private one for known to others"
	refuses "no lookaside" "$one, gpg: {keys: $ring}}]}" "$at.gpg.lookaside" "Required value"
	refuses "a lookaside with a password" "$one, gpg: {keys: $ring, lookaside: 'https://u:p@a.example'}}]}" "$at.gpg.lookaside" "must be a URL with scheme http or https and a host, without user, query and fragment"
	refuses "exact names that are pinned" "digest: {pin: Auto}, $one, gpg: {keys: $ring, lookaside: 'https://a', identity: Exact}}]}" spec.digest.pin "signatures of identity Exact name the image as it is written, which pinning changes: use RepoDigestOrExact, or pin: None"
}

surroundings_cases() {
	local private='this is a private key: give the public part, and take the private one for known to others'
	takes "what the guest is told" "guest: {parity: Deny, policy: '{}', resources: [{uri: 'kbs:///a/b/c', text: x}]}, secrets: {sealed: Deny, plain: Ignore, keys: [{kid: 'kbs:///a/b/c', jwk: '{}'}]}"
	refuses "a policy that is no JSON" "guest: {policy: 'default: reject'}" spec.guest.policy "must be a JSON object"
	refuses "a resource twice" "guest: {resources: [{uri: 'kbs:///a/b/c', text: x}, {uri: 'kbs:///a/b/c', text: z}]}" 'spec.guest.resources[1]' 'Duplicate value: {"uri":"kbs:///a/b/c"}'
	refuses "a resource without type" "guest: {resources: [{uri: 'kbs://', text: x}]}" 'spec.guest.resources[0].uri' "must be a URI such as kbs:///default/type/tag"
	refuses "a private JSON Web Key" "secrets: {keys: [{kid: 'kbs:///a/b/c', jwk: '{\"d\" : \"x\"}'}]}" 'spec.secrets.keys[0].jwk' "$private"
	refuses "an unknown effect" "secrets: {plain: Refuse}" spec.secrets.plain 'supported values: "Warn", "Deny", "Ignore"'
	takes "registries" "registries: [{host: 'a.example:5000', plainHTTP: true, mirrors: [{location: 'b.example/cache'}, {location: localhost}], proxy: 'http://p:3128', noProxy: .svc, credentialsSecret: s}, {host: '*'}, {host: '[2001:db8::1]:5000'}]"
	refuses "a host twice" "registries: [{host: a.example}, {host: a.example}]" 'spec.registries[1]' 'Duplicate value: {"host":"a.example"}'
	refuses "a host with a path" "registries: [{host: a.example/b}]" 'spec.registries[0].host' 'must be host or host:port in lower case, or * for all others'
	refuses "a host of one word" "registries: [{host: registry}]" 'spec.registries[0].host' "without a dot or a port, names of images take this for a part of the repository"
	refuses "index.docker.io" "registries: [{host: index.docker.io}]" 'spec.registries[0].host' "this is no host of a name in normal form: write docker.io, and leave out the port 443"
	refuses "the port 443" "registries: [{host: 'a.example:443'}]" 'spec.registries[0].host' "this is no host of a name in normal form: write docker.io, and leave out the port 443"
	refuses "a certificate that is none" "registries: [{host: a.example, ca: MIIB}]" 'spec.registries[0].ca' "must be PEM text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
	refuses "a certificate without TLS" "registries: [{host: a.example, plainHTTP: true, ca: '-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----'}]" 'spec.registries[0].ca' "with plainHTTP there is no certificate to check"
	refuses "a mirror with its scheme" "registries: [{host: a.example, mirrors: [{location: 'https://b.example'}]}]" 'spec.registries[0].mirrors[0].location' "must be host or host/prefix in lower case, without scheme"
	refuses "mirrors of everything" "registries: [{host: '*', mirrors: [{location: b.example}]}]" 'spec.registries[0].mirrors' "name the host that they mirror, not *"
	refuses "exceptions to no proxy" "registries: [{host: a.example, noProxy: b}]" 'spec.registries[0].noProxy' "noProxy says what is asked without the proxy, and there is no proxy"
	refuses "a proxy with a password" "registries: [{host: a.example, proxy: 'http://u:p@p:1'}]" 'spec.registries[0].proxy' "must be a URL with scheme http or https and a host, without user, query and fragment"
}

kind=ImagePolicy
policy_cases
signer_cases
surroundings_cases
try "encrypted: {}"
[[ $said == *'unknown field "spec.encrypted"'* ]]
report $? "refuses a misspelt field of a policy" "$said"

kubectl create -f - >/dev/null <<-END
	apiVersion: cocoon.dev/v1alpha1
	kind: ImagePolicy
	metadata: {name: $name}
	spec: {match: {images: ['a.example/**']}, digest: {}, encryption: {}, guest: {}, secrets: {}, registries: [{host: a.example}],
	  signatures: {signers: [{name: a, cosign: {keys: ["-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"]}}]}}
END
report $? "stores a policy"
said=$(kubectl get imgpol "$name" -o json | jq -c '.spec | [.mode, .onUnknown, .templates, .priority, .digest, .encryption, (.signatures.signers[0] | .required,
	(.cosign | .layouts, .identity)), .guest, .secrets, .registries[0].plainHTTP]')
[ "$said" = '["Enforce","Deny","Warn",0,{"inAgentPolicy":"Ignore","pin":"None","require":false},{"guest":"confidential-data-hub","layers":"All","sameBroker":true,"schemes":["provider.attestation-agent"]},false,["Tag","Bundle"],"Repository",{"parity":"Warn"},{"plain":"Warn","sealed":"Warn"},false]' ]
report $? "fills in a policy's defaults" "$said"
said=$(kubectl patch imgpol "$name" --subresource=status --type=merge -p '{"status":{"hash":"sha256:'"$sha"'","observedGeneration":1,"replicas":2,
	"conditions":[{"type":"Ready","status":"False","reason":"LastGood","message":"the last good form stays in force","lastTransitionTime":"2026-01-02T03:04:05Z"}],
	"counts":{"admitted":12,"warned":1,"refused":3,"unknown":0}}}' 2>&1)
report $? "takes the controller's status of a policy" "$said"
said=$(kubectl get imgpol "$name" -o wide | sed 's/  */ /g;s/ [0-9]*s / AGE /')
[[ $said == *"NAME READY MODE IMAGES ADMITTED REFUSED UNKNOWN AGE WARNED REASON MESSAGE HASH"*"$name False Enforce [\"a.example/**\"] 12 3 0 AGE 1 LastGood the last good form stays in force sha256:$sha" ]]
report $? "prints a policy's columns" "$said"
said=$(kubectl get coco -o name 2>&1)
[[ $said == *"imagepolicy.cocoon.dev/$name"* ]]
report $? "lists a policy by its category" "$said"
# ---- AgentPolicy

kind=AgentPolicy
least="key: '$sha', profile: team-a, workload: {kind: Deployment, name: web}"
takes "a prepared policy" "$least, policy: H4sI, images: [{name: a, digest: 'sha256:$sha'}, {name: b}]"
refuses "a key that is none" "key: abc, profile: a, workload: {kind: Pod, name: a}, policy: H4sI" spec.key "must be 64 lower-case hexadecimal digits"
refuses "a policy that is not packed" "$least, policy: 'package agent_policy'" spec.policy "must be base64 (of gzip)"
refuses "no policy" "$least" spec.policy "Required value"
kubectl create -f - >/dev/null <<-END
	{apiVersion: cocoon.dev/v1alpha1, kind: AgentPolicy, metadata: {name: $name}, spec: {$least, policy: H4sI, images: [{name: a.example/b}]}}
END
report $? "stores a prepared policy"
said=$(kubectl patch agentpol "$name" --subresource=status --type=merge -p '{"status":{"digest":"sha256:'"$sha"'","profileGeneration":3,
	"teeForms":[{"tee":"snp","field":"HOSTDATA","hex":"00"}],"notes":["warning spec: x"]}}' 2>&1)
report $? "takes the controller's status of a prepared policy" "$said"
said=$(kubectl get agentpol "$name" | sed 's/  */ /g;s/ [0-9]*s$/ AGE/')
[[ $said == *"NAME WORKLOAD PROFILE DIGEST AGE"*"$name web team-a sha256:$sha AGE" ]]
report $? "prints a prepared policy's columns" "$said"
said=$(kubectl get agentpol "$name" -o wide | sed 's/  */ /g')
[[ $said == *" KIND IMAGES NOTES"*" Deployment a.example/b [\"warning spec: x\"]" ]]
report $? "prints its wide columns" "$said"
said=$(kubectl get coco -o name 2>&1)
[[ $said == *"agentpolicy.cocoon.dev/$name"* ]]
report $? "lists it by its category" "$said"
said=$(kubectl get crd confidentialprofiles.cocoon.dev imagepolicies.cocoon.dev agentpolicies.cocoon.dev -o json | jq -r '
	def fields(p): .properties? // {} | to_entries[] | (p + "." + .key) as $q | .value |
		(if .description then empty else $q end), fields($q), (.items? // {} | fields($q + "[]"));
	.items[].spec.versions[0].schema.openAPIV3Schema.properties | {properties: {spec, status}} | fields("")')
[ -z "$said" ]
report $? "describes every field" "$said"
said=$(kubectl apply --dry-run=server --server-side --force-conflicts -k crds 2>&1) && said=$(kubectl diff --server-side --force-conflicts -k crds 2>&1)
report $? "applying the definitions again changes nothing" "$said"

echo "1..$count"
[ "$failures" -eq 0 ]
