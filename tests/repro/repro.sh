#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two release builds of the same sources, in two folders of different names, give the same bytes. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
first=$work/a
second=$work/a-folder-with-a-longer-name
number=0

report() { # report STATUS NAME
	number=$((number + 1))
	if (($1 == 0)); then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}

# The tracked files as they are now, and the same once more, created in the other order.
copies() {
	mkdir -p "$first" "$second"
	git ls-files -z --deduplicate -- Makefile VERSION core tools/embed.awk '*/*.c' '*/*.h' |
		while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
		tar -c --no-recursion --null -T - | tar -x -C "$first" || return 1
	(cd "$first" && find . -type f -print0 | sort -rz | tar -c --null -T -) | tar -x -C "$second"
}

build() { # build FOLDER
	env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES make -C "$1" -s -j2 BUILD=release CC=gcc programs >"$1.log" 2>&1 && return
	tail -n 30 "$1.log" | sed 's/^/# /'
	return 1
}

copies && build "$first" && build "$second"
report $? "the release builds in both folders"
found=0
for program in "$first"/out/release-gcc/bin/*; do
	[[ -f $program ]] || continue
	found=$((found + 1))
	name=${program##*/}
	cmp -- "$program" "$second/out/release-gcc/bin/$name" >&2
	report $? "$name is the same, bit for bit"
	! grep -qF -- "$work" "$program"
	report $? "$name does not name the folder it was built in"
done
((found > 0))
report $? "there are programs to compare"
echo "1..$number"
