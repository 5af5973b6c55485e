/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod against all policies: which images it names, which policies apply, what becomes of it. The same for the
 * webhook and for policy-check.
 *
 *     images    spec.initContainers[i].image, spec.containers[i].image, spec.ephemeralContainers[i].image,
 *               spec.volumes[i].image.reference; no annotation changes which images are judged. In a template "" and "auto"
 *               are places that a webhook will fill, and are passed over
 *     facts     asked for through `find`, at most once for an image; one that is on its way makes the result pending: when
 *               it is there, judge again with the same review, which need not be waited for when the result
 *               is doomed as well: a tag where the mutating half was to write the digest, and has waited for it
 *
 *     gate_judge(&review, &result)
 *     if (result.pending) …     what `find` was asked for is fetched, then gate_judge() once more
 *
 * Policies: every one that takes the pod and the image must be satisfied. An image that none takes is the set's
 * `unmatched`; a set without any policy judges nothing. A broken policy (policy/imagepolicy.h) needs no facts: where no
 * other applies, none are asked for.
 *
 * Secrets of the pod (pod/secrets.h): every confidential pod gets the warnings of pod/advise.h, whatever policies say.
 * Here is said what those do not say: what a policy denies, and what its keys show about sealed texts.
 *
 * Messages: one line a reason, `spec.containers[0].image: "registry.example/shop/app:1": ImagePolicy shop: encryption.layers: …`.
 * The same image in more places is one line: `spec.containers[0].image (+9 more): …`.
 *
 * CREATE and UPDATE: what a pod was admitted under is written on it (GATE_ANNOTATION, by the mutating half). It counts
 * as the webhook's word alone: at CREATE one that is not what holds now is refused, and an UPDATE may not touch it.
 * A pod without it is fine, and judged whole by each UPDATE. An UPDATE judges
 *
 *     nothing            when neither spec nor labels nor annotations change (status, finalizers, owners)
 *     new images alone   when the pod carries the annotation and it is what holds now for the pod as it becomes, labels
 *                        and all, and its init-data stays; or when the pod is being deleted. New is an image that the
 *                        same container did not have
 *     all of it          else
 *
 * Pure. Ownership: the review borrows; the result owns its lists (gate_result_clear), but for the names of policies, which
 * are the set's. Bounds: GATE_IMAGES_MAX places, more are refused; GATE_MESSAGE_MAX, GATE_WARNINGS_MAX, with a count of what is
 * left out.
 */
#ifndef COCOON_POLICY_GATE_H
#define COCOON_POLICY_GATE_H

#include "base/buf.h"
#include "pod/view.h"
#include "policy/image.h"
#include "policy/imagepolicy.h"
#include "policy/judge.h"

/* sha256 of the policies that applied when the pod was admitted, and of what holds for the rest: "sha256:<hex>". */
#define GATE_ANNOTATION   POD_IMAGES_ANNOTATION
#define GATE_IMAGES_MAX   256
#define GATE_MESSAGE_MAX  7168 /* a line of the caller's fits in front, below the 8 KiB of a status */
#define GATE_WARNING_MAX  250
#define GATE_WARNINGS_MAX 20
#define GATE_AUDIT_MAX    4096 /* bytes of one audit text */

enum gate_kind { GATE_POD, GATE_TEMPLATE };

enum gate_found {
	GATE_FOUND,   /* *facts is a new reference */
	GATE_PENDING, /* not known yet */
	GATE_FAILED,  /* cannot be known now; *why says */
};

struct gate_review {
	const struct policy_set *set;
	enum gate_kind kind;
	bool unseen; /* a manifest that no webhook has seen: what gate_mutate() writes is not missed in it */
	bool waits; /* for its agent policy, which is judged when the pod gets it: its init-data changes then */
	const char *path;               /* of a template: "spec.template"; "" of a pod */
	const struct pod_view *pod;     /* confidential: the caller knows */
	const struct pod_view *before;  /* of an UPDATE; NULL */
	const json_t *namespace_labels; /* NULL: unknown */
	struct span document;           /* the pod's init-data (TOML); empty: none */
	int64_t now;                    /* seconds since 1970 */
	void *ctx;
	enum gate_found (*find)(void *ctx, const struct image_want *want, struct image_facts **facts,
			struct err *why);
};

enum gate_verdict { GATE_ADMITTED, GATE_WARNED, GATE_REFUSED, GATE_UNKNOWN };

/* "admitted", "warned", "refused", "unknown"; static. */
const char *gate_verdict_name(enum gate_verdict verdict) __attribute__((returns_nonnull));

/*
 * One image under one policy: for the audit log, metrics and counts. Policy "": no policy takes the image. WARNED is
 * also what a policy of mode Audit would refuse.
 */
struct gate_line {
	const char *policy;
	enum gate_verdict verdict;
	char *path;                  /* "spec.containers[0].image", the first */
	char *image;                 /* as the pod has it */
	char digest[OCI_DIGEST_MAX]; /* that was judged; "" */
	char *reason;                /* what decided, "rule: text"; "" */
};

struct gate_result {
	bool pending;
	bool doomed; /* pending, and refused whatever comes: to be waited for as long as the first cause is worth */
	bool allowed;
	bool skipped;       /* no image to judge: no policies, or unchanged under the same ones */
	struct buf message; /* all reasons, a line each, without a line end behind the last; when refused */
	json_t *warnings;   /* texts of at most GATE_WARNING_MAX bytes */
	json_t *audit; /* object of texts: "images" (JSON), "image-findings" (of policies of mode Audit) */
	struct gate_line *lines;
	size_t line_count;
	int64_t oldest; /* `fetched` of the oldest facts that were used; INT64_MAX: none */
	char hash[80];  /* for GATE_ANNOTATION; "" when no policy applies to the pod */
};

void gate_result_init(struct gate_result *result) __attribute__((nonnull));
void gate_result_clear(struct gate_result *result) __attribute__((nonnull));
#define auto_gate_result __attribute__((cleanup(gate_result_clear)))

/* Judges, after all mutators. What an earlier call left in the result is forgotten. */
void gate_judge(const struct gate_review *review, struct gate_result *result) __attribute__((nonnull));

/*
 * What the webhook writes: appends JSON Patch operations to the array, which may hold those of others already: pins of
 * images that are new, and at creation GATE_ANNOTATION, or its removal. Templates stay as they are. Refuses never; pending
 * as above while a tag is not resolved, and then nothing is appended. A pin that cannot be made is left to gate_judge().
 */
void gate_mutate(const struct gate_review *review, json_t *patch, struct gate_result *result)
		__attribute__((nonnull));

/*
 * Every image that a pod names: calls fn(ctx, path, text), for who wants to see that none is missed. `path` is the place of
 * a template ("spec.template"), "" for a pod. The text is "" where there is none.
 */
void gate_each_image(const struct pod_view *pod, const char *path,
		void (*fn)(void *ctx, const char *path, const char *image), void *ctx)
		__attribute__((nonnull(1, 2, 3)));

#endif
