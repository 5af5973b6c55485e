/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AgentPolicy (cocoon.dev/v1alpha1, crds/agentpolicies.yaml): the agent policy that the controller has prepared for one
 * workload under one profile, found by admission through its key. It stands in the workload's namespace, so that its
 * owner sees it (`kubectl get agentpolicies`), and is written by the controller alone.
 *
 *     {"metadata": {"namespace": "shop", "name": "deployment-web-1f0c9a2b7e44"},
 *      "spec": {"key": "514f38aa90c1…",              agentpolicy/workload.h, agent_key()
 *               "profile": "team-a", "workload": {"kind": "Deployment", "name": "web"},
 *               "policy": "<base64 of gzip of policy.rego>", "images": [{"name": "…", "digest": "sha256:…"}]},
 *      "status": {"digest": "sha256:…", "teeForms": […], "profileGeneration": 3, "notes": ["warning …"]}}
 *
 * The document is composed by whoever needs it, from the profile of the moment and this text: profile_with_policy() gives
 * the profile as it would be had it the text inline, so all decisions go on as they do for any profile.
 *
 * Immutable but for `print`, counted by references, shared between threads.
 * Bounds: PREPARED_POLICY_MAX bytes of base64; PREPARED_MAX objects (profile/shelf.h). Errors: ERR_FORMAT naming the field.
 */
#ifndef COCOON_PROFILE_PREPARED_H
#define COCOON_PROFILE_PREPARED_H

#include "agentpolicy/workload.h"
#include "profile/profile.h"

#include <pthread.h>

#define PREPARED_KIND       "AgentPolicy"
/* When it was prepared last, in metadata.annotations: an old one that is asked for again is a new one. */
#define PREPARED_AT         "cocoon.dev/prepared-at"
#define PREPARED_POLICY_MAX 131072
#define PREPARED_MAX        4096

/* Which document it makes under a profile, found out once and asked for each pod; all 0xff: it makes none. */
struct prepared_print {
	bool known;
	unsigned char of[32];       /* profile->fingerprint of the profile that generates */
	unsigned char document[32]; /* fingerprint of the document */
	char digest_text[16 + DIGEST_HEX_MAX];
};

struct prepared {
	atomic_uint refs;
	char *namespace, *name, *profile;
	char key[AGENT_KEY_LEN + 1];
	char *id;          /* prepared_id() of the two */
	char *workload;    /* "Deployment web" */
	int64_t created;   /* or prepared again: µs since 1970; 0: it does not say */
	struct buf packed; /* gzip of the text */
	pthread_mutex_t lock;
	struct prepared_print print; /* under the lock */
};

int prepared_read(const json_t *resource, struct prepared **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
struct prepared *prepared_ref(struct prepared *prepared) __attribute__((nonnull, returns_nonnull));
void prepared_unref(struct prepared *prepared);
static inline void prepared_release(struct prepared **slot)
{
	prepared_unref(*slot);
}
#define auto_prepared __attribute__((cleanup(prepared_release)))

/* What one is found by in its namespace: profiles of equal options give their pods other documents. The caller's. */
char *prepared_id(const char *profile, const char *key) __attribute__((nonnull, returns_nonnull));

/* Which of two counts: the later one; by name where both are of the same second. */
bool prepared_is_newer(const struct prepared *a, const struct prepared *b) __attribute__((nonnull));

/* The object to be created, without ownerReferences and status: a new reference. */
int prepared_object(const struct profile *profile, const struct agent_workload *workload, const char *key,
		struct span policy, const json_t *images, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result));

/* `profile` is one that generates (profile->generated). *out is a new reference, with a reference to it as its base. */
int profile_with_policy(struct profile *profile, const struct prepared *prepared, struct profile **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* As prepared->print, for this profile: from what is known, or by composing the document once. */
void prepared_print(struct prepared *prepared, struct profile *profile, struct prepared_print *out)
		__attribute__((nonnull));

#endif
