/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters as Kata passes them to a guest: words split on white space, each on its first '='. There is no
 * quoting anywhere on the way, so a value cannot contain white space.
 *
 *     "agent.log=debug  quiet"  ↔  {"agent.log", "debug"}, {"quiet", no value}
 *
 * Every value changes the measured boot (SNP launch digest, TDX RTMR): only what must be known before init-data is
 * read belongs here, and kparams_to_initdata() moves what does not.
 *
 * Bounds: KPARAMS_TEXT_MAX bytes, the longest command line of the architectures that Kata runs on (s390x). Printable
 * ASCII alone.
 * Ownership: a parsed list borrows its words from the text; the struct owns its array (auto_kparams).
 * Errors: ERR_FORMAT, ERR_LIMIT, ERR_CONFLICT (same key, two values), ERR_DENIED (key not allowed).
 */
#ifndef COCOON_INITDATA_KPARAMS_H
#define COCOON_INITDATA_KPARAMS_H

#include "base/buf.h"
#include "base/span.h"
#include "initdata/configs.h"

#include <jansson.h>

struct err;

#define KPARAMS_TEXT_MAX 4096

struct kparam {
	struct span key;
	struct span value;
	bool has_value; /* "key=" has an empty value, "key" has none */
};

struct kparams {
	struct kparam *items;
	size_t count;
};

void kparams_clear(struct kparams *list) __attribute__((nonnull));
#define auto_kparams __attribute__((cleanup(kparams_clear)))
#define KPARAMS_NONE                      \
	{                                 \
		.items = NULL, .count = 0 \
	}

int kparams_parse(struct span text, struct kparams *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the list with single spaces between, the one form that both Kata runtimes split alike. */
void kparams_format(const struct kparams *list, struct buf *out) __attribute__((nonnull));

/* True when two keys mean the same parameter to the kernel, which takes '-' and '_' as one. */
bool kparams_same_key(struct span a, struct span b);

/*
 * The parameters of a pod: the profile's first, in their order, then the user's in theirs. `profile` is an array of
 * texts "key" or "key=value", `allowed` an array of globs for the user's keys; both may be NULL (none). A user's
 * parameter that the profile has with the same value is there once and needs no permission, so that combining twice
 * gives the same. Same key with another value: ERR_CONFLICT. Key not allowed: ERR_DENIED.
 */
int kparams_combine(const json_t *profile, struct span user, const json_t *allowed, struct buf *out,
		struct err *err) __attribute__((nonnull(4), warn_unused_result));

/* Parameters taken off the command line and into init-data. */
struct kparams_moved {
	struct initdata_config config; /* borrows from `owned` */
	json_t *owned;
	struct buf rest; /* the parameters that stay, as text */
	json_t *notes;   /* array of texts: what was moved where, and what changes by it */
};

void kparams_moved_init(struct kparams_moved *moved) __attribute__((nonnull));
void kparams_moved_clear(struct kparams_moved *moved) __attribute__((nonnull));
#define auto_kparams_moved __attribute__((cleanup(kparams_moved_clear)))

/*
 * Moves what aa.toml and cdh.toml can say: agent.aa_kbc_params, cdh.kbs_resources, agent.image_registry_auth,
 * agent.image_policy_file with agent.enable_signature_verification, and the proxies (of which https_proxy and
 * no_proxy stay as well, because the Kata agent itself reads them). All else stays.
 *
 * Duplicates are taken as the guest takes them: the last wins, but the first for aa_kbc_params and kbs_resources.
 * The values are judged when the files are made (initdata_cdh_toml).
 */
int kparams_to_initdata(struct span text, struct kparams_moved *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
