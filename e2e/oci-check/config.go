// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/BurntSushi/toml"
)

// configVariable names another configuration file than the one beside us.
const configVariable = "OCI_CHECK_CONFIG"

// config is oci-check.toml.
type config struct {
	// Runc is the absolute path of the runtime that does the work.
	Runc string `toml:"runc"`
	// Record is the file that gets one JSON line for each sandbox.
	Record string `toml:"record"`
	// Classes replaces or adds entries of the built-in table.
	Classes map[string]class `toml:"classes"`
}

// configPath is $OCI_CHECK_CONFIG or oci-check.toml beside the name we were
// called by (not beside the file a link leads to: one binary, many clusters).
func configPath(argv0 string) string {
	if path := os.Getenv(configVariable); path != "" {
		return path
	}
	return filepath.Join(filepath.Dir(argv0), "oci-check.toml")
}

func loadConfig(path string) (*config, error) {
	cfg := &config{}
	meta, err := toml.DecodeFile(path, cfg)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("configuration %s: unknown key %s", path, unknown[0])
	}
	if !filepath.IsAbs(cfg.Runc) || !filepath.IsAbs(cfg.Record) {
		return nil, fmt.Errorf("configuration %s: runc and record must be absolute paths", path)
	}
	for name, c := range cfg.Classes {
		for _, pattern := range c.Enable {
			if _, err := regexp.Compile(pattern); err != nil {
				return nil, fmt.Errorf("configuration %s: class %s: enable: %w", path, name, err)
			}
		}
	}
	return cfg, nil
}

// class finds a class: the configuration's own first, then the built-in ones.
func (c *config) class(name string) (class, error) {
	if own, ok := c.Classes[name]; ok {
		return own, nil
	}
	if builtin, ok := builtinClasses[name]; ok {
		return builtin, nil
	}
	return class{}, fmt.Errorf("class %q is unknown: add it to [classes] of oci-check.toml", name)
}
