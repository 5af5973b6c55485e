# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Software TPMs for tests and demos: swtpm behind a Unix socket, with an attestation key (RSA 2048, RSASSA with SHA-256)
# made persistent where guests look for it. For scripts that source this:
#
#     tcti=$(swtpm_start "$work/tpm") || exit      "swtpm:path=…", for --tpm options and TPM2TOOLS_TCTI
#     trap 'swtpm_stop "$work/tpm"' EXIT
#
# The folder then holds ak.pem (the public half) and ak.b64 (the same as it stands in evidence and in the reference value
# trusted_aks). It is made when it is not there; its path must be short, since that of a socket is at most 107 bytes.
# A second start in the same folder finds the keys of the first, and PCRs that are zero again.

swtpm_ak=0x81010002

# swtpm_run FOLDER: the TPM alone, in the background; prints its TCTI
swtpm_run() {
	local folder
	mkdir -p "$1" && folder=$(cd "$1" && pwd) || return
	if [ "${#folder}" -gt 96 ]; then
		echo "swtpm: the path '$folder' is too long for a socket" >&2
		return 1
	fi
	rm -f "$folder/socket" "$folder/socket.ctrl"
	swtpm socket --tpm2 --tpmstate "dir=$folder" --server "type=unixio,path=$folder/socket" \
		--ctrl "type=unixio,path=$folder/socket.ctrl" --flags not-need-init,startup-clear \
		--pid "file=$folder/pid" --log "file=$folder/log" --daemon >&2 || return
	echo "swtpm:path=$folder/socket"
}

# swtpm_key FOLDER TCTI: an attestation key at the usual handle, of an endorsement key
swtpm_key() (
	export TPM2TOOLS_TCTI=$2
	cd "$1" || exit
	if ! tpm2_readpublic -Q -c "$swtpm_ak" -f pem -o ak.pem >keys.log 2>&1; then
		{
			tpm2_createek -Q -G rsa -c ek.ctx -u ek.pub &&
				tpm2_createak -Q -C ek.ctx -c ak.ctx -G rsa -g sha256 -s rsassa -f pem -u ak.pem &&
				tpm2_flushcontext -t && tpm2_flushcontext -l &&
				tpm2_evictcontrol -Q -C o -c ak.ctx "$swtpm_ak" && tpm2_flushcontext -t
		} >keys.log 2>&1 || {
			echo "swtpm: making the keys in '$1' failed:" >&2
			cat keys.log >&2
			exit 1
		}
	fi
	grep -v '^-' ak.pem | tr -d '\n' >ak.b64
)

# swtpm_start FOLDER: a TPM with its key; prints the TCTI
swtpm_start() {
	local tcti
	tcti=$(swtpm_run "$1") || return
	swtpm_key "$1" "$tcti" || {
		swtpm_stop "$1"
		return 1
	}
	echo "$tcti"
}

# swtpm_stop FOLDER: ends the TPM that was started there and waits for its end
swtpm_stop() {
	local pid
	[ -s "$1/pid" ] || return 0
	pid=$(cat "$1/pid")
	kill "$pid" 2>/dev/null || true
	rm -f "$1/pid"
	tail -s 0.02 --pid="$pid" -f /dev/null
}
