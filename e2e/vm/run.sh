#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh: boots one test VM and waits for its end; what it writes on its serial console is standard output. Emulated
# (TCG) on any machine: its memory is not encrypted and the software TPM belongs to the host, so that it shows protocol
# and data path, and no confidentiality at all.
#
#   --parts DIR        the kernel (e2e/vm/parts.sh)
#   --initrd FILE
#   --append WORDS     more of the kernel's command line
#   --memory MIB       320
#   --tpm DIR          the state of a software TPM, which a swtpm of its own serves as /dev/tpm0
#   --disk FILE,SERIAL[,ro]   a raw disk; may be repeated
#   --seconds N        how long it may take; 60
#
# Its network is QEMU's own: the guest is 10.0.2.15, and 10.0.2.2 is the loopback of this machine.
# Exit code: 0 when the guest powered off, 124 when the time was over, else QEMU's.
set -euo pipefail

die() {
	echo "run.sh: $1" >&2
	exit 2
}

parts='' initrd='' append='' memory=320 tpm='' seconds=60 count=0
machine=()
while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || die "$1 needs a value"
	case $1 in
	--parts) parts=$2 ;;
	--initrd) initrd=$2 ;;
	--append) append=$2 ;;
	--memory) memory=$2 ;;
	--tpm) tpm=$2 ;;
	--seconds) seconds=$2 ;;
	--disk)
		IFS=, read -r file serial mode <<<"$2"
		machine+=(-drive "if=none,id=d$count,file=$file,format=raw,readonly=$([ "$mode" = ro ] && echo on || echo off)"
			-device "virtio-blk-pci,drive=d$count,serial=$serial")
		count=$((count + 1))
		;;
	*) die "there is no option $1" ;;
	esac
	shift 2
done
if [ -z "$parts" ] || [ -z "$initrd" ]; then die "--parts and --initrd must be given"; fi

work=$(mktemp -d /tmp/vm.XXXXXX) # short: a socket's path has 107 bytes
swtpm=
# shellcheck disable=SC2317 # called by the trap
way_out() {
	[ -z "$swtpm" ] || kill "$swtpm" 2>/dev/null || true
	rm -rf -- "$work"
}
trap way_out EXIT

if [ -n "$tpm" ]; then
	swtpm socket --tpm2 --tpmstate "dir=$tpm" --ctrl "type=unixio,path=$work/tpm" --flags startup-clear \
		--terminate >"$work/swtpm.log" 2>&1 </dev/null &
	swtpm=$!
	for ((i = 0; i < 200; i++)); do
		[ ! -S "$work/tpm" ] || break
		kill -0 "$swtpm" 2>/dev/null || break
		sleep 0.05
	done
	[ -S "$work/tpm" ] || die "swtpm did not start: $(tail -n 3 "$work/swtpm.log")"
	# shellcheck disable=SC2054 # the commas are QEMU's
	machine+=(-chardev "socket,id=tpm,path=$work/tpm" -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-tis,tpmdev=tpm0)
fi
status=0
timeout --kill-after=5 "$seconds" qemu-system-x86_64 -accel tcg -machine q35 -cpu max -m "$memory" -smp 1 -nodefaults \
	-no-user-config -display none -no-reboot -serial stdio -kernel "$parts/vmlinuz" -initrd "$initrd" \
	-append "console=ttyS0 quiet panic=-1 $append" -netdev user,id=n -device virtio-net-pci,netdev=n,romfile= \
	"${machine[@]}" </dev/null || status=$?
exit "$status"
