#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# images.sh BINDIR: container images of webhook and controller out of the programs in BINDIR, pushed to $REGISTRY
# (default localhost:5000) as cocoon/NAME:VERSION, the names that the manifests use. Prints each with its digest; the
# same programs give the same digest. `make images` calls it with a release build.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export REGISTRY=${REGISTRY:-localhost:5000}

[ $# -eq 1 ] || {
	echo "usage: ${0##*/} BINDIR, for example out/release-gcc/bin" >&2
	exit 2
}
version=$(cat "$here/../VERSION")
for program in webhook controller; do
	[ -x "$1/$program" ] || {
		echo "${0##*/}: there is no program $1/$program: make BUILD=release $1/$program" >&2
		exit 1
	}
done
for program in webhook controller; do
	pushed=$("$here/../e2e/cluster/image.sh" "cocoon/$program:$version" "$1/$program")
	echo "$REGISTRY/cocoon/$program:$version@${pushed##*@}"
done
