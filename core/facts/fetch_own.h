/* SPDX-License-Identifier: Apache-2.0 */
/* What fetch.c (manifests), fetch_config.c (configs), fetch_attached.c (what is attached) and lookaside.c share; for them
 * alone. */
#ifndef COCOON_FACTS_FETCH_OWN_H
#define COCOON_FACTS_FETCH_OWN_H

#include "base/buf.h"
#include "base/err.h"
#include "facts/fetch.h"
#include "policy/arena.h"

struct oci_manifest;

#define FETCH_CONFIG_MAX    ((size_t)1024 * 1024)
/* of JSON: ten times what a config of 127 layers has; a tree of 2 MiB */
#define FETCH_CONFIG_VALUES 16384

struct fetch {
	const struct fetch_options *options;
	const struct image_want *want;
	struct oci_access access; /* a copy: its deadline shrinks */
	struct oci_source *source;
	struct arena memory;                                  /* of everything below */
	size_t bytes;                                         /* that were read */
	struct image_facts *parts[FETCH_PLATFORMS_MAX];       /* what the platforms borrow from */
	struct image_platform platforms[FETCH_PLATFORMS_MAX]; /* runnable ones */
	size_t platform_count;
	struct image_signature *signatures; /* IMAGE_SIGNATURES_MAX */
	size_t signature_count;
	size_t checkable; /* of these, without a problem */
	bool more;
};

/* Before each request: is there time left? Tells the access how much. ERR_RETRY. */
int fetch_goes_on(struct fetch *fetch, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* So many bytes more were read. ERR_LIMIT. */
int fetch_spends(struct fetch *fetch, size_t bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/*
 * A blob of at most max bytes, compared with its digest. ERR_LIMIT, ERR_NOT_FOUND, and ERR_FORMAT when it is another: those
 * are the blob's own faults; others are the registry's.
 */
int fetch_blob(struct fetch *fetch, const struct oci_descriptor *blob, size_t max, struct buf *out,
		struct err *err) __attribute__((nonnull(1, 2, 4), warn_unused_result));

/* A place for one more, zeroed; NULL when there are IMAGE_SIGNATURES_MAX (`more` is set). */
struct image_signature *fetch_signature(struct fetch *fetch) __attribute__((nonnull));

/* Is an error of fetch_blob()'s the blob's own fault? */
bool fetch_is_its_own(enum err_kind kind);

/* An error's text as it is kept: shortened, and fit to be shown. */
const char *fetch_words(struct arena *memory, const char *why) __attribute__((nonnull, returns_nonnull));

void fetch_problem(struct fetch *fetch, struct image_signature *signature, const char *why)
		__attribute__((nonnull));

/* What the config of a platform says; everything borrows from `json` and the arena that was given. */
struct fetch_config {
	json_t *json; /* NULL: not looked for, or not to be had */
	struct image_config run;
	bool good;           /* run is set */
	const char *problem; /* why it is not, where IMAGE_LOOKED_CONFIG asked for it */
};

/*
 * Reads the config if the want asks for it: for how the image starts, or as `nameless` says that nothing else names its
 * platform. Its own faults are errors for the name, which a policy cannot judge without, and else the problem.
 */
int fetch_config(struct fetch *fetch, const struct oci_manifest *manifest, bool nameless,
		struct arena *memory, struct fetch_config *out, struct err *err)
		__attribute__((nonnull(1, 2, 4, 5), warn_unused_result));

/* Signatures that are attached to a digest. */
int fetch_attached(struct fetch *fetch, const char *digest, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Signatures in the stores that the want names. */
int fetch_lookasides(struct fetch *fetch, const char *const *digests, size_t count, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
