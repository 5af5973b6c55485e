/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "facts/fetch_own.h"
#include "oci/attached.h"
#include "oci/manifest.h"
#include "policy/cosign.h"

#include <stdio.h>
#include <string.h>

#define PREDICATE      "dev.sigstore.bundle.predicateType"
#define PREDICATE_SIGN "https://sigstore.dev/cosign/sign/v1"

#define PROBLEM_MAX    256

/* One candidate for a signature: a layer of a manifest that is attached. */
struct candidate {
	const char *subject;
	const struct attachment *attachment;
	const struct oci_descriptor *layer;
};

static struct image_signature *begin(
		struct fetch *fetch, const struct candidate *from, enum image_layout layout)
{
	struct image_signature *signature = fetch_signature(fetch);

	if (!signature)
		return NULL;
	*signature = (struct image_signature){
		.layout = layout,
		.fallback = from->attachment->via == ATTACHED_BY_FALLBACK,
		.subject = arena_text(&fetch->memory, from->subject),
		.place = arena_text(&fetch->memory, from->attachment->manifest.digest),
		.type = "",
	};
	return signature;
}

const char *fetch_words(struct arena *memory, const char *why)
{
	char text[PROBLEM_MAX];

	snprintf(text, sizeof(text), "%s", why);
	span_tidy(text, strlen(text));
	return arena_text(memory, text);
}

void fetch_problem(struct fetch *fetch, struct image_signature *signature, const char *why)
{
	signature->problem = fetch_words(&fetch->memory, why);
}

bool fetch_is_its_own(enum err_kind kind)
{
	return kind == ERR_NOT_FOUND || kind == ERR_FORMAT || kind == ERR_LIMIT;
}

/* Reads the candidate's blob; *good says whether there is something to go on with. */
static int read_blob(struct fetch *fetch, struct image_signature *signature, const struct candidate *from,
		size_t max, struct buf *out, bool *good, struct err *err)
{
	struct err why = ERR_NONE;

	*good = fetch_blob(fetch, from->layer, max, out, &why) == 0;
	if (*good)
		return 0;
	if (!fetch_is_its_own(why.kind)) {
		if (err)
			*err = why;
		return -1;
	}
	fetch_problem(fetch, signature, why.text);
	return 0;
}

/* ---- the tag's layout ---- */

static void keep_values(struct fetch *fetch, struct image_signature *signature, const struct buf *values,
		size_t count)
{
	struct span *items = arena_take(&fetch->memory, count * sizeof(*items));

	for (size_t i = 0; i < count; i++)
		items[i] = arena_bytes(&fetch->memory, buf_span(&values[i]));
	signature->signatures = items;
	signature->signature_count = count;
	fetch->checkable++;
}

/*
 * What cosign writes for this image when it is given nothing to add, byte by byte: when it has the digest of the payload it is
 * the payload, and need not be asked for. Hub's host has another name there.
 */
static bool foresee_payload(struct fetch *fetch, const struct candidate *from, struct buf *out)
{
	const struct oci_name *name = &fetch->want->name;

	buf_init(out, IMAGE_PAYLOAD_MAX);
	buf_printf(out,
			"{\"critical\":{\"identity\":{\"docker-reference\":\"%s%s/%s\"},"
			"\"image\":{\"docker-manifest-digest\":\"%s\"},"
			"\"type\":\"cosign container image signature\"},\"optional\":null}",
			strcmp(name->host, OCI_HUB) ? "" : "index.", name->host, name->repository,
			from->subject);
	if (from->layer->size == out->len && oci_digest_fits(from->layer->digest, buf_span(out)) &&
			fetch_spends(fetch, out->len, NULL) == 0)
		return true;
	buf_clear(out);
	return false;
}

static int add_simple(struct fetch *fetch, const struct candidate *from, struct err *err)
{
	struct image_signature *signature = begin(fetch, from, IMAGE_SIG_TAG);
	const char *text = oci_descriptor_annotation(from->layer, COSIGN_SIGNATURE);
	auto_buf struct buf payload = BUF_MAX(0), value = BUF_MAX(COSIGN_VALUE_MAX);
	struct err why = ERR_NONE;
	bool good = true;

	if (!signature)
		return 0;
	if (!text) {
		fetch_problem(fetch, signature, "has no annotation " COSIGN_SIGNATURE);
		return 0;
	}
	if (cosign_signature_decode(span_of(text), &value, &why) < 0) {
		fetch_problem(fetch, signature, why.text);
		return 0;
	}
	if (!foresee_payload(fetch, from, &payload) &&
			read_blob(fetch, signature, from, IMAGE_PAYLOAD_MAX, &payload, &good, err) < 0)
		return -1;
	if (!good)
		return 0;
	signature->payload = arena_bytes(&fetch->memory, buf_span(&payload));
	keep_values(fetch, signature, &value, 1);
	return 0;
}

/* ---- bundles ---- */

static void keep_bundle(struct fetch *fetch, struct image_signature *signature, struct span text)
{
	auto_cosign_bundle struct cosign_bundle bundle;
	struct err why = ERR_NONE;

	if (cosign_bundle_parse(text, &bundle, &why) < 0) {
		fetch_problem(fetch, signature, why.text);
		return;
	}
	signature->type = arena_text(&fetch->memory, bundle.type);
	signature->payload = arena_bytes(&fetch->memory, buf_span(&bundle.payload));
	keep_values(fetch, signature, bundle.signatures, bundle.count);
}

static int add_bundle(struct fetch *fetch, const struct candidate *from, struct err *err)
{
	struct image_signature *signature = begin(fetch, from, IMAGE_SIG_BUNDLE);
	auto_buf struct buf text = BUF_MAX(0);
	bool good = false;

	if (!signature)
		return 0;
	if (read_blob(fetch, signature, from, COSIGN_BUNDLE_MAX, &text, &good, err) < 0)
		return -1;
	if (good)
		keep_bundle(fetch, signature, buf_span(&text));
	return 0;
}

/* ---- what is attached ---- */

/*
 * Provenance and lists of materials are bundles, too, and large. What the manifest says of the predicate is not
 * believed where it says that it is a signature; where it says that it is none, it is taken at its word.
 */
static bool is_of_another_kind(const struct oci_manifest *manifest)
{
	const char *predicate = json_text_at(manifest->json, "annotations", PREDICATE, NULL);

	return predicate && strcmp(predicate, PREDICATE_SIGN) != 0;
}

static int add_layer(struct fetch *fetch, const struct candidate *from, const struct oci_manifest *manifest,
		struct err *err)
{
	const char *type = from->layer->media_type;
	bool by_tag = from->attachment->via == ATTACHED_BY_TAG;

	if (by_tag && !strcmp(type, COSIGN_PAYLOAD_TYPE))
		return add_simple(fetch, from, err);
	if (!by_tag && span_starts(span_of(type), COSIGN_BUNDLE_TYPE) && !is_of_another_kind(manifest))
		return add_bundle(fetch, from, err);
	return 0;
}

/* What has no layers is no signature; where one must stand, that is worth a word. */
static int no_manifest(struct fetch *fetch, const struct candidate *from, const char *why)
{
	struct image_signature *signature =
			from->attachment->via == ATTACHED_BY_TAG ? begin(fetch, from, IMAGE_SIG_TAG) : NULL;

	if (signature)
		fetch_problem(fetch, signature, why);
	return 0;
}

static int add_attachment(struct fetch *fetch, const char *subject, const struct attachment *attachment,
		struct err *err)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	const struct oci_manifest_bytes *bytes = &attachment->manifest;
	struct candidate from = { .subject = subject, .attachment = attachment };
	struct err why = ERR_NONE;

	if (oci_manifest_parse(buf_span(&bytes->bytes), bytes->media_type, &manifest, &why) < 0)
		return no_manifest(fetch, &from, why.text);
	for (size_t i = 0; i < manifest.count; i++) {
		from.layer = &manifest.layers[i];
		if (add_layer(fetch, &from, &manifest, err) < 0)
			return err_wrap(err, "a signature in '%s'", bytes->digest);
	}
	return 0;
}

int fetch_attached(struct fetch *fetch, const char *digest, struct err *err)
{
	unsigned which = (fetch->want->looks & IMAGE_LOOKED_TAG ? ATTACHED_TAG : 0) |
			(fetch->want->looks & IMAGE_LOOKED_REFERRERS ? ATTACHED_REFERRERS : 0);
	auto_attached struct attached attached = ATTACHED_NONE;

	if (fetch_goes_on(fetch, err) < 0)
		return -1;
	if (oci_source_attached(fetch->source, digest, which, &attached, err) < 0)
		return err_wrap(err, "what is attached to '%s'", digest);
	fetch->more = fetch->more || attached.more;
	for (size_t i = 0; i < attached.count; i++)
		if (add_attachment(fetch, digest, &attached.items[i], err) < 0)
			return -1;
	return 0;
}
