/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a decision on a pod depends on, at one moment: the compiled profiles, the RuntimeClasses with what their
 * runtimes can do, the namespaces' labels, and the installation's settings. Made by whoever watches the cluster
 * (or by initdata-gen from files), then only read.
 *
 *     struct catalog *catalog = catalog_new(settings, err);
 *     catalog_add_class(catalog, runtime_class);  catalog_add_namespace(catalog, "shop", labels);
 *     catalog_add_profile(catalog, profile);
 *     catalog_carry(catalog, the one before);  catalog_add_prepared(catalog, prepared);
 *     … decide_…(catalog, …) …
 *
 * Settings, from the ConfigMap of the installation:
 *     {"unmatched": "Deny", "classes": [ rows of profile/class.h ], "unmatchedImages": "Deny"}
 * The last belongs to policy/imagepolicy.h and is left to it.
 *
 * Counted by references; immutable, and shared between threads, once its maker hands it out.
 * Bounds: CATALOG_PROFILES_MAX profiles, PREPARED_MAX agent policies.
 */
#ifndef COCOON_PROFILE_CATALOG_H
#define COCOON_PROFILE_CATALOG_H

#include "profile/class.h"
#include "profile/prepared.h"
#include "profile/profile.h"

struct catalog;

#define CATALOG_PROFILES_MAX 1000

/* What happens to a confidential pod that no profile matches. */
enum unmatched { UNMATCHED_DENY, UNMATCHED_WARN, UNMATCHED_ALLOW };

/* A RuntimeClass as decisions see it. caps is NULL for a class that is not confidential. */
struct catalog_class {
	const char *handler;
	const struct class_caps *caps;
};

/* `settings` may be NULL for none. ERR_FORMAT, ERR_LIMIT naming the member. */
int catalog_new(const json_t *settings, struct catalog **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
struct catalog *catalog_ref(struct catalog *catalog) __attribute__((nonnull, returns_nonnull));
void catalog_unref(struct catalog *catalog);
static inline void catalog_release(struct catalog **slot)
{
	catalog_unref(*slot);
}
#define auto_catalog __attribute__((cleanup(catalog_release)))

/* A RuntimeClass object (node.k8s.io/v1); one without name or handler is passed over. */
void catalog_add_class(struct catalog *catalog, const json_t *runtime_class) __attribute__((nonnull));

/* A namespace and its labels (object or NULL). The labels are shared, not copied: nobody changes them any more. */
void catalog_add_namespace(struct catalog *catalog, const char *name, json_t *labels)
		__attribute__((nonnull(1, 2)));

/* The labels of a namespace, borrowed (object); NULL when it is not known. */
const json_t *catalog_namespace_labels(const struct catalog *catalog, const char *name)
		__attribute__((nonnull));

/* Adds a reference. ERR_LIMIT. */
int catalog_add_profile(struct catalog *catalog, struct profile *profile, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* An agent policy that is prepared; adds a reference. Of two for one profile and key the newer stays; bounds: profile/shelf.h. */
void catalog_add_prepared(struct catalog *catalog, struct prepared *prepared) __attribute__((nonnull));
size_t catalog_prepared_count(const struct catalog *catalog) __attribute__((nonnull));
struct prepared *catalog_prepared_at(const struct catalog *catalog, size_t index) __attribute__((nonnull));

/* What was prepared in the namespace for this profile and key: borrowed, or NULL. */
struct prepared *catalog_prepared(const struct catalog *catalog, const char *namespace, const char *profile,
		const char *key) __attribute__((nonnull));

/*
 * What was prepared in the namespace for this profile and makes under it the document of that fingerprint: borrowed, or
 * NULL. Composes documents that nobody has asked for yet.
 */
struct prepared *catalog_prepared_as(const struct catalog *catalog, struct profile *profile,
		const char *namespace, const unsigned char *fingerprint) __attribute__((nonnull));

/* profile_with_policy(), kept for the next who asks: *out is a new reference. */
int catalog_derive(const struct catalog *catalog, struct profile *profile, struct prepared *prepared,
		struct profile **out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

/* Goes on with what was derived in `before`: a catalog is made anew on every change, and few changes are about that. */
void catalog_carry(struct catalog *catalog, const struct catalog *before) __attribute__((nonnull));

/* The settings it was made with, or NULL. */
const json_t *catalog_settings(const struct catalog *catalog) __attribute__((nonnull));
enum unmatched catalog_unmatched(const struct catalog *catalog) __attribute__((nonnull));
size_t catalog_profile_count(const struct catalog *catalog) __attribute__((nonnull));
struct profile *catalog_profile(const struct catalog *catalog, size_t index) __attribute__((nonnull));

/* The RuntimeClass of that name; false when there is none. */
bool catalog_find_class(const struct catalog *catalog, const char *name, struct catalog_class *out)
		__attribute__((nonnull));

/* Names of all confidential RuntimeClasses and, by convention, of the built-in handlers: sorted, the caller's. */
json_t *catalog_class_names(const struct catalog *catalog) __attribute__((nonnull, warn_unused_result));

/* Names of the confidential RuntimeClasses that there are: sorted, the caller's. */
json_t *catalog_confidential(const struct catalog *catalog) __attribute__((nonnull, warn_unused_result));

/* All RuntimeClasses that a profile's globs name and that are confidential: an array of names, the caller's. */
json_t *catalog_classes_of(const struct catalog *catalog, const struct profile *profile)
		__attribute__((nonnull, warn_unused_result));

/*
 * Which profile a pod gets. The winner, borrowed; or NULL, and `why` (when not NULL) gets a text for the user: each
 * profile considered and why it did not match, or the two that tie.
 */
struct profile *catalog_match(const struct catalog *catalog, const char *namespace, const char *runtime_class,
		const json_t *labels, bool *tie, struct buf *why) __attribute__((nonnull(1, 2, 3, 5)));

#endif
