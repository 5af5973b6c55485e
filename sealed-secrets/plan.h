/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be put into a key broker: resources and their bytes. A plan is a private file, written by the commands
 * that turn secrets into names, and read by `provision`:
 *
 *     {"version":1,"resources":[{"uri":"kbs:///default/db/password","base64":"czNjcjN0"},
 *                               {"uri":"kbs:///default/signing-key/team","file":"team-public.json"}]}
 *
 * Names of files are relative to the plan's folder. Each resource stands once: the same bytes again change nothing,
 * other bytes are ERR_CONFLICT.
 *
 * Bounds: PLAN_MAX of text, PLAN_RESOURCES_MAX, SECRET_MAX each. Ownership: the caller's struct, PLAN_NONE. Bytes are
 * wiped when they go; they lie on the ordinary heap, since all Secrets of a cluster are more than the secure heap holds.
 * Errors: ERR_FORMAT with the place, ERR_LIMIT, ERR_CONFLICT, those of the files.
 */
#ifndef COCOON_SEALED_SECRETS_PLAN_H
#define COCOON_SEALED_SECRETS_PLAN_H

#include "base/buf.h"
#include "base/span.h"
#include "kbs/uri.h"

#include <stdbool.h>

struct err;

#define PLAN_MAX           ((size_t)16 * 1024 * 1024)
#define PLAN_RESOURCES_MAX 4096

struct resource {
	struct kbs_uri uri;
	struct buf bytes;
};

struct plan {
	struct resource *items;
	size_t count;
};
#define PLAN_NONE                         \
	{                                 \
		.items = NULL, .count = 0 \
	}

int plan_add(struct plan *plan, const struct kbs_uri *uri, struct span bytes, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Adds those of a text. path: where it was read, for names of files; NULL: a plan that names files is refused. */
int plan_parse(struct plan *plan, struct span text, const char *path, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
/* Adds those of a file; "-" is standard input. */
int plan_load(struct plan *plan, const char *path, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* A new private file; ERR_CONFLICT when it is there and force is not said. */
int plan_save(const struct plan *plan, const char *path, bool force, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* The text of it, into an empty buffer of PLAN_MAX bytes. */
void plan_format(const struct plan *plan, struct buf *out) __attribute__((nonnull));
void plan_clear(struct plan *plan) __attribute__((nonnull));
#define auto_plan __attribute__((cleanup(plan_clear)))

/* "kbs:///a/b/c=FILE": a file, "-" or "fd:NUMBER". */
int plan_add_word(struct plan *plan, const char *word, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
