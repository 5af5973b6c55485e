/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kube/config.c (credentials of the moment) and kube/kubeconfig.c (files merged) share. For these two alone.
 */
#ifndef COCOON_KUBE_CONFIG_OWN_H
#define COCOON_KUBE_CONFIG_OWN_H

#include "base/buf.h"
#include "crypto/secret.h"
#include "kube/config.h"
#include "kube/exec.h"

#include <sys/types.h>

#define CONFIG_PEM_MAX (1024 * 1024)

/* A file that is read again when it changes. */
struct live_file {
	char *path; /* NULL: the content is given and stays */
	dev_t dev;
	ino_t ino;
	int64_t changed; /* mtime, ns */
	int64_t read_at; /* monotonic; 0: never */
};

struct kube_config {
	const struct clock *clock;
	char *server;
	char *namespace;
	char *context;
	char *proxy;
	char *server_name;
	bool insecure;
	struct live_file token_file, ca_file, cert_file, key_file;
	struct secret token, key;
	struct buf ca, cert;
	json_t *exec;         /* the user's "exec" object; NULL: none */
	json_t *exec_cluster; /* what a plugin may be told */
	char *exec_dir;
	char **environment;
	bool interactive;
	struct exec_credential plugin;
	bool plugin_ran;
	char **headers; /* impersonation; NULL: none */
	size_t header_count;
	unsigned long tls_version;
};

/* An empty one that config.c can free. */
struct kube_config *config_new(const struct clock *clock);

/* The first read of token, CA, certificate and key files, so that a mistake shows at the start. */
int config_read_files(struct kube_config *config, struct err *err) __attribute__((warn_unused_result));

#endif
