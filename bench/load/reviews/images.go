// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
)

// images are the names that pods take in turn, so many each. All have the same length, since they are written over one
// another in a review.
type images struct {
	names  []string
	perPod int
}

func newImages(file string, perPod int) (*images, error) {
	if file == "" {
		return &images{}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--images: %w", err)
	}
	out := &images{strings.Fields(string(text)), perPod}
	if perPod < 1 || perPod > 2 || len(out.names) < perPod {
		return nil, fmt.Errorf("--per-pod %d of %d images", perPod, len(out.names))
	}
	for _, name := range out.names {
		if len(name) != len(out.names[0]) {
			return nil, fmt.Errorf("--images: %s has another length than the first", name)
		}
	}
	return out, nil
}

// of are the images of pod number i; none when the pods have some of their own.
func (m *images) of(i int) []string {
	if len(m.names) == 0 {
		return nil
	}
	at := i % m.pods() * m.perPod
	return m.names[at : at+m.perPod]
}

// pods is how many there are until the images come again.
func (m *images) pods() int { return len(m.names) / m.perPod }
