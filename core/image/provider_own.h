/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of image/provider.h share among themselves; nobody else includes it. */
#ifndef COCOON_IMAGE_PROVIDER_OWN_H
#define COCOON_IMAGE_PROVIDER_OWN_H

#include "codec/scan.h"
#include "image/provider.h"
#include "net/grpc_client.h"

#include <jansson.h>

struct provider {
	const char *name;
	const char *program; /* of cmd; NULL: none */
	const char **argv;   /* own, its texts borrowed */
	const char *grpc;    /* NULL: none */
	const char *ttrpc;   /* NULL: none */
	bool has_tls;
	struct grpc_tls tls;
	bool native; /* a library of Rust, which we cannot call */
};

struct provider_config {
	json_t *doc; /* owns the texts */
	struct provider *items;
	size_t count;
};

/* The two requests. What they make is a secret, or as good as one. */
int provider_wrap_request(const char *name, const char *attributes, const struct secret *options,
		struct buf *out, struct err *err) __attribute__((nonnull(1, 3, 4), warn_unused_result));
int provider_unwrap_request(const char *name, const char *attributes, struct span element, struct buf *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

/* The member of that name; its kind is SCAN_NULL when it is missing. The second of a name is refused. */
int provider_member(struct scan object, const char *word, struct scan *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

#endif
