/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose credentials an image is looked at with (facts_options.logins). In this order, and each read by its name alone:
 *
 *     the policy's registries[].credentialsSecret           a Secret of the installation's namespace
 *     the pod's imagePullSecrets                            Secrets of its namespace
 *     where it names none: its service account's            as the API server does for pods
 *
 *     {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "<base64 of docker's config.json>"}}
 *     {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": "<base64 of what is below its \"auths\">"}}
 *
 * What may not be read (403) or is not there (404) is passed over and remembered, as most images need no credentials:
 * logins_remark() names it when the registry has then refused.
 *
 * Bounds: what is read counts for LOGINS_KEPT, and for LOGINS_REFUSED alone when it could not be read or the registry said
 * no, so that who puts it right need not wait; LOGINS_ENTRIES things are kept, of LOGINS_BYTES together. Helpers that a
 * Secret names are never run (oci/store.h).
 * Threads: any; requests to the API server are made one at a time.
 */
#ifndef COCOON_CLUSTER_LOGINS_H
#define COCOON_CLUSTER_LOGINS_H

#include "facts/facts.h"

struct clock;
struct logins;

#define LOGINS_KEPT    (30 * (int64_t)1000000) /* microseconds */
#define LOGINS_REFUSED (3 * (int64_t)1000000)
#define LOGINS_WAIT    (10 * (int64_t)1000000)
#define LOGINS_ENTRIES 256
#define LOGINS_BYTES   ((size_t)256 * 1024) /* a quarter of the memory for secrets */

struct logins_options {
	const struct clock *clock;
	const char *namespace; /* of the installation */
	const char *program;   /* who may not read: "webhook" */
	const char *grant;     /* what to apply to a namespace, so that it may: "manifests/pull-secrets" */
	void *ctx;
	/* an object of the API "v1"; called by one thread at a time */
	int (*get)(void *ctx, const char *namespace, const char *plural, const char *name, json_t **out,
			struct err *err);
};

struct logins *logins_new(const struct logins_options *options)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* Takes NULL. */
void logins_free(struct logins *logins);

/* Nobody waits any more: what is not kept is not read, and logins_find() fails. From any thread. */
void logins_end(struct logins *logins) __attribute__((nonnull));

/* facts_options.logins; ctx is the struct logins. Fails when the API server does: ERR_RETRY, ERR_IO, …, and when it has
 * not brought all within LOGINS_WAIT: no request is begun later. */
int logins_find(void *ctx, const struct image_want *want, struct facts_logins *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* Appends "; the webhook may not read Secret shop/regcred: …" to a registry's refusal, when there is such a thing; and
 * what was read is not believed for much longer. */
void logins_remark(struct logins *logins, const struct image_want *want, struct err *err)
		__attribute__((nonnull));

#endif
