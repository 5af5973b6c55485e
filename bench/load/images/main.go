// SPDX-License-Identifier: Apache-2.0

// images makes many signed images of one: manifests that differ in an annotation, hence in their digest, with the same
// layers, and for each a signature in cosign's tag layout, modelled on the one that cosign made of the first. It
// prints their names by digest, one a line.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	manifestType  = "application/vnd.oci.image.manifest.v1+json"
	signatureName = "dev.cosignproject.cosign/signature"
)

type object = map[string]any

type maker struct {
	registry, repository string
	key                  *ecdsa.PrivateKey
	image, signature     []byte // the manifests that the others are made of
	client               http.Client
}

func main() {
	var m maker
	var tag, key string
	var count, threads int

	flag.StringVar(&m.registry, "registry", "127.0.0.1:5000", "address of the registry, plain HTTP")
	flag.StringVar(&m.repository, "repository", "bench/app", "where the image is, and where the others go")
	flag.StringVar(&tag, "tag", "1", "the image, which cosign has signed in the tag layout")
	flag.StringVar(&key, "key", "", "file with an ECDSA key in PEM, not encrypted")
	flag.IntVar(&count, "count", 10000, "how many to make")
	flag.IntVar(&threads, "threads", 8, "how many at the same time")
	flag.Parse()
	if err := m.run(tag, key, count, threads); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func (m *maker) run(tag, key string, count, threads int) error {
	var err error
	if m.key, err = readKey(key); err != nil {
		return err
	}
	m.client.Transport = &http.Transport{MaxIdleConnsPerHost: threads}
	if m.image, err = m.get(tag); err != nil {
		return err
	}
	if m.signature, err = m.get(signatureTag(digest(m.image))); err != nil {
		return err
	}
	names := make([]string, count)
	failures := make(chan error, threads)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range threads {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(count); i = next.Add(1) - 1 {
				name, err := m.make(int(i))
				if err != nil {
					failures <- err
					return
				}
				names[i] = name
			}
		})
	}
	wait.Wait()
	select {
	case err := <-failures:
		return err
	default:
		fmt.Println(strings.Join(names, "\n"))
		return nil
	}
}

// make pushes image number i and its signature.
func (m *maker) make(i int) (string, error) {
	image, err := edit(m.image, func(manifest object) {
		annotations, _ := manifest["annotations"].(object)
		if annotations == nil {
			annotations = object{}
			manifest["annotations"] = annotations
		}
		annotations["org.opencontainers.image.revision"] = fmt.Sprintf("%040x", i)
	})
	if err != nil {
		return "", err
	}
	name := digest(image)
	if err := m.put(name, image); err != nil {
		return "", err
	}
	payload, err := json.Marshal(object{"critical": object{
		"identity": object{"docker-reference": m.registry + "/" + m.repository},
		"image":    object{"docker-manifest-digest": name},
		"type":     "cosign container image signature"}, "optional": nil})
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(payload)
	signed, err := ecdsa.SignASN1(rand.Reader, m.key, hash[:])
	if err != nil {
		return "", err
	}
	signature, err := edit(m.signature, func(manifest object) {
		layer := manifest["layers"].([]any)[0].(object)
		layer["digest"], layer["size"] = digest(payload), len(payload)
		layer["annotations"].(object)[signatureName] = base64.StdEncoding.EncodeToString(signed)
	})
	if err != nil {
		return "", err
	}
	if err := m.putBlob(payload); err != nil {
		return "", err
	}
	return m.registry + "/" + m.repository + "@" + name, m.put(signatureTag(name), signature)
}

func edit(manifest []byte, change func(object)) ([]byte, error) {
	var parsed object
	if err := json.Unmarshal(manifest, &parsed); err != nil {
		return nil, err
	}
	change(parsed)
	return json.Marshal(parsed)
}

func digest(of []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(of)) }

func signatureTag(digest string) string { return strings.Replace(digest, ":", "-", 1) + ".sig" }

func readKey(file string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is no ECDSA key", file)
	}
	return ec, nil
}

func (m *maker) at(path string) string {
	return "http://" + m.registry + "/v2/" + m.repository + "/" + path
}

func (m *maker) get(reference string) ([]byte, error) {
	request, err := http.NewRequest("GET", m.at("manifests/"+reference), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", manifestType)
	text, _, err := m.ask(request, http.StatusOK)
	return text, err
}

func (m *maker) put(reference string, manifest []byte) error {
	request, err := http.NewRequest("PUT", m.at("manifests/"+reference), bytes.NewReader(manifest))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", manifestType)
	_, _, err = m.ask(request, http.StatusCreated)
	return err
}

func (m *maker) putBlob(blob []byte) error {
	request, err := http.NewRequest("POST", m.at("blobs/uploads/"), nil)
	if err != nil {
		return err
	}
	_, header, err := m.ask(request, http.StatusAccepted)
	if err != nil {
		return err
	}
	where, err := url.Parse(header.Get("Location"))
	if err != nil {
		return err
	}
	query := where.Query()
	query.Set("digest", digest(blob))
	where.RawQuery = query.Encode()
	request, err = http.NewRequest("PUT", where.String(), bytes.NewReader(blob))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	_, _, err = m.ask(request, http.StatusCreated)
	return err
}

func (m *maker) ask(request *http.Request, want int) ([]byte, http.Header, error) {
	response, err := m.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err == nil && response.StatusCode != want {
		err = fmt.Errorf("%s %s: status %d: %.200s", request.Method, request.URL.Path, response.StatusCode, text)
	}
	return text, response.Header, err
}
