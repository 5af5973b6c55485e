// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

const vectorA = `version = "0.1.0"
algorithm = "sha384"

[data]
"aa.toml" = '''
[token_configs]
[token_configs.kbs]
url = "http://127.0.0.1:8080"
'''
`

const vectorB = `version = "0.1.0"
algorithm = "sha256"

[data]
"aa.toml" = '''
[token_configs.kbs]
url = "http://127.0.0.1:8080"
'''
`

// annotationA is vector A as another tool compressed it.
const annotationA = "H4sIAAAAAAAC/ytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGluYKHFxRackliTGciklJuqV5OfmKAEl1dXVuaJL8rNT8+KT8/PSMtOLY9H4etlJQLHSohyQURklJQVW+vqGRuZ6BkBoaGVhYAG0DmQKAGait12FAAAA"

const (
	digestA = "fde4f63013a28cedd4fe61082fc634d252c937440d859dcf008cdfad5c09a6bcdc14bf4f862683952bcb1770d83897f1"
	digestB = "e2cee302008783a302f9481be6a48af956a408b5fbd3db05696f9f6652b405ea"
)

func pack(text string) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write([]byte(text))
	w.Close()
	return out.Bytes()
}

func encode(packed []byte) string { return base64.StdEncoding.EncodeToString(packed) }

func annotate(text string) string { return encode(pack(text)) }

func TestGoodDocuments(t *testing.T) {
	sha512A := strings.Replace(vectorA, "sha384", "sha512", 1)
	cases := []struct {
		name, value, algorithm, digest string
		keys                           []string
	}{
		{"vector A, published annotation", annotationA, "sha384", digestA, []string{"aa.toml"}},
		{"vector A, our compression", annotate(vectorA), "sha384", digestA, []string{"aa.toml"}},
		{"vector B", annotate(vectorB), "sha256", digestB, []string{"aa.toml"}},
		{"sha512", annotate(sha512A), "sha512", "", []string{"aa.toml"}},
		{"empty table", annotate("version='0.1.0'\nalgorithm='sha256'\n[data]\n"), "sha256", "", nil},
		{"unknown entries are only measured", annotate("version='0.1.0'\nalgorithm='sha256'\nmore=1\n[data]\nz='['\na=''\n"), "sha256", "", []string{"a", "z"}},
		{"data hub", annotate(withEntry("cdh.toml", "[kbc]\nname = \"cc_kbc\"")), "sha256", "", []string{"cdh.toml"}},
		{"empty aa.toml", annotate(withEntry("aa.toml", "")), "sha256", "", []string{"aa.toml"}},
	}
	for _, c := range cases {
		doc, err := readInitData(c.value)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if doc.Algorithm != c.algorithm || !slices.Equal(doc.Keys, c.keys) {
			t.Errorf("%s: got %+v", c.name, doc)
		}
		if c.digest != "" && doc.Digest != c.digest {
			t.Errorf("%s: digest %s, want %s", c.name, doc.Digest, c.digest)
		}
	}
}

// TestOneByteChangesTheDigest: nothing is normalised before hashing.
func TestOneByteChangesTheDigest(t *testing.T) {
	for _, twin := range []string{vectorB + "\n", vectorB + "# a remark\n", strings.TrimSuffix(vectorB, "\n")} {
		doc, err := readInitData(annotate(twin))
		if err != nil {
			t.Fatal(err)
		}
		if doc.Digest == digestB {
			t.Errorf("%q has the digest of vector B", twin)
		}
	}
}

func withEntry(key, text string) string {
	return "version='0.1.0'\nalgorithm='sha256'\n[data]\n\"" + key + "\"='''\n" + text + "'''\n"
}

func TestMalformedTwins(t *testing.T) {
	packed := pack(vectorA)
	damaged := slices.Clone(packed)
	damaged[len(damaged)-8] ^= 1 // the checksum
	replace := func(old, by string) string { return annotate(strings.Replace(vectorA, old, by, 1)) }
	cases := []struct{ name, value, says string }{
		{"nothing", "", "missing"},
		{"line end", annotationA[:76] + "\n" + annotationA[76:], "base64: line end"},
		{"final line end", annotationA + "\n", "base64: line end"},
		{"no padding", "H4sIAA", "base64"},
		{"space", annotationA[:8] + " " + annotationA[8:], "base64"},
		{"URL alphabet", strings.Replace(annotationA, "/", "_", 1), "base64"},
		{"trailing bits", "H4sIAB==", "base64"},
		{"not gzip", encode([]byte(vectorA)), "gzip"},
		{"cut", encode(packed[:len(packed)-4]), "gzip"},
		{"checksum", encode(damaged), "gzip"},
		{"second member", encode(append(slices.Clone(packed), packed...)), "after the first member"},
		{"trailing byte", encode(append(slices.Clone(packed), 0)), "after the first member"},
		{"not TOML", annotate("version = \n"), "TOML"},
		{"not UTF-8", annotate(vectorA + "# \xff\n"), "TOML"},
		{"key twice", annotate("version='0.1.0'\n" + vectorA), "TOML"},
		{"version 0.1.1", replace("0.1.0", "0.1.1"), "version must be"},
		{"version a number", replace(`"0.1.0"`, "1"), "version must be"},
		{"no version", replace(`version = "0.1.0"`, ""), "version must be"},
		{"sm3", replace("sha384", "sm3"), "algorithm must be"},
		{"upper case", replace("sha384", "SHA384"), "algorithm must be"},
		{"hyphen", replace("sha384", "sha-384"), "algorithm must be"},
		{"no algorithm", replace(`algorithm = "sha384"`, ""), "algorithm must be"},
		{"no data", annotate("version='0.1.0'\nalgorithm='sha256'\n"), "data must be a table"},
		{"data an array", annotate("version='0.1.0'\nalgorithm='sha256'\ndata=[]\n"), "data must be a table"},
		{"number in data", annotate("version='0.1.0'\nalgorithm='sha256'\n[data]\na=1\n"), `data entry "a" must be a string`},
		{"table in data", annotate("version='0.1.0'\nalgorithm='sha256'\n[data.a]\nb=''\n"), `data entry "a" must be a string`},
		{"broken aa.toml", annotate(withEntry("aa.toml", "[")), `data entry "aa.toml"`},
		{"aa.toml without url", annotate(withEntry("aa.toml", "[token_configs.kbs]")), "kbs has no url"},
		{"broken cdh.toml", annotate(withEntry("cdh.toml", "a = ")), `data entry "cdh.toml"`},
		{"cdh.toml without kbc", annotate(withEntry("cdh.toml", "")), "unknown kbc name"},
		{"cdh.toml with another kbc", annotate(withEntry("cdh.toml", "[kbc]\nname='x'")), "unknown kbc name"},
	}
	for _, c := range cases {
		_, err := readInitData(c.value)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q does not say %q", c.name, err, c.says)
		}
	}
}

func TestBombIsRefused(t *testing.T) {
	bomb := annotate(strings.Repeat("#", maxDocument+1))
	if _, err := readInitData(bomb); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}
