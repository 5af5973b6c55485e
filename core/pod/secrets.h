/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets that a confidential pod uses, and what is wrong with them (product.md N18, N19).
 *
 *     sealed   `sealed.` texts in the environment of all containers, in annotations, and in the options that volumes of
 *              drivers are given (csi, flexVolume): sealed/lint.h's findings. A text that is no good is only logged by the
 *              guest, and the program gets it as it stands
 *     plain    Kubernetes Secrets in env, envFrom, volumes, projected volumes, credentials of storage, imagePullSecrets:
 *              the host reads all of them. What they hold is not looked at: sealed texts in them are as safe as they say
 *
 * Pure; borrows. Bounds: SECRETS_FINDINGS_MAX, more are left out, but for the first of a kind; SECRETS_SEALED_MAX sealed
 * texts are looked at, as each has a signature to be checked, and more are found to be no good.
 */
#ifndef COCOON_POD_SECRETS_H
#define COCOON_POD_SECRETS_H

#include "pod/view.h"
#include "sealed/lint.h"

#define SECRETS_FINDINGS_MAX 64
#define SECRETS_SEALED_MAX   512

enum secret_kind { SECRET_SEALED, SECRET_PLAIN };

struct secret_finding {
	enum secret_kind kind;
	bool error; /* of the lint: the guest will not unseal it; warnings else */
	char *path; /* "spec.containers[0].env[2].value", below the place of a template */
	char *text; /* what, why, what to do */
};
struct secret_findings {
	struct secret_finding items[SECRETS_FINDINGS_MAX];
	size_t count;
};

/* `path` is the place of a template ("spec.template"), "" for a pod. *out is zeroed before. */
void pod_secrets_find(const struct pod_view *pod, const char *path, const struct sealed_key *keys,
		size_t key_count, struct secret_findings *out) __attribute__((nonnull(1, 2, 5)));
void secret_findings_clear(struct secret_findings *findings) __attribute__((nonnull));
#define auto_secret_findings __attribute__((cleanup(secret_findings_clear)))

#endif
