/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the gate share: one review on its way. Private to this room.
 *
 *     gate.c          the order of things, which policies apply, what an UPDATE judges
 *     gate_images.c   the images of a pod, and the facts about them
 *     gate_pin.c      tags that become digests, the annotation
 *     gate_pod.c      the secrets of the pod
 *     gate_say.c      findings become refusals, warnings, audit texts, lines
 */
#ifndef COCOON_POLICY_GATE_OWN_H
#define COCOON_POLICY_GATE_OWN_H

#include "policy/gate.h"
#include "policy/guest.h"

/* One place of a pod that names an image. */
struct gate_place {
	const char *list; /* "containers" */
	size_t index;
	const char *member; /* "image", "image.reference" */
	const char *name;   /* of the container or volume; "" */
	const char *image;  /* "" */
};
/* Calls until fn says false. */
void gate_each_place(const struct pod_view *pod, bool (*fn)(void *ctx, const struct gate_place *place),
		void *ctx) __attribute__((nonnull(1, 2)));

/* One text that names an image, wherever the pod has it. */
struct gate_image {
	const char *text; /* the pod's */
	char *path;       /* of the first place */
	size_t places;
	struct oci_name name;
	bool named; /* the text is a name */
	char *why;  /* it is none, or there are no facts; NULL */
	struct image_facts *facts;
};

struct gate {
	const struct gate_review *review;
	struct gate_result *result;
	const struct image_policy **policies; /* that take the pod, in the set's order */
	size_t policy_count;
	/* what is to be judged */
	bool judges; /* not only writes */
	bool new_only;
	size_t places; /* all that the pod has, up to GATE_IMAGES_MAX + 1 */
	struct gate_image *images;
	size_t image_count, image_room;
	unsigned spent; /* judge.h */
	/* what the pod's init-data says */
	struct guest_view guest;
	bool has_guest;
	char *guest_problem;
	/* what was said */
	size_t reasons_left_out, warnings_left_out;
	struct buf audit;
};

/* ---- gate.c ---- */

/* Does the pod name the image where it is now only since this UPDATE? */
bool gate_is_new(const struct gate *gate, const struct gate_place *place) __attribute__((nonnull));
/* Does the review pass the policy over? */
bool gate_ignores(const struct gate *gate, const struct image_policy *policy) __attribute__((nonnull));
void gate_open(const struct gate_review *review, struct gate_result *result, struct gate *gate)
		__attribute__((nonnull));
void gate_close(struct gate *gate) __attribute__((nonnull));
/* Where a policy asks for what the pod's init-data says. */
void gate_read_init_data(struct gate *gate) __attribute__((nonnull));

/* ---- gate_images.c ---- */

void gate_collect(struct gate *gate) __attribute__((nonnull));
void gate_images_clear(struct gate *gate) __attribute__((nonnull));
/* Asks for the facts of all images that `needs` says of. False: some are pending. */
bool gate_find(struct gate *gate, bool (*needs)(const struct gate *gate, const struct gate_image *image))
		__attribute__((nonnull));
/* "spec.containers[0].image" below the review's path: heap. */
char *gate_path(const char *path, const struct gate_place *place)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* A template's place that a webhook fills. */
bool gate_is_placeholder(const char *image) __attribute__((nonnull));

/* ---- gate_pin.c ---- */

/* The policy whose pin counts for an image, or NULL. */
const struct image_policy *gate_pinner(const struct gate *gate, const struct gate_image *image)
		__attribute__((nonnull));
/*
 * The mutating half was to write the digest, and did not: refused, whatever is known of the image by now. It has waited for
 * that already, perhaps in another replica.
 */
bool gate_is_unpinned(struct gate *gate, const struct gate_image *image) __attribute__((nonnull));
/* Adds what is wrong when an image that was to be pinned is not. */
void gate_judge_pin(struct gate *gate, const struct gate_image *image, const struct image_policy *policy,
		struct findings *findings) __attribute__((nonnull));

/* ---- gate_pod.c ---- */

void gate_judge_secrets(struct gate *gate) __attribute__((nonnull));

/* ---- gate_say.c ---- */

enum gate_level { GATE_SILENT, GATE_AUDITS, GATE_WARNS, GATE_DENIES };

/* What an effect of a policy comes to in the review. */
enum gate_level gate_level(const struct gate *gate, const struct image_policy *policy,
		enum policy_effect effect) __attribute__((nonnull));
void gate_say(struct gate *gate, enum gate_level level, const char *fmt, ...)
		__attribute__((format(printf, 3, 4), nonnull));
/* What was found about an image under a policy. */
void gate_conclude(struct gate *gate, const struct gate_image *image, const struct image_policy *policy,
		const struct findings *findings) __attribute__((nonnull));
/* No policy takes the image. */
void gate_unmatched(struct gate *gate, const struct gate_image *image) __attribute__((nonnull));
/* What was left out, and the audit texts. */
void gate_finish(struct gate *gate) __attribute__((nonnull));

#endif
