// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary play oci-check under a link's name.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "oci-check-") {
		main()
	}
	os.Exit(m.Run())
}

// runtimeFolder is a folder as cluster.sh makes it: links, a configuration and
// a runc that prints its arguments.
func runtimeFolder(t *testing.T, class string) (program, recordFile string) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "oci-check-"+class)
	recordFile = filepath.Join(dir, "record.jsonl")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "oci-check.toml"), "runc = '"+dir+"/runc'\nrecord = '"+recordFile+"'\n")
	write(t, filepath.Join(dir, "runc"), "#!/bin/sh\necho runc \"$@\"\n")
	return program, recordFile
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func bundle(t *testing.T, annotations map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(map[string]any{"ociVersion": "1.0.2", "annotations": annotations})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.json"), string(text))
	return dir
}

func lastRecord(t *testing.T, path string) record {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rec record
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			t.Fatal(err)
		}
	}
	return rec
}

func sandbox(more ...string) map[string]string {
	annotations := map[string]string{
		containerTypeKey: "sandbox", sandboxNamespaceKey: "ns", sandboxNameKey: "pod",
	}
	for i := 0; i < len(more); i += 2 {
		annotations[more[i]] = more[i+1]
	}
	return annotations
}

func TestGoodSandboxReachesRunc(t *testing.T) {
	program, records := runtimeFolder(t, "kata-qemu-snp")
	dir := bundle(t, sandbox(initDataKey, annotationA, kernelParamsKey, "a=b", runtimeHandlerKey, "kata-qemu-snp"))
	out, err := exec.Command(program, "--root", "/r", "create", "--bundle", dir, "--pid-file", "p", "id").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := "runc --root /r create --bundle " + dir + " --pid-file p id\n"; string(out) != want {
		t.Errorf("runc got %q, want %q", out, want)
	}
	rec := lastRecord(t, records)
	if rec.Verdict != "accepted" || rec.Digest != digestA || rec.Class != "kata-qemu-snp" ||
		rec.Namespace != "ns" || rec.Name != "pod" || rec.KernelParams != "a=b" ||
		rec.RuntimeHandler != "kata-qemu-snp" || rec.Error != "" || len(rec.Annotations) != 2 {
		t.Errorf("recorded %+v", rec)
	}
}

func TestBadSandboxesAreRefused(t *testing.T) {
	cases := []struct {
		class       string
		annotations map[string]string
		says        string
	}{
		{"kata-qemu-snp", sandbox(), "init-data: missing"},
		{"kata-remote", sandbox(initDataKey, ""), "init-data: missing"},
		{"kata-qemu-tdx", sandbox(initDataKey, "%"), "base64"},
		{"kata-qemu-snp", sandbox(initDataKey, annotationA, hypervisorPrefix+"machine_type", "q35"), "annotation " + hypervisorPrefix + "machine_type is not enabled"},
		{"kata-remote", sandbox(initDataKey, annotationA, kernelParamsKey, "a=b"), "annotation " + kernelParamsKey + " is not enabled"},
		{"kata-qemu", sandbox(initDataKey, annotationA), "annotation " + initDataKey + " is not enabled"},
		{"kata-new", sandbox(initDataKey, annotationA), `class "kata-new" is unknown`},
	}
	for _, c := range cases {
		program, records := runtimeFolder(t, c.class)
		log := filepath.Join(t.TempDir(), "log.json")
		out, err := exec.Command(program, "--log", log, "--log-format=json", "create", "-b", bundle(t, c.annotations), "id").CombinedOutput()
		if err == nil || strings.Contains(string(out), "runc create") {
			t.Errorf("%s: not refused: %s", c.says, out)
			continue
		}
		entry, err := os.ReadFile(log)
		if err != nil || !strings.Contains(string(entry), `"level":"error"`) {
			t.Errorf("%s: runtime log %q, %v", c.says, entry, err)
		}
		if rec := lastRecord(t, records); rec.Verdict != "refused" || !strings.Contains(rec.Error, c.says) {
			t.Errorf("%s: recorded %+v", c.says, rec)
		}
	}
}

// TestOthersPass: only a sandbox of a confidential class must bring a document.
func TestOthersPass(t *testing.T) {
	container := map[string]string{containerTypeKey: "container", initDataKey: "%"}
	calls := []struct {
		class string
		args  []string
	}{
		{"kata-qemu-snp", []string{"create", "--bundle=" + bundle(t, container), "id"}},
		{"kata-qemu", []string{"create", "--bundle", bundle(t, sandbox()), "id"}},
		{"kata-qemu-snp", []string{"--root=/r", "state", "create"}},
		{"kata-qemu-snp", []string{"--version"}},
	}
	for _, c := range calls {
		program, _ := runtimeFolder(t, c.class)
		out, err := exec.Command(program, c.args...).CombinedOutput()
		if err != nil || string(out) != "runc "+strings.Join(c.args, " ")+"\n" {
			t.Errorf("%v: %v: %s", c.args, err, out)
		}
	}
}

func TestConfigurationMustBeWhole(t *testing.T) {
	for _, text := range []string{"", "runc='runc'\nrecord='/r'\n", "runc='/runc'\nrecord='/r'\nspare=1\n",
		"runc='/runc'\nrecord='/r'\n[classes.x]\nenable=['(']\n", "runc="} {
		path := filepath.Join(t.TempDir(), "oci-check.toml")
		write(t, path, text)
		if _, err := loadConfig(path); err == nil {
			t.Errorf("%q accepted", text)
		}
	}
}

func TestConfiguredClassReplacesBuiltin(t *testing.T) {
	cfg := &config{Classes: map[string]class{"kata-qemu-snp": {Enable: []string{"^cc_"}}}}
	rec := &record{}
	if err := judge(cfg, "kata-qemu-snp", map[string]string{initDataKey: annotationA}, rec); err != nil {
		t.Error(err)
	}
	if err := judge(cfg, "kata-qemu-snp", map[string]string{kernelParamsKey: "a"}, rec); err == nil {
		t.Error("kernel_params accepted")
	}
}
