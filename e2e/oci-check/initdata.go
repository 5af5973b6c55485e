// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxDocument bounds the decompressed document. Kata has no limit; a test
// node must not be killed by a compressed bomb.
const maxDocument = 32 << 20

var errNoInitData = errors.New("init-data: missing: this class's guest demands it")

// document is what can be told about an init-data document. Fields are filled
// as far as reading came.
type document struct {
	Algorithm string
	Digest    string
	Keys      []string
}

// readInitData reads an annotation value as the strictest of Kata's readers
// does. With an error it still returns what it had read, or nil.
func readInitData(value string) (*document, error) {
	if value == "" {
		return nil, errNoInitData
	}
	raw, err := decodeAnnotation(value)
	if err != nil {
		return nil, fmt.Errorf("init-data: %w", err)
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return doc, fmt.Errorf("init-data: %w", err)
	}
	return doc, nil
}

// decodeAnnotation undoes base64 and gzip.
func decodeAnnotation(value string) ([]byte, error) {
	// Go's decoder skips line ends, Kata's Rust runtime dies of them.
	if at := strings.IndexAny(value, "\r\n"); at >= 0 {
		return nil, fmt.Errorf("base64: line end at offset %d: it must be one line", at)
	}
	packed, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("base64: %w", err)
	}
	// bytes.Reader is an io.ByteReader: gzip does not read past the member.
	source := bytes.NewReader(packed)
	unpack, err := gzip.NewReader(source)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	unpack.Multistream(false)
	raw, err := io.ReadAll(io.LimitReader(unpack, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("gzip: more than %d bytes", maxDocument)
	}
	if source.Len() > 0 {
		return nil, fmt.Errorf("gzip: %d bytes after the first member", source.Len())
	}
	return raw, nil
}

// parseDocument checks the document and digests its bytes as they are.
func parseDocument(raw []byte) (*document, error) {
	var top map[string]any
	if err := toml.Unmarshal(raw, &top); err != nil {
		return nil, fmt.Errorf("TOML: %w", err)
	}
	if top["version"] != "0.1.0" {
		return nil, fmt.Errorf("version must be \"0.1.0\", is %#v", top["version"])
	}
	algorithm, _ := top["algorithm"].(string)
	digest, err := digestHex(algorithm, raw)
	if err != nil {
		return nil, err
	}
	doc := &document{Algorithm: algorithm, Digest: digest}
	data, ok := top["data"].(map[string]any)
	if !ok {
		return doc, fmt.Errorf("data must be a table, is %T", top["data"])
	}
	doc.Keys = sortedKeys(data)
	for _, key := range doc.Keys {
		text, ok := data[key].(string)
		if !ok {
			return doc, fmt.Errorf("data entry %q must be a string, is %T", key, data[key])
		}
		if err := checkGuestFile(key, text); err != nil {
			return doc, fmt.Errorf("data entry %q: %w", key, err)
		}
	}
	return doc, nil
}

func digestHex(algorithm string, raw []byte) (string, error) {
	switch algorithm {
	case "sha256":
		sum := sha256.Sum256(raw)
		return hex.EncodeToString(sum[:]), nil
	case "sha384":
		sum := sha512.Sum384(raw)
		return hex.EncodeToString(sum[:]), nil
	case "sha512":
		sum := sha512.Sum512(raw)
		return hex.EncodeToString(sum[:]), nil
	}
	return "", fmt.Errorf("algorithm must be sha256, sha384 or sha512, is %q", algorithm)
}
