#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How the files of pkcs12/ were made from key-alone.key, with the openssl command (3.0) and its legacy provider. Run it
# in that folder. The two costly ones take a minute.
set -euo pipefail
key=key-alone.key pass=(-passout pass:cocoon-test-0123)
openssl req -x509 -new -key "$key" -subj /CN=client -days 36500 -out client.pem
with() { openssl pkcs12 -export -inkey "$key" -in client.pem "$@"; }
# as the vendor issues them
vendor=(-legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg SHA1)
with "${vendor[@]}" "${pass[@]}" -out vendor.p12
with "${pass[@]}" -out modern.p12
with "${vendor[@]}" "${pass[@]}" -nomac -out no-mac.p12
with "${vendor[@]}" -passout pass: -out empty-password.p12
with -legacy -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-RC2-40 "${pass[@]}" -macalg SHA1 -out key-under-rc2.p12
with "${vendor[@]}" -keypbe NONE "${pass[@]}" -out key-in-the-clear.p12
with "${vendor[@]}" "${pass[@]}" -iter 10000001 -out costly-mac.p12
with "${vendor[@]}" "${pass[@]}" -iter 10000001 -nomaciter -out costly-key.p12
openssl pkcs12 -export -nokeys -in client.pem "${vendor[@]}" "${pass[@]}" -out no-key.p12
rm -f client.pem
