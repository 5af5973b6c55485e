/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an image is looked for, one place after the other until one has it, and how each is spoken to:
 *
 *     layouts of the options (files)   →   mirrors of the registry's settings   →   the registry itself
 *
 * A layout has an image when one of its entries has the image's whole name (host/repository:tag, as containerd and skopeo
 * write it), or, for a digest, the blob. A layout that is given with a name has that image alone.
 *
 * Credentials are those that options.logins gives for the want, else the program's own.
 *
 * Private to core/facts. Errors: those of fetch.h; ERR_NOT_FOUND when a layout does not have it.
 */
#ifndef COCOON_FACTS_PLACES_H
#define COCOON_FACTS_PLACES_H

#include "facts/facts.h"
#include "facts/fetch.h"

struct spares;

/* One try at one place. */
struct places_try {
	const struct image_want *want;
	size_t place;
	int64_t deadline;
	const atomic_bool *stop;
	struct spares *spares; /* connections that are open; NULL: none are kept */
	struct image_facts *(*known)(void *ctx, const char *digest); /* as in fetch.h */
	void *ctx;
};

size_t places_count(const struct facts_options *options, const struct image_want *want)
		__attribute__((nonnull));

/* Whose turn it takes: the host of a mirror or registry, "" of a layout. */
#define PLACES_HOST_MAX 256
void places_host(const struct facts_options *options, const struct image_want *want, size_t place,
		char out[static PLACES_HOST_MAX]) __attribute__((nonnull));
/* Has nobody named the host, neither the policies nor who runs the program? */
bool places_is_stranger(const struct facts_options *options, const struct image_want *want, size_t place)
		__attribute__((nonnull));

int places_fetch(const struct facts_options *options, const struct places_try *try, struct image_facts **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
