/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a registry is spoken to, as an ImagePolicy says (spec.registries):
 *
 *     {"host": "registry.example:5000", "ca": "-----BEGIN CERTIFICATE-----…", "plainHTTP": false,
 *      "mirrors": [{"location": "mirror.example/cache", "plainHTTP": false}],
 *      "proxy": "http://proxy:3128", "noProxy": "10.0.0.0/8,.svc", "credentialsSecret": "regcred"}
 *
 * `host` is the host of a normal name (oci/name.h), or "*" for every host that has no entry of its own. A mirror's
 * location replaces "host" in front of the repository, and is asked first; the signature's place is where the image is.
 * Naming a host vouches for its address: hosts that nobody named may not be at loopback or link-local addresses
 * (oci_access.guard), as pods choose image names, and what is behind such an address is no registry.
 * credentialsSecret is a Secret of type kubernetes.io/dockerconfigjson in the installation's namespace.
 *
 * Immutable, borrowed from the compiled policy. Bounds: REGISTRIES_MAX a policy, REGISTRY_MIRRORS_MAX each.
 */
#ifndef COCOON_POLICY_REGISTRY_H
#define COCOON_POLICY_REGISTRY_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

#define REGISTRIES_MAX       64
#define REGISTRY_MIRRORS_MAX 8

struct registry_mirror {
	const char *location; /* "mirror.example[/prefix]" */
	bool plain_http;
};

struct registry_settings {
	const char *host;
	struct span ca; /* PEM; empty: the system's roots */
	bool plain_http;
	struct registry_mirror mirrors[REGISTRY_MIRRORS_MAX];
	size_t mirror_count;
	const char *proxy; /* NULL: none */
	const char *no_proxy;
	const char *secret;         /* NULL: none */
	unsigned char identity[32]; /* sha256 of all of it: two that are equal are the same to a cache */
};

struct registry_list {
	json_t *source; /* what the texts borrow from */
	struct registry_settings *items;
	size_t count;
};
#define REGISTRY_LIST_NONE                                \
	{                                                 \
		.source = NULL, .items = NULL, .count = 0 \
	}

/* `array` NULL: none. ERR_FORMAT with `path`. */
int registry_list_parse(json_t *array, const char *path, struct registry_list *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));
void registry_list_clear(struct registry_list *list) __attribute__((nonnull));

/* The entry for a host, that of "*", or NULL. */
const struct registry_settings *registry_list_find(const struct registry_list *list, const char *host)
		__attribute__((nonnull));

#endif
