// SPDX-License-Identifier: Apache-2.0

// Makes the JWKs of ../keys, and with them the JWEs of ../go-jose, with go-jose: `go run . ..` in this folder.
// `go run . open KEY` opens the JWE on standard input with a key of ../keys and writes what is inside.
package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

var encryptions = []jose.ContentEncryption{jose.A128GCM, jose.A192GCM, jose.A256GCM,
	jose.A128CBC_HS256, jose.A192CBC_HS384, jose.A256CBC_HS512}

var rsaAlgorithms = []jose.KeyAlgorithm{jose.RSA_OAEP, jose.RSA_OAEP_256}
var ecAlgorithms = []jose.KeyAlgorithm{jose.ECDH_ES_A128KW, jose.ECDH_ES_A192KW, jose.ECDH_ES_A256KW}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func key(folder, name string) jose.JSONWebKey {
	var jwk jose.JSONWebKey
	text := must(os.ReadFile(filepath.Join(folder, "keys", name+".jwk")))
	must(0, json.Unmarshal(text, &jwk))
	return jwk
}

func recipient(folder, name string, alg jose.KeyAlgorithm) jose.Recipient {
	jwk := key(folder, name)
	return jose.Recipient{Algorithm: alg, Key: jwk.Public().Key, KeyID: jwk.KeyID}
}

// writeKeys writes those of ../crypto/keys as JWKs; RSA's has a kid.
func writeKeys(folder string) {
	for _, name := range []string{"rsa", "p256", "p384", "p521", "ed25519"} {
		text := must(os.ReadFile(filepath.Join(folder, "../crypto/keys", name+".pem")))
		block, _ := pem.Decode(text)
		jwk := jose.JSONWebKey{Key: must(x509.ParsePKCS8PrivateKey(block.Bytes))}
		if name == "rsa" {
			jwk.KeyID = "the first key"
		}
		must(0, os.WriteFile(filepath.Join(folder, "keys", name+".jwk"), must(jwk.MarshalJSON()), 0o644))
	}
}

type maker struct {
	folder string
	plain  []byte
}

func (m maker) write(name, text string) {
	must(0, os.WriteFile(filepath.Join(m.folder, "go-jose", name), []byte(text), 0o644))
}

// seal writes the JSON form, and the compact one where that can be.
func (m maker) seal(name string, enc jose.ContentEncryption, options *jose.EncrypterOptions, to ...jose.Recipient) {
	var encrypter jose.Encrypter
	if len(to) == 1 {
		encrypter = must(jose.NewEncrypter(enc, to[0], options))
	} else {
		encrypter = must(jose.NewMultiEncrypter(enc, to, options))
	}
	object := must(encrypter.Encrypt(m.plain))
	m.write(name+".json", object.FullSerialize())
	if len(to) == 1 {
		m.write(name+".compact", must(object.CompactSerialize()))
	}
}

func (m maker) all() {
	for _, alg := range rsaAlgorithms {
		m.seal("rsa."+string(alg), jose.A256GCM, nil, recipient(m.folder, "rsa", alg))
	}
	for _, curve := range []string{"p256", "p384", "p521"} {
		for _, alg := range ecAlgorithms {
			m.seal(curve+"."+string(alg), jose.A256GCM, nil, recipient(m.folder, curve, alg))
		}
	}
	for _, enc := range encryptions {
		m.seal("p256."+string(enc), enc, nil, recipient(m.folder, "p256", jose.ECDH_ES_A256KW))
	}
	m.seal("p256.zip", jose.A256GCM, &jose.EncrypterOptions{Compression: jose.DEFLATE},
		recipient(m.folder, "p256", jose.ECDH_ES_A256KW))
	m.seal("general", jose.A256GCM, nil,
		recipient(m.folder, "rsa", jose.RSA_OAEP_256),
		recipient(m.folder, "p256", jose.ECDH_ES_A128KW),
		recipient(m.folder, "p384", jose.ECDH_ES_A192KW),
		recipient(m.folder, "p521", jose.ECDH_ES_A256KW))
	encrypter := must(jose.NewEncrypter(jose.A256GCM, recipient(m.folder, "p256", jose.ECDH_ES_A256KW), nil))
	m.write("p256.aad.json", must(encrypter.EncryptWithAuthData(m.plain, []byte("said to all"))).FullSerialize())
}

func open(name string) {
	text := must(io.ReadAll(os.Stdin))
	algorithms := append(append([]jose.KeyAlgorithm{}, rsaAlgorithms...), ecAlgorithms...)
	object := must(jose.ParseEncrypted(strings.TrimSpace(string(text)), algorithms, encryptions))
	_, _, plain, err := object.DecryptMulti(key("..", name).Key)
	os.Stdout.Write(must(plain, err))
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "open" {
		open(os.Args[2])
		return
	}
	folder := os.Args[1]
	writeKeys(folder)
	maker{folder, must(os.ReadFile(filepath.Join(folder, "plain.json")))}.all()
}
