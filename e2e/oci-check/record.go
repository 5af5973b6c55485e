// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"strings"
	"time"
)

// record is one line of the record file: what arrived at the runtime.
type record struct {
	Time           string   `json:"time"`
	Class          string   `json:"class"`
	Namespace      string   `json:"namespace"`
	Name           string   `json:"name"`
	Verdict        string   `json:"verdict"` // "accepted" or "refused"
	Error          string   `json:"error,omitempty"`
	Algorithm      string   `json:"algorithm,omitempty"`
	Digest         string   `json:"digest,omitempty"`
	DataKeys       []string `json:"data_keys,omitempty"`
	InitData       string   `json:"init_data,omitempty"` // the annotation as it came
	KernelParams   string   `json:"kernel_params,omitempty"`
	RuntimeHandler string   `json:"runtime_handler,omitempty"`
	Annotations    []string `json:"annotations"` // names below io.katacontainers.
}

func newRecord(class string, annotations map[string]string, now time.Time) *record {
	rec := &record{
		Time:           now.UTC().Format(time.RFC3339Nano),
		Class:          class,
		Namespace:      annotations[sandboxNamespaceKey],
		Name:           annotations[sandboxNameKey],
		InitData:       annotations[initDataKey],
		KernelParams:   annotations[kernelParamsKey],
		RuntimeHandler: annotations[runtimeHandlerKey],
		Annotations:    []string{},
	}
	for _, name := range sortedKeys(annotations) {
		if strings.HasPrefix(name, "io.katacontainers.") {
			rec.Annotations = append(rec.Annotations, name)
		}
	}
	return rec
}

func (r *record) note(doc *document) {
	r.Algorithm, r.Digest, r.DataKeys = doc.Algorithm, doc.Digest, doc.Keys
}

func (r *record) conclude(err error) {
	r.Verdict = "accepted"
	if err != nil {
		r.Verdict, r.Error = "refused", err.Error()
	}
}

func (r *record) appendTo(path string) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return appendLine(path, line)
}

// appendLine adds a line by a single write in append mode, so that sandboxes
// created at the same time do not mix their lines.
func appendLine(path string, line []byte) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
