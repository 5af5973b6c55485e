/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a document comes from: a TOML file, the text of an annotation, a Kubernetes manifest whose pods carry the
 * annotation, or a block image. What it is shows in the bytes; --from settles it where they mislead.
 *
 * Ownership: a list owns its texts and labels.
 */
#ifndef COCOON_INITDATA_GEN_SOURCE_H
#define COCOON_INITDATA_GEN_SOURCE_H

#include "base/buf.h"

struct err;

enum source_form { SOURCE_AUTO, SOURCE_TOML, SOURCE_ANNOTATION, SOURCE_MANIFEST, SOURCE_IMAGE };
/* The words of --from. */
extern const char *const source_form_words[];

struct source {
	enum source_form form;
	char *label;     /* "Pod shop/web", or NULL where the file is one document */
	struct buf text; /* the document's bytes */
};

struct source_list {
	struct source *items;
	size_t count;
};

#define SOURCE_LIST_NONE                  \
	{                                 \
		.items = NULL, .count = 0 \
	}

/* All documents of a file; at least one. `path` NULL or "-" is standard input. */
int source_load(const char *path, enum source_form form, struct source_list *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
void source_list_clear(struct source_list *list) __attribute__((nonnull));
#define auto_source_list __attribute__((cleanup(source_list_clear)))

/* The one document of a file: a manifest whose pods carry different ones is ERR_USAGE. Appends its bytes. */
int source_load_one(const char *path, enum source_form form, struct buf *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* The same of a text. */
int source_read_one(struct span text, enum source_form form, struct buf *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

#endif
