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

#define CONNECT_NAME_MAX    256 /* an object's name has 253 bytes at most */

struct connect {
	const char *kubeconfig;          /* --kubeconfig, or KUBECONFIG; NULL: in the cluster */
	const char *context;             /* --context; NULL: the file's */
	const char *service_host;        /* KUBERNETES_SERVICE_HOST; NULL: absent */
	const char *service_port;        /* KUBERNETES_SERVICE_PORT; NULL: absent */
	const char *const *environment;  /* for exec plugins */
	char pod_name[CONNECT_NAME_MAX]; /* POD_NAME, else the host name */
};

/*
 * Completes what the command line left open by the environment ("NAME=value" texts, NULL-terminated): KUBECONFIG where
 * no file was named, the service of the cluster around, and the pod's own name. ERR_IO without a host name.
 */
int connect_environment(struct connect *connect, const char *const *environment, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* ERR_USAGE when there is neither a kubeconfig nor a cluster around. */
int connect_config(const struct connect *connect, const struct clock *clock, struct kube_config **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
