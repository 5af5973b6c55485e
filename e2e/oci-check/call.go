// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"time"
)

// call is the part of a runtime command line that concerns us.
type call struct {
	command string
	bundle  string
	logFile string
}

// runc's options that take their value from the next word.
var (
	globalOptions  = map[string]bool{"root": true, "log": true, "log-format": true, "criu": true, "rootless": true}
	commandOptions = map[string]bool{"bundle": true, "b": true, "console-socket": true, "pid-file": true, "preserve-fds": true}
)

// parseCall reads `[global options] COMMAND [options] ID` as runc does.
func parseCall(args []string) call {
	c := call{bundle: "."}
	options := globalOptions
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			break
		}
		if !strings.HasPrefix(word, "-") {
			if c.command != "" {
				break // the container's id
			}
			c.command, options = word, commandOptions
			continue
		}
		name, value, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if !joined && options[name] && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch {
		case c.command == "" && name == "log":
			c.logFile = value
		case c.command != "" && (name == "bundle" || name == "b"):
			c.bundle = value
		}
	}
	return c
}

// logError appends one error in runc's JSON log format, the one containerd
// asks for and reads back.
func logError(path, message string) error {
	if path == "" {
		return nil
	}
	line, err := json.Marshal(map[string]string{
		"level": "error", "msg": message, "time": time.Now().Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	return appendLine(path, line)
}
