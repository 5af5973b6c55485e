#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# keys.sh OUT: how long a guest of the build in OUT waits for its keys, how much memory its daemon takes, and the JOSE
# part beside jwcrypto. See README.md. ROUNDS=3 says how often. Raw results go to OUT/bench/keys.jsonl.
set -euo pipefail
(($# == 1)) || { echo "usage: ${0##*/} OUT" >&2 && exit 2; }
# shellcheck source=bench/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/swtpm.bash
. "$top/tests/swtpm.bash"
rounds=${ROUNDS:-3}
readonly each=700 # milliseconds for one operation of JOSE
processes=() round=0
unset AA_KBC_PARAMS AA_SOCKET KBS_CERT SKIP_SEALED_SECRET_VERIFICATION OFFLINE_FS_KBC_EXTRA_FILE_PATH NOTIFY_SOCKET

stop_all() {
	local item
	for item in "${processes[@]}"; do kill "$item" 2>/dev/null || true; done
	[[ ! -d $work/tpm ]] || swtpm_stop "$work/tpm"
	finish
}

# line_of FILE PATTERN: waits for it, and prints what fits
line_of() {
	local _
	for _ in {1..500}; do
		! grep -m1 -o -e "$2" "$1" 2>/dev/null || return 0
		sleep 0.02
	done
	die "${1##*/} did not say '$2'" "$(tail -n 5 "$1")"
}

# served NAME COMMAND…: in the background until the end; $pid, and $log has what it says
served() {
	start "$@"
	processes+=("$pid")
}

# ---- the stage --------------------------------------------------------------------------------------------------

broker() { # broker NAME OPTION…: $kbs
	served "$1" "$out/bin/dev-kbs" --listen 127.0.0.1:0 --policy allow-all "${@:2}" \
		--resource "default/bench/secret=$work/secret" --resource "default/bench/signer=$work/signer-public.json"
	kbs=$(line_of "$log" 'http://127\.0\.0\.1:[0-9]*')
}

prepare() {
	local tool
	for tool in swtpm tpm2 faketime python3; do
		type -P "$tool" >/dev/null || die "$tool is missing" "tools/deps.sh"
	done
	trap stop_all EXIT
	python=$("$top/tools/python.sh")
	opa=$("$top/e2e/kbs/opa.sh")
	load=$out/tests/drivers/kbs_load
	mkdir -p "$out/bench" "$work/jose"
	head -c 1024 /dev/urandom >"$work/secret"
	"$out/bin/sealed-secrets" keygen --kid kbs:///default/bench/signer --output-dir "$work" >/dev/null
	"$out/bin/sealed-secrets" seal vault kbs:///default/bench/secret --key "$work/signer-private.json" >"$work/sealed"
	tcti=$(swtpm_start "$work/tpm")
	broker with-opa --opa "$opa"
	kbs_opa=$kbs
	broker without
}

daemon() { # as it is after its start, with a TPM
	printf '[kbc]\nname = "cc_kbc"\nurl = "%s"\n' "$kbs" >"$work/cdh.toml"
	served guest "$out/bin/guest" serve --kernel-command-line /dev/null --root "$work/root" --eventlog "$work/events" \
		--attester tpm --tpm "$tcti" --aa-socket none --cdh-socket "unix://$work/cdh" --rest 127.0.0.1:0 \
		--features all --cdh-config "$work/cdh.toml"
	rest=$(line_of "$log" '"face":"rest","address":"[^"]*' | cut -d '"' -f 8)
	sleep 2
	memory idle
}

# ---- measurements: a line of the results each ----------------------------------------------------------------------

result() { # result JSON: with the round
	jq -c --argjson round "$round" '. + {$round}' <<<"$1" >>"$results"
}

memory() { # memory WHEN: of the daemon
	result "$(jq -nc --arg what "memory, $1" --argjson kib "$(kilobytes VmRSS)" --argjson peak "$(kilobytes VmHWM)" '{$what, $kib, $peak}')"
}

loaded() { # loaded WHAT STEP ARGUMENT…: of kbs_load; STEP is what is told of
	local said what=$1 step=$2
	shift 2
	said=$("$load" "$@" 2>"$work/load.err") || die "$what failed" "$(<"$work/load.err")" "$said"
	result "$(jq -c --arg what "$what" --arg step "$step" --argjson clients "$3" '{$what, $clients, ms: .[$step], per_s: (.calls / .seconds)}' <<<"$said")"
}

jose() {
	local who line
	"$python" "$top/bench/jose.py" prepare "$work/jose"
	for who in cocoon jwcrypto; do
		if [[ $who == cocoon ]]; then
			"$out/tests/drivers/jose_speed" "$work/jose" "$each"
		else
			"$python" "$top/bench/jose.py" measure "$work/jose" "$each"
		fi >"$work/jose.$who" || die "the JOSE of $who failed"
		while read -r line; do result "$line"; done <"$work/jose.$who"
	done
	"$python" "$top/bench/jose.py" judge "$work/jose" || die "jwcrypto does not take what cocoon made"
}

measure() {
	local piece=default/bench/secret=$work/secret socket=unix://$work/cdh
	jose
	loaded "handshake, sample" handshake sessions 300 1 "$kbs" sample "$piece"
	loaded "handshake, sample, opa" handshake sessions 300 1 "$kbs_opa" sample "$piece"
	loaded "handshake, TPM" handshake sessions 30 1 "$kbs" "$tcti" "$piece"
	loaded "resource, no daemon" get sessions 300 1 "$kbs" sample "$piece"
	loaded "resource by REST" read reads 500 1 "$rest" - "$piece"
	loaded "resource by REST" read reads 2000 64 "$rest" - "$piece"
	loaded "resource by ttrpc" read reads 500 1 - "$socket" "$piece"
	loaded "unseal" unseal unseal 500 1 "$socket" "$work/sealed" "$work/secret"
	loaded "unseal" unseal unseal 2000 64 "$socket" "$work/sealed" "$work/secret"
}

# ---- the tables -------------------------------------------------------------------------------------------------

# The best of the rounds: everything else on the machine only adds.
tables() {
	jq -rs '
		def digits: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 100 | round / 100 end;
		([.[] | select(.ms)] | reduce .[] as $r ({}; .["\($r.what)\t\($r.clients)"] += [$r]) | to_entries),
		([.[] | select(.us)] | reduce .[] as $r ({}; .[$r.what] += [$r]) | to_entries) | .[0] as $first
		| if $first.value[0].ms then
			["what", "clients", "p50 ms", "p99 ms", "calls/s"],
			(.[] | [.key] + ([([.value[].ms.p50] | min), ([.value[].ms.p99] | min), ([.value[].per_s] | max)] | map(digits)))
		else
			[""], ["what", "cocoon us", "jwcrypto us", "times"],
			(.[] | ([.value[] | select(.who == "cocoon").us] | min) as $ours
				| ([.value[] | select(.who == "jwcrypto").us] | min) as $theirs
				| [.key, ($ours | digits), ($theirs | digits), ($theirs / $ours | digits)])
		end | map(tostring) | join("\t")' "$1" | column -t -L -s $'\t'
	echo
	jq -r 'select(.kib) | "\(.what): the daemon has \(.kib) KiB; at most it had \(.peak)"' "$1"
}

begin "$1" guest
prepare
results=$work/keys.jsonl
daemon
for ((round = 1; round <= rounds; round++)); do
	say "round $round of $rounds"
	measure
	memory "after round $round"
done
cp "$results" "$out/bench/keys.jsonl"
printf '%s CPUs (%s), load average %s\ncocoon %s (%s), jwcrypto %s, %s, opa %s\n\n' "$(nproc)" \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(cut -d' ' -f1 /proc/loadavg)" "$(<"$top/VERSION")" \
	"$(basename "$out")" "$(sed -n 's/.*jwcrypto==\([^ )]*\).*/\1/p' "$top/tools/python.sh")" "$(openssl version | cut -d' ' -f1,2)" \
	"$("$opa" version | sed -n 's/^Version: //p')"
tables "$out/bench/keys.jsonl"
echo
echo "Every answer was compared; each library took what the other had made."
