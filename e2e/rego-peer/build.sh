#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [FOLDER]: builds rego-peer (regorus, the guest agent's engine) and opa-peer (opa) into FOLDER (out/peers), and
# prints it. Quick when they are up to date. The versions are those of regorus/Cargo.lock and opa/go.mod.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$(realpath -m -- "${1:-$here/../../out/peers}")
go=$("$here/../../tools/go.sh")
cargo=$("$here/../../tools/cargo.sh")

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock -w 900 9 || { echo "build.sh: another build holds $folder/.lock" >&2 && exit 1; }
(cd "$here/opa" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 nice "$go" build -trimpath -buildvcs=false \
	-ldflags '-s -w' -o "$folder/opa-peer" .) >&2
# rustc is looked for beside cargo; what it compiles is kept where Go keeps its own, for the next checkout
made=${XDG_CACHE_HOME:-$HOME/.cache}/cocoon/rego-peer
(cd "$here/regorus" && PATH="$(dirname -- "$cargo"):$PATH" nice "$cargo" build --quiet --locked --release \
	--target-dir "$made") >&2
cmp -s "$made/release/rego-peer" "$folder/rego-peer" || install -m 755 "$made/release/rego-peer" "$folder/rego-peer"
echo "$folder"
