/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepared agent policies by namespace and either their names, as whoever watches them needs, or what they are looked up
 * by, as a catalog does: the profile that they were made for and the key.
 *
 *     shop   team-a/1f0c… → AgentPolicy deployment-web-1f0c9a2b7e44
 *            team-a/77aa… → AgentPolicy job-import-77aa01b2c3d4
 *     lab    …
 *
 * Bounds: PREPARED_MAX, and SHELF_BYTES_MAX for all that is packed. Of more the oldest of the namespace that has most (or
 * takes most) give way, so that nobody's workloads make those of others wait.
 * Ownership: a shelf has references; what is found is borrowed. Threads: read by any once it is filled.
 */
#ifndef COCOON_PROFILE_SHELF_H
#define COCOON_PROFILE_SHELF_H

#include "profile/prepared.h"

struct shelf;

#define SHELF_BYTES_MAX ((size_t)64 << 20) /* those of most workloads take 12 to 16 KiB */

enum shelf_by { SHELF_BY_NAME, SHELF_BY_KEY };
enum shelf_put {
	SHELF_PUT,
	SHELF_CROWDED, /* it was put, and older ones had to go */
	SHELF_NO_PLACE,
};

struct shelf *shelf_new(enum shelf_by by) __attribute__((returns_nonnull, warn_unused_result));
void shelf_free(struct shelf *shelf);

/* Adds a reference; takes the place of what is there. */
enum shelf_put shelf_put(struct shelf *shelf, struct prepared *prepared) __attribute__((nonnull));
void shelf_remove(struct shelf *shelf, const char *namespace, const char *id) __attribute__((nonnull));

struct prepared *shelf_find(const struct shelf *shelf, const char *namespace, const char *id)
		__attribute__((nonnull));
/* By SHELF_BY_KEY. */
struct prepared *shelf_find_for(const struct shelf *shelf, const char *namespace, const char *profile,
		const char *key) __attribute__((nonnull));
/* The one for this profile that makes the document of the fingerprint. */
struct prepared *shelf_find_as(const struct shelf *shelf, struct profile *profile, const char *namespace,
		const unsigned char *fingerprint) __attribute__((nonnull));

size_t shelf_count(const struct shelf *shelf) __attribute__((nonnull));
/* In no order; the next change may change it. */
struct prepared *shelf_at(const struct shelf *shelf, size_t index) __attribute__((nonnull));

#endif
