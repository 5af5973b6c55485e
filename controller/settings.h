/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller was told on its command line and by its environment; read once, then constant. */
#ifndef COCOON_CONTROLLER_SETTINGS_H
#define COCOON_CONTROLLER_SETTINGS_H

#include "cluster/connect.h"

#include <stdbool.h>
#include <stdint.h>

enum certificates { CERTIFICATES_MANAGED, CERTIFICATES_EXTERNAL };

struct settings {
	const char *health_listen; /* address:port of probes and metrics, plain */
	struct connect connect;    /* --kubeconfig, --context, and the environment */
	const char *namespace;     /* NULL: the account's */
	const char *service;
	const char *secret;
	const char *config_map;
	const char *lease;
	const char *webhook_configuration;
	int certificates;            /* enum certificates */
	int64_t facts_memory;        /* MiB */
	int64_t facts_threads;       /* images that are looked at in registries at the same time */
	const char *registry_config; /* docker's config.json, with the helpers it names; NULL: none */
	int log_level;
};

#endif
