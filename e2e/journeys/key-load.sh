#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Many guests of one key broker, in one run: a thousand sessions of the sample TEE while eight daemons attest, each with
# a software TPM of its own; then ten thousand resources read through one daemon by 64 clients at once, by REST and
# ttrpc. Every answer is compared; none may be lost. Memory is looked at after a warm-up and at the end. The broker's
# clock is set forward in between, so that sessions end as they do after five minutes. Needs no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/keys.sh
. e2e/keys.sh

readonly daemons=8
# KiB that may be added between two looks, of which the machine's own allocator takes some
readonly flat=4096 a_session=8
pieces=() tcti=()

# Resources of several sizes: who gets another one's answer sees it.
resources() {
	local i
	for i in {1..9}; do
		head -c $((i * i * 50)) /dev/urandom >"$work/piece$i" && pieces+=("default/load/$i=$work/piece$i") || return
	done
	image-crypt keygen --type ed25519 "$work/admin.key"
}

tpms() {
	local i
	for ((i = 0; i < daemons; i++)); do
		tpm_start "tpm$i" || return
		tcti+=("$tpm")
	done
}

clock_forward() { # clock_forward SECONDS: of the broker, from its start
	printf '+%d\n' "$1" >"$work/clock.new" && mv "$work/clock.new" "$work/clock"
}

the_broker() {
	local piece options=() keys i
	for piece in "${pieces[@]}"; do options+=(--resource "$piece"); done
	clock_forward 0
	of_clock "FAKETIME_TIMESTAMP_FILE=$work/clock" FAKETIME_NO_CACHE=1
	broker_under=("${of_clock[@]}")
	broker_start broker 0 --policy allow-all --opa "$(e2e/kbs/opa.sh)" --audit "$work/audit.jsonl" \
		--admin-public-key "$work/admin.key.pub" "${options[@]}" || return
	keys=$(for i in "$work"/tpm*/ak.b64; do jq -Rc . "$i"; done | jq -sc .) &&
		sealed-secrets provision --kbs "$kbs" --auth-private-key "$work/admin.key" \
			--reference-value "trusted_aks=$keys" --reference-value "tpm_pcr11=[\"$(printf '0%.0s' {1..64})\"]"
}

guests() {
	local i
	for ((i = 0; i < daemons; i++)); do
		guest_rest=127.0.0.1:0 guest_start "guest$i" "$kbs" --attester tpm --tpm "${tcti[i]}" || return
	done
	reader=$guest_pid
	rest=$(log_line "guest$((daemons - 1))" '"face":"rest","address":"[^"]*' | cut -d '"' -f 8)
}

sessions() { # sessions COUNT
	"$load" sessions "$1" 16 "$kbs" sample "${pieces[@]}"
}

reads() { # reads COUNT
	"$load" reads "$1" 64 "$rest" "unix://$work/guest$((daemons - 1)).cdh" "${pieces[@]}"
}

# Each daemon's handshakes, and a resource with the token that it keeps.
attest_one() { # attest_one NUMBER
	local _
	for _ in 1 2 3; do at "guest$1" token kbs >"$work/token$1" || return; done
	[ "$(at "guest$1" get-resource -o raw kbs:///default/load/9 | sha256sum)" = "$(sha256sum <"$work/piece9")" ]
}

attest_all() {
	local i waiting=() status=0
	for ((i = 0; i < daemons; i++)); do
		attest_one "$i" &
		waiting+=("$!")
	done
	for i in "${waiting[@]}"; do wait "$i" || status=1; done
	return "$status"
}

warm_up() { sessions 300 && attest_all && reads 2000; }

grew() { # grew NAME BEFORE AFTER MOST: KiB
	local status=0
	[ $(($3 - $2)) -le "$4" ] || status=1
	check "$status" "$1: from $2 to $3 KiB, at most $4 more" "grew by $(($3 - $2)) KiB"
}

nothing_lost() { # nothing_lost NAME CALLS JSON
	expect_equal "$1" "$2 0" "$(jq -r '"\(.calls) \(.lost)"' <<<"$3")"
	echo "# $3"
}

both() { # both NAME: a thousand sessions, while the daemons attest
	local said attesting
	attest_all >"$work/attest.log" 2>&1 &
	attesting=$!
	said=$(sessions 1000 2>"$work/sessions.log") || cat "$work/sessions.log" >&2
	wait "$attesting"
	check $? "$1: eight daemons with a TPM each attest meanwhile" "$(cat "$work/attest.log")"
	nothing_lost "$1: a thousand handshakes, each with its resource" 1000 "$said"
}

prepared resources
prepared tpms
prepared the_broker
prepared guests
prepared warm_up
clock_forward 400
began=$SECONDS before=$(resident "$broker_pid")
both "first"
between=$(resident "$broker_pid")
grew "the broker keeps $a_session KiB for a session, until it ends" "$before" "$between" $((1024 * a_session))
expect_equal "the broker believed three quotes of each TPM, and more after its clock was set" "true" \
	"$(jq -s 'map(select(.event == "attestation" and .tee == "tpm" and .verdict == "allowed" and .status == "affirming")) |
		length >= 48' "$work/audit.jsonl")"
guest_before=$(resident "$reader")
said=$(reads 10000 2>"$work/reads.log") || cat "$work/reads.log" >&2
nothing_lost "64 clients at once read through one daemon" 10000 "$said"
grew "the daemon after ten thousand reads" "$guest_before" "$(resident "$reader")" "$flat"
grew "the broker after them" "$between" "$(resident "$broker_pid")" "$flat"
clock_forward 800
both "when all sessions have ended, again"
grew "the broker has room in what it had" "$between" "$(resident "$broker_pid")" "$flat"
grew "the daemon, too" "$guest_before" "$(resident "$reader")" "$flat"
echo "# $((SECONDS - began)) s; the broker has $(resident "$broker_pid") KiB, the daemon $(resident "$reader") KiB"
finish
