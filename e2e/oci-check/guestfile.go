// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/BurntSushi/toml"
)

// attestationAgent and dataHub hold the keys without which the guest's two
// daemons do not start. Everything else in their files is optional.
type attestationAgent struct {
	TokenConfigs *struct {
		KBS *struct {
			URL *string `toml:"url"`
		} `toml:"kbs"`
		CoCoAS *struct {
			URL *string `toml:"url"`
		} `toml:"coco_as"`
	} `toml:"token_configs"`
}

type dataHub struct {
	KBC struct {
		Name string `toml:"name"`
	} `toml:"kbc"`
}

// checkGuestFile reads an entry of [data] as the daemon that gets it would.
// Entries the guest has no use for are measured, not read.
func checkGuestFile(key, text string) error {
	switch key {
	case "aa.toml":
		return checkAttestationAgent(text)
	case "cdh.toml":
		return checkDataHub(text)
	}
	return nil
}

func checkAttestationAgent(text string) error {
	var file attestationAgent
	if _, err := toml.Decode(text, &file); err != nil {
		return err
	}
	tokens := file.TokenConfigs
	if tokens == nil {
		return nil
	}
	if tokens.KBS != nil && tokens.KBS.URL == nil {
		return errors.New("token_configs.kbs has no url")
	}
	if tokens.CoCoAS != nil && tokens.CoCoAS.URL == nil {
		return errors.New("token_configs.coco_as has no url")
	}
	return nil
}

func checkDataHub(text string) error {
	var file dataHub
	if _, err := toml.Decode(text, &file); err != nil {
		return err
	}
	switch file.KBC.Name {
	case "cc_kbc", "offline_fs_kbc":
		return nil
	}
	return fmt.Errorf("unknown kbc name %q", file.KBC.Name)
}
