/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prepared agent policies of a catalog, by namespace and key, and a few profiles that were derived with them:
 * private to this room.
 *
 * A shelf is filled once, then only read; what is derived is kept under a lock and shared by the catalogs that follow one
 * another. Bounds: PREPARED_MAX policies; DERIVED_MAX derived profiles, the longest unused gives way.
 */
#ifndef COCOON_PROFILE_SHELF_H
#define COCOON_PROFILE_SHELF_H

#include "profile/prepared.h"

struct shelf;
struct derived;

#define DERIVED_MAX 64

struct shelf *shelf_new(void) __attribute__((returns_nonnull, warn_unused_result));
void shelf_free(struct shelf *shelf);

/* Adds a reference, unless what is there is newer. */
void shelf_add(struct shelf *shelf, struct prepared *prepared) __attribute__((nonnull));
size_t shelf_count(const struct shelf *shelf) __attribute__((nonnull));
struct prepared *shelf_at(const struct shelf *shelf, size_t index) __attribute__((nonnull));

struct prepared *shelf_find(const struct shelf *shelf, const char *namespace, const char *key)
		__attribute__((nonnull));
struct prepared *shelf_find_as(const struct shelf *shelf, struct profile *profile, const char *namespace,
		const unsigned char *fingerprint) __attribute__((nonnull));

struct derived *derived_new(void) __attribute__((returns_nonnull, warn_unused_result));
struct derived *derived_ref(struct derived *derived) __attribute__((nonnull, returns_nonnull));
void derived_unref(struct derived *derived);

/* *out is a new reference. */
int derived_get(struct derived *derived, struct profile *profile, struct prepared *prepared,
		struct profile **out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
