#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How keys/ was made: one RSA key and one of each curve in the forms that the openssl command (3.0) writes, the password
# being "hunter2 9", and what is no key for us, with ssh-keygen for its part. Run it in an empty folder.
set -euo pipefail
pass=(-passout 'pass:hunter2 9')
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem
openssl pkey -in rsa.pem -outform DER -out rsa.der
openssl rsa -in rsa.pem -traditional -out rsa-pkcs1.pem
openssl rsa -in rsa.pem -traditional -outform DER -out rsa-pkcs1.der
openssl rsa -in rsa.pem -RSAPublicKey_out -out rsa-pkcs1-public.pem
openssl rsa -in rsa.pem -RSAPublicKey_out -outform DER -out rsa-pkcs1-public.der
openssl pkey -in rsa.pem -pubout -out rsa-public.pem
openssl pkey -in rsa.pem -pubout -outform DER -out rsa-public.der
openssl req -x509 -new -key rsa.pem -subj /CN=one -days 36500 -out rsa-certificate.pem
openssl x509 -in rsa-certificate.pem -outform DER -out rsa-certificate.der
openssl x509 -in rsa-certificate.pem -trustout -addtrust serverAuth -out rsa-trusted.pem
cat rsa-certificate.pem rsa.pem >rsa-certificate-and-key.pem
# behind the password
openssl pkcs8 -topk8 -in rsa.pem "${pass[@]}" -out rsa-locked.pem
openssl pkcs8 -topk8 -in rsa.pem "${pass[@]}" -outform DER -out rsa-locked.der
openssl pkcs8 -topk8 -in rsa.pem "${pass[@]}" -scrypt -scrypt_N 1024 -out rsa-locked-scrypt.pem
openssl pkcs8 -topk8 -in rsa.pem "${pass[@]}" -v1 PBE-SHA1-3DES -out rsa-locked-v1.pem
openssl pkcs8 -topk8 -in rsa.pem "${pass[@]}" -v1 PBE-MD5-DES -provider legacy -provider default -out rsa-locked-md5-des.pem
openssl pkcs8 -topk8 -in rsa.pem "${pass[@]}" -iter 10000001 -out rsa-locked-costly.pem
for cipher in aes128 aes256 des3; do
	openssl rsa -in rsa.pem -traditional "-$cipher" "${pass[@]}" -out "rsa-locked-old-$cipher.pem"
done
openssl rsa -in rsa.pem -traditional -des "${pass[@]}" -provider legacy -provider default -out rsa-locked-old-des.pem
openssl rsa -in rsa.pem -traditional -camellia128 "${pass[@]}" -out rsa-locked-old-camellia.pem
sed 's/AES-128-CBC/ROT-13-CBC/' rsa-locked-old-aes128.pem >rsa-locked-old-unknown.pem
# the curves
for curve in P-256 P-384 P-521; do
	name=${curve,,} name=${name/-/}
	openssl ecparam -name "${curve/P-256/prime256v1}" -genkey -out "$name-sec1.pem" 2>/dev/null ||
		openssl ecparam -name "secp${curve#P-}r1" -genkey -out "$name-sec1.pem"
	openssl pkey -in "$name-sec1.pem" -out "$name.pem"
	openssl ec -in "$name-sec1.pem" -outform DER -out "$name-sec1.der"
	openssl pkey -in "$name-sec1.pem" -pubout -out "$name-public.pem"
	openssl ec -in "$name-sec1.pem" -aes256 "${pass[@]}" -out "$name-locked-old.pem"
done
openssl genpkey -algorithm ED25519 -out ed25519.pem
openssl pkey -in ed25519.pem -pubout -out ed25519-public.pem
# what "0123456789abcdef0123456789abcdef" becomes
seal() { printf 0123456789abcdef0123456789abcdef | openssl pkeyutl -encrypt -pubin -inkey rsa-public.pem "${@:2}" -out "$1"; }
seal sealed-oaep-sha1 -pkeyopt rsa_padding_mode:oaep
seal sealed-oaep-sha256 -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
seal sealed-pkcs1 -pkeyopt rsa_padding_mode:pkcs1
# no keys for us
mkdir other
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out other/rsa1024.pem
openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out other/rsa-pss.pem
openssl genpkey -algorithm X25519 -out other/x25519.pem
openssl ecparam -name secp256k1 -genkey -noout -out other/secp256k1.pem
openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out other/explicit.pem
openssl ecparam -name prime256v1 -out other/parameters.pem
openssl req -new -key rsa.pem -subj /CN=one -out other/request.pem
openssl pkcs12 -export -in rsa-certificate.pem -inkey rsa.pem -passout pass:x -out other/container.p12
ssh-keygen -q -t ecdsa -N '' -C '' -f other/openssh
cat rsa.pem p256.pem >other/two-private.pem
grep -v -- ----- rsa-public.pem >other/bare-base64.txt
