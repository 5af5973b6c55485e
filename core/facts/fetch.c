/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/fetch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "facts/fetch_own.h"
#include "image/annotation.h"
#include "oci/manifest.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)8192)

int fetch_goes_on(struct fetch *fetch, struct err *err)
{
	const struct fetch_options *options = fetch->options;

	if (options->stop && atomic_load(options->stop))
		return err_set(err, ERR_RETRY, "the program ends");
	if (!options->deadline)
		return 0;
	int64_t left = options->deadline - clock_mono(options->clock);
	if (left <= 0)
		return err_set(err, ERR_RETRY, "the registry took too long");
	fetch->access.deadline_ms = (int)(left / 1000) + 1;
	return 0;
}

int fetch_spends(struct fetch *fetch, size_t bytes, struct err *err)
{
	if (bytes > FETCH_BYTES_MAX - fetch->bytes)
		return err_set(err, ERR_LIMIT, "manifests and signatures of the image exceed %zu bytes",
				FETCH_BYTES_MAX);
	fetch->bytes += bytes;
	return 0;
}

struct image_signature *fetch_signature(struct fetch *fetch)
{
	if (!fetch->signatures)
		fetch->signatures =
				arena_take(&fetch->memory, IMAGE_SIGNATURES_MAX * sizeof(*fetch->signatures));
	if (fetch->signature_count == IMAGE_SIGNATURES_MAX) {
		fetch->more = true;
		return NULL;
	}
	return &fetch->signatures[fetch->signature_count++];
}

/* ---- blobs ---- */

static int read_all(struct oci_reader *reader, struct buf *out, struct err *err)
{
	size_t got = 1;

	while (got) {
		char *room = buf_room(out, CHUNK);
		if (!room || pull_read(oci_reader_pull(reader), room, CHUNK, &got, err) < 0)
			return -1;
		buf_grew(out, got);
	}
	return 0;
}

int fetch_blob(struct fetch *fetch, const struct oci_descriptor *blob, size_t max, struct buf *out,
		struct err *err)
{
	auto_oci_reader struct oci_reader *reader = NULL;

	if (blob->size > max)
		return err_set(err, ERR_LIMIT, "the blob '%s' has %llu bytes, more than %zu", blob->digest,
				(unsigned long long)blob->size, max);
	/* the reader gives no more than the size; room for a whole last chunk */
	buf_init(out, max + CHUNK);
	if (fetch_goes_on(fetch, err) < 0 || fetch_spends(fetch, blob->size, err) < 0 ||
			oci_source_blob(fetch->source, blob, &reader, err) < 0 ||
			read_all(reader, out, err) < 0)
		return -1;
	if (!oci_digest_fits(blob->digest, buf_span(out)))
		return err_set(err, ERR_FORMAT, "the blob '%s' is not what its digest says", blob->digest);
	return 0;
}

/* ---- platforms ---- */

/* `platform` is what the index says; NULL: nothing. */
static int add_platform(struct fetch *fetch, const struct oci_manifest_bytes *bytes, json_t *platform,
		struct err *err)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	auto_arena struct arena memory = ARENA_NONE;
	struct fetch_config config = { .json = NULL };
	struct image_platform read;

	if (oci_manifest_parse(buf_span(&bytes->bytes), bytes->media_type, &manifest, err) < 0)
		return -1;
	if (fetch_config(fetch, &manifest, !platform, &memory, &config, err) < 0)
		return -1;
	auto_json json_t *json = config.json;
	if (image_platform_read(&manifest, bytes->digest, platform ? platform : json, &memory, &read, err) <
			0)
		return -1;
	if (!(fetch->want->looks & IMAGE_LOOKED_CONFIG))
		read.config = NULL;
	read.run = config.good ? &config.run : NULL;
	read.run_problem = config.problem;
	/* the manifest's tree takes many times what is kept of it, and there may be more platforms to come */
	const struct image_facts draft = {
		.host = "", .repository = "", .digest = "", .platforms = &read, .platform_count = 1
	};
	struct image_facts *part = image_facts_new(&draft);
	fetch->parts[fetch->platform_count] = part;
	fetch->platforms[fetch->platform_count++] = part->platforms[0];
	return 0;
}

static int read_manifest(
		struct fetch *fetch, const char *digest, struct oci_manifest_bytes *out, struct err *err)
{
	return fetch_goes_on(fetch, err) < 0 || oci_source_manifest(fetch->source, digest, out, err) < 0 ||
					fetch_spends(fetch, out->bytes.len, err) < 0
			? -1
			: 0;
}

static bool is_unknown(const json_t *platform, const char *member)
{
	const char *value = json_text_at(platform, member, NULL);

	return value && !strcmp(value, "unknown");
}

static bool is_runnable(const struct oci_descriptor *entry)
{
	if (entry->platform)
		return !is_unknown(entry->platform, "os") || !is_unknown(entry->platform, "architecture");
	return oci_type_is_manifest(entry->media_type) || oci_type_is_index(entry->media_type);
}

static int check_entries(const struct oci_index *index, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < index->count; i++)
		count += is_runnable(&index->entries[i]);
	if (count > FETCH_PLATFORMS_MAX)
		return err_set(err, ERR_LIMIT, "the image has %zu platforms, more than %d", count,
				FETCH_PLATFORMS_MAX);
	return 0;
}

static int read_platforms(struct fetch *fetch, const struct oci_index *index, struct err *err)
{
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	int status = check_entries(index, err);

	for (size_t i = 0; !status && i < index->count; i++) {
		const struct oci_descriptor *entry = &index->entries[i];
		if (!is_runnable(entry))
			continue;
		status = read_manifest(fetch, entry->digest, &bytes, err);
		if (!status)
			status = add_platform(fetch, &bytes, entry->platform, err);
		if (status < 0)
			err_wrap(err, "entry %zu of the image's index", i);
	}
	buf_clear(&bytes.bytes);
	return status;
}

/* ---- signatures ---- */

static int look_at_source(struct fetch *fetch, const char *source, struct err *err)
{
	if (!source || fetch->signature_count)
		return 0;
	return fetch_attached(fetch, source, err) < 0
			? err_wrap(err, "what is attached to the image that it was encrypted from")
			: 0;
}

static int read_attached(struct fetch *fetch, const struct image_facts *draft, struct err *err)
{
	int status = fetch_attached(fetch, draft->digest, err);
	bool each = draft->index && !fetch->checkable;

	for (size_t i = 0; !status && each && i < fetch->platform_count; i++)
		if (strcmp(fetch->platforms[i].digest, draft->digest) != 0)
			status = fetch_attached(fetch, fetch->platforms[i].digest, err);
	if (!status)
		status = look_at_source(fetch, draft->source, err);
	for (size_t i = 0; !status && i < fetch->platform_count; i++)
		status = look_at_source(fetch, fetch->platforms[i].source, err);
	return status;
}

static int read_lookasides(struct fetch *fetch, const struct image_facts *draft, struct err *err)
{
	const char *digests[FETCH_PLATFORMS_MAX + 1] = { draft->digest };
	size_t count = 1;

	for (size_t i = 0; draft->index && i < fetch->platform_count; i++)
		digests[count++] = fetch->platforms[i].digest;
	return fetch_lookasides(fetch, digests, count, err);
}

static int read_signatures(struct fetch *fetch, const struct image_facts *draft, struct err *err)
{
	unsigned looks = fetch->want->looks;

	if (looks & (IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS) && read_attached(fetch, draft, err) < 0)
		return -1;
	if (looks & IMAGE_LOOKED_SIMPLE && read_lookasides(fetch, draft, err) < 0)
		return -1;
	return 0;
}

/* ---- all of it ---- */

static int read_index(struct fetch *fetch, const struct oci_manifest_bytes *root, struct image_facts *draft,
		struct err *err)
{
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;

	if (oci_index_parse(buf_span(&root->bytes), root->media_type, &index, err) < 0)
		return -1;
	const char *source = json_text_at(index.json, "annotations", ANNOTATION_SOURCE, NULL);
	if (source && oci_digest_is(source))
		draft->source = arena_text(&fetch->memory, source);
	draft->index = true;
	return read_platforms(fetch, &index, err);
}

static int read_image(struct fetch *fetch, const struct oci_manifest_bytes *root, struct image_facts *draft,
		struct err *err)
{
	enum oci_kind kind = OCI_KIND_MANIFEST;
	const char *type = NULL;

	if (oci_kind_of(buf_span(&root->bytes), root->media_type, &kind, &type, err) < 0)
		return -1;
	if (kind == OCI_KIND_INDEX)
		return read_index(fetch, root, draft, err);
	return add_platform(fetch, root, NULL, err);
}

static int read_facts(struct fetch *fetch, struct image_facts **out, struct err *err)
{
	const struct fetch_options *options = fetch->options;
	const struct image_want *want = fetch->want;
	const char *digest = *want->name.digest ? want->name.digest : NULL;
	struct oci_manifest_bytes root = OCI_MANIFEST_NONE;
	struct image_facts draft = { .host = want->name.host,
		.repository = want->name.repository,
		.fetched = clock_mono(options->clock) };

	int status = read_manifest(fetch, digest, &root, err);
	draft.digest = root.digest;
	struct image_facts *known =
			!status && options->known ? options->known(options->ctx, root.digest) : NULL;
	if (known) {
		buf_clear(&root.bytes);
		*out = known;
		return 0;
	}
	if (!status)
		status = read_image(fetch, &root, &draft, err);
	buf_clear(&root.bytes);
	if (!status)
		status = read_signatures(fetch, &draft, err);
	if (status < 0)
		return -1;
	draft.platforms = fetch->platforms;
	draft.platform_count = fetch->platform_count;
	draft.signatures = fetch->signatures;
	draft.signature_count = fetch->signature_count;
	draft.looked = want->looks;
	draft.more = fetch->more;
	*out = image_facts_new(&draft);
	return 0;
}

static void fetch_free(struct fetch *fetch)
{
	oci_source_free(fetch->source);
	for (size_t i = 0; i < fetch->platform_count; i++)
		image_facts_unref(fetch->parts[i]);
	arena_clear(&fetch->memory);
	free(fetch);
}

int fetch_image(const struct fetch_options *options, const struct image_want *want, struct image_facts **out,
		struct err *err)
{
	struct fetch *fetch = xcalloc(1, sizeof(*fetch));

	fetch->options = options;
	fetch->want = want;
	fetch->access = *options->access;
	fetch->access.stop = options->stop;
	fetch->access.max_manifest = FETCH_MANIFEST_MAX;
	int status = fetch_goes_on(fetch, err);
	if (!status)
		status = oci_source_open(options->place, &fetch->access, &fetch->source, err);
	if (!status)
		status = read_facts(fetch, out, err);
	fetch_free(fetch);
	/* what is wrong with a document says which; who reads it wants to know where it was */
	if (status < 0 && err && !strstr(err->text, options->place->text))
		err_wrap(err, "%s", options->place->text);
	return status;
}
