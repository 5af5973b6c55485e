/* SPDX-License-Identifier: Apache-2.0 */
/* Media types, selection and descriptors; the checks of what was written and of guests are in rewrite_check.c. */
#include "image/rewrite.h"

#include "base/err.h"
#include "codec/json.h"
#include "image/annotation.h"
#include "oci/descriptor.h"

#include <stdio.h>
#include <string.h>

#define OCI    "application/vnd.oci.image.layer."
#define DOCKER "application/vnd.docker.image.rootfs."

/* ---- media types ----------------------------------------------------------------------------------------- */

static const char not_ours[] = "may not be distributed by others than its vendor";

/* Everything that can be a layer: the OCI type it means, and why it is not encrypted. */
static const struct {
	const char *type;
	const char *oci; /* NULL: has none */
	const char *why_not;
} types[] = {
	{ OCI "v1.tar", OCI "v1.tar", NULL },
	{ OCI "v1.tar+gzip", OCI "v1.tar+gzip", NULL },
	{ OCI "v1.tar+zstd", OCI "v1.tar+zstd", NULL },
	{ DOCKER "diff.tar", OCI "v1.tar", NULL },
	{ DOCKER "diff.tar.gzip", OCI "v1.tar+gzip", NULL },
	{ DOCKER "diff.tar.zstd", OCI "v1.tar+zstd", NULL },
	{ OCI "nondistributable.v1.tar", NULL, not_ours },
	{ OCI "nondistributable.v1.tar+gzip", NULL, not_ours },
	{ OCI "nondistributable.v1.tar+zstd", NULL, not_ours },
	{ DOCKER "foreign.diff.tar", NULL, not_ours },
	{ DOCKER "foreign.diff.tar.gzip", NULL, not_ours },
	{ "application/vnd.in-toto+json", NULL, "is an attestation about the image, not a part of it" },
	{ "application/vnd.wasm.content.layer.v1+wasm", NULL, "has no encrypted form that runtimes read" },
};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

static size_t find(const char *media_type, size_t len)
{
	size_t i = 0;

	while (i < TYPE_COUNT &&
			(strlen(types[i].type) != len || memcmp(types[i].type, media_type, len) != 0))
		i++;
	return i;
}

bool rewrite_is_encrypted(const char *media_type)
{
	return span_ends(span_of(media_type), REWRITE_SUFFIX);
}

int rewrite_encrypted_type(const char *media_type, char out[static REWRITE_TYPE_MAX], struct err *err)
{
	size_t at = find(media_type, strlen(media_type));

	if (rewrite_is_encrypted(media_type))
		return err_set(err, ERR_USAGE, "a layer of type '%.200s' is encrypted already", media_type);
	if (at == TYPE_COUNT)
		return err_set(err, ERR_FORMAT, "'%.200s' is no layer type that can be encrypted",
				media_type);
	if (types[at].why_not)
		return err_set(err, ERR_DENIED, "a layer of type '%.200s' %s: it stays as it is", media_type,
				types[at].why_not);
	snprintf(out, REWRITE_TYPE_MAX, "%s" REWRITE_SUFFIX, types[at].oci);
	return 0;
}

int rewrite_decrypted_type(const char *media_type, char out[static REWRITE_TYPE_MAX], struct err *err)
{
	size_t len = strlen(media_type), cut = strlen(REWRITE_SUFFIX);

	if (!rewrite_is_encrypted(media_type))
		return err_set(err, ERR_FORMAT, "a layer of type '%.200s' is not encrypted", media_type);
	if (find(media_type, len - cut) == TYPE_COUNT)
		return err_set(err, ERR_FORMAT, "'%.200s' does not stand on a layer type", media_type);
	snprintf(out, REWRITE_TYPE_MAX, "%.*s", (int)(len - cut), media_type);
	return 0;
}

const char *rewrite_oci_type(const char *media_type)
{
	size_t at = find(media_type, strlen(media_type));

	return at < TYPE_COUNT && types[at].oci ? types[at].oci : media_type;
}

/* ---- which layers ---------------------------------------------------------------------------------------- */

int rewrite_select(const char *const *indexes, size_t count, size_t layers, bool *selected, struct err *err)
{
	for (size_t i = 0; i < layers; i++)
		selected[i] = !count;
	for (size_t i = 0; i < count; i++) {
		struct span text = span_of(indexes[i]);
		bool from_end = span_starts(text, "-");
		uint64_t number = 0;
		if (!span_number(span_from(text, from_end), REWRITE_LAYERS_MAX, &number) ||
				(from_end && !number))
			return err_set(err, ERR_USAGE, "layer '%.40s' is no index", indexes[i]);
		if (number >= layers + from_end)
			return err_set(err, ERR_USAGE,
					"layer %s is out of range: the image has %zu layer%s, 0 to %zu, or "
					"-1 to -%zu from the end",
					indexes[i], layers, layers == 1 ? "" : "s", layers ? layers - 1 : 0,
					layers);
		selected[from_end ? layers - number : number] = true;
	}
	return 0;
}

/* ---- descriptors ----------------------------------------------------------------------------------------- */

static int text_of(const json_t *layer, const char *key, const char **out, struct err *err)
{
	return json_get_text(layer, "layer", key, out, err);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

/* A copy for other bytes, without annotations of an encryption; "annotations" is always there. */
static int copy(const json_t *layer, const char *media_type, const char *digest, json_t **out,
		struct err *err)
{
	auto_json json_t *fresh = json_deep_copy(layer);
	json_t *annotations = NULL;

	if (!oci_digest_is(digest))
		return err_set(err, ERR_BUG, "'%.150s' is no digest", digest);
	if (json_opt_object(fresh, "layer", "annotations", &annotations, err) < 0)
		return -1;
	if (annotations)
		annotation_strip(annotations);
	else
		json_object_set_new(fresh, "annotations", json_object());
	set_text(fresh, "mediaType", media_type);
	set_text(fresh, "digest", digest);
	json_object_del(fresh, "data");
	json_object_del(fresh, "urls");
	*out = json_incref(fresh);
	return 0;
}

int rewrite_encrypted(
		const json_t *layer, const char *digest, const json_t *given, json_t **out, struct err *err)
{
	auto_json json_t *fresh = NULL;
	char type[REWRITE_TYPE_MAX];
	const char *old;

	if (text_of(layer, "mediaType", &old, err) < 0 || rewrite_encrypted_type(old, type, err) < 0 ||
			copy(layer, type, digest, &fresh, err) < 0)
		return -1;
	/* the cast is jansson's: `given` is only read */
	if (json_object_update(json_object_get(fresh, "annotations"), (json_t *)(uintptr_t)given) < 0)
		return err_set(err, ERR_BUG, "the annotations of an encryption are no object");
	*out = json_incref(fresh);
	return 0;
}

int rewrite_decrypted(const json_t *layer, const char *digest, json_t **out, struct err *err)
{
	auto_json json_t *fresh = NULL;
	char type[REWRITE_TYPE_MAX];
	const char *old;

	if (text_of(layer, "mediaType", &old, err) < 0 || rewrite_decrypted_type(old, type, err) < 0 ||
			copy(layer, type, digest, &fresh, err) < 0)
		return -1;
	if (!json_object_size(json_object_get(fresh, "annotations")))
		json_object_del(fresh, "annotations");
	*out = json_incref(fresh);
	return 0;
}
