/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets that a confidential pod uses, and what is wrong with them (product.md N18, N19).
 *
 *     sealed   `sealed.` texts in env of all containers, in annotations and in volumes' inline values: sealed/lint.h's
 *              findings. A text that is no good is only logged by the guest, and the program gets it as it stands
 *     plain    Kubernetes Secrets in env, envFrom, volumes, projected volumes, imagePullSecrets: the host reads all of them.
 *              A Secret that is known (passed in) to hold sealed texts alone is none
 *
 * Pure; borrows. Bounds: SECRETS_FINDINGS_MAX.
 */
#ifndef COCOON_POD_SECRETS_H
#define COCOON_POD_SECRETS_H

#include "pod/view.h"
#include "sealed/lint.h"

#define SECRETS_FINDINGS_MAX 64

enum secret_kind { SECRET_SEALED, SECRET_PLAIN };

struct secret_finding {
	enum secret_kind kind;
	bool error; /* of the lint: the guest will not unseal it; warnings else */
	char *path; /* "spec.containers[0].env[2].value" below the prefix */
	char *text; /* what, why, what to do */
};
struct secret_findings {
	struct secret_finding items[SECRETS_FINDINGS_MAX];
	size_t count;
};

/* `prefix` is the place of a template ("spec.template."), "" for a pod. *out is zeroed before. */
void pod_secrets_find(const struct pod_view *pod, const char *prefix, const struct sealed_key *keys,
		size_t key_count, struct secret_findings *out) __attribute__((nonnull(1, 2, 5)));
void secret_findings_clear(struct secret_findings *findings) __attribute__((nonnull));
#define auto_secret_findings __attribute__((cleanup(secret_findings_clear)))

#endif
