/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to reach an API server and as whom: from kubeconfig files (kubernetes.io: "Organizing Cluster Access Using
 * kubeconfig Files", as kubectl reads them) or from the files that a pod is given. Values, and the credentials
 * behind them, which change while a program runs.
 *
 *     struct kube_source source = { .files = "a:b", .environment = envp };
 *     struct kube_config *config = NULL;
 *     kube_config_load(&source, &clock_real, &config, err)
 *     kube_config_access(config, false, &access, err)     before each request
 *     kube_config_access(config, true, &access, err)      once more after a 401
 *
 * Merging: files are read in order; a missing one is skipped unless it is the only one. Clusters, users and
 * contexts: the first definition of a name wins whole. current-context: the first that is not empty. Relative
 * paths count from the file that holds them. Of a pair, *-data beats the file; tokenFile beats token.
 * Removed in Kubernetes and refused with a reason: username and password, auth-provider.
 *
 * Credentials: a token file, CA, client certificate and key are read again when the file's inode or mtime changed
 * or 60 s have passed, and after a 401. Exec plugins run as kube/exec.h says; what they return is kept until
 * its expiry or a 401. kube_config_access() may therefore block for as long as a plugin is allowed to run.
 *
 * Bounds: a file 4 MiB, 64 files, a token 64 KiB, a PEM file 1 MiB.
 * Ownership: access borrows from config until the next kube_config_access() or the end of config.
 * Errors: ERR_NOT_FOUND (file, context, cluster, user), ERR_FORMAT, ERR_LIMIT, ERR_AUTH (an exec plugin failed),
 * ERR_IO. Secrets never appear in a text.
 */
#ifndef COCOON_KUBE_CONFIG_H
#define COCOON_KUBE_CONFIG_H

#include "net/http.h"

#include <stdbool.h>

struct clock;
struct err;
struct kube_config;

struct kube_source {
	const char *files;     /* the colon list: the value of KUBECONFIG, or ~/.kube/config resolved */
	const char *context;   /* NULL: current-context */
	const char *cluster;   /* NULL: the context's */
	const char *user;      /* NULL: the context's */
	const char *namespace; /* NULL: the context's, else "default" */
	const char *const *environment; /* "NAME=value" for exec plugins, PATH among them; NULL: none */
	bool interactive;               /* stdin is a terminal with a person before it */
};

int kube_config_load(const struct kube_source *source, const struct clock *clock, struct kube_config **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* In a pod: dir holds token, ca.crt and namespace; host and port are KUBERNETES_SERVICE_HOST and _PORT. */
int kube_config_in_cluster(const char *dir, const char *host, const char *port, const struct clock *clock,
		struct kube_config **out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4, 5), warn_unused_result));

/* Takes NULL. */
void kube_config_free(struct kube_config *config);
static inline void kube_config_release(struct kube_config **slot)
{
	kube_config_free(*slot);
}
#define auto_kube_config __attribute__((cleanup(kube_config_release)))

/* "https://host:6443", without a slash at the end; it may hold a path. */
const char *kube_config_server(const struct kube_config *config) __attribute__((nonnull));
const char *kube_config_namespace(const struct kube_config *config) __attribute__((nonnull));
/* NULL: none */
const char *kube_config_proxy(const struct kube_config *config) __attribute__((nonnull));
/* The names of context, cluster and user for messages; "in-cluster" in a pod. */
const char *kube_config_context(const struct kube_config *config) __attribute__((nonnull));

struct kube_access {
	const char *bearer; /* NULL: none */
	struct http_tls tls;
	unsigned long tls_version;  /* rises when tls changed */
	const char *const *headers; /* impersonation: "Impersonate-User: x" …, NULL-terminated */
};

/* The credentials of this moment. `refused`: the last ones got a 401, read or ask for new ones. */
int kube_config_access(struct kube_config *config, bool refused, struct kube_access *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
