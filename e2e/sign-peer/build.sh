#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [FOLDER]: builds cosign in the two versions that people sign with, as cosign2 and cosign3, and a registry with the
# referrers API, as referrers-registry, into FOLDER (out/peers), and prints it. Quick when they are up to date. The versions
# are those of v2/go.mod and v3/go.mod.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$(realpath -m -- "${1:-$here/../../out/peers}")
go=$("$here/../../tools/go.sh")

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock -w 900 9 || { echo "build.sh: another build holds $folder/.lock" >&2 && exit 1; }
# build VERSION NAME PACKAGE
build() {
	(cd "$here/v$1" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 nice "$go" build -trimpath -buildvcs=false \
		-ldflags '-s -w' -o "$folder/$2" "$3") >&2
}
build 2 cosign2 github.com/sigstore/cosign/v2/cmd/cosign
build 3 cosign3 github.com/sigstore/cosign/v3/cmd/cosign
build 3 referrers-registry ./registry
echo "$folder"
