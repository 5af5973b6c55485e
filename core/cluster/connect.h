/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a program's settings to the API server: a kubeconfig when one is named, else the pod's own account. Rooms do
 * not read the environment; the program passes what it found there.
 */
#ifndef COCOON_CLUSTER_CONNECT_H
#define COCOON_CLUSTER_CONNECT_H

#include <stdbool.h>

struct clock;
struct err;
struct kube_config;

#define CONNECT_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

struct connect {
	const char *kubeconfig;         /* --kubeconfig, or KUBECONFIG; NULL: in the cluster */
	const char *context;            /* --context; NULL: the file's */
	const char *service_host;       /* KUBERNETES_SERVICE_HOST; NULL: absent */
	const char *service_port;       /* KUBERNETES_SERVICE_PORT; NULL: absent */
	const char *const *environment; /* for exec plugins */
};

/*
 * Completes what the command line left open by the environment ("NAME=value" texts, NULL-terminated): KUBECONFIG where
 * no file was named, and the service of the cluster around.
 */
void connect_environment(struct connect *connect, const char *const *environment) __attribute__((nonnull));

/* ERR_USAGE when there is neither a kubeconfig nor a cluster around. */
int connect_config(const struct connect *connect, const struct clock *clock, struct kube_config **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
