#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# parts.sh: gets the kernel that test VMs boot, and prints the folder that holds it:
#
#   vmlinuz
#   modules/NAME.ko…   those of `wanted` below and what they need
#   modules/order      their file names, in the order in which they can be inserted
#   wanted             for which list of modules it was made
#
# It is Debian's kernel for virtual machines, taken out of its package: to install that would run its hooks, which build
# an initramfs of this machine for a minute. The cache keeps one folder for each version (~/.cache/cocoon/vm-VERSION).
set -euo pipefail

readonly meta=linux-image-cloud-amd64
readonly wanted=(virtio_pci virtio_blk virtio_net dm_crypt xts dm_integrity authenc crypto_null)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cocoon

die() {
	printf 'parts.sh: %s\n' "$@" >&2
	exit 1
}

# The package behind the one that always names the newest.
package_name() {
	apt-cache depends --important "$meta" 2>/dev/null | sed -n 's/^ *Depends: *\(linux-image-[^<>]*\)$/\1/p' | head -n 1
}

as_root() {
	if ((EUID == 0)); then "$@"; else sudo -n -- "$@"; fi
}

refresh() {
	as_root apt-get update -q >&2 || die "apt-get update failed, see above"
}

# fetch NAME: the package as a file in the folder we are in. Lists that are older than the archive name what is gone.
fetch() {
	local words=(-q -o APT::Sandbox::User=root download "$1")
	apt-get "${words[@]}" >&2 || {
		refresh
		apt-get "${words[@]}" >&2
	} || die "$1 cannot be downloaded, see above"
}

# unpack NAME FOLDER: into a folder of its own, then renamed, so that nobody ever sees half of it.
unpack() {
	local version=${1#linux-image-} path
	work=$(mktemp -d "$cache/.vm.XXXXXX")
	trap 'rm -rf -- "$work"' EXIT # not local: the trap runs later
	(cd "$work" && fetch "$1")
	dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work" --wildcards "./boot/vmlinuz-*" "./lib/modules/*"
	rm -f "$work"/*.deb
	depmod -b "$work" "$version"
	mkdir -p "$work/out/modules"
	mv "$work/boot/vmlinuz-$version" "$work/out/vmlinuz"
	for module in "${wanted[@]}"; do
		modprobe -d "$work" -S "$version" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\) *$/\1/p' | awk '!seen[$0]++' >"$work/order"
	while read -r path; do
		cp "$path" "$work/out/modules/"
		echo "${path##*/}"
	done <"$work/order" >"$work/out/modules/order"
	[ -s "$work/out/modules/order" ] || die "$1 holds none of the modules"
	printf '%s\n' "${wanted[@]}" >"$work/out/wanted"
	[ ! -e "$2" ] || mv -T "$2" "$work/old"
	mv -T "$work/out" "$2"
}

complete() { # complete FOLDER
	printf '%s\n' "${wanted[@]}" | cmp -s - "$1/wanted"
}

mkdir -p "$cache"
name=$(package_name)
[ -n "$name" ] || {
	refresh
	name=$(package_name)
}
[ -n "$name" ] || die "no package is behind $meta" "this needs Debian's package lists: apt-get update"
folder=$cache/vm-${name#linux-image-}
if ! complete "$folder"; then
	exec 9>"$cache/vm.lock"
	flock -w 600 9 || die "another process has been getting the kernel for ten minutes"
	complete "$folder" || unpack "$name" "$folder"
fi
echo "$folder"
