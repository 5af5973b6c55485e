#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [FOLDER]: builds the peers that encrypted images are held against, into FOLDER (out/peers), and prints it.
# Quick when they are up to date. See README.md.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
folder=$(realpath -m -- "${1:-$here/../../out/peers}")
# without gpgme, a container storage and a docker daemon: none of them is used
readonly tags="containers_image_openpgp containers_image_storage_stub containers_image_docker_daemon_stub"
go=$("$here/../../tools/go.sh")

# build MODULE PACKAGE: with cgo, without which ocicrypt has no PKCS#11
build() {
	(cd "$here/$1" && GOWORK=off GOFLAGS='' CGO_ENABLED=1 nice "$go" build -trimpath -buildvcs=false \
		-tags "$tags" -o "$folder/" "$2") >&2
}

mkdir -p "$folder"
exec 9>"$folder/.lock"
flock -w 900 9 || { echo "build.sh: another build holds $folder/.lock" >&2 && exit 1; }
build . ./...
build decoder github.com/containerd/imgcrypt/cmd/ctd-decoder
echo "$folder"
