/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/store.h"

#include "base/err.h"
#include "oci/manifest.h"
#include "oci/transport.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------- */

int oci_source_open(const struct oci_place *place, const struct oci_access *access, struct oci_source **out,
		struct err *err)
{
	switch (place->transport) {
	case OCI_DOCKER:
		return oci_registry_source(place, access, out, err);
	case OCI_LAYOUT:
		return oci_layout_source(place, out, err);
	case OCI_ARCHIVE:
		return oci_archive_source(place, out, err);
	case OCI_DIR:
		return oci_dir_source(place, out, err);
	}
	return err_set(err, ERR_BUG, "no such transport");
}

void oci_source_free(struct oci_source *source)
{
	if (source)
		source->ops->free(source);
}

static int check_digest(const char *digest, struct err *err)
{
	if (!oci_digest_is(digest))
		return err_set(err, ERR_FORMAT,
				"'%.160s' is no digest: 'sha256:' or 'sha512:' and that many lower-case hex "
				"digits",
				digest);
	return 0;
}

/* The bytes against the digest that they go by, and their type where nobody told it. */
static int check_manifest(const char *digest, struct oci_manifest_bytes *out, struct err *err)
{
	struct span bytes = buf_span(&out->bytes);
	enum oci_kind kind;
	const char *type = NULL;

	if (!digest && *out->digest)
		digest = out->digest;
	if (digest && !oci_digest_fits(digest, bytes))
		return err_set(err, ERR_AUTH, "the manifest '%.136s' is not what its digest says", digest);
	if (!digest)
		oci_digest_of(bytes, out->digest);
	else if (digest != out->digest)
		snprintf(out->digest, sizeof(out->digest), "%s", digest);
	if (oci_kind_of(bytes, out->media_type, &kind, &type, err) < 0)
		return err_wrap(err, "'%s'", out->digest);
	snprintf(out->media_type, sizeof(out->media_type), "%s", type);
	return 0;
}

int oci_source_manifest(struct oci_source *source, const char *digest, struct oci_manifest_bytes *out,
		struct err *err)
{
	buf_reset(&out->bytes);
	out->media_type[0] = '\0';
	out->digest[0] = '\0';
	if (digest && check_digest(digest, err) < 0)
		return -1;
	if (source->ops->manifest(source, digest, out, err) < 0)
		return -1;
	return check_manifest(digest, out, err);
}

static int check_blob(const struct oci_descriptor *blob, struct err *err)
{
	if (check_digest(blob->digest, err) < 0)
		return -1;
	if (blob->size > OCI_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "the blob '%s' is larger than any file", blob->digest);
	return 0;
}

int oci_source_blob(struct oci_source *source, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err)
{
	return check_blob(blob, err) < 0 ? -1 : source->ops->blob(source, blob, out, err);
}

struct pull *oci_reader_pull(struct oci_reader *reader)
{
	return &reader->pull;
}

void oci_reader_free(struct oci_reader *reader)
{
	if (reader)
		reader->free(reader);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

int oci_dest_open(const struct oci_place *place, const struct oci_access *access,
		const struct oci_place *from, struct oci_dest **out, struct err *err)
{
	switch (place->transport) {
	case OCI_DOCKER:
		return oci_registry_dest(place, access, from, out, err);
	case OCI_LAYOUT:
		return oci_layout_dest(place, out, err);
	case OCI_ARCHIVE:
		return oci_archive_dest(place, out, err);
	case OCI_DIR:
		return oci_dir_dest(place, out, err);
	}
	return err_set(err, ERR_BUG, "no such transport");
}

int oci_dest_join(struct oci_dest *first, struct oci_dest **out, struct err *err)
{
	return first->ops->join(first, out, err);
}

void oci_dest_free(struct oci_dest *dest)
{
	if (dest)
		dest->ops->free(dest);
}

int oci_dest_has(struct oci_dest *dest, const struct oci_descriptor *blob, bool *has, struct err *err)
{
	return check_blob(blob, err) < 0 ? -1 : dest->ops->has(dest, blob, has, err);
}

int oci_dest_blob(struct oci_dest *dest, uint64_t size, struct oci_writer **out, struct err *err)
{
	if (size > OCI_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "a blob of %llu bytes is larger than any file",
				(unsigned long long)size);
	return dest->ops->blob(dest, size, out, err);
}

struct stream *oci_writer_stream(struct oci_writer *writer)
{
	return &writer->stream;
}

int oci_writer_commit(struct oci_writer *writer, const char *digest, struct err *err)
{
	return check_digest(digest, err) < 0 ? -1 : writer->commit(writer, digest, err);
}

void oci_writer_free(struct oci_writer *writer)
{
	if (writer)
		writer->free(writer);
}

int oci_dest_manifest(struct oci_dest *dest, struct span bytes, const char *media_type, bool root,
		char digest[static OCI_DIGEST_MAX], struct err *err)
{
	if (bytes.len > OCI_MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, "a manifest of %zu bytes exceeds %zu bytes", bytes.len,
				OCI_MANIFEST_MAX);
	return dest->ops->manifest(dest, bytes, media_type, root, digest, err);
}

int oci_dest_commit(struct oci_dest *dest, struct err *err)
{
	return dest->ops->commit(dest, err);
}
