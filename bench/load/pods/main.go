// SPDX-License-Identifier: Apache-2.0

// pods creates the pods --from … --to of the controller's benchmark, several at a time, and prints one JSON object.
// Pod number n is always the same pod: of the application n mod --apps, in the namespace n mod --namespaces, and, when
// n is even, of the confidential RuntimeClass, so that half of the pods go through the webhook.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"cocoon.dev/bench/load/pod"
)

const attempts = 5

type creator struct {
	client                     http.Client
	server, token, class       string
	from, to, namespaces, apps int
	next, created              atomic.Int64
}

func main() {
	var c creator

	flag.StringVar(&c.server, "server", "", "URL of the API server")
	ca := flag.String("ca", "", "file with its CA certificate")
	flag.StringVar(&c.class, "runtime-class", "kata-qemu-snp", "RuntimeClass of every other pod")
	flag.IntVar(&c.from, "from", 0, "number of the first pod")
	flag.IntVar(&c.to, "to", 1000, "number behind the last pod")
	flag.IntVar(&c.namespaces, "namespaces", 10, "number of namespaces, bench-0 and so on; they must exist")
	flag.IntVar(&c.apps, "apps", 200, "number of applications")
	parallel := flag.Int("parallel", 16, "pods created at the same time")
	flag.Parse()
	c.token = os.Getenv("TOKEN") // not in the process list
	if err := c.run(*ca, *parallel); err != nil {
		fmt.Fprintln(os.Stderr, "pods:", err)
		os.Exit(1)
	}
}

func (c *creator) run(ca string, parallel int) error {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return fmt.Errorf("--ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("--ca: %s holds no certificate", ca)
	}
	c.client = http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: parallel,
	}}
	c.next.Store(int64(c.from))
	begin := time.Now()
	failed := make(chan error, parallel)
	var wait sync.WaitGroup
	for range parallel {
		wait.Go(func() { failed <- c.work() })
	}
	wait.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"created": c.created.Load(), "seconds": time.Since(begin).Seconds(),
	})
}

func (c *creator) work() error {
	for {
		n := int(c.next.Add(1) - 1)
		if n >= c.to {
			return nil
		}
		if err := c.create(n); err != nil {
			c.next.Store(int64(c.to)) // nobody else begins another
			return err
		}
		c.created.Add(1)
	}
}

func (c *creator) create(n int) error {
	namespace := fmt.Sprintf("bench-%d", n%c.namespaces)
	// small, as the API server's managed fields double what a pod takes
	options := pod.Options{Namespace: namespace, App: fmt.Sprintf("service-%03d", n%c.apps), Settings: 2}
	options.Name = fmt.Sprintf("%s-6f7d9c8b54-%05x", options.App, n)
	if n%2 == 0 {
		options.RuntimeClass = c.class
	}
	url := c.server + "/api/v1/namespaces/" + namespace + "/pods"
	body := pod.JSON(options)
	for attempt := 1; ; attempt++ {
		status, text, err := c.post(url, body)
		switch {
		case err == nil && (status == http.StatusCreated || status == http.StatusConflict):
			return nil // a conflict: an earlier attempt did arrive
		case attempt == attempts && err != nil:
			return err
		case attempt == attempts || (err == nil && status < 500 && status != http.StatusTooManyRequests):
			return fmt.Errorf("pod %s/%s: status %d: %.300s", namespace, options.Name, status, text)
		}
		time.Sleep(time.Duration(attempt) * time.Second)
	}
}

func (c *creator) post(url string, body []byte) (int, []byte, error) {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, text, err
}
