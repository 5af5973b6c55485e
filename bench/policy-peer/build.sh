#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [FOLDER]: builds the webhook of sigstore's policy-controller, in the version of go.mod, as policy-webhook into
# FOLDER (out/peers), and prints the folder of its module, where its manifests are. Quick when it is up to date.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$(realpath -m -- "${1:-$here/../../out/peers}")
go=$("$here/../../tools/go.sh")

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock -w 900 9 || { echo "build.sh: another build holds $folder/.lock" >&2 && exit 1; }
cd "$here"
export GOWORK=off GOFLAGS=''
CGO_ENABLED=0 nice "$go" build -trimpath -buildvcs=false -ldflags '-s -w' -o "$folder/policy-webhook" \
	github.com/sigstore/policy-controller/cmd/webhook >&2
"$go" list -m -f '{{.Dir}}' github.com/sigstore/policy-controller
