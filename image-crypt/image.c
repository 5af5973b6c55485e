/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/image.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/signals.h"
#include "codec/json.h"
#include "codec/line.h"
#include "image/rewrite.h"

#include <stdlib.h>
#include <string.h>

/* What BuildKit calls the platform of manifests that hold attestations instead of an image. */
#define PLATFORM_UNKNOWN "unknown/unknown"
#define PLATFORM_MAX     128
/* What all manifests of an index may have together: their trees take some 14 times that. */
#define MANIFESTS_MAX    ((size_t)32 * 1024 * 1024)
/* BuildKit's link from an attestation to the manifest that it speaks of. */
#define REFERENCE_DIGEST "vnd.docker.reference.digest"

/* ---- reading ---- */

static int read_instance(struct instance *instance, struct err *err)
{
	if (oci_manifest_parse(buf_span(&instance->bytes.bytes), instance->bytes.media_type,
			    &instance->manifest, err) < 0)
		return err_wrap(err, "manifest %s", instance->bytes.digest);
	instance->chosen = xcalloc(instance->manifest.count + 1, sizeof(*instance->chosen));
	return 0;
}

static int load_entry(struct image *image, struct oci_source *source, size_t at, struct err *err)
{
	const struct oci_descriptor *entry = &image->index.entries[at];
	struct instance *instance = &image->instances[at];

	if (oci_type_is_index(entry->media_type))
		return err_set(err, ERR_FORMAT,
				"'%s' is an index of indexes (%s): name one of them by its digest",
				image->place->text, entry->digest);
	if (oci_source_manifest(source, entry->digest, &instance->bytes, err) < 0)
		return -1;
	instance->platform = json_incref(entry->platform);
	return read_instance(instance, err);
}

static int pull_all(struct pull *pull, struct buf *out, struct err *err)
{
	char piece[8192];
	size_t got;

	do {
		if (pull_read(pull, piece, sizeof(piece), &got, err) < 0)
			return -1;
		buf_add(out, piece, got);
	} while (got && !out->over);
	return buf_check(out, "the image's config", err);
}

/* An image of one platform says in its config which it is. */
static int read_platform(struct image *image, struct oci_source *source, struct err *err)
{
	static const char *const members[] = { "os", "architecture", "variant" };
	struct instance *instance = &image->instances[0];
	const struct oci_descriptor *config = &instance->manifest.config;
	auto_oci_reader struct oci_reader *reader = NULL;
	auto_buf struct buf bytes = BUF_MAX(OCI_MANIFEST_MAX);
	auto_json json_t *document = NULL;

	if (strcmp(config->media_type, OCI_TYPE_CONFIG) != 0 &&
			strcmp(config->media_type, DOCKER_TYPE_CONFIG) != 0)
		return 0;
	if (oci_source_blob(source, config, &reader, err) < 0 ||
			pull_all(oci_reader_pull(reader), &bytes, err) < 0)
		return err_wrap(err, "config %s", config->digest);
	if (!oci_digest_fits(config->digest, buf_span(&bytes)))
		return err_set(err, ERR_AUTH, "the config %s is not what its digest says", config->digest);
	if (json_read(buf_span(&bytes), OCI_MANIFEST_MAX, &document, err) < 0)
		return err_wrap(err, "config %s", config->digest);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *value = json_text_at(document, members[i], NULL);
		if (!value || !*value)
			continue;
		if (!instance->platform)
			instance->platform = json_object();
		json_object_set_new(instance->platform, members[i], json_string(value));
	}
	return 0;
}

static int load_index(struct image *image, struct oci_source *source, struct err *err)
{
	size_t sum = 0;

	image->is_index = true;
	if (oci_index_parse(buf_span(&image->root.bytes), image->root.media_type, &image->index, err) < 0)
		return -1;
	image->instances = xcalloc(image->index.count + 1, sizeof(*image->instances));
	for (size_t i = 0; i < image->index.count; i++) {
		struct instance *instance = &image->instances[image->count++];
		*instance = (struct instance){ .bytes = OCI_MANIFEST_NONE, .manifest = OCI_MANIFEST_EMPTY };
		if (load_entry(image, source, i, err) < 0)
			return -1;
		sum += instance->bytes.bytes.len;
		if (sum > MANIFESTS_MAX)
			return err_set(err, ERR_LIMIT,
					"'%s': the manifests of its platforms exceed %zu bytes together",
					image->place->text, MANIFESTS_MAX);
	}
	return 0;
}

static int load_single(struct image *image, struct oci_source *source, struct err *err)
{
	struct instance *instance = image->instances = xcalloc(1, sizeof(*image->instances));

	image->count = 1;
	*instance = (struct instance){ .bytes = OCI_MANIFEST_NONE, .manifest = OCI_MANIFEST_EMPTY };
	buf_add_span(&instance->bytes.bytes, buf_span(&image->root.bytes));
	memcpy(instance->bytes.media_type, image->root.media_type, sizeof(instance->bytes.media_type));
	memcpy(instance->bytes.digest, image->root.digest, sizeof(instance->bytes.digest));
	if (read_instance(instance, err) < 0)
		return -1;
	return read_platform(image, source, err);
}

static int read_places(const char *from, const char *to, const struct oci_access *access, struct image *out,
		struct err *err)
{
	out->place = xcalloc(1, sizeof(*out->place));
	if (oci_place_parse(from, out->place, err) < 0)
		return -1;
	if (!to)
		return 0;
	out->to = xcalloc(1, sizeof(*out->to));
	if (oci_place_parse(to, out->to, err) < 0)
		return -1;
	if (*out->to->digest)
		return err_set(err, ERR_USAGE,
				"'%s': the new image gets a digest of its own: name a tag as destination",
				to);
	if (access->credentials && out->place->transport == OCI_DOCKER && out->to->transport == OCI_DOCKER &&
			strcmp(out->place->host, out->to->host) != 0)
		return err_set(err, ERR_USAGE,
				"--creds-file holds the credentials of one registry, and '%s' and '%s' are "
				"two: log in to both, or name a file that has both with --auth-file",
				out->place->host, out->to->host);
	return 0;
}

int image_load(const char *from, const char *to, const struct oci_access *access, struct image *out,
		struct err *err)
{
	auto_oci_source struct oci_source *source = NULL;
	enum oci_kind kind;
	const char *media_type;

	*out = (struct image){ .root = OCI_MANIFEST_NONE, .index = OCI_INDEX_EMPTY };
	if (read_places(from, to, access, out, err) < 0 ||
			oci_source_open(out->place, access, &source, err) < 0 ||
			oci_source_manifest(source, NULL, &out->root, err) < 0)
		return -1;
	if (oci_kind_of(buf_span(&out->root.bytes), out->root.media_type, &kind, &media_type, err) < 0)
		return err_wrap(err, "'%s'", from);
	return kind == OCI_KIND_INDEX ? load_index(out, source, err) : load_single(out, source, err);
}

void image_clear(struct image *image)
{
	for (size_t i = 0; i < image->count; i++) {
		buf_clear(&image->instances[i].bytes.bytes);
		oci_manifest_clear(&image->instances[i].manifest);
		free(image->instances[i].chosen);
		json_decref(image->instances[i].platform);
	}
	free(image->instances);
	free(image->place);
	free(image->to);
	oci_index_clear(&image->index);
	buf_clear(&image->root.bytes);
}

/* An index may call its platforms anything, and the name goes to terminals. */
void instance_platform(const struct instance *instance, struct buf *out)
{
	auto_buf struct buf text = BUF_MAX(OCI_MANIFEST_MAX);

	oci_platform_format(instance->platform, &text);
	auto_json json_t *line = json_line(PLATFORM_MAX, "%s", buf_text(&text));
	buf_puts(out, json_string_value(line));
}

int image_dest(const struct image *image, const struct oci_access *access, struct oci_dest **out,
		struct err *err)
{
	return oci_dest_open(image->to, access, image->place, out, err);
}

/* ---- choosing ---- */

static bool instance_fits(const struct instance *instance, const char *platform)
{
	auto_buf struct buf text = BUF_MAX(256);

	if (platform)
		return oci_platform_fits(instance->platform, platform);
	instance_platform(instance, &text);
	return !span_is(buf_span(&text), PLATFORM_UNKNOWN);
}

static int no_such_platform(const struct image *image, const char *platform, struct err *err)
{
	auto_buf struct buf known = BUF_MAX(512);

	for (size_t i = 0; i < image->count; i++) {
		buf_puts(&known, known.len ? ", " : "");
		instance_platform(&image->instances[i], &known);
	}
	return err_set(err, ERR_USAGE, "'%s' has no image for the platform '%s'%s%s", image->place->text,
			platform, image->is_index ? "; it has " : ", it does not say for which it is",
			buf_text(&known));
}

int image_choose(struct image *image, const char *platform, const struct opt_list *layers, struct err *err)
{
	size_t chosen = 0;

	for (size_t i = 0; i < image->count; i++) {
		if (!instance_fits(&image->instances[i], platform))
			continue;
		chosen++;
		struct instance *instance = &image->instances[i];
		if (rewrite_select(layers->items, layers->count, instance->manifest.count, instance->chosen,
				    err) < 0)
			return err_wrap(err, "--layer, manifest %s", instance->bytes.digest);
	}
	return chosen || !platform ? 0 : no_such_platform(image, platform, err);
}

/* ---- writing ---- */

/* Docker's manifests cannot name encrypted layers: when one changes, the whole image takes the OCI form. */
static int take_oci_form(struct image *image, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < image->count; i++)
		any |= image->instances[i].changed;
	for (size_t i = 0; any && i < image->count; i++) {
		struct instance *instance = &image->instances[i];
		if (!strcmp(instance->manifest.media_type, OCI_TYPE_MANIFEST) && !instance->changed)
			continue;
		if (oci_manifest_to_oci(&instance->manifest, err) < 0)
			return err_wrap(err, "manifest %s", instance->bytes.digest);
		instance->changed = true;
	}
	if (any && image->is_index)
		oci_index_to_oci(&image->index);
	return 0;
}

/* An attestation of BuildKit's says which manifest it is about; that one may have a new digest. */
static void follow_references(struct image *image, const char *old, const char *new)
{
	for (size_t i = 0; i < image->index.count; i++) {
		struct oci_descriptor *entry = &image->index.entries[i];
		const char *about = oci_descriptor_annotation(entry, REFERENCE_DIGEST);
		if (about && !strcmp(about, old))
			oci_descriptor_annotate(entry, REFERENCE_DIGEST, new);
	}
}

static int write_instance(struct image *image, size_t at, struct oci_dest *dest, char digest[OCI_DIGEST_MAX],
		struct err *err)
{
	struct instance *instance = &image->instances[at];
	auto_buf struct buf bytes = BUF_MAX(OCI_MANIFEST_MAX);

	if (instance->changed)
		oci_manifest_format(&instance->manifest, &bytes);
	else
		buf_add_span(&bytes, buf_span(&instance->bytes.bytes));
	if (buf_check(&bytes, "the new manifest", err) < 0 ||
			oci_dest_manifest(dest, buf_span(&bytes), instance->manifest.media_type,
					!image->is_index, digest, err) < 0)
		return -1;
	if (!image->is_index)
		return 0;
	oci_descriptor_set(&image->index.entries[at], instance->manifest.media_type, digest, bytes.len);
	follow_references(image, instance->bytes.digest, digest);
	return 0;
}

static int write_index(
		struct image *image, struct oci_dest *dest, char digest[OCI_DIGEST_MAX], struct err *err)
{
	auto_buf struct buf bytes = BUF_MAX(OCI_MANIFEST_MAX);
	bool changed = false;

	for (size_t i = 0; i < image->count; i++)
		changed |= image->instances[i].changed;
	if (changed)
		oci_index_format(&image->index, &bytes);
	else
		buf_add_span(&bytes, buf_span(&image->root.bytes));
	if (buf_check(&bytes, "the new index", err) < 0)
		return -1;
	return oci_dest_manifest(dest, buf_span(&bytes), image->index.media_type, true, digest, err);
}

/* Does the destination give out what was written? A tag may have gone to somebody else's image meanwhile. */
static int confirm(const struct image *image, const struct oci_access *access, const char *digest,
		struct err *err)
{
	auto_oci_source struct oci_source *source = NULL;
	struct oci_manifest_bytes root = OCI_MANIFEST_NONE;
	/* a layout may hold several images, of which one without a tag is found by its digest alone */
	const char *wanted = image->to->transport == OCI_LAYOUT && !image->to->tag[0] ? digest : NULL;
	int status = -1;

	if (oci_source_open(image->to, access, &source, err) == 0 &&
			oci_source_manifest(source, wanted, &root, err) == 0)
		status = !strcmp(root.digest, digest) ? 0
						      : err_set(err, ERR_CONFLICT,
									"'%s' names %s and not %s, which was "
									"written: somebody else "
									"wrote there at the same time",
									image->to->text, root.digest, digest);
	buf_clear(&root.bytes);
	return status < 0 ? err_wrap(err, "reading back") : 0;
}

int image_write(struct image *image, const struct oci_access *access, struct oci_dest *dest,
		char digest[static OCI_DIGEST_MAX], struct err *err)
{
	if (take_oci_form(image, err) < 0)
		return -1;
	for (size_t i = 0; i < image->count; i++) {
		/* the job has left the signals blocked, so that the image gets its name or leaves nothing */
		if (signals_waiting())
			return err_set(err, ERR_RETRY, "interrupted");
		if (write_instance(image, i, dest, digest, err) < 0)
			return -1;
	}
	if (image->is_index && write_index(image, dest, digest, err) < 0)
		return -1;
	if (oci_dest_commit(dest, err) < 0)
		return -1;
	return confirm(image, access, digest, err);
}
