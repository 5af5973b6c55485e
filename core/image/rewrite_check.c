/* SPDX-License-Identifier: Apache-2.0 */
/* Judgements of descriptors that stand in a manifest: was all encrypted that should be, and can a guest read it. */
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "image/annotation.h"
#include "image/rewrite.h"

#include <string.h>

/* ---- what was written ------------------------------------------------------------------------------------ */

/* The elements of one scheme. */
struct tally {
	const char *scheme;
	size_t count;
};

static int count_element(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	struct tally *tally = ctx;

	if (!element.len)
		return err_set(err, ERR_BUG, "wrapped key #%zu of '%s' is empty", index + 1, scheme);
	if (strcmp(scheme, tally->scheme) == 0)
		tally->count++;
	return 0;
}

static size_t recipients_of(const char *const *schemes, size_t recipients, const char *scheme)
{
	size_t count = 0;

	for (size_t i = 0; i < recipients; i++)
		count += strcmp(schemes[i], scheme) == 0;
	return count;
}

static int check_layer(const json_t *layer, const char *const *schemes, size_t recipients, struct err *err)
{
	const json_t *annotations = json_object_get(layer, "annotations");
	const char *type = json_text_at(layer, "mediaType", NULL);
	struct public_options public;

	if (!type || !rewrite_is_encrypted(type))
		return err_set(err, ERR_BUG, "its type '%.200s' does not end in " REWRITE_SUFFIX,
				type ? type : "");
	if (annotation_get_public(annotations, &public, err) < 0)
		return -1;
	for (size_t i = 0; i < recipients; i++) {
		struct tally tally = { schemes[i], 0 };
		size_t wanted = recipients_of(schemes, recipients, schemes[i]);
		/* a scheme is counted once, where it is named first */
		if (recipients_of(schemes, i, schemes[i]))
			continue;
		if (annotation_walk(annotations, count_element, &tally, err) < 0)
			return -1;
		if (tally.count < wanted)
			return err_set(err, ERR_BUG, "%zu wrapped keys of scheme '%s' for %zu recipients",
					tally.count, schemes[i], wanted);
	}
	return 0;
}

int rewrite_check(const json_t *manifest, const bool *selected, size_t layers, const char *const *schemes,
		size_t recipients, struct err *err)
{
	const json_t *list = json_object_get(manifest, "layers");

	if (json_array_size(list) != layers)
		return err_set(err, ERR_BUG, "the manifest has %zu layers instead of %zu",
				json_array_size(list), layers);
	for (size_t i = 0; i < layers; i++) {
		if (!selected[i] || check_layer(json_array_get(list, i), schemes, recipients, err) == 0)
			continue;
		if (err)
			err->kind = ERR_BUG;
		return err_wrap(err, "layer %zu is not encrypted as it should be", i);
	}
	return 0;
}

/* ---- guests ---------------------------------------------------------------------------------------------- */

/* The encrypted types that guests know; all others are "not encrypted" to them and fail. */
static bool guest_knows(const char *type)
{
	static const char *const known[] = {
		"application/vnd.oci.image.layer.v1.tar" REWRITE_SUFFIX,
		"application/vnd.oci.image.layer.v1.tar+gzip" REWRITE_SUFFIX,
		"application/vnd.oci.image.layer.nondistributable.v1.tar" REWRITE_SUFFIX,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" REWRITE_SUFFIX,
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(type, known[i]) == 0)
			return true;
	return false;
}

/* What we take of Go's writers, guests do not: line ends inside base64, members left out, lists of numbers. */
static int check_base64(const json_t *annotations, struct err *err)
{
	const char *key = NULL;
	json_t *value = NULL;

	/* the cast is jansson's: its iterator has no const form, and nothing is changed here */
	json_object_foreach ((json_t *)(uintptr_t)annotations, key, value) {
		const char *text = json_string_value(value);
		if (text && strncmp(key, ANNOTATION_PREFIX, strlen(ANNOTATION_PREFIX)) == 0 &&
				strpbrk(text, "\r\n"))
			return err_set(err, ERR_FORMAT,
					"annotation '%.200s' has line ends in its base64, which guests do "
					"not take",
					key);
	}
	return 0;
}

static int check_public(const json_t *annotations, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(OPTIONS_MAX), mac = BUF_MAX(OPTIONS_MAX);
	auto_json json_t *doc = NULL;
	json_t *options = NULL, *value = NULL;
	const char *hmac = NULL, *name = NULL;

	if (b64_decode(span_of(json_text_at(annotations, ANNOTATION_PUBLIC, NULL)), &text, err) < 0 ||
			json_read(buf_span(&text), OPTIONS_MAX, &doc, err) < 0 ||
			json_get_text(doc, "", "hmac", &hmac, err) < 0 ||
			b64_decode(span_of(hmac), &mac, err) < 0 ||
			json_get_object(doc, "", "cipheroptions", &options, err) < 0)
		return -1;
	json_object_foreach (options, name, value)
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT, "cipheroptions.%.60s: is no text", name);
	return 0;
}

/* Both, of a layer whose public options we can read ourselves. */
static int check_strictly(const json_t *annotations, struct err *err)
{
	if (check_base64(annotations, err) < 0)
		return -1;
	if (check_public(annotations, err) < 0)
		return err_wrap(err, "guests cannot read the annotation '" ANNOTATION_PUBLIC "'");
	return 0;
}

struct reading {
	enum packet_guest guest;
	const char *provider; /* scheme of the provider's annotation at hand */
	bool good;            /* it has a packet that the guest reads */
	bool jwe;
	bool any;
	bool bad; /* why is set */
	struct err *why;
};

/* The annotation of one provider ends: a guest takes any of several, so each must serve. */
static void close_provider(struct reading *reading)
{
	if (!reading->provider || reading->good)
		return;
	reading->bad = true;
}

static int read_element(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	struct reading *reading = ctx;
	auto_packet struct packet packet = PACKET_NONE;
	struct err why = ERR_NONE;

	(void)err;
	reading->any = true;
	reading->jwe = reading->jwe || strcmp(scheme, "jwe") == 0;
	if (strncmp(scheme, "provider.", 9) != 0)
		return 0;
	if (!index) {
		close_provider(reading);
		reading->provider = scheme;
		reading->good = false;
	}
	if (!element.len)
		return err_set(reading->why, ERR_FORMAT, "element #%zu of '%s' is not base64", index + 1,
				scheme);
	if (packet_parse(element, &packet, &why) < 0 ||
			packet_guest_reads(&packet, reading->guest, &why) < 0) {
		if (!reading->bad)
			err_set(reading->why, ERR_FORMAT, "element #%zu of '%s': %s", index + 1, scheme,
					why.text);
		return 0;
	}
	reading->good = true;
	return 0;
}

int rewrite_guest_form(const json_t *layer, struct err *err)
{
	struct public_options public;
	const char *type = json_text_at(layer, "mediaType", NULL);
	const json_t *annotations = json_object_get(layer, "annotations");

	if (!type)
		return err_set(err, ERR_FORMAT, "the layer has no media type");
	if (!guest_knows(type))
		return err_set(err, ERR_FORMAT, "guests do not know the type '%.200s'%s", type,
				strstr(type, "zstd") ? ": encrypted layers must be plain or gzip for them"
						     : "");
	if (annotation_get_public(annotations, &public, err) < 0)
		return -1;
	return check_strictly(annotations, err);
}

static enum rewrite_guest judge_keys(const json_t *layer, struct reading *reading)
{
	const json_t *annotations = json_object_get(layer, "annotations");

	if (annotation_walk(annotations, read_element, reading, reading->why) < 0)
		return REWRITE_GUEST_CANNOT;
	close_provider(reading);
	if (reading->bad)
		return REWRITE_GUEST_CANNOT;
	if (reading->provider) {
		err_clear(reading->why);
		return REWRITE_GUEST_READS;
	}
	if (reading->jwe) {
		err_set(reading->why, ERR_NOT_FOUND,
				"there is a wrapped key for a JWE recipient alone: the guest needs the "
				"private "
				"key in its own files");
		return REWRITE_GUEST_NEEDS_KEY;
	}
	err_set(reading->why, ERR_FORMAT,
			reading->any ? "no wrapped key is of a scheme that guests know "
				       "(provider.*, jwe)"
				     : "there are no wrapped keys");
	return REWRITE_GUEST_CANNOT;
}

enum rewrite_guest rewrite_guest(const json_t *layer, enum packet_guest guest, struct err *why)
{
	struct err unseen = ERR_NONE;
	struct reading reading = { .guest = guest, .why = why ? why : &unseen };
	const char *type = json_text_at(layer, "mediaType", NULL);

	if (!type) {
		err_set(why, ERR_FORMAT, "the layer has no media type");
		return REWRITE_GUEST_CANNOT;
	}
	if (!rewrite_is_encrypted(type))
		return REWRITE_GUEST_READS;
	if (rewrite_guest_form(layer, reading.why) < 0)
		return REWRITE_GUEST_CANNOT;
	return judge_keys(layer, &reading);
}
