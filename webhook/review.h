/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AdmissionReview's bytes to the answer's bytes: pure, so that tests, fuzzing and benchmarks run it without a
 * server.
 */
#ifndef COCOON_WEBHOOK_REVIEW_H
#define COCOON_WEBHOOK_REVIEW_H

#include "profile/decide.h"

enum review_path { REVIEW_MUTATE, REVIEW_VALIDATE, REVIEW_TEMPLATES, REVIEW_PATHS };

struct review_env {
	const struct catalog *catalog;
	const char *controller_user; /* whose updates may complete a gated pod */
};

struct review_result {
	int status; /* of HTTP: 200, or 400 for what is no review at all (then the answer is a text) */
	enum outcome outcome;
	bool dry_run;
};

/* Appends the answer to out. */
void review(const struct review_env *env, enum review_path path, struct span body,
		struct review_result *result, struct buf *out) __attribute__((nonnull));

#endif
