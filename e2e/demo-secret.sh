#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo-secret.sh: a secret is sealed in "CI", lies in a real cluster as an ordinary Secret, and becomes plain in a guest
# that has proved itself to a key broker by the quote of a TPM which carries the digest of its init-data. One byte of
# init-data more, and nobody gets anything. The TPM is software and the guest a process of this machine: the
# demonstration shows who is given what, not that hardware keeps it. KEEP=1 leaves the cluster running. Called by
# `make demo-secret`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=demo/lib.sh
. e2e/demo/lib.sh
# shellcheck source=../tests/swtpm.bash
. tests/swtpm.bash

work=$dir/demo-secret
programs=$PWD/out/release-gcc/bin
processes=() tpms=()

# shown COMMAND…: in the folder of the demonstration, as a person types it, and what it says
shown() {
	printf '    %s$ %s%s\n' "$dim" "$*" "$off"
	(cd "$work" && "$@" 2>>"$log") | sed 's/^/      /' | cut -c1-150
}

# started NAME COMMAND…: in the background until the end; what it says is NAME.log
started() {
	local name=$1
	shift
	"$@" >"$work/$name.log" 2>&1 </dev/null &
	processes+=("$!")
}

stop_processes() {
	local pid folder
	for pid in "${processes[@]}"; do kill "$pid" 2>/dev/null || true; done
	for folder in "${tpms[@]}"; do swtpm_stop "$folder" || true; done
}

line_of() { grep -m1 "$2" "$work/$1.log" >>"$log"; }
profile_ready() { kubectl get cprof demo -o json | jq -e '.status.conditions[]? | select(.type == "Ready" and .status == "True")'; }
pod_runs() { kubectl -n demo get pod web -o json | jq -e '.status.phase == "Running"'; }

# The broker's address is part of what is digested, and the digest is what the broker starts with: so the port is chosen
# before there is anything.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# guest_boots NAME DOCUMENT: a guest whose TPM was started with the digest of that document
guest_boots() {
	local tcti
	tcti=$(swtpm_start "$work/$1.tpm" 2>>"$log")
	tpms+=("$work/$1.tpm")
	TPM2TOOLS_TCTI=$tcti tpm2_pcrextend "8:sha256=$(initdata-gen digest --format hex "$2")" >>"$log" 2>&1
	started "$1" "$programs/guest" serve --initdata "${3:-$2}" --attester tpm --tpm "$tcti" --rest none \
		--aa-socket none --cdh-socket "unix://$work/$1.sock" --root "$work/$1.root" \
		--eventlog "$work/$1.events" --kernel-command-line /dev/null
}

# What the kubelet mounts: the value of the Secret, as the cluster keeps it.
from_cluster() { kubectl -n demo get secret db -o jsonpath='{.data.password}' | base64 -d; }

admin() {
	step "The cluster's admin: one custom resource"
	sed "s,KBS,$KBS," e2e/demo/profile-secret.yaml >"$work/profile.yaml"
	run "kubectl apply -f profile.yaml" kubectl apply -f "$work/profile.yaml"
	kubectl create namespace demo >>"$log"
	kubectl label namespace demo tenant=demo >>"$log"
	until_true 60 "the profile is Ready" profile_ready
}

owner() {
	local digest
	step "The owner of the data, on a machine of their own: the digest, and a broker that heeds it"
	shown initdata-gen create --profile profile.yaml --to initdata.toml >/dev/null
	digest=$(initdata-gen digest --format hex "$work/initdata.toml")
	[ "sha256:$digest" = "$(kubectl get cprof demo -o jsonpath='{.status.digest}')" ] || die "the cluster has another digest"
	good "the digest is the one that the cluster says it injects: sha256:${digest:0:12}…"
	shown image-crypt keygen --type ed25519 admin.key >/dev/null
	started broker dev-kbs --listen "127.0.0.1:${KBS##*:}" --admin-public-key "$work/admin.key.pub" --policy affirming \
		--allow-initdata "$digest=default/*" --audit "$work/audit.log"
	until_true 10 "the development broker runs" line_of broker listening
	grep -o 'NOT FOR PRODUCTION[^"]*' "$work/broker.log" | sed 's/^/      /'

	step "CI: the secret is sealed, the manifest goes to the cluster, the secret to the broker"
	shown sealed-secrets keygen --kid kbs:///default/signing-key/team
	printf 's3cr3t' >"$work/password"
	shown sealed-secrets provision --kbs "$KBS" --auth-private-key admin.key \
		--resource kbs:///default/db/password=password --resource kbs:///default/signing-key/team=team-public.json
	shown sealed-secrets seal vault kbs:///default/db/password --key team-private.json --output secret --name db \
		--data-key password --namespace demo >/dev/null
	sealed-secrets seal vault kbs:///default/db/password --key "$work/team-private.json" --output secret --name db \
		--data-key password --namespace demo >"$work/db.yaml"
	shown sealed-secrets lint db.yaml --key team-public.json
	run "kubectl apply -f db.yaml" kubectl apply -f "$work/db.yaml"
}

developer() {
	step "The developer: an ordinary pod, with an ordinary Secret"
	kubectl -n demo create -f - >>"$log" <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: web}
		spec:
		  runtimeClassName: kata-qemu-snp
		  terminationGracePeriodSeconds: 0
		  containers:
		  - name: web
		    image: "localhost:5000/demo/app:1"
		    env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
	END
	until_true 60 "it runs" pod_runs
	kubectl -n demo get pod web -o json | jq -r '.metadata.annotations["io.katacontainers.config.hypervisor.cc_init_data"]' |
		initdata-gen show --raw >"$work/from-pod.toml"
	cmp "$work/from-pod.toml" "$work/initdata.toml" >>"$log" || die "the pod was given another document"
	good "it was given the owner's init-data, byte for byte"
	from_cluster >"$work/db.sealed"
	good "what the cluster knows of the secret:"
	cut -c1-70 "$work/db.sealed" | sed 's/^/      /'
}

guest() {
	local plain
	step "The guest: a TPM (software) that was started with the digest of this document, and the guest daemon"
	guest_boots guest "$work/from-pod.toml"
	until_true 20 "it compared the digest with PCR 8 and serves" line_of guest serving
	say "the broker does not know this TPM's key yet, and its policy asks for evidence that is affirmed:"
	refused "the secret" "$programs/guest" unseal --socket "unix://$work/guest.sock" --output raw "$work/db.sealed"
	shown sealed-secrets provision --kbs "$KBS" --auth-private-key admin.key \
		--reference-value "trusted_aks=[\"$(cat "$work/guest.tpm/ak.b64")\"]" \
		--reference-value "tpm_pcr11=[\"$(printf '0%.0s' {1..64})\"]" >/dev/null
	good "the owner registers the key: reference value trusted_aks"
	until_true 30 "the guest proves itself anew, since it was judged a while ago" "$programs/guest" unseal \
		--socket "unix://$work/guest.sock" --output raw "$work/db.sealed"
	plain=$("$programs/guest" unseal --socket "unix://$work/guest.sock" --output raw "$work/db.sealed") || die "not unsealed"
	[ "$plain" = s3cr3t ] || die "unsealed to something else"
	good "guest unseal: $plain"
	jq -r 'select(.event == "release") | "      audit: \(.verdict) \(.resource) to \(.tee), \(.status), PCR 8 \(.init_data[0:12])…"' "$work/audit.log" | tail -n 1
}

tampered() {
	local words
	step "One byte of init-data is changed"
	sed 's/ExecProcessRequest := false/ExecProcessRequest :=\tfalse/' "$work/from-pod.toml" >"$work/changed.toml"
	[ "$(cmp -l "$work/from-pod.toml" "$work/changed.toml" | wc -l)" = 1 ] || die "that was not one byte"
	guest_boots cheated "$work/from-pod.toml" "$work/changed.toml"
	until_true 20 "a guest whose hardware was started with another document does not start with this one:" line_of cheated "not the one"
	tail -n 1 "$work/cheated.log" | sed 's/^/      /' | cut -c1-170

	guest_boots other "$work/changed.toml"
	until_true 20 "a guest whose hardware was started with the changed one starts" line_of other serving
	shown sealed-secrets provision --kbs "$KBS" --auth-private-key admin.key \
		--reference-value "trusted_aks=[\"$(cat "$work/guest.tpm/ak.b64")\",\"$(cat "$work/other.tpm/ak.b64")\"]" >/dev/null
	refused "the secret, for the program that asks" "$programs/guest" unseal --socket "unix://$work/other.sock" --output raw "$work/db.sealed"
	words=$(jq -r 'select(.msg == "refused").error' "$work/other.log" | tail -n 1)
	[[ $words == *olicy* ]] || die "the guest does not say why: $words"
	good "in the guest's log:"
	printf '      %s\n' "$words" | cut -c1-170
	good "in the broker's audit log:"
	jq -r 'select(.event == "release" and .verdict != "allowed") | "      \(.verdict) \(.resource) to \(.tee), PCR 8 \(.init_data[0:12])…: \(.rule // .cause)"' "$work/audit.log" | tail -n 1 | cut -c1-170
	good "for the user, with the command that asks without the daemon:"
	words=$("$programs/guest" get-resource --in-process --initdata "$work/changed.toml" --attester tpm \
		--tpm "swtpm:path=$work/other.tpm/socket" --root "$work/other.root" --kernel-command-line /dev/null \
		--log-level error kbs:///default/db/password 2>&1) && die "it was given the secret"
	[[ $words == *"policy denies"* ]] || die "it does not say why: $words"
	printf '      %s\n' "$words" | cut -c1-170
}

main() {
	begin
	trap 'stop_processes; finish' EXIT
	rm -rf "$work"
	step "A cluster, with Cocoon"
	cluster_up
	mkdir -p "$work"
	run "the programs are built" make BUILD=release programs
	run "make images" make images BUILD=release REGISTRY="$REGISTRY"
	run "kubectl apply -k manifests/default" kubectl apply -k manifests/default
	run "webhook and controller run" kubectl -n cocoon-system rollout status deploy --timeout=120s
	PATH=$programs:$PATH
	KBS=http://127.0.0.1:$(free_port)
	admin
	owner
	developer
	guest
	tampered
	printf '\n%sDone in %d s.%s\n' "$green$bold" $((EPOCHSECONDS - began)) "$off"
}

main
