// SPDX-License-Identifier: Apache-2.0

// peer-copy copies an image between two places as current skopeo does: it is go.podman.io/image/v5, skopeo's engine,
// with ocicrypt's helpers, and the flags of "skopeo copy" that encrypted images need.
//
//	peer-copy [--encryption-key RECIPIENT]… [--encrypt-layer N]… [--decryption-key KEY]… [--all] SRC DST
//
// A place is TRANSPORT:REFERENCE. Registries are spoken to over plain HTTP too; no signature policy applies.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"

	"github.com/containers/ocicrypt/config"
	"github.com/containers/ocicrypt/helpers"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/transports/alltransports"
	"go.podman.io/image/v5/types"
)

type words []string

func (w *words) String() string { return fmt.Sprint(*w) }

func (w *words) Set(word string) error {
	*w = append(*w, word)
	return nil
}

type numbers []int

func (n *numbers) String() string { return fmt.Sprint(*n) }

func (n *numbers) Set(word string) error {
	number, err := strconv.Atoi(word)
	*n = append(*n, number)
	return err
}

type request struct {
	recipients, keys words
	layers           numbers
	all              bool
	source, target   string
}

func readRequest() (*request, error) {
	r := new(request)
	flag.Var(&r.recipients, "encryption-key", "encrypt for this `recipient`")
	flag.Var(&r.layers, "encrypt-layer", "encrypt this `layer` alone")
	flag.Var(&r.keys, "decryption-key", "decrypt with this `key`")
	flag.BoolVar(&r.all, "all", false, "all images of an index")
	flag.Parse()
	if flag.NArg() != 2 {
		return nil, errors.New("usage: peer-copy [OPTION]… SRC DST")
	}
	if len(r.recipients) > 0 && len(r.keys) > 0 {
		return nil, errors.New("--encryption-key and --decryption-key cannot be specified together")
	}
	r.source, r.target = flag.Arg(0), flag.Arg(1)
	return r, nil
}

// encryption adds what is to be encrypted and decrypted, as skopeo does.
func (r *request) encryption(options *copy.Options) error {
	if len(r.recipients) > 0 {
		made, err := helpers.CreateCryptoConfig(r.recipients, nil)
		if err != nil {
			return fmt.Errorf("invalid encryption keys: %w", err)
		}
		options.OciEncryptConfig = config.CombineCryptoConfigs([]config.CryptoConfig{made}).EncryptConfig
		layers := []int(r.layers)
		if layers == nil {
			layers = []int{}
		}
		options.OciEncryptLayers = &layers
	}
	if len(r.keys) > 0 {
		made, err := helpers.CreateCryptoConfig(nil, r.keys)
		if err != nil {
			return fmt.Errorf("invalid decryption keys: %w", err)
		}
		options.OciDecryptConfig = config.CombineCryptoConfigs([]config.CryptoConfig{made}).DecryptConfig
	}
	return nil
}

func run() error {
	r, err := readRequest()
	if err != nil {
		return err
	}
	source, err := alltransports.ParseImageName(r.source)
	if err != nil {
		return err
	}
	target, err := alltransports.ParseImageName(r.target)
	if err != nil {
		return err
	}
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return err
	}
	defer policy.Destroy()
	system := &types.SystemContext{DockerInsecureSkipTLSVerify: types.OptionalBoolTrue}
	options := &copy.Options{SourceCtx: system, DestinationCtx: system}
	if r.all {
		options.ImageListSelection = copy.CopyAllImages
	}
	if err := r.encryption(options); err != nil {
		return err
	}
	_, err = copy.Image(context.Background(), policy, target, source, options)
	return err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peer-copy:", err)
		os.Exit(1)
	}
}
