#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# initrd.sh OUT PARTS INIT: builds the initramfs of a test VM from the kernel's parts (e2e/vm/parts.sh), a script that
# runs as /init, and a list on standard input, one thing a line:
#
#   program PATH [AS]   with the libraries that ldd lists for it, at their own paths
#   library NAME        one that a program loads by name, with what it needs
#   file PATH AS
#
# busybox is always in it, with a link for each of its applets, and the kernel's modules are in /modules. The same files
# give the same bytes.
set -euo pipefail

die() {
	echo "initrd.sh: $1" >&2
	exit 1
}

[ $# -eq 3 ] || die "usage: initrd.sh OUT PARTS INIT <LIST"
out=$(realpath -m -- "$1") parts=$2 init=$3
tree=$(mktemp -d)
trap 'rm -rf -- "$tree"' EXIT

put() { # put MODE PATH AS: a copy, links followed
	[ -e "$2" ] || die "there is no $2"
	install -D -m "$1" -- "$2" "$tree$3"
}

libraries() { # libraries PATH: what it needs, at the paths where the loader looks
	local path
	while read -r path; do
		[ -e "$tree$path" ] || put 755 "$path" "$path"
	done < <(ldd "$1" 2>/dev/null | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p')
}

library() { # library NAME
	local path
	path=$(ldconfig -p | sed -n "s/^\t$1 (.*x86-64.*) => //p" | head -n 1)
	[ -n "$path" ] || die "there is no library $1"
	put 755 "$path" "$path"
	libraries "$path"
}

mkdir -p "$tree"/{bin,sbin,dev,proc,sys,run,tmp,etc,modules,usr/bin,usr/sbin,lib,usr/lib}
put 755 "$(type -P busybox)" /bin/busybox
while read -r applet; do
	[ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
done < <(busybox --list)
cp "$parts"/modules/* "$tree/modules/"
put 755 "$init" /init
while read -r kind path as; do
	case $kind in
	program)
		put 755 "$(realpath -- "$path")" "${as:-$path}"
		libraries "$path"
		;;
	library) library "$path" ;;
	file) put 644 "$path" "$as" ;;
	*) die "the list holds \"$kind\", must be program, library or file" ;;
	esac
done
find "$tree" -exec touch -h -d @0 {} +
(cd "$tree" && find . -print0 | LC_ALL=C sort -z | cpio --quiet --null --reproducible -R 0:0 -o -H newc | gzip -1 -n) >"$out.part"
mv "$out.part" "$out"
