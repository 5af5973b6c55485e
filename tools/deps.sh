#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building, testing and the real cluster need and this machine lacks: Debian packages, and Go where
# none is new enough. Does nothing, quickly, when all is there. Needs root (or sudo) only when something is missing.
set -euo pipefail
cd "$(dirname "$0")"

build=(gcc make pkg-config libc6-dev libcurl4-openssl-dev libwebsockets-dev libjansson-dev libyaml-dev libssl-dev zlib1g-dev
	libnghttp2-dev libarchive-dev libgpgme-dev libp11-kit-dev libtss2-dev librnp-dev xz-utils git)
quality=(clang clang-format clang-tidy libclang-rt-14-dev llvm shellcheck libcmocka-dev jq man-db openssl curl gnupg
	softhsm2 opensc jose time zstd)
cluster=(etcd-server etcd-client containerd runc containernetworking-plugins docker-registry umoci skopeo iproute2
	iptables procps util-linux e2fsprogs cryptsetup-bin swtpm swtpm-tools tpm2-tools libtss2-tcti-device0 libtss2-tcti-swtpm0
	qemu-system-x86 busybox-static cpio kmod python3-minimal python3-venv faketime ca-certificates)
packages=("${build[@]}" "${quality[@]}" "${cluster[@]}")
# Debian's cargo is too old for the policy engine that rules are tested with; the one that its browsers are built with
# is not
./cargo.sh >/dev/null 2>&1 || packages+=(cargo-web rustc-web)

declare -A service_of=([etcd-server]=etcd [containerd]=containerd [docker-registry]=docker-registry)

# One call for all: dpkg-query names the packages it knows, of which only the installed ones count.
missing() {
	comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) \
		<(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' | sort -u)
}

as_root() {
	if ((EUID == 0)); then "$@"; else sudo -- "$@"; fi
}

# Several of these packages bring a service that Debian starts at once: etcd, containerd, the registry. Ours run only
# inside tests, so while packages are installed a policy says no to every start, and afterwards the machine's own
# policy is back. (A start that is refused so leaves the service as it was: those that ran before run on.)
policy=/usr/sbin/policy-rc.d

install_quietly() {
	local kept='' status=0
	if [[ -e $policy || -L $policy ]]; then
		kept=$(as_root mktemp -u "$policy.XXXXXX")
		as_root mv -- "$policy" "$kept"
	fi
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
	# shellcheck disable=SC2064 # expanded now: the trap must know the names
	trap "restore_policy '$kept'" EXIT
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" || status=$?
	trap - EXIT
	restore_policy "$kept"
	return "$status"
}

restore_policy() {
	as_root rm -f -- "$policy"
	[[ -z $1 ]] || as_root mv -- "$1" "$policy"
}

mapfile -t absent < <(missing)
if ((${#absent[@]})); then
	type -P apt-get >/dev/null || {
		echo "deps.sh: missing: ${absent[*]}; this is no Debian system, install them by hand" >&2
		exit 1
	}
	echo "deps.sh: installing ${absent[*]}" >&2
	as_root apt-get update -q
	install_quietly "${absent[@]}"
	# what a package of ours enabled would start with the next boot
	if type -P systemctl >/dev/null; then
		for package in "${!service_of[@]}"; do
			[[ " ${absent[*]} " != *" $package "* ]] ||
				as_root systemctl disable -q "${service_of[$package]}" || true
		done
	fi
fi
./go.sh >/dev/null
