/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/report.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "image-crypt/change.h"

#include <stdio.h>
#include <string.h>

const char *const output_words[] = { "text", "json", NULL };

/* The layer as it was in the manifest that was read; the new descriptor stands at the same index. */
static json_t *layer_report(const struct instance *instance, const struct oci_manifest *before, size_t at)
{
	auto_buf struct buf platform = BUF_MAX(512);
	const struct oci_descriptor *layer = &instance->manifest.layers[at];

	instance_platform(instance, &platform);
	return json_pack("{s:s, s:I, s:s, s:s, s:I, s:s}", "platform", buf_text(&platform), "index",
			(json_int_t)at, "digest", layer->digest, "mediaType", layer->media_type, "size",
			(json_int_t)layer->size, "was", before->layers[at].digest);
}

static int add_layers(const struct instance *instance, json_t *layers, struct err *err)
{
	auto_oci_manifest struct oci_manifest before = OCI_MANIFEST_EMPTY;

	if (oci_manifest_parse(buf_span(&instance->bytes.bytes), instance->bytes.media_type, &before, err) <
			0)
		return -1;
	for (size_t i = 0; i < instance->manifest.count; i++)
		if (instance->chosen[i])
			json_array_append_new(layers, layer_report(instance, &before, i));
	return 0;
}

int report_change(const struct change *change, const char *done, const char *to, const char *digest,
		int output, struct err *err)
{
	auto_json json_t *layers = json_array();

	for (size_t i = 0; i < change->image->count; i++)
		if (add_layers(&change->image->instances[i], layers, err) < 0)
			return -1;
	if (output == OUTPUT_JSON)
		return json_print(json_pack("{s:o, s:s, s:O}", "image", json_line(OCI_TEXT_MAX, "%s", to),
						  "digest", digest, "layers", layers),
				err);
	if (printf("%s %zu %s: %s\n%s\n", done, json_array_size(layers),
			    json_array_size(layers) == 1 ? "layer" : "layers", to, digest) < 0)
		return err_errno(err, ERR_IO, "writing to standard output");
	return 0;
}
