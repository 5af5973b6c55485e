// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"cocoon.dev/bench/load/pod"
)

// What a review writes anew each time: uid and pod name, both of fixed length.
const (
	uidFormat  = "5b0c3c1e-7f4e-4d53-9a41-%012x"
	nameFormat = "orders-backend-6f7d9c8b54-%08x"
)

// client is one connection, with its own copy of the request.
type client struct {
	connection  *tls.Conn
	reader      *bufio.Reader
	request     []byte // head and body
	body        []byte // the part of it that is the body
	uids, names []int  // where uid and name stand in it
	images      *images
	imagePlaces [][]int // and the images of each container
	check       *check
	checked     bool // the whole document was compared once
}

func connect(s *settings, config *tls.Config, check *check, images *images) (*client, error) {
	c := &client{check: check, images: images}
	body := review(s, images)
	head := fmt.Sprintf("POST %s?timeout=10s HTTP/1.1\r\nHost: %s\r\nUser-Agent: kube-apiserver-admission\r\n"+
		"Content-Length: %d\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\r\n",
		s.path, s.name, len(body))
	c.request = append([]byte(head), body...)
	c.body = c.request[len(head):]
	c.uids = places(c.body, fmt.Sprintf(uidFormat, 0))
	c.names = places(c.body, fmt.Sprintf(nameFormat, 0))
	for _, image := range images.of(0) {
		c.imagePlaces = append(c.imagePlaces, places(c.body, image))
	}
	connection, err := tls.Dial("tcp", s.address, config)
	if err != nil {
		return nil, err
	}
	c.connection = connection
	c.reader = bufio.NewReaderSize(connection, 16384)
	return c, nil
}

func (c *client) close() { _ = c.connection.Close() }

// review sends number i and returns what was wrong with the answer, "" when nothing was.
func (c *client) review(i int) string {
	uid := fmt.Sprintf(uidFormat, i)
	put(c.body, c.uids, uid)
	put(c.body, c.names, fmt.Sprintf(nameFormat, i))
	for at, image := range c.images.of(i) {
		put(c.body, c.imagePlaces[at], image)
	}
	text, failure := c.exchange()
	if failure != "" {
		return failure
	}
	failure = c.check.answer(text, uid, !c.checked)
	c.checked = true
	return failure
}

// exchange sends the request as it is, and reads the answer; or what went wrong.
func (c *client) exchange() ([]byte, string) {
	if err := c.connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err.Error()
	}
	if _, err := c.connection.Write(c.request); err != nil {
		return nil, err.Error()
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err.Error()
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err.Error()
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Sprintf("status %d: %.200s", response.StatusCode, text)
	}
	return text, ""
}

// mutated are the annotations that the webhook's other half gives to such a pod.
func mutated(s *settings, config *tls.Config, images *images) (map[string]string, error) {
	var got answer

	first := *s
	first.path = s.mutate
	c, err := connect(&first, config, nil, images)
	if err != nil {
		return nil, err
	}
	defer c.close()
	text, failure := c.exchange()
	if failure != "" {
		return nil, fmt.Errorf("%s: %s", s.mutate, failure)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return nil, fmt.Errorf("%s: %w", s.mutate, err)
	}
	if !got.Response.Allowed {
		return nil, fmt.Errorf("%s: not allowed: %.600s", s.mutate, text)
	}
	return annotationsOf(got.Response.Patch)
}

// review is the body as the API server writes it.
func review(s *settings, images *images) []byte {
	kind := map[string]string{"group": "", "version": "v1", "kind": "Pod"}
	resource := map[string]string{"group": "", "version": "v1", "resource": "pods"}
	name := fmt.Sprintf(nameFormat, 0)
	text, err := json.Marshal(map[string]any{
		"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
		"request": map[string]any{
			"uid": fmt.Sprintf(uidFormat, 0), "kind": kind, "resource": resource, "requestKind": kind,
			"requestResource": resource, "name": name, "namespace": s.namespace, "operation": "CREATE",
			"userInfo": map[string]any{
				"username": "system:serviceaccount:kube-system:replicaset-controller",
				"uid":      "f0a4f5b2-5b1c-4e0c-9d6a-0c9f2f6f1a37",
				"groups":   []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
				"extra": map[string][]string{"authentication.kubernetes.io/credential-id": {
					"JTI=0d7f8a52-6a53-4c57-8f0e-3c1c0a4f3c55"}},
			},
			"object": json.RawMessage(pod.JSON(pod.Options{Name: name, Namespace: s.namespace,
				App: "orders-backend", RuntimeClass: s.class, Settings: 10, Admitted: true,
				Images: images.of(0), Annotations: s.annotations})),
			"oldObject": nil, "dryRun": false,
			"options": map[string]string{"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
		},
	})
	if err != nil {
		panic(err) // nothing in it can fail
	}
	return text
}

func places(in []byte, what string) []int {
	var out []int
	for at := 0; ; {
		found := bytes.Index(in[at:], []byte(what))
		if found < 0 {
			return out
		}
		out = append(out, at+found)
		at += found + len(what)
	}
}

func put(into []byte, places []int, what string) {
	for _, at := range places {
		copy(into[at:], what)
	}
}

// What an answer may have to be.
const (
	expectPatch   = "patch"   // allowed, with init-data
	expectAllowed = "allowed" // and nothing more
	expectRefused = "refused"
)

// answer is the part of an AdmissionReview that is looked at.
type answer struct {
	Response struct {
		UID       string `json:"uid"`
		Allowed   bool   `json:"allowed"`
		PatchType string `json:"patchType"`
		Patch     []byte `json:"patch"`
	} `json:"response"`
}

// check knows what an answer has to be.
type check struct {
	expect   string
	document []byte
}

func newCheck(expect, file string) (*check, error) {
	if !slices.Contains([]string{expectPatch, expectAllowed, expectRefused}, expect) {
		return nil, fmt.Errorf("--expect %s is not known", expect)
	}
	if file == "" {
		return &check{expect: expect}, nil
	}
	text, err := os.ReadFile(file)
	return &check{expect, text}, err
}

func (k *check) answer(text []byte, uid string, whole bool) string {
	var got answer
	if err := json.Unmarshal(text, &got); err != nil {
		return err.Error()
	}
	r := &got.Response
	switch {
	case r.UID != uid:
		return "the answer is for another uid"
	case r.Allowed == (k.expect == expectRefused):
		return fmt.Sprintf("allowed is %t: %.600s", r.Allowed, text)
	case k.expect != expectPatch:
		return ""
	case r.PatchType != "JSONPatch" || !bytes.Contains(r.Patch, []byte("cc_init_data")):
		return fmt.Sprintf("no init-data in the patch: %.300s", r.Patch)
	case whole && k.document != nil:
		return k.compare(r.Patch)
	}
	return ""
}

// compare unpacks the document that the patch gives.
func (k *check) compare(patch []byte) string {
	annotations, err := annotationsOf(patch)
	if err != nil {
		return err.Error()
	}
	packed := annotations["io.katacontainers.config.hypervisor.cc_init_data"]
	if packed == "" {
		return "the patch adds no init-data annotation"
	}
	reader, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
	if err != nil {
		return err.Error()
	}
	document, err := io.ReadAll(io.LimitReader(reader, 1<<20))
	if err != nil {
		return err.Error()
	}
	if !bytes.Equal(document, k.document) {
		return fmt.Sprintf("another document: %.300s", document)
	}
	return ""
}

// annotationsOf are those that a patch adds, one by one or all at once.
func annotationsOf(patch []byte) (map[string]string, error) {
	const above = "/metadata/annotations"
	var operations []struct {
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(patch, &operations); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, operation := range operations {
		var one string
		name, found := strings.CutPrefix(operation.Path, above+"/")
		if operation.Path == above {
			if err := json.Unmarshal(operation.Value, &out); err != nil {
				return nil, err
			}
		} else if found {
			if err := json.Unmarshal(operation.Value, &one); err != nil {
				return nil, err
			}
			out[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)] = one
		}
	}
	return out, nil
}

// sleepUntil is exact to a tenth of a millisecond. The run time's own timers are to one millisecond when nothing else
// runs, which is more than what is measured here.
func sleepUntil(when time.Time) {
	for {
		left := time.Until(when)
		if left <= 0 {
			return
		}
		rest := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&rest, nil)
	}
}
