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

# build FOLDER: the tracked files as they are now, in another order of creation each time
build() {
	mkdir -p "$1"
	git ls-files -z --deduplicate -- Makefile VERSION core '*/*.c' '*/*.h' |
		while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
		sort -z "${@:2}" | tar -c --null -T - --no-recursion | tar -x -C "$1" || return 1
	env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES make -C "$1" -s -j2 BUILD=release CC=gcc programs >"$1.log" 2>&1 ||
		{ tail -n 30 "$1.log" | sed 's/^/# /' && return 1; }
}

build "$first" && build "$second" -r
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
