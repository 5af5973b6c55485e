#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How the vectors in this folder were made: keys of the openssl command (3.0), and elements of ocicrypt through
# ../wrap.go built with its release 1.2.1 (WRAP). Run it in an empty folder that has ../options.json.
set -euo pipefail
: "${WRAP:?}"
export OCICRYPT_CONFIG=internal
for bits in 2048 3072; do
	openssl genrsa -out $bits.key $bits
	openssl rsa -in $bits.key -pubout -out $bits.pub
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key
openssl pkey -in ec.key -pubout -out ec.pub
wrap() { "$WRAP" wrap pkcs11 "$@" <../options.json | grep -v ^Note | tr -d '\n'; }
OCICRYPT_OAEP_HASHALG=sha1 wrap 2048.pub >go-sha1.json
wrap 3072.pub >go-sha256.json
OCICRYPT_OAEP_HASHALG=sha1 wrap 3072.pub 2048.pub >go-two.json
# as releases before 1.1.4 wrote it
sed 's/,"hash":"sha1"//' go-sha1.json >go-without-hash.json
rm -f ec.key
