/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/refs.h"

#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

#include <string.h>

#define REF_NAME  "org.opencontainers.image.ref.name"
#define FULL_NAME "io.containerd.image.name"

static const char *name_of(const struct oci_descriptor *entry)
{
	const char *name = oci_descriptor_annotation(entry, REF_NAME);

	return name ? name : "";
}

/* An empty tag is what an entry without any name is called. */
static bool is_called(const struct oci_descriptor *entry, const char *tag)
{
	const char *full = oci_descriptor_annotation(entry, FULL_NAME);

	if (!*tag)
		return !*name_of(entry) && !full;
	return !strcmp(name_of(entry), tag) || (full && !strcmp(full, tag));
}

/* "'a', 'b' and 7 more" for a message. */
static void list_names(const struct oci_index *index, struct buf *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < index->count; i++) {
		const char *full = oci_descriptor_annotation(&index->entries[i], FULL_NAME);
		const char *name = full ? full : name_of(&index->entries[i]);
		if (*name && shown++ < 8)
			buf_printf(out, "%s'%.128s'", out->len ? ", " : "", name);
	}
	if (shown > 8)
		buf_printf(out, " and %zu more", shown - 8);
	if (!shown)
		buf_puts(out, "none");
}

static int not_one(const struct oci_index *index, const char *tag, size_t found, struct err *err)
{
	auto_buf struct buf names = BUF_MAX(4096);

	list_names(index, &names);
	if (!index->count)
		return err_set(err, ERR_NOT_FOUND, "holds no image");
	if (!*tag)
		return err_set(err, ERR_USAGE, "holds %zu images; name one behind a ':'; tags there: %s",
				index->count, buf_text(&names));
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "holds no image '%.256s'; tags there: %s", tag,
				buf_text(&names));
	return err_set(err, ERR_USAGE, "holds %zu images called '%.256s'; name one of %s", found, tag,
			buf_text(&names));
}

int refs_find(const struct oci_index *index, const char *tag, struct oci_descriptor *out, struct err *err)
{
	size_t chosen = 0, found = 0;

	for (size_t i = 0; i < index->count; i++) {
		const struct oci_descriptor *entry = &index->entries[i];
		if (*tag && !is_called(entry, tag))
			continue;
		/* the same image twice is one */
		if (found && !strcmp(index->entries[chosen].digest, entry->digest))
			continue;
		if (!found)
			chosen = i;
		found++;
	}
	if (found != 1)
		return not_one(index, tag, found, err);
	*out = index->entries[chosen];
	return 0;
}

static json_t *new_entry(const char *tag, const char *media_type, const char *digest, uint64_t size)
{
	json_t *entry = json_object();

	json_object_set_new(entry, "mediaType", json_string(media_type));
	json_object_set_new(entry, "digest", json_string(digest));
	json_object_set_new(entry, "size", json_integer((json_int_t)size));
	if (*tag) {
		json_t *annotations = json_object();
		json_object_set_new(annotations, REF_NAME, json_string(tag));
		json_object_set_new(entry, "annotations", annotations);
	}
	return entry;
}

int refs_put(struct span old, const char *tag, const char *media_type, const char *digest, uint64_t size,
		struct buf *out, struct err *err)
{
	static const char fresh[] =
			"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[]}";
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;

	if (oci_index_parse(old.len ? old : span_of(fresh), NULL, &index, err) < 0)
		return -1;
	json_t *kept = json_array();
	for (size_t i = 0; i < index.count; i++)
		if (!is_called(&index.entries[i], tag))
			json_array_append(kept, index.entries[i].json);
	json_array_append_new(kept, new_entry(tag, media_type, digest, size));
	json_object_set_new(index.json, "manifests", kept);
	oci_index_format(&index, out);
	return buf_check(out, "index.json", err);
}
