/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events (events.k8s.io/v1): what a controller tells the owner of an object, aggregated so that a repeated message is
 * one Event with a count (the rules of client-go's recorder).
 *
 *     events_emit(events, &(struct event){ .warning = true, .reason = "DigestChanged", .action = "Compile",
 *             .note = "…", .regarding = { "cocoon.dev/v1alpha1", "ConfidentialProfile", NULL, "base", uid } });
 *
 * The same (type, action, reason, regarding, related) again: the first repeat makes it a series of 2; later repeats
 * are counted here and written every 30 minutes; after 6 quiet minutes the series ends. Notes do not tell apart.
 * Best effort: requests run in kube_turn(), one at a time, 12 tries 10 s apart; a queue of 1000 that is full drops
 * the new; a token bucket for each (namespace, reason) lets 25 through at once, then one each 5 minutes.
 *
 * Bounds: reason and action 128 bytes, note 1 KiB (cut at a character), 4096 series remembered (the oldest goes).
 * Ownership: the event is copied.
 */
#ifndef COCOON_KUBE_EVENT_H
#define COCOON_KUBE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct events;
struct kube;

struct event_object {
	const char *api; /* "v1", "apps/v1" */
	const char *kind;
	const char *namespace; /* NULL: cluster-scoped; its Events then live in "default" */
	const char *name;
	const char *uid; /* NULL: unknown */
};

struct event {
	bool warning;
	const char *reason; /* CamelCase: a machine reads it */
	const char *action; /* what was done or refused: "Inject" */
	const char *note;   /* for people */
	struct event_object regarding;
	const struct event_object *related; /* NULL: none */
};

struct events_options {
	const char *controller; /* "cocoon.dev/controller" */
	const char *instance;   /* the pod's name */
	void *ctx;
	void (*failed)(void *ctx, const struct err *failure); /* an Event was given up; may be NULL */
};

struct events *events_new(struct kube *kube, const struct events_options *options)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* Drops what is not sent. Takes NULL. */
void events_free(struct events *events);

void events_emit(struct events *events, const struct event *event) __attribute__((nonnull));

struct events_state {
	size_t waiting;
	uint64_t sent;
	uint64_t dropped; /* by the queue's bound, the bucket, or after the last try */
};
struct events_state events_state(const struct events *events) __attribute__((nonnull));

#endif
