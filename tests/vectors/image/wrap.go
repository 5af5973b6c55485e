// SPDX-License-Identifier: Apache-2.0

// Command wrap calls one key wrapper of github.com/containers/ocicrypt on standard input, for the vectors beside it:
//
//	wrap|unwrap pkcs7 CERTIFICATE… | KEY CERTIFICATE…
//	wrap|unwrap pgp KEYRING RECIPIENT… | KEYRING PASSWORD
//	wrap|unwrap pkcs11 FILE
//
// In a folder of its own: go mod init wrap; go get github.com/containers/ocicrypt@v1.2.1; go build.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/containers/ocicrypt/config"
	"github.com/containers/ocicrypt/config/pkcs11config"
	"github.com/containers/ocicrypt/crypto/pkcs11"
	"github.com/containers/ocicrypt/keywrap"
	"github.com/containers/ocicrypt/keywrap/pgp"
	kp11 "github.com/containers/ocicrypt/keywrap/pkcs11"
	"github.com/containers/ocicrypt/keywrap/pkcs7"
)

func files(paths []string) (out [][]byte) {
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			panic(err)
		}
		out = append(out, b)
	}
	return
}

func main() {
	op, scheme, args := os.Args[1], os.Args[2], os.Args[3:]
	in, _ := io.ReadAll(os.Stdin)
	ec := config.EncryptConfig{Parameters: map[string][][]byte{}}
	dc := config.DecryptConfig{Parameters: map[string][][]byte{}}
	var kw keywrap.KeyWrapper
	switch scheme {
	case "pkcs7":
		kw = pkcs7.NewKeyWrapper()
		if op == "wrap" {
			ec.Parameters["x509s"] = files(args)
		} else {
			dc.Parameters["privkeys"] = files(args[:1])
			dc.Parameters["privkeys-passwords"] = [][]byte{nil}
			dc.Parameters["x509s"] = files(args[1:])
		}
	case "pgp":
		kw = pgp.NewKeyWrapper()
		if op == "wrap" {
			ec.Parameters["gpg-pubkeyringfile"] = files(args[:1])
			for _, r := range args[1:] {
				ec.Parameters["gpg-recipients"] = append(ec.Parameters["gpg-recipients"], []byte(r))
			}
		} else {
			dc.Parameters["gpg-privatekeys"] = files(args[:1])
			dc.Parameters["gpg-privatekeys-passwords"] = [][]byte{[]byte(args[1])}
		}
	case "pkcs11":
		kw = kp11.NewKeyWrapper()
		c, err := pkcs11config.GetUserPkcs11Config()
		if err != nil {
			panic(err)
		}
		var cc config.CryptoConfig
		f := files(args)
		if op == "wrap" {
			if pkcs11.IsPkcs11PublicKey(f[0]) {
				cc, err = config.EncryptWithPkcs11(c, nil, f)
			} else {
				cc, err = config.EncryptWithPkcs11(c, f, nil)
			}
		} else {
			cc, err = config.DecryptWithPkcs11Yaml(c, f)
		}
		if err != nil {
			panic(err)
		}
		if cc.EncryptConfig != nil {
			ec = *cc.EncryptConfig
		}
		if cc.DecryptConfig != nil {
			dc = *cc.DecryptConfig
		}
	}
	var out []byte
	var err error
	if op == "wrap" {
		out, err = kw.WrapKeys(&ec, in)
	} else {
		out, err = kw.UnwrapKey(&dc, in)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.WriteFile("/dev/stdout", out, 0)
}
