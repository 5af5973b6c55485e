/* SPDX-License-Identifier: Apache-2.0 */
/* oci: a folder with blobs by digest and an index.json that names the images (OCI image-spec, image-layout.md). */
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "oci/attached_own.h"
#include "oci/folder.h"
#include "oci/refs.h"

#include <stdio.h>
#include <string.h>

#define INDEX    "index.json"
#define MARK     "oci-layout"
#define MARK_MAX 4096

static const struct folder_form form = {
	.mark = MARK,
	.content = "{\"imageLayoutVersion\":\"1.0.0\"}",
	.document = INDEX,
	.tree = true,
};

/* ---- reading ------------------------------------------------------------------------------------------- */

struct layout_source {
	struct oci_source source;
	struct folder folder;
	char *tag;
};

static int check_mark(const struct folder *folder, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(MARK_MAX);
	auto_json json_t *json = NULL;
	const char *version = NULL;

	if (folder_read(folder, MARK, &text, err) < 0)
		return err_wrap(err, "no OCI layout");
	if (json_read(buf_span(&text), MARK_MAX, &json, err) < 0 ||
			json_get_text(json, "", "imageLayoutVersion", &version, err) < 0)
		return err_wrap(err, "%s: '" MARK "'", folder->text);
	if (strcmp(version, "1.0.0") != 0)
		return err_set(err, ERR_FORMAT, "%s: is a layout of version '%.32s', not 1.0.0", folder->text,
				version);
	return 0;
}

static int read_index(const struct folder *folder, struct oci_index *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(OCI_MANIFEST_MAX);

	if (folder_read(folder, INDEX, &text, err) < 0)
		return -1;
	if (oci_index_parse(buf_span(&text), OCI_TYPE_INDEX, out, err) < 0)
		return err_wrap(err, "%s: '" INDEX "'", folder->text);
	return 0;
}

/* The bytes of a manifest's blob; `wanted` is its size when an entry tells it. */
static int read_manifest(const struct folder *folder, const char *digest, const uint64_t *wanted,
		struct buf *out, struct err *err)
{
	auto_fd int fd = -1;
	uint64_t size = 0;

	if (folder_blob(folder, digest, &fd, &size, err) < 0)
		return -1;
	if (wanted && size != *wanted)
		return err_set(err, ERR_FORMAT,
				"%s: the manifest '%s' has %llu bytes, and '" INDEX "' says %llu",
				folder->text, digest, (unsigned long long)size, (unsigned long long)*wanted);
	if (fs_read_fd(fd, digest, out, err) < 0)
		return err_wrap(err, "%s: the manifest", folder->text);
	return 0;
}

static int layout_manifest(
		struct oci_source *self, const char *digest, struct oci_manifest_bytes *out, struct err *err)
{
	struct layout_source *layout = (struct layout_source *)self;
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
	struct oci_descriptor root;

	if (digest) {
		snprintf(out->digest, sizeof(out->digest), "%s", digest);
		return read_manifest(&layout->folder, digest, NULL, &out->bytes, err);
	}
	if (read_index(&layout->folder, &index, err) < 0)
		return -1;
	if (refs_find(&index, layout->tag, &root, err) < 0)
		return err_wrap(err, "%s", layout->folder.text);
	snprintf(out->digest, sizeof(out->digest), "%s", root.digest);
	snprintf(out->media_type, sizeof(out->media_type), "%s", root.media_type);
	return read_manifest(&layout->folder, root.digest, &root.size, &out->bytes, err);
}

static int layout_blob(struct oci_source *self, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err)
{
	return folder_reader(&((struct layout_source *)self)->folder, blob, out, err);
}

/* The image of one entry; `out` stays empty when it is none that could be read. */
static void read_entry(const struct layout_source *layout, const char *digest, struct oci_manifest_bytes *out,
		bool *more)
{
	struct err why = ERR_NONE;
	enum oci_kind kind;
	const char *type = NULL;

	*out = (struct oci_manifest_bytes)OCI_MANIFEST_NONE;
	int result = read_manifest(&layout->folder, digest, NULL, &out->bytes, &why);
	*more |= result < 0 && why.kind == ERR_LIMIT;
	if (!result && oci_digest_fits(digest, buf_span(&out->bytes)) &&
			oci_kind_of(buf_span(&out->bytes), NULL, &kind, &type, NULL) == 0) {
		snprintf(out->digest, sizeof(out->digest), "%s", digest);
		snprintf(out->media_type, sizeof(out->media_type), "%s", type);
		return;
	}
	buf_reset(&out->bytes);
}

static void take_entry(const struct layout_source *layout, const char *digest, const char *about,
		enum attached_via via, struct attached *out)
{
	struct oci_manifest_bytes manifest;

	read_entry(layout, digest, &manifest, &out->more);
	if (manifest.bytes.len && (via == ATTACHED_BY_TAG || attached_is_about(&manifest, about)))
		(void)attached_add(out, via, &manifest);
	buf_clear(&manifest.bytes);
}

/* Entries of index.json, then those of the index under the fallback tag. */
static void take_referrers(const struct layout_source *layout, const struct oci_index *index,
		const char *about, struct attached *out)
{
	auto_listing struct listing listing = LISTING_NONE;
	struct oci_manifest_bytes fallback;
	struct oci_descriptor root;
	char tag[ATTACHED_TAG_MAX];

	for (size_t i = 0; i < index->count; i++)
		if (oci_type_is_manifest(index->entries[i].media_type) &&
				strcmp(index->entries[i].digest, about) != 0)
			take_entry(layout, index->entries[i].digest, about, ATTACHED_BY_API, out);
	attached_tag(about, "", tag);
	if (refs_find(index, tag, &root, NULL) < 0)
		return;
	read_entry(layout, root.digest, &fallback, &out->more);
	(void)!listing_read(&listing, buf_span(&fallback.bytes), NULL);
	buf_clear(&fallback.bytes);
	for (size_t i = 0; i < listing.count; i++)
		take_entry(layout, listing.digests[i], about, ATTACHED_BY_FALLBACK, out);
	out->more |= listing.more;
}

static int layout_attached(struct oci_source *self, const char *digest, unsigned which, struct attached *out,
		struct err *err)
{
	const struct layout_source *layout = (const struct layout_source *)self;
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
	struct oci_descriptor root;
	char tag[ATTACHED_TAG_MAX];

	if (read_index(&layout->folder, &index, err) < 0)
		return -1;
	attached_tag(digest, ".sig", tag);
	if (which & ATTACHED_TAG && refs_find(&index, tag, &root, NULL) == 0)
		take_entry(layout, root.digest, digest, ATTACHED_BY_TAG, out);
	if (which & ATTACHED_REFERRERS)
		take_referrers(layout, &index, digest, out);
	return 0;
}

static void layout_source_free(struct oci_source *self)
{
	struct layout_source *layout = (struct layout_source *)self;

	folder_clear(&layout->folder);
	free(layout->tag);
	free(layout);
}

int oci_layout_source(const struct oci_place *place, struct oci_source **out, struct err *err)
{
	static const struct oci_source_ops ops = {
		.manifest = layout_manifest,
		.blob = layout_blob,
		.attached = layout_attached,
		.free = layout_source_free,
	};
	auto_folder struct folder folder = FOLDER_NONE;

	if (folder_open(place, &form, &folder, err) < 0 || check_mark(&folder, err) < 0)
		return -1;
	struct layout_source *layout = xcalloc(1, sizeof(*layout));
	layout->source.ops = &ops;
	layout->folder = folder;
	layout->tag = xstrdup(place->tag);
	folder = (struct folder)FOLDER_NONE;
	*out = &layout->source;
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

struct layout_dest {
	struct oci_dest dest;
	struct folder folder;
	char *tag;
	/* what the tag will name */
	char type[256];
	char digest[OCI_DIGEST_MAX];
	uint64_t size;
};

static struct oci_dest *layout_dest_new(struct folder *folder, const char *tag);

static int layout_join(struct oci_dest *first, struct oci_dest **out, struct err *err)
{
	struct layout_dest *layout = (struct layout_dest *)first;
	struct folder folder = FOLDER_NONE;

	if (folder_again(&layout->folder, &folder, err) < 0)
		return -1;
	*out = layout_dest_new(&folder, layout->tag);
	return 0;
}

static int layout_has(struct oci_dest *self, const struct oci_descriptor *blob, bool *has, struct err *err)
{
	return folder_has(&((struct layout_dest *)self)->folder, blob, has, err);
}

static int layout_writer(struct oci_dest *self, uint64_t size, struct oci_writer **out, struct err *err)
{
	return folder_writer(&((struct layout_dest *)self)->folder, size, out, err);
}

static int layout_put(struct oci_dest *self, struct span bytes, const char *media_type, bool root,
		char *digest, struct err *err)
{
	struct layout_dest *layout = (struct layout_dest *)self;

	oci_digest_of(bytes, digest);
	if (folder_put(&layout->folder, bytes, digest, err) < 0)
		return -1;
	if (!root)
		return 0;
	snprintf(layout->type, sizeof(layout->type), "%s", media_type);
	snprintf(layout->digest, sizeof(layout->digest), "%s", digest);
	layout->size = bytes.len;
	return 0;
}

/* Under the lock: no other entry that came meanwhile is lost. */
static int name_image(struct layout_dest *layout, struct err *err)
{
	auto_buf struct buf old = BUF_MAX(OCI_MANIFEST_MAX), new = BUF_MAX(OCI_MANIFEST_MAX);
	struct err why = ERR_NONE;

	if (folder_read(&layout->folder, INDEX, &old, &why) < 0 && why.kind != ERR_NOT_FOUND)
		return err_set(err, why.kind, "%s", why.text);
	if (refs_put(buf_span(&old), layout->tag, layout->type, layout->digest, layout->size, &new, err) < 0)
		return err_wrap(err, "%s: '" INDEX "'", layout->folder.text);
	return folder_replace(&layout->folder, buf_span(&new), err);
}

static int layout_commit(struct oci_dest *self, struct err *err)
{
	struct layout_dest *layout = (struct layout_dest *)self;

	if (!*layout->digest)
		return err_set(err, ERR_BUG, "%s: committed without an image", layout->folder.text);
	if (folder_sync(&layout->folder, err) < 0 || folder_lock(&layout->folder, err) < 0)
		return -1;
	int status = name_image(layout, err);
	folder_unlock(&layout->folder);
	return status;
}

static void layout_dest_free(struct oci_dest *self)
{
	struct layout_dest *layout = (struct layout_dest *)self;

	folder_clear(&layout->folder);
	free(layout->tag);
	free(layout);
}

/* Takes the folder. */
static struct oci_dest *layout_dest_new(struct folder *folder, const char *tag)
{
	static const struct oci_dest_ops ops = {
		.join = layout_join,
		.has = layout_has,
		.blob = layout_writer,
		.manifest = layout_put,
		.commit = layout_commit,
		.free = layout_dest_free,
	};
	struct layout_dest *layout = xcalloc(1, sizeof(*layout));

	layout->dest.ops = &ops;
	layout->folder = *folder;
	*folder = (struct folder)FOLDER_NONE;
	layout->tag = xstrdup(tag);
	return &layout->dest;
}

int oci_layout_dest(const struct oci_place *place, struct oci_dest **out, struct err *err)
{
	auto_folder struct folder folder = FOLDER_NONE;

	if (folder_make(place, &form, &folder, err) < 0 || check_mark(&folder, err) < 0)
		return -1;
	*out = layout_dest_new(&folder, place->tag);
	return 0;
}
