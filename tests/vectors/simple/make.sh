#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the files of this folder anew with GnuPG 2.2, at made-up times. Usage: make.sh FOLDER
set -euo pipefail
out=${1:?usage: make.sh FOLDER}
home=$(mktemp -d)
trap 'GNUPGHOME=$home gpgconf --kill all; rm -rf "$home"' EXIT
export GNUPGHOME=$home
mkdir -p "$out"
cd "$out"

# at TIME ARGUMENT…: gpg at that time
at() {
	local time=$1
	shift
	gpg --batch --quiet --yes --no-tty --pinentry-mode loopback --passphrase '' --ignore-time-conflict \
		--faked-system-time "$time!" "$@" 2>>"$home/log"
}
# sign NAME KEY OPTION…: NAME.sig, of 2 January 2022
sign() {
	local name=$1 key=$2
	shift 2
	at 20220102T000000 -u "<$key@example>" -o "$name.sig" --compress-algo none "$@" --sign payload.json
}
fingerprint() { gpg --batch --with-colons --list-keys "<$1@example>" | awk -F: '/^fpr/ { print $10; exit }'; }
key() { at 20220101T000000 --quick-gen-key "$1 <$1@example>" "$2" "$3" "$4"; }
ring() { at 20220104T000000 --export "<$1@example>" >"$1.ring"; }

printf %s '{"critical":{"identity":{"docker-reference":"registry.example/team/app:1.0"},"image":{"docker-manifest-digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"type":"atomic container signature"},"optional":{"creator":"atomic 2.0.0","timestamp":1640995200}}' >payload.json

key rsa rsa2048 sign never
key ed25519 ed25519 sign never
key ecdsa nistp256 sign never
key dsa dsa2048 sign never
key small rsa1024 sign never
key short ed25519 sign 1y
key revoked ed25519 sign never
key unsigning ed25519 sign,cert never
key sub ed25519 cert never
at 20220101T000000 --quick-add-key "$(fingerprint sub)" ed25519 sign never
at 20220101T000000 --quick-add-key "$(fingerprint ecdsa)" nistp256 encr never

for name in rsa ed25519 ecdsa dsa small short revoked sub unsigning; do
	sign "$name" "$name"
done
# what they became afterwards: revoked, and for certificates alone
sed 's/^:---/---/' "$home/openpgp-revocs.d/$(fingerprint revoked).rev" >"$home/revocation"
at 20220103T000000 --import "$home/revocation"
printf 'change-usage\nS\nQ\nsave\n' | at 20220103T000000 --command-fd 0 --edit-key "$(fingerprint unsigning)"
for name in rsa ed25519 ecdsa dsa small short revoked sub unsigning; do
	ring "$name"
done
# the ring does not know that its key lives longer
at 20220103T000000 --quick-set-expire "$(fingerprint short)" 5y
at 20240102T000000 -u '<short@example>' -o late.sig --compress-algo none --sign payload.json

sign zip rsa --compress-algo zip
sign zlib rsa --compress-algo zlib
sign bzip2 rsa --compress-algo bzip2
at 20220102T000000 -u '<rsa@example>' --compress-algo none --sign <payload.json >stdin.sig
sign sha1 rsa --digest-algo SHA1
sign sha512 ecdsa --digest-algo SHA512
sign expiring ed25519 --default-sig-expire 1y
sign notation ed25519 --sig-notation '!words@example=made up'
sign text ed25519 --textmode
sign two ed25519 -u '<rsa@example>'
sign armored ed25519 --armor
at 20220102T000000 -u '<ed25519@example>' -o clear.sig --clear-sign payload.json
at 20220102T000000 -u '<ed25519@example>' -o detached.sig --detach-sign payload.json
at 20220102T000000 -u '<ed25519@example>' -o detached-armored.sig --armor --detach-sign payload.json
at 20220102T000000 -u '<ed25519@example>' -r '<ecdsa@example>' --trust-model always -o encrypted.sig --encrypt \
	--sign payload.json
at 20220102T000000 --passphrase x -o password.sig --symmetric payload.json
at 20220102T000000 -o unsigned.sig --compress-algo none --store payload.json
head -c 3000000 /dev/zero | at 20220102T000000 -u '<rsa@example>' --compress-algo zlib -z 9 --sign >bomb.sig

at 20220104T000000 --armor --export '<rsa@example>' >rsa.asc
{ cat rsa.asc && at 20220104T000000 --armor --export '<ed25519@example>'; } >two.asc
at 20220104T000000 --export '<rsa@example>' '<ed25519@example>' '<ecdsa@example>' >three.ring
at 20220104T000000 --armor --export-secret-keys '<ed25519@example>' >secret.asc
at 20220104T000000 --export-secret-keys '<ed25519@example>' >secret.ring

for name in rsa ed25519 ecdsa dsa small short revoked sub unsigning; do
	echo "$name $(fingerprint "$name")"
done >fingerprints
