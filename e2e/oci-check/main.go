// SPDX-License-Identifier: Apache-2.0

// Command oci-check is an OCI runtime that stands for a confidential guest: it
// judges a pod sandbox's annotations as Kata's shim and guest would, records
// what it saw, and hands everything else to runc.
//
// containerd calls it under a name that carries the class, such as
// oci-check-kata-qemu-snp (a symbolic link); oci-check.toml beside that link
// holds the configuration.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	err := run(os.Args)
	if err == nil {
		return
	}
	message := "oci-check: " + err.Error()
	fmt.Fprintln(os.Stderr, message)
	// containerd shows the last error of this log to the user, not stderr.
	if logErr := logError(parseCall(os.Args[1:]).logFile, message); logErr != nil {
		fmt.Fprintln(os.Stderr, "oci-check: write the runtime log:", logErr)
	}
	os.Exit(1)
}

// run judges the call if it creates a sandbox and then becomes runc. It
// returns only on failure.
func run(argv []string) error {
	cfg, err := loadConfig(configPath(argv[0]))
	if err != nil {
		return err
	}
	c := parseCall(argv[1:])
	if c.command == "create" || c.command == "run" {
		if err := judgeBundle(cfg, classFromName(argv[0]), c.bundle); err != nil {
			return err
		}
	}
	args := append([]string{cfg.Runc}, argv[1:]...)
	return fmt.Errorf("exec %s: %w", cfg.Runc, syscall.Exec(cfg.Runc, args, os.Environ()))
}

// judgeBundle records a sandbox and returns why it must not start. Containers
// that join a sandbox pass: init-data belongs to the sandbox alone.
func judgeBundle(cfg *config, class, bundle string) error {
	annotations, err := readAnnotations(filepath.Join(bundle, "config.json"))
	if err != nil {
		return err
	}
	if annotations[containerTypeKey] != "sandbox" {
		return nil
	}
	rec := newRecord(class, annotations, time.Now())
	verdict := judge(cfg, class, annotations, rec)
	rec.conclude(verdict)
	if err := rec.appendTo(cfg.Record); err != nil {
		// A pod whose record is lost would make a test pass by accident.
		return errors.Join(verdict, fmt.Errorf("record %s: %w", cfg.Record, err))
	}
	if verdict != nil {
		return fmt.Errorf("class %s: pod %s/%s: %w", class, rec.Namespace, rec.Name, verdict)
	}
	return nil
}

// classFromName gives kata-qemu-snp for /path/oci-check-kata-qemu-snp.
func classFromName(argv0 string) string {
	return strings.TrimPrefix(strings.TrimPrefix(filepath.Base(argv0), "oci-check"), "-")
}
