#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a Python that has the packages which tests and benchmarks hold ours against, in the versions named
# here. It is made from PyPI in the cache when it is not there yet.
set -euo pipefail
packages=(cryptography==50.0.2 jwcrypto==1.6.1)
name=$(printf '%s\n' "${packages[@]}" | sha256sum)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/cocoon/python-${name:0:12}

# the mark is made last: half an installation is none
found() {
	[[ -e $venv/complete ]] && echo "$venv/bin/python"
}

found && exit
echo "python.sh: installing ${packages[*]} into $venv" >&2
mkdir -p "${venv%/*}"
exec 9>"$venv.lock"
flock -w 900 9 || { echo "python.sh: another installation holds $venv.lock" >&2 && exit 1; }
found && exit
python3 -m venv --clear "$venv" >&2
"$venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}" >&2
touch "$venv/complete"
found
