/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows a collection for ever: lists it by pages, watches from there, resumes, and lists again when the server has
 * forgotten (kubernetes.io: "Kubernetes API Concepts", efficient detection of changes). The caller keeps a store of
 * what it needs and is told in this order:
 *
 *     begin                        a full list starts: mark all that the store holds as unseen
 *     object LISTED …              one per item; the store marks it as seen
 *     synced                       the list is complete: sweep what is still unseen
 *     object ADDED|MODIFIED|DELETED …
 *     begin …                      after a 410, from the top
 * begin may come again before synced, when a list broke off: then start over.
 *
 * Lists: pages of 500, decoded item by item from the stream. A page that expired (410) starts the list over; after
 * two of these, one list without pages from the server's cache. Watches: bookmarks, a random timeoutSeconds of
 * 300 … 600, given up when nothing came for that time and 30 s more; resumed at the last version seen. Clean ends are
 * normal; a watch that ends within a second and without an event counts as an error.
 * Errors wait 0.8 s, doubling to 30 s, and up to as much again at random, or Retry-After if that is longer; two quiet
 * minutes reset that. They are reported to `failed` and never end the watch.
 *
 * A collection that may not be there (`optional`): where the server answers 404, as it does for a custom resource whose
 * definition is not installed, it is an empty one: begin, synced. It is looked for again every WATCH_ABSENT; that is no
 * error. All other failures are, so that what cannot be read is never taken for empty.
 *
 * Items of a list carry no kind and apiVersion for built-in types: a caller knows what it asked for.
 * Ownership: objects are borrowed for the call. Options are copied, texts included.
 * Threads: that of its struct kube, in kube_turn().
 */
#ifndef COCOON_KUBE_WATCH_H
#define COCOON_KUBE_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct kube;
struct watch;

#define WATCH_PAGE   500
#define WATCH_ABSENT (10 * INT64_C(1000000)) /* microseconds */

enum watch_event { WATCH_LISTED, WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED };

struct watch_handler {
	void *ctx;
	void (*begin)(void *ctx);
	void (*object)(void *ctx, enum watch_event event, json_t *object);
	void (*synced)(void *ctx);
	void (*failed)(void *ctx, const struct err *failure); /* may be NULL */
};

struct watch_options {
	const char *path;           /* of a collection, from kube_path() */
	const char *label_selector; /* "a=b,c"; NULL: none */
	const char *field_selector; /* "metadata.name=x"; NULL: none */
	bool metadata_only;         /* PartialObjectMetadata instead of whole objects */
	const char *const *skip;    /* json_read_without(): what the handler does not need; static, or NULL */
	unsigned page;              /* 0: WATCH_PAGE */
	bool optional;
	struct watch_handler handler;
};

/* Starts with the next kube_turn(). */
struct watch *watch_start(struct kube *kube, const struct watch_options *options)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* Takes NULL. From a handler of the same watch it may not be called. */
void watch_stop(struct watch *watch);

/* For metrics and readiness. Times are monotonic microseconds, 0: never. */
struct watch_state {
	bool synced;        /* a list was completed, and nothing said since that it is void */
	bool connected;     /* a list or watch is running, not waiting after an error */
	int64_t last_bytes; /* when the server last sent anything */
	int64_t last_event; /* when an object was last handed over */
	uint64_t lists;     /* full lists completed */
	uint64_t relists;   /* lists begun after the first */
	uint64_t events;    /* watch events, bookmarks left out */
	uint64_t errors;
};
struct watch_state watch_state(const struct watch *watch) __attribute__((nonnull));

#endif
