/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images at a place, read and written alike whatever the transport: struct oci_source gives manifests and blobs,
 * struct oci_dest takes them.
 *
 *     source → manifest (root, then by digest) → for every blob: a struct pull
 *     dest   ← for every blob: a writer, committed under its digest ← manifests ← commit, which makes the tag
 *
 * Nothing is visible under its final name before its commit: a blob before oci_writer_commit(), an image before
 * oci_dest_commit(). A run that ends without its commit leaves nothing; one that was killed leaves whole blobs under their
 * digests, which the next run uses, and temporary files, which it removes.
 *
 * Digests are the caller's: a source hands out what is stored, and whoever reads a blob hashes it as he goes.
 * oci_source_manifest() alone checks, as manifests are small. A registry's source takes up a cut connection again
 * where it broke; a dest takes up a cut upload.
 *
 * Threads: one thread per object. For blobs in parallel every thread opens its own source and dest at the same place;
 * manifests are written and the commit is called by one of them, oci_dest_join()ed objects count as one (an archive is
 * one file).
 * Bounds: manifests of OCI_MANIFEST_MAX bytes.
 * Errors: ERR_NOT_FOUND (no such image, tag, blob), ERR_DENIED (the registry refuses), ERR_AUTH (credentials, or a
 * manifest that does not fit its digest), ERR_IO, ERR_RETRY, ERR_FORMAT. Each names the place and the digest.
 */
#ifndef COCOON_OCI_STORE_H
#define COCOON_OCI_STORE_H

#include "base/buf.h"
#include "base/span.h"
#include "codec/stream.h"
#include "oci/descriptor.h"
#include "oci/place.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct oci_source;
struct oci_reader;
struct oci_dest;
struct oci_writer;

#define OCI_MANIFEST_MAX ((size_t)4 * 1024 * 1024)

/* How registries are spoken to. Borrowed; must outlive sources and dests. */
struct oci_access {
	const char *auth_file; /* docker's config.json or containers' auth.json; NULL: see oci/dockerconfig.h */
	const char *const *
			auth_files; /* those looked into in this order when auth_file is NULL; NULL-terminated */
	const char *credentials; /* "user:password" for this place, read from a file; NULL: from the auth file */
	/* texts of docker's config.json in memory, looked into in this order instead of any file; no helper that they
	 * name is run, as they are other people's. NULL: files */
	const struct span *auth_texts;
	size_t auth_text_count;
	struct span ca;    /* PEM of further trusted roots; empty: the system's */
	bool plain_http;   /* http:// also where the host is not loopback */
	bool insecure;     /* no check of the registry's certificate */
	const char *proxy; /* NULL: none */
	const char *no_proxy;
	const char *user_agent; /* required */
	/* For a program whose images' names are other people's: no connection, redirect or realm leads to a loopback,
	 * link-local, multicast or unspecified address, or a cloud's metadata, unless its host and port (as in
	 * place.host) are `vouched`; NULL: none. ERR_DENIED. What holds with a proxy says net/http.h */
	bool guard;
	const char *vouched;
	/* 429 and 5xx are not waited for: ERR_RETRY at once, with retry_after where the registry has said it, and always
	 * after a 429 */
	bool impatient;
	/* for one call with all its answers, of blobs to their last byte: redirects, tokens, waits; 0: none. A credential
	 * helper's own time is not counted */
	int deadline_ms;
	/* Borrowed, and lent to one source or dest at a time: the client to use, made by oci_access_client() of an access
	 * that differs in nothing but credentials and bounds. NULL: one of its own */
	struct http *http;
	size_t max_manifest;     /* of a registry's, at most OCI_MANIFEST_MAX; 0: that */
	const atomic_bool *stop; /* once it is true, calls end soon with ERR_RETRY; NULL: none */
};

/* A client for registries, whose connections outlive a source: freed by http_free(). NULL with *err set. */
struct http;
struct http *oci_access_client(const struct oci_access *access, struct err *err) __attribute__((nonnull(1)));

struct oci_manifest_bytes {
	struct buf bytes; /* as stored */
	char media_type[256];
	char digest[OCI_DIGEST_MAX];
};
#define OCI_MANIFEST_NONE                                                          \
	{                                                                          \
		.bytes = BUF_MAX(OCI_MANIFEST_MAX), .media_type = "", .digest = "" \
	}

/* ---- reading ---- */

int oci_source_open(const struct oci_place *place, const struct oci_access *access, struct oci_source **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
void oci_source_free(struct oci_source *source);

/* digest NULL: what the place names. The bytes are checked against the digest that asked for them. */
int oci_source_manifest(struct oci_source *source, const char *digest, struct oci_manifest_bytes *out,
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));

/* The bytes of a blob, unchecked but for their number: more or fewer than descriptor->size is ERR_FORMAT. */
int oci_source_blob(struct oci_source *source, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

struct pull *oci_reader_pull(struct oci_reader *reader) __attribute__((nonnull, returns_nonnull));
void oci_reader_free(struct oci_reader *reader);

/* ---- writing ---- */

/*
 * A missing folder of oci: and dir: is made, one that holds other things is refused. oci: keeps the images of other
 * tags, dir: and oci-archive: hold one image and lose the one before at the commit. `from` is where the
 * blobs come from, for mounts within a registry; or NULL.
 */
int oci_dest_open(const struct oci_place *place, const struct oci_access *access,
		const struct oci_place *from, struct oci_dest **out, struct err *err)
		__attribute__((nonnull(1, 2, 4), warn_unused_result));
/* A further object on the same place for another thread; freed before its first, by the thread that frees that. */
int oci_dest_join(struct oci_dest *first, struct oci_dest **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Without a commit before: temporary files go. */
void oci_dest_free(struct oci_dest *dest);

/*
 * Is the blob there already, or could the registry mount it from `from`? Then nothing need be written. In folders its
 * size is compared, not its bytes: oci/folder.h says why that is enough.
 */
int oci_dest_has(struct oci_dest *dest, const struct oci_descriptor *blob, bool *has, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * The writer's stream takes exactly size bytes in feeds; its done is not called, its end is the commit. ERR_RETRY from
 * a feed or the commit: what was fed is lost at the other side, and a new writer may have more luck.
 */
int oci_dest_blob(struct oci_dest *dest, uint64_t size, struct oci_writer **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
struct stream *oci_writer_stream(struct oci_writer *writer) __attribute__((nonnull, returns_nonnull));
/* Gives the blob its name. The caller vouches for the digest. */
int oci_writer_commit(struct oci_writer *writer, const char *digest, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Without a commit before: what was written goes. */
void oci_writer_free(struct oci_writer *writer);

/* root: what the place will name (its tag or digest), else an image of an index. Writes the digest that it got. */
int oci_dest_manifest(struct oci_dest *dest, struct span bytes, const char *media_type, bool root,
		char digest[static OCI_DIGEST_MAX], struct err *err)
		__attribute__((nonnull(1, 3, 5), warn_unused_result));

/* Everything becomes visible; for files after they have reached the disk. */
int oci_dest_commit(struct oci_dest *dest, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#define OCI_RELEASE(type)                                                 \
	static inline void oci_##type##_release(struct oci_##type **slot) \
	{                                                                 \
		oci_##type##_free(*slot);                                 \
	}
OCI_RELEASE(source)
OCI_RELEASE(reader)
OCI_RELEASE(dest)
OCI_RELEASE(writer)
#define auto_oci_source __attribute__((cleanup(oci_source_release)))
#define auto_oci_reader __attribute__((cleanup(oci_reader_release)))
#define auto_oci_dest   __attribute__((cleanup(oci_dest_release)))
#define auto_oci_writer __attribute__((cleanup(oci_writer_release)))

#endif
