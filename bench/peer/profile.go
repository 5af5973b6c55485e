// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	kata         = "io.katacontainers.config."
	initData     = kata + "hypervisor.cc_init_data"
	kernelParams = kata + "hypervisor.kernel_params"
	handlerKey   = "io.containerd.cri.runtime-handler"
	profileKey   = "cocoon.dev/profile"
	digestKey    = "cocoon.dev/digest"
)

var groupVersion = schema.GroupVersion{Group: "cocoon.dev", Version: "v1alpha1"}

// Profile is the part of a ConfidentialProfile that the peer knows.
type Profile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		RuntimeClasses    []string              `json:"runtimeClasses"`
		NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
		PodSelector       metav1.LabelSelector  `json:"podSelector,omitempty"`
		Priority          int                   `json:"priority,omitempty"`
		KernelParams      []string              `json:"kernelParams,omitempty"`
		Annotations       map[string]string     `json:"annotations,omitempty"`
		InitData          struct {
			Verbatim string `json:"verbatim,omitempty"`
		} `json:"initData,omitempty"`
	} `json:"spec"`
	Status struct {
		Pods Counts `json:"pods"`
	} `json:"status,omitempty"`
}

// Counts are the pods of a profile.
type Counts struct {
	Injected int `json:"injected"`
	Gated    int `json:"gated"`
	Drifted  int `json:"drifted"`
}

// ProfileList is what a list returns.
type ProfileList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []Profile `json:"items"`
}

// DeepCopyObject is what generators write for every kind.
func (p *Profile) DeepCopyObject() runtime.Object {
	out := *p
	p.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.RuntimeClasses = slices.Clone(p.Spec.RuntimeClasses)
	out.Spec.NamespaceSelector = p.Spec.NamespaceSelector.DeepCopy()
	out.Spec.PodSelector = *p.Spec.PodSelector.DeepCopy()
	out.Spec.KernelParams = slices.Clone(p.Spec.KernelParams)
	out.Spec.Annotations = maps.Clone(p.Spec.Annotations)
	return &out
}

// DeepCopyObject is what generators write for every list.
func (l *ProfileList) DeepCopyObject() runtime.Object {
	out := *l
	out.Items = make([]Profile, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopyObject().(*Profile)
	}
	return &out
}

func addProfiles(scheme *runtime.Scheme) {
	scheme.AddKnownTypeWithName(groupVersion.WithKind("ConfidentialProfile"), &Profile{})
	scheme.AddKnownTypeWithName(groupVersion.WithKind("ConfidentialProfileList"), &ProfileList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}

// match finds the profile of a pod, nil when there is none. Everything is read from the cache.
func match(ctx context.Context, reader client.Reader, pod *corev1.Pod, namespace string) (*Profile, error) {
	var profiles ProfileList
	var home corev1.Namespace
	var best *Profile

	if pod.Spec.RuntimeClassName == nil {
		return nil, nil
	}
	if err := reader.List(ctx, &profiles); err != nil {
		return nil, err
	}
	if err := reader.Get(ctx, client.ObjectKey{Name: namespace}, &home); err != nil {
		return nil, err
	}
	for i := range profiles.Items {
		p := &profiles.Items[i]
		class := slices.ContainsFunc(p.Spec.RuntimeClasses, func(glob string) bool {
			ok, err := path.Match(glob, *pod.Spec.RuntimeClassName)
			return err == nil && ok
		})
		if class && selects(p.Spec.NamespaceSelector, home.Labels) && selects(&p.Spec.PodSelector, pod.Labels) &&
			(best == nil || p.Spec.Priority > best.Spec.Priority) {
			best = p
		}
	}
	return best, nil
}

func selects(selector *metav1.LabelSelector, on map[string]string) bool {
	compiled, err := metav1.LabelSelectorAsSelector(selector) // nil selects nothing
	return err == nil && compiled.Matches(labels.Set(on))
}

var rendered sync.Map // resource version of a profile → its annotations

// render makes the annotations that a profile gives, once for each version of it.
func render(ctx context.Context, reader client.Reader, p *Profile, class string) (map[string]string, error) {
	var runtimeClass nodev1.RuntimeClass

	key := class + "/" + p.Name + "/" + p.ResourceVersion
	if found, ok := rendered.Load(key); ok {
		return found.(map[string]string), nil
	}
	if err := reader.Get(ctx, client.ObjectKey{Name: class}, &runtimeClass); err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write([]byte(p.Spec.InitData.Verbatim)); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	out := map[string]string{
		initData:     base64.StdEncoding.EncodeToString(packed.Bytes()),
		kernelParams: strings.Join(p.Spec.KernelParams, " "),
		handlerKey:   runtimeClass.Handler,
		profileKey:   p.Name,
		digestKey:    fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(p.Spec.InitData.Verbatim))),
	}
	maps.Copy(out, p.Spec.Annotations)
	rendered.Store(key, out)
	return out, nil
}
