/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about images for agent policies: from a lock file, from layouts, from registries. What was read is kept as JSON,
 * and lent as struct agent_image.
 *
 * Ownership: what is lent lives as long as the struct imagebook. One thread, beside those of facts/facts.h.
 */
#ifndef COCOON_INITDATA_GEN_IMAGEBOOK_H
#define COCOON_INITDATA_GEN_IMAGEBOOK_H

#include "agentpolicy/generate.h"

struct err;
struct imagebook;
struct maker_options;

int imagebook_open(const struct maker_options *options, struct imagebook **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Takes NULL. */
void imagebook_free(struct imagebook *images);
/* The lock file, when there is one and something was read. */
int imagebook_save(struct imagebook *images, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* Reads those that are not known yet, all at a time. */
int imagebook_read(struct imagebook *images, const char *const *names, size_t count, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
/* One that was read. */
void imagebook_lend(struct imagebook *images, const char *name, struct agent_image *out)
		__attribute__((nonnull));
/* Reads its /etc/passwd and /etc/group, which are lent from then on. */
int imagebook_read_users(struct imagebook *images, const char *name, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
