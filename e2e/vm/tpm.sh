#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tpm.sh DIR: makes the state of a new software TPM in DIR, with an attestation key at the handle where guests look for
# it (0x81010002), and prints the key's public half as brokers name it: its DER in base64, on one line. This is what a
# cloud does when it makes a VM; the broker's owner writes the printed line into the reference value trusted_aks.
set -euo pipefail

die() {
	echo "tpm.sh: $1" >&2
	exit 1
}

[ $# -eq 1 ] || die "usage: tpm.sh DIR"
state=$1
work=$(mktemp -d /tmp/tpm.XXXXXX) # short: a socket's path has 107 bytes
swtpm=
# shellcheck disable=SC2317 # called by the trap
way_out() {
	[ -z "$swtpm" ] || kill "$swtpm" 2>/dev/null || true
	rm -rf -- "$work"
}
trap way_out EXIT

mkdir -p "$state"
swtpm socket --tpm2 --tpmstate "dir=$state" --server "type=unixio,path=$work/tpm" --ctrl "type=unixio,path=$work/tpm.ctrl" \
	--flags not-need-init,startup-clear >"$work/log" 2>&1 </dev/null &
swtpm=$!
for ((i = 0; i < 200; i++)); do
	[ ! -S "$work/tpm" ] || [ ! -S "$work/tpm.ctrl" ] || break
	kill -0 "$swtpm" 2>/dev/null || break
	sleep 0.05
done

tool() { # tool COMMAND…: of tpm2
	TPM2TOOLS_TCTI="swtpm:path=$work/tpm" timeout 30 tpm2 "$@" >"$work/said" 2>&1 </dev/null ||
		die "tpm2 $1 failed: $(tail -n 3 "$work/said" "$work/log")"
}

tool createprimary -Q -C e -g sha256 -G rsa2048:rsassa-sha256:null -c "$work/ak" \
	-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign|noda'
tool evictcontrol -Q -C o -c "$work/ak" 0x81010002
tool readpublic -Q -c 0x81010002 -f der -o "$work/ak.der"
tool shutdown
base64 -w 0 "$work/ak.der"
echo
