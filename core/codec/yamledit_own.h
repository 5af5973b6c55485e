/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of codec/yamledit share; nobody else includes this. */
#ifndef COCOON_CODEC_YAMLEDIT_OWN_H
#define COCOON_CODEC_YAMLEDIT_OWN_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/yamledit.h"
#include "codec/yamledit_tree.h"

/* libyaml finds the ':' of a key within 1024 characters, and an escape takes six */
#define EDIT_KEY_MAX 160
#define EDIT_CHANGES 2

/* The bytes from..to give way to text. */
struct change {
	size_t from;
	size_t to;
	struct buf text;
};

struct edit {
	struct span text; /* without BOM */
	size_t max;
	size_t document;
	const struct yaml_step *path;
	size_t steps;

	/* how far the path goes */
	size_t found;              /* so many steps exist */
	const struct node *node;   /* what stands there */
	const struct node *parent; /* the collection around it; NULL at the root */
	size_t at;     /* the index in parent's kids: of the key in a mapping, of the item in a sequence */
	bool in_flow;  /* inside brackets, the node itself aside */
	size_t column; /* of the keys of the innermost block mapping on the way */
	size_t deeper; /* the indentation of one level */

	/* what is to change, from front to back, without overlap */
	struct change changes[EDIT_CHANGES];
	size_t count;
};

int edit_set(struct edit *edit, const char *value, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int edit_remove(struct edit *edit, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* err_set with the path up to the step in front */
int edit_refuse(const struct edit *edit, enum err_kind kind, size_t step, const char *why, struct err *err)
		__attribute__((nonnull(1, 4)));

/* Written as "? key". */
bool edit_is_explicit(const struct edit *edit, const struct node *key) __attribute__((nonnull));

/* The start of the line of a byte, and of the line after. */
size_t edit_line_start(const struct edit *edit, size_t at) __attribute__((nonnull));
size_t edit_line_after(const struct edit *edit, size_t at) __attribute__((nonnull));

/* The first byte from `at` on that is not in the set. */
size_t edit_skip_blank(const struct edit *edit, size_t at, const char *set) __attribute__((nonnull));

/* The start of the line behind a node in block style. */
size_t edit_after(const struct edit *edit, const struct node *node) __attribute__((nonnull));

/* The end of a node without the line break that belongs to a literal or folded block. */
size_t edit_last_line_end(const struct edit *edit, const struct node *node) __attribute__((nonnull));

void edit_change(struct edit *edit, size_t from, size_t to, struct span text) __attribute__((nonnull));

#endif
