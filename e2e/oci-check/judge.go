// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// Annotations that containerd's CRI plugin writes or forwards.
const (
	containerTypeKey    = "io.kubernetes.cri.container-type"
	sandboxNameKey      = "io.kubernetes.cri.sandbox-name"
	sandboxNamespaceKey = "io.kubernetes.cri.sandbox-namespace"
	runtimeHandlerKey   = "io.containerd.cri.runtime-handler"
	initDataKey         = hypervisorPrefix + "cc_init_data"
	kernelParamsKey     = hypervisorPrefix + "kernel_params"
)

// judge applies the class's rules to a sandbox and notes in rec what it saw,
// also of a sandbox that it refuses.
func judge(cfg *config, className string, annotations map[string]string, rec *record) error {
	rules, err := cfg.class(className)
	if err != nil {
		return err
	}
	// The document is read before the gate is asked, so that a record of a
	// refused pod still tells its digest. The gate's answer goes first.
	doc, docErr := readInitData(annotations[initDataKey])
	if doc != nil {
		rec.note(doc)
	}
	if err := rules.gate(annotations); err != nil {
		return err
	}
	if errors.Is(docErr, errNoInitData) && !rules.Confidential {
		return nil
	}
	return docErr
}

// readAnnotations takes the annotations out of a bundle's config.json.
func readAnnotations(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	var spec struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", path, err)
	}
	return spec.Annotations, nil
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
