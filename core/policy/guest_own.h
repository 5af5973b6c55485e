/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of policy/guest.h share: the guest's settings as far as they are known here, and one requirement of its
 * policy.json against one reference.
 */
#ifndef COCOON_POLICY_GUEST_OWN_H
#define COCOON_POLICY_GUEST_OWN_H

#include "policy/guest.h"

/* Words that stand in the guest's errors. */
#define GUEST_MATCH_FAILED "Match reference failed."

/* Is the reference with which a digest travels refused whatever was signed? The words, or NULL. */
const char *guest_identity_never(const json_t *identity, const struct oci_name *task)
		__attribute__((nonnull, warn_unused_result));

/* "host/repository". */
#define GUEST_REPOSITORY_MAX 513
void guest_repository(const struct oci_name *name, char out[static GUEST_REPOSITORY_MAX])
		__attribute__((nonnull));

/* The scopes of a reference but for "" and the default, in the guest's order: calls fn until it returns true. */
bool guest_scopes(const struct oci_name *task, bool (*fn)(void *ctx, const char *scope), void *ctx)
		__attribute__((nonnull(1, 2)));

/* ---- what the guest would have loaded ---- */

/* A resource of the list by its URI; a kbs URI with and without the broker's address is the same. NULL: not listed. */
const char *guest_resource(const struct policy_guest *settings, const char *uri) __attribute__((nonnull(2)));

struct guest_settings {
	const struct policy_guest *listed;
	bool checks;         /* there is a policy at all */
	bool sigstore_known; /* the lookaside configuration was to be had, or there is none */
	struct guest_policy policy;
	json_t *sigstore;         /* of the lookaside YAML, readable; NULL: none */
	json_t *registries;       /* NULL: none */
	const char *sigstore_uri; /* that is not listed, borrowed */
};
/* GUEST_ACCEPTS: the settings are readable; else why has the reason, and nothing is set. */
enum guest_verdict guest_settings_load(const struct policy_guest *listed, const struct guest_view *view,
		struct guest_settings *out, struct buf *why) __attribute__((nonnull(3, 4)));
void guest_settings_clear(struct guest_settings *settings) __attribute__((nonnull));
#define auto_guest_settings __attribute__((cleanup(guest_settings_clear)))

/* ---- one requirement ---- */

struct guest_case {
	const struct guest_settings *settings;
	const struct image_facts *facts;
	const struct oci_name *task;
	bool elsewhere; /* the task's repository is not the one that the facts are of */
	unsigned *left; /* what it may still cost */
	struct buf *why;
};

/* Work of `cost` units comes next. False: it is not to be done, as there was too much already. */
bool guest_spend(unsigned *left, unsigned cost) __attribute__((nonnull, warn_unused_result));
/* GUEST_UNKNOWN, with these words. */
enum guest_verdict guest_too_much(struct buf *why) __attribute__((nonnull));

#define GUEST_COST_KEY   1U
#define GUEST_COST_SLOW  8U   /* P-384, an OpenPGP message */
#define GUEST_COST_RING  16U  /* and one for each of the bytes below */
#define GUEST_RING_UNIT  256  /* bytes of a ring */
#define GUEST_CLAIM_UNIT 8192 /* bytes of a payload */

/* Appends to `why`, parted by "; ", cut to the room that is left. Returns the verdict. */
enum guest_verdict guest_say(struct buf *why, enum guest_verdict verdict, const char *fmt, ...)
		__attribute__((nonnull(1, 3), format(printf, 3, 4)));

/* The key's text of keyPath; NULL with the verdict in *out. `rule` is the requirement's type. */
const char *guest_key_text(const struct guest_case *one, const char *rule, const char *path,
		enum guest_verdict *out) __attribute__((nonnull));

/*
 * A key of sigstoreSigned: the first PEM block, which must be a SubjectPublicKeyInfo, as the guest reads no other form, and
 * of a kind that the guest has. ERR_FORMAT.
 */
struct pkey;
int guest_key_parse(const char *text, struct pkey **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* What a payload claims; the texts borrow from the tree. */
struct guest_claim {
	json_t *json;
	const char *digest, *reference;
};
#define GUEST_CLAIM_NONE                                    \
	{                                                   \
		.json = NULL, .digest = "", .reference = "" \
	}
int guest_claim_read(struct span payload, struct guest_claim *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void guest_claim_clear(struct guest_claim *claim) __attribute__((nonnull));
#define auto_guest_claim __attribute__((cleanup(guest_claim_clear)))

enum guest_verdict guest_cosign(const struct guest_case *one, const json_t *requirement)
		__attribute__((nonnull));
enum guest_verdict guest_simple(const struct guest_case *one, const json_t *requirement)
		__attribute__((nonnull));

/* ---- looking at a requirement for people ---- */

/* Appends {"level":…,"path":…,"message":…}. */
void guest_find(json_t *findings, const char *level, const char *path, const char *fmt, ...)
		__attribute__((nonnull, format(printf, 4, 5)));
void guest_lint_requirement(json_t *requirement, const char *path, json_t *findings) __attribute__((nonnull));

#endif
