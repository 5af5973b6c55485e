// SPDX-License-Identifier: Apache-2.0

// peer is what a Go programmer writes first for the same job: controller-runtime with its default settings (typed
// cache of whole objects, JSON patch by difference, no limits). It is measured beside cocoon's programs, so it is as
// good as its library lets it be without special care: reads come from the cache, a profile's document is
// compressed once and not once per pod, and the cache is warm before it says that it is ready.
//
// What it does: --mode webhook gives pods the annotations of the matching profile; --mode controller counts the pods
// of each profile and writes the counts to the profile's status.
// What it leaves out: everything else. It refuses nothing, checks no pod after creation, gives no advice, knows only
// verbatim documents, and has no leader election.
package main

import (
	"context"
	"flag"
	"net/http"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

func main() {
	mode := flag.String("mode", "webhook", "webhook or controller")
	port := flag.Int("port", 9443, "port of the webhook")
	certDir := flag.String("cert-dir", "", "folder with tls.crt and tls.key")
	probes := flag.String("health-listen", "127.0.0.1:8081", "address of /healthz and /readyz")
	flag.Parse() // --kubeconfig is registered by controller-runtime

	ctrl.SetLogger(zap.New())
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	addProfiles(scheme)
	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:                 scheme,
		HealthProbeBindAddress: *probes,
		Metrics:                metrics.Options{BindAddress: "127.0.0.1:0"},
		WebhookServer: webhook.NewServer(webhook.Options{
			Host: "127.0.0.1", Port: *port, CertDir: *certDir,
		}),
	})
	must(err)
	if *mode == "controller" {
		must(addControllers(mgr))
	} else {
		injector := &injector{reader: mgr.GetClient(), decoder: admission.NewDecoder(scheme)}
		mgr.GetWebhookServer().Register("/mutate", &webhook.Admission{Handler: injector})
	}

	ctx := ctrl.SetupSignalHandler()
	must(mgr.AddReadyzCheck("caches", synced(mgr)))
	if *mode == "webhook" {
		must(mgr.AddReadyzCheck("webhook", mgr.GetWebhookServer().StartedChecker()))
		must(watch(ctx, mgr, &Profile{}, &corev1.Namespace{}, &nodev1.RuntimeClass{}))
	} else {
		must(watch(ctx, mgr, &Profile{}, &corev1.Pod{}))
	}
	must(mgr.Start(ctx))
}

// watch makes the cache hold these kinds from the start: before the first review asks for them, and before readiness is
// asked for, which would not wait for watches that nobody has begun.
func watch(ctx context.Context, mgr ctrl.Manager, kinds ...client.Object) error {
	for _, kind := range kinds {
		if _, err := mgr.GetCache().GetInformer(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

// synced is ready when every watch has delivered all that there was.
func synced(mgr ctrl.Manager) func(*http.Request) error {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return context.DeadlineExceeded
		}
		return nil
	}
}

func must(err error) {
	if err != nil {
		ctrl.Log.Error(err, "cannot go on")
		os.Exit(1)
	}
}
