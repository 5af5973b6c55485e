// SPDX-License-Identifier: Apache-2.0

// peer-ocicrypt encrypts and decrypts one layer with github.com/containers/ocicrypt alone: no image library decides
// which media types, recipients or errors there are. Layers come in on standard input and go out on standard output;
// a descriptor, as it stands in a manifest, is a JSON file.
//
//	peer-ocicrypt encrypt DESCRIPTOR NEW RECIPIENT…         <plain     >encrypted   and the new descriptor into NEW
//	peer-ocicrypt add     DESCRIPTOR NEW KEY RECIPIENT…     adds recipients; no layer
//	peer-ocicrypt decrypt DESCRIPTOR KEY…                   <encrypted >plain
//	peer-ocicrypt payload DESCRIPTOR [KEY…]                 what containerd hands to a decoder on descriptor 3
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/containerd/imgcrypt/v2"
	"github.com/containerd/typeurl/v2"
	"github.com/containers/ocicrypt"
	"github.com/containers/ocicrypt/config"
	"github.com/containers/ocicrypt/helpers"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

const annotationPrefix = "org.opencontainers.image.enc."

func readDescriptor(path string) (descriptor ocispec.Descriptor, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &descriptor)
	}
	return descriptor, err
}

func writeDescriptor(path string, descriptor ocispec.Descriptor, annotations map[string]string) error {
	kept := map[string]string{}
	maps.Copy(kept, descriptor.Annotations)
	maps.DeleteFunc(kept, func(name, _ string) bool { return strings.HasPrefix(name, annotationPrefix) })
	maps.Copy(kept, annotations)
	descriptor.Annotations = kept
	if !strings.HasSuffix(descriptor.MediaType, "+encrypted") {
		descriptor.MediaType += "+encrypted"
	}
	text, err := json.Marshal(descriptor)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// cryptoConfig is that of these recipients, with what these keys open.
func cryptoConfig(recipients, keys []string) (config.CryptoConfig, error) {
	var parts []config.CryptoConfig
	if len(recipients) > 0 {
		made, err := helpers.CreateCryptoConfig(recipients, nil)
		if err != nil {
			return config.CryptoConfig{}, err
		}
		parts = append(parts, made)
	}
	if len(keys) > 0 {
		made, err := helpers.CreateCryptoConfig(nil, keys)
		if err != nil {
			return config.CryptoConfig{}, err
		}
		parts = append(parts, made)
	}
	return config.CombineCryptoConfigs(parts), nil
}

func encrypt(path, written string, recipients []string) error {
	descriptor, err := readDescriptor(path)
	if err != nil {
		return err
	}
	made, err := cryptoConfig(recipients, nil)
	if err != nil {
		return err
	}
	layer, finish, err := ocicrypt.EncryptLayer(made.EncryptConfig, os.Stdin, descriptor)
	if err != nil {
		return err
	}
	sum := digest.SHA256.Digester()
	if descriptor.Size, err = io.Copy(io.MultiWriter(os.Stdout, sum.Hash()), layer); err != nil {
		return err
	}
	descriptor.Digest = sum.Digest()
	annotations, err := finish()
	if err != nil {
		return err
	}
	return writeDescriptor(written, descriptor, annotations)
}

func add(path, written, key string, recipients []string) error {
	descriptor, err := readDescriptor(path)
	if err != nil {
		return err
	}
	made, err := cryptoConfig(recipients, []string{key})
	if err != nil {
		return err
	}
	made.EncryptConfig.AttachDecryptConfig(made.DecryptConfig)
	_, finish, err := ocicrypt.EncryptLayer(made.EncryptConfig, nil, descriptor)
	if err != nil {
		return err
	}
	annotations, err := finish()
	if err != nil {
		return err
	}
	return writeDescriptor(written, descriptor, annotations)
}

func decrypt(path string, keys []string) error {
	descriptor, err := readDescriptor(path)
	if err != nil {
		return err
	}
	made, err := cryptoConfig(nil, keys)
	if err != nil {
		return err
	}
	layer, _, err := ocicrypt.DecryptLayer(made.DecryptConfig, os.Stdin, descriptor, false)
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, layer)
	return err
}

// payload is protobuf around JSON; without keys the parameters are null, as containerd's node key model has them.
func payload(path string, keys []string) error {
	descriptor, err := readDescriptor(path)
	if err != nil {
		return err
	}
	content := imgcrypt.Payload{Descriptor: descriptor}
	if len(keys) > 0 {
		made, err := cryptoConfig(nil, keys)
		if err != nil {
			return err
		}
		content.DecryptConfig = *made.DecryptConfig
	}
	wrapped, err := typeurl.MarshalAny(&content)
	if err != nil {
		return err
	}
	bytes, err := proto.Marshal(&anypb.Any{TypeUrl: wrapped.GetTypeUrl(), Value: wrapped.GetValue()})
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(bytes)
	return err
}

func run(words []string) error {
	switch {
	case len(words) >= 4 && words[0] == "encrypt":
		return encrypt(words[1], words[2], words[3:])
	case len(words) >= 5 && words[0] == "add":
		return add(words[1], words[2], words[3], words[4:])
	case len(words) >= 3 && words[0] == "decrypt":
		return decrypt(words[1], words[2:])
	case len(words) >= 2 && words[0] == "payload":
		return payload(words[1], words[2:])
	}
	return errors.New("usage: peer-ocicrypt encrypt DESCRIPTOR NEW RECIPIENT… | add DESCRIPTOR NEW KEY RECIPIENT… | " +
		"decrypt DESCRIPTOR KEY… | payload DESCRIPTOR [KEY…]")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer-ocicrypt:", err)
		os.Exit(1)
	}
}
