/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statuses of all objects of a kind, as this process knows them: read once, then written when they differ. One request
 * for each object at a time, because an answer that is under way decides what differs.
 *
 *     if (statuses_busy(s)) …later…
 *     before = statuses_known(s, resource)      NULL: it is being read, come back
 *     statuses_put(s, resource, status)         written when a merge patch would change something
 *
 * Known by uid: an object made again under the same name has no status yet. `again` is called when there is something
 * to come back for.
 */
#ifndef COCOON_CONTROLLER_STATUSES_H
#define COCOON_CONTROLLER_STATUSES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct kube;
struct statuses;

struct statuses_options {
	struct kube *kube;
	const char *plural; /* in PROFILE_GROUP, cluster-scoped; static */
	size_t max;         /* of objects; what is known of more than twice as many is read anew */
	void *ctx;
	void (*again)(void *ctx);
};

struct statuses *statuses_new(const struct statuses_options *options)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* Takes NULL. */
void statuses_free(struct statuses *statuses);

/* Somebody else may have written since we looked. */
void statuses_forget(struct statuses *statuses) __attribute__((nonnull));

bool statuses_busy(const struct statuses *statuses) __attribute__((nonnull));
/* Borrowed until the next call. */
const json_t *statuses_known(struct statuses *statuses, const json_t *resource) __attribute__((nonnull));
/* Takes the reference. */
void statuses_put(struct statuses *statuses, const json_t *resource, json_t *status) __attribute__((nonnull));

#endif
