/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AdmissionReview's bytes to the answer's bytes: pure, so that tests, fuzzing and benchmarks run it without a
 * server.
 *
 *     decide_… (profile/decide.h)     what the pod's profile gives and demands
 *     gate_… (policy/gate.h)          what ImagePolicies demand of the images of confidential pods
 *
 * Both say all that they have against a pod, and a refusal holds the reasons of both. What is known of images comes by
 * `find`; while some of it is on its way the result is `pending` and nothing is answered: the same bytes are reviewed
 * again when it is there. A pod that is refused anyhow waits for nothing.
 *
 * Who is judged for images: pods at creation, and on updates of themselves, of their ephemeral containers and of their
 * status, which can carry other labels and so bring them under other policies (a resize brings neither); templates,
 * where a policy says so, when they are new or change, and are no copy that a Deployment or CronJob made of its own.
 * Ownership: the result owns its lists and the request (review_result_clear); gate.lines borrow from the policies.
 */
#ifndef COCOON_WEBHOOK_REVIEW_H
#define COCOON_WEBHOOK_REVIEW_H

#include "kube/admission.h"
#include "policy/gate.h"
#include "profile/decide.h"

enum review_path { REVIEW_MUTATE, REVIEW_VALIDATE, REVIEW_TEMPLATES, REVIEW_PATHS };

struct review_env {
	const struct catalog *catalog;
	const struct policy_set *policies;
	const char *controller_user; /* whose updates may complete a gated pod */
	int64_t now;                 /* seconds since 1970 */
	void *ctx;
	/* may be NULL where there are no policies */
	enum gate_found (*find)(void *ctx, const struct image_want *want, struct image_facts **facts,
			struct err *why);
};

struct review_result {
	int status; /* of HTTP: 200, or 400 for what is no review at all (then the answer is a text) */
	enum outcome outcome;
	bool dry_run;
	bool pending;            /* facts are on their way: nothing was answered */
	bool hopeless;           /* refused, whatever the images are */
	struct gate_result gate; /* what became of each image, for the log, counts and events */
	struct admission_request request;
	struct pod_view pod; /* that gate is about; borrows from the request */
};

void review_result_clear(struct review_result *result) __attribute__((nonnull));
#define auto_review_result __attribute__((cleanup(review_result_clear)))

/* Appends the answer to out. What was in *result does not count; the caller clears it. */
void review(const struct review_env *env, enum review_path path, struct span body,
		struct review_result *result, struct buf *out) __attribute__((nonnull));

#endif
