// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// class is what one RuntimeClass's Kata configuration accepts.
type class struct {
	// Enable is Kata's enable_annotations: unanchored regular expressions on
	// the part of an annotation's name below hypervisorPrefix.
	Enable []string `toml:"enable"`
	// Confidential classes demand init-data. Kata itself does not: here the
	// guest belongs to an owner whose broker would refuse a guest without it.
	Confidential bool `toml:"confidential"`
}

const hypervisorPrefix = "io.katacontainers.config.hypervisor."

// The defaults of Kata's Go runtime, by family.
var (
	plainList  = []string{"enable_iommu", "kernel_params", "kernel_verity_params"}
	cocoList   = slices.Concat(plainList, []string{"default_vcpus", "default_memory", "cc_init_data"})
	remoteList = []string{"machine_type", "default_memory", "default_vcpus", "image", "default_gpus", "gpu_model", "cc_init_data"}
)

var builtinClasses = map[string]class{
	"kata-qemu":                {Enable: plainList},
	"kata-qemu-nvidia-gpu":     {Enable: plainList},
	"kata-qemu-coco-dev":       {Enable: cocoList, Confidential: true},
	"kata-qemu-snp":            {Enable: cocoList, Confidential: true},
	"kata-qemu-tdx":            {Enable: cocoList, Confidential: true},
	"kata-qemu-se":             {Enable: cocoList, Confidential: true},
	"kata-qemu-nvidia-gpu-snp": {Enable: cocoList, Confidential: true},
	"kata-qemu-nvidia-gpu-tdx": {Enable: cocoList, Confidential: true},
	"kata-remote":              {Enable: remoteList, Confidential: true},
}

// gate refuses every hypervisor annotation that the class does not enable, in
// the words of Kata's Go runtime.
func (c class) gate(annotations map[string]string) error {
	for _, name := range sortedKeys(annotations) {
		suffix, found := strings.CutPrefix(name, hypervisorPrefix)
		if found && !c.enables(suffix) {
			return fmt.Errorf("annotation %s is not enabled", name)
		}
	}
	return nil
}

func (c class) enables(suffix string) bool {
	return slices.ContainsFunc(c.Enable, func(pattern string) bool {
		return regexp.MustCompile(pattern).MatchString(suffix)
	})
}
