/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a transport gives to oci/store.h: the four tables of functions behind its objects. Each transport is a file of
 * its own (layout.c, archive.c, dir.c, registry*.c) and has one opener for each direction; store.c picks by the place.
 * A transport's struct begins with the object here.
 *
 * What store.c does for all of them: digests and sizes that come in have their form; a manifest's bytes are compared
 * with the digest that asked for them, or with the one that the transport found (out->digest; "" for none), and
 * get their media type from themselves where the transport knows none (out->media_type "").
 */
#ifndef COCOON_OCI_TRANSPORT_H
#define COCOON_OCI_TRANSPORT_H

#include "oci/attached.h"
#include "oci/store.h"

struct oci_source {
	const struct oci_source_ops *ops;
};
struct oci_source_ops {
	int (*manifest)(struct oci_source *, const char *digest, struct oci_manifest_bytes *, struct err *);
	int (*blob)(struct oci_source *, const struct oci_descriptor *, struct oci_reader **, struct err *);
	/* NULL: there can be nothing */
	int (*attached)(struct oci_source *, const char *digest, unsigned which, struct attached *,
			struct err *);
	void (*free)(struct oci_source *);
};

struct oci_reader {
	struct pull pull;
	void (*free)(struct oci_reader *);
};

struct oci_dest {
	const struct oci_dest_ops *ops;
};
struct oci_dest_ops {
	int (*join)(struct oci_dest *, struct oci_dest **, struct err *);
	int (*has)(struct oci_dest *, const struct oci_descriptor *, bool *, struct err *);
	int (*blob)(struct oci_dest *, uint64_t size, struct oci_writer **, struct err *);
	int (*manifest)(struct oci_dest *, struct span, const char *media_type, bool root, char *digest,
			struct err *);
	int (*commit)(struct oci_dest *, struct err *);
	void (*free)(struct oci_dest *);
};

struct oci_writer {
	struct stream stream;
	int (*commit)(struct oci_writer *, const char *digest, struct err *);
	void (*free)(struct oci_writer *);
};

int oci_layout_source(const struct oci_place *, struct oci_source **, struct err *);
int oci_layout_dest(const struct oci_place *, struct oci_dest **, struct err *);
int oci_archive_source(const struct oci_place *, struct oci_source **, struct err *);
int oci_archive_dest(const struct oci_place *, struct oci_dest **, struct err *);
int oci_dir_source(const struct oci_place *, struct oci_source **, struct err *);
int oci_dir_dest(const struct oci_place *, struct oci_dest **, struct err *);
int oci_registry_source(
		const struct oci_place *, const struct oci_access *, struct oci_source **, struct err *);
int oci_registry_dest(const struct oci_place *, const struct oci_access *, const struct oci_place *from,
		struct oci_dest **, struct err *);

#endif
