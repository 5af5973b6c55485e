// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// injector is the webhook: pods in, annotations out.
type injector struct {
	reader  client.Reader
	decoder admission.Decoder
}

func (i *injector) Handle(ctx context.Context, request admission.Request) admission.Response {
	var pod corev1.Pod

	if err := i.decoder.Decode(request, &pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	profile, err := match(ctx, i.reader, &pod, request.Namespace)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	if profile == nil {
		return admission.Allowed("")
	}
	annotations, err := render(ctx, i.reader, profile, *pod.Spec.RuntimeClassName)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	for key, value := range annotations {
		if old := pod.Annotations[key]; key == kernelParams && old != "" {
			value = old + " " + value
		}
		pod.Annotations[key] = value
	}
	changed, err := json.Marshal(&pod)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, changed)
}

// counter knows the profile and state of every confidential pod, as last reconciled.
type counter struct {
	client client.Client
	lock   sync.Mutex
	pods   map[types.NamespacedName]verdict
}

type verdict struct {
	profile string
	drifted bool
}

func addControllers(mgr ctrl.Manager) error {
	c := &counter{client: mgr.GetClient(), pods: map[types.NamespacedName]verdict{}}
	if err := ctrl.NewControllerManagedBy(mgr).For(&corev1.Pod{}).Complete(reconcile.Func(c.pod)); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).For(&Profile{}).Complete(reconcile.Func(c.profile))
}

func (c *counter) pod(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var pod corev1.Pod

	err := c.client.Get(ctx, request.NamespacedName, &pod)
	if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, err
	}
	if err != nil || pod.Spec.RuntimeClassName == nil {
		c.note(request.NamespacedName, verdict{})
		return reconcile.Result{}, nil
	}
	profile, err := match(ctx, c.client, &pod, pod.Namespace)
	if err != nil || profile == nil {
		return reconcile.Result{}, err
	}
	annotations, err := render(ctx, c.client, profile, *pod.Spec.RuntimeClassName)
	if err != nil {
		return reconcile.Result{}, err
	}
	drifted := pod.Annotations[digestKey] != annotations[digestKey]
	c.note(request.NamespacedName, verdict{profile.Name, drifted})
	return reconcile.Result{}, nil
}

func (c *counter) note(name types.NamespacedName, v verdict) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if v.profile == "" {
		delete(c.pods, name)
	} else {
		c.pods[name] = v
	}
}

// profile writes the counts, every five seconds when they have changed.
func (c *counter) profile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var profile Profile
	var counts Counts

	if err := c.client.Get(ctx, request.NamespacedName, &profile); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	c.lock.Lock()
	for _, v := range c.pods {
		if v.profile != profile.Name {
			continue
		}
		if v.drifted {
			counts.Drifted++
		} else {
			counts.Injected++
		}
	}
	c.lock.Unlock()
	again := reconcile.Result{RequeueAfter: 5 * time.Second}
	if profile.Status.Pods == counts {
		return again, nil
	}
	before := profile.DeepCopyObject().(*Profile)
	profile.Status.Pods = counts
	return again, c.client.Status().Patch(ctx, &profile, client.MergeFrom(before))
}
