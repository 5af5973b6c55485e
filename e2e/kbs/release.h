/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which attested guest gets which resource (kbs-protocol.md, 4.1): the claims of a token and the path in, a verdict
 * with its reason out. Two things must both say yes:
 *
 *   the resource policy   a Rego text that was posted, else one of ours, in C:
 *                         default      all but the sample TEE, which proves nothing
 *                         allow-all    everybody with a token
 *                         deny-all     nobody
 *                         affirming    whose submodules are all affirming, and there is at least one
 *                         each of them for the plugin resource alone
 *   the allow-list        where it has entries: DIGEST[=GLOB], the init-data that opens the paths that the glob
 *                         (of span_glob(), over "default/key/1") stands for. DIGEST is hex, either of the document or
 *                         of what the TEE holds of it (initdata/tee.h), and is compared in the TEE's own form
 *
 * Ownership: heap object of the caller; store is borrowed. Threads: one. Errors: ERR_USAGE (entries), those of rego.h
 * and store.h. A refusal is no error.
 */
#ifndef COCOON_E2E_KBS_RELEASE_H
#define COCOON_E2E_KBS_RELEASE_H

#include "base/opt.h"
#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct err;
struct release;
struct store;

enum release_policy { RELEASE_DEFAULT, RELEASE_ALLOW_ALL, RELEASE_DENY_ALL, RELEASE_AFFIRMING };
extern const char *const release_policy_words[]; /* for an option table */

struct release_options {
	enum release_policy policy;
	const struct opt_list *allow; /* entries of the allow-list */
	const char *opa;              /* NULL: there is none */
	struct store *store;
};

/* A Rego text that the store has is loaded; without opa that is ERR_NOT_FOUND. */
int release_open(const struct release_options *options, struct release **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void release_free(struct release *release);

/* Replaces the resource policy, in the store too; on failure the old one stays. */
int release_set(struct release *release, struct span rego, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

struct release_question {
	json_t *claims; /* of the token */
	const char *plugin;
	json_t *path;     /* array of texts */
	json_t *query;    /* object of texts */
	const char *name; /* the path as one text */
};

#define RELEASE_RULE_MAX 160
struct release_verdict {
	bool allowed;
	char rule[RELEASE_RULE_MAX]; /* what decided, for the audit log */
};

/* -1 when the policy cannot be evaluated. */
int release_judge(struct release *release, const struct release_question *question,
		struct release_verdict *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
