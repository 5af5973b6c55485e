#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a cargo that is new enough: the machine's own, or rustup's. tools/deps.sh installs Debian's where
# there is none.
set -euo pipefail
minor=85

is_new() {
	local version
	version=$("$1" --version 2>/dev/null) || return 1
	[[ $version =~ ^cargo\ 1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= minor))
}

for candidate in "$(type -P cargo || true)" "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" /usr/bin/cargo; do
	if [[ -n $candidate && -x $candidate ]] && is_new "$candidate"; then
		echo "$candidate"
		exit
	fi
done
echo "cargo.sh: no cargo 1.$minor or later: tools/deps.sh installs one, or use rustup" >&2
exit 1
