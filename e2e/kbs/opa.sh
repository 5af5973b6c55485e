#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# opa.sh [FOLDER]: builds opa, which evaluates the Rego that dev-kbs is given, into FOLDER (out/peers), and prints its
# path. Quick when it is up to date. The version is the one of opa/go.mod.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$(realpath -m -- "${1:-$here/../../out/peers}")
go=$("$here/../../tools/go.sh")

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock -w 900 9 || { echo "opa.sh: another build holds $folder/.lock" >&2 && exit 1; }
(cd "$here/opa" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 nice "$go" build -trimpath -buildvcs=false \
	-o "$folder/opa" github.com/open-policy-agent/opa) >&2
echo "$folder/opa"
