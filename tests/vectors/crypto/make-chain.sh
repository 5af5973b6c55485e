#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How the vectors in this folder were made, with the openssl command (3.0): a root, an intermediate below it, a leaf
# for web.apps.svc below that, all for 100 years, and keys in three forms. Run it in an empty folder.
set -euo pipefail
ca() { printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'; }
leaf() {
	printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n'
	printf 'subjectAltName=DNS:web.apps.svc,DNS:*.web.apps.svc\n'
}
for name in root middle leaf; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $name.key; done
openssl req -x509 -new -key root.key -subj /CN=root -days 36500 -out root.pem \
	-addext 'keyUsage=critical,keyCertSign,cRLSign'
issue() { # NAME ISSUER, extensions on stdin
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	openssl x509 -req -in "$1.csr" -days 36500 -CA "$2.pem" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 15)" \
		-extfile /dev/stdin -out "$1.pem"
}
ca | issue middle root
leaf | issue leaf middle
cat leaf.pem middle.pem >chain.pem
openssl ec -in leaf.key -out leaf-sec1.key
openssl pkcs8 -topk8 -in leaf.key -passout pass:x -out leaf-encrypted.key
openssl x509 -in leaf.pem -outform DER | sha256sum | cut -d' ' -f1 >leaf.sha256
rm -f ./*.csr root.key middle.key middle.pem leaf.pem
