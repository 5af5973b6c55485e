/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod against all policies: which images it names, which policies apply, what becomes of it. The same for the
 * webhook and for policy-check.
 *
 *     images    spec.initContainers[i].image, spec.containers[i].image, spec.ephemeralContainers[i].image,
 *               spec.volumes[i].image.reference
 *     facts     asked for through `find`; a fact that is on its way makes the result pending: fetch, and judge again
 *
 *     gate_judge(&review, &result)
 *     if (result.pending) …     result.wants: fetch them, then gate_judge() once more with the same review
 *
 * Policies: every one that takes the pod and the image must be satisfied. An image that none takes is the set's `unmatched`.
 * A broken policy (policy/imagepolicy.h) needs no facts: where no other applies, none are asked for.
 * Messages: one line a reason, `spec.containers[0].image: "registry.example/shop/app:1": ImagePolicy shop: encryption.layers: …`.
 *
 * UPDATE: what a pod was admitted under is written on it (GATE_ANNOTATION, by the mutating half, frozen). Images that have not
 * changed are not judged again while the policies that apply are the same; else they are, like all others.
 *
 * Pure. Ownership: the review borrows; the result owns its lists (gate_result_clear).
 */
#ifndef COCOON_POLICY_GATE_H
#define COCOON_POLICY_GATE_H

#include "base/buf.h"
#include "pod/view.h"
#include "policy/image.h"
#include "policy/imagepolicy.h"
#include "policy/judge.h"

/* sha256 of the policies that applied when the pod was admitted: "sha256:<hex>". */
#define GATE_ANNOTATION  POD_IMAGES_ANNOTATION
#define GATE_IMAGES_MAX  256
#define GATE_WARNING_MAX 250

enum gate_kind { GATE_POD, GATE_TEMPLATE };

enum gate_found {
	GATE_FOUND,   /* *facts is a new reference */
	GATE_PENDING, /* not known yet */
	GATE_FAILED,  /* cannot be known now; *why says */
};

struct gate_review {
	const struct policy_set *set;
	enum gate_kind kind;
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

/* One image under one policy: for the audit log, metrics and counts. Policy "" : no policy takes the image. */
struct gate_line {
	const char *policy;
	enum gate_verdict verdict;
	char *path;                  /* "spec.containers[0].image" */
	char *image;                 /* as the pod has it */
	char digest[OCI_DIGEST_MAX]; /* that was judged; "" */
	char *reason;                /* first finding's text; "" */
};

struct gate_result {
	bool pending;
	bool allowed;
	bool skipped;       /* nothing to judge: no policies, or unchanged under the same ones */
	struct buf message; /* all reasons, a line each; when refused */
	json_t *warnings;   /* texts of at most GATE_WARNING_MAX bytes */
	json_t *audit;      /* object of texts */
	struct gate_line *lines;
	size_t line_count;
	int64_t oldest; /* `fetched` of the oldest facts that were used; INT64_MAX: none */
	char hash[80];  /* for GATE_ANNOTATION; "" when no policy applies to the pod */
};

void gate_result_init(struct gate_result *result) __attribute__((nonnull));
void gate_result_clear(struct gate_result *result) __attribute__((nonnull));
#define auto_gate_result __attribute__((cleanup(gate_result_clear)))

/* Judges, after all mutators. */
void gate_judge(const struct gate_review *review, struct gate_result *result) __attribute__((nonnull));

/*
 * What is written at creation: appends JSON Patch operations to the array: pins, and GATE_ANNOTATION. Refuses never; pending as
 * above while a tag is not resolved. A pin that cannot be made is left to gate_judge().
 */
void gate_mutate(const struct gate_review *review, json_t *patch, struct gate_result *result)
		__attribute__((nonnull));

/* Every image that a pod names: calls fn(ctx, path, text). For policy-check's and the controller's lists, too. */
void gate_each_image(const struct pod_view *pod, const char *prefix,
		void (*fn)(void *ctx, const char *path, const char *image), void *ctx)
		__attribute__((nonnull(1, 2, 3)));

#endif
