/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent policy on its way: what it is made from, and what becomes of it. No input or output of its own: its owner brings
 * what it asks for, in this order.
 *
 *     draft_open()          the pod as the API server has it, under the profile that it gets → workload, key
 *     draft_want()          one image after the other; draft_image() gives its facts
 *     draft_source()        ConfigMaps and Secrets that values of env come from; draft_object() gives each
 *     draft_finish()        the AgentPolicy (profile/prepared.h), its status, and the digest that pods will carry
 *
 * The platform of images is DRAFT_PLATFORM, as for `initdata-gen policy`. Layers are not read: where a user is a name, the
 * notes say what to write.
 *
 * The object belongs to who has made the pod (its controlling owner, else the pod), so that it goes with it.
 *
 * Ownership: a draft owns what it was given. One thread.
 * Errors: ERR_DENIED: as long as pod and profile are these, there is no policy; the notes say why, each with its place.
 * Others name what has to be put right elsewhere.
 */
#ifndef COCOON_CONTROLLER_DRAFT_H
#define COCOON_CONTROLLER_DRAFT_H

#include "agentpolicy/workload.h"
#include "pod/view.h"
#include "policy/imagepolicy.h"
#include "profile/profile.h"

#define DRAFT_PLATFORM    "linux/amd64"
#define DRAFT_OBJECTS_MAX 64 /* ConfigMaps and Secrets: each is a request */
#define DRAFT_NOTES_MAX   64 /* that a status shows */
#define DRAFT_TEXT_MAX    512

struct draft {
	struct profile *profile;
	json_t *pod;
	struct pod_view view; /* of it */
	struct agent_workload workload;
	char key[AGENT_KEY_LEN + 1];
	struct agent_notes notes;
	struct image_facts **facts; /* in the order of workload.images */
	json_t *objects;            /* ConfigMaps and Secrets */
	/* of draft_finish() */
	json_t *object, *status;
	char digest[16 + DIGEST_HEX_MAX];
};

/* Takes references. After a failure, too, notes can be read, and draft_clear() is due. */
int draft_open(struct draft *draft, struct profile *profile, json_t *pod, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
void draft_clear(struct draft *draft) __attribute__((nonnull));

/* What image number `index` is looked at with. `want` borrows from draft, policies and *pulls. */
struct draft_pulls {
	const char *names[IMAGE_PULLS_MAX];
};
int draft_want(const struct draft *draft, size_t index, const struct policy_set *policies,
		const json_t *namespace_labels, struct draft_pulls *pulls, struct image_want *want,
		struct err *err) __attribute__((nonnull(1, 5, 6), warn_unused_result));

/* Takes the reference. ERR_NOT_FOUND, ERR_FORMAT: it is none that a policy could be made for. */
int draft_image(struct draft *draft, size_t index, struct image_facts *facts, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* ConfigMap or Secret number `index`; false behind the last. */
struct draft_source {
	const char *plural; /* "configmaps", "secrets" */
	const char *kind;
	const char *name;
};
bool draft_source(const struct draft *draft, size_t index, struct draft_source *out) __attribute__((nonnull));
/* As it was read; one that is not there is not given. */
void draft_object(struct draft *draft, const struct draft_source *source, const json_t *object)
		__attribute__((nonnull));

int draft_finish(struct draft *draft, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* All errors among the notes, "path: text; path: text", or what *failure says where there are none; the caller's. */
char *draft_reasons(const struct draft *draft, const struct err *failure)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
