/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "image/annotation.h"
#include "image/rewrite.h"
#include "oci/manifest.h"
#include "policy/arena.h"
#include "policy/image.h"

#include <string.h>

#define PLATFORM_NAME_MAX 256
#define PROBLEM_MAX       200 /* a problem says why, it need not tell everything: facts are many */

/* ---- recipients ------------------------------------------------------------------------------------------ */

/* One layer's recipients, counted first and then filled in. */
struct gather {
	struct arena *memory;
	struct image_recipient *items; /* NULL: counted alone */
	size_t count;
};

static const char *problem_text(struct arena *memory, const char *text)
{
	char cut[PROBLEM_MAX + 1];
	size_t len = strnlen(text, PROBLEM_MAX);

	memcpy(cut, text, len);
	cut[len] = '\0';
	span_tidy(cut, len);
	return arena_text(memory, cut);
}

static void read_packet(struct gather *gather, struct span element, struct image_recipient *out)
{
	auto_packet struct packet packet = PACKET_NONE;
	struct err err = ERR_NONE;
	bool any = false;

	if (packet_parse(element, &packet, &err) < 0) {
		out->problem = problem_text(gather->memory, err.text);
		return;
	}
	out->key = arena_text(gather->memory, packet.kid);
	/* the hub is asked last: what it says counts */
	for (unsigned guest = 0; guest < PACKET_GUESTS; guest++) {
		out->guests[guest] = packet_guest_reads(&packet, (enum packet_guest)guest, &err) == 0;
		any = any || out->guests[guest];
	}
	if (!any)
		out->problem = problem_text(gather->memory, err.text);
}

static int gather_element(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	struct gather *gather = ctx;
	struct image_recipient *out = gather->items ? &gather->items[gather->count] : NULL;

	(void)index;
	(void)err;
	gather->count++;
	if (!out)
		return 0;
	out->scheme = arena_text(gather->memory, scheme);
	out->key = "";
	if (!element.len)
		out->problem = "is no base64";
	else if (!strcmp(scheme, PACKET_SCHEME))
		read_packet(gather, element, out);
	return 0;
}

static int read_recipients(
		const json_t *annotations, struct arena *memory, struct image_layer *out, struct err *err)
{
	struct gather gather = { .memory = memory };

	if (annotation_walk(annotations, gather_element, &gather, err) < 0)
		return -1;
	if (!gather.count)
		return 0;
	gather.items = arena_take(memory, gather.count * sizeof(*gather.items));
	gather.count = 0;
	if (annotation_walk(annotations, gather_element, &gather, err) < 0)
		return -1;
	out->recipients = gather.items;
	out->recipient_count = gather.count;
	return 0;
}

/* ---- layers ---------------------------------------------------------------------------------------------- */

/* Does the layer say of itself what only an encrypted one would? */
static bool has_encryption(const json_t *annotations)
{
	const char *key = NULL;
	json_t *value = NULL;

	/* the cast is jansson's: its iterator has no const form, and nothing is changed here */
	json_object_foreach ((json_t *)(uintptr_t)annotations, key, value)
		if (span_starts(span_of(key), ANNOTATION_PREFIX))
			return true;
	return false;
}

static void read_layer(const struct oci_descriptor *layer, struct arena *memory, struct image_layer *out)
{
	struct err err = ERR_NONE;

	*out = (struct image_layer){
		.digest = layer->digest,
		.media_type = layer->media_type,
		.size = layer->size,
		.encrypted = rewrite_is_encrypted(layer->media_type),
	};
	if (read_recipients(layer->annotations, memory, out, &err) < 0 ||
			(out->recipient_count && out->encrypted && rewrite_guest_form(layer->json, &err) < 0))
		out->problem = problem_text(memory, err.text);
	else if (out->encrypted && !out->recipient_count)
		out->problem = "it has no wrapped keys: nobody can decrypt it";
	else if (!out->encrypted && has_encryption(layer->annotations))
		out->problem = "it has the annotations of an encrypted layer, but a type that is not "
			       "encrypted";
}

int image_platform_read(const struct oci_manifest *manifest, const char *digest, const json_t *platform,
		struct arena *memory, struct image_platform *out, struct err *err)
{
	auto_buf struct buf name = BUF_MAX(PLATFORM_NAME_MAX);
	struct image_layer *layers = arena_take(memory, manifest->count * sizeof(*layers));
	const char *source = json_text_at(manifest->json, "annotations", ANNOTATION_SOURCE, NULL);

	oci_platform_format(platform, &name);
	if (buf_check(&name, "platform", err) < 0)
		return -1;
	for (size_t i = 0; i < manifest->count; i++)
		read_layer(&manifest->layers[i], memory, &layers[i]);
	*out = (struct image_platform){
		.digest = arena_text(memory, digest),
		.name = arena_text(memory, buf_text(&name)),
		.source = source && oci_digest_is(source) ? source : NULL,
		.config = manifest->config.digest,
		.layers = layers,
		.layer_count = manifest->count,
	};
	return 0;
}
