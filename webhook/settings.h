/* SPDX-License-Identifier: Apache-2.0 */
/* What the webhook was told on its command line and by its environment; read once, then constant. */
#ifndef COCOON_WEBHOOK_SETTINGS_H
#define COCOON_WEBHOOK_SETTINGS_H

#include "cluster/connect.h"

#include <stdbool.h>
#include <stdint.h>

struct settings {
	const char *listen;        /* address:port of admission, TLS */
	const char *health_listen; /* address:port of probes and metrics, plain */
	struct connect connect;    /* --kubeconfig, --context, and the environment */
	const char *namespace;     /* NULL: the account's */
	const char *config_map;
	const char *secret;
	const char *tls_cert; /* files, for a certificate that somebody else manages; NULL: the Secret */
	const char *tls_key;
	const char *controller_user;
	int64_t drain_seconds;
	int64_t facts_memory;        /* MiB */
	int64_t facts_threads;       /* fetches at the same time */
	const char *registry_config; /* docker's config.json, with the helpers it names; NULL: none */
	int log_level;
};

#endif
