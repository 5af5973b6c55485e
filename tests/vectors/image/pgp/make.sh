#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How the vectors in this folder were made: keys and messages of GnuPG (2.2), and messages of ocicrypt through
# ../wrap.go built with its releases 1.1.10 and 1.3.2 (WRAP_OLD, WRAP_NEW). Run it in an empty folder that has
# ../options.json.
set -euo pipefail
: "${WRAP_OLD:?}" "${WRAP_NEW:?}"
plain=../options.json
GNUPGHOME=$(mktemp -d)
export GNUPGHOME
trap 'gpgconf --kill gpg-agent; rm -rf "$GNUPGHOME"' EXIT
gpg() { command gpg --batch --quiet --yes --pinentry-mode loopback --trust-model always "$@"; }

gpg --passphrase 'pgp word' --quick-gen-key 'Alice Example (images) <alice@example.org>' rsa2048 default never
gpg --passphrase 'pgp word' --quick-add-key "$(gpg -k --with-colons alice | awk -F: '/^fpr/ { print $10; exit }')" \
	rsa2048 encr never
gpg --passphrase '' --quick-gen-key 'Jürgen Groß <bob@example.org>' future-default default never
gpg --passphrase '' --faked-system-time 20200101T000000 --quick-gen-key 'Carol <carol@example.org>' rsa2048 encr 1d
gpg --passphrase '' --quick-gen-key 'Dora <dora@example.org>' rsa2048 default never
dora=$(gpg -k --with-colons dora | awk -F: '/^fpr/ { print $10; exit }')
sed 's/^:-----/-----/' "$GNUPGHOME/openpgp-revocs.d/$dora.rev" | gpg --import
gpg --passphrase '' --quick-gen-key 'Signer <signer@example.org>' rsa2048 sign never
# two keys of one person
for _ in 1 2; do gpg --passphrase '' --quick-gen-key 'Twin <twin@example.org>' future-default default never; done

gpg --export --export-options export-minimal >ring.pgp
gpg --passphrase 'pgp word' --export-secret-keys alice >alice.pgp
gpg --passphrase 'pgp word' --armor --export-secret-keys alice >alice.asc
gpg --export-secret-keys bob >bob.pgp
gpg --export alice >alice.pub
gpg --export alice bob >both.pub

"$WRAP_OLD" wrap pgp alice.pub alice@example.org <$plain >go-old-alice.msg
"$WRAP_NEW" wrap pgp both.pub alice@example.org <$plain >go-new-alice.msg
"$WRAP_NEW" wrap pgp both.pub bob@example.org <$plain >go-new-bob.msg
"$WRAP_NEW" wrap pgp both.pub alice@example.org bob@example.org <$plain >go-new-both.msg
gpg -e -r alice <$plain >gpg-alice.msg
gpg -e -z 0 -r alice -r bob <$plain >gpg-both.msg
gpg -e -R bob <$plain >gpg-hidden-bob.msg
gpg -e -s -u signer -r bob <$plain >gpg-signed-bob.msg
gpg --passphrase word -c -e -r bob <$plain >gpg-password-bob.msg
gpg -e -a -r bob <$plain >gpg-armored-bob.msg
# a megabyte of zeros in a few hundred bytes
head -c 1000000 /dev/zero | gpg -e -z 9 -r bob >gpg-bomb-bob.msg
rm -f both.pub
