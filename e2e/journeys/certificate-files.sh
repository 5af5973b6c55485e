#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates from files, as cert-manager mounts them: the webhook takes new ones while requests go on, and the
# controller, told that somebody else manages them, leaves the authority alone. A webhook and a controller of this
# journey's own run beside the installed ones, with webhook configurations of their own.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

bin=$root/out/release-gcc/bin
namespace pods
p=files-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"

# ---- an issuer
authority() { # authority NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.crt"
}
issue() { # issue AUTHORITY: a new leaf, in place of the one in files/, as kubelet does: in one step
	local next=$work/..$SRANDOM
	mkdir "$next"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=webhook -keyout "$next/tls.key" -out "$next/csr" &&
		openssl x509 -req -in "$next/csr" -CA "$work/$1.crt" -CAkey "$work/$1.key" -CAcreateserial -days 1 -out "$next/tls.crt" \
			-extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") &&
		ln -sfn "$next" "$work/files.new" && mv -T "$work/files.new" "$work/files"
}
need authority one
need authority two
need issue one

# ---- the programs
started() { # started NAME PROGRAM ARGUMENT…
	POD_NAME=$1 "$bin/$2" --kubeconfig "$KUBECONFIG" --namespace "$SYSTEM" "${@:3}" >"$work/$1.log" 2>&1 </dev/null &
	made_processes+=("$!")
}
port() { sed -n "s/.*\"$2\":\"\([0-9]*\)\".*/\1/p" "$work/$1.log" | tail -n 1 | grep .; }
started files-webhook webhook --listen 127.0.0.1:0 --health-listen 127.0.0.1:0 --tls-cert "$work/files/tls.crt" --tls-key "$work/files/tls.key"
need await 10 port files-webhook admission
port=$(port files-webhook admission) health=$(port files-webhook health)
eventually "the webhook gets ready with certificates from files" 10 curl -fsS "http://127.0.0.1:$health/readyz"

configurations() { # those of the installation, for this webhook and this namespace alone
	kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration cocoon -o json | jq --arg ns "$ns" --arg port "$port" --arg p $p --rawfile ca "$work/one.crt" '
		.items |= map(.metadata = {name: $p} | .webhooks |= map(.clientConfig = {url: ("https://127.0.0.1:" + $port + .clientConfig.service.path),
		caBundle: ($ca | @base64)} | .namespaceSelector = {matchLabels: {"kubernetes.io/metadata.name": $ns}}))'
}
cleanup() { kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration,lease $p --ignore-not-found; kubectl delete lease $p -n "$SYSTEM"; }
configurations >"$work/configurations"
need kubectl create -f "$work/configurations"
reviews() { curl -fsS "http://127.0.0.1:$health/metrics" | awk 'index($0, "cocoon_webhook_reviews_total") == 1 { sum += $NF } END { exit sum < 1 }'; }
asked() { create "$(pod "$ns" "try-$SRANDOM" kata-qemu-snp null "$NOWHERE")" && reviews; }
eventually "the API server asks it" 20 asked

trust() { # trust FILE…: what cert-manager's injector writes
	cat "$@" >"$work/bundle"
	local kind
	for kind in mutating validating; do
		kubectl get ${kind}webhookconfiguration $p -o json | jq --rawfile ca "$work/bundle" '.webhooks[].clientConfig.caBundle = ($ca | @base64)' |
			kubectl replace -f -
	done
}
trusted() { kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration $p -o json | jq -r '[.items[].webhooks[].clientConfig.caBundle] | unique[] | @base64d'; }
served() { openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint; }
serves_file() { [ "$(served)" = "$(openssl x509 -noout -fingerprint -in "$work/files/tls.crt")" ]; }

# ---- under load
flood_begin "$(pod "$ns" load- kata-qemu-snp null "$NOWHERE")"
need issue one
eventually "a renewed certificate is served without a restart" 30 serves_file
need trust "$work/one.crt" "$work/two.crt"
need issue two
eventually "so is one of another authority" 30 serves_file
need trust "$work/two.crt"
need create "$(pod "$ns" last kata-qemu-snp null "$NOWHERE")"
flood_end
expect_all_created "not one creation failed all the time" 100

# ---- files that are not fit
was=$(served)
echo nonsense >"$work/files/tls.crt"
complains() { grep -i '"level":"\(error\|warn\)".*certificate' "$work/files-webhook.log"; }
eventually "a file that is no certificate is complained of" 30 complains
expect_equal "and the last good one stays" "$was" "$(served)"

# ---- the controller
need kubectl patch mutatingwebhookconfiguration $p --type=json \
	-p '[{"op":"replace","path":"/webhooks/0/matchConditions/0/expression","value":"object.spec.?runtimeClassName.orValue(\"\") in [\"stale\"]"}]'
started files-controller controller --health-listen 127.0.0.1:0 --certificates external --webhook-configuration $p --lease $p
rewritten() { kubectl get mutatingwebhookconfiguration $p -o json | jq -e '.webhooks[0].matchConditions[0].expression | contains("kata-qemu-snp")'; }
eventually "the controller writes the classes" 30 rewritten
expect_equal "and leaves the authority to its manager" "$(cat "$work/two.crt")" "$(trusted)"
finish
