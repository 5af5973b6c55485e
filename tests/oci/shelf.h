/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image's layers in memory, as a source: for tests and the fuzzer of what reads them. Pieces are as short as `piece`
 * says, so that readers see their ends everywhere.
 *
 *     shelf_put(&shelf, OCI_LAYER_GZIP, bytes);          the lowest first
 *     oci_files_find(&shelf.source, &shelf.manifest, …)
 */
#ifndef COCOON_TESTS_OCI_SHELF_H
#define COCOON_TESTS_OCI_SHELF_H

#include "base/alloc.h"
#include "base/err.h"
#include "oci/manifest.h"
#include "oci/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHELF_MAX       16
#define OCI_LAYER_PLAIN "application/vnd.oci.image.layer.v1.tar"
#define OCI_LAYER_GZIP  "application/vnd.oci.image.layer.v1.tar+gzip"
#define OCI_LAYER_ZSTD  "application/vnd.oci.image.layer.v1.tar+zstd"

struct shelf {
	struct oci_source source;
	struct oci_manifest manifest;
	struct oci_descriptor layers[SHELF_MAX];
	struct span blobs[SHELF_MAX]; /* of the caller */
	char digests[SHELF_MAX][OCI_DIGEST_MAX];
	size_t piece;    /* bytes of a read at most; 0: any */
	size_t asked;    /* blobs that were opened */
	size_t break_at; /* bytes after which a read fails; 0: none */
	size_t open;     /* readers that are open */
};

struct shelf_reader {
	struct oci_reader reader;
	struct shelf *shelf;
	struct span rest;
	size_t given;
};

static inline int shelf_read(struct pull *pull, void *out, size_t cap, size_t *got, struct err *err)
{
	struct shelf_reader *self = (struct shelf_reader *)pull;
	size_t len = self->rest.len < cap ? self->rest.len : cap;

	if (self->shelf->break_at && self->given >= self->shelf->break_at)
		return err_set(err, ERR_IO, "the shelf broke");
	if (self->shelf->piece && len > self->shelf->piece)
		len = self->shelf->piece;
	if (len)
		memcpy(out, self->rest.ptr, len);
	self->rest = span_from(self->rest, len);
	self->given += len;
	*got = len;
	return 0;
}

static inline void shelf_reader_free(struct oci_reader *reader)
{
	((struct shelf_reader *)reader)->shelf->open--;
	free(reader);
}

static inline int shelf_blob(struct oci_source *source, const struct oci_descriptor *blob,
		struct oci_reader **out, struct err *err)
{
	struct shelf *shelf = (struct shelf *)source;

	for (size_t i = 0; i < shelf->manifest.count; i++)
		if (!strcmp(shelf->digests[i], blob->digest) && shelf->blobs[i].ptr) {
			struct shelf_reader *self = xcalloc(1, sizeof(*self));
			*self = (struct shelf_reader){ .reader = { .pull = { .read = shelf_read },
								       .free = shelf_reader_free },
				.shelf = shelf,
				.rest = shelf->blobs[i] };
			shelf->asked++;
			shelf->open++;
			*out = &self->reader;
			return 0;
		}
	return err_set(err, ERR_NOT_FOUND, "the shelf has no blob %s", blob->digest);
}

static const struct oci_source_ops shelf_ops = { .blob = shelf_blob };

static inline void shelf_init(struct shelf *shelf)
{
	memset(shelf, 0, sizeof(*shelf));
	shelf->source.ops = &shelf_ops;
	shelf->manifest.layers = shelf->layers;
}

static inline struct oci_descriptor *shelf_put(struct shelf *shelf, const char *type, struct span bytes)
{
	size_t i = shelf->manifest.count++;

	if (i == SHELF_MAX)
		abort();
	oci_digest_of(bytes, shelf->digests[i]);
	shelf->blobs[i] = bytes.ptr ? bytes : SPAN_LIT("");
	shelf->layers[i] = (struct oci_descriptor){
		.media_type = type, .digest = shelf->digests[i], .size = bytes.len
	};
	return &shelf->layers[i];
}

#endif
