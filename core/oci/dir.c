/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir: skopeo's folder of one image (containers-transports(5)): "version", "manifest.json", and beside them every blob
 * by the hex of its digest; the manifests of an index as HEX.manifest.json.
 *
 * A folder holds one image. What belongs to the one before goes at the commit, after the new manifest.json is there:
 * who encrypts into a folder that held the image in clear does not hand out both.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "oci/folder.h"
#include "oci/manifest.h"

#include <stdio.h>
#include <string.h>

#define ROOT        "manifest.json"
#define MARK        "version"
#define MARK_TEXT   "Directory Transport Version: 1.1\n"
#define INSTANCE    ".manifest.json"
#define MARK_MAX    4096
#define HEX_OF(dig) ((dig) + 7)

static const struct folder_form form = {
	.mark = MARK, .content = MARK_TEXT, .document = ROOT, .tree = false
};

/* ---- reading ------------------------------------------------------------------------------------------- */

struct dir_source {
	struct oci_source source;
	struct folder folder;
};

/* Version 1.0 had other names for blobs. A folder without the file is read, as skopeo does. */
static int check_mark(const struct folder *folder, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(MARK_MAX);
	struct err why = ERR_NONE;

	if (folder_read(folder, MARK, &text, &why) < 0)
		return why.kind == ERR_NOT_FOUND ? 0 : err_set(err, why.kind, "%s", why.text);
	if (!span_is(buf_span(&text), MARK_TEXT))
		return err_set(err, ERR_FORMAT, "%s: '" MARK "' does not say '%.*s'", folder->text,
				(int)sizeof(MARK_TEXT) - 2, MARK_TEXT);
	return 0;
}

static int dir_manifest(
		struct oci_source *self, const char *digest, struct oci_manifest_bytes *out, struct err *err)
{
	const struct folder *folder = &((struct dir_source *)self)->folder;
	auto_buf struct buf root = BUF_MAX(OCI_MANIFEST_MAX);
	char name[OCI_DIGEST_MAX + sizeof(INSTANCE)];
	struct err why = ERR_NONE;

	if (!digest)
		return folder_read(folder, ROOT, &out->bytes, err);
	snprintf(name, sizeof(name), "%s" INSTANCE, HEX_OF(digest));
	if (folder_read(folder, name, &out->bytes, &why) == 0)
		return 0;
	if (why.kind != ERR_NOT_FOUND)
		return err_set(err, why.kind, "%s", why.text);
	/* the root has its digest, too */
	if (folder_read(folder, ROOT, &root, err) < 0)
		return -1;
	if (!oci_digest_fits(digest, buf_span(&root)))
		return err_set(err, why.kind, "%s", why.text);
	buf_add_span(&out->bytes, buf_span(&root));
	return 0;
}

static int dir_blob(struct oci_source *self, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err)
{
	return folder_reader(&((struct dir_source *)self)->folder, blob, out, err);
}

static void dir_source_free(struct oci_source *self)
{
	struct dir_source *dir = (struct dir_source *)self;

	folder_clear(&dir->folder);
	free(dir);
}

int oci_dir_source(const struct oci_place *place, struct oci_source **out, struct err *err)
{
	static const struct oci_source_ops ops = {
		.manifest = dir_manifest,
		.blob = dir_blob,
		.free = dir_source_free,
	};
	auto_folder struct folder folder = FOLDER_NONE;

	if (folder_open(place, &form, &folder, err) < 0 || check_mark(&folder, err) < 0)
		return -1;
	struct dir_source *dir = xcalloc(1, sizeof(*dir));
	dir->source.ops = &ops;
	dir->folder = folder;
	folder = (struct folder)FOLDER_NONE;
	*out = &dir->source;
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

struct dir_dest {
	struct oci_dest dest;
	struct folder folder;
	json_t *names; /* the files of the new image, as members */
	struct buf root;
};

static struct oci_dest *dir_dest_new(struct folder *folder);

static int dir_join(struct oci_dest *first, struct oci_dest **out, struct err *err)
{
	struct folder folder = FOLDER_NONE;

	if (folder_again(&((struct dir_dest *)first)->folder, &folder, err) < 0)
		return -1;
	*out = dir_dest_new(&folder);
	return 0;
}

static int dir_has(struct oci_dest *self, const struct oci_descriptor *blob, bool *has, struct err *err)
{
	return folder_has(&((struct dir_dest *)self)->folder, blob, has, err);
}

static int dir_writer(struct oci_dest *self, uint64_t size, struct oci_writer **out, struct err *err)
{
	return folder_writer(&((struct dir_dest *)self)->folder, size, out, err);
}

static void keep(struct dir_dest *dir, const char *name)
{
	json_object_set_new(dir->names, name, json_true());
}

/* The names of all that a manifest or an index refers to. */
static int keep_parts(struct dir_dest *dir, struct span bytes, const char *media_type, struct err *err)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;

	if (oci_type_is_index(media_type))
		return 0;
	if (oci_manifest_parse(bytes, media_type, &manifest, err) < 0)
		return -1;
	keep(dir, HEX_OF(manifest.config.digest));
	for (size_t i = 0; i < manifest.count; i++)
		keep(dir, HEX_OF(manifest.layers[i].digest));
	return 0;
}

static int dir_put(struct oci_dest *self, struct span bytes, const char *media_type, bool root, char *digest,
		struct err *err)
{
	struct dir_dest *dir = (struct dir_dest *)self;
	char name[OCI_DIGEST_MAX + sizeof(INSTANCE)];

	if (keep_parts(dir, bytes, media_type, err) < 0)
		return err_wrap(err, "%s", dir->folder.text);
	oci_digest_of(bytes, digest);
	if (root) {
		buf_reset(&dir->root);
		buf_add_span(&dir->root, bytes);
		return 0;
	}
	snprintf(name, sizeof(name), "%s" INSTANCE, HEX_OF(digest));
	keep(dir, name);
	return folder_put_named(&dir->folder, bytes, name, err);
}

/* Is it a name that a dir: gives, and not one of the new image? */
static bool is_former(const char *name, void *ctx)
{
	const struct dir_dest *dir = ctx;
	size_t hex = strspn(name, "0123456789abcdef");

	return (hex == 64 || hex == 128) && (!name[hex] || !strcmp(name + hex, INSTANCE)) &&
			!json_object_get(dir->names, name);
}

static int replace_image(struct dir_dest *dir, struct err *err)
{
	if (folder_is_changed(&dir->folder))
		return err_set(err, ERR_CONFLICT,
				"%s: another program has put its image there meanwhile, and what was written "
				"for this one may be gone: run it again",
				dir->folder.text);
	if (folder_replace(&dir->folder, buf_span(&dir->root), err) < 0)
		return -1;
	return folder_remove(&dir->folder, is_former, dir, err);
}

static int dir_commit(struct oci_dest *self, struct err *err)
{
	struct dir_dest *dir = (struct dir_dest *)self;

	if (!dir->root.len)
		return err_set(err, ERR_BUG, "%s: committed without an image", dir->folder.text);
	if (folder_sync(&dir->folder, err) < 0 || folder_lock(&dir->folder, err) < 0)
		return -1;
	int status = replace_image(dir, err);
	folder_unlock(&dir->folder);
	return status;
}

static void dir_dest_free(struct oci_dest *self)
{
	struct dir_dest *dir = (struct dir_dest *)self;

	folder_clear(&dir->folder);
	json_decref(dir->names);
	buf_clear(&dir->root);
	free(dir);
}

/* Takes the folder. */
static struct oci_dest *dir_dest_new(struct folder *folder)
{
	static const struct oci_dest_ops ops = {
		.join = dir_join,
		.has = dir_has,
		.blob = dir_writer,
		.manifest = dir_put,
		.commit = dir_commit,
		.free = dir_dest_free,
	};
	struct dir_dest *dir = xcalloc(1, sizeof(*dir));

	dir->dest.ops = &ops;
	dir->folder = *folder;
	*folder = (struct folder)FOLDER_NONE;
	dir->names = json_object();
	buf_init(&dir->root, OCI_MANIFEST_MAX);
	return &dir->dest;
}

int oci_dir_dest(const struct oci_place *place, struct oci_dest **out, struct err *err)
{
	auto_folder struct folder folder = FOLDER_NONE;

	if (folder_make(place, &form, &folder, err) < 0 || check_mark(&folder, err) < 0)
		return -1;
	*out = dir_dest_new(&folder);
	return 0;
}
