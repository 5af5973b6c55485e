/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt inspect: which layers are encrypted, for whom, and which guests can read them. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/line.h"
#include "image-crypt/image.h"
#include "image-crypt/recipients.h"
#include "image-crypt/report.h"
#include "image-crypt/settings.h"
#include "image-crypt/source.h"
#include "image-crypt/table.h"
#include "image-crypt/verbs.h"
#include "image/rewrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX    ((size_t)64 * 1024)
#define SCHEMES_MAX 64 /* more of them than there are ways to wrap a key */

struct inspect {
	struct access_options access;
	int output;
	const char *from;
};

static const char *const verdicts[] = { "yes", "needs key", "no" };

/* ---- one layer ---- */

static json_t *guest_document(const struct oci_descriptor *layer, enum packet_guest guest)
{
	struct err why = ERR_NONE;
	enum rewrite_guest verdict = rewrite_guest(layer->json, guest, &why);
	json_t *document = json_pack(
			"{s:s, s:s}", "guest", packet_guest_name(guest), "reads", verdicts[verdict]);

	if (why.kind != ERR_OK)
		json_object_set_new(document, "why", json_string(why.text));
	return document;
}

static int layer_document(const struct oci_descriptor *layer, size_t index, json_t **out, struct err *err)
{
	auto_layer_recipients struct layer_recipients read = { NULL, NULL, NULL };
	json_t *guests = json_array();

	for (int guest = 0; guest < PACKET_GUESTS; guest++)
		json_array_append_new(guests, guest_document(layer, (enum packet_guest)guest));
	*out = json_pack("{s:I, s:s, s:s, s:I, s:b, s:o}", "index", (json_int_t)index, "digest",
			layer->digest, "mediaType", layer->media_type, "size", (json_int_t)layer->size,
			"encrypted", rewrite_is_encrypted(layer->media_type), "guests", guests);
	if (layer_recipients_read(layer->annotations, &read, err) < 0)
		return -1;
	json_object_set(*out, "wrappedKeys", read.schemes);
	json_object_set(*out, "recipients", read.recipients);
	json_object_set(*out, "kbsKeys", read.kbs_keys);
	return 0;
}

/* ---- the image ---- */

static void put_source(json_t *document, const json_t *manifest)
{
	const char *source = source_of(manifest);

	if (source)
		json_object_set_new(document, "source", json_string(source));
}

static int instance_document(const struct instance *instance, json_t **out, struct err *err)
{
	auto_buf struct buf platform = BUF_MAX(512);
	json_t *layers = json_array();

	instance_platform(instance, &platform);
	*out = json_pack("{s:s, s:s, s:s, s:o}", "platform", buf_text(&platform), "digest",
			instance->bytes.digest, "mediaType", instance->manifest.media_type, "layers", layers);
	put_source(*out, instance->manifest.json);
	for (size_t i = 0; i < instance->manifest.count; i++) {
		auto_json json_t *layer = NULL;
		if (layer_document(&instance->manifest.layers[i], i, &layer, err) < 0)
			return err_wrap(err, "layer %zu of manifest %s", i, instance->bytes.digest);
		json_array_append(layers, layer);
	}
	return 0;
}

static int image_document(
		const struct inspect *inspect, const struct image *image, json_t **out, struct err *err)
{
	json_t *images = json_array();

	*out = json_pack("{s:o, s:s, s:s, s:o}", "image", json_line(OCI_TEXT_MAX, "%s", inspect->from),
			"digest", image->root.digest, "mediaType",
			image->is_index ? image->index.media_type : image->instances[0].manifest.media_type,
			"images", images);
	if (image->is_index)
		put_source(*out, image->index.json);
	for (size_t i = 0; i < image->count; i++) {
		auto_json json_t *instance = NULL;
		if (instance_document(&image->instances[i], &instance, err) < 0)
			return -1;
		json_array_append(images, instance);
	}
	return 0;
}

/* ---- for people ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_schemes(struct table *table, json_t *schemes)
{
	auto_buf struct buf cell = BUF_MAX(CELL_MAX);
	const char *names[SCHEMES_MAX], *key;
	size_t count = 0;
	json_t *value;

	json_object_foreach (schemes, key, value)
		if (count < SCHEMES_MAX)
			names[count++] = key;
	qsort(names, count, sizeof(names[0]), by_name);
	for (size_t i = 0; i < count; i++)
		buf_printf(&cell, "%s%s", i ? "," : "", names[i]);
	table_add(table, buf_text(&cell));
}

static void add_list(struct table *table, const json_t *list)
{
	auto_buf struct buf cell = BUF_MAX(CELL_MAX);
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		buf_printf(&cell, "%s%s", i ? ", " : "", json_string_value(item));
	table_add(table, buf_text(&cell));
}

/* "yes", "no" or "needs key" where all guests agree, else each with its name. */
static void add_guests(struct table *table, const json_t *guests)
{
	auto_buf struct buf cell = BUF_MAX(CELL_MAX);
	const char *first = json_text_at(json_array_get(guests, 0), "reads", NULL);
	bool agree = true;
	json_t *guest;
	size_t i;

	json_array_foreach (guests, i, guest)
		agree = agree && !strcmp(first, json_text_at(guest, "reads", NULL));
	json_array_foreach (guests, i, guest)
		if (!agree)
			buf_printf(&cell, "%s%s: %s", i ? ", " : "", json_text_at(guest, "guest", NULL),
					json_text_at(guest, "reads", NULL));
	table_add(table, agree ? first : buf_text(&cell));
}

static void add_layer(struct table *table, const char *platform, const json_t *layer)
{
	char number[32];

	snprintf(number, sizeof(number), "%lld", json_integer_value(json_object_get(layer, "index")));
	table_add(table, number);
	table_add(table, json_text_at(layer, "digest", NULL));
	table_add(table, platform);
	snprintf(number, sizeof(number), "%lld", json_integer_value(json_object_get(layer, "size")));
	table_add(table, number);
	add_schemes(table, json_object_get(layer, "wrappedKeys"));
	add_list(table, json_object_get(layer, "recipients"));
	add_list(table, json_object_get(layer, "kbsKeys"));
	add_guests(table, json_object_get(layer, "guests"));
}

/* What stands in a guest's way, below the table. */
static void put_reasons(struct buf *out, const json_t *layer)
{
	json_t *guest;
	size_t i;

	json_array_foreach (json_object_get(layer, "guests"), i, guest) {
		const char *why = json_text_at(guest, "why", NULL);
		if (why && json_is_true(json_object_get(layer, "encrypted")))
			buf_printf(out, "%.19s…: guests with %s: %s\n", json_text_at(layer, "digest", NULL),
					json_text_at(guest, "guest", NULL), why);
	}
}

/* "encrypted from sha256:…", of the image and of each platform. */
static void put_sources(struct buf *out, const json_t *document)
{
	const char *source = json_text_at(document, "source", NULL);
	json_t *image;
	size_t i;

	if (source)
		buf_printf(out, "encrypted from %s\n", source);
	json_array_foreach (json_object_get(document, "images"), i, image) {
		const char *platform = json_text_at(image, "platform", NULL);
		if ((source = json_text_at(image, "source", NULL)))
			buf_printf(out, "%s%sencrypted from %s\n", platform, *platform ? ": " : "", source);
	}
}

static int print_table(const json_t *document, struct err *err)
{
	static const char *const heads[] = { "#", "DIGEST", "PLATFORM", "SIZE", "ENCRYPTION", "RECIPIENTS",
		"KBS KEYS", "GUESTS READ" };
	auto_table struct table table = { .columns = sizeof(heads) / sizeof(heads[0]) };
	auto_buf struct buf out = BUF_MAX((size_t)64 * 1024 * 1024), reasons = BUF_MAX((size_t)1024 * 1024);
	json_t *image, *layer;
	size_t i, l;

	for (size_t head = 0; head < table.columns; head++)
		table_add(&table, heads[head]);
	json_array_foreach (json_object_get(document, "images"), i, image) {
		json_array_foreach (json_object_get(image, "layers"), l, layer) {
			add_layer(&table, json_text_at(image, "platform", NULL), layer);
			put_reasons(&reasons, layer);
		}
	}
	table_format(&table, &out);
	put_sources(&out, document);
	buf_add_span(&out, buf_span(&reasons));
	if (buf_check(&reasons, "what stands in the guests' way", err) < 0 ||
			buf_check(&out, "the table", err) < 0)
		return -1;
	fwrite(buf_text(&out), 1, out.len, stdout);
	return 0;
}

static int run(void *settings, struct err *err)
{
	const struct inspect *inspect = settings;
	auto_access struct access access = { .ocicrypt_config = NULL };
	auto_image struct image image = { .count = 0 };
	auto_json json_t *document = NULL;

	if (access_init(&inspect->access, &access, err) < 0 ||
			image_load(inspect->from, NULL, &access.oci, &image, err) < 0 ||
			image_document(inspect, &image, &document, err) < 0)
		return -1;
	return inspect->output == OUTPUT_JSON ? json_print(json_incref(document), err)
					      : print_table(document, err);
}

static const char *const forms[] = { "table", "json", NULL };

static const struct opt options[] = {
	OPT_ENUM(struct inspect, output, "output", 'o', "FORM", "what to print", forms),
	ACCESS_OPTIONS(struct inspect),
	OPT_END,
};

static const struct opt_arg args[] = {
	FROM_ARG(struct inspect, "IMAGE"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "which keys must the broker hold for this image?",
			"image-crypt inspect -o json docker://registry.example/nginx:encrypted | "
			"jq -r '.images[].layers[].kbsKeys[]' | sort -u" },
	OPT_EXAMPLE_END,
};

const struct opt_verb inspect_verb = {
	.name = "inspect",
	.summary = "shows how the layers of an image are encrypted",
	.description = "Reads manifests alone. For every layer of every platform: its digest and size, the "
		       "ways in which "
		       "its key is wrapped, the recipients as far as they can be told without a key, the ids "
		       "of keys "
		       "in a key broker, and whether a confidential guest can read it: of the older "
		       "generation, whose "
		       "attestation agent unwraps keys itself, and of the newer one with its confidential "
		       "data hub.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct inspect),
	.run = run,
};
