#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How the vectors in this folder were made: keys, certificates and messages of the openssl command (3.0), and messages
# of ocicrypt through ../wrap.go built with its releases 1.1.10 and 1.2.1 (WRAP_OLD, WRAP_NEW). Run it in an empty
# folder that has ../options.json.
set -euo pipefail
: "${WRAP_OLD:?}" "${WRAP_NEW:?}"
plain=../options.json
certificate() { # NAME KEY SERIAL SUBJECT
	openssl req -x509 -new -utf8 -key "$2.key" -set_serial "$3" -subj "$4" -days 36500 -out "$1.pem"
}
for key in a b; do openssl genrsa -out $key.key 2048; done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key
certificate a a 0x1001 /O=Cocoon/CN=a
certificate b b 0x1002 /O=Cocoon/CN=b
certificate utf8 a 0x1003 '/O=Müller & Söhne/CN=ключ'
certificate high a 0xff80000000000001 /O=Cocoon/CN=high # a byte 00 stands before it
certificate zero a 0 /O=Cocoon/CN=zero
certificate twin b 0x1001 /O=Cocoon/CN=b # the serial of a, another issuer
certificate ec ec 0x1004 /O=Cocoon/CN=ec
openssl x509 -in a.pem -outform DER -out a.der

for cert in a utf8 high zero; do
	"$WRAP_OLD" wrap pkcs7 $cert.pem <$plain >go-old-$cert.cms
	"$WRAP_NEW" wrap pkcs7 $cert.pem <$plain >go-new-$cert.cms
done
"$WRAP_OLD" wrap pkcs7 b.pem twin.pem a.pem <$plain >go-old-three.cms
"$WRAP_NEW" wrap pkcs7 b.pem twin.pem a.pem <$plain >go-new-three.cms

cms() { # NAME, options behind -encrypt
	local name=$1
	shift
	openssl cms -encrypt -binary -in $plain -outform DER -out "openssl-$name.cms" "$@"
}
cms aes128 -aes-128-cbc a.pem
cms aes192 -aes-192-cbc a.pem
cms aes256 -aes-256-cbc a.pem
cms des3 -des3 a.pem
cms indefinite -stream -aes-256-cbc a.pem
cms keyid -keyid -aes-256-cbc a.pem
cms oaep -aes-256-cbc -recip a.pem -keyopt rsa_padding_mode:oaep
cms oaep256 -aes-256-cbc -recip a.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256
cms oaepmixed -aes-256-cbc -recip a.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 \
	-keyopt rsa_mgf1_md:sha1
cms kari -aes-256-cbc -recip ec.pem -recip a.pem
cms kari-alone -aes-256-cbc ec.pem
cms authenveloped -aes-128-gcm a.pem
cms des -provider legacy -provider default -des a.pem
openssl cms -sign -binary -in $plain -signer a.pem -inkey a.key -outform DER -out openssl-signed.cms
rm -f b.key ec.key
