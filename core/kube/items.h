/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A List answer taken apart while it arrives: each element of the top-level "items" is handed over as bytes as soon
 * as it is complete, so a list of any length needs the memory of one item. Knows no connection: feed, then done.
 *
 *     {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"12","continue":"…"},"items":[{…},{…}]}
 *
 * Members may come in any order. All that is not an item is kept as the envelope and read at the end, whose shape
 * is therefore judged by the strict loader; "items" then holds what the splitter left of it: nothing. A body that
 * is no list (a Status) is simply its envelope.
 *
 * Bounds: an item 8 MiB (etcd's objects are 1.5 MiB), the envelope 1 MiB.
 * Ownership: spans are borrowed for the call of `item`; items_envelope() borrows from the struct.
 * Errors: ERR_FORMAT, ERR_LIMIT, and whatever `item` returns. After an error only items_clear() is allowed.
 */
#ifndef COCOON_KUBE_ITEMS_H
#define COCOON_KUBE_ITEMS_H

#include "base/buf.h"
#include "base/span.h"

#include <jansson.h>

struct err;

#define ITEMS_ITEM_MAX     (8 * 1024 * 1024)
#define ITEMS_ENVELOPE_MAX (1024 * 1024)

struct items_handler {
	void *ctx;
	/* an object's text, not yet parsed. Returns 0, or -1 with *err set */
	int (*item)(void *ctx, struct span text, struct err *err);
};

struct items {
	struct items_handler handler;
	struct buf envelope_text;
	struct buf item;
	json_t *envelope; /* after items_done */
	size_t count;     /* items handed over */
	int state;
	int depth;
	bool in_string;
	bool escaped;
	char key[8]; /* the last string at depth 1, cut */
	unsigned char key_len;
};

void items_init(struct items *items, const struct items_handler *handler) __attribute__((nonnull));
void items_clear(struct items *items) __attribute__((nonnull));
#define auto_items __attribute__((cleanup(items_clear)))

int items_feed(struct items *items, struct span bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* The body has ended: ERR_FORMAT when it is not complete. */
int items_done(struct items *items, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* The rest of the answer, after items_done: kind, apiVersion, metadata. Borrowed. */
const json_t *items_envelope(const struct items *items) __attribute__((nonnull));
/* metadata.resourceVersion and metadata.continue; "" when absent */
const char *items_resource_version(const struct items *items) __attribute__((nonnull, returns_nonnull));
const char *items_continue(const struct items *items) __attribute__((nonnull, returns_nonnull));
/* metadata.remainingItemCount; -1 when absent */
int64_t items_remaining(const struct items *items) __attribute__((nonnull));

#endif
