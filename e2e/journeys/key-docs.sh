#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/sealed-secrets.md, docs/attestation.md and docs/guest.md, command by command as they stand there, with the
# development broker where they speak of one. Needs no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=tests/page.sh
. tests/page.sh

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# page NAME: in a process group of its own, which ends with it
page() {
	local name=docs/$1.md
	PORT=$(free_port) run setsid --wait "$root/e2e/journeys/key-docs.sh" inside "$work" "$name"
	expect_equal "$name: what is shown is what is printed" "" "$said"
	expect_equal "$name: every block of commands is among them" "$(grep -c '^```console$' "$name")" "$(grep -cx '<!-- run -->' "$name")"
}

if [ "${1:-}" = inside ]; then
	trap - EXIT
	rmdir "$work"
	work=$2
	trap 'trap "" TERM; kill 0' EXIT
	run_page "$3"
	exit
fi
# under the name that it is installed by
mkdir "$work/bin" && ln -s "$root/out/release-gcc/bin/guest" "$work/bin/cocoon-guest"
PATH=$work/bin:$root/out/release-gcc/bin:$PATH
export PATH
page guest
page attestation
broker=$work/broker
mkdir "$broker"
image-crypt keygen --type ed25519 "$broker/admin.key" >/dev/null
dev-kbs --listen 127.0.0.1:0 --admin-public-key "$broker/admin.key.pub" --policy allow-all >"$broker/log" 2>&1 </dev/null &
made_processes+=("$!")
until grep -qs listening "$broker/log"; do sleep 0.05; done
KBS=$(jq -r 'select(.msg == "listening").address' "$broker/log") ADMIN_KEY=$broker/admin.key DOCS=$root/docs
export KBS ADMIN_KEY DOCS
page sealed-secrets
finish
