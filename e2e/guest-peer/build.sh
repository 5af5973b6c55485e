#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [FOLDER]: builds the peers that the services of the guest are held against, into FOLDER (out/peers), and
# prints it. Quick when they are up to date. See README.md.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$(realpath -m -- "${1:-$here/../../out/peers}")
go=$("$here/../../tools/go.sh")

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock -w 900 9 || { echo "build.sh: another build holds $folder/.lock" >&2 && exit 1; }
(cd "$here" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 nice "$go" build -trimpath -buildvcs=false -o "$folder/" ./...) >&2
echo "$folder"
