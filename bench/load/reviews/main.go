// SPDX-License-Identifier: Apache-2.0

// reviews sends AdmissionReviews of 7 KB pods to a webhook, as the API server does: HTTP/1.1 over TLS on connections
// that stay open, one request at a time on each. It prints one JSON object.
//
// With --rate it is an open loop: the times of all arrivals are fixed before the first, and a latency counts from
// the time at which the review was due, not from the time at which a connection was free for it. A webhook that
// stands still for a moment therefore pays for everyone who had to wait. With --rate 0 each connection sends its
// next review as soon as it has its answer, which measures the most that the webhook can do.
//
// Every answer is checked: status, uid, allowed, and that the patch gives init-data; or what --expect says.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

type settings struct {
	address, path, ca, name   string
	namespace, class, written string
	expect, images, mutate    string
	annotations               map[string]string
	rate, connections, perPod int
	once                      bool
	duration, warmUp          time.Duration
}

// sample is one review's result. Times are nanoseconds since the first arrival was due.
type sample struct {
	due, sent, done int64
	failure         string
}

type report struct {
	Rate        int      `json:"rate"`
	Connections int      `json:"connections"`
	BodyBytes   int      `json:"bodyBytes"`
	Total       int      `json:"total"` // with those of the warm-up, which count nowhere else
	Sent        int      `json:"sent"`
	OK          int      `json:"ok"`
	Errors      int      `json:"errors"`
	Achieved    float64  `json:"achieved"` // good answers a second
	P50         float64  `json:"p50"`      // milliseconds, as all below
	P90         float64  `json:"p90"`
	P99         float64  `json:"p99"`
	P999        float64  `json:"p999"`
	Max         float64  `json:"max"`
	SentLate99  float64  `json:"sentLateP99"` // how late the generator itself, or a full queue, sent
	Failures    []string `json:"failures,omitempty"`
}

func main() {
	var s settings

	flag.StringVar(&s.address, "address", "127.0.0.1:9443", "address of the webhook")
	flag.StringVar(&s.path, "path", "/mutate", "path of its URL")
	flag.StringVar(&s.ca, "ca", "", "file with the CA certificate that signed the webhook's")
	flag.StringVar(&s.name, "server-name", "localhost", "name in the webhook's certificate")
	flag.StringVar(&s.namespace, "namespace", "bench", "namespace of the pods")
	flag.StringVar(&s.class, "runtime-class", "kata-qemu-snp", "RuntimeClass of the pods")
	flag.StringVar(&s.written, "document", "", "file with the init-data document that pods must get (default: any)")
	flag.StringVar(&s.expect, "expect", expectPatch, "what answers must be: patch, allowed or refused")
	flag.StringVar(&s.mutate, "mutate", "", "path that is asked first, once, for the annotations of all pods")
	flag.StringVar(&s.images, "images", "", "file with names of images of one length, which pods take in turn (default: two)")
	flag.IntVar(&s.perPod, "per-pod", 1, "how many of them a pod has: 1 or 2")
	flag.BoolVar(&s.once, "once", false, "with --rate 0: each image once, however long it takes, without warm-up")
	flag.IntVar(&s.rate, "rate", 2000, "reviews a second; 0: as many as the webhook answers")
	flag.IntVar(&s.connections, "connections", 16, "open connections")
	flag.DurationVar(&s.duration, "duration", 10*time.Second, "how long to measure")
	flag.DurationVar(&s.warmUp, "warm-up", 2*time.Second, "how long to send before measuring")
	flag.Parse()
	if err := run(&s); err != nil {
		fmt.Fprintln(os.Stderr, "reviews:", err)
		os.Exit(1)
	}
}

func run(s *settings) error {
	if s.rate < 0 || s.connections < 1 || s.connections > 1024 || s.duration <= 0 {
		return fmt.Errorf("rate, connections or duration is out of range")
	}
	config, err := tlsConfig(s)
	if err != nil {
		return err
	}
	check, err := newCheck(s.expect, s.written)
	if err != nil {
		return err
	}
	images, err := newImages(s.images, s.perPod)
	if err != nil {
		return err
	}
	if s.once {
		if s.rate > 0 || s.images == "" {
			return fmt.Errorf("--once is for --rate 0 and --images")
		}
		s.warmUp, s.duration = 0, time.Hour
	}
	if s.mutate != "" {
		if s.annotations, err = mutated(s, config, images); err != nil {
			return err
		}
	}
	clients := make([]*client, s.connections)
	for i := range clients {
		if clients[i], err = connect(s, config, check, images); err != nil {
			return err
		}
		defer clients[i].close()
	}
	var samples []sample
	if s.rate > 0 {
		samples = openLoop(s, clients)
	} else {
		samples = closedLoop(s, clients, images)
	}
	return json.NewEncoder(os.Stdout).Encode(summary(s, len(clients[0].body), samples))
}

func tlsConfig(s *settings) (*tls.Config, error) {
	pem, err := os.ReadFile(s.ca)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s holds no certificate", s.ca)
	}
	return &tls.Config{RootCAs: roots, ServerName: s.name, NextProtos: []string{"http/1.1"}}, nil
}

// openLoop gives each arrival to whichever connection is free first; if none is, it waits, and its clock runs.
func openLoop(s *settings, clients []*client) []sample {
	total := int(float64(s.rate) * (s.warmUp + s.duration).Seconds())
	samples := make([]sample, total)
	arrivals := make(chan int, total)
	var wait sync.WaitGroup

	begin := time.Now()
	for _, c := range clients {
		wait.Go(func() {
			for i := range arrivals {
				samples[i].sent = int64(time.Since(begin))
				samples[i].failure = c.review(i)
				samples[i].done = int64(time.Since(begin))
			}
		})
	}
	for i := range samples {
		samples[i].due = int64(i) * int64(time.Second) / int64(s.rate)
		sleepUntil(begin.Add(time.Duration(samples[i].due)))
		arrivals <- i
	}
	close(arrivals)
	wait.Wait()
	return samples
}

func closedLoop(s *settings, clients []*client, images *images) []sample {
	var samples []sample
	var lock sync.Mutex
	var wait sync.WaitGroup
	var count atomic.Int64

	begin := time.Now()
	end := int64(s.warmUp + s.duration)
	for _, c := range clients {
		wait.Go(func() {
			mine := make([]sample, 0, 1<<16)
			for now := int64(0); now < end; {
				i := int(count.Add(1)) - 1
				if s.once && i >= images.pods() {
					break
				}
				failure := c.review(i)
				done := int64(time.Since(begin))
				mine = append(mine, sample{now, now, done, failure})
				now = done
			}
			lock.Lock()
			defer lock.Unlock()
			samples = append(samples, mine...)
		})
	}
	wait.Wait()
	return samples
}

func summary(s *settings, bytes int, samples []sample) report {
	out := report{Rate: s.rate, Connections: s.connections, BodyBytes: bytes, Total: len(samples)}
	var took, late []float64
	var last int64

	for _, x := range samples {
		if x.due < int64(s.warmUp) {
			continue
		}
		out.Sent++
		last = max(last, x.done)
		if x.failure != "" {
			out.Errors++
			if len(out.Failures) < 5 && !slices.Contains(out.Failures, x.failure) {
				out.Failures = append(out.Failures, x.failure)
			}
			continue
		}
		took = append(took, float64(x.done-x.due)/1e6)
		late = append(late, float64(x.sent-x.due)/1e6)
	}
	out.OK = len(took)
	if out.OK == 0 {
		return out
	}
	slices.Sort(took)
	slices.Sort(late)
	at := func(sorted []float64, share float64) float64 { return sorted[int(share*float64(len(sorted)-1))] }
	out.Achieved = float64(out.OK) / (float64(last-int64(s.warmUp)) / 1e9)
	out.P50, out.P90, out.P99, out.P999 = at(took, .5), at(took, .9), at(took, .99), at(took, .999)
	out.Max, out.SentLate99 = at(took, 1), at(late, .99)
	return out
}
