#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The certificate authority is replaced while pods are created all the time: not one request fails, and in the end only
# the new authority is trusted.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

namespace pods
p=rotation-$$
profile $p "runtimeClasses: [kata-qemu-snp], $(only "$ns"), $(kbs kbs)"
secret() { kubectl get secret cocoon-webhook-tls -n "$SYSTEM" -o json | jq -r --arg key "$1" '.data[$key] // "" | @base64d'; }
authorities() { # what each webhook of both configurations trusts, once each
	kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration cocoon -o json |
		jq -r '[.items[].webhooks[].clientConfig.caBundle] | unique[] | @base64d'
}
old_ca=$(secret ca.crt) old_leaf=$(secret tls.crt)
expect_equal "before, the one authority is trusted" "$old_ca" "$(authorities)"
printf '%s\n' "$old_leaf" >"$work/leaf.pem"
expect_said "the leaf names the Service" "DNS:cocoon-webhook.cocoon-system.svc" openssl x509 -in "$work/leaf.pem" -noout -ext subjectAltName

flood_begin "$(pod "$ns" load- kata-qemu-snp null "$NOWHERE")"
need kubectl annotate secret cocoon-webhook-tls -n "$SYSTEM" cocoon.dev/rotate=now
both() { [ "$(authorities | grep -c 'BEGIN CERTIFICATE')" -eq 2 ]; }
eventually "for a while both authorities are trusted" 30 both
new_leaf() { [ "$(secret tls.crt)" != "$old_leaf" ]; }
eventually "the leaf changes" 60 new_leaf
done_with() { [ "$(secret ca.crt)" != "$old_ca" ] && [ -z "$(secret ca-next.crt)" ] && [ "$(authorities)" = "$(secret ca.crt)" ]; }
eventually "only the new authority is trusted in the end" 60 done_with
need create "$(pod "$ns" after kata-qemu-snp null "$NOWHERE")"
flood_end
expect_all_created "not one creation failed all the time" 100
expect_equal "every pod was injected" 0 "$(kubectl get pods -n "$ns" -o json |
	jq --arg d "$(digest_of $p)" '[.items[] | select(.metadata.annotations["cocoon.dev/digest"] != $d)] | length')"
secret ca.crt >"$work/ca.pem" && secret tls.crt >"$work/leaf.pem"
expect_ok "the new leaf is of the new authority" openssl verify -CAfile "$work/ca.pem" "$work/leaf.pem"
expect_equal "the wish is taken off the Secret" null \
	"$(kubectl get secret cocoon-webhook-tls -n "$SYSTEM" -o json | jq '.metadata.annotations["cocoon.dev/rotate"]')"
expect_equal "no program had to start again" "0 0 0 0" \
	"$(kubectl get pods -n "$SYSTEM" -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}')"
finish
